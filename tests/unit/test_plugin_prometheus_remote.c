/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_prometheus_static fa_public snappy */
/* Remote write 1.0: what a message says, what is refused and why, and that no split of its bytes
 * changes a word of it. The vectors were made by other encoders. */
#include "fa_test.h"
#include "fa_sink.h"
#include "remote_write.h"

#define NOW INT64_C(1700000000000)
#define T0  INT64_C(1700000000000)

struct setup {
    const char *path, *type, *encoding, *version;
    int64_t body_max, kept_max;
};
static const struct setup plain = {.path = "/api/v1/write"};

struct feed {
    void *self, *conn;
};

static void feed_open(struct feed *feed, const struct setup *setup)
{
    struct firealarm_error error = {{0}};
    struct firealarm_value values[] = {{.number = setup->body_max > 0 ? setup->body_max : 1 << 24},
                                       {.number = setup->kept_max > 0 ? setup->kept_max : 1 << 26}};
    struct firealarm_settings settings = {.name = "test", .values = values, .count = 2};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_label headers[3];
    struct firealarm_request request = {.size = sizeof request,
                                        .transport = FIREALARM_HTTP,
                                        .method = FIREALARM_TEXT("POST"),
                                        .path = {setup->path, strlen(setup->path)},
                                        .headers = headers};
    const char *given[][2] = {{"content-type", setup->type},
                              {"content-encoding", setup->encoding},
                              {"x-prometheus-remote-write-version", setup->version}};
    for (size_t i = 0; i < 3; i++) {
        if (given[i][1] != NULL) {
            headers[request.header_count++] = (struct firealarm_label){
                {given[i][0], strlen(given[i][0])}, {given[i][1], strlen(given[i][1])}};
        }
    }
    if (feed->self == NULL) {
        assert_int_equal(firealarm_decoder.create(&host, &settings, &feed->self, &error), 0);
    }
    assert_int_equal(firealarm_decoder.open(feed->self, &request, &feed->conn, &error), 0);
}

static void feed_close(struct feed *feed)
{
    firealarm_decoder.close(feed->conn);
    firealarm_decoder.destroy(feed->self);
}

static void post(const struct setup *setup, struct fa_sink *sink, const void *body, size_t len,
                 size_t piece)
{
    struct feed feed = {0};
    fa_sink_init(sink, NOW);
    feed_open(&feed, setup);
    assert_int_equal(fa_sink_feed(sink, &firealarm_decoder, feed.conn, body, len, piece), 0);
    feed_close(&feed);
}

/* Takes the body; it must say this in any pieces. */
static void check(struct rw *body, const char *said)
{
    static const size_t pieces[] = {0, 1, 2, 13, 4096};
    struct fa_sink *sink = malloc(sizeof *sink);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        post(&plain, sink, body->data, body->len, pieces[i]);
        if (strcmp(sink->text, said) != 0) {
            fail_msg("in pieces of %zu said:\n%sexpected:\n%s", pieces[i], sink->text, said);
        }
    }
    free(sink);
    free(body->data);
    *body = (struct rw){0};
}

static void check_message(struct rw *message, const char *said)
{
    struct rw packed = rw_pack(message);
    check(&packed, said);
}

static void bytes_of_hex(const char *hex, struct rw *ret)
{
    *ret = (struct rw){.data = malloc(1), .cap = 1};
    for (; hex[0] != '\0'; hex += 2) {
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        char c = (char)byte;
        rw_put(ret, &c, 1);
    }
}

static void what_other_encoders_wrote_is_read(void **state)
{
    struct rw body;
    /* deals{region="eu"}: 42.5, then a stale marker */
    bytes_of_hex("47f0460a450a110a085f5f6e616d655f5f12056465616c730a0c0a06726567696f6e1202657512100"
                 "900000000004045401080d095ffbc31121009020000000000f07f1098c596ffbc31",
                 &body);
    check(&body, "gauge deals{region=\"eu\"} 42.5 @1700000000000\n"
                 "stale gauge deals{region=\"eu\"} @1700000015000\n");
    /* No message is one too: what a sender of metadata begins with. */
    bytes_of_hex("00", &body);
    check(&body, "");
}

static void series_are_read_whatever_the_order_of_their_labels(void **state)
{
    struct rw message = {0}, series = {0};
    rw_label(&series, "z", "1");
    rw_label(&series, "__name__", "hits_total");
    rw_label(&series, "empty", "");
    rw_label(&series, "Z\xc3\xa9", "x \"y\"\n");
    rw_sample(&series, 1.5, T0);
    rw_sample(&series, 0, T0 + 1000); /* a zero is absent on the wire */
    rw_message(&message, 1, &series);
    rw_bytes(&message, 3, "\x08\x01\x12\x04hits", 8); /* metadata */
    rw_bytes(&message, 99, "what is to come", 15);
    rw_label(&series, "__name__", "my.metric");
    rw_sample(&series, -0.5, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "nothing");
    rw_message(&message, 1, &series);
    check_message(&message, "total hits_total{Z\xc3\xa9=\"x \"y\"\n\",z=\"1\"} 1.5 @1700000000000\n"
                            "total hits_total{Z\xc3\xa9=\"x \"y\"\n\",z=\"1\"} 0 @1700000001000\n"
                            "gauge my.metric -0.5 @1700000000000\n");
}

static void exemplars_are_passed_over_and_native_histograms_refused(void **state)
{
    struct rw message = {0}, series = {0};
    rw_label(&series, "__name__", "h");
    rw_sample(&series, 1, T0);
    rw_bytes(&series, 3, "\x11\0\0\0\0\0\0\xf0\x3f", 9);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "n");
    rw_bytes(&series, 4, "\x08\x01", 2);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "both");
    rw_sample(&series, 2, T0);
    rw_bytes(&series, 4, "\x08\x01", 2);
    rw_message(&message, 1, &series);
    check_message(&message, "gauge h 1 @1700000000000\nreject native histograms are not read: n\n"
                            "reject native histograms are not read: both\n"
                            "gauge both 2 @1700000000000\n");
}

static void a_marker_ends_a_series_and_makes_none(void **state)
{
    struct rw message = {0}, series = {0};
    rw_label(&series, "__name__", "unheard");
    rw_sample_bits(&series, RW_STALE, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "up");
    rw_sample(&series, 1, T0);
    rw_sample_bits(&series, RW_STALE, T0 + 1);
    rw_sample(&series, 2, T0 + 2);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "up");
    rw_sample_bits(&series, RW_STALE, T0 + 3);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "nan");
    rw_sample_bits(&series, UINT64_C(0x7ff8000000000001), T0);
    rw_sample_bits(&series, UINT64_C(0x7ff0000000000003), T0);
    rw_message(&message, 1, &series);
    check_message(&message, "gauge up 1 @1700000000000\nstale gauge up @1700000000001\n"
                            "gauge up 2 @1700000000002\nstale gauge up @1700000000003\n"
                            "gauge nan nan @1700000000000\ngauge nan nan @1700000000000\n");
}

static void good(struct rw *message, const char *name)
{
    struct rw series = {0};
    rw_label(&series, "__name__", name);
    rw_sample(&series, 1, T0);
    rw_message(message, 1, &series);
}

static void each_fault_has_its_reason_and_costs_nothing_else(void **state)
{
    struct rw message = {0}, series = {0};
    good(&message, "a");
    rw_label(&series, "x", "y");
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "twice");
    rw_label(&series, "x", "y");
    rw_label(&series, "x", "z");
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "two");
    rw_label(&series, "__name__", "names");
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "bad\xff");
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "b");
    rw_label(&series, "x", "\xc0\x80");
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "c");
    rw_label(&series, "", "y");
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "old");
    rw_sample(&series, 1, 0);
    rw_sample(&series, 1, -5);
    rw_sample(&series, 2, T0);
    rw_message(&message, 1, &series);
    rw_sample(&series, 1, T0);
    rw_label(&series, "__name__", "late");
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "cut");
    rw_bytes(&series, 2, "\x09\x00\x00", 3);
    rw_message(&message, 1, &series);
    rw_bytes(&series, 1, "\x0a\x7f", 2);
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    rw_label(&series, "__name__", "group");
    rw_put(&series, "\x2b", 1); /* an old group, which proto3 does not have */
    rw_message(&message, 1, &series);
    good(&message, "z");
    check_message(&message, "gauge a 1 @1700000000000\n"
                            "reject a series has no __name__: \n"
                            "reject a series has no __name__: \n"
                            "reject a label comes twice: twice\n"
                            "reject a label comes twice: two\n"
                            "reject a name is not UTF-8: bad\xff\n"
                            "reject a label is not UTF-8: b\n"
                            "reject a label has no name: c\n"
                            "reject a time is before 1970: old\n"
                            "reject a time is before 1970: old\n"
                            "gauge old 2 @1700000000000\n"
                            "reject a label follows the samples: late\n"
                            "reject a series is damaged: \n"
                            "reject a label is damaged: \n"
                            "reject a series is damaged: \n"
                            "gauge z 1 @1700000000000\n");
}

static void a_message_that_does_not_fit_itself_is_read_up_to_there(void **state)
{
    struct rw message = {0};
    good(&message, "a");
    rw_put(&message,
           "\x0a\x7f"
           "ab",
           4);
    check_message(&message, "gauge a 1 @1700000000000\nreject the message is damaged: \n");
    good(&message, "a");
    rw_put(&message, "\x07", 1); /* no such wire type */
    good(&message, "never read");
    check_message(&message, "gauge a 1 @1700000000000\nreject the message is damaged: \n");
    rw_put(&message, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
    check_message(&message, "reject the message is damaged: \n");
    rw_put(&message, "\x00", 1);
    check_message(&message, "reject the message is damaged: \n");
    good(&message, "a");
    good(&message, "b");
    struct rw body = rw_pack(&message);
    body.len--;
    check(&body, "gauge a 1 @1700000000000\n"
                 "reject the body is no snappy block, or cut short: \n");
}

static void many_labels_and_samples_are_read(void **state)
{
    struct rw message = {0}, series = {0};
    char name[16];
    for (int i = 0; i < 257; i++) {
        snprintf(name, sizeof name, "l%d", i);
        rw_label(&series, name, "x");
    }
    rw_label(&series, "__name__", "wide");
    rw_sample(&series, 1, T0);
    rw_message(&message, 1, &series);
    good(&message, "a");
    check_message(&message, "reject a series has too many labels: wide\n"
                            "gauge a 1 @1700000000000\n");
    char *said = malloc(1 << 16);
    size_t len = 0;
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "m%d", i % 90);
        rw_label(&series, "__name__", name);
        for (int k = 0; k < 3; k++) {
            rw_sample(&series, i, T0 + k);
            len += (size_t)snprintf(said + len, (1 << 16) - len, "gauge %s %d @%lld\n", name, i,
                                    (long long)T0 + k);
        }
        rw_message(&message, 1, &series);
    }
    check_message(&message, said);
    free(said);
}

/* ---- snappy ---- */

static void every_element_of_snappy_is_understood(void **state)
{
    static const struct {
        const char *hex, *reason;
    } rows[] = {
        /* An unknown field that holds the text: nothing is said, and nothing refused. */
        {"0e047a0c0c616263641104", NULL},   /* literal and a copy of one byte's offset */
        {"0c047a0a00611501", NULL},         /* overlapping, 1-byte offset */
        {"0c047a0a0061220100", NULL},       /* overlapping, 2-byte offset */
        {"0c047a0a00612301000000", NULL},   /* overlapping, 4-byte offset */
        {"0cf0017a0a00611501", NULL},       /* length in one more byte */
        {"0cf401007a0a00611501", NULL},     /* in two */
        {"0cf80100007a0a00611501", NULL},   /* in three */
        {"0cfc010000007a0a00611501", NULL}, /* in four */
        {"8c80808000047a0a00611501", NULL}, /* a length of 5 bytes */
        {"0c047a0a00611500", "no snappy block, or damaged"}, /* offset 0 */
        {"0c047a0a0061150f", "no snappy block, or damaged"}, /* before the beginning */
        {"0b047a0a00611501", "no snappy block, or damaged"}, /* more than declared */
        {"0d047a0a00611501", "no snappy block, or cut short"},
        {"0c047a0a006115", "no snappy block, or cut short"},
        {"0c047a", "no snappy block, or cut short"},
        {"0c", "no snappy block, or cut short"},
        {"", "no snappy block, or cut short"},
        {"80", "no snappy block, or cut short"},
        {"ffffffffff", "no snappy block, or damaged"},
        {"ff060000734e61507059", "no snappy block, or damaged"}, /* the framed format */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rw body;
        char said[128] = "";
        bytes_of_hex(rows[i].hex, &body);
        if (rows[i].reason != NULL) {
            snprintf(said, sizeof said, "reject the body is %s: \n", rows[i].reason);
        }
        check(&body, said);
    }
}

static void a_copy_reaches_back_beyond_64_kilobytes(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    struct rw message = {0}, body = {0};
    good(&message, "a");
    size_t series = message.len;
    char *noise = malloc(100000);
    srandom(3);
    for (size_t i = 0; i < 100000; i++) {
        noise[i] = (char)random();
    }
    rw_bytes(&message, 99, noise, 100000);
    /* The message as one literal, and then the first series again, from its very beginning. */
    rw_varint(&body, message.len + series);
    uint32_t rest = (uint32_t)message.len - 1;
    char head[] = {(char)(62 << 2), (char)rest, (char)(rest >> 8), (char)(rest >> 16)};
    rw_put(&body, head, 4);
    rw_put(&body, message.data, message.len);
    char copy[] = {(char)((series - 1) << 2 | 3), (char)message.len, (char)(message.len >> 8),
                   (char)(message.len >> 16), 0};
    rw_put(&body, copy, 5);
    for (size_t piece = 0; piece < 5000; piece += 4096) {
        post(&plain, sink, body.data, body.len, piece);
        assert_string_equal(sink->text, "gauge a 1 @1700000000000\ngauge a 1 @1700000000000\n");
    }
    free(noise);
    free(message.data);
    free(body.data);
    free(sink);
}

/* ---- limits and answers ---- */

static void a_body_too_large_is_refused_before_anything_is_kept(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    struct setup setup = plain;
    struct rw body;
    setup.body_max = 65536;
    bytes_of_hex("818004047a0a00611501", &body); /* says 65,537 */
    post(&setup, sink, body.data, body.len, 1);
    assert_contains(sink->text, "reply 413 ");
    assert_contains(sink->text, "body_bytes");
    free(body.data);
    bytes_of_hex("ffffffff0f047a0a00611501", &body); /* says 4 GiB */
    post(&setup, sink, body.data, body.len, 0);
    assert_contains(sink->text, "reply 413 ");
    free(body.data);
    free(sink);
}

static void too_many_bodies_at_once_are_asked_to_come_again(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    struct setup setup = plain;
    struct rw message = {0};
    struct feed feed = {0};
    setup.kept_max = 65536;
    good(&message, "a");
    struct rw body = rw_pack(&message);
    /* One that says it is large and has not sent much of it. */
    struct rw begun = {0};
    rw_varint(&begun, 65536);
    rw_put(&begun, "\x04zz", 3);
    fa_sink_init(sink, NOW);
    feed_open(&feed, &setup);
    struct firealarm_error error;
    assert_int_equal(firealarm_decoder.feed(feed.conn, &sink->sink,
                                            (struct firealarm_text){begun.data, begun.len}, 0,
                                            &error),
                     0);
    struct feed second = {.self = feed.self};
    feed_open(&second, &setup);
    fa_sink_feed(sink, &firealarm_decoder, second.conn, body.data, body.len, 0);
    assert_string_equal(sink->text, "reject too many bodies at once: send it again: \n"
                                    "reply 503 text/plain; charset=utf-8 too many bodies at once: "
                                    "send it again\n\n");
    firealarm_decoder.close(second.conn);
    firealarm_decoder.close(feed.conn);
    feed_open(&feed, &setup);
    fa_sink_init(sink, NOW);
    fa_sink_feed(sink, &firealarm_decoder, feed.conn, body.data, body.len, 0);
    assert_string_equal(sink->text, "gauge a 1 @1700000000000\n");
    feed_close(&feed);
    free(begun.data);
    free(body.data);
    free(sink);
}

static void what_is_not_read_is_415_and_the_rest_is(void **state)
{
    static const struct {
        const char *path, *type, *encoding, *version;
        bool is_read;
    } rows[] = {
        {"/api/v1/write", "application/x-protobuf", "snappy", "0.1.0", true},
        {"/api/v1/write", "application/x-protobuf;proto=prometheus.WriteRequest", "SNAPPY", "1.0.0",
         true},
        {"/write", NULL, NULL, NULL, true},
        {"/prometheus/write", "text/plain", "", NULL, true},
        {"/pull", "application/x-protobuf", NULL, NULL, true},
        {"/write", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy", "2.0.0",
         false},
        {"/write", "application/x-protobuf;proto=io.prometheus.write.v2.Request", NULL, NULL,
         false},
        {"/write", "application/x-protobuf", "snappy", "2.0.0", false},
        {"/write", "application/x-protobuf", "zstd", "0.1.0", false},
        {"/write", "application/x-protobuf", "gzip", "0.1.0", false},
    };
    struct fa_sink *sink = malloc(sizeof *sink);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rw message = {0};
        good(&message, "a");
        struct rw body = rw_pack(&message);
        struct setup setup = {.path = rows[i].path,
                              .type = rows[i].type,
                              .encoding = rows[i].encoding,
                              .version = rows[i].version};
        post(&setup, sink, body.data, body.len, 5);
        if (rows[i].is_read ? strcmp(sink->text, "gauge a 1 @1700000000000\n") != 0
                            : strstr(sink->text, "\nreply 415 ") == NULL) {
            fail_msg("row %zu: %s", i, sink->text);
        }
        free(body.data);
    }
    free(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_other_encoders_wrote_is_read),
        cmocka_unit_test(series_are_read_whatever_the_order_of_their_labels),
        cmocka_unit_test(exemplars_are_passed_over_and_native_histograms_refused),
        cmocka_unit_test(a_marker_ends_a_series_and_makes_none),
        cmocka_unit_test(each_fault_has_its_reason_and_costs_nothing_else),
        cmocka_unit_test(a_message_that_does_not_fit_itself_is_read_up_to_there),
        cmocka_unit_test(many_labels_and_samples_are_read),
        cmocka_unit_test(every_element_of_snappy_is_understood),
        cmocka_unit_test(a_copy_reaches_back_beyond_64_kilobytes),
        cmocka_unit_test(a_body_too_large_is_refused_before_anything_is_kept),
        cmocka_unit_test(too_many_bodies_at_once_are_asked_to_come_again),
        cmocka_unit_test(what_is_not_read_is_415_and_the_rest_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

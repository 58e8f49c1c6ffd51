/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_statsd_static fa_public fa_base */
#include "fa_test.h"
#include "fa_sink.h"
#include "base/id.h"
#include "../../plugins/statsd/statsd.h"

#define NOW INT64_C(1700000000000)

struct feed {
    void *self, *conn;
    struct fa_sink *sink;
};

static void feed_open(struct feed *feed, const char *gauge_sign, uint32_t transport)
{
    struct firealarm_error error = {{0}};
    struct firealarm_value value = {.text = {gauge_sign, strlen(gauge_sign)}};
    struct firealarm_settings settings = {.name = "test", .values = &value, .count = 1};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_request request = {.size = sizeof request, .transport = transport};
    feed->sink = malloc(sizeof *feed->sink);
    fa_sink_init(feed->sink, NOW);
    assert_int_equal(firealarm_decoder.create(&host, &settings, &feed->self, &error), 0);
    assert_int_equal(firealarm_decoder.open(feed->self, &request, &feed->conn, &error), 0);
}

static void feed_close(struct feed *feed)
{
    firealarm_decoder.close(feed->conn);
    firealarm_decoder.destroy(feed->self);
    free(feed->sink);
}

struct row {
    const char *bytes, *said;
};

/* Each row as one datagram, and as a stream in pieces: what is said must not differ. */
static void check_rows(const char *gauge_sign, const struct row *rows, size_t count)
{
    static const size_t pieces[] = {0, 1, 3, 10};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            struct feed feed;
            feed_open(&feed, gauge_sign, pieces[k] == 0 ? FIREALARM_DATAGRAM : FIREALARM_STREAM);
            fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, rows[i].bytes,
                         strlen(rows[i].bytes), pieces[k]);
            /* Rejections are told at once, samples in batches: order between the two is open. */
            if (strcmp(feed.sink->text, rows[i].said) != 0 &&
                strstr(rows[i].said, "reject") == NULL) {
                fail_msg("%s\nin pieces of %zu said:\n%sexpected:\n%s", rows[i].bytes, pieces[k],
                         feed.sink->text, rows[i].said);
            }
            if (strlen(feed.sink->text) != strlen(rows[i].said)) {
                fail_msg("%s\nin pieces of %zu said:\n%sexpected:\n%s", rows[i].bytes, pieces[k],
                         feed.sink->text, rows[i].said);
            }
            if (pieces[k] == 0) {
                assert_string_equal(feed.sink->text, rows[i].said);
            }
            feed_close(&feed);
        }
    }
}

#define CHECK(sign, rows) check_rows(sign, rows, sizeof(rows) / sizeof((rows)[0]))

static void each_type_becomes_its_kind(void **state)
{
    static const struct row rows[] = {
        {"a:1|c", "delta a 1\n"},
        {"a.b-c/d:1|c\n", "delta a.b-c/d 1\n"},
        {"a:-3|c", "delta a -3\n"},
        {"a:3.5|g", "gauge a 3.5\n"},
        {"a:320|ms", "dist a 320\n"},
        {"a:1.5|h", "dist a 1.5\n"},
        {"a:-1.5|d", "dist a -1.5\n"},
        {"a:alice|s", "set a\n"},
        {"a:alice:with:colons|s", "set a\n"},
        {"caf\xc3\xa9:1|c", "delta caf\xc3\xa9 1\n"},
        {"latin\xe9:1|c", "delta latin\xe9 1\n"},
        {"", ""},
        {"\n\n\r\n", ""},
        {"ignored.x:1|c\na:2|c", "delta a 2\n"},
    };
    CHECK("delta", rows);
}

static void a_datagram_holds_many_lines(void **state)
{
    static const struct row rows[] = {
        {"a:1|c\nb:2|g\n\nc:3|ms", "delta a 1\ngauge b 2\ndist c 3\n"},
        {"a:1|c\r\nb:2|g\r\n", "delta a 1\ngauge b 2\n"},
        {"a:1|c\nbad\nb:2|g\n", "delta a 1\nreject no \":\" after the name: bad\ngauge b 2\n"},
        {"a:1|c\nm: now\nb:2|g", "delta a 1\nreject the type is missing: m: now\ngauge b 2\n"},
    };
    CHECK("delta", rows);
}

static void samples_are_packed_in_both_ways(void **state)
{
    static const struct row rows[] = {
        {"a:1:2:3|h", "dist a 1\ndist a 2\ndist a 3\n"},
        {"a:21::22|ms|#x:y", "dist a{x=\"y\"} 21\ndist a{x=\"y\"} 22\n"},
        {"a:1|c:2|ms", "delta a 1\ndist a 2\n"},
        {"a:1|c|@0.5:2|ms|@0.1:3|g", "delta a 1 x2\ndist a 2 x10\ngauge a 3\n"},
        {"a:1:2|c:3|g", "delta a 1\ndelta a 2\ngauge a 3\n"},
        /* whole or not at all */
        {"a:1:x:3|h", "reject a value is no decimal number: a:1:x:3|h\n"},
        {"a::|h", "reject a value is missing: a::|h\n"},
        {"a:1|c:x|g", "reject a value is no decimal number: a:1|c:x|g\ndelta a 1\n"},
    };
    CHECK("delta", rows);
}

static void sample_rates_become_weights(void **state)
{
    static const struct row rows[] = {
        {"a:1|c|@0.1", "delta a 1 x10\n"},
        {"a:5|ms|@0.25", "dist a 5 x4\n"},
        {"a:5|c|@2e-1", "delta a 5 x5\n"},
        {"a:1|c|@+0.1", "delta a 1 x10\n"},
        {"a:1|c|@1", "delta a 1\n"},
        {"a:1|g|@0.1", "gauge a 1\n"},
        {"a:x|s|@0.1", "set a\n"},
        {"a:1|c|@0", "reject a sample rate is not above 0 and up to 1: a:1|c|@0\n"},
        {"a:1|c|@1.5", "reject a sample rate is not above 0 and up to 1: a:1|c|@1.5\n"},
        {"a:1|c|@-0.1", "reject a sample rate is not above 0 and up to 1: a:1|c|@-0.1\n"},
        {"a:1|c|@nan", "reject a sample rate is not above 0 and up to 1: a:1|c|@nan\n"},
        {"a:1|c|@", "reject a sample rate is not above 0 and up to 1: a:1|c|@\n"},
        {"a:1|c|@1e-305", "reject a sample rate is not above 0 and up to 1: a:1|c|@1e-305\n"},
    };
    CHECK("delta", rows);
}

static void tags_become_labels(void **state)
{
    static const struct row rows[] = {
        {"a:1|c|#env:dev,region:eu", "delta a{env=\"dev\",region=\"eu\"} 1\n"},
        {"a:1|c|#url:http://x:80/,bare", "delta a{url=\"http://x:80/\",bare=\"true\"} 1\n"},
        {"a:1|c|#a:b,#c:d", "delta a{a=\"b\",c=\"d\"} 1\n"},
        {"a:1|c|#a:b|#c:d", "delta a{a=\"b\",c=\"d\"} 1\n"},
        {"a:1|c|#,a:b,,:x,", "delta a{a=\"b\"} 1\n"},
        {"a:1|c|#", "delta a 1\n"},
        {"a:1|c|#a:", "delta a{a=\"\"} 1\n"},
        {"a:1|c|#dd.internal.entity_id:x,a:b,host:h", "delta a{a=\"b\",host=\"h\"} 1\n"},
        /* fields in any order, unknown ones ignored */
        {"app.ts:7|g|T1700000000|#env:dev|c:ci-1", "gauge app.ts{env=\"dev\"} 7 @1700000000000\n"},
        {"a:1|c|c:ci-1,in-2|@0.5|m:test|e:it-1|card:low|zzz|#x:y", "delta a{x=\"y\"} 1 x2\n"},
        {"a:1|c||#x:y|", "delta a{x=\"y\"} 1\n"},
    };
    CHECK("delta", rows);
}

static void timestamps_are_whole_seconds(void **state)
{
    static const struct row rows[] = {
        {"a:1|c|T1700000000", "delta a 1 @1700000000000\n"},
        {"a:1|ms|T1700000000", "dist a 1\n"},
        {"a:1|c|T0", "reject a timestamp is no whole number of seconds: a:1|c|T0\n"},
        {"a:1|c|T1.5", "reject a timestamp is no whole number of seconds: a:1|c|T1.5\n"},
        {"a:1|c|T-1", "reject a timestamp is no whole number of seconds: a:1|c|T-1\n"},
        {"a:1|c|T99999999999999999999",
         "reject a timestamp is no whole number of seconds: a:1|c|T99999999999999999999\n"},
    };
    CHECK("delta", rows);
}

static void a_signed_gauge_means_what_the_feed_was_told(void **state)
{
    static const struct row delta[] = {
        {"a:5|g\na:-3|g\na:+4|g", "gauge a 5\ngdelta a -3\ngdelta a 4\n"},
        {"a:5:-3|g", "gauge a 5\ngdelta a -3\n"},
    };
    static const struct row absolute[] = {
        {"app.g:-5.5|g", "gauge app.g -5.5\n"},
        {"a:+4|g", "gauge a 4\n"},
    };
    CHECK("delta", delta);
    CHECK("absolute", absolute);
}

static void bad_lines_are_refused_with_a_reason(void **state)
{
    static const struct row rows[] = {
        {"a", "reject no \":\" after the name: a\n"},
        {":1|c", "reject the name is missing: :1|c\n"},
        {"a:1", "reject the type is missing: a:1\n"},
        {"a:|c", "reject a value is missing: a:|c\n"},
        {"a:|s", "reject a value is missing: a:|s\n"},
        {"a:", "reject the type is missing: a:\n"},
        {"a:1|", "reject a type is none of c g ms h d s: a:1|\n"},
        {"a:1|x", "reject a type is none of c g ms h d s: a:1|x\n"},
        {"a:1|msx", "reject a type is none of c g ms h d s: a:1|msx\n"},
        {"a:-1|ms", "reject a timer is below zero: a:-1|ms\n"},
        {"a:0x10|c", "reject a value is no decimal number: a:0x10|c\n"},
        {"a:Infinity|g", "reject a value is no decimal number: a:Infinity|g\n"},
        {"a:1e400|g", "reject a value is no decimal number: a:1e400|g\n"},
        {"a:nan|g", "reject a value is no decimal number: a:nan|g\n"},
        {"a:1,5|g", "reject a value is no decimal number: a:1,5|g\n"},
        {"a: 1|g", "reject a value is no decimal number: a: 1|g\n"},
        {"d:1,2,3|d", "reject a value is no decimal number: d:1,2,3|d\n"},
        {"a\tb:1|c", "reject a control byte: a\tb:1|c\n"},
        {"_x:1|c\n_:2|c", "delta _x 1\ndelta _ 2\n"},
    };
    CHECK("delta", rows);
}

static void events_are_cut_by_their_lengths(void **state)
{
    static const struct row rows[] = {
        {"_e{5,4}:title|text", "event title|text| @0 {}\n"},
        {"_e{5,0}:title|", "event title|| @0 {}\n"},
        {"_e{9,11}:app|title|line1\\nline|d:1700000000|h:web1|k:agg|p:low|s:crm|t:error|#a:b,c|c:x",
         "event app|title|line1\nline|crm @1700000000000 "
         "{a=\"b\",c=\"true\",host=\"web1\",alert_type=\"error\"}\n"},
        /* counted in UTF-16 units by a real client: 14 for 15 bytes */
        {"_e{11,14}:app.title|x|line1\\nline2 \xc3\xa9|d:1700000000",
         "event app.title|x|line1\nline2 \xc3\xa9| @1700000000000 {}\n"},
        {"_e{2,3}:t\xc3\xa9|abc|#x:y", "event t\xc3\xa9|abc| @0 {x=\"y\"}\n"},
        {"_e{0,4}:|text", "reject an event's title is empty: _e{0,4}:|text\n"},
        {"_e{5,9}:title|text", "reject an event is shorter than it says: _e{5,9}:title|text\n"},
        {"_e{x,4}:title|text", "reject an event's lengths are no numbers: _e{x,4}:title|text\n"},
        {"_e{5,4:title|text", "reject an event's lengths are no numbers: _e{5,4:title|text\n"},
        {"_e{99999999999999999999,4}:t|t",
         "reject an event's lengths are no numbers: _e{99999999999999999999,4}:t|t\n"},
        {"_e{5,4}", "reject an event is shorter than it says: _e{5,4}\n"},
    };
    CHECK("delta", rows);
}

static void a_service_check_is_a_gauge_of_its_status(void **state)
{
    static const struct row rows[] = {
        {"_sc|db.up|2|d:1700000000|h:web1|#env:dev|m:broken \\n m\\: x|c:ci-1",
         "gauge db.up{env=\"dev\"} 2 @1700000000000\n"},
        {"_sc|db.up|0", "gauge db.up 0\n"},
        {"_sc|db.up|4", "reject a service check has no name or no status 0..3: _sc|db.up|4\n"},
        {"_sc|db.up|", "reject a service check has no name or no status 0..3: _sc|db.up|\n"},
        {"_sc||0", "reject a service check has no name or no status 0..3: _sc||0\n"},
        {"_sc|db.up", "reject a service check has no name or no status 0..3: _sc|db.up\n"},
        {"_sc|db.up|01", "reject a service check has no name or no status 0..3: _sc|db.up|01\n"},
    };
    CHECK("delta", rows);
}

static void a_series_is_defined_once_and_found_by_its_spelling(void **state)
{
    struct feed feed;
    feed_open(&feed, "delta", FIREALARM_DATAGRAM);
    for (int i = 0; i < 1000; i++) {
        char line[64];
        int len = snprintf(line, sizeof line, "a:%d|c|#x:%d\na:1|g", i, i % 10);
        fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, line, (size_t)len, 0);
    }
    assert_int_equal(feed.sink->samples, 2000);
    assert_int_equal(feed.sink->defines, 11);
    feed_close(&feed);
}

static void more_samples_than_a_batch_all_arrive(void **state)
{
    struct feed feed;
    feed_open(&feed, "delta", FIREALARM_DATAGRAM);
    char line[8000];
    size_t len = (size_t)snprintf(line, sizeof line, "a");
    for (int i = 0; i < 1000; i++) {
        len += (size_t)snprintf(line + len, sizeof line - len, ":%d", i);
    }
    len += (size_t)snprintf(line + len, sizeof line - len, "|h|@0.5");
    fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, line, len, 0);
    assert_int_equal(feed.sink->samples, 1000);
    assert_contains(feed.sink->text, "dist a 999 x2\n");
    feed_close(&feed);
}

static void too_long_a_line_of_a_stream_is_skipped_to_its_end(void **state)
{
    struct feed feed;
    struct firealarm_error error = {{0}};
    char big[3000];
    memset(big, 'x', sizeof big);
    feed_open(&feed, "delta", FIREALARM_STREAM);
    for (int i = 0; i < 5; i++) {
        firealarm_decoder.feed(feed.conn, &feed.sink->sink,
                               (struct firealarm_text){big, sizeof big}, 0, &error);
    }
    fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, "x\na:1|c\n", 8, 0);
    assert_contains(feed.sink->text, "reject a line is too long: xxxx");
    assert_null(strstr(strstr(feed.sink->text, "reject") + 1, "reject"));
    assert_contains(feed.sink->text, "\ndelta a 1\n");
    feed_close(&feed);
}

static void too_long_a_name_or_tag_list_is_refused(void **state)
{
    struct feed feed;
    char line[6000];
    feed_open(&feed, "delta", FIREALARM_DATAGRAM);
    memset(line, 'n', sizeof line);
    memcpy(line + 5000, ":1|c", 4);
    fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, line, 5004, 0);
    memcpy(line, "a:1|c|#", 7);
    line[5000] = 'x';
    fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, line, 5000, 0);
    assert_int_equal(feed.sink->samples, 0);
    assert_contains(feed.sink->text, "reject a name and its tags are too long: nnn");
    assert_contains(feed.sink->text, "reject a name and its tags are too long: a:1|c|#nnn");
    feed_close(&feed);
}

static void equal_members_of_a_set_hash_alike_and_others_do_not(void **state)
{
    struct feed feed;
    feed_open(&feed, "delta", FIREALARM_DATAGRAM);
    struct statsd_conn *conn = feed.conn;
    fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, "a:x|s\na:x|s\na:y|s", 17, 0);
    assert_true(conn->values[0] == conn->values[1]);
    assert_true(conn->values[0] != conn->values[2]);
    assert_true(conn->values[0] >= 0 && conn->values[0] < 9007199254740992.0);
    feed_close(&feed);
}

static void numbers_agree_with_strtod(void **state)
{
    uint64_t seed = 42;
    for (int i = 0; i < 300000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        char text[64];
        double number, mine = 0;
        uint64_t bits = seed ^ (seed >> 29);
        memcpy(&number, &bits, sizeof number);
        bool plain = i % 2 == 0;
        if (plain) {
            number = (double)(int64_t)(seed >> 20) / 1000.0;
        }
        if (!isfinite(number)) {
            continue;
        }
        if (plain) {
            snprintf(text, sizeof text, "%.3f", number);
        } else {
            snprintf(text, sizeof text, "%.*e", (int)(seed % 18), number);
        }
        double right = strtod(text, NULL);
        int ok = statsd_number(text, text + strlen(text), &mine);
        if (isinf(right)) {
            continue;
        }
        double slack = plain ? 0 : fabs(right) * 3e-16 + 1e-323;
        if (!ok || fabs(mine - right) > slack) {
            fail_msg("%s: %.17g is not %.17g", text, mine, right);
        }
    }
}

static void only_decimal_numbers_are_numbers(void **state)
{
    static const char *const bad[] = {
        "",    "+",  "-",  ".",   "e1",  "1e",    "1e+",   "1e-",    "0x1",           "1f",   "inf",
        "nan", " 1", "1 ", "1_0", "--1", "1.2.3", "1e309", "-1e309", "1e99999999999", "1e1.5"};
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"+1", 1},
                {"-1", -1},
                {".5", .5},
                {"5.", 5},
                {"1e3", 1000},
                {"1E-3", .001},
                {"007", 7},
                {"1e-400", 0},
                {"0e99999", 0},
                {"0.000000000000000000000000000001", 1e-30},
                {"123456789012345678901234567890", 123456789012345678901234567890.0}};
    double value;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (statsd_number(bad[i], bad[i] + strlen(bad[i]), &value)) {
            fail_msg("\"%s\" was taken for a number", bad[i]);
        }
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(statsd_number(good[i].text, good[i].text + strlen(good[i].text), &value));
        assert_double_near(value, good[i].value, fabs(good[i].value) * 1e-15);
    }
}

static int write_line(char line[300], unsigned shape, const unsigned long long n[4])
{
    switch (shape) {
    case 0:
        return snprintf(line, 300, "a:%llu|c", n[0]);
    case 1:
        return snprintf(line, 300, "a:%llu|g|#q:%llu", n[0], n[1]);
    case 2:
        return snprintf(line, 300, "bc.d:%llu.%llu|ms|@0.%llu|#x,q:%llu", n[0], n[1], n[2], n[3]);
    case 3:
        return snprintf(line, 300, "a:0.%llu|h", n[0]);
    case 4:
        return snprintf(line, 300, "a:%llu.|d", n[0]);
    case 5:
        return snprintf(line, 300, "long.name.of:%llu.%llu|g|#queue:%llu,a", n[0], n[1], n[2]);
    case 6:
        return snprintf(line, 300, "a:%llu|c|@.5", n[0]);
    default:
        return snprintf(line, 300, "a:.%llu|g", n[0]);
    }
}

/* What the reader of many lines says of one, and what the other says of the same with a field
 * behind it that means nothing and that only it reads. */
static void both_readers_read_any_line_alike(void **state)
{
    static const char alphabet[] = "0123456789..eE+-|@#c,g:ms\x7f\x01 a";
    static const uint64_t sizes[] = {10, 1000, 10000000, 1000000000000000, 10000000000000000000u};
    struct fa_rng rng = {{5, 6}};
    unsigned known = 0, refused = 0;
    for (int round = 0; round < 40000; round++) {
        char line[300], said[2][1000];
        unsigned long long n[4];
        for (int i = 0; i < 4; i++) {
            n[i] = fa_rng_next(&rng) % sizes[fa_rng_next(&rng) % 5];
        }
        size_t len = (size_t)write_line(line, (unsigned)(fa_rng_next(&rng) % 8), n);
        if (round % 2 == 0) { /* one byte is another one, behind the name */
            line[3 + fa_rng_next(&rng) % (len - 3)] =
                alphabet[fa_rng_next(&rng) % (sizeof alphabet - 1)];
        }
        if (strchr(strchr(line, ':') + 1, ':') < strchr(line, '|') || strstr(line, "c:") != NULL ||
            strstr(line, "g:") != NULL || strstr(line, "s:") != NULL) {
            continue; /* more values or pieces: the field would not be behind them */
        }
        struct feed feed;
        feed_open(&feed, "delta", FIREALARM_DATAGRAM);
        for (int k = 0; k < 2; k++) {
            /* Twice: what is new is read by the slow one in any case. */
            fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, line, len, 0);
            feed.sink->len = 0;
            feed.sink->text[0] = '\0';
            fa_sink_feed(feed.sink, &firealarm_decoder, feed.conn, line, len, 0);
            bool is_refused = strncmp(feed.sink->text, "reject", 6) == 0;
            snprintf(said[k], sizeof said[k], "%s", is_refused ? "refused" : feed.sink->text);
            refused += is_refused;
            known += !is_refused;
            memcpy(line + len, "|x", 3);
            len += 2;
        }
        if (strcmp(said[0], said[1]) != 0) {
            fail_msg("%s: %s without, %s with the last field", line, said[0], said[1]);
        }
        feed_close(&feed);
    }
    assert_true(known > 20000 && refused > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_readers_read_any_line_alike),
        cmocka_unit_test(each_type_becomes_its_kind),
        cmocka_unit_test(a_datagram_holds_many_lines),
        cmocka_unit_test(samples_are_packed_in_both_ways),
        cmocka_unit_test(sample_rates_become_weights),
        cmocka_unit_test(tags_become_labels),
        cmocka_unit_test(timestamps_are_whole_seconds),
        cmocka_unit_test(a_signed_gauge_means_what_the_feed_was_told),
        cmocka_unit_test(bad_lines_are_refused_with_a_reason),
        cmocka_unit_test(events_are_cut_by_their_lengths),
        cmocka_unit_test(a_service_check_is_a_gauge_of_its_status),
        cmocka_unit_test(a_series_is_defined_once_and_found_by_its_spelling),
        cmocka_unit_test(more_samples_than_a_batch_all_arrive),
        cmocka_unit_test(too_long_a_line_of_a_stream_is_skipped_to_its_end),
        cmocka_unit_test(too_long_a_name_or_tag_list_is_refused),
        cmocka_unit_test(equal_members_of_a_set_hash_alike_and_others_do_not),
        cmocka_unit_test(numbers_agree_with_strtod),
        cmocka_unit_test(only_decimal_numbers_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

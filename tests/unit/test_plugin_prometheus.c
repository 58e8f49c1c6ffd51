/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_prometheus_static fa_public z */
/* Prometheus' text and OpenMetrics: what each line says, what is refused and why, and that neither
 * pieces nor gzip change a word of it. Remote write is in test_plugin_prometheus_remote.c. */
#include "fa_test.h"
#include "fa_sink.h"

#include <zlib.h>

#define NOW INT64_C(1700000000000)

#define OPEN_METRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct post {
    const char *method, *path, *type, *encoding;
    int64_t body_max;
};

static void post(const struct post *post, struct fa_sink *sink, const char *body, size_t len,
                 size_t piece)
{
    struct firealarm_error error = {{0}};
    struct firealarm_value values[] = {{.number = post->body_max > 0 ? post->body_max : 1 << 20},
                                       {.number = 1 << 20}};
    struct firealarm_settings settings = {.name = "test", .values = values, .count = 2};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_label headers[2];
    struct firealarm_request request = {
        .size = sizeof request, .transport = FIREALARM_HTTP, .headers = headers};
    const char *method = post->method != NULL ? post->method : "POST";
    const char *path = post->path != NULL ? post->path : "/api/v1/import/prometheus";
    request.method = (struct firealarm_text){method, strlen(method)};
    request.path = (struct firealarm_text){path, strlen(path)};
    if (post->type != NULL) {
        headers[request.header_count++] = (struct firealarm_label){
            FIREALARM_TEXT("content-type"), {post->type, strlen(post->type)}};
    }
    if (post->encoding != NULL) {
        headers[request.header_count++] = (struct firealarm_label){
            FIREALARM_TEXT("content-encoding"), {post->encoding, strlen(post->encoding)}};
    }
    void *self = NULL, *conn = NULL;
    fa_sink_init(sink, NOW);
    assert_int_equal(firealarm_decoder.create(&host, &settings, &self, &error), 0);
    assert_int_equal(firealarm_decoder.open(self, &request, &conn, &error), 0);
    assert_int_equal(fa_sink_feed(sink, &firealarm_decoder, conn, body, len, piece), 0);
    firealarm_decoder.close(conn);
    firealarm_decoder.destroy(self);
}

static size_t gzip(const char *text, size_t len, char *out, size_t size)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return size - z.avail_out;
}

struct row {
    const char *body, *said;
};

static void check_rows(const char *type, const struct row *rows, size_t count)
{
    static const size_t pieces[] = {0, 1, 2, 7};
    struct fa_sink *sink = malloc(sizeof *sink);
    for (size_t i = 0; i < count; i++) {
        char packed[8192];
        size_t len = strlen(rows[i].body);
        size_t packed_len = gzip(rows[i].body, len, packed, sizeof packed);
        for (size_t k = 0; k < 8; k++) {
            struct post how = {.type = type, .encoding = k >= 4 ? "gzip" : NULL};
            post(&how, sink, k >= 4 ? packed : rows[i].body, k >= 4 ? packed_len : len,
                 pieces[k % 4]);
            if (strcmp(sink->text, rows[i].said) != 0) {
                fail_msg("%s\nin pieces of %zu%s said:\n%sexpected:\n%s", rows[i].body,
                         pieces[k % 4], k >= 4 ? ", gzip," : "", sink->text, rows[i].said);
            }
        }
    }
    free(sink);
}

#define CHECK(type, rows) check_rows(type, rows, sizeof(rows) / sizeof((rows)[0]))

static void samples_of_every_spelling_are_read(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"\n \n\t\n# a comment\n#\n", ""},
        {"up 1\n", "gauge up 1\n"},
        {"up 1", "gauge up 1\n"},
        {"up 1\r\n\r\nup 2\r\n", "gauge up 1\ngauge up 2\n"},
        {"  up\t{ }  1  \n", "gauge up 1\n"},
        {"up{job=\"a\",instance=\"b:9\"} 1 1700000000123\n",
         "gauge up{instance=\"b:9\",job=\"a\"} 1 @1700000000123\n"},
        {"up{ job = \"a\" , } 0 +1700000000123", "gauge up{job=\"a\"} 0 @1700000000123\n"},
        {"up{job=\"\",x=\"y\"} 1\n", "gauge up{x=\"y\"} 1\n"},
        {"a:b_c9 1\n_ 2\n", "gauge a:b_c9 1\ngauge _ 2\n"},
        {"m{path=\"C:\\\\DIR\\\\x\",err=\"no\\nfile \\\"y\\\" \\t\"} 1\n",
         "gauge m{err=\"no\nfile \"y\" \\t\",path=\"C:\\DIR\\x\"} 1\n"},
        {"m{a=\"} 5 # \"} 1\n", "gauge m{a=\"} 5 # \"} 1\n"},
        {"m{a=\"x\\\\\",b=\"y\\\\\\\"\"} 1\n", "gauge m{a=\"x\\\",b=\"y\\\"\"} 1\n"},
        {"m{a=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5\"} 1\n",
         "gauge m{a=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5\"} 1\n"},
        {"{\"my.metric\"} 1\n{\"my.metric\",\"a.b\"=\"c\",d=\"e\"} 2\n",
         "gauge my.metric 1\ngauge my.metric{a.b=\"c\",d=\"e\"} 2\n"},
        {"{\"na\\\"me\\n\"} 1\n", "gauge na\"me\n 1\n"},
        {"m{\"a.b\"=\"c\"} 1\n", "gauge m{a.b=\"c\"} 1\n"},
        {"ignored{a=\"b\"} 1\nup 1\nignored 2\n", "gauge up 1\n"},
        {"up 1\nup 2\nup{} 3\n", "gauge up 1\ngauge up 2\ngauge up 3\n"},
    };
    CHECK(NULL, rows);
    CHECK("text/plain; version=0.0.4", rows);
}

static void numbers_are_those_of_prometheus(void **state)
{
    static const struct row rows[] = {
        {"v 0\nv -0\nv 1e3\nv .5\nv 5.\nv -1.5e-3\nv +2\n",
         "gauge v 0\ngauge v -0\ngauge v 1000\ngauge v 0.5\ngauge v 5\ngauge v -0.0015\ngauge v 2\n"},
        {"v NaN\nv nan\n", "gauge v nan\ngauge v nan\n"},
        {"v Inf\nv +Inf\nv -inf\nv +Infinity\n",
         "gauge v inf\ngauge v inf\ngauge v -inf\ngauge v inf\n"},
        {"v 0.1\nv 1.7976931348623157e308\nv 5e-324\nv 1e-400\n",
         "gauge v 0.10000000000000001\ngauge v 1.7976931348623157e+308\n"
         "gauge v 4.9406564584124654e-324\ngauge v 0\n"},
        {"v 9007199254740993\nv 123456789012345678901234567890\nv 0x1p-2\n",
         "gauge v 9007199254740992\ngauge v 1.2345678901234568e+29\ngauge v 0.25\n"},
        {"v 44667375401.9253276\nv 0.1234567890123456789\nv 99999999999999999999.5\n"
         "v 18446744073709551621\n",
         "gauge v 44667375401.925331\ngauge v 0.12345678901234568\ngauge v 1e+20\ngauge v 1.8446744073709552e+19\n"},
        {"v 8.41470984807896506652502321630298999622563060798371e-1\n",
         "gauge v 0.8414709848078965\n"},
    };
    CHECK(NULL, rows);
}

static void a_type_says_what_its_family_means(void **state)
{
    static const struct row rows[] = {
        {"# HELP http_requests_total Of any kind.\n# TYPE http_requests_total counter\n"
         "http_requests_total{code=\"200\"} 3\n",
         "total http_requests_total{code=\"200\"} 3\n"},
        {"# TYPE jobs counter\njobs 3\njobs_total 4\njobs_created 5\njobsize 6\n",
         "total jobs 3\ntotal jobs_total 4\ngauge jobs_created 5\ngauge jobsize 6\n"},
        {"# TYPE t gauge\nt 1\n# TYPE n_total gauge\nn_total 1\n", "gauge t 1\ngauge n_total 1\n"},
        {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_sum 1.5\nh_count 3\nh_created 9\n",
         "total h_bucket{le=\"+Inf\"} 3\ntotal h_sum 1.5\ntotal h_count 3\ngauge h_created 9\n"},
        {"# TYPE g gaugehistogram\ng_bucket{le=\"1\"} 3\ng_gsum 1.5\ng_gcount 3\n",
         "gauge g_bucket{le=\"1\"} 3\ngauge g_gsum 1.5\ngauge g_gcount 3\n"},
        {"# TYPE s summary\ns{quantile=\"0.9\"} 3\ns_sum 1.5\ns_count 3\n",
         "gauge s{quantile=\"0.9\"} 3\ntotal s_sum 1.5\ntotal s_count 3\n"},
        {"# TYPE i info\ni_info{v=\"1\"} 1\n# TYPE st stateset\nst{st=\"a\"} 1\n",
         "gauge i_info{v=\"1\"} 1\ngauge st{st=\"a\"} 1\n"},
        {"x_total 1\nx_bucket 2\nx_sum 3\nx_count 4\nx 5\n# TYPE u untyped\nu_total 1\n",
         "total x_total 1\ntotal x_bucket 2\ntotal x_sum 3\ntotal x_count 4\ngauge x 5\n"
         "total u_total 1\n"},
        {"# TYPE \"my.hits\" counter\n{\"my.hits\",a=\"b\"} 1\nother 2\n",
         "total my.hits{a=\"b\"} 1\ngauge other 2\n"},
        {"  #   TYPE   c   counter  \nc 1\n#TYPE c gauge\nc 2\n", "total c 1\ngauge c 2\n"},
    };
    CHECK(NULL, rows);
}

static void open_metrics_has_seconds_exemplars_and_an_end(void **state)
{
    static const struct row rows[] = {
        {"# EOF\n", ""},
        {"# TYPE a counter\n# UNIT a seconds\na_total 1 1700000000.123\na_created 1.7e9 1700000000\n# EOF",
         "total a_total 1 @1700000000123\ngauge a_created 1700000000 @1700000000000\n"},
        {"# TYPE h histogram\nh_bucket{le=\"1\"} 3 # {trace_id=\"x\"} 0.5 1700000000.1\n"
         "h_count 3 1700000001 # {} 1\n# EOF\n",
         "total h_bucket{le=\"1\"} 3\ntotal h_count 3 @1700000001000\n"},
        {"a 1\n", "gauge a 1\nreject no # EOF ends it: it may be cut: \n"},
        {"", "reject no # EOF ends it: it may be cut: \n"},
        {"a 1 1700000000.0006\n# EOF\n", "gauge a 1 @1700000000001\n"},
        {"a 1\n# EOF\n\nb 2\n", "gauge a 1\nreject something follows # EOF: b 2\n"},
        {"a 1 1.5e300\na 1 nan\na 1 -5\n# EOF\n",
         "reject a time is no number: a 1 1.5e300\nreject a time is no number: a 1 nan\n"
         "reject a time is before 1970: a 1 -5\n"},
    };
    CHECK(OPEN_METRICS, rows);
}

static void each_fault_has_its_reason_and_costs_nothing_else(void **state)
{
    static const struct row rows[] = {
        {"a 1\nb\nc 3\n", "gauge a 1\nreject a value is missing: b\ngauge c 3\n"},
        {"b{x=\"y\"}\n", "reject a value is missing: b{x=\"y\"}\n"},
        {"b{x=\"y\"\nc 3\n", "reject a series does not end: b{x=\"y\"\ngauge c 3\n"},
        {"b{x=\"y} 1\n", "reject a series does not end: b{x=\"y} 1\n"},
        {"b{x=\"y\\\"} 1\n", "reject a series does not end: b{x=\"y\\\"} 1\n"},
        {"b x\n", "reject a value is no number: b x\n"},
        {"b 1_000\nb 1,5\nb 0x\nb --1\nb 1e\nb e5\nb 1e999\nb ++Inf\nb -nan\n",
         "reject a value is no number: b 1_000\nreject a value is no number: b 1,5\n"
         "reject a value is no number: b 0x\nreject a value is no number: b --1\n"
         "reject a value is no number: b 1e\nreject a value is no number: b e5\n"
         "reject a value is no number: b 1e999\nreject a value is no number: b ++Inf\n"
         "reject a value is no number: b -nan\n"},
        {"b 1 x\nb 1 1.5\nb 1 -\n", "reject a time is no number: b 1 x\n"
                                    "reject a time is no number: b 1 1.5\n"
                                    "reject a time is no number: b 1 -\n"},
        {"b 1 99999999999999999999\n", "reject a time is no number: b 1 99999999999999999999\n"},
        {"b 1 0\nb 1 -5\n",
         "reject a time is before 1970: b 1 0\nreject a time is before 1970: b 1 -5\n"},
        {"b 1 1700000000000 x\nb 1 1700000000000 # {a=\"b\"} 1\n",
         "reject something follows the sample: b 1 1700000000000 x\n"
         "reject something follows the sample: b 1 1700000000000 # {a=\"b\"} 1\n"},
        {"my.metric 1\n9a 1\n\"a\" 1\n",
         "reject a name needs quotes: my.metric\nreject a name needs quotes: 9a\n"
         "reject a name needs quotes: \"a\"\n"},
        {"{a=\"b\"} 1\n{} 1\n{\"\"} 1\n",
         "reject a name is missing: {a=\"b\"}\nreject a name is missing: {}\n"
         "reject a name is missing: {\"\"}\n"},
        {"{\"a\xff\"} 1\n", "reject a name is not UTF-8: {\"a\xff\"}\n"},
        {"b{x=\"\xed\xa0\x80\"} 1\nb{x=\"\xc0\xaf\"} 1\nb{x=\"\xf5\x80\x80\x80\"} 1\nb{x=\"\xe2\x82\"} 1\n",
         "reject a label is not UTF-8: b{x=\"\xed\xa0\x80\"}\n"
         "reject a label is not UTF-8: b{x=\"\xc0\xaf\"}\n"
         "reject a label is not UTF-8: b{x=\"\xf5\x80\x80\x80\"}\n"
         "reject a label is not UTF-8: b{x=\"\xe2\x82\"}\n"},
        {"b{x} 1\nb{x,y=\"z\"} 1\n",
         "reject a label has no value: b{x}\nreject a label has no value: b{x,y=\"z\"}\n"},
        {"b{x=y} 1\nb{x=} 1\n", "reject a label's value is not in quotes: b{x=y}\n"
                                "reject a label's value is not in quotes: b{x=}\n"},
        {"b{x.y=\"1\"} 1\nb{=\"1\"} 1\nb{__name__=\"c\"} 1\n",
         "reject a label's name is none: b{x.y=\"1\"}\nreject a label's name is none: b{=\"1\"}\n"
         "reject a label's name is none: b{__name__=\"c\"}\n"},
        {"b{\"\"=\"1\"} 1\n", "reject a label has no name: b{\"\"=\"1\"}\n"},
        {"b{x=\"1\" y=\"2\"} 1\nb{,} 1\n",
         "reject labels are not parted by commas: b{x=\"1\" y=\"2\"}\n"
         "reject a label has no value: b{,}\n"},
        {"b{x=\"1\",x=\"2\"} 1\n", "reject a label comes twice: b{x=\"1\",x=\"2\"}\n"},
        {"b{\"c\"} 1\n{\"c\",\"d\"} 1\n{x=\"y\",\"d\"} 1\n",
         "reject a series has two names: b{\"c\"}\nreject a series has two names: {\"c\",\"d\"}\n"
         "reject a series has two names: {x=\"y\",\"d\"}\n"},
        {"# TYPE\n# TYPE a\n# TYPE a thing\n# TYPE a gauge x\n# TYPE \"a gauge\n",
         "reject a TYPE has no name: # TYPE\nreject a TYPE is none: # TYPE a\n"
         "reject a TYPE is none: # TYPE a thing\nreject a TYPE is none: # TYPE a gauge x\n"
         "reject a TYPE has no name: # TYPE \"a gauge\n"},
    };
    CHECK(NULL, rows);
}

static void a_line_too_long_is_refused_alone(void **state)
{
    static const size_t pieces[] = {0, 1, 4096};
    struct fa_sink *sink = malloc(sizeof *sink);
    size_t len = 100000;
    char *body = malloc(len + 64);
    memset(body, 'x', len);
    memcpy(body, "a 1\n", 4);
    memcpy(body + len, "\nb 2\n", 6);
    for (size_t i = 0; i < 3; i++) {
        post(&(struct post){0}, sink, body, len + 5, pieces[i]);
        assert_string_equal(sink->text, "gauge a 1\nreject a line is too long: \ngauge b 2\n");
        /* Nor does one that never ends. */
        post(&(struct post){0}, sink, body, len, pieces[i]);
        assert_string_equal(sink->text, "gauge a 1\nreject a line is too long: \n");
    }
    free(body);
    free(sink);
}

static void many_series_keep_their_order_and_are_defined_once(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    char body[16384], said[16384];
    size_t len = 0, said_len = 0;
    for (int i = 0; i < 400; i++) {
        len += (size_t)snprintf(body + len, sizeof body - len, "m{i=\"%d\"} %d\n", i % 100, i);
        said_len += (size_t)snprintf(said + said_len, sizeof said - said_len,
                                     "gauge m{i=\"%d\"} %d\n", i % 100, i);
    }
    for (size_t piece = 0; piece < 5000; piece = piece * 3 + 5) {
        post(&(struct post){0}, sink, body, len, piece);
        assert_string_equal(sink->text, said);
        assert_int_equal(sink->defines, 100);
    }
    free(sink);
}

static void what_is_not_read_is_answered_as_its_senders_understand(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    post(&(struct post){.encoding = "zstd"}, sink, "a 1\n", 4, 0);
    assert_string_equal(
        sink->text, "reject gzip is read, and no other encoding: \n"
                    "reply 415 text/plain; charset=utf-8 gzip is read, and no other encoding\n\n");
    post(&(struct post){.method = "GET"}, sink, "", 0, 0);
    assert_contains(sink->text, "reply 405 ");
    post(&(struct post){.method = "PUT", .encoding = "identity"}, sink, "a 1\n", 4, 0);
    assert_string_equal(sink->text, "gauge a 1\n");
    /* Of something that was pulled there is neither method nor path. */
    post(&(struct post){.method = "", .path = "", .type = OPEN_METRICS}, sink, "a 1\n# EOF\n", 10,
         0);
    assert_string_equal(sink->text, "gauge a 1\n");
    post(&(struct post){.body_max = 8}, sink, "a 1\nb 2\nc 3\n", 12, 4);
    assert_contains(sink->text, "gauge b 2\n");
    assert_contains(sink->text, "reply 413 ");
    free(sink);
}

static void a_damaged_or_endless_gzip_is_refused(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    char packed[8192], *zeros = calloc(1, 1 << 20);
    struct post how = {.encoding = "gzip", .body_max = 1 << 22};
    size_t len = gzip("a 1\nb 2\n", 8, packed, sizeof packed);
    post(&how, sink, packed, len - 9, 0);
    assert_contains(sink->text, "reject the body is no gzip, or cut short: ");
    post(&how, sink, "a 1\n", 4, 1);
    assert_string_equal(sink->text, "reject the body is no gzip, or damaged: \n");
    post(&how, sink, "", 0, 0);
    assert_string_equal(sink->text, "");
    /* What is cut anywhere ends with a whole line. */
    char lines[4096];
    size_t lines_len = 0;
    for (int i = 0; i < 200; i++) {
        lines_len += (size_t)snprintf(lines + lines_len, sizeof lines - lines_len, "m%d 12345\n",
                                      i * 7919 % 1000);
    }
    len = gzip(lines, lines_len, packed, sizeof packed);
    for (size_t cut = 0; cut < len; cut += 7) {
        post(&how, sink, packed, cut, 0);
        assert_null(strstr(sink->text, "a value is missing"));
    }
    len = gzip("a 1\nb 2\n", 8, packed, sizeof packed);
    /* Two gzip files one after the other are one text. */
    size_t second = gzip("c 3\n", 4, packed + len, sizeof packed - len);
    post(&how, sink, packed, len + second, 3);
    assert_string_equal(sink->text, "gauge a 1\ngauge b 2\ngauge c 3\n");
    for (size_t piece = 0; piece < 100; piece += 33) {
        len = gzip(zeros, 1 << 20, packed, sizeof packed);
        post(&how, sink, packed, len, piece);
        assert_contains(sink->text, "reply 413 text/plain; charset=utf-8 the body is packed more");
    }
    free(zeros);
    free(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_every_spelling_are_read),
        cmocka_unit_test(numbers_are_those_of_prometheus),
        cmocka_unit_test(a_type_says_what_its_family_means),
        cmocka_unit_test(open_metrics_has_seconds_exemplars_and_an_end),
        cmocka_unit_test(each_fault_has_its_reason_and_costs_nothing_else),
        cmocka_unit_test(a_line_too_long_is_refused_alone),
        cmocka_unit_test(many_series_keep_their_order_and_are_defined_once),
        cmocka_unit_test(what_is_not_read_is_answered_as_its_senders_understand),
        cmocka_unit_test(a_damaged_or_endless_gzip_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_jsonl_static fa_public */
#include "fa_test.h"
#include "fa_sink.h"
#include "../../plugins/jsonl/jsonl.h"

#define NOW INT64_C(1700000000000)

/* Options by their place; NULL: the default. */
struct given {
    const char *texts[8];
};
static const struct given DEFAULTS = {{NULL}};

static void post(const struct given *given, const char *method, struct fa_sink *sink,
                 const char *body, size_t piece)
{
    struct firealarm_error error = {{0}};
    struct firealarm_value values[8];
    struct firealarm_settings settings = {.name = "test", .values = values, .count = 8};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_request request = {.size = sizeof request,
                                        .transport =
                                            method == NULL ? FIREALARM_STREAM : FIREALARM_HTTP,
                                        .method = {method, method != NULL ? strlen(method) : 0}};
    for (size_t i = 0; i < 8; i++) {
        const char *text =
            given->texts[i] != NULL ? given->texts[i] : firealarm_decoder.options[i].default_text;
        values[i].text = (struct firealarm_text){text, text != NULL ? strlen(text) : 0};
    }
    void *self = NULL, *conn = NULL;
    fa_sink_init(sink, NOW);
    assert_int_equal(firealarm_decoder.create(&host, &settings, &self, &error), 0);
    assert_int_equal(firealarm_decoder.open(self, &request, &conn, &error), 0);
    fa_sink_feed(sink, &firealarm_decoder, conn, body, strlen(body), piece);
    firealarm_decoder.close(conn);
    firealarm_decoder.destroy(self);
}

struct row {
    const char *body, *said;
};

static void check_rows(const struct given *given, const struct row *rows, size_t count)
{
    static const size_t pieces[] = {0, 1, 7};
    struct fa_sink *sink = malloc(sizeof *sink);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            post(given, k == 1 ? NULL : "POST", sink, rows[i].body, pieces[k]);
            if (strcmp(sink->text, rows[i].said) != 0) {
                fail_msg("%s\nin pieces of %zu said:\n%s\nexpected:\n%s", rows[i].body, pieces[k],
                         sink->text, rows[i].said);
            }
        }
    }
    free(sink);
}

static void a_line_is_a_sample(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"\n\r\n \t\n", ""},
        {"{\"metric\":\"x\",\"value\":1}", "gauge x 1\n"},
        {"{\"metric\":\"x\",\"value\":-2.5e1}\r\n", "gauge x -25\n"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":1700000000123}", "gauge x 1 @1700000000123\n"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":\"2023-11-14T23:13:20.5+01:00\"}",
         "gauge x 1 @1700000000500\n"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":null,\"labels\":{}}", "gauge x 1\n"},
        {"{\"metric\":\"x\",\"value\":1,\"labels\":{\"b\":\"2\",\"a\":\"\xc3\xbc \\\"q\\\"\","
         "\"none\":\"\",\"null\":null,\"n\":12,\"t\":true,\"f\":false}}",
         "gauge x{b=\"2\",a=\"\xc3\xbc \"q\"\",n=\"12\",t=\"true\",f=\"false\"} 1\n"},
        {"{\"metric\":\"x\",\"value\":5,\"kind\":\"counter\"}", "total x 5\n"},
        {"{\"metric\":\"x\",\"value\":5,\"kind\":\"delta\"}", "delta x 5\n"},
        {"{\"metric\":\"x\",\"value\":5,\"kind\":\"distribution\"}", "dist x 5\n"},
        {"{\"metric\":\"x\",\"value\":true,\"kind\":\"state\"}", "state x 1\n"},
        {"{\"metric\":\"x\",\"value\":false,\"kind\":\"state\"}", "state x 0\n"},
        {"{\"metric\":\"x\",\"value\":\"maria\",\"kind\":\"set\"}", "set x\n"},
        {"{\"metric\":\"x\",\"value\":1}\n{\"metric\":\"x\",\"value\":null,\"time\":1700000000000}",
         "gauge x 1\nstale gauge x @1700000000000\n"},
        {"{\"metric\":\"ignored\",\"value\":1}", ""},
        {"{\"metric\":\"x\",\"metric\":\"y\",\"value\":1,\"more\":[{}]}", "gauge y 1\n"},
        {"{\"metric\":\"x\",\"value\":18446744073709551615}", "gauge x 1.8446744073709552e+19\n"},
    };
    check_rows(&DEFAULTS, rows, sizeof rows / sizeof rows[0]);
}

static void a_bad_line_costs_nothing_but_itself(void **state)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"x", "the line is no JSON object"},
        {"[]", "the line is no JSON object"},
        {"7", "the line is no JSON object"},
        {"{\"metric\":\"x\",\"value\":1} {}", "the line is no JSON object"},
        {"{\"metric\":\"x\",\"value\":1", "the line is no JSON object"},
        {"{\"metric\":\"x\",\"value\":1e400}", "the line is no JSON object"},
        {"{\"metric\":\"x\",\"value\":NaN}", "the line is no JSON object"},
        {"{\"metric\":\"\xff\",\"value\":1}", "the line is no JSON object"},
        {"{\"metric\":\"a\\u0000\",\"value\":1}", "the line is no JSON object"},
        {"{\"value\":1}", "there is no metric's name"},
        {"{\"metric\":\"\",\"value\":1}", "there is no metric's name"},
        {"{\"metric\":7,\"value\":1}", "there is no metric's name"},
        {"{\"metric\":\"x\"}", "there is no value"},
        {"{\"metric\":\"x\",\"value\":\"1\"}", "the value is no number"},
        {"{\"metric\":\"x\",\"value\":{}}", "the value is no number"},
        {"{\"metric\":\"x\",\"value\":1,\"kind\":\"gauges\"}", "the kind is not known"},
        {"{\"metric\":\"x\",\"value\":1,\"kind\":1}", "the kind is not known"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":\"now\"}", "the time is none"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":0}", "the time is none"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":-5}", "the time is none"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":1e300}", "the time is none"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":true}", "the time is none"},
        {"{\"metric\":\"x\",\"value\":1,\"time\":\"1969-12-31T23:59:59Z\"}", "the time is none"},
        {"{\"metric\":\"x\",\"value\":1,\"labels\":{\"a\":0.5}}",
         "a label is no text and no whole number"},
        {"{\"metric\":\"x\",\"value\":1,\"labels\":{\"a\":1e17}}",
         "a label is no text and no whole number"},
        {"{\"metric\":\"x\",\"value\":1,\"labels\":{\"a\":[]}}",
         "a label is no text and no whole number"},
        {"{\"title\":\"t\",\"text\":\"what people say\"}", "there is no metric's name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[400], said[400];
        struct row row = {body, said};
        snprintf(body, sizeof body, "%s\n{\"metric\":\"good\",\"value\":1}\n", rows[i].line);
        snprintf(said, sizeof said, "reject %s: %s\ngauge good 1\n", rows[i].why, rows[i].line);
        check_rows(&DEFAULTS, &row, 1);
    }
}

static void options_say_what_other_shapes_mean(void **state)
{
    static const struct row flat[] = {
        {"{\"queue\":\"north\",\"data\":{\"secs\":12},\"ts\":1700000000.25,\"who\":{\"agent\":7}}",
         "dist wait{queue=\"north\",agent=\"7\"} 12 @1700000000250\n"},
        {"{\"data.secs\":3,\"data\":{\"secs\":12},\"what\":\"counter\"}", "total wait 3\n"},
        {"{\"data\":7}", "reject there is no value: {\"data\":7}\n"},
        {"{\"data\":{\"secs\":1},\"meta\":{\"region\":\"eu\"}}", "dist wait{region=\"eu\"} 1\n"},
    };
    static const struct given given = {
        {NULL, "wait", "data.secs", "ts", "s", "queue who meta.region", "what", "distribution"}};
    check_rows(&given, flat, sizeof flat / sizeof flat[0]);
    static const struct {
        const char *unit, *time;
    } units[] = {
        {"s", "1700000000"},
        {"ms", "1700000000000"},
        {"us", "1700000000000000"},
        {"ns", "1700000000000000000"},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        char body[100];
        struct given one = {{"n", NULL, "v", NULL, units[i].unit}};
        struct row row = {body, "gauge x 1 @1700000000000\n"};
        snprintf(body, sizeof body, "{\"n\":\"x\",\"v\":1,\"time\":%s}", units[i].time);
        check_rows(&one, &row, 1);
    }
}

static void a_line_that_is_too_long_is_skipped_to_its_end(void **state)
{
    static const char tail[] = "\n{\"metric\":\"x\",\"value\":1}\n";
    static const size_t pieces[] = {0, 1000};
    struct fa_sink *sink = malloc(sizeof *sink);
    char *body = malloc(200 * 1024 + sizeof tail);
    memset(body, 'x', 200 * 1024);
    memcpy(body + 200 * 1024, tail, sizeof tail);
    for (size_t i = 0; i < 2; i++) {
        post(&DEFAULTS, "POST", sink, body, pieces[i]);
        assert_non_null(strstr(sink->text, "reject a line is too long: xxx"));
        assert_non_null(strstr(sink->text, "\ngauge x 1\n"));
        assert_null(strstr(sink->text, "no JSON"));
    }
    free(body);
    free(sink);
}

static void a_name_and_labels_that_are_too_long_are_refused(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    char *body = malloc(20000), *at = body;
    at += sprintf(at, "{\"metric\":\"x\",\"value\":1,\"labels\":{\"a\":\"");
    memset(at, 'y', 8200);
    strcpy(at + 8200, "\"}}");
    post(&DEFAULTS, "POST", sink, body, 0);
    assert_non_null(strstr(sink->text, "reject a name and its labels are too long: "));
    free(body);
    free(sink);
}

static void many_lines_come_in_batches_and_none_is_lost(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    char *body = malloc(100000), *at = body;
    for (int i = 0; i < 1000; i++) {
        at += sprintf(at, "{\"metric\":\"m%d\",\"value\":%d}\n", i % 10, i);
    }
    post(&DEFAULTS, "POST", sink, body, 333);
    assert_int_equal(sink->samples, 1000);
    assert_int_equal(sink->defines, 10);
    free(body);
    free(sink);
}

static void a_request_that_cannot_be_read_is_answered_so(void **state)
{
    struct fa_sink *sink = malloc(sizeof *sink);
    post(&DEFAULTS, "GET", sink, "", 0);
    assert_string_equal(sink->text, "reply 405 text/plain lines are taken by POST\n\n");
    post(&DEFAULTS, "PUT", sink, "{\"metric\":\"x\",\"value\":1}", 0);
    assert_string_equal(sink->text, "gauge x 1\n");
    free(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_sample),
        cmocka_unit_test(a_bad_line_costs_nothing_but_itself),
        cmocka_unit_test(options_say_what_other_shapes_mean),
        cmocka_unit_test(a_line_that_is_too_long_is_skipped_to_its_end),
        cmocka_unit_test(a_name_and_labels_that_are_too_long_are_refused),
        cmocka_unit_test(many_lines_come_in_batches_and_none_is_lost),
        cmocka_unit_test(a_request_that_cannot_be_read_is_answered_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

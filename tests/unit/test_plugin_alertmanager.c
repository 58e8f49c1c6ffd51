/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_alertmanager_static fa_public */
#include "fa_test.h"
#include "fa_sink.h"
#include "../../plugins/shared/rfc3339.h"

#define NOW  INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */
#define JSON "application/json "

struct call {
    const char *method, *path, *header, *value;
};

static void request(const struct call *call, struct fa_sink *sink, const char *body, size_t piece)
{
    struct firealarm_error error = {{0}};
    struct firealarm_settings settings = {.name = "test"};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_label header = {.name = {NULL, 0}};
    struct firealarm_request made = {.size = sizeof made,
                                     .transport = FIREALARM_HTTP,
                                     .method = {call->method, strlen(call->method)},
                                     .path = {call->path, strlen(call->path)},
                                     .headers = &header};
    if (call->header != NULL) {
        header = (struct firealarm_label){{call->header, strlen(call->header)},
                                          {call->value, strlen(call->value)}};
        made.header_count = 1;
    }
    void *self = NULL, *conn = NULL;
    fa_sink_init(sink, NOW);
    assert_int_equal(firealarm_decoder.create(&host, &settings, &self, &error), 0);
    assert_int_equal(firealarm_decoder.open(self, &made, &conn, &error), 0);
    fa_sink_feed(sink, &firealarm_decoder, conn, body, strlen(body), piece);
    firealarm_decoder.close(conn);
    firealarm_decoder.destroy(self);
}

static const struct call POST = {.method = "POST", .path = "/ingest/prom/api/v2/alerts"};

struct row {
    const char *body, *said;
};

static void check_rows(const struct row *rows, size_t count)
{
    static const size_t pieces[] = {0, 1, 7};
    struct fa_sink *sink = malloc(sizeof *sink);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            request(&POST, sink, rows[i].body, pieces[k]);
            if (strcmp(sink->text, rows[i].said) != 0) {
                fail_msg("%s\nin pieces of %zu said:\n%s\nexpected:\n%s", rows[i].body, pieces[k],
                         sink->text, rows[i].said);
            }
        }
    }
    free(sink);
}

static void real_senders_are_understood(void **state)
{
    static const struct row rows[] = {
        /* Prometheus 2.42 */
        {"[{\"annotations\":{\"summary\":\"always \\\"on\\\" \xe2\x80\x93 \xc3\xbc\"},"
         "\"endsAt\":\"2023-11-14T22:17:20.632Z\",\"startsAt\":\"2023-11-14T22:13:00.5Z\","
         "\"generatorURL\":\"http://vm:21490/graph?g0.expr=vector%281%29\\u0026g0.tab=1\","
         "\"labels\":{\"alertname\":\"AlwaysFiring\",\"severity\":\"critical\"}}]",
         "alert {alertname=\"AlwaysFiring\",severity=\"critical\"} "
         "{summary=\"always \"on\" \xe2\x80\x93 \xc3\xbc\"} 1699999980500..1700000240632 firing\n"
         "reply 200  \n"},
        /* vmalert 1.79: a name twice, nanoseconds */
        {"[{\"startsAt\":\"2023-11-14T22:13:00.123456789Z\",\"generatorURL\":\"\","
         "\"endsAt\":\"2023-11-14T22:14:00.123456789Z\","
         "\"labels\": {\"alertname\":\"A\",\"alertgroup\":\"g\",\"alertname\":\"A\"},"
         "\"annotations\": {}}]",
         "alert {alertname=\"A\",alertgroup=\"g\"} {} 1699999980123..1700000040123 firing\n"
         "reply 200  \n"},
        /* Grafana: an offset; amtool: zero times */
        {"[{\"labels\":{\"__alert_rule_uid__\":\"u\"},\"endsAt\":\"2023-11-14T23:13:20+01:00\"},"
         "{\"labels\":{\"a\":\"b\"},\"startsAt\":\"0001-01-01T00:00:00Z\","
         "\"endsAt\":\"0001-01-01T00:00:00.000Z\"}]",
         "alert {__alert_rule_uid__=\"u\"} {} 0..1700000000000 resolved\n"
         "alert {a=\"b\"} {} 0..0 firing\nreply 200  \n"},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

static void only_an_end_that_is_past_resolves(void **state)
{
    static const struct row rows[] = {
        {"[{\"labels\":{\"a\":\"b\"},\"endsAt\":\"2023-11-14T22:13:20.001Z\"}]",
         "alert {a=\"b\"} {} 0..1700000000001 firing\nreply 200  \n"},
        {"[{\"labels\":{\"a\":\"b\"},\"endsAt\":\"2023-11-14T22:13:20Z\"}]",
         "alert {a=\"b\"} {} 0..1700000000000 resolved\nreply 200  \n"},
        {"[{\"labels\":{\"a\":\"b\"},\"startsAt\":\"2023-11-14T22:13:20Z\","
         "\"endsAt\":\"2023-11-14T22:13:20Z\"}]",
         "alert {a=\"b\"} {} 1700000000000..1700000000000 resolved\nreply 200  \n"},
        {"[{\"labels\":{\"a\":\"b\"},\"startsAt\":null,\"endsAt\":null,\"annotations\":null}]",
         "alert {a=\"b\"} {} 0..0 firing\nreply 200  \n"},
        {"[{\"labels\":{\"a\":\"b\"},\"startsAt\":\"2023-11-14T22:13:00Z\"}]",
         "alert {a=\"b\"} {} 1699999980000..0 firing\nreply 200  \n"},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

#define ONE(why) "reply 400 " JSON "\"1 of 1 alerts were refused; the first: " why "\"\n"

static void one_bad_alert_spoils_no_other(void **state)
{
    static const struct row rows[] = {
        {"[]", "reply 200  \n"},
        {" [ ] \r\n\t", "reply 200  \n"},
        {"[{\"labels\":{}},{\"labels\":{\"a\":\"b\",\"empty\":\"\"}} , 7]",
         "reject an alert needs a label: {\"labels\":{}}\n"
         "alert {a=\"b\"} {} 0..0 firing\n"
         "reject an alert is no object: 7\n"
         "reply 400 " JSON "\"2 of 3 alerts were refused; the first: an alert needs a label\"\n"},
        {"[{}]", "reject an alert needs a label: {}\n" ONE("an alert needs a label")},
        {"[null]", "reject an alert is no object: null\n" ONE("an alert is no object")},
        {"[[1,[2]]]", "reject an alert is no object: [1,[2]]\n" ONE("an alert is no object")},
        {"[\"a,]b\"]", "reject an alert is no object: \"a,]b\"\n" ONE("an alert is no object")},
        {"[\"\\\"]\"]", "reject an alert is no object: \"\\\"]\"\n" ONE("an alert is no object")},
        {"[nonsense]",
         "reject an alert is no sound JSON: nonsense\n" ONE("an alert is no sound JSON")},
        {"[{\"labels\":{\"a\":\"\xff\"}}]",
         "reject an alert is no sound JSON: "
         "{\"labels\":{\"a\":\"\xff\"}}\n" ONE("an alert is no sound JSON")},
        {"[{\"labels\":{\"a\":\"\\u0000\"}}]",
         "reject an alert is no sound JSON: "
         "{\"labels\":{\"a\":\"\\u0000\"}}\n" ONE("an alert is no sound JSON")},
        {"[{\"labels\":[\"a\"]}]",
         "reject labels or annotations are no object: {\"labels\":[\"a\"]}\n" ONE(
             "labels or annotations are no object")},
        {"[{\"labels\":{\"a\":1}}]",
         "reject a label or annotation is no text: {\"labels\":{\"a\":1}}\n" ONE(
             "a label or annotation is no text")},
        {"[{\"labels\":{\"\":\"x\"}}]",
         "reject a label or annotation has no name: {\"labels\":{\"\":\"x\"}}\n" ONE(
             "a label or annotation has no name")},
        {"[{\"labels\":{\"a\":\"b\"},\"annotations\":{\"s\":{}}}]",
         "reject a label or annotation is no text: "
         "{\"labels\":{\"a\":\"b\"},\"annotations\":{\"s\":{}}}\n" ONE(
             "a label or annotation is no text")},
        {"[{\"labels\":{\"a\":\"b\"},\"endsAt\":\"tomorrow\"}]",
         "reject startsAt or endsAt is no time: "
         "{\"labels\":{\"a\":\"b\"},\"endsAt\":\"tomorrow\"}\n" ONE(
             "startsAt or endsAt is no time")},
        {"[{\"labels\":{\"a\":\"b\"},\"startsAt\":1700000000}]",
         "reject startsAt or endsAt is no time: "
         "{\"labels\":{\"a\":\"b\"},\"startsAt\":1700000000}\n" ONE(
             "startsAt or endsAt is no time")},
        {"[{\"labels\":{\"a\":\"b\"},\"startsAt\":\"1969-12-31T23:59:59Z\"}]",
         "reject startsAt or endsAt is no time: "
         "{\"labels\":{\"a\":\"b\"},\"startsAt\":\"1969-12-31T23:59:59Z\"}\n" ONE(
             "startsAt or endsAt is no time")},
        {"[{\"labels\":{\"a\":\"b\"},\"startsAt\":\"2023-11-14T22:13:21Z\","
         "\"endsAt\":\"2023-11-14T22:13:20Z\"}]",
         "reject endsAt is before startsAt: {\"labels\":{\"a\":\"b\"},\"startsAt\":"
         "\"2023-11-14T22:13:21Z\",\"endsAt\":\"2023-11-14T22:13:20Z\"}\n" ONE(
             "endsAt is before startsAt")},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

#define BROKEN(why, taken, refused)                                                                \
    "reply 400 " JSON "\"" why "; alerts before that: " taken " taken, " refused " refused\"\n"

static void what_is_no_array_is_said_so(void **state)
{
    static const struct row rows[] = {
        {"", "reject the body is no JSON array: \n" BROKEN("the body is no JSON array", "0", "0")},
        {"{}",
         "reject the body is no JSON array: \n" BROKEN("the body is no JSON array", "0", "0")},
        {"[,]",
         "reject the body is no JSON array: \n" BROKEN("the body is no JSON array", "0", "0")},
        {"[] x",
         "reject the body is no JSON array: \n" BROKEN("the body is no JSON array", "0", "0")},
        {"[", "reject the array has no end: \n" BROKEN("the array has no end", "0", "0")},
        {"[{\"labels\":{\"a\":\"b\"}},]",
         "alert {a=\"b\"} {} 0..0 firing\nreject the body is no JSON array: \n" BROKEN(
             "the body is no JSON array", "1", "0")},
        {"[{\"labels\":{\"a\":\"b\"}},{}",
         "alert {a=\"b\"} {} 0..0 firing\nreject the array has no end: {}\n" BROKEN(
             "the array has no end", "1", "0")},
        {"[0,{\"labels\":{\"a\":\"b\"}},{\"labels\":{\"c",
         "reject an alert is no object: 0\nalert {a=\"b\"} {} 0..0 firing\n"
         "reject the array has no end: {\"labels\":{\"c\n" BROKEN("the array has no end", "1",
                                                                  "1")},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

static void an_alert_that_is_too_long_or_too_deep_is_skipped_alone(void **state)
{
    size_t size = 200 * 1024;
    char *body = malloc(size), *at = body;
    struct fa_sink *sink = malloc(sizeof *sink);
    at += sprintf(at, "[{\"labels\":{\"long\":\"");
    memset(at, 'x', 70 * 1024);
    at += 70 * 1024;
    at += sprintf(at, "\"}},");
    memset(at, '[', 3000);
    at += 3000;
    memset(at, ']', 3000);
    at += 3000;
    sprintf(at, ",{\"labels\":{\"a\":\"b\"}}]");
    request(&POST, sink, body, 1000);
    assert_non_null(strstr(sink->text, "reject an alert is too long: {\"labels\""));
    assert_non_null(strstr(sink->text, "reject an alert is no sound JSON: [[["));
    assert_non_null(strstr(sink->text, "alert {a=\"b\"} {} 0..0 firing\n"));
    assert_non_null(strstr(sink->text, "2 of 3 alerts were refused; the first: an alert is too"));
    free(body);
    free(sink);
}

static void labels_beyond_the_limit_refuse_the_alert(void **state)
{
    char body[2000], *at = body;
    struct fa_sink *sink = malloc(sizeof *sink);
    at += sprintf(at, "[{\"labels\":{\"l0\":\"\"");
    for (int i = 1; i <= 64; i++) {
        at += sprintf(at, ",\"l%d\":\"v\"", i);
    }
    strcpy(at, "}}]");
    request(&POST, sink, body, 0);
    assert_non_null(strstr(sink->text, "reply 200"));
    strcpy(at, ",\"l65\":\"v\"}}]");
    request(&POST, sink, body, 0);
    assert_non_null(strstr(sink->text, "too many labels or annotations\""));
    free(sink);
}

static void what_senders_ask_beside_alerts_is_answered(void **state)
{
    static const struct {
        struct call call;
        const char *said;
    } rows[] = {
        {{.method = "GET", .path = "/-/healthy"}, "reply 200 " JSON "\"OK\"\n"},
        {{.method = "GET", .path = "/x/-/ready"}, "reply 200 " JSON "\"OK\"\n"},
        {{.method = "GET", .path = "/api/v2/alerts"}, "reply 200 " JSON "[]\n"},
        {{.method = "GET", .path = "/api/v2/silences"}, "reply 200 " JSON "[]\n"},
        {{.method = "GET", .path = "/"}, "reply 404 " JSON "\"there is no such page\"\n"},
        {{.method = "DELETE", .path = "/api/v2/silence/1"},
         "reply 405 " JSON "\"here alerts are taken, nothing else\"\n"},
        {{.method = "POST", .path = "/api/v2/silences"},
         "reply 405 " JSON "\"here alerts are taken, nothing else\"\n"},
        {{"POST", "/api/v2/alerts", "content-encoding", "gzip"},
         "reply 415 " JSON "\"alerts are taken as plain JSON, not compressed\"\n"},
        {{"POST", "/api/v2/alerts", "content-encoding", "identity"}, "reply 200  \n"},
        {{"POST", "/anything", "content-type", ""}, "reply 200  \n"},
    };
    struct fa_sink *sink = malloc(sizeof *sink);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        request(&rows[i].call, sink, strcmp(rows[i].call.method, "POST") == 0 ? "[]" : "", 1);
        assert_string_equal(sink->text, rows[i].said);
    }
    request(&(struct call){.method = "GET", .path = "/am/api/v2/status"}, sink, "", 0);
    for (const char *const *name =
             (const char *const[]){"branch", "buildDate", "buildUser", "goVersion", "revision",
                                   "version", "original", "uptime", "status", NULL};
         *name != NULL; name++) {
        assert_non_null(strstr(sink->text, *name));
    }
    free(sink);
}

static void times_are_read_with_offsets_and_fractions(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: it is none */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2023-11-14T22:13:20Z", NOW},
        {"2023-11-14t22:13:20z", NOW},
        {"2023-11-14T22:13:20.1Z", NOW + 100},
        {"2023-11-14T22:13:20.123999999Z", NOW + 123},
        {"2023-11-14T23:43:20+01:30", NOW},
        {"2023-11-14T14:13:20-08:00", NOW},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
        {"2023-02-29T00:00:00Z", -1},
        {"1900-02-29T00:00:00Z", -1},
        {"2023-13-01T00:00:00Z", -1},
        {"2023-00-01T00:00:00Z", -1},
        {"2023-01-00T00:00:00Z", -1},
        {"2023-11-14T24:00:00Z", -1},
        {"2023-11-14T22:60:00Z", -1},
        {"2023-11-14T22:13:61Z", -1},
        {"2023-11-14T22:13:20", -1},
        {"2023-11-14T22:13:20.Z", -1},
        {"2023-11-14T22:13:20.1", -1},
        {"2023-11-14T22:13:20Zx", -1},
        {"2023-11-14T22:13:20+0100", -1},
        {"2023-11-14T22:13:20+24:00", -1},
        {"2023-11-14T22:13:20+01:60", -1},
        {"2023-11-14T22:13:20 01:00", -1},
        {"2023-11-14 22:13:20Z", -1},
        {"2023/11/14T22:13:20Z", -1},
        {"+023-11-14T22:13:20Z", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = -1;
        size_t len = strlen(rows[i].text);
        char *exact = malloc(len + 1); /* so that a read past the end is seen */
        memcpy(exact + 1, rows[i].text, len);
        int ok = rfc3339_parse((struct firealarm_text){exact + 1, len}, &ms);
        assert_int_equal(ok, rows[i].ms >= 0);
        assert_int_equal(ms, rows[i].ms);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_senders_are_understood),
        cmocka_unit_test(only_an_end_that_is_past_resolves),
        cmocka_unit_test(one_bad_alert_spoils_no_other),
        cmocka_unit_test(what_is_no_array_is_said_so),
        cmocka_unit_test(an_alert_that_is_too_long_or_too_deep_is_skipped_alone),
        cmocka_unit_test(labels_beyond_the_limit_refuse_the_alert),
        cmocka_unit_test(what_senders_ask_beside_alerts_is_answered),
        cmocka_unit_test(times_are_read_with_offsets_and_fractions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

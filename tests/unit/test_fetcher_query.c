/* SPDX-License-Identifier: MIT */
/* links: fa_fetcher_child */
/* Answers to queries as Prometheus' text. */
#include "fa_test.h"
#include "fetcher/child/query.h"

#define OK(data) "{\"status\":\"success\",\"data\":" data "}"

static int convert(const char *json, size_t max, struct fa_buf *out, struct fa_err *err)
{
    fa_buf_init(out, max);
    return fa_query_answer_parse(fa_str_of(json), "sales", out, err);
}

static void vectors_and_scalars_become_lines(void **state)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {OK("{\"resultType\":\"vector\",\"result\":[]}"), ""},
        {OK("{\"resultType\":\"scalar\",\"result\":[1700000000.123,\"1.5\"]}"),
         "sales 1.5 1700000000123\n"},
        {OK("{\"resultType\":\"vector\",\"result\":["
            "{\"metric\":{\"__name__\":\"x\",\"region\":\"eu\"},\"value\":[1700000000,\"-3e10\"]},"
            "{\"metric\":{},\"value\":[1700000000.5,\"NaN\"]}]}"),
         "sales{region=\"eu\"} -3e10 1700000000000\nsales{} NaN 1700000000500\n"},
        {OK("{\"resultType\":\"vector\",\"result\":["
            "{\"metric\":{\"a\":\"q\\\"b\\\\n\\nz\",\"http.status\":\"1\"},\"value\":[1,\"+Inf\"]}]}"),
         "sales{a=\"q\\\"b\\\\n\\nz\",\"http.status\"=\"1\"} +Inf 1000\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_buf out;
        struct fa_err err = {0};
        assert_int_equal(convert(rows[i].json, 4096, &out, &err), 0);
        assert_string_equal(fa_buf_text(&out), rows[i].text);
        fa_buf_done(&out);
    }
}

static void what_is_no_answer_is_refused_without_its_words(void **state)
{
    static const struct {
        const char *json, *why;
    } rows[] = {
        {"", "is no JSON"},
        {"<html>secret</html>", "is no JSON"},
        {"[]", "is none of the Prometheus HTTP API"},
        {"{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"secret\"}",
         "the server refuses the query: bad_data"},
        {"{\"status\":\"error\",\"errorType\":\"a secret\",\"error\":\"secret\"}",
         "is none of the Prometheus HTTP API"},
        {OK("{\"resultType\":\"matrix\",\"result\":[]}"), "neither an instant vector nor a scalar"},
        {OK("{\"resultType\":\"vector\",\"result\":{}}"), "neither an instant vector nor a scalar"},
        {OK("{\"resultType\":\"vector\",\"result\":[1]}"), "has a sample without labels"},
        {OK("{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"a\":1},\"value\":[1,\"1\"]}]}"),
         "has a label that is no text"},
        {OK("{\"resultType\":\"scalar\",\"result\":[1]}"), "no time and number"},
        {OK("{\"resultType\":\"scalar\",\"result\":[1,1]}"), "no time and number"},
        {OK("{\"resultType\":\"scalar\",\"result\":[-1,\"1\"]}"), "no time and number"},
        {OK("{\"resultType\":\"scalar\",\"result\":[1e300,\"1\"]}"), "no time and number"},
        {OK("{\"resultType\":\"scalar\",\"result\":[1,\"1 2\\nother 5\"]}"), "no time and number"},
        {OK("{\"resultType\":\"scalar\",\"result\":[1,\"0x10\"]}"), "no time and number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_buf out;
        struct fa_err err = {0};
        assert_int_equal(convert(rows[i].json, 4096, &out, &err), FA_EPROTO);
        assert_contains(err.text, rows[i].why);
        assert_null(strstr(err.text, "secret"));
        fa_buf_done(&out);
    }
}

static void an_answer_without_room_is_refused(void **state)
{
    struct fa_buf out;
    struct fa_err err = {0};
    assert_int_equal(convert(OK("{\"resultType\":\"scalar\",\"result\":[1,\"1\"]}"), 8, &out, &err),
                     FA_ETOOBIG);
    fa_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_and_scalars_become_lines),
        cmocka_unit_test(what_is_no_answer_is_refused_without_its_words),
        cmocka_unit_test(an_answer_without_room_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "text/template.h"

#define NOW INT64_C(1763800800000) /* 22 Nov 2025 08:40 UTC */

static const struct fa_template_field FIELDS[] = {
    {"queue", {"support", 7}},
    {"value", {"312", 3}},
    {"ratio", {"0.0234", 6}},
    {"since", {"1763799300000", 13}},
    {"big", {"12345.678", 9}},
    {"empty", {"", 0}},
    {"evil", {"<a href=\"x\">\r\nBcc: 'y' & {queue}\x01", 33}},
    {"broken", {"a\xff\xc3", 3}},
    {"word",
     {"Stra\xc3\x9f"
      "e",
      7}},
};

static int render(const char *source, enum fa_escape escape, struct fa_buf *out)
{
    struct fa_err err = {0};
    struct fa_template *tpl = NULL;
    struct fa_template_input input = {.fields = FIELDS,
                                      .field_count = sizeof FIELDS / sizeof FIELDS[0],
                                      .escape = escape,
                                      .now = NOW};
    if (fa_template_compile(fa_str_of(source), &tpl, &err) < 0) {
        fail_msg("\"%s\" does not compile: %s", source, err.text);
    }
    int rc = fa_template_render(tpl, &input, out);
    fa_template_free(tpl);
    return rc;
}

static void renders_fields_through_filters(void **state)
{
    static const struct {
        const char *source;
        enum fa_escape escape;
        const char *expect;
    } table[] = {
        {"", FA_ESCAPE_PLAIN, ""},
        {"no field", FA_ESCAPE_PLAIN, "no field"},
        {"{queue}", FA_ESCAPE_PLAIN, "support"},
        {"{ queue }", FA_ESCAPE_PLAIN, "support"},
        {"{{queue}}", FA_ESCAPE_PLAIN, "{queue}"},
        {"{{{queue}}}", FA_ESCAPE_PLAIN, "{support}"},
        {"{queue} queue answers in {value|duration}, target 2 min", FA_ESCAPE_PLAIN,
         "support queue answers in 5 min 12 s, target 2 min"},
        {"{since|time}", FA_ESCAPE_PLAIN, "22 Nov 08:15 UTC (25 min ago)"},
        {"{big|number} {ratio|percent}", FA_ESCAPE_PLAIN, "12,346 2.3 %"},
        {"{queue|upper} {queue|upper|lower}", FA_ESCAPE_PLAIN, "SUPPORT support"},
        {"{word|upper}", FA_ESCAPE_PLAIN,
         "STRA\xc3\x9f"
         "E"},
        {"{queue|duration}", FA_ESCAPE_PLAIN, "support"},
        {"{nothing} {empty}", FA_ESCAPE_PLAIN, "? ?"},
        {"{nothing|default:no queue}", FA_ESCAPE_PLAIN, "no queue"},
        {"{nothing|upper|default:no queue|upper|lower|upper}", FA_ESCAPE_PLAIN, "NO QUEUE"},
        {"{queue|default:none}", FA_ESCAPE_PLAIN, "support"},
        {"{nothing|default:}", FA_ESCAPE_PLAIN, "?"},
        {"{evil}", FA_ESCAPE_PLAIN, "<a href=\"x\"> \nBcc: 'y' & {queue} "},
        {"<b>{evil}</b>", FA_ESCAPE_HTML,
         "<b>&lt;a href=&quot;x&quot;&gt; \nBcc: &#39;y&#39; &amp; {queue} </b>"},
        {"X\n{evil}", FA_ESCAPE_HEADER, "X <a href=\"x\">  Bcc: 'y' & {queue} "},
        {"\"{evil}", FA_ESCAPE_JSON, "\\\"<a href=\\\"x\\\">\\r\\nBcc: 'y' & {queue}\\u0001"},
        {"{broken}", FA_ESCAPE_PLAIN, "a\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fa_buf out;
        fa_buf_init(&out, 4096);
        assert_int_equal(render(table[i].source, table[i].escape, &out), 0);
        assert_string_equal(fa_buf_text(&out), table[i].expect);
        fa_buf_done(&out);
    }
}

static void a_fault_in_a_template_names_its_column(void **state)
{
    static const struct {
        const char *source;
        uint32_t col;
        const char *expect;
    } table[] = {
        {"ab {", 4, "not closed"},
        {"ab {queue", 4, "not closed"},
        {"ab {queue {x}", 4, "not closed"},
        {"{que\nue}", 1, "not closed"},
        {"ab }", 4, "write }} for a brace"},
        {"{}", 2, "name is missing"},
        {"{ | upper}", 2, "name is missing"},
        {"{1st}", 2, "\"1st\" is not a field's name"},
        {"{a b}", 2, "\"a b\" is not a field's name"},
        {"{a|duratoin}", 4, "unknown filter \"duratoin\"; did you mean \"duration\"?"},
        {"{a|xyzzyplugh}", 4, "there are duration, time"},
        {"{a|}", 4, "unknown filter \"\""},
        {"{a|upper:x}", 4, "takes nothing after it"},
        {"{a|default}", 4, "needs a text"},
        {"{a|upper|upper|upper|upper|upper|upper|upper|upper|lower}", 52, "more than 8 filters"},
        {"a\xff", 0, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fa_err err = {0};
        struct fa_template *tpl = NULL;
        assert_int_equal(fa_template_compile(fa_str_of(table[i].source), &tpl, &err), FA_EPARSE);
        assert_null(tpl);
        assert_contains(err.text, table[i].expect);
        assert_int_equal(err.col, table[i].col);
    }
}

static void the_size_of_a_template_is_limited(void **state)
{
    struct fa_err err = {0};
    struct fa_template *tpl = NULL;
    static char big[FA_TEMPLATE_SOURCE_MAX + 1];
    memset(big, 'x', sizeof big);
    assert_int_equal(fa_template_compile((struct fa_str){big, sizeof big}, &tpl, &err), FA_ETOOBIG);
    memset(big, '{', sizeof big - 1);
    assert_int_equal(fa_template_compile((struct fa_str){big, sizeof big - 1}, &tpl, &err),
                     FA_ETOOBIG);
    assert_contains(err.text, "more than");
}

static void an_unknown_field_is_named_with_the_nearest_known_one(void **state)
{
    static const char *const known[] = {"queue", NULL, "value", "since"};
    struct fa_err err = {0};
    struct fa_template *tpl = NULL;
    assert_int_equal(fa_template_compile(FA_STR("{queue} {valeu|duration}"), &tpl, &err), 0);
    assert_int_equal(fa_template_check(tpl, known, 4, &err), FA_ENOTFOUND);
    assert_string_equal(err.text, "unknown field \"valeu\"; did you mean \"value\"?");
    assert_int_equal(err.col, 10);
    fa_template_free(tpl);
    assert_int_equal(fa_template_compile(FA_STR("{queue} {since}"), &tpl, &err), 0);
    assert_int_equal(fa_template_check(tpl, known, 4, &err), 0);
    fa_template_free(tpl);
}

static void output_is_cut_between_characters_and_escapes(void **state)
{
    static const char expect[] = "<&lt;\xc3\xa4";
    struct fa_template_field field = {"f", {"<\xc3\xa4", 3}};
    struct fa_template_input input = {.fields = &field, .field_count = 1, .escape = FA_ESCAPE_HTML};
    struct fa_err err = {0};
    struct fa_template *tpl = NULL;
    assert_int_equal(fa_template_compile(FA_STR("<{f}"), &tpl, &err), 0);
    for (size_t max = 0; max <= sizeof expect - 1; max++) {
        struct fa_buf out;
        size_t want = max == 0 ? 0 : max < 5 ? 1 : max < 7 ? 5 : 7;
        fa_buf_init(&out, max);
        assert_int_equal(fa_template_render(tpl, &input, &out), max < 7 ? FA_ETOOBIG : 0);
        assert_int_equal(out.len, want);
        assert_memory_equal(fa_buf_text(&out), expect, want);
        assert_false(out.over);
        fa_buf_done(&out);
    }
    fa_template_free(tpl);
}

static bool find_answer(void *ctx, struct fa_str name, struct fa_str *ret_value)
{
    *ret_value = *(struct fa_str *)ctx;
    return fa_str_is(name, "answer");
}

static void a_field_may_come_from_a_callback(void **state)
{
    struct fa_str answer = FA_STR("42");
    struct fa_template_input input = {.find = find_answer, .ctx = &answer};
    struct fa_err err = {0};
    struct fa_template *tpl = NULL;
    struct fa_buf out;
    fa_buf_init(&out, 100);
    assert_int_equal(fa_template_compile(FA_STR("{answer} {other}"), &tpl, &err), 0);
    assert_int_equal(fa_template_render(tpl, &input, &out), 0);
    assert_string_equal(fa_buf_text(&out), "42 ?");
    fa_template_free(tpl);
    fa_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_fields_through_filters),
        cmocka_unit_test(a_fault_in_a_template_names_its_column),
        cmocka_unit_test(the_size_of_a_template_is_limited),
        cmocka_unit_test(an_unknown_field_is_named_with_the_nearest_known_one),
        cmocka_unit_test(output_is_cut_between_characters_and_escapes),
        cmocka_unit_test(a_field_may_come_from_a_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* PromQL text: what is read is written back as the same tree, and what is refused says where. */
#include "fa_test.h"
#include "rules/promql.h"

static void assert_written(const char *text, const char *wanted)
{
    struct fa_promql *promql = NULL;
    struct fa_err err;
    struct fa_buf buf;
    if (fa_promql_parse(fa_str_of(text), &promql, &err) != 0) {
        fail_msg("\"%s\" is refused at column %u: %s", text, err.col, err.text);
    }
    fa_buf_init(&buf, 1 << 20);
    fa_promql_format(promql->root, &buf);
    if (strcmp(fa_buf_text(&buf), wanted) != 0) {
        fail_msg("\"%s\" is read as \"%s\", wanted \"%s\"", text, fa_buf_text(&buf), wanted);
    }
    fa_buf_done(&buf);
    fa_promql_free(promql);
}

static void what_is_read_is_written_back(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"1", "1"},
        {"0x1F", "31"},
        {"0755", "493"},
        {"089", "89"},
        {"1_000.5e1", "10005"},
        {".5", "0.5"},
        {"5.", "5"},
        {"inf", "Inf"},
        {"-Inf", "-Inf"},
        {"nan", "NaN"},
        {"1h30m", "5400"},
        {"50ms", "0.05"},
        {"\"a\\n\\x41\\u00e9\\\"\"", "\"a\\x0aA\xc3\xa9\\\"\""},
        {"`raw \\n`", "\"raw \\\\n\""},
        {"foo", "foo"},
        {"foo:bar{a='b',c!=\"d\",e=~`f.*`,g!~\"h\",}",
         "foo:bar{a=\"b\", c!=\"d\", e=~\"f.*\", g!~\"h\"}"},
        {"{\"my.metric\", \"strange label\"=\"x\"}",
         "{__name__=\"my.metric\", \"strange label\"=\"x\"}"},
        {"foo[5m]", "foo[5m]"},
        {"foo[300]", "foo[5m]"},
        {"foo[1d12h] offset -1h30m @ 12.5", "foo[1d12h] @ 12.500 offset -1h30m"},
        {"foo @ start() offset 5m", "foo @ start() offset 5m"},
        {"foo @ -1m", "foo @ -60.000"},
        {"rate(foo[5m])[1h:5m] offset 1d", "rate(foo[5m])[1h:5m] offset 1d"},
        {"foo[10m:] @ end()", "foo[10m:] @ end()"},
        {"SUM BY (b, a, b) (foo)", "sum by (a, b) (foo)"},
        {"sum(foo) without ()", "sum without () (foo)"},
        {"topk(3, foo)", "topk(3, foo)"},
        {"count_values by (x) (\"v\", foo)", "count_values by (x) (\"v\", foo)"},
        {"sum", "sum"}, /* a metric's name like any other */
        {"by + without", "by + without"},
        {"start{end=\"offset\"}", "start{end=\"offset\"}"},
        {"1 + 2 * 3 ^ 4 ^ 5", "1 + 2 * 3 ^ 4 ^ 5"},
        {"-2 ^ 2", "-2 ^ 2"},
        {"+foo", "foo"},
        {"a or b and c unless d == bool e", "a or b and c unless d == bool e"},
        {"a atan2 on(x) b", "a atan2 on (x) b"},
        {"a * ignoring(x) group_left(y, z) b", "a * ignoring (x) group_left (y, z) b"},
        {"a / on() group_right b", "a / on () group_right () b"},
        {"foo # a remark\n + 1", "foo + 1"},
        {"((foo))", "((foo))"},
        {"hour()", "hour()"},
        {"label_join(foo, 'a', '-', 'b', 'c')", "label_join(foo, \"a\", \"-\", \"b\", \"c\")"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_written(cases[i].text, cases[i].wanted);
        assert_written(cases[i].wanted, cases[i].wanted);
    }
}

/* The tree's shape by its outermost operator: what binds tighter is inside. */
static void operators_bind_as_in_prometheus(void **state)
{
    static const struct {
        const char *text;
        enum fa_promql_kind kind;
        enum fa_promql_op op;
    } cases[] = {
        {"a or b and c", FA_PROMQL_BINARY, FA_PROMQL_OP_OR},
        {"a and b or c", FA_PROMQL_BINARY, FA_PROMQL_OP_OR},
        {"a unless b and c", FA_PROMQL_BINARY, FA_PROMQL_OP_AND},
        {"a == b and c", FA_PROMQL_BINARY, FA_PROMQL_OP_AND},
        {"a + b == c", FA_PROMQL_BINARY, FA_PROMQL_OP_EQ},
        {"a * b + c", FA_PROMQL_BINARY, FA_PROMQL_OP_ADD},
        {"a - b - c", FA_PROMQL_BINARY, FA_PROMQL_OP_SUB},
        {"a atan2 b * c", FA_PROMQL_BINARY, FA_PROMQL_OP_MUL},
        {"a ^ b * c", FA_PROMQL_BINARY, FA_PROMQL_OP_MUL},
        {"-a ^ b", FA_PROMQL_NEGATE, 0},
        {"-a * b", FA_PROMQL_BINARY, FA_PROMQL_OP_MUL},
        {"a ^ -b", FA_PROMQL_BINARY, FA_PROMQL_OP_POW},
        {"-foo offset 5m", FA_PROMQL_NEGATE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fa_promql *promql = NULL;
        struct fa_err err;
        assert_int_equal(fa_promql_parse(fa_str_of(cases[i].text), &promql, &err), 0);
        if (promql->root->kind != cases[i].kind ||
            (cases[i].kind == FA_PROMQL_BINARY && promql->root->u.binary.op != cases[i].op)) {
            fail_msg("\"%s\" is bound otherwise", cases[i].text);
        }
        fa_promql_free(promql);
    }
    struct fa_promql *promql = NULL;
    struct fa_err err;
    assert_int_equal(fa_promql_parse(FA_STR("a ^ b ^ c"), &promql, &err), 0);
    assert_int_equal(promql->root->u.binary.right->kind, FA_PROMQL_BINARY);
    fa_promql_free(promql);
    assert_int_equal(fa_promql_parse(FA_STR("a - b - c"), &promql, &err), 0);
    assert_int_equal(promql->root->u.binary.left->kind, FA_PROMQL_BINARY);
    fa_promql_free(promql);
}

static const struct {
    const char *text;
    unsigned column;
    const char *words;
} refused[] = {
    {"", 1, "an expression"},
    {"sum(", 5, "an expression"},
    {"foo[5m", 7, "\"]\" or \":\""},
    {"foo[5m:1m:1m]", 10, "\"]\""},
    {"foo{a=}", 7, "a text in quotes"},
    {"foo{a=\"b\"", 10, "\",\" or \"}\""},
    {"foo{a=\"b\",,}", 11, "the name of a label"},
    {"foo{a:b=\"c\"}", 6, "means nothing here"},
    {"foo bar", 5, "an operator or the end"},
    {"1 +", 4, "an expression"},
    {"(1", 3, "\")\""},
    {"on", 1, "an expression"},
    {"foo group_left bar", 5, "an operator"},
    {"foo[5m] + 1", 1, "a range vector"},
    {"1 + \"a\"", 5, "a text"},
    {"rate(foo)", 6, "takes a range vector"},
    {"rate(foo[5m], 1)", 1, "1 argument, not 2"},
    {"round(foo, 1, 2)", 1, "at most 2 arguments"},
    {"label_join(foo)", 1, "at least 3 arguments"},
    {"lable_join(foo)", 1, "did you mean label_join()?"},
    {"histogram_sum(foo)", 1, "native histograms"},
    {"info(foo)", 1, "not supported"},
    {"topk(foo)", 1, "2 arguments, not 1"},
    {"quantile(\"x\", foo)", 10, "takes a number"},
    {"sum by (a, (b)) (x)", 12, "the name of a label"},
    {"{}", 1, "select everything"},
    {"{a=~\".*\"}", 1, "select everything"},
    {"foo{__name__=\"bar\"}", 1, "before the braces and within"},
    {"foo and 1", 5, "instant vectors only"},
    {"1 > 2", 3, "needs \"bool\""},
    {"foo + bool bar", 5, "a comparison only"},
    {"foo + on(a) group_left(a) bar", 5, "both in on() and"},
    {"foo and on(a) group_left() bar", 5, "take no group_left"},
    {"foo * on(a) 2", 5, "between instant vectors only"},
    {"foo offset 5m offset 3m", 15, "stands twice"},
    {"foo @ 1 @ 2", 9, "stands twice"},
    {"foo @ bar", 7, "a time in seconds"},
    {"(foo) offset 5m", 7, "goes behind a selector"},
    {"sum(foo)[5m]", 9, "needs a step"},
    {"foo offset 5m[5m]", 14, "follow it"},
    {"foo[0s]", 5, "more than 0"},
    {"foo[5m:0s]", 8, "more than 0"},
    {"foo[2h1d]", 5, "falling units"},
    {"foo[1000y]", 5, "a hundred years"},
    {"foo{a=~\"(\"}", 10, "not a regular expression"},
    {"foo{a=~\"(?=x)\"}", 9, "look-around"},
    {"foo{a=~\"(a)\\\\1\"}", 12, "a back-reference"},
    {"foo{a=~\"a++\"}", 11, "possessive"},
    {"foo{a=~\"(?>a)\"}", 9, "RE2 does not know"},
    {"foo{a=~\"(*UCP)a\"}", 9, "a verb"},
    {"label_replace(foo, \"a\", \"$1\", \"b\", \"(\")", 38, "not a regular expression"},
    {"\"abc", 1, "does not end"},
    {"\"\\q\"", 2, "unknown escape"},
    {"1_", 1, "neither a number"},
    {"0x", 1, "neither a number"},
    {"5mm", 1, "neither a number"},
    {"1e400", 1, "a double can hold"},
    {"-\"x\"", 1, "a sign goes before"},
    {"$foo", 1, "means nothing"},
};

static void what_is_refused_says_where(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct fa_promql *promql = NULL;
        struct fa_err err;
        if (fa_promql_parse(fa_str_of(refused[i].text), &promql, &err) == 0) {
            fail_msg("\"%s\" is taken", refused[i].text);
        }
        if (err.col != refused[i].column || strstr(err.text, refused[i].words) == NULL) {
            fail_msg("\"%s\": column %u: %s", refused[i].text, err.col, err.text);
        }
    }
}

static void nesting_and_length_have_limits(void **state)
{
    char text[FA_PROMQL_DEPTH_MAX * 2 + 8];
    struct fa_promql *promql = NULL;
    struct fa_err err;
    memset(text, '(', FA_PROMQL_DEPTH_MAX + 1);
    text[FA_PROMQL_DEPTH_MAX + 1] = '\0';
    assert_int_equal(fa_promql_parse(fa_str_of(text), &promql, &err), FA_ETOOBIG);
    memset(text, '-', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(fa_promql_parse(fa_str_of(text), &promql, &err), FA_ETOOBIG);
    char *long_text = calloc(1, FA_PROMQL_TEXT_MAX + 2);
    memset(long_text, ' ', FA_PROMQL_TEXT_MAX + 1);
    assert_int_equal(fa_promql_parse(fa_str_of(long_text), &promql, &err), FA_ETOOBIG);
    free(long_text);
}

/* Whoever walks the tree calls himself: a chain is as deep as it is long. */
static void a_chain_of_operators_has_a_limit(void **state)
{
    char text[2 * FA_PROMQL_OPERATORS_MAX + 8];
    struct fa_promql *promql = NULL;
    struct fa_err err;
    size_t len = 0;
    for (size_t i = 0; i <= FA_PROMQL_OPERATORS_MAX; i++) {
        text[len++] = 'a';
        text[len++] = '+';
    }
    text[--len] = '\0';
    assert_int_equal(fa_promql_parse(fa_str_of(text), &promql, &err), 0);
    struct fa_promql_define define = {"long", promql};
    struct fa_promql *both = NULL;
    assert_int_equal(fa_promql_parse_with(FA_STR("long + long"), &define, 1, &both, &err),
                     FA_ETOOBIG);
    fa_promql_free(promql);
    strcpy(text + len, "+a");
    assert_int_equal(fa_promql_parse(fa_str_of(text), &promql, &err), FA_ETOOBIG);
    assert_int_equal(err.col, len + 1);
}

static void durations_are_exact(void **state)
{
    static const struct {
        const char *text;
        fa_time ms;
        int code;
    } cases[] = {
        {"1y2w3d4h5m6s7ms",
         365 * FA_DAY + 17 * FA_DAY + 4 * FA_HOUR + 5 * FA_MINUTE + 6 * FA_SECOND + 7, 0},
        {"90s", 90000, 0},
        {"1.5", 1500, 0},
        {"0", 0, 0},
        {"0x10", 16000, 0},
        {"1m1m", 0, FA_EPARSE},
        {"1ms1s", 0, FA_EPARSE},
        {"1h30", 0, FA_EPARSE},
        {"h", 0, FA_EPARSE},
        {"", 0, FA_EPARSE},
        {"101y", 0, FA_ERANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fa_time ms = 0;
        int code = fa_promql_duration(fa_str_of(cases[i].text), &ms);
        if (code != cases[i].code || ms != cases[i].ms) {
            fail_msg("\"%s\": %d, %lld ms", cases[i].text, code, (long long)ms);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_back),
        cmocka_unit_test(operators_bind_as_in_prometheus),
        cmocka_unit_test(what_is_refused_says_where),
        cmocka_unit_test(nesting_and_length_have_limits),
        cmocka_unit_test(a_chain_of_operators_has_a_limit),
        cmocka_unit_test(durations_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

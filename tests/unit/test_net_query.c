/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "net/query.h"

static void paths_are_decoded_or_refused(void **state)
{
    static const struct {
        const char *path, *decoded;
        int rc;
    } rows[] = {
        {"/", "/", 0},
        {"/a/b", "/a/b", 0},
        {"/%61", "/a", 0},
        {"/%C3%BC", "/\xc3\xbc", 0},
        {"/a+b", "/a+b", 0},
        {"/a%2Fb", "/a/b", 0},
        {"/../x", "/../x", 0},
        {"", NULL, FA_EPARSE},
        {"a", NULL, FA_EPARSE},
        {"/%", NULL, FA_EPARSE},
        {"/%4", NULL, FA_EPARSE},
        {"/%4g", NULL, FA_EPARSE},
        {"/%%41", NULL, FA_EPARSE},
        {"/% 1", NULL, FA_EPARSE},
        {"/%00", NULL, FA_EINVAL},
        {"/%20", NULL, FA_EINVAL},
        {"/%0d%0a", NULL, FA_EINVAL},
        {"/%7F", NULL, FA_EINVAL},
        {"/%c3", NULL, FA_EINVAL},
        {"/%c0%af", NULL, FA_EINVAL},
        {"/1234567890123456", NULL, FA_ETOOBIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_buf out;
        fa_buf_init(&out, 16);
        int rc = fa_path_decode(fa_str_of(rows[i].path), &out);
        if (rc != rows[i].rc || (rc == 0 && !fa_str_is(fa_buf_str(&out), rows[i].decoded))) {
            fail_msg("%s: %d, %s", rows[i].path, rc, fa_buf_text(&out));
        }
        fa_buf_done(&out);
    }
}

static void queries_are_walked_pair_by_pair(void **state)
{
    static const struct {
        const char *query, *pairs; /* "name=value;" each */
        int rc;
    } rows[] = {
        {"", "", 0},
        {"a=1", "a=1;", 0},
        {"a=1&b", "a=1;b=;", 0},
        {"a=1&&b=2", "a=1;b=2;", 0},
        {"&a=1&", "a=1;", 0},
        {"rp=", "rp=;", 0},
        {"a=b=c", "a=b=c;", 0},
        {"a=1;b=2", "a=1;b=2;", 0},
        {"a+b=c+d%2B", "a b=c d+;", 0},
        {"a%3Db=%26", "a=b=&;", 0},
        {"a=[1]", "a=[1];", 0},
        {"a=%0A", "a=\n;", 0},
        {"=1", "", FA_EPARSE},
        {"a=1&=", "a=1;", FA_EPARSE},
        {"a=%zz", "", FA_EPARSE},
        {"a=%4", "", FA_EPARSE},
        {"%=1", "", FA_EPARSE},
        {"a=%00", "", FA_EINVAL},
        {"a=%ff", "", FA_EINVAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_query query;
        struct fa_buf seen;
        int rc;
        fa_buf_init(&seen, 1000);
        fa_query_init(&query, fa_str_of(rows[i].query));
        while ((rc = fa_query_next(&query)) > 0) {
            fa_buf_printf(&seen, "%s=%s;", fa_buf_text(&query.name), fa_buf_text(&query.value));
        }
        if (rc != rows[i].rc || strcmp(fa_buf_text(&seen), rows[i].pairs) != 0) {
            fail_msg("%s: %d, %s", rows[i].query, rc, fa_buf_text(&seen));
        }
        fa_query_done(&query);
        fa_buf_done(&seen);
    }
}

static void one_value_is_found_and_the_whole_query_is_checked(void **state)
{
    struct fa_buf out;
    fa_buf_init(&out, 8);
    assert_int_equal(fa_query_get(FA_STR("a=1&b=2&a=3"), "a", &out), 0);
    assert_string_equal(fa_buf_text(&out), "1");
    assert_int_equal(fa_query_get(FA_STR("a=1"), "b", &out), FA_ENOTFOUND);
    assert_string_equal(fa_buf_text(&out), "");
    assert_int_equal(fa_query_get(FA_STR("a=1&b=%"), "a", &out), FA_EPARSE);
    assert_int_equal(fa_query_get(FA_STR("a=123456789"), "a", &out), FA_ETOOBIG);
    fa_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_decoded_or_refused),
        cmocka_unit_test(queries_are_walked_pair_by_pair),
        cmocka_unit_test(one_value_is_found_and_the_whole_query_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

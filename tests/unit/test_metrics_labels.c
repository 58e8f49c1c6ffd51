/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "base/id.h"
#include "metrics/labels.h"

static void check(const struct fa_label *labels, size_t count, const char *text)
{
    struct fa_labels *set = NULL, *again = NULL;
    struct fa_buf buf;
    fa_buf_init(&buf, 4096);
    assert_int_equal(fa_labels_new(labels, count, &set), 0);
    fa_labels_format(set, &buf);
    assert_string_equal(fa_buf_text(&buf), text);
    assert_int_equal(fa_labels_parse(fa_str_of(text), &again), 0);
    fa_buf_clear(&buf);
    fa_labels_format(again, &buf);
    assert_string_equal(fa_buf_text(&buf), text);
    fa_labels_free(again);
    fa_labels_free(set);
    fa_buf_done(&buf);
}

#define L(name, value)                                                                             \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }

static void sets_have_one_canonical_text(void **state)
{
    check(NULL, 0, "");
    check((struct fa_label[]){L("b", "2"), L("a", "1")}, 2, "a=\"1\",b=\"2\"");
    check((struct fa_label[]){L("a", "1"), L("b", "x"), L("a", "2")}, 3, "a=\"2\",b=\"x\"");
    check((struct fa_label[]){L("a", "1"), L("a", "")}, 2, "");
    check((struct fa_label[]){L("a", "q\"b\\n\nl")}, 1, "a=\"q\\\"b\\\\n\\nl\"");
    check((struct fa_label[]){L("a b=\"", "x,y=\"z\"")}, 1, "\"a b=\\\"\"=\"x,y=\\\"z\\\"\"");
    check((struct fa_label[]){L("gr\xc3\xbc\xc3\x9f", "\xf0\x9f\x94\xa5")}, 1,
          "\"gr\xc3\xbc\xc3\x9f\"=\"\xf0\x9f\x94\xa5\"");
    check((struct fa_label[]){L("a", "\xff"
                                     "b\xc3")},
          1, "a=\"?b?\"");
}

static void sets_that_cannot_be_are_refused(void **state)
{
    struct fa_labels *set = NULL;
    struct fa_label many[FA_LABELS_MAX + 1];
    for (size_t i = 0; i <= FA_LABELS_MAX; i++) {
        many[i] = (struct fa_label)L("a", "1");
    }
    assert_int_equal(fa_labels_new(many, FA_LABELS_MAX + 1, &set), FA_ETOOBIG);
    assert_int_equal(fa_labels_new((struct fa_label[]){L("", "1")}, 1, &set), FA_EINVAL);
    assert_int_equal(fa_labels_new((struct fa_label[]){L("a\n", "1")}, 1, &set), FA_EINVAL);
    assert_int_equal(fa_labels_new((struct fa_label[]){L("a", "\x1b[1m")}, 1, &set), FA_EINVAL);
    assert_null(set);
}

static void only_canonical_text_is_read(void **state)
{
    static const char *const bad[] = {
        "a",
        "a=",
        "a=1",
        "a=\"1",
        "=\"1\"",
        "a=\"1\",",
        ",a=\"1\"",
        "a=\"1\"b=\"2\"",
        "b=\"1\",a=\"2\"",
        "a=\"1\",a=\"2\"",
        "a=\"\"",
        "a=\"\\x\"",
        "a=\"\\",
        "\"a\"=\"1\"",
        "a =\"1\"",
        "a=\"1\", b=\"2\"",
        "\"a=\"1\"",
        "a=\"\xff\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fa_labels *set = NULL;
        if (fa_labels_parse(fa_str_of(bad[i]), &set) != FA_EPARSE) {
            fail_msg("%s", bad[i]);
        }
    }
}

static void random_sets_survive_their_text(void **state)
{
    static const char alphabet[] = "ab=\",\\\n{}.-_:/ \xc3\xa9";
    struct fa_rng rng = {{5, 6}};
    for (int round = 0; round < 20000; round++) {
        char bytes[8][2][6];
        struct fa_label labels[8];
        size_t count = fa_rng_next(&rng) % 8;
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < 2; k++) {
                size_t len = fa_rng_next(&rng) % 6;
                for (size_t j = 0; j < len; j++) {
                    bytes[i][k][j] = alphabet[fa_rng_next(&rng) % (sizeof alphabet - 1)];
                }
                struct fa_str text = {bytes[i][k], len};
                *(k == 0 ? &labels[i].name : &labels[i].value) = text;
            }
        }
        struct fa_labels *set = NULL, *again = NULL;
        if (fa_labels_new(labels, count, &set) < 0) {
            continue;
        }
        struct fa_buf buf;
        fa_buf_init(&buf, 4096);
        fa_labels_format(set, &buf);
        assert_int_equal(fa_labels_parse(fa_buf_str(&buf), &again), 0);
        assert_int_equal(again->count, set->count);
        for (size_t i = 0; i < set->count; i++) {
            assert_true(fa_str_eq(set->items[i].name, again->items[i].name));
            assert_true(fa_str_eq(set->items[i].value, again->items[i].value));
        }
        fa_buf_done(&buf);
        fa_labels_free(set);
        fa_labels_free(again);
    }
}

static void a_projection_keeps_the_asked_for_labels_in_order(void **state)
{
    struct fa_labels *set = NULL;
    struct fa_buf buf;
    fa_buf_init(&buf, 4096);
    assert_int_equal(
        fa_labels_new((struct fa_label[]){L("c", "3"), L("a", "1"), L("b", "2")}, 3, &set), 0);
    fa_labels_format_only(set, (const char *const[]){"c", "zz", "a"}, 3, &buf);
    assert_string_equal(fa_buf_text(&buf), "a=\"1\",c=\"3\"");
    assert_true(fa_str_is(fa_labels_get(set, FA_STR("b")), "2"));
    assert_int_equal(fa_labels_get(set, FA_STR("d")).len, 0);
    fa_labels_free(set);
    fa_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_have_one_canonical_text),
        cmocka_unit_test(sets_that_cannot_be_are_refused),
        cmocka_unit_test(only_canonical_text_is_read),
        cmocka_unit_test(random_sets_survive_their_text),
        cmocka_unit_test(a_projection_keeps_the_asked_for_labels_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
#include "base/texts.h"
#include "fa_test.h"

static void holds_copies_in_the_order_they_came(void **state)
{
    char **texts = NULL;
    size_t count = 0;
    char word[] = "maria";
    assert_false(fa_texts_has(texts, count, "maria"));
    fa_texts_add(&texts, &count, (struct fa_str){word, 5});
    fa_texts_add(&texts, &count, (struct fa_str){word, 3});
    word[0] = 'x';
    assert_int_equal(count, 2);
    assert_string_equal(texts[0], "maria");
    assert_string_equal(texts[1], "mar");
    assert_true(fa_texts_has(texts, count, "mar"));
    assert_false(fa_texts_has(texts, count, "ma"));
    fa_texts_free(texts, count);
    fa_texts_free(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_copies_in_the_order_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

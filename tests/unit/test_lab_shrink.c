/* SPDX-License-Identifier: MIT */
/* links: fa_worlds */
/* Worlds that fail on purpose: what the shrinker leaves of them still fails in the same way, is
 * much smaller, and holds no line that it could do without. */
#include "fa_test.h"
#include "worlds.h"

#include <stdlib.h>
#include <string.h>

#define FOREVER 1e9 /* it ends when nothing more can go, or the test is ended */

static const char *const last_words = "receiver mail 503\n"
                                      "file ada category=kind1 receipt=F99 key=k99\n"
                                      "advance 1h\n"
                                      "expect nothing\n";
static const char *const failure = "told and not expected";

/* A world without faults and these words behind it; free(). */
static char *make_failing(uint64_t seed, bool *ret_steady)
{
    char *text = worlds_make(seed, ret_steady);
    struct fa_buf buf;
    fa_buf_init(&buf, (size_t)4 << 20);
    fa_buf_puts(&buf, text);
    fa_buf_puts(&buf, last_words);
    free(text);
    return fa_buf_take(&buf);
}

static bool fails_so(const char *text, bool steady)
{
    struct fa_lab_result result;
    worlds_judge("small.fas", text, steady, &result);
    bool fails = result.failed && strncmp(result.failure, failure, strlen(failure)) == 0;
    fa_lab_result_done(&result);
    return fails;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

/* A line that holds a block together goes with its block only. */
static bool is_frame(struct fa_str line)
{
    return fa_str_eq(line, FA_STR("END")) || memmem(line.ptr, line.len, "<<END", 5) != NULL;
}

static void assert_needs_each_line(const char *text, bool steady)
{
    struct fa_str rest = fa_str_of(text);
    while (rest.len > 0) {
        const char *from = rest.ptr;
        struct fa_str line = fa_str_cut(rest, '\n', &rest);
        struct fa_buf buf;
        fa_buf_init(&buf, (size_t)4 << 20);
        fa_buf_put(&buf, text, (size_t)(from - text));
        fa_buf_putstr(&buf, rest);
        char *less = fa_buf_take(&buf);
        if (!is_frame(line) && fails_so(less, steady)) {
            fail_msg("it fails without \"%.*s\", too:\n%s", (int)line.len, line.ptr, text);
        }
        free(less);
    }
}

static void a_failing_world_is_made_as_small_as_it_goes(void **state)
{
    static const uint64_t seeds[] = {3, 501};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        bool steady = false;
        char *text = make_failing(seeds[i], &steady);
        assert_true(fails_so(text, steady));
        char *small = worlds_shrink(text, steady, FOREVER);
        assert_true(fails_so(small, steady));
        if (count_lines(small) * 3 > count_lines(text)) {
            fail_msg("world %llu: %zu of %zu lines are left:\n%s", (unsigned long long)seeds[i],
                     count_lines(small), count_lines(text), small);
        }
        assert_non_null(strstr(small, "expect nothing"));
        assert_needs_each_line(small, steady);
        free(small);
        free(text);
    }
}

static void without_time_a_world_stays_as_it_is(void **state)
{
    bool steady = false;
    char *text = make_failing(3, &steady);
    char *same = worlds_shrink(text, steady, 0);
    assert_string_equal(same, text);
    free(same);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_world_is_made_as_small_as_it_goes),
        cmocka_unit_test(without_time_a_world_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* Stretches of time against a bitmap of the same: whatever is added and removed, in any order. */
#include "fa_test.h"
#include "base/id.h"
#include "people/span.h"

#define MOMENTS 96

struct both {
    struct fa_spans spans;
    bool map[MOMENTS];
};

static void change(struct both *b, struct fa_span span, bool add)
{
    for (fa_time t = span.from; t < span.until; t++) {
        b->map[t] = add;
    }
    if (add) {
        fa_spans_add(&b->spans, span);
    } else {
        fa_spans_remove(&b->spans, span);
    }
}

static void check_form(const struct fa_spans *spans)
{
    for (size_t i = 0; i < spans->count; i++) {
        assert_true(spans->list[i].from < spans->list[i].until);
        assert_true(i == 0 || spans->list[i - 1].until < spans->list[i].from);
    }
}

static fa_time naive_change(const struct both *b, fa_time at)
{
    bool now = at >= 0 && at < MOMENTS && b->map[at];
    for (fa_time t = at + 1; t <= MOMENTS; t++) {
        if (t >= 0 && (t < MOMENTS && b->map[t]) != now) {
            return t;
        }
    }
    return FA_NEVER;
}

static fa_time naive_inside(const struct both *b, fa_time at)
{
    for (fa_time t = at < 0 ? 0 : at; t < MOMENTS; t++) {
        if (b->map[t]) {
            return t;
        }
    }
    return FA_NEVER;
}

/* The end of the `length`-th moment inside. */
static fa_time naive_after(const struct both *b, fa_time from, fa_time length)
{
    for (fa_time t = from < 0 ? 0 : from; t < MOMENTS; t++) {
        length -= b->map[t];
        if (length == 0) {
            return t + 1;
        }
    }
    return FA_NEVER;
}

static fa_time naive_length(const struct both *b, fa_time from, fa_time until)
{
    fa_time length = 0;
    for (fa_time t = from < 0 ? 0 : from; t < until && t < MOMENTS; t++) {
        length += b->map[t];
    }
    return length;
}

static void compare(const struct both *b, struct fa_rng *rng)
{
    check_form(&b->spans);
    for (fa_time t = -2; t < MOMENTS + 2; t++) {
        bool is_in = t >= 0 && t < MOMENTS && b->map[t];
        assert_int_equal(fa_spans_has(&b->spans, t), is_in);
        assert_int_equal(fa_spans_change(&b->spans, t), naive_change(b, t));
        assert_int_equal(fa_spans_inside(&b->spans, t), naive_inside(b, t));
        fa_time length = 1 + (fa_time)(fa_rng_next(rng) % MOMENTS);
        assert_int_equal(fa_spans_after(&b->spans, t, length), naive_after(b, t, length));
        assert_int_equal(fa_spans_length(&b->spans, t, t + length), naive_length(b, t, t + length));
    }
}

static void any_adding_and_removing_is_as_on_a_bitmap(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct fa_rng rng = {{seed, 77}};
        struct both b = {0};
        for (int i = 0; i < 40; i++) {
            fa_time from = (fa_time)(fa_rng_next(&rng) % MOMENTS);
            fa_time longest = seed % 3 == 0 ? 4 : MOMENTS - from + 1;
            fa_time until = from + (fa_time)(fa_rng_next(&rng) % (uint64_t)longest);
            until = until > MOMENTS ? MOMENTS : until;
            change(&b, (struct fa_span){from, until}, fa_rng_next(&rng) % 3 != 0);
            compare(&b, &rng);
        }
        fa_spans_done(&b.spans);
    }
}

static void an_empty_or_inverted_span_changes_nothing(void **state)
{
    struct fa_spans spans = {0};
    fa_spans_add(&spans, (struct fa_span){5, 5});
    fa_spans_add(&spans, (struct fa_span){9, 5});
    assert_int_equal(spans.count, 0);
    fa_spans_add(&spans, (struct fa_span){1, 9});
    fa_spans_remove(&spans, (struct fa_span){5, 5});
    fa_spans_remove(&spans, (struct fa_span){7, 3});
    assert_int_equal(spans.count, 1);
    fa_spans_done(&spans);
}

static void never_is_the_end_of_what_ends_never(void **state)
{
    struct fa_spans spans = {0};
    fa_spans_add(&spans, (struct fa_span){10, FA_NEVER});
    assert_true(fa_spans_has(&spans, FA_NEVER - 1));
    assert_int_equal(fa_spans_change(&spans, 20), FA_NEVER);
    assert_int_equal(fa_spans_after(&spans, 0, 5), 15);
    fa_spans_done(&spans);
    assert_int_equal(fa_spans_after(&spans, 0, 5), FA_NEVER);
    assert_int_equal(fa_spans_inside(&spans, 0), FA_NEVER);
}

static void a_zone_shows_the_last_shift_that_began(void **state)
{
    struct fa_zone_shift shifts[] = {{100, 3600, "CET"}, {200, 7200, "CEST"}, {300, 3600, "CET"}};
    static const struct {
        fa_time at;
        size_t shift;
    } rows[] = {{-5, 0}, {99, 0}, {100, 0}, {199, 0}, {200, 1}, {299, 1}, {300, 2}, {9999, 2}};
    for (size_t count = 1; count <= 3; count++) {
        const struct fa_zone zone = {NULL, shifts, count};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            size_t expected = rows[i].shift < count ? rows[i].shift : count - 1;
            assert_ptr_equal(fa_zone_at(&zone, rows[i].at), &shifts[expected]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_adding_and_removing_is_as_on_a_bitmap),
        cmocka_unit_test(an_empty_or_inverted_span_changes_nothing),
        cmocka_unit_test(never_is_the_end_of_what_ends_never),
        cmocka_unit_test(a_zone_shows_the_last_shift_that_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

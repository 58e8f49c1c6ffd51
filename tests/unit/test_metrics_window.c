/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "base/id.h"
#include "metrics/index.h"
#include "metrics/window.h"

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void a_sketch_is_right_to_one_percent(void **state)
{
    static double values[20000];
    static const double qs[] = {0, .01, .1, .5, .9, .95, .99, .999, 1};
    struct fa_rng rng = {{1, 2}};
    for (int shape = 0; shape < 4; shape++) {
        struct fa_sketch whole = {0}, parts[3] = {{.zero = 0}};
        for (size_t i = 0; i < 20000; i++) {
            double unit = fa_rng_unit(&rng);
            values[i] = shape == 0   ? 100 * unit
                        : shape == 1 ? exp(6 * unit)
                        : shape == 2 ? 50 - 100 * unit
                                     : (unit < .3 ? 0 : -exp(4 * unit));
            fa_sketch_add(&whole, values[i], 1);
            fa_sketch_add(&parts[i % 3], values[i], 1);
        }
        fa_sketch_merge(&parts[0], &parts[1]);
        fa_sketch_merge(&parts[0], &parts[2]);
        qsort(values, 20000, sizeof values[0], by_value);
        for (size_t k = 0; k < sizeof qs / sizeof qs[0]; k++) {
            size_t rank = (size_t)ceil(qs[k] * 20000 - 1e-6);
            double right = values[rank > 0 ? rank - 1 : 0];
            assert_double_near(fa_sketch_quantile(&whole, qs[k]), right,
                               fabs(right) * 0.0101 + 1e-9);
            assert_true(fa_sketch_quantile(&whole, qs[k]) == fa_sketch_quantile(&parts[0], qs[k]));
        }
        assert_true(whole.min == values[0] && whole.max == values[19999]);
        assert_double_near(whole.sum, parts[0].sum, 1e-6);
        fa_sketch_done(&whole);
        for (size_t i = 0; i < 3; i++) {
            fa_sketch_done(&parts[i]);
        }
    }
}

static void a_sketch_stays_bounded_and_keeps_the_far_end(void **state)
{
    struct fa_sketch sketch = {0};
    for (int e = -9; e < 290; e++) {
        for (int k = 1; k < 10; k++) {
            fa_sketch_add(&sketch, k * pow(10, e), 1);
            fa_sketch_add(&sketch, -k * pow(10, -e), 1);
        }
    }
    assert_true(sketch.positive.count <= FA_SKETCH_BINS);
    assert_true(sketch.negative.count <= FA_SKETCH_BINS);
    assert_double_near(sketch.count, 2 * 299 * 9, 0);
    assert_double_near(fa_sketch_quantile(&sketch, .999) / 5e289, 1, .5);
    assert_true(fa_sketch_quantile(&sketch, 1) == 9 * pow(10, 289));
    fa_sketch_done(&sketch);
    assert_true(isnan(fa_sketch_quantile(&sketch, .5)));
}

static void a_sketch_weighs(void **state)
{
    struct fa_sketch sketch = {0};
    fa_sketch_add(&sketch, 1, 90);
    fa_sketch_add(&sketch, 100, 10);
    assert_double_near(fa_sketch_quantile(&sketch, .9), 1, .01);
    assert_double_near(fa_sketch_quantile(&sketch, .91), 100, 1);
    assert_double_near(sketch.sum, 1090, 0);
    fa_sketch_done(&sketch);
}

struct raw {
    fa_time time;
    double value, weight;
};

/* What fa_window_read must say, from all samples: one is inside while the newest of its slot is. */
static struct fa_summary reference(const struct raw *raws, size_t n, fa_time width, fa_time now,
                                   fa_time over)
{
    struct fa_summary sum = {.next_at = FA_NEVER};
    for (size_t i = 0; i < n; i++) {
        fa_time newest = raws[i].time;
        for (size_t k = 0; k < n; k++) {
            if (raws[k].time / width == raws[i].time / width && raws[k].time > newest) {
                newest = raws[k].time;
            }
        }
        if (newest <= now - over) {
            continue;
        }
        struct fa_sample sample = {
            .time = raws[i].time, .value = raws[i].value, .weight = raws[i].weight};
        fa_summary_add(&sum, &sample);
        sum.next_at = newest + over < sum.next_at ? newest + over : sum.next_at;
    }
    return sum;
}

static void random_windows_agree_with_all_their_samples(void **state)
{
    static struct raw raws[120];
    struct fa_rng rng = {{11, 12}};
    for (int round = 0; round < 40; round++) {
        fa_time over = (fa_time)(fa_rng_next(&rng) % 4000 + 1) * 1000;
        struct fa_window window;
        enum fa_fold fold = round % 3 == 0 ? FA_FOLD_DELTA : FA_FOLD_VALUE;
        fa_window_init(&window, fold, over, round % 2 == 0);
        fa_time now = 1000000;
        size_t n = 0;
        while (n < 120) {
            now += (fa_time)(fa_rng_next(&rng) % 30000);
            fa_time age = fa_rng_next(&rng) % 4 == 0 ? (fa_time)(fa_rng_next(&rng) % 60000) : 0;
            struct fa_sample sample = {
                .time = now - age, .value = fa_rng_unit(&rng) * 100 - 50, .weight = 1};
            if (fold == FA_FOLD_DELTA) { /* only deltas weigh */
                sample.weight = (double)(fa_rng_next(&rng) % 3 + 1);
            }
            if (fa_window_add(&window, &sample, now)) {
                raws[n++] = (struct raw){sample.time, sample.value, sample.weight};
            } else {
                assert_true(sample.time <= now - over);
                continue;
            }
            fa_time at = now + (fa_time)(fa_rng_next(&rng) % 2000);
            struct fa_summary got, want = reference(raws, n, window.width, at, over);
            struct fa_sketch sketch = {0};
            fa_window_read(&window, at, over, &got, &sketch);
            assert_int_equal(got.samples, want.samples);
            assert_int_equal(got.next_at, want.next_at);
            assert_double_near(got.count, want.count, 1e-9);
            assert_double_near(got.sum, want.sum, 1e-6);
            if (got.samples > 0) {
                assert_true(got.min == want.min && got.max == want.max);
                assert_int_equal(got.last_at, want.last_at);
                assert_true(got.last == want.last);
            }
            assert_double_near(sketch.count, round % 2 == 0 ? want.count : 0, 1e-9);
            fa_sketch_done(&sketch);
        }
        assert_true(window.count <= 1003);
        fa_window_done(&window);
    }
}

static void add(struct fa_window *window, fa_time time, double value)
{
    struct fa_sample sample = {.time = time, .value = value, .weight = 1};
    assert_true(fa_window_add(window, &sample, time > 100000 ? time : 100000));
}

static void an_increase_is_what_lies_between_samples(void **state)
{
    struct fa_window window;
    struct fa_summary sum;
    fa_window_init(&window, FA_FOLD_VALUE, FA_MINUTE, false);
    add(&window, 50000, 10);
    fa_window_read(&window, 100000, FA_MINUTE, &sum, NULL);
    assert_false(sum.has_increase);
    add(&window, 60000, 15);
    add(&window, 60100, 17); /* same slot */
    add(&window, 80000, 2);  /* a reset: 2 since then */
    add(&window, 90000, 5);
    fa_window_read(&window, 100000, FA_MINUTE, &sum, NULL);
    assert_true(sum.has_increase);
    assert_double_near(sum.increase, 7 + 2 + 3, 0);
    /* late, before, between and after what its slot has */
    add(&window, 70000, 20);
    add(&window, 60050, 16);
    add(&window, 60900, 18);
    add(&window, 60000 - 0, 15);
    fa_window_read(&window, 100000, FA_MINUTE, &sum, NULL);
    assert_double_near(sum.increase, 10 + 2 + 3, 0);
    /* the one before the window is where the increase is measured from */
    fa_window_read(&window, 125000, FA_MINUTE, &sum, NULL);
    assert_double_near(sum.increase, 2 + 2 + 3, 0);
    fa_window_done(&window);
}

static void a_window_never_holds_more_than_a_thousand_slots(void **state)
{
    static const fa_time overs[] = {FA_SECOND, FA_MINUTE, FA_HOUR, FA_DAY, 30 * FA_DAY};
    for (size_t i = 0; i < sizeof overs / sizeof overs[0]; i++) {
        struct fa_window window;
        fa_window_init(&window, FA_FOLD_DELTA, overs[i], false);
        fa_time step = overs[i] / 3000 + 1;
        for (fa_time t = 0; t < 3 * overs[i]; t += step) {
            struct fa_sample sample = {.time = t, .value = 1, .weight = 1, .increase = 1};
            assert_true(fa_window_add(&window, &sample, t));
            assert_true(window.count <= 1003);
        }
        struct fa_summary sum;
        fa_window_read(&window, 3 * overs[i], overs[i], &sum, NULL);
        assert_double_near(sum.increase, (double)(overs[i] / step),
                           (double)(window.width / step) + 2);
        fa_window_done(&window);
    }
}

static void a_new_window_starts_with_what_another_knows(void **state)
{
    struct fa_window fine, coarse;
    struct fa_summary a, b;
    fa_window_init(&fine, FA_FOLD_VALUE, FA_HOUR, false);
    for (fa_time t = 0; t < FA_HOUR; t += 7 * FA_SECOND) {
        add(&fine, 100000 + t, (double)(t % 13));
    }
    fa_window_init(&coarse, FA_FOLD_VALUE, FA_DAY, false);
    fa_window_seed(&coarse, &fine);
    fa_time now = 100000 + FA_HOUR - 1;
    fa_window_read(&fine, now, FA_HOUR, &a, NULL);
    fa_window_read(&coarse, now, FA_DAY, &b, NULL);
    assert_int_equal(a.samples, b.samples);
    assert_double_near(a.increase, b.increase, 1e-9);
    assert_double_near(a.sum, b.sum, 1e-9);
    assert_true(a.last == b.last);
    assert_true(coarse.since >= fine.since);
    /* an extended span does not claim what the shorter one dropped */
    add(&fine, 100000 + 2 * FA_HOUR, 1);
    fa_window_extend(&fine, FA_HOUR + 1);
    assert_true(fine.since > 100000);
    fa_window_done(&fine);
    fa_window_done(&coarse);
}

static void an_index_finds_what_is_in_it_under_churn(void **state)
{
    static bool in[3000];
    struct fa_index index = {0};
    struct fa_rng rng = {{21, 22}};
    size_t cursor, count = 0;
    assert_int_equal(fa_index_first(&index, 1, &cursor), FA_INDEX_NONE);
    for (int round = 0; round < 50000; round++) {
        uint32_t i = (uint32_t)(fa_rng_next(&rng) % 3000), hash = i % 700; /* many of equal hash */
        if (in[i]) {
            fa_index_remove(&index, hash, i);
            count--;
        } else {
            fa_index_add(&index, hash, i);
            count++;
        }
        in[i] = !in[i];
        assert_int_equal(index.count, count);
        uint32_t k = (uint32_t)(fa_rng_next(&rng) % 3000);
        uint32_t found = fa_index_first(&index, k % 700, &cursor);
        while (found != FA_INDEX_NONE && found != k) {
            found = fa_index_next(&index, k % 700, &cursor);
        }
        assert_int_equal(found == k, in[k]);
    }
    fa_index_done(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sketch_is_right_to_one_percent),
        cmocka_unit_test(a_sketch_stays_bounded_and_keeps_the_far_end),
        cmocka_unit_test(a_sketch_weighs),
        cmocka_unit_test(random_windows_agree_with_all_their_samples),
        cmocka_unit_test(an_increase_is_what_lies_between_samples),
        cmocka_unit_test(a_window_never_holds_more_than_a_thousand_slots),
        cmocka_unit_test(a_new_window_starts_with_what_another_knows),
        cmocka_unit_test(an_index_finds_what_is_in_it_under_churn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

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

/* A window as its series has it. */
struct kept {
    struct fa_windows all;
    struct fa_window *window;
};

static struct kept kept_new(enum fa_fold fold, fa_time span, uint8_t reads, bool sketch)
{
    struct kept kept;
    fa_windows_init(&kept.all);
    kept.window = fa_window_new(&kept.all, fold, span, reads, sketch);
    return kept;
}

static void kept_free(struct kept *kept)
{
    fa_window_free(&kept->all, kept->window);
    fa_windows_done(&kept->all);
}

static void take(struct kept *kept, const struct fa_sample *sample, fa_time now)
{
    enum fa_taken taken = fa_window_add(&kept->all, kept->window, sample, now);
    if (taken == FA_TAKEN_LATER) {
        kept->window = fa_window_wake(&kept->all, kept->window);
        taken = fa_window_add(&kept->all, kept->window, sample, now);
    }
    assert_int_equal(taken, FA_TAKEN);
}

static void add(struct kept *kept, fa_time time, double value)
{
    struct fa_sample sample = {.time = time, .value = value, .weight = 1};
    take(kept, &sample, time > 100000 ? time : 100000);
}

static struct fa_summary read(const struct kept *kept, fa_time now, fa_time over)
{
    return fa_window_read(&kept->all, kept->window, now - over, now, NULL);
}

static void an_increase_is_what_lies_between_samples(void **state)
{
    struct kept kept = kept_new(FA_FOLD_VALUE, FA_MINUTE, 0, false);
    add(&kept, 50000, 10);
    assert_false(read(&kept, 100000, FA_MINUTE).has_increase);
    add(&kept, 60000, 15);
    add(&kept, 60100, 17); /* same slot */
    add(&kept, 80000, 2);  /* a reset: 2 since then */
    add(&kept, 90000, 5);
    struct fa_summary sum = read(&kept, 100000, FA_MINUTE);
    assert_true(sum.has_increase);
    assert_double_near(sum.increase, 7 + 2 + 3, 0);
    /* late, before, between and after what its slot has */
    add(&kept, 70000, 20);
    add(&kept, 60050, 16);
    add(&kept, 60900, 18);
    add(&kept, 60000 - 0, 15);
    assert_double_near(read(&kept, 100000, FA_MINUTE).increase, 10 + 2 + 3, 0);
    /* the one before the window is where the increase is measured from */
    assert_double_near(read(&kept, 125000, FA_MINUTE).increase, 2 + 2 + 3, 0);
    kept_free(&kept);
}

static void a_long_window_has_a_thousand_slots_of_what_is_read(void **state)
{
    static const fa_time overs[] = {2 * FA_HOUR, FA_DAY, 30 * FA_DAY};
    for (size_t i = 0; i < sizeof overs / sizeof overs[0]; i++) {
        struct kept kept = kept_new(FA_FOLD_VALUE, overs[i], FA_READS_INCREASE, false);
        fa_time step = overs[i] / 3000 + 1;
        for (fa_time t = 0; t < 3 * overs[i]; t += step) {
            struct fa_sample sample = {.time = t, .value = (double)(t / step), .weight = 1};
            take(&kept, &sample, t);
            assert_true(kept.window->u.ring.count <= 1003);
        }
        assert_true(kept.window->size <= 1003); /* slots of three words */
        assert_int_equal(kept.window->reads, FA_READS_INCREASE | FA_READS_LAST);
        struct fa_summary sum = read(&kept, 3 * overs[i], overs[i]);
        assert_double_near(sum.increase, (double)(overs[i] / step),
                           (double)(kept.window->u.ring.width / step) + 2);
        kept_free(&kept);
    }
}

static void a_kpi_of_one_sample_a_day_may_be_revised(void **state)
{
    struct kept kept = kept_new(FA_FOLD_VALUE, 30 * FA_DAY, 0, false);
    for (int day = 1; day <= 20; day++) {
        add(&kept, day * FA_DAY, day == 10 ? 1 : 100 * day);
    }
    struct fa_sample sample = {.time = 10 * FA_DAY, .value = 1000, .weight = 1, .corrects = true};
    take(&kept, &sample, 20 * FA_DAY);
    struct fa_summary sum = read(&kept, 20 * FA_DAY, 15 * FA_DAY);
    assert_int_equal(sum.samples, 15);
    assert_double_near(sum.sum, 100 * (6 + 20) * 15 / 2.0, 1e-6);
    assert_true(sum.min == 600 && sum.max == 2000);
    assert_double_near(sum.increase, 1500, 0);
    sample.time = 20 * FA_DAY; /* the newest too */
    sample.value = 1950;
    take(&kept, &sample, 20 * FA_DAY);
    assert_true(read(&kept, 20 * FA_DAY, 15 * FA_DAY).max == 1950);
    kept_free(&kept);
}

static void a_new_window_starts_with_what_another_knows(void **state)
{
    struct kept fine = kept_new(FA_FOLD_VALUE, FA_HOUR, 0, false);
    for (fa_time t = 0; t < FA_HOUR; t += 7 * FA_SECOND) {
        add(&fine, 100000 + t, (double)(t % 13));
    }
    struct fa_window *coarse = fa_window_new(&fine.all, FA_FOLD_VALUE, FA_DAY, 0, false);
    fa_window_seed(&fine.all, coarse, fine.window);
    fa_time now = 100000 + FA_HOUR - 1;
    struct fa_summary a = read(&fine, now, FA_HOUR);
    struct fa_summary b = fa_window_read(&fine.all, coarse, now - FA_DAY, now, NULL);
    assert_int_equal(a.samples, b.samples);
    assert_double_near(a.increase, b.increase, 1e-9);
    assert_double_near(a.sum, b.sum, 1e-9);
    assert_true(a.last == b.last);
    assert_true(coarse->since >= fine.window->since);
    /* an extended span does not claim what the shorter one dropped */
    struct kept longer = kept_new(FA_FOLD_VALUE, FA_MINUTE, 0, false);
    for (fa_time t = 0; t < 20 * FA_MINUTE; t += FA_SECOND) {
        add(&longer, 100000 + t, (double)(t % 13));
    }
    fa_window_extend(&longer.all, longer.window, FA_HOUR);
    assert_true(longer.window->since > 100000 + 15 * FA_MINUTE);
    kept_free(&longer);
    fa_window_free(&fine.all, coarse);
    kept_free(&fine);
}

static void a_sketch_window_gives_the_quantile_of_what_is_inside(void **state)
{
    struct kept kept = kept_new(FA_FOLD_DELTA, FA_HOUR, 0, true);
    for (int i = 0; i < 3000; i++) {
        struct fa_sample sample = {
            .time = i * FA_SECOND, .value = i, .weight = i % 2 + 1, .increase = i % 2 + 1};
        take(&kept, &sample, i * FA_SECOND);
        sample.time -= 100 * FA_SECOND; /* late, into slots that are there and are not */
        take(&kept, &sample, i * FA_SECOND);
    }
    struct fa_sketch sketch = {.zero = 0};
    struct fa_summary sum =
        fa_window_read(&kept.all, kept.window, 2000 * FA_SECOND - 1, 3000 * FA_SECOND, &sketch);
    assert_int_equal(sum.samples, 1900);
    assert_double_near(sketch.count, sum.count, 1e-6);
    assert_double_near(fa_sketch_quantile(&sketch, 0.5), 2525, 26);
    fa_sketch_done(&sketch);
    kept_free(&kept);
}

/* What came is there, bit by bit, and a sample of two decimals takes 2 bytes. */
static void a_chunk_gives_back_what_was_packed(void **state)
{
    struct fa_rng rng = {{5, 6}};
    struct kept kept = kept_new(FA_FOLD_VALUE, FA_HOUR, 0, false);
    for (int i = 0; i < 300; i++) {
        add(&kept, 100000 + i * 10 * FA_SECOND, round(fa_rng_unit(&rng) * 10000) / 100);
    }
    assert_true(kept.all.small.count <= 16); /* of 64 bytes for 300 samples */
    assert_int_equal(kept.all.large.count, 0);
    kept_free(&kept);
}

/* A feed that comes at even times costs no bits for them, and one that mostly does hardly any. */
static void what_came_at_uneven_times_is_given_back_too(void **state)
{
    static const struct {
        int missed_each;   /* one of so many; 0: none */
        fa_time jitter_ms; /* up to that late */
        double step;       /* from value to value at most; 0: any */
        bool coarse_first; /* the first values have fewer decimals */
        size_t chunks;     /* that 300 samples take at most */
    } feeds[] = {{0, 0, 0, false, 13},    {0, 0, 0, true, 14},     {0, 0, 1, false, 9},
                 {7, 0, 0, false, 21},    {12, 0, 0, true, 18},    {30, 0, 0, false, 16},
                 {0, 1000, 0, false, 25}, {30, 1000, 1, false, 20}};
    struct fa_rng rng = {{8, 9}};
    for (size_t k = 0; k < sizeof feeds / sizeof feeds[0]; k++) {
        static struct fa_point sent[300], got[300];
        struct kept kept = kept_new(FA_FOLD_VALUE, FA_HOUR, 0, false);
        fa_time even = 100000;
        for (int i = 0; i < 300; i++) {
            bool missed = feeds[k].missed_each > 0 && i % feeds[k].missed_each == 0;
            even += (missed ? 2 : 1) * 10 * FA_SECOND;
            double unit = fa_rng_unit(&rng), last = i > 0 ? sent[i - 1].value : 50;
            double value = feeds[k].step > 0 ? last + (unit - .5) * feeds[k].step : unit * 100;
            double digits = feeds[k].coarse_first && i < 2 ? 1 : 100;
            fa_time late = feeds[k].jitter_ms > 0
                               ? (fa_time)(fa_rng_next(&rng) % (uint64_t)feeds[k].jitter_ms)
                               : 0;
            sent[i] = (struct fa_point){even + late, round(value * digits) / digits};
            add(&kept, sent[i].at, sent[i].value);
        }
        assert_in_range(kept.all.small.count, 1, feeds[k].chunks);
        size_t count = fa_window_points(
            &kept.all, kept.window, (struct fa_range){even - FA_HOUR, even + FA_MINUTE}, got, 300);
        assert_true(count > 250);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(got[i].at, sent[300 - count + i].at);
            assert_true(got[i].value == sent[300 - count + i].value);
        }
        kept_free(&kept);
    }
}

/* Many windows that begin together do not all need a chunk at once. */
static void windows_that_begin_together_fill_their_chunks_at_different_times(void **state)
{
    enum { WINDOWS = 240 };
    static struct fa_window *windows[WINDOWS];
    struct fa_windows all;
    struct fa_rng rng = {{3, 1}};
    uint32_t before = 0, most = 0;
    fa_windows_init(&all);
    for (size_t i = 0; i < WINDOWS; i++) {
        windows[i] = fa_window_new(&all, FA_FOLD_VALUE, FA_HOUR, 0, false);
    }
    for (fa_time t = 0; t < 30 * FA_MINUTE; t += 10 * FA_SECOND) {
        for (size_t i = 0; i < WINDOWS; i++) {
            struct fa_sample sample = {
                .time = t, .value = round(fa_rng_unit(&rng) * 1e4) / 100, .weight = 1};
            assert_int_equal(fa_window_take(&all, windows[i], &sample, t), FA_TAKEN);
        }
        uint32_t taken = all.small.count - before;
        most = t > 0 && taken > most ? taken : most;
        before = all.small.count;
    }
    assert_in_range(most, 1, WINDOWS / 4);
    for (size_t i = 0; i < WINDOWS; i++) {
        fa_window_free(&all, windows[i]);
    }
    fa_windows_done(&all);
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
        cmocka_unit_test(an_increase_is_what_lies_between_samples),
        cmocka_unit_test(a_long_window_has_a_thousand_slots_of_what_is_read),
        cmocka_unit_test(a_kpi_of_one_sample_a_day_may_be_revised),
        cmocka_unit_test(a_new_window_starts_with_what_another_knows),
        cmocka_unit_test(a_sketch_window_gives_the_quantile_of_what_is_inside),
        cmocka_unit_test(a_chunk_gives_back_what_was_packed),
        cmocka_unit_test(what_came_at_uneven_times_is_given_back_too),
        cmocka_unit_test(windows_that_begin_together_fill_their_chunks_at_different_times),
        cmocka_unit_test(an_index_finds_what_is_in_it_under_churn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

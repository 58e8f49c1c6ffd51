/* SPDX-License-Identifier: MIT */
/* Windows against a list of all their samples: what they count, their extremes and points exactly,
 * sums and increases to 1e-9. Samples come in order, late, corrected, many in a second, with gaps
 * and as what is no number. More rounds: FA_SEEDS. */
#include "fa_test.h"
#include "base/id.h"
#include "metrics/keep.h"

#define SAMPLES 160

struct model {
    enum fa_fold fold;
    fa_time width;
    bool total; /* values grow with time */
    struct fa_sample samples[SAMPLES];
    size_t count;
    bool is_thin[SAMPLES]; /* shares its slot */
};

/* Equal, also as what is no number. */
static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool is_near(double a, double b, double scale)
{
    return same(a, b) || fabs(a - b) <= 1e-9 * (scale + fabs(b));
}

static fa_time id_of(const struct model *model, size_t i)
{
    return fa_slot_id(model->samples[i].time, model->width);
}

static size_t others(const struct model *model, fa_time id, size_t *last)
{
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        if (id_of(model, i) == id) {
            count++;
            *last = i;
        }
    }
    return count;
}

static void model_take(struct model *model, const struct fa_sample *sample)
{
    size_t last = 0, count = others(model, fa_slot_id(sample->time, model->width), &last);
    if (sample->corrects && count == 1 && model->samples[last].time == sample->time) {
        model->samples[last] = *sample;
    } else {
        model->samples[model->count++] = *sample;
    }
}

/* By time, of one time by arrival. */
static size_t sorted(const struct model *model, const struct fa_sample **out)
{
    for (size_t i = 0; i < model->count; i++) {
        size_t at = i;
        while (at > 0 && out[at - 1]->time > model->samples[i].time) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = &model->samples[i];
    }
    return model->count;
}

struct want {
    struct fa_summary summary;
    struct fa_point points[SAMPLES];
    double scale; /* of sums */
};

static void add_sample(struct want *want, const struct fa_sample *sample)
{
    struct fa_summary *s = &want->summary;
    bool first = s->samples == 0;
    s->samples++;
    s->count += sample->weight;
    s->sum += sample->value * sample->weight;
    want->scale += isfinite(sample->value) ? fabs(sample->value) * sample->weight : 0;
    s->min = first ? sample->value : fmin(s->min, sample->value);
    s->max = first ? sample->value : fmax(s->max, sample->value);
}

static void naive(const struct model *model, fa_time from, fa_time to, struct want *ret)
{
    const struct fa_sample *in_order[SAMPLES], *before = NULL;
    size_t n = sorted(model, in_order), begin, end;
    *ret = (struct want){.summary = {.next_at = FA_NEVER}};
    struct fa_summary *s = &ret->summary;
    for (begin = 0; begin < n; begin = end) {
        fa_time id = fa_slot_id(in_order[begin]->time, model->width);
        for (end = begin + 1; end < n && fa_slot_id(in_order[end]->time, model->width) == id;
             end++) {
        }
        const struct fa_sample *last = in_order[end - 1];
        if (last->time > to) {
            s->next_at = last->time < s->next_at ? last->time : s->next_at;
            break;
        }
        for (size_t i = begin; i < end && last->time > from; i++) {
            add_sample(ret, in_order[i]);
            double *increase = s->points == 0 ? &s->increase : &s->between;
            if (model->fold == FA_FOLD_DELTA) {
                *increase += in_order[i]->increase;
            } else if (model->fold == FA_FOLD_VALUE && (i > begin || before != NULL)) {
                *increase += fa_slot_difference(i > begin ? in_order[i - 1]->value : before->value,
                                                in_order[i]->value);
            }
        }
        if (last->time > from) {
            if (s->points == 0) {
                s->next_at = last->time + (to - from);
            }
            ret->points[s->points++] = (struct fa_point){last->time, last->value};
        }
        before = last;
    }
    s->increase += s->between;
}

static void check(const struct model *model, const struct fa_windows *all,
                  const struct fa_window *window, fa_time from, fa_time to)
{
    static struct want want;
    struct fa_point points[SAMPLES];
    naive(model, from, to, &want);
    const struct fa_summary *w = &want.summary;
    struct fa_summary got = fa_window_read(all, window, from, to, NULL);
    assert_int_equal(got.samples, w->samples);
    assert_int_equal(got.points, w->points);
    assert_int_equal(got.next_at, w->next_at);
    size_t n = fa_window_points(all, window, (struct fa_range){from, to}, points, SAMPLES);
    assert_int_equal(n, w->points);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(points[i].at, want.points[i].at);
        assert_true(same(points[i].value, want.points[i].value));
    }
    if (n == 0) {
        return;
    }
    assert_true(same(got.min, w->min) && same(got.max, w->max));
    assert_true(is_near(got.count, w->count, 0));
    assert_true(is_near(got.sum, w->sum, want.scale));
    assert_true(got.first_at == points[0].at && same(got.first, points[0].value));
    assert_true(got.last_at == points[n - 1].at && same(got.last, points[n - 1].value));
    if (model->total || model->fold != FA_FOLD_VALUE) {
        assert_true(is_near(got.increase, w->increase, want.scale));
        assert_true(is_near(got.between, w->between, want.scale));
    }
}

/* One who reads a raw window again and again. */
struct follower {
    fa_time over;
    unsigned pace; /* reads after one of so many samples */
    unsigned news;
    struct fa_follow follow;
    struct fa_summary summary;
};

static struct {
    uint64_t read, followed, reset;
} totals;

static void check_follower(struct follower *follower, const struct fa_windows *all,
                           const struct fa_window *window, fa_time now, double scale)
{
    struct fa_summary *got = &follower->summary;
    fa_time from = now - follower->over;
    struct fa_summary want = fa_window_read(all, window, from, now, NULL);
    struct fa_follow *follow = &follower->follow;
    follow->is_valid = follow->is_valid && follower->news < FA_CHANGE_SAMPLES;
    bool was_valid = follow->is_valid;
    uint32_t front = follow->front.chunk;
    fa_window_follow(all, window, (struct fa_range){from, now}, follow, got);
    totals.read++;
    totals.followed += was_valid && follow->front.chunk != front;
    totals.reset += follow->is_valid && follow->front_more != 0;
    follower->news = 0;
    assert_int_equal(got->samples, want.samples);
    assert_int_equal(got->points, want.points);
    assert_int_equal(got->next_at, want.next_at);
    assert_int_equal(got->has_increase, want.has_increase);
    if (want.samples == 0) {
        return;
    }
    assert_true(got->first_at == want.first_at && same(got->first, want.first));
    assert_true(got->last_at == want.last_at && same(got->last, want.last));
    if (isfinite(want.sum)) { /* what is no number leaves no trace */
        assert_true(is_near(got->between, want.between, scale));
        assert_true(is_near(got->increase, want.increase, scale));
    }
}

static void follow(struct follower *followers, size_t count, const struct fa_windows *all,
                   const struct fa_window *window, fa_time now, uint64_t random, double scale)
{
    for (size_t i = 0; i < count; i++, random >>= 8) {
        followers[i].news++;
        if (random % followers[i].pace == 0) {
            check_follower(&followers[i], all, window, now, scale);
        }
    }
}

static double random_value(struct fa_rng *rng, int shape, fa_time time)
{
    double unit = fa_rng_unit(rng);
    switch (shape) {
    case 0: /* two decimals */
        return round(unit * 10000) / 100;
    case 1: /* rarely anything else */
        return unit < .9 ? 7 : round(unit * 1e6);
    case 2: /* any double */
        return (unit - .5) * exp(80 * fa_rng_unit(rng));
    case 3: /* integers, and then decimals */
        return unit < .8 ? round(unit * 1000) : round(unit * 1e7) / 1e6;
    case 4: /* what is no number */
        return unit < .05   ? NAN
               : unit < .1  ? INFINITY
               : unit < .15 ? -INFINITY
               : unit < .2  ? -0.0
                            : unit;
    default: /* a total */
        return (double)(time / 100 * 3);
    }
}

static fa_time random_step(struct fa_rng *rng, int pace)
{
    static const fa_time steps[] = {10000, 1000, 300, 60000};
    uint64_t random = fa_rng_next(rng);
    if (random % 40 == 0) {
        return (fa_time)(random % 2000000);
    }
    return pace < 2 ? steps[pace] : (fa_time)(random % (uint64_t)(2 * steps[pace & 3]));
}

static void add(struct fa_windows *all, struct fa_window **window, const struct fa_sample *sample,
                fa_time now, struct model *model)
{
    enum fa_taken taken = fa_window_add(all, *window, sample, now);
    if (taken == FA_TAKEN_LATER) {
        assert_false((*window)->is_busy);
        *window = fa_window_wake(all, *window);
        taken = fa_window_add(all, *window, sample, now);
    }
    assert_true(taken != FA_TAKEN_LATER);
    assert_int_equal(taken == FA_TAKEN, sample->time > now - fa_window_span(*window));
    if (taken == FA_TAKEN) {
        model_take(model, sample);
    }
}

static void one_round(uint64_t seed)
{
    static struct model model;
    struct fa_rng rng = {{seed + 1, 77}};
    bool is_long = fa_rng_next(&rng) % 3 == 0, lates = fa_rng_next(&rng) % 2 == 0;
    int shape = (int)(fa_rng_next(&rng) % 6), pace = (int)(fa_rng_next(&rng) % 4);
    fa_time span = is_long ? FA_RAW_MAX + 1 + (fa_time)(fa_rng_next(&rng) % (30 * FA_DAY))
                           : 1000 + (fa_time)(fa_rng_next(&rng) % 3599000);
    model = (struct model){.fold = (enum fa_fold)(fa_rng_next(&rng) % 3),
                           .width = fa_window_width(span, false),
                           .total = shape == 5 || (!is_long && !lates)};
    struct fa_windows all;
    fa_windows_init(&all);
    struct fa_window *window = fa_window_new(&all, model.fold, span, FA_READS_ALL, false);
    fa_time now = 1700000000000 + (fa_time)(fa_rng_next(&rng) % 100000);
    double total = 0, scale = 0;
    struct follower followers[] = {{.over = span, .pace = 1},
                                   {.over = span / 3 + 1, .pace = 2},
                                   {.over = span / 20 + 1, .pace = 5}};
    while (model.count < SAMPLES) {
        now += is_long ? random_step(&rng, pace) * 100 : random_step(&rng, pace);
        uint64_t random = fa_rng_next(&rng);
        bool late = lates && random % 4 == 0;
        fa_time age = late ? (fa_time)(random >> 8) % (span / 8 + 1) : 0;
        struct fa_sample sample = {.time = now - age, .weight = 1, .corrects = random % 8 == 1};
        if (late && random % 3 == 0 && model.count > 0 && shape != 5 &&
            model.fold != FA_FOLD_DELTA) {
            sample.time = model.samples[(random >> 20) % model.count].time; /* a correction */
            sample.corrects = true;
        }
        if (is_long && model.count > 0 &&
            id_of(&model, 0) >= fa_slot_id(sample.time, model.width)) {
            sample.time = now; /* what is before all that is known adds to no increase there */
        }
        sample.value = random_value(&rng, shape, sample.time);
        if (model.fold == FA_FOLD_DELTA) {
            sample.corrects = false;
            sample.weight = random % 5 == 0 ? (double)(random % 7 + 1) : 1;
            sample.increase = random % 2 == 0 ? sample.weight : round(100 * fa_rng_unit(&rng));
            if (shape == 3 && sample.weight == 1) { /* a counter of deltas */
                total += sample.increase;
                sample.value = total;
            }
        }
        add(&all, &window, &sample, now, &model);
        fa_time to = now - (random % 5 == 0 ? (fa_time)(random >> 12) % span / 2 : 0);
        fa_time from = now - span + (fa_time)(random >> 16) % span;
        check(&model, &all, window, from < to ? from : to, to);
        scale = fmax(scale, isfinite(sample.value) ? 100 * fabs(sample.value) : 0);
        if (!is_long && model.fold != FA_FOLD_NONE) {
            follow(followers, 3, &all, window, now, fa_rng_next(&rng), scale);
        }
    }
    check(&model, &all, window, now - span, now);
    fa_window_free(&all, window);
    fa_windows_done(&all);
}

static void windows_agree_with_the_list_of_their_samples(void **state)
{
    const char *text = getenv("FA_SEEDS");
    uint64_t seeds = text != NULL ? strtoull(text, NULL, 10) : 400;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        one_round(seed);
    }
    print_message("followed into another chunk %llu of %llu times, with a reset %llu\n",
                  (unsigned long long)totals.followed, (unsigned long long)totals.read,
                  (unsigned long long)totals.reset);
    assert_true(totals.followed > seeds && totals.reset > seeds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_agree_with_the_list_of_their_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

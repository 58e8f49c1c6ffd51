/* SPDX-License-Identifier: MIT */
/* Evaluating only what may have changed, and giving up what rests, against evaluating every sample
 * and keeping all: the same rules over the same random streams, the same signals at the same turns
 * and the same numbers in between. */
#include "fa_test.h"
#include "base/id.h"
#include "rules/rules.h"

#define T0 INT64_C(1700000000000)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* ten times as slow */
#define SEEDS 60
#else
#define SEEDS 200
#endif
#define STEPS  400
#define SERIES 6
#define RULES  4
#define SAID   200

struct said {
    char text[120];
};
struct side {
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    struct fa_rules *rules;
    struct said said[SAID];
    size_t count;
};

static struct {
    uint64_t evaluated, spared, signals, firing, rested, near, near_all;
} totals;

static void say(void *ctx, const struct fa_signal *signal)
{
    struct side *side = ctx;
    assert_true(side->count < SAID);
    snprintf(side->said[side->count++].text, sizeof side->said[0].text, "%s{%s} %d %.17g %lld",
             signal->rule->name, signal->labels, (int)signal->level, signal->value,
             (long long)signal->since);
    totals.signals++;
    totals.firing += signal->level == FA_LEVEL_FIRING;
}

static void note_status(void *ctx, const struct fa_rule_status *status)
{
    struct side *side = ctx;
    assert_true(side->count < SAID);
    snprintf(side->said[side->count++].text, sizeof side->said[0].text, "%s{%s} %d %.9g %lld %llu",
             status->rule->name, status->labels, (int)status->level, status->value,
             (long long)status->newest, (unsigned long long)status->samples);
}

/* Into the new rules. */
static void note_level(void *ctx, const struct fa_rule_status *status)
{
    struct side *side = ctx;
    if (status->level == FA_LEVEL_FIRING) {
        fa_rules_restore(side->rules, status->rule->name, status->labels, status->level);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void compare(struct side *fast, struct side *plain, const char *what, uint64_t seed)
{
    qsort(fast->said, fast->count, sizeof fast->said[0], by_text);
    qsort(plain->said, plain->count, sizeof plain->said[0], by_text);
    for (size_t i = 0; i < fast->count || i < plain->count; i++) {
        const char *a = i < fast->count ? fast->said[i].text : "nothing";
        const char *b = i < plain->count ? plain->said[i].text : "nothing";
        if (strcmp(a, b) != 0) {
            fail_msg("seed %llu, %s: %s instead of %s", (unsigned long long)seed, what, a, b);
        }
    }
    fast->count = plain->count = 0;
}

static uint64_t below(struct fa_rng *rng, uint64_t n)
{
    return fa_rng_next(rng) % n;
}

/* Thresholds that the numbers of the streams do cross. */
static double scale_of(enum fa_take take)
{
    switch (take) {
    case FA_TAKE_SUM:
        return 60;
    case FA_TAKE_COUNT:
        return 8;
    case FA_TAKE_INCREASE:
        return 40;
    case FA_TAKE_RATE:
        return 0.7;
    case FA_TAKE_LAST:
    case FA_TAKE_AVG:
    case FA_TAKE_MIN:
    case FA_TAKE_MAX:
    case FA_TAKE_SHARE:
    case FA_TAKE_QUANTILE:
    case FA_TAKE__COUNT:
        break;
    }
    return 10;
}

/* alone: of the kind whose label sets rest, as no other rule reads their series. */
static struct fa_rule random_rule(struct fa_rng *rng, char *name, bool alone)
{
    static char metric[] = "m";
    static char *per[] = {"g", "s"};
    static const fa_time overs[] = {30 * FA_SECOND, FA_MINUTE, 5 * FA_MINUTE};
    struct fa_rule rule = {.name = name, .metric = {.metric = metric, .per = per}};
    struct fa_metric_rule *m = &rule.metric;
    m->take = alone ? FA_TAKE_LAST : (enum fa_take)below(rng, FA_TAKE__COUNT);
    m->quantile = 0.9;
    m->per_count = alone ? 1 + below(rng, 2) : below(rng, 3);
    m->over = m->take == FA_TAKE_LAST && (alone || below(rng, 2) == 0) ? 0 : overs[below(rng, 3)];
    m->look_back = below(rng, 2) == 0 ? FA_MINUTE : 0;
    m->at_least = below(rng, 4) == 0 ? 1 + below(rng, 6) : 0;
    double scale = scale_of(m->take);
    m->has_above = below(rng, 3) > 0;
    m->has_below = !m->has_above || below(rng, 4) == 0;
    m->above = scale * (0.8 + 0.1 * (double)below(rng, 8));
    m->below = scale * (0.1 + 0.1 * (double)below(rng, 6));
    m->has_clear_below = m->has_above && below(rng, 2) == 0;
    m->clear_below = m->above * 0.7;
    m->has_clear_above = m->has_below && below(rng, 2) == 0;
    m->clear_above = m->below * 1.4;
    if (m->take == FA_TAKE_LAST && m->over == 0 && below(rng, 4) == 0) {
        m->absent = 20 * FA_SECOND;
        m->has_above = m->has_below = m->has_clear_above = m->has_clear_below = false;
    }
    return rule;
}

struct sample {
    enum fa_kind kind;
    unsigned series;
    double value, weight;
    fa_time time;
    bool stale;
};

/* The last series has fewer labels than the others of its group: alone, it is one label set with
 * them where only the group counts. */
static void put(struct side *side, const struct sample *sample, fa_time now)
{
    char raw[16], group[4];
    snprintf(raw, sizeof raw, "m%u", sample->series);
    snprintf(group, sizeof group, "%u", sample->series % 3);
    uint64_t handle = fa_metrics_key(side->feed, sample->kind, fa_str_of(raw));
    if (handle == FA_HANDLE_MISS) {
        struct fa_label labels[] = {{FA_STR("g"), fa_str_of(group)}, {FA_STR("s"), fa_str_of(raw)}};
        handle = fa_metrics_define(side->feed, sample->kind, fa_str_of(raw), FA_STR("m"), labels,
                                   sample->series == SERIES - 1 ? 1 : 2);
    }
    struct fa_now at = {.mono = now - T0, .wall = now};
    if (sample->stale) {
        fa_metrics_stale(side->feed, handle, now);
    } else {
        fa_metrics_push(side->feed, at, &handle, &sample->value, &sample->weight, &sample->time, 1);
    }
}

/* Mostly about one level, which moves: so that numbers come near their thresholds and go again. */
static struct sample random_sample(struct fa_rng *rng, enum fa_kind kind, double level, fa_time now)
{
    struct sample sample = {.kind = kind, .series = (unsigned)below(rng, SERIES), .weight = 1};
    sample.value = floor(level * (0.5 + fa_rng_unit(rng)) * 8) / 8;
    if (below(rng, 20) == 0) {
        sample.value = sample.value * 3 - 10;
    }
    if (kind == FA_KIND_COUNTER_CUMULATIVE) {
        sample.value = floor((double)(now - T0) / 1000 * level / 10) + (double)below(rng, 3);
        sample.value = below(rng, 40) == 0 ? 0 : sample.value;
    }
    if (kind == FA_KIND_DISTRIBUTION) {
        sample.weight = below(rng, 4) == 0 ? 2.5 : 1;
    }
    if (below(rng, 12) == 0) {
        sample.time = now - (fa_time)below(rng, 90) * FA_SECOND; /* perhaps late */
    }
    sample.stale = below(rng, 100) == 0;
    return sample;
}

static void run(struct side *fast, struct side *plain, fa_time now, uint64_t seed)
{
    struct fa_now at = {.mono = now - T0, .wall = now};
    fa_rules_run(fast->rules, at, say, fast);
    fa_rules_run(plain->rules, at, say, plain);
    compare(fast, plain, "a signal", seed);
}

static void open_side(struct side *side, const struct fa_rule *const *rules, size_t count)
{
    memset(side, 0, sizeof *side);
    side->metrics = fa_metrics_new(NULL);
    side->feed = fa_metrics_feed(side->metrics, "f");
    side->rules = fa_rules_new(rules, count, side->metrics);
}

/* A reload, as the daemon does it; who fired is said again. */
static void reload(struct side *side, const struct fa_rule *const *rules, size_t count)
{
    struct fa_rules *old = side->rules;
    side->rules = fa_rules_new(rules, count, side->metrics);
    fa_rules_each(old, note_level, side);
    fa_rules_free(old);
    fa_metrics_sweep(side->metrics);
}

static void close_side(struct side *side)
{
    fa_rules_free(side->rules);
    fa_metrics_free(side->metrics);
}

/* What comes due on the way, in both: one of them may look too early and say nothing. */
static fa_time pass(struct side *fast, struct side *plain, fa_time now, fa_time by, uint64_t seed)
{
    for (;;) {
        fa_time a = fa_rules_next(fast->rules), b = fa_rules_next(plain->rules);
        fa_time next = a < b ? a : b;
        if (next > now + by) {
            return now + by;
        }
        by -= next > now ? next - now : 0;
        now = next > now ? next : now;
        run(fast, plain, now, seed);
    }
}

/* How near to its threshold, to a step of what is minded. What goes and comes back within one turn
 * may be one time. */
static void compare_near(struct side *fast, struct side *plain, uint64_t seed)
{
    struct fa_rule_seen a, b;
    for (size_t i = 0; fa_rules_seen(fast->rules, i, &a) && fa_rules_seen(plain->rules, i, &b);
         i++) {
        if (a.near > b.near || b.nearest > a.nearest + 10 || a.nearest > b.nearest) {
            fail_msg("seed %llu, rule %zu: %u near, at worst %u, instead of %u, %u",
                     (unsigned long long)seed, i, a.near, a.nearest, b.near, b.nearest);
        }
        totals.near += a.near;
        totals.near_all += b.near;
    }
}

/* For every third seed they mind how near a number comes. */
static void mind(struct side *side, uint64_t seed)
{
    if (seed % 3 == 0) {
        fa_rules_mind_near(side->rules);
    }
}

static void one_seed(uint64_t seed)
{
    static const enum fa_kind kinds[] = {FA_KIND_GAUGE, FA_KIND_COUNTER_DELTA,
                                         FA_KIND_COUNTER_CUMULATIVE, FA_KIND_DISTRIBUTION,
                                         FA_KIND_SET};
    static char names[RULES][4] = {"a", "b", "c", "d"};
    static struct side fast, plain;
    struct fa_rng rng = {{seed, 77}};
    struct fa_rule rules[RULES];
    const struct fa_rule *list[RULES];
    size_t count = seed % 2 == 0 ? RULES : 1;
    for (size_t i = 0; i < count; i++) {
        rules[i] = random_rule(&rng, names[i], count == 1);
        list[i] = &rules[i];
    }
    open_side(&fast, list, count);
    open_side(&plain, list, count);
    fa_rules_test_always(plain.rules);
    mind(&fast, seed);
    mind(&plain, seed);
    enum fa_kind kind = kinds[below(&rng, sizeof kinds / sizeof kinds[0])];
    double level = 8;
    fa_time now = T0;
    run(&fast, &plain, now, seed);
    for (int step = 0; step < STEPS; step++) {
        for (uint64_t n = 1 + below(&rng, 4); n > 0; n--) {
            struct sample sample = random_sample(&rng, kind, level, now);
            put(&fast, &sample, now);
            put(&plain, &sample, now);
        }
        run(&fast, &plain, now, seed);
        if (below(&rng, 10) == 0) {
            fa_rules_each(fast.rules, note_status, &fast);
            fa_rules_each(plain.rules, note_status, &plain);
            compare(&fast, &plain, "a number", seed);
        }
        if (below(&rng, 150) == 0) {
            totals.evaluated += fa_rules_evaluations(fast.rules);
            totals.spared += fa_rules_evaluations(plain.rules) - fa_rules_evaluations(fast.rules);
            compare_near(&fast, &plain, seed);
            reload(&fast, list, count);
            reload(&plain, list, count);
            fa_rules_test_always(plain.rules);
            mind(&fast, seed);
            mind(&plain, seed);
            run(&fast, &plain, now, seed);
        }
        totals.rested += fa_rules_test_rested(fast.rules);
        assert_int_equal(fa_rules_test_rested(plain.rules), 0);
        level = below(&rng, 30) == 0 ? (double)(2 + below(&rng, 16)) : level;
        fa_time by = (fa_time)below(&rng, below(&rng, 40) == 0 ? 400000 : 3000);
        now = pass(&fast, &plain, now, by, seed);
    }
    totals.evaluated += fa_rules_evaluations(fast.rules);
    totals.spared += fa_rules_evaluations(plain.rules) - fa_rules_evaluations(fast.rules);
    compare_near(&fast, &plain, seed);
    close_side(&fast);
    close_side(&plain);
}

static void what_is_not_evaluated_would_have_said_nothing(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        one_seed(seed);
    }
    /* The streams did something, and something was spared. */
    assert_true(totals.signals > 25 * SEEDS && totals.firing > 7 * SEEDS);
    assert_true(totals.rested > 50 * SEEDS && totals.near > SEEDS);
    assert_true(totals.near * 20 > totals.near_all * 19);
    assert_true(totals.spared > totals.evaluated / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_evaluated_would_have_said_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Evaluated as samples arrive = evaluated anew each time: random expressions over random series
 * with gaps, resets, late samples, ends and restarts, against the exact evaluator over all that was
 * sent.
 * Levels, label sets and numbers must agree at each moment; sums within 1e-9. FA_SEEDS says how
 * many. Whether a label set fired and has not cleared since is taken from what was signalled. */
#include "fa_test.h"
#include "base/id.h"
#include "base/panic.h"
#include "metrics/save.h"
#include "rules/plan.h"
#include "rules/query.h"
#include "rules/rules.h"

#define T0 INT64_C(1700000000000)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* ten times as slow */
#define SEEDS 150
#else
#define SEEDS 600
#endif
#define STEPS  60
#define SERIES 10
#define POINTS 400
#define SETS   200

struct sent {
    struct fa_labels *labels; /* with __name__ */
    const char *name;
    uint64_t handle;
    fa_time last, late; /* the newest; that of a late one */
    struct fa_point points[POINTS];
    size_t count;
};

struct level {
    char labels[200];
    enum fa_level level;
    double value;
    bool held, seen;
};

struct world {
    uint64_t seed;
    struct fa_rng rng;
    struct fa_buf text, clear_text;
    struct fa_promql *promql, *clear;
    struct fa_plan plan;
    struct fa_rule rule;
    const struct fa_rule *rules_of[1];
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    struct fa_rules *rules;
    fa_time now, started;
    fa_time grace_until; /* after a restart: what is held may wait so long for data */
    struct sent series[SERIES];
    struct level levels[SETS];
    size_t level_count;
};

static struct {
    uint64_t keyed, whole, firing, clear, unknown, errors, warming, dead_band, stale, restarts,
        grace;
} totals;

static uint64_t below(struct world *world, uint64_t n)
{
    return fa_rng_next(&world->rng) % n;
}

/* ---- random expressions ---- */

static const char *pick(struct world *world, const char *const *words, size_t count)
{
    return words[below(world, count)];
}
#define PICK(world, ...)                                                                           \
    pick(world, (const char *const[]){__VA_ARGS__},                                                \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void put_selector(struct world *world, struct fa_buf *buf, bool range)
{
    fa_buf_puts(buf, PICK(world, "a", "a", "b", "b", "a{g=\"1\"}", "b{g!=\"1\"}", "a{h=~\"x|z\"}",
                          "{__name__=\"a\"}", "{__name__=~\"b.*\"}"));
    if (range) {
        fa_buf_puts(buf, PICK(world, "[30s]", "[1m]", "[2m]", "[5m]", "[8m]"));
    }
    if (below(world, 12) == 0) {
        fa_buf_puts(buf, PICK(world, " offset 30s", " offset 1m"));
    }
}

static void put_vector(struct world *world, struct fa_buf *buf, int depth);

static void put_call(struct world *world, struct fa_buf *buf, int depth)
{
    const char *range =
        PICK(world, "sum_over_time", "avg_over_time", "min_over_time", "max_over_time",
             "count_over_time", "last_over_time", "present_over_time", "rate", "increase", "delta",
             "irate", "idelta", "changes", "resets", "stddev_over_time", "deriv", "mad_over_time",
             "ts_of_last_over_time");
    switch (below(world, 10)) {
    case 0:
        fa_buf_puts(buf, "quantile_over_time(0.5, ");
        put_selector(world, buf, true);
        break;
    case 1:
        fa_buf_puts(buf, "predict_linear(");
        put_selector(world, buf, true);
        fa_buf_puts(buf, ", 60");
        break;
    case 2:
        fa_buf_printf(buf, "%s(", PICK(world, "abs", "ceil", "sgn", "timestamp", "hour", "sort"));
        put_vector(world, buf, depth);
        break;
    case 3:
        fa_buf_printf(buf, "clamp(");
        put_vector(world, buf, depth);
        fa_buf_puts(buf, ", 1, 8");
        break;
    case 4:
        fa_buf_puts(buf, "max_over_time(");
        put_selector(world, buf, false);
        fa_buf_puts(buf, "[1m:10s]");
        break;
    default:
        fa_buf_printf(buf, "%s(", range);
        put_selector(world, buf, true);
    }
    fa_buf_puts(buf, ")");
}

static void put_aggregate(struct world *world, struct fa_buf *buf, int depth)
{
    const char *agg = PICK(world, "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar",
                           "topk", "quantile");
    const char *param = strcmp(agg, "topk") == 0       ? "2, "
                        : strcmp(agg, "quantile") == 0 ? "0.5, "
                                                       : "";
    fa_buf_printf(buf, "%s %s (%s", agg,
                  PICK(world, "", "by (g)", "by (g)", "by (g)", "by (h, g)", "without (h)"), param);
    put_vector(world, buf, depth);
    fa_buf_puts(buf, ")");
}

static void put_vector(struct world *world, struct fa_buf *buf, int depth)
{
    if (depth <= 0) {
        put_selector(world, buf, false);
        return;
    }
    switch (below(world, 9)) {
    case 0:
    case 1:
        put_selector(world, buf, false);
        return;
    case 2:
    case 3:
        put_call(world, buf, depth - 1);
        return;
    case 4:
    case 5:
        put_aggregate(world, buf, depth - 1);
        return;
    case 6:
        fa_buf_puts(buf, "(");
        put_vector(world, buf, depth - 1);
        fa_buf_printf(buf, " %s %s)", PICK(world, "+", "-", "*", "/", "%", ">", "<= bool"),
                      PICK(world, "2", "0.5", "(time() % 100)", "-1"));
        return;
    case 7:
        fa_buf_puts(buf, "(");
        put_vector(world, buf, depth - 1);
        fa_buf_printf(buf, " %s ",
                      PICK(world, "+", "-", "*", "/", ">", "< bool", "and", "or", "unless",
                           "> on (g)", "and on (g)", "or on (h)", "* on (g) group_left"));
        put_vector(world, buf, depth - 1);
        fa_buf_puts(buf, ")");
        return;
    default:
        fa_buf_puts(buf, "-");
        put_vector(world, buf, depth - 1);
    }
}

static struct fa_promql *random_expression(struct world *world, struct fa_buf *buf)
{
    struct fa_promql *promql = NULL;
    struct fa_err err;
    for (;;) {
        fa_buf_clear(buf);
        if (below(world, 25) == 0) {
            fa_buf_puts(buf, "absent(a{g=\"1\"})");
        } else {
            put_vector(world, buf, (int)below(world, 4));
            fa_buf_printf(buf, " %s %s", PICK(world, ">", ">=", "<", "<=", "!="),
                          PICK(world, "0", "1", "3", "5", "8", "20", "a", "100"));
        }
        if (fa_promql_parse(fa_buf_str(buf), &promql, &err) == 0) {
            return promql;
        }
    }
}

/* ---- what was sent, as a source ---- */

static int by_labels(const void *a, const void *b)
{
    const struct sent *const *x = a, *const *y = b;
    return fa_labels_cmp((*x)->labels, (*y)->labels);
}

static bool selects(const struct fa_promql_node *selector, const struct sent *sent)
{
    for (size_t i = 0; i < selector->u.selector.matcher_count; i++) {
        if (!fa_promql_matches(&selector->u.selector.matchers[i], sent->labels)) {
            return false;
        }
    }
    return sent->count > 0;
}

static int select_sent(void *ctx, const struct fa_promql_matcher *matchers, size_t count,
                       fa_query_found_fn *found, void *found_ctx)
{
    struct world *world = ctx;
    struct fa_promql_node selector = {0};
    struct sent *all[SERIES];
    selector.u.selector.matchers = (struct fa_promql_matcher *)(uintptr_t)matchers;
    selector.u.selector.matcher_count = count;
    for (size_t i = 0; i < SERIES; i++) {
        all[i] = &world->series[i];
    }
    qsort(all, SERIES, sizeof all[0], by_labels);
    for (size_t i = 0; i < SERIES; i++) {
        if (selects(&selector, all[i])) {
            int ret = found(found_ctx, all[i]->labels, all[i]);
            if (ret != 0) {
                return ret;
            }
        }
    }
    return 0;
}

static size_t read_sent(void *ctx, void *series, fa_time from, fa_time to,
                        const struct fa_point **ret_points)
{
    struct sent *sent = series;
    size_t first = 0, end;
    while (first < sent->count && sent->points[first].at <= from) {
        first++;
    }
    for (end = first; end < sent->count && sent->points[end].at <= to; end++) {
    }
    *ret_points = sent->points + first;
    return end - first;
}

static void insert(struct sent *sent, fa_time at, double value)
{
    size_t i = sent->count;
    assert_true(sent->count < POINTS);
    for (; i > 0 && sent->points[i - 1].at > at; i--) {
        sent->points[i] = sent->points[i - 1];
    }
    sent->points[i] = (struct fa_point){at, value};
    sent->count++;
}

/* ---- the daemon's side ---- */

static struct level *level_of(struct world *world, const char *labels)
{
    for (size_t i = 0; i < world->level_count; i++) {
        if (strcmp(world->levels[i].labels, labels) == 0) {
            return &world->levels[i];
        }
    }
    assert_true(world->level_count < SETS);
    struct level *level = &world->levels[world->level_count++];
    *level = (struct level){.value = NAN};
    snprintf(level->labels, sizeof level->labels, "%s", labels);
    return level;
}

static void on_signal(void *ctx, const struct fa_signal *signal)
{
    struct level *level = level_of(ctx, signal->labels);
    level->level = signal->level;
    level->held =
        signal->level == FA_LEVEL_FIRING || (level->held && signal->level == FA_LEVEL_UNKNOWN);
}

static void on_status(void *ctx, const struct fa_rule_status *status)
{
    struct world *world = ctx;
    if (status->labels == NULL) {
        return;
    }
    struct level *level = level_of(world, status->labels);
    level->level = status->level;
    level->value = status->value;
    level->seen = true;
}

static void run_until(struct world *world, fa_time until)
{
    fa_time next;
    while ((next = fa_rules_next(world->rules)) <= until) {
        world->now = next > world->now ? next : world->now;
        fa_rules_run(world->rules, (struct fa_now){world->now - T0, world->now}, on_signal, world);
    }
    world->now = until;
}

static void push(struct world *world, struct sent *sent, double value, fa_time at)
{
    fa_metrics_push(world->feed, (struct fa_now){world->now - T0, world->now}, &sent->handle,
                    &value, NULL, &at, 1);
    insert(sent, at, value);
}

/* ---- comparing ---- */

/* Keyed label sets are told apart by labels that are not there, too. */
static bool has_key(const struct fa_plan_key *key, const struct fa_labels *series,
                    const struct fa_labels *labels)
{
    size_t count = 0;
    for (size_t i = 0; i < series->count; i++) {
        struct fa_str name = series->items[i].name;
        if (!fa_str_is(name, "__name__") && fa_plan_key_has(key, name)) {
            count++;
            if (!fa_str_eq(fa_labels_get(labels, name), series->items[i].value)) {
                return false;
            }
        }
    }
    return count == labels->count;
}

static bool agrees(const struct fa_labels *series, const struct fa_labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        struct fa_str own = fa_labels_get(series, labels->items[i].name);
        if (own.len > 0 && !fa_str_eq(own, labels->items[i].value)) {
            return false;
        }
    }
    return true;
}

/* What the series that agree with a label set tell. */
struct told {
    bool lacks;         /* a selector, but for those that may find nothing, finds too few samples */
    bool stale;         /* the newest of a range is too old */
    fa_time covered_at; /* FA_NEVER: no sample yet */
};

/* Of one selector. */
struct found {
    bool enough, fresh;
    fa_time since;
};

static void look_at(const struct world *world, const struct fa_plan_leaf *leaf,
                    const struct sent *sent, struct found *found)
{
    fa_time over = leaf->over > 0 ? leaf->over : FA_LOOK_BACK;
    fa_time to = world->now - leaf->selector->offset;
    bool is_last_stale = fa_is_stale(sent->points[sent->count - 1].value);
    size_t count = 0;
    for (size_t p = 0; p < sent->count && (leaf->over > 0 || !is_last_stale); p++) {
        fa_time at = sent->points[p].at;
        bool is_value = at <= to && !fa_is_stale(sent->points[p].value);
        count += is_value && at > world->now - over;
        found->fresh = found->fresh || (is_value && at > to - FA_LOOK_BACK &&
                                        (leaf->selector->offset != 0 || !is_last_stale));
    }
    found->enough = found->enough || count > (leaf->pair ? 1 : 0);
    found->since = sent->points[0].at < found->since ? sent->points[0].at : found->since;
}

static struct told look(const struct world *world, const char *text)
{
    struct told told = {0};
    struct fa_labels *labels = NULL;
    assert_int_equal(fa_labels_parse(fa_str_of(text), &labels), 0);
    for (size_t i = 0; i < world->plan.count; i++) {
        const struct fa_plan_leaf *leaf = &world->plan.leaves[i];
        struct found found = {.fresh = leaf->over == 0, .since = FA_NEVER};
        fa_time covered_at = 0;
        for (size_t s = 0; s < SERIES; s++) {
            const struct sent *sent = &world->series[s];
            if (selects(leaf->selector, sent) &&
                (world->plan.is_keyed ? has_key(&world->plan.key, sent->labels, labels)
                                      : agrees(sent->labels, labels))) {
                look_at(world, leaf, sent, &found);
            }
        }
        if (leaf->exempt) {
            covered_at =
                found.enough ? 0 : world->started + (leaf->over > 0 ? leaf->over : FA_LOOK_BACK);
        } else if (leaf->cover) {
            covered_at = found.since == FA_NEVER ? FA_NEVER : found.since + leaf->over;
        }
        told.lacks = told.lacks || !(found.enough || leaf->exempt);
        told.stale = told.stale || !(found.fresh || leaf->exempt);
        told.covered_at = covered_at > told.covered_at ? covered_at : told.covered_at;
    }
    fa_labels_free(labels);
    return told;
}

static const char *text_of(const struct fa_labels *labels, struct fa_buf *buf)
{
    fa_buf_clear(buf);
    for (size_t i = 0; i < labels->count; i++) {
        if (!fa_str_is(labels->items[i].name, "__name__")) {
            fa_label_format(labels->items[i].name, labels->items[i].value, buf);
        }
    }
    return fa_buf_text(buf);
}

static bool near(double a, double b)
{
    if (isnan(a) || isnan(b) || isinf(a) || isinf(b)) {
        return (isnan(a) && isnan(b)) || a == b;
    }
    return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-9;
}

static bool has(const struct fa_query_value *value, const char *labels, struct fa_buf *buf,
                double *ret_value, size_t *ret_times)
{
    *ret_times = 0;
    for (size_t i = 0; value != NULL && i < value->count; i++) {
        if (strcmp(text_of(value->samples[i].labels, buf), labels) == 0) {
            *ret_value = value->samples[i].value;
            ++*ret_times;
        }
    }
    return *ret_times > 0;
}

#define WRONG(world, what, level)                                                                  \
    fail_msg("seed %llu at %lld, %s: {%s} is %d, value %.17g, %s",                                 \
             (unsigned long long)(world)->seed, (long long)((world)->now - T0),                    \
             fa_buf_text(&(world)->text), (level)->labels, (int)(level)->level, (level)->value,    \
             what)

static void check_level(struct world *world, const struct level *level,
                        const struct fa_query_value *value, const struct fa_query_value *clear,
                        struct fa_buf *buf)
{
    double number = NAN, other;
    size_t times, clear_times;
    bool fires = has(value, level->labels, buf, &number, &times);
    bool clears = clear == NULL || has(clear, level->labels, buf, &other, &clear_times);
    struct told told = look(world, level->labels);
    bool warms = told.covered_at > world->now;
    if (value == NULL || times > 1) {
        totals.errors++;
        return;
    }
    totals.warming += warms;
    if (fires && warms && !level->held && !world->plan.early) {
        if (level->level != FA_LEVEL_UNKNOWN) {
            WRONG(world, "which should be warming", level);
        }
    } else if (fires) {
        totals.firing++;
        if (level->level != FA_LEVEL_FIRING) {
            WRONG(world, "which should fire", level);
        }
        if (!near(level->value, number)) {
            fail_msg("seed %llu at %lld, %s: {%s} is %.17g, not %.17g",
                     (unsigned long long)world->seed, (long long)(world->now - T0),
                     fa_buf_text(&world->text), level->labels, level->value, number);
        }
    } else if (level->held && world->now < world->grace_until &&
               (told.lacks || warms || told.stale)) {
        totals.grace++;
        if (level->level == FA_LEVEL_CLEAR) {
            WRONG(world, "which waits for its data after a restart", level);
        }
    } else if (told.lacks || warms) {
        totals.unknown++;
        if (level->level != FA_LEVEL_UNKNOWN) {
            WRONG(world, "which should be unknown", level);
        }
    } else if (level->held && !clears) {
        totals.dead_band++;
        if (level->level != FA_LEVEL_FIRING) {
            WRONG(world, "which should still fire", level);
        }
    } else if (level->held && told.stale) {
        totals.stale++;
        if (level->level != FA_LEVEL_UNKNOWN) {
            WRONG(world, "which should be unknown, its samples are too old to clear", level);
        }
    } else {
        totals.clear++;
        if (level->level != FA_LEVEL_CLEAR) {
            WRONG(world, "which should be clear", level);
        }
    }
}

static void compare(struct world *world)
{
    struct fa_query_source source = {.ctx = world, .select = select_sent, .read = read_sent};
    struct fa_query_params params = fa_query_defaults(world->now);
    struct fa_query *query = NULL, *clear_query = NULL;
    struct fa_query_value value, clear_value;
    struct fa_buf buf;
    struct fa_err err;
    fa_buf_init(&buf, 10000);
    int ret = fa_query_run(world->promql, &source, &params, &query, &value, &err);
    int clear_ret = world->clear != NULL ? fa_query_run(world->clear, &source, &params,
                                                        &clear_query, &clear_value, &err)
                                         : 0;
    for (size_t i = 0; i < world->level_count; i++) {
        world->levels[i].seen = false;
    }
    fa_rules_each(world->rules, on_status, world);
    for (size_t i = 0; ret == 0 && i < value.count; i++) {
        const struct level *level = level_of(world, text_of(value.samples[i].labels, &buf));
        if (!level->seen) {
            WRONG(world, "which is not known", level);
        }
    }
    for (size_t i = 0; i < world->level_count; i++) {
        if (world->levels[i].seen) {
            check_level(world, &world->levels[i], ret == 0 && clear_ret == 0 ? &value : NULL,
                        world->clear != NULL && clear_ret == 0 ? &clear_value : NULL, &buf);
        }
    }
    fa_query_free(query);
    fa_query_free(clear_query);
    fa_buf_done(&buf);
}

/* ---- the play ---- */

static void define_one(struct world *world, size_t i)
{
    struct sent *sent = &world->series[i];
    struct fa_label labels[FA_LABELS_MAX];
    size_t count = 0;
    char raw[40];
    for (size_t l = 0; l < sent->labels->count; l++) {
        if (!fa_str_is(sent->labels->items[l].name, "__name__")) {
            labels[count++] = sent->labels->items[l];
        }
    }
    snprintf(raw, sizeof raw, "%zu", i);
    sent->handle = fa_metrics_define(world->feed, FA_KIND_GAUGE, fa_str_of(raw),
                                     fa_str_of(sent->name), labels, count);
}

static void define_series(struct world *world)
{
    static const char *const names[] = {"a", "b"};
    for (size_t i = 0; i < SERIES; i++) {
        struct sent *sent = &world->series[i];
        char g[2] = {(char)('1' + i / 2 % 3), '\0'}, h[2] = {i % 4 < 2 ? 'x' : 'y', '\0'};
        sent->name = names[i % 2];
        struct fa_label labels[] = {{FA_STR("g"), fa_str_of(g)},
                                    {FA_STR("h"), fa_str_of(h)},
                                    {FA_STR("__name__"), fa_str_of(sent->name)}};
        if (i >= 8) { /* some with one label only */
            labels[1].value = FA_STR("");
        }
        assert_int_equal(fa_labels_new(labels, 3, &sent->labels), 0);
        define_one(world, i);
        sent->last = T0 - FA_HOUR;
    }
}

static void make_daemon(struct world *world)
{
    world->metrics = fa_metrics_new(NULL);
    world->feed = fa_metrics_feed(world->metrics, "test");
    world->rules = fa_rules_new(world->rules_of, 1, world->metrics);
}

/* As the daemon does it: from its alarms and a checkpoint written a piece at a time. */
static void restart(struct world *world)
{
    struct fa_now now = {world->now - T0, world->now};
    struct fa_save save = {0};
    struct fa_rules_save groups = {0};
    struct fa_loaded loaded;
    struct fa_buf buf;
    struct fa_err err;
    fa_buf_init(&buf, SIZE_MAX / 2);
    while (fa_metrics_save(world->metrics, &save, now, 200, &buf)) {
    }
    while (fa_rules_save(world->rules, &groups, 1, &buf)) {
    }
    fa_rules_free(world->rules);
    fa_metrics_free(world->metrics);
    make_daemon(world);
    for (size_t i = 0; i < world->level_count; i++) {
        const struct level *level = &world->levels[i];
        /* An alarm without data may have been closed by hand: then the checkpoint alone knows. */
        if (level->held && (level->level == FA_LEVEL_FIRING || below(world, 2) == 0)) {
            fa_rules_restore(world->rules, "r", level->labels, level->level);
        }
    }
    assert_int_equal(fa_metrics_load(world->metrics, fa_buf_str(&buf), now, &loaded, &err), 0);
    fa_rules_load(world->rules, fa_buf_str(&buf));
    fa_buf_done(&buf);
    for (size_t i = 0; i < SERIES; i++) {
        define_one(world, i);
    }
    fa_rules_run(world->rules, now, on_signal, world);
    world->started = world->now;
    world->grace_until = world->now + FA_LOOK_BACK;
    totals.restarts++;
}

static bool reads_the_past(const struct fa_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->leaves[i].over > plan->leaves[i].selector->range) {
            return true;
        }
    }
    return false;
}

static void step(struct world *world)
{
    fa_time gap = below(world, 15) == 0 ? 200 : 1 + (fa_time)below(world, 30);
    run_until(world, world->now + gap * FA_SECOND);
    if (world->seed % 2 == 0 && below(world, 10) == 0) {
        restart(world);
    }
    for (size_t i = 0; i < SERIES; i++) {
        struct sent *sent = &world->series[i];
        uint64_t what = below(world, 12);
        if (sent->handle == FA_HANDLE_IGNORED || (i == 9 && what != 0)) {
            continue;
        }
        if (what == 0 && sent->last > T0 && sent->late < sent->last - FA_SECOND &&
            world->now - sent->last > 10 * FA_SECOND &&
            !fa_is_stale(sent->points[sent->count - 1].value)) {
            push(world, sent, (double)below(world, 20), sent->last - FA_SECOND); /* late */
            sent->late = sent->last - FA_SECOND;
        } else if (what == 1 && sent->last > T0 && sent->last < world->now &&
                   !reads_the_past(&world->plan)) {
            fa_metrics_stale(world->feed, sent->handle, world->now);
            insert(sent, world->now, fa_stale_marker());
            sent->last = world->now;
        } else if (what < 8 && sent->last < world->now) {
            double growth = i % 2 == 0 && sent->count > 0 && below(world, 6) > 0 &&
                                    !fa_is_stale(sent->points[sent->count - 1].value)
                                ? sent->points[sent->count - 1].value
                                : 0;
            push(world, sent, growth + (double)below(world, 20) / 2, world->now);
            sent->last = world->now;
        }
    }
    fa_rules_run(world->rules, (struct fa_now){world->now - T0, world->now}, on_signal, world);
    run_until(world, world->now + FA_SECOND);
    compare(world);
}

static void play(uint64_t seed)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    world.seed = seed;
    world.rng = (struct fa_rng){{seed * UINT64_C(0x9e3779b97f4a7c15), seed + 1}};
    fa_buf_init(&world.text, 1 << 20);
    fa_buf_init(&world.clear_text, 1 << 20);
    world.promql = random_expression(&world, &world.text);
    if (below(&world, 4) == 0) {
        world.clear = random_expression(&world, &world.clear_text);
    }
    fa_plan_make(&world.plan, world.promql, world.clear, FA_LOOK_BACK);
    *(world.plan.is_keyed ? &totals.keyed : &totals.whole) += 1;
    world.rule = (struct fa_rule){
        .name = "r",
        .query = {
            .expr = world.promql, .clear = world.clear, .settle = FA_SECOND, .every = FA_SECOND}};
    world.rules_of[0] = &world.rule;
    make_daemon(&world);
    world.now = world.started = T0;
    define_series(&world);
    fa_rules_run(world.rules, (struct fa_now){0, T0}, on_signal, &world);
    for (int i = 0; i < STEPS; i++) {
        step(&world);
    }
    fa_rules_free(world.rules);
    fa_metrics_free(world.metrics);
    fa_plan_done(&world.plan);
    fa_promql_free(world.promql);
    fa_promql_free(world.clear);
    fa_buf_done(&world.text);
    fa_buf_done(&world.clear_text);
    for (size_t i = 0; i < SERIES; i++) {
        fa_labels_free(world.series[i].labels);
    }
}

static void arrival_is_evaluating_anew(void **state)
{
    const char *given = getenv("FA_SEEDS"), *from = getenv("FA_SEED");
    uint64_t first = from != NULL ? strtoull(from, NULL, 10) : 1;
    uint64_t seeds = from != NULL ? 1 : given != NULL ? strtoull(given, NULL, 10) : SEEDS;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        play(seed);
    }
    print_message(
        "%llu keyed, %llu whole; label sets firing %llu, clear %llu, unknown %llu, "
        "warming %llu, between %llu, too old to clear %llu, in error %llu; restarts %llu\n",
        (unsigned long long)totals.keyed, (unsigned long long)totals.whole,
        (unsigned long long)totals.firing, (unsigned long long)totals.clear,
        (unsigned long long)totals.unknown, (unsigned long long)totals.warming,
        (unsigned long long)totals.dead_band, (unsigned long long)totals.stale,
        (unsigned long long)totals.errors, (unsigned long long)totals.restarts);
    assert_true(from != NULL ||
                (totals.keyed > seeds / 4 && totals.whole > seeds / 10 && totals.firing > seeds &&
                 totals.clear > seeds && totals.unknown > seeds && totals.dead_band > 0 &&
                 totals.stale > 0 && totals.restarts > seeds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrival_is_evaluating_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

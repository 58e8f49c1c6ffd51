/* SPDX-License-Identifier: MIT */
/* Senders of samples, and the rules that read them. What is sent while the daemon is down is lost,
 * as over UDP. */
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum fa_kind kind;
} KINDS[] = {
    {"gauge", FA_KIND_GAUGE},
    {"counter", FA_KIND_COUNTER_DELTA},
    {"total", FA_KIND_COUNTER_CUMULATIVE},
    {"timer", FA_KIND_DISTRIBUTION},
    {"set", FA_KIND_SET},
    {"state", FA_KIND_STATE},
};

static enum fa_kind kind_of(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (strcmp(KINDS[i].name, name) == 0) {
            return KINDS[i].kind;
        }
    }
    return FA_KIND_GAUGE;
}

/* ---- pushing ---- */

static uint64_t define(struct fa_lab *lab, struct fa_feed *feed, enum fa_kind kind,
                       struct fa_str series)
{
    struct fa_str labels = {0}, name = fa_str_cut(series, '{', &labels);
    struct fa_labels *set = NULL;
    if (labels.len > 0) {
        labels.len--; /* the closing brace */
    }
    if (fa_labels_parse(labels, &set) != 0) {
        fa_lab_fail(lab, "the labels of '%.*s' are not as name=\"value\",... sorted by name",
                    FA_STR_ARG(series));
        return FA_HANDLE_IGNORED;
    }
    uint64_t handle = fa_metrics_define(feed, kind, series, name, set->items, set->count);
    fa_labels_free(set);
    return handle;
}

static uint64_t handle_of(struct fa_lab *lab, enum fa_kind kind, const char *series)
{
    struct fa_feed *feed = fa_metrics_feed(lab->metrics, "lab");
    uint64_t handle = fa_metrics_key(feed, kind, fa_str_of(series));
    return handle == FA_HANDLE_MISS ? define(lab, feed, kind, fa_str_of(series)) : handle;
}

/* False: it was the last. */
static bool next_sample(struct fa_lab_sender *sender, const struct fa_run **ret_run,
                        uint32_t *ret_at)
{
    for (size_t skipped = 0; skipped <= sender->run_count; skipped++) {
        const struct fa_run *run = &sender->runs[sender->run];
        if (sender->next < run->count) {
            *ret_run = run;
            *ret_at = sender->next++;
            return true;
        }
        sender->next = 0;
        if (sender->run + 1 < sender->run_count) {
            sender->run++;
        } else if (!sender->once) {
            sender->run = 0;
        } else {
            break;
        }
    }
    return false;
}

static void end_series(struct fa_lab *lab, enum fa_kind kind, const char *series)
{
    fa_lab_fed_forget(lab, series);
    if (lab->engine != NULL) {
        uint64_t handle = handle_of(lab, kind, series);
        if (handle != FA_HANDLE_IGNORED) {
            fa_metrics_stale(fa_metrics_feed(lab->metrics, "lab"), handle, fa_lab_now(lab).wall);
        }
    }
}

/* False: nothing is left to send. */
static bool push(struct fa_lab *lab, struct fa_lab_sender *sender)
{
    const struct fa_run *run;
    uint32_t at;
    if (!next_sample(sender, &run, &at)) {
        return false;
    }
    if (run->kind == FA_RUN_STALE) {
        end_series(lab, sender->kind, sender->series);
    }
    if (lab->engine == NULL || run->kind != FA_RUN_VALUE) {
        return true;
    }
    double value = fa_run_value(run, at);
    int64_t time = fa_lab_now(lab).wall - sender->ago;
    uint64_t handle = handle_of(lab, sender->kind, sender->series);
    for (uint32_t i = 0; i < sender->times && handle != FA_HANDLE_IGNORED; i++) {
        fa_metrics_push(fa_metrics_feed(lab->metrics, "lab"), fa_lab_now(lab), &handle, &value,
                        NULL, sender->ago > 0 ? &time : NULL, 1);
        fa_lab_fed_push(lab, sender, value);
    }
    return true;
}

static void free_sender(struct fa_lab_sender *sender)
{
    free(sender->series);
    free(sender->runs);
}

static void remove_sender(struct fa_lab *lab, size_t i)
{
    free_sender(&lab->senders[i]);
    lab->sender_count--;
    memmove(&lab->senders[i], &lab->senders[i + 1],
            (lab->sender_count - i) * sizeof lab->senders[0]);
}

void fa_lab_quiet(struct fa_lab *lab, const char *series)
{
    for (size_t i = lab->sender_count; i-- > 0;) {
        if (strcmp(lab->senders[i].series, series) == 0) {
            remove_sender(lab, i);
        }
    }
}

static void read_runs(struct fa_lab_sender *sender, const struct fa_script_slot *slot)
{
    struct fa_str rest = fa_str_of(slot->text);
    size_t cap = 0;
    sender->once = slot->quoted;
    do {
        struct fa_run run = {0};
        int rc = fa_run_next(&rest, &run);
        fa_assert(rc == 0); /* the parser has looked */
        sender->runs = fa_xgrow(sender->runs, sender->run_count, &cap, sizeof run);
        sender->runs[sender->run_count++] = run;
        sender->once = sender->once || run.kind != FA_RUN_VALUE || run.count != 1;
    } while (rest.ptr != NULL);
}

void fa_lab_feed(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *series = fa_script_text(line, "SERIES");
    const struct fa_script_slot *times = fa_script_slot(line, "times");
    struct fa_lab_sender sender = {
        .series = fa_xstrdup(series),
        .kind = kind_of(fa_script_text(line, "as")),
        .times = times != NULL ? (uint32_t)times->number : 1,
        .every = fa_script_duration(line, "every", 0),
        .ago = fa_script_duration(line, "ago", 0),
    };
    read_runs(&sender, fa_script_slot(line, "NUMBERS"));
    if (sender.once && sender.every == 0) {
        sender.every = lab->interval;
    }
    fa_time length = fa_script_duration(line, "for", FA_NEVER);
    sender.until = length == FA_NEVER ? FA_NEVER : lab->elapsed + length;
    sender.at = lab->elapsed + sender.every;
    fa_lab_quiet(lab, series);
    if (push(lab, &sender) && sender.every > 0) {
        lab->senders = fa_xgrow(lab->senders, lab->sender_count, &lab->sender_cap, sizeof sender);
        lab->senders[lab->sender_count++] = sender;
    } else {
        free_sender(&sender);
    }
    fa_lab_run_rules(lab);
}

void fa_lab_stale(struct fa_lab *lab, const char *series)
{
    fa_lab_quiet(lab, series);
    end_series(lab, FA_KIND_GAUGE, series);
    fa_lab_run_rules(lab);
}

void fa_lab_feed_due(struct fa_lab *lab)
{
    bool pushed = false;
    for (size_t i = 0; i < lab->sender_count;) {
        struct fa_lab_sender *sender = &lab->senders[i];
        if (sender->at > lab->elapsed) {
            i++;
        } else if (sender->at >= sender->until || !push(lab, sender)) {
            remove_sender(lab, i);
        } else {
            sender->at += sender->every;
            pushed = true;
            i++;
        }
    }
    if (pushed) {
        fa_lab_run_rules(lab);
    }
}

fa_time fa_lab_feed_next(const struct fa_lab *lab)
{
    fa_time next = FA_NEVER;
    for (size_t i = 0; i < lab->sender_count; i++) {
        next = lab->senders[i].at < next ? lab->senders[i].at : next;
    }
    return next;
}

/* ---- rules ---- */

static void take_signal(void *ctx, const struct fa_signal *signal)
{
    struct fa_lab *lab = ctx;
    lab->signals =
        fa_xgrow(lab->signals, lab->signal_count, &lab->signal_cap, sizeof lab->signals[0]);
    lab->signals[lab->signal_count++] =
        (struct fa_lab_signal){.rule = signal->rule,
                               .labels = fa_xstrdup(signal->labels),
                               .level = signal->level,
                               .value = signal->value,
                               .since = signal->since,
                               .worse = signal->worse,
                               .source = fa_source_copy(signal->source)};
}

/* For the weekly digest, as the daemon does it. */
static void survey(struct fa_lab *lab)
{
    struct fa_rule_seen seen;
    struct fa_event event = {.kind = FA_EV_SEEN, .u.seen = {&seen, 1}};
    if (lab->config->setup.weekly.to_count == 0 || lab->elapsed - lab->surveyed < FA_MINUTE) {
        return;
    }
    lab->surveyed = lab->elapsed;
    while (fa_rules_survey(lab->rules, SIZE_MAX)) {
    }
    for (size_t i = 0; fa_rules_seen(lab->rules, i, &seen) && !lab->failed; i++) {
        fa_lab_step(lab, &event);
    }
    fa_lab_turn_end(lab);
}

void fa_lab_run_rules(struct fa_lab *lab)
{
    if (lab->engine == NULL || lab->failed) {
        return;
    }
    fa_rules_run(lab->rules, fa_lab_now(lab), take_signal, lab);
    (void)fa_foreign_run_some(lab->foreign, fa_lab_now(lab), SIZE_MAX, take_signal, lab);
    for (size_t i = 0; i < lab->signal_count; i++) {
        struct fa_lab_signal *copy = &lab->signals[i];
        struct fa_signal signal = {.rule = copy->rule,
                                   .labels = copy->labels,
                                   .level = copy->level,
                                   .value = copy->value,
                                   .since = copy->since,
                                   .worse = copy->worse,
                                   .source = copy->source};
        struct fa_event event = {.kind = FA_EV_SIGNAL, .u.signal = &signal};
        if (lab->watch != NULL && lab->watch->signal != NULL) {
            lab->watch->signal(lab->watch->ctx, &signal);
        }
        fa_lab_step(lab, &event);
        free(copy->labels);
        free(copy->source);
    }
    if (lab->signal_count > 0) {
        lab->signal_count = 0;
        fa_lab_turn_end(lab);
    }
    if (!lab->failed && !lab->unchecked) {
        fa_lab_fed_check_rules(lab);
        fa_lab_numbers_check_rules(lab);
    }
    if (!lab->failed) {
        survey(lab);
    }
}

void fa_lab_make_rules(struct fa_lab *lab, fa_time shift)
{
    const struct fa_setup *setup = &lab->config->setup;
    struct fa_rules *old = lab->rules;
    struct fa_foreign *old_foreign = lab->foreign;
    lab->rules = fa_rules_new(setup->rules, setup->rule_count, lab->metrics);
    if (setup->weekly.to_count > 0) {
        fa_rules_mind_near(lab->rules);
    }
    lab->foreign = fa_foreign_new(setup->rules, setup->rule_count, 0, 0);
    fa_engine_restore_rules(lab->engine, lab->rules, lab->foreign, fa_lab_now(lab).wall);
    if (old != NULL) {
        fa_rules_hand_on(old, lab->rules, shift);
    }
    fa_rules_free(old);
    fa_foreign_free(old_foreign);
}

void fa_lab_feed_done(struct fa_lab *lab)
{
    while (lab->sender_count > 0) {
        remove_sender(lab, lab->sender_count - 1);
    }
    free(lab->senders);
    for (size_t i = 0; i < lab->signal_count; i++) {
        free(lab->signals[i].labels);
        free(lab->signals[i].source);
    }
    free(lab->signals);
}

/* SPDX-License-Identifier: MIT */
/* Other monitoring systems, as Prometheus behaves: an alert is sent again and again with an end in
 * the future, then with one that is past. What is sent while the daemon is down is lost. */
#include "lab/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDS_AFTER (4 * FA_MINUTE)

/* alertname and labels; *ret_set is the caller's. */
static int read_labels(struct fa_lab *lab, const char *series, struct fa_labels **ret_set)
{
    struct fa_str labels = {0}, name = fa_str_cut(fa_str_of(series), '{', &labels);
    struct fa_label all[FA_LABELS_MAX];
    struct fa_labels *set = NULL;
    labels.len -= labels.len > 0; /* the closing brace */
    int rc = fa_labels_parse(labels, &set);
    if (rc == 0 && set->count < FA_LABELS_MAX) {
        memcpy(all, set->items, set->count * sizeof all[0]);
        all[set->count] = (struct fa_label){FA_STR("alertname"), name};
        rc = fa_labels_new(all, set->count + 1, ret_set);
    }
    fa_labels_free(set);
    if (rc != 0) {
        fa_lab_fail(lab, "the labels of '%s' are not as name=\"value\",... sorted by name", series);
    }
    return rc;
}

/* The last word on each alert, from outside: what the daemon heard of it, over all restarts. */
static void note_word(struct fa_lab *lab, const struct fa_labels *labels, bool resolved)
{
    struct fa_buf text;
    size_t i = 0;
    fa_buf_init(&text, 4096);
    fa_labels_format(labels, &text);
    while (i < lab->word_count && strcmp(lab->words[i].labels, fa_buf_text(&text)) != 0) {
        i++;
    }
    if (i == lab->word_count) {
        lab->words = fa_xgrow(lab->words, i, &lab->word_cap, sizeof lab->words[0]);
        lab->words[lab->word_count++].labels = fa_xstrdup(fa_buf_text(&text));
    }
    lab->words[i].resolved = resolved;
    lab->words[i].heard = lab->elapsed;
    fa_buf_done(&text);
}

static bool has_pair(const struct fa_lab_word *word, const char *name, const char *value)
{
    char pair[256];
    snprintf(pair, sizeof pair, "%s=\"%s\"", name, value);
    return strstr(word->labels, pair) != NULL;
}

/* The labels that tell the rule's alarms apart, of the alert's; both sorted. */
static void put_per(const struct fa_alert_rule *rule, const char *labels, struct fa_buf *buf)
{
    struct fa_str rest = fa_str_of(labels);
    size_t from = buf->len;
    while (rest.len > 0) {
        struct fa_str pair = fa_str_cut(rest, ',', &rest);
        struct fa_str name = fa_str_cut(pair, '=', &(struct fa_str){0});
        bool is_per = rule->per_count == 0;
        for (size_t i = 0; i < rule->per_count; i++) {
            is_per = is_per || fa_str_is(name, rule->per[i]);
        }
        if (is_per) {
            fa_buf_printf(buf, "%s%.*s", buf->len > from ? "," : "", FA_STR_ARG(pair));
        }
    }
}

static bool is_read(const struct fa_lab_word *word, const struct fa_alert_rule *rule)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        bool one = false;
        for (size_t k = 0; k < rule->match_count; k++) {
            one = one || (strcmp(rule->matches[k].name, rule->matches[i].name) == 0 &&
                          has_pair(word, rule->matches[k].name, rule->matches[k].value));
        }
        if (!one) {
            return false;
        }
    }
    return true;
}

/* Is it one of the alerts behind the label set? */
static bool is_meant(const struct fa_lab_word *word, const struct fa_signal *signal)
{
    struct fa_buf per;
    fa_buf_init(&per, FA_ROW_BYTES_MAX);
    put_per(&signal->rule->alert, word->labels, &per);
    bool same = fa_str_is(fa_buf_str(&per), signal->labels);
    fa_buf_done(&per);
    return same && is_read(word, &signal->rule->alert);
}

void fa_lab_alerts_check_clear(struct fa_lab *lab, const struct fa_signal *signal,
                               const char *identity)
{
    size_t over = 0;
    for (size_t i = 0; i < lab->word_count; i++) {
        if (is_meant(&lab->words[i], signal) && !lab->words[i].resolved) {
            fa_lab_fail(lab,
                        "invariant 6 (missing data never resolves an alarm): %s is said to be "
                        "over, and the last word on {%s} was that it fires",
                        identity, lab->words[i].labels);
            return;
        }
        over += is_meant(&lab->words[i], signal);
    }
    if (over == 0) {
        fa_lab_fail(lab,
                    "invariant 6 (missing data never resolves an alarm): nobody said that %s "
                    "is over",
                    identity);
    }
}

/* ---- what must be there ---- */

static void check_fires(struct fa_lab *lab, const struct fa_lab_word *word,
                        const struct fa_rule *rule)
{
    struct fa_buf identity;
    if (!rule->is_alert || !is_read(word, &rule->alert)) {
        return;
    }
    fa_buf_init(&identity, FA_ROW_BYTES_MAX);
    fa_buf_printf(&identity, "%s{", rule->name);
    put_per(&rule->alert, word->labels, &identity);
    fa_buf_puts(&identity, "}");
    bool there = fa_engine_alarm_by_identity(lab->engine, fa_buf_text(&identity)) != NULL;
    char *missing = fa_buf_take(&identity);
    fa_buf_init(&identity, FA_ROW_BYTES_MAX);
    fa_buf_printf(&identity, "%s/further", rule->name);
    if (!there && fa_engine_alarm_by_identity(lab->engine, fa_buf_text(&identity)) == NULL) {
        fa_lab_fail(lab,
                    "invariant 6 (a worsening is never swallowed): {%s} was sent as firing, and "
                    "there is no alarm %s",
                    word->labels, missing);
    }
    free(missing);
    fa_buf_done(&identity);
}

/* By the rules that there are: a reload of this very instant may have brought others. */
static bool is_heard_now(const struct fa_lab *lab, const struct fa_lab_word *word)
{
    return word->heard == lab->elapsed && lab->reloaded != lab->elapsed;
}

/* What was said at this instant has been looked at by the rules. */
static void check_words(struct fa_lab *lab)
{
    const struct fa_setup *setup = &lab->config->setup;
    for (size_t i = 0; lab->engine != NULL && i < lab->word_count; i++) {
        for (size_t r = 0; r < setup->rule_count && is_heard_now(lab, &lab->words[i]); r++) {
            if (!lab->words[i].resolved) {
                check_fires(lab, &lab->words[i], setup->rules[r]);
            }
        }
    }
}

/* ---- sending ---- */

static void send(struct fa_lab *lab, const struct fa_lab_alert *sent)
{
    struct fa_labels *labels = NULL;
    if (lab->engine == NULL || read_labels(lab, sent->series, &labels) != 0) {
        return;
    }
    struct fa_now now = fa_lab_now(lab);
    struct fa_label summary = {FA_STR("summary"), fa_str_of(sent->says)};
    struct fa_alert alert = {.labels = labels->items,
                             .annotations = &summary,
                             .label_count = labels->count,
                             .annotation_count = sent->says != NULL,
                             .ends = now.wall + sent->ends,
                             .resolved = sent->ends <= 0};
    size_t rules;
    if (fa_foreign_take(lab->foreign, &alert, now, &rules) != 0) {
        fa_lab_fail(lab, "the alert %s is refused", sent->series);
    }
    note_word(lab, labels, alert.resolved);
    fa_labels_free(labels);
}

static void remove_alert(struct fa_lab *lab, size_t i)
{
    free(lab->alerts[i].series);
    free(lab->alerts[i].says);
    lab->alert_count--;
    memmove(&lab->alerts[i], &lab->alerts[i + 1], (lab->alert_count - i) * sizeof lab->alerts[0]);
}

void fa_lab_alert(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *series = fa_script_text(line, "SERIES"), *says = fa_script_text(line, "TEXT");
    fa_time length = fa_script_duration(line, "for", FA_NEVER);
    for (size_t i = lab->alert_count; i-- > 0;) {
        if (strcmp(lab->alerts[i].series, series) == 0) {
            remove_alert(lab, i);
        }
    }
    lab->alerts = fa_xgrow(lab->alerts, lab->alert_count, &lab->alert_cap, sizeof *lab->alerts);
    struct fa_lab_alert *alert = &lab->alerts[lab->alert_count++];
    *alert = (struct fa_lab_alert){
        .series = fa_xstrdup(series),
        .says = says != NULL ? fa_xstrdup(says) : NULL,
        .ends = fa_script_duration(line, "ends", ENDS_AFTER),
        .at = lab->elapsed,
        .every = fa_script_duration(line, "every", FA_NEVER),
        .until = length == FA_NEVER ? FA_NEVER : lab->elapsed + length,
    };
    fa_lab_alerts_due(lab);
}

void fa_lab_alerts_due(struct fa_lab *lab)
{
    bool sent = false;
    for (size_t i = 0; i < lab->alert_count;) {
        struct fa_lab_alert *alert = &lab->alerts[i];
        if (alert->at > lab->elapsed) {
            i++;
            continue;
        }
        send(lab, alert);
        sent = true;
        alert->at = alert->every == FA_NEVER ? FA_NEVER : alert->at + alert->every;
        if (alert->at >= alert->until) {
            remove_alert(lab, i);
        } else {
            i++;
        }
    }
    if (sent) {
        fa_lab_run_rules(lab);
        if (!lab->failed && !lab->unchecked) {
            check_words(lab);
        }
    }
}

fa_time fa_lab_alerts_next(const struct fa_lab *lab)
{
    fa_time next = FA_NEVER;
    for (size_t i = 0; i < lab->alert_count; i++) {
        next = lab->alerts[i].at < next ? lab->alerts[i].at : next;
    }
    return next;
}

void fa_lab_alerts_done(struct fa_lab *lab)
{
    while (lab->alert_count > 0) {
        remove_alert(lab, lab->alert_count - 1);
    }
    free(lab->alerts);
    for (size_t i = 0; i < lab->word_count; i++) {
        free(lab->words[i].labels);
    }
    free(lab->words);
}

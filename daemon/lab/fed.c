/* SPDX-License-Identifier: MIT */
/* What the samples say, told from outside: which series spoke when, and what a rule that reads the
 * newest sample must make of it. Windows, sketches and counters are left to the rooms that keep
 * them: here is judged only what needs no arithmetic. Invariant 6. */
#include "lab/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fa_lab_fed_push(struct fa_lab *lab, const struct fa_lab_sender *sender, double value)
{
    struct fa_lab_fed *fed = NULL;
    for (size_t i = 0; i < lab->fed_count; i++) {
        fed = strcmp(lab->fed[i].series, sender->series) == 0 ? &lab->fed[i] : fed;
    }
    if (!isfinite(value)) {
        return; /* dropped and counted */
    }
    if (fed == NULL) {
        lab->fed = fa_xgrow(lab->fed, lab->fed_count, &lab->fed_cap, sizeof *fed);
        fed = &lab->fed[lab->fed_count++];
        *fed = (struct fa_lab_fed){
            .series = fa_xstrdup(sender->series), .kind = sender->kind, .last = INT64_MIN};
    }
    if (lab->elapsed - sender->ago >= fed->last) {
        fed->last = lab->elapsed - sender->ago;
        fed->value = value;
    }
    fed->mixed = fed->mixed || fed->kind != sender->kind;
}

void fa_lab_fed_forget(struct fa_lab *lab, const char *series)
{
    if (series == NULL) {
        fa_lab_numbers_forget(lab);
    }
    for (size_t i = lab->fed_count; i-- > 0;) {
        if (series == NULL || strcmp(lab->fed[i].series, series) == 0) {
            free(lab->fed[i].series);
            lab->fed[i] = lab->fed[--lab->fed_count];
        }
    }
}

/* The labels in braces, "" for none. */
static struct fa_str labels_of(const struct fa_lab_fed *fed)
{
    const char *brace = strchr(fed->series, '{');
    return brace != NULL ? (struct fa_str){brace + 1, strlen(brace) - 2} : FA_STR("");
}

static bool is_metric(const struct fa_lab_fed *fed, const struct fa_rule *rule)
{
    size_t len = strcspn(fed->series, "{");
    return rule->metric.metric != NULL && strlen(rule->metric.metric) == len &&
           strncmp(rule->metric.metric, fed->series, len) == 0;
}

/* Is each label of the alarm one of the series'? */
static bool is_of(const struct fa_lab_fed *fed, const char *labels)
{
    struct fa_str rest = fa_str_of(labels);
    while (rest.len > 0) {
        char pair[256];
        struct fa_str one = fa_str_cut(rest, ',', &rest);
        snprintf(pair, sizeof pair, "%.*s", FA_STR_ARG(one));
        if (strstr(fed->series, pair) == NULL) {
            return false;
        }
    }
    return true;
}

static bool says_nothing_by_silence(const struct fa_lab_fed *fed)
{
    return !fed->mixed && (fed->kind == FA_KIND_GAUGE || fed->kind == FA_KIND_STATE);
}

void fa_lab_fed_check_clear(struct fa_lab *lab, const struct fa_signal *signal,
                            const char *identity)
{
    const struct fa_metric_rule *rule = &signal->rule->metric;
    fa_time young = rule->absent > 0      ? rule->absent
                    : rule->look_back > 0 ? rule->look_back
                                          : 5 * FA_MINUTE;
    for (size_t i = 0; i < lab->fed_count; i++) {
        const struct fa_lab_fed *fed = &lab->fed[i];
        if (is_metric(fed, signal->rule) && is_of(fed, signal->labels) &&
            (lab->elapsed - fed->last <= young ||
             (rule->absent == 0 && !says_nothing_by_silence(fed)))) {
            return;
        }
    }
    fa_lab_fail(lab,
                "invariant 6 (missing data never resolves an alarm): %s is said to be over, "
                "and no sample says so",
                identity);
}

static void check_fires(struct fa_lab *lab, const struct fa_lab_fed *fed,
                        const struct fa_rule *rule)
{
    struct fa_str labels = labels_of(fed);
    struct fa_buf identity;
    const struct fa_metric_rule *metric = &rule->metric;
    bool past = (metric->has_above && fed->value > metric->above) ||
                (metric->has_below && fed->value < metric->below);
    size_t equals = 0;
    for (size_t i = 0; i < labels.len; i++) {
        equals += labels.ptr[i] == '=';
    }
    if (!past || metric->take != FA_TAKE_LAST || metric->absent > 0 || metric->match_count > 0 ||
        equals != metric->per_count || equals == 0 || !says_nothing_by_silence(fed)) {
        return;
    }
    fa_buf_init(&identity, FA_ROW_BYTES_MAX);
    fa_buf_printf(&identity, "%s{%.*s}", rule->name, FA_STR_ARG(labels));
    bool there = fa_engine_alarm_by_identity(lab->engine, fa_buf_text(&identity)) != NULL;
    if (!there) {
        struct fa_buf further;
        fa_buf_init(&further, FA_ROW_BYTES_MAX);
        fa_buf_printf(&further, "%s/further", rule->name);
        const struct fa_alarm *alarm =
            fa_engine_alarm_by_identity(lab->engine, fa_buf_text(&further));
        there = alarm != NULL && alarm->state != FA_ALARM_RETURNED;
        fa_buf_done(&further);
    }
    if (!there) {
        fa_lab_fail(lab,
                    "invariant 6 (a worsening is never swallowed): %s is past the threshold "
                    "and has no alarm",
                    fa_buf_text(&identity));
    }
    fa_buf_done(&identity);
}

void fa_lab_fed_check_rules(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->fed_count; i++) {
        for (size_t r = 0; lab->fed[i].last == lab->elapsed && r < lab->config->setup.rule_count;
             r++) {
            const struct fa_rule *rule = lab->config->setup.rules[r];
            if (is_metric(&lab->fed[i], rule)) {
                check_fires(lab, &lab->fed[i], rule);
            }
        }
    }
}

void fa_lab_fed_done(struct fa_lab *lab)
{
    fa_lab_fed_forget(lab, NULL);
    free(lab->fed);
}

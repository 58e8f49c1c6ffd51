/* SPDX-License-Identifier: MIT */
/* A report from its beginning to its end: which rules it is about, what their firings come to, and
 * which of them were signs of what the company knows to have gone wrong. What rules read and hold
 * against a threshold is backtest_query.c's. */
#include "lab/backtest.h"
#include "lab/backtest_parts.h"

#include "base/panic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what history has ---- */

struct survey {
    const struct fa_query_source *source;
    fa_time from, to, first;
    struct fa_buf names;
    struct fa_str last; /* name: series come in the order of labels */
};

static int survey_series(void *ctx, const struct fa_labels *labels, void *series)
{
    struct survey *survey = ctx;
    const struct fa_point *points;
    size_t count =
        survey->source->read(survey->source->ctx, series, survey->from, survey->to, &points);
    if (count > 0 && points[0].at < survey->first) {
        survey->first = points[0].at;
    }
    struct fa_str name = fa_labels_get(labels, FA_STR("__name__"));
    if (!fa_str_eq(name, survey->last) && survey->names.len < 120) {
        fa_buf_printf(&survey->names, "%s%.*s", survey->names.len > 0 ? ", " : "",
                      FA_STR_ARG(name));
    }
    survey->last = name;
    return 0;
}

static void survey_all(struct fa_history *history, struct survey *survey)
{
    fa_buf_init(&survey->names, 512);
    survey->first = FA_NEVER;
    survey->source = fa_history_source(history);
    (void)!survey->source->select(survey->source->ctx, NULL, 0, survey_series, survey);
}

int fa_backtest_span(struct fa_history *history, const struct fa_backtest_options *options,
                     fa_time *ret_from, struct fa_err *err)
{
    struct survey survey = {.from = options->from != FA_NEVER ? options->from - 1 : INT64_MIN,
                            .to = options->to};
    survey_all(history, &survey);
    fa_buf_done(&survey.names);
    if (survey.first == FA_NEVER) {
        return fa_err_set(err, FA_ENOTFOUND, "there is no sample %s",
                          fa_history_samples(history) == 0 ? "in it" : "in that time");
    }
    *ret_from = survey.first;
    return 0;
}

int fa_backtest_unread(const struct fa_backtest *report, struct fa_history *history,
                       struct fa_err *err)
{
    struct survey survey = {.from = INT64_MIN, .to = INT64_MAX};
    struct fa_buf read;
    survey_all(history, &survey);
    fa_buf_init(&read, 512);
    for (size_t i = 0; i < report->rule_count && read.len < 120; i++) {
        const struct fa_rule *rule = report->rules[i].rule;
        fa_buf_printf(&read, "%s%.100s", read.len > 0 ? ", " : "",
                      rule->query.text != NULL      ? rule->query.text
                      : rule->metric.metric != NULL ? rule->metric.metric
                                                    : rule->name);
    }
    (void)fa_err_set(err, FA_ENOTFOUND,
                     "no rule reads any of it; rules read: %.200s; there is: %.200s",
                     read.len > 0 ? fa_buf_text(&read) : "nothing", fa_buf_text(&survey.names));
    fa_buf_done(&read);
    fa_buf_done(&survey.names);
    return FA_ENOTFOUND;
}

/* ---- sums ---- */

static int by_length(const void *a, const void *b)
{
    fa_time x = *(const fa_time *)a, y = *(const fa_time *)b;
    return x < y ? -1 : x > y;
}

static void sum_firings(struct fa_backtest_rule *rule)
{
    fa_time *lengths = fa_xcalloc(rule->firing_count + 1, sizeof *lengths);
    for (size_t i = 0; i < rule->firing_count; i++) {
        const struct fa_backtest_firing *firing = &rule->firings[i];
        bool known = false;
        lengths[i] = firing->to > firing->from ? firing->to - firing->from : 0;
        rule->total += lengths[i];
        for (size_t k = 0; k < i && !known; k++) {
            known = strcmp(rule->firings[k].labels, firing->labels) == 0;
        }
        rule->label_sets += !known;
    }
    qsort(lengths, rule->firing_count, sizeof lengths[0], by_length);
    if (rule->firing_count > 0) {
        rule->longest = lengths[rule->firing_count - 1];
        rule->median = lengths[(rule->firing_count - 1) / 2];
    }
    free(lengths);
}

static int by_calls(const void *a, const void *b)
{
    const struct fa_backtest_person *x = a, *y = b;
    return x->calls != y->calls ? (x->calls > y->calls ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_sign(const void *a, const void *b)
{
    const struct fa_backtest_sign *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : strcmp(x->rule->name, y->rule->name);
}

/* The earliest firing of the rule that has to do with the date; FA_NEVER. */
static fa_time sign_of(const struct fa_backtest_rule *rule, struct fa_backtest_date date,
                       fa_time within)
{
    for (size_t i = 0; i < rule->firing_count; i++) {
        const struct fa_backtest_firing *firing = &rule->firings[i];
        if (firing->from <= date.to && firing->to >= date.from - within) {
            return firing->from;
        }
    }
    return FA_NEVER;
}

static void find_signs(struct fa_backtest *report, const struct fa_backtest_options *options)
{
    report->known = fa_xcalloc(options->known_count + 1, sizeof report->known[0]);
    report->known_count = options->known_count;
    for (size_t i = 0; i < options->known_count; i++) {
        struct fa_backtest_known *known = &report->known[i];
        known->date = options->known[i];
        known->signs = fa_xcalloc(report->rule_count + 1, sizeof known->signs[0]);
        for (size_t r = 0; r < report->rule_count; r++) {
            fa_time at = sign_of(&report->rules[r], known->date, options->within);
            if (at != FA_NEVER) {
                known->signs[known->sign_count++] =
                    (struct fa_backtest_sign){report->rules[r].rule, at};
            }
        }
        qsort(known->signs, known->sign_count, sizeof known->signs[0], by_sign);
    }
}

/* ---- the whole ---- */

static struct fa_backtest *new_report(const struct fa_config *config,
                                      const struct fa_backtest_options *options)
{
    struct fa_backtest *report = fa_xcalloc(1, sizeof *report);
    const struct fa_directory *dir = config->people;
    report->columns = options->columns;
    report->rules = fa_xcalloc(config->rule_count + 1, sizeof report->rules[0]);
    for (size_t i = 0; i < config->rule_count; i++) {
        const struct fa_rule *rule = config->rules[i];
        if (rule->is_incident || rule->is_alert ||
            (options->only_file != NULL &&
             (rule->file == NULL || strcmp(rule->file, options->only_file) != 0))) {
            continue;
        }
        struct fa_backtest_rule *entry = &report->rules[report->rule_count++];
        entry->rule = rule;
        entry->values = fa_xcalloc(options->columns + 1, sizeof entry->values[0]);
        for (uint32_t c = 0; c < options->columns; c++) {
            entry->values[c] = (double)NAN;
        }
    }
    report->people = fa_xcalloc(dir->people_count + 1, sizeof report->people[0]);
    report->person_count = dir->people_count;
    for (size_t i = 0; i < dir->people_count; i++) {
        report->people[i].name = dir->people[i].name;
    }
    return report;
}

int fa_backtest(const struct fa_config *config, struct fa_history *history,
                const struct fa_backtest_options *options, struct fa_backtest **ret_report,
                struct fa_err *err)
{
    struct fa_backtest *report = new_report(config, options);
    int ret = fa_backtest_play(config, history, options, report, err);
    if (ret != 0) {
        fa_backtest_free(report);
        return ret;
    }
    for (size_t i = 0; i < report->rule_count; i++) {
        sum_firings(&report->rules[i]);
        fa_backtest_values(history, report, &report->rules[i]);
    }
    qsort(report->people, report->person_count, sizeof report->people[0], by_calls);
    while (report->person_count > 0 && report->people[report->person_count - 1].calls == 0) {
        report->person_count--;
    }
    find_signs(report, options);
    if (options->tune) {
        fa_backtest_tune(config, history, options, report);
    }
    *ret_report = report;
    return 0;
}

void fa_backtest_free(struct fa_backtest *report)
{
    if (report == NULL) {
        return;
    }
    for (size_t i = 0; i < report->rule_count; i++) {
        struct fa_backtest_rule *rule = &report->rules[i];
        for (size_t f = 0; f < rule->firing_count; f++) {
            free(rule->firings[f].labels);
        }
        free(rule->firings);
        free(rule->steps);
        free(rule->values);
        free(rule->tries);
    }
    for (size_t i = 0; i < report->known_count; i++) {
        free(report->known[i].signs);
    }
    free(report->rules);
    free(report->people);
    free(report->known);
    free(report);
}

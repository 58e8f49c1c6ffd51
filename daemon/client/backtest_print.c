/* SPDX-License-Identifier: MIT */
/* A backtest for people: a table, who is called, what was seen in time, and for each rule that has
 * a threshold its plot. For programs the same as JSON, and the picture. */
#include "client/backtest.h"

#include "base/panic.h"
#include "client/command.h"
#include "text/plot.h"
#include "text/reader.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLOT_ROWS   12
#define COLUMNS_MAX 120u

/* ---- plots ---- */

/* What a plot borrows. */
struct drawing {
    struct fa_plot plot;
    struct fa_plot_span *spans; /* owned */
    struct fa_plot_mark *marks; /* owned */
    char (*texts)[24];          /* owned */
};

static void drawing_init(struct drawing *drawing, const struct fa_backtest *report,
                         const struct fa_backtest_rule *rule)
{
    const struct fa_metric_rule *metric = &rule->rule->metric;
    bool above = true;
    *drawing = (struct drawing){
        .plot = {.title = rule->rule->name,
                 .from = report->from,
                 .to = report->to,
                 .values = rule->values,
                 .count = report->columns,
                 .has_clear = metric->has_clear_below || metric->has_clear_above,
                 .clear = metric->has_clear_below ? metric->clear_below : metric->clear_above,
                 .span_count = rule->firing_count,
                 .mark_count = rule->step_count},
        .spans = fa_xcalloc(rule->firing_count + 1, sizeof drawing->spans[0]),
        .marks = fa_xcalloc(rule->step_count + 1, sizeof drawing->marks[0]),
        .texts = fa_xcalloc(rule->step_count + 1, sizeof drawing->texts[0])};
    drawing->plot.has_threshold =
        fa_backtest_threshold(rule->rule, &drawing->plot.threshold, &above);
    drawing->plot.low_is_bad = !above;
    for (size_t i = 0; i < rule->firing_count; i++) {
        drawing->spans[i] = (struct fa_plot_span){rule->firings[i].from, rule->firings[i].to};
    }
    for (size_t i = 0; i < rule->step_count; i++) {
        snprintf(drawing->texts[i], sizeof drawing->texts[i], "step %u", rule->steps[i].step);
        drawing->marks[i] = (struct fa_plot_mark){rule->steps[i].at, drawing->texts[i]};
    }
    drawing->plot.spans = drawing->spans;
    drawing->plot.marks = drawing->marks;
}

static void drawing_done(struct drawing *drawing)
{
    free(drawing->spans);
    free(drawing->marks);
    free(drawing->texts);
}

void fa_backtest_svg(const struct fa_backtest *report, struct fa_buf *out)
{
    struct drawing *drawings = fa_xcalloc(report->rule_count + 1, sizeof drawings[0]);
    struct fa_plot *plots = fa_xcalloc(report->rule_count + 1, sizeof plots[0]);
    for (size_t i = 0; i < report->rule_count; i++) {
        drawing_init(&drawings[i], report, &report->rules[i]);
        plots[i] = drawings[i].plot;
    }
    fa_plot_svg(plots, report->rule_count, out);
    for (size_t i = 0; i < report->rule_count; i++) {
        drawing_done(&drawings[i]);
    }
    free(drawings);
    free(plots);
}

static void print_plot(struct fa_client *client, const struct fa_backtest *report,
                       const struct fa_backtest_rule *rule)
{
    unsigned columns = client->out.columns < COLUMNS_MAX ? client->out.columns : COLUMNS_MAX;
    struct drawing drawing;
    struct fa_buf text;
    drawing_init(&drawing, report, rule);
    fa_buf_init(&text, 1 << 20);
    fa_plot_text(&drawing.plot, columns, PLOT_ROWS, client->world->ascii, &text);
    fa_say(&client->out, "\n");
    fa_put(&client->out, FA_BOLD, rule->rule->name);
    fa_say(&client->out, "\n%s", fa_buf_text(&text));
    fa_buf_done(&text);
    drawing_done(&drawing);
}

/* ---- for people ---- */

static void add_number(struct fa_table *table, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    fa_table_add(table, FA_PLAIN, text);
}

static void add_length(struct fa_table *table, fa_time length, bool any)
{
    char text[40];
    fa_table_add(table, FA_PLAIN, any ? fa_reader_duration(NULL, length, text) : "-");
}

static void print_head(struct fa_client *client, const struct fa_backtest *report,
                       const struct fa_backtest_options *opts)
{
    char from[FA_READER_TIME_SIZE], to[FA_READER_TIME_SIZE], samples[40], length[40];
    fa_say(&client->out, "%s samples of %zu series, %s to %s. ",
           fa_reader_number(NULL, (double)report->samples, samples), report->series,
           fa_reader_time(NULL, report->from, 0, NULL, from),
           fa_reader_time(NULL, report->to, 0, NULL, to));
    if (opts->owned_after == FA_NEVER) {
        fa_say(&client->out, "Nobody answers in it.\n\n");
    } else {
        fa_say(&client->out, "Each alarm is owned %s after the first call.\n\n",
               fa_reader_duration(NULL, opts->owned_after, length));
    }
}

static void print_rules(struct fa_client *client, const struct fa_backtest *report)
{
    struct fa_table table = {.titles = {"RULE", "FIRED", "LABEL SETS", "MEDIAN", "LONGEST",
                                        "IN ALL", "CALLS", "AT NIGHT"},
                             .columns = 8};
    for (size_t i = 0; i < report->rule_count; i++) {
        const struct fa_backtest_rule *rule = &report->rules[i];
        bool any = rule->firing_count > 0;
        fa_table_add(&table, FA_BOLD, rule->rule->name);
        add_number(&table, rule->firing_count);
        add_number(&table, rule->label_sets);
        add_length(&table, rule->median, any);
        add_length(&table, rule->longest, any);
        add_length(&table, rule->total, any);
        add_number(&table, rule->calls);
        add_number(&table, rule->calls_at_night);
    }
    fa_table_print(&client->out, &table);
    fa_table_done(&table);
}

static void print_people(struct fa_client *client, const struct fa_backtest *report)
{
    struct fa_table table = {.titles = {"WHO", "CALLS", "AT NIGHT"}, .columns = 3};
    if (report->person_count == 0) {
        fa_say(&client->out, "\nNobody would have been called.\n");
        return;
    }
    for (size_t i = 0; i < report->person_count; i++) {
        fa_table_add(&table, FA_BOLD, report->people[i].name);
        add_number(&table, report->people[i].calls);
        add_number(&table, report->people[i].at_night);
    }
    fa_say(&client->out, "\n");
    fa_table_print(&client->out, &table);
    fa_table_done(&table);
}

static void print_known(struct fa_client *client, const struct fa_backtest_known *known)
{
    char when[FA_READER_TIME_SIZE], since[FA_READER_TIME_SIZE], length[40];
    fa_say(&client->out, "\n%s: ", fa_reader_time(NULL, known->date.from, 0, NULL, when));
    if (known->sign_count == 0) {
        fa_put(&client->out, FA_RED, "no rule saw it");
    }
    for (size_t i = 0; i < known->sign_count; i++) {
        const struct fa_backtest_sign *sign = &known->signs[i];
        bool before = sign->at < known->date.from;
        fa_say(&client->out, "%s", i > 0 ? "; then " : "");
        fa_put(&client->out, FA_BOLD, sign->rule->name);
        fa_say(&client->out, " on %s, %s%s", fa_reader_time(NULL, sign->at, 0, NULL, since),
               before ? fa_reader_duration(NULL, known->date.from - sign->at, length)
                      : "on the day",
               before ? " before" : "");
    }
}

static void print_tries(struct fa_client *client, const struct fa_backtest_rule *rule)
{
    struct fa_table table = {.titles = {"", "THRESHOLD", "CLEARS AT", "FIRED", "IN ALL"},
                             .columns = 5};
    for (size_t i = 0; i < rule->try_count; i++) {
        const struct fa_backtest_try *one = &rule->tries[i];
        char number[40];
        fa_table_add(&table, FA_BOLD, one->current ? "now" : "");
        fa_table_add(&table, one->current ? FA_BOLD : FA_PLAIN,
                     fa_reader_number(NULL, one->threshold, number));
        fa_table_add(&table, FA_PLAIN,
                     isnan(one->clear) ? "-" : fa_reader_number(NULL, one->clear, number));
        add_number(&table, one->fired);
        add_length(&table, one->firing, one->fired > 0);
    }
    fa_say(&client->out, "\n");
    fa_table_print(&client->out, &table);
    fa_table_done(&table);
}

void fa_backtest_print(struct fa_client *client, const struct fa_backtest *report,
                       const struct fa_backtest_options *opts)
{
    print_head(client, report, opts);
    print_rules(client, report);
    print_people(client, report);
    for (size_t i = 0; i < report->known_count; i++) {
        print_known(client, &report->known[i]);
    }
    fa_say(&client->out, report->known_count > 0 ? "\n" : "");
    for (size_t i = 0; i < report->rule_count; i++) {
        const struct fa_backtest_rule *rule = &report->rules[i];
        double threshold;
        bool above;
        if (fa_backtest_threshold(rule->rule, &threshold, &above)) {
            print_plot(client, report, rule);
        }
        if (rule->try_count > 0) {
            print_tries(client, rule);
        }
    }
}

/* ---- for programs ---- */

static json_t *time_json(fa_time wall)
{
    char text[32];
    return json_string(fa_time_format_ms(wall, text));
}

static json_t *number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *firings_json(const struct fa_backtest_rule *rule)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rule->firing_count; i++) {
        const struct fa_backtest_firing *firing = &rule->firings[i];
        json_array_append_new(list, json_pack("{s:o,s:o,s:s,s:b}", "from", time_json(firing->from),
                                              "to", time_json(firing->to), "labels", firing->labels,
                                              "open", firing->open));
    }
    return list;
}

static json_t *steps_json(const struct fa_backtest_rule *rule)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rule->step_count; i++) {
        const struct fa_backtest_step *step = &rule->steps[i];
        json_array_append_new(list, json_pack("{s:o,s:i,s:i,s:i}", "at", time_json(step->at),
                                              "step", (int)step->step, "loop", (int)step->loop,
                                              "people", (int)step->people));
    }
    return list;
}

static json_t *tries_json(const struct fa_backtest_rule *rule)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rule->try_count; i++) {
        const struct fa_backtest_try *one = &rule->tries[i];
        json_array_append_new(
            list, json_pack("{s:o,s:o,s:I,s:I,s:b}", "threshold", number_json(one->threshold),
                            "clear", number_json(one->clear), "fired", (json_int_t)one->fired,
                            "firing_ms", (json_int_t)one->firing, "current", one->current));
    }
    return list;
}

static json_t *rule_json(const struct fa_backtest_rule *rule)
{
    double threshold;
    bool above;
    json_t *object = json_pack(
        "{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "rule", rule->rule->name, "fired",
        (json_int_t)rule->firing_count, "label_sets", (json_int_t)rule->label_sets, "median_ms",
        (json_int_t)rule->median, "longest_ms", (json_int_t)rule->longest, "total_ms",
        (json_int_t)rule->total, "calls", (json_int_t)rule->calls, "calls_at_night",
        (json_int_t)rule->calls_at_night, "other_messages", (json_int_t)rule->messages);
    if (fa_backtest_threshold(rule->rule, &threshold, &above)) {
        json_object_set_new(object, above ? "above" : "below", number_json(threshold));
    }
    json_object_set_new(object, "firings", firings_json(rule));
    json_object_set_new(object, "steps", steps_json(rule));
    if (rule->try_count > 0) {
        json_object_set_new(object, "tune", tries_json(rule));
    }
    return object;
}

static json_t *known_json(const struct fa_backtest_known *known)
{
    json_t *signs = json_array();
    for (size_t i = 0; i < known->sign_count; i++) {
        const struct fa_backtest_sign *sign = &known->signs[i];
        json_array_append_new(signs, json_pack("{s:s,s:o,s:I}", "rule", sign->rule->name, "at",
                                               time_json(sign->at), "before_ms",
                                               (json_int_t)(known->date.from - sign->at)));
    }
    return json_pack("{s:o,s:b,s:o}", "date", time_json(known->date.from), "seen",
                     known->sign_count > 0, "signs", signs);
}

void fa_backtest_print_json(struct fa_client *client, const struct fa_backtest *report,
                            const struct fa_backtest_options *opts)
{
    json_t *rules = json_array(), *people = json_array(), *known = json_array();
    for (size_t i = 0; i < report->rule_count; i++) {
        json_array_append_new(rules, rule_json(&report->rules[i]));
    }
    for (size_t i = 0; i < report->person_count; i++) {
        json_array_append_new(people,
                              json_pack("{s:s,s:I,s:I}", "name", report->people[i].name, "calls",
                                        (json_int_t)report->people[i].calls, "at_night",
                                        (json_int_t)report->people[i].at_night));
    }
    for (size_t i = 0; i < report->known_count; i++) {
        json_array_append_new(known, known_json(&report->known[i]));
    }
    json_t *root =
        json_pack("{s:o,s:o,s:I,s:I,s:o,s:o,s:o,s:o}", "from", time_json(report->from), "to",
                  time_json(report->to), "series", (json_int_t)report->series, "samples",
                  (json_int_t)report->samples, "owned_after_ms",
                  opts->owned_after == FA_NEVER ? json_null() : json_integer(opts->owned_after),
                  "rules", rules, "people", people, "known", known);
    json_dumpf(root, client->out.file, JSON_COMPACT | JSON_ENSURE_ASCII);
    fputc('\n', client->out.file);
    json_decref(root);
}

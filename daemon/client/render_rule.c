/* SPDX-License-Identifier: MIT */
/* `firealarm explain` of a rule for people: how it is written, what it says of each label set now
 * and why, and what changed last. */
#include "client/render_explain.h"

#include "client/api.h"
#include "client/when.h"

#include <string.h>

static void put_labels(struct fa_buf *buf, const json_t *labels)
{
    const char *name;
    json_t *value;
    size_t from = buf->len;
    json_object_foreach((json_t *)labels, name, value)
    {
        const char *text = json_string_value(value);
        fa_buf_printf(buf, "%s%s=%s", buf->len > from ? ", " : "", name, text != NULL ? text : "");
    }
    if (buf->len == from) {
        fa_buf_puts(buf, "(no labels)");
    }
}

/* Why the set says what it says, and what comes of it. */
static void put_why(struct fa_buf *buf, const json_t *set)
{
    static const char *const rows[][2] = {
        {"holds", "holds"},
        {"kept", "no value now: kept as it was"},
        {"does-not-hold", "does not hold"},
        {"no-data", "no sample came"},
        {"too-few", "too few samples to judge by"},
        {"stale", "its samples are too old"},
        {"not-renewed", "its sender stopped repeating it"},
    };
    const json_t *alarm = json_object_get(set, "alarm");
    const char *why = fa_explain_text(set, "why");
    char clock[FA_WHEN_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i][0], why) == 0 && fa_member_text(set, "reason") == NULL) {
            fa_buf_puts(buf, rows[i][1]);
        }
    }
    if (strcmp(why, "warming") == 0) {
        fa_buf_printf(buf, "warming: its window is full at %s",
                      fa_explain_clock(set, "warming", clock));
    }
    fa_buf_puts(buf, fa_explain_text(set, "reason"));
    if (json_is_object(alarm) && fa_member_text(alarm, "due") != NULL) {
        fa_buf_printf(buf, "; raised at %s if it lasts", fa_explain_clock(alarm, "due", clock));
    } else if (json_is_object(alarm)) {
        fa_buf_printf(buf, "; alarm %.9s, %s", fa_explain_text(alarm, "id"),
                      fa_explain_text(alarm, "state"));
    }
}

static enum fa_paint level_paint(const char *level)
{
    return strcmp(level, "firing") == 0    ? FA_RED
           : strcmp(level, "unknown") == 0 ? FA_YELLOW
                                           : FA_GREEN;
}

static void put_sets(struct fa_screen *screen, const json_t *rule)
{
    struct fa_table table = {.titles = {"LABELS", "LEVEL", "VALUE", "WHY"}, .columns = 4};
    struct fa_buf buf;
    const json_t *set;
    size_t i;
    fa_buf_init(&buf, 64u << 10);
    json_array_foreach(json_object_get(rule, "sets"), i, set)
    {
        fa_buf_clear(&buf);
        put_labels(&buf, json_object_get(set, "labels"));
        fa_table_add(&table, FA_PLAIN, fa_buf_text(&buf));
        fa_table_add(&table, level_paint(fa_explain_text(set, "level")),
                     fa_explain_text(set, "level"));
        fa_buf_clear(&buf);
        fa_explain_number(&buf, set, "value");
        fa_table_add(&table, FA_PLAIN, fa_explain_has(set, "value") ? fa_buf_text(&buf) : "-");
        fa_buf_clear(&buf);
        put_why(&buf, set);
        fa_table_add(&table, FA_PLAIN, fa_buf_text(&buf));
    }
    fa_say(screen, "\n");
    if (table.count > 0) {
        fa_table_print(screen, &table);
    } else {
        fa_say(screen, "Nothing that it reads has ever come.\n");
    }
    if (fa_member_is(rule, "more")) {
        fa_say(screen, "... and more that do not fire.\n");
    }
    fa_table_done(&table);
    fa_buf_done(&buf);
}

static void put_changes(struct fa_screen *screen, const json_t *rule)
{
    struct fa_table table = {.titles = {"CHANGED", "LABELS", "TO", "VALUE"}, .columns = 4};
    struct fa_buf buf;
    char when[FA_WHEN_SIZE];
    const json_t *change;
    size_t i;
    fa_buf_init(&buf, 64u << 10);
    json_array_foreach(json_object_get(rule, "changes"), i, change)
    {
        fa_table_add(&table, FA_PLAIN, fa_when_show(fa_explain_text(change, "time"), when));
        fa_buf_clear(&buf);
        put_labels(&buf, json_object_get(change, "labels"));
        fa_table_add(&table, FA_PLAIN, fa_buf_text(&buf));
        fa_table_add(&table, level_paint(fa_explain_text(change, "level")),
                     fa_explain_text(change, "level"));
        fa_buf_clear(&buf);
        fa_explain_number(&buf, change, "value");
        fa_table_add(&table, FA_PLAIN, fa_explain_has(change, "value") ? fa_buf_text(&buf) : "-");
    }
    if (table.count > 0) {
        fa_say(screen, "\n");
        fa_table_print(screen, &table);
    }
    fa_table_done(&table);
    fa_buf_done(&buf);
}

static void put_pattern(struct fa_screen *screen, const json_t *rule)
{
    const json_t *category;
    size_t i;
    fa_say(screen, "\nIt raises filings of ");
    json_array_foreach(json_object_get(rule, "categories"), i, category)
    {
        fa_say(screen, i > 0 ? ", " : "");
        fa_put(screen, FA_PLAIN, json_string_value(category));
    }
    fa_say(screen, ".\nWhat it counts is told to nobody: explain an alarm that it raised.\n");
    if (fa_member_text(rule, "expr") != NULL) {
        fa_say(screen, "It raises them only while this holds too:\n");
    }
}

void fa_render_rule(struct fa_screen *screen, const json_t *rule)
{
    struct fa_buf buf;
    fa_put(screen, FA_BOLD, fa_explain_text(rule, "rule"));
    fa_say(screen, ": ");
    fa_put(screen, FA_PLAIN, fa_explain_text(rule, "severity"));
    fa_say(screen, ", policy ");
    fa_put(screen, FA_PLAIN, fa_explain_text(rule, "policy"));
    fa_say(screen, "%s%s\n", fa_member_is(rule, "latched") ? ", latched" : "",
           fa_member_is(rule, "shadow") ? ", shadow: it tells nobody" : "");
    if (strcmp(fa_explain_text(rule, "kind"), "incident") == 0) {
        put_pattern(screen, rule);
        if (fa_member_text(rule, "expr") == NULL) {
            return;
        }
    }
    if (strcmp(fa_explain_text(rule, "kind"), "alert") == 0) {
        fa_say(screen, "It takes the alerts of another system:\n");
    }
    fa_buf_init(&buf, 64u << 10);
    fa_put_wrapped(screen, 2, NULL, fa_explain_text(rule, "expr"));
    fa_explain_limits(&buf, rule);
    if (fa_member_text(rule, "clear_expr") != NULL) {
        fa_buf_printf(&buf, "clears when %s", fa_explain_text(rule, "clear_expr"));
    }
    if (fa_member_text(rule, "for") != NULL) {
        fa_buf_printf(&buf, "%swhen it held for %s", buf.len > 0 ? ", " : "",
                      fa_explain_text(rule, "for"));
    }
    if (fa_member_text(rule, "absent") != NULL) {
        fa_buf_printf(&buf, "%sfires when no sample came for %s", buf.len > 0 ? ", " : "",
                      fa_explain_text(rule, "absent"));
    }
    if (buf.len > 0) {
        fa_put_wrapped(screen, 2, NULL, fa_buf_text(&buf));
    }
    fa_buf_done(&buf);
    if (fa_member_text(rule, "error") != NULL) {
        fa_say(screen, "\n");
        fa_put_wrapped(screen, 0, "It cannot be evaluated: ", fa_explain_text(rule, "error"));
    }
    put_sets(screen, rule);
    put_changes(screen, rule);
}

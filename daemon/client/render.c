/* SPDX-License-Identifier: MIT */
/* What a person needs first stands first. Times are the reader's own; lengths are said with one
 * unit, because the difference between 3h and 3h12m decides nothing. */
#include "client/render.h"

#include "client/api.h"
#include "client/when.h"

#include <stdlib.h>
#include <string.h>

static const char *or_dash(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "-";
}

static enum fa_paint severity_paint(const char *severity)
{
    static const struct {
        const char *name;
        enum fa_paint paint;
    } rows[] = {
        {"critical", FA_RED}, {"page", FA_RED},       {"high", FA_RED},      {"error", FA_RED},
        {"major", FA_YELLOW}, {"warning", FA_YELLOW}, {"medium", FA_YELLOW}, {"minor", FA_DIM},
        {"info", FA_DIM},     {"low", FA_DIM},
    };
    for (size_t i = 0; severity != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, severity) == 0) {
            return rows[i].paint;
        }
    }
    return FA_PLAIN;
}

const char *fa_level_words(const char *level)
{
    if (level != NULL && strcmp(level, "solve") == 0) {
        return "yours to solve";
    }
    if (level != NULL && strcmp(level, "help") == 0) {
        return "help resolve";
    }
    return level != NULL && strcmp(level, "raise") == 0 ? "raise the alarm" : "to be decided";
}

/* "Label       text", nothing when there is no text. */
static void field(struct fa_screen *screen, const char *label, const char *text)
{
    char head[32];
    if (text != NULL && text[0] != '\0') {
        snprintf(head, sizeof head, "%-12s", label);
        fa_put_wrapped(screen, 12, head, text);
    }
}

static void time_field(struct fa_screen *screen, const char *label, const json_t *object,
                       const char *member)
{
    char buf[FA_WHEN_SIZE];
    const char *text = fa_member_text(object, member);
    if (text != NULL) {
        field(screen, label, fa_when_show(text, buf));
    }
}

/* "2 days" for "2d"; what has more than one unit stays as it is. */
static void put_length(struct fa_screen *screen, const char *text)
{
    static const char *const units[] = {"second", "minute", "hour", "day", "week"};
    static const char letters[] = "smhdw";
    char *end = NULL;
    unsigned long count = strtoul(text, &end, 10);
    const char *unit = *end != '\0' && end[1] == '\0' ? strchr(letters, *end) : NULL;
    if (end == text || unit == NULL) {
        fa_put(screen, FA_PLAIN, text);
    } else {
        fa_say(screen, "%lu %s%s", count, units[unit - letters], count == 1 ? "" : "s");
    }
}

void fa_render_guide(struct fa_screen *screen, const json_t *guide)
{
    const json_t *category, *example;
    size_t i, j;
    json_array_foreach(json_object_get(guide, "categories"), i, category)
    {
        fa_put(screen, FA_BOLD, or_dash(fa_member_text(category, "title")));
        fa_say(screen, "\n  ");
        fa_put(screen, FA_DIM, or_dash(fa_member_text(category, "name")));
        fa_say(screen, ": %s", fa_level_words(fa_member_text(category, "guidance")));
        const char *guidance = fa_member_text(category, "guidance");
        bool at_once = guidance != NULL && strcmp(guidance, "raise") == 0;
        if (fa_member_text(category, "due") != NULL && !at_once) {
            fa_say(screen, ", within ");
            put_length(screen, fa_member_text(category, "due"));
        }
        fa_say(screen, "\n");
        if (fa_member_text(category, "hint") != NULL) {
            fa_put_wrapped(screen, 2, NULL, fa_member_text(category, "hint"));
        }
        json_array_foreach(json_object_get(category, "examples"), j, example)
        {
            fa_put_wrapped(screen, 4, "  - ", or_dash(json_string_value(example)));
        }
        fa_say(screen, "\n");
    }
    const json_t *values = json_object_get(guide, "values"), *value;
    if (json_array_size(values) > 0) {
        fa_put(screen, FA_BOLD, "What this company stands for");
        fa_say(screen, "\n");
    }
    json_array_foreach(values, i, value)
    {
        fa_put_wrapped(screen, 4, "  - ", or_dash(fa_member_text(value, "title")));
    }
}

/* "at once", "after 15 minutes if nobody has taken it". */
static void put_when(struct fa_screen *screen, const char *when)
{
    fa_time length = 0;
    if (when == NULL || fa_parse_duration(fa_str_of(when), &length) != 0) {
        return;
    }
    if (length == 0) {
        fa_say(screen, ", at once");
        return;
    }
    fa_say(screen, ", after ");
    put_length(screen, when);
    fa_say(screen, " if nobody has taken it");
}

void fa_render_told(struct fa_screen *screen, const json_t *told)
{
    const json_t *one;
    size_t i;
    json_array_foreach(told, i, one)
    {
        const char *display = fa_member_text(one, "display"), *role = fa_member_text(one, "role");
        fa_say(screen, "  %2zu  ", i + 1);
        fa_put(screen, FA_PLAIN, display != NULL ? display : or_dash(fa_member_text(one, "name")));
        if (role != NULL) {
            fa_say(screen, " (");
            fa_put(screen, FA_PLAIN, role);
            fa_say(screen, ")");
        }
        put_when(screen, fa_member_text(one, "when"));
        fa_say(screen, "\n");
    }
}

/* Whoever believes that others know does nothing more. */
static void put_nobody(struct fa_screen *screen)
{
    fa_say(screen, "\n");
    fa_put(screen, FA_RED, "Nobody can be told of it now.");
    fa_say(screen, "\n");
    fa_put_wrapped(
        screen, 0, NULL,
        "Each person who would be is named in it, is close to somebody who is, or cannot "
        "be reached. It is kept all the same, but do not wait: tell somebody whom you "
        "trust yourself, outside this company if need be.");
}

void fa_render_preview(struct fa_screen *screen, const json_t *preview)
{
    const char *level = fa_member_text(preview, "level"), *due = fa_member_text(preview, "due");
    bool raise = level != NULL && strcmp(level, "raise") == 0;
    fa_say(screen, "This is: ");
    fa_put(screen, raise ? FA_RED : FA_BOLD, fa_level_words(level));
    fa_say(screen, "\n");
    if (fa_member_text(preview, "hint") != NULL) {
        fa_put_wrapped(screen, 2, NULL, fa_member_text(preview, "hint"));
    }
    if (due != NULL) {
        fa_say(screen, "  To be settled within ");
        put_length(screen, due);
        fa_say(screen, ".\n");
    }
    const json_t *told = json_object_get(preview, "told");
    if (json_array_size(told) > 0) {
        fa_say(screen, "\nThese people will be told, in this order:\n");
        fa_render_told(screen, told);
    } else if (fa_member_is(preview, "nobody")) {
        put_nobody(screen);
    } else {
        fa_say(screen, "\nNobody is told for now.\n");
    }
    if (fa_member_is(preview, "independent") && !fa_member_is(preview, "nobody")) {
        fa_put_wrapped(screen, 0, NULL,
                       "Nobody of those who usually hear of this may be told; somebody independent "
                       "takes it instead.");
    }
}

void fa_render_receipt(struct fa_screen *screen, const json_t *answer)
{
    fa_say(screen, fa_member_is(answer, "already") ? "It was filed before. Your receipt:\n\n    "
                                                   : "Filed. Your receipt:\n\n    ");
    fa_put(screen, FA_GREEN, or_dash(fa_member_text(answer, "receipt")));
    fa_say(screen, "\n\n");
    fa_put_wrapped(screen, 0, NULL,
                   "Note it where only you can read it. It proves that you filed, and it is the "
                   "only way to see what became of it: type 'firealarm status', and the receipt "
                   "when it asks.");
    const json_t *told = json_object_get(answer, "told");
    if (json_array_size(told) > 0) {
        fa_say(screen, "\nTold, in this order:\n");
        fa_render_told(screen, told);
    } else if (fa_member_is(answer, "nobody")) {
        put_nobody(screen);
    }
    if (fa_member_text(answer, "due") != NULL) {
        fa_say(screen, "\n");
        time_field(screen, "Due", answer, "due");
        fa_put_wrapped(screen, 0, NULL,
                       "When it is settled by then, close it with 'firealarm status --done' and "
                       "the receipt. Otherwise it becomes an alarm by itself.");
    }
}

void fa_render_status(struct fa_screen *screen, const json_t *status)
{
    char buf[FA_WHEN_SIZE], head[FA_WHEN_SIZE + 8];
    const json_t *event;
    size_t i;
    const char *state = fa_member_text(status, "state");
    time_field(screen, "Filed", status, "filed");
    field(screen, "Kind", fa_member_text(status, "category"));
    field(screen, "It is", fa_level_words(fa_member_text(status, "level")));
    if (state != NULL && strcmp(state, "owned") == 0) {
        field(screen, "State", "somebody has taken it");
    } else if (state != NULL && strcmp(state, "open") == 0) {
        field(screen, "State", "nobody has taken it yet");
    } else {
        field(screen, "State", state);
    }
    time_field(screen, "Next word", status, "owned_until");
    const json_t *words = json_object_get(status, "words");
    if (fa_member_int(words, "kept") + fa_member_int(words, "missed") > 0) {
        fa_say(screen, "%-12s%lld kept, %lld missed\n", "Promises",
               (long long)fa_member_int(words, "kept"), (long long)fa_member_int(words, "missed"));
    }
    time_field(screen, "Due", status, "due");
    const char *level = fa_member_text(status, "level");
    bool helped = level != NULL && strcmp(level, "help") == 0;
    /* The number is of those told of an alarm; the helpers, who are asked first, are not in it. */
    if (json_is_integer(json_object_get(status, "told")) &&
        !(helped && fa_member_int(status, "told") == 0)) {
        long long told = (long long)fa_member_int(status, "told");
        fa_say(screen, "%-12s%lld %s\n", "Told", told, told == 1 ? "person" : "people");
    }
    if (fa_member_is(status, "nobody")) {
        put_nobody(screen);
    }
    if (json_array_size(json_object_get(status, "events")) > 0) {
        fa_say(screen, "\n");
    }
    json_array_foreach(json_object_get(status, "events"), i, event)
    {
        const char *time = fa_member_text(event, "time"), *text = fa_member_text(event, "text");
        snprintf(head, sizeof head, "%s  ", time != NULL ? fa_when_show(time, buf) : "?");
        fa_say(screen, "%s", head);
        fa_put(screen, FA_BOLD, or_dash(fa_member_text(event, "what")));
        fa_say(screen, "\n");
        if (text != NULL) {
            fa_put_wrapped(screen, 4, NULL, text);
        }
    }
}

/* The shortest beginning of the id that no other of the list shares, in whole groups of four: two
 * at least where the list is not all there is, and what is history is found by the whole id only.
 */
static size_t short_len(const json_t *answer, const json_t *alarm, const char *id)
{
    bool is_part = fa_member_is(answer, "more") || json_object_get(answer, "next") != NULL;
    const json_t *alarms = json_object_get(answer, "alarms"), *other;
    size_t i;
    if (fa_member_text(alarm, "ended") != NULL) {
        return strlen(id);
    }
    for (size_t len = is_part ? 9 : 4; len < strlen(id); len += 5) {
        size_t same = 0;
        json_array_foreach(alarms, i, other)
        {
            const char *text = fa_member_text(other, "id");
            same += text != NULL && strncmp(text, id, len) == 0;
        }
        if (same == 1) {
            return len;
        }
    }
    return strlen(id);
}

static const char *age_of(const json_t *object, const char *member, fa_time now,
                          char buf[FA_WHEN_SIZE])
{
    fa_time then = 0;
    const char *text = fa_member_text(object, member);
    if (text == NULL || fa_when_read(fa_str_of(text), &then) != 0) {
        return "-";
    }
    return fa_when_age(now - then, buf);
}

/* With what makes it another state for whoever reads it: that its data are missing, or come and go.
 */
static const char *state_of(const json_t *alarm, char *buf, size_t size)
{
    const char *state = or_dash(fa_member_text(alarm, "state"));
    const json_t *flag;
    bool is_unknown = false;
    size_t i;
    json_array_foreach(json_object_get(alarm, "flags"), i, flag)
    {
        is_unknown =
            is_unknown || (json_is_string(flag) && strcmp(json_string_value(flag), "unknown") == 0);
    }
    snprintf(buf, size, "%.50s%s%s", state, is_unknown ? ", unknown" : "",
             fa_member_int(alarm, "flaps") > 0 ? ", flapping" : "");
    return buf;
}

static void add_alarm(struct fa_table *table, const json_t *answer, const json_t *alarm,
                      fa_time now)
{
    char buf[FA_WHEN_SIZE], id[40], state[80], shown[96];
    const char *text = or_dash(fa_member_text(alarm, "id"));
    const char *severity = fa_member_text(alarm, "severity");
    const char *owner = fa_member_text(alarm, "owner");
    const char *title = fa_member_text(alarm, "title");
    snprintf(id, sizeof id, "%.*s", (int)short_len(answer, alarm, text), text);
    fa_table_add(table, severity_paint(severity), or_dash(severity));
    fa_table_add(table, FA_BOLD, id);
    bool hidden = json_is_object(json_object_get(alarm, "hidden"));
    snprintf(shown, sizeof shown, "%s%s", state_of(alarm, state, sizeof state),
             hidden ? ", hidden" : "");
    fa_table_add(table, hidden ? FA_DIM : FA_PLAIN, shown);
    fa_table_add(table, FA_PLAIN, age_of(alarm, "raised", now, buf));
    fa_table_add(table, owner != NULL ? FA_GREEN : FA_PLAIN, owner != NULL ? owner : "nobody");
    fa_table_add(table, FA_PLAIN, title != NULL ? title : or_dash(fa_member_text(alarm, "rule")));
}

/* Fewer quadratic comparisons than anybody would notice; a list is at most a few hundred long. */
#define ALARMS_SHOWN 1000

void fa_render_alarms(struct fa_screen *screen, const json_t *answer, fa_time now)
{
    struct fa_table table = {.titles = {"SEVERITY", "ALARM", "STATE", "AGE", "OWNER", "WHAT"},
                             .columns = 6};
    const json_t *alarms = json_object_get(answer, "alarms"), *alarm;
    size_t i;
    if (json_array_size(alarms) == 0) {
        fa_say(screen, "No alarms that you may see.\n");
        return;
    }
    json_array_foreach(alarms, i, alarm)
    {
        if (i < ALARMS_SHOWN) {
            add_alarm(&table, answer, alarm, now);
        }
    }
    fa_table_print(screen, &table);
    fa_table_done(&table);
    if (json_array_size(alarms) > ALARMS_SHOWN || fa_member_is(answer, "more")) {
        fa_say(screen, "... and more: --all lists every one.\n");
    }
}

static void put_filings(struct fa_screen *screen, const json_t *filings)
{
    char buf[FA_WHEN_SIZE];
    const json_t *filing;
    size_t i;
    json_array_foreach(filings, i, filing)
    {
        const char *time = fa_member_text(filing, "time"), *text = fa_member_text(filing, "text");
        const char *since = fa_member_text(filing, "since");
        fa_say(screen, "\n");
        fa_put(screen, FA_BOLD, "Filed");
        fa_say(screen, " %s by ", time != NULL ? fa_when_show(time, buf) : "");
        const char *reporter = fa_member_text(filing, "reporter");
        fa_put(screen, FA_PLAIN, reporter != NULL ? reporter : "somebody in confidence");
        fa_say(screen, "\n");
        field(screen, "  Customer", fa_member_text(filing, "customer"));
        field(screen, "  Since", since);
        field(screen, "  Known", fa_member_text(filing, "known"));
        if (text != NULL) {
            fa_put_wrapped(screen, 4, NULL, text);
        }
    }
}

static void put_comments(struct fa_screen *screen, const json_t *comments)
{
    char buf[FA_WHEN_SIZE];
    const json_t *comment;
    size_t i;
    json_array_foreach(comments, i, comment)
    {
        const char *time = fa_member_text(comment, "time"), *text = fa_member_text(comment, "text");
        fa_say(screen, "\n");
        fa_put(screen, FA_BOLD, or_dash(fa_member_text(comment, "who")));
        fa_say(screen, " %s\n", time != NULL ? fa_when_show(time, buf) : "");
        if (text != NULL) {
            fa_put_wrapped(screen, 4, NULL, text);
        }
    }
}

static void put_told(struct fa_screen *screen, const json_t *told)
{
    struct fa_table table = {.titles = {"TOLD", "OVER", "STATE", "WHEN"}, .columns = 4};
    char buf[FA_WHEN_SIZE];
    const json_t *one;
    size_t i;
    json_array_foreach(told, i, one)
    {
        const char *display = fa_member_text(one, "display"), *time = fa_member_text(one, "time");
        fa_table_add(&table, FA_PLAIN,
                     display != NULL ? display : or_dash(fa_member_text(one, "name")));
        fa_table_add(&table, FA_PLAIN, or_dash(fa_member_text(one, "channel")));
        fa_table_add(&table, FA_PLAIN, or_dash(fa_member_text(one, "state")));
        fa_table_add(&table, FA_PLAIN, time != NULL ? fa_when_show(time, buf) : "-");
    }
    if (table.count > 0) {
        fa_say(screen, "\n");
        fa_table_print(screen, &table);
    }
    fa_table_done(&table);
}

static void put_labels(struct fa_screen *screen, const json_t *labels)
{
    struct fa_buf buf;
    const char *name;
    json_t *value;
    fa_buf_init(&buf, 16u << 10);
    json_object_foreach((json_t *)labels, name, value)
    {
        fa_buf_printf(&buf, "%s%s=%s", buf.len > 0 ? ", " : "", name,
                      or_dash(json_string_value(value)));
    }
    field(screen, "Labels", fa_buf_text(&buf));
    fa_buf_done(&buf);
}

bool fa_render_flaps(const json_t *alarm, struct fa_buf *buf)
{
    json_int_t flaps = fa_member_int(alarm, "flaps");
    if (flaps > 0) {
        fa_buf_printf(buf, "%lld times in the last hour", (long long)flaps);
    }
    return flaps > 0;
}

/* What hides it, how many it hides, and that it comes and goes. */
static void put_hiding(struct fa_screen *screen, const json_t *alarm)
{
    struct fa_buf buf;
    json_int_t hides = fa_member_int(alarm, "hides");
    fa_buf_init(&buf, 4096);
    if (fa_render_hidden(alarm, &buf)) {
        field(screen, "Hidden", fa_buf_text(&buf));
    }
    fa_buf_clear(&buf);
    if (fa_render_flaps(alarm, &buf)) {
        field(screen, "Flapping", fa_buf_text(&buf));
    }
    fa_buf_clear(&buf);
    if (hides > 0) {
        fa_buf_printf(&buf, "%lld other alarm%s, which this one explains", (long long)hides,
                      hides == 1 ? "" : "s");
        field(screen, "Hides", fa_buf_text(&buf));
    }
    fa_buf_done(&buf);
}

void fa_render_alarm(struct fa_screen *screen, const json_t *alarm, fa_time now)
{
    char number[32], age[FA_WHEN_SIZE], state[80];
    const char *severity = fa_member_text(alarm, "severity");
    const json_t *value = json_object_get(alarm, "value");
    fa_put(screen, severity_paint(severity), or_dash(severity));
    fa_say(screen, "  ");
    fa_put(screen, FA_BOLD, or_dash(fa_member_text(alarm, "title")));
    fa_say(screen, "\n\n");
    field(screen, "What", fa_member_text(alarm, "summary"));
    field(screen, "Expected", fa_member_text(alarm, "expect"));
    field(screen, "State", state_of(alarm, state, sizeof state));
    put_hiding(screen, alarm);
    const char *owner = fa_member_text(alarm, "owner");
    field(screen, "Owner", owner != NULL ? owner : "nobody");
    time_field(screen, "Next word", alarm, "promised");
    time_field(screen, "Since", alarm, "since");
    if (fa_member_text(alarm, "raised") != NULL) {
        fa_say(screen, "%-12s%s ago\n", "Raised", age_of(alarm, "raised", now, age));
    }
    time_field(screen, "Next step", alarm, "next");
    if (json_is_number(value)) {
        field(screen, "Value", fa_format_double(json_number_value(value), number));
    }
    put_labels(screen, json_object_get(alarm, "labels"));
    field(screen, "Rule", fa_member_text(alarm, "rule"));
    field(screen, "Policy", fa_member_text(alarm, "policy"));
    field(screen, "Alarm", fa_member_text(alarm, "id"));
    put_told(screen, json_object_get(alarm, "told"));
    put_filings(screen, json_object_get(alarm, "filings"));
    put_comments(screen, json_object_get(alarm, "comments"));
}

void fa_render_outbox(struct fa_screen *screen, const json_t *answer, fa_time now)
{
    struct fa_table table = {
        .titles = {"ID", "ALARM", "TO", "OVER", "STATE", "TRIES", "NEXT", "CODE"}, .columns = 8};
    const json_t *list = json_object_get(answer, "notifications"), *one;
    size_t i;
    char number[32], buf[FA_WHEN_SIZE];
    json_array_foreach(list, i, one)
    {
        static const char *const texts[] = {"id", "alarm", "to", "channel", "state"};
        const json_t *code = json_object_get(one, "code");
        fa_time next = 0;
        const char *when = fa_member_text(one, "next");
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
            fa_table_add(&table, FA_PLAIN, or_dash(fa_member_text(one, texts[t])));
        }
        snprintf(number, sizeof number, "%lld", (long long)fa_member_int(one, "attempts"));
        fa_table_add(&table, FA_PLAIN, number);
        bool known = when != NULL && fa_when_read(fa_str_of(when), &next) == 0;
        fa_table_add(&table, FA_PLAIN, known ? fa_when_age(next - now, buf) : "-");
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(code));
        bool answered = json_integer_value(code) != 0;
        fa_table_add(&table, FA_PLAIN, answered ? number : or_dash(json_string_value(code)));
    }
    if (table.count == 0) {
        fa_say(screen, "The outbox is empty.\n");
    } else {
        fa_table_print(screen, &table);
    }
    fa_table_done(&table);
}

/* SPDX-License-Identifier: MIT */
/* Silences as people read them: what one hides, who answers for it, and until when. */
#include "client/api.h"
#include "client/render.h"
#include "client/when.h"

#include <string.h>

#define SHOWN_MAX 10

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = fa_member_text(object, name);
    return text != NULL ? text : "-";
}

/* `rule="queue-slow", site="eu"`. */
static void put_where(struct fa_buf *buf, const json_t *silence)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(silence, "where"), i, one)
    {
        fa_buf_printf(buf, "%s%s", i > 0 ? ", " : "",
                      json_is_string(one) ? json_string_value(one) : "-");
    }
}

/* The titles of the first few, and how many there are. */
static void put_examples(struct fa_screen *screen, const json_t *part, const char *age, fa_time now)
{
    const json_t *alarm;
    size_t i;
    json_int_t count = fa_member_int(part, "count");
    json_array_foreach(json_object_get(part, "alarms"), i, alarm)
    {
        fa_time then = 0;
        char ago[FA_WHEN_SIZE] = "-";
        const char *when = fa_member_text(alarm, age);
        if (i == SHOWN_MAX) {
            break;
        }
        if (when != NULL && fa_when_read(fa_str_of(when), &then) == 0) {
            fa_when_age(now - then, ago);
        }
        fa_say(screen, "  %4s ago  ", ago);
        fa_put(screen, FA_PLAIN, text_of(alarm, "title"));
        fa_say(screen, "\n");
    }
    if (count > SHOWN_MAX) {
        fa_say(screen, "  and %lld more\n", (long long)count - SHOWN_MAX);
    }
}

static void put_hides_nothing(struct fa_screen *screen, const json_t *answer)
{
    const char *why = fa_member_text(answer, "hides_nothing");
    if (why != NULL) {
        fa_put(screen, FA_RED, "It can hide nothing: whoever would be told is told.");
        fa_say(screen, "\n");
        fa_put_wrapped(screen, 2, NULL, why);
    }
}

void fa_render_silence_preview(struct fa_screen *screen, const json_t *preview, fa_time now)
{
    const json_t *open = json_object_get(preview, "open"), *past = json_object_get(preview, "past");
    long long count = (long long)fa_member_int(open, "count");
    char when[FA_WHEN_SIZE];
    fa_say(screen, "Silent until %s", fa_when_show(text_of(preview, "end"), when));
    if (fa_member_text(preview, "upto") != NULL) {
        fa_say(screen, ", up to severity ");
        fa_put(screen, FA_PLAIN, text_of(preview, "upto"));
    }
    fa_say(screen, ".\nIt hides %lld open alarm%s now.\n", count, count == 1 ? "" : "s");
    put_examples(screen, open, "raised", now);
    count = (long long)fa_member_int(past, "count");
    fa_say(screen, "In the last 30 days it would have hidden %lld alarm%s%s", count,
           count == 1 ? "" : "s", fa_member_is(past, "complete") ? "" : " at least");
    fa_say(screen, count > 0 ? ", of which %lld people were told:\n" : ".\n",
           (long long)fa_member_int(past, "told"));
    put_examples(screen, past, "raised", now);
    put_hides_nothing(screen, preview);
}

void fa_render_silence_set(struct fa_screen *screen, const json_t *silence)
{
    char when[FA_WHEN_SIZE];
    fa_say(screen, "Silenced until %s. To end it before: firealarm silence end ",
           fa_when_show(text_of(silence, "end"), when));
    fa_put(screen, FA_BOLD, text_of(silence, "id"));
    fa_say(screen, "\n");
    put_hides_nothing(screen, silence);
}

void fa_render_silences(struct fa_screen *screen, const json_t *answer)
{
    struct fa_table table = {.titles = {"ID", "STATE", "HIDES", "UNTIL", "BY", "WHAT", "WHY"},
                             .columns = 7};
    const json_t *silence;
    size_t i;
    char number[32], when[FA_WHEN_SIZE];
    json_array_foreach(json_object_get(answer, "silences"), i, silence)
    {
        bool waits = strcmp(text_of(silence, "state"), "waiting") == 0;
        struct fa_buf where;
        fa_buf_init(&where, 4096);
        put_where(&where, silence);
        snprintf(number, sizeof number, "%lld", (long long)fa_member_int(silence, "hides"));
        fa_table_add(&table, FA_BOLD, text_of(silence, "id"));
        fa_table_add(&table, waits ? FA_DIM : FA_PLAIN, text_of(silence, "state"));
        fa_table_add(&table, FA_PLAIN, number);
        fa_table_add(&table, FA_PLAIN, fa_when_show(text_of(silence, "end"), when));
        fa_table_add(&table, FA_PLAIN, text_of(silence, "display"));
        fa_table_add(&table, FA_PLAIN, fa_buf_text(&where));
        fa_table_add(&table, FA_PLAIN, text_of(silence, "reason"));
        fa_buf_done(&where);
    }
    if (table.count == 0) {
        fa_say(screen, "Nothing is silenced.\n");
    } else {
        fa_table_print(screen, &table);
    }
    fa_table_done(&table);
}

/* Those of one inhibition stand together: why and by whose word is said once, behind them. */
static bool is_alike(const json_t *alarm, const json_t *next)
{
    return strcmp(text_of(alarm, "reason"), text_of(next, "reason")) == 0 &&
           strcmp(text_of(alarm, "owner"), text_of(next, "owner")) == 0;
}

static void put_inhibitors(struct fa_buf *buf, const json_t *hidden)
{
    const json_t *list = json_object_get(hidden, "alarms"), *alarm;
    size_t i;
    bool silenced = buf->len > 0;
    json_array_foreach(list, i, alarm)
    {
        fa_buf_printf(buf, "%s%s (%s)",
                      i > 0      ? ", "
                      : silenced ? "; and by "
                                 : "by the alarm ",
                      text_of(alarm, "rule"), text_of(alarm, "id"));
        if (fa_member_text(alarm, "reason") != NULL &&
            !is_alike(alarm, json_array_get(list, i + 1))) {
            fa_buf_printf(buf, ": %s (%s)", text_of(alarm, "reason"), text_of(alarm, "display"));
        }
    }
    if (buf->len == 0) {
        fa_buf_puts(buf, "by another alarm that explains it");
    }
}

bool fa_render_hidden(const json_t *alarm, struct fa_buf *buf)
{
    const json_t *hidden = json_object_get(alarm, "hidden");
    const json_t *silence = json_object_get(hidden, "silence");
    char when[FA_WHEN_SIZE];
    if (!json_is_object(hidden)) {
        return false;
    }
    if (json_is_object(silence)) {
        fa_buf_printf(buf, "silenced by %s until %s: %s", text_of(silence, "display"),
                      fa_when_show(text_of(silence, "end"), when), text_of(silence, "reason"));
        if (fa_member_text(silence, "window") != NULL) {
            fa_buf_printf(buf, " (maintenance window %s)", text_of(silence, "window"));
        }
    }
    if (json_array_size(json_object_get(hidden, "alarms")) > 0 || buf->len == 0) {
        put_inhibitors(buf, hidden);
    }
    return true;
}

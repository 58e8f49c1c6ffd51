/* SPDX-License-Identifier: MIT */
/* Fields are laid into one text buffer of fixed limit first and pointed to last, so that growing it
 * moves nothing under a slice. */
#include "alarms/describe.h"
#include "alarms/weekly.h"
#include "metrics/labels.h"
#include "text/reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEXTS_MAX ((size_t)128 * 1024)

const char *const fa_describe_names[] = {
    "value", "since",    "raised", "rule",        "severity", "category",
    "kind",  "customer", "filing", "at_customer", "filings",  NULL,
};

/* While filling, a field's value.ptr is an offset into texts. */
static void add(struct fa_describe *d, const char *name, struct fa_str value)
{
    if (d->count < sizeof d->fields / sizeof d->fields[0]) {
        size_t at = d->texts.len;
        fa_buf_putstr(&d->texts, value);
        fa_buf_putc(&d->texts, '\0');
        d->fields[d->count++] = (struct fa_template_field){
            name, {(const char *)(uintptr_t)at, d->texts.over ? 0 : value.len}};
    }
}

static void add_label(struct fa_describe *d, struct fa_str name, struct fa_str value)
{
    size_t at = d->texts.len;
    fa_buf_putstr(&d->texts, name);
    fa_buf_putc(&d->texts, '\0');
    add(d, (const char *)(uintptr_t)at, value);
}

static void add_time(struct fa_describe *d, const char *name, fa_time wall)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)wall);
    add(d, name, fa_str_of(text));
}

static const struct fa_incident *newest_filing(const struct fa_engine *engine,
                                               const struct fa_alarm *alarm)
{
    return alarm->people->incident_count == 0
               ? NULL
               : fa_engine_incident(engine,
                                    alarm->people->incidents[alarm->people->incident_count - 1]);
}

/* The beginning of the filing, cut at a word: a summary is one paragraph. */
static struct fa_str first_words(struct fa_str text)
{
    size_t len = fa_utf8_cut(text, 280);
    if (len < text.len) {
        size_t blank = len;
        while (blank > 200 && text.ptr[blank] != ' ') {
            blank--;
        }
        len = blank > 200 ? blank : len;
    }
    return (struct fa_str){text.ptr, len};
}

static void add_filing(struct fa_describe *d, const struct fa_engine *engine,
                       const struct fa_alarm *alarm)
{
    const struct fa_incident *filing = newest_filing(engine, alarm);
    const struct fa_category *category =
        fa_setup_category(fa_engine_setup(engine), alarm->texts->category);
    char count[16];
    add(d, "kind", fa_str_of(category != NULL ? category->title : alarm->texts->category));
    if (alarm->people->incident_count == 0) {
        return;
    }
    snprintf(count, sizeof count, "%zu", alarm->people->incident_count);
    add(d, "filings", fa_str_of(count));
    const char *customer = filing != NULL ? filing->customer : NULL;
    char at[300] = "";
    if (customer != NULL) {
        snprintf(at, sizeof at, " at %s", customer);
    }
    add(d, "customer", fa_str_of(customer));
    add(d, "at_customer", fa_str_of(at));
    add(d, "filing", filing != NULL ? first_words(fa_str_of(filing->text)) : FA_STR("(closed)"));
}

/* Text that rules/ wrote; an unreadable one has no fields and still its summary. */
static void add_labels(struct fa_describe *d, const char *text)
{
    struct fa_labels *labels = NULL;
    if (fa_labels_parse(fa_str_of(text), &labels) == 0) {
        for (size_t i = 0; i < labels->count; i++) {
            add_label(d, labels->items[i].name, labels->items[i].value);
        }
        fa_labels_free(labels);
    }
}

void fa_describe_init(struct fa_describe *d, const struct fa_engine *engine,
                      const struct fa_alarm *alarm, double value)
{
    char number[32];
    d->count = 0;
    d->zone = NULL;
    d->flaps = 0;
    fa_buf_init(&d->texts, TEXTS_MAX);
    add_labels(d, fa_alarm_labels(alarm));
    size_t labels_to = d->count;
    if (!isnan(value)) {
        add(d, "value", fa_str_of(fa_format_double(value, number)));
    }
    add_time(d, "since", alarm->since);
    add_time(d, "raised", alarm->raised);
    add(d, "rule", fa_str_of(alarm->texts->rule));
    add(d, "severity", fa_str_of(alarm->texts->severity));
    add(d, "category", fa_str_of(alarm->texts->category));
    add_filing(d, engine, alarm);
    size_t details_from = d->count;
    add_labels(d, alarm->source != NULL ? alarm->source->details : "");
    const char *base = fa_buf_text(&d->texts);
    for (size_t i = 0; i < d->count; i++) {
        d->fields[i].value.ptr = base + (uintptr_t)d->fields[i].value.ptr;
        if (i < labels_to || i >= details_from) {
            d->fields[i].name = base + (uintptr_t)d->fields[i].name;
        }
    }
}

void fa_describe_done(struct fa_describe *d)
{
    fa_buf_done(&d->texts);
}

void fa_describe_zone_at(const void *zone, fa_time wall, struct fa_reader_zone *ret_zone)
{
    const struct fa_zone_shift *shift = zone != NULL ? fa_zone_at(zone, wall) : NULL;
    *ret_zone = shift != NULL ? (struct fa_reader_zone){shift->offset_s, shift->abbr}
                              : (struct fa_reader_zone){0, "UTC"};
}

static void render(const struct fa_describe *d, const char *source, fa_time now, struct fa_buf *out)
{
    struct fa_template *tpl = NULL;
    struct fa_err err;
    struct fa_template_input input = {
        .fields = d->fields,
        .field_count = d->count,
        .escape = FA_ESCAPE_PLAIN,
        .now = now,
        .zone_at = fa_describe_zone_at,
        .zone = d->zone,
    };
    if (fa_template_compile(fa_str_of(source), &tpl, &err) != 0) {
        /* A template that was proved once; an alarm must be told even so. */
        fa_buf_puts(out, source);
        return;
    }
    /* What did not fit is cut: the beginning says it. */
    (void)!fa_template_render(tpl, &input, out);
    fa_template_free(tpl);
}

/* Whoever was told hears how it went. */
static void put_drill_over(const struct fa_alarm *alarm, struct fa_buf *out)
{
    char length[40];
    fa_buf_printf(out, "DRILL of the policy %s is over: ", alarm->texts->policy);
    if (alarm->people->owner != NULL) {
        fa_buf_printf(out, "%s answered after %s", alarm->people->owner,
                      fa_format_duration(alarm->people->owned - alarm->raised, length));
    } else {
        fa_buf_puts(out, "nobody answered in time");
    }
}

void fa_describe_summary(const struct fa_describe *d, const struct fa_alarm *alarm, fa_time now,
                         struct fa_buf *out)
{
    if ((alarm->flags & FA_FLAG_DRILL) != 0 && alarm->state == FA_ALARM_RESOLVED) {
        put_drill_over(alarm, out);
    } else if (alarm->texts->summary[0] != '\0') {
        render(d, alarm->texts->summary, now, out);
    } else {
        fa_buf_printf(out, "%s%s%s", alarm->texts->rule,
                      fa_alarm_labels(alarm)[0] != '\0' ? " " : "", fa_alarm_labels(alarm));
    }
    if (d->flaps > 0) {
        fa_buf_printf(out, " (flapping: %u times in the last hour)", d->flaps);
    }
}

void fa_describe_title_of(struct fa_str summary, struct fa_buf *out)
{
    struct fa_str line = summary;
    const char *end = memchr(line.ptr, '\n', line.len);
    line.len = end != NULL ? (size_t)(end - line.ptr) : line.len;
    size_t len = fa_utf8_cut(line, 120);
    fa_buf_put(out, line.ptr, len);
    if (len < line.len) {
        fa_buf_puts(out, "…");
    }
}

void fa_describe_title(const struct fa_describe *d, const struct fa_alarm *alarm, fa_time now,
                       struct fa_buf *out)
{
    struct fa_buf text;
    fa_buf_init(&text, 4096);
    fa_describe_summary(d, alarm, now, &text);
    fa_describe_title_of(fa_buf_str(&text), out);
    fa_buf_done(&text);
}

void fa_describe_help(const struct fa_engine *engine, const struct fa_incident *incident,
                      struct fa_buf *out)
{
    const struct fa_category *category =
        fa_setup_category(fa_engine_setup(engine), incident->category);
    fa_buf_printf(out, "A colleague asks for help: %s%s%s",
                  category != NULL ? category->title : incident->category,
                  incident->customer != NULL ? " at " : "",
                  incident->customer != NULL ? incident->customer : "");
}

static const char *display_of(const struct fa_engine *engine, const char *name)
{
    const struct fa_directory *dir = fa_engine_setup(engine)->people;
    fa_person person = fa_directory_find(dir, fa_str_of(name));
    return person != FA_NOBODY && dir->people[person].display != NULL ? dir->people[person].display
                                                                      : name;
}

void fa_describe_silence(const struct fa_engine *engine, const struct fa_silence *silence,
                         const struct fa_notification *n, struct fa_buf *out)
{
    char until[FA_READER_TIME_SIZE];
    struct fa_reader_zone zone;
    const char *owner = display_of(engine, silence->owner);
    fa_describe_zone_at(fa_directory_zone_of(fa_engine_setup(engine)->people, n->person),
                        silence->end, &zone);
    struct fa_buf where;
    fa_buf_init(&where, 4096); /* what is beyond that is cut */
    fa_matchers_format(&silence->where, &where);
    if (n->kind == FA_NOTE_SILENCE_OVER) {
        fa_buf_printf(out, "No longer silenced: %s (%s: %s)", fa_buf_text(&where), owner,
                      silence->reason);
        if (silence->ended != NULL) {
            fa_buf_printf(out, ", ended by %s", display_of(engine, silence->ended));
        }
        fa_buf_puts(out, ". What still holds climbs on from now.");
    } else {
        fa_buf_printf(out, "%s silenced %s until %s: %s", owner, fa_buf_text(&where),
                      fa_reader_time(silence->end, n->created, &zone, until), silence->reason);
    }
    fa_buf_done(&where);
}

void fa_describe_week(const struct fa_engine *engine, const char *reader, fa_time until,
                      struct fa_buf *out)
{
    const struct fa_zone *zone = fa_directory_zone_of(fa_engine_setup(engine)->people, reader);
    char from[FA_READER_TIME_SIZE], to[FA_READER_TIME_SIZE];
    struct fa_reader_zone there;
    fa_describe_zone_at(zone, until - FA_WEEK, &there);
    fa_reader_time(until - FA_WEEK, 0, &there, from);
    fa_describe_zone_at(zone, until, &there);
    fa_buf_printf(out, "Your week from %s to %s", from, fa_reader_time(until, 0, &there, to));
}

static void describe_weekly(const struct fa_engine *engine, const struct fa_notification *n,
                            struct fa_buf *out)
{
    fa_person reader = fa_directory_find(fa_engine_setup(engine)->people, fa_str_of(n->person));
    fa_describe_week(engine, n->person, n->created, out);
    fa_buf_puts(out, "\n\n");
    if (reader != FA_NOBODY) {
        (void)fa_weekly_compose(engine, reader, n->created, n->created, out);
    }
}

void fa_describe_message(const struct fa_engine *engine, const struct fa_notification *n,
                         struct fa_buf *out)
{
    const struct fa_alarm *alarm = fa_engine_alarm(engine, n->alarm);
    const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
    const struct fa_silence *silence = fa_engine_silence(engine, n->silence);
    struct fa_describe describe;
    if (n->kind == FA_NOTE_TEST) {
        fa_buf_puts(out, "This is a test. Nothing has happened, nothing is to be done.");
    } else if (n->kind == FA_NOTE_WEEKLY) {
        describe_weekly(engine, n, out);
    } else if (alarm != NULL) {
        fa_describe_init(&describe, engine, alarm, n->value);
        describe.zone = fa_directory_zone_of(fa_engine_setup(engine)->people, n->person);
        describe.flaps = n->flaps;
        fa_describe_summary(&describe, alarm, n->created, out);
        fa_describe_done(&describe);
    } else if (incident != NULL) {
        fa_describe_help(engine, incident, out);
    } else if (silence != NULL) {
        fa_describe_silence(engine, silence, n, out);
    }
}

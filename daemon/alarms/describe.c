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

static void put_at_customer(const struct fa_language *language, const char *customer,
                            struct fa_buf *out)
{
    if (customer != NULL) {
        fa_phrase_put(out, language, FA_PHRASE_AT_CUSTOMER, FA_VALUES(customer));
    }
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
    struct fa_buf at;
    fa_buf_init(&at, 1024);
    put_at_customer(d->reader.language, customer, &at);
    add(d, "customer", fa_str_of(customer));
    add(d, "at_customer", fa_buf_str(&at));
    add(d, "filing",
        filing != NULL ? first_words(fa_str_of(filing->text))
                       : fa_str_of(fa_phrase_text(d->reader.language, FA_PHRASE_FILING_CLOSED)));
    fa_buf_done(&at);
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
                      const struct fa_alarm *alarm, double value, struct fa_reader reader)
{
    char number[32];
    const struct fa_drill *drill =
        (alarm->flags & FA_FLAG_DRILL) != 0 ? fa_engine_drill(engine, alarm->texts->policy) : NULL;
    d->count = 0;
    d->reader = reader;
    d->drilled_by = drill != NULL && fa_id_eq(drill->alarm.id, alarm->id.id) ? drill->by : NULL;
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

struct fa_reader fa_describe_reader(const struct fa_engine *engine, const char *person)
{
    const struct fa_setup *setup = fa_engine_setup(engine);
    fa_person at = person != NULL ? fa_directory_find(setup->people, fa_str_of(person)) : FA_NOBODY;
    const char *language = at != FA_NOBODY ? setup->people->people[at].language : NULL;
    return (struct fa_reader){
        fa_directory_zone_of(setup->people, person),
        language != NULL
            ? fa_language_find(setup->languages, setup->language_count, fa_str_of(language))
            : NULL};
}

struct fa_reader fa_describe_reader_of(const struct fa_engine *engine,
                                       const struct fa_notification *n)
{
    const struct fa_channel_entry *channel =
        fa_directory_channel(fa_engine_setup(engine)->people, n->channel);
    struct fa_reader reader = fa_describe_reader(engine, n->person);
    if (channel != NULL && channel->machine) {
        reader.language = NULL;
    }
    return reader;
}

const char *fa_describe_time(struct fa_reader reader, fa_time wall, fa_time now,
                             char buf[FA_READER_TIME_SIZE])
{
    struct fa_reader_zone zone;
    fa_describe_zone_at(reader.zone, wall, &zone);
    return fa_reader_time(reader.language, wall, now, &zone, buf);
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
        .zone = d->reader.zone,
        .language = d->reader.language,
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
static void put_drill_over(const struct fa_language *language, const struct fa_alarm *alarm,
                           struct fa_buf *out)
{
    char length[40];
    if (alarm->people->owner != NULL) {
        fa_format_duration(alarm->people->owned - alarm->raised, length);
        fa_phrase_put(out, language, FA_PHRASE_DRILL_ANSWERED,
                      FA_VALUES(alarm->texts->policy, alarm->people->owner, length));
    } else {
        fa_phrase_put(out, language, FA_PHRASE_DRILL_UNANSWERED, FA_VALUES(alarm->texts->policy));
    }
}

void fa_describe_summary(const struct fa_describe *d, const struct fa_alarm *alarm, fa_time now,
                         struct fa_buf *out)
{
    const struct fa_language *language = d->reader.language;
    if ((alarm->flags & FA_FLAG_DRILL) != 0 && alarm->state == FA_ALARM_RESOLVED) {
        put_drill_over(language, alarm, out);
    } else if (language != NULL && d->drilled_by != NULL) {
        fa_phrase_put(out, language, FA_PHRASE_DRILL_CALL,
                      FA_VALUES(alarm->texts->policy, d->drilled_by));
    } else if (alarm->texts->summary[0] != '\0') {
        render(d, alarm->texts->summary, now, out);
    } else {
        fa_buf_printf(out, "%s%s%s", alarm->texts->rule,
                      fa_alarm_labels(alarm)[0] != '\0' ? " " : "", fa_alarm_labels(alarm));
    }
    if (d->flaps > 0) {
        char count[16];
        snprintf(count, sizeof count, "%u", d->flaps);
        fa_buf_putc(out, ' ');
        fa_phrase_put(out, language, FA_PHRASE_FLAPPING, FA_VALUES(count));
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
                      const struct fa_language *language, struct fa_buf *out)
{
    const struct fa_category *category =
        fa_setup_category(fa_engine_setup(engine), incident->category);
    struct fa_buf at;
    fa_buf_init(&at, 1024);
    put_at_customer(language, incident->customer, &at);
    fa_phrase_put(
        out, language, FA_PHRASE_HELP_ASKED,
        FA_VALUES(category != NULL ? category->title : incident->category, fa_buf_text(&at)));
    fa_buf_done(&at);
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
    struct fa_reader reader = fa_describe_reader_of(engine, n);
    const char *owner = display_of(engine, silence->owner);
    struct fa_buf where;
    fa_buf_init(&where, 4096); /* what is beyond that is cut */
    fa_matchers_format(&silence->where, &where);
    const char *alarms = fa_buf_text(&where);
    if (n->kind != FA_NOTE_SILENCE_OVER) {
        char until[FA_READER_TIME_SIZE];
        fa_describe_time(reader, silence->end, n->created, until);
        fa_phrase_put(out, reader.language, FA_PHRASE_SILENCED,
                      FA_VALUES(owner, alarms, until, silence->reason));
    } else if (silence->ended != NULL) {
        fa_phrase_put(
            out, reader.language, FA_PHRASE_UNSILENCED_BY,
            FA_VALUES(alarms, owner, silence->reason, display_of(engine, silence->ended)));
    } else {
        fa_phrase_put(out, reader.language, FA_PHRASE_UNSILENCED,
                      FA_VALUES(alarms, owner, silence->reason));
    }
    fa_buf_done(&where);
}

void fa_describe_week(struct fa_reader reader, fa_time until, struct fa_buf *out)
{
    char from[FA_READER_TIME_SIZE], to[FA_READER_TIME_SIZE];
    fa_describe_time(reader, until - FA_WEEK, 0, from);
    fa_describe_time(reader, until, 0, to);
    fa_phrase_put(out, reader.language, FA_PHRASE_WEEK, FA_VALUES(from, to));
}

static void describe_weekly(const struct fa_engine *engine, const struct fa_notification *n,
                            struct fa_buf *out)
{
    struct fa_weekly_ask ask = {
        .reader = fa_directory_find(fa_engine_setup(engine)->people, fa_str_of(n->person)),
        .as = fa_describe_reader_of(engine, n),
        .until = n->created,
        .now = n->created,
    };
    fa_describe_week(ask.as, n->created, out);
    fa_buf_puts(out, "\n\n");
    if (ask.reader != FA_NOBODY) {
        (void)fa_weekly_compose(engine, &ask, out);
    }
}

void fa_describe_message(const struct fa_engine *engine, const struct fa_notification *n,
                         struct fa_buf *out)
{
    const struct fa_alarm *alarm = fa_engine_alarm(engine, n->alarm);
    const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
    const struct fa_silence *silence = fa_engine_silence(engine, n->silence);
    struct fa_reader reader = fa_describe_reader_of(engine, n);
    struct fa_describe describe;
    if (n->kind == FA_NOTE_TEST) {
        fa_phrase_put(out, reader.language, FA_PHRASE_TEST_SUMMARY, NULL);
    } else if (n->kind == FA_NOTE_WEEKLY) {
        describe_weekly(engine, n, out);
    } else if (alarm != NULL) {
        fa_describe_init(&describe, engine, alarm, n->value, reader);
        describe.flaps = n->flaps;
        fa_describe_summary(&describe, alarm, n->created, out);
        fa_describe_done(&describe);
    } else if (incident != NULL) {
        fa_describe_help(engine, incident, reader.language, out);
    } else if (silence != NULL) {
        fa_describe_silence(engine, silence, n, out);
    }
}

/* SPDX-License-Identifier: MIT */
/* iCalendar (RFC 5545) as stretches of UTC.
 *
 * Every event is worked with as clocks show it ("local", as if it were UTC) and converted at the
 * very end, each time by itself (people/span.h): with a zone set, libical's recurrences come out an
 * hour late on the day after a gap. An event lasts as long as the clocks say, so that a watch of
 * twelve hours hands over at eight in the night of a shift, too.
 *
 * What cannot be meant or cannot be read is refused, never left out: a rule that was dropped would
 * be a rota with holes. Alarms, to-dos, free or busy and who accepted are not looked at. */
#include "calendar/child/ical.h"
#include "base/panic.h"
#include "base/texts.h"
#include "calendar/child/zones.h"

#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MARGIN      (2 * FA_DAY) /* no local time is further from UTC */
#define NAME_MAX    200u
#define ZONES_MAX   64u
#define ZONE_BEFORE (400 * FA_DAY)

/* A moment as it is written. */
struct moment {
    fa_time local;
    bool is_date;
    const struct fa_zone *zone;
};

/* An occurrence that has an event of its own. */
struct changed {
    const char *uid; /* borrowed from the tree */
    fa_time at;      /* the occurrence's, in UTC */
};

struct reading {
    const struct fa_calendar_ask *ask;
    struct fa_calendar_answer *answer;
    icalcomponent *root;
    struct fa_zone *zones[ZONES_MAX]; /* by TZID */
    size_t zone_count;
    struct changed *changed;
    size_t changed_count, changed_cap;
    icalcomponent *event; /* for errors */
    struct fa_err *err;
};

/* One event, as far as it can be told without its recurrences. */
struct entry {
    icalcomponent *at;
    const char *uid;
    struct moment start;
    fa_time length;         /* by the clocks */
    struct moment *excepts; /* owned: EXDATE */
    size_t except_count, except_cap;
};

static struct fa_zone_shift utc_shift = {.abbr = "UTC"};
static const struct fa_zone utc = {.shifts = &utc_shift, .count = 1};

/* ---- errors ---- */

static int refuse(const struct reading *r, int code, const char *fmt, ...) FA_PRINTF(3, 4);

static int refuse(const struct reading *r, int code, const char *fmt, ...)
{
    char text[400], name[100] = "";
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (r->event != NULL) {
        const char *summary = icalcomponent_get_summary(r->event);
        const char *uid = icalcomponent_get_uid(r->event);
        snprintf(name, sizeof name, "event '%.80s': ",
                 summary != NULL ? summary : (uid != NULL ? uid : "without a name"));
    }
    return fa_err_set(r->err, code, "%s%s", name, text);
}

/* libical drops what it cannot read and leaves a note. Only what is read here matters: an empty
 * DESCRIPTION is a note, too. */
static int refuse_notes(const struct reading *r, icalcomponent *at)
{
    static const char *const matter[] = {"DTSTART", "DTEND",    "DURATION",      "RRULE",
                                         "RDATE",   "EXDATE",   "UID",           "SUMMARY",
                                         "TZID",    "TZOFFSET", "RECURRENCE-ID", "EXRULE"};
    for (icalproperty *note = icalcomponent_get_first_property(at, ICAL_XLICERROR_PROPERTY);
         note != NULL; note = icalcomponent_get_next_property(at, ICAL_XLICERROR_PROPERTY)) {
        const char *text = icalproperty_get_xlicerror(note);
        for (size_t i = 0; text != NULL && i < sizeof matter / sizeof matter[0]; i++) {
            if (strstr(text, matter[i]) != NULL) {
                return refuse(r, FA_EPARSE, "%.200s", text);
            }
        }
    }
    return 0;
}

/* ---- zones ---- */

static struct fa_zone_shift look_embedded(void *ctx, fa_time wall)
{
    struct fa_zone_shift shift = {0};
    int is_daylight = 0;
    struct icaltimetype at = icaltime_from_timet_with_zone((time_t)(wall / FA_SECOND), 0,
                                                           icaltimezone_get_utc_timezone());
    shift.offset_s = icaltimezone_get_utc_offset_of_utc_time(ctx, &at, &is_daylight);
    return shift;
}

static int check_rule(const struct reading *r, const struct icalrecurrencetype *rule);

/* The standard and daylight parts of an embedded zone. */
static int check_embedded(struct reading *r, icalcomponent *zone)
{
    int rc = refuse_notes(r, zone);
    for (icalcomponent *part = icalcomponent_get_first_component(zone, ICAL_ANY_COMPONENT);
         part != NULL && rc == 0;
         part = icalcomponent_get_next_component(zone, ICAL_ANY_COMPONENT)) {
        rc = refuse_notes(r, part);
        for (icalproperty *rule = icalcomponent_get_first_property(part, ICAL_RRULE_PROPERTY);
             rule != NULL && rc == 0;
             rule = icalcomponent_get_next_property(part, ICAL_RRULE_PROPERTY)) {
            struct icalrecurrencetype recur = icalproperty_get_rrule(rule);
            rc = check_rule(r, &recur);
        }
    }
    return rc;
}

static icalcomponent *find_embedded(const struct reading *r, const char *tzid)
{
    icalcomponent *calendar = icalcomponent_get_parent(r->event);
    for (icalcomponent *zone =
             icalcomponent_get_first_component(calendar, ICAL_VTIMEZONE_COMPONENT);
         zone != NULL;
         zone = icalcomponent_get_next_component(calendar, ICAL_VTIMEZONE_COMPONENT)) {
        icalproperty *name = icalcomponent_get_first_property(zone, ICAL_TZID_PROPERTY);
        if (name != NULL && strcmp(icalproperty_get_tzid(name), tzid) == 0) {
            return zone;
        }
    }
    return NULL;
}

static int load_embedded(struct reading *r, const char *tzid, icalcomponent *definition,
                         struct fa_zone *ret_zone)
{
    int rc = check_embedded(r, definition);
    if (rc != 0) {
        return rc;
    }
    icaltimezone *zone = icaltimezone_new();
    icalcomponent *copy = icalcomponent_new_clone(definition);
    if (icaltimezone_set_component(zone, copy) == 0) {
        icalcomponent_free(copy);
        rc = refuse(r, FA_EPARSE, "the VTIMEZONE '%.100s' cannot be read", tzid);
    } else if (fa_zones_scan(tzid, r->ask->from - ZONE_BEFORE, r->ask->until + MARGIN,
                             look_embedded, zone, ret_zone) != 0) {
        rc = refuse(r, FA_ETOOBIG, "the VTIMEZONE '%.100s' shifts too often", tzid);
    }
    icaltimezone_free(zone, 1);
    return rc;
}

/* The system's zone of that name if there is one, as the definitions in files grow old; else the
 * file's own. NULL after an error. */
static const struct fa_zone *find_zone(struct reading *r, const char *tzid)
{
    struct fa_err err;
    if (strcmp(r->answer->zone.name, tzid) == 0) {
        return &r->answer->zone;
    }
    for (size_t i = 0; i < r->zone_count; i++) {
        if (strcmp(r->zones[i]->name, tzid) == 0) {
            return r->zones[i];
        }
    }
    if (r->zone_count == ZONES_MAX) {
        (void)refuse(r, FA_ETOOBIG, "more than %u time zones in one calendar", ZONES_MAX);
        return NULL;
    }
    struct fa_zone zone = {0};
    icalcomponent *embedded = find_embedded(r, tzid);
    int rc = fa_zones_load(tzid, r->ask->from - ZONE_BEFORE, r->ask->until + MARGIN, &zone, &err);
    if (rc != 0 && embedded != NULL) {
        rc = load_embedded(r, tzid, embedded, &zone);
    } else if (rc != 0) {
        rc = refuse(r, rc, "%s, and no VTIMEZONE here says what it is", err.text);
    }
    if (rc != 0) {
        return NULL;
    }
    r->zones[r->zone_count] = fa_xmalloc(sizeof zone);
    *r->zones[r->zone_count] = zone;
    return r->zones[r->zone_count++];
}

/* ---- moments ---- */

static fa_time instant(const struct moment *moment)
{
    return fa_zone_instant(moment->zone, moment->local, false);
}

/* What clocks in `zone` show then. */
static fa_time local_in(const struct moment *moment, const struct fa_zone *zone)
{
    return moment->zone == zone || moment->is_date ? moment->local
                                                   : fa_zone_local(zone, instant(moment));
}

static int take_moment(struct reading *r, icalproperty *property, struct icaltimetype time,
                       struct moment *ret)
{
    icalparameter *tzid = icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);
    const char *what = icalproperty_get_property_name(property);
    if (icaltime_is_null_time(time) || !icaltime_is_valid_time(time) || time.year < 1900 ||
        time.year > 2500) {
        return refuse(r, FA_EPARSE, "%s is no time between the years 1900 and 2500", what);
    }
    bool is_utc = !time.is_date && icaltime_is_utc(time);
    ret->is_date = time.is_date;
    ret->zone = is_utc ? &utc : &r->answer->zone;
    if (!is_utc && !time.is_date && tzid != NULL) {
        ret->zone = find_zone(r, icalparameter_get_tzid(tzid));
    }
    time.zone = NULL;
    ret->local = (fa_time)icaltime_as_timet(time) * FA_SECOND;
    return ret->zone != NULL ? 0 : r->err->code;
}

static struct icaltimetype as_icaltime(fa_time local, bool is_date)
{
    struct icaltimetype time =
        icaltime_from_timet_with_zone((time_t)(local / FA_SECOND), is_date, NULL);
    time.zone = NULL;
    return time;
}

static int take_end(struct reading *r, icalcomponent *at, struct entry *entry)
{
    icalproperty *end = icalcomponent_get_first_property(at, ICAL_DTEND_PROPERTY);
    icalproperty *lasts = icalcomponent_get_first_property(at, ICAL_DURATION_PROPERTY);
    if (end != NULL) {
        struct moment moment;
        int rc = take_moment(r, end, icalproperty_get_dtend(end), &moment);
        if (rc == 0 && moment.is_date != entry->start.is_date) {
            rc =
                refuse(r, FA_EPARSE, "one of DTSTART and DTEND has a time of day and one has none");
        }
        if (rc != 0) {
            return rc;
        }
        entry->length = local_in(&moment, entry->start.zone) - entry->start.local;
    } else if (lasts != NULL) {
        entry->length = icaldurationtype_as_int(icalproperty_get_duration(lasts)) * FA_SECOND;
    } else {
        entry->length = entry->start.is_date ? FA_DAY : 0;
    }
    return entry->length >= 0 ? 0 : refuse(r, FA_EINVAL, "it ends before it begins");
}

static int take_entry(struct reading *r, icalcomponent *at, struct entry *entry)
{
    icalproperty *start = icalcomponent_get_first_property(at, ICAL_DTSTART_PROPERTY);
    *entry = (struct entry){.at = at, .uid = icalcomponent_get_uid(at)};
    int rc = refuse_notes(r, at);
    if (rc == 0 && start == NULL) {
        rc = refuse(r, FA_EPARSE, "it has no DTSTART");
    }
    if (rc == 0) {
        rc = take_moment(r, start, icalproperty_get_dtstart(start), &entry->start);
    }
    return rc == 0 ? take_end(r, at, entry) : rc;
}

/* ---- what comes of it ---- */

static char *clean(const char *text, size_t max)
{
    struct fa_str str = fa_str_trim(fa_str_of(text));
    char *copy = fa_xstrndup(str.len > 0 ? str.ptr : "", fa_utf8_cut(str, max));
    for (char *c = copy; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
    }
    return copy;
}

static bool is_person(icalproperty *attendee)
{
    icalparameter *type = icalproperty_get_first_parameter(attendee, ICAL_CUTYPE_PARAMETER);
    icalparameter_cutype cutype = type != NULL ? icalparameter_get_cutype(type) : ICAL_CUTYPE_NONE;
    return cutype != ICAL_CUTYPE_ROOM && cutype != ICAL_CUTYPE_RESOURCE;
}

static void add_names(const struct entry *entry, struct fa_calendar_event *event)
{
    const char *summary = icalcomponent_get_summary(entry->at);
    event->summary = summary != NULL ? clean(summary, NAME_MAX) : NULL;
    for (icalproperty *who = icalcomponent_get_first_property(entry->at, ICAL_ATTENDEE_PROPERTY);
         who != NULL && event->attendee_count < 64;
         who = icalcomponent_get_next_property(entry->at, ICAL_ATTENDEE_PROPERTY)) {
        const char *address = icalproperty_get_attendee(who);
        if (address == NULL || !is_person(who)) {
            continue;
        }
        address += strncasecmp(address, "mailto:", 7) == 0 ? 7 : 0;
        char *mail = clean(address, NAME_MAX);
        fa_texts_add(&event->attendees, &event->attendee_count, fa_str_of(mail));
        free(mail);
    }
}

/* The occurrence that begins at `local` by its zone's clocks. */
static int emit(struct reading *r, const struct entry *entry, fa_time local, bool is_special)
{
    struct fa_calendar_answer *answer = r->answer;
    struct fa_span span = {fa_zone_instant(entry->start.zone, local, false),
                           fa_zone_instant(entry->start.zone, local + entry->length, true)};
    span.from = span.from > r->ask->from ? span.from : r->ask->from;
    span.until = span.until < r->ask->until ? span.until : r->ask->until;
    if (entry->length == 0 || span.from >= span.until) {
        return 0;
    }
    if (answer->event_count == FA_CALENDAR_EVENTS_MAX) {
        return refuse(r, FA_ETOOBIG, "more than %u events between then and now: split the calendar",
                      FA_CALENDAR_EVENTS_MAX);
    }
    answer->events =
        fa_xgrow(answer->events, answer->event_count, &answer->event_cap, sizeof *answer->events);
    struct fa_calendar_event *event = &answer->events[answer->event_count++];
    *event = (struct fa_calendar_event){.span = span, .is_special = is_special};
    add_names(entry, event);
    return 0;
}

/* ---- recurrences ---- */

static int check_rule(const struct reading *r, const struct icalrecurrencetype *rule)
{
    if (rule->freq < ICAL_DAILY_RECURRENCE || rule->freq > ICAL_YEARLY_RECURRENCE) {
        return refuse(r, FA_EUNSUPPORTED,
                      "an RRULE repeats DAILY, WEEKLY, MONTHLY or YEARLY, not more often: write "
                      "one event for each time of day");
    }
    if (rule->by_hour[0] != ICAL_RECURRENCE_ARRAY_MAX ||
        rule->by_minute[0] != ICAL_RECURRENCE_ARRAY_MAX ||
        rule->by_second[0] != ICAL_RECURRENCE_ARRAY_MAX) {
        return refuse(r, FA_EUNSUPPORTED,
                      "BYHOUR, BYMINUTE and BYSECOND are not read: write one event for each time "
                      "of day");
    }
    if (rule->rscale != NULL && strcasecmp(rule->rscale, "GREGORIAN") != 0) {
        return refuse(r, FA_EUNSUPPORTED, "RSCALE=%.20s: only GREGORIAN is read", rule->rscale);
    }
    return 0;
}

/* Has the occurrence an event of its own, or was it taken out? */
static bool is_taken_out(const struct reading *r, const struct entry *entry, fa_time local)
{
    fa_time at = fa_zone_instant(entry->start.zone, local, false);
    bool is_out = false;
    for (size_t i = 0; i < r->changed_count && !is_out; i++) {
        is_out = r->changed[i].at == at && entry->uid != NULL &&
                 strcmp(r->changed[i].uid, entry->uid) == 0;
    }
    for (size_t i = 0; i < entry->except_count && !is_out; i++) {
        const struct moment *except = &entry->excepts[i];
        bool same_day = except->is_date && except->local == local - local % FA_DAY;
        is_out = same_day || (!except->is_date && instant(except) == at);
    }
    return is_out;
}

static int emit_occurrence(struct reading *r, const struct entry *entry, fa_time local)
{
    if (local + entry->length < r->ask->from - MARGIN || local > r->ask->until + MARGIN ||
        is_taken_out(r, entry, local)) {
        return 0;
    }
    return emit(r, entry, local, false);
}

/* The end of a rule, in the words of its start. */
static void localize_until(struct icalrecurrencetype *rule, const struct entry *entry)
{
    struct icaltimetype *until = &rule->until;
    if (icaltime_is_null_time(*until)) {
        return;
    }
    if (!until->is_date && icaltime_is_utc(*until)) {
        until->zone = NULL;
        fa_time wall = (fa_time)icaltime_as_timet(*until) * FA_SECOND;
        *until = as_icaltime(fa_zone_local(entry->start.zone, wall), false);
    }
    until->zone = NULL;
    if (until->is_date && !entry->start.is_date) {
        until->is_date = 0; /* through that day */
        until->hour = 23;
        until->minute = until->second = 59;
    } else if (!until->is_date && entry->start.is_date) {
        until->is_date = 1;
        until->hour = until->minute = until->second = 0;
    }
}

static int emit_rule(struct reading *r, const struct entry *entry, struct icalrecurrencetype rule)
{
    int rc = check_rule(r, &rule);
    if (rc != 0) {
        return rc;
    }
    localize_until(&rule, entry);
    struct icaltimetype start = as_icaltime(entry->start.local, entry->start.is_date);
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, start);
    if (iterator == NULL) {
        return refuse(r, FA_EPARSE, "its RRULE cannot be read: %.100s",
                      icalerror_strerror(icalerrno));
    }
    struct icaltimetype next = icalrecur_iterator_next(iterator);
    if (icaltime_is_null_time(next) || icaltime_compare(next, start) != 0) {
        rc = refuse(r, FA_EINVAL,
                    "its DTSTART is none of the times its RRULE gives: begin at the first of them");
    }
    while (rc == 0 && !icaltime_is_null_time(next)) {
        fa_time local = (fa_time)icaltime_as_timet(next) * FA_SECOND;
        rc = emit_occurrence(r, entry, local);
        if (local > r->ask->until + MARGIN) {
            break;
        }
        next = icalrecur_iterator_next(iterator);
    }
    icalrecur_iterator_free(iterator);
    return rc;
}

static int emit_extra(struct reading *r, const struct entry *entry, icalproperty *property)
{
    struct icaldatetimeperiodtype date = icalproperty_get_rdate(property);
    struct entry extra = *entry;
    bool is_period = !icaltime_is_null_time(date.period.start);
    int rc = take_moment(r, property, is_period ? date.period.start : date.time, &extra.start);
    if (rc != 0) {
        return rc;
    }
    if (is_period && !icaltime_is_null_time(date.period.end)) {
        struct icaltimetype end = date.period.end, begin = date.period.start;
        end.zone = begin.zone = NULL;
        extra.length = (fa_time)(icaltime_as_timet(end) - icaltime_as_timet(begin)) * FA_SECOND;
    } else if (is_period) {
        extra.length = icaldurationtype_as_int(date.period.duration) * FA_SECOND;
    }
    return extra.length >= 0 ? emit_occurrence(r, &extra, extra.start.local)
                             : refuse(r, FA_EINVAL, "an RDATE ends before it begins");
}

/* libical walks a component's properties in the component itself: whoever looks at others on the
 * way loses the place. So they are picked first. NULL-terminated; free() it. */
static icalproperty **pick(icalcomponent *at, icalproperty_kind kind)
{
    size_t count = 0, cap = 4;
    icalproperty **list = fa_xcalloc(cap, sizeof *list);
    for (icalproperty *p = icalcomponent_get_first_property(at, kind); p != NULL;
         p = icalcomponent_get_next_property(at, kind)) {
        if (count + 1 == cap) {
            cap *= 2;
            list = fa_xrealloc(list, cap * sizeof *list);
        }
        list[count++] = p;
        list[count] = NULL;
    }
    return list;
}

static int take_excepts(struct reading *r, struct entry *entry)
{
    icalproperty **list = pick(entry->at, ICAL_EXDATE_PROPERTY);
    int rc = 0;
    for (size_t i = 0; list[i] != NULL && rc == 0; i++) {
        struct moment moment;
        rc = take_moment(r, list[i], icalproperty_get_exdate(list[i]), &moment);
        if (rc == 0) {
            entry->excepts = fa_xgrow(entry->excepts, entry->except_count, &entry->except_cap,
                                      sizeof *entry->excepts);
            entry->excepts[entry->except_count++] = moment;
        }
    }
    free(list);
    return rc;
}

static int emit_recurring(struct reading *r, struct entry *entry)
{
    icalproperty **rules = pick(entry->at, ICAL_RRULE_PROPERTY);
    icalproperty **extras = pick(entry->at, ICAL_RDATE_PROPERTY);
    int rc = take_excepts(r, entry);
    for (size_t i = 0; rules[i] != NULL && rc == 0; i++) {
        rc = emit_rule(r, entry, icalproperty_get_rrule(rules[i]));
    }
    if (rc == 0 && rules[0] == NULL) {
        rc = emit_occurrence(r, entry, entry->start.local);
    }
    for (size_t i = 0; extras[i] != NULL && rc == 0; i++) {
        rc = emit_extra(r, entry, extras[i]);
    }
    free(entry->excepts);
    free(extras);
    free(rules);
    return rc;
}

/* ---- events ---- */

static icalproperty *find_property(icalcomponent *at, icalproperty_kind kind)
{
    return icalcomponent_get_first_property(at, kind);
}

static int read_event(struct reading *r, icalcomponent *at)
{
    struct entry entry;
    r->event = at;
    if (icalcomponent_get_status(at) == ICAL_STATUS_CANCELLED) {
        return 0;
    }
    if (find_property(at, ICAL_EXRULE_PROPERTY) != NULL) {
        return refuse(r, FA_EUNSUPPORTED, "EXRULE is not read: write EXDATE for each day");
    }
    int rc = take_entry(r, at, &entry);
    if (rc != 0) {
        return rc;
    }
    bool recurs = find_property(at, ICAL_RRULE_PROPERTY) != NULL ||
                  find_property(at, ICAL_RDATE_PROPERTY) != NULL;
    bool is_change = find_property(at, ICAL_RECURRENCEID_PROPERTY) != NULL;
    return recurs && !is_change ? emit_recurring(r, &entry)
                                : emit(r, &entry, entry.start.local, true);
}

static int note_change(struct reading *r, icalcomponent *at)
{
    icalproperty *which = find_property(at, ICAL_RECURRENCEID_PROPERTY);
    const char *uid = icalcomponent_get_uid(at);
    struct moment moment;
    r->event = at;
    if (which == NULL) {
        return 0;
    }
    if (icalproperty_get_first_parameter(which, ICAL_RANGE_PARAMETER) != NULL) {
        return refuse(r, FA_EUNSUPPORTED,
                      "RANGE=THISANDFUTURE is not read: end the series and begin another");
    }
    if (uid == NULL) {
        return refuse(r, FA_EPARSE, "a RECURRENCE-ID without UID belongs to no series");
    }
    int rc = take_moment(r, which, icalproperty_get_recurrenceid(which), &moment);
    if (rc == 0) {
        r->changed = fa_xgrow(r->changed, r->changed_count, &r->changed_cap, sizeof *r->changed);
        r->changed[r->changed_count++] = (struct changed){uid, instant(&moment)};
    }
    return rc;
}

static int each_event(struct reading *r, icalcomponent *calendar,
                      int (*fn)(struct reading *r, icalcomponent *at))
{
    int rc = 0;
    for (icalcompiter it = icalcomponent_begin_component(calendar, ICAL_VEVENT_COMPONENT);
         rc == 0 && icalcompiter_deref(&it) != NULL; icalcompiter_next(&it)) {
        rc = fn(r, icalcompiter_deref(&it));
    }
    return rc;
}

/* One calendar, or several one after the other, which libical puts under a root of its own. */
static int each_calendar(struct reading *r, int (*fn)(struct reading *r, icalcomponent *at))
{
    if (icalcomponent_isa(r->root) == ICAL_VCALENDAR_COMPONENT) {
        return each_event(r, r->root, fn);
    }
    int rc = 0;
    for (icalcompiter it = icalcomponent_begin_component(r->root, ICAL_VCALENDAR_COMPONENT);
         rc == 0 && icalcompiter_deref(&it) != NULL; icalcompiter_next(&it)) {
        rc = each_event(r, icalcompiter_deref(&it), fn);
    }
    return rc;
}

/* libical takes what breaks off for a calendar without its rest. */
static int check_whole(struct fa_str text, struct fa_err *err)
{
    size_t begins = 0, ends = 0;
    while (text.len > 0) {
        struct fa_str line = fa_str_trim(fa_str_cut(text, '\n', &text));
        line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r';
        begins += line.len == 15 && strncasecmp(line.ptr, "BEGIN:VCALENDAR", 15) == 0;
        ends += line.len == 13 && strncasecmp(line.ptr, "END:VCALENDAR", 13) == 0;
    }
    if (begins == 0) {
        return fa_err_set(err, FA_EPARSE, "no iCalendar: there is no line BEGIN:VCALENDAR");
    }
    return begins == ends ? 0
                          : fa_err_set(err, FA_EPARSE, "it breaks off: END:VCALENDAR is missing");
}

int fa_ical_read(const struct fa_calendar_ask *ask, struct fa_calendar_answer *answer,
                 struct fa_err *err)
{
    struct reading r = {.ask = ask, .answer = answer, .err = err};
    if (memchr(ask->text.ptr, '\0', ask->text.len) != NULL) {
        return fa_err_set(err, FA_EPARSE, "no iCalendar: a zero byte");
    }
    int rc = check_whole(ask->text, err);
    if (rc != 0) {
        return rc;
    }
    char *text = fa_xstrndup(ask->text.ptr, ask->text.len);
    icalerror_set_errors_are_fatal(0);
    r.root = icalparser_parse_string(text);
    free(text);
    if (r.root == NULL) {
        return fa_err_set(err, FA_EPARSE, "no iCalendar: %s", icalerror_strerror(icalerrno));
    }
    rc = each_calendar(&r, note_change);
    rc = rc == 0 ? each_calendar(&r, read_event) : rc;
    for (size_t i = 0; i < r.zone_count; i++) {
        fa_zone_done(r.zones[i]);
        free(r.zones[i]);
    }
    free(r.changed);
    icalcomponent_free(r.root);
    return rc;
}

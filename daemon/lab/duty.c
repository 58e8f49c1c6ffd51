/* SPDX-License-Identifier: MIT */
/* Whom a target means at a moment and when a calendar is open, told anew from the plain lists of
 * the directory: no function of people/ is called, so that an error there is seen here.
 *
 *   Who is away is replaced by the first of their deputies who is there, else by the nearest of
 *   theirs, else stays; but nobody stands in for the independent contacts. A schedule means its
 *   members on duty. A customer's conduit is the one who is named, else those with the model's
 * role. A calendar that ends is open from then on. */
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

static bool covers(const struct fa_spans *spans, fa_time at)
{
    for (size_t i = 0; i < spans->count; i++) {
        if (at >= spans->list[i].from && at < spans->list[i].until) {
            return true;
        }
    }
    return false;
}

size_t fa_lab_person(const struct fa_directory *dir, const char *name, size_t len)
{
    for (size_t i = 0; name != NULL && i < dir->people_count; i++) {
        if (strlen(dir->people[i].name) == len && memcmp(dir->people[i].name, name, len) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static size_t named(const struct fa_directory *dir, const char *name)
{
    return fa_lab_person(dir, name, name != NULL ? strlen(name) : 0);
}

bool fa_lab_is_away(const struct fa_lab *lab, size_t person)
{
    return covers(&lab->config->people->people[person].leave, fa_lab_now(lab).wall);
}

/* Ring by ring around the one who is away. */
static size_t deputy_of(const struct fa_lab *lab, size_t person)
{
    const struct fa_directory *dir = lab->config->people;
    unsigned *ring = fa_xcalloc(dir->people_count + 1, sizeof *ring);
    size_t found = SIZE_MAX;
    ring[person] = 1;
    for (unsigned at = 1; found == SIZE_MAX && at <= dir->people_count; at++) {
        for (size_t p = 0; p < dir->people_count && found == SIZE_MAX; p++) {
            for (size_t d = 0; ring[p] == at && d < dir->people[p].deputy_count; d++) {
                size_t deputy = named(dir, dir->people[p].deputies[d]);
                if (deputy == SIZE_MAX || ring[deputy] != 0) {
                    continue;
                }
                ring[deputy] = at + 1;
                if (!fa_lab_is_away(lab, deputy)) {
                    found = deputy;
                    break;
                }
            }
        }
    }
    free(ring);
    return found;
}

void fa_lab_add_there(const struct fa_lab *lab, size_t person, bool *set)
{
    if (person == SIZE_MAX) {
        return;
    }
    size_t deputy = fa_lab_is_away(lab, person) ? deputy_of(lab, person) : SIZE_MAX;
    set[deputy != SIZE_MAX ? deputy : person] = true;
}

static void add_duty(const struct fa_lab *lab, const char *name, bool *set)
{
    const struct fa_directory *dir = lab->config->people;
    fa_time now = fa_lab_now(lab).wall;
    for (size_t i = 0; i < dir->schedule_count; i++) {
        const struct fa_schedule_entry *schedule = &dir->schedules[i];
        for (size_t t = 0; strcmp(schedule->name, name) == 0 && t < schedule->turn_count; t++) {
            const struct fa_turn *turn = &schedule->turns[t];
            if (now >= turn->span.from && now < turn->span.until) {
                fa_lab_add_there(lab, named(dir, schedule->members[turn->member]), set);
            }
        }
    }
}

static void add_conduit(const struct fa_lab *lab, const struct fa_account_entry *account, bool *set)
{
    const struct fa_directory *dir = lab->config->people;
    size_t own = named(dir, account->conduit);
    size_t there = own != SIZE_MAX && fa_lab_is_away(lab, own) ? deputy_of(lab, own) : own;
    const char *role = NULL;
    if (there != SIZE_MAX) {
        set[there] = true;
        return;
    }
    for (size_t m = 0; account->model != NULL && m < dir->model_count; m++) {
        role = strcmp(dir->models[m].name, account->model) == 0 ? dir->models[m].conduit : role;
    }
    bool *holders = fa_xcalloc(dir->people_count + 1, sizeof *holders);
    bool any = false, any_there = false;
    for (size_t p = 0; role != NULL && p < dir->people_count; p++) {
        for (size_t r = 0; r < dir->people[p].role_count; r++) {
            holders[p] = holders[p] || strcmp(dir->people[p].roles[r], role) == 0;
        }
        any = any || holders[p];
        any_there = any_there || (holders[p] && !fa_lab_is_away(lab, p));
    }
    for (size_t p = 0; p < dir->people_count; p++) {
        if (holders[p] && (!any_there || !fa_lab_is_away(lab, p))) {
            fa_lab_add_there(lab, p, set);
        }
    }
    if (!any && own != SIZE_MAX) {
        set[own] = true;
    }
    free(holders);
}

/* The value of a label in canonical text, name="value",...; without escapes, as lab's names are. */
static const char *label_value(const char *labels, const char *name, size_t len, size_t *ret_len)
{
    for (const char *at = labels; at != NULL && *at != '\0';) {
        const char *quote = strchr(at, '"');
        const char *end = quote != NULL ? strchr(quote + 1, '"') : NULL;
        if (end == NULL) {
            return NULL;
        }
        if ((size_t)(quote - at) == len + 1 && memcmp(at, name, len) == 0) {
            *ret_len = (size_t)(end - quote - 1);
            return quote + 1;
        }
        at = end[1] == ',' ? end + 2 : NULL;
    }
    return NULL;
}

static void add_label(const struct fa_lab *lab, const struct fa_alarm *alarm, const char *name,
                      bool *set)
{
    static const char up[] = ".manager";
    const struct fa_directory *dir = lab->config->people;
    size_t len = strlen(name), value_len = 0;
    bool is_manager = len > sizeof up - 1 && strcmp(name + len - (sizeof up - 1), up) == 0;
    len -= is_manager ? sizeof up - 1 : 0;
    const char *value = label_value(fa_alarm_labels(alarm), name, len, &value_len);
    size_t person = fa_lab_person(dir, value, value_len);
    if (is_manager && person != SIZE_MAX) {
        person = named(dir, dir->people[person].manager);
    }
    fa_lab_add_there(lab, person, set);
}

/* Only of what names and strikes nobody, and whose first filing is proved. */
static void add_reporters_manager(const struct fa_lab *lab, const struct fa_alarm *alarm, bool *set)
{
    const struct fa_directory *dir = lab->config->people;
    size_t person = SIZE_MAX;
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        const struct fa_incident *filing =
            fa_engine_incident(lab->engine, alarm->people->incidents[i]);
        if (filing == NULL || filing->about_count > 0 || filing->struck_count > 0) {
            return;
        }
        if (i == 0 && filing->reporter != NULL && strncmp(filing->reporter, "person:", 7) == 0) {
            person = named(dir, filing->reporter + 7);
        }
    }
    fa_lab_add_there(lab, person != SIZE_MAX ? named(dir, dir->people[person].manager) : SIZE_MAX,
                     set);
}

static const struct fa_account_entry *account_of(const struct fa_lab *lab,
                                                 const struct fa_alarm *alarm)
{
    const struct fa_directory *dir = lab->config->people;
    size_t len = 0;
    const char *name = label_value(fa_alarm_labels(alarm), "customer", strlen("customer"), &len);
    for (size_t i = 0; name == NULL && i < alarm->people->incident_count; i++) {
        const struct fa_incident *filing =
            fa_engine_incident(lab->engine, alarm->people->incidents[i]);
        name = filing != NULL ? filing->customer : NULL;
        len = name != NULL ? strlen(name) : 0;
    }
    for (size_t i = 0; name != NULL && i < dir->account_count; i++) {
        if (strlen(dir->accounts[i].name) == len && memcmp(dir->accounts[i].name, name, len) == 0) {
            return &dir->accounts[i];
        }
    }
    return NULL;
}

void fa_lab_add_target(const struct fa_lab *lab, const struct fa_alarm *alarm, const char *target,
                       bool *set)
{
    const struct fa_directory *dir = lab->config->people;
    const struct fa_account_entry *account =
        strncmp(target, "account.", 8) == 0 ? account_of(lab, alarm) : NULL;
    if (strncmp(target, "schedule:", 9) == 0) {
        add_duty(lab, target + 9, set);
    } else if (strncmp(target, "label.", 6) == 0) {
        add_label(lab, alarm, target + 6, set);
    } else if (strcmp(target, "reporter.manager") == 0) {
        add_reporters_manager(lab, alarm, set);
    } else if (account != NULL) {
        bool all = strcmp(target, "account.touches") == 0;
        for (size_t i = 0; all && i < account->touch_count; i++) {
            if (strncmp(account->touches[i], "account.", 8) != 0) {
                fa_lab_add_target(lab, alarm, account->touches[i], set);
            }
        }
        add_conduit(lab, account, set);
    }
    bool is_independent = strcmp(target, "independent") == 0, any_there = false;
    for (size_t p = 0; is_independent && p < dir->people_count; p++) {
        any_there = any_there || (dir->people[p].independent && !fa_lab_is_away(lab, p));
    }
    for (size_t p = 0; p < dir->people_count; p++) {
        if (!fa_lab_is_meant(dir, target, &dir->people[p])) {
            continue;
        }
        if (!is_independent) {
            fa_lab_add_there(lab, p, set);
        } else if (!any_there || !fa_lab_is_away(lab, p)) {
            set[p] = true;
        }
    }
}

/* ---- open time ---- */

static const struct fa_calendar_entry *calendar_of(const struct fa_lab *lab, const char *name)
{
    const struct fa_directory *dir = lab->config->people;
    for (size_t i = 0; name != NULL && i < dir->calendar_count; i++) {
        if (strcmp(dir->calendars[i].name, name) == 0) {
            return &dir->calendars[i];
        }
    }
    return NULL;
}

bool fa_lab_is_open(const struct fa_lab *lab, const char *calendar)
{
    const struct fa_calendar_entry *found = calendar_of(lab, calendar);
    fa_time now = fa_lab_now(lab).wall;
    return found == NULL || now >= found->known_until || covers(&found->open, now);
}

static fa_time open_between(const struct fa_calendar_entry *calendar, fa_time from, fa_time until)
{
    fa_time sum = 0;
    for (size_t i = 0; i < calendar->open.count; i++) {
        const struct fa_span *span = &calendar->open.list[i];
        fa_time begin = span->from > from ? span->from : from;
        fa_time end = span->until < until ? span->until : until;
        sum += end > begin ? end - begin : 0;
    }
    return sum;
}

fa_time fa_lab_measured(const struct fa_lab *lab, const char *calendar, enum fa_measure measure,
                        fa_time from, fa_time until)
{
    const struct fa_calendar_entry *found = calendar_of(lab, calendar);
    double days = 0.0;
    if (measure == FA_MEASURE_CLOCK || found == NULL || from >= found->known_until) {
        return until - from;
    }
    fa_time end = until < found->known_until ? until : found->known_until;
    for (size_t i = 0; measure == FA_MEASURE_DAYS && i < found->day_count; i++) {
        fa_time day = found->days[i];
        fa_time next = i + 1 < found->day_count ? found->days[i + 1] : found->known_until;
        fa_time begin = day > from ? day : from;
        days += (double)open_between(found, begin, next < end ? next : end) /
                (double)open_between(found, day, next);
    }
    return (measure == FA_MEASURE_DAYS ? (fa_time)(days * (double)FA_DAY)
                                       : open_between(found, from, end)) +
           until - end;
}

/* So much open time of the day on which the days are over, which begins at *at; what is left of
 * them where the calendar ends. To a second. */
static fa_time last_day(const struct fa_calendar_entry *calendar, fa_time *at, fa_time days)
{
    double left = (double)days / (double)FA_DAY;
    for (size_t i = 0; i < calendar->day_count; i++) {
        fa_time from = calendar->days[i];
        fa_time next = i + 1 < calendar->day_count ? calendar->days[i + 1] : calendar->known_until;
        fa_time begin = from > *at ? from : *at;
        fa_time whole = open_between(calendar, from, next);
        double part = (double)open_between(calendar, begin, next) / (double)whole;
        if (next > *at && part >= left) {
            *at = begin;
            return (fa_time)(left * (double)whole) + FA_SECOND;
        }
        left -= next > *at ? part : 0;
    }
    *at = calendar->known_until > *at ? calendar->known_until : *at;
    return (fa_time)(left * (double)FA_DAY) + FA_SECOND;
}

fa_time fa_lab_due_by(const struct fa_lab *lab, const struct fa_step *step)
{
    const struct fa_calendar_entry *found =
        calendar_of(lab, step->during != NULL ? step->during : step->by);
    fa_time at = fa_lab_now(lab).wall, wait = step->wait;
    if (step->measure == FA_MEASURE_DAYS && found != NULL) {
        wait = last_day(found, &at, wait);
    }
    for (size_t i = 0; found != NULL && i < found->open.count; i++) {
        const struct fa_span *span = &found->open.list[i];
        fa_time end = span->until < found->known_until ? span->until : found->known_until;
        fa_time from = span->from > at ? span->from : at;
        if (from < end && end - from >= wait) {
            return from + wait;
        }
        wait -= from < end ? end - from : 0;
    }
    return (found != NULL && found->known_until > at ? found->known_until : at) + wait;
}

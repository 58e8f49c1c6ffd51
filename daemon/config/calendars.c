/* SPDX-License-Identifier: MIT */
/* Time as the directory knows it: every zone as its shifts, every calendar as open time, every
 * schedule as turns, and when people are away. What an iCalendar text means is firealarm-calendar's
 * to say (calendar/); here it gets its place, its people and its faults' lines.
 *
 * Precedence in a schedule: a single event, or an occurrence that was changed, takes its time from
 * all that recurs there; those that overlap among each other are on duty together, and so are those
 * that recur. */
#include "config/calendars.h"
#include "base/texts.h"
#include "calendar/reader.h"
#include "config/hours.h"
#include "config/proof.h"
#include "config/remotes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UTC          "UTC"
#define REPORTED_MAX 5u /* faults of one file */

struct making {
    struct fa_faults *faults;
    struct fa_files *files;
    const struct fa_draft *draft;
    const struct fa_config_world *world;
    struct fa_directory *dir;
    struct fa_span range;
    fa_time now; /* 0: nobody looks ahead */
};

/* ---- zones ---- */

static const char *zone_or_own(const struct making *m, const char *zone)
{
    return zone != NULL ? zone : m->draft->zone != NULL ? m->draft->zone : UTC;
}

/* That nothing was read shows in the range, which is empty. */
static bool is_read(const struct making *m)
{
    return m->world != NULL && m->world->calendars != NULL;
}

static struct fa_zone *add_zone(const struct making *m, const char *name)
{
    struct fa_directory *dir = m->dir;
    dir->zones = fa_xrealloc(dir->zones, (dir->zone_count + 1) * sizeof *dir->zones);
    struct fa_zone *zone = &dir->zones[dir->zone_count++];
    *zone = (struct fa_zone){
        .name = fa_xstrdup(name), .shifts = fa_xcalloc(1, sizeof *zone->shifts), .count = 1};
    snprintf(zone->shifts[0].abbr, sizeof zone->shifts[0].abbr, "UTC");
    return zone;
}

/* Each zone once; one that cannot be read is UTC after the fault. */
static void fill_zone(const struct making *m, const config_setting_t *at, const char *name)
{
    const struct fa_calendar_answer *answer = NULL;
    struct fa_err err;
    if (fa_directory_zone(m->dir, name) != NULL) {
        return;
    }
    struct fa_zone *zone = add_zone(m, name);
    if (strcmp(name, UTC) == 0 || !is_read(m)) {
        return;
    }
    int rc = fa_calendars_get(m->world->calendars, name, (struct fa_str){0}, &answer, &err);
    if (rc != 0) {
        fa_fault_key(m->faults, at, "zone", rc, "zone: %s", err.text);
        return;
    }
    free(zone->shifts);
    zone->count = answer->zone.count;
    zone->shifts = fa_xcalloc(zone->count, sizeof *zone->shifts);
    memcpy(zone->shifts, answer->zone.shifts, zone->count * sizeof *zone->shifts);
}

typedef void zone_fn(const struct making *m, const config_setting_t *at, const char *name);

static void each_zone(const struct making *m, zone_fn *fn)
{
    const struct fa_draft *d = m->draft;
    fn(m, d->at, zone_or_own(m, NULL));
    for (size_t i = 0; i < m->dir->people_count; i++) {
        fn(m, d->people.items[i].at, zone_or_own(m, m->dir->people[i].zone));
    }
    for (size_t i = 0; i < d->calendars.count; i++) {
        fn(m, d->calendars.items[i].at, zone_or_own(m, d->calendars.items[i].zone));
    }
    for (size_t i = 0; i < d->schedules.count; i++) {
        fn(m, d->schedules.items[i].at, zone_or_own(m, d->schedules.items[i].zone));
    }
    for (size_t i = 0; i < d->maintenance.count; i++) {
        fn(m, d->maintenance.items[i].at, zone_or_own(m, d->maintenance.items[i].zone));
    }
}

static const struct fa_zone *zone_of(const struct making *m, const char *zone)
{
    return fa_directory_zone(m->dir, zone_or_own(m, zone));
}

/* ---- reading ---- */

static void want_zone(const struct making *m, const config_setting_t *at, const char *name)
{
    if (strcmp(name, UTC) != 0) {
        fa_calendars_want(m->world->calendars, name, (struct fa_str){0});
    }
}

/* The text of a calendar's file; after a fault an empty slice without ptr. */
static struct fa_str text_of(const struct making *m, const char *file)
{
    return fa_files_calendar(m->files, file, m->world->is_fresh);
}

/* Its place among those that are fetched; NULL: the file has to do, or there was a fault. */
static const struct fa_remote *want_remote(const struct making *m, const config_setting_t *at,
                                           const struct fa_fetch_entry *entry, const char *file)
{
    size_t before = m->faults->count;
    if (entry->url == NULL || file == NULL) {
        return NULL;
    }
    fa_prove_address(m->faults, at, entry);
    if (m->world->remotes == NULL || m->faults->count > before) {
        return NULL;
    }
    if (fa_remotes_want(m->world->remotes, entry, file) != 0) {
        fa_fault_key(m->faults, at, "file", FA_EEXISTS,
                     "file: '%.300s' is the copy of another url already", file);
        return NULL;
    }
    return fa_remotes_find(m->world->remotes, file);
}

/* The text of what was fetched, else of the file. */
static int read_text(const struct making *m, const struct fa_fetch_entry *entry,
                     const struct fa_remote *remote, const char *file, struct fa_err *err)
{
    if (remote != NULL && remote->state == FA_REMOTE_FETCHED) {
        return fa_files_take_calendar(m->files, file, &remote->text, err);
    }
    int rc = fa_files_read_calendar(m->files, file, m->world->is_fresh, err);
    if (rc != FA_ENOTFOUND || entry->url == NULL) {
        return rc;
    }
    return remote != NULL
               ? fa_err_set(err, rc,
                            "'%.200s' has no copy yet, and its url cannot be fetched: %.400s", file,
                            remote->error)
               : fa_err_set(err, rc,
                            "'%.200s' has no copy yet: the daemon fetches it at its start and when "
                            "it reloads; put one there by hand to check without",
                            file);
}

static void want_file(const struct making *m, const config_setting_t *at, const char *file,
                      const struct fa_fetch_entry *entry, const char *zone)
{
    struct fa_err err;
    const struct fa_remote *remote = want_remote(m, at, entry, file);
    if (file == NULL || (remote != NULL && remote->state == FA_REMOTE_WANTED)) {
        return;
    }
    if (read_text(m, entry, remote, file, &err) != 0) {
        fa_fault_key(m->faults, at, "file", err.code, "file: %s", err.text);
        return;
    }
    fa_calendars_want(m->world->calendars, zone_or_own(m, zone), text_of(m, file));
}

static int read_all(const struct making *m)
{
    const struct fa_draft *d = m->draft;
    each_zone(m, want_zone);
    for (size_t i = 0; i < d->calendars.count; i++) {
        want_file(m, d->calendars.items[i].at, d->calendars.items[i].file,
                  &d->calendars.items[i].remote, d->calendars.items[i].zone);
    }
    for (size_t i = 0; i < d->schedules.count; i++) {
        want_file(m, d->schedules.items[i].at, d->schedules.items[i].file,
                  &d->schedules.items[i].remote, d->schedules.items[i].zone);
    }
    if (m->world->remotes != NULL && !fa_remotes_is_ready(m->world->remotes)) {
        return FA_EAGAIN;
    }
    if (!fa_calendars_is_ready(m->world->calendars)) {
        if (m->world->is_waiting_elsewhere) {
            return FA_EAGAIN;
        }
        fa_calendars_read(m->world->calendars);
    }
    return 0;
}

/* The events of a file; NULL after a fault. */
static const struct fa_calendar_answer *
events_of(const struct making *m, const config_setting_t *at, const char *file, const char *zone)
{
    const struct fa_calendar_answer *answer = NULL;
    struct fa_err err, other;
    const char *name = zone_or_own(m, zone);
    struct fa_str text = file != NULL && is_read(m) ? text_of(m, file) : (struct fa_str){0};
    if (text.ptr == NULL) {
        return NULL;
    }
    int rc = fa_calendars_get(m->world->calendars, name, text, &answer, &err);
    /* A zone that is not there is a fault of its own already. */
    bool is_zone =
        rc != 0 && strcmp(name, UTC) != 0 &&
        fa_calendars_get(m->world->calendars, name, (struct fa_str){0}, &answer, &other) != 0;
    if (rc != 0 && !is_zone) {
        fa_fault_key(m->faults, at, "file", rc, "%.200s: %s", file, err.text);
    }
    return rc == 0 ? answer : NULL;
}

/* ---- calendars ---- */

static void fill_hours(const struct making *m, const struct fa_draft_calendar *draft,
                       struct fa_spans *open)
{
    for (size_t i = 0; i < draft->hours.count; i++) {
        struct fa_hours hours;
        struct fa_err err;
        int rc = fa_hours_parse(fa_str_of(draft->hours.items[i]), &hours, &err);
        if (rc != 0) {
            fa_fault_key(m->faults, draft->at, "hours", rc, "hours: %s", err.text);
        } else {
            fa_hours_spread(&hours, zone_of(m, draft->zone), m->range, open);
        }
    }
}

static void fill_calendar(const struct making *m, const struct fa_draft_calendar *draft,
                          struct fa_calendar_entry *entry)
{
    *entry = (struct fa_calendar_entry){.name = fa_xstrdup(draft->name),
                                        .zone = fa_xstrdup(zone_or_own(m, draft->zone)),
                                        .known_until = m->range.until};
    if (draft->remote.url != NULL && draft->file == NULL) {
        fa_fault_key(m->faults, draft->at, "url", FA_EINVAL,
                     "url needs file: where its copy lies, for instance \"/var/lib/firealarm/"
                     "%.64s.ics\"",
                     draft->name != NULL ? draft->name : "calendar");
        return;
    }
    if ((draft->file != NULL) == (draft->hours.count > 0)) {
        fa_fault(m->faults, draft->at, FA_EINVAL,
                 "a calendar has one of hours (\"Mon-Fri 09:00-17:00\") and file (iCalendar)");
        return;
    }
    fill_hours(m, draft, &entry->open);
    const struct fa_calendar_answer *answer = events_of(m, draft->at, draft->file, draft->zone);
    for (size_t i = 0; answer != NULL && i < answer->event_count; i++) {
        fa_spans_add(&entry->open, answer->events[i].span);
    }
}

static size_t find_calendar(const struct making *m, const char *name)
{
    size_t i = 0;
    while (i < m->dir->calendar_count && (name == NULL || m->dir->calendars[i].name == NULL ||
                                          strcmp(m->dir->calendars[i].name, name) != 0)) {
        i++;
    }
    return i;
}

/* Its place, or after a fault the number of calendars. */
static size_t need_calendar(const struct making *m, const config_setting_t *at, const char *key,
                            const char *name)
{
    size_t found = find_calendar(m, name);
    if (found == m->dir->calendar_count && name != NULL) {
        const char **names = fa_xcalloc(found + 1, sizeof *names);
        char hint[96];
        for (size_t i = 0; i < found; i++) {
            names[i] = m->dir->calendars[i].name;
        }
        fa_fault_key(m->faults, at, key, FA_ENOTFOUND, "%s: there is no calendar '%.64s'%s", key,
                     name, fa_did_you_mean(name, names, found, hint));
        free(names);
    }
    return found;
}

static void take_out(const struct making *m, const struct fa_draft_calendar *draft, size_t i)
{
    for (size_t k = 0; k < draft->except.count; k++) {
        size_t other = need_calendar(m, draft->at, "except", draft->except.items[k]);
        if (other == m->dir->calendar_count) {
            continue;
        }
        if (m->draft->calendars.items[other].except.count > 0) {
            fa_fault_key(m->faults, draft->at, "except", FA_EINVAL,
                         "except: '%s' has exceptions of its own; name those here",
                         draft->except.items[k]);
            continue;
        }
        const struct fa_spans *closed = &m->dir->calendars[other].open;
        for (size_t s = 0; s < closed->count; s++) {
            fa_spans_remove(&m->dir->calendars[i].open, closed->list[s]);
        }
    }
}

/* A calendar that says nothing more for so long has ended: hours that never begin again would hold
 * steps and messages for ever. Beyond its end it counts as open, as all that is not known does. */
#define ENDED_AFTER (60 * FA_DAY)

static void end_early(const struct making *m, struct fa_calendar_entry *entry)
{
    size_t count = entry->open.count;
    fa_time end = count > 0 ? entry->open.list[count - 1].until : m->range.from;
    if (is_read(m) && m->range.until - end > ENDED_AFTER) {
        entry->known_until = end;
    }
}

static void fill_calendars(const struct making *m)
{
    size_t count = m->draft->calendars.count;
    m->dir->calendars = fa_xcalloc(count + 1, sizeof *m->dir->calendars);
    for (size_t i = 0; i < count; i++) {
        const struct fa_draft_calendar *draft = &m->draft->calendars.items[i];
        if (find_calendar(m, draft->name) < m->dir->calendar_count) {
            fa_fault_key(m->faults, draft->at, "name", FA_EEXISTS,
                         "there is a calendar '%.64s' already", draft->name);
        }
        fill_calendar(m, draft, &m->dir->calendars[i]);
        m->dir->calendar_count = i + 1;
    }
    for (size_t i = 0; i < count; i++) {
        take_out(m, &m->draft->calendars.items[i], i);
    }
    for (size_t i = 0; i < count; i++) {
        end_early(m, &m->dir->calendars[i]);
        fa_build_days(&m->dir->calendars[i], zone_of(m, m->draft->calendars.items[i].zone));
    }
}

/* ---- schedules ---- */

/* The turns of one person. */
struct member {
    fa_person person;
    struct fa_spans recurring, special;
};

struct rota {
    const struct making *m;
    const struct fa_draft_schedule *draft;
    struct member *members; /* owned, with their spans */
    size_t count;
    unsigned faults;
};

static struct member *member_of(struct rota *rota, fa_person person)
{
    for (size_t i = 0; i < rota->count; i++) {
        if (rota->members[i].person == person) {
            return &rota->members[i];
        }
    }
    rota->members = fa_xrealloc(rota->members, (rota->count + 1) * sizeof *rota->members);
    rota->members[rota->count] = (struct member){.person = person};
    return &rota->members[rota->count++];
}

static bool is_alike(struct fa_str word, const char *name)
{
    return name != NULL && strlen(name) == word.len && strncasecmp(name, word.ptr, word.len) == 0;
}

static fa_person find_by_name(const struct fa_directory *dir, struct fa_str word)
{
    for (size_t i = 0; i < dir->people_count && word.len > 0; i++) {
        if (is_alike(word, dir->people[i].name) || is_alike(word, dir->people[i].display)) {
            return (fa_person)i;
        }
    }
    return FA_NOBODY;
}

static fa_person find_by_mail(const struct fa_directory *dir, const char *mail)
{
    for (size_t i = 0; i < dir->people_count; i++) {
        for (size_t c = 0; c < dir->people[i].contact_count; c++) {
            if (is_alike(fa_str_of(mail), dir->people[i].contacts[c].address)) {
                return (fa_person)i;
            }
        }
    }
    return FA_NOBODY;
}

static void add_turn(struct rota *rota, const struct fa_calendar_event *event, fa_person person)
{
    struct member *member = member_of(rota, person);
    fa_spans_add(event->is_special ? &member->special : &member->recurring, event->span);
}

static void nobody_so_called(struct rota *rota, const struct fa_calendar_event *event,
                             struct fa_str word)
{
    const struct fa_directory *dir = rota->m->dir;
    const char **names = fa_xcalloc(dir->people_count + 1, sizeof *names);
    char time[32], hint[96], text[100];
    for (size_t i = 0; i < dir->people_count; i++) {
        names[i] = dir->people[i].name;
    }
    snprintf(text, sizeof text, "%.*s", (int)(word.len < 90 ? word.len : 90),
             word.len > 0 ? word.ptr : "");
    if (rota->faults++ < REPORTED_MAX) {
        fa_fault_key(rota->m->faults, rota->draft->at, "file", FA_ENOTFOUND,
                     "%.200s: the event '%.60s' of %.10s: nobody is called '%s'%s; SUMMARY or "
                     "ATTENDEE must name a person of the configuration",
                     rota->draft->file, event->summary != NULL ? event->summary : "",
                     fa_time_format(event->span.from, time), text,
                     fa_did_you_mean(text, names, dir->people_count, hint));
    }
    free(names);
}

/* Those who take part, by their mail; without such those whom the summary names. */
static void place_event(struct rota *rota, const struct fa_calendar_event *event)
{
    const struct fa_directory *dir = rota->m->dir;
    size_t known = 0;
    for (size_t i = 0; i < event->attendee_count; i++) {
        known += find_by_mail(dir, event->attendees[i]) != FA_NOBODY;
    }
    for (size_t i = 0; known > 0 && i < event->attendee_count; i++) {
        fa_person person = find_by_mail(dir, event->attendees[i]);
        if (person != FA_NOBODY) {
            add_turn(rota, event, person);
        } else {
            nobody_so_called(rota, event, fa_str_of(event->attendees[i]));
        }
    }
    struct fa_str rest = fa_str_of(event->summary);
    for (bool more = known == 0; more; more = rest.ptr != NULL) {
        struct fa_str word = fa_str_trim(fa_str_cut(rest, ',', &rest));
        fa_person person = find_by_name(dir, word);
        if (person != FA_NOBODY) {
            add_turn(rota, event, person);
        } else {
            nobody_so_called(rota, event, word);
        }
    }
}

static void let_specials_win(struct rota *rota)
{
    for (size_t i = 0; i < rota->count; i++) {
        for (size_t s = 0; s < rota->members[i].special.count; s++) {
            for (size_t k = 0; k < rota->count; k++) {
                fa_spans_remove(&rota->members[k].recurring, rota->members[i].special.list[s]);
            }
        }
    }
    for (size_t i = 0; i < rota->count; i++) {
        for (size_t s = 0; s < rota->members[i].special.count; s++) {
            fa_spans_add(&rota->members[i].recurring, rota->members[i].special.list[s]);
        }
    }
}

static int by_begin(const void *a, const void *b)
{
    const struct fa_turn *left = a, *right = b;
    if (left->span.from != right->span.from) {
        return left->span.from < right->span.from ? -1 : 1;
    }
    return (left->member > right->member) - (left->member < right->member);
}

static void put_turns(const struct rota *rota, struct fa_schedule_entry *entry)
{
    size_t total = 0;
    for (size_t i = 0; i < rota->count; i++) {
        const char *name = rota->m->dir->people[rota->members[i].person].name;
        total += rota->members[i].recurring.count;
        fa_texts_add(&entry->members, &entry->member_count, fa_str_of(name));
    }
    entry->turns = fa_xcalloc(total + 1, sizeof *entry->turns);
    for (size_t i = 0; i < rota->count; i++) {
        for (size_t s = 0; s < rota->members[i].recurring.count; s++) {
            entry->turns[entry->turn_count++] =
                (struct fa_turn){rota->members[i].recurring.list[s], (uint32_t)i};
        }
    }
    qsort(entry->turns, entry->turn_count, sizeof *entry->turns, by_begin);
}

static void fill_schedule(const struct making *m, const struct fa_draft_schedule *draft,
                          struct fa_schedule_entry *entry)
{
    struct rota rota = {.m = m, .draft = draft};
    *entry = (struct fa_schedule_entry){
        .name = fa_xstrdup(draft->name),
        .display = fa_xstrdup(draft->display != NULL ? draft->display : draft->name),
        .known_until = m->range.until};
    const struct fa_calendar_answer *answer = events_of(m, draft->at, draft->file, draft->zone);
    for (size_t i = 0; answer != NULL && i < answer->event_count; i++) {
        place_event(&rota, &answer->events[i]);
    }
    let_specials_win(&rota);
    put_turns(&rota, entry);
    for (size_t i = 0; i < rota.count; i++) {
        fa_spans_done(&rota.members[i].recurring);
        fa_spans_done(&rota.members[i].special);
    }
    free(rota.members);
}

static void fill_schedules(const struct making *m)
{
    struct fa_directory *dir = m->dir;
    dir->schedules = fa_xcalloc(m->draft->schedules.count + 1, sizeof *dir->schedules);
    for (size_t i = 0; i < m->draft->schedules.count; i++) {
        const struct fa_draft_schedule *draft = &m->draft->schedules.items[i];
        if (draft->name != NULL && fa_directory_schedule(dir, fa_str_of(draft->name)) != NULL) {
            fa_fault_key(m->faults, draft->at, "name", FA_EEXISTS,
                         "there is a schedule '%.64s' already", draft->name);
        }
        fill_schedule(m, draft, &dir->schedules[i]);
        dir->schedule_count += dir->schedules[i].name != NULL;
    }
}

/* ---- people ---- */

static void fill_leave(const struct making *m, const struct fa_draft_person *draft,
                       struct fa_person_entry *entry)
{
    const struct fa_zone *zone = zone_of(m, entry->zone);
    for (size_t i = 0; i < draft->leave.count; i++) {
        const char *text = draft->leave.items[i];
        size_t calendar = find_calendar(m, text);
        struct fa_span days;
        struct fa_err err;
        if (calendar < m->dir->calendar_count) {
            const struct fa_spans *away = &m->dir->calendars[calendar].open;
            for (size_t s = 0; s < away->count; s++) {
                fa_spans_add(&entry->leave, away->list[s]);
            }
        } else if (fa_days_parse(fa_str_of(text), &days, &err) == 0) {
            fa_spans_add(&entry->leave, (struct fa_span){fa_zone_instant(zone, days.from, false),
                                                         fa_zone_instant(zone, days.until, true)});
        } else {
            fa_fault_key(m->faults, draft->at, "leave", err.code, "leave: %s", err.text);
        }
    }
}

static void fill_people(const struct making *m)
{
    for (size_t i = 0; i < m->dir->people_count; i++) {
        struct fa_person_entry *entry = &m->dir->people[i];
        if (entry->zone == NULL) {
            entry->zone = fa_xstrdup(zone_or_own(m, NULL));
        }
        if (entry->hours != NULL) {
            (void)need_calendar(m, m->draft->people.items[i].at, "hours", entry->hours);
        }
        fill_leave(m, &m->draft->people.items[i], entry);
    }
}

static size_t length_to_path(const char *url)
{
    const char *host = strstr(url, "://");
    size_t scheme = host != NULL ? (size_t)(host - url) + 3 : 0;
    return scheme + strcspn(url + scheme, "/?#");
}

static void add_copy(struct fa_config *config, const struct fa_fetch_entry *remote,
                     const char *name, const char *file)
{
    if (remote->url != NULL && file != NULL && name != NULL) {
        config->mirrors =
            fa_xrealloc(config->mirrors, (config->mirror_count + 1) * sizeof *config->mirrors);
        config->mirrors[config->mirror_count++] =
            (struct fa_mirror_entry){fa_xstrdup(name), fa_xstrdup(file),
                                     fa_xstrndup(remote->url, length_to_path(remote->url))};
    }
}

static void fill_copies(const struct fa_draft *draft, struct fa_config *config)
{
    for (size_t i = 0; i < draft->calendars.count; i++) {
        const struct fa_draft_calendar *item = &draft->calendars.items[i];
        add_copy(config, &item->remote, item->name, item->file);
    }
    for (size_t i = 0; i < draft->schedules.count; i++) {
        const struct fa_draft_schedule *item = &draft->schedules.items[i];
        add_copy(config, &item->remote, item->name, item->file);
    }
}

int fa_build_calendars(struct fa_faults *faults, struct fa_files *files,
                       const struct fa_draft *draft, const struct fa_config_world *world,
                       struct fa_config *config)
{
    struct making m = {
        .faults = faults, .files = files, .draft = draft, .world = world, .dir = config->people};
    if (is_read(&m)) {
        m.range = (struct fa_span){fa_calendars_from(world->calendars),
                                   fa_calendars_until(world->calendars)};
        m.now = fa_calendars_now(world->calendars);
        int rc = read_all(&m);
        if (rc != 0) {
            return rc;
        }
    }
    config->walk_from = m.now;
    config->known_until = m.range.until;
    each_zone(&m, fill_zone);
    fill_calendars(&m);
    fill_schedules(&m);
    fill_people(&m);
    fill_copies(draft, config);
    return 0;
}

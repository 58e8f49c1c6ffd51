/* SPDX-License-Identifier: MIT */
/* What is counted for the weekly digest, a row for each person and each rule.
 *
 * Invariants:
 *  1. What has a subject, or is kept from somebody, is in no count; what came to be so later is
 *     taken out again. So a count may be told to any reader.
 *  2. A past hour changes by that alone: whoever asks again for the same hours gets the same.
 *  3. Bounded: FA_TALLY_KEPT, and FA_TALLY_HOURS in any case.
 *
 * A message to several lines counts once, and messages to programs count for nobody: the budget is
 * of what people read. */
#include "alarms/internal.h"

#include <stdlib.h>
#include <string.h>

enum tally_tag { T_KEY = 1, T_SINCE, T_LAST, T_TOLD, T_FED, T_GAP, T_HOUR };
/* clang-format off */
enum hour_tag { H_HOUR = 1, H_PEAK, H_COUNT = 8 /* and the counts after the first */ };
/* clang-format on */

/* How exact `last` and `fed` are: a row for each message of a storm would cost more than it. */
#define COARSE FA_HOUR

static bool is_wanted(const struct fa_engine *engine)
{
    return engine->setup->weekly.to_count > 0;
}

/* ---- finding ---- */

static struct fa_tally *find_key(const struct fa_engine *engine, const char *key)
{
    struct fa_tally *tally = NULL;
    HASH_FIND_STR(engine->tallies, key, tally);
    return tally;
}

static struct fa_tally *take_key(struct fa_engine *engine, const char *key)
{
    struct fa_tally *tally = find_key(engine, key);
    if (tally == NULL) {
        tally = fa_xcalloc(1, sizeof *tally);
        tally->key = fa_intern(&engine->texts, key);
        HASH_ADD_KEYPTR(hh, engine->tallies, tally->key, strlen(tally->key), tally);
    }
    return tally;
}

static char *key_of(enum fa_tally_kind kind, const char *name)
{
    size_t len = strlen(name);
    char *key = fa_xmalloc(len + 3);
    key[0] = (char)kind;
    key[1] = ':';
    memcpy(key + 2, name, len + 1);
    return key;
}

struct fa_tally *fa_tally_find(const struct fa_engine *engine, enum fa_tally_kind kind,
                               const char *name)
{
    char *key = key_of(kind, name);
    struct fa_tally *tally = find_key(engine, key);
    free(key);
    return tally;
}

struct fa_tally *fa_tally_take(struct fa_engine *engine, enum fa_tally_kind kind, const char *name)
{
    char *key = key_of(kind, name);
    struct fa_tally *tally = take_key(engine, key);
    free(key);
    if (tally->since == 0) {
        tally->since = engine->now.wall;
        fa_tally_touch(engine, tally);
    }
    return tally;
}

void fa_tally_touch(struct fa_engine *engine, struct fa_tally *tally)
{
    if (!tally->dirty) {
        tally->dirty = true;
        tally->next_dirty = engine->dirty_tallies;
        engine->dirty_tallies = tally;
    }
}

/* ---- counting ---- */

static void drop_first(struct fa_tally *tally, size_t count)
{
    if (count == 0) {
        return;
    }
    tally->count -= count;
    memmove(tally->hours, tally->hours + count, tally->count * sizeof *tally->hours);
}

/* The clock may have gone back: it is put where it belongs. */
static struct fa_tally_hour *take_hour(struct fa_tally *tally, int64_t hour)
{
    size_t at = tally->count, old = 0;
    while (at > 0 && tally->hours[at - 1].hour > hour) {
        at--;
    }
    if (at > 0 && tally->hours[at - 1].hour == hour) {
        return &tally->hours[at - 1];
    }
    while (old < at && (tally->hours[old].hour < hour - FA_TALLY_KEPT / FA_HOUR ||
                        tally->count - old >= FA_TALLY_HOURS)) {
        old++;
    }
    drop_first(tally, old);
    at -= old;
    if (tally->count >= FA_TALLY_HOURS) { /* all of them later, from a clock that was wrong */
        tally->count = at;
    }
    tally->hours = fa_xgrow(tally->hours, tally->count, &tally->cap, sizeof *tally->hours);
    memmove(tally->hours + at + 1, tally->hours + at, (tally->count - at) * sizeof *tally->hours);
    tally->hours[at] = (struct fa_tally_hour){.hour = hour};
    tally->count++;
    return &tally->hours[at];
}

static int64_t hour_of(fa_time wall)
{
    return wall / FA_HOUR;
}

void fa_tally_add(struct fa_engine *engine, enum fa_tally_kind kind, const char *name,
                  enum fa_tally_count which, uint32_t count)
{
    struct fa_tally *tally = fa_tally_take(engine, kind, name);
    struct fa_tally_hour *hour = take_hour(tally, hour_of(engine->now.wall));
    uint32_t sum = hour->counts[which] + (count < UINT16_MAX ? count : UINT16_MAX);
    hour->counts[which] = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
    fa_tally_touch(engine, tally);
}

uint32_t fa_tally_sum(const struct fa_tally *tally, enum fa_tally_count which, int64_t from,
                      int64_t until)
{
    uint32_t sum = 0;
    for (size_t i = 0; tally != NULL && i < tally->count; i++) {
        bool is_in = tally->hours[i].hour >= from && tally->hours[i].hour < until;
        sum += is_in ? tally->hours[i].counts[which] : 0;
    }
    return sum;
}

uint32_t fa_tally_peak(const struct fa_tally *tally, int64_t from, int64_t until)
{
    uint32_t peak = 0;
    for (size_t i = 0; tally != NULL && i < tally->count; i++) {
        const struct fa_tally_hour *hour = &tally->hours[i];
        bool is_in = hour->hour >= from && hour->hour < until;
        peak = is_in && hour->peak > peak ? hour->peak : peak;
    }
    return peak;
}

static void note_last(struct fa_engine *engine, struct fa_tally *tally)
{
    fa_time since = engine->now.wall - tally->last;
    if (tally->last == 0 || since >= COARSE || since < 0) {
        tally->last = engine->now.wall;
        fa_tally_touch(engine, tally);
    }
}

/* ---- what is told of ---- */

static bool is_kept_from_anybody(const struct fa_alarm *alarm)
{
    return alarm->people->about_count + alarm->people->struck_count > 0;
}

static bool may_count(const struct fa_engine *engine, const struct fa_notification *n)
{
    if (!is_wanted(engine)) {
        return false;
    }
    const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
    bool is_gone = (n->owner_alarm == NULL && !fa_id_is_zero(n->alarm.id)) ||
                   (incident == NULL && !fa_id_is_zero(n->incident.id));
    bool is_filed = incident != NULL ||
                    (n->owner_alarm != NULL && (n->owner_alarm->flags & FA_FLAG_FILED) != 0);
    return !is_gone && !n->hidden && !is_filed &&
           (n->owner_alarm == NULL || !is_kept_from_anybody(n->owner_alarm));
}

static bool is_read_by_people(const struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_channel_entry *channel =
        fa_directory_channel(engine->setup->people, n->channel);
    return channel == NULL || !channel->machine;
}

/* Somebody asked for those, or they come once a week. */
static bool is_beside_budget(const struct fa_notification *n)
{
    return n->kind == FA_NOTE_TEST || n->kind == FA_NOTE_WEEKLY;
}

static void arrived(struct fa_engine *engine, const struct fa_notification *n)
{
    note_last(engine, fa_tally_take(engine, FA_TALLY_PERSON, n->person));
    if (!is_beside_budget(n) && is_read_by_people(engine, n)) {
        fa_tally_add(engine, FA_TALLY_PERSON, n->person, FA_TALLY_GOT, 1);
    }
}

void fa_tally_sent(struct fa_engine *engine, const struct fa_notification *n)
{
    if (n->place == NULL && may_count(engine, n)) { /* a digest counts, not its lines */
        arrived(engine, n);
    }
}

/* Does a line of it count? */
static bool has_line(const struct fa_engine *engine, const struct fa_notification *digest)
{
    const struct fa_notification *n = digest->lines->first;
    while (n != NULL && !may_count(engine, n)) {
        n = n->place->next;
    }
    return n != NULL;
}

void fa_tally_digest_sent(struct fa_engine *engine, const struct fa_notification *digest)
{
    if (has_line(engine, digest)) {
        arrived(engine, digest);
    }
}

void fa_tally_failed(struct fa_engine *engine, const struct fa_notification *n)
{
    bool counts = n->lines != NULL ? has_line(engine, n) : may_count(engine, n);
    if (counts && n->place == NULL) {
        fa_tally_add(engine, FA_TALLY_PERSON, n->person, FA_TALLY_FAILED, 1);
    }
}

void fa_tally_alarm(struct fa_engine *engine, const struct fa_alarm *alarm,
                    enum fa_tally_count which, const char *who)
{
    bool is_ruled = (alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) == 0;
    if (!is_wanted(engine) || is_kept_from_anybody(alarm)) {
        return;
    }
    if (who != NULL) {
        fa_tally_add(engine, FA_TALLY_PERSON, who, which, 1);
    } else if (is_ruled && which == FA_TALLY_RAISED) {
        note_last(engine, fa_tally_take(engine, FA_TALLY_RULE, alarm->texts->rule));
    } else if (is_ruled) {
        fa_tally_add(engine, FA_TALLY_RULE, alarm->texts->rule, which, 1);
    }
}

/* The rules with an open alarm that is kept from anybody. */
struct kept {
    const char **rules;
    size_t count, cap;
};

static void find_kept(const struct fa_engine *engine, struct kept *kept)
{
    for (const struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        if (is_kept_from_anybody(a) &&
            (kept->count == 0 || kept->rules[kept->count - 1] != a->texts->rule)) {
            kept->rules = fa_xgrow(kept->rules, kept->count, &kept->cap, sizeof *kept->rules);
            kept->rules[kept->count++] = a->texts->rule;
        }
    }
}

/* What came near is counted for the whole rule, not for the label set it was of. */
static bool is_rule_kept(const struct fa_engine *engine, const struct kept *kept, const char *rule)
{
    bool is_kept = fa_kept_out_of_rule(engine, rule);
    for (size_t i = 0; i < kept->count && !is_kept; i++) {
        is_kept = strcmp(kept->rules[i], rule) == 0;
    }
    return is_kept;
}

/* The time that no daemon ran is no gap of the feed's. */
static void see(struct fa_engine *engine, const struct fa_rule_seen *seen, const struct kept *kept)
{
    struct fa_tally *tally = fa_tally_take(engine, FA_TALLY_RULE, seen->rule->name);
    if (seen->nearest > 0 && !is_rule_kept(engine, kept, seen->rule->name)) { /* rather too few */
        fa_tally_add(engine, FA_TALLY_RULE, seen->rule->name, FA_TALLY_NEAR, seen->near);
        struct fa_tally_hour *hour = take_hour(tally, hour_of(engine->now.wall));
        hour->peak = seen->nearest > hour->peak ? (uint16_t)seen->nearest : hour->peak;
    }
    if (seen->heard == 0) {
        return;
    }
    bool is_odd = tally->fed > engine->now.wall; /* the clock was wrong */
    fa_time gap = tally->looked && !is_odd ? seen->heard - tally->fed : 0;
    if (seen->heard > tally->fed || is_odd) {
        tally->fed = seen->heard;
    }
    bool is_news = gap > tally->gap + FA_MINUTE || tally->fed - tally->fed_row >= COARSE || is_odd;
    tally->gap = gap > tally->gap ? gap : tally->gap;
    tally->looked = true;
    if (is_news) {
        fa_tally_touch(engine, tally);
    }
}

void fa_tally_seen(struct fa_engine *engine, const struct fa_rule_seen *list, size_t count)
{
    struct kept kept = {0};
    bool is_near = false;
    for (size_t i = 0; i < count; i++) {
        is_near = is_near || list[i].nearest > 0;
    }
    if (is_near) {
        find_kept(engine, &kept);
    }
    for (size_t i = 0; i < count && is_wanted(engine); i++) {
        see(engine, &list[i], &kept);
    }
    free(kept.rules);
}

/* ---- taking back ---- */

static void take_back(struct fa_engine *engine, const char *person, enum fa_tally_count which,
                      fa_time when)
{
    struct fa_tally *tally = fa_tally_find(engine, FA_TALLY_PERSON, person);
    for (size_t i = 0; tally != NULL && i < tally->count; i++) {
        uint16_t *at = &tally->hours[i].counts[which];
        if (tally->hours[i].hour == hour_of(when) && *at > 0) {
            --*at;
            fa_tally_touch(engine, tally);
        }
    }
}

static void forget_all(struct fa_engine *engine, enum fa_tally_kind kind, const char *name)
{
    struct fa_tally *tally = fa_tally_find(engine, kind, name);
    if (tally != NULL) {
        tally->count = 0;
        fa_tally_touch(engine, tally);
    }
}

/* Its diary says what was counted of it. When that has lost some, all of those people's counts of
 * the time go, and of its rule all go that came near or did not last, as nobody knows which were of
 * its labels: rather too few than one that tells of it. */
void fa_tally_forget(struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_moment list[FA_DIARY_MAX];
    uint32_t count = fa_diary_read(alarm, list);
    for (uint32_t i = 0; i < count; i++) {
        const struct fa_moment *m = &list[i];
        int which = m->code == FA_J_SENT       ? FA_TALLY_GOT
                    : m->code == FA_J_MOVED_ON ? FA_TALLY_FAILED
                    : m->code == FA_J_KEPT     ? FA_TALLY_KEPT_WORD
                    : m->code == FA_J_OVERDUE  ? FA_TALLY_MISSED_WORD
                                               : -1;
        if (which >= 0 && m->person != NULL) {
            take_back(engine, m->person, (enum fa_tally_count)which, m->when);
        }
    }
    for (size_t i = 0; alarm->moments_lost > 0 && i < alarm->told_count; i++) {
        forget_all(engine, FA_TALLY_PERSON, alarm->told[i].to->person);
    }
    forget_all(engine, FA_TALLY_RULE, alarm->texts->rule);
}

/* ---- its row ---- */

static void put_time(struct fa_buf *buf, uint32_t tag, fa_time time)
{
    if (time != 0) {
        fa_rec_put_i64(buf, tag, time);
    }
}

static void put_hour(struct fa_buf *buf, const struct fa_tally_hour *hour)
{
    size_t from = buf->len;
    fa_rec_put_i64(buf, H_HOUR, hour->hour);
    if (hour->peak > 0) {
        fa_rec_put_u64(buf, H_PEAK, hour->peak);
    }
    for (uint32_t i = 0; i < FA_TALLY__COUNT; i++) {
        if (hour->counts[i] > 0) {
            fa_rec_put_u64(buf, H_COUNT + i, hour->counts[i]);
        }
    }
    fa_rec_wrap(buf, T_HOUR, from);
}

void fa_tally_flush(struct fa_engine *engine, struct fa_buf *buf)
{
    for (struct fa_tally *tally = engine->dirty_tallies; tally != NULL; tally = tally->next_dirty) {
        tally->dirty = false;
        tally->fed_row = tally->fed;
        fa_buf_clear(buf);
        fa_rec_put_text(buf, T_KEY, tally->key);
        put_time(buf, T_SINCE, tally->since);
        put_time(buf, T_LAST, tally->last);
        put_time(buf, T_TOLD, tally->told);
        put_time(buf, T_FED, tally->fed);
        put_time(buf, T_GAP, tally->gap);
        for (size_t i = 0; i < tally->count; i++) {
            put_hour(buf, &tally->hours[i]);
        }
        fa_put_named_row(engine, FA_ROW_TALLY, tally->key, buf);
    }
    engine->dirty_tallies = NULL;
}

static uint16_t small(uint64_t number)
{
    return (uint16_t)(number < UINT16_MAX ? number : UINT16_MAX);
}

static bool read_hour(struct fa_tally *tally, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_tally_hour hour = {0};
    int64_t last = tally->count > 0 ? tally->hours[tally->count - 1].hour : INT64_MIN;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == H_HOUR) {
            hour.hour = fa_row_time(&field);
        } else if (field.tag == H_PEAK) {
            hour.peak = small(field.u64);
        } else if (field.tag >= H_COUNT && field.tag < H_COUNT + FA_TALLY__COUNT) {
            hour.counts[field.tag - H_COUNT] = small(field.u64);
        }
    }
    if (reader.bad || hour.hour <= last || tally->count >= FA_TALLY_HOURS) {
        return false;
    }
    tally->hours = fa_xgrow(tally->hours, tally->count, &tally->cap, sizeof *tally->hours);
    tally->hours[tally->count++] = hour;
    return true;
}

static bool read_row(struct fa_tally *read, struct fa_str value, struct fa_str *ret_key)
{
    struct fa_rec_reader reader = fa_rec_read(value);
    struct fa_rec_field field;
    bool ok = true;
    while (ok && fa_rec_next(&reader, &field)) {
        fa_time *times[] = {[T_SINCE] = &read->since,
                            [T_LAST] = &read->last,
                            [T_TOLD] = &read->told,
                            [T_FED] = &read->fed,
                            [T_GAP] = &read->gap};
        if (field.tag == T_KEY) {
            *ret_key = field.bytes;
        } else if (field.tag >= T_SINCE && field.tag <= T_GAP) {
            *times[field.tag] = fa_row_time(&field);
        } else if (field.tag == T_HOUR) {
            ok = read_hour(read, field.bytes);
        }
    }
    return ok && !reader.bad && read->since > 0;
}

static bool is_key(struct fa_str key)
{
    return key.len > 2 && (key.ptr[0] == FA_TALLY_PERSON || key.ptr[0] == FA_TALLY_RULE) &&
           key.ptr[1] == ':';
}

int fa_tally_load(struct fa_engine *engine, struct fa_str value)
{
    struct fa_tally read = {0};
    struct fa_str key = {NULL, 0};
    const char *text =
        read_row(&read, value, &key) && is_key(key) ? fa_intern_str(&engine->texts, key) : NULL;
    if (text == NULL || find_key(engine, text) != NULL) {
        free(read.hours);
        return FA_ECORRUPT;
    }
    struct fa_tally *tally = take_key(engine, text);
    tally->since = read.since;
    tally->last = read.last;
    tally->told = read.told;
    tally->fed = tally->fed_row = read.fed;
    tally->gap = read.gap;
    tally->hours = read.hours;
    tally->count = read.count;
    tally->cap = read.cap;
    return 0;
}

/* ---- life ---- */

static void forget(struct fa_engine *engine, struct fa_tally *tally)
{
    HASH_DELETE(hh, engine->tallies, tally);
    free(tally->hours);
    free(tally);
}

static bool is_known(const struct fa_engine *engine, const struct fa_tally *tally)
{
    const char *name = fa_tally_name(tally);
    return tally->key[0] == FA_TALLY_RULE
               ? fa_setup_rule(engine->setup, name) != NULL
               : fa_directory_find(engine->setup->people, fa_str_of(name)) != FA_NOBODY;
}

void fa_tally_review(struct fa_engine *engine)
{
    struct fa_tally *tally, *next;
    HASH_ITER(hh, engine->tallies, tally, next) {
        if ((is_wanted(engine) && is_known(engine, tally)) || tally->dirty) {
            continue;
        }
        fa_erase_named_row(engine, FA_ROW_TALLY, tally->key);
        forget(engine, tally);
    }
    for (size_t i = 0; is_wanted(engine) && i < engine->setup->rule_count; i++) {
        (void)fa_tally_take(engine, FA_TALLY_RULE, engine->setup->rules[i]->name);
    }
}

void fa_tallies_done(struct fa_engine *engine)
{
    struct fa_tally *tally, *next;
    HASH_ITER(hh, engine->tallies, tally, next) {
        forget(engine, tally);
    }
}

/* SPDX-License-Identifier: MIT */
/* Silences: set by a person for a while, or by a maintenance window of the configuration each time
 * it opens.
 *
 * Invariants:
 *  1. Each has an owner, a reason and an end, at most 30 days after its beginning.
 *  2. What a person set ends after so much time, wherever the clock is put; a window's occurrence
 *     ends when the window closes by the clock, or after 30 days: then the next one begins.
 *  3. Beginning and end are told to its owner, to those who had been told of what it hides, and of
 *     an executive alarm to the level above; each of them once, and no more than
 *     FA_SILENCE_NOTICES_MAX. An alarm is an executive one when it has climbed beyond its first
 *     step: the level above are the managers of those who were told. Or when its policy names
 *     somebody above the silence's owner: then it is those.
 *  4. It is in memory as long as it hides, its notices are under way, or its window is still open:
 *     one that a person ended early does not begin again.
 *
 * What is hidden, and what that means for an alarm, is hiding.c's.
 */
#include "alarms/internal.h"
#include "base/rec.h"

#include <stdlib.h>
#include <string.h>

enum silence_tag {
    S_ID = 1,
    S_STATE,
    S_WHERE,
    S_UPTO,
    S_OWNER,
    S_WINDOW,
    S_ENDED,
    S_REASON,
    S_BEGIN,
    S_END,
    S_TOLD,
};

static void touch(struct fa_engine *engine, struct fa_silence *silence)
{
    if (!silence->dirty) {
        silence->dirty = true;
        silence->next_dirty = engine->hiders.dirty;
        engine->hiders.dirty = silence;
    }
}

static void journal(struct fa_engine *engine, enum fa_journal_code code,
                    const struct fa_silence *silence, const char *who, int64_t number)
{
    fa_journal(engine, code, (struct fa_journal_ids){.silence = silence->id}, who, number);
}

/* ---- what it takes ---- */

/* A severity that is worse than its scope is heard. */
static bool is_beyond(const struct fa_engine *engine, const char *upto, const char *severity)
{
    const struct fa_severity *scope = upto != NULL ? fa_setup_severity(engine->setup, upto) : NULL;
    const struct fa_severity *at = fa_setup_severity(engine->setup, severity);
    return scope != NULL && at != NULL && at->rank < scope->rank;
}

struct fa_matched fa_hiding_matched(const struct fa_alarm *alarm)
{
    return (struct fa_matched){.rule = alarm->texts->rule,
                               .severity = alarm->texts->severity,
                               .category = alarm->texts->category,
                               .labels = fa_alarm_labels(alarm)};
}

bool fa_engine_would_hide(const struct fa_engine *engine, const struct fa_silence_spec *spec,
                          const struct fa_alarm *alarm)
{
    struct fa_matched matched = fa_hiding_matched(alarm);
    bool takes = fa_engine_may_hide(engine, alarm) &&
                 !is_beyond(engine, spec->upto, alarm->texts->severity) &&
                 fa_matchers_match(spec->where, &matched);
    fa_matched_done(&matched);
    return takes;
}

static enum fa_hides could_hide_of(const struct fa_engine *engine,
                                   const struct fa_silence_spec *spec, const struct fa_rule *rule)
{
    const struct fa_category *category =
        rule->category != NULL ? fa_setup_category(engine->setup, rule->category) : NULL;
    struct fa_matched matched = {
        .rule = rule->name, .severity = rule->severity, .category = rule->category};
    if (!fa_matchers_match(spec->where, &matched)) {
        return FA_HIDES_NO_RULE;
    }
    if (rule->is_incident || (category != NULL && category->unsilenceable)) {
        return FA_HIDES_NEVER;
    }
    return is_beyond(engine, spec->upto, rule->severity) ? FA_HIDES_WORSE : FA_HIDES;
}

enum fa_hides fa_engine_could_hide(const struct fa_engine *engine,
                                   const struct fa_silence_spec *spec)
{
    enum fa_hides most = FA_HIDES_NO_RULE;
    for (size_t i = 0; i < engine->setup->rule_count && most != FA_HIDES; i++) {
        enum fa_hides of_rule = could_hide_of(engine, spec, engine->setup->rules[i]);
        most = of_rule > most ? of_rule : most;
    }
    /* An alarm whose rule a reload took away is hidden, too. */
    for (const struct fa_alarm *a = engine->alarms.first; a != NULL && most != FA_HIDES;
         a = a->after) {
        most = fa_engine_would_hide(engine, spec, a) ? FA_HIDES : most;
    }
    return most;
}

static bool may_silence_rule(const struct fa_engine *engine, fa_person person,
                             const struct fa_rule *rule)
{
    const struct fa_directory *dir = engine->setup->people;
    const struct fa_policy *policy = fa_setup_policy(engine->setup, rule->policy);
    struct fa_pset targets;
    struct fa_object object = {.targets = &targets, .reporter = FA_NOBODY};
    const struct fa_ask ask = {.at = engine->now.wall};
    fa_pset_init(&targets, dir);
    if (policy != NULL) {
        fa_policy_people(policy, dir, &ask, &targets);
    }
    bool may = fa_may(dir, (struct fa_viewer){person}, FA_VERB_SILENCE, &object);
    fa_pset_done(&targets);
    return may;
}

bool fa_engine_may_silence(const struct fa_engine *engine, fa_person person,
                           const struct fa_matchers *where)
{
    const struct fa_setup *setup = engine->setup;
    bool any = person < setup->people->people_count && setup->people->people[person].operator_;
    for (size_t i = 0; i < setup->rule_count; i++) {
        const struct fa_rule *rule = setup->rules[i];
        struct fa_matched matched = {
            .rule = rule->name, .severity = rule->severity, .category = rule->category};
        if (rule->is_incident || !fa_matchers_match(where, &matched)) {
            continue;
        }
        if (!may_silence_rule(engine, person, rule)) {
            return false;
        }
        any = true;
    }
    return any;
}

struct fa_silence *fa_silence_for(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_matched matched = fa_hiding_matched(alarm);
    struct fa_silence *found = NULL;
    for (struct fa_silence *s = engine->hiders.silences.first; s != NULL; s = s->after) {
        if (s->state == FA_SILENCE_ACTIVE && !is_beyond(engine, s->upto, alarm->texts->severity) &&
            fa_matchers_match(&s->where, &matched) && (found == NULL || s->end > found->end)) {
            found = s; /* the one that lasts longest: its end is when the alarm is heard */
        }
    }
    fa_matched_done(&matched);
    return found;
}

/* ---- who hears of it ---- */

static bool was_noticed(const struct fa_silence *silence, const char *name)
{
    for (size_t i = 0; i < silence->told_count; i++) {
        if (strcmp(silence->told[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void notify(struct fa_engine *engine, const struct fa_silence *silence, fa_person person,
                   enum fa_notification_kind kind)
{
    struct fa_note_spec spec = {.silence = silence, .person = person, .kind = kind};
    (void)fa_notify(engine, &spec); /* who has no channel has none for alarms either */
}

static void notice(struct fa_engine *engine, struct fa_silence *silence, fa_person person)
{
    if (person == FA_NOBODY || silence->told_count >= FA_SILENCE_NOTICES_MAX) {
        return;
    }
    const char *name = engine->setup->people->people[person].name;
    if (!was_noticed(silence, name)) {
        silence->told = fa_xgrow(silence->told, silence->told_count, &silence->told_cap,
                                 sizeof silence->told[0]);
        silence->told[silence->told_count++] = fa_intern(&engine->texts, name);
        touch(engine, silence);
        notify(engine, silence, person, FA_NOTE_SILENCED);
    }
}

/* Those whom the alarm's policy names and who are above the silence's owner. */
static void add_owners_managers(const struct fa_engine *engine, const struct fa_silence *silence,
                                const struct fa_alarm *alarm, struct fa_pset *set)
{
    const struct fa_directory *dir = engine->setup->people;
    struct fa_pset named;
    struct fa_aim aim;
    fa_person at = fa_directory_find(dir, fa_str_of(silence->owner));
    at = at != FA_NOBODY ? fa_directory_manager(dir, at) : FA_NOBODY;
    if (at == FA_NOBODY) {
        return;
    }
    fa_pset_init(&named, dir);
    fa_aim_init(&aim, engine, alarm);
    fa_policy_people(aim.policy, dir, &aim.ask, &named);
    fa_aim_done(&aim);
    for (; at != FA_NOBODY; at = fa_directory_manager(dir, at)) {
        if (fa_pset_has(&named, at)) {
            fa_pset_add(set, at);
        }
    }
    fa_pset_done(&named);
}

void fa_silence_hides(struct fa_engine *engine, struct fa_silence *silence,
                      const struct fa_alarm *alarm)
{
    const struct fa_directory *dir = engine->setup->people;
    bool executive = alarm->climbing && (alarm->step > 0 || alarm->loop > 0);
    struct fa_pset set;
    if (silence->told_count >= FA_SILENCE_NOTICES_MAX) {
        return;
    }
    fa_pset_init(&set, dir);
    for (size_t i = 0; i < alarm->told_count; i++) {
        fa_person person = fa_directory_find(dir, fa_str_of(alarm->told[i].to->person));
        fa_pset_add(&set, person);
        if (executive && person != FA_NOBODY) {
            fa_pset_add(&set, fa_directory_manager(dir, person));
        }
    }
    add_owners_managers(engine, silence, alarm, &set);
    for (fa_person p = fa_pset_next(&set, 0); p != FA_NOBODY; p = fa_pset_next(&set, p + 1)) {
        notice(engine, silence, p);
    }
    fa_pset_done(&set);
}

/* ---- beginning and end ---- */

static void begin(struct fa_engine *engine, struct fa_silence *silence)
{
    silence->state = FA_SILENCE_ACTIVE;
    touch(engine, silence);
    engine->stats.silences++;
    journal(engine, FA_J_SILENCE_BEGAN, silence, silence->owner, silence->end);
    notice(engine, silence, fa_directory_find(engine->setup->people, fa_str_of(silence->owner)));
    fa_hiding_review_all(engine);
}

/* who: NULL: it is time. What still holds climbs before its end is told. */
static void end(struct fa_engine *engine, struct fa_silence *silence, const char *who)
{
    bool began = silence->state == FA_SILENCE_ACTIVE;
    silence->state = FA_SILENCE_OVER;
    silence->ended = fa_intern(&engine->texts, who);
    touch(engine, silence);
    journal(engine, FA_J_SILENCE_OVER, silence, who, 0);
    if (!began) {
        return;
    }
    engine->stats.silences--;
    fa_hiding_review_all(engine);
    for (size_t i = 0; i < silence->told_count; i++) {
        fa_person person = fa_directory_find(engine->setup->people, fa_str_of(silence->told[i]));
        if (person != FA_NOBODY) {
            notify(engine, silence, person, FA_NOTE_SILENCE_OVER);
        }
    }
}

static struct fa_silence *make(struct fa_engine *engine, const struct fa_silence_spec *spec)
{
    struct fa_silence *s = fa_xcalloc(1, sizeof *s);
    s->id = spec->id;
    while (fa_id_is_zero(s->id.id) || fa_engine_silence(engine, s->id) != NULL) {
        s->id.id = fa_id_random(&engine->rng);
    }
    fa_matchers_copy(spec->where, &s->where);
    s->owner = fa_intern(&engine->texts, spec->owner);
    s->upto = fa_intern(&engine->texts, spec->upto);
    s->reason = fa_xstrdup(spec->reason);
    s->begin = spec->begin > engine->now.wall ? spec->begin : engine->now.wall;
    s->end = spec->end < s->begin + FA_SILENCE_LONGEST ? spec->end : s->begin + FA_SILENCE_LONGEST;
    fa_book_add(&engine->hiders.silences, s);
    touch(engine, s);
    journal(engine, FA_J_SILENCE_SET, s, s->owner, s->end);
    return s;
}

int fa_silence_set(struct fa_engine *engine, const struct fa_silence_spec *spec,
                   struct fa_silence_id *ret_id)
{
    struct fa_err err;
    size_t bytes = strlen(spec->reason);
    fa_time from = spec->begin > engine->now.wall ? spec->begin : engine->now.wall;
    if (engine->hiders.silences.count >= FA_SILENCES_MAX) {
        return FA_EFULL;
    }
    if (fa_matchers_check(spec->where, &err) != 0 || bytes == 0 || bytes > FA_SILENCE_REASON_MAX ||
        spec->end <= from || spec->end - from > FA_SILENCE_LONGEST ||
        from - engine->now.wall > FA_SILENCE_LONGEST) {
        return FA_EINVAL;
    }
    *ret_id = make(engine, spec)->id;
    fa_silences_due(engine);
    return 0;
}

int fa_silence_end(struct fa_engine *engine, struct fa_silence_id id, const char *who)
{
    struct fa_silence *silence = fa_book_find(&engine->hiders.silences, id.id);
    if (silence == NULL) {
        return FA_ENOTFOUND;
    }
    if (silence->state == FA_SILENCE_OVER) {
        return FA_ECONFLICT;
    }
    end(engine, silence, who);
    fa_silences_due(engine);
    return 0;
}

/* ---- windows ---- */

static fa_time earliest(fa_time a, fa_time b)
{
    return a < b ? a : b;
}

/* The one that it opened and whose time is not over, also when a person ended it. Of a window that
 * was changed since there may be another one, which hides other alarms. */
static struct fa_silence *occurrence_of(const struct fa_engine *engine,
                                        const struct fa_maintenance *window)
{
    for (struct fa_silence *s = engine->hiders.silences.first; s != NULL; s = s->after) {
        if (s->window != NULL && strcmp(s->window, window->name) == 0 &&
            (s->state != FA_SILENCE_OVER || s->end > engine->now.wall) &&
            fa_matchers_eq(&s->where, &window->where)) {
            return s;
        }
    }
    return NULL;
}

static const struct fa_maintenance *window_of(const struct fa_engine *engine,
                                              const struct fa_silence *silence)
{
    for (size_t i = 0; i < engine->setup->maintenance_count; i++) {
        if (strcmp(engine->setup->maintenance[i].name, silence->window) == 0) {
            return &engine->setup->maintenance[i];
        }
    }
    return NULL;
}

/* When a window that is open now closes, at most FA_SILENCE_LONGEST on. */
static fa_time window_end(const struct fa_engine *engine, const struct fa_maintenance *window)
{
    fa_time at = engine->now.wall, latest = at + FA_SILENCE_LONGEST;
    bool open = true;
    while (open && at < latest) {
        fa_time change = FA_NEVER;
        open = fa_maintenance_has(window, engine->setup->people, at, &change);
        at = open ? change : at;
    }
    return at < latest ? at : latest;
}

/* Has the configuration taken it away, or is it another one now? */
static bool is_revoked(const struct fa_engine *engine, const struct fa_silence *silence)
{
    fa_time change;
    const struct fa_maintenance *window = window_of(engine, silence);
    return window == NULL || !fa_matchers_eq(&window->where, &silence->where) ||
           !fa_maintenance_has(window, engine->setup->people, engine->now.wall, &change);
}

static void open_window(struct fa_engine *engine, const struct fa_maintenance *window)
{
    fa_time until = window_end(engine, window);
    struct fa_silence *silence = occurrence_of(engine, window);
    if (silence != NULL) {
        until = earliest(until, silence->begin + FA_SILENCE_LONGEST);
        if (silence->end != until) {
            silence->end = until;
            touch(engine, silence);
        }
        return;
    }
    struct fa_silence_spec spec = {
        .where = &window->where, .owner = window->owner, .reason = window->reason, .end = until};
    silence = make(engine, &spec);
    silence->window = fa_intern(&engine->texts, window->name);
}

static void follow_windows(struct fa_engine *engine)
{
    fa_time change;
    for (size_t i = 0; i < engine->setup->maintenance_count; i++) {
        const struct fa_maintenance *window = &engine->setup->maintenance[i];
        if (fa_maintenance_has(window, engine->setup->people, engine->now.wall, &change)) {
            open_window(engine, window);
        }
    }
}

/* ---- time ---- */

static void arm(struct fa_engine *engine)
{
    fa_time now = engine->now.wall, due = FA_NEVER, change;
    for (const struct fa_silence *s = engine->hiders.silences.first; s != NULL; s = s->after) {
        if (s->state == FA_SILENCE_WAITING) {
            due = earliest(due, s->begin);
        } else if (s->state == FA_SILENCE_ACTIVE || s->end > now) {
            due = earliest(due, s->end);
        }
    }
    for (size_t i = 0; i < engine->setup->maintenance_count; i++) {
        (void)fa_maintenance_has(&engine->setup->maintenance[i], engine->setup->people, now,
                                 &change);
        due = earliest(due, change);
    }
    engine->hiders.due = due == FA_NEVER ? FA_NEVER : engine->now.mono + (due - now);
}

void fa_silences_due(struct fa_engine *engine)
{
    fa_time now = engine->now.wall;
    for (struct fa_silence *s = engine->hiders.silences.first; s != NULL; s = s->after) {
        if (s->state == FA_SILENCE_ACTIVE &&
            (s->end <= now || (s->window != NULL && is_revoked(engine, s)))) {
            s->end = earliest(s->end, now);
            end(engine, s, NULL);
        } else if (s->state == FA_SILENCE_OVER && s->end <= now) {
            touch(engine, s); /* the step's end lets it go */
        }
    }
    follow_windows(engine);
    for (struct fa_silence *s = engine->hiders.silences.first; s != NULL; s = s->after) {
        if (s->state == FA_SILENCE_WAITING && s->begin <= now) {
            if (s->end > now) {
                begin(engine, s);
            } else {
                end(engine, s, NULL);
            }
        }
    }
    arm(engine);
}

void fa_silences_shift(struct fa_engine *engine, fa_time shift)
{
    for (struct fa_silence *s = engine->hiders.silences.first; s != NULL && shift != 0;
         s = s->after) {
        if (s->window == NULL) {
            s->begin += shift;
            s->end += shift;
            touch(engine, s);
        }
    }
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        if (a->hiding != NULL) {
            a->hiding->since += a->hiding->since != 0 ? shift : 0;
            a->hiding->lifted += a->hiding->lifted != 0 ? shift : 0;
        }
    }
}

/* ---- rows ---- */

void fa_silence_free(struct fa_silence *silence)
{
    fa_matchers_done(&silence->where);
    free(silence->reason);
    free(silence->told);
    free(silence);
}

void fa_silences_free(struct fa_engine *engine)
{
    struct fa_silence *next;
    for (struct fa_silence *s = engine->hiders.silences.first; s != NULL; s = next) {
        next = s->after;
        fa_silence_free(s);
    }
    fa_book_done(&engine->hiders.silences);
}

void fa_silence_notice(struct fa_engine *engine, const struct fa_notification *n, int by)
{
    struct fa_silence *silence = fa_book_find(&engine->hiders.silences, n->silence.id);
    if (silence != NULL) {
        silence->notices += (uint32_t)by;
        touch(engine, silence);
    }
}

static bool is_gone(const struct fa_engine *engine, const struct fa_silence *silence)
{
    bool waits_for_window = silence->window != NULL && silence->end > engine->now.wall;
    return silence->state == FA_SILENCE_OVER && silence->notices == 0 && !waits_for_window;
}

void fa_silences_flush(struct fa_engine *engine, struct fa_buf *buf)
{
    struct fa_silence *next;
    for (struct fa_silence *s = engine->hiders.dirty; s != NULL; s = next) {
        next = s->next_dirty;
        s->dirty = false;
        s->next_dirty = NULL;
        fa_buf_clear(buf);
        fa_silence_encode(s, buf);
        struct fa_action *row =
            fa_add_row(engine, FA_ROW_SILENCE, s->id.id.bytes, FA_ID_BYTES, buf);
        row->u.row.live = !is_gone(engine, s);
        if (!row->u.row.live) {
            fa_book_remove(&engine->hiders.silences, s);
            fa_silence_free(s);
        }
    }
    engine->hiders.dirty = NULL;
}

void fa_silence_encode(const struct fa_silence *s, struct fa_buf *buf)
{
    fa_rec_put_bytes(buf, S_ID, s->id.id.bytes, FA_ID_BYTES);
    fa_rec_put_u64(buf, S_STATE, s->state);
    for (size_t i = 0; i < s->where.count; i++) {
        struct fa_buf text;
        fa_buf_init(&text, 4096);
        fa_matcher_format(&s->where.list[i], &text);
        fa_rec_put_text(buf, S_WHERE, fa_buf_text(&text));
        fa_buf_done(&text);
    }
    fa_rec_put_text(buf, S_UPTO, s->upto);
    fa_rec_put_text(buf, S_OWNER, s->owner);
    fa_rec_put_text(buf, S_WINDOW, s->window);
    fa_rec_put_text(buf, S_ENDED, s->ended);
    fa_rec_put_text(buf, S_REASON, s->reason);
    fa_rec_put_i64(buf, S_BEGIN, s->begin);
    fa_rec_put_i64(buf, S_END, s->end);
    for (size_t i = 0; i < s->told_count; i++) {
        fa_rec_put_text(buf, S_TOLD, s->told[i]);
    }
}

static bool read_field(struct fa_silence *s, const struct fa_rec_field *f,
                       struct fa_interned **texts)
{
    struct fa_err err;
    switch ((enum silence_tag)f->tag) {
    case S_ID:
        if (f->type != FA_REC_BYTES || f->bytes.len != FA_ID_BYTES) {
            return false;
        }
        memcpy(s->id.id.bytes, f->bytes.ptr, FA_ID_BYTES);
        return true;
    case S_STATE:
        s->state = f->u64 < FA_SILENCE__COUNT ? (enum fa_silence_state)f->u64 : FA_SILENCE_OVER;
        return true;
    case S_WHERE:
        return fa_matchers_add(&s->where, f->bytes, &err) == 0;
    case S_UPTO:
        s->upto = fa_intern_str(texts, f->bytes);
        return true;
    case S_OWNER:
        s->owner = fa_intern_str(texts, f->bytes);
        return true;
    case S_WINDOW:
        s->window = fa_intern_str(texts, f->bytes);
        return true;
    case S_ENDED:
        s->ended = fa_intern_str(texts, f->bytes);
        return true;
    case S_REASON:
        free(s->reason);
        s->reason = fa_xstrndup(f->bytes.ptr, f->bytes.len);
        return true;
    case S_BEGIN:
        s->begin = fa_row_time(f);
        return true;
    case S_END:
        s->end = fa_row_time(f);
        return true;
    case S_TOLD:
        if (s->told_count < FA_SILENCE_NOTICES_MAX) {
            s->told = fa_xgrow(s->told, s->told_count, &s->told_cap, sizeof s->told[0]);
            s->told[s->told_count++] = fa_intern_str(texts, f->bytes);
        }
        return true;
    }
    return true;
}

int fa_silence_decode(struct fa_str bytes, struct fa_interned **texts,
                      struct fa_silence **ret_silence)
{
    struct fa_silence *s = fa_xcalloc(1, sizeof *s);
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    bool ok = true;
    while (ok && fa_rec_next(&reader, &field)) {
        ok = read_field(s, &field, texts);
    }
    if (!ok || reader.bad || fa_id_is_zero(s->id.id) || s->where.count == 0 || s->owner == NULL ||
        s->reason == NULL || s->end - s->begin > FA_SILENCE_LONGEST) {
        fa_silence_free(s);
        return FA_ECORRUPT;
    }
    *ret_silence = s;
    return 0;
}

int fa_silence_load(struct fa_engine *engine, struct fa_str value)
{
    struct fa_silence *silence = NULL;
    if (fa_silence_decode(value, &engine->texts, &silence) != 0) {
        return FA_ECORRUPT;
    }
    if (fa_book_find(&engine->hiders.silences, silence->id.id) != NULL) {
        fa_silence_free(silence);
        return FA_ECORRUPT;
    }
    engine->stats.silences += silence->state == FA_SILENCE_ACTIVE;
    fa_book_add(&engine->hiders.silences, silence);
    return 0;
}

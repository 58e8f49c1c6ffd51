/* SPDX-License-Identifier: MIT */
/* What a rule holds for beyond its limit of alarms: one alarm more, RULE/further, that says for how
 * many label sets. A flood takes no memory without bound, and no rule that fires goes untold.
 *
 * Invariants:
 *  1. The further label sets are known one by one, each with a row of its own: their number is
 * exact, over a restart too, and the alarm is over when the data of each of them say so.
 *  2. When an alarm of the rule is gone, the one that has waited longest and is known to hold
 * becomes an alarm of its own, in the same step. Its `for` counts from when it came, without the
 * time that it had no data.
 *  3. Missing data take nobody out; a label set without data is not made an alarm either.
 *  4. Beyond FURTHER_MAX of all rules they are not known any more: then only a person closes it.
 *  5. Whoever is kept out of the one that stands for them is kept out of what was among them.
 *  6. A label set whose last alarm somebody was kept out of is none of them: it has an alarm of its
 * own, beyond the limit, for what stands for all of them is told to that person too.
 *
 * One takes 135 bytes and its labels, and of a rule over alerts what is kept of those. */
#include "alarms/internal.h"
#include "base/rec.h"
#include "rules/foreign.h"

#include <stdlib.h>
#include <string.h>

#define FURTHER_MAX 200000u

/* A label set. */
struct more {
    double value;
    fa_time since;            /* wall */
    fa_time from;             /* wall: `for` counts from here */
    fa_time lost;             /* wall: when its data went missing; 0: they are there */
    struct fa_source *source; /* owned; NULL: not of a rule over alerts */
    bool is_unknown;
    UT_hash_handle hh; /* by labels, in the order they came */
    char labels[];
};

struct fa_further {
    const char *rule; /* (interned) */
    uint32_t open;    /* alarms of its own */
    uint32_t unknown; /* of the label sets */
    struct more *sets;
    UT_hash_handle hh; /* by rule */
};

enum further_tag { M_RULE = 1, M_LABELS, M_VALUE, M_SINCE, M_MEMBER, M_FROM, M_LOST };

static const char suffix[] = "/further";

bool fa_is_further(const struct fa_alarm *alarm)
{
    size_t rule = strlen(alarm->texts->rule);
    return strncmp(alarm->identity, alarm->texts->rule, rule) == 0 &&
           strcmp(alarm->identity + rule, suffix) == 0;
}

static struct fa_further *find(const struct fa_engine *engine, const char *rule)
{
    struct fa_further *further = NULL;
    HASH_FIND_STR(engine->further, rule, further);
    return further;
}

static struct fa_further *take(struct fa_engine *engine, const char *rule)
{
    struct fa_further *further = find(engine, rule);
    if (further == NULL) {
        further = fa_xcalloc(1, sizeof *further);
        further->rule = fa_intern(&engine->texts, rule);
        HASH_ADD_KEYPTR(hh, engine->further, further->rule, strlen(further->rule), further);
    }
    return further;
}

static struct fa_alarm *alarm_of(const struct fa_engine *engine, const char *rule,
                                 struct fa_buf *identity)
{
    fa_buf_init(identity, FA_ROW_BYTES_MAX);
    fa_buf_printf(identity, "%s%s", rule, suffix);
    return fa_names_find(&engine->identities, fa_buf_text(identity));
}

/* ---- the limit ---- */

void fa_further_count(struct fa_engine *engine, const struct fa_alarm *alarm, bool is_there)
{
    engine->further_room = engine->further_room || !is_there; /* of all rules, whatever it was */
    if ((alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) == 0 && !fa_is_further(alarm)) {
        take(engine, alarm->texts->rule)->open += is_there ? 1 : UINT32_MAX;
    }
}

static bool is_full(const struct fa_engine *engine, const struct fa_further *further)
{
    return engine->identities.count >= engine->setup->alarms_open_max ||
           (further != NULL && further->open >= engine->setup->alarms_per_rule_max);
}

/* ---- label sets ---- */

static void identify(const char *rule, const char *labels, struct fa_buf *identity)
{
    fa_buf_init(identity, FA_ROW_BYTES_MAX);
    fa_buf_printf(identity, "%s{%s}", rule, labels);
}

static struct more *add(struct fa_engine *engine, struct fa_further *further, struct fa_str labels)
{
    struct more *more = fa_xcalloc(1, sizeof *more + labels.len + 1);
    memcpy(more->labels, labels.ptr, labels.len);
    HASH_ADD_KEYPTR(hh, further->sets, more->labels, labels.len, more);
    engine->further_sets++;
    return more;
}

static void put_row(struct fa_engine *engine, const struct fa_further *further,
                    const struct more *more)
{
    struct fa_buf buf, identity;
    fa_buf_init(&buf, FA_ROW_BYTES_MAX);
    fa_rec_put_text(&buf, M_RULE, further->rule);
    fa_rec_put_text(&buf, M_LABELS, more->labels);
    fa_rec_put_f64(&buf, M_VALUE, more->value);
    fa_rec_put_i64(&buf, M_SINCE, more->since);
    fa_rec_put_i64(&buf, M_FROM, more->from);
    if (more->lost != 0) {
        fa_rec_put_i64(&buf, M_LOST, more->lost);
    }
    for (size_t i = 0; more->source != NULL && i < more->source->member_count; i++) {
        fa_rec_put_u64(&buf, M_MEMBER, more->source->members[i]);
    }
    identify(further->rule, more->labels, &identity);
    fa_put_named_row(engine, FA_ROW_FURTHER, fa_buf_text(&identity), &buf);
    fa_buf_done(&identity);
    fa_buf_done(&buf);
}

static void forget(struct fa_engine *engine, struct fa_further *further, struct more *more)
{
    HASH_DELETE(hh, further->sets, more);
    engine->further_sets--;
    further->unknown -= more->is_unknown;
    free(more->source);
    free(more);
}

static void erase(struct fa_engine *engine, struct fa_further *further, struct more *more)
{
    struct fa_buf identity;
    identify(further->rule, more->labels, &identity);
    fa_erase_named_row(engine, FA_ROW_FURTHER, fa_buf_text(&identity));
    fa_buf_done(&identity);
    forget(engine, further, more);
}

static void set_unknown(struct fa_further *further, struct more *more, bool is_unknown)
{
    further->unknown += is_unknown;
    further->unknown -= more->is_unknown;
    more->is_unknown = is_unknown;
}

/* Nobody was told its texts yet, so the newest count; they come again before it is an alarm, and
 * only the alerts are stored. True: these are others. */
static bool renew_source(struct more *more, const struct fa_source *source)
{
    struct fa_source *old = more->source;
    if (source == NULL) {
        return false;
    }
    size_t count = source->member_count;
    bool is_same = old != NULL && old->member_count == count &&
                   (count == 0 ||
                    memcmp(old->members, source->members, count * sizeof source->members[0]) == 0);
    more->source = fa_source_copy(source);
    free(old);
    return !is_same;
}

/* `for` stands still without data. True: it did not before, or does not any more. */
static bool mind_gap(struct more *more, bool is_unknown, fa_time wall)
{
    if (is_unknown == (more->lost != 0)) {
        return false;
    }
    more->from += is_unknown ? 0 : wall - more->lost;
    more->lost = is_unknown ? wall : 0;
    return true;
}

/* It fires, or nothing is known of it. */
static void heed(struct fa_engine *engine, struct fa_further *further, struct more *more,
                 const struct fa_signal *signal)
{
    bool is_unknown = signal->level == FA_LEVEL_UNKNOWN;
    bool is_new = renew_source(more, signal->source);
    is_new = mind_gap(more, is_unknown, engine->now.wall) || is_new;
    more->value = is_unknown ? more->value : signal->value;
    set_unknown(further, more, is_unknown);
    if (is_new) {
        put_row(engine, further, more);
    }
}

/* ---- its alarm ---- */

static struct fa_alarm *begin(struct fa_engine *engine, const struct fa_rule *rule,
                              const char *identity, fa_time since)
{
    const struct fa_alarm_spec spec = {
        .identity = identity,
        .rule = rule->name,
        .category = rule->category,
        .severity = rule->severity,
        .labels = "",
        .summary = "This rule holds for more than alarms of it may be open; label sets without an "
                   "alarm of their own: {value}",
        .expect = rule->expect,
        .policy = fa_setup_policy(engine->setup, rule->policy),
        .flags = (rule->latched ? FA_FLAG_LATCHED : 0) | (rule->shadow ? FA_FLAG_SHADOW : 0),
        .for_ms = rule->for_ms,
        .for_measure = rule->for_measure,
        .since = since,
    };
    return fa_alarm_begin(engine, &spec);
}

/* What the label sets say together. Its row is written with what happens to it, and not for each of
 * them: their number is that of their own rows. */
static void follow(struct fa_engine *engine, struct fa_further *further)
{
    struct fa_buf identity;
    struct fa_alarm *alarm = alarm_of(engine, further->rule, &identity);
    uint32_t count = HASH_COUNT(further->sets);
    enum fa_level level = count == 0                  ? FA_LEVEL_CLEAR
                          : further->unknown == count ? FA_LEVEL_UNKNOWN
                                                      : FA_LEVEL_FIRING;
    static const enum fa_alarm_event events[FA_LEVEL__COUNT] = {
        [FA_LEVEL_UNKNOWN] = FA_AEV_UNKNOWN,
        [FA_LEVEL_CLEAR] = FA_AEV_CLEAR,
        [FA_LEVEL_FIRING] = FA_AEV_FIRE,
    };
    fa_buf_done(&identity);
    if (alarm == NULL) {
        return;
    }
    alarm->value = count > 0 ? count : alarm->value;
    if (alarm->level != level || (level == FA_LEVEL_FIRING && (alarm->flags & FA_FLAG_UNKNOWN))) {
        alarm->level = level;
        alarm->flags &= level != FA_LEVEL_UNKNOWN ? ~FA_FLAG_UNKNOWN : ~0u;
        fa_touch_alarm(engine, alarm);
        int rc = fa_alarm_event(engine, alarm, events[level], NULL);
        fa_assert(rc == 0);
    }
}

static void enter(struct fa_engine *engine, struct fa_further *further,
                  const struct fa_signal *signal)
{
    struct fa_buf identity;
    struct fa_alarm *alarm = alarm_of(engine, further->rule, &identity);
    struct more *more = NULL;
    HASH_FIND_STR(further->sets, signal->labels, more);
    if (alarm == NULL) {
        alarm = begin(engine, signal->rule, fa_buf_text(&identity), signal->since);
        alarm->value = HASH_COUNT(further->sets) + (more == NULL); /* a person closed the last */
        fa_alarm_start(engine, alarm);
    }
    fa_buf_done(&identity);
    if (more != NULL) {
        heed(engine, further, more, signal);
    } else if (engine->further_sets >= FURTHER_MAX) {
        alarm->flags |= FA_FLAG_LATCHED;
        fa_touch_alarm(engine, alarm);
    } else {
        more = add(engine, further, fa_str_of(signal->labels));
        more->value = signal->value;
        more->since = signal->since;
        more->from = engine->now.wall;
        more->source = fa_source_copy(signal->source);
        put_row(engine, further, more);
    }
    follow(engine, further);
}

bool fa_further_takes(struct fa_engine *engine, const struct fa_signal *signal,
                      const char *identity)
{
    struct fa_further *further = find(engine, signal->rule->name);
    struct more *more = NULL;
    if (further != NULL) {
        HASH_FIND_STR(further->sets, signal->labels, more);
    }
    if (signal->level == FA_LEVEL_FIRING && is_full(engine, further) &&
        !fa_kept_out_has(engine, identity)) {
        if (engine->identities.count >= engine->setup->alarms_open_max) {
            fa_trouble_once(
                engine, "alarms-full",
                "the limit of open alarms is reached: further series of a rule share one");
        }
        enter(engine, take(engine, signal->rule->name), signal);
        return true;
    }
    if (more == NULL) {
        return signal->level != FA_LEVEL_FIRING;
    }
    if (signal->level == FA_LEVEL_CLEAR) {
        erase(engine, further, more);
    } else {
        heed(engine, further, more, signal);
        engine->further_room = true; /* where there is, it becomes an alarm at the step's end */
    }
    follow(engine, further);
    return true;
}

/* ---- when there is room again ---- */

static void promote(struct fa_engine *engine, struct fa_further *further,
                    const struct fa_rule *rule, struct more *more)
{
    struct fa_buf identity;
    struct fa_alarm_spec spec;
    bool is_elapsed = rule->for_measure == FA_MEASURE_CLOCK; /* else all of it: no step too soon */
    fa_time held = is_elapsed ? engine->now.wall - more->from : 0;
    struct fa_signal signal = {.rule = rule,
                               .labels = more->labels,
                               .level = FA_LEVEL_FIRING,
                               .value = more->value,
                               .since = more->since,
                               .source = more->source};
    identify(rule->name, more->labels, &identity);
    fa_alarm_spec_of(engine, &signal, fa_buf_text(&identity), &spec);
    spec.for_ms = held < rule->for_ms ? rule->for_ms : 0;
    struct fa_alarm *alarm = fa_alarm_begin(engine, &spec);
    alarm->held = spec.for_ms > 0 && held > 0 ? held : 0;
    erase(engine, further, more);
    fa_buf_clear(&identity);
    fa_buf_printf(&identity, "%s%s", rule->name, suffix);
    fa_kept_out_apply(engine, alarm, fa_buf_text(&identity));
    fa_alarm_start(engine, alarm);
    fa_buf_done(&identity);
}

void fa_further_promote(struct fa_engine *engine)
{
    if (!engine->further_room) {
        return;
    }
    engine->further_room = false;
    for (struct fa_further *f = engine->further; f != NULL; f = f->hh.next) {
        const struct fa_rule *rule = f->sets != NULL ? fa_setup_rule(engine->setup, f->rule) : NULL;
        struct more *more, *next;
        if (rule == NULL || HASH_COUNT(f->sets) == f->unknown || is_full(engine, f)) {
            continue;
        }
        HASH_ITER(hh, f->sets, more, next) {
            if (is_full(engine, f)) {
                break;
            }
            if (!more->is_unknown) {
                promote(engine, f, rule, more);
            }
        }
        follow(engine, f);
    }
}

void fa_further_closed(struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_further *further = fa_is_further(alarm) ? find(engine, alarm->texts->rule) : NULL;
    struct more *more, *next;
    if (further == NULL) {
        return;
    }
    bool is_gone = fa_setup_rule(engine->setup, alarm->texts->rule) == NULL;
    HASH_ITER(hh, further->sets, more, next) {
        if (is_gone ||
            more->is_unknown) { /* nobody measures it; or should it hold, it is said anew */
            erase(engine, further, more);
        }
    }
}

/* ---- start and end ---- */

void fa_engine_each_further(const struct fa_engine *engine, fa_further_fn *fn, void *ctx)
{
    for (const struct fa_further *f = engine->further; f != NULL; f = f->hh.next) {
        for (const struct more *more = f->sets; more != NULL; more = more->hh.next) {
            fn(ctx, f->rule, more->labels, more->source);
        }
    }
}

struct read_row {
    struct fa_str rule, labels;
    struct more more;
    uint64_t members[FA_FOREIGN_MEMBERS_MAX];
    size_t member_count;
};

static void read_field(struct read_row *read, const struct fa_rec_field *field)
{
    if (field->tag == M_RULE) {
        read->rule = field->bytes;
    } else if (field->tag == M_LABELS) {
        read->labels = field->bytes;
    } else if (field->tag == M_VALUE) {
        read->more.value = field->f64;
    } else if (field->tag == M_SINCE) {
        read->more.since = fa_row_time(field);
    } else if (field->tag == M_FROM) {
        read->more.from = fa_row_time(field);
    } else if (field->tag == M_LOST) {
        read->more.lost = fa_row_time(field);
    } else if (field->tag == M_MEMBER && read->member_count < FA_FOREIGN_MEMBERS_MAX) {
        read->members[read->member_count++] = field->u64;
    }
}

int fa_further_load(struct fa_engine *engine, struct fa_str value)
{
    struct fa_rec_reader reader = fa_rec_read(value);
    struct fa_rec_field field;
    struct read_row read = {.member_count = 0};
    struct more *more = NULL;
    while (fa_rec_next(&reader, &field)) {
        read_field(&read, &field);
    }
    if (reader.bad || read.rule.len == 0 || read.labels.ptr == NULL ||
        engine->further_sets >= FURTHER_MAX) {
        return FA_ECORRUPT;
    }
    struct fa_further *further = take(engine, fa_intern_str(&engine->texts, read.rule));
    HASH_FIND(hh, further->sets, read.labels.ptr, read.labels.len, more);
    if (more != NULL) {
        return FA_ECORRUPT;
    }
    more = add(engine, further, read.labels);
    more->value = read.more.value;
    more->since = read.more.since;
    more->from = read.more.from != 0 ? read.more.from : read.more.since;
    more->lost = read.more.lost;
    if (read.member_count > 0) {
        more->source = fa_source_copy(&(struct fa_source){NULL, read.members, read.member_count});
    }
    set_unknown(further, more, true); /* until the data say so again */
    return 0;
}

void fa_further_start(struct fa_engine *engine)
{
    for (struct fa_further *f = engine->further; f != NULL; f = f->hh.next) {
        struct fa_buf identity;
        struct fa_alarm *alarm = alarm_of(engine, f->rule, &identity);
        if (alarm != NULL && f->sets != NULL) {
            alarm->value = HASH_COUNT(f->sets);
        }
        fa_buf_done(&identity);
    }
}

void fa_further_shift(struct fa_engine *engine, fa_time shift)
{
    for (const struct fa_further *f = engine->further; f != NULL && shift != 0; f = f->hh.next) {
        for (struct more *more = f->sets; more != NULL; more = more->hh.next) {
            more->from += shift;
            more->lost += more->lost != 0 ? shift : 0;
            put_row(engine, f, more);
        }
    }
}

void fa_further_done(struct fa_engine *engine)
{
    struct fa_further *further, *next;
    HASH_ITER(hh, engine->further, further, next) {
        struct more *more, *more_next;
        HASH_ITER(hh, further->sets, more, more_next) {
            forget(engine, further, more);
        }
        HASH_DELETE(hh, engine->further, further);
        free(further);
    }
}

/* SPDX-License-Identifier: MIT */
/* How alarms, incidents and notifications are stored. A tag is never reused; a reader skips those
 * it does not know. What history holds can be read with the same functions. */
#include "alarms/internal.h"
#include "base/texts.h"
#include "rules/foreign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
enum alarm_tag {
    A_ID = 1, A_IDENTITY, A_RULE, A_CATEGORY, A_SEVERITY, A_POLICY, A_HASH, A_SUMMARY, A_EXPECT,
    A_LABELS, A_STATE, A_FLAGS, A_LEVEL, A_VALUE, A_SINCE, A_RAISED, A_CHANGED, A_FOR, A_STEP,
    A_LOOP, A_CLIMBING, A_ARMED, A_LENGTH, A_OWNER, A_PROMISED, A_INCIDENT, A_ABOUT, A_STRUCK,
    A_TOLD, A_COMMENT, A_OWNED, A_HELD, A_MOMENT, A_MOMENTS_LOST, A_EVIDENCE, A_WORST, A_DETAILS,
    A_MEMBER, A_GUESS, A_CLOCK, A_HIDING = 60, A_FLAPS, A_FOR_MEASURE = 71, A_FIRST_TOLD = 100,
};
/* clang-format on */
/* clang-format off */
enum incident_tag {
    I_ID = 1, I_CATEGORY, I_CUSTOMER, I_TEXT, I_SINCE, I_KNOWN, I_REPORTER, I_ABOUT, I_STRUCK,
    I_LEVEL, I_STATE, I_FILED, I_CLOSED, I_JOURNAL, I_ARMED, I_LENGTH, I_ALARM, I_COMMENT,
    I_TOLD, I_TOLD_FIRST, I_OWNED, I_RAISED_BY, I_CALLED, I_KEPT, I_MISSED,
    I_DUE_IN, I_DUE_MEASURE,
};
/* clang-format on */
/* clang-format off */
enum notification_tag {
    N_ID = 1, N_ALARM, N_INCIDENT, N_PERSON, N_CHANNEL, N_ADDRESS, N_KIND, N_STATE, N_ATTEMPTS,
    N_STEP, N_LOOP, N_CONTACT, N_STATUS, N_MOVED_ON, N_VALUE, N_CREATED, N_FAILING, N_ARMED,
    N_LENGTH, N_SILENCE = 40, N_LINE, N_FLAPS,
};
/* clang-format on */
/* clang-format off */
enum inner_tag {
    X_WHO = 1, X_TEXT, X_WHEN, X_CHANNEL, X_NUMBER, X_CODE, X_KIND, X_ATTEMPT, X_TIMES,
    X_SPARED,
};
/* clang-format on */

static void put_id(struct fa_buf *buf, uint32_t tag, const struct fa_id *id)
{
    fa_rec_put_bytes(buf, tag, id->bytes, FA_ID_BYTES);
}

/* Numbers and ids that most do not have are left out: a reader begins with zeros. */
static void put_given(struct fa_buf *buf, uint32_t tag, const struct fa_id *id)
{
    if (!fa_id_is_zero(*id)) {
        put_id(buf, tag, id);
    }
}

static void put_count(struct fa_buf *buf, uint32_t tag, uint64_t count)
{
    if (count != 0) {
        fa_rec_put_u64(buf, tag, count);
    }
}

static void put_time(struct fa_buf *buf, uint32_t tag, fa_time time)
{
    if (time != 0) {
        fa_rec_put_i64(buf, tag, time);
    }
}

static void put_deadline(struct fa_buf *buf, uint32_t armed, uint32_t length,
                         const struct fa_deadline *deadline)
{
    if (deadline->length != FA_NEVER) {
        fa_rec_put_i64(buf, armed, deadline->armed);
        fa_rec_put_i64(buf, length, deadline->length);
    }
}

static void put_inner(struct fa_buf *buf, uint32_t tag, const char *who, const char *text,
                      const char *channel, fa_time when)
{
    size_t from = buf->len;
    fa_rec_put_text(buf, X_WHO, who);
    fa_rec_put_text(buf, X_TEXT, text);
    fa_rec_put_text(buf, X_CHANNEL, channel);
    fa_rec_put_i64(buf, X_WHEN, when);
    fa_rec_wrap(buf, tag, from);
}

static void put_told(struct fa_buf *buf, const struct fa_told *told)
{
    size_t from = buf->len;
    fa_rec_put_text(buf, X_WHO, told->to->person);
    fa_rec_put_text(buf, X_CHANNEL, told->to->channel);
    fa_rec_put_i64(buf, X_WHEN, told->when);
    put_time(buf, X_SPARED, told->spared);
    fa_rec_wrap(buf, A_TOLD, from);
}

/* Most moments have two or three of these numbers. */
static void put_moment(struct fa_buf *buf, const struct fa_moment *moment)
{
    size_t from = buf->len;
    fa_rec_put_text(buf, X_WHO, moment->person);
    fa_rec_put_text(buf, X_CHANNEL, moment->channel);
    fa_rec_put_i64(buf, X_WHEN, moment->when);
    put_time(buf, X_NUMBER, moment->number);
    put_count(buf, X_CODE, moment->code);
    put_count(buf, X_KIND, moment->kind);
    put_count(buf, X_ATTEMPT, moment->attempt);
    put_count(buf, X_TIMES, moment->times);
    fa_rec_wrap(buf, A_MOMENT, from);
}

static void put_guesses(struct fa_buf *buf, const struct fa_guesses *guesses)
{
    for (size_t i = 0; guesses != NULL && i < guesses->count; i++) {
        size_t from = buf->len;
        fa_rec_put_text(buf, X_WHO, guesses->items[i].person);
        fa_rec_put_u64(buf, X_TIMES, guesses->items[i].wrong);
        fa_rec_wrap(buf, A_GUESS, from);
    }
}

static void put_texts(struct fa_buf *buf, uint32_t tag, char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fa_rec_put_text(buf, tag, texts[i]);
    }
}

void fa_alarm_encode(const struct fa_alarm *a, struct fa_buf *buf)
{
    put_id(buf, A_ID, &a->id.id);
    fa_rec_put_text(buf, A_IDENTITY, a->identity);
    fa_rec_put_text(buf, A_RULE, a->texts->rule);
    fa_rec_put_text(buf, A_CATEGORY, a->texts->category);
    fa_rec_put_text(buf, A_SEVERITY, a->texts->severity);
    fa_rec_put_text(buf, A_POLICY, a->texts->policy);
    fa_rec_put_text(buf, A_HASH, a->texts->policy_hash);
    fa_rec_put_text(buf, A_SUMMARY, a->texts->summary);
    fa_rec_put_text(buf, A_EXPECT, a->texts->expect);
    fa_rec_put_text(buf, A_LABELS, fa_alarm_labels(a));
    fa_rec_put_u64(buf, A_STATE, a->state);
    put_count(buf, A_FLAGS, a->flags);
    fa_rec_put_u64(buf, A_LEVEL, a->level);
    /* That of all further label sets is how many they are: they have rows of their own. */
    fa_rec_put_f64(buf, A_VALUE, fa_is_further(a) ? (double)NAN : a->value);
    fa_rec_put_i64(buf, A_SINCE, a->since);
    fa_rec_put_i64(buf, A_RAISED, a->raised);
    fa_rec_put_i64(buf, A_CHANGED, a->changed);
    put_time(buf, A_FOR, a->texts->for_ms);
    put_time(buf, A_HELD, a->held);
    put_count(buf, A_STEP, a->step);
    put_count(buf, A_LOOP, a->loop);
    put_count(buf, A_CLIMBING, a->climbing);
    put_deadline(buf, A_ARMED, A_LENGTH, &a->deadline);
    put_count(buf, A_CLOCK, a->clock);
    put_count(buf, A_FOR_MEASURE, a->for_measure);
    fa_rec_put_text(buf, A_OWNER, a->people->owner);
    put_time(buf, A_PROMISED, a->people->promised);
    put_time(buf, A_OWNED, a->people->owned);
    put_time(buf, A_FIRST_TOLD, a->first_told);
    for (size_t i = 0; i < a->people->incident_count; i++) {
        put_id(buf, A_INCIDENT, &a->people->incidents[i].id);
    }
    if (a->source != NULL) {
        fa_rec_put_text(buf, A_DETAILS, a->source->details);
        for (size_t i = 0; i < a->source->member_count; i++) {
            fa_rec_put_u64(buf, A_MEMBER, a->source->members[i]);
        }
    }
    put_texts(buf, A_ABOUT, a->people->about, a->people->about_count);
    put_texts(buf, A_STRUCK, a->people->struck, a->people->struck_count);
    for (size_t i = 0; i < a->told_count; i++) {
        put_told(buf, &a->told[i]);
    }
    for (size_t i = 0; i < a->people->comment_count; i++) {
        put_inner(buf, A_COMMENT, a->people->comments[i].who, a->people->comments[i].text, NULL,
                  a->people->comments[i].when);
    }
    struct fa_moment moments[FA_DIARY_MAX];
    uint32_t moment_count = fa_diary_read(a, moments);
    for (uint32_t i = 0; i < moment_count; i++) {
        put_moment(buf, &moments[i]);
    }
    put_guesses(buf, a->people->guesses);
    put_count(buf, A_MOMENTS_LOST, a->moments_lost);
    put_count(buf, A_EVIDENCE, a->evidence);
    fa_rec_put_f64(buf, A_WORST, a->worst);
    fa_hiding_encode(a, buf, A_HIDING);
    fa_flap_encode(a, buf, A_FLAPS);
}

void fa_incident_encode(const struct fa_incident *i, struct fa_buf *buf)
{
    put_id(buf, I_ID, &i->id.id);
    fa_rec_put_text(buf, I_CATEGORY, i->category);
    fa_rec_put_text(buf, I_CUSTOMER, i->customer);
    fa_rec_put_text(buf, I_TEXT, i->text);
    fa_rec_put_text(buf, I_SINCE, i->since);
    fa_rec_put_u64(buf, I_KNOWN, i->known);
    fa_rec_put_text(buf, I_REPORTER, i->reporter);
    fa_rec_put_text(buf, I_CALLED, i->called);
    put_texts(buf, I_ABOUT, i->about, i->about_count);
    put_texts(buf, I_STRUCK, i->struck, i->struck_count);
    put_texts(buf, I_RAISED_BY, i->raised_by, i->raised_by_count);
    fa_rec_put_u64(buf, I_LEVEL, i->level);
    fa_rec_put_u64(buf, I_STATE, i->state);
    fa_rec_put_i64(buf, I_FILED, i->filed);
    fa_rec_put_i64(buf, I_CLOSED, i->closed);
    fa_rec_put_u64(buf, I_JOURNAL, i->journal_n);
    fa_rec_put_u64(buf, I_TOLD, i->told);
    fa_rec_put_i64(buf, I_TOLD_FIRST, i->told_first);
    fa_rec_put_i64(buf, I_OWNED, i->owned);
    if (i->kept + i->missed > 0) {
        fa_rec_put_u64(buf, I_KEPT, i->kept);
        fa_rec_put_u64(buf, I_MISSED, i->missed);
    }
    put_deadline(buf, I_ARMED, I_LENGTH, &i->due);
    put_time(buf, I_DUE_IN, i->due_in);
    put_count(buf, I_DUE_MEASURE, i->due_measure);
    for (size_t n = 0; n < i->alarm_count; n++) {
        put_id(buf, I_ALARM, &i->alarms[n].id);
    }
    for (size_t n = 0; n < i->comment_count; n++) {
        put_inner(buf, I_COMMENT, i->comments[n].who, i->comments[n].text, NULL,
                  i->comments[n].when);
    }
}

void fa_notification_encode(const struct fa_notification *n, struct fa_buf *buf)
{
    put_id(buf, N_ID, &n->id.id);
    put_given(buf, N_ALARM, &n->alarm.id);
    put_given(buf, N_INCIDENT, &n->incident.id);
    put_given(buf, N_SILENCE, &n->silence.id);
    fa_rec_put_text(buf, N_PERSON, n->person);
    fa_rec_put_text(buf, N_CHANNEL, n->channel);
    fa_rec_put_text(buf, N_ADDRESS, n->address);
    put_count(buf, N_KIND, n->kind);
    fa_rec_put_u64(buf, N_STATE, n->state);
    put_count(buf, N_ATTEMPTS, n->attempts);
    put_count(buf, N_STEP, n->step);
    put_count(buf, N_LOOP, n->loop);
    put_count(buf, N_CONTACT, n->contact);
    put_count(buf, N_STATUS, n->status);
    put_count(buf, N_MOVED_ON, n->moved_on);
    put_count(buf, N_FLAPS, n->flaps);
    fa_rec_put_f64(buf, N_VALUE, n->value);
    fa_rec_put_i64(buf, N_CREATED, n->created);
    put_time(buf, N_FAILING, n->failing);
    put_deadline(buf, N_ARMED, N_LENGTH, &n->deadline);
    for (size_t i = 0; n->lines != NULL && i < n->lines->id_count; i++) {
        put_id(buf, N_LINE, &n->lines->ids[i].id);
    }
}

/* ---- reading ---- */

static bool get_id(const struct fa_rec_field *field, struct fa_id *ret_id)
{
    if (field->type != FA_REC_BYTES || field->bytes.len != FA_ID_BYTES) {
        return false;
    }
    memcpy(ret_id->bytes, field->bytes.ptr, FA_ID_BYTES);
    return true;
}

/* Times that sums of a few cannot overflow, whatever damage wrote: 140,000 years. */
static fa_time get_time(const struct fa_rec_field *field)
{
    const fa_time most = (fa_time)1 << 52;
    return field->i64 > most ? most : field->i64 < -most ? -most : field->i64;
}

fa_time fa_row_time(const struct fa_rec_field *field)
{
    return get_time(field);
}

/* What is left of a deadline is never more than the longest that can be configured. */
static fa_time get_length(const struct fa_rec_field *field)
{
    return field->i64 > FA_DURATION_MAX ? FA_DURATION_MAX : field->i64 < 0 ? 0 : field->i64;
}

static char *get_text(const struct fa_rec_field *field, char *old)
{
    free(old);
    return fa_xstrndup(field->bytes.ptr, field->bytes.len);
}

static bool get_comment(const struct fa_rec_field *outer, struct fa_comment *ret)
{
    struct fa_rec_reader reader = fa_rec_read(outer->bytes);
    struct fa_rec_field field;
    *ret = (struct fa_comment){0};
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == X_WHO) {
            ret->who = get_text(&field, ret->who);
        } else if (field.tag == X_TEXT) {
            ret->text = get_text(&field, ret->text);
        } else if (field.tag == X_WHEN) {
            ret->when = get_time(&field);
        }
    }
    ret->text = ret->text != NULL ? ret->text : fa_xstrdup("");
    return !reader.bad;
}

static bool get_told(const struct fa_rec_field *outer, struct fa_interned **texts,
                     struct fa_told *ret)
{
    struct fa_rec_reader reader = fa_rec_read(outer->bytes);
    struct fa_rec_field field;
    struct fa_reach to = {"", ""};
    *ret = (struct fa_told){.to = NULL};
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == X_WHO) {
            to.person = fa_intern_str(texts, field.bytes);
        } else if (field.tag == X_CHANNEL) {
            to.channel = fa_intern_str(texts, field.bytes);
        } else if (field.tag == X_WHEN) {
            ret->when = get_time(&field);
        } else if (field.tag == X_SPARED) {
            ret->spared = get_time(&field);
        }
    }
    ret->to = fa_reach(texts, to.person, to.channel);
    return !reader.bad;
}

static bool get_moment(const struct fa_rec_field *outer, struct fa_interned **texts,
                       struct fa_moment *ret)
{
    struct fa_rec_reader reader = fa_rec_read(outer->bytes);
    struct fa_rec_field field;
    *ret = (struct fa_moment){0};
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == X_WHO) {
            ret->person = fa_intern_str(texts, field.bytes);
        } else if (field.tag == X_CHANNEL) {
            ret->channel = fa_intern_str(texts, field.bytes);
        } else if (field.tag == X_WHEN) {
            ret->when = get_time(&field);
        } else if (field.tag == X_NUMBER) {
            ret->number = get_time(&field);
        } else if (field.tag == X_CODE) {
            ret->code = (uint8_t)field.u64;
        } else if (field.tag == X_KIND) {
            ret->kind = (uint8_t)(field.u64 < FA_NOTE__COUNT ? field.u64 : 0);
        } else if (field.tag == X_ATTEMPT) {
            ret->attempt = (uint16_t)field.u64;
        } else if (field.tag == X_TIMES) {
            ret->times = (uint32_t)field.u64;
        }
    }
    return !reader.bad;
}

static bool get_guess(const struct fa_rec_field *outer, struct fa_interned **texts,
                      struct fa_guess *ret)
{
    struct fa_rec_reader reader = fa_rec_read(outer->bytes);
    struct fa_rec_field field;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == X_WHO) {
            ret->person = fa_intern_str(texts, field.bytes);
        } else if (field.tag == X_TIMES) {
            ret->wrong = field.u64 < FA_GUESSES_MAX ? (uint32_t)field.u64 : FA_GUESSES_MAX;
        }
    }
    return !reader.bad;
}

/* The fields that hold lists. */
static bool read_alarm_list(struct fa_alarm *a, const struct fa_rec_field *f,
                            struct fa_interned **texts)
{
    struct fa_alarm_people *people;
    struct fa_comment comment;
    switch (f->tag) {
    case A_INCIDENT:
        return get_id(f, &fa_alarm_add_incident(a)->id);
    case A_ABOUT:
        people = fa_alarm_people(a);
        fa_texts_add(&people->about, &people->about_count, f->bytes);
        return true;
    case A_STRUCK:
        people = fa_alarm_people(a);
        fa_texts_add(&people->struck, &people->struck_count, f->bytes);
        return true;
    case A_TOLD:
        return get_told(f, texts, fa_alarm_add_told(a));
    case A_GUESS:
        return get_guess(f, texts, fa_guess_add(a));
    case A_MOMENT: {
        struct fa_moment moment;
        bool ok = get_moment(f, texts, &moment);
        (void)fa_diary_add(texts, a, &moment);
        return ok;
    }
    case A_COMMENT: {
        bool ok = get_comment(f, &comment);
        fa_alarm_add_comment(a, comment);
        return ok;
    }
    default:
        return true;
    }
}

static void read_shared(struct fa_alarm_texts *shared, const struct fa_rec_field *f,
                        struct fa_interned **texts)
{
    const struct {
        uint32_t tag;
        const char **text;
    } interned[] = {
        {A_RULE, &shared->rule},         {A_CATEGORY, &shared->category},
        {A_SEVERITY, &shared->severity}, {A_POLICY, &shared->policy},
        {A_HASH, &shared->policy_hash},  {A_SUMMARY, &shared->summary},
        {A_EXPECT, &shared->expect},
    };
    for (size_t i = 0; i < sizeof interned / sizeof interned[0]; i++) {
        if (interned[i].tag == f->tag) {
            *interned[i].text = fa_intern_str(texts, f->bytes);
        }
    }
    if (f->tag == A_FOR) {
        shared->for_ms = get_time(f);
    }
}

static bool read_alarm_text(struct fa_alarm *a, const struct fa_rec_field *f)
{
    if (f->tag == A_OWNER) {
        struct fa_alarm_people *people = fa_alarm_people(a);
        people->owner = get_text(f, people->owner);
    } else if (f->tag == A_HIDING) {
        fa_hiding_decode(a, f->bytes);
    } else if (f->tag == A_FLAPS) {
        fa_flap_decode(a, f->bytes);
    }
    return f->tag != A_ID || get_id(f, &a->id.id);
}

static void read_alarm_number(struct fa_alarm *a, const struct fa_rec_field *f)
{
    const struct {
        uint32_t tag;
        fa_time *time;
    } times[] = {
        {A_SINCE, &a->since},          {A_RAISED, &a->raised},         {A_CHANGED, &a->changed},
        {A_ARMED, &a->deadline.armed}, {A_FIRST_TOLD, &a->first_told}, {A_HELD, &a->held},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (times[i].tag == f->tag) {
            *times[i].time = get_time(f);
        }
    }
    if (f->tag == A_PROMISED) {
        fa_alarm_people(a)->promised = get_time(f);
    } else if (f->tag == A_OWNED) {
        fa_alarm_people(a)->owned = get_time(f);
    } else if (f->tag == A_LENGTH) {
        a->deadline.length = get_length(f);
    } else if (f->tag == A_CLOCK) {
        a->clock = (uint8_t)(f->u64 < FA_CLOCK__COUNT ? f->u64 : FA_CLOCK_ELAPSED);
    } else if (f->tag == A_FOR_MEASURE) {
        a->for_measure = (uint8_t)(f->u64 < FA_MEASURE__COUNT ? f->u64 : FA_MEASURE_CLOCK);
    } else if (f->tag == A_STATE) {
        a->state = (enum fa_alarm_state)(f->u64 < FA_ALARM__COUNT ? f->u64 : FA_ALARM_UNACKED);
    } else if (f->tag == A_FLAGS) {
        a->flags = (uint32_t)f->u64;
    } else if (f->tag == A_LEVEL) {
        a->level = (enum fa_level)(f->u64 < FA_LEVEL__COUNT ? f->u64 : FA_LEVEL_UNKNOWN);
    } else if (f->tag == A_VALUE) {
        a->value = f->f64;
    } else if (f->tag == A_STEP) {
        a->step = (uint32_t)f->u64;
    } else if (f->tag == A_LOOP) {
        a->loop = (uint32_t)f->u64;
    } else if (f->tag == A_CLIMBING) {
        a->climbing = f->u64 != 0;
    } else if (f->tag == A_MOMENTS_LOST) {
        a->moments_lost = (uint32_t)f->u64;
    } else if (f->tag == A_EVIDENCE) {
        a->evidence = (uint32_t)f->u64;
    } else if (f->tag == A_WORST) {
        a->worst = f->f64;
    }
}

/* What rules/ kept with it: there when any of it is. */
struct read_source {
    struct fa_str details;
    uint64_t members[FA_FOREIGN_MEMBERS_MAX];
    size_t count;
};

static void read_source_field(struct read_source *source, const struct fa_rec_field *f)
{
    if (f->tag == A_DETAILS) {
        source->details = f->bytes;
    } else if (f->tag == A_MEMBER && source->count < FA_FOREIGN_MEMBERS_MAX) {
        source->members[source->count++] = f->u64;
    }
}

static struct fa_source *make_source(const struct read_source *read)
{
    if (read->details.ptr == NULL && read->count == 0) {
        return NULL;
    }
    char *details = fa_xstrndup(read->details.ptr, read->details.len);
    struct fa_source source = {read->details.ptr != NULL ? details : NULL, read->members,
                               read->count};
    struct fa_source *copy = fa_source_copy(&source);
    free(details);
    return copy;
}

int fa_alarm_decode(struct fa_str bytes, struct fa_interned **texts, struct fa_alarm **ret_alarm)
{
    struct fa_alarm *a = fa_alarm_new();
    struct fa_alarm_texts shared = {0};
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_str identity = {NULL, 0}, labels = {NULL, 0};
    struct read_source source = {.count = 0};
    bool ok = true;
    while (ok && fa_rec_next(&reader, &field)) {
        ok = read_alarm_text(a, &field) && read_alarm_list(a, &field, texts);
        read_shared(&shared, &field, texts);
        read_alarm_number(a, &field);
        read_source_field(&source, &field);
        identity = field.tag == A_IDENTITY ? field.bytes : identity;
        labels = field.tag == A_LABELS ? field.bytes : labels;
    }
    ok = ok && !reader.bad && !fa_id_is_zero(a->id.id) && identity.ptr != NULL &&
         shared.rule != NULL && shared.category != NULL && shared.severity != NULL &&
         shared.policy != NULL && shared.policy_hash != NULL && shared.summary != NULL &&
         labels.ptr != NULL;
    if (!ok) {
        fa_alarm_free(a);
        return FA_ECORRUPT;
    }
    fa_alarm_name(a, identity, labels);
    a->texts = fa_intern_bytes(texts, &shared, sizeof shared);
    a->source = make_source(&source);
    *ret_alarm = a;
    return 0;
}

static bool read_incident_field(struct fa_incident *i, const struct fa_rec_field *f,
                                struct fa_interned **texts)
{
    struct fa_comment comment;
    bool ok = true;
    switch ((enum incident_tag)f->tag) {
    case I_ID:
        return get_id(f, &i->id.id);
    case I_CATEGORY:
        i->category = fa_intern_str(texts, f->bytes);
        break;
    case I_CUSTOMER:
        i->customer = get_text(f, i->customer);
        break;
    case I_TEXT:
        i->text = get_text(f, i->text);
        break;
    case I_SINCE:
        i->since = get_text(f, i->since);
        break;
    case I_KNOWN:
        i->known = (enum fa_known)(f->u64 < FA_KNOWN__COUNT ? f->u64 : FA_KNOWN_HEARD);
        break;
    case I_REPORTER:
        i->reporter = get_text(f, i->reporter);
        break;
    case I_CALLED:
        i->called = get_text(f, i->called);
        break;
    case I_ABOUT:
        fa_texts_add(&i->about, &i->about_count, f->bytes);
        break;
    case I_STRUCK:
        fa_texts_add(&i->struck, &i->struck_count, f->bytes);
        break;
    case I_RAISED_BY:
        fa_texts_add(&i->raised_by, &i->raised_by_count, f->bytes);
        break;
    case I_LEVEL:
        i->level = (enum fa_guidance)(f->u64 < FA_GUIDE__COUNT ? f->u64 : FA_GUIDE_RAISE);
        break;
    case I_STATE:
        i->state = (enum fa_incident_state)(f->u64 <= FA_INCIDENT_CLOSED ? f->u64 : 0);
        break;
    case I_FILED:
        i->filed = get_time(f);
        break;
    case I_CLOSED:
        i->closed = get_time(f);
        break;
    case I_JOURNAL:
        i->journal_n = f->u64;
        break;
    case I_TOLD:
        i->told = (uint32_t)f->u64;
        break;
    case I_TOLD_FIRST:
        i->told_first = get_time(f);
        break;
    case I_OWNED:
        i->owned = get_time(f);
        break;
    case I_KEPT:
        i->kept = (uint32_t)f->u64;
        break;
    case I_MISSED:
        i->missed = (uint32_t)f->u64;
        break;
    case I_ARMED:
        i->due.armed = get_time(f);
        break;
    case I_LENGTH:
        i->due.length = get_length(f);
        break;
    case I_DUE_IN:
        i->due_in = get_length(f);
        break;
    case I_DUE_MEASURE:
        i->due_measure = (uint8_t)(f->u64 < FA_MEASURE__COUNT ? f->u64 : FA_MEASURE_CLOCK);
        break;
    case I_ALARM:
        i->alarms = fa_xgrow(i->alarms, i->alarm_count, &i->alarm_cap, sizeof(struct fa_alarm_id));
        return get_id(f, &i->alarms[i->alarm_count++].id);
    case I_COMMENT:
        ok = get_comment(f, &comment);
        fa_add_comment(&i->comments, &i->comment_count, &i->comment_cap, comment);
        break;
    }
    return ok;
}

int fa_incident_decode(struct fa_str bytes, struct fa_interned **texts,
                       struct fa_incident **ret_incident)
{
    struct fa_incident *i = fa_xcalloc(1, sizeof *i);
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    bool ok = true;
    i->due.length = FA_NEVER;
    while (ok && fa_rec_next(&reader, &field)) {
        ok = read_incident_field(i, &field, texts);
    }
    if (!ok || reader.bad || fa_id_is_zero(i->id.id) || i->category == NULL || i->text == NULL) {
        fa_incident_free(i);
        return FA_ECORRUPT;
    }
    *ret_incident = i;
    return 0;
}

static bool read_notification_id(struct fa_notification *n, const struct fa_rec_field *f)
{
    struct fa_id *id = f->tag == N_ID         ? &n->id.id
                       : f->tag == N_ALARM    ? &n->alarm.id
                       : f->tag == N_INCIDENT ? &n->incident.id
                       : f->tag == N_SILENCE  ? &n->silence.id
                                              : NULL;
    return id == NULL || get_id(f, id);
}

static bool read_line(struct fa_notification *n, const struct fa_rec_field *f)
{
    struct fa_notification_id id;
    if (f->tag != N_LINE) {
        return true;
    }
    n->lines = n->lines != NULL ? n->lines : fa_xcalloc(1, sizeof *n->lines);
    bool ok = n->lines->id_count < FA_DIGEST_LINES && get_id(f, &id.id);
    if (ok) {
        fa_digest_add_id(n->lines, id);
    }
    return ok;
}

static void read_notification_field(struct fa_notification *n, const struct fa_rec_field *f,
                                    struct fa_interned **texts)
{
    const struct {
        uint32_t tag;
        uint32_t *number;
    } numbers[] = {{N_ATTEMPTS, &n->attempts},
                   {N_STEP, &n->step},
                   {N_LOOP, &n->loop},
                   {N_CONTACT, &n->contact},
                   {N_STATUS, &n->status}};
    const struct {
        uint32_t tag;
        fa_time *time;
    } times[] = {{N_CREATED, &n->created}, {N_FAILING, &n->failing}, {N_ARMED, &n->deadline.armed}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].tag == f->tag) {
            *numbers[i].number = (uint32_t)f->u64;
        }
    }
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (times[i].tag == f->tag) {
            *times[i].time = get_time(f);
        }
    }
    if (f->tag == N_LENGTH) {
        n->deadline.length = get_length(f);
    } else if (f->tag == N_PERSON) {
        n->person = fa_intern_str(texts, f->bytes);
    } else if (f->tag == N_CHANNEL) {
        n->channel = fa_intern_str(texts, f->bytes);
    } else if (f->tag == N_ADDRESS) {
        n->address = fa_intern_str(texts, f->bytes);
    } else if (f->tag == N_KIND) {
        n->kind = (enum fa_notification_kind)(f->u64 < FA_NOTE__COUNT ? f->u64 : 0);
    } else if (f->tag == N_STATE) {
        n->state = (enum fa_notification_state)(f->u64 < FA_NOTICE__COUNT ? f->u64 : 0);
    } else if (f->tag == N_FLAPS) {
        n->flaps = (uint32_t)f->u64;
    } else if (f->tag == N_MOVED_ON) {
        n->moved_on = f->u64 != 0;
    } else if (f->tag == N_VALUE) {
        n->value = f->f64;
    }
}

int fa_notification_decode(struct fa_str bytes, struct fa_interned **texts,
                           struct fa_notification **ret_notification)
{
    struct fa_notification *n = fa_xcalloc(1, sizeof *n);
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    bool ok = true;
    n->value = (double)NAN;
    n->deadline.length = FA_NEVER;
    while (ok && fa_rec_next(&reader, &field)) {
        ok = read_notification_id(n, &field) && read_line(n, &field);
        read_notification_field(n, &field, texts);
    }
    if (!ok || reader.bad || fa_id_is_zero(n->id.id) || n->person == NULL || n->channel == NULL ||
        (n->lines != NULL) != (n->kind == FA_NOTE_DIGEST)) {
        fa_notification_free(n);
        return FA_ECORRUPT;
    }
    *ret_notification = n;
    return 0;
}

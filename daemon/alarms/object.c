/* SPDX-License-Identifier: MIT */
/* How alarms, incidents and notifications are made, grow and end: what belongs to them and nothing
 * else. In a storm there are a hundred thousand alarms, so what most of them never have is not
 * there until somebody brings it.
 *
 * It decides nothing, and knows no engine. */
#include "alarms/internal.h"
#include "base/texts.h"
#include "rules/foreign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct fa_alarm_people fa_alarm_nobody;

struct fa_alarm *fa_alarm_new(void)
{
    struct fa_alarm *alarm = fa_xcalloc(1, sizeof *alarm);
    alarm->people = &fa_alarm_nobody;
    alarm->value = alarm->worst = (double)NAN;
    alarm->deadline.length = FA_NEVER;
    return alarm;
}

struct fa_alarm_people *fa_alarm_people(struct fa_alarm *alarm)
{
    if (alarm->people == &fa_alarm_nobody) {
        alarm->people = fa_xcalloc(1, sizeof *alarm->people);
    }
    return (struct fa_alarm_people *)alarm->people;
}

const struct fa_reach *fa_reach(struct fa_interned **texts, const char *person, const char *channel)
{
    const struct fa_reach reach = {person, channel};
    return fa_intern_bytes(texts, &reach, sizeof reach);
}

struct fa_incident_id *fa_alarm_add_incident(struct fa_alarm *alarm)
{
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    people->incidents = fa_xgrow(people->incidents, people->incident_count, &people->incident_cap,
                                 sizeof(struct fa_incident_id));
    return &people->incidents[people->incident_count++];
}

void fa_alarm_add_comment(struct fa_alarm *alarm, struct fa_comment comment)
{
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    fa_add_comment(&people->comments, &people->comment_count, &people->comment_cap, comment);
}

struct fa_told *fa_alarm_add_told(struct fa_alarm *alarm)
{
    size_t count = alarm->told_count;
    if ((count & (count - 1)) == 0) { /* 0 or a power of two: it is full */
        alarm->told = fa_xrealloc(alarm->told, (count > 0 ? 2 * count : 1) * sizeof *alarm->told);
    }
    return &alarm->told[alarm->told_count++];
}

static void free_comments(struct fa_comment *comments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(comments[i].who);
        free(comments[i].text);
    }
    free(comments);
}

void fa_alarm_name(struct fa_alarm *alarm, struct fa_str identity, struct fa_str labels)
{
    alarm->identity = fa_xmalloc(identity.len + labels.len + 2);
    char *at = alarm->identity + identity.len + 1;
    memcpy(alarm->identity, identity.ptr, identity.len);
    memcpy(at, labels.ptr, labels.len);
    at[-1] = at[labels.len] = '\0';
    alarm->labels = at;
}

struct fa_source *fa_source_copy(const struct fa_source *source)
{
    if (source == NULL) {
        return NULL;
    }
    size_t text = source->details != NULL ? strlen(source->details) + 1 : 0;
    size_t bytes = source->member_count * sizeof source->members[0];
    struct fa_source *copy = fa_xmalloc(sizeof *copy + bytes + text);
    uint64_t *members = (uint64_t *)(void *)(copy + 1);
    char *details = (char *)members + bytes;
    *copy = (struct fa_source){text > 0 ? details : NULL, members, source->member_count};
    if (bytes > 0) {
        memcpy(members, source->members, bytes);
    }
    if (text > 0) {
        memcpy(details, source->details, text);
    }
    return copy;
}

void fa_notification_free(struct fa_notification *n)
{
    if (n->lines != NULL) {
        free(n->lines->ids);
        free(n->lines);
    }
    free(n->place);
    free(n);
}

static void free_people(struct fa_alarm_people *people)
{
    free(people->owner);
    free(people->incidents);
    free(people->guesses);
    fa_texts_free(people->about, people->about_count);
    fa_texts_free(people->struck, people->struck_count);
    free_comments(people->comments, people->comment_count);
    free(people);
}

void fa_alarm_free(struct fa_alarm *alarm)
{
    free(alarm->source);
    fa_hiding_free(alarm->hiding);
    free(alarm->flaps);
    free(alarm->identity);
    free(alarm->told);
    free(alarm->diary);
    if (alarm->people != &fa_alarm_nobody) {
        free_people(fa_alarm_people(alarm));
    }
    free(alarm);
}

void fa_incident_free(struct fa_incident *incident)
{
    free(incident->customer);
    free(incident->text);
    free(incident->since);
    free(incident->reporter);
    free(incident->called);
    free(incident->alarms);
    fa_texts_free(incident->about, incident->about_count);
    fa_texts_free(incident->struck, incident->struck_count);
    fa_texts_free(incident->raised_by, incident->raised_by_count);
    free_comments(incident->comments, incident->comment_count);
    free(incident);
}

/* SPDX-License-Identifier: MIT */
/* What was seen: deliveries, journal, alarms (also those that the engine has let go), filings. */
#include "alarms/describe.h"
#include "lab/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *fa_lab_since(fa_time elapsed, char buf[48])
{
    char length[40];
    snprintf(buf, 48, "+%s", fa_format_duration(elapsed, length));
    return buf;
}

/* ---- by id ---- */

/* Ids are random: their first bytes will do. */
static uint32_t *slot_of(const struct fa_lab_index *index, const char *list, size_t size,
                         const struct fa_id *id)
{
    size_t at;
    memcpy(&at, id->bytes, sizeof at);
    at &= index->slot_count - 1;
    while (index->slots[at] != 0 &&
           memcmp(list + (index->slots[at] - 1) * size, id->bytes, FA_ID_BYTES) != 0) {
        at = (at + 1) & (index->slot_count - 1);
    }
    return &index->slots[at];
}

/* Index in the list + 1; 0: it is not there. */
static size_t find(const struct fa_lab_index *index, const void *list, size_t size,
                   const struct fa_id *id)
{
    return index->slot_count > 0 ? *slot_of(index, list, size, id) : 0;
}

/* The list has grown by one. */
static void index_newest(struct fa_lab_index *index, const void *list, size_t size, size_t count)
{
    size_t first = count - 1;
    const char *items = list;
    if (count * 2 > index->slot_count) {
        free(index->slots);
        index->slot_count = index->slot_count > 0 ? index->slot_count * 2 : 64;
        index->slots = fa_xcalloc(index->slot_count, sizeof index->slots[0]);
        first = 0;
    }
    for (size_t i = first; i < count; i++) {
        struct fa_id id;
        memcpy(id.bytes, items + i * size, FA_ID_BYTES);
        *slot_of(index, items, size, &id) = (uint32_t)i + 1;
    }
}

/* ---- alarms ---- */

struct fa_lab_alarm *fa_lab_find_alarm(struct fa_lab *lab, struct fa_alarm_id id)
{
    size_t at = find(&lab->alarm_index, lab->alarms, sizeof lab->alarms[0], &id.id);
    return at > 0 ? &lab->alarms[at - 1] : NULL;
}

static char **copy_texts(char *const *texts, size_t count)
{
    char **copy = fa_xcalloc(count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        copy[i] = fa_xstrdup(texts[i]);
    }
    return copy;
}

static struct fa_policy *copy_policy(const struct fa_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->policy_count; i++) {
        const struct fa_policy *from = &setup->policies[i];
        if (strcmp(from->name, name) != 0) {
            continue;
        }
        struct fa_policy *copy = fa_xcalloc(1, sizeof *copy);
        copy->name = fa_xstrdup(name);
        copy->step_count = from->step_count;
        copy->repeat = from->repeat;
        copy->steps = fa_xcalloc(from->step_count + 1, sizeof copy->steps[0]);
        for (size_t s = 0; s < from->step_count; s++) {
            copy->steps[s] = from->steps[s];
            copy->steps[s].targets =
                copy_texts(from->steps[s].targets, from->steps[s].target_count);
            copy->steps[s].channels =
                copy_texts(from->steps[s].channels, from->steps[s].channel_count);
            copy->steps[s].during = fa_xstrdup(from->steps[s].during);
            copy->steps[s].by = fa_xstrdup(from->steps[s].by);
        }
        return copy;
    }
    return NULL;
}

static struct fa_lab_alarm *add_alarm(struct fa_lab *lab, const struct fa_alarm *alarm)
{
    lab->alarms = fa_xgrow(lab->alarms, lab->alarm_count, &lab->alarm_cap, sizeof lab->alarms[0]);
    struct fa_lab_alarm *seen = &lab->alarms[lab->alarm_count++];
    *seen = (struct fa_lab_alarm){
        .id = alarm->id,
        .identity = fa_xstrdup(alarm->identity),
        .rule = fa_xstrdup(alarm->texts->rule),
        .labels = fa_xstrdup(alarm->labels),
        .state = FA_ALARM_PENDING,
        .last_step = lab->elapsed,
        .policy = copy_policy(&lab->config->setup, alarm->texts->policy),
    };
    index_newest(&lab->alarm_index, lab->alarms, sizeof *seen, lab->alarm_count);
    fa_lab_recused_anew(lab, alarm);
    return seen;
}

static void update_alarm(void *ctx, const struct fa_alarm *alarm)
{
    struct fa_lab *lab = ctx;
    struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, alarm->id);
    seen = seen != NULL ? seen : add_alarm(lab, alarm);
    free(seen->owner);
    seen->owner = fa_xstrdup(alarm->people->owner);
    seen->state = alarm->state;
    seen->flags = alarm->flags;
    seen->step = alarm->step;
    seen->loop = alarm->loop;
    seen->climbing = alarm->climbing;
    seen->filings = alarm->people->incident_count;
    seen->value = alarm->value;
    seen->raised = seen->raised || alarm->state != FA_ALARM_PENDING;
    seen->resumed = false;
}

void fa_lab_see_alarms(struct fa_lab *lab)
{
    fa_lab_each_looked_at(lab, update_alarm);
    for (size_t i = 0; i < lab->alarm_count; i++) {
        struct fa_lab_alarm *seen = &lab->alarms[i];
        if (!seen->gone && fa_engine_alarm(lab->engine, seen->id) == NULL) {
            seen->gone = true;
            seen->state = FA_ALARM_RESOLVED;
        }
    }
}

static const char *identity_of(struct fa_lab *lab, struct fa_alarm_id id)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, id);
    const struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, id);
    return alarm != NULL ? alarm->identity : seen != NULL ? seen->identity : NULL;
}

static void see_journal(struct fa_lab *lab, const struct fa_action *action)
{
    enum fa_journal_code code = action->u.journal.code;
    struct fa_alarm_id id = action->u.journal.alarm;
    const char *identity = identity_of(lab, id);
    const char *who =
        action->u.journal.who_len > 0 ? lab->actions.bytes.data + action->u.journal.who_at : "";
    if (code != FA_J_NOTIFY && code != FA_J_SENT) {
        fa_lab_tell(lab, "%s %s%s%.*s (%" PRId64 ")", fa_journal_code_name(code),
                    identity != NULL ? identity : "", action->u.journal.who_len > 0 ? " " : "",
                    (int)action->u.journal.who_len, who, action->u.journal.number);
    }
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, id);
    struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, id);
    seen = seen == NULL && alarm != NULL ? add_alarm(lab, alarm) : seen;
    if (lab->watch != NULL && lab->watch->journal != NULL) {
        lab->watch->journal(lab->watch->ctx, action, seen);
    }
    if (alarm == NULL) {
        return;
    }
    if (code == FA_J_RESOLVED || code == FA_J_UNOWNED) {
        seen->closed = lab->elapsed;
    }
    if (code == FA_J_STEP) {
        seen->told_from = lab->elapsed;
    }
    if (code == FA_J_STEP || code == FA_J_HEARD) { /* hidden, the wait of a step stood still */
        seen->last_step = lab->elapsed;
    }
    seen->spared = code == FA_J_SPARED || (seen->spared && code != FA_J_STEP);
    seen->resumed = seen->resumed || code == FA_J_RESUMED;
    /* Either goes on at the step where it was; put off for want of room, it is told as a new one.
     */
    seen->told_anew =
        seen->told_anew || seen->resumed || code == FA_J_OVERDUE || code == FA_J_RECUSED;
}

void fa_lab_see_step(struct fa_lab *lab)
{
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        if (lab->actions.list[i].kind == FA_ACT_JOURNAL) {
            see_journal(lab, &lab->actions.list[i]);
        }
    }
}

void fa_lab_see_durable(struct fa_lab *lab, const struct fa_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        const struct fa_action *action = &actions->list[i];
        if (action->kind != FA_ACT_JOURNAL) {
            continue;
        }
        lab->journal =
            fa_xgrow(lab->journal, lab->journal_count, &lab->journal_cap, sizeof lab->journal[0]);
        lab->journal[lab->journal_count++] = (struct fa_lab_entry){
            action->u.journal.code,         action->u.journal.alarm,  action->u.journal.incident,
            action->u.journal.notification, action->u.journal.number, false};
        struct fa_lab_key *key = action->u.journal.code == FA_J_SENT
                                     ? fa_lab_find_key(lab, action->u.journal.notification)
                                     : NULL;
        if (key != NULL) {
            key->settled = true;
        }
    }
}

/* ---- deliveries ---- */

struct fa_lab_key *fa_lab_find_key(struct fa_lab *lab, struct fa_notification_id id)
{
    size_t at = find(&lab->key_index, lab->keys, sizeof lab->keys[0], &id.id);
    return at > 0 ? &lab->keys[at - 1] : NULL;
}

static struct fa_lab_key *add_key(struct fa_lab *lab, const struct fa_notification *n)
{
    struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, n->alarm);
    lab->keys = fa_xgrow(lab->keys, lab->key_count, &lab->key_cap, sizeof lab->keys[0]);
    struct fa_lab_key *key = &lab->keys[lab->key_count++];
    *key = (struct fa_lab_key){.id = n->id,
                               .before = seen != NULL ? seen->last_key : 0,
                               .first = lab->delivery_count,
                               .alarm = n->alarm,
                               .kind = n->kind,
                               .step = n->step,
                               .loop = n->loop,
                               .created = n->created,
                               .tried = lab->elapsed,
                               .sent = FA_NEVER};
    if (seen != NULL) {
        seen->last_key = lab->key_count;
    }
    index_newest(&lab->key_index, lab->keys, sizeof *key, lab->key_count);
    return key;
}

/* As a scenario names the alarm: by its labels, or by a receipt if people filed it. */
static char *name_of(struct fa_lab *lab, const struct fa_notification *n)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, n->alarm);
    if (alarm == NULL || (alarm->flags & FA_FLAG_FILED) == 0 ||
        alarm->people->incident_count == 0) {
        return alarm != NULL ? fa_xstrdup(alarm->identity) : NULL;
    }
    const struct fa_lab_filing *filing = fa_lab_find_filing(lab, alarm->people->incidents[0]);
    struct fa_buf buf;
    if (filing == NULL) {
        return NULL;
    }
    fa_buf_init(&buf, 512);
    fa_buf_printf(&buf, "%s@%s", alarm->texts->rule, filing->name);
    return fa_buf_take(&buf);
}

static char *summary_of(const struct fa_lab *lab, const struct fa_notification *n)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 8192);
    fa_describe_message(lab->engine, n, &buf);
    return fa_buf_take(&buf);
}

struct fa_lab_key *fa_lab_see_attempt(struct fa_lab *lab, const struct fa_notification *n,
                                      const struct fa_notification *message)
{
    const char *identity = identity_of(lab, n->alarm);
    struct fa_lab_key *key = fa_lab_find_key(lab, n->id);
    key = key != NULL ? key : add_key(lab, n);
    key->message = message->id;
    lab->deliveries = fa_xgrow(lab->deliveries, lab->delivery_count, &lab->delivery_cap,
                               sizeof lab->deliveries[0]);
    lab->deliveries[lab->delivery_count++] = (struct fa_lab_delivery){
        .at = lab->elapsed,
        .id = n->id,
        .alarm = n->alarm,
        .incident = n->incident,
        .person = fa_xstrdup(n->person),
        .channel = fa_xstrdup(n->channel),
        .address = fa_xstrdup(n->address),
        .identity = fa_xstrdup(identity),
        .kind = n->kind,
        .step = n->step,
        .loop = n->loop,
        .value = n->value,
        .message = message->id,
        .lines = message->lines != NULL ? (uint32_t)message->lines->count : 1,
        .name = name_of(lab, n),
        .summary = summary_of(lab, n),
    };
    return key;
}

/* ---- filings, and alarms by name ---- */

struct fa_lab_filing *fa_lab_find_filing(struct fa_lab *lab, struct fa_incident_id id)
{
    for (size_t i = 0; i < lab->filing_count; i++) {
        if (fa_id_eq(lab->filings[i].id.id, id.id)) {
            return &lab->filings[i];
        }
    }
    return NULL;
}

struct fa_lab_filing *fa_lab_named_filing(struct fa_lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->filing_count; i++) {
        if (strcmp(lab->filings[i].name, name) == 0) {
            return &lab->filings[i];
        }
    }
    fa_lab_fail(lab, "there is no receipt '%s' in this scenario", name);
    return NULL;
}

static bool holds_filing(struct fa_lab *lab, const struct fa_lab_alarm *seen, const char *receipt)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, seen->id);
    const struct fa_lab_filing *filing = fa_lab_named_filing(lab, receipt);
    char id[FA_ID_TEXT_SIZE];
    if (filing == NULL) {
        return false;
    }
    for (size_t i = 0; alarm != NULL && i < alarm->people->incident_count; i++) {
        if (fa_id_eq(alarm->people->incidents[i].id, filing->id.id)) {
            return true;
        }
    }
    /* One that the engine has let go is known by the filing in its name. */
    return alarm == NULL && strstr(seen->identity, fa_id_format(filing->id.id, id)) != NULL;
}

static bool is_named(struct fa_lab *lab, const struct fa_lab_alarm *seen, const char *text)
{
    const char *at = strchr(text, '@'), *brace = strchr(text, '{');
    if (at != NULL && (brace == NULL || at < brace)) {
        size_t len = (size_t)(at - text);
        return (len == 0 || (strlen(seen->rule) == len && strncmp(seen->rule, text, len) == 0)) &&
               holds_filing(lab, seen, at + 1);
    }
    bool is_whole = brace != NULL || strchr(text, '/') != NULL; /* RULE/further */
    return strcmp(is_whole ? seen->identity : seen->rule, text) == 0;
}

struct fa_lab_alarm *fa_lab_named_alarm(struct fa_lab *lab, const char *text, bool quiet)
{
    struct fa_lab_alarm *found = NULL;
    bool several = false;
    for (size_t i = 0; lab->engine != NULL && i < lab->alarm_count; i++) {
        struct fa_lab_alarm *seen = &lab->alarms[i];
        if (text == NULL ? (seen->flags & FA_FLAG_TROUBLE) != 0 : !is_named(lab, seen, text)) {
            continue;
        }
        several = several || (found != NULL && strcmp(found->identity, seen->identity) != 0);
        found = seen;
    }
    if (found == NULL && !quiet) {
        fa_lab_fail(lab, "there is no alarm '%s'%s", text != NULL ? text : "(any)",
                    lab->engine == NULL ? ": the daemon is down" : "");
    }
    if (several && !quiet) {
        fa_lab_fail(lab,
                    "'%s' means several alarms: write its labels, rule/further, rule@RECEIPT or "
                    "@RECEIPT",
                    text != NULL ? text : "(any)");
    }
    return found;
}

void fa_lab_seen_done(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->alarm_count; i++) {
        free(lab->alarms[i].identity);
        free(lab->alarms[i].rule);
        free(lab->alarms[i].labels);
        free(lab->alarms[i].owner);
        if (lab->alarms[i].policy != NULL) {
            fa_policy_done(lab->alarms[i].policy);
            free(lab->alarms[i].policy);
        }
    }
    for (size_t i = 0; i < lab->promise_count; i++) {
        free(lab->promises[i].who);
    }
    free(lab->promises);
    free(lab->waits);
    fa_lab_recused_done(lab);
    fa_lab_deliveries_free(lab->deliveries, lab->delivery_count);
    fa_lab_claims_free(lab->claims, lab->claim_count);
    fa_lab_silences_free(lab);
    for (size_t i = 0; i < lab->filing_count; i++) {
        struct fa_lab_filing *filing = &lab->filings[i];
        for (size_t n = 0; n < filing->about_count; n++) {
            free(filing->about[n]);
        }
        for (size_t n = 0; n < filing->struck_count; n++) {
            free(filing->struck[n]);
        }
        free(filing->about);
        free(filing->struck);
        free(filing->name);
    }
    for (size_t i = 0; i < lab->never_count; i++) {
        free(lab->nevers[i].person);
        free(lab->nevers[i].channel);
    }
    free(lab->alarms);
    free(lab->alarm_index.slots);
    free(lab->key_index.slots);
    free(lab->allowed);
    free(lab->keys);
    free(lab->journal);
    free(lab->filings);
    free(lab->nevers);
}

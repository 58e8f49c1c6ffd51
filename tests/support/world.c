/* SPDX-License-Identifier: MIT */
#include "world.h"
#include "base/texts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH INT64_C(1795334400000) /* 2026-11-22T08:00:00Z */

void world_text(char ***texts, size_t *count, const char *text)
{
    *texts = fa_xrealloc(*texts, (*count + 1) * sizeof(char *));
    (*texts)[(*count)++] = fa_xstrdup(text);
}

struct fa_person_entry *world_person(struct world *w, const char *name, const char *manager)
{
    struct fa_directory *dir = w->dir;
    dir->people = fa_xrealloc(dir->people, (dir->people_count + 1) * sizeof *dir->people);
    struct fa_person_entry *entry = &dir->people[dir->people_count++];
    *entry = (struct fa_person_entry){.name = fa_xstrdup(name), .manager = fa_xstrdup(manager)};
    return entry;
}

struct fa_person_entry *world_find(struct world *w, const char *name)
{
    for (size_t i = 0; i < w->dir->people_count; i++) {
        if (strcmp(w->dir->people[i].name, name) == 0) {
            return &w->dir->people[i];
        }
    }
    fa_panic(__FILE__, __LINE__, "no such person in this world");
}

void world_contact(struct world *w, const char *person, const char *channel)
{
    struct fa_person_entry *entry = world_find(w, person);
    entry->contacts =
        fa_xrealloc(entry->contacts, (entry->contact_count + 1) * sizeof *entry->contacts);
    entry->contacts[entry->contact_count++] =
        (struct fa_contact){fa_xstrdup(channel), fa_xstrdup(person)};
}

struct fa_channel_entry *world_channel(struct world *w, const char *name, bool shared)
{
    struct fa_directory *dir = w->dir;
    dir->channels = fa_xrealloc(dir->channels, (dir->channel_count + 1) * sizeof *dir->channels);
    struct fa_channel_entry *entry = &dir->channels[dir->channel_count++];
    *entry =
        (struct fa_channel_entry){fa_xstrdup(name), fa_xstrdup("webhook"), shared, true, NULL, 0};
    return entry;
}

struct fa_team_entry *world_team(struct world *w, const char *name)
{
    struct fa_directory *dir = w->dir;
    dir->teams = fa_xrealloc(dir->teams, (dir->team_count + 1) * sizeof *dir->teams);
    dir->teams[dir->team_count] = (struct fa_team_entry){.name = fa_xstrdup(name)};
    return &dir->teams[dir->team_count++];
}

struct fa_policy *world_policy(struct world *w, const char *name)
{
    struct fa_setup *s = &w->setup;
    s->policies = fa_xrealloc(s->policies, (s->policy_count + 1) * sizeof *s->policies);
    s->policies[s->policy_count] = (struct fa_policy){.name = fa_xstrdup(name)};
    return &s->policies[s->policy_count++];
}

struct fa_step *world_step(struct world *w, const char *targets, fa_time wait)
{
    struct fa_policy *policy = &w->setup.policies[w->setup.policy_count - 1];
    policy->steps = fa_xrealloc(policy->steps, (policy->step_count + 1) * sizeof *policy->steps);
    struct fa_step *step = &policy->steps[policy->step_count++];
    *step = (struct fa_step){.wait = wait};
    struct fa_str rest = fa_str_of(targets);
    while (rest.len > 0) {
        struct fa_str one = fa_str_cut(rest, ' ', &rest);
        char *text = fa_xstrndup(one.ptr, one.len);
        world_text(&step->targets, &step->target_count, text);
        free(text);
    }
    return step;
}

struct fa_rule *world_rule(struct world *w, const char *name, const char *policy, fa_time for_ms)
{
    struct fa_rule *rule = fa_xcalloc(1, sizeof *rule);
    rule->name = fa_xstrdup(name);
    rule->category = fa_xstrdup("service");
    rule->severity = fa_xstrdup("critical");
    rule->policy = fa_xstrdup(policy);
    rule->summary = fa_xstrdup("it is bad");
    rule->for_ms = for_ms;
    rule->incident.count = rule->incident.distinct_reporters = 1;
    w->rules = fa_xrealloc(w->rules, (w->setup.rule_count + 1) * sizeof *w->rules);
    w->rules[w->setup.rule_count++] = rule;
    w->setup.rules = (const struct fa_rule *const *)w->rules;
    return rule;
}

struct fa_category *world_category(struct world *w, const char *name, enum fa_guidance guidance,
                                   const char *policy)
{
    struct fa_setup *s = &w->setup;
    s->categories = fa_xrealloc(s->categories, (s->category_count + 1) * sizeof *s->categories);
    s->categories[s->category_count] = (struct fa_category){
        .name = fa_xstrdup(name),
        .title = fa_xstrdup(name),
        .guidance = guidance,
        .severity = fa_xstrdup("critical"),
        .policy = fa_xstrdup(policy),
        .due = FA_DAY,
    };
    return &s->categories[s->category_count++];
}

static void add_severity(struct world *w, const char *name, fa_time ack_default)
{
    struct fa_setup *s = &w->setup;
    s->severities = fa_xrealloc(s->severities, (s->severity_count + 1) * sizeof *s->severities);
    s->severities[s->severity_count] = (struct fa_severity){
        .name = fa_xstrdup(name),
        .rank = (uint32_t)s->severity_count,
        .ack_default = ack_default,
        .ack_max = 8 * FA_HOUR,
        .fail_attempts = 3,
        .fail_after = FA_MINUTE,
        .urgent = s->severity_count == 0,
    };
    s->severity_count++;
}

void world_init(struct world *w)
{
    *w = (struct world){.dir = fa_directory_new(),
                        .now = {.mono = FA_HOUR, .wall = EPOCH},
                        .seed = 1,
                        .journal_n = 100};
    w->setup = (struct fa_setup){.people = w->dir,
                                 .rearm = FA_HOUR,
                                 .returned_max = FA_DAY,
                                 .slow_retry = 5 * FA_MINUTE,
                                 .filings_open_max = 1000,
                                 .alarms_open_max = 1000,
                                 .alarms_per_rule_max = 1000000,
                                 .outbox_max = 10000};
    add_severity(w, "critical", FA_HOUR);
    add_severity(w, "warning", 4 * FA_HOUR);
    world_channel(w, "mail", false);
    world_channel(w, "sms", false);
    world_person(w, "ops", NULL)->operator_ = true;
    world_contact(w, "ops", "mail");
    world_policy(w, FA_POLICY_OPERATORS);
    world_step(w, "ops", FA_HOUR);
    fa_actions_init(&w->actions);
}

static void free_rule(struct fa_rule *rule)
{
    free(rule->name);
    free(rule->category);
    free(rule->severity);
    free(rule->policy);
    free(rule->summary);
    free(rule->expect);
    fa_texts_free(rule->incident.categories, rule->incident.category_count);
    fa_texts_free(rule->incident.per, rule->incident.per_count);
    free(rule);
}

static void free_setup(struct world *w)
{
    for (size_t i = 0; i < w->setup.policy_count; i++) {
        fa_policy_done(&w->setup.policies[i]);
    }
    for (size_t i = 0; i < w->setup.severity_count; i++) {
        free(w->setup.severities[i].name);
    }
    for (size_t i = 0; i < w->setup.category_count; i++) {
        struct fa_category *category = &w->setup.categories[i];
        free(category->name);
        free(category->title);
        free(category->severity);
        free(category->policy);
        fa_texts_free(category->helpers, category->helper_count);
    }
    for (size_t i = 0; i < w->setup.rule_count; i++) {
        free_rule(w->rules[i]);
    }
    free(w->setup.policies);
    free(w->setup.severities);
    free(w->setup.categories);
    free(w->rules);
}

void world_done(struct world *w)
{
    fa_engine_free(w->engine);
    fa_directory_free(w->dir);
    free_setup(w);
    for (size_t i = 0; i < w->row_count; i++) {
        free(w->rows[i].value);
    }
    free(w->rows);
    free(w->sends);
    fa_actions_done(&w->actions);
}

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "world: %s\n", what);
        abort();
    }
}

void world_begin(struct world *w)
{
    struct fa_err err;
    must(fa_directory_seal(w->dir, &err) == 0, "the directory is not sound");
    for (size_t i = 0; i < w->setup.policy_count; i++) {
        fa_policy_seal(&w->setup.policies[i]);
    }
    w->engine = fa_engine_new(&w->setup);
    world_step_event(w, (struct fa_event){.kind = FA_EV_START});
}

static void give_uid(struct fa_person_entry *entry, uint32_t uid)
{
    entry->uids = fa_xcalloc(1, sizeof *entry->uids);
    entry->uids[entry->uid_count++] = uid;
}

void world_begin_firm(struct world *w)
{
    static const struct {
        const char *name, *manager, *channels[2];
    } people[] = {
        {"ceo", NULL, {"mail", "sms"}},    {"boss", "ceo", {"mail", "sms"}},
        {"lead", "boss", {"mail", "sms"}}, {"rep", "lead", {"mail", NULL}},
        {"rep2", "lead", {"mail", NULL}},  {"i1", NULL, {"mail", NULL}},
        {"i2", NULL, {"sms", NULL}},
    };
    world_init(w);
    give_uid(world_find(w, "ops"), WORLD_UID);
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        struct fa_person_entry *entry = world_person(w, people[i].name, people[i].manager);
        entry->independent = people[i].name[0] == 'i';
        give_uid(entry, WORLD_UID + 1 + (uint32_t)i);
        for (size_t c = 0; c < 2 && people[i].channels[c] != NULL; c++) {
            world_contact(w, people[i].name, people[i].channels[c]);
        }
    }
    struct fa_person_entry *ceo = world_find(w, "ceo");
    world_text(&ceo->roles, &ceo->role_count, "top");
    world_policy(w, "line");
    world_step(w, "lead", 15 * FA_MINUTE);
    world_step(w, "boss", 15 * FA_MINUTE);
    world_step(w, "role:top", 30 * FA_MINUTE);
    world_rule(w, "slow", "line", 0);
    world_rule(w, "late", "line", 30 * FA_MINUTE);
    world_category(w, "mess", FA_GUIDE_SOLVE, "line");
    struct fa_category *help = world_category(w, "stuck", FA_GUIDE_HELP, "line");
    world_text(&help->helpers, &help->helper_count, "lead");
    world_text(&help->helpers, &help->helper_count, "rep2");
    world_category(w, "lying", FA_GUIDE_RAISE, "line");
    world_begin(w);
}

/* ---- what a step left ---- */

static void keep_row(struct world *w, const struct fa_action *action)
{
    struct world_row *row = NULL;
    for (size_t i = 0; i < w->row_count && row == NULL; i++) {
        bool same = w->rows[i].kind == action->u.row.kind &&
                    w->rows[i].key_len == action->u.row.key_len &&
                    memcmp(w->rows[i].key, action->u.row.key, action->u.row.key_len) == 0;
        row = same ? &w->rows[i] : NULL;
    }
    if (row == NULL) {
        w->rows = fa_xgrow(w->rows, w->row_count, &w->row_cap, sizeof *w->rows);
        row = &w->rows[w->row_count++];
        *row = (struct world_row){.kind = action->u.row.kind, .key_len = action->u.row.key_len};
        memcpy(row->key, action->u.row.key, row->key_len);
    }
    free(row->value);
    row->len = action->u.row.len;
    row->value = fa_xmalloc(row->len + 1);
    memcpy(row->value, w->actions.bytes.data + action->u.row.at, row->len);
    row->live = action->kind == FA_ACT_PUT && action->u.row.live;
}

static void keep(struct world *w)
{
    for (size_t i = 0; i < w->actions.count; i++) {
        const struct fa_action *action = &w->actions.list[i];
        if (action->kind == FA_ACT_PUT || action->kind == FA_ACT_ERASE) {
            keep_row(w, action);
        } else if (action->kind == FA_ACT_SEND) {
            w->sends = fa_xgrow(w->sends, w->send_count, &w->send_cap, sizeof *w->sends);
            w->sends[w->send_count++] = action->u.send;
        } else if (action->kind == FA_ACT_REPLY) {
            w->reply = *action;
        } else {
            w->journal_n++;
        }
    }
}

void world_step_event(struct world *w, struct fa_event event)
{
    event.rng = (struct fa_rng){{w->seed++, 77}};
    event.reply_to = 1;
    fa_actions_clear(&w->actions);
    fa_engine_step(w->engine, &event, w->now, &w->actions);
    keep(w);
    const char *broken = w->unchecked ? NULL : world_check(w->engine);
    must(broken == NULL, broken);
}

void world_signal(struct world *w, const char *rule, const char *labels, enum fa_level level)
{
    struct fa_signal signal = {.rule = fa_setup_rule(&w->setup, rule),
                               .labels = labels,
                               .level = level,
                               .value = level == FA_LEVEL_UNKNOWN ? (double)NAN : 1.0,
                               .since = w->now.wall,
                               .worse = 1};
    must(signal.rule != NULL, "there is no such rule");
    world_step_event(w, (struct fa_event){.kind = FA_EV_SIGNAL, .u.signal = &signal});
}

void world_advance(struct world *w, fa_time by)
{
    fa_time until = w->now.mono + by;
    for (fa_time at; (at = fa_engine_next_deadline(w->engine)) <= until;) {
        fa_time step = at > w->now.mono ? at - w->now.mono : 0;
        w->now.mono += step;
        w->now.wall += step;
        world_step_event(w, (struct fa_event){.kind = FA_EV_TICK});
        must(fa_engine_next_deadline(w->engine) > w->now.mono, "a tick left a deadline behind");
    }
    w->now.wall += until - w->now.mono;
    w->now.mono = until;
}

int world_silence(struct world *w, const char *where, const char *owner, const char *reason,
                  fa_time length)
{
    struct fa_matchers matchers = {0};
    struct fa_err err;
    int rc = fa_matchers_add(&matchers, fa_str_of(where), &err);
    fa_assert(rc == 0);
    struct fa_silence_spec spec = {
        .where = &matchers, .owner = owner, .reason = reason, .end = w->now.wall + length};
    world_step_event(w,
                     (struct fa_event){.kind = FA_EV_SILENCE, .reply_to = 1, .u.silence = &spec});
    fa_matchers_done(&matchers);
    return w->reply.u.reply.code;
}

int world_act(struct world *w, enum fa_event_kind kind, const struct fa_alarm *alarm,
              const char *who, fa_time for_ms)
{
    struct fa_event event = {.kind = kind};
    event.u.act.alarm = alarm->id;
    event.u.act.who = who;
    event.u.act.for_ms = for_ms;
    event.u.act.text = kind == FA_EV_COMMENT ? "a word" : NULL;
    world_step_event(w, event);
    return w->reply.u.reply.code;
}

int world_file(struct world *w, uint8_t key, const char *category, const char *about, int level)
{
    struct fa_filing filing = {.category = category,
                               .text = "what happened",
                               .reporter = "person:rep2",
                               .customer = "Acme",
                               .about = &about,
                               .about_count = about != NULL,
                               .level = level,
                               .journal_n = w->journal_n + 1};
    filing.id.id.bytes[0] = key;
    world_step_event(w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    return w->reply.u.reply.code;
}

int world_verdict(struct world *w, struct fa_notification_id id, enum fa_verdict_kind verdict)
{
    struct fa_event event = {.kind = FA_EV_VERDICT};
    event.u.verdict.id = id;
    event.u.verdict.verdict = verdict;
    event.u.verdict.status = verdict == FA_VERDICT_SENT ? 200 : 500;
    event.u.verdict.retry_after = -1;
    world_step_event(w, event);
    return w->reply.u.reply.code;
}

void world_answer(struct world *w, enum fa_verdict_kind verdict)
{
    size_t count = w->send_count;
    struct fa_notification_id *ids = fa_xcalloc(count, sizeof *ids);
    if (count > 0) {
        memcpy(ids, w->sends, count * sizeof *ids);
    }
    w->send_count = 0;
    for (size_t i = 0; i < count; i++) {
        world_verdict(w, ids[i], verdict);
    }
    free(ids);
}

struct pick {
    const char *rule;
    const struct fa_alarm *found;
    size_t count;
};

static void pick_alarm(void *ctx, const struct fa_alarm *alarm)
{
    struct pick *pick = ctx;
    bool trouble = (alarm->flags & FA_FLAG_TROUBLE) != 0;
    if (pick->rule != NULL ? strcmp(alarm->texts->rule, pick->rule) == 0 : !trouble) {
        pick->found = alarm;
        pick->count++;
    }
}

const struct fa_alarm *world_alarm(const struct world *w)
{
    struct pick pick = {0};
    fa_engine_each_alarm(w->engine, pick_alarm, &pick);
    must(pick.count <= 1, "there is more than one alarm");
    return pick.found;
}

const struct fa_alarm *world_alarm_of(const struct world *w, const char *rule)
{
    struct pick pick = {.rule = rule};
    fa_engine_each_alarm(w->engine, pick_alarm, &pick);
    return pick.found;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

const char *world_waiting(const struct world *w, char *buf, size_t size)
{
    char names[64][48];
    size_t count = 0;
    for (size_t i = 0; i < w->send_count && count < 64; i++) {
        const struct fa_notification *n = fa_engine_notification(w->engine, w->sends[i]);
        if (n != NULL) {
            snprintf(names[count++], sizeof names[0], "%.20s/%.20s", n->person, n->channel);
        }
    }
    qsort(names, count, sizeof names[0], by_text);
    buf[0] = '\0';
    for (size_t i = 0, len = 0; i < count && len < size; i++) {
        len += (size_t)snprintf(buf + len, size - len, "%s%s", i > 0 ? " " : "", names[i]);
    }
    return buf;
}

size_t world_journalled(const struct world *w, enum fa_journal_code code)
{
    size_t count = 0;
    for (size_t i = 0; i < w->actions.count; i++) {
        const struct fa_action *action = &w->actions.list[i];
        count += action->kind == FA_ACT_JOURNAL && action->u.journal.code == code;
    }
    return count;
}

struct fa_engine *world_restored(const struct world *w, struct fa_now now,
                                 struct fa_actions *actions)
{
    struct fa_engine *engine = fa_engine_new(&w->setup);
    struct fa_err err;
    for (size_t i = 0; i < w->row_count; i++) {
        const struct world_row *row = &w->rows[i];
        if (row->live) {
            int rc = fa_engine_load_row(engine, row->kind,
                                        (struct fa_str){(const char *)row->key, row->key_len},
                                        (struct fa_str){row->value, row->len}, &err);
            must(rc == 0, "a row that was written cannot be read");
        }
    }
    struct fa_event event = {.kind = FA_EV_START, .rng = {{9, 9}}};
    event.u.start.last_wall = w->now.wall;
    fa_engine_step(engine, &event, now, actions);
    return engine;
}

void world_restart(struct world *w)
{
    fa_actions_clear(&w->actions);
    struct fa_engine *engine = world_restored(w, w->now, &w->actions);
    fa_engine_free(w->engine);
    w->engine = engine;
    w->send_count = 0;
    keep(w);
}

/* ---- invariants ---- */

struct check {
    const struct fa_engine *engine;
    const char *broken;
};

static void check_alarm(void *ctx, const struct fa_alarm *a)
{
    struct check *check = ctx;
    bool open = a->state == FA_ALARM_UNACKED || a->state == FA_ALARM_ACKED;
    bool kept = a->state == FA_ALARM_ACKED && fa_is_hidden(a); /* its promise waits */
    if (open && (a->flags & FA_FLAG_SHADOW) == 0 && !kept &&
        (a->deadline.length == FA_NEVER || a->deadline.node.index == 0)) {
        check->broken = "an open alarm has no next step on the clock";
    }
    if ((a->deadline.length == FA_NEVER) != (a->deadline.node.index == 0)) {
        check->broken = "an alarm's deadline and the heap disagree";
    }
    if (a->dirty) {
        check->broken = "an alarm was not written at the end of its step";
    }
    if (a->state == FA_ALARM_RESOLVED && a->deadline.length == FA_NEVER &&
        a->notifications == NULL) {
        check->broken = "an alarm that nothing needs is still there";
    }
    if ((a->state == FA_ALARM_ACKED) != (a->people->owner != NULL) &&
        a->state != FA_ALARM_RESOLVED) {
        check->broken = "acknowledged and owned are not the same";
    }
    for (const struct fa_notification *n = a->notifications; n != NULL; n = n->next) {
        if (n->owner_alarm != a || fa_engine_notification(check->engine, n->id) != n ||
            (n->next != NULL && n->next->prev != n)) {
            check->broken = "an alarm's list of notifications is broken";
            return;
        }
    }
}

static void check_notification(void *ctx, const struct fa_notification *n)
{
    struct check *check = ctx;
    const struct fa_alarm *a = fa_engine_alarm(check->engine, n->alarm);
    if (n->owner_alarm != a) {
        check->broken = "a notification is not in its alarm's list";
    }
    if (n->dirty || n->state == FA_NOTICE_SENT || n->state == FA_NOTICE_DROPPED) {
        check->broken = "a settled notification is still there";
    }
    if ((n->state == FA_NOTICE_WAITING || n->state == FA_NOTICE_SLOW ||
         n->state == FA_NOTICE_DEAD) &&
        n->deadline.node.index == 0 && n->place == NULL) {
        check->broken = "a notification that waits has no time to wait for";
    }
    bool is_held = n->place != NULL && n->place->pack->digest == NULL;
    bool is_line = n->place != NULL && !is_held;
    if (is_held && (n->state != FA_NOTICE_QUEUED || n->with_courier || n->failing != 0 ||
                    n->deadline.node.index == 0)) {
        check->broken = "what is held back has left, or has no time to leave at";
    }
    if (is_line && (n->place->pack->digest->lines != n->place->pack ||
                    fa_engine_notification(check->engine, n->place->pack->digest->id) == NULL)) {
        check->broken = "a line is in no digest";
    }
    if (n->kind == FA_NOTE_DIGEST && (n->lines == NULL || n->lines->count == 0)) {
        check->broken = "a digest without lines is still there";
    }
    if (!is_held && !is_line && (n->state == FA_NOTICE_QUEUED) != n->with_courier) {
        check->broken = "queued and with the courier are not the same";
    }
    struct fa_access access;
    fa_person person =
        fa_directory_find(fa_engine_setup(check->engine)->people, fa_str_of(n->person));
    fa_access_init_queue(&access, check->engine, n);
    if (person != FA_NOBODY && n->state != FA_NOTICE_DEAD &&
        (fa_pset_has(&access.conflicted, person) || fa_pset_has(&access.struck, person))) {
        check->broken = "somebody whom it is about is told";
    }
    fa_access_done(&access);
}

const char *world_check(const struct fa_engine *engine)
{
    struct check check = {engine, NULL};
    fa_engine_each_alarm(engine, check_alarm, &check);
    fa_engine_each_notification(engine, check_notification, &check);
    return check.broken;
}

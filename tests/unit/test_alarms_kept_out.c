/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Random organisations with leave, duty, deputies and accused people: whatever the steps mean and
 * whatever fails, no message is made for anybody who must not know. Who that is, is told once more
 * here, from the lists alone. */
#include "base/texts.h"
#include "fa_test.h"
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEOPLE 10

static size_t draw(struct fa_rng *rng, size_t below)
{
    return (size_t)(fa_rng_next(rng) % below);
}

static void person_name(char name[16], size_t i)
{
    snprintf(name, 16, "p%zu", i);
}

static void make_person(struct world *w, struct fa_rng *rng, size_t i)
{
    char name[16], other[16];
    person_name(name, i);
    person_name(other, i > 0 ? draw(rng, i) : 0);
    struct fa_person_entry *entry = world_person(w, name, i > 0 && draw(rng, 5) > 0 ? other : NULL);
    entry->independent = i >= PEOPLE - 2;
    char ***lists[] = {&entry->deputies, &entry->assistants, &entry->delegates};
    size_t *counts[] = {&entry->deputy_count, &entry->assistant_count, &entry->delegate_count};
    for (size_t l = 0; l < 3; l++) {
        size_t which = draw(rng, PEOPLE);
        if (draw(rng, 3) == 0 && which != i) {
            person_name(other, which);
            world_text(lists[l], counts[l], other);
        }
    }
    if (draw(rng, 3) == 0) {
        fa_time from = w->now.wall + (fa_time)draw(rng, 3) * FA_HOUR - FA_HOUR;
        fa_spans_add(&entry->leave, (struct fa_span){from, from + 2 * FA_HOUR});
    }
    world_contact(w, name, "mail");
    if (draw(rng, 2) == 0) {
        world_contact(w, name, "sms");
    }
}

/* Turns of an hour, with holes. */
static void make_schedule(struct world *w, struct fa_rng *rng)
{
    char name[16];
    struct fa_schedule_entry *schedule = fa_xcalloc(1, sizeof *schedule);
    w->dir->schedules = schedule;
    w->dir->schedule_count = 1;
    *schedule = (struct fa_schedule_entry){
        .name = fa_xstrdup("duty"), .display = fa_xstrdup("Duty"), .known_until = FA_NEVER};
    schedule->turns = fa_xcalloc(6, sizeof *schedule->turns);
    for (uint32_t i = 0; i < 6; i++) {
        person_name(name, draw(rng, PEOPLE));
        world_text(&schedule->members, &schedule->member_count, name);
        fa_time from = w->now.wall + (fa_time)i * FA_HOUR + (fa_time)draw(rng, 3) * 20 * FA_MINUTE;
        schedule->turns[i] = (struct fa_turn){{from, w->now.wall + (i + 1) * FA_HOUR}, i};
    }
    schedule->turn_count = 6;
}

static void make_policy(struct world *w, struct fa_rng *rng)
{
    world_policy(w, "random");
    for (size_t left = 1 + draw(rng, 3); left > 0; left--) {
        char targets[64], name[16];
        person_name(name, draw(rng, PEOPLE));
        snprintf(targets, sizeof targets, "%s%s", name,
                 draw(rng, 2) == 0   ? " schedule:duty"
                 : draw(rng, 3) == 0 ? " reporter.manager"
                                     : "");
        world_step(w, draw(rng, 4) == 0 ? "schedule:duty" : targets, 15 * FA_MINUTE);
    }
    w->setup.policies[w->setup.policy_count - 1].repeat = (uint32_t)draw(rng, 2);
    world_category(w, "lying", FA_GUIDE_RAISE, "random");
}

/* ---- who must not know, told once more ---- */

static const struct fa_person_entry *entry_of(struct world *w, const char *name)
{
    return name != NULL ? world_find(w, name) : NULL;
}

static bool is_household(const struct fa_person_entry *of, const char *who)
{
    return strcmp(of->name, who) == 0 || fa_texts_has(of->deputies, of->deputy_count, who) ||
           fa_texts_has(of->assistants, of->assistant_count, who) ||
           fa_texts_has(of->delegates, of->delegate_count, who);
}

static bool is_near(struct world *w, const char *subject, const char *who)
{
    const struct fa_person_entry *s = entry_of(w, subject), *up;
    bool near = is_household(s, who);
    for (up = entry_of(w, entry_of(w, who)->manager); up != NULL; up = entry_of(w, up->manager)) {
        near = near || up == s;
    }
    for (up = entry_of(w, s->manager); up != NULL && !up->independent;
         up = entry_of(w, up->manager)) {
        near = near || strcmp(up->name, who) == 0;
    }
    return near;
}

struct kept_out {
    char *subjects[4], *struck[4];
    size_t subject_count, struck_count;
};

static bool must_not(struct world *w, const struct kept_out *out, const char *who)
{
    const struct fa_person_entry *entry = entry_of(w, who);
    for (size_t reader = 0; reader <= entry->delegate_count; reader++) {
        const char *name = reader == 0 ? who : entry->delegates[reader - 1];
        for (size_t i = 0; i < out->subject_count; i++) {
            if (is_near(w, out->subjects[i], name)) {
                return true;
            }
        }
        for (size_t i = 0; i < out->struck_count; i++) {
            if (is_household(entry_of(w, out->struck[i]), name)) {
                return true;
            }
        }
    }
    return false;
}

static size_t made; /* messages that were looked at */

static void check(struct world *w, const struct kept_out *out, size_t number)
{
    for (size_t i = 0; i < w->send_count; i++) {
        const struct fa_notification *n = fa_engine_notification(w->engine, w->sends[i]);
        if (n == NULL || n->owner_alarm == NULL || (n->owner_alarm->flags & FA_FLAG_FILED) == 0 ||
            !fa_engine_may_send(w->engine, n)) {
            continue; /* what was queued before somebody stepped out is not handed over */
        }
        made++;
        if (must_not(w, out, n->person)) {
            fail_msg("organisation %zu: %s is told", number, n->person);
        }
    }
    const struct fa_alarm *alarm = w->engine->alarms.first;
    for (; alarm != NULL; alarm = alarm->after) {
        struct fa_access access;
        fa_access_init(&access, w->engine, alarm);
        for (fa_person p = 0; p < w->dir->people_count; p++) {
            bool may = (alarm->flags & FA_FLAG_FILED) != 0 &&
                       fa_may(w->dir, (struct fa_viewer){p}, FA_VERB_LIST, &access.object);
            if (may && must_not(w, out, w->dir->people[p].name)) {
                fail_msg("organisation %zu: %s sees it in a list", number, w->dir->people[p].name);
            }
        }
        fa_access_done(&access);
    }
}

static void recuse(struct world *w, struct fa_rng *rng, struct kept_out *out)
{
    const struct fa_alarm *alarm = w->engine->alarms.first;
    while (alarm != NULL && (alarm->flags & FA_FLAG_FILED) == 0) {
        alarm = alarm->after;
    }
    const struct fa_person_entry *who = &w->dir->people[1 + draw(rng, PEOPLE)];
    bool is_subject = draw(rng, 2) == 0 && !who->independent;
    if (alarm == NULL || out->struck_count == 4 || out->subject_count == 4) {
        return;
    }
    world_step_event(
        w, (struct fa_event){.kind = FA_EV_RECUSE,
                             .u.recuse = {alarm->id, who->name, is_subject ? who->name : NULL}});
    if (is_subject) {
        out->subjects[out->subject_count++] = who->name;
    } else {
        out->struck[out->struck_count++] = who->name;
    }
}

static void play(struct fa_rng *rng, size_t number)
{
    struct world w;
    struct kept_out out = {.subject_count = 1};
    world_init(&w);
    w.unchecked = true;
    for (size_t i = 0; i < PEOPLE; i++) {
        make_person(&w, rng, i);
    }
    make_schedule(&w, rng);
    make_policy(&w, rng);
    world_begin(&w);
    out.subjects[0] = w.dir->people[1 + draw(rng, PEOPLE)].name;
    world_file(&w, 1, "lying", out.subjects[0], -1);
    for (size_t i = 0; i < 24; i++) {
        check(&w, &out, number);
        world_answer(&w, (enum fa_verdict_kind)draw(rng, 3));
        if (draw(rng, 8) == 0) {
            recuse(&w, rng, &out);
        }
        world_advance(&w, (fa_time)(1 + draw(rng, 15)) * FA_MINUTE);
    }
    check(&w, &out, number);
    world_done(&w);
}

static void in_400_random_organisations_nothing_reaches_who_must_not_know(void **state)
{
    struct fa_rng rng = {{20, 27}};
    for (size_t i = 0; i < 400; i++) {
        play(&rng, i);
    }
    assert_true(made > 4000);
}

/* What operators are to hear of themselves, in bytes: everything but id and times. */
static void put_trouble(const struct world *w, const char *rule, struct fa_buf *out)
{
    const struct fa_alarm *a = world_alarm_of(w, rule);
    assert_non_null(a);
    fa_buf_printf(out, "%s|%s|%s|%s|%s|%s|%s|%zu|%zu|%zu|%zu|%u|%u|", a->identity, a->labels,
                  a->texts->rule, a->texts->category, a->texts->severity, a->texts->summary,
                  a->texts->expect, a->people->about_count, a->people->struck_count,
                  a->people->incident_count, a->people->comment_count, a->flags,
                  (unsigned)isnan(a->value));
    struct fa_moment moments[FA_DIARY_MAX];
    uint32_t moment_count = fa_diary_read(a, moments);
    for (size_t i = 0; i < moment_count; i++) {
        fa_buf_printf(out, "%u %s %lld,", moments[i].code,
                      moments[i].person != NULL ? moments[i].person : "",
                      (long long)moments[i].number);
    }
}

/* An operator runs the daemon and may be whom a filing is about: the troubles that it makes say
 * what they say of any alarm. `kind` 0: of a rule; 1: filed; 2: filed about the operator. */
static void make_troubles(int kind, struct fa_buf *out)
{
    struct world w;
    world_begin_firm(&w);
    if (kind == 0) {
        world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    } else {
        assert_int_equal(world_file(&w, 1, "lying", kind == 2 ? "ops" : NULL, -1), 0);
    }
    const struct fa_alarm *secret = world_alarm(&w);
    assert_int_equal(secret->people->about_count, kind == 2);
    struct fa_event wrong = {.kind = FA_EV_WRONG_CODE,
                             .u.act = {.alarm = secret->id, .who = "lead"}};
    world_answer(&w, FA_VERDICT_REJECTED);
    put_trouble(&w, "firealarm:channel-mail", out);
    for (int i = 0; i < FA_GUESSES_MAX; i++) {
        world_step_event(&w, wrong);
    }
    put_trouble(&w, "firealarm:link-locked", out);
    world_done(&w);
}

static void a_trouble_that_a_secret_makes_says_nothing_of_it(void **state)
{
    struct fa_buf plain, other;
    fa_buf_init(&plain, 1 << 16);
    fa_buf_init(&other, 1 << 16);
    make_troubles(0, &plain);
    for (int kind = 1; kind < 3; kind++) {
        fa_buf_clear(&other);
        make_troubles(kind, &other);
        assert_string_equal(fa_buf_text(&other), fa_buf_text(&plain));
    }
    assert_null(strstr(fa_buf_text(&plain), "lead"));
    fa_buf_done(&plain);
    fa_buf_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_400_random_organisations_nothing_reaches_who_must_not_know),
        cmocka_unit_test(a_trouble_that_a_secret_makes_says_nothing_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Notifications on their less usual ways: help and tests that fail, addresses of channels, limits,
 * and what an operator may still do with them. */
#include "fa_test.h"
#include "world.h"

static char text[256];
#define WAITING(w, expected) assert_string_equal(world_waiting(w, text, sizeof text), expected)

static size_t in_state(const struct world *w, enum fa_notification_state state)
{
    size_t count = 0;
    for (const struct fa_notification *n = w->engine->notifications.first; n != NULL;
         n = n->after) {
        count += n->state == state;
    }
    return count;
}

static const struct fa_notification *of(const struct world *w, const char *person,
                                        const char *channel)
{
    for (const struct fa_notification *n = w->engine->notifications.first; n != NULL;
         n = n->after) {
        if (strcmp(n->person, person) == 0 && strcmp(n->channel, channel) == 0) {
            return n;
        }
    }
    fail_msg("nothing for %s over %s", person, channel);
    return NULL;
}

static void dead_letters_are_kept_up_to_the_limit_of_the_outbox(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.outbox_max = 2;
    for (unsigned i = 0; i < 4; i++) {
        char labels[16];
        snprintf(labels, sizeof labels, "q=\"%u\"", i);
        world_signal(&w, "slow", labels, FA_LEVEL_FIRING);
        world_answer(&w, FA_VERDICT_REJECTED);
        for (const struct fa_alarm *a = w.engine->alarms.first; a != NULL; a = a->after) {
            if (strcmp(fa_alarm_labels(a), labels) == 0) {
                world_act(&w, FA_EV_ACK, a, "boss", 0);
                break;
            }
        }
        world_answer(&w, FA_VERDICT_REJECTED); /* his other channel too */
        w.send_count = 0;
    }
    assert_int_equal(in_state(&w, FA_NOTICE_DEAD), 2);
    world_done(&w);
}

static void help_that_fails_tries_the_other_channel_and_then_waits(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "stuck", NULL, -1);
    WAITING(&w, "lead/mail rep2/mail");
    world_answer(&w, FA_VERDICT_REJECTED);
    assert_true(strstr(world_waiting(&w, text, sizeof text), "lead/sms") != NULL);
    world_answer(&w, FA_VERDICT_REJECTED);
    assert_null(strstr(world_waiting(&w, text, sizeof text), "lead"));
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_DAY);
    assert_non_null(world_alarm_of(&w, "filing"));
    world_done(&w);
}

static void help_that_nobody_needs_any_more_is_not_sent_again(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "stuck", NULL, -1);
    world_answer(&w, FA_VERDICT_RETRY);
    world_advance(&w, 3 * FA_SECOND);
    WAITING(&w, "lead/mail rep2/mail");
    world_answer(&w, FA_VERDICT_RETRY);
    assert_int_equal(in_state(&w, FA_NOTICE_WAITING), 2);
    struct fa_event event = {.kind = FA_EV_REPORTER};
    event.u.reporter.incident.id.bytes[0] = 1;
    event.u.reporter.done = true;
    world_step_event(&w, event);
    world_advance(&w, FA_MINUTE);
    WAITING(&w, "");
    assert_int_equal(w.engine->notifications.count, 0);
    world_done(&w);
}

static void a_test_that_fails_is_tried_over_no_other_channel(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_step_event(&w, (struct fa_event){.kind = FA_EV_TEST, .u.test = {"ceo"}});
    world_step_event(&w, (struct fa_event){.kind = FA_EV_TEST, .u.test = {"boss"}});
    WAITING(&w, "boss/mail boss/sms ceo/mail ceo/sms");
    world_answer(&w, FA_VERDICT_REJECTED);
    assert_int_equal(in_state(&w, FA_NOTICE_DEAD), 4);
    world_answer(&w, FA_VERDICT_SENT);
    world_answer(&w, FA_VERDICT_SENT);
    world_step_event(&w, (struct fa_event){.kind = FA_EV_TEST, .u.test = {"ceo"}});
    assert_int_equal(w.reply.u.reply.count, 2);
    assert_true(strstr(world_waiting(&w, text, sizeof text), "ceo/mail ceo/sms") != NULL);
    world_done(&w);
}

static void forget_address(struct world *w, const char *name, uint32_t contact)
{
    struct fa_person_entry *entry = world_find(w, name);
    free(entry->contacts[contact].address);
    entry->contacts[contact].address = NULL;
}

/* A channel's own address is one address; another beside it is another. */
static void an_address_of_the_channels_own_is_one_address(void **state)
{
    struct world w;
    world_init(&w);
    world_person(&w, "lead", NULL);
    world_contact(&w, "lead", "mail");
    world_contact(&w, "lead", "mail");
    forget_address(&w, "lead", 0);
    world_policy(&w, "line");
    world_step(&w, "lead", 15 * FA_MINUTE);
    world_rule(&w, "slow", "line", 0);
    world_begin(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_REJECTED);
    world_answer(&w, FA_VERDICT_REJECTED);
    assert_int_equal(world_alarm(&w)->loop > 0 ? 0 : in_state(&w, FA_NOTICE_SLOW), 0);
    world_advance(&w, FA_HOUR);
    size_t mails = 0, bare = 0;
    for (const struct fa_notification *n = w.engine->notifications.first; n != NULL; n = n->after) {
        mails += strcmp(n->person, "lead") == 0;
        bare += strcmp(n->person, "lead") == 0 && n->address == NULL;
    }
    assert_int_equal(bare, 1);
    assert_int_equal(mails, 2);
    world_step_event(&w, (struct fa_event){.kind = FA_EV_TEST, .u.test = {"lead"}});
    world_step_event(&w, (struct fa_event){.kind = FA_EV_TEST, .u.test = {"lead"}});
    mails = 0;
    for (const struct fa_notification *n = w.engine->notifications.first; n != NULL; n = n->after) {
        mails += n->kind == FA_NOTE_TEST;
    }
    assert_int_equal(mails, 2);
    world_done(&w);
}

static void a_rung_may_take_as_much_room_again_and_no_more(void **state)
{
    struct world w;
    world_init(&w);
    world_policy(&w, "line");
    char targets[80] = "";
    for (unsigned i = 0; i < 6; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%u", i);
        world_person(&w, name, NULL);
        world_contact(&w, name, "mail");
        snprintf(targets + strlen(targets), sizeof targets - strlen(targets), "%s%s",
                 i > 0 ? " " : "", name);
    }
    world_step(&w, targets, 15 * FA_MINUTE);
    world_rule(&w, "slow", "line", 0);
    world_begin(&w);
    w.setup.outbox_max = 2;
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    WAITING(&w, "ops/mail p0/mail p1/mail p2/mail p3/mail");
    assert_non_null(world_alarm_of(&w, "firealarm:outbox-full"));
    world_done(&w);
}

static void waits_stop_doubling(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.severities[0].fail_attempts = 1000;
    w.setup.severities[0].fail_after = FA_DAY;
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    fa_time last = 0;
    for (unsigned i = 0; i < 12; i++) {
        struct fa_notification_id id = of(&w, "lead", "mail")->id;
        world_verdict(&w, id, FA_VERDICT_RETRY);
        last = fa_engine_notification(w.engine, id)->deadline.length;
        assert_true(last <= 5 * FA_MINUTE * 3 / 2);
        world_advance(&w, last);
    }
    assert_true(last >= 2 * FA_MINUTE);
    world_done(&w);
}

static void what_was_rejected_and_is_owned_since_is_a_dead_letter_at_its_next_try(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_notification_id id = of(&w, "lead", "mail")->id;
    world_verdict(&w, id, FA_VERDICT_REJECTED);
    world_advance(&w, 5 * FA_MINUTE); /* the slow retry is with the courier */
    world_act(&w, FA_EV_ACK, world_alarm(&w), "boss", 0);
    world_verdict(&w, id, FA_VERDICT_RETRY);
    assert_int_equal(fa_engine_notification(w.engine, id)->state, FA_NOTICE_DEAD);
    world_done(&w);
}

static void what_waits_while_somebody_owns_it_is_not_sent_again(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_notification_id id = of(&w, "lead", "mail")->id;
    world_act(&w, FA_EV_ACK, world_alarm(&w), "boss", 0);
    world_verdict(&w, id, FA_VERDICT_RETRY);
    assert_null(fa_engine_notification(w.engine, id));
    WAITING(&w, "");
    world_done(&w);
}

static void a_dead_letter_of_one_who_came_too_near_cannot_be_replayed(void **state)
{
    struct world w, other;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", "i1", -1);
    struct fa_notification_id id = of(&w, "lead", "mail")->id;
    world_verdict(&w, id, FA_VERDICT_REJECTED);
    struct fa_event event = {.kind = FA_EV_REPLAY, .u.note = {id}};
    world_step_event(&w, event);
    assert_int_equal(w.reply.u.reply.code, 0);
    world_step_event(&w, event);
    assert_int_equal(w.reply.u.reply.code, FA_ECONFLICT);
    world_verdict(&w, id, FA_VERDICT_REJECTED);
    world_begin_firm(&other);
    struct fa_person_entry *subject = world_find(&other, "i1");
    world_text(&subject->deputies, &subject->deputy_count, "lead");
    w.unchecked = true;
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload = {&other.setup}});
    world_step_event(&w, event);
    assert_int_equal(w.reply.u.reply.code, FA_EDENIED);
    fa_engine_free(w.engine);
    w.engine = NULL;
    world_done(&other);
    world_done(&w);
}

static void a_slow_retry_to_one_who_came_too_near_is_dropped(void **state)
{
    struct world w, other;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", "i1", -1);
    struct fa_notification_id id = of(&w, "lead", "mail")->id;
    world_verdict(&w, id, FA_VERDICT_REJECTED);
    assert_true(fa_engine_notification(w.engine, id)->moved_on);
    world_begin_firm(&other);
    struct fa_person_entry *subject = world_find(&other, "i1");
    world_text(&subject->deputies, &subject->deputy_count, "lead");
    w.unchecked = true;
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload = {&other.setup}});
    world_advance(&w, 5 * FA_MINUTE);
    assert_null(fa_engine_notification(w.engine, id));
    fa_engine_free(w.engine);
    w.engine = NULL;
    world_done(&other);
    world_done(&w);
}

static void the_owner_hears_of_no_owner_and_others_do_at_once(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, 15 * FA_MINUTE);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "boss", 0);
    WAITING(&w, "boss/mail lead/mail"); /* his own message of the step is on its way still */
    world_answer(&w, FA_VERDICT_SENT);
    WAITING(&w, "");
    world_done(&w);
}

static void missing_data_stop_the_for_once_and_again(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_advance(&w, 10 * FA_MINUTE);
    world_signal(&w, "late", "", FA_LEVEL_UNKNOWN);
    world_signal(&w, "late", "", FA_LEVEL_UNKNOWN);
    world_advance(&w, FA_HOUR);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_PENDING);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_advance(&w, 20 * FA_MINUTE);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED);
    world_done(&w);
}

static void what_resumes_while_the_outbox_is_full_waits_for_room(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "q=\"1\"", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_signal(&w, "slow", "q=\"1\"", FA_LEVEL_CLEAR);
    world_answer(&w, FA_VERDICT_SENT);
    w.setup.outbox_max = 1;
    world_signal(&w, "slow", "q=\"2\"", FA_LEVEL_FIRING);
    w.send_count = 0;
    world_signal(&w, "slow", "q=\"1\"", FA_LEVEL_FIRING);
    assert_null(strstr(world_waiting(&w, text, sizeof text), "lead"));
    w.setup.outbox_max = 100;
    world_advance(&w, 30 * FA_SECOND);
    assert_true(strstr(world_waiting(&w, text, sizeof text), "lead/mail") != NULL);
    world_done(&w);
}

static void a_later_rung_that_waits_for_room_is_not_passed_over(void **state)
{
    static const unsigned rungs[] = {1, 3}; /* a later step; the last one again */
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_begin_firm(&w);
        world_signal(&w, "slow", "q=\"1\"", FA_LEVEL_FIRING);
        const struct fa_alarm *alarm = world_alarm(&w);
        world_answer(&w, FA_VERDICT_SENT);
        for (unsigned rung = 0; rung < rungs[i]; rung++) {
            world_advance(&w, alarm->deadline.length);
            world_answer(&w, FA_VERDICT_SENT);
        }
        uint32_t step = alarm->step, loop = alarm->loop;
        assert_true(i == 0 ? step == 1 && loop == 0 : loop == 1);
        world_act(&w, FA_EV_ACK, alarm, "lead", FA_MINUTE); /* whose boss hears of it */
        while (w.send_count > 0) {
            world_answer(&w, FA_VERDICT_SENT);
        }
        w.setup.outbox_max = 2;
        world_signal(&w, "slow", "q=\"2\"", FA_LEVEL_FIRING);
        world_advance(&w, FA_MINUTE); /* the promise is over */
        w.setup.outbox_max = 100;
        world_advance(&w, 30 * FA_SECOND);
        assert_string_equal(fa_alarm_state_name(alarm->state), "unacknowledged");
        assert_int_equal(alarm->step, step);
        assert_int_equal(alarm->loop, loop);
        world_done(&w);
    }
}

static struct fa_rule *latched(struct world *w, const char *name)
{
    for (size_t i = 0; i < w->setup.rule_count; i++) {
        if (strcmp(w->rules[i]->name, name) == 0) {
            w->rules[i]->latched = true;
            return w->rules[i];
        }
    }
    fail();
    return NULL;
}

static void a_latched_alarm_that_was_not_raised_or_is_closed_ends_with_its_data(void **state)
{
    struct world w;
    world_begin_firm(&w);
    latched(&w, "late");
    latched(&w, "slow");
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_signal(&w, "late", "", FA_LEVEL_CLEAR);
    assert_null(world_alarm(&w));
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "lead", 0);
    world_answer(&w, FA_VERDICT_SENT);
    assert_non_null(world_alarm(&w)); /* it fires still: quiet for a while */
    world_signal(&w, "slow", "", FA_LEVEL_CLEAR);
    assert_null(world_alarm(&w));
    world_done(&w);
}

static void data_that_go_missing_at_once_or_in_the_last_moment_lose_nothing(void **state)
{
    static const fa_time waits[] = {0, 30 * FA_MINUTE};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_begin_firm(&w);
        world_signal(&w, "late", "", FA_LEVEL_FIRING);
        w.now.mono += waits[i]; /* the tick has not run yet */
        w.now.wall += waits[i];
        world_signal(&w, "late", "", FA_LEVEL_UNKNOWN);
        assert_int_equal(world_alarm(&w)->held, waits[i]);
        world_signal(&w, "late", "", FA_LEVEL_FIRING);
        world_advance(&w, 30 * FA_MINUTE - waits[i]);
        assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED);
        world_done(&w);
    }
}

static void a_rule_that_comes_back_takes_its_alarm_back(void **state)
{
    struct world w, other;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_begin_firm(&other);
    other.setup.rule_count = 0;
    w.unchecked = true;
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload = {&other.setup}});
    assert_int_equal(world_alarm(&w)->flags & FA_FLAG_ORPHANED, FA_FLAG_ORPHANED);
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload = {&w.setup}});
    assert_int_equal(world_alarm(&w)->flags & FA_FLAG_ORPHANED, 0);
    other.setup.rule_count = 2;
    world_done(&other);
    world_done(&w);
}

static void what_is_sound_is_not_reconciled(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RECONCILE});
    assert_null(world_alarm_of(&w, "firealarm:reconciled"));
    world_done(&w);
}

static void begin_lead_twice(struct world *w)
{
    world_init(w);
    world_person(w, "lead", NULL);
    world_contact(w, "lead", "mail");
    world_policy(w, "line");
    world_step(w, "lead", FA_MINUTE);
    world_step(w, "lead", FA_MINUTE);
    world_rule(w, "slow", "line", 0);
}

static void what_still_waits_is_superseded_by_the_next_rung(void **state)
{
    struct world w;
    begin_lead_twice(&w);
    world_begin(&w);
    w.setup.severities[0].fail_attempts = 1000;
    w.setup.severities[0].fail_after = FA_DAY;
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_notification_id first = of(&w, "lead", "mail")->id;
    struct fa_event event = {.kind = FA_EV_VERDICT};
    event.u.verdict.id = first;
    event.u.verdict.verdict = FA_VERDICT_RETRY;
    event.u.verdict.retry_after = FA_HOUR;
    world_step_event(&w, event);
    w.send_count = 0;
    world_advance(&w, FA_MINUTE);
    WAITING(&w, "lead/mail");
    assert_null(fa_engine_notification(w.engine, first));
    world_done(&w);
}

static void two_addresses_on_one_channel_are_two(void **state)
{
    struct world w;
    begin_lead_twice(&w);
    world_contact(&w, "lead", "mail");
    struct fa_person_entry *lead = world_find(&w, "lead");
    free(lead->contacts[1].address);
    lead->contacts[1].address = fa_xstrdup("at home");
    world_begin(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_REJECTED);
    assert_true(strstr(world_waiting(&w, text, sizeof text), "lead/mail") != NULL);
    assert_int_equal(in_state(&w, FA_NOTICE_SLOW), 1); /* not superseded by the other's */
    world_done(&w);
}

static void a_verdict_as_late_as_the_last_chance_fails_for_good(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_notification_id id = of(&w, "lead", "mail")->id;
    w.now.mono += FA_MINUTE; /* the verdict comes before the tick */
    w.now.wall += FA_MINUTE;
    world_verdict(&w, id, FA_VERDICT_RETRY);
    assert_int_equal(fa_engine_notification(w.engine, id)->state, FA_NOTICE_SLOW);
    assert_true(strstr(world_waiting(&w, text, sizeof text), "lead/sms") != NULL);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_letters_are_kept_up_to_the_limit_of_the_outbox),
        cmocka_unit_test(help_that_fails_tries_the_other_channel_and_then_waits),
        cmocka_unit_test(help_that_nobody_needs_any_more_is_not_sent_again),
        cmocka_unit_test(a_test_that_fails_is_tried_over_no_other_channel),
        cmocka_unit_test(an_address_of_the_channels_own_is_one_address),
        cmocka_unit_test(a_rung_may_take_as_much_room_again_and_no_more),
        cmocka_unit_test(waits_stop_doubling),
        cmocka_unit_test(what_was_rejected_and_is_owned_since_is_a_dead_letter_at_its_next_try),
        cmocka_unit_test(what_waits_while_somebody_owns_it_is_not_sent_again),
        cmocka_unit_test(a_dead_letter_of_one_who_came_too_near_cannot_be_replayed),
        cmocka_unit_test(a_slow_retry_to_one_who_came_too_near_is_dropped),
        cmocka_unit_test(the_owner_hears_of_no_owner_and_others_do_at_once),
        cmocka_unit_test(missing_data_stop_the_for_once_and_again),
        cmocka_unit_test(what_resumes_while_the_outbox_is_full_waits_for_room),
        cmocka_unit_test(a_later_rung_that_waits_for_room_is_not_passed_over),
        cmocka_unit_test(a_latched_alarm_that_was_not_raised_or_is_closed_ends_with_its_data),
        cmocka_unit_test(data_that_go_missing_at_once_or_in_the_last_moment_lose_nothing),
        cmocka_unit_test(a_rule_that_comes_back_takes_its_alarm_back),
        cmocka_unit_test(what_is_sound_is_not_reconciled),
        cmocka_unit_test(what_still_waits_is_superseded_by_the_next_rung),
        cmocka_unit_test(two_addresses_on_one_channel_are_two),
        cmocka_unit_test(a_verdict_as_late_as_the_last_chance_fails_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

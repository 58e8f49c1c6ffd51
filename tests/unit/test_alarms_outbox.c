/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "world.h"

static const struct fa_notification *first(const struct world *w)
{
    const struct fa_alarm *alarm = world_alarm(w);
    const struct fa_notification *n = alarm != NULL ? alarm->notifications : NULL;
    while (n != NULL && n->next != NULL) {
        n = n->next;
    }
    return n;
}

/* One notification to the lead over mail, in the state. */
static struct fa_notification_id bring_to(struct world *w, enum fa_notification_state state)
{
    world_begin_firm(w);
    world_signal(w, "slow", "", FA_LEVEL_FIRING);
    struct fa_notification_id id = first(w)->id;
    if (state == FA_NOTICE_WAITING) {
        world_verdict(w, id, FA_VERDICT_RETRY);
    } else if (state != FA_NOTICE_QUEUED) {
        world_verdict(w, id, FA_VERDICT_REJECTED);
    }
    if (state == FA_NOTICE_DEAD) {
        world_act(w, FA_EV_ACK, world_alarm(w), "boss", 0);
    }
    assert_int_equal(fa_engine_notification(w->engine, id)->state, state);
    return id;
}

static void every_verdict_in_every_state(void **state)
{
    enum { GONE = 99 };
    static const struct {
        enum fa_notification_state state;
        enum fa_verdict_kind verdict;
        int rc;
        int next;
        bool sent_again;
    } rows[] = {
        {FA_NOTICE_QUEUED, FA_VERDICT_SENT, 0, GONE, false},
        {FA_NOTICE_QUEUED, FA_VERDICT_RETRY, 0, FA_NOTICE_WAITING, false},
        {FA_NOTICE_QUEUED, FA_VERDICT_REJECTED, 0, FA_NOTICE_SLOW, false},
        {FA_NOTICE_QUEUED, FA_VERDICT_UNKNOWN, 0, FA_NOTICE_QUEUED, true},
        {FA_NOTICE_WAITING, FA_VERDICT_SENT, FA_ENOTFOUND, FA_NOTICE_WAITING, false},
        {FA_NOTICE_WAITING, FA_VERDICT_RETRY, FA_ENOTFOUND, FA_NOTICE_WAITING, false},
        {FA_NOTICE_WAITING, FA_VERDICT_REJECTED, FA_ENOTFOUND, FA_NOTICE_WAITING, false},
        {FA_NOTICE_WAITING, FA_VERDICT_UNKNOWN, FA_ENOTFOUND, FA_NOTICE_WAITING, false},
        {FA_NOTICE_SLOW, FA_VERDICT_SENT, FA_ENOTFOUND, FA_NOTICE_SLOW, false},
        {FA_NOTICE_SLOW, FA_VERDICT_RETRY, FA_ENOTFOUND, FA_NOTICE_SLOW, false},
        {FA_NOTICE_SLOW, FA_VERDICT_REJECTED, FA_ENOTFOUND, FA_NOTICE_SLOW, false},
        {FA_NOTICE_SLOW, FA_VERDICT_UNKNOWN, FA_ENOTFOUND, FA_NOTICE_SLOW, false},
        {FA_NOTICE_DEAD, FA_VERDICT_SENT, FA_ENOTFOUND, FA_NOTICE_DEAD, false},
        {FA_NOTICE_DEAD, FA_VERDICT_RETRY, FA_ENOTFOUND, FA_NOTICE_DEAD, false},
        {FA_NOTICE_DEAD, FA_VERDICT_REJECTED, FA_ENOTFOUND, FA_NOTICE_DEAD, false},
        {FA_NOTICE_DEAD, FA_VERDICT_UNKNOWN, FA_ENOTFOUND, FA_NOTICE_DEAD, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct fa_notification_id id = bring_to(&w, rows[i].state);
        w.send_count = 0;
        int rc = world_verdict(&w, id, rows[i].verdict);
        const struct fa_notification *n = fa_engine_notification(w.engine, id);
        bool again = false;
        for (size_t s = 0; s < w.send_count; s++) {
            again = again || fa_id_eq(w.sends[s].id, id.id);
        }
        if (rc != rows[i].rc || (n == NULL ? GONE : (int)n->state) != rows[i].next ||
            again != rows[i].sent_again) {
            fail_msg("row %zu: rc %d, state %d", i, rc, n == NULL ? GONE : (int)n->state);
        }
        world_done(&w);
    }
}

static void waits_double_with_jitter_and_the_seed_alone_decides(void **state)
{
    fa_time seen[3][2];
    for (size_t run = 0; run < 3; run++) {
        struct world w;
        world_begin_firm(&w);
        w.seed = run < 2 ? 1000 : 2000;
        world_signal(&w, "slow", "", FA_LEVEL_FIRING);
        for (size_t i = 0; i < 2; i++) {
            world_answer(&w, FA_VERDICT_RETRY);
            fa_time wait = first(&w)->deadline.length;
            fa_time base = 2 * FA_SECOND << i;
            assert_true(wait >= base / 2 && wait < base + base / 2);
            seen[run][i] = wait;
            world_advance(&w, wait);
        }
        world_done(&w);
    }
    assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
    assert_memory_not_equal(seen[0], seen[2], sizeof seen[0]);
}

static void the_third_failed_attempt_moves_on(void **state)
{
    struct world w;
    char buf[128];
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(world_waiting(&w, buf, sizeof buf), "lead/mail");
        world_answer(&w, FA_VERDICT_RETRY);
        if (i < 2) {
            world_advance(&w, first(&w)->deadline.length);
        }
    }
    assert_string_equal(world_waiting(&w, buf, sizeof buf), "lead/sms ops/mail");
    world_done(&w);
}

static void sixty_seconds_of_failing_move_on_whatever_the_attempts(void **state)
{
    struct world w;
    char buf[128];
    world_begin_firm(&w);
    w.setup.severities[0].fail_attempts = 1000;
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_event event = {.kind = FA_EV_VERDICT};
    event.u.verdict.id = first(&w)->id;
    event.u.verdict.verdict = FA_VERDICT_RETRY;
    event.u.verdict.retry_after = FA_HOUR; /* no receiver may hold the escalation up */
    world_step_event(&w, event);
    w.send_count = 0;
    world_advance(&w, FA_MINUTE - 1);
    assert_string_equal(world_waiting(&w, buf, sizeof buf), "");
    world_advance(&w, 1);
    assert_contains(world_waiting(&w, buf, sizeof buf), "lead/sms");
    world_done(&w);
}

static void no_verdict_at_all_moves_on_too_and_a_late_one_still_counts(void **state)
{
    struct world w;
    char buf[128];
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_notification_id late = first(&w)->id;
    w.send_count = 0;
    world_advance(&w, FA_MINUTE);
    assert_string_equal(world_waiting(&w, buf, sizeof buf), "lead/sms ops/mail");
    assert_int_equal(world_verdict(&w, late, FA_VERDICT_SENT), 0);
    assert_int_equal(world_alarm(&w)->told_count, 1);
    world_done(&w);
}

static void a_slow_retry_that_succeeds_counts_as_told_once(void **state)
{
    struct world w;
    struct fa_notification_id id = bring_to(&w, FA_NOTICE_SLOW);
    w.send_count = 0;
    world_advance(&w, 5 * FA_MINUTE);
    assert_int_equal(fa_engine_notification(w.engine, id)->state, FA_NOTICE_QUEUED);
    world_verdict(&w, id, FA_VERDICT_SENT);
    assert_int_equal(world_alarm(&w)->told_count, 1);
    assert_string_equal(world_alarm(&w)->told[0].to->person, "lead");
    world_done(&w);
}

static void an_acknowledgement_stops_what_has_not_left(void **state)
{
    struct world w;
    char buf[128];
    struct fa_notification_id id = bring_to(&w, FA_NOTICE_WAITING);
    w.send_count = 0;
    world_act(&w, FA_EV_ACK, world_alarm(&w), "boss", 0);
    assert_null(fa_engine_notification(w.engine, id));
    world_advance(&w, 30 * FA_MINUTE);
    assert_string_equal(world_waiting(&w, buf, sizeof buf), "");
    world_done(&w);
}

static void what_fails_after_the_acknowledgement_is_tried_nowhere_else(void **state)
{
    static const struct {
        enum fa_verdict_kind verdict;
        bool dead;
    } rows[] = {{FA_VERDICT_REJECTED, true}, {FA_VERDICT_RETRY, false}};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct fa_notification_id id = bring_to(&w, FA_NOTICE_QUEUED);
        w.send_count = 0;
        world_act(&w, FA_EV_ACK, world_alarm(&w), "boss", 0);
        world_verdict(&w, id, rows[i].verdict);
        const struct fa_notification *n = fa_engine_notification(w.engine, id);
        assert_true((n != NULL) == rows[i].dead);
        assert_true(n == NULL || n->state == FA_NOTICE_DEAD);
        for (size_t s = 0; s < w.send_count; s++) {
            const struct fa_notification *sent = fa_engine_notification(w.engine, w.sends[s]);
            assert_true(sent == NULL || strcmp(sent->person, "lead") != 0);
        }
        world_done(&w);
    }
}

static int act_on(struct world *w, enum fa_event_kind kind, struct fa_notification_id id)
{
    struct fa_event event = {.kind = kind};
    event.u.note.id = id;
    world_step_event(w, event);
    return w->reply.u.reply.code;
}

static void a_dead_letter_can_be_replayed_and_is_dropped_after_a_week(void **state)
{
    struct world w;
    struct fa_notification_id id = bring_to(&w, FA_NOTICE_DEAD);
    assert_int_equal(act_on(&w, FA_EV_REPLAY, id), 0);
    assert_int_equal(act_on(&w, FA_EV_REPLAY, id), FA_ECONFLICT);
    world_verdict(&w, id, FA_VERDICT_REJECTED);
    assert_int_equal(fa_engine_notification(w.engine, id)->state, FA_NOTICE_DEAD);
    world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "boss", 0);
    world_advance(&w, 7 * FA_DAY);
    assert_null(fa_engine_notification(w.engine, id));
    assert_int_equal(act_on(&w, FA_EV_REPLAY, id), FA_ENOTFOUND);
    world_done(&w);
}

static void dropping_one_lets_the_escalation_go_on(void **state)
{
    static const enum fa_notification_state states[] = {FA_NOTICE_QUEUED, FA_NOTICE_WAITING};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        char buf[128];
        struct fa_notification_id id = bring_to(&w, states[i]);
        assert_int_equal(act_on(&w, FA_EV_DROP, id), 0);
        assert_int_equal(world_journalled(&w, FA_J_DROPPED), 1);
        assert_null(fa_engine_notification(w.engine, id));
        assert_contains(world_waiting(&w, buf, sizeof buf), "lead/sms");
        assert_int_equal(act_on(&w, FA_EV_DROP, id), FA_ENOTFOUND);
        world_done(&w);
    }
}

static void a_newer_rung_supersedes_what_still_fails_at_the_same_address(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    for (size_t i = 0; i < 8; i++) {
        world_answer(&w, FA_VERDICT_REJECTED);
        world_advance(&w, 30 * FA_MINUTE);
    }
    const struct fa_alarm *alarm = world_alarm(&w);
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        for (const struct fa_notification *m = n->next; m != NULL; m = m->next) {
            bool same = strcmp(n->person, m->person) == 0 && strcmp(n->channel, m->channel) == 0;
            assert_false(same && n->state == FA_NOTICE_SLOW && m->state == FA_NOTICE_SLOW);
        }
    }
    world_done(&w);
}

static void a_full_outbox_puts_steps_off_and_loses_none(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.outbox_max = 5;
    for (int i = 0; i < 20; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "queue=\"%d\"", i);
        world_signal(&w, "slow", labels, FA_LEVEL_FIRING);
    }
    struct fa_engine_stats stats;
    fa_engine_stats(w.engine, &stats);
    assert_true(stats.outbox <= 7); /* five, and the operators' own */
    assert_int_equal(stats.alarms[FA_ALARM_UNACKED], 21);
    /* A filing shares no limit with feeds. */
    assert_int_equal(world_file(&w, 1, "lying", NULL, -1), 0);
    assert_non_null(world_alarm_of(&w, "filing")->notifications);
    for (int i = 0; i < 40; i++) {
        world_answer(&w, FA_VERDICT_SENT);
        world_advance(&w, 30 * FA_SECOND);
    }
    for (int i = 0; i < 20; i++) {
        char identity[48];
        snprintf(identity, sizeof identity, "slow{queue=\"%d\"}", i);
        assert_true(fa_engine_alarm_by_identity(w.engine, identity)->told_count > 0);
    }
    world_done(&w);
}

static void a_reload_that_moves_people_holds_back_what_still_waits(void **state)
{
    struct world w;
    char buf[128];
    world_begin_firm(&w);
    world_file(&w, 1, "lying", "rep", -1); /* lead, boss and ceo are above rep: all out */
    assert_string_equal(world_waiting(&w, buf, sizeof buf), "i1/mail i2/sms");
    world_answer(&w, FA_VERDICT_RETRY);
    /* From now on i1 reads the mail of rep's manager: too near. */
    struct world other;
    world_begin_firm(&other);
    struct fa_person_entry *rep = world_find(&other, "rep");
    world_text(&rep->delegates, &rep->delegate_count, "i1");
    struct fa_event event = {.kind = FA_EV_RELOAD};
    event.u.reload.setup = &other.setup;
    w.unchecked = true; /* what waits for i1 is held back when it is due */
    world_step_event(&w, event);
    world_advance(&w, 10 * FA_SECOND);
    assert_string_equal(world_waiting(&w, buf, sizeof buf), "i2/sms");
    assert_null(world_check(w.engine));
    fa_engine_free(w.engine);
    w.engine = NULL;
    world_done(&other);
    world_done(&w);
}

static void what_waits_for_the_courier_is_asked_once_more_before_it_leaves(void **state)
{
    struct world w, other;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", "i1", -1);
    const struct fa_notification *n = fa_engine_notification(w.engine, w.sends[0]);
    struct fa_notification_id id = n->id;
    assert_string_equal(n->person, "lead");
    assert_true(fa_engine_may_send(w.engine, n));
    /* From now on lead stands in for whom it is about. */
    world_begin_firm(&other);
    struct fa_person_entry *subject = world_find(&other, "i1");
    world_text(&subject->deputies, &subject->deputy_count, "lead");
    struct fa_event event = {.kind = FA_EV_RELOAD, .u.reload = {&other.setup}};
    w.unchecked = true;
    world_step_event(&w, event);
    assert_false(fa_engine_may_send(w.engine, n));
    world_verdict(&w, id, FA_VERDICT_UNKNOWN);
    assert_null(fa_engine_notification(w.engine, id));
    fa_engine_free(w.engine);
    w.engine = NULL;
    world_done(&other);
    world_done(&w);
}

static void tests_and_filings_take_no_room_from_alarms_of_series(void **state)
{
    struct world w;
    char buf[128];
    world_begin_firm(&w);
    w.setup.outbox_max = 4;
    for (uint8_t key = 1; key <= 10; key++) {
        assert_int_equal(world_file(&w, key, "stuck", NULL, -1), 0);
    }
    for (unsigned i = 0; i < 10; i++) {
        world_step_event(&w, (struct fa_event){.kind = FA_EV_TEST, .u.test = {"ceo"}});
        assert_int_equal(w.reply.u.reply.count, 2);
    }
    size_t tests = 0;
    for (const struct fa_notification *n = w.engine->notifications.first; n != NULL; n = n->after) {
        tests += n->kind == FA_NOTE_TEST;
    }
    assert_int_equal(tests, 2); /* one a channel, until it is settled */
    w.send_count = 0;
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    assert_string_equal(world_waiting(&w, buf, sizeof buf), "lead/mail");
    world_done(&w);
}

static void what_series_have_in_the_outbox_is_counted_over_a_restart(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "a=\"1\"", FA_LEVEL_FIRING);
    world_signal(&w, "slow", "a=\"2\"", FA_LEVEL_FIRING);
    world_file(&w, 1, "lying", NULL, -1);
    assert_int_equal(w.engine->series_live, 2);
    world_restart(&w);
    assert_int_equal(w.engine->series_live, 2);
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(w.engine->series_live, 0);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_in_every_state),
        cmocka_unit_test(waits_double_with_jitter_and_the_seed_alone_decides),
        cmocka_unit_test(the_third_failed_attempt_moves_on),
        cmocka_unit_test(sixty_seconds_of_failing_move_on_whatever_the_attempts),
        cmocka_unit_test(no_verdict_at_all_moves_on_too_and_a_late_one_still_counts),
        cmocka_unit_test(a_slow_retry_that_succeeds_counts_as_told_once),
        cmocka_unit_test(an_acknowledgement_stops_what_has_not_left),
        cmocka_unit_test(what_fails_after_the_acknowledgement_is_tried_nowhere_else),
        cmocka_unit_test(a_dead_letter_can_be_replayed_and_is_dropped_after_a_week),
        cmocka_unit_test(dropping_one_lets_the_escalation_go_on),
        cmocka_unit_test(a_newer_rung_supersedes_what_still_fails_at_the_same_address),
        cmocka_unit_test(a_full_outbox_puts_steps_off_and_loses_none),
        cmocka_unit_test(a_reload_that_moves_people_holds_back_what_still_waits),
        cmocka_unit_test(tests_and_filings_take_no_room_from_alarms_of_series),
        cmocka_unit_test(what_series_have_in_the_outbox_is_counted_over_a_restart),
        cmocka_unit_test(what_waits_for_the_courier_is_asked_once_more_before_it_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

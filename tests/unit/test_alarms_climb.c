/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "world.h"

static char text[512];
#define WAITING(w, expected) assert_string_equal(world_waiting(w, text, sizeof text), expected)

static void an_alarm_walks_its_policy_and_the_last_step_loops_wider_each_time(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    static const struct {
        fa_time after;
        const char *told;
    } rows[] = {
        {0, "lead/mail"},
        {15 * FA_MINUTE, "boss/mail"},
        {15 * FA_MINUTE, "ceo/mail"},
        {30 * FA_MINUTE, "boss/mail ceo/mail lead/mail"}, /* nobody above: all of the policy */
        {30 * FA_MINUTE, "boss/mail ceo/mail i1/mail i2/sms lead/mail"},
        {30 * FA_MINUTE, "boss/mail ceo/mail i1/mail i2/sms lead/mail"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].after > 0) {
            world_advance(&w, rows[i].after - 1);
            WAITING(&w, "");
            world_advance(&w, 1);
        }
        WAITING(&w, rows[i].told);
        world_answer(&w, FA_VERDICT_SENT);
    }
    assert_int_equal(world_alarm(&w)->told_count, 5);
    world_done(&w);
}

static void loops_add_one_level_of_managers_at_a_time(void **state)
{
    struct world w;
    world_init(&w);
    const char *names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++) {
        world_person(&w, names[i], i < 3 ? names[i + 1] : NULL);
        world_contact(&w, names[i], "mail");
    }
    world_person(&w, "i", NULL)->independent = true;
    world_contact(&w, "i", "mail");
    world_policy(&w, "p");
    world_step(&w, "a", FA_HOUR);
    world_rule(&w, "r", "p", 0);
    world_begin(&w);
    world_signal(&w, "r", "", FA_LEVEL_FIRING);
    const char *told[] = {"a/mail",
                          "a/mail b/mail",
                          "a/mail b/mail c/mail",
                          "a/mail b/mail c/mail d/mail",
                          "a/mail b/mail c/mail d/mail",
                          "a/mail b/mail c/mail d/mail i/mail"};
    for (size_t i = 0; i < 6; i++) {
        WAITING(&w, told[i]);
        world_answer(&w, FA_VERDICT_SENT);
        world_advance(&w, FA_HOUR);
    }
    world_done(&w);
}

static void a_failure_for_good_moves_on_at_once_to_channel_target_and_step(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    static const char *const next[] = {"lead/mail", "lead/sms", "boss/mail",
                                       "boss/sms",  "ceo/mail", "ceo/sms"};
    fa_time begun = w.now.mono;
    for (size_t i = 0; i < 6; i++) {
        char buf[256];
        assert_contains(world_waiting(&w, buf, sizeof buf), next[i]);
        size_t count = w.send_count;
        for (size_t s = 0; s < count; s++) {
            const struct fa_notification *n = fa_engine_notification(w.engine, w.sends[s]);
            if (n != NULL && (n->owner_alarm->flags & FA_FLAG_TROUBLE) == 0) {
                world_verdict(&w, w.sends[s], FA_VERDICT_REJECTED);
            }
        }
        memmove(w.sends, w.sends + count, (w.send_count - count) * sizeof w.sends[0]);
        w.send_count -= count;
    }
    assert_int_equal(w.now.mono, begun);
    world_done(&w);
}

/* A receiver that answers "no" at once must not be called in a loop without a pause. */
static void when_everybody_rejects_the_climb_ends_at_its_widest_and_waits(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    size_t rounds = 0;
    for (; w.send_count > 0 && rounds < 100; rounds++) {
        world_answer(&w, FA_VERDICT_REJECTED);
    }
    assert_true(rounds < 30);
    const struct fa_alarm *alarm = world_alarm(&w);
    assert_int_equal(alarm->state, FA_ALARM_UNACKED);
    assert_int_equal(alarm->step, 2);
    assert_true(alarm->loop >= 2);
    /* All are still tried slowly while nobody owns it. */
    size_t slow = 0;
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        slow += n->state == FA_NOTICE_SLOW;
    }
    assert_true(slow >= 8);
    world_advance(&w, 5 * FA_MINUTE);
    assert_true(w.send_count >= 8);
    world_done(&w);
}

static void a_step_that_the_circle_emptied_goes_to_the_independent_contacts(void **state)
{
    struct world w;
    world_begin_firm(&w);
    assert_int_equal(world_file(&w, 1, "lying", "boss", -1), 0);
    const struct fa_alarm *alarm = world_alarm(&w);
    /* boss: his reports (lead, rep, rep2) and his manager are out; every step is emptied. */
    for (size_t i = 0; i < 8; i++) {
        WAITING(&w, "i1/mail i2/sms");
        assert_true((alarm->flags & FA_FLAG_EMPTIED) != 0);
        world_answer(&w, FA_VERDICT_SENT);
        world_advance(&w, i < 2 ? 15 * FA_MINUTE : 30 * FA_MINUTE);
    }
    world_done(&w);
}

static void a_step_without_anybody_is_passed_over_at_once(void **state)
{
    struct world w;
    world_init(&w);
    world_person(&w, "a", NULL);
    world_contact(&w, "a", "mail");
    world_policy(&w, "p");
    world_step(&w, "role:vacant", FA_HOUR);
    world_step(&w, "a", FA_HOUR);
    world_rule(&w, "r", "p", 0);
    world_begin(&w);
    world_signal(&w, "r", "", FA_LEVEL_FIRING);
    WAITING(&w, "a/mail");
    assert_int_equal(world_journalled(&w, FA_J_STEP), 2);
    world_done(&w);
}

static void an_alarm_that_reaches_nobody_stays_on_the_clock_and_operators_hear(void **state)
{
    struct world w;
    world_init(&w);
    world_person(&w, "mute", NULL);
    world_policy(&w, "p");
    world_step(&w, "mute", FA_HOUR);
    world_rule(&w, "r", "p", 0);
    world_begin(&w);
    world_signal(&w, "r", "", FA_LEVEL_FIRING);
    assert_int_equal(world_journalled(&w, FA_J_UNREACHED), 1);
    WAITING(&w, "ops/mail");
    assert_true(world_alarm(&w)->deadline.length == FA_HOUR);
    size_t steps = world_journalled(&w, FA_J_STEP);
    assert_true(steps <= 5);
    world_advance(&w, FA_HOUR);
    assert_int_equal(world_journalled(&w, FA_J_STEP), 1);
    world_done(&w);
}

static void a_step_may_restrict_the_channels(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_step *step = &w.setup.policies[1].steps[0];
    world_text(&step->channels, &step->channel_count, "sms");
    fa_policy_seal(&w.setup.policies[1]);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    WAITING(&w, "lead/sms");
    world_answer(&w, FA_VERDICT_REJECTED);
    assert_contains(world_waiting(&w, text, sizeof text), "boss/mail");
    world_done(&w);
}

static void a_shadow_rule_tells_nobody(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.rules[0]->shadow = true;
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED);
    world_advance(&w, 3 * FA_DAY);
    WAITING(&w, "");
    world_done(&w);
}

static void a_reload_changes_no_climb_under_way_but_whom_its_targets_mean(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    struct fa_step *step = &w.setup.policies[1].steps[1];
    free(step->targets[0]);
    step->targets[0] = strdup("rep");
    fa_policy_seal(&w.setup.policies[1]);
    struct fa_event event = {.kind = FA_EV_RELOAD};
    event.u.reload.setup = &w.setup;
    world_step_event(&w, event);
    world_advance(&w, 15 * FA_MINUTE);
    WAITING(&w, "boss/mail");
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alarm_walks_its_policy_and_the_last_step_loops_wider_each_time),
        cmocka_unit_test(loops_add_one_level_of_managers_at_a_time),
        cmocka_unit_test(a_failure_for_good_moves_on_at_once_to_channel_target_and_step),
        cmocka_unit_test(when_everybody_rejects_the_climb_ends_at_its_widest_and_waits),
        cmocka_unit_test(a_step_that_the_circle_emptied_goes_to_the_independent_contacts),
        cmocka_unit_test(a_step_without_anybody_is_passed_over_at_once),
        cmocka_unit_test(an_alarm_that_reaches_nobody_stays_on_the_clock_and_operators_hear),
        cmocka_unit_test(a_step_may_restrict_the_channels),
        cmocka_unit_test(a_shadow_rule_tells_nobody),
        cmocka_unit_test(a_reload_changes_no_climb_under_way_but_whom_its_targets_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

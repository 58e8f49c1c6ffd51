/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* A reload took away what open alarms and filings refer to: a category, a severity, a policy, a
 * person, a channel. What is open climbs on, with the nearest that is left. */
#include "fa_test.h"
#include "world.h"

static char text[256];
#define WAITING(w, expected) assert_string_equal(world_waiting(w, text, sizeof text), expected)

struct pair {
    struct world w, other;
};

static void begin(struct pair *pair)
{
    world_begin_firm(&pair->w);
    world_begin_firm(&pair->other);
}

static void reload(struct pair *pair)
{
    struct fa_event event = {.kind = FA_EV_RELOAD, .u.reload = {&pair->other.setup}};
    pair->w.unchecked = true; /* the world's own setup is not the engine's any more */
    world_step_event(&pair->w, event);
}

static void done(struct pair *pair)
{
    const char *broken = world_check(pair->w.engine);
    if (broken != NULL) {
        fail_msg("%s", broken);
    }
    fa_engine_free(pair->w.engine);
    pair->w.engine = NULL;
    world_done(&pair->other);
    world_done(&pair->w);
}

static void rename_text(char **name)
{
    free(*name);
    *name = fa_xstrdup("another");
}

static void a_filing_whose_category_is_gone_is_raised_to_the_operators(void **state)
{
    struct pair p;
    begin(&p);
    world_file(&p.w, 1, "mess", NULL, -1);
    for (size_t i = 0; i < p.other.setup.category_count; i++) {
        rename_text(&p.other.setup.categories[i].name);
    }
    reload(&p);
    world_advance(&p.w, FA_DAY);
    WAITING(&p.w, "ops/mail");
    assert_string_equal(world_alarm_of(&p.w, "filing")->texts->severity, "critical");
    done(&p);
}

static void a_filing_whose_policy_is_gone_is_raised_to_the_operators(void **state)
{
    struct pair p;
    begin(&p);
    world_file(&p.w, 1, "mess", NULL, -1);
    for (size_t i = 0; i < p.other.setup.category_count; i++) {
        rename_text(&p.other.setup.categories[i].policy);
    }
    reload(&p);
    world_advance(&p.w, FA_DAY);
    WAITING(&p.w, "ops/mail");
    done(&p);
}

static void an_alarm_whose_severity_is_gone_is_pressed_as_the_worst(void **state)
{
    struct pair p;
    begin(&p);
    world_signal(&p.w, "slow", "", FA_LEVEL_FIRING);
    for (size_t i = 0; i < p.other.setup.severity_count; i++) {
        rename_text(&p.other.setup.severities[i].name);
    }
    p.other.setup.severities[0].fail_attempts = 1;
    p.other.setup.severities[0].ack_default = 7 * FA_MINUTE;
    reload(&p);
    world_answer(&p.w, FA_VERDICT_RETRY); /* one try is enough now */
    assert_true(strstr(world_waiting(&p.w, text, sizeof text), "lead/sms") != NULL);
    world_act(&p.w, FA_EV_ACK, world_alarm(&p.w), "lead", 0);
    assert_int_equal(world_alarm(&p.w)->deadline.length, 7 * FA_MINUTE);
    done(&p);
}

static void what_fires_after_its_policy_is_gone_is_raised_anew_with_the_old_one(void **state)
{
    struct pair p;
    begin(&p);
    world_signal(&p.w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&p.w, FA_VERDICT_SENT);
    for (size_t i = 0; i < p.other.setup.policy_count; i++) {
        if (strcmp(p.other.setup.policies[i].name, "line") == 0) {
            rename_text(&p.other.setup.policies[i].name);
        }
    }
    reload(&p);
    world_act(&p.w, FA_EV_RESOLVE, world_alarm(&p.w), "lead", 0);
    world_answer(&p.w, FA_VERDICT_SENT);
    world_advance(&p.w, FA_HOUR);
    WAITING(&p.w, "lead/mail");
    done(&p);
}

/* A world like the firm, but lead left and lena leads. */
static void begin_without_lead(struct world *w)
{
    static const struct {
        const char *name, *manager;
    } people[] = {{"ceo", NULL},    {"boss", "ceo"}, {"lena", "boss"}, {"rep", "lena"},
                  {"rep2", "lena"}, {"i1", NULL},    {"i2", NULL}};
    world_init(w);
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        world_person(w, people[i].name, people[i].manager)->independent = people[i].name[0] == 'i';
        world_contact(w, people[i].name, "mail");
    }
    world_policy(w, "line");
    world_step(w, "lena", 15 * FA_MINUTE);
    world_step(w, "boss", 15 * FA_MINUTE);
    world_rule(w, "slow", "line", 0);
    world_category(w, "lying", FA_GUIDE_RAISE, "line");
    world_category(w, "stuck", FA_GUIDE_HELP, "line");
    world_begin(w);
}

static void begin_departed(struct pair *pair)
{
    world_begin_firm(&pair->w);
    begin_without_lead(&pair->other);
}

static void who_left_is_passed_over_at_once(void **state)
{
    struct pair p;
    begin_departed(&p);
    world_signal(&p.w, "slow", "", FA_LEVEL_FIRING);
    reload(&p);
    world_answer(&p.w, FA_VERDICT_REJECTED);
    /* Neither his other channel nor anybody's word: the policy's next step. */
    assert_true(strstr(world_waiting(&p.w, text, sizeof text), "boss/mail") != NULL);
    assert_null(strstr(text, "lead"));
    done(&p);
}

static void who_left_hears_nothing_of_what_follows(void **state)
{
    struct pair p;
    begin_departed(&p);
    world_signal(&p.w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&p.w, FA_VERDICT_SENT);
    reload(&p);
    world_act(&p.w, FA_EV_ACK, world_alarm(&p.w), "boss", FA_MINUTE);
    WAITING(&p.w, "");
    world_advance(&p.w, FA_MINUTE); /* the promise is over: ceo is above boss */
    WAITING(&p.w, "boss/mail ceo/mail");
    done(&p);
}

static void who_is_reached_after_he_left_is_told_of_no_owner(void **state)
{
    struct pair p;
    begin_departed(&p);
    world_signal(&p.w, "slow", "", FA_LEVEL_FIRING);
    world_act(&p.w, FA_EV_ACK, world_alarm(&p.w), "boss", FA_HOUR);
    reload(&p);
    world_answer(&p.w, FA_VERDICT_SENT);
    WAITING(&p.w, "");
    done(&p);
}

static void a_promise_of_one_who_left_goes_to_all_of_the_policy(void **state)
{
    struct pair p;
    begin_departed(&p);
    world_signal(&p.w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&p.w, FA_VERDICT_SENT);
    world_act(&p.w, FA_EV_ACK, world_alarm(&p.w), "lead", FA_MINUTE);
    reload(&p);
    world_advance(&p.w, FA_MINUTE);
    assert_true(strstr(world_waiting(&p.w, text, sizeof text), "boss/mail") != NULL);
    done(&p);
}

static void a_channel_that_is_gone_is_answered_over_the_first_that_is_left(void **state)
{
    struct pair p;
    begin_departed(&p);
    /* lead is told by sms; in the new directory nobody has one. boss owns it. */
    world_signal(&p.w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&p.w, FA_VERDICT_REJECTED);
    world_answer(&p.w, FA_VERDICT_REJECTED);
    assert_true(strstr(world_waiting(&p.w, text, sizeof text), "boss/mail") != NULL);
    world_answer(&p.w, FA_VERDICT_REJECTED);
    assert_true(strstr(world_waiting(&p.w, text, sizeof text), "boss/sms") != NULL);
    world_answer(&p.w, FA_VERDICT_SENT);
    reload(&p);
    world_act(&p.w, FA_EV_ACK, world_alarm(&p.w), "ceo", 0);
    assert_true(strstr(world_waiting(&p.w, text, sizeof text), "boss/mail") != NULL);
    done(&p);
}

static void a_subject_struck_or_meant_who_left_may_be_anybody(void **state)
{
    struct pair p;
    const char *struck = "lead";
    begin_departed(&p);
    struct fa_filing filing = {
        .category = "stuck", .text = "t", .struck = &struck, .struck_count = 1, .level = -1};
    filing.id.id.bytes[0] = 1;
    world_step_event(&p.w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    WAITING(&p.w, "rep2/mail");
    reload(&p);
    assert_false(fa_engine_may_send(p.w.engine, fa_engine_notification(p.w.engine, p.w.sends[0])));
    world_answer(&p.w, FA_VERDICT_UNKNOWN); /* the courier ended with it: it is not sent again */
    WAITING(&p.w, "");
    world_advance(&p.w, FA_DAY); /* lena may be whom he struck */
    assert_null(strstr(world_waiting(&p.w, text, sizeof text), "lena"));
    assert_true(strstr(text, "i1/mail") != NULL);
    done(&p);
}

static void who_owned_or_was_told_before_the_subject_left_goes_on_with_it(void **state)
{
    struct pair p;
    begin_departed(&p);
    const char *struck = "lead";
    struct fa_filing filing = {
        .category = "lying", .text = "t", .struck = &struck, .struck_count = 1, .level = -1};
    filing.id.id.bytes[0] = 1;
    world_step_event(&p.w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    WAITING(&p.w, "i1/mail i2/sms"); /* the first step was lead alone */
    world_answer(&p.w, FA_VERDICT_SENT);
    world_advance(&p.w, 15 * FA_MINUTE);
    WAITING(&p.w, "boss/mail");
    world_answer(&p.w, FA_VERDICT_SENT);
    world_act(&p.w, FA_EV_ACK, world_alarm(&p.w), "boss", FA_HOUR);
    while (p.w.send_count > 0) {
        world_answer(&p.w, FA_VERDICT_SENT);
    }
    reload(&p); /* lead is gone: lena may be lead; boss knows of it already */
    world_act(&p.w, FA_EV_ACK, world_alarm(&p.w), "i1", FA_MINUTE);
    WAITING(&p.w, "boss/mail i2/mail");
    world_advance(&p.w, FA_MINUTE);
    assert_null(strstr(world_waiting(&p.w, text, sizeof text), "lena"));
    assert_null(strstr(text, "rep"));
    done(&p);
}

static void a_condition_is_known_as_long_as_its_rules_are_not_made_anew(void **state)
{
    struct world w;
    struct fa_held held;
    struct fa_err err;
    world_begin_firm(&w);
    struct fa_rule rule = {.name = "both", .is_incident = true};
    assert_int_equal(fa_promql_parse(FA_STR("m > 1"), &rule.query.expr, &err), 0);
    struct fa_signal signal = {
        .rule = &rule, .labels = "", .level = FA_LEVEL_FIRING, .value = 2, .since = w.now.wall};
    world_step_event(&w, (struct fa_event){.kind = FA_EV_SIGNAL, .u.signal = &signal});
    assert_true(fa_condition_holds(w.engine, "both", "", &held));
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload = {&w.setup, true}});
    assert_true(fa_condition_holds(w.engine, "both", "", &held));
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload = {&w.setup, false}});
    assert_false(fa_condition_holds(w.engine, "both", "", &held));
    fa_promql_free(rule.query.expr);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filing_whose_category_is_gone_is_raised_to_the_operators),
        cmocka_unit_test(a_filing_whose_policy_is_gone_is_raised_to_the_operators),
        cmocka_unit_test(an_alarm_whose_severity_is_gone_is_pressed_as_the_worst),
        cmocka_unit_test(what_fires_after_its_policy_is_gone_is_raised_anew_with_the_old_one),
        cmocka_unit_test(who_left_is_passed_over_at_once),
        cmocka_unit_test(who_left_hears_nothing_of_what_follows),
        cmocka_unit_test(who_is_reached_after_he_left_is_told_of_no_owner),
        cmocka_unit_test(a_promise_of_one_who_left_goes_to_all_of_the_policy),
        cmocka_unit_test(a_channel_that_is_gone_is_answered_over_the_first_that_is_left),
        cmocka_unit_test(a_subject_struck_or_meant_who_left_may_be_anybody),
        cmocka_unit_test(who_owned_or_was_told_before_the_subject_left_goes_on_with_it),
        cmocka_unit_test(a_condition_is_known_as_long_as_its_rules_are_not_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

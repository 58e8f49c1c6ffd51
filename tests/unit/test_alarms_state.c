/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* The state table cell by cell: what is expected is spelled out here on its own. */
#include "fa_test.h"
#include "world.h"

static const struct {
    enum fa_alarm_state state;
    enum fa_alarm_event event;
    int rc;
    enum fa_alarm_state next;
    bool gone;           /* moved to history, or erased */
    const char *waiting; /* who is told */
    fa_time armed;       /* what is left of the deadline; FA_NEVER: none; -1: as before */
    int journal;         /* a code that is written; 0: none */
} cells[] = {
    /* "late" has a `for` of 30 min, of which 10 min have passed. */
    {FA_ALARM_PENDING, FA_AEV_FIRE, 0, FA_ALARM_PENDING, false, "", -1, 0},
    {FA_ALARM_PENDING, FA_AEV_CLEAR, 0, FA_ALARM_RESOLVED, true, "", FA_NEVER, 0},
    {FA_ALARM_PENDING, FA_AEV_UNKNOWN, 0, FA_ALARM_PENDING, false, "", FA_NEVER, FA_J_UNKNOWN},
    {FA_ALARM_PENDING, FA_AEV_DUE, 0, FA_ALARM_UNACKED, false, "lead/mail", 15 * FA_MINUTE,
     FA_J_RAISED},
    {FA_ALARM_PENDING, FA_AEV_ACK, FA_ECONFLICT, FA_ALARM_PENDING, false, "", -1, 0},
    {FA_ALARM_PENDING, FA_AEV_RESOLVE, FA_ECONFLICT, FA_ALARM_PENDING, false, "", -1, 0},
    {FA_ALARM_PENDING, FA_AEV_DISOWN, FA_ECONFLICT, FA_ALARM_PENDING, false, "", -1, 0},
    /* Raised, the lead was told; 10 min of the step's 15 have passed. */
    {FA_ALARM_UNACKED, FA_AEV_FIRE, 0, FA_ALARM_UNACKED, false, "", -1, 0},
    {FA_ALARM_UNACKED, FA_AEV_CLEAR, 0, FA_ALARM_RETURNED, false, "lead/mail", FA_DAY,
     FA_J_RETURNED},
    {FA_ALARM_UNACKED, FA_AEV_UNKNOWN, 0, FA_ALARM_UNACKED, false, "", -1, FA_J_UNKNOWN},
    {FA_ALARM_UNACKED, FA_AEV_DUE, 0, FA_ALARM_UNACKED, false, "boss/mail", 15 * FA_MINUTE,
     FA_J_STEP},
    {FA_ALARM_UNACKED, FA_AEV_ACK, 0, FA_ALARM_ACKED, false, "lead/mail", FA_HOUR, FA_J_ACKED},
    {FA_ALARM_UNACKED, FA_AEV_RESOLVE, 0, FA_ALARM_RESOLVED, false, "lead/mail", FA_HOUR,
     FA_J_RESOLVED},
    {FA_ALARM_UNACKED, FA_AEV_DISOWN, FA_ECONFLICT, FA_ALARM_UNACKED, false, "", -1, 0},
    /* Owned by the boss for an hour. */
    {FA_ALARM_ACKED, FA_AEV_FIRE, 0, FA_ALARM_ACKED, false, "", -1, 0},
    {FA_ALARM_ACKED, FA_AEV_CLEAR, 0, FA_ALARM_RESOLVED, false, "lead/mail", FA_NEVER,
     FA_J_RESOLVED},
    {FA_ALARM_ACKED, FA_AEV_UNKNOWN, 0, FA_ALARM_ACKED, false, "", -1, FA_J_UNKNOWN},
    {FA_ALARM_ACKED, FA_AEV_DUE, 0, FA_ALARM_UNACKED, false, "ceo/mail lead/mail", 15 * FA_MINUTE,
     FA_J_OVERDUE},
    {FA_ALARM_ACKED, FA_AEV_ACK, 0, FA_ALARM_ACKED, false, "lead/mail", FA_HOUR, FA_J_ACKED},
    {FA_ALARM_ACKED, FA_AEV_RESOLVE, 0, FA_ALARM_RESOLVED, false, "lead/mail", FA_HOUR,
     FA_J_RESOLVED},
    {FA_ALARM_ACKED, FA_AEV_DISOWN, 0, FA_ALARM_UNACKED, false, "lead/mail", 15 * FA_MINUTE,
     FA_J_RECUSED},
    /* The data say it is over; nobody owned it. */
    {FA_ALARM_RETURNED, FA_AEV_FIRE, 0, FA_ALARM_UNACKED, false, "lead/mail", 15 * FA_MINUTE,
     FA_J_RESUMED},
    {FA_ALARM_RETURNED, FA_AEV_CLEAR, 0, FA_ALARM_RETURNED, false, "", -1, 0},
    {FA_ALARM_RETURNED, FA_AEV_UNKNOWN, 0, FA_ALARM_RETURNED, false, "", -1, FA_J_UNKNOWN},
    {FA_ALARM_RETURNED, FA_AEV_DUE, 0, FA_ALARM_RESOLVED, false, "boss/mail", FA_NEVER,
     FA_J_UNOWNED},
    {FA_ALARM_RETURNED, FA_AEV_ACK, 0, FA_ALARM_RESOLVED, false, "lead/mail", FA_NEVER,
     FA_J_RESOLVED},
    {FA_ALARM_RETURNED, FA_AEV_RESOLVE, 0, FA_ALARM_RESOLVED, false, "lead/mail", FA_NEVER,
     FA_J_RESOLVED},
    {FA_ALARM_RETURNED, FA_AEV_DISOWN, FA_ECONFLICT, FA_ALARM_RETURNED, false, "", -1, 0},
    /* Closed by the boss while its series still fires: quiet for an hour. */
    {FA_ALARM_RESOLVED, FA_AEV_FIRE, 0, FA_ALARM_RESOLVED, false, "", -1, 0},
    {FA_ALARM_RESOLVED, FA_AEV_CLEAR, 0, FA_ALARM_RESOLVED, true, "", FA_NEVER, 0},
    {FA_ALARM_RESOLVED, FA_AEV_UNKNOWN, 0, FA_ALARM_RESOLVED, false, "", -1, FA_J_UNKNOWN},
    {FA_ALARM_RESOLVED, FA_AEV_DUE, 0, FA_ALARM_RESOLVED, true, "lead/mail", FA_NEVER, FA_J_RAISED},
    {FA_ALARM_RESOLVED, FA_AEV_ACK, FA_ECONFLICT, FA_ALARM_RESOLVED, false, "", -1, 0},
    {FA_ALARM_RESOLVED, FA_AEV_RESOLVE, FA_ECONFLICT, FA_ALARM_RESOLVED, false, "", -1, 0},
    {FA_ALARM_RESOLVED, FA_AEV_DISOWN, FA_ECONFLICT, FA_ALARM_RESOLVED, false, "", -1, 0},
};

/* An alarm in the state, with nothing waiting for a verdict. */
static const char *bring_to(struct world *w, enum fa_alarm_state state)
{
    const char *rule = state == FA_ALARM_PENDING ? "late" : "slow";
    world_signal(w, rule, "", FA_LEVEL_FIRING);
    world_answer(w, FA_VERDICT_SENT);
    if (state == FA_ALARM_PENDING || state == FA_ALARM_UNACKED) {
        world_advance(w, 10 * FA_MINUTE);
    } else if (state == FA_ALARM_ACKED) {
        world_act(w, FA_EV_ACK, world_alarm(w), "boss", 0);
    } else if (state == FA_ALARM_RETURNED) {
        world_signal(w, rule, "", FA_LEVEL_CLEAR);
    } else {
        world_act(w, FA_EV_RESOLVE, world_alarm(w), "boss", 0);
    }
    world_answer(w, FA_VERDICT_SENT);
    assert_int_equal(world_alarm(w)->state, state);
    return rule;
}

static int happen(struct world *w, const char *rule, enum fa_alarm_event event)
{
    static const enum fa_level levels[] = {FA_LEVEL_FIRING, FA_LEVEL_CLEAR, FA_LEVEL_UNKNOWN};
    const struct fa_alarm *alarm = world_alarm(w);
    if (event == FA_AEV_DUE) {
        world_advance(w, fa_engine_due(w->engine, alarm) - w->now.mono);
        return 0;
    }
    if (event == FA_AEV_ACK || event == FA_AEV_RESOLVE) {
        int rc = world_act(w, event == FA_AEV_ACK ? FA_EV_ACK : FA_EV_RESOLVE, alarm, "boss", 0);
        /* One that was not raised is not even admitted to be there. */
        return rc == FA_ENOTFOUND ? FA_ECONFLICT : rc;
    }
    if (event == FA_AEV_DISOWN && alarm->state != FA_ALARM_ACKED) {
        /* Nobody owns it: no event of the engine's comes to this. */
        fa_actions_clear(&w->actions);
        return fa_alarm_event(w->engine, fa_book_find(&w->engine->alarms, alarm->id.id), event,
                              NULL);
    }
    if (event == FA_AEV_DISOWN) {
        world_step_event(w, (struct fa_event){.kind = FA_EV_RECUSE,
                                              .u.recuse = {.alarm = alarm->id, .who = "boss"}});
        return 0;
    }
    world_signal(w, rule, "", levels[event]);
    return 0;
}

static void visit(size_t i)
{
    struct world w;
    char waiting[256];
    world_begin_firm(&w);
    const char *rule = bring_to(&w, cells[i].state);
    struct fa_alarm_id id = world_alarm(&w)->id;
    fa_time due = fa_engine_due(w.engine, world_alarm(&w));
    int rc = happen(&w, rule, cells[i].event);
    const struct fa_alarm *alarm = fa_engine_alarm(w.engine, id);
    world_waiting(&w, waiting, sizeof waiting);
    if (rc != cells[i].rc || (alarm == NULL) != cells[i].gone ||
        strcmp(waiting, cells[i].waiting) != 0) {
        fail_msg("cell %zu: rc %d, %s, told '%s'", i, rc, alarm == NULL ? "gone" : "there",
                 waiting);
    }
    if (alarm != NULL) {
        fa_time left = fa_engine_due(w.engine, alarm);
        fa_time expected = cells[i].armed == -1         ? due
                           : cells[i].armed == FA_NEVER ? FA_NEVER
                                                        : w.now.mono + cells[i].armed;
        if (alarm->state != cells[i].next || left != expected) {
            fail_msg("cell %zu: state %s, deadline %lld instead of %lld", i,
                     fa_alarm_state_name(alarm->state), (long long)left, (long long)expected);
        }
    }
    if (cells[i].journal != 0 &&
        world_journalled(&w, (enum fa_journal_code)cells[i].journal) != 1) {
        fail_msg("cell %zu: the journal lacks %s", i,
                 fa_journal_code_name((enum fa_journal_code)cells[i].journal));
    }
    size_t replies = cells[i].event == FA_AEV_DISOWN ? 0 : 1;
    if (cells[i].journal == 0 && cells[i].rc != 0 && w.actions.count != replies) {
        fail_msg("cell %zu: refused, yet something was done", i);
    }
    world_done(&w);
}

static void every_cell_does_what_the_table_says(void **state)
{
    bool seen[FA_ALARM__COUNT][FA_AEV__COUNT] = {{0}};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        visit(i);
        seen[cells[i].state][cells[i].event] = true;
    }
    for (size_t i = 0; i < (size_t)FA_ALARM__COUNT * FA_AEV__COUNT; i++) {
        assert_true(seen[i / FA_AEV__COUNT][i % FA_AEV__COUNT]);
    }
}

static void the_table_in_words_agrees_with_what_is_done(void **state)
{
    struct fa_alarm_cell_text cell;
    size_t count = 0;
    for (; fa_alarm_cell(count, &cell); count++) {
        bool found = false;
        for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
            if (cells[i].state * FA_AEV__COUNT + cells[i].event == count) {
                found = true;
                const char *next =
                    cells[i].rc != 0 ? "refused" : fa_alarm_state_name(cells[i].next);
                assert_string_equal(cell.next, next);
                assert_string_equal(cell.state, fa_alarm_state_name(cells[i].state));
            }
        }
        assert_true(found && cell.why[0] != '\0');
    }
    assert_int_equal(count, FA_ALARM__COUNT * FA_AEV__COUNT);
}

static void for_stands_still_while_the_data_are_missing(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_advance(&w, 20 * FA_MINUTE);
    world_signal(&w, "late", "", FA_LEVEL_UNKNOWN);
    world_advance(&w, 5 * FA_HOUR);
    world_restart(&w);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_advance(&w, 10 * FA_MINUTE - 1);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_PENDING);
    world_advance(&w, 1);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED);
    world_done(&w);
}

static void what_was_pending_at_a_restart_is_raised_only_when_data_say_so_again(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_advance(&w, 20 * FA_MINUTE);
    world_restart(&w);
    world_advance(&w, FA_HOUR);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_PENDING);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_advance(&w, 0);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED);
    world_done(&w);
}

static void a_latched_alarm_is_closed_by_a_person_only(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.rules[0]->latched = true;
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_signal(&w, "slow", "", FA_LEVEL_CLEAR);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED);
    assert_int_equal(world_act(&w, FA_EV_ACK, world_alarm(&w), "boss", 0), 0);
    world_signal(&w, "slow", "", FA_LEVEL_CLEAR);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_ACKED);
    assert_int_equal(world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "boss", 0), 0);
    world_answer(&w, FA_VERDICT_SENT);
    world_answer(&w, FA_VERDICT_SENT);
    assert_null(world_alarm(&w));
    world_done(&w);
}

static void missing_data_never_resolve_an_alarm(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_signal(&w, "slow", "", FA_LEVEL_UNKNOWN);
    for (size_t i = 0; i < 200; i++) {
        world_answer(&w, FA_VERDICT_SENT);
        world_advance(&w, FA_HOUR);
    }
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED);
    assert_true((world_alarm(&w)->flags & FA_FLAG_UNKNOWN) != 0);
    world_done(&w);
}

static void a_promise_is_never_longer_than_the_severity_allows(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "boss", FA_DURATION_MAX);
    assert_int_equal(world_alarm(&w)->people->promised, w.now.wall + 8 * FA_HOUR);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "ceo", 5 * FA_MINUTE);
    assert_int_equal(world_alarm(&w)->deadline.length, 5 * FA_MINUTE);
    assert_string_equal(world_alarm(&w)->people->owner, "ceo");
    world_done(&w);
}

static void firing_again_after_rearm_begins_at_step_one(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, 15 * FA_MINUTE);
    world_answer(&w, FA_VERDICT_SENT);
    world_signal(&w, "slow", "", FA_LEVEL_CLEAR);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_HOUR);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    assert_int_equal(world_alarm(&w)->step, 1);
    world_answer(&w, FA_VERDICT_SENT);
    world_signal(&w, "slow", "", FA_LEVEL_CLEAR);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_HOUR + 1);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    assert_int_equal(world_alarm(&w)->step, 0);
    world_done(&w);
}

static void a_pending_alarm_whose_rule_is_gone_is_forgotten_a_raised_one_climbs_on(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    size_t rules = w.setup.rule_count;
    w.setup.rule_count = 0;
    struct fa_event event = {.kind = FA_EV_RELOAD};
    event.u.reload.setup = &w.setup;
    world_step_event(&w, event);
    assert_string_equal(world_alarm(&w)->texts->rule, "slow");
    assert_true((world_alarm(&w)->flags & FA_FLAG_ORPHANED) != 0);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, 15 * FA_MINUTE);
    assert_int_equal(w.send_count, 1);
    w.setup.rule_count = rules;
    world_done(&w);
}

static void trouble_that_happened_once_stays_closed(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_event event = {.kind = FA_EV_CLOCK};
    event.u.clock.delta = 2 * FA_HOUR;
    w.now.wall += event.u.clock.delta;
    world_step_event(&w, event);
    const struct fa_alarm *alarm = world_alarm_of(&w, "firealarm:clock-stepped");
    assert_non_null(alarm);
    world_act(&w, FA_EV_RESOLVE, alarm, "ops", 0);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_DAY);
    assert_null(world_alarm_of(&w, "firealarm:clock-stepped"));
    world_done(&w);
}

static void what_people_write_on_an_alarm_has_a_limit(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    char *word = malloc(60001);
    memset(word, 'x', 60000);
    word[60000] = '\0';
    int codes[4];
    for (size_t i = 0; i < 4; i++) {
        struct fa_event event = {.kind = i < 3 ? FA_EV_COMMENT : FA_EV_ACK};
        event.u.act.alarm = world_alarm(&w)->id;
        event.u.act.who = "boss";
        event.u.act.text = word;
        world_step_event(&w, event);
        codes[i] = w.reply.u.reply.code;
    }
    assert_int_equal(codes[1], 0);
    assert_int_equal(codes[2], FA_EFULL);
    assert_int_equal(codes[3], 0); /* the deed counts, without its words */
    assert_int_equal(world_alarm(&w)->people->comment_count, 2);
    free(word);
    world_done(&w);
}

static void beyond_the_limit_of_alarms_a_rule_has_one_for_all_the_rest(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.alarms_open_max = 3;
    for (int i = 0; i < 10; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "queue=\"%d\"", i);
        world_signal(&w, "slow", labels, FA_LEVEL_FIRING);
    }
    assert_non_null(fa_engine_alarm_by_identity(w.engine, "slow{queue=\"2\"}"));
    assert_null(fa_engine_alarm_by_identity(w.engine, "slow{queue=\"3\"}"));
    const struct fa_alarm *rest = fa_engine_alarm_by_identity(w.engine, "slow/further");
    assert_non_null(rest);
    assert_int_equal(rest->state, FA_ALARM_UNACKED);
    assert_non_null(rest->notifications);
    assert_non_null(world_alarm_of(&w, "firealarm:alarms-full"));
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_does_what_the_table_says),
        cmocka_unit_test(the_table_in_words_agrees_with_what_is_done),
        cmocka_unit_test(for_stands_still_while_the_data_are_missing),
        cmocka_unit_test(what_was_pending_at_a_restart_is_raised_only_when_data_say_so_again),
        cmocka_unit_test(a_latched_alarm_is_closed_by_a_person_only),
        cmocka_unit_test(missing_data_never_resolve_an_alarm),
        cmocka_unit_test(a_promise_is_never_longer_than_the_severity_allows),
        cmocka_unit_test(firing_again_after_rearm_begins_at_step_one),
        cmocka_unit_test(a_pending_alarm_whose_rule_is_gone_is_forgotten_a_raised_one_climbs_on),
        cmocka_unit_test(trouble_that_happened_once_stays_closed),
        cmocka_unit_test(what_people_write_on_an_alarm_has_a_limit),
        cmocka_unit_test(beyond_the_limit_of_alarms_a_rule_has_one_for_all_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Silences beyond what scenarios say: limits, windows that a person ends, rows that are damaged,
 * groups of inhibition when alarms come and go. */
#include "fa_test.h"
#include "world.h"

#include <stdlib.h>

static char text[256];
#define WAITING(w, expected) assert_string_equal(world_waiting(w, text, sizeof text), expected)

static int end(struct world *w, const char *who)
{
    const struct fa_silence *last = w->engine->hiders.silences.last;
    struct fa_event event = {
        .kind = FA_EV_UNSILENCE, .reply_to = 1, .u.unsilence = {.id = last->id, .who = who}};
    world_step_event(w, event);
    return w->reply.u.reply.code;
}

static uint32_t hidden(const struct world *w)
{
    struct fa_engine_stats stats;
    fa_engine_stats(w->engine, &stats);
    return stats.shelved * 100 + stats.suppressed;
}

static void a_silence_has_a_reason_an_end_and_asks_for_something(void **state)
{
    struct world w;
    char longest[FA_SILENCE_REASON_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    world_begin_firm(&w);
    assert_int_equal(world_silence(&w, "rule=slow", "boss", "", FA_HOUR), FA_EINVAL);
    assert_int_equal(world_silence(&w, "rule=slow", "boss", longest, FA_HOUR), FA_EINVAL);
    assert_int_equal(world_silence(&w, "rule=slow", "boss", "x", 0), FA_EINVAL);
    assert_int_equal(world_silence(&w, "rule=slow", "boss", "x", 30 * FA_DAY + 1), FA_EINVAL);
    assert_int_equal(world_silence(&w, "rule!=slow", "boss", "x", FA_HOUR), FA_EINVAL);
    assert_int_equal(world_silence(&w, "rule=slow", "boss", longest + 1, 30 * FA_DAY), 0);
    world_done(&w);
}

static enum fa_hides could(struct world *w, const char *where, const char *upto)
{
    struct fa_matchers matchers = {0};
    struct fa_err err;
    assert_int_equal(fa_matchers_add(&matchers, fa_str_of(where), &err), 0);
    struct fa_silence_spec spec = {.where = &matchers, .owner = "boss", .upto = upto};
    enum fa_hides found = fa_engine_could_hide(w->engine, &spec);
    fa_matchers_done(&matchers);
    return found;
}

static void what_can_hide_nothing_is_known_before_it_is_set(void **state)
{
    struct world w;
    world_begin_firm(&w);
    const char *worst = w.setup.severities[0].name;
    const char *least = w.setup.severities[w.setup.severity_count - 1].name;
    struct fa_rule *slow = w.rules[0];
    assert_string_equal(slow->name, "slow");
    char *is = slow->severity, *category = slow->category;
    slow->severity = (char *)(uintptr_t)worst;
    assert_int_equal(could(&w, "rule=slow", NULL), FA_HIDES);
    assert_int_equal(could(&w, "rule=slow", worst), FA_HIDES);
    assert_int_equal(could(&w, "site=eu", worst), FA_HIDES);
    assert_int_equal(could(&w, "rule=slow", least), FA_HIDES_WORSE);
    assert_int_equal(could(&w, "rule=slwo", NULL), FA_HIDES_NO_RULE);
    slow->is_incident = true;
    assert_int_equal(could(&w, "rule=slow", least), FA_HIDES_NEVER);
    slow->is_incident = false;
    slow->category = w.setup.categories[0].name;
    w.setup.categories[0].unsilenceable = true;
    assert_int_equal(could(&w, "rule=slow", NULL), FA_HIDES_NEVER);
    w.setup.categories[0].unsilenceable = false;
    assert_int_equal(could(&w, "rule=slow", NULL), FA_HIDES);
    slow->severity = is, slow->category = category;
    /* The alarm of a rule that is gone. */
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    char *name = slow->name;
    slow->name = (char *)(uintptr_t) "other";
    assert_int_equal(could(&w, "rule=slow", NULL), FA_HIDES);
    slow->name = name;
    world_done(&w);
}

static void there_are_a_thousand_silences_at_most(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.unchecked = true;
    for (int i = 0; i < FA_SILENCES_MAX; i++) {
        assert_int_equal(world_silence(&w, "rule=none", "nobody", "x", FA_HOUR), 0);
    }
    assert_int_equal(world_silence(&w, "rule=none", "nobody", "x", FA_HOUR), FA_EFULL);
    world_advance(&w, FA_HOUR);
    assert_int_equal(w.engine->hiders.silences.count, 0);
    assert_int_equal(world_silence(&w, "rule=none", "nobody", "x", FA_HOUR), 0);
    world_done(&w);
}

static void many_hidden_alarms_are_one_notice_for_each_reader(void **state)
{
    struct world w;
    char labels[32];
    world_begin_firm(&w);
    for (int i = 0; i < 50; i++) {
        snprintf(labels, sizeof labels, "queue=\"%d\"", i);
        world_signal(&w, "slow", labels, FA_LEVEL_FIRING);
    }
    world_answer(&w, FA_VERDICT_SENT);
    WAITING(&w, "");
    assert_int_equal(world_silence(&w, "rule=slow", "lead", "x", FA_HOUR), 0);
    assert_int_equal(hidden(&w), 5000);
    WAITING(&w, "boss/mail ceo/mail lead/mail"); /* the policy names those above lead */
    world_done(&w);
}

struct windowed {
    struct world w;
    struct fa_maintenance window;
};

static void take_window(struct windowed *at, const char *where)
{
    struct fa_err err;
    fa_matchers_done(&at->window.where);
    assert_int_equal(fa_matchers_add(&at->window.where, fa_str_of(where), &err), 0);
    at->w.setup.maintenance = &at->window;
    at->w.setup.maintenance_count = 1;
    world_step_event(&at->w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload = {&at->w.setup}});
}

/* A window of an hour each week that opens in ten minutes. */
static void begin_window(struct windowed *at)
{
    *at = (struct windowed){0};
    world_begin_firm(&at->w);
    fa_time in_week = (at->w.now.wall / FA_MINUTE + 3 * 1440) % FA_MINUTES_OF_WEEK;
    at->window = (struct fa_maintenance){
        .name = fa_xstrdup("backup"), .reason = fa_xstrdup("backup"), .owner = fa_xstrdup("lead")};
    struct fa_week_slot slot = {(uint32_t)(in_week + 10) % FA_MINUTES_OF_WEEK,
                                (uint32_t)(in_week + 70) % FA_MINUTES_OF_WEEK};
    at->window.weekly = fa_xcalloc(1, sizeof slot);
    at->window.weekly[0] = slot;
    at->window.weekly_count = 1;
    take_window(at, "rule=slow");
    world_advance(&at->w, 10 * FA_MINUTE);
}

static void done_window(struct windowed *at)
{
    at->w.unchecked = true;
    fa_engine_free(at->w.engine);
    at->w.engine = NULL;
    at->w.setup.maintenance = NULL;
    at->w.setup.maintenance_count = 0;
    fa_maintenance_done(&at->window);
    world_done(&at->w);
}

static void a_window_that_a_person_ended_begins_again_the_next_time(void **state)
{
    struct windowed at;
    begin_window(&at);
    struct world *w = &at.w;
    WAITING(w, "lead/mail");
    world_signal(w, "slow", "", FA_LEVEL_FIRING);
    assert_int_equal(hidden(w), 100);
    world_answer(w, FA_VERDICT_SENT);
    assert_int_equal(end(w, "lead"), 0);
    assert_int_equal(end(w, "lead"), FA_ECONFLICT);
    assert_int_equal(hidden(w), 0);
    world_answer(w, FA_VERDICT_SENT);
    world_restart(w);
    world_advance(w, 30 * FA_MINUTE);
    assert_int_equal(hidden(w), 0); /* still open, and it stays ended */
    world_advance(w, 7 * FA_DAY - 30 * FA_MINUTE);
    assert_int_equal(hidden(w), 100);
    assert_int_equal(w->engine->hiders.silences.count, 1);
    done_window(&at);
}

static void a_window_that_changes_after_a_person_ended_it_begins_once(void **state)
{
    struct windowed at;
    begin_window(&at);
    assert_int_equal(end(&at.w, "lead"), 0);
    for (int i = 0; i < 5; i++) {
        take_window(&at, "rule=other");
        assert_int_equal(at.w.engine->hiders.silences.count, 2); /* the ended one, and the new */
    }
    take_window(&at, "rule=slow"); /* as it was: it stays ended */
    assert_int_equal(at.w.engine->stats.silences, 0);
    done_window(&at);
}

static void an_alarm_whose_silence_is_lost_is_heard_at_start(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_silence(&w, "rule=slow", "boss", "x", FA_HOUR);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(hidden(&w), 100);
    for (size_t i = 0; i < w.row_count; i++) {
        w.rows[i].live = w.rows[i].live && w.rows[i].kind != FA_ROW_SILENCE;
    }
    world_restart(&w);
    WAITING(&w, "lead/mail");
    assert_int_equal(hidden(&w), 0);
    world_done(&w);
}

/* ---- inhibition ---- */

struct inhibited {
    struct world w;
    struct fa_inhibition list[2];
};

static void add(struct fa_inhibition *inhibition, const char *when, const char *hide)
{
    struct fa_err err;
    assert_int_equal(fa_matchers_add(&inhibition->when, fa_str_of(when), &err), 0);
    assert_int_equal(fa_matchers_add(&inhibition->hide, fa_str_of(hide), &err), 0);
    inhibition->equal = fa_xcalloc(1, sizeof(char *));
    inhibition->equal[0] = fa_xstrdup("site");
    inhibition->equal_count = 1;
}

/* down hides slow, slow hides late; of the same site. */
static void begin(struct inhibited *in)
{
    *in = (struct inhibited){0};
    world_begin_firm(&in->w);
    add(&in->list[0], "part=down", "part=slow");
    add(&in->list[1], "part=slow", "part=late");
    in->w.setup.inhibitions = in->list;
    in->w.setup.inhibition_count = 2;
    world_step_event(&in->w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload = {&in->w.setup}});
}

static void done(struct inhibited *in)
{
    fa_engine_free(in->w.engine);
    in->w.engine = NULL;
    in->w.unchecked = true;
    in->w.setup.inhibitions = NULL;
    in->w.setup.inhibition_count = 0;
    fa_inhibition_done(&in->list[0]);
    fa_inhibition_done(&in->list[1]);
    world_done(&in->w);
}

static void who_is_hidden_hides_nobody(void **state)
{
    struct inhibited in;
    begin(&in);
    world_signal(&in.w, "slow", "part=\"late\",site=\"eu\"", FA_LEVEL_FIRING);
    assert_int_equal(hidden(&in.w), 0);
    world_signal(&in.w, "slow", "part=\"slow\",site=\"eu\"", FA_LEVEL_FIRING);
    assert_int_equal(hidden(&in.w), 1); /* late */
    world_signal(&in.w, "slow", "part=\"slow\",site=\"us\"", FA_LEVEL_FIRING);
    assert_int_equal(hidden(&in.w), 1);
    world_signal(&in.w, "slow", "part=\"down\",site=\"eu\"", FA_LEVEL_FIRING);
    assert_int_equal(hidden(&in.w), 1); /* slow, and so late is heard */
    world_restart(&in.w);
    assert_int_equal(hidden(&in.w), 1);
    world_signal(&in.w, "slow", "part=\"down\",site=\"eu\"", FA_LEVEL_CLEAR);
    assert_int_equal(hidden(&in.w), 1); /* late again */
    world_signal(&in.w, "slow", "part=\"slow\",site=\"eu\"", FA_LEVEL_CLEAR);
    assert_int_equal(hidden(&in.w), 0);
    done(&in);
}

static void count_alarm(void *ctx, const struct fa_alarm *alarm)
{
    ++*(size_t *)ctx;
}

static void an_alarm_carries_the_count_of_what_it_hides(void **state)
{
    struct inhibited in;
    char labels[64], identity[80];
    size_t count = 0;
    begin(&in);
    for (int i = 0; i < 20; i++) {
        snprintf(labels, sizeof labels, "n=\"%d\",part=\"slow\",site=\"eu\"", i);
        world_signal(&in.w, "slow", labels, FA_LEVEL_FIRING);
    }
    world_signal(&in.w, "slow", "part=\"down\",site=\"eu\"", FA_LEVEL_FIRING);
    assert_int_equal(hidden(&in.w), 20);
    snprintf(identity, sizeof identity, "slow{part=\"down\",site=\"eu\"}");
    const struct fa_alarm *down = fa_engine_alarm_by_identity(in.w.engine, identity);
    fa_engine_each_inhibited(down, count_alarm, &count);
    assert_int_equal(count, 20);
    world_act(&in.w, FA_EV_RESOLVE, down, "lead", 0);
    assert_int_equal(hidden(&in.w), 0);
    done(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silence_has_a_reason_an_end_and_asks_for_something),
        cmocka_unit_test(what_can_hide_nothing_is_known_before_it_is_set),
        cmocka_unit_test(there_are_a_thousand_silences_at_most),
        cmocka_unit_test(many_hidden_alarms_are_one_notice_for_each_reader),
        cmocka_unit_test(a_window_that_a_person_ended_begins_again_the_next_time),
        cmocka_unit_test(a_window_that_changes_after_a_person_ended_it_begins_once),
        cmocka_unit_test(an_alarm_whose_silence_is_lost_is_heard_at_start),
        cmocka_unit_test(who_is_hidden_hides_nobody),
        cmocka_unit_test(an_alarm_carries_the_count_of_what_it_hides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_test_world */
/* Who steps out of an alarm and who types wrong codes on its links: of whom that is taken, and what
 * becomes of the alarm when nobody is left who heard of it. */
#include "fa_test.h"
#include "world.h"

#include <string.h>

static int recuse(struct world *w, struct fa_alarm_id id, const char *who, const char *person)
{
    world_step_event(w, (struct fa_event){.kind = FA_EV_RECUSE, .u.recuse = {id, who, person}});
    return w->reply.u.reply.code;
}

static int mistype(struct world *w, struct fa_alarm_id id, const char *who)
{
    world_step_event(
        w, (struct fa_event){.kind = FA_EV_WRONG_CODE, .u.act = {.alarm = id, .who = who}});
    return w->reply.u.reply.code;
}

static struct fa_alarm_id id_of(const struct world *w, const char *identity)
{
    const struct fa_alarm *alarm = fa_engine_alarm_by_identity(w->engine, identity);
    assert_non_null(alarm);
    return alarm->id;
}

static void only_an_alarm_that_is_open_can_be_stepped_out_of(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "late", "", FA_LEVEL_FIRING); /* for 30 minutes: nobody knows of it yet */
    assert_int_equal(recuse(&w, id_of(&w, "late{}"), "lead", NULL), FA_ENOTFOUND);
    assert_int_equal(mistype(&w, id_of(&w, "late{}"), "lead"), FA_ENOTFOUND);
    assert_int_equal(recuse(&w, (struct fa_alarm_id){{{9}}}, "lead", NULL), FA_ENOTFOUND);
    assert_int_equal(mistype(&w, (struct fa_alarm_id){{{9}}}, "lead"), FA_ENOTFOUND);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_alarm_id id = id_of(&w, "slow{}");
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(recuse(&w, id, "zoe", NULL), FA_EINVAL);
    assert_int_equal(recuse(&w, id, "lead", "zoe"), FA_EINVAL);
    assert_int_equal(recuse(&w, id, "lead", "i1"), FA_EDENIED);
    assert_int_equal(world_act(&w, FA_EV_ACK, fa_engine_alarm(w.engine, id), "boss", FA_HOUR), 0);
    world_signal(&w, "slow", "", FA_LEVEL_CLEAR);
    assert_int_equal(recuse(&w, id, "lead", NULL), FA_ECONFLICT);
    assert_int_equal(mistype(&w, id, "lead"), FA_ENOTFOUND);
    world_done(&w);
}

static void who_is_out_is_out_once_and_an_owner_owns_it_no_more(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_alarm_id id = id_of(&w, "slow{}");
    const struct fa_alarm *alarm = fa_engine_alarm(w.engine, id);
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(world_act(&w, FA_EV_ACK, alarm, "boss", FA_HOUR), 0);
    world_answer(&w, FA_VERDICT_SENT); /* nothing is on the wire that cannot be called back */
    assert_int_equal(recuse(&w, id, "lead", NULL), 0);
    assert_int_equal(recuse(&w, id, "lead", NULL), 0);
    assert_int_equal(alarm->people->struck_count, 1);
    assert_string_equal(alarm->people->owner, "boss"); /* another's stepping out leaves him */
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(recuse(&w, id, "i1", "boss"), 0);
    assert_int_equal(recuse(&w, id, "i1", "boss"), 0);
    assert_int_equal(alarm->people->about_count, 1);
    assert_null(alarm->people->owner);
    assert_int_equal(alarm->state, FA_ALARM_UNACKED);
    world_done(&w);
}

/* Names come one by one, for as long as an alarm is open; its row has an end. */
static void more_names_than_a_row_holds_are_refused(void **state)
{
    struct world w;
    static char names[120][1200];
    int rc = 0;
    world_init(&w);
    world_person(&w, "lead", NULL);
    world_contact(&w, "lead", "mail");
    for (size_t i = 0; i < 120; i++) {
        snprintf(names[i], sizeof names[i], "p%03zu%01190d", i, 0);
        world_person(&w, names[i], NULL);
    }
    world_person(&w, "i1", NULL)->independent = true;
    world_contact(&w, "i1", "mail");
    world_policy(&w, "line");
    world_step(&w, "lead", 15 * FA_MINUTE);
    world_rule(&w, "slow", "line", 0);
    world_begin(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    const struct fa_alarm *alarm = world_alarm(&w);
    size_t taken = 0;
    world_answer(&w, FA_VERDICT_SENT);
    for (; taken < 120 && rc == 0; taken += rc == 0) {
        rc = recuse(&w, alarm->id, names[taken], taken % 2 == 0 ? NULL : names[taken]);
    }
    assert_int_equal(rc, FA_EFULL);
    assert_int_equal(alarm->people->about_count + alarm->people->struck_count, taken);
    world_restart(&w); /* what was taken is read again */
    alarm = world_alarm(&w);
    assert_int_equal(alarm->people->about_count + alarm->people->struck_count, taken);
    world_done(&w);
}

static void codes_are_counted_for_each_person_and_a_row_is_locked_for_good(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    struct fa_alarm_id id = id_of(&w, "slow{}");
    world_answer(&w, FA_VERDICT_SENT);
    assert_int_equal(mistype(&w, id, "boss"), 0);
    for (uint32_t i = 0; i < FA_GUESSES_MAX; i++) {
        assert_int_equal(mistype(&w, id, "lead"), 0);
    }
    assert_int_equal(mistype(&w, id, "lead"), FA_EDENIED);
    world_restart(&w);
    const struct fa_alarm *alarm = fa_engine_alarm(w.engine, id);
    assert_int_equal(fa_alarm_guesses_left(alarm, "lead"), 0);
    assert_int_equal(fa_alarm_guesses_left(alarm, "boss"), FA_GUESSES_MAX - 1);
    assert_int_equal(alarm->step, 1); /* it went on to the next */
    assert_int_equal(world_act(&w, FA_EV_ACK, alarm, "boss", FA_HOUR), 0);
    assert_int_equal(fa_alarm_guesses_left(alarm, "boss"), FA_GUESSES_MAX);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_alarm_that_is_open_can_be_stepped_out_of),
        cmocka_unit_test(who_is_out_is_out_once_and_an_owner_owns_it_no_more),
        cmocka_unit_test(more_names_than_a_row_holds_are_refused),
        cmocka_unit_test(codes_are_counted_for_each_person_and_a_row_is_locked_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

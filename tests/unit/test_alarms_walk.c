/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
#include "alarms/walk.h"
#include "fa_test.h"
#include "world.h"

/* Days from the beginning of the walk; half a day is .5. */
#define DAYS(n) ((fa_time)((n)*FA_DAY))

struct found {
    size_t count;
    struct fa_walk_finding list[64];
};

static void keep(void *ctx, const struct fa_walk_finding *finding)
{
    struct found *found = ctx;
    assert_true(found->count < 64);
    found->list[found->count++] = *finding;
}

static void walk(struct world *w, bool is_filing, struct found *found)
{
    struct fa_err err;
    *found = (struct found){0};
    assert_int_equal(fa_directory_seal(w->dir, &err), 0);
    fa_walk_policy(w->dir, fa_setup_policy(&w->setup, "line"), is_filing,
                   (struct fa_span){0, DAYS(400)}, keep, found);
}

static struct fa_schedule_entry *schedule(struct world *w, const char *name, const char *members)
{
    struct fa_directory *dir = w->dir;
    dir->schedules =
        fa_xrealloc(dir->schedules, (dir->schedule_count + 1) * sizeof *dir->schedules);
    struct fa_schedule_entry *entry = &dir->schedules[dir->schedule_count++];
    *entry = (struct fa_schedule_entry){.name = fa_xstrdup(name), .known_until = DAYS(400)};
    char text[200];
    snprintf(text, sizeof text, "%s", members);
    for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " ")) {
        world_text(&entry->members, &entry->member_count, at);
    }
    return entry;
}

static void turn(struct fa_schedule_entry *entry, uint32_t member, fa_time from, fa_time until)
{
    entry->turns = fa_xrealloc(entry->turns, (entry->turn_count + 1) * sizeof *entry->turns);
    entry->turns[entry->turn_count++] = (struct fa_turn){{from, until}, member};
}

static void weekly(struct fa_schedule_entry *entry, int weeks)
{
    for (int week = 0; week < weeks; week++) {
        turn(entry, (uint32_t)week % 2, DAYS(7 * week), DAYS(7 * (week + 1)));
    }
}

static void two_on_duty(struct world *w)
{
    world_init(w);
    world_person(w, "ann", NULL), world_contact(w, "ann", "mail");
    world_person(w, "bob", NULL), world_contact(w, "bob", "mail");
    world_person(w, "ceo", NULL), world_contact(w, "ceo", "mail");
    world_policy(w, "line");
}

static void a_rotation_without_a_gap_ends_with_somebody(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    weekly(schedule(&w, "duty", "ann bob"), 58);
    world_step(&w, "schedule:duty", FA_HOUR);
    walk(&w, false, &found);
    assert_int_equal(found.count, 0);
    world_done(&w);
}

static void a_gap_in_the_last_step_is_named_with_both_its_ends(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    struct fa_schedule_entry *duty = schedule(&w, "duty", "ann bob");
    turn(duty, 0, 0, DAYS(30));
    turn(duty, 1, DAYS(31), DAYS(60)), turn(duty, 0, DAYS(60), DAYS(90));
    turn(duty, 1, DAYS(90) + 1, DAYS(500));
    world_step(&w, "ceo", FA_HOUR);
    world_step(&w, "schedule:duty", FA_HOUR);
    walk(&w, false, &found);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.list[0].kind, FA_WALK_NOBODY);
    assert_int_equal(found.list[0].step, 1);
    assert_int_equal(found.list[0].when.from, DAYS(30));
    assert_int_equal(found.list[0].when.until, DAYS(31));
    assert_int_equal(found.list[1].when.from, DAYS(90));
    assert_int_equal(found.list[1].when.until, DAYS(90) + 1);
    world_done(&w);
}

static void a_gap_before_the_last_step_is_none(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    turn(schedule(&w, "duty", "ann bob"), 0, DAYS(3), DAYS(4));
    world_step(&w, "schedule:duty", FA_HOUR);
    world_step(&w, "ceo", FA_HOUR);
    walk(&w, false, &found);
    assert_int_equal(found.count, 0);
    world_done(&w);
}

static void a_step_that_never_tells_anybody_is_unreachable(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    turn(schedule(&w, "past", "ann bob"), 0, -DAYS(9), -DAYS(2));
    world_step(&w, "label.owner", FA_HOUR); /* the alarm decides: never called unreachable */
    world_step(&w, "schedule:past", FA_HOUR);
    world_step(&w, "ceo", FA_HOUR);
    walk(&w, false, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.list[0].kind, FA_WALK_UNREACHABLE);
    assert_int_equal(found.list[0].step, 1);
    world_done(&w);
}

static void what_depends_on_the_alarm_is_nobody_at_the_end(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    world_step(&w, "ceo", FA_HOUR);
    world_step(&w, "account.conduit label.owner reporter.manager", FA_HOUR);
    walk(&w, false, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.list[0].when.from, 0);
    assert_int_equal(found.list[0].when.until, DAYS(400));
    world_done(&w);
}

static void a_deputy_without_a_channel_leaves_a_hole_while_the_other_is_away(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    world_person(&w, "mute", NULL);
    struct fa_person_entry *ceo = world_find(&w, "ceo");
    world_text(&ceo->deputies, &ceo->deputy_count, "mute");
    fa_spans_add(&ceo->leave, (struct fa_span){DAYS(10), DAYS(24)});
    world_step(&w, "ceo", FA_HOUR);
    walk(&w, false, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.list[0].when.from, DAYS(10));
    assert_int_equal(found.list[0].when.until, DAYS(24));
    world_done(&w);
}

static void leave_of_a_deputys_deputy_is_looked_at(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    world_person(&w, "mute", NULL);
    struct fa_person_entry *ceo = world_find(&w, "ceo"), *ann = world_find(&w, "ann");
    world_text(&ceo->deputies, &ceo->deputy_count, "ann");
    world_text(&ann->deputies, &ann->deputy_count, "mute");
    fa_spans_add(&ceo->leave, (struct fa_span){DAYS(10), DAYS(24)});
    fa_spans_add(&ann->leave, (struct fa_span){DAYS(20), DAYS(21)});
    world_step(&w, "ceo", FA_HOUR);
    walk(&w, false, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.list[0].when.from, DAYS(20));
    assert_int_equal(found.list[0].when.until, DAYS(21));
    world_done(&w);
}

static void what_people_file_needs_a_channel_that_may_carry_it(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    world_channel(&w, "room", true);
    world_person(&w, "wall", NULL), world_contact(&w, "wall", "room");
    struct fa_schedule_entry *duty = schedule(&w, "duty", "ann wall");
    turn(duty, 0, 0, DAYS(100)), turn(duty, 1, DAYS(100), DAYS(101));
    turn(duty, 0, DAYS(101), DAYS(401));
    world_step(&w, "schedule:duty", FA_HOUR);
    walk(&w, true, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.list[0].when.from, DAYS(100));
    world_done(&w);

    two_on_duty(&w);
    world_channel(&w, "room", true);
    world_person(&w, "wall", NULL), world_contact(&w, "wall", "room");
    world_step(&w, "wall", FA_HOUR);
    walk(&w, false, &found);
    assert_int_equal(found.count, 0);
    world_done(&w);
}

static void a_step_only_counts_over_its_own_channels(void **state)
{
    (void)state;
    struct world w;
    struct found found;
    two_on_duty(&w);
    world_contact(&w, "ceo", "sms");
    struct fa_step *step = world_step(&w, "schedule:duty", FA_HOUR);
    world_text(&step->channels, &step->channel_count, "sms");
    struct fa_schedule_entry *duty = schedule(&w, "duty", "ceo ann");
    turn(duty, 0, 0, DAYS(399)), turn(duty, 1, DAYS(399), DAYS(401));
    walk(&w, false, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.list[0].when.from, DAYS(399));
    assert_int_equal(found.list[0].when.until, DAYS(400));
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rotation_without_a_gap_ends_with_somebody),
        cmocka_unit_test(a_gap_in_the_last_step_is_named_with_both_its_ends),
        cmocka_unit_test(a_gap_before_the_last_step_is_none),
        cmocka_unit_test(a_step_that_never_tells_anybody_is_unreachable),
        cmocka_unit_test(what_depends_on_the_alarm_is_nobody_at_the_end),
        cmocka_unit_test(a_deputy_without_a_channel_leaves_a_hole_while_the_other_is_away),
        cmocka_unit_test(leave_of_a_deputys_deputy_is_looked_at),
        cmocka_unit_test(what_people_file_needs_a_channel_that_may_carry_it),
        cmocka_unit_test(a_step_only_counts_over_its_own_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

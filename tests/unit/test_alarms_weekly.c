/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* The weekly digest: when it is due, what it says to whom, and that who must not know of something
 * reads the very words that they would read had it never happened. */
#include "alarms/weekly.h"
#include "fa_test.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static char everybody[7][8] = {"ceo", "boss", "lead", "rep", "rep2", "i1", "i2"};
static char *readers[7];

static void reload(struct world *w)
{
    world_step_event(w, (struct fa_event){.kind = FA_EV_RELOAD, .u.reload.setup = &w->setup});
}

static void begin(struct world *w)
{
    world_begin_firm(w);
    for (size_t i = 0; i < 7; i++) {
        readers[i] = everybody[i];
    }
    w->setup.weekly = (struct fa_weekly){.to = readers, .to_count = 7, .minute = 0, .budget = 2};
    for (size_t i = 0; i < w->dir->channel_count; i++) {
        w->dir->channels[i].machine = false; /* people read them */
    }
    reload(w);
}

static char *said(const struct fa_engine *engine, struct fa_now now, const char *reader,
                  size_t *ret_matters)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 16);
    fa_person person = fa_directory_find(fa_engine_setup(engine)->people, fa_str_of(reader));
    fa_time until = now.wall - now.wall % FA_HOUR + FA_HOUR;
    struct fa_weekly_ask ask = {person, fa_describe_reader(engine, reader), until, now.wall};
    size_t matters = fa_weekly_compose(engine, &ask, &buf);
    if (ret_matters != NULL) {
        *ret_matters = matters;
    }
    return fa_buf_take(&buf);
}

static void assert_says(struct world *w, const char *reader, const char *word, bool is_in)
{
    char *text = said(w->engine, w->now, reader, NULL);
    if ((strstr(text, word) != NULL) != is_in) {
        fail_msg("%s reads %s\"%s\":\n%s", reader, is_in ? "no " : "", word, text);
    }
    free(text);
}

/* ---- when ---- */

/* UTC+1, from `summer` on +2, from `winter` on +1 again. */
#define SUMMER INT64_C(1774746000000) /* Sun 29 Mar 2026 01:00 UTC */
#define WINTER INT64_C(1792890000000) /* Sun 25 Oct 2026 01:00 UTC */

static void the_next_one_is_at_that_time_by_the_readers_clocks(void **state)
{
    struct fa_zone_shift shifts[] = {
        {0, 3600, "CET"}, {SUMMER, 7200, "CEST"}, {WINTER, 3600, "CET"}};
    const struct fa_zone zone = {.name = (char *)"here", .shifts = shifts, .count = 3};
    static const struct {
        const char *after, *next;
        uint32_t minute;
        bool here;
    } rows[] = {
        {"2026-01-05T07:59:59Z", "2026-01-05T08:00:00Z", 480, false},
        {"2026-01-05T08:00:00Z", "2026-01-12T08:00:00Z", 480, false},
        {"2026-01-05T06:59:59Z", "2026-01-05T07:00:00Z", 480, true},
        {"2026-03-23T07:00:00Z", "2026-03-30T06:00:00Z", 480, true}, /* a week of an hour less */
        {"2026-10-19T06:00:00Z", "2026-10-26T07:00:00Z", 480, true},
        {"2026-03-22T12:00:00Z", "2026-03-29T01:00:00Z", 8790, true}, /* Sun 02:30 is leapt over */
        {"2026-10-18T12:00:00Z", "2026-10-25T00:30:00Z", 8790, true}, /* comes twice: the first */
        {"2026-10-25T00:30:00Z", "2026-11-01T01:30:00Z", 8790, true}, /* and not again */
        {"1970-01-01T00:00:00Z", "1970-01-05T00:00:00Z", 0, false},
        {"2026-01-11T23:58:59Z", "2026-01-11T23:59:00Z", 10079, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fa_time after, next;
        assert_int_equal(fa_parse_time(fa_str_of(rows[i].after), &after), 0);
        assert_int_equal(fa_parse_time(fa_str_of(rows[i].next), &next), 0);
        fa_time found = fa_weekly_next(rows[i].here ? &zone : NULL, rows[i].minute, after);
        if (found != next) {
            fail_msg("row %zu: %lld instead of %lld", i, (long long)found, (long long)next);
        }
    }
}

static size_t count_weekly(struct world *w)
{
    size_t count = 0;
    for (size_t i = 0; i < w->send_count; i++) {
        const struct fa_notification *n = fa_engine_notification(w->engine, w->sends[i]);
        count += n != NULL && n->kind == FA_NOTE_WEEKLY && n->contact == 0;
    }
    return count;
}

static void each_reader_gets_one_a_week_and_none_when_it_is_taken_away(void **state)
{
    struct world w;
    begin(&w);
    for (int week = 0; week < 3; week++) {
        world_advance(&w, FA_WEEK);
        assert_int_equal(count_weekly(&w), 7);
        world_answer(&w, FA_VERDICT_SENT);
        world_restart(&w);
        assert_int_equal(count_weekly(&w), 0);
    }
    w.setup.weekly.to_count = 0;
    reload(&w);
    world_advance(&w, 2 * FA_WEEK);
    assert_int_equal(count_weekly(&w), 0);
    for (size_t i = 0; i < w.row_count; i++) {
        assert_false(w.rows[i].live && w.rows[i].kind == FA_ROW_TALLY);
    }
    world_done(&w);
}

static void a_clock_that_was_a_year_ahead_costs_no_year_of_digests(void **state)
{
    struct world w;
    begin(&w);
    const fa_time year = 365 * FA_DAY;
    for (int back = 0; back < 2; back++) {
        fa_time delta = back == 0 ? year : -year;
        w.now.wall += delta;
        world_step_event(&w, (struct fa_event){.kind = FA_EV_CLOCK, .u.clock.delta = delta});
        world_answer(&w, FA_VERDICT_SENT);
    }
    size_t before = count_weekly(&w);
    world_advance(&w, FA_WEEK);
    assert_int_equal(count_weekly(&w), before + 7);
    world_done(&w);
}

/* ---- what ---- */

static void what_is_told_again_and_what_a_restart_reads_says_the_same(void **state)
{
    struct world w;
    begin(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "lead", FA_HOUR);
    world_advance(&w, 2 * FA_HOUR);
    world_answer(&w, FA_VERDICT_REJECTED);
    world_answer(&w, FA_VERDICT_SENT);
    world_signal(&w, "late", "", FA_LEVEL_FIRING);
    world_signal(&w, "late", "", FA_LEVEL_CLEAR);
    const struct fa_rule_seen seen = {
        .rule = w.rules[0], .heard = w.now.wall, .near = 3, .nearest = 987};
    world_step_event(&w, (struct fa_event){.kind = FA_EV_SEEN, .u.seen = {&seen, 1}});
    assert_says(&w, "lead", "slow: 3 times within a tenth of its threshold, at worst 98 % of it",
                true);
    assert_says(&w, "lead", "late: began 1 time and did not last", true);
    assert_says(&w, "lead", "yours this week: 0 kept, 1 missed", true);
    assert_says(&w, "lead", "past due: it is bad", true);
    for (size_t i = 0; i < 7; i++) {
        size_t matters = 0, again = 0;
        char *before = said(w.engine, w.now, everybody[i], &matters);
        struct fa_actions actions;
        fa_actions_init(&actions);
        struct fa_engine *other = world_restored(&w, w.now, &actions);
        char *after = said(other, w.now, everybody[i], &again);
        assert_string_equal(before, after);
        assert_int_equal(matters, again);
        fa_engine_free(other);
        fa_actions_done(&actions);
        free(before);
        free(after);
    }
    world_done(&w);
}

/* A promise is given and missed, and messages fail. */
static void play(struct world *w, const struct fa_alarm *alarm, const char *owner)
{
    world_answer(w, FA_VERDICT_SENT);
    if (alarm != NULL) {
        world_act(w, FA_EV_ACK, alarm, owner, FA_HOUR);
    }
    world_advance(w, 90 * FA_MINUTE);
    world_answer(w, FA_VERDICT_REJECTED);
    world_answer(w, FA_VERDICT_REJECTED);
    world_advance(w, FA_HOUR);
    world_answer(w, FA_VERDICT_SENT);
}

/* The same week twice, and in one of them something is filed about somebody. */
static void who_must_not_know_reads_what_they_would_if_it_had_never_been(void **state)
{
    static const char *const about[] = {"boss", "lead", "rep", "role:top"};
    size_t compared = 0;
    for (size_t i = 0; i < sizeof about / sizeof about[0]; i++) {
        struct world with, without;
        struct fa_pset out;
        begin(&with);
        begin(&without);
        /* Of a channel that fails operators hear, whatever it carried: they were reached before. */
        const struct fa_event test = {.kind = FA_EV_TEST, .u.test.person = "ops"};
        world_step_event(&with, test);
        world_step_event(&without, test);
        world_answer(&with, FA_VERDICT_SENT);
        world_answer(&without, FA_VERDICT_SENT);
        assert_int_equal(world_file(&with, 1, "lying", about[i], -1), 0);
        play(&with, world_alarm(&with), "i1");
        play(&without, NULL, NULL);
        assert_true(world_alarm(&with)->flags & FA_FLAG_OVERDUE);
        assert_says(&with, "i1", "past due: ", true);
        fa_pset_init(&out, with.dir);
        fa_people_conflicted(with.dir, fa_str_of(about[i]), &out);
        for (fa_person p = fa_pset_next(&out, 0); p != FA_NOBODY; p = fa_pset_next(&out, p + 1)) {
            char *a = said(with.engine, with.now, with.dir->people[p].name, NULL);
            char *b = said(without.engine, without.now, with.dir->people[p].name, NULL);
            assert_string_equal(a, b);
            free(a);
            free(b);
            compared++;
        }
        fa_pset_done(&out);
        world_done(&with);
        world_done(&without);
    }
    assert_true(compared > 10);
}

/* It was about nobody, and becomes about somebody: from then on as if it had never been. */
static void what_becomes_about_somebody_is_taken_out_again(void **state)
{
    struct world w;
    begin(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    play(&w, world_alarm(&w), "lead");
    assert_says(&w, "lead", "1 missed", true);
    assert_says(&w, "ceo", "1 missed", false);
    assert_says(&w, "lead", "Messages to you this week: 0", false);
    assert_says(&w, "ceo", "it is bad", true);
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RECUSE,
                                           .u.recuse = {world_alarm(&w)->id, "boss", "rep"}});
    static const char *const out[] = {"rep", "lead", "ceo"};
    for (size_t i = 0; i < 3; i++) { /* rep, and those above up to the first independent one */
        assert_says(&w, out[i], "missed", false);
        assert_says(&w, out[i], "Messages to you this week: 0", true);
        assert_says(&w, out[i], "it is bad", false);
    }
    world_done(&w);
}

static void who_may_not_see_a_rule_reads_nothing_of_it(void **state)
{
    struct world w;
    begin(&w);
    assert_says(&w, "lead", "late: known since", true);
    assert_says(&w, "rep", "late", false);
    world_done(&w);
}

static void a_part_that_is_long_says_how_many_more_there_are(void **state)
{
    struct world w;
    world_init(&w);
    world_policy(&w, "all");
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "person%d", i);
        world_person(&w, name, NULL)->independent = i < 2;
        world_contact(&w, name, "mail");
        if (i == 0) {
            world_step(&w, name, FA_HOUR);
        } else {
            struct fa_step *step = &w.setup.policies[w.setup.policy_count - 1].steps[0];
            world_text(&step->targets, &step->target_count, name);
        }
    }
    world_begin(&w);
    static char *to[] = {(char *)"person3"};
    w.setup.weekly = (struct fa_weekly){.to = to, .to_count = 1};
    reload(&w);
    assert_says(&w, "person3", "- person13: nothing has reached them yet", true);
    assert_says(&w, "person3", "person14:", false);
    assert_says(&w, "person3", "- and ", true);
    world_done(&w);
}

static void counts_are_of_the_hours_that_were_asked_for_and_bounded(void **state)
{
    struct world w;
    begin(&w);
    int64_t first = w.now.wall / FA_HOUR;
    for (int i = 0; i < 1000; i++) {
        w.now.wall += FA_HOUR;
        w.now.mono += FA_HOUR;
        w.engine->now = w.now;
        fa_tally_add(w.engine, FA_TALLY_RULE, "slow", FA_TALLY_BRIEF, 1);
    }
    const struct fa_tally *tally = fa_tally_find(w.engine, FA_TALLY_RULE, "slow");
    assert_true(tally->count <= FA_TALLY_HOURS);
    assert_int_equal(fa_tally_sum(tally, FA_TALLY_BRIEF, first + 833, first + 1001), 168);
    assert_int_equal(fa_tally_sum(tally, FA_TALLY_BRIEF, first + 832, first + 1000), 168);
    assert_int_equal(fa_tally_sum(tally, FA_TALLY_BRIEF, first, first + 100), 0);
    w.now.wall -= 100 * FA_DAY; /* a clock that goes back: what is later than all of it is kept */
    w.engine->now = w.now;
    fa_tally_add(w.engine, FA_TALLY_RULE, "slow", FA_TALLY_BRIEF, 70000);
    fa_tally_add(w.engine, FA_TALLY_RULE, "slow", FA_TALLY_BRIEF, 70000);
    assert_int_equal(tally->hours[0].counts[FA_TALLY_BRIEF], UINT16_MAX);
    assert_true(tally->count <= FA_TALLY_HOURS);
    for (size_t i = 1; i < tally->count; i++) {
        assert_true(tally->hours[i - 1].hour < tally->hours[i].hour);
    }
    world_step_event(&w, (struct fa_event){.kind = FA_EV_TICK});
    world_restart(&w);
    tally = fa_tally_find(w.engine, FA_TALLY_RULE, "slow");
    assert_int_equal(fa_tally_sum(tally, FA_TALLY_BRIEF, first + 833, first + 1001), 168);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_one_is_at_that_time_by_the_readers_clocks),
        cmocka_unit_test(each_reader_gets_one_a_week_and_none_when_it_is_taken_away),
        cmocka_unit_test(a_clock_that_was_a_year_ahead_costs_no_year_of_digests),
        cmocka_unit_test(what_is_told_again_and_what_a_restart_reads_says_the_same),
        cmocka_unit_test(who_must_not_know_reads_what_they_would_if_it_had_never_been),
        cmocka_unit_test(what_becomes_about_somebody_is_taken_out_again),
        cmocka_unit_test(who_may_not_see_a_rule_reads_nothing_of_it),
        cmocka_unit_test(a_part_that_is_long_says_how_many_more_there_are),
        cmocka_unit_test(counts_are_of_the_hours_that_were_asked_for_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* What a window or an inhibition would have hidden: stretches of time that meet or do not, values
 * of labels that are the same or not, and what is never hidden. */
#include "alarms/hindsight.h"
#include "fa_test.h"
#include "world.h"

#include <stdlib.h>

static void match(struct fa_matchers *matchers, const char *text)
{
    struct fa_err err;
    assert_int_equal(fa_matchers_add(matchers, fa_str_of(text), &err), 0);
}

static const struct fa_alarm *raise_alarm(struct world *w, const char *labels)
{
    world_signal(w, "slow", labels, FA_LEVEL_FIRING);
    return w->engine->alarms.last;
}

static void an_alarm_counts_that_was_there_while_the_window_was_open(void **state)
{
    static const struct {
        struct fa_span was;
        bool hides;
    } rows[] = {
        {{0, 99}, false},   {{0, 100}, false},   {{0, 101}, true},   {{120, 130}, true},
        {{199, 250}, true}, {{200, 250}, false}, {{250, 900}, true}, {{400, 900}, false},
        {{100, 100}, true}, {{200, 200}, false}, {{399, 399}, true}, {{0, 0}, false},
    };
    struct world w;
    struct fa_hindsight hindsight = {0};
    world_begin_firm(&w);
    const struct fa_alarm *alarm = raise_alarm(&w, "site=\"eu\"");
    match(&hindsight.hiding.hide, "site=eu");
    fa_spans_add(&hindsight.during, (struct fa_span){300, 400});
    fa_spans_add(&hindsight.during, (struct fa_span){100, 200});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(fa_hindsight_hides(&hindsight, w.engine, alarm, rows[i].was),
                         rows[i].hides);
    }
    alarm = raise_alarm(&w, "site=\"us\"");
    assert_false(fa_hindsight_hides(&hindsight, w.engine, alarm, (struct fa_span){0, 900}));
    fa_hindsight_done(&hindsight);
    world_done(&w);
}

static void only_what_explains_it_at_the_same_place_and_time_hides_it(void **state)
{
    static const struct {
        const char *labels;
        struct fa_span was;
        bool hides;
    } rows[] = {
        {"part=\"slow\",site=\"eu\"", {0, 900}, true},
        {"part=\"slow\",site=\"eu\"", {140, 150}, true}, /* of the second that explains it */
        {"part=\"slow\",site=\"eu\"", {160, 900}, false},
        {"part=\"slow\",site=\"us\"", {0, 499}, false},
        {"part=\"slow\",site=\"us\"", {0, 501}, true},
        {"part=\"slow\",site=\"asia\"", {0, 900}, false},
        {"part=\"slow\"", {0, 900}, false},
        {"part=\"fast\",site=\"eu\"", {0, 900}, false},
    };
    static char *equal[] = {"site"};
    struct world w;
    struct fa_hindsight hindsight = {0};
    world_begin_firm(&w);
    match(&hindsight.hiding.hide, "part=slow");
    match(&hindsight.hiding.when, "part=down");
    hindsight.hiding.equal = equal;
    hindsight.hiding.equal_count = 1;
    const struct fa_alarm *eu = raise_alarm(&w, "part=\"down\",site=\"eu\"");
    fa_hindsight_explain(&hindsight, eu, (struct fa_span){100, 120});
    fa_hindsight_explain(&hindsight, eu, (struct fa_span){110, 160});
    fa_hindsight_explain(&hindsight, raise_alarm(&w, "part=\"down\",site=\"us\""),
                         (struct fa_span){500, 600});
    fa_hindsight_explain(&hindsight, raise_alarm(&w, "part=\"up\",site=\"asia\""),
                         (struct fa_span){0, 900});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct fa_alarm *alarm = raise_alarm(&w, rows[i].labels);
        assert_int_equal(fa_hindsight_hides(&hindsight, w.engine, alarm, rows[i].was),
                         rows[i].hides);
        world_signal(&w, "slow", rows[i].labels, FA_LEVEL_CLEAR);
        world_act(&w, FA_EV_RESOLVE, alarm, "lead", 0);
    }
    hindsight.hiding.equal = NULL;
    hindsight.hiding.equal_count = 0;
    fa_hindsight_done(&hindsight);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alarm_counts_that_was_there_while_the_window_was_open),
        cmocka_unit_test(only_what_explains_it_at_the_same_place_and_time_hides_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

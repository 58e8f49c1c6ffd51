/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* What a rule holds for beyond its limit of alarms, against a model that knows each label set; and
 * who is kept out of the next alarm of an identity. */
#include "fa_test.h"
#include "rules/foreign.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

#define SETS  40
#define LIMIT 6

struct model {
    enum fa_level level[SETS];
    bool known[SETS]; /* since the last start */
};

static void labels_of(size_t i, char labels[32])
{
    snprintf(labels, 32, "queue=\"%zu\"", i);
}

static const struct fa_alarm *own(const struct world *w, size_t i)
{
    char identity[64];
    snprintf(identity, sizeof identity, "slow{queue=\"%zu\"}", i);
    return fa_engine_alarm_by_identity(w->engine, identity);
}

struct found {
    bool further[SETS];
    size_t count;
};

static void find_further(void *ctx, const char *rule, const char *labels,
                         const struct fa_source *source)
{
    struct found *found = ctx;
    size_t i;
    assert_string_equal(rule, "slow");
    assert_int_equal(sscanf(labels, "queue=\"%zu\"", &i), 1);
    assert_false(found->further[i]);
    found->further[i] = true;
    found->count++;
}

static void check(const struct world *w, const struct model *model)
{
    const struct fa_alarm *rest = fa_engine_alarm_by_identity(w->engine, "slow/further");
    struct found found = {.count = 0};
    size_t open = 0, waiting = 0;
    fa_engine_each_further(w->engine, find_further, &found);
    for (size_t i = 0; i < SETS; i++) {
        bool is_own = own(w, i) != NULL;
        open += is_own;
        waiting += found.further[i] && model->known[i];
        assert_false(is_own && found.further[i]);
        assert_true(model->level[i] != FA_LEVEL_FIRING || is_own || found.further[i]);
        assert_true(model->level[i] != FA_LEVEL_CLEAR || !found.further[i]);
    }
    assert_true(open <= LIMIT);
    assert_true(waiting == 0 || open == LIMIT);
    if (found.count > 0) {
        assert_non_null(rest);
        assert_true(rest->state == FA_ALARM_UNACKED || rest->state == FA_ALARM_ACKED);
        assert_true(rest->value == (double)found.count);
    } else {
        assert_true(rest == NULL || rest->state == FA_ALARM_RETURNED);
    }
}

static void act(struct world *w, struct fa_rng *rng, struct model *model)
{
    size_t i = fa_rng_next(rng) % SETS;
    char labels[32];
    const struct fa_alarm *alarm = own(w, i);
    if (fa_rng_next(rng) % 4 == 0) {
        if (alarm != NULL && alarm->state != FA_ALARM_RESOLVED) {
            assert_int_equal(world_act(w, FA_EV_ACK, alarm, "lead", FA_HOUR), 0);
        }
        return;
    }
    enum fa_level level = (enum fa_level)(fa_rng_next(rng) % FA_LEVEL__COUNT);
    labels_of(i, labels);
    world_signal(w, "slow", labels, level);
    model->known[i] = level == FA_LEVEL_FIRING;
    if (level != FA_LEVEL_UNKNOWN) {
        model->level[i] = level;
    }
}

static void their_number_is_exact_whatever_comes_and_over_restarts(void **state)
{
    struct fa_rng rng = {{3, 14}};
    struct world w;
    struct model model = {.level = {FA_LEVEL_UNKNOWN}};
    world_begin_firm(&w);
    w.setup.alarms_per_rule_max = LIMIT;
    w.setup.returned_max = 10 * FA_MINUTE;
    for (size_t i = 0; i < 3000; i++) {
        act(&w, &rng, &model);
        check(&w, &model);
        if (i % 10 == 0) {
            world_answer(&w, FA_VERDICT_SENT);
            world_advance(&w, FA_MINUTE);
            check(&w, &model);
        }
        if (i % 300 == 299) {
            world_restart(&w);
            memset(model.known, 0, sizeof model.known);
            check(&w, &model);
        }
    }
    world_done(&w);
}

static void signal_quickly(struct world *w, size_t i, enum fa_level level)
{
    char labels[32];
    struct fa_signal signal = {.rule = w->rules[0], .labels = labels, .level = level, .value = 5};
    struct fa_event event = {.kind = FA_EV_SIGNAL, .rng = {{i + 1, 7}}, .u.signal = &signal};
    labels_of(i, labels);
    signal.since = w->now.wall;
    fa_actions_clear(&w->actions);
    fa_engine_step(w->engine, &event, w->now, &w->actions);
}

static void count_one(void *ctx, const char *rule, const char *labels,
                      const struct fa_source *source)
{
    ++*(size_t *)ctx;
}

static size_t further_of(const struct world *w)
{
    size_t count = 0;
    fa_engine_each_further(w->engine, count_one, &count);
    return count;
}

static void of_a_hundred_thousand_each_is_known(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.alarms_open_max = 10000;
    w.setup.alarms_per_rule_max = 1000;
    for (size_t i = 0; i < 100000; i++) {
        signal_quickly(&w, i, FA_LEVEL_FIRING);
    }
    const struct fa_alarm *rest = fa_engine_alarm_by_identity(w.engine, "slow/further");
    assert_int_equal(further_of(&w), 99000);
    assert_true(rest != NULL && rest->value == 99000);
    signal_quickly(&w, 1000, FA_LEVEL_CLEAR);
    assert_true(rest->value == 98999);
    /* The row of their alarm is not written for each of them. */
    assert_int_equal(w.actions.count, 1);
    assert_int_equal(w.actions.list[0].kind, FA_ACT_ERASE);
    for (size_t i = 1001; i < 100000; i++) {
        signal_quickly(&w, i, FA_LEVEL_CLEAR);
    }
    assert_int_equal(further_of(&w), 0);
    assert_int_equal(rest->state, FA_ALARM_RETURNED);
    world_done(&w);
}

static void beyond_what_is_known_only_a_person_closes_their_alarm(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.alarms_per_rule_max = 1;
    for (size_t i = 0; i < 200002; i++) {
        signal_quickly(&w, i, FA_LEVEL_FIRING);
    }
    const struct fa_alarm *rest = fa_engine_alarm_by_identity(w.engine, "slow/further");
    assert_int_equal(further_of(&w), 200000);
    assert_true((rest->flags & FA_FLAG_LATCHED) != 0);
    for (size_t i = 1; i < 200002; i++) {
        signal_quickly(&w, i, FA_LEVEL_CLEAR);
    }
    assert_int_equal(rest->state, FA_ALARM_UNACKED);
    world_done(&w);
}

static void find_source(void *ctx, const char *rule, const char *labels,
                        const struct fa_source *source)
{
    *(const struct fa_source **)ctx = source;
}

static void signal_alerts(struct world *w, const char *labels, size_t count, fa_time since)
{
    uint64_t members[FA_FOREIGN_MEMBERS_MAX];
    const struct fa_source source = {"summary=\"slow\"", members, count};
    const struct fa_signal signal = {.rule = w->rules[0],
                                     .labels = labels,
                                     .level = FA_LEVEL_FIRING,
                                     .since = since,
                                     .source = &source};
    for (size_t i = 0; i < count; i++) {
        members[i] = i + 1;
    }
    world_step_event(w, (struct fa_event){.kind = FA_EV_SIGNAL, .u.signal = &signal});
}

static void the_alerts_of_one_are_known_over_a_restart_and_go_to_its_alarm(void **state)
{
    static const size_t counts[] = {1, 2, FA_FOREIGN_MEMBERS_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct world w;
        const struct fa_source *source = NULL;
        world_begin_firm(&w);
        w.setup.alarms_per_rule_max = 1;
        world_signal(&w, "slow", "queue=\"1\"", FA_LEVEL_FIRING);
        signal_alerts(&w, "queue=\"2\"", 1, w.now.wall);
        signal_alerts(&w, "queue=\"2\"", counts[i], w.now.wall);
        world_restart(&w);
        fa_engine_each_further(w.engine, find_source, &source);
        assert_non_null(source);
        assert_int_equal(source->member_count, counts[i]);
        assert_int_equal(source->members[counts[i] - 1], counts[i]);
        assert_int_equal(world_act(&w, FA_EV_RESOLVE,
                                   fa_engine_alarm_by_identity(w.engine, "slow{queue=\"1\"}"),
                                   "lead", 0),
                         0);
        world_signal(&w, "slow", "queue=\"1\"", FA_LEVEL_CLEAR);
        world_answer(&w, FA_VERDICT_SENT);
        world_advance(&w, FA_DAY);
        assert_null(own(&w, 2));
        signal_alerts(&w, "queue=\"2\"", counts[i], w.now.wall);
        const struct fa_alarm *alarm = own(&w, 2);
        assert_non_null(alarm);
        assert_non_null(alarm->source);
        assert_int_equal(alarm->source->member_count, counts[i]);
        assert_string_equal(alarm->source->details, "summary=\"slow\"");
        world_done(&w);
    }
}

static void its_for_counts_from_when_it_came_whatever_its_sender_says(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.alarms_per_rule_max = 1;
    w.rules[0]->for_ms = 30 * FA_MINUTE;
    fa_time since = w.now.wall - FA_HOUR;
    world_signal(&w, "slow", "queue=\"1\"", FA_LEVEL_FIRING);
    signal_alerts(&w, "queue=\"2\"", 1, since);
    world_advance(&w, 10 * FA_MINUTE);
    world_signal(&w, "slow", "queue=\"1\"", FA_LEVEL_CLEAR);
    const struct fa_alarm *alarm = own(&w, 2);
    assert_non_null(alarm);
    assert_int_equal(alarm->state, FA_ALARM_PENDING);
    assert_int_equal(alarm->deadline.length, 20 * FA_MINUTE);
    assert_int_equal(alarm->since, since);
    world_done(&w);
}

static void their_alarms_have_in_common_what_all_of_the_rule_have(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.alarms_per_rule_max = 1;
    w.rules[0]->for_ms = 30 * FA_MINUTE;
    for (size_t i = 0; i < 4; i++) {
        char labels[32];
        labels_of(i, labels);
        world_signal(&w, "slow", labels, FA_LEVEL_FIRING);
    }
    const struct fa_alarm_texts *texts = own(&w, 0)->texts;
    for (size_t i = 0; i < 3; i++) {
        char labels[32];
        world_advance(&w, 7 * FA_MINUTE); /* another part of `for` has passed for each */
        labels_of(i, labels);
        world_signal(&w, "slow", labels, FA_LEVEL_CLEAR);
        const struct fa_alarm *alarm = own(&w, i + 1);
        assert_non_null(alarm);
        assert_int_equal(alarm->deadline.length, (30 - 7 * (fa_time)(i + 1)) * FA_MINUTE);
        assert_ptr_equal(alarm->texts, texts);
    }
    /* Without data it keeps what has passed, that of before too. */
    world_advance(&w, 4 * FA_MINUTE);
    world_signal(&w, "slow", "queue=\"3\"", FA_LEVEL_UNKNOWN);
    world_restart(&w);
    world_signal(&w, "slow", "queue=\"3\"", FA_LEVEL_FIRING);
    assert_int_equal(own(&w, 3)->deadline.length, 5 * FA_MINUTE);
    world_done(&w);
}

static void a_damaged_row_of_one_is_refused(void **state)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.alarms_per_rule_max = 1;
    world_signal(&w, "slow", "queue=\"1\"", FA_LEVEL_FIRING);
    world_signal(&w, "slow", "queue=\"2\"", FA_LEVEL_FIRING);
    struct fa_engine *engine = fa_engine_new(&w.setup);
    size_t rows = 0;
    for (size_t i = 0; i < w.row_count; i++) {
        const struct world_row *row = &w.rows[i];
        struct fa_str key = {(const char *)row->key, row->key_len};
        struct fa_err err;
        for (size_t len = 0; row->kind == FA_ROW_FURTHER && len < row->len; len++) {
            const int rc =
                fa_engine_load_row(engine, row->kind, key, (struct fa_str){row->value, len}, &err);
            assert_true(rc == FA_ECORRUPT || rc == 0);
            rows += rc == 0;
        }
    }
    assert_true(rows <=
                1); /* without its last field it is still one; there twice it is taken once */
    fa_engine_free(engine);
    world_done(&w);
}

static void who_stepped_out_is_forgotten_after_thirty_days_and_not_before(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct world w;
        world_begin_firm(&w);
        world_signal(&w, "slow", "", FA_LEVEL_FIRING);
        const struct fa_alarm *alarm = fa_engine_alarm_by_identity(w.engine, "slow{}");
        world_answer(&w, FA_VERDICT_SENT);
        world_step_event(
            &w, (struct fa_event){.kind = FA_EV_RECUSE, .u.recuse = {alarm->id, "lead", NULL}});
        world_answer(&w, FA_VERDICT_SENT);
        assert_int_equal(world_act(&w, FA_EV_ACK, alarm, "boss", FA_HOUR), 0);
        world_signal(&w, "slow", "", FA_LEVEL_CLEAR);
        world_answer(&w, FA_VERDICT_SENT);
        world_restart(&w);
        world_advance(&w, 30 * FA_DAY - (late ? 0 : FA_SECOND));
        world_signal(&w, "slow", "", FA_LEVEL_FIRING);
        alarm = fa_engine_alarm_by_identity(w.engine, "slow{}");
        assert_int_equal(alarm->people->struck_count, late ? 0 : 1);
        assert_true(late || strcmp(alarm->people->struck[0], "lead") == 0);
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(their_number_is_exact_whatever_comes_and_over_restarts),
        cmocka_unit_test(of_a_hundred_thousand_each_is_known),
        cmocka_unit_test(beyond_what_is_known_only_a_person_closes_their_alarm),
        cmocka_unit_test(the_alerts_of_one_are_known_over_a_restart_and_go_to_its_alarm),
        cmocka_unit_test(its_for_counts_from_when_it_came_whatever_its_sender_says),
        cmocka_unit_test(their_alarms_have_in_common_what_all_of_the_rule_have),
        cmocka_unit_test(a_damaged_row_of_one_is_refused),
        cmocka_unit_test(who_stepped_out_is_forgotten_after_thirty_days_and_not_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Rows that are readable and wrong: what no engine of ours wrote, and a store may hold all the
 * same. Each is refused by name or repaired so that its alarm climbs. */
#include "fa_test.h"
#include "world.h"

static char text[256];
#define WAITING(w, expected) assert_string_equal(world_waiting(w, text, sizeof text), expected)

static void write_again(struct world_row *row, struct fa_buf *buf)
{
    free(row->value);
    row->len = buf->len;
    row->value = fa_xmalloc(buf->len + 1);
    memcpy(row->value, buf->data, buf->len);
}

static void tamper_alarms(struct world *w, void (*change)(struct fa_alarm *alarm))
{
    for (size_t i = 0; i < w->row_count; i++) {
        struct fa_interned *texts = NULL;
        struct fa_alarm *alarm = NULL;
        struct fa_buf buf;
        struct fa_str value = {w->rows[i].value, w->rows[i].len};
        if (w->rows[i].live && w->rows[i].kind == FA_ROW_ALARM) {
            assert_int_equal(fa_alarm_decode(value, &texts, &alarm), 0);
            change(alarm);
            fa_buf_init(&buf, FA_ROW_BYTES_MAX);
            fa_alarm_encode(alarm, &buf);
            write_again(&w->rows[i], &buf);
            fa_alarm_free(alarm);
            fa_intern_done(&texts);
            fa_buf_done(&buf);
        }
    }
}

static void tamper_notifications(struct world *w, void (*change)(struct fa_notification *n))
{
    for (size_t i = 0; i < w->row_count; i++) {
        struct fa_interned *texts = NULL;
        struct fa_notification *n = NULL;
        struct fa_buf buf;
        struct fa_str value = {w->rows[i].value, w->rows[i].len};
        if (w->rows[i].live && w->rows[i].kind == FA_ROW_NOTIFICATION) {
            assert_int_equal(fa_notification_decode(value, &texts, &n), 0);
            change(n);
            fa_buf_init(&buf, FA_ROW_BYTES_MAX);
            fa_notification_encode(n, &buf);
            write_again(&w->rows[i], &buf);
            free(n);
            fa_intern_done(&texts);
            fa_buf_done(&buf);
        }
    }
}

static void lose(struct world *w, enum fa_row_kind kind)
{
    for (size_t i = 0; i < w->row_count; i++) {
        w->rows[i].live = w->rows[i].live && w->rows[i].kind != kind;
    }
}

static int load(struct fa_engine *engine, const struct world_row *row)
{
    struct fa_err err = {0};
    int rc =
        fa_engine_load_row(engine, row->kind, (struct fa_str){(const char *)row->key, row->key_len},
                           (struct fa_str){row->value, row->len}, &err);
    assert_true(rc == 0 || err.text[0] != '\0');
    return rc;
}

static void a_row_that_is_there_twice_is_taken_once(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "stuck", NULL, -1);
    world_file(&w, 2, "lying", NULL, -1);
    struct fa_engine *engine = fa_engine_new(&w.setup);
    bool seen[FA_ROW__LAST + 1] = {false};
    for (size_t i = 0; i < w.row_count; i++) {
        bool policy = w.rows[i].kind == FA_ROW_POLICY;
        assert_int_equal(load(engine, &w.rows[i]), 0);
        assert_int_equal(load(engine, &w.rows[i]), policy ? 0 : FA_ECORRUPT);
        seen[w.rows[i].kind] = true;
    }
    assert_true(seen[FA_ROW_ALARM] && seen[FA_ROW_INCIDENT] && seen[FA_ROW_NOTIFICATION] &&
                seen[FA_ROW_POLICY]);
    fa_engine_free(engine);
    world_done(&w);
}

static void mark_sent(struct fa_notification *n)
{
    n->state = FA_NOTICE_SENT;
}

static void mark_dropped(struct fa_notification *n)
{
    n->state = FA_NOTICE_DROPPED;
}

static void a_settled_notification_is_no_live_row(void **state)
{
    void (*const changes[])(struct fa_notification *) = {mark_sent, mark_dropped};
    for (size_t c = 0; c < 2; c++) {
        struct world w;
        world_begin_firm(&w);
        world_signal(&w, "slow", "", FA_LEVEL_FIRING);
        tamper_notifications(&w, changes[c]);
        struct fa_engine *engine = fa_engine_new(&w.setup);
        for (size_t i = 0; i < w.row_count; i++) {
            assert_int_equal(load(engine, &w.rows[i]),
                             w.rows[i].kind == FA_ROW_NOTIFICATION ? FA_ECORRUPT : 0);
        }
        fa_engine_free(engine);
        world_done(&w);
    }
}

static void lose_deadline(struct fa_alarm *alarm)
{
    alarm->deadline.length = FA_NEVER;
}

static void whatever_its_state_an_alarm_without_a_deadline_gets_one(void **state)
{
    static const char *const names[] = {"unacknowledged", "acknowledged", "returned"};
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        world_begin_firm(&w);
        world_signal(&w, "slow", "", FA_LEVEL_FIRING);
        world_answer(&w, FA_VERDICT_SENT);
        if (i == 1) {
            world_act(&w, FA_EV_ACK, world_alarm(&w), "lead", 0);
        } else if (i == 2) {
            world_signal(&w, "slow", "", FA_LEVEL_CLEAR);
        }
        assert_string_equal(fa_alarm_state_name(world_alarm(&w)->state), names[i]);
        tamper_alarms(&w, lose_deadline);
        world_restart(&w);
        assert_int_equal(world_alarm(&w)->deadline.length, 0);
        assert_null(world_check(w.engine));
        world_done(&w);
    }
}

static void climb_too_far(struct fa_alarm *alarm)
{
    alarm->step = 77;
}

static void a_step_beyond_the_policy_is_its_last(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "lead", FA_MINUTE);
    world_answer(&w, FA_VERDICT_SENT);
    tamper_alarms(&w, climb_too_far);
    world_restart(&w);
    world_advance(&w, FA_MINUTE);
    assert_int_equal(world_alarm(&w)->step, 2);
    WAITING(&w, "boss/mail ceo/mail"); /* the last step, and the level above who promised */
    world_done(&w);
}

static void climb_too_far_unowned(struct fa_alarm *alarm)
{
    alarm->step = 77;
    alarm->deadline.length = 0;
}

static void a_climb_beyond_the_policy_goes_on_with_its_last_step(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    tamper_alarms(&w, climb_too_far_unowned);
    world_restart(&w);
    world_advance(&w, 0);
    assert_int_equal(world_alarm(&w)->step, 2);
    assert_int_equal(world_alarm(&w)->loop, 1);
    world_done(&w);
}

static void same_identity(struct fa_alarm *alarm)
{
    free(alarm->identity);
    fa_alarm_name(alarm, fa_str_of("slow{}"), fa_str_of(""));
}

static void two_alarms_of_one_identity_both_end(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "q=\"1\"", FA_LEVEL_FIRING);
    world_signal(&w, "slow", "q=\"2\"", FA_LEVEL_FIRING);
    tamper_alarms(&w, same_identity);
    world_restart(&w);
    for (unsigned left = 2; left > 0; left--) {
        const struct fa_alarm *alarm = w.engine->alarms.first;
        assert_int_equal(world_act(&w, FA_EV_RESOLVE, alarm, "ceo", 0), 0);
        world_answer(&w, FA_VERDICT_SENT);
        world_advance(&w, 2 * FA_HOUR);
        world_answer(&w, FA_VERDICT_SENT);
    }
    world_done(&w);
}

static void without_its_policy_and_its_name_an_alarm_climbs_to_the_operators(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    lose(&w, FA_ROW_POLICY);
    struct world other;
    world_begin_firm(&other);
    for (size_t i = 0; i < other.setup.policy_count; i++) {
        if (strcmp(other.setup.policies[i].name, "line") == 0) {
            free(other.setup.policies[i].name);
            other.setup.policies[i].name = fa_xstrdup("another");
        }
    }
    const struct fa_setup own = w.setup;
    w.setup = other.setup;
    world_restart(&w);
    world_advance(&w, FA_HOUR);
    assert_string_equal(fa_policy_of(w.engine, world_alarm(&w))->name, FA_POLICY_OPERATORS);
    assert_true(strstr(world_waiting(&w, text, sizeof text), "ops/mail") != NULL);
    fa_engine_free(w.engine);
    w.engine = NULL;
    w.setup = own;
    world_done(&other);
    world_done(&w);
}

static bool has_row(const struct world *w, enum fa_row_kind kind)
{
    bool has = false;
    for (size_t i = 0; i < w->row_count; i++) {
        has = has || (w->rows[i].live && w->rows[i].kind == kind);
    }
    return has;
}

static void a_policy_that_was_lost_is_written_again_with_the_next_alarm_of_it(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "q=\"1\"", FA_LEVEL_FIRING);
    lose(&w, FA_ROW_POLICY);
    world_restart(&w);
    assert_false(has_row(&w, FA_ROW_POLICY));
    world_signal(&w, "slow", "q=\"2\"", FA_LEVEL_FIRING);
    assert_true(has_row(&w, FA_ROW_POLICY));
    world_done(&w);
}

static void without_its_alarm_a_notification_is_not_sent(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_file(&w, 1, "stuck", NULL, -1);
    lose(&w, FA_ROW_ALARM);
    lose(&w, FA_ROW_INCIDENT);
    world_restart(&w);
    WAITING(&w, ""); /* who may not be told of it cannot be said any more */
    assert_int_equal(w.engine->notifications.count, 0);
    world_done(&w);
}

static void mark_returned(struct fa_alarm *alarm)
{
    alarm->state = FA_ALARM_RETURNED;
}

/* No filing says that it is over, so no engine wrote this; the next one wakes it all the same. */
static void a_filing_wakes_an_alarm_of_its_pattern_that_is_said_to_be_over(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_rule *rule = w.rules[1];
    rule->is_incident = true;
    rule->for_ms = 0;
    rule->incident.count = rule->incident.distinct_reporters = 1;
    world_text(&rule->incident.categories, &rule->incident.category_count, "lying");
    world_text(&rule->incident.per, &rule->incident.per_count, "customer");
    world_file(&w, 1, "lying", NULL, -1);
    world_answer(&w, FA_VERDICT_SENT);
    tamper_alarms(&w, mark_returned);
    world_restart(&w);
    assert_int_equal(world_alarm_of(&w, "late")->state, FA_ALARM_RETURNED);
    world_file(&w, 2, "lying", NULL, -1);
    assert_int_equal(world_alarm_of(&w, "late")->state, FA_ALARM_UNACKED);
    assert_int_equal(world_alarm_of(&w, "late")->people->incident_count, 2);
    WAITING(&w, "lead/mail");
    world_done(&w);
}

/* Its words are lost; who must be told of it is not. */
static void an_alarm_that_lost_its_filing_is_owned_missed_and_closed(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", NULL, -1);
    world_answer(&w, FA_VERDICT_SENT);
    lose(&w, FA_ROW_INCIDENT);
    world_restart(&w);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "lead", FA_HOUR);
    world_advance(&w, FA_HOUR);
    assert_non_null(strstr(world_waiting(&w, text, sizeof text), "boss/mail"));
    world_act(&w, FA_EV_RESOLVE, world_alarm(&w), "boss", 0);
    for (int i = 0; i < 3; i++) {
        world_answer(&w, FA_VERDICT_SENT);
    }
    assert_null(world_alarm(&w)); /* history */
    world_done(&w);
}

static void say_a_step_too_far(struct fa_notification *n)
{
    n->step = 99;
}

static void a_message_of_a_step_that_is_not_there_goes_over_any_channel_of_its_reader(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    tamper_notifications(&w, say_a_step_too_far);
    world_restart(&w);
    WAITING(&w, "lead/mail");
    world_answer(&w, FA_VERDICT_REJECTED);
    assert_non_null(strstr(world_waiting(&w, text, sizeof text), "lead/sms"));
    world_done(&w);
}

static void a_policy_that_could_not_climb_is_no_policy(void **state)
{
    static char *targets[] = {(char *)(uintptr_t) "lead"};
    const struct {
        const char *name;
        struct fa_step step;
        uint32_t repeat;
    } rows[] = {
        {"p", {.targets = targets, .target_count = 1, .wait = 0}, 0},
        {"p", {.targets = targets, .target_count = 1, .wait = -1}, 0},
        {"p", {.targets = targets, .target_count = 1, .wait = FA_NEVER - 1}, 0},
        {"p", {.targets = targets, .target_count = 0, .wait = FA_MINUTE}, 0},
        {NULL, {.targets = targets, .target_count = 1, .wait = FA_MINUTE}, 0},
        {"p", {.targets = targets, .target_count = 1, .wait = FA_MINUTE}, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_step step = rows[i].step;
        struct fa_policy policy = {.name = (char *)(uintptr_t)rows[i].name,
                                   .steps = &step,
                                   .step_count = 1,
                                   .repeat = rows[i].repeat};
        struct fa_policy back;
        struct fa_buf buf;
        fa_buf_init(&buf, 4096);
        fa_policy_encode(&policy, &buf);
        if (fa_policy_decode(fa_buf_str(&buf), &back) != FA_ECORRUPT) {
            fail_msg("row %zu", i);
        }
        fa_buf_done(&buf);
    }
}

static void a_name_that_is_there_twice_is_the_first(void **state)
{
    static char *targets[] = {(char *)(uintptr_t) "lead"};
    struct fa_step step = {.targets = targets, .target_count = 1, .wait = FA_MINUTE};
    struct fa_policy policy = {
        .name = (char *)(uintptr_t) "first", .steps = &step, .step_count = 1};
    struct fa_policy second = {.name = (char *)(uintptr_t) "second"}, back;
    struct fa_buf buf;
    fa_buf_init(&buf, 4096);
    fa_policy_encode(&policy, &buf);
    fa_policy_encode(&second, &buf);
    assert_int_equal(fa_policy_decode(fa_buf_str(&buf), &back), 0);
    assert_string_equal(back.name, "first");
    fa_policy_done(&back);
    fa_buf_done(&buf);
}

static void a_random_number_that_comes_twice_names_two_things(void **state)
{
    struct world w;
    world_begin_firm(&w);
    uint64_t seed = w.seed;
    world_signal(&w, "slow", "q=\"1\"", FA_LEVEL_FIRING);
    w.seed = seed;
    world_signal(&w, "slow", "q=\"2\"", FA_LEVEL_FIRING);
    assert_int_equal(w.engine->alarms.count, 2);
    assert_int_equal(w.engine->notifications.count, 2);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_that_is_there_twice_is_taken_once),
        cmocka_unit_test(a_settled_notification_is_no_live_row),
        cmocka_unit_test(whatever_its_state_an_alarm_without_a_deadline_gets_one),
        cmocka_unit_test(a_step_beyond_the_policy_is_its_last),
        cmocka_unit_test(a_climb_beyond_the_policy_goes_on_with_its_last_step),
        cmocka_unit_test(two_alarms_of_one_identity_both_end),
        cmocka_unit_test(without_its_policy_and_its_name_an_alarm_climbs_to_the_operators),
        cmocka_unit_test(a_policy_that_was_lost_is_written_again_with_the_next_alarm_of_it),
        cmocka_unit_test(without_its_alarm_a_notification_is_not_sent),
        cmocka_unit_test(a_filing_wakes_an_alarm_of_its_pattern_that_is_said_to_be_over),
        cmocka_unit_test(an_alarm_that_lost_its_filing_is_owned_missed_and_closed),
        cmocka_unit_test(a_message_of_a_step_that_is_not_there_goes_over_any_channel_of_its_reader),
        cmocka_unit_test(a_policy_that_could_not_climb_is_no_policy),
        cmocka_unit_test(a_name_that_is_there_twice_is_the_first),
        cmocka_unit_test(a_random_number_that_comes_twice_names_two_things),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Drills whose rows are damaged, or half of which is lost: none runs for ever, none keeps the next
 * one from beginning, and a row that is not understood is refused by name. What drills do otherwise
 * is played in scenarios. */
#include "fa_test.h"
#include "world.h"

static int drill(struct world *w, fa_time within)
{
    world_step_event(
        w, (struct fa_event){.kind = FA_EV_DRILL,
                             .reply_to = 1,
                             .u.drill = {.policy = "line", .who = "ops", .within = within}});
    return w->reply.u.reply.code;
}

static struct world_row *row_of(struct world *w, enum fa_row_kind kind)
{
    for (size_t i = w->row_count; i > 0; i--) {
        if (w->rows[i - 1].kind == kind && w->rows[i - 1].live) {
            return &w->rows[i - 1];
        }
    }
    fail_msg("there is no such row");
    return NULL;
}

static void without_its_alarm_it_is_over_and_another_may_begin(void **state)
{
    struct world w;
    world_begin_firm(&w);
    assert_int_equal(drill(&w, 0), 0);
    row_of(&w, FA_ROW_ALARM)->live = false;
    world_restart(&w);
    const struct fa_drill *last = fa_engine_drill(w.engine, "line");
    assert_non_null(last);
    assert_int_equal(last->state, FA_DRILL_FAILED);
    assert_true(last->ended == w.now.wall);
    assert_int_equal(drill(&w, 0), 0);
    world_done(&w);
}

static void without_its_row_its_alarm_ends_at_the_next_step_and_another_may_begin(void **state)
{
    struct world w;
    world_begin_firm(&w);
    assert_int_equal(drill(&w, 0), 0);
    world_answer(&w, FA_VERDICT_SENT);
    row_of(&w, FA_ROW_DRILL)->live = false;
    world_restart(&w);
    assert_null(fa_engine_drill(w.engine, "line"));
    assert_int_equal(world_alarm_of(&w, "firealarm:drill")->state, FA_ALARM_UNACKED);
    assert_int_equal(drill(&w, 0), FA_EEXISTS); /* it is still out there */
    world_advance(&w, FA_DAY);
    world_answer(&w, FA_VERDICT_SENT);
    assert_null(world_alarm_of(&w, "firealarm:drill"));
    assert_int_equal(drill(&w, 0), 0);
    world_done(&w);
}

static void what_is_stored_is_what_it_was(void **state)
{
    struct world w;
    world_begin_firm(&w);
    assert_int_equal(drill(&w, 7 * FA_MINUTE), 0);
    struct fa_drill was = *fa_engine_drill(w.engine, "line");
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_MINUTE);
    world_restart(&w);
    const struct fa_drill *is = fa_engine_drill(w.engine, "line");
    assert_string_equal(is->by, "ops");
    assert_true(is->began == was.began && is->until == was.began + 7 * FA_MINUTE);
    assert_true(fa_id_eq(is->alarm.id, was.alarm.id) && is->who == NULL && is->ended == 0);
    assert_int_equal(world_act(&w, FA_EV_ACK, world_alarm_of(&w, "firealarm:drill"), "lead", 0), 0);
    world_restart(&w);
    is = fa_engine_drill(w.engine, "line");
    assert_int_equal(is->state, FA_DRILL_PASSED);
    assert_string_equal(is->who, "lead");
    assert_true(is->ended - is->began == FA_MINUTE);
    world_done(&w);
}

static void a_row_that_is_no_drill_is_refused(void **state)
{
    enum { POLICY = 1, BY, WHO, ALARM, BEGAN, UNTIL, ENDED, URGENT, STATE };
    static const struct {
        const char *policy, *by;
        size_t id_bytes;
        uint64_t state;
    } rows[] = {
        {NULL, "ops", FA_ID_BYTES, 0},   {"", "ops", FA_ID_BYTES, 0},
        {"line", NULL, FA_ID_BYTES, 0},  {"line", "ops", FA_ID_BYTES - 1, 0},
        {"line", "ops", FA_ID_BYTES, 3}, {"line", "ops", FA_ID_BYTES, UINT64_MAX},
    };
    const uint8_t id[FA_ID_BYTES] = {1};
    struct world w;
    world_begin_firm(&w);
    for (size_t i = 0; i <= sizeof rows / sizeof rows[0]; i++) {
        bool good = i == sizeof rows / sizeof rows[0];
        struct fa_engine *engine = fa_engine_new(&w.setup);
        struct fa_buf buf;
        struct fa_err err;
        fa_buf_init(&buf, 4096);
        fa_rec_put_text(&buf, POLICY, good ? "line" : rows[i].policy);
        fa_rec_put_text(&buf, BY, good ? "ops" : rows[i].by);
        fa_rec_put_bytes(&buf, ALARM, id, good ? FA_ID_BYTES : rows[i].id_bytes);
        fa_rec_put_u64(&buf, STATE, good ? FA_DRILL_PASSED : rows[i].state);
        int rc = fa_engine_load_row(engine, FA_ROW_DRILL, FA_STR("key"), fa_buf_str(&buf), &err);
        if (rc != (good ? 0 : FA_ECORRUPT)) {
            fail_msg("row %zu: %d", i, rc);
        }
        if (good) { /* the same policy twice */
            assert_int_equal(
                fa_engine_load_row(engine, FA_ROW_DRILL, FA_STR("key"), fa_buf_str(&buf), &err),
                FA_ECORRUPT);
            assert_contains(err.text, "a stored row of kind 9");
        }
        fa_buf_done(&buf);
        fa_engine_free(engine);
    }
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_its_alarm_it_is_over_and_another_may_begin),
        cmocka_unit_test(without_its_row_its_alarm_ends_at_the_next_step_and_another_may_begin),
        cmocka_unit_test(what_is_stored_is_what_it_was),
        cmocka_unit_test(a_row_that_is_no_drill_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Same events, times and seeds in: the same actions out, to the byte. */
#include "fa_test.h"
#include "world.h"

static void take_down(const struct world *w, struct fa_buf *log)
{
    for (size_t i = 0; i < w->actions.count; i++) {
        const struct fa_action *a = &w->actions.list[i];
        fa_buf_printf(log, "%d ", (int)a->kind);
        if (a->kind == FA_ACT_SEND) {
            fa_buf_put(log, &a->u.send, sizeof a->u.send);
        } else if (a->kind == FA_ACT_JOURNAL) {
            fa_buf_printf(log, "%d %lld", (int)a->u.journal.code, (long long)a->u.journal.number);
            fa_buf_put(log, &a->u.journal.notification, sizeof a->u.journal.notification);
        } else if (a->kind != FA_ACT_REPLY) {
            fa_buf_put(log, a->u.row.key, a->u.row.key_len);
            fa_buf_printf(log, " %d %zu", a->u.row.live, a->u.row.len);
        }
    }
    fa_buf_putstr(log, fa_buf_str(&w->actions.bytes));
}

static void play(uint64_t seed, struct fa_buf *log)
{
    struct world w;
    struct fa_rng rng = {{42, 43}};
    world_begin_firm(&w);
    w.seed = seed;
    for (size_t i = 0; i < 300; i++) {
        uint64_t draw = fa_rng_next(&rng);
        const struct fa_alarm *slow = fa_engine_alarm_by_identity(w.engine, "slow{}");
        switch (draw % 6) {
        case 0:
            world_signal(&w, draw & 64 ? "slow" : "late", "", (enum fa_level)(draw / 128 % 3));
            break;
        case 1:
            world_answer(&w, (enum fa_verdict_kind)(draw / 8 % 4));
            break;
        case 2:
            world_advance(&w, (fa_time)(draw % (20 * FA_MINUTE)));
            break;
        case 3:
            world_file(&w, (uint8_t)i, "lying", draw & 64 ? "rep" : NULL, -1);
            break;
        case 4:
            if (slow != NULL) {
                world_act(&w, draw & 64 ? FA_EV_ACK : FA_EV_RESOLVE, slow, "boss", 0);
            }
            break;
        default:
            world_advance(&w, FA_SECOND);
            break;
        }
        take_down(&w, log);
    }
    world_done(&w);
}

static void the_same_in_gives_the_same_out(void **state)
{
    struct fa_buf logs[3];
    for (size_t i = 0; i < 3; i++) {
        fa_buf_init(&logs[i], (size_t)1 << 28);
        play(i < 2 ? 1000 : 2000, &logs[i]);
        assert_false(logs[i].over);
    }
    assert_int_equal(logs[0].len, logs[1].len);
    assert_memory_equal(logs[0].data, logs[1].data, logs[0].len);
    assert_true(logs[2].len != logs[0].len || memcmp(logs[0].data, logs[2].data, logs[0].len) != 0);
    for (size_t i = 0; i < 3; i++) {
        fa_buf_done(&logs[i]);
    }
}

static void a_seed_of_zeros_still_gives_ids(void **state)
{
    struct world w;
    world_begin_firm(&w);
    struct fa_signal signal = {.rule = w.rules[0],
                               .labels = "",
                               .level = FA_LEVEL_FIRING,
                               .value = 1,
                               .since = w.now.wall};
    for (size_t i = 0; i < 2; i++) {
        struct fa_event event = {.kind = FA_EV_SIGNAL, .u.signal = &signal};
        signal.labels = i == 0 ? "q=\"1\"" : "q=\"2\"";
        fa_actions_clear(&w.actions);
        fa_engine_step(w.engine, &event, w.now, &w.actions);
    }
    const struct fa_alarm *one = fa_engine_alarm_by_identity(w.engine, "slow{q=\"1\"}");
    const struct fa_alarm *two = fa_engine_alarm_by_identity(w.engine, "slow{q=\"2\"}");
    assert_false(fa_id_is_zero(one->id.id));
    assert_false(fa_id_eq(one->id.id, two->id.id));
    assert_null(world_check(w.engine));
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_in_gives_the_same_out),
        cmocka_unit_test(a_seed_of_zeros_still_gives_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* A kill at any moment: an engine made from the rows so far is where the other one was. */
#include "fa_test.h"
#include "world.h"

/* Everything that can be seen of an engine, as text, in the order of the ids. */
#define ALARMS_OF_PAGES 2300 /* more than a page of the engine's */

struct lines {
    const struct fa_engine *engine;
    char *list[16384];
    size_t count;
};

static void add_line(struct lines *lines, char *line)
{
    assert_true(lines->count < 16384);
    lines->list[lines->count++] = line;
}

static char *deadline_text(const struct fa_heap *heap, const struct fa_deadline *d, char buf[40])
{
    fa_time at = fa_heap_at(heap, &d->node);
    snprintf(buf, 40, "%lld", at == FA_NEVER ? -1LL : (long long)at);
    return buf;
}

/* With the courier when its alarm began to climb again: a start does not send it once more. */
static bool is_belied(const struct fa_notification *n)
{
    return n->owner_alarm != NULL && n->owner_alarm->state == FA_ALARM_UNACKED &&
           (n->kind == FA_NOTE_RETURNED || n->kind == FA_NOTE_ACKNOWLEDGED);
}

static void add_alarm(void *ctx, const struct fa_alarm *a)
{
    char id[FA_ID_TEXT_SIZE], due[40];
    const struct lines *lines = ctx;
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 20);
    /* That nothing is known of a series yet is what a restart changes, and all of it. */
    fa_buf_printf(&buf, "alarm %s %s %s flags %u step %u.%u due %s owner %s told %u notes",
                  fa_id_format(a->id.id, id), a->identity, fa_alarm_state_name(a->state),
                  a->flags & ~FA_FLAG_UNKNOWN, a->step, a->loop,
                  deadline_text(&lines->engine->alarm_heap, &a->deadline, due),
                  a->people->owner != NULL ? a->people->owner : "-", a->told_count);
    size_t count = 0;
    for (const struct fa_notification *n = a->notifications; n != NULL; n = n->next) {
        count += !is_belied(n);
    }
    fa_buf_printf(&buf, " %zu comments %zu filings %zu", count, a->people->comment_count,
                  a->people->incident_count);
    add_line(ctx, fa_buf_take(&buf));
}

static void add_incident(void *ctx, const struct fa_incident *i)
{
    const struct lines *lines = ctx;
    char id[FA_ID_TEXT_SIZE], due[40], *line = malloc(256);
    snprintf(line, 256, "filing %s %s state %d due %s alarms %zu words %zu",
             fa_id_format(i->id.id, id), i->category, (int)i->state,
             deadline_text(&lines->engine->incident_heap, &i->due, due), i->alarm_count,
             i->comment_count);
    add_line(ctx, line);
}

static void add_note(void *ctx, const struct fa_notification *n)
{
    const struct lines *lines = ctx;
    char id[FA_ID_TEXT_SIZE], due[40], *line;
    if (is_belied(n)) {
        return;
    }
    line = malloc(256);
    snprintf(line, 256, "note %s %s/%s %s %s tries %u moved %d due %s", fa_id_format(n->id.id, id),
             n->person, n->channel, fa_notification_kind_name(n->kind),
             fa_notification_state_name(n->state), n->attempts, n->moved_on,
             deadline_text(&lines->engine->notification_heap, &n->deadline, due));
    add_line(ctx, line);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void look(const struct fa_engine *engine, struct lines *lines)
{
    lines->engine = engine;
    lines->count = 0;
    fa_engine_each_alarm(engine, add_alarm, lines);
    fa_engine_each_incident(engine, add_incident, lines);
    fa_engine_each_notification(engine, add_note, lines);
    qsort(lines->list, lines->count, sizeof lines->list[0], by_text);
}

static void done(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->list[i]);
    }
}

static void compare(const struct fa_engine *a, const struct fa_engine *b, const char *where)
{
    static struct lines left, right;
    look(a, &left);
    look(b, &right);
    for (size_t i = 0; i < left.count && i < right.count; i++) {
        if (strcmp(left.list[i], right.list[i]) != 0) {
            fail_msg("%s:\n  was %s\n  is  %s", where, left.list[i], right.list[i]);
        }
    }
    if (left.count != right.count) {
        fail_msg("%s: %zu things before, %zu after", where, left.count, right.count);
    }
    if (fa_engine_next_deadline(a) != fa_engine_next_deadline(b)) {
        fail_msg("%s: the next deadline differs", where);
    }
    done(&left);
    done(&right);
}

/* The next tick does the same in both: compared by what it leaves. */
static void compare_next(struct world *w, struct fa_engine *restored, const char *where)
{
    struct fa_actions actions;
    fa_time at = fa_engine_next_deadline(restored);
    fa_actions_init(&actions);
    for (size_t i = 0; at != FA_NEVER && i < 1; i++) {
        struct fa_event tick = {.kind = FA_EV_TICK, .rng = {{5, 5}}};
        struct fa_now now = {.mono = at, .wall = w->now.wall + at - w->now.mono};
        struct fa_engine *same = world_restored(w, w->now, &actions);
        fa_actions_clear(&actions);
        fa_engine_step(restored, &tick, now, &actions);
        size_t count = actions.count;
        fa_actions_clear(&actions);
        fa_engine_step(same, &tick, now, &actions);
        assert_int_equal(actions.count, count);
        compare(restored, same, where);
        fa_engine_free(same);
    }
    fa_actions_done(&actions);
}

static void check_restart(struct world *w, const char *where)
{
    struct fa_actions actions;
    fa_actions_init(&actions);
    struct fa_engine *restored = world_restored(w, w->now, &actions);
    compare(w->engine, restored, where);
    assert_null(world_check(restored));
    /* Exactly what had no verdict is sent again, under the same keys. */
    for (size_t i = 0; i < actions.count; i++) {
        if (actions.list[i].kind == FA_ACT_SEND) {
            const struct fa_notification *n =
                fa_engine_notification(w->engine, actions.list[i].u.send);
            assert_true(n != NULL && n->with_courier);
        }
    }
    compare_next(w, restored, where);
    fa_engine_free(restored);
    fa_actions_done(&actions);
}

static struct fa_event reporter_word(uint8_t key, bool finished)
{
    struct fa_event event = {.kind = FA_EV_REPORTER};
    event.u.reporter.incident.id.bytes[0] = key;
    event.u.reporter.text = "one thing more";
    event.u.reporter.done = finished;
    return event;
}

static void play(struct world *w, size_t step)
{
    const struct fa_alarm *slow = fa_engine_alarm_by_identity(w->engine, "slow{}");
    switch (step) {
    case 0:
        world_signal(w, "late", "q=\"1\"", FA_LEVEL_FIRING);
        break;
    case 1:
        world_signal(w, "slow", "", FA_LEVEL_FIRING);
        break;
    case 2:
        world_answer(w, FA_VERDICT_RETRY);
        break;
    case 3:
        world_advance(w, 4 * FA_SECOND);
        break;
    case 4:
        world_answer(w, FA_VERDICT_REJECTED);
        break;
    case 5:
        world_answer(w, FA_VERDICT_SENT);
        break;
    case 6:
        world_file(w, 1, "mess", NULL, -1);
        break;
    case 7:
        world_file(w, 2, "stuck", "rep", -1);
        break;
    case 8:
        world_file(w, 3, "lying", "boss", -1);
        break;
    case 9:
        world_answer(w, FA_VERDICT_UNKNOWN);
        break;
    case 10:
        world_answer(w, FA_VERDICT_SENT);
        break;
    case 11:
        world_advance(w, 16 * FA_MINUTE);
        break;
    case 12:
        world_step_event(w, reporter_word(1, true));
        break;
    case 13:
        world_step_event(w, reporter_word(2, false));
        break;
    case 14:
        world_act(w, FA_EV_ACK, slow, "boss", 30 * FA_MINUTE);
        break;
    case 15:
        world_act(w, FA_EV_COMMENT, slow, "boss", 0);
        break;
    case 16:
        world_answer(w, FA_VERDICT_REJECTED);
        break;
    case 17:
        world_advance(w, 31 * FA_MINUTE);
        break;
    case 18:
        world_signal(w, "slow", "", FA_LEVEL_CLEAR);
        break;
    case 19:
        world_answer(w, FA_VERDICT_SENT);
        break;
    case 20:
        world_signal(w, "slow", "", FA_LEVEL_FIRING);
        break;
    case 21:
        world_act(w, FA_EV_RESOLVE, slow, "ceo", 0);
        break;
    case 22:
        world_advance(w, 2 * FA_DAY);
        break;
    case 23:
        world_answer(w, FA_VERDICT_SENT);
        break;
    case 24:
        world_act(w, FA_EV_RESOLVE, world_alarm_of(w, "filing"), "i1", 0);
        break;
    default:
        world_advance(w, 40 * FA_DAY);
        break;
    }
}
#define STEPS 26

static void after_every_step_an_engine_made_from_the_rows_is_where_the_other_was(void **state)
{
    struct world w;
    world_begin_firm(&w);
    for (size_t step = 0; step < STEPS; step++) {
        char where[32];
        snprintf(where, sizeof where, "after step %zu", step);
        play(&w, step);
        check_restart(&w, where);
    }
    world_done(&w);
}

static void what_became_due_meanwhile_is_done_at_once_the_rest_waits_the_rest(void **state)
{
    struct world w;
    char buf[128];
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, 10 * FA_MINUTE);
    w.now.wall += 3 * FA_MINUTE; /* down for three minutes; the machine was rebooted */
    w.now.mono = 5;
    world_restart(&w);
    assert_int_equal(fa_engine_next_deadline(w.engine), 5 + 2 * FA_MINUTE);
    w.now.wall += FA_HOUR;
    world_restart(&w);
    assert_int_equal(fa_engine_next_deadline(w.engine), w.now.mono);
    world_advance(&w, 0);
    assert_string_equal(world_waiting(&w, buf, sizeof buf), "boss/mail");
    world_done(&w);
}

static void a_clock_behind_the_journal_shortens_and_lengthens_nothing(void **state)
{
    struct world w;
    struct fa_actions actions;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, 10 * FA_MINUTE);
    fa_actions_init(&actions);
    struct fa_now back = {.mono = 1000, .wall = w.now.wall - 365 * FA_DAY};
    struct fa_engine *engine = world_restored(&w, back, &actions);
    const struct fa_alarm *alarm = fa_engine_alarm_by_identity(engine, "slow{}");
    assert_int_equal(fa_engine_due(engine, alarm), 1000 + 5 * FA_MINUTE);
    assert_non_null(fa_engine_alarm_by_identity(engine, "firealarm:clock-behind{}"));
    fa_engine_free(engine);
    fa_actions_done(&actions);
    world_done(&w);
}

static void a_step_of_the_wall_clock_moves_no_deadline(void **state)
{
    static const fa_time deltas[] = {365 * FA_DAY, -FA_HOUR, 61 * FA_SECOND};
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        world_begin_firm(&w);
        world_signal(&w, "slow", "", FA_LEVEL_FIRING);
        world_answer(&w, FA_VERDICT_RETRY);
        fa_time before = fa_engine_next_deadline(w.engine);
        w.now.wall += deltas[i];
        struct fa_event event = {.kind = FA_EV_CLOCK};
        event.u.clock.delta = deltas[i];
        world_step_event(&w, event);
        assert_int_equal(fa_engine_next_deadline(w.engine), before);
        check_restart(&w, "after a step of the clock");
        world_done(&w);
    }
}

static void a_step_of_the_wall_clock_leaves_a_promise_as_long_as_it_was(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_act(&w, FA_EV_ACK, world_alarm(&w), "lead", 30 * FA_MINUTE);
    struct fa_event event = {.kind = FA_EV_CLOCK, .u.clock.delta = -FA_HOUR};
    w.now.wall -= FA_HOUR;
    world_step_event(&w, event);
    const struct fa_alarm *alarm = fa_engine_alarm_by_identity(w.engine, "slow{}");
    assert_int_equal(alarm->people->promised, w.now.wall + 30 * FA_MINUTE);
    assert_int_equal(fa_engine_due(w.engine, alarm), w.now.mono + 30 * FA_MINUTE);
    world_done(&w);
}

static void a_lost_alarm_or_deadline_is_made_good_at_start(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_file(&w, 1, "lying", NULL, -1);
    for (size_t i = 0; i < w.row_count; i++) {
        if (w.rows[i].kind == FA_ROW_ALARM || w.rows[i].kind == FA_ROW_NOTIFICATION) {
            w.rows[i].live = false; /* damaged and set aside */
        }
    }
    world_restart(&w);
    assert_int_equal(world_alarm(&w)->state, FA_ALARM_UNACKED);
    assert_int_equal(w.send_count, 1);
    world_done(&w);
}

static void an_alarm_that_lost_its_deadline_is_found_and_climbs(void **state)
{
    struct world w;
    world_begin_firm(&w);
    world_signal(&w, "slow", "", FA_LEVEL_FIRING);
    world_answer(&w, FA_VERDICT_SENT);
    /* What no code should do; the world's own checks would stop at it. */
    struct fa_alarm *alarm = (struct fa_alarm *)(uintptr_t)world_alarm_of(&w, "slow");
    alarm->deadline.length = FA_NEVER;
    w.unchecked = true;
    world_step_event(&w, (struct fa_event){.kind = FA_EV_RECONCILE});
    w.unchecked = false;
    assert_int_not_equal(world_alarm_of(&w, "slow")->deadline.length, FA_NEVER);
    uint32_t step = alarm->step;
    world_advance(&w, 1);
    assert_int_equal(world_alarm_of(&w, "slow")->step, step + 1);
    assert_non_null(world_alarm_of(&w, "firealarm:reconciled"));
    world_done(&w);
}

/* The engine of all live rows, before its START. */
static struct fa_engine *loaded(const struct world *w)
{
    struct fa_engine *engine = fa_engine_new(&w->setup);
    struct fa_err err;
    for (size_t i = 0; i < w->row_count; i++) {
        const struct world_row *row = &w->rows[i];
        if (row->live) {
            assert_int_equal(
                fa_engine_load_row(engine, row->kind,
                                   (struct fa_str){(const char *)row->key, row->key_len},
                                   (struct fa_str){row->value, row->len}, &err),
                0);
        }
    }
    return engine;
}

/* How many rows of alarms the step wrote; *ret_more: what it replied. */
static size_t step_start(struct fa_engine *engine, enum fa_event_kind kind, const struct world *w,
                         bool *ret_more)
{
    struct fa_event event = {.kind = kind, .rng = {{9, 9}}, .reply_to = 1};
    struct fa_actions actions;
    size_t rows = 0;
    event.u.start.last_wall = w->now.wall - FA_MINUTE;
    fa_actions_init(&actions);
    fa_engine_step(engine, &event, w->now, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        const struct fa_action *action = &actions.list[i];
        rows += action->kind == FA_ACT_PUT && action->u.row.kind == FA_ROW_ALARM;
        *ret_more = action->kind == FA_ACT_REPLY ? action->u.reply.count > 0 : *ret_more;
        assert_true(kind == FA_EV_START || action->kind != FA_ACT_JOURNAL);
    }
    fa_actions_done(&actions);
    return rows;
}

static void count_gaps(void *ctx, const struct fa_alarm *a)
{
    size_t gaps = 0;
    struct fa_moment moments[FA_DIARY_MAX];
    uint32_t count = fa_diary_read(a, moments);
    for (uint32_t i = 0; i < count; i++) {
        gaps += moments[i].code == FA_J_START;
    }
    assert_int_equal(gaps, a->state != FA_ALARM_RESOLVED);
    assert_true((a->flags & FA_FLAG_UNKNOWN) != 0);
    (*(size_t *)ctx)++;
}

static void a_start_in_pages_ends_where_one_in_a_single_step_does(void **state)
{
    struct world w;
    char labels[40];
    bool more = true;
    size_t pages = 0, most = 0, rows = 0, alarms = 0;
    world_begin_firm(&w);
    w.setup.alarms_open_max = 10000;
    w.unchecked = true; /* each check looks at all of them */
    for (unsigned i = 0; i < ALARMS_OF_PAGES; i++) {
        snprintf(labels, sizeof labels, "k=\"v%u\"", i);
        world_signal(&w, "slow", labels, FA_LEVEL_FIRING);
        snprintf(labels, sizeof labels, "slow{k=\"v%u\"}", i);
        if (i % 500 == 0) { /* closed with messages still on their way, and not closed */
            world_act(&w, i % 1000 == 0 ? FA_EV_RESOLVE : FA_EV_ACK,
                      fa_engine_alarm_by_identity(w.engine, labels), "boss", 0);
        }
    }
    struct fa_engine *whole = loaded(&w), *paged = loaded(&w);
    size_t in_one = step_start(whole, FA_EV_START, &w, &more);
    for (more = true; more; pages++) {
        size_t page = step_start(paged, FA_EV_GAPS, &w, &more);
        most = page > most ? page : most;
        rows += page;
    }
    rows += step_start(paged, FA_EV_START, &w, &more);
    assert_true(pages > 1 && most < ALARMS_OF_PAGES);
    assert_int_equal(rows, in_one); /* none is written twice */
    compare(whole, paged, "after a start in pages");
    fa_engine_each_alarm(paged, count_gaps, &alarms);
    assert_true(alarms >= ALARMS_OF_PAGES);
    assert_null(world_check(paged));
    fa_engine_free(whole);
    fa_engine_free(paged);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_every_step_an_engine_made_from_the_rows_is_where_the_other_was),
        cmocka_unit_test(what_became_due_meanwhile_is_done_at_once_the_rest_waits_the_rest),
        cmocka_unit_test(a_clock_behind_the_journal_shortens_and_lengthens_nothing),
        cmocka_unit_test(a_step_of_the_wall_clock_moves_no_deadline),
        cmocka_unit_test(a_step_of_the_wall_clock_leaves_a_promise_as_long_as_it_was),
        cmocka_unit_test(a_lost_alarm_or_deadline_is_made_good_at_start),
        cmocka_unit_test(an_alarm_that_lost_its_deadline_is_found_and_climbs),
        cmocka_unit_test(a_start_in_pages_ends_where_one_in_a_single_step_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

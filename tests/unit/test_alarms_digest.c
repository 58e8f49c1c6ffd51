/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Storms: how many messages a person gets, what they hold, and that none is lost over failures,
 * restarts and conflicts that come later. */
#include "fa_test.h"
#include "world.h"

static void begin(struct world *w)
{
    world_begin_firm(w);
    for (size_t i = 0; i < w->dir->channel_count; i++) {
        w->dir->channels[i].machine = false;
    }
    w->setup.filings_open_max = 5000;
    w->setup.outbox_max = 50000;
}

static void file(struct world *w, uint32_t number, const char *about)
{
    const char *list[] = {about};
    struct fa_filing filing = {.category = "lying",
                               .text = "It is not so",
                               .known = FA_KNOWN_SEEN,
                               .about = list,
                               .about_count = about != NULL,
                               .level = -1,
                               .journal_n = number + 1};
    memcpy(filing.id.id.bytes, &number, sizeof number);
    filing.id.id.bytes[FA_ID_BYTES - 1] = 1;
    world_step_event(w, (struct fa_event){.kind = FA_EV_FILE, .u.file = &filing});
    assert_int_equal(w->reply.u.reply.code, 0);
}

struct counts {
    size_t messages, lines, digests, most;
};

static void count_line(void *ctx, const struct fa_notification *n)
{
    ((struct counts *)ctx)->lines++;
}

/* What waits for a verdict. */
static struct counts waiting(const struct world *w)
{
    struct counts counts = {0};
    for (size_t i = 0; i < w->send_count; i++) {
        const struct fa_notification *n = fa_engine_notification(w->engine, w->sends[i]);
        if (n != NULL && n->with_courier) {
            size_t before = counts.lines;
            counts.messages++;
            counts.digests += n->kind == FA_NOTE_DIGEST;
            fa_engine_each_line(w->engine, n, count_line, &counts);
            counts.lines += n->kind != FA_NOTE_DIGEST;
            counts.most = counts.lines - before > counts.most ? counts.lines - before : counts.most;
        }
    }
    return counts;
}

static void five_leave_at_once_and_the_sixth_waits_for_its_minute(void **state)
{
    struct world w;
    begin(&w);
    for (uint32_t i = 0; i < 8; i++) {
        file(&w, i, NULL);
    }
    assert_int_equal(waiting(&w).messages, 5);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, 59 * FA_SECOND);
    assert_int_equal(waiting(&w).messages, 0);
    world_advance(&w, FA_SECOND);
    struct counts counts = waiting(&w);
    assert_int_equal(counts.messages, 1);
    assert_int_equal(counts.lines, 3);
    world_answer(&w, FA_VERDICT_SENT);
    struct fa_engine_stats stats;
    fa_engine_stats(w.engine, &stats);
    assert_int_equal(stats.digests, 1);
    assert_int_equal(stats.notifications[FA_NOTICE_SENT], 8);
    assert_int_equal(stats.outbox, 0);
    world_done(&w);
}

static void each_of_a_thousand_filings_is_named_within_a_minute(void **state)
{
    struct world w;
    begin(&w);
    w.unchecked = true; /* a thousand times a thousand */
    for (uint32_t i = 0; i < 1000; i++) {
        file(&w, i, NULL);
    }
    assert_int_equal(waiting(&w).lines, 5);
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_MINUTE);
    struct counts counts = waiting(&w);
    assert_int_equal(counts.lines, 995);
    assert_int_equal(counts.messages, 5); /* of 200 lines at most */
    assert_int_equal(counts.most, FA_DIGEST_LINES);
    world_answer(&w, FA_VERDICT_SENT);
    struct fa_engine_stats stats;
    fa_engine_stats(w.engine, &stats);
    assert_int_equal(stats.notifications[FA_NOTICE_SENT], 1000);
    assert_null(world_check(w.engine));
    world_done(&w);
}

static struct fa_notification_id digest_of(const struct world *w)
{
    for (size_t i = w->send_count; i > 0; i--) {
        const struct fa_notification *n = fa_engine_notification(w->engine, w->sends[i - 1]);
        if (n != NULL && n->kind == FA_NOTE_DIGEST && n->with_courier) {
            return n->id;
        }
    }
    fail_msg("no digest is under way");
    return (struct fa_notification_id){{{0}}};
}

static size_t lines_of(const struct world *w, struct fa_notification_id id)
{
    struct counts counts = {0};
    const struct fa_notification *n = fa_engine_notification(w->engine, id);
    assert_non_null(n);
    fa_engine_each_line(w->engine, n, count_line, &counts);
    return counts.lines;
}

static void a_restart_sends_the_same_lines_under_the_same_key(void **state)
{
    struct world w;
    begin(&w);
    for (uint32_t i = 0; i < 9; i++) {
        file(&w, i, NULL);
    }
    world_answer(&w, FA_VERDICT_SENT);
    world_restart(&w); /* held back, and it is so again */
    assert_int_equal(waiting(&w).messages, 0);
    world_advance(&w, FA_MINUTE);
    struct fa_notification_id id = digest_of(&w);
    assert_int_equal(lines_of(&w, id), 4);
    file(&w, 9, NULL); /* is none of its lines */
    world_restart(&w);
    assert_true(fa_id_eq(digest_of(&w).id, id.id));
    assert_int_equal(lines_of(&w, id), 4);
    assert_int_equal(world_verdict(&w, id, FA_VERDICT_SENT), 0);
    world_advance(&w, FA_MINUTE);
    assert_int_equal(waiting(&w).lines, 1);
    world_done(&w);
}

static void five_before_a_restart_are_five_after_it(void **state)
{
    struct world w;
    begin(&w);
    for (uint32_t i = 0; i < 5; i++) {
        file(&w, i, NULL);
    }
    world_answer(&w, FA_VERDICT_SENT);
    world_restart(&w);
    file(&w, 5, NULL);
    assert_int_equal(waiting(&w).messages, 0);
    world_advance(&w, FA_MINUTE);
    assert_int_equal(waiting(&w).messages, 1);
    world_done(&w);
}

static void a_rejected_digest_goes_over_the_next_channel_as_one(void **state)
{
    struct world w;
    begin(&w);
    for (uint32_t i = 0; i < 8; i++) {
        file(&w, i, NULL);
    }
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_MINUTE);
    struct fa_notification_id id = digest_of(&w);
    assert_string_equal(fa_engine_notification(w.engine, id)->channel, "mail");
    assert_int_equal(world_verdict(&w, id, FA_VERDICT_REJECTED), 0);
    world_advance(&w, 0);
    struct fa_notification_id next = digest_of(&w);
    assert_string_equal(fa_engine_notification(w.engine, next)->channel, "sms");
    assert_int_equal(lines_of(&w, next), 3);
    assert_int_equal(world_verdict(&w, next, FA_VERDICT_SENT), 0);
    /* The first is tried slowly, for nobody owns them. */
    assert_int_equal(fa_engine_notification(w.engine, id)->state, FA_NOTICE_SLOW);
    world_advance(&w, w.setup.slow_retry);
    assert_true(fa_id_eq(digest_of(&w).id, id.id));
    assert_int_equal(world_verdict(&w, id, FA_VERDICT_SENT), 0);
    assert_null(fa_engine_notification(w.engine, id));
    world_done(&w);
}

static void what_has_a_subject_is_in_no_count_of_digests(void **state)
{
    struct world w;
    struct fa_engine_stats stats;
    begin(&w);
    for (uint32_t i = 0; i < 8; i++) {
        file(&w, i, "rep2");
    }
    for (int round = 0; round < 3; round++) {
        world_answer(&w, FA_VERDICT_SENT);
        world_advance(&w, FA_MINUTE);
    }
    fa_engine_stats(w.engine, &stats);
    assert_int_equal(stats.digests, 0);
    assert_int_equal(stats.spared, 0);
    assert_int_equal(stats.outbox, 0);
    assert_int_equal(stats.notifications[FA_NOTICE_SENT], 0);
    world_done(&w);
}

static void alarms_of_one_rule_and_customer_leave_together_and_others_do_not(void **state)
{
    struct world w;
    begin(&w);
    world_signal(&w, "slow", "customer=\"Globex\",queue=\"a\"", FA_LEVEL_FIRING);
    world_signal(&w, "slow", "customer=\"Globex\",queue=\"b\"", FA_LEVEL_FIRING);
    world_signal(&w, "slow", "customer=\"Initech\",queue=\"a\"", FA_LEVEL_FIRING);
    assert_int_equal(waiting(&w).messages, 0); /* the turn is not over */
    world_advance(&w, 0);
    struct counts counts = waiting(&w);
    assert_int_equal(counts.messages, 2);
    assert_int_equal(counts.digests, 1);
    assert_int_equal(counts.lines, 3);
    world_done(&w);
}

static void a_program_gets_each_message_at_once(void **state)
{
    struct world w;
    begin(&w);
    for (size_t i = 0; i < w.dir->channel_count; i++) {
        w.dir->channels[i].machine = true;
    }
    for (uint32_t i = 0; i < 20; i++) {
        file(&w, i, NULL);
    }
    assert_int_equal(waiting(&w).messages, 20);
    assert_int_equal(waiting(&w).digests, 0);
    world_done(&w);
}

static void who_acts_meanwhile_swallows_nobodys_first_word(void **state)
{
    struct world w;
    begin(&w);
    for (uint32_t i = 0; i < 7; i++) {
        file(&w, i, NULL);
    }
    world_answer(&w, FA_VERDICT_SENT);
    const struct fa_alarm *last = w.engine->alarms.last;
    assert_int_equal(world_act(&w, FA_EV_RESOLVE, last, "boss", 0), 0);
    world_advance(&w, FA_MINUTE);
    assert_int_equal(waiting(&w).lines, 2); /* the closed one, too: it says so */
    world_answer(&w, FA_VERDICT_SENT);
    world_advance(&w, FA_MINUTE);
    assert_int_equal(waiting(&w).lines, 0); /* and needs no second word */
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_leave_at_once_and_the_sixth_waits_for_its_minute),
        cmocka_unit_test(each_of_a_thousand_filings_is_named_within_a_minute),
        cmocka_unit_test(a_restart_sends_the_same_lines_under_the_same_key),
        cmocka_unit_test(five_before_a_restart_are_five_after_it),
        cmocka_unit_test(a_rejected_digest_goes_over_the_next_channel_as_one),
        cmocka_unit_test(what_has_a_subject_is_in_no_count_of_digests),
        cmocka_unit_test(alarms_of_one_rule_and_customer_leave_together_and_others_do_not),
        cmocka_unit_test(a_program_gets_each_message_at_once),
        cmocka_unit_test(who_acts_meanwhile_swallows_nobodys_first_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

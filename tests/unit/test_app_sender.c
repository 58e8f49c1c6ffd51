/* SPDX-License-Identifier: MIT */
#include "app/internal.h"
#include "fa_test.h"

static void every_verdict_of_the_courier_has_its_word_in_the_engine(void **state)
{
    static const struct {
        uint32_t frame;
        enum fa_verdict_kind kind;
    } rows[] = {
        {FIREALARM_SENT, FA_VERDICT_SENT},
        {FIREALARM_RETRY, FA_VERDICT_RETRY},
        {FIREALARM_REJECTED, FA_VERDICT_REJECTED},
        {FA_FRAME_OUTCOME_UNKNOWN, FA_VERDICT_UNKNOWN},
        {0, FA_VERDICT_RETRY},
        {5, FA_VERDICT_RETRY},
        {UINT32_MAX, FA_VERDICT_RETRY},
    };
    /* A name that both rooms gave to different numbers left what a dying courier held unsent. */
    assert_int_equal(FA_VERDICT_UNKNOWN, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (fa_sender_verdict(rows[i].frame) != rows[i].kind) {
            fail_msg("verdict %u becomes %d", rows[i].frame, (int)fa_sender_verdict(rows[i].frame));
        }
    }
}

static void filings_do_not_wait_behind_a_flood_of_series(void **state)
{
    struct fa_outgoing outgoing = {0};
    const struct fa_notification_id series = {{{1}}}, filing = {{{2}}};
    assert_null(fa_outgoing_next(&outgoing, 0));
    for (unsigned i = 0; i < 10000; i++) {
        fa_outgoing_put(&outgoing, true, series);
    }
    fa_outgoing_put(&outgoing, false, filing);
    struct fa_line *line = fa_outgoing_next(&outgoing, 0);
    assert_true(fa_id_eq(line->ids[line->first++].id, filing.id));
    line = fa_outgoing_next(&outgoing, 0);
    assert_true(fa_id_eq(line->ids[line->first++].id, series.id));
    /* A courier full of series still has places for what people filed. */
    size_t open = FA_LINK_CHANNEL_MAX / 4 * 3;
    assert_null(fa_outgoing_next(&outgoing, open));
    fa_outgoing_put(&outgoing, false, filing);
    line = fa_outgoing_next(&outgoing, open);
    assert_true(fa_id_eq(line->ids[line->first++].id, filing.id));
    assert_null(fa_outgoing_next(&outgoing, open));
    fa_outgoing_done(&outgoing);
}

static void what_has_left_gives_its_room_back(void **state)
{
    struct fa_outgoing outgoing = {0};
    struct fa_line *line = &outgoing.series;
    for (uint32_t i = 0; i < 100000; i++) {
        struct fa_notification_id id = {{{0}}};
        memcpy(id.id.bytes, &i, sizeof i);
        fa_outgoing_put(&outgoing, true, id);
        if (i >= 100) { /* a hundred wait at any time */
            uint32_t left;
            memcpy(&left, line->ids[line->first++].id.bytes, sizeof left);
            assert_int_equal(left, i - 100);
        }
    }
    assert_true(line->cap <= 512);
    fa_outgoing_done(&outgoing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_of_the_courier_has_its_word_in_the_engine),
        cmocka_unit_test(filings_do_not_wait_behind_a_flood_of_series),
        cmocka_unit_test(what_has_left_gives_its_room_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

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
            fail_msg("verdict %u becomes %d", rows[i].frame,
                     (int)fa_sender_verdict(rows[i].frame));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_of_the_courier_has_its_word_in_the_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_worlds */
/* Random worlds in virtual time: companies, rules, filings, failures, crashes, reloads and clocks
 * that a seed decides, judged after every step of the engine by an oracle outside it. The first
 * world that fails ends the campaign and says how it is replayed. */
#include "fa_test.h"
#include "promise.h"
#include "worlds.h"

#include <stdlib.h>

static void no_world_breaks_a_promise(void **state)
{
    static const struct promise_sizes sizes = {20, 500, 20000, 200000};
    struct fa_lab_cover cover = {0};
    size_t tries = promise_tries(&sizes);
    char failure[1200] = "", note[200];
    for (uint64_t seed = 1; seed <= tries && failure[0] == '\0'; seed++) {
        struct fa_lab_result result;
        bool steady = false;
        char *text = worlds_make(seed, &steady);
        worlds_judge("world.fas", text, steady, &result);
        worlds_cover_add(&cover, &result.cover);
        if (result.failed) {
            snprintf(failure, sizeof failure, "worlds --seed %llu: line %u: %s",
                     (unsigned long long)seed, result.line, result.failure);
        }
        fa_lab_result_done(&result);
        free(text);
    }
    if (failure[0] != '\0') {
        fail_msg("%s", failure);
    }
    snprintf(note, sizeof note,
             "%llu steps, each checked; %zu cells of the state table not reached",
             (unsigned long long)cover.steps, worlds_cover_missing(&cover));
    struct promise_row row = {.fault = "random worlds in virtual time",
                              .tries = tries,
                              .lost = 0,
                              .missed = 0,
                              .duplicates = (long)cover.again,
                              .leaks = 0,
                              .bound = "1 a crash or answer that was lost",
                              .note = note};
    promise_print(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_world_breaks_a_promise)};
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_worlds */
/* needs: firealarm-calendar */
/* Random worlds in virtual time: companies, rules, filings, failures, crashes, reloads and clocks
 * that a seed decides, judged after every step of the engine by an oracle outside it. Every world
 * is played to its end; what the oracle found is counted by its kind, and the first ones are said
 * with how they are replayed. */
#include "fa_test.h"
#include "promise.h"
#include "worlds.h"

#include <stdlib.h>

enum kind { LOST, MISSED, LEAKS, OTHER, KIND__COUNT };

#define FAILURES_SAID 5
/* So many worlds reach every cell of the alarm state table. */
#define ALL_CELLS 500

/* A failure of any other kind, as an engine that does something else the second time, fails too. */
static enum kind kind_of(const char *failure)
{
    static const struct {
        const char *words;
        enum kind kind;
    } kinds[] = {
        {"invariant 1 ", LOST},   {"invariant 3", MISSED},      {"invariant 6 ", MISSED},
        {"invariant 7 ", MISSED}, {"nobody has heard", MISSED}, {"others are told", MISSED},
        {"invariant 4 ", LEAKS},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strstr(failure, kinds[i].words) != NULL) {
            return kinds[i].kind;
        }
    }
    return OTHER;
}

/* True when it failed. */
static bool play(uint64_t seed, struct fa_lab_cover *cover, long counts[KIND__COUNT], bool say)
{
    struct fa_lab_result result;
    bool steady = false;
    char *text = worlds_make(seed, &steady);
    worlds_watch(seed);
    worlds_judge("world.fas", text, steady, &result);
    worlds_watch_ends();
    worlds_cover_add(cover, &result.cover);
    bool failed = result.failed;
    if (failed) {
        counts[kind_of(result.failure)]++;
    }
    if (failed && say) {
        print_message("tests/scenario/worlds --seed %llu: line %u: %s\n", (unsigned long long)seed,
                      result.line, result.failure);
    }
    fa_lab_result_done(&result);
    free(text);
    return failed;
}

static void no_world_breaks_a_promise(void **state)
{
    static const struct promise_sizes sizes = {20, ALL_CELLS, 20000, 200000};
    struct fa_lab_cover cover = {0};
    size_t tries = promise_tries(&sizes), failures = 0;
    long counts[KIND__COUNT] = {0};
    char note[200];
    for (uint64_t seed = 1; seed <= tries; seed++) {
        failures += play(seed, &cover, counts, failures < FAILURES_SAID);
    }
    size_t missing = worlds_cover_missing(&cover);
    snprintf(note, sizeof note,
             "%llu steps, each checked; %zu cells of the state table not reached",
             (unsigned long long)cover.steps, missing);
    promise_print(&(struct promise_row){
        .fault = "random worlds in virtual time",
        .tries = tries,
        .lost = counts[LOST],
        .missed = counts[MISSED],
        .duplicates = (long)cover.again,
        .leaks = counts[LEAKS],
        .bound = "1 a crash or answer that was lost",
        .note = note,
    });
    assert_int_equal(counts[OTHER], 0);
    if (tries >= ALL_CELLS) {
        assert_int_equal(missing, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_world_breaks_a_promise)};
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

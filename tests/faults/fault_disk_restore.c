/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* kill -9 at each system call of a restore that may change something: after it there is either the
 * store that was there or the copy, whole, and a copy that is in place is told. */
#include "copy_rig.h"
#include "ledger.h"

#include <signal.h>

static const char *const calls[] = {"renameat", "mkdirat", "unlinkat", "fsync",  "fdatasync",
                                    "openat",   "unlink",  "pwrite64", "write",  "ftruncate",
                                    "mkdir",    "close",   "flock",    "rename", "newfstatat"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct campaign {
    struct rig *rig;
    char copies[2][400], first[64], second[64];
    bool is_second; /* both filings are in the store */
    size_t tries, kills, adopted;
};

/* Which of both is in place? */
static bool look(struct campaign *campaign)
{
    struct rig *rig = campaign->rig;
    rig_again(rig);
    assert_int_equal(rig_status(rig, campaign->first), 200);
    int status = rig_status(rig, campaign->second);
    assert_true(status == 200 || status == 409);
    bool told = rig_logged(rig, "was put in place with firealarm restore");
    bool is_second = status == 200;
    assert_int_equal(told, is_second != campaign->is_second);
    /* Told is told: not again. */
    rig_stop(rig);
    return is_second;
}

/* False: it came to its end. */
static bool try_one(struct campaign *campaign, const char *call, size_t at)
{
    struct rig *rig = campaign->rig;
    char trace[64], inject[100];
    const char *under[] = {"strace", "-f",  "-qq", "-o",   rig_path(rig, "restore.trace"),
                           "-e",     trace, "-e",  inject, NULL};
    snprintf(trace, sizeof trace, "trace=%s", call);
    snprintf(inject, sizeof inject, "inject=%s:signal=KILL:when=%zu", call, at);
    const char *copy = campaign->copies[!campaign->is_second];
    int status = rig_restore(rig, under, copy, true);
    bool killed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    campaign->tries++;
    campaign->kills += killed;
    bool is_second = look(campaign);
    assert_true(killed || is_second != campaign->is_second);
    campaign->adopted += killed && is_second != campaign->is_second;
    campaign->is_second = is_second;
    return killed;
}

/* The first n and then an even spread of them; which are how many is known when one is not hit. */
static void sweep(struct campaign *campaign, const char *call, size_t tries)
{
    size_t step = 1;
    for (size_t done = 0, at = 1; done < tries && try_one(campaign, call, at); done++, at += step) {
        step = promise_is_exhaustive() || done < tries / 2 ? 1 : step + 1;
    }
}

static void file_and_copy(struct campaign *campaign, struct ledger *ledger, char receipt[64],
                          char copy[400])
{
    struct rig *rig = campaign->rig;
    unsigned n = ledger_add_any(ledger, "danger");
    assert_int_equal(ledger_file(ledger, rig, n), 201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    snprintf(receipt, 64, "%s", ledger->filings[n - 1].receipt);
    rig_backup(rig, copy);
}

static void a_restore_that_is_killed_leaves_one_store_or_the_other(void **state)
{
    static const struct promise_sizes sizes = {2, 24, 1000, 0};
    struct campaign campaign = {.rig = *state, .is_second = true};
    struct ledger *ledger = ledger_new();
    struct ledger_result result;
    char note[200];
    if (getuid() != 0 || system("strace -V > /dev/null 2>&1") != 0) {
        print_message("SKIPPED: only root may be several people, and strace is needed\n");
        ledger_free(ledger);
        return;
    }
    rig_start(campaign.rig);
    file_and_copy(&campaign, ledger, campaign.first, campaign.copies[0]);
    file_and_copy(&campaign, ledger, campaign.second, campaign.copies[1]);
    rig_stop(campaign.rig);
    for (size_t i = 0; i < COUNT(calls); i++) {
        sweep(&campaign, calls[i], promise_tries(&sizes));
    }
    assert_true(campaign.kills > 0 && campaign.adopted > 0);
    if (!campaign.is_second) {
        assert_int_equal(rig_restore(campaign.rig, NULL, campaign.copies[1], true), 0);
    }
    ledger->other_filings = true; /* messages of the daemon's own: what was put in place */
    ledger_check(ledger, campaign.rig, &result);
    snprintf(note, sizeof note, "%zu kills; after %zu of them the copy was in place",
             campaign.kills, campaign.adopted);
    ledger_print(&result,
                 &(struct promise_row){.fault = "kill -9 at each call of a restore",
                                       .tries = campaign.tries,
                                       .bound = "1 a restore",
                                       .note = note},
                 (long)campaign.tries);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_restore_that_is_killed_leaves_one_store_or_the_other,
                                        rig_setup, rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

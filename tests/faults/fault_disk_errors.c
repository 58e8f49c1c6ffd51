/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* The disk under the whole daemon fails: each kind of call that the store's writer makes to it, the
 * n-th for every n of a few filings' work, with EIO and with ENOSPC, once or from then on. Whatever
 * it hits, the daemon either goes on or leaves with 74 and answers nothing more; what was answered
 * is kept, and after the fault is over filings are taken again, without a restart when it was want
 * of room.
 *
 * What comes twice: a message that had left while the mark that it was sent was not durable.
 * Several can be under way so at one end: a filing is answered once it is durable, so the next one
 * is filed, and told, while the first one's mark still waits for the disk that fails then. Each of
 * them comes once more, and nothing else does: a try begins with every earlier mark durable, has
 * one end at most, and is judged by itself. That needs the number of messages that wait, which by
 * design leaves out what is about somebody: so nobody is accused here. */
#include "breaker.h"
#include "ledger.h"

#include <limits.h>

#define FILINGS_A_TRY 4
#define TRIES_A_STORE                                                                              \
    60 /* a store of its own for so many: what is open is asked about at its end */

static const char *const calls[] = {"fdatasync", "pwrite64", "newfstatat", "fsync",
                                    "ftruncate", "pread64",  "openat",     "unlinkat"};
static const struct way {
    const char *error, *more; /* "+": from then on */
} ways[] = {{"EIO", ""}, {"EIO", "+"}, {"ENOSPC", ""}, {"ENOSPC", "+"}};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KINDS        (COUNT(calls) * COUNT(ways))

struct campaign {
    struct rig *rig;
    struct ledger *ledger;
    struct ledger_result sum;
    size_t tries, broke, left, in_store;
    size_t settled; /* deliveries that were marked before this try */
    bool begun;
};

static bool is_gone(struct rig *rig, int *status)
{
    return rig->pid == 0 || rig_has_ended(rig, status);
}

static void new_store(struct campaign *campaign)
{
    void *state = campaign->rig;
    struct ledger_result one;
    if (campaign->begun) {
        ledger_check(campaign->ledger, campaign->rig, &one);
        ledger_sum(&campaign->sum, &one);
        ledger_free(campaign->ledger);
        assert_int_equal(rig_teardown(&state), 0);
    }
    assert_int_equal(rig_setup(&state), 0);
    campaign->rig = state;
    campaign->ledger = ledger_new();
    campaign->ledger->guard_ms = 300;
    campaign->begun = true;
    campaign->in_store = 0;
    campaign->settled = 0;
    rig_start(campaign->rig);
}

/* Waits until every message that has left is marked as sent and that is durable, or for its end. */
static bool settle(struct campaign *campaign, int *status)
{
    struct rig *rig = campaign->rig;
    rig_until(rig, is_gone(rig, status) || rig_metric(rig, "firealarm_outbox") == 0);
    /* A later turn than the one that took the last verdict: its mark is with the writer. */
    rig_until(rig, is_gone(rig, status) || rig_metric(rig, "firealarm_store_waiting") == 0);
    ledger_take_deliveries(campaign->ledger, rig);
    return rig->pid != 0;
}

/* After settle(): what came twice was under way when the daemon ended. */
static void judge_duplicates(struct campaign *campaign, const char *what, bool ended)
{
    const struct ledger *ledger = campaign->ledger;
    for (size_t i = campaign->settled; i < ledger->delivery_count; i++) {
        const struct ledger_delivery *one = &ledger->deliveries[i];
        size_t before = 0, marked = 0;
        for (size_t k = 0; k < i; k++) {
            const struct ledger_delivery *other = &ledger->deliveries[k];
            bool same = other->accepted && strcmp(other->key, one->key) == 0 &&
                        strcmp(other->path, one->path) == 0;
            before += same;
            marked += same && k < campaign->settled;
        }
        if (marked > 0 || before > (ended ? 1 : 0)) {
            fail_msg("%s: %s came to %s %zu times, %zu of them marked, and the daemon %s", what,
                     one->key, one->path, before + 1, marked, ended ? "ended" : "did not end");
        }
    }
    campaign->settled = ledger->delivery_count;
}

/* It has ended: with 74, and starts again. */
static void start_again(struct campaign *campaign, const char *what, int status)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 74) {
        print_error("%s: wait status 0x%x\n", what, (unsigned)status);
        rig_fail(campaign->rig, "an end with 74", __FILE__, __LINE__);
    }
    campaign->left++;
    rig_again(campaign->rig);
}

/* The fault is over: until filings are taken again. status: of an end that was seen. The last
 * filing's message is under way when the next fault comes. */
static void recover(struct campaign *campaign, const char *what, unsigned n, int status)
{
    struct rig *rig = campaign->rig;
    size_t left = campaign->left;
    if (is_gone(rig, &status)) {
        start_again(campaign, what, status);
    }
    if (!settle(campaign, &status)) { /* what it struck was a mark */
        start_again(campaign, what, status);
        assert_true(settle(campaign, &status));
    }
    assert_true(campaign->left - left <= 1); /* one fault, one end */
    judge_duplicates(campaign, what, campaign->left > left);
    rig_until(rig, ledger_file(campaign->ledger, rig, n) / 100 == 2);
}

/* One try. False: the work was done without so many of these calls. */
static bool try_one(struct campaign *campaign, const char *call, const struct way *way, size_t at)
{
    struct rig *rig = campaign->rig;
    char what[80];
    int status = 0, answer = 201;
    unsigned n = ledger_add(campaign->ledger, "danger", NULL);
    snprintf(what, sizeof what, "error=%s:when=%zu%s", way->error, at, way->more);
    rig->unclean = true;
    pid_t breaker = breaker_start(rig, breaker_writer(rig->pid), call, what);
    if (breaker == 0) {
        print_error("%s %s\n", call, what);
        rig_fail(rig, "strace", __FILE__, __LINE__);
    }
    for (unsigned i = 0; i < FILINGS_A_TRY && answer == 201 && !is_gone(rig, &status); i++) {
        n = i == 0 ? n : ledger_add(campaign->ledger, i % 2 ? "question" : "danger", NULL);
        answer = ledger_file(campaign->ledger, rig, n);
        assert_true(answer == 201 || answer == 503 || answer == 0);
    }
    /* No answer: it ends, or the disk is full and the answer waits for room, or it was slow. */
    if (answer == 0) {
        rig_until(rig, is_gone(rig, &status) || rig_logged(rig, "the disk is full") ||
                           ledger_file(campaign->ledger, rig, n) / 100 == 2);
    }
    assert_true(rig->pid == 0 || breaker > 0);
    bool broke = breaker_stop(rig, breaker);
    recover(campaign, what, n, status);
    campaign->tries++;
    campaign->broke += broke;
    return broke;
}

/* The n-th call of one kind, for as many n as there are or as the size of this run allows. */
static void sweep(struct campaign *campaign, const char *call, const struct way *way, size_t tries)
{
    for (size_t at = 1; at <= tries; at++) {
        if (campaign->in_store >= TRIES_A_STORE) {
            new_store(campaign);
        }
        campaign->in_store++;
        if (!try_one(campaign, call, way, at)) {
            return;
        }
    }
}

static void a_disk_that_fails_at_any_call_loses_nothing(void **unused)
{
    static const struct promise_sizes sizes = {KINDS, 20 * KINDS, 400 * KINDS, 0};
    struct campaign campaign = {.begun = false};
    size_t tries = promise_tries(&sizes) / KINDS;
    char note[200];
    if (system("strace -V > /dev/null 2>&1") != 0) {
        print_message("SKIPPED: strace may not be used here\n");
        return;
    }
    new_store(&campaign);
    for (size_t i = 0; i < KINDS; i++) {
        sweep(&campaign, calls[i / COUNT(ways)], &ways[i % COUNT(ways)], tries);
    }
    struct ledger_result one;
    void *state = campaign.rig;
    ledger_check(campaign.ledger, campaign.rig, &one);
    ledger_sum(&campaign.sum, &one);
    ledger_free(campaign.ledger);
    assert_int_equal(rig_teardown(&state), 0);
    assert_true(campaign.left > 0 && campaign.broke > campaign.left);
    snprintf(note, sizeof note, "%zu faults struck; %zu times it left with 74", campaign.broke,
             campaign.left);
    ledger_print(&campaign.sum,
                 &(struct promise_row){.fault = "EIO and ENOSPC at each call to the disk",
                                       .tries = campaign.tries,
                                       .bound = "1 a crash and message under way",
                                       .note = note},
                 LONG_MAX /* each try was judged by itself */);
}

int main(void)
{
    setenv("FA_TEST_STORE_RETRY_MS", "20", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_fails_at_any_call_loses_nothing),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

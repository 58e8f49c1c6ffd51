/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* A slow disk: each sync takes 2 s. What comes meanwhile is one group, so many who file wait no
 * longer than a few; the loop answers what needs no disk as ever; and messages go on, a retry of
 * what was told before among them. */
#include "breaker.h"
#include "ledger.h"

#define DELAY_MS  2000
#define FILINGS   24
#define LAG_MS    500 /* on a busy machine; a loop that waited for the disk would need 2000 */
#define GROUPS_OK 5

struct client {
    pid_t pid;
    int fd; /* its receipt comes from there */
};

/* Files in a process of its own. */
static struct client file_beside(struct rig *rig, struct ledger *ledger, unsigned n)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool good = ledger_file(ledger, rig, n) == 201;
        const char *receipt = ledger->filings[n - 1].receipt;
        _exit(good && write(fds[1], receipt, strlen(receipt)) > 0 ? 0 : 1);
    }
    close(fds[1]);
    return (struct client){pid, fds[0]};
}

/* True when it has ended; notes what it got. */
static bool has_receipt(struct client *client, struct ledger *ledger, unsigned n)
{
    int status;
    char receipt[64] = "";
    if (client->pid == 0) {
        return true;
    }
    if (waitpid(client->pid, &status, WNOHANG) != client->pid) {
        return false;
    }
    assert_int_equal(status, 0);
    assert_true(read(client->fd, receipt, sizeof receipt - 1) > 0);
    close(client->fd);
    ledger_note_receipt(ledger, n, receipt);
    client->pid = 0;
    return true;
}

static size_t waiting(struct client *clients, struct ledger *ledger, unsigned first)
{
    size_t count = 0;
    for (unsigned i = 0; i < FILINGS; i++) {
        count += !has_receipt(&clients[i], ledger, first + i);
    }
    return count;
}

struct seen {
    double commits;
    int64_t longest_ms, all_ms;
};

/* They all file at once; looks at the loop until all have their receipt. */
static void file_many(struct rig *rig, struct ledger *ledger, struct seen *seen)
{
    struct client clients[FILINGS];
    unsigned first = 0;
    double commits = rig_metric(rig, "firealarm_store_commits_total");
    int64_t begun = rig_ms();
    for (unsigned i = 0; i < FILINGS; i++) {
        unsigned n = ledger_add_any(ledger, "danger");
        first = i == 0 ? n : first;
        clients[i] = file_beside(rig, ledger, n);
    }
    while (waiting(clients, ledger, first) > 0) {
        int64_t from = rig_ms();
        seen->commits = rig_metric(rig, "firealarm_store_commits_total") - commits;
        int64_t took = rig_ms() - from;
        seen->longest_ms = took > seen->longest_ms ? took : seen->longest_ms;
        rig_pause();
    }
    seen->all_ms = rig_ms() - begun;
}

static void a_slow_disk_holds_nobody_up_for_long(void **state)
{
    static const struct promise_sizes sizes = {1, 3, 60, 0};
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    struct ledger_result result;
    struct seen seen = {0};
    char note[200];
    size_t rounds = promise_tries(&sizes);
    rig->words.severities = "severities = ( { name = \"critical\"; fail_attempts = 50;"
                            " fail_after = \"60s\"; }, { name = \"info\"; } );\n";
    receiver_answer(rig->receiver, "/first", 503);
    rig_start(rig);
    unsigned retried = ledger_add(ledger, "danger", NULL);
    assert_int_equal(ledger_file(ledger, rig, retried), 201);
    rig_until(rig, receiver_count(rig->receiver) > 0);
    rig->unclean = true;
    pid_t breaker =
        breaker_start(rig, breaker_writer(rig->pid), "fdatasync", "delay_enter=2000000");
    if (breaker == 0) {
        print_message("SKIPPED: strace may not be used here\n");
        ledger_free(ledger);
        return;
    }
    receiver_answer(rig->receiver, "/first", 200);
    for (size_t i = 0; i < rounds; i++) {
        file_many(rig, ledger, &seen);
        print_message("%d filings in %lld ms and %.0f commits, the loop answers within %lld ms\n",
                      FILINGS, (long long)seen.all_ms, seen.commits, (long long)seen.longest_ms);
        assert_true(seen.commits <= GROUPS_OK && seen.all_ms >= DELAY_MS);
        assert_true(seen.longest_ms < LAG_MS);
    }
    rig_until(rig, (ledger_take_deliveries(ledger, rig), ledger->filings[retried - 1].delivered));
    assert_true(breaker_stop(rig, breaker));
    ledger_check(ledger, rig, &result);
    snprintf(note, sizeof note, "%d filings at once in %.1f s; the loop's longest answer %lld ms",
             FILINGS, (double)seen.all_ms / 1000, (long long)seen.longest_ms);
    ledger_print(&result,
                 &(struct promise_row){.fault = "a disk whose sync takes 2 s",
                                       .tries = rounds * FILINGS,
                                       .note = note},
                 0);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_slow_disk_holds_nobody_up_for_long, rig_setup,
                                        rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* Ends at any moment while people file and feeds speak: kill -9 of the daemon, its start included;
 * kill -9 of the courier, over which the daemon stays; SIGTERM with thousands queued for a receiver
 * that hangs, which must be obeyed within 5 s and lose nothing. */
#include "ledger.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS_A_STORE 25
#define FILINGS_MAX   30 /* for one kill: what is open at the end is asked about one by one */
#define STOP_MS       5000

struct campaign {
    struct rig *rig;
    struct ledger *ledger;
    struct ledger_result sum;
};

static void begin(struct campaign *campaign)
{
    void *state;
    assert_int_equal(rig_setup(&state), 0);
    campaign->rig = state;
    /* A restart is no failing channel. */
    campaign->rig->words.severities =
        "severities = ( { name = \"critical\"; fail_attempts = 50; fail_after = \"1h\"; },"
        " { name = \"warning\"; fail_after = \"1h\"; }, { name = \"info\"; } );\n";
    campaign->ledger = ledger_new();
    rig_write_config(campaign->rig);
}

static void end(struct campaign *campaign)
{
    struct ledger_result result;
    void *state = campaign->rig;
    ledger_check(campaign->ledger, campaign->rig, &result);
    ledger_sum(&campaign->sum, &result);
    ledger_free(campaign->ledger);
    assert_int_equal(rig_teardown(&state), 0);
}

/* A process that sends the signal after so many microseconds. */
static pid_t signal_later(pid_t target, long micros)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec ts = {micros / 1000000, micros % 1000000 * 1000};
        nanosleep(&ts, NULL);
        kill(target, SIGKILL);
        _exit(0);
    }
    return pid;
}

/* Files the last again or a next one, and lets a feed say something, while that process lives. */
static void work_until(struct campaign *campaign, pid_t killer)
{
    struct ledger *ledger = campaign->ledger;
    unsigned first = (unsigned)ledger->filing_count;
    int status;
    while (waitpid(killer, &status, WNOHANG) == 0) {
        unsigned n = (unsigned)ledger->filing_count;
        if ((n == 0 || ledger->filings[n - 1].receipt[0] != '\0') && n < first + FILINGS_MAX) {
            n = ledger_add_any(ledger, "danger");
        }
        if (ledger_file(ledger, campaign->rig, n) == 0) {
            rig_pause(); /* it is not there (yet) */
        } else {
            char line[80];
            snprintf(line, sizeof line, "queue_seconds:%u|g|#queue:q%u", 100 + n % 3 * 100, n % 7);
            (void)rig_try_statsd_local(campaign->rig, line);
        }
    }
}

static void killed_at_random_under_load_it_keeps_its_promise(void **state)
{
    static const struct promise_sizes kills = {3, 50, 1000, 10000};
    struct campaign campaign = {.rig = NULL};
    size_t count = promise_tries(&kills);
    for (size_t i = 0; i < count; i++) {
        if (i % KILLS_A_STORE == 0) {
            begin(&campaign);
        }
        rig_spawn(campaign.rig);
        work_until(&campaign, signal_later(campaign.rig->pid, random() % 500000));
        int status = rig_wait(campaign.rig);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        if (i % 5 == 4) {
            rig_again(campaign.rig);
            ledger_look(campaign.ledger, campaign.rig);
            rig_kill(campaign.rig);
        }
        if (i % KILLS_A_STORE == KILLS_A_STORE - 1 || i == count - 1) {
            end(&campaign);
        }
    }
    struct promise_row row = {.fault = "random kill -9 under load",
                              .tries = count,
                              .bound = "1 a kill and message under way"};
    ledger_print(&campaign.sum, &row, (long)count * FILINGS_MAX);
}

/* Three times in a row at most: a courier that ends and ends is waited for longer each time. */
static void killed_couriers_lose_nothing_and_the_daemon_stays(void **state)
{
    static const struct promise_sizes kills = {3, 45, 1000, 10000};
    struct campaign campaign = {.rig = NULL};
    size_t count = promise_tries(&kills);
    for (size_t i = 0; i < count; i++) {
        if (i % KILLS_A_STORE == 0) {
            begin(&campaign);
        }
        if (campaign.rig->pid == 0) {
            rig_again(campaign.rig);
        }
        work_until(&campaign, signal_later(rig_courier(campaign.rig), random() % 60000));
        assert_true(kill(campaign.rig->pid, 0) == 0);
        assert_int_equal(rig_get(campaign.rig, "/v1/guide")->status, 200);
        if (i % KILLS_A_STORE == KILLS_A_STORE - 1 || i == count - 1) {
            end(&campaign);
        } else if (i % 3 == 2) {
            rig_stop(campaign.rig);
        }
    }
    struct promise_row row = {.fault = "kill -9 of the courier under load",
                              .tries = count,
                              .bound = "1 a kill and message under way"};
    ledger_print(&campaign.sum, &row, (long)count * FILINGS_MAX);
}

static void a_stop_with_thousands_queued_is_quick_and_loses_nothing(void **state)
{
    static const struct promise_sizes queued = {100, 4000, 10000, 10000};
    struct campaign campaign = {.rig = NULL};
    size_t count = promise_tries(&queued);
    char note[80];
    begin(&campaign);
    receiver_answer(campaign.rig->receiver, "/first", RECEIVER_HANG);
    campaign.rig->words.chris = "{ channel = \"first\"; }";
    rig_start(campaign.rig);
    for (size_t i = 0; i < count; i++) {
        unsigned n = ledger_add(campaign.ledger, "danger", NULL);
        assert_int_equal(ledger_file(campaign.ledger, campaign.rig, n), 201);
    }
    rig_until(campaign.rig, rig_metric(campaign.rig, "firealarm_outbox") >= (double)count);
    int64_t began = rig_ms();
    rig_stop(campaign.rig);
    int64_t took = rig_ms() - began;
    receiver_answer(campaign.rig->receiver, "/first", 200);
    end(&campaign);
    if (took > STOP_MS) {
        campaign.sum.missed++;
    }
    snprintf(note, sizeof note, "%zu queued, ended after %lld ms", count, (long long)took);
    struct promise_row row = {.fault = "SIGTERM with thousands queued", .tries = 1, .note = note};
    ledger_print(&campaign.sum, &row, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_random_under_load_it_keeps_its_promise),
        cmocka_unit_test(killed_couriers_lose_nothing_and_the_daemon_stays),
        cmocka_unit_test(a_stop_with_thousands_queued_is_quick_and_loses_nothing),
    };
    unsigned seed = (unsigned)rig_ms() * 2654435761u;
    const char *given = getenv("FA_SEED");
    seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : seed;
    print_message("FA_SEED=%u\n", seed);
    srandom(seed);
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* kill -9 at each system call of an alarm's day: filed, told, acknowledged. One sweep for each
 * thread that has a part in it: the daemon's loop, the store's writer, the courier with its
 * threads; and one over the daemon's start, which finds what a kill left behind. A kill before the
 * receipt is counted as one of accepting, then of sending, and from the acknowledgement on of
 * acknowledging. After each the client tries again under its key. */
#include "killer.h"
#include "ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum stage { ACCEPTING, SENDING, ACKNOWLEDGING, STARTING, STAGES, SETTLED = STAGES };
enum role { LOOP, WRITER, COURIER, START, ROLES };

#define TRIES_A_STORE                                                                              \
    150 /* a store of its own for so many: what is open is asked about at its end */

struct campaign {
    struct rig *rig;
    struct ledger *ledger;
    bool by_mail;         /* or by webhook */
    size_t kills[STAGES]; /* by what they interrupted */
    long duplicates[STAGES];
    struct ledger_result sum;
};

/* The thread that is not the first. */
static pid_t writer_of(pid_t pid)
{
    char path[64];
    pid_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        long tid = strtol(entry->d_name, NULL, 10);
        if (tid > 0 && tid != pid) {
            assert_int_equal(found, 0); /* a third thread needs a sweep of its own */
            found = (pid_t)tid;
        }
    }
    closedir(dir);
    assert_true(found > 0);
    return found;
}

static struct killer *aim(struct campaign *campaign, enum role role, unsigned long at)
{
    struct rig *rig = campaign->rig;
    pid_t courier = rig_courier(rig);
    struct killer *killer =
        role == COURIER
            ? killer_aim(courier, courier, at, true)
            : killer_aim(rig->pid, role == LOOP ? rig->pid : writer_of(rig->pid), at, false);
    assert_non_null(killer);
    return killer;
}

static bool is_gone(struct campaign *campaign)
{
    int status;
    return rig_has_ended(campaign->rig, &status);
}

/* Waits for the outbox to be empty; false: the daemon is gone. */
static bool is_settled(struct campaign *campaign)
{
    double outbox = -1;
    rig_until(campaign->rig,
              is_gone(campaign) || (outbox = rig_metric(campaign->rig, "firealarm_outbox")) == 0);
    return outbox == 0;
}

/* What is about victor is told to ruth, who has no mailbox. */
static unsigned add(struct campaign *campaign)
{
    return campaign->by_mail ? ledger_add(campaign->ledger, "danger", NULL)
                             : ledger_add_any(campaign->ledger, "danger");
}

/* From where it stands to the end, or to where the daemon ends. A mail does not name its alarm: its
 * day ends when it is told. */
static enum stage day(struct campaign *campaign, unsigned n)
{
    struct rig *rig = campaign->rig;
    struct ledger *ledger = campaign->ledger;
    int status = ledger_file(ledger, rig, n);
    if (status != 201 && status != 200) {
        rig_until(rig, is_gone(campaign));
        return ACCEPTING;
    }
    rig_until(rig, (ledger_take_deliveries(ledger, rig), ledger->filings[n - 1].delivered) ||
                       is_gone(campaign));
    if (rig->pid == 0 || !is_settled(campaign)) {
        return SENDING;
    }
    if (campaign->by_mail) {
        return SETTLED;
    }
    status = ledger_take_over(ledger, rig, n);
    if (status != 200 || !is_settled(campaign)) {
        rig_until(rig, is_gone(campaign));
        return ACKNOWLEDGING;
    }
    return SETTLED;
}

static long duplicates_of(const struct campaign *campaign)
{
    struct ledger_result result;
    ledger_judge(campaign->ledger, &result);
    return result.duplicates;
}

/* Ends the day after a kill; what came a second time since it began is this kill's. */
static void count_kill(struct campaign *campaign, enum stage stage, unsigned n, long duplicates)
{
    if (campaign->rig->pid == 0) {
        rig_again(campaign->rig);
    }
    assert_int_equal(day(campaign, n), SETTLED);
    campaign->kills[stage]++;
    campaign->duplicates[stage] += duplicates_of(campaign) - duplicates;
}

/* One day with a kill in it, and what the client does about it. False: it was over before that. */
static bool try_day(struct campaign *campaign, enum role role, unsigned long at)
{
    struct rig *rig = campaign->rig;
    unsigned n = add(campaign);
    long duplicates = duplicates_of(campaign);
    struct killer *killer = aim(campaign, role, at);
    enum stage stage = day(campaign, n);
    bool fired = killer_disarm(killer);
    killer_release(killer);
    if (!fired) {
        assert_int_equal(stage, SETTLED);
        return false;
    }
    if (role != COURIER) { /* a day that was over before the kill does not wait for the end */
        rig_until(rig, is_gone(campaign));
    } else { /* its daemon went on, and the day was settled by another */
        assert_int_equal(stage, SETTLED);
        stage = SENDING;
        rig_stop(rig); /* or the next would wait longer for its courier each time */
    }
    count_kill(campaign, stage == SETTLED ? ACKNOWLEDGING : stage, n, duplicates);
    return true;
}

/* Starts the daemon with all its threads counted from before its first call. */
static struct killer *start_under(struct rig *rig, unsigned long at, int *ret_go)
{
    static const char *const under[] = {"sh", "-c", "read go < \"$FA_RIG_GO\"; exec \"$@\"", "sh",
                                        NULL};
    const char *go = rig_path(rig, "go");
    assert_true(mkfifo(go, 0600) == 0 || errno == EEXIST);
    setenv("FA_RIG_GO", go, 1);
    rig->under = under;
    rig_spawn(rig);
    rig->under = NULL;
    unsetenv("FA_RIG_GO");
    struct killer *killer = killer_aim(rig->pid, rig->pid, at, true);
    assert_non_null(killer);
    *ret_go = open(go, O_RDWR | O_CLOEXEC); /* the reader may be dead already */
    assert_true(*ret_go >= 0 && write(*ret_go, "\n", 1) == 1);
    return killer;
}

/* A start after a kill that left work behind. at 0: only counts. True: it was killed too. */
static bool try_start(struct campaign *campaign, unsigned long at, unsigned long *ret_calls)
{
    struct rig *rig = campaign->rig;
    unsigned n = add(campaign);
    long duplicates = duplicates_of(campaign);
    assert_int_equal(ledger_file(campaign->ledger, rig, n), 201);
    rig_kill(rig);
    int go;
    struct killer *killer = start_under(rig, at, &go);
    rig_until(rig, is_gone(campaign) || rig_logged(rig, "ready\n"));
    bool fired = killer_disarm(killer);
    *ret_calls = killer_release(killer);
    close(go);
    if (!fired) {
        assert_int_equal(day(campaign, n), SETTLED);
        return false;
    }
    rig_until(rig, is_gone(campaign));
    count_kill(campaign, STARTING, n, duplicates);
    return true;
}

static void begin(struct campaign *campaign)
{
    void *state;
    assert_int_equal(rig_setup(&state), 0);
    struct rig *rig = campaign->rig = state;
    static char mail[256];
    snprintf(
        mail, sizeof mail,
        "{ name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:%u\"; tls = \"none\"; machine = true;"
        " allow_plain = true; from = \"Fire alarm <alarm@example.com>\"; }",
        receiver_smtp(rig->receiver));
    if (campaign->by_mail) {
        rig->words.channels = mail;
        rig->words.chris = "{ channel = \"mail\"; address = \"chris@example.com\"; }";
    }
    rig->words.severities =
        "severities = ( { name = \"critical\"; ack_max = \"4h\"; fail_after = \"1m\"; },"
        " { name = \"info\"; } );\n";
    campaign->ledger = ledger_new();
    rig_start(rig);
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

static bool try(struct campaign *campaign, enum role role, unsigned long at)
{
    unsigned long calls;
    return role == START ? try_start(campaign, at, &calls) : try_day(campaign, role, at);
}

/* How many calls there are to try; the first day makes some that no other does. */
static unsigned long calls_of(struct campaign *campaign, enum role role)
{
    unsigned long calls = 0;
    for (int i = 0; i < 2; i++) {
        if (role == START) {
            assert_false(try_start(campaign, 0, &calls));
        } else {
            struct killer *killer = aim(campaign, role, 0);
            assert_int_equal(day(campaign, add(campaign)), SETTLED);
            calls = killer_release(killer);
        }
    }
    return calls;
}

/* Every call, or so many of them spread evenly; beyond the last as long as there are any. */
static void sweep(struct campaign *campaign, enum role role, size_t tries)
{
    static const char *const names[] = {"the loop", "the writer", "the courier", "a start"};
    int64_t began = rig_ms();
    begin(campaign);
    unsigned long calls = calls_of(campaign, role), hit = 0;
    bool all = tries >= calls;
    size_t count = all ? calls : tries;
    print_message("%s makes %lu system calls%s, %zu of them are tried\n", names[role], calls,
                  campaign->by_mail ? " for a mail" : "", count);
    for (size_t i = 0, beyond = 0; i < count || (all && beyond < 3); i++) {
        if (i > 0 && i % TRIES_A_STORE == 0) {
            end(campaign);
            begin(campaign);
        }
        bool fired = try(campaign, role, all ? i + 1 : 1 + i * (calls - 1) / (count - 1));
        hit += fired;
        beyond = i < count || fired ? 0 : beyond + 1;
    }
    end(campaign);
    print_message("%lu kills in %lld ms\n", hit, (long long)(rig_ms() - began));
    assert_true(hit > count / 2);
}

/* What was lost, missed or leaked in any sweep stands in each row: what is broken is broken. */
static void put_row(struct campaign *campaign, enum stage stage, const char *fault)
{
    struct ledger_result result = campaign->sum;
    struct promise_row row = {.fault = fault, .tries = campaign->kills[stage], .bound = "1 a kill"};
    result.duplicates = campaign->duplicates[stage];
    ledger_print(&result, &row, (long)campaign->kills[stage]);
}

static void killed_at_each_system_call_it_keeps_its_promise(void **state)
{
    static const struct promise_sizes sizes[ROLES] = {
        [LOOP] = {8, 70, 10000, 0},
        [WRITER] = {6, 60, 10000, 0},
        [COURIER] = {4, 35, 10000, 0},
        [START] = {4, 35, 10000, 0},
    };
    static const struct promise_sizes rounds = {1, 1, 10, 100};
    struct campaign campaign = {.rig = NULL};
    for (size_t round = 0; round < promise_tries(&rounds); round++) {
        for (enum role role = LOOP; role < ROLES; role++) {
            campaign.by_mail = false;
            sweep(&campaign, role, promise_tries(&sizes[role]));
        }
        campaign.by_mail = true;
        sweep(&campaign, COURIER, promise_tries(&sizes[COURIER]));
    }
    put_row(&campaign, ACCEPTING, "kill -9 at each system call of accepting");
    put_row(&campaign, SENDING, "kill -9 at each system call of sending");
    put_row(&campaign, ACKNOWLEDGING, "kill -9 at each system call of acknowledging");
    put_row(&campaign, STARTING, "kill -9 at each system call of starting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_each_system_call_it_keeps_its_promise),
    };
    signal(SIGPIPE, SIG_IGN);
    if (getuid() != 0) {
        print_message("SKIPPED: only root can trace the daemon and call as somebody else\n");
        return 0;
    }
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* kill -9 at any moment: after the restart every printed receipt still has its alarm climbing,
 * timers are where they were, and nothing is told twice except under the same key. */
#include "daemon_rig.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS       50
#define FILINGS_MAX 2000

/* Who filed what and holds which receipt: the only memory that survives a kill. */
struct ledger {
    char receipts[FILINGS_MAX][64]; /* "": not answered yet */
    unsigned count;
};

/* No two messages to one person about one filing under different keys, and none about a filing that
 * nobody sent. */
static void assert_told_once(struct rig *rig, const struct ledger *ledger)
{
    const struct received *item;
    const char **keys = calloc(FILINGS_MAX, sizeof *keys);
    for (size_t i = 0; (item = receiver_at(rig->receiver, i)) != NULL; i++) {
        const char *at = strstr(item->body, "text-");
        if (strcmp(item->path, "/first") != 0) {
            continue;
        }
        assert_non_null(at);
        unsigned n = (unsigned)strtoul(at + 5, NULL, 10);
        assert_true(n >= 1 && n <= ledger->count);
        if (keys[n - 1] == NULL) {
            keys[n - 1] = item->key;
        }
        if (strcmp(keys[n - 1], item->key) != 0) {
            fail_msg("filing %u was told under %s and %s", n, keys[n - 1], item->key);
        }
    }
    free(keys);
}

/* Each receipt answers, and each alarm has a next step on the clock. */
static void assert_all_climb(struct rig *rig, const struct ledger *ledger)
{
    for (unsigned i = 0; i < ledger->count; i++) {
        if (ledger->receipts[i][0] != '\0') {
            int status = rig_status(rig, ledger->receipts[i]);
            if (status != 200) {
                fail_msg("receipt %u (%s): %d", i + 1, ledger->receipts[i], status);
            }
        }
    }
    if (getuid() != 0) {
        return; /* the alarms are for those who are told, whom only root can be */
    }
    const struct rig_reply *reply = rig_ask(
        rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms?limit=500", .uid = 2005});
    json_t *root = rig_json(reply), *alarm;
    size_t i;
    json_array_foreach(json_object_get(root, "alarms"), i, alarm)
    {
        assert_true(json_is_string(json_object_get(alarm, "next")));
        assert_string_equal(json_string_value(json_object_get(alarm, "state")), "unacknowledged");
    }
    json_decref(root);
}

/* Files number n, again when it was not answered. True when it has a receipt. */
static bool file(struct rig *rig, struct ledger *ledger, unsigned n)
{
    char receipt[64];
    int status = rig_file(rig, n, "danger", receipt);
    if (status == 201 || status == 200) {
        if (ledger->receipts[n - 1][0] != '\0') {
            assert_string_equal(receipt, ledger->receipts[n - 1]);
        }
        snprintf(ledger->receipts[n - 1], 64, "%s", receipt);
        return true;
    }
    assert_true(status == 0 || status == 503);
    return false;
}

/* A child that kills the daemon after so many microseconds, while the test files. */
static pid_t kill_later(pid_t target, unsigned micros)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec ts = {0, (long)micros * 1000};
        nanosleep(&ts, NULL);
        kill(target, SIGKILL);
        _exit(0);
    }
    return pid;
}

static void file_until_killed(struct rig *rig, struct ledger *ledger, unsigned micros)
{
    int status;
    pid_t killer = kill_later(rig->pid, micros);
    while (waitpid(killer, &status, WNOHANG) == 0 && ledger->count < FILINGS_MAX) {
        if (ledger->count == 0 || ledger->receipts[ledger->count - 1][0] != '\0') {
            ledger->count++;
        }
        if (!file(rig, ledger, ledger->count)) {
            break;
        }
    }
    (void)waitpid(killer, &status, 0);
    status = rig_wait(rig);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void killed_at_any_moment_it_loses_no_receipt_and_tells_nobody_twice(void **state)
{
    struct rig *rig = *state;
    struct ledger *ledger = calloc(1, sizeof *ledger);
    unsigned seed = (unsigned)rig_ms() * 2654435761u;
    print_message("seed %u\n", seed);
    srandom(seed);
    rig->words.severities = "severities = ( { name = \"critical\"; fail_after = \"1m\"; },"
                            " { name = \"info\"; } );\n"; /* a restart is no failing channel */
    rig_start(rig);
    for (unsigned i = 0; i < KILLS; i++) {
        file_until_killed(rig, ledger, (unsigned)random() % 60000);
        rig_again(rig);
        assert_all_climb(rig, ledger);
    }
    /* What was not answered is filed now, under its key: everybody has a receipt. */
    for (unsigned n = 1; n <= ledger->count; n++) {
        rig_until(rig, file(rig, ledger, n));
    }
    assert_all_climb(rig, ledger);
    for (unsigned n = 1; n <= ledger->count; n++) {
        char word[32];
        snprintf(word, sizeof word, "text-%u\"", n);
        rig_until(rig, receiver_find(rig->receiver, "/first", word) != NULL);
    }
    assert_told_once(rig, ledger);
    assert_int_equal(receiver_matches(rig->receiver, "/dana", NULL), 0);
    print_message("%u filings, %zu messages\n", ledger->count, receiver_count(rig->receiver));
    rig_stop(rig);
    free(ledger);
}

static void killed_at_each_named_place_it_loses_nothing(void **state)
{
    static const char *const places[] = {
        "store.before_begin", "store.before_commit", "store.after_commit", "store.before_wake",
        "app.before_submit",  "app.before_reply",    "app.after_reply",    "app.before_send",
        "app.after_send",     "app.before_verdict",
    };
    struct rig *rig = *state;
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (!rig_has_hooks()) {
        print_message("SKIPPED: no crash points in this build\n");
        free(ledger);
        return;
    }
    rig_write_config(rig);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (unsigned pass = 1; pass <= 3; pass += 2) {
            char place[64];
            snprintf(place, sizeof place, "%s:%u", places[i], pass);
            rig->crash_at = place;
            rig_spawn(rig);
            /* It may die at any time from here on, even before it is ready. */
            int64_t guard = rig_ms() + RIG_GUARD_MS;
            int status = 0;
            while (waitpid(rig->pid, &status, WNOHANG) == 0) {
                if (rig_ms() > guard) {
                    fail_msg("%s was never passed", place);
                }
                if (ledger->count == 0 || ledger->receipts[ledger->count - 1][0] != '\0') {
                    ledger->count++;
                }
                if (!file(rig, ledger, ledger->count)) {
                    rig_pause();
                }
            }
            rig->pid = 0;
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        }
    }
    rig->crash_at = NULL;
    rig_again(rig);
    for (unsigned n = 1; n <= ledger->count; n++) {
        char word[32];
        rig_until(rig, file(rig, ledger, n));
        snprintf(word, sizeof word, "text-%u\"", n);
        rig_until(rig, receiver_find(rig->receiver, "/first", word) != NULL);
    }
    assert_all_climb(rig, ledger);
    assert_told_once(rig, ledger);
    rig_stop(rig);
    free(ledger);
}

/* When the only alarm's next step comes, as it is told. */
static void next_step(struct rig *rig, char buf[40])
{
    json_t *root = rig_json(
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms", .uid = 2005}));
    json_t *alarm = json_array_get(json_object_get(root, "alarms"), 0);
    const char *text = json_string_value(json_object_get(alarm, "next"));
    assert_non_null(text);
    snprintf(buf, 40, "%s", text);
    json_decref(root);
}

static void timers_are_where_they_were_after_a_kill(void **state)
{
    struct rig *rig = *state;
    char receipt[64], before[40], after[40];
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return;
    }
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    next_step(rig, before);
    for (int i = 0; i < 3; i++) {
        rig_kill(rig);
        rig_again(rig);
    }
    next_step(rig, after);
    assert_string_equal(after, before);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    rig_stop(rig);
    assert_int_equal(receiver_count(rig->receiver), 1);
}

static void an_owner_stays_the_owner_after_a_kill(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[128];
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return;
    }
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, rig_alarm(rig, "danger")[0] != '\0');
    snprintf(path, sizeof path, "/v1/alarms/%s/ack", rig_alarm(rig, "danger"));
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){
                         .method = "POST", .path = path, .body = "{\"for\":\"1h\"}", .uid = 2005});
    assert_int_equal(reply->status, 200);
    rig_kill(rig);
    rig_again(rig);
    snprintf(path, sizeof path, "/v1/alarms/%s", rig_alarm(rig, "danger"));
    reply = rig_ask(rig, &(struct rig_call){.method = "GET", .path = path, .uid = 2005});
    assert_contains(reply->body, "\"state\":\"acknowledged\"");
    assert_contains(reply->body, "\"owner\":\"chris\"");
    rig_stop(rig);
}

/* ---- the order of system calls ---- */

static bool has_strace(void)
{
    return system("strace -f -o /dev/null true 2>/dev/null") == 0;
}

/* In the trace: after the filing came, the store was written, then synced, the sync has returned,
 * and only then the receipt is written. A sync of somebody else's work in between says nothing. */
static void assert_synced_before(const char *trace, const char *receipt)
{
    enum { NOTHING, CAME, WRITTEN, SYNCING, SYNCED } seen = NOTHING;
    char *copy = strdup(trace), *save = NULL;
    bool answered = false;
    for (char *line = strtok_r(copy, "\n", &save); line != NULL && !answered;
         line = strtok_r(NULL, "\n", &save)) {
        bool begins = strstr(line, "fdatasync(") != NULL || strstr(line, "fsync(") != NULL;
        bool returns = strstr(line, "sync") != NULL && strstr(line, "unfinished") == NULL &&
                       strstr(line, "= 0") != NULL;
        if (strstr(line, "POST /v1/incidents") != NULL) {
            seen = CAME;
        } else if (strstr(line, receipt) != NULL) {
            answered = true;
        } else if (seen == CAME && strstr(line, "pwrite64(") != NULL) {
            seen = WRITTEN;
        } else if (seen == WRITTEN && begins) {
            seen = returns ? SYNCED : SYNCING;
        } else if (seen == SYNCING && returns) {
            seen = SYNCED;
        }
    }
    free(copy);
    assert_true(answered);
    assert_int_equal(seen, SYNCED);
}

static void a_receipt_is_written_after_the_sync_that_keeps_it(void **state)
{
    struct rig *rig = *state;
    char receipt[64], output[200];
    if (!has_strace()) {
        print_message("SKIPPED: strace cannot trace here\n");
        return;
    }
    snprintf(output, sizeof output, "%s/trace", rig->dir);
    const char *const under[] = {
        "strace",
        "-D",
        "-f",
        "-s",
        "4096",
        "-e",
        "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg,read,readv,"
        "recvfrom,recvmsg",
        "-e",
        "signal=none",
        "-o",
        output,
        NULL};
    rig->under = under;
    rig_start(rig);
    for (unsigned n = 1; n <= 5; n++) {
        assert_int_equal(rig_file(rig, n, "danger", receipt), 201);
        char *trace = NULL;
        rig_until(rig, (free(trace), trace = NULL, rig_has_text(output, receipt, &trace)));
        assert_synced_before(trace, receipt);
        free(trace);
    }
}

/* An fdatasync that fails at a commit: nothing is answered, exit 74, the key resolves later. */
static void a_commit_whose_outcome_is_unknown_ends_it_with_74(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    if (!has_strace()) {
        print_message("SKIPPED: strace cannot trace here\n");
        return;
    }
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    char command[400];
    snprintf(command, sizeof command,
             "strace -f -p %d -e trace=fdatasync,fsync -e inject=fdatasync,fsync:error=EIO "
             "-o /dev/null 2>%s/attached & echo $!",
             (int)rig->pid, rig->dir);
    FILE *tracer = popen(command, "re");
    int tracer_pid = 0;
    assert_non_null(tracer);
    assert_int_equal(fscanf(tracer, "%d", &tracer_pid), 1);
    char *attached = NULL;
    rig_until(rig, (free(attached), attached = NULL,
                    rig_has_text(rig_path(rig, "attached"), "attached", &attached)));
    free(attached);
    char second[64];
    assert_int_equal(rig_file(rig, 2, "danger", second), 0);
    int status = rig_wait(rig);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 74);
    pclose(tracer);
    rig_again(rig);
    assert_int_equal(rig_status(rig, receipt), 200);
    int again = rig_file(rig, 2, "danger", second);
    assert_true(again == 201 || again == 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-2") != NULL);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed_at_any_moment_it_loses_no_receipt_and_tells_nobody_twice),
        TEST(killed_at_each_named_place_it_loses_nothing),
        TEST(timers_are_where_they_were_after_a_kill),
        TEST(an_owner_stays_the_owner_after_a_kill),
        TEST(a_receipt_is_written_after_the_sync_that_keeps_it),
        TEST(a_commit_whose_outcome_is_unknown_ends_it_with_74),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

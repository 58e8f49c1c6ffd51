/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* A log that takes nothing: a pipe that nobody reads, and a file on a full disk. Lines are lost and
 * counted; filings, deliveries and reloads go on as if nothing was; and when there is room in the
 * log again, it says how much was lost. */
#include "ledger.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char listeners[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"metrics\"; address = \"unix:./run/metrics.sock\"; mode = \"0666\";\n"
    "    routes = [ \"metrics\" ]; }\n"
    ");\n";

static double dropped(struct rig *rig)
{
    static const char word[] = "firealarm_log_dropped_total ";
    const struct rig_reply *reply = rig_ask(rig, &(struct rig_call){
                                                     .method = "GET",
                                                     .path = "/metrics",
                                                     .socket = rig_path(rig, "run/metrics.sock"),
                                                 });
    const char *at = strstr(reply->body, word);
    return at != NULL ? strtod(at + strlen(word), NULL) : -1;
}

/* Starts it with its log going to that path. */
static void start(struct rig *rig, const char *log)
{
    static char command[600];
    static const char *under[] = {"/bin/sh", "-c", command, NULL};
    snprintf(command, sizeof command, "exec \"$0\" \"$@\" 2> '%s'", log);
    rig->words.listeners = listeners;
    rig_write_config(rig);
    rig->under = under;
    rig_spawn(rig);
    rig_until(rig, rig_get(rig, "/v1/guide")->status == 200);
}

/* Filings while it says much: each reload says some ten lines. */
static void work(struct rig *rig, struct ledger *ledger, size_t filings)
{
    unsigned n = 0;
    for (size_t i = 0; i < filings; i++) {
        rig_signal(rig, SIGHUP);
        n = ledger_add_any(ledger, "danger");
        assert_int_equal(ledger_file(ledger, rig, n), 201);
    }
    rig_until(rig, (ledger_take_deliveries(ledger, rig), ledger->filings[n - 1].delivered));
    rig_until(rig, dropped(rig) > 0);
}

static bool says_loss(int fd)
{
    static char text[1 << 16];
    static size_t len;
    ssize_t n;
    while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)n;
    }
    text[len] = '\0';
    return strstr(text, "lines of this log were lost") != NULL;
}

static void to_a_pipe(struct rig *rig, struct ledger *ledger, size_t filings)
{
    const char *path = rig_path(rig, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0 && fcntl(fd, F_SETPIPE_SZ, 4096) == 4096);
    start(rig, path);
    work(rig, ledger, filings);
    rig_until(rig, (rig_signal(rig, SIGHUP), says_loss(fd)));
    rig_stop(rig);
    close(fd);
}

static bool to_a_full_disk(struct rig *rig, struct ledger *ledger, size_t filings)
{
    mkdir(rig_path(rig, "small"), 0700);
    if (getuid() != 0 ||
        mount("tmpfs", rig_path(rig, "small"), "tmpfs", 0, "size=8k,mode=0700") != 0) {
        return false;
    }
    start(rig, rig_path(rig, "small/log"));
    work(rig, ledger, filings);
    rig_stop(rig);
    return true;
}

static void a_log_that_takes_nothing_stops_nothing(void **state)
{
    static const struct promise_sizes sizes = {10, 100, 2000, 0};
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    struct ledger_result result;
    size_t filings = promise_tries(&sizes), tries = filings;
    to_a_pipe(rig, ledger, filings);
    if (to_a_full_disk(rig, ledger, filings)) {
        tries += filings;
    } else {
        print_message("SKIPPED: a small disk of one's own may not be mounted here\n");
    }
    rig->under = NULL;
    rig->words.listeners = NULL;
    rig_write_config(rig);
    ledger_check(ledger, rig, &result);
    ledger_print(&result,
                 &(struct promise_row){.fault = "a log that nobody reads, or on a full disk",
                                       .tries = tries,
                                       .note = "lost lines are counted"},
                 0);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_log_that_takes_nothing_stops_nothing, rig_setup,
                                        rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* Nothing leaves before the disk has its cause: in a trace of all system calls that write, send or
 * sync, each receipt, each acknowledgement's answer and each message on its way to the courier
 * comes after a sync that began when its record was written and that has returned. A daemon whose
 * syncs do nothing must be found out, and so must doctored traces. */
#include "ledger.h"

#include <signal.h>
#include <unistd.h>

/* ---- reading a trace ---- */

static bool has(const char *line, size_t len, const char *word)
{
    return memmem(line, len, word, strlen(word)) != NULL;
}

static bool is_call(const char *line, size_t len, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (has(line, len, *names)) {
            return true;
        }
    }
    return false;
}

/* After the call that holds `cause`: is what the store wrote with `record` in it synced when the
 * call is made that lets `out` go? */
static bool is_in_order(const char *trace, const char *cause, const char *record, const char *out)
{
    static const char *const writes[] = {"pwrite64(", "pwritev(", NULL};
    static const char *const syncs[] = {"fdatasync", "fsync", NULL};
    static const char *const sends[] = {" write(", "writev(", "sendto(", "sendmsg(", NULL};
    enum { NOTHING, CAME, WRITTEN, SYNCING, SYNCED } seen = NOTHING;
    for (const char *line = trace; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        bool ends =
            !has(line, len, "<unfinished") && has(line, len, "= 0") && !has(line, len, "INJECTED");
        if (seen == NOTHING) {
            seen = has(line, len, cause) ? CAME : NOTHING;
        } else if (is_call(line, len, writes)) {
            seen = has(line, len, record) && seen != SYNCED ? WRITTEN : seen;
        } else if (is_call(line, len, syncs)) {
            bool begins = !has(line, len, "resumed>");
            if (seen == WRITTEN && begins) {
                seen = ends ? SYNCED : SYNCING;
            } else if (seen == SYNCING && !begins) {
                seen = ends ? SYNCED : WRITTEN;
            }
        } else if (is_call(line, len, sends) && has(line, len, out)) {
            return seen == SYNCED;
        }
        line += len + (line[len] == '\n');
    }
    return false; /* it never went out */
}

static void doctored_traces_are_found_out(void **state)
{
    static const struct {
        const char *trace;
        bool in_order;
    } cases[] = {
        {"1 read(3, \"POST\")\n2 pwrite64(4, \"R\")\n2 fdatasync(4) = 0\n1 write(3, \"OUT\")\n",
         true},
        {"1 read(3, \"POST\")\n2 pwrite64(4, \"R\")\n2 fdatasync(4 <unfinished ...>\n"
         "2 <... fdatasync resumed>) = 0\n1 writev(3, \"OUT\")\n",
         true},
        {"1 read(3, \"POST\")\n2 pwrite64(4, \"R\")\n1 write(3, \"OUT\")\n2 fdatasync(4) = 0\n",
         false},
        {"1 read(3, \"POST\")\n2 pwrite64(4, \"R\")\n2 fdatasync(4 <unfinished ...>\n"
         "1 write(3, \"OUT\")\n2 <... fdatasync resumed>) = 0\n",
         false},
        {"1 read(3, \"POST\")\n2 fdatasync(4) = 0\n2 pwrite64(4, \"R\")\n1 write(3, \"OUT\")\n",
         false},
        {"1 read(3, \"POST\")\n2 pwrite64(4, \"R\")\n2 fdatasync(4) = 0 (INJECTED)\n"
         "1 write(3, \"OUT\")\n",
         false},
        {"1 read(3, \"POST\")\n2 pwrite64(4, \"R\")\n2 fdatasync(4) = -1 EIO\n1 write(3, \"OUT\")\n",
         false},
        {"2 pwrite64(4, \"R\")\n2 fdatasync(4) = 0\n1 read(3, \"POST\")\n1 write(3, \"OUT\")\n",
         false},
        {"1 read(3, \"POST\")\n2 pwrite64(4, \"R\")\n2 fdatasync(4) = 0\n", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (is_in_order(cases[i].trace, "POST", "\"R\"", "OUT") != cases[i].in_order) {
            fail_msg("%s: not found %s", cases[i].trace,
                     cases[i].in_order ? "in order" : "out of order");
        }
    }
}

/* ---- the daemon under a tracer ---- */

static char *read_trace(struct rig *rig)
{
    char *trace = NULL;
    rig_until(rig, (free(trace), trace = NULL,
                    rig_has_text(rig_path(rig, "trace"), "+++ exited", &trace) ||
                        rig_has_text(rig_path(rig, "trace"), "+++ killed", &trace)));
    return trace;
}

static void own(struct rig *rig, const char *alarm, unsigned n)
{
    char path[128], body[80];
    snprintf(path, sizeof path, "/v1/alarms/%s/ack", alarm);
    snprintf(body, sizeof body, "{\"for\":\"2h\",\"note\":\"note-%u.\"}", n);
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "POST", .path = path, .body = body, .uid = 2005});
    assert_int_equal(reply->status, 200);
}

/* Files and acknowledges so often; gives how many of the three went out too early each time. */
static long count_early(struct rig *rig, struct ledger *ledger, const char *inject, size_t times)
{
    long early = 0;
    char output[200];
    snprintf(output, sizeof output, "%s/trace", rig->dir);
    const char *const under[] = {"strace",
                                 "-D",
                                 "-f",
                                 "-s",
                                 "8192",
                                 "-e",
                                 "trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,"
                                 "sendmsg,read,readv,recvfrom,recvmsg",
                                 "-e",
                                 "signal=none",
                                 "-o",
                                 output,
                                 inject != NULL ? "-e" : NULL,
                                 inject,
                                 NULL};
    rig->under = under;
    rig_start(rig);
    for (unsigned n = 1; n <= times; n++) {
        assert_int_equal(ledger_file(ledger, rig, ledger_add(ledger, "danger", NULL)), 201);
        rig_until(rig, ledger_alarm_of(ledger, rig, n)[0] != '\0');
        own(rig, ledger->filings[n - 1].alarm, n);
    }
    rig_signal(rig, SIGTERM);
    rig_wait(rig);
    rig->under = NULL;
    char *trace = read_trace(rig);
    for (unsigned n = 1; n <= times; n++) {
        char text[40], note[40], ack[80];
        snprintf(text, sizeof text, "text-%u ", n);
        snprintf(note, sizeof note, "note-%u.", n);
        snprintf(ack, sizeof ack, "POST /v1/alarms/%s/ack", ledger->filings[n - 1].alarm);
        early += !is_in_order(trace, text, text, ledger->filings[n - 1].receipt);
        early += !is_in_order(trace, text, text, text);
        early += !is_in_order(trace, ack, note, "\\\"owner\\\":\\\"chris\\\"");
    }
    free(trace);
    return early;
}

static bool can_trace(void)
{
    bool can = getuid() == 0 && system("strace -f -o /dev/null true 2>/dev/null") == 0;
    if (!can) {
        print_message("SKIPPED: strace cannot trace here, or this is not root\n");
    }
    return can;
}

static void nothing_leaves_before_the_disk_has_it(void **state)
{
    static const struct promise_sizes sizes = {5, 150, 1000, 5000};
    struct rig *rig = *state;
    struct ledger_result result;
    struct ledger *ledger = ledger_new();
    size_t times = promise_tries(&sizes);
    if (!can_trace()) {
        ledger_free(ledger);
        return;
    }
    long early = count_early(rig, ledger, NULL, times);
    ledger_check(ledger, rig, &result);
    result.lost += early;
    struct promise_row row = {
        .fault = "receipt, acknowledgement or message before the sync of its record",
        .tries = 3 * times};
    ledger_print(&result, &row, 0);
    ledger_free(ledger);
}

static void a_daemon_whose_syncs_do_nothing_is_found_out(void **state)
{
    struct ledger *ledger = ledger_new();
    if (can_trace()) {
        assert_int_equal(count_early(*state, ledger, "inject=fdatasync,fsync:retval=0", 3), 9);
    }
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doctored_traces_are_found_out),
        cmocka_unit_test_setup_teardown(nothing_leaves_before_the_disk_has_it, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(a_daemon_whose_syncs_do_nothing_is_found_out, rig_setup,
                                        rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

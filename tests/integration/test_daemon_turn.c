/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* A sample that crosses a line is evaluated in the loop turn that brought it: in a trace of the
 * daemon's system calls, the thread that received the datagram wakes the store's writer before it
 * looks for events again, and the writer then writes the alarm before it waits again. A writer that
 * is at work needs no waking, so such a sample shows nothing and does not count. Doctored traces
 * must be found out. */
#include "daemon_rig.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SAMPLES 4 /* of each kind; as many messages as a person gets at once */

enum verdict { NEVER, LATE, BUSY, IN_TURN };

/* ---- reading a trace ---- */

/* One line of it: "TID call(...) = ..."; the parts of a call that another one interrupts end in
 * "<unfinished ...>" and begin with "<... call resumed>". */
struct line {
    const char *at;
    size_t len;
    long tid;
};

static bool next_line(const char **trace, struct line *ret_line)
{
    *ret_line = (struct line){*trace, strcspn(*trace, "\n"), strtol(*trace, NULL, 10)};
    *trace += ret_line->len + (ret_line->at[ret_line->len] == '\n');
    return ret_line->len > 0;
}

static bool has(const struct line *line, const char *word)
{
    return memmem(line->at, line->len, word, strlen(word)) != NULL;
}

/* The thread that first writes `word`; 0: none. */
static long writer_of(const char *trace, const char *word)
{
    struct line line;
    while (next_line(&trace, &line)) {
        if (has(&line, "pwrite64(") && has(&line, word)) {
            return line.tid;
        }
    }
    return 0;
}

/* On what the thread waits when `end` comes, as "futex(ADDRESS,"; "" while it is at work or woken.
 */
static void waits_on(const char *trace, const char *end, long tid, char futex[40])
{
    struct line line;
    futex[0] = '\0';
    while (trace < end && next_line(&trace, &line)) {
        if (line.tid == tid) {
            bool waits = has(&line, "FUTEX_WAIT") && has(&line, "<unfinished");
            futex[0] = '\0';
            (void)(waits && sscanf(line.at, "%*d %39[^ ]", futex));
        } else if (has(&line, futex) && has(&line, "FUTEX_WAKE")) {
            futex[0] = '\0';
        }
    }
}

/* Does the loop's thread wake the writer before it looks for events again, and does the writer
 * then write the row before it waits again? */
static bool is_in_turn(const char *trace, const long tids[2], const char *futex, const char *row)
{
    struct line line;
    bool woken = false;
    while (next_line(&trace, &line)) {
        if (line.tid == tids[0] && has(&line, futex) && has(&line, "FUTEX_WAKE")) {
            woken = true;
        } else if (line.tid == tids[0] && has(&line, "epoll_") && !woken) {
            return false;
        } else if (line.tid == tids[1] && has(&line, row)) {
            return woken;
        } else if (line.tid == tids[1] && has(&line, futex) && has(&line, "FUTEX_WAIT")) {
            return false;
        }
    }
    return false;
}

/* When what `sample` raised went to the writer, who writes `row`. */
static enum verdict when_handed(const char *trace, const char *sample, const char *row)
{
    const char *at = trace;
    struct line line;
    while (next_line(&at, &line)) {
        if (has(&line, "recvmmsg") && has(&line, sample)) {
            const long tids[] = {line.tid, writer_of(at, row)};
            char futex[40];
            waits_on(trace, line.at, tids[1], futex);
            return tids[1] == 0                       ? NEVER
                   : futex[0] == '\0'                 ? BUSY
                   : is_in_turn(at, tids, futex, row) ? IN_TURN
                                                      : LATE;
        }
    }
    return NEVER;
}

static void doctored_traces_are_found_out(void **state)
{
#define WAITS "2 futex(0x9, FUTEX_WAIT_BITSET <unfinished ...>\n"
#define CAME  "1 epoll_wait(3, [], 32, -1) = 1\n1 recvmmsg(4, \"S\") = 1\n"
#define WAKES "1 futex(0x9, FUTEX_WAKE_PRIVATE, 1) = 1\n"
#define TURNS "1 epoll_wait(3, [], 32, -1) = 1\n"
#define WRITE "2 <... futex resumed>) = 0\n2 pwrite64(5, \"R\") = 1\n"
    static const struct {
        const char *trace;
        enum verdict verdict;
    } cases[] = {
        {WAITS CAME WAKES WRITE, IN_TURN},
        {WAITS CAME WAKES TURNS WRITE, IN_TURN},
        {WAITS CAME "3 epoll_wait(8, [], 32, -1) = 1\n" WAKES WRITE, IN_TURN},
        {WAITS CAME "1 futex(0x9, FUTEX_WAKE_PRIVATE <unfinished ...>\n" WRITE, IN_TURN},
        {WAITS "1 recvmmsg(4 <unfinished ...>\n3 epoll_wait(8, [], 32, -1) = 1\n"
               "1 <... recvmmsg resumed>\"S\") = 1\n" WAKES WRITE,
         IN_TURN},
        {WAITS CAME TURNS WAKES WRITE, LATE},
        {WAITS CAME "1 epoll_wait(3, [], 32, 0) = 0\n" WAKES WRITE, LATE},
        {WAITS CAME "1 epoll_wait(3 <unfinished ...>\n" WAKES WRITE, LATE},
        {WAITS WAKES CAME TURNS WRITE, BUSY},
        {WAITS CAME "1 futex(0x7, FUTEX_WAKE_PRIVATE, 1) = 1\n" TURNS WAKES WRITE, LATE},
        {WAITS CAME "3 futex(0x9, FUTEX_WAKE_PRIVATE, 1) = 1\n" TURNS WAKES WRITE, LATE},
        {WAITS CAME WAKES "2 <... futex resumed>) = 0\n" WAITS TURNS WAKES WRITE, LATE},
        {CAME WAKES WRITE, BUSY},
        {WAITS "2 <... futex resumed>) = 0\n" CAME TURNS WRITE, BUSY},
        {WAITS CAME WAKES, NEVER},
        {WAITS WRITE CAME WAKES, NEVER},
        {WAITS WAKES WRITE, NEVER},
        {"", NEVER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum verdict verdict = when_handed(cases[i].trace, "\"S\"", "\"R\"");
        if (verdict != cases[i].verdict) {
            fail_msg("case %zu: %d instead of %d", i, (int)verdict, (int)cases[i].verdict);
        }
    }
}

/* ---- the daemon under a tracer ---- */

static void send_sample(struct rig *rig, const char *queue)
{
    char line[80];
    snprintf(line, sizeof line, "queue_seconds:300|g|#queue:%s", queue);
    rig_statsd_local(rig, line);
}

/* Has the writer, who wrote `row`, nothing more to do? */
static bool is_idle(struct rig *rig, const char *row)
{
    char futex[40] = "", *trace = NULL;
    if (rig_metric(rig, "firealarm_outbox") == 0 &&
        rig_metric(rig, "firealarm_store_waiting") == 0 &&
        rig_has_text(rig_path(rig, "trace"), row, &trace)) {
        waits_on(trace, trace + strlen(trace), writer_of(trace, row), futex);
    }
    free(trace);
    return futex[0] != '\0';
}

/* The daemon's trace from its start to its end. */
static char *traced(struct rig *rig)
{
    char output[200], end[40], *trace = NULL;
    snprintf(output, sizeof output, "%s/trace", rig->dir);
    const char *const under[] = {"strace",
                                 "-D",
                                 "-f",
                                 "-s",
                                 "8192",
                                 "-e",
                                 "trace=epoll_wait,epoll_pwait,epoll_pwait2,recvmmsg,"
                                 "futex,pwrite64",
                                 "-e",
                                 "signal=none",
                                 "-o",
                                 output,
                                 NULL};
    rig->under = under;
    rig_start(rig);
    for (int i = 0; i < SAMPLES; i++) {
        char row[20], word[40];
        snprintf(row, sizeof row, "line-%d.", i);
        snprintf(word, sizeof word, "%s answers in", row);
        send_sample(rig, row);
        rig_until(rig, receiver_find(rig->receiver, "/first", word) != NULL);
        rig_until(rig, is_idle(rig, row));
    }
    snprintf(end, sizeof end, "%-5d +++ ", (int)rig->pid);
    rig_signal(rig, SIGTERM);
    rig_wait(rig);
    rig->under = NULL;
    rig_until(rig, (free(trace), trace = NULL, rig_has_text(output, end, &trace)));
    return trace;
}

static void what_crosses_a_line_is_handed_to_the_writer_in_its_turn(void **state)
{
    struct rig *rig = *state;
    size_t count[IN_TURN + 1] = {0};
    if (system("strace -f -o /dev/null true 2>/dev/null") != 0) {
        print_message("SKIPPED: strace cannot trace here\n");
        return;
    }
    char *trace = traced(rig);
    for (int i = 0; i < SAMPLES; i++) {
        char sample[40], row[40];
        snprintf(sample, sizeof sample, ":300|g|#queue:line-%d.", i);
        snprintf(row, sizeof row, "line-%d.", i);
        count[when_handed(trace, sample, row)]++;
    }
    free(trace);
    print_message("in the turn %zu, later %zu, never %zu, while the writer was at work %zu\n",
                  count[IN_TURN], count[LATE], count[NEVER], count[BUSY]);
    assert_int_equal(count[NEVER], 0);
    assert_int_equal(count[LATE], 0);
    assert_true(count[IN_TURN] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doctored_traces_are_found_out),
        cmocka_unit_test_setup_teardown(what_crosses_a_line_is_handed_to_the_writer_in_its_turn,
                                        rig_setup, rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

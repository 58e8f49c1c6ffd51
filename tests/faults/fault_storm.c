/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* A storm: filings from several clients at once and alarms of a feed by the thousand in the same
 * seconds. Every filing that was acknowledged is told or has an open deadline, every series that
 * fires is told, no filing waits behind the alarms, and all of it is still there after a kill. */
#include "ledger.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS    8
#define ALL_WITHIN 120000

static const char limits[] =
    "limits = { filings_open = 200000; alarms_open = 200000; alarms_per_rule = 200000; "
    "outbox = 400000; };\n";

struct storm {
    struct rig *rig;
    struct ledger *ledger; /* read by all clients, so it is told of receipts after them */
    size_t filings, alarms;
    atomic_uint next, done, refused;
    char (*receipts)[64];
};

static int call(struct storm *storm, unsigned n, char receipt[64])
{
    char body[LEDGER_BODY_MAX], request[LEDGER_BODY_MAX + 300], reply[4096] = "";
    ledger_put_body(storm->ledger, n, body);
    int len = snprintf(request, sizeof request,
                       "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(body), body);
    int fd = rig_connect(storm->rig), status = 0;
    size_t got = 0;
    ssize_t more;
    bool sent = fd >= 0 && send(fd, request, (size_t)len, MSG_NOSIGNAL) == len;
    while (sent && got < sizeof reply - 1 &&
           (more = recv(fd, reply + got, sizeof reply - 1 - got, 0)) > 0) {
        got += (size_t)more;
    }
    if (fd >= 0) {
        close(fd);
    }
    const char *at = strstr(reply, "\"receipt\":\"");
    if (sscanf(reply, "HTTP/1.1 %d", &status) == 1 && status / 100 == 2 && at != NULL) {
        snprintf(receipt, 64, "%.*s", (int)strcspn(at + 11, "\""), at + 11);
    }
    return status;
}

static void *file_some(void *arg)
{
    struct storm *storm = arg;
    unsigned n;
    while ((n = atomic_fetch_add(&storm->next, 1) + 1) <= storm->filings) {
        while (call(storm, n, storm->receipts[n]) / 100 != 2) {
            atomic_fetch_add(&storm->refused, 1); /* busy: the client tries again */
            rig_pause();
        }
        atomic_fetch_add(&storm->done, 1);
    }
    return NULL;
}

static void fire(struct storm *storm)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", storm->rig->statsd);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    for (size_t i = 0; i < storm->alarms;) {
        char lines[1400];
        size_t len = 0;
        while (i < storm->alarms && len < sizeof lines - 64) {
            len += (size_t)sprintf(lines + len, "queue_seconds:500|g|#queue:q%zu.\n", i++);
        }
        assert_int_equal(send(fd, lines, len, MSG_NOSIGNAL), len);
    }
    close(fd);
}

/* How many different series were told over the first channel. */
static size_t series_told(struct rig *rig, size_t alarms)
{
    const struct received *item;
    unsigned char *seen = calloc(alarms, 1);
    size_t told = 0;
    for (size_t i = 0; (item = receiver_at(rig->receiver, i)) != NULL; i++) {
        const char *at = strstr(item->body, "\"queue\":\"q");
        size_t n = at != NULL ? strtoul(at + 10, NULL, 10) : alarms;
        if (n < alarms && seen[n] == 0) {
            seen[n] = 1;
            told++;
        }
    }
    free(seen);
    return told;
}

static void a_storm_loses_nothing(void **state)
{
    struct storm storm = {.rig = *state, .ledger = ledger_new()};
    struct rig *rig = storm.rig;
    struct ledger *ledger = storm.ledger;
    struct ledger_result result;
    pthread_t threads[CLIENTS];
    char note[160];
    storm.filings = promise_tries(&(struct promise_sizes){200, 10000, 100000, 100000});
    storm.alarms = promise_tries(&(struct promise_sizes){500, 20000, 100000, 100000});
    storm.receipts = calloc(storm.filings + 1, sizeof storm.receipts[0]);
    for (unsigned n = 1; n <= storm.filings; n++) {
        assert_int_equal(ledger_add_any(ledger, "danger"), n);
    }
    rig->words.more = limits;
    rig_start(rig);
    int64_t began = rig_ms();
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, file_some, &storm), 0);
    }
    fire(&storm);
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
    }
    int64_t filed = rig_ms() - began;
    for (unsigned n = 1; n <= storm.filings; n++) {
        ledger_note_receipt(ledger, n, storm.receipts[n]);
    }
    int64_t guard = rig_ms() + ALL_WITHIN;
    size_t told = 0;
    while ((told = series_told(rig, storm.alarms)) < storm.alarms && rig_ms() < guard) {
        usleep(100000);
    }
    int64_t all = rig_ms() - began;
    rig_kill(rig); /* what was acknowledged does not hang on an orderly end */
    rig_again(rig);
    ledger->other_filings = true;
    ledger->patience_ms = 3000;
    ledger_check(ledger, rig, &result);
    result.missed += (long)(storm.alarms - told);
    snprintf(note, sizeof note, "%zu filings answered in %lld ms, %zu series told in %lld ms",
             storm.filings, (long long)filed, told, (long long)all);
    ledger_print(&result,
                 &(struct promise_row){.fault = "a storm of filings and alarms, and a kill",
                                       .tries = storm.filings + storm.alarms,
                                       .bound = "those under way at the kill",
                                       .note = note},
                 CLIENTS * 512);
    ledger_free(ledger);
    free(storm.receipts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_storm_loses_nothing, rig_setup, rig_teardown)};
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* What peers can take: descriptors (a thousand clients and 64 of them), time (five hundred clients
 * that send a byte now and then), memory (a feed with ever new labels, within its limit and beyond
 * what the machine gives), the loop (datagrams at saturation). Filings are answered and alarms told
 * meanwhile, the log stays short, and what was acknowledged is there at the end. */
#include "ledger.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS   1000
#define DRIBBLERS 500
#define IDLE_MS   2000

static const char wide[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"wide\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ];\n"
    "    limits = { connections = 4000; }; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; } );\n";

/* As peer number i: one alone may not take all connections. */
static int dial(unsigned port, size_t i)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port)};
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f010001 + (uint32_t)i)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
    assert_true(connect(fd, (struct sockaddr *)&at, sizeof at) == 0 || errno == EINPROGRESS);
    return fd;
}

static unsigned file_one(struct ledger *ledger, struct rig *rig)
{
    unsigned n = ledger_add_any(ledger, "danger");
    assert_int_equal(ledger_file(ledger, rig, n), 201);
    return n;
}

static void wait_told(struct ledger *ledger, struct rig *rig, unsigned n)
{
    rig_until(rig, (ledger_take_deliveries(ledger, rig), ledger->filings[n - 1].delivered));
}

static void finish(struct ledger *ledger, struct rig *rig, const char *fault, size_t tries,
                   const char *note)
{
    struct ledger_result result;
    ledger->other_filings = true; /* alarms of feeds are told as well */
    ledger_check(ledger, rig, &result);
    ledger_print(&result, &(struct promise_row){.fault = fault, .tries = tries, .note = note}, 0);
    ledger_free(ledger);
}

/* ---- descriptors ---- */

static void a_thousand_clients_and_64_descriptors(void **state)
{
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    int fds[CLIENTS];
    char note[80];
    rig->files_max = 64;
    rig->words.listeners = wide;
    rig_start(rig);
    wait_told(ledger, rig, file_one(ledger, rig));
    unsigned port = rig_port(rig, "wide");
    for (size_t i = 0; i < CLIENTS; i++) {
        fds[i] = dial(port, i);
    }
    rig_until(rig, rig_fd_count(rig) >= 62);
    size_t lines = rig_log_count(rig, "\n");
    long cpu = rig_cpu_ms(rig);
    int64_t began = rig_ms();
    /* What has its descriptors already goes on. */
    rig_statsd_local(rig, "queue_seconds:500|g|#queue:north");
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in") != NULL);
    while (rig_ms() < began + IDLE_MS) {
        rig_pause();
    }
    cpu = (rig_cpu_ms(rig) - cpu) * 100 / (rig_ms() - began);
    lines = rig_log_count(rig, "\n") - lines;
    for (size_t i = 0; i < CLIENTS; i++) {
        close(fds[i]);
    }
    rig_until(rig, rig_metric(rig, "firealarm_outbox") >= 0);
    wait_told(ledger, rig, file_one(ledger, rig));
    if (cpu >= 5 || lines > IDLE_MS / 1000 + 1) {
        fail_msg("%ld %% of a processor and %zu lines of log for doing nothing", cpu, lines);
    }
    snprintf(note, sizeof note, "%ld %% CPU and %zu lines of log in %d s", cpu, lines,
             IDLE_MS / 1000);
    finish(ledger, rig, "a thousand clients, 64 descriptors", CLIENTS, note);
}

/* ---- slow clients ---- */

static void dribble(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)!send(fds[i], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static size_t still_open(const int *fds, size_t count)
{
    size_t open = 0;
    for (size_t i = 0; i < count; i++) {
        char byte[64];
        ssize_t n = recv(fds[i], byte, sizeof byte, MSG_DONTWAIT | MSG_PEEK);
        open += n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
    return open;
}

static void five_hundred_slow_clients_and_a_good_one(void **state)
{
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    int fds[DRIBBLERS];
    char note[80];
    int64_t slowest = 0;
    size_t filings = promise_tries(&(struct promise_sizes){20, 200, 1000, 5000});
    rig->words.listeners = wide;
    rig_start(rig);
    unsigned port = rig_port(rig, "wide");
    for (size_t i = 0; i < DRIBBLERS; i++) {
        fds[i] = dial(port, i);
        struct pollfd ready = {fds[i], POLLOUT, 0};
        assert_int_equal(poll(&ready, 1, RIG_GUARD_MS), 1);
        assert_int_equal(send(fds[i], "GET /metr", 9, MSG_NOSIGNAL), 9);
    }
    for (size_t i = 0; i < filings; i++) {
        dribble(fds, DRIBBLERS);
        int64_t began = rig_ms();
        (void)file_one(ledger, rig);
        int64_t took = rig_ms() - began;
        slowest = took > slowest ? took : slowest;
    }
    size_t open = still_open(fds, DRIBBLERS);
    if (rig_has_hooks()) { /* and their time ends */
        rig_later(rig);
        rig_until(rig, (dribble(fds, DRIBBLERS), still_open(fds, DRIBBLERS)) == 0);
    }
    for (size_t i = 0; i < DRIBBLERS; i++) {
        close(fds[i]);
    }
    assert_true(open > DRIBBLERS / 2); /* or the good one was not beside them */
    snprintf(note, sizeof note, "the slowest answer in %lld ms", (long long)slowest);
    finish(ledger, rig, "500 clients of a byte now and then, one good one", filings, note);
}

/* ---- labels without end ---- */

static long rss_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib;
}

/* One datagram after the other over the local socket, which makes its sender wait. Ends early when
 * the daemon does. */
static void send_series(struct rig *rig, size_t count)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), failed = 0;
    snprintf(at.sun_path, sizeof at.sun_path, "%s", rig->statsd);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    for (size_t i = 0; i < count && failed == 0;) {
        char lines[1400];
        size_t len = 0;
        while (i < count && len < sizeof lines - 64) {
            len += (size_t)sprintf(lines + len, "queue_seconds:1|g|#queue:q%zu\n", i++);
        }
        failed = send(fd, lines, len, MSG_NOSIGNAL) < 0;
    }
    close(fd);
}

/* What operators were told of it, its end not counted. */
static size_t alarms_about(struct rig *rig, const char *words)
{
    const struct received *item;
    size_t count = 0;
    for (size_t i = 0; (item = receiver_at(rig->receiver, i)) != NULL; i++) {
        count += strcmp(item->path, "/ines") == 0 && strstr(item->body, words) != NULL &&
                 strstr(item->body, "\"kind\":\"alarm\"") != NULL;
    }
    return count;
}

static void labels_without_end_take_their_share_and_no_more(void **state)
{
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    char note[80];
    size_t count = promise_tries(&(struct promise_sizes){20000, 1000000, 1000000, 10000000});
    rig->words.feeds = "feeds = ( { name = \"local\"; address = \"unixgram:./run/statsd.sock\";"
                       " decoder = \"statsd\"; limits = { series = 5000; }; } );\n";
    rig_start(rig);
    send_series(rig, 4000);
    long before = rss_kib(rig->pid);
    send_series(rig, count);
    unsigned n = file_one(ledger, rig);
    rig_until(rig, rig_metric(rig, "firealarm_feed_series_refused_total{feed=\"local\"}") >=
                       (double)count - 5000);
    long grown = rss_kib(rig->pid) - before;
    assert_true(rig_metric(rig, "firealarm_feed_series{feed=\"local\"}") == 5000);
    if (rig_has_hooks()) {
        for (int i = 0; i < 3; i++) {
            rig_later(rig);
        }
        rig_until(rig, receiver_find(rig->receiver, "/ines", "limit of 5000 series") != NULL);
    }
    rig_statsd_local(rig, "queue_seconds:500|g|#queue:q0"); /* one of those that were there first */
    rig_until(rig, receiver_find(rig->receiver, "/first", "q0 answers in") != NULL);
    wait_told(ledger, rig, n);
    assert_true(alarms_about(rig, "limit of 5000 series") <= 1);
#ifndef __SANITIZE_ADDRESS__
    assert_true(grown < 16L * 1024);
#endif
    snprintf(note, sizeof note, "%ld KiB more for them", grown);
    finish(ledger, rig, "a feed with ever new labels", count, note);
}

/* ---- beyond what the machine gives ---- */

static void a_feed_larger_than_memory_costs_a_restart(void **state)
{
    static const char *const under[] = {"prlimit", "--as=314572800", "--core=0", NULL};
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    size_t tries = promise_tries(&(struct promise_sizes){1, 3, 10, 100});
#ifdef __SANITIZE_ADDRESS__
    print_message("SKIPPED: the sanitizer needs more memory than the test gives\n");
    ledger_free(ledger);
    return;
#endif
    rig->words.feeds = "feeds = ( { name = \"local\"; address = \"unixgram:./run/statsd.sock\";"
                       " decoder = \"statsd\"; limits = { series = 10000000; }; } );\n";
    rig->under = under;
    rig_write_config(rig);
    for (size_t i = 0; i < tries; i++) {
        rig_again(rig);
        (void)file_one(ledger, rig);
        send_series(rig, 10000000);
        assert_int_not_equal(rig_wait(rig), 0);
    }
    rig->under = NULL;
    finish(ledger, rig, "a feed larger than the memory there is", tries, NULL);
}

/* ---- datagrams at saturation ---- */

struct flood {
    unsigned port;
    atomic_bool stop;
    atomic_ulong sent;
};

static void *flood(void *arg)
{
    static const char lines[] = "queue_seconds:1|g|#queue:a\nqueue_seconds:2|g|#queue:b\n"
                                "queue_seconds:3|g|#queue:c\nqueue_seconds:4|g|#queue:d\n";
    struct flood *f = arg;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)f->port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    while (!atomic_load(&f->stop)) {
        (void)!sendto(fd, lines, sizeof lines - 1, 0, (struct sockaddr *)&at, sizeof at);
        atomic_fetch_add(&f->sent, 1);
    }
    close(fd);
    return NULL;
}

static void filings_are_answered_beside_a_flood(void **state)
{
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    struct flood f = {0};
    pthread_t thread;
    char note[80];
    int64_t slowest = 0;
    size_t filings = promise_tries(&(struct promise_sizes){20, 200, 2000, 20000});
    rig_start(rig);
    f.port = rig_port(rig, "statsd");
    assert_int_equal(pthread_create(&thread, NULL, flood, &f), 0);
    while (atomic_load(&f.sent) < 10000) {
        rig_pause();
    }
    for (size_t i = 0; i < filings; i++) {
        int64_t began = rig_ms();
        unsigned n = file_one(ledger, rig);
        int64_t took = rig_ms() - began;
        slowest = took > slowest ? took : slowest;
        if (i == 0) {
            wait_told(ledger, rig, n); /* and told, while it goes on */
        }
    }
    atomic_store(&f.stop, true);
    pthread_join(thread, NULL);
    snprintf(note, sizeof note, "%lu datagrams, the slowest answer in %lld ms",
             atomic_load(&f.sent), (long long)slowest);
    finish(ledger, rig, "datagrams at saturation beside filings", filings, note);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_clients_and_64_descriptors),
        TEST(five_hundred_slow_clients_and_a_good_one),
        TEST(labels_without_end_take_their_share_and_no_more),
        TEST(a_feed_larger_than_memory_costs_a_restart),
        TEST(filings_are_answered_beside_a_flood),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs fa_shim_memory */
/* Memory runs out at the n-th allocation of an alarm's day: filed, told, acknowledged; in the
 * daemon, in its courier, and while the daemon starts; once, and for so long that no second try
 * helps, by night each of them in both ways. The daemon may say no, and it may end and be started
 * again: what it acknowledged is kept, and what it did not the client files again under its key. */
#include "ledger.h"
#include "shim_memory.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define TRIES_A_STORE 100
#define BURST         64

enum role { DAEMON, COURIER, START, ROLES };

struct campaign {
    struct rig *rig;
    struct ledger *ledger;
    struct shim_memory *memory;
    char preload[300], control[300], courier[300];
    const char *under[4];
    enum role role;
    size_t hits, ends; /* allocations that failed; processes that ended by it */
    struct ledger_result sum;
};

static void allow(struct campaign *c)
{
    atomic_store(&c->memory->fail_at, 0);
}

/* Counts from now on; the n-th fails, and with it so many. */
static void aim(struct campaign *c, long at, long burst)
{
    allow(c);
    atomic_store(&c->memory->count, 0);
    atomic_store(&c->memory->failed, 0);
    atomic_store(&c->memory->burst, burst);
    atomic_store(&c->memory->fail_at, at);
}

static bool is_gone(struct campaign *c)
{
    int status;
    return rig_has_ended(c->rig, &status);
}

static void spawn(struct campaign *c)
{
    c->rig->under = c->role == COURIER ? NULL : c->under;
    rig_spawn(c->rig);
    c->rig->unclean = true;
}

/* A daemon that runs and has memory. */
static void revive(struct campaign *c)
{
    for (int i = 0; i < 3 && is_gone(c); i++) {
        allow(c);
        spawn(c);
        rig_until(c->rig, rig_logged(c->rig, "ready\n") || is_gone(c));
        c->ends++;
    }
    assert_true(c->rig->pid > 0);
}

/* Nothing is on its way. What a courier could not even begin with, for want of a channel, was told
 * over the next one; it stays in the outbox to be tried slowly, or as a dead letter. */
static bool is_quiet(struct campaign *c)
{
    const struct rig_reply *reply =
        rig_ask(c->rig, &(struct rig_call){.method = "GET", .path = "/v1/outbox", .uid = 2007});
    return reply->status == 200 && strstr(reply->body, "\"queued\"") == NULL &&
           strstr(reply->body, "\"waiting\"") == NULL;
}

static bool is_settled(struct campaign *c)
{
    rig_until(c->rig, is_gone(c) || is_quiet(c));
    return c->rig->pid != 0;
}

/* One day, or as far as it comes: true when it has come to its end. */
static bool day(struct campaign *c, unsigned n)
{
    struct rig *rig = c->rig;
    struct ledger *ledger = c->ledger;
    int status = ledger_file(ledger, rig, n);
    if (status != 201 && status != 200) {
        return false;
    }
    if (!is_settled(c)) {
        return false;
    }
    /* The built-in body, sent where a plugin had no memory, does not say of which filing it is. */
    const char *alarm = ledger_alarm_of(ledger, rig, n);
    return alarm[0] == '\0' || (ledger_take_over(ledger, rig, n) == 200 && is_settled(c));
}

/* A daemon whose store could not be opened stays up and tries again after 30 s. */
static void look_again_at_the_store(struct campaign *c)
{
    if (!rig_logged(c->rig, "no store: ")) {
        return;
    }
    if (rig_has_hooks()) {
        rig_later(c->rig);
    } else {
        rig_kill(c->rig);
        revive(c);
    }
}

/* As often as it takes: a client tries again after a refusal, and whoever runs the daemon starts it
 * when it has ended. */
static void end_day(struct campaign *c, unsigned n)
{
    int64_t guard = rig_ms() + RIG_GUARD_MS;
    while (!day(c, n)) {
        if (rig_ms() > guard) {
            rig_fail(c->rig, "the end of a day", __FILE__, __LINE__);
        }
        rig_pause();
        revive(c);
        look_again_at_the_store(c);
    }
}

/* False: the day was over before the n-th allocation. */
static bool try_day(struct campaign *c, long at, long burst)
{
    unsigned n = ledger_add_any(c->ledger, "danger");
    aim(c, at, burst);
    end_day(c, n);
    long failed = atomic_load(&c->memory->failed);
    allow(c);
    c->hits += failed > 0;
    if (c->role == COURIER && failed > 0) {
        rig_stop(c->rig); /* or the next would wait longer for its courier each time */
        revive(c);
    }
    return failed > 0;
}

/* A start with work left behind. */
static bool try_start(struct campaign *c, long at, long burst)
{
    unsigned n = ledger_add_any(c->ledger, "danger");
    assert_int_equal(ledger_file(c->ledger, c->rig, n), 201);
    rig_kill(c->rig);
    aim(c, at, burst);
    spawn(c);
    rig_until(c->rig, rig_logged(c->rig, "ready\n") || is_gone(c));
    long failed = atomic_load(&c->memory->failed);
    allow(c);
    end_day(c, n);
    c->hits += failed > 0;
    return failed > 0;
}

static bool try(struct campaign *c, long at, long burst)
{
    return c->role == START ? try_start(c, at, burst) : try_day(c, at, burst);
}

/* ---- a store for some tries ---- */

static void write_courier(struct campaign *c)
{
    char text[1024];
    snprintf(text, sizeof text, "#!/bin/sh\nexport %s %s\nexec %s\n", c->preload, c->control,
             rig_built_courier());
    rig_write(c->rig, "courier", text, 0755);
    snprintf(c->courier, sizeof c->courier, "%s", rig_path(c->rig, "courier"));
    c->rig->courier = c->courier;
}

static void begin(struct campaign *c)
{
    const char *build = getenv("FA_BUILD_DIR"), *control;
    void *state;
    assert_int_equal(rig_setup(&state), 0);
    c->rig = state;
    control = rig_path(c->rig, "memory");
    int fd = open(control, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && ftruncate(fd, sizeof *c->memory) == 0);
    c->memory = mmap(NULL, sizeof *c->memory, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(c->memory != MAP_FAILED);
    close(fd);
    snprintf(c->preload, sizeof c->preload, "LD_PRELOAD=%s/tests/support/fa_shim_memory.so",
             build != NULL ? build : "build-dev");
    snprintf(c->control, sizeof c->control, "FA_SHIM_MEMORY=%s", control);
    const char *under[4] = {"/usr/bin/env", c->preload, c->control, NULL};
    memcpy(c->under, under, sizeof under);
    if (c->role == COURIER) {
        write_courier(c);
    }
    c->rig->words.severities =
        "severities = ( { name = \"critical\"; ack_max = \"4h\"; fail_after = \"1m\"; },"
        " { name = \"info\"; } );\n";
    c->ledger = ledger_new();
    c->ledger->may_wait = c->role == COURIER; /* where it had no memory for a channel */
    rig_write_config(c->rig);
    revive(c);
}

static void end(struct campaign *c)
{
    struct ledger_result result;
    void *state = c->rig;
    allow(c);
    ledger_check(c->ledger, c->rig, &result);
    ledger_sum(&c->sum, &result);
    ledger_free(c->ledger);
    munmap(c->memory, sizeof *c->memory);
    assert_int_equal(rig_teardown(&state), 0);
}

/* How many allocations there are; the first day makes some that no other does. */
static long count_of(struct campaign *c)
{
    for (int i = 0; i < 2; i++) {
        assert_false(try(c, LONG_MAX / 2, 1));
    }
    return atomic_load(&c->memory->count);
}

/* Every allocation in both ways, or so many of them spread evenly and the ways in turn. */
static void sweep(struct campaign *c, enum role role, size_t tries)
{
    static const char *const names[] = {"the daemon", "the courier", "a start"};
    int64_t began = rig_ms();
    c->role = role;
    begin(c);
    long calls = count_of(c);
    size_t ways = promise_is_exhaustive() ? 2 : 1;
    size_t places = (size_t)calls < tries ? (size_t)calls : tries, count = places * ways;
    size_t hits = c->hits, ends = c->ends;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && i % TRIES_A_STORE == 0) {
            end(c);
            begin(c);
        }
        long at = places < 2 ? 1 : 1 + (long)(i / ways) * (calls - 1) / (long)(places - 1);
        /* A courier that cannot even begin uses up one of them each time it is started again. */
        (void)try(c, at, i % 2 == 0 ? 1 : role == COURIER ? 4 : BURST);
    }
    end(c);
    print_message("%s allocates %ld times; %zu tried, %zu failed, %zu starts, %lld ms\n",
                  names[role], calls, count, c->hits - hits, c->ends - ends,
                  (long long)(rig_ms() - began));
    assert_true(c->hits - hits > count / 2);
}

static void without_memory_it_keeps_its_promise(void **state)
{
    static const struct promise_sizes sizes[ROLES] = {
        [DAEMON] = {10, 120, 100000, 0},
        [COURIER] = {5, 60, 100000, 0},
        [START] = {5, 60, 100000, 0},
    };
    struct campaign c = {.rig = NULL};
    for (enum role role = DAEMON; role < ROLES; role++) {
        sweep(&c, role, promise_tries(&sizes[role]));
    }
    ledger_print(&c.sum,
                 &(struct promise_row){.fault = "memory runs out at an allocation of filing, "
                                                "sending, acknowledging, starting",
                                       .tries = c.hits,
                                       .bound = "1 a try"},
                 (long)c.hits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_memory_it_keeps_its_promise)};
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); /* many of them abort */
    signal(SIGPIPE, SIG_IGN);
#ifdef __SANITIZE_ADDRESS__
    print_message("SKIPPED: the sanitizer has an allocator of its own\n");
    return 0;
#endif
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return 0;
    }
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

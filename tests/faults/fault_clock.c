/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs fa_shim_clock */
/* The clock is set by an hour or a year either way, the machine sleeps, the daemon is off for two
 * hours; with a preloaded clock, so that the kernel's report of a set clock is the way it is
 * noticed. Whatever the wall says: who is next is told when the step's time has passed by a clock
 * that nobody sets, never earlier and at most 5 s later; what fell due meanwhile is one step and
 * not a burst; a promise keeps its length. */
#include "ledger.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SECOND   INT64_C(1000)
#define MINUTE   (60 * SECOND)
#define HOUR     (60 * MINUTE)
#define DAY      (24 * HOUR)
#define YEAR     (365 * DAY)
#define LATE_MAX (5 * SECOND)
#define ROUNDING 2     /* each side cuts its clocks to whole ms */
#define MARGIN   (800) /* time is let pass up to so much before something is due */

#define STEP_1 (15 * MINUTE) /* the rig's policy "leaders" */
#define STEP_2 (1 * HOUR)

/* What happens to the clocks, a minute after the first step was told. */
struct happening {
    const char *name;
    int64_t wall, boot; /* what each is moved by */
    bool restart;       /* the daemon is killed before and started after it */
    bool owned;         /* somebody has promised a word within 4 h */
    bool held;          /* the time that it was off does not count: nobody can know it */
};

static const struct happening happenings[] = {
    {"an hour forward", HOUR, 0, false, false, false},
    {"an hour back", -HOUR, 0, false, false, false},
    {"a year forward", YEAR, 0, false, false, false},
    {"a year back", -YEAR, 0, false, false, false},
    {"an hour forward, owned", HOUR, 0, false, true, false},
    {"an hour back, owned", -HOUR, 0, false, true, false},
    {"a year forward, owned", YEAR, 0, false, true, false},
    {"a year back, owned", -YEAR, 0, false, true, false},
    {"ten minutes of sleep", 10 * MINUTE, 10 * MINUTE, false, false, false},
    {"a night's sleep", 8 * HOUR, 8 * HOUR, false, false, false},
    {"a night's sleep, owned", 8 * HOUR, 8 * HOUR, false, true, false},
    {"a sleep and a wall that stood still", 0, 8 * HOUR, false, false, false},
    {"a sleep and a wall that went back", -HOUR, 8 * HOUR, false, false, false},
    {"two hours off", 2 * HOUR, 2 * HOUR, true, false, false},
    {"five minutes off", 5 * MINUTE, 5 * MINUTE, true, false, false},
    {"two hours off, owned", 2 * HOUR, 2 * HOUR, true, true, false},
    {"off, and the wall an hour behind", -HOUR, 0, true, false, true},
    {"off, and the wall a year behind", -YEAR, 0, true, false, true},
};
#define HAPPENINGS (sizeof happenings / sizeof happenings[0])

struct world {
    struct rig *rig;
    struct ledger *ledger;
    char preload[300], socket[300], at[120], options[80];
    const char *under[6];
    int64_t wall, boot;
    int64_t begin;   /* rig_ms() when the filing was sent */
    int64_t skipped; /* of the time since, what does not count */
};

/* ---- the clocks ---- */

static void set_clocks(struct world *w, int64_t wall, int64_t boot)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int64_t to[2] = {wall, boot};
    char done;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/clock", w->rig->dir);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(send(fd, to, sizeof to, MSG_NOSIGNAL), sizeof to);
    assert_int_equal(recv(fd, &done, 1, 0), 1);
    close(fd);
    w->wall = wall;
    w->boot = boot;
}

/* What is under way would be without a verdict for as long as passes. */
static void settle(struct world *w)
{
    rig_until(w->rig, rig_metric(w->rig, "firealarm_outbox") == 0);
}

static void pass(struct world *w, int64_t ms)
{
    settle(w);
    set_clocks(w, w->wall + ms, w->boot + ms);
}

/* How long ago the filing was sent, by a clock that nobody sets. */
static int64_t age(const struct world *w, int64_t at)
{
    return at - w->begin + w->boot - w->skipped;
}

static void pass_until(struct world *w, int64_t then)
{
    settle(w);
    pass(w, then - age(w, rig_ms()));
}

static void start(struct world *w)
{
    const char *build = getenv("FA_BUILD_DIR");
    snprintf(w->preload, sizeof w->preload, "LD_PRELOAD=%s/tests/support/fa_shim_clock.so",
             build != NULL ? build : "build-dev");
    snprintf(w->socket, sizeof w->socket, "FA_SHIM_CLOCK=%s/clock", w->rig->dir);
    snprintf(w->at, sizeof w->at, "FA_SHIM_CLOCK_AT=%lld %lld", (long long)w->wall,
             (long long)w->boot);
    const char *under[6] = {"/usr/bin/env",
                            w->preload,
                            w->socket,
                            w->at,
                            "ASAN_OPTIONS=verify_asan_link_order=0",
                            NULL};
    memcpy(w->under, under, sizeof under);
    w->rig->under = w->under;
    rig_again(w->rig);
    w->rig->unclean = false;
}

/* ---- what was told ---- */

/* The nth message about the filing to this path; NULL. */
static const struct received *nth(const struct world *w, const char *path, size_t n)
{
    const struct received *item;
    for (size_t i = 0; (item = receiver_at(w->rig->receiver, i)) != NULL; i++) {
        if (strcmp(item->path, path) == 0 && strstr(item->body, "text-1 ") != NULL && n-- == 0) {
            return item;
        }
    }
    return NULL;
}

/* Different messages about it to this path: one that was sent again counts once. */
static size_t messages(const struct world *w, const char *path)
{
    const struct received *item, *before;
    size_t count = 0;
    for (size_t i = 0; (item = nth(w, path, i)) != NULL; i++) {
        bool again = false;
        for (size_t k = 0; k < i && (before = nth(w, path, k)) != NULL; k++) {
            again |= strcmp(item->key, before->key) == 0;
        }
        count += !again;
    }
    return count;
}

/* Broken promises: dana's message must come at `due`, not before and not over LATE_MAX after it. */
static long expect_dana(struct world *w, size_t before, int64_t due, const char *what)
{
    int64_t late = due + LATE_MAX;
    while (nth(w, "/dana", before) == NULL && age(w, rig_ms()) < late + 2 * SECOND) {
        rig_pause();
    }
    const struct received *item = nth(w, "/dana", before);
    int64_t at = item != NULL ? age(w, item->at) : INT64_MAX;
    bool missed = at < due - ROUNDING || at > late;
    if (missed) {
        print_error("%s: dana was told %+lld ms from when it was due\n", what,
                    item == NULL ? -1LL : (long long)(at - due));
    }
    return missed;
}

static void own(struct world *w)
{
    char path[128], alarm[64];
    snprintf(alarm, sizeof alarm, "%s", ledger_alarm_of(w->ledger, w->rig, 1));
    snprintf(path, sizeof path, "/v1/alarms/%s/ack", alarm);
    const struct rig_reply *reply =
        rig_ask(w->rig, &(struct rig_call){.method = "POST",
                                           .path = path,
                                           .body = "{\"for\":\"4h\"}",
                                           .header = "Authorization: Bearer " RIG_TOKEN "\r\n"});
    assert_int_equal(reply->status, 200);
}

/* ---- one happening ---- */

/* Gives the age at which it began. */
static int64_t meddle(struct world *w, const struct happening *h)
{
    settle(w);
    int64_t before = age(w, rig_ms());
    if (h->restart) {
        rig_kill(w->rig);
        w->wall += h->wall;
        w->boot += h->boot;
        /* What passed since the last entry of the journal: the minute above. */
        w->skipped += h->held ? MINUTE + h->boot : 0;
        start(w);
    } else {
        set_clocks(w, w->wall + h->wall, w->boot + h->boot);
    }
    return before + h->boot;
}

static long happen(struct world *w, const struct happening *h)
{
    int64_t due = STEP_1;
    pass(w, MINUTE);
    if (h->owned) {
        due = age(w, rig_ms()) + 4 * HOUR;
        own(w);
    }
    int64_t then = meddle(w, h), now = age(w, rig_ms());
    if (now < due - MARGIN) {
        pass_until(w, due - MARGIN);
    } else {
        due = then; /* overdue: one step, at once */
    }
    long broken = expect_dana(w, 0, due, h->name);
    /* Who hears next, and when, counts from there: no burst. */
    due += h->owned ? STEP_1 : STEP_2;
    pass_until(w, due - MARGIN);
    if (messages(w, "/dana") > 1) {
        print_error("%s: %zu messages to dana at once\n", h->name, messages(w, "/dana"));
        broken++;
    }
    return broken + expect_dana(w, 1, due, h->name);
}

static void told_about_the_clock(struct world *w, const struct happening *h)
{
    int64_t step = h->wall - h->boot;
    if (step > MINUTE || step < -MINUTE) {
        rig_until(w->rig, receiver_find(w->rig->receiver, "/ines", "clock") != NULL);
        if (!h->restart) {
            const char *way = step < 0 ? "stepped back by " : "stepped forward by ";
            assert_true(rig_logged(w->rig, way));
            assert_true(rig_logged(w->rig, "samples are gathered anew"));
        }
    }
}

static void the_clock_is_nobody_s_master(void **state)
{
    size_t count = promise_tries(&(struct promise_sizes){4, HAPPENINGS, HAPPENINGS, HAPPENINGS});
    struct ledger_result sum = {0};
    for (size_t i = 0; i < count; i++) {
        const struct happening *h = &happenings[i * HAPPENINGS / count];
        struct ledger_result result;
        void *fixture = NULL;
        assert_int_equal(rig_setup(&fixture), 0);
        struct world w = {.rig = fixture, .ledger = ledger_new()};
        rig_write_config(w.rig);
        start(&w);
        w.begin = rig_ms();
        assert_int_equal(ledger_file(w.ledger, w.rig, ledger_add(w.ledger, "danger", NULL)), 201);
        rig_until(w.rig, nth(&w, "/first", 0) != NULL);
        long missed = happen(&w, h);
        told_about_the_clock(&w, h);
        if (!h->restart && rig_logged(w.rig, "it is started again")) {
            rig_fail(w.rig, "a courier that slept too and is not ended for it", __FILE__, __LINE__);
        }
        w.ledger->ahead = w.wall / SECOND;
        ledger_check(w.ledger, w.rig, &result);
        result.missed += missed;
        ledger_sum(&sum, &result);
        ledger_free(w.ledger);
        assert_int_equal(rig_teardown(&fixture), 0);
    }
    ledger_print(&sum,
                 &(struct promise_row){.fault = "the clock is set, sleeps, or was off",
                                       .tries = count,
                                       /* One that starts or answers slowly is replaced. */
                                       .bound = "1 an end of the courier",
                                       .note = "0 early, at most 5 s late"},
                 (long)count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_clock_is_nobody_s_master)};
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

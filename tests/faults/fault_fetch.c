/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* The fetcher, or the process of a run, is killed or stopped at any moment while a target turns
 * bad. The alarm is raised all the same, once; and as no target ever says that it is well again,
 * none of the alarms ends: what could not be fetched is unknown, not ok. */
#include "daemon_rig.h"
#include "promise.h"

#include <signal.h>

#define TOLD_WITHIN 15000 /* ms: a back-off of 5 s, a fetcher that is stopped, a turn of 1 s */
#define JOBS        4

enum strike { KILL_FETCHER, STOP_FETCHER, KILL_JOB, STOP_JOB, STRIKE__COUNT };

static const char rules[] =
    "rules = ( { name = \"slow\"; category = \"danger\"; severity = \"critical\"; policy = "
    "\"leaders\"; metric = \"queue_seconds\"; take = \"last\"; per = [ \"queue\" ]; above = 120.0; "
    "summary = \"{queue} is slow\"; } );\n";

static void configure(struct rig *rig)
{
    static char more[2048];
    size_t len = (size_t)snprintf(more, sizeof more, "fetch = (");
    for (int i = 0; i < JOBS; i++) {
        len += (size_t)snprintf(
            more + len, sizeof more - len,
            "%s { name = \"shop-%d\"; url = \"http://127.0.0.1:%u/shop-%d\"; every = \"1s\"; "
            "decoder = \"statsd\"; allow_private = true; }",
            i > 0 ? "," : "", i, receiver_http(rig->receiver), i);
    }
    snprintf(more + len, sizeof more - len, " );\n");
    rig->words.more = more;
    rig->words.rules = rules;
}

/* False: there was nothing to strike at this moment. */
static bool strike(struct rig *rig, enum strike how)
{
    bool job = how == KILL_JOB || how == STOP_JOB;
    pid_t pid = job ? rig_fetch_job_now(rig) : rig_fetcher_now(rig);
    return pid > 0 && kill(pid, how == STOP_FETCHER || how == STOP_JOB ? SIGSTOP : SIGKILL) == 0;
}

static void wait_some(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    for (unsigned i = 0; i < (*seed >> 20) % 200; i++) {
        rig_pause();
    }
}

/* True when the alarm was told in time. */
static bool try_one(struct rig *rig, size_t n, unsigned *seed)
{
    char path[32], word[32];
    static char bodies[JOBS][100];
    int job = (int)(n % JOBS);
    snprintf(path, sizeof path, "/shop-%d", job);
    snprintf(word, sizeof word, "\"t%zu is slow", n);
    wait_some(seed);
    /* At any moment of the second in which the next run is due. */
    snprintf(bodies[job], sizeof bodies[job], "queue_seconds:312|g|#queue:t%zu\n", n);
    receiver_say(rig->receiver, path, 200, bodies[job]);
    int64_t until = rig_ms() + TOLD_WITHIN;
    while (!strike(rig, (enum strike)(n % STRIKE__COUNT)) && rig_ms() < until) {
        rig_pause();
    }
    while (receiver_find(rig->receiver, "/first", word) == NULL && rig_ms() < until) {
        rig_pause();
    }
    return receiver_find(rig->receiver, "/first", word) != NULL;
}

static void a_fetcher_that_is_killed_or_stopped_loses_no_alarm(void **state)
{
    struct rig *rig = *state;
    struct promise_sizes sizes = {4, 60, 600, 6000};
    struct promise_row row = {.fault = "the fetcher or a run of it is killed or stopped",
                              .tries = promise_tries(&sizes),
                              .leaks = PROMISE_NOT_LOOKED_AT};
    unsigned seed = 1;
    configure(rig);
    for (int i = 0; i < JOBS; i++) {
        char path[32];
        snprintf(path, sizeof path, "/shop-%d", i);
        receiver_say(rig->receiver, path, 200, "queue_seconds:1|g|#queue:none\n");
    }
    rig_start(rig);
    for (size_t n = 0; n < row.tries; n++) {
        row.missed += !try_one(rig, n, &seed);
    }
    for (size_t n = 0; n < row.tries; n++) {
        char word[32];
        snprintf(word, sizeof word, "\"t%zu is slow", n);
        size_t told = receiver_matches(rig->receiver, "/first", word);
        row.duplicates += told > 1 ? (long)told - 1 : 0;
    }
    row.missed += (long)receiver_matches(rig->receiver, NULL, "\"kind\":\"returned\"");
    row.missed += (long)receiver_matches(rig->receiver, NULL, "\"kind\":\"resolved\"");
    char note[100];
    snprintf(note, sizeof note, "%zu fetchers replaced; no alarm ended for want of data",
             rig_log_count(rig, "it is started again"));
    row.note = note;
    assert_int_equal(row.duplicates, 0);
    promise_print(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fetcher_that_is_killed_or_stopped_loses_no_alarm,
                                        rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_sqlite_static fa_host Threads::Threads */
/* The real store under kill -9: a child works and tells through a pipe what was acknowledged; what
 * it told must be there afterwards, in order and with a chain that verifies. */
#include "fa_test.h"
#include "base/id.h"
#include "host/plugins.h"
#include "store/store.h"
#include "tmpdir.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

static void wake(void *ctx)
{
    sem_post(ctx);
}

struct verdict {
    bool answered;
    uint64_t checked, first_bad;
};

static void keep_verdict(void *ctx, const struct fa_store_answer *answer)
{
    struct verdict *verdict = ctx;
    *verdict = (struct verdict){true, answer->checked, answer->first_bad};
}

struct sqlite_store {
    struct tmpdir dir;
    struct firealarm_value values[3];
    struct firealarm_settings settings;
    struct firealarm_host host;
    sem_t woken;
    uint64_t rows, highest;
};

static int note_row(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    struct sqlite_store *sqlite = ctx;
    sqlite->rows++;
    uint64_t number = 0;
    assert_int_equal(fa_parse_u64(row->key, &number), 0);
    sqlite->highest = number > sqlite->highest ? number : sqlite->highest;
    return 0;
}

static struct fa_store *open_sqlite(struct sqlite_store *sqlite, struct fa_store_head *head)
{
    struct fa_store_options options = {.plugin = &firealarm_store,
                                       .settings = &sqlite->settings,
                                       .host = &sqlite->host,
                                       .wake = wake,
                                       .ctx = &sqlite->woken};
    struct fa_store_visitor visitor = {.row = note_row, .ctx = sqlite};
    struct fa_store *store = NULL;
    struct fa_err err;
    sqlite->rows = sqlite->highest = 0;
    if (fa_store_open(&options, &store, &err) != 0 ||
        fa_store_load(store, &visitor, head, &err) != 0 || fa_store_start(store, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return store;
}

/* Submits numbered rows without end and writes each number that became durable to fd. */
static void work_until_killed(struct sqlite_store *sqlite, int fd)
{
    struct fa_store_head head;
    struct fa_store *store = open_sqlite(sqlite, &head);
    uint64_t base = sqlite->highest, next = base + 1, told = 0;
    for (;;) {
        for (int i = 0; i < 3; i++, next++) {
            char key[24];
            snprintf(key, sizeof key, "%llu", (unsigned long long)next);
            struct fa_txn *txn = fa_txn_begin(store);
            uint64_t n;
            struct fa_row row = {1, true, 1, fa_str_of(key),
                                 FA_STR("a row of some length, as a filing would have it")};
            if (fa_txn_put(txn, &row) < 0 || fa_txn_journal(txn, 1, row.key, &n) < 0) {
                _exit(1);
            }
            fa_txn_submit(txn);
        }
        while (fa_store_durable(store) == told) {
            sem_wait(&sqlite->woken);
        }
        told = fa_store_durable(store);
        uint64_t highest = base + told;
        if (write(fd, &highest, sizeof highest) != sizeof highest) {
            _exit(1);
        }
    }
}

/* Kills the worker `delay` microseconds after its start, or after its first answer, or lets its
 * crash point do it; gives the highest number that it was told is durable. */
static uint64_t run_and_kill(struct sqlite_store *sqlite, const char *crash_at, useconds_t delay,
                             bool at_work)
{
    int fds[2];
    uint64_t number, highest = 0;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        if (crash_at != NULL) {
            setenv("FA_CRASH_AT", crash_at, 1);
        }
        work_until_killed(sqlite, fds[1]);
    }
    close(fds[1]);
    if (at_work && read(fds[0], &number, sizeof number) == sizeof number) {
        highest = number;
    }
    if (crash_at == NULL) {
        usleep(delay);
        kill(child, SIGKILL);
    }
    while (read(fds[0], &number, sizeof number) == sizeof number) {
        highest = number;
    }
    close(fds[0]);
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return highest;
}

static void check_after_kill(struct sqlite_store *sqlite, uint64_t acknowledged)
{
    struct fa_store_head head;
    struct verdict verdict = {.answered = false};
    struct fa_store *store = open_sqlite(sqlite, &head);
    if (sqlite->rows < acknowledged) {
        fail_msg("%llu rows, %llu were acknowledged", (unsigned long long)sqlite->rows,
                 (unsigned long long)acknowledged);
    }
    assert_int_equal(sqlite->rows, sqlite->highest); /* in order, without a hole */
    assert_int_equal(head.n, sqlite->rows);
    assert_true(head.intact && head.complete);
    fa_store_verify_journal(store, 1, keep_verdict, &verdict);
    while (!verdict.answered) {
        sem_wait(&sqlite->woken);
        fa_store_poll(store);
    }
    assert_int_equal(verdict.first_bad, 0);
    assert_int_equal(verdict.checked, head.n);
    assert_int_equal(fa_store_close(store, 10000), 0);
}

static void set_up_sqlite(struct sqlite_store *sqlite)
{
    *sqlite = (struct sqlite_store){.rows = 0};
    tmpdir_make(&sqlite->dir);
    sqlite->values[0].text = (struct firealarm_text){sqlite->dir.path, strlen(sqlite->dir.path)};
    sqlite->values[1].number = 65536;
    sqlite->values[2].number = 1;
    sqlite->settings = (struct firealarm_settings){"main", sqlite->values, 3};
    sqlite->host = fa_host_table(NULL, NULL);
    sem_init(&sqlite->woken, 0, 0);
}

static void fifty_kills_lose_nothing_that_was_acknowledged(void **state)
{
    struct sqlite_store sqlite;
    struct fa_rng rng = {{11, 13}};
    uint64_t acknowledged = 0;
    set_up_sqlite(&sqlite);
    for (int round = 0; round < 50; round++) {
        useconds_t delay = (useconds_t)(fa_rng_unit(&rng) * 40000);
        uint64_t highest = run_and_kill(&sqlite, NULL, delay, round % 2 == 1);
        acknowledged = highest > acknowledged ? highest : acknowledged;
        check_after_kill(&sqlite, acknowledged);
    }
    assert_true(acknowledged > 10); /* it did do some work in between */
    tmpdir_remove(&sqlite.dir);
    (void)state;
}

static void a_crash_at_any_named_point_loses_nothing_that_was_acknowledged(void **state)
{
#if defined(FA_TEST_HOOKS)
    static const char *const points[] = {
        "store.before_begin:1",  "store.before_begin:4", "store.before_commit:1",
        "store.before_commit:5", "store.after_commit:1", "store.after_commit:6",
        "store.before_wake:1",   "store.before_wake:7",
    };
    struct sqlite_store sqlite;
    uint64_t acknowledged = 0;
    set_up_sqlite(&sqlite);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        uint64_t highest = run_and_kill(&sqlite, points[i], 0, false);
        acknowledged = highest > acknowledged ? highest : acknowledged;
        check_after_kill(&sqlite, acknowledged);
    }
    tmpdir_remove(&sqlite.dir);
#else
    skip();
#endif
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_kills_lose_nothing_that_was_acknowledged),
        cmocka_unit_test(a_crash_at_any_named_point_loses_nothing_that_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_test_stores fa_plugin_sqlite_static fa_host Threads::Threads */
/* The host's side of the store: what is durable when, what a failure does, what damage is seen.
 * The wake callback raises a semaphore, on which the tests wait as the loop would on its eventfd.
 */
#include "fa_test.h"
#include "base/id.h"
#include "host/plugins.h"
#include "store/key.h"
#include "store/store.h"
#include "store_faulty.h"
#include "store_mem.h"
#include "tmpdir.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

struct fixture {
    struct fa_mem_disk disk;
    struct fa_faulty faulty;
    struct firealarm_value value, inner_value;
    struct firealarm_settings settings, inner;
    struct firealarm_host host;
    struct fa_store *store;
    struct fa_store_head head;
    sem_t woken;
    char loaded[4096], damaged[256];
    uint8_t key_byte;
};

static void wake(void *ctx)
{
    sem_post(ctx);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    sem_init(&fixture->woken, 0, 0);
    fixture->inner = fa_mem_settings(&fixture->disk, &fixture->inner_value);
    fixture->faulty.inner = &fa_store_mem;
    fixture->faulty.inner_settings = &fixture->inner;
    fixture->settings = fa_faulty_settings(&fixture->faulty, &fixture->value);
    fixture->host = fa_host_table(NULL, NULL);
    fixture->key_byte = 7;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    (void)fa_store_close(fixture->store, 0);
    fa_mem_disk_done(&fixture->disk);
    sem_destroy(&fixture->woken);
    free(fixture);
    return 0;
}

static void append_text(char *buf, size_t size, const char *fmt, ...) FA_PRINTF(3, 4);
static void append_text(char *buf, size_t size, const char *fmt, ...)
{
    size_t len = strlen(buf);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(buf + len, size - len, fmt, ap);
    va_end(ap);
}

static int keep_row(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    struct fixture *fixture = ctx;
    append_text(fixture->loaded, sizeof fixture->loaded, "%u/%.*s=%.*s ", (unsigned)row->kind,
                FA_STR_ARG(row->key), FA_STR_ARG(row->value));
    return 0;
}

static void keep_damaged(void *ctx, uint32_t kind, struct fa_str key)
{
    struct fixture *fixture = ctx;
    append_text(fixture->damaged, sizeof fixture->damaged, "%u/%.*s ", (unsigned)kind,
                FA_STR_ARG(key));
}

static int open_and_load(struct fixture *fixture, struct fa_err *err)
{
    struct fa_store_options options = {.plugin = &fa_store_faulty,
                                       .settings = &fixture->settings,
                                       .host = &fixture->host,
                                       .wake = wake,
                                       .ctx = &fixture->woken,
                                       .retry_ms = 5};
    memset(options.key, fixture->key_byte, sizeof options.key);
    struct fa_store_visitor visitor = {keep_row, keep_damaged, fixture};
    fixture->loaded[0] = fixture->damaged[0] = '\0';
    int rc = fa_store_open(&options, &fixture->store, err);
    return rc < 0 ? rc : fa_store_load(fixture->store, &visitor, &fixture->head, err);
}

static void start(struct fixture *fixture)
{
    struct fa_err err = {.text = ""};
    if (open_and_load(fixture, &err) != 0 || fa_store_start(fixture->store, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static int stop(struct fixture *fixture)
{
    int rc = fa_store_close(fixture->store, 10000);
    fixture->store = NULL;
    return rc;
}

/* Waits for the writer to say something; a test that hangs here fails by its time limit. */
static void wait_wake(struct fixture *fixture)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    if (sem_timedwait(&fixture->woken, &until) != 0) {
        fail_msg("the writer says nothing");
    }
}

static void wait_durable(struct fixture *fixture, uint64_t number)
{
    while (fa_store_durable(fixture->store) < number) {
        wait_wake(fixture);
    }
}

static void wait_state(struct fixture *fixture, enum fa_store_state state)
{
    while (fa_store_state(fixture->store) != state) {
        wait_wake(fixture);
    }
}

static void put(struct fa_txn *txn, uint32_t kind, bool live, fa_time time, const char *key,
                const char *value)
{
    struct fa_row row = {kind, live, time, fa_str_of(key), fa_str_of(value)};
    assert_int_equal(fa_txn_put(txn, &row), 0);
}

static uint64_t journal(struct fa_txn *txn, fa_time time, const char *body)
{
    uint64_t n = 0;
    assert_int_equal(fa_txn_journal(txn, time, fa_str_of(body), &n), 0);
    return n;
}

static uint64_t submit_one(struct fixture *fixture, const char *key, const char *value)
{
    struct fa_txn *txn = fa_txn_begin(fixture->store);
    put(txn, 1, true, 1, key, value);
    journal(txn, 1, key);
    return fa_txn_submit(txn);
}

static void what_is_durable_comes_back_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    assert_int_equal(fixture->head.n, 0);
    assert_true(fixture->head.intact);
    struct fa_txn *txn = fa_txn_begin(fixture->store);
    put(txn, 1, true, 5, "a", "one");
    put(txn, 1, false, 5, "b", "history");
    assert_int_equal(journal(txn, 50, "filed"), 1);
    assert_int_equal(journal(txn, 51, "told"), 2);
    assert_int_equal(fa_txn_submit(txn), 1);
    txn = fa_txn_begin(fixture->store);
    put(txn, 2, true, 6, "c", "two");
    assert_int_equal(fa_txn_erase(txn, 1, FA_STR("zzz")), 0);
    assert_int_equal(fa_txn_submit(txn), 2);
    wait_durable(fixture, 2);
    struct fa_store_head checkpoint;
    fa_store_checkpoint(fixture->store, &checkpoint);
    assert_int_equal(checkpoint.n, 2);
    assert_int_equal(stop(fixture), 0);

    start(fixture);
    assert_string_equal(fixture->loaded, "1/a=one 2/c=two ");
    assert_string_equal(fixture->damaged, "");
    assert_int_equal(fixture->head.n, 2);
    assert_int_equal(fixture->head.time, 51);
    assert_true(fixture->head.intact);
    assert_memory_equal(fixture->head.chain, checkpoint.chain, sizeof checkpoint.chain);
    txn = fa_txn_begin(fixture->store);
    assert_int_equal(journal(txn, 52, "again"), 3);
    fa_txn_drop(txn);
    txn = fa_txn_begin(fixture->store); /* a dropped number is given again */
    assert_int_equal(journal(txn, 52, "again"), 3);
    assert_int_equal(fa_txn_submit(txn), 1);
    wait_durable(fixture, 1);
}

static void close_writes_what_is_queued(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    for (int i = 0; i < 50; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(submit_one(fixture, key, "v"), i + 1);
    }
    assert_int_equal(stop(fixture), 0);
    assert_int_equal(fixture->disk.row_count, 51); /* and the head */
    assert_int_equal(fixture->disk.entry_count, 50);
}

static void an_empty_transaction_costs_nothing(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    assert_int_equal(fa_txn_submit(fa_txn_begin(fixture->store)), 0);
    assert_int_equal(submit_one(fixture, "a", "v"), 1);
    assert_int_equal(fa_txn_submit(fa_txn_begin(fixture->store)), 1);
    assert_int_equal(stop(fixture), 0);
    assert_int_equal(fixture->disk.commits, 1);
}

static void limits_are_told_when_the_transaction_is_built(void **state)
{
    struct fixture *fixture = *state;
    static char large[FIREALARM_STORE_VALUE_MAX + 1];
    uint64_t n = 0;
    start(fixture);
    struct fa_txn *txn = fa_txn_begin(fixture->store);
    struct fa_row row = {.kind = 1, .live = true, .key = {large, FIREALARM_STORE_KEY_MAX + 1}};
    assert_int_equal(fa_txn_put(txn, &row), FA_ETOOBIG);
    assert_int_equal(fa_txn_erase(txn, 1, row.key), FA_ETOOBIG);
    row.key.len = 0;
    assert_int_equal(fa_txn_put(txn, &row), FA_EINVAL);
    row.key.len = 1;
    row.value = (struct fa_str){large, sizeof large};
    assert_int_equal(fa_txn_put(txn, &row), FA_ETOOBIG);
    assert_int_equal(fa_txn_journal(txn, 1, row.value, &n), FA_ETOOBIG);
    assert_int_equal(fa_txn_submit(txn), 0); /* it is still empty */
}

/* While the first commit waits, everything else gathers and goes out as one. */
static void what_comes_during_a_commit_is_the_next_commit(void **state)
{
    struct fixture *fixture = *state;
    struct fa_store_stats stats;
    fixture->faulty.gated = 1;
    start(fixture);
    submit_one(fixture, "first", "v");
    while (atomic_load(&fixture->faulty.calls[FA_FAULTY_PUT]) < 2) {
    }
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        submit_one(fixture, key, "v");
    }
    assert_int_equal(fa_store_durable(fixture->store), 0);
    fa_store_stats(fixture->store, &stats);
    assert_int_equal(stats.waiting, 101);
    assert_true(stats.waiting_bytes > 0);
    atomic_store(&fixture->faulty.permits, 1);
    wait_durable(fixture, 1);
    assert_int_equal(fa_store_durable(fixture->store), 1);
    atomic_store(&fixture->faulty.permits, 1);
    wait_durable(fixture, 101);
    fa_store_stats(fixture->store, &stats);
    assert_int_equal(stats.commits, 2);
    assert_int_equal(stats.transactions, 101);
    assert_int_equal(stats.rows, 202);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.waiting_bytes, 0);
    atomic_store(&fixture->faulty.permits, 1);
    assert_int_equal(stop(fixture), 0);
    for (uint64_t n = 1; n <= 101; n++) {
        assert_int_equal(fixture->disk.entries[n - 1].entry.n, n);
    }
}

static void a_batch_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    static char large[FIREALARM_STORE_VALUE_MAX];
    memset(large, 'x', sizeof large);
    fixture->faulty.gated = 1;
    start(fixture);
    submit_one(fixture, "first", "v");
    while (atomic_load(&fixture->faulty.calls[FA_FAULTY_PUT]) < 2) {
    }
    for (int i = 0; i < 8; i++) {
        struct fa_txn *txn = fa_txn_begin(fixture->store);
        char key[8];
        snprintf(key, sizeof key, "%d", i);
        struct fa_row row = {1, false, 1, fa_str_of(key), {large, sizeof large}};
        assert_int_equal(fa_txn_put(txn, &row), 0);
        fa_txn_submit(txn);
    }
    atomic_store(&fixture->faulty.permits, 100);
    assert_int_equal(stop(fixture), 0);
    assert_true(fixture->disk.commits >= 3); /* 8 MiB in batches of at most 4 */
    assert_int_equal(fixture->disk.row_count, 10);
}

static void a_full_store_keeps_the_transaction_and_tries_again(void **state)
{
    struct fixture *fixture = *state;
    struct fa_err trouble;
    fixture->faulty.verb = FA_FAULTY_COMMIT;
    fixture->faulty.nth = 1;
    fixture->faulty.times = 3;
    fixture->faulty.code = FIREALARM_STORE_FULL;
    start(fixture);
    submit_one(fixture, "a", "1");
    wait_state(fixture, FA_STORE_FULL);
    fa_store_trouble(fixture->store, &trouble);
    assert_int_equal(trouble.code, FA_EFULL);
    assert_contains(trouble.text, "store: write: told to fail at call 1");
    submit_one(fixture, "a", "2");
    wait_durable(fixture, 2);
    assert_int_equal(fa_store_state(fixture->store), FA_STORE_OK);
    fa_store_trouble(fixture->store, &trouble);
    assert_string_equal(trouble.text, "");
    struct fa_store_stats stats;
    fa_store_stats(fixture->store, &stats);
    assert_int_equal(stats.retries, 3);
    assert_int_equal(atomic_load(&fixture->faulty.rollbacks), 3);
    assert_int_equal(stop(fixture), 0);
    assert_string_equal(fa_mem_find(&fixture->disk, 1, "a")->value.ptr, "2");
}

static void a_full_store_in_the_middle_of_a_transaction_is_no_different(void **state)
{
    struct fixture *fixture = *state;
    fixture->faulty.verb = FA_FAULTY_PUT;
    fixture->faulty.nth = 2;
    fixture->faulty.times = 1;
    fixture->faulty.code = FIREALARM_STORE_FULL;
    start(fixture);
    struct fa_txn *txn = fa_txn_begin(fixture->store);
    put(txn, 1, true, 1, "a", "1");
    put(txn, 1, true, 1, "b", "2");
    journal(txn, 1, "x");
    wait_durable(fixture, fa_txn_submit(txn));
    assert_int_equal(stop(fixture), 0);
    assert_int_equal(fixture->disk.entry_count, 1);
    assert_int_equal(fixture->disk.commits, 1);
}

static void the_reserve_is_given_up_and_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    fixture->faulty.verb = FA_FAULTY_COMMIT;
    fixture->faulty.nth = 1;
    fixture->faulty.code = FIREALARM_STORE_FULL;
    fixture->faulty.has_reserve = 1;
    start(fixture);
    submit_one(fixture, "a", "1");
    wait_durable(fixture, 1);
    wait_state(fixture, FA_STORE_OK); /* after some time the reserve was taken back */
    assert_true(atomic_load(&fixture->faulty.calls[FA_FAULTY_RESERVE]) >= 3);
    assert_int_equal(stop(fixture), 0);
}

static void a_start_without_room_for_the_reserve_is_low(void **state)
{
    struct fixture *fixture = *state;
    struct fa_err trouble;
    fixture->faulty.verb = FA_FAULTY_RESERVE;
    fixture->faulty.nth = 1;
    fixture->faulty.times = 2;
    fixture->faulty.code = FIREALARM_STORE_FULL;
    struct fa_err err;
    assert_int_equal(open_and_load(fixture, &err), 0);
    assert_int_equal(fa_store_state(fixture->store), FA_STORE_LOW);
    fa_store_trouble(fixture->store, &trouble);
    assert_int_equal(trouble.code, FA_EFULL);
    assert_int_equal(fa_store_start(fixture->store, &err), 0);
    submit_one(fixture, "a", "1");
    wait_durable(fixture, 1); /* low is not full */
    wait_state(fixture, FA_STORE_OK);
}

/* For every verb of a write and each of its calls: the outcome is unknown, nothing follows. */
static void after_any_other_failure_nothing_is_written(void **state)
{
    static const enum fa_faulty_verb verbs[] = {FA_FAULTY_BEGIN, FA_FAULTY_PUT, FA_FAULTY_APPEND,
                                                FA_FAULTY_ERASE, FA_FAULTY_COMMIT};
    static const int32_t codes[] = {FIREALARM_STORE_UNKNOWN, FIREALARM_STORE_CORRUPT,
                                    FIREALARM_STORE_FAILED, FIREALARM_STORE_BUSY};
    for (size_t i = 0; i < 20; i++) {
        void *inner = NULL;
        set_up(&inner);
        struct fixture *fixture = inner;
        struct fa_err trouble;
        fixture->faulty.verb = verbs[i % 5];
        fixture->faulty.nth = 1;
        fixture->faulty.times = 1;
        fixture->faulty.code = codes[i / 5];
        start(fixture);
        struct fa_txn *txn = fa_txn_begin(fixture->store);
        put(txn, 1, true, 1, "a", "1");
        journal(txn, 1, "x");
        assert_int_equal(fa_txn_erase(txn, 1, FA_STR("b")), 0);
        fa_txn_submit(txn);
        wait_state(fixture, FA_STORE_UNKNOWN);
        submit_one(fixture, "later", "v");
        fa_store_trouble(fixture->store, &trouble);
        assert_contains(trouble.text, "told to fail");
        assert_int_equal(fa_store_durable(fixture->store), 0);
        assert_int_equal(stop(fixture), FA_EIO);
        assert_int_equal(fixture->disk.commits, 0);
        tear_down(&inner);
    }
    (void)state;
}

/* The disk did it and said it did not: after the restart it is simply there. */
static void a_ghost_commit_is_found_at_the_next_start(void **state)
{
    struct fixture *fixture = *state;
    fixture->faulty.verb = FA_FAULTY_COMMIT;
    fixture->faulty.nth = 1;
    fixture->faulty.times = 1;
    fixture->faulty.code = FIREALARM_STORE_UNKNOWN;
    fixture->faulty.ghost = 1;
    start(fixture);
    submit_one(fixture, "a", "1");
    wait_state(fixture, FA_STORE_UNKNOWN);
    assert_int_equal(fa_store_durable(fixture->store), 0);
    assert_int_equal(stop(fixture), FA_EIO);
    start(fixture);
    assert_string_equal(fixture->loaded, "1/a=1 ");
    assert_true(fixture->head.intact);
    assert_int_equal(fixture->head.n, 1);
}

static void close_says_that_a_full_store_did_not_take_all(void **state)
{
    struct fixture *fixture = *state;
    fixture->faulty.verb = FA_FAULTY_COMMIT;
    fixture->faulty.nth = 1;
    fixture->faulty.code = FIREALARM_STORE_FULL;
    start(fixture);
    submit_one(fixture, "a", "1");
    wait_state(fixture, FA_STORE_FULL);
    int rc = fa_store_close(fixture->store, 20);
    fixture->store = NULL;
    assert_int_equal(rc, FA_EFULL);
}

static void close_does_not_wait_for_a_disk_that_hangs(void **state)
{
    struct fixture *fixture = *state;
    fixture->faulty.gated = 1;
    start(fixture);
    submit_one(fixture, "a", "1");
    while (atomic_load(&fixture->faulty.calls[FA_FAULTY_PUT]) < 2) {
    }
    int rc = fa_store_close(fixture->store, 10);
    fixture->store = NULL;
    assert_int_equal(rc, FA_ETIMEOUT);
    atomic_store(&fixture->faulty.permits, 1); /* the disk comes back: the store frees itself */
    while (!atomic_load(&fixture->faulty.closed)) {
    }
    /* Let the thread, which nobody joins, get from there to its end. */
    nanosleep(&(struct timespec){0, 50000000}, NULL);
}

/* What a read brought, as text. */
struct answer {
    char text[4096], next_key[64];
    int code, answered;
    size_t rows, damaged;
    bool more;
    fa_time next_before;
    uint64_t checked, first_bad;
    char error[512];
};

static void keep_answer(void *ctx, const struct fa_store_answer *answer)
{
    struct answer *kept = ctx;
    kept->answered++;
    kept->code = answer->code;
    kept->rows = answer->row_count;
    kept->damaged = answer->damaged;
    kept->more = answer->more;
    kept->next_before = answer->next_before;
    kept->checked = answer->checked;
    kept->first_bad = answer->first_bad;
    snprintf(kept->next_key, sizeof kept->next_key, "%.*s", FA_STR_ARG(answer->next_key));
    snprintf(kept->error, sizeof kept->error, "%s", answer->err->text);
    for (size_t i = 0; i < answer->row_count; i++) {
        append_text(kept->text, sizeof kept->text, "%.*s=%.*s ", FA_STR_ARG(answer->rows[i].key),
                    FA_STR_ARG(answer->rows[i].value));
    }
    for (size_t i = 0; i < answer->entry_count; i++) {
        append_text(kept->text, sizeof kept->text, "%llu:%.*s ",
                    (unsigned long long)answer->entries[i].n, FA_STR_ARG(answer->entries[i].body));
    }
}

static void wait_answer(struct fixture *fixture, const struct answer *answer)
{
    for (;;) {
        fa_store_poll(fixture->store);
        if (answer->answered > 0) {
            break;
        }
        wait_wake(fixture);
    }
    assert_int_equal(answer->answered, 1);
}

static void a_read_sees_what_was_submitted_before_it(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    for (int i = 0; i < 20; i++) {
        struct answer answer = {.code = 1};
        char value[16], expect[32];
        snprintf(value, sizeof value, "%d", i);
        snprintf(expect, sizeof expect, "a=%d ", i);
        submit_one(fixture, "a", value);
        fa_store_get(fixture->store, 1, FA_STR("a"), keep_answer, &answer);
        wait_answer(fixture, &answer);
        assert_int_equal(answer.code, 0);
        assert_string_equal(answer.text, expect);
    }
    struct answer none = {.code = 1}, over = {.code = 1}, empty = {.code = 1};
    char key[FIREALARM_STORE_KEY_MAX + 1] = "a";
    fa_store_get(fixture->store, 1, FA_STR("b"), keep_answer, &none);
    fa_store_get(fixture->store, 1, (struct fa_str){key, sizeof key}, keep_answer, &over);
    fa_store_get(fixture->store, 1, FA_STR(""), keep_answer, &empty);
    wait_answer(fixture, &none);
    wait_answer(fixture, &over);
    wait_answer(fixture, &empty);
    assert_int_equal(none.code, FA_ENOTFOUND);
    assert_int_equal(over.code, FA_ENOTFOUND);
    assert_int_equal(empty.code, FA_ENOTFOUND);
}

static void history_comes_in_pages(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct fa_txn *txn = fa_txn_begin(fixture->store);
    for (int i = 0; i < 1200; i++) {
        char key[8];
        snprintf(key, sizeof key, "%04d", i);
        put(txn, 4, false, i / 900, key, "v");
        journal(txn, i, key);
    }
    fa_txn_submit(txn);
    size_t total = 0, pages = 0;
    struct answer answer = {.next_before = FA_NEVER};
    do {
        char key[64];
        snprintf(key, sizeof key, "%s", answer.next_key);
        fa_time before = answer.next_before;
        answer = (struct answer){.code = 1};
        fa_store_query(fixture->store, 4, before, fa_str_of(key), 99999, keep_answer, &answer);
        wait_answer(fixture, &answer);
        assert_int_equal(answer.code, 0);
        assert_true(answer.rows <= FA_STORE_PAGE_ROWS);
        total += answer.rows;
        pages++;
    } while (answer.more);
    assert_int_equal(total, 1200);
    assert_int_equal(pages, 3);
    struct answer some = {.code = 1}, entries = {.code = 1};
    fa_store_query(fixture->store, 4, 1, FA_STR("0901"), 2, keep_answer, &some);
    fa_store_read_journal(fixture->store, 1199, 10, keep_answer, &entries);
    wait_answer(fixture, &some);
    wait_answer(fixture, &entries);
    assert_string_equal(some.text, "0900=v 0899=v ");
    assert_true(some.more);
    assert_string_equal(entries.text, "1199:1198 1200:1199 ");
    assert_false(entries.more);
}

static void reads_go_on_while_the_store_is_full_and_end_with_it(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    submit_one(fixture, "a", "1");
    wait_durable(fixture, 1);
    assert_int_equal(stop(fixture), 0);
    fixture->faulty.verb = FA_FAULTY_COMMIT;
    fixture->faulty.nth = 1;
    fixture->faulty.code = FIREALARM_STORE_FULL;
    start(fixture);
    submit_one(fixture, "a", "2");
    struct answer answer = {.code = 1}, late = {.code = 1};
    fa_store_get(fixture->store, 1, FA_STR("a"), keep_answer, &answer);
    wait_answer(fixture, &answer);
    assert_string_equal(answer.text, "a=1 ");
    fa_store_get(fixture->store, 1, FA_STR("a"), keep_answer, &late);
    assert_int_equal(fa_store_close(fixture->store, 0), FA_EFULL);
    fixture->store = NULL;
    assert_int_equal(late.answered, 1); /* with the row or with FA_ECLOSED, but answered */
    assert_true(late.code == 0 || late.code == FA_ECLOSED);
}

static void a_read_that_fails_is_the_readers_trouble_alone(void **state)
{
    static const enum fa_faulty_verb verbs[] = {FA_FAULTY_GET, FA_FAULTY_QUERY, FA_FAULTY_JOURNAL,
                                                FA_FAULTY_JOURNAL};
    for (size_t i = 0; i < 4; i++) {
        void *inner = NULL;
        set_up(&inner);
        struct fixture *fixture = inner;
        struct answer answer = {.code = 1};
        fixture->faulty.verb = verbs[i];
        fixture->faulty.nth = 1;
        fixture->faulty.code = FIREALARM_STORE_FAILED;
        start(fixture);
        submit_one(fixture, "a", "1");
        switch (i) {
        case 0:
            fa_store_get(fixture->store, 1, FA_STR("a"), keep_answer, &answer);
            break;
        case 1:
            fa_store_query(fixture->store, 1, FA_NEVER, FA_STR(""), 5, keep_answer, &answer);
            break;
        case 2:
            fa_store_read_journal(fixture->store, 1, 5, keep_answer, &answer);
            break;
        default:
            fa_store_verify_journal(fixture->store, 1, keep_answer, &answer);
            break;
        }
        wait_answer(fixture, &answer);
        assert_int_equal(answer.code, FA_EIO);
        assert_contains(answer.error, "store: read: told to fail");
        assert_int_equal(fa_store_state(fixture->store), FA_STORE_OK);
        wait_durable(fixture, submit_one(fixture, "b", "2"));
        tear_down(&inner);
    }
    (void)state;
}

static void write_three(struct fixture *fixture)
{
    start(fixture);
    submit_one(fixture, "a", "alpha");
    submit_one(fixture, "b", "beta");
    submit_one(fixture, "c", "gamma");
    assert_int_equal(stop(fixture), 0);
}

/* One member of row "b" changed behind our back, each in its turn. */
static void a_change_to_any_part_of_a_row_is_seen(void **state)
{
    for (int part = 0; part < 7; part++) {
        void *inner = NULL;
        set_up(&inner);
        struct fixture *fixture = inner;
        write_three(fixture);
        struct firealarm_row *row = fa_mem_find(&fixture->disk, 1, "b");
        const char *damaged = "1/b ";
        switch (part) {
        case 0:
            row->kind = 3;
            damaged = "3/b ";
            break;
        case 1:
            ((char *)(uintptr_t)row->key.ptr)[0] = 'x';
            damaged = "1/x ";
            break;
        case 2:
            ((char *)(uintptr_t)row->value.ptr)[3] ^= 1;
            break;
        case 3:
            row->value.len--;
            break;
        case 4:
            row->time++;
            break;
        case 5:
            row->live = 2;
            break;
        default:
            row->mac[31] ^= 0x80;
            break;
        }
        start(fixture);
        assert_string_equal(fixture->loaded, "1/a=alpha 1/c=gamma ");
        assert_string_equal(fixture->damaged, damaged);
        assert_false(fixture->head.complete);
        struct fa_store_stats stats;
        fa_store_stats(fixture->store, &stats);
        assert_int_equal(stats.damaged, 1);
        if (part == 2) {
            struct answer answer = {.code = 1};
            fa_store_get(fixture->store, 1, FA_STR("b"), keep_answer, &answer);
            wait_answer(fixture, &answer);
            assert_int_equal(answer.code, FA_ECORRUPT);
            assert_int_equal(answer.rows, 0);
        }
        tear_down(&inner);
    }
    (void)state;
}

static void a_live_row_that_is_gone_or_old_is_missed(void **state)
{
    for (int part = 0; part < 3; part++) {
        void *inner = NULL;
        set_up(&inner);
        struct fixture *fixture = inner;
        write_three(fixture);
        struct firealarm_row *row = fa_mem_find(&fixture->disk, 1, "b");
        struct firealarm_row old = *row;
        char value[] = "beta";
        start(fixture);
        assert_true(fixture->head.complete);
        struct fa_txn *txn = fa_txn_begin(fixture->store);
        put(txn, 1, true, 2, "b", "newer");
        put(txn, 1, false, 2, "a", "closed");
        fa_txn_submit(txn);
        assert_int_equal(stop(fixture), 0);
        row = fa_mem_find(&fixture->disk, 1, "b");
        if (part == 0) {
            row->live = 0;
        } else if (part == 1) { /* an old version, which verifies by itself */
            free((char *)(uintptr_t)row->value.ptr);
            old.key = row->key;
            old.value = (struct firealarm_text){strdup(value), strlen(value)};
            *row = old;
        }
        start(fixture);
        assert_string_equal(fixture->loaded, part == 0   ? "1/c=gamma "
                                             : part == 1 ? "1/b=beta 1/c=gamma "
                                                         : "1/b=newer 1/c=gamma ");
        assert_string_equal(fixture->damaged, "");
        assert_int_equal(fixture->head.complete, part == 2);
        assert_true(fixture->head.intact);
        tear_down(&inner);
    }
    (void)state;
}

static void a_damaged_row_of_history_is_left_out_and_counted(void **state)
{
    struct fixture *fixture = *state;
    write_three(fixture);
    fa_mem_find(&fixture->disk, 1, "b")->live = 0; /* moved to history by a stranger */
    start(fixture);
    struct answer answer = {.code = 1};
    fa_store_query(fixture->store, 1, FA_NEVER, FA_STR(""), 5, keep_answer, &answer);
    wait_answer(fixture, &answer);
    assert_int_equal(answer.code, 0);
    assert_int_equal(answer.rows, 0);
    assert_int_equal(answer.damaged, 1);
}

static void another_key_opens_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct fa_err err;
    write_three(fixture);
    fixture->key_byte = 8;
    assert_int_equal(open_and_load(fixture, &err), FA_EDENIED);
    assert_contains(err.text, "the key belongs to another store");
    assert_string_equal(fixture->loaded, "");
}

static void an_untouched_journal_verifies(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    for (int i = 0; i < 1300; i++) {
        struct fa_txn *txn = fa_txn_begin(fixture->store);
        journal(txn, i, i % 2 == 0 ? "even" : "");
        fa_txn_submit(txn);
    }
    static const struct {
        uint64_t from, checked;
    } rows[] = {{1, 1300}, {0, 1300}, {2, 1299}, {700, 601}, {1300, 1}, {1301, 0}, {5000, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = {.code = 1};
        fa_store_verify_journal(fixture->store, rows[i].from, keep_answer, &answer);
        wait_answer(fixture, &answer);
        assert_int_equal(answer.code, 0);
        assert_int_equal(answer.first_bad, 0);
        assert_int_equal(answer.checked, rows[i].checked);
    }
}

static void a_change_to_any_part_of_the_journal_is_seen(void **state)
{
    for (int part = 0; part < 4; part++) {
        void *inner = NULL;
        set_up(&inner);
        struct fixture *fixture = inner;
        start(fixture);
        for (int i = 0; i < 20; i++) {
            struct fa_txn *txn = fa_txn_begin(fixture->store);
            journal(txn, i, "body");
            fa_txn_submit(txn);
        }
        assert_int_equal(stop(fixture), 0);
        struct firealarm_entry *entry = &fixture->disk.entries[11].entry; /* number 12 */
        switch (part) {
        case 0:
            ((char *)(uintptr_t)entry->body.ptr)[0] ^= 1;
            break;
        case 1:
            entry->time += 1;
            break;
        case 2:
            entry->n = 13;
            break;
        default:
            entry->chain[0] ^= 1;
            break;
        }
        start(fixture);
        assert_true(fixture->head.intact); /* the end is as it was left */
        struct answer answer = {.code = 1};
        fa_store_verify_journal(fixture->store, 1, keep_answer, &answer);
        wait_answer(fixture, &answer);
        assert_int_equal(answer.first_bad, 12);
        assert_int_equal(answer.checked, 11);
        tear_down(&inner);
    }
    (void)state;
}

static void a_journal_that_was_cut_or_changed_at_its_end_is_not_intact(void **state)
{
    for (int part = 0; part < 5; part++) {
        void *inner = NULL;
        set_up(&inner);
        struct fixture *fixture = inner;
        write_three(fixture);
        struct fa_mem_disk *disk = &fixture->disk;
        switch (part) {
        case 0: /* the last entry is gone: what is left verifies, but was not the end */
        case 1:
            for (int i = part; i >= 0; i--) {
                free((char *)(uintptr_t)disk->entries[--disk->entry_count].entry.body.ptr);
            }
            break;
        case 2: /* all of it is gone */
            while (disk->entry_count > 0) {
                free((char *)(uintptr_t)disk->entries[--disk->entry_count].entry.body.ptr);
            }
            break;
        case 3:
            disk->entries[2].entry.time++;
            break;
        default: /* the row that says what the end was */
            fa_mem_find(disk, 0, "head")->value.len--;
            break;
        }
        start(fixture);
        assert_false(fixture->head.intact);
        assert_string_equal(fixture->loaded, "1/a=alpha 1/b=beta 1/c=gamma ");
        assert_int_equal(fixture->head.n, disk->entry_count);
        wait_durable(fixture, submit_one(fixture, "d", "delta")); /* the work goes on */
        tear_down(&inner);
    }
    (void)state;
}

static int refuse_row(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    return fa_err_set(err, FA_EPARSE, "not understood");
}

static void load_failures_are_told(void **state)
{
    struct fixture *fixture = *state;
    struct fa_err err;
    write_three(fixture);
    fixture->faulty.verb = FA_FAULTY_LOAD;
    fixture->faulty.nth = 2; /* the first was above */
    fixture->faulty.times = 1;
    fixture->faulty.code = FIREALARM_STORE_CORRUPT;
    assert_int_equal(open_and_load(fixture, &err), FA_ECORRUPT);
    assert_contains(err.text, "store: load: told to fail");
    struct fa_store_visitor visitor = {refuse_row, keep_damaged, fixture};
    assert_int_equal(fa_store_load(fixture->store, &visitor, &fixture->head, &err), FA_EPARSE);
    assert_string_equal(err.text, "not understood");
}

static void open_failures_keep_their_meaning(void **state)
{
    static const struct {
        int32_t code;
        int rc;
    } rows[] = {
        {FIREALARM_STORE_FULL, FA_EFULL},
        {FIREALARM_STORE_UNKNOWN, FA_EIO},
        {FIREALARM_STORE_BUSY, FA_EBUSY},
        {FIREALARM_STORE_NEWER, FA_EVERSION},
        {FIREALARM_STORE_FAILED, FA_EIO},
        {FIREALARM_STORE_CORRUPT, FA_ECORRUPT},
        {-99, FA_EIO},
        {5, FA_EIO},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_err err;
        fixture->faulty.verb = FA_FAULTY_OPEN;
        fixture->faulty.nth = 1;
        fixture->faulty.code = rows[i].code;
        assert_int_equal(open_and_load(fixture, &err), rows[i].rc);
        assert_contains(err.text, "store: open: told to fail");
        assert_null(fixture->store);
    }
}

static void the_key_file_is_made_once_and_must_be_private(void **state)
{
    struct tmpdir dir;
    uint8_t first[FA_STORE_KEY_BYTES], second[FA_STORE_KEY_BYTES] = {0};
    struct fa_err err;
    tmpdir_make(&dir);
    const char *path = tmpdir_file(&dir, "store.key");
    assert_int_equal(fa_store_key_read(path, false, first, &err), FA_ENOTFOUND);
    assert_int_equal(fa_store_key_read(path, true, first, &err), 0);
    assert_int_equal(fa_store_key_read(path, true, second, &err), 0);
    assert_memory_equal(first, second, sizeof first);
    chmod(path, 0644);
    assert_int_equal(fa_store_key_read(path, true, first, &err), FA_EDENIED);
    assert_contains(err.text, "mode 0644");
    static const char *const bad[] = {"", "00", "zz",
                                      "0123456789abcdef0123456789abcdef"
                                      "0123456789abcdef0123456789abcdef00\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tmpdir_write(&dir, "bad.key", bad[i], 0600);
        assert_int_equal(fa_store_key_read(tmpdir_file(&dir, "bad.key"), true, first, &err),
                         FA_EPARSE);
        assert_contains(err.text, "bad.key: not a store key");
    }
    assert_int_equal(fa_store_key_read("/nonexistent/store.key", true, first, &err), FA_EIO);
    tmpdir_remove(&dir);
    (void)state;
}

/* ---- the real store, killed ---- */

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
            put(txn, 1, true, 1, key, "a row of some length, as a filing would have it");
            journal(txn, 1, key);
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

/* Kills the worker after `delay` microseconds, or lets its crash point do it; gives the highest
 * number that it was told is durable. */
static uint64_t run_and_kill(struct sqlite_store *sqlite, const char *crash_at, useconds_t delay)
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
    struct answer answer = {.code = 1};
    struct fa_store *store = open_sqlite(sqlite, &head);
    if (sqlite->rows < acknowledged) {
        fail_msg("%llu rows, %llu were acknowledged", (unsigned long long)sqlite->rows,
                 (unsigned long long)acknowledged);
    }
    assert_int_equal(sqlite->rows, sqlite->highest); /* in order, without a hole */
    assert_int_equal(head.n, sqlite->rows);
    assert_true(head.intact && head.complete);
    fa_store_verify_journal(store, 1, keep_answer, &answer);
    while (answer.answered == 0) {
        sem_wait(&sqlite->woken);
        fa_store_poll(store);
    }
    assert_int_equal(answer.first_bad, 0);
    assert_int_equal(answer.checked, head.n);
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
        uint64_t highest = run_and_kill(&sqlite, NULL, (useconds_t)(fa_rng_unit(&rng) * 40000));
        acknowledged = highest > acknowledged ? highest : acknowledged;
        check_after_kill(&sqlite, acknowledged);
    }
    assert_true(acknowledged > 50); /* it did do some work in between */
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
        uint64_t highest = run_and_kill(&sqlite, points[i], 0);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_durable_comes_back_after_a_restart),
        TEST(close_writes_what_is_queued),
        TEST(an_empty_transaction_costs_nothing),
        TEST(limits_are_told_when_the_transaction_is_built),
        TEST(what_comes_during_a_commit_is_the_next_commit),
        TEST(a_batch_is_bounded),
        TEST(a_full_store_keeps_the_transaction_and_tries_again),
        TEST(a_full_store_in_the_middle_of_a_transaction_is_no_different),
        TEST(the_reserve_is_given_up_and_asked_for_again),
        TEST(a_start_without_room_for_the_reserve_is_low),
        TEST(after_any_other_failure_nothing_is_written),
        TEST(a_ghost_commit_is_found_at_the_next_start),
        TEST(close_says_that_a_full_store_did_not_take_all),
        TEST(close_does_not_wait_for_a_disk_that_hangs),
        TEST(a_read_sees_what_was_submitted_before_it),
        TEST(history_comes_in_pages),
        TEST(reads_go_on_while_the_store_is_full_and_end_with_it),
        TEST(a_read_that_fails_is_the_readers_trouble_alone),
        TEST(a_change_to_any_part_of_a_row_is_seen),
        TEST(a_live_row_that_is_gone_or_old_is_missed),
        TEST(a_damaged_row_of_history_is_left_out_and_counted),
        TEST(another_key_opens_nothing),
        TEST(an_untouched_journal_verifies),
        TEST(a_change_to_any_part_of_the_journal_is_seen),
        TEST(a_journal_that_was_cut_or_changed_at_its_end_is_not_intact),
        TEST(load_failures_are_told),
        TEST(open_failures_keep_their_meaning),
        cmocka_unit_test(the_key_file_is_made_once_and_must_be_private),
        cmocka_unit_test(fifty_kills_lose_nothing_that_was_acknowledged),
        cmocka_unit_test(a_crash_at_any_named_point_loses_nothing_that_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

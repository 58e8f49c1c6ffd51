/* SPDX-License-Identifier: MIT */
/* links: fa_test_stores fa_host Threads::Threads */
/* The writer thread: what is durable when, and what a failure does. */
#include "store_fixture.h"
#include "store/key.h"
#include "tmpdir.h"

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

/* It may take long: whoever waits for a commit does not wait for it, and the next commit does. */
static void what_is_durable_is_told_before_the_store_tidies_up(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&fixture->faulty.tidy_gated, 1);
    start(fixture);
    submit_one(fixture, "first", "v");
    wait_durable(fixture, 1);
    assert_int_equal(atomic_load(&fixture->faulty.calls[FA_FAULTY_TIDY]), 0);
    submit_one(fixture, "second", "v");
    assert_int_equal(fa_store_durable(fixture->store), 1);
    atomic_store(&fixture->faulty.tidy_gated, 0);
    wait_durable(fixture, 2);
    assert_true(atomic_load(&fixture->faulty.calls[FA_FAULTY_TIDY]) >= 1);
}

static void nothing_is_written_after_tidying_up_failed(void **state)
{
    static const struct {
        int32_t code;
        bool is_final;
    } cases[] = {{FIREALARM_STORE_UNKNOWN, true}, {FIREALARM_STORE_FULL, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture *fixture;
        void *own;
        assert_int_equal(set_up(&own), 0);
        fixture = own;
        fixture->faulty.verb = FA_FAULTY_TIDY;
        fixture->faulty.nth = 1;
        fixture->faulty.code = cases[i].code;
        start(fixture);
        submit_one(fixture, "first", "v");
        wait_durable(fixture, 1);
        submit_one(fixture, "second", "v");
        if (cases[i].is_final) {
            wait_state(fixture, FA_STORE_UNKNOWN);
        } else {
            wait_durable(fixture, 2);
        }
        int rc = stop(fixture);
        assert_int_equal(rc != 0, cases[i].is_final);
        assert_int_equal(fixture->disk.commits, cases[i].is_final ? 1 : 2);
        tear_down(&own);
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
    assert_contains(trouble.text, "store: write: told to fail at call");
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_durable_comes_back_after_a_restart),
        TEST(close_writes_what_is_queued),
        TEST(an_empty_transaction_costs_nothing),
        TEST(limits_are_told_when_the_transaction_is_built),
        TEST(what_comes_during_a_commit_is_the_next_commit),
        TEST(what_is_durable_is_told_before_the_store_tidies_up),
        TEST(nothing_is_written_after_tidying_up_failed),
        TEST(a_batch_is_bounded),
        TEST(a_full_store_keeps_the_transaction_and_tries_again),
        TEST(a_full_store_in_the_middle_of_a_transaction_is_no_different),
        TEST(the_reserve_is_given_up_and_asked_for_again),
        TEST(a_start_without_room_for_the_reserve_is_low),
        TEST(after_any_other_failure_nothing_is_written),
        TEST(a_ghost_commit_is_found_at_the_next_start),
        TEST(close_says_that_a_full_store_did_not_take_all),
        TEST(close_does_not_wait_for_a_disk_that_hangs),
        TEST(load_failures_are_told),
        TEST(open_failures_keep_their_meaning),
        cmocka_unit_test(the_key_file_is_made_once_and_must_be_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

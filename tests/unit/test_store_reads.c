/* SPDX-License-Identifier: MIT */
/* links: fa_test_stores fa_host Threads::Threads */
/* Reads on their way to the writer thread and back, and the damage that they and the load see. */
#include "store_fixture.h"

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
        fa_store_query(fixture->store, 4, before, fa_str_of(key), pages == 1 ? 0 : 99999,
                       keep_answer, &answer);
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
    assert_int_equal(late.answered, 1);
    assert_int_equal(late.code, FA_ECLOSED); /* had the row been read or not */
}

struct insisting {
    struct fa_store *store;
    int answered, with_row;
};

static void ask_again(void *ctx, const struct fa_store_answer *answer)
{
    struct insisting *reader = ctx;
    reader->with_row += answer->code == 0;
    if (++reader->answered < 3) {
        fa_store_get(reader->store, 1, FA_STR("a"), ask_again, reader);
    }
}

static void who_asks_again_while_the_store_closes_is_answered_each_time(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    wait_durable(fixture, submit_one(fixture, "a", "1"));
    while (sem_trywait(&fixture->woken) == 0) {
    }
    struct insisting reader = {.store = fixture->store};
    fa_store_get(fixture->store, 1, FA_STR("a"), ask_again, &reader);
    wait_wake(fixture); /* the row is read, and nobody has been given it */
    assert_int_equal(stop(fixture), 0);
    assert_int_equal(reader.answered, 3);
    assert_int_equal(reader.with_row, 0);
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

/* One member of row "b" changed behind our back, each in its turn. */
static void a_journal_that_cannot_be_read_on_is_bad_from_there(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = {.code = 1};
    start(fixture);
    submit_one(fixture, "a", "1");
    wait_durable(fixture, submit_one(fixture, "b", "2"));
    fixture->faulty.verb = FA_FAULTY_JOURNAL;
    fixture->faulty.nth = fixture->faulty.calls[FA_FAULTY_JOURNAL] + 1;
    fixture->faulty.code = FIREALARM_STORE_CORRUPT;
    fa_store_verify_journal(fixture->store, 1, keep_answer, &answer);
    wait_answer(fixture, &answer);
    assert_int_equal(answer.code, 0);
    assert_int_equal(answer.first_bad, 1);
}

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
            row->live = 3;
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

/* Or on a slow disk with always something to write nobody would be answered. */
static void reads_that_may_run_come_before_the_next_group(void **state)
{
    struct fixture *fixture = *state;
    struct answer answers[3] = {{.answered = 0}};
    fixture->faulty.gated = 1;
    start(fixture);
    submit_one(fixture, "a", "alpha");
    while (atomic_load(&fixture->faulty.calls[FA_FAULTY_PUT]) < 2) { /* its group is closed */
    }
    for (int i = 0; i < 3; i++) {
        fa_store_get(fixture->store, 1, FA_STR("a"), keep_answer, &answers[i]);
    }
    submit_one(fixture, "b", "beta");
    atomic_store(&fixture->faulty.permits, 1);
    for (int i = 0; i < 3; i++) {
        wait_answer(fixture, &answers[i]);
        assert_string_equal(answers[i].text, "a=alpha ");
    }
    assert_int_equal(fa_store_durable(fixture->store), 1);
    atomic_store(&fixture->faulty.permits, 1);
    wait_durable(fixture, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_read_sees_what_was_submitted_before_it),
        TEST(history_comes_in_pages),
        TEST(reads_go_on_while_the_store_is_full_and_end_with_it),
        TEST(who_asks_again_while_the_store_closes_is_answered_each_time),
        TEST(a_read_that_fails_is_the_readers_trouble_alone),
        TEST(a_journal_that_cannot_be_read_on_is_bad_from_there),
        TEST(a_change_to_any_part_of_a_row_is_seen),
        TEST(a_live_row_that_is_gone_or_old_is_missed),
        TEST(a_damaged_row_of_history_is_left_out_and_counted),
        TEST(another_key_opens_nothing),
        TEST(an_untouched_journal_verifies),
        TEST(a_change_to_any_part_of_the_journal_is_seen),
        TEST(a_journal_that_was_cut_or_changed_at_its_end_is_not_intact),
        TEST(reads_that_may_run_come_before_the_next_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

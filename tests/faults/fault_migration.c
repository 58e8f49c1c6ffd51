/* SPDX-License-Identifier: MIT */
/* links: fa_store_rig */
/* A store is opened by a firealarm whose schema is two steps newer, which only this test knows, and
 * that goes wrong: the process is killed at each call to the disk, each call fails, the power fails
 * after any write. Then the store is old or new and nothing between: the old firealarm reads all of
 * it or says that it is newer, the new one reads all of it; and where it is new there is a copy
 * that the old one reads. What is newer is left as it is, byte for byte.
 *
 * FA_TRY=n makes one try again, the one a failure names. */
#include "fa_test.h"
#include "parallel.h"
#include "promise.h"
#include "store_rig.h"

#include <errno.h>

#define DB  FAKE_STORE "/firealarm.db"
#define WAL DB "-wal"

static const char *const next_steps[] = {
    "ALTER TABLE row ADD COLUMN note TEXT NOT NULL DEFAULT ''; UPDATE row SET note = hex(mac);",
    "CREATE TABLE seen (kind INTEGER, key BLOB, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;"
    "INSERT INTO seen SELECT kind, key FROM row; CREATE INDEX row_note ON row (note);",
    NULL,
};

enum { OLD, NEW, WRONG, COUNTS };

/* The store before, and the record of a migration that nothing disturbed. */
struct old {
    struct fake_disk disk, migrated;
    struct work work;
    size_t calls;  /* of that migration */
    size_t spread; /* every which call is tried */
};

static void wrong(size_t number, long *counts, const char *what, const char *text)
{
    parallel_add(&counts[WRONG], 1);
    printf("FA_TRY=%zu: %s: %s\n", number, what, text);
}

static bool asks_zero(const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    bool zero = sqlite3_prepare_v2(rig_connection(), sql, -1, &stmt, NULL) == SQLITE_OK &&
                sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) == 0;
    sqlite3_finalize(stmt);
    return zero;
}

/* Has the firealarm with these steps read a copy of the disk. Not all there: text says why, and
 * *ret_code is FA_EVERSION if the store is newer than that firealarm. */
static bool reads(const struct old *old, const struct fake_disk *disk, const char *const *steps,
                  int *ret_code, char text[400])
{
    struct fake_disk copy;
    struct rig rig;
    size_t state = 0;
    fake_disk_copy(disk, &copy);
    fake_disk_use(&copy);
    rig_migrations(steps);
    rig_init(&rig);
    enum verdict verdict = work_judge(&old->work, old->work.acked, &rig, &state, text, 400);
    *ret_code = rig.err.code;
    if (verdict == VERDICT_KEPT && steps != NULL &&
        (!asks_zero("SELECT count(*) FROM row WHERE note != hex(mac)") ||
         !asks_zero("SELECT (SELECT count(*) FROM seen) - (SELECT count(*) FROM row)"))) {
        verdict = VERDICT_HALF;
        snprintf(text, 400, "the new schema is not whole");
    }
    rig_done(&rig);
    fake_disk_done(&copy);
    return verdict == VERDICT_KEPT;
}

/* The old firealarm on the copy, as people would put it back. */
static bool copy_reads(const struct old *old, const struct fake_disk *disk, char text[400])
{
    struct fake_disk back;
    int code = 0;
    char path[64];
    fake_disk_copy(disk, &back);
    fake_disk_use(&back);
    snprintf(text, 400, "there is no copy");
    snprintf(path, sizeof path, DB ".schema%d", rig_schema());
    bool whole = fake_disk_file(&back, path) != NULL;
    if (whole) {
        fake_rename(path, DB);
        fake_remove(WAL);
        whole = reads(old, &back, NULL, &code, text);
    }
    fake_disk_done(&back);
    return whole;
}

static void judge(const struct old *old, const struct fake_disk *disk, size_t number, long *counts)
{
    char text[400];
    int code = 0;
    if (reads(old, disk, NULL, &code, text)) {
        parallel_add(&counts[OLD], 1);
    } else if (code == FA_EVERSION) {
        parallel_add(&counts[NEW], 1);
        if (!copy_reads(old, disk, text)) {
            wrong(number, counts, "the copy", text);
        }
    } else {
        wrong(number, counts, "the old firealarm", text);
    }
    if (!reads(old, disk, next_steps, &code, text)) {
        wrong(number, counts, "the new firealarm", text);
    }
}

/* A new firealarm's start on the disk in use. */
static int migrate(void)
{
    struct rig rig;
    rig_migrations(next_steps);
    rig_init(&rig);
    int rc = rig_open(&rig);
    rig_done(&rig);
    fake_disk_reset_calls(fake_disk_now());
    return rc;
}

/* The first tries kill at each call, then each call fails with each of these, then power fails. */
static void try_one(void *ctx, size_t number, long *counts)
{
    static const int codes[] = {0, EIO, ENOSPC};
    const struct old *old = ctx;
    struct fake_disk disk;
    if (getenv("FA_TRY") != NULL) {
        number = strtoul(getenv("FA_TRY"), NULL, 10);
    }
    size_t places = old->calls / old->spread;
    size_t way = number / places, n = number % places * old->spread + 1;
    if (way < sizeof codes / sizeof codes[0]) {
        fake_disk_copy(&old->disk, &disk);
        fake_disk_use(&disk);
        disk.freeze_at = n;
        disk.fails_once = codes[way];
        (void)migrate();
    } else {
        uint64_t random = fake_mix(number);
        fake_disk_image(&old->migrated, random % (old->migrated.op_count + 1), random, &disk);
    }
    judge(old, &disk, number, counts);
    fake_disk_done(&disk);
}

static void make_old(struct old *old, bool killed)
{
    *old = (struct old){.disk = {.random = 3}};
    fake_disk_use(&old->disk);
    rig_migrations(NULL);
    work_init(&old->work, 3);
    assert_int_equal(work_open(&old->work), 0);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(work_step(&old->work), 0);
    }
    if (killed) {
        rig_kill(&old->work.rig);
    } else {
        assert_int_equal(rig_close(&old->work.rig), 0);
    }
    fake_disk_reset_calls(&old->disk);
    fake_disk_copy(&old->disk, &old->migrated);
    fake_disk_use(&old->migrated);
    old->migrated.no_dir_syncs = killed; /* SQLite's own: the plugin's must do */
    fake_disk_record(&old->migrated);
    struct rig rig;
    rig_migrations(next_steps);
    rig_init(&rig);
    assert_int_equal(rig_open(&rig), 0);
    rig_done(&rig);
    old->calls = old->migrated.all_calls;
}

static void free_old(struct old *old)
{
    work_done(&old->work);
    fake_disk_done(&old->disk);
    fake_disk_done(&old->migrated);
}

static void a_migration_is_done_whole_or_not_at_all(void **state)
{
    static const struct promise_sizes sizes = {100, 1000, 100000, 1000000};
    static const struct promise_sizes spreads = {13, 1, 1, 1};
    static char note[200];
    long sums[COUNTS] = {0};
    size_t tries = 0, kills = 0;
    for (int killed = 0; killed < 2; killed++) {
        long counts[COUNTS];
        struct old old;
        make_old(&old, killed);
        old.spread = promise_tries(&spreads);
        size_t all = old.calls / old.spread * 3 + promise_tries(&sizes) / 2;
        all = getenv("FA_TRY") != NULL ? 1 : all;
        parallel_run(try_one, &old, all, counts, COUNTS);
        tries += all;
        kills += old.calls / old.spread;
        for (int i = 0; i < COUNTS; i++) {
            sums[i] += counts[i];
        }
        free_old(&old);
    }
    snprintf(note, sizeof note, "killed at %zu calls, which also fail; %ld old, %ld new", kills,
             sums[OLD], sums[NEW]);
    promise_print(&(struct promise_row){
        .fault = "a migration killed, failing, or without power at any call",
        .tries = tries,
        .lost = sums[WRONG],
        .missed = PROMISE_NOT_LOOKED_AT,
        .duplicates = PROMISE_NOT_LOOKED_AT,
        .leaks = PROMISE_NOT_LOOKED_AT,
        .note = note,
    });
    assert_true(getenv("FA_TRY") != NULL || (sums[OLD] > 0 && sums[NEW] > 0));
}

static void assert_same_file(struct fake_disk *a, struct fake_disk *b, const char *path)
{
    const struct fake_node *one = fake_disk_file(a, path), *other = fake_disk_file(b, path);
    assert_non_null(one);
    assert_non_null(other);
    assert_int_equal(one->size, other->size);
    assert_memory_equal(one->data, other->data, one->size);
}

static void a_newer_store_is_refused_and_not_touched(void **state)
{
    struct old old;
    make_old(&old, true);
    /* The newer one was killed in its work: it has a WAL. */
    struct fake_disk newer, before;
    struct work work;
    fake_disk_copy(&old.migrated, &newer);
    fake_disk_use(&newer);
    rig_migrations(next_steps);
    work_init(&work, 5);
    work_go_on(&old.work, old.work.acked, &work);
    assert_int_equal(work_open(&work), 0);
    assert_int_equal(work_file(&work, 4000), 0);
    rig_kill(&work.rig);
    fake_disk_copy(&newer, &before);
    assert_true(fake_disk_file(&before, WAL)->size > 0);
    rig_migrations(NULL);
    assert_int_equal(rig_open(&work.rig), FA_EVERSION);
    assert_contains(work.rig.err.text, "is newer than this firealarm's");
    assert_same_file(&newer, &before, DB);
    assert_same_file(&newer, &before, WAL);
    work_done(&work);
    fake_disk_done(&newer);
    fake_disk_done(&before);
    free_old(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_migration_is_done_whole_or_not_at_all),
        cmocka_unit_test(a_newer_store_is_refused_and_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

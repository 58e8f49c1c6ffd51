/* SPDX-License-Identifier: MIT */
/* links: fa_store_rig */
/* A store is opened by a firealarm whose schema is two steps newer, which only this test knows, or
 * a store of the first schema by today's, and that goes wrong: the process is killed at each call
 * to the disk, each call fails, the power fails after any write. Then the store is old or new and
 * nothing between: the old firealarm reads all of it or says that it is newer, the new one reads
 * all of it; and where it is new there is a copy that the old one reads. What is newer is left as
 * it is, byte for byte.
 *
 * FA_TRY=n makes one try again, the one a failure names. */
#include "fa_test.h"
#include "parallel.h"
#include "promise.h"
#include "store_rig.h"

#include <errno.h>

#define DB  FAKE_STORE "/firealarm.db"
#define WAL DB "-wal"

const char *const *sqlite_migrations(int *ret_version); /* the plugin's */

static const char *const next_steps[] = {
    "ALTER TABLE live ADD COLUMN note TEXT NOT NULL DEFAULT ''; UPDATE live SET note = hex(mac);",
    "CREATE TABLE seen (kind INTEGER, key BLOB, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;"
    "INSERT INTO seen SELECT kind, key FROM live UNION SELECT kind, key FROM past;"
    "CREATE INDEX live_note ON live (note);",
    NULL,
};

enum { OLD, NEW, WRONG, COUNTS };

/* The store before, and the record of a migration that nothing disturbed. */
struct old {
    bool first; /* of schema 1, migrated to today's; no firealarm that stops there can be run */
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
        (!asks_zero("SELECT count(*) FROM live WHERE note != hex(mac)") ||
         !asks_zero("SELECT (SELECT count(*) FROM seen) - (SELECT count(*) FROM live)"
                    " - (SELECT count(*) FROM past)"))) {
        verdict = VERDICT_HALF;
        snprintf(text, 400, "the new schema is not whole");
    }
    rig_done(&rig);
    fake_disk_done(&copy);
    return verdict == VERDICT_KEPT;
}

/* The schema the disk's database says it has; 0: it says nothing. */
static int version_of(const struct fake_disk *disk)
{
    struct fake_disk copy;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    fake_disk_copy(disk, &copy);
    fake_disk_use(&copy);
    int version = 0;
    if (sqlite3_open_v2(DB, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        version = sqlite3_column_int(stmt, 0);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    fake_disk_done(&copy);
    return version;
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
    snprintf(path, sizeof path, DB ".schema%d", old->first ? 1 : rig_schema());
    bool whole = fake_disk_file(&back, path) != NULL;
    if (whole) {
        fake_rename(path, DB);
        fake_remove(WAL);
        whole = (!old->first || version_of(&back) == 1) && reads(old, &back, NULL, &code, text);
    }
    fake_disk_done(&back);
    return whole;
}

/* Of a store of schema 1: is it old, or new with a copy of the old? */
static void judge_first(const struct old *old, const struct fake_disk *disk, size_t number,
                        long *counts)
{
    char text[400];
    int code = 0, version = version_of(disk);
    if (version == 1) {
        parallel_add(&counts[OLD], 1);
    } else if (version == rig_schema()) {
        parallel_add(&counts[NEW], 1);
        if (!copy_reads(old, disk, text)) {
            wrong(number, counts, "the copy", text);
        }
    } else {
        wrong(number, counts, "the schema", "neither old nor new");
    }
    if (!reads(old, disk, NULL, &code, text)) {
        wrong(number, counts, "the new firealarm", text);
    }
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
static int migrate(const struct old *old)
{
    struct rig rig;
    rig_migrations(old->first ? NULL : next_steps);
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
        (void)migrate(old);
    } else {
        uint64_t random = fake_mix(number);
        fake_disk_image(&old->migrated, random % (old->migrated.op_count + 1), random, &disk);
    }
    (old->first ? judge_first : judge)(old, &disk, number, counts);
    fake_disk_done(&disk);
}

static void exec(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

static int32_t copy_entry(void *ctx, const struct firealarm_entry *entry)
{
    sqlite3_stmt *stmt = ctx;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)entry->n);
    sqlite3_bind_int64(stmt, 2, entry->time);
    sqlite3_bind_blob(stmt, 3, entry->body.len > 0 ? entry->body.ptr : "", (int)entry->body.len,
                      SQLITE_TRANSIENT);
    sqlite3_bind_blob(stmt, 4, entry->chain, sizeof entry->chain, SQLITE_TRANSIENT);
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    return sqlite3_reset(stmt);
}

static void copy_rows(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *get = NULL, *put = NULL;
    const char *select = "SELECT kind, key, 1, time, value, mac FROM live "
                         "UNION ALL SELECT kind, key, 0, time, value, mac FROM past";
    assert_int_equal(sqlite3_prepare_v2(from, select, -1, &get, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(to,
                                        "INSERT INTO row (kind, key, live, time, value, mac) "
                                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                                        -1, &put, NULL),
                     SQLITE_OK);
    while (sqlite3_step(get) == SQLITE_ROW) {
        for (int i = 0; i < 6; i++) {
            sqlite3_bind_value(put, i + 1, sqlite3_column_value(get, i));
        }
        assert_int_equal(sqlite3_step(put), SQLITE_DONE);
        sqlite3_reset(put);
    }
    sqlite3_finalize(get);
    sqlite3_finalize(put);
}

/* Puts what the closed store holds into one of schema 1, as the first firealarm wrote it. */
static void make_first(struct old *old)
{
    struct rig *rig = &old->work.rig;
    struct firealarm_error error;
    void *self = NULL;
    sqlite3 *to = NULL;
    sqlite3_stmt *append = NULL;
    char head[120];
    int version = 0;
    assert_int_equal(firealarm_store.open(&rig->host, &rig->settings, &self, &error), 0);
    assert_int_equal(sqlite3_open_v2(FAKE_STORE "/first.db", &to,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
                     SQLITE_OK);
    exec(to, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; BEGIN");
    exec(to, sqlite_migrations(&version)[0]);
    copy_rows(rig_connection(), to);
    assert_int_equal(
        sqlite3_prepare_v2(to, "INSERT INTO journal VALUES (?1, ?2, ?3, ?4)", -1, &append, NULL),
        SQLITE_OK);
    assert_int_equal(firealarm_store.journal(self, 1, UINT32_MAX, copy_entry, append, &error), 0);
    sqlite3_finalize(append);
    snprintf(head, sizeof head, "PRAGMA application_id = %d; PRAGMA user_version = 1; COMMIT",
             0x46414c4d);
    exec(to, head);
    sqlite3_close(to);
    firealarm_store.close(self);
    fake_remove(WAL);
    fake_rename(FAKE_STORE "/first.db", DB);
}

static void make_old(struct old *old, bool first, bool killed)
{
    *old = (struct old){.first = first, .disk = {.random = 3}};
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
    if (first) {
        make_first(old);
    }
    fake_disk_reset_calls(&old->disk);
    fake_disk_copy(&old->disk, &old->migrated);
    fake_disk_use(&old->migrated);
    old->migrated.no_dir_syncs = killed; /* SQLite's own: the plugin's must do */
    fake_disk_record(&old->migrated);
    struct rig rig;
    rig_migrations(first ? NULL : next_steps);
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
    for (int way = 0; way < 3; way++) {
        long counts[COUNTS];
        struct old old;
        make_old(&old, way == 2, way == 1);
        old.spread = promise_tries(&spreads);
        size_t all = old.calls / old.spread * 3 + promise_tries(&sizes) / 3;
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
    make_old(&old, false, true);
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

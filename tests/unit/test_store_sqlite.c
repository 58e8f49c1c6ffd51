/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_sqlite_static fa_host PkgConfig::SQLITE3 */
/* What is particular to the SQLite store: its lock, its settings, what it refuses to open, and a
 * disk that fills up. */
#include "fa_test.h"
#include "host/plugins.h"
#include "tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

const char *const *sqlite_migrations(int *ret_version); /* the plugin's */

struct fixture {
    struct tmpdir dir;
    struct firealarm_value values[3]; /* path, ballast, allow_unsafe_fs */
    struct firealarm_settings settings;
    struct firealarm_host host;
    struct firealarm_error error;
};

static void use_path(struct fixture *fixture, const char *path)
{
    fixture->values[0].text = (struct firealarm_text){path, strlen(path)};
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    tmpdir_make(&fixture->dir);
    use_path(fixture, fixture->dir.path);
    fixture->values[1].number = 65536;
    fixture->values[2].number = 1;
    fixture->settings = (struct firealarm_settings){"main", fixture->values, 3};
    fixture->host = fa_host_table(NULL, NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    (void)umount(fixture->dir.path); /* of the tests that mounted something */
    tmpdir_remove(&fixture->dir);
    free(fixture);
    return 0;
}

static int32_t open_store(struct fixture *fixture, void **ret_self)
{
    fixture->error.text[0] = '\0';
    *ret_self = NULL;
    return firealarm_store.open(&fixture->host, &fixture->settings, ret_self, &fixture->error);
}

static void *must_open(struct fixture *fixture)
{
    void *self = NULL;
    if (open_store(fixture, &self) != 0) {
        fail_msg("%s", fixture->error.text);
    }
    return self;
}

/* One row of `bytes` in a transaction of its own. */
static int32_t put_one(struct fixture *fixture, void *self, int i, size_t bytes)
{
    char key[16], *value = calloc(1, bytes + 1);
    assert_non_null(value);
    memset(value, 'v', bytes);
    snprintf(key, sizeof key, "k%06d", i);
    struct firealarm_row row = {
        .kind = 1, .live = 1, .time = i, .key = {key, strlen(key)}, .value = {value, bytes}};
    int32_t rc = firealarm_store.begin(self, &fixture->error);
    if (rc == 0) {
        rc = firealarm_store.put(self, &row, &fixture->error);
    }
    if (rc == 0) {
        rc = firealarm_store.commit(self, &fixture->error);
    }
    if (rc != 0) {
        firealarm_store.rollback(self);
    } else {
        assert_int_equal(firealarm_store.tidy(self, &fixture->error), 0);
    }
    free(value);
    return rc;
}

static int32_t count_row(void *ctx, const struct firealarm_row *row)
{
    ++*(int *)ctx;
    return 0;
}

static int32_t ignore_row(void *ctx, const struct firealarm_row *row)
{
    return 0;
}

static int32_t ignore_entry(void *ctx, const struct firealarm_entry *entry)
{
    return 0;
}

static int count_rows(struct fixture *fixture, void *self)
{
    int count = 0;
    assert_int_equal(firealarm_store.load(self, count_row, ignore_entry, &count, &fixture->error),
                     0);
    return count;
}

/* Runs SQL as a stranger would, while no store is open. */
static void edit(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(tmpdir_file(&fixture->dir, "firealarm.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
    sqlite3_close(db);
}

static void a_second_daemon_is_told_the_pid_of_the_first(void **state)
{
    struct fixture *fixture = *state;
    int ready[2], done[2];
    char byte = 0, words[64];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) {
        void *self = NULL;
        byte = open_store(fixture, &self) == 0;
        (void)!write(ready[1], &byte, 1);
        (void)!read(done[0], &byte, 1);
        _exit(0); /* without closing: the kernel frees the lock */
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    void *self = NULL;
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_BUSY);
    snprintf(words, sizeof words, "is held by process %d", (int)child);
    assert_contains(fixture->error.text, words);
    assert_contains(fixture->error.text, fixture->dir.path);
    assert_int_equal(write(done[1], "x", 1), 1);
    waitpid(child, NULL, 0);
    self = must_open(fixture);
    firealarm_store.close(self);
    close(ready[0]), close(ready[1]), close(done[0]), close(done[1]);
}

/* Opening and closing the database's file drops SQLite's own locks; ours must hold. */
static void the_lock_survives_somebody_opening_the_file(void **state)
{
    struct fixture *fixture = *state;
    void *self = must_open(fixture);
    int fd = open(tmpdir_file(&fixture->dir, "firealarm.db"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    close(fd);
    void *second = NULL;
    assert_int_equal(open_store(fixture, &second), FIREALARM_STORE_BUSY);
    firealarm_store.close(self);
}

static void another_program_holding_the_database_is_busy_too(void **state)
{
    struct fixture *fixture = *state;
    void *self = must_open(fixture);
    firealarm_store.close(self);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(tmpdir_file(&fixture->dir, "firealarm.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_BUSY);
    assert_contains(fixture->error.text, "locked");
    sqlite3_close(db);
}

static void files_are_private_whatever_the_umask(void **state)
{
    struct fixture *fixture = *state;
    static const char *const files[] = {"firealarm.db", "firealarm.db-wal", "lock", "ballast"};
    mode_t old = umask(0);
    void *self = must_open(fixture);
    assert_int_equal(firealarm_store.reserve(self, 1, &fixture->error), 0);
    assert_int_equal(put_one(fixture, self, 1, 10), 0);
    umask(old);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct stat st;
        assert_int_equal(stat(tmpdir_file(&fixture->dir, files[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_int_not_equal(access(tmpdir_file(&fixture->dir, "firealarm.db-shm"), F_OK), 0);
    firealarm_store.close(self);
}

static void a_newer_schema_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    void *self = must_open(fixture);
    assert_int_equal(put_one(fixture, self, 1, 10), 0);
    firealarm_store.close(self);
    edit(fixture, "PRAGMA user_version = 99");
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_NEWER);
    assert_contains(fixture->error.text, "schema 99 is newer than this firealarm's (3)");
    assert_null(self);
    edit(fixture, "PRAGMA user_version = 3");
    self = must_open(fixture);
    assert_int_equal(count_rows(fixture, self), 1);
    firealarm_store.close(self);
}

struct entries {
    uint64_t first, count;
    bool bad;
};

/* Entry n has n bytes (modulo 7) of body, time 10 n and a chain of bytes n. */
static int32_t check_entry(void *ctx, const struct firealarm_entry *entry)
{
    struct entries *seen = ctx;
    uint8_t chain[FIREALARM_STORE_MAC_BYTES];
    memset(chain, (int)(entry->n & 255), sizeof chain);
    seen->first = seen->count == 0 ? entry->n : seen->first;
    seen->bad = seen->bad || entry->n != seen->first + seen->count ||
                entry->time != (int64_t)entry->n * 10 || entry->body.len != entry->n % 7 ||
                memcmp(entry->chain, chain, sizeof chain) != 0;
    seen->count++;
    return 0;
}

static void append_entries(struct fixture *fixture, void *self, uint64_t from, uint64_t to)
{
    assert_int_equal(firealarm_store.begin(self, &fixture->error), 0);
    for (uint64_t n = from; n <= to; n++) {
        struct firealarm_entry entry = {
            .n = n, .time = (int64_t)n * 10, .body = {"abcdefg", (size_t)(n % 7)}};
        memset(entry.chain, (int)(n & 255), sizeof entry.chain);
        assert_int_equal(firealarm_store.append(self, &entry, &fixture->error), 0);
    }
    assert_int_equal(firealarm_store.commit(self, &fixture->error), 0);
}

static void must_read_entries(struct fixture *fixture, void *self, uint64_t from, uint32_t limit,
                              uint64_t expect)
{
    struct entries seen = {0};
    assert_int_equal(
        firealarm_store.journal(self, from, limit, check_entry, &seen, &fixture->error), 0);
    assert_false(seen.bad);
    assert_int_equal(seen.count, expect);
    assert_true(expect == 0 || seen.first == from);
}

static void entries_of_one_transaction_come_back_one_by_one(void **state)
{
    struct fixture *fixture = *state;
    void *self = must_open(fixture);
    append_entries(fixture, self, 1, 1);
    append_entries(fixture, self, 2, 2500); /* more than one page holds */
    append_entries(fixture, self, 2501, 2503);
    firealarm_store.close(self);
    self = must_open(fixture);
    for (uint64_t from = 1; from <= 2503; from += from < 5 || from > 2490 ? 1 : 311) {
        must_read_entries(fixture, self, from, 1, 1);
        must_read_entries(fixture, self, from, 5000, 2504 - from);
    }
    must_read_entries(fixture, self, 1, 500, 500);
    must_read_entries(fixture, self, 2504, 10, 0);
    struct entries head = {0};
    assert_int_equal(firealarm_store.load(self, ignore_row, check_entry, &head, &fixture->error),
                     0);
    assert_int_equal(head.first, 2503);
    assert_int_equal(head.count, 1);
    append_entries(fixture, self, 2504, 2504);
    firealarm_store.close(self);
}

static int32_t see_time(void *ctx, const struct firealarm_row *row)
{
    *(int64_t *)ctx = row->live == 1 ? row->time : -row->time;
    return 0;
}

/* times[i]: of row i, which is live; its negative: it is history; 0: it is not there. */
static void must_be(struct fixture *fixture, void *self, const int64_t *times, int count)
{
    int live = 0;
    for (int i = 0; i < count; i++) {
        char key[16];
        int64_t time = 0;
        snprintf(key, sizeof key, "k%d", i);
        live += times[i] > 0;
        int32_t rc = firealarm_store.get(self, 1, (struct firealarm_text){key, strlen(key)},
                                         see_time, &time, &fixture->error);
        assert_int_equal(rc, times[i] != 0 ? 0 : FIREALARM_STORE_NOT_FOUND);
        assert_int_equal(time, times[i]);
    }
    assert_int_equal(count_rows(fixture, self), live);
}

static void change_some(struct fixture *fixture, void *self, int64_t *times, int count)
{
    static int64_t time;
    assert_int_equal(firealarm_store.begin(self, &fixture->error), 0);
    for (int step = 0; step < 400; step++) {
        char key[16];
        int i = rand() % count, what = rand() % 4;
        snprintf(key, sizeof key, "k%d", i);
        struct firealarm_row row = {.kind = 1,
                                    .live = what != 1,
                                    .time = ++time,
                                    .key = {key, strlen(key)},
                                    .value = {"v", 1}};
        times[i] = what == 0 ? 0 : what == 1 ? -time : time;
        assert_int_equal(what == 0 ? firealarm_store.erase(self, 1, row.key, &fixture->error)
                                   : firealarm_store.put(self, &row, &fixture->error),
                         0);
    }
}

static void rows_are_found_again_after_any_changes_and_rollbacks(void **state)
{
    enum { COUNT = 500 };
    struct fixture *fixture = *state;
    static int64_t times[COUNT], before[COUNT];
    void *self = must_open(fixture);
    srand(7);
    for (int round = 0; round < 40; round++) {
        memcpy(before, times, sizeof times);
        change_some(fixture, self, times, COUNT);
        if (round % 4 == 1) {
            firealarm_store.rollback(self);
            memcpy(times, before, sizeof times);
        } else {
            assert_int_equal(firealarm_store.commit(self, &fixture->error), 0);
        }
        if (round % 4 == 3) {
            firealarm_store.close(self);
            self = must_open(fixture);
        }
        if (round % 2 == 0) {
            must_be(fixture, self, times, COUNT);
        }
    }
    firealarm_store.close(self);
}

static void a_live_row_that_is_there_twice_is_damage(void **state)
{
    struct fixture *fixture = *state;
    void *self = must_open(fixture);
    assert_int_equal(put_one(fixture, self, 1, 10), 0);
    firealarm_store.close(self);
    edit(fixture, "INSERT INTO live (kind, key, time, value, mac)"
                  " SELECT kind, key, time, value, mac FROM live");
    self = must_open(fixture);
    int count = 0;
    assert_int_equal(firealarm_store.load(self, count_row, ignore_entry, &count, &fixture->error),
                     FIREALARM_STORE_CORRUPT);
    assert_int_equal(count, 0);
    assert_int_equal(put_one(fixture, self, 2, 10), FIREALARM_STORE_CORRUPT);
    firealarm_store.close(self);
}

static void put_row(struct fixture *fixture, void *self, uint32_t kind, const char *key,
                    uint32_t live)
{
    struct firealarm_row row = {
        .kind = kind, .live = live, .key = {key, strlen(key)}, .value = {"v", 1}};
    assert_int_equal(firealarm_store.put(self, &row, &fixture->error), 0);
}

/* That there is no history of a kind is remembered, but not from what was taken back. */
static void a_closed_row_that_lives_again_is_in_one_place(void **state)
{
    struct fixture *fixture = *state;
    for (int rolled_back = 0; rolled_back < 2; rolled_back++) {
        uint32_t kind = 5 + (uint32_t)rolled_back;
        int history = 0;
        void *self = must_open(fixture);
        assert_int_equal(firealarm_store.begin(self, &fixture->error), 0);
        put_row(fixture, self, kind, "a", 0);
        assert_int_equal(firealarm_store.commit(self, &fixture->error), 0);
        for (int again = rolled_back; again >= 0; again--) {
            assert_int_equal(firealarm_store.begin(self, &fixture->error), 0);
            put_row(fixture, self, kind, "a", 1);
            put_row(fixture, self, kind, "b", 1); /* none of this kind is past now */
            if (again > 0) {
                firealarm_store.rollback(self);
            } else {
                assert_int_equal(firealarm_store.commit(self, &fixture->error), 0);
            }
        }
        assert_int_equal(firealarm_store.query(self, kind, INT64_MAX,
                                               (struct firealarm_text){"", 0}, 10, count_row,
                                               &history, &fixture->error),
                         0);
        assert_int_equal(history, 0);
        assert_int_equal(count_rows(fixture, self), 2 + rolled_back);
        assert_int_equal(firealarm_store.begin(self, &fixture->error), 0);
        put_row(fixture, self, kind, "b", 0);
        put_row(fixture, self, kind, "b", 0);
        assert_int_equal(firealarm_store.commit(self, &fixture->error), 0);
        assert_int_equal(count_rows(fixture, self), 1 + rolled_back);
        firealarm_store.close(self);
    }
}

/* A storm of either must not write all over an index. */
static void neither_live_rows_nor_ended_ones_are_in_the_order_of_keys(void **state)
{
    static const char *const fine[] = {"past (kind, key) WHERE ended = 0",
                                       "past (kind, time, key)"};
    struct fixture *fixture = *state;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int indexes = 0;
    firealarm_store.close(must_open(fixture));
    assert_int_equal(sqlite3_open(tmpdir_file(&fixture->dir, "firealarm.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema WHERE type = 'index'", -1, &stmt, 0),
        SQLITE_OK);
    for (; sqlite3_step(stmt) == SQLITE_ROW; indexes++) {
        const char *sql = (const char *)sqlite3_column_text(stmt, 0);
        assert_non_null(sql);
        assert_true(strstr(sql, fine[0]) != NULL || strstr(sql, fine[1]) != NULL);
    }
    assert_int_equal(indexes, 2);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void a_newest_page_that_has_rotted_still_tells_where_the_journal_ends(void **state)
{
    struct fixture *fixture = *state;
    void *self = must_open(fixture);
    append_entries(fixture, self, 1, 3);
    append_entries(fixture, self, 4, 6);
    firealarm_store.close(self);
    /* The length of entry 4's body is beyond all there is. */
    edit(fixture, "UPDATE journal SET body = CAST(substr(body, 1, 8) || x'ffffff00' ||"
                  " substr(body, 13) AS BLOB) WHERE n = 4");
    self = must_open(fixture);
    struct entries head = {0}, none = {0};
    assert_int_equal(firealarm_store.load(self, ignore_row, check_entry, &head, &fixture->error),
                     0);
    assert_int_equal(head.first, 6);
    assert_int_equal(head.count, 1);
    assert_true(head.bad); /* it has no body */
    assert_int_equal(firealarm_store.journal(self, 4, 9, check_entry, &none, &fixture->error),
                     FIREALARM_STORE_CORRUPT);
    must_read_entries(fixture, self, 1, 3, 3);
    append_entries(fixture, self, 7, 8);
    must_read_entries(fixture, self, 7, 9, 2);
    firealarm_store.close(self);
}

static void a_store_of_schema_1_is_taken_over(void **state)
{
    struct fixture *fixture = *state;
    edit(fixture, "PRAGMA application_id = 1178684493; PRAGMA user_version = 1;"
                  "CREATE TABLE row (kind INTEGER NOT NULL, key BLOB NOT NULL,"
                  " live INTEGER NOT NULL CHECK (live IN (0, 1)), time INTEGER NOT NULL,"
                  " value BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32),"
                  " PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;"
                  "CREATE INDEX row_live ON row (kind, key) WHERE live = 1;"
                  "CREATE INDEX row_history ON row (kind, time, key) WHERE live = 0;"
                  "CREATE TABLE journal (n INTEGER NOT NULL PRIMARY KEY CHECK (n > 0),"
                  " time INTEGER NOT NULL, body BLOB NOT NULL,"
                  " chain BLOB NOT NULL CHECK (length(chain) = 32)) STRICT;"
                  "INSERT INTO row VALUES (1, x'6b', 1, 5, x'76', zeroblob(32)),"
                  " (2, x'6b', 1, 4, x'77', zeroblob(32)), (2, x'6c', 0, 3, x'78', zeroblob(32));"
                  "INSERT INTO journal VALUES (1, 10, x'61',"
                  " x'0101010101010101010101010101010101010101010101010101010101010101'),"
                  " (2, 20, x'6162',"
                  " x'0202020202020202020202020202020202020202020202020202020202020202');");
    void *self = must_open(fixture);
    int history = 0;
    assert_int_equal(count_rows(fixture, self), 2);
    assert_int_equal(firealarm_store.query(self, 2, INT64_MAX, (struct firealarm_text){"", 0}, 10,
                                           count_row, &history, &fixture->error),
                     0);
    assert_int_equal(history, 1);
    append_entries(fixture, self, 3, 6);
    must_read_entries(fixture, self, 1, 10, 6);
    must_read_entries(fixture, self, 2, 2, 2);
    firealarm_store.close(self);
}

static void a_store_of_schema_2_is_taken_over(void **state)
{
    struct fixture *fixture = *state;
    int version = 0, history = 0;
    const char *const *steps = sqlite_migrations(&version);
    edit(fixture, steps[0]);
    edit(fixture, steps[1]);
    edit(fixture, "PRAGMA application_id = 1178684493; PRAGMA user_version = 2;"
                  "INSERT INTO row VALUES (3, 1, x'6b', 1, 5, x'76', zeroblob(32)),"
                  " (5, 2, x'6b', 1, 4, x'77', zeroblob(32)),"
                  " (8, 2, x'6c', 0, 3, x'78', zeroblob(32)),"
                  " (9, 2, x'6d', 2, 2, x'79', zeroblob(32));");
    void *self = must_open(fixture);
    assert_int_equal(count_rows(fixture, self), 2);
    assert_int_equal(firealarm_store.query(self, 2, INT64_MAX, (struct firealarm_text){"", 0}, 10,
                                           count_row, &history, &fixture->error),
                     0);
    assert_int_equal(history, 2);
    assert_int_equal(put_one(fixture, self, 1, 10), 0);
    firealarm_store.close(self);
    self = must_open(fixture);
    assert_int_equal(count_rows(fixture, self), 3);
    firealarm_store.close(self);
}

/* As a CHECK with IN would: a table of its own in memory for each row. */
static void writing_a_row_makes_no_table(void **state)
{
    static const char *const writes[] = {
        "INSERT INTO live (kind, time, key, value, mac) VALUES (?1, ?2, ?3, ?4, ?5)",
        "UPDATE live SET time = ?1, value = ?2, mac = ?3 WHERE id = ?4 AND kind = ?5 AND key = ?6",
        "DELETE FROM live WHERE id = ?1 AND kind = ?2 AND key = ?3",
        "INSERT INTO past (kind, ended, time, key, value, mac) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        "INSERT INTO journal (n, time, body, chain, count) VALUES (?1, ?2, ?3, ?4, ?5)",
    };
    struct fixture *fixture = *state;
    sqlite3 *db = NULL;
    firealarm_store.close(must_open(fixture));
    assert_int_equal(sqlite3_open(tmpdir_file(&fixture->dir, "firealarm.db"), &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char sql[160];
        sqlite3_stmt *stmt = NULL;
        int steps = 0;
        snprintf(sql, sizeof sql, "EXPLAIN %s", writes[i]);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        for (; sqlite3_step(stmt) == SQLITE_ROW; steps++) {
            assert_null(strstr((const char *)sqlite3_column_text(stmt, 1), "Ephemeral"));
        }
        assert_true(steps > 10);
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
}

static void a_database_of_another_program_is_refused(void **state)
{
    struct fixture *fixture = *state;
    void *self = NULL;
    edit(fixture, "CREATE TABLE theirs (x)");
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_FAILED);
    assert_contains(fixture->error.text, "belongs to another program");
    edit(fixture, "PRAGMA application_id = 7");
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_FAILED);
    assert_contains(fixture->error.text, "belongs to another program");
}

/* Every row in it verifies: that is not what was tampered with. */
static void tables_that_somebody_changed_are_refused(void **state)
{
    static const struct {
        const char *change, *back;
    } cases[] = {
        {"CREATE TRIGGER t AFTER INSERT ON journal BEGIN DELETE FROM live; END", "DROP TRIGGER t"},
        {"CREATE TEMP TABLE x (y); CREATE VIEW v AS SELECT 1", "DROP VIEW v"},
        {"CREATE TABLE more (x)", "DROP TABLE more"},
        {"CREATE UNIQUE INDEX one ON live (kind)", "DROP INDEX one"},
        {"DROP INDEX past_time", "CREATE INDEX past_time ON past (kind, time, key)"},
        {"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (n > 0)',"
         " 'ON CONFLICT IGNORE CHECK (n > 0)') WHERE name = 'journal'",
         "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql,"
         " 'ON CONFLICT IGNORE ', '') WHERE name = 'journal'"},
    };
    struct fixture *fixture = *state;
    void *self = must_open(fixture);
    assert_int_equal(put_one(fixture, self, 1, 10), 0);
    firealarm_store.close(self);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        edit(fixture, cases[i].change);
        if (open_store(fixture, &self) != FIREALARM_STORE_CORRUPT) {
            fail_msg("taken: %s", cases[i].change);
        }
        assert_contains(fixture->error.text, "somebody changed it");
        edit(fixture, cases[i].back);
        self = must_open(fixture);
        assert_int_equal(count_rows(fixture, self), 1);
        firealarm_store.close(self);
    }
}

static void a_damaged_file_is_refused_and_stays_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    void *self = NULL;
    tmpdir_write(&fixture->dir, "firealarm.db",
                 "this is a text of some length and certainly no database, none at all, not even a "
                 "small one with only a few tables in it; it goes on for a little while longer",
                 0600);
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_CORRUPT);
    assert_contains(fixture->error.text, "not a database");
    char text[16] = "";
    int fd = open(tmpdir_file(&fixture->dir, "firealarm.db"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, 14), 14);
    assert_string_equal(text, "this is a text");
    close(fd);
}

static void damage_within_the_tree_is_seen_at_start(void **state)
{
    struct fixture *fixture = *state;
    void *self = must_open(fixture);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(put_one(fixture, self, i, 500), 0);
    }
    firealarm_store.close(self);
    int fd = open(tmpdir_file(&fixture->dir, "firealarm.db"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    char zeros[4096] = {0};
    for (off_t page = 2; page < 20; page++) {
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, page * 4096), sizeof zeros);
    }
    close(fd);
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_CORRUPT);
    assert_true(strlen(fixture->error.text) > 0);
}

static void the_directory_must_be_there_and_writable(void **state)
{
    struct fixture *fixture = *state;
    void *self = NULL;
    use_path(fixture, "/nonexistent/firealarm");
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_FAILED);
    assert_contains(fixture->error.text, "/nonexistent/firealarm: No such file");
    assert_contains(fixture->error.text, "StateDirectory=");
    use_path(fixture, "/etc/passwd");
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_FAILED);
    assert_contains(fixture->error.text, "Not a directory");
    use_path(fixture, "relative");
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_FAILED);
    assert_contains(fixture->error.text, "path must be absolute");
    use_path(fixture, "/proc/self/task"); /* a directory in which nobody makes a file */
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_FAILED);
    assert_contains(fixture->error.text, "/proc/self/task/lock: ");
}

static void nothing_counts_as_kept_once_the_files_are_gone(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"firealarm.db", "firealarm.db-wal", "lock"};
    char path[4400], away[4400];
    snprintf(away, sizeof away, "%s.away", fixture->dir.path);
    for (size_t i = 0; i < 3; i++) {
        void *self = must_open(fixture);
        assert_int_equal(put_one(fixture, self, 1, 10), 0);
        snprintf(path, sizeof path, "%s/%s", fixture->dir.path, names[i]);
        assert_int_equal(rename(path, away), 0);
        assert_int_equal(put_one(fixture, self, 2, 10), FIREALARM_STORE_UNKNOWN);
        assert_contains(fixture->error.text, names[i]);
        assert_int_equal(rename(away, path), 0);
        firealarm_store.close(self);
    }
    void *self = must_open(fixture);
    assert_int_equal(rename(fixture->dir.path, away), 0);
    assert_int_equal(mkdir(fixture->dir.path, 0700), 0);
    assert_int_equal(put_one(fixture, self, 3, 10), FIREALARM_STORE_UNKNOWN);
    assert_contains(fixture->error.text, "moved away");
    assert_int_equal(rmdir(fixture->dir.path), 0);
    assert_int_equal(rename(away, fixture->dir.path), 0);
    firealarm_store.close(self);
}

static void a_symbolic_link_is_not_followed(void **state)
{
    struct fixture *fixture = *state;
    void *self = NULL;
    assert_int_equal(symlink("/etc/passwd", tmpdir_file(&fixture->dir, "lock")), 0);
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_FAILED);
    assert_contains(fixture->error.text, "/lock: ");
}

static int32_t count_entry(void *ctx, const struct firealarm_entry *entry)
{
    ++*(int *)ctx;
    return 0;
}

static void the_wal_is_moved_into_the_database_as_it_grows(void **state)
{
    struct fixture *fixture = *state;
    struct stat wal;
    void *self = must_open(fixture);
    for (int i = 0; i < 600; i++) {
        assert_int_equal(put_one(fixture, self, i, 6000), 0);
    }
    assert_int_equal(stat(tmpdir_file(&fixture->dir, "firealarm.db-wal"), &wal), 0);
    assert_true(wal.st_size < 3 << 20); /* about 5 MB went through it */
    firealarm_store.close(self);
    self = must_open(fixture);
    int count = 0;
    assert_int_equal(count_rows(fixture, self), 600);
    assert_int_equal(firealarm_store.journal(self, 1, 5, count_entry, &count, &fixture->error), 0);
    assert_int_equal(count, 0);
    firealarm_store.close(self);
}

static void the_ballast_is_real_and_given_up_on_request(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;
    void *self = must_open(fixture);
    assert_int_equal(firealarm_store.reserve(self, 1, &fixture->error), 0);
    assert_int_equal(stat(tmpdir_file(&fixture->dir, "ballast"), &st), 0);
    assert_int_equal(st.st_size, 65536);
    assert_true((long long)st.st_blocks * 512 >= 65536);
    assert_int_equal(firealarm_store.reserve(self, 0, &fixture->error), 0);
    assert_int_not_equal(stat(tmpdir_file(&fixture->dir, "ballast"), &st), 0);
    assert_int_equal(firealarm_store.reserve(self, 0, &fixture->error), FIREALARM_STORE_NOT_FOUND);
    firealarm_store.close(self);
    fixture->values[1].number = 0;
    self = must_open(fixture);
    assert_int_equal(firealarm_store.reserve(self, 1, &fixture->error), 0);
    assert_int_not_equal(stat(tmpdir_file(&fixture->dir, "ballast"), &st), 0);
    firealarm_store.close(self);
}

/* An SQLite that takes one setting for granted and ignores it. */
static const char *ignored;

static int ignore_setting(void *ctx, int action, const char *name, const char *value,
                          const char *database, const char *trigger)
{
    return action == SQLITE_PRAGMA && value != NULL && strcmp(name, ignored) == 0 ? SQLITE_IGNORE
                                                                                  : SQLITE_OK;
}

static int make_stubborn(sqlite3 *db, char **ret_message, const void *api)
{
    sqlite3_exec(db,
                 "PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF;"
                 "PRAGMA mmap_size = 65536; PRAGMA busy_timeout = 50",
                 NULL, NULL, NULL);
    return sqlite3_set_authorizer(db, ignore_setting, NULL);
}

static void no_setting_is_believed_before_it_was_read_back(void **state)
{
    struct fixture *fixture = *state;
    static const char *const settings[] = {
        "cell_size_check",    "temp_store",   "foreign_keys",       "secure_delete",
        "journal_mode",       "synchronous",  "locking_mode",       "mmap_size",
        "wal_autocheckpoint", "busy_timeout", "journal_size_limit",
    };
    void *self = NULL;
    sqlite3_auto_extension((void (*)(void))make_stubborn);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        ignored = settings[i];
        if (open_store(fixture, &self) != FIREALARM_STORE_FAILED) {
            fail_msg("%s was believed", settings[i]);
        }
        assert_contains(fixture->error.text, "did not take effect");
        if (strcmp(ignored, "locking_mode") != 0) {
            assert_contains(fixture->error.text, settings[i]);
        }
    }
    ignored = "none";
    self = must_open(fixture);
    firealarm_store.close(self);
    sqlite3_reset_auto_extension();
}

/* A small tmpfs over the test's directory; false (and said) where that is not allowed. */
static bool mount_small(struct fixture *fixture, const char *what)
{
    if (mount("tmpfs", fixture->dir.path, "tmpfs", 0, "size=1m") == 0) {
        return true;
    }
    print_message("%s: skipped, a tmpfs cannot be mounted here (%s)\n", what, strerror(errno));
    return false;
}

static void a_memory_file_system_needs_to_be_allowed(void **state)
{
    struct fixture *fixture = *state;
    if (!mount_small(fixture, __func__)) {
        skip();
    }
    void *self = NULL;
    fixture->values[2].number = 0;
    assert_int_equal(open_store(fixture, &self), FIREALARM_STORE_FAILED);
    assert_contains(fixture->error.text, "is on tmpfs, which can lose what was stored");
    assert_contains(fixture->error.text, "allow_unsafe_fs = true");
}

static void a_full_disk_loses_nothing_and_the_ballast_helps(void **state)
{
    struct fixture *fixture = *state;
    if (!mount_small(fixture, __func__)) {
        skip();
    }
    fixture->values[1].number = 256 * 1024;
    void *self = must_open(fixture);
    assert_int_equal(firealarm_store.reserve(self, 1, &fixture->error), 0);
    int i = 0;
    int32_t rc;
    while ((rc = put_one(fixture, self, i, 3000)) == 0) {
        i++;
        assert_true(i < 1000);
    }
    assert_int_equal(rc, FIREALARM_STORE_FULL);
    assert_true(i > 20);
    assert_int_equal(count_rows(fixture, self), i);
    assert_int_equal(put_one(fixture, self, i, 3000), FIREALARM_STORE_FULL);
    assert_int_equal(firealarm_store.reserve(self, 0, &fixture->error), 0);
    for (int more = 0; more < 4; more++, i++) {
        assert_int_equal(put_one(fixture, self, i, 3000), 0);
    }
    assert_int_equal(firealarm_store.reserve(self, 1, &fixture->error), FIREALARM_STORE_FULL);
    firealarm_store.close(self);
    self = must_open(fixture); /* a start on a nearly full disk */
    assert_int_equal(count_rows(fixture, self), i);
    firealarm_store.close(self);
}

/* Killed at any moment of the first start, the next one finds a new store or a whole one. */
static void a_first_start_that_is_killed_leaves_nothing_in_between(void **state)
{
    struct fixture *fixture = *state;
    for (useconds_t delay = 0; delay < 20000; delay += 1000) {
        pid_t child = fork();
        if (child == 0) {
            void *self = NULL;
            _exit(open_store(fixture, &self) != 0);
        }
        usleep(delay);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        void *self = must_open(fixture);
        assert_int_equal(put_one(fixture, self, 1, 10), 0);
        firealarm_store.close(self);
        unlink(tmpdir_file(&fixture->dir, "firealarm.db"));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_second_daemon_is_told_the_pid_of_the_first),
        TEST(the_lock_survives_somebody_opening_the_file),
        TEST(another_program_holding_the_database_is_busy_too),
        TEST(files_are_private_whatever_the_umask),
        TEST(a_newer_schema_is_left_alone),
        TEST(entries_of_one_transaction_come_back_one_by_one),
        TEST(rows_are_found_again_after_any_changes_and_rollbacks),
        TEST(a_live_row_that_is_there_twice_is_damage),
        TEST(neither_live_rows_nor_ended_ones_are_in_the_order_of_keys),
        TEST(a_newest_page_that_has_rotted_still_tells_where_the_journal_ends),
        TEST(a_store_of_schema_1_is_taken_over),
        TEST(a_store_of_schema_2_is_taken_over),
        TEST(writing_a_row_makes_no_table),
        TEST(a_closed_row_that_lives_again_is_in_one_place),
        TEST(a_database_of_another_program_is_refused),
        TEST(tables_that_somebody_changed_are_refused),
        TEST(a_damaged_file_is_refused_and_stays_as_it_is),
        TEST(damage_within_the_tree_is_seen_at_start),
        TEST(the_directory_must_be_there_and_writable),
        TEST(nothing_counts_as_kept_once_the_files_are_gone),
        TEST(a_symbolic_link_is_not_followed),
        TEST(the_wal_is_moved_into_the_database_as_it_grows),
        TEST(no_setting_is_believed_before_it_was_read_back),
        TEST(the_ballast_is_real_and_given_up_on_request),
        TEST(a_memory_file_system_needs_to_be_allowed),
        TEST(a_full_disk_loses_nothing_and_the_ballast_helps),
        TEST(a_first_start_that_is_killed_leaves_nothing_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

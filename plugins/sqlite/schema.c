/* SPDX-License-Identifier: MIT */
/* Opening the database: settings, checks, migrations.
 *
 * Invariants:
 *  1. No setting that durability rests on is believed: each is set and read back, and a store that
 *     does not obey is refused. (With synchronous=NORMAL a power loss takes acknowledged rows.)
 *  2. One connection, in exclusive mode: the corruption that two writers of one WAL can cause
 *     cannot happen, and there is no shared memory file.
 *  3. A database of another program or of a newer schema is not written to, not even its mode.
 *  4. A migration, of however many steps, and its version number are one transaction: killed
 *     anywhere, the schema is either old or new. Before it a copy of the old one is made, which is
 *     left for people: the version that wrote it reads it.
 *  5. The database is made of what the migrations make, and of nothing else. The MACs prove rows,
 * and not what would be done with the next: a copy that came back with a trigger or another CHECK
 * in it would verify, and lose what is put into it.
 *
 * It repairs nothing but indexes, which only repeat what their table says: other damage is reported
 * and left for people. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION_ID 0x46414c4d /* "FALM" */
/* How long the check at start may take before the store is trusted unread. */
#define CHECK_SECONDS 2

static const struct pragma {
    const char *set, *get, *expect;
} pragmas[] = {
    {"PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0"},
    {"PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1"},
    {"PRAGMA mmap_size = 0", "PRAGMA mmap_size", "0"},
    {"PRAGMA temp_store = MEMORY", "PRAGMA temp_store", "2"},
    {"PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1"},
    {"PRAGMA secure_delete = ON", "PRAGMA secure_delete", "1"},
    {"PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"},
    {"PRAGMA synchronous = FULL", "PRAGMA synchronous", "2"},
    {"PRAGMA wal_autocheckpoint = 256", "PRAGMA wal_autocheckpoint", "256"},
    {"PRAGMA journal_size_limit = 8388608", "PRAGMA journal_size_limit", "8388608"},
    {"PRAGMA cache_size = -1000", "PRAGMA cache_size", "-1000"},
    {"PRAGMA busy_timeout = 0", "PRAGMA busy_timeout", "0"},
};

/* Closing moves the WAL into the database, which writes and syncs. Not so where nothing is to be
 * touched (invariant 3), nor after a failure that leaves an outcome open: the next process finds
 * the WAL as it is on the disk. */
static void keep_wal(sqlite3 *db, int keep)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, NULL);
}

int32_t sqlite_fail_db(struct firealarm_error *error, sqlite3 *db, const char *doing)
{
    int code_of_system = errno;
    int extended = sqlite3_extended_errcode(db);
    int32_t code = FIREALARM_STORE_FAILED;
    switch (extended & 0xff) {
    case SQLITE_FULL:
        code = FIREALARM_STORE_FULL;
        break;
    case SQLITE_IOERR:
        code = FIREALARM_STORE_UNKNOWN;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        code = FIREALARM_STORE_CORRUPT;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = FIREALARM_STORE_BUSY;
        break;
    default:
        break;
    }
    /* SQLite knows a full disk, but takes a full quota for a broken one. What it keeps of errno it
     * does not keep at a commit; errno itself is still what the write left. */
    if (extended == SQLITE_IOERR_WRITE && code_of_system == EDQUOT) {
        code = FIREALARM_STORE_FULL;
    }
    sqlite_fail(error, code, "%s: %s (%d)", doing, sqlite3_errmsg(db), extended);
    if (code == FIREALARM_STORE_UNKNOWN || code == FIREALARM_STORE_CORRUPT) {
        keep_wal(db, 1);
    }
    return code;
}

/* The first column of the first row as text; an empty text when there is none. */
static int32_t ask(sqlite3 *db, const char *sql, char *buf, size_t size,
                   struct firealarm_error *error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    const unsigned char *text = rc == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
    snprintf(buf, size, "%s", text != NULL ? (const char *)text : "");
    int32_t code = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sqlite_fail_db(error, db, sql);
    sqlite3_finalize(stmt);
    return code;
}

static int32_t run(sqlite3 *db, const char *sql, struct firealarm_error *error)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                : sqlite_fail_db(error, db, sql);
}

static int32_t apply_pragmas(sqlite3 *db, struct firealarm_error *error)
{
    for (size_t i = 0; i < sizeof pragmas / sizeof pragmas[0]; i++) {
        char is[32];
        int32_t rc = run(db, pragmas[i].set, error);
        if (rc == 0) {
            rc = ask(db, pragmas[i].get, is, sizeof is, error);
        }
        if (rc != 0) {
            return rc;
        }
        if (strcmp(is, pragmas[i].expect) != 0) {
            return sqlite_fail(error, FIREALARM_STORE_FAILED,
                               "%s did not take effect (it is \"%s\"): this SQLite or file system "
                               "cannot keep what it is given",
                               pragmas[i].set, is);
        }
    }
    return 0;
}

static int32_t configure(sqlite3 *db, struct firealarm_error *error)
{
    int defensive = 0, trusted = 1, triggers = 1, views = 1;
    sqlite3_extended_result_codes(db, 1);
    keep_wal(db, 1);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    if (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, &defensive) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &trusted) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, &triggers) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, &views) != SQLITE_OK ||
        defensive != 1 || trusted != 0 || triggers != 0 || views != 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "this SQLite (%s) has no defensive mode",
                           sqlite3_libversion());
    }
    char is[32];
    int32_t rc = ask(db, "PRAGMA locking_mode = EXCLUSIVE", is, sizeof is, error);
    if (rc == 0 && strcmp(is, "exclusive") != 0) {
        rc = sqlite_fail(error, FIREALARM_STORE_FAILED, "exclusive locking did not take effect");
    }
    return rc;
}

static int32_t ask_number(sqlite3 *db, const char *sql, int *ret_number,
                          struct firealarm_error *error)
{
    char text[32];
    int32_t rc = ask(db, sql, text, sizeof text, error);
    if (rc == 0) {
        *ret_number = (int)strtol(text, NULL, 10);
    }
    return rc;
}

/* Is it ours, and not of a later firealarm? A new file is neither. */
static int32_t identify(sqlite3 *db, int *ret_version, struct firealarm_error *error)
{
    int id = 0, objects = 0, version = 0, newest = 0;
    (void)sqlite_migrations(&newest);
    int32_t rc = ask_number(db, "PRAGMA application_id", &id, error);
    if (rc == 0) {
        rc = ask_number(db, "SELECT count(*) FROM sqlite_schema", &objects, error);
    }
    if (rc == 0) {
        rc = ask_number(db, "PRAGMA user_version", &version, error);
    }
    if (rc != 0) {
        return rc;
    }
    if (id != APPLICATION_ID && (id != 0 || objects > 0)) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s belongs to another program", DB_FILE);
    }
    if (version > newest) {
        return sqlite_fail(error, FIREALARM_STORE_NEWER,
                           "schema %d is newer than this firealarm's (%d): install the version "
                           "that wrote it",
                           version, newest);
    }
    *ret_version = version;
    return 0;
}

static int64_t seconds_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

static int is_too_late(void *ctx)
{
    const int64_t *until = ctx;
    return seconds_now() >= *until;
}

/* Runs one of the checks; *ret_sound is its verdict. A large store is checked as far as the time
 * goes: rows carry MACs, so that this is not the only guard. */
static int32_t run_check(sqlite3 *db, const char *sql, bool *ret_sound,
                         struct firealarm_error *error)
{
    char is[160];
    int64_t until = seconds_now() + CHECK_SECONDS;
    sqlite3_progress_handler(db, 10000, is_too_late, &until);
    int32_t rc = ask(db, sql, is, sizeof is, error);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    if (rc != 0 && (sqlite3_errcode(db) & 0xff) == SQLITE_INTERRUPT) {
        *ret_sound = true;
        return 0;
    }
    *ret_sound = rc == 0 && strcmp(is, "ok") == 0;
    if (rc == 0 && !*ret_sound) {
        sqlite_fail(error, FIREALARM_STORE_CORRUPT, "%s is damaged: %s", DB_FILE, is);
    }
    return rc;
}

/* A table that is damaged is refused. An index that does not agree with its sound table only
 * repeats what the table says: it is made anew. Which of the two has rotted nobody can say here. */
static int32_t check_database(const struct firealarm_host *host, sqlite3 *db, bool *ret_doubtful,
                              struct firealarm_error *error)
{
    bool sound = false;
    int32_t rc = run_check(db, "PRAGMA quick_check(1)", &sound, error);
    if (rc != 0 || !sound) {
        return rc != 0 ? rc : FIREALARM_STORE_CORRUPT;
    }
    rc = run_check(db, "PRAGMA integrity_check(1)", &sound, error);
    if (rc != 0 || sound) {
        return rc;
    }
    *ret_doubtful = true;
    host->log(host->ctx, 4, "sqlite: an index is damaged and is made anew");
    rc = run(db, "REINDEX", error);
    if (rc == 0) {
        rc = run_check(db, "PRAGMA integrity_check(1)", &sound, error);
    }
    return rc == 0 && !sound ? FIREALARM_STORE_CORRUPT : rc;
}

/* Makes the file, before SQLite opens it, with a mode that no umask decides. SQLite gives its
 * other files the same one. */
static int32_t make_file(const struct dir *dir, const char *name, struct firealarm_error *error)
{
    int fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        close(fd);
    } else if (errno != EEXIST) {
        return sqlite_fail(error, errno == ENOSPC ? FIREALARM_STORE_FULL : FIREALARM_STORE_FAILED,
                           "%s/%s: %s", dir->path, name, strerror(errno));
    }
    if (fchmodat(dir->fd, name, 0600, 0) < 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s/%s: %s", dir->path, name,
                           strerror(errno));
    }
    return 0;
}

/* Makes the file if it is not there, and opens it. On failure *ret_db may still be something to
 * close. */
static int32_t open_file(const struct dir *dir, const char *name, sqlite3 **ret_db,
                         struct firealarm_error *error)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", dir->path, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "path is too long");
    }
    int32_t rc = make_file(dir, name, error);
    if (rc == 0 && sqlite3_open_v2(path, ret_db,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
                                       SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                                   NULL) != SQLITE_OK) {
        rc = sqlite_fail_db(error, *ret_db, path);
    }
    return rc;
}

static int32_t fill_copy(sqlite3 *copy, sqlite3 *db, struct firealarm_error *error)
{
    char is[32];
    sqlite3_extended_result_codes(copy, 1);
    int32_t rc = ask(copy, "PRAGMA locking_mode = EXCLUSIVE", is, sizeof is, error);
    if (rc != 0) {
        return rc;
    }
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db, "main");
    if (backup == NULL) {
        return sqlite_fail_db(error, copy, "copy");
    }
    (void)sqlite3_backup_step(backup, -1);
    return sqlite3_backup_finish(backup) == SQLITE_OK ? 0 : sqlite_fail_db(error, copy, "copy");
}

/* The store as it is, beside itself. One that an earlier start left is made anew, so that when the
 * migration begins there is a whole one and its name is sure. */
static int32_t keep_copy(const struct firealarm_host *host, const struct dir *dir, sqlite3 *db,
                         int version, struct firealarm_error *error)
{
    char name[32], journal[40], text[128];
    sqlite3 *copy = NULL;
    snprintf(name, sizeof name, DB_FILE ".schema%d", version);
    snprintf(journal, sizeof journal, "%s-journal", name);
    (void)unlinkat(dir->fd, name, 0);
    (void)unlinkat(dir->fd, journal, 0);
    int32_t rc = open_file(dir, name, &copy, error);
    if (rc == 0) {
        rc = fill_copy(copy, db, error);
    }
    sqlite3_close(copy);
    if (rc == 0 && fsync(dir->fd) < 0) {
        rc = sqlite_fail(error, FIREALARM_STORE_UNKNOWN, "%s: %s", dir->path, strerror(errno));
    }
    if (rc == 0) {
        snprintf(text, sizeof text, "sqlite: the store as it was under schema %d is kept in %s",
                 version, name);
        host->log(host->ctx, 6, text);
    }
    return rc;
}

static int32_t migrate_now(sqlite3 *db, int version, int newest, const char *const *steps,
                           struct firealarm_error *error)
{
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             APPLICATION_ID, newest);
    int32_t rc = run(db, "BEGIN IMMEDIATE", error);
    for (; rc == 0 && version < newest; version++) {
        rc = run(db, steps[version], error);
    }
    if (rc == 0) {
        rc = run(db, sql, error);
    }
    if (rc != 0 && !sqlite3_get_autocommit(db)) {
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return rc;
}

static int32_t migrate(const struct firealarm_host *host, const struct dir *dir, sqlite3 *db,
                       int version, struct firealarm_error *error)
{
    int newest = 0;
    const char *const *steps = sqlite_migrations(&newest);
    int32_t rc = 0;
    if (version > 0 && version < newest) {
        rc = keep_copy(host, dir, db, version, error);
    }
    return rc == 0 && version < newest ? migrate_now(db, version, newest, steps, error) : rc;
}

/* *ret_text is NULL at the end; a disk that fails is no end. */
static int32_t next_text(sqlite3 *db, sqlite3_stmt *stmt, const char **ret_text,
                         struct firealarm_error *error)
{
    int step = sqlite3_step(stmt);
    *ret_text = step == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : sqlite_fail_db(error, db, "schema");
}

/* Invariant 5: beside one that is made anew. */
static int32_t compare(sqlite3 *db, sqlite3 *model, struct firealarm_error *error)
{
    /* Blanks and quotes are as the SQLite that changed a table last would have them. */
    static const char sql[] = "SELECT type || ' ' || name || ': ' || lower(replace(replace("
                              "coalesce(sql, ''), ' ', ''), '\"', '')) "
                              "FROM sqlite_schema ORDER BY type, name";
    sqlite3_stmt *is = NULL, *must = NULL;
    const char *a = "", *b = "";
    int32_t rc = sqlite3_prepare_v2(db, sql, -1, &is, NULL) != SQLITE_OK
                     ? sqlite_fail_db(error, db, "schema")
                 : sqlite3_prepare_v2(model, sql, -1, &must, NULL) != SQLITE_OK
                     ? sqlite_fail_db(error, model, "schema")
                     : 0;
    while (rc == 0 && a != NULL && b != NULL && strcmp(a, b) == 0) {
        rc = next_text(db, is, &a, error);
        rc = rc == 0 ? next_text(model, must, &b, error) : rc;
    }
    if (rc == 0 && (a != NULL || b != NULL)) {
        rc = sqlite_fail(error, FIREALARM_STORE_CORRUPT,
                         DB_FILE " is not made as we make it, somebody changed it: %.100s",
                         a != NULL ? a : "something is missing");
    }
    sqlite3_finalize(is);
    sqlite3_finalize(must);
    return rc;
}

static int32_t expect_schema(sqlite3 *db, struct firealarm_error *error)
{
    int newest = 0;
    const char *const *steps = sqlite_migrations(&newest);
    sqlite3 *model = NULL;
    int32_t rc = sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                 NULL) == SQLITE_OK
                     ? migrate_now(model, 0, newest, steps, error)
                     : sqlite_fail(error, FIREALARM_STORE_FAILED, "out of memory");
    rc = rc == 0 ? compare(db, model, error) : rc;
    sqlite3_close(model);
    return rc;
}

static int32_t set_up(const struct firealarm_host *host, const struct dir *dir, sqlite3 *db,
                      bool *ret_doubtful, struct firealarm_error *error)
{
    int version = 0;
    int32_t rc = configure(db, error);
    if (rc == 0) {
        rc = identify(db, &version, error);
    }
    if (rc == 0) {
        rc = apply_pragmas(db, error);
    }
    if (rc == 0 && version > 0) {
        rc = check_database(host, db, ret_doubtful, error);
    }
    if (rc == 0) {
        rc = migrate(host, dir, db, version, error);
    }
    if (rc == 0) {
        rc = expect_schema(db, error);
    }
    if (rc == 0 && fsync(dir->fd) < 0) {
        rc = sqlite_fail(error, FIREALARM_STORE_UNKNOWN, "%s: %s", dir->path, strerror(errno));
    }
    if (rc == 0) {
        keep_wal(db, 0);
    }
    return rc;
}

int32_t sqlite_schema_open(const struct firealarm_host *host, const struct dir *dir,
                           sqlite3 **ret_db, bool *ret_doubtful, struct firealarm_error *error)
{
    sqlite3 *db = NULL;
    int32_t rc = open_file(dir, DB_FILE, &db, error);
    if (rc == 0) {
        rc = set_up(host, dir, db, ret_doubtful, error);
    }
    if (rc != 0) {
        sqlite3_close(db);
        return rc;
    }
    *ret_db = db;
    return 0;
}

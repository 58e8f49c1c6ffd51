/* SPDX-License-Identifier: MIT */
/* What the files of this plugin share. */
#ifndef FIREALARM_SQLITE_INTERNAL_H
#define FIREALARM_SQLITE_INTERNAL_H

#include <firealarm/store.h>

#include <sqlite3.h>
#include <stdbool.h>

#define HIDDEN       __attribute__((visibility("hidden")))
#define DB_FILE      "firealarm.db"
#define LOCK_FILE    "lock"
#define BALLAST_FILE "ballast"

/* The directory and what lies beside the database: none of it is ever opened through SQLite. */
struct dir {
    char *path;
    int fd, lock_fd;       /* -1: not open */
    int64_t ballast_bytes; /* 0: none wanted */
};

/* Opens the directory, refuses file systems that lose data, takes the lock. On failure everything
 * is released again. */
HIDDEN int32_t sqlite_dir_open(struct dir *dir, const char *path, bool allow_unsafe_fs,
                               struct firealarm_error *error);
HIDDEN void sqlite_dir_close(struct dir *dir);
/* Is what was written still where the next start looks for it? */
HIDDEN int32_t sqlite_dir_there(const struct dir *dir, struct firealarm_error *error);
HIDDEN int32_t sqlite_dir_hold(struct dir *dir, struct firealarm_error *error);
HIDDEN int32_t sqlite_dir_release(struct dir *dir, struct firealarm_error *error);

/* The steps from an empty database on; *ret_version is the schema after the last of them. */
HIDDEN const char *const *sqlite_migrations(int *ret_version);

/* Opens the database with every setting verified, checks it and brings its schema up to date. Sets
 * *ret_doubtful if rows may be others than were written although the database is sound. */
HIDDEN int32_t sqlite_schema_open(const struct firealarm_host *host, const struct dir *dir,
                                  sqlite3 **ret_db, bool *ret_doubtful,
                                  struct firealarm_error *error);

/* Copies (copy.c). _begin takes one into the empty directory dir; _step and _end as the contract
 * says. */
struct copy;
HIDDEN int32_t sqlite_copy_begin(sqlite3 *db, const char *dir, struct copy **ret_copy,
                                 struct firealarm_error *error);
HIDDEN int32_t sqlite_copy_step(struct copy *copy, uint64_t *ret_done, uint64_t *ret_total,
                                struct firealarm_error *error);
HIDDEN void sqlite_copy_end(struct copy *copy); /* accepts NULL */
/* Brings the copy in `from` beside the database of the locked dir and says where that is. */
HIDDEN int32_t sqlite_copy_stage(const struct dir *dir, const char *from, char *path, size_t size,
                                 struct firealarm_error *error);
HIDDEN void sqlite_copy_unstage(const struct dir *dir);
/* Puts what was staged, and is closed, in place. */
HIDDEN int32_t sqlite_copy_adopt(const struct dir *dir, struct firealarm_error *kept,
                                 struct firealarm_error *error);
/* What an adoption that was interrupted has still to do; before the database is opened. */
HIDDEN int32_t sqlite_copy_finish(const struct dir *dir, struct firealarm_error *error);

HIDDEN int32_t sqlite_fail(struct firealarm_error *error, int32_t code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Translates what db just failed with. */
HIDDEN int32_t sqlite_fail_db(struct firealarm_error *error, sqlite3 *db, const char *doing);

#endif

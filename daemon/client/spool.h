/* SPDX-License-Identifier: MIT */
/* Filings that the daemon has not confirmed yet, one file each, in a directory of the person's own.
 * A filing is there, whole and on stable storage, before it is first sent, and until its receipt
 * was given. Whoever works with one holds its lock, so two runs never send the same one at once. */
#ifndef FA_CLIENT_SPOOL_H
#define FA_CLIENT_SPOOL_H

#include "client/filing.h"

struct fa_spool {
    char *dir;      /* owned */
    char *receipts; /* owned */
    fa_time now;
    /* Called with a name between any two steps that a crash could part; NULL outside tests. */
    void (*on_step)(const char *step);
};

enum fa_spool_kind { FA_SPOOL_WAITING, FA_SPOOL_REFUSED };

struct fa_spool_entry {
    char key[FA_KEY_SIZE];
    enum fa_spool_kind kind;
};

struct fa_spool_list {
    struct fa_spool_entry *entries; /* owned; oldest first */
    size_t count;
};

/* Neither directory is made before something is to be kept. Both paths are copied. */
void fa_spool_init(struct fa_spool *spool, const char *dir, const char *receipts, fa_time now);
void fa_spool_done(struct fa_spool *spool);

/* Keeps a new filing. *ret_lock holds it until fa_spool_release(). FA_EIO with file and reason. */
int fa_spool_put(const struct fa_spool *spool, const struct fa_filing *filing, int *ret_lock,
                 struct fa_err *err) FA_MUST_CHECK;
/* Reads and locks one. FA_EBUSY: another run has it; FA_ENOTFOUND: it is gone. */
int fa_spool_take(const struct fa_spool *spool, const struct fa_spool_entry *entry,
                  struct fa_filing *ret_filing, int *ret_lock, struct fa_err *err) FA_MUST_CHECK;
void fa_spool_release(int lock);
/* Its receipt was given, or the person dropped it: the file goes. */
int fa_spool_remove(const struct fa_spool *spool, const struct fa_spool_entry *entry,
                    struct fa_err *err) FA_MUST_CHECK;
/* Waiting becomes refused, or the other way about. */
int fa_spool_move(const struct fa_spool *spool, const struct fa_spool_entry *entry,
                  enum fa_spool_kind to, struct fa_err *err) FA_MUST_CHECK;
/* What is there. A directory that is not there is an empty one. Removes the remains of runs that
 * were killed while writing. */
int fa_spool_list(const struct fa_spool *spool, struct fa_spool_list *ret_list,
                  struct fa_err *err) FA_MUST_CHECK;
void fa_spool_list_done(struct fa_spool_list *list);
/* The file's path; free() it. */
char *fa_spool_path(const struct fa_spool *spool, const struct fa_spool_entry *entry);

/* Keeps the receipt of the filing with that key, for a reporter who asked for it; once. */
int fa_receipt_keep(const struct fa_spool *spool, const char *key, const char *receipt,
                    struct fa_err *err) FA_MUST_CHECK;
/* The kept ones, at most `max`, newest first, each free()d by the caller. Returns how many. */
size_t fa_receipt_list(const struct fa_spool *spool, char **ret_receipts, size_t max);

#endif

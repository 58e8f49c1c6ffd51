/* SPDX-License-Identifier: MIT */
/* Store plugins: they keep rows and know nothing of what is in them. Calls come from one thread at
 * a time: open() and load() from the starting thread, all others from the writer, and none from
 * within a callback. The host computes each row's MAC and the journal's chain; the store only
 * keeps and returns bytes.
 *
 * Rows: (kind, key) names a row. A live row is loaded at start; a closed one is history and is
 * read by query(), newest first. One that was put as ended is history that nobody names again: its
 * key is not put, got or erased any more, and a store need not find it by it. The journal is
 * append-only, n counts from 1 without a gap.
 *
 * Durability: commit() returns 0 only when everything put since begin() is on stable storage,
 * together with the journal entries; otherwise nothing of it is, or (FIREALARM_STORE_UNKNOWN) it
 * cannot be known: then the host exits and recovers from disk. After any failure since begin(),
 * a failed commit() included, the host calls rollback(). Reads and reserve() come between
 * transactions only. put, erase, append and commit outside a transaction and begin inside one are
 * FIREALARM_STORE_FAILED.
 *
 * Reserve: a store that can run out of room holds some back (a ballast file) once the host asks
 * for it with reserve(1), after open(). After FIREALARM_STORE_FULL the host gives it up with
 * reserve(0) and tries again; later it asks for it back.
 *
 * Copies: a copy is a directory with whatever files the store puts there. It is taken from a store
 * that is in use, a step at a time between transactions, and holds what was committed when its
 * last step was taken. copy_open() opens one as a store of its own, without the lock of the store
 * that is in use; the host then looks through it as through any other. With `adopt` it is opened
 * away from its place, under the lock, and may then be put in place of the store by adopt(): the
 * replaced one is kept beside it, and killed at any moment there is either the one or the other
 * after the next open().
 */
#ifndef FIREALARM_STORE_H
#define FIREALARM_STORE_H

#include "firealarm/plugin.h"

#define FIREALARM_STORE_ABI 1u

#define FIREALARM_STORE_OK 0
#define FIREALARM_STORE_FULL                                                                       \
    (-1) /* no room: nothing was written, try again after some is freed                            \
          */
#define FIREALARM_STORE_UNKNOWN   (-2) /* I/O error at commit: the outcome is unknown */
#define FIREALARM_STORE_CORRUPT   (-3) /* what is there cannot be read */
#define FIREALARM_STORE_BUSY      (-4) /* held by another process; error->text names its pid */
#define FIREALARM_STORE_NEWER     (-5) /* the schema is newer than this plugin */
#define FIREALARM_STORE_FAILED    (-6) /* anything else; error->text says it */
#define FIREALARM_STORE_NOT_FOUND (-7)

#define FIREALARM_STORE_MAC_BYTES 32
#define FIREALARM_STORE_KEY_MAX   64        /* bytes */
#define FIREALARM_STORE_VALUE_MAX (1 << 20) /* bytes */

struct firealarm_row {
    uint32_t kind; /* the host's number */
    uint32_t live; /* 1: loaded at start, 0: history, 2: history, and ended */
    int64_t time;  /* milliseconds; orders history */
    struct firealarm_text key, value;
    uint8_t mac[FIREALARM_STORE_MAC_BYTES];
};

struct firealarm_entry {
    uint64_t n;
    int64_t time;
    struct firealarm_text body; /* ids, codes, times and keyed hashes only */
    uint8_t
        chain[FIREALARM_STORE_MAC_BYTES]; /* hash over the previous chain value, n, time, body */
};

/* Returning non-zero stops the walk; the walk's caller sees that number. */
typedef int32_t firealarm_row_fn(void *ctx, const struct firealarm_row *row);
typedef int32_t firealarm_entry_fn(void *ctx, const struct firealarm_entry *entry);

struct firealarm_store {
    uint32_t abi, size;
    const char *name, *version, *summary;
    const struct firealarm_option *options;
    int32_t (*check)(const struct firealarm_settings *settings, struct firealarm_error *error);
    /* Opens or creates, takes the lock, verifies its own durability settings, migrates. */
    int32_t (*open)(const struct firealarm_host *host, const struct firealarm_settings *settings,
                    void **ret_self, struct firealarm_error *error);
    void (*close)(void *self); /* accepts NULL */
    /* All live rows, any order; then the newest journal entry through head (none when empty). A
     * store that doubts its rows shows history too: the host looks whether it verifies. */
    int32_t (*load)(void *self, firealarm_row_fn *row, firealarm_entry_fn *head, void *ctx,
                    struct firealarm_error *error);
    int32_t (*begin)(void *self, struct firealarm_error *error);
    /* Inserts or replaces. FIREALARM_STORE_FAILED for an empty key or one over the limits. */
    int32_t (*put)(void *self, const struct firealarm_row *row, struct firealarm_error *error);
    /* Erasing what is not there is no error. */
    int32_t (*erase)(void *self, uint32_t kind, struct firealarm_text key,
                     struct firealarm_error *error);
    /* FIREALARM_STORE_FAILED unless entry->n follows the newest entry. */
    int32_t (*append)(void *self, const struct firealarm_entry *entry,
                      struct firealarm_error *error);
    int32_t (*commit)(void *self, struct firealarm_error *error);
    void (*rollback)(void *self);
    /* FIREALARM_STORE_NOT_FOUND if there is no such row, live or not (an ended one: either). */
    int32_t (*get)(void *self, uint32_t kind, struct firealarm_text key, firealarm_row_fn *row,
                   void *ctx, struct firealarm_error *error);
    /* History of one kind, newest first (time, then key in memcmp order, both falling), at most
     * `limit` rows below (before, before_key): two rows of one millisecond never fall between two
     * pages. */
    int32_t (*query)(void *self, uint32_t kind, int64_t before, struct firealarm_text before_key,
                     uint32_t limit, firealarm_row_fn *row, void *ctx,
                     struct firealarm_error *error);
    /* Journal entries from n on, in order, at most `limit`. */
    int32_t (*journal)(void *self, uint64_t from, uint32_t limit, firealarm_entry_fn *entry,
                       void *ctx, struct firealarm_error *error);
    /* May be NULL. hold 0: gives the reserve up, FIREALARM_STORE_NOT_FOUND if none is held.
     * hold 1: takes it, if not held, FIREALARM_STORE_FULL when there is no room for it. */
    int32_t (*reserve)(void *self, uint32_t hold, struct firealarm_error *error);
    /* All NULL: this store cannot be copied. One copy at a time. dir is an empty directory of the
     * host's; nothing in it is synced when the copy is done. copy_step() copies a bounded part:
     * 0: done, 1: not yet; bytes are estimates that may change while the copy goes on. After
     * copy_begin() came back with 0, copy_end() is called once, done or not. */
    int32_t (*copy_begin)(void *self, const char *dir, struct firealarm_error *error);
    int32_t (*copy_step)(void *self, uint64_t *ret_done, uint64_t *ret_total,
                         struct firealarm_error *error);
    void (*copy_end)(void *self);
    /* FIREALARM_STORE_BUSY: a process has the store in use (adopt only), _NEWER, _CORRUPT. */
    int32_t (*copy_open)(const struct firealarm_host *host,
                         const struct firealarm_settings *settings, const char *dir, uint32_t adopt,
                         void **ret_self, struct firealarm_error *error);
    /* Once; then only close(). The text of `kept` says where the replaced store is. */
    int32_t (*adopt)(void *self, struct firealarm_error *kept, struct firealarm_error *error);
    /* May be NULL. What a store has to do from time to time, put off until those who waited for a
     * commit know of it: called after each, before the next begin(). FIREALARM_STORE_UNKNOWN when
     * nothing may be written after it; else the store goes on. */
    int32_t (*tidy)(void *self, struct firealarm_error *error);
};

extern const struct firealarm_store firealarm_store;

#endif

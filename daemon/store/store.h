/* SPDX-License-Identifier: MIT */
/* The host's side of a store plugin: a writer thread with group commit, a MAC on every row, the
 * journal's hash chain, reads that come back on the loop thread.
 *
 * Order of use: fa_store_open, fa_store_load, fa_store_start, then transactions and reads, then
 * fa_store_close. All functions here belong to the loop thread. The wake callback alone is called
 * on the writer thread, with the store's lock held: it may only write to an eventfd or the like and
 * call nothing here. After a wake-up the loop calls fa_store_poll, fa_store_durable and
 * fa_store_state.
 *
 * A transaction is built and submitted within one loop turn: one can be open at a time, and
 * journal numbers are given out while it is built, so that a receipt can carry one. A commit
 * number is durable when fa_store_durable() has reached it; nothing that depends on it may leave
 * before. */
#ifndef FA_STORE_STORE_H
#define FA_STORE_STORE_H

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

#include <firealarm/store.h>

#define FA_STORE_KEY_BYTES   32
#define FA_STORE_CHAIN_BYTES FIREALARM_STORE_MAC_BYTES
#define FA_STORE_PATH_SIZE   512
#define FA_STORE_PAGE_ROWS   500
#define FA_STORE_PAGE_BYTES  ((size_t)8 << 20)

enum fa_store_state {
    FA_STORE_OK,
    FA_STORE_LOW,     /* the reserve is in use: commits go on, refuse new filings */
    FA_STORE_FULL,    /* commits wait and are tried again by themselves; refuse new filings */
    FA_STORE_UNKNOWN, /* a commit's outcome is unknown, nothing is written any more: exit 74 */
};

/* What the witness says of the store: was it put back, or replaced? */
enum fa_store_age {
    FA_STORE_AGE_FINE,
    FA_STORE_AGE_UNSEEN, /* there is a journal and no witness (that can be read) */
    FA_STORE_AGE_OLDER,  /* the journal ends before `reached`: an older copy is in place */
    FA_STORE_AGE_OTHER,  /* entry `reached` is another: another store is in place */
};

/* kind 0 is the room's own. Texts are borrowed. */
struct fa_row {
    uint32_t kind;
    bool live;    /* loaded at start; else history */
    fa_time time; /* orders history */
    struct fa_str key, value;
};

struct fa_store_head {
    uint64_t n; /* 0: the journal is empty */
    fa_time time;
    uint8_t chain[FA_STORE_CHAIN_BYTES];
    bool intact;         /* the newest entry verifies and is the one that was written last */
    bool complete;       /* every live row that was written is there, in its newest version */
    fa_time restored;    /* when this copy was put in place by intent and not told yet; 0: not */
    uint64_t replaced_n; /* where the journal of the one before ended, as far as known */
    enum fa_store_age age;
    uint64_t reached; /* how far the journal had come when the witness was written; 0: no word */
};

struct fa_store_options {
    const struct firealarm_store *plugin; /* must outlive the store, as must host */
    const struct firealarm_settings *settings;
    const struct firealarm_host *host;
    uint8_t key[FA_STORE_KEY_BYTES]; /* for MACs and the chain; lies outside the store */
    void (*wake)(void *ctx);
    void *ctx;
    uint32_t retry_ms; /* how long to wait when full; 0: 1000 */
    /* Bit k: once a row of kind k is history, nobody puts, gets or erases it again. */
    uint32_t ended_kinds;
    /* A file outside the store that is told after each commit how far the journal is; NULL: none.
     * One that cannot be opened is no error, but FA_STORE_AGE_UNSEEN. */
    const char *witness;
};

struct fa_store;
struct fa_txn;

/* Opens the plugin on the calling thread. FA_EBUSY: another process holds it, the text names its
 * pid (exit 73); FA_EVERSION: its schema is newer; FA_EFULL, FA_ECORRUPT, FA_EIO. */
int fa_store_open(const struct fa_store_options *options, struct fa_store **ret_store,
                  struct fa_err *err) FA_MUST_CHECK;

/* Opens the copy that lies in directory dir as a store of its own, to look at and to adopt (then
 * the store itself must not be in use: FA_EBUSY). It is never started. FA_EUNSUPPORTED: the plugin
 * knows no copies. */
int fa_store_open_copy(const struct fa_store_options *options, const char *dir, bool to_adopt,
                       struct fa_store **ret_store, struct fa_err *err) FA_MUST_CHECK;

struct fa_store_visitor {
    /* Each live row, any order; borrowed until it returns. Non-zero stops the load, which returns
     * that number (the visitor fills err). */
    int (*row)(void *ctx, const struct fa_row *row, struct fa_err *err);
    /* A row whose MAC does not verify: it is not loaded and left where it is. */
    void (*damaged)(void *ctx, uint32_t kind, struct fa_str key);
    void *ctx;
};

/* Once, before fa_store_start. A head that is not intact or not complete is no error: tell the
 * operators; the work goes on from what is there. FA_EDENIED: not one row verifies, the key belongs
 * to another store. */
int fa_store_load(struct fa_store *store, const struct fa_store_visitor *visitor,
                  struct fa_store_head *ret_head, struct fa_err *err) FA_MUST_CHECK;
struct fa_store_findings {
    uint64_t entries, rows; /* looked at */
    uint64_t damaged;       /* rows that do not verify, those of the load included */
    uint64_t first_bad;     /* the journal's first entry that does not verify; 0: none */
};
/* Between load and start: verifies the whole journal, and the history of kinds 1 to kinds. */
int fa_store_check(struct fa_store *store, uint32_t kinds, struct fa_store_findings *ret,
                   struct fa_err *err) FA_MUST_CHECK;
/* Puts a copy that was opened for it in place of the store, with a word in it that the next load
 * finds (restored): when, and how far the replaced one went. ret_kept is where the replaced
 * one is now. The copy can only be closed then. */
int fa_store_adopt(struct fa_store *copy, fa_time now, uint64_t replaced_n,
                   char ret_kept[FA_STORE_PATH_SIZE], struct fa_err *err) FA_MUST_CHECK;
/* Starts the writer thread (all signals blocked in it). */
int fa_store_start(struct fa_store *store, struct fa_err *err) FA_MUST_CHECK;

/* Opens the one transaction of this turn. Its contents are copied. */
struct fa_txn *fa_txn_begin(struct fa_store *store);
/* Inserts or replaces. FA_ETOOBIG: key or value over the contract's limit, FA_EINVAL: an empty
 * key; the transaction is then as it was. */
int fa_txn_put(struct fa_txn *txn, const struct fa_row *row) FA_MUST_CHECK;
/* Erasing what is not there is no error. */
int fa_txn_erase(struct fa_txn *txn, uint32_t kind, struct fa_str key) FA_MUST_CHECK;
/* Appends an entry and gives its number. FA_ETOOBIG as above. */
int fa_txn_journal(struct fa_txn *txn, fa_time time, struct fa_str body,
                   uint64_t *ret_n) FA_MUST_CHECK;
/* Queues it and gives its commit number; takes txn. An empty one costs nothing: it gives the last
 * number submitted. */
uint64_t fa_txn_submit(struct fa_txn *txn);
/* Forgets it, its journal numbers are given out again; takes txn, accepts NULL. */
void fa_txn_drop(struct fa_txn *txn);

/* The highest durable commit number; 0 before the first. */
uint64_t fa_store_durable(const struct fa_store *store);
enum fa_store_state fa_store_state(const struct fa_store *store);
/* Why the state is not FA_STORE_OK; an empty text when it is. */
void fa_store_trouble(const struct fa_store *store, struct fa_err *ret_err);
/* The newest durable journal entry: what a receipt or heartbeat may print as a checkpoint. */
void fa_store_checkpoint(const struct fa_store *store, struct fa_store_head *ret_head);

enum fa_copy_state {
    FA_COPY_NONE,
    FA_COPY_RUNNING,
    FA_COPY_CHECKING, /* taken; it is synced and read once */
    FA_COPY_DONE,
    FA_COPY_FAILED,
};
/* The newest copy since start. */
struct fa_store_copy {
    enum fa_copy_state state;
    uint64_t done, total;              /* bytes */
    char path[FA_STORE_PATH_SIZE];     /* DONE: the directory it is in */
    uint64_t n;                        /* DONE: where its journal ends */
    struct fa_store_findings findings; /* DONE: damage that was copied is no failure */
    struct fa_err err;                 /* FAILED */
};
/* Copies the store into a new directory below `dir` (which is there), called `name`-N after the
 * end of its journal. Commits go on. The end, good or bad, calls wake. FA_EBUSY: one is under way;
 * FA_EFULL: the store has no room to spare; FA_EUNSUPPORTED. */
int fa_store_copy(struct fa_store *store, const char *dir, const char *name, uint32_t kinds,
                  struct fa_err *err) FA_MUST_CHECK;
void fa_store_copy_state(const struct fa_store *store, struct fa_store_copy *ret_copy);

/* Waits until that number is durable. False: the disk is full, or nothing more can be written. For
 * the start alone: nothing else is done meanwhile. */
bool fa_store_wait(struct fa_store *store, uint64_t number);

struct fa_store_stats {
    uint64_t transactions, commits, rows, retries; /* since start */
    uint64_t damaged;                              /* rows that did not verify, load included */
    uint64_t waiting, waiting_bytes;               /* submitted, not yet durable */
    uint64_t last_commit_us, max_commit_us;
};
void fa_store_stats(const struct fa_store *store, struct fa_store_stats *ret_stats);

/* What a read brings; all of it borrowed until the callback returns. */
struct fa_entry {
    uint64_t n;
    fa_time time;
    struct fa_str body;
};
struct fa_store_answer {
    int code; /* 0, FA_ENOTFOUND (get), FA_ECORRUPT (get: damaged), FA_EIO, FA_ECLOSED */
    const struct fa_err *err;
    const struct fa_row *rows; /* get: one; query: newest first */
    size_t row_count;
    const struct fa_entry *entries; /* read_journal: in order */
    size_t entry_count;
    bool more; /* query: the page ended before the rows did, ask again with these two */
    fa_time next_before;
    struct fa_str next_key;
    size_t damaged; /* query: rows left out because they do not verify */
    /* verify_journal: entries checked, and the first that does not verify (0: none). */
    uint64_t checked, first_bad;
};
typedef void fa_store_answer_fn(void *ctx, const struct fa_store_answer *answer);

/* Reads run on the writer thread after every transaction submitted before them (unless the store
 * is full) and are answered, each exactly once, from fa_store_poll or fa_store_close. */
void fa_store_get(struct fa_store *store, uint32_t kind, struct fa_str key,
                  fa_store_answer_fn *done, void *ctx);
/* History of one kind older than (before, before_key), newest first. Start with FA_NEVER and an
 * empty key, go on with the answer's next_before and next_key. A page has at most limit (0: no
 * limit of its own) and FA_STORE_PAGE_ROWS rows, and ends early after FA_STORE_PAGE_BYTES. */
void fa_store_query(struct fa_store *store, uint32_t kind, fa_time before, struct fa_str before_key,
                    uint32_t limit, fa_store_answer_fn *done, void *ctx);
/* Entries as they are stored, not checked against the chain; a page ends as above. */
void fa_store_read_journal(struct fa_store *store, uint64_t from, uint32_t limit,
                           fa_store_answer_fn *done, void *ctx);
/* Walks the chain from entry `from` to the head, a page at a time between commits. */
void fa_store_verify_journal(struct fa_store *store, uint64_t from, fa_store_answer_fn *done,
                             void *ctx);
void fa_store_poll(struct fa_store *store);

/* Writes what is queued, for at most deadline_ms, and closes; open reads, and those that their
 * answers ask for, are answered with FA_ECLOSED. 0: all is durable. FA_EFULL, FA_EIO: something is
 * not. FA_ETIMEOUT: the disk does not answer; the writer is left behind, frees the store when it
 * can, and the process must exit. wake is not called any more in any case. Accepts NULL. */
int fa_store_close(struct fa_store *store, uint32_t deadline_ms);

#endif

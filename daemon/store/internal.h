/* SPDX-License-Identifier: MIT */
/* What the files of this room share. */
#ifndef FA_STORE_INTERNAL_H
#define FA_STORE_INTERNAL_H

#include "store/aside.h"
#include "store/live.h"
#include "store/store.h"

#include <pthread.h>
#include <sodium.h>
#include <stddef.h>
#include <time.h>

/* The room's own rows. */
#define OWN_KIND     0u
#define HEAD_KEY     "head"     /* what the store looked like at the last commit */
#define RESTORED_KEY "restored" /* this copy was put in place by intent, and nobody knows yet */

enum change_kind { CHANGE_PUT, CHANGE_ERASE, CHANGE_JOURNAL };

/* One change of a transaction; data holds the key and then the value or body. */
struct change {
    struct change *next;
    enum change_kind what;
    uint32_t kind;
    bool live;
    fa_time time;
    uint64_t n;
    size_t key_len, value_len;
    char data[];
};

/* Changes lie one behind the other: they come and go together. */
struct block {
    struct block *next;
    size_t used, cap;
    _Alignas(max_align_t) char data[];
};

struct fa_txn {
    struct fa_txn *next;
    struct fa_store *store;
    struct change *first, **last;
    struct block *blocks; /* the newest first */
    size_t bytes, changes;
    uint64_t number; /* commit number, once submitted */
    uint64_t next_n; /* the journal number it would give out next */
};

enum job_kind { JOB_GET, JOB_QUERY, JOB_JOURNAL, JOB_VERIFY };

/* A read on its way to the writer thread and back. */
struct job {
    struct job *next;
    enum job_kind what;
    fa_store_answer_fn *done;
    void *ctx;
    uint64_t after; /* runs once this commit number is durable */
    uint32_t kind, limit;
    fa_time before;
    char key[FIREALARM_STORE_KEY_MAX];
    size_t key_len;
    uint64_t from;

    struct fa_store_answer answer;
    struct fa_err err;
    struct fa_row *rows;      /* each row's texts are one block, at key.ptr */
    struct fa_entry *entries; /* each body is one block */
    size_t row_cap, entry_cap, bytes;
    char next_key[FIREALARM_STORE_KEY_MAX];

    /* JOB_VERIFY: where the walk is. */
    struct fa_store_head until;
    uint8_t chain[FA_STORE_CHAIN_BYTES];
    bool begun, complete;
};

enum aside_what { ASIDE_BEGIN, ASIDE_BYTES, ASIDE_END, ASIDE_DROP };

/* A step of the file beside the store. */
struct aside_piece {
    struct aside_piece *next;
    enum aside_what what;
    char *bytes; /* owned; of BEGIN the path */
    size_t len;
};
struct aside_writer {
    int fd; /* -1: none */
    off_t written;
    char path[FA_STORE_PATH_SIZE + 8]; /* as it is called until it is whole */
    crypto_generichash_state hash;
};

#define STATE_BYTES sizeof(crypto_generichash_state)
struct keys {
    uint8_t mac[FA_STORE_KEY_BYTES], chain[FA_STORE_KEY_BYTES], id[16];
    /* The two hashes with their keys taken in: each row and entry begins with a copy. */
    uint8_t mac_begun[STATE_BYTES], chain_begun[STATE_BYTES];
};

#define STORE_MAGIC 0x53544f52u

struct fa_store {
    uint32_t magic;
    /* Set when it is opened, then only read. */
    const struct firealarm_store *plugin;
    const struct firealarm_settings *settings;
    const struct firealarm_host *host;
    void *self;
    struct keys keys;
    void (*wake)(void *ctx);
    void *ctx;
    uint32_t retry_ms, ended_kinds;
    bool witness_wanted;
    int witness_fd; /* -1: none; read at load, then the writer's */

    /* The loop thread's. */
    struct fa_txn *open;
    uint64_t submitted, next_n;
    bool loaded, started;
    pthread_t thread;

    /* The writer's once it runs. */
    struct fa_store_head head;
    struct live_set live;
    struct fa_txn *batch; /* what is being written, or waits for room */
    int64_t retry_at;     /* monotonic milliseconds; when to try batch again */
    int64_t reserve_at;   /* when to ask for the reserve again */
    bool reserve_gone;

    unsigned reads_left; /* of those that come before the next group */
    bool copy_begun;
    bool side_waits;    /* a step of a copy or of the file aside comes between any two groups */
    bool tell_restored; /* its row goes with the next commit */

    /* Shared: under lock. */
    pthread_mutex_t lock;
    pthread_cond_t work, ended_cond;
    pthread_cond_t moved; /* durable or state */
    struct fa_txn *queue, **queue_last;
    struct job *jobs, **jobs_last;
    struct job *answered, **answered_last;
    uint64_t durable;
    enum fa_store_state state;
    struct fa_err trouble;
    struct fa_store_head checkpoint; /* the head as of `durable` */
    struct fa_store_stats stats;
    struct fa_store_copy copy;
    char copy_dir[400], copy_name[64];
    uint32_t copy_kinds;
    pthread_t copy_thread; /* checks a copy that was taken */
    bool copy_threaded;
    struct {
        struct aside_piece *first, **last;
        struct fa_aside shown;
        struct aside_writer writer; /* the writer thread's */
    } aside;
    bool closing;  /* write what is queued, then end */
    bool abandon;  /* end now */
    bool ended;    /* the thread does nothing more */
    bool orphaned; /* nobody waits for the thread: it frees the store */
};

/* Hashes (chain.c). */
void store_keys_derive(const uint8_t key[FA_STORE_KEY_BYTES], struct keys *ret_keys);
void store_row_mac(const struct keys *keys, const struct firealarm_row *row,
                   uint8_t ret_mac[FIREALARM_STORE_MAC_BYTES]);
bool store_row_verifies(const struct keys *keys, const struct firealarm_row *row);
/* The chain value of entry, whose own chain member is not looked at, after prev. */
void store_chain_next(const struct keys *keys, const uint8_t prev[FA_STORE_CHAIN_BYTES],
                      const struct firealarm_entry *entry, uint8_t ret_chain[FA_STORE_CHAIN_BYTES]);
uint64_t store_row_id(const struct keys *keys, uint32_t kind, struct firealarm_text key);
/* The head row's value: the newest entry's n and chain, then the live rows' count and digest, then
 * zeros (the rest of a longer digest in stores of before). */
#define HEAD_JOURNAL_BYTES (8 + FA_STORE_CHAIN_BYTES)
#define HEAD_LIVE_END      (HEAD_JOURNAL_BYTES + 16)
#define HEAD_VALUE_BYTES   (HEAD_JOURNAL_BYTES + 8 + FIREALARM_STORE_MAC_BYTES)
void store_head_encode(const struct fa_store_head *head, const struct live_set *live,
                       uint8_t ret_value[HEAD_VALUE_BYTES]);

/* A store over what the plugin opened (store.c). */
struct fa_store *store_wrap(const struct fa_store_options *options, const struct keys *keys,
                            void *self);

/* Taking copies (copy.c): one step, without the lock. */
void store_copy_step(struct fa_store *store);
bool store_copy_wants(const struct fa_store *store); /* with the lock */
void store_copy_done(struct fa_store *store);        /* when the writer is gone */

/* The file beside the store (aside.c), likewise. */
void store_aside_init(struct fa_store *store);
void store_aside_step(struct fa_store *store);
bool store_aside_wants(const struct fa_store *store);
void store_aside_done(struct fa_store *store);

/* The witness (witness.c); without one that can be opened the rest does nothing. */
void store_witness_open(struct fa_store *store, const char *path);
void store_witness_close(struct fa_store *store);
/* Writes down store->head, which is durable. */
void store_witness_write(struct fa_store *store);
/* Fills age and reached of the head that was loaded. */
void store_witness_ask(struct fa_store *store, struct fa_store_head *head);

/* Errors of the plugin as ours; fills err with its words. */
int store_error(int32_t code, const struct firealarm_error *error, const char *doing,
                struct fa_err *err);
struct firealarm_text store_text(struct fa_str str);
struct fa_str store_str(struct firealarm_text text);

/* The writer's thread function (writer.c). */
void *store_writer(void *store);
int64_t store_mono_ms(void);
void store_deadline(int64_t mono_ms, struct timespec *ret_ts);
void store_txns_free(struct fa_txn *txns);
void store_free(struct fa_store *store);

/* Runs a job on the writer thread, without the lock; false: it wants another turn (read.c). */
bool store_job_run(struct fa_store *store, struct job *job);
void store_jobs_answer(struct job *jobs);
void store_job_fail(struct job *job, int code, const char *text);

#endif

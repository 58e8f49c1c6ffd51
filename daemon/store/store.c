/* SPDX-License-Identifier: MIT */
/* The loop thread's side of the store: opening and loading, building transactions, closing.
 *
 * Invariants:
 *  1. Commit numbers rise by one with each submitted transaction that is not empty, and are
 *     durable in that order.
 *  2. Journal numbers rise by one with each entry, in the order of the commit numbers: one
 *     transaction is open at a time, and a dropped one gives its numbers back.
 *  3. After fa_store_start the plugin is called by the writer thread alone, until that has ended.
 *
 * What it does not do: decide what follows from a failure. The state is data; the app exits,
 * refuses or tells. Tests: tests/unit/test_store_writer.c. */
#include "store/internal.h"

#include "base/panic.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a writer that was told to abandon its work may take to say so. */
#define ABANDON_MS       200
#define DEFAULT_RETRY_MS 1000
/* A filing fits the first block; a turn of a storm takes a few of the others. */
#define BLOCK_FIRST ((size_t)4096 - sizeof(struct block))
#define BLOCK_MORE  ((size_t)65536 - sizeof(struct block))

int store_error(int32_t code, const struct firealarm_error *error, const char *doing,
                struct fa_err *err)
{
    static const int codes[] = {
        [-FIREALARM_STORE_FULL] = FA_EFULL,          [-FIREALARM_STORE_UNKNOWN] = FA_EIO,
        [-FIREALARM_STORE_CORRUPT] = FA_ECORRUPT,    [-FIREALARM_STORE_BUSY] = FA_EBUSY,
        [-FIREALARM_STORE_NEWER] = FA_EVERSION,      [-FIREALARM_STORE_FAILED] = FA_EIO,
        [-FIREALARM_STORE_NOT_FOUND] = FA_ENOTFOUND,
    };
    int ours = code < 0 && code >= FIREALARM_STORE_NOT_FOUND ? codes[-code] : FA_EIO;
    int len = (int)strnlen(error->text, sizeof error->text);
    return fa_err_set(err, ours, "store: %s: %.*s", doing, len, error->text);
}

struct firealarm_text store_text(struct fa_str str)
{
    return (struct firealarm_text){str.ptr, str.len};
}

struct fa_str store_str(struct firealarm_text text)
{
    return (struct fa_str){text.ptr, text.len};
}

static void init_sync(struct fa_store *store)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->work, &attr);
    pthread_cond_init(&store->ended_cond, &attr);
    pthread_cond_init(&store->moved, &attr);
    pthread_condattr_destroy(&attr);
    store_aside_init(store);
    store->queue_last = &store->queue;
    store->jobs_last = &store->jobs;
    store->answered_last = &store->answered;
}

/* A store that cannot hold its reserve starts as one that has used it up. */
static void take_reserve(struct fa_store *store)
{
    struct firealarm_error error = {""};
    int32_t rc =
        store->plugin->reserve != NULL ? store->plugin->reserve(store->self, 1, &error) : 0;
    if (rc != 0) {
        store->reserve_gone = true;
        store->state = FA_STORE_LOW;
        store_error(rc, &error, "reserve", &store->trouble);
    }
}

struct fa_store *store_wrap(const struct fa_store_options *options, const struct keys *keys,
                            void *self)
{
    struct fa_store *store = fa_xcalloc(1, sizeof *store);
    store->magic = STORE_MAGIC;
    store->plugin = options->plugin;
    store->settings = options->settings;
    store->host = options->host;
    store->self = self;
    store->keys = *keys;
    store->wake = options->wake;
    store->ctx = options->ctx;
    store->ended_kinds = options->ended_kinds;
    store->retry_ms = options->retry_ms > 0 ? options->retry_ms : DEFAULT_RETRY_MS;
    store_witness_open(store, options->witness);
    init_sync(store);
    return store;
}

static struct fa_store *wrap(const struct fa_store_options *options, void *self)
{
    struct keys keys;
    store_keys_derive(options->key, &keys);
    struct fa_store *store = store_wrap(options, &keys, self);
    sodium_memzero(&keys, sizeof keys);
    return store;
}

int fa_store_open(const struct fa_store_options *options, struct fa_store **ret_store,
                  struct fa_err *err)
{
    struct firealarm_error error = {""};
    void *self = NULL;
    int32_t rc = options->plugin->open(options->host, options->settings, &self, &error);
    if (rc != 0) {
        return store_error(rc, &error, "open", err);
    }
    *ret_store = wrap(options, self);
    take_reserve(*ret_store);
    return 0;
}

int fa_store_open_copy(const struct fa_store_options *options, const char *dir, bool to_adopt,
                       struct fa_store **ret_store, struct fa_err *err)
{
    struct firealarm_error error = {""};
    void *self = NULL;
    if (options->plugin->copy_open == NULL || options->plugin->adopt == NULL) {
        return fa_err_set(err, FA_EUNSUPPORTED, "store: %s knows no copies", options->plugin->name);
    }
    int32_t rc =
        options->plugin->copy_open(options->host, options->settings, dir, to_adopt, &self, &error);
    if (rc != 0) {
        return store_error(rc, &error, "open the copy", err);
    }
    *ret_store = wrap(options, self);
    return 0;
}

struct load {
    struct fa_store *store;
    const struct fa_store_visitor *visitor;
    struct fa_err *err;
    size_t rows, damaged;
    bool has_head_row;
    fa_time restored;
    uint64_t replaced_n;
    uint8_t head_value[HEAD_VALUE_BYTES];
    struct firealarm_entry head; /* n 0: none; its body is head_body, owned */
    char *head_body;
};

static int32_t load_row(void *ctx, const struct firealarm_row *row)
{
    struct load *load = ctx;
    load->rows++;
    if (!store_row_verifies(&load->store->keys, row)) {
        load->damaged++;
        load->store->stats.damaged++;
        if (load->visitor->damaged != NULL) {
            load->visitor->damaged(load->visitor->ctx, row->kind, store_str(row->key));
        }
        return 0;
    }
    if (row->live != 1) {
        return 0; /* shown to be verified */
    }
    if (row->kind == OWN_KIND) {
        if (fa_str_is(store_str(row->key), HEAD_KEY) && row->value.len == HEAD_VALUE_BYTES) {
            load->has_head_row = true;
            memcpy(load->head_value, row->value.ptr, HEAD_VALUE_BYTES);
        } else if (fa_str_is(store_str(row->key), RESTORED_KEY)) {
            load->restored = row->time;
            load->replaced_n = strtoull(row->value.ptr, NULL, 10);
        }
        return 0;
    }
    live_set_put(&load->store->live, store_row_id(&load->store->keys, row->kind, row->key),
                 row->mac);
    struct fa_row ours = {row->kind, row->live == 1, row->time, store_str(row->key),
                          store_str(row->value)};
    return load->visitor->row(load->visitor->ctx, &ours, load->err);
}

static int32_t load_head(void *ctx, const struct firealarm_entry *entry)
{
    struct load *load = ctx;
    free(load->head_body);
    load->head = *entry;
    load->head_body = fa_xmalloc(entry->body.len);
    if (entry->body.len > 0) {
        memcpy(load->head_body, entry->body.ptr, entry->body.len);
    }
    load->head.body.ptr = load->head_body;
    return 0;
}

static int32_t keep_chain(void *ctx, const struct firealarm_entry *entry)
{
    struct firealarm_entry *prev = ctx;
    prev->n = entry->n;
    memcpy(prev->chain, entry->chain, sizeof prev->chain);
    return 1;
}

/* Does the newest entry follow from the one before it? */
static bool entry_verifies(const struct load *load)
{
    const struct fa_store *store = load->store;
    struct firealarm_entry prev = {.n = 0};
    struct firealarm_error error;
    uint8_t chain[FA_STORE_CHAIN_BYTES];
    uint64_t n = load->head.n;
    if (n > 1 && (store->plugin->journal(store->self, n - 1, 1, keep_chain, &prev, &error) != 1 ||
                  prev.n != n - 1)) {
        return false;
    }
    store_chain_next(&store->keys, prev.chain, &load->head, chain);
    return memcmp(chain, load->head.chain, sizeof chain) == 0;
}

/* Compares what was loaded with the head row. Entries cut off the journal's end leave a chain that
 * verifies, and a row that is gone leaves no trace; the head row knows of both. */
static void judge(const struct load *load, struct fa_store_head *head)
{
    uint8_t is[HEAD_VALUE_BYTES];
    const uint8_t *was = load->head_value;
    store_head_encode(head, &load->store->live, is);
    if (!load->has_head_row) {
        head->intact = head->n == 0;
        head->complete = load->rows == 0;
        return;
    }
    head->intact =
        memcmp(is, was, HEAD_JOURNAL_BYTES) == 0 && (head->n == 0 || entry_verifies(load));
    head->complete = load->damaged == 0 && memcmp(is + HEAD_JOURNAL_BYTES, was + HEAD_JOURNAL_BYTES,
                                                  HEAD_LIVE_END - HEAD_JOURNAL_BYTES) == 0;
}

int fa_store_load(struct fa_store *store, const struct fa_store_visitor *visitor,
                  struct fa_store_head *ret_head, struct fa_err *err)
{
    fa_assert(!store->loaded);
    struct load load = {.store = store, .visitor = visitor, .err = err};
    live_set_done(&store->live); /* of a load that failed */
    struct firealarm_error error = {""};
    int32_t rc = store->plugin->load(store->self, load_row, load_head, &load, &error);
    int code = rc;
    if (rc < 0 && error.text[0] != '\0') {
        code = store_error(rc, &error, "load", err);
    } else if (rc == 0 && load.rows > 0 && load.damaged == load.rows) {
        code = fa_err_set(err, FA_EDENIED,
                          "store: not one of %zu rows verifies: the key belongs to another store",
                          load.rows);
    }
    if (code == 0) {
        store->head.n = load.head.n;
        store->head.time = load.head.time;
        memcpy(store->head.chain, load.head.chain, sizeof store->head.chain);
        judge(&load, &store->head);
        store->head.restored = load.restored;
        store->head.replaced_n = load.replaced_n;
        store->tell_restored = load.restored != 0;
        store_witness_ask(store, &store->head);
        store->checkpoint = *ret_head = store->head;
        store->next_n = store->head.n + 1;
        store->loaded = true;
    }
    free(load.head_body);
    return code;
}

int fa_store_start(struct fa_store *store, struct fa_err *err)
{
    fa_assert(store->loaded && !store->started);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&store->thread, NULL, store_writer, store);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0) {
        return fa_err_set(err, FA_EAGAIN, "store: the writer thread: %s", strerror(rc));
    }
    store->started = true;
    return 0;
}

struct fa_txn *fa_txn_begin(struct fa_store *store)
{
    FA_MAGIC_CHECK(store, STORE_MAGIC);
    fa_assert(store->loaded && store->open == NULL);
    struct fa_txn *txn = fa_xcalloc(1, sizeof *txn);
    txn->store = store;
    txn->last = &txn->first;
    txn->next_n = store->next_n;
    store->open = txn;
    return txn;
}

static void *allot(struct fa_txn *txn, size_t bytes)
{
    struct block *block = txn->blocks;
    bytes = (bytes + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    if (block == NULL || bytes > block->cap - block->used) {
        size_t cap = block == NULL ? BLOCK_FIRST : BLOCK_MORE;
        cap = bytes > cap ? bytes : cap;
        block = fa_xmalloc(sizeof *block + cap);
        *block = (struct block){.next = txn->blocks, .cap = cap};
        txn->blocks = block;
    }
    void *at = block->data + block->used;
    block->used += bytes;
    return at;
}

static struct change *add_change(struct fa_txn *txn, enum change_kind what, struct fa_str key,
                                 struct fa_str value)
{
    struct change *change = allot(txn, sizeof *change + key.len + value.len);
    *change = (struct change){.what = what, .key_len = key.len, .value_len = value.len};
    if (key.len > 0) {
        memcpy(change->data, key.ptr, key.len);
    }
    if (value.len > 0) {
        memcpy(change->data + key.len, value.ptr, value.len);
    }
    *txn->last = change;
    txn->last = &change->next;
    txn->bytes += sizeof *change + key.len + value.len;
    txn->changes++;
    return change;
}

static int check_key(struct fa_str key)
{
    return key.len == 0 ? FA_EINVAL : key.len > FIREALARM_STORE_KEY_MAX ? FA_ETOOBIG : 0;
}

int fa_txn_put(struct fa_txn *txn, const struct fa_row *row)
{
    fa_assert(row->kind != OWN_KIND);
    int rc = check_key(row->key);
    if (rc == 0 && row->value.len > FIREALARM_STORE_VALUE_MAX) {
        rc = FA_ETOOBIG;
    }
    if (rc == 0) {
        struct change *change = add_change(txn, CHANGE_PUT, row->key, row->value);
        change->kind = row->kind;
        change->live = row->live;
        change->time = row->time;
    }
    return rc;
}

int fa_txn_erase(struct fa_txn *txn, uint32_t kind, struct fa_str key)
{
    fa_assert(kind != OWN_KIND);
    int rc = check_key(key);
    if (rc == 0) {
        add_change(txn, CHANGE_ERASE, key, (struct fa_str){NULL, 0})->kind = kind;
    }
    return rc;
}

int fa_txn_journal(struct fa_txn *txn, fa_time time, struct fa_str body, uint64_t *ret_n)
{
    if (body.len > FIREALARM_STORE_VALUE_MAX) {
        return FA_ETOOBIG;
    }
    struct change *change = add_change(txn, CHANGE_JOURNAL, (struct fa_str){NULL, 0}, body);
    change->time = time;
    *ret_n = change->n = txn->next_n++;
    return 0;
}

uint64_t fa_txn_submit(struct fa_txn *txn)
{
    struct fa_store *store = txn->store;
    fa_assert(store->open == txn);
    if (txn->first == NULL) {
        fa_txn_drop(txn);
        return store->submitted;
    }
    store->open = NULL;
    store->next_n = txn->next_n;
    uint64_t number = txn->number = ++store->submitted;
    pthread_mutex_lock(&store->lock);
    *store->queue_last = txn;
    store->queue_last = &txn->next;
    store->stats.transactions++;
    store->stats.waiting++;
    store->stats.waiting_bytes += txn->bytes;
    pthread_mutex_unlock(&store->lock);
    pthread_cond_signal(&store->work); /* unlocked: or it would wake only to wait for the lock */
    return number;
}

void store_txns_free(struct fa_txn *txns)
{
    while (txns != NULL) {
        struct fa_txn *next = txns->next;
        while (txns->blocks != NULL) {
            struct block *block = txns->blocks;
            txns->blocks = block->next;
            free(block);
        }
        free(txns);
        txns = next;
    }
}

void fa_txn_drop(struct fa_txn *txn)
{
    if (txn != NULL) {
        fa_assert(txn->store->open == txn);
        txn->store->open = NULL;
        store_txns_free(txn);
    }
}

/* Reading the shared part takes the lock and changes nothing a caller could see. */
static pthread_mutex_t *lock_of(const struct fa_store *store)
{
    return &((struct fa_store *)(uintptr_t)store)->lock;
}

uint64_t fa_store_durable(const struct fa_store *store)
{
    pthread_mutex_lock(lock_of(store));
    uint64_t durable = store->durable;
    pthread_mutex_unlock(lock_of(store));
    return durable;
}

enum fa_store_state fa_store_state(const struct fa_store *store)
{
    pthread_mutex_lock(lock_of(store));
    enum fa_store_state state = store->state;
    pthread_mutex_unlock(lock_of(store));
    return state;
}

void fa_store_trouble(const struct fa_store *store, struct fa_err *ret_err)
{
    pthread_mutex_lock(lock_of(store));
    if (store->state == FA_STORE_OK) {
        fa_err_set(ret_err, 0, "%s", "");
    } else {
        *ret_err = store->trouble;
    }
    pthread_mutex_unlock(lock_of(store));
}

void fa_store_checkpoint(const struct fa_store *store, struct fa_store_head *ret_head)
{
    pthread_mutex_lock(lock_of(store));
    *ret_head = store->checkpoint;
    pthread_mutex_unlock(lock_of(store));
}

bool fa_store_wait(struct fa_store *store, uint64_t number)
{
    pthread_mutex_lock(&store->lock);
    while (store->durable < number && store->state < FA_STORE_FULL) {
        pthread_cond_wait(&store->moved, &store->lock);
    }
    bool durable = store->durable >= number;
    pthread_mutex_unlock(&store->lock);
    return durable;
}

void fa_store_stats(const struct fa_store *store, struct fa_store_stats *ret_stats)
{
    pthread_mutex_lock(lock_of(store));
    *ret_stats = store->stats;
    pthread_mutex_unlock(lock_of(store));
}

/* Waits with the lock held; true when the writer has ended. */
static bool wait_for_end(struct fa_store *store, uint32_t ms)
{
    struct timespec until;
    store_deadline(store_mono_ms() + ms, &until);
    while (!store->ended && pthread_cond_timedwait(&store->ended_cond, &store->lock, &until) == 0) {
    }
    return store->ended;
}

static void end_writer(struct fa_store *store, uint32_t deadline_ms)
{
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    pthread_cond_signal(&store->work);
    if (store->started && !wait_for_end(store, deadline_ms)) {
        store->abandon = true;
        pthread_cond_signal(&store->work);
        (void)wait_for_end(store, ABANDON_MS);
    }
    pthread_mutex_unlock(&store->lock);
}

/* All reads that are open, in the order of asking; none brings anything any more, or whoever is
 * given it might write. */
static struct job *take_open(struct fa_store *store)
{
    pthread_mutex_lock(&store->lock);
    *store->answered_last = store->jobs;
    struct job *jobs = store->answered;
    store->jobs = store->answered = NULL;
    store->jobs_last = &store->jobs;
    store->answered_last = &store->answered;
    pthread_mutex_unlock(&store->lock);
    for (struct job *job = jobs; job != NULL; job = job->next) {
        store_job_fail(job, FA_ECLOSED, "the store was closed");
    }
    return jobs;
}

/* True when the thread is gone; else it owns the store now. */
static bool is_writer_gone(struct fa_store *store)
{
    pthread_mutex_lock(&store->lock);
    bool gone = !store->started || store->ended;
    store->orphaned = !gone;
    if (!gone) {
        pthread_detach(store->thread);
    }
    pthread_mutex_unlock(&store->lock);
    return gone;
}

int fa_store_close(struct fa_store *store, uint32_t deadline_ms)
{
    struct job *jobs;
    if (store == NULL) {
        return 0;
    }
    FA_MAGIC_CHECK(store, STORE_MAGIC);
    fa_txn_drop(store->open);
    end_writer(store, deadline_ms);
    while ((jobs = take_open(store)) != NULL) { /* an answer may ask for the next */
        store_jobs_answer(jobs);
    }
    if (!is_writer_gone(store)) {
        return FA_ETIMEOUT;
    }
    if (store->started) {
        pthread_join(store->thread, NULL);
    }
    int rc = store->state == FA_STORE_UNKNOWN               ? FA_EIO
             : store->batch != NULL || store->queue != NULL ? FA_EFULL
                                                            : 0;
    store_free(store);
    return rc;
}

void store_free(struct fa_store *store)
{
    store_copy_done(store);
    store_aside_done(store);
    store->plugin->close(store->self);
    store_witness_close(store);
    store_txns_free(store->batch);
    store_txns_free(store->queue);
    pthread_cond_destroy(&store->work);
    pthread_cond_destroy(&store->ended_cond);
    pthread_cond_destroy(&store->moved);
    pthread_mutex_destroy(&store->lock);
    live_set_done(&store->live);
    sodium_memzero(&store->keys, sizeof store->keys);
    store->magic = 0;
    free(store);
}

/* SPDX-License-Identifier: MIT */
/* The writer thread: takes all that is queued, writes it as one transaction, says so.
 *
 * Invariants:
 *  1. `durable` is raised only after the plugin's commit() returned 0.
 *  2. A full store loses nothing and reorders nothing: the batch is kept as it is and tried again,
 *     first with the reserve given up, then every retry_ms. Refusal is monotone: once full, the
 *     state stays FULL until a commit succeeds, and LOW until the reserve is back.
 *  3. Any other failure is final: nothing is written after it, because what is on the disk is not
 *     known any more. A failed fsync is never tried again.
 *  4. The plugin is called without the lock, so the loop never waits for a disk.
 *
 * Under a slow disk batches grow by themselves: what arrives during one commit is the next batch,
 * up to the limits below. Tests: tests/unit/test_store_writer.c, test_store_kill.c. */
#include "store/internal.h"

#include "base/crashpoint.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

/* One batch: bounds the time of a commit and what the plugin must hold in its transaction. */
#define BATCH_TXNS  1024
#define BATCH_BYTES ((size_t)4 << 20)
/* Between two groups: so many single rows, or one page of many. */
#define READS_A_GROUP 256
/* The reserve is asked for again after this many retry intervals. */
#define RESERVE_RETRIES 10

enum work { WORK_WRITE, WORK_READ, WORK_COPY, WORK_ASIDE, WORK_RESERVE, WORK_END };

int64_t store_mono_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void store_deadline(int64_t mono_ms, struct timespec *ret_ts)
{
    ret_ts->tv_sec = (time_t)(mono_ms / 1000);
    ret_ts->tv_nsec = (long)(mono_ms % 1000) * 1000000;
}

static int64_t mono_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void wake(struct fa_store *store)
{
    if (store->wake != NULL && !store->orphaned) {
        store->wake(store->ctx);
    }
}

static int32_t put_row(struct fa_store *store, struct firealarm_row *row,
                       struct firealarm_error *error)
{
    store_row_mac(&store->keys, row, row->mac);
    return store->plugin->put(store->self, row, error);
}

static uint32_t live_of(const struct fa_store *store, const struct change *change)
{
    bool ends = change->kind < 32 && (store->ended_kinds >> change->kind & 1u) != 0;
    return change->live ? 1 : ends ? 2 : 0;
}

/* Applies one change; *head moves on with the journal. */
static int32_t apply(struct fa_store *store, const struct change *change,
                     struct fa_store_head *head, struct firealarm_error *error)
{
    struct firealarm_text key = {change->data, change->key_len};
    struct firealarm_text value = {change->data + change->key_len, change->value_len};
    uint64_t id = 0;
    if (change->what != CHANGE_JOURNAL) {
        id = store_row_id(&store->keys, change->kind, key);
    }
    if (change->what == CHANGE_ERASE) {
        live_set_erase(&store->live, id);
        return store->plugin->erase(store->self, change->kind, key, error);
    }
    if (change->what == CHANGE_PUT) {
        struct firealarm_row row = {.kind = change->kind,
                                    .live = live_of(store, change),
                                    .time = change->time,
                                    .key = key,
                                    .value = value};
        int32_t rc = put_row(store, &row, error);
        if (row.live == 1) {
            live_set_put(&store->live, id, row.mac);
        } else {
            live_set_erase(&store->live, id);
        }
        return rc;
    }
    struct firealarm_entry entry = {.n = change->n, .time = change->time, .body = value};
    store_chain_next(&store->keys, head->chain, &entry, entry.chain);
    head->n = entry.n;
    head->time = entry.time;
    memcpy(head->chain, entry.chain, sizeof head->chain);
    return store->plugin->append(store->self, &entry, error);
}

static int32_t put_head(struct fa_store *store, const struct fa_store_head *head,
                        struct firealarm_error *error)
{
    uint8_t value[HEAD_VALUE_BYTES];
    store_head_encode(head, &store->live, value);
    struct firealarm_row row = {.kind = OWN_KIND,
                                .live = 1,
                                .time = head->time,
                                .key = FIREALARM_TEXT(HEAD_KEY),
                                .value = {(const char *)value, sizeof value}};
    return put_row(store, &row, error);
}

/* The whole batch in one transaction of the plugin. */
static int32_t write_batch(struct fa_store *store, struct firealarm_error *error)
{
    struct fa_store_head head = store->head;
    FA_CRASHPOINT("store.before_begin");
    int32_t rc = store->plugin->begin(store->self, error);
    for (struct fa_txn *txn = store->batch; txn != NULL && rc == 0; txn = txn->next) {
        for (struct change *at = txn->first; at != NULL && rc == 0; at = at->next) {
            rc = apply(store, at, &head, error);
        }
    }
    if (rc == 0) {
        rc = put_head(store, &head, error);
    }
    if (rc == 0 && store->tell_restored) {
        rc = store->plugin->erase(store->self, OWN_KIND, FIREALARM_TEXT(RESTORED_KEY), error);
    }
    FA_CRASHPOINT("store.before_commit");
    if (rc == 0) {
        rc = store->plugin->commit(store->self, error);
    }
    FA_CRASHPOINT("store.after_commit");
    if (rc != 0) {
        store->plugin->rollback(store->self);
        return rc;
    }
    store->head = head;
    store->tell_restored = false;
    return 0;
}

/* With the lock held: what was written is durable. */
static void on_durable(struct fa_store *store, int64_t took_us)
{
    struct fa_store_stats *stats = &store->stats;
    for (const struct fa_txn *txn = store->batch; txn != NULL; txn = txn->next) {
        store->durable = txn->number;
        stats->waiting--;
        stats->waiting_bytes -= txn->bytes;
        stats->rows += txn->changes;
    }
    stats->commits++;
    stats->last_commit_us = (uint64_t)took_us;
    if (stats->last_commit_us > stats->max_commit_us) {
        stats->max_commit_us = stats->last_commit_us;
    }
    store->checkpoint = store->head;
    store->state = store->reserve_gone ? FA_STORE_LOW : FA_STORE_OK;
    FA_CRASHPOINT("store.before_wake");
    pthread_cond_signal(&store->moved);
    wake(store);
}

static void set_state(struct fa_store *store, enum fa_store_state state, const struct fa_err *err)
{
    bool changed = store->state != state;
    store->state = state;
    store->trouble = *err;
    if (changed) {
        pthread_cond_signal(&store->moved);
        wake(store);
    }
}

/* Gives the reserve up, if there still is one. */
static bool release_reserve(struct fa_store *store)
{
    struct firealarm_error error = {""};
    if (store->reserve_gone || store->plugin->reserve == NULL ||
        store->plugin->reserve(store->self, 0, &error) != 0) {
        return false;
    }
    store->reserve_gone = true;
    store->reserve_at = store_mono_ms() + (int64_t)RESERVE_RETRIES * store->retry_ms;
    return true;
}

/* Those who waited know: now there is time for it. */
static void do_tidy(struct fa_store *store)
{
    struct firealarm_error error = {""};
    struct fa_err err;
    int32_t rc = store->plugin->tidy != NULL ? store->plugin->tidy(store->self, &error) : 0;
    if (rc == FIREALARM_STORE_UNKNOWN) {
        store_error(rc, &error, "write", &err);
        pthread_mutex_lock(&store->lock);
        set_state(store, FA_STORE_UNKNOWN, &err);
        pthread_mutex_unlock(&store->lock);
    }
}

static void do_write(struct fa_store *store)
{
    struct firealarm_error error = {""};
    struct fa_err err;
    int64_t began = mono_us();
    int32_t rc = write_batch(store, &error);
    bool again = rc == FIREALARM_STORE_FULL && release_reserve(store);
    int64_t took = mono_us() - began;
    if (rc != 0) {
        store_error(rc, &error, "write", &err);
    } else {
        /* Before anybody is told: what was acknowledged is never ahead of the witness. */
        store_witness_write(store);
    }
    pthread_mutex_lock(&store->lock);
    struct fa_txn *done = NULL;
    if (rc == 0) {
        on_durable(store, took);
        done = store->batch;
        store->batch = NULL;
    } else if (rc == FIREALARM_STORE_FULL) {
        store->stats.retries++;
        store->retry_at = store_mono_ms() + (again ? 0 : store->retry_ms);
        set_state(store, again ? FA_STORE_LOW : FA_STORE_FULL, &err);
    } else {
        set_state(store, FA_STORE_UNKNOWN, &err);
    }
    pthread_mutex_unlock(&store->lock);
    store_txns_free(done);
    if (rc == 0) {
        do_tidy(store);
    }
}

static void do_reserve(struct fa_store *store)
{
    struct firealarm_error error = {""};
    int32_t rc = store->plugin->reserve(store->self, 1, &error);
    store->reserve_at = store_mono_ms() + (int64_t)RESERVE_RETRIES * store->retry_ms;
    pthread_mutex_lock(&store->lock);
    store->reserve_gone = rc != 0;
    if (rc == 0 && store->state == FA_STORE_LOW) {
        struct fa_err none;
        fa_err_set(&none, 0, "%s", "");
        set_state(store, FA_STORE_OK, &none);
    }
    pthread_mutex_unlock(&store->lock);
}

static void do_read(struct fa_store *store, struct job *job)
{
    bool done = store_job_run(store, job);
    pthread_mutex_lock(&store->lock);
    store->stats.damaged += job->answer.damaged;
    if (store->abandon || (!done && store->closing)) {
        store_job_fail(job, FA_ECLOSED, "the store was closed");
        done = true;
    }
    struct job ***last = done ? &store->answered_last : &store->jobs_last;
    **last = job;
    *last = &job->next;
    if (done) {
        wake(store);
    }
    pthread_mutex_unlock(&store->lock);
}

/* Moves what is queued into the batch, within the limits. */
static void take_batch(struct fa_store *store)
{
    struct fa_txn **last = &store->batch;
    size_t count = 0, bytes = 0;
    while (store->queue != NULL && count < BATCH_TXNS &&
           (count == 0 || bytes + store->queue->bytes <= BATCH_BYTES)) {
        struct fa_txn *txn = store->queue;
        store->queue = txn->next;
        txn->next = NULL;
        *last = txn;
        last = &txn->next;
        count++;
        bytes += txn->bytes;
    }
    if (store->queue == NULL) {
        store->queue_last = &store->queue;
    }
}

/* The first job may run if all before it is durable, or cannot become so now. */
static struct job *take_job(struct fa_store *store)
{
    struct job *job = store->jobs;
    if (job == NULL || (job->after > store->durable && store->state < FA_STORE_FULL)) {
        return NULL;
    }
    store->jobs = job->next;
    if (store->jobs == NULL) {
        store->jobs_last = &store->jobs;
    }
    job->next = NULL;
    return job;
}

/* Reads come before the next group, but for so many: whoever waits for one (a filing asks whether
 * it is known) then has its change in that group, and not each in one of its own. */
static struct job *take_read(struct fa_store *store)
{
    struct job *job = store->reads_left > 0 ? take_job(store) : NULL;
    if (job != NULL) {
        store->reads_left -= job->what == JOB_GET ? 1 : store->reads_left;
    }
    return job;
}

static bool can_write(struct fa_store *store, int64_t now)
{
    if (store->state == FA_STORE_UNKNOWN) {
        return false;
    }
    if (store->batch == NULL && store->queue != NULL) {
        store->retry_at = 0;
        take_batch(store);
    }
    return store->batch != NULL && now >= store->retry_at;
}

/* With the lock held: sleeps until there is something to do. */
static enum work wait_for_work(struct fa_store *store, struct job **ret_job)
{
    for (;;) {
        int64_t now = store_mono_ms();
        int64_t until = FA_NEVER;
        bool dead = store->state == FA_STORE_UNKNOWN;
        if (store->abandon) {
            return WORK_END;
        }
        if (store->side_waits && store_copy_wants(store)) {
            return WORK_COPY;
        }
        if (store->side_waits && store_aside_wants(store)) {
            return WORK_ASIDE;
        }
        if (!store->closing && (*ret_job = take_read(store)) != NULL) {
            return WORK_READ;
        }
        if (can_write(store, now)) {
            store->reads_left = READS_A_GROUP;
            return WORK_WRITE;
        }
        if (store->closing && (store->batch == NULL || dead)) {
            return WORK_END;
        }
        if ((*ret_job = take_job(store)) != NULL) {
            return WORK_READ;
        }
        if (store_copy_wants(store)) {
            return WORK_COPY;
        }
        if (store_aside_wants(store)) {
            return WORK_ASIDE;
        }
        if (store->reserve_gone && !dead && now >= store->reserve_at) {
            return WORK_RESERVE;
        }
        if (!dead && store->batch != NULL) {
            until = store->retry_at;
        }
        if (!dead && store->reserve_gone && store->reserve_at < until) {
            until = store->reserve_at;
        }
        struct timespec ts;
        store_deadline(until == FA_NEVER ? now + FA_HOUR : until, &ts);
        (void)pthread_cond_timedwait(&store->work, &store->lock, &ts);
    }
}

void *store_writer(void *ptr)
{
    struct fa_store *store = ptr;
    FA_MAGIC_CHECK(store, STORE_MAGIC);
    for (;;) {
        struct job *job = NULL;
        pthread_mutex_lock(&store->lock);
        enum work work = wait_for_work(store, &job);
        if (work == WORK_END) {
            break;
        }
        pthread_mutex_unlock(&store->lock);
        store->side_waits = work == WORK_WRITE;
        if (work == WORK_WRITE) {
            do_write(store);
        } else if (work == WORK_COPY) {
            store_copy_step(store);
        } else if (work == WORK_ASIDE) {
            store_aside_step(store);
        } else if (work == WORK_READ) {
            do_read(store, job);
        } else {
            do_reserve(store);
        }
    }
    store->ended = true;
    bool orphaned = store->orphaned;
    pthread_cond_signal(&store->ended_cond);
    pthread_mutex_unlock(&store->lock);
    if (orphaned) {
        store_free(store);
    }
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Reads: a job goes to the writer thread, gathers copies of what the plugin shows it, and comes
 * back to the loop. One job at a time and at most a page of rows, so that a long history never
 * holds up a commit for long; a walk over the whole journal goes back into the queue after each
 * page.
 *
 * A row that does not verify is left out and counted; the rest of the page is served. */
#include "store/internal.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

void store_job_fail(struct job *job, int code, const char *text)
{
    fa_err_set(&job->err, code, "%s", text);
    job->answer.code = code;
}

static struct job *new_job(const struct fa_store *store, enum job_kind what,
                           fa_store_answer_fn *done, void *ctx)
{
    struct job *job = fa_xcalloc(1, sizeof *job);
    job->what = what;
    job->done = done;
    job->ctx = ctx;
    job->after = store->submitted;
    return job;
}

static void set_key(struct job *job, struct fa_str key)
{
    /* A longer key names no row, and neither does an empty one. */
    job->key_len = key.len <= sizeof job->key ? key.len : 0;
    if (job->key_len > 0) {
        memcpy(job->key, key.ptr, job->key_len);
    }
}

static void queue(struct fa_store *store, struct job *job)
{
    pthread_mutex_lock(&store->lock);
    *store->jobs_last = job;
    store->jobs_last = &job->next;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
}

static uint32_t page(uint32_t limit)
{
    return limit > 0 && limit < FA_STORE_PAGE_ROWS ? limit : FA_STORE_PAGE_ROWS;
}

void fa_store_get(struct fa_store *store, uint32_t kind, struct fa_str key,
                  fa_store_answer_fn *done, void *ctx)
{
    struct job *job = new_job(store, JOB_GET, done, ctx);
    job->kind = kind;
    set_key(job, key);
    queue(store, job);
}

void fa_store_query(struct fa_store *store, uint32_t kind, fa_time before, struct fa_str before_key,
                    uint32_t limit, fa_store_answer_fn *done, void *ctx)
{
    struct job *job = new_job(store, JOB_QUERY, done, ctx);
    job->kind = kind;
    job->before = before;
    job->limit = page(limit);
    set_key(job, before_key);
    queue(store, job);
}

void fa_store_read_journal(struct fa_store *store, uint64_t from, uint32_t limit,
                           fa_store_answer_fn *done, void *ctx)
{
    struct job *job = new_job(store, JOB_JOURNAL, done, ctx);
    job->from = from;
    job->limit = page(limit);
    queue(store, job);
}

void fa_store_verify_journal(struct fa_store *store, uint64_t from, fa_store_answer_fn *done,
                             void *ctx)
{
    struct job *job = new_job(store, JOB_VERIFY, done, ctx);
    job->from = from > 0 ? from : 1;
    queue(store, job);
}

static char *copy(struct firealarm_text first, struct firealarm_text second)
{
    char *block = fa_xmalloc(first.len + second.len + 1);
    if (first.len > 0) {
        memcpy(block, first.ptr, first.len);
    }
    if (second.len > 0) {
        memcpy(block + first.len, second.ptr, second.len);
    }
    block[first.len + second.len] = '\0';
    return block;
}

static void keep_row(struct job *job, const struct firealarm_row *row)
{
    char *block = copy(row->key, row->value);
    job->rows = fa_xgrow(job->rows, job->answer.row_count, &job->row_cap, sizeof *job->rows);
    job->rows[job->answer.row_count++] = (struct fa_row){
        .kind = row->kind,
        .live = row->live == 1,
        .time = row->time,
        .key = {block, row->key.len},
        .value = {block + row->key.len, row->value.len},
    };
    job->bytes += row->key.len + row->value.len;
}

struct gather {
    struct fa_store *store;
    struct job *job;
    size_t seen;
};

static bool page_is_full(const struct gather *gather)
{
    return gather->seen >= gather->job->limit || gather->job->bytes >= FA_STORE_PAGE_BYTES;
}

static int32_t gather_row(void *ctx, const struct firealarm_row *row)
{
    struct gather *gather = ctx;
    struct job *job = gather->job;
    if (job->what == JOB_QUERY && page_is_full(gather)) {
        job->answer.more = true;
        return 1;
    }
    gather->seen++;
    if (store_row_verifies(&gather->store->keys, row)) {
        keep_row(job, row);
    } else {
        job->answer.damaged++;
    }
    size_t len = row->key.len < sizeof job->next_key ? row->key.len : sizeof job->next_key;
    memcpy(job->next_key, row->key.ptr, len);
    job->answer.next_key = (struct fa_str){job->next_key, len};
    job->answer.next_before = row->time;
    return 0;
}

static int32_t gather_entry(void *ctx, const struct firealarm_entry *entry)
{
    struct gather *gather = ctx;
    struct job *job = gather->job;
    if (page_is_full(gather)) {
        job->answer.more = true;
        return 1;
    }
    gather->seen++;
    job->entries =
        fa_xgrow(job->entries, job->answer.entry_count, &job->entry_cap, sizeof *job->entries);
    job->entries[job->answer.entry_count++] = (struct fa_entry){
        .n = entry->n,
        .time = entry->time,
        .body = {copy(entry->body, (struct firealarm_text){NULL, 0}), entry->body.len},
    };
    job->bytes += entry->body.len;
    return 0;
}

/* Checks the next entry; stops at the first that does not follow. */
static int32_t verify_entry(void *ctx, const struct firealarm_entry *entry)
{
    struct gather *gather = ctx;
    struct job *job = gather->job;
    uint8_t chain[FA_STORE_CHAIN_BYTES];
    store_chain_next(&gather->store->keys, job->chain, entry, chain);
    if (entry->n != job->from || memcmp(chain, entry->chain, sizeof chain) != 0 ||
        (entry->n == job->until.n && memcmp(chain, job->until.chain, sizeof chain) != 0)) {
        job->answer.first_bad = job->from;
        return 1;
    }
    memcpy(job->chain, chain, sizeof chain);
    job->answer.checked++;
    job->from++;
    return entry->n == job->until.n;
}

static int32_t keep_chain(void *ctx, const struct firealarm_entry *entry)
{
    struct gather *gather = ctx;
    if (entry->n + 1 == gather->job->from) {
        memcpy(gather->job->chain, entry->chain, sizeof entry->chain);
        gather->seen = 1;
    }
    return 0;
}

/* One page; sets complete after the last. */
static int32_t verify_page(struct gather *gather, struct firealarm_error *error)
{
    const struct fa_store *store = gather->store;
    struct job *job = gather->job;
    int32_t rc = 0;
    if (!job->begun) {
        job->begun = true;
        job->until = store->head;
        if (job->from > 1) {
            rc = store->plugin->journal(store->self, job->from - 1, 1, keep_chain, gather, error);
            job->answer.first_bad =
                rc == 0 && gather->seen == 0 && job->from - 1 <= job->until.n ? job->from - 1 : 0;
        }
    }
    uint64_t began = job->from;
    if (rc == 0 && job->answer.first_bad == 0 && job->from <= job->until.n) {
        rc = store->plugin->journal(store->self, job->from, FA_STORE_PAGE_ROWS, verify_entry,
                                    gather, error);
        if (rc == FIREALARM_STORE_CORRUPT ||
            (rc == 0 && job->from == began && job->answer.first_bad == 0)) {
            job->answer.first_bad = job->from; /* it cannot be read, or is not there at all */
            rc = 0;
        }
        rc = rc > 0 ? 0 : rc;
    }
    job->complete = rc != 0 || job->answer.first_bad != 0 || job->from > job->until.n;
    return rc;
}

bool store_job_run(struct fa_store *store, struct job *job)
{
    struct firealarm_error error = {""};
    struct gather gather = {.store = store, .job = job};
    struct firealarm_text key = {job->key, job->key_len};
    const struct firealarm_store *plugin = store->plugin;
    int32_t rc = 0;
    job->complete = true;
    switch (job->what) {
    case JOB_GET:
        rc = plugin->get(store->self, job->kind, key, gather_row, &gather, &error);
        break;
    case JOB_QUERY:
        rc = plugin->query(store->self, job->kind, job->before, key, job->limit + 1, gather_row,
                           &gather, &error);
        break;
    case JOB_JOURNAL:
        rc = plugin->journal(store->self, job->from, job->limit + 1, gather_entry, &gather, &error);
        break;
    case JOB_VERIFY:
    default:
        rc = verify_page(&gather, &error);
        break;
    }
    if (rc < 0) {
        job->answer.code = store_error(rc, &error, "read", &job->err);
    } else if (job->what == JOB_GET && job->answer.damaged > 0) {
        store_job_fail(job, FA_ECORRUPT, "store: the row is damaged");
    }
    return job->complete;
}

void store_jobs_answer(struct job *jobs)
{
    while (jobs != NULL) {
        struct job *job = jobs;
        jobs = job->next;
        job->answer.err = &job->err;
        job->answer.rows = job->rows;
        job->answer.entries = job->entries;
        job->done(job->ctx, &job->answer);
        for (size_t i = 0; i < job->answer.row_count; i++) {
            free((char *)(uintptr_t)job->rows[i].key.ptr);
        }
        for (size_t i = 0; i < job->answer.entry_count; i++) {
            free((char *)(uintptr_t)job->entries[i].body.ptr);
        }
        free(job->rows);
        free(job->entries);
        free(job);
    }
}

void fa_store_poll(struct fa_store *store)
{
    pthread_mutex_lock(&store->lock);
    struct job *jobs = store->answered;
    store->answered = NULL;
    store->answered_last = &store->answered;
    pthread_mutex_unlock(&store->lock);
    store_jobs_answer(jobs);
}

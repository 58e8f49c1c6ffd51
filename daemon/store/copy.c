/* SPDX-License-Identifier: MIT */
/* Copies of the store: taken on the writer thread, a step after each group, so that commits go on;
 * then synced, read once and named by a thread of its own, so that neither a slow disk nor a long
 * journal holds a commit up. And the other way: a copy is looked through and put in place.
 *
 * Invariants:
 *  1. Under its name a copy is whole, synced and was read: until then it lies in "new", which the
 *     next copy throws away.
 *  2. A copy gives way: when the store runs out of room it is given up and its room is free again.
 *  3. What is wrong with the store is copied as it is, counted and said. Refusing it would leave
 *     nobody with a copy of a store that begins to fail.
 *  4. That a copy was put in place stands in the copy itself, from the same moment on. */
#include "store/internal.h"

#include "base/panic.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NEW_DIR "new"
/* What is left free at least: a tenth of the disk within these. */
#define SPARE_MIN ((uint64_t)8 << 20)
#define SPARE_MAX ((uint64_t)1 << 30)

/* Calls fn for each name in dir; the first that is not 0 ends it. */
static int each_file(const char *dir, int (*fn)(int dir_fd, const char *name))
{
    DIR *list = opendir(dir);
    const struct dirent *entry;
    int rc = list != NULL ? 0 : -1;
    while (rc == 0 && (entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            rc = fn(dirfd(list), entry->d_name);
        }
    }
    if (list != NULL) {
        closedir(list);
    }
    return rc;
}

static int remove_file(int dir_fd, const char *name)
{
    return unlinkat(dir_fd, name, 0);
}

static int sync_file(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int rc = fd >= 0 ? fsync(fd) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 ? fsync(fd) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static void new_path(const struct fa_store *store, char *buf, size_t size)
{
    snprintf(buf, size, "%s/" NEW_DIR, store->copy_dir);
}

static void remove_new(const struct fa_store *store)
{
    char path[512];
    new_path(store, path, sizeof path);
    (void)!each_file(path, remove_file);
    (void)rmdir(path);
}

/* Good when err is NULL. */
static void settle(struct fa_store *store, const struct fa_err *err)
{
    if (err != NULL) {
        remove_new(store);
    }
    pthread_mutex_lock(&store->lock);
    store->copy.state = err == NULL ? FA_COPY_DONE : FA_COPY_FAILED;
    if (err != NULL) {
        store->copy.err = *err;
    }
    if (store->wake != NULL && !store->orphaned) {
        store->wake(store->ctx);
    }
    pthread_mutex_unlock(&store->lock);
}

/* ---- looking through one ---- */

static bool is_ending(struct fa_store *store)
{
    pthread_mutex_lock(&store->lock);
    bool ending = store->closing;
    pthread_mutex_unlock(&store->lock);
    return ending;
}

struct outcome {
    struct fa_store_answer answer; /* its numbers; rows and texts are gone */
    char next_key[FIREALARM_STORE_KEY_MAX];
};

static void keep_outcome(void *ctx, const struct fa_store_answer *answer)
{
    struct outcome *outcome = ctx;
    outcome->answer = *answer;
    if (answer->next_key.len > 0) {
        memcpy(outcome->next_key, answer->next_key.ptr, answer->next_key.len);
    }
}

/* Runs one on this thread: 1 when it is done, 0 when it wants another turn. */
static int run_job(struct fa_store *store, struct job *job, struct outcome *ret, struct fa_err *err)
{
    job->done = keep_outcome;
    job->ctx = ret;
    bool done = store_job_run(store, job);
    int rc = job->answer.code;
    if (rc != 0) {
        *err = job->err;
    }
    if (done || rc != 0) {
        store_jobs_answer(job);
    }
    return rc != 0 ? rc : done;
}

/* `owner` NULL, or the store whose closing ends this. */
static int check_journal(struct fa_store *store, struct fa_store *owner,
                         struct fa_store_findings *findings, struct fa_err *err)
{
    struct outcome outcome = {0};
    struct job *job = fa_xcalloc(1, sizeof *job);
    job->what = JOB_VERIFY;
    job->from = 1;
    int rc;
    while ((rc = run_job(store, job, &outcome, err)) == 0) {
        if (owner != NULL && is_ending(owner)) {
            store_jobs_answer(job);
            return fa_err_set(err, FA_ECLOSED, "store: the daemon ends");
        }
    }
    findings->entries = outcome.answer.checked;
    findings->first_bad = outcome.answer.first_bad;
    return rc > 0 ? 0 : rc;
}

static int check_history(struct fa_store *store, struct fa_store *owner, uint32_t kind,
                         struct fa_store_findings *findings, struct fa_err *err)
{
    struct outcome outcome = {.answer = {.next_before = FA_NEVER}};
    do {
        struct job *job = fa_xcalloc(1, sizeof *job);
        job->what = JOB_QUERY;
        job->kind = kind;
        job->before = outcome.answer.next_before;
        job->limit = FA_STORE_PAGE_ROWS;
        job->key_len = outcome.answer.next_key.len;
        memcpy(job->key, outcome.next_key, job->key_len);
        int rc = run_job(store, job, &outcome, err);
        if (rc < 0) {
            return rc;
        }
        if (owner != NULL && is_ending(owner)) {
            return fa_err_set(err, FA_ECLOSED, "store: the daemon ends");
        }
        findings->rows += outcome.answer.row_count;
        findings->damaged += outcome.answer.damaged;
    } while (outcome.answer.more);
    return 0;
}

static int check_all(struct fa_store *store, struct fa_store *owner, uint32_t kinds,
                     struct fa_store_findings *ret, struct fa_err *err)
{
    *ret = (struct fa_store_findings){.rows = store->live.count, .damaged = store->stats.damaged};
    int rc = check_journal(store, owner, ret, err);
    for (uint32_t kind = 1; kind <= kinds && rc == 0; kind++) {
        rc = check_history(store, owner, kind, ret, err);
    }
    return rc;
}

int fa_store_check(struct fa_store *store, uint32_t kinds, struct fa_store_findings *ret,
                   struct fa_err *err)
{
    fa_assert(store->loaded && !store->started);
    return check_all(store, NULL, kinds, ret, err);
}

static int see_row(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    return is_ending(ctx) ? fa_err_set(err, FA_ECLOSED, "store: the daemon ends") : 0;
}

static int look_through(struct fa_store *store, const char *dir, struct fa_err *err)
{
    struct firealarm_error error = {""};
    struct fa_store_options options = {
        .plugin = store->plugin, .settings = store->settings, .host = store->host};
    struct fa_store_visitor visitor = {see_row, NULL, store};
    struct fa_store_findings findings;
    struct fa_store_head head;
    void *self = NULL;
    int32_t code = store->plugin->copy_open(store->host, store->settings, dir, 0, &self, &error);
    if (code != 0) {
        return store_error(code, &error, "read the copy", err);
    }
    struct fa_store *copy = store_wrap(&options, &store->keys, self);
    int rc = fa_store_load(copy, &visitor, &head, err);
    rc = rc == 0 ? check_all(copy, store, store->copy_kinds, &findings, err) : rc;
    if (rc == 0) {
        pthread_mutex_lock(&store->lock);
        store->copy.n = head.n;
        store->copy.findings = findings;
        pthread_mutex_unlock(&store->lock);
    }
    (void)!fa_store_close(copy, 0);
    return rc;
}

/* ---- the thread that makes a copy good ---- */

/* Its name, and another one when a second copy is taken within the second. */
static int give_name(const struct fa_store *store, const char *from, char *to, size_t size)
{
    char again[16] = "";
    for (unsigned i = 2; i <= 100; i++) {
        snprintf(to, size, "%s/%s%s-%llu", store->copy_dir, store->copy_name, again,
                 (unsigned long long)store->copy.n);
        if (rename(from, to) == 0) {
            return 0;
        }
        if (errno != ENOTEMPTY && errno != EEXIST) {
            return -1;
        }
        snprintf(again, sizeof again, ".%u", i);
    }
    return -1;
}

static int make_good(struct fa_store *store, struct fa_err *err)
{
    char from[512], to[512];
    new_path(store, from, sizeof from);
    int rc = look_through(store, from, err);
    if (rc != 0) {
        return rc;
    }
    if (each_file(from, sync_file) != 0 || sync_dir(from) != 0) {
        return fa_err_set(err, FA_EIO, "store: %s: %s", from, strerror(errno));
    }
    if (give_name(store, from, to, sizeof to) != 0 || sync_dir(store->copy_dir) != 0) {
        return fa_err_set(err, FA_EIO, "store: %s: %s", to, strerror(errno));
    }
    pthread_mutex_lock(&store->lock);
    snprintf(store->copy.path, sizeof store->copy.path, "%s", to);
    pthread_mutex_unlock(&store->lock);
    return 0;
}

static void *check_thread(void *ptr)
{
    struct fa_store *store = ptr;
    struct fa_err err;
    int rc = make_good(store, &err);
    settle(store, rc == 0 ? NULL : &err);
    return NULL;
}

/* The writer has all signals blocked, and so has its child. */
static void start_check(struct fa_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->copy.state = FA_COPY_CHECKING;
    int rc = pthread_create(&store->copy_thread, NULL, check_thread, store);
    store->copy_threaded = rc == 0;
    pthread_mutex_unlock(&store->lock);
    if (rc != 0) {
        struct fa_err err;
        fa_err_set(&err, FA_EAGAIN, "store: the thread that checks the copy: %s", strerror(rc));
        settle(store, &err);
    }
}

/* ---- taking one ---- */

bool store_copy_wants(const struct fa_store *store)
{
    return store->copy.state == FA_COPY_RUNNING && !store->closing;
}

/* Room for the rest, and some that the store needs. Copies are not deleted: whoever asks for one
 * after the other must not have filings refused. */
static bool has_room(const struct fa_store *store, uint64_t left)
{
    struct statvfs fs;
    if (statvfs(store->copy_dir, &fs) != 0) {
        return true;
    }
    uint64_t spare = (uint64_t)fs.f_blocks / 10 * fs.f_frsize;
    spare = spare < SPARE_MIN ? SPARE_MIN : spare > SPARE_MAX ? SPARE_MAX : spare;
    return (uint64_t)fs.f_bavail * fs.f_frsize >= left + spare;
}

static int32_t take_step(struct fa_store *store, struct firealarm_error *error)
{
    char path[512];
    uint64_t done = 0, total = 0;
    new_path(store, path, sizeof path);
    if (!store->copy_begun) {
        int32_t rc = store->plugin->copy_begin(store->self, path, error);
        store->copy_begun = rc == 0;
        return rc == 0 ? 1 : rc;
    }
    int32_t rc = store->plugin->copy_step(store->self, &done, &total, error);
    pthread_mutex_lock(&store->lock);
    store->copy.done = done;
    store->copy.total = total;
    pthread_mutex_unlock(&store->lock);
    if (rc >= 0 && !has_room(store, total - done)) {
        snprintf(error->text, sizeof error->text,
                 "%s: a copy would leave too little room for the store: carry older ones away",
                 store->copy_dir);
        return FIREALARM_STORE_FULL;
    }
    return rc;
}

void store_copy_step(struct fa_store *store)
{
    struct firealarm_error error = {""};
    struct fa_err err;
    pthread_mutex_lock(&store->lock);
    bool room = store->state == FA_STORE_OK;
    pthread_mutex_unlock(&store->lock);
    int32_t rc = room ? take_step(store, &error) : FIREALARM_STORE_FULL;
    if (rc > 0) {
        return;
    }
    if (store->copy_begun) {
        store->plugin->copy_end(store->self);
        store->copy_begun = false;
    }
    if (rc == 0) {
        start_check(store);
        return;
    }
    if (!room) {
        snprintf(error.text, sizeof error.text, "given up: the store itself needs the room");
    }
    store_error(rc, &error, "copy", &err);
    settle(store, &err);
}

int fa_store_copy(struct fa_store *store, const char *dir, const char *name, uint32_t kinds,
                  struct fa_err *err)
{
    char path[512];
    if (store->plugin->copy_begin == NULL || store->plugin->copy_open == NULL) {
        return fa_err_set(err, FA_EUNSUPPORTED, "store: %s cannot be copied", store->plugin->name);
    }
    pthread_mutex_lock(&store->lock);
    bool busy = store->copy.state == FA_COPY_RUNNING || store->copy.state == FA_COPY_CHECKING;
    enum fa_store_state state = store->state;
    pthread_mutex_unlock(&store->lock);
    if (busy) {
        return fa_err_set(err, FA_EBUSY, "store: a copy is being taken");
    }
    if (state != FA_STORE_OK) {
        return fa_err_set(err, FA_EFULL, "store: its disk is full");
    }
    store_copy_done(store); /* the thread of the last one */
    snprintf(store->copy_dir, sizeof store->copy_dir, "%s", dir);
    snprintf(store->copy_name, sizeof store->copy_name, "%s", name);
    store->copy_kinds = kinds;
    remove_new(store);
    new_path(store, path, sizeof path);
    if (mkdir(path, 0700) < 0) {
        return fa_err_set(err, errno == ENOSPC ? FA_EFULL : FA_EIO, "%s: %s", path,
                          strerror(errno));
    }
    pthread_mutex_lock(&store->lock);
    store->copy = (struct fa_store_copy){.state = FA_COPY_RUNNING};
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
    return 0;
}

void fa_store_copy_state(const struct fa_store *store, struct fa_store_copy *ret_copy)
{
    pthread_mutex_t *lock = &((struct fa_store *)(uintptr_t)store)->lock;
    pthread_mutex_lock(lock);
    *ret_copy = store->copy;
    pthread_mutex_unlock(lock);
}

void store_copy_done(struct fa_store *store)
{
    if (store->copy_threaded) {
        pthread_join(store->copy_thread, NULL);
        store->copy_threaded = false;
    }
    if (store->copy.state == FA_COPY_RUNNING) {
        if (store->copy_begun) {
            store->plugin->copy_end(store->self);
        }
        remove_new(store);
    }
}

/* ---- putting one in place ---- */

static int32_t put_word(struct fa_store *copy, fa_time now, uint64_t replaced_n,
                        struct firealarm_error *error)
{
    char value[24];
    snprintf(value, sizeof value, "%llu", (unsigned long long)replaced_n);
    struct firealarm_row row = {.kind = OWN_KIND,
                                .live = 1,
                                .time = now,
                                .key = FIREALARM_TEXT(RESTORED_KEY),
                                .value = {value, strlen(value) + 1}};
    store_row_mac(&copy->keys, &row, row.mac);
    int32_t rc = copy->plugin->begin(copy->self, error);
    rc = rc == 0 ? copy->plugin->put(copy->self, &row, error) : rc;
    rc = rc == 0 ? copy->plugin->commit(copy->self, error) : rc;
    if (rc != 0) {
        copy->plugin->rollback(copy->self);
    }
    return rc;
}

int fa_store_adopt(struct fa_store *copy, fa_time now, uint64_t replaced_n,
                   char ret_kept[FA_STORE_PATH_SIZE], struct fa_err *err)
{
    struct firealarm_error error = {""}, kept = {""};
    fa_assert(copy->loaded && !copy->started);
    int32_t rc = put_word(copy, now, replaced_n, &error);
    rc = rc == 0 ? copy->plugin->adopt(copy->self, &kept, &error) : rc;
    if (rc != 0) {
        return store_error(rc, &error, "put the copy in place", err);
    }
    snprintf(ret_kept, FA_STORE_PATH_SIZE, "%.*s", (int)strnlen(kept.text, sizeof kept.text),
             kept.text);
    return 0;
}

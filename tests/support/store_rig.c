/* SPDX-License-Identifier: MIT */
/* The work is drawn from a seed and done one acknowledgement at a time, so that the same seed makes
 * the same calls to the disk: a failing image can be made again. Two transactions that share a
 * commit are made by holding the disk while they are queued. */
#include "store_rig.h"

#include "base/panic.h"
#include "host/plugins.h"
#include "store/key.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_PATH FAKE_KEYS "/store.key"
#define BALLAST  (128 << 10)
/* Never within a test: the writer does nothing by itself that the seed did not ask for. */
#define RETRY_MS  (1u << 30)
#define STATES    4096
#define MAX_VALUE 9000

enum { FILING = 1, ALARM, NOTICE, PROBE, KINDS };

const char *const verdict_names[VERDICT__COUNT] = {"kept", "lost", "half there", "damaged",
                                                   "refused"};

static sqlite3 *connection;
static int frames_factor = 1;

/* The plugin's hook is called through this one. */
typedef int wal_fn(void *ctx, sqlite3 *db, const char *name, int frames);
void *__real_sqlite3_wal_hook(sqlite3 *db, wal_fn *fn, void *ctx);
void *__wrap_sqlite3_wal_hook(sqlite3 *db, wal_fn *fn, void *ctx);
static wal_fn *plugin_hook;

static int more_frames(void *ctx, sqlite3 *db, const char *name, int frames)
{
    return plugin_hook(ctx, db, name, frames * frames_factor);
}

void *__wrap_sqlite3_wal_hook(sqlite3 *db, wal_fn *fn, void *ctx)
{
    plugin_hook = fn;
    return __real_sqlite3_wal_hook(db, more_frames, ctx);
}

void rig_checkpoint_often(int factor)
{
    frames_factor = factor;
}

/* A commit is told before the store tidies up after it: the writer rests when it has done both. */
static struct firealarm_store plugin;
static atomic_uint commits, tidied;

static int32_t commit(void *self, struct firealarm_error *error)
{
    int32_t rc = firealarm_store.commit(self, error);
    atomic_fetch_add(&commits, rc == 0);
    return rc;
}

static int32_t tidy(void *self, struct firealarm_error *error)
{
    int32_t rc = firealarm_store.tidy(self, error);
    if (rc != FIREALARM_STORE_UNKNOWN) { /* else the writer says so when it rests */
        atomic_fetch_add(&tidied, 1);
    }
    return rc;
}

static bool rests(const struct fa_store *store)
{
    return atomic_load(&tidied) == atomic_load(&commits) ||
           fa_store_state(store) == FA_STORE_UNKNOWN;
}

const char *const *__real_sqlite_migrations(int *ret_version);
const char *const *__wrap_sqlite_migrations(int *ret_version);
static const char *const *more_steps;

const char *const *__wrap_sqlite_migrations(int *ret_version)
{
    static const char *steps[16];
    const char *const *plugins = __real_sqlite_migrations(ret_version);
    memcpy(steps, plugins, (size_t)*ret_version * sizeof *steps);
    for (size_t i = 0; more_steps != NULL && more_steps[i] != NULL; i++) {
        steps[(*ret_version)++] = more_steps[i];
    }
    return steps;
}

int rig_schema(void)
{
    int version = 0;
    (void)__real_sqlite_migrations(&version);
    return version;
}

void rig_migrations(const char *const *steps)
{
    more_steps = steps;
}

static int note_connection(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    const char *path = sqlite3_db_filename(db, "main");
    if (path != NULL && strcmp(path, FAKE_STORE "/firealarm.db") == 0) {
        connection = db; /* not that of a copy */
    }
    return SQLITE_OK;
}

sqlite3 *rig_connection(void)
{
    return connection;
}

static void wake(void *ctx)
{
    sem_post(ctx);
}

static void quiet(void *ctx, uint32_t level, const char *text)
{
}

void rig_init(struct rig *rig)
{
    *rig = (struct rig){.store = NULL};
    sem_init(&rig->woken, 0, 0);
    rig->values[0].text = (struct firealarm_text){FAKE_STORE, strlen(FAKE_STORE)};
    rig->values[1].number = BALLAST;
    rig->settings = (struct firealarm_settings){"main", rig->values, 3};
    rig->host = fa_host_table(NULL, NULL);
    rig->host.log = quiet;
    (void)fake_vfs_register();
    (void)sqlite3_auto_extension((void (*)(void))note_connection);
}

void rig_done(struct rig *rig)
{
    (void)rig_close(rig);
    sem_destroy(&rig->woken);
}

static uint64_t hash(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    }
    return fake_mix(sum + len);
}

static uint64_t hash_row(const struct fa_row *row)
{
    uint64_t sum = fake_mix(row->kind * 2u + row->live) + (uint64_t)row->time;
    return hash(hash(sum, row->key.ptr, row->key.len), row->value.ptr, row->value.len);
}

static uint64_t hash_entry(uint64_t n, fa_time time, struct fa_str body)
{
    return hash(fake_mix(n) + (uint64_t)time, body.ptr, body.len);
}

static int load_row(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    struct rig *rig = ctx;
    rig->sums.live += hash_row(row);
    return 0;
}

static void load_damaged(void *ctx, uint32_t kind, struct fa_str key)
{
    struct rig *rig = ctx;
    rig->damaged++;
}

/* The plugin wants a WAL to be there after each commit, in whatever mode the test has put it. */
static void keep_wal_name(void)
{
    if (fake_find(FAKE_STORE "/firealarm.db-wal") == FAKE_NONE) {
        (void)fake_create(FAKE_STORE "/firealarm.db-wal");
    }
}

int rig_open(struct rig *rig)
{
    plugin = firealarm_store;
    plugin.commit = commit;
    plugin.tidy = tidy;
    atomic_store(&commits, 0);
    atomic_store(&tidied, 0);
    struct fa_store_options options = {.plugin = &plugin,
                                       .settings = &rig->settings,
                                       .host = &rig->host,
                                       .wake = wake,
                                       .ctx = &rig->woken,
                                       .witness = rig->witness,
                                       .retry_ms = RETRY_MS};
    struct fa_store_visitor visitor = {load_row, load_damaged, rig};
    rig->sums = (struct rig_sums){.live = 0};
    rig->damaged = rig->gone = rig->changed = 0;
    rig->first_bad = 0;
    rig->read_code = 0;
    fa_err_set(&rig->err, 0, "%s", "");
    int rc = fa_store_key_read(KEY_PATH, true, options.key, &rig->err);
    if (rc == 0) {
        rc = fa_store_open(&options, &rig->store, &rig->err);
    }
    if (rc == 0 && rig->pragma != NULL) {
        fa_assert(sqlite3_exec(connection, rig->pragma, NULL, NULL, NULL) == SQLITE_OK);
        keep_wal_name();
    }
    if (rc == 0) {
        rc = fa_store_load(rig->store, &visitor, &rig->head, &rig->err);
    }
    if (rc == 0) {
        rc = fa_store_start(rig->store, &rig->err);
    }
    if (rc != 0) {
        (void)rig_close(rig);
    }
    rig->sums.journal_n = rig->head.n;
    return rc;
}

int rig_close(struct rig *rig)
{
    bool stuck = rig->store != NULL && fa_store_state(rig->store) == FA_STORE_FULL;
    int rc = fa_store_close(rig->store, stuck ? 0 : 60000);
    rig->store = NULL;
    return rc;
}

void rig_kill(struct rig *rig)
{
    struct fake_disk *disk = fake_disk_now();
    disk->freeze_at = disk->all_calls + 1;
    disk->frozen = true;
    (void)rig_close(rig);
    fake_disk_reset_calls(disk);
}

static void keep_page(void *ctx, const struct fa_store_answer *answer)
{
    struct rig *rig = ctx;
    rig->reads--;
    rig->damaged += answer->damaged;
    rig->first_bad = answer->first_bad != 0 ? answer->first_bad : rig->first_bad;
    if (answer->code != 0 && answer->code != FA_ENOTFOUND && rig->read_code == 0) {
        rig->read_code = answer->code;
        rig->err = *answer->err;
    }
    for (size_t i = 0; i < answer->row_count; i++) {
        rig->sums.closed += hash_row(&answer->rows[i]);
    }
    for (size_t i = 0; i < answer->entry_count; i++) {
        const struct fa_entry *entry = &answer->entries[i];
        rig->sums.journal += hash_entry(entry->n, entry->time, entry->body);
    }
    if (answer->more && answer->entry_count > 0) {
        rig->reads++;
        fa_store_read_journal(rig->store, answer->entries[answer->entry_count - 1].n + 1, 0,
                              keep_page, rig);
    }
}

static void wait_reads(struct rig *rig)
{
    fa_store_poll(rig->store);
    while (rig->reads > 0) {
        while (sem_wait(&rig->woken) != 0) {
        }
        fa_store_poll(rig->store);
    }
}

void rig_read_all(struct rig *rig)
{
    rig->reads = KINDS + 1;
    for (uint32_t kind = FILING; kind < KINDS; kind++) {
        fa_store_query(rig->store, kind, FA_NEVER, (struct fa_str){NULL, 0}, 0, keep_page, rig);
    }
    fa_store_read_journal(rig->store, 1, 0, keep_page, rig);
    fa_store_verify_journal(rig->store, 1, keep_page, rig);
    wait_reads(rig);
}

/* The work. */

void work_init(struct work *work, uint64_t seed)
{
    *work = (struct work){.random = seed};
    work->kills = work->fills = work->groups = true;
    work->after = fa_xcalloc(STATES, sizeof *work->after);
    rig_init(&work->rig);
}

void work_done(struct work *work)
{
    rig_done(&work->rig);
    free(work->after);
}

int work_open(struct work *work)
{
    work->offset = work->acked;
    return rig_open(&work->rig);
}

static uint64_t draw(struct work *work, uint64_t below)
{
    return fake_random(&work->random) % below;
}

static void forget(struct work *work, struct work_row *row)
{
    *(row->live ? &work->now.live : &work->now.closed) -= row->hash;
}

/* Puts a row and its hash; with row NULL a new one. */
static void put(struct work *work, struct fa_txn *txn, struct work_row *row, uint32_t kind,
                bool live, size_t len)
{
    char value[MAX_VALUE * 12];
    if (row == NULL) {
        row = &work->rows[work->row_count++];
        snprintf(row->key, sizeof row->key, "%08x%08llx", (unsigned)draw(work, 1u << 31),
                 (unsigned long long)++work->made);
    } else {
        forget(work, row);
    }
    row->kind = kind;
    row->live = live;
    row->len = len < sizeof value ? len : sizeof value;
    uint64_t word = draw(work, UINT64_MAX);
    for (size_t i = 0; i < row->len; i++) {
        value[i] = (char)(word >> (8 * (i % 8)));
    }
    struct fa_row ours = {
        kind, live, (fa_time)(1000 + work->submitted), fa_str_of(row->key), {value, row->len}};
    row->hash = hash_row(&ours);
    *(live ? &work->now.live : &work->now.closed) += row->hash;
    fa_assert(fa_txn_put(txn, &ours) == 0);
}

static void erase(struct work *work, struct fa_txn *txn, struct work_row *row)
{
    fa_assert(fa_txn_erase(txn, row->kind, fa_str_of(row->key)) == 0);
    forget(work, row);
    *row = work->rows[--work->row_count];
}

static void submit(struct work *work, struct fa_txn *txn, const char *what)
{
    size_t entries = 1 + draw(work, 3);
    for (size_t i = 0; i < entries; i++) {
        uint64_t n = 0;
        fa_time time = (fa_time)(1000 + work->submitted);
        fa_assert(fa_txn_journal(txn, time, fa_str_of(what), &n) == 0);
        work->now.journal += hash_entry(n, time, fa_str_of(what));
        work->now.journal_n = n;
    }
    (void)fa_txn_submit(txn);
    fa_assert(++work->submitted < STATES);
    work->after[work->submitted] = work->now;
}

/* What is acknowledged is marked only when the writer rests: the record is the same each time. */
int work_wait(struct work *work)
{
    for (;;) {
        size_t durable = work->offset + (size_t)fa_store_durable(work->rig.store);
        while (!rests(work->rig.store)) {
            sched_yield();
        }
        enum fa_store_state state = fa_store_state(work->rig.store);
        if (durable == work->submitted || state >= FA_STORE_FULL) {
            work->acked = durable;
            fake_disk_mark(fake_disk_now(), durable);
            fa_store_trouble(work->rig.store, &work->rig.err);
            return state == FA_STORE_UNKNOWN ? FA_EIO : durable < work->submitted ? FA_EFULL : 0;
        }
        while (sem_wait(&work->rig.woken) != 0) {
        }
    }
}

static size_t some_len(struct work *work)
{
    static const size_t most[] = {40, 40, 300, 300, 1500, MAX_VALUE};
    return 20 + draw(work, most[draw(work, 6)]);
}

static void build_filing(struct work *work, size_t bytes)
{
    struct fa_txn *txn = fa_txn_begin(work->rig.store);
    put(work, txn, NULL, FILING, true, bytes);
    put(work, txn, NULL, ALARM, true, 60 + draw(work, 200));
    put(work, txn, NULL, NOTICE, true, 60 + draw(work, 100));
    submit(work, txn, "filed");
}

int work_file(struct work *work, size_t bytes)
{
    build_filing(work, bytes);
    return work_wait(work);
}

/* Changes some rows there are: a verdict, an end, a new value, an erasure, a row of history that
 * lives again. */
static void build_change(struct work *work)
{
    struct fa_txn *txn = fa_txn_begin(work->rig.store);
    size_t count = 1 + draw(work, 4);
    for (size_t i = 0; i < count && work->row_count > 0; i++) {
        struct work_row *row = &work->rows[draw(work, work->row_count)];
        uint64_t what = draw(work, 10);
        if (what < 3) {
            erase(work, txn, row);
        } else if (what < 7) {
            put(work, txn, row, row->kind, false, row->len);
        } else {
            put(work, txn, row, row->kind, what < 9 ? row->live : true, some_len(work));
        }
    }
    submit(work, txn, "changed");
}

static void build_any(struct work *work)
{
    if (work->row_count < 9 || (work->row_count < WORK_ROWS - 9 && draw(work, 3) == 0)) {
        build_filing(work, some_len(work));
    } else {
        build_change(work);
    }
}

/* One transaction is being written while two more are queued: those share a commit. */
static int do_group(struct work *work)
{
    struct fake_disk *disk = fake_disk_now();
    fake_disk_hold(disk);
    build_any(work);
    fake_disk_wait_held(disk);
    build_any(work);
    build_any(work);
    fake_disk_release(disk);
    return work_wait(work);
}

/* The disk is full but for the ballast, and then it is not any more. */
static int do_full(struct work *work)
{
    struct fake_disk *disk = fake_disk_now();
    disk->capacity = fake_disk_used(disk) + 8192;
    int rc = work_file(work, 60000);
    disk->capacity = 0;
    work->ballast_used = true;
    return rc;
}

static int do_restart(struct work *work, bool kill)
{
    if (kill) {
        rig_kill(&work->rig);
    } else if (rig_close(&work->rig) != 0) {
        return FA_EIO;
    }
    work->ballast_used = false;
    fake_disk_now()->sync_failed = false; /* of the process that is gone */
    return work_open(work);
}

int work_step(struct work *work)
{
    uint64_t what = draw(work, 40);
    if (what < 2) {
        return do_restart(work, what == 0 && work->kills);
    }
    if (what == 2 && work->fills && !work->ballast_used && work->row_count < WORK_ROWS - 9) {
        return do_full(work);
    }
    if (what < 8 && work->groups) {
        return do_group(work);
    }
    build_any(work);
    return work_wait(work);
}

void work_go_on(const struct work *work, size_t state, struct work *next)
{
    next->submitted = next->acked = next->offset = state;
    next->now = work->after[state];
    next->made = 1u << 30;
    memcpy(next->after, work->after, (state + 1) * sizeof *work->after);
}

/* The look. */

static size_t find_state(const struct work *work, uint64_t journal_n)
{
    for (size_t i = 0; i <= work->submitted; i++) {
        if (work->after[i].journal_n == journal_n) {
            return i;
        }
    }
    return SIZE_MAX;
}

enum verdict work_judge(const struct work *work, size_t acked, struct rig *rig, size_t *ret_state,
                        char *text, size_t size)
{
    text[0] = '\0';
    *ret_state = 0;
    if (rig_open(rig) != 0) {
        snprintf(text, size, "open: %s", rig->err.text);
        return VERDICT_REFUSED;
    }
    rig_read_all(rig);
    if (rig->read_code != 0) {
        snprintf(text, size, "read: %s", rig->err.text);
        (void)rig_close(rig);
        return VERDICT_REFUSED;
    }
    if (rig->damaged > 0 || rig->first_bad != 0 || !rig->head.intact || !rig->head.complete ||
        rig->head.age >= FA_STORE_AGE_OLDER) {
        snprintf(text, size, "%zu damaged, first bad entry %llu, intact %d, complete %d, age %d",
                 rig->damaged, (unsigned long long)rig->first_bad, rig->head.intact,
                 rig->head.complete, (int)rig->head.age);
        return VERDICT_DAMAGED;
    }
    size_t state = find_state(work, rig->sums.journal_n);
    if (state == SIZE_MAX || memcmp(&work->after[state], &rig->sums, sizeof rig->sums) != 0) {
        snprintf(text, size, "journal at %llu is no state that was (%s)",
                 (unsigned long long)rig->sums.journal_n,
                 state == SIZE_MAX ? "the journal" : "the rows");
        return VERDICT_HALF;
    }
    *ret_state = state;
    if (state < acked) {
        snprintf(text, size, "%zu acknowledged, %zu there", acked, state);
        return VERDICT_LOST;
    }
    return VERDICT_KEPT;
}

struct wanted {
    struct rig *rig;
    uint64_t hash;
};

static void keep_one(void *ctx, const struct fa_store_answer *answer)
{
    struct wanted *wanted = ctx;
    wanted->rig->reads--;
    if (answer->code == FA_ENOTFOUND) {
        wanted->rig->gone++;
    } else if (answer->code != 0) {
        wanted->rig->read_code = answer->code;
        wanted->rig->err = *answer->err;
    } else if (answer->row_count != 1 || hash_row(&answer->rows[0]) != wanted->hash) {
        wanted->rig->changed++;
    }
    free(wanted);
}

void work_get_all(const struct work *work, struct rig *rig)
{
    rig->reads = work->row_count;
    for (size_t i = 0; i < work->row_count; i++) {
        const struct work_row *row = &work->rows[i];
        struct wanted *wanted = fa_xcalloc(1, sizeof *wanted);
        *wanted = (struct wanted){rig, row->hash};
        fa_store_get(rig->store, row->kind, fa_str_of(row->key), keep_one, wanted);
    }
    wait_reads(rig);
}

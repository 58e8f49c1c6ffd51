/* SPDX-License-Identifier: MIT */
/* links: fa_store_rig */
/* A disk that fails: each call the store makes to it fails in turn, the n-th for every n, until a
 * run ends in which it does not come to that; in each way that kind of call can fail, once or from
 * then on. The host must name it rightly, and the next start on the mended disk must find all that
 * was acknowledged in a state that once was. A commit that was refused as FULL is not there; one
 * whose outcome is unknown may be. No sync is tried again in the process that saw one fail: the
 * kernel may have dropped what it did not write. Each try is made with that and without it.
 *
 * FA_TRY=n makes one try again, the one a failure names. */
#include "fa_test.h"
#include "parallel.h"
#include "promise.h"
#include "store_rig.h"

#include <errno.h>

#define STEPS 24
#define SEED  7
#define NAME  "%-18s %-10s %-6s %-5s"

static const struct way {
    enum fake_call call;
    int code;
    bool half, stays;
    bool is_room; /* no more than want of room: nothing may be taken for broken */
} ways[] = {
    {FAKE_X_OPEN, EIO, false, false, false},         {FAKE_X_OPEN, ENOSPC, false, false, false},
    {FAKE_X_OPEN, EMFILE, false, true, false},       {FAKE_X_READ, EIO, false, false, false},
    {FAKE_X_READ, EIO, false, true, false},          {FAKE_X_WRITE, EIO, false, false, false},
    {FAKE_X_WRITE, EIO, true, true, false},          {FAKE_X_WRITE, ENOSPC, false, false, true},
    {FAKE_X_WRITE, ENOSPC, true, false, true},       {FAKE_X_WRITE, ENOSPC, true, true, true},
    {FAKE_X_WRITE, EDQUOT, false, false, true},      {FAKE_X_WRITE, EDQUOT, true, true, true},
    {FAKE_X_TRUNCATE, EIO, false, false, false},     {FAKE_X_SYNC, EIO, false, false, false},
    {FAKE_X_SYNC, EIO, false, true, false},          {FAKE_X_SYNC, ENOSPC, false, false, false},
    {FAKE_X_SYNC, EDQUOT, false, false, false},      {FAKE_X_SYNC_DIR, EIO, false, true, false},
    {FAKE_X_SIZE, EIO, false, false, false},         {FAKE_X_LOCK, EIO, false, false, false},
    {FAKE_X_DELETE, EIO, false, false, false},       {FAKE_X_ACCESS, EIO, false, false, false},
    {FAKE_X_FULL_PATH, EIO, false, false, false},    {FAKE_OPEN, EIO, false, false, false},
    {FAKE_OPEN, ENOSPC, false, false, false},        {FAKE_OPEN, EMFILE, false, true, false},
    {FAKE_FLOCK, ENOLCK, false, false, false},       {FAKE_READ, EIO, false, false, false},
    {FAKE_WRITE, EIO, false, false, false},          {FAKE_WRITE, ENOSPC, true, false, false},
    {FAKE_TRUNCATE, EIO, false, false, false},       {FAKE_ALLOCATE, ENOSPC, false, false, true},
    {FAKE_ALLOCATE, EOPNOTSUPP, false, true, false}, {FAKE_SYNC, EIO, false, false, false},
    {FAKE_STAT, EIO, false, false, false},           {FAKE_STATFS, EIO, false, false, false},
    {FAKE_CHMOD, EROFS, false, false, false},        {FAKE_UNLINK, EIO, false, false, false},
    {FAKE_LINK, EIO, false, false, false},           {FAKE_LINK, EDQUOT, false, true, false},
};
#define WAYS (sizeof ways / sizeof ways[0])

/* What became of it; summed up for each way. */
enum { RAN, PASSED_OVER, NOT_OPENED, FULL, UNKNOWN, UNREADABLE, GHOSTS, LOST, WRONG, COUNTS };

struct plan {
    size_t calls[FAKE_CALL__COUNT]; /* of a run without a fault */
    size_t first[WAYS + 1];         /* the number of each way's first try */
    size_t spread;                  /* every which try is made */
};

struct
try {
    const struct way *way;
    size_t number, n;
    bool dropped; /* what was not synced is gone after the failure */
    long *counts;
    struct fake_disk disk;
    struct work work;
    bool room_was_gone; /* the last failure was a full disk */
};

static void wrong(struct try *try, int count, const char *what, const char *text)
{
    parallel_add(&try->counts[count], 1);
    printf("FA_TRY=%zu: %s call %zu: errno %d%s%s%s: %s: %s\n", try->number,
           fake_call_names[try->way->call], try->n, try->way->code,
           try->way->half ? ", half done" : "", try->way->stays ? ", stays" : "",
           try->dropped ? ", unsynced dropped" : "", what, text);
}

/* The process that met the fault ends, and the disk is mended. */
static void end_process(struct try *try)
{
    struct fake_disk *disk = &try->disk;
    struct fake_disk after;
    (void)rig_close(&try->work.rig);
    /* Before there is a store SQLite may undo its own beginning. */
    if (disk->syncs_after_failed > 0 && try->work.acked > 0) {
        wrong(try, WRONG, "a sync was tried after one had failed", "");
    }
    if (try->dropped) {
        fake_disk_image(disk, disk->op_count, SEED + try->n, &after);
        fake_disk_done(disk);
        *disk = after;
        fake_disk_use(disk);
        fake_disk_record(disk);
    }
    fake_disk_reset_calls(disk);
}

static void judge(struct try *try)
{
    struct work *work = &try->work;
    char text[400];
    size_t state = 0;
    enum verdict verdict = work_judge(work, work->acked, &work->rig, &state, text, sizeof text);
    if (verdict != VERDICT_KEPT) {
        wrong(try, LOST, verdict_names[verdict], text);
        return;
    }
    if (state > work->acked) {
        parallel_add(&try->counts[GHOSTS], 1);
        /* Of half a page that was written the rest may happen to be there already. */
        if (try->room_was_gone && !try->way->half) {
            wrong(try, WRONG, "refused for want of room, and there", "");
        }
    }
    /* What the model believes to be there: the unknown is known now. */
    work->now = work->after[state];
    work->submitted = work->acked = state;
    work->row_count = 0;
    work->offset = state;
}

/* A failure that the host saw; code is what it was told. */
static void on_failure(struct try *try, int code, int count)
{
    const struct way *way = try->way;
    parallel_add(&try->counts[count], 1);
    /* SQLite makes no difference between a page that cannot be read and one that makes no sense. */
    if (way->is_room ? code != FA_EFULL
                     : code != FA_EIO && code != FA_EFULL &&
                           !(code == FA_ECORRUPT && way->call == FAKE_X_READ)) {
        wrong(try, WRONG, "not the right code", try->work.rig.err.text);
    }
    try->room_was_gone = code == FA_EFULL;
    end_process(try);
    judge(try);
    if (try->work.rig.store != NULL && work_file(&try->work, 500) != 0) {
        wrong(try, WRONG, "the mended disk", try->work.rig.err.text);
    }
}

static bool start(struct try *try)
{
    int rc = work_open(&try->work);
    if (rc != 0) {
        on_failure(try, rc, NOT_OPENED);
    }
    return rc == 0;
}

/* Reads may fail, but none may call damaged what is not. */
static bool read_some(struct try *try)
{
    struct rig *rig = &try->work.rig;
    rig->read_code = 0;
    rig_read_all(rig);
    if (rig->read_code != 0) {
        parallel_add(&try->counts[UNREADABLE], 1);
    }
    if (rig->damaged > 0 || rig->first_bad != 0 ||
        (rig->read_code != 0 && rig->read_code != FA_EIO)) {
        wrong(try, WRONG, "a read that fails is taken for damage", rig->err.text);
        return false;
    }
    return true;
}

/* The work, until the fault is seen. */
static void work_along(struct try *try)
{
    for (int i = 0; i < STEPS; i++) {
        int rc = work_step(&try->work);
        if (rc != 0) {
            on_failure(try, rc,
                       rc == FA_EFULL                ? FULL
                       : try->work.rig.store == NULL ? NOT_OPENED
                                                     : UNKNOWN);
            return;
        }
        if (i % 8 == 5 && !read_some(try)) {
            return;
        }
    }
    /* The fault was passed over: then it must not have cost anything either. */
    parallel_add(&try->counts[try->disk.calls[try->way->call] >= try->n ? PASSED_OVER : RAN], 1);
    end_process(try);
    judge(try);
}

static void begin(struct try *try)
{
    try->disk = (struct fake_disk){.random = SEED};
    fake_disk_use(&try->disk);
    fake_disk_record(&try->disk);
    work_init(&try->work, SEED);
    try->work.kills = try->work.fills = false;
}

static void run_try(void *ctx, size_t number, long *counts)
{
    const struct plan *plan = ctx;
    size_t i = 0;
    number *= plan->spread;
    number = getenv("FA_TRY") != NULL ? strtoul(getenv("FA_TRY"), NULL, 10) : number;
    while (number / 2 >= plan->first[i + 1]) {
        i++;
    }
    struct try try = {.way = &ways[i], .number = number, .n = number / 2 - plan->first[i] + 1};
    try.counts = &counts[i * COUNTS];
    try.dropped = number % 2 == 1;
    begin(&try);
    try.disk.fault = (struct fake_fault){.call = try.way->call,
                                         .first = try.n,
                                         .times = try.way->stays ? SIZE_MAX / 2 : 1,
                                         .code = try.way->code,
                                         .half = try.way->half};
    if (start(&try)) {
        work_along(&try);
    }
    work_done(&try.work);
    fake_disk_done(&try.disk);
}

/* Counts the calls of a run that nothing disturbs; after the last of them one try more is made, in
 * which the fault does not come. */
static void make_plan(struct plan *plan)
{
    long counts[COUNTS] = {0};
    struct way none = {.call = FAKE_X_OPEN};
    struct try try = {.way = &none, .n = SIZE_MAX, .counts = counts};
    begin(&try);
    assert_true(start(&try));
    for (int i = 0; i < STEPS; i++) {
        assert_int_equal(work_step(&try.work), 0);
        assert_true(i % 8 != 5 || read_some(&try));
    }
    memcpy(plan->calls, try.disk.calls, sizeof plan->calls);
    work_done(&try.work);
    fake_disk_done(&try.disk);
    plan->first[0] = 0;
    for (size_t i = 0; i < WAYS; i++) {
        plan->first[i + 1] = plan->first[i] + plan->calls[ways[i].call] + 1;
    }
}

static void each_call_to_the_disk_may_fail(void **state)
{
    static const struct promise_sizes sizes = {400, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    static long counts[WAYS * COUNTS];
    static char note[200];
    struct plan plan;
    long sums[COUNTS] = {0};
    rig_checkpoint_often(40);
    make_plan(&plan);
    size_t all = 2 * plan.first[WAYS], most = promise_tries(&sizes);
    plan.spread = all > most ? (all / most) | 1 : 1; /* odd: dropped or not in turn */
    size_t tries = getenv("FA_TRY") != NULL ? 1 : (all - 1) / plan.spread + 1;
    parallel_run(run_try, &plan, tries, counts, WAYS * COUNTS);
    printf("%-18s %5s %6s %6s %6s %6s %6s %6s %6s\n", "call", "errno", "not", "passed", "not",
           "full", "un-", "unread", "ghosts");
    printf("%-18s %5s %6s %6s %6s %6s %6s %6s\n", "", "", "reached", "over", "opened", "", "known",
           "able");
    for (size_t i = 0; i < WAYS; i++) {
        const long *row = &counts[i * COUNTS];
        printf("%-18s %5d %6ld %6ld %6ld %6ld %6ld %6ld %6ld\n", fake_call_names[ways[i].call],
               ways[i].code, row[RAN], row[PASSED_OVER], row[NOT_OPENED], row[FULL], row[UNKNOWN],
               row[UNREADABLE], row[GHOSTS]);
        for (int j = 0; j < COUNTS; j++) {
            sums[j] += row[j];
        }
    }
    snprintf(note, sizeof note,
             "%zu ways to fail; %ld refusals of room, %ld outcomes unknown, %ld "
             "of those commits there",
             WAYS, sums[FULL], sums[UNKNOWN], sums[GHOSTS]);
    promise_print(&(struct promise_row){
        .fault = "a call to the disk fails: EIO, ENOSPC, EDQUOT, half a write",
        .tries = tries,
        .lost = sums[LOST],
        .missed = PROMISE_NOT_LOOKED_AT,
        .duplicates = PROMISE_NOT_LOOKED_AT,
        .leaks = PROMISE_NOT_LOOKED_AT,
        .note = note,
    });
    assert_int_equal(sums[WRONG], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_to_the_disk_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

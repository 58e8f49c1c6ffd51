/* SPDX-License-Identifier: MIT */
/* links: fa_store_rig */
/* Power loss: the real store works on a disk that remembers every write, and after any of them the
 * power fails: what was synced is there, of the rest any part, torn and out of order. Each such
 * image is opened by the real store. All that was acknowledged must be in it, in a state that
 * once was, with every MAC and the whole chain verifying, and the witness, which is never synced,
 * not ahead of it; every fourth is worked on and loses power once more, during its recovery too.
 *
 * That the test can see a loss is part of the test: with settings that SQLite documents as unsafe,
 * which the plugin refuses to run with, it must find some.
 *
 * FA_SEED=n makes one recording again, the one a failure names. */
#include "fa_test.h"
#include "parallel.h"
#include "promise.h"
#include "store_rig.h"
#include "tmpdir.h"

#include <time.h>

enum { COUNT_IMAGES = VERDICT__COUNT, COUNT_SECOND, COUNT_UNACKED, COUNTS };

#define IMAGES        50 /* of one recording */
#define ROOMY_BALLAST (2 << 20)
#define STEPS         45

struct campaign {
    uint64_t seed;
    const char *pragma; /* NULL: as the plugin wants it */
};

static void tell(const char *what, uint64_t seed, size_t image, const char *text)
{
    printf("FA_SEED=%llu image %zu: %s: %s\n", (unsigned long long)seed, image, what, text);
}

/* The image in use was judged kept and is open in next->rig: more work, and power fails again. */
static void second_loss(struct work *next, struct fake_disk *disk, uint64_t random, long *counts,
                        uint64_t seed)
{
    char text[300] = "";
    size_t state = 0, before = next->acked;
    int rc = work_file(next, 3000);
    if (random & 1) {
        (void)rig_close(&next->rig);
    } else {
        rig_kill(&next->rig);
    }
    struct fake_disk image;
    struct rig rig;
    uint64_t draw = fake_mix(random);
    size_t count = draw % (disk->op_count + 1);
    fake_disk_image(disk, count, draw, &image);
    size_t acked = fake_disk_marked(disk, count);
    fake_disk_use(&image);
    rig_init(&rig);
    rig.witness = next->rig.witness;
    enum verdict verdict = rc != 0 ? VERDICT_REFUSED
                                   : work_judge(next, acked > before ? acked : before, &rig, &state,
                                                text, sizeof text);
    rig_done(&rig);
    fake_disk_done(&image);
    parallel_add(&counts[COUNT_SECOND], 1);
    if (verdict != VERDICT_KEPT) {
        parallel_add(&counts[verdict], 1);
        tell("the second loss", seed, count, text);
    }
}

static void try_image(const struct campaign *campaign, const struct work *work,
                      const struct fake_disk *disk, size_t number, long *counts)
{
    uint64_t random = fake_mix(work->random + number);
    size_t count =
        random & 1 ? fake_disk_mark_place(disk, random >> 8) : (random >> 8) % (disk->op_count + 1);
    size_t acked = fake_disk_marked(disk, count), state = 0;
    bool twice = campaign->pragma == NULL && number % 4 == 0;
    char text[300];
    struct fake_disk image;
    struct work next;
    fake_disk_image(disk, count, fake_mix(random), &image);
    fake_disk_use(&image);
    if (twice) {
        fake_disk_record(&image);
    }
    work_init(&next, random);
    next.rig.witness = work->rig.witness;
    enum verdict verdict = work_judge(work, acked, &next.rig, &state, text, sizeof text);
    parallel_add(&counts[verdict], 1);
    parallel_add(&counts[COUNT_IMAGES], 1);
    parallel_add(&counts[COUNT_UNACKED], verdict == VERDICT_KEPT && state > acked);
    if (verdict != VERDICT_KEPT && campaign->pragma == NULL) {
        tell(verdict_names[verdict], campaign->seed, number, text);
    }
    if (verdict == VERDICT_KEPT && twice) {
        work_go_on(work, state, &next);
        second_loss(&next, &image, random >> 3, counts, campaign->seed);
    }
    work_done(&next);
    fake_disk_done(&image);
}

/* The next start finds a part of what the first makes, and not all of it synced. */
static void die_in_the_first_start(struct work *work, struct fake_disk *disk)
{
    uint64_t random = fake_mix(work->random);
    disk->freeze_at = 1 + (random >> 8) % (random & 1 ? 10 : 160); /* the key takes ten */
    (void)work_open(work);
    rig_kill(&work->rig);
}

static void try_seed(void *ctx, size_t number, long *counts)
{
    struct campaign campaign = *(const struct campaign *)ctx;
    campaign.seed += number;
    struct fake_disk disk = {.random = campaign.seed};
    struct work work;
    fake_disk_use(&disk);
    fake_disk_record(&disk);
    work_init(&work, campaign.seed);
    work.rig.pragma = campaign.pragma;
    if (campaign.pragma != NULL || campaign.seed % 4 == 3) {
        /* With a small ballast nearly each commit moves the WAL, which syncs it all the same. */
        work.rig.values[1].number = ROOMY_BALLAST;
    }
    work.rig.witness = campaign.pragma == NULL ? RIG_WITNESS : NULL;
    if (campaign.pragma == NULL && campaign.seed % 2 == 1) {
        die_in_the_first_start(&work, &disk);
    }
    int rc = work_open(&work);
    /* SQLite goes on when it cannot sync the directory: the plugin's own sync must do, but for the
     * making of the first page, when there is nothing to lose yet. */
    disk.no_dir_syncs = campaign.seed % 2 == 0;
    for (int i = 0; i < STEPS && rc == 0; i++) {
        rc = work_step(&work);
    }
    rig_kill(&work.rig);
    if (rc != 0) {
        tell("the work", campaign.seed, 0, work.rig.err.text);
        parallel_add(&counts[VERDICT_REFUSED], 1);
    }
    for (size_t i = 0; i < IMAGES; i++) {
        try_image(&campaign, &work, &disk, i, counts);
    }
    fake_disk_done(&disk);
    work_done(&work);
}

static uint64_t first_seed(void)
{
    const char *text = getenv("FA_SEED");
    uint64_t seed = text != NULL              ? strtoull(text, NULL, 10)
                    : promise_is_exhaustive() ? (uint64_t)time(NULL) << 24
                                              : 1;
    printf("the first seed is %llu\n", (unsigned long long)seed);
    return seed;
}

static void nothing_acknowledged_is_lost_with_the_power(void **state)
{
    static const struct promise_sizes sizes = {200, 2000, 1000000, 10000000};
    struct campaign campaign = {.seed = first_seed()};
    size_t seeds = getenv("FA_SEED") != NULL ? 1 : promise_tries(&sizes) / IMAGES;
    long counts[COUNTS];
    rig_checkpoint_often(4);
    parallel_run(try_seed, &campaign, seeds, counts, COUNTS);
    static char note[200];
    snprintf(note, sizeof note,
             "%ld of the images lost power twice; %ld held a commit nobody had been told of",
             counts[COUNT_SECOND], counts[COUNT_UNACKED]);
    promise_print(&(struct promise_row){
        .fault = "power loss after any write, torn and reordered",
        .tries = (size_t)(counts[COUNT_IMAGES] + counts[COUNT_SECOND]),
        .lost = counts[VERDICT_LOST] + counts[VERDICT_HALF] + counts[VERDICT_DAMAGED] +
                counts[VERDICT_REFUSED],
        .missed = PROMISE_NOT_LOOKED_AT,
        .duplicates = PROMISE_NOT_LOOKED_AT,
        .bound = NULL,
        .leaks = PROMISE_NOT_LOOKED_AT,
        .note = note,
    });
}

static void unsafe_settings_are_seen_to_lose(void **state)
{
    static const char *const pragmas[] = {
        "PRAGMA synchronous = NORMAL",
        "PRAGMA synchronous = OFF",
        "PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; PRAGMA synchronous = FULL",
        "PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; PRAGMA synchronous = NORMAL",
    };
    rig_checkpoint_often(4);
    for (size_t i = 0; i < sizeof pragmas / sizeof pragmas[0]; i++) {
        static const struct promise_sizes sizes = {400, 1000, 10000, 10000};
        struct campaign campaign = {.seed = 1, .pragma = pragmas[i]};
        long counts[COUNTS];
        parallel_run(try_seed, &campaign, promise_tries(&sizes) / IMAGES, counts, COUNTS);
        printf("%s: of %ld images %ld lose what was acknowledged, %ld are damaged otherwise\n",
               pragmas[i], counts[COUNT_IMAGES], counts[VERDICT_LOST],
               counts[VERDICT_HALF] + counts[VERDICT_DAMAGED] + counts[VERDICT_REFUSED]);
        assert_true(counts[VERDICT_LOST] > 0);
    }
}

static sqlite3_file *main_file(sqlite3 **ret_db, const char *path, const char *vfs)
{
    sqlite3_file *file = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    assert_int_equal(sqlite3_open_v2(path, ret_db, flags, vfs), SQLITE_OK);
    assert_int_equal(sqlite3_file_control(*ret_db, "main", SQLITE_FCNTL_FILE_POINTER, &file), 0);
    return file;
}

/* How much SQLite writes and in what order depends on what it believes of the disk. */
static void sqlite_believes_of_the_fake_disk_what_it_does_of_a_real_one(void **state)
{
    struct tmpdir dir;
    struct fake_disk disk = {.random = 1};
    sqlite3 *ours = NULL, *real = NULL;
    tmpdir_make(&dir);
    fake_disk_use(&disk);
    assert_int_equal(fake_vfs_register(), SQLITE_OK);
    sqlite3_file *a = main_file(&ours, FAKE_STORE "/a", "fake");
    sqlite3_file *b = main_file(&real, tmpdir_file(&dir, "b"), "unix");
    assert_int_equal(a->pMethods->xSectorSize(a), b->pMethods->xSectorSize(b));
    /* Later versions have more to say; these are about what a write may leave. */
    int about_writes = SQLITE_IOCAP_ATOMIC | SQLITE_IOCAP_SAFE_APPEND | SQLITE_IOCAP_SEQUENTIAL |
                       SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_BATCH_ATOMIC;
    assert_int_equal(a->pMethods->xDeviceCharacteristics(a) & about_writes,
                     b->pMethods->xDeviceCharacteristics(b) & about_writes);
    sqlite3_close(ours);
    sqlite3_close(real);
    fake_disk_done(&disk);
    tmpdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite_believes_of_the_fake_disk_what_it_does_of_a_real_one),
        cmocka_unit_test(nothing_acknowledged_is_lost_with_the_power),
        cmocka_unit_test(unsafe_settings_are_seen_to_lose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

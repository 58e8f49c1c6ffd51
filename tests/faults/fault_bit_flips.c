/* SPDX-License-Identifier: MIT */
/* links: fa_store_rig */
/* Rot: one random bit of a store at rest is turned, in the database, its WAL or the key, and the
 * store is opened, loaded and read through: each row by its key, all history, the whole journal.
 * Whatever comes back differently must have been said to be damaged: by SQLite, or, where SQLite
 * takes it for sound, by our MACs, the chain, the sums of the head row, or the witness outside.
 *
 * FA_TRY=n makes one try again, the one a failure names. */
#include "fa_test.h"
#include "parallel.h"
#include "promise.h"
#include "store_rig.h"

#define DB  FAKE_STORE "/firealarm.db"
#define WAL DB "-wal"
#define KEY FAKE_KEYS "/store.key"

/* HARMLESS: all comes back as it was. */
enum { HARMLESS, BY_SQLITE, BY_US, SILENT, COUNTS };

/* Stores at rest: closed; killed, so that there is a WAL; killed before any checkpoint. */
enum { STORES = 3 };
struct store {
    struct fake_disk disk;
    struct work work;
};

static void make_store(struct store *store, int which)
{
    store->disk = (struct fake_disk){.random = 11u + (unsigned)which};
    fake_disk_use(&store->disk);
    work_init(&store->work, 11u + (unsigned)which);
    store->work.kills = false;
    store->work.rig.witness = RIG_WITNESS;
    rig_checkpoint_often(which == 2 ? 1 : 40);
    assert_int_equal(work_open(&store->work), 0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(work_step(&store->work), 0);
    }
    if (which == 0) {
        assert_int_equal(rig_close(&store->work.rig), 0);
    } else {
        rig_kill(&store->work.rig);
    }
    fake_disk_reset_calls(&store->disk);
}

/* Turns one bit, each of the files' as likely as any other, but the key's every eighth time. */
static void flip(struct fake_disk *disk, uint64_t random, char text[80])
{
    static const char *const paths[] = {KEY, DB, WAL};
    size_t file = random % 8 == 0 ? 0 : 1;
    struct fake_node *db = fake_disk_file(disk, DB), *wal = fake_disk_file(disk, WAL);
    size_t wal_size = wal != NULL ? wal->size : 0;
    uint64_t place = random >> 3;
    if (file == 1 && place % (db->size + wal_size) >= db->size) {
        file = 2;
    }
    struct fake_node *node = fake_disk_file(disk, paths[file]);
    size_t byte = (place >> 8) % node->size;
    node->data[byte] ^= (uint8_t)(1u << (place & 7));
    snprintf(text, 80, "bit %u of byte %zu of %s", (unsigned)(place & 7), byte, paths[file]);
}

/* What was seen, in the order in which it is: SQLite speaks before we do. */
static int look(const struct store *store, char text[400])
{
    struct rig rig;
    size_t state = 0;
    rig_init(&rig);
    rig.witness = RIG_WITNESS;
    enum verdict verdict = work_judge(&store->work, store->work.submitted, &rig, &state, text, 400);
    int seen = SILENT;
    if (verdict == VERDICT_REFUSED) {
        seen = rig.err.code == FA_ECORRUPT || rig.err.code == FA_EIO ? BY_SQLITE : BY_US;
    } else if (verdict == VERDICT_DAMAGED) {
        seen = BY_US;
    } else if (verdict == VERDICT_KEPT) {
        rig.read_code = 0;
        work_get_all(&store->work, &rig);
        seen = rig.read_code != 0 ? BY_US : rig.gone == 0 && rig.changed == 0 ? HARMLESS : SILENT;
        snprintf(text, 400, "%zu rows gone, %zu changed", rig.gone, rig.changed);
    }
    rig_done(&rig);
    return seen;
}

static void try_one(void *ctx, size_t number, long *counts)
{
    const struct store *stores = ctx;
    if (getenv("FA_TRY") != NULL) {
        number = strtoul(getenv("FA_TRY"), NULL, 10);
    }
    const struct store *store = &stores[number % STORES];
    char what[80], text[400] = "";
    struct fake_disk disk;
    fake_disk_copy(&store->disk, &disk);
    fake_disk_use(&disk);
    flip(&disk, fake_mix(number + 1), what);
    int seen = look(store, text);
    parallel_add(&counts[seen], 1);
    if (seen == SILENT) {
        printf("FA_TRY=%zu: %s: %s\n", number, what, text);
    }
    fake_disk_done(&disk);
}

static void no_bit_turns_unseen(void **state)
{
    static const struct promise_sizes sizes = {300, 600, 100000, 1000000};
    static struct store stores[STORES];
    static char note[200];
    long counts[COUNTS];
    for (int i = 0; i < STORES; i++) {
        make_store(&stores[i], i);
    }
    size_t tries = getenv("FA_TRY") != NULL ? 1 : promise_tries(&sizes);
    parallel_run(try_one, stores, tries, counts, COUNTS);
    snprintf(note, sizeof note,
             "%ld harmless, %ld seen by SQLite, %ld seen by MACs and chain alone", counts[HARMLESS],
             counts[BY_SQLITE], counts[BY_US]);
    for (int i = 0; i < STORES; i++) {
        work_done(&stores[i].work);
        fake_disk_done(&stores[i].disk);
    }
    promise_print(&(struct promise_row){
        .fault = "one bit of the stored files turns",
        .tries = tries,
        .lost = counts[SILENT],
        .missed = PROMISE_NOT_LOOKED_AT,
        .duplicates = PROMISE_NOT_LOOKED_AT,
        .leaks = PROMISE_NOT_LOOKED_AT,
        .note = note,
    });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bit_turns_unseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

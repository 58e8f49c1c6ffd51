/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_sqlite_static fa_host Threads::Threads */
/* Silent rot: one random bit of the database file is flipped, many times. SQLite itself notices
 * few of these; with MACs, chain and head row each must be refused, reported or harmless. One thing
 * is out of reach: history is checked as it is read, so a closed row that rots into another kind is
 * looked for in vain and found by nobody. It is counted here, and must stay rare. */
#include "fa_test.h"
#include "base/id.h"
#include "host/plugins.h"
#include "store/store.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <semaphore.h>

enum { LIVE = 40, HISTORY = 40, ENTRIES = 80, FLIPS = 600 };

struct world {
    struct tmpdir dir;
    struct firealarm_value values[3];
    struct firealarm_settings settings;
    struct firealarm_host host;
    sem_t woken;
    /* What one look at the store found. */
    unsigned live, history, entries, wrong, reported;
    bool refused, answered;
};

static void wake(void *ctx)
{
    sem_post(ctx);
}

static void fill_in(int i, char key[16], char value[64])
{
    snprintf(key, 16, "row-%03d", i);
    snprintf(value, 64, "the words of filing number %03d, as they were said", i);
}

static void note(struct world *world, const struct fa_row *row, unsigned *count)
{
    char key[16], value[64];
    ++*count;
    if (row->key.len != 7) {
        world->wrong++;
        return;
    }
    fill_in(atoi(row->key.ptr + 4), key, value);
    world->wrong += !fa_str_is(row->value, value) || row->time != 1000;
}

static int on_row(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    struct world *world = ctx;
    note(world, row, &world->live);
    return 0;
}

static void on_damaged(void *ctx, uint32_t kind, struct fa_str key)
{
    ((struct world *)ctx)->reported++;
}

static void on_history(void *ctx, const struct fa_store_answer *answer)
{
    struct world *world = ctx;
    world->answered = true;
    world->reported += answer->code != 0 || answer->damaged > 0;
    for (size_t i = 0; i < answer->row_count; i++) {
        note(world, &answer->rows[i], &world->history);
    }
}

static void on_verified(void *ctx, const struct fa_store_answer *answer)
{
    struct world *world = ctx;
    world->answered = true;
    world->reported += answer->code != 0 || answer->first_bad != 0;
    world->entries = (unsigned)answer->checked;
}

static struct fa_store *open_store(struct world *world)
{
    struct fa_store_options options = {.plugin = &firealarm_store,
                                       .settings = &world->settings,
                                       .host = &world->host,
                                       .key = {42},
                                       .wake = wake,
                                       .ctx = &world->woken};
    struct fa_store_visitor visitor = {on_row, on_damaged, world};
    struct fa_store_head head;
    struct fa_store *store = NULL;
    struct fa_err err;
    world->live = world->history = world->entries = world->wrong = world->reported = 0;
    world->refused = fa_store_open(&options, &store, &err) != 0 ||
                     fa_store_load(store, &visitor, &head, &err) != 0;
    if (world->refused) {
        (void)fa_store_close(store, 0);
        return NULL;
    }
    world->reported += !head.intact || !head.complete;
    assert_int_equal(fa_store_start(store, &err), 0);
    return store;
}

static void wait_answer(struct world *world, struct fa_store *store)
{
    while (!world->answered) {
        sem_wait(&world->woken);
        fa_store_poll(store);
    }
    world->answered = false;
}

static void look(struct world *world)
{
    struct fa_store *store = open_store(world);
    if (store == NULL) {
        return;
    }
    fa_store_query(store, 2, FA_NEVER, FA_STR(""), 500, on_history, world);
    wait_answer(world, store);
    fa_store_verify_journal(store, 1, on_verified, world);
    wait_answer(world, store);
    assert_int_equal(fa_store_close(store, 10000), 0);
}

static void write_all(struct world *world)
{
    struct fa_store *store = open_store(world);
    assert_non_null(store);
    struct fa_txn *txn = fa_txn_begin(store);
    for (int i = 0; i < LIVE + HISTORY; i++) {
        char key[16], value[64];
        uint64_t n;
        fill_in(i, key, value);
        struct fa_row row = {i < LIVE ? 1 : 2, i < LIVE, 1000, fa_str_of(key), fa_str_of(value)};
        assert_int_equal(fa_txn_put(txn, &row), 0);
        assert_int_equal(fa_txn_journal(txn, i, fa_str_of(key), &n), 0);
    }
    fa_txn_submit(txn);
    assert_int_equal(fa_store_close(store, 10000), 0);
}

static size_t read_file(const struct world *world, char *buf, size_t size)
{
    int fd = open(tmpdir_file(&world->dir, "firealarm.db"), O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, buf, size) : -1;
    assert_true(len > 0 && (size_t)len < size);
    close(fd);
    return (size_t)len;
}

static void write_file(const struct world *world, const char *buf, size_t len)
{
    int fd = open(tmpdir_file(&world->dir, "firealarm.db"), O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, buf, len), len);
    close(fd);
    (void)unlink(tmpdir_file(&world->dir, "firealarm.db-wal"));
}

static void every_flipped_bit_is_refused_reported_or_harmless(void **state)
{
    static char file[1 << 20];
    struct world world = {.host = fa_host_table(NULL, NULL)};
    struct fa_rng rng = {{17, 19}};
    unsigned refused = 0, reported = 0, harmless = 0, missed = 0;
    tmpdir_make(&world.dir);
    sem_init(&world.woken, 0, 0);
    world.values[0].text = (struct firealarm_text){world.dir.path, strlen(world.dir.path)};
    world.values[2].number = 1;
    world.settings = (struct firealarm_settings){"main", world.values, 3};
    write_all(&world);
    size_t len = read_file(&world, file, sizeof file);
    for (int i = 0; i < FLIPS; i++) {
        size_t bit = (size_t)(fa_rng_next(&rng) % (len * 8));
        file[bit / 8] ^= (char)(1 << (bit % 8));
        write_file(&world, file, len);
        file[bit / 8] ^= (char)(1 << (bit % 8));
        look(&world);
        refused += world.refused;
        reported += !world.refused && world.reported > 0;
        harmless += !world.refused && world.reported == 0;
        bool unseen = !world.refused && world.reported == 0;
        missed += unseen && world.history == HISTORY - 1;
        if ((!world.refused && world.wrong > 0) ||
            (unseen && (world.live != LIVE || world.entries != ENTRIES ||
                        world.history < HISTORY - 1 || world.history > HISTORY))) {
            fail_msg("bit %zu went unseen: %u live, %u history, %u entries, %u wrong", bit,
                     world.live, world.history, world.entries, world.wrong);
        }
    }
    print_message("%d flips in %zu bytes: %u refused, %u reported, %u not (%u hid a closed row)\n",
                  FLIPS, len, refused, reported, harmless, missed);
    assert_true(reported > 0 && refused > 0);
    assert_true(missed <= FLIPS / 100);
    tmpdir_remove(&world.dir);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_refused_reported_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

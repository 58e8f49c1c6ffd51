/* SPDX-License-Identifier: MIT */
/* The real SQLite store under the real host side, on the fake disk; work that a daemon might give
 * it, with a model of what must be there after each transaction; and a look that says which of
 * those states a disk holds. No function here fails a test: they run in forked workers. */
#ifndef FA_TEST_STORE_RIG_H
#define FA_TEST_STORE_RIG_H

#include "fake_disk.h"
#include "store/store.h"

#include <semaphore.h>
#include <sqlite3.h>

#define RIG_WITNESS FAKE_KEYS "/head"

/* A store's contents as sums over hashes: equal sums mean equal contents. */
struct rig_sums {
    uint64_t journal_n, live, closed, journal;
};

/* One process's use of the store on the disk in use. */
struct rig {
    struct firealarm_value values[3];
    struct firealarm_settings settings;
    struct firealarm_host host;
    sem_t woken;
    struct fa_store *store;
    struct fa_store_head head;
    struct rig_sums sums; /* live rows as they were loaded */
    size_t damaged;       /* rows the load found damaged */
    struct fa_err err;    /* why rig_open failed */
    size_t reads;         /* not answered yet */
    int read_code;        /* the first read that failed with anything but "not found", or 0 */
    uint64_t first_bad;   /* what the journal's walk found */
    size_t gone, changed; /* rows looked for by their key */
    const char *witness;  /* told of each commit; NULL: none */
    const char *pragma;   /* set after opening, against the plugin's will; NULL: none */
};

void rig_init(struct rig *rig);
void rig_done(struct rig *rig);
/* Key, open, load, start; on failure the store is NULL and err says why. */
int rig_open(struct rig *rig);
int rig_close(struct rig *rig);
/* As kill -9: nothing the store still does reaches the disk. */
void rig_kill(struct rig *rig);
/* Reads all history and the journal into sums. */
void rig_read_all(struct rig *rig);
/* The store's connection that was opened last, to set what the plugin would not. */
sqlite3 *rig_connection(void);
/* Reports `factor` times as many WAL frames to the plugin, so that it checkpoints more often. */
void rig_checkpoint_often(int factor);

/* After the plugin's own steps come these, NULL at the end; steps NULL: none. */
void rig_migrations(const char *const *steps);
int rig_schema(void); /* after the plugin's own */

struct work_row {
    uint32_t kind;
    bool live;
    char key[24];
    uint64_t hash;
    size_t len; /* of the value */
};

enum { WORK_ROWS = 400 };

struct work {
    struct rig rig;
    uint64_t random;
    struct work_row rows[WORK_ROWS];
    size_t row_count;
    struct rig_sums now, *after; /* after[i]: when i transactions are there */
    size_t submitted, acked;     /* since the first start */
    size_t offset;               /* acked before this start */
    uint64_t made;               /* keys given out */
    bool kills, fills, groups, ballast_used;
};

void work_init(struct work *work, uint64_t seed);
void work_done(struct work *work);
/* One step of any kind, up to its acknowledgement. 0, or the store's code: FA_EFULL, FA_EIO. */
int work_step(struct work *work);
/* A plain filing of a value of that many bytes. */
int work_file(struct work *work, size_t bytes);
/* Waits until all is acknowledged, or the store says that it will not be. */
int work_wait(struct work *work);
int work_open(struct work *work);

enum verdict {
    VERDICT_KEPT,
    VERDICT_LOST,    /* something acknowledged is not there */
    VERDICT_HALF,    /* a state that never was */
    VERDICT_DAMAGED, /* a MAC, the chain or the head does not verify, or the witness knows more */
    VERDICT_REFUSED, /* it does not open or cannot be read */
    VERDICT__COUNT
};
extern const char *const verdict_names[VERDICT__COUNT];

/* Opens the disk in use and says whether it holds one of the model's states, at least that after
 * `acked`. *ret_state is which. rig is left open unless the verdict is VERDICT_REFUSED. */
enum verdict work_judge(const struct work *work, size_t acked, struct rig *rig, size_t *ret_state,
                        char *text, size_t size);
/* Has next, whose rig is open on a disk in one of work's states, go on from there. It knows none of
 * the rows. */
void work_go_on(const struct work *work, size_t state, struct work *next);
/* Looks for each row by its key; counts what is not there or is another. */
void work_get_all(const struct work *work, struct rig *rig);

#endif

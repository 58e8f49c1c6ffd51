/* SPDX-License-Identifier: MIT */
/* A disk in memory that remembers every write, so that a test can ask what would be there had the
 * power failed after any of them, and that fails any call a test wants to see fail. SQLite reaches
 * it through a VFS (fake_vfs.c), the code under test through the linker's --wrap (fake_sys.c);
 * paths outside FAKE_ROOT are the machine's own.
 *
 * What power loss leaves: all that was synced before it, and of the rest any subset, in sectors of
 * 512 bytes; a name that was made, renamed or removed since its directory was synced may or may not
 * have been; a file may have its new length without its new bytes. What was written before a sync
 * that failed is never sure again, whatever later syncs say. */
#ifndef FA_TEST_FAKE_DISK_H
#define FA_TEST_FAKE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_ROOT  "/fake-disk/"
#define FAKE_STORE FAKE_ROOT "store"
#define FAKE_KEYS  FAKE_ROOT "keys"

/* Every call that can fail. The first part is SQLite's, the second the plugin's and host's own. */
enum fake_call {
    FAKE_X_OPEN,
    FAKE_X_READ,
    FAKE_X_WRITE,
    FAKE_X_TRUNCATE,
    FAKE_X_SYNC,
    FAKE_X_SYNC_DIR,
    FAKE_X_SIZE,
    FAKE_X_LOCK,
    FAKE_X_DELETE,
    FAKE_X_ACCESS,
    FAKE_X_FULL_PATH,
    FAKE_OPEN,
    FAKE_FLOCK,
    FAKE_READ,
    FAKE_WRITE,
    FAKE_TRUNCATE,
    FAKE_ALLOCATE,
    FAKE_SYNC,
    FAKE_STAT,
    FAKE_STATFS,
    FAKE_CHMOD,
    FAKE_UNLINK,
    FAKE_LINK,
    FAKE_RENAME,
    FAKE_CALL__COUNT
};
extern const char *const fake_call_names[FAKE_CALL__COUNT];

struct fake_node {
    uint8_t *data;
    size_t size, cap;
};

struct fake_name {
    char path[64]; /* empty: not in use */
    size_t node;
};

/* What is on the disk; a node whose names are all gone stays. */
struct fake_state {
    struct fake_node *nodes;
    size_t node_count, node_cap;
    struct fake_name names[24];
};

struct fake_op;

struct fake_disk {
    struct fake_state base, now; /* when recording began: all of it sure; and at present */
    struct fake_op *ops;
    size_t op_count, op_cap;
    bool recording;
    size_t capacity; /* bytes; 0: no limit */
    uint64_t random; /* what SQLite's random numbers come from */

    /* The fault: calls `first` to `first + times - 1` of this kind fail, or, after `freeze_at`
     * calls of any kind, all do and change nothing more, as when the process is dead. */
    struct fake_fault {
        enum fake_call call;
        size_t first, times; /* times 0: none */
        int code;            /* an errno */
        bool half;           /* of a write: half of it is written first */
    } fault;
    size_t freeze_at; /* 0: never */
    int fails_once;   /* an errno: at freeze_at that call alone fails */
    bool frozen;
    size_t calls[FAKE_CALL__COUNT], all_calls;
    bool no_dir_syncs;         /* SQLite cannot open the directory to sync it, and goes on */
    bool sync_failed;          /* some sync did */
    size_t syncs_after_failed; /* and this many were tried after it */
    bool hold_next;            /* see fake_disk_hold */
};

/* The one that paths under FAKE_ROOT are on, from now on. */
void fake_disk_use(struct fake_disk *disk);
struct fake_disk *fake_disk_now(void);
void fake_disk_done(struct fake_disk *disk);
/* What is there is sure from now on, and the record begins anew. */
void fake_disk_record(struct fake_disk *disk);
/* Puts a number into the record, to be found by fake_disk_marked. */
void fake_disk_mark(struct fake_disk *disk, uint64_t number);
/* The greatest number marked within the first `count` operations; 0: none. */
uint64_t fake_disk_marked(const struct fake_disk *disk, size_t count);
/* Where the record stands just behind a mark that seed picks; 0 if there is none. */
size_t fake_disk_mark_place(const struct fake_disk *disk, uint64_t seed);
/* A disk as the power failing after `count` operations may have left it; seed decides. */
void fake_disk_image(const struct fake_disk *disk, size_t count, uint64_t seed,
                     struct fake_disk *ret_image);
/* A disk with what is there now, as kill -9 leaves it. */
void fake_disk_copy(const struct fake_disk *disk, struct fake_disk *ret_copy);
/* The next call waits, with everything behind it, until released. */
void fake_disk_hold(struct fake_disk *disk);
void fake_disk_wait_held(struct fake_disk *disk);
void fake_disk_release(struct fake_disk *disk);
/* Forgets faults and counts: the process starts anew. */
void fake_disk_reset_calls(struct fake_disk *disk);
/* The file's contents, to look at or spoil; NULL when it is not there. */
struct fake_node *fake_disk_file(struct fake_disk *disk, const char *path);
size_t fake_disk_used(const struct fake_disk *disk);

/* For fake_vfs.c and fake_sys.c. True: the call is to fail, errno says how. */
bool fake_fails(enum fake_call call);
size_t fake_find(const char *path); /* a node, or FAKE_NONE */
#define FAKE_NONE SIZE_MAX
size_t fake_create(const char *path); /* a new node under that name; path NULL: under none */
void fake_remove(const char *path);
void fake_link(const char *from, const char *to);
void fake_rename(const char *from, const char *to);
size_t fake_read(size_t node, uint64_t offset, void *buf, size_t len); /* how much there was */
/* 0, or an errno. */
int fake_write(enum fake_call call, size_t node, uint64_t offset, const void *buf, size_t len);
int fake_resize(enum fake_call call, size_t node, uint64_t size);
int fake_sync(enum fake_call call, size_t node);
int fake_sync_dir(enum fake_call call, const char *dir);

uint64_t fake_mix(uint64_t x);
/* The next of a sequence. */
uint64_t fake_random(uint64_t *state);

/* Makes the fake disk SQLite's default; returns SQLITE_OK. */
int fake_vfs_register(void);

#endif

/* SPDX-License-Identifier: MIT */
/* The disk's contents, its record, and the images made of it. An image is the state at the start
 * with the record applied anew: what was synced wholly, the rest as a dice says. Files are nodes
 * that are never used twice, so a record speaks of a node whatever its names are.
 *
 * It has no lock of its own: the store calls it from one thread at a time. */
#include "fake_disk.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512u
#define NAMES  (sizeof((struct fake_state *)0)->names / sizeof(struct fake_name))

const char *const fake_call_names[FAKE_CALL__COUNT] = {
    [FAKE_X_OPEN] = "xOpen",
    [FAKE_X_READ] = "xRead",
    [FAKE_X_WRITE] = "xWrite",
    [FAKE_X_TRUNCATE] = "xTruncate",
    [FAKE_X_SYNC] = "xSync",
    [FAKE_X_SYNC_DIR] = "xSync (directory)",
    [FAKE_X_SIZE] = "xFileSize",
    [FAKE_X_LOCK] = "xLock",
    [FAKE_X_DELETE] = "xDelete",
    [FAKE_X_ACCESS] = "xAccess",
    [FAKE_X_FULL_PATH] = "xFullPathname",
    [FAKE_OPEN] = "open",
    [FAKE_FLOCK] = "flock",
    [FAKE_READ] = "read",
    [FAKE_WRITE] = "write",
    [FAKE_TRUNCATE] = "ftruncate",
    [FAKE_ALLOCATE] = "posix_fallocate",
    [FAKE_SYNC] = "fsync",
    [FAKE_STAT] = "stat",
    [FAKE_STATFS] = "statfs",
    [FAKE_CHMOD] = "fchmodat",
    [FAKE_UNLINK] = "unlink",
    [FAKE_LINK] = "link",
    [FAKE_RENAME] = "rename",
};

enum op_kind {
    OP_CREATE,
    OP_LINK,
    OP_REMOVE,
    OP_RENAME,
    OP_WRITE,
    OP_SIZE,
    OP_SYNC,
    OP_SYNC_DIR,
    OP_MARK
};

struct fake_op {
    enum op_kind what;
    bool failed;        /* a sync that was refused */
    size_t node;        /* OP_SYNC_DIR, OP_REMOVE: none */
    uint64_t number;    /* offset, size or mark */
    size_t len;         /* of data */
    char *path, *path2; /* names; a directory for OP_SYNC_DIR */
    uint8_t *data;
};

static struct fake_disk *current;
static sem_t held, released;

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fake disk: %s\n", what);
        abort();
    }
}

static void *grow(void *ptr, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return ptr;
    }
    *cap = *cap == 0 ? 16 : *cap * 2;
    ptr = realloc(ptr, *cap * size);
    must(ptr != NULL, "out of memory");
    return ptr;
}

uint64_t fake_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t fake_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    return fake_mix(*state);
}

/* States. */

static void node_resize(struct fake_node *node, size_t size)
{
    if (size > node->cap) {
        size_t cap = size < 4096 ? 4096 : size + size / 2;
        node->data = realloc(node->data, cap);
        must(node->data != NULL, "out of memory");
        node->cap = cap;
    }
    if (size > node->size) {
        memset(node->data + node->size, 0, size - node->size);
    }
    node->size = size;
}

static void node_write(struct fake_node *node, uint64_t offset, const void *buf, size_t len)
{
    if (len > 0 && offset + len > node->size) {
        node_resize(node, offset + len);
    }
    if (len > 0) {
        memcpy(node->data + offset, buf, len);
    }
}

static void state_done(struct fake_state *state)
{
    for (size_t i = 0; i < state->node_count; i++) {
        free(state->nodes[i].data);
    }
    free(state->nodes);
    *state = (struct fake_state){.nodes = NULL};
}

static size_t state_add(struct fake_state *state)
{
    state->nodes = grow(state->nodes, state->node_count, &state->node_cap, sizeof *state->nodes);
    state->nodes[state->node_count] = (struct fake_node){.data = NULL};
    return state->node_count++;
}

static void state_copy(const struct fake_state *from, struct fake_state *ret_to)
{
    state_done(ret_to);
    for (size_t i = 0; i < from->node_count; i++) {
        size_t node = state_add(ret_to);
        node_write(&ret_to->nodes[node], 0, from->nodes[i].data, from->nodes[i].size);
    }
    memcpy(ret_to->names, from->names, sizeof from->names);
}

static struct fake_name *state_name(struct fake_state *state, const char *path)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(state->names[i].path, path) == 0) {
            return &state->names[i];
        }
    }
    return NULL;
}

static void state_link(struct fake_state *state, const char *path, size_t node)
{
    struct fake_name *name = state_name(state, path);
    name = name != NULL ? name : state_name(state, "");
    must(name != NULL && strlen(path) < sizeof name->path, "a name too many or too long");
    snprintf(name->path, sizeof name->path, "%s", path);
    name->node = node;
}

static void state_unlink(struct fake_state *state, const char *path)
{
    struct fake_name *name = state_name(state, path);
    if (name != NULL) {
        name->path[0] = '\0';
    }
}

/* The record. */

static struct fake_op *add_op(enum op_kind what, size_t node)
{
    static struct fake_op ignored;
    struct fake_disk *disk = current;
    if (!disk->recording) {
        return &ignored;
    }
    disk->ops = grow(disk->ops, disk->op_count, &disk->op_cap, sizeof *disk->ops);
    struct fake_op *op = &disk->ops[disk->op_count++];
    *op = (struct fake_op){.what = what, .node = node};
    return op;
}

static char *copy_path(const char *path)
{
    return current->recording ? strdup(path) : NULL;
}

static void forget_ops(struct fake_disk *disk)
{
    for (size_t i = 0; i < disk->op_count; i++) {
        free(disk->ops[i].path);
        free(disk->ops[i].path2);
        free(disk->ops[i].data);
    }
    free(disk->ops);
    disk->ops = NULL;
    disk->op_count = disk->op_cap = 0;
}

void fake_disk_use(struct fake_disk *disk)
{
    current = disk;
}

struct fake_disk *fake_disk_now(void)
{
    return current;
}

void fake_disk_done(struct fake_disk *disk)
{
    forget_ops(disk);
    state_done(&disk->base);
    state_done(&disk->now);
    current = current == disk ? NULL : current;
}

void fake_disk_record(struct fake_disk *disk)
{
    forget_ops(disk);
    state_copy(&disk->now, &disk->base);
    disk->recording = true;
}

void fake_disk_mark(struct fake_disk *disk, uint64_t number)
{
    must(disk == current, "a mark on a disk that is not in use");
    add_op(OP_MARK, 0)->number = number;
}

uint64_t fake_disk_marked(const struct fake_disk *disk, size_t count)
{
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const struct fake_op *op = &disk->ops[i];
        most = op->what == OP_MARK && op->number > most ? op->number : most;
    }
    return most;
}

size_t fake_disk_mark_place(const struct fake_disk *disk, uint64_t seed)
{
    for (size_t i = 0; i < disk->op_count; i++) {
        size_t at = (seed + i) % disk->op_count;
        if (disk->ops[at].what == OP_MARK) {
            return at + 1;
        }
    }
    return 0;
}

/* Images. */

#define DIRS 4

struct surety {
    bool *sure;  /* of each operation */
    bool *nodes; /* scanning backwards: is what was written to it synced later? */
    struct {
        const char *dir;
        bool sure;
    } dirs[DIRS];
};

static bool *dir_surety(struct surety *surety, const char *path, size_t len)
{
    for (size_t i = 0; i < DIRS; i++) {
        const char *dir = surety->dirs[i].dir;
        if (dir == NULL) {
            surety->dirs[i].dir = path; /* its first len bytes are what counts */
            return &surety->dirs[i].sure;
        }
        if (strncmp(dir, path, len) == 0 && (dir[len] == '/' || dir[len] == '\0')) {
            return &surety->dirs[i].sure;
        }
    }
    must(false, "too many directories");
    return NULL;
}

static size_t dir_len(const char *path)
{
    return (size_t)(strrchr(path, '/') - path);
}

static void judge_op(struct surety *surety, const struct fake_op *op, bool *ret_sure)
{
    switch (op->what) {
    case OP_SYNC:
        surety->nodes[op->node] = !op->failed;
        break;
    case OP_SYNC_DIR:
        *dir_surety(surety, op->path, strlen(op->path)) = !op->failed;
        break;
    case OP_CREATE:
    case OP_LINK:
    case OP_REMOVE:
    case OP_RENAME:
        *ret_sure = *dir_surety(surety, op->path, dir_len(op->path));
        break;
    case OP_WRITE:
    case OP_SIZE:
        *ret_sure = surety->nodes[op->node];
        break;
    case OP_MARK:
    default:
        break;
    }
}

/* How an image treats what was not synced: some lose or keep all, some whole files. */
struct dice {
    uint64_t random;
    unsigned keep_of_100;
    bool by_file;
};

static bool keeps(struct dice *dice, const struct fake_op *op)
{
    if (dice->by_file) {
        uint64_t place = op->what == OP_WRITE || op->what == OP_SIZE ? op->node : SIZE_MAX;
        return fake_mix(dice->keep_of_100 + place * 2 + 1) & 1;
    }
    return fake_random(&dice->random) % 100 < dice->keep_of_100;
}

static struct dice make_dice(uint64_t seed)
{
    static const unsigned odds[] = {0, 0, 100, 50, 50, 5, 95, 75};
    struct dice dice = {.random = seed};
    uint64_t kind = fake_random(&dice.random);
    dice.by_file = kind % 5 == 0;
    dice.keep_of_100 = dice.by_file ? (unsigned)(kind >> 8) : odds[(kind >> 8) % 8];
    return dice;
}

static void apply_torn(struct fake_node *node, const struct fake_op *op, struct dice *dice)
{
    size_t done = 0;
    while (done < op->len) {
        size_t part = SECTOR - (op->number + done) % SECTOR;
        part = part < op->len - done ? part : op->len - done;
        if (keeps(dice, op)) {
            node_write(node, op->number + done, op->data + done, part);
        }
        done += part;
    }
    /* The length is one thing, the bytes are another. */
    if (op->number + op->len > node->size && keeps(dice, op) && !dice->by_file) {
        node_resize(node, op->number + op->len);
    }
}

static void apply(struct fake_state *state, const struct fake_op *op, bool sure, struct dice *dice)
{
    if (op->what == OP_CREATE) {
        must(state_add(state) == op->node, "a node out of order");
    }
    if (op->what == OP_WRITE && sure) {
        node_write(&state->nodes[op->node], op->number, op->data, op->len);
    } else if (op->what == OP_WRITE) {
        apply_torn(&state->nodes[op->node], op, dice);
    } else if (op->what >= OP_SYNC || (!sure && !keeps(dice, op))) {
        return;
    } else if (op->what == OP_SIZE) {
        node_resize(&state->nodes[op->node], op->number);
    } else if (op->path != NULL) {
        state_unlink(state, op->path);
        if (op->what != OP_REMOVE) {
            state_link(state, op->what == OP_RENAME ? op->path2 : op->path, op->node);
        }
    }
}

void fake_disk_image(const struct fake_disk *disk, size_t count, uint64_t seed,
                     struct fake_disk *ret_image)
{
    struct surety surety = {.sure = calloc(count + 1, sizeof(bool)),
                            .nodes = calloc(disk->now.node_count + 1, sizeof(bool))};
    must(surety.sure != NULL && surety.nodes != NULL, "out of memory");
    for (size_t i = count; i-- > 0;) {
        judge_op(&surety, &disk->ops[i], &surety.sure[i]);
    }
    struct dice dice = make_dice(seed);
    *ret_image = (struct fake_disk){.random = seed};
    state_copy(&disk->base, &ret_image->now);
    for (size_t i = 0; i < count; i++) {
        apply(&ret_image->now, &disk->ops[i], surety.sure[i], &dice);
    }
    free(surety.sure);
    free(surety.nodes);
}

void fake_disk_copy(const struct fake_disk *disk, struct fake_disk *ret_copy)
{
    *ret_copy = (struct fake_disk){.random = disk->random};
    state_copy(&disk->now, &ret_copy->now);
}

struct fake_node *fake_disk_file(struct fake_disk *disk, const char *path)
{
    struct fake_name *name = state_name(&disk->now, path);
    return name != NULL ? &disk->now.nodes[name->node] : NULL;
}

size_t fake_disk_used(const struct fake_disk *disk)
{
    size_t bytes = 0;
    for (size_t i = 0; i < NAMES; i++) {
        const struct fake_name *name = &disk->now.names[i];
        bytes += name->path[0] != '\0' ? disk->now.nodes[name->node].size : 0;
    }
    return bytes;
}

void fake_disk_reset_calls(struct fake_disk *disk)
{
    disk->fault = (struct fake_fault){.times = 0};
    disk->freeze_at = disk->all_calls = 0;
    disk->fails_once = 0;
    disk->frozen = disk->sync_failed = false;
    disk->syncs_after_failed = 0;
    memset(disk->calls, 0, sizeof disk->calls);
}

void fake_disk_hold(struct fake_disk *disk)
{
    static bool made;
    if (!made) {
        made = true;
        sem_init(&held, 0, 0);
        sem_init(&released, 0, 0);
    }
    disk->hold_next = true;
}

void fake_disk_wait_held(struct fake_disk *disk)
{
    while (sem_wait(&held) != 0) {
    }
}

void fake_disk_release(struct fake_disk *disk)
{
    sem_post(&released);
}

/* Calls. */

bool fake_fails(enum fake_call call)
{
    struct fake_disk *disk = current;
    if (disk->hold_next) {
        disk->hold_next = false;
        sem_post(&held);
        while (sem_wait(&released) != 0) {
        }
    }
    size_t n = ++disk->calls[call];
    disk->all_calls++;
    if (disk->fails_once != 0 && disk->all_calls == disk->freeze_at) {
        errno = disk->fails_once;
        return true;
    }
    if (disk->fails_once == 0 && disk->freeze_at != 0 && disk->all_calls >= disk->freeze_at) {
        disk->frozen = true;
    }
    if (disk->frozen) {
        errno = EIO;
        return true;
    }
    const struct fake_fault *fault = &disk->fault;
    if (fault->call == call && n >= fault->first && n < fault->first + fault->times) {
        errno = fault->code;
        return true;
    }
    return false;
}

size_t fake_find(const char *path)
{
    struct fake_name *name = state_name(&current->now, path);
    return name != NULL ? name->node : FAKE_NONE;
}

size_t fake_create(const char *path)
{
    size_t node = state_add(&current->now);
    struct fake_op *op = add_op(OP_CREATE, node);
    if (path != NULL) {
        op->path = copy_path(path);
        state_link(&current->now, path, node);
    }
    return node;
}

void fake_remove(const char *path)
{
    add_op(OP_REMOVE, 0)->path = copy_path(path);
    state_unlink(&current->now, path);
}

void fake_link(const char *from, const char *to)
{
    size_t node = fake_find(from);
    add_op(OP_LINK, node)->path = copy_path(to);
    state_link(&current->now, to, node);
}

void fake_rename(const char *from, const char *to)
{
    size_t node = fake_find(from);
    struct fake_op *op = add_op(OP_RENAME, node);
    op->path = copy_path(from);
    op->path2 = copy_path(to);
    state_unlink(&current->now, from);
    state_link(&current->now, to, node);
}

size_t fake_read(size_t node, uint64_t offset, void *buf, size_t len)
{
    const struct fake_node *from = &current->now.nodes[node];
    size_t there = offset < from->size ? from->size - (size_t)offset : 0;
    there = there < len ? there : len;
    if (there > 0) {
        memcpy(buf, from->data + offset, there);
    }
    return there;
}

static bool has_room(size_t node, uint64_t end)
{
    size_t size = current->now.nodes[node].size;
    return current->capacity == 0 || end <= size ||
           fake_disk_used(current) + (end - size) <= current->capacity;
}

static void write_all(size_t node, uint64_t offset, const void *buf, size_t len)
{
    struct fake_op *op = add_op(OP_WRITE, node);
    node_write(&current->now.nodes[node], offset, buf, len);
    if (current->recording && len > 0) {
        op->number = offset;
        op->len = len;
        op->data = malloc(len);
        must(op->data != NULL, "out of memory");
        memcpy(op->data, buf, len);
    }
}

int fake_write(enum fake_call call, size_t node, uint64_t offset, const void *buf, size_t len)
{
    if (fake_fails(call)) {
        int code = errno;
        if (current->fault.half && !current->frozen) {
            write_all(node, offset, buf, len / 2);
        }
        return code;
    }
    if (!has_room(node, offset + len)) {
        return ENOSPC;
    }
    write_all(node, offset, buf, len);
    return 0;
}

int fake_resize(enum fake_call call, size_t node, uint64_t size)
{
    if (fake_fails(call)) {
        return errno;
    }
    if (!has_room(node, size)) {
        return ENOSPC;
    }
    add_op(OP_SIZE, node)->number = size;
    node_resize(&current->now.nodes[node], size);
    return 0;
}

static bool sync_fails(enum fake_call call)
{
    current->syncs_after_failed += current->sync_failed && !current->frozen;
    bool fails = fake_fails(call);
    current->sync_failed |= fails && call != FAKE_X_SYNC_DIR;
    return fails;
}

int fake_sync(enum fake_call call, size_t node)
{
    bool fails = sync_fails(call);
    int code = errno;
    if (!current->frozen) {
        add_op(OP_SYNC, node)->failed = fails;
    }
    return fails ? code : 0;
}

int fake_sync_dir(enum fake_call call, const char *dir)
{
    if (call == FAKE_X_SYNC_DIR && current->no_dir_syncs) {
        return EMFILE;
    }
    bool fails = sync_fails(call);
    int code = errno;
    /* The plugin syncs it once more; that one counts. */
    if (!current->frozen && !(fails && call == FAKE_X_SYNC_DIR)) {
        struct fake_op *op = add_op(OP_SYNC_DIR, 0);
        op->failed = fails;
        op->path = copy_path(dir);
    }
    return fails ? code : 0;
}

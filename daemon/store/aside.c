/* SPDX-License-Identifier: MIT */
/* A file beside the store: magic, bytes, and a hash over both.
 *
 * Invariants:
 *  1. Under its name a file is whole: it is written as NAME.new, synced, then renamed.
 *  2. It gives way: nothing of it is written while the store is out of room, and what cannot be
 *     written is a failure of this file alone.
 *  3. Pieces are pushed out to the disk as they come, so that the last sync is short and commits do
 *     not wait for it long. */
#include "store/aside.h"
#include "base/crashpoint.h"
#include "base/panic.h"
#include "host/write.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC     "firealarm aside\n"
#define HASH_SIZE 32u

static void add_piece(struct fa_store *store, enum aside_what what, char *bytes, size_t len)
{
    struct aside_piece *piece = fa_xcalloc(1, sizeof *piece);
    *piece = (struct aside_piece){.what = what, .bytes = bytes, .len = len};
    pthread_mutex_lock(&store->lock);
    *store->aside.last = piece;
    store->aside.last = &piece->next;
    store->aside.shown.waiting += len;
    if (what == ASIDE_BEGIN) {
        store->aside.shown.state = FA_ASIDE_WRITING;
    }
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
}

void fa_aside_begin(struct fa_store *store, const char *path)
{
    add_piece(store, ASIDE_BEGIN, fa_xstrdup(path), 0);
}

void fa_aside_put(struct fa_store *store, struct fa_buf *bytes)
{
    size_t len = bytes->len;
    add_piece(store, ASIDE_BYTES, fa_buf_take(bytes), len);
}

void fa_aside_end(struct fa_store *store)
{
    add_piece(store, ASIDE_END, NULL, 0);
}

void fa_aside_drop(struct fa_store *store)
{
    add_piece(store, ASIDE_DROP, NULL, 0);
}

void fa_aside_get(const struct fa_store *store, struct fa_aside *ret_aside)
{
    pthread_mutex_t *lock = &((struct fa_store *)(uintptr_t)store)->lock;
    pthread_mutex_lock(lock);
    *ret_aside = store->aside.shown;
    pthread_mutex_unlock(lock);
}

bool fa_aside_wait(struct fa_store *store, size_t most, uint32_t ms)
{
    struct timespec until;
    int rc = 0;
    store_deadline(store_mono_ms() + ms, &until);
    pthread_mutex_lock(&store->lock);
    const struct fa_aside *shown = &store->aside.shown;
    while (rc == 0 && shown->state == FA_ASIDE_WRITING && (most == 0 || shown->waiting > most)) {
        rc = pthread_cond_timedwait(&store->ended_cond, &store->lock, &until);
    }
    bool done = shown->state == FA_ASIDE_DONE ||
                (shown->state == FA_ASIDE_WRITING && most > 0 && shown->waiting <= most);
    pthread_mutex_unlock(&store->lock);
    return done;
}

/* ---- on the writer thread ---- */

static int failed(struct aside_writer *writer, const char *what, struct fa_err *err)
{
    return fa_err_set(err, errno == ENOSPC || errno == EDQUOT ? FA_EFULL : FA_EIO, "%s: %s: %s",
                      writer->path, what, strerror(errno));
}

static int put_bytes(struct aside_writer *writer, const char *data, size_t len, struct fa_err *err)
{
    crypto_generichash_update(&writer->hash, (const unsigned char *)data, len);
    if (!fa_write_all(writer->fd, (struct fa_str){data, len})) {
        return failed(writer, "write", err);
    }
    (void)sync_file_range(writer->fd, writer->written, (off_t)len, SYNC_FILE_RANGE_WRITE);
    writer->written += (off_t)len;
    return 0;
}

static void give_up(struct aside_writer *writer)
{
    if (writer->fd >= 0) {
        close(writer->fd);
        (void)unlink(writer->path);
    }
    writer->fd = -1;
}

static int begin(struct aside_writer *writer, const char *path, struct fa_err *err)
{
    give_up(writer);
    snprintf(writer->path, sizeof writer->path, "%s.new", path);
    /* What is no file, a pipe say, would hold the writer and with it every commit. */
    writer->fd = open(writer->path,
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    writer->written = 0;
    if (writer->fd < 0) {
        return failed(writer, "open", err);
    }
    crypto_generichash_init(&writer->hash, NULL, 0, HASH_SIZE);
    return put_bytes(writer, MAGIC, strlen(MAGIC), err);
}

static int end(struct aside_writer *writer, struct fa_err *err)
{
    unsigned char hash[HASH_SIZE];
    char path[sizeof writer->path];
    crypto_generichash_final(&writer->hash, hash, sizeof hash);
    snprintf(path, sizeof path, "%.*s", (int)(strlen(writer->path) - strlen(".new")), writer->path);
    if (!fa_write_all(writer->fd, (struct fa_str){(const char *)hash, sizeof hash}) ||
        fdatasync(writer->fd) != 0) {
        return failed(writer, "write", err);
    }
    FA_CRASHPOINT("store.before_aside");
    if (rename(writer->path, path) != 0) {
        return failed(writer, "rename", err);
    }
    FA_CRASHPOINT("store.after_aside");
    close(writer->fd);
    writer->fd = -1;
    return 0;
}

static int do_piece(struct fa_store *store, const struct aside_piece *piece, struct fa_err *err)
{
    struct aside_writer *writer = &store->aside.writer;
    pthread_mutex_lock(&store->lock);
    bool room = store->state == FA_STORE_OK;
    pthread_mutex_unlock(&store->lock);
    if (!room && piece->what != ASIDE_DROP) {
        return fa_err_set(err, FA_EFULL, "the store itself needs the room");
    }
    switch (piece->what) {
    case ASIDE_BEGIN:
        return begin(writer, piece->bytes, err);
    case ASIDE_BYTES:
        return put_bytes(writer, piece->bytes, piece->len, err);
    case ASIDE_END:
        return end(writer, err);
    case ASIDE_DROP:
        give_up(writer);
        return 0;
    }
    return 0;
}

bool store_aside_wants(const struct fa_store *store)
{
    return store->aside.first != NULL;
}

static struct aside_piece *take_piece(struct fa_store *store)
{
    struct aside_piece *piece = store->aside.first;
    store->aside.first = piece->next;
    if (store->aside.first == NULL) {
        store->aside.last = &store->aside.first;
    }
    return piece;
}

static void free_piece(struct aside_piece *piece)
{
    free(piece->bytes);
    free(piece);
}

void store_aside_step(struct fa_store *store)
{
    struct fa_err err;
    pthread_mutex_lock(&store->lock);
    struct aside_piece *piece = take_piece(store);
    pthread_mutex_unlock(&store->lock);
    /* What follows a failure is of a file that is given up. */
    bool skip =
        piece->what != ASIDE_BEGIN && piece->what != ASIDE_DROP && store->aside.writer.fd < 0;
    int rc = skip ? 0 : do_piece(store, piece, &err);
    if (rc != 0) {
        give_up(&store->aside.writer);
    }
    pthread_mutex_lock(&store->lock);
    struct fa_aside *shown = &store->aside.shown;
    shown->waiting -= piece->len;
    bool settled = rc != 0 || piece->what == ASIDE_DROP || (piece->what == ASIDE_END && !skip);
    if (settled) {
        shown->state = rc != 0                     ? FA_ASIDE_FAILED
                       : piece->what == ASIDE_DROP ? FA_ASIDE_NONE
                                                   : FA_ASIDE_DONE;
        shown->err = rc != 0 ? err : shown->err;
    }
    pthread_cond_signal(&store->ended_cond);
    if (settled && store->wake != NULL && !store->orphaned) {
        store->wake(store->ctx);
    }
    pthread_mutex_unlock(&store->lock);
    free_piece(piece);
}

void store_aside_init(struct fa_store *store)
{
    store->aside.last = &store->aside.first;
    store->aside.writer.fd = -1;
}

void store_aside_done(struct fa_store *store)
{
    while (store->aside.first != NULL) {
        free_piece(take_piece(store));
    }
    give_up(&store->aside.writer);
}

/* ---- reading ---- */

static int check(const struct fa_aside_file *file, const char *path, struct fa_err *err)
{
    unsigned char hash[HASH_SIZE];
    size_t magic = strlen(MAGIC);
    if (file->map_len < magic + HASH_SIZE || memcmp(file->map, MAGIC, magic) != 0) {
        return fa_err_set(err, FA_ECORRUPT, "%s: it is cut off or something else", path);
    }
    crypto_generichash(hash, sizeof hash, file->map, file->map_len - HASH_SIZE, NULL, 0);
    if (memcmp(hash, (const char *)file->map + file->map_len - HASH_SIZE, sizeof hash) != 0) {
        return fa_err_set(err, FA_ECORRUPT, "%s: its checksum is wrong", path);
    }
    return 0;
}

int fa_aside_open(const char *path, struct fa_aside_file *ret_file, struct fa_err *err)
{
    struct stat st;
    struct fa_aside_file file = {.map = NULL};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return fa_err_set(err, errno == ENOENT ? FA_ENOTFOUND : FA_EIO, "%s: %s", path,
                          strerror(errno));
    }
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    file.map_len = is_file ? (size_t)st.st_size : 0;
    void *map = is_file ? mmap(NULL, file.map_len, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED) {
        return fa_err_set(err, FA_ECORRUPT, "%s: it is empty or cannot be read", path);
    }
    file.map = map;
    int rc = check(&file, path, err);
    if (rc != 0) {
        fa_aside_close(&file);
        return rc;
    }
    file.bytes = (struct fa_str){(const char *)map + strlen(MAGIC),
                                 file.map_len - strlen(MAGIC) - HASH_SIZE};
    *ret_file = file;
    return 0;
}

void fa_aside_close(struct fa_aside_file *file)
{
    if (file->map != NULL) {
        munmap(file->map, file->map_len);
    }
    *file = (struct fa_aside_file){.map = NULL};
}

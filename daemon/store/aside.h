/* SPDX-License-Identifier: MIT */
/* One file beside the store: bytes that may be lost, but never be taken for whole when they are
 * not. It is written by the writer thread, a piece between two groups, under a name of its own,
 * with a checksum, and renamed when it is whole. All functions belong to the loop thread. */
#ifndef FA_STORE_ASIDE_H
#define FA_STORE_ASIDE_H

#include "base/buf.h"
#include "store/store.h"

enum fa_aside_state {
    FA_ASIDE_NONE,
    FA_ASIDE_WRITING,
    FA_ASIDE_DONE,
    FA_ASIDE_FAILED,
};
/* The newest file since start. */
struct fa_aside {
    enum fa_aside_state state;
    size_t waiting;    /* bytes not yet written */
    struct fa_err err; /* FAILED */
};

/* Begins the file. None is being written. */
void fa_aside_begin(struct fa_store *store, const char *path);
/* The next piece: takes the buffer's memory. */
void fa_aside_put(struct fa_store *store, struct fa_buf *bytes);
/* That was all. When it is in place, or failed, wake is called. */
void fa_aside_end(struct fa_store *store);
/* Gives up what is being written; the state is NONE when that is done. */
void fa_aside_drop(struct fa_store *store);
void fa_aside_get(const struct fa_store *store, struct fa_aside *ret_aside);
/* Waits until at most so many bytes are not written; false: that took longer than ms, or failed.
 * most 0: until the file is in place. */
bool fa_aside_wait(struct fa_store *store, size_t most, uint32_t ms);

/* What such a file holds, mapped: close it. FA_ENOTFOUND; FA_ECORRUPT: it is not whole or was not
 * written so; FA_EIO. */
struct fa_aside_file {
    struct fa_str bytes;
    void *map;
    size_t map_len;
};
int fa_aside_open(const char *path, struct fa_aside_file *ret_file,
                  struct fa_err *err) FA_MUST_CHECK;
void fa_aside_close(struct fa_aside_file *file);

#endif

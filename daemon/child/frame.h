/* SPDX-License-Identifier: MIT */
/* Frames between the daemon and a child of it (courier, fetcher), over a stream socket pair:
 *
 *   frame = u32 little-endian length of what follows, u8 type, record (base/rec.h)
 *
 * The first frame of each side is HELLO, with the build it comes from; another build is refused, as
 * no two builds need to understand each other. Here is what every child speaks; types 2 to 5 are
 * each child's own (courier/frame.h, fetcher/frame.h).
 *
 * The reader of frames trusts no byte: a frame that is too long, of an unknown type or with a field
 * missing is FA_EPROTO with what was wrong.
 *
 * Encoders append one whole frame or nothing (FA_ETOOBIG: the frame is over its limit; FA_EFULL:
 * out has no room; out stays usable). Decoded texts are borrowed from the frame's bytes; those that
 * are `const char *` are NUL-terminated in it. */
#ifndef FA_CHILD_FRAME_H
#define FA_CHILD_FRAME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/rec.h"
#include "base/str.h"

#define FA_FRAME_MAX ((size_t)1024 * 1024) /* bytes, without the length itself */
#define FA_FRAME_ABI 1u

enum {
    FA_FRAME_HELLO = 1,
    FA_FRAME_OWN = 2, /* the first of four types of each child's own */
    FA_FRAME_PING = 6,
    FA_FRAME_PONG,
    FA_FRAME_LOG,
    FA_FRAME_STOP,
    FA_FRAME__END
};

struct fa_frame {
    unsigned type;
    struct fa_str record; /* borrowed */
};

struct fa_frame_hello {
    const char *build;           /* of the sender */
    uint32_t abi;                /* FA_FRAME_ABI */
    const char *plugins_dir;     /* from the daemon: holds notifiers/; NULL: only those linked in */
    const char *credentials_dir; /* from the daemon: where named secrets are; NULL: none */
};

struct fa_frame_ping {
    uint64_t n;
};

struct fa_frame_log {
    uint32_t level; /* as in syslog */
    struct fa_str text;
};

int fa_frame_put_hello(struct fa_buf *out, const struct fa_frame_hello *hello) FA_MUST_CHECK;
/* FA_FRAME_PING or FA_FRAME_PONG. */
int fa_frame_put_ping(struct fa_buf *out, unsigned type,
                      const struct fa_frame_ping *ping) FA_MUST_CHECK;
int fa_frame_put_log(struct fa_buf *out, const struct fa_frame_log *log) FA_MUST_CHECK;
/* A frame that says all by its type, for instance FA_FRAME_STOP. */
int fa_frame_put_empty(struct fa_buf *out, unsigned type) FA_MUST_CHECK;

/* Takes the first whole frame off *bytes: 1 and *ret_frame, 0 when more bytes are needed,
 * FA_EPROTO. */
int fa_frame_next(struct fa_str *bytes, struct fa_frame *ret_frame,
                  struct fa_err *err) FA_MUST_CHECK;

/* Each FA_EPROTO with what is wrong. */
int fa_frame_get_hello(struct fa_str record, struct fa_frame_hello *ret_hello,
                       struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_ping(struct fa_str record, struct fa_frame_ping *ret_ping,
                      struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_log(struct fa_str record, struct fa_frame_log *ret_log,
                     struct fa_err *err) FA_MUST_CHECK;

/* FA_EVERSION says which two builds met and what to do. program: "firealarm-courier". */
int fa_frame_check_hello(const struct fa_frame_hello *hello, const char *build, const char *program,
                         struct fa_err *err) FA_MUST_CHECK;

/* ---- for those who write a child's own frames ---- */

/* A frame is written where it will be read from: its head first, filled in by finish(), which takes
 * the frame that began at `at` back when it has no room. */
size_t fa_frame_start(struct fa_buf *out);
int fa_frame_finish(struct fa_buf *out, size_t at, unsigned type) FA_MUST_CHECK;
/* A text with its NUL; NULL writes nothing. */
void fa_frame_put_cstr(struct fa_buf *rec, uint32_t tag, const char *text);

/* A walk over one record that remembers its first error. */
struct fa_walk {
    struct fa_rec_reader reader;
    struct fa_rec_field field;
    const char *name; /* of the frame, for the error */
    bool bad;
};

struct fa_walk fa_walk_start(const char *name, struct fa_str record);
bool fa_walk_next(struct fa_walk *walk);
/* Each takes the field under the walk, which is bad when it is of another type or out of range. */
bool fa_walk_is(struct fa_walk *walk, enum fa_rec_type type);
void fa_walk_cstr(struct fa_walk *walk, const char **ret);
void fa_walk_str(struct fa_walk *walk, struct fa_str *ret);
uint64_t fa_walk_u64(struct fa_walk *walk, uint64_t max);
uint32_t fa_walk_u32(struct fa_walk *walk);
int64_t fa_walk_i64(struct fa_walk *walk);
/* complete: all that must be there was there. */
int fa_walk_end(const struct fa_walk *walk, bool complete, struct fa_err *err) FA_MUST_CHECK;

#endif

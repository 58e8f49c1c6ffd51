/* SPDX-License-Identifier: MIT */
/* Inside the plugin: what the line reader, the number reader and the event reader share. */
#ifndef STATSD_H
#define STATSD_H

#include "firealarm/decoder.h"

#include <stdint.h>

#define STATSD_BATCH    256   /* samples pushed at once */
#define STATSD_LINE_MAX 8192  /* bytes of a line; longer ones in a stream are skipped whole */
#define STATSD_RAW_MAX  4096  /* bytes of a name and its tags */
#define STATSD_KEYS     16384 /* bytes of the names with tags of a batch */
#define STATSD_TAGS_MAX 65 /* one more than any host accepts, so that too many are its to count */

struct statsd_self {
    int gauge_sign_is_absolute;
};

/* Lines that fast.c has read and not yet looked up. */
struct statsd_batch {
    uint32_t count;
    int has_weights;
    uint32_t kinds[STATSD_BATCH];
    struct firealarm_text raws[STATSD_BATCH], lines[STATSD_BATCH];
    double values[STATSD_BATCH], weights[STATSD_BATCH];
    uint64_t handles[STATSD_BATCH];
    size_t used;                 /* of keys */
    char keys[STATSD_KEYS + 16]; /* as many more may be written */
};

struct statsd_conn {
    struct statsd_batch batch;
    const struct statsd_self *self;
    const struct firealarm_sink *sink; /* during feed() only */
    uint32_t count;                    /* of the batch */
    int has_weights, has_times;
    uint64_t handles[STATSD_BATCH];
    double values[STATSD_BATCH], weights[STATSD_BATCH];
    int64_t times[STATSD_BATCH];
    char raw[STATSD_RAW_MAX];   /* name|#tags: the series' key */
    char line[STATSD_LINE_MAX]; /* the unfinished line of a stream */
    size_t line_len;
    int skipping; /* the stream's line was too long: until its end */
};

/* Reads the line at `at` into the batch if it is of the plain shape that nearly all lines have:
 * name ":" digits "|" c/g/h/d/ms [ "|@" rate ] [ "|#" tags ] up to a line end, or up to `end` when
 * `last`. Returns what follows it, or NULL: statsd_line() has to read it. */
const char *statsd_fast(struct statsd_conn *conn, const char *at, const char *end, int last);
/* Looks up and pushes the batch. Before anything else is read or pushed. */
void statsd_fast_flush(struct statsd_conn *conn);

/* Any line, without its end. */
void statsd_line(struct statsd_conn *conn, const char *from, size_t len);
/* Hands over what statsd_push has gathered. */
void statsd_flush(struct statsd_conn *conn);

/* Decimal or scientific, the whole of from..end: no blanks, hex, Inf or NaN. 0: it is none, or too
 * large. Exact for what people and programs write (15 digits, exponents to 22), within one unit in
 * the last place otherwise. */
int statsd_number(const char *from, const char *end, double *ret_value);
/* Digits only, at most 18 of them. */
int statsd_integer(const char *from, const char *end, int64_t *ret_value);

/* "a:b,c" into labels; a bare tag has the value "true". Returns their number. */
uint32_t statsd_tags(struct firealarm_text tags, struct firealarm_label *labels, uint32_t max);

/* Finds or makes the series of kind whose key is in conn->raw: a name and, after it, "|#" and tags.
 */
uint64_t statsd_series(struct statsd_conn *conn, uint32_t kind, size_t name_len, size_t raw_len);
void statsd_push(struct statsd_conn *conn, uint64_t handle, double value, double weight,
                 int64_t time);

/* _e{...} and _sc|...: NULL, or why the line is refused. */
const char *statsd_event(struct statsd_conn *conn, struct firealarm_text line);
const char *statsd_check(struct statsd_conn *conn, struct firealarm_text line);

#endif

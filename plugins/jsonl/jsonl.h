/* SPDX-License-Identifier: MIT */
/* Inside the plugin: lines (jsonl.c) and what one of them means (object.c). */
#ifndef JSONL_H
#define JSONL_H

#include "firealarm/decoder.h"

#include <stdint.h>

#define JSONL_BATCH    256   /* samples pushed at once */
#define JSONL_LINE_MAX 65536 /* bytes; longer ones are skipped whole */
#define JSONL_RAW_MAX  8192  /* bytes of a name and its labels */
#define JSONL_LABELS_MAX                                                                           \
    65 /* one more than any host accepts, so that too many are its to count                        \
        */

/* Places of the options; in the order of the table. */
enum {
    OPT_NAME,
    OPT_METRIC,
    OPT_VALUE,
    OPT_TIME,
    OPT_UNIT,
    OPT_LABELS,
    OPT_KIND,
    OPT_DEFAULT_KIND
};

struct jsonl_self {
    struct firealarm_text name, metric, value, time, labels, kind; /* lie in `texts` */
    double unit;                                                   /* milliseconds of one */
    uint32_t default_kind;
    char texts[];
};

struct jsonl_conn {
    const struct jsonl_self *self;
    const struct firealarm_sink *sink; /* during feed() only */
    uint32_t refused_status;           /* HTTP: the request itself is; 0: it is not */
    uint32_t count;                    /* of the batch */
    uint64_t handles[JSONL_BATCH];
    double values[JSONL_BATCH];
    int64_t times[JSONL_BATCH];
    char raw[JSONL_RAW_MAX];
    size_t line_len;
    int skipping; /* the line was too long: until its end */
    char line[JSONL_LINE_MAX];
};

/* 0: there is no such kind. */
uint32_t jsonl_kind(struct firealarm_text word);

/* One line, without its end: NULL, or why it is refused. */
const char *jsonl_line(struct jsonl_conn *conn, const char *line, size_t len);
/* Hands over what jsonl_line has gathered. */
void jsonl_flush(struct jsonl_conn *conn);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of the prometheus decoder share.
 *
 *   bytes -> prometheus.c: gunzip, or snappy.c -> text.c (lines) or remote.c (messages)
 *         -> batch.c: series looked up many at a time -> the sink
 *
 * Everything that a sender can size has a limit: a line, a body as it came (the listener's), a body
 * as it is meant (body_bytes), and all bodies together that are kept (kept_bytes). */
#ifndef PROMETHEUS_H
#define PROMETHEUS_H

#include <firealarm/decoder.h>
#include <locale.h>
#include <zlib.h>

#define PROM_BATCH      64
#define PROM_LINE_MAX   65536
#define PROM_LABELS_MAX 256

struct prom {
    size_t body_max, kept_max;
    size_t kept;    /* bytes that bodies hold at the moment */
    locale_t plain; /* "C": numbers have a point */
};

struct prom_conn;

/* A series as its sender spelled it, looked up with others. */
struct prom_item {
    struct firealarm_text raw, name;
    struct firealarm_text rest; /* remote.c: the fields after the labels */
    uint32_t kind;
    int ends;     /* remote.c: it brings stale markers and nothing else */
    double value; /* text.c */
    int64_t time;
};

/* Text: the labels are in `raw`. */
typedef uint64_t prom_define_fn(struct prom_conn *conn, const struct prom_item *item);
/* What to push for a series that is kept. */
typedef void prom_deliver_fn(struct prom_conn *conn, const struct prom_item *item, uint64_t handle);

struct prom_batch {
    struct prom_item items[PROM_BATCH];
    uint32_t count;
    uint64_t handles[PROM_BATCH]; /* samples to be pushed */
    double values[PROM_BATCH];
    int64_t times[PROM_BATCH];
    uint32_t samples;
    int has_times;
};

/* The snappy block format, in any pieces. What was written stays, for copies may reach back to its
 * beginning. */
struct prom_snappy {
    unsigned char head[5]; /* of the element that is being read */
    unsigned have;
    size_t literal; /* bytes of it to come */
    uint64_t declared;
    unsigned shift; /* of the declared length's next seven bits */
    int has_length;
    char *out;
    size_t len, cap;
};

struct prom_conn {
    struct prom *prom;
    const struct firealarm_sink *sink;
    prom_define_fn *define;
    prom_deliver_fn *deliver;
    struct prom_batch batch;
    uint32_t status; /* of the reply; then the rest is read and forgotten */
    const char *why;

    int is_remote, is_gzip;
    z_stream gzip;
    int gzip_open, gzip_done;
    uint64_t received, meant; /* bytes as they came, and decompressed */

    /* text.c */
    int is_open_metrics, saw_eof, skipping;
    char *line; /* the beginning of one that goes on in the next piece */
    size_t line_len, line_cap;
    char family[512]; /* of the last # TYPE */
    size_t family_len;
    uint32_t type;
    char *arena; /* unescaped texts of one series */
    size_t arena_cap;

    /* remote.c */
    struct prom_snappy snappy;
    size_t at; /* in snappy.out: what was not walked yet */
};

/* prometheus.c: nothing more of the body is read; the first one counts. */
void prom_refuse(struct prom_conn *conn, uint32_t status, const char *why);
/* Memory for n bytes that a body keeps, against kept_bytes. NULL: the sender shall try again. */
void *prom_keep(struct prom_conn *conn, void *old, size_t old_size, size_t size);

/* batch.c */
struct prom_item *prom_next(struct prom_conn *conn); /* to be filled; may flush */
void prom_flush(struct prom_conn *conn);
void prom_push(struct prom_conn *conn, uint64_t handle, double value, int64_t time);
/* After what came before it. */
void prom_stale(struct prom_conn *conn, uint64_t handle, int64_t time);
void prom_reject(struct prom_conn *conn, const char *why, struct firealarm_text excerpt);
/* Of a name whose type nobody told. */
uint32_t prom_kind_of(struct firealarm_text name);
/* NULL, or what is wrong with them; drops those with an empty value. Sorts them. */
const char *prom_check_labels(struct firealarm_label *labels, uint32_t *count);
int prom_is_utf8(struct firealarm_text text);
int prom_ends_with(struct firealarm_text text, const char *end);
int prom_is(struct firealarm_text text, const char *word);

/* text.c */
void prom_text_init(struct prom_conn *conn);
void prom_text(struct prom_conn *conn, const char *at, const char *end);
void prom_text_end(struct prom_conn *conn);

/* remote.c */
void prom_remote_init(struct prom_conn *conn);
void prom_remote(struct prom_conn *conn, const char *at, const char *end);
void prom_remote_end(struct prom_conn *conn);

/* snappy.c: writes what the bytes give; a body that is none or too large is refused. */
void prom_snappy(struct prom_conn *conn, const char *at, const char *end);
int prom_snappy_is_complete(const struct prom_snappy *snappy);

/* number.c. 0: no number. NaN and Inf in any case, as Prometheus reads them. */
int prom_number(const struct prom *prom, struct firealarm_text text, double *ret_value);
int prom_milliseconds(struct firealarm_text text, int64_t *ret_ms);
/* Seconds with a fraction, to the nearest millisecond. */
int prom_seconds(const struct prom *prom, struct firealarm_text text, int64_t *ret_ms);

#endif

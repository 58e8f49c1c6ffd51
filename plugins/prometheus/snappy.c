/* SPDX-License-Identifier: MIT */
/* The snappy block format, read as it comes in: a varint with the length of the whole, then
 * literals and copies of what was written before, from anywhere in it. Not the framed format.
 *
 * The declared length is checked before anything is kept, and memory grows with what is really
 * there, so a body that lies about itself costs nothing. */
#include "prometheus.h"

#include <string.h>

#define FIRST_CAP 65536

static void refuse_damaged(struct prom_conn *conn)
{
    prom_refuse(conn, 400, "the body is no snappy block, or damaged");
}

/* Room for n more bytes; 0: refused. */
static int reserve(struct prom_conn *conn, size_t n)
{
    struct prom_snappy *snappy = &conn->snappy;
    size_t cap = snappy->cap > 0 ? snappy->cap : FIRST_CAP;
    if (snappy->len + n <= snappy->cap) {
        return 1;
    }
    while (cap < snappy->len + n) {
        cap *= 2;
    }
    cap = cap < snappy->declared ? cap : (size_t)snappy->declared;
    char *out = prom_keep(conn, snappy->out, snappy->cap, cap);
    if (out == NULL) {
        return 0;
    }
    snappy->out = out;
    snappy->cap = cap;
    return 1;
}

static void take_length(struct prom_conn *conn, unsigned char byte)
{
    struct prom_snappy *snappy = &conn->snappy;
    snappy->declared |= (uint64_t)(byte & 0x7f) << snappy->shift;
    snappy->shift += 7;
    if (snappy->declared > UINT32_MAX || (snappy->shift == 35 && byte >= 0x80)) {
        refuse_damaged(conn);
    } else if (byte < 0x80) {
        snappy->has_length = 1;
        if (snappy->declared > conn->prom->body_max) {
            prom_refuse(conn, 413, "the body declares more than body_bytes");
        }
    }
}

/* Bytes of an element's head by its first one. */
static unsigned head_size(unsigned char tag)
{
    static const unsigned of_copies[] = {0, 2, 3, 5};
    unsigned extra = (unsigned)(tag >> 2) >= 60 ? (unsigned)(tag >> 2) - 59 : 0;
    return (tag & 3) == 0 ? 1 + extra : of_copies[tag & 3];
}

static void copy_back(struct prom_conn *conn, size_t offset, size_t len)
{
    struct prom_snappy *snappy = &conn->snappy;
    if (offset == 0 || offset > snappy->len || len > snappy->declared - snappy->len) {
        refuse_damaged(conn);
        return;
    }
    if (!reserve(conn, len)) {
        return;
    }
    char *to = snappy->out + snappy->len;
    const char *from = to - offset;
    if (offset >= len) {
        memcpy(to, from, len);
    } else {
        for (size_t i = 0; i < len; i++) {
            to[i] = from[i]; /* what it writes may be what it reads next */
        }
    }
    snappy->len += len;
}

static void take_element(struct prom_conn *conn, const unsigned char *head, unsigned size)
{
    uint32_t number = 0;
    for (unsigned i = size - 1; i > 0; i--) {
        number = number << 8 | head[i];
    }
    unsigned top = head[0] >> 2;
    switch (head[0] & 3) {
    case 0:
        conn->snappy.literal = (size_t)(size > 1 ? number : top) + 1;
        if (conn->snappy.literal > conn->snappy.declared - conn->snappy.len) {
            refuse_damaged(conn);
        }
        break;
    case 1:
        copy_back(conn, (size_t)(head[0] >> 5) << 8 | number, (top & 7) + 4);
        break;
    default:
        copy_back(conn, number, top + 1);
        break;
    }
}

static const char *take_literal(struct prom_conn *conn, const char *at, const char *end)
{
    struct prom_snappy *snappy = &conn->snappy;
    size_t n = (size_t)(end - at) < snappy->literal ? (size_t)(end - at) : snappy->literal;
    if (!reserve(conn, n)) {
        return end;
    }
    memcpy(snappy->out + snappy->len, at, n);
    snappy->len += n;
    snappy->literal -= n;
    return at + n;
}

void prom_snappy(struct prom_conn *conn, const char *at, const char *end)
{
    struct prom_snappy *snappy = &conn->snappy;
    while (at < end && conn->status == 0) {
        if (!snappy->has_length) {
            take_length(conn, (unsigned char)*at++);
        } else if (snappy->literal > 0) {
            at = take_literal(conn, at, end);
        } else {
            snappy->head[snappy->have++] = (unsigned char)*at++;
            unsigned size = head_size(snappy->head[0]);
            if (snappy->have == size) {
                snappy->have = 0;
                take_element(conn, snappy->head, size);
            }
        }
    }
}

int prom_snappy_is_complete(const struct prom_snappy *snappy)
{
    return snappy->has_length && snappy->literal == 0 && snappy->have == 0 &&
           snappy->len == snappy->declared;
}

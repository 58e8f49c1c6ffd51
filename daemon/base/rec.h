/* SPDX-License-Identifier: MIT */
/* Records: the one encoding of what is stored and of what crosses between the processes.
 *
 *   record = *field            field = varint(tag << 2 | type) payload
 *   type 0: varint             type 1: zigzag varint (signed)
 *   type 2: 8 bytes, IEEE 754 little-endian                     type 3: varint length, bytes
 *
 * A reader skips tags it does not know, so fields may be added; a tag is never reused. Lists are
 * one tag repeated; nesting is a record in a type 3 field. */
#ifndef FA_BASE_REC_H
#define FA_BASE_REC_H

#include "base/buf.h"

enum fa_rec_type { FA_REC_U64, FA_REC_I64, FA_REC_F64, FA_REC_BYTES };

void fa_rec_put_u64(struct fa_buf *buf, uint32_t tag, uint64_t value);
void fa_rec_put_i64(struct fa_buf *buf, uint32_t tag, int64_t value);
void fa_rec_put_f64(struct fa_buf *buf, uint32_t tag, double value);
void fa_rec_put_bytes(struct fa_buf *buf, uint32_t tag, const void *data, size_t len);
/* Makes one field of bytes of what was put since buf->len was `from`: a record in a record. */
void fa_rec_wrap(struct fa_buf *buf, uint32_t tag, size_t from);
/* NULL writes nothing. */
void fa_rec_put_text(struct fa_buf *buf, uint32_t tag, const char *text);

struct fa_rec_field {
    uint32_t tag;
    enum fa_rec_type type;
    uint64_t u64; /* FA_REC_U64; for FA_REC_I64 use i64 */
    int64_t i64;
    double f64;
    struct fa_str bytes; /* borrowed from the input */
};

struct fa_rec_reader {
    struct fa_str rest;
    bool bad; /* the input broke the grammar */
};

struct fa_rec_reader fa_rec_read(struct fa_str record);
/* False at the end or at the first broken byte; then look at reader->bad. */
bool fa_rec_next(struct fa_rec_reader *reader, struct fa_rec_field *ret_field);

#endif

/* SPDX-License-Identifier: MIT */
#include "base/rec.h"

#include <string.h>

/* A field's head and its number lie in one piece before they are put: most fields are three bytes,
 * and each append to a buffer costs more than those. */
#define HEAD_MAX   5
#define VARINT_MAX 10

static size_t lay_varint(char *at, uint64_t value)
{
    size_t len = 0;
    for (; value > 127; value >>= 7) {
        at[len++] = (char)((value & 127) | 128);
    }
    at[len++] = (char)value;
    return len;
}

static size_t lay_head(char at[HEAD_MAX], uint32_t tag, enum fa_rec_type type)
{
    return lay_varint(at, (uint64_t)tag << 2 | (uint64_t)type);
}

/* Where there is room for any of them they are laid into the buffer itself. */
static void put_number(struct fa_buf *buf, uint32_t tag, enum fa_rec_type type, uint64_t value)
{
    char bytes[HEAD_MAX + VARINT_MAX];
    bool roomy =
        !buf->over && buf->cap - buf->len > sizeof bytes && buf->max - buf->len >= sizeof bytes;
    char *at = roomy ? buf->data + buf->len : bytes;
    if (roomy && tag < 32 && value < 128) { /* as most are */
        at[0] = (char)(tag << 2 | (uint32_t)type);
        at[1] = (char)value;
        at[2] = '\0';
        buf->len += 2;
        return;
    }
    size_t len = lay_head(at, tag, type);
    len += lay_varint(at + len, value);
    if (roomy) {
        buf->len += len;
        buf->data[buf->len] = '\0';
    } else {
        fa_buf_put(buf, bytes, len);
    }
}

void fa_rec_put_u64(struct fa_buf *buf, uint32_t tag, uint64_t value)
{
    put_number(buf, tag, FA_REC_U64, value);
}

void fa_rec_put_i64(struct fa_buf *buf, uint32_t tag, int64_t value)
{
    put_number(buf, tag, FA_REC_I64, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void fa_rec_put_f64(struct fa_buf *buf, uint32_t tag, double value)
{
    uint64_t bits;
    char bytes[HEAD_MAX + 8];
    memcpy(&bits, &value, 8);
    size_t len = lay_head(bytes, tag, FA_REC_F64);
    for (size_t i = 0; i < 8; i++) {
        bytes[len++] = (char)(bits >> (8 * i));
    }
    fa_buf_put(buf, bytes, len);
}

void fa_rec_put_bytes(struct fa_buf *buf, uint32_t tag, const void *data, size_t len)
{
    put_number(buf, tag, FA_REC_BYTES, len);
    fa_buf_put(buf, data, len);
}

void fa_rec_wrap(struct fa_buf *buf, uint32_t tag, size_t from)
{
    size_t len = buf->len - from;
    put_number(buf, tag, FA_REC_BYTES, len);
    size_t head = buf->len - from - len;
    char bytes[20];
    if (!buf->over) {
        memcpy(bytes, buf->data + from + len, head);
        memmove(buf->data + from + head, buf->data + from, len);
        memcpy(buf->data + from, bytes, head);
    }
}

void fa_rec_put_text(struct fa_buf *buf, uint32_t tag, const char *text)
{
    if (text != NULL) {
        fa_rec_put_bytes(buf, tag, text, strlen(text));
    }
}

struct fa_rec_reader fa_rec_read(struct fa_str record)
{
    return (struct fa_rec_reader){.rest = record};
}

static bool get_varint(struct fa_str *rest, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 10 && i < rest->len; i++) {
        unsigned char byte = (unsigned char)rest->ptr[i];
        if (i == 9 && byte > 1) {
            return false;
        }
        value |= (uint64_t)(byte & 127) << (7 * i);
        if (byte < 128) {
            *rest = (struct fa_str){rest->ptr + i + 1, rest->len - i - 1};
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool get_payload(struct fa_str *rest, struct fa_rec_field *field)
{
    if (field->type == FA_REC_F64) {
        if (rest->len < 8) {
            return false;
        }
        for (size_t i = 0; i < 8; i++) {
            field->u64 |= (uint64_t)(unsigned char)rest->ptr[i] << (8 * i);
        }
        memcpy(&field->f64, &field->u64, 8);
        *rest = (struct fa_str){rest->ptr + 8, rest->len - 8};
        return true;
    }
    if (!get_varint(rest, &field->u64)) {
        return false;
    }
    field->i64 = (int64_t)(field->u64 >> 1 ^ (0 - (field->u64 & 1)));
    if (field->type == FA_REC_BYTES) {
        if (field->u64 > rest->len) {
            return false;
        }
        field->bytes = (struct fa_str){rest->ptr, (size_t)field->u64};
        *rest = (struct fa_str){rest->ptr + field->u64, rest->len - (size_t)field->u64};
    }
    return true;
}

bool fa_rec_next(struct fa_rec_reader *reader, struct fa_rec_field *ret_field)
{
    struct fa_rec_field field = {.bytes = {"", 0}};
    uint64_t head = 0;
    if (reader->bad || reader->rest.len == 0) {
        return false;
    }
    if (!get_varint(&reader->rest, &head) || head >> 34 != 0) {
        reader->bad = true;
        return false;
    }
    field.tag = (uint32_t)(head >> 2);
    field.type = (enum fa_rec_type)(head & 3);
    if (!get_payload(&reader->rest, &field)) {
        reader->bad = true;
        return false;
    }
    *ret_field = field;
    return true;
}

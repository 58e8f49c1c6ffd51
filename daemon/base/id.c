/* SPDX-License-Identifier: MIT */
#include "base/id.h"

#include <string.h>

#define TYPED_MAX 256 /* with all that stands between symbols */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* xoroshiro128+ (Blackman and Vigna, 2018), its state spread by a multiply on output. */
uint64_t fa_rng_next(struct fa_rng *rng)
{
    uint64_t s0 = rng->state[0], s1 = rng->state[1];
    uint64_t result = rotl((s0 + s1) * UINT64_C(0x9e3779b97f4a7c15), 31) + s0;
    s1 ^= s0;
    rng->state[0] = rotl(s0, 24) ^ s1 ^ (s1 << 16);
    rng->state[1] = rotl(s1, 37);
    return result;
}

double fa_rng_unit(struct fa_rng *rng)
{
    return (double)(fa_rng_next(rng) >> 11) * 0x1.0p-53;
}

struct fa_id fa_id_random(struct fa_rng *rng)
{
    struct fa_id id;
    uint64_t a = fa_rng_next(rng), b = fa_rng_next(rng);
    memcpy(id.bytes, &a, 8);
    memcpy(id.bytes + 8, &b, 2);
    return id;
}

bool fa_id_is_zero(struct fa_id id)
{
    return fa_id_eq(id, (struct fa_id){{0}});
}

bool fa_id_eq(struct fa_id a, struct fa_id b)
{
    return memcmp(a.bytes, b.bytes, FA_ID_BYTES) == 0;
}

const char *fa_id_format(struct fa_id id, char buf[FA_ID_TEXT_SIZE])
{
    size_t at = 0;
    for (unsigned digit = 0; digit < 16; digit++) {
        unsigned bit = digit * 5, byte = bit / 8, shift = bit % 8;
        unsigned pair = (unsigned)id.bytes[byte] << 8;
        pair |= byte + 1 < FA_ID_BYTES ? id.bytes[byte + 1] : 0;
        if (digit > 0 && digit % 4 == 0) {
            buf[at++] = '-';
        }
        buf[at++] = alphabet[(pair >> (11 - shift)) & 31];
    }
    buf[at] = '\0';
    return buf;
}

static int digit_value(char c)
{
    c = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

int fa_id_parse(struct fa_str text, struct fa_id *ret_id)
{
    struct fa_id id = {{0}};
    unsigned digit = 0;
    char plain[TYPED_MAX];
    size_t len = text.len <= sizeof plain ? fa_str_typed(text, plain) : 0;
    for (size_t i = 0; i < len; i++) {
        if (plain[i] == '-') {
            continue;
        }
        int value = digit_value(plain[i]);
        if (value < 0 || digit >= 16) {
            return FA_EPARSE;
        }
        unsigned bit = digit++ * 5, byte = bit / 8, shift = bit % 8;
        unsigned pair = (unsigned)value << (11 - shift);
        id.bytes[byte] |= (uint8_t)(pair >> 8);
        if (byte + 1 < FA_ID_BYTES) {
            id.bytes[byte + 1] |= (uint8_t)pair;
        }
    }
    if (digit != 16) {
        return FA_EPARSE;
    }
    *ret_id = id;
    return 0;
}

const char *fa_hex(const void *bytes, size_t len, char *buf)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++) {
        buf[2 * i] = digits[p[i] >> 4];
        buf[2 * i + 1] = digits[p[i] & 15];
    }
    buf[2 * len] = '\0';
    return buf;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int fa_unhex(struct fa_str text, void *ret_bytes, size_t len)
{
    if (text.len != 2 * len) {
        return FA_EPARSE;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (hex_value(text.ptr[i]) < 0) {
            return FA_EPARSE;
        }
    }
    for (size_t i = 0; i < len; i++) {
        ((unsigned char *)ret_bytes)[i] =
            (unsigned char)(hex_value(text.ptr[2 * i]) << 4 | hex_value(text.ptr[2 * i + 1]));
    }
    return 0;
}

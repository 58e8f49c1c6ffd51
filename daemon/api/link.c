/* SPDX-License-Identifier: MIT */
/* Tokens: version, purpose, alarm, step, loop, time made, the person's name, and behind them a
 * MAC of 32 bytes over all that; base64 for addresses, in one spelling only. The name stands in
 * clear: the page shows it to whoever has the link, and a link says nothing else.
 *
 * The code is six digits of another keyed hash, of alarm and person. So nothing is stored for
 * either: after a restart, or from another message, it is the same again, and a retried message
 * says the same words. One in 200,000 guesses it in five tries; after these it is locked.
 *
 * The key is a hash of the store's MAC key under a context of its own: it lives as long as the
 * alarms that links are for, needs no file of its own to be kept and backed up, and nothing that is
 * made under another context (receipts, rows, the journal) can pass for a link. */
#include "api/link.h"

#include <sodium.h>
#include <string.h>

#define VERSION    1
#define HEAD_BYTES 20
#define MAC_BYTES  32
#define TYPED_MAX  64 /* bytes of a code with what stands between its digits */
#define BODY_MAX   (HEAD_BYTES + FA_LINK_NAME_MAX)
#define BYTES_MAX  (BODY_MAX + MAC_BYTES)

_Static_assert(HEAD_BYTES == 2 + FA_ID_BYTES + 2 + 2 + 4, "the head's parts");
_Static_assert(sodium_base64_ENCODED_LEN(BYTES_MAX, sodium_base64_VARIANT_URLSAFE_NO_PADDING) <=
                   FA_LINK_TOKEN_SIZE,
               "a token fits its text");

static void put_number(uint8_t *at, size_t bytes, uint64_t number)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(number >> (8 * i));
    }
}

static uint64_t get_number(const uint8_t *at, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        number |= (uint64_t)at[i] << (8 * i);
    }
    return number;
}

static void keyed(const uint8_t key[FA_LINK_KEY_BYTES], const char *what, const void *data,
                  size_t len, uint8_t ret[MAC_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, FA_LINK_KEY_BYTES, MAC_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)what, strlen(what) + 1);
    crypto_generichash_update(&state, data, len);
    crypto_generichash_final(&state, ret, MAC_BYTES);
}

static uint32_t at_most(uint32_t number, uint32_t max)
{
    return number < max ? number : max;
}

int fa_link_make(const uint8_t key[FA_LINK_KEY_BYTES], enum fa_link_purpose purpose,
                 const struct fa_link_to *to, char token[FA_LINK_TOKEN_SIZE])
{
    uint8_t bytes[BYTES_MAX];
    size_t name = strnlen(to->person, sizeof to->person);
    if (name == 0 || name > FA_LINK_NAME_MAX) {
        return FA_EINVAL;
    }
    bytes[0] = VERSION;
    bytes[1] = (uint8_t)purpose;
    memcpy(bytes + 2, to->alarm.id.bytes, FA_ID_BYTES);
    put_number(bytes + 12, 2, at_most(to->step, UINT16_MAX));
    put_number(bytes + 14, 2, at_most(to->loop, UINT16_MAX));
    put_number(bytes + 16, 4, (uint64_t)(to->made / FA_MINUTE));
    memcpy(bytes + HEAD_BYTES, to->person, name);
    keyed(key, "token", bytes, HEAD_BYTES + name, bytes + HEAD_BYTES + name);
    sodium_bin2base64(token, FA_LINK_TOKEN_SIZE, bytes, HEAD_BYTES + name + MAC_BYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return 0;
}

/* libsodium reads bytes above 0x7f as '_'. */
static bool is_ascii(struct fa_str text)
{
    unsigned char high = 0;
    for (size_t i = 0; i < text.len; i++) {
        high |= (unsigned char)text.ptr[i];
    }
    return high < 0x80;
}

int fa_link_parse(const uint8_t key[FA_LINK_KEY_BYTES], enum fa_link_purpose purpose,
                  struct fa_str token, struct fa_link_to *ret_to)
{
    uint8_t bytes[BYTES_MAX] = {0}, mac[MAC_BYTES];
    size_t len = 0;
    bool bad = sodium_base642bin(bytes, sizeof bytes, token.ptr, token.len, NULL, &len, NULL,
                                 sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
               !is_ascii(token) || len <= HEAD_BYTES + MAC_BYTES;
    size_t body = bad ? HEAD_BYTES + 1 : len - MAC_BYTES, name = body - HEAD_BYTES;
    keyed(key, "token", bytes, body, mac);
    bad |= sodium_memcmp(mac, bytes + body, MAC_BYTES) != 0;
    bad |= bytes[0] != VERSION || bytes[1] != (uint8_t)purpose;
    bad |= memchr(bytes + HEAD_BYTES, '\0', name) != NULL;
    if (bad) {
        return FA_EDENIED;
    }
    struct fa_link_to to = {.step = (uint32_t)get_number(bytes + 12, 2),
                            .loop = (uint32_t)get_number(bytes + 14, 2),
                            .made = (fa_time)get_number(bytes + 16, 4) * FA_MINUTE};
    memcpy(to.alarm.id.bytes, bytes + 2, FA_ID_BYTES);
    memcpy(to.person, bytes + HEAD_BYTES, name);
    *ret_to = to;
    return 0;
}

void fa_link_code(const uint8_t key[FA_LINK_KEY_BYTES], struct fa_alarm_id alarm,
                  const char *person, char code[FA_LINK_CODE_SIZE])
{
    uint8_t data[FA_ID_BYTES + FA_LINK_NAME_MAX], hash[MAC_BYTES];
    size_t name = strnlen(person, FA_LINK_NAME_MAX);
    memcpy(data, alarm.id.bytes, FA_ID_BYTES);
    memcpy(data + FA_ID_BYTES, person, name);
    keyed(key, "code", data, FA_ID_BYTES + name, hash);
    uint64_t number =
        get_number(hash, 8) % 1000000; /* of 2^64: no digit is likelier than another */
    for (size_t i = FA_LINK_CODE_SIZE - 1; i-- > 0; number /= 10) {
        code[i] = (char)('0' + number % 10);
    }
    code[FA_LINK_CODE_SIZE - 1] = '\0';
}

enum fa_link_typed fa_link_code_check(const uint8_t key[FA_LINK_KEY_BYTES],
                                      const struct fa_link_to *to, struct fa_str typed)
{
    char plain[TYPED_MAX], digits[FA_LINK_CODE_SIZE] = {0}, right[FA_LINK_CODE_SIZE];
    size_t len = typed.len <= sizeof plain ? fa_str_typed(typed, plain) : 0, count = 0;
    for (size_t i = 0; i < len; i++) {
        char c = plain[i];
        if (c == '-') {
            continue;
        }
        if (c < '0' || c > '9' || count == FA_LINK_CODE_SIZE - 1) {
            return FA_TYPED_NOTHING;
        }
        digits[count++] = c;
    }
    if (count != FA_LINK_CODE_SIZE - 1) {
        return FA_TYPED_NOTHING;
    }
    fa_link_code(key, to->alarm, to->person, right);
    return sodium_memcmp(digits, right, sizeof right) == 0 ? FA_TYPED_RIGHT : FA_TYPED_WRONG;
}

void fa_link_stamp(const uint8_t key[FA_LINK_KEY_BYTES], const struct fa_alarm *alarm,
                   char stamp[FA_LINK_STAMP_SIZE])
{
    uint8_t data[FA_ID_BYTES + 8 + 8 + 1 + FA_LINK_NAME_MAX] = {0}, hash[MAC_BYTES];
    bool late = (alarm->flags & FA_FLAG_OVERDUE) != 0;
    memcpy(data, alarm->id.id.bytes, FA_ID_BYTES);
    put_number(data + FA_ID_BYTES, 8, (uint64_t)alarm->people->promised);
    put_number(data + FA_ID_BYTES + 8, 8, late ? (uint64_t)alarm->changed : 0);
    if (alarm->people->owner != NULL) {
        data[FA_ID_BYTES + 16] = 1;
        memcpy(data + FA_ID_BYTES + 17, alarm->people->owner,
               strnlen(alarm->people->owner, FA_LINK_NAME_MAX));
    }
    keyed(key, "stamp", data, sizeof data, hash);
    fa_hex(hash, (FA_LINK_STAMP_SIZE - 1) / 2, stamp);
}

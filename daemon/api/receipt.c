/* SPDX-License-Identifier: MIT */
/* Receipts: R = first 80 bits of BLAKE2b(key, "receipt" | reporter | client's key), and the
 * filing's id = first 80 bits of BLAKE2b(key, "filing" | R). So the same key of the same caller
 * gives the same receipt after any crash, nothing of it is stored, and an id in a log opens
 * nothing. Behind R stands a tail of 80 bits: the number of the filing's journal entry, hidden, and
 * what proves it to us. A receipt that is ours and that the store does not know shows an old store.
 * The number is hidden because everybody may file: who reads it twice counts what others filed in
 * between. The proof is long because a forged one makes operators look for an older store. */
#include "api/internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 5 /* the rest of the tail is the proof */

static struct fa_id derive(const struct fa_api *api, const char *what, const void *data, size_t len)
{
    crypto_generichash_state state;
    uint8_t hash[32];
    struct fa_id id;
    crypto_generichash_init(&state, api->keys.receipts, sizeof api->keys.receipts, sizeof hash);
    crypto_generichash_update(&state, (const unsigned char *)what, strlen(what) + 1);
    crypto_generichash_update(&state, data, len);
    crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(id.bytes, hash, FA_ID_BYTES);
    return id;
}

struct fa_id fa_receipt_of(const struct fa_api *api, struct fa_str material)
{
    return derive(api, "receipt", material.ptr, material.len);
}

struct fa_incident_id fa_receipt_filing(const struct fa_api *api, struct fa_id receipt)
{
    return (struct fa_incident_id){derive(api, "filing", receipt.bytes, FA_ID_BYTES)};
}

/* The tail behind a receipt: for 2^40 entries and more it says less, and proves as much. */
static struct fa_id tail_of(const struct fa_api *api, struct fa_id receipt, uint64_t n)
{
    struct fa_id mask = derive(api, "mask", receipt.bytes, FA_ID_BYTES);
    uint8_t data[FA_ID_BYTES + NUMBER_BYTES];
    memcpy(data, receipt.bytes, FA_ID_BYTES);
    for (size_t i = 0; i < NUMBER_BYTES; i++) {
        data[FA_ID_BYTES + i] = (uint8_t)(n >> (8 * i));
    }
    struct fa_id tail = derive(api, "number", data, sizeof data);
    for (size_t i = 0; i < NUMBER_BYTES; i++) {
        tail.bytes[i] = data[FA_ID_BYTES + i] ^ mask.bytes[i];
    }
    return tail;
}

void fa_receipt_format(const struct fa_api *api, struct fa_id receipt, uint64_t n,
                       char buf[FA_RECEIPT_TEXT_SIZE])
{
    char id[FA_ID_TEXT_SIZE], tail[FA_ID_TEXT_SIZE];
    snprintf(buf, FA_RECEIPT_TEXT_SIZE, "%s-%s", fa_id_format(receipt, id),
             fa_id_format(tail_of(api, receipt, n), tail));
}

/* The number that the tail proves; 0: none. */
static uint64_t proved_number(const struct fa_api *api, struct fa_id receipt, struct fa_id typed)
{
    struct fa_id mask = derive(api, "mask", receipt.bytes, FA_ID_BYTES);
    uint64_t n = 0;
    for (size_t i = 0; i < NUMBER_BYTES; i++) {
        n |= (uint64_t)(typed.bytes[i] ^ mask.bytes[i]) << (8 * i);
    }
    struct fa_id right = tail_of(api, receipt, n);
    return sodium_memcmp(typed.bytes, right.bytes, FA_ID_BYTES) == 0 ? n : 0;
}

/* The first sixteen symbols; *ret_tail: what stands behind them. */
static struct fa_str cut_receipt(struct fa_str text, struct fa_str *ret_tail)
{
    size_t symbols = 0, at = 0;
    while (at < text.len && symbols < 16) {
        symbols += text.ptr[at++] != '-';
    }
    *ret_tail = (struct fa_str){text.ptr + at, text.len - at};
    return (struct fa_str){text.ptr, at};
}

int fa_receipt_parse(const struct fa_api *api, struct fa_str text, struct fa_id *ret_receipt,
                     uint64_t *ret_n)
{
    char plain[FA_RECEIPT_TYPED_MAX];
    struct fa_str tail, receipt;
    struct fa_id typed;
    if (text.len > sizeof plain) {
        return FA_EPARSE;
    }
    receipt = cut_receipt((struct fa_str){plain, fa_str_typed(text, plain)}, &tail);
    bool has_tail = fa_id_parse(tail, &typed) == 0;
    if (!has_tail && tail.len > 0 && tail.ptr[0] != '-') {
        return FA_EPARSE;
    }
    int rc = fa_id_parse(receipt, ret_receipt);
    if (rc == 0) {
        *ret_n = has_tail ? proved_number(api, *ret_receipt, typed) : 0;
    }
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* Receipts: R = first 80 bits of BLAKE2b(key, "receipt" | reporter | client's key), and the
 * filing's id = first 80 bits of BLAKE2b(key, "filing" | R). So the same key of the same caller
 * gives the same receipt after any crash, nothing of it is stored, and an id in a log opens
 * nothing. Behind R stand the number of the filing's journal entry and four symbols that prove the
 * number to us: a receipt that is ours and that the store does not know shows an old store. */
#include "api/internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PROOF_SYMBOLS 4

static struct fa_id derive(const struct fa_api *api, const char *what, const void *data, size_t len)
{
    crypto_generichash_state state;
    uint8_t hash[32];
    struct fa_id id;
    crypto_generichash_init(&state, api->receipt_key, sizeof api->receipt_key, sizeof hash);
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

/* What proves that n stands behind this receipt. */
static void prove_number(const struct fa_api *api, struct fa_id receipt, uint64_t n,
                         char buf[PROOF_SYMBOLS + 1])
{
    char id[FA_ID_TEXT_SIZE];
    uint8_t data[FA_ID_BYTES + 8];
    memcpy(data, receipt.bytes, FA_ID_BYTES);
    for (size_t i = 0; i < 8; i++) {
        data[FA_ID_BYTES + i] = (uint8_t)(n >> (8 * i));
    }
    fa_id_format(derive(api, "number", data, sizeof data), id);
    snprintf(buf, PROOF_SYMBOLS + 1, "%.*s", PROOF_SYMBOLS, id);
}

void fa_receipt_format(const struct fa_api *api, struct fa_id receipt, uint64_t n,
                       char buf[FA_RECEIPT_TEXT_SIZE])
{
    char id[FA_ID_TEXT_SIZE], proof[PROOF_SYMBOLS + 1];
    prove_number(api, receipt, n, proof);
    snprintf(buf, FA_RECEIPT_TEXT_SIZE, "%s-%llu-%s", fa_id_format(receipt, id),
             (unsigned long long)n, proof);
}

/* The number of the tail "-142-X7QM"; 0 unless it is proved. */
static uint64_t proved_number(const struct fa_api *api, struct fa_id receipt, struct fa_str tail)
{
    char text[64], padded[FA_ID_TEXT_SIZE], proof[PROOF_SYMBOLS + 1], *end = text;
    struct fa_id typed, right;
    snprintf(text, sizeof text, "%.*s", FA_STR_ARG(tail));
    uint64_t n = text[0] == '-' ? strtoull(text + 1, &end, 10) : 0;
    if (n == 0 || *end != '-' || strlen(end + 1) != PROOF_SYMBOLS) {
        return 0;
    }
    /* As ids are read, so that a typed O is a 0. */
    prove_number(api, receipt, n, proof);
    snprintf(padded, sizeof padded, "%s-%s-%s-%s", end + 1, end + 1, end + 1, end + 1);
    if (fa_id_parse(fa_str_of(padded), &typed) != 0) {
        return 0;
    }
    snprintf(padded, sizeof padded, "%s-%s-%s-%s", proof, proof, proof, proof);
    return fa_id_parse(fa_str_of(padded), &right) == 0 && fa_id_eq(typed, right) ? n : 0;
}

int fa_receipt_parse(const struct fa_api *api, struct fa_str text, struct fa_id *ret_receipt,
                     uint64_t *ret_n)
{
    size_t symbols = 0, at = 0;
    text = fa_str_trim(text);
    while (at < text.len && symbols < 16) {
        symbols += text.ptr[at++] != '-';
    }
    if (at < text.len && text.ptr[at] != '-') {
        return FA_EPARSE;
    }
    int rc = fa_id_parse((struct fa_str){text.ptr, at}, ret_receipt);
    if (rc == 0) {
        *ret_n = proved_number(api, *ret_receipt, (struct fa_str){text.ptr + at, text.len - at});
    }
    return rc;
}

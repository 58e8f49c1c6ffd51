/* SPDX-License-Identifier: MIT */
/* What makes silent damage and tampering visible: a MAC on every row, a chain over the journal.
 * Both are keyed BLAKE2b with keys derived from one that lies outside the store, so whoever can
 * write the database alone can forge neither. All numbers are little-endian.
 *
 *   mac   = H(mac key,   kind:4 live:1 time:8 key length:4 key value)
 *   chain = H(chain key, previous chain:32 n:8 time:8 body), the first previous one is 32 zeros
 *
 * Every part but the last has a known length, so no two inputs read alike. */
#include "store/internal.h"

#include "base/panic.h"

#include <sodium.h>
#include <string.h>

#define KDF_CONTEXT "fa-store"

static void put_le(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Each row and each entry begins with a copy of such a state; that is bytes, as what it is part of
 * need not lie as a state must. */
static void begin(const uint8_t key[FA_STORE_KEY_BYTES], size_t bytes,
                  uint8_t ret_state[STATE_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, FA_STORE_KEY_BYTES, bytes);
    memcpy(ret_state, &state, sizeof state);
    sodium_memzero(&state, sizeof state);
}

void store_keys_derive(const uint8_t key[FA_STORE_KEY_BYTES], struct keys *ret_keys)
{
    _Static_assert(crypto_kdf_KEYBYTES == FA_STORE_KEY_BYTES, "a kdf key");
    fa_assert(sodium_init() >= 0);
    crypto_kdf_derive_from_key(ret_keys->mac, sizeof ret_keys->mac, 1, KDF_CONTEXT, key);
    crypto_kdf_derive_from_key(ret_keys->chain, sizeof ret_keys->chain, 2, KDF_CONTEXT, key);
    crypto_kdf_derive_from_key(ret_keys->id, sizeof ret_keys->id, 3, KDF_CONTEXT, key);
    begin(ret_keys->mac, FIREALARM_STORE_MAC_BYTES, ret_keys->mac_begun);
    begin(ret_keys->chain, FA_STORE_CHAIN_BYTES, ret_keys->chain_begun);
}

static void update(crypto_generichash_state *state, const void *data, size_t len)
{
    if (len > 0) {
        crypto_generichash_update(state, data, len);
    }
}

void store_row_mac(const struct keys *keys, const struct firealarm_row *row,
                   uint8_t ret_mac[FIREALARM_STORE_MAC_BYTES])
{
    uint8_t head[17];
    put_le(head, row->kind, 4);
    put_le(head + 4, row->live, 1);
    put_le(head + 5, (uint64_t)row->time, 8);
    put_le(head + 13, row->key.len, 4);
    crypto_generichash_state state;
    memcpy(&state, keys->mac_begun, sizeof state);
    update(&state, head, sizeof head);
    update(&state, row->key.ptr, row->key.len);
    update(&state, row->value.ptr, row->value.len);
    crypto_generichash_final(&state, ret_mac, FIREALARM_STORE_MAC_BYTES);
}

bool store_row_verifies(const struct keys *keys, const struct firealarm_row *row)
{
    uint8_t mac[FIREALARM_STORE_MAC_BYTES];
    store_row_mac(keys, row, mac);
    return row->live <= 2 && sodium_memcmp(mac, row->mac, sizeof mac) == 0;
}

void store_chain_next(const struct keys *keys, const uint8_t prev[FA_STORE_CHAIN_BYTES],
                      const struct firealarm_entry *entry, uint8_t ret_chain[FA_STORE_CHAIN_BYTES])
{
    uint8_t head[16];
    put_le(head, entry->n, 8);
    put_le(head + 8, (uint64_t)entry->time, 8);
    crypto_generichash_state state;
    memcpy(&state, keys->chain_begun, sizeof state);
    update(&state, prev, FA_STORE_CHAIN_BYTES);
    update(&state, head, sizeof head);
    update(&state, entry->body.ptr, entry->body.len);
    crypto_generichash_final(&state, ret_chain, FA_STORE_CHAIN_BYTES);
}

/* Never stored, so the fastest keyed hash will do. */
uint64_t store_row_id(const struct keys *keys, uint32_t kind, struct firealarm_text key)
{
    uint64_t id;
    _Static_assert(crypto_shorthash_siphash24_BYTES == sizeof id &&
                       crypto_shorthash_siphash24_KEYBYTES == sizeof keys->id,
                   "as long as an id");
    uint8_t input[4 + FIREALARM_STORE_KEY_MAX];
    fa_assert(key.len <= FIREALARM_STORE_KEY_MAX);
    put_le(input, kind, 4);
    if (key.len > 0) {
        memcpy(input + 4, key.ptr, key.len);
    }
    crypto_shorthash_siphash24((unsigned char *)&id, input, 4 + key.len, keys->id);
    return id;
}

void store_head_encode(const struct fa_store_head *head, const struct live_set *live,
                       uint8_t ret_value[HEAD_VALUE_BYTES])
{
    put_le(ret_value, head->n, 8);
    memcpy(ret_value + 8, head->chain, FA_STORE_CHAIN_BYTES);
    put_le(ret_value + HEAD_JOURNAL_BYTES, live->count, 8);
    memset(ret_value + HEAD_LIVE_END, 0, HEAD_VALUE_BYTES - HEAD_LIVE_END);
    memcpy(ret_value + HEAD_JOURNAL_BYTES + 8, &live->digest, sizeof live->digest);
}

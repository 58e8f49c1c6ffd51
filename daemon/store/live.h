/* SPDX-License-Identifier: MIT */
/* The set of live rows, as one digest: the exclusive or of their MACs. It is written with every
 * commit, so that a live row that is missing at the next start, or there in an older version, is
 * seen although every row that is there verifies. It guards against rot and mistakes; whoever
 * keeps old copies of a store can put a whole old one back, which only a witness outside sees. */
#ifndef FA_STORE_LIVE_H
#define FA_STORE_LIVE_H

#include <firealarm/store.h>

#include <stdbool.h>

#define LIVE_ID_BYTES 16

struct live_row {
    bool used;
    uint8_t id[LIVE_ID_BYTES]; /* keyed hash of kind and key */
    uint8_t mac[FIREALARM_STORE_MAC_BYTES];
};

struct live_set {
    struct live_row *rows; /* open addressing; cap is 0 or a power of two */
    size_t count, cap;
    uint8_t digest[FIREALARM_STORE_MAC_BYTES];
};

void live_set_done(struct live_set *set);
/* Adds or replaces. */
void live_set_put(struct live_set *set, const uint8_t id[LIVE_ID_BYTES],
                  const uint8_t mac[FIREALARM_STORE_MAC_BYTES]);
void live_set_erase(struct live_set *set, const uint8_t id[LIVE_ID_BYTES]);

#endif

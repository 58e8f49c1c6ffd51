/* SPDX-License-Identifier: MIT */
/* The set of live rows, as one digest: the exclusive or of their MACs. It is written with every
 * commit, so that a live row that is missing at the next start, or there in an older version, is
 * seen although every row that is there verifies. It guards against rot and mistakes; whoever
 * keeps old copies of a store can put a whole old one back, which only a witness outside sees. For
 * that 8 bytes of each are enough, and there is one in memory for each live row. */
#ifndef FA_STORE_LIVE_H
#define FA_STORE_LIVE_H

#include <firealarm/store.h>

#include <stddef.h>
#include <stdint.h>

struct live_row {
    uint64_t id;  /* keyed hash of kind and key; 0: free */
    uint64_t mac; /* its first bytes, in the order of this machine */
};

struct live_set {
    struct live_row *rows; /* open addressing; cap is 0 or a power of two */
    size_t count, cap;
    uint64_t digest; /* as the MACs */
};

void live_set_done(struct live_set *set);
/* Adds or replaces. Two rows of one id would be told as a missing row at the next start: with
 * 200,000 rows one in a thousand million stores has such. */
void live_set_put(struct live_set *set, uint64_t id, const uint8_t mac[FIREALARM_STORE_MAC_BYTES]);
void live_set_erase(struct live_set *set, uint64_t id);

#endif

/* SPDX-License-Identifier: MIT */
/* Which filings are in history, well enough to know that a new one is not: each filing would else
 * ask the store for its key first, one more way to the writer and back before its own commit.
 *
 * Invariant: whatever is in history is said to be. Until history was read once, and for ever when
 * anything in the store is damaged or an open filing could not be understood, that is said of
 * everything; and now and then of what is not.
 *
 * A Bloom filter whose bits lie in one line of the cache for each key; keys are keyed hashes, so
 * that their own bytes are as good as any hash of them. It holds some 800,000 filings at one
 * mistake in a hundred, which costs a look into the store. */
#include "app/internal.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define LINE_WORDS 8
#define LINES      ((size_t)16384) /* 1 MiB, touched as it fills */
#define BITS       5

/* A walk over history; one of an earlier opening of the store ends without effect. */
struct walk {
    struct fa_daemon *daemon;
    unsigned opening;
};

static uint64_t *line_of(uint64_t *bits, const uint8_t *key, unsigned *ret_places)
{
    size_t line = ((size_t)key[0] | (size_t)key[1] << 8) % LINES;
    uint64_t rest = 0;
    for (size_t i = 2; i < FA_ID_BYTES; i++) {
        rest = rest << 8 | key[i];
    }
    for (size_t i = 0; i < BITS; i++) {
        ret_places[i] = (unsigned)(rest >> (9 * i)) & 511;
    }
    return bits + line * LINE_WORDS;
}

void fa_known_add(struct fa_daemon *daemon, struct fa_str key)
{
    struct fa_history *known = &daemon->known;
    unsigned places[BITS];
    if (known->bits == NULL || key.len != FA_ID_BYTES) {
        return;
    }
    uint64_t *line = line_of(known->bits, (const uint8_t *)key.ptr, places);
    for (size_t i = 0; i < BITS; i++) {
        line[places[i] / 64] |= UINT64_C(1) << (places[i] % 64);
    }
}

bool fa_known_may_have(const struct fa_daemon *daemon, struct fa_incident_id id)
{
    const struct fa_history *known = &daemon->known;
    unsigned places[BITS];
    if (!known->whole) {
        return true;
    }
    const uint64_t *line = line_of(known->bits, id.id.bytes, places);
    for (size_t i = 0; i < BITS; i++) {
        if ((line[places[i] / 64] >> (places[i] % 64) & 1) == 0) {
            return false;
        }
    }
    return true;
}

static void on_page(void *ctx, const struct fa_store_answer *answer)
{
    struct walk *walk = ctx;
    struct fa_daemon *daemon = walk->daemon;
    bool goes_on =
        answer->code == 0 && answer->damaged == 0 && walk->opening == daemon->known.opening;
    for (size_t i = 0; goes_on && i < answer->row_count; i++) {
        fa_known_add(daemon, answer->rows[i].key);
    }
    if (goes_on && answer->more) {
        fa_store_query(daemon->store, FA_ROW_INCIDENT, answer->next_before, answer->next_key, 0,
                       on_page, walk);
        return;
    }
    daemon->known.whole = daemon->known.whole || goes_on;
    free(walk);
}

void fa_known_open(struct fa_daemon *daemon)
{
    struct fa_store_stats stats;
    fa_known_done(daemon);
    fa_store_stats(daemon->store, &stats);
    daemon->known.opening++;
    if (stats.damaged > 0 || daemon->known.unread) {
        return;
    }
    daemon->known.bits = fa_xcalloc(LINES * LINE_WORDS, sizeof(uint64_t));
    struct walk *walk = fa_xcalloc(1, sizeof *walk);
    *walk = (struct walk){daemon, daemon->known.opening};
    fa_store_query(daemon->store, FA_ROW_INCIDENT, FA_NEVER, (struct fa_str){"", 0}, 0, on_page,
                   walk);
}

void fa_known_done(struct fa_daemon *daemon)
{
    free(daemon->known.bits);
    daemon->known.bits = NULL;
    daemon->known.whole = false;
}

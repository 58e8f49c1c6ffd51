/* SPDX-License-Identifier: MIT */
/* The witness: one line beside the store that says how far the journal had come. An old copy of a
 * store is sound in itself - every row verifies, the chain holds - so only something outside it can
 * tell that it is old.
 *
 * Invariants:
 *  1. It is written after a commit, before that is acknowledged, and never synced: so it is not
 *     ahead of what is durable, and behind what was acknowledged only after a loss of power. A
 *     store that is behind it was put back, or lost what it had promised.
 *  2. A store that was found behind is told of in the first commit of the new run, and the witness
 *     is written after that one: a crash between finding and telling finds it again.
 *
 * It is one record of fixed length, written over in place, so that a full disk does not stop it. It
 * does not guard against somebody who puts the witness back together with the store; receipts do.
 */
#include "store/internal.h"

#include "base/id.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WITNESS_KEY "witness"
#define VALUE_BYTES (8 + FA_STORE_CHAIN_BYTES)
#define HEX_BYTES   (2 * FA_STORE_CHAIN_BYTES)
#define FORMAT      "firealarm journal %020llu %s %s\n"
#define LINE_BYTES  (18 + 20 + 1 + HEX_BYTES + 1 + HEX_BYTES + 1)

/* Its MAC is that of a row of this room's own. */
static void seal(const struct fa_store *store, const struct fa_store_head *head, char hex[])
{
    struct live_set none = {0};
    uint8_t value[HEAD_VALUE_BYTES];
    store_head_encode(head, &none, value);
    struct firealarm_row row = {.kind = OWN_KIND,
                                .key = FIREALARM_TEXT(WITNESS_KEY),
                                .value = {(const char *)value, sizeof value}};
    store_row_mac(&store->keys, &row, row.mac);
    fa_hex(row.mac, sizeof row.mac, hex);
}

void store_witness_write(struct fa_store *store)
{
    char line[LINE_BYTES + 1], chain[HEX_BYTES + 1], mac[HEX_BYTES + 1];
    if (store->witness_fd < 0) {
        return;
    }
    seal(store, &store->head, mac);
    snprintf(line, sizeof line, FORMAT, (unsigned long long)store->head.n,
             fa_hex(store->head.chain, sizeof store->head.chain, chain), mac);
    /* One that cannot be written is behind, which is no lie. */
    (void)!pwrite(store->witness_fd, line, LINE_BYTES, 0);
}

/* False: there is none, or none that we wrote. */
static bool read_witness(const struct fa_store *store, struct fa_store_head *ret)
{
    char line[LINE_BYTES + 1] = "", again[LINE_BYTES + 1], chain[HEX_BYTES + 1], mac[HEX_BYTES + 1];
    struct fa_store_head head = {0};
    if (store->witness_fd < 0 || pread(store->witness_fd, line, LINE_BYTES, 0) != LINE_BYTES ||
        fa_unhex((struct fa_str){line + 39, HEX_BYTES}, head.chain, sizeof head.chain) != 0) {
        return false;
    }
    head.n = strtoull(line + 18, NULL, 10);
    seal(store, &head, mac);
    snprintf(again, sizeof again, FORMAT, (unsigned long long)head.n,
             fa_hex(head.chain, sizeof head.chain, chain), mac);
    *ret = head;
    return memcmp(line, again, LINE_BYTES) == 0;
}

static int32_t is_same(void *ctx, const struct firealarm_entry *entry)
{
    const struct fa_store_head *seen = ctx;
    return entry->n == seen->n && memcmp(entry->chain, seen->chain, sizeof seen->chain) == 0;
}

void store_witness_ask(struct fa_store *store, struct fa_store_head *head)
{
    struct fa_store_head seen;
    struct firealarm_error error;
    if (!read_witness(store, &seen)) {
        head->age = store->witness_wanted && head->n > 0 ? FA_STORE_AGE_UNSEEN : FA_STORE_AGE_FINE;
        return;
    }
    head->reached = seen.n;
    if (head->n < seen.n) {
        head->age = FA_STORE_AGE_OLDER;
    } else if (seen.n > 0 &&
               store->plugin->journal(store->self, seen.n, 1, is_same, &seen, &error) == 0) {
        head->age = FA_STORE_AGE_OTHER; /* one that cannot be read is damage, not another one */
    }
}

void store_witness_open(struct fa_store *store, const char *path)
{
    store->witness_fd =
        path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    store->witness_wanted = path != NULL;
}

void store_witness_close(struct fa_store *store)
{
    if (store->witness_fd >= 0) {
        close(store->witness_fd);
    }
}

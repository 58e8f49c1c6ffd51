/* SPDX-License-Identifier: MIT */
/* A store with all functions, none of which does anything, unless a definition takes one away. */
#include <firealarm/store.h>

#ifndef ABI
#define ABI FIREALARM_STORE_ABI
#endif
#ifndef PUT
#define PUT put
#endif
#ifndef COMMIT
#define COMMIT transact
#endif

static int32_t store_open(const struct firealarm_host *host,
                          const struct firealarm_settings *settings, void **ret_self,
                          struct firealarm_error *error)
{
    return FIREALARM_STORE_FAILED;
}

static void store_close(void *self)
{
}

static int32_t load(void *self, firealarm_row_fn *row, firealarm_entry_fn *head, void *ctx,
                    struct firealarm_error *error)
{
    return 0;
}

static int32_t transact(void *self, struct firealarm_error *error)
{
    return 0;
}

int32_t put(void *self, const struct firealarm_row *row, struct firealarm_error *error);
int32_t put(void *self, const struct firealarm_row *row, struct firealarm_error *error)
{
    return 0;
}

static int32_t erase(void *self, uint32_t kind, struct firealarm_text key,
                     struct firealarm_error *error)
{
    return 0;
}

static int32_t append(void *self, const struct firealarm_entry *entry,
                      struct firealarm_error *error)
{
    return 0;
}

static int32_t get(void *self, uint32_t kind, struct firealarm_text key, firealarm_row_fn *row,
                   void *ctx, struct firealarm_error *error)
{
    return FIREALARM_STORE_NOT_FOUND;
}

static int32_t query(void *self, uint32_t kind, int64_t before, struct firealarm_text before_key,
                     uint32_t limit, firealarm_row_fn *row, void *ctx,
                     struct firealarm_error *error)
{
    return 0;
}

static int32_t journal(void *self, uint64_t from, uint32_t limit, firealarm_entry_fn *entry,
                       void *ctx, struct firealarm_error *error)
{
    return 0;
}

FIREALARM_EXPORT extern const struct firealarm_store firealarm_store;
const struct firealarm_store firealarm_store = {
    .abi = ABI,
    .size = sizeof(struct firealarm_store),
    .name = NAME,
    .open = store_open,
    .close = store_close,
    .load = load,
    .begin = transact,
    .put = PUT,
    .erase = erase,
    .append = append,
    .commit = COMMIT,
    .rollback = store_close,
    .get = get,
    .query = query,
    .journal = journal,
};

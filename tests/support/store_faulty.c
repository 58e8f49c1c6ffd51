/* SPDX-License-Identifier: MIT */
/* Counts the calls of each verb and fails those it is told to; all others go to the inner store. */
#include "store_faulty.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const struct firealarm_option options[] = {
    {.name = "faulty",
     .type = FIREALARM_OPT_INT,
     .flags = FIREALARM_OPT_REQUIRED,
     .help = "address of a struct fa_faulty"},
    {.name = NULL},
};

struct self {
    struct fa_faulty *faulty;
    void *inner;
};

struct firealarm_settings fa_faulty_settings(struct fa_faulty *faulty,
                                             struct firealarm_value *value)
{
    *value = (struct firealarm_value){.number = (int64_t)(intptr_t)faulty};
    return (struct firealarm_settings){"faulty", value, 1};
}

/* The code to fail with, 0: go on. */
static int32_t fault(struct fa_faulty *faulty, enum fa_faulty_verb verb,
                     struct firealarm_error *error)
{
    unsigned call = atomic_fetch_add(&faulty->calls[verb], 1) + 1;
    if (faulty->verb != verb || call < faulty->nth ||
        (faulty->times > 0 && call >= faulty->nth + faulty->times) || faulty->reserve_gone) {
        return 0;
    }
    snprintf(error->text, sizeof error->text, "told to fail at call %u", call);
    return faulty->code;
}

static int32_t store_open(const struct firealarm_host *host,
                          const struct firealarm_settings *settings, void **ret_self,
                          struct firealarm_error *error)
{
    struct fa_faulty *faulty = (struct fa_faulty *)(intptr_t)settings->values[0].number;
    void *inner = NULL;
    int32_t rc = fault(faulty, FA_FAULTY_OPEN, error);
    if (rc == 0) {
        rc = faulty->inner->open(host, faulty->inner_settings, &inner, error);
    }
    if (rc != 0) {
        return rc;
    }
    struct self *self = calloc(1, sizeof *self);
    if (self == NULL) {
        abort();
    }
    *self = (struct self){faulty, inner};
    *ret_self = self;
    return 0;
}

static void store_close(void *ptr)
{
    struct self *self = ptr;
    if (self != NULL) {
        struct fa_faulty *faulty = self->faulty;
        faulty->inner->close(self->inner);
        free(self);
        atomic_store(&faulty->closed, 1);
    }
}

#define FAIL_OR(verb, call)                                                                        \
    struct self *self = ptr;                                                                       \
    int32_t rc = fault(self->faulty, verb, error);                                                 \
    return rc != 0 ? rc : self->faulty->inner->call

static int32_t load(void *ptr, firealarm_row_fn *row, firealarm_entry_fn *head, void *ctx,
                    struct firealarm_error *error)
{
    FAIL_OR(FA_FAULTY_LOAD, load(self->inner, row, head, ctx, error));
}

static int32_t begin(void *ptr, struct firealarm_error *error)
{
    FAIL_OR(FA_FAULTY_BEGIN, begin(self->inner, error));
}

static int32_t put(void *ptr, const struct firealarm_row *row, struct firealarm_error *error)
{
    FAIL_OR(FA_FAULTY_PUT, put(self->inner, row, error));
}

static int32_t erase(void *ptr, uint32_t kind, struct firealarm_text key,
                     struct firealarm_error *error)
{
    FAIL_OR(FA_FAULTY_ERASE, erase(self->inner, kind, key, error));
}

static int32_t append(void *ptr, const struct firealarm_entry *entry, struct firealarm_error *error)
{
    FAIL_OR(FA_FAULTY_APPEND, append(self->inner, entry, error));
}

static void wait_for_permit(struct fa_faulty *faulty)
{
    while (faulty->gated) {
        int permits = atomic_load(&faulty->permits);
        if (permits > 0 &&
            atomic_compare_exchange_strong(&faulty->permits, &permits, permits - 1)) {
            return;
        }
        sched_yield();
    }
}

static int32_t commit(void *ptr, struct firealarm_error *error)
{
    struct self *self = ptr;
    wait_for_permit(self->faulty);
    int32_t rc = fault(self->faulty, FA_FAULTY_COMMIT, error);
    if (rc != 0 && self->faulty->ghost) {
        struct firealarm_error ignored;
        (void)self->faulty->inner->commit(self->inner, &ignored);
    }
    return rc != 0 ? rc : self->faulty->inner->commit(self->inner, error);
}

static void rollback(void *ptr)
{
    struct self *self = ptr;
    atomic_fetch_add(&self->faulty->rollbacks, 1);
    self->faulty->inner->rollback(self->inner);
}

static int32_t get(void *ptr, uint32_t kind, struct firealarm_text key, firealarm_row_fn *row,
                   void *ctx, struct firealarm_error *error)
{
    FAIL_OR(FA_FAULTY_GET, get(self->inner, kind, key, row, ctx, error));
}

static int32_t query(void *ptr, uint32_t kind, int64_t before, struct firealarm_text before_key,
                     uint32_t limit, firealarm_row_fn *row, void *ctx,
                     struct firealarm_error *error)
{
    FAIL_OR(FA_FAULTY_QUERY, query(self->inner, kind, before, before_key, limit, row, ctx, error));
}

static int32_t journal(void *ptr, uint64_t from, uint32_t limit, firealarm_entry_fn *entry,
                       void *ctx, struct firealarm_error *error)
{
    FAIL_OR(FA_FAULTY_JOURNAL, journal(self->inner, from, limit, entry, ctx, error));
}

static int32_t reserve(void *ptr, uint32_t hold, struct firealarm_error *error)
{
    struct self *self = ptr;
    struct fa_faulty *faulty = self->faulty;
    int32_t rc = fault(faulty, FA_FAULTY_RESERVE, error);
    if (rc != 0) {
        return rc;
    }
    if (!faulty->has_reserve) {
        return hold ? 0 : FIREALARM_STORE_NOT_FOUND;
    }
    if (hold) {
        faulty->reserve_gone = 0;
        return 0;
    }
    rc = faulty->reserve_gone ? FIREALARM_STORE_NOT_FOUND : 0;
    faulty->reserve_gone = 1;
    return rc;
}

static int32_t tidy(void *ptr, struct firealarm_error *error)
{
    struct self *self = ptr;
    struct fa_faulty *faulty = self->faulty;
    while (atomic_load(&faulty->tidy_gated)) {
        sched_yield();
    }
    int32_t rc = fault(faulty, FA_FAULTY_TIDY, error);
    return rc != 0 || faulty->inner->tidy == NULL ? rc : faulty->inner->tidy(self->inner, error);
}

const struct firealarm_store fa_store_faulty = {
    .abi = FIREALARM_STORE_ABI,
    .size = sizeof(struct firealarm_store),
    .name = "faulty",
    .version = "1",
    .summary = "fails where it is told to, for tests",
    .options = options,
    .open = store_open,
    .close = store_close,
    .load = load,
    .begin = begin,
    .put = put,
    .erase = erase,
    .append = append,
    .commit = commit,
    .rollback = rollback,
    .get = get,
    .query = query,
    .journal = journal,
    .reserve = reserve,
    .tidy = tidy,
};

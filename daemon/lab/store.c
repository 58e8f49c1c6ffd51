/* SPDX-License-Identifier: MIT */
/* The store of the virtual world: rows in memory, some of them durable.
 *
 * Invariants:
 *  1. Commits become durable whole and in order; one that finds the store full is tried again a
 *     second later, and nothing passes it.
 *  2. Replies and sends leave in the moment their commit is durable, replies first.
 *  3. A start sees durable live rows and nothing else. */
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

#define TRY_AGAIN FA_SECOND

void fa_lab_store_init(struct fa_lab_store *store)
{
    *store = (struct fa_lab_store){.journal_n = 1};
}

static void clear_rows(struct fa_lab_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->list[i].value);
    }
    rows->count = 0;
    if (rows->slots != NULL) {
        memset(rows->slots, 0, rows->slot_count * sizeof rows->slots[0]);
    }
}

void fa_lab_store_done(struct fa_lab_store *store)
{
    clear_rows(&store->durable);
    clear_rows(&store->latest);
    free(store->durable.list);
    free(store->latest.list);
    free(store->durable.slots);
    free(store->latest.slots);
    for (size_t i = 0; i < store->count; i++) {
        fa_actions_done(&store->queue[i].actions);
    }
    free(store->queue);
}

/* Keys are random, or hashes: their first bytes will do. */
static size_t slot_of(const struct fa_lab_rows *rows, uint32_t kind, const void *key,
                      size_t key_len)
{
    uint64_t hash = kind;
    memcpy(&hash, key, key_len < sizeof hash ? key_len : sizeof hash);
    return (size_t)((hash ^ kind) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (rows->slot_count - 1);
}

/* Also one that was erased. */
static struct fa_lab_row *find_place(const struct fa_lab_rows *rows, uint32_t kind, const void *key,
                                     size_t key_len)
{
    if (rows->slot_count == 0) {
        return NULL;
    }
    for (size_t at = slot_of(rows, kind, key, key_len); rows->slots[at] != 0;
         at = (at + 1) & (rows->slot_count - 1)) {
        struct fa_lab_row *row = &rows->list[rows->slots[at] - 1];
        if (row->kind == kind && row->key_len == key_len && memcmp(row->key, key, key_len) == 0) {
            return row;
        }
    }
    return NULL;
}

static struct fa_lab_row *find(const struct fa_lab_rows *rows, uint32_t kind, const void *key,
                               size_t key_len)
{
    struct fa_lab_row *row = find_place(rows, kind, key, key_len);
    return row != NULL && row->value != NULL ? row : NULL;
}

const struct fa_lab_row *fa_lab_find_row(const struct fa_lab_rows *rows, uint32_t kind,
                                         const void *key, size_t key_len)
{
    return find(rows, kind, key, key_len);
}

static char *copy_bytes(const char *bytes, size_t len)
{
    char *copy = fa_xmalloc(len + 1);
    memcpy(copy, bytes, len);
    return copy;
}

static void set_slot(struct fa_lab_rows *rows, size_t i)
{
    const struct fa_lab_row *row = &rows->list[i];
    size_t at = slot_of(rows, row->kind, row->key, row->key_len);
    while (rows->slots[at] != 0) {
        at = (at + 1) & (rows->slot_count - 1);
    }
    rows->slots[at] = (uint32_t)i + 1;
}

static struct fa_lab_row *add(struct fa_lab_rows *rows, const struct fa_lab_row *row)
{
    rows->list = fa_xgrow(rows->list, rows->count, &rows->cap, sizeof *row);
    rows->list[rows->count++] = *row;
    if (rows->count * 2 > rows->slot_count) {
        free(rows->slots);
        rows->slot_count = rows->slot_count > 0 ? rows->slot_count * 2 : 64;
        rows->slots = fa_xcalloc(rows->slot_count, sizeof rows->slots[0]);
        for (size_t i = 0; i < rows->count; i++) {
            set_slot(rows, i);
        }
    } else {
        set_slot(rows, rows->count - 1);
    }
    return &rows->list[rows->count - 1];
}

static void put(struct fa_lab_rows *rows, const struct fa_lab_row *row)
{
    struct fa_lab_row *known = find_place(rows, row->kind, row->key, row->key_len);
    char *value = copy_bytes(row->value, row->len);
    if (known == NULL) {
        known = add(rows, row);
    } else {
        free(known->value);
        *known = *row;
    }
    known->value = value;
}

/* It keeps its place, without a value. */
static void erase(struct fa_lab_rows *rows, const struct fa_lab_row *row)
{
    struct fa_lab_row *known = find(rows, row->kind, row->key, row->key_len);
    if (known != NULL) {
        free(known->value);
        known->value = NULL;
        known->live = false;
    }
}

static void apply(struct fa_lab_rows *rows, const struct fa_actions *actions, size_t from)
{
    for (size_t i = from; i < actions->count; i++) {
        const struct fa_action *action = &actions->list[i];
        if (action->kind != FA_ACT_PUT && action->kind != FA_ACT_ERASE) {
            continue;
        }
        struct fa_lab_row row = {.kind = action->u.row.kind,
                                 .key_len = action->u.row.key_len,
                                 .live = action->u.row.live,
                                 .time = action->u.row.time,
                                 .value = actions->bytes.data + action->u.row.at,
                                 .len = action->u.row.len};
        memcpy(row.key, action->u.row.key, sizeof row.key);
        if (action->kind == FA_ACT_PUT) {
            put(rows, &row);
        } else {
            erase(rows, &row);
        }
    }
}

void fa_lab_note_rows(struct fa_lab *lab, const struct fa_actions *actions, size_t from)
{
    apply(&lab->store.latest, actions, from);
}

/* ---- commits ---- */

static void give_reply(struct fa_lab *lab, const struct fa_action *action)
{
    fa_lab_check_reply(lab, action);
    fa_lab_owed_reply(lab, action);
    fa_lab_recused_reply(lab, action);
    if (action->u.reply.to == lab->asked) {
        lab->reply_state = FA_LAB_REPLY_GIVEN;
        lab->reply_code = action->u.reply.code;
        lab->reply_already = action->u.reply.already;
        lab->reply_incident = action->u.reply.incident;
    }
}

static void release(struct fa_lab *lab, const struct fa_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        if (actions->list[i].kind == FA_ACT_REPLY) {
            give_reply(lab, &actions->list[i]);
        }
    }
    for (size_t i = 0; i < actions->count; i++) {
        if (actions->list[i].kind == FA_ACT_SEND) {
            fa_lab_post_send(lab, actions->list[i].u.send);
        }
    }
}

/* The first in the queue is on the disk; nobody has heard of it yet. */
static struct fa_lab_commit take_first(struct fa_lab *lab)
{
    struct fa_lab_store *store = &lab->store;
    struct fa_lab_commit commit = store->queue[0];
    store->count--;
    memmove(store->queue, store->queue + 1, store->count * sizeof commit);
    apply(&store->durable, &commit.actions, 0);
    for (size_t i = 0; i < commit.actions.count; i++) {
        if (commit.actions.list[i].kind == FA_ACT_JOURNAL) {
            store->last_wall = commit.wall;
        }
    }
    fa_lab_see_durable(lab, &commit.actions);
    return commit;
}

static void durable(struct fa_lab *lab)
{
    struct fa_lab_commit commit = take_first(lab);
    release(lab, &commit.actions);
    fa_actions_done(&commit.actions);
}

void fa_lab_commit_due(struct fa_lab *lab)
{
    struct fa_lab_store *store = &lab->store;
    while (!lab->failed && store->count > 0 && store->queue[0].at <= lab->elapsed) {
        if (store->failing > 0) {
            store->failing--;
            store->full = true;
            store->queue[0].at = lab->elapsed + TRY_AGAIN;
            fa_lab_tell(lab, "the store is full; %zu turns wait", store->count);
        } else {
            store->full = false;
            durable(lab);
        }
    }
}

fa_time fa_lab_commit_next(const struct fa_lab *lab)
{
    return lab->store.count > 0 ? lab->store.queue[0].at : FA_NEVER;
}

void fa_lab_commit_take(struct fa_lab *lab, struct fa_actions *actions)
{
    struct fa_lab_store *store = &lab->store;
    for (size_t i = 0; i < actions->count; i++) {
        store->journal_n += actions->list[i].kind == FA_ACT_JOURNAL;
    }
    if (actions->count == 0) {
        return;
    }
    store->queue = fa_xgrow(store->queue, store->count, &store->cap, sizeof store->queue[0]);
    store->queue[store->count++] = (struct fa_lab_commit){
        .actions = *actions, .at = lab->elapsed + store->takes, .wall = fa_lab_now(lab).wall};
    fa_actions_init(actions);
    fa_lab_commit_due(lab);
}

void fa_lab_commit_all(struct fa_lab *lab)
{
    while (!lab->failed && lab->store.count > 0) {
        durable(lab);
    }
}

void fa_lab_commit_keep(struct fa_lab *lab)
{
    struct fa_lab_store *store = &lab->store;
    if (store->count > 0) {
        struct fa_lab_commit commit = take_first(lab);
        fa_actions_done(&commit.actions);
    }
}

void fa_lab_commit_lose(struct fa_lab *lab)
{
    struct fa_lab_store *store = &lab->store;
    for (size_t i = 0; i < store->count; i++) {
        fa_actions_done(&store->queue[i].actions);
    }
    store->count = 0;
    clear_rows(&store->latest);
    for (size_t i = 0; i < store->durable.count; i++) {
        if (store->durable.list[i].value != NULL) {
            put(&store->latest, &store->durable.list[i]);
        }
    }
}

void fa_lab_load(struct fa_lab *lab)
{
    struct fa_err err;
    for (size_t i = 0; i < lab->store.durable.count; i++) {
        const struct fa_lab_row *row = &lab->store.durable.list[i];
        if (row->live && fa_engine_load_row(lab->engine, (enum fa_row_kind)row->kind,
                                            (struct fa_str){(const char *)row->key, row->key_len},
                                            (struct fa_str){row->value, row->len}, &err) != 0) {
            fa_lab_fail(lab, "invariant 1 (accepted means kept): %s", err.text);
        }
    }
}

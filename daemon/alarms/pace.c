/* SPDX-License-Identifier: MIT */
/* How many messages a person got lately. At most FA_PACE_MESSAGES leave in FA_PACE_SPAN, over all
 * channels that people read; what is beyond is digest.c's.
 *
 * Invariants:
 *  1. A message counts when it leaves for the first time, not when it is tried again, and not any
 *     more once it is known that it arrived nowhere.
 *  2. What was counted is durable with what was sent: a restart gives nobody five more.
 *
 * Channels that programs read have no limit, nor have tests and notices of silences, as somebody
 * just asked for those, nor the weekly digest. */
#include "alarms/internal.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum pace_tag { P_PERSON = 1, P_LEFT, P_BEFORE };

/* The messages that the limit looks at are the last ones. */
#define FIRST (FA_PACE_KEPT - FA_PACE_MESSAGES)

static struct fa_pace *find(const struct fa_engine *engine, const char *person)
{
    struct fa_pace *pace = NULL;
    HASH_FIND_STR(engine->paces, person, pace);
    return pace;
}

static struct fa_pace *take(struct fa_engine *engine, const char *person)
{
    struct fa_pace *pace = find(engine, person);
    if (pace == NULL) {
        pace = fa_xcalloc(1, sizeof *pace);
        pace->person = fa_intern(&engine->texts, person);
        HASH_ADD_KEYPTR(hh, engine->paces, pace->person, strlen(pace->person), pace);
    }
    return pace;
}

struct fa_pace *fa_pace_of(struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_channel_entry *channel =
        fa_directory_channel(engine->setup->people, n->channel);
    bool is_machine = channel != NULL && channel->machine;
    bool is_asked =
        n->kind == FA_NOTE_TEST || n->kind == FA_NOTE_WEEKLY || !fa_id_is_zero(n->silence.id);
    return is_machine || is_asked ? NULL : take(engine, n->person);
}

fa_time fa_pace_full(const struct fa_engine *engine, const struct fa_pace *pace)
{
    fa_time until = pace->left[FIRST] + FA_PACE_SPAN;
    return pace->left[FIRST] != 0 && until > engine->now.wall ? until - engine->now.wall : 0;
}

static void touch(struct fa_engine *engine, struct fa_pace *pace)
{
    if (!pace->dirty) {
        pace->dirty = true;
        pace->next_dirty = engine->dirty_paces;
        engine->dirty_paces = pace;
    }
}

void fa_pace_count(struct fa_engine *engine, struct fa_pace *pace)
{
    memmove(&pace->left[0], &pace->left[1], (FA_PACE_KEPT - 1) * sizeof pace->left[0]);
    pace->left[FA_PACE_KEPT - 1] = engine->now.wall;
    touch(engine, pace);
}

void fa_pace_uncount(struct fa_engine *engine, const struct fa_notification *n)
{
    /* One to a program was never counted, and another may have left at its time. */
    struct fa_pace *pace = fa_pace_of(engine, n);
    size_t at = 0;
    while (pace != NULL && at < FA_PACE_KEPT && pace->left[at] != n->failing) {
        at++;
    }
    if (pace != NULL && at < FA_PACE_KEPT && n->failing != 0) {
        memmove(&pace->left[1], &pace->left[0], at * sizeof pace->left[0]);
        pace->left[0] = 0;
        touch(engine, pace);
    }
}

/* ---- its row ---- */

static void key_of(const struct fa_pace *pace, uint8_t key[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(pace->person, strlen(pace->person)));
    memcpy(key, canonical.digest, 16);
}

void fa_pace_flush(struct fa_engine *engine, struct fa_buf *buf)
{
    uint8_t key[16];
    for (struct fa_pace *pace = engine->dirty_paces; pace != NULL; pace = pace->next_dirty) {
        pace->dirty = false;
        fa_buf_clear(buf);
        fa_rec_put_text(buf, P_PERSON, pace->person);
        for (size_t i = 0; i < FA_PACE_KEPT; i++) {
            if (i >= FIRST || pace->left[i] != 0) {
                fa_rec_put_i64(buf, i >= FIRST ? P_LEFT : P_BEFORE, pace->left[i]);
            }
        }
        key_of(pace, key);
        fa_add_row(engine, FA_ROW_PACE, key, sizeof key, buf);
    }
    engine->dirty_paces = NULL;
}

/* Those before come first, and there are none in rows of old. A clock that was put right by less
 * than a minute leaves them out of order. */
int fa_pace_load(struct fa_engine *engine, struct fa_str value)
{
    struct fa_rec_reader reader = fa_rec_read(value);
    struct fa_rec_field field;
    struct fa_str person = {NULL, 0};
    fa_time left[FA_PACE_KEPT] = {0};
    size_t count = 0, before = 0;
    bool sound = true;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == P_PERSON) {
            person = field.bytes;
        } else if (field.tag == P_BEFORE && count == 0 && before < FIRST) {
            memmove(&left[0], &left[1], (FIRST - 1) * sizeof left[0]);
            left[FIRST - 1] = field.i64;
            before++;
        } else if (field.tag == P_LEFT && count < FA_PACE_MESSAGES) {
            left[FIRST + count++] = field.i64;
        }
    }
    for (size_t i = 0; i < FA_PACE_KEPT; i++) {
        sound = sound && left[i] >= 0 && left[i] <= (fa_time)1 << 52;
    }
    if (reader.bad || person.len == 0 || !sound || count != FA_PACE_MESSAGES) {
        return FA_ECORRUPT;
    }
    memcpy(take(engine, fa_intern_str(&engine->texts, person))->left, left, sizeof left);
    return 0;
}

void fa_pace_start(struct fa_engine *engine)
{
    struct fa_pace *pace, *next;
    engine->dirty_paces =
        NULL; /* the clock may have moved them all: those that go leave the list */
    HASH_ITER(hh, engine->paces, pace, next) {
        if (pace->left[FA_PACE_KEPT - 1] + FA_PACE_SPAN > engine->now.wall ||
            pace->held.count > 0) {
            if (pace->dirty) {
                pace->dirty = false;
                touch(engine, pace);
            }
            continue;
        }
        struct fa_action *erase = fa_add_action(engine->actions, FA_ACT_ERASE);
        erase->u.row.kind = FA_ROW_PACE;
        erase->u.row.time = engine->now.wall;
        erase->u.row.key_len = 16;
        key_of(pace, erase->u.row.key);
        HASH_DELETE(hh, engine->paces, pace);
        free(pace);
    }
}

void fa_pace_shift(struct fa_engine *engine, fa_time shift)
{
    for (struct fa_pace *pace = engine->paces; pace != NULL && shift != 0; pace = pace->hh.next) {
        for (size_t i = 0; i < FA_PACE_KEPT; i++) {
            fa_time left = pace->left[i] + shift; /* after 1970 even where the clock was lost */
            pace->left[i] = pace->left[i] == 0 ? 0 : left > 0 ? left : 1;
        }
        touch(engine, pace);
    }
}

void fa_paces_done(struct fa_engine *engine)
{
    struct fa_pace *pace, *next;
    HASH_ITER(hh, engine->paces, pace, next) {
        HASH_DELETE(hh, engine->paces, pace);
        free(pace);
    }
}

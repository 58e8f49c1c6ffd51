/* SPDX-License-Identifier: MIT */
/* Who stepped out of an alarm, or was named as its subject, outlives it: when it is closed, what
 * kept them out is kept for KEPT_FOR, and the next alarm of the same identity (rule and labels)
 * begins with it. So nobody is let in again by data that clear and come back.
 *
 * Invariants:
 *  1. The next alarm has its circle before it tells anybody.
 *  2. Each closing counts anew; an alarm that is open holds its circle itself, however long.
 *  3. Of more than KEPT_MAX identities those that end first are forgotten, and operators hear of
 * it.
 *
 * Not of alarms that people filed, as a new filing says for itself whom it is about, nor of drills,
 * which are about nobody. */
#include "alarms/internal.h"
#include "base/rec.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_FOR (30 * FA_DAY)
#define KEPT_MAX 10000u

struct fa_kept_out {
    char *identity;
    char **about, **struck;
    size_t about_count, struck_count;
    fa_time until; /* wall */
    UT_hash_handle hh;
};

enum kept_tag { K_IDENTITY = 1, K_ABOUT, K_STRUCK, K_UNTIL };

static struct fa_kept_out *find(const struct fa_engine *engine, const char *identity)
{
    struct fa_kept_out *kept = NULL;
    HASH_FIND_STR(engine->kept_out, identity, kept);
    return kept;
}

static void drop(struct fa_engine *engine, struct fa_kept_out *kept)
{
    HASH_DELETE(hh, engine->kept_out, kept);
    fa_texts_free(kept->about, kept->about_count);
    fa_texts_free(kept->struck, kept->struck_count);
    free(kept->identity);
    free(kept);
}

static void copy(char ***list, size_t *count, char *const *texts, size_t text_count)
{
    for (size_t i = 0; i < text_count; i++) {
        if (!fa_texts_has(*list, *count, texts[i])) {
            fa_texts_add(list, count, fa_str_of(texts[i]));
        }
    }
}

/* ---- rows ---- */

static void put_row(struct fa_engine *engine, const struct fa_kept_out *kept)
{
    struct fa_buf buf;
    fa_buf_init(&buf, FA_ROW_BYTES_MAX);
    fa_rec_put_text(&buf, K_IDENTITY, kept->identity);
    for (size_t i = 0; i < kept->about_count; i++) {
        fa_rec_put_text(&buf, K_ABOUT, kept->about[i]);
    }
    for (size_t i = 0; i < kept->struck_count; i++) {
        fa_rec_put_text(&buf, K_STRUCK, kept->struck[i]);
    }
    fa_rec_put_i64(&buf, K_UNTIL, kept->until);
    fa_put_named_row(engine, FA_ROW_KEPT_OUT, kept->identity, &buf);
    fa_buf_done(&buf);
}

static void erase(struct fa_engine *engine, struct fa_kept_out *kept)
{
    fa_erase_named_row(engine, FA_ROW_KEPT_OUT, kept->identity);
    drop(engine, kept);
}

int fa_kept_out_load(struct fa_engine *engine, struct fa_str value)
{
    struct fa_kept_out *kept = fa_xcalloc(1, sizeof *kept);
    struct fa_rec_reader reader = fa_rec_read(value);
    struct fa_rec_field field;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == K_IDENTITY) {
            free(kept->identity);
            kept->identity = fa_xstrndup(field.bytes.ptr, field.bytes.len);
        } else if (field.tag == K_ABOUT) {
            fa_texts_add(&kept->about, &kept->about_count, field.bytes);
        } else if (field.tag == K_STRUCK) {
            fa_texts_add(&kept->struck, &kept->struck_count, field.bytes);
        } else if (field.tag == K_UNTIL) {
            kept->until = fa_row_time(&field);
        }
    }
    if (reader.bad || kept->identity == NULL || find(engine, kept->identity) != NULL) {
        fa_texts_free(kept->about, kept->about_count);
        fa_texts_free(kept->struck, kept->struck_count);
        free(kept->identity);
        free(kept);
        return FA_ECORRUPT;
    }
    HASH_ADD_KEYPTR(hh, engine->kept_out, kept->identity, strlen(kept->identity), kept);
    return 0;
}

/* ---- keeping ---- */

static void make_room(struct fa_engine *engine)
{
    struct fa_kept_out *first = engine->kept_out;
    if (HASH_COUNT(engine->kept_out) < KEPT_MAX) {
        return;
    }
    for (struct fa_kept_out *kept = first; kept != NULL; kept = kept->hh.next) {
        first = kept->until < first->until ? kept : first;
    }
    bool has_ended = first->until <= engine->now.wall;
    erase(engine, first);
    if (!has_ended) {
        fa_trouble_once(
            engine, "recusals-full",
            "too many closed alarms have people who stepped out: the oldest are "
            "forgotten, and should one of these alarms fire again, they are told of it");
    }
}

void fa_kept_out_note(struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_kept_out *kept = find(engine, alarm->identity);
    if ((alarm->flags & (FA_FLAG_FILED | FA_FLAG_DRILL)) != 0 ||
        alarm->people->about_count + alarm->people->struck_count == 0) {
        return;
    }
    if (kept != NULL) {
        drop(engine, kept); /* the alarm began with all of it */
    } else {
        make_room(engine);
    }
    kept = fa_xcalloc(1, sizeof *kept);
    kept->identity = fa_xstrdup(alarm->identity);
    copy(&kept->about, &kept->about_count, alarm->people->about, alarm->people->about_count);
    copy(&kept->struck, &kept->struck_count, alarm->people->struck, alarm->people->struck_count);
    kept->until = engine->now.wall + KEPT_FOR;
    HASH_ADD_KEYPTR(hh, engine->kept_out, kept->identity, strlen(kept->identity), kept);
    put_row(engine, kept);
}

/* NULL: there is none, or its time is over. */
static const struct fa_kept_out *find_valid(const struct fa_engine *engine, const char *identity)
{
    const struct fa_kept_out *kept = find(engine, identity);
    return kept != NULL && kept->until > engine->now.wall ? kept : NULL;
}

bool fa_kept_out_has(const struct fa_engine *engine, const char *identity)
{
    return find_valid(engine, identity) != NULL;
}

void fa_kept_out_apply(struct fa_engine *engine, struct fa_alarm *alarm, const char *identity)
{
    const struct fa_alarm *open = fa_names_find(&engine->identities, identity);
    const struct fa_kept_out *kept = find_valid(engine, identity);
    if ((alarm->flags & FA_FLAG_FILED) != 0) {
        return;
    }
    if (open != NULL && open != alarm) {
        struct fa_alarm_people *people = fa_alarm_people(alarm);
        copy(&people->about, &people->about_count, open->people->about, open->people->about_count);
        copy(&people->struck, &people->struck_count, open->people->struck,
             open->people->struck_count);
    }
    if (kept != NULL) {
        struct fa_alarm_people *people = fa_alarm_people(alarm);
        copy(&people->about, &people->about_count, kept->about, kept->about_count);
        copy(&people->struck, &people->struck_count, kept->struck, kept->struck_count);
    }
}

bool fa_engine_is_kept_out(const struct fa_engine *engine, fa_person person, const char *identity)
{
    const struct fa_alarm *alarm = fa_engine_alarm_by_identity(engine, identity);
    const struct fa_kept_out *kept = alarm == NULL ? find_valid(engine, identity) : NULL;
    struct fa_alarm_people people = {0};
    struct fa_alarm next = {.people = &people};
    struct fa_circle circle;
    if (kept != NULL) {
        people = (struct fa_alarm_people){.about = kept->about,
                                          .struck = kept->struck,
                                          .about_count = kept->about_count,
                                          .struck_count = kept->struck_count};
    }
    fa_circle_of(&circle, engine, alarm != NULL ? alarm : &next);
    bool is_out = fa_pset_has(&circle.conflicted, person) || fa_pset_has(&circle.struck, person);
    fa_circle_done(&circle);
    return is_out;
}

bool fa_kept_out_of_rule(const struct fa_engine *engine, const char *rule)
{
    size_t len = strlen(rule);
    const struct fa_kept_out *kept = engine->kept_out;
    while (kept != NULL &&
           !(kept->until > engine->now.wall && strncmp(kept->identity, rule, len) == 0 &&
             (kept->identity[len] == '{' || kept->identity[len] == '/'))) { /* or RULE/further */
        kept = kept->hh.next;
    }
    return kept != NULL;
}

void fa_kept_out_forget(struct fa_engine *engine)
{
    struct fa_kept_out *kept, *next;
    HASH_ITER(hh, engine->kept_out, kept, next) {
        if (kept->until <= engine->now.wall) {
            erase(engine, kept);
        }
    }
}

void fa_kept_out_shift(struct fa_engine *engine, fa_time shift)
{
    for (struct fa_kept_out *kept = engine->kept_out; kept != NULL && shift != 0;
         kept = kept->hh.next) {
        kept->until += shift;
        put_row(engine, kept);
    }
}

void fa_kept_out_done(struct fa_engine *engine)
{
    struct fa_kept_out *kept, *next;
    HASH_ITER(hh, engine->kept_out, kept, next) {
        drop(engine, kept);
    }
}

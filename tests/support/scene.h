/* SPDX-License-Identifier: MIT */
/* What a random company got to see, while it files, owns and steps out: asking as each of its
 * people, and searching everything that came out for what must not be there. */
#ifndef FA_TEST_SCENE_H
#define FA_TEST_SCENE_H

#include "firm.h"

#include <stdio.h>

#define SCENE_FILINGS  10
#define SCENE_IDS      8
#define SCENE_TIMES    4
#define SCENE_NO_ALARM "7K2Q-M9XA-3DTR-WZ5E"

/* Kept out of a filing while the messages came that have these numbers. */
struct barred {
    uint32_t who;
    size_t since, until;
};

/* What was filed; or an alarm of numbers, which somebody steps out of. */
struct filing {
    char word[16], receipt[64], about[20];
    uint32_t
        meant; /* by what it is about, on the day of the filing, and whom who knew of it named */
    uint32_t struck; /* by the reporter, or of themselves */
    uint32_t owners; /* who owned it knows of it */
    struct barred barred[SCENE_TIMES];
    size_t barred_count; /* the last is of now */
    char ids[SCENE_IDS][24];
    size_t id_count;
    bool is_raised;
};

struct scene {
    struct rig *rig;
    struct firm firm;
    struct filing filings[SCENE_FILINGS];
    size_t filing_count;
    uint64_t seed;
};

/* A text that grows. */
struct words {
    char *text;
    size_t size;
    FILE *file;
};

void words_open(struct words *words);
const char *words_of(struct words *words);
void words_close(struct words *words);

/* As that person, by their token; static memory, until the next call. */
const struct rig_reply *scene_ask(const struct scene *scene, int person, const char *method,
                                  const char *path, const char *body);
/* Nothing of this alarm (NULL: of any) waits to leave or for an answer. */
bool scene_is_quiet(const struct scene *scene, const char *alarm);
/* Gives what leaves at once a moment to do so; true when nothing waits any more. */
bool scene_gets_quiet(const struct scene *scene);
/* Lets time pass, by half minutes, until this alarm is quiet. */
void scene_settle(const struct scene *scene, const char *alarm);

/* From now on it is judged by the lists as they are: after a filing, a word, a reload. */
void scene_bar(const struct scene *scene, struct filing *filing);
/* Everybody whom this filing keeps out by now. */
uint32_t scene_kept_out(const struct filing *filing);
/* One of them who can ask: who left the company is a stranger. */
bool scene_is_refused(const struct scene *scene, const struct filing *filing, int person);
/* Fails when the text holds a word, an id or the receipt of the filing; the second for all filings
 * that this person is kept out of; the third for all messages so far, by their readers. */
void scene_assert_nothing(const struct scene *scene, const struct filing *filing, const char *where,
                          const char *text);
void scene_assert_may_see(const struct scene *scene, int person, const char *what,
                          const char *text);
void scene_assert_messages(const struct scene *scene, size_t *ret_digests, size_t *ret_weeklies);
bool scene_was_told(const struct scene *scene, const struct filing *filing);
int scene_reader_of(const struct received *item);

/* Everything that this person may ask without knowing anything, without the time of asking. */
void scene_put_view(const struct scene *scene, int person, FILE *out);
/* What /metrics counts of alarms, filings and messages. */
void scene_put_counts(const struct scene *scene, FILE *out);

#endif

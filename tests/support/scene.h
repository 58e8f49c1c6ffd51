/* SPDX-License-Identifier: MIT */
/* What a random company got to see, while it files, owns and steps out: asking as each of its
 * people, and searching everything that came out for what must not be there. */
#ifndef FA_TEST_SCENE_H
#define FA_TEST_SCENE_H

#include "firm.h"

#include <stdio.h>

#define SCENE_FILINGS  8
#define SCENE_IDS      8
#define SCENE_NO_ALARM "7K2Q-M9XA-3DTR-WZ5E"

/* Kept out of a filing since so many messages had come. */
struct barred {
    uint32_t who;
    size_t since;
};

struct filing {
    char word[16], receipt[64];
    struct barred barred[2];
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
/* Gives what leaves at once a moment to do so; true when nothing waits any more. */
bool scene_gets_quiet(const struct scene *scene);
/* Lets time pass, by half minutes, until nothing of this alarm (NULL: of any) waits to leave. */
void scene_settle(const struct scene *scene, const char *alarm);

/* Everybody whom this filing keeps out by now. */
uint32_t scene_kept_out(const struct filing *filing);
/* Fails when the text holds a word, an id or the receipt of the filing; the second for all filings
 * that this person is kept out of; the third for all messages so far, by their readers. */
void scene_assert_nothing(const struct scene *scene, const struct filing *filing, const char *where,
                          const char *text);
void scene_assert_may_see(const struct scene *scene, int person, const char *what,
                          const char *text);
void scene_assert_messages(const struct scene *scene, size_t *ret_digests);
bool scene_was_told(const struct scene *scene, const struct filing *filing);
int scene_reader_of(const struct received *item);

/* Everything that this person may ask without knowing anything, without the time of asking. */
void scene_put_view(const struct scene *scene, int person, FILE *out);
/* What /metrics counts of alarms, filings and messages. */
void scene_put_counts(const struct scene *scene, FILE *out);

#endif

/* SPDX-License-Identifier: MIT */
/* Finds what to ask. The kept copy lies in the cache directory, readable by its owner only: it
 * holds the names of colleagues. It is used only while the daemon cannot be asked, and the person
 * is told so. The built-in guide has no categories: a filing made with it says `null`, which the
 * daemon takes for the most serious one. */
#include "client/guide.h"

#include "client/api.h"
#include "client/file.h"
#include "base/panic.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define GUIDE_MAX   (1u << 20)
#define LISTS       2
#define SUGGEST_MAX 512

static const char *const lists[LISTS] = {"people", "groups"};

static const char built_in_notice[] =
    "Whoever administers this machine can read along. What only one person could know points at "
    "that person.";

void fa_guide_from(json_t *json, enum fa_guide_source source, struct fa_guide *ret_guide)
{
    if (json_is_object(json)) {
        *ret_guide = (struct fa_guide){.json = json_incref(json), .source = source};
    } else {
        *ret_guide = (struct fa_guide){.source = FA_GUIDE_BUILT_IN};
        ret_guide->json = json_pack("{s:s}", "notice", built_in_notice);
        fa_assert(ret_guide->json != NULL);
    }
}

void fa_guide_done(struct fa_guide *guide)
{
    json_decref(guide->json);
    guide->json = NULL;
}

void fa_guide_keep(const struct fa_world *world, const struct fa_guide *guide)
{
    struct fa_buf dir, path, fresh;
    struct fa_err err;
    int fd = -1;
    char *text = json_dumps(guide->json, JSON_COMPACT);
    fa_buf_init(&dir, 4096);
    fa_buf_init(&path, 4096);
    fa_buf_init(&fresh, 4096);
    fa_buf_printf(&dir, "%s/firealarm", world->cache_home);
    fa_buf_printf(&path, "%s/guide.json", fa_buf_text(&dir));
    fa_buf_printf(&fresh, "%s.%ld", fa_buf_text(&path), (long)getpid());
    if (text != NULL && fa_dir_make(fa_buf_text(&dir), &err) == 0 &&
        fa_file_create(fa_buf_text(&fresh), text, &fd, &err) == 0) {
        if (rename(fa_buf_text(&fresh), fa_buf_text(&path)) != 0) {
            unlink(fa_buf_text(&fresh));
        }
        close(fd);
    }
    free(text);
    fa_buf_done(&dir);
    fa_buf_done(&path);
    fa_buf_done(&fresh);
}

static void load_kept(const struct fa_world *world, struct fa_guide *ret_guide)
{
    struct fa_buf path, text;
    struct fa_err err;
    json_t *json = NULL;
    fa_buf_init(&path, 4096);
    fa_buf_init(&text, GUIDE_MAX);
    fa_buf_printf(&path, "%s/firealarm/guide.json", world->cache_home);
    int fd = open(fa_buf_text(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) {
        if (fa_file_read(fd, "guide.json", &text, &err) == 0) {
            json = json_loadb(fa_buf_text(&text), text.len, 0, NULL);
        }
        close(fd);
    }
    fa_guide_from(json, FA_GUIDE_KEPT, ret_guide);
    json_decref(json);
    fa_buf_done(&path);
    fa_buf_done(&text);
}

int fa_guide_load(struct fa_client *client, struct fa_guide *ret_guide)
{
    struct fa_answer answer;
    fa_api_call(&client->settings, "/v1/guide", NULL, &answer);
    int rc = answer.kind == FA_ANSWER_STOPPED ? FA_ECLOSED : 0;
    if (answer.kind == FA_ANSWER_OK) {
        fa_guide_from(answer.json, FA_GUIDE_LIVE, ret_guide);
        fa_guide_keep(client->world, ret_guide);
    } else if (rc == 0) {
        load_kept(client->world, ret_guide);
    }
    fa_answer_done(&answer);
    return rc;
}

/* How well an entry fits a word: 3 exactly, 2 its beginning, 1 somewhere in it, 0 not. */
static int fit(const char *text, const char *word)
{
    if (text == NULL) {
        return 0;
    }
    if (strcasecmp(text, word) == 0) {
        return 3;
    }
    if (strncasecmp(text, word, strlen(word)) == 0) {
        return 2;
    }
    return strcasestr(text, word) != NULL;
}

/* "n" and "no" are an answer, not the beginning of Noah. */
static bool is_part(const char *word)
{
    return strlen(word) >= 3 && strcasecmp(word, "yes") != 0;
}

struct search {
    const char *word;
    const char *best;
    int best_fit;
    size_t count; /* as good as the best */
    const char *words[SUGGEST_MAX];
    size_t word_count;
};

static void consider(struct search *search, const json_t *entry)
{
    const char *name = fa_member_text(entry, "name"), *display = fa_member_text(entry, "display");
    int by_name = fit(name, search->word), by_display = fit(display, search->word);
    int best = by_name > by_display ? by_name : by_display;
    const json_t *alias;
    size_t a;
    if (name == NULL) {
        return;
    }
    json_array_foreach(json_object_get(entry, "aliases"), a, alias)
    {
        int by_alias = json_is_string(alias) ? fit(json_string_value(alias), search->word) : 0;
        best = by_alias > best ? by_alias : best;
    }
    best = best == 3 || is_part(search->word) ? best : 0;
    if (best > search->best_fit) {
        search->best_fit = best;
        search->best = name;
        search->count = 1;
    } else if (best > 0 && best == search->best_fit) {
        search->count++;
    }
    const char *both[] = {name, display};
    for (size_t i = 0; i < 2; i++) {
        if (both[i] != NULL && search->word_count < SUGGEST_MAX) {
            search->words[search->word_count++] = both[i];
        }
    }
}

const char *fa_guide_find(const struct fa_guide *guide, struct fa_str word, struct fa_err *err)
{
    char text[128];
    struct search search = {.word = text};
    const json_t *entry;
    size_t i;
    word = fa_str_trim(word);
    snprintf(text, sizeof text, "%.*s", FA_STR_ARG(word));
    for (size_t l = 0; l < LISTS && text[0] != '\0'; l++) {
        json_array_foreach(json_object_get(guide->json, lists[l]), i, entry)
        {
            consider(&search, entry);
        }
    }
    if (search.count == 1) {
        return search.best;
    }
    if (search.count > 1) {
        fa_err_set(err, FA_EEXISTS, "'%s' may be any of %zu names; write more of it", text,
                   search.count);
        return NULL;
    }
    const char *near = fa_suggest(text, search.words, search.word_count);
    fa_err_set(err, FA_ENOTFOUND, "nobody here is called '%s'%s%s%s", text,
               near != NULL ? "; do you mean " : "", near != NULL ? near : "",
               near != NULL ? "?" : "");
    return NULL;
}

const char *fa_guide_display(const struct fa_guide *guide, const char *name)
{
    const json_t *entry;
    size_t i;
    for (size_t l = 0; l < LISTS; l++) {
        json_array_foreach(json_object_get(guide->json, lists[l]), i, entry)
        {
            const char *other = fa_member_text(entry, "name");
            const char *display = fa_member_text(entry, "display");
            if (other != NULL && display != NULL && strcmp(other, name) == 0) {
                return display;
            }
        }
    }
    return name;
}

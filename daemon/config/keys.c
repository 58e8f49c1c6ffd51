/* SPDX-License-Identifier: MIT */
/* Reads groups by their tables. Every value is checked for type and range where it is read, every
 * error is reported and reading goes on, so that one run shows them all. A value that was refused
 * counts as given: its absence is not reported on top.
 *
 * It knows nothing of what keys mean to each other: that is proof.c. */
#include "config/set.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

static void add_given(struct fa_faults *faults, const struct fa_section *section,
                      const config_setting_t *at, void *item)
{
    struct fa_given_list *list = (void *)((char *)item + section->given_offset);
    struct fa_option_given given = {.name = fa_xstrdup(at->name),
                                    .kind = FA_GIVEN_OTHER,
                                    .file = fa_file_of(faults, at),
                                    .line = fa_line_of(at)};
    switch (config_setting_type(at)) {
    case CONFIG_TYPE_STRING: {
        char *text = fa_files_resolve(faults->files, config_setting_get_string(at));
        given.kind = FA_GIVEN_TEXT;
        given.text = fa_str_of(text);
        break;
    }
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        given.kind = FA_GIVEN_INT;
        given.number = config_setting_get_int64(at);
        break;
    case CONFIG_TYPE_BOOL:
        given.kind = FA_GIVEN_BOOL;
        given.number = config_setting_get_bool(at) != 0;
        break;
    case CONFIG_TYPE_FLOAT:
        given.kind = FA_GIVEN_FLOAT;
        given.real = config_setting_get_float(at);
        break;
    default:
        break;
    }
    given.file = given.file != NULL ? fa_xstrdup(given.file) : NULL;
    list->items = fa_keys_grow(list->items, list->count, sizeof *list->items);
    list->items[list->count++] = given;
}

static void unknown_key(struct fa_faults *faults, const struct fa_section *section,
                        const config_setting_t *at, struct fa_seen *seen)
{
    const char *names[FA_KEYS_MAX];
    char hint[96];
    for (size_t i = 0; i < section->key_count; i++) {
        names[i] = section->keys[i].type == FA_KEY_REFUSED ? NULL : section->keys[i].name;
    }
    fa_fault(faults, at, FA_ENOTFOUND, "unknown key '%.60s' in %s%s", at->name, section->what,
             fa_did_you_mean(at->name, names, section->key_count, hint));
    const char *meant = fa_suggest(at->name, names, section->key_count);
    for (size_t i = 0; meant != NULL && i < section->key_count; i++) {
        seen->meant[i] = seen->meant[i] || names[i] == meant;
    }
}

static void read_member(struct fa_faults *faults, const struct fa_section *section,
                        const config_setting_t *at, void *item, struct fa_seen *seen)
{
    for (size_t i = 0; i < section->key_count; i++) {
        const struct fa_key *key = &section->keys[i];
        if (strcmp(key->name, at->name) != 0) {
            continue;
        }
        char place[200];
        if (seen->at[i] != NULL && key->type != FA_KEY_GROUPS) {
            fa_fault(faults, at, FA_EEXISTS, "%s was given already at %s", key->name,
                     fa_place_of(faults, seen->at[i], place));
            return;
        }
        seen->at[i] = at;
        fa_key_set(&(struct fa_slot){faults, key, at, item});
        return;
    }
    if (section->is_open) {
        add_given(faults, section, at, item);
    } else {
        unknown_key(faults, section, at, seen);
    }
}

void fa_keys_members(struct fa_faults *faults, const struct fa_section *section,
                     const config_setting_t *at, void *item, struct fa_seen *seen)
{
    fa_assert(section->key_count <= FA_KEYS_MAX);
    for (int i = 0; i < config_setting_length(at); i++) {
        read_member(faults, section, config_setting_get_elem(at, (unsigned)i), item, seen);
    }
}

/* What a group that was left out holds: its defaults. Nothing is required of it. */
static void set_defaults(const struct fa_section *section, void *item)
{
    for (size_t i = 0; i < section->key_count; i++) {
        if (section->keys[i].def != NULL) {
            fa_key_set_default(&section->keys[i], item);
        }
    }
}

void fa_keys_finish(struct fa_faults *faults, const struct fa_section *section,
                    const config_setting_t *at, void *item, const struct fa_seen *seen)
{
    for (size_t i = 0; i < section->key_count; i++) {
        const struct fa_key *key = &section->keys[i];
        if (seen->at[i] != NULL) {
            continue;
        }
        if ((key->flags & FA_KEY_REQUIRED) != 0 && !seen->meant[i]) {
            fa_fault(faults, at, FA_EINVAL, "%s lacks %s: %s", section->what, key->name, key->help);
        } else if (key->def != NULL) {
            fa_key_set_default(key, item);
        } else if (key->type == FA_KEY_GROUP) {
            set_defaults(key->section, (char *)item + key->offset);
        }
    }
}

void fa_keys_read(struct fa_faults *faults, const struct fa_section *section,
                  const config_setting_t *at, void *item)
{
    struct fa_seen seen = {0};
    *(const config_setting_t **)item = at;
    fa_keys_members(faults, section, at, item, &seen);
    fa_keys_finish(faults, section, at, item, &seen);
}

void fa_given_free(struct fa_given_list *given)
{
    for (size_t i = 0; i < given->count; i++) {
        free((char *)(uintptr_t)given->items[i].name);
        free((char *)(uintptr_t)given->items[i].file);
        if (given->items[i].kind == FA_GIVEN_TEXT) {
            free((char *)(uintptr_t)given->items[i].text.ptr);
        }
    }
    free(given->items);
    *given = (struct fa_given_list){0};
}

static void free_pairs(struct fa_rule_match *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].name);
        free(pairs[i].value);
    }
    free(pairs);
}

static void free_key(const struct fa_key *key, void *item)
{
    void *place = (char *)item + key->offset;
    size_t *count = (void *)((char *)item + key->offset2);
    switch (key->type) {
    case FA_KEY_TEXT:
    case FA_KEY_NAME:
    case FA_KEY_PATH:
    case FA_KEY_U32S:
        free(*(void **)place);
        break;
    case FA_KEY_TEXTS:
        fa_texts_free(*(char ***)place, *count);
        break;
    case FA_KEY_PAIRS:
    case FA_KEY_CHOSEN:
        free_pairs(*(struct fa_rule_match **)place, *count);
        break;
    case FA_KEY_GROUP:
        fa_keys_free(key->section, place);
        break;
    case FA_KEY_GROUPS:
        for (size_t i = 0; i < *count; i++) {
            fa_keys_free(key->section, *(char **)place + i * key->section->size);
        }
        free(*(void **)place);
        break;
    case FA_KEY_DURATION:
    case FA_KEY_MEASURED:
    case FA_KEY_U32:
    case FA_KEY_REAL:
    case FA_KEY_BOOL:
    case FA_KEY_CHOICE:
    case FA_KEY_MODE:
    case FA_KEY_REFUSED:
        break;
    }
}

void fa_keys_free(const struct fa_section *section, void *item)
{
    for (size_t i = 0; i < section->key_count; i++) {
        free_key(&section->keys[i], item);
    }
    if (section->is_open) {
        fa_given_free((void *)((char *)item + section->given_offset));
    }
}

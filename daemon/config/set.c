/* SPDX-License-Identifier: MIT */
/* The setters, one for each type of key. A value is checked for type and range here and nowhere
 * else; a number that the scanner found wrapped is not judged a second time. */
#include "config/set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS_MAX 64 /* of one list */

static void *member(const struct fa_slot *slot)
{
    return (char *)slot->item + slot->key->offset;
}

static void *member2(const struct fa_slot *slot)
{
    return (char *)slot->item + slot->key->offset2;
}

void *fa_keys_grow(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) == 0) {
        array = fa_xrealloc(array, (count == 0 ? 1 : count * 2) * size);
    }
    memset((char *)array + count * size, 0, size);
    return array;
}

static const char *type_words(const config_setting_t *at)
{
    switch (config_setting_type(at)) {
    case CONFIG_TYPE_GROUP:
        return "a group { }";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a whole number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a point";
    case CONFIG_TYPE_STRING:
        return "a text";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_ARRAY:
        return "an array [ ]";
    default:
        return "a list ( )";
    }
}

static void wrong_type(const struct fa_slot *slot, const char *wanted)
{
    fa_fault(slot->faults, slot->at, FA_EINVAL, "%s must be %s, not %s", slot->key->name, wanted,
             type_words(slot->at));
}

/* A text without control characters; NULL after a fault. */
static const char *get_text(const struct fa_slot *slot, const config_setting_t *at)
{
    const char *text = config_setting_get_string(at);
    if (text == NULL) {
        fa_fault(slot->faults, at, FA_EINVAL, "%s must be a text in quotes, not %s",
                 slot->key->name, type_words(at));
        return NULL;
    }
    for (const char *p = text; *p != '\0'; p++) {
        bool is_line = *p == '\n' && (slot->key->flags & FA_KEY_LINES) != 0;
        if (((unsigned char)*p < 0x20 || *p == 0x7f) && !is_line) {
            fa_fault(slot->faults, at, FA_EINVAL, "%s holds %s", slot->key->name,
                     *p == '\n' ? "a line break: write it on one line" : "a control character");
            return NULL;
        }
    }
    if (!fa_utf8_valid(fa_str_of(text))) {
        fa_fault(slot->faults, at, FA_EINVAL, "%s is not UTF-8", slot->key->name);
        return NULL;
    }
    return text;
}

static void set_text(const struct fa_slot *slot)
{
    const char *text = get_text(slot, slot->at);
    if (text == NULL) {
        return;
    }
    size_t len = strlen(text);
    size_t max = slot->key->max > 0 ? (size_t)slot->key->max : 4096;
    if (len == 0) {
        fa_fault(slot->faults, slot->at, FA_EINVAL, "%s is empty: leave the key out instead",
                 slot->key->name);
    } else if (len > max) {
        fa_fault(slot->faults, slot->at, FA_ETOOBIG, "%s is longer than %zu bytes", slot->key->name,
                 max);
    } else {
        *(char **)member(slot) = fa_xstrdup(text);
    }
}

/* Names appear in targets ("team:x"), labels, file names and messages. */
static bool is_name(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        bool is_alnum = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9');
        if (!is_alnum && (i == 0 || strchr("-_.", text[i]) == NULL)) {
            return false;
        }
    }
    return len > 0 && len <= 64;
}

static void set_name(const struct fa_slot *slot)
{
    const char *text = get_text(slot, slot->at);
    if (text == NULL) {
        return;
    }
    if (!is_name(text)) {
        fa_fault(slot->faults, slot->at, FA_EINVAL,
                 "'%.80s' is no name: 1 to 64 of a-z 0-9 - _ . and first a letter or digit", text);
        return;
    }
    *(char **)member(slot) = fa_xstrdup(text);
}

static void set_path(const struct fa_slot *slot)
{
    const char *text = get_text(slot, slot->at);
    if (text == NULL) {
        return;
    }
    char *path = fa_files_resolve(slot->faults->files, text);
    bool may_be_plain =
        (slot->key->flags & FA_KEY_CREDENTIAL) != 0 && text[0] != '\0' && strchr(text, '/') == NULL;
    if (path[0] != '/' && !may_be_plain) {
        fa_fault(slot->faults, slot->at, FA_EINVAL,
                 "%s: '%.200s' is no path: write \"/...\", or \"./...\" from the directory of this "
                 "configuration%s",
                 slot->key->name, text,
                 (slot->key->flags & FA_KEY_CREDENTIAL) != 0 ? ", or a credential's plain name"
                                                             : "");
        free(path);
        return;
    }
    *(char **)member(slot) = path;
}

static const char *limit_text(const struct fa_key *key, int64_t value, char buf[40])
{
    if (key->type == FA_KEY_DURATION || key->type == FA_KEY_MEASURED) {
        return fa_format_duration(value, buf);
    }
    snprintf(buf, 40, "%lld", (long long)value);
    return buf;
}

static bool in_range(const struct fa_slot *slot, int64_t value)
{
    const struct fa_key *key = slot->key;
    char low[40], high[40];
    if ((key->min == 0 && key->max == 0) || (value >= key->min && value <= key->max)) {
        return true;
    }
    fa_fault(slot->faults, slot->at, FA_ERANGE, "%s must be from %s to %s", key->name,
             limit_text(key, key->min, low), limit_text(key, key->max, high));
    return false;
}

static void set_duration(const struct fa_slot *slot)
{
    fa_time value = 0;
    if (config_setting_type(slot->at) != CONFIG_TYPE_STRING) {
        wrong_type(slot, "a duration in quotes such as \"15m\" or \"1h30m\"");
        return;
    }
    const char *text = config_setting_get_string(slot->at);
    int rc = fa_parse_duration(fa_str_of(text), &value);
    enum fa_measure measure;
    fa_time other;
    if (fa_parse_measured(fa_str_of(text), &other, &measure) == 0 && measure != FA_MEASURE_CLOCK) {
        fa_fault(
            slot->faults, slot->at, FA_EUNSUPPORTED,
            "%s: '%.60s': business time is for \"for\" of a rule, \"wait\" of a step and \"due\" of a "
            "category",
            slot->key->name, text);
    } else if (rc != 0) {
        fa_fault(slot->faults, slot->at, rc,
                 "%s: '%.60s' is %s: write for instance 30s, 15m, 1h30m, 2d or 1w", slot->key->name,
                 text, rc == FA_ERANGE ? "too long" : "no duration");
    } else if (in_range(slot, value)) {
        *(fa_time *)member(slot) = value;
    }
}

static void set_measured(const struct fa_slot *slot)
{
    fa_time value = 0;
    enum fa_measure measure;
    const char *text = config_setting_get_string(slot->at);
    if (text == NULL) {
        wrong_type(slot, "a duration in quotes such as \"15m\" or \"2 business days\"");
        return;
    }
    int rc = fa_parse_measured(fa_str_of(text), &value, &measure);
    if (rc != 0) {
        fa_fault(slot->faults, slot->at, rc,
                 "%s: '%.60s' is %s: write for instance 30s, 15m, 1h30m, 2d, 4 business hours or 2 "
                 "business days",
                 slot->key->name, text, rc == FA_ERANGE ? "too long" : "no duration");
    } else if (in_range(slot, value)) {
        *(fa_time *)member(slot) = value;
        *(enum fa_measure *)member2(slot) = measure;
    }
}

static bool is_wrapped(const struct fa_slot *slot, const config_setting_t *at)
{
    for (size_t i = 0; i < slot->faults->files->count; i++) {
        const struct fa_file *file = &slot->faults->files->files[i];
        if (at->config == &file->tree) {
            return fa_scan_is_wrapped(&file->scan, at->line);
        }
    }
    return false;
}

static bool is_whole(const config_setting_t *at)
{
    int type = config_setting_type(at);
    return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

/* False after a fault, or when the scanner has reported the number. */
static bool get_whole(const struct fa_slot *slot, const config_setting_t *at, int64_t *ret_value)
{
    if (!is_whole(at)) {
        fa_fault(slot->faults, at, FA_EINVAL, "%s must be a whole number, not %s", slot->key->name,
                 type_words(at));
        return false;
    }
    *ret_value = config_setting_get_int64(at);
    return !is_wrapped(slot, at);
}

static void set_u32(const struct fa_slot *slot)
{
    int64_t value = 0;
    if (get_whole(slot, slot->at, &value) && in_range(slot, value)) {
        *(uint32_t *)member(slot) = (uint32_t)value;
    }
}

static void set_real(const struct fa_slot *slot)
{
    double value = 0;
    if (is_whole(slot->at)) {
        value = (double)config_setting_get_int64(slot->at);
        if (is_wrapped(slot, slot->at)) {
            return;
        }
    } else if (config_setting_type(slot->at) == CONFIG_TYPE_FLOAT) {
        value = config_setting_get_float(slot->at);
    } else {
        wrong_type(slot, "a number");
        return;
    }
    if (!isfinite(value)) {
        fa_fault(slot->faults, slot->at, FA_ERANGE, "%s is too large a number", slot->key->name);
        return;
    }
    *(double *)member(slot) = value;
    *(bool *)member2(slot) = true;
}

static void set_bool(const struct fa_slot *slot)
{
    if (config_setting_type(slot->at) != CONFIG_TYPE_BOOL) {
        wrong_type(slot, "true or false");
        return;
    }
    *(bool *)member(slot) = config_setting_get_bool(slot->at) != 0;
    if (slot->key->offset2 != 0) {
        *(bool *)member2(slot) = true;
    }
}

/* The words of a choices list; returns how many. */
static size_t split_choices(const char *choices, char *copy, size_t size, const char **words)
{
    size_t count = 0;
    snprintf(copy, size, "%s", choices);
    for (char *save = NULL, *word = strtok_r(copy, " ", &save); word != NULL && count < FA_KEYS_MAX;
         word = strtok_r(NULL, " ", &save)) {
        words[count++] = word;
    }
    return count;
}

static void set_choice(const struct fa_slot *slot)
{
    const char *text = get_text(slot, slot->at);
    char copy[256], hint[96];
    const char *words[FA_KEYS_MAX];
    size_t count = split_choices(slot->key->choices, copy, sizeof copy, words);
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            *(uint32_t *)member(slot) = (uint32_t)i;
            return;
        }
    }
    if (text != NULL) {
        fa_fault(slot->faults, slot->at, FA_EINVAL, "%s: '%.60s' is none of: %s%s", slot->key->name,
                 text, slot->key->choices, fa_did_you_mean(text, words, count, hint));
    }
}

static void set_mode(const struct fa_slot *slot)
{
    const char *text = config_setting_get_string(slot->at);
    uint32_t mode = 0;
    bool good = text != NULL && text[0] == '0' && strlen(text) == 4;
    for (size_t i = 0; good && i < 4; i++) {
        good = text[i] >= '0' && text[i] <= '7';
        mode = mode * 8 + (uint32_t)(text[i] - '0');
    }
    if (!good) {
        fa_fault(slot->faults, slot->at, FA_EINVAL,
                 "%s must be four octal digits in quotes, for instance \"0660\"", slot->key->name);
        return;
    }
    *(uint32_t *)member(slot) = mode;
}

static bool is_sequence(const config_setting_t *at)
{
    int type = config_setting_type(at);
    return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
}

static void add_text(const struct fa_slot *slot, const config_setting_t *at)
{
    char ***texts = member(slot);
    size_t *count = member2(slot);
    const char *text = get_text(slot, at);
    if (text != NULL && (text[0] == '\0' || strlen(text) > 1000)) {
        fa_fault(slot->faults, at, FA_EINVAL, "%s holds %s text", slot->key->name,
                 text[0] == '\0' ? "an empty" : "too long a");
        text = NULL;
    }
    for (size_t i = 0; text != NULL && i < *count; i++) {
        if (strcmp((*texts)[i], text) == 0) {
            fa_fault(slot->faults, at, FA_EEXISTS, "%s holds '%.80s' twice", slot->key->name, text);
            text = NULL;
        }
    }
    if (text != NULL) {
        *texts = fa_keys_grow(*texts, *count, sizeof **texts);
        (*texts)[(*count)++] = fa_xstrdup(text);
    }
}

static void set_texts(const struct fa_slot *slot)
{
    if (!is_sequence(slot->at)) {
        add_text(slot, slot->at);
        return;
    }
    int length = config_setting_length(slot->at);
    int64_t max = slot->key->max > 0 ? slot->key->max : 1000;
    if (length > max || length < slot->key->min) {
        fa_fault(slot->faults, slot->at, FA_ERANGE, "%s must hold from %lld to %lld texts, not %d",
                 slot->key->name, (long long)slot->key->min, (long long)max, length);
        return;
    }
    for (int i = 0; i < length; i++) {
        add_text(slot, config_setting_get_elem(slot->at, (unsigned)i));
    }
}

static void add_u32(const struct fa_slot *slot, const config_setting_t *at)
{
    uint32_t **numbers = member(slot);
    size_t *count = member2(slot);
    int64_t value = 0;
    struct fa_slot element = *slot;
    element.at = at;
    if (get_whole(&element, at, &value) && in_range(&element, value)) {
        *numbers = fa_keys_grow(*numbers, *count, sizeof **numbers);
        (*numbers)[(*count)++] = (uint32_t)value;
    }
}

static void set_u32s(const struct fa_slot *slot)
{
    if (!is_sequence(slot->at)) {
        add_u32(slot, slot->at);
        return;
    }
    if (config_setting_length(slot->at) > NUMBERS_MAX) {
        fa_fault(slot->faults, slot->at, FA_ETOOBIG, "%s holds more than %d numbers",
                 slot->key->name, NUMBERS_MAX);
        return;
    }
    for (int i = 0; i < config_setting_length(slot->at); i++) {
        add_u32(slot, config_setting_get_elem(slot->at, (unsigned)i));
    }
}

static void add_pair(const struct fa_slot *slot, const char *name, const config_setting_t *at)
{
    struct fa_rule_match **pairs = member(slot);
    size_t *count = member2(slot);
    const char *text = get_text(slot, at);
    if (text != NULL) {
        *pairs = fa_keys_grow(*pairs, *count, sizeof **pairs);
        (*pairs)[(*count)++] = (struct fa_rule_match){fa_xstrdup(name), fa_xstrdup(text)};
    }
}

static void set_pairs(const struct fa_slot *slot)
{
    if (config_setting_type(slot->at) != CONFIG_TYPE_GROUP) {
        wrong_type(slot, "a group of texts such as { queue = \"north\"; }");
        return;
    }
    for (int i = 0; i < config_setting_length(slot->at); i++) {
        const config_setting_t *at = config_setting_get_elem(slot->at, (unsigned)i);
        if (slot->key->type == FA_KEY_PAIRS || !is_sequence(at)) {
            add_pair(slot, at->name, at);
            continue;
        }
        if (config_setting_length(at) == 0) {
            fa_fault(slot->faults, at, FA_EINVAL, "%s: an empty list fits nothing", at->name);
        }
        for (int k = 0; k < config_setting_length(at); k++) {
            add_pair(slot, at->name, config_setting_get_elem(at, (unsigned)k));
        }
    }
}

static void set_group(const struct fa_slot *slot)
{
    if (config_setting_type(slot->at) != CONFIG_TYPE_GROUP) {
        wrong_type(slot, "a group { }");
        return;
    }
    fa_keys_read(slot->faults, slot->key->section, slot->at, member(slot));
}

static void set_groups(const struct fa_slot *slot)
{
    const struct fa_section *section = slot->key->section;
    void **items = member(slot);
    size_t *count = member2(slot);
    int length = is_sequence(slot->at) ? config_setting_length(slot->at) : -1;
    if (length < 0 || (length > 0 && config_setting_type(slot->at) != CONFIG_TYPE_LIST)) {
        wrong_type(slot, "a list of groups ( { }, { } )");
        return;
    }
    size_t max = slot->key->max > 0 ? (size_t)slot->key->max : FA_ITEMS_MAX;
    for (int i = 0; i < length; i++) {
        const config_setting_t *at = config_setting_get_elem(slot->at, (unsigned)i);
        if (config_setting_type(at) != CONFIG_TYPE_GROUP) {
            fa_fault(slot->faults, at, FA_EINVAL, "%s holds %s where %s is expected as a group { }",
                     slot->key->name, type_words(at), section->what);
            continue;
        }
        if (*count == max) {
            fa_fault(slot->faults, at, FA_ETOOBIG, "more than %zu %s", max, slot->key->name);
            return;
        }
        *items = fa_keys_grow(*items, *count, section->size);
        fa_keys_read(slot->faults, section, at, (char *)*items + (*count)++ * section->size);
    }
}

static void set_refused(const struct fa_slot *slot)
{
    fa_fault(slot->faults, slot->at, FA_EUNSUPPORTED, "%s: %s", slot->key->name, slot->key->help);
}

void fa_key_set(const struct fa_slot *slot)
{
    static void (*const setters[])(const struct fa_slot *) = {
        [FA_KEY_TEXT] = set_text,         [FA_KEY_NAME] = set_name,
        [FA_KEY_PATH] = set_path,         [FA_KEY_DURATION] = set_duration,
        [FA_KEY_MEASURED] = set_measured, [FA_KEY_U32] = set_u32,
        [FA_KEY_REAL] = set_real,         [FA_KEY_BOOL] = set_bool,
        [FA_KEY_CHOICE] = set_choice,     [FA_KEY_MODE] = set_mode,
        [FA_KEY_TEXTS] = set_texts,       [FA_KEY_U32S] = set_u32s,
        [FA_KEY_PAIRS] = set_pairs,       [FA_KEY_CHOSEN] = set_pairs,
        [FA_KEY_GROUP] = set_group,       [FA_KEY_GROUPS] = set_groups,
        [FA_KEY_REFUSED] = set_refused,
    };
    setters[slot->key->type](slot);
}

/* Defaults are written in our tables: one that cannot be read is a programming error. */
void fa_key_set_default(const struct fa_key *key, void *item)
{
    void *place = (char *)item + key->offset;
    struct fa_str def = fa_str_of(key->def);
    uint64_t number = 0;
    switch (key->type) {
    case FA_KEY_DURATION:
    case FA_KEY_MEASURED:
        fa_assert(fa_parse_duration(def, place) == 0);
        break;
    case FA_KEY_U32:
        fa_assert(fa_parse_u64(def, &number) == 0);
        *(uint32_t *)place = (uint32_t)number;
        break;
    case FA_KEY_BOOL:
        *(bool *)place = fa_str_is(def, "true");
        break;
    case FA_KEY_MODE:
        *(uint32_t *)place = (uint32_t)strtoul(key->def, NULL, 8);
        break;
    case FA_KEY_CHOICE: {
        char copy[256];
        const char *words[FA_KEYS_MAX];
        size_t count = split_choices(key->choices, copy, sizeof copy, words), i = 0;
        while (i < count && strcmp(words[i], key->def) != 0) {
            i++;
        }
        fa_assert(i < count);
        *(uint32_t *)place = (uint32_t)i;
        break;
    }
    case FA_KEY_TEXT:
    case FA_KEY_NAME:
    case FA_KEY_PATH:
        *(char **)place = fa_xstrdup(key->def);
        break;
    case FA_KEY_REAL:
    case FA_KEY_TEXTS:
    case FA_KEY_U32S:
    case FA_KEY_PAIRS:
    case FA_KEY_CHOSEN:
    case FA_KEY_GROUP:
    case FA_KEY_GROUPS:
    case FA_KEY_REFUSED:
        fa_assert(!"a default for a type that has none");
    }
}

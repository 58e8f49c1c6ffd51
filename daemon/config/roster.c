/* SPDX-License-Identifier: MIT */
/* The directory's records: typed by the tables of people, teams and accounts, read from the file
 * that an import wrote and written to it.
 *
 * Invariants:
 *  1. What was written is read back as the same records, whatever the texts hold.
 *  2. Each key has a line of its own, so that a fault of the configuration leads to the field.
 *
 * Whether the records are sound is not looked at: that is the configuration's proof. */
#include "config/roster.h"
#include "base/texts.h"
#include "config/draft.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word, *list;
} kinds[FA_ROSTER__COUNT] = {
    [FA_ROSTER_PERSON] = {"person", "people"},
    [FA_ROSTER_TEAM] = {"team", "teams"},
    [FA_ROSTER_ACCOUNT] = {"account", "accounts"},
};

const char *fa_roster_word(enum fa_roster_kind kind)
{
    return kinds[kind].word;
}

const char *fa_roster_list(enum fa_roster_kind kind)
{
    return kinds[kind].list;
}

/* ---- keys ---- */

static const struct fa_section *section_of(enum fa_roster_kind kind)
{
    for (size_t i = 0; i < fa_draft_section.key_count; i++) {
        if (strcmp(fa_draft_section.keys[i].name, kinds[kind].list) == 0) {
            return fa_draft_section.keys[i].section;
        }
    }
    fa_assert(!"a list of the configuration");
    return NULL;
}

bool fa_roster_is_channels(const struct fa_key *key)
{
    return key->type == FA_KEY_GROUPS && strcmp(key->name, "channels") == 0;
}

bool fa_roster_is_list(const struct fa_key *key)
{
    return key->type == FA_KEY_TEXTS || key->type == FA_KEY_U32S || key->type == FA_KEY_GROUPS;
}

static bool can_give(const struct fa_key *key)
{
    return key->type == FA_KEY_TEXT || key->type == FA_KEY_NAME || key->type == FA_KEY_TEXTS ||
           key->type == FA_KEY_U32S || key->type == FA_KEY_BOOL || fa_roster_is_channels(key);
}

int fa_roster_key(enum fa_roster_kind kind, struct fa_str name, const struct fa_key **ret_key,
                  struct fa_err *err)
{
    const struct fa_section *section = section_of(kind);
    const char *names[FA_KEYS_MAX];
    char hint[96], word[64];
    for (size_t i = 0; i < section->key_count; i++) {
        const struct fa_key *key = &section->keys[i];
        names[i] = can_give(key) ? key->name : NULL;
        if (fa_str_is(name, key->name)) {
            *ret_key = key;
            return can_give(key)
                       ? 0
                       : fa_err_set(err, FA_EUNSUPPORTED, "'%s' cannot be imported: %s", key->name,
                                    key->type == FA_KEY_REFUSED
                                        ? "each way to reach somebody is a channel"
                                        : "write it in the configuration");
        }
    }
    snprintf(word, sizeof word, "%.*s", (int)(name.len < 60 ? name.len : 60), name.ptr);
    return fa_err_set(err, FA_ENOTFOUND, "unknown key '%s' in %s%s", word, section->what,
                      fa_did_you_mean(word, names, section->key_count, hint));
}

/* ---- records ---- */

void fa_roster_done(struct fa_roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct fa_roster_record *record = &roster->records[i];
        for (size_t f = 0; f < record->count; f++) {
            fa_texts_free(record->fields[f].texts, record->fields[f].count);
            free(record->fields[f].column);
        }
        free(record->fields);
        free(record->name);
    }
    free(roster->records);
    *roster = (struct fa_roster){0};
}

struct fa_roster_record *fa_roster_add(struct fa_roster *roster, enum fa_roster_kind kind,
                                       const char *file, uint32_t line)
{
    roster->records =
        fa_xgrow(roster->records, roster->count, &roster->cap, sizeof roster->records[0]);
    struct fa_roster_record *record = &roster->records[roster->count++];
    *record =
        (struct fa_roster_record){.kind = kind, .name = fa_xstrdup(""), .file = file, .line = line};
    return record;
}

static struct fa_roster_field *find_field(const struct fa_roster_record *record,
                                          const struct fa_key *key)
{
    for (size_t i = 0; i < record->count; i++) {
        if (record->fields[i].key == key) {
            return &record->fields[i];
        }
    }
    return NULL;
}

struct fa_roster_field *fa_roster_field(struct fa_roster_record *record, const struct fa_key *key,
                                        uint32_t line, const char *column)
{
    struct fa_roster_field *field = find_field(record, key);
    if (field == NULL) {
        record->fields =
            fa_xrealloc(record->fields, (record->count + 1) * sizeof record->fields[0]);
        field = &record->fields[record->count++];
        *field = (struct fa_roster_field){.key = key, .line = line, .column = fa_xstrdup(column)};
    }
    return field;
}

/* "true", "false", or NULL. */
static const char *truth(struct fa_str text)
{
    static const char *const words[] = {"true", "yes", "1", "false", "no", "0"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (fa_str_is(text, words[i])) {
            return i < 3 ? "true" : "false";
        }
    }
    return NULL;
}

int fa_roster_put(struct fa_roster_record *record, struct fa_roster_field *field,
                  struct fa_str text, struct fa_err *err)
{
    const struct fa_key *key = field->key;
    uint64_t number = 0;
    char digits[24];
    if (field->count > 0 && !fa_roster_is_list(key)) {
        return fa_err_set(err, FA_EEXISTS, "%s is one text, not several", key->name);
    }
    if (!fa_utf8_valid(text)) {
        return fa_err_set(err, FA_EINVAL, "%s is not UTF-8", key->name);
    }
    if (key->type == FA_KEY_U32S) {
        if (fa_parse_u64(text, &number) != 0 || number > (uint64_t)key->max) {
            return fa_err_set(err, FA_EINVAL, "%s must be a number from 0 to %lld", key->name,
                              (long long)key->max);
        }
        /* As the file gives it back: leading zeros would be a change at each import. */
        snprintf(digits, sizeof digits, "%" PRIu64, number);
        text = fa_str_of(digits);
    } else if (key->type == FA_KEY_BOOL) {
        const char *word = truth(text);
        if (word == NULL) {
            return fa_err_set(err, FA_EINVAL, "%s must be true or false", key->name);
        }
        text = fa_str_of(word);
    }
    fa_texts_add(&field->texts, &field->count, text);
    if (strcmp(key->name, "name") == 0) {
        free(record->name);
        record->name = fa_xstrndup(text.ptr, text.len);
    }
    return 0;
}

void fa_roster_keep(struct fa_roster *roster, const struct fa_roster *other,
                    enum fa_roster_kind kind)
{
    for (size_t i = 0; i < other->count; i++) {
        const struct fa_roster_record *from = &other->records[i];
        if (from->kind != kind) {
            continue;
        }
        struct fa_roster_record *to = fa_roster_add(roster, kind, from->file, from->line);
        free(to->name);
        to->name = fa_xstrdup(from->name);
        for (size_t f = 0; f < from->count; f++) {
            const struct fa_roster_field *field = &from->fields[f];
            struct fa_roster_field *copy =
                fa_roster_field(to, field->key, field->line, field->column);
            for (size_t t = 0; t < field->count; t++) {
                fa_texts_add(&copy->texts, &copy->count, fa_str_of(field->texts[t]));
            }
        }
    }
}

/* ---- the file, read ---- */

static int put_setting(struct fa_roster_record *record, struct fa_roster_field *field,
                       const config_setting_t *at, struct fa_err *err)
{
    char number[32];
    switch (config_setting_type(at)) {
    case CONFIG_TYPE_STRING:
        return fa_roster_put(record, field, fa_str_of(config_setting_get_string(at)), err);
    case CONFIG_TYPE_BOOL:
        return fa_roster_put(record, field,
                             fa_str_of(config_setting_get_bool(at) != 0 ? "true" : "false"), err);
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        snprintf(number, sizeof number, "%lld", config_setting_get_int64(at));
        return fa_roster_put(record, field, fa_str_of(number), err);
    default:
        return fa_err_set(err, FA_EPARSE, "%s is of another kind", field->key->name);
    }
}

static int put_channel(struct fa_roster_record *record, struct fa_roster_field *field,
                       const config_setting_t *at, struct fa_err *err)
{
    const char *channel = NULL, *address = "";
    (void)config_setting_lookup_string(at, "address", &address);
    if (config_setting_is_group(at) != CONFIG_TRUE ||
        config_setting_lookup_string(at, "channel", &channel) != CONFIG_TRUE) {
        return fa_err_set(err, FA_EPARSE, "a channel without its name");
    }
    int rc = fa_roster_put(record, field, fa_str_of(channel), err);
    return rc == 0 ? fa_roster_put(record, field, fa_str_of(address), err) : rc;
}

static int read_member(struct fa_roster_record *record, const config_setting_t *at,
                       struct fa_err *err)
{
    const struct fa_key *key = NULL;
    int rc = fa_roster_key(record->kind, fa_str_of(at->name), &key, err);
    if (rc != 0) {
        return rc;
    }
    struct fa_roster_field *field = fa_roster_field(record, key, fa_line_of(at), at->name);
    bool is_many = config_setting_is_aggregate(at) == CONFIG_TRUE;
    if (!is_many && !fa_roster_is_channels(key)) {
        return put_setting(record, field, at, err);
    }
    for (int i = 0; rc == 0 && i < config_setting_length(at); i++) {
        const config_setting_t *elem = config_setting_get_elem(at, (unsigned)i);
        rc = fa_roster_is_channels(key) ? put_channel(record, field, elem, err)
                                        : put_setting(record, field, elem, err);
    }
    return rc;
}

static int read_list(struct fa_roster *roster, enum fa_roster_kind kind, const char *file,
                     const config_setting_t *list, struct fa_err *err)
{
    for (int i = 0; i < config_setting_length(list); i++) {
        const config_setting_t *at = config_setting_get_elem(list, (unsigned)i);
        if (config_setting_is_group(at) != CONFIG_TRUE) {
            return fa_err_at(err, FA_EPARSE, file, fa_line_of(at), 0, "no group { }");
        }
        struct fa_roster_record *record = fa_roster_add(roster, kind, file, fa_line_of(at));
        for (int m = 0; m < config_setting_length(at); m++) {
            const config_setting_t *member = config_setting_get_elem(at, (unsigned)m);
            struct fa_err why;
            if (read_member(record, member, &why) != 0) {
                return fa_err_at(err, why.code, file, fa_line_of(member), 0, "%s", why.text);
            }
        }
    }
    return 0;
}

static void note_first(void *ctx, const struct fa_err *err)
{
    struct fa_err *first = ctx;
    *first = first->code == 0 ? *err : *first;
}

int fa_roster_parse(struct fa_roster *roster, const char *file, struct fa_str text,
                    struct fa_err *err)
{
    struct fa_scan scan = {0};
    config_t tree;
    *err = (struct fa_err){0};
    int rc = fa_scan_text(file, text, note_first, err, &scan);
    fa_scan_done(&scan);
    if (rc != 0 || err->code != 0) {
        return rc != 0 ? rc : FA_EPARSE;
    }
    config_init(&tree);
    char *copy = fa_xstrndup(text.len > 0 ? text.ptr : "", text.len);
    if (config_read_string(&tree, copy) != CONFIG_TRUE) {
        rc = fa_err_at(err, FA_EPARSE, file, (uint32_t)config_error_line(&tree), 0, "%s",
                       config_error_text(&tree));
    }
    for (enum fa_roster_kind kind = 0; rc == 0 && kind < FA_ROSTER__COUNT; kind++) {
        const config_setting_t *list =
            config_setting_get_member(config_root_setting(&tree), kinds[kind].list);
        if (list != NULL && config_setting_is_list(list) == CONFIG_TRUE) {
            rc = read_list(roster, kind, file, list, err);
        }
    }
    free(copy);
    config_destroy(&tree);
    return rc;
}

/* ---- the file, written ---- */

struct writing {
    struct fa_buf *out;
    struct fa_roster_line *lines;
    size_t count, cap;
};

static void end_line(struct writing *w, const struct fa_roster_record *record,
                     const struct fa_roster_field *field)
{
    fa_buf_putc(w->out, '\n');
    w->lines = fa_xgrow(w->lines, w->count, &w->cap, sizeof w->lines[0]);
    w->lines[w->count++] = (struct fa_roster_line){record, field};
}

static void write_text(struct fa_buf *out, const char *text)
{
    fa_buf_putc(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            fa_buf_putc(out, '\\');
            fa_buf_putc(out, *p);
        } else if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            fa_buf_printf(out, "\\x%02x", (unsigned)*p);
        } else {
            fa_buf_putc(out, *p);
        }
    }
    fa_buf_putc(out, '"');
}

static void write_channels(struct fa_buf *out, const struct fa_roster_field *field)
{
    fa_buf_puts(out, "(");
    for (size_t i = 0; i + 1 < field->count; i += 2) {
        fa_buf_puts(out, i > 0 ? ", { channel = " : " { channel = ");
        write_text(out, field->texts[i]);
        if (field->texts[i + 1][0] != '\0') {
            fa_buf_puts(out, "; address = ");
            write_text(out, field->texts[i + 1]);
        }
        fa_buf_puts(out, "; }");
    }
    fa_buf_puts(out, " )");
}

static void write_value(struct fa_buf *out, const struct fa_key *key, const char *text)
{
    if (key->type == FA_KEY_BOOL) {
        fa_buf_puts(out, text);
    } else if (key->type == FA_KEY_U32S) {
        fa_buf_printf(out, "%sL", text); /* beyond 31 bits libconfig wants it */
    } else {
        write_text(out, text);
    }
}

static void write_field(struct writing *w, const struct fa_roster_record *record,
                        const struct fa_roster_field *field)
{
    fa_buf_printf(w->out, "    %s = ", field->key->name);
    if (fa_roster_is_channels(field->key)) {
        write_channels(w->out, field);
    } else if (fa_roster_is_list(field->key)) {
        fa_buf_puts(w->out, "[");
        for (size_t i = 0; i < field->count; i++) {
            fa_buf_puts(w->out, i > 0 ? ", " : " ");
            write_value(w->out, field->key, field->texts[i]);
        }
        fa_buf_puts(w->out, " ]");
    } else {
        write_value(w->out, field->key, field->texts[0]);
    }
    fa_buf_putc(w->out, ';');
    end_line(w, record, field);
}

static void write_list(struct writing *w, const struct fa_roster *roster, enum fa_roster_kind kind)
{
    bool any = false;
    for (size_t i = 0; i < roster->count; i++) {
        const struct fa_roster_record *record = &roster->records[i];
        if (record->kind != kind) {
            continue;
        }
        fa_buf_printf(w->out, any ? "  }, {" : "%s = ( {", kinds[kind].list);
        end_line(w, record, NULL);
        any = true;
        for (size_t f = 0; f < record->count; f++) {
            if (record->fields[f].count > 0) {
                write_field(w, record, &record->fields[f]);
            }
        }
    }
    if (any) {
        fa_buf_puts(w->out, "  } );");
        end_line(w, NULL, NULL);
    }
}

void fa_roster_write(const struct fa_roster *roster, struct fa_buf *out,
                     struct fa_roster_line **ret_lines, size_t *ret_count)
{
    struct writing w = {.out = out};
    fa_buf_puts(out, "# Written by \"firealarm directory import\": the next import replaces it.");
    end_line(&w, NULL, NULL);
    for (enum fa_roster_kind kind = 0; kind < FA_ROSTER__COUNT; kind++) {
        write_list(&w, roster, kind);
    }
    *ret_lines = w.lines;
    *ret_count = w.count;
}

/* ---- compared ---- */

int fa_roster_order(const struct fa_roster_record *a, const struct fa_roster_record *b)
{
    int order = a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->name, b->name);
    return order < 0 ? -1 : order > 0;
}

/* Of one name the earlier first. */
static int by_order(const void *a, const void *b)
{
    const struct fa_roster_record *const *x = a, *const *y = b;
    int order = fa_roster_order(*x, *y);
    return order != 0 ? order : *x < *y ? -1 : *x > *y;
}

const struct fa_roster_record **fa_roster_sorted(const struct fa_roster *roster)
{
    const struct fa_roster_record **list = fa_xcalloc(roster->count + 1, sizeof *list);
    for (size_t i = 0; i < roster->count; i++) {
        list[i] = &roster->records[i];
    }
    qsort(list, roster->count, sizeof *list, by_order);
    return list;
}

static bool same_field(const struct fa_roster_field *a, const struct fa_roster_field *b)
{
    size_t a_count = a != NULL ? a->count : 0, b_count = b != NULL ? b->count : 0;
    for (size_t i = 0; i < a_count && a_count == b_count; i++) {
        if (strcmp(a->texts[i], b->texts[i]) != 0) {
            return false;
        }
    }
    return a_count == b_count;
}

size_t fa_roster_compare(const struct fa_roster_record *a, const struct fa_roster_record *b,
                         void (*differs)(void *ctx, const char *key), void *ctx)
{
    const struct fa_section *section = section_of(a->kind);
    size_t count = 0;
    for (size_t i = 0; i < section->key_count; i++) {
        const struct fa_key *key = &section->keys[i];
        if (!same_field(find_field(a, key), find_field(b, key))) {
            differs(ctx, key->name);
            count++;
        }
    }
    return count;
}

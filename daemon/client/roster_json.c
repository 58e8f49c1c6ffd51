/* SPDX-License-Identifier: MIT */
/* JSON as records: { "people": [ { ... } ], "teams": [ ], "accounts": [ ] } with the keys of the
 * configuration. jansson proves the grammar and gives the values; it forgets where they stood, so
 * lines are found by walking the same text once more, which then needs no checks of its own. */
#include "base/panic.h"
#include "client/roster.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The lines at which the objects within one list begin, in their order. */
struct lines {
    uint32_t *list; /* owned */
    size_t count, cap;
};

struct walk {
    struct fa_str text;
    size_t at;
    uint32_t line;
};

static void skip_text(struct walk *w)
{
    for (w->at++; w->at < w->text.len && w->text.ptr[w->at] != '"'; w->at++) {
        w->at += w->text.ptr[w->at] == '\\';
    }
}

/* The begin of each object at depth 2: an element of a list of the whole. */
static void find_lines(struct fa_str text, struct lines *lines)
{
    struct walk w = {text, 0, 1};
    int depth = 0;
    for (; w.at < text.len; w.at++) {
        char c = text.ptr[w.at];
        w.line += c == '\n';
        if (c == '"') {
            skip_text(&w);
        }
        if (c == '{' && depth == 2) {
            lines->list = fa_xgrow(lines->list, lines->count, &lines->cap, sizeof *lines->list);
            lines->list[lines->count++] = w.line;
        }
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    }
}

struct sheet {
    struct fa_intake_roster *in;
    const char *file;
    enum fa_roster_kind kind;
    struct fa_roster_record *record;
};

static void fault(const struct sheet *sheet, const char *key, const char *why)
{
    fa_roster_fault(sheet->in, sheet->file, sheet->record->line, key, "%s", why);
}

static void put_value(const struct sheet *sheet, struct fa_roster_field *field, const json_t *value)
{
    struct fa_err err = {0};
    char number[32];
    int rc = FA_EINVAL;
    if (json_is_string(value)) {
        struct fa_str text = {json_string_value(value), json_string_length(value)};
        rc = fa_roster_put(sheet->record, field, text, &err);
    } else if (json_is_boolean(value)) {
        rc = fa_roster_put(sheet->record, field, fa_str_of(json_is_true(value) ? "true" : "false"),
                           &err);
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        rc = fa_roster_put(sheet->record, field, fa_str_of(number), &err);
    } else {
        fa_err_set(&err, FA_EINVAL, "must be a text, a whole number, true or false%s",
                   fa_roster_is_list(field->key) ? ", or a list of them" : "");
    }
    if (rc != 0) {
        fault(sheet, field->column, err.text);
    }
}

static void put_channel(const struct sheet *sheet, struct fa_roster_field *field,
                        const json_t *value)
{
    const json_t *channel = json_object_get(value, "channel");
    const json_t *address = json_object_get(value, "address");
    size_t known = address != NULL ? 2 : 1;
    if (!json_is_string(channel) || (address != NULL && !json_is_string(address)) ||
        json_object_size(value) != known) {
        fault(sheet, "channels", "each is { \"channel\": NAME, \"address\": ADDRESS }");
        return;
    }
    put_value(sheet, field, channel);
    if (address != NULL) {
        put_value(sheet, field, address);
    } else {
        (void)!fa_roster_put(sheet->record, field, FA_STR(""), &(struct fa_err){0});
    }
}

static void put_member(const struct sheet *sheet, const char *name, const json_t *value)
{
    const struct fa_key *key = NULL;
    struct fa_err err;
    if (fa_roster_key(sheet->kind, fa_str_of(name), &key, &err) != 0) {
        fault(sheet, name, err.text);
        return;
    }
    if (json_is_null(value)) {
        return; /* says nothing, as an empty cell does */
    }
    struct fa_roster_field *field = fa_roster_field(sheet->record, key, sheet->record->line, name);
    if (fa_roster_is_channels(key) && !json_is_array(value)) {
        fault(sheet, name, "must be a list [ ]");
    } else if (!json_is_array(value) || !fa_roster_is_list(key)) {
        put_value(sheet, field, value);
    } else {
        for (size_t i = 0; i < json_array_size(value); i++) {
            const json_t *elem = json_array_get(value, i);
            (fa_roster_is_channels(key) ? put_channel : put_value)(sheet, field, elem);
        }
    }
}

static void read_object(struct sheet *sheet, uint32_t line, json_t *object)
{
    const char *name;
    json_t *value;
    sheet->record = fa_roster_add(&sheet->in->roster, sheet->kind, sheet->file, line);
    json_object_foreach(object, name, value)
    {
        put_member(sheet, name, value);
    }
    if (sheet->record->name[0] == '\0') {
        fault(sheet, "name", "the name is missing");
    }
}

/* Lists stand in the text in the order in which jansson keeps them. */
static void read_lists(struct fa_intake_roster *in, const char *file, json_t *root,
                       const struct lines *lines)
{
    const char *name;
    json_t *list, *value;
    size_t index, at = 0;
    json_object_foreach(root, name, list)
    {
        struct sheet sheet = {.in = in, .file = file};
        while (sheet.kind < FA_ROSTER__COUNT && strcmp(name, fa_roster_list(sheet.kind)) != 0) {
            sheet.kind++;
        }
        if (sheet.kind == FA_ROSTER__COUNT || !json_is_array(list)) {
            fa_roster_fault(in, file, 1, NULL,
                            "'%.60s' is none of the lists people, teams and accounts", name);
            return; /* what follows would have other lines */
        }
        in->has[sheet.kind] = true;
        json_array_foreach(list, index, value)
        {
            if (!json_is_object(value)) {
                fa_roster_fault(in, file, 1, NULL, "%s[%zu] is no object { }", name, index);
                return;
            }
            read_object(&sheet, at < lines->count ? lines->list[at++] : 1, value);
        }
    }
}

void fa_roster_parse_json(struct fa_intake_roster *in, const char *file, struct fa_str text)
{
    json_error_t why;
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        fa_roster_fault(in, file, why.line > 0 ? (uint32_t)why.line : 1, NULL, "%s", why.text);
    } else if (!json_is_object(root)) {
        fa_roster_fault(in, file, 1, NULL,
                        "must be an object with the lists people, teams and accounts");
    } else {
        struct lines lines = {0};
        find_lines(text, &lines);
        read_lists(in, file, root, &lines);
        free(lines.list);
    }
    json_decref(root);
}

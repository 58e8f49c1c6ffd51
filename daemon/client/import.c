/* SPDX-License-Identifier: MIT */
/* Lines into requests: as many whole lines as fit, in their order, each line once.
 *
 * Of Prometheus' text one line speaks of those after it: "# TYPE name kind". It goes out again at
 * the head of the next request, or a counter would become a gauge where the text happens to be cut.
 * Other formats have no such line. Everything else is the decoder's to read. */
#include "client/import.h"
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_MAX ((size_t)1024)

static const char type_word[] = "# TYPE ";

void fa_import_init(struct fa_import *import, size_t piece_max, fa_import_send_fn *send, void *ctx)
{
    *import =
        (struct fa_import){.send = send, .ctx = ctx, .piece_max = piece_max, .is_counted = true};
    fa_buf_init(&import->held, piece_max);
    fa_buf_init(&import->type, TYPE_MAX);
}

void fa_import_done(struct fa_import *import)
{
    fa_buf_done(&import->held);
    fa_buf_done(&import->type);
    for (size_t i = 0; i < import->name_count; i++) {
        free(import->names[i]);
    }
}

/* Counts what is no comment, and keeps the last line that says a type. */
static void look_at(struct fa_import *import, struct fa_str lines)
{
    while (lines.len > 0) {
        struct fa_str line = fa_str_cut(lines, '\n', &lines);
        struct fa_str words = fa_str_trim(line);
        import->lines += words.len > 0 && words.ptr[0] != '#' && !fa_str_is(words, "\r");
        if (fa_str_starts(line, type_word)) {
            fa_buf_clear(&import->type);
            fa_buf_putstr(&import->type, line);
            fa_buf_putc(&import->type, '\n');
            if (import->type.over) {
                fa_buf_done(&import->type);
                fa_buf_init(&import->type, TYPE_MAX);
            }
        }
    }
}

static int flush(struct fa_import *import, size_t len, struct fa_err *err)
{
    struct fa_str piece = {fa_buf_text(&import->held), len};
    struct fa_buf rest;
    int rc = import->send(import->ctx, piece, err);
    if (rc != 0) {
        return rc;
    }
    import->requests++;
    look_at(import, piece);
    fa_buf_init(&rest, import->piece_max);
    fa_buf_putstr(&rest, fa_buf_str(&import->type));
    fa_buf_put(&rest, piece.ptr + len, import->held.len - len);
    fa_buf_done(&import->held);
    import->held = rest;
    return 0;
}

/* Room for more: what is held goes out up to its last whole line. */
static int make_room(struct fa_import *import, struct fa_err *err)
{
    const char *text = fa_buf_text(&import->held);
    const char *newline = memrchr(text, '\n', import->held.len);
    size_t len = newline != NULL ? (size_t)(newline + 1 - text) : 0;
    if (len <= import->type.len) {
        return fa_err_set(
            err, FA_ETOOBIG,
            "after %llu lines of samples one is longer than a request may be (%zu bytes)",
            (unsigned long long)import->lines, import->piece_max);
    }
    return flush(import, len, err);
}

int fa_import_put(struct fa_import *import, struct fa_str bytes, struct fa_err *err)
{
    int rc = 0;
    import->bytes += bytes.len;
    while (bytes.len > 0 && rc == 0) {
        size_t room = import->piece_max - import->held.len;
        size_t len = bytes.len < room ? bytes.len : room;
        fa_buf_put(&import->held, bytes.ptr, len);
        bytes.ptr += len;
        bytes.len -= len;
        if (import->held.len == import->piece_max) {
            rc = make_room(import, err);
        }
    }
    return rc;
}

int fa_import_end(struct fa_import *import, struct fa_err *err)
{
    return import->held.len > import->type.len ? flush(import, import->held.len, err) : 0;
}

static void add_reason(struct fa_import *import, struct fa_str reason)
{
    if (reason.len > 0 && import->reason_count < FA_IMPORT_REASONS) {
        snprintf(import->reasons[import->reason_count++], sizeof import->reasons[0], "%.*s",
                 (int)(reason.len < 190 ? reason.len : 190), reason.ptr);
    }
}

static void take_refusals(struct fa_import *import, struct fa_str body)
{
    struct fa_str rest, first = fa_str_cut(body, '\n', &rest), after;
    struct fa_str number = fa_str_cut(first, ' ', &after);
    uint64_t count;
    if (fa_parse_u64(number, &count) != 0 || !fa_str_starts(after, "refused")) {
        import
            ->refused++; /* another decoder's words: all that is known is that it is not content */
        add_reason(import, first);
        return;
    }
    import->refused += count;
    while (rest.len > 0) {
        add_reason(import, fa_str_cut(rest, '\n', &rest));
    }
}

/* "120 taken". */
static bool take_number(struct fa_str *text, const char *word, uint64_t *sum)
{
    struct fa_str rest, after, line = fa_str_cut(*text, '\n', &rest);
    uint64_t number;
    if (fa_parse_u64(fa_str_cut(line, ' ', &after), &number) != 0 || !fa_str_is(after, word)) {
        return false;
    }
    *sum += number;
    *text = rest;
    return true;
}

static void add_name(struct fa_import *import, struct fa_str name)
{
    for (size_t i = 0; i < import->name_count; i++) {
        if (fa_str_is(name, import->names[i])) {
            return;
        }
    }
    if (import->name_count < FA_IMPORT_NAMES) {
        import->names[import->name_count++] = fa_xstrndup(name.ptr, name.len);
    }
}

void fa_import_answer(struct fa_import *import, struct fa_str body, bool is_refusal)
{
    static const char unwatched[] = "unwatched ";
    struct fa_str rest;
    import->is_counted = take_number(&body, "taken", &import->taken) &&
                         take_number(&body, "ignored", &import->ignored) && import->is_counted;
    while (import->is_counted && fa_str_starts(body, unwatched)) {
        struct fa_str line = fa_str_cut(body, '\n', &rest);
        size_t len = strlen(unwatched);
        add_name(import, (struct fa_str){line.ptr + len, line.len - len});
        body = rest;
    }
    if (is_refusal) {
        take_refusals(import, body);
    }
}

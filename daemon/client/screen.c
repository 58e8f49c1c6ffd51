/* SPDX-License-Identifier: MIT */
/* Decides what bytes reach a terminal.
 *
 * 1. fa_put, fa_put_wrapped and fa_table_add clean; fa_say does not and is for our own words.
 * 2. Cleaning is idempotent and its result is always well-formed UTF-8
 * (tests/fuzz/fuzz_client_json).
 * 3. No locale is asked: text is UTF-8 on the wire and on every terminal worth the name.
 *
 * The widths of characters are the coarse classes (zero, one, two columns); a wrong one costs an
 * untidy column and nothing else. */
#include "client/screen.h"

#include "base/panic.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

/* Direction marks (a name that reads backwards is another name), invisible characters, line and
 * paragraph separators, interlinear annotation, tags, what is no character at all. */
static const struct range unseen[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
    {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
    {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff},
};
static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};
static const struct range combining[] = {
    {0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}
#define IN(ranges, c) in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), c)

/* The bytes of the character at p; 0 if there is no well-formed one. */
static size_t char_len(struct fa_str text, size_t at)
{
    size_t left = text.len - at;
    for (size_t len = 1; len <= 4 && len <= left; len++) {
        if (fa_utf8_cut((struct fa_str){text.ptr + at, len}, len) == len) {
            return len;
        }
    }
    return 0;
}

static uint32_t code_point(const char *p, size_t len)
{
    unsigned char first = (unsigned char)p[0];
    uint32_t c = len == 1 ? first : first & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    }
    return c;
}

/* The length of a command string (a title, a clipboard) that begins at `at` and is closed by BEL or
 * ESC \\ within reason; 0 if it is not closed, and then its text is left as harmless words. */
static size_t string_len(struct fa_str text, size_t at)
{
    for (size_t end = at + 2; end < text.len && end - at < 512 && text.ptr[end] != '\n'; end++) {
        if (text.ptr[end] == '\a') {
            return end + 1 - at;
        }
        if (text.ptr[end] == 0x1b) {
            return end + 1 < text.len && text.ptr[end + 1] == '\\' ? end + 2 - at : 0;
        }
    }
    return 0;
}

/* The length of an escape sequence at `at` (ECMA-48: CSI, a string, or ESC and one more). */
static size_t escape_len(struct fa_str text, size_t at)
{
    size_t end = at + 1;
    if (end < text.len && strchr("]P^_X", text.ptr[end]) != NULL && text.ptr[end] != '\0') {
        size_t len = string_len(text, at);
        return len > 0 ? len : 2;
    }
    if (end < text.len && text.ptr[end] == '[') {
        end++;
        while (end < text.len && text.ptr[end] >= 0x20 && text.ptr[end] <= 0x3f) {
            end++;
        }
        return (end < text.len && text.ptr[end] >= 0x40 && text.ptr[end] <= 0x7e ? end + 1 : end) -
               at;
    }
    return (end < text.len && text.ptr[end] >= 0x20 && text.ptr[end] <= 0x7e ? end + 1 : end) - at;
}

void fa_clean(struct fa_buf *buf, struct fa_str text, bool lines)
{
    for (size_t at = 0; at < text.len;) {
        char byte = text.ptr[at];
        size_t len = char_len(text, at);
        if (byte == 0x1b) {
            at += escape_len(text, at);
        } else if (byte == '\n' || byte == '\t') {
            fa_buf_putc(buf, lines && byte == '\n' ? '\n' : ' ');
            at++;
        } else if (len == 0) {
            fa_buf_putc(buf, '?');
            at++;
        } else {
            if (!IN(unseen, code_point(text.ptr + at, len))) {
                fa_buf_put(buf, text.ptr + at, len);
            }
            at += len;
        }
    }
}

static unsigned char_width(uint32_t c)
{
    return IN(combining, c) ? 0 : IN(wide, c) ? 2 : 1;
}

unsigned fa_text_width(struct fa_str text)
{
    unsigned width = 0;
    for (size_t at = 0; at < text.len;) {
        size_t len = char_len(text, at);
        width += len == 0 ? 1 : char_width(code_point(text.ptr + at, len));
        at += len == 0 ? 1 : len;
    }
    return width;
}

/* How many bytes of text fit in so many columns. */
static size_t fitting(struct fa_str text, unsigned columns)
{
    unsigned width = 0;
    size_t at = 0;
    while (at < text.len) {
        size_t len = char_len(text, at);
        width += len == 0 ? 1 : char_width(code_point(text.ptr + at, len));
        if (width > columns) {
            break;
        }
        at += len == 0 ? 1 : len;
    }
    return at;
}

void fa_say(struct fa_screen *screen, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(screen->file, fmt, ap);
    va_end(ap);
}

static void paint_on(struct fa_screen *screen, enum fa_paint paint)
{
    static const char *const codes[] = {
        [FA_PLAIN] = "",         [FA_BOLD] = "\033[1m",    [FA_DIM] = "\033[2m",
        [FA_RED] = "\033[1;31m", [FA_YELLOW] = "\033[33m", [FA_GREEN] = "\033[32m",
    };
    if (screen->colour) {
        fputs(codes[paint], screen->file);
    }
}

static void paint_off(struct fa_screen *screen, enum fa_paint paint)
{
    if (screen->colour && paint != FA_PLAIN) {
        fputs("\033[0m", screen->file);
    }
}

/* The longest text that a screen is given; more is a fault of the sender. */
#define SHOWN_MAX (1u << 20)

void fa_put(struct fa_screen *screen, enum fa_paint paint, const char *text)
{
    struct fa_buf buf;
    fa_buf_init(&buf, SHOWN_MAX);
    fa_clean(&buf, fa_str_of(text), false);
    paint_on(screen, paint);
    fputs(fa_buf_text(&buf), screen->file);
    paint_off(screen, paint);
    fa_buf_done(&buf);
}

/* Where to break `line` so that at most `columns` are used: at a blank, in a word if it must be. */
static size_t break_at(struct fa_str line, unsigned columns)
{
    size_t fit = fitting(line, columns);
    if (fit == line.len) {
        return fit;
    }
    for (size_t at = fit; at > 0; at--) {
        if (line.ptr[at] == ' ') {
            return at;
        }
    }
    return fit > 0 ? fit : char_len(line, 0) + (char_len(line, 0) == 0);
}

static void wrap_line(struct fa_screen *screen, unsigned indent, const char *head,
                      struct fa_str line)
{
    unsigned room = screen->columns > indent + 20 ? screen->columns - indent - 1 : 20;
    do {
        size_t cut = break_at(line, room);
        if (head != NULL) {
            fprintf(screen->file, "%s", head);
            head = NULL;
        } else if (line.len > 0) {
            fprintf(screen->file, "%*s", (int)indent, "");
        }
        fprintf(screen->file, "%.*s\n", (int)cut, line.ptr);
        line = (struct fa_str){line.ptr + cut, line.len - cut};
        while (line.len > 0 && line.ptr[0] == ' ') {
            line = (struct fa_str){line.ptr + 1, line.len - 1};
        }
    } while (line.len > 0);
}

void fa_put_wrapped(struct fa_screen *screen, unsigned indent, const char *head, const char *text)
{
    struct fa_buf buf;
    fa_buf_init(&buf, SHOWN_MAX);
    fa_clean(&buf, fa_str_of(text), true);
    struct fa_str rest = fa_buf_str(&buf);
    do {
        struct fa_str line = fa_str_cut(rest, '\n', &rest);
        wrap_line(screen, indent, head, line);
        head = NULL;
    } while (rest.ptr != NULL && rest.len > 0);
    fa_buf_done(&buf);
}

void fa_table_add(struct fa_table *table, enum fa_paint paint, const char *text)
{
    struct fa_buf buf;
    fa_buf_init(&buf, SHOWN_MAX);
    fa_clean(&buf, fa_str_of(text), false);
    table->cells = fa_xgrow(table->cells, table->count, &table->cap, sizeof table->cells[0]);
    table->cells[table->count].paint = paint;
    table->cells[table->count++].text = fa_buf_take(&buf);
}

static void put_cell(struct fa_screen *screen, const char *text, enum fa_paint paint,
                     unsigned width)
{
    struct fa_str cell = fa_str_of(text);
    unsigned used = fa_text_width(cell);
    paint_on(screen, paint);
    if (used > width) {
        size_t fit = fitting(cell, width > 3 ? width - 3 : 0);
        fprintf(screen->file, "%.*s...", (int)fit, cell.ptr);
        used = width;
    } else {
        fputs(text, screen->file);
    }
    paint_off(screen, paint);
    if (used < width) {
        fprintf(screen->file, "%*s", (int)(width - used), "");
    }
}

static void put_row(struct fa_screen *screen, const struct fa_table *table, size_t first,
                    const unsigned *widths)
{
    unsigned used = 0;
    for (size_t c = 0; c + 1 < table->columns; c++) {
        const struct fa_cell *cell = first < table->count ? &table->cells[first + c] : NULL;
        put_cell(screen, cell != NULL ? cell->text : table->titles[c],
                 cell != NULL ? cell->paint : FA_BOLD, widths[c]);
        fputs("  ", screen->file);
        used += widths[c] + 2;
    }
    size_t last = table->columns - 1;
    const struct fa_cell *cell = first < table->count ? &table->cells[first + last] : NULL;
    const char *text = cell != NULL ? cell->text : table->titles[last];
    unsigned width = fa_text_width(fa_str_of(text));
    unsigned room = screen->columns > used + 10 ? screen->columns - used - 1 : 10;
    put_cell(screen, text, cell != NULL ? cell->paint : FA_BOLD,
             screen->tty && width > room ? room : width);
    fputc('\n', screen->file);
}

void fa_table_print(struct fa_screen *screen, const struct fa_table *table)
{
    unsigned widths[FA_TABLE_COLUMNS] = {0};
    for (size_t c = 0; c < table->columns; c++) {
        widths[c] = fa_text_width(fa_str_of(table->titles[c]));
    }
    for (size_t i = 0; i < table->count; i++) {
        unsigned width = fa_text_width(fa_str_of(table->cells[i].text));
        unsigned *most = &widths[i % table->columns];
        /* A cell of a middle column is never worth more than a third of the line. */
        width = screen->tty && width > screen->columns / 3 ? screen->columns / 3 : width;
        *most = width > *most ? width : *most;
    }
    put_row(screen, table, SIZE_MAX, widths);
    for (size_t first = 0; first + table->columns <= table->count; first += table->columns) {
        put_row(screen, table, first, widths);
    }
}

void fa_table_done(struct fa_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i].text);
    }
    free(table->cells);
    *table = (struct fa_table){0};
}

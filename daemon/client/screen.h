/* SPDX-License-Identifier: MIT */
/* What people see: colours, wrapped paragraphs, aligned tables, and above all the cleaning of every
 * byte that was written by somebody else. A terminal obeys escape sequences, so nothing from the
 * daemon, a file or another person reaches one except through here. */
#ifndef FA_CLIENT_SCREEN_H
#define FA_CLIENT_SCREEN_H

#include "base/buf.h"

#include <stdio.h>

enum fa_paint { FA_PLAIN, FA_BOLD, FA_DIM, FA_RED, FA_YELLOW, FA_GREEN };

struct fa_screen {
    FILE *file; /* borrowed */
    bool tty;   /* somebody looks at it: tables are cut to the width */
    bool colour;
    unsigned columns; /* at least 40 */
};

/* Appends text without what could command a terminal or reorder a line: control characters (C0,
 * DEL, C1), whole escape sequences, marks of writing direction, invisible characters; broken UTF-8
 * becomes '?'. Newlines stay when lines is true, else they become blanks; tabs become blanks. */
void fa_clean(struct fa_buf *buf, struct fa_str text, bool lines);
/* Columns of a terminal that clean text takes. */
unsigned fa_text_width(struct fa_str text);

/* printf to the screen. Arguments must be clean or our own. */
void fa_say(struct fa_screen *screen, const char *fmt, ...) FA_PRINTF(2, 3);
/* Somebody else's text on one line, cleaned, in a colour. NULL prints nothing. */
void fa_put(struct fa_screen *screen, enum fa_paint paint, const char *text);
/* A paragraph (or several), cleaned and wrapped, each line indented; ends with a newline. The first
 * line starts with `head` instead of the indent when head is not NULL. */
void fa_put_wrapped(struct fa_screen *screen, unsigned indent, const char *head, const char *text);

#define FA_TABLE_COLUMNS 8

/* Cells are cleaned copies. The last column takes what room is left; it is never cut when nobody
 * looks, so that a pipe gets all of it. */
struct fa_table {
    const char *titles[FA_TABLE_COLUMNS];
    size_t columns;
    struct fa_cell {
        char *text;
        enum fa_paint paint;
    } * cells; /* owned */
    size_t count, cap;
};

void fa_table_add(struct fa_table *table, enum fa_paint paint, const char *text);
void fa_table_print(struct fa_screen *screen, const struct fa_table *table);
void fa_table_done(struct fa_table *table);

#endif

/* SPDX-License-Identifier: MIT */
/* A plot in characters. A cell has two by four Braille dots, or in ASCII is one dot. The threshold
 * is a broken line in the cells that the curve leaves free; below, a bar says when it fired. */
#include "text/plot.h"
#include "text/reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS_MIN 40u
#define COLUMNS_MAX 400u
#define ROWS_MAX    100u
#define LABEL       10u /* columns at the left, for numbers */

struct canvas {
    unsigned columns, rows;                     /* of cells */
    unsigned across, down;                      /* dots of a cell */
    unsigned char cells[ROWS_MAX][COLUMNS_MAX]; /* a bit for each dot */
    struct fa_plot_scale scale;
};

/* Dots from the bottom; negative or too large: outside. */
static long dot_of(const struct canvas *canvas, double value)
{
    double part = (value - canvas->scale.low) / (canvas->scale.high - canvas->scale.low);
    return isfinite(part) ? lround(part * (canvas->rows * canvas->down - 1)) : -1;
}

static void set_dot(struct canvas *canvas, unsigned x, long y)
{
    static const unsigned char bits[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    long line = (long)(canvas->rows * canvas->down) - 1 - y; /* from the top */
    if (y >= 0 && line >= 0) {
        canvas->cells[(unsigned)line / canvas->down][x / canvas->across] |=
            bits[(unsigned)line % canvas->down][x % canvas->across];
    }
}

static void draw_curve(struct canvas *canvas, const struct fa_plot *plot)
{
    unsigned parts = canvas->columns * canvas->across;
    long before = -1;
    for (unsigned x = 0; x < parts; x++) {
        double value = fa_plot_value(plot, x, parts);
        long y = isnan(value) ? -1 : dot_of(canvas, value);
        long from = before >= 0 && y >= 0 ? (before < y ? before + 1 : y) : y;
        long to = before >= 0 && y >= 0 ? (before > y ? before - 1 : y) : y;
        for (long at = from; y >= 0 && at <= (to > y ? to : y); at++) {
            set_dot(canvas, x, at);
        }
        before = y;
    }
}

static void put_cell(const struct canvas *canvas, unsigned row, unsigned column, long threshold,
                     struct fa_buf *out)
{
    unsigned char dots = canvas->cells[row][column];
    if (dots == 0) {
        fa_buf_puts(out, (long)row != threshold ? " " : canvas->across == 1 ? "-" : "╌");
    } else if (canvas->across == 1) {
        fa_buf_putc(out, '*');
    } else { /* U+2800 and the dots */
        const char text[4] = {(char)0xe2, (char)(0xa0 + (dots >> 6)), (char)(0x80 + (dots & 0x3f)),
                              0};
        fa_buf_puts(out, text);
    }
}

static void put_rows(const struct canvas *canvas, const struct fa_plot *plot, struct fa_buf *out)
{
    long threshold = -1;
    char number[40];
    if (plot->has_threshold) {
        threshold = (long)canvas->rows - 1 - dot_of(canvas, plot->threshold) / (long)canvas->down;
    }
    for (unsigned row = 0; row < canvas->rows; row++) {
        const char *label = "";
        if ((long)row == threshold) {
            label = fa_reader_number(NULL, plot->threshold, number);
        } else if (row == 0 && threshold != 1) {
            label = fa_reader_number(NULL, canvas->scale.high, number);
        } else if (row + 1 == canvas->rows && threshold != (long)row - 1) {
            label = fa_reader_number(NULL, canvas->scale.low, number);
        }
        fa_buf_printf(out, "%*s %s", (int)LABEL - 2, label, canvas->across == 1 ? "|" : "│");
        for (unsigned column = 0; column < canvas->columns; column++) {
            put_cell(canvas, row, column, threshold, out);
        }
        fa_buf_putc(out, '\n');
    }
}

static bool fires(const struct fa_plot *plot, fa_time from, fa_time to)
{
    for (size_t i = 0; i < plot->span_count; i++) {
        if (plot->spans[i].from < to && plot->spans[i].to >= from) {
            return true;
        }
    }
    return false;
}

static void put_firings(const struct canvas *canvas, const struct fa_plot *plot, struct fa_buf *out)
{
    fa_time span = plot->to - plot->from;
    fa_buf_printf(out, "%*s %s", (int)LABEL - 2, "fires", canvas->across == 1 ? "|" : "│");
    for (unsigned i = 0; i < canvas->columns; i++) {
        bool on = fires(plot, plot->from + span * i / (fa_time)canvas->columns,
                        plot->from + span * (i + 1) / (fa_time)canvas->columns);
        fa_buf_puts(out, !on ? " " : canvas->across == 1 ? "#" : "█");
    }
    fa_buf_putc(out, '\n');
}

static void put_times(const struct canvas *canvas, const struct fa_plot *plot, struct fa_buf *out)
{
    char line[COLUMNS_MAX + 32], text[24];
    size_t end = 0;
    fa_time first, tick = fa_plot_tick(plot, canvas->columns / 16, &first);
    memset(line, ' ', sizeof line);
    for (fa_time at = first; at <= plot->to && plot->to > plot->from; at += tick) {
        size_t column =
            (size_t)((at - plot->from) * (fa_time)(canvas->columns - 1) / (plot->to - plot->from));
        size_t len = strlen(fa_plot_time(at, tick, text));
        if ((column > end || end == 0) && column + len < canvas->columns + 8) {
            memcpy(line + column, text, len);
            end = column + len + 1;
        }
    }
    while (end > 0 && line[end - 1] == ' ') {
        end--;
    }
    fa_buf_printf(out, "%*s%.*s\n", (int)LABEL, "", (int)end, line);
}

void fa_plot_text(const struct fa_plot *plot, unsigned columns, unsigned rows, bool ascii,
                  struct fa_buf *out)
{
    struct canvas canvas = {.rows = rows < 2          ? 2
                                    : rows < ROWS_MAX ? rows
                                                      : ROWS_MAX,
                            .across = ascii ? 1 : 2,
                            .down = ascii ? 1 : 4};
    columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns;
    canvas.columns = columns - LABEL < COLUMNS_MAX ? columns - LABEL : COLUMNS_MAX;
    canvas.scale = fa_plot_scale_of(plot);
    draw_curve(&canvas, plot);
    put_rows(&canvas, plot, out);
    put_firings(&canvas, plot, out);
    put_times(&canvas, plot, out);
}

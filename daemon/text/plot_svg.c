/* SPDX-License-Identifier: MIT */
/* A plot as SVG: no script, no style from elsewhere, no reference out of it. Everything that
 * somebody else wrote is escaped; coordinates are numbers of ours. */
#include "text/plot.h"
#include "text/reader.h"
#include "text/template.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDTH      960.0
#define HEIGHT     320.0
#define LEFT       80.0
#define RIGHT      20.0
#define TOP        40.0
#define BOTTOM     30.0
#define VALUES_MAX 12            /* at the axis */
#define PARTS      ((size_t)860) /* one a pixel */
#define MARK_ROOM  40.0          /* between two that have words */

struct sheet {
    const struct fa_plot *plot;
    struct fa_plot_scale scale;
    double top; /* of this plot in the picture */
    struct fa_buf *out;
};

static double x_of(const struct sheet *sheet, fa_time at)
{
    const struct fa_plot *plot = sheet->plot;
    double span = (double)(plot->to - plot->from);
    double part = span > 0 ? (double)(at - plot->from) / span : 0;
    return LEFT + (WIDTH - LEFT - RIGHT) * fmin(fmax(part, 0), 1);
}

static double y_of(const struct sheet *sheet, double value)
{
    double part = (value - sheet->scale.low) / (sheet->scale.high - sheet->scale.low);
    part = isfinite(part) ? fmin(fmax(part, 0), 1) : 0;
    return sheet->top + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part;
}

static void put_text(const struct sheet *sheet, double x, double y, const char *rest,
                     const char *text)
{
    fa_buf_printf(sheet->out, "<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, rest);
    (void)!fa_escape_put(sheet->out, FA_ESCAPE_HTML, fa_str_of(text));
    fa_buf_puts(sheet->out, "</text>\n");
}

static void put_line(const struct sheet *sheet, double x1, double y1, double x2, double y2,
                     const char *style)
{
    fa_buf_printf(sheet->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1,
                  y1, x2, y2, style);
}

static void put_frame(const struct sheet *sheet)
{
    const struct fa_plot *plot = sheet->plot;
    double bottom = sheet->top + HEIGHT - BOTTOM;
    char text[40];
    fa_time first, tick = fa_plot_tick(plot, 8, &first);
    put_text(sheet, LEFT, sheet->top + 18, " font-size=\"15\" font-weight=\"bold\"", plot->title);
    double step = fa_plot_step(sheet->scale), lowest = ceil(sheet->scale.low / step);
    for (int i = 0; i < VALUES_MAX && (lowest + i) * step <= sheet->scale.high; i++) {
        double value = (lowest + i) * step;
        double y = y_of(sheet, value);
        put_line(sheet, LEFT, y, WIDTH - RIGHT, y, "stroke=\"#ddd\"");
        put_text(sheet, LEFT - 8, y + 4, " text-anchor=\"end\"",
                 fa_reader_number(NULL, value, text));
    }
    for (fa_time at = first; at <= plot->to && plot->to > plot->from; at += tick) {
        double x = x_of(sheet, at);
        put_line(sheet, x, bottom, x, bottom + 5, "stroke=\"#555\"");
        put_text(sheet, x, bottom + 18, " text-anchor=\"middle\"", fa_plot_time(at, tick, text));
    }
}

static void put_firings(const struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->plot->span_count; i++) {
        const struct fa_plot_span *span = &sheet->plot->spans[i];
        double from = x_of(sheet, span->from), to = x_of(sheet, span->to);
        fa_buf_printf(sheet->out,
                      "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#d33\" "
                      "fill-opacity=\"0.18\"/>\n",
                      from, sheet->top + TOP, fmax(to - from, 1), HEIGHT - TOP - BOTTOM);
    }
}

static void put_curve(const struct sheet *sheet)
{
    bool pen = false;
    fa_buf_puts(sheet->out, "<path fill=\"none\" stroke=\"#247\" stroke-width=\"1.5\" d=\"");
    for (size_t i = 0; i < PARTS; i++) {
        double value = fa_plot_value(sheet->plot, i, PARTS);
        if (isnan(value)) {
            pen = false;
            continue;
        }
        fa_buf_printf(sheet->out, "%c%.1f %.1f", pen ? 'L' : 'M',
                      LEFT + (WIDTH - LEFT - RIGHT) * ((double)i + 0.5) / (double)PARTS,
                      y_of(sheet, value));
        pen = true;
    }
    fa_buf_puts(sheet->out, "\"/>\n");
}

static void put_threshold(const struct sheet *sheet, double value, const char *word,
                          const char *style)
{
    char number[40], text[64];
    double y = y_of(sheet, value);
    snprintf(text, sizeof text, "%s %s", word, fa_reader_number(NULL, value, number));
    put_line(sheet, LEFT, y, WIDTH - RIGHT, y, style);
    put_text(sheet, WIDTH - RIGHT - 4, y - 4, " text-anchor=\"end\" fill=\"#a22\"", text);
}

/* Marks that lie too near to one another have the words of the first and the last. */
static void put_marks(const struct sheet *sheet)
{
    const struct fa_plot_mark *marks = sheet->plot->marks;
    for (size_t i = 0, end; i < sheet->plot->mark_count; i = end) {
        double from = x_of(sheet, marks[i].at), x = from, y = sheet->top + TOP;
        char text[80];
        for (end = i; end < sheet->plot->mark_count &&
                      (end == i || x_of(sheet, marks[end].at) - x < MARK_ROOM);
             end++) {
            x = x_of(sheet, marks[end].at);
            put_line(sheet, x, y - 6, x, y + 4, "stroke=\"#a22\"");
        }
        snprintf(text, sizeof text, "%.32s%s%.32s", marks[i].text, end > i + 1 ? " … " : "",
                 end > i + 1 ? marks[end - 1].text : "");
        put_text(sheet, (from + x) / 2, y - 8,
                 " text-anchor=\"middle\" font-size=\"10\" fill=\"#a22\"", text);
    }
}

void fa_plot_svg(const struct fa_plot *plots, size_t count, struct fa_buf *out)
{
    double height = HEIGHT * (double)(count > 0 ? count : 1);
    fa_buf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                  "width=\"%.0f\" height=\"%.0f\" font-family=\"sans-serif\" font-size=\"12\" "
                  "fill=\"#222\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  WIDTH, height, WIDTH, height);
    for (size_t i = 0; i < count; i++) {
        struct sheet sheet = {&plots[i], fa_plot_scale_of(&plots[i]), HEIGHT * (double)i, out};
        put_frame(&sheet);
        put_firings(&sheet);
        if (plots[i].has_clear) {
            put_threshold(&sheet, plots[i].clear, "clears at",
                          "stroke=\"#a22\" stroke-opacity=\"0.5\" stroke-dasharray=\"2 4\"");
        }
        if (plots[i].has_threshold) {
            put_threshold(&sheet, plots[i].threshold, "fires at",
                          "stroke=\"#a22\" stroke-dasharray=\"6 4\"");
        }
        put_curve(&sheet);
        put_marks(&sheet);
    }
    fa_buf_puts(out, "</svg>\n");
}

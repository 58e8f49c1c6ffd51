/* SPDX-License-Identifier: MIT */
/* Plots: no peak is lost, the threshold and the firings are where they belong, and nothing that
 * somebody else wrote gets out of its place. */
#include "fa_test.h"

#include "text/plot.h"

#include <math.h>

static char *draw(const struct fa_plot *plot, unsigned columns, unsigned rows, bool ascii)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 1 << 20);
    fa_plot_text(plot, columns, rows, ascii, &buf);
    return fa_buf_take(&buf);
}

static void a_small_plot_in_ascii(void **state)
{
    const double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, (double)NAN, 2, 2, 2, 2};
    const struct fa_plot_span spans[] = {{8 * FA_DAY, 10 * FA_DAY - 1}};
    struct fa_plot plot = {.title = "t",
                           .from = 0,
                           .to = 15 * FA_DAY,
                           .values = values,
                           .count = 15,
                           .has_threshold = true,
                           .threshold = 8,
                           .spans = spans,
                           .span_count = 1};
    char *text = draw(&plot, 40, 6, true);
    assert_string_equal(text, "         |                  **          \n"
                              "       8 |--------------****------------\n"
                              "         |          ****                \n"
                              "         |      ****                    \n"
                              "         |  ****                ********\n"
                              "       0 |**                            \n"
                              "   fires |                ####          \n"
                              "          1 Jan                      15 Jan\n");
    free(text);
}

static void one_peak_of_a_year_is_seen(void **state)
{
    static double values[525600];
    for (size_t i = 0; i < 525600; i++) {
        values[i] = i == 314159 ? 100 : 1;
    }
    struct fa_plot plot = {.title = "t", .to = 365 * FA_DAY, .values = values, .count = 525600};
    char *text = draw(&plot, 80, 10, true);
    const char *end = strchr(text, '\n');
    assert_non_null(memchr(text, '*', (size_t)(end - text)));
    free(text);
    for (size_t i = 0; i < 525600; i++) {
        values[i] = 101 - values[i];
    }
    plot.low_is_bad = true;
    assert_double_near(fa_plot_value(&plot, 0, 1), 1, 0);
    plot.low_is_bad = false;
    assert_double_near(fa_plot_value(&plot, 0, 1), 100, 0);
}

static void braille_and_ascii_show_the_same_firings(void **state)
{
    const double values[] = {5, 50, 5};
    const struct fa_plot_span spans[] = {{FA_HOUR, 2 * FA_HOUR - 1}};
    struct fa_plot plot = {.title = "t",
                           .to = 3 * FA_HOUR,
                           .values = values,
                           .count = 3,
                           .spans = spans,
                           .span_count = 1};
    char *braille = draw(&plot, 70, 4, false), *ascii = draw(&plot, 70, 4, true);
    const char *bar = strstr(ascii, "fires |"), *blocks = strstr(braille, "fires │");
    size_t hashes = 0, full = 0;
    for (const char *at = bar; *at != '\n'; at++) {
        hashes += *at == '#';
    }
    for (const char *at = blocks; (at = strstr(at, "█")) != NULL; at += strlen("█")) {
        full++;
    }
    assert_int_equal(hashes, 20);
    assert_int_equal(full, hashes);
    assert_true(strstr(braille, "\xe2\xa0") != NULL || strstr(braille, "\xe2\xa1") != NULL);
    for (const char *at = ascii; *at != '\0'; at++) {
        assert_in_range((unsigned char)*at, '\n', '~');
    }
    free(braille);
    free(ascii);
}

static void hostile_values_draw_something(void **state)
{
    static const double rows[][3] = {{NAN, NAN, NAN},    {INFINITY, -INFINITY, 1},
                                     {7, 7, 7},          {0, 0, 0},
                                     {-1e308, 1e308, 0}, {1e-320, 0, 1e-320}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_plot plot = {.title = "t",
                               .from = i % 2 == 0 ? 0 : 5,
                               .to = 5,
                               .values = rows[i],
                               .count = 3,
                               .has_threshold = true,
                               .threshold = rows[i][1]};
        struct fa_buf svg;
        char *text = draw(&plot, i == 0 ? 0 : 100000, i == 0 ? 0 : 100000, false);
        assert_non_null(strstr(text, "fires"));
        free(text);
        fa_buf_init(&svg, 1 << 20);
        fa_plot_svg(&plot, 1, &svg);
        assert_null(strstr(fa_buf_text(&svg), "nan\" "));
        assert_null(strstr(fa_buf_text(&svg), "inf\" "));
        fa_buf_done(&svg);
    }
}

static void what_others_wrote_stays_text_in_the_picture(void **state)
{
    const double values[] = {1, 2};
    const struct fa_plot_mark marks[] = {{0, "</text><script>"}, {90, "\"'&"}};
    struct fa_plot plot = {.title = "<b>&\"\x01\xff",
                           .to = 100,
                           .values = values,
                           .count = 2,
                           .marks = marks,
                           .mark_count = 2};
    struct fa_buf svg;
    fa_buf_init(&svg, 1 << 20);
    fa_plot_svg(&plot, 1, &svg);
    assert_non_null(strstr(fa_buf_text(&svg), "&lt;b&gt;&amp;"));
    assert_null(strstr(fa_buf_text(&svg), "<script>"));
    assert_null(strstr(fa_buf_text(&svg), "<b>"));
    assert_true(fa_utf8_valid(fa_buf_str(&svg)));
    assert_null(memchr(fa_buf_text(&svg), 1, svg.len));
    fa_buf_done(&svg);
}

static void ticks_are_round_and_few(void **state)
{
    for (double high = 1e-12; high < 1e12; high *= 1.3) {
        double step = fa_plot_step((struct fa_plot_scale){0, high});
        assert_in_range((int)(high / step), 2, 7);
        double first = step / pow(10, floor(log10(step) + 1e-9));
        assert_true(fabs(first - 1) < 1e-6 || fabs(first - 2) < 1e-6 || fabs(first - 5) < 1e-6);
    }
    for (fa_time span = FA_MINUTE; span < 40000 * FA_DAY; span = span * 3 / 2) {
        struct fa_plot plot = {.from = 1767600123456, .to = 1767600123456 + span};
        fa_time first, tick = fa_plot_tick(&plot, 8, &first);
        assert_true(span / tick <= 8);
        assert_true(first % tick == 0);
        assert_true(first >= plot.from && first < plot.from + tick);
    }
    char text[24];
    assert_string_equal(fa_plot_time(1767600000000, FA_HOUR, text), "5 Jan 08:00");
    assert_string_equal(fa_plot_time(1767600000000, FA_DAY, text), "5 Jan");
    assert_string_equal(fa_plot_time(1767600000000, 365 * FA_DAY, text), "Jan 2026");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_plot_in_ascii),
        cmocka_unit_test(one_peak_of_a_year_is_seen),
        cmocka_unit_test(braille_and_ascii_show_the_same_firings),
        cmocka_unit_test(hostile_values_draw_something),
        cmocka_unit_test(what_others_wrote_stays_text_in_the_picture),
        cmocka_unit_test(ticks_are_round_and_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

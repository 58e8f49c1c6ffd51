/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::JANSSON */
#include "fa_test.h"
#include "client/render.h"
#include "client/screen.h"
#include "client/when.h"

/* Sun 22 Nov 2026 08:00 UTC */
#define NOW INT64_C(1795334400000)

static void what_commands_a_terminal_is_taken_out(void **state)
{
    static const struct {
        const char *raw;
        bool lines;
        const char *clean;
    } rows[] = {
        {"plain \xc3\xbc", false, "plain \xc3\xbc"},
        {"\033[31mred\033[0m", false, "red"},
        {"\033]0;title\007x", false, "x"},
        {"\033]0;title and more", false, "0;title and more"},
        {"\033]52;c;Zm9v\033\\x", false, "x"},
        {"\033c\033(B\033[?1049hx", false, "Bx"},
        {"a\033", false, "a"},
        {"a\033[", false, "a"},
        {"\xc2\x9b"
         "31mx",
         false, "31mx"},
        {"a\r\nb\bc\x7f", true, "a\nbc"},
        {"a\nb\tc", false, "a b c"},
        {"\xff\xfe", false, "??"},
        {"\xe2\x80\xae"
         "abc\xe2\x80\x8b",
         false, "abc"},
        {"\xf3\xa0\x81\x81x", false, "x"},
        {"\xf0\x9f\x94\xa5", false, "\xf0\x9f\x94\xa5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_buf buf;
        fa_buf_init(&buf, 1000);
        fa_clean(&buf, fa_str_of(rows[i].raw), rows[i].lines);
        assert_string_equal(fa_buf_text(&buf), rows[i].clean);
        fa_buf_done(&buf);
    }
}

struct paper {
    char *text;
    size_t len;
    struct fa_screen screen;
};

static void open_paper(struct paper *paper, bool tty, bool colour, unsigned columns)
{
    *paper = (struct paper){.text = NULL};
    paper->screen = (struct fa_screen){
        .file = open_memstream(&paper->text, &paper->len), .tty = tty, .colour = colour};
    paper->screen.columns = columns;
}

static void a_table_fits_the_terminal_and_is_whole_in_a_pipe(void **state)
{
    for (int tty = 0; tty < 2; tty++) {
        struct paper paper;
        struct fa_table table = {.titles = {"A", "WHAT"}, .columns = 2};
        open_paper(&paper, tty == 1, false, 40);
        fa_table_add(&table, FA_PLAIN, "x");
        fa_table_add(&table, FA_PLAIN, "0123456789 0123456789 0123456789 0123456789 the end");
        fa_table_print(&paper.screen, &table);
        fa_table_done(&table);
        fclose(paper.screen.file);
        assert_int_equal(strstr(paper.text, "the end") == NULL, tty);
        assert_int_equal(strstr(paper.text, "...\n") != NULL, tty);
        free(paper.text);
    }
}

static void paragraphs_are_wrapped_between_words(void **state)
{
    struct paper paper;
    open_paper(&paper, true, false, 41);
    fa_put_wrapped(&paper.screen, 2, "- ", "one two three four five six seven eight nine ten\nnew");
    fclose(paper.screen.file);
    assert_string_equal(paper.text,
                        "- one two three four five six seven\n  eight nine ten\n  new\n");
    free(paper.text);
}

static void alarms_are_shown_with_short_ids_and_without_escapes(void **state)
{
    static const char json[] =
        "{\"alarms\": [{\"id\": \"7K2Q-M9XA-3DTR-WZ5E\", \"severity\": \"critical\", "
        "\"state\": \"returned\", \"title\": \"a\\u001b[2Jb\", \"raised\": "
        "\"2026-11-22T05:00:00Z\", \"owner\": null, \"flags\": [\"latched\", \"unknown\"]}, {\"id\": \"9K2Q-M9XA-3DTR-WZ5E\"}]}";
    json_t *answer = json_loads(json, 0, NULL);
    for (int colour = 0; colour < 2; colour++) {
        struct paper paper;
        open_paper(&paper, true, colour == 1, 80);
        fa_render_alarms(&paper.screen, answer, NOW);
        fclose(paper.screen.file);
        assert_contains(paper.text, "7K2Q");
        assert_null(strstr(paper.text, "7K2Q-M9XA"));
        assert_contains(paper.text, "3h");
        assert_contains(paper.text, "nobody");
        assert_contains(paper.text, "returned, unknown");
        assert_contains(paper.text, "ab");
        assert_null(strstr(paper.text, "[2J"));
        assert_int_equal(strchr(paper.text, 033) != NULL, colour);
        free(paper.text);
    }
    json_decref(answer);
}

static void a_filing_that_reaches_nobody_is_shown_as_such_and_no_other(void **state)
{
    static const struct {
        const char *json;
        bool nobody;
    } rows[] = {
        {"{\"level\": \"raise\", \"told\": [], \"nobody\": true, \"independent\": true}", true},
        {"{\"level\": \"solve\", \"told\": [], \"nobody\": false}", false},
        {"{\"level\": \"solve\", \"told\": []}", false},
        {"{\"level\": \"raise\", \"told\": [{\"name\": \"coo\"}], \"nobody\": false}", false},
    };
    static void (*const shows[])(struct fa_screen *, const json_t *) = {
        fa_render_preview, fa_render_receipt, fa_render_status};
    for (size_t i = 0; i < 3 * (sizeof rows / sizeof rows[0]); i++) {
        struct paper paper;
        json_t *answer = json_loads(rows[i / 3].json, 0, NULL);
        open_paper(&paper, true, false, 400);
        shows[i % 3](&paper.screen, answer);
        fclose(paper.screen.file);
        assert_int_equal(strstr(paper.text, "Nobody can be told of it now.") != NULL,
                         rows[i / 3].nobody);
        assert_int_equal(strstr(paper.text, "tell somebody whom you trust") != NULL,
                         rows[i / 3].nobody);
        assert_null(strstr(paper.text, "takes it instead"));
        free(paper.text);
        json_decref(answer);
    }
}

static void since_is_understood_as_people_say_it(void **state)
{
    static const struct {
        const char *said;
        int rc;
        const char *when;
    } rows[] = {
        {"today", 0, "2026-11-22"},
        {"Yesterday", 0, "2026-11-21"},
        {"friday", 0, "2026-11-20"},
        {"fri", 0, "2026-11-20"},
        {"sunday", 0, "2026-11-15"},
        {"3d", 0, "2026-11-19"},
        {"3d ago", 0, "2026-11-19"},
        {"2h", 0, "2026-11-22T06:00:00Z"},
        {"2026-11-20", 0, "2026-11-20"},
        {" 2026-11-20 14:30 ", 0, "2026-11-20T14:30:00Z"},
        {"2026-11-20T14:30:05+02:00", 0, "2026-11-20T12:30:05Z"},
        {"2027-01-01", FA_ERANGE, NULL},
        {"2026-02-30", FA_EPARSE, NULL},
        {"soon", FA_EPARSE, NULL},
        {"", FA_EPARSE, NULL},
        {"2026-11-20 25:00", FA_EPARSE, NULL},
        {"100w", 0, "2024-12-22"},
        {"1969-12-31", FA_ERANGE, NULL},
        {"1969-12-31 14:30", FA_ERANGE, NULL},
        {"1969-12-31T14:30:00Z", FA_ERANGE, NULL},
        {"60w", 0, "2025-09-28"},
        {"21000d", FA_ERANGE, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char when[FA_WHEN_SIZE] = "";
        struct fa_err err;
        int rc = fa_when_since(fa_str_of(rows[i].said), NOW, when, &err);
        if (rc != rows[i].rc || (rc == 0 && strcmp(when, rows[i].when) != 0)) {
            fail_msg("'%s': rc %d, %s", rows[i].said, rc, when);
        }
    }
    char when[FA_WHEN_SIZE];
    struct fa_err err;
    assert_int_equal(fa_when_parse(FA_STR("2027-01-01"), NOW, when, &err), 0); /* a bound may be */
    assert_int_equal(fa_when_parse(FA_STR("21000d"), NOW, when, &err), FA_ERANGE);
}

static void times_are_read_and_shown(void **state)
{
    char buf[FA_WHEN_SIZE];
    fa_time wall = 0;
    assert_int_equal(fa_when_read(FA_STR("2026-11-22T08:00:00.123Z"), &wall), 0);
    assert_int_equal(wall, NOW);
    assert_int_equal(fa_when_read(FA_STR("2026-11-22T08:00:00"), &wall), FA_EPARSE);
    assert_int_equal(fa_when_read(FA_STR("2026-11-22T08:00:00Zx"), &wall), FA_EPARSE);
    assert_string_equal(fa_when_show("2026-11-22T08:00:00Z", buf), "Sun 22 Nov 2026 08:00");
    assert_string_equal(fa_when_show("\033[2J", buf), "?");
    assert_string_equal(fa_when_age(90 * FA_MINUTE, buf), "1h");
    assert_string_equal(fa_when_age(-5, buf), "0s");
}

static int use_utc(void **state)
{
    return setenv("TZ", "UTC", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_commands_a_terminal_is_taken_out),
        cmocka_unit_test(a_table_fits_the_terminal_and_is_whole_in_a_pipe),
        cmocka_unit_test(paragraphs_are_wrapped_between_words),
        cmocka_unit_test(alarms_are_shown_with_short_ids_and_without_escapes),
        cmocka_unit_test(a_filing_that_reaches_nobody_is_shown_as_such_and_no_other),
        cmocka_unit_test(since_is_understood_as_people_say_it),
        cmocka_unit_test(times_are_read_and_shown),
    };
    return cmocka_run_group_tests(tests, use_utc, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::JANSSON */
#include "fa_test.h"
#include "client/command.h"
#include "client/exits.h"
#include "client/help.h"

#define WORDS 8

static int count_of(const char *const *argv)
{
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    return argc;
}

static void faults_are_named_with_what_was_meant(void **state)
{
    static const struct {
        const char *argv[WORDS];
        const char *says;
    } rows[] = {
        {{"firealarm", "fil"}, "do you mean 'file'?"},
        {{"firealarm", "outbox", "rety", "X"}, "do you mean 'outbox retry'?"},
        {{"firealarm", "zzzzzz"}, "firealarm --help"},
        {{"firealarm", "file", "--categroy", "x"}, "do you mean --category?"},
        {{"firealarm", "file", "--category"}, "--category needs its NAME"},
        {{"firealarm", "file", "--preview=1"}, "--preview takes no value"},
        {{"firealarm", "file", "--known", "felt"}, "--known is one of: seen, told, heard"},
        {{"firealarm", "file", "--known", "seen", "--known=told"}, "--known is given twice"},
        {{"firealarm", "file", "they", "left"}, "read from standard input"},
        {{"firealarm", "silence", "add", "rule=disk"}, "its options; --help lists those"},
        {{"firealarm", "show"}, "firealarm show needs: ALARM"},
        {{"firealarm", "show", "A", "B"}, "takes only: ALARM"},
        {{"firealarm", "list", "-l"}, "two dashes"},
        {{"firealarm", "--jsn", "list"}, "do you mean --json?"},
    };
    for (size_t i = 0; i < FA_COUNT(rows); i++) {
        struct fa_args args;
        struct fa_err err = {.text = "nothing"};
        assert_int_equal(fa_args_parse(count_of(rows[i].argv), rows[i].argv, &args, &err),
                         FA_EINVAL);
        assert_contains(err.text, rows[i].says);
    }
}

static void a_text_typed_as_an_argument_is_not_repeated(void **state)
{
    const char *const argv[] = {"firealarm", "file", "the boss cooks the books", NULL};
    struct fa_args args;
    struct fa_err err;
    assert_int_equal(fa_args_parse(3, argv, &args, &err), FA_EINVAL);
    assert_null(strstr(err.text, "books"));
}

static void options_and_words_may_be_mixed(void **state)
{
    const char *const argv[] = {"firealarm", "--config",    "/c",      "--json", "file", "--about",
                                "coo",       "--about=ceo", "--since", "3d",     NULL};
    struct fa_args args;
    struct fa_err err;
    size_t at = 0;
    assert_int_equal(fa_args_parse(10, argv, &args, &err), 0);
    assert_string_equal(args.cmd->name, "file");
    assert_string_equal(fa_args_get(&args, "config"), "/c");
    assert_true(fa_args_has(&args, "json"));
    assert_string_equal(fa_args_next(&args, "about", &at), "coo");
    assert_string_equal(fa_args_next(&args, "about", &at), "ceo");
    assert_null(fa_args_next(&args, "about", &at));
    assert_null(fa_args_get(&args, "level"));
}

static void two_dashes_end_the_options(void **state)
{
    const char *const argv[] = {"firealarm", "show", "--", "--json", NULL};
    struct fa_args args;
    struct fa_err err;
    assert_int_equal(fa_args_parse(4, argv, &args, &err), 0);
    assert_string_equal(args.rest[0], "--json");
    assert_false(fa_args_has(&args, "json"));
}

static void help_needs_no_complete_command_line(void **state)
{
    const char *const argv[] = {"firealarm", "show", "--help", NULL};
    const char *const group[] = {"firealarm", "outbox", NULL};
    struct fa_args args;
    struct fa_err err;
    assert_int_equal(fa_args_parse(3, argv, &args, &err), 0);
    assert_int_equal(fa_args_parse(2, group, &args, &err), 0);
    assert_null(args.cmd);
    assert_string_equal(args.group, "outbox");
}

/* free() it. */
static char *document(void (*write)(FILE *file))
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    write(file);
    fclose(file);
    return text;
}

static void the_man_page_names_every_command_option_and_exit_code(void **state)
{
    char *man = document(fa_man), line[128];
    for (size_t i = 0; i < fa_command_count; i++) {
        snprintf(line, sizeof line, ".SS firealarm %s", fa_commands[i]->name);
        assert_contains(man, line);
        for (size_t o = 0; o < fa_commands[i]->option_count; o++) {
            const char *name = fa_commands[i]->options[o].name;
            /* A dash in a name is written \- there, so only what stands before it is looked for. */
            snprintf(line, sizeof line, "\\fB\\-\\-%.*s", (int)strcspn(name, "-"), name);
            assert_contains(man, line);
        }
    }
#define X(name, number, text)                                                                      \
    snprintf(line, sizeof line, ".B %d\n", number);                                                \
    assert_contains(man, line);
    FA_EXIT_LIST(X)
#undef X
    free(man);
}

static void the_completion_names_every_command_and_option(void **state)
{
    char *script = document(fa_completion), line[128];
    for (size_t i = 0; i < fa_command_count; i++) {
        snprintf(line, sizeof line, "\"%s \"*)", fa_commands[i]->name);
        assert_contains(script, line);
        for (size_t o = 0; o < fa_commands[i]->option_count; o++) {
            snprintf(line, sizeof line, " --%s", fa_commands[i]->options[o].name);
            assert_contains(script, line);
        }
    }
    free(script);
}

static void every_command_explains_itself(void **state)
{
    for (size_t i = 0; i < fa_command_count; i++) {
        const struct fa_cmd *cmd = fa_commands[i];
        if (strlen(cmd->summary) > 60 || strlen(cmd->about) < 30 || cmd->example_count == 0 ||
            cmd->run == NULL || cmd->args_max < cmd->args_min ||
            (cmd->args_max > 0) != (cmd->usage[0] != '\0')) {
            fail_msg("firealarm %s is not complete", cmd->name);
        }
        for (size_t o = 0; o < cmd->option_count; o++) {
            const char *help = cmd->options[o].help;
            if (help[strlen(help) - 1] != '.') {
                fail_msg("firealarm %s --%s: its help is no sentence", cmd->name,
                         cmd->options[o].name);
            }
        }
    }
}

/* Of a terminal of 60 columns; the last one is left free. */
static void help_fits_the_terminal_and_its_columns_are_straight(void **state)
{
    char *text = NULL;
    size_t len = 0, column = 0;
    struct fa_screen screen = {.file = open_memstream(&text, &len), .columns = 60};
    fa_help_all(&screen, NULL);
    fclose(screen.file);
    struct fa_str line, rest = {text, len};
    while (rest.len > 0) {
        line = fa_str_cut(rest, '\n', &rest);
        if (line.len >= 60) {
            fail_msg("too wide: %.*s", FA_STR_ARG(line));
        }
    }
    for (size_t i = 0; i < fa_command_count; i++) {
        char line_begin[64];
        int width = snprintf(line_begin, sizeof line_begin, "\n  %s ", fa_commands[i]->name);
        const char *at = strstr(text, line_begin);
        assert_non_null(at);
        size_t found = (size_t)width + strspn(at + width, " ");
        column = column == 0 ? found : column;
        assert_int_equal(found, column);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_named_with_what_was_meant),
        cmocka_unit_test(a_text_typed_as_an_argument_is_not_repeated),
        cmocka_unit_test(options_and_words_may_be_mixed),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(help_needs_no_complete_command_line),
        cmocka_unit_test(the_man_page_names_every_command_option_and_exit_code),
        cmocka_unit_test(the_completion_names_every_command_and_option),
        cmocka_unit_test(every_command_explains_itself),
        cmocka_unit_test(help_fits_the_terminal_and_its_columns_are_straight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::LIBCONFIG */
/* The scanner and the files: what libconfig would misread is found with line and column, what it
 * would read is let through, and one bad file spoils only itself. */
#include "fa_test.h"

#include "base/id.h"
#include "config/config.h"
#include "config/scan.h"

#include <dirent.h>
#include <libconfig.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
    char text[4096];
    size_t count;
};

static void on_fault(void *ctx, const struct fa_err *err)
{
    struct seen *seen = ctx;
    char line[1024];
    size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof seen->text - len, "%s\n",
             fa_err_format(err, line, sizeof line));
    seen->count++;
}

static void on_config_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    if (!is_warning) {
        on_fault(ctx, err);
    }
}

static int scan(struct fa_str text, struct seen *seen)
{
    struct fa_scan result;
    memset(seen, 0, sizeof *seen);
    int rc = fa_scan_text("f", text, on_fault, seen, &result);
    fa_scan_done(&result);
    return rc;
}

static void says_what_breaks_the_grammar_and_where(void **state)
{
    static const struct {
        const char *text, *expect;
    } rows[] = {
        {"a", "f:1:2: the file ends where '=' is expected"},
        {"a =", "f:1:4: the file ends where a value is expected"},
        {"a = ;", "f:1:5: expected a value, not ';'"},
        {"a = yes;",
         "f:1:5: 'yes' is no value: put text in quotes; truth values are true and false"},
        {"a = 15m;", "f:1:5: '15m' is neither a number nor a name; put text in quotes"},
        {"a = 1.2.3;", "f:1:5: '1.2.3' is neither"},
        {"a b;", "f:1:3: expected '=', not 'b'"},
        {"a = 1 2;", "f:1:7: expected ';', not '2'"},
        {"a = \"x\" 2;", "f:1:9: expected ';', not '2'"},
        {"a = \"x", "f:1:5: this text is not closed"},
        {"a = \"\\u00fc\";", "f:1:6: unknown escape"},
        {"a = \"x\\x00y\";", "f:1:7: a text cannot hold \\x00"},
        {"a = \"\\xg0\";", "f:1:6: unknown escape"},
        {"/* never", "f:1:1: this comment is not closed"},
        {"a = {\n b = 1;\n", "f:3:1: the file ends inside the '{' of line 1"},
        {"a = ( 1, 2;", "f:1:11: expected ',' or the end of the list, not ';'"},
        {"a = ( 1, );", "f:1:10: remove the comma before this ')'"},
        {"a = [ 1, ];", "f:1:10: remove the comma before this ']'"},
        {"a = ( 1 2 );", "f:1:9: expected ',' or the end of the list, not '2'"},
        {"a = ( 1 };", "f:1:9: '}' does not close the '(' of line 1"},
        {"}", "f:1:1: '}' closes nothing"},
        {"a = [ ( 1 ) ];", "f:1:7: an array [ ] holds only"},
        {"a = [ { } ];", "f:1:7: an array [ ] holds only"},
        {"a = 1;;", "f:1:7: expected a setting's name, not ';'"},
        {"a = ( b = 1 );", "f:1:7: 'b' is no value"},
        {"\n\n@include \"x.cfg\"\n", "f:3:1: @include is not read: put the file into conf.d/"},
        {"a.b = 1;", "f:1:1: 'a.b' is neither"},
        {"_a = 1;", "f:1:1: unexpected character (byte 0x5f)"},
        {"1 = 1;", "f:1:1: expected a setting's name, not '1'"},
        {"\"a\" = 1;", "f:1:1: expected a setting's name before this text"},
        {"\xef\xbb\xbf"
         "a = 1;",
         "f:1:1: the file begins with a byte order mark"},
        {"a = 1;\nb = \"\xff\";", "f:2: this line is not UTF-8"},
        {"a = $x;", "f:1:5: unexpected character (byte 0x24)"},
        {"a = 0xG;", "f:1:5: '0xG' is neither"},
        {"a = 1LLL;", "f:1:5: '1LLL' is neither"},
        {"a == 1;", "f:1:4: expected a value, not '='"},
        {"a = ((((((((((((((((( 1 )))))))))))))))));", "nested more than 16 deep"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen seen;
        int rc = scan(fa_str_of(rows[i].text), &seen);
        if (rc != FA_EPARSE || seen.count != 1 || strstr(seen.text, rows[i].expect) == NULL) {
            fail_msg("%s\nexpected %s\ngot %d, %zu: %s", rows[i].text, rows[i].expect, rc,
                     seen.count, seen.text);
        }
    }
    struct seen seen;
    assert_int_equal(scan(FA_STR("a = 1;\nb = \"\0\";"), &seen), FA_EPARSE);
    assert_contains(seen.text, "f:2:6: a zero byte");
}

static void what_it_lets_through_libconfig_reads(void **state)
{
    static const char *const rows[] = {
        "",
        "# nothing\n// at all\n/* here\n */",
        "a = 1; b : 2, c = 3\n d = 4",
        "a = { b = { c = ( { d = [ ]; }, ( ), \"x\" ); }; };",
        "a = \"one \" \"two\" # and\n \"three\";",
        "a = [ \"x\" \"y\", \"z\" ];",
        "a = \"\\\"\\\\\\n\\r\\t\\f\\x41 // no # comment /* here @include\";",
        "a = \"over\ntwo lines\";",
        "a = -5; b = +5; c = 0x7F; d = 5L; e = 0x10L; f = 1.5e3; g = -0.5; h = 1E-2;",
        "a = true; b = FALSE; c = True;",
        "a-b = 1; a*b = 2; *x = 3;",
        "a = 2147483647; b = -2147483648; c = 9223372036854775807L; d = -9223372036854775808L;",
        "a = 010;",
        "\r\na = 1;\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen seen;
        config_t tree;
        if (scan(fa_str_of(rows[i]), &seen) != 0 || seen.count != 0) {
            fail_msg("%s\n%s", rows[i], seen.text);
        }
        config_init(&tree);
        if (config_read_string(&tree, rows[i]) != CONFIG_TRUE) {
            fail_msg("%s\n%d %s", rows[i], config_error_line(&tree), config_error_text(&tree));
        }
        config_destroy(&tree);
    }
}

/* The scanner's grammar is libconfig's or narrower: what it accepts may fail there only for what it
 * leaves to libconfig. */
static void random_texts_never_pass_here_and_fail_there(void **state)
{
    static const char *const bits[] = {
        "a",    "b1",   " ",    "=",     ":",  ";",     ",",      "{",
        "}",    "(",    ")",    "[",     "]",  "1",     "-2",     "3L",
        "0x1f", "1.5",  "true", "\"x\"", "\n", "# c\n", "a = 1;", "b = ( { c = \"d\"; } );",
        "*",    "/*x*/"};
    struct fa_rng rng = {{5, 7}};
    size_t accepted = 0;
    for (int i = 0; i < 20000; i++) {
        char text[512] = "";
        for (uint64_t n = fa_rng_next(&rng) % 9; n > 0; n--) {
            strcat(text, bits[fa_rng_next(&rng) % (sizeof bits / sizeof bits[0])]);
        }
        struct seen seen;
        if (scan(fa_str_of(text), &seen) != 0) {
            continue;
        }
        config_t tree;
        accepted++;
        config_init(&tree);
        if (config_read_string(&tree, text) != CONFIG_TRUE &&
            strcmp(config_error_text(&tree), "syntax error") == 0) {
            fail_msg("%s", text);
        }
        config_destroy(&tree);
    }
    assert_true(accepted > 1000);
}

static void finds_every_number_that_would_wrap(void **state)
{
    static const struct {
        const char *text;
        size_t faults;
    } rows[] = {
        {"a = 2147483648;", 1},
        {"a = -2147483649;", 1},
        {"a = 3000000000;", 1},
        {"a = 99999999999999999999;", 1},
        {"a = 99999999999999999999999999999999999999999999999L;", 1},
        {"a = 9223372036854775808L;", 1},
        {"a = 0xFFFFFFFF;", 1},
        {"a = 0x80000000;", 1},
        {"a = [ 1, 3000000000, 4000000000 ];", 2},
        {"a = 3000000000; /* 3000000000 */ # 3000000000\nb = \"3000000000\"; c = 4000000000;", 2},
        {"a = 3000000000L; b = 3000000000.0; c = 3e9; d = 0xFFFFFFFFL;", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen seen;
        if (scan(fa_str_of(rows[i].text), &seen) != 0 || seen.count != rows[i].faults) {
            fail_msg("%s: %zu\n%s", rows[i].text, seen.count, seen.text);
        }
    }
    struct seen seen;
    struct fa_scan result;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(
        fa_scan_text("f", FA_STR("a = 1;\nb = 3000000000;\n"), on_fault, &seen, &result), 0);
    assert_contains(seen.text, "f:2:5: the number 3000000000 does not fit 32 bits");
    assert_false(fa_scan_is_wrapped(&result, 1));
    assert_true(fa_scan_is_wrapped(&result, 2));
    fa_scan_done(&result);
}

static void a_deep_nest_is_refused_and_costs_no_stack(void **state)
{
    size_t depth = 1000000;
    char *text = malloc(depth + 8);
    memcpy(text, "a = ", 4);
    memset(text + 4, '(', depth);
    struct seen seen;
    assert_int_equal(scan((struct fa_str){text, depth + 4}, &seen), FA_EPARSE);
    assert_contains(seen.text, "f:1:21: nested more than 16 deep");
    free(text);
}

static char temp[64];

static void write_in(const char *name, const char *text, size_t times)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", temp, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < times; i++) {
        fputs(text, file);
    }
    fclose(file);
}

static int make_temp(void **state)
{
    char path[200];
    snprintf(temp, sizeof temp, "/tmp/fa-files-XXXXXX");
    if (mkdtemp(temp) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/rules.d", temp);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/conf.d", temp);
    return mkdir(path, 0700);
}

static void remove_files(const char *sub)
{
    char path[200];
    snprintf(path, sizeof path, "%s%s", temp, sub);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char file[600];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        (void)unlink(file);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)rmdir(path);
}

static int remove_temp(void **state)
{
    remove_files("/rules.d");
    remove_files("/conf.d");
    remove_files("");
    return 0;
}

static struct seen load(void)
{
    struct seen seen = {0};
    char path[200];
    struct fa_config *config = NULL;
    snprintf(path, sizeof path, "%s/main.cfg", temp);
    if (fa_config_load(path, NULL, on_config_fault, &seen, &config) == 0) {
        fa_config_free(config);
        assert_int_equal(seen.count, 0);
    } else {
        assert_true(seen.count > 0);
    }
    return seen;
}

static void a_file_that_is_missing_or_no_file_is_named(void **state)
{
    struct seen seen = load();
    assert_contains(seen.text, "main.cfg: cannot be opened: No such file");
    char path[200];
    snprintf(path, sizeof path, "%s/main.cfg", temp);
    assert_int_equal(mkdir(path, 0700), 0);
    seen = load();
    assert_contains(seen.text, "main.cfg: is no plain file");
    (void)rmdir(path);
}

static void ten_megabytes_are_refused(void **state)
{
    write_in("main.cfg", "# a line of forty bytes, many times over.\n", 250000);
    struct seen seen = load();
    assert_int_equal(seen.count, 1);
    assert_contains(seen.text, "main.cfg: larger than 1024 KiB");
}

static void all_files_together_have_a_limit(void **state)
{
    write_in("main.cfg", "company = \"A\";\n", 1);
    for (int i = 0; i < 5; i++) {
        char name[40];
        snprintf(name, sizeof name, "conf.d/%d.cfg", i);
        write_in(name, "# a line of forty bytes, many times over.\n", 24000);
    }
    struct seen seen = load();
    assert_contains(seen.text, "all files together are larger than 4096 KiB");
}

static void a_syntax_error_ends_its_own_file_only(void **state)
{
    write_in("main.cfg", "company = \"A\";\nteams = (\n  { name = 5; } );\nwat = 1;\n", 1);
    write_in("rules.d/a.cfg", "rules = (\n  { name = \"x\" metric };\n", 1);
    write_in("rules.d/b.cfg", "rules = (\n\n  { name = \"y\"; abov = 5; } );\n", 1);
    write_in("conf.d/c.cfg", "a = 1;\na = 2;\n", 1);
    write_in("conf.d/ignored.txt", "{{{{", 1);
    write_in("conf.d/.hidden.cfg", "{{{{", 1);
    struct seen seen = load();
    assert_contains(seen.text, "main.cfg:3: name must be a text in quotes");
    assert_contains(seen.text, "main.cfg:4: unknown key 'wat'");
    assert_contains(seen.text, "rules.d/a.cfg:2:23: expected '=', not '}'");
    assert_contains(seen.text,
                    "rules.d/b.cfg:3: unknown key 'abov' in a rule (did you mean 'above'?)");
    assert_contains(seen.text, "conf.d/c.cfg:2: duplicate setting name");
    assert_null(strstr(seen.text, "ignored"));
    assert_null(strstr(seen.text, "there is no policy"));
}

static void a_name_or_a_scalar_in_two_files_names_both_places(void **state)
{
    write_in("main.cfg", "company = \"A\";\nteams = ( { name = \"t\"; members = \"x\"; } );\n", 1);
    write_in("conf.d/b.cfg",
             "\ncompany = \"B\";\n\nteams = (\n  { name = \"t\"; members = \"x\"; } );\n", 1);
    struct seen seen = load();
    assert_contains(seen.text, "conf.d/b.cfg:2: company was given already at ");
    assert_contains(seen.text, "main.cfg:1\n");
    assert_contains(seen.text, "conf.d/b.cfg:5: the team 't' was given already at ");
    assert_contains(seen.text, "main.cfg:2\n");
}

static void what_everybody_can_write_is_refused(void **state)
{
    char path[200];
    write_in("main.cfg", "company = \"A\";\n", 1);
    snprintf(path, sizeof path, "%s/main.cfg", temp);
    assert_int_equal(chmod(path, 0646), 0);
    struct seen seen = load();
    assert_contains(seen.text, "main.cfg: everybody on this machine may write it");
    assert_int_equal(chmod(path, 0644), 0);
    snprintf(path, sizeof path, "%s/rules.d", temp);
    assert_int_equal(chmod(path, 0777), 0);
    seen = load();
    assert_contains(seen.text, "rules.d: everybody on this machine may add files");
}

static void a_file_cannot_forge_a_marker(void **state)
{
    write_in("main.cfg", "company = \"A\";\n#@ file /etc/other.cfg\n", 1);
    struct seen seen = load();
    assert_contains(seen.text, "main.cfg:2:1: a line may not begin with \"#@ \"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_breaks_the_grammar_and_where),
        cmocka_unit_test(what_it_lets_through_libconfig_reads),
        cmocka_unit_test(random_texts_never_pass_here_and_fail_there),
        cmocka_unit_test(finds_every_number_that_would_wrap),
        cmocka_unit_test(a_deep_nest_is_refused_and_costs_no_stack),
        cmocka_unit_test_setup_teardown(a_file_that_is_missing_or_no_file_is_named, make_temp,
                                        remove_temp),
        cmocka_unit_test_setup_teardown(ten_megabytes_are_refused, make_temp, remove_temp),
        cmocka_unit_test_setup_teardown(all_files_together_have_a_limit, make_temp, remove_temp),
        cmocka_unit_test_setup_teardown(a_syntax_error_ends_its_own_file_only, make_temp,
                                        remove_temp),
        cmocka_unit_test_setup_teardown(a_name_or_a_scalar_in_two_files_names_both_places,
                                        make_temp, remove_temp),
        cmocka_unit_test_setup_teardown(what_everybody_can_write_is_refused, make_temp,
                                        remove_temp),
        cmocka_unit_test_setup_teardown(a_file_cannot_forge_a_marker, make_temp, remove_temp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "host/options.h"
#include "host/secret.h"
#include "tmpdir.h"

enum { URL, RETRIES, WAIT, TLS, TOKEN, METHOD, SHORT };
static const struct firealarm_option table[] = {
    [URL] = {.name = "url",
             .type = FIREALARM_OPT_TEXT,
             .flags = FIREALARM_OPT_REQUIRED,
             .help = "where to post"},
    [RETRIES] =
        {.name = "retries", .type = FIREALARM_OPT_INT, .default_text = "5", .min = 1, .max = 10},
    [WAIT] = {.name = "wait",
              .type = FIREALARM_OPT_DURATION,
              .default_text = "15s",
              .min = 1000,
              .max = 3600000},
    [TLS] = {.name = "tls", .type = FIREALARM_OPT_BOOL, .default_text = "true"},
    [TOKEN] = {.name = "token", .type = FIREALARM_OPT_SECRET},
    [METHOD] = {.name = "method",
                .type = FIREALARM_OPT_CHOICE,
                .default_text = "POST",
                .choices = "POST PUT"},
    [SHORT] = {.name = "short", .type = FIREALARM_OPT_TEXT, .max = 4},
    {.name = NULL},
};

#define TEXT(n, value, l)                                                                          \
    {                                                                                              \
        .name = (n), .kind = FA_GIVEN_TEXT, .text = FA_STR(value), .file = "a.cfg", .line = (l)    \
    }
#define INT(n, value, l)                                                                           \
    {                                                                                              \
        .name = (n), .kind = FA_GIVEN_INT, .number = (value), .file = "a.cfg", .line = (l)         \
    }

struct errors {
    char text[4096];
    size_t len, count;
};

static void keep_error(void *ctx, const struct fa_err *err)
{
    struct errors *errors = ctx;
    char line[800];
    errors->len += (size_t)snprintf(errors->text + errors->len, sizeof errors->text - errors->len,
                                    "%s\n", fa_err_format(err, line, sizeof line));
    errors->count++;
}

static int parse(const struct fa_option_given *given, size_t count, uint32_t flags,
                 const char *credentials, struct errors *errors, struct fa_options **ret_options)
{
    *errors = (struct errors){.len = 0};
    struct fa_options_input input = {.table = table,
                                     .what = "notifier \"pager\"",
                                     .name = "pager",
                                     .given = given,
                                     .count = count,
                                     .file = "a.cfg",
                                     .line = 40,
                                     .credentials_dir = credentials,
                                     .flags = flags};
    return fa_options_parse(&input, keep_error, errors, ret_options);
}

static void fills_in_defaults(void **state)
{
    const struct fa_option_given given[] = {TEXT("url", "https://x", 1)};
    struct errors errors;
    struct fa_options *options = NULL;
    assert_int_equal(parse(given, 1, 0, NULL, &errors, &options), 0);
    const struct firealarm_settings *settings = fa_options_settings(options);
    assert_string_equal(settings->name, "pager");
    assert_int_equal(settings->count, 7);
    assert_string_equal(settings->values[URL].text.ptr, "https://x");
    assert_int_equal(settings->values[URL].text.len, 9);
    assert_int_equal(settings->values[RETRIES].number, 5);
    assert_int_equal(settings->values[WAIT].number, 15000);
    assert_int_equal(settings->values[TLS].number, 1);
    assert_null(settings->values[TOKEN].text.ptr);
    assert_string_equal(settings->values[METHOD].text.ptr, "POST");
    assert_null(settings->values[SHORT].text.ptr);
    assert_null(fa_options_secret_path(options, TOKEN));
    fa_options_free(options);
}

static void takes_what_is_given(void **state)
{
    const struct fa_option_given given[] = {
        TEXT("url", "", 1),       {.name = "retries", .kind = FA_GIVEN_FLOAT, .real = 7.0},
        TEXT("wait", "1m30s", 3), {.name = "tls", .kind = FA_GIVEN_BOOL, .number = 0},
        TEXT("method", "PUT", 5), TEXT("short", "abcd", 6),
    };
    struct errors errors;
    struct fa_options *options = NULL;
    assert_int_equal(parse(given, 6, 0, NULL, &errors, &options), 0);
    const struct firealarm_value *values = fa_options_settings(options)->values;
    assert_string_equal(values[URL].text.ptr, ""); /* given and empty is not absent */
    assert_int_equal(values[RETRIES].number, 7);
    assert_int_equal(values[WAIT].number, 90000);
    assert_int_equal(values[TLS].number, 0);
    assert_string_equal(values[METHOD].text.ptr, "PUT");
    fa_options_free(options);
}

static void every_error_is_told_with_its_line(void **state)
{
    const struct fa_option_given given[] = {
        TEXT("ulr", "https://x", 1),
        INT("retries", 11, 2),
        TEXT("wait", "soon", 3),
        TEXT("tls", "true", 4),
        TEXT("method", "GET", 5),
        TEXT("short", "abcde", 6),
        TEXT("short", "abc", 7),
        {.name = "zzzzzzzz", .kind = FA_GIVEN_OTHER, .file = "b.cfg", .line = 8},
        {.name = "token", .kind = FA_GIVEN_OTHER, .file = "b.cfg", .line = 9},
    };
    static const char *const words[] = {
        "a.cfg:1: notifier \"pager\": there is no option \"ulr\"; did you mean \"url\"?\n",
        "a.cfg:2: notifier \"pager\": retries is 11, it must be from 1 to 10\n",
        "a.cfg:3: notifier \"pager\": wait = \"soon\" is no duration such as \"15m\"\n",
        "a.cfg:4: notifier \"pager\": tls is a text, it must be true or false without quotes\n",
        "a.cfg:5: notifier \"pager\": method = \"GET\" is not one of: POST PUT\n",
        "a.cfg:6: notifier \"pager\": short has 5 bytes, at most 4 are allowed\n",
        "a.cfg:7: notifier \"pager\": short is given twice\n",
        "b.cfg:8: notifier \"pager\": there is no option \"zzzzzzzz\"\n",
        "b.cfg:9: notifier \"pager\": token is a list or group, it must be the path of a file",
        "a.cfg:40: notifier \"pager\": url is missing: where to post\n",
    };
    struct errors errors;
    struct fa_options *options = NULL;
    assert_int_equal(parse(given, 9, 0, NULL, &errors, &options), FA_EINVAL);
    assert_null(options);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_contains(errors.text, words[i]);
    }
    assert_int_equal(errors.count, sizeof words / sizeof words[0]);
}

static void one_value_after_the_other(void **state)
{
    static const struct {
        struct fa_option_given given;
        const char *words; /* NULL: accepted */
    } rows[] = {
        {INT("retries", 1, 1), NULL},
        {INT("retries", 10, 1), NULL},
        {INT("retries", 0, 1), "retries is 0, it must be from 1 to 10"},
        {INT("retries", INT64_MIN, 1), "it must be from 1 to 10"},
        {{.name = "retries", .kind = FA_GIVEN_FLOAT, .real = 2.5}, "retries is a fraction"},
        {{.name = "retries", .kind = FA_GIVEN_FLOAT, .real = 1e300}, "retries is a fraction"},
        {{.name = "retries", .kind = FA_GIVEN_FLOAT, .real = NAN}, "retries is a fraction"},
        {TEXT("retries", "5", 1), "retries is a text, it must be a whole number without quotes"},
        {INT("wait", 15, 1), "wait is a whole number, it must be a duration in quotes"},
        {TEXT("wait", "999ms", 1), "wait is 999ms, it must be from 1s to 1h"},
        {TEXT("wait", "99999999w", 1), "wait = \"99999999w\" is out of range"},
        {TEXT("wait", "1h", 1), NULL},
        {TEXT("method", "POST PUT", 1), "is not one of"},
        {TEXT("method", "", 1), "is not one of"},
        {TEXT("short", "a\0b", 1), "short contains a NUL byte"},
        {TEXT("short", "\xff", 1), "short is not valid UTF-8"},
        {INT("tls", 1, 1), "tls is a whole number, it must be true or false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_option_given given[] = {TEXT("url", "x", 1), rows[i].given};
        struct errors errors;
        struct fa_options *options = NULL;
        int rc = parse(given, 2, 0, NULL, &errors, &options);
        if (rc != (rows[i].words == NULL ? 0 : FA_EINVAL)) {
            fail_msg("row %zu: rc %d %s", i, rc, errors.text);
        }
        if (rows[i].words != NULL) {
            assert_contains(errors.text, rows[i].words);
        }
        fa_options_free(options);
    }
}

static void secrets_are_read_from_files(void **state)
{
    struct tmpdir dir;
    struct errors errors;
    struct fa_options *options = NULL;
    tmpdir_make(&dir);
    tmpdir_write(&dir, "pager-token", "s3cret\n", 0600);
    const char *path = tmpdir_file(&dir, "pager-token");
    struct fa_option_given by_path[] = {TEXT("url", "x", 1), TEXT("token", "", 2)};
    by_path[1].text = fa_str_of(path);
    assert_int_equal(parse(by_path, 2, 0, NULL, &errors, &options), 0);
    assert_string_equal(fa_options_settings(options)->values[TOKEN].text.ptr, "s3cret");
    assert_string_equal(fa_options_secret_path(options, TOKEN), path);
    fa_options_free(options);

    const struct fa_option_given by_name[] = {TEXT("url", "x", 1), TEXT("token", "pager-token", 2)};
    assert_int_equal(parse(by_name, 2, 0, dir.path, &errors, &options), 0);
    assert_string_equal(fa_options_settings(options)->values[TOKEN].text.ptr, "s3cret");
    fa_options_free(options);

    unlink(path);
    assert_int_equal(parse(by_name, 2, FA_OPTIONS_SECRETS_UNREAD, dir.path, &errors, &options), 0);
    assert_null(fa_options_settings(options)->values[TOKEN].text.ptr);
    assert_string_equal(fa_options_secret_path(options, TOKEN), path);
    fa_options_free(options);

    assert_int_equal(parse(by_name, 2, 0, dir.path, &errors, &options), FA_EDENIED);
    assert_contains(errors.text, "a.cfg:2: notifier \"pager\": token: ");
    assert_int_equal(parse(by_name, 2, 0, NULL, &errors, &options), FA_EINVAL);
    assert_contains(errors.text, "started without credentials");
    tmpdir_remove(&dir);
}

/* Somebody may write the secret itself where the name of its file belongs. */
static void a_secret_in_the_configuration_is_refused_and_not_repeated(void **state)
{
    static const char *const values[] = {"hunter2/", "a/hunter2", "..", ".", ""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct fa_option_given given[] = {TEXT("url", "x", 1), TEXT("token", "", 2)};
        struct errors errors;
        struct fa_options *options = NULL;
        given[1].text = fa_str_of(values[i]);
        assert_int_equal(parse(given, 2, 0, "/run/credentials", &errors, &options), FA_EINVAL);
        assert_null(strstr(errors.text, "hunter2"));
    }
}

static void a_secret_file_must_be_private_plain_and_small(void **state)
{
    static char large[FA_SECRET_MAX + 2];
    static const struct {
        const char *text;
        mode_t mode;
        int rc;
        const char *result;
    } rows[] = {
        {"secret", 0600, 0, "secret"},
        {"secret\n", 0640, 0, "secret"},
        {"secret\r\n", 0400, 0, "secret"},
        {"secret\n\n", 0600, 0, "secret\n"},
        {" two words ", 0600, 0, " two words "},
        {"secret", 0604, FA_EDENIED, "lets others at this secret"},
        {"secret", 0602, FA_EDENIED, "mode 0602"},
        {"", 0600, FA_EINVAL, "the secret is empty"},
        {"\n", 0600, FA_EINVAL, "the secret is empty"},
        {large, 0600, FA_ETOOBIG, "larger than 64 KiB"},
    };
    struct tmpdir dir;
    tmpdir_make(&dir);
    memset(large, 'x', sizeof large - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        size_t len = 0;
        struct fa_err err = {.text = ""};
        tmpdir_write(&dir, "s", rows[i].text, rows[i].mode);
        int rc = fa_secret_read(tmpdir_file(&dir, "s"), &text, &len, &err);
        if (rc != rows[i].rc) {
            fail_msg("row %zu: rc %d %s", i, rc, err.text);
        }
        if (rc == 0) {
            assert_string_equal(text, rows[i].result);
            assert_int_equal(len, strlen(rows[i].result));
        } else {
            assert_contains(err.text, rows[i].result);
            assert_contains(err.text, dir.path);
        }
        fa_secret_free(text, len);
        unlink(tmpdir_file(&dir, "s"));
    }
    char *text = NULL;
    size_t len = 0;
    struct fa_err err;
    assert_int_equal(mkfifo(tmpdir_file(&dir, "fifo"), 0600), 0);
    assert_int_equal(fa_secret_read(tmpdir_file(&dir, "fifo"), &text, &len, &err), FA_EINVAL);
    assert_int_equal(fa_secret_read(dir.path, &text, &len, &err), FA_EINVAL);
    assert_int_equal(fa_secret_read("/nonexistent/s", &text, &len, &err), FA_ENOTFOUND);
    tmpdir_remove(&dir);
}

static void a_table_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        struct firealarm_option option;
        const char *words;
    } rows[] = {
        {{.name = "", .type = FIREALARM_OPT_TEXT}, "entry 1 (\"\") has an empty name"},
        {{.name = "a", .type = 0}, "unknown type"},
        {{.name = "a", .type = FIREALARM_OPT_INT, .min = 5, .max = 1}, "ends before it begins"},
        {{.name = "a", .type = FIREALARM_OPT_CHOICE}, "choice without choices"},
        {{.name = "a", .type = FIREALARM_OPT_CHOICE, .choices = "x y", .default_text = "z"},
         "is not one of: x y"},
        {{.name = "a",
          .type = FIREALARM_OPT_INT,
          .default_text = "1",
          .flags = FIREALARM_OPT_REQUIRED},
         "is required and has a default"},
        {{.name = "a", .type = FIREALARM_OPT_SECRET, .default_text = "x"},
         "secret and has a default"},
        {{.name = "a", .type = FIREALARM_OPT_INT, .default_text = "five"}, "is no whole number"},
        {{.name = "a", .type = FIREALARM_OPT_BOOL, .default_text = "1"}, "is no true or false"},
        {{.name = "a", .type = FIREALARM_OPT_INT, .default_text = "9", .max = 5}, "from 0 to 5"},
    };
    struct fa_err err;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct firealarm_option options[] = {rows[i].option, {.name = NULL}};
        assert_int_equal(fa_options_check_table(options, &err), FA_ECORRUPT);
        assert_contains(err.text, rows[i].words);
        assert_contains(err.text, "option table: ");
    }
    const struct firealarm_option twice[] = {{.name = "a", .type = FIREALARM_OPT_TEXT},
                                             {.name = "a", .type = FIREALARM_OPT_TEXT},
                                             {.name = NULL}};
    assert_int_equal(fa_options_check_table(twice, &err), FA_ECORRUPT);
    assert_contains(err.text, "is there twice");
    struct firealarm_option endless[70];
    char names[70][8];
    for (size_t i = 0; i < 70; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        endless[i] = (struct firealarm_option){.name = names[i], .type = FIREALARM_OPT_TEXT};
    }
    assert_int_equal(fa_options_check_table(endless, &err), FA_ECORRUPT);
    assert_contains(err.text, "has no end");
    assert_int_equal(fa_options_check_table(table, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_defaults),
        cmocka_unit_test(takes_what_is_given),
        cmocka_unit_test(every_error_is_told_with_its_line),
        cmocka_unit_test(one_value_after_the_other),
        cmocka_unit_test(secrets_are_read_from_files),
        cmocka_unit_test(a_secret_in_the_configuration_is_refused_and_not_repeated),
        cmocka_unit_test(a_secret_file_must_be_private_plain_and_small),
        cmocka_unit_test(a_table_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

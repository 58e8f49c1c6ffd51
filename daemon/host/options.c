/* SPDX-License-Identifier: MIT */
/* Options of plugins. Decides whether a configuration group fits a plugin's option table and turns
 * it into settings. A default takes the same way as a given value, so a table whose defaults do
 * not fit is refused when the plugin is loaded, not when somebody relies on one.
 *
 * Every error is reported with its file and line; a value that was refused is not looked at again.
 * It does not read the environment, and it does not ask the plugin: check() comes after it. */
#include "host/options.h"

#include "base/panic.h"
#include "base/time.h"
#include "host/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the walk over a table whose author forgot the end. */
#define OPTIONS_MAX 64

struct fa_options {
    struct firealarm_settings settings;
    const struct firealarm_option *table;
    char *name;
    struct firealarm_value *values; /* texts owned */
    char **paths;                   /* of secrets, else NULL */
};

/* One run of fa_options_parse. */
struct parse {
    const struct fa_options_input *input;
    struct fa_options *options;
    fa_options_error_fn *on_error;
    void *ctx;
    unsigned wrong, unread; /* errors in the text; secrets that could not be read */
};

size_t fa_options_count(const struct firealarm_option *table)
{
    size_t count = 0;
    while (count < OPTIONS_MAX && table[count].name != NULL) {
        count++;
    }
    return count;
}

static bool is_choice(const char *choices, struct fa_str text)
{
    struct fa_str rest = fa_str_of(choices);
    while (rest.ptr != NULL && rest.len > 0) {
        struct fa_str word = fa_str_cut(rest, ' ', &rest);
        if (word.len > 0 && fa_str_eq(word, text)) {
            return true;
        }
    }
    return false;
}

static const char *format_number(const struct firealarm_option *option, int64_t number,
                                 char buf[40])
{
    if (option->type == FIREALARM_OPT_DURATION) {
        return fa_format_duration(number, buf);
    }
    snprintf(buf, 40, "%lld", (long long)number);
    return buf;
}

static int check_range(const struct firealarm_option *option, int64_t number, struct fa_err *err)
{
    if ((option->min == 0 && option->max == 0) ||
        (number >= option->min && number <= option->max)) {
        return 0;
    }
    char is[40], min[40], max[40];
    return fa_err_set(err, FA_ERANGE, "%s is %s, it must be from %s to %s", option->name,
                      format_number(option, number, is), format_number(option, option->min, min),
                      format_number(option, option->max, max));
}

/* A number as text: the spelling of defaults. */
static int parse_number(const struct firealarm_option *option, struct fa_str text,
                        int64_t *ret_number, struct fa_err *err)
{
    int rc;
    if (option->type == FIREALARM_OPT_DURATION) {
        rc = fa_parse_duration(text, ret_number);
    } else if (option->type == FIREALARM_OPT_BOOL) {
        *ret_number = fa_str_is(text, "true");
        rc = fa_str_is(text, "true") || fa_str_is(text, "false") ? 0 : FA_EPARSE;
    } else {
        rc = fa_parse_i64(text, ret_number);
    }
    if (rc == FA_ERANGE) {
        return fa_err_set(err, rc, "%s = \"%.*s\" is out of range", option->name, FA_STR_ARG(text));
    }
    if (rc < 0) {
        return fa_err_set(err, FA_EPARSE, "%s = \"%.*s\" is no %s", option->name,
                          (int)(text.len < 60 ? text.len : 60), text.ptr,
                          option->type == FIREALARM_OPT_DURATION ? "duration such as \"15m\""
                          : option->type == FIREALARM_OPT_BOOL   ? "true or false"
                                                                 : "whole number");
    }
    return check_range(option, *ret_number, err);
}

static int check_text(const struct firealarm_option *option, struct fa_str text, struct fa_err *err)
{
    if (option->type == FIREALARM_OPT_CHOICE && !is_choice(option->choices, text)) {
        return fa_err_set(err, FA_EINVAL, "%s = \"%.*s\" is not one of: %s", option->name,
                          FA_STR_ARG(text), option->choices);
    }
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
        return fa_err_set(err, FA_EINVAL, "%s contains a NUL byte", option->name);
    }
    if (!fa_utf8_valid(text)) {
        return fa_err_set(err, FA_EINVAL, "%s is not valid UTF-8", option->name);
    }
    if (option->type == FIREALARM_OPT_TEXT && option->max > 0 && text.len > (size_t)option->max) {
        return fa_err_set(err, FA_ERANGE, "%s has %zu bytes, at most %lld are allowed",
                          option->name, text.len, (long long)option->max);
    }
    return 0;
}

static bool is_number(const struct firealarm_option *option)
{
    return option->type == FIREALARM_OPT_INT || option->type == FIREALARM_OPT_DURATION ||
           option->type == FIREALARM_OPT_BOOL;
}

static int check_option(const struct firealarm_option *table, size_t i, struct fa_err *err)
{
    const struct firealarm_option *option = &table[i];
    const char *defect = NULL;
    if (option->name[0] == '\0') {
        defect = "has an empty name";
    } else if (option->type < FIREALARM_OPT_TEXT || option->type > FIREALARM_OPT_CHOICE) {
        defect = "has an unknown type";
    } else if (option->min > option->max) {
        defect = "has a range that ends before it begins";
    } else if (option->type == FIREALARM_OPT_CHOICE &&
               (option->choices == NULL || option->choices[0] == '\0')) {
        defect = "is a choice without choices";
    } else if ((option->flags & FIREALARM_OPT_REQUIRED) != 0 && option->default_text != NULL) {
        defect = "is required and has a default";
    } else if (option->type == FIREALARM_OPT_SECRET && option->default_text != NULL) {
        defect = "is a secret and has a default";
    }
    for (size_t k = 0; k < i && defect == NULL; k++) {
        defect = strcmp(table[k].name, option->name) == 0 ? "is there twice" : NULL;
    }
    return defect == NULL ? 0
                          : fa_err_set(err, FA_ECORRUPT, "option table: entry %zu (\"%.40s\") %s",
                                       i + 1, option->name, defect);
}

int fa_options_check_table(const struct firealarm_option *table, struct fa_err *err)
{
    for (size_t i = 0; i < OPTIONS_MAX; i++) {
        const struct firealarm_option *option = &table[i];
        if (option->name == NULL) {
            return 0;
        }
        int rc = check_option(table, i, err);
        if (rc == 0 && option->default_text != NULL) {
            int64_t number;
            struct fa_str text = fa_str_of(option->default_text);
            rc = is_number(option) ? parse_number(option, text, &number, err)
                                   : check_text(option, text, err);
            if (rc < 0) {
                fa_err_wrap(err, "option table: default of entry %zu", i + 1);
                err->code = FA_ECORRUPT;
            }
        }
        if (rc < 0) {
            return FA_ECORRUPT;
        }
    }
    return fa_err_set(err, FA_ECORRUPT, "option table: has no end or more than %d entries",
                      OPTIONS_MAX - 1);
}

static void report_at(struct parse *parse, const char *file, uint32_t line, struct fa_err *err)
{
    snprintf(err->file, sizeof err->file, "%s", file != NULL ? file : "");
    err->line = line;
    err->col = 0;
    if (parse->input->what != NULL) {
        fa_err_wrap(err, "%s", parse->input->what);
    }
    parse->on_error(parse->ctx, err);
}

static void FA_PRINTF(3, 4)
    wrong(struct parse *parse, const struct fa_option_given *given, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct fa_err err;
    fa_err_set(&err, FA_EINVAL, "%s", text);
    parse->wrong++;
    report_at(parse, given->file, given->line, &err);
}

static void report(struct parse *parse, const struct fa_option_given *given, struct fa_err *err)
{
    parse->wrong++;
    report_at(parse, given->file, given->line, err);
}

static const char *given_words(enum fa_given_kind kind)
{
    switch (kind) {
    case FA_GIVEN_TEXT:
        return "a text";
    case FA_GIVEN_INT:
        return "a whole number";
    case FA_GIVEN_BOOL:
        return "true or false";
    case FA_GIVEN_FLOAT:
        return "a fraction";
    case FA_GIVEN_OTHER:
    default:
        return "a list or group";
    }
}

static const char *wanted_words(uint32_t type)
{
    switch (type) {
    case FIREALARM_OPT_INT:
        return "a whole number without quotes";
    case FIREALARM_OPT_DURATION:
        return "a duration in quotes, such as \"15m\"";
    case FIREALARM_OPT_BOOL:
        return "true or false without quotes";
    case FIREALARM_OPT_SECRET:
        return "the path of a file or the name of a credential, in quotes";
    default:
        return "a text in quotes";
    }
}

/* Does the kind of what was given fit the option? A whole number written as 5.0 does. */
static bool kind_fits(const struct firealarm_option *option, const struct fa_option_given *given)
{
    if (option->type == FIREALARM_OPT_INT) {
        return given->kind == FA_GIVEN_INT ||
               (given->kind == FA_GIVEN_FLOAT && given->real >= -9007199254740992.0 &&
                given->real <= 9007199254740992.0 && given->real == (double)(int64_t)given->real);
    }
    if (option->type == FIREALARM_OPT_BOOL) {
        return given->kind == FA_GIVEN_BOOL;
    }
    return given->kind == FA_GIVEN_TEXT;
}

static void read_secret(struct parse *parse, size_t i, const struct fa_option_given *given)
{
    struct fa_options *options = parse->options;
    struct fa_err err;
    if (fa_secret_resolve(given->text, parse->input->credentials_dir, &options->paths[i], &err) <
        0) {
        fa_err_wrap(&err, "%s", given->name);
        report(parse, given, &err);
        return;
    }
    char *text = NULL;
    size_t len = 0;
    if ((parse->input->flags & FA_OPTIONS_SECRETS_UNREAD) != 0) {
        return;
    }
    if (fa_secret_read(options->paths[i], &text, &len, &err) < 0) {
        fa_err_wrap(&err, "%s", given->name);
        parse->unread++;
        report_at(parse, given->file, given->line, &err);
        return;
    }
    options->values[i].text = (struct firealarm_text){text, len};
}

static void take_value(struct parse *parse, size_t i, const struct fa_option_given *given)
{
    const struct firealarm_option *option = &parse->input->table[i];
    struct firealarm_value *value = &parse->options->values[i];
    struct fa_err err;
    int rc = 0;
    if (!kind_fits(option, given)) {
        wrong(parse, given, "%s is %s, it must be %s", given->name, given_words(given->kind),
              wanted_words(option->type));
        return;
    }
    if (option->type == FIREALARM_OPT_SECRET) {
        read_secret(parse, i, given);
        return;
    }
    if (option->type == FIREALARM_OPT_DURATION) {
        rc = parse_number(option, given->text, &value->number, &err);
    } else if (is_number(option)) {
        value->number = given->kind == FA_GIVEN_FLOAT ? (int64_t)given->real : given->number;
        rc = option->type == FIREALARM_OPT_INT ? check_range(option, value->number, &err) : 0;
    } else {
        rc = check_text(option, given->text, &err);
        if (rc == 0) {
            const char *ptr = given->text.len > 0 ? given->text.ptr : "";
            value->text.len = given->text.len;
            value->text.ptr = fa_xstrndup(ptr, given->text.len);
        }
    }
    if (rc < 0) {
        report(parse, given, &err);
    }
}

/* A checked table's default always fits. */
static void take_default(struct parse *parse, size_t i)
{
    const struct firealarm_option *option = &parse->input->table[i];
    struct firealarm_value *value = &parse->options->values[i];
    struct fa_err err;
    if (option->default_text == NULL) {
        if ((option->flags & FIREALARM_OPT_REQUIRED) != 0) {
            parse->wrong++;
            fa_err_set(&err, FA_EINVAL, "%s is missing: %s", option->name,
                       option->help != NULL ? option->help : wanted_words(option->type));
            report_at(parse, parse->input->file, parse->input->line, &err);
        }
    } else if (is_number(option)) {
        int rc = parse_number(option, fa_str_of(option->default_text), &value->number, &err);
        fa_assert(rc == 0);
    } else {
        size_t len = strlen(option->default_text);
        value->text = (struct firealarm_text){fa_xstrdup(option->default_text), len};
    }
}

static void refuse_unknown(struct parse *parse, const struct fa_option_given *given)
{
    const char *names[OPTIONS_MAX];
    size_t count = fa_options_count(parse->input->table);
    for (size_t i = 0; i < count; i++) {
        names[i] = parse->input->table[i].name;
    }
    const char *near = fa_suggest(given->name, names, count);
    if (near != NULL) {
        wrong(parse, given, "there is no option \"%.60s\"; did you mean \"%s\"?", given->name,
              near);
    } else {
        wrong(parse, given, "there is no option \"%.60s\"", given->name);
    }
}

static void take_all(struct parse *parse)
{
    const struct fa_options_input *input = parse->input;
    bool seen[OPTIONS_MAX] = {false};
    size_t count = fa_options_count(input->table);
    for (size_t k = 0; k < input->count; k++) {
        const struct fa_option_given *given = &input->given[k];
        size_t i = 0;
        while (i < count && strcmp(input->table[i].name, given->name) != 0) {
            i++;
        }
        if (i == count) {
            refuse_unknown(parse, given);
        } else if (seen[i]) {
            wrong(parse, given, "%s is given twice", given->name);
        } else {
            seen[i] = true;
            take_value(parse, i, given);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!seen[i]) {
            take_default(parse, i);
        }
    }
}

int fa_options_parse(const struct fa_options_input *input, fa_options_error_fn *on_error, void *ctx,
                     struct fa_options **ret_options)
{
    size_t count = fa_options_count(input->table);
    struct fa_options *options = fa_xcalloc(1, sizeof *options);
    options->table = input->table;
    options->name = fa_xstrdup(input->name);
    options->values = fa_xcalloc(count, sizeof *options->values);
    options->paths = fa_xcalloc(count, sizeof *options->paths);
    options->settings =
        (struct firealarm_settings){options->name, options->values, (uint32_t)count};

    struct parse parse = {.input = input, .options = options, .on_error = on_error, .ctx = ctx};
    take_all(&parse);
    if (parse.wrong > 0 || parse.unread > 0) {
        fa_options_free(options);
        return parse.wrong > 0 ? FA_EINVAL : FA_EDENIED;
    }
    *ret_options = options;
    return 0;
}

void fa_options_free(struct fa_options *options)
{
    if (options == NULL) {
        return;
    }
    for (uint32_t i = 0; i < options->settings.count; i++) {
        struct firealarm_text text = options->values[i].text;
        char *owned = NULL;
        memcpy(&owned, &text.ptr, sizeof owned);
        fa_secret_free(owned, text.len);
        free(options->paths[i]);
    }
    free(options->values);
    free(options->paths);
    free(options->name);
    free(options);
}

const struct firealarm_settings *fa_options_settings(const struct fa_options *options)
{
    return &options->settings;
}

const char *fa_options_secret_path(const struct fa_options *options, size_t i)
{
    return i < options->settings.count ? options->paths[i] : NULL;
}

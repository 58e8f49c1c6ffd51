/* SPDX-License-Identifier: MIT */
/* links: fa_host */
/* Options of a plugin from any bytes. One option a line: a letter for what was given (t text, i
 * int, b bool, f float, o other), the name, '=', the value. Whatever is given, an accepted set of
 * values keeps what the table says. */
#include "host/options.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define GIVEN_MAX 32

static const struct firealarm_option table[] = {
    {.name = "text", .type = FIREALARM_OPT_TEXT, .max = 20},
    {.name = "count", .type = FIREALARM_OPT_INT, .default_text = "5", .min = -3, .max = 10},
    {.name = "wait", .type = FIREALARM_OPT_DURATION, .default_text = "15s", .min = 1, .max = 60000},
    {.name = "flag", .type = FIREALARM_OPT_BOOL, .default_text = "true"},
    {.name = "token", .type = FIREALARM_OPT_SECRET},
    {.name = "method", .type = FIREALARM_OPT_CHOICE, .default_text = "PUT", .choices = "PUT POST"},
    {.name = NULL},
};

static void ignore_error(void *ctx, const struct fa_err *err)
{
    ++*(size_t *)ctx;
    fa_assert(err->code < 0 && err->text[0] != '\0');
}

static struct fa_option_given read_line(struct fa_str line, char name[64])
{
    struct fa_option_given given = {.name = name, .line = 1};
    struct fa_str value, key = fa_str_cut(line, '=', &value);
    char kind = key.len > 0 ? key.ptr[0] : 'o';
    size_t len = key.len > 1 ? key.len - 1 : 0;
    len = len < 63 ? len : 63;
    if (len > 0) {
        memcpy(name, key.ptr + 1, len);
    }
    name[len] = '\0';
    given.kind = kind == 't'   ? FA_GIVEN_TEXT
                 : kind == 'i' ? FA_GIVEN_INT
                 : kind == 'b' ? FA_GIVEN_BOOL
                 : kind == 'f' ? FA_GIVEN_FLOAT
                               : FA_GIVEN_OTHER;
    given.text = value;
    if (fa_parse_i64(value, &given.number) < 0 || kind == 'b') {
        given.number = value.len % 2 == 0;
    }
    if (fa_parse_double(value, &given.real) < 0) {
        given.real = 0.5;
    }
    return given;
}

static void check(const struct firealarm_value *values)
{
    fa_assert(values[0].text.ptr == NULL || values[0].text.len <= 20);
    fa_assert(values[1].number >= -3 && values[1].number <= 10);
    fa_assert(values[2].number >= 1 && values[2].number <= 60000);
    fa_assert(values[3].number == 0 || values[3].number == 1);
    fa_assert(values[4].text.ptr == NULL);
    fa_assert(strcmp(values[5].text.ptr, "PUT") == 0 || strcmp(values[5].text.ptr, "POST") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_option_given given[GIVEN_MAX];
    char names[GIVEN_MAX][64];
    size_t count = 0, errors = 0;
    struct fa_str rest = {(const char *)data, size};
    while (rest.ptr != NULL && rest.len > 0 && count < GIVEN_MAX) {
        given[count] = read_line(fa_str_cut(rest, '\n', &rest), names[count]);
        count++;
    }
    struct fa_options_input input = {.table = table,
                                     .what = "fuzz",
                                     .name = "fuzz",
                                     .given = given,
                                     .count = count,
                                     .credentials_dir = "/nonexistent",
                                     .flags = FA_OPTIONS_SECRETS_UNREAD};
    struct fa_options *options = NULL;
    int rc = fa_options_parse(&input, ignore_error, &errors, &options);
    fa_assert((rc == 0) == (errors == 0));
    if (rc == 0) {
        check(fa_options_settings(options)->values);
        fa_options_free(options);
    }
    return 0;
}

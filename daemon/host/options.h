/* SPDX-License-Identifier: MIT */
/* Turns what a configuration group says into the settings that a plugin gets, by the plugin's own
 * option table: types, defaults, ranges, durations, choices, required ones, unknown names with a
 * suggestion. Every error is reported, not only the first. */
#ifndef FA_HOST_OPTIONS_H
#define FA_HOST_OPTIONS_H

#include "base/err.h"
#include "base/str.h"

#include <firealarm/plugin.h>

enum fa_given_kind {
    FA_GIVEN_TEXT,
    FA_GIVEN_INT,
    FA_GIVEN_BOOL,
    FA_GIVEN_FLOAT,
    FA_GIVEN_OTHER, /* a list or a group: always refused */
};

/* One `name = value;` of the group. All borrowed until fa_options_parse returns. */
struct fa_option_given {
    const char *name;
    enum fa_given_kind kind;
    struct fa_str text; /* FA_GIVEN_TEXT */
    int64_t number;     /* FA_GIVEN_INT; FA_GIVEN_BOOL: 0 or 1 */
    double real;        /* FA_GIVEN_FLOAT */
    const char *file;   /* may be NULL */
    uint32_t line;      /* 0: not known */
};

/* Secrets are not read: their value is a NULL text, fa_options_secret_path names the file. */
#define FA_OPTIONS_SECRETS_UNREAD 1u

struct fa_options_input {
    const struct firealarm_option *table; /* the plugin's; must outlive the result */
    const char *what;                     /* for messages: `notifier "pager"` */
    const char *name;                     /* the instance's name; copied */
    const struct fa_option_given *given;
    size_t count;
    const char *file; /* where the group is: for options that are missing; may be NULL */
    uint32_t line;
    const char *credentials_dir; /* systemd's credential directory, NULL: there is none */
    uint32_t flags;
};

struct fa_options;

typedef void fa_options_error_fn(void *ctx, const struct fa_err *err);

/* Calls on_error once for every error, with file and line. FA_EINVAL: something is wrong and
 * *ret_options is not written. FA_EDENIED: the options are right but a secret could not be read
 * (that costs a channel, not the configuration); *ret_options is not written either. */
int fa_options_parse(const struct fa_options_input *input, fa_options_error_fn *on_error, void *ctx,
                     struct fa_options **ret_options) FA_MUST_CHECK;
/* Overwrites the secrets and frees. Accepts NULL. */
void fa_options_free(struct fa_options *options);

/* Valid until fa_options_free. Texts are NUL-terminated as well. */
const struct firealarm_settings *fa_options_settings(const struct fa_options *options);
/* The file of the i-th option if that is a secret that was given, else NULL. */
const char *fa_options_secret_path(const struct fa_options *options, size_t i);

/* Is the table itself sound (names, types, ranges, defaults)? FA_ECORRUPT says what is not. */
int fa_options_check_table(const struct firealarm_option *table, struct fa_err *err) FA_MUST_CHECK;
size_t fa_options_count(const struct firealarm_option *table);

#endif

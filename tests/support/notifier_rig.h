/* SPDX-License-Identifier: MIT */
/* One instance of the linked notifier plugin, from options as the host reads them. */
#ifndef FA_TESTS_NOTIFIER_RIG_H
#define FA_TESTS_NOTIFIER_RIG_H

#include "fa_test.h"
#include "host/options.h"

#include <firealarm/notifier.h>

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

/* Why notifier_make() gave nothing. */
static char notifier_errors[1024];

static inline void notifier_on_error(void *ctx, const struct fa_err *err)
{
    snprintf(notifier_errors, sizeof notifier_errors, "%s", err->text);
}

/* 0 with options and a self, which are the caller's, or -1 and the words in notifier_errors. */
static inline int notifier_make(const struct fa_option_given *given, size_t count,
                                struct fa_options **options, void **self)
{
    struct fa_options_input input = {.table = firealarm_notifier.options,
                                     .what = "notifier \"it\"",
                                     .name = "it",
                                     .given = given,
                                     .count = count};
    struct firealarm_error error = {""};
    notifier_errors[0] = '\0';
    if (fa_options_parse(&input, notifier_on_error, NULL, options) < 0) {
        return -1;
    }
    const struct firealarm_settings *settings = fa_options_settings(*options);
    if (firealarm_notifier.check(settings, &error) != 0 ||
        firealarm_notifier.create(NULL, settings, self, &error) != 0) {
        snprintf(notifier_errors, sizeof notifier_errors, "%s", error.text);
        fa_options_free(*options);
        return -1;
    }
    return 0;
}

#endif

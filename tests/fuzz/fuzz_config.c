/* SPDX-License-Identifier: MIT */
/* links: fa_config */
/* A configuration's text, as it may come out of a damaged store: never a crash, and either a
 * configuration that reads back from its own copy or at least one fault. */
#include "base/panic.h"
#include "config/config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    char text[1024];
    *(size_t *)ctx += !is_warning;
    fa_assert(strlen(fa_err_format(err, text, sizeof text)) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_config *config = NULL, *again = NULL;
    size_t faults = 0;
    int rc = fa_config_parse("fuzz.cfg", (struct fa_str){(const char *)data, size}, NULL,
                             count_fault, &faults, &config);
    fa_assert((rc == 0) == (faults == 0));
    if (rc == 0) {
        fa_assert(fa_config_parse("fuzz.cfg", fa_str_of(config->source), NULL, count_fault, &faults,
                                  &again) == 0);
        fa_assert(strcmp(config->source, again->source) == 0);
        fa_config_free(again);
        fa_config_free(config);
    }
    return 0;
}

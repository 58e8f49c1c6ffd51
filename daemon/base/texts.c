/* SPDX-License-Identifier: MIT */
/* Lists of texts are short (names, targets, labels): they grow one by one and are searched from
 * their beginning. */
#include "base/texts.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

void fa_texts_add(char ***texts, size_t *count, struct fa_str text)
{
    *texts = fa_xrealloc(*texts, (*count + 1) * sizeof(char *));
    (*texts)[(*count)++] = fa_xstrndup(text.ptr, text.len);
}

bool fa_texts_has(char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(texts[i], text) == 0) {
            return true;
        }
    }
    return false;
}

void fa_texts_free(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

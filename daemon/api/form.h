/* SPDX-License-Identifier: MIT */
/* What a browser sends of a form: application/x-www-form-urlencoded. */
#ifndef FA_API_FORM_H
#define FA_API_FORM_H

#include "base/str.h"

#include <jansson.h>

#define FA_FORM_FIELDS_MAX 64

/* An object of texts by name; of a name that comes again the first counts. Lines end with one
 * newline; other control characters become blanks: nobody's words are refused for how they were
 * pasted. FA_EPARSE: a broken escape, NUL, no UTF-8 or a field without a name; FA_ETOOBIG: more
 * fields than any form has. */
int fa_form_parse(struct fa_str body, json_t **ret_form) FA_MUST_CHECK;
/* "" where there is none. Borrowed from form, which may be NULL. */
const char *fa_form_text(const json_t *form, const char *name);

#endif

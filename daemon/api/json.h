/* SPDX-License-Identifier: MIT */
/* Reading request bodies: every fault is gathered, with its place, before one answer. */
#ifndef FA_API_JSON_H
#define FA_API_JSON_H

#include "base/buf.h"
#include "net/http.h"

#include <jansson.h>

/* The faults of one request: the first twenty. */
struct fa_faults {
    json_t *list; /* array of {"pointer", "detail"} */
};
/* No more are kept: whoever looks for further ones can stop. */
bool fa_faults_full(const struct fa_faults *faults);
void fa_json_fault(struct fa_faults *faults, const char *pointer, const char *fmt, ...)
    FA_PRINTF(3, 4);

/* NULL after answering 400: req is then taken. */
json_t *fa_json_body(struct fa_http_request *req);
/* Every member of object is one of names (NULL-terminated); others become faults with a suggestion.
 */
void fa_json_only(json_t *object, const char *const *names, struct fa_faults *faults);
/* A text member: NULL when absent or null. Control characters but newline (where `lines`), NUL and
 * more than max bytes are faults. Borrowed from object. */
struct fa_json_text {
    const char *name;
    size_t max;
    bool required, lines;
};
const char *fa_json_text(json_t *object, const struct fa_json_text *spec, struct fa_faults *faults);
/* A list of texts; *ret is the caller's array of borrowed texts (free the array). */
size_t fa_json_texts(json_t *object, const char *name, size_t most, const char ***ret,
                     struct fa_faults *faults);
/* A duration text, 0 when absent. */
fa_time fa_json_duration(json_t *object, const char *name, struct fa_faults *faults);
bool fa_json_bool(json_t *object, const char *name, struct fa_faults *faults);

/* Sets a text that may be no UTF-8 or NULL (null then). */
void fa_json_set_text(json_t *object, const char *name, const char *text);
/* RFC 3339 or null for 0. */
void fa_json_set_time(json_t *object, const char *name, fa_time wall);
void fa_json_set_duration(json_t *object, const char *name, fa_time ms);
/* "2 business days", too. */
void fa_json_set_measured(json_t *object, const char *name, fa_time length,
                          enum fa_measure measure);

#endif

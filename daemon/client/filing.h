/* SPDX-License-Identifier: MIT */
/* One filing on its way: what is posted, and the key that makes a second sending harmless. */
#ifndef FA_CLIENT_FILING_H
#define FA_CLIENT_FILING_H

#include "base/buf.h"

#include <jansson.h>

#define FA_KEY_SIZE        33          /* 32 hexadecimal digits and NUL */
#define FA_TEXT_MAX        (32u << 10) /* bytes of what happened; more belongs into a document */
#define FA_FILING_FILE_MAX (256u << 10)

struct fa_filing {
    char key[FA_KEY_SIZE];
    json_t *request;   /* owned; the body of POST /v1/incidents, "key" among it */
    bool keep_receipt; /* the reporter wants the receipt kept on disk */
};

/* An empty one with a new random key. */
void fa_filing_init(struct fa_filing *filing);
void fa_filing_done(struct fa_filing *filing);
/* Sets a member to a text, or to null when text is NULL. The text is cleaned: see fa_clean(). */
void fa_filing_set(struct fa_filing *filing, const char *member, const char *text);
/* Adds a text to a list ("about", "strike") unless it is there. */
void fa_filing_add(struct fa_filing *filing, const char *member, const char *text);
/* Borrowed; NULL if it is not there or no text. */
const char *fa_filing_get(const struct fa_filing *filing, const char *member);
/* What a preview needs: the request with something else in the place of what happened. */
json_t *fa_filing_outline(const struct fa_filing *filing);
/* What happened, in UTF-8 or (when it is no UTF-8) Latin-1. FA_ETOOBIG; FA_EINVAL if nothing was
 * said. Appends to *ret_text what is to be sent. */
int fa_filing_text(struct fa_str raw, struct fa_buf *ret_text, struct fa_err *err) FA_MUST_CHECK;

/* The file in the spool. What is not a filing of ours is refused: FA_EPARSE names line and column.
 */
char *fa_filing_encode(const struct fa_filing *filing);
int fa_filing_decode(struct fa_str text, struct fa_filing *ret_filing,
                     struct fa_err *err) FA_MUST_CHECK;
/* A request as somebody's program writes it: the same members, or a whole spool file; a key is made
 * when it has none. */
int fa_filing_decode_request(struct fa_str text, struct fa_filing *ret_filing,
                             struct fa_err *err) FA_MUST_CHECK;

#endif

/* SPDX-License-Identifier: MIT */
/* What the pages share: how they look and what they are sent with. They are plain HTML of one file,
 * without script, image, font or anything from elsewhere, for a phone at night; what came from
 * outside is escaped where it is put. */
#ifndef FA_API_PAGE_H
#define FA_API_PAGE_H

#include "api/form.h"
#include "api/internal.h"

/* The Content-Security-Policy that lets the pages' own style in, and nothing else. */
void fa_page_policy(char *buf, size_t size);

/* What the server answers by itself to who wanted a page. */
extern const struct fa_http_words fa_page_words;

struct fa_page {
    struct fa_call *call;
    struct fa_buf out;
};
/* Begins a page under this heading, in the call's language. fa_page_send() ends it. */
void fa_page_begin(struct fa_page *page, struct fa_call *call, enum fa_phrase heading);
/* A phrase without values, not escaped: for fa_page_put(). */
const char *fa_page_text(const struct fa_page *page, enum fa_phrase phrase);
/* A phrase with its values, escaped as a whole, between two pieces of html that are ours. */
void fa_page_phrase(struct fa_page *page, const char *before, enum fa_phrase phrase,
                    const char *const *values, const char *after);
/* html is ours; of conversions there are %s (escaped) and %% alone. */
void fa_page_put(struct fa_page *page, const char *html, ...) FA_PRINTF(2, 3);
/* A hidden field. */
void fa_page_hide(struct fa_page *page, const char *name, const char *value);
/* Takes call->req. */
void fa_page_send(struct fa_page *page, int status);

/* A page of a heading and a sentence. */
void fa_page_say(struct fa_call *call, int status, enum fa_phrase heading, enum fa_phrase sentence);
/* That nobody can be told of a filing, and what to do: who believes that others know does nothing
 * more. */
void fa_page_put_nobody(struct fa_page *page);
/* The face's, for pages without any better. */
void fa_page_problem(struct fa_call *call, int status, const char *detail);
/* Reads the form into call->form, which is the caller's to release; false after an answer. */
bool fa_page_read_form(struct fa_call *call);
/* False after an answer: nothing can be looked up now. */
bool fa_page_has_store(struct fa_call *call);

#endif

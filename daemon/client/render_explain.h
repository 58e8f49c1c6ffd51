/* SPDX-License-Identifier: MIT */
/* What the two sides of `firealarm explain` say alike: an alarm's and a rule's. */
#ifndef FA_CLIENT_RENDER_EXPLAIN_H
#define FA_CLIENT_RENDER_EXPLAIN_H

#include "client/render.h"

/* "" when there is none. */
const char *fa_explain_text(const json_t *object, const char *name);
bool fa_explain_has(const json_t *object, const char *name); /* a number */
/* Appends it with six figures, or "no value". */
void fa_explain_number(struct fa_buf *buf, const json_t *object, const char *name);
/* The time of day here, "?" for what is no time. */
const char *fa_explain_clock(const json_t *object, const char *name, char buf[16]);
/* Appends "fires above 120, clears below 90", or nothing. */
void fa_explain_limits(struct fa_buf *buf, const json_t *object);

#endif

/* SPDX-License-Identifier: MIT */
/* A growing text with a limit, and what mail needs: RFC 2047 words, base64 parts, HTML escapes.
 * Whatever goes in, what comes out of the put_* functions with a purpose in their name cannot leave
 * its place: no second header, no bare CR or LF, no mark-up. */
#ifndef EMAIL_OUT_H
#define EMAIL_OUT_H

#include <firealarm/plugin.h>

#include <stdbool.h>

struct out {
    char *data; /* owned; NUL-terminated once something was put */
    size_t len, cap, max;
    bool over; /* the limit or memory ended; nothing was put since */
};

void out_init(struct out *out, size_t max);
void out_done(struct out *out);
void out_clear(struct out *out);
void out_put(struct out *out, const char *data, size_t len);
void out_puts(struct out *out, const char *text);
void out_printf(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* UTF-8 for sure: a byte that is none becomes U+FFFD; a control character but newline a blank, and
 * the newline too when one_line. At most max bytes of text, between characters. */
void out_clean(struct out *out, struct firealarm_text text, size_t max, bool one_line);
/* The same with & < > " ' escaped, and a newline as <br>. */
void out_html(struct out *out, struct firealarm_text text, size_t max);
/* "Name: text" CRLF as unstructured header; text must be clean and of one line. */
void out_header_text(struct out *out, const char *name, struct firealarm_text text);
/* The text as a phrase (a display name); nothing for an empty one. */
void out_phrase(struct out *out, struct firealarm_text text);
/* Base64 in lines of 76 with CRLF. */
void out_base64(struct out *out, struct firealarm_text text);

#endif

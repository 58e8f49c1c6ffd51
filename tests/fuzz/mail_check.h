/* SPDX-License-Identifier: MIT */
/* The strict reader of mails that fuzz targets hold against ours, byte by byte. What passes holds
 * no bare CR, LF or NUL, no header that was not meant, no line that a relay would break, and after
 * the headers nothing but the marks of parts and base64: no word of a notice can be taken for a
 * header, an SMTP command or the end of the mail. */
#ifndef FA_FUZZ_MAIL_CHECK_H
#define FA_FUZZ_MAIL_CHECK_H

#include <firealarm/notifier.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Each name with its ": ", in the order in which they must come, NULL at the end; one that begins
 * with '?' may be absent. text begins with the headers, end is behind their last CRLF. */
static inline void mail_check_headers(const char *text, const char *end, const char *const *names)
{
    while (text < end) {
        const char *eol = strstr(text, "\r\n");
        /* An address or id cannot be folded; words can. */
        CHECK(eol != NULL && eol - text <= (memchr(text, '<', (size_t)(eol - text)) ? 998 : 78));
        for (const char *p = text; p < eol; p++) {
            CHECK((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
        }
        if (*text != ' ') {
            while (*names != NULL && **names == '?' &&
                   strncmp(text, *names + 1, strlen(*names + 1)) != 0) {
                names++;
            }
            CHECK(*names != NULL);
            const char *name = *names + (**names == '?');
            CHECK(strncmp(text, name, strlen(name)) == 0);
            names++;
        }
        text = eol + 2;
    }
    CHECK(text == end && *names == NULL);
}

/* Lines of base64 up to a line that begins with '-' or to the end; gives what follows them. */
static inline const char *mail_check_base64(const char *text)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    while (*text != '\0' && *text != '-') {
        size_t len = strspn(text, digits);
        CHECK(len > 0 && len <= 76 && len % 4 == 0 && strncmp(text + len, "\r\n", 2) == 0);
        text += len + 2;
    }
    return text;
}

/* An address that stands alone in a command of SMTP. */
static inline void mail_check_envelope(struct firealarm_text address)
{
    CHECK(address.len >= 3 && address.len <= 254 && memchr(address.ptr, '@', address.len) != NULL);
    for (size_t i = 0; i < address.len; i++) {
        unsigned char c = (unsigned char)address.ptr[i];
        CHECK(c > 0x20 && c < 0x7f && strchr("<>,;\"\\", c) == NULL);
    }
}

#endif

/* SPDX-License-Identifier: MIT */
#include "out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES 42u /* 56 of base64, 68 with =?UTF-8?B??=; with "Subject: " still under 78 */
#define LINE_BYTES 57u /* 76 of base64 */

void out_init(struct out *out, size_t max)
{
    *out = (struct out){.max = max};
}

void out_done(struct out *out)
{
    free(out->data);
    *out = (struct out){.max = out->max};
}

void out_clear(struct out *out)
{
    out->len = 0;
    out->over = false;
}

void out_put(struct out *out, const char *data, size_t len)
{
    if (out->over || len > out->max - out->len) {
        out->over = true;
        return;
    }
    if (out->len + len + 1 > out->cap) {
        size_t cap = (out->len + len + 1) * 2;
        char *grown = realloc(out->data, cap);
        if (grown == NULL) {
            out->over = true;
            return;
        }
        out->data = grown;
        out->cap = cap;
    }
    if (len > 0) {
        memcpy(out->data + out->len, data, len);
    }
    out->len += len;
    out->data[out->len] = '\0';
}

void out_puts(struct out *out, const char *text)
{
    out_put(out, text, strlen(text));
}

void out_printf(struct out *out, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text) {
        out->over = true;
        return;
    }
    out_put(out, text, (size_t)len);
}

/* Length of the well-formed UTF-8 character at p, 0 when there is none (RFC 3629, table 3-7). */
static size_t char_len(const char *text, size_t rest)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xc2 ? 0
                 : p[0] < 0xe0 ? 2
                 : p[0] < 0xf0 ? 3
                 : p[0] < 0xf5 ? 4
                               : 0;
    if (len == 0 || len > rest) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool beyond = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return len > 1 && (overlong || beyond) ? 0 : len;
}

/* The next character as it may stand in a mail: taken off text, put to one (NUL-terminated). */
static void next_clean(struct firealarm_text *text, char one[5])
{
    size_t len = char_len(text->ptr, text->len);
    unsigned char c = (unsigned char)text->ptr[0];
    if (len == 0) {
        strcpy(one, "\xef\xbf\xbd");
        len = 1;
    } else if (len == 1 && (c < 0x20 || c == 0x7f) && c != '\n') {
        strcpy(one, " ");
    } else if (len == 2 && c == 0xc2 && (unsigned char)text->ptr[1] < 0xa0) {
        strcpy(one, " "); /* C1 controls */
    } else {
        memcpy(one, text->ptr, len);
        one[len] = '\0';
    }
    *text = (struct firealarm_text){text->ptr + len, text->len - len};
}

void out_clean(struct out *out, struct firealarm_text text, size_t max, bool one_line)
{
    size_t end = out->len + max;
    char one[5];
    while (text.len > 0) {
        next_clean(&text, one);
        if (out->len + strlen(one) > end) {
            return;
        }
        out_puts(out, one_line && one[0] == '\n' ? " " : one);
    }
}

void out_html(struct out *out, struct firealarm_text text, size_t max)
{
    static const struct {
        char c;
        const char *escape;
    } escapes[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                   {'"', "&quot;"}, {'\'', "&#39;"}, {'\n', "<br>\n"}};
    size_t end = out->len + max;
    char one[5];
    bool digit = false; /* before this one: a number and its unit stay on one line */
    while (text.len > 0 && out->len < end) {
        const char *put = one;
        next_clean(&text, one);
        bool unit = text.len > 0 && text.ptr[0] >= 'a' && text.ptr[0] <= 'z';
        if (digit && one[0] == ' ' && unit) {
            put = "&nbsp;";
        }
        digit = one[0] >= '0' && one[0] <= '9';
        for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
            if (one[0] == escapes[i].c) {
                put = escapes[i].escape;
            }
        }
        out_puts(out, put);
    }
}

static void put_base64(struct out *out, const char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char quad[4];
    for (size_t i = 0; i < len; i += 3) {
        const unsigned char *p = (const unsigned char *)data + i;
        unsigned b = i + 1 < len ? p[1] : 0, c = i + 2 < len ? p[2] : 0;
        quad[0] = digits[p[0] >> 2];
        quad[1] = digits[(p[0] & 3u) << 4 | b >> 4];
        quad[2] = i + 1 < len ? digits[(b & 15u) << 2 | c >> 6] : '=';
        quad[3] = i + 2 < len ? digits[c & 63u] : '=';
        out_put(out, quad, 4);
    }
}

/* RFC 2047 words, each of whole characters, folded between them. */
static void put_words(struct out *out, struct firealarm_text text)
{
    for (bool first = true; text.len > 0; first = false) {
        size_t len = 0, next;
        while (len < text.len && (next = char_len(text.ptr + len, text.len - len)) > 0 &&
               len + next <= WORD_BYTES) {
            len += next;
        }
        len = len == 0 ? 1 : len;
        out_puts(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        put_base64(out, text.ptr, len);
        out_puts(out, "?=");
        text = (struct firealarm_text){text.ptr + len, text.len - len};
    }
}

static bool is_plain(struct firealarm_text text, size_t max, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ';
        if (!word && (c == '\0' || strchr(others, c) == NULL)) {
            return false;
        }
    }
    return text.len > 0 && text.len <= max && text.ptr[0] != ' ' && text.ptr[text.len - 1] != ' ';
}

void out_header_text(struct out *out, const char *name, struct firealarm_text text)
{
    out_puts(out, name);
    out_puts(out, ": ");
    /* No '=' or '?': nothing that could be taken for an encoded word. */
    if (is_plain(text, 64, "-_.,:;!%()[]/'+#*@")) {
        out_put(out, text.ptr, text.len);
    } else {
        put_words(out, text);
    }
    out_puts(out, "\r\n");
}

void out_phrase(struct out *out, struct firealarm_text text)
{
    if (text.len == 0) {
        return;
    }
    if (is_plain(text, 60, "-'")) {
        out_put(out, text.ptr, text.len);
    } else {
        put_words(out, text);
    }
}

void out_base64(struct out *out, struct firealarm_text text)
{
    for (size_t i = 0; i < text.len; i += LINE_BYTES) {
        put_base64(out, text.ptr + i, text.len - i < LINE_BYTES ? text.len - i : LINE_BYTES);
        out_puts(out, "\r\n");
    }
}

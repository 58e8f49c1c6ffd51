/* SPDX-License-Identifier: MIT */
/* Escaping by the place a value lands in. Whatever comes in, what goes out is UTF-8 and cannot
 * leave its place: no mark-up, no second header, no end of a JSON string. A full output buffer cuts
 * between characters, never within one or within an escape. */
#include "text/template.h"
#include "text/utf8.h"

#include <stdio.h>

static const char *html_escape(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static const char *json_escape(unsigned char c, char buf[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (c >= 0x20 && c != 0x7f) {
        return NULL;
    }
    snprintf(buf, 8, "\\u%04x", c);
    return buf;
}

/* What stands for the ASCII character c, NULL: itself. */
static const char *escape_ascii(enum fa_escape escape, unsigned char c, char buf[8])
{
    bool control = c < 0x20 || c == 0x7f;
    switch (escape) {
    case FA_ESCAPE_JSON:
        return json_escape(c, buf);
    case FA_ESCAPE_HTML:
        return control && c != '\n' ? " " : html_escape(c);
    case FA_ESCAPE_HEADER:
        return control ? " " : NULL;
    case FA_ESCAPE_PLAIN:
    case FA_ESCAPE__COUNT:
        break;
    }
    return control && c != '\n' ? " " : NULL;
}

int fa_escape_put(struct fa_buf *out, enum fa_escape escape, struct fa_str value)
{
    char buf[8];
    while (value.len > 0) {
        size_t len = fa_utf8_first(value);
        const char *instead = NULL;
        if (len == 0) {
            instead = "\xef\xbf\xbd";
            len = 1;
        } else if (len == 1) {
            instead = escape_ascii(escape, (unsigned char)value.ptr[0], buf);
        } else if (len == 2 && value.ptr[0] == '\xc2' && (unsigned char)value.ptr[1] < 0xa0) {
            instead = " "; /* U+0080..009F: terminals and some mail readers obey these */
        }
        fa_buf_putstr(out, instead != NULL ? fa_str_of(instead) : (struct fa_str){value.ptr, len});
        if (out->over) {
            out->over = false;
            return FA_ETOOBIG;
        }
        value = (struct fa_str){value.ptr + len, value.len - len};
    }
    return 0;
}

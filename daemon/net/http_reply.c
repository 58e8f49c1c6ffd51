/* SPDX-License-Identifier: MIT */
/* Responses as bytes: status line, fields, RFC 9457 problems. Every response has a Content-Length,
 * none is chunked; Date is ours because the clock is.
 * Tests: tests/unit/test_net_http.c. */
#include "net/http_conn.h"

#include "base/panic.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *fa_http_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } rows[] = {
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) {
            return rows[i].phrase;
        }
    }
    return "Unknown";
}

/* "Sun, 22 Nov 2026 08:00:00 GMT"; strftime's names would follow the locale. */
static const char *format_date(fa_time wall, char buf[40])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall / FA_SECOND);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    snprintf(buf, 40, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7],
             (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12],
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    return buf;
}

size_t fa_http_write(struct evbuffer *out, const struct fa_http_response *res, fa_time wall)
{
    size_t before = evbuffer_get_length(out);
    bool has_body = res->status != 204 && res->status != 304 && res->status >= 200;
    char date[40];
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", res->status,
                        fa_http_phrase(res->status), format_date(wall, date));
    evbuffer_add(out, res->fields.ptr, res->fields.len);
    if (has_body && res->content_type != NULL) {
        evbuffer_add_printf(out, "Content-Type: %s\r\n", res->content_type);
    }
    if (has_body) {
        evbuffer_add_printf(out, "Content-Length: %zu\r\n", res->body.len);
    }
    if (!res->keep) {
        evbuffer_add_printf(out, "Connection: close\r\n");
    } else if (res->minor == 0) {
        evbuffer_add_printf(out, "Connection: keep-alive\r\n");
    }
    evbuffer_add(out, "\r\n", 2);
    if (has_body && !res->is_head) {
        evbuffer_add(out, res->body.ptr, res->body.len);
    }
    return evbuffer_get_length(out) - before;
}

/* Text that is not UTF-8 keeps its ASCII and loses the rest: a problem must stay JSON. */
static void put_json_text(struct fa_buf *out, const char *text)
{
    bool utf8 = fa_utf8_valid(fa_str_of(text));
    fa_buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fa_buf_putc(out, '\\');
            fa_buf_putc(out, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            fa_buf_printf(out, "\\u%04x", c);
        } else {
            fa_buf_putc(out, c >= 0x80 && !utf8 ? '?' : (char)c);
        }
    }
    fa_buf_putc(out, '"');
}

void fa_http_problem_text(struct fa_buf *out, int status, const char *detail)
{
    fa_buf_printf(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d",
                  fa_http_phrase(status), status);
    if (detail != NULL) {
        fa_buf_puts(out, ",\"detail\":");
        put_json_text(out, detail);
    }
    fa_buf_puts(out, "}\n");
}

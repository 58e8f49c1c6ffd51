/* SPDX-License-Identifier: MIT */
/* The built-in bodies.
 *
 * They are meant to be dull: no template, no plugin, no option but those that say where to. The
 * mail is one base64 part, so that no word of a notice can be taken for a header or an SMTP
 * command; the JSON is unsigned, so a receiver that insists on signatures will refuse it, and the
 * verdict says so to the daemon. */
#include "courier/child/builtin.h"
#include "text/template.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define BODY_MAX ((size_t)512 * 1024)

void fa_builtin_init(struct fa_builtin *own)
{
    fa_buf_init(&own->body, BODY_MAX);
    fa_buf_init(&own->url, 4096);
    fa_buf_init(&own->from, 512);
    fa_buf_init(&own->rcpt, 512);
}

void fa_builtin_done(struct fa_builtin *own)
{
    fa_buf_done(&own->body);
    fa_buf_done(&own->url);
    fa_buf_done(&own->from);
    fa_buf_done(&own->rcpt);
}

static const struct firealarm_value *find_value(const struct firealarm_option *table,
                                                const struct firealarm_settings *settings,
                                                const char *name)
{
    for (uint32_t i = 0; i < settings->count && table[i].name != NULL; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &settings->values[i];
        }
    }
    return NULL;
}

struct firealarm_text fa_builtin_option(const struct firealarm_option *table,
                                        const struct firealarm_settings *settings, const char *name)
{
    const struct firealarm_value *value = find_value(table, settings, name);
    return value != NULL && value->text.ptr != NULL ? value->text : FIREALARM_TEXT("");
}

static uint32_t flag(const struct firealarm_option *table,
                     const struct firealarm_settings *settings, const char *name, uint32_t bit)
{
    const struct firealarm_value *value = find_value(table, settings, name);
    return value != NULL && value->number != 0 ? bit : 0;
}

static bool text_is(struct firealarm_text text, const char *word)
{
    return fa_str_is((struct fa_str){text.ptr, text.len}, word);
}

void fa_builtin_url(const struct firealarm_option *table, const struct firealarm_settings *settings,
                    struct fa_buf *out)
{
    struct firealarm_text url = fa_builtin_option(table, settings, "url");
    struct firealarm_text relay = fa_builtin_option(table, settings, "relay");
    fa_buf_clear(out);
    if (url.len > 0) {
        fa_buf_put(out, url.ptr, url.len);
    } else if (relay.len > 0) {
        fa_buf_puts(out, text_is(fa_builtin_option(table, settings, "tls"), "tls") ? "smtps://"
                                                                                   : "smtp://");
        fa_buf_put(out, relay.ptr, relay.len);
    }
}

/* ------------------------------------------------------------------------------------------ JSON
 */

static void put_member(struct fa_buf *out, const char *name, struct firealarm_text value)
{
    fa_buf_printf(out, "%s\"%s\":\"", out->len > 1 ? "," : "", name);
    out->over |= fa_escape_put(out, FA_ESCAPE_JSON, (struct fa_str){value.ptr, value.len}) < 0;
    fa_buf_putc(out, '"');
}

static void put_json_lines(struct fa_buf *out, const struct firealarm_notice *notice)
{
    for (uint32_t i = 0; i < notice->line_count; i++) {
        const struct firealarm_line *line = &notice->lines[i];
        struct fa_buf item;
        fa_buf_init(&item, BODY_MAX);
        fa_buf_putc(&item, '{');
        put_member(&item, "alarm", line->alarm);
        put_member(&item, "kind", line->kind);
        put_member(&item, "severity", line->severity);
        put_member(&item, "state", line->state);
        put_member(&item, "title", line->title);
        put_member(&item, "when", line->when);
        put_member(&item, "ack_url", line->ack_url);
        put_member(&item, "ack_code", line->ack_code);
        fa_buf_puts(out, i == 0 ? ",\"lines\":[" : ",");
        fa_buf_putstr(out, fa_buf_str(&item));
        fa_buf_putc(out, '}');
        out->over = out->over || item.over;
        fa_buf_done(&item);
    }
    fa_buf_puts(out, notice->line_count > 0 ? "]" : "");
}

static void put_json(struct fa_buf *out, const struct firealarm_notice *notice)
{
    fa_buf_clear(out);
    fa_buf_putc(out, '{');
    put_member(out, "key", notice->key);
    put_member(out, "kind", notice->kind);
    put_member(out, "alarm", notice->alarm);
    put_member(out, "severity", notice->severity);
    put_member(out, "category", notice->category);
    put_member(out, "state", notice->state);
    put_member(out, "recipient", notice->recipient);
    put_member(out, "title", notice->title);
    put_member(out, "summary", notice->summary);
    put_member(out, "when", notice->when);
    put_member(out, "expect", notice->expect);
    put_member(out, "owner", notice->owner);
    put_member(out, "how_to_ack", notice->how_to_ack);
    put_json_lines(out, notice);
    put_member(out, "ack_url", notice->ack_url);
    put_member(out, "ack_code", notice->ack_code);
    fa_buf_puts(out, ",\"builtin\":true}\n");
}

/* ------------------------------------------------------------------------------------------ mail
 */

/* `ann@example.com` of either that or `Ann <ann@example.com>`. */
static void put_bare_address(struct fa_buf *out, struct firealarm_text text)
{
    struct fa_str rest, bare = fa_str_cut((struct fa_str){text.ptr, text.len}, '<', &rest);
    if (rest.ptr != NULL) {
        bare = fa_str_cut(rest, '>', &rest);
    }
    fa_buf_clear(out);
    fa_buf_putstr(out, fa_str_trim(bare));
}

/* Base64 with `before` and `after` around every piece of at most `piece` bytes; pieces end between
 * characters. */
static void put_base64(struct fa_buf *out, struct fa_str text, size_t piece,
                       const char *const *ends)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (text.len > 0) {
        size_t len = fa_utf8_cut(text, piece);
        len = len == 0 ? 1 : len;
        fa_buf_puts(out, ends[0]);
        for (size_t i = 0; i < len; i += 3) {
            const unsigned char *p = (const unsigned char *)text.ptr + i;
            unsigned b = i + 1 < len ? p[1] : 0, c = i + 2 < len ? p[2] : 0;
            fa_buf_putc(out, digits[p[0] >> 2]);
            fa_buf_putc(out, digits[(p[0] & 3u) << 4 | b >> 4]);
            fa_buf_putc(out, i + 1 < len ? digits[(b & 15u) << 2 | c >> 6] : '=');
            fa_buf_putc(out, i + 2 < len ? digits[c & 63u] : '=');
        }
        fa_buf_puts(out, ends[1]);
        text = (struct fa_str){text.ptr + len, text.len - len};
    }
}

static void put_line(struct fa_buf *out, const char *label, struct firealarm_text value)
{
    if (value.len > 0) {
        fa_buf_puts(out, label);
        int rc = fa_escape_put(out, FA_ESCAPE_PLAIN, (struct fa_str){value.ptr, value.len});
        fa_buf_puts(out, rc < 0 ? "" : "\n"); /* what does not fit is cut off */
    }
}

static void put_text(struct fa_buf *out, const struct firealarm_notice *notice)
{
    put_line(out, "", notice->title);
    put_line(out, "\n", notice->summary);
    for (uint32_t i = 0; i < notice->line_count; i++) {
        put_line(out, "\n* ", notice->lines[i].title);
        put_line(out, "  ", notice->lines[i].alarm);
        put_line(out, "  ", notice->lines[i].ack_url);
        put_line(out, "  code ", notice->lines[i].ack_code);
    }
    put_line(out, "Since: ", notice->when);
    put_line(out, "Severity: ", notice->severity);
    put_line(out, "Expected of you: ", notice->expect);
    put_line(out, "Owner: ", notice->owner);
    put_line(out, "\n", notice->details);
    put_line(out, "\n", notice->how_to_ack);
    put_line(out, "Or open: ", notice->ack_url);
    put_line(out, "and type the code: ", notice->ack_code);
    fa_buf_puts(out, "\nThis plain form was used because the usual one could not be made.\n");
}

static void put_date(struct fa_buf *out, int64_t wall)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) != NULL) {
        fa_buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday],
                      tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                      tm.tm_sec);
    }
}

/* The letters, digits, - and _ of a key: what may stand in a Message-ID. */
static void put_atom(struct fa_buf *out, struct firealarm_text text)
{
    for (size_t i = 0; i < text.len && i < 100; i++) {
        char c = text.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
        fa_buf_putc(out, ok ? c : '-');
    }
}

static void put_mail(struct fa_builtin *own, const struct firealarm_notice *notice)
{
    static const char *const word_ends[] = {" =?UTF-8?B?", "?=\r\n"};
    static const char *const line_ends[] = {"", "\r\n"};
    struct fa_buf *out = &own->body, text;
    struct fa_str domain, from = fa_buf_str(&own->from);
    (void)fa_str_cut(from, '@', &domain);
    fa_buf_init(&text, BODY_MAX / 2);
    fa_buf_clear(out);
    fa_buf_printf(out, "From: <%s>\r\nTo: <%s>\r\nSubject:\r\n", fa_buf_text(&own->from),
                  fa_buf_text(&own->rcpt));
    put_line(&text, "", notice->title.len > 0 ? notice->title : FIREALARM_TEXT("Alarm"));
    put_base64(out, (struct fa_str){text.data, text.len - 1}, 42, word_ends); /* less the newline */
    put_date(out, notice->now);
    fa_buf_puts(out, "Message-ID: <");
    put_atom(out, notice->key);
    fa_buf_printf(out, ".plain@%.*s>\r\n", FA_STR_ARG(domain));
    fa_buf_puts(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: base64\r\n\r\n");
    fa_buf_clear(&text);
    put_text(&text, notice);
    text.over = false;
    put_base64(out, fa_buf_str(&text), 57, line_ends);
    fa_buf_done(&text);
}

int fa_builtin_render(struct fa_builtin *own, const struct firealarm_option *table,
                      const struct firealarm_settings *settings,
                      const struct firealarm_notice *notice,
                      struct firealarm_request_out *ret_request, struct fa_err *err)
{
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_text from = fa_builtin_option(table, settings, "from");
    fa_builtin_url(table, settings, &own->url);
    req.url = (struct firealarm_text){fa_buf_text(&own->url), own->url.len};
    req.ca_file = fa_builtin_option(table, settings, "ca");
    req.flags = flag(table, settings, "allow_plain", FIREALARM_REQ_ALLOW_PLAIN) |
                flag(table, settings, "allow_private", FIREALARM_REQ_ALLOW_PRIVATE) |
                flag(table, settings, "fresh", FIREALARM_REQ_FRESH);
    if (fa_builtin_option(table, settings, "url").len > 0) {
        req.kind = FIREALARM_REQUEST_HTTP;
        put_json(&own->body, notice);
        own->headers[0] = (struct firealarm_field){FIREALARM_TEXT("Content-Type"),
                                                   FIREALARM_TEXT("application/json")};
        own->headers[1] = (struct firealarm_field){FIREALARM_TEXT("webhook-id"), notice->key};
        req.headers = own->headers;
        req.header_count = notice->key.len > 0 ? 2 : 1;
    } else if (req.url.len > 0 && from.len > 0) {
        req.kind = FIREALARM_REQUEST_SMTP;
        put_bare_address(&own->from, from);
        /* As it is: what is no bare address is refused, not mended into another one. */
        fa_buf_clear(&own->rcpt);
        fa_buf_put(&own->rcpt, notice->address.ptr, notice->address.len);
        put_mail(own, notice);
        req.mail_from = (struct firealarm_text){fa_buf_text(&own->from), own->from.len};
        req.rcpt_to = (struct firealarm_text){fa_buf_text(&own->rcpt), own->rcpt.len};
        req.user = fa_builtin_option(table, settings, "user");
        req.password = fa_builtin_option(table, settings, "password");
        req.helo = fa_builtin_option(table, settings, "helo");
    } else {
        return fa_err_set(err, FA_EUNSUPPORTED, "there is no built-in body for this plugin");
    }
    if (own->body.over || own->url.over || own->from.over || own->rcpt.over) {
        return fa_err_set(err, FA_ETOOBIG, "the message is too large for the built-in body");
    }
    req.body = (struct firealarm_text){fa_buf_text(&own->body), own->body.len};
    *ret_request = req;
    return 0;
}

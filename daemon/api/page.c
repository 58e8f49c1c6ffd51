/* SPDX-License-Identifier: MIT */
/* The pages' frame: one style sheet, whose hash the policy names, and the fields of every answer.
 * Nothing of a page is kept by browser or proxy, no address leaves with a click, no other site may
 * show it in a frame, and a form goes to where it came from.
 *
 * Every page is whole below 14 KB: one round trip on a telephone line. */
#include "api/page.h"

#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#define PAGE_MAX ((size_t)256 * 1024)

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#14171f;--dim:#565f70;"
    "--line:#8a93a3;--go:#b42318;--good:#067647;--soft:#eef0f4}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0c111d;--card:#161b26;--ink:#f2f4f7;"
    "--dim:#a9b1bf;--line:#667085;--go:#d92d20;--good:#47cd89;--soft:#1f242f}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--bg);color:var(--ink);"
    "font:18px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}"
    "main{max-width:36rem;margin:0 auto;padding:1.25rem 1.25rem 3rem;background:var(--card);"
    "min-height:100vh}"
    "header,footer{color:var(--dim);font-size:.85rem}"
    "h1{font-size:1.6rem;line-height:1.25;margin:.4rem 0 1rem;overflow-wrap:anywhere}"
    "h2{font-size:1.15rem;margin:1.75rem 0 .5rem}"
    "p{margin:.6rem 0;overflow-wrap:anywhere}"
    "small,.dim{color:var(--dim);font-size:.9rem;line-height:1.4;font-weight:400}"
    ".hint{display:block;margin:.35rem 0 0}"
    "dl{margin:1rem 0;padding:.9rem 1rem;background:var(--soft);border-radius:.6rem}"
    "dt{color:var(--dim);font-size:.85rem}dd{margin:0 0 .6rem;overflow-wrap:anywhere}"
    "dd:last-child{margin:0}"
    "form{margin:1.25rem 0 0}"
    "label,legend{display:block;font-weight:600;margin:1.1rem 0 .3rem;padding:0}"
    "fieldset{border:0;margin:1.1rem 0 0;padding:0}legend{margin-top:0}"
    "fieldset label{display:flex;gap:.75rem;align-items:flex-start;font-weight:400;margin:.4rem 0;"
    "padding:.7rem .8rem;min-height:3rem;border:1px solid var(--line);border-radius:.6rem}"
    "fieldset small{display:block}"
    "input[type=radio]{width:1.4rem;height:1.4rem;margin:.1rem 0 0;flex:none;accent-color:var(--go)}"
    "input[type=text],input[type=date],select,textarea{width:100%;min-height:3.2rem;"
    "padding:.6rem .8rem;font:inherit;color:inherit;background:var(--bg);"
    "border:1px solid var(--line);border-radius:.6rem}"
    "textarea{min-height:8rem;resize:vertical}textarea.few{min-height:4.5rem}"
    "#code{font-size:1.7rem;letter-spacing:.25em;text-align:center}"
    "button,.button{display:block;width:100%;margin:1.5rem 0 0;padding:.9rem 1rem;"
    "font:inherit;font-weight:700;font-size:1.15rem;text-align:center;text-decoration:none;"
    "color:#fff;background:var(--go);border:2px solid var(--go);border-radius:.7rem;cursor:pointer}"
    ".second{background:transparent;color:var(--ink);border-color:var(--line);margin:.8rem 0 0}"
    ".alert{padding:.8rem 1rem;border:2px solid var(--go);border-radius:.6rem;font-weight:600}"
    ".good{color:var(--good);font-weight:700}"
    ".receipt{padding:1rem;border:2px dashed var(--line);border-radius:.6rem;text-align:center;"
    "font:700 1.25rem/1.7 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:normal}"
    ".receipt span{display:inline-block}"
    ".words{white-space:pre-wrap}"
    "summary{min-height:3rem;padding:.7rem 0;font-weight:600;cursor:pointer}"
    ":focus-visible{outline:3px solid var(--good);outline-offset:2px}";

void fa_page_policy(char *buf, size_t size)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_ORIGINAL)];
    crypto_hash_sha256(hash, (const unsigned char *)style, sizeof style - 1);
    sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    snprintf(buf, size,
             "default-src 'none'; style-src 'sha256-%s'; form-action 'self'; base-uri 'none'; "
             "frame-ancestors 'none'",
             text);
}

/* Small and without style: it comes without the policy that would let it in. */
static void put_words(struct fa_buf *out, int status, const char *detail)
{
    const char *words =
        status == 413 ? "That is too much for one report, and nothing was changed. Go back, say it "
                        "in fewer words, and send it again."
        : status == 404 ? "There is nothing at this address. Is it complete?"
                        : detail;
    fa_buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                     "<title>That did not work</title></head>\n"
                     "<body><main>\n<h1>That did not work</h1>\n<p>");
    /* Our own words, and short: they fit. */
    (void)!fa_escape_put(out, FA_ESCAPE_HTML,
                         fa_str_of(words != NULL ? words : fa_http_phrase(status)));
    fa_buf_puts(out, "</p>\n</main></body></html>\n");
}

const struct fa_http_words fa_page_words = {"text/html; charset=utf-8", put_words};

void fa_page_put(struct fa_page *page, const char *html, ...)
{
    va_list args;
    va_start(args, html);
    for (const char *at = html; *at != '\0'; at++) {
        size_t plain = strcspn(at, "%");
        fa_buf_put(&page->out, at, plain);
        at += plain;
        if (*at == '\0') {
            break;
        }
        if (*++at == 's') {
            const char *text = va_arg(args, const char *);
            /* What has no room is cut; no page comes near it. */
            (void)!fa_escape_put(&page->out, FA_ESCAPE_HTML, fa_str_of(text));
        } else {
            fa_buf_putc(&page->out, '%');
        }
    }
    va_end(args);
}

void fa_page_hide(struct fa_page *page, const char *name, const char *value)
{
    fa_page_put(page, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", name, value);
}

const char *fa_page_text(const struct fa_page *page, enum fa_phrase phrase)
{
    return fa_phrase_text(page->call->language, phrase);
}

void fa_page_phrase(struct fa_page *page, const char *before, enum fa_phrase phrase,
                    const char *const *values, const char *after)
{
    struct fa_buf text;
    fa_buf_init(&text, PAGE_MAX);
    fa_phrase_put(&text, page->call->language, phrase, values);
    fa_buf_puts(&page->out, before);
    fa_page_put(page, "%s", fa_buf_text(&text));
    fa_buf_puts(&page->out, after);
    fa_buf_done(&text);
}

void fa_page_begin(struct fa_page *page, struct fa_call *call, enum fa_phrase heading)
{
    page->call = call;
    fa_buf_init(&page->out, PAGE_MAX);
    fa_page_put(page,
                "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                "<meta name=\"format-detection\" content=\"telephone=no\">\n"
                "<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n<style>",
                fa_language_name(call->language), fa_page_text(page, heading));
    fa_buf_puts(&page->out, style);
    fa_page_phrase(page, "</style></head>\n<body><main>\n<header>", FA_PHRASE_PAGE_COMPANY,
                   FA_VALUES(call->api->host.company), "</header>\n");
    fa_page_put(page, "<h1>%s</h1>\n", fa_page_text(page, heading));
}

void fa_page_send(struct fa_page *page, int status)
{
    static const char *const fields[][2] = {
        {"Cache-Control", "no-store"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"X-Robots-Tag", "noindex, nofollow"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    struct fa_call *call = page->call;
    const struct fa_api_host *host = &call->api->host;
    fa_page_put(page, "</main></body></html>\n");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        /* Constants, and few: they cannot be refused. */
        (void)!fa_http_reply_field(call->req, fields[i][0], fa_str_of(fields[i][1]));
    }
    (void)!fa_http_reply_field(call->req, "Content-Security-Policy", fa_str_of(call->api->policy));
    host->reply(host->ctx, call->req, status, "text/html; charset=utf-8", fa_buf_str(&page->out));
    fa_buf_done(&page->out);
}

static void say(struct fa_call *call, int status, enum fa_phrase heading, const char *sentence)
{
    struct fa_page page;
    fa_page_begin(&page, call, heading);
    fa_page_put(&page, "<p>%s</p>\n", sentence);
    fa_page_send(&page, status);
}

void fa_page_say(struct fa_call *call, int status, enum fa_phrase heading, enum fa_phrase sentence)
{
    say(call, status, heading, fa_phrase_text(call->language, sentence));
}

void fa_page_problem(struct fa_call *call, int status, const char *detail)
{
    say(call, status, FA_PHRASE_PAGE_FAILED, detail);
}

void fa_page_put_nobody(struct fa_page *page)
{
    fa_page_put(page, "<p class=\"alert\" role=\"alert\"><strong>%s</strong> %s</p>\n",
                fa_page_text(page, FA_PHRASE_NOBODY_TOLD),
                fa_page_text(page, FA_PHRASE_NOBODY_TOLD_WHY));
}

/* Browsers say where a form was. Another site's page could file in the name of whoever looks at it;
 * programs say nothing, and have nobody's eyes to abuse. */
static bool is_foreign(const struct fa_call *call)
{
    struct fa_str site = fa_http_field(call->req, "sec-fetch-site");
    return site.len > 0 && !fa_str_is(site, "same-origin") && !fa_str_is(site, "none");
}

bool fa_page_read_form(struct fa_call *call)
{
    struct fa_str type = fa_http_field(call->req, "content-type"), rest;
    if (is_foreign(call)) {
        fa_page_say(call, 403, FA_PHRASE_PAGE_FAILED, FA_PHRASE_FORM_FOREIGN);
        return false;
    }
    type = fa_str_trim(fa_str_cut(type, ';', &rest));
    if (!fa_str_is(type, "application/x-www-form-urlencoded")) {
        fa_page_say(call, 415, FA_PHRASE_PAGE_FAILED, FA_PHRASE_FORM_OTHER);
        return false;
    }
    if (fa_form_parse(fa_http_body(call->req), &call->form) != 0) {
        fa_page_say(call, 400, FA_PHRASE_PAGE_FAILED, FA_PHRASE_FORM_BROKEN);
        return false;
    }
    return true;
}

bool fa_page_has_store(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    if (host->store(host->ctx) != NULL) {
        return true;
    }
    fa_page_say(call, 503, FA_PHRASE_PAGE_FAILED, FA_PHRASE_STORE_AWAY);
    return false;
}

void fa_page_index(struct fa_call *call)
{
    struct fa_page page;
    fa_page_begin(&page, call, FA_PHRASE_INDEX_TITLE);
    fa_page_put(&page,
                "<p>%s</p>\n<a class=\"button\" href=\"file\">%s</a>\n"
                "<a class=\"button second\" href=\"status\">%s</a>\n",
                fa_page_text(&page, FA_PHRASE_INDEX_SAYS), fa_page_text(&page, FA_PHRASE_REPORT),
                fa_page_text(&page, FA_PHRASE_WHAT_BECAME));
    fa_page_send(&page, 200);
}

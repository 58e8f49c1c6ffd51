/* SPDX-License-Identifier: MIT */
/* What a request may hold. Texts are refused, never mended: a line break in a header or an address
 * means that somebody tries something or that a plugin is broken, and libcurl would pass it on. */
#include "courier/child/guard.h"

#include <string.h>

static bool has_bad_byte(struct firealarm_text text, bool blanks_too)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f || (blanks_too && (c == ' ' || c == '\t'))) {
            return true;
        }
    }
    return false;
}

/* A header's name is a token of RFC 9110. */
static bool is_token(struct firealarm_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c <= 0x20 || c == 0x7f || strchr("()<>@,;:\\\"/[]?={}", c) != NULL) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_bare_address(struct firealarm_text text)
{
    bool at = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        at = at || c == '@';
        /* Beyond ASCII no relay is asked whether it can, and a header would hold raw bytes. */
        if (c <= ' ' || c > '~' || strchr("<>,;\"\\", c) != NULL) {
            return false;
        }
    }
    return at && text.len >= 3 && text.len <= 254;
}

static bool is_host_name(struct firealarm_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_';
        if (!ok) {
            return false;
        }
    }
    return text.len <= 253;
}

static int check_http(const struct firealarm_request_out *req, struct fa_err *err)
{
    if (req->method.len > 0 && (!is_token(req->method) || req->method.len > 16)) {
        return fa_err_set(err, FA_EINVAL, "the method is not one of HTTP");
    }
    for (uint32_t i = 0; i < req->header_count; i++) {
        if (!is_token(req->headers[i].name) || has_bad_byte(req->headers[i].value, false)) {
            return fa_err_set(err, FA_EINVAL,
                              "header %u holds a line break or another control character, or its "
                              "name is not one of HTTP",
                              i + 1);
        }
    }
    return 0;
}

static int check_smtp(const struct firealarm_request_out *req, struct fa_err *err)
{
    if (!is_bare_address(req->mail_from)) {
        return fa_err_set(err, FA_EINVAL, "the sender is not a bare mail address");
    }
    if (!is_bare_address(req->rcpt_to)) {
        return fa_err_set(err, FA_EINVAL, "the recipient is not a bare mail address");
    }
    if (!is_host_name(req->helo)) {
        return fa_err_set(err, FA_EINVAL, "the EHLO name is not a host name");
    }
    for (size_t i = 0; i < req->body.len; i++) {
        char c = req->body.ptr[i];
        bool lone_lf = c == '\n' && (i == 0 || req->body.ptr[i - 1] != '\r');
        bool lone_cr = c == '\r' && (i + 1 == req->body.len || req->body.ptr[i + 1] != '\n');
        if (c == '\0' || lone_lf || lone_cr) {
            return fa_err_set(err, FA_EINVAL, "the mail has a bare CR, LF or NUL at byte %zu", i);
        }
    }
    return 0;
}

int fa_guard_request(const struct firealarm_request_out *req, struct fa_err *err)
{
    if (req->url.len == 0 || req->url.len > 4096 || has_bad_byte(req->url, true)) {
        return fa_err_set(err, FA_EINVAL,
                          "the address to send to is empty, longer than 4096 bytes "
                          "or holds a blank or control character");
    }
    if (has_bad_byte(req->user, false) || has_bad_byte(req->password, false) ||
        has_bad_byte(req->ca_file, false)) {
        return fa_err_set(err, FA_EINVAL, "user, password or ca holds a control character");
    }
    switch (req->kind) {
    case FIREALARM_REQUEST_HTTP:
        return check_http(req, err);
    case FIREALARM_REQUEST_SMTP:
        return check_smtp(req, err);
    default:
        return fa_err_set(err, FA_EINVAL, "a request of the unknown kind %u", req->kind);
    }
}

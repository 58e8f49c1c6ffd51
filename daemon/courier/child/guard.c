/* SPDX-License-Identifier: MIT */
/* The fence around what the courier connects to and writes.
 *
 * The address is judged where it is known for certain, on the way to connect(), not by the name in
 * the URL: a name may resolve to anything, and to something else the next time. Texts are refused,
 * never mended: a line break in a header or an address means that somebody tries something or that
 * a plugin is broken, and libcurl would pass it on. */
#include "courier/child/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const struct {
    uint32_t net;
    unsigned bits;
} PRIVATE_V4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* carrier-grade NAT */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local, the clouds' metadata */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4 relays */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, broadcast */
};

static bool is_private_v4(uint32_t addr)
{
    for (size_t i = 0; i < sizeof PRIVATE_V4 / sizeof PRIVATE_V4[0]; i++) {
        if ((addr ^ PRIVATE_V4[i].net) >> (32 - PRIVATE_V4[i].bits) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t load_v4(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_private_v6(const uint8_t a[16])
{
    static const uint8_t zero[12], nat64[12] = {0, 0x64, 0xff, 0x9b},
                                   mapped[12] = {[10] = 0xff, 0xff};
    if (memcmp(a, zero, 12) == 0) {
        return true; /* ::, ::1 and the old compatible form */
    }
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0) {
        return is_private_v4(load_v4(a + 12));
    }
    if (a[0] == 0x20 && a[1] == 0x02) {
        return is_private_v4(load_v4(a + 2)); /* 6to4 */
    }
    if (a[0] == 0x20 && a[1] == 0x01) {
        /* Teredo 2001::/32 and documentation 2001:db8::/32 */
        return (a[2] == 0 && a[3] == 0) || (a[2] == 0x0d && a[3] == 0xb8);
    }
    if (a[0] == 0x00 && a[1] == 0x64) {
        return true; /* 64:ff9b:1::/48, local NAT64 */
    }
    return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && a[1] >= 0x80) || a[0] == 0xff;
}

bool fa_guard_is_private(const struct sockaddr *addr, socklen_t len)
{
    if (addr->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, addr, sizeof in);
        return is_private_v4(ntohl(in.sin_addr.s_addr));
    }
    if (addr->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;
        memcpy(&in6, addr, sizeof in6);
        return is_private_v6(in6.sin6_addr.s6_addr);
    }
    return true;
}

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

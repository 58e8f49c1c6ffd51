/* SPDX-License-Identifier: MIT */
/* Addresses as text, both ways. IPv4 peers are kept as ::ffff:a.b.c.d, so that a peer that comes
 * over a two-family socket and one that comes over an IPv4 socket are the same.
 * Tests: tests/unit/test_net_listener.c. */
#include "net/socket.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

const char *fa_peer_text(const struct fa_peer *peer, char buf[FA_PEER_TEXT_SIZE])
{
    char addr[INET6_ADDRSTRLEN] = "?";
    if (peer->kind == FA_PEER_UNIX && peer->uid == FA_UID_NONE) {
        snprintf(buf, FA_PEER_TEXT_SIZE, "unix");
    } else if (peer->kind == FA_PEER_UNIX) {
        snprintf(buf, FA_PEER_TEXT_SIZE, "unix uid %u", (unsigned)peer->uid);
    } else if (peer->is_v6) {
        inet_ntop(AF_INET6, peer->addr, addr, sizeof addr);
        snprintf(buf, FA_PEER_TEXT_SIZE, "[%s]:%u", addr, peer->port);
    } else {
        inet_ntop(AF_INET, peer->addr + 12, addr, sizeof addr);
        snprintf(buf, FA_PEER_TEXT_SIZE, "%s:%u", addr, peer->port);
    }
    return buf;
}

bool fa_peer_same(const struct fa_peer *a, const struct fa_peer *b)
{
    if (a->kind != b->kind || a->is_v6 != b->is_v6) {
        return false;
    }
    if (a->kind == FA_PEER_UNIX) {
        return a->uid == b->uid;
    }
    return memcmp(a->addr, b->addr, a->is_v6 ? 8 : 16) == 0;
}

void fa_peer_of_sockaddr(const struct sockaddr_storage *addr, struct fa_peer *ret_peer)
{
    *ret_peer = (struct fa_peer){.kind = FA_PEER_UNIX, .uid = FA_UID_NONE};
    if (addr->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)addr;
        ret_peer->kind = FA_PEER_INET;
        memcpy(ret_peer->addr, mapped_prefix, 12);
        memcpy(ret_peer->addr + 12, &in->sin_addr, 4);
        ret_peer->port = ntohs(in->sin_port);
    } else if (addr->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)addr;
        ret_peer->kind = FA_PEER_INET;
        memcpy(ret_peer->addr, &in6->sin6_addr, 16);
        ret_peer->is_v6 = memcmp(ret_peer->addr, mapped_prefix, 12) != 0;
        ret_peer->port = ntohs(in6->sin6_port);
    }
}

static int parse_unix(const char *text, const char *path, struct fa_endpoint *ret,
                      struct fa_err *err)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)&ret->addr;
    size_t len = strlen(path);
    if (path[0] != '/' || path[len - 1] == '/') {
        return fa_err_set(err, FA_EINVAL, "address '%s': a socket's path begins with '/'", text);
    }
    if (len >= sizeof un->sun_path) {
        return fa_err_set(err, FA_ETOOBIG, "address '%s': the path has %zu bytes, at most %zu fit",
                          text, len, sizeof un->sun_path - 1);
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len + 1);
    ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return 0;
}

/* host has been cut off; brackets are gone. */
static bool parse_host(const char *host, bool bracketed, uint16_t port, struct fa_endpoint *ret)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&ret->addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&ret->addr;
    if (!bracketed && inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        ret->len = sizeof *in;
        return true;
    }
    bool any = !bracketed && strcmp(host, "*") == 0;
    if (any || (bracketed && inet_pton(AF_INET6, host, &in6->sin6_addr) == 1)) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        ret->len = sizeof *in6;
        return true;
    }
    return false;
}

int fa_endpoint_parse(const char *text, struct fa_endpoint *ret, struct fa_err *err)
{
    memset(ret, 0, sizeof *ret);
    if (text[0] == '/') {
        return parse_unix(text, text, ret, err);
    }
    if (strncmp(text, "unix:", 5) == 0) {
        return parse_unix(text, text + 5, ret, err);
    }
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (colon == NULL || fa_parse_u64(fa_str_of(colon + 1), &port) != 0 || port > 65535) {
        return fa_err_set(err, FA_EINVAL,
                          "address '%s': write /path, 127.0.0.1:port, [::1]:port or *:port", text);
    }
    size_t len = (size_t)(colon - text);
    bool bracketed = len >= 2 && text[0] == '[' && colon[-1] == ']';
    char host[INET6_ADDRSTRLEN + 1];
    size_t host_len = bracketed ? len - 2 : len;
    if (host_len < sizeof host) {
        memcpy(host, text + (bracketed ? 1 : 0), host_len);
        host[host_len] = '\0';
        if (parse_host(host, bracketed, (uint16_t)port, ret)) {
            return 0;
        }
    }
    return fa_err_set(err, FA_EINVAL,
                      "address '%s': '%.*s' is no numeric address; names are not resolved", text,
                      (int)len, text);
}

/* SPDX-License-Identifier: MIT */
/* The fence around what children connect to. The address is judged where it is known for certain,
 * on the way to connect(), not by the name in the URL: a name may resolve to anything, and to
 * something else the next time. */
#include "child/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
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

/* SPDX-License-Identifier: MIT */
/* Inner to this room: OpenSSL's side of struct fa_tls. */
#ifndef FA_NET_TLS_CTX_H
#define FA_NET_TLS_CTX_H

#include "net/tls.h"

#include <openssl/ssl.h>

/* A server-side connection, counted on its own; NULL when OpenSSL refuses. */
SSL *fa_tls_accept(const struct fa_tls *tls);
/* Another handle on the same context. */
struct fa_tls *fa_tls_share(const struct fa_tls *tls);

#endif

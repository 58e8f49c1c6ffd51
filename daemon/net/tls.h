/* SPDX-License-Identifier: MIT */
/* TLS for listeners: TLS 1.2 and later, no renegotiation, no compression, no tickets. */
#ifndef FA_NET_TLS_H
#define FA_NET_TLS_H

#include "base/err.h"

struct fa_tls;

/* PEM files: the certificate with its chain, and its key. Checks that they belong together and
 * that the key is not readable by everybody. NULL and *err on failure, which names the file. */
struct fa_tls *fa_tls_open(const char *cert_path, const char *key_path, struct fa_err *err);
/* Connections made with it live on. Accepts NULL. */
void fa_tls_close(struct fa_tls *tls);

#endif

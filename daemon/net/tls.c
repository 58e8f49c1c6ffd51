/* SPDX-License-Identifier: MIT */
/* OpenSSL contexts for servers.
 *
 * libevent 2.1 predates OpenSSL 3: an end without close_notify comes as an error unless
 * SSL_OP_IGNORE_UNEXPECTED_EOF makes it an end, and large writes stall unless partial writes from a
 * moving buffer are allowed. No session tickets or cache: connections are few and long, and a
 * ticket key is one more secret.
 * Does not ask for client certificates: callers are known by their tokens.
 * Tests: tests/unit/test_net_tls.c. */
#include "net/tls_ctx.h"

#include "base/panic.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fa_tls {
    SSL_CTX *ctx;
};

static int refuse(struct fa_err *err, const char *what, const char *path)
{
    char text[160];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    ERR_clear_error();
    return fa_err_set(err, FA_EINVAL, "%s '%s': %s", what, path, text);
}

static int check_file(const char *what, const char *path, mode_t forbidden, struct fa_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        int code = errno == ENOENT ? FA_ENOTFOUND : FA_EIO;
        return fa_err_set(err, code, "%s '%s': %s", what, path, strerror(errno));
    }
    if (st.st_mode & forbidden) {
        return fa_err_set(err, FA_EDENIED,
                          "%s '%s' may be read or written by everybody; chmod o-rw it", what, path);
    }
    return 0;
}

static int load(SSL_CTX *ctx, const char *cert_path, const char *key_path, struct fa_err *err)
{
    if (check_file("TLS certificate", cert_path, S_IWOTH, err) != 0 ||
        check_file("TLS key", key_path, S_IROTH | S_IWOTH, err) != 0) {
        return err->code;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1) {
        return refuse(err, "TLS certificate", cert_path);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        return refuse(err, "TLS key", key_path);
    }
    return 0;
}

/* A key file with a passphrase would make OpenSSL ask on the terminal and wait. */
static int no_passphrase(char *buf, int size, int rwflag, void *self)
{
    return -1;
}

static SSL_CTX *new_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL) {
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    return ctx;
}

struct fa_tls *fa_tls_open(const char *cert_path, const char *key_path, struct fa_err *err)
{
    SSL_CTX *ctx = new_context();
    if (ctx == NULL) {
        refuse(err, "TLS for", cert_path);
        return NULL;
    }
    if (load(ctx, cert_path, key_path, err) != 0) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    struct fa_tls *tls = fa_xmalloc(sizeof *tls);
    tls->ctx = ctx;
    return tls;
}

void fa_tls_close(struct fa_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}

struct fa_tls *fa_tls_share(const struct fa_tls *tls)
{
    struct fa_tls *share = fa_xmalloc(sizeof *share);
    share->ctx = tls->ctx;
    SSL_CTX_up_ref(share->ctx);
    return share;
}

SSL *fa_tls_accept(const struct fa_tls *tls)
{
    return SSL_new(tls->ctx);
}

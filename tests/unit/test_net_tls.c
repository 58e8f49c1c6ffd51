/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::OPENSSL */
#include "net_bench.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

struct app {
    struct net_bench bench;
    char cert[128], key[128];
    struct fa_tls *tls;
    struct fa_http_server *server;
};

static void on_head(void *self, struct fa_http_request *req, struct fa_http_route *route)
{
}

static void on_request(void *self, struct fa_http_request *req)
{
    char text[64];
    snprintf(text, sizeof text, "tls=%d %zu", fa_http_is_tls(req), fa_http_body(req).len);
    fa_http_reply(req, 200, "text/plain", fa_str_of(text));
}

static const struct fa_http_handler handler = {.on_head = on_head, .on_request = on_request};

static void write_pem(const char *path, EVP_PKEY *key, X509 *cert)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(cert != NULL ? PEM_write_X509(file, cert)
                                  : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL),
                     1);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

/* A self-signed certificate for CN=name. */
static void make_pair(const char *cert_path, const char *key_path, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    write_pem(cert_path, NULL, cert);
    write_pem(key_path, key, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int setup(void **state)
{
    struct app *app = calloc(1, sizeof *app);
    struct fa_err err;
    net_bench_open(&app->bench);
    snprintf(app->cert, sizeof app->cert, "%s/cert.pem", app->bench.dir);
    snprintf(app->key, sizeof app->key, "%s/key.pem", app->bench.dir);
    make_pair(app->cert, app->key, "first");
    app->tls = fa_tls_open(app->cert, app->key, &err);
    assert_non_null(app->tls);
    struct fa_http_config cfg = {.listener = {.address = "127.0.0.1:0", .connections = 8},
                                 .tls = app->tls,
                                 .limits = fa_http_limits_default(),
                                 .handler = &handler,
                                 .self = app};
    app->server = fa_http_server_open(app->bench.loop, &cfg, &err);
    assert_non_null(app->server);
    *state = app;
    return 0;
}

static int teardown(void **state)
{
    struct app *app = *state;
    fa_http_server_close(app->server);
    fa_tls_close(app->tls);
    unlink(app->cert);
    unlink(app->key);
    net_bench_close(&app->bench);
    free(app);
    return 0;
}

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

/* Handshakes; the server's turns run in between. False when it fails. */
static bool dial(struct app *app, struct client *client, int max_version)
{
    client->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(client->ctx, max_version);
    SSL_CTX_set_security_level(client->ctx, 0);
    client->ssl = SSL_new(client->ctx);
    client->fd = net_connect_tcp(fa_http_server_port(app->server));
    SSL_set_fd(client->ssl, client->fd);
    for (int i = 0; i < 50; i++) {
        int rc = SSL_connect(client->ssl);
        if (rc == 1) {
            net_settle(app->bench.loop);
            return true;
        }
        if (SSL_get_error(client->ssl, rc) != SSL_ERROR_WANT_READ) {
            return false;
        }
        net_settle(app->bench.loop);
    }
    return false;
}

static void hang_up(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->ctx);
    close(client->fd);
    ERR_clear_error();
}

/* Returns SSL_get_error's word at the end of what is there. */
static int read_all(struct app *app, struct client *client, struct net_answer *answer)
{
    int rc = 1;
    net_settle(app->bench.loop);
    while (rc > 0) {
        rc = SSL_read(client->ssl, answer->text + answer->len,
                      (int)(sizeof answer->text - 1 - answer->len));
        answer->len += rc > 0 ? (size_t)rc : 0;
    }
    return SSL_get_error(client->ssl, rc);
}

static void say(struct client *client, const char *text)
{
    assert_int_equal(SSL_write(client->ssl, text, (int)strlen(text)), strlen(text));
}

static void requests_are_served_over_tls_one_after_the_other(void **state)
{
    struct app *app = *state;
    struct client client;
    struct net_answer answer = {0};
    char statuses[256];
    assert_true(dial(app, &client, TLS1_3_VERSION));
    say(&client, "GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab");
    assert_int_equal(read_all(app, &client, &answer), SSL_ERROR_WANT_READ);
    assert_string_equal(net_statuses(answer.text, statuses), "200 200");
    assert_contains(answer.text, "tls=1 2");
    say(&client, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_int_equal(read_all(app, &client, &answer), SSL_ERROR_ZERO_RETURN); /* close_notify */
    hang_up(&client);
}

static void a_body_larger_than_a_record_arrives_whole(void **state)
{
    struct app *app = *state;
    struct client client;
    struct net_answer answer = {0};
    static char body[200000];
    assert_true(dial(app, &client, TLS1_2_VERSION));
    say(&client, "POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n");
    for (size_t at = 0; at < sizeof body;) {
        int rc = SSL_write(client.ssl, body + at, 20000);
        at += rc > 0 ? (size_t)rc : 0;
        net_settle(app->bench.loop);
    }
    read_all(app, &client, &answer);
    assert_contains(answer.text, "tls=1 200000");
    hang_up(&client);
}

/* What OpenSSL holds decrypted, the socket does not show: read-ahead that stops at its limit in
 * the middle of a record must go on by itself. */
static void more_pipelined_requests_than_are_read_ahead_do_not_stall(void **state)
{
    enum { REQUESTS = 5000, EACH = 25 };
    struct app *app = *state;
    struct client client;
    static char text[REQUESTS * EACH + 1];
    static struct net_answer answer;
    size_t at = 0, answers = 0;
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(text + (size_t)i * EACH, EACH + 1, "GET /%07d HTTP/1.1\r\n\r\n", i % 10000000);
    }
    const size_t len = strlen(text);
    assert_true(dial(app, &client, TLS1_3_VERSION));
    for (int rounds = 0; answers < REQUESTS; rounds++) {
        if (rounds > 4 * REQUESTS) {
            fail_msg("stalled after %zu answers, %zu of %zu bytes sent", answers, at, len);
        }
        int rc = at < len ? SSL_write(client.ssl, text + at, (int)(len - at)) : 0;
        at += rc > 0 ? (size_t)rc : 0;
        memset(&answer, 0, sizeof answer);
        read_all(app, &client, &answer);
        for (const char *p = answer.text; (p = strstr(p, "tls=1")) != NULL; p += 5) {
            answers++;
        }
    }
    assert_int_equal(at, len);
    hang_up(&client);
}

static void tls_1_1_is_refused_and_counted(void **state)
{
    struct app *app = *state;
    struct client client;
    struct fa_http_counters counters;
    assert_false(dial(app, &client, TLS1_1_VERSION));
    hang_up(&client);
    net_settle(app->bench.loop);
    fa_http_server_counters(app->server, &counters);
    assert_int_equal(counters.tls_failed, 1);
    assert_int_equal(counters.listener.open_now, 0);
}

static void plain_text_on_the_tls_port_is_refused(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    struct fa_http_counters counters;
    int fd = net_connect_tcp(fa_http_server_port(app->server));
    net_exchange(app->bench.loop, fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    fa_http_server_counters(app->server, &counters);
    assert_int_equal(counters.tls_failed, 1);
    assert_null(strstr(answer.text, "HTTP/1.1"));
    close(fd);
}

static void a_handshake_that_stalls_is_cut_by_the_header_time(void **state)
{
    struct app *app = *state;
    struct fa_http_counters counters;
    int fd = net_connect_tcp(fa_http_server_port(app->server));
    net_settle(app->bench.loop);
    fa_loop_test_advance(app->bench.loop, 10 * FA_SECOND);
    net_settle(app->bench.loop);
    fa_http_server_counters(app->server, &counters);
    assert_int_equal(counters.header_timeout, 1);
    assert_int_equal(counters.listener.open_now, 0);
    close(fd);
}

static void a_client_that_ends_without_close_notify_is_just_gone(void **state)
{
    struct app *app = *state;
    struct client client;
    struct fa_http_counters counters;
    assert_true(dial(app, &client, TLS1_3_VERSION));
    hang_up(&client);
    net_settle(app->bench.loop);
    fa_http_server_counters(app->server, &counters);
    assert_int_equal(counters.tls_failed, 0);
    assert_int_equal(counters.listener.open_now, 0);
}

static void peer_name(struct client *client, char name[64])
{
    X509 *cert = SSL_get1_peer_certificate(client->ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, 64);
    X509_free(cert);
}

static void a_new_certificate_serves_new_connections_and_old_ones_go_on(void **state)
{
    struct app *app = *state;
    struct client before, after;
    struct fa_err err;
    struct net_answer answer = {0};
    char name[64];
    assert_true(dial(app, &before, TLS1_3_VERSION));
    make_pair(app->cert, app->key, "second");
    struct fa_tls *tls = fa_tls_open(app->cert, app->key, &err);
    assert_non_null(tls);
    fa_http_server_set_tls(app->server, tls);
    fa_tls_close(tls);
    assert_true(dial(app, &after, TLS1_3_VERSION));
    peer_name(&after, name);
    assert_string_equal(name, "second");
    say(&before, "GET / HTTP/1.1\r\n\r\n");
    read_all(app, &before, &answer);
    assert_contains(answer.text, "200 OK");
    peer_name(&before, name);
    assert_string_equal(name, "first");
    hang_up(&before);
    hang_up(&after);
}

static void bad_files_are_refused_by_name(void **state)
{
    struct app *app = *state;
    struct fa_err err;
    char other[160];
    assert_null(fa_tls_open("/nowhere/cert.pem", app->key, &err));
    assert_int_equal(err.code, FA_ENOTFOUND);
    assert_contains(err.text, "TLS certificate '/nowhere/cert.pem': No such file");
    assert_null(fa_tls_open(app->key, app->key, &err));
    assert_int_equal(err.code, FA_EINVAL);
    assert_contains(err.text, "TLS certificate '");
    assert_null(fa_tls_open(app->cert, app->cert, &err));
    assert_contains(err.text, "TLS key '");
    snprintf(other, sizeof other, "%s/other.pem", app->bench.dir);
    char saved[128];
    snprintf(saved, sizeof saved, "%s/saved.pem", app->bench.dir);
    make_pair(saved, other, "other");
    assert_null(fa_tls_open(app->cert, other, &err)); /* not the certificate's key */
    assert_contains(err.text, "mismatch");
    assert_int_equal(chmod(app->key, 0644), 0);
    assert_null(fa_tls_open(app->cert, app->key, &err));
    assert_int_equal(err.code, FA_EDENIED);
    assert_contains(err.text, "chmod o-rw it");
    unlink(other);
    unlink(saved);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(requests_are_served_over_tls_one_after_the_other),
        TEST(a_body_larger_than_a_record_arrives_whole),
        TEST(more_pipelined_requests_than_are_read_ahead_do_not_stall),
        TEST(tls_1_1_is_refused_and_counted),
        TEST(plain_text_on_the_tls_port_is_refused),
        TEST(a_handshake_that_stalls_is_cut_by_the_header_time),
        TEST(a_client_that_ends_without_close_notify_is_just_gone),
        TEST(a_new_certificate_serves_new_connections_and_old_ones_go_on),
        TEST(bad_files_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

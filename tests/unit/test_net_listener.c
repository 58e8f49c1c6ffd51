/* SPDX-License-Identifier: MIT */
#include "net_bench.h"

#include <sys/stat.h>

static void endpoints_are_numeric_and_whole(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {"/run/x.sock", 0},
        {"unix:/run/x.sock", 0},
        {"127.0.0.1:80", 0},
        {"0.0.0.0:0", 0},
        {"[::1]:80", 0},
        {"*:80", 0},
        {"", FA_EINVAL},
        {"unix:", FA_EINVAL},
        {"unix:x", FA_EINVAL},
        {"/run/", FA_EINVAL},
        {"localhost:80", FA_EINVAL},
        {"127.0.0.1", FA_EINVAL},
        {"127.0.0.1:", FA_EINVAL},
        {"127.0.0.1:65536", FA_EINVAL},
        {"127.0.0.1:8o", FA_EINVAL},
        {"::1:80", FA_EINVAL},
        {"[::1]", FA_EINVAL},
        {"[127.0.0.1]:80", FA_EINVAL},
        {":80", FA_EINVAL},
        {"[]:80", FA_EINVAL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:1", FA_EINVAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_endpoint ep;
        struct fa_err err = {0};
        int rc = fa_endpoint_parse(rows[i].text, &ep, &err);
        if (rc != rows[i].rc || (rc != 0 && strstr(err.text, rows[i].text) == NULL)) {
            fail_msg("'%s': %d, %s", rows[i].text, rc, err.text);
        }
    }
    struct fa_endpoint ep;
    struct fa_err err;
    char path[200] = "/";
    memset(path + 1, 'a', 150);
    assert_int_equal(fa_endpoint_parse(path, &ep, &err), FA_ETOOBIG);
}

static void peers_are_the_same_by_uid_address_or_64_bits(void **state)
{
    struct fa_peer a = {.kind = FA_PEER_UNIX, .uid = 7}, b = a;
    char text[FA_PEER_TEXT_SIZE];
    assert_true(fa_peer_same(&a, &b));
    b.uid = 8;
    assert_false(fa_peer_same(&a, &b));
    assert_string_equal(fa_peer_text(&a, text), "unix uid 7");
    a = b = (struct fa_peer){.kind = FA_PEER_INET,
                             .addr = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1},
                             .port = 80};
    b.port = 81;
    assert_true(fa_peer_same(&a, &b));
    b.addr[15] = 2;
    assert_false(fa_peer_same(&a, &b));
    assert_string_equal(fa_peer_text(&b, text), "192.0.2.2:81");
    a = b = (struct fa_peer){
        .kind = FA_PEER_INET, .addr = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 80, .is_v6 = true};
    b.addr[15] = 2;
    assert_true(fa_peer_same(&a, &b)); /* the host's own part is the host's to choose */
    b.addr[7] = 1;
    assert_false(fa_peer_same(&a, &b));
    assert_string_equal(fa_peer_text(&a, text), "[2001:db8::1]:80");
}

static int setup(void **state)
{
    struct net_bench *bench = calloc(1, sizeof *bench);
    net_bench_open(bench);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct net_bench *bench = *state;
    net_bench_close(bench);
    free(bench);
    return 0;
}

static void close_it(void *self, int fd, const struct fa_peer *peer)
{
    if (self != NULL) {
        *(struct fa_peer *)self = *peer;
    }
    close(fd);
}

static struct fa_listener *open_at(struct net_bench *bench, const char *address,
                                   struct fa_peer *ret, struct fa_err *err)
{
    struct fa_listener_options cfg = {.address = address, .mode = 0620, .connections = 4};
    return fa_listener_open(bench->loop, &cfg, close_it, ret, err);
}

static void the_socket_file_has_its_mode_and_goes_with_the_listener(void **state)
{
    struct net_bench *bench = *state;
    struct fa_err err;
    struct stat st;
    struct fa_listener *listener = open_at(bench, bench->path, NULL, &err);
    assert_non_null(listener);
    assert_int_equal(stat(bench->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0620);
    assert_int_equal(fa_listener_port(listener), 0);
    fa_listener_close(listener);
    assert_int_equal(stat(bench->path, &st), -1);
}

static void a_socket_in_use_is_left_alone(void **state)
{
    struct net_bench *bench = *state;
    struct fa_err err;
    struct fa_listener *listener = open_at(bench, bench->path, NULL, &err);
    assert_null(open_at(bench, bench->path, NULL, &err));
    assert_int_equal(err.code, FA_EBUSY);
    assert_contains(err.text, "is in use by another process");
    assert_contains(err.text, bench->path);
    fa_listener_close(listener);
}

static void a_stale_socket_is_replaced_and_anything_else_is_not(void **state)
{
    struct net_bench *bench = *state;
    struct fa_err err;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(addr.sun_path, bench->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    close(fd); /* leaves the file, as a killed process does */
    struct fa_listener *listener = open_at(bench, bench->path, NULL, &err);
    assert_non_null(listener);
    fa_listener_close(listener);
    fd = open(bench->path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_null(open_at(bench, bench->path, NULL, &err));
    assert_int_equal(err.code, FA_EEXISTS);
    assert_contains(err.text, "is no socket; remove it");
    unlink(bench->path);
}

static void a_directory_of_everybody_or_nobody_is_refused(void **state)
{
    struct net_bench *bench = *state;
    struct fa_err err;
    assert_int_equal(chmod(bench->dir, 0777), 0);
    assert_null(open_at(bench, bench->path, NULL, &err));
    assert_int_equal(err.code, FA_EDENIED);
    assert_contains(err.text, "chmod o-w it");
    assert_null(open_at(bench, "/nowhere/at/all.sock", NULL, &err));
    assert_int_equal(err.code, FA_ENOTFOUND);
    assert_contains(err.text, "/nowhere/at");
}

static void a_port_in_use_is_named(void **state)
{
    struct net_bench *bench = *state;
    struct fa_err err;
    char address[32];
    struct fa_listener *listener = open_at(bench, "127.0.0.1:0", NULL, &err);
    assert_non_null(listener);
    assert_true(fa_listener_port(listener) > 0);
    snprintf(address, sizeof address, "127.0.0.1:%u", fa_listener_port(listener));
    assert_null(open_at(bench, address, NULL, &err));
    assert_int_equal(err.code, FA_EBUSY);
    assert_contains(err.text, address);
    fa_listener_close(listener);
}

static void an_adopted_socket_is_served(void **state)
{
    struct net_bench *bench = *state;
    struct fa_err err;
    struct fa_peer peer = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    struct fa_listener_options cfg = {.fd = fd, .connections = 4};
    struct fa_listener *listener = fa_listener_open(bench->loop, &cfg, close_it, &peer, &err);
    assert_non_null(listener);
    int client = net_connect_tcp(fa_listener_port(listener));
    net_settle(bench->loop);
    assert_int_equal(peer.kind, FA_PEER_INET);
    assert_true(peer.port > 0);
    assert_int_equal(fa_listener_counters(listener)->accepted, 1);
    close(client);
    fa_listener_close(listener);
    cfg.fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_null(fa_listener_open(bench->loop, &cfg, close_it, NULL, &err));
    assert_contains(err.text, "is no stream socket");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_numeric_and_whole),
        cmocka_unit_test(peers_are_the_same_by_uid_address_or_64_bits),
        TEST(the_socket_file_has_its_mode_and_goes_with_the_listener),
        TEST(a_socket_in_use_is_left_alone),
        TEST(a_stale_socket_is_replaced_and_anything_else_is_not),
        TEST(a_directory_of_everybody_or_nobody_is_refused),
        TEST(a_port_in_use_is_named),
        TEST(an_adopted_socket_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

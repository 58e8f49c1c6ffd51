/* SPDX-License-Identifier: MIT */
#include "net_bench.h"
#include "net/dgram.h"

#include <dirent.h>

struct app {
    struct net_bench bench;
    struct fa_dgram *dgram;
    uint64_t packets, bytes;
    char last[64];
    struct fa_peer peer;
    int out;          /* sends to dgram */
    unsigned spin_us; /* work for each packet */
};

static void on_packet(void *self, struct fa_str bytes, const struct fa_peer *peer)
{
    struct app *app = self;
    app->packets++;
    app->bytes += bytes.len;
    app->peer = *peer;
    snprintf(app->last, sizeof app->last, "%.*s", (int)(bytes.len < 60 ? bytes.len : 60),
             bytes.ptr);
    if (app->spin_us > 0) {
        usleep(app->spin_us);
    }
}

static void open_udp(struct app *app, uint32_t rcvbuf)
{
    struct fa_err err;
    struct fa_dgram_config cfg = {.address = "127.0.0.1:0", .rcvbuf_bytes = rcvbuf};
    app->dgram = fa_dgram_open(app->bench.loop, &cfg, on_packet, app, &err);
    assert_non_null(app->dgram);
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons(fa_dgram_port(app->dgram)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    app->out = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(connect(app->out, (struct sockaddr *)&addr, sizeof addr), 0);
}

static void open_unix(struct app *app)
{
    struct fa_err err;
    struct fa_dgram_config cfg = {.address = app->bench.path, .mode = 0600};
    app->dgram = fa_dgram_open(app->bench.loop, &cfg, on_packet, app, &err);
    assert_non_null(app->dgram);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strcpy(addr.sun_path, app->bench.path);
    app->out = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(app->out, (struct sockaddr *)&addr, sizeof addr), 0);
}

static int setup(void **state)
{
    struct app *app = calloc(1, sizeof *app);
    net_bench_open(&app->bench);
    *state = app;
    return 0;
}

static int teardown(void **state)
{
    struct app *app = *state;
    close(app->out);
    fa_dgram_close(app->dgram);
    net_bench_close(&app->bench);
    free(app);
    return 0;
}

static void udp_packets_arrive_with_their_sender(void **state)
{
    struct app *app = *state;
    char text[FA_PEER_TEXT_SIZE];
    open_udp(app, 0);
    assert_int_equal(send(app->out, "a:1|c", 5, 0), 5);
    assert_int_equal(send(app->out, "", 0, 0), 0);
    assert_int_equal(send(app->out, "b:2|c", 5, 0), 5);
    net_settle(app->bench.loop);
    assert_int_equal(app->packets, 3);
    assert_string_equal(app->last, "b:2|c");
    assert_contains(fa_peer_text(&app->peer, text), "127.0.0.1:");
    assert_int_equal(fa_dgram_counters(app->dgram)->bytes, 10);
}

static void the_largest_udp_packet_arrives_whole(void **state)
{
    struct app *app = *state;
    static char big[FA_DGRAM_MAX];
    open_udp(app, 1 << 20);
    assert_int_equal(send(app->out, big, sizeof big, 0), sizeof big);
    net_settle(app->bench.loop);
    assert_int_equal(app->bytes, FA_DGRAM_MAX);
    assert_int_equal(fa_dgram_counters(app->dgram)->truncated, 0);
}

static void a_packet_larger_than_the_limit_is_counted_and_dropped(void **state)
{
    struct app *app = *state;
    static char big[FA_DGRAM_MAX + 1];
    open_unix(app); /* carries larger ones than UDP */
    assert_int_equal(send(app->out, big, sizeof big, 0), sizeof big);
    assert_int_equal(send(app->out, "ok", 2, 0), 2);
    net_settle(app->bench.loop);
    assert_int_equal(fa_dgram_counters(app->dgram)->truncated, 1);
    assert_int_equal(app->packets, 1);
}

static void a_unix_sender_is_known_by_uid(void **state)
{
    struct app *app = *state;
    open_unix(app);
    assert_int_equal(send(app->out, "x", 1, 0), 1);
    net_settle(app->bench.loop);
    assert_int_equal(app->peer.kind, FA_PEER_UNIX);
    assert_int_equal(app->peer.uid, getuid());
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

static void descriptors_sent_along_are_closed(void **state)
{
    struct app *app = *state;
    int fds[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    char control[CMSG_SPACE(sizeof fds)] __attribute__((aligned(8))) = {0};
    struct iovec iov = {"x", 1};
    struct msghdr hdr = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
    *cmsg = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fds)};
    memcpy(CMSG_DATA(cmsg), fds, sizeof fds);
    open_unix(app);
    size_t before = open_descriptors();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sendmsg(app->out, &hdr, 0), 1);
        net_settle(app->bench.loop);
    }
    assert_int_equal(app->packets, 5);
    assert_int_equal(open_descriptors(), before);
}

static void what_the_kernel_dropped_is_counted(void **state)
{
    struct app *app = *state;
    char packet[1000] = {0};
    open_udp(app, 4096);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(send(app->out, packet, sizeof packet, 0), sizeof packet);
    }
    net_settle(app->bench.loop);
    send(app->out, packet, 1, 0); /* the kernel tells with the next packet */
    net_settle(app->bench.loop);
    const struct fa_dgram_counters *counters = fa_dgram_counters(app->dgram);
    assert_true(counters->kernel_dropped > 0);
    assert_int_equal(counters->packets + counters->kernel_dropped, 501);
}

static void count_turn(void *self)
{
    (*(int *)self)++;
}

static void a_flood_does_not_hold_up_the_turn(void **state)
{
    struct app *app = *state;
    int turns = 0;
    open_udp(app, 8 << 20);
    for (int i = 0; i < 150; i++) {
        assert_int_equal(send(app->out, "x", 1, 0), 1);
    }
    app->spin_us = 100; /* a batch of 64 takes longer than the budget of 2 ms */
    fa_loop_on_turn(app->bench.loop, count_turn, &turns);
    fa_loop_turn(app->bench.loop, false);
    assert_int_equal(app->packets, 64);
    assert_int_equal(fa_dgram_counters(app->dgram)->budget_spent, 1);
    assert_int_equal(turns, 1);
    fa_loop_turn(app->bench.loop, true);
    fa_loop_turn(app->bench.loop, true);
    assert_int_equal(app->packets, 150);
}

static void a_quick_flood_is_read_in_many_batches_a_turn(void **state)
{
    struct app *app = *state;
    uint64_t sent = 0, most = 0;
    open_udp(app, 8 << 20);
    /* On a busy machine one batch may take the whole budget: any round out of twenty will do. */
    for (int round = 0; round < 20 && most <= 64; round++) {
        for (int i = 0; i < 300; i++) {
            sent += send(app->out, "x", 1, 0) == 1;
        }
        uint64_t before = app->packets;
        fa_loop_turn(app->bench.loop, false);
        most = app->packets - before;
        net_settle(app->bench.loop);
    }
    assert_true(most > 64);
    assert_int_equal(app->packets + fa_dgram_counters(app->dgram)->kernel_dropped, sent);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(udp_packets_arrive_with_their_sender),
        TEST(the_largest_udp_packet_arrives_whole),
        TEST(a_packet_larger_than_the_limit_is_counted_and_dropped),
        TEST(a_unix_sender_is_known_by_uid),
        TEST(descriptors_sent_along_are_closed),
        TEST(what_the_kernel_dropped_is_counted),
        TEST(a_flood_does_not_hold_up_the_turn),
        TEST(a_quick_flood_is_read_in_many_batches_a_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

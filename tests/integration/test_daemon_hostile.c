/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Everything that can be done to a socket, done to every socket of the daemon at once, and a
 * courier that is not one. The seed is fixed. The daemon never ends, answers a filing all the
 * while, and has in the end no descriptor more than at the beginning. */
#include "daemon_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ROUNDS   600
#define LEFT_MAX 24 /* connections that are left open in the middle of something */
#define PASSED   32 /* descriptors in one message */

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* ---- the sockets */

enum target { API, API_TCP, TLS, METRICS, STREAMS, UDP = STREAMS, LOCAL, TARGETS };

static int open_inet(struct rig *rig, const char *name, int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)rig_port(rig, name))};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static int open_local(struct rig *rig)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strcpy(at.sun_path, rig->statsd);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static int open_target(struct rig *rig, enum target target)
{
    static const char *const names[] = {
        [API_TCP] = "tcp", [TLS] = "tls", [METRICS] = "metrics", [UDP] = "statsd"};
    int fd = target == API ? rig_connect(rig)
             : target == LOCAL
                 ? open_local(rig)
                 : open_inet(rig, names[target], target == UDP ? SOCK_DGRAM : SOCK_STREAM);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0); /* no peer holds the test up either */
    return fd;
}

/* ---- what is sent */

static const char *const words[] = {
    "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n{\"key\":\"00",
    "GET /v1/guide HTTP/1.1\r\nHost: x\r\n",
    "GET /v1/alarms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "POST /v1/status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    "EHLO mail.example.com\r\nMAIL FROM:<a@b>\r\nDATA\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", /* the head of a TLS greeting */
    "SSH-2.0-OpenSSH_9.2\r\n",
    "*1\r\n$4\r\nPING\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "queue_seconds:1|g\n",
    "queue_seconds:1|g|#a:b,c:d|@0.1|T1\nqueue_seconds:nan|ms\n_e{5,4}:title|text",
    "GET /v1/alarms/0000-0000-0000-0000 HTTP/1.1\r\nHost: x\r\n\r\n",
};

static size_t make_bytes(char *bytes, size_t size)
{
    size_t len;
    if (chance(2) == 0) {
        const char *word = words[chance(sizeof words / sizeof words[0])];
        len = strlen(word);
        memcpy(bytes, word, len);
        if (chance(3) == 0) {
            bytes[chance((uint32_t)len)] = (char)chance(256);
        }
        return len;
    }
    len = chance(8) == 0 ? size : 1 + chance(600);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)chance(256);
    }
    return len;
}

static void send_pieces(int fd, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t piece = 1 + chance(5);
        piece = piece < len - at ? piece : len - at;
        if (send(fd, bytes + at, piece, MSG_NOSIGNAL) < 0) {
            return; /* it has enough of us */
        }
        at += piece;
    }
}

/* Bytes with descriptors, which nobody asked for. */
static void send_descriptors(int fd, const char *bytes, size_t len)
{
    union {
        char buf[CMSG_SPACE(sizeof(int) * PASSED)];
        struct cmsghdr align;
    } control;
    struct iovec iov = {(void *)(uintptr_t)bytes, len};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    struct cmsghdr *head;
    int fds[PASSED];
    memset(&control, 0, sizeof control);
    head = CMSG_FIRSTHDR(&msg);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fds);
    for (size_t i = 0; i < PASSED; i++) {
        fds[i] = fd;
    }
    memcpy(CMSG_DATA(head), fds, sizeof fds);
    (void)!sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static void cut_off(int fd)
{
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void one_round(struct rig *rig, int left[LEFT_MAX])
{
    static char bytes[60000];
    enum target target = (enum target)chance(TARGETS);
    int fd = open_target(rig, target);
    size_t len = make_bytes(bytes, target < STREAMS ? sizeof bytes : 8000);
    if ((target == API || target == LOCAL) && chance(3) == 0) {
        send_descriptors(fd, bytes, len < 4000 ? len : 4000);
    } else if (target < STREAMS && chance(2) == 0) {
        send_pieces(fd, bytes, len < 500 ? len : 500);
    } else {
        (void)!send(fd, bytes, len, MSG_NOSIGNAL);
    }
    uint32_t end = chance(4);
    if (end == 0) {
        cut_off(fd);
    } else if (end == 1) {
        int *place = &left[chance(LEFT_MAX)];
        if (*place >= 0) {
            close(*place);
        }
        *place = fd;
        (void)!shutdown(fd, chance(2) == 0 ? SHUT_RD : SHUT_WR);
    } else {
        close(fd);
    }
}

/* ---- the tests */

static const char listeners[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"tcp\"; address = \"127.0.0.1:0\"; routes = [ \"api\" ]; },\n"
    "  { name = \"tls\"; address = \"127.0.0.1:0\"; routes = [ \"api\" ]; cert = \"./cert.pem\";\n"
    "    key = \"./secrets/key.pem\"; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; }\n"
    ");\n";

static void make_certificate(struct rig *rig)
{
    char command[1024];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
             " -subj /CN=localhost -keyout %s/secrets/key.pem -out %s/cert.pem 2>/dev/null",
             rig->dir, rig->dir);
    assert_int_equal(system(command), 0);
}

static void
whatever_comes_to_whatever_socket_a_filing_is_answered_and_no_descriptor_stays(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    int left[LEFT_MAX];
    rig->words.listeners = listeners;
    make_certificate(rig);
    rig_start(rig);
    pid_t courier = rig_courier(rig);
    rig_until(rig, rig_file(rig, 1000, "danger", receipt) == 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1000") != NULL);
    size_t before = rig_fd_count(rig);
    memset(left, -1, sizeof left);
    seed = 20261122;
    for (unsigned i = 0; i < ROUNDS; i++) {
        one_round(rig, left);
        if (i % 50 == 49) {
            rig_until(rig, rig_file(rig, i, "danger", receipt) == 201);
        }
    }
    for (size_t i = 0; i < LEFT_MAX; i++) {
        if (left[i] >= 0) {
            close(left[i]);
        }
    }
    rig_until(rig, rig_fd_count(rig) <= before);
    rig_until(rig, rig_status(rig, receipt) == 200);
    assert_int_equal(rig_courier_now(rig), courier);
    rig_stop(rig);
}

static void an_id_that_nobody_has_is_answered_whatever_its_digits(void **state)
{
    static const char *const paths[] = {"/v1/alarms/0000-0000-0000-0000",
                                        "/v1/alarms/zzzz-zzzz-zzzz-zzzz"};
    struct rig *rig = *state;
    rig_start(rig);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            rig_ask(rig, &(struct rig_call){.method = "GET",
                                            .path = paths[i],
                                            .header = "Authorization: Bearer " RIG_TOKEN "\r\n"})
                ->status,
            404);
    }
    rig_stop(rig);
}

/* A courier that does another wrong thing at each start, and at last what the real one does. */
static const char false_courier[] =
    "#!/usr/bin/python3\n"
    "import os, random, socket, struct, sys\n"
    "here = os.path.dirname(os.path.realpath(sys.argv[0]))\n"
    "try: n = int(open(here + '/starts').read())\n"
    "except OSError: n = 0\n"
    "open(here + '/starts', 'w').write(str(n + 1))\n"
    "s = socket.socket(fileno=os.dup(3))\n"
    "s.setblocking(True)\n"
    "random.seed(n)\n"
    "def end(): s.recv(65536); sys.exit(0)\n"
    "if n == 0: s.sendall(bytes(random.randrange(256) for _ in range(5000))); end()\n"
    "if n == 1: s.sendall(struct.pack('<I', 1 << 31)); end()\n"
    "if n == 2: s.sendall(struct.pack('<IB', 100000, 1) + b'half a frame'); end()\n"
    "if n == 3:\n"
    "    fds = [0] * 60\n"
    "    while True:\n"
    "        try: socket.send_fds(s, [struct.pack('<IBB', 2, 9, 1)] , fds)\n"
    "        except OSError: sys.exit(0)\n"
    "if n == 4: s.sendall(struct.pack('<IB', 1, 3) * 20000); end()\n"
    "os.execv('@REAL@', ['firealarm-courier'])\n";

static void write_false_courier(struct rig *rig)
{
    char text[sizeof false_courier + 300];
    const char *mark = strstr(false_courier, "@REAL@");
    snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - false_courier), false_courier,
             rig_built_courier(), mark + 6);
    rig_write(rig, "courier", text, 0755);
}

static void a_courier_that_is_none_is_replaced_until_it_is_one_and_nothing_is_lost(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[300];
    snprintf(path, sizeof path, "%s/courier", rig->dir);
    rig->courier = path;
    write_false_courier(rig);
    rig_start(rig);
    size_t before = rig_fd_count(rig);
    for (unsigned i = 1; i <= 5; i++) {
        rig_until(rig, rig_file(rig, i, "danger", receipt) == 201);
    }
    for (unsigned i = 1; i <= 5; i++) {
        char word[32];
        snprintf(word, sizeof word, "text-%u\"", i);
        rig_until(rig, receiver_find(rig->receiver, "/first", word) != NULL);
    }
    assert_true(rig_log_count(rig, "broke the protocol") >= 3);
    rig_until(rig, rig_fd_count(rig) <= before + 1); /* there may have been no courier then */
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_comes_to_whatever_socket_a_filing_is_answered_and_no_descriptor_stays),
        TEST(an_id_that_nobody_has_is_answered_whatever_its_digits),
        TEST(a_courier_that_is_none_is_replaced_until_it_is_one_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

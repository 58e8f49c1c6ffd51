/* SPDX-License-Identifier: MIT */
/* Datagram sockets, read with recvmmsg.
 *
 * Invariants
 * 1. A turn reads at most BATCHES batches of BATCH packets from a socket, and after the first batch
 *    only while the loop's ingest budget lasts. epoll is level-triggered: the rest waits for the
 *    next turn, after everything else had its own.
 * 2. Descriptors that a Unix peer sends along are closed.
 * 3. Each packet that did not arrive whole is counted, either as truncated or as the kernel's drop.
 *
 * Tests: tests/unit/test_net_dgram.c. */
#include "net/dgram.h"

#include "base/panic.h"
#include "net/loop_base.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DGRAM_MAGIC 0xfad65a11u
#define BATCH       64
#define BATCHES     32
/* SO_RXQ_OVFL's count and SCM_CREDENTIALS, and some descriptors that are closed again. */
#define CONTROL_BYTES 256

struct slot {
    struct iovec iov;
    struct sockaddr_storage from;
    union {
        struct cmsghdr align;
        char bytes[CONTROL_BYTES];
    } control;
};

struct fa_dgram {
    unsigned magic;
    struct fa_loop *loop;
    struct fa_socket sock;
    struct fa_watch *watch;
    fa_dgram_fn *fn;
    void *self;
    struct fa_dgram_counters counters;
    uint32_t overflow; /* the kernel's own count, when last seen */
    struct mmsghdr msgs[BATCH];
    struct slot slots[BATCH];
    char *buffers; /* BATCH times FA_DGRAM_MAX; pages are touched only as far as packets need */
};

static void prepare(struct fa_dgram *dgram)
{
    for (size_t i = 0; i < BATCH; i++) {
        struct slot *slot = &dgram->slots[i];
        slot->iov = (struct iovec){dgram->buffers + i * FA_DGRAM_MAX, FA_DGRAM_MAX};
        dgram->msgs[i].msg_hdr = (struct msghdr){.msg_name = &slot->from,
                                                 .msg_namelen = sizeof slot->from,
                                                 .msg_iov = &slot->iov,
                                                 .msg_iovlen = 1,
                                                 .msg_control = slot->control.bytes,
                                                 .msg_controllen = CONTROL_BYTES};
        slot->from.ss_family = AF_UNSPEC;
    }
}

static void close_passed(const struct cmsghdr *cmsg)
{
    size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof fd, sizeof fd);
        close(fd);
    }
}

static void read_control(struct fa_dgram *dgram, struct msghdr *hdr, struct fa_peer *peer)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL; cmsg = CMSG_NXTHDR(hdr, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET) {
            continue;
        }
        if (cmsg->cmsg_type == SO_RXQ_OVFL) {
            uint32_t overflow;
            memcpy(&overflow, CMSG_DATA(cmsg), sizeof overflow);
            /* The kernel's counter wraps; the difference does not mind. */
            dgram->counters.kernel_dropped += (uint32_t)(overflow - dgram->overflow);
            dgram->overflow = overflow;
        } else if (cmsg->cmsg_type == SCM_CREDENTIALS) {
            struct ucred cred;
            memcpy(&cred, CMSG_DATA(cmsg), sizeof cred);
            peer->uid = cred.uid;
        } else if (cmsg->cmsg_type == SCM_RIGHTS) {
            close_passed(cmsg);
        }
    }
}

static void deliver(struct fa_dgram *dgram, size_t i)
{
    struct msghdr *hdr = &dgram->msgs[i].msg_hdr;
    struct fa_peer peer;
    fa_peer_of_sockaddr(&dgram->slots[i].from, &peer);
    read_control(dgram, hdr, &peer);
    if (hdr->msg_flags & MSG_TRUNC) {
        dgram->counters.truncated++;
        return;
    }
    struct fa_str bytes = {dgram->slots[i].iov.iov_base, dgram->msgs[i].msg_len};
    dgram->counters.packets++;
    dgram->counters.bytes += bytes.len;
    dgram->fn(dgram->self, bytes, &peer);
}

/* The number of packets; fewer than BATCH: the socket is empty. */
static int read_batch(struct fa_dgram *dgram)
{
    prepare(dgram);
    int count = recvmmsg(dgram->sock.fd, dgram->msgs, BATCH, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
    if (count < 0) {
        /* ECONNREFUSED and the like are about an earlier packet, and are gone once told. */
        dgram->counters.errors += errno != EAGAIN && errno != EINTR;
        return 0;
    }
    for (int i = 0; i < count; i++) {
        deliver(dgram, (size_t)i);
    }
    return count;
}

static void on_ready(void *self, unsigned what)
{
    struct fa_dgram *dgram = self;
    FA_MAGIC_CHECK(dgram, DGRAM_MAGIC);
    for (int i = 0; i < BATCHES; i++) {
        /* The first batch starts the turn's budget, or is read in spite of it. */
        if (!fa_loop_ingest_left(dgram->loop) && i > 0) {
            break;
        }
        if (read_batch(dgram) < BATCH) {
            return;
        }
    }
    dgram->counters.budget_spent++;
}

struct fa_dgram *fa_dgram_open(struct fa_loop *loop, const struct fa_dgram_config *cfg,
                               fa_dgram_fn *fn, void *self, struct fa_err *err)
{
    struct fa_socket_config socket_cfg = {
        .address = cfg->address, .adopted_fd = cfg->fd, .type = SOCK_DGRAM, .mode = cfg->mode};
    struct fa_socket sock;
    if (fa_socket_open(&socket_cfg, &sock, err) != 0) {
        return NULL;
    }
    int on = 1, rcvbuf = cfg->rcvbuf_bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)cfg->rcvbuf_bytes;
    setsockopt(sock.fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    if (sock.is_unix) {
        setsockopt(sock.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    }
    /* The forced variant passes the system's maximum and needs CAP_NET_ADMIN. */
    if (rcvbuf > 0 &&
        setsockopt(sock.fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof rcvbuf) != 0) {
        setsockopt(sock.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    }
    struct fa_dgram *dgram = fa_xcalloc(1, sizeof *dgram);
    dgram->magic = DGRAM_MAGIC;
    dgram->loop = loop;
    dgram->sock = sock;
    dgram->fn = fn;
    dgram->self = self;
    dgram->buffers = fa_xmalloc((size_t)BATCH * FA_DGRAM_MAX);
    dgram->watch = fa_watch_new(loop, sock.fd, on_ready, dgram);
    return dgram;
}

void fa_dgram_close(struct fa_dgram *dgram)
{
    if (dgram != NULL) {
        fa_watch_free(dgram->watch);
        fa_socket_close(&dgram->sock);
        free(dgram->buffers);
        dgram->magic = 0;
        free(dgram);
    }
}

uint16_t fa_dgram_port(const struct fa_dgram *dgram)
{
    return dgram->sock.port;
}

const struct fa_dgram_counters *fa_dgram_counters(const struct fa_dgram *dgram)
{
    return &dgram->counters;
}

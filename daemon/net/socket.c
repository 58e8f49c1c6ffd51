/* SPDX-License-Identifier: MIT */
/* Binding. A Unix socket's file is replaced only when it is a socket that nobody answers; the
 * directory must not be writable by strangers, who could put a socket of theirs in its place. The
 * file has its mode from the first moment: fchmod() before bind() limits it and chmod() after
 * undoes the umask.
 * Does not create directories: RuntimeDirectory= does.
 * Tests: tests/unit/test_net_listener.c. */
#include "net/socket.h"

#include "base/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int check_directory(const char *path, struct fa_err *err)
{
    char dir[sizeof((struct sockaddr_un *)0)->sun_path];
    size_t len = (size_t)(strrchr(path, '/') - path);
    memcpy(dir, path, len);
    dir[len] = '\0';
    struct stat st;
    if (stat(len > 0 ? dir : "/", &st) != 0) {
        return fa_err_set(err, FA_ENOTFOUND, "directory '%s' of socket '%s': %s", dir, path,
                          strerror(errno));
    }
    if (st.st_uid != 0 && st.st_uid != geteuid()) {
        return fa_err_set(err, FA_EDENIED,
                          "directory '%s' of socket '%s' belongs to uid %u; it must be root's or "
                          "uid %u's",
                          dir, path, (unsigned)st.st_uid, (unsigned)geteuid());
    }
    if (st.st_mode & S_IWOTH) {
        return fa_err_set(err, FA_EDENIED,
                          "everybody may write to directory '%s' of socket '%s'; chmod o-w it", dir,
                          path);
    }
    return 0;
}

/* True when somebody takes connections or datagrams there. A full queue is somebody. */
static bool is_answered(const struct fa_endpoint *ep, int type)
{
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return true;
    }
    int rc = connect(fd, (const struct sockaddr *)&ep->addr, ep->len);
    bool answered = rc == 0 || errno != ECONNREFUSED;
    close(fd);
    return answered;
}

static int clear_path(const struct fa_endpoint *ep, const char *path, int type, struct fa_err *err)
{
    struct stat st;
    if (check_directory(path, err) != 0) {
        return err->code;
    }
    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? 0
                               : fa_err_set(err, FA_EIO, "socket '%s': %s", path, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode)) {
        return fa_err_set(err, FA_EEXISTS, "'%s' is there and is no socket; remove it", path);
    }
    if (is_answered(ep, type)) {
        return fa_err_set(err, FA_EBUSY, "socket '%s' is in use by another process", path);
    }
    if (unlink(path) != 0) {
        return fa_err_set(err, FA_EIO, "stale socket '%s' cannot be removed: %s", path,
                          strerror(errno));
    }
    return 0;
}

static int bind_unix(struct fa_socket *sock, const struct fa_endpoint *ep,
                     const struct fa_socket_config *cfg, struct fa_err *err)
{
    const char *path = ((const struct sockaddr_un *)(const void *)&ep->addr)->sun_path;
    if (clear_path(ep, path, cfg->type, err) != 0) {
        return err->code;
    }
    struct stat st;
    if (fchmod(sock->fd, cfg->mode) != 0 ||
        bind(sock->fd, (const struct sockaddr *)&ep->addr, ep->len) != 0 ||
        chmod(path, cfg->mode) != 0 || lstat(path, &st) != 0) {
        return fa_err_set(err, FA_EIO, "socket '%s': %s", path, strerror(errno));
    }
    sock->path = fa_xstrdup(path);
    sock->dev = st.st_dev;
    sock->ino = st.st_ino;
    return 0;
}

static int bind_inet(struct fa_socket *sock, const struct fa_endpoint *ep,
                     const struct fa_socket_config *cfg, struct fa_err *err)
{
    int on = 1, off = 0;
    if (cfg->type == SOCK_STREAM) {
        setsockopt(sock->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (ep->addr.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&ep->addr;
        bool any = IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
        setsockopt(sock->fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof on);
    }
    if (bind(sock->fd, (const struct sockaddr *)&ep->addr, ep->len) != 0) {
        int code = errno == EADDRINUSE ? FA_EBUSY : FA_EIO;
        return fa_err_set(err, code, "address '%s': %s", cfg->address, strerror(errno));
    }
    return 0;
}

static int adopt(const struct fa_socket_config *cfg, struct fa_err *err)
{
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(cfg->adopted_fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != cfg->type) {
        return fa_err_set(err, FA_EINVAL, "descriptor %d that was handed over is no %s socket",
                          cfg->adopted_fd, cfg->type == SOCK_STREAM ? "stream" : "datagram");
    }
    int flags = fcntl(cfg->adopted_fd, F_GETFL);
    if (flags < 0 || fcntl(cfg->adopted_fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(cfg->adopted_fd, F_SETFD, FD_CLOEXEC) != 0) {
        return fa_err_set(err, FA_EIO, "descriptor %d that was handed over: %s", cfg->adopted_fd,
                          strerror(errno));
    }
    return 0;
}

static int make(struct fa_socket *sock, const struct fa_socket_config *cfg, struct fa_err *err)
{
    struct fa_endpoint ep;
    if (fa_endpoint_parse(cfg->address, &ep, err) != 0) {
        return err->code;
    }
    sock->fd = socket(ep.addr.ss_family, cfg->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock->fd < 0) {
        return fa_err_set(err, FA_EIO, "address '%s': %s", cfg->address, strerror(errno));
    }
    return ep.addr.ss_family == AF_UNIX ? bind_unix(sock, &ep, cfg, err)
                                        : bind_inet(sock, &ep, cfg, err);
}

static void read_name(struct fa_socket *sock)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof addr;
    struct fa_peer self = {0};
    if (getsockname(sock->fd, (struct sockaddr *)&addr, &len) == 0) {
        fa_peer_of_sockaddr(&addr, &self);
    }
    sock->is_unix = addr.ss_family == AF_UNIX;
    sock->port = self.port;
}

int fa_socket_open(const struct fa_socket_config *cfg, struct fa_socket *ret, struct fa_err *err)
{
    struct fa_socket sock = {.fd = cfg->address == NULL ? cfg->adopted_fd : -1};
    int rc = cfg->address == NULL ? adopt(cfg, err) : make(&sock, cfg, err);
    if (rc != 0) {
        fa_socket_close(&sock);
        return rc;
    }
    read_name(&sock);
    *ret = sock;
    return 0;
}

void fa_socket_close(struct fa_socket *sock)
{
    struct stat st;
    if (sock->path != NULL && lstat(sock->path, &st) == 0 && st.st_dev == sock->dev &&
        st.st_ino == sock->ino) {
        unlink(sock->path);
    }
    free(sock->path);
    if (sock->fd >= 0) {
        close(sock->fd);
    }
    *sock = (struct fa_socket){.fd = -1};
}

/* SPDX-License-Identifier: MIT */
/* Descriptors of others on the loop, and the wake-up from other threads, which is a watched
 * eventfd. A watch never closes, reads or writes its descriptor.
 * Tests: tests/unit/test_net_loop.c. */
#include "net/loop_base.h"

#include "base/panic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WATCH_MAGIC 0xfa0a7c41u

struct fa_watch {
    unsigned magic;
    struct fa_loop *loop;
    struct event *event;
    int fd;
    fa_watch_fn *fn;
    void *self;
    unsigned what; /* FA_WATCH_* asked for */
};

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct fa_watch *watch = arg;
    FA_MAGIC_CHECK(watch, WATCH_MAGIC);
    unsigned ready =
        (what & EV_READ ? FA_WATCH_READ : 0u) | (what & EV_WRITE ? FA_WATCH_WRITE : 0u);
    watch->fn(watch->self, ready); /* may free the watch */
}

struct fa_watch *fa_watch_new(struct fa_loop *loop, int fd, fa_watch_fn *fn, void *self)
{
    struct fa_watch *watch = fa_xcalloc(1, sizeof *watch);
    *watch =
        (struct fa_watch){.magic = WATCH_MAGIC, .loop = loop, .fd = fd, .fn = fn, .self = self};
    watch->event = event_new(fa_loop_base(loop), fd, EV_READ | EV_PERSIST, on_event, watch);
    fa_assert(watch->event != NULL);
    fa_watch_set(watch, FA_WATCH_READ);
    return watch;
}

void fa_watch_set(struct fa_watch *watch, unsigned what)
{
    if (what == watch->what) {
        return;
    }
    event_del(watch->event);
    watch->what = what;
    if (what != 0) {
        short flags = (short)(EV_PERSIST | (what & FA_WATCH_READ ? EV_READ : 0) |
                              (what & FA_WATCH_WRITE ? EV_WRITE : 0));
        fa_assert(event_assign(watch->event, fa_loop_base(watch->loop), watch->fd, flags, on_event,
                               watch) == 0);
        fa_assert(event_add(watch->event, NULL) == 0);
    }
}

void fa_watch_free(struct fa_watch *watch)
{
    if (watch != NULL) {
        watch->magic = 0;
        event_free(watch->event);
        free(watch);
    }
}

struct fa_waker {
    struct fa_watch *watch;
    int fd;
    fa_loop_fn *fn;
    void *self;
};

static void on_wake(void *self, unsigned what)
{
    struct fa_waker *waker = self;
    uint64_t count;
    while (read(waker->fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
    waker->fn(waker->self);
}

struct fa_waker *fa_waker_new(struct fa_loop *loop, fa_loop_fn *fn, void *self, struct fa_err *err)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) {
        fa_err_set(err, FA_EIO, "no descriptor to wake the loop with: %s", strerror(errno));
        return NULL;
    }
    struct fa_waker *waker = fa_xcalloc(1, sizeof *waker);
    *waker = (struct fa_waker){.fd = fd, .fn = fn, .self = self};
    waker->watch = fa_watch_new(loop, fd, on_wake, waker);
    return waker;
}

void fa_waker_wake(struct fa_waker *waker)
{
    uint64_t one = 1;
    int saved = errno;
    /* EAGAIN: the counter is full, so the loop wakes anyway. */
    while (write(waker->fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
    errno = saved;
}

void fa_waker_free(struct fa_waker *waker)
{
    if (waker != NULL) {
        fa_watch_free(waker->watch);
        close(waker->fd);
        free(waker);
    }
}

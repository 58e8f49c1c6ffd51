/* SPDX-License-Identifier: MIT */
/* Preloaded into a program: its wall clock and CLOCK_BOOTTIME are the kernel's and an offset each,
 * which a test sets over a socket (FA_SHIM_CLOCK, its path) as the kernel would let a step of the
 * clock or a suspend be seen: timers move with their clock, and one that asked for
 * TFD_TIMER_CANCEL_ON_SET is cancelled whenever the wall clock was set. CLOCK_MONOTONIC stands
 * still in a suspend, so it never moves. FA_SHIM_CLOCK_AT, "WALL BOOT" in ms, is where they begin.
 *
 * A message is two int64_t, the offsets in ms from now on; one byte is the answer when all timers
 * have moved. Timers are the first few that are made; relative ones are left alone. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EXPORT     __attribute__((visibility("default")))
#define TIMERS_MAX 16
#define MS         1000000L
#define SECOND     1000000000L

/* glibc's header names it with attributes that this definition must not have. */
EXPORT ssize_t read(int fd, void *buf, size_t size);

struct timer {
    int fd; /* 0: free */
    clockid_t clock;
    int flags;
    struct itimerspec set; /* as the program sees it */
    bool armed, cancelled;
};

static _Atomic int64_t wall_ns, boot_ns;
static struct timer timers[TIMERS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t offset_of(clockid_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return atomic_load(&wall_ns);
    case CLOCK_BOOTTIME:
        return atomic_load(&boot_ns);
    default:
        return 0;
    }
}

static void add(struct timespec *ts, int64_t ns)
{
    int64_t sum = (int64_t)ts->tv_sec * SECOND + ts->tv_nsec + ns;
    sum = sum < 1 ? 1 : sum; /* a timer of zeros would be off */
    ts->tv_sec = sum / SECOND;
    ts->tv_nsec = sum % SECOND;
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, ts);
    if (rc == 0 && offset_of(clock) != 0) {
        add(ts, offset_of(clock));
    }
    return rc;
}

EXPORT time_t time(time_t *ret)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (ret != NULL) {
        *ret = ts.tv_sec;
    }
    return ts.tv_sec;
}

EXPORT int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    *tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
    return 0;
}

/* ---- timers ---- */

static struct timer *find(int fd)
{
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (timers[i].fd == fd) {
            return &timers[i];
        }
    }
    return NULL;
}

static int set(const struct timer *timer)
{
    struct itimerspec spec = timer->set;
    add(&spec.it_value, -offset_of(timer->clock));
    return (int)syscall(SYS_timerfd_settime, timer->fd, timer->flags, &spec, NULL);
}

EXPORT int timerfd_create(clockid_t clock, int flags)
{
    int fd = (int)syscall(SYS_timerfd_create, clock, flags);
    pthread_mutex_lock(&lock);
    struct timer *timer = fd >= 0 ? find(0) : NULL;
    if (timer != NULL) {
        *timer = (struct timer){.fd = fd, .clock = clock};
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *spec, struct itimerspec *old)
{
    pthread_mutex_lock(&lock);
    struct timer *timer = fd > 0 ? find(fd) : NULL;
    int rc;
    if (timer == NULL || (flags & TFD_TIMER_ABSTIME) == 0) {
        rc = (int)syscall(SYS_timerfd_settime, fd, flags, spec, old);
    } else {
        bool cancelled = timer->cancelled;
        timer->set = *spec;
        timer->flags = flags;
        timer->armed = spec->it_value.tv_sec != 0 || spec->it_value.tv_nsec != 0;
        timer->cancelled = false;
        rc = timer->armed ? set(timer) : (int)syscall(SYS_timerfd_settime, fd, flags, spec, old);
        if (rc == 0 && cancelled) {
            errno = ECANCELED;
            rc = -1;
        }
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

EXPORT ssize_t read(int fd, void *buf, size_t size)
{
    ssize_t rc = syscall(SYS_read, fd, buf, size);
    pthread_mutex_lock(&lock);
    struct timer *timer = fd > 0 ? find(fd) : NULL;
    if (timer != NULL && timer->cancelled) {
        timer->cancelled = false;
        errno = ECANCELED;
        rc = -1;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

/* What the kernel does when a clock was set, or the machine has slept. */
static void move(int64_t wall_ms, int64_t boot_ms)
{
    static const struct itimerspec now = {{0, 0}, {0, 1}};
    pthread_mutex_lock(&lock);
    bool was_set = wall_ms * MS != atomic_load(&wall_ns);
    atomic_store(&wall_ns, wall_ms * MS);
    atomic_store(&boot_ns, boot_ms * MS);
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        struct timer *timer = &timers[i];
        if (timer->fd == 0 || !timer->armed) {
            continue;
        }
        if (timer->clock == CLOCK_REALTIME && was_set &&
            (timer->flags & TFD_TIMER_CANCEL_ON_SET) != 0) {
            timer->cancelled = true;
            syscall(SYS_timerfd_settime, timer->fd, 0, &now, NULL); /* readable */
        } else {
            set(timer);
        }
    }
    pthread_mutex_unlock(&lock);
}

static void *listen_to_test(void *arg)
{
    int listener = (int)(intptr_t)arg;
    for (;;) {
        int64_t to[2];
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && recv(fd, to, sizeof to, MSG_WAITALL) == (ssize_t)sizeof to) {
            move(to[0], to[1]);
            (void)!send(fd, "", 1, MSG_NOSIGNAL);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return NULL;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FA_SHIM_CLOCK"), *at = getenv("FA_SHIM_CLOCK_AT");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    long long wall = 0, boot = 0;
    pthread_t thread;
    if (path == NULL) {
        return;
    }
    if (at != NULL && sscanf(at, "%lld %lld", &wall, &boot) == 2) {
        atomic_store(&wall_ns, wall * MS);
        atomic_store(&boot_ns, boot * MS);
    }
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    unlink(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        listen(listener, 4) != 0 ||
        pthread_create(&thread, NULL, listen_to_test, (void *)(intptr_t)listener) != 0) {
        perror("shim_clock");
        _exit(70);
    }
    pthread_detach(thread);
}

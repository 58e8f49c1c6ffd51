/* SPDX-License-Identifier: MIT */
/* firealarm-courier: renders, sends and judges what the daemon hands it over descriptor 3.
 *
 * Decides nothing about whether or when to try again (attempt.c). Holds no state that matters:
 * killed at any moment, the daemon sends again under the same key. The plugin's code runs here and
 * nowhere else. It ends with the daemon, by STOP, or when the two are not of one build,
 * and then by _exit: a resolver thread may still wait for a name server that never answers. */
#include "base/panic.h"
#include "courier/child/attempt.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_FD  3
#define EX_USAGE 64

struct set {
    struct fa_channel **channels;
    size_t count, cap;
};

struct courier {
    struct event_base *base;
    struct fa_pipe *pipe;
    struct fa_performer *performer;
    struct fa_plugins *plugins;
    struct firealarm_host host;
    char *credentials_dir;
    bool greeted;
    struct set now, coming; /* coming: until CHANNELS_END */
    struct fa_attempts attempts;
    struct fa_frame_lists lists;
};

static void on_plugin_log(void *ctx, uint32_t level, const char *text)
{
    struct courier *courier = ctx;
    fa_pipe_log(courier->pipe, level > 7 ? 7 : level, "%s", text);
}

/* -------------------------------------------------------------------------------------- frames */

static struct fa_channel *find_channel(const struct set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->channels[i]->name, name) == 0) {
            return set->channels[i];
        }
    }
    return NULL;
}

/* What no attempt was made for. */
static void refuse(struct courier *courier, const struct fa_frame_send *send, const char *why)
{
    struct fa_frame_verdict out = {.id = send->id,
                                   .attempt = send->notice.attempt,
                                   .verdict = FIREALARM_REJECTED,
                                   .detail = fa_str_of(why),
                                   .retry_after = -1};
    fa_pipe_queued(courier->pipe, fa_frame_put_verdict(fa_pipe_out(courier->pipe), &out));
}

static int on_send(struct courier *courier, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_send send;
    int rc = fa_frame_get_send(record, &courier->lists, &send, err);
    if (rc < 0) {
        return rc;
    }
    struct fa_channel *channel = find_channel(&courier->now, send.channel);
    if (channel == NULL || channel->broken[0] != '\0') {
        refuse(courier, &send,
               channel != NULL ? channel->broken : "there is no channel of that name");
        return 0;
    }
    fa_attempts_add(&courier->attempts, channel, &send, record);
    return 0;
}

static int on_channel(struct courier *courier, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_channel spec;
    struct set *set = &courier->coming;
    int rc = fa_frame_get_channel(record, &courier->lists, &spec, err);
    if (rc < 0) {
        return rc;
    }
    struct fa_channel *channel =
        fa_channel_new(courier->plugins, courier->credentials_dir, &courier->host, &spec);
    if (channel->broken[0] != '\0') {
        fa_pipe_log(courier->pipe, 3, "channel \"%s\" cannot be used: %s", channel->name,
                    channel->broken);
    }
    set->channels = fa_xgrow(set->channels, set->count, &set->cap, sizeof *set->channels);
    set->channels[set->count++] = channel;
    return 0;
}

static void on_channels_end(struct courier *courier)
{
    struct set old = courier->now;
    courier->now = courier->coming;
    courier->coming = (struct set){0};
    for (size_t i = 0; i < old.count; i++) {
        fa_channel_unref(old.channels[i]);
    }
    free(old.channels);
}

static int on_hello(struct courier *courier, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_hello hello;
    int rc = fa_frame_get_hello(record, &hello, err);
    if (rc < 0) {
        return rc;
    }
    fa_pipe_hello(courier->pipe,
                  fa_courier_build()); /* so that the daemon can say which two builds met */
    rc = fa_frame_check_hello(&hello, fa_courier_build(), "firealarm-courier", err);
    if (rc < 0) {
        return rc;
    }
    courier->greeted = true;
    courier->plugins = fa_plugins_new(hello.plugins_dir);
    courier->credentials_dir =
        hello.credentials_dir != NULL ? fa_xstrdup(hello.credentials_dir) : NULL;
    return 0;
}

static int on_ping(struct courier *courier, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_ping ping;
    int rc = fa_frame_get_ping(record, &ping, err);
    if (rc == 0) {
        fa_pipe_pong(courier->pipe, ping.n);
    }
    return rc;
}

static void on_read(void *ctx)
{
    struct courier *courier = ctx;
    fa_attempts_pump(&courier->attempts);
    fa_performer_go(courier->performer);
}

static int on_frame(void *ctx, const struct fa_frame *frame, struct fa_err *err)
{
    struct courier *courier = ctx;
    if (courier->greeted == (frame->type == FA_FRAME_HELLO)) {
        return fa_err_set(err, FA_EPROTO,
                          courier->greeted ? "the daemon said HELLO twice"
                                           : "the daemon did not begin with HELLO");
    }
    switch (frame->type) {
    case FA_FRAME_HELLO:
        return on_hello(courier, frame->record, err);
    case FA_FRAME_CHANNEL:
        return on_channel(courier, frame->record, err);
    case FA_FRAME_CHANNELS_END:
        on_channels_end(courier);
        return 0;
    case FA_FRAME_SEND:
        return on_send(courier, frame->record, err);
    case FA_FRAME_PING:
        return on_ping(courier, frame->record, err);
    case FA_FRAME_STOP:
        fa_pipe_leave(courier->pipe, 0, "");
    default:
        break;
    }
    return fa_err_set(err, FA_EPROTO,
                      "the daemon sent a frame of type %u, which only the courier "
                      "sends",
                      frame->type);
}

/* --------------------------------------------------------------------------------------- start */

static void print_version(void)
{
    printf("firealarm-courier %s (build %s)\n%s\nlibevent %s\n", FA_VERSION, fa_courier_build(),
           curl_version(), event_get_version());
}

/* Secrets are in this memory: no core file, no debugger of another user. A service manager signals
 * each process; the daemon alone decides when this one ends. */
static void protect(void)
{
    static const struct rlimit no_core;
    pid_t parent = getppid();
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTTOU, SIG_IGN); /* of a terminal it is in the background */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(0); /* the daemon ended before the line above */
    }
}

int main(int argc, char **argv)
{
    static struct courier courier;
    struct fa_err err = {0};
    int type;
    socklen_t len = sizeof type;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        print_version();
        return 0;
    }
    struct fa_courier_at *at =
        mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED, FA_COURIER_AT_FD, 0);
    if (argc != 1 || getsockopt(PIPE_FD, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        at == MAP_FAILED) {
        fprintf(stderr,
                "firealarm-courier is started by firealarmd, with a socket on descriptor 3 and a "
                "page of memory on 4; the only option is --version\n");
        return EX_USAGE;
    }
    protect();
    /* Half a transfer would hang until its time-out; a courier that ends is replaced at once. */
    event_set_mem_functions(fa_xmalloc, fa_xrealloc, free);
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, fa_xmalloc, free, fa_xrealloc, fa_xstrdup,
                             fa_xcalloc) != CURLE_OK ||
        (courier.base = event_base_new()) == NULL ||
        (courier.performer = fa_performer_new(courier.base, &err)) == NULL) {
        fprintf(stderr, "firealarm-courier: libcurl or libevent cannot start\n");
        return 71;
    }
    courier.host = fa_host_table(on_plugin_log, &courier);
    courier.pipe =
        fa_pipe_new(courier.base, PIPE_FD, "firealarm-courier", on_frame, on_read, &courier);
    fa_attempts_init(&courier.attempts, courier.base, courier.pipe, courier.performer, at);
    event_base_dispatch(courier.base);
    _exit(70);
}

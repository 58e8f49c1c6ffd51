/* SPDX-License-Identifier: MIT */
/* firealarm-courier: renders, sends and judges what the daemon hands it over descriptor 3.
 *
 * Decides nothing about whether or when to try again: one SEND, one attempt, one VERDICT. Holds no
 * state that matters: killed at any moment, the daemon sends again under the same key. The plugin's
 * code runs here and nowhere else; AT frames say for whom, so that a message that brings the
 * process down is known. It ends with the daemon, by STOP, or when the two are not of one build,
 * and then by _exit: a resolver thread may still wait for a name server that never answers. */
#include "base/crashpoint.h"
#include "base/heap.h"
#include "base/panic.h"
#include "courier/child/channel.h"
#include "courier/child/perform.h"
#include "courier/child/pipe.h"
#include "courier/child/queue.h"
#include "courier/frame.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIPE_FD  3
#define EX_USAGE 64

struct set {
    struct fa_channel **channels;
    size_t count, cap;
};

struct courier {
    struct event_base *base;
    struct event *pump_timer;
    struct fa_pipe *pipe;
    struct fa_performer *performer;
    struct fa_plugins *plugins;
    struct firealarm_host host;
    char *credentials_dir;
    bool greeted;
    struct set now, coming; /* coming: until CHANNELS_END */
    struct fa_queue queue;
    struct fa_frame_lists lists;
};

struct job {
    struct fa_queued queued;
    struct courier *courier;
    struct fa_channel *channel;
    struct fa_notification_id id;
    uint32_t attempt;
    bool plain;
    fa_time arrived;
    char *record; /* the SEND frame's own, decoded again when its turn comes */
    size_t record_len;
};

static const struct fa_notification_id NOBODY;

static fa_time mono_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (fa_time)ts.tv_sec * FA_SECOND + ts.tv_nsec / 1000000;
}

static void on_plugin_log(void *ctx, uint32_t level, const char *text)
{
    struct courier *courier = ctx;
    fa_pipe_log(courier->pipe, level > 7 ? 7 : level, "%s", text);
}

/* ------------------------------------------------------------------------------------ attempts */

static void say_verdict(struct courier *courier, const struct fa_frame_send *send, uint32_t verdict,
                        const char *why)
{
    struct fa_frame_verdict out = {.id = send->id,
                                   .attempt = send->notice.attempt,
                                   .verdict = verdict,
                                   .detail = fa_str_of(why),
                                   .retry_after = -1};
    fa_pipe_verdict(courier->pipe, &out);
}

/* Ends the job with its verdict. */
static void settle(struct job *job, uint32_t verdict, const char *why,
                   const struct firealarm_response *response)
{
    struct fa_frame_verdict out = {.id = job->id,
                                   .attempt = job->attempt,
                                   .verdict = verdict,
                                   .plain = job->plain,
                                   .detail = fa_str_of(why),
                                   .retry_after = -1,
                                   .duration = mono_now() - job->arrived};
    if (response != NULL) {
        out.status = response->status;
        out.retry_after = response->retry_after;
    }
    fa_pipe_verdict(job->courier->pipe, &out);
    FA_CRASHPOINT("courier.after_verdict");
    if (job->queued.running) {
        fa_queue_finish(&job->courier->queue, &job->queued);
    }
    fa_channel_unref(job->channel);
    free(job->record);
    free(job);
}

static void pump(struct courier *courier);

static void on_outcome(void *ctx, const struct fa_outcome *outcome)
{
    struct job *job = ctx;
    struct courier *courier = job->courier;
    struct firealarm_error why = {""};
    uint32_t verdict;
    FA_CRASHPOINT("courier.after_send");
    if (job->plain) {
        verdict = fa_outcome_judge(outcome, &why);
    } else {
        fa_pipe_at(courier->pipe, job->id);
        verdict = fa_channel_judge(job->channel, outcome, &why);
        fa_pipe_at(courier->pipe, NOBODY);
    }
    settle(job, verdict, why.text, &outcome->response);
    pump(courier);
}

/* The plugin's request on its way. */
static int send_rendered(struct job *job, const struct firealarm_notice *notice, struct fa_err *err)
{
    struct courier *courier = job->courier;
    struct firealarm_request_out req;
    fa_pipe_at(courier->pipe, job->id);
    int rc = fa_channel_render(job->channel, notice, &req, err);
    fa_pipe_at(courier->pipe, NOBODY);
    return rc < 0 ? rc
                  : fa_perform_start(courier->performer, &req, job->channel->timeout, on_outcome,
                                     job, err);
}

static int send_plain(struct job *job, const struct firealarm_notice *notice, struct fa_err *err)
{
    struct firealarm_request_out req;
    int rc = fa_channel_render_plain(job->channel, notice, &req, err);
    return rc < 0 ? rc
                  : fa_perform_start(job->courier->performer, &req, job->channel->timeout,
                                     on_outcome, job, err);
}

static void start_job(struct job *job)
{
    struct courier *courier = job->courier;
    struct fa_frame_send send;
    struct fa_err err = {0};
    FA_CRASHPOINT("courier.before_send");
    int rc = fa_frame_get_send((struct fa_str){job->record, job->record_len}, &courier->lists,
                               &send, &err);
    fa_assert(rc == 0); /* it was decoded when it came */
    if (!job->plain) {
        if (send_rendered(job, &send.notice, &err) == 0) {
            return;
        }
        fa_pipe_log(courier->pipe, 3,
                    "channel \"%s\": the plugin made no message that can be sent: %s; the built-in "
                    "one is sent",
                    job->channel->name, err.text);
        job->plain = true;
    }
    if (send_plain(job, &send.notice, &err) < 0) {
        settle(job, FIREALARM_REJECTED, err.text, NULL);
    }
}

static void pump(struct courier *courier)
{
    struct fa_queued *queued;
    fa_time mono = mono_now();
    while ((queued = fa_queue_expire(&courier->queue, mono)) != NULL) {
        settle(fa_container_of(queued, struct job, queued), FIREALARM_RETRY,
               "others to the same host were in its way for too long", NULL);
    }
    while ((queued = fa_queue_start(&courier->queue, mono)) != NULL) {
        start_job(fa_container_of(queued, struct job, queued));
    }
    fa_time next = fa_queue_next(&courier->queue, mono);
    if (next == FA_NEVER) {
        event_del(courier->pump_timer);
        return;
    }
    fa_time wait = next > mono ? next - mono : 1;
    struct timeval tv = {wait / FA_SECOND, wait % FA_SECOND * 1000};
    event_add(courier->pump_timer, &tv);
}

static void on_pump_timer(evutil_socket_t fd, short what, void *ctx)
{
    pump(ctx);
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

static int on_send(struct courier *courier, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_send send;
    int rc = fa_frame_get_send(record, &courier->lists, &send, err);
    if (rc < 0) {
        return rc;
    }
    struct fa_channel *channel = find_channel(&courier->now, send.channel);
    if (channel == NULL || channel->broken[0] != '\0') {
        say_verdict(courier, &send, FIREALARM_REJECTED,
                    channel != NULL ? channel->broken : "there is no channel of that name");
        return 0;
    }
    struct job *job = fa_xcalloc(1, sizeof *job);
    *job = (struct job){.courier = courier,
                        .channel = fa_channel_ref(channel),
                        .id = send.id,
                        .attempt = send.notice.attempt,
                        .plain = send.plain,
                        .arrived = mono_now(),
                        .record = fa_xmalloc(record.len),
                        .record_len = record.len};
    memcpy(job->record, record.ptr, record.len);
    job->queued.priority = send.priority;
    job->queued.per_host = channel->machine ? FA_QUEUE_PER_MACHINE : FA_QUEUE_PER_HOST;
    fa_queue_add(&courier->queue, &job->queued, channel->endpoint, job->arrived);
    pump(courier);
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
    fa_pipe_hello(courier->pipe); /* so that the daemon can say which two builds met */
    rc = fa_frame_check_hello(&hello, err);
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
    case FA_FRAME_VERDICT:
    case FA_FRAME_AT:
    case FA_FRAME_PONG:
    case FA_FRAME_LOG:
    case FA_FRAME__END:
        break;
    }
    return fa_err_set(err, FA_EPROTO,
                      "the daemon sent a frame of type %d, which only the courier "
                      "sends",
                      (int)frame->type);
}

/* --------------------------------------------------------------------------------------- start */

static void print_version(void)
{
    printf("firealarm-courier %s (build %s)\n%s\nlibevent %s\n", FA_VERSION, fa_courier_build(),
           curl_version(), event_get_version());
}

/* Secrets are in this memory: no core file, no debugger of another user. Terminal and service
 * manager signal the whole group; the daemon alone decides when this process ends. */
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
    if (argc != 1 || getsockopt(PIPE_FD, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        fprintf(stderr,
                "firealarm-courier is started by firealarmd, with a socket on descriptor 3; "
                "the only option is --version\n");
        return EX_USAGE;
    }
    protect();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (courier.base = event_base_new()) == NULL ||
        (courier.performer = fa_performer_new(courier.base, &err)) == NULL) {
        fprintf(stderr, "firealarm-courier: libcurl or libevent cannot start\n");
        return 71;
    }
    fa_queue_init(&courier.queue);
    courier.host = fa_host_table(on_plugin_log, &courier);
    courier.pump_timer = evtimer_new(courier.base, on_pump_timer, &courier);
    courier.pipe = fa_pipe_new(courier.base, PIPE_FD, on_frame, &courier);
    fa_assert(courier.pump_timer != NULL);
    event_base_dispatch(courier.base);
    _exit(70);
}

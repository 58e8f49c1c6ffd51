/* SPDX-License-Identifier: MIT */
/* From a SEND to its VERDICT.
 *
 * Invariants:
 *  1. One SEND, one attempt, one VERDICT; whether and when to try again is the daemon's business.
 *     A batch that was rejected with 4xx is no attempt of its members yet: each goes again alone.
 *  2. While plugin code runs, the shared page says for whom, so that a message that brings the
 *     process down is known.
 *  3. Together leaves only what waits already for one channel; nothing waits for more to come.
 *  4. A member that the plugin does not take costs only itself: it goes out with the built-in body.
 */
#include "courier/child/attempt.h"
#include "base/crashpoint.h"
#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of the messages in one request, as they came: receivers and relays limit bodies. */
#define BATCH_BYTES ((size_t)256 * 1024)

struct job {
    struct fa_queued queued;
    struct fa_attempts *attempts;
    struct fa_channel *channel;
    struct job *next; /* of the batch */
    struct fa_notification_id id;
    uint32_t attempt;
    bool plain;
    fa_time arrived;
    char *record; /* the SEND frame's own, decoded again when its turn comes */
    size_t record_len;
};

/* Several jobs in one request. The first holds the place in the queue. */
struct batch {
    struct job *first, **last;
    uint32_t count; /* of them in the request: those that are not plain */
    size_t bytes;
};

static fa_time mono_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (fa_time)ts.tv_sec * FA_SECOND + ts.tv_nsec / 1000000;
}

static void enter_plugin(struct job *job, bool batched)
{
    job->attempts->at->batched = batched;
    job->attempts->at->id = job->id;
}

static void leave_plugin(struct fa_attempts *attempts)
{
    *attempts->at = (struct fa_courier_at){0};
}

static void queue(struct job *job, bool alone)
{
    struct fa_channel *channel = job->channel;
    job->queued.lot = alone || job->plain || channel->batch <= 1 ? NULL : channel;
    fa_queue_add(&job->attempts->queue, &job->queued, channel->endpoint, mono_now());
}

/* Back to the queue, to go in a request of its own. */
static void queue_again(struct job *job)
{
    if (job->queued.running) {
        fa_queue_finish(&job->attempts->queue, &job->queued);
    }
    queue(job, true);
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
    struct fa_pipe *pipe = job->attempts->pipe;
    fa_pipe_queued(pipe, fa_frame_put_verdict(fa_pipe_out(pipe), &out));
    FA_CRASHPOINT("courier.after_verdict");
    if (job->queued.running) {
        fa_queue_finish(&job->attempts->queue, &job->queued);
    }
    fa_channel_unref(job->channel);
    free(job->record);
    free(job);
}

static uint32_t judge(struct job *job, const struct fa_outcome *outcome, bool batched,
                      struct firealarm_error *why)
{
    enter_plugin(job, batched);
    uint32_t verdict = fa_channel_judge(job->channel, outcome, why);
    leave_plugin(job->attempts);
    return verdict;
}

static void decode(struct job *job, struct fa_frame_send *ret_send)
{
    struct fa_err err = {0};
    int rc = fa_frame_get_send((struct fa_str){job->record, job->record_len}, &job->attempts->lists,
                               ret_send, &err);
    fa_assert(rc == 0); /* it was decoded when it came */
}

static void log_unfit(struct job *job, const struct fa_err *err)
{
    fa_pipe_log(job->attempts->pipe, 3,
                "channel \"%s\": the plugin made no message that can be sent: %s; the built-in "
                "one is sent",
                job->channel->name, err->text);
}

/* ----------------------------------------------------------------------- one message, one request
 */

static void on_outcome(void *ctx, const struct fa_outcome *outcome)
{
    struct job *job = ctx;
    struct fa_attempts *attempts = job->attempts;
    struct firealarm_error why = {""};
    FA_CRASHPOINT("courier.after_send");
    uint32_t verdict =
        job->plain ? fa_outcome_judge(outcome, &why) : judge(job, outcome, false, &why);
    settle(job, verdict, why.text, &outcome->response);
    fa_attempts_pump(attempts);
}

/* The plugin's request on its way. */
static int send_rendered(struct job *job, const struct firealarm_notice *notice, struct fa_err *err)
{
    struct firealarm_request_out req;
    enter_plugin(job, false);
    int rc = fa_channel_render(job->channel, notice, &req, err);
    leave_plugin(job->attempts);
    return rc < 0 ? rc
                  : fa_perform_start(job->attempts->performer, &req, job->channel->timeout,
                                     on_outcome, job, err);
}

static int send_plain(struct job *job, const struct firealarm_notice *notice, struct fa_err *err)
{
    struct firealarm_request_out req;
    int rc = fa_channel_render_plain(job->channel, notice, &req, err);
    return rc < 0 ? rc
                  : fa_perform_start(job->attempts->performer, &req, job->channel->timeout,
                                     on_outcome, job, err);
}

static void start_job(struct job *job)
{
    struct fa_frame_send send;
    struct fa_err err = {0};
    decode(job, &send);
    if (!job->plain) {
        if (send_rendered(job, &send.notice, &err) == 0) {
            return;
        }
        log_unfit(job, &err);
        job->plain = true;
    }
    if (send_plain(job, &send.notice, &err) < 0) {
        settle(job, FIREALARM_REJECTED, err.text, NULL);
    }
}

/* ------------------------------------------------------------------ several messages, one request
 */

static void end_batch(struct batch *batch, uint32_t verdict, const char *why,
                      const struct firealarm_response *response)
{
    struct fa_attempts *attempts = batch->first->attempts;
    bool apart = verdict == FIREALARM_REJECTED && batch->count > 1 &&
                 (response == NULL || response->status / 100 == 4);
    fa_pipe_hold(attempts->pipe);
    for (struct job *job = batch->first, *next; job != NULL; job = next) {
        next = job->next;
        job->next = NULL;
        if (apart || job->plain) {
            queue_again(job);
        } else {
            settle(job, verdict, why, response);
        }
    }
    fa_pipe_release(attempts->pipe);
    free(batch);
}

static void on_batch_outcome(void *ctx, const struct fa_outcome *outcome)
{
    struct batch *batch = ctx;
    struct fa_attempts *attempts = batch->first->attempts;
    struct firealarm_error why = {""};
    uint32_t verdict = judge(batch->first, outcome, true, &why);
    end_batch(batch, verdict, why.text, &outcome->response);
    fa_attempts_pump(attempts);
}

static void add_members(struct batch *batch)
{
    for (struct job *job = batch->first; job != NULL; job = job->next) {
        struct fa_frame_send send;
        struct fa_err err = {0};
        decode(job, &send);
        enter_plugin(job, true);
        job->plain = fa_channel_batch_add(job->channel, &send.notice, &err) < 0;
        leave_plugin(job->attempts);
        if (job->plain) {
            log_unfit(job, &err);
        }
        batch->count += !job->plain;
    }
}

static void start_batch(struct batch *batch)
{
    struct job *first = batch->first;
    struct firealarm_request_out req;
    struct fa_err err = {0};
    int rc = FA_EINVAL;
    add_members(batch);
    if (batch->count > 0) {
        enter_plugin(first, true);
        rc = fa_channel_batch_render(first->channel, &req, &err);
        leave_plugin(first->attempts);
    }
    if (rc == 0) {
        rc = fa_perform_start(first->attempts->performer, &req, first->channel->timeout,
                              on_batch_outcome, batch, &err);
    }
    if (rc < 0) {
        batch->count = 2; /* whatever it is about this request, each alone may do better */
        end_batch(batch, FIREALARM_REJECTED, err.text, NULL);
    }
}

static bool take_member(void *ctx, struct fa_queued *queued)
{
    struct batch *batch = ctx;
    struct job *job = fa_container_of(queued, struct job, queued);
    if (batch->count == job->channel->batch || batch->bytes + job->record_len > BATCH_BYTES) {
        return false;
    }
    batch->count++;
    batch->bytes += job->record_len;
    *batch->last = job;
    batch->last = &job->next;
    return true;
}

/* The job whose turn it is, with those that wait for the same channel. */
static void start(struct fa_attempts *attempts, struct job *job)
{
    FA_CRASHPOINT("courier.before_send");
    struct batch gathered = {.first = job, .last = &job->next, 1, job->record_len};
    fa_queue_join(&attempts->queue, &job->queued, take_member, &gathered);
    if (gathered.count == 1) {
        start_job(job);
        return;
    }
    struct batch *batch = fa_xcalloc(1, sizeof *batch);
    batch->first = job;
    start_batch(batch);
}

/* ------------------------------------------------------------------------------------- the public
 */

void fa_attempts_add(struct fa_attempts *attempts, struct fa_channel *channel,
                     const struct fa_frame_send *send, struct fa_str record)
{
    struct job *job = fa_xcalloc(1, sizeof *job);
    *job = (struct job){.attempts = attempts,
                        .channel = fa_channel_ref(channel),
                        .id = send->id,
                        .attempt = send->notice.attempt,
                        .plain = send->plain,
                        .arrived = mono_now(),
                        .record = fa_xmalloc(record.len),
                        .record_len = record.len};
    memcpy(job->record, record.ptr, record.len);
    job->queued.priority = send->priority;
    job->queued.per_host = channel->machine ? FA_QUEUE_PER_MACHINE : FA_QUEUE_PER_HOST;
    queue(job, send->alone);
}

void fa_attempts_pump(struct fa_attempts *attempts)
{
    struct fa_queued *queued;
    fa_time mono = mono_now();
    while ((queued = fa_queue_expire(&attempts->queue, mono)) != NULL) {
        settle(fa_container_of(queued, struct job, queued), FIREALARM_RETRY,
               "others to the same host were in its way for too long", NULL);
    }
    while ((queued = fa_queue_start(&attempts->queue, mono)) != NULL) {
        start(attempts, fa_container_of(queued, struct job, queued));
    }
    fa_time next = fa_queue_next(&attempts->queue, mono);
    if (next == FA_NEVER) {
        event_del(attempts->timer);
        return;
    }
    fa_time wait = next > mono ? next - mono : 1;
    struct timeval tv = {wait / FA_SECOND, wait % FA_SECOND * 1000};
    event_add(attempts->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    fa_attempts_pump(ctx);
}

void fa_attempts_init(struct fa_attempts *attempts, struct event_base *base, struct fa_pipe *pipe,
                      struct fa_performer *performer, struct fa_courier_at *at)
{
    attempts->pipe = pipe;
    attempts->performer = performer;
    attempts->at = at;
    attempts->timer = evtimer_new(base, on_timer, attempts);
    fa_assert(attempts->timer != NULL);
    fa_queue_init(&attempts->queue);
}

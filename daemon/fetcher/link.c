/* SPDX-License-Identifier: MIT */
/* The daemon's side of the fetcher: which runs are under way with it.
 *
 * Invariants: 1. every run taken is in `open` until its one on_done; 2. no body is longer than its
 * run allowed, whatever the fetcher says; 3. after any callback the state may be another one.
 * Does not decide when something is fetched: that is plan.c's and the application's. */
#include "fetcher/link.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define PING_EVERY (2 * FA_SECOND)
#define RUN_WITHIN (10 * FA_SECOND) /* beyond the run's own time-out */
#define OUT_MAX    ((size_t)4 * 1024 * 1024)
/* Decoded in one turn: a millisecond or two. */
#define READ_MAX ((size_t)128 * 1024)

struct open_run {
    uint64_t n, body_left;
    fa_time started, within;
};

struct fa_fetch_link {
    struct fa_child child;
    struct fa_fetch_link_callbacks callbacks;
    void *ctx;
    struct open_run open[FA_FETCH_OPEN_MAX];
    size_t open_count;
};

static struct open_run *find_open(struct fa_fetch_link *link, uint64_t n)
{
    for (size_t i = 0; i < link->open_count; i++) {
        if (link->open[i].n == n) {
            return &link->open[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------- what the child asks */

static void greet(void *ctx, struct fa_buf *out)
{
}

static bool is_busy(void *ctx)
{
    return ((struct fa_fetch_link *)ctx)->open_count > 0;
}

static void on_log(void *ctx, uint32_t level, const char *text)
{
    struct fa_fetch_link *link = ctx;
    link->callbacks.on_log(link->ctx, level, text);
}

/* Takes over the list first: the callback may begin new ones. */
static void give_up_open(struct fa_fetch_link *link, const char *why, fa_time mono)
{
    struct open_run lost[FA_FETCH_OPEN_MAX];
    size_t count = link->open_count;
    memcpy(lost, link->open, count * sizeof lost[0]);
    link->open_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct fa_fetch_done done = {.n = lost[i].n,
                                     .duration = mono - lost[i].started,
                                     .error = fa_str_of(why[0] != '\0' ? why : "it was stopped")};
        link->callbacks.on_done(link->ctx, &done);
    }
}

static void on_state(void *ctx, enum fa_child_state state, const char *why, fa_time mono)
{
    struct fa_fetch_link *link = ctx;
    link->callbacks.on_state(link->ctx, state, why);
    if (state == FA_CHILD_WAITING || state == FA_CHILD_STOPPED) {
        give_up_open(link, why, mono);
    }
}

static int on_body(struct fa_fetch_link *link, struct fa_str record, struct fa_err *err)
{
    struct fa_fetch_body body;
    int rc = fa_fetch_frame_get_body(record, &body, err);
    if (rc < 0) {
        return rc;
    }
    struct open_run *run = find_open(link, body.n);
    if (run == NULL || body.bytes.len > run->body_left) {
        return fa_err_set(err, FA_EPROTO,
                          run == NULL ? "a body of a run that is not under way"
                                      : "a body that is longer than was asked for");
    }
    run->body_left -= body.bytes.len;
    link->callbacks.on_body(link->ctx, &body);
    return 0;
}

static int on_done(struct fa_fetch_link *link, struct fa_str record, struct fa_err *err)
{
    struct fa_fetch_done done;
    int rc = fa_fetch_frame_get_done(record, &done, err);
    if (rc < 0) {
        return rc;
    }
    struct open_run *run = find_open(link, done.n);
    if (run == NULL) {
        return fa_err_set(err, FA_EPROTO, "the end of a run that is not under way");
    }
    *run = link->open[--link->open_count];
    link->callbacks.on_done(link->ctx, &done);
    return 0;
}

static int on_frame(void *ctx, const struct fa_frame *frame, fa_time mono, struct fa_err *err)
{
    switch (frame->type) {
    case FA_FRAME_BODY:
        return on_body(ctx, frame->record, err);
    case FA_FRAME_DONE:
        return on_done(ctx, frame->record, err);
    default:
        return fa_err_set(err, FA_EPROTO, "a frame of type %u, which no fetcher sends",
                          frame->type);
    }
}

/* ---------------------------------------------------------------------------------- the public */

struct fa_fetch_link *fa_fetch_link_new(const struct fa_fetch_link_config *config,
                                        const struct fa_fetch_link_callbacks *callbacks, void *ctx)
{
    static const struct fa_child_callbacks own = {
        .greet = greet,
        .on_frame = on_frame,
        .on_log = on_log,
        .on_state = on_state,
        .is_busy = is_busy,
    };
    struct fa_fetch_link *link = fa_xcalloc(1, sizeof *link);
    struct fa_child_config child = {.path = config->path,
                                    .who = "fetcher",
                                    .build = fa_fetcher_build(),
                                    .credentials_dir = config->credentials_dir,
                                    .env = config->env,
                                    .out_max = OUT_MAX,
                                    .read_max = READ_MAX,
                                    .ping_ms = PING_EVERY};
    fa_child_init(&link->child, &child, &own, link);
    link->callbacks = *callbacks;
    link->ctx = ctx;
    return link;
}

void fa_fetch_link_free(struct fa_fetch_link *link)
{
    if (link != NULL) {
        fa_child_done(&link->child);
        free(link);
    }
}

int fa_fetch_link_run(struct fa_fetch_link *link, const struct fa_fetch_run *run, struct fa_now now)
{
    if (link->child.state != FA_CHILD_UP || link->child.stopping) {
        return FA_EAGAIN;
    }
    if (find_open(link, run->n) != NULL) {
        return FA_EEXISTS;
    }
    if (link->open_count == FA_FETCH_OPEN_MAX) {
        return FA_EFULL;
    }
    int rc = fa_fetch_frame_put_run(&link->child.out, run);
    if (rc == 0) {
        link->open[link->open_count++] =
            (struct open_run){run->n, run->body_max, now.mono, run->timeout + RUN_WITHIN};
        fa_child_expect(&link->child, now.mono);
    }
    return rc;
}

size_t fa_fetch_link_open_count(const struct fa_fetch_link *link)
{
    return link->open_count;
}

struct fa_child *fa_fetch_link_child(struct fa_fetch_link *link)
{
    return &link->child;
}

static fa_time run_deadline(const struct fa_fetch_link *link)
{
    fa_time first = FA_NEVER;
    for (size_t i = 0; i < link->open_count; i++) {
        fa_time by = link->open[i].started + link->open[i].within;
        first = by < first ? by : first;
    }
    return first;
}

void fa_fetch_link_on_tick(struct fa_fetch_link *link, struct fa_now now)
{
    fa_time slept = fa_child_slept(&link->child, now, run_deadline(link));
    for (size_t i = 0; i < link->open_count; i++) {
        link->open[i].started += slept;
    }
    if (now.mono >= run_deadline(link) && fa_child_on_readable(&link->child, now) &&
        now.mono >= run_deadline(link)) {
        fa_child_end(&link->child, now.mono, "sat on a run");
        return;
    }
    fa_child_on_tick(&link->child, now);
}

fa_time fa_fetch_link_next_deadline(const struct fa_fetch_link *link)
{
    fa_time child = fa_child_next_deadline(&link->child), run = run_deadline(link);
    return child < run ? child : run;
}

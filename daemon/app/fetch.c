/* SPDX-License-Identifier: MIT */
/* Fetch jobs: when each is run, what its answer becomes, and what is said of it.
 *
 * Invariants:
 *  1. A job that fails has no values: what it brought before is stale from then on, and its `up` is
 *     0. One of which nothing is known (no fetcher, no result for too long) has no `up` either.
 *  2. A job is never run twice at once, and its result is taken once.
 *  3. A reload keeps jobs whose name, kind and address stay, with what they brought and their
 * turns; the fetcher itself is started with the first job and stopped with the last. What is pulled
 * is fed to a decoder as any feed is (intake.c, pull.c). */
#include "app/fetch.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

/* No result for that long beyond two turns: nothing is known. */
#define UNKNOWN_AFTER (10 * FA_SECOND)
/* How often the proof that a heartbeat waits for is looked at. */
#define PROOF_LOOK 50

static bool reads(const struct fa_fetch_job *job)
{
    return job->source.plugin != NULL;
}

/* ---- its own series ---- */

static uint64_t own_series(struct fa_fetch_job *job, const char *name)
{
    struct fa_label labels[FA_PULL_LABELS_MAX];
    char key[64];
    /* No decoder's spelling begins with this byte. */
    snprintf(key, sizeof key, "\1%s", name);
    struct fa_feed *feed = job->source.feed;
    uint64_t handle = fa_metrics_key(feed, FA_KIND_GAUGE, fa_str_of(key));
    if (handle == FA_HANDLE_MISS) {
        size_t count = fa_pull_labels(&job->pull, labels, 0, labels);
        handle =
            fa_metrics_define(feed, FA_KIND_GAUGE, fa_str_of(key), fa_str_of(name), labels, count);
    }
    return handle;
}

static void tell(struct fa_fetch_job *job, const char *name, double value)
{
    uint64_t handle = own_series(job, name);
    if (handle != FA_HANDLE_IGNORED) {
        fa_metrics_push(job->source.feed, fa_loop_now(job->daemon->loop), &handle, &value, NULL,
                        NULL, 1);
        job->daemon->rules_dirty = true;
    }
}

static void tell_nothing(struct fa_fetch_job *job, const char *name)
{
    uint64_t handle = own_series(job, name);
    if (handle != FA_HANDLE_IGNORED) {
        fa_metrics_stale(job->source.feed, handle, fa_loop_now(job->daemon->loop).wall);
        job->daemon->rules_dirty = true;
    }
}

/* Those of Prometheus and its blackbox exporter: rules written for them hold here. */
static void tell_all(struct fa_fetch_job *job, bool ok)
{
    double seconds = (double)job->duration / (double)FA_SECOND;
    if (job->entry->kind == FA_JOB_HEARTBEAT) {
        return;
    }
    if (job->entry->kind == FA_JOB_CHECK) {
        tell(job, "probe_success", ok);
        tell(job, "probe_duration_seconds", seconds);
        tell(job, "probe_http_status_code", job->status);
        return;
    }
    tell(job, "up", ok);
    tell(job, "scrape_duration_seconds", seconds);
    tell(job, "scrape_samples_scraped", (double)job->samples);
}

static void tell_unknown(struct fa_fetch_job *job)
{
    static const char *const names[] = {"up", "probe_success"};
    for (size_t i = 0; i < 2 && job->entry->kind != FA_JOB_HEARTBEAT; i++) {
        tell_nothing(job, names[i]);
    }
}

/* ---- a run's end ---- */

static void log_change(struct fa_fetch_job *job, enum fa_job_state state)
{
    if (state == job->state) {
        return;
    }
    if (state == FA_FETCH_UP && job->state == FA_FETCH_DOWN) {
        fa_log(FA_LOG_NOTICE, "fetch %s: answers again", job->entry->name);
    } else if (state == FA_FETCH_DOWN) {
        fa_log(FA_LOG_WARNING, "fetch %s: %s", job->entry->name, job->error);
    } else if (state == FA_FETCH_UNKNOWN) {
        fa_log(FA_LOG_WARNING, "fetch %s: no result for too long; nothing is known of it",
               job->entry->name);
    }
    job->state = state;
}

static void settle(struct fa_fetch_job *job, bool ok)
{
    fa_time wall = fa_loop_now(job->daemon->loop).wall;
    fa_intake_close(&job->intake);
    job->samples = ok ? job->pull.samples : 0;
    fa_pull_end(&job->pull, job->source.feed, ok, wall);
    job->daemon->rules_dirty = true;
    job->spoilt = false;
}

void fa_fetch_forget(struct fa_fetch_job *job)
{
    settle(job, false);
    tell_unknown(job);
}

static void set_unknown_at(struct fa_fetch_job *job)
{
    job->unknown_at = fa_loop_now(job->daemon->loop).mono + 2 * job->entry->every +
                      job->entry->timeout + UNKNOWN_AFTER;
}

/* ---- its body ---- */

static void spoil(struct fa_fetch_job *job, const char *words)
{
    job->spoilt = true;
    snprintf(job->error, sizeof job->error, "its answer is not what the decoder %s reads: %s",
             job->entry->decoder.plugin, words);
}

static void open_intake(struct fa_fetch_job *job)
{
    const struct firealarm_decoder *decoder = job->source.plugin->decoder;
    struct firealarm_text path = {decoder->paths != NULL ? decoder->paths : "/", 0};
    struct fa_err err;
    path.len = strcspn(path.ptr, " ");
    bool http = (decoder->transports & (1u << FIREALARM_STREAM)) == 0;
    job->header =
        (struct firealarm_label){FIREALARM_TEXT("content-type"), {job->type, strlen(job->type)}};
    job->view = (struct firealarm_request){
        .size = sizeof job->view,
        .transport = http ? FIREALARM_HTTP : FIREALARM_STREAM,
        .peer = {job->entry->name, strlen(job->entry->name)},
        .method = FIREALARM_TEXT("POST"),
        .path = path,
        .query = FIREALARM_TEXT(""),
        .headers = &job->header,
        .header_count = 1,
    };
    if (fa_intake_open(&job->intake, &job->source, &job->view, &err) != 0) {
        spoil(job, err.text);
        job->intake = (struct fa_intake){0};
    }
    job->intake.pull = &job->pull;
}

static void feed_piece(struct fa_fetch_job *job, struct fa_str bytes, bool end)
{
    struct fa_err err;
    if (job->intake.feed == NULL && !job->spoilt) {
        open_intake(job);
    }
    job->bytes += bytes.len;
    if (!job->spoilt && fa_intake_feed(&job->intake, bytes, end, &err) != 0) {
        spoil(job, err.text);
    }
    if (end && !job->spoilt && job->intake.refused > 0 && job->pull.named == 0) {
        spoil(job, job->intake.first[0].reason);
    }
}

static struct fa_fetch_job *find_run(struct fa_daemon *daemon, uint64_t n)
{
    for (size_t i = 0; i < daemon->fetch.count; i++) {
        if (daemon->fetch.jobs[i]->run == n) {
            return daemon->fetch.jobs[i];
        }
    }
    return NULL; /* a reload took it away */
}

static void on_body(void *ctx, const struct fa_fetch_body *body)
{
    struct fa_fetch_job *job = find_run(ctx, body->n);
    if (job != NULL && reads(job)) {
        snprintf(job->type, sizeof job->type, "%.*s", FA_STR_ARG(body->type));
        feed_piece(job, body->bytes, false);
    }
}

static void on_done(void *ctx, const struct fa_fetch_done *done)
{
    struct fa_fetch_job *job = find_run(ctx, done->n);
    if (job == NULL) {
        return;
    }
    if (done->ok && reads(job)) {
        feed_piece(job, (struct fa_str){"", 0}, true);
    } else if (!done->ok) {
        snprintf(job->error, sizeof job->error, "%.*s", FA_STR_ARG(done->error));
    }
    bool ok = done->ok && !job->spoilt;
    job->error[0] = ok ? '\0' : job->error[0];
    job->run = 0;
    job->duration = done->duration;
    job->status = done->status;
    job->runs++;
    job->failures += !ok;
    fa_turns_finish(&job->turns);
    set_unknown_at(job);
    settle(job, ok);
    tell_all(job, ok);
    log_change(job, ok ? FA_FETCH_UP : FA_FETCH_DOWN);
    if (job->entry->kind == FA_JOB_HEARTBEAT) {
        job->in_vain = ok ? 0 : job->in_vain + 1;
        fa_beat_tell(job->daemon);
    }
    fa_timer_set(&job->daemon->fetch.timer, 0); /* a place is free */
}

/* ---- starting runs ---- */

static struct fa_fetch_run run_of(const struct fa_fetch_entry *entry, uint64_t n)
{
    static const enum fa_fetch_kind kinds[] = {
        [FA_JOB_SCRAPE] = FA_FETCH_SCRAPE,
        [FA_JOB_QUERY] = FA_FETCH_QUERY,
        [FA_JOB_CHECK] = FA_FETCH_CHECK,
        [FA_JOB_HEARTBEAT] = FA_FETCH_HEARTBEAT,
    };
    struct fa_fetch_run run = {
        .n = n,
        .kind = kinds[entry->kind],
        .url = entry->url,
        .secret_url = entry->secret_url,
        .query = entry->query,
        .metric = entry->metric,
        .user = entry->user,
        .password = entry->password,
        .token = entry->token,
        .ca = entry->ca,
        .allow_private = entry->allow_private,
        .allow_plain = entry->allow_plain,
        .timeout = entry->timeout,
        .body_max = entry->max_bytes,
        .header_count = (uint32_t)entry->header_count,
    };
    for (size_t i = 0; i < entry->header_count; i++) {
        run.headers[i] = (struct fa_fetch_header){entry->headers[i].name, entry->headers[i].value};
    }
    return run;
}

static void start_run(struct fa_fetch_job *job, struct fa_now now)
{
    struct fa_fetching *fetch = &job->daemon->fetch;
    struct fa_fetch_run run = run_of(job->entry, ++fetch->last_run);
    job->run = run.n;
    job->bytes = 0;
    job->type[0] = '\0';
    int rc = fa_fetch_link_run(fetch->link, &run, now);
    if (rc != 0) {
        struct fa_fetch_done done = {.n = run.n, .error = fa_str_of(fa_err_words(rc))};
        on_done(job->daemon, &done);
    }
}

/* The job whose turn is the earliest and has come; NULL. */
static struct fa_fetch_job *next_due(struct fa_daemon *daemon, fa_time mono)
{
    struct fa_fetch_job *first = NULL;
    for (size_t i = 0; i < daemon->fetch.count; i++) {
        struct fa_fetch_job *job = daemon->fetch.jobs[i];
        bool is_first = first == NULL || job->turns.next < first->turns.next;
        if (job->turns.next <= mono && is_first &&
            (job->entry->kind != FA_JOB_HEARTBEAT || fa_beat_may_leave(daemon))) {
            first = job;
        }
    }
    return first;
}

static bool has_room(const struct fa_daemon *daemon)
{
    return daemon->fetch.tended.child->state == FA_CHILD_UP && !daemon->stopping &&
           fa_fetch_link_open_count(daemon->fetch.link) < FA_FETCH_OPEN_MAX;
}

static fa_time next_time(const struct fa_daemon *daemon, fa_time mono)
{
    fa_time soon = mono + (fa_beat_is_awaited(daemon) ? PROOF_LOOK : FA_SECOND);
    fa_time next = FA_NEVER;
    for (size_t i = 0; i < daemon->fetch.count; i++) {
        const struct fa_fetch_job *job = daemon->fetch.jobs[i];
        /* One that is held, or waits for room, is looked at again soon. */
        fa_time turn = job->turns.next > mono ? job->turns.next : soon;
        fa_time unknown = job->state != FA_FETCH_UNKNOWN ? job->unknown_at : FA_NEVER;
        next = turn < next ? turn : next;
        next = unknown < next ? unknown : next;
    }
    return next;
}

static void pump(void *self)
{
    struct fa_daemon *daemon = self;
    struct fa_now now = fa_loop_now(daemon->loop);
    struct fa_fetch_job *job;
    if (daemon->fetch.link == NULL) {
        return;
    }
    for (size_t i = 0; i < daemon->fetch.count; i++) {
        job = daemon->fetch.jobs[i];
        if (job->state != FA_FETCH_UNKNOWN && job->unknown_at <= now.mono) {
            fa_fetch_forget(job);
            log_change(job, FA_FETCH_UNKNOWN);
        }
    }
    while (has_room(daemon) && (job = next_due(daemon, now.mono)) != NULL) {
        if (fa_turns_start(&job->turns, now.mono)) {
            if (job->entry->kind == FA_JOB_HEARTBEAT) {
                fa_beat_left(daemon);
            }
            start_run(job, now);
        }
    }
    fa_child_on_writable(daemon->fetch.tended.child, now);
    fa_tended_drive(&daemon->fetch.tended);
    fa_time next = next_time(daemon, now.mono);
    if (next == FA_NEVER) {
        fa_timer_stop(&daemon->fetch.timer);
    } else {
        fa_timer_set(&daemon->fetch.timer, next > now.mono ? next - now.mono : 0);
    }
}

/* ---- the fetcher ---- */

static void on_log(void *ctx, uint32_t level, const char *text)
{
    fa_tended_log(&((struct fa_daemon *)ctx)->fetch.tended, level, text);
}

static void on_state(void *ctx, enum fa_child_state state, const char *why)
{
    struct fa_daemon *daemon = ctx;
    fa_tended_state(&daemon->fetch.tended, state, why);
    fa_timer_set(&daemon->fetch.timer, 0);
}

static void tick(void *link, struct fa_now now)
{
    fa_fetch_link_on_tick(link, now);
}

static fa_time next_deadline(void *link)
{
    return fa_fetch_link_next_deadline(link);
}

static void start_fetcher(struct fa_daemon *daemon)
{
    static const struct fa_fetch_link_callbacks callbacks = {on_body, on_done, on_log, on_state};
    struct fa_fetching *fetch = &daemon->fetch;
    struct fa_fetch_link_config config = {
        .path = daemon->options->fetcher,
        .credentials_dir = daemon->options->credentials,
    };
    fetch->link = fa_fetch_link_new(&config, &callbacks, daemon);
    fetch->tended = (struct fa_tended){
        .daemon = daemon,
        .who = "fetcher",
        .code = "fetcher-down",
        .away = "firealarm-fetcher does not run: nothing is pulled, and what it brought is unknown",
        .back = "the fetcher runs again",
        .child = fa_fetch_link_child(fetch->link),
        .link = fetch->link,
        .tick = tick,
        .next = next_deadline,
    };
    fa_tended_init(&fetch->tended);
    fa_timer_init(&fetch->timer, daemon->loop, pump, daemon);
    fa_child_start(fetch->tended.child, fa_loop_now(daemon->loop));
}

/* Its runs end without a word. What operators heard of it is over: nobody wants it any more. */
void fa_fetch_stop_child(struct fa_daemon *daemon)
{
    struct fa_fetching *fetch = &daemon->fetch;
    if (fetch->link == NULL) {
        return;
    }
    if (fetch->tended.told && !daemon->stopping) {
        fa_turn_trouble(daemon, fetch->tended.code, true, "nothing is to be fetched any more");
    }
    fa_timer_stop(&fetch->timer);
    fa_tended_done(&fetch->tended);
    fa_fetch_link_free(fetch->link);
    fetch->link = NULL;
}

void fa_fetch_go(struct fa_daemon *daemon)
{
    if (daemon->fetch.count > 0 && daemon->fetch.link == NULL) {
        start_fetcher(daemon);
    } else if (daemon->fetch.count == 0) {
        fa_fetch_stop_child(daemon);
    }
    fa_beat_tell(daemon);
    pump(daemon);
}

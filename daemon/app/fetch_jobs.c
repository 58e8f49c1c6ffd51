/* SPDX-License-Identifier: MIT */
/* Fetch jobs as the configuration has them: made, kept over a reload, told of. A reload keeps those
 * whose name, kind, address and labels stay, with what they brought and their turns; what is pulled
 * when, and what comes of it, is fetch.c's. */
#include "app/fetch.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

/* ---- opening, reload ---- */

static void close_job(struct fa_fetch_job *job)
{
    if (job != NULL) {
        fa_intake_close(&job->intake);
        fa_decoder_close(&job->source);
        fa_pull_done(&job->pull);
        free(job->source.name);
        free(job);
    }
}

void fa_fetch_close(struct fa_fetch_job **jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close_job(jobs[i]);
    }
    free(jobs);
}

/* "HOST:PORT" of an address; without a port that of its scheme. */
static void instance_of(const char *url, char *buf, size_t size)
{
    const char *from = strstr(url, "://") + 3;
    size_t len = strcspn(from, "/?#");
    const char *bracket = memchr(from, ']', len);
    const char *rest = bracket != NULL ? bracket : from;
    bool has_port = memchr(rest, ':', len - (size_t)(rest - from)) != NULL;
    const char *port = has_port ? "" : strncmp(url, "https", 5) == 0 ? ":443" : ":80";
    snprintf(buf, size, "%.*s%s", (int)len, from, port);
}

static bool has_label(const struct fa_fetch_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->label_count; i++) {
        if (strcmp(entry->labels[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_labels(struct fa_fetch_job *job, const struct fa_fetch_entry *entry)
{
    char instance[300];
    for (size_t i = 0; i < entry->label_count; i++) {
        fa_pull_add_label(&job->pull, entry->labels[i].name, entry->labels[i].value);
    }
    if (!has_label(entry, "job")) {
        fa_pull_add_label(&job->pull, "job", entry->name);
    }
    if (!has_label(entry, "instance") && entry->url != NULL) {
        instance_of(entry->url, instance, sizeof instance);
        fa_pull_add_label(&job->pull, "instance", instance);
    }
}

int fa_fetch_open(struct fa_daemon *daemon, const struct fa_config *config,
                  struct fa_fetch_job ***ret_jobs, struct fa_err *err)
{
    struct fa_fetch_job **jobs = fa_xcalloc(config->fetch_count + 1, sizeof *jobs);
    int rc = 0;
    for (size_t i = 0; i < config->fetch_count && rc == 0; i++) {
        const struct fa_fetch_entry *entry = &config->fetches[i];
        struct fa_fetch_job *job = jobs[i] = fa_xcalloc(1, sizeof *job);
        job->daemon = job->source.daemon = daemon;
        job->entry = entry;
        job->source.name = fa_xstrdup(entry->name);
        fa_turns_init(&job->turns, entry->name, entry->every, fa_loop_now(daemon->loop).mono);
        add_labels(job, entry);
        rc =
            entry->decoder.plugin != NULL ? fa_decoder_open(&job->source, &entry->decoder, err) : 0;
    }
    if (rc != 0) {
        fa_fetch_close(jobs, config->fetch_count);
    } else {
        *ret_jobs = jobs;
    }
    return rc;
}

/* Where it goes: an address, or where a secret one lies. */
static const char *place_of(const struct fa_fetch_entry *entry)
{
    return entry->url != NULL ? entry->url : entry->secret_url;
}

static bool is_same(const struct fa_fetch_job *a, const struct fa_fetch_job *b)
{
    bool labels = a->pull.label_count == b->pull.label_count;
    for (size_t i = 0; i < a->pull.label_count && labels; i++) {
        labels = strcmp(a->pull.labels[i].name, b->pull.labels[i].name) == 0 &&
                 strcmp(a->pull.labels[i].value, b->pull.labels[i].value) == 0;
    }
    return labels && a->entry->kind == b->entry->kind &&
           strcmp(a->entry->name, b->entry->name) == 0 &&
           strcmp(place_of(a->entry), place_of(b->entry)) == 0;
}

/* What the old one knows goes over; a body that is coming in is not finished. */
static void take_over(struct fa_fetch_job *job, struct fa_fetch_job *old)
{
    bool coming = old->intake.feed != NULL || old->spoilt;
    struct fa_handles before = old->pull.before;
    if (old->turns.every == job->turns.every) {
        job->turns = old->turns;
    }
    job->run = coming ? 0 : old->run;
    job->turns.running = job->run != 0;
    job->unknown_at = old->unknown_at;
    job->state = old->state;
    job->duration = old->duration;
    job->status = old->status;
    job->samples = old->samples;
    job->runs = old->runs;
    job->failures = old->failures;
    job->in_vain = old->in_vain;
    job->pull.before = before;
    old->pull.before = (struct fa_handles){0};
    memcpy(job->error, old->error, sizeof job->error);
}

void fa_fetch_swap(struct fa_daemon *daemon, struct fa_fetch_job **jobs, size_t count)
{
    struct fa_fetch_job **old = daemon->fetch.jobs;
    size_t old_count = daemon->fetch.count;
    for (size_t k = 0; k < old_count; k++) {
        size_t i = 0;
        while (i < count && !is_same(jobs[i], old[k])) {
            i++;
        }
        if (i < count) {
            take_over(jobs[i], old[k]);
        } else {
            fa_fetch_forget(old[k]);
        }
    }
    daemon->fetch.jobs = jobs;
    daemon->fetch.count = count;
    fa_fetch_close(old, old_count);
}

void fa_fetch_bind_jobs(struct fa_daemon *daemon)
{
    for (size_t i = 0; i < daemon->fetch.count; i++) {
        struct fa_fetch_job *job = daemon->fetch.jobs[i];
        struct fa_metrics_limits limits = {
            .series = job->entry->series_max,
            .labels = job->entry->labels_max,
            .name_bytes = job->entry->name_max,
            .value_bytes = job->entry->value_max,
        };
        struct fa_feed *feed = fa_metrics_feed(daemon->metrics, job->entry->name);
        if (job->source.feed != NULL && job->source.feed != feed) {
            fa_pull_forget(&job->pull);
        }
        job->source.feed = feed;
        job->source.labels_max = limits.labels;
        job->source.name_max = limits.name_bytes;
        job->source.value_max = limits.value_bytes;
        fa_feed_set_limits(job->source.feed, &limits);
    }
}

void fa_fetch_bind(struct fa_daemon *daemon)
{
    fa_fetch_bind_jobs(daemon);
    fa_fetch_go(daemon);
}

static void recall(void *ctx, struct fa_feed *feed, uint64_t handle)
{
    struct fa_fetching *fetch = ctx;
    for (size_t i = 0; i < fetch->count; i++) {
        if (fetch->jobs[i]->source.feed == feed) {
            fa_pull_recall(&fetch->jobs[i]->pull, handle);
        }
    }
}

void fa_fetch_recall(struct fa_daemon *daemon)
{
    if (daemon->fetch.count > 0) {
        fa_metrics_each_valued(daemon->metrics, recall, &daemon->fetch);
    }
}

void fa_fetch_stop(struct fa_daemon *daemon)
{
    fa_fetch_stop_child(daemon);
    fa_fetch_close(daemon->fetch.jobs, daemon->fetch.count);
    daemon->fetch.jobs = NULL;
    daemon->fetch.count = 0;
}

/* ---- what is said of them ---- */

void fa_fetch_metrics(const struct fa_daemon *daemon, struct fa_buf *out)
{
    static const struct {
        const char *name, *type, *suffix;
    } rows[] = {
        {"runs", "counter", "_total"},
        {"failures", "counter", "_total"},
        {"missed", "counter", "_total"},
        {"duration_ms", "gauge", ""},
        {"bytes", "gauge", ""},
        {"samples", "gauge", ""},
        {"series", "gauge", ""},
        {"series_refused", "counter", "_total"},
        {"rejected", "counter", "_total"},
    };
    if (daemon->fetch.count == 0) {
        return;
    }
    fa_buf_printf(out, "# TYPE firealarm_fetcher_up gauge\nfirealarm_fetcher_up %d\n",
                  daemon->fetch.tended.down_since == 0);
    fa_buf_puts(out, "# TYPE firealarm_fetch_up gauge\n"
                     "# HELP firealarm_fetch_up Of the newest run; none while nothing is known.\n");
    for (size_t i = 0; i < daemon->fetch.count; i++) {
        const struct fa_fetch_job *job = daemon->fetch.jobs[i];
        if (job->state != FA_FETCH_UNKNOWN) {
            fa_buf_printf(out, "firealarm_fetch_up{fetch=\"%s\"} %d\n", job->entry->name,
                          job->state == FA_FETCH_UP);
        }
    }
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        fa_buf_printf(out, "# TYPE firealarm_fetch_%s %s\n", rows[r].name, rows[r].type);
        for (size_t i = 0; i < daemon->fetch.count; i++) {
            const struct fa_fetch_job *job = daemon->fetch.jobs[i];
            struct fa_feed_stats stats = fa_feed_stats(job->source.feed);
            uint64_t values[] = {
                job->runs,           job->failures, job->turns.missed, (uint64_t)job->duration,
                job->bytes,          job->samples,  stats.series,      stats.series_refused,
                job->source.rejected};
            fa_buf_printf(out, "firealarm_fetch_%s%s{fetch=\"%s\"} %llu\n", rows[r].name,
                          rows[r].suffix, job->entry->name, (unsigned long long)values[r]);
        }
    }
}

bool fa_fetch_tell(void *ctx, size_t i, struct fa_api_fetch *ret_fetch)
{
    static const char *const kinds[] = {"scrape", "query", "check", "heartbeat"};
    static const char *const states[] = {"unknown", "up", "down"};
    struct fa_daemon *daemon = ctx;
    if (i >= daemon->fetch.count) {
        return fa_remote_tell(daemon, i - daemon->fetch.count, ret_fetch);
    }
    const struct fa_fetch_job *job = daemon->fetch.jobs[i];
    *ret_fetch = (struct fa_api_fetch){
        .name = job->entry->name,
        .kind = kinds[job->entry->kind],
        .url = job->entry->url,
        .state = states[job->state],
        .error = job->error,
        .duration = job->duration,
        .samples = job->samples,
        .runs = job->runs,
        .failures = job->failures,
        .missed = job->turns.missed,
    };
    return true;
}

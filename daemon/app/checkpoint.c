/* SPDX-License-Identifier: MIT */
/* The checkpoint: windows, newest values, unwatched names and what rules said last as a file in the
 * state directory, so that a restart does not begin with nothing.
 *
 * Every 60 s while samples come it is written, a slice of about a millisecond of this thread each;
 * the store's writer thread puts it on the disk (store/aside.c). When the daemon stops, once more.
 * It is read whole before the daemon is ready: rules that see half of their samples would say what
 * is not so. One that cannot be used is a trouble for the operators, and all begins empty. */
#include "app/internal.h"
#include "base/panic.h"
#include "metrics/save.h"
#include "store/aside.h"

#include <string.h>

#define EVERY_MS     FA_MINUTE
#define SLICE_BYTES  ((size_t)96 << 10)
#define SLICE_GROUPS 1000
#define SLICE_RULES  200               /* of each up to twenty changes */
#define WAITING_MAX  ((size_t)4 << 20) /* with the writer; then the next slice waits */
#define STOP_MS      3000u

static bool path_of(const struct fa_daemon *daemon, char path[FA_STORE_PATH_SIZE])
{
    const char *state = daemon->options->state;
    snprintf(path, FA_STORE_PATH_SIZE, "%s/windows", state != NULL ? state : "");
    return state != NULL;
}

static bool is_writing(const struct fa_daemon *daemon, size_t *ret_waiting)
{
    struct fa_aside aside;
    fa_aside_get(daemon->store, &aside);
    *ret_waiting = aside.waiting;
    return aside.state == FA_ASIDE_WRITING;
}

/* False: that was all. */
static bool put_slice(struct fa_daemon *daemon)
{
    struct fa_buf buf;
    fa_buf_init(&buf, SIZE_MAX / 2);
    bool more = fa_metrics_save(daemon->metrics, &daemon->checkpoint.save,
                                fa_loop_now(daemon->loop), SLICE_BYTES, &buf) ||
                fa_rules_save(daemon->rules, &daemon->checkpoint.rules, SLICE_GROUPS, &buf) ||
                fa_changes_save(daemon, &daemon->checkpoint.changes, SLICE_RULES, &buf);
    fa_aside_put(daemon->store, &buf);
    if (!more) {
        fa_aside_end(daemon->store);
    }
    return more;
}

static void on_timer(void *self)
{
    struct fa_daemon *daemon = self;
    struct fa_checkpoint *checkpoint = &daemon->checkpoint;
    size_t waiting;
    if (!checkpoint->is_open) {
        return;
    }
    bool writing = is_writing(daemon, &waiting);
    if (writing && waiting < WAITING_MAX) {
        checkpoint->is_open = put_slice(daemon);
    } else if (!writing) {
        checkpoint->is_open = false; /* it failed */
    }
    if (checkpoint->is_open) {
        fa_timer_set(&checkpoint->timer, 1);
    }
}

static bool begin(struct fa_daemon *daemon)
{
    struct fa_checkpoint *checkpoint = &daemon->checkpoint;
    char path[FA_STORE_PATH_SIZE];
    uint64_t samples = fa_metrics_samples(daemon->metrics);
    size_t waiting;
    if (daemon->store == NULL || daemon->store_full || samples == checkpoint->samples ||
        !path_of(daemon, path) || is_writing(daemon, &waiting)) {
        return false;
    }
    checkpoint->samples = samples;
    checkpoint->save = (struct fa_save){0};
    checkpoint->rules = (struct fa_rules_save){0};
    checkpoint->changes = (struct fa_changes_save){.is_begun = false};
    checkpoint->is_open = true;
    checkpoint->is_told = false;
    fa_aside_begin(daemon->store, path);
    return true;
}

void fa_checkpoint_tick(struct fa_daemon *daemon)
{
    struct fa_checkpoint *checkpoint = &daemon->checkpoint;
    fa_time now = fa_loop_now(daemon->loop).mono;
    if (now - checkpoint->began >= EVERY_MS && begin(daemon)) {
        checkpoint->began = now;
        fa_timer_set(&checkpoint->timer, 1);
    }
}

void fa_checkpoint_watch(struct fa_daemon *daemon)
{
    struct fa_checkpoint *checkpoint = &daemon->checkpoint;
    struct fa_aside aside;
    fa_aside_get(daemon->store, &aside);
    if (checkpoint->is_told || aside.state == FA_ASIDE_WRITING || aside.state == FA_ASIDE_NONE) {
        return;
    }
    checkpoint->is_told = true;
    bool failed = aside.state == FA_ASIDE_FAILED;
    if (failed) {
        fa_log_err(FA_LOG_ERROR, &aside.err);
    } else {
        checkpoint->written++;
        checkpoint->written_at = fa_loop_now(daemon->loop).wall;
    }
    if (failed != checkpoint->has_failed) {
        checkpoint->has_failed = failed;
        fa_turn_trouble(daemon, "windows-unsaved", !failed,
                        "the checkpoint cannot be written: after a restart rules begin without "
                        "samples");
    }
}

void fa_checkpoint_metrics(const struct fa_daemon *daemon, struct fa_buf *out)
{
    fa_buf_printf(out,
                  "# TYPE firealarm_checkpoints counter\n"
                  "firealarm_checkpoints_total %llu\n"
                  "# TYPE firealarm_checkpoint_time_seconds gauge\n"
                  "# HELP firealarm_checkpoint_time_seconds When the newest checkpoint of samples "
                  "since start was done; 0: none.\n"
                  "firealarm_checkpoint_time_seconds %lld\n",
                  (unsigned long long)daemon->checkpoint.written,
                  (long long)(daemon->checkpoint.written_at / FA_SECOND));
}

void fa_checkpoint_forget(struct fa_daemon *daemon)
{
    if (daemon->checkpoint.is_open && daemon->store != NULL) {
        fa_aside_drop(daemon->store);
        daemon->checkpoint.samples = UINT64_MAX; /* none of them is in it */
    }
    daemon->checkpoint.is_open = false;
}

void fa_checkpoint_stop(struct fa_daemon *daemon)
{
    fa_timer_stop(&daemon->checkpoint.timer);
    if (daemon->store == NULL || !daemon->checkpoint.is_ready) {
        return;
    }
    fa_checkpoint_forget(daemon);
    (void)fa_aside_wait(daemon->store, 0, STOP_MS);
    if (!begin(daemon)) {
        return;
    }
    while (fa_aside_wait(daemon->store, WAITING_MAX, STOP_MS) && put_slice(daemon)) {
    }
    if (!fa_aside_wait(daemon->store, 0, STOP_MS)) {
        fa_log(FA_LOG_WARNING, "the last checkpoint could not be written");
    }
}

static void tell_lost(struct fa_daemon *daemon, const struct fa_err *err)
{
    char text[512];
    snprintf(text, sizeof text, "the checkpoint of samples cannot be used, windows begin empty: %s",
             err->text);
    fa_log(FA_LOG_ERROR, "%s", text);
    fa_turn_trouble_once(daemon, "windows-lost", text);
}

void fa_checkpoint_open(struct fa_daemon *daemon)
{
    struct fa_aside_file file;
    struct fa_loaded loaded = {0};
    struct fa_err err;
    char path[FA_STORE_PATH_SIZE];
    fa_timer_init(&daemon->checkpoint.timer, daemon->loop, on_timer, daemon);
    daemon->checkpoint.is_told = daemon->checkpoint.is_ready = true;
    if (!path_of(daemon, path)) {
        return;
    }
    int rc = fa_aside_open(path, &file, &err);
    if (rc == FA_ENOTFOUND) {
        return;
    }
    if (rc == 0) {
        rc = fa_metrics_load(daemon->metrics, file.bytes, fa_loop_now(daemon->loop), &loaded, &err);
        if (rc == 0) {
            fa_rules_load(daemon->rules, file.bytes);
            fa_changes_load(daemon, file.bytes);
        }
        fa_aside_close(&file);
    }
    if (rc != 0) {
        fa_windows_forget(daemon, 0);
        tell_lost(daemon, &err);
        return;
    }
    daemon->checkpoint.recalled = fa_loop_now(daemon->loop).mono;
    fa_fetch_recall(daemon);
    daemon->rules_dirty = true;
    fa_log(FA_LOG_INFO, "samples of %llu series are there again, %llu are not wanted any more",
           (unsigned long long)loaded.series, (unsigned long long)loaded.unwanted);
}

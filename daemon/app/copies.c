/* SPDX-License-Identifier: MIT */
/* Copies of the store while it is in use: where they lie and what is said of them. They lie below
 * the state directory under the daemon's own uid, because whoever may ask for one need not be
 * somebody who may read it. The store's key is never with them. None is deleted here. */
#include "app/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int start_copy(struct fa_daemon *daemon, struct fa_err *err)
{
    char dir[400], name[64];
    struct tm tm;
    time_t now = (time_t)(fa_loop_now(daemon->loop).wall / FA_SECOND);
    if (daemon->options->state == NULL) {
        return fa_err_set(err, FA_EUNSUPPORTED,
                          "The daemon has no state directory to put a copy into: start it with "
                          "--state DIR.");
    }
    snprintf(dir, sizeof dir, "%s/backups", daemon->options->state);
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        return fa_err_set(err, FA_EIO, "%s: %s", dir, strerror(errno));
    }
    gmtime_r(&now, &tm);
    strftime(name, sizeof name, "%Y-%m-%dT%H%M%SZ", &tm);
    return fa_store_copy(daemon->store, dir, name, FA_ROW__LAST, err);
}

int fa_copies_ask(struct fa_daemon *daemon, bool start, struct fa_store_copy *ret_copy,
                  struct fa_err *err)
{
    int rc = start ? start_copy(daemon, err) : 0;
    fa_store_copy_state(daemon->store, ret_copy);
    if (start && rc == 0) {
        daemon->copy_seen = FA_COPY_RUNNING;
    }
    return rc;
}

void fa_copies_watch(struct fa_daemon *daemon)
{
    struct fa_store_copy copy;
    fa_store_copy_state(daemon->store, &copy);
    bool settled = copy.state == FA_COPY_DONE || copy.state == FA_COPY_FAILED;
    if (!settled || copy.state == daemon->copy_seen) {
        return;
    }
    daemon->copy_seen = copy.state;
    if (copy.state == FA_COPY_FAILED) {
        daemon->copies_failed++;
        fa_log(FA_LOG_ERROR, "no copy of the store: %s", copy.err.text);
        return;
    }
    daemon->copies_done++;
    daemon->copied = fa_loop_now(daemon->loop).wall;
    daemon->copied_n = copy.n;
    fa_log(FA_LOG_NOTICE, "a copy of the store is in %s: its journal ends at %llu", copy.path,
           (unsigned long long)copy.n);
    if (copy.findings.damaged > 0 || copy.findings.first_bad > 0) {
        fa_log(FA_LOG_ERROR, "what was copied is damaged: %llu rows, journal from entry %llu on",
               (unsigned long long)copy.findings.damaged,
               (unsigned long long)copy.findings.first_bad);
    }
}

void fa_copies_metrics(const struct fa_daemon *daemon, struct fa_buf *out)
{
    fa_buf_printf(out,
                  "# TYPE firealarm_backups counter\n"
                  "firealarm_backups_total{outcome=\"done\"} %llu\n"
                  "firealarm_backups_total{outcome=\"failed\"} %llu\n"
                  "# TYPE firealarm_backup_time_seconds gauge\n"
                  "# HELP firealarm_backup_time_seconds When the newest copy since start was done; "
                  "0: none.\n"
                  "firealarm_backup_time_seconds %lld\n"
                  "# TYPE firealarm_backup_journal gauge\n"
                  "firealarm_backup_journal %llu\n",
                  (unsigned long long)daemon->copies_done,
                  (unsigned long long)daemon->copies_failed,
                  (long long)(daemon->copied / FA_SECOND), (unsigned long long)daemon->copied_n);
}

/* SPDX-License-Identifier: MIT */
/* Reads the configuration or its calendars anew while the loop goes on.
 *
 * A configuration is read at once, but its calendars take up to 2 s of computing each, in processes
 * of their own. So fa_config_load() is called twice: the first time it says FA_EAGAIN and leaves
 * word which calendars it wants, a thread waits for their processes and touches nothing else, and
 * the second time all of it is there. Once a day the running configuration is gone through in the
 * same way with what its calendars say now; only its directory is taken over then.
 *
 * Invariants: the thread has the calendars to itself from its start until its wake-up; one reading
 * is under way at most, and a SIGHUP that comes meanwhile is done after it. */
#include "app/internal.h"
#include "calendar/reader.h"
#include "config/remotes.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

#define EVERY      FA_DAY
#define AGAIN      FA_HOUR /* after a failure */
#define ROUNDS_MAX 4       /* files may change between two readings, but not for ever */

/* Nobody waits a day for a test. */
static fa_time day(void)
{
#if defined(FA_TEST_HOOKS)
    fa_time length = 0;
    const char *text = getenv("FA_CALENDARS_EVERY");
    if (text != NULL && fa_parse_duration(fa_str_of(text), &length) == 0) {
        return length;
    }
#endif
    return EVERY;
}

static fa_time again(void)
{
    return day() < AGAIN ? day() : AGAIN;
}

/* Copies may be old when somebody starts or reloads, and the interface is to answer before that. */
static fa_time first(const struct fa_daemon *daemon)
{
    return daemon->config->mirror_count > 0 && day() > FA_MINUTE ? FA_MINUTE : day();
}

/* What was fetched may be wanted from the calendars' processes, which is a round of its own. */
static void read_all(struct fa_renewal *renewal)
{
    if (!fa_remotes_is_ready(renewal->remotes)) {
        fa_remote_fetch(renewal->options, renewal->remotes, &renewal->cancelled);
    } else {
        fa_calendars_read(renewal->calendars);
    }
}

static void *wait_for_processes(void *ctx)
{
    struct fa_renewal *renewal = ctx;
    read_all(renewal);
    fa_waker_wake(renewal->waker);
    return NULL;
}

struct fa_calendars *fa_renewal_calendars(const struct fa_daemon *daemon, fa_time wall)
{
    struct fa_calendars_config config = fa_calendars_ahead(wall);
    config.program = daemon->options->calendar;
    return fa_calendars_new(&config);
}

static void begin(struct fa_daemon *daemon, bool is_reload);

static void end(struct fa_daemon *daemon, bool ok)
{
    struct fa_renewal *renewal = &daemon->renewal;
    fa_calendars_free(renewal->calendars);
    renewal->calendars = NULL;
    fa_remotes_free(renewal->remotes);
    renewal->remotes = NULL;
    fa_timer_set(&renewal->timer, !ok ? again() : renewal->is_reload ? first(daemon) : day());
    if (renewal->is_reload) {
        sd_notify(0, "READY=1");
    }
    if (renewal->again) {
        renewal->again = false;
        begin(daemon, true);
    }
}

static void go_on(struct fa_daemon *daemon)
{
    struct fa_renewal *renewal = &daemon->renewal;
    bool is_last = ++renewal->rounds >= ROUNDS_MAX;
    int rc =
        renewal->is_reload ? fa_setup_reload(daemon, is_last) : fa_setup_renew(daemon, is_last);
    if (rc != FA_EAGAIN) {
        end(daemon, rc == 0);
        return;
    }
    int error = pthread_create(&renewal->thread, NULL, wait_for_processes, renewal);
    if (error != 0) { /* as bad as no memory: standing still is better than not reading */
        read_all(renewal);
        fa_waker_wake(renewal->waker);
    }
    renewal->is_running = error == 0;
}

static void on_read(void *self)
{
    struct fa_daemon *daemon = self;
    struct fa_renewal *renewal = &daemon->renewal;
    if (renewal->is_running) {
        pthread_join(renewal->thread, NULL);
        renewal->is_running = false;
    }
    if (!daemon->stopping) {
        go_on(daemon);
    }
}

static void begin(struct fa_daemon *daemon, bool is_reload)
{
    struct fa_renewal *renewal = &daemon->renewal;
    renewal->is_reload = is_reload;
    renewal->rounds = 0;
    renewal->calendars = fa_renewal_calendars(daemon, fa_loop_now(daemon->loop).wall);
    renewal->remotes = fa_remotes_new(!is_reload);
    if (is_reload) {
        sd_notify(0, "RELOADING=1");
    }
    go_on(daemon);
}

void fa_renewal_reload(struct fa_daemon *daemon)
{
    if (daemon->renewal.calendars != NULL) {
        daemon->renewal.again = true;
    } else {
        begin(daemon, true);
    }
}

static void on_timer(void *self)
{
    struct fa_daemon *daemon = self;
    if (daemon->renewal.calendars == NULL) {
        begin(daemon, false);
    }
}

int fa_renewal_open(struct fa_daemon *daemon, struct fa_err *err)
{
    struct fa_renewal *renewal = &daemon->renewal;
    renewal->waker = fa_waker_new(daemon->loop, on_read, daemon, err);
    fa_timer_init(&renewal->timer, daemon->loop, on_timer, daemon);
    fa_timer_set(&renewal->timer, first(daemon));
    renewal->options = daemon->options;
    return renewal->waker != NULL ? 0 : err->code;
}

void fa_renewal_close(struct fa_daemon *daemon)
{
    struct fa_renewal *renewal = &daemon->renewal;
    atomic_store(&renewal->cancelled, true);
    if (renewal->is_running) {
        pthread_join(renewal->thread, NULL);
    }
    fa_timer_stop(&renewal->timer);
    fa_waker_free(renewal->waker);
    fa_calendars_free(renewal->calendars);
    fa_remotes_free(renewal->remotes);
    fa_remote_done(daemon);
}

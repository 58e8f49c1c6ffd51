/* SPDX-License-Identifier: MIT */
/* A child program on the loop: its descriptor, its deadlines, and what operators hear of it when it
 * is away for long. */
#include "app/internal.h"

/* A child that is away so long is the operators' business. */
#define DOWN_TELL (20 * FA_SECOND)

static void on_ready(void *self, unsigned what)
{
    struct fa_tended *tended = self;
    struct fa_now now = fa_loop_now(tended->daemon->loop);
    if ((what & FA_WATCH_READ) != 0) {
        (void)fa_child_on_readable(tended->child, now);
    }
    if ((what & FA_WATCH_WRITE) != 0 && tended->child->fd >= 0) {
        fa_child_on_writable(tended->child, now);
    }
    fa_tended_drive(tended);
}

static void on_timer(void *self)
{
    struct fa_tended *tended = self;
    tended->tick(tended->link, fa_loop_now(tended->daemon->loop));
    fa_tended_drive(tended);
}

static void tell_away(void *self)
{
    struct fa_tended *tended = self;
    tended->told = true;
    fa_turn_trouble(tended->daemon, tended->code, false, "%s", tended->away);
}

void fa_tended_init(struct fa_tended *tended)
{
    tended->fd = -1;
    fa_timer_init(&tended->timer, tended->daemon->loop, on_timer, tended);
    fa_timer_init(&tended->away_timer, tended->daemon->loop, tell_away, tended);
}

void fa_tended_done(struct fa_tended *tended)
{
    fa_timer_stop(&tended->timer);
    fa_timer_stop(&tended->away_timer);
    fa_watch_free(tended->watch);
    tended->watch = NULL;
}

void fa_tended_state(struct fa_tended *tended, enum fa_child_state state, const char *why)
{
    struct fa_daemon *daemon = tended->daemon;
    if (state == FA_CHILD_UP) {
        /* The first one ends what a daemon before this one may have left open. */
        if ((tended->told || !tended->seen) && daemon->engine != NULL) {
            fa_turn_trouble(daemon, tended->code, true, "%s", tended->back);
        }
        tended->seen = true;
        tended->told = false;
        tended->down_since = 0;
        fa_timer_stop(&tended->away_timer);
    } else if (tended->down_since == 0) {
        tended->down_since = fa_loop_now(daemon->loop).mono;
        fa_timer_set(&tended->away_timer, DOWN_TELL);
    }
    if (state == FA_CHILD_WAITING) {
        fa_log(FA_LOG_WARNING, "%s: %s; it is started again", tended->who, why);
    }
    fa_loop_again(daemon->loop);
}

void fa_tended_log(const struct fa_tended *tended, uint32_t level, const char *text)
{
    fa_log((enum fa_log_level)(level < 3 ? 3 : level > 6 ? 6 : level), "%s: %s", tended->who, text);
}

void fa_tended_drive(struct fa_tended *tended)
{
    int fd = tended->child->fd;
    fa_time now = fa_loop_now(tended->daemon->loop).mono, next = tended->next(tended->link);
    if (fd != tended->fd) {
        fa_watch_free(tended->watch);
        tended->watch = fd >= 0 ? fa_watch_new(tended->daemon->loop, fd, on_ready, tended) : NULL;
        tended->fd = fd;
    }
    if (tended->watch != NULL) {
        bool write = fa_child_wants_write(tended->child);
        fa_watch_set(tended->watch, FA_WATCH_READ | (write ? FA_WATCH_WRITE : 0));
    }
    if (next == FA_NEVER) {
        fa_timer_stop(&tended->timer);
    } else {
        fa_timer_set(&tended->timer, next > now ? next - now : 0);
    }
}

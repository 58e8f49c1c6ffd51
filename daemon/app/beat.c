/* SPDX-License-Identifier: MIT */
/* The outgoing heartbeat: when one may leave, and what operators hear when none arrives.
 *
 * Whoever waits for it outside believes that alarms would be told. So each call is preceded by a
 * proof of its own, newer than the call before it: a row that was written for it is durable, and
 * the courier answered. That the loop turns needs no proof, as it is the loop that looks at them.
 *
 * Invariants:
 *  1. No proof is used twice, and none that began more than a minute ago.
 *  2. Nothing here waits: a disk or courier that hangs leaves the proof unfinished, and no call is
 *     made.
 * Calls that are not made are no trouble of their own: the store's and the courier's are told. */
#include "app/fetch.h"

#define FRESH       FA_MINUTE
#define ROW_BEAT    64 /* of the host; one row, written over each time */
#define ROW_BEAT_ID "heartbeat"
#define TROUBLE     "watcher-unreached"

static void begin(struct fa_daemon *daemon, fa_time mono)
{
    struct fa_beat *beat = &daemon->fetch.beat;
    beat->commit = fa_turn_write(daemon, ROW_BEAT, fa_str_of(ROW_BEAT_ID));
    beat->began = mono;
    fa_child_expect(daemon->courier.child, mono);
    fa_tended_drive(&daemon->courier);
}

bool fa_beat_may_leave(struct fa_daemon *daemon)
{
    struct fa_beat *beat = &daemon->fetch.beat;
    fa_time mono = fa_loop_now(daemon->loop).mono;
    if (!fa_daemon_is_well(daemon)) {
        beat->began = 0;
        return false;
    }
    if (beat->began == 0 || mono - beat->began > FRESH) {
        begin(daemon, mono);
        return false;
    }
    return fa_store_durable(daemon->store) >= beat->commit &&
           daemon->courier.child->answered_at >= beat->began;
}

bool fa_beat_is_awaited(const struct fa_daemon *daemon)
{
    return daemon->fetch.beat.began != 0;
}

void fa_beat_left(struct fa_daemon *daemon)
{
    daemon->fetch.beat.began = 0;
}

/* ---- does anybody take it? ---- */

/* One that was sent in vain too often, if any. What a single try says changes nothing: a watcher
 * may be away for a moment, and operators would hear of it each time. */
static enum fa_beat_word judge(const struct fa_daemon *daemon, const char **ret_name)
{
    bool heard = true;
    for (size_t i = 0; i < daemon->fetch.count; i++) {
        const struct fa_fetch_job *job = daemon->fetch.jobs[i];
        if (job->in_vain >= FA_BEAT_TRIES) {
            *ret_name = job->entry->name;
            return FA_BEAT_UNHEARD;
        }
        heard = heard && (job->entry->kind != FA_JOB_HEARTBEAT || job->state == FA_FETCH_UP);
    }
    return heard ? FA_BEAT_HEARD : daemon->fetch.beat.word;
}

void fa_beat_tell(struct fa_daemon *daemon)
{
    const char *name = NULL;
    enum fa_beat_word word = judge(daemon, &name);
    if (daemon->stopping || word == daemon->fetch.beat.word) {
        return;
    }
    daemon->fetch.beat.word = word;
    if (word == FA_BEAT_UNHEARD) {
        fa_turn_trouble(daemon, TROUBLE, false,
                        "the heartbeat '%s' was sent %u times in vain: whoever watches from "
                        "outside does not know that the daemon lives",
                        name, FA_BEAT_TRIES);
    } else {
        fa_turn_trouble(daemon, TROUBLE, true, "no heartbeat is sent in vain");
    }
}

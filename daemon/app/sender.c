/* SPDX-License-Identifier: MIT */
/* Durable notifications to the courier, its verdicts to the engine. The queues hold ids only: what
 * was settled meanwhile is passed over, and what the courier cannot take waits here. Each channel
 * has a queue of its own and a share of what may be with the courier, and they take turns:
 * thousands for one that hangs delay no other. */
#include "app/internal.h"
#include "base/crashpoint.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

/* Attempts under way for a channel beyond which its alarms of series wait. */
#define SERIES_OPEN_MAX (FA_LINK_CHANNEL_MAX / 4 * 3)

/* Composed and handed over in one turn, some 15 us each: more would hold up everybody else. */
#define HAND_OVER_MAX 64

enum fa_verdict_kind fa_sender_verdict(uint32_t verdict)
{
    switch (verdict) {
    case FIREALARM_SENT:
        return FA_VERDICT_SENT;
    case FIREALARM_REJECTED:
        return FA_VERDICT_REJECTED;
    case FA_FRAME_OUTCOME_UNKNOWN:
        return FA_VERDICT_UNKNOWN;
    default:
        return FA_VERDICT_RETRY;
    }
}

/* Not of what has a subject: operators read the log, and an accused one would find an id in it that
 * the outbox does not show. */
static void log_failure(const struct fa_daemon *daemon, const struct fa_frame_verdict *verdict)
{
    char id[FA_ID_TEXT_SIZE], status[16] = "";
    const struct fa_notification *n =
        daemon->engine != NULL ? fa_engine_notification(daemon->engine, verdict->id) : NULL;
    if (n != NULL && fa_engine_has_subject(daemon->engine, n)) {
        return;
    }
    if (verdict->status != 0) {
        snprintf(status, sizeof status, " (%u)", verdict->status);
    }
    fa_log(FA_LOG_WARNING, "channel '%s': notification %s not delivered%s: %.*s",
           n != NULL ? n->channel : "?", fa_id_format(verdict->id.id, id), status,
           FA_STR_ARG(verdict->detail));
}

static void on_verdict(void *ctx, const struct fa_frame_verdict *verdict)
{
    struct fa_daemon *daemon = ctx;
    struct fa_event event = {
        .kind = FA_EV_VERDICT,
        .u.verdict = {verdict->id, fa_sender_verdict(verdict->verdict), verdict->status,
                      verdict->retry_after},
    };
    if (verdict->verdict != FIREALARM_SENT) {
        log_failure(daemon, verdict);
    }
    const struct fa_notification *tested =
        daemon->engine != NULL && verdict->verdict == FIREALARM_SENT
            ? fa_engine_notification(daemon->engine, verdict->id)
            : NULL;
    if (tested != NULL && tested->kind == FA_NOTE_TEST) {
        fa_tested_note(daemon, tested);
    }
    FA_CRASHPOINT("app.before_verdict");
    if (daemon->engine != NULL) {
        fa_turn_step(daemon, &event);
    }
    FA_CRASHPOINT("app.after_verdict");
}

static void on_log(void *ctx, uint32_t level, const char *text)
{
    fa_tended_log(&((struct fa_daemon *)ctx)->courier, level, text);
}

static void on_state(void *ctx, enum fa_child_state state, const char *why)
{
    fa_tended_state(&((struct fa_daemon *)ctx)->courier, state, why);
}

static void tick(void *link, struct fa_now now)
{
    fa_link_on_tick(link, now);
}

static fa_time next_deadline(void *link)
{
    return fa_link_next_deadline(link);
}

/* ---- the queues ---- */

void fa_outgoing_put(struct fa_outgoing *outgoing, bool of_series, struct fa_notification_id id)
{
    struct fa_line *line = of_series ? &outgoing->series : &outgoing->urgent;
    if (line->first > 0 && line->first >= line->count / 2 && line->count == line->cap) {
        line->count -= line->first; /* what has left gives its room back */
        memmove(line->ids, line->ids + line->first, line->count * sizeof line->ids[0]);
        line->first = 0;
    }
    line->ids = fa_xgrow(line->ids, line->count, &line->cap, sizeof(struct fa_notification_id));
    line->ids[line->count++] = id;
}

struct fa_line *fa_outgoing_next(struct fa_outgoing *outgoing, size_t open)
{
    if (outgoing->urgent.first < outgoing->urgent.count) {
        return open < FA_LINK_CHANNEL_MAX ? &outgoing->urgent : NULL;
    }
    bool may = outgoing->series.first < outgoing->series.count && open < SERIES_OPEN_MAX;
    return may ? &outgoing->series : NULL;
}

void fa_outgoing_done(struct fa_outgoing *outgoing)
{
    free(outgoing->urgent.ids);
    free(outgoing->series.ids);
    *outgoing = (struct fa_outgoing){0};
}

static struct fa_lane *take_lane(struct fa_daemon *daemon, const char *channel)
{
    for (size_t i = 0; i < daemon->lane_count; i++) {
        if (strcmp(daemon->lanes[i].channel, channel) == 0) {
            return &daemon->lanes[i];
        }
    }
    daemon->lanes =
        fa_xgrow(daemon->lanes, daemon->lane_count, &daemon->lane_cap, sizeof(struct fa_lane));
    struct fa_lane *lane = &daemon->lanes[daemon->lane_count++];
    *lane = (struct fa_lane){.channel = fa_xstrdup(channel)};
    return lane;
}

void fa_sender_queue(struct fa_daemon *daemon, struct fa_notification_id id)
{
    const struct fa_notification *n = fa_engine_notification(daemon->engine, id);
    if (n != NULL) { /* else it was settled meanwhile */
        bool may_wait = n->of_series || n->kind == FA_NOTE_WEEKLY;
        fa_outgoing_put(&take_lane(daemon, n->channel)->outgoing, may_wait, id);
    }
}

/* 0: gone or passed over; FA_EAGAIN or FA_EFULL: all of them later. */
static int hand_over(struct fa_daemon *daemon, struct fa_notification_id id)
{
    const struct fa_notification *n = fa_engine_notification(daemon->engine, id);
    struct fa_frame_send send;
    struct fa_now now = fa_loop_now(daemon->loop);
    if (n == NULL || n->state != FA_NOTICE_QUEUED || !n->with_courier) {
        return 0;
    }
    if (!fa_engine_may_send(daemon->engine, n)) {
        struct fa_event event = {.kind = FA_EV_VERDICT,
                                 .u.verdict = {id, FA_VERDICT_UNKNOWN, 0, -1}};
        fa_turn_step(daemon, &event);
        return 0;
    }
    if (!fa_notice_compose(daemon, n, now.wall, &send, &daemon->notice)) {
        return 0;
    }
    FA_CRASHPOINT("app.before_send");
    int rc = fa_link_send(daemon->link, &send, now);
    FA_CRASHPOINT("app.after_send");
    if (rc == FA_ETOOBIG) {
        struct fa_event event = {.kind = FA_EV_VERDICT,
                                 .u.verdict = {id, FA_VERDICT_REJECTED, 0, -1}};
        fa_turn_step(daemon, &event);
        rc = 0;
    }
    return rc == FA_EEXISTS ? 0 : rc;
}

/* The lanes take turns; one that hangs keeps what is its own waiting, and nothing else. */
void fa_sender_pump(struct fa_daemon *daemon)
{
    if (daemon->link == NULL || daemon->engine == NULL) {
        return;
    }
    size_t done = 0, resting = 0; /* lanes in a row that had nothing, or no room */
    while (resting < daemon->lane_count && done < HAND_OVER_MAX) {
        struct fa_lane *lane = &daemon->lanes[daemon->lane_next++ % daemon->lane_count];
        struct fa_line *line =
            fa_outgoing_next(&lane->outgoing, fa_link_channel_open(daemon->link, lane->channel));
        if (line == NULL) {
            resting++;
            continue;
        }
        if (hand_over(daemon, line->ids[line->first]) != 0) {
            break;
        }
        line->first++;
        resting = 0;
        done++;
    }
    if (done == HAND_OVER_MAX) {
        fa_loop_again(daemon->loop);
    }
    if (done > 0) {
        fa_child_on_writable(fa_link_child(daemon->link),
                             fa_loop_now(daemon->loop)); /* all of them in one piece */
    }
    fa_tended_drive(&daemon->courier);
}

bool fa_sender_is_idle(const struct fa_daemon *daemon)
{
    for (size_t i = 0; i < daemon->lane_count; i++) {
        const struct fa_outgoing *out = &daemon->lanes[i].outgoing;
        if (out->urgent.first < out->urgent.count || out->series.first < out->series.count) {
            return false;
        }
    }
    return fa_link_open_count(daemon->link) == 0;
}

/* ---- life ---- */

int fa_sender_set_channels(struct fa_daemon *daemon, const struct fa_config *config,
                           struct fa_err *err)
{
    struct fa_frame_channel *list = fa_xcalloc(config->channel_count, sizeof *list);
    for (size_t i = 0; i < config->channel_count; i++) {
        const struct fa_plugin_config *channel = &config->channels[i];
        const struct fa_channel_entry *entry = fa_directory_channel(config->people, channel->name);
        list[i] = (struct fa_frame_channel){
            .name = channel->name,
            .plugin = channel->plugin,
            .file = channel->file,
            .line = channel->line,
            .machine = entry != NULL && entry->machine,
            .options = channel->given,
            .option_count = (uint32_t)channel->given_count,
        };
    }
    int rc = fa_link_set_channels(daemon->link, list, config->channel_count, err);
    free(list);
    return rc;
}

int fa_sender_open(struct fa_daemon *daemon, struct fa_err *err)
{
    static const struct fa_link_callbacks callbacks = {on_verdict, on_log, on_state};
    struct fa_link_config config = {
        .path = daemon->options->courier,
        .plugins_dir = daemon->options->plugins,
        .credentials_dir = daemon->options->credentials,
    };
    daemon->link = fa_link_new(&config, &callbacks, daemon);
    daemon->courier = (struct fa_tended){
        .daemon = daemon,
        .who = "courier",
        .code = "courier-down",
        .away = "firealarm-courier does not run: nothing is delivered",
        .back = "the courier runs again",
        .child = fa_link_child(daemon->link),
        .link = daemon->link,
        .tick = tick,
        .next = next_deadline,
    };
    fa_tended_init(&daemon->courier);
    fa_notice_init(&daemon->notice);
    int rc = fa_sender_set_channels(daemon, daemon->config, err);
    if (rc == 0) {
        fa_link_start(daemon->link, fa_loop_now(daemon->loop));
        fa_tended_drive(&daemon->courier);
    }
    return rc;
}

void fa_sender_close(struct fa_daemon *daemon)
{
    fa_tended_done(&daemon->courier);
    fa_link_free(daemon->link);
    daemon->link = NULL;
    fa_notice_done(&daemon->notice);
    for (size_t i = 0; i < daemon->lane_count; i++) {
        free(daemon->lanes[i].channel);
        fa_outgoing_done(&daemon->lanes[i].outgoing);
    }
    free(daemon->lanes);
    daemon->lanes = NULL;
    daemon->lane_count = 0;
}

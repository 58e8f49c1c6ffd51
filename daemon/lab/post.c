/* SPDX-License-Identifier: MIT */
/* The courier and the receivers.
 *
 *   mood    the receiver    the verdict
 *   ok      takes it        sent, 200, after 100 ms
 *   503     refuses         retry, 503, after 100 ms
 *   404     refuses         rejected, 404, after 100 ms
 *   hang    -               retry, no status, after 30 s
 *   lost    takes it        retry, no status, after 10 s: the answer was lost
 *
 * A dead courier's open attempts are "unknown" at once; what is handed over meanwhile waits. */
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    bool takes;
    enum fa_verdict_kind verdict;
    uint32_t status;
    fa_time after;
} MOODS[] = {
    [FA_MOOD_OK] = {true, FA_VERDICT_SENT, 200, 100},
    [FA_MOOD_503] = {false, FA_VERDICT_RETRY, 503, 100},
    [FA_MOOD_404] = {false, FA_VERDICT_REJECTED, 404, 100},
    [FA_MOOD_HANG] = {false, FA_VERDICT_RETRY, 0, 30 * FA_SECOND},
    [FA_MOOD_LOST] = {true, FA_VERDICT_RETRY, 0, 10 * FA_SECOND},
};

void fa_lab_post_init(struct fa_lab_post *post)
{
    *post = (struct fa_lab_post){0};
}

void fa_lab_post_done(struct fa_lab_post *post)
{
    for (size_t i = 0; i < post->receiver_count; i++) {
        free(post->receivers[i].channel);
        free(post->receivers[i].person);
    }
    free(post->receivers);
    free(post->flights);
    free(post->held);
}

static bool same_person(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void fa_lab_set_receiver(struct fa_lab *lab, const char *channel, const char *person,
                         enum fa_lab_mood mood)
{
    struct fa_lab_post *post = &lab->post;
    for (size_t i = 0; i < post->receiver_count; i++) {
        if (strcmp(post->receivers[i].channel, channel) == 0 &&
            same_person(post->receivers[i].person, person)) {
            post->receivers[i].mood = mood;
            return;
        }
    }
    post->receivers =
        fa_xrealloc(post->receivers, (post->receiver_count + 1) * sizeof(struct fa_lab_receiver));
    post->receivers[post->receiver_count++] =
        (struct fa_lab_receiver){fa_xstrdup(channel), fa_xstrdup(person), mood};
}

/* A person's own mood goes before the channel's. */
static enum fa_lab_mood mood_of(const struct fa_lab_post *post, const struct fa_notification *n)
{
    enum fa_lab_mood mood = FA_MOOD_OK;
    for (size_t i = 0; i < post->receiver_count; i++) {
        const struct fa_lab_receiver *receiver = &post->receivers[i];
        if (strcmp(receiver->channel, n->channel) != 0) {
            continue;
        }
        if (receiver->person != NULL && strcmp(receiver->person, n->person) == 0) {
            return receiver->mood;
        }
        mood = receiver->person == NULL ? receiver->mood : mood;
    }
    return mood;
}

static void add_flight(struct fa_lab_post *post, struct fa_lab_flight flight)
{
    post->flights = fa_xgrow(post->flights, post->flight_count, &post->flight_cap, sizeof flight);
    post->flights[post->flight_count++] = flight;
}

struct trying {
    struct fa_lab *lab;
    const struct fa_notification *message; /* n itself, or the digest whose line it is */
    enum fa_lab_mood mood;
};

static void try_one(void *ctx, const struct fa_notification *n)
{
    struct trying *trying = ctx;
    struct fa_lab *lab = trying->lab;
    bool takes = MOODS[trying->mood].takes;
    fa_lab_check_attempt(lab, n);
    fa_lab_weekly_attempt(lab, n);
    struct fa_lab_key *key = fa_lab_see_attempt(lab, n, trying->message);
    struct fa_lab_delivery *delivery = &lab->deliveries[lab->delivery_count - 1];
    delivery->reached = takes;
    delivery->again = takes && key->reached;
    lab->cover.again += delivery->again;
    key->reached = key->reached || takes;
    if (takes) {
        key->may_repeat = trying->mood == FA_MOOD_LOST;
    }
    fa_lab_tell(lab, "%s %s via %s: %s of %s, step %u loop %u%s%s",
                delivery->reached ? "told" : "tried", n->person, n->channel,
                fa_notification_kind_name(n->kind),
                delivery->identity != NULL ? delivery->identity : "a filing", n->step + 1, n->loop,
                n != trying->message ? ", in a digest" : "",
                delivery->again ? " (the same key again)" : "");
    if (lab->watch != NULL && lab->watch->told != NULL && delivery->reached) {
        lab->watch->told(lab->watch->ctx, delivery);
    }
}

static void attempt(struct fa_lab *lab, struct fa_notification_id id)
{
    struct fa_lab_post *post = &lab->post;
    const struct fa_notification *n = fa_engine_notification(lab->engine, id);
    if (n == NULL || !n->with_courier) {
        return; /* settled meanwhile */
    }
    if (!fa_engine_may_send(lab->engine, n)) { /* as the daemon asks before it hands one over */
        add_flight(post, (struct fa_lab_flight){id, lab->elapsed, FA_VERDICT_UNKNOWN, 0});
        return;
    }
    struct trying trying = {lab, n, mood_of(post, n)};
    fa_lab_storm_attempt(lab, n);
    if (n->lines != NULL) {
        fa_engine_each_line(lab->engine, n, try_one, &trying);
    } else {
        try_one(&trying, n);
    }
    add_flight(post, (struct fa_lab_flight){id, lab->elapsed + MOODS[trying.mood].after,
                                            MOODS[trying.mood].verdict, MOODS[trying.mood].status});
}

void fa_lab_post_send(struct fa_lab *lab, struct fa_notification_id id)
{
    struct fa_lab_post *post = &lab->post;
    if (!post->dead) {
        attempt(lab, id);
        return;
    }
    post->held = fa_xgrow(post->held, post->held_count, &post->held_cap, sizeof post->held[0]);
    post->held[post->held_count++] = id;
}

static void note_verdict(struct fa_lab *lab, const struct fa_lab_flight *flight)
{
    for (size_t i = lab->key_count; i > 0; i--) {
        struct fa_lab_key *key = &lab->keys[i - 1];
        if (!fa_id_eq(key->message.id, flight->id.id)) {
            continue;
        }
        if (flight->verdict == FA_VERDICT_REJECTED) {
            key->rejected = true;
            key->refused = fa_lab_now(lab).wall;
        }
        key->retries += flight->verdict == FA_VERDICT_RETRY;
        key->sent = flight->verdict == FA_VERDICT_SENT ? lab->elapsed : key->sent;
        if (fa_id_eq(key->id.id, flight->id.id)) {
            return; /* no digest: it is the only one */
        }
    }
}

static void give_verdict(struct fa_lab *lab, const struct fa_lab_flight *flight)
{
    note_verdict(lab, flight);
    struct fa_event event = {.kind = FA_EV_VERDICT,
                             .u.verdict = {.id = flight->id,
                                           .verdict = flight->verdict,
                                           .status = flight->status,
                                           .retry_after = -1}};
    fa_lab_turn(lab, &event);
}

static struct fa_lab_flight take_flight(struct fa_lab_post *post, size_t i)
{
    struct fa_lab_flight flight = post->flights[i];
    post->flight_count--;
    memmove(&post->flights[i], &post->flights[i + 1],
            (post->flight_count - i) * sizeof post->flights[0]);
    return flight;
}

void fa_lab_post_due(struct fa_lab *lab)
{
    struct fa_lab_post *post = &lab->post;
    for (size_t i = 0; i < post->flight_count && !lab->failed;) {
        if (post->flights[i].at > lab->elapsed) {
            i++;
            continue;
        }
        struct fa_lab_flight flight = take_flight(post, i);
        give_verdict(lab, &flight);
        i = 0;
    }
}

fa_time fa_lab_post_next(const struct fa_lab *lab)
{
    fa_time next = FA_NEVER;
    for (size_t i = 0; i < lab->post.flight_count; i++) {
        next = lab->post.flights[i].at < next ? lab->post.flights[i].at : next;
    }
    return next;
}

/* Nobody knows what became of the open attempts: their keys may reach a receiver again. */
static void forget_outcomes(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->key_count; i++) {
        lab->keys[i].may_repeat = lab->keys[i].may_repeat || !lab->keys[i].settled;
    }
}

void fa_lab_post_die(struct fa_lab *lab)
{
    struct fa_lab_post *post = &lab->post;
    post->dead = true;
    forget_outcomes(lab);
    fa_lab_tell(lab, "the courier dies");
    size_t count = post->flight_count;
    for (size_t i = 0; i < count && !lab->failed; i++) {
        struct fa_lab_flight flight = take_flight(post, 0);
        flight.verdict = FA_VERDICT_UNKNOWN;
        flight.status = 0;
        give_verdict(lab, &flight);
    }
}

void fa_lab_post_return(struct fa_lab *lab)
{
    struct fa_lab_post *post = &lab->post;
    post->dead = false;
    lab->upset = lab->elapsed;
    fa_lab_tell(lab, "the courier is back");
    size_t count = post->held_count;
    struct fa_notification_id *held = post->held;
    post->held = NULL;
    post->held_count = post->held_cap = 0;
    for (size_t i = 0; i < count && lab->engine != NULL; i++) {
        attempt(lab, held[i]);
    }
    free(held);
}

void fa_lab_post_drop(struct fa_lab *lab)
{
    forget_outcomes(lab);
    lab->post.flight_count = 0;
    lab->post.held_count = 0;
}

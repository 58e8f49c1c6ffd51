/* SPDX-License-Identifier: MIT */
/* The daemon's side of the courier: what is under way with it, and which message brings it down.
 * How it is started, watched and replaced is child/child.c's.
 *
 * Invariants: 1. every attempt taken by fa_link_send is in `open` until its one verdict was given;
 * 2. `open` is in the order of sending, so that its first is the oldest; 3. after any callback the
 * state may be another one: nothing is kept over a callback but the link itself.
 * Does not decide whether, when or how often something is sent again: that is the engine's. */
#include "courier/link.h"
#include "base/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define uthash_fatal(msg) fa_panic(__FILE__, __LINE__, msg)
#include <uthash.h>

#define PING_EVERY     500
#define ATTEMPT_WITHIN (60 * FA_SECOND) /* beyond the channel's own time-out */
#define CHANNELS_MAX   ((size_t)16 * 1024 * 1024)
#define READ_MAX       ((size_t)32 * 1024) /* a turn: some hundred verdicts, a few ms of deciding */
#define SUSPECTS       64u
#define DEATHS_PLAIN   2u
#define ALONE_FOR      (10 * FA_SECOND)

/* Attempts under way for one channel. Kept as long as the link: there are as many as channels. */
struct share {
    char *channel;
    size_t count;
    UT_hash_handle hh;
};

struct attempt {
    struct share *share;
    struct fa_notification_id id;
    uint32_t attempt;
    fa_time started;
    UT_hash_handle hh; /* by id; walked in the order of sending */
};

/* A notification that was there when the courier ended. */
struct suspect {
    struct fa_notification_id id;
    uint32_t deaths;
};

struct fa_link {
    struct fa_child child; /* its out also holds what is not a SEND, beyond FA_LINK_OUT_MAX */
    struct fa_link_callbacks callbacks;
    void *ctx;
    struct fa_buf channels;   /* CHANNEL frames and CHANNELS_END, as sent to every courier */
    fa_time attempt_within;   /* by the longest time-out of a channel */
    struct attempt *open;     /* a hash; its first is the oldest */
    struct share *shares;     /* a hash */
    struct fa_courier_at *at; /* the page that the courier writes; never believed */
    fa_time alone_until;
    struct suspect suspects[SUSPECTS];
    size_t suspect_next;
};

/* ----------------------------------------------------------------------------- open attempts */

static bool same_id(struct fa_notification_id a, struct fa_notification_id b)
{
    return fa_id_eq(a.id, b.id);
}

static struct attempt *find_open(struct fa_link *link, struct fa_notification_id id)
{
    struct attempt *attempt;
    HASH_FIND(hh, link->open, &id, sizeof id, attempt);
    return attempt;
}

static struct share *take_share(struct fa_link *link, const char *channel)
{
    struct share *share;
    HASH_FIND_STR(link->shares, channel, share);
    if (share == NULL) {
        share = fa_xcalloc(1, sizeof *share);
        share->channel = fa_xstrdup(channel);
        HASH_ADD_KEYPTR(hh, link->shares, share->channel, strlen(share->channel), share);
    }
    return share;
}

static void free_shares(struct fa_link *link)
{
    struct share *share, *next;
    HASH_ITER(hh, link->shares, share, next) {
        HASH_DELETE(hh, link->shares, share);
        free(share->channel);
        free(share);
    }
}

static void add_open(struct fa_link *link, const struct fa_frame_send *send, fa_time mono)
{
    struct attempt *attempt = fa_xcalloc(1, sizeof *attempt);
    attempt->id = send->id;
    attempt->share = take_share(link, send->channel);
    attempt->share->count++;
    attempt->attempt = send->notice.attempt;
    attempt->started = mono;
    HASH_ADD(hh, link->open, id, sizeof attempt->id, attempt);
}

static void remove_open(struct fa_link *link, struct attempt *attempt)
{
    HASH_DELETE(hh, link->open, attempt);
    attempt->share->count--;
    free(attempt);
}

static void free_open(struct attempt **open)
{
    struct attempt *attempt, *next;
    HASH_ITER(hh, *open, attempt, next) {
        HASH_DELETE(hh, *open, attempt);
        free(attempt);
    }
}

static struct suspect *find_suspect(struct fa_link *link, struct fa_notification_id id)
{
    for (size_t i = 0; i < SUSPECTS; i++) {
        if (link->suspects[i].deaths > 0 && same_id(link->suspects[i].id, id)) {
            return &link->suspects[i];
        }
    }
    return NULL;
}

/* The one whose plugin code ran; where none ran, the oldest. */
static void blame(struct fa_link *link)
{
    struct fa_notification_id id = link->at->id;
    if (find_open(link, id) == NULL) {
        if (link->open == NULL) {
            return;
        }
        id = link->open->id;
    }
    struct suspect *suspect = find_suspect(link, id);
    if (suspect == NULL) {
        suspect = &link->suspects[link->suspect_next++ % SUSPECTS];
        *suspect = (struct suspect){.id = id};
    }
    suspect->deaths++;
}

/* Takes over the list first: the callback may call in again. */
static void give_up_open(struct fa_link *link, fa_time mono, const char *why)
{
    struct attempt *lost = link->open;
    link->open = NULL;
    for (struct attempt *at = lost; at != NULL; at = at->hh.next) {
        at->share->count--;
    }
    for (struct attempt *at = lost; at != NULL; at = at->hh.next) {
        struct fa_frame_verdict verdict = {.id = at->id,
                                           .attempt = at->attempt,
                                           .verdict = FA_FRAME_OUTCOME_UNKNOWN,
                                           .detail = fa_str_of(why),
                                           .retry_after = -1,
                                           .duration = mono - at->started};
        link->callbacks.on_verdict(link->ctx, &verdict);
    }
    free_open(&lost);
}

/* ------------------------------------------------------------------------- what the child asks */

/* The page of whose code runs. Sealed: a courier that made it shorter would bring us down. Its
 * descriptor lies above the child's own, so that none is in its way, and low enough for a tight
 * limit. */
static int prepare(void *ctx)
{
    struct fa_link *link = ctx;
    if (link->at != NULL) {
        memset(link->at, 0, sizeof *link->at);
        return 0;
    }
    int low = memfd_create("firealarm-at", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc = 0;
    int fd = low >= 0 ? fcntl(low, F_DUPFD_CLOEXEC, FA_COURIER_AT_FD + 4) : -1;
    void *page = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof *link->at) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
        page = mmap(NULL, sizeof *link->at, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    rc = page == MAP_FAILED ? errno : 0;
    if (low >= 0) {
        close(low);
    }
    if (rc != 0 && fd >= 0) {
        close(fd);
    } else if (rc == 0) {
        link->child.extra_fd = fd;
        link->at = page;
    }
    return rc;
}

static void greet(void *ctx, struct fa_buf *out)
{
    fa_buf_putstr(out, fa_buf_str(&((struct fa_link *)ctx)->channels));
}

static bool is_busy(void *ctx)
{
    return ((struct fa_link *)ctx)->open != NULL;
}

static void on_child_log(void *ctx, uint32_t level, const char *text)
{
    struct fa_link *link = ctx;
    link->callbacks.on_log(link->ctx, level, text);
}

static void on_child_state(void *ctx, enum fa_child_state state, const char *why, fa_time mono)
{
    struct fa_link *link = ctx;
    bool failed = state == FA_CHILD_WAITING && link->at != NULL;
    if (failed) {
        blame(link);
        link->alone_until = link->at->batched != 0 ? mono + ALONE_FOR : link->alone_until;
    }
    link->callbacks.on_state(link->ctx, state, state == FA_CHILD_STOPPED ? "" : why);
    if (state == FA_CHILD_WAITING || state == FA_CHILD_STOPPED) {
        give_up_open(link, mono, why);
    }
}

/* ---------------------------------------------------------------------------- from the courier */

static int on_verdict(struct fa_link *link, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_verdict verdict;
    int rc = fa_frame_get_verdict(record, &verdict, err);
    if (rc < 0) {
        return rc;
    }
    struct attempt *attempt = find_open(link, verdict.id);
    if (attempt == NULL || attempt->attempt != verdict.attempt) {
        return fa_err_set(err, FA_EPROTO, "a verdict about an attempt that is not under way");
    }
    struct suspect *suspect = find_suspect(link, verdict.id);
    if (suspect != NULL && verdict.verdict == FIREALARM_SENT) {
        *suspect = (struct suspect){0};
    }
    remove_open(link, attempt);
    link->callbacks.on_verdict(link->ctx, &verdict);
    return 0;
}

static int on_child_frame(void *ctx, const struct fa_frame *frame, fa_time mono, struct fa_err *err)
{
    if (frame->type == FA_FRAME_VERDICT) {
        return on_verdict(ctx, frame->record, err);
    }
    return fa_err_set(err, FA_EPROTO, "a frame of type %u, which only the daemon sends",
                      frame->type);
}

/* ---------------------------------------------------------------------------------- the public */

struct fa_link *fa_link_new(const struct fa_link_config *config,
                            const struct fa_link_callbacks *callbacks, void *ctx)
{
    static const struct fa_child_callbacks own = {prepare,      greet,          on_child_frame,
                                                  on_child_log, on_child_state, is_busy};
    struct fa_link *link = fa_xcalloc(1, sizeof *link);
    struct fa_child_config child = {.path = config->path,
                                    .who = "courier",
                                    .build = fa_courier_build(),
                                    .plugins_dir = config->plugins_dir,
                                    .credentials_dir = config->credentials_dir,
                                    .env = config->env,
                                    .out_max = FA_LINK_OUT_MAX + 2 * CHANNELS_MAX,
                                    .read_max = READ_MAX,
                                    .ping_ms = PING_EVERY};
    struct fa_err err = {0};
    fa_child_init(&link->child, &child, &own, link);
    link->callbacks = *callbacks;
    link->ctx = ctx;
    fa_buf_init(&link->channels, CHANNELS_MAX);
    int rc = fa_link_set_channels(link, NULL, 0, &err);
    fa_assert(rc == 0);
    return link;
}

void fa_link_free(struct fa_link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->at != NULL) {
        munmap(link->at, sizeof *link->at);
        close(link->child.extra_fd);
    }
    fa_child_done(&link->child);
    fa_buf_done(&link->channels);
    free_open(&link->open);
    free_shares(link);
    free(link);
}

int fa_link_set_channels(struct fa_link *link, const struct fa_frame_channel *channels,
                         size_t count, struct fa_err *err)
{
    struct fa_buf frames;
    fa_time longest = 0;
    int rc = 0;
    fa_buf_init(&frames, CHANNELS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (fa_frame_put_channel(&frames, &channels[i]) < 0) {
            rc = fa_err_at(err, FA_ETOOBIG, channels[i].file, channels[i].line, 0,
                           "channel \"%s\" is too large: at most %u options and 1 MiB, %zu MiB for "
                           "all channels",
                           channels[i].name, FA_FRAME_OPTIONS_MAX, CHANNELS_MAX >> 20);
            fa_buf_done(&frames);
            return rc;
        }
        longest = channels[i].timeout > longest ? channels[i].timeout : longest;
    }
    if (fa_frame_put_empty(&frames, FA_FRAME_CHANNELS_END) < 0) {
        fa_buf_done(&frames);
        return fa_err_set(err, FA_ETOOBIG, "more than %zu MiB of channels", CHANNELS_MAX >> 20);
    }
    if (link->child.fd >= 0) {
        /* A courier that takes nothing of the set before this one is as good as hung. */
        if (frames.len > link->child.out.max - link->child.out.len) {
            fa_buf_done(&frames);
            return fa_err_set(err, FA_EAGAIN, "the courier has not taken the last channels yet");
        }
        fa_buf_putstr(&link->child.out, fa_buf_str(&frames));
    }
    fa_buf_done(&link->channels);
    link->channels = frames;
    link->attempt_within = ATTEMPT_WITHIN + longest;
    return 0;
}

void fa_link_start(struct fa_link *link, struct fa_now now)
{
    fa_child_start(&link->child, now);
}

int fa_link_send(struct fa_link *link, const struct fa_frame_send *send, struct fa_now now)
{
    if (link->child.state != FA_CHILD_UP || link->child.stopping) {
        return FA_EAGAIN;
    }
    if (find_open(link, send->id) != NULL) {
        return FA_EEXISTS;
    }
    if (HASH_COUNT(link->open) >= FA_LINK_OPEN_MAX || link->child.out.len >= FA_LINK_OUT_MAX) {
        return FA_EFULL;
    }
    struct fa_frame_send copy = *send;
    const struct suspect *suspect = find_suspect(link, send->id);
    copy.plain = copy.plain || (suspect != NULL && suspect->deaths >= DEATHS_PLAIN);
    copy.alone = copy.alone || now.mono < link->alone_until;
    int rc = fa_frame_put_send(&link->child.out, &copy);
    if (rc == 0) {
        add_open(link, send, now.mono);
        fa_child_expect(&link->child, now.mono);
    }
    return rc;
}

struct fa_child *fa_link_child(struct fa_link *link)
{
    return &link->child;
}

static fa_time attempt_deadline(const struct fa_link *link)
{
    return link->open != NULL && link->child.fd >= 0 ? link->open->started + link->attempt_within
                                                     : FA_NEVER;
}

void fa_link_on_tick(struct fa_link *link, struct fa_now now)
{
    /* What a courier holds would be sent twice if it were ended for our own sleep. */
    fa_time slept = fa_child_slept(&link->child, now, attempt_deadline(link));
    for (struct attempt *at = link->open; slept > 0 && at != NULL; at = at->hh.next) {
        at->started += slept;
    }
    if (now.mono >= attempt_deadline(link) && fa_child_on_readable(&link->child, now) &&
        now.mono >= attempt_deadline(link)) {
        fa_child_end(&link->child, now.mono, "sat on an attempt");
        return;
    }
    fa_child_on_tick(&link->child, now);
}

fa_time fa_link_next_deadline(const struct fa_link *link)
{
    fa_time child = fa_child_next_deadline(&link->child), attempt = attempt_deadline(link);
    return child < attempt ? child : attempt;
}

size_t fa_link_channel_open(const struct fa_link *link, const char *channel)
{
    struct share *share;
    HASH_FIND_STR(link->shares, channel, share);
    return share != NULL ? share->count : 0;
}

size_t fa_link_open_count(const struct fa_link *link)
{
    return HASH_COUNT(link->open);
}

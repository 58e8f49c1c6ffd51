/* SPDX-License-Identifier: MIT */
/* Which attempt starts when: by priority, then by arrival, with a limit for each host and for all,
 * and never one host in the way of another. Pure: times come in, nothing is performed here. */
#ifndef FA_COURIER_CHILD_QUEUE_H
#define FA_COURIER_CHILD_QUEUE_H

#include "base/time.h"
#include "courier/frame.h"

#include <sys/queue.h>

#define FA_QUEUE_PER_HOST    2u
#define FA_QUEUE_PER_MACHINE 32u  /* one that only programs read */
#define FA_QUEUE_YOUNG       64u  /* under way for less than FA_QUEUE_YOUNG_FOR */
#define FA_QUEUE_ALL         512u /* under way at all */
#define FA_QUEUE_YOUNG_FOR   (1 * FA_SECOND)
#define FA_QUEUE_WAIT        (10 * FA_SECOND) /* for a turn; then the escalation must move on */

struct fa_endpoint {
    TAILQ_ENTRY(fa_endpoint) entry;
    char *name;
    unsigned waiting, running;
};

struct fa_queued {
    TAILQ_ENTRY(fa_queued) entry;
    struct fa_endpoint *endpoint;
    enum fa_priority priority;
    unsigned per_host; /* the limit that holds for it */
    const void *lot;   /* those of one lot may leave together; NULL: alone */
    bool running;
    fa_time since; /* queued, then started */
};
TAILQ_HEAD(fa_queued_list, fa_queued);

struct fa_queue {
    struct fa_queued_list waiting[FA_PRIORITY__COUNT]; /* by arrival */
    struct fa_queued_list running;                     /* by start */
    unsigned waiting_count, running_count;
    TAILQ_HEAD(, fa_endpoint) endpoints;
};

void fa_queue_init(struct fa_queue *queue);
/* item->priority, per_host and lot are set; host names what shares the limit. */
void fa_queue_add(struct fa_queue *queue, struct fa_queued *item, const char *host, fa_time mono);
/* The next that may start, now counted as running; NULL: none. */
struct fa_queued *fa_queue_start(struct fa_queue *queue, fa_time mono);
/* Takes out those that wait in the lot of `with`, which was started, in the order of service, and
 * gives each to take(); false from it ends that, and the one it was asked about stays. They share
 * the place of `with`. */
typedef bool fa_queue_take_fn(void *ctx, struct fa_queued *item);
void fa_queue_join(struct fa_queue *queue, const struct fa_queued *with, fa_queue_take_fn *take,
                   void *ctx);
/* One that waited too long, taken out; NULL: none. */
struct fa_queued *fa_queue_expire(struct fa_queue *queue, fa_time mono);
/* Takes a running one out. */
void fa_queue_finish(struct fa_queue *queue, struct fa_queued *item);
/* When to ask again though nothing finished; FA_NEVER: no need. */
fa_time fa_queue_next(const struct fa_queue *queue, fa_time mono);

#endif

/* SPDX-License-Identifier: MIT */
/* The order of service.
 *
 * Three limits. For each host, so that a slow one holds its own line only. For all that is younger
 * than a second: a healthy host answers within it, so a hundred dead ones give way after a second
 * instead of holding every slot until their time-out. For all at all, to bound descriptors. Lower
 * priorities leave an eighth (high) or a quarter (normal) of the young slots to those above them.
 * What waits longer than FA_QUEUE_WAIT is given back: the daemon has other channels to try. */
#include "courier/child/queue.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

static const unsigned YOUNG_LIMIT[FA_PRIORITY__COUNT] = {
    [FA_PRIORITY_CRITICAL] = FA_QUEUE_YOUNG,
    [FA_PRIORITY_HIGH] = FA_QUEUE_YOUNG * 7 / 8,
    [FA_PRIORITY_NORMAL] = FA_QUEUE_YOUNG * 3 / 4,
};

void fa_queue_init(struct fa_queue *queue)
{
    *queue = (struct fa_queue){0};
    for (size_t i = 0; i < FA_PRIORITY__COUNT; i++) {
        TAILQ_INIT(&queue->waiting[i]);
    }
    TAILQ_INIT(&queue->running);
    TAILQ_INIT(&queue->endpoints);
}

static struct fa_endpoint *get_endpoint(struct fa_queue *queue, const char *name)
{
    struct fa_endpoint *endpoint;
    TAILQ_FOREACH(endpoint, &queue->endpoints, entry)
    {
        if (strcmp(endpoint->name, name) == 0) {
            return endpoint;
        }
    }
    endpoint = fa_xcalloc(1, sizeof *endpoint);
    endpoint->name = fa_xstrdup(name);
    TAILQ_INSERT_TAIL(&queue->endpoints, endpoint, entry);
    return endpoint;
}

static void drop_if_idle(struct fa_queue *queue, struct fa_endpoint *endpoint)
{
    if (endpoint->waiting == 0 && endpoint->running == 0) {
        TAILQ_REMOVE(&queue->endpoints, endpoint, entry);
        free(endpoint->name);
        free(endpoint);
    }
}

void fa_queue_add(struct fa_queue *queue, struct fa_queued *item, const char *host, fa_time mono)
{
    item->endpoint = get_endpoint(queue, host);
    item->endpoint->waiting++;
    item->running = false;
    item->since = mono;
    TAILQ_INSERT_TAIL(&queue->waiting[item->priority], item, entry);
    queue->waiting_count++;
}

static unsigned count_young(const struct fa_queue *queue, fa_time mono)
{
    unsigned count = 0;
    const struct fa_queued *item;
    TAILQ_FOREACH_REVERSE(item, &queue->running, fa_queued_list, entry)
    {
        if (mono - item->since >= FA_QUEUE_YOUNG_FOR) {
            break;
        }
        count++;
    }
    return count;
}

static void take_waiting(struct fa_queue *queue, struct fa_queued *item)
{
    TAILQ_REMOVE(&queue->waiting[item->priority], item, entry);
    item->endpoint->waiting--;
    queue->waiting_count--;
}

struct fa_queued *fa_queue_start(struct fa_queue *queue, fa_time mono)
{
    unsigned young = count_young(queue, mono);
    for (size_t i = 0; i < FA_PRIORITY__COUNT; i++) {
        struct fa_queued *item;
        if (young >= YOUNG_LIMIT[i] || queue->running_count >= FA_QUEUE_ALL) {
            return NULL;
        }
        TAILQ_FOREACH(item, &queue->waiting[i], entry)
        {
            if (item->endpoint->running < item->per_host) {
                take_waiting(queue, item);
                item->endpoint->running++;
                item->running = true;
                item->since = mono;
                TAILQ_INSERT_TAIL(&queue->running, item, entry);
                queue->running_count++;
                return item;
            }
        }
    }
    return NULL;
}

void fa_queue_join(struct fa_queue *queue, const struct fa_queued *with, fa_queue_take_fn *take,
                   void *ctx)
{
    for (size_t i = 0; i < FA_PRIORITY__COUNT && with->lot != NULL; i++) {
        struct fa_queued *next;
        for (struct fa_queued *item = TAILQ_FIRST(&queue->waiting[i]); item != NULL; item = next) {
            next = TAILQ_NEXT(item, entry);
            if (item->lot == with->lot && !take(ctx, item)) {
                return;
            }
            if (item->lot == with->lot) {
                take_waiting(queue, item);
            }
        }
    }
}

struct fa_queued *fa_queue_expire(struct fa_queue *queue, fa_time mono)
{
    for (size_t i = 0; i < FA_PRIORITY__COUNT; i++) {
        struct fa_queued *item = TAILQ_FIRST(&queue->waiting[i]);
        if (item != NULL && mono - item->since >= FA_QUEUE_WAIT) {
            take_waiting(queue, item);
            drop_if_idle(queue, item->endpoint);
            return item;
        }
    }
    return NULL;
}

void fa_queue_finish(struct fa_queue *queue, struct fa_queued *item)
{
    fa_assert(item->running);
    TAILQ_REMOVE(&queue->running, item, entry);
    queue->running_count--;
    item->endpoint->running--;
    item->running = false;
    drop_if_idle(queue, item->endpoint);
}

fa_time fa_queue_next(const struct fa_queue *queue, fa_time mono)
{
    fa_time next = FA_NEVER;
    for (size_t i = 0; i < FA_PRIORITY__COUNT; i++) {
        const struct fa_queued *item = TAILQ_FIRST(&queue->waiting[i]);
        if (item != NULL && item->since + FA_QUEUE_WAIT < next) {
            next = item->since + FA_QUEUE_WAIT;
        }
    }
    /* One that grows old makes room; the first of the young ones is the next to. */
    const struct fa_queued *item;
    TAILQ_FOREACH(item, &queue->running, entry)
    {
        if (queue->waiting_count > 0 && mono - item->since < FA_QUEUE_YOUNG_FOR) {
            fa_time old = item->since + FA_QUEUE_YOUNG_FOR;
            return old < next ? old : next;
        }
    }
    return next;
}

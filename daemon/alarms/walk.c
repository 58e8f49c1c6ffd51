/* SPDX-License-Identifier: MIT */
/* The walk through a policy's future.
 *
 * Whom a step tells changes only where a turn of duty begins or ends or where somebody goes away or
 * comes back; so it is asked once in each stretch between two such moments, with the function that
 * the engine asks. What the circle around a subject takes away is proved elsewhere, for every
 * subject and no matter when.
 *
 * Invariants:
 *  1. Each moment of the time lies in exactly one stretch that is looked at.
 *  2. Findings of one kind about one step do not touch: a hole is said once, whole. */
#include "alarms/walk.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

struct moments {
    fa_time *list;
    size_t count, cap;
};

static void add_moment(struct moments *moments, fa_time at, struct fa_span time)
{
    if (at < time.from || at >= time.until) {
        return;
    }
    if (moments->count == moments->cap) {
        moments->cap = moments->cap == 0 ? 64 : 2 * moments->cap;
        moments->list = fa_xrealloc(moments->list, moments->cap * sizeof *moments->list);
    }
    moments->list[moments->count++] = at;
}

static int by_time(const void *a, const void *b)
{
    const fa_time x = *(const fa_time *)a, y = *(const fa_time *)b;
    return (x > y) - (x < y);
}

static const struct fa_schedule_entry *schedule_of(const struct fa_directory *dir,
                                                   const char *target)
{
    const char prefix[] = "schedule:";
    size_t len = sizeof prefix - 1;
    return strncmp(target, prefix, len) == 0 ? fa_directory_schedule(dir, fa_str_of(target + len))
                                             : NULL;
}

static bool depends_on_alarm(const char *target)
{
    return strncmp(target, "account.", 8) == 0 || strncmp(target, "label.", 6) == 0 ||
           strcmp(target, "reporter.manager") == 0;
}

/* Everybody whom the target may mean at some time, but for those who stand in. */
static void add_possible(const struct fa_directory *dir, const char *target, struct fa_pset *set)
{
    const struct fa_schedule_entry *schedule = schedule_of(dir, target);
    if (schedule == NULL) {
        (void)!fa_directory_resolve(dir, fa_str_of(target), set);
        return;
    }
    for (size_t i = 0; i < schedule->member_count; i++) {
        fa_pset_add(set, fa_directory_find(dir, fa_str_of(schedule->members[i])));
    }
}

/* Their deputies too, and theirs. */
static void add_deputies(const struct fa_directory *dir, struct fa_pset *set)
{
    for (bool grew = true; grew;) {
        grew = false;
        for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
            const struct fa_person_entry *entry = &dir->people[p];
            for (size_t i = 0; i < entry->deputy_count; i++) {
                fa_person deputy = fa_directory_find(dir, fa_str_of(entry->deputies[i]));
                grew = grew || (deputy != FA_NOBODY && !fa_pset_has(set, deputy));
                fa_pset_add(set, deputy);
            }
        }
    }
}

static void add_turns(const struct fa_schedule_entry *schedule, struct fa_span time,
                      struct moments *moments)
{
    for (size_t i = 0; schedule != NULL && i < schedule->turn_count; i++) {
        add_moment(moments, schedule->turns[i].span.from, time);
        add_moment(moments, schedule->turns[i].span.until, time);
    }
}

/* Sorted, each once, time.from first. */
static void find_moments(const struct fa_directory *dir, const struct fa_policy *policy,
                         struct fa_span time, struct moments *moments)
{
    struct fa_pset possible;
    fa_pset_init(&possible, dir);
    add_moment(moments, time.from, time);
    for (size_t s = 0; s < policy->step_count; s++) {
        for (size_t t = 0; t < policy->steps[s].target_count; t++) {
            add_possible(dir, policy->steps[s].targets[t], &possible);
            add_turns(schedule_of(dir, policy->steps[s].targets[t]), time, moments);
        }
    }
    add_deputies(dir, &possible);
    for (fa_person p = fa_pset_next(&possible, 0); p != FA_NOBODY;
         p = fa_pset_next(&possible, p + 1)) {
        const struct fa_spans *leave = &dir->people[p].leave;
        for (size_t i = 0; i < leave->count; i++) {
            add_moment(moments, leave->list[i].from, time);
            add_moment(moments, leave->list[i].until, time);
        }
    }
    fa_pset_done(&possible);
    qsort(moments->list, moments->count, sizeof *moments->list, by_time);
    size_t kept = 0;
    for (size_t i = 0; i < moments->count; i++) {
        if (kept == 0 || moments->list[kept - 1] != moments->list[i]) {
            moments->list[kept++] = moments->list[i];
        }
    }
    moments->count = kept;
}

static bool can_hear(const struct fa_directory *dir, const struct fa_step *step, fa_person person,
                     bool is_filing)
{
    const struct fa_person_entry *entry = &dir->people[person];
    for (size_t i = 0; i < entry->contact_count; i++) {
        const struct fa_channel_entry *channel =
            fa_directory_channel(dir, entry->contacts[i].channel);
        bool allowed = step->channel_count == 0;
        for (size_t c = 0; c < step->channel_count && !allowed; c++) {
            allowed = strcmp(step->channels[c], entry->contacts[i].channel) == 0;
        }
        if (channel != NULL && allowed &&
            (!is_filing || !channel->shared || channel->reader_count > 0)) {
            return true;
        }
    }
    return false;
}

static bool tells_somebody(const struct fa_directory *dir, const struct fa_step *step,
                           bool is_filing, fa_time at)
{
    const struct fa_ask ask = {.at = at};
    struct fa_pset set;
    bool is_heard = false;
    fa_pset_init(&set, dir);
    for (size_t t = 0; t < step->target_count; t++) {
        (void)!fa_directory_reach(dir, fa_str_of(step->targets[t]), &ask, &set);
    }
    for (fa_person p = fa_pset_next(&set, 0); p != FA_NOBODY && !is_heard;
         p = fa_pset_next(&set, p + 1)) {
        is_heard = can_hear(dir, step, p, is_filing);
    }
    fa_pset_done(&set);
    return is_heard;
}

static void report(const struct fa_walk_finding *finding, fa_walk_fn *fn, void *ctx)
{
    if (finding->when.from < finding->when.until) {
        fn(ctx, finding);
    }
}

/* The holes of the last step. */
static void walk_last(const struct fa_directory *dir, const struct fa_policy *policy,
                      bool is_filing, const struct moments *moments, struct fa_span time,
                      fa_walk_fn *fn, void *ctx)
{
    struct fa_walk_finding hole = {
        .kind = FA_WALK_NOBODY, .policy = policy, .step = (uint32_t)policy->step_count - 1};
    for (size_t i = 0; i < moments->count; i++) {
        fa_time at = moments->list[i];
        fa_time end = i + 1 < moments->count ? moments->list[i + 1] : time.until;
        if (tells_somebody(dir, &policy->steps[hole.step], is_filing, at)) {
            continue;
        }
        if (hole.when.until != at) {
            report(&hole, fn, ctx);
            hole.when.from = at;
        }
        hole.when.until = end;
    }
    report(&hole, fn, ctx);
}

static bool is_reachable(const struct fa_directory *dir, const struct fa_step *step, bool is_filing,
                         const struct moments *moments)
{
    for (size_t t = 0; t < step->target_count; t++) {
        if (depends_on_alarm(step->targets[t])) {
            return true;
        }
    }
    for (size_t i = 0; i < moments->count; i++) {
        if (tells_somebody(dir, step, is_filing, moments->list[i])) {
            return true;
        }
    }
    return false;
}

void fa_walk_policy(const struct fa_directory *dir, const struct fa_policy *policy, bool is_filing,
                    struct fa_span time, fa_walk_fn *fn, void *ctx)
{
    struct moments moments = {0};
    if (policy->step_count == 0 || time.from >= time.until) {
        return;
    }
    find_moments(dir, policy, time, &moments);
    for (size_t s = 0; s + 1 < policy->step_count; s++) {
        if (!is_reachable(dir, &policy->steps[s], is_filing, &moments)) {
            const struct fa_walk_finding finding = {
                .kind = FA_WALK_UNREACHABLE, .policy = policy, .step = (uint32_t)s, .when = time};
            fn(ctx, &finding);
        }
    }
    walk_last(dir, policy, is_filing, &moments, time, fn, ctx);
    free(moments.list);
}

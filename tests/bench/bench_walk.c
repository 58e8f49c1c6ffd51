/* SPDX-License-Identifier: MIT */
/* links: fa_alarms fa_people fa_base */
/* The check that no policy ends with nobody: 50 policies of four steps over 500 people, 400 days.
 * Each policy has a rotation of its own with two turns a day as its last step; everybody has five
 * leaves and a deputy. CPU of this process, medians of PASSES; at a tenth, once and ten times the
 * policies and people. */
#include "alarms/walk.h"
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASSES   5
#define DAYS     400
#define MEMBERS  6u
#define LEAVES   5u
#define HALF_DAY (FA_DAY / 2)

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static char *numbered(const char *prefix, size_t number)
{
    char text[64];
    snprintf(text, sizeof text, "%s%zu", prefix, number);
    return fa_xstrdup(text);
}

static char **one_text(char *text)
{
    char **list = fa_xcalloc(1, sizeof *list);
    list[0] = text;
    return list;
}

static void add_person(struct fa_directory *dir, size_t i, size_t people)
{
    struct fa_person_entry *entry = &dir->people[i];
    entry->name = numbered("p", i);
    entry->deputies = one_text(numbered("p", (i + 1) % people));
    entry->deputy_count = 1;
    entry->roles = one_text(numbered("role", i % 50));
    entry->role_count = 1;
    entry->contacts = fa_xcalloc(1, sizeof *entry->contacts);
    entry->contacts[0].channel = fa_xstrdup("mail");
    entry->contact_count = 1;
    for (size_t k = 0; k < LEAVES; k++) {
        fa_time from = (fa_time)((i * 7 + k * 80) % DAYS) * FA_DAY;
        fa_spans_add(&entry->leave, (struct fa_span){from, from + 10 * FA_DAY});
    }
}

static void add_schedule(struct fa_directory *dir, size_t i, size_t people)
{
    struct fa_schedule_entry *entry = &dir->schedules[i];
    entry->name = numbered("duty", i);
    entry->members = fa_xcalloc(MEMBERS, sizeof *entry->members);
    for (; entry->member_count < MEMBERS; entry->member_count++) {
        entry->members[entry->member_count] =
            numbered("p", (i * MEMBERS + entry->member_count) % people);
    }
    entry->turn_count = 2 * DAYS;
    entry->turns = fa_xcalloc(entry->turn_count, sizeof *entry->turns);
    for (size_t t = 0; t < entry->turn_count; t++) {
        fa_time from = (fa_time)t * HALF_DAY;
        entry->turns[t] = (struct fa_turn){{from, from + HALF_DAY}, (uint32_t)(t % MEMBERS)};
    }
}

static void add_policy(struct fa_policy *policy, size_t i, size_t people)
{
    policy->name = numbered("policy", i);
    policy->step_count = 4;
    policy->steps = fa_xcalloc(policy->step_count, sizeof *policy->steps);
    char *targets[] = {numbered("p", i % people), numbered("role:role", i % 50),
                       numbered("role:role", (i + 1) % 50), numbered("schedule:duty", i)};
    for (size_t s = 0; s < policy->step_count; s++) {
        policy->steps[s].targets = one_text(targets[s]);
        policy->steps[s].target_count = 1;
        policy->steps[s].wait = FA_HOUR;
    }
}

static void count(void *ctx, const struct fa_walk_finding *finding)
{
    (void)finding;
    ++*(size_t *)ctx;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(size_t people, size_t policies)
{
    struct fa_directory *dir = fa_directory_new();
    struct fa_policy *all = fa_xcalloc(policies, sizeof *all);
    struct fa_err err;
    double took[PASSES];
    size_t found = 0;
    dir->people = fa_xcalloc(people, sizeof *dir->people);
    dir->channels = fa_xcalloc(1, sizeof *dir->channels);
    dir->channels[dir->channel_count++] =
        (struct fa_channel_entry){.name = fa_xstrdup("mail"), .plugin = fa_xstrdup("email")};
    dir->schedules = fa_xcalloc(policies, sizeof *dir->schedules);
    for (; dir->people_count < people; dir->people_count++) {
        add_person(dir, dir->people_count, people);
    }
    for (; dir->schedule_count < policies; dir->schedule_count++) {
        add_schedule(dir, dir->schedule_count, people);
    }
    for (size_t i = 0; i < policies; i++) {
        add_policy(&all[i], i, people);
    }
    if (fa_directory_seal(dir, &err) != 0) {
        fa_panic(__FILE__, __LINE__, err.text);
    }
    for (size_t pass = 0; pass < PASSES; pass++) {
        double begin = cpu_ms();
        for (size_t i = 0; i < policies; i++) {
            fa_walk_policy(dir, &all[i], true, (struct fa_span){0, DAYS * FA_DAY}, count, &found);
        }
        took[pass] = cpu_ms() - begin;
    }
    qsort(took, PASSES, sizeof took[0], by_size);
    printf("people=%zu policies=%zu days=%d median_ms=%.1f min_ms=%.1f max_ms=%.1f findings=%zu\n",
           people, policies, DAYS, took[PASSES / 2], took[0], took[PASSES - 1], found);
    for (size_t i = 0; i < policies; i++) {
        fa_policy_done(&all[i]);
    }
    free(all);
    fa_directory_free(dir);
}

int main(void)
{
    measure(50, 5);
    measure(500, 50);
    measure(5000, 500);
    return 0;
}

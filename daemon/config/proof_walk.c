/* SPDX-License-Identifier: MIT */
/* The days to come proved: in no moment that calendars know of does a policy end with nobody, and
 * no step is there that never tells anybody. Whoever is accused, that is looked at elsewhere, for
 * every subject and whatever the day (proof_people.c).
 *
 * Needs the sealed directory, and calendars: without a world there is no time to walk through. */
#include "alarms/describe.h"
#include "alarms/walk.h"
#include "config/proof.h"
#include "text/reader.h"

#include <string.h>

#define HOLES_MAX 3u /* of one policy that are named; the others are counted */

struct walker {
    const struct fa_proof *proof;
    size_t policy;
    uint32_t holes;
};

static const config_setting_t *step_at(const struct walker *walker, uint32_t step)
{
    return walker->proof->draft->policies.items[walker->policy].steps.items[step].at;
}

static const char *moment(const struct walker *walker, fa_time at, char text[FA_READER_TIME_SIZE])
{
    const struct fa_directory *dir = walker->proof->config->people;
    const char *own = walker->proof->draft->zone;
    const struct fa_zone *zone = own != NULL ? fa_directory_zone(dir, own) : NULL;
    struct fa_reader_zone shown;
    fa_describe_zone_at(zone, at, &shown);
    return fa_reader_time(NULL, at, walker->proof->config->walk_from, &shown, text);
}

static void say(void *ctx, const struct fa_walk_finding *finding)
{
    struct walker *walker = ctx;
    struct fa_faults *faults = walker->proof->faults;
    const config_setting_t *at = step_at(walker, finding->step);
    char texts[2][FA_READER_TIME_SIZE];
    const char *from = moment(walker, finding->when.from, texts[0]);
    const char *until = moment(walker, finding->when.until, texts[1]);
    if (finding->kind == FA_WALK_UNREACHABLE) {
        fa_fault(faults, at, FA_EINVAL,
                 "from %s to %s, which is all that is known, step %u of '%s' tells nobody: add "
                 "turns to its schedules, or a person or a role to it, or take it out",
                 from, until, finding->step + 1, finding->policy->name);
    } else if (walker->holes++ < HOLES_MAX) {
        fa_fault(faults, at, FA_EINVAL,
                 "from %s to %s the last step of '%s' tells nobody: add a person or a role to it, "
                 "or somebody on duty then",
                 from, until, finding->policy->name);
    }
}

/* Only what depends on the day is walked: all else is the same on every day, and proved. */
static bool depends_on_day(const struct fa_directory *dir, const struct fa_policy *policy)
{
    for (size_t p = 0; p < dir->people_count; p++) {
        if (dir->people[p].leave.count > 0) {
            return true;
        }
    }
    for (size_t s = 0; s < policy->step_count; s++) {
        for (size_t t = 0; t < policy->steps[s].target_count; t++) {
            if (strncmp(policy->steps[s].targets[t], "schedule:", 9) == 0) {
                return true;
            }
        }
    }
    return false;
}

void fa_prove_days(const struct fa_proof *proof)
{
    const struct fa_config *config = proof->config;
    const struct fa_span time = {config->walk_from, config->known_until};
    for (size_t i = 0; time.from > 0 && i < config->setup.policy_count; i++) {
        struct walker walker = {proof, i, 0};
        if (!depends_on_day(config->people, &config->setup.policies[i])) {
            continue;
        }
        fa_walk_policy(config->people, &config->setup.policies[i], proof->policy_filings[i], time,
                       say, &walker);
        if (walker.holes > HOLES_MAX) {
            fa_fault(proof->faults, proof->draft->policies.items[i].at, FA_EINVAL,
                     "and %u further times in which the last step of '%s' tells nobody",
                     walker.holes - HOLES_MAX, config->setup.policies[i].name);
        }
    }
}

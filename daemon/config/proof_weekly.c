/* SPDX-License-Identifier: MIT */
/* The weekly digest proved: its readers are known whatever the day and whatever alarm, each has a
 * channel that they alone read, and its time is one of the week. */
#include "config/proof.h"

#include <stdlib.h>
#include <string.h>

/* "Mon 08:00" as minutes since Monday 00:00. */
static bool read_time(const char *text, uint32_t *ret_minute)
{
    static const char days[] = "MonTueWedThuFriSatSun";
    struct fa_str time, minutes, day = fa_str_cut(fa_str_of(text), ' ', &time);
    struct fa_str hours = fa_str_cut(time, ':', &minutes);
    uint64_t hour, minute;
    for (uint32_t i = 0; i < 7; i++) {
        if (fa_str_eq(day, (struct fa_str){days + 3 * (size_t)i, 3}) && hours.len == 2 &&
            minutes.len == 2 && fa_parse_u64(hours, &hour) == 0 &&
            fa_parse_u64(minutes, &minute) == 0 && hour < 24 && minute < 60) {
            *ret_minute = (uint32_t)(i * 1440 + hour * 60 + minute);
            return true;
        }
    }
    return false;
}

/* Neither an alarm nor the hour says who reads it. */
static void prove_target(const struct fa_proof *proof, const config_setting_t *at, const char *text,
                         bool *set)
{
    const config_setting_t *elem = fa_proof_elem(at, "to", text);
    char *target = (char *)(uintptr_t)text;
    if (strncmp(text, "schedule:", 9) == 0 || fa_proof_targets(proof, at, "to", &target, 1, set)) {
        fa_fault(proof->faults, elem, FA_EINVAL,
                 "to: '%.64s' means others from day to day or from alarm to alarm; a weekly digest "
                 "goes to people, \"role:NAME\", \"team:NAME\" or \"independent\"",
                 text);
    }
}

static bool has_own_channel(const struct fa_proof *proof, size_t person)
{
    const struct fa_person_entry *entry = &proof->config->people->people[person];
    bool found = false;
    for (size_t i = 0; i < entry->contact_count && !found; i++) {
        size_t channel = fa_proof_find(proof, FA_KIND_CHANNEL, entry->contacts[i].channel);
        found = channel != FA_NONE && !proof->config->people->channels[channel].shared;
    }
    return found;
}

void fa_prove_weekly(const struct fa_proof *proof)
{
    const struct fa_draft_weekly *draft = &proof->draft->weekly;
    struct fa_weekly *weekly = &proof->config->setup.weekly;
    size_t count = proof->draft->people.count;
    if (draft->at == NULL) {
        return;
    }
    if (draft->time != NULL && !read_time(draft->time, &weekly->minute)) {
        fa_fault_key(proof->faults, draft->at, "at", FA_EPARSE,
                     "at: '%.40s' is no time of the week: write it as \"Mon 08:00\"", draft->time);
    }
    bool *set = fa_xcalloc(count + 1, sizeof *set);
    for (size_t i = 0; i < weekly->to_count; i++) {
        prove_target(proof, draft->at, weekly->to[i], set);
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = proof->config->people->people[i].name;
        if (set[i] && name != NULL && !has_own_channel(proof, i)) {
            fa_fault_key(proof->faults, draft->at, "to", FA_EINVAL,
                         "to: '%s' has no channel that they alone read: a weekly digest holds what "
                         "its reader may know, and others may not; add one that is not shared",
                         name);
        }
    }
    free(set);
}

/* SPDX-License-Identifier: MIT */
/* Who must not learn of a filing, told anew from DESIGN's words and from the plain lists of the
 * directory: no function of people/ is called, so that an error there is seen here.
 *
 *   A subject is never told, nor those who stand in for them, work for them or read their mail,
 *   nor who reports to them, near or far, nor their own managers up to the first independent one.
 *   Nor whose mail one of all these reads.
 *   A struck person is not told, nor their deputies, assistants and delegates, nor whose mail one
 * of these reads. Whoever was meant by a team or role on the day of the filing stays out. When one
 * of those who must not know has left the directory, only the independent contacts and who knows
 * already learn more: the one who left may be there under another name. A shared channel carries a
 * message only if each reader may know, and a filing only if its readers are listed. */
#include "lab/world.h"

#include <string.h>
#include <strings.h>

static bool is_in(char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static const struct fa_person_entry *entry_of(const struct fa_directory *dir, const char *name)
{
    for (size_t i = 0; name != NULL && i < dir->people_count; i++) {
        if (strcmp(dir->people[i].name, name) == 0 ||
            is_in(dir->people[i].aliases, dir->people[i].alias_count, name)) {
            return &dir->people[i];
        }
    }
    return NULL;
}

/* The account's own, or of one who left whoever has the role of its model. */
static bool is_conduit(const struct fa_directory *dir, const char *customer,
                       const struct fa_person_entry *entry)
{
    for (size_t i = 0; i < dir->account_count; i++) {
        const struct fa_account_entry *account = &dir->accounts[i];
        if (strcmp(account->name, customer) != 0) {
            continue;
        }
        if (entry_of(dir, account->conduit) != NULL) {
            return strcmp(account->conduit, entry->name) == 0;
        }
        for (size_t m = 0; m < dir->model_count; m++) {
            if (strcmp(dir->models[m].name, account->model) == 0) {
                return is_in(entry->roles, entry->role_count, dir->models[m].conduit);
            }
        }
    }
    return false;
}

bool fa_lab_is_meant(const struct fa_directory *dir, const char *target,
                     const struct fa_person_entry *entry)
{
    if (strncmp(target, "team:", 5) == 0) {
        for (size_t i = 0; i < dir->team_count; i++) {
            if (strcmp(dir->teams[i].name, target + 5) == 0) {
                return is_in(dir->teams[i].members, dir->teams[i].member_count, entry->name);
            }
        }
        return false;
    }
    if (strncmp(target, "role:", 5) == 0) {
        return is_in(entry->roles, entry->role_count, target + 5);
    }
    if (strncmp(target, "conduit:", 8) == 0) {
        return is_conduit(dir, target + 8, entry);
    }
    return strcmp(target, "independent") == 0
               ? entry->independent
               : strcmp(target, entry->name) == 0 ||
                     is_in(entry->aliases, entry->alias_count, target);
}

static const char *plugin_of(const struct fa_directory *dir, const char *channel)
{
    size_t i = 0;
    while (i < dir->channel_count && strcmp(dir->channels[i].name, channel) != 0) {
        i++;
    }
    return i < dir->channel_count ? dir->channels[i].plugin : "";
}

/* Over whichever channel of the same plugin. */
static bool has_address(const struct fa_directory *dir, const struct fa_person_entry *entry,
                        const struct fa_contact *contact)
{
    for (size_t i = 0; i < entry->contact_count && contact->address != NULL; i++) {
        const struct fa_contact *own = &entry->contacts[i];
        if (own->address != NULL && strcasecmp(own->address, contact->address) == 0 &&
            strcmp(plugin_of(dir, own->channel), plugin_of(dir, contact->channel)) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_near(const struct fa_person_entry *subject, const char *person)
{
    return strcmp(subject->name, person) == 0 ||
           is_in(subject->deputies, subject->deputy_count, person) ||
           is_in(subject->assistants, subject->assistant_count, person) ||
           is_in(subject->delegates, subject->delegate_count, person);
}

static bool is_below(const struct fa_directory *dir, const char *person, const char *boss)
{
    const struct fa_person_entry *at = entry_of(dir, person);
    while (at != NULL && at->manager != NULL) {
        if (strcmp(at->manager, boss) == 0) {
            return true;
        }
        at = entry_of(dir, at->manager);
    }
    return false;
}

static bool is_above(const struct fa_directory *dir, const char *person,
                     const struct fa_person_entry *subject)
{
    const struct fa_person_entry *at = entry_of(dir, subject->manager);
    while (at != NULL && !at->independent) {
        if (strcmp(at->name, person) == 0) {
            return true;
        }
        at = entry_of(dir, at->manager);
    }
    return false;
}

static bool is_too_near(const struct fa_directory *dir, const char *person, const char *subject)
{
    for (size_t i = 0; i < dir->people_count; i++) {
        const struct fa_person_entry *accused = &dir->people[i];
        if (fa_lab_is_meant(dir, subject, accused) &&
            (is_near(accused, person) || is_below(dir, person, accused->name) ||
             is_above(dir, person, accused))) {
            return true;
        }
    }
    return false;
}

static bool is_struck(const struct fa_directory *dir, const char *person, const char *struck)
{
    const struct fa_person_entry *entry = entry_of(dir, struck);
    return entry != NULL && is_near(entry, person);
}

/* What is true of the person or of one who reads their mail: a delegate, or who has an address of
 * theirs. */
static bool reaches(const struct fa_directory *dir, const char *person, const char *name,
                    bool (*holds)(const struct fa_directory *, const char *, const char *))
{
    const struct fa_person_entry *entry = entry_of(dir, person);
    bool found = holds(dir, person, name);
    for (size_t i = 0; !found && entry != NULL && i < entry->delegate_count; i++) {
        found = holds(dir, entry->delegates[i], name);
    }
    for (size_t p = 0; !found && entry != NULL && p < dir->people_count; p++) {
        for (size_t i = 0; !found && i < entry->contact_count; i++) {
            found = has_address(dir, &dir->people[p], &entry->contacts[i]) &&
                    holds(dir, dir->people[p].name, name);
        }
    }
    return found;
}

bool fa_lab_is_conflicted(const struct fa_directory *dir, const char *person, const char *subject)
{
    return reaches(dir, person, subject, is_too_near);
}

bool fa_lab_is_struck(const struct fa_directory *dir, const char *person, const char *struck)
{
    return reaches(dir, person, struck, is_struck);
}

/* NULL: this person may know of the filing. */
static const char *person_why_not(const struct fa_directory *dir,
                                  const struct fa_lab_filing *filing, const char *person)
{
    for (size_t i = 0; i < filing->about_count; i++) {
        if (fa_lab_is_conflicted(dir, person, filing->about[i])) {
            return "it is about them or they are too near to whom it is about";
        }
    }
    for (size_t i = 0; i < filing->struck_count; i++) {
        if (fa_lab_is_struck(dir, person, filing->struck[i])) {
            return "the reporter struck them";
        }
    }
    return NULL;
}

static const char *channel_why_not(const struct fa_directory *dir,
                                   const struct fa_lab_filing *filing, const char *name)
{
    const struct fa_channel_entry *channel = NULL;
    for (size_t i = 0; i < dir->channel_count; i++) {
        channel = strcmp(dir->channels[i].name, name) == 0 ? &dir->channels[i] : channel;
    }
    if (channel == NULL || !channel->shared) {
        return NULL;
    }
    if (channel->reader_count == 0) {
        return "nobody knows who reads this shared channel";
    }
    for (size_t r = 0; r < channel->reader_count; r++) {
        for (size_t i = 0; i < dir->people_count; i++) {
            if (fa_lab_is_meant(dir, channel->readers[r], &dir->people[i]) &&
                person_why_not(dir, filing, dir->people[i].name) != NULL) {
                return "a reader of this shared channel must not know of it";
            }
        }
    }
    return NULL;
}

static const char *filing_why_not(const struct fa_lab *lab, struct fa_incident_id id,
                                  const char *person, const char *channel)
{
    const struct fa_directory *dir = lab->config->people;
    const char *why = NULL;
    /* Of several with one key all but the one that is kept have an empty circle. */
    for (size_t i = 0; why == NULL && i < lab->filing_count; i++) {
        const struct fa_lab_filing *filing = &lab->filings[i];
        if (fa_id_eq(filing->id.id, id.id)) {
            why = person_why_not(dir, filing, person);
            why = why == NULL && channel != NULL ? channel_why_not(dir, filing, channel) : why;
        }
    }
    return why;
}

static const char *recusal_why_not(const struct fa_lab *lab, struct fa_alarm_id alarm,
                                   const char *person, const char *channel)
{
    const struct fa_directory *dir = lab->config->people;
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < lab->recusal_count; i++) {
        struct fa_lab_recusal *recusal = &lab->recusals[i];
        const struct fa_lab_filing said = {.about = &recusal->name,
                                           .about_count = recusal->is_subject,
                                           .struck = &recusal->name,
                                           .struck_count = !recusal->is_subject};
        if (fa_id_eq(recusal->alarm.id, alarm.id)) {
            why = person_why_not(dir, &said, person);
            why = why == NULL && channel != NULL ? channel_why_not(dir, &said, channel) : why;
        }
    }
    return why;
}

static bool has_left(const struct fa_directory *dir, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strchr(names[i], ':') == NULL && entry_of(dir, names[i]) == NULL) {
            return true;
        }
    }
    return false;
}

bool fa_lab_has_unknown(const struct fa_lab *lab, const struct fa_alarm *alarm)
{
    const struct fa_directory *dir = lab->config->people;
    for (size_t i = 0; i < lab->recusal_count; i++) {
        if (fa_id_eq(lab->recusals[i].alarm.id, alarm->id.id) &&
            has_left(dir, &lab->recusals[i].name, 1)) {
            return true;
        }
    }
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        for (size_t f = 0; f < lab->filing_count; f++) {
            const struct fa_lab_filing *filing = &lab->filings[f];
            if (fa_id_eq(filing->id.id, alarm->people->incidents[i].id) &&
                (has_left(dir, filing->about, filing->about_count) ||
                 has_left(dir, filing->struck, filing->struck_count))) {
                return true;
            }
        }
    }
    return false;
}

static bool knows_or_is_independent(const struct fa_lab *lab, const struct fa_alarm *alarm,
                                    const char *person)
{
    const struct fa_person_entry *entry = entry_of(lab->config->people, person);
    bool knows = (entry != NULL && entry->independent) ||
                 (alarm->people->owner != NULL && strcmp(alarm->people->owner, person) == 0);
    for (size_t i = 0; !knows && i < lab->delivery_count; i++) {
        knows = fa_id_eq(lab->deliveries[i].alarm.id, alarm->id.id) &&
                strcmp(lab->deliveries[i].person, person) == 0;
    }
    return knows;
}

const char *fa_lab_why_not(const struct fa_lab *lab, const struct fa_alarm *alarm,
                           struct fa_incident_id incident, const char *person, const char *channel)
{
    const char *why =
        fa_id_is_zero(incident.id) ? NULL : filing_why_not(lab, incident, person, channel);
    for (size_t i = 0; why == NULL && alarm != NULL && i < alarm->people->incident_count; i++) {
        why = filing_why_not(lab, alarm->people->incidents[i], person, channel);
    }
    if (why == NULL && alarm != NULL) {
        why = recusal_why_not(lab, alarm->id, person, channel);
    }
    if (why == NULL && alarm != NULL && fa_lab_has_unknown(lab, alarm) &&
        !knows_or_is_independent(lab, alarm, person)) {
        why = "somebody whom it must be kept from has left the directory, and they knew nothing";
    }
    return why;
}

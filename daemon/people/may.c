/* SPDX-License-Identifier: MIT */
/* Who may do what: one table, deny by default.
 *
 * Invariant: the columns SUBJECT and STRUCK hold no `true`, whatever else such a person is: on the
 * policy, told already, an operator or the reporter. That is why relation_of() asks for them first.
 *
 * What is filed by people is never in an operator's sight, except as ids and codes in the queue:
 * `series_only` says which cells hold only for alarms that no person filed.
 */
#include "people/may.h"

enum { NO, YES, SERIES_ONLY };

/* clang-format off */
/* clang-format off */
static const uint8_t table[FA_VERB__COUNT][FA_REL__COUNT] = {
    /*                   SUBJECT STRUCK TARGET REPORTER OPERATOR     COLLEAGUE STRANGER */
    [FA_VERB_TELL]    = {NO,     NO,    YES,   NO,      NO,          NO,       NO},
    [FA_VERB_LIST]    = {NO,     NO,    YES,   NO,      SERIES_ONLY, NO,       NO},
    [FA_VERB_SHOW]    = {NO,     NO,    YES,   NO,      SERIES_ONLY, NO,       NO},
    [FA_VERB_ACK]     = {NO,     NO,    YES,   NO,      NO,          NO,       NO},
    [FA_VERB_RESOLVE] = {NO,     NO,    YES,   NO,      NO,          NO,       NO},
    [FA_VERB_COMMENT] = {NO,     NO,    YES,   NO,      NO,          NO,       NO},
    [FA_VERB_SILENCE] = {NO,     NO,    SERIES_ONLY, NO, SERIES_ONLY, NO,      NO},
    [FA_VERB_QUEUE]   = {NO,     NO,    NO,    NO,      YES,         NO,       NO},
    [FA_VERB_DRILL]   = {NO,     NO,    NO,    NO,      YES,         NO,       NO},
};
/* clang-format on */
/* clang-format on */

enum fa_relation fa_relation_of(const struct fa_directory *dir, struct fa_viewer viewer,
                                const struct fa_object *object)
{
    fa_person person = viewer.person;
    if (person == FA_NOBODY || person >= dir->people_count) {
        return FA_REL_STRANGER;
    }
    if (object->conflicted != NULL && fa_pset_has(object->conflicted, person)) {
        return FA_REL_SUBJECT;
    }
    if (object->struck != NULL && fa_pset_has(object->struck, person)) {
        return FA_REL_STRUCK;
    }
    if (object->targets != NULL && fa_pset_has(object->targets, person)) {
        return FA_REL_TARGET;
    }
    if (object->reporter == person) {
        return FA_REL_REPORTER;
    }
    return dir->people[person].operator_ ? FA_REL_OPERATOR : FA_REL_COLLEAGUE;
}

bool fa_may(const struct fa_directory *dir, struct fa_viewer viewer, enum fa_verb verb,
            const struct fa_object *object)
{
    uint8_t cell = table[verb][fa_relation_of(dir, viewer, object)];
    return cell == YES || (cell == SERIES_ONLY && !object->is_filing);
}

/* May everybody whom this reader's name means be told? */
static bool reader_may(const struct fa_directory *dir, const char *reader,
                       const struct fa_object *object)
{
    struct fa_pset readers;
    bool may = true;
    fa_pset_init(&readers, dir);
    if (fa_directory_resolve(dir, fa_str_of(reader), &readers) != 0) {
        may = false;
    }
    if (object->conflicted != NULL && fa_pset_intersects(&readers, object->conflicted)) {
        may = false;
    }
    if (object->struck != NULL && fa_pset_intersects(&readers, object->struck)) {
        may = false;
    }
    fa_pset_done(&readers);
    return may;
}

static bool is_nobody(const struct fa_pset *set)
{
    return set == NULL || fa_pset_is_empty(set);
}

bool fa_may_channel(const struct fa_directory *dir, const struct fa_channel_entry *channel,
                    const struct fa_object *object)
{
    if (!channel->shared) {
        return true;
    }
    if (channel->reader_count == 0) { /* whoever must not know may be among those who read it */
        return !object->is_filing && is_nobody(object->conflicted) && is_nobody(object->struck);
    }
    for (size_t i = 0; i < channel->reader_count; i++) {
        if (!reader_may(dir, channel->readers[i], object)) {
            return false;
        }
    }
    return true;
}

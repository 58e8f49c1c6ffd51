/* SPDX-License-Identifier: MIT */
/* Who is too near to a subject: whatever the case, whom fa_people_conflicted() adds learns nothing.
 *
 * Invariants:
 *  1. Of a person it holds at least that person.
 *  2. It follows from the directory alone: neither leave nor duty nor time makes anybody less near.
 *  3. It errs towards too many: two entries that share an address are one reader, be they one human
 *     or two.
 *
 * What becomes of a step that this empties is decided where the step is (alarms/aim.c). */
#include "people/directory.h"

static void add_names(const struct fa_directory *dir, char *const *names, size_t count,
                      struct fa_pset *set)
{
    for (size_t i = 0; i < count; i++) {
        fa_pset_add(set, fa_directory_find(dir, fa_str_of(names[i])));
    }
}

/* The person and those who stand in for them or read their mail. */
static void add_household(const struct fa_directory *dir, fa_person person, struct fa_pset *set)
{
    const struct fa_person_entry *entry = &dir->people[person];
    fa_pset_add(set, person);
    add_names(dir, entry->deputies, entry->deputy_count, set);
    add_names(dir, entry->assistants, entry->assistant_count, set);
    add_names(dir, entry->delegates, entry->delegate_count, set);
}

/* Is `boss` among the managers of `person`, at any distance? */
static bool reports_to(const struct fa_directory *dir, fa_person person, fa_person boss)
{
    while ((person = fa_directory_manager(dir, person)) != FA_NOBODY) {
        if (person == boss) {
            return true;
        }
    }
    return false;
}

static void add_conflict_of(const struct fa_directory *dir, fa_person subject, struct fa_pset *set)
{
    add_household(dir, subject, set);
    for (fa_person person = 0; person < dir->people_count; person++) {
        if (reports_to(dir, person, subject)) {
            fa_pset_add(set, person);
        }
    }
    for (fa_person up = fa_directory_manager(dir, subject);
         up != FA_NOBODY && !dir->people[up].independent; up = fa_directory_manager(dir, up)) {
        fa_pset_add(set, up);
    }
}

/* What reaches a person's mailbox reaches its delegates, and who has the same address: whose mail
 * one of `set` reads is out too. */
static void add_read_mailboxes(const struct fa_directory *dir, struct fa_pset *set)
{
    struct fa_pset read;
    fa_pset_init(&read, dir);
    for (fa_person person = 0; person < dir->people_count; person++) {
        const struct fa_person_entry *entry = &dir->people[person];
        for (size_t i = 0; i < entry->delegate_count; i++) {
            if (fa_pset_has(set, fa_directory_find(dir, fa_str_of(entry->delegates[i])))) {
                fa_pset_add(&read, person);
            }
        }
        for (size_t i = 0; i < entry->mate_count; i++) {
            fa_pset_add(&read, fa_pset_has(set, entry->mates[i]) ? person : FA_NOBODY);
        }
    }
    fa_pset_add_all(set, &read);
    fa_pset_done(&read);
}

void fa_people_conflicted(const struct fa_directory *dir, struct fa_str subject,
                          struct fa_pset *set)
{
    struct fa_pset meant, near;
    fa_pset_init(&meant, dir);
    fa_pset_init(&near, dir);
    if (fa_directory_resolve(dir, subject, &meant) == 0) {
        for (fa_person p = fa_pset_next(&meant, 0); p != FA_NOBODY;
             p = fa_pset_next(&meant, p + 1)) {
            add_conflict_of(dir, p, &near);
        }
        add_read_mailboxes(dir, &near);
        fa_pset_add_all(set, &near);
    }
    fa_pset_done(&near);
    fa_pset_done(&meant);
}

void fa_people_struck(const struct fa_directory *dir, struct fa_str name, struct fa_pset *set)
{
    fa_person person = fa_directory_find(dir, name);
    struct fa_pset near;
    if (person != FA_NOBODY) {
        fa_pset_init(&near, dir);
        add_household(dir, person, &near);
        add_read_mailboxes(dir, &near);
        fa_pset_add_all(set, &near);
        fa_pset_done(&near);
    }
}

/* SPDX-License-Identifier: MIT */
/* Whom a target means at a moment: duty, leave, customers, labels.
 *
 * Invariants:
 *  1. Who is away is replaced or stays: leave never makes a target empty.
 *  2. The same moment and the same ask give the same people, whatever was asked before.
 *  3. Nobody stands in for the independent contacts, for a deputy is not independent: those who are
 *     there are meant, and when none is, all of them.
 *
 * Who must not be told is not looked at here: that is decided after it, for all targets alike. */
#include "people/directory.h"

#include <string.h>

static bool is_away(const struct fa_directory *dir, fa_person person, fa_time at)
{
    return fa_spans_has(&dir->people[person].leave, at);
}

/* The first deputy who is there, else the first of theirs who is: breadth first, so that the
 * nearest stands in. */
static fa_person stand_in(const struct fa_directory *dir, fa_person person, fa_time at)
{
    struct fa_pset seen, level, next;
    fa_person found = FA_NOBODY;
    fa_pset_init(&seen, dir);
    fa_pset_init(&level, dir);
    fa_pset_add(&seen, person);
    fa_pset_add(&level, person);
    while (found == FA_NOBODY && !fa_pset_is_empty(&level)) {
        fa_pset_init(&next, dir);
        for (fa_person p = fa_pset_next(&level, 0); p != FA_NOBODY && found == FA_NOBODY;
             p = fa_pset_next(&level, p + 1)) {
            const struct fa_person_entry *entry = &dir->people[p];
            for (size_t i = 0; i < entry->deputy_count && found == FA_NOBODY; i++) {
                fa_person deputy = fa_directory_find(dir, fa_str_of(entry->deputies[i]));
                if (deputy == FA_NOBODY || fa_pset_has(&seen, deputy)) {
                    continue;
                }
                found = is_away(dir, deputy, at) ? FA_NOBODY : deputy;
                fa_pset_add(&seen, deputy);
                fa_pset_add(&next, deputy);
            }
        }
        fa_pset_done(&level);
        level = next;
    }
    fa_pset_done(&level);
    fa_pset_done(&seen);
    return found;
}

static void add_or_stand_in(const struct fa_directory *dir, fa_person person, fa_time at,
                            struct fa_pset *set)
{
    if (person != FA_NOBODY && is_away(dir, person, at)) {
        fa_person other = stand_in(dir, person, at);
        person = other != FA_NOBODY ? other : person;
    }
    fa_pset_add(set, person);
}

static int add_independents(const struct fa_directory *dir, fa_time at, struct fa_pset *set)
{
    struct fa_pset all, present;
    fa_pset_init(&all, dir);
    fa_pset_init(&present, dir);
    int rc = fa_directory_resolve(dir, FA_STR(FA_TARGET_INDEPENDENT), &all);
    for (fa_person p = fa_pset_next(&all, 0); p != FA_NOBODY; p = fa_pset_next(&all, p + 1)) {
        fa_pset_add(&present, is_away(dir, p, at) ? FA_NOBODY : p);
    }
    fa_pset_add_all(set, fa_pset_is_empty(&present) ? &all : &present);
    fa_pset_done(&present);
    fa_pset_done(&all);
    return rc;
}

static int add_on_duty(const struct fa_directory *dir, struct fa_str name, fa_time at,
                       struct fa_pset *set)
{
    const struct fa_schedule_entry *schedule = fa_directory_schedule(dir, name);
    if (schedule == NULL) {
        return FA_ENOTFOUND;
    }
    for (size_t i = 0; i < schedule->turn_count && schedule->turns[i].span.from <= at; i++) {
        const struct fa_turn *turn = &schedule->turns[i];
        if (turn->span.until > at) {
            fa_pset_add(set, fa_directory_find(dir, fa_str_of(schedule->members[turn->member])));
        }
    }
    return 0;
}

/* Those of the model's role who are there; if none is, all of them, or who stands in for them. */
static void add_holders(const struct fa_directory *dir, const struct fa_model_entry *model,
                        fa_time at, struct fa_pset *set)
{
    struct fa_pset present;
    fa_pset_init(&present, dir);
    for (fa_person p = 0; p < dir->people_count; p++) {
        if (fa_directory_has_role(dir, p, fa_str_of(model->conduit)) && !is_away(dir, p, at)) {
            fa_pset_add(&present, p);
        }
    }
    for (fa_person p = 0; fa_pset_is_empty(&present) && p < dir->people_count; p++) {
        if (fa_directory_has_role(dir, p, fa_str_of(model->conduit))) {
            add_or_stand_in(dir, p, at, set);
        }
    }
    fa_pset_add_all(set, &present);
    fa_pset_done(&present);
}

/* The account's own conduit while there, else deputies, else whoever has the model's role. */
static void add_conduit(const struct fa_directory *dir, const struct fa_account_entry *account,
                        fa_time at, struct fa_pset *set)
{
    fa_person own =
        account->conduit != NULL ? fa_directory_find(dir, fa_str_of(account->conduit)) : FA_NOBODY;
    fa_person there = own != FA_NOBODY && is_away(dir, own, at) ? stand_in(dir, own, at) : own;
    const struct fa_model_entry *model =
        account->model != NULL ? fa_directory_model(dir, account->model) : NULL;
    struct fa_pset meant;
    fa_pset_init(&meant, dir);
    fa_pset_add(&meant, there);
    if (there == FA_NOBODY && model != NULL) {
        add_holders(dir, model, at, &meant);
    }
    if (fa_pset_is_empty(&meant)) {
        fa_pset_add(&meant, own); /* away, and nobody else: better them than nobody */
    }
    fa_pset_add_all(set, &meant);
    fa_pset_done(&meant);
}

static int add_account(const struct fa_directory *dir, struct fa_str what, const struct fa_ask *ask,
                       struct fa_pset *set)
{
    const struct fa_account_entry *account =
        ask->customer != NULL ? fa_directory_account(dir, ask->customer) : NULL;
    if (!fa_str_is(what, "conduit") && !fa_str_is(what, "touches")) {
        return FA_ENOTFOUND;
    }
    if (account == NULL) {
        return 0;
    }
    if (fa_str_is(what, "conduit")) {
        add_conduit(dir, account, ask->at, set);
        return 0;
    }
    for (size_t i = 0; i < account->touch_count; i++) {
        struct fa_str target = fa_str_of(account->touches[i]);
        if (!fa_str_starts(target, "account.")) { /* it would never end */
            (void)!fa_directory_reach(dir, target, ask, set);
        }
    }
    add_conduit(dir, account, ask->at, set);
    return 0;
}

static bool cut_end(struct fa_str *text, const char *end)
{
    size_t len = strlen(end);
    if (text->len <= len || memcmp(text->ptr + text->len - len, end, len) != 0) {
        return false;
    }
    text->len -= len;
    return true;
}

static int add_labelled(const struct fa_directory *dir, struct fa_str name,
                        const struct fa_ask *ask, struct fa_pset *set)
{
    bool is_manager = cut_end(&name, ".manager");
    for (size_t i = 0; i < ask->label_count; i++) {
        if (!fa_str_eq(ask->labels[i].name, name)) {
            continue;
        }
        fa_person person = fa_directory_find(dir, ask->labels[i].value);
        person = is_manager ? fa_directory_manager(dir, person) : person;
        add_or_stand_in(dir, person, ask->at, set);
    }
    return 0;
}

static struct fa_str behind(struct fa_str text, const char *prefix)
{
    size_t len = strlen(prefix);
    return (struct fa_str){text.ptr + len, text.len - len};
}

int fa_directory_reach(const struct fa_directory *dir, struct fa_str target,
                       const struct fa_ask *ask, struct fa_pset *set)
{
    if (fa_str_starts(target, "schedule:")) {
        struct fa_pset duty;
        fa_pset_init(&duty, dir);
        int rc = add_on_duty(dir, behind(target, "schedule:"), ask->at, &duty);
        for (fa_person p = fa_pset_next(&duty, 0); p != FA_NOBODY; p = fa_pset_next(&duty, p + 1)) {
            add_or_stand_in(dir, p, ask->at, set);
        }
        fa_pset_done(&duty);
        return rc;
    }
    if (fa_str_starts(target, "account.")) {
        return add_account(dir, behind(target, "account."), ask, set);
    }
    if (fa_str_starts(target, "label.")) {
        return add_labelled(dir, behind(target, "label."), ask, set);
    }
    if (fa_str_is(target, "reporter.manager")) {
        fa_person reporter =
            ask->reporter != NULL ? fa_directory_find(dir, fa_str_of(ask->reporter)) : FA_NOBODY;
        add_or_stand_in(dir, fa_directory_manager(dir, reporter), ask->at, set);
        return 0;
    }
    if (fa_str_is(target, FA_TARGET_INDEPENDENT)) {
        return add_independents(dir, ask->at, set);
    }
    struct fa_pset meant;
    fa_pset_init(&meant, dir);
    int rc = fa_directory_resolve(dir, target, &meant);
    for (fa_person p = fa_pset_next(&meant, 0); p != FA_NOBODY; p = fa_pset_next(&meant, p + 1)) {
        add_or_stand_in(dir, p, ask->at, set);
    }
    fa_pset_done(&meant);
    return rc;
}

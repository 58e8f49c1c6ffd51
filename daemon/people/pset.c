/* SPDX-License-Identifier: MIT */
/* Sets of people as bits, one for each person of a directory. */
#include "people/directory.h"
#include "base/panic.h"

#include <stdlib.h>

static size_t words(const struct fa_pset *set)
{
    return ((size_t)set->count + 63) / 64;
}

static uint64_t *bits_of(struct fa_pset *set)
{
    return set->bits != NULL ? set->bits : &set->few;
}

static const uint64_t *bits_in(const struct fa_pset *set)
{
    return set->bits != NULL ? set->bits : &set->few;
}

void fa_pset_init(struct fa_pset *set, const struct fa_directory *dir)
{
    *set = (struct fa_pset){.count = (uint32_t)dir->people_count};
    if (words(set) > 1) {
        set->bits = fa_xcalloc(words(set), sizeof(uint64_t));
    }
}

void fa_pset_done(struct fa_pset *set)
{
    free(set->bits);
    *set = (struct fa_pset){0};
}

void fa_pset_add(struct fa_pset *set, fa_person person)
{
    if (person != FA_NOBODY) {
        fa_assert(person < set->count);
        bits_of(set)[person / 64] |= UINT64_C(1) << (person % 64);
    }
}

void fa_pset_remove_all(struct fa_pset *set, const struct fa_pset *others)
{
    fa_assert(set->count == others->count);
    for (size_t i = 0; i < words(set); i++) {
        bits_of(set)[i] &= ~bits_in(others)[i];
    }
}

void fa_pset_add_all(struct fa_pset *set, const struct fa_pset *others)
{
    fa_assert(set->count == others->count);
    for (size_t i = 0; i < words(set); i++) {
        bits_of(set)[i] |= bits_in(others)[i];
    }
}

bool fa_pset_has(const struct fa_pset *set, fa_person person)
{
    return person < set->count && (bits_in(set)[person / 64] >> (person % 64) & 1) != 0;
}

bool fa_pset_is_empty(const struct fa_pset *set)
{
    return fa_pset_next(set, 0) == FA_NOBODY;
}

bool fa_pset_intersects(const struct fa_pset *a, const struct fa_pset *b)
{
    fa_assert(a->count == b->count);
    for (size_t i = 0; i < words(a); i++) {
        if ((bits_in(a)[i] & bits_in(b)[i]) != 0) {
            return true;
        }
    }
    return false;
}

fa_person fa_pset_next(const struct fa_pset *set, fa_person from)
{
    for (fa_person person = from; person < set->count; person++) {
        uint64_t rest = bits_in(set)[person / 64] >> (person % 64);
        if (rest == 0) {
            person |= 63;
        } else if ((rest & 1) != 0) {
            return person;
        }
    }
    return FA_NOBODY;
}

/* SPDX-License-Identifier: MIT */
/* One value into one member of one struct, as its row says. For keys.c alone. */
#ifndef FA_CONFIG_SET_H
#define FA_CONFIG_SET_H

#include "config/keys.h"

/* What a setter works with. */
struct fa_slot {
    struct fa_faults *faults;
    const struct fa_key *key;
    const config_setting_t *at; /* the value */
    void *item;
};

/* Checks the value and stores it, or reports what is wrong and leaves the member as it is. */
void fa_key_set(const struct fa_slot *slot);
/* For rows with a default. */
void fa_key_set_default(const struct fa_key *key, void *item);
/* Room for one more element, zeroed; capacities are the powers of two. */
void *fa_keys_grow(void *array, size_t count, size_t size);

#endif

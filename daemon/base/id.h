/* SPDX-License-Identifier: MIT */
/* Random identifiers of 80 bits, written as four groups of Crockford's base32: 7K2Q-M9XA-3DTR-WZ5E.
 * Each kind is its own struct, so that an alarm's id cannot be passed for an incident's. */
#ifndef FA_BASE_ID_H
#define FA_BASE_ID_H

#include "base/str.h"

#include <stdbool.h>

#define FA_ID_BYTES     10
#define FA_ID_TEXT_SIZE 20 /* with the terminating NUL */

struct fa_id {
    uint8_t bytes[FA_ID_BYTES];
};
struct fa_alarm_id {
    struct fa_id id;
};
struct fa_incident_id {
    struct fa_id id;
};
struct fa_notification_id {
    struct fa_id id;
};

/* A small deterministic generator. The host seeds it from the kernel for every event, so that
 * deciding rooms need no source of chance of their own. Not for secrets. */
struct fa_rng {
    uint64_t state[2];
};
uint64_t fa_rng_next(struct fa_rng *rng);
/* Uniform in [0, 1). */
double fa_rng_unit(struct fa_rng *rng);
struct fa_id fa_id_random(struct fa_rng *rng);

bool fa_id_is_zero(struct fa_id id);
bool fa_id_eq(struct fa_id a, struct fa_id b);
const char *fa_id_format(struct fa_id id, char buf[FA_ID_TEXT_SIZE]);
/* Lower case, missing or extra dashes and blanks of any kind (fa_str_typed), O for 0, I and L for 1
 * are taken: people type these. */
int fa_id_parse(struct fa_str text, struct fa_id *ret_id) FA_MUST_CHECK;

/* Bytes as lower-case hexadecimal; buf of 2 * len + 1. */
const char *fa_hex(const void *bytes, size_t len, char *buf);
int fa_unhex(struct fa_str text, void *ret_bytes, size_t len) FA_MUST_CHECK;

#endif

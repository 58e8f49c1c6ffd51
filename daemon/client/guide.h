/* SPDX-License-Identifier: MIT */
/* What a filing may be about and whom it may name: from the daemon, or as it was at the last run,
 * or the few questions that always make sense. So a filing is possible whatever is broken. */
#ifndef FA_CLIENT_GUIDE_H
#define FA_CLIENT_GUIDE_H

#include "client/client.h"

#include <jansson.h>

enum fa_guide_source { FA_GUIDE_LIVE, FA_GUIDE_KEPT, FA_GUIDE_BUILT_IN };

struct fa_guide {
    json_t *json; /* owned; as GET /v1/guide answers */
    enum fa_guide_source source;
};

/* Never fails but by Ctrl-C (FA_ECLOSED). */
int fa_guide_load(struct fa_client *client, struct fa_guide *ret_guide) FA_MUST_CHECK;
/* Makes a guide of an answer's JSON (borrowed): anything but an object becomes the built-in one. */
void fa_guide_from(json_t *json, enum fa_guide_source source, struct fa_guide *ret_guide);
void fa_guide_done(struct fa_guide *guide);

/* A person or group by name, by display name, or by an unmistakable part of either; letters' case
 * does not matter. Returns the name (borrowed). NULL: err says why, with a suggestion. */
const char *fa_guide_find(const struct fa_guide *guide, struct fa_str word, struct fa_err *err);
/* The display name of a person or group; the name itself if it has none. */
const char *fa_guide_display(const struct fa_guide *guide, const char *name);
/* Keeps it for a day when the daemon is not there. Best effort. */
void fa_guide_keep(const struct fa_world *world, const struct fa_guide *guide);

#endif

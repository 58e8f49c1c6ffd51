/* SPDX-License-Identifier: MIT */
/* What the maintenance windows and inhibitions of a configuration would have hidden in the last 30
 * days, by the daemon that runs. */
#ifndef FA_CLIENT_HINDSIGHT_H
#define FA_CLIENT_HINDSIGHT_H

#include "client/client.h"
#include "config/config.h"

#include <jansson.h>

/* One object for each: kind, name, stretches (of a window: how often it was open), and what the
 * daemon answers. Ends with the first that it does not tell. The caller's. */
json_t *fa_hindsight_ask(const struct fa_client *client, const struct fa_config *config);
/* A line for each. */
void fa_hindsight_say(struct fa_screen *screen, const json_t *list);

#endif

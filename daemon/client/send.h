/* SPDX-License-Identifier: MIT */
/* Sends what the spool holds, each filing under its one key until its receipt was given. */
#ifndef FA_CLIENT_SEND_H
#define FA_CLIENT_SEND_H

#include "client/client.h"

/* Keeps the filing, sends it, prints the receipt on client->out. Returns the exit code. On
 * FA_EXIT_OK *ret_receipt is the receipt (free() it), else NULL. */
int fa_send_new(struct fa_client *client, const struct fa_filing *filing, char **ret_receipt);
/* Sends what waits from earlier runs; receipts go to client->talk. Says nothing when nothing waits.
 * Returns the worst exit code. Stops at the first that finds no daemon. */
int fa_send_waiting(struct fa_client *client);

#endif

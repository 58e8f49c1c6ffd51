/* SPDX-License-Identifier: MIT */
/* The conversation of `firealarm file` with somebody who may be afraid and in a hurry. */
#ifndef FA_CLIENT_INTERVIEW_H
#define FA_CLIENT_INTERVIEW_H

#include "client/client.h"
#include "client/filing.h"

/* Asks for what the filing does not say yet, shows who will be told, lets the reporter strike and
 * raise, asks once. 0: file it. FA_ECLOSED: the person stopped or said no; nothing was kept. */
int fa_interview(struct fa_client *client, struct fa_filing *filing) FA_MUST_CHECK;

#endif

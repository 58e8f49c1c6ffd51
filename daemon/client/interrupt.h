/* SPDX-License-Identifier: MIT */
/* Ctrl-C and its kin as a question instead of a death: a filing that is written is not torn. */
#ifndef FA_CLIENT_INTERRUPT_H
#define FA_CLIENT_INTERRUPT_H

#include <stdbool.h>

/* SIGINT, SIGTERM and SIGHUP are noted from now on and end reads with EINTR; SIGPIPE is ignored. */
void fa_interrupt_init(void);
bool fa_interrupted(void);

#endif

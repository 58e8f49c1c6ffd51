/* SPDX-License-Identifier: MIT */
/* Questions on a terminal: plain lines, so that they work over any connection and with any reader
 * of screens. All return 0, FA_ECLOSED when the person stopped (Ctrl-C, or the end of input where
 * an answer was needed), and print the question on client->talk. */
#ifndef FA_CLIENT_ASK_H
#define FA_CLIENT_ASK_H

#include "client/client.h"

/* One line without its newline, cleaned and trimmed. */
int fa_ask_line(struct fa_client *client, const char *question,
                struct fa_buf *ret_line) FA_MUST_CHECK;
/* 1..count, or one of the words; asks until it gets one. words may be NULL, so may its members. */
int fa_ask_number(struct fa_client *client, const char *question, size_t count,
                  const char *const *words, size_t *ret_index) FA_MUST_CHECK;
/* y or n, which "(y/N)" behind the question says; Enter alone is no. */
int fa_ask_yes(struct fa_client *client, const char *question, bool *ret_yes) FA_MUST_CHECK;
/* Lines up to a single dot or the end of input; asks again while there is nothing. */
int fa_ask_text(struct fa_client *client, struct fa_buf *ret_text) FA_MUST_CHECK;

#endif

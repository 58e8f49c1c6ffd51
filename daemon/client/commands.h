/* SPDX-License-Identifier: MIT */
/* Every command's row, in the file named after it. */
#ifndef FA_CLIENT_COMMANDS_H
#define FA_CLIENT_COMMANDS_H

#include "client/client.h"
#include "client/command.h"

extern const struct fa_cmd fa_cmd_file, fa_cmd_guide, fa_cmd_status;
extern const struct fa_cmd fa_cmd_list, fa_cmd_show, fa_cmd_explain;
extern const struct fa_cmd fa_cmd_ack, fa_cmd_resolve, fa_cmd_comment, fa_cmd_recuse;
extern const struct fa_cmd fa_cmd_drill;
extern const struct fa_cmd fa_cmd_fetch_list;
extern const struct fa_cmd fa_cmd_oncall;
extern const struct fa_cmd fa_cmd_outbox_list, fa_cmd_outbox_retry, fa_cmd_outbox_drop;
extern const struct fa_cmd fa_cmd_silence_add, fa_cmd_silence_list, fa_cmd_silence_end;
extern const struct fa_cmd fa_cmd_channel_test;
extern const struct fa_cmd fa_cmd_feed_import;
extern const struct fa_cmd fa_cmd_directory_list, fa_cmd_directory_show, fa_cmd_directory_import;
extern const struct fa_cmd fa_cmd_backup, fa_cmd_restore;
extern const struct fa_cmd fa_cmd_check, fa_cmd_expr, fa_cmd_test, fa_cmd_backtest;
extern const struct fa_cmd fa_cmd_spool_list, fa_cmd_spool_send, fa_cmd_spool_retry,
    fa_cmd_spool_drop;

/* A text that is never on the command line: from --text-file, or asked for on a terminal, or else
 * standard input. Returns an exit code. */
int fa_take_text(struct fa_client *client, const char *file, const char *question,
                 struct fa_buf *ret_text);
/* "/v1/<collection>/<id><verb>" for an id as somebody typed it; complains and returns false if it
 * cannot be one. */
bool fa_id_path(struct fa_client *client, const char *collection, const char *id, const char *verb,
                struct fa_buf *ret_path);
/* "firealarm: " and the text on client->talk. Returns code. */
int fa_complain(struct fa_client *client, int code, const struct fa_err *err);

#endif

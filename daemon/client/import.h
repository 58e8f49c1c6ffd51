/* SPDX-License-Identifier: MIT */
/* A long text of lines cut into requests, and what came of them. */
#ifndef FA_CLIENT_IMPORT_H
#define FA_CLIENT_IMPORT_H

#include "base/buf.h"

#define FA_IMPORT_REASONS 5
#define FA_IMPORT_NAMES   10

/* Sends one piece of whole lines. A negative code ends the import. */
typedef int fa_import_send_fn(void *ctx, struct fa_str piece, struct fa_err *err);

struct fa_import {
    fa_import_send_fn *send;
    void *ctx;
    size_t piece_max;   /* bytes of one request */
    struct fa_buf held; /* lines that were not sent yet, the last one perhaps unfinished */
    struct fa_buf type; /* the last "# TYPE" line: what follows it in the next piece needs it too */
    uint64_t bytes, lines, requests; /* taken in; samples' lines and requests that went out */
    uint64_t refused;
    char reasons[FA_IMPORT_REASONS][200]; /* the first of them */
    size_t reason_count;
    bool is_counted;              /* each answer said what follows */
    uint64_t taken, ignored;      /* samples */
    char *names[FA_IMPORT_NAMES]; /* owned: the first that no rule reads */
    size_t name_count;
};

void fa_import_init(struct fa_import *import, size_t piece_max, fa_import_send_fn *send, void *ctx);
void fa_import_done(struct fa_import *import);
/* Bytes in any pieces. FA_ETOOBIG: a line is longer than a request may be; or what send said. */
int fa_import_put(struct fa_import *import, struct fa_str bytes, struct fa_err *err) FA_MUST_CHECK;
int fa_import_end(struct fa_import *import, struct fa_err *err) FA_MUST_CHECK;
/* Notes what an answer says: "120 taken", "30 ignored", "unwatched NAME" ..., each on a line and if
 * it is said at all; of a 400 behind that "3 refused; ..." and a reason on each further line. */
void fa_import_answer(struct fa_import *import, struct fa_str body, bool is_refusal);

#endif

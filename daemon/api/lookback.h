/* SPDX-License-Identifier: MIT */
/* The alarms of the last 30 days that are history, for previews: one walk, a page a turn. */
#ifndef FA_API_LOOKBACK_H
#define FA_API_LOOKBACK_H

#include "api/internal.h"

/* ctx is whoever asks. */
struct fa_lookback_reader {
    /* Meanwhile the caller may be somebody else to the alarms. False after an answer. */
    bool (*may_go_on)(void *ctx);
    /* ended: when it left those that are open, at the latest. */
    void (*take)(void *ctx, const struct fa_alarm *alarm, fa_time ended);
    /* All were taken; not complete: history is longer than one request looks through, or some of
     * it is damaged. */
    void (*over)(void *ctx, bool complete);
    void (*free)(void *ctx); /* after an answer that is not the reader's */
};

struct fa_lookback {
    struct fa_call call; /* the reader's, too: renewed before each page */
    const struct fa_lookback_reader *reader;
    void *ctx;
    fa_time from;
    unsigned pages;
};

/* Sets `from`. */
void fa_lookback_init(struct fa_lookback *walk, const struct fa_call *call,
                      const struct fa_lookback_reader *reader, void *ctx);
/* Walks from the newest on; may be called again from over(). Ends with over() or free(). */
void fa_lookback_walk(struct fa_lookback *walk);

#define FA_LOOKBACK_EXAMPLES 20
/* Appends it as lists have it, unless there are so many. */
void fa_lookback_example(const struct fa_lookback *walk, json_t *list,
                         const struct fa_alarm *alarm);

#endif

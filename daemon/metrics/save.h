/* SPDX-License-Identifier: MIT */
/* What is kept of samples, as bytes for a start after this run: series with their windows, and the
 * names of the catalogue. Written a slice at a time, while samples go on; each series is whole, all
 * together are of no one moment. */
#ifndef FA_METRICS_SAVE_H
#define FA_METRICS_SAVE_H

#include "base/buf.h"
#include "metrics/metrics.h"

/* Where a save is; zeros at first. */
struct fa_save {
    bool begun;
    uint32_t place;
    size_t name;
};

/* Appends the next slice, of about so many bytes but of one series at least. False: that was all.
 * now: of the first slice. */
bool fa_metrics_save(struct fa_metrics *metrics, struct fa_save *save, struct fa_now now,
                     size_t bytes, struct fa_buf *buf);

struct fa_loaded {
    uint64_t series;   /* taken */
    uint64_t unwanted; /* no rule reads them any more, or they are over a limit */
    fa_time saved;     /* wall */
};
/* Takes a whole save into metrics that got no sample yet, when the rules are there: what none of
 * them reads is left out, and the windows that they do read are filled. They are covered as they
 * were when it is at most 90 s old, or a 40th of the window's span; else anew from now on.
 * FA_EVERSION: of another version or machine; FA_EPARSE: damaged: then some of it is there, and it
 * is best to begin anew. FA_EINVAL: saved later than now: the clock was set back. */
int fa_metrics_load(struct fa_metrics *metrics, struct fa_str bytes, struct fa_now now,
                    struct fa_loaded *ret_loaded, struct fa_err *err) FA_MUST_CHECK;

#endif

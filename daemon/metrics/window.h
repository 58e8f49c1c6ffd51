/* SPDX-License-Identifier: MIT */
/* A window: the recent samples of one series, folded into slots. A slot exists only where samples
 * came. It is inside (from, to] when its newest sample is.
 *
 * Windows of at most FA_RAW_MAX keep a slot a second, packed (raw.c): at no more than one sample a
 * second all samples are there as they came. Longer ones keep over/1000 slots of those fields that
 * somebody reads (ring.c): a sample leaves them at most one slot's width late.
 *
 * A window that had two samples in one second has its newest slot open in a cache line of its own,
 * so that most samples touch nothing else; the others are calm and have no such line. */
#ifndef FA_METRICS_WINDOW_H
#define FA_METRICS_WINDOW_H

#include "metrics/points.h"
#include "metrics/pool.h"
#include "metrics/sketch.h"
#include "metrics/slot.h"

#include <stddef.h>
#include <stdint.h>

#define FA_RAW_MAX FA_HOUR

/* Fields of the slots of a long window. */
enum fa_reads {
    FA_READS_LAST = 1, /* what most need: the points */
    FA_READS_COUNT = 2,
    FA_READS_SAMPLES = 4, /* how many came, whatever their weight */
    FA_READS_SUM = 8,
    FA_READS_MIN = 16,
    FA_READS_MAX = 32,
    FA_READS_INCREASE = 64,
    FA_READS_ALL = 127,
};

/* over: of the window; sketch: quantiles are read. */
fa_time fa_window_width(fa_time over, bool sketch);

struct fa_window {
    fa_time open_end;       /* the open slot takes samples before it; INT64_MIN: none is open */
    struct fa_window *next; /* of the series; the owner's */
    fa_time since;          /* the samples from then on are known; FA_NEVER: none yet */
    uint32_t place;         /* the pool's */
    uint32_t span_ms;       /* the longest `over` that somebody reads, or UINT32_MAX */
    union {
        struct { /* raw: where its last chunk ends */
            fa_time last_at;
            double last;
            uint32_t delta, first;
        } raw;
        struct {         /* long */
            char *slots; /* ring of those but the open one, oldest first from head; with sketches,
                            pointers to theirs follow it, and to the open one's */
            fa_time span;
            uint32_t width;
            uint16_t head, count;
        } ring;
    } u;
    uint32_t last_chunk;
    uint16_t size; /* raw: bits used of the last chunk; long: slots that the ring has room for */
    union {
        uint8_t reads;   /* long: enum fa_reads */
        uint8_t changes; /* raw: what was done but appending, FA_CHANGE_*, counted */
    };
    uint8_t fold : 2;
    uint8_t is_raw : 1;
    uint8_t sketch : 1;
    uint8_t is_busy : 1;   /* there is a slot behind it */
    uint8_t is_spread : 1; /* raw: its first chunk has ended */
    struct fa_slot open[];
};
_Static_assert(sizeof(struct fa_window) == 64, "a cache line");

#define FA_CHANGE_LEFT    0x01u /* chunks are gone, as all they had is over */
#define FA_CHANGE_INSIDE  0x10u /* slots were changed */
#define FA_CHANGE_SAMPLES 6u    /* in so many samples neither is counted round */

/* The memory of windows. */
struct fa_windows {
    struct fa_pool calm, busy;   /* struct fa_window, without and with an open slot */
    struct fa_pool small, large; /* struct fa_packed */
};
void fa_windows_init(struct fa_windows *all);
void fa_windows_done(struct fa_windows *all); /* each window was freed */

/* reads: of a long window; sketch asks for all. */
struct fa_window *fa_window_new(struct fa_windows *all, enum fa_fold fold, fa_time span,
                                uint8_t reads, bool sketch);
void fa_window_free(struct fa_windows *all, struct fa_window *window);
fa_time fa_window_span(const struct fa_window *window);
/* Takes a longer span from now on. What has left the shorter one stays unknown. A raw window stays
 * raw. */
void fa_window_extend(struct fa_windows *all, struct fa_window *window, fa_time span);
/* An empty window takes over what another of the same series knows. */
void fa_window_seed(struct fa_windows *all, struct fa_window *window, const struct fa_window *from);

enum fa_taken {
    FA_TAKEN_NOT, /* older than the span, dropped */
    FA_TAKEN,
    FA_TAKEN_LATER, /* not yet: it needs fa_window_wake first */
};
/* A late sample goes into its own slot. */
enum fa_taken fa_window_take(struct fa_windows *all, struct fa_window *window,
                             const struct fa_sample *sample, fa_time now);
/* A calm window with an open slot: another one in its place, which is freed. */
struct fa_window *fa_window_wake(struct fa_windows *all, struct fa_window *window);

/* The same as fa_window_take, and fast for what most samples of a busy window are: not before the
 * newest in the newest slot. */
static inline enum fa_taken fa_window_add(struct fa_windows *all, struct fa_window *window,
                                          const struct fa_sample *sample, fa_time now)
{
    struct fa_slot *slot = window->open;
    if (sample->time >= window->open_end || sample->time < slot->last_at + sample->corrects ||
        window->sketch || sample->time <= now - window->span_ms) {
        return fa_window_take(all, window, sample, now);
    }
    if (window->fold == FA_FOLD_DELTA) {
        slot->increase += sample->increase;
        slot->u.count += sample->weight;
    } else if (window->fold == FA_FOLD_VALUE) {
        slot->increase += fa_slot_difference(slot->last, sample->value);
    }
    slot->last_at = sample->time;
    slot->last = sample->value;
    slot->sum += sample->value * sample->weight;
    slot->min = fa_least(slot->min, sample->value);
    slot->max = fa_most(slot->max, sample->value);
    slot->samples += slot->samples < UINT32_MAX;
    return FA_TAKEN;
}

/* The samples of one series in (from, to]. */
struct fa_summary {
    uint64_t samples; /* 0: all else is meaningless */
    uint64_t points;  /* slots: when there are less than samples, the window is thinned */
    double count, sum, min, max, increase;
    double first, last; /* the points fa_window_points gives first and last */
    fa_time first_at, last_at;
    double between;    /* the increase from `first` to `last`, resets corrected */
    fa_time next_at;   /* when the oldest slot leaves, or one from behind `to` comes; FA_NEVER */
    bool has_increase; /* at least one pair of samples, or a delta */
};

/* With a sketch not NULL, the slots' sketches are merged into it. What a long window was not asked
 * to keep means nothing. */
struct fa_summary fa_window_read(const struct fa_windows *all, const struct fa_window *window,
                                 fa_time from, fa_time to, struct fa_sketch *sketch);
struct fa_range {
    fa_time from, to;
};

/* Behind a slot of a raw window. */
struct fa_pack_place {
    uint32_t chunk, delta;
    uint16_t bits;
    uint8_t done; /* slots of the chunk */
};

/* What a reader keeps between two readings of one window, so that the second looks only at what
 * came and what left. All zeros at first. */
struct fa_follow {
    struct fa_pack_place front, back; /* behind the range's first slot; behind all that is packed */
    fa_time back_at;
    double back_last;
    double first_increase;        /* of the first slot, from the one before it */
    double front_more, back_more; /* see follow.c */
    uint64_t samples;             /* of the packed slots of the range */
    uint32_t points;
    uint32_t first_samples; /* of the first slot */
    uint32_t version;       /* of the series */
    uint8_t changes;        /* of the window */
    bool is_valid : 1;
    bool has_before : 1; /* of first_increase */
    bool back_any : 1;   /* some slot has part in back_more */
};
/* The same as fa_window_read without count, sum, min and max, of a raw window with increases. The
 * time it takes does not grow with the window. *summary: what the last call with this *follow gave;
 * from and to are not before that call's. */
void fa_window_follow(const struct fa_windows *all, const struct fa_window *window,
                      struct fa_range range, struct fa_follow *follow, struct fa_summary *summary);
/* As fa_link_points; the newest sample of each slot is a point. */
size_t fa_window_points(const struct fa_windows *all, const struct fa_window *window,
                        struct fa_range range, struct fa_point *ret, size_t max);
/* Adds one more sample to what was read. */
void fa_summary_add(struct fa_summary *summary, const struct fa_sample *sample);

#endif

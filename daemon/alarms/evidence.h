/* SPDX-License-Identifier: MIT */
/* Evidence: what the numbers were when something was decided about an alarm that a rule raised. One
 * stored row of kind FA_ROW_EVIDENCE for each such moment; journal and alarm hold none of it.
 *
 * The engine writes the row's beginning as an action of the step that decided, and so in its
 * transaction; the host, who has the rules, appends what they say at that moment (fields of a
 * record may be put behind each other) before it stores the row. Nothing is built for a decision
 * that is not kept.
 *
 * An alarm has at most FA_EVIDENCE_SLOTS rows, each of at most FA_EVIDENCE_BYTES_MAX bytes:
 *   slot 0       when it was raised: the first
 *   slot 1       when its value was worst since
 *   slot 2 ...   a ring of the latest: steps, data gone, back and good again
 * The key is the alarm's id and the slot, one byte. Slot 0 is a row of kind FA_ROW_RAISED, whose
 * time is the alarm's `raised`: it is written for each alarm of a storm, never again, and an index
 * by keys, which are random, would cost more than all else of an alarm together. So it is found by
 * that time. */
#ifndef FA_ALARMS_EVIDENCE_H
#define FA_ALARMS_EVIDENCE_H

#include "alarms/alarm.h"
#include "metrics/points.h"

#define FA_EVIDENCE_SLOTS     16
#define FA_EVIDENCE_RING      14
#define FA_EVIDENCE_KEY_BYTES (FA_ID_BYTES + 1)
#define FA_EVIDENCE_BYTES_MAX ((size_t)16 * 1024)
#define FA_EVIDENCE_TEXT_MAX  2048 /* bytes of an expression; of its parts a quarter */
#define FA_EVIDENCE_PARTS     48
#define FA_EVIDENCE_POINTS    60

/* The last bit that is set names the moment. */
enum fa_evidence_cause {
    FA_CAUSE_WORSE = 1,
    FA_CAUSE_STEP = 2,
    FA_CAUSE_RESUMED = 4,
    FA_CAUSE_UNKNOWN = 8,
    FA_CAUSE_CLEAR = 16,
    FA_CAUSE_RAISED = 32,
};
/* "raised" and so on. */
const char *fa_evidence_cause_name(uint32_t causes);

/* A part of the expression and an element of what it yields, in the order of the tree; more
 * elements of the same part follow it with the same text. */
struct fa_evidence_part {
    uint32_t depth;             /* 0: the whole */
    bool is_clear;              /* of the clear condition */
    struct fa_str text, labels; /* labels: of the element; empty: a number, or nothing */
    double value;               /* NaN: it yields nothing */
    uint64_t samples;           /* of a range */
};
struct fa_evidence_point { /* one sample, or all of a sixtieth of the window */
    fa_time at;            /* wall: of the newest in it */
    double min, last;
};

/* Texts are borrowed from whatever it was read from, or from whoever fills it. */
struct fa_evidence {
    /* The engine's. */
    uint32_t causes;
    fa_time at; /* wall */
    enum fa_level level;
    double value;        /* as signalled; NaN: none */
    fa_time since;       /* wall: the sample that made it so */
    fa_time for_ms;      /* the rule's */
    uint32_t step, loop; /* about to be told, or told last; step counts from 1, 0: none yet */
    struct fa_str rule, labels;
    /* The rules', at the end of the same turn. */
    bool has_rule;      /* it is configured and knows the label set */
    struct fa_str expr; /* as written */
    struct fa_str full; /* with `define` substituted; empty: the same */
    double now_value;   /* NaN: none */
    bool has_above, has_below, has_clear_above, has_clear_below;
    double above, below, clear_above, clear_below;
    bool or_equal;           /* it fires at above or below, too */
    fa_time over, look_back; /* 0: none */
    fa_time newest;          /* wall: its newest sample; 0: none */
    fa_time covered_at;      /* wall; 0: needs no cover; FA_NEVER: no data yet */
    uint64_t samples;        /* in the window */
    struct fa_str empty;     /* the selector that found too few samples; empty: none */
    struct fa_str reason;    /* why its evaluation failed; empty: it did not */
    struct fa_evidence_part parts[FA_EVIDENCE_PARTS];
    size_t part_count;
    struct fa_evidence_point points[FA_EVIDENCE_POINTS];
    size_t point_count;
    bool bucketed; /* a point stands for more than one sample */
    bool cut;      /* a text or list was too long to be kept whole */
};

/* One sample of (from, e->at], of each series from its oldest on; `begins`: the first of a series.
 * More than FA_EVIDENCE_POINTS, or of more than one series, are folded into as many buckets. */
void fa_evidence_add(struct fa_evidence *evidence, struct fa_point point, fa_time from,
                     bool begins);
/* After the last one. */
void fa_evidence_seal(struct fa_evidence *evidence);

/* The engine's fields; then the rules'. Texts that are too long are cut, and `cut` is stored. */
void fa_evidence_encode_head(const struct fa_evidence *evidence, struct fa_buf *buf);
void fa_evidence_encode_rule(const struct fa_evidence *evidence, struct fa_buf *buf);
/* One part more behind them, as often as there are parts; *count begins with how many evidence has.
 * What has no room is left out, and `cut` is stored. */
void fa_evidence_encode_part(const struct fa_evidence_part *part, size_t *count,
                             struct fa_buf *buf);
/* Texts point into bytes. FA_ECORRUPT. */
int fa_evidence_decode(struct fa_str bytes, struct fa_evidence *ret_evidence) FA_MUST_CHECK;

void fa_evidence_key(struct fa_alarm_id alarm, unsigned slot, uint8_t ret[FA_EVIDENCE_KEY_BYTES]);

#endif

/* SPDX-License-Identifier: MIT */
/* What the rules say about a decision, for `explain`: behind the engine's words in a row of
 * evidence, at the moment it is written.
 *
 * A row is finished within the engine's step, so what it says is what was decided on: rules have
 * evaluated that label set just then, or nothing of it changed since. Only a rule that is evaluated
 * whole cannot be asked while it runs: its rows are finished when the rules have run, in the same
 * turn and transaction. */
#include "app/internal.h"

#include "alarms/evidence.h"
#include "base/panic.h"

#include <math.h>
#include <string.h>

/* Series that may be read in one turn to explain expressions that are evaluated whole: each part is
 * an evaluation over all of them, of some tenths of a microsecond each. */
#define EXPLAINED_MAX 10000

/* ---- a row ---- */

struct picture {
    struct fa_evidence *evidence;
    fa_time from;
    bool begins;
};

static void add_points(void *ctx, const struct fa_point *points, size_t count, bool more)
{
    struct picture *picture = ctx;
    for (size_t i = 0; i < count; i++) {
        fa_evidence_add(picture->evidence, points[i], picture->from, picture->begins);
        picture->begins = false;
    }
    picture->begins = !more;
}

struct parts {
    struct fa_buf *row;
    size_t count;
};

static void add_part(void *ctx, const struct fa_explained *explained)
{
    struct parts *parts = ctx;
    const struct fa_evidence_part part = {
        .depth = explained->depth,
        .is_clear = explained->is_clear,
        .text = fa_str_of(explained->text),
        .labels = fa_str_of(explained->labels),
        .value = explained->has_value ? explained->value : (double)NAN,
        .samples = explained->samples,
    };
    fa_evidence_encode_part(&part, &parts->count, parts->row);
}

static void take_look(struct fa_evidence *e, const struct fa_rule_look *look)
{
    e->has_rule = true;
    e->now_value = look->status.value;
    e->newest = look->status.newest;
    e->covered_at = look->status.covered_at;
    e->samples = look->status.samples;
    e->over = look->over;
    e->look_back = look->look_back;
    e->has_above = look->has_above, e->above = look->above;
    e->has_below = look->has_below, e->below = look->below;
    e->or_equal = look->or_equal;
    e->has_clear_above = look->has_clear_above, e->clear_above = look->clear_above;
    e->has_clear_below = look->has_clear_below, e->clear_below = look->clear_below;
}

/* What finishing a row takes, besides the row. */
struct finish {
    struct fa_evidence evidence;
    char rule[FA_EVIDENCE_TEXT_MAX], labels[FA_EVIDENCE_TEXT_MAX + 1];
    struct fa_buf expr, full, empty, reason;
};

static void describe(struct fa_daemon *daemon, struct finish *f, struct fa_buf *row)
{
    struct fa_evidence *e = &f->evidence;
    fa_rules_text(daemon->rules, f->rule, false, &f->expr);
    fa_rules_text(daemon->rules, f->rule, true, &f->full);
    e->expr = fa_buf_str(&f->expr);
    e->full = fa_str_eq(fa_buf_str(&f->full), e->expr) ? e->full : fa_buf_str(&f->full);
    e->empty = fa_buf_str(&f->empty);
    e->reason = fa_buf_str(&f->reason);
    if (!e->cut) {
        struct picture picture = {e, e->at - (e->over > 0 ? e->over : e->look_back), true};
        fa_rules_points(daemon->rules, f->rule, f->labels, add_points, &picture);
        fa_evidence_seal(e);
    }
    fa_evidence_encode_rule(e, row);
}

static void copy(char *buf, size_t size, struct fa_str text)
{
    size_t len = text.len < size ? text.len : size - 1;
    if (len > 0) {
        memcpy(buf, text.ptr, len);
    }
    buf[len] = '\0';
}

/* False: its parts can be had only when the rules have run. */
static bool finish(struct fa_daemon *daemon, struct finish *f, struct fa_buf *row)
{
    struct fa_rule_look look;
    struct parts parts = {row, 0};
    struct fa_evidence *e = &f->evidence;
    copy(f->rule, sizeof f->rule, e->rule);
    copy(f->labels, sizeof f->labels, e->labels);
    if (!fa_rules_look(daemon->rules, f->rule, f->labels, &look, &f->empty, &f->reason)) {
        return true;
    }
    if (look.is_whole && daemon->rules_run) {
        return false;
    }
    bool in_parts = daemon->explained + look.series <= EXPLAINED_MAX;
    take_look(e, &look);
    e->cut = !in_parts;
    describe(daemon, f, row);
    if (in_parts) {
        daemon->explained += look.series;
        (void)!fa_rules_explain(daemon->rules, f->rule, f->labels, add_part, &parts);
    }
    return true;
}

bool fa_evidence_finish(struct fa_daemon *daemon, struct fa_str head, struct fa_buf *row)
{
    struct finish f;
    bool finished = true;
    fa_buf_clear(row);
    fa_buf_putstr(row, head);
    if (fa_evidence_decode(head, &f.evidence) != 0 || f.evidence.cut) {
        return true;
    }
    fa_buf_init(&f.expr, FA_EVIDENCE_BYTES_MAX);
    fa_buf_init(&f.full, FA_EVIDENCE_BYTES_MAX);
    fa_buf_init(&f.empty, FA_EVIDENCE_BYTES_MAX);
    fa_buf_init(&f.reason, FA_EVIDENCE_BYTES_MAX);
    finished = finish(daemon, &f, row);
    fa_buf_done(&f.expr);
    fa_buf_done(&f.full);
    fa_buf_done(&f.empty);
    fa_buf_done(&f.reason);
    return finished;
}

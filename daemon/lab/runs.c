/* SPDX-License-Identifier: MIT */
/* Reads one item at a time and expands nothing: a year of samples is one item. A value is computed
 * from its place and not added up, so that 0+0.1x10 ends at 1. */
#include "lab/runs.h"
#include "rules/query.h"

#include <ctype.h>
#include <math.h>

static struct fa_str take_item(struct fa_str *rest)
{
    struct fa_str text = *rest;
    size_t from = 0, to;
    while (from < text.len && (text.ptr[from] == ' ' || text.ptr[from] == '\t')) {
        from++;
    }
    for (to = from;
         to < text.len && text.ptr[to] != ' ' && text.ptr[to] != ',' && text.ptr[to] != '\t';
         to++) {
    }
    struct fa_str item = {text.ptr + from, to - from};
    while (to < text.len && (text.ptr[to] == ' ' || text.ptr[to] == '\t')) {
        to++;
    }
    bool comma = to < text.len && text.ptr[to] == ',';
    *rest = to == text.len ? (struct fa_str){0}
                           : (struct fa_str){text.ptr + to + comma, text.len - to - comma};
    return item;
}

/* Takes `xN` off the end of the item. */
static int take_times(struct fa_str *item, uint64_t *ret_times)
{
    size_t at = item->len;
    while (at > 0 && isdigit((unsigned char)item->ptr[at - 1])) {
        at--;
    }
    if (at == item->len || at < 2 || item->ptr[at - 1] != 'x') {
        return 0;
    }
    int ret = fa_parse_u64((struct fa_str){item->ptr + at, item->len - at}, ret_times);
    item->len = at - 1;
    return ret != 0 || *ret_times >= FA_RUN_COUNT_MAX ? FA_ERANGE : 0;
}

/* Where the step's sign is; 0: it has none. A sign behind an e belongs to the number. */
static size_t find_step(struct fa_str item)
{
    for (size_t i = item.len; i-- > 1;) {
        if ((item.ptr[i] == '+' || item.ptr[i] == '-') && item.ptr[i - 1] != 'e' &&
            item.ptr[i - 1] != 'E') {
            return i;
        }
    }
    return 0;
}

static int read_number(struct fa_str text, double *ret_number)
{
    if (fa_str_is(text, "none")) {
        *ret_number = (double)NAN;
        return 0;
    }
    return fa_number_parse(text, ret_number);
}

int fa_run_next(struct fa_str *rest, struct fa_run *ret_run)
{
    struct fa_str item = take_item(rest);
    struct fa_run run = {.count = 1};
    uint64_t times = UINT64_MAX;
    if (fa_str_is(item, "stale")) {
        *ret_run = (struct fa_run){.kind = FA_RUN_STALE, .count = 1};
        return 0;
    }
    int ret = take_times(&item, &times);
    bool repeats = times != UINT64_MAX;
    if (ret == 0 && fa_str_is(item, "_")) {
        run.kind = FA_RUN_MISSING;
        run.count = repeats ? (uint32_t)times : 1;
    } else if (ret == 0) {
        size_t sign = repeats ? find_step(item) : 0;
        run.count += repeats ? (uint32_t)times : 0;
        if (sign > 0) {
            ret = read_number((struct fa_str){item.ptr + sign, item.len - sign}, &run.step);
            item.len = sign;
        }
        ret = ret == 0 ? read_number(item, &run.first) : ret;
    }
    if (ret == 0) {
        *ret_run = run;
    }
    return ret;
}

double fa_run_value(const struct fa_run *run, uint32_t at)
{
    return run->step != 0 ? run->first + run->step * at : run->first;
}

/* SPDX-License-Identifier: MIT */
/* A JSON array cut into its elements, byte by byte, in any pieces.
 *
 * Only what tells where an element ends is looked at: strings, escapes, braces and brackets. What
 * is inside is jansson's to judge, an element at a time, so that memory is bounded by one element
 * however large the body is. An element that is too long is skipped to its end and counted.
 *
 * Not checked here: that brackets and braces pair up. `[{]}` ends somewhere; jansson refuses it. */
#include "alertmanager.h"

#include <string.h>

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void refuse(struct alerts *alerts, const char *why)
{
    struct firealarm_text text = {alerts->element, alerts->len < 200 ? alerts->len : 200};
    alerts->sink->reject(alerts->sink->ctx, why, text);
    alerts->why = alerts->refused++ == 0 ? why : alerts->why;
}

static void finish(struct alerts *alerts)
{
    const char *why = alerts->too_long ? "an alert is too long"
                                       : alert_read(alerts->sink, alerts->element, alerts->len);
    if (why != NULL) {
        refuse(alerts, why);
    } else {
        alerts->taken++;
    }
    alerts->len = 0;
    alerts->too_long = 0;
}

static void keep(struct alerts *alerts, char c)
{
    if (alerts->len < sizeof alerts->element) {
        alerts->element[alerts->len++] = c;
    } else {
        alerts->too_long = 1;
    }
}

static void in_element(struct alerts *alerts, char c)
{
    if (alerts->in_string) {
        int ends = c == '"' && !alerts->escaped;
        alerts->escaped = c == '\\' && !alerts->escaped;
        alerts->in_string = !ends;
    } else if (alerts->depth == 0 && (c == ',' || c == ']')) {
        finish(alerts);
        alerts->state = c == ',' ? ARRAY_NEXT : ARRAY_AFTER;
        return;
    } else if (c == '"') {
        alerts->in_string = 1;
    } else if (c == '{' || c == '[') {
        alerts->depth++;
    } else if ((c == '}' || c == ']') && alerts->depth > 0) {
        alerts->depth--;
    }
    keep(alerts, c);
}

static void take(struct alerts *alerts, char c)
{
    switch (alerts->state) {
    case ARRAY_BEFORE:
        alerts->state = c == '[' ? ARRAY_FIRST : ARRAY_BROKEN;
        break;
    case ARRAY_FIRST:
        if (c == ']') {
            alerts->state = ARRAY_AFTER;
            break;
        }
        /* fall through */
    case ARRAY_NEXT:
        if (c == ',' || c == ']') {
            alerts->state = ARRAY_BROKEN;
            break;
        }
        alerts->state = ARRAY_INSIDE;
        in_element(alerts, c);
        break;
    case ARRAY_INSIDE:
        in_element(alerts, c);
        break;
    case ARRAY_AFTER:
    case ARRAY_BROKEN:
        alerts->state = ARRAY_BROKEN;
        break;
    }
}

void array_feed(struct alerts *alerts, struct firealarm_text bytes)
{
    for (size_t i = 0; i < bytes.len && alerts->state != ARRAY_BROKEN; i++) {
        if (alerts->state == ARRAY_INSIDE || !is_blank(bytes.ptr[i])) {
            take(alerts, bytes.ptr[i]);
        }
    }
}

const char *array_end(struct alerts *alerts)
{
    if (alerts->state == ARRAY_AFTER) {
        return NULL;
    }
    int ended_early = alerts->state == ARRAY_INSIDE || alerts->state == ARRAY_FIRST ||
                      alerts->state == ARRAY_NEXT;
    const char *why = ended_early ? "the array has no end" : "the body is no JSON array";
    refuse(alerts, why);
    return why;
}

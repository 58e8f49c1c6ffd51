/* SPDX-License-Identifier: MIT */
/* Inside the plugin: one POST of alerts on its way through array.c and alert.c. */
#ifndef ALERTMANAGER_H
#define ALERTMANAGER_H

#include "firealarm/decoder.h"

#include <stdint.h>

#define ALERT_BYTES_MAX (64 * 1024) /* of one alert; what is longer is skipped whole */
#define ALERT_PAIRS_MAX 64          /* labels of one alert, and annotations */

enum array_state {
    ARRAY_BEFORE, /* blanks up to "[" */
    ARRAY_FIRST,  /* an element or "]" */
    ARRAY_INSIDE, /* in an element */
    ARRAY_NEXT,   /* an element: a comma came before */
    ARRAY_AFTER,  /* blanks after "]" */
    ARRAY_BROKEN, /* it is no JSON array */
};

struct alerts {
    const struct firealarm_sink *sink; /* during feed() only */
    enum array_state state;
    uint32_t depth; /* open braces and brackets of the element */
    int in_string, escaped;
    uint32_t taken, refused;
    const char *why; /* of the first refused */
    size_t len;
    int too_long;
    char element[ALERT_BYTES_MAX];
};

/* Takes the next bytes of a JSON array and hands each element to alert_read as soon as it is whole.
 * So no body needs to be kept, and one bad alert spoils no other. */
void array_feed(struct alerts *alerts, struct firealarm_text bytes);
/* After the last bytes: NULL, or why the body was no whole array. */
const char *array_end(struct alerts *alerts);

/* One element of the array: tells the sink of the alert. NULL, or why it is refused. */
const char *alert_read(const struct firealarm_sink *sink, const char *text, size_t len);

#endif

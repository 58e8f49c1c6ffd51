/* SPDX-License-Identifier: MIT */
/* JSON written straight into one growing text: a storm is thousands of bodies, and a tree of values
 * for each costs more than everything else about it. */
#ifndef FA_PLUGIN_WEBHOOK_JSON_H
#define FA_PLUGIN_WEBHOOK_JSON_H

#include <firealarm/notifier.h>

#include <stddef.h>
#include <stdint.h>

struct json {
    char *text; /* NUL-terminated; NULL: nothing yet */
    size_t len, cap;
    int bad; /* a text was no UTF-8, or memory is out: what is in it is no JSON */
};

void json_done(struct json *json);
void json_raw(struct json *json, const char *text); /* punctuation, names, literals */
/* A string of at most max bytes of text, cut between characters. */
void json_text(struct json *json, struct firealarm_text text, size_t max);
void json_number(struct json *json, int64_t number);
/* "2026-11-22T08:40:00Z"; null for no time. */
void json_time(struct json *json, int64_t ms);

#endif

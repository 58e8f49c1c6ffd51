/* SPDX-License-Identifier: MIT */
/* The records between a calendar's reader and its process.
 *
 * What an answer that was read says holds for all who use it: the zone has shifts in rising order
 * and sane offsets, every span is not empty and within what was asked for. An answer that was cut
 * short lacks its end and is none. */
#include "calendar/frame.h"
#include "base/panic.h"
#include "base/texts.h"
#include "child/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET_MAX    (26 * 3600) /* seconds; clocks differ from UTC by less */
#define ATTENDEES_MAX 64u
#define SUMMARY_MAX   400u

enum { ASK_BUILD = 1, ASK_FROM, ASK_UNTIL, ASK_ZONE, ASK_TEXT };
enum { ANSWER_BUILD = 1, ANSWER_ERROR, ANSWER_SHIFT, ANSWER_EVENT, ANSWER_END };
enum { SHIFT_FROM = 1, SHIFT_OFFSET, SHIFT_ABBR };
enum { EVENT_FROM = 1, EVENT_UNTIL, EVENT_SPECIAL, EVENT_SUMMARY, EVENT_ATTENDEE };

const char *fa_calendar_build(void)
{
    return FA_CALENDAR_BUILD;
}

static void event_done(struct fa_calendar_event *event)
{
    free(event->summary);
    fa_texts_free(event->attendees, event->attendee_count);
}

void fa_calendar_answer_done(struct fa_calendar_answer *answer)
{
    for (size_t i = 0; i < answer->event_count; i++) {
        event_done(&answer->events[i]);
    }
    free(answer->events);
    free(answer->error);
    free(answer->zone.name);
    free(answer->zone.shifts);
    *answer = (struct fa_calendar_answer){0};
}

int fa_calendar_put_ask(struct fa_buf *out, const struct fa_calendar_ask *ask)
{
    if (ask->text.len > FA_CALENDAR_TEXT_MAX) {
        return FA_ETOOBIG;
    }
    fa_frame_put_cstr(out, ASK_BUILD, ask->build);
    fa_rec_put_i64(out, ASK_FROM, ask->from);
    fa_rec_put_i64(out, ASK_UNTIL, ask->until);
    fa_frame_put_cstr(out, ASK_ZONE, ask->zone);
    if (ask->text.ptr != NULL) {
        fa_rec_put_bytes(out, ASK_TEXT, ask->text.ptr, ask->text.len);
    }
    return out->over ? FA_ETOOBIG : 0;
}

static void put_event(struct fa_buf *out, const struct fa_calendar_event *event)
{
    size_t from = out->len;
    fa_rec_put_i64(out, EVENT_FROM, event->span.from);
    fa_rec_put_i64(out, EVENT_UNTIL, event->span.until);
    fa_rec_put_u64(out, EVENT_SPECIAL, event->is_special);
    fa_rec_put_text(out, EVENT_SUMMARY, event->summary);
    for (size_t i = 0; i < event->attendee_count; i++) {
        fa_rec_put_text(out, EVENT_ATTENDEE, event->attendees[i]);
    }
    fa_rec_wrap(out, ANSWER_EVENT, from);
}

int fa_calendar_put_answer(struct fa_buf *out, const struct fa_calendar_answer *answer)
{
    fa_frame_put_cstr(out, ANSWER_BUILD, FA_CALENDAR_BUILD);
    fa_rec_put_text(out, ANSWER_ERROR, answer->error);
    for (size_t i = 0; answer->error == NULL && i < answer->zone.count; i++) {
        const struct fa_zone_shift *shift = &answer->zone.shifts[i];
        size_t from = out->len;
        fa_rec_put_i64(out, SHIFT_FROM, shift->from);
        fa_rec_put_i64(out, SHIFT_OFFSET, shift->offset_s);
        fa_rec_put_text(out, SHIFT_ABBR, shift->abbr);
        fa_rec_wrap(out, ANSWER_SHIFT, from);
    }
    for (size_t i = 0; answer->error == NULL && i < answer->event_count; i++) {
        put_event(out, &answer->events[i]);
    }
    fa_rec_put_u64(out, ANSWER_END, 1);
    return out->over ? FA_ETOOBIG : 0;
}

static int check_build(const char *build, const char *where, struct fa_err *err)
{
    if (build != NULL && strcmp(build, FA_CALENDAR_BUILD) != 0) {
        return fa_err_set(err, FA_EVERSION,
                          "%s is build \"%.64s\", this is build \"%s\": both must come from one "
                          "installation; install both",
                          where, build, FA_CALENDAR_BUILD);
    }
    return 0;
}

int fa_calendar_get_ask(struct fa_str record, struct fa_calendar_ask *ret_ask, struct fa_err *err)
{
    struct fa_calendar_ask ask = {0};
    struct fa_walk walk = fa_walk_start("calendar ASK", record);
    while (fa_walk_next(&walk)) {
        switch (walk.field.tag) {
        case ASK_BUILD:
            fa_walk_cstr(&walk, &ask.build);
            break;
        case ASK_FROM:
            ask.from = fa_walk_i64(&walk);
            break;
        case ASK_UNTIL:
            ask.until = fa_walk_i64(&walk);
            break;
        case ASK_ZONE:
            fa_walk_cstr(&walk, &ask.zone);
            break;
        case ASK_TEXT:
            fa_walk_str(&walk, &ask.text);
            break;
        default:
            break;
        }
    }
    bool whole = ask.build != NULL && ask.zone != NULL && ask.from >= 0 && ask.from < ask.until &&
                 ask.until - ask.from <= FA_DURATION_MAX;
    int rc = fa_walk_end(&walk, whole, err);
    *ret_ask = ask;
    return rc == 0 ? check_build(ask.build, "who asks firealarm-calendar", err) : rc;
}

/* ---- the answer ---- */

static char *own_text(const struct fa_walk *walk, size_t max)
{
    struct fa_str text = walk->field.bytes;
    bool plain = walk->field.type == FA_REC_BYTES && text.len <= max &&
                 (text.len == 0 || memchr(text.ptr, '\0', text.len) == NULL);
    return plain ? fa_xstrndup(text.len > 0 ? text.ptr : "", text.len) : NULL;
}

static void get_shift(struct fa_walk *outer, struct fa_zone *zone)
{
    struct fa_zone_shift shift = {0};
    struct fa_str record = {"", 0};
    fa_walk_str(outer, &record);
    struct fa_walk walk = fa_walk_start("calendar SHIFT", record);
    while (fa_walk_next(&walk)) {
        if (walk.field.tag == SHIFT_FROM) {
            shift.from = fa_walk_i64(&walk);
        } else if (walk.field.tag == SHIFT_OFFSET) {
            int64_t offset = fa_walk_i64(&walk);
            walk.bad = walk.bad || offset < -OFFSET_MAX || offset > OFFSET_MAX;
            shift.offset_s = walk.bad ? 0 : (int32_t)offset;
        } else if (walk.field.tag == SHIFT_ABBR) {
            char *abbr = own_text(&walk, sizeof shift.abbr - 1);
            walk.bad = abbr == NULL || fa_str_has_control(fa_str_of(abbr));
            snprintf(shift.abbr, sizeof shift.abbr, "%s", abbr != NULL ? abbr : "");
            free(abbr);
        }
    }
    bool rises = zone->count == 0 || shift.from > zone->shifts[zone->count - 1].from;
    if (walk.bad || walk.reader.bad || !rises || zone->count == FA_CALENDAR_SHIFTS_MAX) {
        outer->bad = true;
        return;
    }
    zone->shifts = fa_xrealloc(zone->shifts, (zone->count + 1) * sizeof *zone->shifts);
    zone->shifts[zone->count++] = shift;
}

static void get_event(struct fa_walk *outer, const struct fa_calendar_ask *ask,
                      struct fa_calendar_answer *answer)
{
    struct fa_calendar_event event = {0};
    struct fa_str record = {"", 0};
    fa_walk_str(outer, &record);
    struct fa_walk walk = fa_walk_start("calendar EVENT", record);
    while (fa_walk_next(&walk)) {
        if (walk.field.tag == EVENT_FROM) {
            event.span.from = fa_walk_i64(&walk);
        } else if (walk.field.tag == EVENT_UNTIL) {
            event.span.until = fa_walk_i64(&walk);
        } else if (walk.field.tag == EVENT_SPECIAL) {
            event.is_special = fa_walk_u64(&walk, 1) != 0;
        } else if (walk.field.tag == EVENT_SUMMARY) {
            free(event.summary);
            event.summary = own_text(&walk, SUMMARY_MAX);
            walk.bad = event.summary == NULL;
        } else if (walk.field.tag == EVENT_ATTENDEE) {
            char *mail = own_text(&walk, SUMMARY_MAX);
            walk.bad = mail == NULL || event.attendee_count == ATTENDEES_MAX;
            if (!walk.bad) {
                fa_texts_add(&event.attendees, &event.attendee_count, fa_str_of(mail));
            }
            free(mail);
        }
    }
    bool within = ask->from <= event.span.from && event.span.from < event.span.until &&
                  event.span.until <= ask->until;
    if (walk.bad || walk.reader.bad || !within || answer->event_count == FA_CALENDAR_EVENTS_MAX) {
        event_done(&event);
        outer->bad = true;
        return;
    }
    answer->events =
        fa_xgrow(answer->events, answer->event_count, &answer->event_cap, sizeof *answer->events);
    answer->events[answer->event_count++] = event;
}

int fa_calendar_get_answer(struct fa_str record, const struct fa_calendar_ask *ask,
                           struct fa_calendar_answer *ret_answer, struct fa_err *err)
{
    struct fa_calendar_answer *answer = ret_answer;
    struct fa_walk walk = fa_walk_start("calendar ANSWER", record);
    const char *build = NULL;
    bool has_end = false;
    *answer = (struct fa_calendar_answer){.zone.name = fa_xstrdup(ask->zone)};
    while (fa_walk_next(&walk)) {
        switch (walk.field.tag) {
        case ANSWER_BUILD:
            fa_walk_cstr(&walk, &build);
            break;
        case ANSWER_ERROR:
            free(answer->error);
            answer->error = own_text(&walk, sizeof err->text);
            walk.bad = answer->error == NULL;
            break;
        case ANSWER_SHIFT:
            get_shift(&walk, &answer->zone);
            break;
        case ANSWER_EVENT:
            get_event(&walk, ask, answer);
            break;
        case ANSWER_END:
            has_end = fa_walk_u64(&walk, 1) == 1;
            break;
        default:
            break;
        }
    }
    bool whole = build != NULL && has_end && (answer->error != NULL || answer->zone.count > 0);
    int rc = check_build(build, "firealarm-calendar", err);
    return rc == 0 ? fa_walk_end(&walk, whole, err) : rc;
}

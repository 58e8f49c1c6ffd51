/* SPDX-License-Identifier: MIT */
/* The daemon's answers as people read them. Each takes any JSON whatever: members that are missing
 * or of another type are left out, and every text goes through fa_clean(). */
#ifndef FA_CLIENT_RENDER_H
#define FA_CLIENT_RENDER_H

#include "client/screen.h"

#include <jansson.h>

void fa_render_guide(struct fa_screen *screen, const json_t *guide);
/* "yours to solve" and so on; NULL or unknown gives "to be decided". */
const char *fa_level_words(const char *level);
void fa_render_preview(struct fa_screen *screen, const json_t *preview);
/* Who is told, numbered from 1. */
void fa_render_told(struct fa_screen *screen, const json_t *told);
void fa_render_receipt(struct fa_screen *screen, const json_t *answer);
void fa_render_status(struct fa_screen *screen, const json_t *status);
void fa_render_alarms(struct fa_screen *screen, const json_t *answer, fa_time now);
void fa_render_alarm(struct fa_screen *screen, const json_t *alarm, fa_time now);
void fa_render_explain(struct fa_screen *screen, const json_t *body);
void fa_render_rule(struct fa_screen *screen, const json_t *rule);
void fa_render_silence_preview(struct fa_screen *screen, const json_t *preview, fa_time now);
void fa_render_silence_set(struct fa_screen *screen, const json_t *silence);
void fa_render_silences(struct fa_screen *screen, const json_t *answer);
/* What hides the alarm, appended to buf; false: nothing does. */
bool fa_render_hidden(const json_t *alarm, struct fa_buf *buf);
/* How often it came and went, likewise. */
bool fa_render_flaps(const json_t *alarm, struct fa_buf *buf);
void fa_render_outbox(struct fa_screen *screen, const json_t *answer, fa_time now);

#endif

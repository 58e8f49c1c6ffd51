/* SPDX-License-Identifier: MIT */
/* Wrong codes on the links of one person to one alarm. Whoever types a code has the link and may
 * not have the message: a few tries are a person's, more are a thief's.
 *
 * Invariants:
 *  1. FA_GUESSES_MAX wrong codes lock every link of that person to that alarm, for good; an alarm
 *     that nobody owns and nothing hides climbs at once, as if the step had failed, and the
 *     operators hear of it.
 *  2. The count is in the alarm's row: a restart gives no new tries.
 *  3. What the operators hear is the same of every alarm: one of them may be kept out of it.
 *  4. Whoever owned the alarm has shown that the message is his: what he mistyped is forgotten.
 *
 * It does not know what a right code is: that is asked where links are made (api/link.h). */
#include "alarms/internal.h"

#include <stdlib.h>
#include <string.h>

static struct fa_guess *find(const struct fa_alarm *alarm, const char *person)
{
    struct fa_guesses *guesses = alarm->people->guesses;
    for (size_t i = 0; guesses != NULL && i < guesses->count; i++) {
        if (strcmp(guesses->items[i].person, person) == 0) {
            return &guesses->items[i];
        }
    }
    return NULL;
}

uint32_t fa_alarm_guesses_left(const struct fa_alarm *alarm, const char *person)
{
    const struct fa_guess *guess = find(alarm, person);
    uint32_t wrong = guess != NULL ? guess->wrong : 0;
    return wrong < FA_GUESSES_MAX ? FA_GUESSES_MAX - wrong : 0;
}

struct fa_guess *fa_guess_add(struct fa_alarm *alarm)
{
    struct fa_guesses **guesses = &fa_alarm_people(alarm)->guesses;
    size_t count = *guesses != NULL ? (*guesses)->count : 0;
    *guesses = fa_xrealloc(*guesses, sizeof **guesses + (count + 1) * sizeof(struct fa_guess));
    (*guesses)->count = count + 1;
    (*guesses)->items[count] = (struct fa_guess){.person = ""};
    return &(*guesses)->items[count];
}

void fa_guesses_forget(struct fa_alarm *alarm, const char *person)
{
    struct fa_guess *guess = find(alarm, person);
    if (guess != NULL && guess->wrong < FA_GUESSES_MAX) {
        guess->wrong = 0;
    }
}

static void lock(struct fa_engine *engine, struct fa_alarm *alarm, const char *who)
{
    fa_journal_alarm(engine, FA_J_LOCKED, alarm, who, FA_GUESSES_MAX);
    if (alarm->state == FA_ALARM_UNACKED) {
        int rc = fa_alarm_event(engine, alarm, FA_AEV_DUE, NULL);
        fa_assert(rc == 0);
    }
    fa_trouble_once(engine, "link-locked",
                    "wrong codes were typed on a link to own an alarm: somebody may have it who is "
                    "not its reader. It is locked; an alarm that waits for an owner went on to the "
                    "next");
}

int fa_wrong_code(struct fa_engine *engine, struct fa_alarm *alarm, const char *who)
{
    if (alarm == NULL || alarm->state == FA_ALARM_PENDING || alarm->state == FA_ALARM_RESOLVED) {
        return FA_ENOTFOUND;
    }
    struct fa_guess *guess = find(alarm, who);
    if (guess == NULL) {
        guess = fa_guess_add(alarm);
        guess->person = fa_intern(&engine->texts, who);
    }
    if (guess->wrong >= FA_GUESSES_MAX) {
        return FA_EDENIED;
    }
    guess->wrong++;
    fa_touch_alarm(engine, alarm);
    fa_journal_alarm(engine, FA_J_WRONG_CODE, alarm, who, guess->wrong);
    if (guess->wrong == FA_GUESSES_MAX) {
        lock(engine, alarm, who);
    }
    return 0;
}

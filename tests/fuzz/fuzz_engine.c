/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Bytes as a story: each pair is an event and its argument. After every event the world checks the
 * invariants (a firing alarm has its next step on the clock, nobody conflicted is told, the lists
 * agree); now and then the engine is killed and made anew from its rows. */
#include "world.h"

#include <stdlib.h>

static const struct fa_alarm *some_alarm(const struct world *w, uint8_t which)
{
    const struct fa_alarm *alarm = w->engine->alarms.first;
    for (; alarm != NULL && which > 0 && alarm->after != NULL; which--) {
        alarm = alarm->after;
    }
    return alarm;
}

static void act(struct world *w, enum fa_event_kind kind, uint8_t arg)
{
    static const char *const who[] = {"lead", "boss", "ceo", "i1"};
    const struct fa_alarm *alarm = some_alarm(w, arg / 4);
    if (alarm != NULL) {
        world_act(w, kind, alarm, who[arg % 4], arg % 8 * 10 * FA_MINUTE);
    }
}

static void note(struct world *w, enum fa_event_kind kind, uint8_t arg)
{
    const struct fa_notification *n = w->engine->notifications.first;
    for (; n != NULL && arg > 0 && n->after != NULL; arg--) {
        n = n->after;
    }
    if (n != NULL) {
        struct fa_event event = {.kind = kind};
        event.u.note.id = n->id;
        world_step_event(w, event);
    }
}

static void trouble(struct world *w, uint8_t arg)
{
    struct fa_event event = {.kind = FA_EV_TROUBLE};
    event.u.trouble.code = arg % 2 ? "store-full" : "feed-silent";
    event.u.trouble.text = "something";
    event.u.trouble.over = arg & 2;
    world_step_event(w, event);
}

static void happen(struct world *w, uint8_t what, uint8_t arg)
{
    static const char *const labels[] = {"", "q=\"1\"", "q=\"2\"", "q=\"3\""};
    static const char *const categories[] = {"mess", "stuck", "lying", "unheard-of"};
    static const char *const about[] = {NULL, "rep",      "boss", "ceo",
                                        "i1", "role:top", "zoe",  "lead"};
    static const fa_time spans[] = {1, FA_SECOND, FA_MINUTE, 15 * FA_MINUTE, FA_HOUR, FA_DAY};
    switch (what % 14) {
    case 0:
    case 1:
        world_signal(w, arg & 4 ? "late" : "slow", labels[arg & 3],
                     (enum fa_level)(arg / 8 % FA_LEVEL__COUNT));
        break;
    case 2:
        world_file(w, arg, categories[arg % 4], about[arg / 4 % 8], arg / 32 % 5 - 1);
        break;
    case 3:
        act(w, FA_EV_ACK, arg);
        break;
    case 4:
        act(w, FA_EV_RESOLVE, arg);
        break;
    case 5:
        act(w, FA_EV_COMMENT, arg);
        break;
    case 6:
        world_answer(w, (enum fa_verdict_kind)(arg % 4));
        break;
    case 7:
        if (w->send_count > 0) {
            world_verdict(w, w->sends[arg % w->send_count], (enum fa_verdict_kind)(arg / 64));
        }
        break;
    case 8:
    case 9:
        world_advance(w, spans[arg % 6]);
        break;
    case 10:
        note(w, arg & 1 ? FA_EV_REPLAY : FA_EV_DROP, arg / 2);
        break;
    case 11:
        trouble(w, arg);
        break;
    case 12:
        act(w, FA_EV_WRONG_CODE, arg);
        break;
    default:
        if (arg % 4 == 0) {
            world_restart(w);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w;
    world_begin_firm(&w);
    w.setup.outbox_max = 40;
    w.setup.alarms_open_max = 6;
    for (size_t i = 0; i + 1 < size && i < 400; i += 2) {
        happen(&w, data[i], data[i + 1]);
    }
    world_done(&w);
    return 0;
}

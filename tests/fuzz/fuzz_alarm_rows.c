/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Arbitrary bytes as stored rows: kind, length (2 bytes), bytes, again and again; then START and a
 * few ticks. Whatever damage left, the engine's invariants hold afterwards. */
#include "world.h"

#include <stdlib.h>

static void run(struct fa_engine *engine, struct fa_now now)
{
    struct fa_actions actions;
    struct fa_event event = {.kind = FA_EV_START, .rng = {{3, 4}}};
    fa_actions_init(&actions);
    event.u.start.last_wall = now.wall;
    fa_engine_step(engine, &event, now, &actions);
    for (size_t i = 0; i < 20; i++) {
        fa_time at = fa_engine_next_deadline(engine);
        if (at == FA_NEVER) {
            break;
        }
        at = at > now.mono ? at : now.mono;
        now.wall += at - now.mono;
        now.mono = at;
        event = (struct fa_event){.kind = FA_EV_TICK, .rng = {{i + 1, 4}}};
        fa_actions_clear(&actions);
        fa_engine_step(engine, &event, now, &actions);
    }
    fa_actions_done(&actions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct fa_err err;
    if (w.engine == NULL) {
        static char *readers[] = {(char *)"lead"};
        world_begin_firm(&w);
        w.setup.weekly = (struct fa_weekly){.to = readers, .to_count = 1};
    }
    struct fa_engine *engine = fa_engine_new(&w.setup);
    for (size_t at = 0; at + 3 <= size;) {
        size_t len = (size_t)data[at + 1] | (size_t)data[at + 2] << 8;
        enum fa_row_kind kind = data[at] == 255   ? FA_ROW_PACE
                                : data[at] == 254 ? FA_ROW_DRILL
                                : data[at] == 253 ? FA_ROW_TALLY
                                : data[at] == 252 ? FA_ROW_KEPT_OUT
                                : data[at] == 251 ? FA_ROW_FURTHER
                                                  : (enum fa_row_kind)(data[at] % 4 + 1);
        at += 3;
        len = len < size - at ? len : size - at;
        struct fa_str value = {(const char *)data + at, len};
        int rc = fa_engine_load_row(engine, kind, value, value, &err);
        (void)rc; /* refused rows are half of the matter */
        at += len;
    }
    run(engine, w.now);
    fa_engine_free(engine);
    return 0;
}

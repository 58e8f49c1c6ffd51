/* SPDX-License-Identifier: MIT */
/* links: fa_calendar fa_child fa_people fa_base */
/* What a calendar's process is asked and answers, as either side may get it: behind the build of
 * this side come any bytes. What decodes is encoded and decoded again: the same bytes. */
#include "base/panic.h"
#include "calendar/frame.h"
#include "child/frame.h"

#include <string.h>

static const struct fa_calendar_ask asked = {
    .from = 0, .until = 1000 * FA_DAY, .zone = "Europe/Berlin"};

static int ask_again(struct fa_str record, struct fa_buf *out)
{
    struct fa_calendar_ask ask;
    struct fa_err err = {0};
    int rc = fa_calendar_get_ask(record, &ask, &err);
    fa_assert(rc == 0 || err.text[0] != '\0');
    return rc == 0 ? fa_calendar_put_ask(out, &ask) : rc;
}

static void check_answer(const struct fa_calendar_answer *answer)
{
    for (size_t i = 1; i < answer->zone.count; i++) {
        fa_assert(answer->zone.shifts[i - 1].from < answer->zone.shifts[i].from);
    }
    for (size_t i = 0; i < answer->event_count; i++) {
        fa_assert(answer->events[i].span.from >= asked.from);
        fa_assert(answer->events[i].span.from < answer->events[i].span.until);
        fa_assert(answer->events[i].span.until <= asked.until);
    }
}

static int answer_again(struct fa_str record, struct fa_buf *out)
{
    struct fa_calendar_answer answer;
    struct fa_err err = {0};
    int rc = fa_calendar_get_answer(record, &asked, &answer, &err);
    fa_assert(rc == 0 || err.text[0] != '\0');
    if (rc == 0) {
        check_answer(&answer);
        rc = fa_calendar_put_answer(out, &answer);
    }
    fa_calendar_answer_done(&answer);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_buf record, once, twice;
    if (size == 0) {
        return 0;
    }
    int (*again)(struct fa_str, struct fa_buf *) = data[0] == 'q' ? ask_again : answer_again;
    fa_buf_init(&record, 4 * FA_CALENDAR_ANSWER_MAX);
    fa_buf_init(&once, 4 * FA_CALENDAR_ANSWER_MAX);
    fa_buf_init(&twice, 4 * FA_CALENDAR_ANSWER_MAX);
    fa_frame_put_cstr(&record, 1, fa_calendar_build());
    fa_buf_put(&record, data + 1, size - 1);
    if (again(fa_buf_str(&record), &once) == 0) {
        int rc = again(fa_buf_str(&once), &twice);
        fa_assert(rc == 0);
        fa_assert(fa_str_eq(fa_buf_str(&once), fa_buf_str(&twice)));
    }
    fa_buf_done(&record);
    fa_buf_done(&once);
    fa_buf_done(&twice);
    return 0;
}

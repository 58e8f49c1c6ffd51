/* SPDX-License-Identifier: MIT */
/* links: fa_config fa_people fa_base */
/* Weekly hours and days away: what is taken can be spread over weeks, and says what is wrong else.
 */
#include "base/panic.h"
#include "config/hours.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_str text = {(const char *)data, size};
    static struct fa_zone_shift shifts[] = {{0, 3600, "CET"},
                                            {INT64_C(1774746000000), 7200, "CEST"}};
    const struct fa_zone zone = {.shifts = shifts, .count = 2};
    const struct fa_span range = {INT64_C(1774500000000), INT64_C(1775500000000)};
    struct fa_hours hours;
    struct fa_span days;
    struct fa_spans spans = {0};
    struct fa_err err = {0};
    if (fa_hours_parse(text, &hours, &err) == 0) {
        fa_assert(hours.from < hours.until && hours.until <= 2 * FA_DAY);
        fa_hours_spread(&hours, &zone, range, &spans);
        for (size_t i = 0; i < spans.count; i++) {
            fa_assert(spans.list[i].from >= range.from && spans.list[i].until <= range.until);
        }
    } else {
        fa_assert(err.text[0] != '\0');
    }
    if (fa_days_parse(text, &days, &err) == 0) {
        fa_assert(days.until - days.from >= FA_DAY && days.from % FA_DAY == 0);
    }
    fa_spans_done(&spans);
    return 0;
}

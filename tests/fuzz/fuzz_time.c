/* SPDX-License-Identifier: MIT */
/* links: fa_base */
/* Times of requests: whatever is taken is written and read back as the same; what is taken as
 * "since" lies between 1970 and tomorrow. */
#include "base/panic.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fa_time wall = 0, back = 0;
    char text[32];
    struct fa_str since = {(const char *)data, size};
    struct fa_err err = {0};
    const fa_time now = INT64_C(1795334400000);
    fa_time any = 0;
    int rc = fa_parse_since(since, now, &back, &err);
    fa_assert(rc == 0 ? back >= 0 && back <= now + FA_DAY : err.text[0] != '\0');
    fa_assert(rc != 0 || (fa_parse_since(since, FA_NEVER, &any, &err) == 0 && any == back));
    if (fa_parse_time((struct fa_str){(const char *)data, size}, &wall) != 0 || wall < 0 ||
        wall >= INT64_C(253402300800000)) {
        return 0; /* an offset may lead out of the years that are written */
    }
    fa_assert(fa_parse_time(fa_str_of(fa_time_format_ms(wall, text)), &back) == 0 && back == wall);
    return 0;
}

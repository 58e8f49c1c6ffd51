/* SPDX-License-Identifier: MIT */
/* links: fa_base fa_net */
/* Small values as people and programs write them: numbers, lengths of time, ids, hexadecimal,
 * addresses to listen at. What is taken is written and read back as the same; the helpers on slices
 * stay in their slice. */
#include "fuzz.h"

#include "base/id.h"
#include "net/peer.h"

#include <math.h>

static void check_numbers(struct fa_str text)
{
    double real = 0, real_again = 0;
    int64_t whole = 0;
    uint64_t natural = 0;
    fa_time length = 0, length_again = 0;
    char buf[40];
    if (fa_parse_double(text, &real) == 0) {
        fa_assert(isfinite(real));
        fa_assert(fa_parse_double(fa_str_of(fa_format_double(real, buf)), &real_again) == 0);
        fa_assert(memcmp(&real, &real_again, sizeof real) == 0);
    }
    int signed_rc = fa_parse_i64(text, &whole), unsigned_rc = fa_parse_u64(text, &natural);
    if (signed_rc == 0 && unsigned_rc == 0) {
        fa_assert(whole >= 0 && (uint64_t)whole == natural);
    }
    if (fa_parse_duration(text, &length) == 0) {
        fa_assert(length >= 0 && length <= 101 * 366 * FA_DAY);
        fa_assert(fa_parse_duration(fa_str_of(fa_format_duration(length, buf)), &length_again) ==
                  0);
        fa_assert(length == length_again);
    }
    enum fa_measure measure, again;
    if (fa_parse_measured(text, &length, &measure) == 0) {
        fa_assert(length >= 0 && length <= 101 * 366 * FA_DAY && measure < FA_MEASURE__COUNT);
        if (length < 10000 * FA_HOUR) { /* four digits are written */
            fa_assert(fa_parse_measured(fa_str_of(fa_format_measured(length, measure, buf)),
                                        &length_again, &again) == 0);
            fa_assert(length == length_again && measure == again);
        }
    }
}

/* What was read as plain characters stays as it is, and means the same id. */
static void check_typed(struct fa_str text, int rc, struct fa_id id)
{
    struct fa_id again;
    char *plain = fa_xmalloc(text.len + 1), *twice = fa_xmalloc(text.len + 1);
    struct fa_str once = {plain, fa_str_typed(text, plain)};
    fa_assert(once.len <= text.len);
    fa_assert(!fa_utf8_valid(text) || fa_utf8_valid(once));
    fa_assert(fa_str_eq(once, (struct fa_str){twice, fa_str_typed(once, twice)}) ||
              !fa_utf8_valid(text));
    if (rc == 0) {
        fa_assert(fa_id_parse(once, &again) == 0 && fa_id_eq(id, again));
    }
    free(plain);
    free(twice);
}

static void check_ids(struct fa_str text)
{
    struct fa_id id = {{0}}, again;
    uint8_t bytes[16];
    char buf[40];
    check_typed(text, fa_id_parse(text, &id), id);
    if (fa_id_parse(text, &id) == 0) {
        fa_assert(fa_id_parse(fa_str_of(fa_id_format(id, buf)), &again) == 0);
        fa_assert(fa_id_eq(id, again));
    }
    if (fa_unhex(text, bytes, sizeof bytes) == 0) {
        fa_assert(fa_str_is(text, fa_hex(bytes, sizeof bytes, buf)));
    }
}

static void check_slices(struct fa_str text)
{
    struct fa_str rest = text;
    size_t parts = 0, bytes = 0;
    for (; rest.ptr != NULL && parts <= text.len; parts++) {
        bytes += fa_str_cut(rest, ',', &rest).len;
    }
    fa_assert(bytes + parts == text.len + 1);
    struct fa_str trimmed = fa_str_trim(text);
    fa_assert(trimmed.len <= text.len);
    for (size_t max = 0; max <= text.len && max < 9; max++) {
        size_t len = fa_utf8_cut(text, max);
        fa_assert(len <= max &&
                  (!fa_utf8_valid(text) || fa_utf8_valid((struct fa_str){text.ptr, len})));
    }
}

static void check_words(struct fa_str text)
{
    static const char *const names[] = {"policy", NULL, "severity", "for"};
    struct fa_endpoint endpoint;
    struct fa_err err = {0};
    char *word = fa_xstrndup(text.ptr, text.len);
    const char *near = fa_suggest(word, names, 4);
    fa_assert(near == NULL || near == names[0] || near == names[2] || near == names[3]);
    if (fa_endpoint_parse(word, &endpoint, &err) == 0) {
        fa_assert(endpoint.len > 0 && endpoint.len <= sizeof endpoint.addr);
    } else {
        fa_assert(err.code < 0 && err.text[0] != '\0');
    }
    free(word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy((struct fa_str){(const char *)data, size});
    struct fa_str text = {copy, size};
    check_numbers(text);
    check_ids(text);
    check_slices(text);
    check_words(text);
    free(copy);
    return 0;
}

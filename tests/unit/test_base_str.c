/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "base/str.h"
#include "base/id.h"
#include "base/heap.h"
#include "base/rec.h"

static void reads_decimal_numbers_and_nothing_else(void **state)
{
    static const struct {
        const char *text;
        int rc;
        double value;
    } rows[] = {
        {"0", 0, 0},
        {"-0", 0, -0.0},
        {"1", 0, 1},
        {"+1.5", 0, 1.5},
        {".5", 0, .5},
        {"5.", 0, 5},
        {"1e3", 0, 1000},
        {"1E-3", 0, .001},
        {"2.2250738585072014e-308", 0, 2.2250738585072014e-308},
        {"0.1", 0, 0.1},
        {"123456789012345678901234567890", 0, 123456789012345678901234567890.0},
        {"9007199254740993", 0, 9007199254740992.0},
        {"1e-400", 0, 0},
        {"1e400", FA_ERANGE, 0},
        {"", FA_EPARSE, 0},
        {".", FA_EPARSE, 0},
        {"e3", FA_EPARSE, 0},
        {"1e", FA_EPARSE, 0},
        {"1e+", FA_EPARSE, 0},
        {"0x10", FA_EPARSE, 0},
        {"inf", FA_EPARSE, 0},
        {"nan", FA_EPARSE, 0},
        {" 1", FA_EPARSE, 0},
        {"1 ", FA_EPARSE, 0},
        {"1,5", FA_EPARSE, 0},
        {"1.2.3", FA_EPARSE, 0},
        {"--1", FA_EPARSE, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = 42;
        int rc = fa_parse_double(fa_str_of(rows[i].text), &value);
        if (rc != rows[i].rc || (rc == 0 && value != rows[i].value)) {
            fail_msg("%s: rc %d value %.17g", rows[i].text, rc, value);
        }
    }
}

static void agrees_with_strtod_on_random_numbers(void **state)
{
    struct fa_rng rng = {{1, 2}};
    for (int i = 0; i < 200000; i++) {
        char text[64];
        double value = 0;
        uint64_t bits = fa_rng_next(&rng);
        double number;
        memcpy(&number, &bits, 8);
        if (!isfinite(number)) {
            continue;
        }
        snprintf(text, sizeof text, "%.*e", (int)(bits % 18), number);
        if (isinf(strtod(text, NULL))) {
            continue;
        }
        assert_int_equal(fa_parse_double(fa_str_of(text), &value), 0);
        if (value != strtod(text, NULL)) {
            fail_msg("%s", text);
        }
    }
}

static void reads_durations(void **state)
{
    static const struct {
        const char *text;
        int rc;
        fa_time ms;
    } rows[] = {
        {"250ms", 0, 250},
        {"15s", 0, 15000},
        {"15m", 0, 900000},
        {"1h30m", 0, 5400000},
        {"2d", 0, 172800000},
        {"1w", 0, 604800000},
        {"0s", 0, 0},
        {"", FA_EPARSE, 0},
        {"15", FA_EPARSE, 0},
        {"-5m", FA_EPARSE, 0},
        {"5 m", FA_EPARSE, 0},
        {"5M", FA_EPARSE, 0},
        {"m", FA_EPARSE, 0},
        {"30m1h", FA_EPARSE, 0},
        {"1m1m", FA_EPARSE, 0},
        {"99999w", FA_ERANGE, 0},
        {"99999999999999999999s", FA_ERANGE, 0},
        {"1.5h", FA_EPARSE, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fa_time ms = -1;
        int rc = fa_parse_duration(fa_str_of(rows[i].text), &ms);
        if (rc != rows[i].rc || (rc == 0 && ms != rows[i].ms)) {
            fail_msg("%s: rc %d ms %lld", rows[i].text, rc, (long long)ms);
        }
        char buf[40];
        fa_time again = -1;
        if (rc == 0 && fa_parse_duration(fa_str_of(fa_format_duration(ms, buf)), &again) == 0) {
            assert_int_equal(again, ms);
        }
    }
}

static void reads_business_time_and_durations(void **state)
{
    static const struct {
        const char *text;
        int rc;
        fa_time length;
        enum fa_measure measure;
        const char *back;
    } rows[] = {
        {"2 business days", 0, 2 * FA_DAY, FA_MEASURE_DAYS, "2 business days"},
        {"1 business day", 0, FA_DAY, FA_MEASURE_DAYS, "1 business day"},
        {"4 business hours", 0, 4 * FA_HOUR, FA_MEASURE_OPEN, "4 business hours"},
        {"1 business hours", 0, FA_HOUR, FA_MEASURE_OPEN, "1 business hour"},
        {"2  business days ", 0, 2 * FA_DAY, FA_MEASURE_DAYS, "2 business days"},
        {"1h30m", 0, 90 * FA_MINUTE, FA_MEASURE_CLOCK, "1h30m"},
        {"2d", 0, 2 * FA_DAY, FA_MEASURE_CLOCK, "2d"},
        {"business days", FA_EPARSE, 0, 0, NULL},
        {"two business days", FA_EPARSE, 0, 0, NULL},
        {"-2 business days", FA_EPARSE, 0, 0, NULL},
        {"2 days", FA_EPARSE, 0, 0, NULL},
        {"2 business weeks", FA_EPARSE, 0, 0, NULL},
        {"2.5 business days", FA_EPARSE, 0, 0, NULL},
        {"2 Business Days", FA_EPARSE, 0, 0, NULL},
        {"2 business days 1h", FA_EPARSE, 0, 0, NULL},
        {"36526 business days", FA_ERANGE, 0, 0, NULL},
        {"99999999999999999999 business hours", FA_ERANGE, 0, 0, NULL},
        {"", FA_EPARSE, 0, 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fa_time length = -1;
        enum fa_measure measure = FA_MEASURE_CLOCK;
        char buf[40];
        int rc = fa_parse_measured(fa_str_of(rows[i].text), &length, &measure);
        if (rc != rows[i].rc ||
            (rc == 0 && (length != rows[i].length || measure != rows[i].measure ||
                         strcmp(fa_format_measured(length, measure, buf), rows[i].back) != 0))) {
            fail_msg("%s: rc %d length %lld", rows[i].text, rc, (long long)length);
        }
    }
}

static void reads_rfc3339_times_and_nothing_else(void **state)
{
    static const struct {
        const char *text;
        fa_time wall; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-22T08:15:00Z", INT64_C(1795335300000)},
        {"2026-11-22t08:15:00z", INT64_C(1795335300000)},
        {"2026-11-22T09:45:00+01:30", INT64_C(1795335300000)},
        {"2026-11-22T02:15:00-06:00", INT64_C(1795335300000)},
        {"2026-11-22T08:15:00.25Z", INT64_C(1795335300250)},
        {"2026-11-22T08:15:00.0019999999999Z", INT64_C(1795335300001)},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
        {"2000-03-01T00:00:00Z", INT64_C(951868800000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
        {"", -1},
        {"2026-11-22", -1},
        {"2026-11-22T08:15Z", -1},
        {"2026-11-22T08:15:00", -1},
        {"2026-11-22 08:15:00Z", -1},
        {"2026-11-22T08:15:00Zx", -1},
        {" 2026-11-22T08:15:00Z", -1},
        {"2026-11-22T08:15:00.Z", -1},
        {"2026-11-22T08:15:00,5Z", -1},
        {"2026-11-22T08:15:00 01:00", -1},
        {"2026-11-22T08:15:00+0100", -1},
        {"2026-11-22T08:15:00+24:00", -1},
        {"2026-11-22T24:00:00Z", -1},
        {"2026-11-22T08:60:00Z", -1},
        {"2026-11-22T08:15:61Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-11-31T00:00:00Z", -1},
        {"2026-11-00T00:00:00Z", -1},
        {"2025-02-29T00:00:00Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"26-11-22T08:15:00Z", -1},
        {"+026-11-22T08:15:00Z", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fa_time wall = -1;
        int rc = fa_parse_time(fa_str_of(rows[i].text), &wall);
        if (rc != (rows[i].wall < 0 ? FA_EPARSE : 0) || wall != rows[i].wall) {
            fail_msg("%s: rc %d wall %lld", rows[i].text, rc, (long long)wall);
        }
    }
    for (fa_time wall = 0; wall < INT64_C(253402300800000); wall += 997 * FA_HOUR + 12345) {
        char text[32];
        fa_time back = -1;
        assert_int_equal(fa_parse_time(fa_str_of(fa_time_format_ms(wall, text)), &back), 0);
        assert_int_equal(back, wall);
    }
}

/* The one rule, for the client's --since and for the interface. */
static void since_is_a_day_or_a_time_from_1970_to_tomorrow(void **state)
{
    static const struct {
        const char *text;
        int rc;
        const char *says; /* where it is refused */
    } rows[] = {
        {"1970-01-01", 0, NULL},
        {"1970-01-01T00:00:00Z", 0, NULL},
        {"2026-11-22", 0, NULL},
        {"2026-11-22T08:15:00.5+01:00", 0, NULL},
        {"2026-11-23", 0, NULL},
        {"2026-11-23T08:00:00Z", 0, NULL},
        {"2026-11-23T08:00:01Z", FA_ERANGE, "in the future: it is 2026-11-22T08:00:00Z now"},
        {"2026-11-24", FA_ERANGE, "in the future"},
        {"9999-12-31", FA_ERANGE, "in the future"},
        {"1969-12-31", FA_ERANGE, "before 1970"},
        {"1969-12-31T23:59:59Z", FA_ERANGE, "before 1970"},
        {"1970-01-01T00:30:00+01:00", FA_ERANGE, "before 1970"},
        {"0000-02-29", FA_ERANGE, "before 1970"},
        {"1900-02-29", FA_EPARSE, "no time: write a day as 2026-11-20"},
        {"1969-13-01", FA_EPARSE, "no time"},
        {"2026-11-31", FA_EPARSE, "no time"},
        {"2026-11-2", FA_EPARSE, "no time"},
        {"2026-11-20 ", FA_EPARSE, "no time"},
        {"2026-11-20T", FA_EPARSE, "no time"},
        {"yesterday", FA_EPARSE, "no time"},
        {"", FA_EPARSE, "no time"},
    };
    const fa_time now = INT64_C(1795334400000); /* 2026-11-22 08:00 */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_err err = {0};
        fa_time wall = -1;
        int rc = fa_parse_since(fa_str_of(rows[i].text), now, &wall, &err);
        if (rc != rows[i].rc || (rc == 0) != (wall >= 0) ||
            (rc != 0 && strstr(err.text, rows[i].says) == NULL)) {
            fail_msg("%s: rc %d, %s", rows[i].text, rc, err.text);
        }
        rc = fa_parse_since(fa_str_of(rows[i].text), FA_NEVER, &wall, &err);
        assert_int_equal(
            rc, rows[i].says != NULL && strstr(rows[i].says, "future") != NULL ? 0 : rows[i].rc);
    }
}

static void knows_utf8(void **state)
{
    assert_true(fa_utf8_valid(FA_STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\xa5")));
    assert_false(fa_utf8_valid(FA_STR("\xc0\x80")));
    assert_false(fa_utf8_valid(FA_STR("\xed\xa0\x80")));
    assert_false(fa_utf8_valid(FA_STR("\xf5\x80\x80\x80")));
    assert_false(fa_utf8_valid(FA_STR("a\xc3")));
    assert_int_equal(fa_utf8_cut(FA_STR("a\xc3\xbc"), 2), 1);
}

static void formats_the_shortest_number_that_reads_back(void **state)
{
    char buf[32];
    assert_string_equal(fa_format_double(0.1, buf), "0.1");
    assert_string_equal(fa_format_double(120, buf), "120");
    assert_string_equal(fa_format_double(1.0 / 3, buf), "0.3333333333333333");
}

static void suggests_the_near_word_only(void **state)
{
    const char *words[] = {"metric", "above", NULL, "policy"};
    assert_string_equal(fa_suggest("metrik", words, 4), "metric");
    assert_string_equal(fa_suggest("polcy", words, 4), "policy");
    assert_null(fa_suggest("zebra", words, 4));
}

static void ids_survive_being_typed_by_people(void **state)
{
    struct fa_rng rng = {{7, 9}};
    for (int i = 0; i < 1000; i++) {
        struct fa_id id = fa_id_random(&rng), back;
        char text[FA_ID_TEXT_SIZE];
        fa_id_format(id, text);
        assert_int_equal(strlen(text), 19);
        assert_int_equal(fa_id_parse(fa_str_of(text), &back), 0);
        assert_true(fa_id_eq(id, back));
    }
    struct fa_id a, b;
    assert_int_equal(fa_id_parse(FA_STR(" 0000-1111-abcd-wxyz"), &a), 0);
    assert_int_equal(fa_id_parse(FA_STR("OoOoiIlLABCDWXYZ"), &b), 0);
    assert_true(fa_id_eq(a, b));
    assert_int_equal(fa_id_parse(FA_STR("0000-1111-abcd-wxy"), &a), FA_EPARSE);
    assert_int_equal(fa_id_parse(FA_STR("0000-1111-abcd-wxyzz"), &a), FA_EPARSE);
    assert_int_equal(fa_id_parse(FA_STR("0000-1111-abcd-wxyU"), &a), FA_EPARSE);
    assert_int_equal(fa_id_parse(FA_STR(""), &a), FA_EPARSE);
}

static void what_is_typed_or_pasted_is_read_as_plain_characters(void **state)
{
    static const struct {
        const char *typed, *plain;
    } rows[] = {
        {"", ""},
        {"7K2Q-M9XA", "7K2Q-M9XA"},
        {"7K2Q M9XA\t", "7K2Q-M9XA-"},
        {"7K2Q\u2010M9XA", "7K2Q-M9XA"},        /* hyphen */
        {"7K2Q\u2011M9XA", "7K2Q-M9XA"},        /* no-break hyphen */
        {"7K2Q\u2012M9XA", "7K2Q-M9XA"},        /* figure dash */
        {"7K2Q\u2013M9XA", "7K2Q-M9XA"},        /* en dash */
        {"7K2Q\u2014M9XA", "7K2Q-M9XA"},        /* em dash */
        {"7K2Q\u2015M9XA", "7K2Q-M9XA"},        /* bar */
        {"7K2Q\u2212M9XA", "7K2Q-M9XA"},        /* minus */
        {"7K2Q\ufe63M9XA", "7K2Q-M9XA"},        /* small hyphen */
        {"7K2Q\uff0dM9XA", "7K2Q-M9XA"},        /* full-width hyphen */
        {"7K2Q\u30fcM9XA", "7K2Q-M9XA"},        /* long vowel */
        {"7K2Q\u00adM9XA", "7K2QM9XA"},         /* soft hyphen */
        {"7K2Q-\u200bM9XA\ufeff", "7K2Q-M9XA"}, /* without width */
        {"\u202a7K2Q\u2060M9XA\u202c", "7K2QM9XA"},
        {"7K2Q\u00a0M9XA", "7K2Q-M9XA"}, /* no-break space */
        {"7K2Q\u2009M9XA", "7K2Q-M9XA"}, /* thin */
        {"7K2Q\u202fM9XA", "7K2Q-M9XA"}, /* narrow, no break */
        {"7K2Q\u3000M9XA", "7K2Q-M9XA"}, /* ideographic */
        {"\uff17\uff2b\uff12\uff31", "7K2Q"},
        {"\uff4b\uff5a", "kz"},
        {"7K2Q/M9XA_\u00e9\u4e00\U0001f600", "7K2Q/M9XA_\u00e9\u4e00\U0001f600"},
        {"7\xe2\x80-\xff\xe2\x80", "7\xe2\x80-\xff\xe2\x80"}, /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = strdup(rows[i].typed);
        struct fa_str typed = fa_str_of(text), plain = {text, 0};
        plain.len = fa_str_typed(typed, text);
        assert_true(fa_str_is(plain, rows[i].plain));
        free(text);
    }
    struct fa_id typed, plain;
    assert_int_equal(fa_id_parse(FA_STR("\u00a07K2Q\u2011M9XA\u20133DTR \uff37Z5E"), &typed), 0);
    assert_int_equal(fa_id_parse(FA_STR("7K2Q-M9XA-3DTR-WZ5E"), &plain), 0);
    assert_true(fa_id_eq(typed, plain));
}

static void a_heap_gives_deadlines_in_order(void **state)
{
    struct fa_heap heap = {0};
    struct fa_heap_node nodes[500] = {{0}};
    struct fa_rng rng = {{3, 4}};
    for (size_t i = 0; i < 500; i++) {
        fa_heap_set(&heap, &nodes[i], (fa_time)(fa_rng_next(&rng) % 1000));
    }
    for (size_t i = 0; i < 500; i += 3) {
        fa_heap_set(&heap, &nodes[i], i % 2 ? FA_NEVER : (fa_time)(fa_rng_next(&rng) % 1000));
    }
    fa_time last = -1;
    for (struct fa_heap_node *node; (node = fa_heap_first(&heap)) != NULL;) {
        assert_true(fa_heap_at(&heap, node) == fa_heap_next(&heap) && fa_heap_next(&heap) >= last);
        last = fa_heap_next(&heap);
        fa_heap_remove(&heap, node);
        fa_heap_remove(&heap, node);
    }
    assert_int_equal(heap.count, 0);
    fa_heap_done(&heap);
}

static void equal_deadlines_come_in_the_order_of_a_number_that_begins_anew(void **state)
{
    struct fa_heap heap = {0};
    struct fa_heap_node nodes[6];
    for (uint32_t i = 0; i < 6; i++) {
        nodes[i] = (struct fa_heap_node){.tie = UINT32_MAX - 2 + i};
    }
    for (size_t i = 6; i > 0; i--) {
        fa_heap_set(&heap, &nodes[i - 1], 7);
    }
    for (size_t i = 0; i < 6; i++) {
        assert_ptr_equal(fa_heap_first(&heap), &nodes[i]);
        fa_heap_remove(&heap, &nodes[i]);
        assert_int_equal(fa_heap_at(&heap, &nodes[i]), FA_NEVER);
    }
    assert_int_equal(fa_heap_next(&heap), FA_NEVER);
    fa_heap_done(&heap);
}

static void records_read_back_and_broken_ones_are_noticed(void **state)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 4096);
    fa_rec_put_u64(&buf, 1, UINT64_MAX);
    fa_rec_put_i64(&buf, 2, INT64_MIN);
    fa_rec_put_i64(&buf, 3, -1);
    fa_rec_put_f64(&buf, 4, -0.5);
    fa_rec_put_text(&buf, 500, "text");
    fa_rec_put_text(&buf, 6, NULL);
    struct fa_rec_reader reader = fa_rec_read(fa_buf_str(&buf));
    struct fa_rec_field field;
    assert_true(fa_rec_next(&reader, &field) && field.u64 == UINT64_MAX);
    assert_true(fa_rec_next(&reader, &field) && field.i64 == INT64_MIN);
    assert_true(fa_rec_next(&reader, &field) && field.i64 == -1);
    assert_true(fa_rec_next(&reader, &field) && field.f64 == -0.5);
    assert_true(fa_rec_next(&reader, &field) && fa_str_is(field.bytes, "text") && field.tag == 500);
    assert_false(fa_rec_next(&reader, &field));
    assert_false(reader.bad);
    /* Each cut is either at a field's end or noticed; no byte beyond the cut is read (ASan). */
    for (size_t len = 0; len < buf.len; len++) {
        char *copy = malloc(len + 1);
        memcpy(copy, buf.data, len);
        reader = fa_rec_read((struct fa_str){copy, len});
        while (fa_rec_next(&reader, &field)) {
        }
        free(copy);
    }
    fa_buf_done(&buf);
}

static void a_buffer_refuses_what_passes_its_limit_whole(void **state)
{
    struct fa_buf buf;
    fa_buf_init(&buf, 8);
    fa_buf_puts(&buf, "12345");
    fa_buf_puts(&buf, "6789");
    assert_true(buf.over);
    fa_buf_puts(&buf, "6");
    assert_string_equal(fa_buf_text(&buf), "12345");
    fa_buf_clear(&buf);
    fa_buf_printf(&buf, "%d", 12345678);
    assert_false(buf.over);
    fa_buf_drop(&buf, 6);
    assert_string_equal(fa_buf_text(&buf), "78");
    fa_buf_done(&buf);
}

static void times_are_written_as_rfc3339(void **state)
{
    char buf[32];
    assert_string_equal(fa_time_format(0, buf), "1970-01-01T00:00:00Z");
    assert_string_equal(fa_time_format(INT64_C(951782400000), buf), "2000-02-29T00:00:00Z");
    assert_string_equal(fa_time_format_ms(INT64_C(1795334400123), buf), "2026-11-22T08:00:00.123Z");
    assert_string_equal(fa_time_format(-1000, buf), "1969-12-31T23:59:59Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_decimal_numbers_and_nothing_else),
        cmocka_unit_test(agrees_with_strtod_on_random_numbers),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_business_time_and_durations),
        cmocka_unit_test(reads_rfc3339_times_and_nothing_else),
        cmocka_unit_test(since_is_a_day_or_a_time_from_1970_to_tomorrow),
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(formats_the_shortest_number_that_reads_back),
        cmocka_unit_test(suggests_the_near_word_only),
        cmocka_unit_test(ids_survive_being_typed_by_people),
        cmocka_unit_test(what_is_typed_or_pasted_is_read_as_plain_characters),
        cmocka_unit_test(a_heap_gives_deadlines_in_order),
        cmocka_unit_test(equal_deadlines_come_in_the_order_of_a_number_that_begins_anew),
        cmocka_unit_test(records_read_back_and_broken_ones_are_noticed),
        cmocka_unit_test(a_buffer_refuses_what_passes_its_limit_whole),
        cmocka_unit_test(times_are_written_as_rfc3339),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

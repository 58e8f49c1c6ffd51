/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "courier/frame.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static struct fa_frame_lists lists;

static void put_all(struct fa_buf *out)
{
    static const struct fa_option_given options[] = {
        {.name = "url", .text = {"https://x/", 10}, .file = "f.cfg", .line = 3},
        {.name = "fresh", .kind = FA_GIVEN_BOOL, .number = 1, .text = {"", 0}},
        {.name = "odd", .kind = FA_GIVEN_FLOAT, .real = 0.5, .text = {"", 0}}};
    static const struct firealarm_field fields[] = {{TEXT("queue"), TEXT("support")}};
    struct fa_frame_hello hello = {.build = "b", .abi = 1, .plugins_dir = "/p"};
    struct fa_frame_channel channel = {.name = "hook",
                                       .plugin = "webhook",
                                       .file = "f.cfg",
                                       .line = 2,
                                       .machine = true,
                                       .timeout = 1500,
                                       .options = options,
                                       .option_count = 3};
    static const struct firealarm_line lines_[] = {
        {.kind = TEXT("alarm"), .alarm = TEXT("A1"), .title = TEXT("one"), .ack_code = TEXT("9")},
        {.kind = TEXT(""), .when = TEXT("noon")}};
    static const struct firealarm_text words[] = {TEXT("Ja"), TEXT(""), TEXT("Nein")};
    struct fa_frame_send send = {.id = {{{1, 2, 3}}},
                                 .channel = "hook",
                                 .priority = FA_PRIORITY_HIGH,
                                 .alone = true,
                                 .notice = {.attempt = 2,
                                            .key = TEXT("k"),
                                            .title = TEXT("t"),
                                            .when = TEXT("w"),
                                            .since = -5,
                                            .loop = 7,
                                            .fields = fields,
                                            .field_count = 1,
                                            .lines = lines_,
                                            .line_count = 2,
                                            .language = TEXT("de"),
                                            .words = words,
                                            .word_count = 3}};
    struct fa_frame_verdict verdict = {.id = {{{1, 2, 3}}},
                                       .attempt = 2,
                                       .verdict = FIREALARM_RETRY,
                                       .status = 500,
                                       .detail = TEXT("HTTP 500"),
                                       .retry_after = -1,
                                       .duration = 31};
    struct fa_frame_ping ping = {UINT64_MAX};
    struct fa_frame_log log = {4, TEXT("word")};
    assert_int_equal(fa_frame_put_hello(out, &hello), 0);
    assert_int_equal(fa_frame_put_channel(out, &channel), 0);
    assert_int_equal(fa_frame_put_empty(out, FA_FRAME_CHANNELS_END), 0);
    assert_int_equal(fa_frame_put_send(out, &send), 0);
    assert_int_equal(fa_frame_put_verdict(out, &verdict), 0);
    assert_int_equal(fa_frame_put_ping(out, FA_FRAME_PING, &ping), 0);
    assert_int_equal(fa_frame_put_log(out, &log), 0);
}

static void check_one(const struct fa_frame *frame)
{
    struct fa_err err = {0};
    struct fa_frame_hello hello;
    struct fa_frame_channel channel;
    struct fa_frame_send send;
    struct fa_frame_verdict verdict;
    if (frame->type == FA_FRAME_HELLO) {
        assert_int_equal(fa_frame_get_hello(frame->record, &hello, &err), 0);
        assert_string_equal(hello.plugins_dir, "/p");
        assert_null(hello.credentials_dir);
    } else if (frame->type == FA_FRAME_CHANNEL) {
        assert_int_equal(fa_frame_get_channel(frame->record, &lists, &channel, &err), 0);
        assert_string_equal(channel.name, "hook");
        assert_true(channel.machine);
        assert_int_equal(channel.option_count, 3);
        assert_string_equal(channel.options[0].file, "f.cfg");
        assert_true(fa_str_is(channel.options[0].text, "https://x/"));
        assert_int_equal(channel.options[1].number, 1);
        assert_double_near(channel.options[2].real, 0.5, 0);
    } else if (frame->type == FA_FRAME_SEND) {
        assert_int_equal(fa_frame_get_send(frame->record, &lists, &send, &err), 0);
        assert_int_equal(send.id.id.bytes[2], 3);
        assert_int_equal(send.priority, FA_PRIORITY_HIGH);
        assert_true(send.alone);
        assert_int_equal(send.notice.since, -5);
        assert_int_equal(send.notice.loop, 7);
        assert_int_equal(send.notice.size, sizeof send.notice);
        assert_int_equal(send.notice.summary.len, 0);
        assert_memory_equal(send.notice.fields[0].value.ptr, "support", 7);
        assert_int_equal(send.notice.line_count, 2);
        assert_memory_equal(send.notice.lines[0].title.ptr, "one", 3);
        assert_memory_equal(send.notice.lines[0].ack_code.ptr, "9", 1);
        assert_int_equal(send.notice.lines[1].alarm.len, 0);
        assert_memory_equal(send.notice.language.ptr, "de", 2);
        assert_int_equal(send.notice.word_count, 3);
        assert_int_equal(send.notice.words[1].len, 0);
        assert_memory_equal(send.notice.words[2].ptr, "Nein", 4);
        assert_memory_equal(send.notice.lines[1].when.ptr, "noon", 4);
    } else if (frame->type == FA_FRAME_VERDICT) {
        assert_int_equal(fa_frame_get_verdict(frame->record, &verdict, &err), 0);
        assert_int_equal(verdict.status, 500);
        assert_int_equal(verdict.retry_after, -1);
        assert_true(fa_str_is(verdict.detail, "HTTP 500"));
    }
}

static void frames_come_back_from_any_split_of_their_bytes(void **state)
{
    static const unsigned order[] = {FA_FRAME_HELLO, FA_FRAME_CHANNEL, FA_FRAME_CHANNELS_END,
                                     FA_FRAME_SEND,  FA_FRAME_VERDICT, FA_FRAME_PING,
                                     FA_FRAME_LOG};
    struct fa_buf all;
    fa_buf_init(&all, FA_FRAME_MAX);
    put_all(&all);
    for (size_t step = 1; step <= all.len; step++) {
        struct fa_buf in;
        struct fa_frame frame;
        struct fa_err err = {0};
        size_t count = 0;
        fa_buf_init(&in, FA_FRAME_MAX);
        for (size_t at = 0; at < all.len; at += step) {
            fa_buf_put(&in, all.data + at, all.len - at < step ? all.len - at : step);
            struct fa_str bytes = fa_buf_str(&in);
            while (fa_frame_next(&bytes, &frame, &err) == 1) {
                assert_int_equal(frame.type, order[count++]);
                check_one(&frame);
            }
            fa_buf_drop(&in, in.len - bytes.len);
        }
        assert_int_equal(count, 7);
        assert_int_equal(in.len, 0);
        fa_buf_done(&in);
    }
    fa_buf_done(&all);
}

static void bytes_that_are_no_frame_are_named(void **state)
{
    static const struct {
        struct fa_str bytes;
        const char *expect;
    } table[] = {
        {FA_STR("\0\0\0\0\1"), "a frame of 0 bytes"},
        {FA_STR("\1\0\x20\0\1"), "a frame of 2097153 bytes; 1 to 1048576 are taken"},
        {FA_STR("\1\0\0\0\x63"), "unknown type 99"},
        {FA_STR("\1\0\0\0\0"), "unknown type 0"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fa_str bytes = table[i].bytes;
        struct fa_frame frame;
        struct fa_err err = {0};
        assert_int_equal(fa_frame_next(&bytes, &frame, &err), FA_EPROTO);
        assert_contains(err.text, table[i].expect);
    }
}

static void a_damaged_record_is_refused(void **state)
{
    struct fa_frame_hello hello;
    struct fa_frame_send send;
    struct fa_frame_verdict verdict;
    struct fa_err err = {0};
    assert_int_equal(fa_frame_get_hello(FA_STR("\x07\x02xy"), &hello, &err), FA_EPROTO);
    assert_contains(err.text, "a HELLO frame that cannot be read (field 1)");
    assert_int_equal(fa_frame_get_hello(FA_STR(""), &hello, &err), FA_EPROTO);
    assert_contains(err.text, "lacks a field");
    assert_int_equal(fa_frame_get_send(FA_STR("\x07\x02xy"), &lists, &send, &err), FA_EPROTO);
    assert_int_equal(fa_frame_get_verdict(FA_STR("\x0c\x04"), &verdict, &err), FA_EPROTO);
    assert_contains(err.text, "VERDICT");
}

static void another_build_is_refused_by_name(void **state)
{
    struct fa_frame_hello hello = {.build = "0.0.1-old", .abi = FA_FRAME_ABI};
    struct fa_err err = {0};
    assert_int_equal(fa_frame_check_hello(&hello, fa_courier_build(), "firealarm-courier", &err),
                     FA_EVERSION);
    assert_contains(err.text, "build \"0.0.1-old\"");
    assert_contains(err.text, fa_courier_build());
    assert_contains(err.text, "install both and restart");
    hello.build = fa_courier_build();
    assert_int_equal(fa_frame_check_hello(&hello, fa_courier_build(), "firealarm-courier", &err),
                     0);
}

static void a_frame_over_its_limit_is_not_written(void **state)
{
    static char big[FA_FRAME_MAX + 1];
    struct fa_buf out;
    struct fa_frame_send send = {.channel = "x", .notice = {.details = {big, sizeof big}}};
    struct fa_frame_ping ping = {1};
    fa_buf_init(&out, 4);
    assert_int_equal(fa_frame_put_send(&out, &send), FA_ETOOBIG);
    assert_int_equal(fa_frame_put_ping(&out, FA_FRAME_PING, &ping), FA_EFULL);
    send.notice = (struct firealarm_notice){.field_count = FA_FRAME_FIELDS_MAX + 1};
    assert_int_equal(fa_frame_put_send(&out, &send), FA_ETOOBIG);
    assert_int_equal(out.len, 0);
    assert_false(out.over);
    fa_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back_from_any_split_of_their_bytes),
        cmocka_unit_test(bytes_that_are_no_frame_are_named),
        cmocka_unit_test(a_damaged_record_is_refused),
        cmocka_unit_test(another_build_is_refused_by_name),
        cmocka_unit_test(a_frame_over_its_limit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

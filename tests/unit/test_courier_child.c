/* SPDX-License-Identifier: MIT */
/* links: fa_courier_child fa_base */
#include "fa_test.h"
#include "base/heap.h"
#include "child/guard.h"
#include "courier/child/guard.h"
#include "courier/child/perform.h"
#include "courier/child/queue.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void private_addresses_are_known_in_every_form(void **state)
{
    static const struct {
        const char *address;
        bool private;
    } table[] = {
        {"127.0.0.1", true},
        {"10.1.2.3", true},
        {"172.16.0.1", true},
        {"172.31.255.255", true},
        {"172.32.0.1", false},
        {"192.168.1.1", true},
        {"100.64.0.1", true},
        {"100.128.0.1", false},
        {"169.254.169.254", true},
        {"0.0.0.0", true},
        {"224.0.0.1", true},
        {"255.255.255.255", true},
        {"8.8.8.8", false},
        {"::1", true},
        {"::", true},
        {"fe80::1", true},
        {"fd00::1", true},
        {"ff02::1", true},
        {"::ffff:10.0.0.1", true},
        {"::ffff:8.8.8.8", false},
        {"64:ff9b::7f00:1", true},
        {"64:ff9b::808:808", false},
        {"2002:7f00:1::", true},
        {"2001::1", true},
        {"2606:4700::1111", false},
        {"2001:db8::1", true},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
        bool v4 = inet_pton(AF_INET, table[i].address, &in.sin_addr) == 1;
        if (!v4) {
            assert_int_equal(inet_pton(AF_INET6, table[i].address, &in6.sin6_addr), 1);
        }
        bool is = v4 ? fa_guard_is_private((struct sockaddr *)&in, sizeof in)
                     : fa_guard_is_private((struct sockaddr *)&in6, sizeof in6);
        if (is != table[i].private) {
            fail_msg("%s", table[i].address);
        }
    }
    assert_true(
        fa_guard_is_private(&(struct sockaddr){.sa_family = AF_UNIX}, sizeof(struct sockaddr)));
}

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static void a_request_that_could_smuggle_is_refused(void **state)
{
    struct firealarm_field bad_value = {TEXT("X"), TEXT("a\r\nEvil: 1")};
    struct firealarm_field bad_name = {TEXT("X: a"), TEXT("b")};
    const struct {
        struct firealarm_request_out req;
        const char *expect;
    } table[] = {
        {{.kind = 1, .url = TEXT("https://x/\r\nHost: y")}, "control character"},
        {{.kind = 1, .url = TEXT("https://x/"), .headers = &bad_value, .header_count = 1},
         "header 1"},
        {{.kind = 1, .url = TEXT("https://x/"), .headers = &bad_name, .header_count = 1},
         "header 1"},
        {{.kind = 1, .url = TEXT("https://x/"), .method = TEXT("GET /x")}, "method"},
        {{.kind = 3, .url = TEXT("https://x/")}, "unknown kind 3"},
        {{.kind = 2,
          .url = TEXT("smtp://x:25"),
          .mail_from = TEXT("a@b>\r\nDATA"),
          .rcpt_to = TEXT("a@b")},
         "sender"},
        {{.kind = 2,
          .url = TEXT("smtp://x:25"),
          .mail_from = TEXT("a@b"),
          .rcpt_to = TEXT("a@b NOTIFY=NEVER")},
         "recipient"},
        {{.kind = 2,
          .url = TEXT("smtp://x:25"),
          .mail_from = TEXT("a@b"),
          .rcpt_to = TEXT("h\xc3\xa4@b")},
         "recipient"},
        {{.kind = 2,
          .url = TEXT("smtp://x:25"),
          .mail_from = TEXT("a@b"),
          .rcpt_to = TEXT("c@d"),
          .helo = TEXT("x/y")},
         "EHLO"},
        {{.kind = 2,
          .url = TEXT("smtp://x:25"),
          .mail_from = TEXT("a@b"),
          .rcpt_to = TEXT("c@d"),
          .body = TEXT("x\n.\r\n")},
         "bare CR, LF or NUL at byte 1"},
        {{.kind = 2,
          .url = TEXT("smtp://x:25"),
          .mail_from = TEXT("a@b"),
          .rcpt_to = TEXT("c@d"),
          .body = TEXT("x\r")},
         "bare CR, LF or NUL at byte 1"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fa_err err = {0};
        assert_int_equal(fa_guard_request(&table[i].req, &err), FA_EINVAL);
        assert_contains(err.text, table[i].expect);
    }
}

static void retry_after_is_seconds_or_a_date_and_bounded(void **state)
{
    fa_time wall = INT64_C(1763800800000); /* Sat, 22 Nov 2025 08:40:00 GMT */
    static const struct {
        const char *value;
        fa_time expect;
    } table[] = {
        {"7", 7000},
        {" 7 ", 7000},
        {"0", 0},
        {"99999999999999999999", FA_DAY},
        {"86401", FA_DAY},
        {"-5", -1},
        {"soon", -1},
        {"", -1},
        {"1.5", -1},
        {"Sat, 22 Nov 2025 08:41:00 GMT", 60000},
        {"Sat, 22 Nov 2025 08:39:00 GMT", 0},
        {"Sat, 22 Nov 2035 08:39:00 GMT", FA_DAY},
        {"Sat, 99 Nov 2025 08:39:00 GMT", -1},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(fa_retry_after_parse(table[i].value, wall), table[i].expect);
    }
}

static struct fa_queued item(enum fa_priority priority)
{
    return (struct fa_queued){.priority = priority, .per_host = FA_QUEUE_PER_HOST};
}

static void a_host_has_two_at_a_time_and_stands_in_no_others_way(void **state)
{
    struct fa_queue queue;
    struct fa_queued a[3] = {item(2), item(2), item(2)}, b = item(2), urgent = item(0);
    fa_queue_init(&queue);
    for (int i = 0; i < 3; i++) {
        fa_queue_add(&queue, &a[i], "a", 0);
    }
    fa_queue_add(&queue, &b, "b", 0);
    fa_queue_add(&queue, &urgent, "c", 0);
    assert_ptr_equal(fa_queue_start(&queue, 0), &urgent);
    assert_ptr_equal(fa_queue_start(&queue, 0), &a[0]);
    assert_ptr_equal(fa_queue_start(&queue, 0), &a[1]);
    assert_ptr_equal(fa_queue_start(&queue, 0), &b);
    assert_null(fa_queue_start(&queue, 0));
    fa_queue_finish(&queue, &a[0]);
    assert_ptr_equal(fa_queue_start(&queue, 5), &a[2]);
    fa_queue_finish(&queue, &a[1]);
    fa_queue_finish(&queue, &a[2]);
    fa_queue_finish(&queue, &b);
    fa_queue_finish(&queue, &urgent);
    assert_true(TAILQ_EMPTY(&queue.endpoints));
    assert_int_equal(fa_queue_next(&queue, 5), FA_NEVER);
}

static void a_hundred_dead_hosts_give_way_after_a_second(void **state)
{
    struct fa_queue queue;
    struct fa_queued dead[100], live = item(FA_PRIORITY_CRITICAL);
    char name[16];
    unsigned started = 0;
    fa_queue_init(&queue);
    for (int i = 0; i < 100; i++) {
        dead[i] = item(FA_PRIORITY_CRITICAL);
        snprintf(name, sizeof name, "dead %d", i);
        fa_queue_add(&queue, &dead[i], name, 0);
    }
    fa_queue_add(&queue, &live, "live", 0);
    while (fa_queue_start(&queue, 0) != NULL) {
        started++;
    }
    assert_int_equal(started, FA_QUEUE_YOUNG);
    assert_int_equal(fa_queue_next(&queue, 0), FA_QUEUE_YOUNG_FOR);
    while (fa_queue_start(&queue, FA_QUEUE_YOUNG_FOR) != NULL) {
        started++;
    }
    assert_int_equal(started, 101);
    assert_true(live.running);
    for (int i = 0; i < 100; i++) {
        fa_queue_finish(&queue, &dead[i]);
    }
    fa_queue_finish(&queue, &live);
}

static void lower_priorities_leave_room_and_long_waits_end(void **state)
{
    struct fa_queue queue;
    struct fa_queued many[64], urgent = item(FA_PRIORITY_CRITICAL);
    char name[16];
    unsigned started = 0;
    fa_queue_init(&queue);
    for (int i = 0; i < 64; i++) {
        many[i] = item(FA_PRIORITY_NORMAL);
        snprintf(name, sizeof name, "host %d", i);
        fa_queue_add(&queue, &many[i], name, 0);
    }
    while (fa_queue_start(&queue, 0) != NULL) {
        started++;
    }
    assert_int_equal(started, FA_QUEUE_YOUNG * 3 / 4);
    fa_queue_add(&queue, &urgent, "urgent", 0);
    assert_ptr_equal(fa_queue_start(&queue, 0), &urgent);
    assert_null(fa_queue_expire(&queue, FA_QUEUE_WAIT - 1));
    for (unsigned i = started; i < 64; i++) {
        assert_ptr_equal(fa_queue_expire(&queue, FA_QUEUE_WAIT), &many[i]);
    }
    assert_null(fa_queue_expire(&queue, FA_QUEUE_WAIT));
    for (unsigned i = 0; i < started; i++) {
        fa_queue_finish(&queue, &many[i]);
    }
    fa_queue_finish(&queue, &urgent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_addresses_are_known_in_every_form),
        cmocka_unit_test(a_request_that_could_smuggle_is_refused),
        cmocka_unit_test(retry_after_is_seconds_or_a_date_and_bounded),
        cmocka_unit_test(a_host_has_two_at_a_time_and_stands_in_no_others_way),
        cmocka_unit_test(a_hundred_dead_hosts_give_way_after_a_second),
        cmocka_unit_test(lower_priorities_leave_room_and_long_waits_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

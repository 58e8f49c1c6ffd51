/* SPDX-License-Identifier: MIT */
/* The link against a child that is this program again, told by FA_FAKE how to behave. The clock is
 * the test's own; only the child's answers are waited for. */
#include "fa_test.h"
#include "courier/link.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------ the child */

static void say(struct fa_buf *out)
{
    if (write(3, fa_buf_text(out), out->len) != (ssize_t)out->len) {
        _exit(1);
    }
    fa_buf_clear(out);
}

static void say_hello(struct fa_buf *out, const char *build)
{
    struct fa_frame_hello hello = {.build = build, .abi = FA_FRAME_ABI};
    if (fa_frame_put_hello(out, &hello) < 0) {
        _exit(1);
    }
    say(out);
}

static void say_verdict(struct fa_buf *out, const struct fa_frame_send *send)
{
    struct fa_frame_verdict verdict = {.id = send->id,
                                       .attempt = send->notice.attempt,
                                       .verdict = FIREALARM_SENT,
                                       .plain = send->plain,
                                       .detail = FA_STR("fine"),
                                       .retry_after = -1};
    if (fa_frame_put_verdict(out, &verdict) < 0) {
        _exit(1);
    }
    say(out);
}

static void on_fake_send(const char *how, struct fa_buf *out, struct fa_str record)
{
    static struct fa_frame_lists lists;
    struct fa_frame_send send;
    struct fa_err err = {0};
    if (fa_frame_get_send(record, &lists, &send, &err) < 0) {
        _exit(1);
    }
    if (strcmp(how, "dies") == 0) {
        _exit(3);
    } else if (strcmp(how, "batching") == 0 && !send.alone) {
        struct fa_courier_at *at =
            mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED, FA_COURIER_AT_FD, 0);
        *at = (struct fa_courier_at){send.id, 1};
        _exit(4);
    } else if (strcmp(how, "poisoned") == 0 && fa_str_is(fa_str_of(send.channel), "poison") &&
               !send.plain) {
        struct fa_courier_at *at =
            mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED, FA_COURIER_AT_FD, 0);
        at->id = send.id;
        _exit(4);
    } else if (strcmp(how, "poisoned") == 0 && fa_str_is(fa_str_of(send.channel), "slow")) {
        return; /* open for ever */
    } else if (strcmp(how, "invents") == 0) {
        send.id.id.bytes[0] ^= 1;
    } else if (strcmp(how, "sits") == 0) {
        return;
    }
    say_verdict(out, &send);
}

static int run_child(const char *how)
{
    struct fa_buf in, out;
    struct fa_frame frame;
    struct fa_err err = {0};
    char chunk[4096];
    struct pollfd fd = {.fd = 3, .events = POLLIN};
    fa_buf_init(&in, 4 * FA_FRAME_MAX);
    fa_buf_init(&out, FA_FRAME_MAX);
    if (strcmp(how, "garbage") == 0) {
        fa_buf_puts(&out, "GET / HTTP/1.1\r\n\r\n");
        say(&out);
        pause();
    } else if (strcmp(how, "silent") == 0) {
        pause();
    }
    say_hello(&out, strcmp(how, "old") == 0 ? "0.0.1-old" : fa_courier_build());
    for (;;) {
        (void)poll(&fd, 1, -1);
        ssize_t len = read(3, chunk, sizeof chunk);
        if (len == 0 || strcmp(how, "stuck") == 0) {
            len == 0 ? _exit(0) : (void)pause();
        }
        fa_buf_put(&in, chunk, len > 0 ? (size_t)len : 0);
        struct fa_str bytes = fa_buf_str(&in);
        while (fa_frame_next(&bytes, &frame, &err) > 0) {
            struct fa_frame_ping ping;
            if (frame.type == FA_FRAME_SEND) {
                on_fake_send(how, &out, frame.record);
            } else if (frame.type == FA_FRAME_STOP) {
                _exit(0);
            } else if (frame.type == FA_FRAME_PING &&
                       fa_frame_get_ping(frame.record, &ping, &err) == 0 &&
                       fa_frame_put_ping(&out, FA_FRAME_PONG, &ping) == 0) {
                say(&out);
            }
        }
        fa_buf_drop(&in, in.len - bytes.len);
    }
}

/* ----------------------------------------------------------------------------------- the parent */

struct rig {
    struct fa_link *link;
    enum fa_child_state state;
    char why[512], log[512];
    size_t count, starts;
    struct fa_frame_verdict last;
    struct fa_now now;
};

static void on_verdict(void *ctx, const struct fa_frame_verdict *verdict)
{
    struct rig *rig = ctx;
    rig->last = *verdict;
    rig->last.detail = (struct fa_str){"", 0};
    rig->count++;
}

static void on_log(void *ctx, uint32_t level, const char *text)
{
    struct rig *rig = ctx;
    snprintf(rig->log, sizeof rig->log, "%s", text);
}

static void on_state(void *ctx, enum fa_child_state state, const char *why)
{
    struct rig *rig = ctx;
    rig->state = state;
    rig->starts += state == FA_CHILD_STARTING;
    if (why[0] != '\0') {
        snprintf(rig->why, sizeof rig->why, "%s", why);
    }
}

static void make_rig(struct rig *rig, const char *how)
{
    static const struct fa_link_callbacks callbacks = {on_verdict, on_log, on_state};
    static char variable[64];
    static char *env[] = {variable, "ASAN_OPTIONS=detect_leaks=0", NULL};
    struct fa_link_config config = {.path = "/proc/self/exe", .env = env};
    snprintf(variable, sizeof variable, "FA_FAKE=%s", how);
    *rig = (struct rig){.now = {1000000, 2000000}};
    rig->link = fa_link_new(&config, &callbacks, rig);
    fa_link_start(rig->link, rig->now);
}

/* Lets the child's next words arrive; the clock stands. */
static void hear(struct rig *rig)
{
    struct pollfd fd = {.fd = fa_link_child(rig->link)->fd, .events = POLLIN};
    while (fa_child_wants_write(fa_link_child(rig->link))) {
        fa_child_on_writable(fa_link_child(rig->link), rig->now);
    }
    if (fd.fd >= 0) {
        assert_int_equal(poll(&fd, 1, 10000), 1);
        (void)fa_child_on_readable(fa_link_child(rig->link), rig->now);
    }
}

/* Moves the clock to the next deadline and acts on it; a dead child is really waited for. */
static void tick(struct rig *rig)
{
    fa_time next = fa_link_next_deadline(rig->link);
    assert_true(next != FA_NEVER);
    rig->now.mono = next > rig->now.mono ? next : rig->now.mono;
    if (fa_link_child(rig->link)->fd < 0 && fa_link_child(rig->link)->pid != 0) {
        (void)poll(NULL, 0, 20); /* the turn of a kernel and of a child that may be slow */
    }
    fa_link_on_tick(rig->link, rig->now);
}

static void until_up(struct rig *rig)
{
    while (rig->state != FA_CHILD_UP) {
        rig->state == FA_CHILD_STARTING ? hear(rig) : tick(rig);
    }
}

static int send_one(struct rig *rig, uint8_t n, const char *channel)
{
    struct fa_frame_send send = {.id = {{{n}}}, .channel = channel, .notice = {.attempt = 1}};
    return fa_link_send(rig->link, &send, rig->now);
}

static void a_verdict_comes_back_once(void **state)
{
    struct rig rig;
    make_rig(&rig, "good");
    assert_int_equal(send_one(&rig, 1, "x"), FA_EAGAIN);
    until_up(&rig);
    assert_int_equal(send_one(&rig, 1, "x"), 0);
    assert_int_equal(send_one(&rig, 1, "x"), FA_EEXISTS);
    assert_int_equal(fa_link_open_count(rig.link), 1);
    while (rig.count == 0) {
        hear(&rig);
    }
    assert_int_equal(rig.last.verdict, FIREALARM_SENT);
    assert_int_equal(fa_link_open_count(rig.link), 0);
    tick(&rig); /* a ping */
    hear(&rig); /* its pong */
    /* With nothing to do it is left alone; with something it is asked at once. */
    assert_int_equal(fa_link_next_deadline(rig.link), FA_NEVER);
    assert_int_equal(send_one(&rig, 2, "x"), 0);
    assert_int_equal(fa_link_next_deadline(rig.link), rig.now.mono);
    while (rig.count == 1) {
        hear(&rig);
    }
    assert_int_equal(rig.starts, 1);
    assert_int_equal(rig.count, 2);
    fa_link_free(rig.link);
}

static void a_bad_courier_is_ended_with_a_reason(void **state)
{
    static const struct {
        const char *how, *why;
    } table[] = {
        {"garbage", "broke the protocol: a frame of"},
        {"old", "was refused: the other side is build \"0.0.1-old\""},
        {"silent", "did not say HELLO"},
        {"stuck", "did not answer for 1s200ms"},
        {"invents", "broke the protocol: a verdict about an attempt that is not under way"},
        {"dies", "ended"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct rig rig;
        make_rig(&rig, table[i].how);
        bool up = i >= 3;
        if (up) {
            until_up(&rig);
            assert_int_equal(send_one(&rig, 1, "x"), 0);
        }
        while (rig.state != FA_CHILD_WAITING) {
            strcmp(table[i].how, "silent") == 0 || strcmp(table[i].how, "stuck") == 0 ? tick(&rig)
                                                                                      : hear(&rig);
        }
        assert_contains(rig.why, table[i].why);
        assert_int_equal(rig.count, up ? 1 : 0);
        assert_int_equal(rig.last.verdict, up ? FA_FRAME_OUTCOME_UNKNOWN : 0);
        assert_int_equal(fa_link_child(rig.link)->fd, -1);
        fa_link_free(rig.link);
    }
}

/* A slow machine must not have its couriers killed one after the other for ever. */
static void each_silent_courier_makes_the_next_wait_longer(void **state)
{
    static const char *const whys[] = {"for 1s200ms", "for 2s400ms", "for 4s800ms"};
    struct rig rig;
    make_rig(&rig, "stuck");
    for (size_t i = 0; i < sizeof whys / sizeof whys[0]; i++) {
        until_up(&rig);
        while (rig.state != FA_CHILD_WAITING) {
            tick(&rig);
        }
        assert_contains(rig.why, whys[i]);
    }
    fa_link_free(rig.link);
}

static void restarts_wait_longer_each_time(void **state)
{
    static const fa_time waits[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct rig rig;
    make_rig(&rig, "garbage");
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        while (rig.state != FA_CHILD_WAITING) {
            hear(&rig);
        }
        fa_time ended = rig.now.mono;
        while (rig.state == FA_CHILD_WAITING) {
            tick(&rig);
        }
        fa_time waited = rig.now.mono - ended;
        assert_true(waited >= waits[i] && waited < waits[i] + 1000);
    }
    fa_link_free(rig.link);
}

static void a_program_that_is_not_there_is_tried_again(void **state)
{
    static const struct fa_link_callbacks callbacks = {on_verdict, on_log, on_state};
    struct fa_link_config config = {.path = "/nonexistent/firealarm-courier"};
    struct rig rig = {.now = {1000, 1000}};
    rig.link = fa_link_new(&config, &callbacks, &rig);
    fa_link_start(rig.link, rig.now);
    assert_int_equal(rig.state, FA_CHILD_WAITING);
    assert_contains(rig.why, "/nonexistent/firealarm-courier cannot be started: No such file");
    assert_int_equal(fa_link_next_deadline(rig.link), 1100);
    fa_link_free(rig.link);
}

static void what_ends_the_courier_twice_goes_out_plain(void **state)
{
    struct rig rig;
    make_rig(&rig, "poisoned");
    for (int i = 0; i < 2; i++) {
        until_up(&rig);
        rig.count = 0;
        assert_int_equal(send_one(&rig, 1, "slow"), 0); /* older, and innocent */
        assert_int_equal(send_one(&rig, 2, "poison"), 0);
        while (rig.count < 2) {
            hear(&rig);
        }
        assert_int_equal(rig.state, FA_CHILD_WAITING);
    }
    until_up(&rig);
    assert_contains(rig.log[0] != '\0' ? rig.log : rig.why, "(exit status 4)");
    rig.count = 0;
    assert_int_equal(send_one(&rig, 2, "poison"), 0);
    while (rig.count < 1) {
        hear(&rig);
    }
    assert_int_equal(rig.last.verdict, FIREALARM_SENT);
    assert_true(rig.last.plain);
    assert_int_equal(send_one(&rig, 1, "good"), 0);
    while (rig.count < 2) {
        hear(&rig);
    }
    assert_false(rig.last.plain);
    fa_link_free(rig.link);
}

/* Which of several it was is not known: the next time each is on its own. */
static void after_an_end_with_several_messages_each_goes_alone(void **state)
{
    struct rig rig;
    make_rig(&rig, "batching");
    for (int i = 0; i < 2; i++) {
        until_up(&rig);
        rig.count = 0;
        assert_int_equal(send_one(&rig, 1, "any"), 0);
        while (rig.count < 1) {
            hear(&rig);
        }
        assert_int_equal(rig.last.verdict, i == 0 ? FA_FRAME_OUTCOME_UNKNOWN : FIREALARM_SENT);
    }
    assert_false(rig.last.plain);
    fa_link_free(rig.link);
}

static void an_attempt_is_not_sat_on_for_ever(void **state)
{
    struct rig rig;
    make_rig(&rig, "sits");
    until_up(&rig);
    assert_int_equal(send_one(&rig, 1, "x"), 0);
    fa_time began = rig.now.mono;
    while (rig.count == 0) {
        tick(&rig);
        if (rig.count == 0) {
            hear(&rig);
        }
    }
    assert_int_equal(rig.last.verdict, FA_FRAME_OUTCOME_UNKNOWN);
    assert_contains(rig.why, "sat on an attempt");
    assert_int_equal(rig.now.mono - began, 60 * FA_SECOND);
    fa_link_free(rig.link);
}

/* After a suspend every deadline has passed, and the courier could answer nothing meanwhile. */
static void a_sleep_is_not_held_against_the_courier(void **state)
{
    struct rig rig;
    make_rig(&rig, "sits");
    until_up(&rig);
    assert_int_equal(send_one(&rig, 1, "x"), 0);
    tick(&rig); /* a ping is under way */
    rig.now.mono += 8 * FA_HOUR;
    fa_link_on_tick(rig.link, rig.now);
    hear(&rig);
    assert_int_equal(rig.state, FA_CHILD_UP);
    assert_int_equal(rig.count, 0);
    fa_link_free(rig.link);
    make_rig(&rig, "stuck"); /* but one that stays silent after it is ended */
    until_up(&rig);
    tick(&rig);
    rig.now.mono += 8 * FA_HOUR;
    fa_time woke = rig.now.mono;
    while (rig.state == FA_CHILD_UP) {
        tick(&rig);
    }
    assert_contains(rig.why, "did not answer for 1s200ms");
    assert_in_range(rig.now.mono - woke, 1, 1200);
    fa_link_free(rig.link);
}

static void what_waits_for_the_courier_is_bounded(void **state)
{
    struct rig rig;
    int rc = 0;
    size_t taken = 0;
    make_rig(&rig, "good");
    until_up(&rig);
    for (uint32_t n = 0; n <= FA_LINK_OPEN_MAX; n++) {
        struct fa_frame_send send = {.channel = "x", .notice = {.attempt = 1}};
        memcpy(send.id.id.bytes, &n, sizeof n);
        rc = fa_link_send(rig.link, &send, rig.now);
        taken += rc == 0;
        assert_int_equal(fa_link_channel_open(rig.link, "x"), taken);
        assert_int_equal(fa_link_channel_open(rig.link, "y"), 0);
    }
    assert_int_equal(rc, FA_EFULL);
    assert_int_equal(taken, FA_LINK_OPEN_MAX);
    assert_int_equal(kill(fa_link_child(rig.link)->pid, SIGKILL), 0);
    while (rig.state != FA_CHILD_WAITING) {
        hear(&rig);
    }
    assert_int_equal(fa_link_channel_open(rig.link, "x"), 0); /* an end gives the places back */
    fa_link_free(rig.link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_comes_back_once),
        cmocka_unit_test(a_bad_courier_is_ended_with_a_reason),
        cmocka_unit_test(each_silent_courier_makes_the_next_wait_longer),
        cmocka_unit_test(restarts_wait_longer_each_time),
        cmocka_unit_test(a_program_that_is_not_there_is_tried_again),
        cmocka_unit_test(what_ends_the_courier_twice_goes_out_plain),
        cmocka_unit_test(after_an_end_with_several_messages_each_goes_alone),
        cmocka_unit_test(an_attempt_is_not_sat_on_for_ever),
        cmocka_unit_test(a_sleep_is_not_held_against_the_courier),
        cmocka_unit_test(what_waits_for_the_courier_is_bounded),
    };
    const char *how = getenv("FA_FAKE");
    return how != NULL ? run_child(how) : cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

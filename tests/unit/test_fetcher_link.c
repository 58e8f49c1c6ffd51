/* SPDX-License-Identifier: MIT */
/* The link against a fetcher that is this program again, told by FA_FAKE how to behave. The clock
 * is the test's own; only the child's answers are waited for. What holds for every child (build,
 * HELLO, pings, back-off) is tested with the courier's link; here it is shown to hold for this one,
 * too. */
#include "fa_test.h"
#include "fetcher/link.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------ the child */

static void say(struct fa_buf *out)
{
    if (write(3, fa_buf_text(out), out->len) != (ssize_t)out->len) {
        _exit(1);
    }
    fa_buf_clear(out);
}

static void say_body(struct fa_buf *out, uint64_t n, size_t len)
{
    static char bytes[FA_FETCH_PIECE_MAX];
    memset(bytes, 'x', sizeof bytes);
    struct fa_fetch_body body = {n, FA_STR("text/plain"), {bytes, len}};
    if (fa_fetch_frame_put_body(out, &body) < 0) {
        _exit(1);
    }
    say(out);
}

static void say_done(struct fa_buf *out, uint64_t n, const char *error)
{
    struct fa_fetch_done done = {
        .n = n, .ok = error[0] == '\0', .status = 200, .duration = 7, .error = fa_str_of(error)};
    if (fa_fetch_frame_put_done(out, &done) < 0) {
        _exit(1);
    }
    say(out);
}

static void on_fake_run(const char *how, struct fa_buf *out, struct fa_str record)
{
    struct fa_fetch_run run;
    struct fa_err err = {0};
    if (fa_fetch_frame_get_run(record, &run, &err) < 0) {
        _exit(1);
    }
    if (strcmp(how, "dies") == 0) {
        _exit(3);
    } else if (strcmp(how, "sits") == 0) {
        return;
    } else if (strcmp(how, "floods") == 0) {
        for (int i = 0; i < 3; i++) {
            say_body(out, run.n, 500);
        }
    } else if (strcmp(how, "invents-a-body") == 0) {
        say_body(out, run.n + 1, 10);
    } else if (strcmp(how, "invents-an-end") == 0) {
        say_done(out, run.n + 1, "");
    } else if (strcmp(how, "ends-twice") == 0) {
        say_done(out, run.n, "");
    } else if (strcmp(how, "commands") == 0) {
        struct fa_fetch_run own = {.kind = FA_FETCH_SCRAPE, .url = "http://x", .timeout = 1};
        if (fa_fetch_frame_put_run(out, &own) < 0) {
            _exit(1);
        }
        say(out);
    } else {
        say_body(out, run.n, 500);
        say_body(out, run.n, 500);
    }
    say_done(out, run.n, "");
}

/* A job that was stopped right after the fork: it has asked for nothing yet that would end it with
 * the fetcher, and holds the fetcher's socket. */
static void make_stopped_job(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGHUP, SIG_IGN);
        raise(SIGSTOP);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, NULL, WUNTRACED) != pid) {
        _exit(1);
    }
}

static int run_child(const char *how)
{
    if (strcmp(how, "stopped") == 0) {
        raise(SIGSTOP);
    } else if (strcmp(how, "stopped-job") == 0) {
        make_stopped_job();
    }
    struct fa_buf in, out;
    struct fa_frame frame;
    struct fa_frame_hello hello = {.abi = FA_FRAME_ABI};
    struct fa_err err = {0};
    char chunk[4096];
    fa_buf_init(&in, 4 * FA_FRAME_MAX);
    fa_buf_init(&out, 4 * FA_FRAME_MAX);
    hello.build = strcmp(how, "old") == 0 ? "0.0.1-old" : fa_fetcher_build();
    if (strcmp(how, "garbage") == 0) {
        fa_buf_puts(&out, "GET / HTTP/1.1\r\n\r\n");
    } else if (fa_frame_put_hello(&out, &hello) < 0) {
        _exit(1);
    }
    say(&out);
    for (;;) {
        struct pollfd fd = {.fd = 3, .events = POLLIN};
        (void)poll(&fd, 1, -1);
        ssize_t len = read(3, chunk, sizeof chunk);
        if (len == 0 || strcmp(how, "stuck") == 0) {
            len == 0 ? _exit(0) : (void)pause();
        }
        fa_buf_put(&in, chunk, len > 0 ? (size_t)len : 0);
        struct fa_str bytes = fa_buf_str(&in);
        while (fa_frame_next(&bytes, &frame, &err) > 0) {
            struct fa_frame_ping ping;
            if (frame.type == FA_FRAME_RUN) {
                on_fake_run(how, &out, frame.record);
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
    struct fa_fetch_link *link;
    enum fa_child_state state;
    char why[512], error[512];
    size_t bytes, ends;
    bool ok;
    struct fa_now now;
};

static void on_body(void *ctx, const struct fa_fetch_body *body)
{
    ((struct rig *)ctx)->bytes += body->bytes.len;
}

static void on_done(void *ctx, const struct fa_fetch_done *done)
{
    struct rig *rig = ctx;
    rig->ends++;
    rig->ok = done->ok;
    snprintf(rig->error, sizeof rig->error, "%.*s", FA_STR_ARG(done->error));
}

static void on_log(void *ctx, uint32_t level, const char *text)
{
}

static void on_state(void *ctx, enum fa_child_state state, const char *why)
{
    struct rig *rig = ctx;
    rig->state = state;
    if (why[0] != '\0') {
        snprintf(rig->why, sizeof rig->why, "%s", why);
    }
}

static void make_rig(struct rig *rig, const char *how)
{
    static const struct fa_fetch_link_callbacks callbacks = {on_body, on_done, on_log, on_state};
    static char variable[64];
    static char *env[] = {variable, "ASAN_OPTIONS=detect_leaks=0", NULL};
    struct fa_fetch_link_config config = {.path = "/proc/self/exe", .env = env};
    snprintf(variable, sizeof variable, "FA_FAKE=%s", how);
    *rig = (struct rig){.now = {1000000, 2000000}};
    rig->link = fa_fetch_link_new(&config, &callbacks, rig);
    fa_child_start(fa_fetch_link_child(rig->link), rig->now);
}

static void hear(struct rig *rig)
{
    struct fa_child *child = fa_fetch_link_child(rig->link);
    struct pollfd fd = {.fd = child->fd, .events = POLLIN};
    while (fa_child_wants_write(child)) {
        fa_child_on_writable(child, rig->now);
    }
    if (child->fd >= 0) {
        assert_int_equal(poll(&fd, 1, 10000), 1);
        (void)fa_child_on_readable(child, rig->now);
    }
}

static void tick(struct rig *rig)
{
    struct fa_child *child = fa_fetch_link_child(rig->link);
    fa_time next = fa_fetch_link_next_deadline(rig->link);
    assert_true(next != FA_NEVER);
    rig->now.mono = next > rig->now.mono ? next : rig->now.mono;
    if (child->fd < 0 && child->pid != 0) {
        (void)poll(NULL, 0, 20);
    }
    fa_fetch_link_on_tick(rig->link, rig->now);
}

static void until_up(struct rig *rig)
{
    while (rig->state != FA_CHILD_UP) {
        rig->state == FA_CHILD_STARTING ? hear(rig) : tick(rig);
    }
}

static int run_one(struct rig *rig, uint64_t n)
{
    struct fa_fetch_run run = {.n = n,
                               .kind = FA_FETCH_SCRAPE,
                               .url = "http://x",
                               .timeout = 10 * FA_SECOND,
                               .body_max = 1000};
    return fa_fetch_link_run(rig->link, &run, rig->now);
}

static void a_run_brings_its_body_and_one_end(void **state)
{
    struct rig rig;
    make_rig(&rig, "good");
    assert_int_equal(run_one(&rig, 1), FA_EAGAIN);
    until_up(&rig);
    assert_int_equal(run_one(&rig, 1), 0);
    assert_int_equal(run_one(&rig, 1), FA_EEXISTS);
    while (rig.ends == 0) {
        hear(&rig);
    }
    assert_int_equal(rig.bytes, 1000);
    assert_true(rig.ok);
    assert_int_equal(fa_fetch_link_open_count(rig.link), 0);
    assert_int_equal(rig.state, FA_CHILD_UP);
    fa_fetch_link_free(rig.link);
}

static void a_bad_fetcher_is_ended_with_a_reason_and_its_runs_fail(void **state)
{
    static const struct {
        const char *how, *why;
        bool up, by_clock;
    } table[] = {
        {"garbage", "broke the protocol: a frame of", false, false},
        {"old", "was refused: the other side is build \"0.0.1-old\"", false, false},
        {"stuck", "did not answer for 1s200ms", true, true},
        {"dies", "ended", true, false},
        {"sits", "sat on a run", true, true},
        {"floods", "a body that is longer than was asked for", true, false},
        {"invents-a-body", "a body of a run that is not under way", true, false},
        {"invents-an-end", "the end of a run that is not under way", true, false},
        {"ends-twice", "the end of a run that is not under way", true, false},
        {"commands", "a frame of type 2, which no fetcher sends", true, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct rig rig;
        make_rig(&rig, table[i].how);
        if (table[i].up) {
            until_up(&rig);
            assert_int_equal(run_one(&rig, 1), 0);
        }
        while (rig.state != FA_CHILD_WAITING) {
            struct pollfd fd = {.fd = fa_fetch_link_child(rig.link)->fd, .events = POLLIN};
            if (table[i].by_clock && poll(&fd, 1, 50) == 0) {
                tick(&rig);
            }
            if (fa_fetch_link_child(rig.link)->fd >= 0 &&
                (!table[i].by_clock || poll(&fd, 1, 0) == 1)) {
                hear(&rig);
            } else if (fa_child_wants_write(fa_fetch_link_child(rig.link))) {
                fa_child_on_writable(fa_fetch_link_child(rig.link), rig.now);
            }
        }
        assert_contains(rig.why, table[i].why);
        assert_int_equal(rig.ends, table[i].up ? 1 : 0);
        if (table[i].up && strcmp(table[i].how, "ends-twice") != 0) {
            assert_false(rig.ok);
            assert_contains(rig.error, "the fetcher ");
        }
        assert_int_equal(fa_fetch_link_open_count(rig.link), 0);
        fa_fetch_link_free(rig.link);
    }
}

static void runs_under_way_are_bounded(void **state)
{
    struct rig rig;
    make_rig(&rig, "sits");
    until_up(&rig);
    for (uint64_t n = 1; n <= FA_FETCH_OPEN_MAX; n++) {
        assert_int_equal(run_one(&rig, n), 0);
    }
    assert_int_equal(run_one(&rig, 1000), FA_EFULL);
    assert_int_equal(kill(fa_fetch_link_child(rig.link)->pid, SIGKILL), 0);
    while (rig.state != FA_CHILD_WAITING) {
        hear(&rig);
    }
    assert_int_equal(rig.ends, FA_FETCH_OPEN_MAX);
    fa_fetch_link_free(rig.link);
}

static void a_sleep_is_not_held_against_the_fetcher(void **state)
{
    struct rig rig;
    make_rig(&rig, "sits");
    until_up(&rig);
    assert_int_equal(run_one(&rig, 1), 0);
    tick(&rig); /* a ping is under way */
    rig.now.mono += 8 * FA_HOUR;
    fa_fetch_link_on_tick(rig.link, rig.now);
    hear(&rig);
    assert_int_equal(rig.state, FA_CHILD_UP);
    assert_int_equal(rig.ends, 0);
    fa_fetch_link_free(rig.link);
}

static void a_job_that_is_stopped_ends_with_its_fetcher(void **state)
{
    struct rig rig;
    make_rig(&rig, "stopped-job");
    until_up(&rig);
    assert_int_equal(kill(fa_fetch_link_child(rig.link)->pid, SIGKILL), 0);
    while (rig.state != FA_CHILD_WAITING) {
        hear(&rig); /* the end of the socket, of which the job had a copy */
    }
    fa_fetch_link_free(rig.link);
}

/* What a daemon that is killed does, with a fetcher that has not come to ask for its end yet. Who
 * still holds stderr still is. */
static void a_fetcher_that_is_stopped_ends_with_its_daemon(void **state)
{
    struct rig rig;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t daemon = fork();
    if (daemon == 0) {
        dup2(fds[1], 2);
        make_rig(&rig, "stopped");
        _exit(waitpid(fa_fetch_link_child(rig.link)->pid, NULL, WUNTRACED) < 0);
    }
    int status = -1;
    assert_int_equal(waitpid(daemon, &status, 0), daemon);
    assert_int_equal(status, 0);
    close(fds[1]);
    struct pollfd fd = {.fd = fds[0], .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 10000), 1);
    assert_true((fd.revents & POLLHUP) != 0);
    close(fds[0]);
}

static void it_stops_when_asked(void **state)
{
    struct rig rig;
    make_rig(&rig, "good");
    until_up(&rig);
    fa_child_stop(fa_fetch_link_child(rig.link), rig.now);
    while (rig.state != FA_CHILD_STOPPED) {
        hear(&rig);
    }
    assert_int_equal(run_one(&rig, 1), FA_EAGAIN);
    fa_fetch_link_free(rig.link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_brings_its_body_and_one_end),
        cmocka_unit_test(a_bad_fetcher_is_ended_with_a_reason_and_its_runs_fail),
        cmocka_unit_test(runs_under_way_are_bounded),
        cmocka_unit_test(a_sleep_is_not_held_against_the_fetcher),
        cmocka_unit_test(a_job_that_is_stopped_ends_with_its_fetcher),
        cmocka_unit_test(a_fetcher_that_is_stopped_ends_with_its_daemon),
        cmocka_unit_test(it_stops_when_asked),
    };
    const char *how = getenv("FA_FAKE");
    if (how != NULL) {
        return run_child(how);
    }
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_fetcher fa_child fa_base */
/* The daemon's side of a fetcher that may be broken: HELLO of the right build, then whatever the
 * input makes. However the stream is cut, the link says the same to its owner; every run that it
 * took ends once; and no body is longer than its run allowed. No process is started: the three
 * calls that would are the target's own. */
#include "fuzz.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int far_end = -1;

static int fuzz_spawn(pid_t *ret_pid)
{
    *ret_pid = 4711;
    return 0;
}

#define posix_spawn(pid, path, files, attr, argv, env) ((void)(argv), (void)(env), fuzz_spawn(pid))
#define waitpid(pid, status, flags)                                                                \
    ((status) != NULL ? *(int *)fuzz_status(status) = 0 : 0, (pid_t)4711)
#define kill(pid, signo) ((void)0)
static void *fuzz_status(void *status)
{
    return status;
}
#include "../../daemon/child/child.c"
#undef kill
#undef waitpid
#undef posix_spawn
#include "fetcher/link.h"

#define RUNS     6
#define BODY_MAX 300

struct story {
    struct fa_fetch_link *link;
    uint64_t hash;
    unsigned ends[RUNS];
    size_t bytes[RUNS];
    bool taken, ended;
};

static void on_story_body(void *ctx, const struct fa_fetch_body *body)
{
    struct story *story = ctx;
    uint64_t n = body->n;
    struct fa_str bytes = body->bytes;
    fa_assert(n < RUNS && story->ends[n] == 0);
    story->bytes[n] += bytes.len;
    fa_assert(story->bytes[n] <= BODY_MAX);
    fuzz_mix_number(&story->hash, (int64_t)n);
    fuzz_mix(&story->hash, bytes.ptr, bytes.len);
}

static void on_story_done(void *ctx, const struct fa_fetch_done *done)
{
    struct story *story = ctx;
    fa_assert(done->n < RUNS && done->ok == (done->error.len == 0));
    story->ends[done->n]++;
    fuzz_mix_number(&story->hash, (int64_t)done->n);
    fuzz_mix_number(&story->hash, done->status);
    fuzz_mix(&story->hash, done->error.ptr, done->error.len);
}

static void on_story_log(void *ctx, uint32_t level, const char *text)
{
    struct story *story = ctx;
    fuzz_mix(&story->hash, text, strlen(text));
    fa_assert(!fa_str_has_control(fa_str_of(text)) && strlen(text) < 512);
}

static void on_story_state(void *ctx, enum fa_child_state state, const char *why)
{
    struct story *story = ctx;
    fuzz_mix_number(&story->hash, state);
    fuzz_mix(&story->hash, why, strlen(why));
    story->ended = state == FA_CHILD_WAITING;
    for (uint64_t n = 0; n < RUNS && state == FA_CHILD_UP; n++) {
        struct fa_fetch_run run = {
            .n = n, .url = "http://x", .timeout = 1000, .body_max = BODY_MAX};
        fa_assert(fa_fetch_link_run(story->link, &run, (struct fa_now){0}) == 0);
        story->taken = true;
    }
}

static void put_frame(struct fuzz_input *in, struct fa_buf *out)
{
    struct fa_fetch_body body;
    struct fa_fetch_done done;
    struct fa_frame_log log;
    struct fa_str raw;
    switch (fuzz_byte(in) % 6) {
    case 0:
        raw = fuzz_piece(in);
        fa_buf_putstr(out, raw);
        break;
    case 1:
    case 2:
        body.n = fuzz_byte(in) % (RUNS + 1);
        body.type = FA_STR("text/plain");
        body.bytes = fuzz_piece(in);
        (void)!fa_fetch_frame_put_body(out, &body);
        break;
    case 3:
    case 4:
        done = (struct fa_fetch_done){
            .n = fuzz_byte(in) % (RUNS + 1), .status = fuzz_byte(in), .error = fuzz_piece(in)};
        done.ok = done.error.len == 0;
        (void)!fa_fetch_frame_put_done(out, &done);
        break;
    default:
        log = (struct fa_frame_log){fuzz_byte(in) % 9, fuzz_piece(in)};
        (void)!fa_frame_put_log(out, &log);
        break;
    }
}

static void feed(struct story *story, const char *data, size_t len)
{
    struct fa_child *child = fa_fetch_link_child(story->link);
    while (len > 0 && !story->ended) {
        ssize_t n = send(far_end, data, len, MSG_DONTWAIT);
        fa_assert(n > 0);
        data += n;
        len -= (size_t)n;
        (void)fa_child_on_readable(child, (struct fa_now){0});
    }
}

/* The link's own end of the pair is replaced by one whose far end is ours. */
static void begin(struct story *story)
{
    static const struct fa_fetch_link_callbacks callbacks = {on_story_body, on_story_done,
                                                             on_story_log, on_story_state};
    struct fa_fetch_link_config config = {.path = "/nonexistent"};
    int fds[2];
    story->hash = FUZZ_HASH;
    story->link = fa_fetch_link_new(&config, &callbacks, story);
    struct fa_child *child = fa_fetch_link_child(story->link);
    fa_child_start(child, (struct fa_now){0});
    fa_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    fa_assert(dup2(fds[0], child->fd) == child->fd);
    close(fds[0]);
    far_end = fds[1];
}

static uint64_t run(const struct fa_buf *hello, const struct fa_buf *stream, uint32_t seed)
{
    struct story story = {0};
    begin(&story);
    feed(&story, hello->data, hello->len);
    for (size_t at = 0; at < stream->len && !story.ended;) {
        size_t len = fuzz_cut(&seed, stream->len - at);
        feed(&story, stream->data + at, len);
        at += len;
    }
    if (!story.ended) {
        shutdown(far_end, SHUT_WR);
        (void)fa_child_on_readable(fa_fetch_link_child(story.link), (struct fa_now){0});
    }
    fa_assert(story.ended && fa_fetch_link_open_count(story.link) == 0);
    for (unsigned i = 0; i < RUNS && story.taken; i++) {
        fa_assert(story.ends[i] == 1);
    }
    fa_fetch_link_free(story.link);
    close(far_end);
    return story.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct fa_frame_hello hello = {.build = fa_fetcher_build(), .abi = FA_FRAME_ABI};
    struct fa_buf first, stream;
    uint32_t seed = fuzz_byte(&in) * 2654435761u + 1;
    fa_buf_init(&first, 4096);
    fa_buf_init(&stream, (size_t)64 * 1024);
    if (fuzz_byte(&in) % 8 != 0) {
        (void)!fa_frame_put_hello(&first, &hello);
    }
    while (in.size > 0) {
        put_frame(&in, &stream);
    }
    fa_assert(run(&first, &stream, seed) == run(&first, &stream, 0));
    fa_buf_done(&stream);
    fa_buf_done(&first);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_courier fa_base */
/* The daemon's side of a courier that may be broken: HELLO of the right build, then whatever the
 * input makes, raw bytes and well-formed frames mixed. However the stream is cut, the link says the
 * same to its owner, and every attempt that it took gets one verdict at most, exactly one when the
 * courier ended. No process is started: the three calls that would are the target's own. */
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
#include "../../daemon/courier/link.c"
#undef kill
#undef waitpid
#undef posix_spawn

#define SENDS 6

struct story {
    struct fa_link *link;
    uint64_t hash;
    unsigned taken, verdicts[SENDS];
    bool ended;
};

static struct fa_notification_id number_id(uint8_t n)
{
    struct fa_notification_id id;
    memset(&id, n, sizeof id);
    return id;
}

static void on_story_verdict(void *ctx, const struct fa_frame_verdict *verdict)
{
    struct story *story = ctx;
    unsigned n = verdict->id.id.bytes[0] - 1u;
    fa_assert(n < story->taken && ++story->verdicts[n] == 1);
    fuzz_mix(&story->hash, &verdict->id, sizeof verdict->id);
    fuzz_mix_number(&story->hash, verdict->verdict);
    fuzz_mix_number(&story->hash, verdict->status);
    fuzz_mix_number(&story->hash, verdict->retry_after);
    fuzz_mix_number(&story->hash, verdict->duration);
    fuzz_mix(&story->hash, verdict->detail.ptr, verdict->detail.len);
}

static void on_story_log(void *ctx, uint32_t level, const char *text)
{
    struct story *story = ctx;
    fuzz_mix_number(&story->hash, level);
    fuzz_mix(&story->hash, text, strlen(text));
    fa_assert(!fa_str_has_control(fa_str_of(text)) && strlen(text) < 512);
}

static void on_story_state(void *ctx, enum fa_child_state state, const char *why)
{
    struct story *story = ctx;
    fuzz_mix_number(&story->hash, state);
    fuzz_mix(&story->hash, why, strlen(why));
    story->ended = state == FA_CHILD_WAITING;
    if (state != FA_CHILD_UP) {
        return;
    }
    for (unsigned i = 0; i < SENDS; i++) {
        struct fa_frame_send send = {
            .id = number_id((uint8_t)(i + 1)), .channel = "hook", .notice = {.attempt = i + 1}};
        if (fa_link_send(story->link, &send, (struct fa_now){0}) == 0) {
            story->taken++;
        }
    }
}

static void put_any_verdict(struct fuzz_input *in, struct fa_buf *out)
{
    struct fa_frame_verdict verdict = {.id = number_id(fuzz_byte(in) % (SENDS + 2)),
                                       .attempt = fuzz_byte(in) % (SENDS + 2),
                                       .verdict = fuzz_byte(in) % 6,
                                       .status = fuzz_byte(in),
                                       .retry_after = fuzz_byte(in) - 1,
                                       .detail = fuzz_piece(in)};
    if (verdict.id.id.bytes[0] > 0 && verdict.status % 2 == 0) {
        verdict.attempt = verdict.id.id.bytes[0]; /* as it was sent */
    }
    (void)!fa_frame_put_verdict(out, &verdict);
}

static void put_frame(struct fuzz_input *in, struct fa_buf *out)
{
    struct fa_frame_hello hello = {.build = fa_courier_build(), .abi = FA_FRAME_ABI};
    struct fa_frame_ping ping;
    struct fa_frame_log log;
    struct fa_str raw;
    switch (fuzz_byte(in) % 8) {
    case 0:
        raw = fuzz_piece(in);
        fa_buf_putstr(out, raw);
        break;
    case 1:
    case 2:
        put_any_verdict(in, out);
        break;
    case 3:
    case 4:
        ping.n = fuzz_byte(in) % 4;
        (void)!fa_frame_put_ping(out, FA_FRAME_PONG, &ping);
        break;
    case 5:
        log = (struct fa_frame_log){fuzz_byte(in) % 9, fuzz_piece(in)};
        (void)!fa_frame_put_log(out, &log);
        break;
    case 6:
        (void)!fa_frame_put_hello(out, &hello);
        break;
    default:
        (void)!fa_frame_put_empty(out, FA_FRAME_STOP);
        break;
    }
}

static void feed(struct story *story, const char *data, size_t len)
{
    while (len > 0 && !story->ended) {
        ssize_t n = send(far_end, data, len, MSG_DONTWAIT);
        fa_assert(n > 0);
        data += n;
        len -= (size_t)n;
        (void)fa_child_on_readable(fa_link_child(story->link), (struct fa_now){0});
    }
}

/* The link's own end of the pair is the second of those that socketpair() gives; the far end is
 * kept by a duplicate, as a started process would have it. */
static void begin(struct story *story)
{
    static const struct fa_link_callbacks callbacks = {on_story_verdict, on_story_log,
                                                       on_story_state};
    struct fa_link_config config = {.path = "/nonexistent"};
    struct fa_now now = {0};
    story->hash = FUZZ_HASH;
    story->link = fa_link_new(&config, &callbacks, story);
    fa_link_start(story->link, now);
    int fds[2];
    fa_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    fa_assert(dup2(fds[0], story->link->child.fd) == story->link->child.fd);
    close(fds[0]);
    far_end = fds[1];
}

/* at_byte: what stands on the page that only the courier writes, and may write anything. */
static uint64_t run(const struct fa_buf *hello, const struct fa_buf *stream, uint32_t seed,
                    uint8_t at_byte)
{
    struct story story = {0};
    begin(&story);
    memset(story.link->at, at_byte, sizeof *story.link->at);
    feed(&story, hello->data, hello->len);
    fa_link_on_tick(story.link, (struct fa_now){0}); /* a ping is on its way now */
    for (size_t at = 0; at < stream->len && !story.ended;) {
        size_t len = fuzz_cut(&seed, stream->len - at);
        feed(&story, stream->data + at, len);
        at += len;
    }
    if (!story.ended) {
        shutdown(far_end, SHUT_WR);
        (void)fa_child_on_readable(fa_link_child(story.link), (struct fa_now){0});
    }
    fa_assert(story.ended && fa_link_open_count(story.link) == 0 &&
              fa_link_child(story.link)->fd == -1);
    for (unsigned i = 0; i < story.taken; i++) {
        fa_assert(story.verdicts[i] == 1);
    }
    fa_link_free(story.link);
    close(far_end);
    return story.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct fa_frame_hello hello = {.build = fa_courier_build(), .abi = FA_FRAME_ABI};
    struct fa_buf first, stream;
    uint32_t seed = fuzz_byte(&in) * 2654435761u + 1;
    fa_buf_init(&first, 4096);
    fa_buf_init(&stream, (size_t)64 * 1024);
    uint8_t at_byte = fuzz_byte(&in);
    bool greets = at_byte % 8 != 0;
    at_byte /= 8;
    if (greets) {
        (void)!fa_frame_put_hello(&first, &hello);
    }
    while (in.size > 0) {
        put_frame(&in, &stream);
    }
    fa_assert(run(&first, &stream, seed, at_byte) == run(&first, &stream, 0, at_byte));
    fa_buf_done(&stream);
    fa_buf_done(&first);
    return 0;
}

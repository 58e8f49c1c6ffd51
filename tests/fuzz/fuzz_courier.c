/* SPDX-License-Identifier: MIT */
/* links: fa_courier_child fa_plugin_webhook_static PkgConfig::JANSSON */
/* The courier's side: HELLO, channel settings, notices and anything else the daemon's end may send,
 * raw bytes and well-formed frames mixed, through the real frames, options, plugin, built-in
 * bodies, guard and judging. However the stream is cut, the courier makes the same requests and
 * says the same, if in another order (what came together is served by priority; a channel that
 * sends several in one request is not compared for that); a request passes the guard, a JSON body
 * is JSON, a mail passes the strict reader. Nothing is sent: the performer is the target's own and
 * answers by what it was asked. The mail plugin here never renders, so that its channels go out
 * with the built-in mail. */
#include "fuzz.h"

#include "courier/child/channel.h"
#include "courier/child/guard.h"
#include "mail_check.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MAX  60 /* what they make the courier say fits into its socket */
#define PENDING_MAX 1024

static jmp_buf leaves;
static fa_time fuzz_time;
static struct fa_plugins *fuzz_plugins(void);
static int fuzz_clock(struct timespec *ts);

#define _exit(status)        longjmp(leaves, 1 + (status))
#define fprintf(stream, ...) ((void)0)
#include "../../daemon/child/end/pipe.c"
#undef fprintf
#undef _exit

static int fuzz_perform(const struct firealarm_request_out *req, fa_outcome_fn *done, void *ctx,
                        struct fa_err *err);
#define main courier_main
#define fa_perform_start(performer, req, timeout, done, ctx, err)                                  \
    ((void)(timeout), fuzz_perform(req, done, ctx, err))
#define fa_performer_go(performer) ((void)(performer))
#define clock_gettime(clock, ts)   fuzz_clock(ts)
#define fa_plugins_new(root)       fuzz_plugins()
int courier_main(int argc, char **argv);
#include "../../daemon/courier/child/attempt.c"
#include "../../daemon/courier/child/main.c"
#undef fa_plugins_new
#undef clock_gettime
#undef fa_perform_start
#undef fa_performer_go
#undef main

struct pending {
    fa_outcome_fn *done;
    void *ctx;
    uint32_t kind;
    uint64_t hash; /* of the request: how it is answered */
};

static struct pending pending[PENDING_MAX];
static size_t pending_first, pending_count;
static uint64_t said_sum; /* of the hashes of requests and of frames: their order may differ */
static bool batched;      /* a channel may send several in one */

static int fuzz_clock(struct timespec *ts)
{
    *ts = (struct timespec){fuzz_time / FA_SECOND, 0};
    return 0;
}

/* ---- the mail plugin that cannot render */

static int32_t create_any(const struct firealarm_host *host,
                          const struct firealarm_settings *settings, void **ret_self,
                          struct firealarm_error *error)
{
    static char self;
    *ret_self = &self;
    return 0;
}

static void destroy_any(void *self)
{
}

static int32_t render_none(void *self, const struct firealarm_notice *notice,
                           struct firealarm_request_out *ret_request, struct firealarm_error *error)
{
    return -1;
}

static uint32_t judge_any(void *self, const struct firealarm_response *response,
                          struct firealarm_error *why)
{
    return response->status % 7; /* nonsense among it */
}

static const struct firealarm_option mail_options[] = {
    {.name = "relay", .type = FIREALARM_OPT_TEXT, .flags = FIREALARM_OPT_REQUIRED},
    {.name = "from", .type = FIREALARM_OPT_TEXT},
    {.name = "helo", .type = FIREALARM_OPT_TEXT},
    {.name = "user", .type = FIREALARM_OPT_TEXT},
    {.name = "tls",
     .type = FIREALARM_OPT_CHOICE,
     .default_text = "starttls",
     .choices = "tls starttls none"},
    {.name = NULL},
};

static const struct firealarm_notifier mail = {.abi = FIREALARM_NOTIFIER_ABI,
                                               .size = sizeof mail,
                                               .name = "mail",
                                               .version = "0",
                                               .summary = "renders nothing",
                                               .options = mail_options,
                                               .create = create_any,
                                               .destroy = destroy_any,
                                               .render = render_none,
                                               .judge = judge_any};

static struct fa_plugins *fuzz_plugins(void)
{
    struct fa_plugins *plugins = fa_plugins_new(NULL);
    struct fa_err err = {0};
    fa_assert(fa_plugins_add(plugins, FA_PLUGIN_NOTIFIER, &mail, &err) == 0);
    fa_assert(fa_plugins_add(plugins, FA_PLUGIN_NOTIFIER, &firealarm_notifier, &err) == 0);
    return plugins;
}

/* ---- the performer */

static void check_mail(const struct firealarm_request_out *req)
{
    static const char *const headers[] = {"From: ",
                                          "To: ",
                                          "Subject:",
                                          "?Date: ",
                                          "Message-ID: ",
                                          "Auto-Submitted: ",
                                          "MIME-Version: ",
                                          "Content-Type: ",
                                          "Content-Transfer-Encoding: ",
                                          NULL};
    const char *end = strstr(req->body.ptr, "\r\n\r\n");
    CHECK(end != NULL && strlen(req->body.ptr) == req->body.len);
    mail_check_headers(req->body.ptr, end + 2, headers);
    CHECK(*mail_check_base64(end + 4) == '\0');
    mail_check_envelope(req->mail_from);
    mail_check_envelope(req->rcpt_to);
}

static void check_json(const struct firealarm_request_out *req)
{
    json_error_t error;
    json_t *json =
        json_loadb(req->body.ptr, req->body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    /* A zero byte in a field's name is sound JSON that this reader cannot hold. */
    CHECK(json_is_object(json) || json_error_code(&error) == json_error_null_byte_in_key);
    json_decref(json);
}

static int fuzz_perform(const struct firealarm_request_out *req, fa_outcome_fn *done, void *ctx,
                        struct fa_err *err)
{
    uint64_t own = FUZZ_HASH;
    int rc = fa_guard_request(req, err);
    if (rc < 0) {
        return rc;
    }
    if (req->kind == FIREALARM_REQUEST_SMTP) {
        check_mail(req);
    } else {
        check_json(req);
    }
    fuzz_mix(&own, req->url.ptr, req->url.len);
    fuzz_mix(&own, req->body.ptr, req->body.len);
    for (uint32_t i = 0; i < req->header_count; i++) {
        fuzz_mix(&own, req->headers[i].name.ptr, req->headers[i].name.len);
        fuzz_mix(&own, req->headers[i].value.ptr, req->headers[i].value.len);
    }
    said_sum += own;
    fa_assert(pending_first + pending_count < PENDING_MAX);
    pending[pending_first + pending_count++] = (struct pending){done, ctx, req->kind, own};
    return 0;
}

static void answer_first(void)
{
    static const int32_t transports[] = {0, 0, 0, FA_TRANSPORT_DENIED, FA_TRANSPORT_TOOBIG, 28, 55};
    static const char *const hosts[] = {"", "example.com:443"};
    struct pending one = pending[pending_first++];
    pending_count--;
    struct fa_outcome outcome = {.kind = one.kind, .location_host = hosts[one.hash >> 20 & 1]};
    outcome.response.size = sizeof outcome.response;
    outcome.response.transport = transports[(one.hash >> 8) % 7];
    outcome.response.status = (uint32_t)(one.hash >> 32) % 700;
    outcome.response.retry_after = (int64_t)(one.hash >> 16 & 7) - 1;
    outcome.response.error = FIREALARM_TEXT("what the transport said");
    one.done(one.ctx, &outcome);
}

/* ---- the daemon's end */

static const char *any_word(struct fuzz_input *in)
{
    static char words[FRAMES_MAX * 8][256];
    static size_t next;
    char *word = words[next++ % (FRAMES_MAX * 8)];
    struct fa_str piece = fuzz_piece(in);
    memcpy(word, piece.ptr, piece.len);
    word[piece.len] = '\0';
    return word;
}

static void put_channel(struct fuzz_input *in, struct fa_buf *out)
{
    static const char *const plugins[] = {"webhook", "mail", "none"};
    static const char *const names[] = {"url",  "headers", "allow_private", "allow_plain",
                                        "ca",   "relay",   "from",          "helo",
                                        "user", "tls",     "batch",         NULL};
    static const char *const urls[] = {"https://hooks.example.com/x", "mail.example.com:25",
                                       "Alarm <alarm@example.com>", NULL};
    struct fa_option_given options[8] = {{0}};
    uint8_t kind = fuzz_byte(in);
    uint32_t count = 0;
    options[count++] = (struct fa_option_given){
        .name = kind % 2 ? "relay" : "url", .text = fa_str_of(urls[kind % 2]), .line = 1};
    if (kind % 2) {
        options[count++] =
            (struct fa_option_given){.name = "from", .text = fa_str_of(urls[2]), .line = 2};
    }
    for (uint8_t more = fuzz_byte(in) % 5; more > 0; more--) {
        const char *name = names[fuzz_byte(in) % 12];
        options[count] =
            (struct fa_option_given){.name = name != NULL ? name : any_word(in), .line = 3};
        batched = batched || strcmp(options[count].name, "batch") == 0;
        options[count].kind = fuzz_byte(in) % 5;
        options[count].number = options[count].kind == FA_GIVEN_BOOL ? 1 : fuzz_byte(in);
        options[count++].text = fuzz_piece(in);
    }
    uint32_t from = kind & 64 ? (kind % 2 ? 2 : 1) : 0; /* without what it must have */
    struct fa_frame_channel channel = {.name = kind & 32 ? any_word(in) : "hook",
                                       .plugin = plugins[kind % 16 == 15 ? 2 : kind % 2],
                                       .file = "firealarm.cfg",
                                       .line = 7,
                                       .machine = kind & 128,
                                       .options = options + from,
                                       .option_count = count - from};
    (void)!fa_frame_put_channel(out, &channel);
}

static void put_send(struct fuzz_input *in, struct fa_buf *out)
{
    uint8_t how = fuzz_byte(in);
    struct fa_frame_send send = {.channel = how & 1 ? any_word(in) : "hook",
                                 .plain = how & 2,
                                 .priority = how % 3,
                                 .notice = {.attempt = fuzz_byte(in) % 4u}};
    struct firealarm_notice *n = &send.notice;
    struct firealarm_text *const texts[] = {&n->address, &n->title,    &n->summary,  &n->key,
                                            &n->details, &n->when,     &n->severity, &n->kind,
                                            &n->alarm,   &n->recipient};
    n->size = sizeof *n;
    n->now = (int64_t)fuzz_byte(in) * INT64_C(1000000000000) - INT64_C(5000000000000);
    n->address = FIREALARM_TEXT("ann@example.com");
    n->key = FIREALARM_TEXT("KEY");
    memset(&send.id, fuzz_byte(in), sizeof send.id);
    for (uint8_t more = fuzz_byte(in) % 6; more > 0; more--) {
        uint8_t which = fuzz_byte(in) % 10;
        struct fa_str text = fuzz_piece(in);
        *texts[which] = (struct firealarm_text){text.ptr, text.len};
    }
    struct fa_str text = fuzz_piece(in);
    struct firealarm_field field = {n->title, {text.ptr, text.len}};
    n->fields = &field;
    n->field_count = how & 4 ? 1 : 0;
    (void)!fa_frame_put_send(out, &send);
}

static void put_frame(struct fuzz_input *in, struct fa_buf *out)
{
    struct fa_frame_ping ping;
    switch (fuzz_byte(in) % 8) {
    case 0:
        fa_buf_putstr(out, fuzz_piece(in));
        break;
    case 1:
    case 2:
        put_channel(in, out);
        break;
    case 3:
        (void)!fa_frame_put_empty(out, FA_FRAME_CHANNELS_END);
        break;
    case 4:
    case 5:
    case 6:
        put_send(in, out);
        break;
    default:
        ping.n = fuzz_byte(in);
        (void)!fa_frame_put_ping(out, FA_FRAME_PING, &ping);
        break;
    }
}

/* What the courier said: only frames that the daemon understands. */
static void drain(int fd, struct fa_buf *said)
{
    char bytes[65536];
    ssize_t len;
    while ((len = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        fa_buf_put(said, bytes, (size_t)len);
    }
}

static void check_said(const struct fa_buf *said)
{
    struct fa_str bytes = fa_buf_str(said);
    struct fa_frame frame;
    struct fa_frame_verdict verdict;
    struct fa_err err = {0};
    while (fa_frame_next(&bytes, &frame, &err) == 1) {
        uint64_t own = FUZZ_HASH;
        fuzz_mix(&own, frame.record.ptr, frame.record.len);
        said_sum += own;
        fa_assert(frame.type == FA_FRAME_HELLO || frame.type == FA_FRAME_PONG ||
                  frame.type == FA_FRAME_LOG ||
                  (frame.type == FA_FRAME_VERDICT &&
                   fa_frame_get_verdict(frame.record, &verdict, &err) == 0));
    }
    fa_assert(err.code == 0 && bytes.len == 0);
}

static void free_set(struct set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        fa_channel_unref(set->channels[i]);
    }
    free(set->channels);
}

/* All jobs end, as with a daemon that waits for them. */
static void settle_all(struct courier *courier, int fd, struct fa_buf *said)
{
    drain(fd, said);
    while (pending_count > 0) {
        answer_first();
        drain(fd, said);
    }
    fuzz_time += FA_HOUR;
    fa_attempts_pump(&courier->attempts);
    fuzz_time -= FA_HOUR;
    drain(fd, said);
}

static uint64_t run(const struct fa_buf *stream, uint32_t seed)
{
    struct courier courier = {.base = event_base_new()};
    struct fa_courier_at at_page;
    struct fa_buf said;
    int fds[2];
    volatile size_t at = 0;
    volatile uint32_t cut = seed;
    fa_buf_init(&said, (size_t)64 << 20);
    fa_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    said_sum = 0;
    fuzz_time = 1000 * FA_SECOND;
    pending_first = pending_count = 0;
    courier.host = fa_host_table(on_plugin_log, &courier);
    courier.pipe =
        fa_pipe_new(courier.base, fds[0], "firealarm-courier", on_frame, on_read, &courier);
    fa_attempts_init(&courier.attempts, courier.base, courier.pipe, NULL, &at_page);
    int left = setjmp(leaves);
    if (left == 0) {
        while (at < stream->len) {
            uint32_t next = cut;
            size_t len = fuzz_cut(&next, stream->len - at);
            cut = next;
            len = len < 32768 ? len : 32768;
            fa_assert(send(fds[1], stream->data + at, len, 0) == (ssize_t)len);
            at += len;
            on_readable(fds[0], EV_READ, courier.pipe);
            drain(fds[1], &said);
        }
    }
    settle_all(&courier, fds[1], &said);
    check_said(&said);
    free_set(&courier.now);
    free_set(&courier.coming);
    fa_plugins_free(courier.plugins);
    free(courier.credentials_dir);
    event_free(courier.attempts.timer);
    event_free(courier.pipe->readable);
    event_free(courier.pipe->writable);
    fa_buf_done(&courier.pipe->in);
    fa_buf_done(&courier.pipe->out);
    free(courier.pipe);
    event_base_free(courier.base);
    close(fds[0]);
    close(fds[1]);
    fa_buf_done(&said);
    return left != 0 ? (uint64_t)left : said_sum; /* where it left, what it had begun differs */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct fa_frame_hello hello = {.build = fa_courier_build(), .abi = FA_FRAME_ABI};
    struct fa_buf stream;
    uint32_t seed = fuzz_byte(&in) * 2654435761u + 1;
    batched = false;
    fa_buf_init(&stream, (size_t)256 * 1024);
    if (fuzz_byte(&in) % 16 != 0) {
        (void)!fa_frame_put_hello(&stream, &hello);
    }
    for (unsigned i = 0; i < FRAMES_MAX && in.size > 0; i++) {
        put_frame(&in, &stream);
    }
    uint64_t pieces = run(&stream, seed);
    fa_assert(pieces == run(&stream, 0) || batched);
    fa_buf_done(&stream);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Encoding and decoding of frames.
 *
 * A `const char *` is written with its NUL, and the reader checks that the NUL is there and is the
 * only one; so decoded texts need no copy. Numbers out of their range, lists over their limit and
 * missing fields are errors: both sides come from one build, so nothing may be odd. Tags are per
 * frame type, listed in the enums below, and never used anew. */
#include "courier/frame.h"

#include "base/rec.h"

#include <string.h>

enum { HELLO_BUILD = 1, HELLO_ABI, HELLO_PLUGINS, HELLO_CREDENTIALS };
enum {
    CHANNEL_NAME = 1,
    CHANNEL_PLUGIN,
    CHANNEL_FILE,
    CHANNEL_LINE,
    CHANNEL_MACHINE,
    CHANNEL_TIMEOUT,
    CHANNEL_OPTION,
};
enum {
    OPTION_NAME = 1,
    OPTION_KIND,
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_REAL,
    OPTION_FILE,
    OPTION_LINE
};
enum { SEND_ID = 1, SEND_CHANNEL, SEND_PLAIN, SEND_PRIORITY, SEND_ALONE };
enum {
    VERDICT_ID = 1,
    VERDICT_ATTEMPT,
    VERDICT_VERDICT,
    VERDICT_STATUS,
    VERDICT_PLAIN,
    VERDICT_DETAIL,
    VERDICT_RETRY_AFTER,
    VERDICT_DURATION,
};
enum { PING_N = 1 };
enum { LOG_LEVEL = 1, LOG_TEXT };

/* The members of a notice by kind: tag, member. They stand in the SEND's own record: nothing has to
 * be measured before it is written. A field is its name and then its value. */
#define NOTICE_TEXTS(X)                                                                            \
    X(16, key)                                                                                     \
    X(17, kind)                                                                                    \
    X(18, alarm)                                                                                   \
    X(19, severity)                                                                                \
    X(20, category)                                                                                \
    X(21, rule)                                                                                    \
    X(22, policy)                                                                                  \
    X(23, state)                                                                                   \
    X(24, address)                                                                                 \
    X(25, recipient)                                                                               \
    X(26, title)                                                                                   \
    X(27, summary)                                                                                 \
    X(28, details)                                                                                 \
    X(29, expect)                                                                                  \
    X(30, told)                                                                                    \
    X(31, owner)                                                                                   \
    X(32, how_to_ack)                                                                              \
    X(33, thread)                                                                                  \
    X(34, when)
#define NOTICE_TIMES(X)                                                                            \
    X(47, since)                                                                                   \
    X(48, raised)                                                                                  \
    X(49, now)                                                                                     \
    X(50, promised)
#define NOTICE_COUNTS(X)                                                                           \
    X(63, attempt)                                                                                 \
    X(64, step)                                                                                    \
    X(65, loop)
#define NOTICE_FIELD_NAME  80
#define NOTICE_FIELD_VALUE 81

static const char *const TYPE_NAMES[] = {
    [FA_FRAME_HELLO] = "HELLO",
    [FA_FRAME_CHANNEL] = "CHANNEL",
    [FA_FRAME_CHANNELS_END] = "CHANNELS_END",
    [FA_FRAME_SEND] = "SEND",
    [FA_FRAME_VERDICT] = "VERDICT",
    [FA_FRAME_PING] = "PING",
    [FA_FRAME_PONG] = "PONG",
    [FA_FRAME_LOG] = "LOG",
    [FA_FRAME_STOP] = "STOP",
};

/* ---------------------------------------------------------------------------------- encoding */

static void put_cstr(struct fa_buf *rec, uint32_t tag, const char *text)
{
    if (text != NULL) {
        fa_rec_put_bytes(rec, tag, text, strlen(text) + 1);
    }
}

static void put_id(struct fa_buf *rec, uint32_t tag, struct fa_notification_id id)
{
    fa_rec_put_bytes(rec, tag, id.id.bytes, FA_ID_BYTES);
}

/* A frame is written where it will be read from: its head first, filled in by finish(). */
static size_t start(struct fa_buf *out)
{
    size_t at = out->len;
    fa_buf_put(out, "\0\0\0\0", 5);
    return at;
}

/* The frame that began at `at`; takes it back when it has no room. */
static int finish(struct fa_buf *out, size_t at, enum fa_frame_type type)
{
    size_t len = out->len - at - 4;
    if (out->over || len > FA_FRAME_MAX) {
        bool too_big = !out->over || out->max - at > FA_FRAME_MAX + 4;
        out->over = false;
        fa_buf_cut(out, at);
        return too_big ? FA_ETOOBIG : FA_EFULL;
    }
    char head[5] = {(char)len, (char)(len >> 8), (char)(len >> 16), (char)(len >> 24), (char)type};
    memcpy(out->data + at, head, sizeof head);
    return 0;
}

int fa_frame_put_hello(struct fa_buf *out, const struct fa_frame_hello *hello)
{
    size_t at = start(out);
    put_cstr(out, HELLO_BUILD, hello->build);
    fa_rec_put_u64(out, HELLO_ABI, hello->abi);
    put_cstr(out, HELLO_PLUGINS, hello->plugins_dir);
    put_cstr(out, HELLO_CREDENTIALS, hello->credentials_dir);
    return finish(out, at, FA_FRAME_HELLO);
}

static void put_option(struct fa_buf *rec, const struct fa_option_given *given)
{
    struct fa_buf option;
    fa_buf_init(&option, FA_FRAME_MAX);
    put_cstr(&option, OPTION_NAME, given->name);
    fa_rec_put_u64(&option, OPTION_KIND, (uint64_t)given->kind);
    fa_rec_put_bytes(&option, OPTION_TEXT, given->text.ptr, given->text.len);
    fa_rec_put_i64(&option, OPTION_NUMBER, given->number);
    fa_rec_put_f64(&option, OPTION_REAL, given->real);
    put_cstr(&option, OPTION_FILE, given->file);
    fa_rec_put_u64(&option, OPTION_LINE, given->line);
    rec->over = rec->over || option.over;
    fa_rec_put_bytes(rec, CHANNEL_OPTION, fa_buf_text(&option), option.len);
    fa_buf_done(&option);
}

int fa_frame_put_channel(struct fa_buf *out, const struct fa_frame_channel *chan)
{
    if (chan->option_count > FA_FRAME_OPTIONS_MAX) {
        return FA_ETOOBIG;
    }
    size_t at = start(out);
    put_cstr(out, CHANNEL_NAME, chan->name);
    put_cstr(out, CHANNEL_PLUGIN, chan->plugin);
    put_cstr(out, CHANNEL_FILE, chan->file);
    fa_rec_put_u64(out, CHANNEL_LINE, chan->line);
    fa_rec_put_u64(out, CHANNEL_MACHINE, chan->machine);
    fa_rec_put_i64(out, CHANNEL_TIMEOUT, chan->timeout);
    for (uint32_t i = 0; i < chan->option_count; i++) {
        put_option(out, &chan->options[i]);
    }
    return finish(out, at, FA_FRAME_CHANNEL);
}

static void put_notice(struct fa_buf *out, const struct firealarm_notice *notice)
{
#define X(tag, member)                                                                             \
    if (notice->member.len > 0) {                                                                  \
        fa_rec_put_bytes(out, tag, notice->member.ptr, notice->member.len);                        \
    }
    NOTICE_TEXTS(X)
#undef X
#define X(tag, member) fa_rec_put_i64(out, tag, notice->member);
    NOTICE_TIMES(X)
#undef X
#define X(tag, member) fa_rec_put_u64(out, tag, notice->member);
    NOTICE_COUNTS(X)
#undef X
    for (uint32_t i = 0; i < notice->field_count; i++) {
        const struct firealarm_field *field = &notice->fields[i];
        fa_rec_put_bytes(out, NOTICE_FIELD_NAME, field->name.ptr, field->name.len);
        fa_rec_put_bytes(out, NOTICE_FIELD_VALUE, field->value.ptr, field->value.len);
    }
}

/* Would its texts alone be over the limit, whatever room there is? */
static bool is_too_big(const struct firealarm_notice *notice)
{
    size_t bytes = 0;
#define X(tag, member) bytes += notice->member.len;
    NOTICE_TEXTS(X)
#undef X
    for (uint32_t i = 0; i < notice->field_count && i <= FA_FRAME_FIELDS_MAX; i++) {
        bytes += notice->fields[i].name.len + notice->fields[i].value.len;
    }
    return bytes > FA_FRAME_MAX;
}

int fa_frame_put_send(struct fa_buf *out, const struct fa_frame_send *send)
{
    if (send->notice.field_count > FA_FRAME_FIELDS_MAX || is_too_big(&send->notice)) {
        return FA_ETOOBIG;
    }
    size_t at = start(out);
    put_id(out, SEND_ID, send->id);
    put_cstr(out, SEND_CHANNEL, send->channel);
    fa_rec_put_u64(out, SEND_PLAIN, send->plain);
    fa_rec_put_u64(out, SEND_PRIORITY, (uint64_t)send->priority);
    fa_rec_put_u64(out, SEND_ALONE, send->alone);
    put_notice(out, &send->notice);
    return finish(out, at, FA_FRAME_SEND);
}

int fa_frame_put_verdict(struct fa_buf *out, const struct fa_frame_verdict *ver)
{
    size_t at = start(out);
    put_id(out, VERDICT_ID, ver->id);
    fa_rec_put_u64(out, VERDICT_ATTEMPT, ver->attempt);
    fa_rec_put_u64(out, VERDICT_VERDICT, ver->verdict);
    fa_rec_put_u64(out, VERDICT_STATUS, ver->status);
    fa_rec_put_u64(out, VERDICT_PLAIN, ver->plain);
    fa_rec_put_bytes(out, VERDICT_DETAIL, ver->detail.ptr, ver->detail.len);
    fa_rec_put_i64(out, VERDICT_RETRY_AFTER, ver->retry_after);
    fa_rec_put_i64(out, VERDICT_DURATION, ver->duration);
    return finish(out, at, FA_FRAME_VERDICT);
}

int fa_frame_put_ping(struct fa_buf *out, enum fa_frame_type type, const struct fa_frame_ping *ping)
{
    size_t at = start(out);
    fa_rec_put_u64(out, PING_N, ping->n);
    return finish(out, at, type);
}

int fa_frame_put_log(struct fa_buf *out, const struct fa_frame_log *log)
{
    size_t at = start(out);
    fa_rec_put_u64(out, LOG_LEVEL, log->level);
    fa_rec_put_bytes(out, LOG_TEXT, log->text.ptr, log->text.len);
    return finish(out, at, FA_FRAME_LOG);
}

int fa_frame_put_empty(struct fa_buf *out, enum fa_frame_type type)
{
    return finish(out, start(out), type);
}

/* ---------------------------------------------------------------------------------- decoding */

int fa_frame_next(struct fa_str *bytes, struct fa_frame *ret_frame, struct fa_err *err)
{
    const unsigned char *p = (const unsigned char *)bytes->ptr;
    if (bytes->len < 4) {
        return 0;
    }
    uint32_t len = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    if (len == 0 || len > FA_FRAME_MAX) {
        return fa_err_set(err, FA_EPROTO, "a frame of %u bytes; 1 to %zu are taken", len,
                          FA_FRAME_MAX);
    }
    if (bytes->len >= 5 && (p[4] < FA_FRAME_HELLO || p[4] >= FA_FRAME__END)) {
        return fa_err_set(err, FA_EPROTO, "a frame of the unknown type %u", p[4]);
    }
    if (bytes->len - 4 < len) {
        return 0;
    }
    *ret_frame = (struct fa_frame){(enum fa_frame_type)p[4], {bytes->ptr + 5, len - 1}};
    *bytes = (struct fa_str){bytes->ptr + 4 + len, bytes->len - 4 - len};
    return 1;
}

/* A walk over one record that remembers its first error. */
struct walk {
    struct fa_rec_reader reader;
    struct fa_rec_field field;
    enum fa_frame_type type;
    bool bad;
};

static struct walk walk_start(enum fa_frame_type type, struct fa_str record)
{
    return (struct walk){.reader = fa_rec_read(record), .type = type};
}

static bool walk_next(struct walk *walk)
{
    return !walk->bad && fa_rec_next(&walk->reader, &walk->field);
}

static bool walk_is(struct walk *walk, enum fa_rec_type type)
{
    walk->bad = walk->bad || walk->field.type != type;
    return !walk->bad;
}

static void take_cstr(struct walk *walk, const char **ret)
{
    struct fa_str bytes = walk->field.bytes;
    if (walk_is(walk, FA_REC_BYTES)) {
        walk->bad =
            bytes.len == 0 || memchr(bytes.ptr, '\0', bytes.len) != bytes.ptr + bytes.len - 1;
        *ret = walk->bad ? NULL : bytes.ptr;
    }
}

static void take_str(struct walk *walk, struct fa_str *ret)
{
    if (walk_is(walk, FA_REC_BYTES)) {
        *ret = walk->field.bytes;
    }
}

static void take_text(struct walk *walk, struct firealarm_text *ret)
{
    if (walk_is(walk, FA_REC_BYTES)) {
        *ret = (struct firealarm_text){walk->field.bytes.ptr, walk->field.bytes.len};
    }
}

/* A number up to max. */
static uint64_t take_u64(struct walk *walk, uint64_t max)
{
    walk->bad = !walk_is(walk, FA_REC_U64) || walk->field.u64 > max;
    return walk->bad ? 0 : walk->field.u64;
}

static uint32_t take_u32(struct walk *walk)
{
    return (uint32_t)take_u64(walk, UINT32_MAX);
}

static int64_t take_i64(struct walk *walk)
{
    return walk_is(walk, FA_REC_I64) ? walk->field.i64 : 0;
}

static void take_id(struct walk *walk, struct fa_notification_id *ret)
{
    if (walk_is(walk, FA_REC_BYTES)) {
        walk->bad = walk->field.bytes.len != FA_ID_BYTES;
        if (!walk->bad) {
            memcpy(ret->id.bytes, walk->field.bytes.ptr, FA_ID_BYTES);
        }
    }
}

/* complete: all that must be there was there. */
static int walk_end(const struct walk *walk, bool complete, struct fa_err *err)
{
    if (walk->bad || walk->reader.bad) {
        return fa_err_set(err, FA_EPROTO, "a %s frame that cannot be read (field %u)",
                          TYPE_NAMES[walk->type], walk->field.tag);
    }
    return complete ? 0
                    : fa_err_set(err, FA_EPROTO, "a %s frame that lacks a field",
                                 TYPE_NAMES[walk->type]);
}

int fa_frame_get_hello(struct fa_str record, struct fa_frame_hello *ret_hello, struct fa_err *err)
{
    struct fa_frame_hello hello = {0};
    struct walk walk = walk_start(FA_FRAME_HELLO, record);
    while (walk_next(&walk)) {
        switch (walk.field.tag) {
        case HELLO_BUILD:
            take_cstr(&walk, &hello.build);
            break;
        case HELLO_ABI:
            hello.abi = take_u32(&walk);
            break;
        case HELLO_PLUGINS:
            take_cstr(&walk, &hello.plugins_dir);
            break;
        case HELLO_CREDENTIALS:
            take_cstr(&walk, &hello.credentials_dir);
            break;
        default:
            break;
        }
    }
    *ret_hello = hello;
    return walk_end(&walk, hello.build != NULL, err);
}

static void take_option(struct walk *outer, struct fa_option_given *given)
{
    struct walk walk = walk_start(FA_FRAME_CHANNEL, outer->field.bytes);
    *given = (struct fa_option_given){.text = {"", 0}};
    if (!walk_is(outer, FA_REC_BYTES)) {
        return;
    }
    while (walk_next(&walk)) {
        switch (walk.field.tag) {
        case OPTION_NAME:
            take_cstr(&walk, &given->name);
            break;
        case OPTION_KIND:
            given->kind = (enum fa_given_kind)take_u64(&walk, FA_GIVEN_OTHER);
            break;
        case OPTION_TEXT:
            take_str(&walk, &given->text);
            break;
        case OPTION_NUMBER:
            given->number = take_i64(&walk);
            break;
        case OPTION_REAL:
            given->real = walk_is(&walk, FA_REC_F64) ? walk.field.f64 : 0;
            break;
        case OPTION_FILE:
            take_cstr(&walk, &given->file);
            break;
        case OPTION_LINE:
            given->line = take_u32(&walk);
            break;
        default:
            break;
        }
    }
    outer->bad = walk.bad || walk.reader.bad || given->name == NULL;
}

int fa_frame_get_channel(struct fa_str record, struct fa_frame_lists *lists,
                         struct fa_frame_channel *ret_channel, struct fa_err *err)
{
    struct fa_frame_channel chan = {.options = lists->options};
    struct walk walk = walk_start(FA_FRAME_CHANNEL, record);
    while (walk_next(&walk)) {
        switch (walk.field.tag) {
        case CHANNEL_NAME:
            take_cstr(&walk, &chan.name);
            break;
        case CHANNEL_PLUGIN:
            take_cstr(&walk, &chan.plugin);
            break;
        case CHANNEL_FILE:
            take_cstr(&walk, &chan.file);
            break;
        case CHANNEL_LINE:
            chan.line = take_u32(&walk);
            break;
        case CHANNEL_MACHINE:
            chan.machine = take_u64(&walk, 1) == 1;
            break;
        case CHANNEL_TIMEOUT:
            chan.timeout = take_i64(&walk);
            walk.bad = walk.bad || chan.timeout < 0 || chan.timeout > FA_HOUR;
            break;
        case CHANNEL_OPTION:
            walk.bad = chan.option_count == FA_FRAME_OPTIONS_MAX;
            if (!walk.bad) {
                take_option(&walk, &lists->options[chan.option_count++]);
            }
            break;
        default:
            break;
        }
    }
    *ret_channel = chan;
    return walk_end(&walk, chan.name != NULL && chan.plugin != NULL, err);
}

/* A member of the notice; true when the tag is one of them. */
static bool take_notice(struct walk *walk, struct fa_frame_lists *lists,
                        struct firealarm_notice *notice)
{
    switch (walk->field.tag) {
#define X(tag, member)                                                                             \
    case tag:                                                                                      \
        take_text(walk, &notice->member);                                                          \
        return true;
        NOTICE_TEXTS(X)
#undef X
#define X(tag, member)                                                                             \
    case tag:                                                                                      \
        notice->member = take_i64(walk);                                                           \
        return true;
        NOTICE_TIMES(X)
#undef X
#define X(tag, member)                                                                             \
    case tag:                                                                                      \
        notice->member = take_u32(walk);                                                           \
        return true;
        NOTICE_COUNTS(X)
#undef X
    case NOTICE_FIELD_NAME:
        walk->bad = notice->field_count == FA_FRAME_FIELDS_MAX;
        if (!walk->bad) {
            struct firealarm_field *field = &lists->fields[notice->field_count++];
            *field = (struct firealarm_field){{"", 0}, {"", 0}};
            take_text(walk, &field->name);
        }
        return true;
    case NOTICE_FIELD_VALUE:
        walk->bad = notice->field_count == 0;
        if (!walk->bad) {
            take_text(walk, &lists->fields[notice->field_count - 1].value);
        }
        return true;
    default:
        return false;
    }
}

int fa_frame_get_send(struct fa_str record, struct fa_frame_lists *lists,
                      struct fa_frame_send *ret_send, struct fa_err *err)
{
    struct fa_frame_send send = {.priority = FA_PRIORITY_NORMAL};
    struct walk walk = walk_start(FA_FRAME_SEND, record);
    bool has_id = false, has_notice = false;
    send.notice = (struct firealarm_notice){.size = sizeof send.notice, .fields = lists->fields};
#define X(tag, member) send.notice.member = (struct firealarm_text){"", 0};
    NOTICE_TEXTS(X)
#undef X
    while (walk_next(&walk)) {
        switch (walk.field.tag) {
        case SEND_ID:
            take_id(&walk, &send.id);
            has_id = true;
            break;
        case SEND_CHANNEL:
            take_cstr(&walk, &send.channel);
            break;
        case SEND_PLAIN:
            send.plain = take_u64(&walk, 1) == 1;
            break;
        case SEND_PRIORITY:
            send.priority = (enum fa_priority)take_u64(&walk, FA_PRIORITY__COUNT - 1);
            break;
        case SEND_ALONE:
            send.alone = take_u64(&walk, 1) == 1;
            break;
        default:
            has_notice = take_notice(&walk, lists, &send.notice) || has_notice;
            break;
        }
    }
    *ret_send = send;
    return walk_end(&walk, has_id && has_notice && send.channel != NULL, err);
}

int fa_frame_get_verdict(struct fa_str record, struct fa_frame_verdict *ret_verdict,
                         struct fa_err *err)
{
    struct fa_frame_verdict ver = {.detail = {"", 0}, .retry_after = -1};
    struct walk walk = walk_start(FA_FRAME_VERDICT, record);
    bool has_id = false;
    while (walk_next(&walk)) {
        switch (walk.field.tag) {
        case VERDICT_ID:
            take_id(&walk, &ver.id);
            has_id = true;
            break;
        case VERDICT_ATTEMPT:
            ver.attempt = take_u32(&walk);
            break;
        case VERDICT_VERDICT:
            ver.verdict = (uint32_t)take_u64(&walk, FIREALARM_REJECTED);
            break;
        case VERDICT_STATUS:
            ver.status = take_u32(&walk);
            break;
        case VERDICT_PLAIN:
            ver.plain = take_u64(&walk, 1) == 1;
            break;
        case VERDICT_DETAIL:
            take_str(&walk, &ver.detail);
            break;
        case VERDICT_RETRY_AFTER:
            ver.retry_after = take_i64(&walk);
            break;
        case VERDICT_DURATION:
            ver.duration = take_i64(&walk);
            break;
        default:
            break;
        }
    }
    *ret_verdict = ver;
    return walk_end(&walk, has_id && ver.verdict != 0, err);
}

int fa_frame_get_ping(struct fa_str record, struct fa_frame_ping *ret_ping, struct fa_err *err)
{
    struct walk walk = walk_start(FA_FRAME_PING, record);
    bool has_n = false;
    *ret_ping = (struct fa_frame_ping){0};
    while (walk_next(&walk)) {
        if (walk.field.tag == PING_N) {
            ret_ping->n = take_u64(&walk, UINT64_MAX);
            has_n = true;
        }
    }
    return walk_end(&walk, has_n, err);
}

int fa_frame_get_log(struct fa_str record, struct fa_frame_log *ret_log, struct fa_err *err)
{
    struct walk walk = walk_start(FA_FRAME_LOG, record);
    *ret_log = (struct fa_frame_log){.level = 6, .text = {"", 0}};
    while (walk_next(&walk)) {
        if (walk.field.tag == LOG_LEVEL) {
            ret_log->level = (uint32_t)take_u64(&walk, 7);
        } else if (walk.field.tag == LOG_TEXT) {
            take_str(&walk, &ret_log->text);
        }
    }
    return walk_end(&walk, ret_log->text.len > 0, err);
}

const char *fa_courier_build(void)
{
    return FA_COURIER_BUILD;
}

int fa_frame_check_hello(const struct fa_frame_hello *hello, struct fa_err *err)
{
    if (hello->abi != FA_FRAME_ABI || strcmp(hello->build, fa_courier_build()) != 0) {
        return fa_err_set(err, FA_EVERSION,
                          "the other side is build \"%.64s\", this is build \"%s\": firealarmd and "
                          "firealarm-courier must come from one installation; install both and "
                          "restart",
                          hello->build, fa_courier_build());
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Encoding and decoding of the courier's own frames; child/frame.c has what holds for all. */
#include "courier/frame.h"

#include <string.h>

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
    X(34, when)                                                                                    \
    X(35, ack_url)                                                                                 \
    X(36, ack_code)                                                                                \
    X(37, language)                                                                                \
    X(38, promised_when)                                                                           \
    X(39, sent_when)
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
/* A line begins with its kind. */
#define NOTICE_LINE_KIND 82
#define LINE_TEXTS(X)                                                                              \
    X(83, alarm)                                                                                   \
    X(84, severity)                                                                                \
    X(85, rule)                                                                                    \
    X(86, state)                                                                                   \
    X(87, owner)                                                                                   \
    X(88, title)                                                                                   \
    X(89, when)                                                                                    \
    X(90, ack_url)                                                                                 \
    X(91, ack_code)
/* In their order, also those without a text. */
#define NOTICE_WORD 92

/* ---------------------------------------------------------------------------------- encoding */

static void put_id(struct fa_buf *rec, uint32_t tag, struct fa_notification_id id)
{
    fa_rec_put_bytes(rec, tag, id.id.bytes, FA_ID_BYTES);
}

static void put_option(struct fa_buf *rec, const struct fa_option_given *given)
{
    struct fa_buf option;
    fa_buf_init(&option, FA_FRAME_MAX);
    fa_frame_put_cstr(&option, OPTION_NAME, given->name);
    fa_rec_put_u64(&option, OPTION_KIND, (uint64_t)given->kind);
    fa_rec_put_bytes(&option, OPTION_TEXT, given->text.ptr, given->text.len);
    fa_rec_put_i64(&option, OPTION_NUMBER, given->number);
    fa_rec_put_f64(&option, OPTION_REAL, given->real);
    fa_frame_put_cstr(&option, OPTION_FILE, given->file);
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
    size_t at = fa_frame_start(out);
    fa_frame_put_cstr(out, CHANNEL_NAME, chan->name);
    fa_frame_put_cstr(out, CHANNEL_PLUGIN, chan->plugin);
    fa_frame_put_cstr(out, CHANNEL_FILE, chan->file);
    fa_rec_put_u64(out, CHANNEL_LINE, chan->line);
    fa_rec_put_u64(out, CHANNEL_MACHINE, chan->machine);
    fa_rec_put_i64(out, CHANNEL_TIMEOUT, chan->timeout);
    for (uint32_t i = 0; i < chan->option_count; i++) {
        put_option(out, &chan->options[i]);
    }
    return fa_frame_finish(out, at, FA_FRAME_CHANNEL);
}

static void put_line(struct fa_buf *out, const struct firealarm_line *line)
{
    fa_rec_put_bytes(out, NOTICE_LINE_KIND, line->kind.ptr, line->kind.len);
#define X(tag, member)                                                                             \
    if (line->member.len > 0) {                                                                    \
        fa_rec_put_bytes(out, tag, line->member.ptr, line->member.len);                            \
    }
    LINE_TEXTS(X)
#undef X
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
    for (uint32_t i = 0; i < notice->line_count; i++) {
        put_line(out, &notice->lines[i]);
    }
    for (uint32_t i = 0; i < notice->word_count; i++) {
        fa_rec_put_bytes(out, NOTICE_WORD, notice->words[i].ptr, notice->words[i].len);
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
    for (uint32_t i = 0; i < notice->line_count && i <= FA_FRAME_LINES_MAX; i++) {
        const struct firealarm_line *line = &notice->lines[i];
        bytes += line->kind.len;
#define X(tag, member) bytes += line->member.len;
        LINE_TEXTS(X)
#undef X
    }
    for (uint32_t i = 0; i < notice->word_count && i <= FIREALARM_WORD__COUNT; i++) {
        bytes += notice->words[i].len;
    }
    return bytes > FA_FRAME_MAX;
}

int fa_frame_put_send(struct fa_buf *out, const struct fa_frame_send *send)
{
    if (send->notice.field_count > FA_FRAME_FIELDS_MAX ||
        send->notice.line_count > FA_FRAME_LINES_MAX ||
        send->notice.word_count > FIREALARM_WORD__COUNT || is_too_big(&send->notice)) {
        return FA_ETOOBIG;
    }
    size_t at = fa_frame_start(out);
    put_id(out, SEND_ID, send->id);
    fa_frame_put_cstr(out, SEND_CHANNEL, send->channel);
    fa_rec_put_u64(out, SEND_PLAIN, send->plain);
    fa_rec_put_u64(out, SEND_PRIORITY, (uint64_t)send->priority);
    fa_rec_put_u64(out, SEND_ALONE, send->alone);
    put_notice(out, &send->notice);
    return fa_frame_finish(out, at, FA_FRAME_SEND);
}

int fa_frame_put_verdict(struct fa_buf *out, const struct fa_frame_verdict *ver)
{
    size_t at = fa_frame_start(out);
    put_id(out, VERDICT_ID, ver->id);
    fa_rec_put_u64(out, VERDICT_ATTEMPT, ver->attempt);
    fa_rec_put_u64(out, VERDICT_VERDICT, ver->verdict);
    fa_rec_put_u64(out, VERDICT_STATUS, ver->status);
    fa_rec_put_u64(out, VERDICT_PLAIN, ver->plain);
    fa_rec_put_bytes(out, VERDICT_DETAIL, ver->detail.ptr, ver->detail.len);
    fa_rec_put_i64(out, VERDICT_RETRY_AFTER, ver->retry_after);
    fa_rec_put_i64(out, VERDICT_DURATION, ver->duration);
    return fa_frame_finish(out, at, FA_FRAME_VERDICT);
}

/* ---------------------------------------------------------------------------------- decoding */

static void take_text(struct fa_walk *walk, struct firealarm_text *ret)
{
    if (fa_walk_is(walk, FA_REC_BYTES)) {
        *ret = (struct firealarm_text){walk->field.bytes.ptr, walk->field.bytes.len};
    }
}

static void take_id(struct fa_walk *walk, struct fa_notification_id *ret)
{
    if (fa_walk_is(walk, FA_REC_BYTES)) {
        walk->bad = walk->field.bytes.len != FA_ID_BYTES;
        if (!walk->bad) {
            memcpy(ret->id.bytes, walk->field.bytes.ptr, FA_ID_BYTES);
        }
    }
}

static void take_option(struct fa_walk *outer, struct fa_option_given *given)
{
    struct fa_walk walk = fa_walk_start("CHANNEL", outer->field.bytes);
    *given = (struct fa_option_given){.text = {"", 0}};
    if (!fa_walk_is(outer, FA_REC_BYTES)) {
        return;
    }
    while (fa_walk_next(&walk)) {
        switch (walk.field.tag) {
        case OPTION_NAME:
            fa_walk_cstr(&walk, &given->name);
            break;
        case OPTION_KIND:
            given->kind = (enum fa_given_kind)fa_walk_u64(&walk, FA_GIVEN_OTHER);
            break;
        case OPTION_TEXT:
            fa_walk_str(&walk, &given->text);
            break;
        case OPTION_NUMBER:
            given->number = fa_walk_i64(&walk);
            break;
        case OPTION_REAL:
            given->real = fa_walk_is(&walk, FA_REC_F64) ? walk.field.f64 : 0;
            break;
        case OPTION_FILE:
            fa_walk_cstr(&walk, &given->file);
            break;
        case OPTION_LINE:
            given->line = fa_walk_u32(&walk);
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
    struct fa_walk walk = fa_walk_start("CHANNEL", record);
    while (fa_walk_next(&walk)) {
        switch (walk.field.tag) {
        case CHANNEL_NAME:
            fa_walk_cstr(&walk, &chan.name);
            break;
        case CHANNEL_PLUGIN:
            fa_walk_cstr(&walk, &chan.plugin);
            break;
        case CHANNEL_FILE:
            fa_walk_cstr(&walk, &chan.file);
            break;
        case CHANNEL_LINE:
            chan.line = fa_walk_u32(&walk);
            break;
        case CHANNEL_MACHINE:
            chan.machine = fa_walk_u64(&walk, 1) == 1;
            break;
        case CHANNEL_TIMEOUT:
            chan.timeout = fa_walk_i64(&walk);
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
    return fa_walk_end(&walk, chan.name != NULL && chan.plugin != NULL, err);
}

/* A member of a line; true when the tag is one of them. */
static bool take_line(struct fa_walk *walk, struct fa_frame_lists *lists,
                      struct firealarm_notice *notice)
{
    struct firealarm_line *line = &lists->lines[notice->line_count - (notice->line_count > 0)];
    bool is_first = notice->line_count == 0;
    switch (walk->field.tag) {
    case NOTICE_LINE_KIND:
        walk->bad = notice->line_count == FA_FRAME_LINES_MAX;
        if (!walk->bad) {
            line = &lists->lines[notice->line_count++];
            line->kind = (struct firealarm_text){"", 0};
#define X(tag, member) line->member = (struct firealarm_text){"", 0};
            LINE_TEXTS(X)
#undef X
            take_text(walk, &line->kind);
        }
        return true;
#define X(tag, member)                                                                             \
    case tag:                                                                                      \
        walk->bad = is_first;                                                                      \
        if (!walk->bad) {                                                                          \
            take_text(walk, &line->member);                                                        \
        }                                                                                          \
        return true;
        LINE_TEXTS(X)
#undef X
    default:
        return false;
    }
}

/* A member of the notice; true when the tag is one of them. */
static bool take_notice(struct fa_walk *walk, struct fa_frame_lists *lists,
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
        notice->member = fa_walk_i64(walk);                                                        \
        return true;
        NOTICE_TIMES(X)
#undef X
#define X(tag, member)                                                                             \
    case tag:                                                                                      \
        notice->member = fa_walk_u32(walk);                                                        \
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
    case NOTICE_WORD:
        walk->bad = notice->word_count == FIREALARM_WORD__COUNT;
        if (!walk->bad) {
            lists->words[notice->word_count] = (struct firealarm_text){"", 0};
            take_text(walk, &lists->words[notice->word_count++]);
        }
        return true;
    default:
        return take_line(walk, lists, notice);
    }
}

int fa_frame_get_send(struct fa_str record, struct fa_frame_lists *lists,
                      struct fa_frame_send *ret_send, struct fa_err *err)
{
    struct fa_frame_send send = {.priority = FA_PRIORITY_NORMAL};
    struct fa_walk walk = fa_walk_start("SEND", record);
    bool has_id = false, has_notice = false;
    send.notice = (struct firealarm_notice){
        .size = sizeof send.notice,
        .fields = lists->fields,
        .lines = lists->lines,
        .words = lists->words,
    };
#define X(tag, member) send.notice.member = (struct firealarm_text){"", 0};
    NOTICE_TEXTS(X)
#undef X
    while (fa_walk_next(&walk)) {
        switch (walk.field.tag) {
        case SEND_ID:
            take_id(&walk, &send.id);
            has_id = true;
            break;
        case SEND_CHANNEL:
            fa_walk_cstr(&walk, &send.channel);
            break;
        case SEND_PLAIN:
            send.plain = fa_walk_u64(&walk, 1) == 1;
            break;
        case SEND_PRIORITY:
            send.priority = (enum fa_priority)fa_walk_u64(&walk, FA_PRIORITY__COUNT - 1);
            break;
        case SEND_ALONE:
            send.alone = fa_walk_u64(&walk, 1) == 1;
            break;
        default:
            has_notice = take_notice(&walk, lists, &send.notice) || has_notice;
            break;
        }
    }
    *ret_send = send;
    return fa_walk_end(&walk, has_id && has_notice && send.channel != NULL, err);
}

int fa_frame_get_verdict(struct fa_str record, struct fa_frame_verdict *ret_verdict,
                         struct fa_err *err)
{
    struct fa_frame_verdict ver = {.detail = {"", 0}, .retry_after = -1};
    struct fa_walk walk = fa_walk_start("VERDICT", record);
    bool has_id = false;
    while (fa_walk_next(&walk)) {
        switch (walk.field.tag) {
        case VERDICT_ID:
            take_id(&walk, &ver.id);
            has_id = true;
            break;
        case VERDICT_ATTEMPT:
            ver.attempt = fa_walk_u32(&walk);
            break;
        case VERDICT_VERDICT:
            ver.verdict = (uint32_t)fa_walk_u64(&walk, FIREALARM_REJECTED);
            break;
        case VERDICT_STATUS:
            ver.status = fa_walk_u32(&walk);
            break;
        case VERDICT_PLAIN:
            ver.plain = fa_walk_u64(&walk, 1) == 1;
            break;
        case VERDICT_DETAIL:
            fa_walk_str(&walk, &ver.detail);
            break;
        case VERDICT_RETRY_AFTER:
            ver.retry_after = fa_walk_i64(&walk);
            break;
        case VERDICT_DURATION:
            ver.duration = fa_walk_i64(&walk);
            break;
        default:
            break;
        }
    }
    *ret_verdict = ver;
    return fa_walk_end(&walk, has_id && ver.verdict != 0, err);
}

const char *fa_courier_build(void)
{
    return FA_COURIER_BUILD;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_courier fa_base */
/* Frames as either side may get them, in pieces. What decodes is encoded and decoded again: the
 * same bytes. */
#include "courier/frame.h"

#include "frame_check.h"

static struct fa_frame_lists lists;

static int again(const struct fa_frame *frame, struct fa_buf *out)
{
    struct fa_err err = {0};
    union {
        struct fa_frame_hello hello;
        struct fa_frame_channel channel;
        struct fa_frame_send send;
        struct fa_frame_verdict verdict;
        struct fa_frame_ping ping;
        struct fa_frame_log log;
    } any;
    int rc = 0;
    switch (frame->type) {
    case FA_FRAME_HELLO:
        rc = fa_frame_get_hello(frame->record, &any.hello, &err);
        return rc < 0 ? rc : fa_frame_put_hello(out, &any.hello);
    case FA_FRAME_CHANNEL:
        rc = fa_frame_get_channel(frame->record, &lists, &any.channel, &err);
        return rc < 0 ? rc : fa_frame_put_channel(out, &any.channel);
    case FA_FRAME_SEND:
        rc = fa_frame_get_send(frame->record, &lists, &any.send, &err);
        return rc < 0 ? rc : fa_frame_put_send(out, &any.send);
    case FA_FRAME_VERDICT:
        rc = fa_frame_get_verdict(frame->record, &any.verdict, &err);
        return rc < 0 ? rc : fa_frame_put_verdict(out, &any.verdict);
    case FA_FRAME_PING:
    case FA_FRAME_PONG:
        rc = fa_frame_get_ping(frame->record, &any.ping, &err);
        return rc < 0 ? rc : fa_frame_put_ping(out, frame->type, &any.ping);
    case FA_FRAME_LOG:
        rc = fa_frame_get_log(frame->record, &any.log, &err);
        return rc < 0 ? rc : fa_frame_put_log(out, &any.log);
    case FA_FRAME_CHANNELS_END:
    case FA_FRAME_STOP:
        return fa_frame_put_empty(out, frame->type);
    case FA_FRAME__END:
        break;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    frame_check(data, size, again);
    return 0;
}

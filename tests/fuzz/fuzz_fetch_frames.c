/* SPDX-License-Identifier: MIT */
/* links: fa_fetcher fa_child fa_base */
/* The fetcher's frames as either side may get them, in pieces. What decodes is encoded and decoded
 * again: the same bytes. */
#include "fetcher/frame.h"

#include "frame_check.h"

static int again(const struct fa_frame *frame, struct fa_buf *out)
{
    static struct fa_fetch_run run;
    struct fa_fetch_body body;
    struct fa_fetch_done done;
    struct fa_err err = {0};
    int rc;
    switch (frame->type) {
    case FA_FRAME_RUN:
        rc = fa_fetch_frame_get_run(frame->record, &run, &err);
        return rc < 0 ? rc : fa_fetch_frame_put_run(out, &run);
    case FA_FRAME_BODY:
        rc = fa_fetch_frame_get_body(frame->record, &body, &err);
        return rc < 0 ? rc : fa_fetch_frame_put_body(out, &body);
    case FA_FRAME_DONE:
        rc = fa_fetch_frame_get_done(frame->record, &done, &err);
        return rc < 0 ? rc : fa_fetch_frame_put_done(out, &done);
    default:
        return -1; /* fuzz_frames has those that all speak */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    frame_check(data, size, again);
    return 0;
}

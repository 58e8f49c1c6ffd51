/* SPDX-License-Identifier: MIT */
/* links: fa_client PkgConfig::JANSSON */
/* Whatever the daemon (or what poses as it) answers, and whatever lies in the spool: nothing
 * crashes, and no byte that commands a terminal comes out. */
#include "client/api.h"
#include "client/filing.h"
#include "client/guide.h"
#include "client/render.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shown(const char *text, size_t len)
{
    struct fa_str shown = {text, len};
    struct fa_buf again;
    fa_buf_init(&again, SIZE_MAX / 4);
    fa_clean(&again, shown, true);
    if (again.len != len || memcmp(fa_buf_text(&again), text, len) != 0) {
        abort(); /* something was left to clean */
    }
    fa_buf_done(&again);
}

static void render_all(struct fa_screen *screen, const json_t *json)
{
    fa_render_guide(screen, json);
    fa_render_preview(screen, json);
    fa_render_told(screen, json);
    fa_render_receipt(screen, json);
    fa_render_status(screen, json);
    fa_render_alarms(screen, json, INT64_C(1795334400000));
    fa_render_alarm(screen, json, INT64_C(1795334400000));
    fa_render_explain(screen, json);
    fa_render_rule(screen, json);
    fa_render_outbox(screen, json, INT64_C(1795334400000));
}

static void use_guide(json_t *json, struct fa_str word)
{
    struct fa_guide guide;
    struct fa_err err;
    fa_guide_from(json, FA_GUIDE_LIVE, &guide);
    (void)fa_guide_find(&guide, word, &err);
    (void)fa_guide_display(&guide, "maria");
    fa_guide_done(&guide);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_str input = {(const char *)data, size};
    struct fa_answer answer;
    struct fa_filing filing;
    struct fa_err err;
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    struct fa_screen screen = {
        .file = file, .tty = size % 2 == 0, .columns = (unsigned)(40 + size % 100)};
    fa_answer_read(&answer, size % 3 == 0 ? 422 : 200, input);
    fa_put_wrapped(&screen, 2, NULL, fa_buf_text(&answer.message));
    render_all(&screen, answer.json);
    use_guide(answer.json, (struct fa_str){input.ptr, size < 20 ? size : 20});
    fa_answer_done(&answer);
    fclose(file);
    check_shown(text, len);
    free(text);
    if (fa_filing_decode_request(input, &filing, &err) == 0) {
        char *encoded = fa_filing_encode(&filing);
        fa_filing_done(&filing);
        if (fa_filing_decode(fa_str_of(encoded), &filing, &err) != 0) {
            abort(); /* what is kept can be read again */
        }
        fa_filing_done(&filing);
        free(encoded);
    }
    return 0;
}

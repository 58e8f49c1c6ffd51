/* SPDX-License-Identifier: MIT */
/* links: fa_text fa_base */
/* Up to the first newline a template, after it the value of field `f`. Output stays in its place.
 */
#include "text/template.h"

#include <stdlib.h>
#include <string.h>

static void check_output(enum fa_escape escape, struct fa_str out, bool from_value)
{
    if (!fa_utf8_valid(out)) {
        abort();
    }
    for (size_t i = 0; i < out.len; i++) {
        unsigned char c = (unsigned char)out.ptr[i];
        if ((c < 0x20 && (c != '\n' || escape == FA_ESCAPE_HEADER || escape == FA_ESCAPE_JSON)) ||
            c == 0x7f || (from_value && escape == FA_ESCAPE_HTML && strchr("<>\"'", c) != NULL)) {
            abort();
        }
    }
}

static void render(const struct fa_template *tpl, struct fa_str value, bool from_value)
{
    struct fa_template_field field = {"f", value};
    for (int escape = 0; escape < FA_ESCAPE__COUNT; escape++) {
        struct fa_template_input input = {.fields = &field,
                                          .field_count = 1,
                                          .escape = (enum fa_escape)escape,
                                          .now = INT64_C(1763800800000)};
        struct fa_buf out;
        fa_buf_init(&out, 300);
        (void)!fa_template_render(tpl, &input, &out);
        check_output(input.escape, fa_buf_str(&out), from_value);
        fa_buf_done(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_str value,
        source = fa_str_cut((struct fa_str){(const char *)data, size}, '\n', &value);
    struct fa_template *tpl = NULL;
    struct fa_err err = {0};
    if (fa_template_compile(source, &tpl, &err) == 0) {
        render(tpl, value, false);
        fa_template_free(tpl);
    }
    if (fa_template_compile(FA_STR("{f|upper}{f|time}{f|duration}{f|number}{f|percent}"), &tpl,
                            &err) == 0) {
        render(tpl, value, true);
        fa_template_free(tpl);
    }
    return 0;
}

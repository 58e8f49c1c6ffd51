/* SPDX-License-Identifier: MIT */
/* links: fa_net */
/* Queries and paths: what is accepted holds no NUL, is UTF-8 and is no longer than its input. */
#include "net/query.h"

#include "base/panic.h"

#include <string.h>

static void check_text(const struct fa_buf *buf, size_t max)
{
    fa_assert(buf->len <= max && strlen(fa_buf_text(buf)) == buf->len);
    fa_assert(fa_utf8_valid(fa_buf_str(buf)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_str text = {(const char *)data, size};
    struct fa_query query;
    struct fa_buf out;
    int rc;
    fa_query_init(&query, text);
    while ((rc = fa_query_next(&query)) > 0) {
        check_text(&query.name, size);
        check_text(&query.value, size);
        fa_assert(query.name.len > 0);
    }
    fa_query_done(&query);
    fa_buf_init(&out, 4096);
    int found = fa_query_get(text, "a", &out);
    fa_assert(rc == 0 || found == rc);
    fa_buf_clear(&out);
    if (fa_path_decode(text, &out) == 0) {
        check_text(&out, size);
        fa_assert(out.data[0] == '/' && !fa_str_has_control(fa_buf_str(&out)));
    }
    fa_buf_done(&out);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_fetcher_child fa_base */
/* What a server answers to a query. Whatever it is, what comes out are whole lines of one metric's
 * samples: nothing that the server wrote begins a line or ends one. */
#include "fuzz.h"

#include "fetcher/child/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_buf out;
    struct fa_err err = {0};
    char *json = fuzz_copy((struct fa_str){(const char *)data, size});
    fa_buf_init(&out, (size_t)1 << 20);
    int rc = fa_query_answer_parse((struct fa_str){json, size}, "sales", &out, &err);
    struct fa_str rest = fa_buf_str(&out);
    while (rc == 0 && rest.len > 0) {
        struct fa_str line = fa_str_cut(rest, '\n', &rest);
        fa_assert(fa_str_starts(line, "sales{") || fa_str_starts(line, "sales "));
        fa_assert(rest.ptr != NULL); /* the line was whole */
        size_t digits = 0;
        while (digits < line.len && line.ptr[line.len - 1 - digits] >= '0' &&
               line.ptr[line.len - 1 - digits] <= '9') {
            digits++;
        }
        fa_assert(digits > 0 && digits < line.len && line.ptr[line.len - 1 - digits] == ' ');
    }
    fa_buf_done(&out);
    free(json);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Forms as JSON objects: what follows is the same for pages and programs. The decoding is
 * net/query.h's. */
#include "api/form.h"

#include "net/query.h"

#include <string.h>

/* CRLF and CR become a newline in place. */
static void clean(struct fa_buf *value)
{
    size_t to = 0;
    for (size_t i = 0; i < value->len; i++) {
        char c = value->data[i];
        if (c == '\r') {
            c = '\n';
            i += i + 1 < value->len && value->data[i + 1] == '\n';
        } else if (((unsigned char)c < 0x20 && c != '\n') || c == 0x7f) {
            c = ' ';
        }
        value->data[to++] = c;
    }
    fa_buf_cut(value, to);
}

int fa_form_parse(struct fa_str body, json_t **ret_form)
{
    struct fa_query query;
    json_t *form = json_object();
    size_t fields = 0;
    int rc;
    fa_query_init(&query, body);
    while ((rc = fa_query_next(&query)) > 0 && fields < FA_FORM_FIELDS_MAX) {
        const char *name = fa_buf_text(&query.name);
        fields++;
        clean(&query.value);
        if (json_object_get(form, name) == NULL) {
            json_object_set_new(form, name,
                                json_stringn(fa_buf_text(&query.value), query.value.len));
        }
    }
    fa_query_done(&query);
    if (rc != 0) {
        json_decref(form);
        return rc > 0 ? FA_ETOOBIG : FA_EPARSE;
    }
    *ret_form = form;
    return 0;
}

const char *fa_form_text(const json_t *form, const char *name)
{
    const char *text = json_string_value(json_object_get(form, name));
    return text != NULL ? text : "";
}

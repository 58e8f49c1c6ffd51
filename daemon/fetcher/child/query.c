/* SPDX-License-Identifier: MIT */
/* Reads the JSON of a query's answer. Runs in a job's process, which may run out of memory over it.
 * Numbers are checked for their form and copied as they are; what the decoder reads is text of
 * ours with texts of the server's in it, every one of them escaped. */
#include "fetcher/child/query.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static int refuse(struct fa_err *err, const char *what)
{
    return fa_err_set(err, FA_EPROTO, "its answer %s", what);
}

static void put_escaped(struct fa_buf *out, const char *text)
{
    fa_buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            fa_buf_puts(out, "\\n");
        } else {
            if (*text == '"' || *text == '\\') {
                fa_buf_putc(out, '\\');
            }
            fa_buf_putc(out, *text);
        }
    }
    fa_buf_putc(out, '"');
}

/* Labels whose names are not plain ones are written in quotes, as Prometheus 3 does. */
static bool is_plain(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    return len > 0 && name[len] == '\0' && (name[0] < '0' || name[0] > '9');
}

static int put_labels(struct fa_buf *out, json_t *metric, struct fa_err *err)
{
    const char *name;
    json_t *value;
    bool first = true;
    fa_buf_putc(out, '{');
    json_object_foreach(metric, name, value)
    {
        if (!json_is_string(value)) {
            return refuse(err, "has a label that is no text");
        }
        if (strcmp(name, "__name__") == 0) {
            continue;
        }
        fa_buf_puts(out, first ? "" : ",");
        if (is_plain(name)) {
            fa_buf_puts(out, name);
        } else {
            put_escaped(out, name);
        }
        fa_buf_putc(out, '=');
        put_escaped(out, json_string_value(value));
        first = false;
    }
    fa_buf_putc(out, '}');
    return 0;
}

/* [ 1700000000.123, "1.5" ] */
static int put_value(struct fa_buf *out, json_t *pair, struct fa_err *err)
{
    static const char *const words[] = {"NaN", "+Inf", "-Inf", "Inf"};
    json_t *at = json_array_get(pair, 0), *value = json_array_get(pair, 1);
    double seconds = json_is_number(at) ? json_number_value(at) : NAN, number;
    const char *text = json_string_value(value);
    bool ok = text != NULL && seconds >= 0 && seconds < 1e11;
    bool is_word = false;
    for (size_t i = 0; ok && i < sizeof words / sizeof words[0]; i++) {
        is_word = is_word || strcmp(words[i], text) == 0;
    }
    if (!ok || (!is_word && fa_parse_double(fa_str_of(text), &number) != 0)) {
        return refuse(err, "has a sample that is no time and number");
    }
    fa_buf_printf(out, " %s %lld\n", text, (long long)(seconds * 1000 + 0.5));
    return 0;
}

static int put_sample(struct fa_buf *out, const char *name, json_t *labels, json_t *pair,
                      struct fa_err *err)
{
    fa_buf_puts(out, name);
    int rc = labels != NULL ? put_labels(out, labels, err) : 0;
    return rc < 0 ? rc : put_value(out, pair, err);
}

static int put_data(struct fa_buf *out, const char *name, json_t *data, struct fa_err *err)
{
    const char *type = json_string_value(json_object_get(data, "resultType"));
    json_t *result = json_object_get(data, "result"), *item;
    size_t i;
    int rc = 0;
    if (type != NULL && strcmp(type, "scalar") == 0) {
        return put_sample(out, name, NULL, result, err);
    }
    if (type == NULL || strcmp(type, "vector") != 0 || !json_is_array(result)) {
        return refuse(err, "is neither an instant vector nor a scalar");
    }
    json_array_foreach(result, i, item)
    {
        json_t *labels = json_object_get(item, "metric");
        if (!json_is_object(labels)) {
            return refuse(err, "has a sample without labels");
        }
        rc = put_sample(out, name, labels, json_object_get(item, "value"), err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int fa_query_answer_parse(struct fa_str json, const char *metric, struct fa_buf *out,
                          struct fa_err *err)
{
    json_t *root = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
    const char *status = json_string_value(json_object_get(root, "status"));
    const char *kind = json_string_value(json_object_get(root, "errorType"));
    int rc;
    if (status != NULL && strcmp(status, "success") == 0) {
        rc = put_data(out, metric, json_object_get(root, "data"), err);
        if (rc == 0 && out->over) {
            rc = fa_err_set(err, FA_ETOOBIG, "its answer is longer than max_bytes");
        }
    } else if (kind != NULL && is_plain(kind) && strlen(kind) < 40) {
        rc = fa_err_set(err, FA_EPROTO, "the server refuses the query: %s", kind);
    } else {
        rc = refuse(err, root == NULL ? "is no JSON" : "is none of the Prometheus HTTP API");
    }
    json_decref(root);
    return rc;
}

/* SPDX-License-Identifier: MIT */
#include "api/json.h"
#include "text/reader.h"

#include <stdlib.h>
#include <string.h>

/* More are no help to anybody, and a body of nothing else must not stop the loop. */
#define FAULTS_MAX 20

bool fa_faults_full(const struct fa_faults *faults)
{
    return json_array_size(faults->list) >= FAULTS_MAX;
}

void fa_json_fault(struct fa_faults *faults, const char *pointer, const char *fmt, ...)
{
    char text[400], place[160];
    va_list ap;
    if (fa_faults_full(faults)) {
        return;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(place, sizeof place, "#/%s", pointer);
    json_t *fault = json_object();
    fa_json_set_text(fault, "pointer", place);
    fa_json_set_text(fault, "detail", text);
    if (faults->list == NULL) {
        faults->list = json_array();
    }
    json_array_append_new(faults->list, fault);
}

json_t *fa_json_body(struct fa_http_request *req)
{
    json_error_t error;
    char detail[256];
    struct fa_str body = fa_http_body(req);
    json_t *root =
        json_loadb(body.ptr != NULL ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &error);
    if (root != NULL && json_is_object(root)) {
        return root;
    }
    if (root != NULL) {
        snprintf(detail, sizeof detail, "The body must be one JSON object, {...}.");
        json_decref(root);
    } else {
        snprintf(detail, sizeof detail, "The body is no JSON: %s at line %d, column %d.",
                 error.text, error.line, error.column);
    }
    fa_http_reply_problem(req, 400, detail);
    return NULL;
}

void fa_json_only(json_t *object, const char *const *names, struct fa_faults *faults)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    json_object_foreach(object, key, value)
    {
        bool known = false;
        if (fa_faults_full(faults)) {
            return;
        }
        for (size_t i = 0; i < count; i++) {
            known = known || strcmp(names[i], key) == 0;
        }
        const char *near = known ? NULL : fa_suggest(key, names, count);
        if (near != NULL) {
            fa_json_fault(faults, key, "There is no such member. Did you mean \"%s\"?", near);
        } else if (!known) {
            fa_json_fault(faults, key, "There is no such member.");
        }
    }
}

/* Of a text that people wrote; spec->lines lets newlines and tabs pass. */
static bool text_is_clean(const char *text, size_t len, bool lines)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && !(lines && (c == '\n' || c == '\t' || c == '\r'))) || c == 0x7f) {
            return false;
        }
    }
    return true;
}

const char *fa_json_text(json_t *object, const struct fa_json_text *spec, struct fa_faults *faults)
{
    json_t *value = json_object_get(object, spec->name);
    if (value == NULL || json_is_null(value)) {
        if (spec->required) {
            fa_json_fault(faults, spec->name, "This is needed.");
        }
        return NULL;
    }
    if (!json_is_string(value)) {
        fa_json_fault(faults, spec->name, "This must be a text.");
        return NULL;
    }
    size_t len = json_string_length(value);
    if (len == 0 && spec->required) {
        fa_json_fault(faults, spec->name, "This must not be empty.");
    } else if (len > spec->max) {
        fa_json_fault(faults, spec->name, "This has %zu bytes; the limit is %zu.", len, spec->max);
    } else if (!text_is_clean(json_string_value(value), len, spec->lines)) {
        fa_json_fault(faults, spec->name, "This has a control character in it.");
    } else {
        return json_string_value(value);
    }
    return NULL;
}

size_t fa_json_texts(json_t *object, const char *name, size_t most, const char ***ret,
                     struct fa_faults *faults)
{
    json_t *list = json_object_get(object, name);
    *ret = NULL;
    if (list == NULL || json_is_null(list)) {
        return 0;
    }
    if (!json_is_array(list) || json_array_size(list) > most) {
        fa_json_fault(faults, name, "This must be a list of at most %zu texts.", most);
        return 0;
    }
    size_t count = 0;
    *ret = calloc(json_array_size(list) + 1, sizeof(char *));
    for (size_t i = 0; *ret != NULL && i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        size_t len = json_string_length(item);
        if (!json_is_string(item) || len == 0 || len > 200 ||
            !text_is_clean(json_string_value(item), len, false)) {
            fa_json_fault(faults, name, "Item %zu must be a name of 1 to 200 bytes.", i + 1);
        } else {
            (*ret)[count++] = json_string_value(item);
        }
    }
    return count;
}

fa_time fa_json_duration(json_t *object, const char *name, struct fa_faults *faults)
{
    struct fa_json_text spec = {name, 40, false, false};
    const char *text = fa_json_text(object, &spec, faults);
    fa_time ms = 0;
    if (text != NULL && (fa_parse_duration(fa_str_of(text), &ms) != 0 || ms == 0)) {
        fa_json_fault(faults, name,
                      "\"%s\" is no length of time. Write for instance 30m, 2h or 1d.", text);
        ms = 0;
    }
    return ms;
}

bool fa_json_bool(json_t *object, const char *name, struct fa_faults *faults)
{
    json_t *value = json_object_get(object, name);
    if (value != NULL && !json_is_boolean(value) && !json_is_null(value)) {
        fa_json_fault(faults, name, "This must be true or false.");
    }
    return json_is_true(value);
}

void fa_json_set_text(json_t *object, const char *name, const char *text)
{
    json_t *value = text == NULL ? json_null() : json_string(text);
    if (value == NULL) { /* no UTF-8: shown as far as it can be */
        struct fa_buf clean;
        fa_buf_init(&clean, (size_t)1 << 20);
        fa_reader_clean(&clean, fa_str_of(text));
        value = json_string(fa_buf_text(&clean));
        fa_buf_done(&clean);
    }
    json_object_set_new(object, name, value != NULL ? value : json_null());
}

void fa_json_set_time(json_t *object, const char *name, fa_time wall)
{
    char text[32];
    fa_json_set_text(object, name, wall != 0 ? fa_time_format(wall, text) : NULL);
}

void fa_json_set_duration(json_t *object, const char *name, fa_time ms)
{
    char text[40];
    fa_json_set_text(object, name, fa_format_duration(ms, text));
}

void fa_json_set_measured(json_t *object, const char *name, fa_time length, enum fa_measure measure)
{
    char text[40];
    fa_json_set_text(object, name, fa_format_measured(length, measure, text));
}

/* SPDX-License-Identifier: MIT */
/* Holds a filing as the JSON that is posted, so that what is kept is what is sent.
 *
 * 1. The key is made once, from the kernel's randomness, and never changes: sent twice, filed once.
 * 2. Nothing of the machine goes in: no host name, no terminal, no locale, no time but the one the
 *    reporter gave.
 * 3. Members are those of the table below, of the type it says; anything else is refused, because
 *    the daemon would refuse it later, when the reporter is no longer there. */
#include "client/filing.h"

#include "base/id.h"
#include "base/panic.h"
#include "client/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum kind { TEXT, TEXT_OR_NULL, LIST };

static const struct {
    const char *name;
    enum kind kind;
} members[] = {
    {"key", TEXT},   {"category", TEXT_OR_NULL}, {"customer", TEXT_OR_NULL},
    {"text", TEXT},  {"since", TEXT_OR_NULL},    {"known", TEXT_OR_NULL},
    {"about", LIST}, {"strike", LIST},           {"level", TEXT_OR_NULL},
};
#define MEMBER_COUNT (sizeof members / sizeof members[0])

static json_t *checked(json_t *json)
{
    fa_assert(json != NULL);
    return json;
}

static void make_key(char key[FA_KEY_SIZE])
{
    unsigned char bytes[16];
    fa_assert(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
    fa_hex(bytes, sizeof bytes, key);
}

void fa_filing_init(struct fa_filing *filing)
{
    *filing = (struct fa_filing){.request = checked(json_object())};
    make_key(filing->key);
    fa_filing_set(filing, "key", filing->key);
    for (size_t i = 1; i < MEMBER_COUNT; i++) {
        if (members[i].kind == LIST) {
            json_object_set_new(filing->request, members[i].name, checked(json_array()));
        } else {
            fa_filing_set(filing, members[i].name, NULL);
        }
    }
}

void fa_filing_done(struct fa_filing *filing)
{
    json_decref(filing->request);
    *filing = (struct fa_filing){0};
}

static json_t *clean_string(const char *text)
{
    struct fa_buf buf;
    fa_buf_init(&buf, FA_FILING_FILE_MAX);
    fa_clean(&buf, fa_str_of(text), true);
    json_t *string = checked(json_stringn(fa_buf_text(&buf), buf.len));
    fa_buf_done(&buf);
    return string;
}

void fa_filing_set(struct fa_filing *filing, const char *member, const char *text)
{
    json_object_set_new(filing->request, member, text != NULL ? clean_string(text) : json_null());
}

void fa_filing_add(struct fa_filing *filing, const char *member, const char *text)
{
    json_t *list = json_object_get(filing->request, member), *item, *added = clean_string(text);
    size_t i;
    if (!json_is_array(list)) {
        list = checked(json_array());
        json_object_set_new(filing->request, member, list);
    }
    json_array_foreach(list, i, item)
    {
        if (json_equal(item, added)) {
            json_decref(added);
            return;
        }
    }
    json_array_append_new(list, added);
}

const char *fa_filing_get(const struct fa_filing *filing, const char *member)
{
    return json_string_value(json_object_get(filing->request, member));
}

json_t *fa_filing_outline(const struct fa_filing *filing)
{
    json_t *outline = checked(json_copy(filing->request));
    json_object_set_new(outline, "text", checked(json_string("(not sent before it is filed)")));
    return outline;
}

/* Latin-1 is what text that is no UTF-8 most likely is; better a wrong letter than no filing. */
static void from_latin1(struct fa_str raw, struct fa_buf *utf8)
{
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];
        if (c < 0x80) {
            fa_buf_putc(utf8, (char)c);
        } else {
            fa_buf_putc(utf8, (char)(0xc0 | c >> 6));
            fa_buf_putc(utf8, (char)(0x80 | (c & 0x3f)));
        }
    }
}

static struct fa_str trim_lines(struct fa_str text)
{
    while (text.len > 0 && strchr(" \n", text.ptr[0]) != NULL) {
        text = (struct fa_str){text.ptr + 1, text.len - 1};
    }
    while (text.len > 0 && strchr(" \n", text.ptr[text.len - 1]) != NULL) {
        text.len--;
    }
    return text;
}

int fa_filing_text(struct fa_str raw, struct fa_buf *ret_text, struct fa_err *err)
{
    struct fa_buf utf8, clean;
    int rc = 0;
    if (raw.len > FA_TEXT_MAX) {
        return fa_err_set(err, FA_ETOOBIG,
                          "the text is longer than %u KiB. Say the essence here, and who holds the "
                          "rest",
                          FA_TEXT_MAX >> 10);
    }
    fa_buf_init(&utf8, 2 * FA_TEXT_MAX);
    fa_buf_init(&clean, 2 * FA_TEXT_MAX);
    if (!fa_utf8_valid(raw)) {
        from_latin1(raw, &utf8);
        raw = fa_buf_str(&utf8);
    }
    fa_clean(&clean, raw, true);
    struct fa_str text = trim_lines(fa_buf_str(&clean));
    if (text.len == 0) {
        rc = fa_err_set(err, FA_EINVAL, "nothing was said about what happened");
    } else {
        fa_buf_putstr(ret_text, text);
    }
    fa_buf_done(&utf8);
    fa_buf_done(&clean);
    return rc;
}

char *fa_filing_encode(const struct fa_filing *filing)
{
    json_t *file = checked(json_pack("{s:i,s:b,s:O}", "firealarm_filing", 1, "keep_receipt",
                                     filing->keep_receipt, "request", filing->request));
    char *text = json_dumps(file, JSON_INDENT(2));
    fa_assert(text != NULL);
    json_decref(file);
    return text;
}

static int check_list(const char *name, const json_t *value, struct fa_err *err)
{
    json_t *item;
    size_t i;
    if (!json_is_array(value)) {
        return fa_err_set(err, FA_EPARSE, "\"%s\" is a list of texts", name);
    }
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item)) {
            return fa_err_set(err, FA_EPARSE, "\"%s\" is a list of texts", name);
        }
    }
    return 0;
}

static int check_member(const char *name, const json_t *value, struct fa_err *err)
{
    const char *names[MEMBER_COUNT];
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        names[i] = members[i].name;
        if (strcmp(members[i].name, name) != 0) {
            continue;
        }
        if (members[i].kind == LIST) {
            return check_list(name, value, err);
        }
        if (json_is_string(value) || (members[i].kind == TEXT_OR_NULL && json_is_null(value))) {
            return 0;
        }
        return fa_err_set(err, FA_EPARSE, "\"%s\" is a text%s", name,
                          members[i].kind == TEXT ? "" : " or null");
    }
    const char *near = fa_suggest(name, names, MEMBER_COUNT);
    return fa_err_set(err, FA_EPARSE, "a filing has no \"%.40s\"%s%s%s", name,
                      near != NULL ? "; do you mean \"" : "", near != NULL ? near : "",
                      near != NULL ? "\"?" : "");
}

static int check_request(json_t *request, struct fa_err *err)
{
    const char *name;
    json_t *value;
    if (!json_is_object(request)) {
        return fa_err_set(err, FA_EPARSE, "there is no request in it");
    }
    json_object_foreach(request, name, value)
    {
        int rc = check_member(name, value, err);
        if (rc != 0) {
            return rc;
        }
    }
    struct fa_str text = fa_str_of(json_string_value(json_object_get(request, "text")));
    if (text.len == 0) {
        return fa_err_set(err, FA_EPARSE, "\"text\" is missing: what happened");
    }
    return 0;
}

static int take_key(struct fa_filing *filing, bool make, struct fa_err *err)
{
    const char *key = fa_filing_get(filing, "key");
    unsigned char bytes[16];
    if (key == NULL && make) {
        make_key(filing->key);
        fa_filing_set(filing, "key", filing->key);
        return 0;
    }
    if (key == NULL || fa_unhex(fa_str_of(key), bytes, sizeof bytes) != 0) {
        return fa_err_set(err, FA_EPARSE, "\"key\" is 32 digits of 0-9 and a-f");
    }
    memcpy(filing->key, key, FA_KEY_SIZE);
    return 0;
}

static int decode(struct fa_str text, bool bare, struct fa_filing *ret_filing, struct fa_err *err)
{
    json_error_t at;
    json_t *file = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &at);
    if (file == NULL) {
        return fa_err_set(err, FA_EPARSE, "line %d, column %d: %s", at.line, at.column, at.text);
    }
    json_t *version = json_object_get(file, "firealarm_filing");
    json_t *request = bare && version == NULL ? file : json_object_get(file, "request");
    struct fa_filing filing = {
        .request = json_incref(request),
        .keep_receipt = json_is_true(json_object_get(file, "keep_receipt")),
    };
    int rc = 0;
    if (request != file && (!json_is_integer(version) || json_integer_value(version) != 1)) {
        rc = fa_err_set(err, FA_EVERSION, "it was not written by this version of firealarm");
    }
    rc = rc != 0 ? rc : check_request(request, err);
    rc = rc != 0 ? rc : take_key(&filing, bare, err);
    json_decref(file);
    if (rc != 0) {
        fa_filing_done(&filing);
        return rc;
    }
    *ret_filing = filing;
    return 0;
}

int fa_filing_decode(struct fa_str text, struct fa_filing *ret_filing, struct fa_err *err)
{
    return decode(text, false, ret_filing, err);
}

int fa_filing_decode_request(struct fa_str text, struct fa_filing *ret_filing, struct fa_err *err)
{
    return decode(text, true, ret_filing, err);
}

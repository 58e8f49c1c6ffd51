/* SPDX-License-Identifier: MIT */
/* Matchers: read, written and asked. One notation for silences, windows and inhibitions, and the
 * regular expressions of rules/: what takes an alarm here takes it in a selector. It does not know
 * what is done with the alarms it takes. */
#include "alarms/matcher.h"
#include "base/heap.h"
#include "base/panic.h"
#include "metrics/labels.h"
#include "rules/regex.h"

#include <stdlib.h>
#include <string.h>

static const char *const operators[] = {
    [FA_MATCH_EQUAL] = "=",
    [FA_MATCH_NOT_EQUAL] = "!=",
    [FA_MATCH_REGEX] = "=~",
    [FA_MATCH_NOT_REGEX] = "!~",
};

static bool is_regular(enum fa_promql_match kind)
{
    return kind == FA_MATCH_REGEX || kind == FA_MATCH_NOT_REGEX;
}

/* ---- reading ---- */

static bool read_operator(struct fa_str text, size_t at, enum fa_promql_match *ret)
{
    static const enum fa_promql_match longest_first[] = {FA_MATCH_NOT_EQUAL, FA_MATCH_REGEX,
                                                         FA_MATCH_NOT_REGEX, FA_MATCH_EQUAL};
    for (size_t i = 0; i < 4; i++) {
        const char *op = operators[longest_first[i]];
        if (text.len - at >= strlen(op) && memcmp(text.ptr + at, op, strlen(op)) == 0) {
            *ret = longest_first[i];
            return true;
        }
    }
    return false;
}

/* Without the quotes around it; those are for people whose shell or list would cut it else. */
static struct fa_str unquoted(struct fa_str value)
{
    value = fa_str_trim(value);
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"') {
        return (struct fa_str){value.ptr + 1, value.len - 2};
    }
    return value;
}

static int fault(struct fa_err *err, struct fa_str text)
{
    return fa_err_set(err, FA_EPARSE,
                      "'%.*s' is no matcher: write NAME=VALUE, NAME!=VALUE, NAME=~REGEX or "
                      "NAME!~REGEX, for instance rule=queue-slow",
                      (int)(text.len < 80 ? text.len : 80), text.ptr);
}

int fa_matchers_add(struct fa_matchers *matchers, struct fa_str text, struct fa_err *err)
{
    struct fa_matcher added = {.kind = FA_MATCH_EQUAL};
    size_t at = 0;
    int rc = 0;
    while (at < text.len && text.ptr[at] != '=' && text.ptr[at] != '!') {
        at++;
    }
    struct fa_str name = fa_str_trim((struct fa_str){text.ptr, at});
    if (name.len == 0 || fa_str_has_control(text) || !fa_utf8_valid(text) ||
        !read_operator(text, at, &added.kind)) {
        return fault(err, text);
    }
    at += strlen(operators[added.kind]);
    struct fa_str value = unquoted((struct fa_str){text.ptr + at, text.len - at});
    if (name.len > FA_MATCHER_VALUE_MAX || value.len > FA_MATCHER_VALUE_MAX) {
        return fa_err_set(err, FA_EPARSE, "a matcher has more than %d bytes", FA_MATCHER_VALUE_MAX);
    }
    if (matchers->count >= FA_MATCHERS_MAX) {
        return fa_err_set(err, FA_EFULL, "there are more than %d matchers", FA_MATCHERS_MAX);
    }
    if (is_regular(added.kind) && (rc = fa_regex_new(value, &added.regex, err)) != 0) {
        return rc;
    }
    added.name = fa_xstrndup(name.ptr, name.len);
    added.value = fa_xstrndup(value.ptr, value.len);
    matchers->list = fa_xrealloc(matchers->list, (matchers->count + 1) * sizeof(struct fa_matcher));
    matchers->list[matchers->count++] = added;
    return 0;
}

static bool holds(const struct fa_matcher *m, struct fa_str value)
{
    bool same =
        is_regular(m->kind) ? fa_regex_matches(m->regex, value) : fa_str_is(value, m->value);
    return same == (m->kind == FA_MATCH_EQUAL || m->kind == FA_MATCH_REGEX);
}

int fa_matchers_check(const struct fa_matchers *matchers, struct fa_err *err)
{
    for (size_t i = 0; i < matchers->count; i++) {
        const struct fa_matcher *m = &matchers->list[i];
        bool asks = m->kind == FA_MATCH_EQUAL || m->kind == FA_MATCH_REGEX;
        if (asks && !holds(m, FA_STR(""))) {
            return 0;
        }
    }
    return fa_err_set(err, FA_EINVAL,
                      "nothing is asked for by name: at least one matcher must be NAME=VALUE, or "
                      "NAME=~REGEX that does not take an empty value");
}

void fa_matchers_done(struct fa_matchers *matchers)
{
    for (size_t i = 0; i < matchers->count; i++) {
        free(matchers->list[i].name);
        free(matchers->list[i].value);
        fa_regex_free(matchers->list[i].regex);
    }
    free(matchers->list);
    *matchers = (struct fa_matchers){0};
}

void fa_matchers_copy(const struct fa_matchers *matchers, struct fa_matchers *ret_copy)
{
    struct fa_err err;
    struct fa_buf text;
    fa_buf_init(&text, 4096);
    *ret_copy = (struct fa_matchers){0};
    for (size_t i = 0; i < matchers->count; i++) {
        fa_buf_clear(&text);
        fa_matcher_format(&matchers->list[i], &text);
        int rc = fa_matchers_add(ret_copy, fa_buf_str(&text), &err);
        fa_assert(rc == 0);
    }
    fa_buf_done(&text);
}

bool fa_matchers_eq(const struct fa_matchers *a, const struct fa_matchers *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++) {
        same = a->list[i].kind == b->list[i].kind &&
               strcmp(a->list[i].name, b->list[i].name) == 0 &&
               strcmp(a->list[i].value, b->list[i].value) == 0;
    }
    return same;
}

/* ---- writing ---- */

void fa_matcher_format(const struct fa_matcher *m, struct fa_buf *buf)
{
    fa_buf_printf(buf, "%s%s\"%s\"", m->name, operators[m->kind], m->value);
}

void fa_matchers_format(const struct fa_matchers *matchers, struct fa_buf *buf)
{
    for (size_t i = 0; i < matchers->count; i++) {
        fa_buf_puts(buf, i > 0 ? ", " : "");
        fa_matcher_format(&matchers->list[i], buf);
    }
}

/* ---- asking ---- */

void fa_matched_done(struct fa_matched *matched)
{
    fa_labels_free(matched->parsed);
    matched->parsed = NULL;
}

/* NULL: a label. */
static const char *own_value(const struct fa_matched *matched, const char *name)
{
    return strcmp(name, "rule") == 0       ? matched->rule
           : strcmp(name, "severity") == 0 ? matched->severity
           : strcmp(name, "category") == 0 ? matched->category
                                           : NULL;
}

struct fa_str fa_matched_value(struct fa_matched *matched, const char *name)
{
    const char *own = own_value(matched, name);
    if (own != NULL) {
        return fa_str_of(own);
    }
    if (!matched->tried && matched->labels != NULL) {
        matched->tried = true;
        /* Text that rules/ wrote; what cannot be read has no labels. */
        (void)!fa_labels_parse(fa_str_of(matched->labels), &matched->parsed);
    }
    return matched->parsed != NULL ? fa_labels_get(matched->parsed, fa_str_of(name)) : FA_STR("");
}

bool fa_matchers_match(const struct fa_matchers *matchers, struct fa_matched *matched)
{
    for (size_t i = 0; i < matchers->count; i++) {
        const struct fa_matcher *m = &matchers->list[i];
        bool open = matched->labels == NULL && own_value(matched, m->name) == NULL;
        if (!open && !holds(m, fa_matched_value(matched, m->name))) {
            return false;
        }
    }
    return matchers->count > 0;
}

bool fa_matchers_meet(const struct fa_matchers *a, const struct fa_matchers *b)
{
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < b->count; k++) {
            const struct fa_matcher *m = &a->list[i], *other = &b->list[k];
            if (strcmp(m->name, other->name) != 0) {
                continue;
            }
            if ((m->kind == FA_MATCH_EQUAL && !holds(other, fa_str_of(m->value))) ||
                (other->kind == FA_MATCH_EQUAL && !holds(m, fa_str_of(other->value)))) {
                return false;
            }
        }
    }
    return true;
}

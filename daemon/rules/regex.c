/* SPDX-License-Identifier: MIT */
/* PCRE2 within the bounds of what Prometheus takes: the pattern is read once before it is compiled,
 * and what is not in RE2's language is refused with its place. Matching is by the DFA matcher,
 * whose cost grows with text times pattern; replacing needs groups and thus the other matcher,
 * whose steps are limited. No JIT: deciding rooms make no code. */
#include "rules/regex.h"

#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERN_MAX  4096 /* bytes */
#define WORKSPACE    1000 /* ints; what the DFA matcher walks with */
#define STEPS_MAX    100000
#define REPLACED_MAX 65536
#define OPTIONS                                                                                    \
    (PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL | PCRE2_UTF | PCRE2_DOLLAR_ENDONLY)

static int unsupported(struct fa_err *err, size_t at, const char *what)
{
    return fa_err_at(err, FA_EUNSUPPORTED, NULL, 0, (uint32_t)at + 1,
                     "the regular expression uses %s, which is not supported", what);
}

static int check_escape(struct fa_str pattern, size_t at, struct fa_err *err)
{
    char c = at + 1 < pattern.len ? pattern.ptr[at + 1] : '\0';
    if (c >= '1' && c <= '9') {
        return unsupported(err, at, "a back-reference");
    }
    if (c != '\0' && strchr("KGRXZCNghkluLUHVoE", c) != NULL && c != 'E') {
        return unsupported(err, at, "an escape that RE2 does not know");
    }
    return 0;
}

/* What may follow "(?": flags, a name, or nothing but a colon. */
static int check_group(struct fa_str pattern, size_t at, struct fa_err *err)
{
    struct fa_str rest = {pattern.ptr + at, pattern.len - at};
    size_t i = 2;
    if (fa_str_starts(rest, "(*")) {
        return unsupported(err, at, "a verb");
    }
    if (!fa_str_starts(rest, "(?")) {
        return 0;
    }
    if (fa_str_starts(rest, "(?=") || fa_str_starts(rest, "(?!") || fa_str_starts(rest, "(?<=") ||
        fa_str_starts(rest, "(?<!")) {
        return unsupported(err, at, "look-around");
    }
    if (fa_str_starts(rest, "(?<") || (fa_str_starts(rest, "(?P<"))) {
        return 0;
    }
    while (i < rest.len && (strchr("imsU-", rest.ptr[i]) != NULL) && rest.ptr[i] != '\0') {
        i++;
    }
    if (i < rest.len && (rest.ptr[i] == ':' || (rest.ptr[i] == ')' && i > 2))) {
        return 0;
    }
    return unsupported(err, at, "a group of a kind that RE2 does not know");
}

/* A character class from its bracket on: the place of its end. */
static size_t skip_class(struct fa_str pattern, size_t at)
{
    size_t i = at + 1;
    if (i < pattern.len && pattern.ptr[i] == '^') {
        i++;
    }
    if (i < pattern.len && pattern.ptr[i] == ']') {
        i++;
    }
    for (; i < pattern.len && pattern.ptr[i] != ']'; i++) {
        if (pattern.ptr[i] == '\\') {
            i++;
        } else if (pattern.ptr[i] == '[' && i + 1 < pattern.len && pattern.ptr[i + 1] == ':') {
            while (i + 1 < pattern.len && !(pattern.ptr[i] == ':' && pattern.ptr[i + 1] == ']')) {
                i++;
            }
            i++;
        }
    }
    return i;
}

static int check(struct fa_str pattern, struct fa_err *err)
{
    bool quantified = false;
    int ret = 0;
    for (size_t i = 0; i < pattern.len && ret == 0; i++) {
        char c = pattern.ptr[i];
        bool quantifies = c == '*' || c == '+' || c == '?' || c == '}';
        if (c == '\\') {
            ret = check_escape(pattern, i, err);
            if (fa_str_starts((struct fa_str){pattern.ptr + i, pattern.len - i}, "\\Q")) {
                while (i < pattern.len &&
                       !fa_str_starts((struct fa_str){pattern.ptr + i, pattern.len - i}, "\\E")) {
                    i++;
                }
            }
            i++;
        } else if (c == '[') {
            i = skip_class(pattern, i);
        } else if (c == '(') {
            ret = check_group(pattern, i, err);
            quantifies = false;
            i += i + 1 < pattern.len && pattern.ptr[i + 1] == '?' ? 1 : 0;
        } else if (c == '+' && quantified) {
            ret = unsupported(err, i, "a possessive quantifier");
        }
        quantified = quantifies;
    }
    return ret;
}

int fa_regex_new(struct fa_str pattern, struct fa_regex **ret, struct fa_err *err)
{
    int error;
    PCRE2_SIZE at;
    PCRE2_UCHAR words[128];
    if (pattern.len > PATTERN_MAX) {
        return fa_err_at(err, FA_ETOOBIG, NULL, 0, 1,
                         "a regular expression is longer than %d bytes", PATTERN_MAX);
    }
    int code = check(pattern, err);
    if (code != 0) {
        return code;
    }
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len, OPTIONS, &error, &at, NULL);
    if (compiled == NULL) {
        pcre2_get_error_message(error, words, sizeof words);
        return fa_err_at(err, FA_EPARSE, NULL, 0, (uint32_t)at + 1, "not a regular expression: %s",
                         (const char *)words);
    }
    struct fa_regex *regex = fa_xcalloc(1, sizeof *regex);
    regex->code = compiled;
    regex->data = pcre2_match_data_create_from_pattern(compiled, NULL);
    if (regex->data == NULL) {
        fa_panic(__FILE__, __LINE__, "out of memory");
    }
    *ret = regex;
    return 0;
}

void fa_regex_free(struct fa_regex *regex)
{
    if (regex != NULL) {
        pcre2_match_data_free(regex->data);
        pcre2_code_free(regex->code);
        free(regex);
    }
}

bool fa_regex_matches(const struct fa_regex *regex, struct fa_str text)
{
    int workspace[WORKSPACE];
    int found = pcre2_dfa_match(regex->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, regex->data,
                                NULL, workspace, WORKSPACE);
    return found >= 0;
}

/* The number of a group by its digits or its name; -1: there is none. */
static int group_of(const struct fa_regex *regex, struct fa_str name)
{
    char text[64];
    int64_t number;
    if (fa_parse_i64(name, &number) == 0) {
        return number >= 0 && number < 1000 ? (int)number : -1;
    }
    if (name.len == 0 || name.len >= sizeof text) {
        return -1;
    }
    snprintf(text, sizeof text, "%.*s", FA_STR_ARG(name));
    return pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)text);
}

static void put_group(const struct fa_regex *regex, struct fa_str text, int group, int groups,
                      struct fa_buf *buf)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->data);
    if (group >= 0 && group < groups && ends[2 * group] != PCRE2_UNSET) {
        fa_buf_put(buf, text.ptr + ends[2 * group], ends[2 * group + 1] - ends[2 * group]);
    }
}

static bool is_name_char(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The name behind the dollar at `to`: how many bytes it takes with it, 0 when there is none. */
static size_t name_at(struct fa_str to, struct fa_str *ret_name)
{
    bool braces = to.len > 1 && to.ptr[1] == '{';
    size_t from = braces ? 2 : 1, end = from;
    while (end < to.len && is_name_char(to.ptr[end])) {
        end++;
    }
    if (end == from || (braces && (end == to.len || to.ptr[end] != '}'))) {
        return 0;
    }
    *ret_name = (struct fa_str){to.ptr + from, end - from};
    return end + (braces ? 1 : 0);
}

bool fa_regex_expand(const struct fa_regex *regex, struct fa_str text, struct fa_str to,
                     struct fa_buf *buf, bool *ret_over)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    if (context == NULL) {
        fa_panic(__FILE__, __LINE__, "out of memory");
    }
    pcre2_set_match_limit(context, STEPS_MAX);
    int groups =
        pcre2_match(regex->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, regex->data, context);
    pcre2_match_context_free(context);
    *ret_over = groups < 0 && groups != PCRE2_ERROR_NOMATCH;
    if (groups < 0) {
        return false;
    }
    for (size_t i = 0; i < to.len && buf->len < REPLACED_MAX;) {
        struct fa_str rest = {to.ptr + i, to.len - i}, name;
        size_t taken = to.ptr[i] == '$' ? name_at(rest, &name) : 0;
        if (taken > 0) {
            put_group(regex, text, group_of(regex, name), groups, buf);
            i += taken;
        } else {
            fa_buf_putc(buf, to.ptr[i]);
            i += fa_str_starts(rest, "$$") ? 2 : 1;
        }
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
/* PromQL's tokens. A number takes underscores between digits, a leading 0x or, as in Go, a leading
 * 0 for octal; a duration is a number token of its own kind, since PromQL takes either for the
 * other. What stands within quotes is read by fa_lex_unquote(), escapes as in Go. */
#include "rules/promql_lex.h"

#include <math.h>
#include <string.h>

static bool is_alpha(int c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(int c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* -1: the end. */
static int peek(const struct fa_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->text.len ? (unsigned char)lexer->text.ptr[at] : -1;
}

static int bad(const struct fa_lexer *lexer, size_t at, const char *words, struct fa_err *err)
{
    struct fa_str rest = {lexer->text.ptr + at, lexer->text.len - at};
    size_t shown = fa_utf8_cut(rest, 12);
    return fa_err_at(err, FA_EPARSE, NULL, 0, (uint32_t)at + 1, "%s at \"%.*s\"", words, (int)shown,
                     rest.ptr);
}

static void skip_blanks(struct fa_lexer *lexer)
{
    for (;;) {
        int c = peek(lexer, 0);
        if (c == '#') {
            while (c != '\n' && c != -1) {
                lexer->at++;
                c = peek(lexer, 0);
            }
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        } else {
            lexer->at++;
        }
    }
}

/* Digits with single underscores between them. */
static bool scan_digits(struct fa_lexer *lexer, bool hex)
{
    bool any = false;
    for (;;) {
        int c = peek(lexer, 0);
        if (hex ? hex_digit(c) >= 0 : is_digit(c)) {
            any = true;
            lexer->at++;
        } else if (c == '_' && (any || hex) &&
                   (hex ? hex_digit(peek(lexer, 1)) >= 0 : is_digit(peek(lexer, 1)))) {
            lexer->at++;
        } else {
            return any;
        }
    }
}

/* False: it is no number, and may be a duration. */
static bool scan_number(struct fa_lexer *lexer)
{
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X')) {
        lexer->at += 2;
        return scan_digits(lexer, true) && !is_alpha(peek(lexer, 0)) && peek(lexer, 0) != '.';
    }
    bool any = scan_digits(lexer, false);
    if (peek(lexer, 0) == '.') {
        lexer->at++;
        any = scan_digits(lexer, false) || any;
    }
    if (any && (peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E')) {
        lexer->at++;
        if (peek(lexer, 0) == '+' || peek(lexer, 0) == '-') {
            lexer->at++;
        }
        any = scan_digits(lexer, false);
    }
    int c = peek(lexer, 0);
    return any && !is_alpha(c) && !is_digit(c) && c != '.';
}

static bool scan_duration(struct fa_lexer *lexer)
{
    bool any = false;
    while (is_digit(peek(lexer, 0))) {
        while (is_digit(peek(lexer, 0))) {
            lexer->at++;
        }
        int unit = peek(lexer, 0);
        if (unit == -1 || strchr("smhdwy", unit) == NULL) {
            return false;
        }
        lexer->at += unit == 'm' && peek(lexer, 1) == 's' ? 2 : 1;
        any = true;
    }
    return any && !is_alpha(peek(lexer, 0));
}

static int number_or_duration(struct fa_lexer *lexer, enum fa_token_kind *kind, struct fa_err *err)
{
    size_t from = lexer->at;
    *kind = FA_TOKEN_NUMBER;
    if (scan_number(lexer)) {
        return 0;
    }
    lexer->at = from;
    *kind = FA_TOKEN_DURATION;
    if (scan_duration(lexer)) {
        return 0;
    }
    return bad(lexer, from, "neither a number nor a duration such as 5m or 1h30m", err);
}

static int string(struct fa_lexer *lexer, struct fa_err *err)
{
    size_t from = lexer->at;
    int quote = peek(lexer, 0);
    lexer->at++;
    for (;;) {
        int c = peek(lexer, 0);
        if (c == -1 || (c == '\n' && quote != '`')) {
            return bad(lexer, from, "a quoted text that does not end", err);
        }
        lexer->at++;
        if (c == quote) {
            return 0;
        }
        if (c == '\\' && quote != '`' && peek(lexer, 0) != -1) {
            lexer->at++;
        }
    }
}

static int sign(struct fa_lexer *lexer, enum fa_lex_mode mode, struct fa_err *err)
{
    static const char *const wide[] = {"==", "!=", "<=", ">=", "=~", "!~"};
    struct fa_str rest = {lexer->text.ptr + lexer->at, lexer->text.len - lexer->at};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        bool is_regex = wide[i][1] == '~';
        bool is_equality = i == 0;
        if (fa_str_starts(rest, wide[i]) &&
            (is_equality ? mode != FA_LEX_BRACES : !is_regex || mode == FA_LEX_BRACES)) {
            lexer->at += 2;
            return 0;
        }
    }
    if (strchr(mode == FA_LEX_BRACKET ? "+-*/%^<>()[]{},@:" : "+-*/%^<>=()[]{},@", rest.ptr[0]) ==
        NULL) {
        return bad(lexer, lexer->at, "a character that means nothing here", err);
    }
    lexer->at++;
    return 0;
}

static void word(struct fa_lexer *lexer, enum fa_lex_mode mode)
{
    int c = peek(lexer, 0);
    while (is_alpha(c) || is_digit(c) || (c == ':' && mode == FA_LEX_EXPRESSION)) {
        lexer->at++;
        c = peek(lexer, 0);
    }
}

int fa_lex_next(struct fa_lexer *lexer, enum fa_lex_mode mode, struct fa_token *ret_token,
                struct fa_err *err)
{
    enum fa_token_kind kind;
    int ret = 0;
    skip_blanks(lexer);
    size_t from = lexer->at;
    int c = peek(lexer, 0);
    if (c == -1) {
        kind = FA_TOKEN_END;
    } else if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        ret = number_or_duration(lexer, &kind, err);
    } else if (is_alpha(c) || (c == ':' && mode == FA_LEX_EXPRESSION)) {
        kind = FA_TOKEN_WORD;
        word(lexer, mode);
    } else if (c == '"' || c == '\'' || c == '`') {
        kind = FA_TOKEN_STRING;
        ret = string(lexer, err);
    } else if (c == 0) {
        return bad(lexer, lexer->at, "a NUL", err);
    } else {
        kind = FA_TOKEN_SIGN;
        ret = sign(lexer, mode, err);
    }
    if (ret == 0) {
        *ret_token = (struct fa_token){kind, {lexer->text.ptr + from, lexer->at - from}};
    }
    return ret;
}

/* ---- quoted texts ---- */

static size_t put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* digits of a base at text[at]; false: they are not there. */
static bool digits(struct fa_str text, size_t at, size_t count, uint32_t base, uint32_t *ret_code)
{
    uint32_t code = 0;
    if (at + count > text.len) {
        return false;
    }
    for (size_t i = at; i < at + count; i++) {
        int digit = hex_digit((unsigned char)text.ptr[i]);
        if (digit < 0 || (uint32_t)digit >= base) {
            return false;
        }
        code = code * base + (uint32_t)digit;
    }
    *ret_code = code;
    return true;
}

/* The escape whose letter is at text[at]: how many bytes it takes of the text, 0 if it is none. */
static size_t escape(struct fa_str text, size_t at, char *to, size_t *len)
{
    static const char letters[] = "abfnrtv\\'\"", bytes[] = "\a\b\f\n\r\t\v\\'\"";
    char c = text.ptr[at];
    const char *simple = c != '\0' ? strchr(letters, c) : NULL;
    uint32_t code;
    if (simple != NULL) {
        *to = bytes[simple - letters];
        *len = 1;
        return 1;
    }
    if (c == 'x' && digits(text, at + 1, 2, 16, &code)) {
        *to = (char)code;
        *len = 1;
        return 3;
    }
    if (c >= '0' && c <= '7' && digits(text, at, 3, 8, &code) && code <= 255) {
        *to = (char)code;
        *len = 1;
        return 3;
    }
    size_t wide = c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (wide != 0 && digits(text, at + 1, wide, 16, &code) && code <= 0x10ffff &&
        (code < 0xd800 || code > 0xdfff)) {
        *len = put_utf8(to, code);
        return wide + 1;
    }
    return 0;
}

int fa_lex_unquote(struct fa_str quoted, struct fa_str whole, struct fa_scratch *arena,
                   struct fa_str *ret_text, struct fa_err *err)
{
    struct fa_str inner = {quoted.ptr + 1, quoted.len - 2};
    struct fa_lexer place = {whole, 0};
    char *to = fa_scratch_take(arena, inner.len + 5);
    size_t len = 0;
    if (quoted.ptr[0] == '`') {
        memcpy(to, inner.ptr, inner.len);
        *ret_text = (struct fa_str){to, inner.len};
        return 0;
    }
    for (size_t i = 0; i < inner.len;) {
        if (inner.ptr[i] != '\\') {
            to[len++] = inner.ptr[i++];
            continue;
        }
        size_t written = 0,
               taken = i + 1 < inner.len ? escape(inner, i + 1, to + len, &written) : 0;
        bool other_quote = taken == 1 && (inner.ptr[i + 1] == '"' || inner.ptr[i + 1] == '\'') &&
                           inner.ptr[i + 1] != quoted.ptr[0];
        if (taken == 0 || other_quote) {
            return bad(&place, (size_t)(inner.ptr + i - whole.ptr), "an unknown escape", err);
        }
        len += written;
        i += 1 + taken;
    }
    *ret_text = (struct fa_str){to, len};
    return 0;
}

/* ---- numbers ---- */

static bool whole_number(struct fa_str text, uint32_t base, double *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit((unsigned char)text.ptr[i]);
        if (text.ptr[i] == '_') {
            continue;
        }
        if (digit < 0 || (uint32_t)digit >= base ||
            value > ((uint64_t)INT64_MAX - (uint64_t)digit) / base) {
            return false;
        }
        value = value * base + (uint64_t)digit;
    }
    *ret_value = (double)value;
    return true;
}

int fa_lex_number(struct fa_str text, double *ret_value)
{
    char plain[512];
    size_t len = 0;
    if (text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] == 'x' || text.ptr[1] == 'X')) {
        struct fa_str hex = {text.ptr + 2, text.len - 2};
        return whole_number(hex, 16, ret_value) ? 0 : FA_ERANGE;
    }
    if (text.len > 1 && text.ptr[0] == '0' && whole_number(text, 8, ret_value)) {
        return 0;
    }
    if (text.len >= sizeof plain) {
        return FA_ERANGE;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '_') {
            plain[len++] = text.ptr[i];
        }
    }
    /* The strict reader wants a digit on both sides of the point. */
    if (len > 0 && plain[0] == '.') {
        memmove(plain + 1, plain, len++);
        plain[0] = '0';
    }
    char *point = memchr(plain, '.', len);
    if (point != NULL && (point + 1 == plain + len || !is_digit((unsigned char)point[1]))) {
        memmove(point, point + 1, (size_t)(plain + len - point - 1));
        len--;
    }
    return fa_parse_double((struct fa_str){plain, len}, ret_value);
}

int fa_promql_duration(struct fa_str text, fa_time *ret_ms)
{
    static const struct {
        char unit[3];
        fa_time ms;
    } units[] = {{"y", 365 * FA_DAY}, {"w", 7 * FA_DAY}, {"d", FA_DAY}, {"h", FA_HOUR},
                 {"m", FA_MINUTE},    {"s", FA_SECOND},  {"ms", 1}};
    fa_time total = 0;
    size_t at = 0, next = 0;
    double seconds;
    if (text.len > 0 && strchr("smhdwy", text.ptr[text.len - 1]) == NULL) {
        int ret = fa_lex_number(text, &seconds);
        if (ret == 0 && !(fabs(seconds) <= (double)FA_DURATION_MAX / 1000)) {
            return FA_ERANGE;
        }
        if (ret == 0) {
            *ret_ms = (fa_time)round(seconds * 1e9) / 1000000;
        }
        return ret;
    }
    while (at < text.len) {
        fa_time number = 0;
        size_t from = at, unit_at, unit;
        for (; at < text.len && is_digit((unsigned char)text.ptr[at]); at++) {
            number = number * 10 + (text.ptr[at] - '0');
            if (number > FA_DURATION_MAX) {
                return FA_ERANGE;
            }
        }
        unit_at = at;
        while (at < text.len && !is_digit((unsigned char)text.ptr[at])) {
            at++;
        }
        struct fa_str name = {text.ptr + unit_at, at - unit_at};
        for (unit = next; unit < 7 && !fa_str_is(name, units[unit].unit); unit++) {
        }
        if (unit == 7 || unit_at == from) {
            return FA_EPARSE; /* unknown, or not in falling order */
        }
        if (number > (FA_DURATION_MAX - total) / units[unit].ms) {
            return FA_ERANGE;
        }
        total += number * units[unit].ms;
        next = unit + 1;
    }
    *ret_ms = total;
    return text.len > 0 ? 0 : FA_EPARSE;
}

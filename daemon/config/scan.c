/* SPDX-License-Identifier: MIT */
/* The scanner in front of libconfig. It decides whether a text is one that libconfig reads as its
 * author meant it, and says where it is not:
 *
 *   setting = name ("=" | ":") value [";" | ","]
 *   value   = scalar | "[" [scalar *("," scalar)] "]" | "(" [value *("," value)] ")"
 *           | "{" *setting "}"
 *   scalar  = integer | integer "L" | float | true | false | 1*string
 *
 * Stricter than libconfig 1.5 in what it would misread: integers beyond 32 bits (64 with "L") come
 * back wrapped, "\x00" vanishes, "\u00fc" stays as it is written, an @include is read relative to
 * wherever the daemon was started, and a deep nest ends in an overrun stack. It does not look at
 * duplicate names and mixed arrays: libconfig reports these itself, with the line. */
#include "config/scan.h"
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum token { T_END, T_NAME, T_EQUALS, T_SCALAR, T_STRING, T_OPEN, T_CLOSE, T_COMMA, T_SEMI, T_BAD };

/* What the grammar asks for next. */
enum want {
    WANT_NAME,   /* at the top or in a group */
    WANT_EQUALS, /* after a name */
    WANT_VALUE,  /* after "=" or "," */
    WANT_FIRST,  /* after "(" or "[" */
    WANT_END,    /* after a setting's value */
    WANT_NEXT,   /* after an element */
};

struct frame {
    char kind; /* '{', '(', '[' */
    uint32_t line;
};

struct scanner {
    const char *file;
    const char *p, *end;
    const char *line_start;
    uint32_t line;
    fa_scan_fault_fn *fault;
    void *ctx;
    struct fa_scan *out;
    struct fa_str word; /* the token's bytes */
    uint32_t word_line, word_col;
    struct frame frames[FA_SCAN_DEPTH_MAX];
    size_t depth;
    bool after_string;
};

static int complain(struct scanner *s, uint32_t line, uint32_t col, const char *fmt, ...)
    FA_PRINTF(4, 5);

static int complain(struct scanner *s, uint32_t line, uint32_t col, const char *fmt, ...)
{
    struct fa_err err;
    char text[sizeof err.text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fa_err_at(&err, FA_EPARSE, s->file, line, col, "%s", text);
    s->fault(s->ctx, &err);
    return FA_EPARSE;
}

static uint32_t column(const struct scanner *s, const char *at)
{
    return (uint32_t)(at - s->line_start) + 1;
}

static void advance(struct scanner *s)
{
    if (*s->p++ == '\n') {
        s->line++;
        s->line_start = s->p;
    }
}

static bool at(const struct scanner *s, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(s->end - s->p) >= len && memcmp(s->p, text, len) == 0;
}

/* Skips blanks and comments; false when a comment does not end. */
static bool skip_blanks(struct scanner *s)
{
    while (s->p < s->end) {
        if (strchr(" \t\r\n\f", *s->p) != NULL && *s->p != '\0') {
            advance(s);
        } else if (*s->p == '#' || at(s, "//")) {
            while (s->p < s->end && *s->p != '\n') {
                s->p++;
            }
        } else if (at(s, "/*")) {
            uint32_t line = s->line, col = column(s, s->p);
            s->p += 2;
            while (s->p < s->end && !at(s, "*/")) {
                advance(s);
            }
            if (s->p >= s->end) {
                complain(s, line, col, "this comment is not closed: \"*/\" is missing");
                return false;
            }
            s->p += 2;
        } else {
            break;
        }
    }
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool check_escape(struct scanner *s)
{
    char c = s->p + 1 < s->end ? s->p[1] : '\0';
    if (c != '\0' && strchr("nrtf\\\"", c) != NULL) {
        s->p += 2;
        return true;
    }
    if ((c == 'x' || c == 'X') && s->end - s->p >= 4 && is_hex(s->p[2]) && is_hex(s->p[3])) {
        if (s->p[2] == '0' && s->p[3] == '0') {
            complain(s, s->line, column(s, s->p), "a text cannot hold \\x00");
            return false;
        }
        s->p += 4;
        return true;
    }
    complain(s, s->line, column(s, s->p),
             "unknown escape in a text: \\n \\r \\t \\f \\\\ \\\" and \\xHH are known; write other "
             "characters as they are, in UTF-8");
    return false;
}

static enum token read_string(struct scanner *s)
{
    s->p++;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p == '\\') {
            if (!check_escape(s)) {
                return T_BAD;
            }
        } else {
            advance(s);
        }
    }
    if (s->p >= s->end) {
        complain(s, s->word_line, s->word_col, "this text is not closed: '\"' is missing");
        return T_BAD;
    }
    s->p++;
    return T_STRING;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '-' ||
           c == '*' || c == '.' || c == '+';
}

/* The value of an integer's digits; false when it is beyond 64 bits. */
static bool magnitude(struct fa_str digits, unsigned base, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
        if (value > (UINT64_MAX - digit) / base) {
            return false;
        }
        value = value * base + digit;
    }
    *ret_value = value;
    return true;
}

static void report_wrapped(struct scanner *s, struct fa_str word, bool is_long)
{
    struct fa_err err;
    fa_err_at(&err, FA_ERANGE, s->file, s->word_line, s->word_col,
              "the number %.*s does not fit %s", (int)(word.len > 60 ? 60 : word.len), word.ptr,
              is_long ? "64 bits"
                      : "32 bits: write it with an L behind it, or with a point where "
                        "fractions are allowed");
    s->fault(s->ctx, &err);
    struct fa_scan *out = s->out;
    if ((out->wrapped_count & (out->wrapped_count - 1)) == 0) {
        size_t cap = out->wrapped_count == 0 ? 1 : out->wrapped_count * 2;
        out->wrapped_lines = fa_xrealloc(out->wrapped_lines, cap * sizeof *out->wrapped_lines);
    }
    out->wrapped_lines[out->wrapped_count++] = s->word_line;
}

/* Is the word an integer as libconfig reads one? Reports it when it would wrap. */
static bool check_integer(struct scanner *s, struct fa_str word)
{
    struct fa_str digits = word;
    bool negative = digits.len > 0 && digits.ptr[0] == '-';
    bool is_sign = digits.len > 0 && (digits.ptr[0] == '-' || digits.ptr[0] == '+');
    digits.ptr += is_sign;
    digits.len -= is_sign;
    unsigned base = 10;
    if (!is_sign && digits.len > 2 && digits.ptr[0] == '0' && (digits.ptr[1] | 0x20) == 'x') {
        base = 16;
        digits.ptr += 2;
        digits.len -= 2;
    }
    size_t suffix = 0;
    while (suffix < 2 && digits.len > 0 && digits.ptr[digits.len - 1] == 'L') {
        digits.len--;
        suffix++;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (base == 16 ? !is_hex(digits.ptr[i]) : !is_digit(digits.ptr[i])) {
            return false;
        }
    }
    if (digits.len == 0) {
        return false;
    }
    uint64_t value = 0;
    uint64_t max = (suffix > 0 ? (uint64_t)INT64_MAX : (uint64_t)INT32_MAX) + negative;
    if (!magnitude(digits, base, &value) || value > max) {
        report_wrapped(s, word, suffix > 0);
    }
    return true;
}

static bool is_float(struct fa_str word)
{
    double value = 0;
    size_t points = 0;
    if (word.len > 0 && (word.ptr[0] == '+')) {
        word.ptr++;
        word.len--;
    }
    for (size_t i = 0; i < word.len; i++) {
        points += word.ptr[i] == '.' || (word.ptr[i] | 0x20) == 'e';
    }
    return points > 0 && fa_parse_double(word, &value) == 0;
}

static bool is_bool(struct fa_str word)
{
    static const char *const words[] = {"true", "false"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(words[i]), same = 0;
        while (len == word.len && same < len && (word.ptr[same] | 0x20) == words[i][same]) {
            same++;
        }
        if (same == len) {
            return true;
        }
    }
    return false;
}

static enum token read_word(struct scanner *s)
{
    const char *start = s->p;
    while (s->p < s->end && is_word(*s->p)) {
        s->p++;
    }
    s->word = (struct fa_str){start, (size_t)(s->p - start)};
    if (is_bool(s->word) || check_integer(s, s->word) || is_float(s->word)) {
        return T_SCALAR;
    }
    if (((*start | 0x20) >= 'a' && (*start | 0x20) <= 'z') || *start == '*') {
        if (memchr(start, '.', s->word.len) == NULL && memchr(start, '+', s->word.len) == NULL) {
            return T_NAME;
        }
    }
    complain(s, s->word_line, s->word_col,
             "'%.*s' is neither a number nor a name; put text in quotes",
             (int)(s->word.len > 60 ? 60 : s->word.len), s->word.ptr);
    return T_BAD;
}

static enum token next_token(struct scanner *s)
{
    if (!skip_blanks(s)) {
        return T_BAD;
    }
    s->word_line = s->line;
    s->word_col = column(s, s->p);
    s->word = (struct fa_str){s->p, s->p < s->end};
    if (s->p >= s->end) {
        return T_END;
    }
    if (*s->p == '"') {
        return read_string(s);
    }
    if (is_word(*s->p) && *s->p != '_') {
        return read_word(s);
    }
    static const struct {
        char c;
        enum token token;
    } marks[] = {{'=', T_EQUALS}, {':', T_EQUALS}, {'{', T_OPEN},  {'(', T_OPEN},  {'[', T_OPEN},
                 {'}', T_CLOSE},  {')', T_CLOSE},  {']', T_CLOSE}, {',', T_COMMA}, {';', T_SEMI}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (*s->p == marks[i].c) {
            s->p++;
            return marks[i].token;
        }
    }
    if (at(s, "@include")) {
        complain(s, s->word_line, s->word_col,
                 "@include is not read: put the file into conf.d/ beside the main file");
    } else {
        complain(s, s->word_line, s->word_col, "unexpected character (byte 0x%02x)",
                 (unsigned char)*s->p);
    }
    return T_BAD;
}

static int unexpected(struct scanner *s, enum token token, const char *wanted)
{
    if (token == T_BAD) {
        return FA_EPARSE; /* reported where it was found */
    }
    if (token == T_END && s->depth > 0) {
        const struct frame *frame = &s->frames[s->depth - 1];
        return complain(s, s->word_line, s->word_col, "the file ends inside the '%c' of line %u",
                        frame->kind, frame->line);
    }
    if (token == T_END) {
        return complain(s, s->word_line, s->word_col, "the file ends where %s is expected", wanted);
    }
    if (token == T_STRING) {
        return complain(s, s->word_line, s->word_col, "expected %s before this text", wanted);
    }
    return complain(s, s->word_line, s->word_col, "expected %s, not '%.*s'", wanted,
                    (int)(s->word.len > 60 ? 60 : s->word.len), s->word.ptr);
}

static enum want after_value(const struct scanner *s)
{
    return s->depth == 0 || s->frames[s->depth - 1].kind == '{' ? WANT_END : WANT_NEXT;
}

static int open_frame(struct scanner *s, enum want *want)
{
    char kind = s->word.ptr[0];
    if (s->depth == FA_SCAN_DEPTH_MAX) {
        return complain(s, s->word_line, s->word_col, "nested more than %u deep",
                        FA_SCAN_DEPTH_MAX);
    }
    if (s->depth > 0 && s->frames[s->depth - 1].kind == '[') {
        return complain(s, s->word_line, s->word_col,
                        "an array [ ] holds only numbers, texts or truth values: use a list ( )");
    }
    s->frames[s->depth++] = (struct frame){kind, s->word_line};
    *want = kind == '{' ? WANT_NAME : WANT_FIRST;
    return 0;
}

static int close_frame(struct scanner *s, enum want *want)
{
    static const char pairs[] = "{}()[]";
    char kind = s->word.ptr[0];
    if (s->depth == 0) {
        return complain(s, s->word_line, s->word_col, "'%c' closes nothing", kind);
    }
    const struct frame *frame = &s->frames[s->depth - 1];
    if (strchr(pairs, frame->kind)[1] != kind) {
        return complain(s, s->word_line, s->word_col, "'%c' does not close the '%c' of line %u",
                        kind, frame->kind, frame->line);
    }
    s->depth--;
    *want = after_value(s);
    return 0;
}

static int take_value(struct scanner *s, enum token token, enum want *want)
{
    if (token == T_OPEN) {
        return open_frame(s, want);
    }
    if (token == T_SCALAR || token == T_STRING) {
        s->after_string = token == T_STRING;
        *want = after_value(s);
        return 0;
    }
    if (token == T_CLOSE && *want == WANT_FIRST) {
        return close_frame(s, want);
    }
    if (token == T_CLOSE && *want == WANT_VALUE && s->depth > 0 &&
        s->frames[s->depth - 1].kind != '{') {
        return complain(s, s->word_line, s->word_col, "remove the comma before this '%c'",
                        s->word.ptr[0]);
    }
    if (token == T_NAME) {
        return complain(s, s->word_line, s->word_col,
                        "'%.*s' is no value: put text in quotes; truth values are true and false",
                        (int)(s->word.len > 60 ? 60 : s->word.len), s->word.ptr);
    }
    return unexpected(s, token, "a value");
}

static int take_name(struct scanner *s, enum token token, enum want *want)
{
    if (token == T_NAME) {
        *want = WANT_EQUALS;
        return 0;
    }
    if (token == T_CLOSE) {
        return close_frame(s, want);
    }
    return unexpected(s, token, "a setting's name");
}

/* One token. *want says what may follow. */
static int step(struct scanner *s, enum token token, enum want *want)
{
    bool was_string = s->after_string;
    s->after_string = false;
    if (token == T_STRING && was_string && (*want == WANT_END || *want == WANT_NEXT)) {
        s->after_string = true; /* "one text " "in two parts" */
        return 0;
    }
    switch (*want) {
    case WANT_NAME:
        return take_name(s, token, want);
    case WANT_END:
        if (token == T_SEMI || token == T_COMMA) {
            *want = WANT_NAME;
            return 0;
        }
        if (token == T_NAME || token == T_CLOSE) {
            return take_name(s, token, want);
        }
        return unexpected(s, token, "';'");
    case WANT_EQUALS:
        if (token == T_EQUALS) {
            *want = WANT_VALUE;
            return 0;
        }
        return unexpected(s, token, "'='");
    case WANT_NEXT:
        if (token == T_COMMA) {
            *want = WANT_VALUE;
            return 0;
        }
        return token == T_CLOSE ? close_frame(s, want)
                                : unexpected(s, token, "',' or the end of the list");
    case WANT_VALUE:
    case WANT_FIRST:
    default:
        return take_value(s, token, want);
    }
}

/* Byte order marks, zero bytes and other encodings: libconfig would only say "syntax error". */
static int check_bytes(struct scanner *s, struct fa_str text)
{
    if (fa_str_starts(text, "\xef\xbb\xbf")) {
        return complain(s, 1, 1, "the file begins with a byte order mark: save it without one");
    }
    for (const char *line = text.ptr; line < s->end; s->line++) {
        const char *nl = memchr(line, '\n', (size_t)(s->end - line));
        const char *stop = nl != NULL ? nl : s->end;
        const char *zero = memchr(line, '\0', (size_t)(stop - line));
        if (zero != NULL) {
            return complain(s, s->line, (uint32_t)(zero - line) + 1, "a zero byte: no text file");
        }
        if (!fa_utf8_valid((struct fa_str){line, (size_t)(stop - line)})) {
            return complain(s, s->line, 0, "this line is not UTF-8");
        }
        line = nl != NULL ? nl + 1 : s->end;
    }
    s->line = 1;
    return 0;
}

int fa_scan_text(const char *file, struct fa_str text, fa_scan_fault_fn *fault, void *ctx,
                 struct fa_scan *ret_scan)
{
    *ret_scan = (struct fa_scan){0};
    if (text.len == 0) {
        return 0;
    }
    struct scanner s = {.file = file,
                        .p = text.ptr,
                        .end = text.ptr + text.len,
                        .line_start = text.ptr,
                        .line = 1,
                        .fault = fault,
                        .ctx = ctx,
                        .out = ret_scan};
    if (check_bytes(&s, text) != 0) {
        return FA_EPARSE;
    }
    enum want want = WANT_NAME;
    for (;;) {
        enum token token = next_token(&s);
        if (token == T_END && s.depth == 0 && (want == WANT_NAME || want == WANT_END)) {
            return 0;
        }
        int rc = step(&s, token, &want);
        if (rc != 0) {
            return rc;
        }
    }
}

bool fa_scan_is_wrapped(const struct fa_scan *scan, uint32_t line)
{
    for (size_t i = 0; i < scan->wrapped_count; i++) {
        if (scan->wrapped_lines[i] == line) {
            return true;
        }
    }
    return false;
}

void fa_scan_done(struct fa_scan *scan)
{
    free(scan->wrapped_lines);
    *scan = (struct fa_scan){0};
}

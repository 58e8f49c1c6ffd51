/* SPDX-License-Identifier: MIT */
/* The byte machine. It gathers a whole head line by line, checks each line as it ends, and only
 * then hands the head to http_parser in one piece; bodies are framed here.
 *
 * Why not http_parser alone (2.9.4 as Debian builds it): it says neither 501 nor 505, takes blanks
 * in field names, joins no folded lines, takes "gzip, chunked" for chunked, and any two bytes for
 * the line end after a chunk's data. Why http_parser at all: the grammar of targets, of field
 * values and of Connection is its.
 *
 * Invariants
 * 1. Every byte is looked at a bounded number of times: lines are found with one memchr a feed.
 * 2. What http_parser sees is one head, complete, without folds, with a known method and version.
 * 3. A request has one framing: one Content-Length of digits alone, or the one word "chunked", or
 *    neither. Anything else ends the connection, since what follows cannot be told apart.
 *
 * Accepted against RFC 9112's advice, because senders do it: folded lines, bare LF in a head, any
 * Host or none. Refused though some servers take it: bare LF in chunk framing, HTTP/0.9, CONNECT.
 *
 * Tests: tests/unit/test_net_http.c, tests/fuzz/fuzz_http.c. */
#include "net/http_parse.h"

#include "base/panic.h"
#include "net/query.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of a chunk size: 15 hex digits stay below 2^60. Of Content-Length: 18 stay below 10^18. */
#define CHUNK_DIGITS_MAX  15
#define LENGTH_DIGITS_MAX 18

enum state {
    IN_HEAD,
    IN_BODY,       /* left bytes by Content-Length */
    IN_SIZE,       /* hex digits */
    IN_SIZE_BLANK, /* blanks after them */
    IN_EXTENSION,  /* after ";" */
    IN_SIZE_LF,    /* LF of the size line */
    IN_DATA,       /* left bytes of a chunk */
    IN_DATA_CR,    /* CR after them */
    IN_DATA_LF,    /* LF after that */
    IN_TRAILER,    /* digits: 0 nothing on this line yet, 1 a CR, 2 more */
    AT_END,
    IS_BAD,
};

static enum fa_http_event bad(struct fa_http_parse *parse, int status, const char *reason)
{
    parse->state = IS_BAD;
    parse->status = status;
    parse->reason = reason;
    return FA_HTTP_BAD;
}

/* --- the head, line by line --- */

static bool is_token(struct fa_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_known_method(struct fa_str method)
{
    static const char *const names[] = {
#define NAME(number, name, string) #string,
        HTTP_METHOD_MAP(NAME)
#undef NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (fa_str_is(method, names[i])) {
            return !fa_str_is(method, "CONNECT"); /* nothing here is a tunnel */
        }
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* method SP target SP "HTTP/" digit "." digit */
static enum fa_http_event check_request_line(struct fa_http_parse *parse, struct fa_str line)
{
    struct fa_str version;
    struct fa_str method = fa_str_cut(line, ' ', &version);
    struct fa_str target = fa_str_cut(version, ' ', &version);
    if (!is_token(method) || target.len == 0 || version.len != 8 ||
        !fa_str_starts(version, "HTTP/") || !is_digit(version.ptr[5]) || version.ptr[6] != '.' ||
        !is_digit(version.ptr[7])) {
        return bad(parse, 400, "The request line is not METHOD TARGET HTTP/1.1.");
    }
    if (fa_str_is(method, "PRI")) {
        return bad(parse, 400, "HTTP/2 is not spoken here, only HTTP/1.1.");
    }
    if (!fa_str_is(version, "HTTP/1.1") && !fa_str_is(version, "HTTP/1.0")) {
        return bad(parse, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    }
    if (!is_known_method(method)) {
        return bad(parse, 501, "This method is not known here.");
    }
    parse->head->minor = (uint8_t)(version.ptr[7] - '0');
    return FA_HTTP_MORE;
}

/* Overwrites the end of the line before, so that the field has one line. */
static enum fa_http_event unfold(struct fa_http_parse *parse)
{
    char *text = parse->head->text.data;
    size_t at = parse->line_at;
    if (!parse->has_field) {
        return bad(parse, 400, "The first header line begins with a blank.");
    }
    text[at - 1] = ' ';
    if (text[at - 2] == '\r') {
        text[at - 2] = ' ';
    }
    return FA_HTTP_MORE;
}

static enum fa_http_event check_field_line(struct fa_http_parse *parse, struct fa_str line)
{
    struct fa_str value;
    struct fa_str name = fa_str_cut(line, ':', &value);
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
        return unfold(parse);
    }
    if (value.ptr == NULL || !is_token(name)) {
        return bad(parse, 400, "A header line is not NAME: VALUE, or its name has a blank.");
    }
    parse->has_field = true;
    return FA_HTTP_MORE;
}

/* --- the head, whole --- */

static int on_url(http_parser *lib, const char *at, size_t len)
{
    struct fa_http_parse *parse = lib->data;
    parse->target = (struct fa_str){at, len};
    return 0;
}

static int on_name(http_parser *lib, const char *at, size_t len)
{
    struct fa_http_parse *parse = lib->data;
    struct fa_http_head *head = parse->head;
    if (head->field_count == FA_HTTP_HEADERS_MAX) {
        bad(parse, 431, "There are more than 100 header fields.");
        return -1;
    }
    head->fields[head->field_count++] =
        (struct fa_http_field){.name = {at, len}, .value = {at + len, 0}};
    return 0;
}

static int on_value(http_parser *lib, const char *at, size_t len)
{
    struct fa_http_parse *parse = lib->data;
    parse->head->fields[parse->head->field_count - 1].value = fa_str_trim((struct fa_str){at, len});
    return 0;
}

static int on_complete(http_parser *lib)
{
    struct fa_http_parse *parse = lib->data;
    parse->head->keep_alive = http_should_keep_alive(lib) != 0;
    lib->upgrade = 0;
    return 1; /* no body for http_parser */
}

static enum fa_http_event parse_whole(struct fa_http_parse *parse)
{
    static const http_parser_settings settings = {.on_url = on_url,
                                                  .on_header_field = on_name,
                                                  .on_header_value = on_value,
                                                  .on_headers_complete = on_complete};
    http_parser lib;
    struct fa_str text = fa_buf_str(&parse->head->text);
    http_parser_init(&lib, HTTP_REQUEST);
    http_parser_set_max_header_size(UINT32_MAX); /* the limit is header_max */
    lib.data = parse;
    size_t used = http_parser_execute(&lib, &settings, text.ptr, text.len);
    if (parse->state == IS_BAD) {
        return FA_HTTP_BAD;
    }
    if (HTTP_PARSER_ERRNO(&lib) != HPE_OK || used != text.len) {
        return bad(parse, 400, http_errno_description(HTTP_PARSER_ERRNO(&lib)));
    }
    return FA_HTTP_MORE;
}

/* Origin form, absolute form (its path), or "*" with OPTIONS. */
static enum fa_http_event read_target(struct fa_http_parse *parse)
{
    struct fa_http_head *head = parse->head;
    struct fa_str target = parse->target;
    struct http_parser_url url;
    if (fa_str_is(target, "*") && fa_str_is(head->method, "OPTIONS")) {
        fa_buf_puts(&head->path, "*");
        return FA_HTTP_MORE;
    }
    http_parser_url_init(&url);
    if (http_parser_parse_url(target.ptr, target.len, 0, &url) != 0) {
        return bad(parse, 400, "The request's target is no path and no URL.");
    }
    struct fa_str path = FA_STR("/");
    if (url.field_set & (1u << UF_PATH)) {
        path =
            (struct fa_str){target.ptr + url.field_data[UF_PATH].off, url.field_data[UF_PATH].len};
    }
    if (url.field_set & (1u << UF_QUERY)) {
        head->query = (struct fa_str){target.ptr + url.field_data[UF_QUERY].off,
                                      url.field_data[UF_QUERY].len};
    }
    if (fa_path_decode(path, &head->path) != 0) {
        return bad(parse, 400,
                   "The path has a broken %-escape, a blank, a control character, or "
                   "is not UTF-8.");
    }
    return FA_HTTP_MORE;
}

static bool name_is(struct fa_str name, const char *want)
{
    return name.len == strlen(want) && strncasecmp(name.ptr, want, name.len) == 0;
}

static enum fa_http_event read_length(struct fa_http_parse *parse, struct fa_str value,
                                      bool *has_length)
{
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.ptr[i]) || value.len > LENGTH_DIGITS_MAX) {
            return bad(parse, 400, "Content-Length is not a number.");
        }
        length = length * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    if (value.len == 0 || *has_length) {
        return bad(parse, 400, "Content-Length is empty or there are two.");
    }
    *has_length = true;
    parse->head->content_length = length;
    return FA_HTTP_MORE;
}

static enum fa_http_event read_framing(struct fa_http_parse *parse)
{
    struct fa_http_head *head = parse->head;
    bool has_length = false;
    for (size_t i = 0; i < head->field_count; i++) {
        struct fa_http_field field = head->fields[i];
        if (name_is(field.name, "content-length")) {
            if (read_length(parse, field.value, &has_length) == FA_HTTP_BAD) {
                return FA_HTTP_BAD;
            }
        } else if (name_is(field.name, "transfer-encoding")) {
            if (head->chunked || !name_is(field.value, "chunked")) {
                return bad(parse, 501, "The only Transfer-Encoding known here is chunked.");
            }
            head->chunked = true;
        } else if (name_is(field.name, "expect") && head->minor > 0) {
            if (!name_is(field.value, "100-continue")) {
                return bad(parse, 417, "The only Expect known here is 100-continue.");
            }
            head->expects_continue = true;
        }
    }
    if (head->chunked && (has_length || head->minor == 0)) {
        return bad(parse, 400, "Transfer-Encoding with Content-Length, or in HTTP/1.0.");
    }
    return FA_HTTP_MORE;
}

static enum fa_http_event finish_head(struct fa_http_parse *parse)
{
    struct fa_http_head *head = parse->head;
    struct fa_str rest;
    head->method = fa_str_cut(fa_buf_str(&head->text), ' ', &rest);
    if (parse_whole(parse) == FA_HTTP_BAD || read_framing(parse) == FA_HTTP_BAD ||
        read_target(parse) == FA_HTTP_BAD) {
        return FA_HTTP_BAD;
    }
    parse->left = head->content_length;
    parse->digits = 0;
    parse->extra = 0;
    parse->state = head->chunked ? IN_SIZE : parse->left > 0 ? IN_BODY : AT_END;
    return FA_HTTP_HEAD;
}

static void begin_head(struct fa_http_parse *parse)
{
    struct fa_http_head *head = parse->head;
    if (head == NULL) {
        head = parse->head = fa_xmalloc(sizeof *head);
        fa_buf_init(&head->text, parse->header_max);
        fa_buf_init(&head->path, parse->header_max);
    }
    fa_buf_clear(&head->text);
    fa_buf_clear(&head->path);
    head->method = head->query = (struct fa_str){"", 0};
    head->field_count = 0;
    head->content_length = 0;
    head->chunked = head->keep_alive = head->expects_continue = false;
    parse->line_at = 0;
    parse->has_field = false;
}

/* The line that has just ended, without its end. */
static enum fa_http_event end_line(struct fa_http_parse *parse)
{
    struct fa_str line = fa_buf_str(&parse->head->text);
    line.ptr += parse->line_at;
    line.len -= parse->line_at + 1;
    line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r';
    enum fa_http_event event;
    if (parse->line_at > 0 && line.len == 0) {
        return finish_head(parse);
    }
    if (line.len == 0) { /* before a request empty lines are skipped */
        parse->extra += parse->head->text.len;
        fa_buf_clear(&parse->head->text);
        return FA_HTTP_MORE;
    }
    event = parse->line_at == 0 ? check_request_line(parse, line) : check_field_line(parse, line);
    parse->line_at = parse->head->text.len;
    return event;
}

static enum fa_http_event feed_head(struct fa_http_parse *parse, struct fa_str *input)
{
    if (parse->head == NULL) {
        begin_head(parse);
    }
    struct fa_buf *text = &parse->head->text;
    while (input->len > 0) {
        const char *end = memchr(input->ptr, '\n', input->len);
        size_t len = end != NULL ? (size_t)(end - input->ptr) + 1 : input->len;
        bool first = text->len == 0 && *input->ptr != '\r' && *input->ptr != '\n';
        if (first && !is_token((struct fa_str){input->ptr, 1})) {
            return bad(parse, 400, "This does not begin like HTTP.");
        }
        if (text->len + parse->extra + len > parse->header_max) {
            return bad(parse, 431, "The request line and header fields are too large.");
        }
        fa_buf_put(text, input->ptr, len);
        input->ptr += len;
        input->len -= len;
        enum fa_http_event event = end != NULL ? end_line(parse) : FA_HTTP_MORE;
        if (event != FA_HTTP_MORE) {
            return event;
        }
    }
    return FA_HTTP_MORE;
}

/* --- bodies --- */

static enum fa_http_event take_body(struct fa_http_parse *parse, struct fa_str *input,
                                    struct fa_str *ret_body)
{
    size_t len = input->len < parse->left ? input->len : (size_t)parse->left;
    *ret_body = (struct fa_str){input->ptr, len};
    input->ptr += len;
    input->len -= len;
    parse->left -= len;
    if (parse->left == 0) {
        parse->state = parse->state == IN_DATA ? IN_DATA_CR : AT_END;
    }
    return FA_HTTP_BODY;
}

static int hex_digit(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After the last digit of a chunk size. False: refused. */
static bool end_size(struct fa_http_parse *parse, char c)
{
    if (parse->digits == 0 && parse->state == IN_SIZE) {
        return false;
    }
    switch (c) {
    case '\r':
        parse->state = IN_SIZE_LF;
        return true;
    case ';':
        parse->state = IN_EXTENSION;
        return true;
    case ' ':
    case '\t':
        parse->state = IN_SIZE_BLANK;
        return true;
    default:
        return false;
    }
}

static bool step_trailer(struct fa_http_parse *parse, char c)
{
    if (c != '\n') {
        parse->digits = c == '\r' && parse->digits == 0 ? 1 : 2;
    } else if (parse->digits < 2) {
        parse->state = AT_END;
    } else {
        parse->digits = 0;
    }
    return true;
}

/* One byte of a chunked body that is not data. False: refused. */
static bool step_chunk(struct fa_http_parse *parse, char c)
{
    int digit = hex_digit(c);
    switch ((enum state)parse->state) {
    case IN_SIZE:
        if (digit < 0) {
            return end_size(parse, c);
        }
        parse->left = parse->left * 16 + (uint64_t)digit;
        return ++parse->digits <= CHUNK_DIGITS_MAX;
    case IN_SIZE_BLANK:
        return end_size(parse, c);
    case IN_EXTENSION:
        parse->state = c == '\r' ? IN_SIZE_LF : IN_EXTENSION;
        return c == '\r' || c == '\t' || (unsigned char)c >= 0x20;
    case IN_SIZE_LF:
        parse->digits = 0;
        parse->state = parse->left > 0 ? IN_DATA : IN_TRAILER;
        return c == '\n';
    case IN_DATA_CR:
        parse->state = IN_DATA_LF;
        return c == '\r';
    case IN_DATA_LF:
        parse->state = IN_SIZE;
        return c == '\n';
    case IN_TRAILER:
        return step_trailer(parse, c);
    case IN_HEAD:
    case IN_BODY:
    case IN_DATA:
    case AT_END:
    case IS_BAD:
        break;
    }
    fa_panic(__FILE__, __LINE__, "not in chunk framing");
}

static enum fa_http_event feed_chunk(struct fa_http_parse *parse, struct fa_str *input)
{
    bool counts =
        parse->state == IN_SIZE_BLANK || parse->state == IN_EXTENSION || parse->state == IN_TRAILER;
    if (counts && ++parse->extra > parse->header_max) {
        return bad(parse, 431, "Chunk extensions and trailers are too large.");
    }
    if (!step_chunk(parse, *input->ptr)) {
        return bad(parse, 400, "The chunked body is broken.");
    }
    input->ptr++;
    input->len--;
    return FA_HTTP_MORE;
}

/* --- outside --- */

enum fa_http_event fa_http_parse_feed(struct fa_http_parse *parse, struct fa_str *input,
                                      struct fa_str *ret_body)
{
    for (;;) {
        if (parse->state == IS_BAD) {
            return FA_HTTP_BAD;
        }
        if (parse->state == AT_END) {
            parse->state = IN_HEAD;
            parse->extra = 0;
            if (parse->head != NULL) {
                begin_head(parse);
            }
            return FA_HTTP_END;
        }
        if (parse->state == IN_HEAD) {
            return feed_head(parse, input);
        }
        if (input->len == 0) {
            return FA_HTTP_MORE;
        }
        if (parse->state == IN_BODY || parse->state == IN_DATA) {
            return take_body(parse, input, ret_body);
        }
        if (feed_chunk(parse, input) == FA_HTTP_BAD) {
            return FA_HTTP_BAD;
        }
    }
}

bool fa_http_parse_idle(const struct fa_http_parse *parse)
{
    return parse->state == IN_HEAD && (parse->head == NULL || parse->head->text.len == 0);
}

void fa_http_parse_init(struct fa_http_parse *parse, size_t header_max)
{
    *parse = (struct fa_http_parse){.header_max = header_max};
}

void fa_http_parse_done(struct fa_http_parse *parse)
{
    fa_http_head_free(parse->head);
    parse->head = NULL;
}

void fa_http_head_free(struct fa_http_head *head)
{
    if (head != NULL) {
        fa_buf_done(&head->text);
        fa_buf_done(&head->path);
        free(head);
    }
}

struct fa_str fa_http_head_field(const struct fa_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (name_is(head->fields[i].name, name)) {
            return head->fields[i].value;
        }
    }
    return (struct fa_str){NULL, 0};
}

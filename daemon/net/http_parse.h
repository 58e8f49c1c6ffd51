/* SPDX-License-Identifier: MIT */
/* HTTP/1.x requests as a byte machine without sockets or clock. Bytes go in as they come; out come
 * a head, pieces of body, an end, or an error with the status to answer. It copies the head into
 * memory of its own and nothing else. */
#ifndef FA_NET_HTTP_PARSE_H
#define FA_NET_HTTP_PARSE_H

#include "base/buf.h"

#define FA_HTTP_HEADERS_MAX 100

struct fa_http_field {
    struct fa_str name, value; /* value without blanks around it; folded lines joined by blanks */
};

/* A request without its body. The slices point into text. */
struct fa_http_head {
    struct fa_buf text;          /* the bytes as received, folds blanked */
    struct fa_buf path;          /* decoded; "*" for OPTIONS * */
    struct fa_str method, query; /* query: undecoded, without "?" */
    struct fa_http_field fields[FA_HTTP_HEADERS_MAX];
    size_t field_count;
    uint64_t content_length; /* 0 when chunked */
    uint8_t minor;           /* HTTP/1.minor: 0 or 1 */
    bool chunked, keep_alive, expects_continue;
};

enum fa_http_event {
    FA_HTTP_MORE, /* all input is used up */
    FA_HTTP_HEAD, /* parse->head is complete */
    FA_HTTP_BODY, /* *ret_body is a piece of the body, in the caller's input */
    FA_HTTP_END,  /* the request is complete; the next byte begins another */
    FA_HTTP_BAD,  /* parse->status and parse->reason; nothing more can be read */
};

struct fa_http_parse {
    struct fa_http_head *head; /* owned; a caller may take it (set to NULL) at FA_HTTP_HEAD */
    int status;                /* at FA_HTTP_BAD: 400 413 417 431 501 505 */
    const char *reason;        /* at FA_HTTP_BAD: one English sentence, static */
    size_t header_max;         /* bytes: head; and chunk extensions with trailers */
    size_t line_at;            /* in head->text: where the current line begins */
    struct fa_str target;      /* in head->text */
    uint64_t left;             /* bytes of body or of the chunk to come */
    size_t extra; /* bytes of extensions and trailers, or of empty lines before a head */
    uint8_t state, digits;
    bool has_field; /* a header line was seen, which a fold may continue */
};

/* header_max: bytes of request line and headers, over it 431. */
void fa_http_parse_init(struct fa_http_parse *parse, size_t header_max);
void fa_http_parse_done(struct fa_http_parse *parse);
/* Reads from *input, which it moves forward, up to the next event. After FA_HTTP_HEAD comes at
 * least FA_HTTP_END, also with empty input. */
enum fa_http_event fa_http_parse_feed(struct fa_http_parse *parse, struct fa_str *input,
                                      struct fa_str *ret_body);
/* True between requests: no byte of the next one has been seen. */
bool fa_http_parse_idle(const struct fa_http_parse *parse);

void fa_http_head_free(struct fa_http_head *head);
/* The first value of a field, by name in any case; ptr NULL: none. */
struct fa_str fa_http_head_field(const struct fa_http_head *head, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/* What the dummies share: an HTTP body that arrives in pieces, kept whole up to a limit. */
#ifndef FA_DUMMY_BODY_H
#define FA_DUMMY_BODY_H

#include "firealarm/decoder.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX (1u << 20)

struct body {
    char *bytes; /* owned */
    size_t len;
    int over;
};

static void body_add(struct body *body, struct firealarm_text piece)
{
    if (body->over || piece.len > BODY_MAX - body->len) {
        body->over = 1;
        return;
    }
    char *bytes = realloc(body->bytes, body->len + piece.len + 1);
    if (bytes == NULL) {
        body->over = 1;
        return;
    }
    body->bytes = bytes;
    if (piece.len > 0) {
        memcpy(bytes + body->len, piece.ptr, piece.len);
    }
    body->len += piece.len;
    bytes[body->len] = '\0';
}

static inline int32_t body_open(void *self, const struct firealarm_request *request,
                                void **ret_conn, struct firealarm_error *error)
{
    (void)self, (void)request, (void)error;
    *ret_conn = calloc(1, sizeof(struct body));
    return *ret_conn != NULL ? 0 : -1;
}

static inline void body_close(void *conn)
{
    struct body *body = conn;
    if (body != NULL) {
        free(body->bytes);
        free(body);
    }
}

static inline int32_t no_create(const struct firealarm_host *host,
                                const struct firealarm_settings *settings, void **ret_self,
                                struct firealarm_error *error)
{
    (void)host, (void)settings, (void)error;
    *ret_self = NULL;
    return 0;
}

static inline void no_destroy(void *self)
{
    (void)self;
}

#endif

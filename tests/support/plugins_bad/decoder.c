/* SPDX-License-Identifier: MIT */
/* A decoder that keeps the contract unless a definition breaks one thing of it. */
#include <firealarm/decoder.h>

#include <stdio.h>

#ifndef FEED
#define FEED feed
#endif

static int32_t create(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error)
{
#ifdef CREATE_FAILS
    snprintf(error->text, sizeof error->text, "no dictionary");
    return -1;
#else
    return 0;
#endif
}

static void destroy(void *self)
{
}

static int32_t open(void *self, const struct firealarm_request *request, void **ret_conn,
                    struct firealarm_error *error)
{
    return 0;
}

int32_t feed(void *conn, const struct firealarm_sink *sink, struct firealarm_text bytes,
             uint32_t flags, struct firealarm_error *error);
int32_t feed(void *conn, const struct firealarm_sink *sink, struct firealarm_text bytes,
             uint32_t flags, struct firealarm_error *error)
{
    return 0;
}

static void close(void *conn)
{
}

FIREALARM_EXPORT extern const struct firealarm_decoder firealarm_decoder;
const struct firealarm_decoder firealarm_decoder = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof(struct firealarm_decoder),
    .name = NAME,
    .transports = 1u << FIREALARM_DATAGRAM,
    .create = create,
    .destroy = destroy,
    .open = open,
    .feed = FEED,
    .close = close,
};

/* SPDX-License-Identifier: MIT */
/* A webhook receiver on 127.0.0.1, in a thread of its own: answers 204 to everything, at once. */
#ifndef FA_BENCH_RECEIVER_H
#define FA_BENCH_RECEIVER_H

#include <stddef.h>
#include <stdint.h>

/* In the receiver's thread. path and body end with NUL and live until it returns. */
typedef void receiver_fn(void *ctx, int64_t ns, const char *path, const char *body);

struct receiver;
struct receiver *receiver_open(receiver_fn *fn, void *ctx);
unsigned receiver_port(const struct receiver *receiver);
void receiver_close(struct receiver *receiver);

#endif

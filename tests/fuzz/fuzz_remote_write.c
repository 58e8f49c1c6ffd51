/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_prometheus_static fa_public fa_base */
/* Remote write in any bytes, in any pieces. The first byte says whether they are the snappy block,
 * or the message, which is then packed here without being made smaller. */
#include "base/buf.h"
#include "fuzz_sink.h"

/* One literal, its length in four bytes. */
static void pack(struct fa_buf *out, struct fa_str message)
{
    uint64_t declared = message.len;
    fa_buf_init(out, message.len + 32);
    for (; declared >= 0x80; declared >>= 7) {
        fa_buf_putc(out, (char)(declared | 0x80));
    }
    fa_buf_putc(out, (char)declared);
    if (message.len > 0) {
        uint32_t rest = (uint32_t)message.len - 1;
        char head[] = {(char)(63 << 2), (char)rest, (char)(rest >> 8), (char)(rest >> 16),
                       (char)(rest >> 24)};
        fa_buf_put(out, head, sizeof head);
        fa_buf_putstr(out, message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct firealarm_value values[] = {{.number = 1 << 20}, {.number = 1 << 20}};
    struct firealarm_settings settings = {.name = "fuzz", .values = values, .count = 2};
    struct firealarm_request request = {.size = sizeof request,
                                        .transport = FIREALARM_HTTP,
                                        .method = FIREALARM_TEXT("POST"),
                                        .path = FIREALARM_TEXT("/api/v1/write")};
    struct fuzz_input in = {data, size};
    uint8_t how = fuzz_byte(&in);
    struct fa_str body = {in.size > 0 ? (const char *)in.data : "", in.size};
    struct fa_buf packed;
    fa_buf_init(&packed, 0);
    if ((how & 1) != 0) {
        pack(&packed, body);
        body = fa_buf_str(&packed);
    }
    uint64_t whole = fuzz_sink_run(&settings, &request, body, 0);
    fa_assert(whole == fuzz_sink_run(&settings, &request, body, how | 0x100u));
    fa_buf_done(&packed);
    return 0;
}

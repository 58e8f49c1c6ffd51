/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_prometheus_static fa_public fa_base */
/* Prometheus' text in any bytes: the first byte says whether it is OpenMetrics and whether it is
 * packed. However a body is cut, the same is said; of a packed one only that nothing breaks, for
 * how far it may swell depends on what has come in. */
#include "fuzz_sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct firealarm_value values[] = {{.number = 1 << 20}, {.number = 1 << 20}};
    struct firealarm_settings settings = {.name = "fuzz", .values = values, .count = 2};
    struct firealarm_label headers[2];
    struct firealarm_request request = {.size = sizeof request,
                                        .transport = FIREALARM_HTTP,
                                        .method = FIREALARM_TEXT("POST"),
                                        .path = FIREALARM_TEXT("/api/v1/import/prometheus"),
                                        .headers = headers};
    struct fuzz_input in = {data, size};
    uint8_t how = fuzz_byte(&in);
    struct fa_str body = {in.size > 0 ? (const char *)in.data : "", in.size};
    if ((how & 1) != 0) {
        headers[request.header_count++] = (struct firealarm_label){
            FIREALARM_TEXT("content-type"), FIREALARM_TEXT("application/openmetrics-text")};
    }
    if ((how & 2) != 0) {
        headers[request.header_count++] =
            (struct firealarm_label){FIREALARM_TEXT("content-encoding"), FIREALARM_TEXT("gzip")};
    }
    uint64_t whole = fuzz_sink_run(&settings, &request, body, 0);
    uint64_t cut = fuzz_sink_run(&settings, &request, body, how | 0x100u);
    fa_assert((how & 2) != 0 || whole == cut);
    return 0;
}

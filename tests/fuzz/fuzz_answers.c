/* SPDX-License-Identifier: MIT */
/* links: fa_courier_child */
/* What receivers answer, as libcurl hands it over: header lines and a body in pieces, a status, a
 * transport's code and its words. However the body is cut, what is kept of it is the same and
 * bounded; Retry-After is never negative nor over a day; there is one of three verdicts, its words
 * are one line and quote nothing of the body; the same for the addresses in redirects. */
#include "fuzz.h"

#include "../../daemon/courier/child/perform.c"

static struct fa_transfer begin(uint32_t kind)
{
    struct fa_transfer transfer = {.kind = kind, .retry_after = -1};
    fa_buf_init(&transfer.answer, FA_PERFORM_BODY_MAX);
    return transfer;
}

/* Whether all was taken. */
static bool take_body(struct fa_transfer *transfer, struct fa_str body, unsigned times,
                      uint32_t seed)
{
    for (unsigned i = 0; i < times; i++) {
        for (size_t at = 0; at < body.len;) {
            struct fa_str piece = {body.ptr + at, fuzz_cut(&seed, body.len - at)};
            char *copy = fuzz_copy(piece);
            size_t taken = on_body(copy, 1, piece.len, transfer);
            free(copy);
            if (taken != piece.len) {
                fa_assert(transfer->too_big);
                return false;
            }
            at += piece.len;
        }
    }
    return true;
}

static void check_bodies(struct fa_str body, unsigned times, uint32_t seed)
{
    struct fa_transfer whole = begin(FIREALARM_REQUEST_HTTP), cut = begin(FIREALARM_REQUEST_HTTP);
    bool taken = take_body(&whole, body, times, 0);
    fa_assert(take_body(&cut, body, times, seed) == taken);
    if (taken) {
        fa_assert(fa_str_eq(fa_buf_str(&whole.answer), fa_buf_str(&cut.answer)));
    }
    fa_assert(whole.answer.len <= FA_PERFORM_BODY_MAX && cut.answer.len <= FA_PERFORM_BODY_MAX);
    fa_buf_done(&whole.answer);
    fa_buf_done(&cut.answer);
}

static void take_header(struct fa_transfer *transfer, struct fa_str line)
{
    char *copy = fuzz_copy(line);
    size_t taken = on_header(copy, 1, line.len, transfer);
    fa_assert(taken == line.len || transfer->too_big);
    free(copy);
    fa_assert(transfer->retry_after >= -1 && transfer->retry_after <= FA_DAY);
    fa_assert(!fa_str_has_control(fa_str_of(transfer->location)));
}

static void check_verdict(const struct fa_transfer *transfer, uint32_t status, int32_t transport,
                          struct fa_str words)
{
    struct firealarm_error why = {""};
    struct fa_outcome outcome = {.kind = transfer->kind, .location_host = transfer->location};
    outcome.response = (struct firealarm_response){.size = sizeof outcome.response,
                                                   .transport = transport,
                                                   .status = status,
                                                   .retry_after = transfer->retry_after,
                                                   .error = {words.ptr, words.len}};
    uint32_t verdict = fa_outcome_judge(&outcome, &why);
    fa_assert(verdict >= FIREALARM_SENT && verdict <= FIREALARM_REJECTED);
    fa_assert(why.text[0] != '\0' && memchr(why.text, '\0', sizeof why.text) != NULL);
    fa_assert(verdict != FIREALARM_SENT || (transport == 0 && status / 100 == 2));
    fa_assert(transport == 0 || words.len == 0 || strstr(why.text, "transport") != NULL ||
              strncmp(why.text, "SMTP ", 5) == 0);
}

static void check_endpoint(struct fa_str url)
{
    char endpoint[128];
    memset(endpoint, '#', sizeof endpoint);
    if (fa_url_endpoint((struct firealarm_text){url.ptr, url.len}, endpoint, sizeof endpoint) ==
        0) {
        fa_assert(memchr(endpoint, '\0', sizeof endpoint) != NULL);
        fa_assert(strrchr(endpoint, ':') != NULL && !fa_str_has_control(fa_str_of(endpoint)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint32_t seed = fuzz_byte(&in) * 2654435761u + 1;
    uint8_t how = fuzz_byte(&in);
    struct fa_transfer transfer = begin(how & 1 ? FIREALARM_REQUEST_SMTP : FIREALARM_REQUEST_HTTP);
    uint32_t status = (fuzz_byte(&in) * 256u + fuzz_byte(&in)) % 1000;
    int32_t transport = how & 2 ? fuzz_byte(&in) : how & 4 ? 1000 + how % 4 : 0;
    struct fa_str words = fuzz_word(&in), body = fuzz_word(&in);
    check_bodies(body, how & 128 ? 300 : 1, seed);
    while (in.size > 0 && !transfer.too_big) {
        struct fa_str line = fuzz_word(&in);
        take_header(&transfer, line);
        check_endpoint(line);
    }
    check_verdict(&transfer, status, transport, words);
    fa_buf_done(&transfer.answer);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* What an answer means where no plugin says otherwise, and what is read off addresses and fields.
 *
 * Invariant: only what waiting can mend is tried again; all else is rejected, so that the next
 * channel is asked at once. Nothing here touches a transfer. */
#include "base/buf.h"
#include "base/panic.h"
#include "courier/child/perform.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_AFTER_MAX FA_DAY

fa_time fa_retry_after_parse(const char *value, fa_time wall)
{
    int64_t seconds = 0;
    struct fa_str text = fa_str_trim(fa_str_of(value));
    bool digits = text.len > 0 && text.len == strspn(text.ptr, "0123456789");
    if (digits) {
        int rc = fa_parse_i64(text, &seconds);
        return rc < 0 || seconds > RETRY_AFTER_MAX / FA_SECOND ? RETRY_AFTER_MAX
                                                               : seconds * FA_SECOND;
    }
    /* A date begins with the name of a day; curl_getdate alone would take nearly anything. */
    if (text.len < 16 || strchr("MTWFS", text.ptr[0]) == NULL) {
        return -1;
    }
    time_t at = curl_getdate(value, NULL);
    if (at == (time_t)-1) {
        return -1;
    }
    int64_t left = (int64_t)at - wall / FA_SECOND;
    return left < 0 ? 0 : left > RETRY_AFTER_MAX / FA_SECOND ? RETRY_AFTER_MAX : left * FA_SECOND;
}

int fa_url_endpoint(struct firealarm_text url, char *buf, size_t size)
{
    char *text = fa_xstrndup(url.len > 0 ? url.ptr : "", url.len), *host = NULL, *port = NULL;
    CURLU *parsed = curl_url();
    int rc = FA_EINVAL;
    if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        struct fa_buf out;
        fa_buf_init(&out, size - 1);
        for (const char *p = host; *p != '\0'; p++) {
            fa_buf_putc(&out, *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p);
        }
        fa_buf_printf(&out, ":%s", port);
        rc = out.over ? FA_EINVAL : 0;
        memcpy(buf, fa_buf_text(&out), out.len + 1);
        fa_buf_done(&out);
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parsed);
    free(text);
    return rc;
}

/* Failures of the TLS handshake and what is like them: waiting mends none of them. */
static bool is_refusal(int32_t transport)
{
    switch (transport) {
    case FA_TRANSPORT_DENIED:
    case FA_TRANSPORT_TOOBIG:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_WRITE_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return true;
    default:
        return false;
    }
}

static void say_transport(const struct firealarm_response *res, struct firealarm_error *why)
{
    int len = res->error.len > 200 ? 200 : (int)res->error.len;
    snprintf(why->text, sizeof why->text, "%.*s (transport %d)", len, res->error.ptr,
             res->transport);
}

static uint32_t judge_smtp(const struct firealarm_response *res, struct firealarm_error *why)
{
    bool said_no = res->transport == CURLE_SEND_ERROR ||
                   res->transport == CURLE_WEIRD_SERVER_REPLY ||
                   res->transport == CURLE_LOGIN_DENIED;
    if (res->transport == 0) {
        snprintf(why->text, sizeof why->text, "SMTP %u", res->status);
        return res->status / 100 == 2 ? FIREALARM_SENT : FIREALARM_RETRY;
    }
    /* Only after these does the reply code belong to what failed; after others it is an old one. */
    if (said_no && (res->status / 100 == 4 || res->status / 100 == 5)) {
        snprintf(why->text, sizeof why->text, "SMTP %u%s", res->status,
                 res->transport == CURLE_LOGIN_DENIED ? ", login refused" : "");
        return res->status / 100 == 4 ? FIREALARM_RETRY : FIREALARM_REJECTED;
    }
    say_transport(res, why);
    return is_refusal(res->transport) || res->transport == CURLE_LOGIN_DENIED ? FIREALARM_REJECTED
                                                                              : FIREALARM_RETRY;
}

uint32_t fa_outcome_judge(const struct fa_outcome *outcome, struct firealarm_error *why)
{
    const struct firealarm_response *res = &outcome->response;
    if (outcome->kind == FIREALARM_REQUEST_SMTP) {
        return judge_smtp(res, why);
    }
    if (res->transport != 0) {
        say_transport(res, why);
        return is_refusal(res->transport) ? FIREALARM_REJECTED : FIREALARM_RETRY;
    }
    if (res->status / 100 == 3) {
        snprintf(why->text, sizeof why->text, "HTTP %u, a redirect%s%.100s, is not followed",
                 res->status, outcome->location_host[0] != '\0' ? " to " : "",
                 outcome->location_host);
        return FIREALARM_REJECTED;
    }
    snprintf(why->text, sizeof why->text, "HTTP %u", res->status);
    if (res->status / 100 == 2) {
        return FIREALARM_SENT;
    }
    return res->status / 100 == 5 || res->status == 408 || res->status == 425 || res->status == 429
               ? FIREALARM_RETRY
               : FIREALARM_REJECTED;
}

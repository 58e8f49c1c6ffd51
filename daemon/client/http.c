/* SPDX-License-Identifier: MIT */
/* libcurl, once and carefully: no redirects (an answer elsewhere is no answer of the daemon), no
 * proxy and no .netrc from the environment, TLS 1.2 at least, the configured authority alone, a
 * bounded body, a bounded time, no signals, one connection for each request. A token goes into a
 * header only after settings.c has seen that it is one printable word. */
#include "client/http.h"

#include "client/interrupt.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 3000L
#define SILENCE_S  120L

struct transfer {
    struct fa_reply *reply;
    bool over;
};

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    fa_buf_put(&transfer->reply->body, data, size * count);
    transfer->over = transfer->reply->body.over;
    return transfer->over ? 0 : size * count;
}

static int on_progress(void *user, curl_off_t dl_total, curl_off_t dl, curl_off_t ul_total,
                       curl_off_t ul)
{
    return fa_interrupted() ? 1 : 0;
}

static const char *where(const struct fa_settings *settings)
{
    return settings->url != NULL ? settings->url : settings->socket;
}

static int explain(const struct fa_settings *settings, CURLcode rc, long os_error,
                   const struct transfer *transfer, struct fa_err *err)
{
    const char *at = where(settings);
    if (fa_interrupted()) {
        return fa_err_set(err, FA_ECLOSED, "stopped");
    }
    if (transfer->over) {
        return fa_err_set(err, FA_ETOOBIG, "the answer from %s is longer than %u MiB", at,
                          FA_REPLY_MAX >> 20);
    }
    switch ((int)rc) {
    case CURLE_OPERATION_TIMEDOUT:
        return fa_err_set(err, FA_ETIMEOUT, "the daemon at %s does not answer in time", at);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
        return fa_err_set(err, FA_EDENIED,
                          "%s cannot prove that it is the daemon, so nothing was sent to it (%s). "
                          "Check 'ca' and 'url' in %s",
                          at, curl_easy_strerror(rc),
                          settings->file != NULL ? settings->file : "client.cfg");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
        return fa_err_set(err, FA_EPROTO, "what answers at %s is not firealarmd", at);
    default:
        break;
    }
    if (os_error == EACCES || os_error == EPERM) {
        return fa_err_set(err, FA_EIO, "you may not use %s: %s", at, strerror((int)os_error));
    }
    return fa_err_set(err, FA_EIO, "the daemon at %s cannot be reached (%s)", at,
                      os_error != 0 ? strerror((int)os_error) : curl_easy_strerror(rc));
}

/* What holds for every request, whatever is asked. */
static void set_limits(CURL *curl, const struct fa_settings *settings, struct transfer *transfer)
{
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     settings->timeout < CONNECT_MS ? (long)settings->timeout : CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)settings->timeout);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
}

static void set_place(CURL *curl, const struct fa_settings *settings, const char *path,
                      struct fa_buf *url)
{
    fa_buf_puts(url, settings->url != NULL ? settings->url : "http://firealarm");
    fa_buf_puts(url, path);
    curl_easy_setopt(curl, CURLOPT_URL, fa_buf_text(url));
    if (settings->url == NULL) {
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, settings->socket);
        return;
    }
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                     strncmp(settings->url, "http:", 5) == 0 ? "http" : "https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (settings->ca != NULL) {
        /* Without the second line the machine's own authorities would be trusted besides. */
        curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

/* type NULL: no body. */
static struct curl_slist *make_headers(const struct fa_settings *settings, const char *type)
{
    char line[640];
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    headers = curl_slist_append(headers, "Expect:");
    headers = curl_slist_append(headers, "User-Agent:");
    if (type != NULL) {
        snprintf(line, sizeof line, "Content-Type: %s", type);
        headers = curl_slist_append(headers, line);
        headers = curl_slist_append(headers, "Prefer: return=representation");
    }
    if (settings->token != NULL) {
        snprintf(line, sizeof line, "Authorization: Bearer %s", settings->token);
        headers = curl_slist_append(headers, line);
        explicit_bzero(line, sizeof line);
    }
    return headers;
}

int fa_http_call(const struct fa_settings *settings, const char *path, const char *body,
                 struct fa_reply *ret_reply, struct fa_err *err)
{
    return fa_http_send(settings, path, fa_str_of(body), body != NULL ? "application/json" : NULL,
                        ret_reply, err);
}

int fa_http_send(const struct fa_settings *settings, const char *path, struct fa_str body,
                 const char *type, struct fa_reply *ret_reply, struct fa_err *err)
{
    struct fa_reply reply = {0};
    struct transfer transfer = {.reply = &reply};
    struct fa_buf url;
    long os_error = 0;
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return fa_err_set(err, FA_EIO, "libcurl cannot start");
    }
    fa_buf_init(&reply.body, FA_REPLY_MAX);
    fa_buf_init(&url, 8192);
    struct curl_slist *headers = make_headers(settings, type);
    set_limits(curl, settings, &transfer);
    set_place(curl, settings, path, &url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (type != NULL) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    }
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
    int rc = code == CURLE_OK ? 0 : explain(settings, code, os_error, &transfer, err);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    fa_buf_done(&url);
    if (rc != 0) {
        fa_buf_done(&reply.body);
        return rc;
    }
    *ret_reply = reply;
    return 0;
}

struct fetch {
    fa_http_bytes_fn *fn;
    void *ctx;
    struct fa_err *err;
    int rc; /* of fn */
};

static size_t on_fetched(char *data, size_t size, size_t count, void *user)
{
    struct fetch *fetch = user;
    fetch->rc = fetch->fn(fetch->ctx, (struct fa_str){data, size * count}, fetch->err);
    return fetch->rc == 0 ? size * count : 0;
}

int fa_http_fetch(const char *url, fa_http_bytes_fn *fn, void *ctx, struct fa_err *err)
{
    struct fetch fetch = {.fn = fn, .ctx = ctx, .err = err};
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return fa_err_set(err, FA_EIO, "libcurl cannot start");
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_fetched);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &fetch);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    if (fetch.rc != 0 || code == CURLE_OK) {
        return fetch.rc;
    }
    return fa_interrupted() ? fa_err_set(err, FA_ECLOSED, "stopped")
                            : fa_err_set(err, FA_EIO, "%s: %s", url, curl_easy_strerror(code));
}

void fa_reply_done(struct fa_reply *reply)
{
    fa_buf_done(&reply->body);
}

/* SPDX-License-Identifier: MIT */
/* Transfers by libcurl: HTTP by its multi_socket interface on our libevent loop, SMTP in threads.
 *
 * Invariants:
 *  1. No libcurl function that drives transfers is called from a libcurl callback: the timer
 *     callback only arms a timer, results are read after every socket_action and collected before
 *     any handle is removed.
 *  2. Every transfer ends by our own timer at the latest; libcurl's time-out comes first where it
 *     works. QUICK_EXIT lets a handle go whose resolver thread never returns.
 *  3. Nothing is queued in libcurl: whoever calls start wants it started now.
 *  4. SMTP runs in a thread for each mail: after the final dot, and for QUIT, libcurl waits for the
 *     server in a blocking loop (smtp_done), also within a multi handle, and after a time-out there
 *     it even keeps the connection for the next mail. A relay that hangs there would hold up all.
 *     While the thread runs, the transfer is its own but for deadline, done and ctx. It comes back
 *     through a pipe twice: with its result, and when the connection is closed and all may be
 * freed. One that is overdue is reported at once and its late result dropped.
 *  5. Fail closed: TLS 1.2 with verification, no redirect, no proxy, no private address, unless the
 *     request says so. An answer is cut off at 64 KiB, its headers too.
 * Strings given to libcurl are copied by it, but the body and the lists, which live in the
 * transfer. */
#include "courier/child/perform.h"
#include "base/buf.h"
#include "base/panic.h"
#include "child/guard.h"
#include "courier/child/guard.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_WITHIN   (3 * FA_SECOND)
#define OWN_TIMER_SLACK  500
#define CONNECTIONS_KEPT 64L
/* Seconds for the next reply of a relay that has refused. */
#define REPLY_WITHIN_REFUSED 2L
#define RESULTS_PER_TURN     64
#define THREAD_STACK                                                                               \
    ((size_t)1024 * 1024) /* reserved, not used: libcurl and TLS need some 64 KiB */

struct fa_performer {
    struct event_base *base;
    struct event *timer, *returned;
    CURLM *multi;
    bool started; /* some that libcurl has not looked at yet */
    int pipe[2];  /* of struct returned */
};

/* What a mail's thread says: its result is there, then that it is gone. */
struct returned {
    struct fa_transfer *transfer;
    bool gone;
};

struct watch {
    struct event *event;
    short events;
};

struct fa_transfer {
    struct fa_performer *performer;
    CURL *easy;
    struct curl_slist *headers, *recipients;
    struct event *deadline;
    char *body;
    size_t body_len, body_sent;
    struct fa_buf answer;
    size_t header_bytes;
    bool head_whole;    /* an HTTP answer's head has come to its end */
    char location[256]; /* host of a redirect */
    char error[CURL_ERROR_SIZE];
    uint32_t kind, flags;
    fa_time retry_after;
    bool denied, too_big;
    bool hurried; /* of a mail's thread, as what is below */
    CURLcode code;
    char words[CURL_ERROR_SIZE];
    long status;
    fa_outcome_fn *done; /* NULL: reported already */
    void *ctx;
};

/* ----------------------------------------------------------------------------- ending a transfer
 */

static fa_time wall_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (fa_time)ts.tv_sec * FA_SECOND + ts.tv_nsec / 1000000;
}

static void free_transfer(struct fa_transfer *transfer)
{
    if (transfer->easy != NULL) {
        curl_easy_cleanup(transfer->easy);
    }
    if (transfer->deadline != NULL) {
        event_free(transfer->deadline);
    }
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->recipients);
    fa_buf_done(&transfer->answer);
    if (transfer->body != NULL) {
        explicit_bzero(transfer->body, transfer->body_len);
        free(transfer->body);
    }
    free(transfer);
}

/* Tells what came of it. Called from the loop only. */
static void report(struct fa_transfer *transfer, int32_t transport, long status, const char *words)
{
    struct fa_outcome outcome = {.kind = transfer->kind, .location_host = transfer->location};
    if (transfer->denied) {
        transport = FA_TRANSPORT_DENIED;
        words = "its address is a private one; say allow_private = true if that is meant";
    } else if (transfer->too_big) {
        transport = FA_TRANSPORT_TOOBIG;
        words = "the answer is longer than 64 KiB";
    } else if (transport == CURLE_OUT_OF_MEMORY) { /* libcurl's word for it; see main.c */
        words = "a line of the answer is too long";
    } else if (transport == 0 && transfer->kind == FIREALARM_REQUEST_HTTP &&
               !transfer->head_whole) {
        transport = CURLE_RECV_ERROR; /* libcurl takes it for a whole answer */
        words = "the answer was cut before its end";
    }
    struct fa_str text = fa_str_of(words), answer = fa_buf_str(&transfer->answer);
    outcome.response = (struct firealarm_response){
        .size = sizeof outcome.response,
        .transport = transport,
        .status = status > 0 && status < 1000 ? (uint32_t)status : 0,
        .retry_after = transfer->retry_after,
        .body = {answer.ptr, answer.len},
        .error = {text.ptr, text.len},
    };
    fa_outcome_fn *done = transfer->done;
    transfer->done = NULL;
    done(transfer->ctx, &outcome);
}

/* The end of a transfer in the loop. */
static void finish(struct fa_transfer *transfer, int32_t transport, const char *words)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(transfer->performer->multi, transfer->easy);
    report(transfer, transport, status, words);
    free_transfer(transfer);
}

static const char *words_of(const struct fa_transfer *transfer, CURLcode code)
{
    return transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code);
}

static void read_results(struct fa_performer *performer)
{
    struct {
        struct fa_transfer *transfer;
        CURLcode code;
    } results[RESULTS_PER_TURN];
    size_t count;
    do {
        CURLMsg *msg;
        int left;
        count = 0;
        while (count < RESULTS_PER_TURN && (msg = curl_multi_info_read(performer->multi, &left))) {
            char *own = NULL;
            if (msg->msg == CURLMSG_DONE) {
                curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &own);
                results[count].transfer = (struct fa_transfer *)(void *)own;
                results[count++].code = msg->data.result;
            }
        }
        for (size_t i = 0; i < count; i++) {
            finish(results[i].transfer, (int32_t)results[i].code,
                   words_of(results[i].transfer, results[i].code));
        }
    } while (count == RESULTS_PER_TURN);
}

/* Says so without a look at what its thread may still write to. */
static void abandon(struct fa_transfer *transfer)
{
    struct fa_outcome outcome = {.kind = transfer->kind, .location_host = ""};
    outcome.response = (struct firealarm_response){.size = sizeof outcome.response,
                                                   .transport = FA_TRANSPORT_TIMEOUT,
                                                   .retry_after = -1,
                                                   .body = FIREALARM_TEXT(""),
                                                   .error = FIREALARM_TEXT("it took too long")};
    fa_outcome_fn *done = transfer->done;
    transfer->done = NULL;
    done(transfer->ctx, &outcome);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    struct fa_transfer *transfer = ctx;
    if (transfer->kind == FIREALARM_REQUEST_SMTP) {
        abandon(transfer);
    } else {
        finish(transfer, FA_TRANSPORT_TIMEOUT, "it took too long");
    }
}

/* ----------------------------------------------------------------------------- mails, in threads
 */

static void give_back(struct fa_transfer *transfer, bool gone)
{
    struct returned returned = {.transfer = transfer, .gone = gone};
    ssize_t len;
    do {
        len = write(transfer->performer->pipe[1], &returned, sizeof returned);
    } while (len < 0);
}

static void *run_thread(void *ctx)
{
    struct fa_transfer *transfer = ctx;
    CURL *easy = transfer->easy;
    transfer->code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &transfer->status);
    snprintf(transfer->words, sizeof transfer->words, "%s", words_of(transfer, transfer->code));
    transfer->easy = NULL;
    give_back(transfer, false);
    curl_easy_cleanup(easy); /* says QUIT, and waits */
    give_back(transfer, true);
    return NULL;
}

static void on_returned(evutil_socket_t fd, short what, void *ctx)
{
    struct returned returned;
    while (read(fd, &returned, sizeof returned) == (ssize_t)sizeof returned) {
        struct fa_transfer *transfer = returned.transfer;
        if (returned.gone) {
            free_transfer(transfer);
        } else if (transfer->done != NULL) {
            event_del(transfer->deadline);
            report(transfer, (int32_t)transfer->code, transfer->status, transfer->words);
        }
    }
}

static int start_thread(struct fa_transfer *transfer)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    int rc = pthread_create(&thread, &attr, run_thread, transfer);
    pthread_attr_destroy(&attr);
    return rc;
}

/* --------------------------------------------------------------------------- libcurl on libevent
 */

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct fa_performer *performer = ctx;
    int running;
    performer->started = false;
    curl_multi_socket_action(performer->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_results(performer);
}

void fa_performer_go(struct fa_performer *performer)
{
    if (performer->started) {
        on_timer(-1, EV_TIMEOUT, performer);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct fa_performer *performer = ctx;
    int running,
        flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(performer->multi, fd, flags, &running);
    read_results(performer);
}

static int want_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct fa_performer *performer = ctx;
    if (timeout_ms < 0) {
        event_del(performer->timer);
        return 0;
    }
    struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    event_add(performer->timer, &tv);
    return 0;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct fa_performer *performer = ctx;
    struct watch *watch = socket_ctx;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            event_free(watch->event);
            free(watch);
            curl_multi_assign(performer->multi, fd, NULL);
        }
        return 0;
    }
    short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
                           (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
    if (watch == NULL) {
        watch = fa_xcalloc(1, sizeof *watch);
        curl_multi_assign(performer->multi, fd, watch);
    } else if (watch->events == events) {
        return 0;
    } else {
        event_free(watch->event);
    }
    watch->events = events;
    watch->event = event_new(performer->base, fd, events, on_socket, performer);
    fa_assert(watch->event != NULL && event_add(watch->event, NULL) == 0);
    return 0;
}

struct fa_performer *fa_performer_new(struct event_base *base, struct fa_err *err)
{
    struct fa_performer *performer = fa_xcalloc(1, sizeof *performer);
    performer->base = base;
    performer->timer = evtimer_new(base, on_timer, performer);
    performer->multi = curl_multi_init();
    if (pipe2(performer->pipe, O_CLOEXEC) == 0 &&
        evutil_make_socket_nonblocking(performer->pipe[0]) == 0) {
        performer->returned =
            event_new(base, performer->pipe[0], EV_READ | EV_PERSIST, on_returned, performer);
    }
    if (performer->timer == NULL || performer->multi == NULL || performer->returned == NULL ||
        event_add(performer->returned, NULL) != 0) {
        (void)fa_err_set(err, FA_EIO, "libcurl or libevent cannot start");
        free(performer);
        return NULL;
    }
    curl_multi_setopt(performer->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(performer->multi, CURLMOPT_SOCKETDATA, performer);
    curl_multi_setopt(performer->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(performer->multi, CURLMOPT_TIMERDATA, performer);
    curl_multi_setopt(performer->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    return performer;
}

/* ---------------------------------------------------------------------------- libcurl's callbacks
 */

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct fa_transfer *transfer = ctx;
    fa_buf_put(&transfer->answer, data, size * count);
    if (transfer->answer.over) {
        transfer->too_big = true;
        return 0;
    }
    return size * count;
}

/* The value of "Name: value\r\n" if the line has that name. */
static bool header_is(struct fa_str line, const char *name, char *buf, size_t size)
{
    size_t len = strlen(name);
    if (line.len <= len || strncasecmp(line.ptr, name, len) != 0 || line.ptr[len] != ':') {
        return false;
    }
    struct fa_str value = {line.ptr + len + 1, line.len - len - 1};
    while (value.len > 0 && strchr("\r\n \t", value.ptr[value.len - 1]) != NULL) {
        value.len--;
    }
    value = fa_str_trim(value);
    if (value.len >= size || fa_str_has_control(value)) {
        return false;
    }
    memcpy(buf, value.len > 0 ? value.ptr : "", value.len);
    buf[value.len] = '\0';
    return true;
}

/* A refusal is told to the daemon only after QUIT, for whose answer libcurl would wait a minute. So
 * whoever has refused has less time for what comes next; after any better word all of it again. */
static void hurry_after_refusal(struct fa_transfer *transfer, struct fa_str line)
{
    bool refused = line.len > 0 && (line.ptr[0] == '4' || line.ptr[0] == '5');
    if (refused != transfer->hurried) {
        transfer->hurried = refused;
        curl_easy_setopt(transfer->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                         refused ? REPLY_WITHIN_REFUSED : 0L);
    }
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct fa_transfer *transfer = ctx;
    struct fa_str line = {data, size * count};
    char value[1024];
    transfer->header_bytes += line.len;
    if (transfer->header_bytes > FA_PERFORM_BODY_MAX) {
        transfer->too_big = true;
        return 0;
    }
    if (transfer->kind != FIREALARM_REQUEST_HTTP) {
        hurry_after_refusal(transfer, line);
        return line.len;
    }
    if (line.len > 0 && (line.ptr[0] == '\r' || line.ptr[0] == '\n')) {
        transfer->head_whole = true;
    } else if (line.len > 5 && strncasecmp(line.ptr, "HTTP/", 5) == 0) {
        transfer->head_whole = false; /* one more, after a 1xx; trailers come here too */
    }
    if (header_is(line, "Retry-After", value, sizeof value)) {
        transfer->retry_after = fa_retry_after_parse(value, wall_now());
    } else if (header_is(line, "Location", value, sizeof value)) {
        struct firealarm_text url = {value, strlen(value)};
        if (fa_url_endpoint(url, transfer->location, sizeof transfer->location) < 0) {
            transfer->location[0] = '\0';
        }
    }
    return line.len;
}

static size_t on_upload(char *buf, size_t size, size_t count, void *ctx)
{
    struct fa_transfer *transfer = ctx;
    size_t len = transfer->body_len - transfer->body_sent;
    len = len > size * count ? size * count : len;
    memcpy(buf, transfer->body + transfer->body_sent, len);
    transfer->body_sent += len;
    return len;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct fa_transfer *transfer = ctx;
    if ((transfer->flags & FIREALARM_REQ_ALLOW_PRIVATE) == 0 &&
        fa_guard_is_private(&addr->addr, addr->addrlen)) {
        transfer->denied = true;
        return CURL_SOCKET_BAD;
    }
    /* One of several addresses that may be used clears the name. */
    transfer->denied = false;
    return socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
}

/* ---------------------------------------------------------------------------- starting a transfer
 */

/* All setters of one transfer; the first that fails decides. */
struct setup {
    CURL *easy;
    CURLcode code;
};

static void set_long(struct setup *setup, CURLoption option, long value)
{
    setup->code =
        setup->code == CURLE_OK ? curl_easy_setopt(setup->easy, option, value) : setup->code;
}

static void set_text(struct setup *setup, CURLoption option, struct firealarm_text text)
{
    char *copy = fa_xstrndup(text.len > 0 ? text.ptr : "", text.len);
    setup->code =
        setup->code == CURLE_OK ? curl_easy_setopt(setup->easy, option, copy) : setup->code;
    explicit_bzero(copy, text.len);
    free(copy);
}

static void set_ptr(struct setup *setup, CURLoption option, const void *ptr)
{
    setup->code =
        setup->code == CURLE_OK ? curl_easy_setopt(setup->easy, option, ptr) : setup->code;
}

static void add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    fa_assert(longer != NULL);
    *list = longer;
}

static bool has_header(const struct firealarm_request_out *req, const char *name)
{
    for (uint32_t i = 0; i < req->header_count; i++) {
        if (req->headers[i].name.len == strlen(name) &&
            strncasecmp(req->headers[i].name.ptr, name, strlen(name)) == 0) {
            return true;
        }
    }
    return false;
}

static void set_http(struct fa_transfer *transfer, struct setup *setup,
                     const struct firealarm_request_out *req)
{
    struct fa_buf line;
    fa_buf_init(&line, 64 * 1024);
    for (uint32_t i = 0; i < req->header_count; i++) {
        const struct firealarm_field *header = &req->headers[i];
        fa_buf_clear(&line);
        fa_buf_put(&line, header->name.ptr, header->name.len);
        /* "X:" would take the header away. */
        fa_buf_puts(&line, header->value.len > 0 ? ": " : ";");
        fa_buf_put(&line, header->value.ptr, header->value.len);
        add_line(&transfer->headers, fa_buf_text(&line));
    }
    fa_buf_done(&line);
    if (!has_header(req, "Content-Type")) {
        add_line(&transfer->headers, "Content-Type: application/octet-stream");
    }
    if (!has_header(req, "User-Agent")) {
        add_line(&transfer->headers, "User-Agent: firealarm/" FA_VERSION);
    }
    add_line(&transfer->headers, "Expect:"); /* or large bodies wait a second for a 100 */
    bool plain = (req->flags & FIREALARM_REQ_ALLOW_PLAIN) != 0;
    set_ptr(setup, CURLOPT_PROTOCOLS_STR, plain ? "http,https" : "https");
    set_ptr(setup, CURLOPT_HTTPHEADER, transfer->headers);
    set_long(setup, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_long(setup, CURLOPT_HTTP09_ALLOWED, 0);
    set_long(setup, CURLOPT_POST, 1);
    set_ptr(setup, CURLOPT_POSTFIELDS, transfer->body);
    set_long(setup, CURLOPT_POSTFIELDSIZE, (long)transfer->body_len);
    if (req->method.len > 0) {
        set_text(setup, CURLOPT_CUSTOMREQUEST, req->method);
    }
    set_long(setup, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
}

static void set_smtp(struct fa_transfer *transfer, struct setup *setup,
                     const struct firealarm_request_out *req)
{
    char *rcpt = fa_xstrndup(req->rcpt_to.ptr, req->rcpt_to.len);
    bool plain = (req->flags & FIREALARM_REQ_ALLOW_PLAIN) != 0;
    add_line(&transfer->recipients, rcpt); /* one, always: a refused one must not cost another */
    free(rcpt);
    set_ptr(setup, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set_long(setup, CURLOPT_USE_SSL, plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    set_text(setup, CURLOPT_MAIL_FROM, req->mail_from);
    set_ptr(setup, CURLOPT_MAIL_RCPT, transfer->recipients);
    set_long(setup, CURLOPT_UPLOAD, 1);
    set_long(setup, CURLOPT_INFILESIZE, (long)transfer->body_len);
    if (setup->code == CURLE_OK) {
        setup->code = curl_easy_setopt(setup->easy, CURLOPT_READFUNCTION, on_upload);
    }
    set_ptr(setup, CURLOPT_READDATA, transfer);
}

static void set_url(struct setup *setup, const struct firealarm_request_out *req)
{
    struct fa_buf url;
    fa_buf_init(&url, 8192);
    fa_buf_put(&url, req->url.ptr, req->url.len);
    if (req->kind == FIREALARM_REQUEST_SMTP && req->helo.len > 0) {
        fa_buf_putc(&url, '/'); /* the path is libcurl's EHLO name */
        fa_buf_put(&url, req->helo.ptr, req->helo.len);
    }
    struct fa_str text = fa_buf_str(&url);
    set_text(setup, CURLOPT_URL, (struct firealarm_text){text.ptr, text.len});
    fa_buf_done(&url);
}

static void set_common(struct fa_transfer *transfer, struct setup *setup,
                       const struct firealarm_request_out *req, fa_time timeout)
{
    set_url(setup, req);
    set_ptr(setup, CURLOPT_PRIVATE, transfer);
    set_ptr(setup, CURLOPT_ERRORBUFFER, transfer->error);
    set_ptr(setup, CURLOPT_REDIR_PROTOCOLS_STR, "https"); /* none is followed; "" is no value */
    set_long(setup, CURLOPT_FOLLOWLOCATION, 0);
    set_long(setup, CURLOPT_DISALLOW_USERNAME_IN_URL, 1);
    set_ptr(setup, CURLOPT_PROXY, "");
    set_long(setup, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    set_long(setup, CURLOPT_NOSIGNAL, 1);
    set_long(setup, CURLOPT_QUICK_EXIT, 1);
    set_long(setup, CURLOPT_TIMEOUT_MS, (long)timeout);
    set_long(setup, CURLOPT_CONNECTTIMEOUT_MS,
             (long)(timeout < CONNECT_WITHIN ? timeout : CONNECT_WITHIN));
    set_long(setup, CURLOPT_SSL_VERIFYPEER, 1);
    set_long(setup, CURLOPT_SSL_VERIFYHOST, 2);
    set_long(setup, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (req->ca_file.len > 0) {
        set_text(setup, CURLOPT_CAINFO, req->ca_file);
        set_ptr(setup, CURLOPT_CAPATH, NULL);
    }
    if (req->user.len > 0) {
        set_text(setup, CURLOPT_USERNAME, req->user);
        set_text(setup, CURLOPT_PASSWORD, req->password);
    }
    if ((req->flags & FIREALARM_REQ_FRESH) != 0) {
        set_long(setup, CURLOPT_FRESH_CONNECT, 1);
        set_long(setup, CURLOPT_FORBID_REUSE, 1);
    }
    set_ptr(setup, CURLOPT_WRITEDATA, transfer);
    set_ptr(setup, CURLOPT_HEADERDATA, transfer);
    set_ptr(setup, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(setup->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(setup->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(setup->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}

int fa_perform_start(struct fa_performer *performer, const struct firealarm_request_out *req,
                     fa_time timeout, fa_outcome_fn *done, void *ctx, struct fa_err *err)
{
    int rc = fa_guard_request(req, err);
    if (rc < 0) {
        return rc;
    }
    struct fa_transfer *transfer = fa_xcalloc(1, sizeof *transfer);
    fa_time own = timeout + OWN_TIMER_SLACK;
    struct timeval tv = {own / FA_SECOND, own % FA_SECOND * 1000};
    transfer->performer = performer;
    transfer->kind = req->kind;
    transfer->flags = req->flags;
    transfer->retry_after = -1;
    transfer->done = done;
    transfer->ctx = ctx;
    transfer->body_len = req->body.len;
    transfer->body = fa_xmalloc(req->body.len + 1);
    memcpy(transfer->body, req->body.len > 0 ? req->body.ptr : "", req->body.len);
    fa_buf_init(&transfer->answer, FA_PERFORM_BODY_MAX);
    struct setup setup = {.easy = transfer->easy = curl_easy_init()};
    fa_assert(setup.easy != NULL);
    set_common(transfer, &setup, req, timeout);
    if (req->kind == FIREALARM_REQUEST_HTTP) {
        set_http(transfer, &setup, req);
    } else {
        set_smtp(transfer, &setup, req);
    }
    if (setup.code != CURLE_OK) {
        free_transfer(transfer);
        return fa_err_set(err, FA_EINVAL, "libcurl takes no such request: %s",
                          curl_easy_strerror(setup.code));
    }
    transfer->deadline = evtimer_new(performer->base, on_deadline, transfer);
    fa_assert(transfer->deadline != NULL && event_add(transfer->deadline, &tv) == 0);
    if (req->kind == FIREALARM_REQUEST_HTTP) {
        CURLMcode code = curl_multi_add_handle(performer->multi, transfer->easy);
        fa_assert(code == CURLM_OK);
        performer->started = true;
    } else if (start_thread(transfer) != 0) {
        free_transfer(transfer);
        return fa_err_set(err, FA_EIO, "no thread can be started");
    }
    return 0;
}

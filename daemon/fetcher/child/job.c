/* SPDX-License-Identifier: MIT */
/* One run: libcurl's easy interface in a process of its own, so that a server that hangs, drips,
 * floods or breaks a parser costs this job alone.
 *
 * Invariants:
 *  1. Nothing of a body is handed on before the whole answer is there and right: half a scrape is
 *     no scrape.
 *  2. Fail closed: TLS 1.2 with verification, no redirect, no proxy, no .netrc, no private address
 *     unless the job says so, no more than body_max bytes, counted after decompression.
 *  3. A secret is read here and nowhere else, and sent to the job's own address only.
 *  4. The error's words hold no text of the answer and no secret; a heartbeat's address is one. */
#include "fetcher/child/job.h"
#include "base/panic.h"
#include "child/guard.h"
#include "fetcher/child/query.h"
#include "host/secret.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define HEADERS_MAX ((size_t)64 * 1024)
#define FILES_MAX   32
/* Memory beside the body: libcurl, TLS, the system's authorities. */
#define MEMORY_OWN ((rlim_t)96 * 1024 * 1024)
/* A body of a query is a tree in memory before it is text again. */
#define MEMORY_PER_BYTE 20

struct job {
    const struct fa_fetch_run *run;
    const char *credentials_dir;
    int fd;
    CURL *easy;
    struct curl_slist *headers;
    char *url, *password, *token; /* owned */
    size_t password_len, token_len;
    struct fa_buf body, frame;
    size_t header_bytes;
    bool bare; /* a connection alone */
    bool head_whole, denied, too_big;
    char type[FA_FETCH_TYPE_MAX], location[256], words[CURL_ERROR_SIZE];
    struct timespec began;
};

/* ---------------------------------------------------------------------------------- what is said
 */

static void write_all(struct job *job)
{
    size_t at = 0;
    while (at < job->frame.len) {
        ssize_t len = write(job->fd, job->frame.data + at, job->frame.len - at);
        if (len < 0 && errno != EINTR) {
            _exit(1); /* nobody hears it any more */
        }
        at += len > 0 ? (size_t)len : 0;
    }
    fa_buf_clear(&job->frame);
}

static fa_time elapsed(const struct job *job)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - job->began.tv_sec) * FA_SECOND +
           (now.tv_nsec - job->began.tv_nsec) / 1000000;
}

static _Noreturn void leave(struct job *job, long status, const char *error)
{
    struct fa_str words = fa_str_of(error);
    words.len = fa_utf8_cut(words, FA_FETCH_ERROR_MAX);
    struct fa_fetch_done done = {.n = job->run->n,
                                 .ok = words.len == 0,
                                 .status = status > 0 && status < 1000 ? (uint32_t)status : 0,
                                 .duration = elapsed(job),
                                 .error = words};
    if (fa_fetch_frame_put_done(&job->frame, &done) == 0) {
        write_all(job);
    }
    _exit(0); /* a resolver's thread may still wait */
}

static void hand_on_body(struct job *job)
{
    struct fa_str rest = fa_buf_str(&job->body);
    while (rest.len > 0) {
        size_t len = rest.len < FA_FETCH_PIECE_MAX ? rest.len : FA_FETCH_PIECE_MAX;
        struct fa_fetch_body piece = {job->run->n, fa_str_of(job->type), {rest.ptr, len}};
        if (fa_fetch_frame_put_body(&job->frame, &piece) < 0) {
            _exit(1);
        }
        write_all(job);
        rest = (struct fa_str){rest.ptr + len, rest.len - len};
    }
}

/* ------------------------------------------------------------------------------ libcurl's
 * callbacks */

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct job *job = ctx;
    bool wanted = job->run->kind == FA_FETCH_SCRAPE || job->run->kind == FA_FETCH_QUERY ||
                  job->run->kind == FA_FETCH_CALENDAR;
    if (wanted) {
        fa_buf_put(&job->body, data, size * count);
    }
    job->too_big = job->body.over;
    return job->too_big ? 0 : size * count;
}

/* The value of "Name: value\r\n" if the line has that name. */
static void take_header(struct fa_str line, const char *name, char *buf, size_t size)
{
    size_t len = strlen(name);
    if (line.len <= len || strncasecmp(line.ptr, name, len) != 0 || line.ptr[len] != ':') {
        return;
    }
    struct fa_str value = {line.ptr + len + 1, line.len - len - 1};
    while (value.len > 0 && strchr("\r\n", value.ptr[value.len - 1]) != NULL) {
        value.len--;
    }
    value = fa_str_trim(value);
    if (value.len < size && !fa_str_has_control(value) && fa_utf8_valid(value)) {
        memcpy(buf, value.ptr, value.len);
        buf[value.len] = '\0';
    }
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct job *job = ctx;
    struct fa_str line = {data, size * count};
    job->header_bytes += line.len;
    if (job->header_bytes > HEADERS_MAX) {
        job->too_big = true;
        return 0;
    }
    if (line.len > 0 && (line.ptr[0] == '\r' || line.ptr[0] == '\n')) {
        job->head_whole = true;
    } else if (line.len > 5 && strncasecmp(line.ptr, "HTTP/", 5) == 0) {
        job->head_whole = false; /* one more, after a 1xx */
        job->type[0] = '\0';
    }
    take_header(line, "Content-Type", job->type, sizeof job->type);
    take_header(line, "Location", job->location, sizeof job->location);
    return line.len;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct job *job = ctx;
    job->denied = !job->run->allow_private && fa_guard_is_private(&addr->addr, addr->addrlen);
    return job->denied ? CURL_SOCKET_BAD
                       : socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
}

/* --------------------------------------------------------------------------------- the request */

static char *read_secret(struct job *job, const char *name, size_t *ret_len)
{
    struct fa_err err = {0};
    char *path = NULL, *text = NULL, words[FA_FETCH_ERROR_MAX];
    int rc = fa_secret_resolve(fa_str_of(name), job->credentials_dir, &path, &err);
    if (rc == 0) {
        rc = fa_secret_read(path, &text, ret_len, &err);
    }
    free(path);
    if (rc == 0 && fa_str_has_control((struct fa_str){text, *ret_len})) {
        rc = fa_err_set(&err, FA_EINVAL, "the secret '%.100s' holds a control character", name);
    }
    if (rc < 0) {
        leave(job, 0, fa_err_format(&err, words, sizeof words));
    }
    return text;
}

static void set(struct job *job, CURLcode code)
{
    if (code != CURLE_OK) {
        leave(job, 0, curl_easy_strerror(code));
    }
}

static void add_header(struct job *job, const char *name, const char *value)
{
    struct fa_buf line;
    fa_buf_init(&line, HEADERS_MAX);
    /* "X:" would take the header away. */
    fa_buf_printf(&line, "%s%s%s", name, value[0] != '\0' ? ": " : ";", value);
    job->headers = curl_slist_append(job->headers, fa_buf_text(&line));
    fa_buf_done(&line);
}

static void set_headers(struct job *job)
{
    char seconds[32];
    fa_format_double((double)job->run->timeout / (double)FA_SECOND, seconds);
    if (job->run->kind == FA_FETCH_SCRAPE) {
        add_header(job, "Accept", "text/plain;version=0.0.4;q=0.9,*/*;q=0.1");
        add_header(job, "X-Prometheus-Scrape-Timeout-Seconds", seconds);
    } else if (job->run->kind == FA_FETCH_QUERY) {
        add_header(job, "Accept", "application/json");
    } else if (job->run->kind == FA_FETCH_CALENDAR) {
        add_header(job, "Accept", "text/calendar,*/*;q=0.1");
    }
    for (uint32_t i = 0; i < job->run->header_count; i++) {
        add_header(job, job->run->headers[i].name, job->run->headers[i].value);
    }
    set(job, curl_easy_setopt(job->easy, CURLOPT_HTTPHEADER, job->headers));
    set(job, curl_easy_setopt(job->easy, CURLOPT_USERAGENT, "firealarm/" FA_VERSION));
}

static void set_login(struct job *job)
{
    const struct fa_fetch_run *run = job->run;
    if (run->token != NULL) {
        job->token = read_secret(job, run->token, &job->token_len);
        set(job, curl_easy_setopt(job->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER));
        set(job, curl_easy_setopt(job->easy, CURLOPT_XOAUTH2_BEARER, job->token));
    } else if (run->user != NULL) {
        set(job, curl_easy_setopt(job->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC));
        set(job, curl_easy_setopt(job->easy, CURLOPT_USERNAME, run->user));
    }
    if (run->token == NULL && run->password != NULL) {
        job->password = read_secret(job, run->password, &job->password_len);
        set(job, curl_easy_setopt(job->easy, CURLOPT_PASSWORD, job->password));
    }
}

/* What the configuration's proof asks of an address that it can see. It is not repeated. */
static void judge_secret_url(struct job *job, const char *url)
{
    const struct fa_fetch_run *run = job->run;
    bool tls = strncmp(url, "https://", 8) == 0, plain = strncmp(url, "http://", 7) == 0;
    const char *host = url + (tls ? 8 : 7);
    struct fa_err err = {0};
    if ((!tls && !plain) || strcspn(host, "/?#") == 0 || strpbrk(url, " #\\") != NULL ||
        memchr(host, '@', strcspn(host, "/?#")) != NULL) {
        (void)fa_err_set(&err, FA_EINVAL,
                         "what secret_url '%.100s' holds is no address: write "
                         "\"https://HOST/PATH\" into it, and nothing else",
                         run->secret_url);
    } else if (plain && !run->allow_plain) {
        (void)fa_err_set(&err, FA_EDENIED,
                         "the address in secret_url '%.100s' would go over http:// where others "
                         "can read it: write https://, or allow_plain = true if that is meant",
                         run->secret_url);
    }
    if (err.text[0] != '\0') {
        leave(job, 0, err.text);
    }
}

/* A query's address, or that of a bare connection as libcurl knows it. */
static void set_url(struct job *job)
{
    const struct fa_fetch_run *run = job->run;
    size_t len = 0;
    char *query = NULL, *secret = NULL;
    struct fa_buf url;
    if (run->secret_url != NULL) {
        secret = read_secret(job, run->secret_url, &len);
        judge_secret_url(job, secret);
    }
    const char *given = secret != NULL ? secret : run->url;
    job->bare = secret == NULL && strncmp(given, "tcp://", 6) == 0;
    fa_buf_init(&url, HEADERS_MAX);
    fa_buf_printf(&url, "%s%s", job->bare ? "http://" : "", given + (job->bare ? 6 : 0));
    fa_secret_free(secret, len);
    if (run->kind == FA_FETCH_QUERY) {
        while (url.len > 0 && url.data[url.len - 1] == '/') {
            fa_buf_cut(&url, url.len - 1);
        }
        query = curl_easy_escape(job->easy, run->query, 0);
        fa_assert(query != NULL);
        fa_buf_printf(&url, "/api/v1/query?query=%s", query);
    }
    curl_free(query);
    if (url.over) {
        leave(job, 0, "its address is too long");
    }
    job->url = fa_buf_take(&url);
    set(job, curl_easy_setopt(job->easy, CURLOPT_URL, job->url));
    set(job, curl_easy_setopt(job->easy, CURLOPT_CONNECT_ONLY, job->bare ? 1L : 0L));
}

static void set_fences(struct job *job)
{
    const struct fa_fetch_run *run = job->run;
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_TIMEOUT_MS, (long)run->timeout},
        {CURLOPT_CONNECTTIMEOUT_MS, (long)run->timeout},
        {CURLOPT_QUICK_EXIT, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_HTTPGET, 1},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        set(job, curl_easy_setopt(job->easy, numbers[i].option, numbers[i].value));
    }
    set(job, curl_easy_setopt(job->easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    set(job, curl_easy_setopt(job->easy, CURLOPT_PROXY, ""));
    set(job, curl_easy_setopt(job->easy, CURLOPT_ACCEPT_ENCODING, "gzip"));
    if (run->ca != NULL) {
        set(job, curl_easy_setopt(job->easy, CURLOPT_CAINFO, run->ca));
    }
}

static void set_callbacks(struct job *job)
{
    set(job, curl_easy_setopt(job->easy, CURLOPT_ERRORBUFFER, job->words));
    set(job, curl_easy_setopt(job->easy, CURLOPT_WRITEFUNCTION, on_body));
    set(job, curl_easy_setopt(job->easy, CURLOPT_WRITEDATA, job));
    set(job, curl_easy_setopt(job->easy, CURLOPT_HEADERFUNCTION, on_header));
    set(job, curl_easy_setopt(job->easy, CURLOPT_HEADERDATA, job));
    set(job, curl_easy_setopt(job->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket));
    set(job, curl_easy_setopt(job->easy, CURLOPT_OPENSOCKETDATA, job));
}

/* ---------------------------------------------------------------------------------- the outcome */

static void say_transport(const struct job *job, CURLcode code, struct fa_err *err)
{
    /* libcurl's own words may name the host. */
    bool is_secret = job->run->secret_url != NULL;
    const char *words = job->words[0] != '\0' && !is_secret ? job->words : curl_easy_strerror(code);
    if (job->denied) {
        (void)fa_err_set(err, FA_EDENIED,
                         "its address is a private one; say allow_private = true if that is meant");
    } else if (job->too_big) {
        (void)fa_err_set(err, FA_ETOOBIG, "its answer is longer than max_bytes (%llu)",
                         (unsigned long long)job->run->body_max);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        (void)fa_err_set(err, FA_ETIMEOUT, "it took longer than its timeout");
    } else {
        (void)fa_err_set(err, FA_EIO, "%s (transport %d)", words, (int)code);
    }
}

/* 0, or why this answer is none. */
static int judge(const struct job *job, CURLcode code, long status, struct fa_err *err)
{
    if (code != CURLE_OK) {
        say_transport(job, code, err);
        return FA_EIO;
    }
    if (job->bare) {
        return 0;
    }
    if (!job->head_whole) {
        return fa_err_set(err, FA_EIO, "its answer was cut before its end");
    }
    if (status / 100 == 3) {
        return fa_err_set(err, FA_EIO,
                          "HTTP %ld, a redirect, is not followed: write the final address", status);
    }
    return status / 100 == 2 ? 0 : fa_err_set(err, FA_EIO, "HTTP %ld", status);
}

static _Noreturn void finish(struct job *job, CURLcode code)
{
    struct fa_err err = {0};
    long status = 0;
    curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status);
    int rc = judge(job, code, status, &err);
    if (rc == 0 && job->run->kind == FA_FETCH_QUERY) {
        struct fa_buf text;
        fa_buf_init(&text, job->run->body_max);
        rc = fa_query_answer_parse(fa_buf_str(&job->body), job->run->metric, &text, &err);
        job->body = text;
    }
    if (rc == 0) {
        hand_on_body(job);
    }
    leave(job, status, rc == 0 ? "" : err.text);
}

/* ------------------------------------------------------------------------------------ the limits
 */

static void limit(int resource, rlim_t value)
{
    struct rlimit limit = {value, value};
    (void)setrlimit(resource, &limit);
}

static void set_limits(const struct fa_fetch_run *run)
{
    limit(RLIMIT_CPU, (rlim_t)(run->timeout / FA_SECOND + 2));
    limit(RLIMIT_NOFILE, FILES_MAX);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__)
    /* What the sanitizer keeps beside the memory would count, too. */
    rlim_t each = run->kind == FA_FETCH_QUERY ? MEMORY_PER_BYTE : 3;
    limit(RLIMIT_DATA, MEMORY_OWN + each * (rlim_t)run->body_max);
#endif
}

void fa_job_run(const struct fa_fetch_run *run, const char *credentials_dir, int fd)
{
    struct job job = {.run = run, .credentials_dir = credentials_dir, .fd = fd};
    clock_gettime(CLOCK_MONOTONIC, &job.began);
    set_limits(run);
    fa_buf_init(&job.body, run->body_max);
    fa_buf_init(&job.frame, FA_FRAME_MAX + 4);
    job.easy = curl_easy_init();
    fa_assert(job.easy != NULL);
    set_url(&job);
    set_fences(&job);
    set_callbacks(&job);
    set_headers(&job);
    set_login(&job);
    finish(&job, curl_easy_perform(job.easy));
}

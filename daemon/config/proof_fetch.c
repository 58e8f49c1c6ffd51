/* SPDX-License-Identifier: MIT */
/* Fetch jobs proved: addresses that lead where they seem to, no secret in the files or in clear on
 * the wire, and no key that its kind does not look at. Nothing is resolved: an address that turns
 * out to be private is refused when it is connected to. */
#include "config/proof.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOOK_BACK (5 * FA_MINUTE) /* a rule's default */

static const char *const kinds[] = {
    [FA_JOB_SCRAPE] = "a scrape",
    [FA_JOB_QUERY] = "a query",
    [FA_JOB_CHECK] = "a check",
    [FA_JOB_HEARTBEAT] = "a heartbeat",
};

struct job {
    const struct fa_proof *proof;
    const struct fa_fetch_entry *entry;
    const struct fa_draft_fetch *draft;
    const config_setting_t *at;
};

/* ---- the address ---- */

/* What follows "scheme://", up to the path; NULL when the scheme is none of these. */
static const char *authority_of(const struct job *job, size_t *ret_len)
{
    static const char *const schemes[] = {"https://", "http://", "tcp://"};
    size_t count = job->entry->kind == FA_JOB_CHECK ? 3 : 2;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(job->entry->url, schemes[i], len) == 0) {
            *ret_len = strcspn(job->entry->url + len, "/?#");
            return job->entry->url + len;
        }
    }
    return NULL;
}

/* The host without brackets; false when host and port are not written as they should be. */
static bool host_of(const char *authority, size_t len, bool needs_port, char *buf, size_t size)
{
    uint64_t port = 0;
    bool is_v6 = len > 0 && authority[0] == '[';
    const char *end = is_v6 ? memchr(authority, ']', len) : memchr(authority, ':', len);
    const char *stop = authority + len;
    const char *host = authority + is_v6;
    size_t host_len = end != NULL ? (size_t)(end - host) : (size_t)(stop - host);
    if ((is_v6 && end == NULL) || host_len == 0 || host_len >= size) {
        return false;
    }
    memcpy(buf, host, host_len);
    buf[host_len] = '\0';
    const char *rest = end != NULL ? end + is_v6 : stop;
    if (rest == stop) {
        return !needs_port;
    }
    struct fa_str text = {rest + 1, (size_t)(stop - rest - 1)};
    return *rest == ':' && fa_parse_u64(text, &port) == 0 && port > 0 && port <= 65535;
}

static bool is_host(const char *host)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    struct in6_addr v6;
    return inet_pton(AF_INET6, host, &v6) == 1 || host[strspn(host, letters)] == '\0';
}

/* As far as it can be seen without a resolver: what is refused at connect() is more. */
static bool is_plainly_private(const char *host)
{
    struct in_addr v4;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, host, &v4) != 1) {
        return false;
    }
    uint32_t addr = ntohl(v4.s_addr);
    return addr >> 24 == 127 || addr >> 24 == 10 || addr >> 20 == 0xac1 || addr >> 16 == 0xc0a8 ||
           addr >> 16 == 0xa9fe;
}

static void bad_url(const struct job *job, const char *why)
{
    fa_fault_key(job->proof->faults, job->at, "url", FA_EPARSE, "'%.120s' %s", job->entry->url,
                 why);
}

static void prove_url(const struct job *job)
{
    const char *url = job->entry->url;
    char host[256];
    size_t len = 0;
    const char *authority = authority_of(job, &len);
    struct fa_str text = fa_str_of(url);
    bool tcp = strncmp(url, "tcp://", 6) == 0;
    if (authority == NULL) {
        bad_url(job, job->entry->kind == FA_JOB_CHECK
                         ? "is no address: write \"https://HOST/PATH\" or \"tcp://HOST:PORT\""
                         : "is no address: write \"https://HOST/PATH\"");
    } else if (memchr(authority, '@', len) != NULL) {
        /* It is not repeated: what stands before the @ may be a secret. */
        fa_fault_key(job->proof->faults, job->at, "url", FA_EINVAL,
                     "url holds a login: write user, and password or token with the name of a file "
                     "or credential");
    } else if (!host_of(authority, len, tcp, host, sizeof host) || !is_host(host) ||
               fa_str_has_control(text) || strpbrk(url, " #\\") != NULL ||
               (tcp && authority[len] != '\0')) {
        bad_url(job,
                tcp ? "is no \"tcp://HOST:PORT\""
                    : "is no address: its host or port is not right, or it holds a blank or #");
    } else if (job->entry->kind == FA_JOB_QUERY && strchr(url, '?') != NULL) {
        bad_url(job, "holds a query: write the server's address alone, and query beside it");
    } else if (is_plainly_private(host) && !job->entry->allow_private) {
        bad_url(job, "is a private address: say allow_private = true if that is meant");
    }
}

/* Whoever reads a heartbeat's address can hide that the daemon is dead. */
static void prove_address(const struct job *job)
{
    bool secret = job->entry->kind == FA_JOB_HEARTBEAT;
    if (secret && job->entry->url != NULL) {
        fa_fault_key(job->proof->faults, job->at, "url", FA_EDENIED,
                     "the address of a heartbeat is a secret, and secrets are never in these "
                     "files: write secret_url with the name of a file or credential");
    } else if (secret && job->entry->secret_url == NULL) {
        fa_fault(job->proof->faults, job->at, FA_EINVAL, "a heartbeat lacks secret_url");
    } else if (!secret && job->entry->url == NULL) {
        fa_fault(job->proof->faults, job->at, FA_EINVAL, "a fetch job lacks url");
    } else if (!secret) {
        prove_url(job);
    }
}

static void prove_login(const struct job *job)
{
    const struct fa_fetch_entry *entry = job->entry;
    struct fa_faults *faults = job->proof->faults;
    bool secret = entry->token != NULL || entry->password != NULL;
    if (entry->token != NULL && (entry->user != NULL || entry->password != NULL)) {
        fa_fault_key(faults, job->at, "token", FA_EINVAL,
                     "token, or user and password: a request has one login");
    } else if (entry->password != NULL && entry->user == NULL) {
        fa_fault_key(faults, job->at, "password", FA_EINVAL, "password needs user");
    }
    if (secret && entry->url != NULL && strncmp(entry->url, "https://", 8) != 0 &&
        !entry->allow_plain) {
        fa_fault_key(faults, job->at, "url", FA_EDENIED,
                     "a secret would go over http:// where others can read it: write https://, or "
                     "allow_plain = true if that is meant");
    }
}

/* ---- pairs ---- */

static bool is_token(const char *text)
{
    size_t len = strcspn(text, "()<>@,;:\\\"/[]?={} \t");
    return len > 0 && text[len] == '\0' && !fa_str_has_control(fa_str_of(text));
}

static void prove_headers(const struct job *job)
{
    static const char *const secret[] = {"authorization", "proxy-authorization", "cookie"};
    for (size_t i = 0; i < job->entry->header_count; i++) {
        const struct fa_rule_match *header = &job->entry->headers[i];
        if (!is_token(header->name) || fa_str_has_control(fa_str_of(header->value))) {
            fa_fault_key(job->proof->faults, job->at, "headers", FA_EINVAL,
                         "'%.60s' is no header's name, or its value holds a control character",
                         header->name);
        }
        for (size_t k = 0; k < sizeof secret / sizeof secret[0]; k++) {
            if (strcasecmp(header->name, secret[k]) == 0) {
                fa_fault_key(job->proof->faults, job->at, "headers", FA_EDENIED,
                             "'%.60s' is a secret, and secrets are never in these files: write "
                             "token, or user and password",
                             header->name);
            }
        }
    }
    if (job->entry->header_count > FA_FETCH_JOB_HEADERS_MAX) {
        fa_fault_key(job->proof->faults, job->at, "headers", FA_ETOOBIG, "more than %u headers",
                     FA_FETCH_JOB_HEADERS_MAX);
    }
}

static bool is_metric(const char *text, const char *more)
{
    bool ok = text[0] != '\0' && (text[0] < '0' || text[0] > '9');
    for (; *text != '\0' && ok; text++) {
        char c = *text;
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             strchr(more, c) != NULL;
    }
    return ok;
}

static void prove_labels(const struct job *job)
{
    for (size_t i = 0; i < job->entry->label_count; i++) {
        const char *name = job->entry->labels[i].name;
        if (!is_metric(name, "_") || strncmp(name, "__", 2) == 0) {
            fa_fault_key(job->proof->faults, job->at, "labels", FA_EINVAL,
                         "'%.60s' is no label's name: letters, digits and _, and not __ at its "
                         "beginning",
                         name);
        }
    }
    if (job->entry->label_count > FA_FETCH_JOB_LABELS_MAX) {
        fa_fault_key(job->proof->faults, job->at, "labels", FA_ETOOBIG, "more than %u labels",
                     FA_FETCH_JOB_LABELS_MAX);
    }
}

/* ---- kinds ---- */

static void only_of(const struct job *job, const char *key, bool given, uint32_t kind)
{
    if (given && job->entry->kind != kind) {
        fa_fault_key(job->proof->faults, job->at, key, FA_EINVAL, "%s is of %s, and this is %s",
                     key, kinds[kind], kinds[job->entry->kind]);
    }
}

static void prove_times(const struct job *job)
{
    if (job->entry->timeout > job->entry->every) {
        fa_fault_key(job->proof->faults, job->at, "timeout", FA_ERANGE,
                     "timeout is longer than every: a run would not be over when the next is due");
    }
    if (job->entry->every > LOOK_BACK && job->entry->kind != FA_JOB_HEARTBEAT) {
        fa_warn(job->proof->faults, job->at,
                "every is longer than the 5m that a rule looks back: rules over what '%.64s' "
                "brings need look_back",
                job->entry->name != NULL ? job->entry->name : "it");
    }
}

static void prove_kind(const struct job *job)
{
    const struct fa_fetch_entry *entry = job->entry;
    only_of(job, "decoder", job->draft->decoder != NULL, FA_JOB_SCRAPE);
    only_of(job, "query", entry->query != NULL, FA_JOB_QUERY);
    only_of(job, "metric", entry->metric != NULL, FA_JOB_QUERY);
    only_of(job, "secret_url", entry->secret_url != NULL, FA_JOB_HEARTBEAT);
    for (size_t i = 0; i < entry->decoder.given_count && entry->decoder.plugin == NULL; i++) {
        fa_fault_key(job->proof->faults, job->at, entry->decoder.given[i].name, FA_ENOTFOUND,
                     "unknown key '%.60s' in %s", entry->decoder.given[i].name, kinds[entry->kind]);
    }
    if (entry->kind == FA_JOB_QUERY && (entry->query == NULL || entry->metric == NULL)) {
        fa_fault(job->proof->faults, job->at, FA_EINVAL,
                 "a query needs query, and metric, which is what rules call its answer");
    } else if (entry->metric != NULL && !is_metric(entry->metric, "_:")) {
        fa_fault_key(job->proof->faults, job->at, "metric", FA_EINVAL,
                     "'%.60s' is no metric's name: letters, digits, _ and :", entry->metric);
    }
}

/* The name is a feed's in the metrics: two would share their counters and limits. */
static void prove_name(const struct job *job)
{
    size_t feed = fa_proof_find(job->proof, FA_KIND_FEED, job->entry->name);
    char place[200];
    if (feed != FA_NONE) {
        fa_fault_key(
            job->proof->faults, job->at, "name", FA_EEXISTS,
            "'%.60s' is the name of the feed at %s", job->entry->name,
            fa_place_of(job->proof->faults, fa_proof_at(job->proof, FA_KIND_FEED, feed), place));
    }
}

void fa_prove_address(struct fa_faults *faults, const config_setting_t *at,
                      const struct fa_fetch_entry *entry)
{
    const struct fa_proof proof = {.faults = faults};
    const struct job job = {&proof, entry, NULL, at};
    prove_url(&job);
    prove_login(&job);
}

void fa_prove_fetches(const struct fa_proof *proof)
{
    bool watched = false;
    for (size_t i = 0; i < proof->draft->fetches.count; i++) {
        struct job job = {proof, &proof->config->fetches[i], &proof->draft->fetches.items[i],
                          proof->draft->fetches.items[i].at};
        prove_address(&job);
        prove_login(&job);
        prove_headers(&job);
        prove_labels(&job);
        prove_kind(&job);
        prove_times(&job);
        prove_name(&job);
        watched = watched || job.entry->kind == FA_JOB_HEARTBEAT;
    }
    if (!watched && proof->plugins != NULL) {
        fa_warn(proof->faults, NULL,
                "nobody outside watches this daemon: when it or its host dies, no alarm says so. "
                "Write a fetch job with kind = \"heartbeat\" and the address of a dead man's "
                "switch");
    }
}

/* SPDX-License-Identifier: MIT */
/* Notifier `webhook`: our notice as JSON by POST, signed after Standard Webhooks 1.0.0.
 *
 * The body, members always there and in this order; a text that is absent is "", a time null:
 *
 *   {"version":1, "key":..., "kind":"alarm", "attempt":1, "sent":"2026-11-22T08:40:00Z",
 *    "alarm":{"id":..., "rule":..., "severity":..., "category":..., "policy":..., "state":...,
 *             "step":1, "loop":0, "since":..., "raised":..., "owner":..., "promised":...},
 *    "recipient":..., "title":..., "summary":..., "details":..., "when":..., "expect":...,
 *    "told":..., "how_to_ack":..., "fields":{"queue":"support"}}
 *
 * `key` is the same in every try of one message; receivers use it (or webhook-id, which is made of
 * it) to drop what they have already. Members may be added; version changes when one changes its
 * meaning.
 *
 * Headers: webhook-id, webhook-timestamp (seconds, of this attempt), webhook-signature: one
 * "v1,BASE64" for each secret, separated by blanks, over "id.timestamp.body" with HMAC-SHA256. The
 * secret's file holds one `whsec_BASE64` of 24 to 64 bytes, or several (blanks or lines between
 * them) while receivers change over. Without a secret nothing is signed. */
#include <firealarm/notifier.h>

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DETAILS_MAX ((size_t)8 * 1024) /* receivers like bodies under 20 kB */
#define TEXT_MAX    ((size_t)2 * 1024)
#define SECRETS_MAX 4u
#define HEADERS_MAX 16u
#define KEY_MIN     24u
#define KEY_MAX     64u

enum { URL, SECRET, CA, HEADERS, EXPECT, ALLOW_PRIVATE, ALLOW_PLAIN, FRESH };

static const struct firealarm_option OPTIONS[] = {
    [URL] = {"url", FIREALARM_OPT_TEXT, FIREALARM_OPT_REQUIRED, NULL, 0, 0, NULL,
             "where to POST to; https://"},
    [SECRET] = {"secret", FIREALARM_OPT_SECRET, 0, NULL, 0, 0, NULL,
                "file or credential with one or more whsec_... to sign with"},
    [CA] = {"ca", FIREALARM_OPT_TEXT, 0, NULL, 0, 0, NULL,
            "PEM file of the authorities to trust instead of the system's"},
    [HEADERS] = {"headers", FIREALARM_OPT_TEXT, 0, NULL, 0, 0, NULL,
                 "more headers, \"Name: value\", one a line"},
    [EXPECT] = {"expect", FIREALARM_OPT_TEXT, 0, NULL, 0, 0, NULL,
                "words that the answer's body must hold; without them it is somebody else's page"},
    [ALLOW_PRIVATE] = {"allow_private", FIREALARM_OPT_BOOL, 0, "false", 0, 0, NULL,
                       "the receiver may have a private or loopback address"},
    [ALLOW_PLAIN] = {"allow_plain", FIREALARM_OPT_BOOL, 0, "false", 0, 0, NULL, "http:// is meant"},
    [FRESH] = {"fresh", FIREALARM_OPT_BOOL, 0, "false", 0, 0, NULL,
               "a new connection every time, for receivers that do not know keys"},
    {NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

struct secret {
    unsigned char key[KEY_MAX];
    size_t len;
};

struct webhook {
    char *url, *ca, *header_lines, *expect;
    struct secret secrets[SECRETS_MAX];
    size_t secret_count;
    uint32_t flags;
    struct firealarm_field extra[HEADERS_MAX]; /* point into header_lines */
    uint32_t extra_count;
    /* Of the last render. */
    char *body;
    char id[128], timestamp[24], signatures[SECRETS_MAX * 64];
    struct firealarm_field headers[HEADERS_MAX + 5];
};

static int32_t fail(struct firealarm_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return -1;
}

/* ------------------------------------------------------------------------------------- settings */

static int has_prefix(struct firealarm_text text, const char *prefix)
{
    return text.len > strlen(prefix) && strncasecmp(text.ptr, prefix, strlen(prefix)) == 0;
}

static int32_t check_url(struct firealarm_text url, int plain, struct firealarm_error *error)
{
    size_t host = has_prefix(url, "https://") ? 8 : has_prefix(url, "http://") ? 7 : 0;
    if (host == 0) {
        return fail(error, "url must begin with https:// and name a host");
    }
    if (host == 7 && !plain) {
        return fail(error, "url is http://, which anybody on the way can read; write https://, or "
                           "allow_plain = true if that is meant");
    }
    for (size_t i = 0; i < url.len; i++) {
        if ((unsigned char)url.ptr[i] <= 0x20 || url.ptr[i] == 0x7f) {
            return fail(error, "url holds a blank or a control character");
        }
    }
    for (size_t i = host; i < url.len && strchr("/?#", url.ptr[i]) == NULL; i++) {
        if (url.ptr[i] == '@') {
            return fail(error, "url holds a user name; give it by a header instead");
        }
    }
    return 0;
}

/* Takes the next word off; len 0: there is none. */
static struct firealarm_text next_word(struct firealarm_text *text)
{
    while (text->len > 0 && strchr(" \t\r\n", text->ptr[0]) != NULL) {
        text->ptr++;
        text->len--;
    }
    struct firealarm_text word = {text->ptr, 0};
    while (text->len > 0 && strchr(" \t\r\n", text->ptr[0]) == NULL) {
        text->ptr++;
        text->len--;
        word.len++;
    }
    return word;
}

static int32_t parse_secrets(struct firealarm_text text, struct secret *secrets, size_t *ret_count,
                             struct firealarm_error *error)
{
    struct firealarm_text word;
    size_t count = 0;
    while ((word = next_word(&text)).len > 0) {
        struct secret *secret = &secrets[count];
        const char *end = NULL;
        if (count == SECRETS_MAX) {
            return fail(error, "secret holds more than 4 secrets");
        }
        if (!has_prefix(word, "whsec_") ||
            sodium_base642bin(secret->key, sizeof secret->key, word.ptr + 6, word.len - 6, NULL,
                              &secret->len, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
            end != word.ptr + word.len || secret->len < KEY_MIN) {
            return fail(error, "secret must be whsec_ and then 24 to 64 bytes in base64, e.g. "
                               "echo whsec_$(openssl rand -base64 32)");
        }
        count++;
    }
    *ret_count = count;
    return count > 0 ? 0 : fail(error, "the file of secret holds none");
}

static int is_token_char(char c)
{
    return c > 0x20 && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

/* One "Name: value" of the option. */
static int32_t parse_header(struct firealarm_text line, struct firealarm_field *ret,
                            struct firealarm_error *error)
{
    static const char *const ours[] = {"webhook-id",       "webhook-timestamp", "webhook-signature",
                                       "Content-Type",     "Content-Length",    "Host",
                                       "Transfer-Encoding"};
    size_t name = 0;
    while (name < line.len && is_token_char(line.ptr[name])) {
        name++;
    }
    if (name == 0 || name == line.len || line.ptr[name] != ':') {
        return fail(error, "headers must be lines of the form \"Name: value\"");
    }
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (name == strlen(ours[i]) && strncasecmp(line.ptr, ours[i], name) == 0) {
            snprintf(error->text, sizeof error->text, "headers may not set %s", ours[i]);
            return -1;
        }
    }
    struct firealarm_text value = {line.ptr + name + 1, line.len - name - 1};
    while (value.len > 0 && strchr(" \t", value.ptr[0]) != NULL) {
        value.ptr++;
        value.len--;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (((unsigned char)value.ptr[i] < 0x20 && value.ptr[i] != '\t') || value.ptr[i] == 0x7f) {
            return fail(error, "headers holds a control character");
        }
    }
    *ret = (struct firealarm_field){{line.ptr, name}, value};
    return 0;
}

static int32_t parse_headers(struct firealarm_text text, struct firealarm_field *fields,
                             uint32_t *ret_count, struct firealarm_error *error)
{
    uint32_t count = 0;
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
        if (len > 0) {
            if (count == HEADERS_MAX) {
                return fail(error, "headers holds more than 16 lines");
            }
            if (parse_header((struct firealarm_text){text.ptr, len}, &fields[count++], error) !=
                0) {
                return -1;
            }
        }
        len += end != NULL;
        text = (struct firealarm_text){text.ptr + len, text.len - len};
    }
    *ret_count = count;
    return 0;
}

static int32_t check(const struct firealarm_settings *settings, struct firealarm_error *error)
{
    const struct firealarm_value *values = settings->values;
    struct firealarm_field fields[HEADERS_MAX];
    struct secret secrets[SECRETS_MAX];
    uint32_t count;
    size_t secret_count;
    int32_t rc = check_url(values[URL].text, values[ALLOW_PLAIN].number != 0, error);
    if (rc == 0 && values[HEADERS].text.ptr != NULL) {
        rc = parse_headers(values[HEADERS].text, fields, &count, error);
    }
    if (rc == 0 && values[SECRET].text.ptr != NULL) {
        rc = parse_secrets(values[SECRET].text, secrets, &secret_count, error);
        sodium_memzero(secrets, sizeof secrets);
    }
    return rc;
}

static char *copy(struct firealarm_text text)
{
    return text.ptr != NULL ? strndup(text.ptr, text.len) : strdup("");
}

static void destroy(void *self)
{
    struct webhook *hook = self;
    if (hook != NULL) {
        sodium_memzero(hook->secrets, sizeof hook->secrets);
        free(hook->url);
        free(hook->ca);
        free(hook->header_lines);
        free(hook->expect);
        free(hook->body);
        free(hook);
    }
}

static int32_t create(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error)
{
    const struct firealarm_value *values = settings->values;
    struct webhook *hook = calloc(1, sizeof *hook);
    if (hook == NULL || sodium_init() < 0) {
        free(hook);
        return fail(error, "no memory, or libsodium cannot start");
    }
    hook->url = copy(values[URL].text);
    hook->ca = copy(values[CA].text);
    hook->header_lines = copy(values[HEADERS].text);
    hook->expect = copy(values[EXPECT].text);
    hook->flags = (values[ALLOW_PRIVATE].number != 0 ? FIREALARM_REQ_ALLOW_PRIVATE : 0) |
                  (values[ALLOW_PLAIN].number != 0 ? FIREALARM_REQ_ALLOW_PLAIN : 0) |
                  (values[FRESH].number != 0 ? FIREALARM_REQ_FRESH : 0);
    int whole =
        hook->url != NULL && hook->ca != NULL && hook->header_lines != NULL && hook->expect != NULL;
    int32_t rc = whole ? check(settings, error) : fail(error, "no memory");
    if (rc == 0) {
        struct firealarm_text lines = {hook->header_lines, strlen(hook->header_lines)};
        rc = parse_headers(lines, hook->extra, &hook->extra_count, error);
    }
    if (rc == 0 && values[SECRET].text.ptr != NULL) {
        rc = parse_secrets(values[SECRET].text, hook->secrets, &hook->secret_count, error);
    }
    if (rc != 0) {
        destroy(hook);
        return -1;
    }
    *ret_self = hook;
    return 0;
}

/* ----------------------------------------------------------------------------------------- body */

/* At most max bytes, between characters. */
static json_t *text_value(struct firealarm_text text, size_t max)
{
    size_t len = text.len;
    if (len > max) {
        len = max;
        while (len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    return json_stringn(len > 0 ? text.ptr : "", len);
}

static json_t *time_value(int64_t ms)
{
    char buf[32];
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (ms <= 0 || gmtime_r(&seconds, &tm) == NULL ||
        strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        return json_null();
    }
    return json_string(buf);
}

static json_t *alarm_value(const struct firealarm_notice *n)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "id",
                     text_value(n->alarm, TEXT_MAX), "rule", text_value(n->rule, TEXT_MAX),
                     "severity", text_value(n->severity, TEXT_MAX), "category",
                     text_value(n->category, TEXT_MAX), "policy", text_value(n->policy, TEXT_MAX),
                     "state", text_value(n->state, TEXT_MAX), "step", (json_int_t)n->step, "loop",
                     (json_int_t)n->loop, "since", time_value(n->since), "raised",
                     time_value(n->raised), "owner", text_value(n->owner, TEXT_MAX), "promised",
                     time_value(n->promised));
}

static json_t *fields_value(const struct firealarm_notice *n)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < n->field_count && object != NULL; i++) {
        char name[128];
        size_t len = n->fields[i].name.len < sizeof name ? n->fields[i].name.len : sizeof name - 1;
        memcpy(name, len > 0 ? n->fields[i].name.ptr : "", len);
        name[len] = '\0';
        if (json_object_set_new(object, name, text_value(n->fields[i].value, TEXT_MAX)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static char *make_body(const struct firealarm_notice *n)
{
    json_t *root = json_pack(
        "{s:i, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version", 1,
        "key", text_value(n->key, TEXT_MAX), "kind", text_value(n->kind, TEXT_MAX), "attempt",
        (json_int_t)n->attempt, "sent", time_value(n->now), "alarm", alarm_value(n), "recipient",
        text_value(n->recipient, TEXT_MAX), "title", text_value(n->title, TEXT_MAX), "summary",
        text_value(n->summary, TEXT_MAX), "details", text_value(n->details, DETAILS_MAX), "when",
        text_value(n->when, TEXT_MAX), "expect", text_value(n->expect, TEXT_MAX), "told",
        text_value(n->told, TEXT_MAX), "how_to_ack", text_value(n->how_to_ack, TEXT_MAX), "fields",
        fields_value(n));
    char *body = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return body;
}

/* ------------------------------------------------------------------------------------ signature */

/* The key's letters, digits, - and _; a '.' in it would make the signed bytes ambiguous. */
static void make_id(struct firealarm_text key, char *buf, size_t size)
{
    size_t len = key.len < size ? key.len : size - 1;
    for (size_t i = 0; i < len; i++) {
        char c = key.ptr[i];
        int ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_';
        buf[i] = ok ? c : '_';
    }
    buf[len] = '\0';
}

static void sign(struct webhook *hook)
{
    char *at = hook->signatures;
    for (size_t i = 0; i < hook->secret_count; i++) {
        crypto_auth_hmacsha256_state state;
        unsigned char mac[crypto_auth_hmacsha256_BYTES];
        char text[64];
        crypto_auth_hmacsha256_init(&state, hook->secrets[i].key, hook->secrets[i].len);
        const char *const parts[] = {hook->id, ".", hook->timestamp, ".", hook->body};
        for (size_t j = 0; j < 5; j++) {
            crypto_auth_hmacsha256_update(&state, (const unsigned char *)parts[j],
                                          strlen(parts[j]));
        }
        crypto_auth_hmacsha256_final(&state, mac);
        sodium_bin2base64(text, sizeof text, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
        at += sprintf(at, "%sv1,%s", i > 0 ? " " : "", text);
    }
}

static struct firealarm_field header(const char *name, const char *value)
{
    return (struct firealarm_field){{name, strlen(name)}, {value, strlen(value)}};
}

static int32_t render(void *self, const struct firealarm_notice *notice,
                      struct firealarm_request_out *ret_request, struct firealarm_error *error)
{
    struct webhook *hook = self;
    uint32_t count = 0;
    free(hook->body);
    hook->body = make_body(notice);
    if (hook->body == NULL) {
        return fail(error, "the notice is no UTF-8, or memory is out");
    }
    make_id(notice->key, hook->id, sizeof hook->id);
    snprintf(hook->timestamp, sizeof hook->timestamp, "%lld", (long long)(notice->now / 1000));
    sign(hook);
    hook->headers[count++] = header("Content-Type", "application/json; charset=utf-8");
    hook->headers[count++] = header("User-Agent", "firealarm/" FA_VERSION);
    hook->headers[count++] = header("webhook-id", hook->id);
    hook->headers[count++] = header("webhook-timestamp", hook->timestamp);
    if (hook->secret_count > 0) {
        hook->headers[count++] = header("webhook-signature", hook->signatures);
    }
    for (uint32_t i = 0; i < hook->extra_count; i++) {
        hook->headers[count++] = hook->extra[i];
    }
    *ret_request = (struct firealarm_request_out){
        .size = sizeof *ret_request,
        .kind = FIREALARM_REQUEST_HTTP,
        .url = {hook->url, strlen(hook->url)},
        .headers = hook->headers,
        .header_count = count,
        .flags = hook->flags,
        .body = {hook->body, strlen(hook->body)},
        .ca_file = {hook->ca, strlen(hook->ca)},
    };
    return 0;
}

/* A hotel's login page answers 200 to everything: nobody was told. */
static uint32_t judge(void *self, const struct firealarm_response *response,
                      struct firealarm_error *why)
{
    struct webhook *hook = self;
    size_t len = strlen(hook->expect);
    struct firealarm_text body = response->body;
    int taken = response->transport == 0 && response->status / 100 == 2;
    if (!taken || len == 0 ||
        (body.len >= len && memmem(body.ptr, body.len, hook->expect, len) != NULL)) {
        return 0;
    }
    snprintf(why->text, sizeof why->text, "HTTP %u, but the answer lacks what expect says",
             response->status);
    return FIREALARM_REJECTED;
}

FIREALARM_EXPORT const struct firealarm_notifier firealarm_notifier = {
    .abi = FIREALARM_NOTIFIER_ABI,
    .size = sizeof(struct firealarm_notifier),
    .name = "webhook",
    .version = FA_VERSION,
    .summary = "JSON by HTTP POST, signed (Standard Webhooks)",
    .options = OPTIONS,
    .check = check,
    .create = create,
    .destroy = destroy,
    .render = render,
    .judge = judge,
};

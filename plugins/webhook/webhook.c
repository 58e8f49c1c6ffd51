/* SPDX-License-Identifier: MIT */
/* Notifier `webhook`: our notice as JSON by POST, signed after Standard Webhooks 1.0.0.
 *
 * The body, members always there and in this order; a text that is absent is "", a time null:
 *
 *   {"version":1, "key":..., "kind":"alarm", "attempt":1, "sent":"2026-11-22T08:40:00Z",
 *    "alarm":{"id":..., "rule":..., "severity":..., "category":..., "policy":..., "state":...,
 *             "step":1, "loop":0, "since":..., "raised":..., "owner":..., "promised":...},
 *    "recipient":..., "title":..., "summary":..., "details":..., "when":..., "expect":...,
 *    "told":..., "how_to_ack":..., "ack_url":..., "ack_code":"482 913",
 *    "fields":{"queue":"support"}}
 *
 * `ack_url` and `ack_code` let the reader own the alarm on a phone. They are that one reader's: a
 * receiver hands them to nobody else and writes them down nowhere.
 *
 * Of kind "digest" are several messages in one: their alarms are its last member, the one above is
 * empty, and each has the kind that it would have had in a message of its own:
 *
 *    ... "fields":{}, "lines":[{"alarm":ID, "kind":"alarm", "severity":..., "rule":...,
 *                               "state":..., "owner":..., "title":..., "when":...,
 *                               "ack_url":..., "ack_code":...}]}
 *
 * `key` is the same in every try of one message; receivers use it (or webhook-id, which is made of
 * it) to drop what they have already. Members may be added; version changes when one changes its
 * meaning.
 *
 * With `batch` over 1, messages that wait together for the channel go in one request; one that is
 * alone keeps the form above:
 *
 *   {"type":"firealarm.batch", "notifications":[{"version":1, "key":...}, ...]}
 *
 * Each member keeps its own `key` in every try, alone or in whatever batch, and receivers drop what
 * they have already by it. webhook-id is then made of all members' keys, so that the same batch has
 * the same one.
 *
 * Headers: webhook-id, webhook-timestamp (seconds, of this attempt), webhook-signature: one
 * "v1,BASE64" for each secret, separated by blanks, over "id.timestamp.body" with HMAC-SHA256. The
 * secret's file holds one `whsec_BASE64` of 24 to 64 bytes, or several (blanks or lines between
 * them) while receivers change over. Without a secret nothing is signed. */
#include "json.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DETAILS_MAX ((size_t)8 * 1024) /* receivers like bodies under 20 kB */
#define TEXT_MAX    ((size_t)2 * 1024)
#define NAME_BYTES  ((size_t)127) /* of a field */
#define SECRETS_MAX 4u
#define HEADERS_MAX 16u
#define KEY_MIN     24u
#define KEY_MAX     64u
#define BATCH_MAX   500

enum { URL, SECRET, CA, HEADERS, EXPECT, ALLOW_PRIVATE, ALLOW_PLAIN, FRESH, BATCH };

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
    [BATCH] = {"batch", FIREALARM_OPT_INT, 0, "1", 1, BATCH_MAX, NULL,
               "messages that wait together and may go in one request, for receivers that are "
               "programs"},
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
    uint32_t extra_count, batch;
    struct json body; /* of the request under construction */
    /* Of the batch under construction: its members, a hash of their keys, the time of the try. */
    uint32_t members;
    crypto_generichash_state keys;
    int64_t now;
    /* Of the last render. */
    char id[128], timestamp[24], signatures[SECRETS_MAX * 64];
    struct firealarm_field headers[HEADERS_MAX + 4];
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
        json_done(&hook->body);
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
    hook->batch = (uint32_t)values[BATCH].number;
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

struct member {
    const char *before;
    struct firealarm_text text;
};

static void put_texts(struct json *json, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_raw(json, members[i].before);
        json_text(json, members[i].text, TEXT_MAX);
    }
}

static void put_alarm(struct json *json, const struct firealarm_notice *n)
{
    const struct member members[] = {
        {",\"alarm\":{\"id\":", n->alarm}, {",\"rule\":", n->rule},
        {",\"severity\":", n->severity},   {",\"category\":", n->category},
        {",\"policy\":", n->policy},       {",\"state\":", n->state},
    };
    put_texts(json, members, sizeof members / sizeof members[0]);
    json_raw(json, ",\"step\":");
    json_number(json, n->step);
    json_raw(json, ",\"loop\":");
    json_number(json, n->loop);
    json_raw(json, ",\"since\":");
    json_time(json, n->since);
    json_raw(json, ",\"raised\":");
    json_time(json, n->raised);
    json_raw(json, ",\"owner\":");
    json_text(json, n->owner, TEXT_MAX);
    json_raw(json, ",\"promised\":");
    json_time(json, n->promised);
    json_raw(json, "}");
}

/* Of two fields of one name the later one counts. */
static int comes_again(const struct firealarm_notice *n, uint32_t i)
{
    for (uint32_t j = i + 1; j < n->field_count; j++) {
        if (n->fields[j].name.len == n->fields[i].name.len &&
            memcmp(n->fields[j].name.ptr, n->fields[i].name.ptr, n->fields[i].name.len) == 0) {
            return 1;
        }
    }
    return 0;
}

static void put_fields(struct json *json, const struct firealarm_notice *n)
{
    const char *before = ",\"fields\":{";
    for (uint32_t i = 0; i < n->field_count; i++) {
        if (!comes_again(n, i)) {
            json_raw(json, before);
            json_text(json, n->fields[i].name, NAME_BYTES);
            json_raw(json, ":");
            json_text(json, n->fields[i].value, TEXT_MAX);
            before = ",";
        }
    }
    json_raw(json, before[1] != '\0' ? ",\"fields\":{}" : "}");
}

static void put_lines(struct json *json, const struct firealarm_notice *n)
{
    const char *before = ",\"lines\":[{\"alarm\":";
    for (uint32_t i = 0; i < n->line_count; i++) {
        const struct firealarm_line *line = &n->lines[i];
        const struct member members[] = {
            {before, line->alarm},
            {",\"kind\":", line->kind},
            {",\"severity\":", line->severity},
            {",\"rule\":", line->rule},
            {",\"state\":", line->state},
            {",\"owner\":", line->owner},
            {",\"title\":", line->title},
            {",\"when\":", line->when},
            {",\"ack_url\":", line->ack_url},
            {",\"ack_code\":", line->ack_code},
        };
        put_texts(json, members, sizeof members / sizeof members[0]);
        before = "},{\"alarm\":";
    }
    json_raw(json, n->line_count > 0 ? "}]" : "");
}

/* One message's own JSON. */
static void put_notice(struct json *json, const struct firealarm_notice *n)
{
    const struct member head[] = {{"{\"version\":1,\"key\":", n->key}, {",\"kind\":", n->kind}};
    const struct member words[] = {{",\"recipient\":", n->recipient},
                                   {",\"title\":", n->title},
                                   {",\"summary\":", n->summary}};
    const struct member rest[] = {
        {",\"when\":", n->when},       {",\"expect\":", n->expect},
        {",\"told\":", n->told},       {",\"how_to_ack\":", n->how_to_ack},
        {",\"ack_url\":", n->ack_url}, {",\"ack_code\":", n->ack_code}};
    put_texts(json, head, 2);
    json_raw(json, ",\"attempt\":");
    json_number(json, n->attempt);
    json_raw(json, ",\"sent\":");
    json_time(json, n->now);
    put_alarm(json, n);
    put_texts(json, words, 3);
    json_raw(json, ",\"details\":");
    json_text(json, n->details, DETAILS_MAX);
    put_texts(json, rest, sizeof rest / sizeof rest[0]);
    put_fields(json, n);
    put_lines(json, n);
    json_raw(json, "}");
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
        const char *const parts[] = {hook->id, ".", hook->timestamp, "."};
        for (size_t j = 0; j < 4; j++) {
            crypto_auth_hmacsha256_update(&state, (const unsigned char *)parts[j],
                                          strlen(parts[j]));
        }
        crypto_auth_hmacsha256_update(&state, (const unsigned char *)hook->body.text,
                                      hook->body.len);
        crypto_auth_hmacsha256_final(&state, mac);
        sodium_bin2base64(text, sizeof text, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
        at += sprintf(at, "%sv1,%s", i > 0 ? " " : "", text);
    }
}

static struct firealarm_field header(const char *name, const char *value)
{
    return (struct firealarm_field){{name, strlen(name)}, {value, strlen(value)}};
}

/* The request around the body that is made; id and now are set. */
static void finish(struct webhook *hook, struct firealarm_request_out *ret_request)
{
    uint32_t count = 0;
    snprintf(hook->timestamp, sizeof hook->timestamp, "%lld", (long long)(hook->now / 1000));
    sign(hook);
    hook->headers[count++] = header("Content-Type", "application/json; charset=utf-8");
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
        .body = {hook->body.text, hook->body.len},
        .ca_file = {hook->ca, strlen(hook->ca)},
    };
}

static void begin(struct webhook *hook)
{
    hook->body.len = 0;
    hook->body.bad = 0;
    hook->members = 0;
}

static int32_t fail_body(struct webhook *hook, struct firealarm_error *error)
{
    begin(hook);
    return fail(error, "the notice is no UTF-8, or memory is out");
}

static int32_t render(void *self, const struct firealarm_notice *notice,
                      struct firealarm_request_out *ret_request, struct firealarm_error *error)
{
    struct webhook *hook = self;
    begin(hook);
    put_notice(&hook->body, notice);
    if (hook->body.bad) {
        return fail_body(hook, error);
    }
    make_id(notice->key, hook->id, sizeof hook->id);
    hook->now = notice->now;
    finish(hook, ret_request);
    return 0;
}

/* ---------------------------------------------------------------------------------------- batch */

static uint32_t batch_max(void *self)
{
    return ((struct webhook *)self)->batch;
}

static int32_t batch_add(void *self, const struct firealarm_notice *notice,
                         struct firealarm_error *error)
{
    struct webhook *hook = self;
    const unsigned char end = 0;
    if (hook->members == 0) {
        begin(hook);
        crypto_generichash_init(&hook->keys, NULL, 0, crypto_generichash_BYTES_MIN);
    }
    size_t before = hook->body.len;
    json_raw(&hook->body,
             hook->members == 0 ? "{\"type\":\"firealarm.batch\",\"notifications\":[" : ",");
    put_notice(&hook->body, notice);
    if (hook->body.bad) {
        hook->body.bad = 0;
        hook->body.len = before;
        return fail(error, "the notice is no UTF-8, or memory is out");
    }
    crypto_generichash_update(&hook->keys, (const unsigned char *)notice->key.ptr, notice->key.len);
    crypto_generichash_update(&hook->keys, &end, 1);
    hook->now = notice->now;
    hook->members++;
    return 0;
}

static int32_t batch_render(void *self, struct firealarm_request_out *ret_request,
                            struct firealarm_error *error)
{
    struct webhook *hook = self;
    unsigned char hash[crypto_generichash_BYTES_MIN];
    uint32_t members = hook->members;
    hook->members = 0;
    json_raw(&hook->body, "]}");
    if (members == 0 || hook->body.bad) {
        return fail_body(hook, error);
    }
    crypto_generichash_final(&hook->keys, hash, sizeof hash);
    memcpy(hook->id, "batch_", 6);
    sodium_bin2hex(hook->id + 6, sizeof hook->id - 6, hash, sizeof hash);
    finish(hook, ret_request);
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
    .batch_max = batch_max,
    .batch_add = batch_add,
    .batch_render = batch_render,
};

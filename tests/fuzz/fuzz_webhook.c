/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_webhook_static fa_courier_child PkgConfig::JANSSON */
/* The webhook plugin: words between zero bytes are first its settings (url, headers, secret), then
 * the texts of a notice. What check() takes, create() takes. What is rendered passes the courier's
 * guard; its body is one JSON object whose key is the notice's; no header of ours comes twice. */
#include "fuzz.h"

#include "courier/child/guard.h"

#include <jansson.h>
#include <strings.h>

static struct firealarm_text take(struct fuzz_input *in)
{
    struct fa_str word = fuzz_word(in);
    return (struct firealarm_text){word.ptr, word.len};
}

static void give(struct firealarm_value *values, const char *name, struct firealarm_text text,
                 int64_t number)
{
    for (uint32_t i = 0; firealarm_notifier.options[i].name != NULL; i++) {
        if (strcmp(firealarm_notifier.options[i].name, name) == 0) {
            values[i] = (struct firealarm_value){text, number};
        }
    }
}

static void check_headers(const struct firealarm_request_out *req)
{
    static const char *const ours[] = {"Content-Type", "User-Agent", "webhook-id",
                                       "webhook-timestamp", "webhook-signature"};
    for (size_t i = 0; i < 5; i++) {
        unsigned count = 0;
        for (uint32_t h = 0; h < req->header_count; h++) {
            count += req->headers[h].name.len == strlen(ours[i]) &&
                     strncasecmp(req->headers[h].name.ptr, ours[i], strlen(ours[i])) == 0;
        }
        fa_assert(count <= 1);
    }
}

static void check_body(const struct firealarm_request_out *req, struct firealarm_text key)
{
    json_error_t error;
    json_t *json =
        json_loadb(req->body.ptr, req->body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    fa_assert(json_is_object(json));
    const char *text = json_string_value(json_object_get(json, "key"));
    fa_assert(text != NULL && strncmp(text, key.ptr, key.len < 2048 ? strlen(text) : 0) == 0);
    json_decref(json);
}

static void render(void *self, struct fuzz_input *in)
{
    struct firealarm_notice notice = {.size = sizeof notice, .attempt = 1};
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    struct fa_err err = {0};
    struct firealarm_text *const texts[] = {
        &notice.key,     &notice.title, &notice.kind,       &notice.alarm,    &notice.severity,
        &notice.summary, &notice.owner, &notice.details,    &notice.told,     &notice.when,
        &notice.rule,    &notice.state, &notice.how_to_ack, &notice.recipient};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = take(in);
    }
    struct firealarm_field fields[2] = {{notice.rule, notice.title}, {notice.title, notice.rule}};
    notice.fields = fields;
    notice.field_count = 2;
    notice.now = (int64_t)in->size * INT64_C(100000000000);
    notice.since = -notice.now;
    if (firealarm_notifier.render(self, &notice, &req, &error) != 0) {
        fa_assert(error.text[0] != '\0');
        return;
    }
    fa_assert(fa_guard_request(&req, &err) == 0 || req.url.len > 4096);
    check_headers(&req);
    check_body(&req, notice.key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct firealarm_value values[16];
    struct firealarm_settings settings = {"hook", values, 0};
    struct firealarm_error error = {""};
    void *self = NULL;
    uint8_t how = fuzz_byte(&in);
    memset(values, 0, sizeof values);
    while (firealarm_notifier.options[settings.count].name != NULL) {
        settings.count++;
    }
    give(values, "url", how & 1 ? take(&in) : FIREALARM_TEXT("https://h.example/x"), 0);
    give(values, "headers", how & 2 ? take(&in) : (struct firealarm_text){NULL, 0}, 0);
    give(values, "secret", how & 4 ? take(&in) : (struct firealarm_text){NULL, 0}, 0);
    give(values, "allow_plain", (struct firealarm_text){NULL, 0}, how & 8);
    int32_t good = firealarm_notifier.check(&settings, &error);
    int32_t rc = firealarm_notifier.create(NULL, &settings, &self, &error);
    fa_assert((good == 0) == (rc == 0));
    if (rc == 0) {
        render(self, &in);
        firealarm_notifier.destroy(self);
    } else {
        fa_assert(error.text[0] != '\0');
    }
    return 0;
}

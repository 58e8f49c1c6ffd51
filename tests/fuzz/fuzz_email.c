/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_email_static fa_courier_child */
/* Arbitrary notice fields (pieces between 0xFF bytes; at last its words) through the mail plugin. A
 * strict reader then wants CRLF everywhere, no line over 998 bytes (78 without an address), the
 * headers exactly as expected and nothing but base64 in the parts; the envelope's addresses are
 * bare, and the guard of the courier has no complaint. */
#include "mail_check.h"

#include "courier/child/guard.h"

#include <stdint.h>

/* Importance and priority stand in critical ones alone. */
static const char *const HEADERS[] = {"From: ",
                                      "To: ",
                                      "Subject: ",
                                      "Date: ",
                                      "Message-ID: ",
                                      "In-Reply-To: ",
                                      "References: ",
                                      "List-Id: ",
                                      "Auto-Submitted: ",
                                      "X-Auto-Response-Suppress: ",
                                      "?Importance: ",
                                      "?X-Priority: ",
                                      "MIME-Version: ",
                                      "Content-Type: ",
                                      NULL};

static void check_parts(const char *text)
{
    static const char *const fixed[] = {
        "--=-firealarm-part-=\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n",
        "--=-firealarm-part-=\r\nContent-Type: text/html; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n",
        "--=-firealarm-part-=--\r\n"};
    for (size_t i = 0; i < 3; i++) {
        CHECK(strncmp(text, fixed[i], strlen(fixed[i])) == 0);
        text += strlen(fixed[i]);
        text = mail_check_base64(text);
    }
    CHECK(*text == '\0');
}

static struct firealarm_text take(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size > 0 ? memchr(*data, 0xff, *size) : NULL;
    size_t len = end != NULL ? (size_t)(end - *data) : *size;
    struct firealarm_text text = {len > 0 ? (const char *)*data : "", len};
    *data += len + (end != NULL);
    *size -= len + (end != NULL);
    return text;
}

static void *make_self(void)
{
    struct firealarm_value values[16];
    struct firealarm_error error = {""};
    void *self = NULL;
    memset(values, 0, sizeof values);
    for (uint32_t i = 0; firealarm_notifier.options[i].name != NULL; i++) {
        const char *name = firealarm_notifier.options[i].name;
        values[i].text = strcmp(name, "relay") == 0  ? FIREALARM_TEXT("mail.example.com")
                         : strcmp(name, "tls") == 0  ? FIREALARM_TEXT("starttls")
                         : strcmp(name, "from") == 0 ? FIREALARM_TEXT("Alarm <alarm@example.com>")
                                                     : (struct firealarm_text){NULL, 0};
        values[i].number = strcmp(name, "auto_submitted") == 0;
    }
    struct firealarm_settings settings = {"mail", values, 11};
    CHECK(firealarm_notifier.create(NULL, &settings, &self, &error) == 0);
    return self;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *self;
    struct firealarm_notice notice = {.size = sizeof notice, .now = INT64_C(1763800800000)};
    struct firealarm_text *const texts[] = {
        &notice.address, &notice.severity, &notice.kind,       &notice.recipient, &notice.title,
        &notice.key,     &notice.thread,   &notice.summary,    &notice.details,   &notice.expect,
        &notice.told,    &notice.owner,    &notice.how_to_ack, &notice.when,      &notice.alarm,
        &notice.rule,    &notice.category, &notice.language};
    struct firealarm_text words[FIREALARM_WORD__COUNT];
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    struct fa_err err = {0};
    if (self == NULL) {
        self = make_self();
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = take(&data, &size);
    }
    for (size_t i = 0; i < FIREALARM_WORD__COUNT; i++) {
        words[i] = take(&data, &size);
    }
    notice.words = words;
    notice.word_count = FIREALARM_WORD__COUNT;
    struct firealarm_field field = {notice.rule, notice.details};
    notice.fields = &field;
    notice.field_count = 1;
    if (firealarm_notifier.check_address(notice.address, &error) != 0) {
        notice.address = FIREALARM_TEXT("ann@example.com");
    }
    if (firealarm_notifier.render(self, &notice, &req, &error) != 0) {
        CHECK(error.text[0] != '\0');
        return 0;
    }
    const char *end = strstr(req.body.ptr, "\r\n\r\n");
    CHECK(end != NULL && strlen(req.body.ptr) == req.body.len);
    mail_check_headers(req.body.ptr, end + 2, HEADERS);
    bool critical = notice.severity.len == 8 && memcmp(notice.severity.ptr, "critical", 8) == 0;
    CHECK(critical == (strstr(req.body.ptr, "\r\nImportance: high\r\nX-Priority: 1\r\n") != NULL));
    check_parts(end + 4);
    mail_check_envelope(req.mail_from);
    mail_check_envelope(req.rcpt_to);
    CHECK(fa_guard_request(&req, &err) == 0);
    return 0;
}

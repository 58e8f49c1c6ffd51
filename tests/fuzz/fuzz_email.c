/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_email_static fa_public */
/* Arbitrary notice fields (pieces between 0xFF bytes) through the mail plugin. A strict reader then
 * wants CRLF everywhere, no line over 998 bytes (78 without an address), the headers exactly as
 * expected and nothing but base64 in the parts. */
#include <firealarm/notifier.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "line %d: %s\n", __LINE__, #cond);                                     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const char *const HEADERS[] = {"From: ",           "To: ",
                                      "Subject: ",        "Date: ",
                                      "Message-ID: ",     "In-Reply-To: ",
                                      "References: ",     "List-Id: ",
                                      "Auto-Submitted: ", "X-Auto-Response-Suppress: ",
                                      "Importance: ",     "X-Priority: ",
                                      "MIME-Version: ",   "Content-Type: "};
#define HEADER_COUNT (sizeof HEADERS / sizeof HEADERS[0])

static void check_headers(const char *text, const char *end, int critical)
{
    size_t next = 0;
    while (text < end) {
        const char *eol = strstr(text, "\r\n");
        /* An address or id cannot be folded; words can. */
        CHECK(eol != NULL && eol - text <= (memchr(text, '<', (size_t)(eol - text)) ? 998 : 78));
        for (const char *p = text; p < eol; p++) {
            CHECK((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
        }
        if (*text != ' ') {
            if (next == 10 && !critical) {
                next += 2;
            }
            CHECK(next < HEADER_COUNT);
            CHECK(strncmp(text, HEADERS[next], strlen(HEADERS[next])) == 0);
            next++;
        }
        text = eol + 2;
    }
    CHECK(next == HEADER_COUNT);
}

static int is_base64_line(const char *text, const char *eol)
{
    for (; text < eol; text++) {
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", *text) ==
            NULL) {
            return 0;
        }
    }
    return 1;
}

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
        for (const char *eol; *text != '\0' && *text != '-'; text = eol + 2) {
            eol = strstr(text, "\r\n");
            CHECK(eol != NULL && eol - text <= 76 && is_base64_line(text, eol));
        }
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
        &notice.rule,    &notice.category};
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    if (self == NULL) {
        self = make_self();
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = take(&data, &size);
    }
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
    check_headers(req.body.ptr, end + 2,
                  notice.severity.len == 8 && memcmp(notice.severity.ptr, "critical", 8) == 0);
    check_parts(end + 4);
    return 0;
}

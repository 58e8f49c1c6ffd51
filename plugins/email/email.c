/* SPDX-License-Identifier: MIT */
/* Notifier `email`: one mail to one reader through a relay.
 *
 * A mail is multipart/alternative, text first, then HTML, both base64: no word of a notice can be
 * taken for a header, a boundary or an SMTP command. Headers, these and no others, in this order:
 *
 *   From To Subject Date Message-ID In-Reply-To References List-Id Auto-Submitted
 *   X-Auto-Response-Suppress [Importance X-Priority: critical only] MIME-Version Content-Type
 *
 * Message-ID is made of the notice's key and so the same in every try of it; References and
 * In-Reply-To name a root made of the thread, so that mails about one alarm stand together. Text
 * that came from outside is in Subject and the display name of To only, as RFC 2047 words unless it
 * is plain letters. Addresses are ASCII; a domain in other letters is written in its xn-- form. */
#include "body.h"
#include "out.h"

#include <firealarm/notifier.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define MAIL_MAX ((size_t)1024 * 1024)

enum {
    RELAY,
    TLS,
    FROM,
    USER,
    PASSWORD,
    HELO,
    CA,
    LIST_ID,
    AUTO_SUBMITTED,
    ALLOW_PLAIN,
    ALLOW_PRIVATE,
    OPTION_COUNT
};

static const struct firealarm_option OPTIONS[] = {
    [RELAY] = {"relay", FIREALARM_OPT_TEXT, FIREALARM_OPT_REQUIRED, NULL, 0, 0, NULL,
               "host or host:port of the mail server; ports 587, 465 (tls), 25 (none)"},
    [TLS] = {"tls", FIREALARM_OPT_CHOICE, 0, "starttls", 0, 0, "starttls tls none",
             "how the way to the relay is encrypted; none needs allow_plain"},
    [FROM] = {"from", FIREALARM_OPT_TEXT, FIREALARM_OPT_REQUIRED, NULL, 0, 0, NULL,
              "the sender: alarm@example.com or Fire alarm <alarm@example.com>"},
    [USER] = {"user", FIREALARM_OPT_TEXT, 0, NULL, 0, 0, NULL, "name to log in with"},
    [PASSWORD] = {"password", FIREALARM_OPT_SECRET, 0, NULL, 0, 0, NULL,
                  "file or credential with the password for user"},
    [HELO] = {"helo", FIREALARM_OPT_TEXT, 0, NULL, 0, 0, NULL,
              "the name this host gives itself; the domain of from if not said"},
    [CA] = {"ca", FIREALARM_OPT_TEXT, 0, NULL, 0, 0, NULL,
            "PEM file of the authorities to trust instead of the system's"},
    [LIST_ID] = {"list_id", FIREALARM_OPT_TEXT, 0, NULL, 0, 0, NULL,
                 "List-Id for filters; firealarm. and the domain of from if not said"},
    [AUTO_SUBMITTED] = {"auto_submitted", FIREALARM_OPT_BOOL, 0, "true", 0, 0, NULL,
                        "say that no person wrote it; some ticket systems refuse such mail"},
    [ALLOW_PLAIN] = {"allow_plain", FIREALARM_OPT_BOOL, 0, "false", 0, 0, NULL,
                     "tls = \"none\" is meant"},
    [ALLOW_PRIVATE] = {"allow_private", FIREALARM_OPT_BOOL, 0, "true", 0, 0, NULL,
                       "the relay may have a private or loopback address, as most have"},
    {NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

struct email {
    struct out url, from_name, from, user, password, helo, ca, list_id, domain;
    bool auto_submitted;
    uint32_t flags;
    struct out mail, rcpt; /* of the last render */
};

static int32_t fail(struct firealarm_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return -1;
}

/* ------------------------------------------------------------------------------------- addresses
 */

static bool is_atom_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool is_host(struct firealarm_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
        if (!ok || (c == '.' && (i == 0 || text.ptr[i - 1] == '.'))) {
            return false;
        }
    }
    return text.len > 0 && text.len <= 253 && text.ptr[0] != '-';
}

/* Where the domain begins, 0: it is no address. */
static size_t domain_at(struct firealarm_text text)
{
    size_t at = 0;
    while (at < text.len && text.ptr[at] != '@') {
        if (!is_atom_char(text.ptr[at])) {
            return 0;
        }
        at++;
    }
    struct firealarm_text domain = {text.ptr + at + 1, at < text.len ? text.len - at - 1 : 0};
    bool dots = at > 0 && (text.ptr[0] == '.' || text.ptr[at - 1] == '.');
    return at > 0 && at <= 64 && !dots && text.len <= 254 && is_host(domain) ? at + 1 : 0;
}

static int32_t check_address(struct firealarm_text address, struct firealarm_error *error)
{
    if (domain_at(address) == 0) {
        return fail(error, "not a mail address like ann@example.com; write a domain in other "
                           "letters in its xn-- form");
    }
    return 0;
}

/* "Name <address>" or an address. */
static int32_t split_from(struct firealarm_text from, struct firealarm_text *ret_name,
                          struct firealarm_text *ret_address, struct firealarm_error *error)
{
    const char *open = from.len > 0 ? memchr(from.ptr, '<', from.len) : NULL;
    struct firealarm_text name = {"", 0}, address = from;
    if (open != NULL) {
        size_t before = (size_t)(open - from.ptr);
        name = (struct firealarm_text){from.ptr, before};
        address = (struct firealarm_text){open + 1, from.len - before - 1};
        if (address.len == 0 || address.ptr[address.len - 1] != '>') {
            return fail(error, "from lacks the > after its address");
        }
        address.len--;
        while (name.len > 0 && (name.ptr[name.len - 1] == ' ' || name.ptr[name.len - 1] == '"')) {
            name.len--;
        }
        while (name.len > 0 && (name.ptr[0] == ' ' || name.ptr[0] == '"')) {
            name.ptr++;
            name.len--;
        }
    }
    if (domain_at(address) == 0) {
        return fail(error, "from is no mail address: write alarm@example.com or "
                           "Fire alarm <alarm@example.com>");
    }
    *ret_name = name;
    *ret_address = address;
    return 0;
}

/* ------------------------------------------------------------------------------------- settings */

static bool text_is(struct firealarm_text text, const char *word)
{
    return text.ptr != NULL && text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static bool has_port(struct firealarm_text relay)
{
    return relay.len > 0 && memchr(relay.ptr, ':', relay.len) != NULL;
}

static int32_t check_relay(struct firealarm_text relay, struct firealarm_error *error)
{
    const char *colon = relay.len > 0 ? memchr(relay.ptr, ':', relay.len) : NULL;
    struct firealarm_text host = {relay.ptr,
                                  colon != NULL ? (size_t)(colon - relay.ptr) : relay.len};
    unsigned long port = colon != NULL ? 0 : 25;
    for (const char *p = colon != NULL ? colon + 1 : relay.ptr + relay.len;
         p < relay.ptr + relay.len && port < 100000; p++) {
        port = *p >= '0' && *p <= '9' ? port * 10 + (unsigned long)(*p - '0') : 100000;
    }
    if (!is_host(host) || port == 0 || port > 65535) {
        return fail(error, "relay must be host or host:port, e.g. mail.example.com:587");
    }
    return 0;
}

static int32_t check(const struct firealarm_settings *settings, struct firealarm_error *error)
{
    const struct firealarm_value *values = settings->values;
    struct firealarm_text name, address;
    bool none = text_is(values[TLS].text, "none");
    if (check_relay(values[RELAY].text, error) != 0 ||
        split_from(values[FROM].text, &name, &address, error) != 0) {
        return -1;
    }
    if (none && values[ALLOW_PLAIN].number == 0) {
        return fail(error,
                    "tls is \"none\", which anybody on the way can read; use \"starttls\" or "
                    "\"tls\", or allow_plain = true if that is meant");
    }
    if (none && values[USER].text.ptr != NULL) {
        return fail(error, "user with tls = \"none\" would send the password in clear");
    }
    if (values[HELO].text.ptr != NULL && !is_host(values[HELO].text)) {
        return fail(error, "helo is no host name");
    }
    if (values[LIST_ID].text.ptr != NULL && !is_host(values[LIST_ID].text)) {
        return fail(error, "list_id must look like a host name, e.g. alarms.example.com");
    }
    return 0;
}

static void destroy(void *self)
{
    struct email *email = self;
    if (email == NULL) {
        return;
    }
    if (email->password.data != NULL) {
        explicit_bzero(email->password.data, email->password.cap);
    }
    struct out *const all[] = {&email->url,      &email->from_name, &email->from, &email->user,
                               &email->password, &email->helo,      &email->ca,   &email->list_id,
                               &email->domain,   &email->mail,      &email->rcpt};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        out_done(all[i]);
    }
    free(email);
}

static void keep(struct out *out, struct firealarm_text text)
{
    out_init(out, 64 * 1024);
    out_put(out, text.ptr != NULL ? text.ptr : "", text.ptr != NULL ? text.len : 0);
}

static void keep_url(struct out *out, const struct firealarm_value *values)
{
    bool tls = text_is(values[TLS].text, "tls"), none = text_is(values[TLS].text, "none");
    keep(out, tls ? FIREALARM_TEXT("smtps://") : FIREALARM_TEXT("smtp://"));
    out_put(out, values[RELAY].text.ptr, values[RELAY].text.len);
    if (!has_port(values[RELAY].text)) {
        out_puts(out, tls ? ":465" : none ? ":25" : ":587");
    }
}

static int32_t create(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error)
{
    const struct firealarm_value *values = settings->values;
    struct firealarm_text name, address;
    if (check(settings, error) != 0 || split_from(values[FROM].text, &name, &address, error) != 0) {
        return -1;
    }
    struct email *email = calloc(1, sizeof *email);
    if (email == NULL) {
        return fail(error, "no memory");
    }
    size_t domain = domain_at(address);
    keep_url(&email->url, values);
    keep(&email->from, address);
    keep(&email->domain, (struct firealarm_text){address.ptr + domain, address.len - domain});
    keep(&email->user, values[USER].text);
    keep(&email->password, values[PASSWORD].text);
    keep(&email->ca, values[CA].text);
    keep(&email->helo, values[HELO].text.ptr != NULL
                           ? values[HELO].text
                           : (struct firealarm_text){email->domain.data, email->domain.len});
    out_init(&email->from_name, 1024);
    out_clean(&email->from_name, name, 200, true);
    out_init(&email->list_id, 1024);
    if (values[LIST_ID].text.ptr != NULL) {
        out_put(&email->list_id, values[LIST_ID].text.ptr, values[LIST_ID].text.len);
    } else {
        out_printf(&email->list_id, "firealarm.%s", email->domain.data);
    }
    out_init(&email->mail, MAIL_MAX);
    out_init(&email->rcpt, 512);
    email->auto_submitted = values[AUTO_SUBMITTED].number != 0;
    email->flags = (text_is(values[TLS].text, "none") ? FIREALARM_REQ_ALLOW_PLAIN : 0) |
                   (values[ALLOW_PRIVATE].number != 0 ? FIREALARM_REQ_ALLOW_PRIVATE : 0);
    *ret_self = email;
    return 0;
}

/* ----------------------------------------------------------------------------------------- mail */

static struct firealarm_text kept(const struct out *out)
{
    return (struct firealarm_text){out->data != NULL ? out->data : "", out->len};
}

static void put_date(struct out *out, int64_t wall)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall > 0 && wall < INT64_C(253402300800000) ? wall / 1000 : 0);
    struct tm tm = {.tm_mday = 1, .tm_year = 70, .tm_wday = 4};
    (void)gmtime_r(&seconds, &tm);
    out_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday % 7],
               tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
               tm.tm_sec);
}

/* An id's left side: its letters, digits, - and _; others become - (an empty one is "none"). */
static void put_atom(struct out *out, struct firealarm_text text)
{
    for (size_t i = 0; i < text.len && i < 64; i++) {
        char c = text.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
        out_put(out, ok ? &c : "-", 1);
    }
    out_puts(out, text.len > 0 ? "" : "none");
}

static void put_id(struct email *email, const char *name, const char *prefix,
                   struct firealarm_text text)
{
    struct out *out = &email->mail;
    out_puts(out, name);
    out_puts(out, ": <");
    out_puts(out, prefix);
    put_atom(out, text);
    out_puts(out, "@");
    out_puts(out, email->domain.data);
    out_puts(out, ">\r\n");
}

static void put_mailbox(struct out *out, const char *name, struct firealarm_text phrase,
                        struct firealarm_text address)
{
    out_puts(out, name);
    out_puts(out, ": ");
    out_phrase(out, phrase);
    /* Its own line: phrase and address together may be longer than a line should be. */
    out_puts(out, phrase.len > 0 ? "\r\n <" : "<");
    out_put(out, address.ptr, address.len);
    out_puts(out, ">\r\n");
}

static void put_headers(struct email *email, const struct firealarm_notice *notice,
                        struct out *scratch)
{
    struct out *out = &email->mail;
    struct firealarm_text thread = notice->thread.len > 0 ? notice->thread : notice->alarm;
    put_mailbox(out, "From", kept(&email->from_name), kept(&email->from));
    out_clear(scratch);
    out_clean(scratch, notice->recipient, 200, true);
    put_mailbox(out, "To", kept(scratch), kept(&email->rcpt));
    out_clear(scratch);
    body_subject(scratch, notice);
    out_header_text(out, "Subject", kept(scratch));
    put_date(out, notice->now);
    put_id(email, "Message-ID", "", notice->key);
    put_id(email, "In-Reply-To", "thread-", thread);
    put_id(email, "References", "thread-", thread);
    out_puts(out, "List-Id: <");
    out_put(out, email->list_id.data, email->list_id.len);
    out_puts(out, ">\r\n");
    if (email->auto_submitted) {
        out_puts(out, "Auto-Submitted: auto-generated\r\n");
    }
    out_puts(out, "X-Auto-Response-Suppress: OOF, DR, RN, NRN, AutoReply\r\n");
    if (body_is_critical(notice)) {
        out_puts(out, "Importance: high\r\nX-Priority: 1\r\n");
    }
}

/* In base64 there is no '-', so the boundary cannot be in a part. */
#define BOUNDARY "=-firealarm-part-="

static void put_part(struct out *out, const char *type, const struct out *content)
{
    out_printf(out,
               "--" BOUNDARY "\r\nContent-Type: %s; charset=utf-8\r\n"
               "Content-Transfer-Encoding: base64\r\n\r\n",
               type);
    out_base64(out, kept(content));
}

static int32_t render(void *self, const struct firealarm_notice *notice,
                      struct firealarm_request_out *ret_request, struct firealarm_error *error)
{
    struct email *email = self;
    struct out *out = &email->mail, scratch;
    if (check_address(notice->address, error) != 0) {
        return -1;
    }
    out_clear(&email->rcpt);
    out_put(&email->rcpt, notice->address.ptr, notice->address.len);
    out_clear(out);
    out_init(&scratch, MAIL_MAX);
    put_headers(email, notice, &scratch);
    out_puts(out, "MIME-Version: 1.0\r\n"
                  "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n\r\n");
    out_clear(&scratch);
    body_text(&scratch, notice);
    bool over = scratch.over;
    put_part(out, "text/plain", &scratch);
    out_clear(&scratch);
    body_html(&scratch, notice);
    over = over || scratch.over;
    put_part(out, "text/html", &scratch);
    out_puts(out, "--" BOUNDARY "--\r\n");
    out_done(&scratch);
    if (over || out->over || email->rcpt.over) {
        return fail(error, "the mail is larger than 1 MiB, or memory is out");
    }
    *ret_request = (struct firealarm_request_out){
        .size = sizeof *ret_request,
        .kind = FIREALARM_REQUEST_SMTP,
        .url = kept(&email->url),
        .flags = email->flags,
        .body = kept(out),
        .mail_from = kept(&email->from),
        .rcpt_to = kept(&email->rcpt),
        .user = kept(&email->user),
        .password = kept(&email->password),
        .ca_file = kept(&email->ca),
        .helo = kept(&email->helo),
    };
    return 0;
}

FIREALARM_EXPORT const struct firealarm_notifier firealarm_notifier = {
    .abi = FIREALARM_NOTIFIER_ABI,
    .size = sizeof(struct firealarm_notifier),
    .name = "email",
    .version = FA_VERSION,
    .summary = "a mail, text and HTML, through a relay",
    .options = OPTIONS,
    .check = check,
    .create = create,
    .destroy = destroy,
    .render = render,
    .check_address = check_address,
};

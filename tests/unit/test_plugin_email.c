/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_email_static fa_host fa_base fa_public PkgConfig::LIBSODIUM */
#include "notifier_rig.h"

#include <sodium.h>

/* 0 and a self, or -1 and the words in notifier_errors. `more` replaces or adds to what is always
 * given.
 */
static int make(const struct fa_option_given *more, size_t count, struct fa_options **options,
                void **self)
{
    struct fa_option_given given[8] = {
        {.name = "relay", .text = FA_STR("mail.example.com")},
        {.name = "from", .text = FA_STR("Fire alarm <alarm@example.com>")}};
    size_t given_count = 2;
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (size_t j = 0; j < 2; j++) {
            if (strcmp(given[j].name, more[i].name) == 0) {
                given[j] = more[i];
                known = true;
            }
        }
        if (!known) {
            given[given_count++] = more[i];
        }
    }
    return notifier_make(given, given_count, options, self);
}

static void render(const struct firealarm_notice *notice, const struct fa_option_given *more,
                   size_t count, void (*look)(const struct firealarm_request_out *req))
{
    struct fa_options *options = NULL;
    void *self = NULL;
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    if (make(more, count, &options, &self) != 0 ||
        firealarm_notifier.render(self, notice, &req, &error) != 0) {
        fail_msg("%s%s", notifier_errors, error.text);
    }
    look(&req);
    firealarm_notifier.destroy(self);
    fa_options_free(options);
}

static void look_at_headers(const struct firealarm_request_out *req)
{
    static const char expect[] =
        "From: Fire alarm\r\n <alarm@example.com>\r\n"
        "To: =?UTF-8?B?QW5uIMOEcmdlcg==?=\r\n <ann@example.com>\r\n"
        "Subject: CRITICAL: Support queue answers in 5 min 12 s\r\n"
        "Date: Sat, 22 Nov 2025 08:40:00 +0000\r\n"
        "Message-ID: <N1-x@example.com>\r\n"
        "In-Reply-To: <thread-A1@example.com>\r\n"
        "References: <thread-A1@example.com>\r\n"
        "List-Id: <firealarm.example.com>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "X-Auto-Response-Suppress: OOF, DR, RN, NRN, AutoReply\r\n"
        "Importance: high\r\nX-Priority: 1\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=\"=-firealarm-part-=\"\r\n\r\n"
        "--=-firealarm-part-=\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n";
    assert_true(req->body.len > sizeof expect);
    if (memcmp(req->body.ptr, expect, sizeof expect - 1) != 0) {
        fail_msg("%s", req->body.ptr);
    }
    assert_string_equal(req->url.ptr, "smtp://mail.example.com:587");
    assert_string_equal(req->mail_from.ptr, "alarm@example.com");
    assert_string_equal(req->rcpt_to.ptr, "ann@example.com");
    assert_string_equal(req->helo.ptr, "example.com");
    assert_int_equal(req->flags, FIREALARM_REQ_ALLOW_PRIVATE);
}

static void the_headers_are_these_and_no_others(void **state)
{
    struct firealarm_notice notice = {.size = sizeof notice,
                                      .key = TEXT("N1.x"),
                                      .kind = TEXT("alarm"),
                                      .severity = TEXT("critical"),
                                      .title = TEXT("Support queue answers in 5 min 12 s"),
                                      .recipient = TEXT("Ann \xc3\x84rger"),
                                      .address = TEXT("ann@example.com"),
                                      .thread = TEXT("A1"),
                                      .now = INT64_C(1763800800000)};
    render(&notice, NULL, 0, look_at_headers);
}

static void look_at_subject(const struct firealarm_request_out *req)
{
    /* Folded between characters, each word at most 75 bytes. */
    assert_contains(
        req->body.ptr,
        "Subject: =?UTF-8?B?UmVzb2x2ZWQ6IEhJR0g6IGEgQmNjOiBldmlsQGV4YW1wbGUuY29tID0/?=\r\n"
        " =?UTF-8?B?");
    assert_null(strstr(req->body.ptr, "\r\nBcc"));
    assert_null(strstr(req->body.ptr, "X-Priority"));
    assert_null(strstr(req->body.ptr, "Auto-Submitted"));
    assert_contains(req->body.ptr, "List-Id: <alarms.example.com>");
    assert_string_equal(req->url.ptr, "smtps://mail.example.com:465");
}

static void a_title_cannot_become_a_header(void **state)
{
    const struct fa_option_given more[] = {
        {.name = "tls", .text = FA_STR("tls")},
        {.name = "list_id", .text = FA_STR("alarms.example.com")},
        {.name = "auto_submitted", .kind = FA_GIVEN_BOOL, .number = 0}};
    struct firealarm_notice notice = {
        .size = sizeof notice,
        .kind = TEXT("resolved"),
        .severity = TEXT("high"),
        .title = TEXT("a\nBcc: evil@example.com =?UTF-8?Q?x?= \xf0\x9f\x94\xa5\xf0\x9f\x94\xa5"),
        .address = TEXT("ann@example.com")};
    render(&notice, more, 3, look_at_subject);
}

static size_t length;

static void take_length(const struct firealarm_request_out *req)
{
    length = req->body.len;
}

static void look_at_help(const struct firealarm_request_out *req)
{
    assert_contains(req->body.ptr, "Subject: Help wanted: A colleague asks\r\n");
    take_length(req);
}

/* Who is asked for help is not shouted at, and a short report is read once. */
static void what_the_title_said_is_not_said_again(void **state)
{
    struct firealarm_notice notice = {.size = sizeof notice,
                                      .key = TEXT("N1.x"),
                                      .kind = TEXT("help"),
                                      .severity = TEXT("warning"),
                                      .title = TEXT("A colleague asks"),
                                      .expect = TEXT("Help"),
                                      .address = TEXT("ann@example.com"),
                                      .thread = TEXT("A1"),
                                      .now = INT64_C(1763800800000)};
    render(&notice, NULL, 0, look_at_help);
    size_t alone = length;
    notice.summary = notice.title;
    render(&notice, NULL, 0, take_length);
    assert_int_equal(length, alone);
    notice.summary = FIREALARM_TEXT("A colleague asks; and there is more");
    render(&notice, NULL, 0, take_length);
    assert_true(length > alone);
}

/* Both parts of the mail in clear, one behind the other. */
static char parts[64 * 1024];
static void read_parts(const struct firealarm_request_out *req)
{
    static const char begin[] = "Content-Transfer-Encoding: base64\r\n\r\n";
    size_t len = 0, got = 0;
    for (const char *at = req->body.ptr; (at = strstr(at, begin)) != NULL;) {
        at += sizeof begin - 1;
        const char *end = strstr(at, "--=-firealarm");
        assert_int_equal(sodium_base642bin((unsigned char *)parts + len, sizeof parts - 1 - len, at,
                                           (size_t)(end - at), "\r\n", &got, NULL,
                                           sodium_base64_VARIANT_ORIGINAL),
                         0);
        len += got;
        at = end;
    }
    parts[len] = '\0';
}

static void look_at_drill(const struct firealarm_request_out *req)
{
    assert_contains(req->body.ptr, "Subject: DRILL of the policy leaders\r\n");
    assert_null(strstr(req->body.ptr, "X-Priority"));
    read_parts(req);
    assert_int_equal(strncmp(parts, "DRILL of the policy leaders\nNothing has happened: this", 54),
                     0);
    assert_contains(parts, ">Drill</b>");
}

static void a_mail_about_a_drill_begins_with_that_word(void **state)
{
    static const struct firealarm_text kinds[] = {TEXT("alarm"), TEXT("reminder"),
                                                  TEXT("resolved")};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct firealarm_notice notice = {.size = sizeof notice,
                                          .kind = kinds[i],
                                          .severity = TEXT("drill"),
                                          .title = TEXT("DRILL of the policy leaders"),
                                          .address = TEXT("ann@example.com")};
        render(&notice, NULL, 0, look_at_drill);
    }
}

static void look_at_german(const struct firealarm_request_out *req)
{
    /* As it is read: the word, the severity, the title; folded at a character; each word at most 75
     * bytes.
     */
    assert_contains(
        req->body.ptr,
        "Subject: =?UTF-8?B?w5xiZXJmw6RsbGlnOiBDUklUSUNBTDogWsOkaGxlciAmIDxaw7xnZT4g?=\r\n"
        " =?UTF-8?B?w7zDvMO8w7zDvMO8?=\r\n");
    assert_contains(req->body.ptr, "Importance: high");
    for (const char *at = req->body.ptr; *at != '\0' && strncmp(at, "\r\n\r\n", 4) != 0; at++) {
        assert_true((unsigned char)*at < 0x80); /* in no header is a letter that is not ASCII */
    }
    read_parts(req);
}

/* What the notice brings no word for is said in English; a word cannot become mark-up. */
static void a_mail_is_in_the_words_that_the_notice_brings(void **state)
{
    static const char *const wanted[] = {
        "\nDie Zeit <ist> um.\n",
        "Expected of you: Handeln\n",
        "\nhttps://alarm.example.com/a/T\n\nund den Code 482 913\n",
        "\nFrist: 22. November 09:40 CET\n",
        "\nKunde: Initech\n",
        "\nQueue: north\n",
        "\nSent at: 22. November 08:40 CET\n",
        "<html lang=\"de\">",
        "CRITICAL</b> &nbsp;Die Zeit &lt;ist&gt; um.</td>",
        "\">&lt;Ich&gt;</a>",
        ">482 913</div>",
        ">Kunde</td>",
    };
    struct firealarm_text words[FIREALARM_WORD_CUSTOMER + 1] = {
        [FIREALARM_WORD_OVERDUE] = TEXT("\xc3\x9c"
                                        "berf\xc3\xa4llig"),
        [FIREALARM_WORD_OVERDUE_SAYS] = TEXT("Die Zeit <ist> um."),
        [FIREALARM_WORD_TYPE_CODE] = TEXT("und den Code"),
        [FIREALARM_WORD_NEXT_WORD_BY] = TEXT("Frist"),
        [FIREALARM_WORD_OWN_IT] = TEXT("<Ich>"),
        [FIREALARM_WORD_CUSTOMER] = TEXT("Kunde"),
    };
    const struct firealarm_field fields[] = {{TEXT("customer"), TEXT("Initech")},
                                             {TEXT("queue"), TEXT("north")}};
    struct firealarm_notice notice = {
        .size = sizeof notice,
        .kind = TEXT("overdue"),
        .severity = TEXT("critical"),
        .title =
            TEXT("Z\xc3\xa4hler & <Z\xc3\xbcge> \xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"),
        .expect = TEXT("Handeln"),
        .address = TEXT("ann@example.com"),
        .ack_url = TEXT("https://alarm.example.com/a/T"),
        .ack_code = TEXT("482 913"),
        .language = TEXT("de"),
        .words = words,
        .word_count = FIREALARM_WORD_CUSTOMER + 1,
        .promised = INT64_C(1763800800000),
        .promised_when = TEXT("22. November 09:40 CET"),
        .sent_when = TEXT("22. November 08:40 CET"),
        .fields = fields,
        .field_count = 2};
    render(&notice, NULL, 0, look_at_german);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_contains(parts, wanted[i]);
    }
}

static void a_link_and_its_code_stand_in_both_parts_and_in_no_header(void **state)
{
    static const char *const wanted[] = {
        "To own it, open this link:\nhttps://alarm.example.com/a/T0-ken_1\n\n"
        "and type the code 482 913\n\nOr: firealarm ack A1",
        "<a href=\"https://alarm.example.com/a/T0-ken_1\" ",
        ">482 913</div>",
        "Or: firealarm ack A1",
    };
    struct firealarm_notice notice = {.size = sizeof notice,
                                      .key = TEXT("N1.x"),
                                      .kind = TEXT("alarm"),
                                      .severity = TEXT("critical"),
                                      .title = TEXT("Slow"),
                                      .address = TEXT("ann@example.com"),
                                      .how_to_ack = TEXT("firealarm ack A1"),
                                      .ack_url = TEXT("https://alarm.example.com/a/T0-ken_1"),
                                      .ack_code = TEXT("482 913"),
                                      .thread = TEXT("A1"),
                                      .now = INT64_C(1763800800000)};
    render(&notice, NULL, 0, read_parts);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_contains(parts, wanted[i]);
    }
    notice.ack_url = notice.ack_code = (struct firealarm_text)TEXT("");
    render(&notice, NULL, 0, read_parts);
    assert_contains(parts, "To own it: firealarm ack A1");
    assert_null(strstr(parts, "href"));
}

/* Whom a reminder widens to reads first that nobody owns it, and then who was called. */
static void a_reminder_says_that_nobody_owns_it_and_who_was_called(void **state)
{
    struct firealarm_notice notice = {.size = sizeof notice,
                                      .kind = TEXT("reminder"),
                                      .severity = TEXT("critical"),
                                      .title = TEXT("Slow"),
                                      .address = TEXT("ann@example.com"),
                                      .told = TEXT("Chris Olsen, Kim <2>")};
    render(&notice, NULL, 0, read_parts);
    assert_int_equal(strncmp(parts, "Reminder: CRITICAL: Slow\nNobody owns this yet.\n", 47), 0);
    assert_contains(parts, "\nCalled, and nobody owns it: Chris Olsen, Kim <2>\n");
    assert_contains(parts, "CRITICAL</b> &nbsp;Nobody owns this yet.</td>");
    assert_contains(parts, ">Called, and nobody owns it</td>");
    assert_contains(parts, ">Chris Olsen, Kim &lt;2&gt;</td>");
    notice.kind = (struct firealarm_text)TEXT("alarm");
    render(&notice, NULL, 0, read_parts);
    assert_null(strstr(parts, "obody owns"));
    assert_contains(parts, "\nAlso told: Chris Olsen, Kim <2>\n");
}

static void a_digest_has_a_line_for_each_alarm_in_both_parts(void **state)
{
    static const char *const wanted[] = {
        "* CRITICAL: Slow <1>\n  A1, since noon\n  https://alarm.example.com/a/T code 482 913\n",
        "* Calm for now: WARNING: Late\n  A2, since ten, returned\n",
        "CRITICAL: </b>Slow &lt;1&gt;<br>",
        "<a href=\"https://alarm.example.com/a/T\">Own it</a> code <b>482 913</b>",
        "A2, since ten, returned</span></p>",
    };
    const struct firealarm_line lines[] = {{.alarm = TEXT("A1"),
                                            .kind = TEXT("alarm"),
                                            .severity = TEXT("critical"),
                                            .state = TEXT("unacknowledged"),
                                            .title = TEXT("Slow <1>"),
                                            .when = TEXT("noon"),
                                            .ack_url = TEXT("https://alarm.example.com/a/T"),
                                            .ack_code = TEXT("482 913")},
                                           {.alarm = TEXT("A2"),
                                            .kind = TEXT("returned"),
                                            .severity = TEXT("warning"),
                                            .state = TEXT("returned"),
                                            .title = TEXT("Late"),
                                            .when = TEXT("ten")}};
    struct firealarm_notice notice = {.size = sizeof notice,
                                      .key = TEXT("N1.x"),
                                      .kind = TEXT("digest"),
                                      .severity = TEXT("critical"),
                                      .title = TEXT("2 alarms"),
                                      .address = TEXT("ann@example.com"),
                                      .lines = lines,
                                      .line_count = 2,
                                      .now = INT64_C(1763800800000)};
    render(&notice, NULL, 0, read_parts);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_contains(parts, wanted[i]);
    }
}

static void a_wrong_option_is_refused_in_words(void **state)
{
    static const struct {
        const char *name, *text, *expect;
    } table[] = {
        {"relay", "mail example", "host or host:port"},
        {"relay", "mail:0", "host or host:port"},
        {"relay", "mail:99999", "host or host:port"},
        {"relay", "mail:25/x", "host or host:port"},
        {"from", "Fire alarm", "from is no mail address"},
        {"from", "Fire alarm <alarm@example.com", "lacks the >"},
        {"from", "a@b\r\nX: y", "from is no mail address"},
        {"tls", "none", "allow_plain = true"},
        {"tls", "maybe", "starttls"},
        {"helo", "a b", "helo is no host name"},
        {"list_id", "<x>", "list_id"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct fa_option_given more = {.name = table[i].name,
                                             .text = fa_str_of(table[i].text)};
        struct fa_options *options = NULL;
        void *self = NULL;
        if (make(&more, 1, &options, &self) == 0) {
            fail_msg("%s = %s was taken", table[i].name, table[i].text);
        }
        assert_contains(notifier_errors, table[i].expect);
    }
}

static void addresses_are_checked_strictly(void **state)
{
    static const struct {
        const char *address;
        bool good;
    } table[] = {
        {"ann@example.com", true},
        {"ann+alarm@mail.example.com", true},
        {"o'hara@example.com", true},
        {"ann@xn--bcher-kva.example", true},
        {"", false},
        {"ann", false},
        {"@example.com", false},
        {"ann@", false},
        {"ann@@example.com", false},
        {"ann@exa mple.com", false},
        {".ann@example.com", false},
        {"ann.@example.com", false},
        {"ann@example..com", false},
        {"ann@b\xc3\xbc"
         "cher.example",
         false},
        {"<ann@example.com>", false},
        {"ann@example.com\r\nRCPT TO:<x@y>", false},
        {"ann@example.com,ben@example.com", false},
        {"\"a b\"@example.com", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct firealarm_error error = {""};
        struct firealarm_text address = {table[i].address, strlen(table[i].address)};
        bool good = firealarm_notifier.check_address(address, &error) == 0;
        if (good != table[i].good || good != (error.text[0] == '\0')) {
            fail_msg("%s", table[i].address);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_headers_are_these_and_no_others),
        cmocka_unit_test(a_title_cannot_become_a_header),
        cmocka_unit_test(a_mail_about_a_drill_begins_with_that_word),
        cmocka_unit_test(what_the_title_said_is_not_said_again),
        cmocka_unit_test(a_reminder_says_that_nobody_owns_it_and_who_was_called),
        cmocka_unit_test(a_digest_has_a_line_for_each_alarm_in_both_parts),
        cmocka_unit_test(a_mail_is_in_the_words_that_the_notice_brings),
        cmocka_unit_test(a_link_and_its_code_stand_in_both_parts_and_in_no_header),
        cmocka_unit_test(a_wrong_option_is_refused_in_words),
        cmocka_unit_test(addresses_are_checked_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_webhook_static fa_host fa_base fa_public PkgConfig::JANSSON */
#include "notifier_rig.h"

#include <jansson.h>
#include <unistd.h>

static void write_secret(char *path, const char *text)
{
    strcpy(path, "/tmp/fa-secret-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static struct firealarm_text header_of(const struct firealarm_request_out *req, const char *name)
{
    for (uint32_t i = 0; i < req->header_count; i++) {
        if (req->headers[i].name.len == strlen(name) &&
            memcmp(req->headers[i].name.ptr, name, strlen(name)) == 0) {
            return req->headers[i].value;
        }
    }
    return (struct firealarm_text){"", 0};
}

static void the_body_has_all_members_in_their_order(void **state)
{
    static const char expect[] =
        "{\"version\":1,\"key\":\"N1\",\"kind\":\"alarm\",\"attempt\":2,"
        "\"sent\":\"2025-11-22T08:40:00Z\",\"alarm\":{\"id\":\"A1\",\"rule\":\"slow\","
        "\"severity\":\"critical\",\"category\":\"\",\"policy\":\"\",\"state\":\"\",\"step\":1,"
        "\"loop\":0,\"since\":\"2025-11-22T08:15:00Z\",\"raised\":null,\"owner\":\"\","
        "\"promised\":null},\"recipient\":\"\",\"title\":\"Caf\xc3\xa9 \\\"x\\\"\","
        "\"summary\":\"\","
        "\"details\":\"\",\"when\":\"\",\"expect\":\"\",\"told\":\"\",\"how_to_ack\":\"\","
        "\"ack_url\":\"\",\"ack_code\":\"\","
        "\"fields\":{\"queue\":\"support\"}}";
    const struct fa_option_given given[] = {
        {.name = "url", .text = FA_STR("https://hooks.example.com/x")},
        {.name = "headers", .text = FA_STR("X-Team: sales\nX-Empty:\n")}};
    struct firealarm_field field = {TEXT("queue"), TEXT("support")};
    struct firealarm_notice notice = {.size = sizeof notice,
                                      .attempt = 2,
                                      .key = TEXT("N1"),
                                      .kind = TEXT("alarm"),
                                      .alarm = TEXT("A1"),
                                      .rule = TEXT("slow"),
                                      .severity = TEXT("critical"),
                                      .title = TEXT("Caf\xc3\xa9 \"x\""),
                                      .step = 1,
                                      .since = INT64_C(1763799300000),
                                      .now = INT64_C(1763800800000),
                                      .fields = &field,
                                      .field_count = 1};
    struct fa_options *options = NULL;
    void *self = NULL;
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    assert_int_equal(notifier_make(given, 2, &options, &self), 0);
    assert_int_equal(firealarm_notifier.render(self, &notice, &req, &error), 0);
    assert_string_equal(req.body.ptr, expect);
    assert_int_equal(req.body.len, strlen(expect));
    assert_memory_equal(header_of(&req, "webhook-id").ptr, "N1", 3);
    assert_string_equal(header_of(&req, "webhook-timestamp").ptr, "1763800800");
    assert_int_equal(header_of(&req, "webhook-signature").len, 0);
    assert_memory_equal(header_of(&req, "X-Team").ptr, "sales", 5);
    notice.title = (struct firealarm_text)TEXT("\xff");
    assert_int_equal(firealarm_notifier.render(self, &notice, &req, &error), -1);
    assert_contains(error.text, "no UTF-8");
    firealarm_notifier.destroy(self);
    fa_options_free(options);
}

static void a_digest_names_each_of_its_alarms(void **state)
{
    static const char expect[] =
        "\"lines\":[{\"alarm\":\"A1\",\"kind\":\"alarm\",\"severity\":\"critical\",\"rule\":\"slow\","
        "\"state\":\"unacknowledged\",\"owner\":\"\",\"title\":\"One\",\"when\":\"noon\","
        "\"ack_url\":\"https://x/1\",\"ack_code\":\"482 913\"},{\"alarm\":\"A2\",\"kind\":\"returned\","
        "\"severity\":\"\",\"rule\":\"\",\"state\":\"\",\"owner\":\"\",\"title\":\"\",\"when\":\"\","
        "\"ack_url\":\"\",\"ack_code\":\"\"}]}";
    const struct fa_option_given given[] = {
        {.name = "url", .text = FA_STR("https://hooks.example.com/x")}};
    const struct firealarm_line lines[] = {{.alarm = TEXT("A1"),
                                            .kind = TEXT("alarm"),
                                            .severity = TEXT("critical"),
                                            .rule = TEXT("slow"),
                                            .state = TEXT("unacknowledged"),
                                            .title = TEXT("One"),
                                            .when = TEXT("noon"),
                                            .ack_url = TEXT("https://x/1"),
                                            .ack_code = TEXT("482 913")},
                                           {.alarm = TEXT("A2"), .kind = TEXT("returned")}};
    struct firealarm_notice notice = {.size = sizeof notice,
                                      .key = TEXT("N1"),
                                      .kind = TEXT("digest"),
                                      .lines = lines,
                                      .line_count = 2};
    struct fa_options *options = NULL;
    void *self = NULL;
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    assert_int_equal(notifier_make(given, 1, &options, &self), 0);
    assert_int_equal(firealarm_notifier.render(self, &notice, &req, &error), 0);
    assert_contains(req.body.ptr, expect);
    firealarm_notifier.destroy(self);
    fa_options_free(options);
}

static struct firealarm_text text_in(const char *text)
{
    return (struct firealarm_text){text, strlen(text)};
}

static void *make_batching(struct fa_options **options)
{
    const struct fa_option_given given[] = {
        {.name = "url", .text = FA_STR("https://hooks.example.com/x")},
        {.name = "batch", .kind = FA_GIVEN_INT, .number = 50, .text = {"", 0}}};
    void *self = NULL;
    assert_int_equal(notifier_make(given, 2, options, &self), 0);
    return self;
}

/* As a reader with another parser sees them. */
static void texts_of_all_kinds_come_through_as_they_are(void **state)
{
    static const char *const texts[] = {
        "",
        "plain",
        "\"quoted\" \\ back / slash",
        "two\nlines\tand\ra tab",
        "\x01\x02\x1f\x7f control",
        "\b\f",
        "Caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5 \xed\x9f\xbf \xf4\x8f\xbf\xbf",
    };
    struct fa_options *options = NULL;
    void *self = make_batching(&options);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct firealarm_field fields[] = {{TEXT("twice"), TEXT("first")},
                                           {TEXT("name \"x\""), text_in(texts[i])},
                                           {TEXT("twice"), TEXT("last")}};
        struct firealarm_notice notice = {.size = sizeof notice,
                                          .key = TEXT("K"),
                                          .details = text_in(texts[i]),
                                          .since = INT64_C(951782399999),
                                          .raised = INT64_C(4107542400000),
                                          .fields = fields,
                                          .field_count = 3};
        struct firealarm_request_out req = {.size = sizeof req};
        struct firealarm_error error = {""};
        assert_int_equal(firealarm_notifier.render(self, &notice, &req, &error), 0);
        json_t *root = json_loadb(req.body.ptr, req.body.len, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        json_t *alarm = json_object_get(root, "alarm"), *all = json_object_get(root, "fields");
        assert_string_equal(json_string_value(json_object_get(root, "details")), texts[i]);
        assert_string_equal(json_string_value(json_object_get(all, "name \"x\"")), texts[i]);
        assert_string_equal(json_string_value(json_object_get(all, "twice")), "last");
        assert_string_equal(json_string_value(json_object_get(alarm, "since")),
                            "2000-02-28T23:59:59Z");
        assert_string_equal(json_string_value(json_object_get(alarm, "raised")),
                            "2100-03-01T00:00:00Z");
        json_decref(root);
    }
    firealarm_notifier.destroy(self);
    fa_options_free(options);
}

static void what_is_no_utf8_is_refused(void **state)
{
    static const char *const texts[] = {"\xff",
                                        "\x80",
                                        "\xc0\x80",
                                        "\xc3",
                                        "\xe0\x80\x80",
                                        "\xed\xa0\x80",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xe2\x82",
                                        "a\xc3"
                                        "b"};
    struct fa_options *options = NULL;
    void *self = make_batching(&options);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct firealarm_notice notice = {
            .size = sizeof notice, .key = TEXT("K"), .title = text_in(texts[i])};
        struct firealarm_request_out req = {.size = sizeof req};
        struct firealarm_error error = {""};
        if (firealarm_notifier.render(self, &notice, &req, &error) == 0) {
            fail_msg("text %zu was taken", i);
        }
        assert_contains(error.text, "no UTF-8");
    }
    firealarm_notifier.destroy(self);
    fa_options_free(options);
}

static void add(void *self, const char *key, const char *title, int32_t expect)
{
    struct firealarm_notice notice = {
        .size = sizeof notice, .key = text_in(key), .title = text_in(title), .now = 1000};
    struct firealarm_error error = {""};
    assert_int_equal(firealarm_notifier.batch_add(self, &notice, &error), expect);
}

/* Gives the batch's webhook-id and how many members it has. */
static size_t render_batch(void *self, char *id, size_t size)
{
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    assert_int_equal(firealarm_notifier.batch_render(self, &req, &error), 0);
    json_t *root = json_loadb(req.body.ptr, req.body.len, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "type")), "firealarm.batch");
    size_t count = json_array_size(json_object_get(root, "notifications"));
    json_decref(root);
    struct firealarm_text value = header_of(&req, "webhook-id");
    snprintf(id, size, "%.*s", (int)value.len, value.ptr);
    return count;
}

static void a_batch_holds_its_members_and_is_named_by_their_keys(void **state)
{
    char first[128], again[128], other[128];
    struct fa_options *options = NULL;
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    void *self = make_batching(&options);
    assert_int_equal(firealarm_notifier.batch_max(self), 50);
    add(self, "K1", "one", 0);
    add(self, "K2", "\xff", -1); /* is left out and spoils nothing */
    add(self, "K3", "three", 0);
    assert_int_equal(render_batch(self, first, sizeof first), 2);
    add(self, "K1", "one, later", 0);
    add(self, "K3", "three", 0);
    assert_int_equal(render_batch(self, again, sizeof again), 2);
    assert_string_equal(first, again);
    add(self, "K1K3", "the same letters", 0);
    assert_int_equal(render_batch(self, other, sizeof other), 1);
    assert_string_not_equal(first, other);
    assert_int_equal(firealarm_notifier.batch_render(self, &req, &error), -1);
    firealarm_notifier.destroy(self);
    fa_options_free(options);
}

/* The vector's body is not ours, so the signature over ours is checked against one made by the same
 * published key: HMAC-SHA256 by another implementation (see tests/support/standard_webhooks.py). */
static void the_signature_verifies_with_another_implementation(void **state)
{
    char path[32], command[4096], line[512] = "", script[512];
    write_secret(path, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
                       "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    const struct fa_option_given given[] = {
        {.name = "url", .text = FA_STR("https://hooks.example.com/x")},
        {.name = "secret", .text = fa_str_of(path)}};
    struct firealarm_notice notice = {.size = sizeof notice,
                                      .key = TEXT("msg.p5jXN8AQM9LWM0D4loKWxJek"),
                                      .title = TEXT("It's"),
                                      .now = INT64_C(1614265330000)};
    struct fa_options *options = NULL;
    void *self = NULL;
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error error = {""};
    assert_int_equal(notifier_make(given, 2, &options, &self), 0);
    assert_int_equal(firealarm_notifier.render(self, &notice, &req, &error), 0);
    assert_string_equal(header_of(&req, "webhook-id").ptr, "msg_p5jXN8AQM9LWM0D4loKWxJek");
    const char *source = getenv("FA_SOURCE_DIR");
    snprintf(script, sizeof script, "%s/tests/support/standard_webhooks.py",
             source != NULL ? source : ".");
    char body_path[] = "/tmp/fa-body-XXXXXX";
    int fd = mkstemp(body_path);
    assert_int_equal(write(fd, req.body.ptr, req.body.len), (ssize_t)req.body.len);
    close(fd);
    snprintf(command, sizeof command, "/usr/bin/python3 '%s' '%s' '%s' '%s' '%s'", script, path,
             header_of(&req, "webhook-id").ptr, header_of(&req, "webhook-timestamp").ptr,
             body_path);
    FILE *pipe = popen(command, "r");
    assert_non_null(fgets(line, sizeof line, pipe));
    assert_int_equal(pclose(pipe), 0);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(header_of(&req, "webhook-signature").ptr, line);
    firealarm_notifier.destroy(self);
    fa_options_free(options);
    unlink(path);
    unlink(body_path);
}

static void a_wrong_option_is_refused_in_words(void **state)
{
    static const struct {
        const char *name, *text, *expect;
    } table[] = {
        {"url", "ftp://x/", "must begin with https://"},
        {"url", "https://", "must begin with https://"},
        {"url", "http://x/", "allow_plain = true"},
        {"url", "https://x/a b", "blank"},
        {"url", "https://ann:pw@x/", "user name"},
        {"headers", "no colon", "\"Name: value\""},
        {"headers", "X: a\rEvil: b", "control character"},
        {"headers", "Webhook-Id: x", "may not set webhook-id"},
        {"secret", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_"},
        {"secret", "whsec_c2hvcnQ=", "24 to 64 bytes"},
        {"secret", "whsec_****", "base64"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char path[32] = "";
        bool secret = strcmp(table[i].name, "secret") == 0;
        struct fa_option_given given[] = {
            {.name = table[i].name, .text = fa_str_of(table[i].text)},
            {.name = "url", .text = FA_STR("https://hooks.example.com/x")}};
        struct fa_options *options = NULL;
        void *self = NULL;
        if (secret) {
            write_secret(path, table[i].text);
            given[0].text = fa_str_of(path);
        }
        size_t count = strcmp(table[i].name, "url") == 0 ? 1 : 2;
        if (notifier_make(given, count, &options, &self) == 0) {
            fail_msg("%s = %s was taken", table[i].name, table[i].text);
        }
        assert_contains(notifier_errors, table[i].expect);
        if (secret) {
            unlink(path);
        }
    }
}

static void an_answer_without_the_expected_words_is_somebody_else_s(void **state)
{
    static const struct {
        const char *expect, *body;
        uint32_t transport, status, verdict; /* 0: as the courier judges */
    } table[] = {
        {"taken", "{\"status\":\"taken\"}", 0, 200, 0},
        {"taken", "<html>Welcome to the hotel</html>", 0, 200, FIREALARM_REJECTED},
        {"taken", "", 0, 204, FIREALARM_REJECTED},
        {"taken", "take", 0, 200, FIREALARM_REJECTED},
        {"taken", "<html>", 0, 503, 0},
        {"taken", "", 28, 200, 0},
        {NULL, "<html>", 0, 200, 0},
        {NULL, "", 0, 200, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fa_option_given given[] = {
            {.name = "url", .text = FA_STR("https://hooks.example.com/x")},
            {.name = "expect", .text = fa_str_of(table[i].expect)}};
        struct fa_options *options = NULL;
        struct firealarm_error why = {""};
        void *self = NULL;
        assert_int_equal(notifier_make(given, table[i].expect != NULL ? 2 : 1, &options, &self), 0);
        struct firealarm_response response = {
            .size = sizeof response,
            .transport = (int32_t)table[i].transport,
            .status = table[i].status,
            .body = {table[i].body[0] != '\0' ? table[i].body : NULL, strlen(table[i].body)}};
        uint32_t verdict = firealarm_notifier.judge(self, &response, &why);
        if (verdict != table[i].verdict) {
            fail_msg("row %zu: verdict %u", i, verdict);
        }
        assert_int_equal(why.text[0] != '\0', verdict == FIREALARM_REJECTED);
        firealarm_notifier.destroy(self);
        fa_options_free(options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_has_all_members_in_their_order),
        cmocka_unit_test(a_digest_names_each_of_its_alarms),
        cmocka_unit_test(texts_of_all_kinds_come_through_as_they_are),
        cmocka_unit_test(what_is_no_utf8_is_refused),
        cmocka_unit_test(a_batch_holds_its_members_and_is_named_by_their_keys),
        cmocka_unit_test(the_signature_verifies_with_another_implementation),
        cmocka_unit_test(a_wrong_option_is_refused_in_words),
        cmocka_unit_test(an_answer_without_the_expected_words_is_somebody_else_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

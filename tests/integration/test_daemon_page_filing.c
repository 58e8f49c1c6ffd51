/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs firealarm */
/* Filing and status on the pages of a running daemon: what a phone without the client can do, what
 * it proves, and what a stranger learns there about who works here. */
#include "page_rig.h"

#include <signal.h>

static void start(struct rig *rig)
{
    rig->words.listeners = page_listeners;
    rig_start(rig);
}

/* A form of these fields under a key of its own. */
static const struct rig_reply *fill(struct rig *rig, unsigned key, const char *fields)
{
    char form[4096];
    snprintf(form, sizeof form, "key=%032x&%s", key, fields);
    return page(rig, "POST", "/file", form);
}

static void receipt_in(const struct rig_reply *reply, char buf[64])
{
    const char *at = strstr(reply->body, "class=\"receipt\">");
    assert_non_null(at);
    assert_int_equal(
        sscanf(at, "class=\"receipt\"><span>%31[0-9A-Z-]</span><span>%31[0-9A-Z-]", buf, buf + 32),
        2);
    memmove(buf + strlen(buf), buf + 32, strlen(buf + 32) + 1);
}

static void nothing_is_filed_before_the_second_page(void **state)
{
    struct rig *rig = *state;
    char key[64], receipt[64], again[64], form[400];
    start(rig);
    const struct rig_reply *reply = page(rig, "GET", "/file", NULL);
    assert_int_equal(reply->status, 200);
    assert_has(reply->body, "A product that may hurt");
    assert_has(reply->body, "Something else");
    assert_has(reply->head, "Cache-Control: no-store");
    assert_in_range(strlen(reply->body), 1000, 14 * 1024);
    hidden(reply, "key", key, sizeof key);
    assert_int_equal(strlen(key), 32);
    assert_lacks(page(rig, "GET", "/file", NULL)->body, key); /* each page has its own */
    reply = page(rig, "POST", "/file", "category=danger&text=&do=show");
    assert_int_equal(reply->status, 422);
    assert_has(reply->body, "It is NOT filed yet");
    snprintf(form, sizeof form,
             "key=%s&category=danger&text=It+burns&called=Ann+%%3CHill%%3E&do=show", key);
    reply = page(rig, "POST", "/file", form);
    assert_int_equal(reply->status, 200);
    assert_has(reply->body, "This raises the alarm");
    assert_has(reply->body, "At once");
    assert_has(reply->body, "<dd>coo</dd>");
    assert_has(reply->body, "<dd>ceo</dd>");
    assert_has(reply->body, "Ann &lt;Hill&gt;");
    assert_int_equal(receiver_count(rig->receiver), 0);
    assert_null(alarm_now(rig, "filing"));
    snprintf(form, sizeof form,
             "key=%s&category=danger&text=It+burns&called=Ann+%%3CHill%%3E&do=raise", key);
    reply = page(rig, "POST", "/file", form);
    assert_int_equal(reply->status, 201);
    receipt_in(reply, receipt);
    assert_int_equal(strlen(receipt), 39);
    /* Sent twice: one filing, and the same receipt. */
    reply = page(rig, "POST", "/file", form);
    assert_int_equal(reply->status, 200);
    receipt_in(reply, again);
    assert_string_equal(receipt, again);
    rig_until(rig, receiver_find(rig->receiver, "/first", "It burns") != NULL);
    const char *body = receiver_find(rig->receiver, "/first", "It burns")->body;
    assert_has(body, "Who filed it is not proved; the name given is: Ann <Hill>");
    assert_has(body, "heard by the reporter");
    assert_has(body, "\"A product that may hurt: It burns\"");
    rig_stop(rig);
    rig_again(rig);
    reply = page(rig, "POST", "/file", form);
    receipt_in(reply, again);
    assert_string_equal(receipt, again);
    assert_int_equal(receiver_matches(rig->receiver, "/first", "\"kind\":\"alarm\""), 1);
    rig_stop(rig);
}

static void the_page_names_nobody_and_believes_every_name(void **state)
{
    static const char *const names[] = {"Chris", "Olsen", "Dana",  "Whitfield",
                                        "Maria", "Lopez", "chris", "dana"};
    struct rig *rig = *state;
    start(rig);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_lacks(page(rig, "GET", "/file", NULL)->body, names[i]);
        assert_lacks(fill(rig, 1, "category=danger&text=x&do=show")->body, names[i]);
    }
    /* A display name, in whatever letters: he, and those near him, are left out. */
    const struct rig_reply *reply =
        fill(rig, 2, "category=danger&text=About+him&about=+chris+OLSEN+&do=show");
    assert_lacks(reply->body, "<dd>coo</dd>");
    assert_has(reply->body, "an independent contact");
    assert_int_equal(
        fill(rig, 2, "category=danger&text=About+him&about=+chris+OLSEN+&do=raise")->status, 201);
    rig_until(rig, receiver_find(rig->receiver, "/ruth", "About him") != NULL);
    /* A name that nobody has may be anybody's, with a colon in it too. */
    static const char *const unknown[] = {"Jon+Doe", "role%3ANobody", "HR%3A+Chris"};
    for (unsigned i = 0; i < 3; i++) {
        char fields[200], word[40];
        snprintf(word, sizeof word, "Unknown-%u", i);
        snprintf(fields, sizeof fields, "category=danger&text=%s&about=%s&do=show", word,
                 unknown[i]);
        reply = fill(rig, 10 + i, fields);
        assert_lacks(reply->body, "<dd>coo</dd>");
        assert_lacks(reply->body, "Did you mean");
        snprintf(fields, sizeof fields, "category=danger&text=%s&about=%s&do=raise", word,
                 unknown[i]);
        assert_int_equal(fill(rig, 10 + i, fields)->status, 201);
        rig_until(rig, receiver_find(rig->receiver, "/ruth", word) != NULL);
        assert_null(receiver_find(rig->receiver, "/first", word));
        assert_null(receiver_find(rig->receiver, "/dana", word));
    }
    rig_stop(rig);
}

static void what_may_be_solved_may_be_raised(void **state)
{
    struct rig *rig = *state;
    start(rig);
    const struct rig_reply *reply = fill(rig, 1, "category=question&text=Late&do=show");
    assert_has(reply->body, "Most people can solve this");
    assert_has(reply->body, "value=\"show-raise\"");
    reply = fill(rig, 1, "category=question&text=Late&do=show-raise");
    assert_has(reply->body, "This raises the alarm");
    reply = fill(rig, 1, "category=question&text=Late&do=edit");
    assert_int_equal(reply->status, 200);
    assert_has(reply->body, "value=\"question\" checked");
    assert_has(reply->body, ">\nLate</textarea>");
    assert_int_equal(fill(rig, 1, "category=question&text=Late&do=file")->status, 201);
    assert_int_equal(receiver_count(rig->receiver), 0);
    /* Unsorted: raised, and nobody needs to know why. */
    assert_int_equal(
        fill(rig, 2, "category=&text=Unsorted&known=seen&since=2020-11-20&do=raise")->status, 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "Unsorted") != NULL);
    rig_stop(rig);
}

static void a_receipt_shows_what_became_of_it(void **state)
{
    struct rig *rig = *state;
    char receipt[64], form[300];
    start(rig);
    receipt_in(fill(rig, 1, "category=danger&text=It+burns&do=raise"), receipt);
    rig_until(rig, receiver_find(rig->receiver, "/first", "It burns") != NULL);
    snprintf(form, sizeof form, "receipt=%s", receipt);
    const struct rig_reply *reply;
    rig_until(rig,
              strstr(page(rig, "POST", "/status", form)->body, "People told so far: 1.") != NULL);
    reply = page(rig, "POST", "/status", form);
    assert_has(reply->body, "Nobody has taken it on yet");
    assert_lacks(reply->body, "Chris");
    assert_lacks(reply->body, "It burns"); /* who finds the receipt does not find the words */
    snprintf(form, sizeof form, "receipt=%s&comment=It+%%3Cb%%3Estill%%3C%%2Fb%%3E+burns", receipt);
    reply = page(rig, "POST", "/status", form);
    assert_has(reply->body, "It &lt;b&gt;still&lt;/b&gt; burns");
    struct page_link link = link_of(rig, "/first", "It burns");
    char seen[40], code[64];
    hidden(page(rig, "GET", link.path, NULL), "seen", seen, sizeof seen);
    snprintf(code, sizeof code, "code=%.3s%s&seen=%s", link.code, link.code + 4, seen);
    reply = page(rig, "POST", link.path, code);
    assert_int_equal(reply->status, 200);
    assert_has(reply->body, "It burns"); /* the code is right: he has the message */
    snprintf(form, sizeof form, "receipt=%s", receipt);
    reply = page(rig, "POST", "/status", form);
    assert_has(reply->body, "Somebody is on it");
    assert_lacks(reply->body, "Chris");
    /* Never in an address: what stands there is not looked at. */
    snprintf(form, sizeof form, "/status?receipt=%s", receipt);
    reply = page(rig, "GET", form, NULL);
    assert_lacks(reply->body, "Somebody is on it");
    assert_lacks(reply->body, receipt);
    rig_stop(rig);
}

/* What is answered about the receipt: as JSON, on the page, and what `firealarm status` prints. */
struct told_of {
    json_t *json; /* whoever asked frees it */
    char page[1 << 14], printed[2000];
};

static void ask_all(struct rig *rig, const char *receipt, struct told_of *told)
{
    char text[128];
    snprintf(text, sizeof text, "{\"receipt\":\"%s\"}", receipt);
    told->json = rig_json(rig_post(rig, "/v1/status", text));
    snprintf(text, sizeof text, "receipt=%s", receipt);
    snprintf(told->page, sizeof told->page, "%s", page(rig, "POST", "/status", text)->body);
    snprintf(text, sizeof text, "status %s", receipt);
    assert_int_equal(rig_client(rig, text, told->printed, sizeof told->printed), 0);
}

static json_int_t words_of(const struct told_of *told, const char *which)
{
    return json_integer_value(json_object_get(json_object_get(told->json, "words"), which));
}

/* As the owner sees it; "" when nothing is promised. */
static void promised(struct rig *rig, char buf[64])
{
    json_t *alarm = alarm_now(rig, "filing");
    const char *until = json_string_value(json_object_get(alarm, "promised"));
    snprintf(buf, 64, "%s", until != NULL ? until : "");
    json_decref(alarm);
}

static void own_for(struct rig *rig, const char *body)
{
    json_t *alarm = alarm_now(rig, "filing");
    char path[120];
    snprintf(path, sizeof path, "/v1/alarms/%s/ack",
             json_string_value(json_object_get(alarm, "id")));
    json_decref(alarm);
    const struct rig_call call = {.method = "POST",
                                  .path = path,
                                  .body = body,
                                  .header = "Authorization: Bearer " RIG_TOKEN "\r\n"};
    assert_int_equal(rig_ask(rig, &call)->status, 200);
}

static void who_filed_sees_what_is_promised_and_whether_it_was_kept(void **state)
{
    static struct told_of told;
    struct rig *rig = *state;
    char receipt[64], until[64], printed[64];
    if (!rig_has_hooks()) {
        print_message("SKIPPED: built without test hooks\n");
        skip();
    }
    start(rig);
    rig_client_settings(rig, false);
    receipt_in(fill(rig, 1, "category=danger&text=It+burns&do=raise"), receipt);
    rig_until(rig, receiver_find(rig->receiver, "/first", "It burns") != NULL);
    ask_all(rig, receipt, &told);
    assert_true(json_is_null(json_object_get(told.json, "owned_until")));
    assert_int_equal(words_of(&told, "kept") + words_of(&told, "missed"), 0);
    assert_lacks(told.page, "promised");
    assert_lacks(told.page, "Promises to say more");
    assert_lacks(told.printed, "Next word");
    assert_lacks(told.printed, "Promises");
    json_decref(told.json);

    own_for(rig, "{\"for\":\"1h\"}");
    own_for(rig, "{\"for\":\"1m\"}"); /* before the hour was over: a word kept */
    promised(rig, until);
    ask_all(rig, receipt, &told);
    assert_string_equal(json_string_value(json_object_get(told.json, "owned_until")), until);
    assert_int_equal(words_of(&told, "kept"), 1);
    assert_int_equal(words_of(&told, "missed"), 0);
    assert_has(told.page, "They promised to say more by ");
    assert_has(told.page, "Promises to say more: 1 kept, 0 missed.");
    snprintf(printed, sizeof printed, "%.5s", strchr(until, 'T') + 1);
    assert_has(strstr(told.printed, "Next word"), printed);
    assert_has(told.printed, "Promises    1 kept, 0 missed\n");
    json_decref(told.json);

    for (unsigned i = 0; i < 2; i++) {
        rig_later(rig);
    }
    rig_until(rig, receiver_find(rig->receiver, "/dana", "\"kind\":\"overdue\"") != NULL);
    ask_all(rig, receipt, &told);
    assert_true(json_is_null(json_object_get(told.json, "owned_until")));
    assert_int_equal(words_of(&told, "kept"), 1);
    assert_int_equal(words_of(&told, "missed"), 1);
    assert_lacks(told.page, "They promised");
    assert_has(told.page, "Promises to say more: 1 kept, 1 missed.");
    assert_lacks(told.printed, "Next word");
    assert_has(told.printed, "Promises    1 kept, 1 missed\n");
    json_decref(told.json);
    rig_stop(rig);
}

static void a_solved_one_is_closed_by_its_receipt(void **state)
{
    struct rig *rig = *state;
    char receipt[64], form[300];
    start(rig);
    receipt_in(fill(rig, 1, "category=question&text=Late&do=file"), receipt);
    snprintf(form, sizeof form, "receipt=%s", receipt);
    const struct rig_reply *reply = page(rig, "POST", "/status", form);
    assert_has(reply->body, "No alarm was raised yet");
    assert_has(reply->body, "becomes an alarm by itself");
    snprintf(form, sizeof form, "receipt=%s&done=yes", receipt);
    assert_has(page(rig, "POST", "/status", form)->body, "It is closed.");
    rig_stop(rig);
}

static void what_is_no_form_is_answered_on_a_page(void **state)
{
    static const struct {
        const char *path, *form;
        int status;
    } cases[] = {
        {"/status", "", 422},
        {"/status", "receipt=nonsense", 422},
        {"/status", "receipt=7K2Q-M9XA-3DTR-WZ5E", 404},
        {"/status", "receipt=%zz", 400},
        {"/file", "text=%00&do=raise", 400},
        {"/file", "text=x&key=1&do=raise", 422},
        {"/file", "text=x&category=none&key=0123456789abcdef0123456789abcdef&do=raise", 422},
        {"/file", "=x", 400},
        {"/a/x", "code=1", 404},
    };
    struct rig *rig = *state;
    start(rig);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct rig_reply *reply = page(rig, "POST", cases[i].path, cases[i].form);
        if (reply->status != cases[i].status) {
            fail_msg("%s %s: %d\n%s", cases[i].path, cases[i].form, reply->status, reply->body);
        }
        assert_has(reply->body, "</main></body></html>");
    }
    struct rig_call call = {.method = "POST",
                            .path = "/file",
                            .body = "{\"text\":\"x\"}",
                            .header = "Content-Type: application/json\r\n",
                            .port = rig_port(rig, "pages")};
    assert_int_equal(rig_ask(rig, &call)->status, 415);
    /* What programs ask is not here, and pages are not where programs ask. */
    assert_int_equal(page(rig, "GET", "/v1/alarms", NULL)->status, 404);
    assert_int_equal(page(rig, "GET", "/metrics", NULL)->status, 404);
    assert_int_equal(rig_get(rig, "/file")->status, 404);
    assert_int_equal(page(rig, "GET", "/", NULL)->status, 200);
    assert_null(alarm_now(rig, "filing"));
    rig_stop(rig);
}

static void what_the_server_refuses_is_a_page_too(void **state)
{
    static const struct {
        const char *method, *path;
        size_t len;
        int status;
        const char *says;
    } rows[] = {
        {"GET", "/fiel", 0, 404, "nothing at this address"},
        {"GET", "/a/b/c", 0, 404, "nothing at this address"},
        {"PUT", "/file", 0, 405, "That did not work"},
        {"POST", "/file", 200000, 413, "fewer words"},
        {"POST", "/status", 200000, 413, "fewer words"},
    };
    static char form[200001];
    struct rig *rig = *state;
    start(rig);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(form, 'x', rows[i].len);
        form[rows[i].len] = '\0';
        const struct rig_reply *reply =
            page(rig, rows[i].method, rows[i].path, rows[i].len > 0 ? form : NULL);
        assert_int_equal(reply->status, rows[i].status);
        assert_has(reply->head, "text/html; charset=utf-8");
        assert_has(reply->body, rows[i].says);
        assert_has(reply->body, "</main></body></html>");
    }
    /* Programs are answered as programs. */
    assert_has(page(rig, "GET", "/v1/nothing", NULL)->head, "application/problem+json");
    assert_has(rig_get(rig, "/nothing")->head, "application/problem+json");
    rig_stop(rig);
}

static void names_beyond_the_limit_are_refused_and_none_is_left_out(void **state)
{
    struct rig *rig = *state;
    char fields[400] = "category=danger&text=Many&do=raise&about=";
    start(rig);
    for (unsigned i = 0; i < 32; i++) {
        strcat(fields, "leo,");
    }
    strcat(fields, "Chris+Olsen");
    strcat(fields, "&since=yesterday");
    const struct rig_reply *reply = fill(rig, 1, fields);
    assert_int_equal(reply->status, 422);
    assert_has(reply->body, "Who is it about? This must be a list of at most 32");
    assert_has(reply->body, "Since when? &quot;yesterday&quot;: that is no time");
    assert_int_equal(receiver_count(rig->receiver), 0);
    rig_stop(rig);
}

static void who_files_what_reaches_nobody_is_not_told_that_others_know(void **state)
{
    static const char all[] = "about=chris,dana,ruth,leo,vera&category=danger&text=All+of+them";
    struct rig *rig = *state;
    char form[300], receipt[64];
    start(rig);
    snprintf(form, sizeof form, "%s&do=show", all);
    const struct rig_reply *reply = fill(rig, 1, form);
    assert_has(reply->body, "Nobody can be told of it now");
    assert_has(reply->body, "File it all the same");
    assert_lacks(reply->body, "This raises the alarm");
    snprintf(form, sizeof form, "%s&do=raise", all);
    for (int status = 201; status >= 200; status--) { /* the same again */
        reply = fill(rig, 1, form);
        assert_int_equal(reply->status, status);
        assert_has(reply->body, "Nobody can be told of it now");
        assert_lacks(reply->body, "It climbs");
    }
    receipt_in(reply, receipt);
    snprintf(form, sizeof form, "receipt=%s", receipt);
    reply = page(rig, "POST", "/status", form);
    assert_has(reply->body, "Nobody can be told of it now");
    assert_lacks(reply->body, "is being told");
    /* By a program. */
    struct rig_call call = {.method = "POST",
                            .path = "/v1/incidents",
                            .body = "{\"key\": \"0123456789abcdef0123456789abcdef\", \"text\": "
                                    "\"All\", \"category\": \"danger\", \"about\": "
                                    "[\"chris\", \"dana\", \"ruth\", \"leo\", \"vera\"]}"};
    json_t *answer = rig_json(rig_ask(rig, &call));
    assert_true(json_is_true(json_object_get(answer, "nobody")));
    assert_int_equal(json_array_size(json_object_get(answer, "told")), 0);
    json_decref(answer);
    static const char *const paths[] = {"/first", "/dana", "/ruth", "/leo", "/vera"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_null(receiver_find(rig->receiver, paths[i], "All"));
    }
    /* One is left: nothing of the kind is said, before or after they are told. */
    reply = fill(rig, 2, "about=chris,dana,leo,vera&category=danger&text=Some&do=raise");
    assert_lacks(reply->body, "Nobody can be told");
    receipt_in(reply, receipt);
    snprintf(form, sizeof form, "receipt=%s", receipt);
    assert_lacks(page(rig, "POST", "/status", form)->body, "Nobody can be told");
    rig_until(rig, receiver_find(rig->receiver, "/ruth", "Some") != NULL);
    assert_lacks(page(rig, "POST", "/status", form)->body, "Nobody can be told");
    rig_stop(rig);
}

static void a_form_from_another_sites_page_files_nothing(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *site;
        int status;
    } rows[] = {{"cross-site", 403}, {"same-site", 403}, {"same-origin", 201}, {"none", 201}};
    start(rig);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char form[200], header[200];
        snprintf(form, sizeof form, "key=%032x&category=danger&text=Foreign&do=raise", i + 1);
        snprintf(header, sizeof header,
                 "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: %s\r\n",
                 rows[i].site);
        struct rig_call call = {.method = "POST",
                                .path = "/file",
                                .body = form,
                                .port = rig_port(rig, "pages"),
                                .header = header};
        assert_int_equal(rig_ask(rig, &call)->status, rows[i].status);
    }
    rig_stop(rig);
}

static void assert_checked(const struct rig *rig, const char *says)
{
    char command[1024], out[8192];
    snprintf(command, sizeof command,
             "%s/daemon/client/firealarm check %s --plugins %s/plugins 2>&1 < /dev/null",
             getenv("FA_BUILD_DIR"), rig->config, getenv("FA_BUILD_DIR"));
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    out[fread(out, 1, sizeof out - 1, pipe)] = '\0';
    assert_int_equal(pclose(pipe), 0);
    assert_has(out, says);
}

static void what_is_due_in_business_days_is_said_so_before_it_is_filed(void **state)
{
    struct rig *rig = *state;
    rig->words.guide =
        "categories = ( { name = \"danger\"; title = \"A product that may hurt\"; guidance = "
        "\"solve\"; due = \"2 business days\"; severity = \"critical\"; policy = \"leaders\"; } );\n";
    rig->words.more = "calendar = \"always\";\n"
                      "calendars = ( { name = \"always\"; hours = \"Mon-Sun 00:00-24:00\"; } );\n";
    start(rig);
    assert_has(fill(rig, 1, "category=danger&text=x&do=show")->body,
               "If it is not solved in 2 business days, it becomes an alarm by itself.");
    assert_has(rig_get(rig, "/v1/guide")->body, "\"due\":\"2 business days\"");
    const char filing[] = "{\"key\":\"00112233445566778899aabbccddeeff\",\"category\":\"danger\","
                          "\"text\":\"x\"}";
    assert_has(rig_post(rig, "/v1/incidents/preview", filing)->body, "\"due\":\"2 business days\"");
    json_t *answer = rig_json(rig_post(rig, "/v1/incidents", filing));
    assert_true(json_is_string(json_object_get(answer, "due"))); /* the moment */
    json_decref(answer);
    assert_checked(rig, "category danger: 2 business days of always: what is filed on ");
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_filed_before_the_second_page),
        TEST(the_page_names_nobody_and_believes_every_name),
        TEST(what_may_be_solved_may_be_raised),
        TEST(a_receipt_shows_what_became_of_it),
        TEST(who_filed_sees_what_is_promised_and_whether_it_was_kept),
        TEST(a_solved_one_is_closed_by_its_receipt),
        TEST(what_is_no_form_is_answered_on_a_page),
        TEST(what_the_server_refuses_is_a_page_too),
        TEST(names_beyond_the_limit_are_refused_and_none_is_left_out),
        TEST(who_files_what_reaches_nobody_is_not_told_that_others_know),
        TEST(a_form_from_another_sites_page_files_nothing),
        TEST(what_is_due_in_business_days_is_said_so_before_it_is_filed),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

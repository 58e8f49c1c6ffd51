/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig PkgConfig::LIBSODIUM */
/* needs: fa_daemon_programs */
/* Two readers of one alarm, the German one and the English one: their mails, the pages behind their
 * links, and the pages that anybody opens. What programs read stays in English. */
#include "page_rig.h"

#include <signal.h>
#include <sodium.h>
#include <sys/stat.h>

static const char people[] =
    "people = (\n"
    "  { name = \"chris\"; token = \"6b043e295017b702aa7d10a6b6b41d3cae5639fe2eec1e0a1b8065f4c29dea"
    "dc\"; channels = ( { channel = \"first\"; } ); },\n"
    "  { name = \"greta\"; display = \"Greta Gr\xc3\xbcn\"; language = \"de-at\"; channels = (\n"
    "      { channel = \"mail\"; address = \"greta@example.com\"; }, { channel = \"dana\"; } ); },\n"
    "  { name = \"emma\"; display = \"Emma Hall\"; channels = (\n"
    "      { channel = \"mail\"; address = \"emma@example.com\"; }, { channel = \"dana\"; } ); },\n"
    "  { name = \"ruth\"; independent = true; channels = ( { channel = \"ruth\"; } ); },\n"
    "  { name = \"leo\"; independent = true; channels = ( { channel = \"leo\"; } ); }\n"
    ");\n";
static const char policies[] =
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"greta\", \"emma\", \"chris\" ]; wait = \"1h\"; "
    "} ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"ruth\" ]; wait = \"4h\"; },\n"
    "      { targets = [ \"independent\" ]; wait = \"12h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"chris\" ]; wait = \"30m\"; } ); }\n"
    ");\n";

static void copy_language(const struct rig *rig)
{
    char path[500], *text = NULL;
    snprintf(path, sizeof path, "%s/etc/conf.d/language-de.cfg", getenv("FA_SOURCE_DIR"));
    assert_true(rig_has_text(path, "languages", &text));
    mkdir(rig_path(rig, "conf.d"), 0755);
    rig_write(rig, "conf.d/language-de.cfg", text, 0644);
    free(text);
}

static void start(struct rig *rig)
{
    static char channels[300];
    snprintf(channels, sizeof channels,
             "{ name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:%u\"; tls = \"none\";\n"
             "    allow_plain = true; from = \"alarm@example.com\"; }\n",
             receiver_smtp(rig->receiver));
    rig->words.people = people;
    rig->words.policies = policies;
    rig->words.channels = channels;
    rig->words.listeners = page_listeners;
    copy_language(rig);
    rig_start(rig);
}

/* Subject and both parts of the first mail to somebody, in clear. */
static const char *mail_to(struct rig *rig, const char *address)
{
    static char clear[64 * 1024];
    static const char begin[] = "Content-Transfer-Encoding: base64\r\n\r\n";
    size_t len = 0, got = 0;
    rig_until(rig, receiver_find(rig->receiver, address, NULL) != NULL);
    const char *body = receiver_find(rig->receiver, address, NULL)->body;
    for (const char *at = body; (at = strstr(at, begin)) != NULL;) {
        at += sizeof begin - 1;
        const char *end = strstr(at, "--=-firealarm");
        assert_int_equal(sodium_base642bin((unsigned char *)clear + len, sizeof clear - 1 - len, at,
                                           (size_t)(end - at), "\r\n", &got, NULL,
                                           sodium_base64_VARIANT_ORIGINAL),
                         0);
        len += got;
        at = end;
    }
    clear[len] = '\0';
    return clear;
}

static struct page_link link_in(const char *mail, const char *before_code)
{
    static const char url[] = "https://alarm.example.com/a/";
    struct page_link link = {0};
    const char *at = strstr(mail, url);
    assert_non_null(at);
    at += sizeof url - 1;
    snprintf(link.token, sizeof link.token, "%.*s", (int)strcspn(at, "\n"), at);
    snprintf(link.path, sizeof link.path, "/a/%s", link.token);
    at = strstr(mail, before_code);
    assert_non_null(at);
    snprintf(link.code, sizeof link.code, "%.7s", at + strlen(before_code));
    return link;
}

static const struct rig_reply *show(struct rig *rig, const char *path, const char *accept)
{
    char header[200];
    snprintf(header, sizeof header, "Accept-Language: %s\r\n", accept);
    return rig_ask(rig, &(struct rig_call){.method = "GET",
                                           .path = path,
                                           .port = rig_port(rig, "pages"),
                                           .header = accept != NULL ? header : NULL});
}

static const struct rig_reply *type_code(struct rig *rig, const struct page_link *link)
{
    char seen[40], form[200];
    hidden(show(rig, link->path, NULL), "seen", seen, sizeof seen);
    snprintf(form, sizeof form, "code=%.3s+%s&seen=%s", link->code, link->code + 4, seen);
    return page(rig, "POST", link->path, form);
}

static void each_reads_mail_and_page_in_their_own_language(void **state)
{
    struct rig *rig = *state;
    start(rig);
    rig_statsd(rig, "queue_seconds:300|g|#queue:north");
    const char *mail = mail_to(rig, "emma@example.com");
    assert_has(mail, "CRITICAL: north answers in 5 min\nYou are asked to act.\n");
    assert_has(mail, "\nSince: ");
    assert_has(mail, "<html lang=\"en\">");
    struct page_link emma = link_in(mail, "and type the code ");
    mail = mail_to(rig, "greta@example.com");
    assert_has(mail, "CRITICAL: north answers in 5 min\nSie sind gefragt.\n");
    assert_has(mail, "\nSeit: ");
    assert_has(mail, " UTC (jetzt)\n");
    assert_has(mail, "Von Ihnen erwartet: Decide on staffing\n"); /* the rule's own words */
    assert_has(mail, "<html lang=\"de\">");
    assert_lacks(mail, "You are asked");
    struct page_link greta = link_in(mail, "und diesen Code eingeben: ");

    /* The link knows whose it is, whatever the browser likes. */
    const struct rig_reply *reply = show(rig, greta.path, "fr, en");
    assert_has(reply->body, "<html lang=\"de\">");
    assert_has(reply->body, "<h1>\xc3\x9c"
                            "bernehmen Sie diesen Alarm?</h1>");
    assert_has(reply->body, "north answers in 5 min");
    assert_in_range(strlen(reply->body), 1000, 14 * 1024);
    assert_has(show(rig, emma.path, "de")->body, "<h1>Will you own this alarm?</h1>");
    assert_has(type_code(rig, &greta)->body, "Danke. Jetzt wird niemand sonst gerufen.");
    assert_has(show(rig, emma.path, NULL)->body, "Greta Gr\xc3\xbcn owns this alarm until ");

    /* A program is told in English, and what it reads has English names. */
    json_t *alarm = alarm_now(rig, "queue-slow");
    assert_string_equal(json_string_value(json_object_get(alarm, "title")),
                        "north answers in 5 min");
    json_decref(alarm);
    assert_non_null(receiver_find(rig->receiver, "/first", "north answers in 5 min\""));

    /* Closed: no word shows whose link it was. */
    rig_statsd(rig, "queue_seconds:10|g|#queue:north");
    rig_until(rig, rig_alarm(rig, "queue-slow")[0] == '\0');
    char dead[sizeof reply->body];
    snprintf(dead, sizeof dead, "%s", show(rig, "/a/nothing", NULL)->body);
    assert_has(dead, "This link opens nothing any more");
    assert_string_equal(show(rig, greta.path, NULL)->body, dead);
    snprintf(dead, sizeof dead, "%s", show(rig, "/a/nothing", "de")->body);
    assert_has(dead, "Dieser Link \xc3\xb6"
                     "ffnet nichts mehr");
    assert_string_equal(show(rig, emma.path, "de")->body, dead);
    rig_stop(rig);
}

static void anybodys_pages_are_in_a_language_that_is_there_and_echo_none(void **state)
{
    static const struct {
        const char *path, *accept, *has;
    } table[] = {
        {"/file", NULL, "Report a problem"},
        {"/file", "de", "Ein Problem melden"},
        {"/file", "fr-CH, de;q=0.5", "Ein Problem melden"},
        {"/file", "de;q=0.5, en", "Report a problem"},
        {"/file", "xx\"><script>", "<html lang=\"en\">"},
        {"/status", "de-CH", "Was wurde aus meiner Meldung?"},
        {"/status", "fr", "What became of my report?"},
        {"/", "de", "Was k\xc3\xb6nnen wir tun?"},
    };
    struct rig *rig = *state;
    char key[40], form[400], receipt[2][40];
    const char german[] = "Content-Type: application/x-www-form-urlencoded\r\n"
                          "Accept-Language: de\r\n";
    start(rig);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct rig_reply *reply = show(rig, table[i].path, table[i].accept);
        assert_int_equal(reply->status, 200);
        assert_has(reply->body, table[i].has);
        assert_lacks(reply->body, "xx");
        assert_in_range(strlen(reply->body), 1000, 14 * 1024);
    }
    /* All the way: what waited for the store is answered in the same language. */
    hidden(show(rig, "/file", "de"), "key", key, sizeof key);
    snprintf(form, sizeof form, "key=%s&category=danger&text=Es+brennt&known=seen&do=raise", key);
    struct rig_call call = {.method = "POST",
                            .path = "/file",
                            .body = form,
                            .port = rig_port(rig, "pages"),
                            .header = german};
    const struct rig_reply *reply = rig_ask(rig, &call);
    assert_int_equal(reply->status, 201);
    assert_has(reply->body, "<h1>Es ist gemeldet</h1>");
    const char *at = strstr(reply->body, "class=\"receipt\"><span>");
    assert_non_null(at);
    assert_int_equal(
        sscanf(at, "class=\"receipt\"><span>%39[^<]</span><span>%39[^<]", receipt[0], receipt[1]),
        2);
    snprintf(form, sizeof form, "receipt=%s%s&comment=Und+es+qualmt", receipt[0], receipt[1]);
    call.path = "/status";
    reply = rig_ask(rig, &call);
    assert_int_equal(reply->status, 200);
    assert_has(reply->body, "<h1>Ihre Meldung</h1>");
    assert_has(reply->body, "Sie haben hinzugef\xc3\xbcgt: <span class=\"words\">Und es qualmt");
    /* The reporter's own words, as they were typed, to whatever reader. */
    assert_has(mail_to(rig, "emma@example.com"), "How it is known: seen by the reporter\n");
    assert_has(mail_to(rig, "emma@example.com"), "\nEs brennt");
    assert_has(mail_to(rig, "greta@example.com"), "Woher es bekannt ist: selbst gesehen\n");
    assert_has(mail_to(rig, "greta@example.com"), "\nEs brennt");
    rig_stop(rig);
}

static void a_reload_brings_other_words_and_a_refused_one_none(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_has(show(rig, "/", "de")->body, "Was k\xc3\xb6nnen wir tun?");
    rig_write(rig, "conf.d/language-de.cfg",
              "languages = ( { name = \"de\"; phrases = {\n page_company = \"x\"; }; } );\n", 0644);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "language-de.cfg:2: page_company: a place is missing: it must "
                                   "say all that \"{company} fire alarm\" says"));
    assert_has(show(rig, "/", "de")->body, "Was k\xc3\xb6nnen wir tun?");
    rig_write(rig, "conf.d/language-de.cfg",
              "languages = ( { name = \"de\"; phrases = { index_title = \"Was <nun>?\"; }; } );\n",
              0644);
    rig_signal(rig, SIGHUP);
    rig_until(rig, strstr(show(rig, "/", "de")->body, "<h1>Was &lt;nun&gt;?</h1>") != NULL);
    assert_has(show(rig, "/", "de")->body, "Report a problem"); /* what it lacks */
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_reads_mail_and_page_in_their_own_language),
        TEST(anybodys_pages_are_in_a_language_that_is_there_and_echo_none),
        TEST(a_reload_brings_other_words_and_a_refused_one_none),
    };
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

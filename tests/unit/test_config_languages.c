/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_sqlite_static */
/* Languages in the configuration: what is taken, and what can be wrong with one, with its line. */
#include "fa_config_test.h"
#include "fa_test.h"

static const char base[] =
    "company = \"ACME\";\n"
    "people = (\n"
    "  { name = \"anna\"; language = \"de-at\"; channels = (\n"
    "      { channel = \"mail\"; address = \"anna@x\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"indy\"; independent = true; channels = (\n"
    "      { channel = \"mail\"; address = \"indy@x\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"judy\"; independent = true; channels = (\n"
    "      { channel = \"mail\"; address = \"judy@x\"; }, { channel = \"hook\"; } ); }\n"
    ");\n"
    "channels = (\n"
    "  { name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:25\"; from = \"f@x\"; },\n"
    "  { name = \"hook\"; plugin = \"webhook\"; url = \"https://x\"; secret = \"./hook.key\"; }\n"
    ");\n"
    "policies = (\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"anna\", \"indy\" ]; wait = \"30m\"; } ); }\n"
    ");\n"
    "store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"mac.key\"; };\n"
    "languages = ( "; /* in line 18 */

static struct fa_config *parse(const char *languages, struct fa_test_told *told)
{
    char text[sizeof base + 2048];
    snprintf(text, sizeof text, "%s%s );\n", base, languages);
    return fa_test_parse(text, NULL, told);
}

static void what_is_given_is_said_and_the_rest_is_counted(void **state)
{
    struct fa_test_told told;
    struct fa_config *config = parse("{ name = \"de\"; phrases = {\n"
                                     "  own_it = \"Ich \xc3\xbc"
                                     "bernehme\";\n"
                                     "  silenced = \"{time} {owner} {alarms} {reason}\"; }; }",
                                     &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    assert_int_equal(config->setup.language_count, 1);
    const struct fa_language *language = &config->setup.languages[0];
    assert_string_equal(language->name, "de");
    assert_string_equal(fa_phrase_text(language, FA_PHRASE_OWN_IT), "Ich \xc3\xbc"
                                                                    "bernehme");
    assert_string_equal(fa_phrase_text(language, FA_PHRASE_OR), "Or");
    char warning[200];
    snprintf(warning, sizeof warning,
             "18: language 'de' says %d of %d phrases in English: alarm_says, reminder, "
             "reminder_says, overdue, overdue_says ...",
             FA_PHRASE__COUNT - 2, FA_PHRASE__COUNT);
    assert_contains(fa_buf_text(&told.warnings), warning);
    assert_null(strstr(fa_buf_text(&told.warnings), "not under languages"));
    fa_config_free(config);
    fa_test_told_done(&told);
}

static void whoever_reads_what_is_not_there_is_named_in_a_warning(void **state)
{
    struct fa_test_told told;
    struct fa_config *config = parse("", &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    assert_contains(fa_buf_text(&told.warnings),
                    "3: language 'de-at' is not under languages: who reads it is told in English");
    fa_config_free(config);
    fa_test_told_done(&told);
}

static void what_is_wrong_has_its_line(void **state)
{
    static const struct {
        const char *text, *expect;
    } table[] = {
        {"{ name = \"de\"; phrases = {\n own_id = \"x\"; }; }",
         "19: phrases: there is no phrase 'own_id' (did you mean 'own_it'?)"},
        {"{ name = \"de\"; phrases = {\n\n silenced = \"{time} {owner}\"; }; }",
         "20: silenced: a place is missing: it must say all that \"{owner} silenced {alarms} until "
         "{time}: {reason}\" says"},
        {"{ name = \"de\"; phrases = {\n own_it = \"{link}\"; }; }",
         "19: own_it: {link} is no place of \"Own it\""},
        {"{ name = \"de\"; phrases = {\n own_it = \"\"; }; }", "19: own_it: is empty"},
        {"{ name = \"de\"; phrases = {\n own_it = \"a\\x01z\"; }; }",
         "19: phrases holds a control character"},
        {"{ name = \"de\"; phrases = {\n own_it = \"a\\xffz\"; }; }", "19: phrases is not UTF-8"},
        {"{ name = \"de\"; phrases = {\n own_it = \"a\xe2\x80\xae\"; }; }",
         "19: own_it: is not UTF-8, or holds a character that controls, hides or turns text"},
        {"{ name = \"de\"; phrases = {\n own_it = 7; }; }",
         "19: phrases must be a text in quotes, not a whole number"},
        {"{ name = \"de\"; phrases = \"x\"; }", "18: phrases must be a group of texts"},
        {"{ name = \"de\"; }", "18: a language lacks phrases"},
        {"{ phrases = { own_it = \"x\"; }; }", "18: a language lacks name"},
        {"{ name = \"Deutsch!\"; phrases = { }; }", "18: 'Deutsch!' is no name"},
        {"{ name = \"en\"; phrases = { }; }", "18: 'en': English is what is said"},
        {"{ name = \"en-gb\"; phrases = { }; }", "18: 'en-gb': English is what is said"},
        {"{ name = \"de\"; phrases = { }; },\n{ name = \"de\"; phrases = { }; }",
         "19: there are two languages 'de'"},
        {"{ name = \"de\"; phrases = {\n own_it = \"a\"; own_it = \"b\"; }; }", "19:"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fa_test_told told;
        assert_null(parse(table[i].text, &told));
        if (strstr(fa_buf_text(&told.faults), table[i].expect) == NULL) {
            fail_msg("%s\ngives %s", table[i].text, fa_buf_text(&told.faults));
        }
        fa_test_told_done(&told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_said_and_the_rest_is_counted),
        cmocka_unit_test(whoever_reads_what_is_not_there_is_named_in_a_warning),
        cmocka_unit_test(what_is_wrong_has_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

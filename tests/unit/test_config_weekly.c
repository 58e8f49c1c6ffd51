/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_sqlite_static */
/* The weekly digest in the configuration: what it means, and what can be wrong with it. */
#include "fa_config_test.h"
#include "fa_test.h"

static const char base[] =
    "company = \"ACME\";\n"
    "people = (\n"
    "  { name = \"anna\"; roles = \"leader\"; budget = 5; channels = (\n"
    "      { channel = \"mail\"; address = \"anna@x\"; }, { channel = \"room\"; } ); },\n"
    "  { name = \"room-only\"; channels = ( { channel = \"room\"; }, { channel = \"room\"; } ); },\n"
    "  { name = \"indy\"; independent = true; channels = (\n"
    "      { channel = \"mail\"; address = \"indy@x\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"judy\"; independent = true; channels = (\n"
    "      { channel = \"mail\"; address = \"judy@x\"; }, { channel = \"hook\"; } ); }\n"
    ");\n"
    "teams = ( { name = \"crew\"; members = [ \"anna\", \"room-only\" ]; } );\n"
    "calendars = ( { name = \"office\"; hours = \"Mon-Fri 09:00-17:00\"; } );\n"
    "channels = (\n"
    "  { name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:25\"; from = \"f@x\"; },\n"
    "  { name = \"hook\"; plugin = \"webhook\"; url = \"https://x\"; secret = \"./hook.key\"; },\n"
    "  { name = \"room\"; plugin = \"webhook\"; url = \"https://y\"; shared = true; }\n"
    ");\n"
    "policies = (\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"anna\", \"indy\" ]; wait = \"30m\"; } ); }\n"
    ");\n"
    "store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"mac.key\"; };\n";

static struct fa_config *parse(const char *weekly, struct fa_test_told *told)
{
    char text[sizeof base + 512];
    snprintf(text, sizeof text, "%sweekly = { %s };\n", base, weekly);
    return fa_test_parse(text, NULL, told);
}

static void what_is_given_holds_and_the_rest_has_defaults(void **state)
{
    struct fa_test_told told;
    struct fa_config *config =
        parse("to = [ \"role:leader\", \"independent\" ]; at = \"Sun 23:59\"; budget = 20;", &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    const struct fa_weekly *weekly = &config->setup.weekly;
    assert_int_equal(weekly->to_count, 2);
    assert_string_equal(weekly->to[1], "independent");
    assert_int_equal(weekly->minute, 7 * 1440 - 1);
    assert_int_equal(weekly->budget, 20);
    assert_int_equal(config->people->people[0].budget, 5);
    assert_int_equal(config->people->people[1].budget, 0);
    fa_config_free(config);
    fa_test_told_done(&told);
    config = parse("to = \"anna\";", &told);
    assert_int_equal(config->setup.weekly.minute, 8 * 60);
    assert_int_equal(config->setup.weekly.budget, 0);
    fa_config_free(config);
    fa_test_told_done(&told);
}

static void none_is_none(void **state)
{
    struct fa_test_told told;
    struct fa_config *config = fa_test_parse(base, NULL, &told);
    assert_int_equal(config->setup.weekly.to_count, 0);
    fa_config_free(config);
    fa_test_told_done(&told);
}

static void what_is_wrong_is_refused_in_words(void **state)
{
    static const char *const rows[][2] = {
        {"at = \"Mon 08:00\";", "the weekly digest lacks to"},
        {"to = \"ana\";", "there is no person 'ana' (did you mean 'anna'?)"},
        {"to = \"role:leaders\";", "role:leaders"},
        {"to = \"account.conduit\";", "means others from day to day"},
        {"to = \"label.owner\";", "means others from day to day"},
        {"to = \"reporter.manager\";", "means others from day to day"},
        {"to = \"schedule:duty\";", "means others from day to day"},
        {"to = \"room-only\";", "'room-only' has no channel that they alone read"},
        {"to = \"team:crew\";", "'room-only' has no channel that they alone read"},
        {"to = \"anna\"; at = \"Monday 08:00\";",
         "is no time of the week: write it as \"Mon 08:00\""},
        {"to = \"anna\"; at = \"mon 08:00\";", "is no time of the week"},
        {"to = \"anna\"; at = \"Mon 24:00\";", "is no time of the week"},
        {"to = \"anna\"; at = \"Mon 8:00\";", "is no time of the week"},
        {"to = \"anna\"; at = \"Mon 08:60\";", "is no time of the week"},
        {"to = \"anna\"; at = \"Mon\";", "is no time of the week"},
        {"to = \"anna\"; at = \"08:00\";", "is no time of the week"},
        {"to = \"anna\"; at = \"\";", "at is empty"},
        {"to = \"anna\"; budget = 0;", "budget must be from 1 to 10000"},
        {"to = \"anna\"; budgt = 5;", "budget"},
        {"to = ();", "to"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_test_told told;
        struct fa_config *config = parse(rows[i][0], &told);
        if (config != NULL || told.fault_count != 1 ||
            strstr(fa_buf_text(&told.faults), rows[i][1]) == NULL ||
            strstr(fa_buf_text(&told.faults), "t.cfg:") == NULL) {
            fail_msg("%s: %s\ngot: %s", rows[i][0], rows[i][1], fa_buf_text(&told.faults));
        }
        fa_config_free(config);
        fa_test_told_done(&told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_holds_and_the_rest_has_defaults),
        cmocka_unit_test(none_is_none),
        cmocka_unit_test(what_is_wrong_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_sqlite_static */
/* Customers, their models, and targets that depend on the alarm: one sound configuration, and what
 * can be wrong with it, one place at a time. */
#include "fa_test.h"
#include "fa_config_test.h"

static const char base[] =
    "company = \"ACME\";\n"
    "people = (\n"
    "  { name = \"anna\"; manager = \"boss\"; roles = \"seller\"; language = \"en\"; channels = (\n"
    "      { channel = \"mail\"; address = \"anna@x\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"bert\"; manager = \"boss\"; uid = 7; },\n"
    "  { name = \"boss\"; roles = [ \"coo\", \"seller\" ]; channels = (\n"
    "      { channel = \"mail\"; address = \"boss@x\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"indy\"; independent = true; channels = (\n"
    "      { channel = \"mail\"; address = \"indy@x\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"judy\"; independent = true; channels = (\n"
    "      { channel = \"mail\"; address = \"judy@x\"; }, { channel = \"hook\"; } ); }\n"
    ");\n"
    "teams = ( { name = \"crew\"; members = [ \"anna\", \"bert\" ]; } );\n"
    "models = (\n"
    "  { name = \"complex\"; display = \"Complex\"; conduit = \"seller\"; }\n"
    ");\n"
    "accounts = (\n"
    "  { name = \"Initech Ltd\"; model = \"complex\"; value_seen = \"board\"; conduit = \"anna\";\n"
    "    touches = [ \"team:crew\", \"role:coo\" ]; },\n"
    "  { name = \"hooli\"; display = \"Hooli, Inc.\"; model = \"complex\"; }\n"
    ");\n"
    "channels = (\n"
    "  { name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:25\"; from = \"f@x\"; },\n"
    "  { name = \"hook\"; plugin = \"webhook\"; url = \"https://x\"; secret = \"./hook.key\"; }\n"
    ");\n"
    "categories = (\n"
    "  { name = \"service\"; title = \"Service\"; guidance = \"help\";\n"
    "    helpers = [ \"account.conduit\", \"role:coo\" ]; severity = \"warning\"; policy = \"line\"; }\n"
    ");\n"
    "policies = (\n"
    "  { name = \"line\"; steps = (\n"
    "      { targets = [ \"account.conduit\", \"account.touches\" ]; wait = \"15m\"; },\n"
    "      { targets = [ \"reporter.manager\" ]; wait = \"15m\"; },\n"
    "      { targets = [ \"role:coo\", \"account.conduit\" ]; wait = \"1h\"; } ); },\n"
    "  { name = \"owners\"; steps = (\n"
    "      { targets = [ \"label.owner\", \"label.owner.manager\" ]; wait = \"15m\"; },\n"
    "      { targets = [ \"boss\" ]; wait = \"1h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"boss\", \"anna\" ]; wait = \"30m\"; } ); }\n"
    ");\n"
    "rules = (\n"
    "  { name = \"slow\"; category = \"service\"; policy = \"owners\"; metric = \"seconds\"; above = 5;\n"
    "    for = \"5m\"; per = [ \"owner\" ]; },\n"
    "  { name = \"late\"; category = \"service\"; policy = \"line\"; metric = \"late\"; above = 5;\n"
    "    for = \"5m\"; per = [ \"customer\" ]; }\n"
    ");\n"
    "store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"mac.key\"; };\n";

struct row {
    const char *from, *to;
    const char *expect;
    int line; /* from the line of `from` */
};

/* The base with the first `from` changed to `to`; *ret_line is where it was. */
static char *change(const struct row *row, uint32_t *ret_line)
{
    const char *at = strstr(base, row->from);
    if (at == NULL) {
        fail_msg("the base has no \"%s\"", row->from);
    }
    size_t size = sizeof base + strlen(row->to) + 1;
    char *text = malloc(size);
    snprintf(text, size, "%.*s%s%s", (int)(at - base), base, row->to, at + strlen(row->from));
    *ret_line = 1;
    for (const char *p = base; p < at; p++) {
        *ret_line += *p == '\n';
    }
    return text;
}

static bool says(const struct fa_buf *buf, size_t count, const char *start, const char *expect)
{
    return count == 1 && strncmp(fa_buf_text(buf), start, strlen(start)) == 0 &&
           strstr(fa_buf_text(buf), expect) != NULL;
}

/* Each row has one fault, or is sound with one warning. */
static void check_rows(const struct row *rows, size_t count, bool is_warning)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t line = 0;
        char *text = change(&rows[i], &line), start[64];
        struct fa_test_told told;
        struct fa_config *config = fa_test_parse(text, NULL, &told);
        snprintf(start, sizeof start, "t.cfg:%d:", (int)line + rows[i].line);
        if ((config != NULL) != is_warning ||
            !(is_warning ? says(&told.warnings, told.warning_count, start, rows[i].expect)
                         : says(&told.faults, told.fault_count, start, rows[i].expect))) {
            print_error("row %zu: \"%s\" -> \"%s\"\nexpected %s ... %s\ngot:\n%s%s", i,
                        rows[i].from, rows[i].to, start, rows[i].expect, fa_buf_text(&told.faults),
                        fa_buf_text(&told.warnings));
            wrong++;
        }
        fa_config_free(config);
        fa_test_told_done(&told);
        free(text);
    }
    assert_int_equal(wrong, 0);
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0], false)

static void customers_come_from_the_tables(void **state)
{
    struct fa_test_told told;
    struct fa_config *config = fa_test_parse(base, NULL, &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    assert_string_equal(fa_buf_text(&told.warnings), "");
    assert_non_null(config);
    const struct fa_directory *dir = config->people;
    const struct fa_account_entry *initech = fa_directory_account(dir, "Initech Ltd");
    assert_non_null(initech);
    assert_string_equal(initech->display, "Initech Ltd");
    assert_string_equal(initech->model, "complex");
    assert_string_equal(initech->value_seen, "board");
    assert_string_equal(initech->conduit, "anna");
    assert_int_equal(initech->touch_count, 2);
    assert_string_equal(initech->touches[1], "role:coo");
    assert_string_equal(fa_directory_account(dir, "hooli")->display, "Hooli, Inc.");
    assert_null(fa_directory_account(dir, "hooli")->conduit);
    assert_string_equal(fa_directory_model(dir, "complex")->conduit, "seller");
    assert_string_equal(dir->people[0].language, "en");
    assert_null(dir->people[1].language);
    fa_config_free(config);
    fa_test_told_done(&told);
}

/* clang-format off: a row is a line */
static void a_customer_always_has_somebody(void **state)
{
    static const struct row rows[] = {
        {"model = \"complex\"; value_seen", "value_seen",
         "an account lacks model: The service model", 0},
        {"model = \"complex\"; value_seen", "model = \"complx\"; value_seen",
         "model: there is no service model 'complx' (did you mean 'complex'?)", 0},
        {"; conduit = \"seller\"; }", "; }", "a service model lacks conduit", 0},
        {"conduit = \"seller\"", "conduit = \"sellers\"",
         "conduit 'sellers': nobody has this role (did you mean 'seller'?)", 0},
        {"conduit = \"anna\"", "conduit = \"bert\"",
         "'bert' has no channel that may carry filings, and conduits are told", 0},
        {"\"team:crew\", \"role:coo\"", "\"team:crw\"",
         "target: there is no team 'crw' (did you mean 'crew'?)", 0},
        {"\"team:crew\", \"role:coo\"", "\"account.touches\"",
         "touches: 'account.touches' depends on the alarm", 0},
        {"\"team:crew\", \"role:coo\"", "\"label.owner\"",
         "touches: 'label.owner' depends on the alarm", 0},
        {"name = \"hooli\"", "name = \"Initech Ltd\"",
         "the account 'Initech Ltd' was given already at t.cfg:18", 0},
        {"conduit = \"anna\"", "conduct = \"anna\"",
         "unknown key 'conduct' in an account (did you mean 'conduit'?)", 0},
        {"language = \"en\"", "language = \"Deutsch!\"", "'Deutsch!' is no name", 0},
    };
    CHECK(rows);
}

/* Neither the conduit nor the role keeps both independent contacts out; together they do. */
static void a_filing_about_a_conduit_leaves_somebody_independent(void **state)
{
    static const struct row rows[] = {
        {"roles = [ \"coo\", \"seller\" ]", "roles = [ \"coo\", \"seller\" ]; deputies = \"indy\"",
         "", 0},
    };
    uint32_t line = 0;
    char *text = change(&rows[0], &line), *conduit = strstr(text, "conduit = \"anna\"");
    char *seller = strstr(text, "roles = \"seller\"; language");
    struct fa_test_told told;
    assert_non_null(conduit);
    memcpy(conduit, "conduit = \"judy\"", strlen("conduit = \"judy\""));
    memset(seller, ' ', strlen("roles = \"seller\";"));
    assert_null(fa_test_parse(text, NULL, &told));
    assert_int_equal(told.fault_count, 1);
    assert_contains(fa_buf_text(&told.faults),
                    "t.cfg:18: a filing about 'conduit:Initech Ltd' would reach nobody");
    fa_test_told_done(&told);
    free(text);
}

static void a_target_that_depends_on_the_alarm_is_never_all_there_is(void **state)
{
    static const struct row rows[] = {
        {"targets = [ \"role:coo\", \"account.conduit\" ]", "targets = [ \"account.conduit\" ]",
         "the last step may be nobody: all its targets depend on the alarm; add a person", 0},
        {"targets = [ \"boss\" ]; wait = \"1h\"",
         "targets = [ \"label.owner.manager\" ]; wait = \"1h\"", "the last step may be nobody", 0},
        {"\"account.conduit\", \"account.touches\" ]", "\"account.condiut\" ]",
         "target 'account.condiut' is none of account.conduit, account.touches, reporter.manager (did you mean 'account.conduit'?)",
         0},
        {"\"account.conduit\", \"account.touches\" ]", "\"acount.conduit\" ]",
         "target: there is no person 'acount.conduit' (did you mean 'account.conduit'?)", 0},
        {"\"reporter.manager\"", "\"reporter.boss\"", "target 'reporter.boss' is none of", 0},
        {"\"reporter.manager\"", "\"schedule:nights\"", "target: there is no schedule 'nights'", 0},
        {"\"label.owner\", \"label.owner.manager\"", "\"label.\"",
         "after label. comes a label's name", 0},
        {"\"label.owner\", \"label.owner.manager\"", "\"label.9\"",
         "after label. comes a label's name", 0},
        {"\"label.owner\", \"label.owner.manager\"", "\"label.ownr\"",
         "'label.ownr' would always be nobody: no rule with this policy has the label \"ownr\"", 0},
        {"\"label.owner\", \"label.owner.manager\"", "\"account.conduit\"",
         "'account.conduit' would always be nobody: no rule with this policy has the label \"customer\"",
         0},
        {"\"label.owner\", \"label.owner.manager\"", "\"reporter.manager\"",
         "'reporter.manager' would always be nobody: nothing that people file has this policy", 0},
        {"\"reporter.manager\"", "\"label.owner\"",
         "'label.owner' would always be nobody: no rule with this policy has the label \"owner\"",
         0},
        {"helpers = [ \"account.conduit\", \"role:coo\" ]", "helpers = [ \"account.conduit\" ]",
         "who helps depends on each filing and may be nobody", 0},
        {"helpers = [ \"account.conduit\", \"role:coo\" ]",
         "helpers = [ \"label.owner\", \"boss\" ]",
         "helpers: 'label.owner' would be nobody: what people file has no labels", 0},
        {"{ name = \"bert\"", "{ name = \"label.bert\"", "no person may be named 'label.bert'", 0},
    };
    /* bert is on the team. */
    check_rows(rows, sizeof rows / sizeof rows[0] - 1, false);
    uint32_t line = 0;
    char *text = change(&rows[sizeof rows / sizeof rows[0] - 1], &line);
    struct fa_test_told told;
    assert_null(fa_test_parse(text, NULL, &told));
    assert_contains(fa_buf_text(&told.faults), "no person may be named 'label.bert'");
    fa_test_told_done(&told);
    free(text);
}

static void who_left_and_what_is_passed_over_is_warned_of(void **state)
{
    static const struct row rows[] = {
        {"conduit = \"anna\"", "conduit = \"gone\"",
         "there is no person 'gone': those with the role of the model 'complex' stand in", 0},
        {"per = [ \"customer\" ]", "per = [ \"queue\" ]",
         "the policy 'line' tells 'account.conduit', and per here does not hold \"customer\"", -1},
    };
    check_rows(rows, 1, true);
    /* Three targets of the policy need the label. */
    uint32_t line = 0;
    char *text = change(&rows[1], &line), place[32];
    struct fa_test_told told;
    struct fa_config *config = fa_test_parse(text, NULL, &told);
    assert_non_null(config);
    assert_int_equal(told.warning_count, 3);
    snprintf(place, sizeof place, "t.cfg:%d:", (int)line - 1);
    assert_contains(fa_buf_text(&told.warnings), place);
    assert_contains(fa_buf_text(&told.warnings), rows[1].expect);
    fa_config_free(config);
    fa_test_told_done(&told);
    free(text);
}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(customers_come_from_the_tables),
        cmocka_unit_test(a_customer_always_has_somebody),
        cmocka_unit_test(a_filing_about_a_conduit_leaves_somebody_independent),
        cmocka_unit_test(a_target_that_depends_on_the_alarm_is_never_all_there_is),
        cmocka_unit_test(who_left_and_what_is_passed_over_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

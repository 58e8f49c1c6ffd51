/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_sqlite_static */
/* One sound configuration, and some two hundred ways to get it wrong. Each row changes one place
 * and names the one fault that must be told, at the line of that place: a fault more would be
 * noise. */
#include "fa_test.h"
#include "fa_config_test.h"

static char base[] =
    "company = \"ACME\";\n"
    "people = (\n"
    "  { name = \"anna\"; manager = \"boss\"; uid = 1; roles = [ \"sales\" ]; },\n"
    "  { name = \"boss\"; manager = \"indy\"; uids = [ 2, 3 ]; roles = [ \"coo\" ]; deputies = \"cleo\";\n"
    "    channels = (\n"
    "      { channel = \"mail\"; address = \"boss@x\"; },\n"
    "      { channel = \"hook\"; } ); },\n"
    "  { name = \"cleo\"; manager = \"boss\"; roles = [ \"it\" ]; operator = true;\n"
    "    channels = ( { channel = \"mail\"; address = \"cleo@x\"; }, { channel = \"room\"; } ); },\n"
    "  { name = \"dora\"; manager = \"boss\"; roles = [ \"it\" ];\n"
    "    channels = ( { channel = \"room\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"indy\"; independent = true;\n"
    "    channels = ( { channel = \"mail\"; address = \"indy@x\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"judy\"; independent = true;\n"
    "    channels = ( { channel = \"mail\"; address = \"judy@x\"; }, { channel = \"hook\"; } ); }\n"
    ");\n"
    "teams = (\n"
    "  { name = \"crew\"; members = [ \"anna\", \"cleo\" ]; }\n"
    ");\n"
    "channels = (\n"
    "  { name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:25\"; from = \"f@x\"; },\n"
    "  { name = \"hook\"; plugin = \"webhook\"; url = \"https://x\"; secret = \"./hook.key\"; },\n"
    "  { name = \"room\"; plugin = \"webhook\"; url = \"https://y\"; shared = true;\n"
    "    readers = [ \"dora\", \"team:crew\" ]; }\n"
    ");\n"
    "severities = (\n"
    "  { name = \"critical\"; ack_default = \"30m\"; ack_max = \"4h\"; },\n"
    "  { name = \"warning\"; fail_attempts = 5; fail_after = \"2m\"; }\n"
    ");\n"
    "values = (\n"
    "  { name = \"honesty\"; title = \"We do not lie\"; violations = [ \"lying\" ]; },\n"
    "  { name = \"safety\"; title = \"Nobody is hurt\"; violations = [ \"danger\" ]; }\n"
    ");\n"
    "categories = (\n"
    "  { name = \"service\"; title = \"Service\"; guidance = \"help\"; helpers = [ \"role:coo\" ];\n"
    "    due = \"2d\"; severity = \"warning\"; policy = \"leaders\"; },\n"
    "  { name = \"danger\"; title = \"Danger\"; severity = \"critical\"; policy = \"leaders\"; },\n"
    "  { name = \"lying\"; title = \"Lying\"; severity = \"critical\"; policy = \"outside\";\n"
    "    value = \"honesty\"; }\n"
    ");\n"
    "policies = (\n"
    "  { name = \"leaders\"; steps = (\n"
    "      { targets = [ \"role:coo\" ]; wait = \"15m\"; },\n"
    "      { targets = [ \"role:coo\", \"independent\" ]; channels = [ \"mail\" ]; wait = \"1h\"; } ); },\n"
    "  { name = \"outside\"; steps = (\n"
    "      { targets = \"independent\"; wait = \"4h\"; } ); },\n"
    "  { name = \"operators\"; steps = (\n"
    "      { targets = [ \"role:it\" ]; channels = [ \"room\" ]; wait = \"30m\"; } ); }\n"
    ");\n"
    "rules = (\n"
    "  { name = \"slow\"; category = \"service\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"response_seconds\"; take = \"p90\"; over = \"15m\"; at_least = 10;\n"
    "    where = { region = \"eu\"; }; per = [ \"queue\" ];\n"
    "    above = 120; clear_below = 90.0; for = \"30m\"; summary = \"{queue} at {value|duration}\"; },\n"
    "  { name = \"few\"; category = \"service\"; metric = \"orders\"; take = \"sum\"; over = \"1h\";\n"
    "    below = 5; clear_above = 8; },\n"
    "  { name = \"silent\"; category = \"service\"; metric = \"orders\";\n"
    "    absent = \"10m\"; },\n"
    "  { name = \"violation\"; policy = \"outside\";\n"
    "    incident = { value = [ \"honesty\" ]; }; latched = true; },\n"
    "  { name = \"twice\"; incident = { category = [ \"service\" ]; per = [ \"customer\" ];\n"
    "      count = 2; distinct_reporters = 2; within = \"14d\"; }; }\n"
    ");\n"
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./api.sock\"; mode = \"0666\"; routes = [ \"api\", \"pages\" ]; },\n"
    "  { name = \"push\"; address = \"127.0.0.1:8652\"; routes = [ \"ingest\" ];\n"
    "    limits = { connections = 32; body_bytes = 4096; header_time = \"5s\"; }; }\n"
    ");\n"
    "feeds = (\n"
    "  { name = \"statsd\"; address = \"udp:127.0.0.1:8125\"; decoder = \"statsd\";\n"
    "    limits = { series = 1000; }; }\n"
    ");\n"
    "store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"mac.key\"; };\n"
    "times = { rearm = \"2h\"; };\n"
    "limits = { outbox = 500; };\n"
    "pages = { url = \"https://alarm.example.com:8443/x/\"; };\n";

/* The base with the first `from` changed to `to`; *ret_line is where it was. */
static char *change(const char *from, const char *to, uint32_t *ret_line)
{
    const char *at = strstr(base, from);
    if (at == NULL) {
        fail_msg("the base has no \"%s\"", from);
    }
    size_t size = sizeof base + strlen(to) + 1;
    char *text = malloc(size);
    snprintf(text, size, "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
    *ret_line = 1;
    for (const char *p = base; p < at; p++) {
        *ret_line += *p == '\n';
    }
    return text;
}

struct row {
    const char *from, *to;
    const char *expect;
    int line; /* from the line of `from`; NO_LINE: a fault of the whole */
};
#define NO_LINE (-1000)

static void check_rows(const struct row *rows, size_t count)
{
    struct fa_plugins *plugins = fa_test_plugins();
    size_t wrong = 0;
    assert_non_null(plugins);
    for (size_t i = 0; i < count; i++) {
        uint32_t line = 0;
        char *text = change(rows[i].from, rows[i].to, &line), start[64];
        struct fa_test_told told;
        struct fa_config *config = fa_test_parse(text, plugins, &told);
        if (rows[i].line == NO_LINE) {
            snprintf(start, sizeof start, "t.cfg: ");
        } else {
            snprintf(start, sizeof start, "t.cfg:%d:", (int)line + rows[i].line);
        }
        const char *faults = fa_buf_text(&told.faults);
        if (config != NULL || told.fault_count != 1 || strncmp(faults, start, strlen(start)) != 0 ||
            strstr(faults, rows[i].expect) == NULL) {
            print_error("row %zu: \"%s\" -> \"%s\"\nexpected %s ... %s\ngot %zu:\n%s", i,
                        rows[i].from, rows[i].to, start, rows[i].expect, told.fault_count, faults);
            wrong++;
        }
        fa_config_free(config);
        fa_test_told_done(&told);
        free(text);
    }
    fa_plugins_free(plugins);
    assert_int_equal(wrong, 0);
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void the_base_is_sound(void **state)
{
    struct fa_plugins *plugins = fa_test_plugins();
    struct fa_test_told told;
    struct fa_config *config = fa_test_parse(base, plugins, &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    assert_non_null(config);
    assert_int_equal(config->rules[0]->metric.at_least, 10);
    assert_double_near(config->rules[0]->metric.quantile, 0.9, 1e-12);
    assert_double_near(config->rules[0]->metric.above, 120, 0);
    assert_int_equal(config->rules[1]->metric.look_back, 5 * FA_MINUTE);
    assert_string_equal(config->rules[1]->severity, "warning");
    assert_string_equal(config->rules[1]->policy, "leaders");
    assert_string_equal(config->rules[1]->summary, "{rule}: {value} since {since|time}");
    assert_string_equal(config->rules[3]->category, "lying");
    assert_int_equal(config->listeners[0].routes, FA_ROUTES_API | FA_ROUTES_PAGES);
    assert_int_equal(config->listeners[0].mode, 0666);
    assert_int_equal(config->listeners[1].limits.connections, 32);
    assert_int_equal(config->listeners[1].limits.idle_ms, FA_MINUTE);
    assert_int_equal(config->feeds[0].series_max, 1000);
    assert_int_equal(config->feeds[0].labels_max, 32);
    assert_string_equal(config->pages_url, "https://alarm.example.com:8443/x");
    assert_string_equal(config->mac_key_file, "mac.key");
    assert_int_equal(config->setup.rearm, 2 * FA_HOUR);
    assert_int_equal(config->setup.outbox_max, 500);
    assert_int_equal(config->setup.severities[1].rank, 1);
    assert_int_equal(config->setup.severities[1].fail_attempts, 5);
    assert_string_equal(config->people->people[0].display, "anna");
    fa_config_free(config);
    fa_test_told_done(&told);
    fa_plugins_free(plugins);
}

/* clang-format off: a row is a line */
static void keys_are_known_or_refused_with_a_suggestion(void **state)
{
    static const struct row rows[] = {
        {"company =", "compny = \"A\"; company =",
         "unknown key 'compny' in the configuration (did you mean 'company'?)", 0},
        {"company =", "zebra = 1; company =", "unknown key 'zebra' in the configuration\n", 0},
        {"manager = \"boss\"; uid", "manger = \"boss\"; uid",
         "unknown key 'manger' in a person (did you mean 'manager'?)", 0},
        {"uid = 1;", "uid = 1; email = \"a@x\";", "email: write channels = (", 0},
        {"address = \"boss@x\"", "adress = \"boss@x\"",
         "in a person's channel (did you mean 'address'?)", 0},
        {"members =", "member =", "unknown key 'member' in a team (did you mean 'members'?)", 0},
        {"ack_max =", "ackmax =", "in a severity (did you mean 'ack_max'?)", 0},
        {"title = \"Nobody", "text = \"x\"; title = \"Nobody", "unknown key 'text' in a value", 0},
        {"guidance =", "guidanc =", "in a category (did you mean 'guidance'?)", 0},
        {"wait = \"15m\"", "wiat = \"15m\"", "unknown key 'wiat' in a step (did you mean 'wait'?)",
         0},
        {"latched = true", "latch = true", "in a rule (did you mean 'latched'?)", 0},
        {"distinct_reporters", "distinct_reporter",
         "in an incident pattern (did you mean 'distinct_reporters'?)", 0},
        {"header_time", "header_tme", "in a listener's limits (did you mean 'header_time'?)", 0},
        {"mode = \"0666\"", "moed = \"0666\"", "in a listener (did you mean 'mode'?)", 0},
        {"series = 1000", "serie = 1000", "in a feed's limits (did you mean 'series'?)", 0},
        {"rearm", "re_arm", "in the times (did you mean 'rearm'?)", 0},
        {"outbox", "out_box", "in the limits (did you mean 'outbox'?)", 0},
        {"limits = { series = 1000; };", "limit = { series = 1000; };",
         "unknown key 'limit': neither decoder 'statsd' nor its plugin 'statsd' has it (did you mean 'limits'?)",
         0},
        {"shared = true", "shared = true; machin = true", "(did you mean 'machine'?)", 0},
    };
    CHECK(rows);
}

static void values_have_their_type_and_range(void **state)
{
    static const struct row rows[] = {
        {"\"ACME\"", "5", "company must be a text in quotes, not a whole number", 0},
        {"\"ACME\"", "\"\"", "company is empty", 0},
        {"\"ACME\"", "\"A\\x07\"", "company holds a control character", 0},
        {"\"ACME\"", "\"A\\nB\"", "company holds a line break", 0},
        {"\"ACME\"", "\"\\xff\"", "company is not UTF-8", 0},
        {"name = \"few\"", "name = \"Few\"", "'Few' is no name", 0},
        {"uid = 1", "uid = -1", "uid must be from 0 to 4294967294", 0},
        {"uid = 1", "uid = 4294967295L", "uid must be from 0 to 4294967294", 0},
        {"uid = 1", "uid = \"1\"", "uid must be a whole number, not a text", 0},
        {"uid = 1", "uid = 1.5", "uid must be a whole number, not a number with a point", 0},
        {"uid = 1", "uid = 99999999999", "99999999999 does not fit 32 bits", 0},
        {"uid = 1", "uid = 0xFFFFFFFF", "0xFFFFFFFF does not fit 32 bits", 0},
        {"uid = 1", "token = \"secret\"", "token must be the token's BLAKE2b-256", 0},
        {"independent = true", "independent = 1",
         "independent must be true or false, not a whole number", 0},
        {"independent = true", "independent = \"yes\"",
         "independent must be true or false, not a text", 0},
        {"members = [ \"anna\", \"cleo\" ]", "members = [ ]",
         "members must hold from 1 to 1000 texts, not 0", 0},
        {"members = [ \"anna\", \"cleo\" ]", "members = [ \"anna\", \"anna\", \"cleo\" ]",
         "members holds 'anna' twice", 0},
        {"members = [ \"anna\", \"cleo\" ]", "members = [ \"anna\", \"cleo\", \"\" ]",
         "members holds an empty text", 0},
        {"roles = [ \"sales\" ]", "roles = [ 1 ]",
         "roles must be a text in quotes, not a whole number", 0},
        {"ack_default = \"30m\"", "ack_default = 30",
         "ack_default must be a duration in quotes such as \"15m\"", 0},
        {"ack_default = \"30m\"", "ack_default = \"30\"", "ack_default: '30' is no duration", 0},
        {"ack_default = \"30m\"", "ack_default = \"-5m\"", "'-5m' is no duration", 0},
        {"ack_default = \"30m\"", "ack_default = \"99999w\"", "'99999w' is too long", 0},
        {"ack_default = \"30m\"", "ack_default = \"10s\"", "ack_default must be from 1m to ", 0},
        {"ack_default = \"30m\"", "ack_default = \"5h\"",
         "ack_default (5h) is longer than ack_max (4h)", 0},
        {"fail_attempts = 5", "fail_attempts = 0", "fail_attempts must be from 1 to 100", 0},
        {"fail_attempts = 5", "fail_attempts = 101", "fail_attempts must be from 1 to 100", 0},
        {"fail_after = \"2m\"", "fail_after = \"2d\"", "fail_after must be from 1s to 1d", 0},
        {"guidance = \"help\"", "guidance = \"hlep\"",
         "'hlep' is none of: solve help raise (did you mean 'help'?)", 0},
        {"due = \"2d\"", "due = \"0s\"", "due must be from 1m", 0},
        {"wait = \"15m\"", "wait = \"0s\"", "wait must be from 1m to 1w", 0},
        {"wait = \"15m\"", "wait = \"8d\"", "wait must be from 1m to 1w", 0},
        {"at_least = 10", "at_least = -1", "at_least must be from 0", 0},
        {"above = 120", "above = \"120\"", "above must be a number, not a text", 0},
        {"above = 120", "above = 3000000000", "3000000000 does not fit 32 bits: write it with an L",
         0},
        {"where = { region = \"eu\"; }", "where = [ \"eu\" ]", "where must be a group of texts", 0},
        {"where = { region = \"eu\"; }", "where = { region = 5; }",
         "where must be a text in quotes", 0},
        {"where = { region = \"eu\"; }", "where = { re-gion = \"eu\"; }",
         "where: a label holds letters", 0},
        {"per = [ \"queue\" ]", "per = [ \"queue\", \"9\" ]", "'9' is no label", 0},
        {"over = \"15m\"", "over = \"500d\"", "over must be from 1s to", 0},
        {"for = \"30m\"", "for = 30", "for must be a duration in quotes", 0},
        {"count = 2", "count = 0", "count must be from 1 to 10000", 0},
        {"within = \"14d\"", "within = \"1s\"", "within must be from 1m", 0},
        {"mode = \"0666\"", "mode = 0666", "mode must be four octal digits in quotes", 0},
        {"mode = \"0666\"", "mode = \"0999\"", "mode must be four octal digits in quotes", 0},
        {"connections = 32", "connections = 0", "connections must be from 1 to 10000", 0},
        {"body_bytes = 4096", "body_bytes = 1", "body_bytes must be from 1024", 0},
        {"header_time = \"5s\"", "header_time = \"1h\"", "header_time must be from 1s to 10m", 0},
        {"limits = { series = 1000; }", "limits = 5",
         "limits must be a group { }, not a whole number", 0},
        {"series = 1000", "series = 0", "series must be from 1", 0},
        {"mac_key = \"mac.key\"", "mac_key = \"keys/mac\"", "mac_key: 'keys/mac' is no path", 0},
        {"rearm = \"2h\"", "rearm = \"1s\"", "rearm must be from 1m to 1w", 0},
        {"outbox = 500", "outbox = 5", "outbox must be from 100", 0},
        {"times = { rearm = \"2h\"; };", "times = 5;",
         "times must be a group { }, not a whole number", 0},
        {"  { name = \"statsd\"; address = \"udp:127.0.0.1:8125\"; decoder = \"statsd\";\n    limits = { series = 1000; }; }\n);",
         "5 );", "feeds holds a whole number where a feed is expected as a group", 0},
    };
    CHECK(rows);
}

static void what_is_needed_is_asked_for(void **state)
{
    static const struct row rows[] = {
        {"company = \"ACME\";", "", "the configuration lacks company", NO_LINE},
        {"channel = \"mail\"; address = \"boss@x\";", "address = \"boss@x\";",
         "a person's channel lacks channel", 0},
        {"title = \"Nobody is hurt\"; ", "", "a value lacks title", 0},
        {"title = \"Danger\"; ", "", "a category lacks title", 0},
        {"title = \"Danger\"; severity = \"critical\";", "title = \"Danger\";",
         "a category lacks severity", 0},
        {"title = \"Danger\"; severity = \"critical\"; policy = \"leaders\";",
         "title = \"Danger\"; severity = \"critical\";", "a category lacks policy", 0},
        {"helpers = [ \"role:coo\" ];", "", "a category with guidance \"help\" needs helpers", 0},
        {"address = \"127.0.0.1:8652\"; ", "", "a listener lacks address", 0},
        {"routes = [ \"ingest\" ];", "", "a listener lacks routes", 0},
        {"decoder = \"statsd\";", "", "a feed lacks decoder", 0},
        {"mac_key = \"mac.key\";", "", "the store lacks mac_key", 0},
        {"store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"mac.key\"; };", "",
         "there is no store: add store = {", NO_LINE},
        {"name = \"operators\"", "name = \"operator\"", "there is no policy \"operators\"",
         NO_LINE},
        {"category = \"service\"; metric = \"orders\";\n    absent",
         "metric = \"orders\"; severity = \"warning\"; policy = \"leaders\";\n    absent",
         "a rule for a metric lacks category", 0},
    };
    CHECK(rows);
}

static void references_lead_somewhere(void **state)
{
    static const struct row rows[] = {
        {"manager = \"boss\"; uid", "manager = \"bos\"; uid",
         "manager: there is no person 'bos' (did you mean 'boss'?)", 0},
        {"deputies = \"cleo\"", "deputies = \"clea\"",
         "deputies: there is no person 'clea' (did you mean 'cleo'?)", 0},
        {"deputies = \"cleo\"", "assistants = [ \"zz\" ]", "assistants: there is no person 'zz'\n",
         0},
        {"deputies = \"cleo\"", "delegates = [ \"zz\" ]", "delegates: there is no person 'zz'", 0},
        {"members = [ \"anna\", \"cleo\" ]", "members = [ \"anna\", \"cleo\", \"zoe\" ]",
         "members: there is no person 'zoe'", 0},
        {"address = \"boss@x\"; },", "address = \"boss@x\"; }, { channel = \"fax\"; },",
         "channel: there is no channel 'fax'", 0},
        {"readers = [ \"dora\"", "readers = [ \"dorra\"",
         "readers: there is no person 'dorra' (did you mean 'dora'?)", 0},
        {"\"team:crew\" ]; }\n);\nsev", "\"team:crow\" ]; }\n);\nsev",
         "readers: there is no team 'crow' (did you mean 'crew'?)", 0},
        {"helpers = [ \"role:coo\" ]", "helpers = [ \"role:cto\" ]",
         "target 'role:cto': nobody has this role (did you mean 'role:coo'?)", 0},
        {"severity = \"warning\"", "severity = \"warnin\"",
         "severity: there is no severity 'warnin' (did you mean 'warning'?)", 0},
        {"title = \"Danger\"; severity = \"critical\"; policy = \"leaders\"",
         "title = \"Danger\"; severity = \"critical\"; policy = \"leader\"",
         "policy: there is no policy 'leader' (did you mean 'leaders'?)", 0},
        {"violations = [ \"danger\" ]", "violations = [ \"danger\", \"dirt\" ]",
         "violations: there is no category 'dirt'", 0},
        {"value = \"honesty\"; }\n", "value = \"honest\"; }\n",
         "value: there is no value 'honest' (did you mean 'honesty'?)", 0},
        {"value = \"honesty\"; }\n", "value = \"safety\"; }\n",
         "the value 'safety' does not list 'lying' among its violations", 0},
        {"violations = [ \"danger\" ]", "violations = [ \"danger\", \"lying\" ]",
         "'lying' violates the value 'honesty' already", 0},
        {"targets = [ \"role:coo\" ]", "targets = [ \"role:coo\", \"bob\" ]",
         "target: there is no person 'bob'", 0},
        {"targets = [ \"role:coo\" ]", "targets = [ \"role:cio\" ]",
         "target 'role:cio': nobody has this role", 0},
        {"targets = [ \"role:coo\" ]", "targets = [ \"team:cre\" ]",
         "target: there is no team 'cre' (did you mean 'crew'?)", 0},
        {"channels = [ \"mail\" ]", "channels = [ \"mial\" ]",
         "channels: there is no channel 'mial' (did you mean 'mail'?)", 0},
        {"{ name = \"slow\"; category = \"service\"", "{ name = \"slow\"; category = \"servic\"",
         "category: there is no category 'servic' (did you mean 'service'?)", 0},
        {"severity = \"critical\"; policy = \"leaders\";\n    metric",
         "severity = \"dire\"; policy = \"leaders\";\n    metric",
         "severity: there is no severity 'dire'", 0},
        {"{ name = \"violation\"; policy = \"outside\"",
         "{ name = \"violation\"; policy = \"outsid\"",
         "policy: there is no policy 'outsid' (did you mean 'outside'?)", 0},
        {"incident = { value = [ \"honesty\" ]; }",
         "incident = { value = [ \"honestly\", \"safety\" ]; }",
         "incident: there is no value 'honestly' (did you mean 'honesty'?)", 0},
        {"incident = { category = [ \"service\" ]",
         "incident = { category = [ \"service\", \"servce\" ]",
         "incident: there is no category 'servce' (did you mean 'service'?)", 0},
        {"per = [ \"customer\" ]", "per = [ \"region\" ]", "per: 'region' is no field of a filing",
         0},
    };
    CHECK(rows);
}

static void names_and_identities_belong_to_one(void **state)
{
    static const struct row rows[] = {
        {"company =", "company = \"B\";\ncompany =", "duplicate setting name", 1},
        {"{ name = \"few\"", "{ name = \"slow\"", "the rule 'slow' was given already at t.cfg:", 0},
        {"{ name = \"push\"", "{ name = \"api\"",
         "the listener 'api' was given already at t.cfg:", 0},
        {"uids = [ 2, 3 ]", "uids = [ 2, 1 ]", "uid 1 belongs to 'anna' already (t.cfg:3)", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"unix:./api.sock\"",
         "is taken by the entry at t.cfg:", 0},
        {"address = \"udp:127.0.0.1:8125\"", "address = \"unixgram:./api.sock\"",
         "is taken by the entry at t.cfg:", 0},
        {"manager = \"boss\"; uid", "manager = \"anna\"; uid", "'anna' is their own manager", 0},
    };
    CHECK(rows);
}

static void no_climb_ends_with_nobody(void **state)
{
    static const struct row rows[] = {
        {"targets = [ \"role:coo\" ]", "targets = [ ]", "targets must hold from 1 to 64 texts", 0},
        {"steps = (\n      { targets = \"independent\"; wait = \"4h\"; } )", "steps = ( )",
         "a policy without steps ends with nobody", 0},
        {"targets = [ \"role:coo\" ]", "targets = [ \"anna\", \"boss\" ]", "'anna' has no channel",
         0},
        {"targets = [ \"role:coo\" ]; wait",
         "targets = [ \"role:coo\" ]; channels = [ \"room\" ]; wait",
         "step 1 reaches nobody: none of its people has one of its channels", 0},
        {"{ name = \"judy\"; independent = true;", "{ name = \"judy\";",
         "there is one independent contact: at least two people", NO_LINE},
        {"company = \"ACME\";", "company = \"ACME\";\nindependent_roles = \"auditor\";",
         "independent_roles 'auditor': nobody has this role", NO_LINE},
        {"{ name = \"judy\"; independent = true;",
         "{ name = \"judy\"; independent = true;\n    aliases = [ \"Jude\", \"indy\" ];",
         "alias 'indy' is somebody's name", 1},
        {"{ name = \"judy\"; independent = true;",
         "{ name = \"judy\"; independent = true; aliases = [ \"a:b\" ];",
         "person 'a:b': a name is not empty", NO_LINE},
    };
    CHECK(rows);
}

static void whoever_is_accused_somebody_independent_is_left(void **state)
{
    static const struct row rows[] = {
        /* Both report to the boss: nobody is left for a filing about the boss. */
        {"{ name = \"indy\"; independent = true;\n    channels = ( { channel = \"mail\"; address = \"indy@x\"; }, { channel = \"hook\"; } ); },\n  { name = \"judy\"; independent = true;",
         "{ name = \"indy\"; independent = true;\n    channels = ( { channel = \"mail\"; address = \"indy@x\"; }, { channel = \"hook\"; } ); },\n  { name = \"judy\"; manager = \"indy\"; independent = true;",
         "a filing about 'indy' would reach nobody", 0},
        /* One role for both: a filing about the role. */
        {"{ name = \"indy\"; independent = true;\n    channels = ( { channel = \"mail\"; address = \"indy@x\"; }, { channel = \"hook\"; } ); },\n  { name = \"judy\"; independent = true;",
         "{ name = \"indy\"; roles = \"audit\"; independent = true;\n    channels = ( { channel = \"mail\"; address = \"indy@x\"; }, { channel = \"hook\"; } ); },\n  { name = \"judy\"; roles = \"audit\"; independent = true;",
         "a filing about 'role:audit' would reach nobody", 0},
        {"members = [ \"anna\", \"cleo\" ]; }\n",
         "members = [ \"anna\", \"cleo\" ]; },\n  { name = \"board\"; members = [ \"indy\", \"judy\" ]; }\n",
         "a filing about 'team:board' would reach nobody", 1},
        {"deputies = \"cleo\";", "deputies = [ \"indy\", \"judy\" ];",
         "a filing about 'boss' would reach nobody", 0},
    };
    check_rows(rows + 1, 2);
    /* A deputy of the boss is too near to the boss and to whoever has the boss's role. */
    uint32_t line = 0;
    char *text = change(rows[3].from, rows[3].to, &line);
    struct fa_test_told told;
    assert_null(fa_test_parse(text, NULL, &told));
    assert_contains(fa_buf_text(&told.faults), rows[3].expect);
    assert_contains(fa_buf_text(&told.faults), "a filing about 'role:coo' would reach nobody");
    fa_test_told_done(&told);
    free(text);
    /* Reporting to the other independent contact leaves nobody when that one is accused. */
    text = change(rows[0].from, rows[0].to, &line);
    assert_null(fa_test_parse(text, NULL, &told));
    assert_contains(fa_buf_text(&told.faults), rows[0].expect);
    fa_test_told_done(&told);
    free(text);
}

static void managers_do_not_form_a_circle(void **state)
{
    uint32_t line = 0;
    char *text = change("manager = \"indy\"", "manager = \"anna\"", &line);
    struct fa_test_told told;
    assert_null(fa_test_parse(text, NULL, &told));
    assert_int_equal(told.fault_count, 1);
    assert_contains(
        fa_buf_text(&told.faults),
        "t.cfg:3: the managers above 'anna' form a circle: anna -> boss -> ... -> anna");
    fa_test_told_done(&told);
    free(text);
}

static void channels_carry_filings_only_when_they_may(void **state)
{
    static const struct row rows[] = {
        {"url = \"https://x\"; secret = \"./hook.key\";",
         "url = \"https://x\"; readers = [ \"boss\" ];",
         "readers are for shared channels: add shared = true", 0},
        {"targets = \"independent\"; wait",
         "targets = \"independent\"; channels = [ \"room\" ]; wait", "step 1 reaches nobody", 0},
    };
    CHECK(rows);
    /* Without readers the room still carries the daemon's own troubles, which are no filings ... */
    const char *readers = "readers = [ \"dora\", \"team:crew\" ]; }\n);\n";
    uint32_t line = 0;
    char *text = change(readers, "}\n);\n", &line);
    struct fa_test_told told;
    struct fa_config *config = fa_test_parse(text, NULL, &told);
    assert_non_null(config);
    fa_config_free(config);
    fa_test_told_done(&told);
    /* ... but a step of a policy for filings must not depend on it. */
    free(text);
    struct fa_buf both;
    fa_buf_init(&both, 1 << 16);
    const char *step = strstr(base, "targets = [ \"role:coo\" ]; wait"),
               *end = strstr(base, readers);
    fa_buf_put(&both, base, (size_t)(end - base));
    fa_buf_puts(&both, "}\n);\n");
    end += strlen(readers);
    fa_buf_put(&both, end, (size_t)(step - end));
    fa_buf_puts(&both, "targets = [ \"dora\" ]; channels = [ \"room\" ]; wait");
    fa_buf_puts(&both, step + strlen("targets = [ \"role:coo\" ]; wait"));
    assert_null(fa_test_parse(fa_buf_text(&both), NULL, &told));
    assert_int_equal(told.fault_count, 1);
    assert_contains(fa_buf_text(&told.faults), "step 1 cannot carry what people file");
    fa_test_told_done(&told);
    fa_buf_done(&both);
}

static void a_rule_can_fire_and_clear(void **state)
{
    static const struct row rows[] = {
        {"above = 120; clear_below = 90.0;", "",
         "this rule can never fire: give above, below or absent", -3},
        {"clear_below = 90.0", "clear_below = 120", "clear_below must be lower than above", 0},
        {"clear_below = 90.0", "clear_below = 130.5", "clear_below must be lower than above", 0},
        {"clear_above = 8", "clear_above = 5", "clear_above must be higher than below", 0},
        {"clear_above = 8", "clear_below = 4", "clear_below goes with above, which is not given",
         0},
        {"clear_below = 90.0", "clear_above = 130",
         "clear_above goes with below, which is not given", 0},
        {"below = 5; clear_above = 8;", "below = 5; above = 4;",
         "above and below contradict each other", 0},
        {"below = 5; clear_above = 8;", "below = 5; above = 5;",
         "above and below contradict each other", 0},
        {"take = \"p90\"", "take = \"p100\"", "a quantile is from p1 to p99, not 'p100'", 0},
        {"take = \"p90\"", "take = \"p0.5\"", "a quantile is from p1 to p99, not 'p0.5'", 0},
        {"take = \"p90\"", "take = \"mean\"", "take: 'mean' is none of last, avg", 0},
        {"take = \"sum\"", "take = \"summ\"", "(did you mean 'sum'?)", 0},
        {"take = \"sum\"; over = \"1h\";", "take = \"sum\";", "take needs over: the window", 0},
        {"take = \"sum\"; over = \"1h\";", "over = \"1h\";",
         "over says nothing with take = \"last\"", 0},
        {"absent = \"10m\";", "absent = \"10m\"; above = 5;", "above does not go with absent", 0},
        {"absent = \"10m\";", "absent = \"10m\"; over = \"5m\";", "over does not go with absent",
         0},
        {"absent = \"10m\";", "absent = \"10m\"; take = \"avg\";", "take does not go with absent",
         0},
        {"metric = \"orders\";\n", "metric = \"orders{x}\";\n", "a metric's name holds no blanks",
         0},
        {"latched = true; }", "metric = \"orders\"; }",
         "a rule has only one of metric, expr, incident and alert", -1},
        {"metric = \"orders\";\n    absent = \"10m\";", "",
         "a rule needs metric, expr, incident or alert", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "incident = 5;",
         "incident must be a group { }", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "alert = { };",
         "an alert pattern lacks where", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "alert = 5;", "alert must be a group { }",
         0},
        {"metric = \"orders\";\n    absent = \"10m\";", "alert = { where = { severity = [ ]; }; };",
         "severity: an empty list fits nothing", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "alert = { where = { severity = 5; }; };",
         "text", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "alert = { where = { severity = [ 5 ]; }; };", "text", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "alert = { where = { a-b = \"x\"; }; };",
         "a label holds letters", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "alert = { where = { a = \"x\"; }; per = \"b c\"; };", "'b c' is no label", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "alert = { where = { a = \"x\"; }; }; above = 5.0;",
         "above is for metrics; an alert rule says", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "alert = { where = { a = \"x\"; }; }; per = \"b\";",
         "per is for metrics; an alert rule says", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "alert = { where = { a = \"x\"; }; }; incident = { value = \"honesty\"; };",
         "only one of metric, expr, incident and alert", 0},
        {"incident = { value = [ \"honesty\" ]; }; latched",
         "incident = { value = [ \"honesty\" ]; }; above = 5; latched", "above is for metrics", 0},
        {"incident = { value = [ \"honesty\" ]; }; latched",
         "incident = { value = [ \"honesty\" ]; }; for = \"5m\"; latched", "for is for metrics", 0},
        {"metric = \"orders\";\n", "metric = \"orders\"; and_expr = \"x > 1\";\n",
         "and_expr goes with incident, which is not given", 0},
        {"incident = { value = [ \"honesty\" ]; }; latched",
         "incident = { value = [ \"honesty\" ]; }; and_expr = \"x >\"; latched",
         "and_expr, column 4:", 0},
        {"incident = { value = [ \"honesty\" ]; }; latched",
         "incident = { value = [ \"honesty\" ]; }; and_expr = \"count(x) < 0\"; latched",
         "and_expr: count(x) < 0 is never true", 0},
        {"incident = { value = [ \"honesty\" ]; }; latched",
         "incident = { value = [ \"honesty\" ]; }; and_expr = \"x > 1\"; clear_expr = \"x < 1\"; "
         "latched",
         "clear_expr goes with expr, which is not given", 0},
        {"incident = { value = [ \"honesty\" ]; }; latched",
         "incident = { value = [ \"honesty\" ]; }; and_expr = \"x > 1\"; summary = \"{queue}\"; "
         "latched",
         "unknown field \"queue\"", 0},
        {"{queue} at {value|duration}", "{quue} at {value|duration}", "summary, at character", 0},
        {"{queue} at {value|duration}", "{queue} at {value|durtion}", "summary, at character", 0},
        {"{queue} at {value|duration}", "{queue", "summary, at character", 0},
        {"latched = true; }", "expect = \"{zebra}\"; }", "expect is plain text", 0},
    };
    CHECK(rows);
}

static void expressions_are_refused_with_a_caret_under_the_place(void **state)
{
    static const struct row rows[] = {
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"orders >\";",
         "expr, column 9: the expression ends where an expression should stand\n  orders >\n          ^",
         0},
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"sum(\\n  rat(orders[5m]))\";",
         "expr, column 8: there is no function rat()", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"sum(\\n  rat(orders[5m]))\";",
         "\n    rat(orders[5m]))\n    ^", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"1 + 1\";",
         "expr, column 1: a rule needs an instant vector, which fires while it has an element; this is a number",
         0},
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"orders @ 5 > 1\";",
         "expr, column 1: a rule cannot read at one fixed time", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "expr = \"orders > 1\"; clear_expr = \"orders <\";", "clear_expr, column 9:", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"orders > 1\"; above = 5;",
         "above goes with metric; with expr the expression itself says it", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"orders > 5\"; hits = 3;",
         "hits and of go together", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"orders > 5\"; hits = 6; of = 5;",
         "hits is more than of", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "expr = \"orders > 5\"; clear_expr = \"orders < 4\"; hits = 3; of = 5;",
         "clear_expr does not go with hits", 0},
        {"metric = \"orders\";\n    absent = \"10m\";", "expr = \"count(orders) == 0\";",
         "expr: count(orders) == 0 is never true: its left side is at least 1", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "expr = \"orders > 5\"; clear_expr = \"orders < 7\";",
         "clear_expr: orders < 7 holds for values that fire, too", 0},
        {"absent = \"10m\";", "absent = \"10m\"; every = \"1m\";",
         "every goes with expr, which is not given", 0},
        {"company =", "define = ( { name = \"a-b\"; expr = \"1\"; } ); company =",
         "'a-b' is no name for an expression", 0},
        {"company =",
         "define = ( { name = \"a\"; expr = \"1\"; }, { name = \"a\"; expr = \"2\"; } ); company =",
         "'a' is defined twice", 0},
        {"company =", "define = ( { name = \"a\"; expr = \"a + 1\"; } ); company =",
         "'a' is defined by itself", 0},
        {"company =",
         "define = ( { name = \"a\"; expr = \"sum(b)\"; }, { name = \"b\"; expr = \"c\"; }, "
         "{ name = \"c\"; expr = \"x / a\"; } ); company =",
         "'a' is defined by itself, by way of b", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "expr = \"sum by (shop) (orders) > 5\"; clear_expr = \"sum(orders) < 3\";",
         "clear_expr: sum(orders) < 3 has other labels than what fires", 0},
        {"metric = \"orders\";\n    absent = \"10m\";",
         "expr = \"sum by (shop) (orders) > 5\"; summary = \"{shop}: {value} in {region}\";",
         "unknown field \"region\"", 0},
        {"company =", "define = ( { name = \"a\"; expr = \"1 +\"; } ); company =",
         "expr, column 4:", 0},
    };
    CHECK(rows);
}

static void definitions_are_put_into_expressions(void **state)
{
    uint32_t line;
    struct fa_plugins *plugins = fa_test_plugins();
    struct fa_test_told told;
    struct fa_buf buf;
    char *with = change("metric = \"orders\";\n    absent = \"10m\";",
                        "expr = \"share_of_bad * 2 > limit\"; clear_expr = \"share_of_bad < 0.1\"; "
                        "settle = \"2s\"; every = \"1m\"; look_back = \"2d\";",
                        &line);
    struct fa_buf text;
    fa_buf_init(&text, 1 << 20);
    fa_buf_printf(&text,
                  "define = ( { name = \"share_of_bad\"; expr = \"sum(bad) / total\"; }, "
                  "{ name = \"total\"; expr = \"sum(orders)\"; } );\n%s",
                  with);
    struct fa_config *config = fa_test_parse(fa_buf_text(&text), plugins, &told);
    if (config == NULL) {
        fail_msg("%s", fa_buf_text(&told.faults));
    }
    const struct fa_rule *rule = NULL;
    for (size_t i = 0; i < config->rule_count; i++) {
        rule = config->rules[i]->query.expr != NULL ? config->rules[i] : rule;
    }
    assert_non_null(rule);
    fa_buf_init(&buf, 1 << 20);
    fa_promql_format(rule->query.expr->root, &buf);
    assert_string_equal(fa_buf_text(&buf), "(sum(bad) / (sum(orders))) * 2 > limit");
    assert_int_equal(rule->query.settle, 2 * FA_SECOND);
    assert_int_equal(rule->query.every, FA_MINUTE);
    assert_int_equal(rule->query.look_back, 2 * FA_DAY);
    assert_non_null(rule->query.clear);
    fa_buf_done(&buf);
    fa_buf_done(&text);
    fa_config_free(config);
    fa_test_told_done(&told);
    fa_plugins_free(plugins);
    free(with);
}
#define HASH64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void sockets_are_safe_and_apart(void **state)
{
    static const struct row rows[] = {
        {"routes = [ \"ingest\" ]", "routes = [ \"ingest\", \"api\" ]",
         "ingest may not share a listener with api or pages", 0},
        {"routes = [ \"ingest\" ]", "routes = [ \"pages\", \"ingest\" ]",
         "ingest may not share a listener with api or pages", 0},
        {"routes = [ \"ingest\" ]", "routes = [ \"ingst\" ]",
         "routes: 'ingst' is none of ingest, api, pages, metrics (did you mean 'ingest'?)", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"0.0.0.0:8652\"; token = \"" HASH64 "\"",
         "is reachable from other machines: give cert and key", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"*:8652\"; token = \"" HASH64 "\"",
         "is reachable from other machines", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"[::]:8652\"; token = \"" HASH64 "\"",
         "is reachable from other machines", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"localhost:8652\"", "is no address", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"127.0.0.1\"", "is no address", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"127.0.0.1:99999\"", "is no address", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"[::1:8652\"", "is no address", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"unix:run/x\"", "is no address", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"127.0.0.1:8652\"; cert = \"./c.pem\"",
         "cert and key go together: key is missing", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"127.0.0.1:8652\"; key = \"tls-key\"",
         "cert and key go together: cert is missing", 0},
        {"mode = \"0666\";", "cert = \"./c\"; key = \"./k\";", "a Unix socket takes no TLS", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"*:8652\"; cert = \"./c\"; key = \"./k\"",
         "everybody who reaches '*:8652' could raise and clear alarms: give token", 0},
        {"address = \"127.0.0.1:8652\"", "address = \"127.0.0.1:8652\"; token = \"secret\"",
         "token must be the token's BLAKE2b-256", 0},
        {"mode = \"0666\";", "token = \"" HASH64 "\";",
         "token is what feeds show, and this listener does not serve ingest", 0},
        {"udp:127.0.0.1:8125", "tcp:127.0.0.1:8125", "is no feed's address", 0},
        {"udp:127.0.0.1:8125", "udp:example.com:8125", "is no feed's address", 0},
        {"udp:127.0.0.1:8125", "unixgram:x", "is no feed's address", 0},
    };
    CHECK(rows);
    static const char *const good[] = {
        "[::1]:8652",
        "127.3.2.1:0",
        "unix:/run/x",
        "*:8652\"; cert = \"./c\"; key = \"tls-key\"; token = \"" HASH64,
        "127.0.0.1:8652\"; token = \"" HASH64,
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint32_t line = 0;
        char *text = change("127.0.0.1:8652", good[i], &line);
        struct fa_test_told told;
        struct fa_config *config = fa_test_parse(text, NULL, &told);
        if (config == NULL) {
            fail_msg("%s: %s", good[i], fa_buf_text(&told.faults));
        }
        fa_config_free(config);
        fa_test_told_done(&told);
        free(text);
    }
}

static void requests_go_to_one_feed_each(void **state)
{
#define STATSD "address = \"udp:127.0.0.1:8125\"; decoder = \"statsd\";"
#define REMOTE "decoder = \"remote\"; "
#define MORE   " }, { name = \"more\"; decoder = \"remote\"; "
    static const struct row rows[] = {
        {STATSD, STATSD " path = \"/x\";", "listener and path are of requests", 0},
        {STATSD, STATSD " listener = \"push\";", "listener and path are of requests", 0},
        {STATSD, "decoder = \"statsd\";",
         "the decoder 'statsd' does not read requests: give the feed an address", 0},
        {STATSD, REMOTE "listener = \"psh\";",
         "listener: there is no listener 'psh' (did you mean 'push'?)", 0},
        {STATSD, REMOTE "listener = \"api\";", "the listener 'api' does not serve ingest", 0},
        {STATSD, REMOTE "path = \"x\";", "'x' is no path", 0},
        {STATSD, REMOTE "path = \"/a b\";", "'/a b' is no path", 0},
        {STATSD, REMOTE "path = [ \"/a\", \"/b?c\" ];", "'/b?c' is no path", 0},
        {STATSD, REMOTE MORE, "requests to '/remote' go to the feed at t.cfg:70", 0},
        {STATSD, REMOTE "path = \"/own\";" MORE "path = [ \"/a\", \"/own\" ];",
         "requests to '/own' go to the feed at t.cfg:70", 0},
        {STATSD, REMOTE "listener = \"push\";" MORE, "requests to '/remote' go to the feed", 0},
    };
    CHECK(rows);
    uint32_t line = 0;
    char *text =
        change(STATSD, REMOTE MORE "path = [ \"/a\", \"/b\" ]; listener = \"push\";", &line);
    struct fa_plugins *plugins = fa_test_plugins();
    struct fa_test_told told;
    struct fa_config *config = fa_test_parse(text, plugins, &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    assert_null(config->feeds[0].address);
    assert_null(config->feeds[0].listener);
    assert_int_equal(config->feeds[0].path_count, 2);
    assert_string_equal(config->feeds[0].paths[1], "/remote/more");
    assert_int_equal(config->feeds[1].path_count, 2);
    assert_string_equal(config->feeds[1].paths[0], "/a");
    assert_string_equal(config->feeds[1].listener, "push");
    fa_config_free(config);
    fa_test_told_done(&told);
    fa_plugins_free(plugins);
    free(text);
}

/* Somebody must take what is sent. */
static void requests_need_a_listener_with_ingest(void **state)
{
    static const struct row rows[] = {
        {"routes = [ \"ingest\" ];\n", "routes = [ \"metrics\" ];\n",
         "without an address a feed takes requests, and no listener serves ingest", 4},
    };
    char *text = strstr(base, "address = \"udp:127.0.0.1:8125\"; decoder = \"statsd\"");
    static const char other[] = "                                   decoder = \"remote\"";
    char *kept = strdup(text);
    memcpy(text, other, sizeof other - 1);
    CHECK(rows);
    memcpy(text, kept, sizeof other - 1);
    free(kept);
}

static void plugins_are_asked(void **state)
{
    static const struct row rows[] = {
        {"plugin = \"email\"", "plugin = \"emial\"", "emial", 0},
        {"decoder = \"statsd\"", "decoder = \"graphite\"", "graphite", 0},
        {"decoder = \"statsd\"", "decoder = \"remote\"",
         "the decoder 'remote' does not read datagrams", 0},
        {"plugin = \"sqlite\"", "plugin = \"postgres\"", "postgres", 0},
        {"relay = \"127.0.0.1:25\";", "", "relay", 0},
        {"from = \"f@x\"", "from = \"f@x\"; timeout = \"1ms\"", "timeout", 0},
        {"from = \"f@x\"", "from = \"f@x\"; timout = \"5s\"",
         "unknown key 'timout': neither channel 'mail' nor its plugin 'email' has it (did you mean 'timeout'?)",
         0},
        {"from = \"f@x\"", "from = \"f@x\"; reader = [ \"boss\" ]", "(did you mean 'readers'?)", 0},
        {"address = \"boss@x\"", "address = \"boss\"",
         "'boss' cannot be reached by channel 'mail': no mail address", 0},
        {"path = \"./store\";", "", "path", 0},
        {"secret = \"./hook.key\"", "secret = \"keys/hook\"", "secret", 0},
    };
    CHECK(rows);
    /* A credential's name is right although no credentials are there while it is proved. */
    uint32_t line = 0;
    char *text = change("secret = \"./hook.key\"", "secret = \"hook-key\"", &line);
    struct fa_plugins *plugins = fa_test_plugins();
    struct fa_test_told told;
    struct fa_config *config = fa_test_parse(text, plugins, &told);
    assert_string_equal(fa_buf_text(&told.faults), "");
    assert_string_equal(config->channels[1].given[1].text.ptr, "hook-key");
    fa_config_free(config);
    fa_test_told_done(&told);
    fa_plugins_free(plugins);
    free(text);
}

static void doubtful_things_are_warned_of(void **state)
{
    static const struct row rows[] = {
        {"channel = \"mail\"; address = \"cleo@x\"; }, { channel = \"room\"; }",
         "channel = \"room\"; }", "'cleo' has one channel only", -1},
        {"take = \"p90\"; over = \"15m\"; at_least = 10;\n    where = { region = \"eu\"; }; per = [ \"queue\" ];\n    above = 120; clear_below = 90.0; for = \"30m\";",
         "per = [ \"queue\" ]; above = 120;\n\n", "one sample is enough to fire: give for", -1},
        {"over = \"15m\"", "over = \"7d\"", "what comes once a day needs look_back", -1},
        {"targets = [ \"role:it\" ]", "targets = [ \"dora\" ]",
         "the policy \"operators\" tells one person", -1},
        {"guidance = \"help\"; helpers = [ \"role:coo\" ];", "",
         "due says nothing where guidance is \"raise\"", 1},
        {"targets = [ \"role:coo\", \"independent\" ]; channels = [ \"mail\" ]",
         "targets = [ \"role:coo\" ]", "step 2 tells nobody who was not told before", 0},
        {"udp:127.0.0.1:8125", "udp:0.0.0.0:8125", "everybody who can send to", 0},
        {"name = \"room\"; plugin",
         "name = \"attic\"; plugin = \"webhook\"; url = \"https://q\"; },\n { name = \"room\"; plugin",
         "nobody is reached by channel 'attic'", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t line = 0;
        char *text = change(rows[i].from, rows[i].to, &line), start[64];
        struct fa_test_told told;
        struct fa_config *config = fa_test_parse(text, NULL, &told);
        const char *found = strstr(fa_buf_text(&told.warnings), rows[i].expect);
        snprintf(start, sizeof start, "t.cfg:%d:", (int)line + rows[i].line);
        /* The last row's operators have one way less: its own faults are not the point. */
        if (found == NULL || strstr(fa_buf_text(&told.warnings), start) == NULL) {
            fail_msg("row %zu: %s not in\n%s%s", i, rows[i].expect, fa_buf_text(&told.warnings),
                     fa_buf_text(&told.faults));
        }
        fa_config_free(config);
        fa_test_told_done(&told);
        free(text);
    }
}

/* clang-format on */
/* Many warnings neither refuse nor hide a fault; many faults end in one that says so. */
static void a_flood_of_faults_is_cut_and_one_of_warnings_is_harmless(void **state)
{
    struct fa_buf text;
    struct fa_test_told told;
    fa_buf_init(&text, (size_t)1 << 20);
    const char *at = strstr(base, "  { name = \"anna\"");
    fa_buf_put(&text, base, (size_t)(at - base));
    for (int i = 0; i < 600; i++) {
        fa_buf_printf(&text, "{ name = \"p%d\"; channels = ( { channel = \"hook\"; } ); },\n", i);
    }
    fa_buf_puts(&text, at);
    struct fa_config *config = fa_test_parse(fa_buf_text(&text), NULL, &told);
    assert_non_null(config);
    assert_int_equal(told.warning_count, 101);
    assert_contains(fa_buf_text(&told.warnings), "more than 100 warnings");
    fa_config_free(config);
    fa_test_told_done(&told);
    for (int i = 0; i < 600; i++) {
        fa_buf_printf(&text, "zebra%d = 1;\n", i);
    }
    assert_null(fa_test_parse(fa_buf_text(&text), NULL, &told));
    assert_int_equal(told.fault_count, 501);
    assert_contains(fa_buf_text(&told.faults), "more than 500 faults");
    fa_test_told_done(&told);
    fa_buf_done(&text);
}

/* clang-format off */
static void links_lead_to_pages(void **state)
{
    static const char url[] = "https://alarm.example.com:8443/x/";
    static const struct row rows[] = {
        {url, "alarm.example.com", "'alarm.example.com' is no address of pages: write \"https://", 0},
        {url, "https://", "is no address of pages", 0},
        {url, "https:///x", "is no address of pages", 0},
        {url, "ftp://alarm.example.com", "is no address of pages", 0},
        {url, "https://me@alarm.example.com", "is no address of pages", 0},
        {url, "https://alarm.example.com/?a=1", "is no address of pages", 0},
        {url, "https://alarm.example.com/#a", "is no address of pages", 0},
        {url, "https://alarm example.com", "is no address of pages", 0},
        {url, "https://alarm.example.com/\\\"onload=x", "is no address of pages", 0},
        {url, "http://alarm.example.com", "codes in clear over the network", 0},
        {url, "http://127.0.0.1.example.com", "codes in clear over the network", 0},
        {"url = \"https://alarm.example.com:8443/x/\";", "", "the pages lacks url", 0},
        {"[ \"api\", \"pages\" ]", "[ \"api\" ]", "links would lead nowhere: no listener serves pages", 11},
    };
    CHECK(rows);
}

static void a_trial_on_this_machine_needs_no_certificate(void **state)
{
    static const char *const urls[] = {"http://127.0.0.1:8653/", "http://[::1]:8653", "http://localhost/"};
    static const char *const kept[] = {"http://127.0.0.1:8653", "http://[::1]:8653", "http://localhost"};
    struct fa_plugins *plugins = fa_test_plugins();
    for (size_t i = 0; i < 3; i++) {
        uint32_t line = 0;
        char *text = change("https://alarm.example.com:8443/x/", urls[i], &line);
        struct fa_test_told told;
        struct fa_config *config = fa_test_parse(text, plugins, &told);
        assert_string_equal(fa_buf_text(&told.faults), "");
        assert_string_equal(config->pages_url, kept[i]);
        fa_config_free(config);
        fa_test_told_done(&told);
        free(text);
    }
    fa_plugins_free(plugins);
}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_base_is_sound),
        cmocka_unit_test(keys_are_known_or_refused_with_a_suggestion),
        cmocka_unit_test(values_have_their_type_and_range),
        cmocka_unit_test(what_is_needed_is_asked_for),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(names_and_identities_belong_to_one),
        cmocka_unit_test(no_climb_ends_with_nobody),
        cmocka_unit_test(whoever_is_accused_somebody_independent_is_left),
        cmocka_unit_test(managers_do_not_form_a_circle),
        cmocka_unit_test(channels_carry_filings_only_when_they_may),
        cmocka_unit_test(a_rule_can_fire_and_clear),
        cmocka_unit_test(expressions_are_refused_with_a_caret_under_the_place),
        cmocka_unit_test(definitions_are_put_into_expressions),
        cmocka_unit_test(sockets_are_safe_and_apart),
        cmocka_unit_test(requests_go_to_one_feed_each),
        cmocka_unit_test(requests_need_a_listener_with_ingest),
        cmocka_unit_test(plugins_are_asked),
        cmocka_unit_test(doubtful_things_are_warned_of),
        cmocka_unit_test(a_flood_of_faults_is_cut_and_one_of_warnings_is_harmless),
        cmocka_unit_test(links_lead_to_pages),
        cmocka_unit_test(a_trial_on_this_machine_needs_no_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

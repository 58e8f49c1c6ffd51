/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::JANSSON fa_config */
/* What `firealarm directory import` says and writes, and what it leaves as it was. */
#include "fa_test.h"
#include "client/client.h"
#include "client/swap.h"

#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

static const char config[] =
    "company = \"ACME\";\n"
    "directory = \"./state/directory.cfg\";\n"
    "people = (\n"
    "  { name = \"boss\"; roles = \"seller\"; channels = ( { channel = \"mail\"; address = \"b@x.example\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"indy\"; independent = true; channels = ( { channel = \"mail\"; address = \"i@x.example\"; }, { channel = \"hook\"; } ); },\n"
    "  { name = \"judy\"; independent = true; channels = ( { channel = \"mail\"; address = \"j@x.example\"; }, { channel = \"hook\"; } ); }\n"
    ");\n"
    "models = ( { name = \"complex\"; conduit = \"seller\"; } );\n"
    "channels = (\n"
    "  { name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:25\"; from = \"f@x.example\"; tls = \"none\"; allow_plain = true; },\n"
    "  { name = \"hook\"; plugin = \"webhook\"; url = \"https://x.example/\"; secret = \"./hook.key\"; }\n"
    ");\n"
    "categories = ( { name = \"service\"; title = \"Service\"; severity = \"warning\"; policy = \"line\"; } );\n"
    "policies = (\n"
    "  { name = \"line\"; steps = ( { targets = [ \"boss\" ]; wait = \"1h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"boss\", \"indy\" ]; wait = \"30m\"; } ); }\n"
    ");\n"
    "store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"mac.key\"; };\n";

struct place {
    char dir[64];
    bool is_terminal;
    char *out, *err;
};

static void path_of(const struct place *p, const char *name, char buf[128])
{
    snprintf(buf, 128, "%s/%s", p->dir, name);
}

static void lay_down(const struct place *p, const char *name, const char *text)
{
    char path[128];
    path_of(p, name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static bool holds(const struct place *p, const char *name, const char *text)
{
    char path[128], buf[8192];
    path_of(p, name, path);
    FILE *file = fopen(path, "r");
    size_t len = file != NULL ? fread(buf, 1, sizeof buf - 1, file) : 0;
    buf[len] = '\0';
    if (file != NULL) {
        fclose(file);
    }
    return strstr(buf, text) != NULL && len > 0;
}

static bool is_there(const struct place *p, const char *name)
{
    char path[128];
    path_of(p, name, path);
    return access(path, F_OK) == 0;
}

static int setup(void **state)
{
    static struct place p;
    char path[128];
    p = (struct place){.dir = "/tmp/fa-directory-XXXXXX"};
    assert_non_null(mkdtemp(p.dir));
    path_of(&p, "state", path);
    assert_int_equal(mkdir(path, 0700), 0);
    lay_down(&p, "firealarm.cfg", config);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"state/directory.cfg",
                                        "state/directory.cfg.refused",
                                        "state",
                                        "firealarm.cfg",
                                        "a.csv",
                                        "b.csv",
                                        "a.json"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_of(p, names[i], path);
        (void)remove(path);
    }
    free(p->out);
    free(p->err);
    return rmdir(p->dir);
}

static int run(struct place *p, int argc, const char *const *argv)
{
    size_t out_size, err_size;
    free(p->out);
    free(p->err);
    struct fa_world world = {.in = 0,
                             .out = open_memstream(&p->out, &out_size),
                             .err = open_memstream(&p->err, &err_size),
                             .in_tty = p->is_terminal,
                             .err_tty = p->is_terminal,
                             .config_home = "/nonexistent",
                             .state_home = "/nonexistent",
                             .cache_home = "/nonexistent",
                             .system_config = "/nonexistent/client.cfg",
                             .now = 1};
    int code = fa_client_main(&world, argc, argv);
    fclose(world.out);
    fclose(world.err);
    return code;
}

/* Words: options and the files' names within the place. */
static int import(struct place *p, const char *const *words)
{
    char plugins[512], cfg[128], paths[8][128];
    const char *argv[20] = {"firealarm", "directory", "import", "--daemon-config",
                            cfg,         "--plugins", plugins};
    int argc = 7;
    path_of(p, "firealarm.cfg", cfg);
    snprintf(plugins, sizeof plugins, "%s/plugins", getenv("FA_BUILD_DIR"));
    for (int i = 0; words[i] != NULL; i++) {
        path_of(p, words[i], paths[i]);
        argv[argc++] = words[i][0] == '-' ? words[i] : paths[i];
    }
    return run(p, argc, argv);
}

static int look(struct place *p, const char *verb, const char *name)
{
    char cfg[128];
    const char *argv[] = {"firealarm", "directory", verb, "--daemon-config", cfg, name};
    path_of(p, "firealarm.cfg", cfg);
    return run(p, 6, argv);
}
#define IMPORT(p, ...) import(p, (const char *const[]){__VA_ARGS__, NULL})

static const char people[] = "person,display,roles,manager,channel.mail,channel.hook,operator\n"
                             "zoe,\"Zoe \"\"Z\"\" Quill\",seller; desk,boss,z@x.example,-,no\n"
                             "yan,Yan,,zoe,,-,yes\n";
static const char accounts[] =
    "{ \"accounts\": [\n"
    "  { \"name\": \"Initech {1}\", \"model\": \"complex\",\n"
    "    \"conduit\": \"zoe\", \"touches\": [ \"yan\" ] },\n"
    "  { \"name\": \"Hooli\", \"model\": \"complex\", \"display\": null }\n"
    "] }\n";

static void nothing_is_written_without_apply(void **state)
{
    struct place *p = *state;
    lay_down(p, "a.csv", people);
    lay_down(p, "a.json", accounts);
    assert_int_equal(IMPORT(p, "a.csv", "a.json"), FA_EXIT_OK);
    assert_contains(p->out, "+ person  zoe\n");
    assert_contains(p->out, "+ account Initech {1}\n");
    assert_contains(p->out, "people   2 added, 0 changed, 0 gone, 0 the same\n");
    assert_contains(p->out, "sound; nothing was written: say --apply\n");
    assert_false(is_there(p, "state/directory.cfg"));
}

/* Beside what it prints, and to nobody who is a program. */
static void on_a_terminal_an_import_says_how_far_it_is(void **state)
{
    struct place *p = *state;
    lay_down(p, "a.csv", people);
    lay_down(p, "a.json", accounts);
    assert_int_equal(IMPORT(p, "a.csv", "a.json"), FA_EXIT_OK);
    assert_string_equal(p->err, "");
    p->is_terminal = true;
    assert_int_equal(IMPORT(p, "--json", "a.csv", "a.json"), FA_EXIT_OK);
    assert_string_equal(p->err, "");
    assert_int_equal(IMPORT(p, "a.csv", "a.json"), FA_EXIT_OK);
    assert_string_equal(p->err, "records read (2)\nrecords read (4)\n"
                                "proving the whole configuration with it (4)\n");
}

static void what_is_written_is_read_back_as_the_same(void **state)
{
    struct place *p = *state;
    struct stat st;
    char path[128];
    lay_down(p, "a.csv", people);
    lay_down(p, "a.json", accounts);
    assert_int_equal(IMPORT(p, "--apply", "a.csv", "a.json"), FA_EXIT_OK);
    path_of(p, "state/directory.cfg", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(holds(p, "state/directory.cfg", "display = \"Zoe \\\"Z\\\" Quill\";\n"));
    assert_true(holds(p, "state/directory.cfg", "roles = [ \"seller\", \"desk\" ];\n"));
    assert_true(holds(p, "state/directory.cfg", "operator = true;\n"));
    assert_true(holds(p, "state/directory.cfg",
                      "channels = ( { channel = \"mail\"; address = \"z@x.example\"; }, "
                      "{ channel = \"hook\"; } );\n"));
    assert_int_equal(IMPORT(p, "--apply", "a.csv", "a.json"), FA_EXIT_OK);
    assert_contains(p->out, "people   0 added, 0 changed, 0 gone, 2 the same\n");
    assert_contains(p->out, "accounts 0 added, 0 changed, 0 gone, 2 the same\n");
}

static void a_number_with_leading_zeros_is_no_change_at_the_next_import(void **state)
{
    struct place *p = *state;
    lay_down(p, "a.csv", "person,manager,uid\nzoe,boss,0070207691;000\n");
    assert_int_equal(IMPORT(p, "--apply", "a.csv"), FA_EXIT_OK);
    assert_true(holds(p, "state/directory.cfg", "uid = [ 70207691L, 0L ];"));
    assert_int_equal(IMPORT(p, "--apply", "a.csv"), FA_EXIT_OK);
    assert_contains(p->out, "people   0 added, 0 changed, 0 gone, 1 the same\n");
}

static void a_file_replaces_its_own_kind_alone(void **state)
{
    struct place *p = *state;
    lay_down(p, "a.csv", people);
    lay_down(p, "a.json", accounts);
    assert_int_equal(IMPORT(p, "--apply", "a.csv", "a.json"), FA_EXIT_OK);
    lay_down(p, "b.csv", "account;model;touches\nInitech {1};complex;yan|zoe\nNew;complex;\n");
    assert_int_equal(IMPORT(p, "--apply", "b.csv"), FA_EXIT_OK);
    assert_contains(p->out, "~ account Initech {1}: conduit, touches\n");
    assert_contains(p->out, "- account Hooli\n");
    assert_contains(p->out, "+ account New\n");
    assert_contains(p->out, "people   0 added, 0 changed, 0 gone, 2 the same\n");
    assert_true(holds(p, "state/directory.cfg", "touches = [ \"yan\", \"zoe\" ];"));
    assert_true(holds(p, "state/directory.cfg", "name = \"zoe\";"));
}

/* clang-format off: a row is a line */
static void each_fault_names_file_line_and_column(void **state)
{
    static const struct {
        const char *name, *text, *expect;
    } rows[] = {
        {"a.csv", "", "a.csv:1: is empty: a header is needed"},
        {"a.csv", "name,manager\nx,y\n",
         "a.csv:1: the header needs one of the columns person, team and account"},
        {"a.csv", "person,team\nx,y\n", "a.csv:1: the header needs one of the columns"},
        {"a.csv", "person,mangr\nx,\n",
         "a.csv:1: column 'mangr': unknown key 'mangr' in a person (did you mean 'manager'?)"},
        {"a.csv", "person,email\nx,\n",
         "column 'email': 'email' cannot be imported: each way to reach somebody is a channel"},
        {"a.csv", "person,channels\nx,\n", "column 'channels': write a column channel.NAME"},
        {"a.csv", "person,name\nx,\n", "column 'name': the name stands in the column 'person'"},
        {"a.csv", "person,manager,manager\nx,,\n", "column 'manager': there are two of that name"},
        {"a.csv", "person,manager\nx,boss,more\n", "a.csv:2: a row of 3 cells under a header of 2"},
        {"a.csv", "person,manager\n,boss\n", "a.csv:2: column 'person': the name is missing"},
        {"a.csv", "person,manager\nx,\"boss\n", "a.csv:2: a quote is opened here and never closed"},
        {"a.csv", "person,manager\nx,\n\ny,zoo\n",
         "a.csv:4: column 'manager': manager: there is no person 'zoo'"},
        {"a.csv", "person,uid\nx,-1\n",
         "a.csv:2: column 'uid': uid must be a number from 0 to 4294967294"},
        {"a.csv", "person,operator\nx,perhaps\n",
         "a.csv:2: column 'operator': operator must be true or false"},
        {"a.csv", "person,display\nx,\"two\nlines\"\n",
         "a.csv:2: column 'display': display holds a line break"},
        {"a.csv", "person,display\nx,\xff\n", "a.csv:2: column 'display': display is not UTF-8"},
        {"a.csv", "person\nX Y\n", "a.csv:2: column 'person': 'X Y' is no name"},
        {"a.csv", "person\nx\ny\nx\n", "a.csv:4: the person 'x' was given already at "},
        {"a.csv", "person\nboss\n",
         "a.csv:2: column 'person': the person 'boss' was given already at "},
        {"a.csv", "person,channel.pigeon\nx,y\n",
         "a.csv:2: column 'channel.pigeon': channel: there is no channel 'pigeon'"},
        {"a.csv", "team,members\nx,\n", "a.csv:2: a team lacks members: People's names."},
        {"a.csv", "team,members\nx,boss;indi\n",
         "a.csv:2: column 'members': members: there is no person 'indi' (did you mean 'indy'?)"},
        {"a.json", "[]", "a.json:1: must be an object with the lists"},
        {"a.json", "{\n\"people\": [ { ] }", "a.json:2: "},
        {"a.json", "{\"rules\": []}",
         "a.json:1: 'rules' is none of the lists people, teams and accounts"},
        {"a.json", "{\"people\": [ 5 ]}", "a.json:1: people[0] is no object { }"},
        {"a.json", "{\"people\": [\n{\"name\":\"x\"},\n{\"manager\":\"x\"}]}",
         "a.json:3: column 'name': the name is missing"},
        {"a.json", "{\"people\": [\n{\"name\":\"x\", \"manager\": [\"boss\"]}]}",
         "a.json:2: column 'manager': must be a text"},
        {"a.json", "{\"people\": [\n{\"name\":\"x\", \"manager\": {\"a\":1}}]}",
         "a.json:2: column 'manager': must be a text"},
        {"a.json", "{\"people\": [\n{\"name\":\"x\", \"channels\": [{\"chanel\":\"mail\"}]}]}",
         "a.json:2: column 'channels': each is { \"channel\": NAME"},
        {"a.json", "{\"teams\": [], \"people\": [\n\n{\"name\":\"\\u0000\"}]}",
         "a.json:3: \\u0000 is not allowed"},
        {"a.json",
         "{\"people\": [{\"name\":\"x\",\"channels\":[{\"channel\":\"mail\",\"address\":\"x{@y.example\"}]},\n {\"name\":\"y\",\"manager\":\"zoo\"}]}",
         "a.json:2: column 'manager': manager: there is no person 'zoo'"},
    };
    struct place *p = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lay_down(p, rows[i].name, rows[i].text);
        int code = IMPORT(p, rows[i].name);
        if (code != FA_EXIT_FAILED || strstr(p->out, rows[i].expect) == NULL ||
            strstr(p->out, "refused: nothing was changed\n") == NULL) {
            print_error("row %zu: %d, \"%s\" is not in\n%s%s", i, code, rows[i].expect, p->out,
                        p->err);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_false(is_there(p, "state/directory.cfg"));
}
/* clang-format on */

static void a_refused_import_leaves_the_file_and_a_mark(void **state)
{
    struct place *p = *state;
    lay_down(p, "a.csv", people);
    lay_down(p, "a.json", accounts);
    assert_int_equal(IMPORT(p, "--apply", "a.csv", "a.json"), FA_EXIT_OK);
    lay_down(p, "a.csv", "person,manager,channel.mail\nzoe,boss,z@x.example\n");
    assert_int_equal(IMPORT(p, "a.csv"), FA_EXIT_FAILED); /* tried only */
    assert_false(is_there(p, "state/directory.cfg" FA_SWAP_REFUSED));
    assert_int_equal(IMPORT(p, "--apply", "a.csv"), FA_EXIT_FAILED);
    assert_contains(p->out, "- person  yan\n");
    assert_contains(p->out, "there is no person 'yan'");
    assert_contains(p->out, "; 'yan' is gone with this import: name somebody else here first\n");
    assert_true(holds(p, "state/directory.cfg", "name = \"yan\";"));
    assert_true(holds(p, "state/directory.cfg" FA_SWAP_REFUSED, "there is no person 'yan'"));
    /* What could not be read is no refresh either. */
    assert_int_equal(IMPORT(p, "--apply", "missing.csv"), FA_EXIT_IO);
    assert_true(holds(p, "state/directory.cfg" FA_SWAP_REFUSED, "could not be read"));
    lay_down(p, "a.csv", people);
    assert_int_equal(IMPORT(p, "--apply", "a.csv"), FA_EXIT_OK);
    assert_false(is_there(p, "state/directory.cfg" FA_SWAP_REFUSED));
}

static void a_file_that_was_cut_short_is_noticed(void **state)
{
    struct place *p = *state;
    lay_down(p, "a.csv", "account,model\na,complex\nb,complex\nc,complex\nd,complex\ne,complex\n");
    assert_int_equal(IMPORT(p, "--apply", "a.csv"), FA_EXIT_OK);
    lay_down(p, "a.csv", "account,model\n");
    assert_int_equal(IMPORT(p, "--apply", "a.csv"), FA_EXIT_FAILED);
    assert_contains(p->out, "5 of 5 accounts would be gone: is the file whole?");
    assert_true(holds(p, "state/directory.cfg", "name = \"e\";"));
    assert_int_equal(IMPORT(p, "--apply", "--many-gone", "a.csv"), FA_EXIT_OK);
    assert_false(holds(p, "state/directory.cfg", "name = \"e\";"));
}

static void one_import_at_a_time(void **state)
{
    struct place *p = *state;
    struct fa_swap swap;
    struct fa_err err;
    char path[128];
    lay_down(p, "a.csv", people);
    path_of(p, "state/directory.cfg", path);
    assert_int_equal(fa_swap_begin(&swap, path, &err), 0);
    assert_int_equal(IMPORT(p, "--apply", "a.csv"), FA_EXIT_BUSY);
    assert_contains(p->err, "another import is under way");
    assert_int_equal(IMPORT(p, "a.csv"), FA_EXIT_OK); /* looking only */
    fa_swap_end(&swap);
    assert_int_equal(IMPORT(p, "--apply", "a.csv"), FA_EXIT_OK);
}

static void a_configuration_without_a_directory_says_what_to_add(void **state)
{
    struct place *p = *state;
    lay_down(p, "a.csv", people);
    lay_down(p, "firealarm.cfg", "company = \"ACME\";\n");
    assert_int_equal(IMPORT(p, "a.csv"), FA_EXIT_FAILED);
    assert_contains(p->err, "add directory = \"/var/lib/firealarm/directory.cfg\";");
    lay_down(p, "firealarm.cfg", "company = \"ACME;\n");
    assert_int_equal(IMPORT(p, "a.csv"), FA_EXIT_FAILED);
    assert_contains(p->err, "cannot be read: nothing was changed");
}

static void programs_get_changes_and_faults(void **state)
{
    struct place *p = *state;
    lay_down(p, "a.csv", people);
    assert_int_equal(IMPORT(p, "--json", "--apply", "a.csv"), FA_EXIT_OK);
    json_t *json = json_loads(p->out, 0, NULL);
    assert_true(json_is_true(json_object_get(json, "applied")));
    assert_int_equal(json_array_size(json_object_get(json, "changes")), 2);
    json_decref(json);
    lay_down(p, "a.csv", "person,display\nzoe,\xff\n");
    assert_int_equal(IMPORT(p, "--json", "a.csv"), FA_EXIT_FAILED);
    json = json_loads(p->out, 0, NULL);
    assert_true(json_is_false(json_object_get(json, "sound")));
    const json_t *fault = json_array_get(json_object_get(json, "faults"), 0);
    assert_int_equal(json_integer_value(json_object_get(fault, "line")), 2);
    json_decref(json);
}

/* clang-format off: a row is a line */
static void who_there_is_and_whom_a_name_means_is_said(void **state)
{
    static const struct {
        const char *verb, *name;
        int code;
        const char *says[4];
    } rows[] = {
        {"list", "people", 0, {"PERSON", "zoe", "Zoe \"Z\" Quill", "seller, desk"}},
        {"list", "teams", 0, {"TEAM"}},
        {"list", "accounts", 0, {"ACCOUNT", "Initech {1}", "CONDUIT NOW", "boss, zoe"}},
        {"list", "peopel", FA_EXIT_USAGE, {"'peopel' is none of people, teams and accounts"}},
        {"show",
         "zoe",
         0,
         {"Roles       seller, desk\n", "Manager     boss\n", "Reports     yan\n",
          "Customers   Initech {1} (conduit)\n"}},
        {"show", "indy", 0, {"Independent yes\n"}},
        {"show",
         "Initech {1}",
         0,
         {"Conduit     zoe\n", "Conduit now zoe\n", "Touched by  yan\n", "Told now    zoe, yan\n"}},
        {"show", "Hooli", 0, {"Conduit now boss, zoe\n"}},
        {"show", "role:seller", 0, {"Means now   boss, zoe\n"}},
        {"show", "nobody", FA_EXIT_FAILED, {"there is no person, account or target 'nobody'"}},
    };
    struct place *p = *state;
    lay_down(p, "a.csv", people);
    lay_down(p, "a.json", accounts);
    assert_int_equal(IMPORT(p, "--apply", "a.csv", "a.json"), FA_EXIT_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int code = look(p, rows[i].verb, rows[i].name);
        for (size_t k = 0; k < 4 && rows[i].says[k] != NULL; k++) {
            if (code != rows[i].code ||
                strstr(code == 0 ? p->out : p->err, rows[i].says[k]) == NULL) {
                fail_msg("row %zu: %d, \"%s\" is not in\n%s%s", i, code, rows[i].says[k], p->out,
                         p->err);
            }
        }
    }
    lay_down(p, "firealarm.cfg", "company = \"ACME\";\n");
    assert_int_equal(look(p, "show", "zoe"), FA_EXIT_FAILED);
    assert_contains(p->err, "is not sound: see 'firealarm check'");
}
/* clang-format on */

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(nothing_is_written_without_apply),
        T(on_a_terminal_an_import_says_how_far_it_is),
        T(what_is_written_is_read_back_as_the_same),
        T(a_number_with_leading_zeros_is_no_change_at_the_next_import),
        T(a_file_replaces_its_own_kind_alone),
        T(each_fault_names_file_line_and_column),
        T(a_refused_import_leaves_the_file_and_a_mark),
        T(a_file_that_was_cut_short_is_noticed),
        T(one_import_at_a_time),
        T(a_configuration_without_a_directory_says_what_to_add),
        T(programs_get_changes_and_faults),
        T(who_there_is_and_whom_a_name_means_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

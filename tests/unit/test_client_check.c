/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::JANSSON */
/* needs: fa_plugin_email fa_plugin_webhook fa_plugin_statsd fa_plugin_sqlite firealarm-calendar */
/* What `firealarm check` says to people and to programs, and with which exit code; that it keeps
 * nothing of what it read, the leak checker says at the end. */
#include "fa_test.h"
#include "client/client.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

struct said {
    char *out, *err;
    int code;
};

static struct said check_file(const char *path, const char *option, const char *settings)
{
    struct said said = {NULL, NULL, 0};
    size_t out_size, err_size;
    char plugins[512];
    snprintf(plugins, sizeof plugins, "%s/plugins", getenv("FA_BUILD_DIR"));
    struct fa_world world = {.in = 0,
                             .out = open_memstream(&said.out, &out_size),
                             .err = open_memstream(&said.err, &err_size),
                             .config_home = "/nonexistent",
                             .state_home = "/nonexistent",
                             .cache_home = "/nonexistent",
                             .system_config = settings,
                             .now = 1};
    const char *argv[] = {"firealarm", "check", path, "--plugins", plugins, option};
    said.code = fa_client_main(&world, option != NULL ? 6 : 5, argv);
    fclose(world.out);
    fclose(world.err);
    return said;
}

static void write_text(char *path, const char *text)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static struct said check(const char *config, const char *option)
{
    char path[] = "/tmp/fa-check-XXXXXX";
    write_text(path, config);
    struct said said = check_file(path, option, "/nonexistent/client.cfg");
    unlink(path);
    return said;
}

static void done(struct said *said)
{
    free(said->out);
    free(said->err);
}

static void a_refused_configuration_ends_with_a_sum_and_a_failure(void **state)
{
    struct said said = check("peopel = ();\n", NULL);
    assert_int_equal(said.code, FA_EXIT_FAILED);
    assert_contains(said.out, "error: /tmp/fa-check-");
    assert_contains(said.out, "people");
    assert_contains(said.out, " is refused: ");
    done(&said);
}

static void programs_get_each_fault_with_its_place(void **state)
{
    struct said said = check("\n\npeopel\xff = ();\n", "--json");
    json_error_t error;
    json_t *json = json_loads(said.out, 0, &error), *fault;
    bool any = false;
    size_t i;
    assert_int_equal(said.code, FA_EXIT_FAILED);
    assert_non_null(json);
    assert_true(json_is_false(json_object_get(json, "sound")));
    json_array_foreach(json_object_get(json, "faults"), i, fault)
    {
        assert_true(json_is_string(json_object_get(fault, "kind")));
        assert_true(json_string_length(json_object_get(fault, "text")) > 0);
        any = any || json_integer_value(json_object_get(fault, "line")) == 3;
    }
    assert_true(any);
    json_decref(json);
    done(&said);
}

/* With a daemon to ask that is not there: its place, read from the client's settings, is given back
 * too. Settings that are no good keep nobody from a proof. */
static void a_sound_configuration_is_proved_with_and_without_a_place_to_ask(void **state)
{
    static const char *const settings[] = {
        "socket = \"/nonexistent/api.sock\";\nspool = \"/nonexistent\";\n", "sokcet = 1;\n", ""};
    static const char *const options[] = {NULL, "--json"};
    char shipped[512];
    snprintf(shipped, sizeof shipped, "%s/etc/firealarm.cfg", getenv("FA_SOURCE_DIR"));
    for (size_t i = 0; i < 6; i++) {
        char path[] = "/tmp/fa-check-XXXXXX";
        write_text(path, settings[i / 2]);
        struct said said = check_file(shipped, options[i % 2], path);
        unlink(path);
        assert_int_equal(said.code, FA_EXIT_OK);
        assert_contains(said.out, i % 2 == 0 ? " is sound: " : "\"sound\":true");
        done(&said);
    }
}

/* One place after another is broken, so that each reader stops in the middle of its work. */
static void each_part_that_is_broken_is_said_and_given_back(void **state)
{
    static const struct {
        const char *text, *says;
    } faults[] = {
        {"people = ( { name = \"a\"; manager = \"nobody\"; }, { name = \"a\"; } );\n", "nobody"},
        {"channels = ( { name = \"m\"; plugin = \"emial\"; } );\n", "email"},
        {"channels = ( { name = \"m\"; plugin = \"email\"; relay = 7; from = \"f@x\"; } );\n",
         "relay"},
        {"policies = ( { name = \"p\"; steps = ( { targets = [ \"role:x\" ]; wait = \"soon\"; } ); } );\n",
         "wait"},
        {"rules = ( { name = \"r\"; expr = \"sum(rate(x[5m]) >\"; policy = \"p\"; } );\n", "expr"},
        {"rules = ( { name = \"r\"; metric = \"x\"; take = \"lst\"; above = 1; clear_below = 2; } );\n",
         "take"},
        {"feeds = ( { name = \"f\"; address = \"udp:nowhere\"; decoder = \"statsd\"; } );\n",
         "address"},
        {"accounts = ( { name = \"A\"; conduit = \"ghost\"; } );\n", "ghost"},
        {"schedules = ( { name = \"d\"; file = \"./none.ics\"; } );\n", "none.ics"},
        {"listeners = ( { name = \"l\"; address = \"127.0.0.1\"; routes = [ \"apis\" ]; } );\n",
         "apis"},
        {"people = ( { name = \"a\"; \n", "the file ends inside"},
        {"@include \"none/*.cfg\"\n", "@include"},
    };
    static const char *const options[] = {NULL, "--json"};
    for (size_t i = 0; i < 2 * sizeof faults / sizeof faults[0]; i++) {
        struct said said = check(faults[i / 2].text, options[i % 2]);
        assert_int_equal(said.code, FA_EXIT_FAILED);
        assert_contains(said.out, faults[i / 2].says);
        done(&said);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_configuration_ends_with_a_sum_and_a_failure),
        cmocka_unit_test(programs_get_each_fault_with_its_place),
        cmocka_unit_test(a_sound_configuration_is_proved_with_and_without_a_place_to_ask),
        cmocka_unit_test(each_part_that_is_broken_is_said_and_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

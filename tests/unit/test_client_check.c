/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::JANSSON */
/* What `firealarm check` says to people and to programs, and with which exit code. */
#include "fa_test.h"
#include "client/client.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

struct said {
    char *out, *err;
    int code;
};

static struct said check(const char *config, const char *option)
{
    struct said said = {NULL, NULL, 0};
    size_t out_size, err_size;
    char path[] = "/tmp/fa-check-XXXXXX", plugins[512];
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, config, strlen(config)) == (ssize_t)strlen(config));
    close(fd);
    snprintf(plugins, sizeof plugins, "%s/plugins", getenv("FA_BUILD_DIR"));
    struct fa_world world = {.in = 0,
                             .out = open_memstream(&said.out, &out_size),
                             .err = open_memstream(&said.err, &err_size),
                             .config_home = "/nonexistent",
                             .state_home = "/nonexistent",
                             .cache_home = "/nonexistent",
                             .system_config = "/nonexistent/client.cfg",
                             .now = 1};
    const char *argv[] = {"firealarm", "check", path, "--plugins", plugins, option};
    said.code = fa_client_main(&world, option != NULL ? 6 : 5, argv);
    fclose(world.out);
    fclose(world.err);
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_configuration_ends_with_a_sum_and_a_failure),
        cmocka_unit_test(programs_get_each_fault_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

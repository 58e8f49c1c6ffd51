/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs firealarm */
/* `firealarm directory import` beside a daemon that runs: it takes in by itself what was written,
 * and its operators hear of what was refused. */
#include "daemon_rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit status. */
static int import(const struct rig *rig, const char *source)
{
    char program[300], config[300], plugins[300], path[300], out[300];
    int status = 0;
    snprintf(program, sizeof program, "%s/daemon/client/firealarm", getenv("FA_BUILD_DIR"));
    snprintf(plugins, sizeof plugins, "%s/plugins", getenv("FA_BUILD_DIR"));
    snprintf(config, sizeof config, "%s", rig->config);
    snprintf(path, sizeof path, "%s/%s", rig->dir, source);
    snprintf(out, sizeof out, "%s/import.out", rig->dir);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        execl(program, "firealarm", "directory", "import", "--apply", "--daemon-config", config,
              "--plugins", plugins, path, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* wes is known to nobody but the directory. */
static const char policies[] =
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"wes\" ]; wait = \"15m\"; } ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"independent\" ]; wait = \"4h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"team:it\" ]; wait = \"30m\"; } ); }\n"
    ");\n";
static const char over_first[] = "person,manager,channel.first\nwes,chris,-\n";
static const char over_dana[] = "person,manager,channel.dana\nwes,chris,-\n";

static int take(const struct rig *rig, const char *people)
{
    rig_write(rig, "people.csv", people, 0644);
    return import(rig, "people.csv");
}

static void start(struct rig *rig)
{
    rig->words.more = "directory = \"./directory.cfg\";\n";
    rig->words.policies = policies;
    rig_write_config(rig); /* what is imported is proved with all the rest */
    assert_int_equal(take(rig, over_first), 0);
    rig_start(rig);
}

static bool need_hooks(void)
{
    if (!rig_has_hooks()) {
        print_message("SKIPPED: this build has no test hooks\n");
    }
    return rig_has_hooks();
}

static void what_was_imported_is_taken_in_within_half_a_minute(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    if (!need_hooks()) {
        return;
    }
    start(rig);
    rig_later(rig);
    assert_false(rig_logged(rig, "the directory was changed"));
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    assert_int_equal(take(rig, over_dana), 0);
    rig_later(rig);
    rig_until(rig, rig_logged(rig, "the new configuration holds"));
    assert_true(rig_logged(rig, "the directory was changed"));
    assert_int_equal(rig_file(rig, 2, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "text-2") != NULL);
    assert_null(receiver_find(rig->receiver, "/first", "text-2"));
    rig_later(rig);
    assert_int_equal(rig_log_count(rig, "the directory was changed"), 1);
    rig_stop(rig);
}

static void operators_hear_of_an_import_that_was_refused_and_of_its_end(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    if (!need_hooks()) {
        return;
    }
    start(rig);
    assert_int_equal(take(rig, "person,manager,channel.dana\nwes,nobody,-\n"), 1);
    rig_later(rig);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "import of the directory was refused"));
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    size_t told = receiver_matches(rig->receiver, "/ines", NULL);
    assert_int_equal(take(rig, over_dana), 0);
    rig_later(rig);
    rig_until(rig, rig_logged(rig, "the new configuration holds"));
    rig_until(rig, receiver_matches(rig->receiver, "/ines", "directory was refused") > told);
    rig_stop(rig);
}

/* Written by hand, past the import: the daemon has the last word. */
static void a_directory_that_is_not_sound_is_refused_and_the_running_one_stays(void **state)
{
    static const char *const bad[] = {
        "people = (",
        "people = ( );",
        "people = ( { name = \"wes\"; } );\npolicies = ( );",
    };
    struct rig *rig = *state;
    char receipt[64];
    if (!need_hooks()) {
        return;
    }
    start(rig);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig_write(rig, "directory.cfg", bad[i], 0600);
        rig_later(rig);
        rig_until(rig, rig_log_count(rig, "configuration is refused, the running") == i + 1);
    }
    for (int i = 0; i < 3; i++) { /* once is enough */
        rig_later(rig);
    }
    assert_int_equal(rig_log_count(rig, "configuration is refused, the running"), 3);
    assert_true(rig_logged(rig, "the directory holds people, teams and accounts"));
    rig_until(rig, receiver_find(rig->receiver, "/ines", "changed configuration was refused"));
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_stop(rig);
    /* The next start runs on what was accepted, the people of the directory with it. */
    rig_again(rig);
    assert_true(rig_logged(rig, "running on the configuration that was accepted last"));
    assert_int_equal(rig_file(rig, 2, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-2") != NULL);
    rig_stop(rig);
}

static void
before_the_first_import_nobody_is_in_it_and_a_file_that_is_lost_is_no_import(void **state)
{
    struct rig *rig = *state;
    if (!need_hooks()) {
        return;
    }
    rig->words.more = "directory = \"./directory.cfg\";\n";
    rig_start(rig);
    assert_true(rig_logged(rig, "directory.cfg' is not there yet, so nobody is in it"));
    rig_write_config(rig);
    assert_int_equal(take(rig, over_first), 0);
    rig_later(rig);
    rig_until(rig, rig_logged(rig, "the new configuration holds"));
    assert_int_equal(unlink(rig_path(rig, "directory.cfg")), 0);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "the new configuration is refused"));
    assert_true(rig_logged(rig, "directory.cfg' was there and is gone"));
    rig_stop(rig);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(before_the_first_import_nobody_is_in_it_and_a_file_that_is_lost_is_no_import),
        TEST(what_was_imported_is_taken_in_within_half_a_minute),
        TEST(operators_hear_of_an_import_that_was_refused_and_of_its_end),
        TEST(a_directory_that_is_not_sound_is_refused_and_the_running_one_stays),
    };
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

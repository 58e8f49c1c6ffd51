/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* What each process of an idle daemon has loaded, and that it rests. A library that turns up here
 * is memory, start-up time and attack surface: who adds one says so in this list. */
#include "daemon_rig.h"

#include <dirent.h>
#include <stdio.h>

/* Those that libcurl and libsystemd bring of their own accord are theirs to choose: what matters is
 * who must not have which. */
static void assert_lacks(pid_t pid, const char *const *names)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        for (size_t i = 0; names[i] != NULL; i++) {
            if (strstr(line, names[i]) != NULL) {
                fail_msg("%s is loaded: %s", names[i], line);
            }
        }
    }
    fclose(in);
}

static void no_process_loads_what_it_does_not_use(void **state)
{
    static const char *const not_daemon[] = {
        "/libcurl",      "/libjq",     "/libical", "/libcairo", "/libpq",
        "/libnghttp2",   "/libgnutls", "/libldap", "/libssh",   "/libkrb5",
        "/libevent-2.1", "/email.so",  NULL};
    static const char *const not_courier[] = {
        "/libsqlite3",       "/libconfig", "/libhttp_parser", "/libsystemd", "/libevent-2.1",
        "/libevent_openssl", "/statsd.so", "/sqlite.so",      "/email.so",   NULL};
    struct rig *rig = *state;
    rig->words.more = "fetch = ( { name = \"port\"; kind = \"check\"; url = \"tcp://127.0.0.1:9\"; "
                      "allow_private = true; } );\n";
    rig_start(rig);
    rig_until(rig, rig_logged(rig, "ready"));
    assert_lacks(rig->pid, not_daemon);
    assert_lacks(rig_courier(rig), not_courier);
    assert_lacks(rig_fetcher(rig), not_courier);
    assert_int_equal(rig_stop(rig), 0);
}

static double switches(pid_t pid)
{
    char path[300], line[128];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, entry->d_name);
        FILE *in = entry->d_name[0] != '.' ? fopen(path, "re") : NULL;
        while (in != NULL && fgets(line, sizeof line, in) != NULL) {
            double count;
            sum += sscanf(line, "voluntary_ctxt_switches: %lf", &count) == 1 ? count : 0;
        }
        if (in != NULL) {
            fclose(in);
        }
    }
    closedir(dir);
    return sum;
}

/* Two looks with the same count, some way apart: before, it woke up each half second. */
static void who_has_nothing_to_do_sleeps(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    pid_t pids[] = {rig->pid, rig_courier(rig)};
    int64_t begin = rig_ms(), since = begin;
    double seen = -1;
    while (rig_ms() - since < 2500) {
        double now = switches(pids[0]) + switches(pids[1]);
        since = now != seen ? rig_ms() : since;
        seen = now;
        assert_true(rig_ms() - begin < 2 * RIG_GUARD_MS);
        rig_pause();
    }
    assert_int_equal(rig_stop(rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_process_loads_what_it_does_not_use, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(who_has_nothing_to_do_sleeps, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

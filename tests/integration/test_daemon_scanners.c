/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Link scanners of mail systems, as bad as they come, in a real browser: they open links, run what
 * is on the page, press what can be pressed, send forms. None of it owns an alarm, files anything
 * or takes a person's tries from him. */
#include "page_rig.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHROMIUM "/usr/bin/chromium"

/* What the script said; the test fails when it did not do all of it. */
static void scan(struct rig *rig, const char *path, const char *behaviours, char *said, size_t size)
{
    const char *source = getenv("FA_SOURCE_DIR");
    char command[1200];
    size_t len = 0;
    snprintf(command, sizeof command,
             "python3 '%s/tests/support/scanner.py' " CHROMIUM
             " 'http://127.0.0.1:%u%s' '%s' %s 2>&1",
             source != NULL ? source : ".", rig_port(rig, "pages"), path, rig->dir, behaviours);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    len = fread(said, 1, size - 1, pipe);
    said[len] = '\0';
    int status = pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("%s:\n%s", command, said);
    }
}

static bool has_browser(void)
{
    if (access(CHROMIUM, X_OK) == 0) {
        return true;
    }
    print_message("SKIPPED: the package chromium is not installed\n");
    skip();
    return false;
}

static void no_scanner_owns_an_alarm(void **state)
{
    struct rig *rig = *state;
    char said[4096];
    if (!has_browser()) {
        return;
    }
    rig->words.listeners = page_listeners;
    rig_start(rig);
    rig_statsd(rig, "queue_seconds:300|g|#queue:north");
    struct page_link link = link_of(rig, "/first", "north");
    scan(rig, link.path, "look press submit fill shot:ack", said, sizeof said);
    /* It did reach the form, and came back with the page that says what is missing. */
    assert_has(said, "press: 2 pages");
    assert_has(said, "submit: 1 pages");
    assert_has(said, "fill: 3 pages");
    json_t *alarm = alarm_now(rig, "queue-slow");
    assert_string_equal(json_string_value(json_object_get(alarm, "state")), "unacknowledged");
    assert_int_equal(json_integer_value(json_object_get(alarm, "step")), 1);
    json_decref(alarm);
    /* The tries are all there: four wrong codes and then the right one. */
    char seen[40], form[80];
    for (unsigned i = 0; i < 5; i++) {
        hidden(page(rig, "GET", link.path, NULL), "seen", seen, sizeof seen);
        unsigned last = (unsigned)(link.code[6] - '0') + (i < 4 ? 1 + i : 0);
        snprintf(form, sizeof form, "code=%.3s%.2s%u&seen=%s", link.code, link.code + 4, last % 10,
                 seen);
        assert_int_equal(page(rig, "POST", link.path, form)->status, i < 4 ? 403 : 200);
    }
    rig_stop(rig);
}

static void no_scanner_files(void **state)
{
    struct rig *rig = *state;
    char said[4096];
    if (!has_browser()) {
        return;
    }
    rig->words.listeners = page_listeners;
    rig_start(rig);
    scan(rig, "/file", "look press submit fill shot:file", said, sizeof said);
    scan(rig, "/status", "look press submit fill shot:status", said, sizeof said);
    scan(rig, "/", "look press submit shot:index", said, sizeof said);
    assert_null(alarm_now(rig, "filing"));
    assert_int_equal(receiver_count(rig->receiver), 0);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_scanner_owns_an_alarm),
        TEST(no_scanner_files),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* What rules have seen is there after the daemon was stopped or killed, and never half of it. */
#include "daemon_rig.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HISTORY 95 /* samples, 10 s apart: more than 15 min */

static const char listeners[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\", \"ingest\" ]; }\n"
    ");\n";
static const char feeds[] = "feeds = ( { name = \"prom\"; decoder = \"prometheus\"; } );\n";
static const char rules[] =
    "rules = (\n"
    "  { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"queue_seconds\"; take = \"avg\"; over = \"15m\"; per = [ \"queue\" ];\n"
    "    above = 120.0; look_back = \"1h\"; summary = \"{queue} answers in {value|duration}\";\n"
    "    expect = \"Decide on staffing\"; },\n"
    "  { name = \"queue-long\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"queue_length\"; take = \"avg\"; over = \"15m\"; per = [ \"queue\" ]; for = \"3m\";\n"
    "    above = 100.0; look_back = \"1h\"; summary = \"{queue} holds {value}\";\n"
    "    expect = \"Decide on staffing\"; }\n"
    ");\n";

static void start(struct rig *rig)
{
    rig->words.listeners = listeners;
    rig->words.feeds = feeds;
    rig->words.rules = rules;
    rig_start(rig);
}

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void push(struct rig *rig, const char *name, double value, int samples)
{
    static char body[HISTORY * 80];
    size_t len = 0;
    int64_t now = wall_ms();
    for (int i = samples - 1; i >= 0; i--) {
        len += (size_t)snprintf(body + len, sizeof body - len, "%s{queue=\"north\"} %g %lld\n",
                                name, value, (long long)(now - i * 10000));
    }
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "POST",
                                        .path = "/api/v1/import/prometheus",
                                        .body = body,
                                        .port = rig_port(rig, "metrics")});
    assert_int_equal(reply->status, 204);
}

static bool is_told(struct rig *rig, const char *word)
{
    return receiver_find(rig->receiver, "/first", word) != NULL;
}

static const char *checkpoint_of(struct rig *rig)
{
    return rig_path(rig, "state/windows");
}

/* A minute passes, and the checkpoint is written. */
static void wait_for_checkpoint(struct rig *rig)
{
    rig_later(rig);
    rig_later(rig);
    rig_until(rig, rig_metric(rig, "firealarm_checkpoints_total") > 0);
    assert_true(rig_metric(rig, "firealarm_checkpoint_slice_seconds") > 0);
}

static void a_window_is_covered_after_a_stop(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    start(rig);
    push(rig, "queue_seconds", 90, HISTORY);
    assert_int_equal(rig_stop(rig), 0);
    assert_int_equal(stat(checkpoint_of(rig), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    rig_again(rig);
    assert_true(rig_logged(rig, "samples of 1 series are there again"));
    push(rig, "queue_seconds", 20000, 1); /* (90 * 90 + 20000) / 91 */
    rig_until(rig, is_told(rig, "north answers in"));
    /* what was not sent again since is kept through the next stop, too */
    assert_int_equal(rig_stop(rig), 0);
    rig_again(rig);
    assert_true(rig_logged(rig, "samples of 1 series are there again"));
}

static void after_a_kill_the_window_is_there_and_for_goes_on(void **state)
{
    struct rig *rig = *state;
    if (!rig_has_hooks()) {
        print_message("SKIPPED: this build has no test hooks\n");
        skip();
    }
    start(rig);
    push(rig, "queue_seconds", 90, HISTORY);
    push(rig, "queue_length", 200, HISTORY);
    wait_for_checkpoint(rig);
    rig_kill(rig);
    rig_again(rig);
    assert_true(rig_logged(rig, "samples of 2 series are there again"));
    assert_false(is_told(rig, "north holds"));
    for (int i = 0; i < 6; i++) { /* the rest of the three minutes, without a sample */
        rig_later(rig);
    }
    rig_until(rig, is_told(rig, "north holds 200"));
    push(rig, "queue_seconds", 20000, 1);
    rig_until(rig, is_told(rig, "north answers in"));
}

static void flip(const char *path)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 100, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, 100, SEEK_SET), 0);
    assert_int_equal(fputc(c ^ 1, file), c ^ 1);
    fclose(file);
}

static void a_damaged_one_begins_empty_and_operators_hear(void **state)
{
    struct rig *rig = *state;
    start(rig);
    push(rig, "queue_seconds", 90, HISTORY);
    assert_int_equal(rig_stop(rig), 0);
    flip(checkpoint_of(rig));
    rig_again(rig);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "windows begin empty") != NULL);
    assert_false(rig_logged(rig, "are there again"));
    push(rig, "queue_seconds", 20000, 1);
    push(rig, "queue_seconds", 20000, 1);
    assert_int_equal(rig_stop(rig), 0); /* and the next is a good one */
    assert_false(is_told(rig, "north answers in"));
    rig_again(rig);
    assert_true(rig_logged(rig, "samples of 1 series are there again"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_window_is_covered_after_a_stop, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(after_a_kill_the_window_is_there_and_for_goes_on, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_one_begins_empty_and_operators_hear, rig_setup,
                                        rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

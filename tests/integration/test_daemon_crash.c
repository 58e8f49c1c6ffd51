/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* What a kill leaves as it was: timers and owners; and a commit whose outcome is unknown ends the
 * daemon. Kills at any moment, and the order of sync and answer, are campaigns of tests/faults. */
#include "daemon_rig.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* When the only alarm's next step comes, as it is told. */
static void next_step(struct rig *rig, char buf[40])
{
    json_t *root = rig_json(
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms", .uid = 2005}));
    json_t *alarm = json_array_get(json_object_get(root, "alarms"), 0);
    const char *text = json_string_value(json_object_get(alarm, "next"));
    assert_non_null(text);
    snprintf(buf, 40, "%s", text);
    json_decref(root);
}

static void timers_are_where_they_were_after_a_kill(void **state)
{
    struct rig *rig = *state;
    char receipt[64], before[40], after[40];
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return;
    }
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    next_step(rig, before);
    for (int i = 0; i < 3; i++) {
        rig_kill(rig);
        rig_again(rig);
    }
    next_step(rig, after);
    assert_string_equal(after, before);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    rig_stop(rig);
    assert_int_equal(receiver_count(rig->receiver), 1);
}

static void an_owner_stays_the_owner_after_a_kill(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[128];
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return;
    }
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, rig_alarm(rig, "danger")[0] != '\0');
    snprintf(path, sizeof path, "/v1/alarms/%s/ack", rig_alarm(rig, "danger"));
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){
                         .method = "POST", .path = path, .body = "{\"for\":\"1h\"}", .uid = 2005});
    assert_int_equal(reply->status, 200);
    rig_kill(rig);
    rig_again(rig);
    snprintf(path, sizeof path, "/v1/alarms/%s", rig_alarm(rig, "danger"));
    reply = rig_ask(rig, &(struct rig_call){.method = "GET", .path = path, .uid = 2005});
    assert_contains(reply->body, "\"state\":\"acknowledged\"");
    assert_contains(reply->body, "\"owner\":\"chris\"");
    rig_stop(rig);
}

static bool has_strace(void)
{
    return system("strace -f -o /dev/null true 2>/dev/null") == 0;
}

/* An fdatasync that fails at a commit: nothing is answered, exit 74, the key resolves later. */
static void a_commit_whose_outcome_is_unknown_ends_it_with_74(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    if (!has_strace()) {
        print_message("SKIPPED: strace cannot trace here\n");
        return;
    }
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    char command[400];
    snprintf(command, sizeof command,
             "strace -f -p %d -e trace=fdatasync,fsync -e inject=fdatasync,fsync:error=EIO "
             "-o /dev/null 2>%s/attached & echo $!",
             (int)rig->pid, rig->dir);
    FILE *tracer = popen(command, "re");
    int tracer_pid = 0;
    assert_non_null(tracer);
    assert_int_equal(fscanf(tracer, "%d", &tracer_pid), 1);
    char *attached = NULL;
    rig_until(rig, (free(attached), attached = NULL,
                    rig_has_text(rig_path(rig, "attached"), "attached", &attached)));
    free(attached);
    char second[64];
    assert_int_equal(rig_file(rig, 2, "danger", second), 0);
    int status = rig_wait(rig);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 74);
    pclose(tracer);
    rig_again(rig);
    assert_int_equal(rig_status(rig, receipt), 200);
    int again = rig_file(rig, 2, "danger", second);
    assert_true(again == 201 || again == 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-2") != NULL);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timers_are_where_they_were_after_a_kill),
        TEST(an_owner_stays_the_owner_after_a_kill),
        TEST(a_commit_whose_outcome_is_unknown_ends_it_with_74),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

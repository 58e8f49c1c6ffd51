/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Receivers that fail, a courier that is killed or stopped, a resolver that never answers: the loop
 * never waits, others are delivered meanwhile, the escalation moves on. */
#include "daemon_rig.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAST_MS 10000 /* what must not wait for anything broken */

/* Both leaders at once: what fails for one must not hold up the other. */
static const char both_at_once[] =
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"chris\", \"dana\" ]; wait = \"15m\"; } ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"independent\" ]; wait = \"4h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"team:it\" ]; wait = \"30m\"; } ); }\n"
    ");\n";

static void file(struct rig *rig, unsigned n)
{
    char receipt[64];
    assert_int_equal(rig_file(rig, n, "danger", receipt), 201);
}

/* Every message that came twice came under the same key, and no two share one. */
static void assert_keys_agree(struct rig *rig)
{
    const struct received *a, *b;
    for (size_t i = 0; (a = receiver_at(rig->receiver, i)) != NULL; i++) {
        for (size_t k = 0; k < i && (b = receiver_at(rig->receiver, k)) != NULL; k++) {
            bool same_key = strcmp(a->key, b->key) == 0;
            if (same_key && strcmp(a->path, b->path) != 0) {
                fail_msg("one key for %s and %s", a->path, b->path);
            }
        }
    }
}

static void a_channel_that_fails_moves_on_at_once(void **state)
{
    static const struct {
        int status;
        size_t tries;
        int64_t within;
    } cases[] = {
        {404, 1, 2000},           /* rejected: the next channel now */
        {503, 1, 8000},           /* tried again while there is time, then the next one */
        {RECEIVER_HANG, 1, 8000}, /* fail_after is 2 s */
    };
    struct rig *rig = *state;
    rig_start(rig);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char word[32];
        snprintf(word, sizeof word, "text-%u\"", i + 1);
        receiver_answer(rig->receiver, "/first", cases[i].status);
        file(rig, i + 1);
        rig_until(rig, receiver_find(rig->receiver, "/second", word) != NULL);
        int64_t took = receiver_find(rig->receiver, "/second", word)->at -
                       receiver_find(rig->receiver, "/first", word)->at;
        if (took > cases[i].within) {
            fail_msg("case %u: the next channel came after %lld ms", i, (long long)took);
        }
        assert_true(receiver_matches(rig->receiver, "/first", word) >= cases[i].tries);
    }
    /* And operators hear of it, by ids and codes. */
    rig_until(rig, receiver_find(rig->receiver, "/ines", "channel 'first' fails") != NULL);
    assert_null(receiver_find(rig->receiver, "/ines", "text-1"));
    assert_keys_agree(rig);
    rig_stop(rig);
}

static void a_retry_has_the_same_key(void **state)
{
    struct rig *rig = *state;
    receiver_answer(rig->receiver, "/first", 503);
    rig->words.severities = "severities = ( { name = \"critical\"; fail_attempts = 50;"
                            " fail_after = \"30s\"; }, { name = \"info\"; } );\n";
    rig_start(rig);
    file(rig, 1);
    rig_until(rig, receiver_matches(rig->receiver, "/first", "text-1") >= 2);
    receiver_answer(rig->receiver, "/first", 200);
    size_t before = receiver_matches(rig->receiver, "/first", "text-1");
    rig_until(rig, receiver_matches(rig->receiver, "/first", "text-1") > before);
    const char *key = receiver_find(rig->receiver, "/first", "text-1")->key;
    const struct received *item;
    for (size_t i = 0; (item = receiver_at(rig->receiver, i)) != NULL; i++) {
        assert_string_equal(item->path, "/first");
        assert_string_equal(item->key, key);
    }
    rig_stop(rig);
}

static void mail_is_delivered_and_a_refused_one_moves_on(void **state)
{
    struct rig *rig = *state;
    char channels[400];
    snprintf(channels, sizeof channels,
             "{ name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:%u\"; tls = \"none\";\n"
             "  allow_plain = true; from = \"Fire alarm <alarm@example.com>\"; }",
             receiver_smtp(rig->receiver));
    rig->words.channels = channels;
    rig->words.chris = "{ channel = \"mail\"; address = \"chris@example.com\"; },"
                       " { channel = \"second\"; }";
    rig_start(rig);
    file(rig, 1);
    rig_until(rig, receiver_find(rig->receiver, "chris@example.com", "customer-1") != NULL);
    receiver_answer(rig->receiver, "chris@example.com", 550);
    file(rig, 2);
    rig_until(rig, receiver_find(rig->receiver, "/second", "text-2") != NULL);
    assert_null(receiver_find(rig->receiver, "/second", "text-1"));
    rig_stop(rig);
}

static void a_courier_that_is_killed_is_replaced_and_nothing_is_lost(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    pid_t first = rig_courier(rig);
    for (unsigned i = 1; i <= 20; i++) {
        file(rig, i);
        if (i % 5 == 0) {
            pid_t pid = rig_courier_now(rig);
            if (pid > 0) {
                kill(pid, SIGKILL);
            }
        }
    }
    for (unsigned i = 1; i <= 20; i++) {
        char word[32];
        snprintf(word, sizeof word, "text-%u\"", i);
        rig_until(rig, receiver_find(rig->receiver, NULL, word) != NULL);
    }
    assert_int_not_equal(rig_courier(rig), first);
    assert_keys_agree(rig);
    rig_stop(rig);
}

static void a_courier_that_is_stopped_is_replaced_and_the_loop_never_waits(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    rig_start(rig);
    file(rig, 1);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    pid_t pid = rig_courier(rig);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    /* Filings are answered while it stands still: no answer waits for the courier. */
    for (unsigned i = 2; i < 50; i++) {
        assert_int_equal(rig_file(rig, i, "danger", receipt), 201);
        assert_int_equal(rig_status(rig, receipt), 200);
    }
    assert_null(receiver_find(rig->receiver, NULL, "text-49"));
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-49\"") != NULL);
    assert_int_not_equal(rig_courier(rig), pid);
    assert_keys_agree(rig);
    rig_stop(rig);
}

/* A resolver on an address of loopback that takes questions and never answers. */
static bool make_silent_resolver(struct rig *rig)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    inet_pton(AF_INET, "127.53.53.53", &at.sin_addr);
    rig->dns_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    rig_write(rig, "resolv.conf", "nameserver 127.53.53.53\n", 0644);
    rig->silent_dns = true;
    return getuid() == 0 && bind(rig->dns_fd, (struct sockaddr *)&at, sizeof at) == 0;
}

static void a_resolver_that_never_answers_holds_up_nobody(void **state)
{
    struct rig *rig = *state;
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    char question[512];
    int status = 0;
    if (!make_silent_resolver(rig)) {
        print_message("SKIPPED: a private resolver needs root and port 53 of loopback\n");
        return;
    }
    rig->words.policies = both_at_once;
    rig->words.channels = "{ name = \"lost\"; plugin = \"webhook\"; machine = true;"
                          " url = \"https://receiver.example.com/x\"; }";
    rig->words.chris = "{ channel = \"lost\"; }, { channel = \"second\"; }";
    rig_write_config(rig);
    rig_spawn(rig);
    rig_until(rig, rig_logged(rig, "ready\n") || waitpid(rig->pid, &status, WNOHANG) > 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
        rig->pid = 0;
        print_message("SKIPPED: no mount namespace of one's own may be made here\n");
        return;
    }
    file(rig, 1);
    int64_t from_ms = rig_ms();
    rig_until(rig, receiver_find(rig->receiver, "/dana", "text-1") != NULL);
    /* It is asked, and does not answer: so this is what was meant to be tested. */
    rig_until(rig, recvfrom(rig->dns_fd, question, sizeof question, MSG_DONTWAIT,
                            (struct sockaddr *)&from, &len) > 0);
    for (unsigned i = 2; i < 20; i++) {
        file(rig, i);
    }
    rig_until(rig, receiver_find(rig->receiver, "/dana", "text-19") != NULL);
    rig_until(rig, receiver_find(rig->receiver, "/second", "text-1\"") != NULL);
    assert_true(rig_ms() - from_ms < FAST_MS);
    rig_stop(rig);
}

static void a_receiver_that_hangs_does_not_hold_up_the_others(void **state)
{
    struct rig *rig = *state;
    rig->words.policies = both_at_once;
    receiver_answer(rig->receiver, "/first", RECEIVER_HANG);
    rig_start(rig);
    for (unsigned i = 1; i <= 30; i++) {
        file(rig, i);
    }
    int64_t from_ms = rig_ms();
    for (unsigned i = 1; i <= 30; i++) {
        char word[32];
        snprintf(word, sizeof word, "text-%u\"", i);
        rig_until(rig, receiver_find(rig->receiver, "/dana", word) != NULL);
        rig_until(rig, receiver_find(rig->receiver, "/second", word) != NULL);
    }
    assert_true(rig_ms() - from_ms < FAST_MS);
    rig_stop(rig);
}

static void operators_hear_of_a_courier_that_does_not_run(void **state)
{
    struct rig *rig = *state;
    char path[300], receipt[64];
    if (!rig_has_hooks()) {
        print_message("SKIPPED: the clock cannot be moved in this build\n");
        return;
    }
    snprintf(path, sizeof path, "%s/courier", rig->dir);
    rig->courier = path;
    rig_start(rig);
    unsigned port = rig_port(rig, "metrics");
    struct rig_call ready = {.method = "GET", .path = "/-/ready", .port = port};
    rig_until(rig, rig_ask(rig, &ready)->status == 503);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_later(rig);
    rig_until(rig, rig_metric(rig, "firealarm_alarms{state=\"unacknowledged\"}") >= 2);
    assert_int_equal(symlink(rig_built_courier(), path), 0);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "firealarm-courier does not run") != NULL);
    rig_until(rig, rig_ask(rig, &ready)->status == 200);
    rig_stop(rig);
}

static void a_person_s_channels_can_be_tested(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "POST",
                                        .path = "/v1/channels/test",
                                        .body = "{\"person\":\"chris\"}",
                                        .header = "Authorization: bearer " RIG_TOKEN "\r\n"});
    assert_int_equal(reply->status, 202);
    rig_until(rig, receiver_find(rig->receiver, "/first", "\"kind\":\"test\"") != NULL);
    rig_until(rig, receiver_find(rig->receiver, "/second", "\"kind\":\"test\"") != NULL);
    rig_stop(rig);
}

/* The last step widens: whom it reaches then reads who was called in vain. */
static void who_is_reached_as_the_last_step_widens_reads_who_was_called(void **state)
{
    struct rig *rig = *state;
    char path[100];
    if (!rig_has_hooks()) {
        print_message("SKIPPED: built without test hooks\n");
        skip();
    }
    rig->words.policies =
        "policies = (\n"
        "  { name = \"leaders\"; steps = ( { targets = [ \"chris\" ]; wait = \"1m\"; } ); },\n"
        "  { name = \"independent\"; steps = ( { targets = [ \"ruth\" ]; wait = \"4h\"; } ); },\n"
        "  { name = \"operators\"; steps = ( { targets = [ \"ines\" ]; wait = \"30m\"; } ); } );\n";
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:north");
    rig_until(rig, receiver_find(rig->receiver, "/first", "north") != NULL);
    snprintf(path, sizeof path, "/v1/alarms/%s", rig_alarm(rig, "queue-slow"));
    const struct rig_call show = {.method = "GET", .path = path, .uid = 2005};
    rig_until(rig, strstr(rig_ask(rig, &show)->body, "\"told\":[{") != NULL);
    rig_later(rig);
    rig_later(rig);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "\"kind\":\"reminder\"") != NULL);
    assert_contains(receiver_find(rig->receiver, "/dana", "\"kind\":\"reminder\"")->body,
                    "\"told\":\"Chris Olsen\"");
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_channel_that_fails_moves_on_at_once),
        TEST(a_retry_has_the_same_key),
        TEST(mail_is_delivered_and_a_refused_one_moves_on),
        TEST(a_courier_that_is_killed_is_replaced_and_nothing_is_lost),
        TEST(a_courier_that_is_stopped_is_replaced_and_the_loop_never_waits),
        TEST(a_resolver_that_never_answers_holds_up_nobody),
        TEST(a_receiver_that_hangs_does_not_hold_up_the_others),
        TEST(operators_hear_of_a_courier_that_does_not_run),
        TEST(a_person_s_channels_can_be_tested),
        TEST(who_is_reached_as_the_last_step_widens_reads_who_was_called),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

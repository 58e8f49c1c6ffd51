/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* A store that is taken, missing, damaged or full, and an orderly end. */
#include "daemon_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Filings are refused with the word when to come again, and the rest is up. */
static void assert_refuses(struct rig *rig, unsigned n)
{
    char body[200];
    snprintf(body, sizeof body, "{\"key\":\"%032x\",\"category\":\"danger\",\"text\":\"text-%u\"}",
             n, n);
    const struct rig_reply *reply = rig_post(rig, "/v1/incidents", body);
    assert_int_equal(reply->status, 503);
    assert_contains(reply->head, "Retry-After: ");
    assert_int_equal(rig_get(rig, "/v1/guide")->status, 200);
}

static void a_second_daemon_on_one_store_ends_with_73_and_names_the_first(void **state)
{
    struct rig *rig = *state;
    char receipt[64], word[40];
    rig_start(rig);
    pid_t first = rig->pid;
    size_t log_from = rig->log_from;
    rig->pid = 0;
    rig_spawn(rig);
    int status = rig_wait(rig);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 73);
    snprintf(word, sizeof word, "%d", (int)first);
    assert_true(rig_logged(rig, word));
    rig->pid = first;
    rig->log_from = log_from;
    rig->unclean = false;
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_stop(rig);
}

/* How the store's directory is spoiled and mended again. */
struct spoil {
    const char *name;
    void (*spoil)(struct rig *rig);
    void (*mend)(struct rig *rig);
};

static void take_away(struct rig *rig)
{
    assert_int_equal(rename(rig_path(rig, "store"), rig_path(rig, "away")), 0);
}

static void put_back(struct rig *rig)
{
    assert_int_equal(rename(rig_path(rig, "away"), rig_path(rig, "store")), 0);
}

static void put_file_in_place(struct rig *rig)
{
    take_away(rig);
    rig_write(rig, "store", "no directory\n", 0600);
}

static void take_file_away(struct rig *rig)
{
    assert_int_equal(unlink(rig_path(rig, "store")), 0);
    put_back(rig);
}

static void damage(struct rig *rig)
{
    assert_int_equal(rename(rig_path(rig, "store/firealarm.db"), rig_path(rig, "good.db")), 0);
    rig_write(rig, "store/firealarm.db", "this is no database, and never was one", 0600);
}

static void undo_damage(struct rig *rig)
{
    assert_int_equal(rename(rig_path(rig, "good.db"), rig_path(rig, "store/firealarm.db")), 0);
}

static void hide_key(struct rig *rig)
{
    assert_int_equal(rename(rig_path(rig, "secrets/mac.key"), rig_path(rig, "mac.key")), 0);
    mkdir(rig_path(rig, "secrets/mac.key"), 0700); /* so that none can be made anew */
}

static void show_key(struct rig *rig)
{
    assert_int_equal(rmdir(rig_path(rig, "secrets/mac.key")), 0);
    assert_int_equal(rename(rig_path(rig, "mac.key"), rig_path(rig, "secrets/mac.key")), 0);
}

static void without_its_store_it_stays_up_and_recovers_when_that_is_mended(void **state)
{
    static const struct spoil spoils[] = {
        {"missing", take_away, put_back},
        {"a file in its place", put_file_in_place, take_file_away},
        {"damaged", damage, undo_damage},
        {"without its key", hide_key, show_key},
    };
    struct rig *rig = *state;
    char receipt[64], another[64];
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_stop(rig);
    for (unsigned i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        print_message("the store is %s\n", spoils[i].name);
        size_t told = receiver_matches(rig->receiver, "/ines", "store cannot be opened");
        spoils[i].spoil(rig);
        rig_again(rig);
        assert_refuses(rig, 2 + i);
        struct rig_call healthy = {
            .method = "GET", .path = "/-/healthy", .port = rig_port(rig, "metrics")};
        assert_int_equal(rig_ask(rig, &healthy)->status, 503);
        rig_until(rig, receiver_matches(rig->receiver, "/ines", "store cannot be opened") > told);
        spoils[i].mend(rig);
        if (rig_has_hooks()) {
            rig_later(rig);
            rig_until(rig, rig_ask(rig, &healthy)->status == 200);
            assert_int_equal(rig_status(rig, receipt), 200);
            assert_int_equal(rig_file(rig, 2 + i, "danger", another), 201);
            rig_stop(rig);
            rig_again(rig);
            assert_int_equal(rig_status(rig, another), 200);
        }
        rig_stop(rig);
    }
}

/* ---- full ---- */

static bool make_small_disk(struct rig *rig)
{
    const char *path = rig_path(rig, "small");
    mkdir(path, 0700);
    return mount("tmpfs", path, "tmpfs", 0, "size=32m,mode=0700") == 0;
}

static void fill(struct rig *rig)
{
    static char block[65536];
    int fd = open(rig_path(rig, "small/filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0) {
    }
    while (write(fd, block, 512) > 0) {
    }
    close(fd);
}

static void a_full_disk_refuses_filings_tells_operators_and_recovers(void **state)
{
    struct rig *rig = *state;
    char receipt[64], other[64], place[600];
    if (getuid() != 0 || !make_small_disk(rig)) {
        print_message("SKIPPED: a small disk of one's own may not be mounted here\n");
        return;
    }
    rig->words.store = "store = { plugin = \"sqlite\"; path = \"./small/store\";\n"
                       "  allow_unsafe_fs = true; mac_key = \"./secrets/mac.key\"; };\n";
    mkdir(rig_path(rig, "small/store"), 0700);
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    fill(rig);
    unsigned n = 2;
    rig_until(rig, rig_file(rig, n++, "danger", other) == 503 || n > 4000);
    assert_refuses(rig, n);
    /* Everything but filing goes on. */
    assert_int_equal(rig_status(rig, receipt), 200);
    assert_true(rig_metric(rig, "firealarm_store_up") == 1);
    assert_int_equal(rig_ask(rig, &(struct rig_call){.method = "GET",
                                                     .path = "/-/ready",
                                                     .port = rig_port(rig, "metrics")})
                         ->status,
                     503);
    snprintf(place, sizeof place, "until %s/store has room", rig_path(rig, "small"));
    rig_until(rig, rig_logged(rig, place));
    assert_true(rig_metric(rig, "firealarm_store_full") == 1);
    /* The reserve lets the operators be told. */
    rig_until(rig, receiver_find(rig->receiver, "/ines", place) != NULL);
    assert_int_equal(unlink(rig_path(rig, "small/filler")), 0);
    rig_until(rig, rig_file(rig, n, "danger", other) == 201 || rig_status(rig, other) == 200);
    assert_int_equal(rig_status(rig, receipt), 200);
    rig_until(rig, rig_logged(rig, "the disk has room again"));
    assert_true(rig_metric(rig, "firealarm_store_full") == 0);
    rig_stop(rig);
    rig_again(rig);
    assert_int_equal(rig_status(rig, other), 200);
    rig_stop(rig);
}

/* ---- an end that was asked for ---- */

static void asked_to_end_with_work_queued_it_ends_within_5_s_and_loses_nothing(void **state)
{
    struct rig *rig = *state;
    char receipts[40][64];
    receiver_answer(rig->receiver, "/first", RECEIVER_HANG);
    rig->words.severities = "severities = ( { name = \"critical\"; fail_after = \"1m\"; },"
                            " { name = \"info\"; } );\n";
    rig_start(rig);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(rig_file(rig, i + 1, "danger", receipts[i]), 201);
    }
    rig_until(rig, receiver_count(rig->receiver) > 0);
    int64_t from = rig_ms();
    rig_stop(rig);
    assert_true(rig_ms() - from <= 5500);
    receiver_answer(rig->receiver, "/first", 200);
    rig_again(rig);
    for (unsigned i = 0; i < 40; i++) {
        char word[32];
        assert_int_equal(rig_status(rig, receipts[i]), 200);
        snprintf(word, sizeof word, "text-%u\"", i + 1);
        rig_until(rig, receiver_find(rig->receiver, "/first", word) != NULL);
    }
    rig_stop(rig);
}

static void asked_to_end_with_clients_waiting_it_ends_within_5_s(void **state)
{
    struct rig *rig = *state;
    int fds[20];
    rig_start(rig);
    for (int i = 0; i < 20; i++) {
        fds[i] = rig_connect(rig);
        if (i % 2 == 0) { /* a request that never becomes whole */
            static const char part[] =
                "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                "\r\n{";
            assert_int_equal(send(fds[i], part, sizeof part - 1, MSG_NOSIGNAL), sizeof part - 1);
        }
    }
    assert_int_equal(rig_get(rig, "/v1/guide")->status, 200);
    int64_t from = rig_ms();
    rig_stop(rig);
    assert_true(rig_ms() - from <= 5500);
    for (int i = 0; i < 20; i++) {
        close(fds[i]);
    }
}

static void two_thousand_answers_leak_nothing(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "question", receipt), 201);
    rig_until(rig, rig_courier_now(rig) > 0);
    size_t before = 0;
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(rig_status(rig, receipt), 200);
        before = i == 100 ? rig_fd_count(rig) : before;
    }
    rig_until(rig, rig_fd_count(rig) <= before);
    rig_stop(rig); /* the leak checker speaks at the end of this */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_second_daemon_on_one_store_ends_with_73_and_names_the_first),
        TEST(without_its_store_it_stays_up_and_recovers_when_that_is_mended),
        TEST(a_full_disk_refuses_filings_tells_operators_and_recovers),
        TEST(asked_to_end_with_work_queued_it_ends_within_5_s_and_loses_nothing),
        TEST(asked_to_end_with_clients_waiting_it_ends_within_5_s),
        TEST(two_thousand_answers_leak_nothing),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

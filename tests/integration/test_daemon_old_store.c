/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* An old copy of the store put back by hand is noticed: by the witness, and by the receipts that
 * were given since. */
#include "daemon_rig.h"

#include <signal.h>
#include <unistd.h>

static void copy_file(const char *from, const char *to)
{
    static char block[1 << 16];
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    size_t n;
    assert_non_null(in);
    assert_non_null(out);
    while ((n = fread(block, 1, sizeof block, in)) > 0) {
        assert_int_equal(fwrite(block, 1, n, out), n);
    }
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* One filing, delivered, in the copy "old.db"; then another, delivered, in the store only. The
 * daemon is stopped then. */
static void make_old_copy(struct rig *rig, char old[64], char newer[64])
{
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", old), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_stop(rig);
    copy_file(rig_path(rig, "store/firealarm.db"), rig_path(rig, "old.db"));
    copy_file(rig_path(rig, "state/head"), rig_path(rig, "old.head"));
    rig_again(rig);
    assert_int_equal(rig_file(rig, 2, "danger", newer), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-2") != NULL);
    rig_stop(rig);
}

static size_t told(struct rig *rig, const char *word)
{
    return receiver_matches(rig->receiver, "/ines", word);
}

static void an_old_copy_is_told_with_where_it_ends_and_how_far_it_had_come(void **state)
{
    struct rig *rig = *state;
    char old[64], newer[64];
    make_old_copy(rig, old, newer);
    copy_file(rig_path(rig, "old.db"), rig_path(rig, "store/firealarm.db"));
    rig_again(rig);
    rig_until(rig, told(rig, "an older copy of the store is in place: its journal ends at") == 1);
    assert_true(rig_logged(rig, "an older copy of the store is in place"));
    assert_true(rig_metric(rig, "firealarm_store_old") == 1);
    assert_int_equal(rig_status(rig, old), 200);
    /* The work goes on, and it is told once. */
    char third[64];
    assert_int_equal(rig_file(rig, 3, "danger", third), 201);
    rig_stop(rig);
    rig_again(rig);
    assert_true(rig_metric(rig, "firealarm_store_old") == 0);
    assert_int_equal(rig_status(rig, third), 200);
    assert_int_equal(told(rig, "an older copy of the store is in place"), 1);
    rig_stop(rig);
}

static void found_before_a_crash_it_is_found_again_after_it(void **state)
{
    struct rig *rig = *state;
    char old[64], newer[64];
    if (!rig_has_hooks()) {
        return;
    }
    make_old_copy(rig, old, newer);
    copy_file(rig_path(rig, "old.db"), rig_path(rig, "store/firealarm.db"));
    rig->crash_at = "store.before_commit:1";
    rig_spawn(rig);
    rig_wait(rig);
    assert_int_equal(told(rig, "an older copy"), 0);
    rig->crash_at = NULL;
    rig_again(rig);
    rig_until(rig, told(rig, "an older copy of the store is in place") == 1);
    rig_stop(rig);
}

static void an_emptied_store_is_told(void **state)
{
    struct rig *rig = *state;
    char old[64], newer[64];
    make_old_copy(rig, old, newer);
    assert_int_equal(unlink(rig_path(rig, "store/firealarm.db")), 0);
    rig_again(rig);
    rig_until(rig, told(rig, "its journal ends at 0, it had reached") == 1);
    rig_stop(rig);
}

static void another_store_with_a_longer_journal_is_told(void **state)
{
    struct rig *rig = *state;
    char old[64], newer[64], receipt[64];
    make_old_copy(rig, old, newer);
    copy_file(rig_path(rig, "state/head"), rig_path(rig, "true.head"));
    copy_file(rig_path(rig, "old.db"), rig_path(rig, "store/firealarm.db"));
    copy_file(rig_path(rig, "old.head"), rig_path(rig, "state/head"));
    rig_again(rig);
    for (unsigned i = 10; i < 20; i++) {
        assert_int_equal(rig_file(rig, i, "danger", receipt), 201);
    }
    rig_stop(rig);
    copy_file(rig_path(rig, "true.head"), rig_path(rig, "state/head"));
    rig_again(rig);
    rig_until(rig, told(rig, "another store is in place") == 1);
    rig_stop(rig);
}

static void a_witness_that_is_gone_or_damaged_is_told(void **state)
{
    struct rig *rig = *state;
    char old[64], newer[64];
    make_old_copy(rig, old, newer);
    assert_int_equal(unlink(rig_path(rig, "state/head")), 0);
    rig_again(rig);
    rig_until(rig, told(rig, "is missing or damaged") == 1);
    rig_stop(rig);
    rig_again(rig);
    rig_stop(rig);
    assert_int_equal(told(rig, "is missing or damaged"), 1);
    FILE *head = fopen(rig_path(rig, "state/head"), "r+e");
    fseek(head, 30, SEEK_SET);
    fputc('9', head);
    fclose(head);
    rig_again(rig);
    assert_true(rig_logged(rig, "is missing or damaged"));
    rig_stop(rig);
}

static const char *status_body(struct rig *rig, const char *receipt, int status)
{
    char body[128];
    snprintf(body, sizeof body, "{\"receipt\":\"%s\"}", receipt);
    const struct rig_reply *reply = rig_post(rig, "/v1/status", body);
    assert_int_equal(reply->status, status);
    return reply->body;
}

/* The witness went back together with the store: only those who hold receipts know. */
static void a_receipt_that_is_newer_than_the_store_says_so_and_operators_hear(void **state)
{
    struct rig *rig = *state;
    char old[64], newer[64], typed[64];
    make_old_copy(rig, old, newer);
    copy_file(rig_path(rig, "old.db"), rig_path(rig, "store/firealarm.db"));
    copy_file(rig_path(rig, "old.head"), rig_path(rig, "state/head"));
    rig_again(rig);
    /* What is no receipt of ours is no news: mistyped in any place, or without the proof. */
    for (size_t i = 0; newer[i] != '\0'; i++) {
        snprintf(typed, sizeof typed, "%s", newer);
        typed[i] = typed[i] == '7' ? '8' : '7';
        (void)status_body(rig, typed, newer[i] == '-' && i < 20 ? 422 : 404);
    }
    snprintf(typed, sizeof typed, "%.19s", newer);
    (void)status_body(rig, typed, 404);
    snprintf(typed, sizeof typed, "%.19s-142-X7QM", newer);
    (void)status_body(rig, typed, 404);
    assert_true(rig_metric(rig, "firealarm_store_old") == 0);
    assert_int_equal(rig_status(rig, old), 200);
    /* As people type: in lower case. */
    for (size_t i = 0; newer[i] != '\0'; i++) {
        newer[i] = (char)(newer[i] >= 'A' && newer[i] <= 'Z' ? newer[i] + 32 : newer[i]);
    }
    assert_contains(status_body(rig, newer, 409), "The store here is older than your receipt");
    assert_true(rig_metric(rig, "firealarm_store_old") == 1);
    rig_until(rig, told(rig, "a receipt was shown for journal entry") == 1);
    char *log = rig_log(rig);
    assert_null(strstr(log, "maria"));
    free(log);
    const struct received *mail = receiver_find(rig->receiver, "/ines", "a receipt was shown");
    assert_null(strstr(mail->body, "maria"));
    assert_null(strstr(mail->body, "Maria"));
    (void)status_body(rig, newer, 409);
    rig_stop(rig);
    assert_int_equal(told(rig, "a receipt was shown for journal entry"), 1);
}

/* Whoever files could count what others file if receipts said how far the journal is. */
static void receipts_have_nothing_in_common_that_counts(void **state)
{
    struct rig *rig = *state;
    char receipts[40][64];
    rig_start(rig);
    for (unsigned i = 0; i < sizeof receipts / sizeof receipts[0]; i++) {
        assert_int_equal(rig_file(rig, i + 1, "question", receipts[i]), 201);
        assert_int_equal(strlen(receipts[i]), 39);
    }
    for (size_t at = 0; at < 39; at++) {
        unsigned same = 0;
        for (size_t i = 1; i < sizeof receipts / sizeof receipts[0]; i++) {
            same += receipts[i][at] == receipts[0][at];
        }
        /* One of 32 symbols: 13 of 39 alike by chance is less likely than 1 in 10^7. */
        assert_true(receipts[0][at] == '-' || same < 13);
    }
    rig_stop(rig);
}

static void nothing_is_told_after_ends_of_any_kind(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    rig_start(rig);
    for (unsigned i = 1; i <= 6; i++) {
        assert_int_equal(rig_file(rig, i, "danger", receipt), 201);
        if (i % 2 == 0) {
            rig_stop(rig);
        } else {
            rig->unclean = true;
            rig_kill(rig);
        }
        rig_again(rig);
        assert_true(rig_metric(rig, "firealarm_store_old") == 0);
        assert_false(rig_logged(rig, "in place"));
        assert_false(rig_logged(rig, "is missing or damaged"));
    }
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_old_copy_is_told_with_where_it_ends_and_how_far_it_had_come),
        TEST(found_before_a_crash_it_is_found_again_after_it),
        TEST(an_emptied_store_is_told),
        TEST(another_store_with_a_longer_journal_is_told),
        TEST(a_witness_that_is_gone_or_damaged_is_told),
        TEST(a_receipt_that_is_newer_than_the_store_says_so_and_operators_hear),
        TEST(receipts_have_nothing_in_common_that_counts),
        TEST(nothing_is_told_after_ends_of_any_kind),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

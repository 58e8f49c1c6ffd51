/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Copies of the store: taken while filings go on, put back when no daemon runs, and never without
 * a word. */
#include "copy_rig.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static const char *inside(const char *dir, const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void start_as_operator(struct rig *rig)
{
    rig_start(rig);
    if (getuid() != 0) { /* only root may be several people */
        skip();
    }
}

static void a_copy_is_taken_while_filings_go_on_and_holds_what_was_kept(void **state)
{
    struct rig *rig = *state;
    char receipts[400][64], path[400];
    unsigned n = 0, before;
    start_as_operator(rig);
    for (; n < 100; n++) {
        assert_int_equal(rig_file(rig, n + 1, "question", receipts[n]), 201);
    }
    before = n;
    assert_int_equal(rig_backup_ask(rig, "POST")->status, 202);
    do {
        assert_int_equal(rig_file(rig, n + 1, "question", receipts[n]), 201);
        n++;
    } while (!rig_backup_is(rig, "done", "path", path) && n < 400);
    rig_until(rig, rig_logged(rig, "a copy of the store is in"));
    assert_true(rig_metric(rig, "firealarm_backups_total{outcome=\"done\"}") == 1);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(mode_of(inside(path, "firealarm.db")), 0600);
    /* Nothing else is there: no lock, no WAL, no key. */
    assert_int_not_equal(access(inside(path, "lock"), F_OK), 0);
    assert_int_not_equal(access(inside(path, "firealarm.db-wal"), F_OK), 0);
    assert_int_not_equal(access(rig_path(rig, "state/backups/new"), F_OK), 0);
    rig_stop(rig);
    int status = rig_restore(rig, NULL, path, true);
    assert_int_equal(status, 0);
    rig_again(rig);
    for (unsigned i = 0; i < before; i++) {
        assert_int_equal(rig_status(rig, receipts[i]), 200);
    }
    /* What came later is there whole or known to be lost; nothing is half there. */
    for (unsigned i = before; i < n; i++) {
        int answer = rig_status(rig, receipts[i]);
        assert_true(answer == 200 || answer == 409);
    }
    rig_until(rig,
              receiver_matches(rig->receiver, "/ines", "was put in place with firealarm") == 1);
    rig_stop(rig);
    rig_again(rig); /* and it is told once */
    rig_stop(rig);
    assert_int_equal(receiver_matches(rig->receiver, "/ines", "was put in place with firealarm"),
                     1);
}

static void only_operators_may_ask_for_one(void **state)
{
    struct rig *rig = *state;
    start_as_operator(rig);
    struct rig_call call = {.method = "POST", .path = "/v1/backup", .body = "{}", .uid = 2005};
    assert_int_equal(rig_ask(rig, &call)->status, 403);
    assert_true(rig_backup_is(rig, "none", NULL, NULL));
    rig_stop(rig);
}

static void a_restore_shows_what_is_lost_and_keeps_what_was_there(void **state)
{
    struct rig *rig = *state;
    char old[64], newer[64], path[400], kept[64];
    start_as_operator(rig);
    assert_int_equal(rig_file(rig, 1, "danger", old), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_backup(rig, path);
    assert_int_equal(rig_file(rig, 2, "danger", newer), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-2") != NULL);
    /* In use: refused, and by whom it is used. */
    int status = rig_restore(rig, NULL, path, true);
    snprintf(kept, sizeof kept, "held by process %d", (int)rig->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 73);
    assert_true(rig_restore_said(rig, kept));
    assert_int_equal(rig_status(rig, newer), 200);
    rig_stop(rig);
    /* Nobody said yes. */
    status = rig_restore(rig, NULL, path, false);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(rig_restore_said(rig, "open alarms 1, open filings 1"));
    assert_true(rig_restore_said(rig, "open alarms 2, open filings 2"));
    assert_true(rig_restore_said(rig, "would be LOST"));
    rig_again(rig);
    assert_int_equal(rig_status(rig, newer), 200);
    assert_int_equal(receiver_matches(rig->receiver, "/ines", "in place"), 0);
    rig_stop(rig);
    assert_int_equal(rig_restore(rig, NULL, path, true), 0);
    assert_int_equal(access(rig_path(rig, "store/replaced-1/firealarm.db"), R_OK), 0);
    rig_again(rig);
    assert_int_equal(rig_status(rig, old), 200);
    assert_int_equal(rig_status(rig, newer), 409);
    rig_stop(rig);
    /* And back: what was kept is as good as a copy. */
    assert_int_equal(rig_restore(rig, NULL, rig_path(rig, "store/replaced-1"), true), 0);
    rig_again(rig);
    assert_int_equal(rig_status(rig, newer), 200);
    rig_stop(rig);
    assert_int_equal(access(rig_path(rig, "store/replaced-2/firealarm.db"), R_OK), 0);
}

/* Writes over `len` bytes of the file. */
static void spoil(const char *path, long at, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

/* The place of a text in a file; -1. */
static long find_in(const char *path, const char *text)
{
    static char data[1 << 22];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(data, 1, sizeof data, file);
    fclose(file);
    const char *at = memmem(data, len, text, strlen(text));
    return at != NULL ? at - data : -1;
}

static void a_copy_that_is_no_good_is_refused_or_called_damaged(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[400];
    start_as_operator(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_backup(rig, path);
    rig_stop(rig);
    const char *db = inside(path, "firealarm.db");
    long at = find_in(db, "customer-1");
    assert_true(at > 0);
    spoil(db, at, "customer-9", 10);
    int status = rig_restore(rig, NULL, path, false);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(rig_restore_said(rig, "The copy is DAMAGED: 1 rows do not verify"));
    assert_true(rig_restore_said(rig, "nothing was changed; the store is as it was"));
    spoil(db, 0, "this is no database at all......", 32);
    status = rig_restore(rig, NULL, path, true);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(rig_restore_said(rig, "nothing was changed; the store is as it was"));
    /* What is left when it is carried to a disk that is full. */
    assert_int_equal(truncate(db, 0), 0);
    status = rig_restore(rig, NULL, path, true);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(rig_restore_said(rig, "nothing is in it, not even a journal"));
    status = rig_restore(rig, NULL, rig_path(rig, "secrets"), true);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    rig_again(rig);
    assert_int_equal(rig_status(rig, receipt), 200);
    assert_int_equal(receiver_matches(rig->receiver, "/ines", "in place"), 0);
    rig_stop(rig);
}

/* Nothing of the old one may meet the new one, its WAL least of all. */
static void a_store_that_was_killed_and_is_damaged_is_replaced_whole(void **state)
{
    struct rig *rig = *state;
    char old[64], newer[64], path[400];
    start_as_operator(rig);
    assert_int_equal(rig_file(rig, 1, "danger", old), 201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    rig_backup(rig, path);
    assert_int_equal(rig_file(rig, 2, "danger", newer), 201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    rig->unclean = true;
    rig_kill(rig);
    /* Its WAL is as good as ever, and would be played onto whatever takes the database's name. */
    assert_int_equal(rename(rig_path(rig, "store/firealarm.db"), rig_path(rig, "gone.db")), 0);
    assert_int_equal(mkdir(rig_path(rig, "store/firealarm.db"), 0700), 0);
    assert_int_equal(rig_restore(rig, NULL, path, true), 0);
    assert_true(rig_restore_said(rig, "The store that is there cannot be read"));
    assert_true(rig_restore_said(rig, "would be LOST")); /* the witness knows */
    assert_int_equal(access(rig_path(rig, "store/replaced-1/firealarm.db-wal"), F_OK), 0);
    assert_int_not_equal(access(rig_path(rig, "store/firealarm.db-wal"), F_OK), 0);
    rig_again(rig);
    assert_int_equal(rig_status(rig, old), 200);
    assert_int_equal(rig_status(rig, newer), 409);
    rig_stop(rig);
}

/* One that was begun when the daemon was killed is thrown away by the next. */
static void a_copy_that_was_cut_off_is_in_nobodys_way(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[400];
    start_as_operator(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rig_backup_ask(rig, "POST")->status, 202);
        rig->unclean = true;
        rig_kill(rig);
        rig_again(rig);
        rig_backup(rig, path);
        assert_int_not_equal(access(rig_path(rig, "state/backups/new"), F_OK), 0);
    }
    rig_stop(rig);
}

/* Root becomes the store's user, whom a copy that root brought need not be readable to. */
static void a_copy_that_the_stores_user_may_not_read_says_so(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[400], said[80];
    start_as_operator(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_backup(rig, path);
    rig_stop(rig);
    assert_int_equal(chown(rig_path(rig, "store"), 2001, 2001), 0);
    assert_int_equal(chown(path, 2001, 2001), 0);
    assert_int_equal(chmod(rig->dir, 0755), 0);
    assert_int_equal(chmod(rig_path(rig, "state"), 0755), 0);
    assert_int_equal(chmod(rig_path(rig, "state/backups"), 0755), 0);
    int status = rig_restore(rig, NULL, path, true);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    snprintf(said, sizeof said, "the store's user, uid 2001, may not read it all");
    assert_true(rig_restore_said(rig, said));
    assert_true(rig_restore_said(rig, "chown -R 2001"));
}

/* The disk with the store is gone: only the witness knows how far it had come. */
static void what_is_lost_with_a_store_that_is_gone_is_shown(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[400];
    start_as_operator(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    rig_backup(rig, path);
    assert_int_equal(rig_file(rig, 2, "danger", receipt), 201);
    rig_stop(rig);
    assert_int_equal(unlink(rig_path(rig, "store/firealarm.db")), 0);
    int status = rig_restore(rig, NULL, path, false);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(rig_restore_said(rig, "would be LOST"));
    /* And without one none is made: the daemon would take it for a damaged one. */
    assert_int_equal(unlink(rig_path(rig, "state/head")), 0);
    status = rig_restore(rig, NULL, path, true);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_not_equal(access(rig_path(rig, "state/head"), F_OK), 0);
}

static void two_copies_within_a_second_have_two_names(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[6][400];
    start_as_operator(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    for (size_t i = 0; i < 6; i++) {
        rig_backup(rig, path[i]);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(path[i], path[k]);
        }
    }
    rig_stop(rig);
}

/* An operator asks for one after the other; another person's filing is not refused for it. */
static void copies_leave_a_tenth_of_the_disk_to_the_store(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[400];
    start_as_operator(rig);
    rig_stop(rig);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        (mkdir(rig_path(rig, "state/backups"), 0700) != 0 && errno != EEXIST) ||
        mount("tmpfs", rig_path(rig, "state/backups"), "tmpfs", 0, "size=100m,mode=700") != 0) {
        print_message("skipped: a tmpfs cannot be mounted here\n");
        skip();
    }
    rig_again(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_backup(rig, path);
    int fd = open(rig_path(rig, "state/backups/older"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(posix_fallocate(fd, 0, 91 << 20), 0);
    close(fd);
    assert_int_equal(rig_backup_ask(rig, "POST")->status, 202);
    rig_until(rig, rig_backup_is(rig, "failed", "error", path));
    assert_contains(path, "a copy would leave too little room for the store");
    assert_int_not_equal(access(rig_path(rig, "state/backups/new"), F_OK), 0);
    assert_int_equal(rig_file(rig, 2, "danger", receipt), 201);
    rig_stop(rig);
    assert_int_equal(umount(rig_path(rig, "state/backups")), 0);
}

static void a_copy_of_another_key_is_refused(void **state)
{
    struct rig *rig = *state;
    char receipt[64], path[400];
    start_as_operator(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_backup(rig, path);
    rig_stop(rig);
    rig_write(rig, "secrets/mac.key",
              "0000000000000000000000000000000000000000000000000000000000000001\n", 0600);
    int status = rig_restore(rig, NULL, path, true);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(rig_restore_said(rig, "the key belongs to another store"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_copy_is_taken_while_filings_go_on_and_holds_what_was_kept),
        TEST(only_operators_may_ask_for_one),
        TEST(a_restore_shows_what_is_lost_and_keeps_what_was_there),
        TEST(a_copy_that_is_no_good_is_refused_or_called_damaged),
        TEST(a_store_that_was_killed_and_is_damaged_is_replaced_whole),
        TEST(a_copy_that_was_cut_off_is_in_nobodys_way),
        TEST(a_copy_that_the_stores_user_may_not_read_says_so),
        TEST(what_is_lost_with_a_store_that_is_gone_is_shown),
        TEST(two_copies_within_a_second_have_two_names),
        TEST(copies_leave_a_tenth_of_the_disk_to_the_store),
        TEST(a_copy_of_another_key_is_refused),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

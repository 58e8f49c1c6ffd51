/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* A file system that breaks while the daemon works: ext4 finds an error and may not be written from
 * then on. The daemon answers nothing and leaves with 74; started again it stays up without its
 * store, refuses with 503, tells the operators, and has all that was acknowledged once the file
 * system is mended. That no inode is left stops nothing that runs. */
#include "ledger.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool run(const char *fmt, ...)
{
    char command[1200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command) == 0;
}

static bool make_disk(struct rig *rig)
{
    mkdir(rig_path(rig, "small"), 0700);
    return getuid() == 0 &&
           run("PATH=$PATH:/usr/sbin:/sbin; truncate -s 16M %s && mkfs.ext4 -q -F -N 32 %s",
               rig_path(rig, "disk"), rig_path(rig, "disk")) &&
           run("mount -o loop %s %s 2>/dev/null", rig_path(rig, "disk"), rig_path(rig, "small")) &&
           mkdir(rig_path(rig, "small/store"), 0700) == 0;
}

static bool mend_disk(struct rig *rig)
{
    const char *disk = rig_path(rig, "disk"), *small = rig_path(rig, "small");
    return run("umount %s", small) &&
           /* 1: mended */
           run("PATH=$PATH:/usr/sbin:/sbin; fsck.ext4 -fy %s > /dev/null 2>&1; [ $? -le 1 ]",
               disk) &&
           run("mount -o loop %s %s", disk, small);
}

static void use_inodes(struct rig *rig)
{
    for (unsigned i = 0; i < 64; i++) {
        char name[40];
        snprintf(name, sizeof name, "small/inode-%u", i);
        int fd = open(rig_path(rig, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0) {
            close(fd);
        }
    }
}

static void try_one(struct rig *rig, struct ledger *ledger)
{
    unsigned kept = ledger_add_any(ledger, "danger"), lost = ledger_add_any(ledger, "danger");
    int status = 0, answer = 0;
    size_t told = receiver_matches(rig->receiver, "/ines", "store cannot be opened");
    use_inodes(rig);
    assert_int_equal(ledger_file(ledger, rig, kept), 201);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    assert_true(run("mount -o remount,abort %s", rig_path(rig, "small")));
    rig->unclean = true;
    answer = ledger_file(ledger, rig, lost);
    assert_int_equal(answer, 0);
    rig_until(rig, rig_has_ended(rig, &status));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 74);
    rig_again(rig);
    assert_int_equal(ledger_file(ledger, rig, lost), 503);
    rig_until(rig, receiver_matches(rig->receiver, "/ines", "store cannot be opened") > told);
    assert_true(mend_disk(rig));
    rig_later(rig);
    rig_until(rig, ledger_file(ledger, rig, lost) / 100 == 2);
}

static void a_file_system_that_breaks_loses_nothing(void **state)
{
    static const struct promise_sizes sizes = {2, 20, 400, 0};
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    struct ledger_result result;
    size_t tries = promise_tries(&sizes);
    if (!rig_has_hooks() || !make_disk(rig)) {
        print_message("SKIPPED: a small disk of one's own may not be mounted here\n");
        (void)umount2(rig_path(rig, "small"), MNT_DETACH);
        ledger_free(ledger);
        return;
    }
    rig->words.store = "store = { plugin = \"sqlite\"; path = \"./small/store\";\n"
                       "  mac_key = \"./secrets/mac.key\"; };\n";
    ledger->store = "small/store";
    rig_start(rig);
    for (size_t i = 0; i < tries; i++) {
        try_one(rig, ledger);
    }
    ledger_check(ledger, rig, &result);
    assert_true(run("umount %s", rig_path(rig, "small")));
    ledger_print(&result,
                 &(struct promise_row){.fault = "a file system that may not be written any more",
                                       .tries = tries,
                                       .bound = "1 a crash or end of the courier",
                                       .note = "ext4, aborted under load; no inode left before"},
                 2 * (long)tries);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_system_that_breaks_loses_nothing, rig_setup,
                                        rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* Two daemons on one store: the second ends with 73 and names the first, by whatever path it comes
 * to the store, as soon as it is started, while the first works and while it starts; and when the
 * first was killed, the next one has it at once. */
#include "ledger.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STORE(path)                                                                                \
    "store = { plugin = \"sqlite\"; path = \"" path "\"; mac_key = \"./secrets/mac.key\"; };\n"

static const char *const stores[] = {STORE("./store"), STORE("./link"), STORE("./bound"),
                                     STORE("./bound/../store")};
#define STORES (sizeof stores / sizeof stores[0])

static void try_second(struct rig *rig)
{
    char word[60];
    pid_t first = rig->pid;
    size_t log_from = rig->log_from;
    int64_t from = rig_ms();
    rig->pid = 0;
    rig_write_config(rig);
    rig_spawn(rig);
    int status = rig_wait(rig);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 73);
    assert_true(rig_ms() - from < 5000); /* a second, but for a busy machine */
    snprintf(word, sizeof word, "is held by process %d", (int)first);
    assert_true(rig_logged(rig, word));
    rig->pid = first;
    rig->log_from = log_from;
}

static void a_second_daemon_ends_and_names_the_first(void **state)
{
    static const struct promise_sizes sizes = {2, 20, 300, 0};
    struct rig *rig = *state;
    struct ledger *ledger = ledger_new();
    struct ledger_result result;
    size_t tries = 0, rounds = promise_tries(&sizes);
    assert_int_equal(symlink(rig_path(rig, "store"), rig_path(rig, "link")), 0);
    mkdir(rig_path(rig, "bound"), 0700);
    bool bound = getuid() == 0 &&
                 mount(rig_path(rig, "store"), rig_path(rig, "bound"), NULL, MS_BIND, NULL) == 0;
    if (!bound) {
        print_message("SKIPPED: nothing may be mounted here\n");
    }
    rig_start(rig);
    for (size_t i = 0; i < rounds * STORES; i++) {
        if (!bound && i % STORES >= 2) {
            continue;
        }
        rig->words.store = stores[i % STORES];
        unsigned n = ledger_add_any(ledger, "danger");
        try_second(rig);
        assert_int_equal(ledger_file(ledger, rig, n), 201);
        tries++;
        if (i % STORES == STORES - 1) { /* killed: the next one has it, by any path */
            rig->unclean = true;
            rig_kill(rig);
            rig_again(rig);
        }
    }
    rig->words.store = NULL;
    rig_stop(rig);
    rig_write_config(rig);
    ledger_check(ledger, rig, &result);
    if (bound) {
        assert_int_equal(umount2(rig_path(rig, "bound"), MNT_DETACH), 0);
    }
    ledger_print(&result,
                 &(struct promise_row){.fault = "a second daemon on the store",
                                       .tries = tries,
                                       .bound = "1 a kill and message under way",
                                       .note = "by its path, a link, a bind mount"},
                 (long)(rounds * STORES)); /* all that were filed since the last kill may be */
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_daemon_ends_and_names_the_first, rig_setup,
                                        rig_teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

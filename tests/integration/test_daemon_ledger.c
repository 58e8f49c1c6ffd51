/* SPDX-License-Identifier: MIT */
/* links: fa_ledger PkgConfig::SQLITE3 */
/* needs: fa_daemon_programs */
/* The oracle of tests of faults with a real daemon: what happened without a fault has none, and
 * what was done behind the daemon's back is found. */
#include "ledger.h"

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

struct bench {
    struct rig *rig;
    struct ledger *ledger;
};

static void set_up(struct bench *bench, void **state)
{
    bench->rig = *state;
    bench->ledger = ledger_new();
    rig_start(bench->rig);
}

static void file(struct bench *bench, const char *category, const char *about)
{
    unsigned n = ledger_add(bench->ledger, category, about);
    assert_int_equal(ledger_file(bench->ledger, bench->rig, n), 201);
}

static void assert_result(const struct ledger_result *result, bool lost, bool missed, bool leaks)
{
    if ((result->lost > 0) != lost || (result->missed > 0) != missed ||
        (result->leaks > 0) != leaks) {
        fail_msg("lost %ld (%s), missed %ld (%s), leaks %ld (%s)", result->lost, result->first_lost,
                 result->missed, result->first_missed, result->leaks, result->first_leak);
    }
}

static void a_day_without_faults_has_none(void **state)
{
    struct bench bench;
    struct ledger_result result;
    set_up(&bench, state);
    file(&bench, "danger", NULL);
    file(&bench, "danger", "victor");
    file(&bench, "lying", NULL);
    file(&bench, "question", NULL);
    assert_int_equal(ledger_file(bench.ledger, bench.rig, 1), 200);
    if (getuid() == 0) {
        rig_until(bench.rig, ledger_alarm_of(bench.ledger, bench.rig, 1)[0] != '\0');
        assert_int_equal(ledger_own(bench.ledger, bench.rig,
                                    ledger_alarm_of(bench.ledger, bench.rig, 1), "chris", 2005),
                         200);
    }
    ledger_look(bench.ledger, bench.rig);
    ledger_check(bench.ledger, bench.rig, &result);
    assert_result(&result, false, false, false);
    assert_int_equal(result.duplicates, 0);
    assert_int_equal(result.receipts, 4);
    assert_true(result.deliveries >= 3);
    assert_true(getuid() != 0 || result.alarms == 3);
    ledger_free(bench.ledger);
}

/* A receiver that takes nothing: each filing has its deadline, and that is enough. */
static void a_filing_that_nobody_could_be_told_has_a_deadline(void **state)
{
    struct bench bench;
    struct ledger_result result;
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return;
    }
    receiver_answer(((struct rig *)*state)->receiver, "/first", 503);
    receiver_answer(((struct rig *)*state)->receiver, "/second", 503);
    ((struct rig *)*state)->words.chris = "{ channel = \"first\"; }";
    ((struct rig *)*state)->words.severities =
        "severities = ( { name = \"critical\"; fail_after = \"1h\"; },"
        " { name = \"info\"; } );\n";
    set_up(&bench, state);
    bench.ledger->patience_ms = 300;
    bench.ledger->may_wait = true;
    file(&bench, "danger", NULL);
    rig_until(bench.rig, receiver_count(bench.rig->receiver) > 0);
    ledger_check(bench.ledger, bench.rig, &result);
    assert_result(&result, false, false, false);
    assert_false(bench.ledger->filings[0].delivered);
    assert_string_not_equal(bench.ledger->filings[0].alarm, "");
    ledger_free(bench.ledger);
}

static void change_store(struct rig *rig, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(rig_path(rig, "store/firealarm.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_changes(db) > 0);
    sqlite3_close(db);
}

static void check_after(struct bench *bench, const char *sql, struct ledger_result *result)
{
    rig_until(bench->rig, rig_metric(bench->rig, "firealarm_outbox") == 0);
    rig_stop(bench->rig);
    change_store(bench->rig, sql);
    bench->ledger->patience_ms = 300; /* what is lost does not come */
    bench->ledger->may_wait = true;   /* the operators' message may still be under way then */
    ledger_check(bench->ledger, bench->rig, result);
}

static void a_journal_that_was_written_over_is_noticed(void **state)
{
    struct bench bench;
    struct ledger_result result;
    set_up(&bench, state);
    file(&bench, "danger", NULL);
    check_after(&bench, "UPDATE journal SET body = x'0801' WHERE n = 1", &result);
    assert_result(&result, true, false, false);
    assert_contains(result.first_lost, "journal");
    ledger_free(bench.ledger);
}

static void a_filing_that_was_taken_out_is_lost(void **state)
{
    struct bench bench;
    struct ledger_result result;
    set_up(&bench, state);
    file(&bench, "danger", NULL);
    check_after(&bench, "DELETE FROM live WHERE kind IN (1, 2)", &result);
    assert_result(&result, true, false, false);
    assert_contains(result.first_lost, "is not known");
    ledger_free(bench.ledger);
}

static void words_in_the_journal_are_a_leak(void **state)
{
    struct bench bench;
    struct ledger_result result;
    set_up(&bench, state);
    file(&bench, "danger", NULL);
    check_after(&bench,
                "UPDATE journal SET count = 0, body = CAST('" LEDGER_CANARY
                "' AS BLOB) WHERE n = (SELECT min(n) FROM journal)",
                &result);
    assert_result(&result, true, false, true);
    assert_contains(result.first_leak, "the journal");
    ledger_free(bench.ledger);
}

/* In the daemon's environment (the courier gets one of its own), in a file, and in the log. */
static void words_in_an_environment_a_file_or_the_log_are_leaks(void **state)
{
    struct bench bench;
    struct ledger_result result;
    setenv("FA_LEDGER_TEST", LEDGER_CANARY, 1);
    set_up(&bench, state);
    unsetenv("FA_LEDGER_TEST");
    file(&bench, "danger", NULL);
    (void)rig_courier(bench.rig);
    rig_write(bench.rig, "state/left", "0123456789abcdef0123456789abcdef", 0600);
    FILE *log = fopen(bench.rig->log_path, "ae");
    assert_non_null(log);
    fprintf(log, "filed by maria\n");
    assert_int_equal(fclose(log), 0);
    ledger_check(bench.ledger, bench.rig, &result);
    assert_result(&result, false, false, true);
    assert_int_equal(result.leaks, 3);
    ledger_free(bench.ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_day_without_faults_has_none),
        TEST(a_filing_that_nobody_could_be_told_has_a_deadline),
        TEST(a_journal_that_was_written_over_is_noticed),
        TEST(a_filing_that_was_taken_out_is_lost),
        TEST(words_in_the_journal_are_a_leak),
        TEST(words_in_an_environment_a_file_or_the_log_are_leaks),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

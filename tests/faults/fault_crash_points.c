/* SPDX-License-Identifier: MIT */
/* links: fa_ledger */
/* needs: fa_daemon_programs */
/* kill -9 at each named place of the source, at several passes and at each level of the climb. The
 * names are read from the source: a place that is added is tried, and one that is never passed
 * fails the run. Before each kill an alarm stands one level below the one at which it is hit; after
 * it the alarm must reach that level. FA_CRASH_PLACE=NAME tries one. Places named courier.* end the
 * courier, and the daemon goes on. */
#include "ledger.h"

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEVELS     3
#define PLACES_MAX 100

static char places[PLACES_MAX][64];
static size_t place_count;

static const char policies[] =
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"chris\" ]; wait = \"1m\"; },\n"
    "      { targets = [ \"dana\" ]; wait = \"1m\"; }, { targets = [ \"ruth\" ]; wait = \"1m\"; } ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"ruth\" ]; wait = \"4h\"; },\n"
    "      { targets = [ \"independent\" ]; wait = \"12h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"ines\" ]; wait = \"30m\"; },\n"
    "      { targets = [ \"team:it\" ]; wait = \"2h\"; } ); }\n"
    ");\n";
static const char severities[] =
    "severities = ( { name = \"critical\"; ack_max = \"1d\"; fail_attempts = 50;"
    " fail_after = \"1h\"; }, { name = \"warning\"; fail_after = \"1h\"; },"
    " { name = \"info\"; } );\n";

/* ---- the places ---- */

static int read_source(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    static const char mark[] = "FA_CRASHPOINT(\"";
    size_t len = strlen(path);
    char line[512];
    if (kind != FTW_F || len < 2 || strcmp(path + len - 2, ".c") != 0) {
        return 0;
    }
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        const char *name = strstr(line, mark);
        if (name != NULL) {
            assert_true(place_count < PLACES_MAX);
            name += sizeof mark - 1;
            snprintf(places[place_count++], sizeof places[0], "%.*s", (int)strcspn(name, "\""),
                     name);
        }
    }
    fclose(file);
    return 0;
}

static void find_places(void)
{
    const char *source = getenv("FA_SOURCE_DIR");
    static const char *const folders[] = {"daemon", "plugins"};
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", source != NULL ? source : ".", folders[i]);
        assert_int_equal(nftw(path, read_source, 16, FTW_PHYS), 0);
    }
    assert_true(place_count >= 10);
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* ---- one run ---- */

struct run {
    struct rig *rig;
    struct ledger *ledger;
    const char *place;
    unsigned climber; /* the filing whose alarm climbs */
    bool hit;
};

/* Has it happened? For the courier its daemon says so. */
static bool is_hit(struct run *run)
{
    int status = 0;
    if (!run->hit && rig_has_ended(run->rig, &status)) {
        bool stopped = begins_with(run->place, "stop.");
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
            fail_msg("%s: wait status 0x%x%s", run->place, (unsigned)status,
                     stopped ? ": it was not passed" : "");
        }
        run->hit = true;
    }
    run->hit |= begins_with(run->place, "courier.") && run->rig->pid != 0 &&
                (rig_logged(run->rig, "the courier ended") ||
                 rig_logged(run->rig, "the courier has ended"));
    return run->hit;
}

/* Half a minute passes, and what it brings is told. */
static void later(struct run *run)
{
    static const char word[] = "half a minute has passed";
    size_t before = rig_log_count(run->rig, word);
    (void)kill(run->rig->pid, SIGUSR1);
    rig_until(run->rig, is_hit(run) || rig_log_count(run->rig, word) > before);
    rig_until(run->rig, is_hit(run) || rig_metric(run->rig, "firealarm_outbox") == 0);
}

static void file(struct run *run)
{
    unsigned n = ledger_add_any(run->ledger, "danger");
    run->climber = run->climber != 0 ? run->climber : n;
    (void)ledger_file(run->ledger, run->rig, n);
    rig_until(run->rig, is_hit(run) || ledger_alarm_of(run->ledger, run->rig, n)[0] != '\0');
    if (!run->hit && n != run->climber) {
        (void)ledger_take_over(run->ledger, run->rig, n);
    }
}

static void reload(struct run *run)
{
    size_t before = rig_log_count(run->rig, "the new configuration holds");
    (void)kill(run->rig->pid, SIGHUP);
    rig_until(run->rig,
              is_hit(run) || rig_log_count(run->rig, "the new configuration holds") > before);
}

/* Does everything, the level's own deed first, until the place has been passed often enough. */
static void provoke(struct run *run, unsigned level, unsigned pass)
{
    rig_until(run->rig, is_hit(run) || rig_logged(run->rig, "ready\n"));
    for (unsigned round = 0; !is_hit(run) && round < 5 + 3 * pass; round++) {
        if (level > 1) {
            later(run);
        }
        for (unsigned deed = 0; deed < 3 && !is_hit(run); deed++) {
            if (deed == 0 && (level == 1 || round > 1)) {
                file(run);
            } else if (deed == 1 && round > 1) {
                reload(run);
            } else if (deed == 2 && round > 0) {
                (void)rig_try_statsd_local(run->rig, "queue_seconds:10|g|#queue:north");
                later(run);
            }
        }
        if (begins_with(run->place, "stop.") && !is_hit(run)) {
            rig_signal(run->rig, SIGTERM);
            rig_until(run->rig, is_hit(run));
        }
    }
    if (!run->hit) {
        fail_msg("%s was not passed %u times at level %u", run->place, pass, level);
    }
}

static bool has_reached(struct run *run, unsigned level)
{
    ledger_take_deliveries(run->ledger, run->rig);
    for (size_t i = 0; i < run->ledger->delivery_count; i++) {
        const struct ledger_delivery *delivery = &run->ledger->deliveries[i];
        if (delivery->filing == run->climber && delivery->step >= level) {
            return true;
        }
    }
    return false;
}

static void climb(struct run *run, unsigned level)
{
    for (unsigned i = 0; i < 20 && !has_reached(run, level); i++) {
        rig_until(run->rig, rig_metric(run->rig, "firealarm_outbox") == 0);
        if (!has_reached(run, level)) {
            rig_later(run->rig);
        }
    }
    assert_true(has_reached(run, level));
}

static void hit(struct run *run, unsigned level, unsigned pass)
{
    struct rig *rig = run->rig;
    char place[80];
    run->climber = 0;
    run->hit = false;
    if (level > 1) {
        rig_again(rig);
        file(run);
        climb(run, level - 1);
        ledger_look(run->ledger, rig);
        rig_stop(rig);
    }
    snprintf(place, sizeof place, "%s:%u", run->place, pass);
    rig->crash_at = place;
    rig_spawn(rig);
    rig->crash_at = NULL;
    provoke(run, level, pass);
    if (rig->pid != 0) {
        rig_kill(rig); /* a courier that dies at each start does nothing else */
    }
    rig_again(rig);
    ledger_look(run->ledger, rig);
    run->place = "";
    run->hit = false;
    for (unsigned n = 1; n <= run->ledger->filing_count; n++) {
        if (run->ledger->filings[n - 1].receipt[0] == '\0') {
            rig_until(rig, ledger_file(run->ledger, rig, n) / 100 == 2);
        }
    }
    if (run->climber == 0) {
        file(run);
    }
    climb(run, level);
    const char *alarm = ledger_alarm_of(run->ledger, rig, run->climber);
    assert_int_equal(ledger_own(run->ledger, rig, alarm, "chris", 2005), 200);
    rig_stop(rig);
}

static void try_place(const char *place, unsigned level, unsigned pass, struct ledger_result *sum)
{
    struct ledger_result result;
    void *state;
    struct run run = {.place = place};
    assert_int_equal(rig_setup(&state), 0);
    run.rig = state;
    run.rig->words.policies = policies;
    run.rig->words.severities = severities;
    run.ledger = ledger_new();
    rig_write_config(run.rig);
    hit(&run, level, pass);
    ledger_check(run.ledger, run.rig, &result);
    if (result.most > 2) { /* several may be under way at a kill, each of them comes once more */
        fail_msg("%s:%u at level %u: a message came %ld times: %s", place, pass, level, result.most,
                 result.first_duplicate);
    }
    ledger_sum(sum, &result);
    ledger_free(run.ledger);
    assert_int_equal(rig_teardown(&state), 0);
}

/* The first pass at every level, further ones at one of them in turn, by night at all. */
static size_t try_passes(size_t place, struct ledger_result *sum)
{
    static const struct promise_sizes levels = {1, LEVELS, LEVELS, LEVELS};
    static const struct promise_sizes passes = {1, 2, 10, 50};
    const char *name = places[place];
    size_t tries = 0;
    bool once = begins_with(name, "start.") || begins_with(name, "stop.");
    for (unsigned pass = 1; pass <= (once ? 1 : promise_tries(&passes)); pass++) {
        bool all = pass == 1 || promise_is_exhaustive() != 0;
        for (size_t k = 0; k < (all ? promise_tries(&levels) : 1); k++) {
            try_place(name, 1 + (unsigned)((place + k) % LEVELS), pass, sum);
            tries++;
        }
    }
    return tries;
}

static void killed_at_each_named_place_it_keeps_its_promise(void **state)
{
    static const struct promise_sizes strides = {4, 1, 1, 1};
    struct ledger_result sum = {0};
    size_t tries = 0;
    const char *only = getenv("FA_CRASH_PLACE");
    find_places();
    for (size_t i = 0; i < place_count; i += only != NULL ? 1 : promise_tries(&strides)) {
        if (only == NULL || strcmp(only, places[i]) == 0) {
            tries += try_passes(i, &sum);
        }
    }
    print_message("%zu places\n", place_count);
    struct promise_row row = {.fault = "kill -9 at each named place, at each level",
                              .tries = tries,
                              .bound = "1 a kill and message under way"};
    ledger_print(&sum, &row, (long)tries * LEVELS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_each_named_place_it_keeps_its_promise),
    };
    signal(SIGPIPE, SIG_IGN);
    if (getuid() != 0 || !rig_has_hooks()) {
        print_message("SKIPPED: only root can call as somebody else, and a build needs hooks\n");
        return 0;
    }
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

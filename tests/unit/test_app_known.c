/* SPDX-License-Identifier: MIT */
/* links: fa_test_stores fa_host Threads::Threads */
#include "app/internal.h"
#include "store_fixture.h"

#define FILINGS 1500 /* three pages of history */

static struct fa_incident_id filing(uint32_t n)
{
    struct fa_rng rng = {{n + 1, 77}};
    for (int i = 0; i < 8; i++) {
        fa_rng_next(&rng);
    }
    return (struct fa_incident_id){fa_id_random(&rng)};
}

static struct fa_str key_of(const struct fa_incident_id *id)
{
    return (struct fa_str){(const char *)id->id.bytes, FA_ID_BYTES};
}

static void put_history(struct fixture *fixture)
{
    struct fa_txn *txn = fa_txn_begin(fixture->store);
    for (uint32_t n = 0; n < FILINGS; n++) {
        struct fa_incident_id id = filing(n);
        struct fa_row row = {
            .kind = FA_ROW_INCIDENT, .time = n, .key = key_of(&id), .value = FA_STR("x")};
        assert_int_equal(fa_txn_put(txn, &row), 0);
    }
    wait_durable(fixture, fa_txn_submit(txn));
}

static void read_history(struct fixture *fixture, struct fa_daemon *daemon)
{
    daemon->store = fixture->store;
    fa_known_open(daemon);
    struct fa_incident_id new = filing(FILINGS);
    assert_true(fa_known_may_have(daemon, new)); /* nobody has looked yet */
    while (!daemon->known.whole) {
        wait_wake(fixture);
        fa_store_poll(fixture->store);
    }
}

static void every_filing_in_history_is_known_and_hardly_any_other(void **state)
{
    struct fixture *fixture = *state;
    struct fa_daemon daemon = {0};
    unsigned mistaken = 0;
    start(fixture);
    put_history(fixture);
    read_history(fixture, &daemon);
    for (uint32_t n = 0; n < FILINGS; n++) {
        assert_true(fa_known_may_have(&daemon, filing(n)));
    }
    for (uint32_t n = FILINGS; n < 3 * FILINGS; n++) {
        mistaken += fa_known_may_have(&daemon, filing(n));
    }
    assert_true(mistaken < 30);
    fa_known_done(&daemon);
    assert_true(fa_known_may_have(&daemon, filing(FILINGS)));
}

static void what_goes_to_history_later_is_known_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct fa_daemon daemon = {0};
    struct fa_incident_id id = filing(1);
    start(fixture);
    read_history(fixture, &daemon);
    assert_false(fa_known_may_have(&daemon, id));
    fa_known_add(&daemon, key_of(&id));
    assert_true(fa_known_may_have(&daemon, id));
    fa_known_done(&daemon);
}

/* It is in the store, under its key, and neither in memory nor in history. */
static void an_open_filing_that_nobody_understands_may_be_any(void **state)
{
    struct fixture *fixture = *state;
    struct fa_setup setup = {0};
    struct fa_daemon daemon = {.engine = fa_engine_new(&setup)};
    struct fa_incident_id id = filing(1);
    struct fa_row row = {.kind = FA_ROW_INCIDENT,
                         .live = true,
                         .key = key_of(&id),
                         .value = FA_STR("of a later one")};
    struct fa_err err;
    start(fixture);
    daemon.store = fixture->store;
    assert_int_equal(fa_keep_take_row(&daemon, &row, &err), 0);
    fa_known_open(&daemon);
    assert_null(daemon.known.bits); /* history is not even read */
    assert_true(fa_known_may_have(&daemon, id));
    fa_known_done(&daemon);
    fa_engine_free(daemon.engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_filing_in_history_is_known_and_hardly_any_other,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_goes_to_history_later_is_known_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_open_filing_that_nobody_understands_may_be_any, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

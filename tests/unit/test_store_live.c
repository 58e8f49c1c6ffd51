/* SPDX-License-Identifier: MIT */
/* The set of live rows against a plain array. */
#include "fa_test.h"
#include "base/id.h"
#include "store/live.h"

enum { IDS = 300, STEPS = 30000 };

/* Ids crowd into few places, so that rows often have to make room for one another. */
static uint64_t id_of(unsigned i)
{
    return (uint64_t)i << 32 | (i % 13 == 0 ? 63 : i % 7);
}

/* A digest is of the first bytes of the MACs. */
static uint64_t start_of(const uint8_t mac[FIREALARM_STORE_MAC_BYTES])
{
    uint64_t start;
    memcpy(&start, mac, sizeof start);
    return start;
}

static void agrees_with_a_plain_array(void **state)
{
    static uint8_t macs[IDS][FIREALARM_STORE_MAC_BYTES];
    static bool there[IDS];
    struct live_set set = {.rows = NULL};
    struct fa_rng rng = {{3, 5}};
    for (int step = 0; step < STEPS; step++) {
        uint64_t digest = 0;
        unsigned i = (unsigned)(fa_rng_next(&rng) % IDS);
        there[i] = fa_rng_unit(&rng) < 0.5;
        if (there[i]) {
            for (size_t k = 0; k < sizeof macs[i]; k++) {
                macs[i][k] = (uint8_t)fa_rng_next(&rng);
            }
            live_set_put(&set, id_of(i), macs[i]);
        } else {
            live_set_erase(&set, id_of(i));
        }
        if (step % 100 != 0) {
            continue;
        }
        size_t count = 0;
        for (i = 0; i < IDS; i++) {
            count += there[i];
            digest ^= there[i] ? start_of(macs[i]) : 0;
        }
        assert_int_equal(set.count, count);
        assert_true(set.digest == digest);
    }
    live_set_done(&set);
    assert_int_equal(set.count, 0);
    (void)state;
}

static void the_same_changes_twice_give_the_same_digest(void **state)
{
    struct live_set set = {.rows = NULL};
    uint64_t digest = 0, a = id_of(1), b = id_of(2);
    uint8_t mac[2][FIREALARM_STORE_MAC_BYTES] = {{1}, {2}};
    for (int round = 0; round < 3; round++) {
        live_set_put(&set, a, mac[0]);
        live_set_put(&set, b, mac[0]);
        live_set_put(&set, a, mac[1]);
        live_set_erase(&set, b);
        if (round == 0) {
            digest = set.digest;
        }
        assert_true(set.digest == digest && digest == start_of(mac[1]));
        assert_int_equal(set.count, 1);
    }
    live_set_erase(&set, a);
    live_set_erase(&set, a);
    assert_int_equal(set.digest, 0);
    live_set_done(&set);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_plain_array),
        cmocka_unit_test(the_same_changes_twice_give_the_same_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

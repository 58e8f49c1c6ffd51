/* SPDX-License-Identifier: MIT */
/* The set of live rows against a plain array. */
#include "fa_test.h"
#include "base/id.h"
#include "store/live.h"

enum { IDS = 300, STEPS = 30000 };

/* Ids crowd into few places, so that rows often have to make room for one another. */
static void id_of(unsigned i, uint8_t id[LIVE_ID_BYTES])
{
    memset(id, 0, LIVE_ID_BYTES);
    id[0] = (uint8_t)(i % 13 == 0 ? 63 : i % 7);
    memcpy(id + 8, &i, sizeof i);
}

static void agrees_with_a_plain_array(void **state)
{
    static uint8_t macs[IDS][FIREALARM_STORE_MAC_BYTES];
    static bool there[IDS];
    struct live_set set = {.rows = NULL};
    struct fa_rng rng = {{3, 5}};
    for (int step = 0; step < STEPS; step++) {
        uint8_t id[LIVE_ID_BYTES], digest[FIREALARM_STORE_MAC_BYTES] = {0};
        unsigned i = (unsigned)(fa_rng_next(&rng) % IDS);
        id_of(i, id);
        there[i] = fa_rng_unit(&rng) < 0.5;
        if (there[i]) {
            for (size_t k = 0; k < sizeof macs[i]; k++) {
                macs[i][k] = (uint8_t)fa_rng_next(&rng);
            }
            live_set_put(&set, id, macs[i]);
        } else {
            live_set_erase(&set, id);
        }
        if (step % 100 != 0) {
            continue;
        }
        size_t count = 0;
        for (i = 0; i < IDS; i++) {
            count += there[i];
            for (size_t k = 0; k < sizeof digest && there[i]; k++) {
                digest[k] ^= macs[i][k];
            }
        }
        assert_int_equal(set.count, count);
        assert_memory_equal(set.digest, digest, sizeof digest);
    }
    live_set_done(&set);
    assert_int_equal(set.count, 0);
    (void)state;
}

static void the_same_changes_twice_give_the_same_digest(void **state)
{
    struct live_set set = {.rows = NULL};
    uint8_t digest[FIREALARM_STORE_MAC_BYTES], a[LIVE_ID_BYTES], b[LIVE_ID_BYTES];
    uint8_t mac[2][FIREALARM_STORE_MAC_BYTES] = {{1}, {2}};
    id_of(1, a);
    id_of(2, b);
    for (int round = 0; round < 3; round++) {
        live_set_put(&set, a, mac[0]);
        live_set_put(&set, b, mac[0]);
        live_set_put(&set, a, mac[1]);
        live_set_erase(&set, b);
        if (round == 0) {
            memcpy(digest, set.digest, sizeof digest);
        }
        assert_memory_equal(set.digest, digest, sizeof digest);
        assert_int_equal(set.count, 1);
    }
    live_set_erase(&set, a);
    live_set_erase(&set, a);
    assert_memory_equal(set.digest, ((uint8_t[32]){0}), 32);
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

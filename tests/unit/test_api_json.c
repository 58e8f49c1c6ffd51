/* SPDX-License-Identifier: MIT */
#include "api/json.h"
#include "fa_test.h"

#include <stdlib.h>

static void a_body_of_nothing_but_faults_costs_no_more_than_twenty(void **state)
{
    static const char *const names[] = {"key", "category", NULL};
    struct fa_faults faults = {0};
    json_t *root = json_object();
    for (unsigned i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "kez%u", i);
        json_object_set_new(root, name, json_integer(1));
    }
    fa_json_only(root, names, &faults);
    assert_int_equal(json_array_size(faults.list), 20);
    assert_true(fa_faults_full(&faults));
    fa_json_fault(&faults, "text", "one more");
    assert_int_equal(json_array_size(faults.list), 20);
    json_decref(faults.list);
    json_decref(root);
}

static void a_few_faults_are_all_named(void **state)
{
    static const char *const names[] = {"key", NULL};
    struct fa_faults faults = {0};
    json_t *root = json_pack("{s:i,s:i,s:i}", "kex", 1, "key", 2, "other", 3);
    fa_json_only(root, names, &faults);
    assert_int_equal(json_array_size(faults.list), 2);
    assert_false(fa_faults_full(&faults));
    json_decref(faults.list);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_of_nothing_but_faults_costs_no_more_than_twenty),
        cmocka_unit_test(a_few_faults_are_all_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

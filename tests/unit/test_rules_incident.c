/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "rules/incident.h"

#define NOW (100 * FA_DAY)

static char *categories[] = {"broken-promise", "late"};
static char *per[] = {"customer"};

static struct fa_rule rule_of(uint32_t count, uint32_t people, fa_time within, bool per_customer)
{
    return (struct fa_rule){.name = "r",
                            .is_incident = true,
                            .incident = {.categories = categories,
                                         .category_count = 2,
                                         .per = per,
                                         .per_count = per_customer,
                                         .count = count,
                                         .distinct_reporters = people,
                                         .within = within}};
}

static void a_fact_matches_by_category_and_per(void **state)
{
    struct fa_rule rule = rule_of(1, 1, 0, false), each = rule_of(1, 1, 0, true);
    struct fa_incident_fact fact = {.category = "late"};
    assert_true(fa_incident_rule_matches(&rule, &fact));
    assert_false(fa_incident_rule_matches(&each, &fact));
    fact.customer = "";
    assert_false(fa_incident_rule_matches(&each, &fact));
    fact.customer = "Acme";
    assert_true(fa_incident_rule_matches(&each, &fact));
    fact.category = "lying";
    assert_false(fa_incident_rule_matches(&rule, &fact));
    fact.category = "late";
    rule.is_incident = false;
    assert_false(fa_incident_rule_matches(&rule, &fact));
}

static void filings_and_people_are_counted(void **state)
{
    const struct fa_incident_fact ann = {"late", "Acme", "ann", NOW - FA_DAY},
                                  ann2 = {"broken-promise", "Acme", "ann", NOW - FA_HOUR},
                                  bob = {"late", "Acme", "bob", NOW - 13 * FA_DAY},
                                  nobody = {"late", "Acme", NULL, NOW - FA_DAY},
                                  other = {"late", "Bcme", "cid", NOW - FA_DAY},
                                  lying = {"lying", "Acme", "cid", NOW - FA_DAY},
                                  old = {"late", "Acme", "cid", NOW - 14 * FA_DAY},
                                  fresh = {"late", "Acme", "cid", NOW - 14 * FA_DAY + 1};
    const struct {
        const char *what;
        uint32_t count, people;
        bool per_customer;
        struct fa_incident_fact fact, earlier[3];
        size_t n;
        bool holds;
    } rows[] = {
        {"one filing", 1, 1, true, ann, {ann}, 0, true},
        {"one unproved filing", 1, 1, true, nobody, {ann}, 0, true},
        {"a second is needed", 2, 1, true, ann, {ann}, 0, false},
        {"the same person twice is two filings", 2, 1, true, ann, {ann2}, 1, true},
        {"but one person", 2, 2, true, ann, {ann2}, 1, false},
        {"two people", 1, 2, true, ann, {bob}, 1, true},
        {"an unproved one is a filing", 2, 1, true, ann, {nobody}, 1, true},
        {"but nobody", 2, 2, true, ann, {nobody, nobody}, 2, false},
        {"nor when filed last", 2, 2, true, nobody, {ann}, 1, false},
        {"two proved among three", 3, 2, true, nobody, {ann, bob}, 2, true},
        {"another customer is another matter", 2, 1, true, ann, {other}, 1, false},
        {"unless nothing is per customer", 2, 2, false, ann, {other}, 1, true},
        {"another category too", 2, 1, true, ann, {lying}, 1, false},
        {"out of time", 2, 1, true, ann, {old}, 1, false},
        {"just in time", 2, 2, true, ann, {fresh}, 1, true},
        {"a fact of no matching category never holds", 1, 1, true, lying, {ann, bob}, 2, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_rule rule =
            rule_of(rows[i].count, rows[i].people, 14 * FA_DAY, rows[i].per_customer);
        if (fa_incident_rule_holds(&rule, &rows[i].fact, rows[i].earlier, rows[i].n, NOW) !=
            rows[i].holds) {
            fail_msg("%s", rows[i].what);
        }
    }
    struct fa_rule forever = rule_of(2, 1, 0, true);
    assert_true(fa_incident_rule_holds(&forever, &ann, &old, 1, NOW));
}

static void labels_are_canonical(void **state)
{
    struct fa_rule rule = rule_of(1, 1, 0, false), each = rule_of(1, 1, 0, true);
    struct fa_incident_fact fact = {"late", "Acme \"&\" Sons\\", "ann", NOW};
    struct fa_buf buf;
    fa_buf_init(&buf, 1000);
    fa_incident_rule_labels(&rule, &fact, &buf);
    assert_string_equal(fa_buf_text(&buf), "");
    fa_incident_rule_labels(&each, &fact, &buf);
    assert_string_equal(fa_buf_text(&buf), "customer=\"Acme \\\"&\\\" Sons\\\\\"");
    fa_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fact_matches_by_category_and_per),
        cmocka_unit_test(filings_and_people_are_counted),
        cmocka_unit_test(labels_are_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

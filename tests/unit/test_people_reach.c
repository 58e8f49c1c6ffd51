/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
/* Whom a target means at a moment: a table of a small firm, and random firms in which nobody may be
 * lost to leave. */
#include "fa_test.h"
#include "world.h"

#define DAYS(n) ((n)*FA_DAY)

static void away(struct world *w, const char *name, fa_time from, fa_time until)
{
    fa_spans_add(&world_find(w, name)->leave, (struct fa_span){from, until});
}

static void deputy(struct world *w, const char *name, const char *deputy)
{
    struct fa_person_entry *entry = world_find(w, name);
    world_text(&entry->deputies, &entry->deputy_count, deputy);
}

static void role(struct world *w, const char *name, const char *role)
{
    struct fa_person_entry *entry = world_find(w, name);
    world_text(&entry->roles, &entry->role_count, role);
}

static struct fa_account_entry *account(struct world *w, const char *name, const char *conduit)
{
    struct fa_directory *dir = w->dir;
    dir->accounts = fa_xrealloc(dir->accounts, (dir->account_count + 1) * sizeof *dir->accounts);
    struct fa_account_entry *entry = &dir->accounts[dir->account_count++];
    *entry = (struct fa_account_entry){
        .name = fa_xstrdup(name), .model = fa_xstrdup("complex"), .conduit = fa_xstrdup(conduit)};
    return entry;
}

static void model(struct world *w, const char *conduit)
{
    w->dir->models = fa_xcalloc(1, sizeof *w->dir->models);
    w->dir->models[w->dir->model_count++] =
        (struct fa_model_entry){.name = fa_xstrdup("complex"), .conduit = fa_xstrdup(conduit)};
}

static struct fa_schedule_entry *schedule(struct world *w, const char *name, size_t turns)
{
    w->dir->schedules = fa_xcalloc(1, sizeof *w->dir->schedules);
    struct fa_schedule_entry *entry = &w->dir->schedules[w->dir->schedule_count++];
    *entry = (struct fa_schedule_entry){.name = fa_xstrdup(name),
                                        .turns = fa_xcalloc(turns, sizeof *entry->turns)};
    return entry;
}

static const char *reach(const struct world *w, const char *target, const struct fa_ask *ask,
                         char buf[256])
{
    struct fa_pset set;
    fa_pset_init(&set, w->dir);
    int rc = fa_directory_reach(w->dir, fa_str_of(target), ask, &set);
    snprintf(buf, 256, "%s", rc == 0 ? "" : rc == FA_ENOTFOUND ? "?" : "!");
    for (fa_person p = fa_pset_next(&set, 0); p != FA_NOBODY; p = fa_pset_next(&set, p + 1)) {
        snprintf(buf + strlen(buf), 256 - strlen(buf), "%s%s", buf[0] ? " " : "",
                 w->dir->people[p].name);
    }
    fa_pset_done(&set);
    return buf;
}

/* ann, bob and cat sell; dan stands in for ann, eve for dan; fay and gus watch in turns. */
static void begin_firm(struct world *w)
{
    struct fa_err err;
    static const char *const names[] = {"ann", "bob", "cat", "dan", "eve", "fay", "gus"};
    world_init(w);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        world_person(w, names[i], i > 0 && i < 3 ? "ann" : NULL);
    }
    deputy(w, "ann", "dan"), deputy(w, "dan", "eve"), deputy(w, "eve", "ann");
    role(w, "bob", "seller"), role(w, "cat", "seller");
    world_find(w, "ann")->independent = world_find(w, "eve")->independent = true;
    away(w, "ann", DAYS(10), DAYS(20));
    away(w, "dan", DAYS(12), DAYS(20));
    away(w, "eve", DAYS(14), DAYS(20));
    away(w, "bob", DAYS(16), DAYS(20));
    away(w, "cat", DAYS(18), DAYS(20));
    model(w, "seller");
    struct fa_account_entry *hers = account(w, "hers", "ann");
    world_text(&hers->touches, &hers->touch_count, "team:desk");
    world_text(&hers->touches, &hers->touch_count, "schedule:night");
    world_text(&hers->touches, &hers->touch_count, "account.touches"); /* no proof lets it in */
    account(w, "left", "zoe");
    account(w, "none", NULL);
    account(w, "his", "cat");
    struct fa_account_entry *solo = account(w, "solo", "eve");
    free(solo->model);
    solo->model = NULL;
    struct fa_team_entry *team = world_team(w, "desk");
    world_text(&team->members, &team->member_count, "gus");
    struct fa_schedule_entry *night = schedule(w, "night", 3);
    world_text(&night->members, &night->member_count, "fay");
    world_text(&night->members, &night->member_count, "ann");
    night->turn_count = 3;
    night->turns[0] = (struct fa_turn){{DAYS(1), DAYS(5)}, 0};
    night->turns[1] = (struct fa_turn){{DAYS(4), DAYS(6)}, 1};
    night->turns[2] = (struct fa_turn){{DAYS(10), DAYS(11)}, 1};
    assert_int_equal(fa_directory_seal(w->dir, &err), 0);
}

/* clang-format off: a row is a line */
static void a_target_means_people_at_a_moment(void **state)
{
    static const struct fa_ask_label labels[] = {
        {{"owner", 5}, {"bob", 3}}, {{"team", 4}, {"desk", 4}}, {{"gone", 4}, {"zoe", 3}}};
    static const struct {
        const char *target, *customer, *reporter;
        int64_t day;
        const char *who;
    } rows[] = {
        {"ann", NULL, NULL, 9, "ann"},
        {"ann", NULL, NULL, 10, "dan"},
        {"ann", NULL, NULL, 12, "eve"},
        {"ann", NULL, NULL, 14, "ann"}, /* all away: who is meant stays */
        {"independent", NULL, NULL, 9, "ann eve"},
        {"independent", NULL, NULL, 10, "eve"}, /* dan, ann's deputy, is not independent */
        {"independent", NULL, NULL, 14, "ann eve"},
        {"ann", NULL, NULL, 20, "ann"},
        {"gus", NULL, NULL, 14, "gus"},
        {"bob", NULL, NULL, 17, "bob"}, /* nobody stands in for him */
        {"zoe", NULL, NULL, 1, "?"},
        {"role:seller", NULL, NULL, 1, "bob cat"},
        {"role:buyer", NULL, NULL, 1, "?"},
        {"team:desk", NULL, NULL, 1, "gus"},
        {"team:roof", NULL, NULL, 1, "?"},
        {"schedule:night", NULL, NULL, 0, ""},
        {"schedule:night", NULL, NULL, 1, "fay"},
        {"schedule:night", NULL, NULL, 4, "ann fay"},
        {"schedule:night", NULL, NULL, 5, "ann"},
        {"schedule:night", NULL, NULL, 6, ""},
        {"schedule:night", NULL, NULL, 10, "dan"}, /* on duty and away */
        {"schedule:day", NULL, NULL, 1, "?"},
        {"account.conduit", "hers", NULL, 1, "ann"},
        {"account.conduit", "hers", NULL, 11, "dan"},
        {"account.conduit", "hers", NULL, 13, "eve"},
        {"account.conduit", "hers", NULL, 15, "bob cat"}, /* no deputy left: the role */
        {"account.conduit", "hers", NULL, 17, "cat"},
        {"account.conduit", "hers", NULL, 19, "bob cat"}, /* all of the role away: they stay */
        {"account.conduit", "left", NULL, 1, "bob cat"},
        {"account.conduit", "none", NULL, 17, "cat"},
        {"account.conduit", "his", NULL, 1, "cat"},
        {"account.conduit", "solo", NULL, 11, "eve"},
        {"account.conduit", "solo", NULL, 15, "eve"}, /* away, with nobody behind */
        {"account.conduit", "who?", NULL, 1, ""},
        {"account.conduit", NULL, NULL, 1, ""},
        {"account.touches", "hers", NULL, 1, "ann fay gus"},
        {"account.touches", "hers", NULL, 15, "bob cat gus"},
        {"account.touches", "left", NULL, 1, "bob cat"},
        {"account.touches", NULL, NULL, 1, ""},
        {"account.price", "hers", NULL, 1, "?"},
        {"label.owner", NULL, NULL, 1, "bob"},
        {"label.owner.manager", NULL, NULL, 1, "ann"},
        {"label.owner.manager", NULL, NULL, 11, "dan"},
        {"label.gone", NULL, NULL, 1, ""},
        {"label.gone.manager", NULL, NULL, 1, ""},
        {"label.team", NULL, NULL, 1, ""},
        {"label.missing", NULL, NULL, 1, ""},
        {"reporter.manager", NULL, "cat", 1, "ann"},
        {"reporter.manager", NULL, "cat", 11, "dan"},
        {"reporter.manager", NULL, "ann", 1, ""},
        {"reporter.manager", NULL, "zoe", 1, ""},
        {"reporter.manager", NULL, NULL, 1, ""},
    };
    struct world w;
    begin_firm(&w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char who[256];
        const struct fa_ask ask = {.at = DAYS(rows[i].day),
                                   .customer = rows[i].customer,
                                   .reporter = rows[i].reporter,
                                   .labels = labels,
                                   .label_count = 3};
        if (strcmp(reach(&w, rows[i].target, &ask, who), rows[i].who) != 0) {
            fail_msg("row %zu: %s on day %d: \"%s\" instead of \"%s\"", i, rows[i].target,
                     (int)rows[i].day, who, rows[i].who);
        }
    }
    world_done(&w);
}

/* A subject does not change with the day. */
static void the_conduit_of_a_customer_is_a_subject(void **state)
{
    static const struct {
        const char *target;
        int rc;
        const char *who;
    } rows[] = {
        {"conduit:hers", 0, "ann"},        {"conduit:left", 0, "bob cat"},
        {"conduit:none", 0, "bob cat"},    {"conduit:his", 0, "cat"},
        {"conduit:x", FA_ENOTFOUND, ""},   {"conduit:", FA_ENOTFOUND, ""},
        {"conduit:her", FA_ENOTFOUND, ""},
    };
    struct world w;
    begin_firm(&w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_pset set;
        char who[256] = "";
        fa_pset_init(&set, w.dir);
        assert_int_equal(fa_directory_resolve(w.dir, fa_str_of(rows[i].target), &set), rows[i].rc);
        for (fa_person p = fa_pset_next(&set, 0); p != FA_NOBODY; p = fa_pset_next(&set, p + 1)) {
            snprintf(who + strlen(who), sizeof who - strlen(who), "%s%s", who[0] ? " " : "",
                     w.dir->people[p].name);
        }
        assert_string_equal(who, rows[i].who);
        fa_pset_done(&set);
    }
    world_done(&w);
}
/* clang-format on */

#define CROWD 24

/* People in random lines, deputies and leaves; some sell; each account has a conduit or had one. */
static void begin_crowd(struct world *w, struct fa_rng *rng)
{
    struct fa_err err;
    char name[16];
    world_init(w);
    for (int i = 0; i < CROWD; i++) {
        snprintf(name, sizeof name, "p%d", i);
        world_person(w, name, NULL);
    }
    role(w, "p0", "seller");
    for (int i = 0; i < CROWD; i++) {
        char other[16];
        snprintf(name, sizeof name, "p%d", i);
        for (uint64_t n = fa_rng_next(rng) % 3; n > 0; n--) {
            snprintf(other, sizeof other, "p%d", (int)(fa_rng_next(rng) % CROWD));
            deputy(w, name, other);
        }
        if (i > 0 && fa_rng_next(rng) % 4 == 0) {
            role(w, name, "seller");
        }
        for (int n = 0; n < 3; n++) {
            fa_time from = (fa_time)(fa_rng_next(rng) % 40);
            away(w, name, from, from + (fa_time)(fa_rng_next(rng) % 25));
        }
        snprintf(other, sizeof other, "%s%d", fa_rng_next(rng) % 5 == 0 ? "gone" : "p", i);
        account(w, name, other);
    }
    model(w, "seller");
    assert_int_equal(fa_directory_seal(w->dir, &err), 0);
}

static bool is_away(const struct world *w, fa_person person, fa_time at)
{
    return fa_spans_has(&w->dir->people[person].leave, at);
}

/* Who is reached by way of deputies from here, away or not. */
static void line_of(const struct world *w, fa_person person, struct fa_pset *set)
{
    const struct fa_person_entry *entry = &w->dir->people[person];
    if (fa_pset_has(set, person)) {
        return;
    }
    fa_pset_add(set, person);
    for (size_t i = 0; i < entry->deputy_count; i++) {
        line_of(w, fa_directory_find(w->dir, fa_str_of(entry->deputies[i])), set);
    }
}

static bool any_there(const struct world *w, const struct fa_pset *set, fa_time at)
{
    for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
        if (!is_away(w, p, at)) {
            return true;
        }
    }
    return false;
}

static void check_one(const struct world *w, fa_person person, fa_time at)
{
    const struct fa_ask ask = {.at = at};
    struct fa_pset line, set;
    fa_pset_init(&line, w->dir);
    fa_pset_init(&set, w->dir);
    line_of(w, person, &line);
    assert_int_equal(fa_directory_reach(w->dir, fa_str_of(w->dir->people[person].name), &ask, &set),
                     0);
    fa_person found = fa_pset_next(&set, 0);
    assert_true(found != FA_NOBODY && fa_pset_next(&set, found + 1) == FA_NOBODY);
    assert_true(fa_pset_has(&line, found));
    assert_int_equal(!is_away(w, found, at), any_there(w, &line, at));
    assert_true(is_away(w, person, at) || found == person);
    fa_pset_done(&line);
    fa_pset_done(&set);
}

/* Somebody always; somebody who is there whenever the conduit's line or the role has one. */
static void check_conduit(const struct world *w, const struct fa_account_entry *entry, fa_time at)
{
    const struct fa_ask ask = {.at = at, .customer = entry->name};
    struct fa_pset able, set;
    fa_pset_init(&able, w->dir);
    fa_pset_init(&set, w->dir);
    fa_person own = fa_directory_find(w->dir, fa_str_of(entry->conduit));
    if (own != FA_NOBODY) {
        line_of(w, own, &able);
    }
    assert_int_equal(fa_directory_resolve(w->dir, FA_STR("role:seller"), &able), 0);
    assert_int_equal(fa_directory_reach(w->dir, FA_STR("account.conduit"), &ask, &set), 0);
    assert_false(fa_pset_is_empty(&set));
    assert_true(!any_there(w, &able, at) || any_there(w, &set, at));
    fa_pset_done(&able);
    fa_pset_done(&set);
}

static void leave_makes_nothing_empty_in_any_firm(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct fa_rng rng = {{seed, 5}};
        struct world w;
        begin_crowd(&w, &rng);
        for (fa_time at = 0; at < 70; at++) {
            for (fa_person p = 0; p < w.dir->people_count; p++) {
                check_one(&w, p, at);
            }
            for (size_t i = 0; i < w.dir->account_count; i++) {
                check_conduit(&w, &w.dir->accounts[i], at);
            }
        }
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_means_people_at_a_moment),
        cmocka_unit_test(the_conduit_of_a_customer_is_a_subject),
        cmocka_unit_test(leave_makes_nothing_empty_in_any_firm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

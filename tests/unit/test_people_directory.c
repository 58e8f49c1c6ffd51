/* links: fa_test_world */
/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "world.h"

static struct fa_person_entry *person(struct world *w, const char *name, const char *manager)
{
    return world_person(w, name, manager);
}

static int seal(struct world *w, struct fa_err *err)
{
    *err = (struct fa_err){0};
    return fa_directory_seal(w->dir, err);
}

static void uid(struct fa_person_entry *entry, uint32_t number)
{
    entry->uids = fa_xrealloc(entry->uids, (entry->uid_count + 1) * sizeof(uint32_t));
    entry->uids[entry->uid_count++] = number;
}

static void token(struct fa_person_entry *entry, uint8_t byte)
{
    entry->tokens = fa_xcalloc(1, FA_TOKEN_HASH_BYTES);
    entry->token_count = 1;
    entry->tokens[0][31] = byte;
}

static void twice(struct world *w)
{
    person(w, "ann", NULL), person(w, "ann", NULL);
}
static void alias(struct fa_person_entry *entry, const char *name)
{
    world_text(&entry->aliases, &entry->alias_count, name);
}

static void alias_is_a_name(struct world *w)
{
    alias(person(w, "ann", NULL), "bob"), person(w, "bob", NULL);
}
static void alias_twice(struct world *w)
{
    alias(person(w, "ann", NULL), "red"), alias(person(w, "bob", NULL), "red");
}
static void alias_reserved(struct world *w)
{
    alias(person(w, "ann", NULL), "team:red");
}
static void named_independent(struct world *w)
{
    person(w, "independent", NULL);
}
static void named_like_a_role(struct world *w)
{
    person(w, "role:coo", NULL);
}
static void named_like_a_label(struct world *w)
{
    person(w, "label.x", NULL);
}
static void no_such_manager(struct world *w)
{
    person(w, "ann", "zoe");
}
static void circle(struct world *w)
{
    person(w, "ann", "bob"), person(w, "bob", "ann");
}
static void own_manager(struct world *w)
{
    person(w, "ann", "ann");
}
static void same_uid(struct world *w)
{
    uid(person(w, "ann", NULL), 1000);
    uid(person(w, "bob", NULL), 1000);
}
static void same_token(struct world *w)
{
    token(person(w, "ann", NULL), 1);
    token(person(w, "bob", NULL), 1);
}
static void no_such_channel(struct world *w)
{
    person(w, "ann", NULL);
    world_contact(w, "ann", "pigeon");
}
static void no_such_delegate(struct world *w)
{
    struct fa_person_entry *ann = person(w, "ann", NULL);
    world_text(&ann->delegates, &ann->delegate_count, "zoe");
}
static void no_such_member(struct world *w)
{
    struct fa_team_entry *team = world_team(w, "support");
    world_text(&team->members, &team->member_count, "zoe");
}
static void team_twice(struct world *w)
{
    world_team(w, "support"), world_team(w, "support");
}
static void channel_twice(struct world *w)
{
    world_channel(w, "mail", true);
}
static void no_such_reader(struct world *w)
{
    struct fa_channel_entry *room = world_channel(w, "room", true);
    world_text(&room->readers, &room->reader_count, "team:zoo");
}

static void a_directory_that_is_not_sound_is_refused_with_both_names(void **state)
{
    static const struct {
        void (*fill)(struct world *w);
        int rc;
        const char *words[2];
    } rows[] = {
        {twice, FA_EEXISTS, {"ann", "twice"}},
        {alias_is_a_name, FA_EEXISTS, {"alias 'bob' of 'ann'", "'bob' already"}},
        {alias_twice, FA_EEXISTS, {"alias 'red' of 'bob'", "'ann' already"}},
        {alias_reserved, FA_EINVAL, {"team:red", "':'"}},
        {named_independent, FA_EINVAL, {"independent", "name"}},
        {named_like_a_role, FA_EINVAL, {"role:coo", "':'"}},
        {named_like_a_label, FA_EINVAL, {"label.x", "label."}},
        {no_such_manager, FA_ENOTFOUND, {"ann", "zoe"}},
        {circle, FA_EINVAL, {"circle", "ann"}},
        {own_manager, FA_EINVAL, {"circle", "ann"}},
        {same_uid, FA_EEXISTS, {"1000", "bob"}},
        {same_token, FA_EEXISTS, {"token", "ann"}},
        {no_such_channel, FA_ENOTFOUND, {"ann", "pigeon"}},
        {no_such_delegate, FA_ENOTFOUND, {"delegate", "zoe"}},
        {no_such_member, FA_ENOTFOUND, {"support", "zoe"}},
        {team_twice, FA_EEXISTS, {"team", "support"}},
        {channel_twice, FA_EEXISTS, {"channel", "mail"}},
        {no_such_reader, FA_ENOTFOUND, {"room", "team:zoo"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct fa_err err;
        world_init(&w);
        rows[i].fill(&w);
        if (seal(&w, &err) != rows[i].rc) {
            fail_msg("row %zu: %d %s", i, err.code, err.text);
        }
        assert_contains(err.text, rows[i].words[0]);
        assert_contains(err.text, rows[i].words[1]);
        world_done(&w);
    }
}

static void people_are_found_by_name_uid_and_token(void **state)
{
    struct world w;
    struct fa_err err;
    world_init(&w);
    uid(person(&w, "ann", NULL), 1000);
    token(person(&w, "bob", "ann"), 7);
    assert_int_equal(seal(&w, &err), 0);
    uint8_t hash[FA_TOKEN_HASH_BYTES] = {0};
    fa_person ann = fa_directory_find(w.dir, FA_STR("ann"));
    assert_int_equal(fa_directory_find_uid(w.dir, 1000), ann);
    assert_int_equal(fa_directory_find_uid(w.dir, 1001), FA_NOBODY);
    assert_int_equal(fa_directory_find_token(w.dir, hash), FA_NOBODY);
    hash[31] = 7;
    assert_int_equal(fa_directory_find_token(w.dir, hash), fa_directory_find(w.dir, FA_STR("bob")));
    assert_int_equal(fa_directory_find(w.dir, FA_STR("an")), FA_NOBODY);
    assert_int_equal(fa_directory_find(w.dir, FA_STR("")), FA_NOBODY);
    assert_int_equal(fa_directory_manager(w.dir, fa_directory_find(w.dir, FA_STR("bob"))), ann);
    assert_int_equal(fa_directory_manager(w.dir, FA_NOBODY), FA_NOBODY);
    world_done(&w);
}

static void people_are_known_by_whatever_they_are_called_unless_two_are(void **state)
{
    static const struct {
        const char *typed, *who;
    } rows[] = {
        {"ann", "ann"},   {"ANN", "ann"}, {"Red", "ann"}, {"red", "ann"},      {"ann berg", "ann"},
        {"bob", "bob"},   {"Max", "max"}, {"max", "max"}, {"Ann Bergh", NULL}, {"", NULL},
        {"team:x", NULL}, {"Lee", NULL},  {"Bob", NULL},  {"BOB", NULL},
    };
    struct world w;
    struct fa_err err;
    world_init(&w);
    alias(person(&w, "ann", NULL), "Red");
    person(&w, "bob", NULL), person(&w, "carl", NULL), person(&w, "max", NULL);
    for (size_t i = 0; i < 4; i++) {
        static const char *const who[] = {"ann", "bob", "carl", "max"};
        /* a name to the letter goes before what another is shown as */
        static const char *const shown[] = {"Ann Berg", "Lee", "Lee", "Bob"};
        struct fa_person_entry *entry = world_find(&w, who[i]);
        free(entry->display);
        entry->display = fa_xstrdup(shown[i]);
    }
    assert_int_equal(seal(&w, &err), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fa_person found = fa_directory_called(w.dir, rows[i].typed);
        const char *who = found != FA_NOBODY ? w.dir->people[found].name : "";
        assert_string_equal(who, rows[i].who != NULL ? rows[i].who : "");
    }
    assert_int_equal(fa_directory_find(w.dir, FA_STR("Red")),
                     fa_directory_find(w.dir, FA_STR("ann")));
    assert_int_equal(fa_directory_find(w.dir, FA_STR("red")), FA_NOBODY);
    world_done(&w);
}

static void write_set(const struct fa_directory *dir, const struct fa_pset *set, char buf[256])
{
    buf[0] = '\0';
    for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
        snprintf(buf + strlen(buf), 256 - strlen(buf), "%s%s", buf[0] ? " " : "",
                 dir->people[p].name);
    }
}

static void a_target_means_a_person_a_role_a_team_or_the_independent_contacts(void **state)
{
    static const struct {
        const char *target;
        int rc;
        const char *who;
    } rows[] = {
        {"lead", 0, "lead"},           {"role:top", 0, "ceo"},      {"role:", FA_ENOTFOUND, ""},
        {"role:to", FA_ENOTFOUND, ""}, {"independent", 0, "i1 i2"}, {"zoe", FA_ENOTFOUND, ""},
        {"team:x", FA_ENOTFOUND, ""},  {"", FA_ENOTFOUND, ""},
    };
    struct world w;
    world_begin_firm(&w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_pset set;
        char who[256];
        fa_pset_init(&set, w.dir);
        assert_int_equal(fa_directory_resolve(w.dir, fa_str_of(rows[i].target), &set), rows[i].rc);
        write_set(w.dir, &set, who);
        assert_string_equal(who, rows[i].who);
        fa_pset_done(&set);
    }
    world_done(&w);
}

/* board(independent) <- ceo <- boss <- lead <- rep; pa assists boss, eye reads cfo's mail. */
static void the_circle_holds_household_reports_managers_and_read_mailboxes(void **state)
{
    static const struct {
        const char *subject, *conflicted, *struck;
    } rows[] = {
        {"rep", "ceo boss lead rep", "rep"},
        {"boss", "ceo boss lead rep pa", "boss pa"},
        {"pa", "pa", "pa"},
        {"eye", "eye cfo", "eye cfo"},
        {"cfo", "eye cfo", "eye cfo"},
        {"board", "board ceo boss lead rep", "board"},
        {"team:sales", "ceo boss lead rep pa", ""},
        {"zoe", "", ""},
        {"shadow", "shadow ego late", "shadow ego late"},
        {"The Shadow", "shadow ego late", "shadow ego late"},
        {"ego", "shadow ego late", "shadow ego late"},
        {"other", "other", "other"}, /* the same address, and another kind of channel */
        {"late", "shadow ego late", "shadow ego late"},
    };
    struct world w;
    struct fa_err err;
    world_init(&w);
    person(&w, "board", NULL)->independent = true;
    person(&w, "ceo", "board");
    struct fa_person_entry *boss = person(&w, "boss", "ceo");
    world_text(&boss->assistants, &boss->assistant_count, "pa");
    person(&w, "lead", "boss");
    person(&w, "rep", "lead");
    person(&w, "pa", NULL);
    person(&w, "eye", NULL);
    struct fa_person_entry *cfo = person(&w, "cfo", NULL);
    world_text(&cfo->delegates, &cfo->delegate_count, "eye");
    static const char *const same[] = {"shadow", "ego", "other", "late"};
    static const char *const over[] = {"post", "post", "bell", "relay"};
    world_channel(&w, "post", false), world_channel(&w, "relay", false);
    struct fa_channel_entry *bell = world_channel(&w, "bell", false);
    free(bell->plugin);
    bell->plugin = fa_xstrdup("jsonl");
    for (size_t i = 0; i < 4; i++) {
        person(&w, same[i], NULL);
        world_contact(&w, same[i], over[i]);
        struct fa_contact *contact = &world_find(&w, same[i])->contacts[0];
        free(contact->address);
        contact->address = fa_xstrdup(i == 0 ? "s@example.com" : "S@Example.com");
    }
    alias(world_find(&w, "shadow"), "The Shadow");
    struct fa_team_entry *team = world_team(&w, "sales");
    world_text(&team->members, &team->member_count, "rep");
    world_text(&team->members, &team->member_count, "boss");
    assert_int_equal(seal(&w, &err), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_pset conflicted, struck;
        char who[256];
        fa_pset_init(&conflicted, w.dir);
        fa_pset_init(&struck, w.dir);
        fa_people_conflicted(w.dir, fa_str_of(rows[i].subject), &conflicted);
        fa_people_struck(w.dir, fa_str_of(rows[i].subject), &struck);
        write_set(w.dir, &conflicted, who);
        assert_string_equal(who, rows[i].conflicted);
        write_set(w.dir, &struck, who);
        assert_string_equal(who, rows[i].struck);
        fa_pset_done(&conflicted);
        fa_pset_done(&struck);
    }
    world_done(&w);
}

static void sets_are_walked_in_order_across_words(void **state)
{
    struct world w;
    world_init(&w);
    for (int i = 0; i < 199; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        person(&w, name, NULL);
    }
    static const fa_person members[] = {0, 1, 63, 64, 127, 128, 199};
    struct fa_pset set, other;
    fa_pset_init(&set, w.dir);
    fa_pset_init(&other, w.dir);
    assert_true(fa_pset_is_empty(&set));
    for (size_t i = 0; i < 7; i++) {
        fa_pset_add(&set, members[i]);
    }
    fa_pset_add(&set, FA_NOBODY);
    fa_person at = 0;
    for (size_t i = 0; i < 7; i++, at++) {
        at = fa_pset_next(&set, at);
        assert_int_equal(at, members[i]);
    }
    assert_int_equal(fa_pset_next(&set, at), FA_NOBODY);
    fa_pset_add(&other, 64);
    assert_true(fa_pset_intersects(&set, &other));
    fa_pset_remove_all(&set, &other);
    assert_false(fa_pset_intersects(&set, &other));
    assert_false(fa_pset_has(&set, 64));
    assert_false(fa_pset_has(&set, 5000));
    fa_pset_add_all(&set, &other);
    assert_true(fa_pset_has(&set, 64));
    fa_pset_done(&set);
    fa_pset_done(&other);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_that_is_not_sound_is_refused_with_both_names),
        cmocka_unit_test(people_are_found_by_name_uid_and_token),
        cmocka_unit_test(people_are_known_by_whatever_they_are_called_unless_two_are),
        cmocka_unit_test(a_target_means_a_person_a_role_a_team_or_the_independent_contacts),
        cmocka_unit_test(the_circle_holds_household_reports_managers_and_read_mailboxes),
        cmocka_unit_test(sets_are_walked_in_order_across_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

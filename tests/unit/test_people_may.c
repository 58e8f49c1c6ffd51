/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "people/may.h"
#include "base/id.h"
#include "base/panic.h"

static void add_text(char ***texts, size_t *count, const char *text)
{
    *texts = fa_xrealloc(*texts, (*count + 1) * sizeof(char *));
    (*texts)[(*count)++] = fa_xstrdup(text);
}

static void person_name(char buf[16], size_t i)
{
    snprintf(buf, 16, "p%zu", i);
}

static struct fa_directory *make(size_t people)
{
    struct fa_directory *dir = fa_directory_new();
    dir->people = fa_xcalloc(people, sizeof *dir->people);
    for (size_t i = 0; i < people; i++) {
        char name[16];
        person_name(name, i);
        dir->people[i].name = fa_xstrdup(name);
    }
    dir->people_count = people;
    return dir;
}

static void seal(struct fa_directory *dir)
{
    struct fa_err err = {0};
    if (fa_directory_seal(dir, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/* p0 subject, p1 struck, p2 target, p3 reporter, p4 operator, p5 colleague. */
static struct fa_directory *six(void)
{
    struct fa_directory *dir = make(6);
    dir->people[4].operator_ = true;
    seal(dir);
    return dir;
}

static struct fa_pset only(const struct fa_directory *dir, fa_person person)
{
    struct fa_pset set;
    fa_pset_init(&set, dir);
    fa_pset_add(&set, person);
    return set;
}

static void every_cell_says_what_it_must_for_filings_and_for_series(void **state)
{
    /* One letter for each relation: y yes, n no, s only when people did not file it. */
    static const struct {
        enum fa_verb verb;
        const char *cells; /* subject struck target reporter operator colleague stranger */
    } rows[] = {
        {FA_VERB_TELL, "nnynnnn"},    {FA_VERB_LIST, "nnynsnn"},    {FA_VERB_SHOW, "nnynsnn"},
        {FA_VERB_ACK, "nnynnnn"},     {FA_VERB_RESOLVE, "nnynnnn"}, {FA_VERB_COMMENT, "nnynnnn"},
        {FA_VERB_SILENCE, "nnsnsnn"}, {FA_VERB_QUEUE, "nnnnynn"},   {FA_VERB_DRILL, "nnnnynn"},
    };
    static const fa_person viewers[] = {0, 1, 2, 3, 4, 5, FA_NOBODY};
    struct fa_directory *dir = six();
    struct fa_pset conflicted = only(dir, 0), struck = only(dir, 1), targets = only(dir, 2);
    assert_int_equal(sizeof rows / sizeof rows[0], FA_VERB__COUNT);
    for (size_t r = 0; r < FA_VERB__COUNT; r++) {
        for (size_t c = 0; c < FA_REL__COUNT; c++) {
            for (int filing = 0; filing < 2; filing++) {
                struct fa_object object = {&conflicted, &struck, &targets, 3, filing != 0};
                char cell = rows[r].cells[c];
                struct fa_viewer viewer = {viewers[c]};
                assert_int_equal(fa_relation_of(dir, viewer, &object), c);
                if (fa_may(dir, viewer, rows[r].verb, &object) !=
                    (cell == 'y' || (cell == 's' && !filing))) {
                    fail_msg("verb %zu, relation %zu, filing %d", r, c, filing);
                }
            }
        }
    }
    fa_pset_done(&conflicted);
    fa_pset_done(&struck);
    fa_pset_done(&targets);
    fa_directory_free(dir);
}

static void being_a_subject_outweighs_every_other_relation(void **state)
{
    struct fa_directory *dir = six();
    struct fa_pset all;
    fa_pset_init(&all, dir);
    for (fa_person p = 0; p < 6; p++) {
        fa_pset_add(&all, p);
    }
    for (int which = 0; which < 2; which++) {
        struct fa_object object = {which ? &all : NULL, which ? NULL : &all, &all, 3, false};
        for (fa_person p = 0; p < 6; p++) {
            for (int verb = 0; verb < FA_VERB__COUNT; verb++) {
                assert_false(fa_may(dir, (struct fa_viewer){p}, (enum fa_verb)verb, &object));
            }
        }
    }
    fa_pset_done(&all);
    fa_directory_free(dir);
}

static void somebody_out_of_the_directory_is_a_stranger(void **state)
{
    struct fa_directory *dir = six();
    struct fa_object object = {.reporter = FA_NOBODY};
    assert_int_equal(fa_relation_of(dir, (struct fa_viewer){6}, &object), FA_REL_STRANGER);
    assert_int_equal(fa_relation_of(dir, (struct fa_viewer){FA_NOBODY}, &object), FA_REL_STRANGER);
    fa_directory_free(dir);
}

static void a_shared_channel_carries_only_what_each_reader_may_be_told(void **state)
{
    struct fa_directory *dir = make(6);
    dir->teams = fa_xcalloc(1, sizeof *dir->teams);
    dir->team_count = 1;
    dir->teams[0].name = fa_xstrdup("room");
    add_text(&dir->teams[0].members, &dir->teams[0].member_count, "p4");
    add_text(&dir->teams[0].members, &dir->teams[0].member_count, "p5");
    seal(dir);
    struct fa_pset four = only(dir, 4), none;
    fa_pset_init(&none, dir);
    static const struct {
        bool shared;
        const char *readers[2];
        bool is_filing, conflicted, struck, may;
    } rows[] = {
        {false, {NULL}, true, true, true, true}, /* asked of its addressee alone */
        {true, {NULL}, false, false, false, true},
        {true, {NULL}, true, false, false, false}, /* nobody knows who reads it */
        {true, {"p1", "p2"}, true, false, false, true},
        {true, {"p1", "p2"}, true, true, false, true},
        {true, {"p1", "p4"}, true, true, false, false},
        {true, {"p1", "p4"}, true, false, true, false},
        {true, {"p1", "team:room"}, true, true, false, false},
        {true, {"team:room"}, true, false, false, true},
        {true, {"p1", "nobody"}, false, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_channel_entry channel = {.name = "c", .shared = rows[i].shared};
        channel.readers = (char **)(uintptr_t)rows[i].readers;
        channel.reader_count = rows[i].readers[0] == NULL   ? 0u
                               : rows[i].readers[1] == NULL ? 1u
                                                            : 2u;
        struct fa_object object = {rows[i].conflicted ? &four : &none,
                                   rows[i].struck ? &four : NULL, NULL, FA_NOBODY,
                                   rows[i].is_filing};
        if (fa_may_channel(dir, &channel, &object) != rows[i].may) {
            fail_msg("row %zu", i);
        }
    }
    fa_pset_done(&four);
    fa_pset_done(&none);
    fa_directory_free(dir);
}

static size_t draw(struct fa_rng *rng, size_t below)
{
    return (size_t)(fa_rng_next(rng) % below);
}

static struct fa_directory *random_organisation(struct fa_rng *rng)
{
    size_t count = 2 + draw(rng, 12);
    struct fa_directory *dir = make(count);
    for (size_t i = 0; i < count; i++) {
        struct fa_person_entry *entry = &dir->people[i];
        char name[16];
        if (i > 0 && draw(rng, 4) > 0) {
            person_name(name, draw(rng, i)); /* managers come earlier: no circle */
            entry->manager = fa_xstrdup(name);
        }
        char ***lists[] = {&entry->deputies, &entry->assistants, &entry->delegates};
        size_t *counts[] = {&entry->deputy_count, &entry->assistant_count, &entry->delegate_count};
        for (size_t l = 0; l < 3; l++) {
            if (draw(rng, 4) == 0) {
                person_name(name, draw(rng, count));
                add_text(lists[l], counts[l], name);
            }
        }
        entry->independent = draw(rng, 4) == 0;
        entry->operator_ = draw(rng, 4) == 0;
    }
    seal(dir);
    return dir;
}

static fa_person named(const struct fa_directory *dir, const char *name)
{
    return name == NULL ? FA_NOBODY : fa_directory_find(dir, fa_str_of(name));
}

static bool among(const struct fa_directory *dir, char *const *names, size_t count, fa_person p)
{
    for (size_t i = 0; i < count; i++) {
        if (named(dir, names[i]) == p) {
            return true;
        }
    }
    return false;
}

/* Said once more and differently: is `who` near to `subject`? Without read mailboxes. */
static bool is_near(const struct fa_directory *dir, fa_person who, fa_person subject)
{
    const struct fa_person_entry *s = &dir->people[subject];
    if (who == subject || among(dir, s->deputies, s->deputy_count, who) ||
        among(dir, s->assistants, s->assistant_count, who) ||
        among(dir, s->delegates, s->delegate_count, who)) {
        return true;
    }
    for (fa_person up = named(dir, dir->people[who].manager); up != FA_NOBODY;
         up = named(dir, dir->people[up].manager)) {
        if (up == subject) {
            return true;
        }
    }
    for (fa_person up = named(dir, s->manager); up != FA_NOBODY && !dir->people[up].independent;
         up = named(dir, dir->people[up].manager)) {
        if (up == who) {
            return true;
        }
    }
    return false;
}

static void in_2000_random_organisations_nobody_near_to_a_subject_may_do_anything(void **state)
{
    struct fa_rng rng = {{20, 26}};
    for (size_t n = 0; n < 2000; n++) {
        struct fa_directory *dir = random_organisation(&rng);
        fa_person subject = (fa_person)draw(&rng, dir->people_count);
        struct fa_pset conflicted, targets;
        fa_pset_init(&conflicted, dir);
        fa_pset_init(&targets, dir);
        fa_people_conflicted(dir, fa_str_of(dir->people[subject].name), &conflicted);
        for (fa_person p = 0; p < dir->people_count; p++) {
            fa_pset_add(&targets, p);
        }
        struct fa_object object = {&conflicted, NULL, &targets, 0, true};
        for (fa_person p = 0; p < dir->people_count; p++) {
            bool near = is_near(dir, p, subject);
            for (size_t d = 0; d < dir->people[p].delegate_count; d++) {
                near = near || is_near(dir, named(dir, dir->people[p].delegates[d]), subject);
            }
            for (int verb = 0; verb < FA_VERB__COUNT; verb++) {
                bool may = fa_may(dir, (struct fa_viewer){p}, (enum fa_verb)verb, &object);
                if (near && may) {
                    fail_msg("organisation %zu: %s, verb %d, about %s", n, dir->people[p].name,
                             verb, dir->people[subject].name);
                }
            }
            /* And nobody is left out who need not be. */
            assert_int_equal(near, fa_pset_has(&conflicted, p));
        }
        fa_pset_done(&conflicted);
        fa_pset_done(&targets);
        fa_directory_free(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_says_what_it_must_for_filings_and_for_series),
        cmocka_unit_test(being_a_subject_outweighs_every_other_relation),
        cmocka_unit_test(somebody_out_of_the_directory_is_a_stranger),
        cmocka_unit_test(a_shared_channel_carries_only_what_each_reader_may_be_told),
        cmocka_unit_test(in_2000_random_organisations_nobody_near_to_a_subject_may_do_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* A random company as a configuration: one person, policy, category and rule a line, so that a
 * world can be made smaller line by line. A company that is not sound is drawn again. */
#include "worlds.h"
#include "calendar/reader.h"
#include "lab/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const worlds_channels[WORLDS_CHANNELS + 1] = {"mail", "pager", "chat",
                                                          "room", "wall",  NULL};

static const char *const names[WORLDS_PEOPLE] = {"ada",  "ben", "cora", "dan", "eva", "finn",
                                                 "gina", "hal", "ida",  "jan", "kay", "lea"};

/* ---- chance ---- */

uint64_t worlds_next(struct worlds_rng *rng)
{
    uint64_t x = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint32_t worlds_below(struct worlds_rng *rng, uint32_t limit)
{
    return (uint32_t)(worlds_next(rng) % limit);
}

bool worlds_chance(struct worlds_rng *rng, uint32_t percent)
{
    return worlds_below(rng, 100) < percent;
}

const char *worlds_one_of(struct worlds_rng *rng, const char *const *list)
{
    uint32_t count = 0;
    while (list[count] != NULL) {
        count++;
    }
    return list[worlds_below(rng, count)];
}

#define ONE_OF(rng, ...) worlds_one_of((rng), (const char *const[]){__VA_ARGS__, NULL})

static uint32_t some(struct worlds_rng *rng, uint32_t count, uint32_t percent)
{
    uint32_t set = 0;
    for (uint32_t i = 0; i < count; i++) {
        set |= worlds_chance(rng, percent) ? 1u << i : 0;
    }
    return set;
}

/* ---- people ---- */

static void make_contacts(struct worlds_rng *rng, struct worlds_person *person)
{
    person->contact_count = 0;
    for (uint32_t c = 0; c < WORLDS_CHANNELS && person->contact_count < 3; c++) {
        static const uint32_t likely[WORLDS_CHANNELS] = {85, 40, 30, 25, 10};
        if (worlds_chance(rng, likely[c])) {
            person->contacts[person->contact_count++] = c;
        }
    }
    if (person->contact_count == 0) {
        person->contacts[person->contact_count++] = 0;
    }
    if (person->contact_count > 1 && worlds_chance(rng, 40)) { /* another order */
        uint32_t first = person->contacts[0];
        person->contacts[0] = person->contacts[1];
        person->contacts[1] = first;
    }
}

static void make_person(struct worlds_rng *rng, struct worlds_firm *firm, uint32_t i)
{
    uint32_t count = firm->people_count;
    struct worlds_person *person = &firm->people[i];
    *person = (struct worlds_person){.name = names[i], .manager = WORLDS_NONE};
    person->independent = i < 2;
    person->is_operator = i == count - 1 || worlds_chance(rng, 8);
    person->leads = i == 2 || i == 3 || worlds_chance(rng, 10);
    person->helps = i == 4 || worlds_chance(rng, 15);
    if (i == 2) {
        person->manager = worlds_chance(rng, 50) ? 0 : WORLDS_NONE;
    } else if (i > 2 && worlds_chance(rng, 90)) {
        person->manager = 2 + worlds_below(rng, i - 2);
    }
    uint32_t others = ~(1u << i);
    person->deputies = some(rng, count, 4) & others;
    person->assistants = some(rng, count, 3) & others;
    person->delegates = some(rng, count, 3) & others;
    make_contacts(rng, person);
}

/* ---- policies, categories ---- */

static void add_text(char *text, size_t size, const char *more)
{
    size_t len = strlen(text);
    snprintf(text + len, size - len, "%s\"%s\"", len > 0 ? ", " : "", more);
}

static void make_step(struct worlds_rng *rng, const struct worlds_firm *firm,
                      struct worlds_step *step)
{
    *step = (struct worlds_step){.wait = ONE_OF(rng, "5m", "10m", "15m", "30m", "1h", "4h",
                                                "1 business hour", "2 business hours",
                                                "1 business day")};
    for (uint32_t left = 1 + worlds_below(rng, 2); left > 0; left--) {
        uint32_t draw = worlds_below(rng, 100);
        add_text(step->targets, sizeof step->targets,
                 draw < 60   ? firm->people[worlds_below(rng, firm->people_count)].name
                 : draw < 75 ? "role:leader"
                 : draw < 85 ? "team:support"
                 : draw < 90 ? "team:sales"
                 : draw < 96 && firm->duty.shape != WORLDS_NO_DUTY ? "schedule:duty"
                                                                   : "independent");
    }
    step->channel = worlds_chance(rng, 12) ? ONE_OF(rng, "mail", "pager", "room") : NULL;
}

static void make_policy(struct worlds_rng *rng, const struct worlds_firm *firm,
                        struct worlds_policy *policy)
{
    policy->repeat_from = 0;
    policy->step_count = 1 + worlds_below(rng, 3);
    for (uint32_t i = 0; i < policy->step_count; i++) {
        make_step(rng, firm, &policy->steps[i]);
    }
}

static void make_categories(struct worlds_rng *rng, struct worlds_firm *firm)
{
    firm->category_count = 2 + worlds_below(rng, WORLDS_CATEGORIES - 1);
    for (uint32_t i = 0; i < firm->category_count; i++) {
        firm->categories[i].guidance = i == 0 ? "raise" : ONE_OF(rng, "raise", "help", "solve");
        firm->categories[i].due = ONE_OF(rng, "30m", "2h", "1d");
        firm->categories[i].severity = ONE_OF(rng, "critical", "warning");
        firm->categories[i].policy = worlds_below(rng, firm->policy_count);
    }
}

/* ---- the firm ---- */

static void draw_firm(struct worlds_rng *rng, struct worlds_firm *firm)
{
    *firm = (struct worlds_firm){.people_count = 6 + worlds_below(rng, WORLDS_PEOPLE - 5)};
    worlds_season_make(rng, firm);
    for (uint32_t i = 0; i < firm->people_count; i++) {
        make_person(rng, firm, i);
    }
    for (uint32_t i = 0; i < 2; i++) {
        firm->team[i] = some(rng, firm->people_count, 30) | 1u << (3 + i);
    }
    firm->readers = some(rng, firm->people_count, 25) | 1u << (firm->people_count - 1);
    worlds_duty_make(rng, firm);
    firm->policy_count = 2 + worlds_below(rng, WORLDS_POLICIES - 1);
    for (uint32_t i = 0; i < firm->policy_count; i++) {
        make_policy(rng, firm, &firm->policies[i]);
    }
    firm->operators.step_count = 1;
    firm->operators.steps[0].wait = "1h";
    add_text(firm->operators.steps[0].targets, sizeof firm->operators.steps[0].targets,
             firm->people[firm->people_count - 1].name);
    make_categories(rng, firm);
    firm->rule_count = 2 + worlds_below(rng, WORLDS_RULES - 2);
    for (uint32_t i = 0; i < firm->rule_count; i++) {
        worlds_rule_make(rng, firm, &firm->rules[i], i + 1);
    }
    firm->ack_default = ONE_OF(rng, "10m", "30m", "2h");
    firm->ack_max = ONE_OF(rng, "2h", "4h", "1d");
    firm->fail_attempts = 1 + worlds_below(rng, 4);
    firm->fail_after = ONE_OF(rng, "10s", "1m", "5m");
    firm->rearm = ONE_OF(rng, "10m", "1h", "4h");
    firm->slow_retry = ONE_OF(rng, "1m", "5m", "30m");
    worlds_times_make(rng, firm);
    worlds_weekly_make(rng, firm);
}

void worlds_firm_make(struct worlds_rng *rng, struct worlds_firm *firm)
{
    do {
        draw_firm(rng, firm);
    } while (!worlds_firm_is_sound(firm));
}

static void change_once(struct worlds_rng *rng, struct worlds_firm *firm)
{
    uint32_t person = 2 + worlds_below(rng, firm->people_count - 2);
    struct worlds_rule *rule = &firm->rules[worlds_below(rng, firm->rule_count)];
    switch (worlds_below(rng, 13)) {
    case 0:
    case 1:
        firm->people[person].gone = !firm->people[person].gone;
        break;
    case 2:
    case 3:
        rule->gone = !rule->gone;
        break;
    case 4:
        worlds_rule_make(rng, firm, rule, rule->number);
        break;
    case 5:
        make_policy(rng, firm, &firm->policies[worlds_below(rng, firm->policy_count)]);
        break;
    case 6:
        firm->readers = some(rng, firm->people_count, 30) | 1u << (firm->people_count - 1);
        firm->team[0] = some(rng, firm->people_count, 40) | 1u << 3;
        break;
    case 7:
        make_contacts(rng, &firm->people[person]);
        break;
    case 8:
        worlds_times_change(rng, firm);
        break;
    case 9:
        worlds_leave_change(firm, person);
        firm->people[person].quiet = worlds_chance(rng, 30);
        break;
    case 10:
        if (firm->duty.shape != WORLDS_NO_DUTY) {
            firm->duty.members[worlds_below(rng, 3)] = person;
            firm->duty.swap = !firm->duty.swap;
        }
        break;
    case 11:
        worlds_weekly_make(rng, firm);
        break;
    default:
        firm->people[person].delegates = some(rng, firm->people_count, 10) & ~(1u << person);
        firm->people[person].manager = 2 + worlds_below(rng, firm->people_count - 2);
    }
}

void worlds_firm_change(struct worlds_rng *rng, struct worlds_firm *firm)
{
    for (int tries = 0; tries < 30; tries++) {
        struct worlds_firm changed = *firm;
        for (uint32_t left = 1 + worlds_below(rng, 3); left > 0; left--) {
            change_once(rng, &changed);
        }
        if (worlds_firm_is_sound(&changed)) {
            *firm = changed;
            return;
        }
    }
}

/* ---- writing ---- */

static void write_set(const struct worlds_firm *firm, const char *key, uint32_t set,
                      struct fa_buf *buf)
{
    const char *before = "";
    if (set == 0) {
        return;
    }
    fa_buf_printf(buf, " %s = [", key);
    for (uint32_t i = 0; i < firm->people_count; i++) {
        if ((set >> i & 1) != 0 && !firm->people[i].gone) {
            fa_buf_printf(buf, "%s \"%s\"", before, firm->people[i].name);
            before = ",";
        }
    }
    fa_buf_puts(buf, " ];");
}

static void write_person(const struct worlds_firm *firm, uint32_t i, struct fa_buf *buf)
{
    const struct worlds_person *person = &firm->people[i];
    fa_buf_printf(buf, "%c { name = \"%s\";", i == 0 ? ' ' : ',', person->name);
    if (person->manager != WORLDS_NONE && !firm->people[person->manager].gone) {
        fa_buf_printf(buf, " manager = \"%s\";", firm->people[person->manager].name);
    }
    if (person->leads || person->helps) {
        fa_buf_printf(buf, " roles = [ %s%s%s ];", person->leads ? "\"leader\"" : "",
                      person->leads && person->helps ? ", " : "",
                      person->helps ? "\"helper\"" : "");
    }
    fa_buf_puts(buf, person->independent ? " independent = true;" : "");
    fa_buf_puts(buf, person->is_operator ? " operator = true;" : "");
    fa_buf_puts(buf, person->quiet ? " hours = \"office\";" : "");
    if (person->leave != NULL) {
        fa_buf_printf(buf, " leave = [ \"%s\" ];", person->leave);
    }
    write_set(firm, "deputies", person->deputies, buf);
    write_set(firm, "assistants", person->assistants, buf);
    write_set(firm, "delegates", person->delegates, buf);
    fa_buf_puts(buf, " channels = (");
    for (uint32_t c = 0; c < person->contact_count; c++) {
        const char *channel = worlds_channels[person->contacts[c]];
        bool shared = person->contacts[c] >= 3;
        fa_buf_printf(buf, "%s { channel = \"%s\";", c > 0 ? "," : "", channel);
        fa_buf_printf(buf, shared ? " }" : " address = \"%s@%s\"; }", person->name, channel);
    }
    fa_buf_puts(buf, " ); }\n");
}

static void write_policy(const char *name, const struct worlds_policy *policy, struct fa_buf *buf)
{
    fa_buf_printf(buf, "{ name = \"%s\";", name);
    if (policy->repeat_from > 0) {
        fa_buf_printf(buf, " repeat_from = %u;", policy->repeat_from);
    }
    fa_buf_puts(buf, " steps = (");
    for (uint32_t i = 0; i < policy->step_count; i++) {
        const struct worlds_step *step = &policy->steps[i];
        fa_buf_printf(buf, "%s { targets = [ %s ];", i > 0 ? "," : "", step->targets);
        if (step->channel != NULL) {
            fa_buf_printf(buf, " channels = [ \"%s\" ];", step->channel);
        }
        fa_buf_puts(buf, step->during ? " during = \"office\";" : "");
        fa_buf_puts(buf, step->urgent ? " urgent = true;" : "");
        fa_buf_printf(buf, " wait = \"%s\"; }", step->wait);
    }
    fa_buf_puts(buf, " ); }\n");
}

static void write_times(const struct worlds_firm *firm, struct fa_buf *buf)
{
    fa_buf_printf(buf,
                  "severities = ( { name = \"critical\"; ack_default = \"%s\"; ack_max = \"%s\"; "
                  "fail_attempts = %u; fail_after = \"%s\"; }, { name = \"warning\"; } );\n",
                  firm->ack_default, firm->ack_max, firm->fail_attempts, firm->fail_after);
    fa_buf_printf(buf, "times = { rearm = \"%s\"; slow_retry = \"%s\"; };\n", firm->rearm,
                  firm->slow_retry);
    if (firm->tight) {
        fa_buf_puts(buf, "limits = { filings_open = 100; alarms_open = 100; outbox = 100; };\n");
    }
}

static void write_people(const struct worlds_firm *firm, struct fa_buf *buf)
{
    static const char *const teams[] = {"support", "sales"};
    worlds_times_write(firm, buf);
    fa_buf_puts(buf, "people = (\n");
    for (uint32_t i = 0; i < firm->people_count; i++) {
        if (!firm->people[i].gone) {
            write_person(firm, i, buf);
        }
    }
    fa_buf_puts(buf, ");\nteams = (\n");
    for (uint32_t i = 0; i < 2; i++) {
        fa_buf_printf(buf, "%c { name = \"%s\";", i == 0 ? ' ' : ',', teams[i]);
        write_set(firm, "members", firm->team[i], buf);
        fa_buf_puts(buf, " }\n");
    }
    fa_buf_puts(buf, ");\n");
}

static void write_channels(const struct worlds_firm *firm, struct fa_buf *buf)
{
    fa_buf_puts(buf, "channels = (\n"
                     "  { name = \"mail\"; plugin = \"email\"; }\n"
                     ", { name = \"pager\"; plugin = \"webhook\"; machine = true; }\n"
                     ", { name = \"chat\"; plugin = \"webhook\"; }\n"
                     ", { name = \"wall\"; plugin = \"webhook\"; shared = true; }\n"
                     ", { name = \"room\"; plugin = \"webhook\"; shared = true;");
    write_set(firm, "readers", firm->readers, buf);
    fa_buf_puts(buf, " }\n);\n");
}

static void write_categories(const struct worlds_firm *firm, struct fa_buf *buf)
{
    fa_buf_puts(buf, "categories = (\n");
    for (uint32_t i = 0; i < firm->category_count; i++) {
        const char *guidance = firm->categories[i].guidance;
        fa_buf_printf(buf, "%c { name = \"kind%u\"; title = \"Kind %u\"; guidance = \"%s\";",
                      i == 0 ? ' ' : ',', i + 1, i + 1, guidance);
        if (strcmp(guidance, "raise") != 0) {
            fa_buf_printf(buf, " due = \"%s\";", firm->categories[i].due);
        }
        fa_buf_printf(buf, "%s severity = \"%s\"; policy = \"climb%u\"; }\n",
                      strcmp(guidance, "help") == 0 ? " helpers = [ \"role:helper\" ];" : "",
                      firm->categories[i].severity, firm->categories[i].policy + 1);
    }
    fa_buf_puts(buf, ");\n");
}

/* Half of the firms have an inhibition, a third a window each day. */
static void write_hiders(const struct worlds_firm *firm, struct fa_buf *buf)
{
    uint32_t owner = firm->people_count - 1;
    while (owner > 0 && firm->people[owner].gone) {
        owner--;
    }
    if (firm->people_count % 2 == 0) {
        fa_buf_printf(buf,
                      "inhibit = ( { when = [ \"severity=critical\" ]; "
                      "hide = [ \"severity=warning\" ]; equal = [ \"queue\" ]; "
                      "owner = \"%s\"; reason = \"the same queue\"; } );\n",
                      firm->people[owner].name);
    }
    if (firm->rule_count % 3 == 0) {
        fa_buf_printf(buf,
                      "maintenance = ( { name = \"backup\"; where = [ \"category=~.+\" ]; "
                      "weekly = [ \"daily 09:00-11:00\", \"mon 23:00-01:00\" ]; "
                      "owner = \"%s\"; reason = \"backup\"; } );\n",
                      firm->people[owner].name);
    }
}

void worlds_firm_write(const struct worlds_firm *firm, struct fa_buf *buf)
{
    bool first = true;
    fa_buf_puts(buf, "company = \"ACME\";\n");
    write_people(firm, buf);
    write_channels(firm, buf);
    fa_buf_puts(buf, "policies = (\n  ");
    write_policy("operators", &firm->operators, buf);
    for (uint32_t i = 0; i < firm->policy_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "climb%u", i + 1);
        fa_buf_puts(buf, ", ");
        write_policy(name, &firm->policies[i], buf);
    }
    fa_buf_puts(buf, ");\n");
    write_times(firm, buf);
    write_categories(firm, buf);
    fa_buf_puts(buf, "rules = (\n");
    for (uint32_t i = 0; i < firm->rule_count; i++) {
        if (!firm->rules[i].gone) {
            fa_buf_puts(buf, first ? "  " : ", ");
            worlds_rule_write(&firm->rules[i], buf);
            first = false;
        }
    }
    fa_buf_puts(buf, ");\n");
    write_hiders(firm, buf);
}

static void ignore_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
}

bool worlds_firm_is_sound(const struct worlds_firm *firm)
{
    /* Without it all that has a zone or a rota is unsound: other worlds, and no word of it. */
    if (access(fa_calendars_program(), X_OK) != 0) {
        fprintf(stderr, "%s is not there: say FIREALARM_CALENDAR=.../firealarm-calendar\n",
                fa_calendars_program());
        exit(2);
    }
    struct fa_config *config = NULL;
    struct fa_buf buf;
    fa_buf_init(&buf, (size_t)1 << 20);
    worlds_firm_write(firm, &buf);
    worlds_duty_write(firm, &buf);
    /* With calendars, as leave may leave a last step without anybody. */
    const struct fa_calendars_config range = fa_calendars_ahead(FA_LAB_BEGIN);
    struct fa_config_world world = {.calendars = fa_calendars_new(&range)};
    bool sound =
        fa_config_parse("world", fa_buf_str(&buf), &world, ignore_fault, NULL, &config) == 0;
    fa_config_free(config);
    fa_calendars_free(world.calendars);
    fa_buf_done(&buf);
    return sound;
}

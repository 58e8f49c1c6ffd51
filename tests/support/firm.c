/* SPDX-License-Identifier: MIT */
/* Draws the company and writes it down. Two of its people are in nobody's list, so that every
 * company is sound: ops runs the daemon, leo is independent. zelda only files. */
#include "firm.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const firm_names[FIRM_PEOPLE] = {"ada",  "ben",  "cora", "dirk", "edna",
                                             "finn", "gina", "hugo", "iris", "jon",
                                             "ops",  "ruth", "leo",  "zelda"};

uint64_t firm_draw(struct firm *firm, uint64_t below)
{
    uint64_t x = firm->chance += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) % below;
}

static bool chance(struct firm *firm, unsigned percent)
{
    return firm_draw(firm, 100) < percent;
}

/* One in a few has somebody, who is not themselves. */
static uint32_t somebody(struct firm *firm, int but, unsigned percent)
{
    int other = (int)firm_draw(firm, FIRM_LINE + 2);
    other = other >= FIRM_LINE ? FIRM_RUTH : other;
    return chance(firm, percent) && other != but ? 1u << other : 0;
}

static void make_place(struct firm *firm, int i)
{
    struct firm_person *person = &firm->people[i];
    bool of_line = i < FIRM_LINE;
    person->manager = of_line && i > 0 && chance(firm, 85) ? (int)firm_draw(firm, (uint64_t)i) : -1;
    person->deputies = person->assistants = person->delegates = 0;
    if (of_line || i == FIRM_RUTH) {
        person->deputies = somebody(firm, i, 25);
        person->assistants = somebody(firm, i, 15);
        person->delegates = somebody(firm, i, 15);
    }
    person->away = of_line && chance(firm, 20);
}

/* Only what the policy "other" is told of has labels. */
static void make_step(struct firm *firm, size_t policy, bool is_last)
{
    static const char *const groups[] = {
        "team:crew",       "role:seller",           "reporter.manager", "account.conduit",
        "account.touches", "schedule:duty",         "label.who",        "label.who.manager",
        "label.customer",  "label.customer.manager"};
    const char *name = firm_names[firm_draw(firm, FIRM_LINE)];
    const char *group = groups[firm_draw(firm, policy == 0 ? 6 : sizeof groups / sizeof groups[0])];
    char *out = firm->policy[policy];
    size_t len = strlen(out), size = sizeof firm->policy[policy];
    bool more = chance(firm, 60);
    snprintf(out + len, size - len, "%s{ targets = [ \"%s\"%s%s%s%s ]; wait = \"1m\"; }",
             len > 0 ? ", " : "", name, more ? ", \"" : "", more ? group : "", more ? "\"" : "",
             is_last && chance(firm, 50) ? ", \"independent\"" : "");
}

void firm_make(struct firm *firm, uint64_t seed)
{
    *firm = (struct firm){.chance = seed, .made = time(NULL)};
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        struct firm_person *person = &firm->people[i];
        bool of_line = i < FIRM_LINE;
        make_place(firm, i);
        person->independent = i == FIRM_RUTH || i == FIRM_LEO || (i == 1 && chance(firm, 40));
        person->is_operator = i == FIRM_OPS || (of_line && chance(firm, 20));
        person->crew = of_line && chance(firm, 25);
        person->seller = of_line && chance(firm, 20);
        person->machine = i == FIRM_OPS || chance(firm, 40);
        person->mail_first = of_line && chance(firm, 40);
    }
    firm->people[0].manager = chance(firm, 50) ? FIRM_RUTH : -1;
    firm->people[3].crew = firm->people[4].seller = true;
    firm->people[FIRM_ZELDA].manager = (int)firm_draw(firm, FIRM_LINE);
    firm->conduit = (int)firm_draw(firm, FIRM_LINE);
    for (size_t d = 0; d < 3; d++) {
        firm->duty[d] = (int)firm_draw(firm, FIRM_LINE);
    }
    for (size_t p = 0; p < 2; p++) {
        for (uint64_t left = 1 + firm_draw(firm, 3); left > 0; left--) {
            make_step(firm, p, left == 1);
        }
    }
    snprintf(firm->helpers, sizeof firm->helpers, "\"%s\", \"%s\"",
             firm_names[firm_draw(firm, FIRM_LINE)],
             chance(firm, 50) ? "role:seller" : "team:crew");
}

/* Nothing but a group, a customer and a turn of duty may name who leaves. */
static bool may_leave(const struct firm *firm, int i)
{
    return i < FIRM_LINE && strstr(firm->policy[0], firm_names[i]) == NULL &&
           strstr(firm->policy[1], firm_names[i]) == NULL &&
           strstr(firm->helpers, firm_names[i]) == NULL && i != 3 && i != 4;
}

void firm_change(struct firm *firm)
{
    for (uint64_t left = 2 + firm_draw(firm, 5); left > 0; left--) {
        int i = (int)firm_draw(firm, FIRM_LINE);
        make_place(firm, i);
        firm->people[i].crew = i == 3 || chance(firm, 30);
        firm->people[i].seller = i == 4 || chance(firm, 30);
    }
    firm->people[0].manager = chance(firm, 50) ? FIRM_RUTH : -1;
    firm->people[1].independent = chance(firm, 40);
    firm->conduit = chance(firm, 40) ? (int)firm_draw(firm, FIRM_LINE) : firm->conduit;
    firm->duty[firm_draw(firm, 3)] = (int)firm_draw(firm, FIRM_LINE);
    int leaver = (int)firm_draw(firm, FIRM_LINE);
    firm->people[leaver].gone = may_leave(firm, leaver) && chance(firm, 40);
}

/* ---- as a configuration ---- */

const char *firm_token(int person, char buf[96])
{
    snprintf(buf, 96, "%s.0123456789abcdef0123456789abcd%02x", firm_names[person],
             (unsigned)person);
    return buf;
}

static void put_names(const struct firm *firm, FILE *out, const char *key, uint32_t set)
{
    const char *before = "";
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        set &= firm->people[i].gone ? ~(1u << i) : ~0u;
    }
    if (set == 0) {
        return;
    }
    fprintf(out, " %s = [", key);
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        if ((set >> i & 1) != 0) {
            fprintf(out, "%s \"%s\"", before, firm_names[i]);
            before = ",";
        }
    }
    fputs(" ];", out);
}

static void put_person(const struct firm *firm, FILE *out, int i)
{
    const struct firm_person *person = &firm->people[i];
    unsigned char hash[32];
    char token[96], hex[65], day[2][16];
    time_t now = time(NULL);
    for (int d = 0; d < 2; d++) {
        time_t then = now + (d - 1 + d) * 86400; /* yesterday to tomorrow */
        strftime(day[d], sizeof day[d], "%Y-%m-%d", gmtime(&then));
    }
    firm_token(i, token);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)token, strlen(token), NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    fprintf(out, "  { name = \"%s\"; display = \"%c%s Q\"; uid = %u; token = \"%s\";\n   ",
            firm_names[i], firm_names[i][0] - 'a' + 'A', firm_names[i] + 1,
            i == FIRM_ZELDA ? (unsigned)getuid() : 42000u + (unsigned)i, hex);
    if (person->manager >= 0 && !firm->people[person->manager].gone) {
        fprintf(out, " manager = \"%s\";", firm_names[person->manager]);
    }
    put_names(firm, out, "deputies", person->deputies);
    put_names(firm, out, "assistants", person->assistants);
    put_names(firm, out, "delegates", person->delegates);
    fputs(person->independent ? " independent = true;" : "", out);
    fputs(person->is_operator ? " operator = true;" : "", out);
    fputs(person->seller ? " roles = [ \"seller\" ];" : "", out);
    if (person->away) {
        fprintf(out, " leave = [ \"%s..%s\" ];", day[0], day[1]);
    }
    if (i != FIRM_ZELDA) {
        char hook[80], mail[120];
        snprintf(hook, sizeof hook, "{ channel = \"%s\"; }", firm_names[i]);
        snprintf(mail, sizeof mail, "{ channel = \"mail\"; address = \"%s@example.com\"; }",
                 firm_names[i]);
        fprintf(out, "\n    channels = ( %s, %s );", person->mail_first ? mail : hook,
                person->mail_first ? hook : mail);
    }
    fprintf(out, " }%s\n", i + 1 < FIRM_PEOPLE ? "," : "");
}

static void put_groups(const struct firm *firm, FILE *out)
{
    uint32_t crew = 0, touches = 0;
    for (int i = 0; i < FIRM_LINE; i++) {
        crew |= firm->people[i].crew ? 1u << i : 0;
        touches |= i % 4 == 1 ? 1u << i : 0;
    }
    fputs("teams = ( { name = \"crew\";", out);
    put_names(firm, out, "members", crew);
    fputs(" } );\nmodels = ( { name = \"simple\"; conduit = \"seller\"; } );\n"
          "accounts = (\n  { name = \"Initech\"; model = \"simple\";",
          out);
    fprintf(out, " conduit = \"%s\";", firm_names[firm->conduit]);
    put_names(firm, out, "touches", touches);
    fputs(" },\n  { name = \"Hooli\"; model = \"simple\"; }\n);\n", out);
}

static void put_channels(const struct firm *firm, const struct rig *rig, FILE *out)
{
    fprintf(out,
            "channels = (\n  { name = \"mail\"; plugin = \"email\"; relay = \"127.0.0.1:%u\"; "
            "tls = \"none\";\n    allow_plain = true; from = \"alarm@example.com\"; }",
            receiver_smtp(rig->receiver));
    for (int i = 0; i < FIRM_ZELDA; i++) {
        fprintf(out,
                ",\n  { name = \"%s\"; plugin = \"webhook\"; machine = %s; allow_private = true;\n"
                "    allow_plain = true; url = \"http://127.0.0.1:%u/%s\"; }",
                firm_names[i], firm->people[i].machine ? "true" : "false",
                receiver_http(rig->receiver), firm_names[i]);
    }
    fputs("\n);\n", out);
}

static const char rest[] =
    "severities = (\n"
    "  { name = \"critical\"; ack_default = \"4h\"; ack_max = \"1d\"; fail_after = \"10m\"; },\n"
    "  { name = \"info\"; ack_default = \"4h\"; fail_after = \"10m\"; }\n"
    ");\n"
    "values = ( { name = \"honesty\"; title = \"We do not lie\"; violations = [ \"lying\" ]; } );\n"
    "rules = (\n"
    "  { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\"; policy = \"other\";\n"
    "    metric = \"queue_seconds\"; take = \"last\"; per = [ \"queue\", \"who\" ];\n"
    "    above = 120.0; clear_below = 90.0; summary = \"{queue} answers in {value|duration}\"; },\n"
    "  { name = \"again\"; policy = \"other\"; severity = \"critical\";\n"
    "    incident = { category = [ \"danger\", \"mess\" ]; per = [ \"customer\" ]; count = 2;\n"
    "      within = \"14d\"; }; },\n"
    "  { name = \"violation\"; policy = \"other\"; severity = \"critical\";\n"
    "    incident = { value = [ \"honesty\" ]; }; }\n"
    ");\n"
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"pages\"; address = \"127.0.0.1:0\"; routes = [ \"pages\" ]; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; }\n"
    ");\n"
    "pages = { url = \"https://alarm.example.com/\"; };\n"
    "feeds = ( { name = \"statsd\"; address = \"udp:127.0.0.1:0\"; decoder = \"statsd\"; } );\n"
    "store = { plugin = \"sqlite\"; path = \"./store\"; mac_key = \"./secrets/mac.key\"; };\n";

static void put_duty(const struct firm *firm, struct rig *rig)
{
    static const char *const when[] = {
        "DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20200102\nRRULE:FREQ=DAILY;INTERVAL=2",
        "DTSTART;VALUE=DATE:20200102\nDTEND;VALUE=DATE:20200103\nRRULE:FREQ=DAILY;INTERVAL=2",
        "DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20200102\nRRULE:FREQ=DAILY"};
    char text[1000] = "BEGIN:VCALENDAR\nVERSION:2.0\n";
    for (int d = 0; d < 3; d++) {
        size_t len = strlen(text);
        if (!firm->people[firm->duty[d]].gone) {
            snprintf(text + len, sizeof text - len,
                     "BEGIN:VEVENT\nUID:turn%d\nSUMMARY:%s\n%s\nEND:VEVENT\n", d,
                     firm_names[firm->duty[d]], when[d]);
        }
    }
    strcat(text, "END:VCALENDAR\n");
    rig_write(rig, "duty.ics", text, 0644);
}

/* Three minutes after the company was made. */
static void put_weekly(const struct firm *firm, FILE *out)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct tm tm;
    time_t soon = firm->made + 180;
    gmtime_r(&soon, &tm);
    fprintf(out,
            "schedules = ( { name = \"duty\"; file = \"./duty.ics\"; } );\n"
            "weekly = { to = [ \"ops\", \"leo\", \"role:seller\", \"team:crew\" ]; at = \"%s "
            "%02d:%02d\"; };\n",
            days[tm.tm_wday], tm.tm_hour, tm.tm_min);
}

void firm_write(struct firm *firm, struct rig *rig)
{
    FILE *out = fopen(rig->config, "we");
    assert_non_null(out);
    fputs("company = \"ACME\";\npeople = (\n", out);
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        if (!firm->people[i].gone) {
            put_person(firm, out, i);
        }
    }
    fputs(");\n", out);
    put_duty(firm, rig);
    put_weekly(firm, out);
    put_groups(firm, out);
    put_channels(firm, rig, out);
    fprintf(out,
            "policies = (\n  { name = \"line\"; steps = ( %s ); },\n"
            "  { name = \"other\"; steps = ( %s ); repeat_from = 1; },\n"
            "  { name = \"operators\"; steps = ( { targets = [ \"ops\", \"leo\" ]; } ); }\n);\n",
            firm->policy[0], firm->policy[1]);
    fprintf(
        out,
        "categories = (\n"
        "  { name = \"danger\"; title = \"Danger\"; severity = \"critical\"; policy = \"line\"; },\n"
        "  { name = \"lying\"; title = \"Lies\"; severity = \"critical\"; policy = \"line\"; },\n"
        "  { name = \"stuck\"; title = \"Stuck\"; guidance = \"help\"; helpers = [ %s ];\n"
        "    due = \"1m\"; severity = \"info\"; policy = \"other\"; },\n"
        "  { name = \"mess\"; title = \"A mess\"; guidance = \"solve\"; due = \"1m\";\n"
        "    severity = \"info\"; policy = \"line\"; }\n);\n",
        firm->helpers);
    fputs(rest, out);
    assert_int_equal(fclose(out), 0);
}

/* ---- who must not know ---- */

/* Who left has nobody and is nobody's, but stays out. */
static uint32_t household(const struct firm *firm, int of)
{
    const struct firm_person *person = &firm->people[of];
    uint32_t set = person->gone ? 0 : person->deputies | person->assistants | person->delegates;
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        set &= firm->people[i].gone ? ~(1u << i) : ~0u;
    }
    return 1u << of | set;
}

static int manager_of(const struct firm *firm, int of)
{
    int manager = firm->people[of].gone ? -1 : firm->people[of].manager;
    return manager >= 0 && firm->people[manager].gone ? -1 : manager;
}

static bool is_near(const struct firm *firm, int subject, int who)
{
    bool near = (household(firm, subject) >> who & 1) != 0;
    for (int up = manager_of(firm, who); up >= 0; up = manager_of(firm, up)) {
        near = near || up == subject;
    }
    for (int up = manager_of(firm, subject); up >= 0 && !firm->people[up].independent;
         up = manager_of(firm, up)) {
        near = near || up == who;
    }
    return near;
}

uint32_t firm_kept_out(const struct firm *firm, uint32_t subjects, uint32_t struck)
{
    uint32_t near = 0, out = 0;
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        for (int who = 0; who < FIRM_PEOPLE; who++) {
            near |= (subjects >> i & 1) != 0 && is_near(firm, i, who) ? 1u << who : 0;
        }
        near |= (struck >> i & 1) != 0 ? household(firm, i) : 0;
    }
    for (int who = 0; who < FIRM_PEOPLE; who++) {
        /* Their mail is read by others, too. */
        uint32_t readers = 1u << who | (household(firm, who) & firm->people[who].delegates);
        out |= (readers & near) != 0 ? 1u << who : 0;
    }
    return out;
}

uint32_t firm_meant(const struct firm *firm, const char *about)
{
    uint32_t meant = 0;
    bool of_initech =
        strcmp(about, "conduit:Initech") == 0 || strcmp(about, "account.conduit") == 0;
    /* Who left has the role in their place. */
    bool by_role = strcmp(about, "role:seller") == 0 || strcmp(about, "conduit:Hooli") == 0 ||
                   (of_initech && firm->people[firm->conduit].gone);
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        const struct firm_person *person = &firm->people[i];
        bool is = strcmp(about, firm_names[i]) == 0 ||
                  (strcmp(about, "team:crew") == 0 && person->crew) ||
                  (by_role && person->seller) || (of_initech && i == firm->conduit);
        meant |= is && !person->gone ? 1u << i : 0;
    }
    return meant;
}

/* SPDX-License-Identifier: MIT */
/* The rig's company. Of those who would be told when a policy's own people are all too near to
 * victor, one stands in for him, one reads his mail and one works below him: whoever is forgotten
 * among those that are kept out is told then, and seen. */
#include "rig_company.h"

#include <string.h>

struct member {
    const char *name, *display, *manager, *deputy, *assistant, *more;
    const char *channels[2];
    bool independent;
};

static const struct member company[] = {
    {.name = "maria", .display = "Maria Lopez", .manager = "victor"},
    {.name = "victor",
     .display = "Victor Brandt",
     .manager = "chris",
     .deputy = "vera",
     .assistant = "leo",
     .more = "uid = 2002;",
     .channels = {"victor"}},
    {.name = "chris",
     .display = "Chris Olsen",
     .manager = "dana",
     .more = "roles = [ \"coo\" ]; uid = 2005;",
     .channels = {"first", "second"}},
    {.name = "dana",
     .display = "Dana Whitfield",
     .manager = "ruth",
     .more = "aliases = [ \"Dee\" ]; roles = [ \"ceo\" ]; uid = 2006;",
     .channels = {"dana"}},
    {.name = "ruth",
     .display = "Ruth Adeyemi",
     .more = "uid = 2009;",
     .channels = {"ruth"},
     .independent = true},
    {.name = "leo", .display = "Leo Fischer", .channels = {"leo"}, .independent = true},
    {.name = "vera", .display = "Vera Klein", .channels = {"vera"}, .independent = true},
    {.name = "tess",
     .display = "Tess Moreau",
     .manager = "maria",
     .channels = {"tess"},
     .independent = true},
    {.name = "ines",
     .display = "Ines Roth",
     .more = "operator = true; uid = 2007;",
     .channels = {"ines"}},
    {.name = "noah",
     .display = "Noah Lind",
     .more = "operator = true; uid = 2008;",
     .channels = {"noah"}},
};
#define MEMBERS (sizeof company / sizeof company[0])

static void put_member(FILE *out, const struct member *who, const char *channels)
{
    fprintf(out, "  { name = \"%s\"; display = \"%s\";%s", who->name, who->display,
            who->independent ? " independent = true;" : "");
    if (who->manager != NULL) {
        fprintf(out, " manager = \"%s\";", who->manager);
    }
    if (who->deputy != NULL) {
        fprintf(out, " deputies = [ \"%s\" ];", who->deputy);
    }
    if (who->assistant != NULL) {
        fprintf(out, " assistants = [ \"%s\" ];", who->assistant);
    }
    fprintf(out, " %s", who->more != NULL ? who->more : "");
    if (channels != NULL) {
        fprintf(out, " channels = ( %s );", channels);
    } else if (who->channels[0] != NULL) {
        fprintf(out, " channels = ( { channel = \"%s\"; }", who->channels[0]);
        fprintf(out, who->channels[1] != NULL ? ", { channel = \"%s\"; } );" : " );",
                who->channels[1]);
    }
}

void rig_company_put(FILE *out, uid_t maria, const char *token_hash, const char *chris)
{
    fputs("people = (\n", out);
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct member *who = &company[i];
        bool is_chris = strcmp(who->name, "chris") == 0;
        put_member(out, who, is_chris ? chris : NULL);
        if (is_chris) {
            fprintf(out, " token = \"%s\";", token_hash);
        } else if (strcmp(who->name, "maria") == 0) {
            fprintf(out, " uid = %u;", (unsigned)maria);
        }
        fputs(i + 1 < MEMBERS ? " },\n" : " }\n", out);
    }
    fputs(");\nteams = ( { name = \"it\"; members = [ \"ines\", \"noah\" ]; } );\n", out);
}

const char *rig_company_channel(size_t i)
{
    for (size_t k = 0; k < 2 * MEMBERS; k++) {
        const char *channel = company[k / 2].channels[k % 2];
        if (channel != NULL && i-- == 0) {
            return channel;
        }
    }
    return NULL;
}

/* ---- who must not know ---- */

static bool is(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static const struct member *member_of(const char *name)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (is(company[i].name, name)) {
            return &company[i];
        }
    }
    return NULL;
}

/* NULL: nobody's. */
static const struct member *reader_at(const char *reader)
{
    char name[64];
    reader += reader[0] == '/';
    snprintf(name, sizeof name, "%.*s", (int)strcspn(reader, "@"), reader);
    for (size_t i = 0; i < MEMBERS; i++) {
        if (is(company[i].name, name) || is(company[i].channels[0], name) ||
            is(company[i].channels[1], name)) {
            return &company[i];
        }
    }
    return NULL;
}

static bool works_below(const struct member *who, const struct member *boss)
{
    for (const struct member *up = member_of(who->manager); up != NULL;
         up = member_of(up->manager)) {
        if (up == boss) {
            return true;
        }
    }
    return false;
}

static bool commands(const struct member *boss, const struct member *subject)
{
    for (const struct member *up = member_of(subject->manager); up != NULL && !up->independent;
         up = member_of(up->manager)) {
        if (up == boss) {
            return true;
        }
    }
    return false;
}

bool rig_company_keeps_out(const char *about, const char *reader)
{
    const struct member *subject = member_of(about), *who = reader_at(reader);
    return subject != NULL && who != NULL &&
           (who == subject || is(subject->deputy, who->name) || is(subject->assistant, who->name) ||
            works_below(who, subject) || commands(who, subject));
}

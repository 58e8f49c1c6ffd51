/* SPDX-License-Identifier: MIT */
/* What an import of the directory reads: one CSV file of people, teams or accounts, or JSON with
 * lists of them. Every fault is told with file, line and column, and reading goes on. */
#ifndef FA_CLIENT_ROSTER_H
#define FA_CLIENT_ROSTER_H

#include "config/config.h"
#include "config/roster.h"

/* What is read in, and which kinds it has: those replace what was imported before. */
struct fa_intake_roster {
    struct fa_roster roster;
    bool has[FA_ROSTER__COUNT];
    fa_config_fault_fn *told;
    void *ctx;
    unsigned faults;
};

/* A fault at a line; column may be NULL. */
void fa_roster_fault(struct fa_intake_roster *in, const char *file, uint32_t line,
                     const char *column, const char *fmt, ...) FA_PRINTF(5, 6);
/* file must outlive the records. */
void fa_roster_parse_csv(struct fa_intake_roster *in, const char *file, struct fa_str text);
void fa_roster_parse_json(struct fa_intake_roster *in, const char *file, struct fa_str text);

#endif

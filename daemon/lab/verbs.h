/* SPDX-License-Identifier: MIT */
/* Inside lab/ only: the table of what a line of a scenario may be. */
#ifndef FA_LAB_VERBS_H
#define FA_LAB_VERBS_H

#include "lab/script.h"

#define FA_SCRIPT_VERBS ((size_t)FA_VERB_ID__COUNT)

struct fa_script_verb {
    enum fa_verb_id id;
    const char *pattern, *help;
};

/* One row for each enum fa_verb_id. */
extern const struct fa_script_verb fa_script_verbs[FA_SCRIPT_VERBS];

#endif

/* SPDX-License-Identifier: MIT */
/* The virtual world: the engine, rules and metrics as they are, around them a clock, a store, a
 * courier and receivers that do what a scenario says. `firealarm test FILE...` is fa_lab_main().
 * The language of scenarios is described in lab/script.h. */
#ifndef FA_LAB_LAB_H
#define FA_LAB_LAB_H

#include <stdio.h>

#define FA_LAB_EXIT_OK     0
#define FA_LAB_EXIT_FAILED 1 /* at least one scenario failed */
#define FA_LAB_EXIT_USAGE  2 /* an option or a scenario that cannot be read */

/* argv[0] is the command's name. Results go to out, complaints about the call to err.
 *   --json                one JSON object a scenario and line
 *   --verbose             the timeline of those that pass, too
 *   --restart-everywhere  also with a restart after each line: the same people must be told
 *   --write               writes what is told to the end of each file, as what is expected
 *   --language            prints the verbs and ends
 * Of a directory all *.fas are played, in the order of their names. */
int fa_lab_main(int argc, char **argv, FILE *out, FILE *err);

#endif

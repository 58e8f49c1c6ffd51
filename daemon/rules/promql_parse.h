/* SPDX-License-Identifier: MIT */
/* What the parser's two files and the lexer share. */
#ifndef FA_RULES_PROMQL_PARSE_H
#define FA_RULES_PROMQL_PARSE_H

#include "rules/promql_lex.h"
#include "rules/regex.h"

/* Whether the parts of a node, which have been checked themselves, may stand in it; sets its type.
 * FA_EPARSE with the column of the part that is wrong. */
int fa_promql_check(struct fa_promql_node *node, struct fa_err *err) FA_MUST_CHECK;
/* "there is no function x (did you mean y?)"; names as many as there are functions. */
int fa_promql_unknown(const char *name, const char *const *names, uint32_t from,
                      struct fa_err *err);

#endif

/* SPDX-License-Identifier: MIT */
/* PromQL's tokens, one at a time. For the parser alone. */
#ifndef FA_RULES_PROMQL_LEX_H
#define FA_RULES_PROMQL_LEX_H

#include "rules/promql.h"

enum fa_token_kind {
    FA_TOKEN_END,
    FA_TOKEN_WORD, /* a name or a keyword; with colons outside braces */
    FA_TOKEN_NUMBER,
    FA_TOKEN_DURATION,
    FA_TOKEN_STRING, /* with its quotes */
    FA_TOKEN_SIGN,   /* one of the marks below */
};

struct fa_token {
    enum fa_token_kind kind;
    struct fa_str text;
};

enum fa_lex_mode {
    FA_LEX_EXPRESSION,
    FA_LEX_BRACES,  /* words without colons; =~ and !~ */
    FA_LEX_BRACKET, /* a colon is a mark */
};

struct fa_lexer {
    struct fa_str text;
    size_t at; /* what is not read yet */
};

/* FA_EPARSE with the column. */
int fa_lex_next(struct fa_lexer *lexer, enum fa_lex_mode mode, struct fa_token *ret_token,
                struct fa_err *err) FA_MUST_CHECK;
/* What a string token says, taken from the arena. FA_EPARSE with the column relative to the text
 * that `whole` begins. */
int fa_lex_unquote(struct fa_str quoted, struct fa_str whole, struct fa_scratch *arena,
                   struct fa_str *ret_text, struct fa_err *err) FA_MUST_CHECK;
/* What a number token says. FA_EPARSE or FA_ERANGE. */
int fa_lex_number(struct fa_str text, double *ret_value) FA_MUST_CHECK;

#endif

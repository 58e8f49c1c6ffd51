/* SPDX-License-Identifier: MIT */
/* What the daemon's answers mean (daemon/api/API.md): every status becomes one of a few kinds, an
 * exit code and words for a person. */
#ifndef FA_CLIENT_API_H
#define FA_CLIENT_API_H

#include "client/client.h"

#include <jansson.h>

enum fa_answer_kind {
    FA_ANSWER_OK,          /* 2xx with JSON */
    FA_ANSWER_UNREACHABLE, /* no answer; a change may or may not have happened */
    FA_ANSWER_LATER,       /* 503 and its like: nothing happened, try again */
    FA_ANSWER_DENIED,      /* 401, 403 */
    FA_ANSWER_NOT_FOUND,   /* 404 */
    FA_ANSWER_CONFLICT,    /* 409 */
    FA_ANSWER_REFUSED,     /* other 4xx: the same again would be refused again */
    FA_ANSWER_STRANGE,     /* not as firealarmd speaks; a change may have happened */
    FA_ANSWER_STOPPED,     /* Ctrl-C; a change may have happened */
};

struct fa_answer {
    enum fa_answer_kind kind;
    long status;           /* 0: none came */
    json_t *json;          /* owned; NULL unless the body was JSON */
    struct fa_buf body;    /* as it came */
    struct fa_buf message; /* clean words for people, several lines; empty if OK */
};

/* POST when request is not NULL, else GET. Fills *ret_answer always. */
void fa_api_call(const struct fa_settings *settings, const char *path, const json_t *request,
                 struct fa_answer *ret_answer);
void fa_answer_done(struct fa_answer *answer);
/* The same for a body that came from anywhere: what a test and the fuzzer feed. Appends to buf. */
void fa_answer_read(struct fa_answer *answer, long status, struct fa_str body);
/* The exit code of a command that only asked. */
int fa_answer_exit(enum fa_answer_kind kind);

/* For commands that ask and print: complains on client->talk and returns an exit code, or returns
 * FA_EXIT_OK and the answer, which the caller frees. request is taken (NULL: GET). With --json the
 * body is printed and *ret_answer's json may be ignored: see fa_api_printed(). */
int fa_api_ask(struct fa_client *client, const char *path, json_t *request,
               struct fa_answer *ret_answer);
/* Prints the answer as it came if --json was given, and says so. */
bool fa_api_printed(struct fa_client *client, const struct fa_answer *answer);

/* A text of any bytes as JSON holds it: UTF-8 alone. */
json_t *fa_json_clean(const char *text);

/* Members of an answer, whatever somebody put there: a text or NULL, a number or 0. */
const char *fa_member_text(const json_t *object, const char *name);
json_int_t fa_member_int(const json_t *object, const char *name);
bool fa_member_is(const json_t *object, const char *name); /* true */
/* Of one of an answer's `errors`: the member that it is about, "where/0"; NULL. */
const char *fa_fault_member(const json_t *fault);

#endif

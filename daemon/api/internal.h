/* SPDX-License-Identifier: MIT */
/* What the routes share. */
#ifndef FA_API_INTERNAL_H
#define FA_API_INTERNAL_H

#include "api/api.h"
#include "alarms/describe.h"
#include "api/json.h"
#include "api/link.h"

#define FA_RECEIPT_TEXT_SIZE 48

#define FA_CALL_ID_SIZE 256

struct fa_api {
    struct fa_api_host host;
    struct fa_api_keys keys;
    char policy[256]; /* Content-Security-Policy of the pages */
    struct fa_api_listener *listeners;
};

/* Who asks. */
struct fa_caller {
    fa_person person; /* FA_NOBODY: a stranger */
    uint32_t uid;     /* FA_UID_NONE: none */
    bool by_token;
};

struct fa_call;
/* How answers look: JSON for programs, pages for people. Each function takes call->req. */
struct fa_face {
    void (*problem)(struct fa_call *call, int status, const char *detail);
    /* errors: array of {"pointer", "detail"}; taken. */
    void (*faults)(struct fa_call *call, json_t *errors);
    void (*previewed)(struct fa_call *call, const struct fa_preview *preview);
    void (*filed)(struct fa_call *call, const char *receipt, const struct fa_incident *incident,
                  const struct fa_preview *preview, bool already);
    void (*status)(struct fa_call *call, const struct fa_incident *incident);
};

struct fa_call {
    struct fa_api *api;
    struct fa_http_request *req;
    struct fa_caller caller;
    struct fa_engine *engine;
    const struct fa_setup *setup;
    const struct fa_directory *people;
    char id[FA_CALL_ID_SIZE]; /* the part of the path that a route leaves open */
    const struct fa_face *face;
    const struct fa_language *language; /* of a page, until fa_call_renew(); NULL: English */
    bool anybody;                       /* nobody was asked who he is: a page */
    json_t
        *form; /* of a page: what was typed, texts by name; who keeps the call keeps a reference */
};

typedef void fa_route_fn(struct fa_call *call);

/* After a wait: a reload may have come between, and a person's index is of one directory only.
 * Looks up the engine and who asks again; false after answering 401. */
bool fa_call_renew(struct fa_call *call);

/* api.c: answers; each takes call->req. */
void fa_answer_json(struct fa_call *call, int status, json_t *body); /* takes body too */
void fa_answer_problem(struct fa_call *call, int status, const char *detail);
/* The JSON face's, which filing.c puts together. */
void fa_json_problem(struct fa_call *call, int status, const char *detail);
void fa_json_faults(struct fa_call *call, json_t *errors);
extern const struct fa_face fa_json_face;
/* 422 with all faults; frees them. True when there were any. */
bool fa_answer_faults(struct fa_call *call, struct fa_faults *faults);
/* The problem that fits an engine's code. */
void fa_answer_code(struct fa_call *call, int code, const char *detail);

/* What a person on a page reads in the page's language, and a program in English. */
static inline const char *fa_call_text(const struct fa_call *call, enum fa_phrase phrase)
{
    return fa_phrase_text(call->language, phrase);
}

/* receipt.c */
#define FA_RECEIPT_TYPED_MAX 400 /* bytes, with all that may stand between symbols */
/* What a caller gets for material, which is the reporter's name and the client's key. */
struct fa_id fa_receipt_of(const struct fa_api *api, struct fa_str material);
/* The id of its filing. */
struct fa_incident_id fa_receipt_filing(const struct fa_api *api, struct fa_id receipt);
void fa_receipt_format(const struct fa_api *api, struct fa_id receipt, uint64_t n,
                       char buf[FA_RECEIPT_TEXT_SIZE]);
/* The sixteen symbols and what follows them, as people type or paste it; *ret_n is 0 for a number
 * that is not proved. */
int fa_receipt_parse(const struct fa_api *api, struct fa_str text, struct fa_id *ret_receipt,
                     uint64_t *ret_n) FA_MUST_CHECK;
/* filing.c: " Did you mean "NAME"?" of the directory's names, or "". */
void fa_call_suggest_person(const struct fa_call *call, const char *name, char *buf, size_t size);
fa_route_fn fa_route_guide, fa_route_preview, fa_route_file, fa_route_status;
/* The same for a page, which has read its form into root as a program writes it; borrowed. */
void fa_filing_preview(struct fa_call *call, json_t *root);
void fa_filing_take(struct fa_call *call, json_t *root);
/* comment may be NULL. */
void fa_status_take(struct fa_call *call, const char *receipt, const char *comment, bool done);
/* What the reporter may know: that it was told and owned, never by whom. The caller's. */
json_t *fa_status_json(const struct fa_call *call, const struct fa_incident *incident);
/* page_*.c */
fa_route_fn fa_page_index, fa_page_ack_show, fa_page_ack, fa_page_file_show, fa_page_file,
    fa_page_status_show, fa_page_status;
/* alarms.c */
fa_route_fn fa_route_alarm, fa_route_ack, fa_route_resolve, fa_route_comment, fa_route_recuse;
/* May the caller do that with it? alarm may be one of history. */
bool fa_call_may(const struct fa_call *call, const struct fa_alarm *alarm, enum fa_verb verb);
/* As lists have it; whole: with its summary and what is expected. */
json_t *fa_call_alarm_json(const struct fa_call *call, const struct fa_alarm *alarm, bool whole);
/* The open alarm that the path names, which the caller may do that with; NULL after an answer, or
 * with *ret_whole when history may have it: the id is whole, and nothing here begins so. */
const struct fa_alarm *fa_call_named_alarm(struct fa_call *call, enum fa_verb verb,
                                           struct fa_alarm_id *ret_whole);
#define FA_WORDS_NO_ALARM                                                                          \
    "There is no alarm with this id that you may see. A closed one is found by its whole id."
#define FA_WORDS_UNREADABLE "The store cannot be read now."
/* labels: canonical text. */
json_t *fa_labels_json(const char *labels);
/* Does this id begin with what somebody typed: at least four symbols, dashes and case aside? */
bool fa_call_id_begins(const char *id, struct fa_str typed);
/* explain.c, explain_rule.c */
fa_route_fn fa_route_explain, fa_route_rule;
/* As one of the alarms that it would raise. */
bool fa_call_may_see_rule(const struct fa_call *call, const struct fa_rule *rule);
/* A rule with nearly that name, of those that the caller may see; NULL: none. */
const char *fa_call_near_rule(const struct fa_call *call, const char *name);
/* sparse.c */
json_t *fa_seldom_json(const struct fa_call *call, struct fa_rules *rules);
/* silences.c */
fa_route_fn fa_route_drills, fa_route_drill_preview, fa_route_drill;
/* The last drill of each policy. */
void fa_drill_metrics(const struct fa_engine *engine, struct fa_buf *out);
fa_route_fn fa_route_silences, fa_route_silence_preview, fa_route_silence, fa_route_silence_end;
json_t *fa_call_silence_json(const struct fa_call *call, const struct fa_silence *silence);
/* Sets "owner" and "display". */
void fa_call_set_owner(const struct fa_call *call, json_t *item, const char *name);
/* A list of matchers under that name, of which one asks for something to be there. */
void fa_call_read_matchers(json_t *root, const char *name, struct fa_matchers *ret,
                           struct fa_faults *faults);
/* hiding.c */
fa_route_fn fa_route_hiding_preview;
/* list.c */
fa_route_fn fa_route_alarms;
/* oncall.c */
fa_route_fn fa_route_oncall;
/* weekly.c */
fa_route_fn fa_route_weekly;
/* ops.c */
/* Who is no operator: true after a 403. */
bool fa_call_refuse_others(struct fa_call *call);
fa_route_fn fa_route_outbox, fa_route_retry, fa_route_drop, fa_route_test, fa_route_fetch,
    fa_route_untested, fa_route_version, fa_route_backup, fa_route_backup_state, fa_route_feeds,
    fa_route_metrics, fa_route_healthy, fa_route_ready;

#endif

/* SPDX-License-Identifier: MIT */
/* Filing, its preview, its guide and its status. What a receipt is stands in receipt.c. */
#include "api/internal.h"
#include "base/crashpoint.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX    ((size_t)32 * 1024)
#define COMMENT_MAX ((size_t)8 * 1024)

/* "person:maria", "uid:1000"; "page" for whoever may be anybody. */
static void name_reporter(const struct fa_call *call, char *buf, size_t size)
{
    if (call->anybody) {
        snprintf(buf, size, "page");
    } else if (call->caller.person != FA_NOBODY) {
        snprintf(buf, size, "person:%s", call->people->people[call->caller.person].name);
    } else {
        snprintf(buf, size, "uid:%u", call->caller.uid);
    }
}

/* ---- the body of preview and filing ---- */

struct filing_body {
    struct fa_filing filing;
    char reporter[256];
    const char **about, **strike;
    struct fa_id receipt;
};

static const char *const level_names[] = {"solve", "help", "raise"};
static const char *const known_names[] = {"seen", "told", "heard"};

static int one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}

void fa_call_suggest_person(const struct fa_call *call, const char *name, char *buf, size_t size)
{
    size_t count = call->people->people_count;
    const char **names = fa_xcalloc(2 * count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = call->people->people[i].name;
        names[count + i] = call->people->people[i].display;
    }
    const char *near = fa_suggest(name, names, 2 * count);
    if (near != NULL && strcasecmp(near, name) == 0) {
        snprintf(buf, size, " Several may be meant: write the name that the list of people has.");
    } else {
        snprintf(buf, size, "%s%s%s", near != NULL ? " Did you mean \"" : "",
                 near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    free(names);
}

/* As people write it becomes the directory's own name: what is kept is asked of it again. */
static void know_names(const struct fa_call *call, const char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fa_person person = fa_directory_called(call->people, names[i]);
        names[i] = person != FA_NOBODY ? call->people->people[person].name : names[i];
    }
}

static void check_names(const struct fa_call *call, const char *member, const char **names,
                        size_t count, bool people_only, struct fa_faults *faults)
{
    for (size_t i = 0; i < count && !fa_faults_full(faults); i++) {
        struct fa_pset set;
        char hint[300];
        fa_pset_init(&set, call->people);
        int rc = people_only ? (fa_directory_find(call->people, fa_str_of(names[i])) == FA_NOBODY)
                             : fa_directory_resolve(call->people, fa_str_of(names[i]), &set);
        if (rc != 0) {
            fa_call_suggest_person(call, names[i], hint, sizeof hint);
            fa_json_fault(faults, member, "Nobody here is called \"%s\".%s", names[i], hint);
        }
        fa_pset_done(&set);
    }
}

/* A customer whose conduit the filing is about. */
static void check_customer(const struct fa_call *call, const char *name, struct fa_faults *faults)
{
    const struct fa_directory *dir = call->people;
    if (fa_directory_account(dir, name) != NULL) {
        return;
    }
    const char **names = calloc(dir->account_count + 1, sizeof(char *));
    for (size_t i = 0; names != NULL && i < dir->account_count; i++) {
        names[i] = dir->accounts[i].name;
    }
    const char *near = names != NULL ? fa_suggest(name, names, dir->account_count) : NULL;
    fa_json_fault(faults, "about",
                  "No customer \"%s\" is known here, so nobody knows their conduit.%s%s%s Name the "
                  "person, \"role:NAME\" or \"team:NAME\" instead.",
                  name, near != NULL ? " Did you mean \"" : "", near != NULL ? near : "",
                  near != NULL ? "\"?" : "");
    free(names);
}

/* "account.conduit" is the conduit of the customer whom the filing names. */
static void check_about(const struct fa_call *call, const struct filing_body *body,
                        struct fa_faults *faults)
{
    for (size_t i = 0; i < body->filing.about_count && !fa_faults_full(faults); i++) {
        const char *name = body->about[i], *customer = body->filing.customer;
        if (strncmp(name, FA_ABOUT_CONDUIT, strlen(FA_ABOUT_CONDUIT)) == 0) {
            check_customer(call, name + strlen(FA_ABOUT_CONDUIT), faults);
        } else if (strcmp(name, FA_TARGET_CONDUIT) != 0) {
            check_names(call, "about", &body->about[i], 1, false, faults);
        } else if (customer != NULL) {
            check_customer(call, customer, faults);
        } else {
            fa_json_fault(faults, "about",
                          "\"account.conduit\" is the conduit of the customer, and no customer is "
                          "given.");
        }
    }
}

/* Whoever reads it must know when that was: "yesterday" is another day tomorrow. */
static void check_since(const struct fa_call *call, const char *text, struct fa_faults *faults)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_err err;
    fa_time wall;
    if (text != NULL &&
        fa_parse_since(fa_str_of(text), host->now(host->ctx).wall, &wall, &err) != 0) {
        fa_json_fault(faults, "since", "\"%s\": %s.", text, err.text);
    }
}

static void check_choice(const char *member, const char *text, int found, const char *choices,
                         struct fa_faults *faults)
{
    if (text != NULL && found < 0) {
        fa_json_fault(faults, member, "\"%s\" is none of %s.", text, choices);
    }
}

static void read_category(const struct fa_call *call, json_t *root, struct filing_body *body,
                          struct fa_faults *faults)
{
    struct fa_json_text spec = {"category", 100, false, false};
    body->filing.category = fa_json_text(root, &spec, faults);
    if (body->filing.category == NULL) {
        body->filing.category = FA_CATEGORY_UNSORTED;
    } else if (fa_setup_category(call->setup, body->filing.category) == NULL) {
        const char *names[256];
        size_t count = 0;
        for (; count < call->setup->category_count && count < 256; count++) {
            names[count] = call->setup->categories[count].name;
        }
        const char *near = fa_suggest(body->filing.category, names, count);
        fa_json_fault(faults, "category", "There is no category \"%s\".%s%s%s",
                      body->filing.category, near != NULL ? " Did you mean \"" : "",
                      near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
}

static void read_key(struct fa_call *call, json_t *root, struct filing_body *body,
                     struct fa_faults *faults)
{
    struct fa_json_text spec = {"key", 64, true, false};
    const char *key = fa_json_text(root, &spec, faults);
    uint8_t bytes[16];
    char material[300];
    if (key == NULL) {
        return;
    }
    if (fa_unhex(fa_str_of(key), bytes, sizeof bytes) != 0) {
        fa_json_fault(faults, "key", "The key must be 32 lower-case hexadecimal digits.");
        return;
    }
    int len = snprintf(material, sizeof material, "%s|%s", body->reporter, key);
    body->receipt = fa_receipt_of(call->api, (struct fa_str){material, (size_t)len});
    body->filing.id = fa_receipt_filing(call->api, body->receipt);
}

static void read_body(struct fa_call *call, json_t *root, struct filing_body *body,
                      struct fa_faults *faults)
{
    const char *names[] = {"key",   "category", "customer", "text", "since", "known",
                           "about", "strike",   "level",    NULL,   NULL};
    struct fa_json_text customer = {"customer", 200, false, false},
                        since = {"since", 100, false, false}, text = {"text", TEXT_MAX, true, true},
                        known = {"known", 10, false, false}, level = {"level", 10, false, false};
    *body = (struct filing_body){0};
    name_reporter(call, body->reporter, sizeof body->reporter);
    if (call->anybody) { /* a name that is typed proves nothing */
        struct fa_json_text called = {"called", 200, false, false};
        names[9] = called.name;
        body->filing.called = fa_json_text(root, &called, faults);
    } else {
        body->filing.reporter = body->reporter;
    }
    fa_json_only(root, names, faults);
    read_key(call, root, body, faults);
    read_category(call, root, body, faults);
    body->filing.customer = fa_json_text(root, &customer, faults);
    body->filing.text = fa_json_text(root, &text, faults);
    body->filing.since = fa_json_text(root, &since, faults);
    check_since(call, body->filing.since, faults);
    const char *known_text = fa_json_text(root, &known, faults);
    int known_at = one_of(known_text, known_names, 3);
    check_choice("known", known_text, known_at, "seen, told, heard", faults);
    body->filing.known = known_at >= 0 ? (enum fa_known)known_at : FA_KNOWN_TOLD;
    const char *level_text = fa_json_text(root, &level, faults);
    body->filing.level = one_of(level_text, level_names, 3);
    check_choice("level", level_text, body->filing.level, "solve, help, raise", faults);
    body->filing.about_count = fa_json_texts(root, "about", 32, &body->about, faults);
    body->filing.struck_count = fa_json_texts(root, "strike", 256, &body->strike, faults);
    know_names(call, body->about, body->filing.about_count);
    know_names(call, body->strike, body->filing.struck_count);
    body->filing.about = body->about;
    body->filing.struck = body->strike;
    if (!call->anybody) {
        /* A page does not tell strangers who is here: a name that nobody has keeps out all but the
         * independent contacts. */
        check_about(call, body, faults);
        check_names(call, "strike", body->strike, body->filing.struck_count, true, faults);
    }
}

static void done_body(struct filing_body *body)
{
    free(body->about);
    free(body->strike);
}

/* ---- preview ---- */

static const char *role_of(const struct fa_person_entry *entry)
{
    return entry->role_count > 0 ? entry->roles[0] : NULL;
}

static json_t *told_json(const struct fa_call *call, const struct fa_preview *preview)
{
    json_t *told = json_array();
    for (size_t i = 0; i < preview->line_count; i++) {
        const struct fa_person_entry *entry = &call->people->people[preview->lines[i].person];
        json_t *line = json_object();
        fa_json_set_text(line, "name", entry->name);
        fa_json_set_text(line, "display", entry->display);
        fa_json_set_duration(line, "when", preview->lines[i].when);
        fa_json_set_text(line, "role", role_of(entry));
        json_array_append_new(told, line);
    }
    return told;
}

static void level_too_low(struct fa_call *call)
{
    struct fa_faults faults = {0};
    fa_json_fault(&faults, "level",
                  "This kind of problem is always raised: nobody should carry it alone.");
    fa_answer_faults(call, &faults);
}

/* Reads and checks; false after an answer. What it gives is the caller's to free. */
static bool check_filing(struct fa_call *call, json_t *root, struct filing_body *body,
                         struct fa_preview *preview)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_faults faults = {0};
    read_body(call, root, body, &faults);
    bool good = !fa_answer_faults(call, &faults);
    if (good &&
        fa_engine_preview(call->engine, &body->filing, host->now(host->ctx).wall, preview) != 0) {
        level_too_low(call);
        good = false;
    }
    if (!good) {
        done_body(body);
    }
    return good;
}

static void show_preview(struct fa_call *call, const struct fa_preview *preview)
{
    json_t *answer = json_object();
    fa_json_set_text(answer, "level", level_names[preview->level]);
    fa_json_set_text(answer, "guidance", level_names[preview->guidance]);
    fa_json_set_text(answer, "hint", preview->hint);
    if (preview->due > 0) {
        fa_json_set_measured(answer, "due", preview->due, preview->due_measure);
    } else {
        fa_json_set_text(answer, "due", NULL);
    }
    json_object_set_new(answer, "told", told_json(call, preview));
    json_object_set_new(answer, "independent", json_boolean(preview->independent));
    json_object_set_new(answer, "nobody", json_boolean(preview->nobody));
    fa_answer_json(call, 200, answer);
}

void fa_filing_preview(struct fa_call *call, json_t *root)
{
    struct filing_body body;
    struct fa_preview preview;
    if (check_filing(call, root, &body, &preview)) {
        call->face->previewed(call, &preview);
        fa_preview_done(&preview);
        done_body(&body);
    }
}

void fa_route_preview(struct fa_call *call)
{
    json_t *root = fa_json_body(call->req);
    if (root != NULL) {
        fa_filing_preview(call, root);
        json_decref(root);
    }
}

/* ---- what came of it ---- */

struct progress {
    size_t told;
    fa_time told_first, owned; /* 0: never */
    bool is_owned;             /* now */
    bool is_on_its_way;        /* somebody is being told, or will be without a change */
    fa_time until, overdue;
};

static void count_alarm(const struct fa_alarm *alarm, struct progress *progress)
{
    progress->told += alarm->told_count;
    fa_time first = fa_alarm_first_told(alarm);
    if (first != 0 && (progress->told_first == 0 || first < progress->told_first)) {
        progress->told_first = first;
    }
    progress->is_on_its_way |= alarm->notifications != NULL || !alarm->climbing ||
                               alarm->clock == FA_CLOCK_OPENING || alarm->state != FA_ALARM_UNACKED;
    progress->owned = alarm->people->owned != 0 ? alarm->people->owned : progress->owned;
    if (alarm->state == FA_ALARM_ACKED) {
        progress->is_owned = true;
        progress->until = alarm->people->promised;
    } else if ((alarm->flags & FA_FLAG_OVERDUE) != 0) {
        progress->overdue = alarm->changed;
    }
}

/* Closed alarms have left their numbers in the filing; open ones are asked. */
static struct progress progress_of(const struct fa_call *call, const struct fa_incident *incident)
{
    struct progress progress = {
        .told = incident->told, .told_first = incident->told_first, .owned = incident->owned};
    for (size_t i = 0; i < incident->alarm_count; i++) {
        const struct fa_alarm *alarm = fa_engine_alarm(call->engine, incident->alarms[i]);
        if (alarm != NULL && alarm->state != FA_ALARM_RESOLVED) {
            count_alarm(alarm, &progress);
        }
    }
    return progress;
}

/* It climbs, and reached nobody with all that it could try. */
static bool is_unheard(const struct fa_incident *incident, const struct progress *progress)
{
    return incident->state == FA_INCIDENT_RAISED && progress->told == 0 && !progress->is_on_its_way;
}

/* ---- filing ---- */

/* The key comes first: what was filed under it is the answer, whatever the rest of the body says
 * and whatever a reload has taken away since. Only a key that neither the engine nor history knows
 * makes a new filing. */
struct late_filing {
    struct fa_call call;
    struct fa_incident_id id;
    json_t *root;
};

static void answer_filed(struct fa_call *call, struct fa_id receipt,
                         const struct fa_incident *incident, const struct fa_preview *preview,
                         bool already)
{
    char text[FA_RECEIPT_TEXT_SIZE];
    fa_receipt_format(call->api, receipt, incident->journal_n, text);
    call->face->filed(call, text, incident, preview, already);
}

static void show_filed(struct fa_call *call, const char *receipt,
                       const struct fa_incident *incident, const struct fa_preview *preview,
                       bool already)
{
    json_t *answer = json_object();
    fa_json_set_text(answer, "receipt", receipt);
    fa_json_set_text(answer, "level", level_names[incident->level]);
    json_object_set_new(answer, "already", json_boolean(already));
    json_object_set_new(answer, "told", told_json(call, preview));
    json_object_set_new(answer, "nobody", json_boolean(preview->nobody));
    fa_json_set_time(
        answer, "due",
        incident->state == FA_INCIDENT_OPEN ? incident->due.armed + incident->due.length : 0);
    fa_answer_json(call, already ? 200 : 201, answer);
}

/* `told` is what the stored filing would do today: empty when its category is gone. */
static void answer_known(struct fa_call *call, struct fa_id receipt,
                         const struct fa_incident *incident)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_preview preview = {0};
    struct fa_filing filing = {
        .id = incident->id,
        .category = incident->category,
        .customer = incident->customer,
        .text = incident->text,
        .since = incident->since,
        .reporter = incident->reporter,
        .known = incident->known,
        .about = (const char *const *)incident->about,
        .struck = (const char *const *)incident->struck,
        .about_count = incident->about_count,
        .struck_count = incident->struck_count,
        .level = (int)incident->level,
    };
    (void)!fa_engine_preview(call->engine, &filing, host->now(host->ctx).wall, &preview);
    const struct progress progress = progress_of(call, incident);
    preview.nobody =
        preview.nobody && (incident->state == FA_INCIDENT_OPEN || is_unheard(incident, &progress));
    answer_filed(call, receipt, incident, &preview, true);
    fa_preview_done(&preview);
}

static void file_checked(struct fa_call *call, struct filing_body *body,
                         const struct fa_preview *preview)
{
    const struct fa_api_host *host = &call->api->host;
    const char *refusing = host->refusing(host->ctx);
    if (refusing != NULL) {
        fa_answer_problem(call, 503, refusing);
        return;
    }
    struct fa_event event = {.kind = FA_EV_FILE, .u.file = &body->filing};
    body->filing.journal_n = host->next_journal(host->ctx);
    struct fa_api_answer answer = host->step(host->ctx, &event);
    FA_CRASHPOINT("api.after_filing");
    if (answer.code != 0) {
        fa_answer_code(call, answer.code,
                       fa_call_text(call, answer.code == FA_EFULL ? FA_PHRASE_REFUSED_MANY
                                                                  : FA_PHRASE_REFUSED_FILING));
        return;
    }
    const struct fa_incident *incident = fa_engine_incident(call->engine, body->filing.id);
    fa_assert(incident != NULL);
    answer_filed(call, body->receipt, incident, preview, answer.already);
}

static void file_new(struct fa_call *call, json_t *root)
{
    struct filing_body body;
    struct fa_preview preview;
    if (check_filing(call, root, &body, &preview)) {
        file_checked(call, &body, &preview);
        fa_preview_done(&preview);
        done_body(&body);
    }
}

/* Who files under which key; false: it is no key. */
static bool read_identity(struct fa_call *call, json_t *root, struct filing_body *body)
{
    struct fa_faults faults = {0};
    *body = (struct filing_body){0};
    name_reporter(call, body->reporter, sizeof body->reporter);
    read_key(call, root, body, &faults);
    bool good = faults.list == NULL;
    json_decref(faults.list);
    return good;
}

static void answer_late(struct late_filing *late, const struct fa_store_answer *answer)
{
    struct fa_call *call = &late->call;
    struct filing_body body;
    struct fa_incident *old = NULL;
    if (!read_identity(call, late->root, &body) || !fa_id_eq(body.filing.id.id, late->id.id)) {
        fa_filing_take(call, late->root); /* a reload: the caller has another name now */
        return;
    }
    const struct fa_incident *incident = fa_engine_incident(call->engine, late->id);
    if (incident != NULL) {
        answer_known(call, body.receipt, incident);
    } else if (answer->code == 0 && answer->row_count == 1 &&
               fa_engine_read_incident(call->engine, answer->rows[0].value, &old) == 0) {
        answer_known(call, body.receipt, old);
        fa_incident_free(old);
    } else if (answer->code != FA_ENOTFOUND) {
        fa_answer_problem(call, 503, fa_call_text(call, FA_PHRASE_REFUSED_KEY));
    } else {
        file_new(call, late->root);
    }
}

static void on_history(void *ctx, const struct fa_store_answer *answer)
{
    struct late_filing *late = ctx;
    if (fa_call_renew(&late->call)) {
        answer_late(late, answer);
    }
    json_decref(late->root);
    json_decref(late->call.form);
    free(late);
}

void fa_filing_take(struct fa_call *call, json_t *root)
{
    const struct fa_api_host *host = &call->api->host;
    const char *refusing = host->refusing(host->ctx);
    struct filing_body body;
    if (!read_identity(call, root, &body)) {
        file_new(call, root); /* which names all faults, the key's among them */
        return;
    }
    const struct fa_incident *incident = fa_engine_incident(call->engine, body.filing.id);
    if (incident != NULL) {
        answer_known(call, body.receipt, incident);
    } else if (refusing != NULL) {
        /* Before any fault is told: history may know the key. */
        fa_answer_problem(call, 503, refusing);
    } else if (!host->may_know(host->ctx, body.filing.id)) {
        file_new(call, root);
    } else {
        struct late_filing *late = fa_xcalloc(1, sizeof *late);
        *late = (struct late_filing){*call, body.filing.id, json_incref(root)};
        json_incref(late->call.form);
        fa_store_get(host->store(host->ctx), FA_ROW_INCIDENT,
                     (struct fa_str){(const char *)late->id.id.bytes, FA_ID_BYTES}, on_history,
                     late);
    }
}

void fa_route_file(struct fa_call *call)
{
    json_t *root = fa_json_body(call->req);
    if (root != NULL) {
        fa_filing_take(call, root);
        json_decref(root);
    }
}

/* ---- status ---- */

static void add_event(json_t *events, fa_time when, const char *what, const char *text)
{
    json_t *event = json_object();
    fa_json_set_time(event, "time", when);
    fa_json_set_text(event, "what", what);
    fa_json_set_text(event, "text", text);
    json_array_append_new(events, event);
}

static void add_progress(const struct progress *progress, json_t *events)
{
    if (progress->told_first != 0) {
        add_event(events, progress->told_first, "told", NULL);
    }
    if (progress->owned != 0) {
        add_event(events, progress->owned, "owned", NULL);
    }
    if (progress->overdue != 0) {
        add_event(events, progress->overdue, "overdue", NULL);
    }
}

json_t *fa_status_json(const struct fa_call *call, const struct fa_incident *incident)
{
    static const char *const states[] = {"open", "open", "closed"};
    json_t *answer = json_object(), *events = json_array();
    struct progress progress = progress_of(call, incident);
    add_event(events, incident->filed, "filed", NULL);
    add_progress(&progress, events);
    for (size_t i = 0; i < incident->comment_count; i++) {
        add_event(events, incident->comments[i].when, "comment", incident->comments[i].text);
    }
    if (incident->state == FA_INCIDENT_CLOSED) {
        add_event(events, incident->closed, "closed", NULL);
    }
    bool owned = progress.is_owned && incident->state == FA_INCIDENT_RAISED;
    fa_json_set_time(answer, "filed", incident->filed);
    fa_json_set_text(answer, "category", incident->category);
    fa_json_set_text(answer, "level", level_names[incident->level]);
    fa_json_set_text(answer, "state", owned ? "owned" : states[incident->state]);
    json_object_set_new(answer, "told", json_integer((json_int_t)progress.told));
    json_object_set_new(answer, "nobody", json_boolean(is_unheard(incident, &progress)));
    fa_json_set_time(answer, "owned_until", owned ? progress.until : 0);
    fa_json_set_time(
        answer, "due",
        incident->state == FA_INCIDENT_OPEN ? incident->due.armed + incident->due.length : 0);
    json_object_set_new(answer, "words",
                        json_pack("{s:I,s:I}", "kept", (json_int_t)incident->kept, "missed",
                                  (json_int_t)incident->missed));
    json_object_set_new(answer, "events", events);
    return answer;
}

static void show_status(struct fa_call *call, const struct fa_incident *incident)
{
    fa_answer_json(call, 200, fa_status_json(call, incident));
}

const struct fa_face fa_json_face = {
    .problem = fa_json_problem,
    .faults = fa_json_faults,
    .previewed = show_preview,
    .filed = show_filed,
    .status = show_status,
};

struct late_status {
    struct fa_call call;
    bool worded; /* the reporter says something: too late */
    uint64_t n;  /* the receipt's journal number, if it is proved */
};

/* What was answered "accepted" is kept: that it is not there is the store's fault. */
static void answer_lost(struct fa_call *call, uint64_t n)
{
    const struct fa_api_host *host = &call->api->host;
    host->lost(host->ctx, n);
    fa_answer_problem(call, 409, fa_call_text(call, FA_PHRASE_REFUSED_OLD_STORE));
}

static void on_old_status(void *ctx, const struct fa_store_answer *answer)
{
    struct late_status *late = ctx;
    struct fa_call *call = &late->call;
    struct fa_incident *old = NULL;
    if (!fa_call_renew(call)) {
        /* answered */
    } else if (answer->code == FA_ENOTFOUND && late->n > 0) {
        answer_lost(call, late->n);
    } else if (answer->code == FA_ENOTFOUND) {
        fa_answer_problem(call, 404, fa_call_text(call, FA_PHRASE_REFUSED_UNKNOWN));
    } else if (answer->code != 0 || answer->row_count != 1 ||
               fa_engine_read_incident(call->engine, answer->rows[0].value, &old) != 0) {
        fa_answer_problem(call, 503, fa_call_text(call, FA_PHRASE_REFUSED_STORE));
    } else if (late->worded) {
        fa_answer_problem(call, 409, fa_call_text(call, FA_PHRASE_REFUSED_CLOSED));
    } else {
        call->face->status(call, old);
    }
    if (old != NULL) {
        fa_incident_free(old);
    }
    json_decref(late->call.form);
    free(late);
}

static void look_in_history(struct fa_call *call, struct fa_incident_id id, bool worded, uint64_t n)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_store *store = host->store(host->ctx);
    if (store == NULL) {
        fa_answer_problem(call, 503, host->refusing(host->ctx));
        return;
    }
    struct late_status *late = fa_xcalloc(1, sizeof *late);
    *late = (struct late_status){*call, worded, n};
    json_incref(late->call.form);
    fa_store_get(store, FA_ROW_INCIDENT, (struct fa_str){(const char *)id.id.bytes, FA_ID_BYTES},
                 on_old_status, late);
}

static void status_of(struct fa_call *call, struct fa_incident_id id, uint64_t n,
                      const char *comment, bool done)
{
    const struct fa_api_host *host = &call->api->host;
    if (fa_engine_incident(call->engine, id) == NULL) {
        look_in_history(call, id, comment != NULL || done, n);
        return;
    }
    if (comment != NULL || done) {
        struct fa_event event = {.kind = FA_EV_REPORTER,
                                 .u.reporter = {.incident = id, .text = comment, .done = done}};
        struct fa_api_answer answer = host->step(host->ctx, &event);
        if (answer.code == FA_EFULL) {
            /* Not 503: it will not fit later either. */
            fa_answer_problem(call, 409, fa_call_text(call, FA_PHRASE_REFUSED_FULL));
            return;
        }
        if (answer.code != 0) {
            fa_answer_code(call, answer.code, fa_call_text(call, FA_PHRASE_REFUSED_CLOSING));
            return;
        }
    }
    call->face->status(call, fa_engine_incident(call->engine, id));
}

void fa_status_take(struct fa_call *call, const char *receipt, const char *comment, bool done)
{
    struct fa_id secret;
    uint64_t n = 0;
    if (fa_receipt_parse(call->api, fa_str_of(receipt), &secret, &n) != 0) {
        fa_answer_problem(call, 422, fa_call_text(call, FA_PHRASE_REFUSED_RECEIPT));
        return;
    }
    status_of(call, fa_receipt_filing(call->api, secret), n, comment, done);
}

void fa_route_status(struct fa_call *call)
{
    static const char *const names[] = {"receipt", "comment", "done", NULL};
    struct fa_json_text receipt = {"receipt", FA_RECEIPT_TYPED_MAX, true, false},
                        comment = {"comment", COMMENT_MAX, false, true};
    struct fa_faults faults = {0};
    struct fa_id secret;
    uint64_t n = 0;
    json_t *root = fa_json_body(call->req);
    if (root == NULL) {
        return;
    }
    fa_json_only(root, names, &faults);
    const char *text = fa_json_text(root, &receipt, &faults);
    const char *word = fa_json_text(root, &comment, &faults);
    bool done = fa_json_bool(root, "done", &faults);
    if (text != NULL && fa_receipt_parse(call->api, fa_str_of(text), &secret, &n) != 0) {
        fa_json_fault(&faults, "receipt", "%s", fa_call_text(call, FA_PHRASE_REFUSED_RECEIPT));
    }
    if (!fa_answer_faults(call, &faults)) {
        status_of(call, fa_receipt_filing(call->api, secret), n, word, done);
    }
    json_decref(root);
}

/* ---- guide ---- */

static json_t *category_json(const struct fa_category *category)
{
    json_t *item = json_object(), *examples = json_array();
    for (size_t i = 0; i < category->example_count; i++) {
        json_array_append_new(examples, json_string(category->examples[i]));
    }
    fa_json_set_text(item, "name", category->name);
    fa_json_set_text(item, "title", category->title);
    json_object_set_new(item, "examples", examples);
    fa_json_set_text(item, "guidance", level_names[category->guidance]);
    fa_json_set_text(item, "hint", category->hint);
    fa_json_set_measured(item, "due", category->due, category->due_measure);
    fa_json_set_text(item, "value", category->value);
    return item;
}

static json_t *value_json(const struct fa_value *value)
{
    json_t *item = json_object(), *violations = json_array();
    for (size_t i = 0; i < value->violation_count; i++) {
        json_array_append_new(violations, json_string(value->violations[i]));
    }
    fa_json_set_text(item, "name", value->name);
    fa_json_set_text(item, "title", value->title);
    json_object_set_new(item, "violations", violations);
    return item;
}

static json_t *named_json(const char *prefix, const char *name, const char *display)
{
    json_t *item = json_object();
    char text[300];
    snprintf(text, sizeof text, "%s%s", prefix, name);
    fa_json_set_text(item, "name", text);
    fa_json_set_text(item, "display", display != NULL ? display : name);
    return item;
}

void fa_route_guide(struct fa_call *call)
{
    json_t *answer = json_object(), *categories = json_array(), *values = json_array(),
           *people = json_array(), *groups = json_array();
    for (size_t i = 0; i < call->setup->category_count; i++) {
        json_array_append_new(categories, category_json(&call->setup->categories[i]));
    }
    for (size_t i = 0; i < call->setup->value_count; i++) {
        json_array_append_new(values, value_json(&call->setup->values[i]));
    }
    for (size_t i = 0; i < call->people->people_count; i++) {
        const struct fa_person_entry *entry = &call->people->people[i];
        json_t *person = named_json("", entry->name, entry->display), *aliases = json_array();
        for (size_t a = 0; a < entry->alias_count; a++) {
            json_array_append_new(aliases, json_string(entry->aliases[a]));
        }
        json_object_set_new(person, "aliases", aliases);
        json_array_append_new(people, person);
    }
    for (size_t i = 0; i < call->people->team_count; i++) {
        const struct fa_team_entry *team = &call->people->teams[i];
        json_array_append_new(groups, named_json("team:", team->name, team->display));
    }
    fa_json_set_text(answer, "company", call->api->host.company);
    if (call->caller.person != FA_NOBODY) {
        const struct fa_person_entry *me = &call->people->people[call->caller.person];
        json_object_set_new(answer, "you", named_json("", me->name, me->display));
    } else {
        json_object_set_new(answer, "you", json_null());
    }
    json_object_set_new(answer, "categories", categories);
    json_object_set_new(answer, "values", values);
    json_object_set_new(answer, "people", people);
    json_object_set_new(answer, "groups", groups);
    fa_json_set_text(answer, "notice", call->api->host.notice);
    fa_answer_json(call, 200, answer);
}

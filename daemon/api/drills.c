/* SPDX-License-Identifier: MIT */
/* Drills over HTTP, for operators: whom one would tell now, beginning one, and how the last one of
 * each policy went. What happens meanwhile is read off the drill's alarm, as of any alarm. */
#include "api/internal.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

/* The longest that somebody may take to answer. */
#define WITHIN_MIN (10 * FA_SECOND)
#define WITHIN_MAX FA_DAY

/* True after a 403. */
static bool refuse_others(struct fa_call *call)
{
    const struct fa_object nothing = {.reporter = FA_NOBODY};
    if (fa_may(call->people, (struct fa_viewer){call->caller.person}, FA_VERB_DRILL, &nothing)) {
        return false;
    }
    fa_answer_problem(call, 403, "This is for operators (operator = true in the directory).");
    return true;
}

static const char *display_of(const struct fa_call *call, const char *name)
{
    fa_person person = name != NULL ? fa_directory_find(call->people, fa_str_of(name)) : FA_NOBODY;
    const char *display = person != FA_NOBODY ? call->people->people[person].display : NULL;
    return display != NULL ? display : name;
}

static json_t *drill_json(const struct fa_call *call, const struct fa_drill *drill)
{
    char id[FA_ID_TEXT_SIZE];
    json_t *item = json_object();
    fa_json_set_text(item, "policy", drill->policy);
    fa_json_set_text(item, "state", fa_drill_state_name(drill->state));
    fa_json_set_text(item, "alarm", fa_id_format(drill->alarm.id, id));
    fa_json_set_text(item, "by", drill->by);
    fa_json_set_time(item, "began", drill->began);
    fa_json_set_time(item, "until", drill->until);
    fa_json_set_time(item, "ended", drill->ended);
    fa_json_set_text(item, "who", drill->who);
    fa_json_set_text(item, "display", display_of(call, drill->who));
    json_object_set_new(item, "answer_ms",
                        drill->state == FA_DRILL_PASSED ? json_integer(drill->ended - drill->began)
                                                        : json_null());
    return item;
}

struct list {
    const struct fa_call *call;
    json_t *drills;
};

static void add_drill(void *ctx, const struct fa_drill *drill)
{
    struct list *list = ctx;
    json_array_append_new(list->drills, drill_json(list->call, drill));
}

void fa_route_drills(struct fa_call *call)
{
    struct list list = {call, NULL};
    if (refuse_others(call)) {
        return;
    }
    list.drills = json_array();
    fa_engine_each_drill(call->engine, add_drill, &list);
    json_t *body = json_object();
    json_object_set_new(body, "drills", list.drills);
    fa_answer_json(call, 200, body);
}

/* ---- what is asked for ---- */

struct wish {
    const char *policy; /* borrowed from root */
    fa_time within;
    bool urgent;
};

static void no_policy(const struct fa_call *call, const char *name, struct fa_faults *faults)
{
    const char **names = fa_xcalloc(call->setup->policy_count + 1, sizeof *names);
    for (size_t i = 0; i < call->setup->policy_count; i++) {
        names[i] = call->setup->policies[i].name;
    }
    const char *near = fa_suggest(name, names, call->setup->policy_count);
    fa_json_fault(faults, "policy", "There is no policy \"%s\".%s%s%s", name,
                  near != NULL ? " Did you mean \"" : "", near != NULL ? near : "",
                  near != NULL ? "\"?" : "");
    free(names);
}

/* False after an answer. */
static bool read_wish(struct fa_call *call, json_t *root, struct wish *ret)
{
    static const char *const names[] = {"policy", "within", "now", NULL};
    const struct fa_json_text spec = {"policy", 200, true, false};
    struct fa_faults faults = {0};
    fa_json_only(root, names, &faults);
    ret->policy = fa_json_text(root, &spec, &faults);
    ret->within = fa_json_duration(root, "within", &faults);
    ret->urgent = fa_json_bool(root, "now", &faults);
    if (ret->policy != NULL && fa_setup_policy(call->setup, ret->policy) == NULL) {
        no_policy(call, ret->policy, &faults);
    }
    if (ret->within != 0 && (ret->within < WITHIN_MIN || ret->within > WITHIN_MAX)) {
        fa_json_fault(&faults, "within", "Between 10s and 1d.");
    }
    return !fa_answer_faults(call, &faults);
}

static json_t *people_json(const struct fa_call *call, const struct fa_drill_plan *plan)
{
    json_t *people = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const struct fa_drill_target *target = &plan->targets[i];
        const char *name = call->people->people[target->person].name;
        json_t *item = json_object();
        fa_json_set_text(item, "person", name);
        fa_json_set_text(item, "display", display_of(call, name));
        fa_json_set_text(item, "channel", target->channel);
        fa_json_set_time(item, "quiet", target->quiet > plan->at ? target->quiet : 0);
        json_array_append_new(people, item);
    }
    return people;
}

static void preview(struct fa_call *call, const struct wish *wish)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_drill_plan plan;
    int rc = fa_engine_plan_drill(call->engine, wish->policy, host->now(host->ctx).wall, &plan);
    if (rc != 0) {
        fa_answer_problem(call, 409, "No step of this policy means anybody now.");
    } else {
        json_t *body = json_object();
        fa_json_set_text(body, "policy", wish->policy);
        json_object_set_new(body, "step", json_integer(plan.step + 1));
        fa_json_set_duration(body, "within", wish->within > 0 ? wish->within : plan.within);
        fa_json_set_time(body, "opens", plan.opens > plan.at ? plan.opens : 0);
        json_object_set_new(body, "people", people_json(call, &plan));
        fa_answer_json(call, 200, body);
    }
    fa_drill_plan_done(&plan);
}

static const char *words_of(int code)
{
    switch (code) {
    case FA_EEXISTS:
        return "A drill of this policy is under way.";
    case FA_ECONFLICT:
        return "The alarm about the last drill of this policy, which failed, is still open: resolve "
               "it first.";
    case FA_EAGAIN:
        return "Somebody whom it would tell has quiet hours, or its first step is told to nobody "
               "now: see the preview. \"now\" disturbs people in their quiet hours.";
    default:
        return "No step of this policy means anybody now.";
    }
}

static void begin(struct fa_call *call, const struct wish *wish)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_event event = {
        .kind = FA_EV_DRILL,
        .u.drill = {.policy = wish->policy,
                    .who = call->people->people[call->caller.person].name,
                    .within = wish->within,
                    .urgent = wish->urgent},
    };
    struct fa_api_answer answer = host->step(host->ctx, &event);
    if (answer.code != 0) {
        fa_answer_problem(call, 409, words_of(answer.code));
        return;
    }
    fa_answer_json(call, 201, drill_json(call, fa_engine_drill(call->engine, wish->policy)));
}

static void ask(struct fa_call *call, void (*answer)(struct fa_call *call, const struct wish *wish))
{
    struct wish wish;
    json_t *root = refuse_others(call) ? NULL : fa_json_body(call->req);
    if (root == NULL) {
        return;
    }
    if (read_wish(call, root, &wish)) {
        answer(call, &wish);
    }
    json_decref(root);
}

void fa_route_drill_preview(struct fa_call *call)
{
    ask(call, preview);
}

void fa_route_drill(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    const char *refusing = host->refusing(host->ctx);
    if (refusing != NULL) {
        fa_answer_problem(call, 503, refusing);
    } else {
        ask(call, begin);
    }
}

/* ---- metrics ---- */

static void put_passed(void *ctx, const struct fa_drill *drill)
{
    if (drill->state != FA_DRILL_RUNNING) {
        fa_buf_printf(ctx, "firealarm_drill_passed{policy=\"%s\"} %d\n", drill->policy,
                      drill->state == FA_DRILL_PASSED);
    }
}

static void put_time(void *ctx, const struct fa_drill *drill)
{
    fa_buf_printf(ctx, "firealarm_drill_time_seconds{policy=\"%s\"} %lld\n", drill->policy,
                  (long long)(drill->began / FA_SECOND));
}

static void put_answer(void *ctx, const struct fa_drill *drill)
{
    if (drill->state == FA_DRILL_PASSED) {
        fa_buf_printf(ctx, "firealarm_drill_answer_ms{policy=\"%s\"} %lld\n", drill->policy,
                      (long long)(drill->ended - drill->began));
    }
}

void fa_drill_metrics(const struct fa_engine *engine, struct fa_buf *out)
{
    static const struct {
        const char *name, *help;
        fa_drill_fn *put;
    } rows[] = {
        {"passed", "Was the last drill of the policy answered in time?", put_passed},
        {"time_seconds", "When the last drill of the policy began.", put_time},
        {"answer_ms", "How long until somebody answered it.", put_answer},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fa_buf_printf(out, "# TYPE firealarm_drill_%s gauge\n# HELP firealarm_drill_%s %s\n",
                      rows[i].name, rows[i].name, rows[i].help);
        fa_engine_each_drill(engine, rows[i].put, out);
    }
}

/* SPDX-License-Identifier: MIT */
/* Reads answers. What matters most is what a filing's sender makes of a kind: OK, REFUSED and
 * CONFLICT are settled, everything else stays in the spool. A 2xx that is no JSON is not believed:
 * a captive portal says 200 to everything. */
#include "client/api.h"

#include "base/panic.h"
#include "client/http.h"

#include <stdlib.h>
#include <string.h>

const char *fa_member_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

json_int_t fa_member_int(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

bool fa_member_is(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static enum fa_answer_kind kind_of(long status, const json_t *json)
{
    if (status >= 200 && status <= 299) {
        return json_is_object(json) ? FA_ANSWER_OK : FA_ANSWER_STRANGE;
    }
    switch (status) {
    case 408:
    case 425:
    case 429:
        return FA_ANSWER_LATER;
    case 401:
    case 403:
        return FA_ANSWER_DENIED;
    case 404:
        return FA_ANSWER_NOT_FOUND;
    case 409:
        return FA_ANSWER_CONFLICT;
    default:
        break;
    }
    if (status >= 500 && status <= 599) {
        return FA_ANSWER_LATER;
    }
    return status >= 400 && status <= 499 ? FA_ANSWER_REFUSED : FA_ANSWER_STRANGE;
}

static const char *own_words(enum fa_answer_kind kind)
{
    switch (kind) {
    case FA_ANSWER_LATER:
        return "The daemon cannot do it now; try again in a while.";
    case FA_ANSWER_DENIED:
        return "The daemon does not allow you that.";
    case FA_ANSWER_NOT_FOUND:
        return "There is no such thing, or none that you may know of.";
    case FA_ANSWER_CONFLICT:
        return "That does not go with how things are now.";
    case FA_ANSWER_REFUSED:
        return "The daemon refused it.";
    case FA_ANSWER_OK:
    case FA_ANSWER_UNREACHABLE:
    case FA_ANSWER_STRANGE:
    case FA_ANSWER_STOPPED:
        break;
    }
    return "What answers does not speak as firealarmd does.";
}

static void add_clean(struct fa_buf *buf, const char *text)
{
    fa_clean(buf, fa_str_of(text), false);
}

const char *fa_fault_member(const json_t *fault)
{
    const char *at = fa_member_text(fault, "pointer");
    at = at != NULL && at[0] == '#' ? at + 1 : at;
    return at != NULL && at[0] == '/' ? at + 1 : at;
}

/* RFC 9457, or our own words where the daemon has none. */
static void explain(struct fa_answer *answer)
{
    const char *detail = fa_member_text(answer->json, "detail");
    const json_t *errors = json_object_get(answer->json, "errors"), *item;
    size_t i;
    if (detail == NULL) {
        detail = fa_member_text(answer->json, "title");
    }
    add_clean(&answer->message, detail != NULL ? detail : own_words(answer->kind));
    json_array_foreach(errors, i, item)
    {
        const char *member = fa_fault_member(item);
        fa_buf_puts(&answer->message, "\n  ");
        if (member != NULL) {
            add_clean(&answer->message, member);
            fa_buf_puts(&answer->message, ": ");
        }
        const char *what = fa_member_text(item, "detail");
        add_clean(&answer->message, what != NULL ? what : "not valid");
    }
}

static void answer_init(struct fa_answer *answer)
{
    *answer = (struct fa_answer){0};
    fa_buf_init(&answer->body, FA_REPLY_MAX);
    fa_buf_init(&answer->message, 64u << 10);
}

void fa_answer_read(struct fa_answer *answer, long status, struct fa_str body)
{
    answer_init(answer);
    fa_buf_putstr(&answer->body, body);
    answer->status = status;
    answer->json = json_loadb(body.ptr, body.len, 0, NULL);
    answer->kind = kind_of(status, answer->json);
    if (answer->kind != FA_ANSWER_OK) {
        explain(answer);
    }
}

void fa_api_call(const struct fa_settings *settings, const char *path, const json_t *request,
                 struct fa_answer *ret_answer)
{
    struct fa_reply reply;
    struct fa_err err;
    char *body = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
    fa_assert(request == NULL || body != NULL);
    int rc = fa_http_call(settings, path, body, &reply, &err);
    if (body != NULL) {
        explicit_bzero(body, strlen(body));
        free(body);
    }
    if (rc == 0) {
        fa_answer_read(ret_answer, reply.status, fa_buf_str(&reply.body));
        fa_reply_done(&reply);
        return;
    }
    answer_init(ret_answer);
    ret_answer->kind = rc == FA_ECLOSED                      ? FA_ANSWER_STOPPED
                       : rc == FA_ETOOBIG || rc == FA_EPROTO ? FA_ANSWER_STRANGE
                                                             : FA_ANSWER_UNREACHABLE;
    add_clean(&ret_answer->message, err.text);
}

void fa_answer_done(struct fa_answer *answer)
{
    json_decref(answer->json);
    fa_buf_done(&answer->body);
    fa_buf_done(&answer->message);
    answer->json = NULL;
}

int fa_answer_exit(enum fa_answer_kind kind)
{
    switch (kind) {
    case FA_ANSWER_OK:
        return FA_EXIT_OK;
    case FA_ANSWER_UNREACHABLE:
    case FA_ANSWER_LATER:
        return FA_EXIT_UNREACHABLE;
    case FA_ANSWER_DENIED:
        return FA_EXIT_DENIED;
    case FA_ANSWER_NOT_FOUND:
    case FA_ANSWER_CONFLICT:
        return FA_EXIT_FAILED;
    case FA_ANSWER_REFUSED:
        return FA_EXIT_REFUSED;
    case FA_ANSWER_STRANGE:
        return FA_EXIT_STRANGE;
    case FA_ANSWER_STOPPED:
        return FA_EXIT_STOPPED;
    }
    return FA_EXIT_FAILED;
}

int fa_api_ask(struct fa_client *client, const char *path, json_t *request,
               struct fa_answer *ret_answer)
{
    struct fa_answer answer;
    fa_api_call(&client->settings, path, request, &answer);
    json_decref(request);
    if (answer.kind != FA_ANSWER_OK) {
        int code = fa_answer_exit(answer.kind);
        fa_put_wrapped(&client->talk, 0, NULL, fa_buf_text(&answer.message));
        fa_answer_done(&answer);
        return code;
    }
    *ret_answer = answer;
    return FA_EXIT_OK;
}

bool fa_api_printed(struct fa_client *client, const struct fa_answer *answer)
{
    if (!client->json) {
        return false;
    }
    /* JSON in ASCII holds nothing that a terminal obeys; a pipe gets what the daemon wrote. */
    char *ascii =
        client->out.tty ? json_dumps(answer->json, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
    fa_say(&client->out, "%s\n", ascii != NULL ? ascii : fa_buf_text(&answer->body));
    free(ascii);
    return true;
}

json_t *fa_json_clean(const char *text)
{
    struct fa_buf buf;
    fa_buf_init(&buf, SIZE_MAX / 2);
    fa_clean(&buf, fa_str_of(text), true);
    json_t *json = json_string(fa_buf_text(&buf));
    fa_buf_done(&buf);
    return json;
}

/* SPDX-License-Identifier: MIT */
/* What tests of the pages share: a daemon that serves them, the link and code in a message, a page
 * that is asked for or sent a form. */
#ifndef FA_TEST_PAGE_RIG_H
#define FA_TEST_PAGE_RIG_H

#include "daemon_rig.h"

#include <string.h>

static const char page_listeners[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"pages\"; address = \"127.0.0.1:0\"; routes = [ \"pages\" ]; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; }\n"
    ");\n"
    "pages = { url = \"https://alarm.example.com/\"; };\n";

struct page_link {
    char path[400], token[400], code[16];
};

static inline void text_member(const char *body, const char *name, char *buf, size_t size)
{
    json_t *json = json_loads(body, 0, NULL);
    const char *text = json_string_value(json_object_get(json, name));
    snprintf(buf, size, "%s", text != NULL ? text : "(none)");
    json_decref(json);
}

static inline struct page_link link_of(struct rig *rig, const char *channel, const char *word)
{
    static const char url[] = "https://alarm.example.com/a/";
    struct page_link link = {0};
    char text[500];
    rig_until(rig, receiver_find(rig->receiver, channel, word) != NULL);
    const char *body = receiver_find(rig->receiver, channel, word)->body;
    text_member(body, "ack_url", text, sizeof text);
    text_member(body, "ack_code", link.code, sizeof link.code);
    assert_int_equal(strncmp(text, url, sizeof url - 1), 0);
    snprintf(link.token, sizeof link.token, "%s", text + sizeof url - 1);
    snprintf(link.path, sizeof link.path, "/a/%s", link.token);
    assert_int_equal(strlen(link.code), 7);
    assert_int_equal(link.code[3], ' ');
    return link;
}

static inline const struct rig_reply *page(struct rig *rig, const char *method, const char *path,
                                           const char *form)
{
    struct rig_call call = {
        .method = method,
        .path = path,
        .body = form,
        .port = rig_port(rig, "pages"),
        .header = form != NULL ? "Content-Type: application/x-www-form-urlencoded\r\n" : NULL};
    return rig_ask(rig, &call);
}

/* The value of a hidden field of the page that was shown last. */
static inline void hidden(const struct rig_reply *reply, const char *name, char *buf, size_t size)
{
    char wanted[80];
    snprintf(wanted, sizeof wanted, "name=\"%s\" value=\"", name);
    const char *at = strstr(reply->body, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    snprintf(buf, size, "%.*s", (int)strcspn(at, "\""), at);
}

/* As chris sees the one alarm of that rule. */
static inline json_t *alarm_now(struct rig *rig, const char *rule)
{
    struct rig_call call = {
        .method = "GET", .path = "/v1/alarms", .header = "Authorization: Bearer " RIG_TOKEN "\r\n"};
    json_t *list = rig_json(rig_ask(rig, &call)), *item, *found = NULL;
    size_t i;
    json_array_foreach(json_object_get(list, "alarms"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "rule")), rule) == 0) {
            found = json_incref(item);
        }
    }
    json_decref(list);
    return found;
}

static inline void assert_has(const char *text, const char *word)
{
    if (strstr(text, word) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", word, text);
    }
}

static inline void assert_lacks(const char *text, const char *word)
{
    if (strstr(text, word) != NULL) {
        fail_msg("\"%s\" is in:\n%s", word, text);
    }
}

#endif

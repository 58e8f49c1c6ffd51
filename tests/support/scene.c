/* SPDX-License-Identifier: MIT */
/* A mail is searched as its reader sees it, its base64 undone. Of /metrics only the work of the
 * daemon itself goes on whatever is filed; what counts alarms, filings and messages is compared. */
#include "scene.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void words_open(struct words *words)
{
    words->file = open_memstream(&words->text, &words->size);
    assert_non_null(words->file);
}

const char *words_of(struct words *words)
{
    fflush(words->file);
    return words->text;
}

void words_close(struct words *words)
{
    fclose(words->file);
    free(words->text);
}

/* ---- asking ---- */

const struct rig_reply *scene_ask(const struct scene *scene, int person, const char *method,
                                  const char *path, const char *body)
{
    char token[96], header[160];
    snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", firm_token(person, token));
    const struct rig_reply *reply =
        rig_ask(scene->rig,
                &(struct rig_call){.method = method, .path = path, .body = body, .header = header});
    if (reply->status == 0) {
        rig_fail(scene->rig, path, __FILE__, __LINE__);
    }
    return reply;
}

bool scene_is_quiet(const struct scene *scene, const char *alarm)
{
    json_t *list = rig_json(scene_ask(scene, FIRM_OPS, "GET", "/v1/outbox", NULL)), *item;
    bool quiet = true;
    size_t i;
    json_array_foreach(json_object_get(list, "notifications"), i, item)
    {
        const char *of = json_string_value(json_object_get(item, "alarm"));
        const char *state = json_string_value(json_object_get(item, "state"));
        bool is_its = alarm == NULL || (of != NULL && strcmp(of, alarm) == 0);
        quiet = quiet && !(is_its && strcmp(state, "queued") == 0);
    }
    json_decref(list);
    return quiet;
}

static bool is_quiet_within(const struct scene *scene, const char *alarm, int64_t ms)
{
    int64_t until = rig_ms() + ms;
    bool quiet = false;
    while (!(quiet = scene_is_quiet(scene, alarm)) && rig_ms() < until) {
        rig_pause();
    }
    return quiet;
}

bool scene_gets_quiet(const struct scene *scene)
{
    return is_quiet_within(scene, NULL, 100);
}

void scene_settle(const struct scene *scene, const char *alarm)
{
    int half_minutes = 0;
    while (!is_quiet_within(scene, alarm, 200 + 100 * half_minutes)) {
        assert_in_range(half_minutes++, 0, 40);
        rig_later(scene->rig);
    }
}

/* ---- what must not be found ---- */

void scene_assert_nothing(const struct scene *scene, const struct filing *filing, const char *where,
                          const char *text)
{
    const char *found = strstr(text, filing->word);
    found = found != NULL || filing->receipt[0] == '\0' ? found : strstr(text, filing->receipt);
    for (size_t i = 0; i < filing->id_count && found == NULL; i++) {
        found = strstr(text, filing->ids[i]);
    }
    if (found != NULL) {
        size_t before = (size_t)(found - text) < 300 ? (size_t)(found - text) : 300;
        fail_msg("company %llu: %s holds \"%.20s\" of filing %s:\n%.700s",
                 (unsigned long long)scene->seed, where, found, filing->word, found - before);
    }
}

/* What this person got to see now. */
void scene_assert_may_see(const struct scene *scene, int person, const char *what, const char *text)
{
    char where[200];
    snprintf(where, sizeof where, "%s for %s", what, firm_names[person]);
    for (size_t i = 0; i < scene->filing_count; i++) {
        if ((scene_kept_out(&scene->filings[i]) >> person & 1) != 0) {
            scene_assert_nothing(scene, &scene->filings[i], where, text);
        }
    }
}

/* ---- messages ---- */

static size_t put_decoded(FILE *out, const char *text, size_t len)
{
    unsigned char bytes[512];
    size_t n = 0;
    bool good = len > 0 && len < 600 &&
                sodium_base642bin(bytes, sizeof bytes, text, len, NULL, &n, NULL,
                                  sodium_base64_VARIANT_ORIGINAL) == 0;
    return good ? fwrite(bytes, 1, n, out) : 0;
}

/* A mail as its reader sees it: the lines of base64, and the words of its subject. */
static void put_mail(FILE *out, const char *mail)
{
    static const char begin[] = "=?UTF-8?B?";
    for (const char *at = mail; (at = strstr(at, begin)) != NULL;) {
        at += sizeof begin - 1;
        put_decoded(out, at, strcspn(at, "?"));
    }
    for (const char *line = mail; *line != '\0';) {
        size_t len = strcspn(line, "\r\n");
        put_decoded(out, line, len);
        line += len + strspn(line + len, "\r\n");
    }
}

static void put_message(FILE *out, const struct received *item)
{
    fputs(item->body, out);
    if (item->mail) {
        put_mail(out, item->body);
    }
}

int scene_reader_of(const struct received *item)
{
    const char *name = item->path + (item->mail ? 0 : 1);
    size_t len = strcspn(name, "@");
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        if (strlen(firm_names[i]) == len && strncmp(firm_names[i], name, len) == 0) {
            return i;
        }
    }
    fail_msg("a message to nobody: %s", item->path);
    return -1;
}

void scene_assert_messages(const struct scene *scene, size_t *ret_digests, size_t *ret_weeklies)
{
    const struct received *item;
    for (size_t n = 0; (item = receiver_at(scene->rig->receiver, n)) != NULL; n++) {
        struct words words;
        char where[100];
        int reader = scene_reader_of(item);
        words_open(&words);
        put_message(words.file, item);
        snprintf(where, sizeof where, "message %zu to %s", n, item->path);
        for (size_t f = 0; f < scene->filing_count; f++) {
            for (size_t b = 0; b < scene->filings[f].barred_count; b++) {
                const struct barred *barred = &scene->filings[f].barred[b];
                if ((barred->who >> reader & 1) != 0 && n >= barred->since && n < barred->until) {
                    scene_assert_nothing(scene, &scene->filings[f], where, words_of(&words));
                }
            }
        }
        *ret_digests += strstr(words_of(&words), "\"kind\":\"digest\"") != NULL;
        *ret_weeklies += strstr(words_of(&words), "\"kind\":\"weekly\"") != NULL;
        words_close(&words);
    }
}

bool scene_was_told(const struct scene *scene, const struct filing *filing)
{
    const struct received *item;
    bool told = false;
    for (size_t n = 0; !told && (item = receiver_at(scene->rig->receiver, n)) != NULL; n++) {
        struct words words;
        words_open(&words);
        put_message(words.file, item);
        told = strstr(words_of(&words), filing->word) != NULL;
        words_close(&words);
    }
    return told;
}

/* ---- who is kept out ---- */

/* Who got a message that names any of the filings. */
static uint32_t who_heard(const struct scene *scene)
{
    const struct received *item;
    uint32_t heard = 0;
    for (size_t n = 0; (item = receiver_at(scene->rig->receiver, n)) != NULL; n++) {
        struct words words;
        words_open(&words);
        put_message(words.file, item);
        for (size_t f = 0; f < scene->filing_count; f++) {
            heard |= strstr(words_of(&words), scene->filings[f].word) != NULL
                         ? 1u << scene_reader_of(item)
                         : 0;
        }
        words_close(&words);
    }
    return heard;
}

static uint32_t gone(const struct firm *firm)
{
    uint32_t set = 0;
    for (int i = 0; i < FIRM_PEOPLE; i++) {
        set |= firm->people[i].gone ? 1u << i : 0;
    }
    return set;
}

/* Whom it was about on its day and whom they are about by the lists of today. Where one of them has
 * left, they may be there under another name: then only who is independent, or knows, learns more.
 */
void scene_bar(const struct scene *scene, struct filing *filing)
{
    const struct firm *firm = &scene->firm;
    uint32_t subjects =
        filing->meant | (filing->about[0] != '\0' ? firm_meant(firm, filing->about) : 0);
    uint32_t who = firm_kept_out(firm, subjects, filing->struck);
    if (((subjects | filing->struck) & gone(firm)) != 0) {
        uint32_t may = filing->owners | who_heard(scene);
        for (int i = 0; i < FIRM_PEOPLE; i++) {
            who |= firm->people[i].independent || (may >> i & 1) != 0 ? 0 : 1u << i;
        }
    }
    size_t now = receiver_count(scene->rig->receiver);
    who |= gone(firm);
    assert_in_range(filing->barred_count, 0, SCENE_TIMES - 1);
    if (filing->barred_count > 0) {
        filing->barred[filing->barred_count - 1].until = now;
    }
    filing->barred[filing->barred_count++] = (struct barred){who, now, SIZE_MAX};
}

uint32_t scene_kept_out(const struct filing *filing)
{
    return filing->barred_count > 0 ? filing->barred[filing->barred_count - 1].who : 0;
}

bool scene_is_refused(const struct scene *scene, const struct filing *filing, int person)
{
    return !scene->firm.people[person].gone && (scene_kept_out(filing) >> person & 1) != 0;
}

/* ---- answers ---- */

/* Leaves the time of the question out: it is in the answers that look ahead. */
static void put_without_now(FILE *out, const char *body)
{
    static const char week[] = "{\"week\":\"";
    body += strncmp(body, week, sizeof week - 1) == 0 ? strcspn(body, ",") : 0;
    for (const char *at = body; *at != '\0';) {
        if (strncmp(at, "\"2", 2) == 0 && strlen(at) > 6 && at[5] == '-') {
            at += 1 + strcspn(at + 1, "\"");
        } else {
            fputc(*at++, out);
        }
    }
}

/* Everything that there is to be asked without knowing anything. */
void scene_put_view(const struct scene *scene, int person, FILE *out)
{
    static const char preview[] = "{\"where\":[\"severity=~.*\",\"severity!=\"],\"for\":\"2h\"}";
    static const char again[] = "{\"key\":\"00000000000000000000000000000001\",\"category\":"
                                "\"danger\",\"customer\":\"Initech\",\"text\":\"?\"}";
    static const char lies[] = "{\"key\":\"00000000000000000000000000000001\",\"category\":"
                               "\"lying\",\"text\":\"?\"}";
    static const struct {
        const char *method, *path, *body;
        bool now;
    } calls[] = {
        {"GET", "/v1/guide", NULL, false},
        {"GET", "/v1/alarms?state=all&limit=500", NULL, false},
        {"GET", "/v1/alarms?state=closed", NULL, false},
        {"GET", "/v1/silences", NULL, false},
        {"POST", "/v1/silences/preview", preview, true},
        {"POST", "/v1/incidents/preview", again, false},
        {"POST", "/v1/incidents/preview", lies, false},
        {"POST", "/v1/status", "{\"receipt\":\"" SCENE_NO_ALARM "\"}", false},
        {"GET", "/v1/rules/again", NULL, false},
        {"GET", "/v1/rules/violation", NULL, false},
        {"GET", "/v1/oncall?at=2026-12-24T22:00:00Z", NULL, false},
        {"GET", "/v1/outbox", NULL, false},
        {"GET", "/v1/feeds", NULL, false},
        {"GET", "/v1/fetch", NULL, false},
        {"GET", "/v1/backup", NULL, false},
        {"GET", "/v1/rules/queue-slow", NULL, false},
        {"GET", "/v1/weekly", NULL, true},
        {"GET", "/v1/drills", NULL, false},
        {"POST", "/v1/drills/preview", "{\"policy\":\"line\"}", true},
        {"GET", "/v1/channels/untested", NULL, false},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const struct rig_reply *reply =
            scene_ask(scene, person, calls[i].method, calls[i].path, calls[i].body);
        fprintf(out, "\n%s %s: %d ", calls[i].method, calls[i].path, reply->status);
        if (calls[i].now) {
            put_without_now(out, reply->body);
        } else {
            fputs(reply->body, out);
        }
    }
}

/* Counts of the daemon's own work go on whatever is filed: none is of alarms, filings or messages.
 */
void scene_put_counts(const struct scene *scene, FILE *out)
{
    static const char *const counted[] = {
        "firealarm_alarms",  "firealarm_filings",  "firealarm_outbox",   "firealarm_notifications",
        "firealarm_digests", "firealarm_silences", "firealarm_reminders"};
    const struct rig_reply *reply =
        rig_ask(scene->rig, &(struct rig_call){.method = "GET",
                                               .path = "/metrics",
                                               .port = rig_port(scene->rig, "metrics")});
    assert_int_equal(reply->status, 200);
    for (size_t i = 0; i < scene->filing_count; i++) {
        scene_assert_nothing(scene, &scene->filings[i], "/metrics", reply->body);
    }
    for (const char *line = reply->body; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        for (size_t c = 0; c < sizeof counted / sizeof counted[0]; c++) {
            if (strncmp(line, counted[c], strlen(counted[c])) == 0) {
                fprintf(out, "%.*s\n", (int)len, line);
            }
        }
        line += len + (line[len] == '\n');
    }
}

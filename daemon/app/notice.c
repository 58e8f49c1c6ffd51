/* SPDX-License-Identifier: MIT */
/* What one notification says to its reader. A retry under the same key says the same words: what
 * may change meanwhile (the value, how long ago) is the notification's own, and how an alarm stands
 * is told by the kind of the notification, not looked up again. Only `now` is of the try. */
#include "alarms/weekly.h"
#include "app/internal.h"
#include "base/panic.h"
#include "text/reader.h"

#include <stdlib.h>
#include <string.h>

#define DETAILS_MAX ((size_t)48 * 1024)
#define TOLD_MAX    ((size_t)4 * 1024)
#define CHUNK_BYTES ((size_t)8 * 1024)

static struct firealarm_text text_of(const char *text)
{
    return text == NULL ? (struct firealarm_text){"", 0}
                        : (struct firealarm_text){text, strlen(text)};
}

/* Copies lie one behind the other and never move: slices point to them. */
struct fa_notice_chunk {
    struct fa_notice_chunk *next;
    size_t used, cap;
    char data[];
};

static struct firealarm_text keep(struct fa_notice_texts *texts, struct fa_str text)
{
    struct fa_notice_chunk *chunk = texts->chunks;
    if (chunk == NULL || text.len > chunk->cap - chunk->used) {
        size_t cap = text.len > CHUNK_BYTES ? text.len : CHUNK_BYTES;
        chunk = fa_xmalloc(sizeof *chunk + cap);
        *chunk = (struct fa_notice_chunk){.next = texts->chunks, .cap = cap};
        texts->chunks = chunk;
    }
    char *at = chunk->data + chunk->used;
    if (text.len > 0) {
        memcpy(at, text.ptr, text.len);
    }
    chunk->used += text.len;
    return (struct firealarm_text){at, text.len};
}

static struct firealarm_text keep_clean(struct fa_notice_texts *texts, struct fa_str text)
{
    fa_buf_clear(&texts->clean);
    fa_reader_clean(&texts->clean, text);
    return keep(texts, fa_buf_str(&texts->clean));
}

/* An empty buffer for the next text; keep it before the one after it. */
static struct fa_buf *words_of(struct fa_notice_texts *texts)
{
    fa_buf_clear(&texts->words);
    return &texts->words;
}

static struct firealarm_text keep_words(struct fa_notice_texts *texts)
{
    return keep_clean(texts, fa_buf_str(&texts->words));
}

static struct firealarm_text keep_id(struct fa_notice_texts *texts, struct fa_id id)
{
    char text[FA_ID_TEXT_SIZE];
    return keep(texts, fa_str_of(fa_id_format(id, text)));
}

static const char *display_of(const struct fa_daemon *daemon, const char *name)
{
    const struct fa_directory *dir = daemon->config->people;
    fa_person person = name != NULL ? fa_directory_find(dir, fa_str_of(name)) : FA_NOBODY;
    return person != FA_NOBODY && dir->people[person].display != NULL ? dir->people[person].display
                                                                      : name;
}

static struct firealarm_text say(const struct fa_notice_texts *texts, enum fa_phrase phrase)
{
    return text_of(fa_phrase_text(texts->reader.language, phrase));
}

static struct firealarm_text keep_phrase(struct fa_notice_texts *texts, enum fa_phrase phrase,
                                         const char *const *values)
{
    fa_phrase_put(words_of(texts), texts->reader.language, phrase, values);
    return keep_words(texts);
}

static void put_row(const struct fa_language *language, enum fa_phrase head, const char *text,
                    struct fa_buf *out)
{
    if (text != NULL) {
        fa_phrase_put(out, language, head, NULL);
        fa_phrase_put(out, language, FA_PHRASE_COLON, NULL);
        fa_buf_printf(out, "%s\n", text);
    }
}

static void put_filing(const struct fa_incident *incident, const struct fa_language *language,
                       struct fa_buf *out)
{
    static const enum fa_phrase known[] = {FA_PHRASE_KNOWN_SEEN, FA_PHRASE_KNOWN_TOLD,
                                           FA_PHRASE_KNOWN_HEARD};
    if (out->len > 0) {
        fa_buf_puts(out, "\n\n");
    }
    put_row(language, FA_PHRASE_CUSTOMER, incident->customer, out);
    put_row(language, FA_PHRASE_SINCE, incident->since, out);
    put_row(language, FA_PHRASE_HOW_KNOWN, fa_phrase_text(language, known[incident->known]), out);
    if (incident->reporter == NULL && incident->called != NULL) {
        fa_phrase_put(out, language, FA_PHRASE_NOT_PROVED_NAME, FA_VALUES(incident->called));
    } else if (incident->reporter == NULL) {
        fa_phrase_put(out, language, FA_PHRASE_NOT_PROVED, NULL);
    }
    fa_buf_puts(out, incident->reporter == NULL ? "\n" : "");
    fa_buf_printf(out, "\n%s", incident->text);
}

static void put_last_comment(const struct fa_daemon *daemon, const struct fa_alarm *alarm,
                             struct fa_buf *out)
{
    if (alarm->people->comment_count > 0) {
        const struct fa_comment *comment =
            &alarm->people->comments[alarm->people->comment_count - 1];
        fa_buf_printf(out, "%s: %s", display_of(daemon, comment->who), comment->text);
    }
}

static struct firealarm_text details_of(const struct fa_daemon *daemon,
                                        const struct fa_notification *n,
                                        const struct fa_alarm *alarm, struct fa_notice_texts *texts)
{
    struct fa_buf *out = words_of(texts);
    bool first_news = n->kind == FA_NOTE_ALARM || n->kind == FA_NOTE_REMINDER ||
                      n->kind == FA_NOTE_OVERDUE || n->kind == FA_NOTE_UNOWNED;
    if (!first_news) {
        put_last_comment(daemon, alarm, out);
    }
    for (size_t i = 0; first_news && i < alarm->people->incident_count; i++) {
        const struct fa_incident *incident =
            fa_engine_incident(daemon->engine, alarm->people->incidents[i]);
        if (incident != NULL) {
            put_filing(incident, texts->reader.language, out);
        }
    }
    return keep_words(texts);
}

static struct firealarm_text told_of(const struct fa_daemon *daemon,
                                     const struct fa_notification *n, const struct fa_alarm *alarm,
                                     struct fa_notice_texts *texts)
{
    const struct fa_directory *dir = daemon->config->people;
    struct fa_buf *out = words_of(texts);
    struct fa_access access;
    fa_access_init(&access, daemon->engine, alarm);
    for (size_t i = 0; i < alarm->told_count && out->len < TOLD_MAX; i++) {
        fa_person person = fa_directory_find(dir, fa_str_of(alarm->told[i].to->person));
        /* Whoever stepped out since is named to nobody. */
        bool out_now =
            fa_pset_has(&access.conflicted, person) || fa_pset_has(&access.struck, person);
        if (strcmp(alarm->told[i].to->person, n->person) != 0 && !out_now) {
            fa_buf_puts(out, out->len > 0 ? ", " : "");
            fa_buf_puts(out, display_of(daemon, alarm->told[i].to->person));
        }
    }
    fa_access_done(&access);
    return keep_words(texts);
}

static struct firealarm_text how_to_ack(const struct fa_alarm *alarm, struct fa_notice_texts *texts)
{
    struct fa_buf *out = words_of(texts);
    char id[FA_ID_TEXT_SIZE];
    fa_buf_puts(out, "firealarm ack ");
    fa_buf_puts(out, fa_id_format(alarm->id.id, id));
    fa_buf_puts(out, " --for 1h");
    return keep(texts, fa_buf_str(out));
}

/* Kinds that ask somebody to own it; for the others there is nothing to do, or it is over. */
static bool asks_for_owner(enum fa_notification_kind kind)
{
    return kind == FA_NOTE_ALARM || kind == FA_NOTE_REMINDER || kind == FA_NOTE_OVERDUE ||
           kind == FA_NOTE_RETURNED;
}

/* A link acts for one person, so it goes where that person alone reads: never to a shared channel,
 * where anybody could own the alarm in another's name. */
static void put_link(const struct fa_daemon *daemon, const struct fa_notification *n,
                     const struct fa_alarm *alarm, struct fa_notice_texts *texts,
                     struct firealarm_text ret_url_code[2])
{
    const struct fa_channel_entry *channel =
        fa_directory_channel(daemon->config->people, n->channel);
    struct fa_api_link link;
    if (channel != NULL && !channel->shared && asks_for_owner(n->kind) &&
        alarm->state != FA_ALARM_RESOLVED && fa_alarm_guesses_left(alarm, n->person) > 0 &&
        fa_api_make_link(daemon->api, alarm->id, n->person, n->step, n->loop, n->created, &link)) {
        ret_url_code[0] = keep(texts, fa_str_of(link.url));
        ret_url_code[1] = keep(texts, fa_str_of(link.code));
    }
}

static struct firealarm_text when_of(fa_time since, fa_time now, struct fa_notice_texts *texts)
{
    char text[FA_READER_TIME_SIZE];
    return keep(texts, fa_str_of(fa_describe_time(texts->reader, since, now, text)));
}

/* What the notice has a place of its own for; a filing's words are in details, and only there. */
static bool said_elsewhere(const char *name)
{
    static const char *const names[] = {"since",    "raised", "rule",        "severity",
                                        "category", "kind",   "at_customer", "filing"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Of a filing, what its reporter said; the time of filing would read as if it had just begun. */
static struct firealarm_text since_of(const struct fa_daemon *daemon,
                                      const struct fa_notification *n, const struct fa_alarm *alarm,
                                      struct fa_notice_texts *texts)
{
    const struct fa_incident *incident =
        alarm->people->incident_count == 1
            ? fa_engine_incident(daemon->engine, alarm->people->incidents[0])
            : NULL;
    if (incident == NULL || incident->since == NULL) {
        return when_of(alarm->since, n->created, texts);
    }
    return keep_phrase(texts, FA_PHRASE_AS_REPORTED, FA_VALUES(incident->since));
}

static void put_fields(const struct fa_describe *describe, struct fa_notice_texts *texts,
                       struct firealarm_notice *notice)
{
    for (size_t i = 0; i < describe->count && i < 64; i++) {
        if (!said_elsewhere(describe->fields[i].name)) {
            struct firealarm_field *field = &texts->fields[notice->field_count++];
            field->name = keep(texts, fa_str_of(describe->fields[i].name));
            field->value = keep_clean(texts, describe->fields[i].value);
        }
    }
    notice->fields = texts->fields;
}

/* What people filed is served before any series, however severe: a feed can flood, people do not.
 */
static enum fa_priority priority_of(const struct fa_daemon *daemon, const struct fa_alarm *alarm)
{
    const struct fa_severity *severity =
        fa_setup_severity(&daemon->config->setup, alarm->texts->severity);
    if ((alarm->flags & FA_FLAG_FILED) != 0) {
        return FA_PRIORITY_CRITICAL;
    }
    return severity == NULL || severity->rank == 0 ? FA_PRIORITY_HIGH : FA_PRIORITY_NORMAL;
}

/* As it is told: channels show that a drill is none that matters. */
static const char *severity_of(const struct fa_alarm *alarm)
{
    return (alarm->flags & FA_FLAG_DRILL) != 0 ? "drill" : alarm->texts->severity;
}

static void compose_alarm(const struct fa_daemon *daemon, const struct fa_notification *n,
                          const struct fa_alarm *alarm, struct fa_frame_send *send,
                          struct fa_notice_texts *texts)
{
    struct firealarm_notice *notice = &send->notice;
    struct fa_describe describe;
    struct fa_buf *summary = words_of(texts), title;
    fa_buf_init(&title, 512);
    fa_describe_init(&describe, daemon->engine, alarm, n->value, texts->reader);
    describe.flaps = n->flaps;
    fa_describe_summary(&describe, alarm, n->created, summary);
    fa_describe_title_of(fa_buf_str(summary), &title);
    notice->summary = keep_words(texts);
    notice->title = keep_clean(texts, fa_buf_str(&title));
    fa_buf_done(&title);
    notice->alarm = keep_id(texts, alarm->id.id);
    notice->thread = notice->alarm;
    notice->severity = text_of(severity_of(alarm));
    notice->category = text_of(alarm->texts->category);
    notice->rule = text_of(alarm->texts->rule);
    notice->policy = text_of(alarm->texts->policy);
    notice->state = text_of(fa_alarm_state_name(alarm->state));
    notice->details = details_of(daemon, n, alarm, texts);
    notice->expect = text_of(alarm->texts->expect);
    notice->told = told_of(daemon, n, alarm, texts);
    notice->owner = text_of(display_of(daemon, alarm->people->owner));
    notice->how_to_ack = how_to_ack(alarm, texts);
    struct firealarm_text link[2] = {{"", 0}, {"", 0}};
    put_link(daemon, n, alarm, texts, link);
    notice->ack_url = link[0];
    notice->ack_code = link[1];
    notice->since = alarm->since;
    notice->raised = alarm->raised;
    notice->promised = alarm->people->promised;
    if (notice->promised > 0) {
        notice->promised_when = when_of(notice->promised, n->created, texts);
    }
    notice->step = n->step + 1;
    notice->loop = n->loop;
    notice->when = since_of(daemon, n, alarm, texts);
    put_fields(&describe, texts, notice);
    fa_describe_done(&describe);
    send->priority = priority_of(daemon, alarm);
}

static void compose_help(const struct fa_daemon *daemon, const struct fa_notification *n,
                         const struct fa_incident *incident, struct fa_frame_send *send,
                         struct fa_notice_texts *texts)
{
    struct firealarm_notice *notice = &send->notice;
    const struct fa_language *language = texts->reader.language;
    fa_describe_help(daemon->engine, incident, language, words_of(texts));
    notice->title = notice->summary = keep_words(texts);
    put_filing(incident, language, words_of(texts));
    notice->details = keep_words(texts);
    notice->expect = say(texts, FA_PHRASE_HELP_EXPECTED);
    notice->category = text_of(incident->category);
    notice->thread = keep_id(texts, incident->id.id);
    notice->since = notice->raised = incident->filed;
    notice->when = when_of(incident->filed, n->created, texts);
    notice->severity = text_of("warning");
    send->priority = FA_PRIORITY_HIGH;
}

struct lines {
    const struct fa_daemon *daemon;
    struct fa_notice_texts *texts;
    uint32_t count;
    uint32_t rank;     /* the worst */
    const char *rule;  /* of all of them; NULL: of several */
    bool is_news_only; /* nothing is expected of anybody */
};

/* What a person still reads on a phone's one line. */
#define LINE_TITLE_MAX 160

static void line_of_alarm(struct lines *lines, const struct fa_notification *n,
                          const struct fa_alarm *alarm, struct firealarm_line *line)
{
    struct fa_describe describe;
    struct fa_buf *title = words_of(lines->texts);
    fa_describe_init(&describe, lines->daemon->engine, alarm, n->value, lines->texts->reader);
    describe.flaps = n->flaps;
    fa_describe_title(&describe, alarm, n->created, title);
    fa_describe_done(&describe);
    line->title = keep_words(lines->texts);
    line->alarm = keep_id(lines->texts, alarm->id.id);
    line->severity = text_of(severity_of(alarm));
    line->rule = text_of(alarm->texts->rule);
    line->state = text_of(fa_alarm_state_name(alarm->state));
    line->owner = text_of(display_of(lines->daemon, alarm->people->owner));
    line->when = since_of(lines->daemon, n, alarm, lines->texts);
    struct firealarm_text link[2] = {{"", 0}, {"", 0}};
    put_link(lines->daemon, n, alarm, lines->texts, link);
    line->ack_url = link[0];
    line->ack_code = link[1];
}

static void add_line(void *ctx, const struct fa_notification *n)
{
    struct lines *lines = ctx;
    const struct fa_engine *engine = lines->daemon->engine;
    const struct fa_setup *setup = &lines->daemon->config->setup;
    const struct fa_alarm *alarm = fa_engine_alarm(engine, n->alarm);
    const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
    const char *rule = alarm != NULL ? alarm->texts->rule : NULL, *severity = "warning";
    if ((alarm == NULL && incident == NULL) || lines->count >= FA_FRAME_LINES_MAX) {
        return;
    }
    struct firealarm_line *line = &lines->texts->lines[lines->count];
    *line = (struct firealarm_line){.kind = text_of(fa_notification_kind_name(n->kind))};
    if (alarm != NULL) {
        line_of_alarm(lines, n, alarm, line);
        severity = alarm->texts->severity;
    } else {
        fa_describe_help(engine, incident, lines->texts->reader.language, words_of(lines->texts));
        line->title = keep_words(lines->texts);
        line->severity = text_of(severity);
        line->when = when_of(incident->filed, n->created, lines->texts);
    }
    line->title.len =
        fa_utf8_cut((struct fa_str){line->title.ptr, line->title.len}, LINE_TITLE_MAX);
    const struct fa_severity *at = fa_setup_severity(setup, severity);
    uint32_t rank = at != NULL ? at->rank : 0;
    lines->rank = lines->count == 0 || rank < lines->rank ? rank : lines->rank;
    lines->rule = lines->count == 0 || lines->rule == rule ? rule : NULL;
    lines->is_news_only =
        lines->is_news_only && (n->kind == FA_NOTE_ACKNOWLEDGED || n->kind == FA_NOTE_RETURNED ||
                                n->kind == FA_NOTE_RESOLVED);
    lines->count++;
}

static struct firealarm_text title_of_digest(const struct lines *lines)
{
    char count[16];
    snprintf(count, sizeof count, "%u", lines->count);
    if (lines->rule != NULL) {
        return keep_phrase(lines->texts,
                           lines->is_news_only ? FA_PHRASE_DIGEST_NEWS_TITLE_RULE
                                               : FA_PHRASE_DIGEST_TITLE_RULE,
                           FA_VALUES(count, lines->rule));
    }
    return keep_phrase(lines->texts,
                       lines->is_news_only ? FA_PHRASE_DIGEST_NEWS_TITLE : FA_PHRASE_DIGEST_TITLE,
                       FA_VALUES(count));
}

/* Its lines are those that its reader may still be told. */
static void compose_digest(const struct fa_daemon *daemon, const struct fa_notification *n,
                           struct fa_frame_send *send, struct fa_notice_texts *texts)
{
    struct firealarm_notice *notice = &send->notice;
    const struct fa_setup *setup = &daemon->config->setup;
    struct lines lines = {.daemon = daemon, .texts = texts, .is_news_only = true};
    fa_engine_each_line(daemon->engine, n, add_line, &lines);
    notice->title = title_of_digest(&lines);
    notice->summary = say(texts, FA_PHRASE_DIGEST_SUMMARY);
    for (size_t i = 0; i < setup->severity_count; i++) {
        if (setup->severities[i].rank == lines.rank) {
            notice->severity = text_of(setup->severities[i].name);
        }
    }
    notice->lines = texts->lines;
    notice->line_count = lines.count;
    notice->thread = notice->key;
    notice->since = notice->raised = n->created;
    notice->when = when_of(n->created, n->created, texts);
    if (!lines.is_news_only) {
        notice->how_to_ack =
            keep_phrase(texts, FA_PHRASE_DIGEST_TO_OWN, FA_VALUES("firealarm ack ID --for 1h"));
    }
    send->priority = FA_PRIORITY_CRITICAL; /* it may hold what people filed */
}

static void compose_silence(const struct fa_daemon *daemon, const struct fa_notification *n,
                            const struct fa_silence *silence, struct fa_frame_send *send,
                            struct fa_notice_texts *texts)
{
    struct firealarm_notice *notice = &send->notice;
    notice->title = say(texts, n->kind == FA_NOTE_SILENCED ? FA_PHRASE_SILENCED_TITLE
                                                           : FA_PHRASE_UNSILENCED_TITLE);
    fa_describe_message(daemon->engine, n, words_of(texts));
    notice->summary = keep_words(texts);
    notice->severity = text_of("info");
    notice->thread = keep_id(texts, silence->id.id);
    notice->owner = text_of(display_of(daemon, silence->owner));
    notice->since = notice->raised = silence->begin;
    notice->when = when_of(silence->begin, n->created, texts);
    send->priority = FA_PRIORITY_NORMAL;
}

static void compose_test(const struct fa_daemon *daemon, const struct fa_notification *n,
                         struct fa_frame_send *send, struct fa_notice_texts *texts)
{
    struct firealarm_notice *notice = &send->notice;
    notice->title = say(texts, FA_PHRASE_TEST_TITLE);
    fa_describe_message(daemon->engine, n, words_of(texts));
    notice->summary = keep_words(texts);
    notice->severity = text_of("info");
    notice->thread = keep_id(texts, n->id.id);
    notice->since = notice->raised = n->created;
    notice->when = when_of(n->created, n->created, texts);
    send->priority = FA_PRIORITY_NORMAL;
}

static void compose_weekly(const struct fa_daemon *daemon, const struct fa_notification *n,
                           fa_person reader, fa_time now, struct fa_frame_send *send,
                           struct fa_notice_texts *texts)
{
    struct firealarm_notice *notice = &send->notice;
    struct fa_weekly_ask ask = {reader, texts->reader, n->created, now};
    size_t matters = fa_weekly_compose(daemon->engine, &ask, words_of(texts));
    notice->details = keep_words(texts);
    if (matters == 0) {
        notice->title = say(texts, FA_PHRASE_WEEKLY_TITLE_QUIET);
    } else {
        char count[24];
        snprintf(count, sizeof count, "%zu", matters);
        notice->title = keep_phrase(texts, FA_PHRASE_WEEKLY_TITLE, FA_VALUES(count));
    }
    fa_describe_week(texts->reader, n->created, words_of(texts));
    notice->summary = keep_words(texts);
    notice->severity = text_of("info");
    notice->thread = notice->key;
    notice->raised = n->created;
    send->priority = FA_PRIORITY_NORMAL;
}

/* What a plugin says of its own; in English it has it. */
static void put_language(struct firealarm_notice *notice, struct fa_notice_texts *texts)
{
    if (texts->reader.language == NULL) {
        return;
    }
    for (uint32_t i = 0; i < FIREALARM_WORD__COUNT; i++) {
        texts->phrases[i] = text_of(texts->reader.language->texts[i]);
    }
    notice->language = text_of(texts->reader.language->name);
    notice->words = texts->phrases;
    notice->word_count = FIREALARM_WORD__COUNT;
}

bool fa_notice_compose(const struct fa_daemon *daemon, const struct fa_notification *n, fa_time now,
                       struct fa_frame_send *ret_send, struct fa_notice_texts *texts)
{
    const struct fa_alarm *alarm = fa_engine_alarm(daemon->engine, n->alarm);
    const struct fa_incident *incident = fa_engine_incident(daemon->engine, n->incident);
    const struct fa_silence *silence = fa_engine_silence(daemon->engine, n->silence);
    fa_person person = fa_directory_find(daemon->config->people, fa_str_of(n->person));
    fa_notice_clear(texts);
    *ret_send = (struct fa_frame_send){.id = n->id, .channel = n->channel};
    struct firealarm_notice *notice = &ret_send->notice;
    notice->size = sizeof *notice;
    notice->attempt = n->attempts + 1;
    notice->key = keep_id(texts, n->id.id);
    notice->kind = text_of(fa_notification_kind_name(n->kind));
    notice->address = text_of(n->address);
    notice->recipient = text_of(display_of(daemon, n->person));
    notice->now = now; /* of this try: receivers check that a signature is fresh */
    texts->reader = fa_describe_reader_of(daemon->engine, n);
    notice->sent_when = when_of(now, 0, texts);
    put_language(notice, texts);
    if (n->kind == FA_NOTE_TEST) {
        compose_test(daemon, n, ret_send, texts);
    } else if (n->kind == FA_NOTE_WEEKLY && person != FA_NOBODY) {
        compose_weekly(daemon, n, person, now, ret_send, texts);
    } else if (n->kind == FA_NOTE_DIGEST) {
        compose_digest(daemon, n, ret_send, texts);
    } else if (alarm != NULL) {
        compose_alarm(daemon, n, alarm, ret_send, texts);
    } else if (incident != NULL) {
        compose_help(daemon, n, incident, ret_send, texts);
    } else if (silence != NULL) {
        compose_silence(daemon, n, silence, ret_send, texts);
    } else {
        return false;
    }
    return true;
}

void fa_notice_init(struct fa_notice_texts *texts)
{
    texts->chunks = NULL;
    fa_buf_init(&texts->words, DETAILS_MAX);
    fa_buf_init(&texts->clean, DETAILS_MAX * 3);
}

/* One chunk stays for the next. */
void fa_notice_clear(struct fa_notice_texts *texts)
{
    while (texts->chunks != NULL && texts->chunks->next != NULL) {
        struct fa_notice_chunk *chunk = texts->chunks;
        texts->chunks = chunk->next;
        free(chunk);
    }
    if (texts->chunks != NULL) {
        texts->chunks->used = 0;
    }
}

void fa_notice_done(struct fa_notice_texts *texts)
{
    fa_notice_clear(texts);
    free(texts->chunks);
    fa_buf_done(&texts->words);
    fa_buf_done(&texts->clean);
}

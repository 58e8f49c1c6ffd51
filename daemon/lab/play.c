/* SPDX-License-Identifier: MIT */
/* Plays a scenario: each line's deed on the world. With `restarts`, the daemon stops and starts
 * after every line and expectations are not asked: what is compared then is who was told what.
 *
 * A question (file, ack ...) is put as the daemon's HTTP side would: fa_may() is asked first, and a
 * store that is known to be full takes no filing. */
#include "lab/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fa_lab_is_up(struct fa_lab *lab)
{
    if (lab->engine == NULL) {
        fa_lab_fail(lab, "the daemon is down: 'start' it first");
    }
    return lab->engine != NULL;
}

uint64_t fa_lab_ask(struct fa_lab *lab)
{
    lab->reply_state = FA_LAB_REPLY_NONE;
    lab->reply_code = 0;
    lab->reply_already = false;
    return ++lab->asked;
}

void fa_lab_refuse(struct fa_lab *lab, int code)
{
    fa_lab_ask(lab);
    lab->reply_state = FA_LAB_REPLY_GIVEN;
    lab->reply_code = code;
}

int fa_lab_index_of(const char *value, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], value) == 0) {
            return i;
        }
    }
    return -1;
}

/* ---- configuration ---- */

static char *read_file(struct fa_lab *lab, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct fa_buf buf;
    char piece[4096];
    size_t got;
    if (file == NULL) {
        fa_lab_fail(lab, "cannot open %s", path);
        return NULL;
    }
    fa_buf_init(&buf, (size_t)1 << 20);
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        fa_buf_put(&buf, piece, got);
    }
    fclose(file);
    if (buf.over || memchr(fa_buf_text(&buf), '\0', buf.len) != NULL) {
        fa_lab_fail(lab, "%s is no text of at most 1 MiB", path);
        fa_buf_done(&buf);
        return NULL;
    }
    return fa_buf_take(&buf);
}

static void add_file(struct fa_lab *lab, const char *path)
{
    char *text = read_file(lab, path);
    if (text != NULL) {
        fa_lab_add_piece(lab, path, text, false, 0);
    }
    free(text);
}

static int is_config_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".cfg") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* As the daemon reads them: *.cfg in the directory `sub` beside the main file. */
static void add_beside(struct fa_lab *lab, const char *main_path, const char *sub)
{
    const char *slash = strrchr(main_path, '/');
    int prefix = slash != NULL ? (int)(slash - main_path) + 1 : 0;
    struct dirent **entries = NULL;
    struct fa_buf path;
    fa_buf_init(&path, 4096);
    fa_buf_printf(&path, "%.*s%s", prefix, main_path, sub);
    int count = scandir(fa_buf_text(&path), &entries, is_config_file, by_name);
    for (int i = 0; i < count; i++) {
        fa_buf_clear(&path);
        fa_buf_printf(&path, "%.*s%s/%s", prefix, main_path, sub, entries[i]->d_name);
        add_file(lab, fa_buf_text(&path));
        free(entries[i]);
    }
    free(entries);
    fa_buf_done(&path);
}

static void add_source(struct fa_lab *lab, const char *file, const struct fa_script_line *line)
{
    const char *block = fa_script_text(line, "BLOCK");
    if (block != NULL) {
        fa_lab_add_piece(lab, file, block, true, line->line);
        return;
    }
    const char *name = fa_script_text(line, "SOURCE"), *slash = strrchr(file, '/');
    struct fa_buf path;
    fa_buf_init(&path, 4096);
    if (name[0] != '/' && slash != NULL) {
        fa_buf_put(&path, file, (size_t)(slash - file) + 1);
    }
    fa_buf_puts(&path, name);
    add_file(lab, fa_buf_text(&path));
    if (!lab->failed) {
        add_beside(lab, fa_buf_text(&path), "rules.d");
        add_beside(lab, fa_buf_text(&path), "conf.d");
    }
    fa_buf_done(&path);
}

/* The pieces are complete as soon as something else happens. */
static void begin(struct fa_lab *lab)
{
    struct fa_buf faults;
    if (lab->config != NULL || lab->failed) {
        return;
    }
    if (fa_lab_configure(lab, &faults, &lab->config) != 0) {
        fa_lab_fail(lab, "the configuration is refused:\n  %s", fa_buf_text(&faults));
    } else {
        fa_lab_start(lab);
    }
    fa_buf_done(&faults);
}

static void do_reload(struct fa_lab *lab, const char *file, const struct fa_script_line *line)
{
    bool refused = line->verb == FA_DO_RELOAD_REFUSED;
    struct fa_lab_piece *kept = lab->pieces;
    size_t kept_count = lab->piece_count;
    struct fa_config *config = NULL;
    struct fa_buf faults;
    lab->pieces = NULL;
    lab->piece_count = 0;
    for (size_t i = 0; i < kept_count; i++) {
        if (!kept[i].is_block) {
            fa_lab_add_piece(lab, kept[i].name, kept[i].text, false, 0);
        }
    }
    add_source(lab, file, line);
    int rc = lab->failed ? FA_EIO : fa_lab_configure(lab, &faults, &config);
    const char *wanted = fa_script_text(line, "TEXT");
    if (lab->failed) {
        fa_buf_init(&faults, 1);
    } else if (refused &&
               (rc == 0 || (wanted != NULL && strstr(fa_buf_text(&faults), wanted) == NULL))) {
        fa_lab_fail(lab, rc == 0 ? "it is accepted%s" : "refused, but for:\n  %s",
                    rc == 0 ? "" : fa_buf_text(&faults));
    } else if (!refused && rc != 0) {
        fa_lab_fail(lab, "the configuration is refused:\n  %s", fa_buf_text(&faults));
    }
    fa_buf_done(&faults);
    /* What is refused leaves everything as it was. */
    struct fa_lab_piece *drop = refused ? lab->pieces : kept;
    size_t drop_count = refused ? lab->piece_count : kept_count;
    for (size_t i = 0; i < drop_count; i++) {
        free(drop[i].name);
        free(drop[i].text);
    }
    free(drop);
    if (refused) {
        lab->pieces = kept;
        lab->piece_count = kept_count;
    }
    if (config != NULL && !refused && !lab->failed) {
        fa_lab_reload(lab, config);
    } else {
        fa_config_free(config);
    }
}

/* ---- deeds ---- */

static bool may(struct fa_lab *lab, const struct fa_lab_alarm *seen, const char *who,
                enum fa_verb verb)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, seen->id);
    const struct fa_directory *dir = lab->config->people;
    struct fa_access access;
    if (alarm == NULL) {
        return true; /* the engine says that it is gone */
    }
    fa_access_init(&access, lab->engine, alarm);
    bool answer = fa_may(dir, (struct fa_viewer){fa_directory_find(dir, fa_str_of(who))}, verb,
                         &access.object);
    fa_access_done(&access);
    return answer;
}

static void do_deed(struct fa_lab *lab, const struct fa_script_line *line)
{
    static const struct {
        enum fa_event_kind event;
        enum fa_verb verb;
        const char *words;
    } deeds[] = {
        {FA_EV_ACK, FA_VERB_ACK, "owns"},
        {FA_EV_RESOLVE, FA_VERB_RESOLVE, "closes"},
        {FA_EV_COMMENT, FA_VERB_COMMENT, "comments"},
    };
    const char *who = fa_script_text(line, "by");
    const struct fa_lab_alarm *seen =
        fa_lab_is_up(lab) ? fa_lab_named_alarm(lab, fa_script_text(line, "ALARM"), line->maybe)
                          : NULL;
    if (seen == NULL || lab->failed) {
        return;
    }
    size_t i = line->verb == FA_DO_ACK ? 0 : line->verb == FA_DO_RESOLVE ? 1 : 2;
    fa_lab_tell(lab, "%s %s %s", who, deeds[i].words, seen->identity);
    if (!may(lab, seen, who, deeds[i].verb)) {
        fa_lab_refuse(lab, FA_EDENIED);
        return;
    }
    struct fa_event event = {.kind = deeds[i].event,
                             .reply_to = fa_lab_ask(lab),
                             .u.act = {.alarm = seen->id,
                                       .who = who,
                                       .text = fa_script_text(line, "TEXT"),
                                       .for_ms = fa_script_duration(line, "for", 0)}};
    fa_lab_owed_ask(lab, &event);
    fa_lab_turn(lab, &event);
}

static void do_guess(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *who = fa_script_text(line, "by");
    const struct fa_script_slot *times = fa_script_slot(line, "times");
    uint32_t left = times != NULL ? (uint32_t)times->number : 1;
    for (; left > 0 && fa_lab_is_up(lab) && !lab->failed; left--) {
        const struct fa_lab_alarm *seen =
            fa_lab_named_alarm(lab, fa_script_text(line, "ALARM"), line->maybe);
        if (seen == NULL) {
            return;
        }
        fa_lab_tell(lab, "a wrong code on a link of %s to %s", who, seen->identity);
        struct fa_event event = {.kind = FA_EV_WRONG_CODE,
                                 .reply_to = fa_lab_ask(lab),
                                 .u.act = {.alarm = seen->id, .who = who}};
        fa_lab_turn(lab, &event);
    }
}

static void do_recuse(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *who = fa_script_text(line, "by");
    const struct fa_lab_alarm *seen =
        fa_lab_is_up(lab) ? fa_lab_named_alarm(lab, fa_script_text(line, "ALARM"), line->maybe)
                          : NULL;
    if (seen == NULL || lab->failed) {
        return;
    }
    fa_lab_tell(lab, "%s", line->source);
    if (!may(lab, seen, who, FA_VERB_ACK)) {
        fa_lab_refuse(lab, FA_EDENIED);
        return;
    }
    fa_lab_recuse(lab, seen->id, who, fa_script_text(line, "about"));
}

struct pick {
    const char *person, *channel;
    struct fa_notification_id id;
    bool found;
};

static void pick(void *ctx, const struct fa_notification *n)
{
    struct pick *pick = ctx;
    if (!pick->found && strcmp(n->person, pick->person) == 0 &&
        strcmp(n->channel, pick->channel) == 0) {
        pick->id = n->id;
        pick->found = true;
    }
}

static void do_operator(struct fa_lab *lab, const struct fa_script_line *line)
{
    struct pick chosen = {
        fa_script_text(line, "NAME"), fa_script_text(line, "via"), {{{0}}}, false};
    if (!fa_lab_is_up(lab)) {
        return;
    }
    fa_engine_each_notification(lab->engine, pick, &chosen);
    struct fa_event event = {.kind = line->verb == FA_DO_REPLAY ? FA_EV_REPLAY : FA_EV_DROP,
                             .reply_to = fa_lab_ask(lab),
                             .u.note.id = chosen.id};
    struct fa_lab_key *key = fa_lab_find_key(lab, chosen.id);
    if (key != NULL) {
        key->may_repeat = true;
    }
    lab->replayed = chosen.id;
    fa_lab_turn(lab, &event);
}

static void do_test(struct fa_lab *lab, const struct fa_script_line *line)
{
    if (fa_lab_is_up(lab)) {
        struct fa_event event = {.kind = FA_EV_TEST,
                                 .reply_to = fa_lab_ask(lab),
                                 .u.test.person = fa_script_text(line, "NAME")};
        fa_lab_turn(lab, &event);
    }
}

static void do_trouble(struct fa_lab *lab, const struct fa_script_line *line)
{
    if (fa_lab_is_up(lab)) {
        struct fa_event event = {.kind = FA_EV_TROUBLE,
                                 .u.trouble = {.code = fa_script_text(line, "NAME"),
                                               .text = "something is wrong with the daemon",
                                               .over = fa_script_slot(line, "over") != NULL}};
        fa_lab_turn(lab, &event);
    }
}

/* ---- the world's own ---- */

static void do_receiver(struct fa_lab *lab, const struct fa_script_line *line)
{
    static const char *const moods[] = {"ok", "503", "404", "hang", "lost"};
    const char *channel = fa_script_text(line, "NAME");
    if (fa_directory_channel(lab->config->people, channel) == NULL) {
        fa_lab_fail(lab, "there is no channel '%s'", channel);
        return;
    }
    fa_lab_set_receiver(
        lab, channel, fa_script_text(line, "for"),
        (enum fa_lab_mood)fa_lab_index_of(fa_script_text(line, "choice"), moods, 5));
    fa_lab_tell(lab, "%s", line->source);
}

static void do_forget(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->delivery_count; i++) {
        lab->deliveries[i].taken = true;
    }
    for (size_t i = 0; i < lab->journal_count; i++) {
        lab->journal[i].taken = true;
    }
}

static void do_never(struct fa_lab *lab, const struct fa_script_line *line)
{
    fa_lab_check_names(lab, line);
    lab->nevers = fa_xrealloc(lab->nevers, (lab->never_count + 1) * sizeof(struct fa_lab_never));
    lab->nevers[lab->never_count++] =
        (struct fa_lab_never){fa_xstrdup(fa_script_text(line, "NAME")),
                              fa_xstrdup(fa_script_text(line, "via")), line->line};
}

static void do_allow(struct fa_lab *lab, const struct fa_script_line *line)
{
    if (strcmp(fa_script_text(line, "NAME"), "anyone") != 0) {
        fa_lab_check_names(lab, line);
    }
    lab->allowed = fa_xrealloc(lab->allowed, (lab->allowed_count + 1) * sizeof lab->allowed[0]);
    lab->allowed[lab->allowed_count++] = line;
}

static void do_stop(struct fa_lab *lab, bool clean)
{
    if (fa_lab_is_up(lab)) {
        fa_lab_stop(lab, clean);
    }
}

static void do_start(struct fa_lab *lab, fa_time after)
{
    fa_lab_advance_to(lab, lab->elapsed + after);
    if (lab->engine != NULL) {
        fa_lab_fail(lab, "the daemon is up already");
    } else if (!lab->failed) {
        fa_lab_start(lab);
    }
}

/* What is said of the rest of the scenario, and changes nothing in the world. */
static void do_declare(struct fa_lab *lab, const struct fa_script_line *line)
{
    switch ((int)line->verb) {
    case FA_DO_FORGET:
        do_forget(lab);
        break;
    case FA_DO_NEVER:
        do_never(lab, line);
        break;
    case FA_DO_ALLOW:
        do_allow(lab, line);
        break;
    case FA_DO_NOTHING_ELSE:
        lab->closing = line;
        break;
    case FA_DO_INTERVAL:
        lab->interval = fa_script_slot(line, "DURATION")->duration;
        break;
    default:
        break;
    }
}

static void do_world(struct fa_lab *lab, const char *file, const struct fa_script_line *line)
{
    switch ((int)line->verb) {
    case FA_DO_RELOAD:
    case FA_DO_RELOAD_REFUSED:
        do_reload(lab, file, line);
        break;
    case FA_DO_ADVANCE:
        fa_lab_advance_to(lab, lab->elapsed + fa_script_slot(line, "DURATION")->duration);
        break;
    case FA_DO_METRIC:
        fa_lab_feed(lab, line);
        break;
    case FA_DO_QUIET:
        fa_lab_quiet(lab, fa_script_text(line, "SERIES"));
        break;
    case FA_DO_STALE:
        fa_lab_stale(lab, fa_script_text(line, "SERIES"));
        break;
    case FA_DO_ALERT:
        fa_lab_alert(lab, line);
        break;
    case FA_DO_COURIER:
        if (strcmp(fa_script_text(line, "choice"), "dies") == 0) {
            fa_lab_post_die(lab);
        } else {
            fa_lab_post_return(lab);
        }
        break;
    case FA_DO_JUMP:
        fa_lab_jump(lab, fa_script_slot(line, "SIGNED")->duration);
        break;
    case FA_DO_FAIL_STORE:
        lab->store.failing = (uint32_t)fa_script_slot(line, "COUNT")->number;
        break;
    case FA_DO_STORE_TAKES:
        lab->store.takes = fa_script_slot(line, "DURATION")->duration;
        break;
    case FA_DO_CRASH:
        if (fa_script_slot(line, "kept") != NULL) {
            fa_lab_commit_keep(lab);
        }
        do_stop(lab, false);
        do_start(lab, fa_script_duration(line, "for", 0));
        break;
    case FA_DO_RESTART:
        do_stop(lab, true);
        do_start(lab, fa_script_duration(line, "after", 0));
        break;
    case FA_DO_STOP:
        do_stop(lab, true);
        break;
    case FA_DO_START:
        do_start(lab, 0);
        break;
    case FA_DO_RECEIVER:
        do_receiver(lab, line);
        break;
    default:
        do_declare(lab, line);
    }
}

static void play_line(struct fa_lab *lab, const char *file, const struct fa_script_line *line)
{
    switch ((int)line->verb) {
    case FA_DO_FILE:
        fa_lab_file(lab, line);
        break;
    case FA_DO_WORD:
    case FA_DO_DONE:
        fa_lab_word(lab, line);
        break;
    case FA_DO_ACK:
    case FA_DO_RESOLVE:
    case FA_DO_COMMENT:
        do_deed(lab, line);
        break;
    case FA_DO_RECUSE:
        do_recuse(lab, line);
        break;
    case FA_DO_GUESS:
        do_guess(lab, line);
        break;
    case FA_DO_REPLAY:
    case FA_DO_DROP:
        do_operator(lab, line);
        break;
    case FA_DO_TEST:
        do_test(lab, line);
        break;
    case FA_DO_TROUBLE:
        do_trouble(lab, line);
        break;
    case FA_DO_DRILL:
        fa_lab_do_drill(lab, line);
        break;
    case FA_DO_SILENCE:
    case FA_DO_UNSILENCE:
        fa_lab_do_silence(lab, line);
        break;
    default:
        if (line->verb >= FA_EXPECT_TELL) {
            fa_lab_claim(lab, line);
        } else {
            do_world(lab, file, line);
        }
    }
}

/* ---- a whole scenario ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each message that reached somebody, once a key, without its time: sorted, a line each. */
static char *list_told(const struct fa_lab *lab)
{
    char **lines = fa_xcalloc(lab->delivery_count + 1, sizeof(char *));
    size_t count = 0;
    for (size_t i = 0; i < lab->delivery_count; i++) {
        const struct fa_lab_delivery *delivery = &lab->deliveries[i];
        if (delivery->reached && !delivery->again) {
            struct fa_buf buf;
            fa_buf_init(&buf, 4096);
            fa_buf_printf(&buf, "%s via %s: %s of %s, step %u loop %u\n", delivery->person,
                          delivery->channel, fa_notification_kind_name(delivery->kind),
                          delivery->identity != NULL ? delivery->identity : "a filing",
                          delivery->step + 1, delivery->loop);
            lines[count++] = fa_buf_take(&buf);
        }
    }
    qsort(lines, count, sizeof(char *), by_text);
    struct fa_buf all;
    fa_buf_init(&all, (size_t)4 << 20);
    for (size_t i = 0; i < count; i++) {
        fa_buf_puts(&all, lines[i]);
        free(lines[i]);
    }
    free(lines);
    return fa_buf_take(&all);
}

/* Whose refusal is lost is tried again and may find the receiver mended; whose arrival is lost is
 * not, where its alarm is hidden meanwhile, and nobody knows that they were told. Then others are
 * told than without the restart, and rightly. */
static bool verdict_matters(const struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->post.flight_count; i++) {
        const struct fa_lab_flight *flight = &lab->post.flights[i];
        const struct fa_notification *n = fa_engine_notification(lab->engine, flight->id);
        if (flight->verdict != FA_VERDICT_SENT ||
            (n != NULL && n->owner_alarm != NULL && fa_is_hidden(n->owner_alarm))) {
            return true;
        }
    }
    return false;
}

static void restart_between(struct fa_lab *lab)
{
    if (lab->engine != NULL && lab->store.count == 0 && lab->store.failing == 0 &&
        !verdict_matters(lab) && !lab->failed) {
        fa_lab_stop(lab, true);
        fa_lab_start(lab);
    }
}

static bool has_receipt(const struct fa_lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->filing_count; i++) {
        if (strcmp(lab->filings[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_alarm(struct fa_lab *lab, const char *text)
{
    const char *at = strchr(text, '@'), *brace = strchr(text, '{');
    bool by_receipt = at != NULL && (brace == NULL || at < brace);
    return (!by_receipt || has_receipt(lab, at + 1)) && fa_lab_named_alarm(lab, text, true) != NULL;
}

/* What a line with `maybe` needs. */
static bool can_be_done(struct fa_lab *lab, const struct fa_script_line *line)
{
    bool up = lab->engine != NULL;
    switch ((int)line->verb) {
    case FA_DO_ACK:
    case FA_DO_RESOLVE:
    case FA_DO_COMMENT:
    case FA_DO_RECUSE:
    case FA_DO_GUESS:
        return up && has_alarm(lab, fa_script_text(line, "ALARM"));
    case FA_DO_WORD:
    case FA_DO_DONE:
        return up && has_receipt(lab, fa_script_text(line, "NAME"));
    case FA_DO_START:
        return !up;
    case FA_DO_UNSILENCE:
        return up && fa_lab_has_silence(lab, fa_script_text(line, "NAME"));
    case FA_DO_RECEIVER:
        return fa_directory_channel(lab->config->people, fa_script_text(line, "NAME")) != NULL;
    case FA_DO_METRIC:
    case FA_DO_QUIET:
    case FA_DO_STALE:
    case FA_DO_ALERT:
    case FA_DO_COURIER:
        return true;
    default:
        return up;
    }
}

static void play_one(struct fa_lab *lab, const struct fa_script *script, size_t i, bool restarts)
{
    const struct fa_script_line *line = &script->lines[i];
    if (line->verb == FA_DO_CONFIG) {
        if (lab->config != NULL) {
            fa_lab_fail(lab, "config comes before everything else; later it is reload");
        } else {
            add_source(lab, script->file, line);
        }
        return;
    }
    begin(lab);
    if (lab->failed) {
        return;
    }
    if (line->at != FA_NEVER) {
        if (line->at < lab->elapsed && line->verb != FA_EXPECT_TELL) {
            fa_lab_fail(lab, "that time is over");
        }
        fa_lab_advance_to(lab, line->at);
    }
    bool is_expectation = line->verb >= FA_EXPECT_TELL;
    if (restarts && is_expectation) {
        fa_lab_advance_to(lab, fa_lab_waits_until(lab, line));
    } else if (!lab->failed && (!line->maybe || can_be_done(lab, line))) {
        lab->cover.verbs[line->verb]++;
        play_line(lab, script->file, line);
    } else {
        lab->cover.left_out[line->verb]++;
    }
    if (!is_expectation) {
        fa_lab_advance_to(lab, lab->elapsed); /* what it made due at this instant */
        fa_lab_owed_reconcile(lab);
    }
    if (restarts && !is_expectation) {
        restart_between(lab);
    }
}

/* The first failure is the result's; what came of expectations goes along. */
static void judge(struct fa_lab *lab, struct fa_lab_result *result)
{
    const struct fa_lab_claim *first = NULL;
    for (size_t i = 0; i < lab->claim_count && first == NULL; i++) {
        first = lab->claims[i].failure != NULL ? &lab->claims[i] : NULL;
    }
    result->broken = lab->failed;
    result->failed = lab->failed || first != NULL;
    if (!lab->failed && first != NULL) {
        result->line = first->line->line;
        result->col = first->line->col;
        snprintf(result->failure, sizeof result->failure, "%s", first->failure);
    } else {
        memcpy(result->failure, lab->failure, sizeof result->failure);
    }
    result->claims = lab->claims;
    result->claim_count = lab->claim_count;
    result->deliveries = lab->deliveries;
    result->delivery_count = lab->delivery_count;
    result->closed = lab->closing != NULL;
}

/* A misspelt name would be silent: nothing fires, and nothing was expected to. */
static char *list_unwatched(const struct fa_lab *lab)
{
    struct fa_buf buf;
    const char *name;
    fa_buf_init(&buf, (size_t)64 << 10);
    for (size_t i = 0;
         lab->metrics != NULL && (name = fa_metrics_catalogue(lab->metrics, i)) != NULL; i++) {
        fa_buf_printf(&buf, "%s%s", i > 0 ? ", " : "", name);
    }
    return fa_buf_take(&buf);
}

void fa_lab_play(const struct fa_script *script, enum fa_lab_how how,
                 struct fa_lab_result *ret_result)
{
    struct fa_lab lab;
    struct fa_lab_result result = {0};
    fa_lab_init(&lab);
    lab.unchecked = how == FA_LAB_AGAIN;
    for (size_t i = 0; i < script->count && !lab.failed; i++) {
        const struct fa_script_line *line = &script->lines[i];
        if (line->verb == FA_DO_NO_RESTARTS) {
            result.no_restarts = fa_script_text(line, "TEXT");
        }
        play_one(&lab, script, i, how == FA_LAB_RESTARTS);
        result.line = line->line;
        result.col = line->col;
        result.steps++;
    }
    if (lab.config == NULL && !lab.failed) {
        fa_lab_fail(&lab, "nothing happens in this scenario");
    }
    if (how != FA_LAB_RESTARTS) { /* there nothing is expected */
        fa_lab_claims_close(&lab);
    }
    judge(&lab, &result);
    fa_lab_storm_end(&lab);
    result.digest = lab.digest;
    result.spared = lab.spared;
    result.cover = lab.cover;
    result.told = list_told(&lab);
    result.story = fa_buf_take(&lab.story);
    result.unwatched = list_unwatched(&lab);
    lab.claims = NULL;
    lab.deliveries = NULL;
    lab.spared = NULL;
    lab.claim_count = lab.delivery_count = 0;
    fa_lab_done(&lab);
    *ret_result = result;
}

void fa_lab_result_done(struct fa_lab_result *result)
{
    free(result->story);
    free(result->told);
    free(result->spared);
    free(result->unwatched);
    fa_lab_claims_free(result->claims, result->claim_count);
    fa_lab_deliveries_free(result->deliveries, result->delivery_count);
    *result = (struct fa_lab_result){0};
}

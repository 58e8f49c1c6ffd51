/* SPDX-License-Identifier: MIT */
/* links: fa_firm PkgConfig::LIBSODIUM */
/* needs: fa_daemon_programs firealarm */
/* Over random companies: whatever people file about somebody, whatever is told, asked, owned,
 * closed and held back, nothing of it reaches those who must not know, over no way out of the whole
 * daemon. Every message is captured, every answer to everybody, what the command prints, /metrics,
 * the log and the processes; each is searched for the words that were filed, for ids and for
 * receipts, and what those who are kept out see must be the same as if nothing had been filed.
 *
 * FA_SEEDS=N plays N companies instead of ten, FA_SEED=N begins with that one. */
#include "page_rig.h"
#include "scene.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is done ---- */

/* Some customers are called as people are, and their label names those. */
static const char *draw_customer(struct scene *scene, const char *about)
{
    bool is_person = strcmp(about, "account.conduit") != 0 && firm_draw(&scene->firm, 100) < 30;
    return is_person ? firm_names[firm_draw(&scene->firm, FIRM_LINE)] : "Initech";
}

static void file_it(struct scene *scene, const char *category, const char *about, int struck)
{
    struct filing *filing = &scene->filings[scene->filing_count];
    char body[700], strike[40] = "";
    size_t n = scene->filing_count++;
    snprintf(filing->word, sizeof filing->word, "qz%llux%zuvk", (unsigned long long)scene->seed, n);
    if (struck >= 0) {
        snprintf(strike, sizeof strike, ",\"strike\":[\"%s\"]", firm_names[struck]);
    }
    snprintf(body, sizeof body,
             "{\"key\":\"%031zx1\",\"category\":\"%s\",\"customer\":\"%s\",\"text\":\"They "
             "%s again\",\"since\":\"2020-11-20\",\"known\":\"seen\",\"about\":[\"%s\"]%s}",
             n + 1, category, draw_customer(scene, about), filing->word, about, strike);
    filing->is_raised = strcmp(category, "danger") == 0 || strcmp(category, "lying") == 0;
    snprintf(filing->about, sizeof filing->about, "%s", about);
    filing->meant = firm_meant(&scene->firm, about);
    filing->struck = struck >= 0 ? 1u << struck : 0;
    scene_bar(scene, filing);
    const struct rig_reply *reply = scene_ask(scene, FIRM_ZELDA, "POST", "/v1/incidents", body);
    if (reply->status != 201) {
        fail_msg("company %llu: %d %s\n%s", (unsigned long long)scene->seed, reply->status, body,
                 reply->body);
    }
    json_t *answer = rig_json(reply);
    snprintf(filing->receipt, 20, "%s", json_string_value(json_object_get(answer, "receipt")));
    json_decref(answer);
}

/* On a page by somebody whom nobody knows, who types names: one's own, and whom it is about. */
static void file_on_page(struct scene *scene)
{
    struct filing *filing = &scene->filings[scene->filing_count];
    int subject = (int)firm_draw(&scene->firm, FIRM_LINE);
    char form[400];
    snprintf(filing->word, sizeof filing->word, "qz%llux%zuvk", (unsigned long long)scene->seed,
             scene->filing_count++);
    snprintf(form, sizeof form,
             "key=%032x&category=danger&text=See+%s&called=Ann+%s&about=%s&do=raise", 99u,
             filing->word, filing->word, firm_names[subject]);
    filing->is_raised = true;
    filing->meant = 1u << subject;
    scene_bar(scene, filing);
    assert_int_equal(page(scene->rig, "POST", "/file", form)->status, 201);
}

static const char *draw_about(struct scene *scene)
{
    static const char *const groups[] = {"team:crew", "role:seller", "conduit:Initech",
                                         "account.conduit", "conduit:Hooli"};
    uint64_t draw = firm_draw(&scene->firm, 11);
    return draw < 5    ? groups[draw]
           : draw == 5 ? firm_names[FIRM_RUTH]
                       : firm_names[firm_draw(&scene->firm, FIRM_LINE)];
}

static void raise_queues(const struct scene *scene, const char *name, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char line[80];
        snprintf(line, sizeof line, "queue_seconds:300|g|#queue:%s%u,who:%s", name, i,
                 firm_names[i % FIRM_LINE]);
        rig_statsd(scene->rig, line);
    }
}

/* An alarm of numbers that is about nobody yet, and whose labels name somebody. */
static void raise_named(struct scene *scene)
{
    struct filing *filing = &scene->filings[scene->filing_count];
    char line[100];
    snprintf(filing->word, sizeof filing->word, "qz%llux%zuvk", (unsigned long long)scene->seed,
             scene->filing_count++);
    snprintf(line, sizeof line, "queue_seconds:300|g|#queue:%s,who:%s", filing->word,
             firm_names[firm_draw(&scene->firm, FIRM_LINE)]);
    rig_statsd(scene->rig, line);
}

/* Its reporter says more. */
static void say_more(const struct scene *scene, const struct filing *filing)
{
    char body[200];
    snprintf(body, sizeof body, "{\"receipt\":\"%s\",\"comment\":\"and %s\"}", filing->receipt,
             filing->word);
    assert_int_equal(scene_ask(scene, FIRM_ZELDA, "POST", "/v1/status", body)->status, 200);
}

/* True when one of them could. */
static bool deed(const struct scene *scene, int person, const char *id, const char *verb,
                 const char *body)
{
    char path[80];
    snprintf(path, sizeof path, "/v1/alarms/%s/%s", id, verb);
    return scene_ask(scene, person, "POST", path, body)->status == 200;
}

static void own_queues(const struct scene *scene)
{
    json_t *list = rig_json(scene_ask(scene, FIRM_OPS, "GET", "/v1/alarms", NULL)), *item;
    size_t i;
    json_array_foreach(json_object_get(list, "alarms"), i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        bool owned = false;
        for (int person = 0; person < FIRM_ZELDA && !owned; person++) {
            owned = deed(scene, person, id, "ack", "{\"for\":\"4h\"}");
        }
        assert_true(owned);
    }
    json_decref(list);
}

/* ---- what they see ---- */

static void learn_id(struct scene *scene, const char *id, const char *text)
{
    for (size_t f = 0; f < scene->filing_count; f++) {
        struct filing *filing = &scene->filings[f];
        bool known = strstr(text, filing->word) == NULL;
        for (size_t i = 0; i < filing->id_count && !known; i++) {
            known = strcmp(filing->ids[i], id) == 0;
        }
        if (!known && filing->id_count < SCENE_IDS) {
            snprintf(filing->ids[filing->id_count++], sizeof filing->ids[0], "%s", id);
        }
    }
}

/* Each alarm that one can list is opened and explained. */
static void read_all(struct scene *scene, int person)
{
    static const char *const pages[] = {"", "/explain"};
    json_t *list = rig_json(scene_ask(scene, person, "GET", "/v1/alarms?state=all", NULL)), *item;
    size_t i;
    json_array_foreach(json_object_get(list, "alarms"), i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        const char *rule = json_string_value(json_object_get(item, "rule"));
        const char *labels = json_string_value(json_object_get(item, "title"));
        if (strcmp(rule, "queue-slow") == 0 && i > 3 && strstr(labels, "qz") == NULL) {
            continue; /* one is as the other */
        }
        for (size_t p = 0; p < 2; p++) {
            char path[80];
            snprintf(path, sizeof path, "/v1/alarms/%s%s", id, pages[p]);
            const struct rig_reply *reply = scene_ask(scene, person, "GET", path, NULL);
            learn_id(scene, id, reply->body);
            scene_assert_may_see(scene, person, path, reply->body);
        }
    }
    json_decref(list);
}

static void assert_guesses_tell_nothing(const struct scene *scene, const struct filing *filing,
                                        int person)
{
    static const struct {
        const char *method, *rest, *body;
    } calls[] = {
        {"GET", "", NULL},
        {"GET", "/explain", NULL},
        {"POST", "/ack", "{}"},
        {"POST", "/resolve", "{\"note\":\"x\"}"},
        {"POST", "/comment", "{\"text\":\"x\"}"},
        {"POST", "/recuse", "{}"},
    };
    for (size_t i = 0; i < filing->id_count; i++) {
        for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
            char path[80];
            snprintf(path, sizeof path, "/v1/alarms/%s%s", SCENE_NO_ALARM, calls[c].rest);
            char *nothing =
                strdup(scene_ask(scene, person, calls[c].method, path, calls[c].body)->body);
            snprintf(path, sizeof path, "/v1/alarms/%.*s%s", i % 2 == 0 ? 19 : 9, filing->ids[i],
                     calls[c].rest);
            const struct rig_reply *reply =
                scene_ask(scene, person, calls[c].method, path, calls[c].body);
            if (reply->status != 404 || strcmp(reply->body, nothing) != 0) {
                fail_msg("company %llu: %s as %s: %d %s", (unsigned long long)scene->seed, path,
                         firm_names[person], reply->status, reply->body);
            }
            free(nothing);
        }
    }
}

/* An operator who is kept out asks for what the other operator sees in the queue. */
static void assert_queue_tells_nothing(const struct scene *scene, const struct filing *filing)
{
    json_t *list = rig_json(scene_ask(scene, FIRM_OPS, "GET", "/v1/outbox", NULL)), *item;
    size_t i;
    json_array_foreach(json_object_get(list, "notifications"), i, item)
    {
        static const char *const verbs[] = {"retry", "drop"};
        const char *alarm = json_string_value(json_object_get(item, "alarm"));
        bool is_its = false;
        for (size_t k = 0; alarm != NULL && k < filing->id_count; k++) {
            is_its = is_its || strcmp(filing->ids[k], alarm) == 0;
        }
        for (int person = 0; is_its && person < FIRM_LINE; person++) {
            bool asks =
                scene->firm.people[person].is_operator && scene_is_refused(scene, filing, person);
            for (size_t v = 0; asks && v < 2; v++) {
                char path[80];
                snprintf(path, sizeof path, "/v1/outbox/%s/%s",
                         json_string_value(json_object_get(item, "id")), verbs[v]);
                assert_int_equal(scene_ask(scene, person, "POST", path, "{}")->status, 404);
            }
        }
    }
    json_decref(list);
}

/* ---- the command ---- */

/* What it says on both its ways out, as that user of this machine. The program is opened before, as
 * it may lie where only root can look. */
static char *run_command(const struct scene *scene, int person, const char *const *arguments)
{
    static char text[1 << 16];
    char program[512], home[160];
    const char *argv[8] = {"firealarm"},
               *env[] = {home, "TZ=UTC", "ASAN_OPTIONS=detect_leaks=0", NULL};
    int status = 0;
    size_t len = 0;
    ssize_t n;
    int out[2];
    snprintf(program, sizeof program, "%s/daemon/client/firealarm", getenv("FA_BUILD_DIR"));
    snprintf(home, sizeof home, "HOME=%s/home", scene->rig->dir);
    for (size_t i = 0; arguments[i] != NULL; i++) {
        argv[i + 1] = arguments[i];
    }
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(program, O_RDONLY), none = open("/dev/null", O_RDONLY);
        dup2(none, 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        if (fd >= 0 && setuid(42000u + (unsigned)person) == 0) {
            fexecve(fd, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
        }
        _exit(127);
    }
    close(out[1]);
    while ((n = read(out[0], text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)n;
    }
    text[len] = '\0';
    close(out[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 127 && WEXITSTATUS(status) != 99);
    return text;
}

static void assert_command_tells_nothing(const struct scene *scene, const struct filing *filing,
                                         int person)
{
    static const char *const lists[][5] = {{"list", "--state", "all", NULL}, {"outbox", "list"}};
    static const char *const deeds[] = {"explain", "ack"};
    for (size_t i = 0; i < 2; i++) {
        scene_assert_may_see(scene, person, lists[i][0], run_command(scene, person, lists[i]));
    }
    for (size_t i = 0; i < 2 && filing->id_count > 0; i++) {
        const char *none[] = {deeds[i], SCENE_NO_ALARM, NULL};
        const char *real[] = {deeds[i], filing->ids[0], NULL};
        char *nothing = strdup(run_command(scene, person, none));
        assert_string_equal(run_command(scene, person, real), nothing);
        free(nothing);
    }
}

/* ---- processes and the log ---- */

static void assert_no_trace(const struct scene *scene, const char *where, const char *text)
{
    for (size_t i = 0; i < scene->filing_count; i++) {
        scene_assert_nothing(scene, &scene->filings[i], where, text);
    }
}

static void assert_process_is_clean(const struct scene *scene, pid_t pid)
{
    static const char *const names[] = {"cmdline", "environ", "comm"};
    for (size_t i = 0; i < 3; i++) {
        char path[64], text[16384];
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, names[i]);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        size_t len = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        for (size_t b = 0; b < len; b++) {
            text[b] = text[b] == '\0' ? ' ' : text[b];
        }
        text[len] = '\0';
        assert_no_trace(scene, path, text);
    }
}

/* ---- the play ---- */

/* What must have happened at all for the rest to prove anything. */
struct seen {
    size_t messages, digests, weeklies, barred, ids, left, moved_in;
};

/* It goes to history with what was said in it. */
static void close_it(const struct scene *scene, const struct filing *filing)
{
    char note[80];
    snprintf(note, sizeof note, "{\"note\":\"done with %s\"}", filing->word);
    for (size_t i = 0; i < filing->id_count; i++) {
        int person = 0;
        while (person < FIRM_ZELDA && !deed(scene, person, filing->ids[i], "resolve", note)) {
            person++;
        }
        assert_in_range(person, 0, FIRM_LEO);
    }
}

/* What everybody sees, and what is counted. */
struct sight {
    struct words views[FIRM_ZELDA], counts;
};

static void look(const struct scene *scene, struct sight *sight)
{
    for (int person = 0; person < FIRM_ZELDA; person++) {
        words_open(&sight->views[person]);
        scene_put_view(scene, person, sight->views[person].file);
    }
    words_open(&sight->counts);
    scene_put_counts(scene, sight->counts.file);
}

static void look_away(struct sight *sight)
{
    for (int person = 0; person < FIRM_ZELDA; person++) {
        words_close(&sight->views[person]);
    }
    words_close(&sight->counts);
}

static void assert_looks_the_same(const struct scene *scene, struct sight *before, uint32_t to)
{
    struct sight now;
    look(scene, &now);
    for (int person = 0; person < FIRM_ZELDA; person++) {
        const char *was = words_of(&before->views[person]), *is = words_of(&now.views[person]);
        if ((to >> person & 1) != 0 && strcmp(was, is) != 0) {
            size_t same = 0;
            while (was[same] == is[same]) {
                same++;
            }
            size_t from = same < 150 ? 0 : same - 150;
            fail_msg("company %llu: what %s sees was\n%.350s\nand is\n%.350s",
                     (unsigned long long)scene->seed, firm_names[person], was + from, is + from);
        }
    }
    assert_string_equal(words_of(&now.counts), words_of(&before->counts));
    look_away(&now);
}

/* One filing while nothing else moves, and too little was said for anything to be held back: those
 * it keeps out see what they saw before, to the byte, while it is open and when it is history. */
static void nothing_has_changed_for_them(struct scene *scene)
{
    struct sight before;
    struct filing *filing = &scene->filings[0];
    look(scene, &before);
    file_it(scene, firm_draw(&scene->firm, 2) == 0 ? "danger" : "lying", draw_about(scene), -1);
    rig_until(scene->rig, scene_was_told(scene, filing));
    rig_until(scene->rig, scene_is_quiet(scene, NULL));
    assert_looks_the_same(scene, &before, scene_kept_out(filing));
    for (int person = FIRM_LEO; person >= 0 && filing->id_count == 0; person--) {
        read_all(scene, person);
    }
    close_it(scene, filing);
    rig_until(scene->rig, scene_is_quiet(scene, NULL));
    assert_looks_the_same(scene, &before, scene_kept_out(filing));
    look_away(&before);
}

/* Somebody who may, owns it; somebody who was told, perhaps the owner, steps out of it or says that
 * it is about another: from now on that holds too. Nothing of it can be under way, as it is owned.
 */
static bool own_and_step_out(struct scene *scene, struct filing *filing)
{
    char note[100], about[64] = "{}";
    int owner = 0, leaver = 0;
    const char *id = filing->ids[0];
    snprintf(note, sizeof note, "{\"for\":\"4h\",\"note\":\"I know of %s\"}", filing->word);
    while (owner < FIRM_ZELDA && !deed(scene, owner, id, "ack", note)) {
        owner++;
    }
    if (filing->id_count == 0 || owner == FIRM_ZELDA) {
        return false; /* it was not raised, or is held back */
    }
    scene_settle(scene, id);
    int subject = (int)firm_draw(&scene->firm, FIRM_LINE);
    bool names = firm_draw(&scene->firm, 2) == 0 && !scene->firm.people[subject].independent;
    if (names) {
        snprintf(about, sizeof about, "{\"about\":\"%s\"}", firm_names[subject]);
    }
    filing->owners |= 1u << owner;
    leaver = firm_draw(&scene->firm, 2) == 0 ? owner : 0;
    while (leaver < FIRM_LEO && !deed(scene, leaver, id, "recuse", about)) {
        leaver++;
    }
    if (leaver < FIRM_LEO) {
        filing->meant |= names ? 1u << subject : 0;
        filing->struck |= names ? 0 : 1u << leaver;
        scene_bar(scene, filing);
        filing->id_count = 1; /* it is out of this alarm; others of the filing go on */
    }
    return leaver < FIRM_LEO;
}

static void look_everywhere(struct scene *scene)
{
    for (int person = FIRM_LEO; person >= 0; person--) { /* who may know most, first */
        struct words words;
        read_all(scene, person);
        words_open(&words);
        scene_put_view(scene, person, words.file);
        scene_assert_may_see(scene, person, "an answer", words_of(&words));
        words_close(&words);
    }
    for (size_t f = 0; f < scene->filing_count; f++) {
        int guesses = 0;
        for (int person = 0; person < FIRM_ZELDA && guesses < 2; person++) {
            if (scene_is_refused(scene, &scene->filings[f], person)) {
                assert_guesses_tell_nothing(scene, &scene->filings[f], person);
                guesses++;
            }
        }
        assert_queue_tells_nothing(scene, &scene->filings[f]);
    }
}

/* Whoever steps out has their old link still; it opens what a link opens that was never made. */
static void assert_links_are_dead(const struct scene *scene, const struct filing *filing)
{
    static const char begin[] = "https://alarm.example.com/a/";
    unsigned port = rig_port(scene->rig, "pages");
    char *nothing = NULL;
    const struct received *item;
    for (size_t n = 0; (item = receiver_at(scene->rig->receiver, n)) != NULL; n++) {
        const char *at = item->mail ? NULL : strstr(item->body, begin);
        bool its = at != NULL && strstr(item->body, filing->word) != NULL &&
                   strstr(item->body, "\"kind\":\"digest\"") == NULL;
        if (!its || (scene_kept_out(filing) >> scene_reader_of(item) & 1) == 0) {
            continue;
        }
        char path[600];
        at += sizeof begin - 1;
        if (nothing == NULL) {
            nothing = strdup(
                rig_ask(scene->rig,
                        &(struct rig_call){.method = "GET", .path = "/a/nonsense", .port = port})
                    ->body);
        }
        snprintf(path, sizeof path, "/a/%.*s", (int)strcspn(at, "\""), at);
        const struct rig_reply *reply =
            rig_ask(scene->rig, &(struct rig_call){.method = "GET", .path = path, .port = port});
        if (reply->status != 404 || strcmp(reply->body, nothing) != 0) {
            fail_msg("company %llu: the link in message %zu to %s is open:\n%s\n%s",
                     (unsigned long long)scene->seed, n, item->path, item->body, reply->body);
        }
    }
    free(nothing);
}

/* A storm over persons' limits, in which filings of all kinds arrive: what is held back leaves in
 * digests, each composed for its reader. */
static void storm_with_filings(struct scene *scene)
{
    static const char *const categories[] = {"danger", "stuck", "mess", "danger"};
    raise_queues(scene, "storm", 9);
    file_it(scene, "lying", draw_about(scene), (int)firm_draw(&scene->firm, FIRM_LINE));
    for (size_t i = 0; i < 4; i++) {
        bool strikes = firm_draw(&scene->firm, 3) == 0;
        file_it(scene, categories[i], draw_about(scene),
                strikes ? (int)firm_draw(&scene->firm, FIRM_LINE) : -1);
    }
    file_on_page(scene);
    raise_named(scene);
    say_more(scene, &scene->filings[2]);
    for (int half_minute = 0; half_minute < 3; half_minute++) {
        (void)scene_gets_quiet(scene);
        rig_later(scene->rig);
    }
    (void)scene_gets_quiet(scene);
}

static void begin(struct scene *scene, struct rig *rig, uint64_t seed)
{
    char settings[300];
    *scene = (struct scene){.rig = rig, .seed = seed};
    firm_make(&scene->firm, seed);
    firm_write(&scene->firm, rig);
    mkdir(rig_path(rig, "home"), 0755);
    mkdir(rig_path(rig, "home/.config"), 0755);
    mkdir(rig_path(rig, "home/.config/firealarm"), 0755);
    snprintf(settings, sizeof settings, "socket = \"%s\";\n", rig->api);
    rig_write(rig, "home/.config/firealarm/client.cfg", settings, 0644);
    rig_again(rig);
    raise_queues(scene, "calm", 1);
    rig_until(rig, strstr(scene_ask(scene, FIRM_OPS, "GET", "/v1/alarms", NULL)->body, "calm0"));
    own_queues(scene);
    rig_until(rig, scene_is_quiet(scene, NULL));
}

static void stop(const struct scene *scene)
{
    assert_process_is_clean(scene, scene->rig->pid);
    assert_process_is_clean(scene, rig_courier(scene->rig));
    rig_stop(scene->rig);
    char *log = rig_log(scene->rig);
    assert_no_trace(scene, "the log", log);
    free(log);
}

/* What the courier had before has arrived when this has. */
static void courier_is_empty(struct scene *scene)
{
    size_t before = receiver_count(scene->rig->receiver), n;
    const struct received *item = NULL;
    const struct rig_reply *reply =
        scene_ask(scene, FIRM_OPS, "POST", "/v1/channels/test", "{\"person\":\"ops\"}");
    assert_int_equal(reply->status, 202);
    do {
        rig_pause();
        for (n = before; (item = receiver_at(scene->rig->receiver, n)) != NULL; n++) {
            if (strcmp(item->path, "/ops") == 0 && strstr(item->body, "\"test\"") != NULL) {
                break;
            }
        }
    } while (item == NULL);
}

/* The lists change while alarms are open, by a reload or over a restart: from then on everything is
 * judged by the new ones. */
static void company_changes(struct scene *scene)
{
    static const char word[] = "the new configuration holds";
    struct rig *rig = scene->rig;
    (void)scene_gets_quiet(scene);
    firm_change(&scene->firm);
    firm_write(&scene->firm, rig);
    if (scene->seed % 2 == 0) {
        stop(scene);
        rig_again(rig);
    } else {
        size_t before = rig_log_count(rig, word);
        rig_signal(rig, SIGHUP);
        rig_until(rig, rig_log_count(rig, word) == before + 1);
    }
    courier_is_empty(scene);
    for (size_t f = 0; f < scene->filing_count; f++) {
        scene_bar(scene, &scene->filings[f]);
    }
    say_more(scene, &scene->filings[1]);
    file_it(scene, "danger", draw_about(scene), -1);
}

static void end(struct scene *scene, struct seen *seen)
{
    for (size_t f = 0; f < scene->filing_count; f++) {
        /* Whoever is kept out, somebody hears. */
        rig_until(scene->rig,
                  !scene->filings[f].is_raised || scene_was_told(scene, &scene->filings[f]));
    }
    scene_assert_messages(scene, &seen->digests, &seen->weeklies);
    stop(scene);
}

static void note(const struct scene *scene, struct seen *seen)
{
    seen->messages += receiver_count(scene->rig->receiver);
    for (size_t f = 0; f < scene->filing_count; f++) {
        const struct filing *filing = &scene->filings[f];
        seen->ids += filing->id_count;
        for (int i = 0; i < FIRM_PEOPLE; i++) {
            bool was_out = (filing->barred[0].who >> i & 1) != 0;
            bool is_out = (scene_kept_out(filing) >> i & 1) != 0;
            seen->barred += is_out;
            seen->moved_in += is_out && !was_out;
        }
    }
}

static void play(struct rig *rig, uint64_t seed, struct seen *seen)
{
    static struct scene scene;
    begin(&scene, rig, seed);
    nothing_has_changed_for_them(&scene);
    storm_with_filings(&scene);
    for (int person = FIRM_LEO; person >= 0; person--) {
        read_all(&scene, person);
    }
    seen->left += own_and_step_out(&scene, &scene.filings[1]);
    seen->left += own_and_step_out(&scene, &scene.filings[7]);
    if (seed % 4 == 0) { /* the same company from what it had written down */
        stop(&scene);
        rig_again(rig);
    }
    look_everywhere(&scene);
    company_changes(&scene);
    receiver_answer(rig->receiver, "/ruth", 503);
    for (int half_minute = 0; half_minute < 4; half_minute++) {
        rig_later(rig);
        (void)scene_gets_quiet(&scene);
    }
    look_everywhere(&scene);
    for (size_t f = 0; f < scene.filing_count; f++) {
        assert_links_are_dead(&scene, &scene.filings[f]);
    }
    for (int person = 0; person < FIRM_LINE && getuid() == 0 && seed % 3 == 0; person++) {
        if (scene_is_refused(&scene, &scene.filings[0], person)) {
            assert_command_tells_nothing(&scene, &scene.filings[0], person);
            break; /* a process for each word takes long */
        }
    }
    end(&scene, seen);
    note(&scene, seen);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void in_random_companies_nothing_reaches_who_must_not_know(void **state)
{
    uint64_t first = number_of("FA_SEED", 1), count = number_of("FA_SEEDS", 10);
    struct seen seen = {0};
    if (!rig_has_hooks()) {
        print_message("SKIPPED: time passes only in builds with test hooks\n");
        return;
    }
    if (getuid() != 0) {
        print_message("SKIPPED: only root can start the command as somebody else\n");
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        void *rig = NULL;
        assert_int_equal(rig_setup(&rig), 0);
        play(rig, seed, &seen);
        assert_int_equal(rig_teardown(&rig), 0);
    }
    print_message(
        "%zu messages, %zu digests, %zu weekly ones, %zu times somebody was kept out, %zu of them "
        "later, %zu ids, %zu stepped out\n",
        seen.messages, seen.digests, seen.weeklies, seen.barred, seen.moved_in, seen.ids,
        seen.left);
    assert_true(seen.messages >= 50 * count && seen.digests >= count && seen.ids >= 3 * count);
    assert_true(seen.barred >= 10 * count && 2 * seen.left >= count);
    assert_true(seen.weeklies >= count && seen.moved_in >= count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_random_companies_nothing_reaches_who_must_not_know),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: MIT */
/* Starts the zoo, reads its table and its log. The log is read anew each time: it is small. */
#include "zoo.h"

#include "fa_test.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *const verdicts[] = {
    [ZOO_SENT] = "sent", [ZOO_LATER] = "later", [ZOO_REJECTED] = "rejected", [ZOO_FAILS] = "fails"};

static bool take(char *out, size_t size, char **line)
{
    const char *field = strsep(line, "\t");
    return field != NULL && (size_t)snprintf(out, size, "%s", field) < size;
}

static void add_animal(struct zoo *zoo, char *line)
{
    struct animal *animal = &zoo->animals[zoo->count];
    char verdict[16];
    assert_true(zoo->count++ < ZOO_MAX);
    if (!take(animal->name, sizeof animal->name, &line) ||
        !take(animal->options, sizeof animal->options, &line) ||
        !take(animal->address, sizeof animal->address, &line) ||
        !take(verdict, sizeof verdict, &line) || !take(animal->word, sizeof animal->word, &line)) {
        fail_msg("the zoo's animal %zu, %s, has no line that can be read", zoo->count,
                 animal->name);
    }
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        if (strcmp(verdict, verdicts[i]) == 0) {
            animal->verdict = (enum zoo_verdict)i;
            return;
        }
    }
    fail_msg("%s: no verdict is called %s", animal->name, verdict);
}

void zoo_open(struct zoo *zoo, const char *log, const char *names)
{
    char script[512], line[1024];
    const char *source = getenv("FA_SOURCE_DIR");
    int in[2], out[2];
    bool ready = false;
    posix_spawn_file_actions_t files;
    snprintf(zoo->log, sizeof zoo->log, "%s", log);
    snprintf(script, sizeof script, "%s/tests/support/zoo.py", source != NULL ? source : ".");
    char *argv[] = {"/usr/bin/python3",       "-Wignore", script, zoo->log,
                    (char *)(uintptr_t)names, NULL};
    assert_int_equal(pipe(in) | pipe(out), 0);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    assert_int_equal(posix_spawn(&zoo->pid, argv[0], &files, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    close(in[0]);
    close(out[1]);
    zoo->input = in[1];
    FILE *said = fdopen(out[0], "re");
    while (!ready && fgets(line, sizeof line, said) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        ready = strcmp(line, "ready") == 0;
        if (!ready) {
            add_animal(zoo, line);
        }
    }
    fclose(said);
    assert_true(ready);
}

void zoo_close(struct zoo *zoo)
{
    if (zoo->pid > 0) {
        close(zoo->input);
        waitpid(zoo->pid, NULL, 0);
        zoo->pid = 0;
    }
}

struct zoo_event *zoo_events(const struct zoo *zoo, const char *name, const char *what,
                             size_t *ret_count)
{
    struct zoo_event *events = NULL;
    size_t count = 0, cap = 0;
    char line[1024], who[64];
    FILE *file = fopen(zoo->log, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        struct zoo_event event = {0};
        int at = 0;
        long long ms = 0;
        if (sscanf(line, "%lld %63s %15s %n", &ms, who, event.what, &at) < 3 ||
            (name != NULL && strcmp(name, who) != 0) ||
            (what != NULL && strcmp(what, event.what) != 0)) {
            continue;
        }
        event.at = ms;
        snprintf(event.words, sizeof event.words, "%.*s", (int)strcspn(line + at, "\n"), line + at);
        if (count == cap) {
            cap = cap != 0 ? cap * 2 : 16;
            events = realloc(events, cap * sizeof *events);
        }
        events[count++] = event;
    }
    if (file != NULL) {
        fclose(file);
    }
    *ret_count = count;
    return events;
}

size_t zoo_count(const struct zoo *zoo, const char *name, const char *what)
{
    size_t count;
    free(zoo_events(zoo, name, what, &count));
    return count;
}

/* SPDX-License-Identifier: MIT */
/* Rules that are tried need people and policies. A file that names people is a configuration of its
 * own; any other takes the place of all of rules.d/ in one that is near: what is tried, and nothing
 * else, is heard of. */
#include "client/backtest.h"

#include "base/panic.h"
#include "calendar/reader.h"
#include "client/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX  ((size_t)12 << 20)
#define PAST      (1000 * FA_DAY)
#define MARK_FILE "#@ file "

static void on_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    struct fa_client *client = ctx;
    char text[1024];
    if (!is_warning) {
        fa_put(&client->talk, FA_PLAIN, fa_err_format(err, text, sizeof text));
        fa_say(&client->talk, "\n");
    }
}

static int read_text(const char *path, struct fa_buf *buf, struct fa_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    fa_buf_init(buf, TEXT_MAX);
    if (fd < 0) {
        return fa_err_at(err, FA_EIO, path, 0, 0, "cannot be opened: %s", strerror(errno));
    }
    int ret = fa_file_read(fd, path, buf, err);
    close(fd);
    return ret;
}

/* Is there a setting `people` at the beginning of a line? */
static bool has_people(struct fa_str text)
{
    while (text.len > 0) {
        struct fa_str line = fa_str_trim(fa_str_cut(text, '\n', &text));
        if (fa_str_starts(line, "people")) {
            struct fa_str rest = fa_str_trim((struct fa_str){line.ptr + 6, line.len - 6});
            if (rest.len == 0 || rest.ptr[0] == '=' || rest.ptr[0] == ':') {
                return true;
            }
        }
    }
    return false;
}

/* A configuration near the rules; free() it. NULL: there is none. */
static char *find_near(const char *rules)
{
    static const char *const places[] = {"firealarm.cfg", "../firealarm.cfg"};
    const char *slash = strrchr(rules, '/');
    struct fa_buf path;
    fa_buf_init(&path, 4096);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        fa_buf_clear(&path);
        fa_buf_printf(&path, "%.*s%s", slash != NULL ? (int)(slash - rules) + 1 : 0, rules,
                      places[i]);
        if (access(fa_buf_text(&path), R_OK) == 0) {
            return fa_buf_take(&path);
        }
    }
    fa_buf_done(&path);
    return access("/etc/firealarm/firealarm.cfg", R_OK) == 0
               ? fa_xstrdup("/etc/firealarm/firealarm.cfg")
               : NULL;
}

/* Of a line that names a file: does it lie in rules.d/? (rules.d/../firealarm.cfg does not.) */
static bool is_in_rules_d(struct fa_str line)
{
    static const char dir[] = "rules.d";
    size_t end = line.len;
    while (end > 0 && line.ptr[end - 1] != '/') {
        end--;
    }
    size_t len = sizeof dir - 1;
    return end > len + 1 && memcmp(line.ptr + end - 1 - len, dir, len) == 0 &&
           (line.ptr[end - 2 - len] == '/' || line.ptr[end - 2 - len] == ' ');
}

/* Appends the files of a configuration but those in rules.d/. */
static void put_others(const char *source, struct fa_buf *out)
{
    struct fa_str rest = fa_str_of(source);
    bool left_out = false;
    while (rest.len > 0) {
        struct fa_str line = fa_str_cut(rest, '\n', &rest);
        if (fa_str_starts(line, MARK_FILE)) {
            left_out = is_in_rules_d(line);
        }
        if (!left_out) {
            fa_buf_putstr(out, line);
            fa_buf_putc(out, '\n');
        }
    }
}

/* Who was on duty in the past that is played. */
static struct fa_calendars *past_calendars(const struct fa_client *client)
{
    fa_time now = client->world->now;
    return fa_calendars_new(
        &(struct fa_calendars_config){.from = now - PAST, .until = now + FA_DAY});
}

static int join(struct fa_client *client, const char *base, const char *rules, struct fa_str text,
                struct fa_config **ret_config, struct fa_err *err)
{
    struct fa_config_world world = {.calendars = past_calendars(client)};
    struct fa_config *whole = NULL;
    struct fa_buf joined;
    int ret = fa_config_load(base, &world, on_fault, client, &whole);
    if (ret != 0) {
        fa_calendars_free(world.calendars);
        return fa_err_set(err, FA_EINVAL, "%s, with whose people the rules are tried, is refused",
                          base);
    }
    fa_buf_init(&joined, TEXT_MAX);
    put_others(whole->source, &joined);
    fa_buf_printf(&joined, MARK_FILE "%s\n", rules);
    fa_buf_putstr(&joined, text);
    fa_config_free(whole);
    ret = joined.over
              ? fa_err_at(err, FA_ETOOBIG, rules, 0, 0, "larger than 12 MiB")
              : fa_config_parse(base, fa_buf_str(&joined), &world, on_fault, client, ret_config);
    fa_buf_done(&joined);
    fa_calendars_free(world.calendars);
    return ret != 0 ? fa_err_set(err, FA_EINVAL, "%s is refused", rules) : 0;
}

int fa_backtest_config(struct fa_client *client, const char *rules, const char *with,
                       const char **ret_only, struct fa_config **ret_config, struct fa_err *err)
{
    struct fa_buf text;
    char *base = NULL;
    *ret_only = NULL;
    int ret = read_text(rules, &text, err);
    if (ret == 0 && with == NULL && has_people(fa_buf_str(&text))) {
        struct fa_config_world world = {.calendars = past_calendars(client)};
        ret = fa_config_load(rules, &world, on_fault, client, ret_config);
        fa_calendars_free(world.calendars);
        ret = ret != 0 ? fa_err_set(err, FA_EINVAL, "%s is refused", rules) : 0;
    } else if (ret == 0) {
        base = with != NULL ? fa_xstrdup(with) : find_near(rules);
        *ret_only = rules;
        ret = base != NULL ? join(client, base, rules, fa_buf_str(&text), ret_config, err)
                           : fa_err_at(err, FA_EINVAL, rules, 0, 0,
                                       "names no people, and no firealarm.cfg is near: say with "
                                       "--with whose people and policies apply");
    }
    free(base);
    fa_buf_done(&text);
    return ret;
}

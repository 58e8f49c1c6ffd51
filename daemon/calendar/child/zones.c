/* SPDX-License-Identifier: MIT */
/* The system's zones, read by libc: it knows each form of these files, and the rule at their end
 * for the years after their last line. What it does not know it takes silently for UTC; so a name
 * counts only when there is a file of that name that begins as such files do. */
#include "calendar/child/zones.h"
#include "base/panic.h"
#include "calendar/frame.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP      (6 * FA_HOUR) /* no zone shifts twice within it */
#define NAMES_MAX 4000u
#define DEPTH_MAX 3

void fa_zone_done(struct fa_zone *zone)
{
    free(zone->name);
    free(zone->shifts);
    *zone = (struct fa_zone){0};
}

/* ---- any zone ---- */

static bool is_same(const struct fa_zone_shift *a, const struct fa_zone_shift *b)
{
    return a->offset_s == b->offset_s && strcmp(a->abbr, b->abbr) == 0;
}

static int add(struct fa_zone *zone, const struct fa_zone_shift *shift, fa_time from)
{
    if (zone->count == FA_CALENDAR_SHIFTS_MAX) {
        return FA_ETOOBIG;
    }
    zone->shifts = fa_xrealloc(zone->shifts, (zone->count + 1) * sizeof *zone->shifts);
    zone->shifts[zone->count] = *shift;
    zone->shifts[zone->count++].from = from;
    return 0;
}

int fa_zones_scan(const char *name, fa_time from, fa_time until, fa_zones_look_fn *look, void *ctx,
                  struct fa_zone *ret_zone)
{
    struct fa_zone zone = {.name = fa_xstrdup(name)};
    from -= from % FA_SECOND;
    struct fa_zone_shift before = look(ctx, from);
    int rc = add(&zone, &before, from);
    for (fa_time at = from; at < until && rc == 0; at += STEP) {
        struct fa_zone_shift after = look(ctx, at + STEP);
        if (is_same(&before, &after)) {
            continue;
        }
        fa_time low = at, high = at + STEP; /* it shifts in low < t <= high */
        while (high - low > FA_SECOND) {
            fa_time mid = low + (high - low) / (2 * FA_SECOND) * FA_SECOND;
            struct fa_zone_shift there = look(ctx, mid);
            if (is_same(&before, &there)) {
                low = mid;
            } else {
                high = mid;
            }
        }
        rc = add(&zone, &after, high);
        before = after;
    }
    if (rc != 0) {
        fa_zone_done(&zone);
        return rc;
    }
    *ret_zone = zone;
    return 0;
}

/* ---- the system's ---- */

static const char *directory(void)
{
    const char *dir = getenv("TZDIR");
    return dir != NULL && dir[0] == '/' ? dir : "/usr/share/zoneinfo";
}

static bool is_zone_file(const char *path)
{
    char magic[4];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
              read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
              memcmp(magic, "TZif", sizeof magic) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is;
}

static bool is_name(const char *name)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    size_t len = strlen(name);
    return len > 0 && len < 100 && strspn(name, plain) == len && name[0] != '/';
}

struct names {
    char **list;
    size_t count;
};

/* Zone names begin with a capital; what is not one of them in that directory does not. */
static void collect(const char *under, int depth, struct names *names)
{
    char path[512], name[256];
    snprintf(path, sizeof path, "%s/%s", directory(), under);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z' || names->count == NAMES_MAX) {
            continue;
        }
        snprintf(name, sizeof name, "%s%s%s", under, under[0] != '\0' ? "/" : "", entry->d_name);
        snprintf(path, sizeof path, "%s/%s", directory(), name);
        struct stat st;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            collect(name, depth + 1, names);
        } else if (is_zone_file(path)) {
            names->list = fa_xrealloc(names->list, (names->count + 1) * sizeof *names->list);
            names->list[names->count++] = fa_xstrdup(name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* "berlin" and "Europe/berlin" mean Europe/Berlin; else what is spelt most alike. */
static const char *find_near(const char *word, const struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *slash = strrchr(names->list[i], '/');
        if (strcasecmp(names->list[i], word) == 0 ||
            (slash != NULL && strcasecmp(slash + 1, word) == 0)) {
            return names->list[i];
        }
    }
    return fa_suggest(word, (const char *const *)names->list, names->count);
}

static int unknown(const char *name, struct fa_err *err)
{
    struct names names = {0};
    char hint[128] = "";
    collect("", 0, &names);
    const char *near = find_near(name, &names);
    if (names.count == 0) {
        snprintf(hint, sizeof hint, ": %.60s holds none; install tzdata", directory());
    } else if (near != NULL) {
        snprintf(hint, sizeof hint, " (did you mean '%.100s'?)", near);
    }
    (void)fa_err_set(err, FA_ENOTFOUND, "'%.100s' is no time zone of this machine%s", name, hint);
    for (size_t i = 0; i < names.count; i++) {
        free(names.list[i]);
    }
    free(names.list);
    return err->code;
}

static struct fa_zone_shift look(void *ctx, fa_time wall)
{
    struct fa_zone_shift shift = {0};
    struct tm tm;
    time_t seconds = (time_t)(wall / FA_SECOND);
    if (localtime_r(&seconds, &tm) != NULL) {
        shift.offset_s = (int32_t)tm.tm_gmtoff;
        snprintf(shift.abbr, sizeof shift.abbr, "%s", tm.tm_zone != NULL ? tm.tm_zone : "");
    }
    return shift;
}

int fa_zones_load(const char *name, fa_time from, fa_time until, struct fa_zone *ret_zone,
                  struct fa_err *err)
{
    char path[512], variable[128];
    snprintf(path, sizeof path, "%s/%.100s", directory(), name);
    if (!is_name(name) || !is_zone_file(path)) {
        return unknown(name, err);
    }
    snprintf(variable, sizeof variable, ":%.100s", name);
    setenv("TZ", variable, 1);
    tzset();
    int rc = fa_zones_scan(name, from, until, look, NULL, ret_zone);
    return rc == 0 ? 0 : fa_err_set(err, rc, "the zone '%.100s' shifts too often", name);
}

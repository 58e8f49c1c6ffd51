/* SPDX-License-Identifier: MIT */
/* Decides where the daemon is. The first file that is there wins whole; nothing is merged, so that
 * a person sees in one file what holds. What is not known is refused with file, line and the
 * nearest key. A token that others can read is refused: it would let them file in this person's
 * name. The token travels over TLS only. libconfig sees only text that config/scan.h lets pass: it
 * would follow an @include anywhere, wrap numbers, and run out of stack on a deep nest. */
#include "client/settings.h"

#include "base/buf.h"
#include "base/panic.h"
#include "client/client.h"
#include "client/file.h"
#include "config/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_MAX       512
#define FILE_MAX        ((size_t)64 * 1024)
#define TIMEOUT_DEFAULT (15 * FA_SECOND)
#define TIMEOUT_MAX     (5 * FA_MINUTE)

/* A file being read: the values as written, and where each stood. */
struct reading {
    const char *path;
    const char *values[6];
    uint32_t lines[6];
};

enum key { KEY_SOCKET, KEY_URL, KEY_CA, KEY_TOKEN_FILE, KEY_SPOOL, KEY_TIMEOUT, KEY__COUNT };

static const char *const key_names[KEY__COUNT] = {
    [KEY_SOCKET] = "socket",         [KEY_URL] = "url",     [KEY_CA] = "ca",
    [KEY_TOKEN_FILE] = "token_file", [KEY_SPOOL] = "spool", [KEY_TIMEOUT] = "timeout",
};

static int take_key(struct reading *reading, const config_setting_t *setting, struct fa_err *err)
{
    const char *name = config_setting_name(setting), *value = config_setting_get_string(setting);
    uint32_t line = (uint32_t)config_setting_source_line(setting);
    for (size_t i = 0; i < KEY__COUNT; i++) {
        if (strcmp(name, key_names[i]) != 0) {
            continue;
        }
        if (value == NULL || value[0] == '\0') {
            return fa_err_at(err, FA_EINVAL, reading->path, line, 0,
                             "'%s' is a text in quotes, for example %s = \"...\";", name, name);
        }
        reading->values[i] = value;
        reading->lines[i] = line;
        return 0;
    }
    const char *near = fa_suggest(name, key_names, KEY__COUNT);
    return fa_err_at(err, FA_EINVAL, reading->path, line, 0, "there is no setting '%s'%s%s%s", name,
                     near != NULL ? "; do you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
}

static int bad(const struct reading *reading, enum key key, struct fa_err *err, const char *why)
{
    return fa_err_at(err, FA_EINVAL, reading->path, reading->lines[key], 0, "'%s' %s",
                     key_names[key], why);
}

static bool is_clean_path(const char *path)
{
    return path[0] == '/' && !fa_str_has_control(fa_str_of(path));
}

/* "https://host" or "https://host:port"; user names, paths and queries have no place there. */
static bool is_base_url(const char *url)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-:[]";
    struct fa_str host = fa_str_of(url);
    if (!fa_str_starts(host, "https://") || host.len == 8) {
        return false;
    }
    size_t span = strspn(url + 8, allowed);
    return url[8 + span] == '\0' || strcmp(url + 8 + span, "/") == 0;
}

static int check_values(const struct reading *reading, struct fa_err *err)
{
    static const enum key paths[] = {KEY_SOCKET, KEY_CA, KEY_TOKEN_FILE, KEY_SPOOL};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const char *value = reading->values[paths[i]];
        if (value != NULL && !is_clean_path(value)) {
            return bad(reading, paths[i], err, "is a whole path that begins with '/'");
        }
    }
    const char *url = reading->values[KEY_URL];
    if (url != NULL && reading->values[KEY_SOCKET] != NULL) {
        return bad(reading, KEY_URL, err, "and 'socket' exclude each other: keep one");
    }
    if (url != NULL && !is_base_url(url)) {
        return bad(
            reading, KEY_URL, err,
            "is https:// and a host, with a port if need be: \"https://alarm.example:8443\"");
    }
    if (reading->values[KEY_CA] != NULL && url == NULL) {
        return bad(reading, KEY_CA, err, "says whom to trust behind a 'url', and there is none");
    }
    return 0;
}

/* The token is what stands in the file, blanks and newlines off both ends. */
static int parse_token(const char *path, const char *text, size_t len, char **ret_token,
                       struct fa_err *err)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' ')) {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return fa_err_at(err, FA_EINVAL, path, 1, 0,
                             "the token is one word of printable characters");
        }
    }
    if (len == 0) {
        return fa_err_at(err, FA_EINVAL, path, 1, 0, "there is no token in it");
    }
    *ret_token = fa_xstrndup(text, len);
    return 0;
}

static int read_token(const char *path, char **ret_token, struct fa_err *err)
{
    char text[TOKEN_MAX + 1];
    struct stat info;
    int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info) != 0) {
        rc = fa_err_at(err, FA_EIO, path, 0, 0, "the token cannot be read: %s", strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        rc = fa_err_at(err, FA_EINVAL, path, 0, 0, "the token's file is no ordinary file");
    } else if ((info.st_mode & 077) != 0) {
        rc = fa_err_at(err, FA_EDENIED, path, 0, 0,
                       "others can read your token (mode %03o). Say 'chmod 600' on it; if others "
                       "use this machine, ask for a new token",
                       (unsigned)info.st_mode & 0777);
    } else {
        ssize_t len = read(fd, text, sizeof text);
        if (len < 0 || len > TOKEN_MAX) {
            rc = fa_err_at(err, FA_EINVAL, path, 0, 0, "the token is longer than %d bytes",
                           TOKEN_MAX);
        } else {
            rc = parse_token(path, text, (size_t)len, ret_token, err);
        }
        explicit_bzero(text, sizeof text);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int take_timeout(const struct reading *reading, struct fa_settings *settings,
                        struct fa_err *err)
{
    const char *text = reading->values[KEY_TIMEOUT];
    settings->timeout = TIMEOUT_DEFAULT;
    if (text == NULL) {
        return 0;
    }
    if (fa_parse_duration(fa_str_of(text), &settings->timeout) != 0 || settings->timeout < 100 ||
        settings->timeout > TIMEOUT_MAX) {
        return bad(reading, KEY_TIMEOUT, err, "is a time from \"100ms\" to \"5m\"");
    }
    return 0;
}

static int take_values(const struct reading *reading, struct fa_settings *settings,
                       struct fa_err *err)
{
    int rc = check_values(reading, err);
    rc = rc != 0 ? rc : take_timeout(reading, settings, err);
    if (rc != 0) {
        return rc;
    }
    settings->socket = fa_xstrdup(reading->values[KEY_SOCKET]);
    settings->url = fa_xstrdup(reading->values[KEY_URL]);
    if (settings->url != NULL && settings->url[strlen(settings->url) - 1] == '/') {
        settings->url[strlen(settings->url) - 1] = '\0';
    }
    settings->ca = fa_xstrdup(reading->values[KEY_CA]);
    settings->spool = fa_xstrdup(reading->values[KEY_SPOOL]);
    return reading->values[KEY_TOKEN_FILE] != NULL
               ? read_token(reading->values[KEY_TOKEN_FILE], &settings->token, err)
               : 0;
}

static void keep_first(void *ctx, const struct fa_err *fault)
{
    struct fa_err *err = ctx;
    if (err->code == 0) {
        *err = *fault;
    }
}

/* The file's text, if libconfig reads it as it is meant. */
static int read_text(const char *path, struct fa_buf *text, struct fa_err *err)
{
    struct fa_err fault = {0};
    struct fa_scan scan = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return fa_err_at(err, FA_EIO, path, 0, 0, "cannot be read: %s", strerror(errno));
    }
    int rc = fa_file_read(fd, path, text, err);
    close(fd);
    if (rc == 0) { /* a number that would be wrapped is a fault and no error */
        rc = fa_scan_text(path, fa_buf_str(text), keep_first, &fault, &scan);
        rc = rc == 0 ? fault.code : rc;
        fa_scan_done(&scan);
    }
    if (fault.code != 0) {
        *err = fault;
    }
    return rc;
}

static int read_file(const char *path, struct fa_settings *settings, struct fa_err *err)
{
    struct reading reading = {.path = path};
    struct fa_buf text;
    config_t config;
    config_init(&config);
    fa_buf_init(&text, FILE_MAX);
    int rc = read_text(path, &text, err);
    if (rc == 0 && config_read_string(&config, fa_buf_text(&text)) != CONFIG_TRUE) {
        rc = fa_err_at(err, FA_EPARSE, path, (uint32_t)config_error_line(&config), 0, "%s",
                       config_error_text(&config));
    }
    const config_setting_t *root = config_root_setting(&config);
    for (int i = 0; rc == 0 && i < config_setting_length(root); i++) {
        rc = take_key(&reading, config_setting_get_elem(root, (unsigned)i), err);
    }
    rc = rc != 0 ? rc : take_values(&reading, settings, err);
    settings->file = fa_xstrdup(path);
    config_destroy(&config);
    fa_buf_done(&text);
    return rc;
}

/* libconfig reports an unreadable file without saying why. */
static int readable(const char *path, struct fa_err *err)
{
    struct stat info;
    if (stat(path, &info) != 0 || access(path, R_OK) != 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? FA_ENOTFOUND : FA_EIO;
        return fa_err_at(err, code, path, 0, 0, "cannot be read: %s", strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return fa_err_at(err, FA_EINVAL, path, 0, 0, "is no ordinary file");
    }
    return 0;
}

int fa_settings_load(const struct fa_world *world, const char *path,
                     struct fa_settings *ret_settings, struct fa_err *err)
{
    struct fa_settings settings = {.timeout = TIMEOUT_DEFAULT};
    struct fa_buf own;
    fa_buf_init(&own, 4096);
    fa_buf_printf(&own, "%s/firealarm/client.cfg", world->config_home);
    const char *candidates[] = {path != NULL ? path : fa_buf_text(&own),
                                path != NULL ? NULL : world->system_config};
    int rc = 0;
    for (size_t i = 0; i < 2 && candidates[i] != NULL; i++) {
        rc = readable(candidates[i], err);
        if (rc == 0) {
            rc = read_file(candidates[i], &settings, err);
            break;
        }
        if (rc != FA_ENOTFOUND || path != NULL) {
            break;
        }
        rc = 0;
    }
    fa_buf_done(&own);
    if (rc != 0) {
        fa_settings_done(&settings);
        return rc;
    }
    if (settings.url == NULL && settings.socket == NULL) {
        settings.socket = fa_xstrdup(FA_DEFAULT_SOCKET);
    }
    *ret_settings = settings;
    return 0;
}

void fa_settings_done(struct fa_settings *settings)
{
    if (settings->token != NULL) {
        explicit_bzero(settings->token, strlen(settings->token));
    }
    free(settings->file);
    free(settings->socket);
    free(settings->url);
    free(settings->ca);
    free(settings->token);
    free(settings->spool);
    *settings = (struct fa_settings){0};
}

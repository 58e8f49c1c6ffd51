/* SPDX-License-Identifier: MIT */
/* The files of a configuration: found, read within limits, joined into one text and parsed.
 *
 * The joined text is what the store keeps. Lines that begin with "#@ " mark where a file begins, so
 * that errors name file and line when it is read back, and say which directory paths count from:
 *
 *     #@ directory /etc/firealarm
 *     #@ file /etc/firealarm/firealarm.cfg
 *     company = "ACME"; ...
 *     #@ file /etc/firealarm/rules.d/incidents.cfg
 *     ...
 *     #@ calendar /etc/firealarm/rota.ics
 *     BEGIN:VCALENDAR
 *     ...
 *
 * Invariants: (1) one tree a file, so that a syntax error ends that file alone; (2) nothing is read
 * but plain files of bounded size that not everybody can write, from directories to which not
 * everybody can add; (3) a file cannot forge a marker. */
#include "config/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES   ((size_t)1 << 20)
#define JOINED_MAX_BYTES ((size_t)4 << 20)
/* What an import wrote is one file for a whole company. */
#define DIRECTORY_MAX_BYTES ((size_t)8 << 20)
#define KEPT_MAX_BYTES      ((size_t)20 << 20) /* with it and with calendars */
#define FILES_MAX           256u
#define MARK                "#@ "
#define MARK_DIRECTORY      "#@ directory "
#define MARK_FILE           "#@ file "
#define MARK_CALENDAR       "#@ calendar "

static void file_fault(struct fa_faults *faults, int code, const char *file, const char *fmt, ...)
    FA_PRINTF(4, 5);

static void file_fault(struct fa_faults *faults, int code, const char *file, const char *fmt, ...)
{
    struct fa_err err;
    char text[sizeof err.text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fa_err_at(&err, code, file, 0, 0, "%s", text);
    fa_fault_err(faults, &err);
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash == NULL   ? fa_xstrdup(".")
                : slash == path ? fa_xstrdup("/")
                                : fa_xstrndup(path, (size_t)(slash - path));
    char *real = realpath(dir, NULL);
    if (real != NULL) {
        free(dir);
        return real;
    }
    return dir;
}

static int read_all(int fd, struct fa_buf *buf, struct fa_err *err)
{
    char piece[16384];
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno != EINTR) {
            return fa_err_set(err, FA_EIO, "cannot be read: %s", strerror(errno));
        }
        if (got > 0) {
            fa_buf_put(buf, piece, (size_t)got);
        }
        if (buf->over) {
            return fa_err_set(err, FA_ETOOBIG, "larger than %zu KiB", buf->max >> 10);
        }
    }
}

int fa_files_read_plain(const char *path, struct fa_buf *buf, struct fa_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return fa_err_set(err, errno == ENOENT ? FA_ENOTFOUND : FA_EIO, "cannot be opened: %s",
                          strerror(errno));
    }
    struct stat st;
    int rc;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        rc = fa_err_set(err, FA_EINVAL, "is no plain file");
    } else if ((st.st_mode & S_IWOTH) != 0) {
        rc = fa_err_set(
            err, FA_EDENIED,
            "everybody on this machine may write it, and so say whom alarms reach: chmod o-w");
    } else {
        rc = read_all(fd, buf, err);
    }
    close(fd);
    return rc;
}

static int read_file(const char *path, struct fa_buf *buf, struct fa_faults *faults)
{
    struct fa_err err;
    int rc = fa_files_read_plain(path, buf, &err);
    if (rc == FA_ETOOBIG && buf->max == FILE_MAX_BYTES) {
        file_fault(faults, rc, path,
                   "%s: split it over several files in conf.d/ (all of them together: %zu KiB)",
                   err.text, JOINED_MAX_BYTES >> 10);
    } else if (rc != 0) {
        file_fault(faults, rc, path, "%s", err.text);
    }
    return rc;
}

/* Refuses lines that look like a marker: they would be taken for one when the copy is read. */
static bool has_marker(const char *path, struct fa_str text, struct fa_faults *faults)
{
    uint32_t line = 1;
    struct fa_str rest = text;
    while (rest.len > 0) {
        if (fa_str_starts(rest, MARK)) {
            struct fa_err err;
            fa_err_at(&err, FA_EINVAL, path, line, 1,
                      "a line may not begin with \"" MARK "\": reserved for the stored copy");
            fa_fault_err(faults, &err);
            return true;
        }
        fa_str_cut(rest, '\n', &rest);
        line++;
    }
    return false;
}

static void append_file(const char *path, struct fa_buf *joined, struct fa_faults *faults)
{
    struct fa_buf buf;
    fa_buf_init(&buf, FILE_MAX_BYTES);
    if (read_file(path, &buf, faults) != 0 || has_marker(path, fa_buf_str(&buf), faults)) {
        faults->unread_files++;
    } else {
        fa_buf_printf(joined, MARK_FILE "%s\n", path);
        fa_buf_putstr(joined, fa_buf_str(&buf));
        fa_buf_puts(joined, buf.len > 0 && buf.data[buf.len - 1] != '\n' ? "\n" : "");
    }
    fa_buf_done(&buf);
}

static int is_config_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".cfg") == 0;
}

/* In the order of bytes, not of a locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void append_directory(const char *main_path, const char *sub, struct fa_buf *joined,
                             struct fa_faults *faults)
{
    const char *slash = strrchr(main_path, '/');
    size_t prefix = slash != NULL ? (size_t)(slash - main_path) + 1 : 0;
    size_t size = prefix + strlen(sub) + 1 + 256 + 2;
    char *path = fa_xmalloc(size);
    snprintf(path, size, "%.*s%s", (int)prefix, main_path, sub);
    struct dirent **entries = NULL;
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0) {
        file_fault(faults, FA_EDENIED, path, "everybody on this machine may add files: chmod o-w");
        faults->unread_files++;
    }
    int count = scandir(path, &entries, is_config_file, by_name);
    if (count < 0 && errno != ENOENT) {
        file_fault(faults, FA_EIO, path, "cannot be listed: %s", strerror(errno));
        faults->unread_files++;
    }
    if (count > (int)FILES_MAX) {
        file_fault(faults, FA_ETOOBIG, path, "holds more than %u files", FILES_MAX);
        faults->unread_files++;
    }
    for (int i = 0; i < count; i++) {
        snprintf(path, size, "%.*s%s/%s", (int)prefix, main_path, sub, entries[i]->d_name);
        if (count <= (int)FILES_MAX) {
            append_file(path, joined, faults);
        }
        free(entries[i]);
    }
    free(entries);
    free(path);
}

static void add_file(struct fa_files *files, struct fa_str name, struct fa_str text)
{
    files->files = fa_xrealloc(files->files, (files->count + 2) * sizeof *files->files);
    files->files[files->count++] =
        (struct fa_file){.name = fa_xstrndup(name.ptr, name.len), .text = text};
}

static void add_calendar(struct fa_files *files, struct fa_str path, struct fa_str text,
                         bool is_kept)
{
    files->calendars =
        fa_xrealloc(files->calendars, (files->calendar_count + 1) * sizeof *files->calendars);
    files->calendars[files->calendar_count++] =
        (struct fa_file_calendar){.path = fa_xstrndup(path.ptr, path.len),
                                  .text = fa_xstrndup(text.len > 0 ? text.ptr : "", text.len),
                                  .len = text.len,
                                  .is_kept = is_kept};
}

static void add_part(struct fa_files *files, struct fa_str name, struct fa_str text,
                     bool is_calendar)
{
    if (is_calendar) {
        add_calendar(files, name, text, true);
    } else {
        add_file(files, name, text);
    }
}

/* Cuts the joined text at its markers. Trees are initialised later: they must not move, and there
 * is room for one more. */
static void split(struct fa_files *files, const char *name)
{
    struct fa_str rest = fa_str_of(files->joined);
    struct fa_str file = fa_str_of(name), start = rest;
    bool is_calendar = false;
    bool is_marked = fa_str_starts(rest, MARK);
    while (rest.len > 0) {
        struct fa_str here = rest, line = fa_str_cut(rest, '\n', &rest);
        if (!fa_str_starts(line, MARK)) {
            continue;
        }
        struct fa_str before = {start.ptr, (size_t)(here.ptr - start.ptr)};
        if (before.len > 0) {
            add_part(files, file, before, is_calendar);
        }
        is_calendar = fa_str_starts(line, MARK_CALENDAR);
        if (is_calendar || fa_str_starts(line, MARK_FILE)) {
            size_t len = strlen(is_calendar ? MARK_CALENDAR : MARK_FILE);
            file = (struct fa_str){line.ptr + len, line.len - len};
        }
        start = rest.len > 0 ? rest : (struct fa_str){here.ptr + here.len, 0};
    }
    if (start.len > 0 || !is_marked || files->count == 0) {
        add_part(files, file, start, is_calendar);
    }
}

static int take_joined(struct fa_files *files, const char *name, char *joined)
{
    files->joined = joined;
    struct fa_str first = fa_str_cut(fa_str_of(joined), '\n', &(struct fa_str){0});
    if (fa_str_starts(first, MARK_DIRECTORY)) {
        size_t len = strlen(MARK_DIRECTORY);
        files->base = fa_xstrndup(first.ptr + len, first.len - len);
    } else {
        files->base = directory_of(name);
    }
    split(files, name);
    return 0;
}

int fa_files_load(struct fa_files *files, const char *path, struct fa_faults *faults)
{
    struct fa_buf joined;
    fa_buf_init(&joined, JOINED_MAX_BYTES);
    char *base = directory_of(path);
    fa_buf_printf(&joined, MARK_DIRECTORY "%s\n", base);
    free(base);
    append_file(path, &joined, faults);
    append_directory(path, "rules.d", &joined, faults);
    append_directory(path, "conf.d", &joined, faults);
    if (joined.over) {
        file_fault(faults, FA_ETOOBIG, path, "all files together are larger than %zu KiB",
                   JOINED_MAX_BYTES >> 10);
        fa_buf_done(&joined);
        return FA_EINVAL;
    }
    /* Zero bytes end a text for libconfig and for split(): said here, while the file is known. */
    struct fa_str text = fa_buf_str(&joined);
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        file_fault(faults, FA_EPARSE, path, "a zero byte in this file or one beside it: no text");
        fa_buf_done(&joined);
        return FA_EINVAL;
    }
    files->is_on_disk = true;
    return take_joined(files, path, fa_buf_take(&joined));
}

int fa_files_take(struct fa_files *files, const char *name, struct fa_str text,
                  struct fa_faults *faults)
{
    if (text.len > KEPT_MAX_BYTES || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)) {
        file_fault(faults, FA_EPARSE, name, "%s",
                   text.len > KEPT_MAX_BYTES ? "larger than 20480 KiB" : "a zero byte: no text");
        return FA_EINVAL;
    }
    return take_joined(files, name, fa_xstrndup(text.len > 0 ? text.ptr : "", text.len));
}

/* ---- calendars ---- */

static struct fa_file_calendar *find_calendar(const struct fa_files *files, const char *path,
                                              bool fresh)
{
    for (size_t i = 0; i < files->calendar_count; i++) {
        struct fa_file_calendar *calendar = &files->calendars[i];
        if (strcmp(calendar->path, path) == 0 && !(fresh && calendar->is_kept)) {
            return calendar;
        }
    }
    return NULL;
}

struct fa_str fa_files_calendar(const struct fa_files *files, const char *path, bool fresh)
{
    const struct fa_file_calendar *calendar = find_calendar(files, path, fresh);
    return calendar != NULL ? (struct fa_str){calendar->text, calendar->len} : (struct fa_str){0};
}

/* A reader of iCalendar passes over what it does not know: a page to log in would be a calendar
 * without events, and half of one a calendar with half of them. */
static bool is_calendar_text(struct fa_str text)
{
    static const char begin[] = "BEGIN:VCALENDAR", end[] = "END:VCALENDAR";
    const size_t begin_len = sizeof begin - 1, end_len = sizeof end - 1;
    if (fa_str_starts(text, "\xef\xbb\xbf")) {
        text = (struct fa_str){text.ptr + 3, text.len - 3};
    }
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL) {
        text = (struct fa_str){text.ptr + 1, text.len - 1};
    }
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL) {
        text.len--;
    }
    return text.len >= begin_len + end_len && strncasecmp(text.ptr, begin, begin_len) == 0 &&
           strncasecmp(text.ptr + text.len - end_len, end, end_len) == 0;
}

int fa_files_take_calendar(struct fa_files *files, const char *path, const struct fa_buf *text,
                           struct fa_err *err)
{
    size_t total = 0;
    if (find_calendar(files, path, true) != NULL) {
        return 0;
    }
    for (size_t i = 0; i < files->calendar_count; i++) {
        total += files->calendars[i].is_kept ? 0 : files->calendars[i].len;
    }
    if (memchr(fa_buf_text(text), '\0', text->len) != NULL ||
        strstr(fa_buf_text(text), MARK) != NULL) {
        return fa_err_set(err, FA_EPARSE,
                          "%.300s: no iCalendar: it holds a zero byte or \"" MARK "\"", path);
    }
    if (!is_calendar_text(fa_buf_str(text))) {
        return fa_err_set(err, FA_EPARSE,
                          "%.300s: no iCalendar: it goes from BEGIN:VCALENDAR to END:VCALENDAR",
                          path);
    }
    if (total + text->len >
        KEPT_MAX_BYTES - JOINED_MAX_BYTES - DIRECTORY_MAX_BYTES - ((size_t)1 << 20)) {
        return fa_err_set(err, FA_ETOOBIG, "all calendars together are larger than 7168 KiB");
    }
    add_calendar(files, fa_str_of(path), fa_buf_str(text), false);
    return 0;
}

int fa_files_read_calendar(struct fa_files *files, const char *path, bool fresh, struct fa_err *err)
{
    struct fa_buf buf;
    if (find_calendar(files, path, fresh) != NULL) {
        return 0;
    }
    fa_buf_init(&buf, FILE_MAX_BYTES);
    int rc = fa_files_read_plain(path, &buf, err);
    if (rc != 0) {
        (void)fa_err_wrap(err, "%.300s", path);
    } else {
        rc = fa_files_take_calendar(files, path, &buf, err);
    }
    fa_buf_done(&buf);
    return rc;
}

/* The kept copy's part before its calendars. */
static size_t without_calendars(const char *joined)
{
    const char *at = strstr(joined, "\n" MARK_CALENDAR);
    return at != NULL ? (size_t)(at - joined) + 1 : strlen(joined);
}

char *fa_files_source(struct fa_files *files)
{
    struct fa_buf out;
    fa_buf_init(&out, 2 * KEPT_MAX_BYTES);
    fa_buf_put(&out, files->joined, without_calendars(files->joined));
    for (size_t i = 0; i < files->calendar_count; i++) {
        const struct fa_file_calendar *calendar = &files->calendars[i];
        if (calendar->is_kept && find_calendar(files, calendar->path, true) != NULL) {
            continue; /* it was read anew */
        }
        fa_buf_printf(&out, MARK_CALENDAR "%s\n", calendar->path);
        fa_buf_put(&out, calendar->text, calendar->len);
        bool is_ended = calendar->len > 0 && calendar->text[calendar->len - 1] == '\n';
        fa_buf_puts(&out, is_ended ? "" : "\n");
    }
    return fa_buf_take(&out);
}

static void scan_fault(void *ctx, const struct fa_err *err)
{
    fa_fault_err(ctx, err);
}

static void parse_file(struct fa_file *file, struct fa_faults *faults)
{
    if (fa_scan_text(file->name, file->text, scan_fault, faults, &file->scan) != 0) {
        faults->unread_files++;
        return;
    }
    config_init(&file->tree);
    char *text = fa_xstrndup(file->text.len > 0 ? file->text.ptr : "", file->text.len);
    if (config_read_string(&file->tree, text) == CONFIG_TRUE) {
        file->is_read = true;
    } else {
        struct fa_err err;
        const char *why = config_error_text(&file->tree);
        int line = config_error_line(&file->tree);
        fa_err_at(&err, FA_EPARSE, file->name, line > 0 ? (uint32_t)line : 0, 0, "%s",
                  why != NULL ? why : "syntax error");
        fa_fault_err(faults, &err);
        faults->unread_files++;
        config_destroy(&file->tree);
    }
    free(text);
}

void fa_files_parse(struct fa_files *files, struct fa_faults *faults)
{
    for (size_t i = 0; i < files->count; i++) {
        parse_file(&files->files[i], faults);
    }
}

char *fa_files_directory(const struct fa_files *files)
{
    for (size_t i = 0; files->is_on_disk && i < files->count; i++) {
        const config_setting_t *at =
            files->files[i].is_read
                ? config_setting_get_member(config_root_setting(&files->files[i].tree), "directory")
                : NULL;
        const char *text = at != NULL ? config_setting_get_string(at) : NULL;
        char *path = text != NULL ? fa_files_resolve(files, text) : NULL;
        if (path != NULL && path[0] == '/') {
            return path;
        }
        free(path); /* its key's table says what is wrong with it */
    }
    return NULL;
}

int fa_files_read_directory(const char *path, struct fa_buf *buf, struct fa_faults *faults)
{
    fa_buf_init(buf, DIRECTORY_MAX_BYTES);
    return read_file(path, buf, faults);
}

/* Who may write it may not be who may write the others: it says who there is, and no more. */
static void only_people(const struct fa_file *file, struct fa_faults *faults)
{
    static const char *const lists[] = {"people", "teams", "accounts"};
    const config_setting_t *root = config_root_setting(&file->tree);
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *at = config_setting_get_elem(root, (unsigned)i);
        bool may = false;
        for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
            may = may || strcmp(at->name, lists[k]) == 0;
        }
        if (!may) {
            fa_fault(faults, at, FA_EDENIED,
                     "the directory holds people, teams and accounts: '%.60s' belongs into the "
                     "files of the configuration",
                     at->name);
        }
    }
}

void fa_files_add_directory(struct fa_files *files, const char *path, struct fa_str text,
                            struct fa_faults *faults)
{
    struct fa_buf joined;
    if (has_marker(path, text, faults) || memchr(text.ptr, '\0', text.len) != NULL) {
        file_fault(faults, FA_EPARSE, path, "is no directory as an import writes it");
        faults->unread_files++;
        return;
    }
    fa_buf_init(&joined, KEPT_MAX_BYTES);
    fa_buf_puts(&joined, files->joined);
    fa_buf_printf(&joined, MARK_FILE "%s\n", path);
    size_t start = joined.len;
    fa_buf_putstr(&joined, text);
    fa_buf_puts(&joined, text.len > 0 && text.ptr[text.len - 1] != '\n' ? "\n" : "");
    size_t end = joined.len;
    char *old = files->joined;
    files->joined = fa_buf_take(&joined);
    for (size_t i = 0; i < files->count; i++) {
        files->files[i].text.ptr = files->joined + (files->files[i].text.ptr - old);
    }
    free(old);
    struct fa_file *file = &files->files[files->count++];
    *file =
        (struct fa_file){.name = fa_xstrdup(path), .text = {files->joined + start, end - start}};
    parse_file(file, faults);
    if (file->is_read) {
        only_people(file, faults);
    }
}

void fa_files_done(struct fa_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->files[i].is_read) {
            config_destroy(&files->files[i].tree);
        }
        fa_scan_done(&files->files[i].scan);
        free(files->files[i].name);
    }
    for (size_t i = 0; i < files->calendar_count; i++) {
        free(files->calendars[i].path);
        free(files->calendars[i].text);
    }
    free(files->calendars);
    free(files->files);
    free(files->joined);
    free(files->base);
    *files = (struct fa_files){0};
}

/* SPDX-License-Identifier: MIT */
/* The alarm state table as Markdown, for daemon/ARCHITECTURE.md. Without arguments it is printed;
 * `state_table --check FILE` compares it with the block between the markers. After a change of the
 * table: `state_table --write FILE`. `state_table --names FILE` looks whether each name that the
 * API can answer for a state, a kind of message or a moment stands there in backquotes. */
#include "alarms/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "<!-- state table: made by tests/lint/state_table -->\n"
#define END   "<!-- end of state table -->\n"

static void make_table(struct fa_buf *buf)
{
    struct fa_alarm_cell_text cell;
    fa_buf_puts(buf, "| state | event | next | what happens |\n|---|---|---|---|\n");
    for (size_t i = 0; fa_alarm_cell(i, &cell); i++) {
        fa_buf_printf(buf, "| %s | %s | %s | %s |\n", cell.state, cell.event, cell.next, cell.why);
    }
}

static int read_file(const char *path, struct fa_buf *buf)
{
    char chunk[4096];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        fa_buf_put(buf, chunk, n);
    }
    fclose(file);
    return buf->over ? -1 : 0;
}

static int write_file(const char *path, const struct fa_buf *buf)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(buf->data, 1, buf->len, file) != buf->len || fclose(file) != 0) {
        perror(path);
        return -1;
    }
    return 0;
}

static int handle(const char *verb, const char *path, const struct fa_buf *table)
{
    struct fa_buf text, made;
    int rc = 1;
    fa_buf_init(&text, 1 << 20);
    fa_buf_init(&made, 1 << 20);
    if (read_file(path, &text) != 0) {
        goto out;
    }
    const char *begin = strstr(fa_buf_text(&text), BEGIN);
    const char *end = begin != NULL ? strstr(begin, END) : NULL;
    if (end == NULL) {
        fprintf(stderr, "%s: the lines\n%s%sare not there\n", path, BEGIN, END);
        goto out;
    }
    begin += strlen(BEGIN);
    fa_buf_put(&made, text.data, (size_t)(begin - text.data));
    fa_buf_putstr(&made, fa_buf_str(table));
    fa_buf_puts(&made, end);
    if (strcmp(verb, "--write") == 0) {
        rc = write_file(path, &made) != 0;
    } else if (strcmp(fa_buf_text(&made), fa_buf_text(&text)) == 0) {
        rc = 0;
    } else {
        fprintf(stderr, "%s: the state table is not the program's: run state_table --write %s\n",
                path, path);
    }
out:
    fa_buf_done(&text);
    fa_buf_done(&made);
    return rc;
}

static bool has_name(const struct fa_buf *text, const char *path, const char *name)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "`%s`", name);
    bool found = strstr(text->data, quoted) != NULL;
    if (!found) {
        fprintf(stderr, "%s: says nothing of %s\n", path, quoted);
    }
    return found;
}

static int check_names(const char *path)
{
    struct fa_buf text;
    fa_buf_init(&text, 1 << 20);
    bool ok = read_file(path, &text) == 0;
    (void)fa_buf_text(&text);
    for (int i = 0; i < FA_ALARM__COUNT; i++) {
        ok = has_name(&text, path, fa_alarm_state_name((enum fa_alarm_state)i)) && ok;
    }
    for (int i = 0; i < FA_NOTICE__COUNT; i++) {
        ok = has_name(&text, path, fa_notification_state_name((enum fa_notification_state)i)) && ok;
    }
    for (int i = 0; i < FA_NOTE__COUNT; i++) {
        ok = has_name(&text, path, fa_notification_kind_name((enum fa_notification_kind)i)) && ok;
    }
    for (int code = 0; code < 256; code++) {
        const struct fa_moment moment = {.code = (uint8_t)code};
        const char *name = fa_moment_name(&moment);
        ok = (strcmp(name, "other") == 0 || has_name(&text, path, name)) && ok;
    }
    fa_buf_done(&text);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct fa_buf table;
    int rc = 0;
    fa_buf_init(&table, 1 << 20);
    make_table(&table);
    if (argc == 3 && strcmp(argv[1], "--names") == 0) {
        rc = check_names(argv[2]);
    } else if (argc == 3) {
        rc = handle(argv[1], argv[2], &table);
    } else {
        fputs(fa_buf_text(&table), stdout);
    }
    fa_buf_done(&table);
    return rc;
}

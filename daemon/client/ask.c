/* SPDX-License-Identifier: MIT */
/* Reads from file descriptor world->in with a buffer of its own, so that what a person pasted at
 * once is not lost between two questions. No curses, no echo games, no editor. Ctrl-C ends a read
 * with EINTR and becomes FA_ECLOSED; the caller says what was kept (nothing, before the spool). */
#include "client/ask.h"

#include "client/filing.h"
#include "client/interrupt.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A terminal in line mode hands over at most this many bytes and drops the rest of the line. */
#define TERMINAL_LINE 4095

/* More input into the buffer. FA_ECLOSED: Ctrl-C. */
static int fill(struct fa_client *client)
{
    char bytes[4096];
    ssize_t n = read(client->world->in, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR && !fa_interrupted()) {
        return 0;
    }
    if (n <= 0) {
        client->lines.eof = true;
        return fa_interrupted() ? FA_ECLOSED : 0;
    }
    fa_buf_put(&client->lines.buf, bytes, (size_t)n);
    explicit_bzero(bytes, sizeof bytes);
    return client->lines.buf.over ? FA_ETOOBIG : 0;
}

/* The next raw line; false in *ret_any at the end of input. */
static int next_line(struct fa_client *client, struct fa_buf *line, bool *ret_any)
{
    struct fa_lines *lines = &client->lines;
    const char *newline;
    fa_buf_clear(line);
    fflush(client->talk.file);
    fflush(client->out.file);
    while ((newline = memchr(fa_buf_text(&lines->buf), '\n', lines->buf.len)) == NULL &&
           !lines->eof) {
        int rc = fa_interrupted() ? FA_ECLOSED : fill(client);
        if (rc != 0) {
            return rc;
        }
    }
    size_t len = newline != NULL ? (size_t)(newline - fa_buf_text(&lines->buf)) : lines->buf.len;
    *ret_any = newline != NULL || len > 0;
    if (newline == NULL) {
        lines->eof = false; /* Ctrl-D ends one answer, not the conversation */
    }
    fa_buf_put(line, fa_buf_text(&lines->buf), len);
    fa_buf_drop(&lines->buf, newline != NULL ? len + 1 : len);
    return 0;
}

int fa_ask_line(struct fa_client *client, const char *question, struct fa_buf *ret_line)
{
    struct fa_buf raw;
    bool any = false;
    fa_buf_init(&raw, FA_TEXT_MAX);
    fa_say(&client->talk, "%s", question);
    int rc = next_line(client, &raw, &any);
    if (rc == 0 && !any) {
        rc = FA_ECLOSED;
    }
    if (rc == 0) {
        fa_buf_clear(ret_line);
        struct fa_buf clean;
        fa_buf_init(&clean, FA_TEXT_MAX);
        fa_clean(&clean, fa_buf_str(&raw), false);
        fa_buf_putstr(ret_line, fa_str_trim(fa_buf_str(&clean)));
        fa_buf_done(&clean);
    }
    fa_buf_done(&raw);
    return rc == 0 ? 0 : FA_ECLOSED;
}

int fa_ask_number(struct fa_client *client, const char *question, size_t count,
                  const char *const *words, size_t *ret_index)
{
    struct fa_buf line;
    uint64_t number = 0;
    int rc;
    bool found = false;
    fa_buf_init(&line, 256);
    while (!found && (rc = fa_ask_line(client, question, &line)) == 0) {
        if (fa_parse_u64(fa_buf_str(&line), &number) == 0 && number >= 1 && number <= count) {
            *ret_index = (size_t)number - 1;
            found = true;
        }
        for (size_t i = 0; !found && words != NULL && i < count; i++) {
            if (words[i] != NULL && strcasecmp(words[i], fa_buf_text(&line)) == 0) {
                *ret_index = i;
                found = true;
            }
        }
        if (!found) {
            fa_say(&client->talk, "  Please type a number from 1 to %zu.\n", count);
        }
    }
    fa_buf_done(&line);
    return found ? 0 : rc;
}

int fa_ask_yes(struct fa_client *client, const char *question, bool *ret_yes)
{
    struct fa_buf line;
    int rc, answer = -1;
    char whole[200];
    snprintf(whole, sizeof whole, "%s (y/N) ", question);
    fa_buf_init(&line, 256);
    while (answer < 0 && (rc = fa_ask_line(client, whole, &line)) == 0) {
        const char *text = fa_buf_text(&line);
        if (strcasecmp(text, "y") == 0 || strcasecmp(text, "yes") == 0) {
            answer = 1;
        } else if (line.len == 0 || strcasecmp(text, "n") == 0 || strcasecmp(text, "no") == 0) {
            answer = 0;
        } else {
            fa_say(&client->talk, "  Please type y for yes or n for no.\n");
        }
    }
    fa_buf_done(&line);
    if (answer < 0) {
        return rc;
    }
    *ret_yes = answer == 1;
    return 0;
}

/* One round: lines up to the dot. */
static int read_text(struct fa_client *client, struct fa_buf *raw)
{
    struct fa_buf line;
    bool any = true;
    int rc = 0;
    fa_buf_init(&line, 2 * FA_TEXT_MAX);
    while (rc == 0 && any) {
        fa_say(&client->talk, "> ");
        rc = next_line(client, &line, &any);
        if (rc != 0 || !any || strcmp(fa_buf_text(&line), ".") == 0) {
            break;
        }
        if (line.len >= TERMINAL_LINE - 1) {
            fa_say(&client->talk, "  (That line may have been cut by the terminal. Use shorter "
                                  "lines.)\n");
        }
        fa_buf_putstr(raw, fa_buf_str(&line));
        fa_buf_putc(raw, '\n');
    }
    if (rc == 0 && !any) {
        fa_say(&client->talk, "\n");
    }
    fa_buf_done(&line);
    return rc;
}

int fa_ask_text(struct fa_client *client, struct fa_buf *ret_text)
{
    struct fa_buf raw;
    struct fa_err err;
    int rc;
    /* Twice nothing is a person who is gone (or a terminal that is), not one who thinks. */
    for (int empty = 0; empty < 3; empty++) {
        fa_buf_init(&raw, 4 * FA_TEXT_MAX);
        rc = read_text(client, &raw);
        if (rc == 0) {
            rc = fa_filing_text(fa_buf_str(&raw), ret_text, &err);
        } else {
            rc = FA_ECLOSED;
        }
        fa_buf_done(&raw);
        if (rc == 0 || rc == FA_ECLOSED) {
            return rc;
        }
        fa_say(&client->talk, "  %s.\n", err.text);
    }
    return FA_ECLOSED;
}

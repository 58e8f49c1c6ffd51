/* SPDX-License-Identifier: MIT */
/* A configuration out of the pieces that a scenario names. Each piece keeps its own name, and a
 * block the scenario's line numbers, so that a fault in it is found where it was written. */
#include "calendar/reader.h"
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

#define JOINED_MAX ((size_t)4 << 20)
#define FAULTS_MAX ((size_t)16 * 1024)

void fa_lab_add_piece(struct fa_lab *lab, const char *name, const char *text, bool is_block,
                      uint32_t line)
{
    lab->pieces = fa_xrealloc(lab->pieces, (lab->piece_count + 1) * sizeof(struct fa_lab_piece));
    lab->pieces[lab->piece_count++] =
        (struct fa_lab_piece){fa_xstrdup(name), fa_xstrdup(text), is_block, line};
}

void fa_lab_drop_blocks(struct fa_lab *lab)
{
    size_t kept = 0;
    for (size_t i = 0; i < lab->piece_count; i++) {
        if (lab->pieces[i].is_block) {
            free(lab->pieces[i].name);
            free(lab->pieces[i].text);
        } else {
            lab->pieces[kept++] = lab->pieces[i];
        }
    }
    lab->piece_count = kept;
}

static void add_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    struct fa_buf *faults = ctx;
    char text[800];
    if (!is_warning) {
        fa_buf_printf(faults, "%s%s", faults->len > 0 ? "\n  " : "",
                      fa_err_format(err, text, sizeof text));
    }
}

/* Paths in the pieces begin where their first file lies, or else the scenario. */
static void put_directory(const struct fa_lab *lab, struct fa_buf *joined)
{
    const char *name = lab->piece_count > 0 ? lab->pieces[0].name : "";
    for (size_t i = lab->piece_count; i > 0; i--) {
        name = lab->pieces[i - 1].is_block ? name : lab->pieces[i - 1].name;
    }
    const char *slash = strrchr(name, '/');
    char *dir = fa_xstrndup(slash != NULL ? name : ".", slash != NULL ? (size_t)(slash - name) : 1);
    char *real = realpath(dir[0] != '\0' ? dir : "/", NULL);
    if (real != NULL) {
        fa_buf_printf(joined, "#@ directory %s\n", real);
    }
    free(real);
    free(dir);
}

int fa_lab_configure(const struct fa_lab *lab, struct fa_buf *faults, struct fa_config **ret_config)
{
    struct fa_buf joined;
    fa_buf_init(&joined, JOINED_MAX);
    fa_buf_init(faults, FAULTS_MAX);
    put_directory(lab, &joined);
    for (size_t i = 0; i < lab->piece_count; i++) {
        const struct fa_lab_piece *piece = &lab->pieces[i];
        fa_buf_printf(&joined, "#@ file %s\n", piece->name);
        for (uint32_t line = 0; piece->is_block && line < piece->line; line++) {
            fa_buf_putc(&joined, '\n');
        }
        fa_buf_puts(&joined, piece->text);
        fa_buf_putc(&joined, '\n');
    }
    fa_time now = fa_lab_now(lab).wall;
    const struct fa_calendars_config range = fa_calendars_ahead(now);
    struct fa_config_world world = {.calendars = fa_calendars_new(&range)};
    int rc = joined.over ? FA_ETOOBIG
                         : fa_config_parse("scenario", fa_buf_str(&joined), &world, add_fault,
                                           faults, ret_config);
    fa_calendars_free(world.calendars);
    fa_buf_done(&joined);
    return rc;
}

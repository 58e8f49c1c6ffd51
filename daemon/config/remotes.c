/* SPDX-License-Identifier: MIT */
/* Which calendars have to be fetched. Fetches and writes nothing itself. */
#include "config/remotes.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fa_remotes *fa_remotes_new(bool all)
{
    struct fa_remotes *remotes = fa_xcalloc(1, sizeof *remotes);
    remotes->all = all;
    return remotes;
}

void fa_remotes_free(struct fa_remotes *remotes)
{
    for (size_t i = 0; remotes != NULL && i < remotes->count; i++) {
        struct fa_remote *item = remotes->items[i];
        free(item->url);
        free(item->file);
        free(item->user);
        free(item->password);
        free(item->token);
        free(item->ca);
        free(item->error);
        fa_buf_done(&item->text);
        free(item);
    }
    free(remotes != NULL ? remotes->items : NULL);
    free(remotes);
}

struct fa_remote *fa_remotes_find(const struct fa_remotes *remotes, const char *file)
{
    for (size_t i = 0; i < remotes->count; i++) {
        if (strcmp(remotes->items[i]->file, file) == 0) {
            return remotes->items[i];
        }
    }
    return NULL;
}

int fa_remotes_want(struct fa_remotes *remotes, const struct fa_fetch_entry *entry,
                    const char *file)
{
    const struct fa_remote *known = fa_remotes_find(remotes, file);
    if (known != NULL) {
        return strcmp(known->url, entry->url) == 0 ? 0 : FA_EEXISTS;
    }
    if (!remotes->all && access(file, F_OK) == 0) {
        return 0;
    }
    struct fa_remote *item = fa_xcalloc(1, sizeof *item);
    *item = (struct fa_remote){.url = fa_xstrdup(entry->url),
                               .file = fa_xstrdup(file),
                               .user = fa_xstrdup(entry->user),
                               .password = fa_xstrdup(entry->password),
                               .token = fa_xstrdup(entry->token),
                               .ca = fa_xstrdup(entry->ca),
                               .allow_private = entry->allow_private};
    fa_buf_init(&item->text, FA_REMOTE_BYTES);
    remotes->items = fa_xrealloc(remotes->items, (remotes->count + 1) * sizeof(struct fa_remote *));
    remotes->items[remotes->count++] = item;
    return 0;
}

bool fa_remotes_is_ready(const struct fa_remotes *remotes)
{
    for (size_t i = 0; i < remotes->count; i++) {
        if (remotes->items[i]->state == FA_REMOTE_WANTED) {
            return false;
        }
    }
    return true;
}

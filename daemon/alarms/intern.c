/* SPDX-License-Identifier: MIT */
#include "alarms/intern.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>
#define uthash_fatal(msg) fa_panic(__FILE__, __LINE__, msg)
#include <uthash.h>

struct fa_interned {
    UT_hash_handle hh;
    char text[];
};

const char *fa_intern_str(struct fa_interned **set, struct fa_str text)
{
    struct fa_interned *found = NULL;
    if (text.len > 0) {
        HASH_FIND(hh, *set, text.ptr, text.len, found);
    } else {
        return "";
    }
    if (found == NULL) {
        found = fa_xcalloc(1, sizeof *found + text.len + 1);
        memcpy(found->text, text.ptr, text.len);
        HASH_ADD_KEYPTR(hh, *set, found->text, text.len, found);
    }
    return found->text;
}

const char *fa_intern(struct fa_interned **set, const char *text)
{
    return text == NULL ? NULL : fa_intern_str(set, fa_str_of(text));
}

void fa_intern_done(struct fa_interned **set)
{
    struct fa_interned *entry, *next;
    HASH_ITER(hh, *set, entry, next) {
        HASH_DEL(*set, entry);
        free(entry);
    }
}

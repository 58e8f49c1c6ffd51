/* SPDX-License-Identifier: MIT */
#include "alarms/intern.h"
#include "base/panic.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#define uthash_fatal(msg) fa_panic(__FILE__, __LINE__, msg)
#include <uthash.h>

struct fa_interned {
    UT_hash_handle hh;
    _Alignas(max_align_t) char bytes[];
};

const void *fa_intern_bytes(struct fa_interned **set, const void *bytes, size_t len)
{
    struct fa_interned *found = NULL;
    HASH_FIND(hh, *set, bytes, len, found);
    if (found == NULL) {
        found = fa_xcalloc(1, sizeof *found + len + 1);
        memcpy(found->bytes, bytes, len);
        HASH_ADD_KEYPTR(hh, *set, found->bytes, len, found);
    }
    return found->bytes;
}

const char *fa_intern_str(struct fa_interned **set, struct fa_str text)
{
    return text.len > 0 ? fa_intern_bytes(set, text.ptr, text.len) : "";
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

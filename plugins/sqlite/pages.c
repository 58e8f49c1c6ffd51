/* SPDX-License-Identifier: MIT */
/* An entry in a page: time:8 length:4 body chain:32, numbers little-endian. Its n is the page's
 * first and how many come before it. That the bytes are the right ones is the chain's to say. */
#include "pages.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 12

void sqlite_page_done(struct page *page)
{
    free(page->bytes);
    *page = (struct page){0};
}

void sqlite_page_clear(struct page *page)
{
    page->count = page->len = 0;
}

static void put_le(char *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (char)(value >> (8 * i));
    }
}

static uint64_t get_le(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)(unsigned char)at[i] << (8 * i);
    }
    return value;
}

int sqlite_page_add(struct page *page, const struct firealarm_entry *entry)
{
    size_t need = page->len + HEAD_BYTES + entry->body.len + sizeof entry->chain;
    if (need > page->cap) {
        size_t cap = need > 2 * page->cap ? need : 2 * page->cap;
        char *bytes = realloc(page->bytes, cap);
        if (bytes == NULL) {
            return -1;
        }
        page->bytes = bytes;
        page->cap = cap;
    }
    char *at = page->bytes + page->len;
    put_le(at, (uint64_t)entry->time, 8);
    put_le(at + 8, entry->body.len, 4);
    if (entry->body.len > 0) {
        memcpy(at + HEAD_BYTES, entry->body.ptr, entry->body.len);
    }
    memcpy(at + HEAD_BYTES + entry->body.len, entry->chain, sizeof entry->chain);
    page->len = need;
    if (page->count++ == 0) {
        page->first = entry->n;
        page->time = entry->time;
    }
    memcpy(page->chain, entry->chain, sizeof page->chain);
    return 0;
}

int sqlite_page_next(struct firealarm_text *bytes, struct firealarm_entry *ret_entry)
{
    if (bytes->len == 0) {
        return 1;
    }
    if (bytes->len < HEAD_BYTES + sizeof ret_entry->chain) {
        return -1;
    }
    size_t len = (size_t)get_le(bytes->ptr + 8, 4);
    if (len > bytes->len - HEAD_BYTES - sizeof ret_entry->chain) {
        return -1;
    }
    ret_entry->time = (int64_t)get_le(bytes->ptr, 8);
    ret_entry->body = (struct firealarm_text){bytes->ptr + HEAD_BYTES, len};
    memcpy(ret_entry->chain, bytes->ptr + HEAD_BYTES + len, sizeof ret_entry->chain);
    size_t whole = HEAD_BYTES + len + sizeof ret_entry->chain;
    *bytes = (struct firealarm_text){bytes->ptr + whole, bytes->len - whole};
    return 0;
}

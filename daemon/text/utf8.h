/* SPDX-License-Identifier: MIT */
#ifndef FA_TEXT_UTF8_H
#define FA_TEXT_UTF8_H

#include "base/str.h"

/* Length of the well-formed character that text (not empty) starts with, 0 when there is none. */
static inline size_t fa_utf8_first(struct fa_str text)
{
    unsigned char lead = (unsigned char)text.ptr[0];
    size_t len = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return len <= text.len && fa_utf8_valid((struct fa_str){text.ptr, len}) ? len : 0;
}

#endif

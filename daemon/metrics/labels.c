/* SPDX-License-Identifier: MIT */
/* Label sets and their canonical text.
 *
 * Two sets are the same exactly when their texts are: sorting, the rule for duplicates and the
 * escapes leave one spelling only. Values are kept as sent but for bytes that are no UTF-8, which
 * senders do produce and which must reach no mail or JSON.
 *
 * Lengths are not limited here (metrics.c does it, with counters); the number of labels is, so
 * that sorting is bounded. */
#include "metrics/labels.h"
#include "base/panic.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SHORT 128u /* bytes of a label as text */

/* A newline is the one control byte that canonical text can spell. */
static bool is_value(struct fa_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\n') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_plain_name(struct fa_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '.' || c == ':' || c == '/' || c == '-';
        if (!plain) {
            return false;
        }
    }
    return name.len > 0;
}

/* Insertion sort: sets are short and mostly sorted already. Of equal names the later stays behind
 * the earlier, and the earlier is dropped. Returns the number left. */
static size_t sort_unique(struct fa_label *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct fa_label label = items[i];
        size_t at = i;
        while (at > 0 && fa_str_cmp(items[at - 1].name, label.name) > 0) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = label;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool replaced = i + 1 < count && fa_str_eq(items[i].name, items[i + 1].name);
        if (!replaced && items[i].value.len > 0) {
            items[kept++] = items[i];
        }
    }
    return kept;
}

/* Copies text, bytes that are no UTF-8 as '?'; advances *at. */
static struct fa_str copy_text(char **at, struct fa_str text)
{
    struct fa_str copy = {*at, text.len};
    if (text.len > 0) {
        memcpy(*at, text.ptr, text.len);
    }
    *at += text.len;
    if (fa_utf8_valid(text)) {
        return copy;
    }
    char *bytes = *at - text.len;
    for (size_t i = 0; i < text.len;) {
        size_t len = 1;
        while (len <= 4 && i + len <= text.len && !fa_utf8_valid((struct fa_str){bytes + i, len})) {
            len++;
        }
        if (len > 4 || i + len > text.len) {
            bytes[i] = '?';
            len = 1;
        }
        i += len;
    }
    return copy;
}

int fa_labels_new(const struct fa_label *labels, size_t count, struct fa_labels **ret_labels)
{
    if (count > FA_LABELS_MAX) {
        return FA_ETOOBIG;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (labels[i].name.len == 0 || fa_str_has_control(labels[i].name) ||
            !is_value(labels[i].value)) {
            return FA_EINVAL;
        }
        bytes += labels[i].name.len + labels[i].value.len;
    }
    size_t head = sizeof(struct fa_labels) + count * sizeof(struct fa_label);
    struct fa_labels *set = fa_xmalloc(head + bytes);
    char *at = (char *)set + head;
    for (size_t i = 0; i < count; i++) {
        set->items[i].name = copy_text(&at, labels[i].name);
        set->items[i].value = copy_text(&at, labels[i].value);
    }
    /* After the copy: names that differ only in bad bytes have become one. */
    set->count = sort_unique(set->items, count);
    *ret_labels = set;
    return 0;
}

void fa_labels_free(struct fa_labels *labels)
{
    free(labels);
}

struct fa_str fa_labels_get(const struct fa_labels *labels, struct fa_str name)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (fa_str_eq(labels->items[i].name, name)) {
            return labels->items[i].value;
        }
    }
    return (struct fa_str){"", 0};
}

size_t fa_labels_packed_size(const struct fa_labels *labels)
{
    size_t size = 1;
    for (size_t i = 0; i < labels->count; i++) {
        const struct fa_label *label = &labels->items[i];
        if (label->name.len > UINT16_MAX || label->value.len > UINT16_MAX) {
            return 0;
        }
        size += 2 * sizeof(uint16_t) + label->name.len + label->value.len;
    }
    return size;
}

void fa_labels_pack(const struct fa_labels *labels, char *out)
{
    *out++ = (char)labels->count;
    for (size_t i = 0; i < labels->count; i++) {
        const struct fa_label *label = &labels->items[i];
        uint16_t lens[] = {(uint16_t)label->name.len, (uint16_t)label->value.len};
        memcpy(out, lens, sizeof lens);
        memcpy(out + sizeof lens, label->name.ptr, lens[0]);
        memcpy(out + sizeof lens + lens[0], label->value.ptr, lens[1]);
        out += sizeof lens + lens[0] + lens[1];
    }
}

size_t fa_labels_unpack(const char *packed, struct fa_labels *ret_labels)
{
    const char *at = packed;
    ret_labels->count = (unsigned char)*at++;
    for (size_t i = 0; i < ret_labels->count; i++) {
        uint16_t lens[2];
        memcpy(lens, at, sizeof lens);
        at += sizeof lens;
        ret_labels->items[i].name = (struct fa_str){at, lens[0]};
        ret_labels->items[i].value = (struct fa_str){at + lens[0], lens[1]};
        at += lens[0] + lens[1];
    }
    return (size_t)(at - packed);
}

static void put_quoted(struct fa_str text, struct fa_buf *buf)
{
    fa_buf_putc(buf, '"');
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"' || c == '\\' || c == '\n') {
            fa_buf_put(buf, text.ptr + from, i - from);
            fa_buf_put(buf, c == '"' ? "\\\"" : c == '\\' ? "\\\\" : "\\n", 2);
            from = i + 1;
        }
    }
    fa_buf_put(buf, text.ptr + from, text.len - from);
    fa_buf_putc(buf, '"');
}

static bool needs_escape(struct fa_str text)
{
    bool needs = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        needs = needs || c == '"' || c == '\\' || c == '\n';
    }
    return needs;
}

/* What most labels are, in one piece: a label set is spelled each time one fires. */
static bool put_short(struct fa_str name, struct fa_str value, struct fa_buf *buf)
{
    char room[SHORT], *at = room;
    if (name.len + value.len + 4 > sizeof room || !is_plain_name(name) || needs_escape(value)) {
        return false;
    }
    if (buf->len > 0) {
        *at++ = ',';
    }
    memcpy(at, name.ptr, name.len);
    at += name.len;
    *at++ = '=';
    *at++ = '"';
    memcpy(at, value.ptr, value.len);
    at += value.len;
    *at++ = '"';
    fa_buf_put(buf, room, (size_t)(at - room));
    return true;
}

void fa_label_format(struct fa_str name, struct fa_str value, struct fa_buf *buf)
{
    if (put_short(name, value, buf)) {
        return;
    }
    if (buf->len > 0) {
        fa_buf_putc(buf, ',');
    }
    if (is_plain_name(name)) {
        fa_buf_putstr(buf, name);
    } else {
        put_quoted(name, buf);
    }
    fa_buf_putc(buf, '=');
    put_quoted(value, buf);
}

void fa_labels_format(const struct fa_labels *labels, struct fa_buf *buf)
{
    for (size_t i = 0; i < labels->count; i++) {
        fa_label_format(labels->items[i].name, labels->items[i].value, buf);
    }
}

void fa_labels_format_only(const struct fa_labels *labels, const char *const *names, size_t count,
                           struct fa_buf *buf)
{
    for (size_t i = 0; i < labels->count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (fa_str_is(labels->items[i].name, names[k])) {
                fa_label_format(labels->items[i].name, labels->items[i].value, buf);
                break;
            }
        }
    }
}

/* Reads a quoted text from *rest into out, which has room for rest->len bytes. */
static int take_quoted(struct fa_str *rest, char *out, struct fa_str *ret_text)
{
    size_t len = 0;
    for (size_t i = 1; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (c == '"') {
            *ret_text = (struct fa_str){out, len};
            *rest = (struct fa_str){rest->ptr + i + 1, rest->len - i - 1};
            return 0;
        }
        if (c == '\\') {
            char next = i + 1 < rest->len ? rest->ptr[i + 1] : 0;
            if (next != '"' && next != '\\' && next != 'n') {
                return FA_EPARSE;
            }
            c = next == 'n' ? '\n' : next;
            i++;
        }
        out[len++] = c;
    }
    return FA_EPARSE;
}

static int take_name(struct fa_str *rest, char *out, struct fa_str *ret_name)
{
    if (rest->len > 0 && rest->ptr[0] == '"') {
        return take_quoted(rest, out, ret_name);
    }
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != '=') {
        len++;
    }
    *ret_name = (struct fa_str){rest->ptr, len};
    *rest = (struct fa_str){rest->ptr + len, rest->len - len};
    return is_plain_name(*ret_name) ? 0 : FA_EPARSE;
}

/* One name="value", and the comma before it unless it is the first. */
static int take_label(struct fa_str *rest, bool first, char **out, struct fa_label *ret_label)
{
    if (!first) {
        if (rest->ptr[0] != ',') {
            return FA_EPARSE;
        }
        *rest = (struct fa_str){rest->ptr + 1, rest->len - 1};
    }
    int rc = take_name(rest, *out, &ret_label->name);
    if (rc < 0) {
        return rc;
    }
    *out += ret_label->name.len;
    if (rest->len < 2 || rest->ptr[0] != '=' || rest->ptr[1] != '"') {
        return FA_EPARSE;
    }
    *rest = (struct fa_str){rest->ptr + 1, rest->len - 1};
    rc = take_quoted(rest, *out, &ret_label->value);
    *out += rc == 0 ? ret_label->value.len : 0;
    return rc;
}

int fa_labels_parse(struct fa_str text, struct fa_labels **ret_labels)
{
    struct fa_label labels[FA_LABELS_MAX];
    size_t count = 0;
    int rc = 0;
    char *bytes = fa_xmalloc(text.len + 1);
    char *out = bytes;
    struct fa_str rest = text;
    while (rest.len > 0 && rc == 0) {
        rc = count < FA_LABELS_MAX ? take_label(&rest, count == 0, &out, &labels[count])
                                   : FA_ETOOBIG;
        count++;
    }
    struct fa_labels *set = NULL;
    if (rc == 0) {
        rc = fa_labels_new(labels, count, &set);
    }
    /* Only what format writes: sorted, without duplicates, escapes and quotes as it puts them. */
    if (rc == 0) {
        struct fa_buf again;
        fa_buf_init(&again, text.len + 1);
        fa_labels_format(set, &again);
        rc = fa_str_eq(fa_buf_str(&again), text) ? 0 : FA_EPARSE;
        fa_buf_done(&again);
    }
    free(bytes);
    if (rc < 0) {
        fa_labels_free(set);
        return rc == FA_ETOOBIG ? rc : FA_EPARSE;
    }
    *ret_labels = set;
    return 0;
}

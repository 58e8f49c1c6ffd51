/* SPDX-License-Identifier: MIT */
/* links: fa_metrics fa_base */
/* Canonical text: what is read must be written back the same; any two slices of the input as name
 * and value must survive their text. */
#include "metrics/labels.h"

#include <stdio.h>
#include <stdlib.h>

static void must_be(bool cond, const char *what)
{
    if (!cond) {
        fprintf(stderr, "not true: %s\n", what);
        abort();
    }
}

static void there_and_back(const struct fa_labels *set)
{
    struct fa_labels *again = NULL;
    struct fa_buf text, second;
    fa_buf_init(&text, 1 << 22);
    fa_buf_init(&second, 1 << 22);
    fa_labels_format(set, &text);
    must_be(fa_utf8_valid(fa_buf_str(&text)), "canonical text is UTF-8");
    must_be(fa_labels_parse(fa_buf_str(&text), &again) == 0, "what is written can be read");
    fa_labels_format(again, &second);
    must_be(fa_str_eq(fa_buf_str(&text), fa_buf_str(&second)), "and is the same");
    fa_labels_free(again);
    fa_buf_done(&text);
    fa_buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_str input = {(const char *)data, size};
    struct fa_labels *set = NULL;
    if (fa_labels_parse(input, &set) == 0) {
        there_and_back(set);
        fa_labels_free(set);
    }
    struct fa_label labels[FA_LABELS_MAX];
    size_t count = 0;
    for (size_t at = 0; at + 4 <= size && count < FA_LABELS_MAX; count++) {
        size_t name = data[at] % 8, value = data[at + 1] % 8;
        at += 2;
        name = name < size - at ? name : size - at;
        labels[count].name = (struct fa_str){(const char *)data + at, name};
        at += name;
        value = value < size - at ? value : size - at;
        labels[count].value = (struct fa_str){(const char *)data + at, value};
        at += value;
    }
    if (fa_labels_new(labels, count, &set) == 0) {
        there_and_back(set);
        fa_labels_free(set);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* links: fa_lab */
/* Scenarios: what is read gives back sane lines, what is not names its place. */
#include "lab/script.h"

#include "base/panic.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_script script;
    struct fa_err err = {0};
    struct fa_str text = {(const char *)data, size};
    if (fa_script_parse("fuzz.fas", text, &script, &err) != 0) {
        fa_assert(err.code != 0 && strcmp(err.file, "fuzz.fas") == 0 && err.text[0] != '\0');
        return 0;
    }
    uint32_t last = 0;
    for (size_t i = 0; i < script.count; i++) {
        const struct fa_script_line *line = &script.lines[i];
        fa_assert(line->verb < FA_VERB_ID__COUNT && line->line > last && line->col > 0);
        fa_assert(line->slot_count <= FA_SCRIPT_SLOTS && line->source != NULL);
        last = line->line;
    }
    fa_script_done(&script);
    return 0;
}

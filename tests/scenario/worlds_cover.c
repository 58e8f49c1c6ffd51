/* SPDX-License-Identifier: MIT */
/* What the worlds visited, summed up and printed: what is never reached is not tested. */
#include "worlds.h"

#include "lab/verbs.h"

#include <stdlib.h>
#include <string.h>

void worlds_cover_add(struct fa_lab_cover *sum, const struct fa_lab_cover *one)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)one;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) {
        to[i] += from[i];
    }
}

/* A person's word on an alarm that is not raised yet is answered before the table is asked, as if
 * there were none: nobody has been told of it. */
static bool is_unreachable(size_t state, size_t event)
{
    return (state == FA_ALARM_PENDING && (event == FA_AEV_ACK || event == FA_AEV_RESOLVE)) ||
           (state != FA_ALARM_ACKED && event == FA_AEV_DISOWN);
}

size_t worlds_cover_missing(const struct fa_lab_cover *cover)
{
    size_t missing = 0;
    for (size_t state = 0; state < FA_ALARM__COUNT; state++) {
        for (size_t event = 0; event < FA_AEV__COUNT; event++) {
            missing += cover->cells[state][event] == 0 && !is_unreachable(state, event);
        }
    }
    return missing;
}

static void print_cells(const struct fa_lab_cover *cover, FILE *out)
{
    struct fa_alarm_cell_text cell;
    fputs("\nthe alarm state table:\n", out);
    for (size_t i = 0; fa_alarm_cell(i, &cell); i++) {
        size_t state = i / FA_AEV__COUNT, event = i % FA_AEV__COUNT;
        fprintf(out, "  %-15s %-12s %9llu%s\n", cell.state, cell.event,
                (unsigned long long)cover->cells[state][event],
                is_unreachable(state, event) ? "  cannot be reached: answered before, as not there"
                : cover->cells[state][event] == 0 ? "  NOT REACHED"
                                                  : "");
    }
}

static void print_one(FILE *out, const char *name, uint64_t count)
{
    fprintf(out, "  %-28s %9llu%s\n", name, (unsigned long long)count,
            count == 0 ? "  NOT REACHED" : "");
}

static void print_verbs(const struct fa_lab_cover *cover, FILE *out)
{
    fputs("\nverbs, and how often what they need was not there:\n", out);
    for (size_t i = 0; i < FA_VERB_ID__COUNT; i++) {
        char name[40];
        enum fa_verb_id id = fa_script_verbs[i].id;
        const char *pattern = fa_script_verbs[i].pattern;
        size_t len = strcspn(pattern, "[ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        snprintf(name, sizeof name, "%.*s", (int)len, pattern);
        if (cover->verbs[id] + cover->left_out[id] > 0) {
            fprintf(out, "  %-28s %9llu %9llu\n", name, (unsigned long long)cover->verbs[id],
                    (unsigned long long)cover->left_out[id]);
        }
    }
}

void worlds_cover_print(const struct fa_lab_cover *cover, FILE *out)
{
    static const char *const flags[10] = {"latched", "unknown",   "orphaned", "shadow",
                                          "emptied", "filed",     "overdue",  "trouble",
                                          "shelved", "suppressed"};
    static const char *const verdicts[] = {"sent", "retry", "rejected", "unknown"};
    print_verbs(cover, out);
    print_cells(cover, out);
    fputs("\njournal:\n", out);
#define X(name, number) print_one(out, fa_journal_code_name(FA_J_##name), cover->codes[number]);
    FA_JOURNAL_CODES(X)
#undef X
    fputs("\nmessages:\n", out);
    for (int i = 0; i < FA_NOTE__COUNT; i++) {
        print_one(out, fa_notification_kind_name((enum fa_notification_kind)i), cover->kinds[i]);
    }
    fputs("\nverdicts:\n", out);
    for (int i = 0; i < 4; i++) {
        print_one(out, verdicts[i], cover->verdicts[i]);
    }
    fputs("\nalarms that were:\n", out);
    for (int i = 0; i < 10; i++) {
        print_one(out, flags[i], cover->flags[i]);
    }
    fputs("\nand:\n", out);
    print_one(out, "answered ok", cover->replies_ok);
    print_one(out, "answered, known already", cover->replies_already);
    print_one(out, "refused", cover->replies_refused);
    print_one(out, "refused at a limit", cover->at_limit);
    print_one(out, "told under a key again", cover->again);
    print_one(out, "overdue, then a wider loop", cover->overdue_wide);
    print_one(out, "a loop from the fourth on", cover->widest);
    print_one(out, "steps, each checked", cover->steps);
    fprintf(out, "\n%zu cells that can be reached were not\n", worlds_cover_missing(cover));
}

/* SPDX-License-Identifier: MIT */
/* The one answer to "may this viewer do that with this object?", for deliveries and for reads.
 * Deny by default; the table is in may.c and a test visits every cell. */
#ifndef FA_PEOPLE_MAY_H
#define FA_PEOPLE_MAY_H

#include "people/directory.h"

/* clang-format off */
enum fa_verb {
    FA_VERB_TELL,    /* receive a message about it, over any channel */
    FA_VERB_LIST,    /* see that it is there */
    FA_VERB_SHOW,    /* read it */
    FA_VERB_ACK,     /* own it */
    FA_VERB_RESOLVE,
    FA_VERB_COMMENT,
    FA_VERB_SILENCE, /* keep it from telling anybody for a while; never what was filed */
    FA_VERB_QUEUE,   /* see, retry or drop its notifications; ids and codes only */
    FA_VERB_DRILL,   /* begin a drill, and see how drills went; there is no object */
    FA_VERB__COUNT
};
/* clang-format on */

/* How the viewer stands to the object; the first that holds, in this order. */
/* clang-format off */
enum fa_relation {
    FA_REL_SUBJECT,     /* it is about them, or they are too near to whom it is about */
    FA_REL_STRUCK,      /* the reporter struck them */
    FA_REL_TARGET,      /* on its policy, told already, its owner, or the independent contact it
                           went to */
    FA_REL_REPORTER,    /* filed it (and is no target): reads by receipt, not here */
    FA_REL_OPERATOR,    /* runs the daemon */
    FA_REL_COLLEAGUE,   /* in the directory */
    FA_REL_STRANGER,    /* a uid or token that the directory does not know */
    FA_REL__COUNT
};
/* clang-format on */

struct fa_viewer {
    fa_person person; /* FA_NOBODY: a stranger */
};

/* What is looked at. Sets belong to the same directory and are borrowed. For a row of the queue
 * leave out targets and reporter: being told of an alarm gives no right over its notifications. */
struct fa_object {
    const struct fa_pset *conflicted; /* NULL: nobody */
    const struct fa_pset *struck;     /* NULL: nobody */
    const struct fa_pset *targets;    /* NULL: nobody */
    fa_person reporter;
    bool is_filing; /* people filed it */
};

enum fa_relation fa_relation_of(const struct fa_directory *dir, struct fa_viewer viewer,
                                const struct fa_object *object);
bool fa_may(const struct fa_directory *dir, struct fa_viewer viewer, enum fa_verb verb,
            const struct fa_object *object);

/* May a message about the object go over this channel? A shared channel needs readers, each of
 * whom may be told; without readers it never carries a filing, nor what is kept from anybody. */
bool fa_may_channel(const struct fa_directory *dir, const struct fa_channel_entry *channel,
                    const struct fa_object *object);

#endif

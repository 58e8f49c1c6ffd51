/* SPDX-License-Identifier: MIT */
/* A store that wraps another and fails where it is told to: "fail the n-th call, for every n". */
#ifndef FA_TEST_STORE_FAULTY_H
#define FA_TEST_STORE_FAULTY_H

#include <firealarm/store.h>

#include <stdatomic.h>

enum fa_faulty_verb {
    FA_FAULTY_NONE,
    FA_FAULTY_OPEN,
    FA_FAULTY_LOAD,
    FA_FAULTY_BEGIN,
    FA_FAULTY_PUT,
    FA_FAULTY_ERASE,
    FA_FAULTY_APPEND,
    FA_FAULTY_COMMIT,
    FA_FAULTY_GET,
    FA_FAULTY_QUERY,
    FA_FAULTY_JOURNAL,
    FA_FAULTY_RESERVE,
    FA_FAULTY_TIDY,
    FA_FAULTY__COUNT
};

/* Set up before open(); must outlive the store. While another thread uses the store only the
 * atomics may be looked at. */
struct fa_faulty {
    const struct firealarm_store *inner;
    const struct firealarm_settings *inner_settings;
    enum fa_faulty_verb verb; /* which one fails */
    uint32_t nth;             /* from which call on, 1-based */
    uint32_t times;           /* how many calls then fail; 0: for ever */
    int32_t code;             /* with what */
    int ghost;                /* commit only: fails although it was done */
    int has_reserve;          /* reserve(0) works once and ends the failing */
    int reserve_gone;
    /* When set, commit() waits until the number of permits is above 0 and takes one. */
    int gated;
    atomic_int permits;
    atomic_int tidy_gated; /* while it is set, tidy() waits */
    atomic_uint calls[FA_FAULTY__COUNT];
    atomic_uint rollbacks;
    atomic_int closed; /* set when close() is done */
};

extern const struct firealarm_store fa_store_faulty;

struct firealarm_settings fa_faulty_settings(struct fa_faulty *faulty,
                                             struct firealarm_value *value);

#endif

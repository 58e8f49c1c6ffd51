/* SPDX-License-Identifier: MIT */
/* One run, in the process that was made for it. */
#ifndef FA_FETCHER_CHILD_JOB_H
#define FA_FETCHER_CHILD_JOB_H

#include "fetcher/frame.h"

/* Does it, writes BODY* and DONE to descriptor fd and leaves. Whatever a hostile server makes of
 * this process, it has an end: of time, memory, open files, and no file grows. */
_Noreturn void fa_job_run(const struct fa_fetch_run *run, const char *credentials_dir, int fd);

#endif

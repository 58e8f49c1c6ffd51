/* SPDX-License-Identifier: MIT */
/* The daemon's log: lines on stderr, with systemd's priority prefix when that is a journal. It
 * never waits for a reader. One failure, one line; ids and codes only: never a name, a label or a
 * word of a filing. */
#ifndef FA_APP_LOG_H
#define FA_APP_LOG_H

#include "base/err.h"

#include <stdbool.h>

enum fa_log_level { FA_LOG_ERROR = 3, FA_LOG_WARNING = 4, FA_LOG_NOTICE = 5, FA_LOG_INFO = 6 };

void fa_log_init(bool journal);
void fa_log(enum fa_log_level level, const char *fmt, ...) FA_PRINTF(2, 3);
void fa_log_err(enum fa_log_level level, const struct fa_err *err);
/* Lines that could not be written, since start. */
unsigned long long fa_log_dropped(void);

#endif

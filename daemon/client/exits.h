/* SPDX-License-Identifier: MIT */
/* The exit codes, once: --help and the man page print this list. After sysexits.h where it fits. */
#ifndef FA_CLIENT_EXITS_H
#define FA_CLIENT_EXITS_H

#define FA_EXIT_LIST(X)                                                                            \
    X(OK, 0, "done")                                                                               \
    X(FAILED, 1, "not done: no such alarm or receipt, or in conflict with what is there")          \
    X(USAGE, 2, "the command line is wrong, or what it names cannot be understood")                \
    X(REFUSED, 65, "refused as it is; a filing is kept as KEY.refused to be mended")               \
    X(UNREACHABLE, 69, "the daemon cannot be reached, or cannot answer now")                       \
    X(STRANGE, 70, "what answers does not speak as firealarmd does")                               \
    X(BUSY, 73, "a daemon has the store in use: stop it before restoring")                         \
    X(IO, 74, "a file could not be read or written")                                               \
    X(KEPT, 75, "the filing is kept in the spool and is sent at the next run")                     \
    X(DENIED, 77, "not allowed to you; a filing is kept in the spool")                             \
    X(CONFIG, 78, "the client's configuration is wrong")                                           \
    X(STOPPED, 130, "stopped by Ctrl-C; nothing was filed")

enum fa_exit {
#define X(name, number, text) FA_EXIT_##name = (number),
    FA_EXIT_LIST(X)
#undef X
};

#endif

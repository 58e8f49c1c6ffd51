/* SPDX-License-Identifier: MIT */
/* Reads the process into a fa_world and hands over. This is the only file of the client that looks
 * at the environment, the clock or the terminal. Before anything else it forbids core dumps: the
 * memory of this process holds what somebody dares to say. */
#include "client/client.h"
#include "client/interrupt.h"

#include "base/panic.h"

#include <curl/curl.h>
#include <langinfo.h>
#include <locale.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void forbid_dumps(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    umask(077);
}

static void on_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "firealarm: a fault of the program at %s:%d: %s\n", file, line, what);
}

/* $NAME if it is an absolute path, else home and what is below it. free() it. */
static char *base_dir(const char *name, const char *home, const char *below)
{
    struct fa_buf buf;
    const char *set = getenv(name);
    if (set != NULL && set[0] == '/') {
        return fa_xstrdup(set);
    }
    fa_buf_init(&buf, 4096);
    fa_buf_printf(&buf, "%s/%s", home, below);
    return fa_buf_take(&buf);
}

static const char *home_dir(void)
{
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/') {
        const struct passwd *entry = getpwuid(getuid());
        home = entry != NULL && entry->pw_dir[0] == '/' ? entry->pw_dir : "/nonexistent";
    }
    return home;
}

static unsigned terminal_columns(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 && ioctl(STDERR_FILENO, TIOCGWINSZ, &size)) {
        return 0;
    }
    return size.ws_col;
}

static bool refuses_colour(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return (no_color != NULL && no_color[0] != '\0') || term == NULL || strcmp(term, "dumb") == 0;
}

int main(int argc, char **argv)
{
    struct timespec wall;
    forbid_dumps();
    fa_panic_set_hook(on_panic);
    fa_interrupt_init();
    setlocale(LC_CTYPE, "");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    clock_gettime(CLOCK_REALTIME, &wall);
    const char *home = home_dir();
    char *config = base_dir("XDG_CONFIG_HOME", home, ".config");
    char *state = base_dir("XDG_STATE_HOME", home, ".local/state");
    char *cache = base_dir("XDG_CACHE_HOME", home, ".cache");
    struct fa_world world = {
        .in = STDIN_FILENO,
        .out = stdout,
        .err = stderr,
        .in_tty = isatty(STDIN_FILENO) == 1,
        .out_tty = isatty(STDOUT_FILENO) == 1,
        .err_tty = isatty(STDERR_FILENO) == 1,
        .no_colour = refuses_colour(),
        .columns = terminal_columns(),
        .ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
        .config_home = config,
        .state_home = state,
        .cache_home = cache,
        .system_config = "/etc/firealarm/client.cfg",
        .now = (fa_time)wall.tv_sec * FA_SECOND + wall.tv_nsec / 1000000,
    };
    int code = fa_client_main(&world, argc, (const char *const *)argv);
    free(config);
    free(state);
    free(cache);
    curl_global_cleanup();
    return code;
}

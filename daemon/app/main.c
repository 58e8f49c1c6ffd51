/* SPDX-License-Identifier: MIT */
/* firealarmd: options and environment, and nothing else. */
#include "app/daemon.h"
#include "app/log.h"
#include "base/panic.h"
#include "config/init.h"
#include "host/plugins.h"

#include <event2/event.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICE_DIR  "/etc/firealarm"     /* where systemd/firealarmd.service looks */
#define SERVICE_LOGS "/var/log/firealarm" /* its LogsDirectory */

static const char usage[] =
    "firealarmd - raises the alarm, and keeps climbing until somebody owns it\n"
    "\n"
    "  firealarmd [-c FILE]          run in the foreground\n"
    "  firealarmd --check [-c FILE]  read and prove the configuration, say every fault\n"
    "  firealarmd --restore DIR [--yes]\n"
    "                                put a copy made by 'firealarm backup' in place of the store\n"
    "  firealarmd --init DIR         write a first working configuration with keys and secrets\n"
    "  firealarmd --reference        the manual page of the configuration (groff)\n"
    "  firealarmd --version | --help\n"
    "\n"
    "  -c, --config FILE    the configuration (/etc/firealarm/firealarm.cfg)\n"
    "      --state DIR      where the accepted configuration is kept ($STATE_DIRECTORY)\n"
    "      --witness DIR    where it is kept how far the journal was, best away from the state\n"
    "                       directory ($LOGS_DIRECTORY, or else the state directory)\n"
    "      --plugins DIR    holds decoders/, notifiers/ and stores/\n"
    "      --courier FILE   firealarm-courier\n"
    "      --fetcher FILE   firealarm-fetcher\n"
    "      --calendar FILE  firealarm-calendar\n"
    "\n"
    "For --init without a terminal:\n"
    "      --company NAME --relay HOST:PORT --owner 'NAME <MAIL>' --independent 'NAME <MAIL>' (twice)\n"
    "\n"
    "SIGHUP reads the configuration again, all or nothing; SIGTERM ends after what was begun.\n"
    "Exit status: 0 ended, 2 usage, 73 another daemon holds the store, 74 a commit's outcome is\n"
    "unknown (start again: it recovers), 78 no sound configuration.\n";

enum option_code {
    OPT_CHECK = 256,
    OPT_INIT,
    OPT_RESTORE,
    OPT_YES,
    OPT_REFERENCE,
    OPT_STATE,
    OPT_WITNESS,
    OPT_PLUGINS,
    OPT_COURIER,
    OPT_FETCHER,
    OPT_CALENDAR,
    OPT_COMPANY,
    OPT_RELAY,
    OPT_OWNER,
    OPT_INDEPENDENT,
    OPT_VERSION,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPT_CHECK},
    {"init", required_argument, NULL, OPT_INIT},
    {"restore", required_argument, NULL, OPT_RESTORE},
    {"yes", no_argument, NULL, OPT_YES},
    {"reference", no_argument, NULL, OPT_REFERENCE},
    {"state", required_argument, NULL, OPT_STATE},
    {"witness", required_argument, NULL, OPT_WITNESS},
    {"plugins", required_argument, NULL, OPT_PLUGINS},
    {"courier", required_argument, NULL, OPT_COURIER},
    {"fetcher", required_argument, NULL, OPT_FETCHER},
    {"calendar", required_argument, NULL, OPT_CALENDAR},
    {"company", required_argument, NULL, OPT_COMPANY},
    {"relay", required_argument, NULL, OPT_RELAY},
    {"owner", required_argument, NULL, OPT_OWNER},
    {"independent", required_argument, NULL, OPT_INDEPENDENT},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct arguments {
    struct fa_daemon_options daemon;
    struct fa_init init;
    const char *restore; /* a copy's directory */
    bool yes;
    size_t independents;
    int mode; /* an option_code, 0: run */
};

static void print_version(void)
{
    printf("firealarmd %s\nlibevent %s, libsodium %s\n", FA_VERSION, event_get_version(),
           sodium_version_string());
}

static void print_reference(const struct fa_daemon_options *options)
{
    struct fa_plugins *plugins = fa_plugins_new(options->plugins);
    fa_config_reference(stdout, plugins);
    fa_plugins_free(plugins);
}

/* "Maria Lopez <maria@example.com>" in place; false when it is not so. */
static bool parse_person(char *text, struct fa_init_person *ret)
{
    char *open = strrchr(text, '<'), *close = open != NULL ? strchr(open, '>') : NULL;
    if (open == NULL || close == NULL || close[1] != '\0' || open == text) {
        fprintf(stderr, "firealarmd: write 'Maria Lopez <maria@example.com>', not '%s'\n", text);
        return false;
    }
    *close = '\0';
    ret->mail = open + 1;
    while (open > text && open[-1] == ' ') {
        open--;
    }
    *open = '\0';
    ret->display = text;
    return true;
}

static bool take_option(struct arguments *args, int code, char *value)
{
    switch (code) {
    case 'c':
        args->daemon.config = value;
        return true;
    case OPT_STATE:
        args->daemon.state = value;
        return true;
    case OPT_WITNESS:
        args->daemon.witness = value;
        return true;
    case OPT_PLUGINS:
        args->daemon.plugins = value;
        return true;
    case OPT_COURIER:
        args->daemon.courier = value;
        return true;
    case OPT_FETCHER:
        args->daemon.fetcher = value;
        return true;
    case OPT_CALENDAR:
        args->daemon.calendar = value;
        return true;
    case OPT_COMPANY:
        args->init.company = value;
        return true;
    case OPT_RELAY:
        args->init.relay = value;
        return true;
    case OPT_OWNER:
        return parse_person(value, &args->init.owner);
    case OPT_INDEPENDENT:
        if (args->independents == FA_INIT_INDEPENDENTS) {
            fprintf(stderr, "firealarmd: two independent contacts here; add more to the file\n");
            return false;
        }
        return parse_person(value, &args->init.independents[args->independents++]);
    case OPT_INIT:
        args->init.dir = value;
        args->mode = code;
        return true;
    case OPT_RESTORE:
        args->restore = value;
        args->mode = code;
        return true;
    case OPT_YES:
        args->yes = true;
        return true;
    case OPT_CHECK:
    case OPT_REFERENCE:
    case OPT_VERSION:
    case 'h':
        args->mode = code;
        return true;
    default:
        fprintf(stderr, "Try 'firealarmd --help'.\n");
        return false;
    }
}

/* ---- init ---- */

static bool ask(void *ctx, const char *question, const char *def, char *buf, size_t size)
{
    printf("%s%s%s%s ", question, def != NULL ? " [" : "", def != NULL ? def : "",
           def != NULL ? "]" : "");
    fflush(stdout);
    if (fgets(buf, (int)size, stdin) == NULL) {
        return false;
    }
    buf[strcspn(buf, "\n")] = '\0';
    if (buf[0] == '\0' && def != NULL) {
        snprintf(buf, size, "%s", def);
    }
    return true;
}

static int run_init(struct arguments *args)
{
    struct fa_init_answers answers;
    struct fa_err err;
    char text[800];
    args->init.uid = getuid();
    args->init.has_uid = true;
    args->init.for_service = strcmp(args->init.dir, SERVICE_DIR) == 0;
    int rc = 0;
    if (isatty(STDIN_FILENO)) {
        rc = fa_init_ask(&args->init, &answers, ask, NULL, &err);
    }
    if (rc == 0) {
        rc = fa_config_init(&args->init, &err);
    }
    if (rc != 0) {
        fprintf(stderr, "firealarmd: %s\n", fa_err_format(&err, text, sizeof text));
        if (!isatty(STDIN_FILENO)) {
            fputs("Without a terminal: --company, --relay, --owner and --independent (twice); "
                  "see 'firealarmd --help'.\n",
                  stderr);
        }
        return FA_EXIT_FAILED;
    }
    if (args->init.for_service) {
        puts("Wrote " SERVICE_DIR ". Now:\n"
             "  firealarmd --check\n"
             "  systemctl enable --now firealarmd.socket firealarmd.service");
        return FA_EXIT_OK;
    }
    printf("Wrote %s. Now:\n"
           "  firealarmd --check -c %s/firealarm.cfg\n"
           "  firealarmd -c %s/firealarm.cfg\n",
           args->init.dir, args->init.dir, args->init.dir);
    return FA_EXIT_OK;
}

/* JOURNAL_STREAM is inherited by whatever the service starts; "device:inode" says whether stderr is
 * still the one it speaks of. */
static bool stderr_is_journal(const char *stream)
{
    unsigned long long device = 0, inode = 0;
    struct stat st;
    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

int main(int argc, char **argv)
{
    struct arguments args = {
        .daemon =
            {
                .config = SERVICE_DIR "/firealarm.cfg",
                .plugins = FA_PLUGIN_DIR,
                .courier = FA_LIBEXEC_DIR "/firealarm-courier",
                .fetcher = FA_LIBEXEC_DIR "/firealarm-fetcher",
                .state = getenv("STATE_DIRECTORY"),
                .witness = getenv("LOGS_DIRECTORY"),
                .credentials = getenv("CREDENTIALS_DIRECTORY"),
            },
    };
    int code;
    while ((code = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        if (!take_option(&args, code, optarg)) {
            return FA_EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "firealarmd: '%s' is no option. Try 'firealarmd --help'.\n", argv[optind]);
        return FA_EXIT_USAGE;
    }
    if (args.daemon.witness == NULL) {
        /* Who restores is not in the service's environment. */
        bool by_hand = args.mode == OPT_RESTORE && args.daemon.state == NULL;
        args.daemon.witness = by_hand ? SERVICE_LOGS : args.daemon.state;
    }
    umask(077);
    fa_log_init(stderr_is_journal(getenv("JOURNAL_STREAM")));
    /* Memory holds people's names and keys: no dump, no ptrace by others of this uid. */
    prctl(PR_SET_DUMPABLE, 0);
    switch (args.mode) {
    case 'h':
        fputs(usage, stdout);
        return FA_EXIT_OK;
    case OPT_VERSION:
        print_version();
        return FA_EXIT_OK;
    case OPT_REFERENCE:
        print_reference(&args.daemon);
        return FA_EXIT_OK;
    case OPT_CHECK:
        return fa_daemon_check(&args.daemon);
    case OPT_INIT:
        return run_init(&args);
    case OPT_RESTORE:
        return fa_daemon_restore(&args.daemon, args.restore, args.yes);
    default:
        return fa_daemon_run(&args.daemon);
    }
}

/* SPDX-License-Identifier: MIT */
/* Writes a first configuration. Invariants: (1) no file that exists is touched; (2) secrets are
 * random, readable by their owner alone, and not in the configuration, which holds the names of
 * their files and the owner's token as a hash; (3) what is written proves clean (a test loads it).
 *
 * It asks for two independent contacts because no configuration is accepted without: somebody must
 * be left to tell when the alarm is about the owner. */
#include "config/init.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/panic.h"
#include "host/write.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX       ((size_t)64 * 1024)
#define SECRET_BYTES   32
#define TOKEN_ID_BYTES 6
#define WRITTEN_MAX    64

/* What was made, in order, so that a failure leaves nothing behind. */
struct writer {
    const char *dir;
    struct fa_err *err;
    bool for_service;
    char *made[WRITTEN_MAX];
    size_t made_count;
};

static char *join(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = fa_xmalloc(size);
    snprintf(path, size, "%s/%s", dir, name);
    return path;
}

/* What the service reads belongs to the directory's group; what only root reads has no group bits.
 */
static int give_group(const struct writer *w, const char *path, mode_t mode)
{
    struct stat st;
    if (!w->for_service || (mode & 070) == 0) {
        return 0;
    }
    return stat(w->dir, &st) == 0 ? lchown(path, (uid_t)-1, st.st_gid) : -1;
}

static int make_directory(struct writer *w, const char *name, mode_t mode)
{
    char *path = name[0] == '\0' ? fa_xstrdup(w->dir) : join(w->dir, name);
    struct stat st;
    if (mkdir(path, mode) == 0) {
        (void)chmod(path, mode); /* whatever the umask */
        fa_assert(w->made_count < WRITTEN_MAX);
        w->made[w->made_count++] = path;
        return give_group(w, path, mode) == 0
                   ? 0
                   : fa_err_set(w->err, FA_EIO, "%s: its group: %s", path, strerror(errno));
    }
    int rc = 0;
    if (errno != EEXIST || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        rc = fa_err_set(w->err, FA_EIO, "%s: cannot be made: %s", path, strerror(errno));
    }
    free(path);
    return rc;
}

static int write_file(struct writer *w, const char *name, mode_t mode, const void *data, size_t len)
{
    char *path = join(w->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        int rc =
            errno == EEXIST
                ? fa_err_set(w->err, FA_EEXISTS,
                             "%s exists already and is not overwritten: choose another directory",
                             path)
                : fa_err_set(w->err, FA_EIO, "%s: cannot be written: %s", path, strerror(errno));
        free(path);
        return rc;
    }
    fa_assert(w->made_count < WRITTEN_MAX);
    w->made[w->made_count++] = path;
    int rc = 0;
    if (!fa_write_all(fd, (struct fa_str){data, len}) || fsync(fd) != 0 || fchmod(fd, mode) != 0 ||
        give_group(w, path, mode) != 0) {
        rc = fa_err_set(w->err, FA_EIO, "%s: cannot be written: %s", path, strerror(errno));
    }
    close(fd);
    return rc;
}

static void writer_done(struct writer *w, bool undo)
{
    while (w->made_count > 0) {
        char *path = w->made[--w->made_count];
        if (undo && unlink(path) != 0) {
            (void)rmdir(path);
        }
        free(path);
    }
}

/* A libconfig text: what people typed may hold quotes and backslashes. */
static void put_quoted(struct fa_buf *buf, const char *text)
{
    fa_buf_putc(buf, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            fa_buf_putc(buf, '\\');
        }
        fa_buf_putc(buf, *text);
    }
    fa_buf_putc(buf, '"');
}

/* "Maria Lopez" -> "maria-lopez"; letters beyond ASCII fall out. */
static void short_name(const char *display, char *buf, size_t size)
{
    size_t len = 0;
    for (const char *p = display; *p != '\0' && len + 1 < size && len < 40; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            buf[len++] = c;
        } else if (c == ' ' && len > 0 && buf[len - 1] != '-') {
            buf[len++] = '-';
        }
    }
    while (len > 0 && buf[len - 1] == '-') {
        len--;
    }
    buf[len] = '\0';
}

/* Short names of the owner and the independents, all different. */
static void short_names(const struct fa_init *in, char names[][64])
{
    for (size_t i = 0; i <= FA_INIT_INDEPENDENTS; i++) {
        const char *display = i == 0 ? in->owner.display : in->independents[i - 1].display;
        short_name(display, names[i], 48);
        bool taken = names[i][0] == '\0' || strcmp(names[i], "independent") == 0;
        for (size_t k = 0; k < i; k++) {
            taken = taken || strcmp(names[i], names[k]) == 0;
        }
        if (taken) {
            char base[48];
            snprintf(base, sizeof base, "%s", names[i][0] != '\0' ? names[i] : "person");
            snprintf(names[i], 64, "%s-%zu", base, i + 1);
        }
    }
}

static void put_person(struct fa_buf *buf, const char *name, const struct fa_init_person *person)
{
    fa_buf_printf(buf, "  { name = \"%s\"; display = ", name);
    put_quoted(buf, person->display);
    fa_buf_puts(buf, ";\n    channels = ( { channel = \"mail\"; address = ");
    put_quoted(buf, person->mail);
    fa_buf_puts(buf, "; } );\n");
}

static const char *const token_names[] = {"owner", "independent-1", "independent-2"};
_Static_assert(sizeof token_names / sizeof token_names[0] == 1 + FA_INIT_INDEPENDENTS,
               "each of them can acknowledge");

/* Who is told must be able to own it: the token is given to them, its file is then removed. */
static void put_token(struct fa_buf *buf, size_t who, char hashes[][65])
{
    fa_buf_printf(buf, "    token = \"%s\"; # of secrets/%s.token\n", hashes[who],
                  token_names[who]);
}

static void put_people(struct fa_buf *buf, const struct fa_init *in, char names[][64],
                       char hashes[][65])
{
    fa_buf_puts(buf,
                "# Who there is. Add those who file and those who are to be told; the guide tells\n"
                "# the role \"helper\" of what asks for help.\npeople = (\n");
    put_person(buf, names[0], &in->owner);
    if (in->has_uid) {
        fa_buf_printf(buf, "    uid = %lu%s;\n", (unsigned long)in->uid,
                      in->uid > INT32_MAX ? "L" : "");
    }
    put_token(buf, 0, hashes);
    fa_buf_puts(buf,
                "    roles = [ \"leader\", \"helper\" ];\n    operator = true; },\n\n"
                "  # Independent contacts take what nobody else may learn. They report to nobody\n"
                "  # in this list and share no mailbox with anybody in it.\n");
    for (size_t i = 0; i < FA_INIT_INDEPENDENTS; i++) {
        put_person(buf, names[i + 1], &in->independents[i]);
        put_token(buf, i + 1, hashes);
        fa_buf_printf(buf, "    independent = true; }%s\n",
                      i + 1 < FA_INIT_INDEPENDENTS ? "," : "");
    }
    fa_buf_puts(buf, ");\n\n");
}

/* How the way to the relay is encrypted; STARTTLS is the plugin's default. */
static const char *tls_words(const char *relay)
{
    size_t len = strlen(relay);
    if (strncmp(relay, "127.", 4) == 0 || strncmp(relay, "[::1]", 5) == 0 ||
        strcmp(relay, "localhost") == 0 || strncmp(relay, "localhost:", 10) == 0) {
        return ";\n    tls = \"none\"; allow_plain = true";
    }
    return len > 4 && strcmp(relay + len - 4, ":465") == 0 ? "; tls = \"tls\"" : "";
}

/* Where things are: beside the configuration, or where systemd/firealarmd.service has them. */
static const struct places {
    const char *run, *store, *secrets;
} beside = {"./run", "./store", "./secrets/"},
  of_service = {"/run/firealarm", "/var/lib/firealarm", "secrets_"};

static void put_rest(struct fa_buf *buf, const struct fa_init *in, const char *owner)
{
    const struct places *places = in->for_service ? &of_service : &beside;
    const char *at = strchr(in->owner.mail, '@');
    char from[300];
    snprintf(from, sizeof from, "firealarm%s", at != NULL ? at : "@localhost");
    fa_buf_puts(
        buf, "# How they are reached. A second way, for instance a webhook to a pager, makes the\n"
             "# climb faster when the first fails: secrets/webhook.key is there to sign it.\n"
             "channels = (\n");
    fa_buf_printf(
        buf,
        "# { name = \"pager\"; plugin = \"webhook\"; url = \"https://pager.example.com/in\";\n"
        "#   secret = \"%swebhook.key\"; },\n",
        places->secrets);
    fa_buf_puts(buf, "  { name = \"mail\"; plugin = \"email\"; relay = ");
    put_quoted(buf, in->relay);
    fa_buf_puts(buf, tls_words(in->relay));
    fa_buf_puts(buf, "; from = ");
    put_quoted(buf, from);
    fa_buf_puts(buf, "; }\n);\n\n");
    fa_buf_printf(
        buf,
        "# Who is told, in which order. The last step repeats until somebody owns the alarm.\n"
        "policies = (\n"
        "  { name = \"senior-leadership\"; steps = (\n"
        "      { targets = [ \"role:leader\" ]; wait = \"30m\"; },\n"
        "      { targets = [ \"role:leader\", \"independent\" ]; wait = \"1h\"; } ); },\n"
        "  { name = \"independent\"; steps = (\n"
        "      { targets = [ \"independent\" ]; wait = \"4h\"; } ); },\n"
        "  # Hears of the daemon's own troubles: name two people.\n"
        "  { name = \"operators\"; steps = (\n"
        "      { targets = [ \"%s\" ]; wait = \"1h\"; } ); }\n"
        ");\n\n",
        owner);
    fa_buf_printf(
        buf,
        "listeners = (\n"
        "  { name = \"api\"; address = \"unix:%s/api.sock\"; mode = \"0666\";\n"
        "    routes = [ \"api\" ]; },\n"
        "  { name = \"metrics\"; address = \"127.0.0.1:8651\"; routes = [ \"metrics\" ]; }\n"
        ");\n\n"
        "feeds = (\n"
        "  { name = \"statsd\"; address = \"udp:127.0.0.1:8125\"; decoder = \"statsd\"; }\n"
        ");\n\n"
        "%sstore = { plugin = \"sqlite\"; path = \"%s\"; mac_key = \"%smac.key\"; };\n",
        places->run,
        in->for_service
            ? "# A secret without a slash is a credential: secrets_NAME is secrets/NAME.\n"
            : "",
        places->store, places->secrets);
}

static char *compose(const struct fa_init *in, char hashes[][65])
{
    char names[1 + FA_INIT_INDEPENDENTS][64];
    struct fa_buf buf;
    fa_buf_init(&buf, TEXT_MAX);
    short_names(in, names);
    fa_buf_puts(
        &buf, "# firealarmd's configuration; see firealarm.cfg(5). Beside this file rules.d/*.cfg\n"
              "# and conf.d/*.cfg are read too. A path that begins with ./ counts from here.\n\n"
              "company = ");
    put_quoted(&buf, in->company);
    fa_buf_puts(
        &buf, ";\nnotice = \"Whoever administers this machine can read what is kept on it.\";\n\n");
    put_people(&buf, in, names, hashes);
    put_rest(&buf, in, names[0]);
    return fa_buf_take(&buf);
}

static int write_secret(struct writer *w, const char *name, const char *text)
{
    char line[256];
    int len = snprintf(line, sizeof line, "%s\n", text);
    int rc = write_file(w, name, 0600, line, (size_t)len);
    sodium_memzero(line, sizeof line);
    return rc;
}

/* "ID.SECRET" into secrets/NAME.token; its hash, for the configuration, goes to ret_hash. */
static int write_token(struct writer *w, const char *name, char ret_hash[65])
{
    unsigned char random[SECRET_BYTES], hash[32];
    char hex[2 * SECRET_BYTES + 1], id[2 * TOKEN_ID_BYTES + 1], text[160], file[64];
    randombytes_buf(random, sizeof random);
    fa_hex(random, sizeof random, hex);
    randombytes_buf(random, sizeof random);
    snprintf(text, sizeof text, "%s.%s", fa_hex(random, TOKEN_ID_BYTES, id), hex);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), NULL, 0);
    fa_hex(hash, sizeof hash, ret_hash);
    snprintf(file, sizeof file, "secrets/%s.token", name);
    int rc = write_secret(w, file, text);
    sodium_memzero(random, sizeof random);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(text, sizeof text);
    return rc;
}

/* secrets/; the hashes are those of token_names. */
static int write_secrets(struct writer *w, char hashes[][65])
{
    unsigned char random[SECRET_BYTES];
    char hex[2 * SECRET_BYTES + 1], text[160];
    randombytes_buf(random, sizeof random);
    int rc = write_secret(w, "secrets/mac.key", fa_hex(random, sizeof random, hex));
    if (rc == 0) {
        char base64[sodium_base64_ENCODED_LEN(SECRET_BYTES, sodium_base64_VARIANT_ORIGINAL)];
        randombytes_buf(random, sizeof random);
        sodium_bin2base64(base64, sizeof base64, random, sizeof random,
                          sodium_base64_VARIANT_ORIGINAL);
        snprintf(text, sizeof text, "whsec_%s", base64);
        rc = write_secret(w, "secrets/webhook.key", text);
        sodium_memzero(base64, sizeof base64);
    }
    for (size_t i = 0; i <= FA_INIT_INDEPENDENTS && rc == 0; i++) {
        rc = write_token(w, token_names[i], hashes[i]);
    }
    sodium_memzero(random, sizeof random);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(text, sizeof text);
    return rc;
}

static int need(const char *text, const char *what, struct fa_err *err)
{
    struct fa_str str = fa_str_of(text);
    if (fa_str_trim(str).len == 0) {
        return fa_err_set(err, FA_EINVAL, "%s is missing", what);
    }
    if (!fa_utf8_valid(str) || fa_str_has_control(str) || str.len > 200) {
        return fa_err_set(err, FA_EINVAL, "%s must be one line of at most 200 bytes in UTF-8",
                          what);
    }
    return 0;
}

static int need_mail(const char *mail, const char *what, struct fa_err *err)
{
    int rc = need(mail, what, err);
    const char *at = rc == 0 ? strchr(mail, '@') : NULL;
    if (rc == 0 &&
        (at == NULL || at == mail || at[1] == '\0' || strpbrk(mail, " <>\"\\,;") != NULL)) {
        rc = fa_err_set(err, FA_EINVAL, "%s: '%.100s' is no mail address", what, mail);
    }
    return rc;
}

static int check(const struct fa_init *in, struct fa_err *err)
{
    const struct {
        const char *text, *what;
        bool is_mail;
    } rows[] = {
        {in->dir, "the directory", false},
        {in->company, "the company's name", false},
        {in->relay, "the mail relay", false},
        {in->owner.display, "the owner's name", false},
        {in->owner.mail, "the owner's mail address", true},
        {in->independents[0].display, "the first independent contact's name", false},
        {in->independents[0].mail, "the first independent contact's mail address", true},
        {in->independents[1].display, "the second independent contact's name", false},
        {in->independents[1].mail, "the second independent contact's mail address", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = rows[i].is_mail ? need_mail(rows[i].text, rows[i].what, err)
                                 : need(rows[i].text, rows[i].what, err);
        if (rc != 0) {
            return rc;
        }
    }
    const char *a = in->independents[0].mail, *b = in->independents[1].mail, *o = in->owner.mail;
    if (strcasecmp(a, b) == 0 || strcasecmp(a, o) == 0 || strcasecmp(b, o) == 0) {
        return fa_err_set(
            err, FA_EINVAL,
            "the owner and the two independent contacts must be three people with three "
            "mail addresses");
    }
    return 0;
}

static int write_everything(struct writer *w, const struct fa_init *in)
{
    static const struct {
        const char *name;
        mode_t mode;
    } dirs[] = {{"", 0750},        {"rules.d", 0750}, {"conf.d", 0750},
                {"secrets", 0700}, {"run", 0755},     {"store", 0700}};
    char hashes[1 + FA_INIT_INDEPENDENTS][65];
    int rc = 0;
    /* The last two are the service's own, elsewhere. */
    size_t dir_count = sizeof dirs / sizeof dirs[0] - (in->for_service ? 2 : 0);
    for (size_t i = 0; rc == 0 && i < dir_count; i++) {
        rc = make_directory(w, dirs[i].name, dirs[i].mode);
    }
    for (size_t i = 0; rc == 0 && i < fa_init_file_count; i++) {
        rc =
            write_file(w, fa_init_files[i].path, 0640, fa_init_files[i].data, fa_init_files[i].len);
    }
    if (rc == 0) {
        rc = write_secrets(w, hashes);
    }
    if (rc == 0) {
        /* The main file comes last: where it is, the rest is. */
        char *text = compose(in, hashes);
        rc = write_file(w, "firealarm.cfg", 0640, text, strlen(text));
        free(text);
    }
    return rc;
}

int fa_config_init(const struct fa_init *in, struct fa_err *err)
{
    int rc = check(in, err);
    if (rc != 0) {
        return rc;
    }
    if (sodium_init() < 0) {
        return fa_err_set(err, FA_EIO, "no source of random bytes");
    }
    struct writer writer = {.dir = in->dir, .err = err, .for_service = in->for_service};
    rc = write_everything(&writer, in);
    writer_done(&writer, rc != 0);
    return rc;
}

/* Asks until an answer passes, at most three times. */
static int ask_one(const char **text, char *buf, bool is_mail, const char *question,
                   const char *def, fa_init_ask_fn *ask, void *ctx, struct fa_err *err)
{
    if (*text != NULL) {
        return 0;
    }
    int rc = fa_err_set(err, FA_EINVAL, "no answer to: %s", question);
    for (int tries = 0; rc != 0 && tries < 3; tries++) {
        char again[sizeof err->text + 200];
        snprintf(again, sizeof again, "%s\n%s", err->text, question);
        if (!ask(ctx, tries == 0 ? question : again, def, buf, 200)) {
            break;
        }
        if (buf[0] == '\0' && def != NULL) {
            snprintf(buf, 200, "%s", def);
        }
        rc = is_mail ? need_mail(buf, question, err) : need(buf, question, err);
    }
    if (rc == 0) {
        *text = buf;
    }
    return rc;
}

int fa_init_ask(struct fa_init *in, struct fa_init_answers *answers, fa_init_ask_fn *ask, void *ctx,
                struct fa_err *err)
{
    const struct {
        const char **text;
        char *buf;
        bool is_mail;
        const char *question, *def;
    } rows[] = {
        {&in->company, answers->company, false, "Your company's name", NULL},
        {&in->owner.display, answers->display[0], false, "Your name", NULL},
        {&in->owner.mail, answers->mail[0], true, "Your mail address", NULL},
        {&in->independents[0].display, answers->display[1], false,
         "First independent contact (somebody who reports to nobody here), name", NULL},
        {&in->independents[0].mail, answers->mail[1], true, "Their mail address", NULL},
        {&in->independents[1].display, answers->display[2], false,
         "Second independent contact, name", NULL},
        {&in->independents[1].mail, answers->mail[2], true, "Their mail address", NULL},
        {&in->relay, answers->relay, false, "Mail relay", "127.0.0.1:25"},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++) {
        rc = ask_one(rows[i].text, rows[i].buf, rows[i].is_mail, rows[i].question, rows[i].def, ask,
                     ctx, err);
    }
    return rc;
}

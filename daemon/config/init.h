/* SPDX-License-Identifier: MIT */
/* `firealarmd --init DIR`: a first configuration that works, with keys and secrets. */
#ifndef FA_CONFIG_INIT_H
#define FA_CONFIG_INIT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fa_init_person {
    const char *display; /* "Maria Lopez"; the short name is made from it */
    const char *mail;
};

#define FA_INIT_INDEPENDENTS 2

struct fa_init {
    const char *dir;
    const char *company;
    const char *relay; /* of mail, HOST or HOST:PORT; a loopback one is spoken to without TLS */
    struct fa_init_person owner;
    struct fa_init_person independents[FA_INIT_INDEPENDENTS]; /* outside the owner's reach */
    uint32_t uid;                                             /* of the owner on this machine */
    bool has_uid;
    bool for_service; /* paths and secrets as systemd/firealarmd.service gives them */
};

/* Writes DIR (0750) with firealarm.cfg, rules.d/, conf.d/ and secrets/ (0700: mac.key, webhook.key,
 * owner.token, independent-1.token ...); the tokens work at once, the configuration holds hashes.
 * Nothing that exists is overwritten: FA_EEXISTS names it. What was written before an error is
 * removed again. For the service all but the secrets goes to the group of DIR: root writes it, the
 * daemon reads.
 */
int fa_config_init(const struct fa_init *in, struct fa_err *err) FA_MUST_CHECK;

/* Asks one question and puts the answer, without newline, into buf; false: no more answers. `def`
 * may be NULL. */
typedef bool fa_init_ask_fn(void *ctx, const char *question, const char *def, char *buf,
                            size_t size);

/* What was asked for; `in` of fa_init_answer points into it. */
struct fa_init_answers {
    char company[200], relay[200];
    char display[1 + FA_INIT_INDEPENDENTS][200], mail[1 + FA_INIT_INDEPENDENTS][200];
};
/* Asks for what `in` lacks (NULLs) and fills it. FA_EINVAL: an answer is missing, err says which.
 */
int fa_init_ask(struct fa_init *in, struct fa_init_answers *answers, fa_init_ask_fn *ask, void *ctx,
                struct fa_err *err) FA_MUST_CHECK;

/* The shipped files that are copied, compiled in. */
struct fa_init_file {
    const char *path; /* "rules.d/incidents.cfg" */
    const unsigned char *data;
    size_t len;
};
extern const struct fa_init_file fa_init_files[];
extern const size_t fa_init_file_count;

#endif

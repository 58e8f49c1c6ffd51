/* SPDX-License-Identifier: MIT */
/* One poll loop in a thread of its own. What it wrote down is under one lock and is never moved or
 * freed before the end, so that tests can hold on to it. */
#include "receiver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX   256
#define RULES_MAX   32
#define RECORDS_MAX 1000000
#define INPUT_MAX   ((size_t)256 * 1024)

struct conn {
    int fd; /* -1: free */
    bool mail, in_data;
    char *in;
    size_t len;
    char recipient[64];
};

struct rule {
    char path[64];
    int status;
    const char *body;
};

struct receiver {
    pthread_t thread;
    pthread_mutex_t lock;
    int http, smtp, stop;
    unsigned http_port, smtp_port;
    struct conn conns[CONNS_MAX];
    struct rule rules[RULES_MAX];
    size_t rule_count;
    struct received *records[RECORDS_MAX];
    size_t count;
};

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct rule rule_of(struct receiver *self, const char *path, int otherwise)
{
    struct rule found = {"", otherwise, "ok"};
    for (size_t i = 0; i < self->rule_count; i++) {
        if (strcmp(self->rules[i].path, path) == 0) {
            found = self->rules[i];
        }
    }
    return found;
}

static struct received *record(struct receiver *self, bool mail, const char *path, const char *body,
                               size_t len)
{
    if (self->count == RECORDS_MAX) {
        abort();
    }
    struct received *item = calloc(1, sizeof *item);
    item->mail = mail;
    item->at = now_ms();
    snprintf(item->path, sizeof item->path, "%s", path);
    item->body = strndup(body, len);
    self->records[self->count++] = item;
    return item;
}

static void say(struct conn *conn, const char *text)
{
    (void)!send(conn->fd, text, strlen(text), MSG_NOSIGNAL);
}

static void drop_input(struct conn *conn, size_t n)
{
    memmove(conn->in, conn->in + n, conn->len - n);
    conn->len -= n;
    conn->in[conn->len] = '\0';
}

static void copy_header(const char *head, const char *name, char *out, size_t size)
{
    const char *at = strcasestr(head, name);
    out[0] = '\0';
    if (at != NULL) {
        at += strlen(name);
        at += strspn(at, " ");
        snprintf(out, size, "%.*s", (int)strcspn(at, "\r\n"), at);
    }
}

/* True when a whole request was there. */
static bool take_request(struct receiver *self, struct conn *conn)
{
    char *end = strstr(conn->in, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    char head[8192], path[64] = "", length[32];
    size_t head_len = (size_t)(end - conn->in) + 4;
    snprintf(head, sizeof head, "%.*s", (int)head_len, conn->in);
    copy_header(head, "\r\ncontent-length:", length, sizeof length);
    size_t body_len = strtoul(length, NULL, 10);
    if (conn->len < head_len + body_len) {
        return false;
    }
    sscanf(head, "%*s %63s", path);
    struct received *item = record(self, false, path, conn->in + head_len, body_len);
    copy_header(head, "\r\nwebhook-id:", item->key, sizeof item->key);
    struct rule rule = rule_of(self, path, 200);
    item->status = rule.status;
    drop_input(conn, head_len + body_len);
    if (rule.status != RECEIVER_HANG) {
        /* In one piece: a second one would wait for the acknowledgement of the first. */
        char *answer = NULL;
        if (asprintf(&answer, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", rule.status,
                     strlen(rule.body), rule.body) >= 0) {
            say(conn, answer);
            free(answer);
        }
    }
    return true;
}

static bool take_mail_data(struct receiver *self, struct conn *conn)
{
    char *end = strstr(conn->in, "\r\n.\r\n");
    if (end == NULL) {
        return false;
    }
    size_t len = (size_t)(end - conn->in);
    struct received *item = record(self, true, conn->recipient, conn->in, len);
    copy_header(item->body, "\r\nmessage-id:", item->key, sizeof item->key);
    item->status = rule_of(self, conn->recipient, 250).status;
    conn->in_data = false;
    drop_input(conn, len + 5);
    say(conn, "250 taken\r\n");
    return true;
}

static bool take_mail_line(struct receiver *self, struct conn *conn)
{
    char *end = strstr(conn->in, "\r\n");
    char answer[80] = "250 ok\r\n";
    if (end == NULL) {
        return false;
    }
    if (strncasecmp(conn->in, "EHLO", 4) == 0) {
        snprintf(answer, sizeof answer, "250-receiver\r\n250 SIZE 10000000\r\n");
    } else if (strncasecmp(conn->in, "RCPT TO:<", 9) == 0) {
        snprintf(conn->recipient, sizeof conn->recipient, "%.*s", (int)strcspn(conn->in + 9, ">"),
                 conn->in + 9);
        int status = rule_of(self, conn->recipient, 250).status;
        if (status == RECEIVER_HANG) {
            answer[0] = '\0';
        } else {
            snprintf(answer, sizeof answer, "%d so it is\r\n", status);
        }
    } else if (strncasecmp(conn->in, "DATA", 4) == 0) {
        conn->in_data = true;
        snprintf(answer, sizeof answer, "354 go on\r\n");
    }
    drop_input(conn, (size_t)(end - conn->in) + 2);
    say(conn, answer);
    return true;
}

static void close_conn(struct conn *conn)
{
    close(conn->fd);
    free(conn->in);
    *conn = (struct conn){.fd = -1};
}

static void on_readable(struct receiver *self, struct conn *conn)
{
    ssize_t n = recv(conn->fd, conn->in + conn->len, INPUT_MAX - 1 - conn->len, 0);
    if (n <= 0) {
        close_conn(conn);
        return;
    }
    conn->len += (size_t)n;
    conn->in[conn->len] = '\0';
    bool more = true;
    while (more) {
        more = !conn->mail     ? take_request(self, conn)
               : conn->in_data ? take_mail_data(self, conn)
                               : take_mail_line(self, conn);
    }
}

static void on_connection(struct receiver *self, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < CONNS_MAX; i++) {
        struct conn *conn = &self->conns[i];
        if (conn->fd < 0) {
            *conn = (struct conn){.fd = fd, .mail = listener == self->smtp};
            conn->in = calloc(1, INPUT_MAX);
            if (conn->mail) {
                say(conn, "220 receiver\r\n");
            }
            return;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

static void *run(void *arg)
{
    struct receiver *self = arg;
    for (;;) {
        struct pollfd fds[CONNS_MAX + 3];
        fds[0] = (struct pollfd){self->stop, POLLIN, 0};
        fds[1] = (struct pollfd){self->http, POLLIN, 0};
        fds[2] = (struct pollfd){self->smtp, POLLIN, 0};
        for (size_t i = 0; i < CONNS_MAX; i++) {
            fds[i + 3] = (struct pollfd){self->conns[i].fd, POLLIN, 0};
        }
        if (poll(fds, CONNS_MAX + 3, -1) < 0 && errno != EINTR) {
            abort();
        }
        if (fds[0].revents != 0) {
            return NULL;
        }
        pthread_mutex_lock(&self->lock);
        for (size_t i = 0; i < CONNS_MAX; i++) {
            if (self->conns[i].fd >= 0 && fds[i + 3].revents != 0) {
                on_readable(self, &self->conns[i]);
            }
        }
        for (int i = 1; i <= 2; i++) {
            if (fds[i].revents != 0) {
                on_connection(self, fds[i].fd);
            }
        }
        pthread_mutex_unlock(&self->lock);
    }
}

static int listen_on_loopback(unsigned *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        perror("receiver");
        abort();
    }
    *ret_port = ntohs(at.sin_port);
    return fd;
}

struct receiver *receiver_start(void)
{
    struct receiver *self = calloc(1, sizeof *self);
    for (size_t i = 0; i < CONNS_MAX; i++) {
        self->conns[i].fd = -1;
    }
    pthread_mutex_init(&self->lock, NULL);
    self->http = listen_on_loopback(&self->http_port);
    self->smtp = listen_on_loopback(&self->smtp_port);
    self->stop = eventfd(0, EFD_CLOEXEC);
    if (pthread_create(&self->thread, NULL, run, self) != 0) {
        abort();
    }
    return self;
}

void receiver_stop(struct receiver *self)
{
    if (self == NULL) {
        return;
    }
    eventfd_write(self->stop, 1);
    pthread_join(self->thread, NULL);
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (self->conns[i].fd >= 0) {
            close_conn(&self->conns[i]);
        }
    }
    for (size_t i = 0; i < self->count; i++) {
        free(self->records[i]->body);
        free(self->records[i]);
    }
    close(self->http);
    close(self->smtp);
    close(self->stop);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

unsigned receiver_http(const struct receiver *self)
{
    return self->http_port;
}

unsigned receiver_smtp(const struct receiver *self)
{
    return self->smtp_port;
}

void receiver_say(struct receiver *self, const char *path, int status, const char *body)
{
    pthread_mutex_lock(&self->lock);
    size_t i = 0;
    while (i < self->rule_count && strcmp(self->rules[i].path, path) != 0) {
        i++;
    }
    if (i == RULES_MAX) {
        abort();
    }
    self->rule_count = i == self->rule_count ? i + 1 : self->rule_count;
    snprintf(self->rules[i].path, sizeof self->rules[i].path, "%s", path);
    self->rules[i].status = status;
    self->rules[i].body = body;
    pthread_mutex_unlock(&self->lock);
}

void receiver_answer(struct receiver *self, const char *path, int status)
{
    receiver_say(self, path, status, "ok");
}

size_t receiver_count(struct receiver *self)
{
    pthread_mutex_lock(&self->lock);
    size_t count = self->count;
    pthread_mutex_unlock(&self->lock);
    return count;
}

const struct received *receiver_at(struct receiver *self, size_t i)
{
    pthread_mutex_lock(&self->lock);
    const struct received *item = i < self->count ? self->records[i] : NULL;
    pthread_mutex_unlock(&self->lock);
    return item;
}

static bool fits(const struct received *item, const char *path, const char *word)
{
    return (path == NULL || strcmp(item->path, path) == 0) &&
           (word == NULL || strstr(item->body, word) != NULL);
}

size_t receiver_matches(struct receiver *self, const char *path, const char *word)
{
    size_t matches = 0;
    const struct received *item;
    for (size_t i = 0; (item = receiver_at(self, i)) != NULL; i++) {
        matches += fits(item, path, word);
    }
    return matches;
}

const struct received *receiver_find(struct receiver *self, const char *path, const char *word)
{
    const struct received *item;
    for (size_t i = 0; (item = receiver_at(self, i)) != NULL; i++) {
        if (fits(item, path, word)) {
            return item;
        }
    }
    return NULL;
}

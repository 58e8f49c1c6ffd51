#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The zoo: HTTP, HTTPS, SMTP and name servers that misbehave, each on a port of its own.

Usage: zoo.py LOG [ADDRESS]. Prints one line for each animal and then "ready", and serves until its
standard input ends. A line is, between tabs:

    NAME  OPTIONS of a channel that leads there  ADDRESS on it ("" for a webhook)  VERDICT  WORD

VERDICT is what must come of a message: sent; later (sent, but not by the first try); rejected (the
next channel at once, after one try); fails (tried again, and after three tries or when the
severity's patience ends the next channel). WORD must be in the daemon's log line about it.

LOG gets a line for everything that arrives: "MS NAME EVENT ...", MS by the monotonic clock. Events:
contact; request KEY NUMBER (of the word text-NUMBER in the body); mail KEY THREAD; smtp LINE; and,
what must never be: sink, credentials, encoding, cookie, clear, smuggled, pipelined. With ADDRESS a
name server for zoo.test answers there (port 53). Standard library and openssl only."""
import base64
import gzip
import os
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

SECRET = "correct-horse-battery"  # of the channels that log in
folder = tempfile.mkdtemp(prefix="fa-zoo-")
log_lock = threading.Lock()
log_file = open(sys.argv[1], "a", buffering=1)


class Cut(Exception):
    """The connection is to be closed now."""


class Conn:
    """One connection of one animal."""

    def __init__(self, animal, sock):
        self.animal, self.sock, self.buf, self.tls, self.hello = animal, sock, b"", False, ""

    def log(self, event):
        with log_lock:
            log_file.write("%d %s %s\n" % (time.monotonic() * 1000, self.animal.name, event))

    def say(self, data):
        self.sock.sendall(data)

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Cut
        self.buf += data

    def line(self):
        while b"\n" not in self.buf:
            self.fill()
        line, _, self.buf = self.buf.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def take(self, count):
        while len(self.buf) < count:
            self.fill()
        data, self.buf = self.buf[:count], self.buf[count:]
        return data

    def wrap(self, context):
        self.sock, self.tls = context.wrap_socket(self.sock, server_side=True), True

    def hang(self):
        """Until the other side goes; what it says meanwhile is not read."""
        gone = select.poll()
        gone.register(self.sock, select.POLLRDHUP)
        gone.poll(120000)
        raise Cut

    def forever(self, piece, pause=0):
        while True:
            self.say(piece)
            if pause:
                time.sleep(pause)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Cut

    def request(self):
        """Reads a whole request, notes it and what should not be in it."""
        head = []
        while True:
            line = self.line()
            if not line:
                break
            head.append(line)
        fields = {name.lower(): value.strip()
                  for name, _, value in (line.partition(":") for line in head[1:])}
        body = self.take(int(fields.get("content-length", "0"))).decode("utf-8", "replace")
        number = re.search(r"text-(\d+)", body)
        self.log("request %s %s" % (fields.get("webhook-id"), number[1] if number else "-"))
        for name, event in (("authorization", "credentials"), ("cookie", "cookie"),
                            ("proxy-authorization", "credentials"),
                            ("accept-encoding", "encoding")):
            if name in fields and not (name == "authorization" and self.animal.name == "own-token"):
                self.log(event)
        return fields


# ---- HTTP ----

def reply(status, head="", body=b""):
    whole = "HTTP/1.1 %s X\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), head)
    return whole.encode() + body


def answers(*replies):
    """The first reply to the first request of the animal, and so on; the last to all others."""
    def serve(conn):
        while True:
            conn.request()
            given = replies[min(conn.animal.next(), len(replies) - 1)]
            if callable(given):
                given(conn)
            else:
                conn.say(given)
    return serve


def raw(data, then=Conn.hang):
    def serve(conn):
        conn.request()
        conn.say(data)
        then(conn)
    return serve


def cut(conn):
    raise Cut


def reset(conn):
    conn.request()
    conn.reset()


def stream(head, piece, pause=0):
    def serve(conn):
        conn.request()
        conn.say(head)
        conn.forever(piece, pause)
    return serve


def many_headers(conn):
    conn.request()
    conn.say(b"HTTP/1.1 200 OK\r\n")
    for i in range(200000):
        conn.say(b"X-%d: y\r\n" % i)
    conn.say(b"\r\n")


def closes_between(conn):
    conn.request()
    conn.say(reply(200, "Connection: keep-alive\r\n"))


def half_closed(conn):
    conn.sock.shutdown(socket.SHUT_WR)
    conn.hang()


def early(conn):
    conn.say(reply(200))
    conn.request()


def sink(conn):
    conn.log("sink")
    conn.request()
    conn.say(reply(200))


def redirect(status, to=None):
    return lambda conn: answers(reply(status, "Location: %s\r\n" % (
        to or "http://127.0.0.1:%d/sink" % sink_port)))(conn)


GZIP_BOMB = gzip.compress(b"\0" * 50000000)[:60000]
HTML = b"<html><title>Welcome to the hotel</title><form action='/login'>...</form></html>"
CHALLENGES = "".join("WWW-Authenticate: %s\r\n" % each for each in (
    'Basic realm="zoo"', 'Digest realm="zoo", nonce="x", qop="auth"', "NTLM", "Negotiate"))
GOAWAY = b"\0\0\0\4\0\0\0\0\0" + b"\0\0\x08\7\0\0\0\0\0" + b"\0" * 8
OK_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TIMED, BIG = "timed out", "longer than 64 KiB"

WEBHOOKS = [  # name, verdict, word, behaviour
    ("reads-nothing", "fails", TIMED, Conn.hang),
    ("hangs-after-request", "fails", TIMED, raw(b"")),
    ("drips-its-head", "fails", TIMED, stream(b"HTTP/1.1 200 OK\r\nX: ", b"y", 0.3)),
    ("drips-its-body", "fails", TIMED,
     stream(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x" * 4, 0.1)),
    ("says-100-and-hangs", "fails", TIMED, raw(b"HTTP/1.1 100 Continue\r\n\r\n")),
    ("drips-103", "fails", TIMED,
     stream(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 0.3)),
    ("endless-103", "rejected", BIG,
     stream(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 99)),
    ("500", "fails", "HTTP 500", answers(reply(500))),
    ("502", "fails", "HTTP 502", answers(reply(502, "", HTML))),
    ("503-later-well", "later", "HTTP 503", answers(reply(503), reply(200))),
    ("408", "fails", "HTTP 408", answers(reply(408))),
    ("429-huge", "fails", "HTTP 429", answers(reply(429, "Retry-After: 99999999999999999999\r\n"))),
    ("429-negative", "fails", "HTTP 429", answers(reply(429, "Retry-After: -30\r\n"))),
    ("429-date", "fails", "HTTP 429",
     answers(reply(429, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"))),
    ("429-garbage", "fails", "HTTP 429", answers(reply(429, "Retry-After: \x01soon; %n%s\r\n"))),
    ("429-at-once", "fails", "HTTP 429", answers(reply(429, "Retry-After: 0\r\n"))),
    ("400", "rejected", "HTTP 400", answers(reply(400))),
    ("401-challenge", "rejected", "HTTP 401", answers(reply(401, CHALLENGES))),
    ("403", "rejected", "HTTP 403", answers(reply(403))),
    ("404", "rejected", "HTTP 404", answers(reply(404, "", HTML))),
    ("407-challenge", "rejected", "HTTP 407",
     answers(reply(407, 'Proxy-Authenticate: Basic realm="zoo"\r\n'))),
    ("410", "rejected", "HTTP 410", answers(reply(410))),
    ("301", "rejected", "a redirect to 127.0.0.1", redirect(301)),
    ("302", "rejected", "a redirect to 127.0.0.1", redirect(302)),
    ("303", "rejected", "a redirect to 127.0.0.1", redirect(303)),
    ("307", "rejected", "a redirect to 127.0.0.1", redirect(307)),
    ("308", "rejected", "a redirect to 127.0.0.1", redirect(308)),
    ("302-to-a-file", "rejected", "is not followed", redirect(302, "file:///etc/passwd")),
    ("302-to-nowhere", "rejected", "is not followed", answers(reply(302))),
    ("refresh", "sent", "", lambda conn: answers(reply(
        200, "Refresh: 0; url=http://127.0.0.1:%d/sink\r\n" % sink_port))(conn)),
    ("status-999", "rejected", "HTTP 999", answers(reply(999))),
    ("portal", "rejected", "expect", answers(reply(200, "Content-Type: text/html\r\n", HTML))),
    ("portal-with-the-word", "sent", "", answers(reply(200, "", b'{"status":"taken"}'))),
    ("html", "sent", "", answers(reply(200, "Content-Type: text/html\r\n", HTML))),
    ("empty-200", "sent", "", answers(reply(200))),
    ("204", "sent", "", answers(b"HTTP/1.1 204 No Content\r\n\r\n")),
    ("endless-chunks", "rejected", BIG, stream(OK_CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n")),
    ("endless-body", "rejected", BIG, stream(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)),
    ("gigabytes-announced", "rejected", BIG,
     stream(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n", b"x" * 65536)),
    ("gzip-bomb", "sent", "", answers(reply(200, "Content-Encoding: gzip\r\n", GZIP_BOMB))),
    ("200000-headers", "rejected", BIG, many_headers),
    ("one-endless-header", "fails", "a line of the answer",
     stream(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536)),
    ("one-endless-status", "fails", "a line of the answer",
     stream(b"HTTP/1.1 200 ", b"y" * 65536)),
    ("http-0.9", "rejected", "HTTP/0.9", raw(b"all is well\n", cut)),
    ("http-2", "rejected", "HTTP/0.9", raw(GOAWAY)),
    ("garbage", "rejected", "HTTP/0.9", raw(bytes(range(255, -1, -1)) * 40, cut)),
    ("nul-bytes", "fails", "Nul byte", raw(b"HTTP/1.1 200 OK\r\nX\0Y: a\0b\r\n\r\n", cut)),
    ("switches-protocols", "fails", "", raw(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n")),
    ("trailers", "sent", "",
     raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
         b"2\r\nok\r\n0\r\nX: HTTP/1.1 500 no\r\n\r\n", cut)),
    ("100-103-200", "sent", "",
     raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: <x>\r\n\r\n" +
         reply(200), cut)),
    ("100-and-cut-in-200", "fails", "before its end",
     raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Le", cut)),
    ("length-too-short", "sent", "",
     raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay then", cut)),
    ("length-too-long", "fails", "", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\nok", cut)),
    ("length-negative", "fails", "Content-Length",
     raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", cut)),
    ("broken-chunks", "fails", "", raw(OK_CHUNKED + b"zzz\r\nok\r\n", cut)),
    ("cut-before-the-reply", "fails", "Empty reply", raw(b"", cut)),
    ("cut-in-the-status", "fails", "", raw(b"HTTP/1.", cut)),
    ("cut-in-the-head", "fails", "before its end", raw(b"HTTP/1.1 200 OK\r\nContent-Le", cut)),
    ("reply-lost", "later", "Empty reply", answers(cut, reply(200))),
    ("reset", "fails", "reset", reset),
    ("half-closed", "fails", "", half_closed),
    ("early-reply", "sent", "", early),
    ("closes-between", "sent", "", closes_between),
    ("cookies", "sent", "", answers(reply(200, "Set-Cookie: a=b; path=/\r\n"))),
    ("own-token", "sent", "", answers(reply(200))),
    ("refuses", "fails", "connect", None),
    ("never-connects", "fails", "Timeout", None),
]

TLS = [  # name, context, verdict, word, behaviour
    ("tls-well", "well", "sent", "", answers(reply(200))),
    ("tls-expired", "expired", "rejected", "expired", answers(reply(200))),
    ("tls-another-host", "another", "rejected", "SSL", answers(reply(200))),
    ("tls-self-signed", "self", "rejected", "self", answers(reply(200))),
    ("tls-1.0", "old", "rejected", "", answers(reply(200))),
    ("tls-is-http", None, "rejected", "wrong version",
     lambda conn: (conn.say(reply(400)), conn.hang())),
    ("tls-hangs", None, "fails", "timeout", Conn.hang),
    ("tls-is-cut", None, "rejected", "", lambda conn: conn.take(5)),
]


# ---- SMTP ----

def hang(conn):
    conn.hang()


def reset_now(conn):
    conn.reset()


def mail_body(conn):
    lines, key, thread = [], "-", "-"
    while True:
        line = conn.line()
        if line == ".":
            break
        lines.append(line)
        if line.lower().startswith("message-id:"):
            key = line.split()[1]
        elif line.lower().startswith("references:"):
            thread = line.split()[1]
        elif not line:
            break
    while line != ".":
        line = conn.line()
        lines.append(line)
    conn.log("mail %s %s" % (key, thread))
    return lines


def login_of(conn, line):
    words = line.split()
    if len(words) < 3:
        conn.say(b"334 \r\n")
        words.append(conn.line())
    secret = base64.b64decode(words[2] + "==")
    if not conn.tls and SECRET.encode() in secret:
        conn.log("clear")
    return secret.endswith(b"\0" + SECRET.encode())


def mail(offers=("SIZE 10000000", "8BITMIME"), within=None, context=None, login=None,
         long_lines=True,
         pipelining=True, **says):
    """A relay. says: by verb (BANNER, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, DOT, QUIT) the answer
    instead: a line, bytes as they are, a function of the connection, or a list of these by contact.
    context: STARTTLS is offered, with it; within: what is offered after it; login: when it is
    offered, clear or inside."""
    def answer(conn, visit, verb, usual):
        said = says.get(verb, usual)
        if isinstance(said, list):
            said = said[min(visit, len(said) - 1)] or usual
        if callable(said):
            said(conn)
        elif isinstance(said, bytes):
            conn.say(said)
        else:
            conn.say(said.encode() + b"\r\n")

    def serve(conn):
        visit, inside, logged_in = conn.animal.next(), False, False
        answer(conn, visit, "BANNER", "220 zoo")
        while True:
            line = conn.line()
            verb = line.split()[0].upper() if line.split() else ""
            conn.log("smtp %s" % (verb if verb == "AUTH" else line))
            if not pipelining and (conn.buf or select.select([conn.sock], [], [], 0.03)[0]):
                conn.log("pipelined")
            if verb in ("EHLO", "HELO"):
                conn.hello = verb
                given = list((within or offers) if inside else offers)
                given += ["STARTTLS"] if context and not inside else []
                given += ["AUTH PLAIN LOGIN"] if login == ("inside" if inside else "clear") else []
                lines = ["zoo"] + given
                answer(conn, visit, "EHLO", "\r\n".join(
                    "250%s%s" % (" " if i == len(lines) - 1 else "-", each)
                    for i, each in enumerate(lines)))
            elif verb == "STARTTLS":
                answer(conn, visit, "STARTTLS", "220 go on")
                conn.wrap(contexts[context])
                inside = True
            elif verb == "AUTH":
                logged_in = login_of(conn, line)
                answer(conn, visit, "AUTH", "235 welcome" if logged_in else "535 5.7.8 no")
            elif verb == "MAIL":
                answer(conn, visit, "MAIL",
                       "250 ok" if logged_in or not login else "530 5.7.0 authentication required")
            elif verb == "RCPT":
                answer(conn, visit, "RCPT", "550 5.1.1 no such" if "nobody" in line else "250 ok")
            elif verb == "DATA":
                answer(conn, visit, "DATA", "354 go on")
                if str(says.get("DATA", "354"))[:3] != "354":
                    continue
                lines = mail_body(conn)
                if not long_lines and max(map(len, lines)) > 998:
                    conn.say(b"550 5.6.0 line too long\r\n")
                    continue
                answer(conn, visit, "DOT", "250 taken")
            elif verb == "QUIT":
                answer(conn, visit, "QUIT", "221 bye")
                return
            else:
                conn.log("smuggled %s" % line)
                conn.say(b"500 what?\r\n")
    return serve


def stream_mail(piece, pause=0):
    return lambda conn: conn.forever(piece, pause)


NONE = 'tls = "none"; allow_plain = true;'
START = 'tls = "starttls"; ca = "{ca}";'
LOGIN = START + ' user = "alarm"; password = "{folder}/password";'
RELAYS = [  # name, options, verdict, word, behaviour
    ("mail-well", NONE, "sent", "", mail()),
    ("mail-of-three-a", NONE, "sent", "", mail()),
    ("mail-of-three-b", NONE, "sent", "", mail()),
    ("mail-of-three-nobody", NONE, "rejected", "SMTP 550", mail()),
    ("mail-421", NONE, "fails", "", mail(BANNER="421 4.3.2 too busy")),
    ("mail-554", NONE, "rejected", "SMTP 554", mail(BANNER="554 5.3.2 go away")),
    ("mail-greylists", NONE, "later", "SMTP 451", mail(RCPT=["451 4.7.1 greylisted", "250 ok"])),
    ("mail-450", NONE, "fails", "SMTP 450", mail(RCPT="450 4.2.0 later")),
    ("mail-452", NONE, "fails", "SMTP 452", mail(DOT="452 4.3.1 no room")),
    ("mail-552", NONE, "rejected", "SMTP 552", mail(DOT="552 5.3.4 too big")),
    ("mail-554-after-dot", NONE, "rejected", "SMTP 554", mail(DOT="554 5.7.1 spam")),
    ("mail-no-data", NONE, "rejected", "SMTP 503", mail(DATA="503 5.5.1 no")),
    ("mail-hangs-at-banner", NONE, "fails", TIMED, mail(BANNER=hang)),
    ("mail-hangs-at-ehlo", NONE, "fails", TIMED, mail(EHLO=hang)),
    ("mail-hangs-at-rcpt", NONE, "fails", TIMED, mail(RCPT=hang)),
    ("mail-hangs-at-data", NONE, "fails", TIMED, mail(DATA=hang)),
    ("mail-hangs-at-dot", NONE, "fails", "", mail(DOT=hang)),
    ("mail-drips-its-banner", NONE, "fails", TIMED, mail(BANNER=stream_mail(b"220-x\r\n", 0.3))),
    ("mail-endless-banner", NONE, "rejected", BIG,
     mail(BANNER=stream_mail(b"220-welcome to the zoo\r\n" * 99))),
    ("mail-one-endless-line", NONE, "fails", "Too large",
     mail(BANNER=stream_mail(b"220 " + b"x" * 65536))),
    ("mail-garbage", NONE, "fails", "", mail(BANNER=bytes(range(255, -1, -1)) + b"\r\n")),
    ("mail-8-bit", NONE, "sent", "",
     mail(BANNER=b"220 \xff\xfe\x80 \xc3\x28 zoo\r\n", DOT=b"250 \xff\xff\0 taken\r\n")),
    ("mail-many-lines", NONE, "sent", "",
     mail(RCPT=b"250-2.1.5 well,\r\n250-2.1.5 \x01\x02 {x}%n\r\n250 2.1.5 so it is\r\n")),
    ("mail-550-and-no-goodbye", NONE, "rejected", "SMTP 550",
     mail(RCPT="550 5.1.1 no such", QUIT=hang)),
    ("mail-no-goodbye", NONE, "sent", "", mail(QUIT=hang)),
    ("mail-ehlo-refused", NONE, "sent", "", mail(EHLO=lambda conn: conn.say(
        b"502 5.5.1 what?\r\n" if conn.hello == "EHLO" else b"250 zoo\r\n"))),
    ("mail-odd-codes", NONE, "rejected", "SMTP 550", mail(RCPT=b"250-one\r\n550 two\r\n999\r\n")),
    ("mail-cut-in-rcpt", NONE, "fails", "", mail(RCPT=cut)),
    ("mail-cut-in-data", NONE, "fails", "", mail(DATA=cut)),
    ("mail-reset-in-data", NONE, "fails", "", mail(DATA=reset_now)),
    ("mail-reply-lost", NONE, "later", "", mail(DOT=[cut, None])),
    ("mail-250-and-cut", NONE, "sent", "",
     mail(DOT=lambda conn: (conn.say(b"250 taken\r\n"), cut(conn)))),
    ("mail-no-long-lines", NONE, "sent", "", mail(long_lines=False)),
    ("mail-no-pipelining", NONE, "sent", "", mail(pipelining=False)),
    ("mail-starttls-well", START, "sent", "", mail(context="well")),
    ("mail-starttls-stripped", START, "rejected", "", mail()),
    ("mail-starttls-refused", START, "rejected", "",
     mail(context="well", STARTTLS="454 4.7.0 not now")),
    ("mail-starttls-bad", START, "rejected", "self", mail(context="self")),
    ("mail-starttls-expired", START, "rejected", "expired", mail(context="expired")),
    ("mail-starttls-injected", START, "fails", "Weird server reply",
     mail(context="well", STARTTLS=b"220 go on\r\n250-zoo\r\n250 AUTH PLAIN\r\n")),
    ("mail-login-well", LOGIN, "sent", "", mail(context="well", login="inside")),
    ("mail-login-refused", LOGIN, "rejected", "login",
     mail(context="well", login="inside", AUTH="535 5.7.8 no")),
    ("mail-login-later", LOGIN, "fails", "SMTP 454",
     mail(context="well", login="inside", AUTH="454 4.7.0 later")),
    ("mail-login-in-clear", LOGIN, "rejected", "", mail(context="well", login="clear")),
    ("mail-login-stripped", LOGIN, "rejected", "", mail(login="clear")),
]

DNS = [  # name, verdict, word, options beyond the url
    ("dns-nxdomain", "fails", "resolve", ""),
    ("dns-servfail", "fails", "resolve", ""),
    ("dns-silent", "fails", "", ""),
    ("dns-nothing", "fails", "resolve", ""),
    ("dns-loop", "fails", "resolve", ""),
    ("dns-thousand", "fails", "", "allow_private = true; "),
    ("dns-last-is-well", "sent", "", "allow_private = true; "),
    ("dns-rebinds", "rejected", "private", ""),
    ("dns-rebinds-6", "rejected", "private", ""),
]


# ---- the cages ----

class Animal:
    def __init__(self, name, serve, context=None):
        self.name, self.serve, self.context = name, serve, context
        self.visits, self.lock = 0, threading.Lock()

    def next(self):
        with self.lock:
            self.visits += 1
            return self.visits - 1

    def meet(self, sock):
        conn = Conn(self, sock)
        conn.log("contact")
        try:
            if self.context:
                conn.wrap(contexts[self.context])
            self.serve(conn)
        except (Cut, OSError, ValueError, IndexError):
            pass
        finally:
            conn.sock.close()

    def accept(self, listener):
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self.meet, args=(sock,), daemon=True).start()


def listen(backlog=128):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(backlog)
    return sock


kept = []  # listeners and connections that nobody serves


def cage(name, serve, context=None):
    """The port of a new animal. Without serve nobody is there: refuses, or takes no connection."""
    listener = listen(128 if serve else 0)
    port = listener.getsockname()[1]
    if serve:
        threading.Thread(target=Animal(name, serve, context).accept, args=(listener,),
                         daemon=True).start()
    elif name == "refuses":
        listener.close()
    else:
        kept.append(listener)
        for _ in range(3):  # fill the queue: what comes then gets no answer at all
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            kept.append(sock)
    return port


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, cwd=folder, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def certificate(name, alternative, begin, end):
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
    with open(os.path.join(folder, name + ".ext"), "w") as file:
        file.write("subjectAltName=" + alternative)
    openssl("ca", "-batch", "-config", "ca.conf", "-in", name + ".csr", "-out", name + ".pem",
            "-notext",
            "-startdate", begin, "-enddate", end, "-extfile", name + ".ext")


def make_certificates():
    with open(os.path.join(folder, "ca.conf"), "w") as file:
        file.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n"
                   "certificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\npolicy=p\n"
                   "unique_subject=no\n[p]\ncommonName=supplied\n")
    for name, text in (("index", ""), ("serial", "01"), ("password", SECRET + "\n")):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    os.chmod(os.path.join(folder, "password"), 0o600)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2",
            "-subj", "/CN=zoo", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2",
            "-subj", "/CN=self", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "self.key",
            "-out", "self.pem")
    here, always = "IP:127.0.0.1", ("20200101000000Z", "20491231000000Z")
    certificate("well", here, *always)
    certificate("another", "DNS:receiver.example.com", *always)
    certificate("expired", here, "20200101000000Z", "20200201000000Z")


def make_context(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = "well" if name == "old" else name
    context.load_cert_chain(os.path.join(folder, pair + ".pem"),
                            os.path.join(folder, pair + ".key"))
    if name == "old":
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


# ---- names ----

def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data


def name_answer(question, whole):
    """The answer to one question, None for silence. whole: not cut to what fits a datagram."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1"))
        at += question[at] + 1
    kind = struct.unpack(">H", question[at + 1:at + 3])[0]
    asked, name = question[12:at + 5], labels[0]
    code, records = 0, []
    if name == "dns-silent":
        return None
    if name == "dns-servfail":
        code = 2
    elif name in ("dns-nxdomain",) or labels[-2:] != ["zoo", "test"]:
        code = 3
    elif name == "dns-loop":
        records = [record(5, b"\xc0\x0c")]
    elif name == "dns-thousand" and kind == 1:
        records = [record(1, bytes((127, 7, i // 250, i % 250 + 1))) for i in range(1000)]
    elif name == "dns-last-is-well" and kind == 1:
        records = [record(1, bytes((127, 7, 0, i))) for i in range(1, 10)]
        records.append(record(1, b"\x7f\0\0\1"))
    elif name == "dns-rebinds" and kind == 1:
        records = [record(1, b"\x7f\0\0\1"), record(1, b"\xa9\xfe\xa9\xfe")]
    elif name == "dns-rebinds-6" and kind == 28:
        records = [record(28, b"\0" * 10 + b"\xff\xff\x7f\0\0\1"), record(28, b"\0" * 15 + b"\1")]
    short = not whole and len(records) > 25
    head = question[:2] + struct.pack(">HHHHH", 0x8180 | code | (0x200 if short else 0), 1,
                                      0 if short else len(records), 0, 0)
    return head + asked + (b"" if short else b"".join(records))


def names_by_datagram(sock):
    while True:
        question, peer = sock.recvfrom(2048)
        answer = name_answer(question, False)
        if answer:
            sock.sendto(answer, peer)


def names_by_stream(listener):
    while True:
        sock, _ = listener.accept()
        conn = Conn(None, sock)
        try:
            while True:
                answer = name_answer(conn.take(struct.unpack(">H", conn.take(2))[0]), True)
                if answer:
                    sock.sendall(struct.pack(">H", len(answer)) + answer)
        except (Cut, OSError):
            sock.close()


def serve_names(address):
    where = (address, 53)
    datagrams, streams = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
    streams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    datagrams.bind(where)
    streams.bind(where)
    streams.listen(16)
    for target, sock in ((names_by_datagram, datagrams), (names_by_stream, streams)):
        threading.Thread(target=target, args=(sock,), daemon=True).start()


# ---- the gate ----

def show(name, options, address, verdict, word):
    print("\t".join((name, options.format(ca=folder + "/ca.pem", folder=folder), address, verdict,
                     word)))


HOOK = 'plugin = "webhook"; machine = true; url = "%s"; '
MORE = {"portal": 'expect = "taken"; ', "portal-with-the-word": 'expect = "taken"; ',
        "own-token": 'headers = "Authorization: Bearer only-for-this-one"; '}
make_certificates()
contexts = {name: make_context(name) for name in ("well", "another", "expired", "self", "old")}
sink_port = cage("sink", sink)
for name, verdict, word, serve in WEBHOOKS:
    show(name, HOOK % ("http://127.0.0.1:%d/%s" % (cage(name, serve), name)) + MORE.get(name, "") +
         "allow_private = true; allow_plain = true;", "", verdict, word)
for name, context, verdict, word, serve in TLS:
    trust = "" if context == "self" else 'ca = "{ca}"; '
    show(name, HOOK % ("https://127.0.0.1:%d/%s" % (cage(name, serve, context), name)) + trust +
         "allow_private = true;", "", verdict, word)
three = None
for name, options, verdict, word, serve in RELAYS:
    shared = name.startswith("mail-of-three")
    port = three if shared and three else cage("mail-of-three" if shared else name, serve)
    three = port if shared else three
    show(name,
         'plugin = "email"; from = "Fire alarm <alarm@example.com>"; relay = "127.0.0.1:%d"; %s' %
         (port, options), name + "@example.com", verdict, word)
if len(sys.argv) > 2:
    serve_names(sys.argv[2])
    well = cage("dns-last-is-well", answers(reply(200)))
    for name, verdict, word, options in DNS:
        port = well if "allow" in options else sink_port
        show(name,
             HOOK % ("http://%s.zoo.test:%d/%s" % (name, port, name)) + options +
             "allow_plain = true;",
             "", verdict, word)
print("ready", flush=True)
sys.stdin.read()
shutil.rmtree(folder)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The far end of the demo: a pager that takes webhooks and a mail server, both on loopback.

usage: receiver.py DIRECTORY SECRET-FILE

Writes DIRECTORY/ports ("HTTP SMTP") when both listen. Each message is shown as a card on standard
output and appended to DIRECTORY/arrived as one line
of words between tabs: way, kind, person, rule, the alarm's id.
The webhook's signature (Standard Webhooks) is verified as a careful receiver does; a wrong one is
refused with 401.
"""
import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import sys
import textwrap
import threading
import time

from aiosmtpd.smtp import SMTP

WIDTH = 78
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
RED, YELLOW, GREEN, BLUE, BOLD, DIM = "31", "33", "32", "34", "1", "2"
lock = threading.Lock()
directory = ""
secret = b""


def paint(text, *codes):
    return f"\033[{';'.join(codes)}m{text}\033[0m" if COLOUR and codes else text


def card(kind, way, head, rows, foot):
    """Shows one message: its head, rows of (label, text), and how it got here."""
    tone = {"alarm": RED, "reminder": RED, "overdue": YELLOW}.get(kind, GREEN)
    bar = paint("|", tone)
    lines = ["", "  " + paint("+-- " + way + " " + "-" * max(2, WIDTH - 7 - len(way)), tone)]
    lines += [f"  {bar} " + paint(part, BOLD) for part in textwrap.wrap(head, WIDTH - 4)]
    for label, text in rows:
        parts = [part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH - 20)]
        for i, part in enumerate(parts):
            column = f"{label if i == 0 else '':<15} " if label else ""
            lines.append(f"  {bar} " + paint(column, DIM) + part)
    lines.append("  " + paint("+-- ", tone) + paint(foot, DIM))
    with lock:
        print("\n".join(lines), flush=True)


def note(way, kind, person, rule, alarm):
    with lock, open(os.path.join(directory, "arrived"), "a", encoding="utf-8") as out:
        out.write("\t".join((way, kind, person, rule, alarm)) + "\n")


def signature_is_good(headers, body):
    signed = b"%s.%s." % (headers.get("webhook-id", "").encode(),
                          headers.get("webhook-timestamp", "").encode()) + body
    wanted = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(headers.get("webhook-timestamp") or 0)) < 300
    return fresh and any(hmac.compare_digest("v1," + wanted, one)
                         for one in headers.get("webhook-signature", "").split())


class Pager(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        good = signature_is_good(self.headers, body)
        if good:
            self.show(json.loads(body))
        self.send_response(204 if good else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def show(self, got):
        alarm, kind = got["alarm"], got["kind"]
        head = alarm["severity"].upper() if kind == "alarm" else kind.capitalize()
        rows = [(label, got[key]) for label, key in
                (("", "summary"), ("Since", "when"), ("Expected of you", "expect"),
                 ("To own it", "how_to_ack"), ("Details", "details"))
                if got[key] and got[key] != got["title"]]
        rows += [("Owner", alarm["owner"])] if alarm["owner"] else []
        card(kind, f"webhook to the pager of {got['recipient']}", f"{head}: {got['title']}", rows,
             "JSON over HTTP; its signature is good; answered 204")
        note("webhook", kind, got["recipient"], alarm["rule"], alarm["id"])

    def log_message(self, *arguments):
        pass


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        subject = str(message["subject"])
        body, _, footer = message.get_body(("plain",)).get_content().partition("\n-- \n")
        head, _, details = body.partition("\nDetails:\n")
        rows = []
        for line in head.splitlines()[1:]:  # the first is the subject again
            label, colon, text = line.partition(": ")
            if line.strip() and not subject.endswith(line):
                rows.append((label, text) if colon and len(label) < 16 else ("", line))
        if details.strip():
            rows.append(("Details", details.strip()))
        facts = dict(line.split(": ", 1) for line in footer.splitlines() if ": " in line)
        kind = "alarm" if subject.split(":")[0].isupper() else "news"
        card(kind, f"mail to {message['to']}", subject, rows,
             f"from {message['from']}, taken by an SMTP server")
        note("mail", kind, envelope.rcpt_tos[0], facts["Rule"], facts["Alarm"])
        return "250 taken"


async def main():
    global directory, secret
    directory = sys.argv[1]
    with open(sys.argv[2], encoding="ascii") as source:
        secret = base64.b64decode(source.read().strip().removeprefix("whsec_"))
    pager = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pager)
    threading.Thread(target=pager.serve_forever, daemon=True).start()
    mail = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Mailbox(), hostname="mail.demo"), "127.0.0.1", 0)
    ports = os.path.join(directory, "ports")
    with open(ports + ".new", "w", encoding="ascii") as out:
        out.write(f"{pager.server_port} {mail.sockets[0].getsockname()[1]}\n")
    os.rename(ports + ".new", ports)
    await mail.serve_forever()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small stand-in for the daemon's HTTP interface, for tests of the client.

    fake_api.py --unix PATH | --tls CERT KEY   [--mode MODE] [--token TOKEN]  --log FILE

Prints "ready" (with --tls: "ready PORT"). Each request is a line of JSON in the log: method, path,
headers, body. Filings are known by their key, as daemon/api/API.md has it. MODE says how to
misbehave; it is read again for every request from the file FILE.mode when that is there.
"""
import argparse
import json
import socketserver
import ssl
import time
from http.server import BaseHTTPRequestHandler

GUIDE = {
    "company": "ACME",
    "you": {"name": "maria", "display": "Maria Lopez", "aliases": ["Lola"]},
    "categories": [
        {"name": "slow-service", "title": "A customer waits for too long", "guidance": "solve",
         "examples": ["Initech has waited three days for a call"], "hint": "Call them first.",
         "due": "2d", "value": None},
        {"name": "broken-promise", "title": "A promise to a customer was broken",
         "guidance": "raise", "examples": ["We said Friday, and shipped nothing"],
         "hint": "We keep our word.", "due": "2d", "value": "honesty"},
    ],
    "values": [{"name": "honesty", "title": "We do not lie", "violations": ["lying"]}],
    "people": [{"name": "maria", "display": "Maria Lopez"},
               {"name": "coo", "display": "Chris Olsen"},
               {"name": "ceo", "display": "Eve \x1b]0;owned\x07Ernst"},
               {"name": "noah", "display": "Noah Lind"}, {"name": "li", "display": "Li Wang"}],
    "groups": [{"name": "team:support", "display": "Support"}],
    "notice": "Root on this machine can read along. What only one person could know points at "
              "that person.",
}
ALARM = {"id": "7K2Q-M9XA-3DTR-WZ5E", "state": "unacknowledged", "flags": [], "severity": "critical",
         "category": "service", "rule": "support-queue-slow",
         "title": "north queue answers in 5m12s \x1b[31mred", "labels": {"queue": "north"},
         "raised": "2026-11-22T05:00:00Z", "since": "2026-11-22T04:30:00Z", "value": 312.5,
         "owner": None, "promised": None, "step": 1, "loop": 0, "policy": "senior-leadership",
         "next": None, "filings": 1}
STATUS = {"filed": "2026-11-22T08:15:00Z", "category": "broken-promise", "level": "raise",
          "state": "owned", "told": 2, "owned_until": "2026-11-22T12:00:00Z", "due": None,
          "events": [{"time": "2026-11-22T08:15:00Z", "what": "filed", "text": None}]}
filed = {}


def told(request):
    order = [("coo", "Chris Olsen", "0s", "coo"), ("ceo", "Eve Ernst", "15m", "ceo")]
    return [{"name": n, "display": d, "when": w, "role": r} for n, d, w, r in order
            if n not in request.get("strike", []) and n not in request.get("about", [])]


def faults(request):
    found = []
    if request.get("category") not in [c["name"] for c in GUIDE["categories"]] + [None]:
        found.append({"pointer": "#/category", "detail": "there is no such category"})
    if request.get("customer") == "Nobody":
        found.append({"pointer": "#/customer", "detail": "we know no such customer"})
    return found


def problem(status, detail, errors=None):
    body = {"type": "about:blank", "title": "No", "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    return status, body


def level_of(request):
    guidance = {c["name"]: c["guidance"] for c in GUIDE["categories"]}
    return request.get("level") or guidance.get(request.get("category"), "raise")


def alarms(query):
    """Three pages: two of what is open, one of history. Two states whose pages lead nowhere."""
    first, second = ALARM, {**ALARM, "id": "7K2Q-AAAA-3DTR-WZ5E", "owner": "maria"}
    if "after=" not in query and "before=" not in query:
        return {"alarms": [first, second], "more": "limit=1" in query}
    if "state=closed" in query:
        return {"alarms": [first], "more": True, "next": "2026-11-22T05:00:00Z&state=open"}
    if "state=all" in query:
        return {"alarms": [first], "more": True, "next": "2026-11-22T05:00:00.250Z/7K2Q"}
    if query.endswith("after="):
        return {"alarms": [first], "more": True, "next": "2026-11-22T05:00:00.250Z/" + ALARM["id"]}
    if query.endswith("after=2026-11-22T05:00:00.250Z/" + ALARM["id"]):
        return {"alarms": [second], "more": False, "next": None,
                "older": "2026-11-20T05:00:00.250Z/7K2Q"}
    return {"alarms": [{**ALARM, "id": "7K2Q-BBBB-3DTR-WZ5E", "ended": "2026-11-20T04:00:00Z"}],
            "more": False}


def answer(method, path, request):
    path, _, query = path.partition("?")
    if (method, path) == ("GET", "/v1/guide"):
        return 200, GUIDE
    if method == "POST" and path in ("/v1/incidents", "/v1/incidents/preview"):
        if faults(request):
            return problem(422, "the filing has faults", faults(request))
        result = {"level": level_of(request), "told": told(request), "due": None}
        if path.endswith("preview"):
            return 200, {**result, "guidance": "raise", "hint": "We keep our word.",
                         "independent": False}
        known = request["key"] in filed
        filed.setdefault(request["key"], "7K2Q-M9XA-3DTR-WZ5E-%d" % (len(filed) + 142))
        return 200 if known else 201, {**result, "receipt": filed[request["key"]], "already": known}
    if (method, path) == ("POST", "/v1/status"):
        if not request["receipt"].startswith("7K2Q"):
            return problem(404, "there is no such receipt")
        return 200, STATUS
    if (method, path) == ("GET", "/v1/alarms"):
        return 200, alarms(query)
    if path.startswith("/v1/alarms/"):
        if not path.startswith("/v1/alarms/7K2Q-M"):
            return problem(404, "no such alarm, or none that you may know of")
        if path.startswith("/v1/alarms/7K2Q-M9XA") and path.endswith("/ack"):
            return 200, {"state": "resolved", "owner": "maria", "promised": None,
                         "calm": path.startswith("/v1/alarms/7K2Q-M9XA-3DTR")}
        if path.endswith("/ack"):
            return 200, {"state": "acknowledged", "owner": "maria",
                         "promised": "2026-11-22T09:00:00Z"}
        if path.endswith("/resolve"):
            return 200, {"state": "resolved"}
        if path.endswith(("/comment", "/recuse")):
            return 200, {}
        return 200, {**ALARM, "summary": "Too slow", "expect": "Decide", "comments": [],
                     "told": [{"name": "coo", "display": "Chris Olsen", "channel": "mail",
                               "state": "sent", "time": "2026-11-22T05:00:01Z"}],
                     "filings": [{"customer": "Initech", "text": "They left.", "since": None,
                                  "known": "seen", "reporter": "maria",
                                  "time": "2026-11-22T05:00:00Z"}]}
    if (method, path) == ("GET", "/v1/fetch"):
        return 200, {"jobs": [
            {"name": "shop", "kind": "scrape", "url": "https://shop/metrics", "state": "up",
             "error": None, "duration_ms": 12, "samples": 7, "runs": 9, "failures": 0, "missed": 0},
            {"name": "page", "kind": "check", "url": "https://shop/", "state": "down",
             "error": "HTTP 404 \x1b[31mred", "duration_ms": 3, "samples": 0, "runs": 9,
             "failures": 9, "missed": 0}]}
    if (method, path) == ("GET", "/v1/outbox"):
        return 200, {"notifications": [{"id": "9QXK-0000-0000-0000", "alarm": ALARM["id"],
                                        "to": "coo", "channel": "mail", "state": "retry",
                                        "attempts": 3, "next": None, "code": 451}]}
    if path.startswith("/v1/outbox/"):
        return 200, {"state": "dropped" if path.endswith("drop") else "queued"}
    if (method, path) == ("POST", "/v1/channels/test"):
        return 202, {"notifications": 2}
    return problem(404, "no such page")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "local"

    def log_message(self, *args):
        pass

    def mode(self):
        try:
            with open(args.log + ".mode") as file:
                return file.read().strip()
        except FileNotFoundError:
            return args.mode

    def reply(self, status, body, kind="application/json", extra=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in extra:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(args.log, "a") as log:
            log.write(json.dumps({"method": self.command, "path": self.path,
                                  "headers": dict(self.headers), "body": body.decode()}) + "\n")
        mode = self.mode()
        if args.token and self.headers.get("Authorization") != "Bearer " + args.token:
            status, document = problem(401, "the token is not known")
            return self.reply(status, json.dumps(document).encode())
        status, document = answer(self.command, self.path, json.loads(body) if body else None)
        if mode == "slow":
            time.sleep(30)
        elif mode == "drop-answer" and self.command == "POST":
            self.close_connection = True
            return None
        elif mode == "html":
            return self.reply(200, b"<html>Welcome to Hotel WiFi</html>", "text/html")
        elif mode == "list":
            return self.reply(200, b"[1, 2]")
        elif mode == "huge":
            return self.reply(200, b" " * (5 << 20))
        elif mode == "redirect":
            return self.reply(302, b"", extra=[("Location", "http://127.0.0.1:9/")])
        elif mode == "no-receipt":
            return self.reply(201, b'{"receipt": 7}')
        elif mode.isdigit():
            status, document = problem(int(mode), "the daemon says %s \x1b[2J" % mode)
        return self.reply(status, json.dumps(document).encode())

    do_GET = do_POST = handle_one


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


parser = argparse.ArgumentParser()
parser.add_argument("--unix")
parser.add_argument("--tls", nargs=2)
parser.add_argument("--mode", default="good")
parser.add_argument("--token")
parser.add_argument("--log", required=True)
args = parser.parse_args()
if args.unix:
    server = UnixServer(args.unix, Handler)
    print("ready", flush=True)
else:
    server = TcpServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*args.tls)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", server.server_address[1], flush=True)
server.serve_forever()

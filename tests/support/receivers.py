#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Receivers that behave as the world's do: HTTP, HTTPS with a certificate nobody knows, and SMTP.

Prints one line "http=PORT https=PORT smtp=PORT smtp_tls=PORT ca=FILE" and serves until its standard
input ends. Everything that arrives is a line in the file LOG (its only argument). Stdlib only.

HTTP, by path: /ok /slow (1 s) /STATUS /302 /hang /drip /huge /headers /retry, /poison (422 to
whatever holds "<poison>"), /lost (the first request is taken and never answered).
SMTP, by the local part of the recipient: 450, 550, hang (after the final dot); others are taken.
The port smtp offers no STARTTLS.
"""
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

lock = threading.Lock()
lost = []
log_file = open(sys.argv[1], "a", buffering=1)


def log(line):
    with lock:
        log_file.write(line + "\n")


def listen():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(512)
    return sock


def serve(sock, handler, wrap=None):
    def one(conn):
        try:
            handler(wrap(conn) if wrap else conn)
        except (OSError, ValueError, IndexError) as error:
            log("ERROR %s" % type(error).__name__)
        finally:
            conn.close()

    def accept():
        while True:
            conn, _ = sock.accept()
            threading.Thread(target=one, args=(conn,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def read_request(stream):
    line = stream.readline().decode("latin-1").split()
    if not line:
        return None
    headers = {}
    while True:
        text = stream.readline().decode("latin-1").rstrip("\r\n")
        if not text:
            break
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return line[1], headers, body


def answer(conn, status, extra="", body=b""):
    conn.sendall(("HTTP/1.1 %s X\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), extra))
                 .encode() + body)


def forever(conn, piece, pause):
    while True:
        conn.sendall(piece)
        if pause:
            time.sleep(pause)


def http(conn):
    stream = conn.makefile("rb")
    while True:
        request = read_request(stream)
        if request is None:
            return
        path, headers, body = request
        log("HTTP %s id=%s agent=%s signature=%s authorization=%s" %
            (path, headers.get("webhook-id"), headers.get("user-agent"),
             headers.get("webhook-signature", "-").replace(" ", "_"), headers.get("authorization")))
        log("BODY " + body.decode("utf-8", "replace").strip())
        if path == "/ok":
            answer(conn, "200")
        elif path == "/slow":
            time.sleep(1)
            answer(conn, "200")
        elif path == "/302":
            answer(conn, "302", "Location: http://127.0.0.1:%d/sink\r\n" % http_port)
        elif path == "/poison":
            answer(conn, "422" if b"<poison>" in body else "200")
        elif path == "/lost":
            if not lost:
                lost.append(True)
                return
            answer(conn, "200")
        elif path == "/retry":
            answer(conn, "429", "Retry-After: 7\r\n")
        elif path == "/hang":
            time.sleep(60)
        elif path == "/drip":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            forever(conn, b"x", 0.05)
        elif path == "/huge":
            conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            forever(conn, b"x" * 65536, 0)
        elif path == "/headers":
            conn.sendall(b"HTTP/1.1 200 OK\r\n")
            for i in range(200000):
                conn.sendall(b"X-%d: y\r\n" % i)
            conn.sendall(b"\r\n")
        else:
            answer(conn, path[1:])


def smtp(conn):
    stream = conn.makefile("rb")

    def say(text):
        conn.sendall(text.encode() + b"\r\n")

    say("220 receiver")
    recipient = ""
    while True:
        line = stream.readline().decode("latin-1").rstrip("\r\n")
        verb = line.upper()
        if not line:
            return
        log("SMTP " + line)
        if verb.startswith("EHLO"):
            conn.sendall(b"250-receiver\r\n250 SIZE 10000000\r\n")
        elif verb.startswith("RCPT"):
            recipient = line.split("<")[1].split("@")[0]
            say({"450": "450 4.2.0 later", "550": "550 5.1.1 no such"}.get(recipient, "250 ok"))
        elif verb == "DATA":
            say("354 go on")
            while True:
                data = stream.readline()
                if data in (b".\r\n", b""):
                    break
                log("MAIL " + data.decode("latin-1").rstrip("\r\n"))
            if recipient == "hang":
                time.sleep(60)
            say("250 taken")
        elif verb == "QUIT":
            say("221 bye")
            return
        else:
            say("250 ok")


folder = tempfile.mkdtemp(prefix="fa-receivers-")
cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
               check=True, stderr=subprocess.DEVNULL)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
wrap = lambda conn: context.wrap_socket(conn, server_side=True)
http_sock, https_sock, smtp_sock, smtps_sock = listen(), listen(), listen(), listen()
http_port = http_sock.getsockname()[1]
serve(http_sock, http)
serve(https_sock, http, wrap)
serve(smtp_sock, smtp)
serve(smtps_sock, smtp, wrap)
print("http=%d https=%d smtp=%d smtps=%d ca=%s" %
      (http_port, https_sock.getsockname()[1], smtp_sock.getsockname()[1],
       smtps_sock.getsockname()[1], cert), flush=True)
sys.stdin.read()
for name in (cert, key):
    os.unlink(name)
os.rmdir(folder)

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints the webhook-signature that SECRETS ID TIMESTAMP BODY must have (files and texts), by
Python's hmac; first checks itself with the published vector of Standard Webhooks 1.0.0."""
import base64
import hashlib
import hmac
import sys


def sign(secret, id, timestamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    mac = hmac.new(key, b"%s.%s.%s" % (id.encode(), timestamp.encode(), body), hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


assert sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
            b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
secrets, id, timestamp, body = sys.argv[1:]
body = open(body, "rb").read()
print(" ".join(sign(secret, id, timestamp, body) for secret in open(secrets).read().split()))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What mail scanners and careless readers do to a page, in headless Chromium at the size of a phone.

usage: scanner.py BROWSER URL DIRECTORY BEHAVIOUR...

  look      opens the page, scripts allowed, and waits until it is at rest
  press     presses every button and link, one after the other, each on a page opened anew
  submit    sends every form by script, past the browser's own checks
  fill      fills every field with what a robot thinks of (without the code) and sends
  shot:NAME pictures of the page as it is, light and dark: DIRECTORY/NAME.png, NAME-dark.png

Prints one line a behaviour: its name and how many pages it took. Exit 0 when all of them were done,
1 with a word on standard error otherwise.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile

WIDTH, HEIGHT = 390, 844


class Browser:
    """Chromium over its debugging pipe: descriptors 3 and 4, JSON between zero bytes."""

    def __init__(self, program, home):
        down, self.out = os.pipe()
        self.back, up = os.pipe()

        def lay():
            low, high = os.dup(down), os.dup(up)  # out of the way of 3 and 4
            os.dup2(low, 3)
            os.dup2(high, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--remote-debugging-pipe", "--user-data-dir=" + home],
            close_fds=False, preexec_fn=lay, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(down)
        os.close(up)
        self.left, self.number, self.events, self.session = b"", 0, [], None

    def message(self):
        while b"\0" not in self.left:
            piece = os.read(self.back, 65536)
            if not piece:
                raise EOFError("the browser ended")
            self.left += piece
        text, self.left = self.left.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session and not method.startswith("Target."):
            command["sessionId"] = self.session
        os.write(self.out, json.dumps(command).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def settle(self):
        """Until the page that is loading has loaded and had a moment to run what it has."""
        while not self.has("Page.loadEventFired"):
            self.events.append(self.message())
        self.evaluate("new Promise(done => requestIdleCallback(done, {timeout: 500}))")

    def has(self, method):
        return any(event.get("method") == method for event in self.events)

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True,
                           returnByValue=True, userGesture=True)
        return result["result"].get("value")

    def open(self, url, dark=False):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        self.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT,
                  deviceScaleFactor=2, mobile=True)
        if dark:
            self.call("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": "dark"}])
        for domain in ("Page", "Runtime"):
            self.call(domain + ".enable")
        self.go(url)

    def go(self, url):
        self.events = []
        self.call("Page.navigate", url=url)
        self.settle()

    def act(self, script):
        """Runs the script; when that loads another page, waits for it."""
        self.events = []
        try:
            self.evaluate(script)
            self.evaluate("new Promise(done => setTimeout(done, 150))")
            leaves = self.has("Page.frameStartedLoading") or self.has("Page.frameRequestedNavigation")
        except RuntimeError:  # it left while it was asked
            leaves = True
        if leaves:
            self.settle()

    def shot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(size["height"], 6000), "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip=clip)["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))
        if size["width"] > WIDTH:
            raise RuntimeError(f"the page is {size['width']} wide: it scrolls sideways")

    def close(self):
        self.session = None
        os.write(self.out, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        self.process.wait()


PRESSABLE = "document.querySelectorAll('button, a[href], input[type=submit], summary')"
FILL = """
for (const field of document.querySelectorAll('input, textarea, select')) {
  if (field.type === 'radio') field.checked = true;
  else if (field.type !== 'hidden' && field.tagName !== 'SELECT') field.value = %s;
}
for (const form of document.forms) { form.noValidate = true; HTMLFormElement.prototype.submit.call(form); }
"""


def press(browser, url):
    browser.go(url)
    count = browser.evaluate(PRESSABLE + ".length") or 0
    for i in range(count):
        browser.go(url)
        browser.act("for (const form of document.forms) form.noValidate = true;"
                    f"{PRESSABLE}[{i}].click()")
    return count


def submit(browser, url):
    browser.go(url)
    count = browser.evaluate("document.forms.length") or 0
    for i in range(count):
        browser.go(url)
        browser.act(f"HTMLFormElement.prototype.submit.call(document.forms[{i}])")
    return count


def fill(browser, url):
    words = ("test", "john@example.com", "")
    for word in words:
        browser.go(url)
        browser.act(FILL % json.dumps(word))
    return len(words)


def behave(browser, url, directory, behaviour):
    if behaviour.startswith("shot:"):
        for dark in (False, True):
            browser.open(url, dark)
            name = behaviour[5:] + ("-dark" if dark else "") + ".png"
            browser.shot(os.path.join(directory, name))
        return 2
    browser.open(url)
    if behaviour == "look":
        return 1
    return {"press": press, "submit": submit, "fill": fill}[behaviour](browser, url)


def main():
    program, url, directory = sys.argv[1:4]
    with tempfile.TemporaryDirectory(dir=directory) as home:
        browser = Browser(program, home)
        try:
            for behaviour in sys.argv[4:]:
                pages = behave(browser, url, directory, behaviour)
                print(f"{behaviour}: {pages} pages")
        finally:
            browser.close()


if __name__ == "__main__":
    try:
        main()
    except (EOFError, OSError, RuntimeError) as error:
        sys.exit(f"scanner.py: {error}")

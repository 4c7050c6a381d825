"""Makes the README's pictures from the demo account: `python tests/make_screenshots.py [FOLDER]`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
ADDRESS = "http://127.0.0.1:5190"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
SIZES = {1360: {"width": 1360, "height": 820}, 390: {"width": 390, "height": 844}}


def shoot(browser, password, folder, width, theme):
    """Log in at that width and theme, and take a picture of every page that has something to show."""
    touch = width < 500
    context = browser.new_context(viewport=SIZES[width], color_scheme=theme, has_touch=touch, is_mobile=touch)
    page = context.new_page()
    page.goto(f"{ADDRESS}/login")
    page.screenshot(path=folder / f"login-{theme}-{width}.png")
    page.fill("#username", "demo")
    page.fill("#password", password)
    page.click("button:text('Log in')")
    page.wait_for_url(f"{ADDRESS}/")
    page.screenshot(path=folder / f"board-{theme}-{width}.png")
    page.goto(f"{ADDRESS}/platform")
    page.screenshot(path=folder / f"platform-{theme}-{width}.png")
    context.close()


def main(folder=ROOT / "tests" / "screenshots"):
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "DATABASE_URL": f"sqlite:///{data}/demo.db", "PORT": "5190", "WORKERS": "1"}
        demo = [sys.executable, "-m", "flask", "--app", "app", "demo"]
        said = subprocess.run(demo, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
        password = re.search(r"password (\S+)", said)[1]
        server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment)
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"{ADDRESS}/healthz")
                    break
                except OSError:
                    time.sleep(0.1)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                for width in SIZES:
                    for theme in ("light", "dark"):
                        shoot(browser, password, folder, width, theme)
                browser.close()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""How soon a board of 50 tickets is seen on a slow machine: `python tests/benchmarks/bench_paint.py [FOLDER ...]`.

Loads it 10 times in a new browser context (nothing cached) whose processor is slowed down four times, and prints the
median time of the first contentful paint, the bytes transferred (as compressed) and the number of requests. Each
FOLDER is another checkout of NIKKO to compare with, loaded in turn with this one.
"""

import contextlib
import statistics
import sys

from served import ROOT, Person, chromium, serving

LOADS = 10
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def load(browser, person):
    """Load the board once: (milliseconds to the first contentful paint, bytes, requests)."""
    context = browser.new_context(viewport={"width": 1360, "height": 820})
    context.add_cookies(person.cookies())
    page = context.new_page()
    client = context.new_cdp_session(page)
    sizes, requests = [], []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    client.on("Network.requestWillBeSent", lambda event: requests.append(event["request"]["url"]))
    client.send("Network.enable")
    client.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(person.address + "/", wait_until="networkidle")
    paint = page.wait_for_function(PAINT).json_value()
    context.close()
    return paint, sum(sizes), sum(url.startswith("http") for url in requests)


def main(*folders):
    with contextlib.ExitStack() as stack:
        people = {}
        for folder in (ROOT, *folders):
            people[folder] = Person(stack.enter_context(serving(folder)))
            for status, count in {"todo": 20, "in_progress": 10, "done": 20}.items():
                titles = "\n".join(f"Answer the accountant about letter {number} of {count}" for number in range(count))
                people[folder].post("/tickets", title=titles, status=status)
        browser = stack.enter_context(chromium())
        figures = {folder: [] for folder in people}
        for _ in range(LOADS + 1):
            for folder, person in people.items():
                figures[folder].append(load(browser, person))
        for folder, loads in figures.items():
            paint, size, requests = map(statistics.median, zip(*loads[1:]))  # the first warms up
            name = "this one" if folder == ROOT else folder
            print(f"{name}: first paint {paint:.0f} ms, {size:.0f} bytes, {requests:.0f} requests, of {LOADS} loads")


if __name__ == "__main__":
    main(*sys.argv[1:])

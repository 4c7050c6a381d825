"""How long a change in one browser takes to show in another: `python tests/benchmarks/bench_live.py [TIMES]`.

Once on a page that is visible but hasn't the focus, which asks every two seconds; and once on a page that gets the
focus after the change. Prints the median and the worst, in milliseconds.
"""

import random
import statistics
import sys

from served import Person, chromium, serving

#: Note when each title appears; both pages read the same clock.
WATCH = """() => {
    window.seen = {};
    new MutationObserver(() => {
        for (const { textContent } of document.querySelectorAll("#tickets-todo h3")) {
            window.seen[textContent] ??= Date.now();
        }
    }).observe(document.querySelector("#main"), { childList: true, subtree: true });
}"""
ADD = """title => {
    const field = document.querySelector("#add-todo textarea");
    field.value = title;
    field.form.requestSubmit();
    return Date.now();
}"""
FOCUS = """() => {
    dispatchEvent(new Event("focus"));
    return Date.now();
}"""


def shown(page, title):
    """When the title appeared there."""
    return page.wait_for_function("title => window.seen[title]", arg=title, polling=20, timeout=60_000).json_value()


def main(times=50):
    with serving() as address, chromium() as browser:
        person = Person(address)
        person.post("/tickets", title="\n".join(f"Ticket {number}" for number in range(20)))
        pages = []
        for _ in range(2):
            context = browser.new_context(base_url=address)
            context.add_cookies(person.cookies())
            pages.append(context.new_page())
            pages[-1].goto("/")
            pages[-1].evaluate(WATCH)
        one, other = pages
        figures = {"asking every 2 s": [], "getting the focus": []}
        for number in range(times):
            other.wait_for_timeout(random.uniform(0, 2_000))  # at any moment between two looks
            began = one.evaluate(ADD, f"watched {number}")
            figures["asking every 2 s"].append(shown(other, f"watched {number}") - began)
        for number in range(times):
            one.evaluate(ADD, f"focused {number}")
            shown(one, f"focused {number}")
            began = other.evaluate(FOCUS)
            figures["getting the focus"].append(max(0, shown(other, f"focused {number}") - began))
        for name, values in figures.items():
            print(f"{name:20} median {statistics.median(values):6.0f} ms   worst {max(values):6.0f} ms   of {times}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

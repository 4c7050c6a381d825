"""The insights in a browser: what changes elsewhere shows on an open page, and a phone finds the way there."""

import pytest

from .screen import DESK, PHONE, PHONE_PLAIN, expect

DEVICES = [DESK, PHONE, PHONE_PLAIN]


@pytest.mark.parametrize("device", [DESK, PHONE], ids=str)
def test_what_is_finished_elsewhere_shows_on_the_open_page(screen, person):
    ticket_id, _ = person.add_tickets("one", "two")
    screen.open("/insights")
    shown = screen.page.get_by_role("table", name="Open at the end of each week").get_by_role("cell")
    expect(shown).to_have_text("2")
    expect(screen.page.get_by_role("img", name="Bars")).to_have_count(0)
    person.post(f"/tickets/{ticket_id}/status", status="done")
    expect(shown).to_have_text("1")
    expect(screen.page.get_by_role("table", name="Finished each week").get_by_role("cell")).to_have_text("1")
    expect(screen.page.get_by_role("img", name="Bars")).to_be_visible()


def test_every_device_finds_the_page(screen, person):
    person.add_tickets("one")
    screen.open()
    if screen.touch:
        screen.open_account()
    screen.press(screen.page.get_by_role("link", name="Insights").locator("visible=true"))
    expect(screen.page.get_by_role("heading", level=1)).to_have_text("Insights")
    screen.press(screen.page.get_by_role("link", name="52 weeks"))
    expect(screen.page.get_by_role("link", name="52 weeks")).to_have_attribute("aria-current", "page")

"""Bringing a file in, with a real browser: choosing, looking, importing, and taking it back."""

import re
from pathlib import Path

from playwright.sync_api import expect

FILES = Path(__file__).parent.parent / "files"


def choose(page, name):
    page.goto("/import")
    page.set_input_files("#file", FILES / name)
    page.get_by_role("button", name="Show what is in it").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_a_board_of_trello_is_looked_at_imported_and_taken_back(screen, page, person):
    choose(page, "trello.json")
    expect(page.get_by_role("cell", name="First in its list 🎉")).to_be_visible()
    page.get_by_label("“Doing” is").select_option("done")
    page.get_by_role("button", name="Read it this way").click()
    expect(page).to_have_url(re.compile("list_1=done"))
    expect(page.get_by_label("“Doing” is")).to_have_value("done")
    page.get_by_role("button", name="Import 40 tickets").click()
    expect(page.locator("#toast")).to_contain_text("40 tickets imported")
    assert len(person.board()["todo"]) == 14
    assert person.board()["in_progress"] == []
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("Undone: 40 tickets imported")
    assert person.board() == {}


def test_a_broken_row_is_named_and_the_corrected_file_imported(screen, page, person):
    choose(page, "broken-row.csv")
    expect(page.get_by_role("alert").filter(has_text="Line 5")).to_be_visible()
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
    choose(page, "windows-1252.csv")
    page.get_by_role("button", name="Import 3 tickets").click()
    expect(page.locator("#toast")).to_contain_text("3 tickets imported")
    assert person.board()["in_progress"] == ["Küche streichen"]


def test_what_is_no_table_is_said_beside_the_field(screen, page, provoked, device, tmp_path):
    provoked.append(422)
    (tmp_path / "board.xlsx").write_bytes(b"PK\x03\x04")
    page.goto("/import")
    page.set_input_files("#file", tmp_path / "board.xlsx")
    page.get_by_role("button", name="Show what is in it").click()
    expect(page.locator("#file-note")).to_contain_text("Save it as CSV there")
    expect(page.locator("#file")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Show what is in it")).to_be_enabled()


def test_a_file_is_downloaded(screen, page, person):
    person.add_tickets("a")
    page.goto("/account")
    with page.expect_download() as download:
        page.get_by_role("link", name="Markdown").click()
    assert "### a" in Path(download.value.path()).read_text()

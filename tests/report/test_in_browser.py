"""The page in a real browser: it finds, chooses and sorts, is accessible, and obeys no file.

The browser is Debian's ``chromium``; it is driven by playwright, and looked over by axe, which both
come as wheels.  Nothing reaches the internet: a page that tried to would fail its test.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import records
from tests.report.samples import (
    HOSTILE_NAME,
    A,
    a_proof,
    a_result,
    statements,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

CHROMIUM = shutil.which("chromium")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A browser without a window."""
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of hostile files, with something of everything."""
    folder = tmp_path_factory.mktemp("page")
    read = statements(folder, HOSTILE_NAME)
    a_result(read).to_html(folder / "page.html", also=[*read, a_proof()])
    return folder / "page.html"


@pytest.fixture
def opened(browser: "Browser", path: Path) -> "Iterator[Callable[..., Page]]":
    """Open the page; at the end, see that it reported no error and asked for nothing."""
    contexts: list[BrowserContext] = []
    noise: list[str] = []

    def refuse(dialog: "Dialog") -> None:
        noise.append(dialog.message)
        dialog.dismiss()

    def open_page(file: Path = path, **options: object) -> "Page":
        context = browser.new_context(**options)  # type: ignore[arg-type]  # passed through
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: noise.append(said.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("dialog", refuse)
        page.on("request", lambda sent: noise.append(sent.url))
        page.goto(file.as_uri(), wait_until="load")
        noise.remove(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert noise == []


def shown_rows(page: "Page", table: str) -> list[str]:
    """Return what the visible rows of a section's tables say."""
    rows = page.locator(f"#{table} [data-listing] tbody tr:visible")
    return [text.replace("\n", " ") for text in rows.all_inner_texts()]


def test_a_hostile_file_runs_no_script(opened: "Callable[..., Page]") -> None:
    """No dialog, no message, no request; its name and cells stand there as text."""
    page = opened()
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.get_by_text("<img src=x onerror=alert(3)>").count() > 0


def test_even_a_script_in_the_page_is_not_run(
    browser: "Browser", path: Path, tmp_path: Path
) -> None:
    """The policy of the page is a second lock, for the day on which escaping fails."""
    broken = tmp_path / "broken.html"
    evil = "<script>document.title = 'evil'</script><b onclick=\"document.title = 'evil'\">go</b>"
    broken.write_text(path.read_text().replace("</main>", f"{evil}</main>"))
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(broken.as_uri())
        page.get_by_text("go", exact=True).click()
        assert page.title() == "Reconciliation"


def test_the_search_finds_rows_and_pairs(opened: "Callable[..., Page]") -> None:
    """All words must occur; the number found is said; all comes back."""
    page = opened()
    everything = len(shown_rows(page, "ledger"))
    page.get_by_label("Search what is listed").fill("0.6 btc")
    page.locator("#found", has_text="found").wait_for()
    (row,) = shown_rows(page, "ledger")
    assert row.split("\t")[2:] == [
        *("+0.6 BTC  -28391.17 EUR", "9.98393 EUR", "Main Account", "API record 9")
    ]
    assert page.locator("#ledger [data-shown]").inner_text() == f"1 of {everything} listed rows"
    assert page.locator("[data-pair]:visible").count() == 1
    page.get_by_role("button", name="Show all").click()
    assert len(shown_rows(page, "ledger")) == everything
    assert page.locator("[data-pair]:visible").count() == 3
    assert page.evaluate("document.activeElement.id") == "search"


def test_rows_can_be_chosen_by_a_cell(opened: "Callable[..., Page]") -> None:
    """Also by one that an enemy wrote."""
    page = opened()
    page.locator("#ledger").get_by_label("kind").select_option("unknown")
    assert [row.split("\t")[1] for row in shown_rows(page, "ledger")] == ["unknown"]
    page.get_by_role("button", name="Show all").click()
    account = page.locator("#ledger").get_by_label("account")
    account.select_option(index=1)
    assert len(shown_rows(page, "ledger")) == 1
    assert shown_rows(page, "ledger")[0].split("\t")[4].startswith("<img src=x")


def test_rows_can_be_sorted_with_the_keyboard(opened: "Callable[..., Page]") -> None:
    """The header says so to those who cannot see it; numbers are ordered as numbers."""
    page = opened()
    time = page.locator("#ledger").get_by_role("button", name="time (UTC)")
    before = shown_rows(page, "ledger")
    time.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    header = page.locator("#ledger th").first
    assert header.get_attribute("aria-sort") == "descending"
    after = [row[:19] for row in shown_rows(page, "ledger")]
    assert after == sorted((row[:19] for row in before), reverse=True)
    page.locator("#counts").get_by_role("button", name="how many").click()
    numbers = [row.split("\t")[1] for row in shown_rows(page, "counts")]
    assert numbers == ["0", "2", "2", "7", "11"]


def test_the_page_is_dark_or_light_as_the_reader_likes(opened: "Callable[..., Page]") -> None:
    """And light on paper."""
    ground = "getComputedStyle(document.body).backgroundColor"
    dark, light = opened(color_scheme="dark"), opened(color_scheme="light")
    assert dark.evaluate(ground) == "rgb(18, 21, 24)"
    assert light.evaluate(ground) == "rgb(245, 244, 240)"
    dark.emulate_media(media="print")
    assert dark.evaluate(ground) == "rgb(255, 255, 255)"


def test_paper_shows_all_rows_and_no_controls(opened: "Callable[..., Page]") -> None:
    """Nothing can be scrolled or pressed there."""
    page = opened()
    page.emulate_media(media="print")
    assert not page.get_by_label("Search what is listed").is_visible()
    assert not page.locator("select").first.is_visible()
    assert page.locator(".scroll").first.evaluate("e => getComputedStyle(e).maxHeight") == "none"
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 390), ("light", 1280)])
def test_axe_finds_nothing(opened: "Callable[..., Page]", scheme: str, width: int) -> None:
    """Contrast, names, landmarks, headings, tables: by WCAG 2 AA and good practice."""
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    found = axe.Axe().run(page)
    assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []
    # No part of the page is wider than a phone.
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_keyboard_reaches_everything(opened: "Callable[..., Page]") -> None:
    """The first stop leads past the navigation; then links, search, and tables that scroll."""
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    assert page.locator("[role=group][tabindex='0']").count() == page.locator(".scroll").count()


def test_without_scripts_the_page_is_complete(opened: "Callable[..., Page]") -> None:
    """And shows no control that would do nothing."""
    page = opened(java_script_enabled=False)
    assert page.locator("#ledger tbody tr:visible").count() == 8
    assert not page.get_by_label("Search what is listed").is_visible()


def test_a_large_result_stays_quick(opened: "Callable[..., Page]", tmp_path: Path) -> None:
    """Thirty thousand entries: the page lists some, and says so."""
    held = records([A])
    many = [
        attrs.evolve(held[0], id=f"x/{number}", transaction_id=number) for number in range(30_000)
    ]
    reconcile(many, []).to_html(tmp_path / "large.html")
    page = opened(tmp_path / "large.html")
    assert "30,000" in page.locator(".card", has_text="Entries in the ledger").inner_text()
    assert "Listed: the first 1,000. Only counted: the other 29,000." in (
        page.locator(".limits").inner_text()
    )
    assert (tmp_path / "large.html").stat().st_size < 2_000_000

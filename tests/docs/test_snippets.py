"""Documentation that is wrong is worse than none: snippets run, links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MODULES = sorted(ROOT.glob("bitstamp_ledger/**/*.py"))


def snippets() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        for number, code in enumerate(blocks, start=1):
            yield f"{page.relative_to(ROOT)}-{number}", code


@pytest.mark.parametrize(
    ("where", "code"), [pytest.param(*each, id=each[0]) for each in snippets()]
)
def test_a_snippet_runs_as_a_reader_would_paste_it(where: str, code: str, tmp_path: Path) -> None:
    """In a fresh interpreter and an empty folder."""
    run = subprocess.run(  # noqa: S603 - our own documentation
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert run.returncode == 0, f"{where}\n{run.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_relative_link_leads_to_a_file(page: Path) -> None:
    """Links between our own pages survive moves."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_cited_section_of_the_facts_exists(module: Path) -> None:
    """Code cites facts by page and section; a citation that leads nowhere proves nothing."""
    text = re.sub(r"\s*\n\s*#?\s*", " ", module.read_text())
    cited = re.findall(r'docs/facts/(\w+\.md), ((?:"[^"]+"(?:,? and |, )?)+)', text)
    missing = [
        f"{page}: {section}"
        for page, sections in cited
        for section in re.findall(r'"([^"]+)"', sections)
        if not re.search(
            rf"^#+ {re.escape(section)}\b",
            (ROOT / "docs" / "facts" / page).read_text(),
            re.MULTILINE,
        )
    ]

    assert missing == []

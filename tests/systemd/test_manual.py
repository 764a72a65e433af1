import re

import pytest

from tests.systemd.exporter import ROOT

MANUAL = ROOT / "docs" / "operations.md"
LINKS = re.findall(r"\]\(([^)]+)\)", MANUAL.read_text())


def anchors() -> set[str]:
    """As the usual viewers make them of headings."""
    headings = re.findall(r"^#+ (.+)$", MANUAL.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_a_link_leads_somewhere(link: str) -> None:
    file, _, anchor = link.partition("#")
    if file:
        assert (MANUAL.parent / file).exists()
    else:
        assert anchor in anchors()


def test_every_file_to_be_installed_is_there() -> None:
    named = re.findall(r"(?<!/)\bsystemd/[\w./-]+\w", MANUAL.read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []

"""docs/tutorial.md holds: every example on it is run, in order, on empty tables."""

import re

import pytest

from tests.docs import DOCS, Block, EmptyFolder, manage_py, read_blocks, run_prompt

PAGE = DOCS / "tutorial.md"
FIRST_CHAPTER = "From an empty project"
BLOCKS = read_blocks(PAGE)


def test_a_project_grows_from_an_empty_folder(tmp_path):
    EmptyFolder(tmp_path).run(b for b in BLOCKS if b.section == FIRST_CHAPTER)


@pytest.mark.django_db
def test_every_example_gives_what_the_page_says():
    run_prompt([b for b in BLOCKS if b.section != FIRST_CHAPTER], shell=manage_py)


def test_every_block_is_an_example_that_one_of_these_tests_runs():
    for block in BLOCKS:
        ours = ("console", "python") if block.section == FIRST_CHAPTER else ("console", "pycon")
        assert block.language in ours, f"{PAGE}:{block.line}: {block.language!r} is not run"


def test_the_table_of_contents_is_complete():
    text = PAGE.read_text(encoding="utf-8")
    chapters = re.findall(r"^## (.+)$", text, re.MULTILINE)
    listed = re.findall(r"^\d+\. \[(.+)\]\(#(.+)\)$", text, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", c).lower().replace(" ", "-") for c in chapters]
    assert listed == list(zip(chapters, anchors, strict=True))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("pycon", ">>> 1 + 1\n2\n>>> 1 + 1\n3\n"),
        ("pycon", ">>> 1 + 1\n2\n>>> 1 / 0\n"),
        (
            "console",
            "$ python manage.py shell -v0 -c 'print(1)'\n1\n$ python manage.py no-such\n",
        ),
    ],
)
def test_an_output_that_differs_fails_with_the_line_of_the_page(language, text):
    block = Block(PAGE, "", language, 10, text)
    with pytest.raises(pytest.fail.Exception, match=r"tutorial\.md:12: "):
        run_prompt([block], shell=manage_py)

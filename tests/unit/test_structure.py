"""Holds the shape of the code: sizes, imports, the first words of docstrings, paths in the docs."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("postrail", "services") for path in (REPOSITORY / folder).rglob("*.py")
)
FILES_IN_A_FOLDER = 16
LINES_IN_A_FILE = 350
LINES_IN_A_STEP = 150
# Heavy libraries that only some messages or commands need.
IMPORTS_IN_FUNCTIONS = 14
# Tables of words by language: data, not code.
WORD_TABLES = {"services/parser/reply/words.py"}
FORBIDDEN_OPENING = re.compile(r"(What|Whether|How|Where|Who|Which)\b")
NAMED_PATH = re.compile(r"`((?:postrail|services|tests|bench|docs|deploy|scripts)/[\w./-]+)`")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    """Returns the path as people write it, from the root of the repository."""
    return path.relative_to(REPOSITORY).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """Returns each function and method of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def test_no_folder_is_a_heap() -> None:
    python_files = [
        path
        for folder in ("postrail", "services", "tests", "bench", "scripts")
        for path in (REPOSITORY / folder).rglob("*.py")
        if "node_modules" not in path.parts
    ]
    counted = Counter(name_of(path.parent) for path in python_files)

    assert {name: count for name, count in counted.items() if count > FILES_IN_A_FOLDER} == {}


def test_no_module_is_too_long_to_read() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    too_long = {name: lines for name, lines in lengths.items() if lines >= LINES_IN_A_FILE}

    assert too_long.keys() - WORD_TABLES == set()


def test_a_step_is_read_on_one_screen() -> None:
    steps = [path for path in SOURCES if path.name == "step.py"]
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in steps}

    assert len(steps) == 5
    assert {name: lines for name, lines in lengths.items() if lines >= LINES_IN_A_STEP} == {}


def test_imports_stand_at_the_top() -> None:
    found = [
        f"{name_of(path)}:{inner.lineno}"
        for path in SOURCES
        for function in functions(path)
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert len(set(found)) <= IMPORTS_IN_FUNCTIONS, found


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    found = [
        f"{name_of(path)}:{function.lineno} {docstring.splitlines()[0]}"
        for path in SOURCES
        for function in functions(path)
        if (docstring := ast.get_docstring(function)) and FORBIDDEN_OPENING.match(docstring)
    ]

    assert found == []


DOCUMENTS = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_paths_that_the_docs_name_exist(document: Path) -> None:
    named = NAMED_PATH.findall(document.read_text())

    assert [path for path in named if not (REPOSITORY / path).exists()] == []

"""Pages of which a part is written by the code: between two marks stands what a generator says, and nothing else."""

import ast
import io
import re
import tokenize
from functools import lru_cache
from pathlib import Path

from tests.architecture.house import ROOT

_BEGIN = "<!-- from here on written by `python -m {generator}` -->"
_END = "<!-- written by hand again -->"


def page(name: str) -> Path:
    return ROOT / "docs" / name


def stands(name: str, generator: str) -> str:
    """What the page says between the marks of this generator."""
    return _split(page(name).read_text(encoding="utf-8"), generator)[1].strip("\n")


def rewrite(name: str, generator: str, text: str) -> None:
    before, _, after = _split(page(name).read_text(encoding="utf-8"), generator)
    page(name).write_text(f"{before}\n\n{text}\n\n{after}", encoding="utf-8")


def _split(text: str, generator: str) -> tuple[str, str, str]:
    begin = _BEGIN.format(generator=generator)
    match = re.fullmatch(f"(.*{re.escape(begin)})\n(.*)\n({re.escape(_END)}.*)", text, re.DOTALL)
    assert match, f"the page has not exactly one part between {begin} and {_END}"
    return match[1], match[2], match[3]


@lru_cache(maxsize=64)
def remarks(path: Path) -> dict[tuple[str, str], str]:
    """What stands behind each line of a class body, as (class, name) -> comment."""
    source = path.read_text()
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for node in ast.parse(source).body:
        for line in node.body if isinstance(node, ast.ClassDef) else []:
            target = (
                line.target
                if isinstance(line, ast.AnnAssign)
                else line.targets[0]
                if isinstance(line, ast.Assign)
                else None
            )
            if isinstance(node, ast.ClassDef) and isinstance(target, ast.Name) and line.end_lineno in comments:
                found[node.name, target.id] = comments[line.end_lineno]
    return found


def first_paragraph(doc: str | None) -> str:
    return " ".join((doc or "").split("\n\n")[0].split())


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(*heads: str) -> list[str]:
    return [row(*heads), "|" + "---|" * len(heads)]

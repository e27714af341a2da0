"""What the documents say is so: settings, links, names in backticks, routes, error codes, words, decision records.

A document that has drifted is worse than none, so whatever in one can be compared with the code is compared here.
"""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from engine import errors, metadata
from engine.dispatch import gauges
from engine.doses.states import Status
from engine.events.facts import Fact
from engine.settings import Settings
from ops import cli, programs
from ops.wishes import read_wishes
from tests.architecture.house import ROOT, Module, contracts, of

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
PARTS = ("Context", "Decision", "Consequences", "Alternatives", "What enforces it")
HOSTS = {"localhost", "127.0.0.1", "www.apache.org", "keepachangelog.com", "semver.org", "www.rfc-editor.org"}
STATUSES = {"NotFound": 404, "NotAllowed": 401, "Conflict": 409, "Invalid": 422, "TryLater": 429, "RuleError": 422}
SET_BY_THE_STACK = "set by `make up`"
NOTHING = "none"

_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_PLACES = r"(?:engine|api|tasks|ops|schedules|migrations|tests|docs|\.ci)"
_FILE = re.compile(rf"({_PLACES}/[\w./*-]*|[\w.-]+\.(?:py|md|toml|lock|yml|ini|example)|Makefile|LICENSE)(?:::(\w+))?")
_DOTTED = re.compile(r"(?:engine|api|tasks|ops|schedules)(?:\.\w+)+")
_CONSTRAINT = re.compile(r"(?:uq|ck|pk|fk|ix)_[a-z_0-9]+")


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _section(name: str, heading: str) -> str:
    """The part of a document below a heading, up to the next heading of that level or above."""
    level = heading.split(" ")[0]
    after = _text(name).split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def _rows(text: str) -> list[list[str]]:
    """The rows of the tables of a text whose first cell is in backticks."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def _spans(path: Path) -> list[str]:
    return _SPAN.findall(_FENCE.sub("", path.read_text(encoding="utf-8")))


def _commands(path: Path) -> str:
    """All code of a document: fences and spans, one a line."""
    text = path.read_text(encoding="utf-8")
    return "\n".join([*_FENCE.findall(text), *_SPAN.findall(_FENCE.sub("", text))])


# --- settings -------------------------------------------------------------------------------------------------------


def _defaults() -> dict[str, str]:
    """Every setting and its default as the documents write it."""
    written = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        written[name.upper()] = (
            SET_BY_THE_STACK if default is PydanticUndefined else NOTHING if default in (None, "") else f"`{default}`"
        )
    return written


def _example() -> dict[str, str]:
    found = re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", _text(".env.example"), re.MULTILINE)
    assert len(found) == len(dict(found)), "a setting is in .env.example twice"
    return dict(found)


def test_the_readme_lists_every_setting_with_its_default_and_no_other() -> None:
    rows = _rows(_section("README.md", "## Configuration"))
    assert {row[0].strip("`"): row[1] for row in rows} == _defaults()
    assert all(row[2] for row in rows)


def test_the_example_lists_every_setting_with_its_default_and_no_other() -> None:
    bare = {name: "" if value in (SET_BY_THE_STACK, NOTHING) else value[1:-1] for name, value in _defaults().items()}
    assert _example() == bare


def test_the_example_can_be_copied_and_uncommented_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _defaults():
        monkeypatch.delenv(name, raising=False)
    required = {"DATABASE_URL": "postgresql://h/p", "REDIS_URL": "redis://h", "SECRET_KEY": "k" * 32}
    lines = [f"{name}={required.get(name, value)}" for name, value in _example().items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    read = Settings(_env_file=tmp_path / ".env")
    fields = Settings.model_fields
    assert {name: getattr(read, name) for name in fields if name.upper() not in required} == {
        name: field.default for name, field in fields.items() if name.upper() not in required
    }


# --- links and names ------------------------------------------------------------------------------------------------


def _links(path: Path) -> Iterator[str]:
    yield from re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", path.read_text(encoding="utf-8")))


def _anchors(path: Path) -> set[str]:
    """Of each heading, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _is_broken(path: Path, link: str) -> bool:
    if "://" in link:
        return link.split("/")[2].split(":")[0] not in HOSTS
    file, _, anchor = link.partition("#")
    target = (path.parent / file).resolve() if file else path
    if not target.is_relative_to(ROOT) or not target.exists():
        return True
    return bool(anchor) and anchor not in _anchors(target)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere_inside_the_repository(path: Path) -> None:
    assert [link for link in _links(path) if _is_broken(path, link)] == []


@lru_cache(maxsize=1)
def _constraints() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "migrations" / "versions").glob("*.py"))


def _is_unknown(span: str) -> bool:
    """A name in backticks that looks like one of ours and is not there."""
    if found := _FILE.fullmatch(span):
        is_bare = "/" not in found[1]  # `models.py`: every package has one
        files = list(ROOT.glob(found[1].rstrip("/"))) or (list((ROOT / "engine").rglob(found[1])) if is_bare else [])
        return not files or bool(found[2] and f"def {found[2]}(" not in files[0].read_text())
    if _DOTTED.fullmatch(span):
        return not _is_importable(span.split("."))
    return bool(_CONSTRAINT.fullmatch(span)) and f'"{span}"' not in _constraints()


def _is_importable(parts: list[str]) -> bool:
    """A module of ours, or a name at the top of one; looked up without importing it."""
    for file in (ROOT.joinpath(*parts).with_suffix(".py"), ROOT.joinpath(*parts, "__init__.py")):
        if file.is_file():
            return True
    *above, name = parts
    for file in (ROOT.joinpath(*above).with_suffix(".py"), ROOT.joinpath(*above, "__init__.py")):
        if file.is_file():
            return bool(re.search(rf"^(?:(?:async )?def |class )?{name}\b", file.read_text(), re.MULTILINE))
    return False


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_test_module_and_constraint_that_is_named_exists(path: Path) -> None:
    assert [span for span in _spans(path) if _is_unknown(span)] == []


def test_a_name_that_is_not_there_is_found_out() -> None:
    gone = ["engine/doses/gone.py", "docs/gone.md", "tests/architecture/test_docs.py::test_gone", "uq_gone"]
    assert [span for span in [*gone, "engine.doses.gone", "engine.clock.then"] if not _is_unknown(span)] == []


def test_every_command_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", _text("Makefile"), re.MULTILINE))
    verbs = {command.__name__ for command in cli.COMMANDS}
    for path in DOCUMENTS:
        code = _commands(path)
        assert set(re.findall(r"(?:^|[ ;&])make ([a-z]+)", code, re.MULTILINE)) <= targets, path
        assert set(re.findall(r"(?:^|[ /])pillio ([a-z]+)", code, re.MULTILINE)) <= verbs, path


def test_every_contract_that_is_named_exists() -> None:
    known = {contract["name"] for contract in contracts()}
    for path in DOCUMENTS:
        text = " ".join(path.read_text(encoding="utf-8").split())  # a name may go on in the next line
        assert set(re.findall(r"contract “([^”]+)”", text)) <= known, path


def test_no_document_names_a_host_or_an_issue_of_somewhere_else() -> None:
    for path in [*DOCUMENTS, ROOT / ".env.example"]:
        text = path.read_text(encoding="utf-8")
        named = {host.rpartition("@")[2].split(":")[0] for host in re.findall(r"https?://([^/\s)`'\"]+)", text)}
        assert {host for host in named if not host.startswith("$") and not host.endswith(".example")} <= HOSTS, path
        assert not re.search(r"(?<![\w&(])#\d+\b|\b[Ii]ssue \d", text), path


# --- the API --------------------------------------------------------------------------------------------------------


def _routes() -> set[tuple[str, str]]:
    """Method and path of every route, read from the decorators: importing the application would connect it."""
    found = set()
    for module in of("api"):
        prefix = "".join(re.findall(r'APIRouter\(.*?prefix="([^"]*)"', module.source))
        base = "" if module.name == "api.health" else "/api/v1"
        for method, path in re.findall(r'^@router\.(\w+)\(\s*"([^"]*)"', module.source, re.MULTILINE):
            found.add((method.upper(), f"{base}{prefix}{path}"))
    return found


def test_the_api_page_lists_every_route_and_no_other() -> None:
    rows = _rows(_section("docs/api.md", "## Routes"))
    listed = [(method, row[0].split(" ", 1)[1].rstrip("`")) for row in rows for method in _methods(row[0])]
    assert len(listed) == len(set(listed))
    full = {(method, path if path.startswith(("/health", "/metrics")) else f"/api/v1{path}") for method, path in listed}
    assert full == _routes()


def _methods(cell: str) -> list[str]:
    return cell.strip("`").split(" ")[0].split(",")


def _raised(module: Module) -> Iterator[tuple[str, int]]:
    """Code and status of every error a module makes. One whose code is not to be read here fails the test."""
    constants = {
        target.id: ast.literal_eval(node.value)
        for node in module.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
        for target in node.targets
        if isinstance(target, ast.Name) and re.fullmatch(r"_[A-Z]+", target.id) and _is_literal(node.value)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in STATUSES:
            match node.args[0]:
                case ast.Constant(value=str(code)):
                    yield code, STATUSES[node.func.id]
                case ast.Starred(value=ast.Name(id=name)):
                    yield constants[name][0], STATUSES[node.func.id]
                case ast.Attribute(value=ast.Name(id="error"), attr="code"):
                    pass  # handed on: it is listed where it was made
                case other:
                    raise AssertionError(f"{module.at(node)}: {ast.unparse(other)}")


def _is_literal(node: ast.expr) -> bool:
    return all(isinstance(each, ast.Constant) for each in getattr(node, "elts", []))


def _problems() -> set[tuple[str, int]]:
    """What the API says by itself, before or instead of the engine."""
    [module] = [each for each in of("api") if each.name == "api.errors"]
    [sentences] = [
        ast.literal_eval(node.value)
        for node in module.tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SENTENCES"
    ]
    said = re.findall(r'\bproblem\((\d+), "(\w+)"', module.source)
    return {(code, status) for status, (code, _) in sentences.items()} | {(code, int(status)) for status, code in said}


def test_the_api_page_lists_every_error_code_with_its_status_and_no_other() -> None:
    rows = _rows(_section("docs/api.md", "## Errors"))
    assert len({row[0] for row in rows}) == len(rows)
    listed = {(row[0].strip("`"), int(row[1])) for row in rows}
    made = {pair for module in of("engine", "api", "schedules") for pair in _raised(module)}
    assert listed == made | _problems()


# --- words ----------------------------------------------------------------------------------------------------------


def test_the_glossary_knows_every_table_status_fact_and_family_of_errors() -> None:
    words = set(_spans(ROOT / "docs" / "glossary.md"))
    assert set(metadata.metadata.tables) - words == set()
    assert {str(status) for status in Status} - words == set()
    assert {fact.kind for fact in Fact.__subclasses__()} - words == set()
    assert {family.__name__ for family in errors.EngineError.__subclasses__()} - words == set()


def test_the_operations_page_knows_every_gauge_log_event_and_program() -> None:
    words = set(_spans(ROOT / "docs" / "operations.md"))
    listed = {word for word in words if word.startswith("pillio_")}
    assert listed == {f"pillio_{name}" for name in gauges.MEANINGS}
    calls = r'\blog\.(?:info|warning|error)\(\s*"([^"]+)"'
    assert {event for module in of("engine", "api", "tasks") for event in re.findall(calls, module.source)} <= words
    groups = programs.of_ours(read_wishes({}, Path("/nonexistent")))
    assert {program.name for group in groups for program in group.programs} | {"postgres", "valkey"} <= words


# --- decision records -----------------------------------------------------------------------------------------------


def test_records_are_numbered_without_gaps_and_listed_in_order() -> None:
    assert [path.name[:5] for path in RECORDS] == [f"{number:04}-" for number in range(len(RECORDS))]
    titles = [(path.name, path.read_text(encoding="utf-8").splitlines()[0].partition(". ")[2]) for path in RECORDS[1:]]
    listed = re.findall(r"^\d+\. \[(.+)\]\((.+)\)$", _text("docs/adr/README.md"), re.MULTILINE)
    assert [(name, title) for title, name in listed] == titles


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_is_one_page_of_five_parts_under_its_number(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == list(PARTS)
    assert len(text.splitlines()) <= 80


@pytest.mark.parametrize("path", RECORDS[1:], ids=lambda path: path.stem)
def test_a_record_names_something_that_fails_when_it_is_not_kept(path: Path) -> None:
    part = path.read_text(encoding="utf-8").partition("\n## What enforces it\n")[2]
    checks = [span for span in _SPAN.findall(part) if span.startswith("tests/") or _CONSTRAINT.fullmatch(span)]
    assert checks or "contract “" in part

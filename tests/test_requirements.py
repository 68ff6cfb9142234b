"""Dependencies: exact, each with its reason, each named where it is used, each used where it is named."""

import ast
import re
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[a-z,]+\])?==(?P<version>[\w.]+)\s+# (?P<why>\S.*)")
OURS = {"ccd", "core", "admin_ext", "reporting", "tests", "fixtures", "benchmarks"}
# Used without an import of ours: by name in the settings, by a command line, or by another library that looks for it.
BY_NAME = {
    "whitenoise": "MIDDLEWARE",
    "defusedxml": "openpyxl uses it where it is there",
    "ruff": "make check",
    "pytest-xdist": "make test -n",
    "django-import-export": "declared by INSTALLED_APPS, too",
}


# Comes with the library that is pinned.
WITHIN = {"botocore": "boto3"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lines_of(file: str) -> list[str]:
    text = (ROOT / file).read_text().splitlines()
    return [line for line in text if line.strip() and not line.startswith(("#", "-r "))]


def pins(*files: str) -> dict[str, str]:
    found = (LINE.fullmatch(line) for file in files for line in lines_of(file))
    return {canonical(match["name"]): match["version"] for match in found}


@pytest.mark.parametrize(
    "line", [*lines_of("requirements.txt"), *lines_of("requirements-dev.txt"), *lines_of("requirements-bench.txt")]
)
def test_each_line_is_an_exact_pin_with_a_reason(line: str) -> None:
    assert LINE.fullmatch(line), "name==version  # why"


@pytest.mark.parametrize(("name", "pinned"), pins("requirements.txt", "requirements-dev.txt").items())
def test_what_is_installed_is_what_is_pinned(name: str, pinned: str) -> None:
    assert version(name) == pinned


def imported(*folders: str) -> dict[str, str]:
    """Library → a file that imports it, from the folders."""
    found = {}
    for path in (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module" and node.args:
                names = [str(getattr(node.args[0], "value", ""))]
            for name in names:
                found[name.partition(".")[0]] = str(path.relative_to(ROOT))
    siblings = {path.stem for folder in ("fixtures", "benchmarks", "docs") for path in (ROOT / folder).glob("*.py")}
    return {name: at for name, at in found.items() if name not in OURS | siblings | sys.stdlib_module_names and name}


def libraries(*folders: str) -> dict[str, str]:
    """Distribution → a file that imports it."""
    providers = packages_distributions()
    found = {canonical(providers[name][0]): at for name, at in imported(*folders).items() if name in providers}
    return {WITHIN.get(name, name): at for name, at in found.items()}


def test_the_product_imports_only_what_it_pins() -> None:
    used = libraries("ccd", "core", "admin_ext", "reporting")
    assert {name: at for name, at in used.items() if name not in pins("requirements.txt")} == {}


def test_tests_and_tools_import_only_what_is_pinned() -> None:
    used = libraries("tests", "docs", "benchmarks", "fixtures")
    known = pins("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")
    assert {name: at for name, at in used.items() if name not in known} == {}


def test_nothing_is_pinned_that_nothing_uses() -> None:
    used = libraries("ccd", "core", "admin_ext", "reporting", "tests", "docs", "benchmarks", "fixtures")
    idle = pins("requirements.txt", "requirements-dev.txt").keys() - used.keys() - BY_NAME.keys()
    assert idle == set()

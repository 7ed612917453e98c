"""Conventions that a reader relies on: docstrings, sizes, and how SQL is written."""

from __future__ import annotations

import ast
import re

import pytest
from sources import FUNCTIONS, MODULES, Module

LONGEST_FILE = 450
LONGEST_BODY = 40
# Functions that are longer and may be: (module, function) -> lines. A number can only fall.
LONG_BODIES: dict[tuple[str, str], int] = {
    # One nested function for each verb that two nouns share; each is short.
    ("vidctl.cli.commands.videos", "_common_verbs"): 81,
}


def is_public(name: str) -> bool:
    return not name.startswith("_")


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function below its signature and docstring."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def undocumented(module: Module) -> list[str]:
    """Return the public classes, functions and methods of a module that say nothing.

    A method of a Protocol that only declares itself (``...``) is said by its name and types, and
    what a decorator turns into a command says it in ``help=``.
    """
    missing = [] if ast.get_docstring(module.tree) else [module.name]
    stack: list[tuple[str, ast.AST]] = [(module.name, module.tree)]
    while stack:
        path, parent = stack.pop()
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.ClassDef) and is_public(node.name):
                stack.append((f"{path}.{node.name}", node))
            elif not isinstance(node, FUNCTIONS) or not is_public(node.name):
                continue
            is_declared = ast.unparse(node.body[-1]) == "..."
            if not is_declared and ast.get_docstring(node) is None:
                missing.append(f"{path}.{node.name}")
    return missing


def test_everything_public_has_a_docstring() -> None:
    assert [name for module in MODULES for name in undocumented(module)] == []


def test_docstrings_are_sentences() -> None:
    broken = []
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Module)):
                text = ast.get_docstring(node)
                first = (text or "A sentence.").split("\n\n")[0].strip()
                if not first.endswith((".", ":", "!", "?")):
                    broken.append(f"{module.name}: {first}")
    assert broken == []


def test_files_stay_small() -> None:
    sizes = {module.name: len(module.text.splitlines()) for module in MODULES}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_functions_stay_small() -> None:
    found = {
        (module.name, function.name): body_lines(function)
        for module in MODULES
        for function in module.functions()
    }
    allowed = {**dict.fromkeys(found, LONGEST_BODY), **LONG_BODIES}
    assert {key: size for key, size in found.items() if size > allowed[key]} == {}
    short = [key for key in LONG_BODIES if found.get(key, 0) <= LONGEST_BODY]
    assert short == [], "these became short: take them off the list"


# --- SQL --------------------------------------------------------------------------------------

STATEMENT = re.compile(
    r"\s*(SELECT\s.*\sFROM|INSERT\s+INTO|UPDATE\s+\w+.*\sSET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX|"
    r"TRIGGER|VIRTUAL)|PRAGMA\s|WITH\s+RECURSIVE|BEGIN\s+IMMEDIATE)\b",
    re.S,
)


def literal(node: ast.AST) -> str:
    """Return the text of a string or f-string, what is interpolated as ``{}``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(value) or "{}" for value in node.values)
    return ""


def sql_of(module: Module) -> list[tuple[int, str, bool]]:
    """Return the SQL statements of a module: line, text, and whether something is put into it."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and STATEMENT.match(literal(node)):
            found.append((node.lineno, literal(node), isinstance(node, ast.JoinedStr)))
    return found


def test_only_the_store_speaks_sql() -> None:
    places = [
        f"{module.name}:{line}: {text}"
        for module in MODULES
        if module.part != "store"
        for line, text, _ in sql_of(module)
    ]
    assert places == []


def test_the_store_has_sql() -> None:
    """The search for SQL finds what is there; else the test above proves nothing."""
    assert sum(len(sql_of(module)) for module in MODULES if module.part == "store") > 60


# What may be put into SQL: conditions and names made of constants in the store itself.
FRAGMENTS = re.compile(
    r"self\.in_(scope|sight)\('\w'\)|COLUMNS|SORTS\[.*\]|condition|allowed\[0\]|narrowed|allowed"
    r"|table|dimension|CHUNK_SIZE|beyond|key|direction|where|name|number|wanted|alias|words"
    r"|LESSONS|ITEM_COLUMNS|IN_ORDER"
    r"|LINK|JOINED|FROM_LABELS|RANKS\[by\]|self\._(members|shown)|source|shown|beyond\(after\)"
    r"|LAST_AT|WATCHING"
    r"|int\(BUSY_SECONDS \* 1000\)|CACHE_KIB|MMAP_BYTES|HURRIED_MS|column|sign|dated|end|limit"
    r"|DAY|SUMS|IN_VIEW|IN_PERIOD|ITEM_PIECES|OF_ITEMS|first|order|views|WITHIN|CELL|assignments"
)


def test_only_known_fragments_are_put_into_sql() -> None:
    unknown = []
    for module in MODULES:
        if module.part != "store":
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.JoinedStr) and is_sql_text(literal(node)):
                for value in node.values:
                    if isinstance(value, ast.FormattedValue):
                        inner = ast.unparse(value.value)
                        if not FRAGMENTS.fullmatch(inner):
                            unknown.append(f"{module.name}:{node.lineno}: {inner}")
    assert unknown == []


def is_sql_text(text: str) -> bool:
    """Tell SQL and pieces of it from messages, and from FTS5's own query language."""
    is_match = "text : (" in text
    words = r"\b(SELECT|WHERE|FROM|EXISTS|ORDER BY|PRAGMA|AND|SET)\b"
    return not is_match and re.search(words, text) is not None


def test_no_row_is_replaced() -> None:
    """``INSERT OR REPLACE`` deletes the old row, and with it whatever hangs on it."""
    sql_files = [path for module in MODULES for path in module.path.parent.glob("*.sql")]
    texts = {str(path): path.read_text(encoding="utf-8") for path in sql_files}
    for module in MODULES:
        texts |= {f"{module.name}:{line}": text for line, text, _ in sql_of(module)}
    pattern = re.compile(r"\b(INSERT\s+OR\s+REPLACE|REPLACE\s+INTO)\b", re.I)
    assert [place for place, text in texts.items() if pattern.search(text)] == []


OPENERS = {"open", "read_bytes", "write_bytes", "read_text", "copy", "copy2", "copyfile", "move"}


def test_nothing_opens_the_live_database_file() -> None:
    """Closing a second handle on the file drops SQLite's locks (POSIX advisory locks)."""
    suspicious = []
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                said = ast.unparse(node)
                touches = re.search(
                    r"library_path|\bdatabase\.path|LIBRARY_FILE|user_library", said
                )
                if name in OPENERS and touches:
                    suspicious.append(f"{module.name}:{node.lineno}: {said}")
            is_store = module.part == "store" and isinstance(node, ast.Attribute)
            if is_store and node.attr in OPENERS - {"copy", "open", "read_text"}:
                suspicious.append(f"{module.name}:{node.lineno}: {ast.unparse(node)}")
    assert suspicious == []


@pytest.mark.parametrize("word", ["pickle", "eval", "exec", "shell=True", "yaml.load", "os.system"])
def test_no_unsafe_code(word: str) -> None:
    pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?!\w)")
    hits = []
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and pattern.match(ast.unparse(node.func)):
                hits.append(f"{module.name}:{node.lineno}")
            if isinstance(node, ast.keyword) and pattern.match(ast.unparse(node)):
                hits.append(f"{module.name}:{node.value.lineno}")
        hits += [module.name for found in module.imports if found.module == word]
    assert hits == []

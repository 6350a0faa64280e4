# SPDX-License-Identifier: Apache-2.0
"""The tests of docs/test-guide.md as they stand there, and what the pages say of the code: its rooms, files and names."""
import os
import re
import shlex
import subprocess
import sys

import pytest

from harness.server import ROOT

pytestmark = pytest.mark.tandem_only

PAGE = (ROOT / "docs/test-guide.md").read_text()


def block(language):
    """The only block of the page in that language."""
    [text] = [piece.partition("\n")[2] for piece in PAGE.split("```")[1::2] if piece.startswith(f"{language}\n")]
    return text


def test_the_end_to_end_test_of_the_guide_passes(tmp_path):
    (tmp_path / "test_of_the_guide.py").write_text(block("python"))
    result = subprocess.run([sys.executable, "-m", "pytest", "-q", f"--rootdir={tmp_path}", "-p", "conftest", "-p", "no:cacheprovider", tmp_path],
                            capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": str(ROOT / "tests/e2e")})
    assert result.returncode == 0 and "2 passed" in result.stdout, result.stdout + result.stderr


def test_the_unit_test_of_the_guide_compiles(tmp_path):
    source = tmp_path / "compact_names_test.cpp"
    source.write_text(block("cpp"))
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    result = subprocess.run([*compiler, "-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only", f"-I{ROOT}",
                             source], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr


def test_the_rooms_of_the_architecture_are_those_of_the_build():
    rows = re.findall(r"^\| `([\w/]+)` \| [^|]* \| ([\w/ ]*)\|$", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    said = {room: includes.split() for room, includes in rows}
    lines = [line for line in (ROOT / "cmake/rooms.txt").read_text().splitlines() if line and not line.startswith("#")]
    built = {line.split(":")[0].strip(): line.split(":")[1].split("|")[0].split() for line in lines}
    assert said == built


def test_the_files_functions_and_options_that_the_pages_name_are_there():
    folders = ("apps", "bench", "cmake", "etc", "examples", "fuzz", "scripts", "tandem", "tests")
    sources = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    files = ["/" + str(file.relative_to(ROOT)) for file in [*sources, *(ROOT / "docs").glob("*"), *ROOT.glob("*")]]
    text = "\n".join(file.read_text(errors="replace") for file in sources)
    words = set(re.findall(r"\w+", text))
    missing = []
    for page in [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]:
        if page.name == "CHANGELOG.md":
            continue
        for code in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
            named = re.findall(r"(?<![\w/.-])[\w-][\w./-]*\.(?:hpp|cpp|def|py|cfg|toml|txt)\b", code)
            # What a guide has its reader write, and the ends of names, are not there.
            named = [name for name in named if not re.search("NAME|visits|^_", name)]
            missing += [f"{page.name}: {name}" for name in named if not any(file.endswith("/" + name) for file in files)]
            parts = [part for name in re.findall(r"\b\w+(?:::\w+)+|\b\w+(?=\(\))", code) for part in name.split("::")]
            missing += [f"{page.name}: {part}" for part in parts if part not in words]
            options = [name for name in re.findall(r"(?<![\w-])--([a-z][\w-]+)", code) if not code.startswith(("cmake ", "git "))]
            missing += [f"{page.name}: --{option}" for option in options if option not in text]
    assert not missing, "\n".join(missing)

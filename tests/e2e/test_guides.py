# SPDX-License-Identifier: Apache-2.0
"""The tests of docs/test-guide.md as they stand there, and what docs/architecture.md says of the rooms."""
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

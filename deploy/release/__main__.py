"""``make release``: builds wheel, source archive, chart package and checksums, or says why not."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from release.archives import normalize
from release.versions import CHART, Versions

CHECKSUMS = "SHA256SUMS"
_FILES_NAMED = 3


def main() -> int:
    """Build the release of the tree that is the working directory; return an exit status."""
    root = Path.cwd()
    if problems := [*problems_of_commit(root), *Versions(root).problems()]:
        sys.stderr.write("Nothing was released:\n")
        sys.stderr.writelines(f"  - {problem}.\n" for problem in problems)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        try:
            built = build(root, Path(folder))
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"Nothing was released: {error}\n")
            return 1
        shutil.rmtree(root / "dist", ignore_errors=True)
        shutil.copytree(built, root / "dist")
    sys.stdout.write((root / "dist" / CHECKSUMS).read_text())
    return 0


def problems_of_commit(root: Path) -> list[str]:
    """Return what keeps the last commit from being released, in words."""
    found = []
    if changed := _git(root, "status", "--porcelain").splitlines():
        more = len(changed) - _FILES_NAMED
        names = ", ".join(line[3:] for line in changed[:_FILES_NAMED])
        found.append(
            f"The tree is not clean: commit or remove {names}" + (f" and {more} more" * (more > 0))
        )
    tag = f"v{Versions(root).package}"
    tagged = _git(root, "for-each-ref", "--format=%(*objectname)%(objectname)", f"refs/tags/{tag}")
    if tagged and not tagged.startswith(_git(root, "rev-parse", "HEAD").strip()):
        found.append(f"The tag {tag} is of another commit: raise the version")
    if shutil.which("helm") is None:
        found.append("helm, which packages the chart, is not installed")
    return found


def build(root: Path, folder: Path) -> Path:
    """Build the last commit in an empty folder, and return where the results are.

    All times are those of the commit: who builds it again gets the same bytes.
    """
    source, results = folder / "source", folder / "results"
    results.mkdir()
    _check_out(root, source)
    seconds = int(_git(root, "log", "-1", "--format=%ct"))
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(seconds)}
    hatchling = (sys.executable, "-m", "hatchling", "build", "--directory", results)
    for command in (hatchling, ("helm", "package", "--destination", results, CHART)):
        subprocess.run(command, cwd=source, env=environment, stdout=sys.stderr, check=True)
    for chart in results.glob("*.tgz"):
        normalize(chart, seconds)
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(results.iterdir())
    ]
    (results / CHECKSUMS).write_text("".join(lines))
    return results


def _check_out(root: Path, source: Path) -> None:
    """Write the files of the last commit, without any that git ignores."""
    archive = subprocess.run(
        ("git", "archive", "HEAD"), cwd=root, stdout=subprocess.PIPE, check=True
    ).stdout
    packed = source.with_suffix(".tar")
    packed.write_bytes(archive)
    with tarfile.open(packed) as files:
        files.extractall(source, filter="data")


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ("git", *arguments), cwd=root, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())

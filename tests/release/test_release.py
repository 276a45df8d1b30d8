"""The output of `make release`, and the trees that it refuses."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from exporter import __version__
from release.__main__ import problems_of_commit
from release.archives import normalize
from release.versions import CHANGELOG, CHART, PACKAGE, Versions
from tests.support.tools import require_tool

ROOT = Path(__file__).parent.parent.parent
# Tests of the built wheel run without the sources to build it from.
pytestmark = pytest.mark.skipif(
    not (ROOT / PACKAGE).exists(), reason="a release is built from the sources"
)
BUILT = (
    "SHA256SUMS",
    f"llamacloud-batch-exporter-{__version__}.tgz",
    f"llamacloud_batch_exporter-{__version__}-py3-none-any.whl",
    f"llamacloud_batch_exporter-{__version__}.tar.gz",
)
WHO = {
    **{f"GIT_{who}_NAME": "A maintainer" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "maintainer@example.org" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2026-01-31T12:00:00Z" for who in ("AUTHOR", "COMMITTER")},
}


def git(tree: Path, *arguments: str) -> str:
    """Run git in a tree, without the hooks and signatures that this machine may configure."""
    return subprocess.run(
        ["git", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", *arguments],
        cwd=tree,
        env=os.environ | WHO,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def change(tree: Path, name: str, old: str, new: str) -> None:
    """Replace some text in a file of a tree."""
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new))


def release(tree: Path, *, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    """Run the steps of `make release`."""
    return subprocess.run(
        [sys.executable, "-m", "release"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(ROOT / "deploy")},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )


def copy(tree: Path, *patterns: str) -> None:
    """Copy the files of this repository that git tracks, or would track, with a dated changelog."""
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns)
    for name in filter(lambda name: (ROOT / name).is_file(), listed.splitlines()):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    heading = re.compile(rf"^## {re.escape(__version__)} - .*$", re.MULTILINE)
    changelog = tree / CHANGELOG
    changelog.write_text(heading.sub(f"## {__version__} - 2026-01-31", changelog.read_text()))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with the files that hold the version."""
    copy(tmp_path, CHANGELOG, PACKAGE, f"{CHART}/Chart.yaml")
    return tmp_path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a clone with everything that a release needs except the tests, all committed."""
    tree = tmp_path / "tree"
    copy(tree, ".", ":!tests")
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message=Release")
    return tree


def test_this_tree_names_one_version() -> None:
    """The changelog, the chart, and all names of images and packages agree."""
    stated = dict(Versions(ROOT).stated())
    assert {f"{CHART}/Chart.yaml (version)", f"{CHART}/Chart.yaml (appVersion)"} <= set(stated)
    assert {} == {place: said for place, said in stated.items() if said != __version__}


def test_the_image_is_of_the_version_of_the_package() -> None:
    """`make image` passes the version."""
    output = subprocess.run(
        ["make", "--dry-run", "image"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert f"--build-arg VERSION={__version__} " in output


def test_a_release_is_built_the_same_again(tree: Path, tmp_path: Path) -> None:
    """A commit gives the same files anywhere and at any time, whatever untracked files exist."""
    require_tool("helm")
    built = release(tree)
    assert 0 == built.returncode, built.stderr
    assert list(BUILT) == sorted(path.name for path in (tree / "dist").iterdir())
    again = tmp_path / "again"
    git(tmp_path, "clone", "--quiet", str(tree), str(again))
    (again / "exporter/__pycache__").mkdir()
    (again / "exporter/__pycache__/left.pyc").write_text("of another run")
    (again / "dist").mkdir()
    (again / "dist/left.whl").write_text("of another version")
    assert built.stdout == release(again, umask=0o077).stdout
    assert list(BUILT) == sorted(path.name for path in (again / "dist").iterdir())
    subprocess.run(["sha256sum", "--check", "--quiet", BUILT[0]], cwd=again / "dist", check=True)
    with zipfile.ZipFile(tree / "dist" / BUILT[2]) as wheel:
        assert PACKAGE in wheel.namelist()
    with tarfile.open(tree / "dist" / BUILT[3]) as sources:
        inside = {name.partition("/")[2] for name in sources.getnames()}
    assert {
        "requirements.lock",
        "Makefile",
        "deploy/README.md",
        "CONTRIBUTING.md",
        CHANGELOG,
    } <= inside
    with tarfile.open(tree / "dist" / BUILT[1]) as chart:
        assert "llamacloud-batch-exporter/Chart.yaml" in chart.getnames()


def test_what_is_not_committed_is_not_released(tree: Path) -> None:
    """Nothing is built, and all problems are reported at once."""
    (tree / "left_over.py").touch()
    change(tree, CHANGELOG, "2026-01-31", "unreleased")
    refused = release(tree)
    assert (1, "") == (refused.returncode, refused.stdout)
    assert "Nothing was released:\n" in refused.stderr
    assert "  - The tree is not clean: commit or remove CHANGELOG.md, left_over.py.\n" in (
        refused.stderr
    )
    assert "write the day of the release" in refused.stderr
    assert "'unreleased'" in refused.stderr
    assert not (tree / "dist").exists()


@pytest.mark.parametrize(
    ("name", "old", "expected"),
    [
        (CHANGELOG, f"## {__version__} - 2026-01-31", f"{CHANGELOG} says '9.9.9'"),
        (f"{CHART}/Chart.yaml", f"\nversion: {__version__}", "(version) says '9.9.9'"),
        (f"{CHART}/Chart.yaml", f'\nappVersion: "{__version__}"', "(appVersion) says '9.9.9'"),
    ],
)
def test_versions_that_disagree_are_not_released(
    files: Path, name: str, old: str, expected: str
) -> None:
    """The error names each place."""
    change(files, name, old, old.replace(__version__, "9.9.9"))
    (problem,) = Versions(files).problems()
    assert expected in problem
    assert f"but the package is {__version__}" in problem


@pytest.mark.parametrize(
    "named",
    [
        "docker run registry.example.org/llamacloud-batch-exporter:9.9.9",
        "pip install llamacloud_batch_exporter-9.9.9-py3-none-any.whl",
        "helm install llamacloud llamacloud-batch-exporter-9.9.9.tgz",
    ],
)
def test_pages_name_the_version_that_is_released(files: Path, named: str) -> None:
    """Commands that people copy from the pages must name an existing version."""
    (files / "deploy/page.md").write_text(f"{named}\n")
    (problem,) = Versions(files).problems()
    assert problem.startswith("deploy/page.md says '9.9.9'")


def test_a_version_is_three_numbers(files: Path) -> None:
    """Python and Helm write all other versions differently."""
    change(files, PACKAGE, __version__, "0.1.0rc1")
    (problem,) = Versions(files).problems()
    assert "'0.1.0rc1' is not three numbers" in problem


def test_a_version_is_released_once(tree: Path) -> None:
    """A tag of this commit is accepted, and a tag of another commit is refused."""
    require_tool("helm")
    git(tree, "tag", "--annotate", f"v{__version__}", "--message=Released")
    assert [] == problems_of_commit(tree)
    git(tree, "commit", "--quiet", "--allow-empty", "--message=More")
    (problem,) = problems_of_commit(tree)
    assert f"The tag v{__version__} is of another commit: raise the version" == problem


def test_helm_is_needed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names Helm, and there is no traceback."""
    git_alone = tree.parent / "bin"
    git_alone.mkdir()
    (git_alone / "git").symlink_to(require_tool("git"))
    monkeypatch.setenv("PATH", str(git_alone))
    (problem,) = problems_of_commit(tree)
    assert "helm, which packages the chart, is not installed" == problem


def test_times_and_owners_of_a_chart_package_do_not_matter(tmp_path: Path) -> None:
    """Two packages of the same files have the same bytes."""
    packed = []
    for seconds, order in ((1, ("b", "a")), (2_000_000, ("a", "b"))):
        archive = tmp_path / f"{seconds}.tgz"
        with tarfile.open(archive, "w:gz") as files:
            for name in order:
                member = tarfile.TarInfo(name)
                member.mtime, member.uid, member.size = seconds, seconds, 1
                files.addfile(member, io.BytesIO(name.encode()))
        normalize(archive, 1_769_860_800)
        packed.append(archive.read_bytes())
    first, second = packed
    assert first == second
    with tarfile.open(tmp_path / "1.tgz") as files:
        assert ["a", "b"] == files.getnames()

"""The image, built once for all tests."""

import shlex
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.image.building import build_command, call


@dataclass(frozen=True)
class Built:
    """An image, and the output of `make image`."""

    image: str
    printed: str


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Build the image as `make image` does, and remove it at the end."""
    build = build_command(tmp_path_factory.mktemp("image"))
    name = f"localhost/llamacloud-batch-exporter:test-{uuid.uuid4().hex[:8]}"
    printed = call("make", "image", f"IMAGE={name}", f"IMAGE_BUILD={shlex.join(build)}")
    yield Built(name, printed)
    call("podman", "rmi", name)


@pytest.fixture
def image(built: Built) -> str:
    """Name the image."""
    return built.image

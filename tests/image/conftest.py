"""The image, built once for all tests of it."""

import shlex
import uuid
from collections.abc import Iterator

import pytest
from image.building import build_command, call


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the image as `make image` does, and remove it at the end."""
    build = build_command(tmp_path_factory.mktemp("image"))
    name = f"localhost/llamacloud-batch-exporter:test-{uuid.uuid4().hex[:8]}"
    call("make", "image", f"IMAGE={name}", f"IMAGE_BUILD={shlex.join(build)}")
    yield name
    call("podman", "rmi", name)

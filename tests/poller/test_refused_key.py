"""A key that LlamaCloud refuses: it is used less and less often, until it is replaced."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from exporter.app.access import ProjectAccess
from exporter.config import Project
from exporter.config.keys import ApiKey, KeyFile
from exporter.domain import ItemStatus
from exporter.logs.redaction import Secrets
from exporter.simulator import Fault, items_of
from tests.support.clients import KeyInFile, budgets_of_plenty, plenty
from tests.support.cloud import KEY, Cloud
from tests.support.polling import eventually, polling

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator.faults import Endpoint

pytestmark = pytest.mark.anyio

INTERVAL = 0.1


def access_of(file: Path) -> ProjectAccess:
    """Return the access to a key in a file, with a budget for each key."""
    project = Project(
        name="invoices",
        project_id=None,
        organization_id=None,
        key=ApiKey(SecretStr(file.read_text()), "the file", KeyFile(file, "the file key")),
        base_url="http://127.0.0.1:1",
    )
    return ProjectAccess(project, budgets_of_plenty(), Secrets())


async def test_a_key_that_is_replaced_is_picked_up_while_it_backs_off(cloud: Cloud) -> None:
    """Within an interval, not when the wait is over; and once for all."""
    access = KeyInFile("llx-revoked", "llx-revoked", plenty())
    async with polling(cloud, interval=INTERVAL, access=access) as watch:
        await eventually(lambda: watch.polls("error") >= 6)
        replaced = time.monotonic()
        access.in_file = KEY
        await eventually(lambda: watch.polls("success") >= 1)
        # The wait that it is in lasts 32 intervals.
        assert time.monotonic() - replaced < 16 * INTERVAL


@pytest.mark.parametrize("endpoint", ["list_jobs", "list_items"])
async def test_a_key_that_is_replaced_does_not_wait_for_the_former_ones_retry_after(
    cloud: Cloud, tmp_path: Path, endpoint: Endpoint
) -> None:
    """Listings and refreshes continue with the new key."""
    cloud.world.add_key("llx-former", cloud.world.keys[KEY])
    job = cloud.add_job(items=items_of("job-1", processing=3))
    file = tmp_path / "key"
    file.write_text("llx-former")
    access = access_of(file)
    async with polling(cloud, interval=INTERVAL, access=access) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        cloud.simulator.faults.add(
            Fault("status", code=429, times=1, retry_after=60, endpoint=endpoint)
        )
        await eventually(
            lambda: watch.own("api_requests_total", code="429", endpoint=endpoint) == 1.0
        )
        file.write_text(KEY)
        # What the former key was allowed before ends here.
        del cloud.world.keys["llx-former"]
        job.items[0].status = "completed"
        replaced, polls = time.monotonic(), watch.polls("success")
        await eventually(lambda: watch.polls("success") >= polls + 2)
        await eventually(lambda: (watch.job().items or {}).get(ItemStatus.COMPLETED) == 1)
        assert time.monotonic() - replaced < 15.0
        assert 0 == watch.polls("error")
        assert "llx-former" != access.api_key


async def test_a_key_is_replaced_without_a_refusal(cloud: Cloud) -> None:
    """The old one may still be good for a while."""
    cloud.world.add_key("llx-old", cloud.world.keys[KEY])
    access = KeyInFile("llx-old", "llx-old", plenty())
    async with polling(cloud, interval=INTERVAL, access=access) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        access.in_file = KEY
        await eventually(lambda: access.api_key == KEY)
        del cloud.world.keys["llx-old"]
        polls = watch.polls("success")
        await eventually(lambda: watch.polls("success") >= polls + 2)
        assert 0 == watch.polls("error")

"""A key that LlamaCloud refuses: asked with less and less often, until it is replaced."""

from __future__ import annotations

import time

import pytest
from asking import KeyInFile, plenty
from cloud import KEY, Cloud
from polling import eventually, polling

pytestmark = pytest.mark.anyio

INTERVAL = 0.1


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

"""One channel's source sent on to two others, over RTMP and over SRT, by the whole product."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.account import Account
from tests.encoder import end, publish
from tests.product import Product, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(180)]

SLOW_S = 40
"""For a machine that does much else."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("product"), TALLY_PULL_ALLOW="127.0.0.0/8", TALLY_LADDER="off")
    try:
        yield made.start()
    finally:
        made.stop()


def add_channel(product: Product, name: str) -> dict[str, str]:
    command = [product.executable, "channel", "add", name, "--owner", "admin", "--json"]
    done = subprocess.run(
        command, env=product.environ, cwd=product.folder, check=True, capture_output=True, timeout=SLOW_S
    )
    made: dict[str, str] = json.loads(done.stdout)
    return made


def is_live(product: Product, channel: str) -> bool:
    return product.get(f"/hls/{channel}/playlist.m3u8")[0] == 200


def states(account: Account) -> dict[str, Any]:
    status, answer = account.call("GET", "channels/demo/restreams")
    assert status == 200, answer
    return {each["name"]: each["state"] for each in answer["data"]}


def test_a_source_goes_on_to_other_servers_and_says_how_that_goes(product: Product, clip: Path) -> None:
    account = Account.admin(product)
    over_rtmp, over_srt = add_channel(product, "over_rtmp"), add_channel(product, "over_srt")
    srt = f"srt://127.0.0.1:{product.environ['TALLY_SRT_PORT']}"
    for name, url, key in (
        ("RTMP", f"rtmp://127.0.0.1:{product.rtmp_port}/live", over_rtmp["streamKey"]),
        ("SRT", srt, over_srt["streamKey"]),
        ("Wrong", f"rtmp://127.0.0.1:{product.rtmp_port}/live", "sk_that_is_nobody_s"),
    ):
        status, answer = account.call("POST", "channels/demo/restreams", {"name": name, "url": url, "key": key})
        assert status == 201, answer
        assert key not in json.dumps(answer)
    assert {each["state"] for each in states(account).values()} == {"idle"}

    publisher = publish(clip, product.publish_url())
    try:
        wait_until(lambda: is_live(product, "over_rtmp"), SLOW_S, f"it arrives over RTMP: {states(account)}")
        wait_until(lambda: is_live(product, "over_srt"), SLOW_S, f"it arrives over SRT: {states(account)}")
        wait_until(lambda: states(account)["RTMP"]["state"] == "running", SLOW_S, "it is said to run")
        wrong = wait_until(lambda: states(account)["Wrong"]["reason"], SLOW_S, "a wrong key is said to be one")
        assert "not valid" in wrong
        assert "sk_that_is_nobody_s" not in wrong

        account.call("POST", f"channels/{over_rtmp['channelId']}/stream-key")
        wait_until(lambda: states(account)["RTMP"]["state"] == "waiting", SLOW_S, "the lost target is tried again")
        assert is_live(product, "demo")
        assert is_live(product, "over_srt")
    finally:
        end(publisher)
    wait_until(lambda: not is_live(product, "over_srt"), SLOW_S, "the end is passed on")
    for key in (over_rtmp["streamKey"], over_srt["streamKey"], "sk_that_is_nobody_s"):
        assert key not in product.log()

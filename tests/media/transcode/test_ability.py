"""Which encoder a node uses."""

import pytest
from structlog.testing import capture_logs

from config import encoders
from media.transcode import ability
from media.transcode.ability import able_encoder
from media.transcode.encoders import CANDIDATES


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write down what is tried; only SVT-AV1 works."""
    tried: list[str] = []

    async def trial(name: str) -> str:
        tried.append(name)
        return "" if name == "libsvtav1" else "no card"

    monkeypatch.setattr(encoders, "trial", trial)
    monkeypatch.setattr(ability, "_tried", {})
    return tried


async def test_an_able_encoder_is_used_as_it_was_asked_for(trials: list[str]) -> None:
    assert await able_encoder("libsvtav1", "9") == ("libsvtav1", "9")
    assert await able_encoder("libx264", "superfast") == ("libx264", "superfast")
    assert trials == ["libsvtav1"]


async def test_another_gives_way_to_libx264_with_one_trial_and_one_warning(trials: list[str]) -> None:
    with capture_logs() as lines:
        assert await able_encoder("h264_nvenc", "p4") == ("libx264", "veryfast")
        assert await able_encoder("h264_nvenc", "p4") == ("libx264", "veryfast")
    assert trials == ["h264_nvenc"]
    assert lines == [
        {
            "event": "encoder not able",
            "log_level": "warning",
            "wanted": "h264_nvenc",
            "used": "libx264",
            "reason": "no card",
        }
    ]


def test_the_settings_and_the_child_know_the_same_encoders_and_presets() -> None:
    assert set(encoders.PRESETS) == set(CANDIDATES)
    for name, candidate in CANDIDATES.items():
        if candidate.presets:
            assert encoders.PRESETS[name] == candidate.presets
            assert encoders.USUAL_PRESETS[name] == candidate.default_preset

"""One key for each purpose, all from SECRET_KEY."""

import pytest

from engine import keys
from engine.settings import load
from tests.architecture.house import of

pytestmark = pytest.mark.usefixtures("environment")


def test_a_key_stays_the_same_for_good_and_is_another_for_each_purpose() -> None:
    """The figure is written down because sealed addresses must be readable by the next version, too."""
    assert keys.derive("access tokens").hex() == "da0be23d3f402c08fe2cd55892fa1ca830e3785f9b2793717d30c467bfd59e0f"
    assert keys.derive("stream tickets") != keys.derive("access tokens")
    assert len(keys.derive("stream tickets")) == 32


def test_another_secret_gives_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys.derive("access tokens")
    monkeypatch.setenv("SECRET_KEY", "another-key-for-tests-of-32-bytes-or-more")
    load.cache_clear()
    try:
        assert keys.derive("access tokens") != before
    finally:
        monkeypatch.undo()
        load.cache_clear()
    assert keys.derive("access tokens") == before


def test_every_purpose_the_module_lists_is_in_use_and_has_a_key_of_its_own() -> None:
    purposes = (keys.__doc__ or "").partition("Purposes in use: ")[2].rstrip(".\n ").split(", ")
    written = {string for module in of("engine", "api") for _, string in module.strings()}
    assert set(purposes) <= written
    assert len({keys.derive(purpose) for purpose in purposes}) == len(purposes) > 1

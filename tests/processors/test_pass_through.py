from __future__ import annotations

from videoflow.processors import IdentityProcessor, JoinerProcessor


def test_identity_returns_the_very_item() -> None:
    """IdentityProcessor changes nothing and copies nothing."""
    item = object()

    assert IdentityProcessor().process(item) is item


def test_joiner_returns_its_inputs_in_order() -> None:
    """JoinerProcessor makes one tuple of its inputs, None among them."""
    assert JoinerProcessor().process(1, None, "c") == (1, None, "c")
    assert JoinerProcessor().process(1) == (1,)

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from videoflow.data import Frame, Stamp
from videoflow.errors import LeaseError
from videoflow.runtime.board import create_memory
from videoflow.runtime.copies import copying_cloudpickle, copying_pickle
from videoflow.runtime.device import HOST_ONLY
from videoflow.runtime.payload import (
    LARGE_BYTES,
    AnyPlace,
    Loader,
    Local,
    Packed,
    Place,
    pack,
)
from videoflow.runtime.rings import WorkerRings
from videoflow.runtime.slots import Block, HostRing, Ref

RING = 5


class Road:
    """The way of values from one node to the next, with the node's slots."""

    def __init__(self, fd: int) -> None:
        self.ring = HostRing(RING, fd)
        self.loader = Loader(WorkerRings({RING: fd}, HOST_ONLY))
        self.num_slots = 0

    def new_slot(self, num_bytes: int, device: object = None) -> Block:
        self.num_slots += 1
        return self.ring.lend(self.num_slots, num_bytes)

    def send(self, value: Any, *places: AnyPlace) -> Any:
        return pack(value, places, self.new_slot)

    def trip(self, value: Any) -> Any:
        return self.loader.load(self.send(value))[0]


@pytest.fixture
def road() -> Iterator[Road]:
    fd = create_memory("test", 0)
    one = Road(fd)
    yield one
    one.__dict__.clear()  # its mappings hold the memory
    os.close(fd)


@pytest.mark.parametrize(
    "value",
    [3, -1.5, True, "text", None, 2j, (), (1, None, "a"), [1, {"a": {2}}], b"bytes"],
    ids=repr,
)  # fmt: skip
def test_plain_values_come_back(road: Road, value: Any) -> None:
    """Values without arrays come back equal, and take no slot."""
    back = road.trip(value)

    assert back == value
    assert type(back) is type(value)
    assert road.num_slots == 0


@pytest.mark.parametrize("value", [3, 1.5, False, "text", None])
def test_small_plain_values_are_not_pickled(road: Road, value: Any) -> None:
    """The commonest values travel as they are."""
    assert road.send(value) is value
    assert road.loader.load(value) == (value, ())


LARGE = np.arange(4 * 60 * 80, dtype=np.int32).reshape(4, 60, 80)
RECORD = np.zeros(2000, dtype=[("box", "<f4", (4,)), ("label", "U3")])
RECORD["box"] = np.arange(8000).reshape(2000, 4)


@pytest.mark.parametrize(
    ("array", "num_slots"),
    [
        pytest.param(np.zeros((0, 4), np.float32), 0, id="empty"),
        pytest.param(np.array(7), 0, id="scalar"),
        pytest.param(np.arange(LARGE_BYTES - 1, dtype=np.uint8), 0, id="small"),
        pytest.param(np.arange(LARGE_BYTES, dtype=np.uint8), 1, id="large"),
        pytest.param(LARGE, 1, id="three-dimensions"),
        pytest.param(LARGE.transpose(2, 0, 1), 1, id="transposed"),
        pytest.param(np.asfortranarray(LARGE), 1, id="fortran"),
        pytest.param(LARGE[::2, :, ::3], 1, id="strided"),
        pytest.param(LARGE[:, ::-1, ::-1], 1, id="negative-strides"),
        pytest.param(np.broadcast_to(np.arange(80), (60, 80)), 1, id="broadcast"),
        pytest.param(RECORD, 1, id="structured"),
        pytest.param(RECORD["box"], 1, id="field-of-structured"),
        pytest.param(LARGE.astype(">i4"), 1, id="big-endian"),
        pytest.param(LARGE > 9, 1, id="bool"),
        pytest.param(np.full(3000, "word"), 1, id="text"),
        pytest.param(np.full(3000, {"a": 1}, dtype=object), 0, id="objects"),
        pytest.param(LARGE.astype("datetime64[s]"), 1, id="dates"),
    ],
)
def test_arrays_come_back(road: Road, array: Any, num_slots: int) -> None:
    """Arrays of every layout come back equal; the large ones lie in slots."""
    back, places = road.loader.load(road.send({"array": array}))

    got = back["array"]
    assert got.dtype == array.dtype
    assert got.shape == array.shape
    np.testing.assert_array_equal(got, array)
    assert (road.num_slots, len(places)) == (num_slots, num_slots)
    assert got.flags.writeable == (num_slots == 0)


PIXELS = torch.arange(3 * 40 * 60, dtype=torch.uint8).reshape(3, 40, 60)
INTERLEAVED = PIXELS.permute(1, 2, 0).contiguous().permute(2, 0, 1)


@pytest.mark.parametrize(
    ("tensor", "num_slots"),
    [
        pytest.param(torch.zeros(0, 4), 0, id="empty"),
        pytest.param(torch.tensor(7), 0, id="scalar"),
        pytest.param(PIXELS[:, :4, :4], 0, id="small-view-of-large"),
        pytest.param(PIXELS, 1, id="large"),
        pytest.param(PIXELS.float().to(torch.bfloat16), 1, id="bfloat16"),
        pytest.param(torch.ones(4, dtype=torch.bfloat16), 0, id="bfloat16-small"),
        pytest.param(PIXELS.half(), 1, id="float16"),
        pytest.param(PIXELS > 9, 1, id="bool"),
        pytest.param(
            PIXELS.repeat(2, 1, 1).view(2, 3, 40, 60).to(memory_format=torch.channels_last),
            1,
            id="channels-last",
        ),
        pytest.param(INTERLEAVED, 1, id="channels-last-view"),
        pytest.param(PIXELS.repeat(2, 1, 1)[::2], 1, id="strided"),
        pytest.param(PIXELS.repeat(4, 1, 1)[3:6], 1, id="rows-of-a-batch"),
        pytest.param(PIXELS.float().requires_grad_(), 1, id="requires-grad"),
    ],
)  # fmt: skip
def test_tensors_come_back(road: Road, tensor: torch.Tensor, num_slots: int) -> None:
    """Tensors come back with their dtype; a row does not drag its batch along."""
    back, places = road.loader.load(road.send((tensor,)))

    got = back[0]
    assert got.dtype == tensor.dtype
    assert torch.equal(got, tensor.detach())
    assert (road.num_slots, len(places)) == (num_slots, num_slots)
    assert sum(place.ref.num_bytes for place in places) <= tensor.nbytes


def test_a_channels_last_view_arrives_as_one(road: Road) -> None:
    """A picture whose channels lie together in memory keeps them so."""
    tensor = torch.arange(40 * 60 * 3, dtype=torch.uint8).view(40, 60, 3).permute(2, 0, 1)

    got = road.trip(tensor)

    assert got.stride() == (1, 180, 3)
    assert torch.equal(got, tensor)


def test_an_input_is_named_and_not_copied(road: Road) -> None:
    """An input that goes on, or a view of it, travels by name."""
    arrived, places = road.loader.load(road.send(LARGE))

    again, new_places = road.loader.load(road.send((arrived[1:3], arrived[:, ::-1]), *places))

    assert road.num_slots == 1
    assert [place.ref.block for place in new_places] == [places[0].ref.block] * 2
    np.testing.assert_array_equal(again[0], LARGE[1:3])
    np.testing.assert_array_equal(again[1], LARGE[:, ::-1])


def test_an_array_that_stands_twice_is_copied_once(road: Road) -> None:
    """The same array in two places of a value takes one slot, and arrives as one."""
    back, _ = road.loader.load(road.send([LARGE, {"again": LARGE}]))

    assert road.num_slots == 1
    assert back[0] is back[1]["again"]


def test_what_lies_in_the_nodes_own_slot_is_not_copied(road: Road) -> None:
    """A view of a slot that the node asked for travels by name."""
    block = road.new_slot(LARGE.nbytes)
    array = np.ndarray(LARGE.shape, LARGE.dtype, block.view)
    array[:] = LARGE

    back, _ = road.loader.load(road.send((array, array.T), Place.of(block)))

    assert road.num_slots == 1
    np.testing.assert_array_equal(back[1], LARGE.T)


def frame(index: int = 0, *, layout: Any = "nv12") -> Frame:
    shape = (96, 64) if layout == "nv12" else (3, 64, 64)
    buffer = torch.full(shape, index, dtype=torch.uint8)
    return Frame(buffer, Stamp("cam", index, index / 10, (64, 64)), layout=layout)


def unwrap(value: Any) -> Frame:
    while not isinstance(value, Frame):
        value = value["a"][0] if isinstance(value, dict) else value[1]
    return value


@pytest.mark.parametrize("layout", ["nv12", "rgb"])
@pytest.mark.parametrize(
    "wrap",
    [lambda f: f, lambda f: (1, f), lambda f: {"a": [f, np.zeros(5000)]}],
    ids=["bare", "tuple", "nested"],
)
def test_frames_come_back_lent(road: Road, layout: Any, wrap: Callable[[Frame], Any]) -> None:
    """A frame arrives with its stamp and pixels, under the lease of its slot."""
    sent = frame(3, layout=layout)

    got = unwrap(road.trip(wrap(sent)))

    assert (got.stamp, got.layout, got.color) == (sent.stamp, sent.layout, sent.color)
    assert torch.equal(got.pixels, sent.pixels)
    road.ring.lend(1, 100)
    with pytest.raises(LeaseError):
        _ = got.pixels


def test_a_small_frame_belongs_to_its_holder(road: Road) -> None:
    """A frame that travels inside the message has no slot, and its lease never ends."""
    small = Frame(torch.zeros((3, 2), dtype=torch.uint8), Stamp("cam", 0, 0.0, (2, 2)))

    got = road.trip([small])[0]

    assert road.num_slots == 0
    assert got.pixels.shape == (3, 2)


def test_frames_of_two_slots_have_leases_of_their_own(road: Road) -> None:
    """Each frame in a value knows its own slot."""
    first, second = road.trip((frame(1), frame(2)))

    road.ring.lend(2, 100)

    assert (first.pixels == 1).all()
    with pytest.raises(LeaseError):
        _ = second.pixels


def test_local_values_stay_as_they_are(road: Road) -> None:
    """Between nodes of one worker a value is the same object, with the places it shows."""
    value = object()
    place = Place(Ref(RING, 0, 4096, 1, 1), memoryview(bytearray(1)), 0)

    assert road.loader.load(Local(value, (place,))) == (value, (place,))


def make_local_class() -> Any:
    class OfMain:
        def __init__(self, array: Any) -> None:
            self.array = array

    OfMain.__module__ = "__main__"
    OfMain.__qualname__ = "OfMain"
    return OfMain


def test_classes_of_main_travel_by_value(road: Road) -> None:
    """What plain pickle refuses, because its class lives in ``__main__``, still travels."""
    kind = make_local_class()

    back, places = road.loader.load(road.send([kind(LARGE), kind(lambda: 3)]))

    np.testing.assert_array_equal(back[0].array, LARGE)
    assert back[1].array() == 3
    assert len(places) == 1


def test_what_cannot_be_pickled_raises(road: Road) -> None:
    """An object that nobody can send raises what pickle says."""
    with pytest.raises(TypeError, match="cannot pickle"):
        road.send(sys._getframe())


def test_a_message_is_small(road: Road) -> None:
    """The pixels of a frame are not in the message."""
    packed = road.send(frame())

    assert isinstance(packed, Packed)
    assert len(packed.data) < 1000


@pytest.mark.parametrize("copy", [copying_pickle, copying_cloudpickle])
def test_copies_are_the_readers_own(road: Road, copy: Callable[[Any], bytes]) -> None:
    """What goes to the caller is a copy: writable, and without an end to its lease."""
    import pickle

    array, tensor, got = road.trip((LARGE, PIXELS, frame(4)))

    back = pickle.loads(copy((array, tensor[1:], got)))

    road.ring.lend(1, 10)
    road.ring.lend(2, 10)
    road.ring.lend(3, 10)
    np.testing.assert_array_equal(back[0], LARGE)
    back[0][:] = 0
    assert torch.equal(back[1], PIXELS[1:])
    assert back[1].untyped_storage().nbytes() == PIXELS[1:].nbytes
    assert (back[2].pixels == 4).all()

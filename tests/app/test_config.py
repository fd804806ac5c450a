"""What a config may say, and how it is told what is wrong with it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from videoflow.app.config import FlowConfig, read_config
from videoflow.app.node_types import OLD_NAMES, find_node_class, own_node_types
from videoflow.consumers import CommandlineConsumer, WebhookConsumer
from videoflow.errors import ConfigError
from videoflow.processors.aggregators import MaxAggregator, SumAggregator
from videoflow.producers import IntProducer

GOOD = """\
flow:
  name: ${title}
  type: batch
inputs:
  last: {help: the last number}
  title: {default: sums, help: a name}
  step_seconds: {default: 0}
nodes:
  print:
    type: CommandlineConsumer
    from: [sum, count]
    sep: " of ${title}, "
  count:
    type: IntProducer
    end: ${last}
    wait_time_in_seconds: ${step_seconds}
  sum:
    type: SumAggregator
    from: count
    on_error: skip
"""


def read(folder: Path, text: str, **settings: str) -> FlowConfig:
    path = folder / "flow.yaml"
    path.write_text(text)
    return read_config(path, settings)


def test_reads_a_config(tmp_path: Path) -> None:
    """Nodes come parents first, with classes, parents and arguments in their right types."""
    config = read(tmp_path, GOOD, last="40", step_seconds="0.25")

    count, total, printer = config.nodes
    assert config.options == {"name": "sums", "flow_type": "batch"}
    assert (count.name, count.node_class, count.parents) == ("count", IntProducer, ())
    assert count.arguments == {"name": "count", "end": 40, "wait_time_in_seconds": 0.25}
    assert (total.name, total.node_class, total.parents) == ("sum", SumAggregator, ("count",))
    assert total.arguments == {"name": "sum", "on_error": "skip"}
    assert (printer.node_class, printer.parents) == (CommandlineConsumer, ("sum", "count"))
    assert printer.arguments == {"name": "print", "sep": " of sums, "}


def test_the_name_of_the_file_is_the_name_of_the_flow(tmp_path: Path) -> None:
    """Without a name, and without a flow section at all, the flow is called like its file."""
    text = "nodes: {a: {type: IntProducer}, b: {type: VoidConsumer, from: a}}"

    assert read(tmp_path, text).options == {"name": "flow"}


def test_a_class_beside_the_config_is_found(tmp_path: Path) -> None:
    """package.module:ClassName may name a module in the folder of the config."""
    (tmp_path / "nodes_of_mine.py").write_text(
        "from videoflow.core.node import ConsumerNode\n"
        "class Teller(ConsumerNode):\n"
        "    def __init__(self, words, *, loud=False):\n"
        "        super().__init__()\n"
        "    def consume(self, item):\n"
        "        pass\n"
    )
    text = (
        "nodes:\n"
        "  a: {type: IntProducer}\n"
        "  b: {type: 'nodes_of_mine:Teller', from: a, words: {any: [thing]}}\n"
    )

    teller = read(tmp_path, text).nodes[1]

    assert teller.node_class.__name__ == "Teller"
    assert teller.arguments == {"words": {"any": ["thing"]}}  # and no name: it takes none


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        pytest.param(
            "type: batch",
            "typ: batch",
            3,
            "$.flow.typ: got unknown key 'typ', want one of name, placement, tickets, type\n"
            "  help: did you mean 'type'?",
            id="unknown-flow-key",
        ),
        pytest.param(
            "nodes:",
            "node:",
            8,
            "$.node: got unknown key 'node', want one of flow, inputs, nodes\n"
            "  help: did you mean 'nodes'?",
            id="no-nodes",
        ),
        pytest.param(
            "flow:\n",
            "flows: {}\nflow:\n",
            1,
            "$.flows: got unknown key 'flows', want one of flow, inputs, nodes\n"
            "  help: did you mean 'flow'?",
            id="unknown-section",
        ),
        pytest.param(
            "type: batch",
            "type: fast",
            3,
            "$.flow.type: got 'fast' (str), want one of 'auto', 'realtime', 'batch'",
            id="no-such-flow-type",
        ),
        pytest.param(
            "sep:",
            "sepp:",
            12,
            "$.nodes.print.sepp: got unknown key 'sepp', want one of device, end, from, "
            "max_failures, nb_tasks, num_threads, on_error, restarts, sep, type\n"
            "  help: did you mean 'sep'?",
            id="unknown-argument",
        ),
        pytest.param(
            "end: ${last}",
            "end: '16'",
            15,
            "$.nodes.count.end: got '16' (str), want int or null\n  help: remove the quotes",
            id="quoted-number",
        ),
        pytest.param(
            "on_error: skip",
            "on_error: ignore",
            20,
            "$.nodes.sum.on_error: got 'ignore' (str), want one of 'stop', 'skip'",
            id="no-such-option-value",
        ),
        pytest.param(
            "type: SumAggregator",
            "type: SumAgregator",
            18,
            "$.nodes.sum.type: got unknown node type 'SumAgregator', want one of ",
            id="unknown-node-type",
        ),
        pytest.param(
            "type: SumAggregator",
            "type: nowhere.at_all:Node",
            18,
            "$.nodes.sum.type: got node type 'nowhere.at_all:Node': No module named 'nowhere'",
            id="unknown-module",
        ),
        pytest.param(
            "type: SumAggregator",
            "type: videoflow.core.node:SumNode",
            18,
            "$.nodes.sum.type: got unknown name in videoflow.core.node 'SumNode', want one of ",
            id="unknown-class-in-module",
        ),
        pytest.param(
            "type: SumAggregator",
            "type: builtins:int",
            18,
            "$.nodes.sum.type: got node type 'builtins:int', which is <class 'int'>, "
            "want a class of node",
            id="no-node",
        ),
        pytest.param(
            "from: count",
            "from: counter",
            19,
            "$.nodes.sum.from: got unknown node 'counter', want one of count, print\n"
            "  help: did you mean 'count'?",
            id="unknown-parent",
        ),
        pytest.param(
            "    from: count\n",
            "",
            17,
            "$.nodes.sum: got no parents, want from: and the node that this SumAggregator gets "
            "its input from",
            id="no-parents",
        ),
        pytest.param(
            "    type: IntProducer\n",
            "    type: IntProducer\n    from: sum\n",
            15,
            "$.nodes.count.from: a IntProducer is a producer and takes no parents",
            id="parents-of-a-producer",
        ),
        pytest.param(
            "from: count",
            "from: print",
            11,
            "$.nodes.print.from: got a circle: print <- sum <- print",
            id="circle",
        ),
        pytest.param(
            "from: [sum, count]",
            "from: count",
            17,
            "$.nodes.sum: nobody takes what this node puts out\n"
            "  help: take the node away, or say from: sum in another one",
            id="nobody-takes-it",
        ),
        pytest.param(
            "from: count",
            "from: {count: 1}",
            19,
            "$.nodes.sum.from: got {'count': 1}, want the name of a node, or a list of names",
            id="strange-parents",
        ),
        pytest.param(
            "  sum:\n    type: SumAggregator\n",
            "  sum:\n",
            17,
            "$.nodes.sum: got no type, want type: and the arguments of that type",
            id="no-type",
        ),
        pytest.param(
            "  print:\n",
            "  Print:\n",
            9,
            "$.nodes.Print: got the name 'Print', want lower case: a-z, 0-9, - and _",
            id="upper-case-name",
        ),
        pytest.param(
            "  sum:\n",
            "  count:\n",
            17,
            "$.nodes.count: got the key a second time, first in line 13",
            id="twice-the-same-key",
        ),
        pytest.param(
            "end: ${last}",
            "end: ${lasst}",
            15,
            "$.nodes.count.end: got unknown input 'lasst', want one of last, step_seconds, "
            "title\n  help: did you mean 'last'?",
            id="unknown-input",
        ),
        pytest.param(
            "{default: sums, help: a name}",
            "{default: null}",
            12,
            "$.nodes.print.sep: input 'title' is null and cannot be part of a text\n"
            "  help: add --set title=... or give it a default",
            id="null-inside-a-text",
        ),
        pytest.param(
            "{help: the last number}",
            "{halp: the last number}",
            5,
            "$.inputs.last.halp: got unknown key 'halp', want one of choices, default, "
            "example, help, many, per_stream_of\n  help: did you mean 'help'?",
            id="unknown-input-key",
        ),
        pytest.param(
            "{help: the last number}",
            "40",
            5,
            "$.inputs.last: got 40, want a mapping with help and default\n"
            "  help: last: {default: 40}",
            id="input-without-mapping",
        ),
    ],
)
def test_says_what_is_wrong_and_where(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    """Every mistake in a config is told with file, line, key, what came and what is wanted."""
    assert GOOD.count(old) >= 1
    text = GOOD.replace("name: ${title}", "name: sums") if "null" in new else GOOD

    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text.replace(old, new, 1), last="40")

    assert str(caught.value).startswith(f"{tmp_path / 'flow.yaml'}:{line}, {message}")


def test_the_nearest_node_type_is_offered(tmp_path: Path) -> None:
    """A misspelt node type is answered with the right one, not only with all of them."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace("SumAggregator", "SumAgregator"), last="4")

    assert caught.value.help == "did you mean 'SumAggregator'?"


@pytest.mark.parametrize("word", ["VideofileWriter", "VideofileReader"])
def test_an_old_name_works_and_is_never_offered(tmp_path: Path, word: str) -> None:
    """Who misspells a name is told the one in use, not the one of 2020."""
    assert find_node_class(word, folder=tmp_path).__name__ != word

    with pytest.raises(ConfigError) as caught:
        find_node_class(f"{word}s", folder=tmp_path)

    assert caught.value.help == f"did you mean {word.replace('f', 'F')!r}?"


def test_every_second_name_is_known_as_an_old_one() -> None:
    """A name under which a class does not know itself is one that no message proposes."""
    types = own_node_types().items()

    second = {n for n, package in types if getattr(import_module(package), n).__name__ != n}

    assert second == OLD_NAMES


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {},
            ":5, $.inputs.last: got no value for 'last', want: the last number\n"
            "  help: add --set last=...",
            id="missing-input",
        ),
        pytest.param(
            {"last": "3", "titel": "x"},
            ": --set: got unknown input 'titel', want one of last, step_seconds, title\n"
            "  help: did you mean 'title'?",
            id="unknown-input",
        ),
        pytest.param(
            {"last": "many"},
            ":15, $.nodes.count.end: got last=many, want int or null\n"
            "  help: last is the last number",
            id="wrong-type",
        ),
    ],
)
def test_says_what_is_wrong_with_a_setting(
    tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    """A missing, unknown or unfit --set is told with the input's help text."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD, **settings)

    assert str(caught.value) == f"{tmp_path / 'flow.yaml'}{message}"


CHOICE = """\
inputs:
  kind: {default: sum, choices: {sum: SumAggregator, max: MaxAggregator}}
  loud: {default: "no", choices: ["no", "yes"]}
nodes:
  a: {type: IntProducer}
  b: {type: "${kind}", from: a}
  c: {type: CommandlineConsumer, from: b, sep: "${loud}"}
"""


@pytest.mark.parametrize(
    ("settings", "kind", "sep"),
    [
        pytest.param({}, SumAggregator, "no", id="defaults"),
        pytest.param({"kind": "max", "loud": "yes"}, MaxAggregator, "yes", id="set"),
    ],
)
def test_a_word_chooses(tmp_path: Path, settings: dict[str, str], kind: type, sep: str) -> None:
    """A word of choices stands for its value, a node's type too; in a list, for itself."""
    _, node, printer = read(tmp_path, CHOICE, **settings).nodes

    assert node.node_class is kind
    assert printer.arguments["sep"] == sep


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "default: sum",
            "default: summ",
            "2, $.inputs.kind: got unknown kind 'summ', want one of max, sum\n"
            "  help: did you mean 'sum'?",
            id="unknown-word",
        ),
        pytest.param(
            "default: sum", "default: 3", "2, $.inputs.kind: got unknown kind '3'", id="3"
        ),
        pytest.param(
            '["no", "yes"]', "[]", "3, $.inputs.loud.choices: want a list of words", id="none"
        ),
        pytest.param(
            '["no", "yes"]', "7", "3, $.inputs.loud.choices: want a list", id="no-list"
        ),
    ],
)
def test_says_what_is_wrong_with_a_choice(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    """A word that there is not is told with those that there are."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, CHOICE.replace(old, new))

    assert str(caught.value).startswith(f"{tmp_path / 'flow.yaml'}:{message}")


def test_a_set_word_is_looked_up_too(tmp_path: Path) -> None:
    """What --set says must be one of the words, not one of their values."""
    with pytest.raises(ConfigError, match="unknown kind 'SumAggregator', want one of max, sum"):
        read(tmp_path, CHOICE, kind="SumAggregator")


def test_says_which_argument_is_missing(tmp_path: Path) -> None:
    """An argument without a default has to be there."""
    text = "nodes: {a: {type: IntProducer}, b: {type: WebhookConsumer, from: a}}"

    with pytest.raises(ConfigError, match=r"\$\.nodes\.b: got no 'url', want url: str"):
        read(tmp_path, text)


def test_a_consumer_has_no_children(tmp_path: Path) -> None:
    """A consumer in another node's from is told by its class."""
    text = (
        "nodes:\n  a: {type: IntProducer}\n  b: {type: VoidConsumer, from: a}\n"
        "  c: {type: VoidConsumer, from: b}\n"
    )

    with pytest.raises(
        ConfigError, match=r":4, \$.nodes.c.from: got 'b', a VoidConsumer, which"
    ):
        read(tmp_path, text)


def test_a_mapping_goes_to_who_wants_one(tmp_path: Path) -> None:
    """Arguments may be nested values; inputs inside them are filled in."""
    text = (
        "inputs: {token: {}}\n"
        "nodes:\n  a: {type: IntProducer}\n"
        "  b: {type: WebhookConsumer, from: a, url: 'http://h/',"
        " headers: {X: 'Key ${token}'}}\n"
    )

    webhook = read(tmp_path, text, token="7").nodes[1]

    assert webhook.node_class is WebhookConsumer
    assert webhook.arguments["headers"] == {"X": "Key 7"}

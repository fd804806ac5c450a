"""The command line of the model shelf: ``videoflow models list | show | fetch | check``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from videoflow.app.cli_completion import complete_model
from videoflow.app.cli_verbs import WordGroup
from videoflow.app.exit_codes import WRONG_INPUT, exit_code

__all__ = ["models_app"]

models_app = typer.Typer(
    cls=WordGroup,
    no_args_is_help=True,
    help="What is on the model shelf; its weights, and whether they work.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A name on the shelf, or a model's folder.",
        autocompletion=complete_model,
    ),
]
AllowOption = Annotated[
    bool,
    typer.Option(
        "--allow-unknown-checksum",
        help="Take a file whose checksum nobody knows, and note its checksum.",
    ),
]


@models_app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models of the shelf, and whether their weights are here.

    Weights are looked for in the folders of `VIDEOFLOW_WEIGHTS`, then in the cache, which
    `VIDEOFLOW_CACHE` may name.

        videoflow models list --json
    """
    from videoflow.app.model_pages import facts, list_table, print_text
    from videoflow.nets.card import load_card
    from videoflow.nets.shelf import model_names

    with exit_code(WRONG_INPUT):
        found = [facts(load_card(name)) for name in model_names()]
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print_text(list_table(found))


@models_app.command()
def show(name: ModelArgument, as_json: JsonOption = False) -> None:
    """Show a model's card: licence, weights, what it takes and gives, labels.

    videoflow models show yolox_nano
    """
    from videoflow.app.model_pages import card_page, facts, print_text
    from videoflow.nets.card import load_card

    with exit_code(WRONG_INPUT):
        card = load_card(name)
    if as_json:
        print(json.dumps(facts(card) | card.model_dump(mode="json"), indent=2))
    else:
        print_text(card_page(card))


@models_app.command()
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="Names on the shelf, or models' folders.",
            autocompletion=complete_model,
        ),
    ],
    allow_unknown_checksum: AllowOption = False,
    as_json: JsonOption = False,
) -> None:
    """Have the weights of models here: download what is missing, and check all.

    videoflow models fetch yolox_nano osnet_retail_0248
    """
    from videoflow.app.working import show_working
    from videoflow.nets.card import load_card
    from videoflow.nets.weights import find_weights

    files = {}
    with exit_code(WRONG_INPUT):
        cards = {name: load_card(name) for name in names}  # a wrong name: before all else
        for name, card in cards.items():
            with show_working(f"checking {card.weights.file}"):
                files[name] = find_weights(card, allow_unknown_checksum=allow_unknown_checksum)
    if as_json:
        print(json.dumps({name: str(file) for name, file in files.items()}, indent=2))
    else:
        for name, file in files.items():
            print(f"{name}: {file}")


@models_app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            help="Those whose weights are here, if none.",
            autocompletion=complete_model,
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    allow_unknown_checksum: AllowOption = False,
    as_json: JsonOption = False,
) -> None:
    """Load models and run them: batched and one by one must find the same.

    The exit code is 2 where one does not.

        videoflow models check yolox_nano --device cpu
    """
    from videoflow.app.model_check import check_model, here
    from videoflow.app.working import show_working
    from videoflow.errors import VideoflowError
    from videoflow.nets.card import load_card
    from videoflow.nets.load import resolve_device

    with exit_code(WRONG_INPUT):
        resolve_device(device)
        for name in names or ():
            load_card(name)  # a wrong name is told before all else
        results = []
        for name in names or here():
            try:
                with show_working(f"checking {name}"):
                    result = check_model(
                        name, device=device, allow_unknown_checksum=allow_unknown_checksum
                    )
            # Foreign code is run here, to hear what is wrong with it.
            except (VideoflowError, RuntimeError, TypeError, ValueError) as error:
                result = {"name": name, "ok": False, "problem": str(error)}
            results.append(result)
            if not as_json:
                print(result_line(result), flush=True)
    if as_json:
        print(json.dumps(results, indent=2))
    if not all(result["ok"] for result in results):
        raise typer.Exit(WRONG_INPUT)


def result_line(result: dict[str, object]) -> str:
    """Return a line for people about what ``check_model`` found."""
    if result["ok"]:
        return f"{result['name']}: ok, {result['ms_per_frame']:.1f} ms a frame of 640 x 480"
    return f"{result['name']}: {result['problem']}"

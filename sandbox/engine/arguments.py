"""The command line, with the words and flags of the Pulumi CLI."""

import os
import sys
from dataclasses import dataclass, fields

from sandbox.engine.refusals import Refusal


@dataclass(frozen=True)
class Arguments:
    """What was asked for; every member has the name of its flag."""

    command: str
    stack: str = ""
    cwd: str = ""
    color: str = ""
    file: str = ""
    config_file: str = ""
    yes: bool = False
    non_interactive: bool = False
    diff: bool = False
    json: bool = False
    expect_no_changes: bool = False
    preview_only: bool = False
    refresh: bool = False
    skip_preview: bool = False
    clear_pending_creates: bool = False
    create: bool = False


_SWITCHES = {member.name.replace("_", "-") for member in fields(Arguments) if member.type is bool}
_FLAGS = {
    "preview": "stack diff config-file json expect-no-changes refresh",
    "up": "stack diff config-file yes skip-preview expect-no-changes refresh",
    "refresh": "stack diff config-file json yes skip-preview expect-no-changes preview-only clear-pending-creates",
    "destroy": "stack diff config-file yes skip-preview preview-only refresh",
    "stack init": "stack",
    "stack select": "stack create",
    "stack export": "stack file",
    "cancel": "stack yes",
}
_GLOBAL = "color cwd non-interactive"
_SHORT = {"s": "stack", "C": "cwd", "y": "yes", "f": "skip-preview", "j": "json", "r": "refresh", "c": "create"}


def parse(words: list[str]) -> Arguments:
    """Return the arguments of one run; what Pulumi knows and the rehearsal does not is refused by its name."""
    plain, flags = _split(words)
    command = " ".join(plain[:2] if plain[:1] == ["stack"] else plain[:1])
    if command not in _FLAGS:
        raise Refusal(f'unknown command "{" ".join(plain)}" for the rehearsal; known: {", ".join(_FLAGS)}')
    names = plain[len(command.split()) :]
    if names and command in {"stack init", "stack select", "cancel"}:
        flags.setdefault("stack", names.pop(0))
    if names:
        raise Refusal(f"unexpected argument: {names[0]}")
    for flag in flags:
        if flag not in f"{_FLAGS[command]} {_GLOBAL}".split():
            raise Refusal(f"unknown flag: --{flag}")
    flags.setdefault("stack", os.environ.get("PULUMI_STACK", ""))
    switches = {flag: text in {"", "true", "1"} for flag, text in flags.items() if flag in _SWITCHES}
    members = {flag.replace("-", "_"): value for flag, value in {**flags, **switches}.items()}
    arguments = Arguments(command, **members)  # type: ignore[arg-type]
    _refuse_unconfirmed(arguments)
    return arguments


def _split(words: list[str]) -> tuple[list[str], dict[str, str]]:
    rest, plain = list(words), []
    flags: dict[str, str] = {}
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            plain.append(word)
            continue
        name, given, text = word.partition("=")
        flag = name[2:] if name.startswith("--") else _SHORT.get(name[1:], "")
        if flag.replace("-", "_") not in Arguments.__dataclass_fields__ or flag == "command":
            raise Refusal(f"unknown flag: {name}")
        if flag not in _SWITCHES and not given:
            if not rest:
                raise Refusal(f"flag needs an argument: {name}")
            text = rest.pop(0)
        flags[flag] = text
    return plain, flags


def _refuse_unconfirmed(arguments: Arguments) -> None:
    if arguments.command == "refresh" and arguments.json and not arguments.preview_only:
        raise Refusal("--json is rehearsed only with preview and with refresh --preview-only")
    asks = arguments.command in {"up", "refresh", "destroy"} and not arguments.preview_only
    confirmed = arguments.yes or arguments.skip_preview or os.environ.get("PULUMI_SKIP_CONFIRMATIONS") == "true"
    if asks and not confirmed:
        where = "non-interactive mode" if arguments.non_interactive or not sys.stdin.isatty() else "a rehearsal"
        raise Refusal(
            f"--yes or --skip-preview or --preview-only must be passed in to proceed when running in {where}", 2
        )

"""The commands: which phases a run has, and how it ends."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.engine.arguments import Arguments, parse
from sandbox.engine.checkpoint import Checkpoint
from sandbox.engine.loopback import refuse_all_but_sandboxes
from sandbox.engine.phases import CANCELED, Result, Run
from sandbox.engine.project import Project, read_project
from sandbox.engine.refusals import Refusal
from sandbox.engine.snapshot import Snapshot

BANNER = "rehearsal, not Pulumi: the sandbox engine works on sandboxes of this machine only"
UNKNOWN_STACK = 6
CHANGED = 7
KINDS = {"preview": "update", "up": "update", "refresh": "refresh", "destroy": "destroy"}


def run(words: Sequence[str]) -> int:
    """Return the exit code Pulumi would give."""
    try:
        arguments = parse(list(words))
        _print_banner(arguments)
        return _dispatch(arguments, read_project(Path(arguments.cwd)))
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)  # noqa: T201
        return refusal.code


def _print_banner(arguments: Arguments) -> None:
    # A document on stdout stays a document.
    is_document = arguments.json or arguments.command == "stack export"
    print(BANNER, file=sys.stderr if is_document else sys.stdout, flush=True)


def _dispatch(arguments: Arguments, project: Project) -> int:
    stack = arguments.stack or _read_selection(project)
    checkpoint = Checkpoint.locate(project, stack)
    if arguments.command == "stack init" or (arguments.create and not checkpoint.exists()):
        _create(checkpoint, stack)
    if not checkpoint.exists():
        raise Refusal(f"no stack named '{stack}' found", UNKNOWN_STACK)
    if arguments.command.startswith("stack ") and arguments.command != "stack export":
        _selection(project).write_text(stack)
    elif arguments.command == "stack export":
        _export(checkpoint, arguments.file)
    elif arguments.command == "cancel":
        checkpoint.unlock()
        print(f"The currently running update for '{stack}' has been canceled!")  # noqa: T201
    else:
        return _run_phases(arguments, project, stack, checkpoint)
    return 0


def _run_phases(arguments: Arguments, project: Project, stack: str, checkpoint: Checkpoint) -> int:
    config = project.read_config(stack, arguments.config_file)
    refuse_all_but_sandboxes(config, checkpoint.read().resources.values())
    phases = Run(arguments, project, stack, checkpoint, config)
    phases.listen()
    kind = KINDS[arguments.command]
    if arguments.command == "preview" or arguments.preview_only:
        return _end(arguments, phases, phases.run_phase(kind, is_preview=True))
    with checkpoint.lock():
        if not arguments.skip_preview and phases.run_phase(kind, is_preview=True).has_failed:
            return 1
        result = phases.run_phase(kind, is_preview=False)
        if arguments.command == "destroy" and not result.has_failed:
            print("The resources in the stack have been deleted.")  # noqa: T201
        return _end(arguments, phases, result)


def _end(arguments: Arguments, phases: Run, result: Result) -> int:
    if phases.signals > 1:
        return CANCELED
    if result.has_failed:
        return 1
    if arguments.expect_no_changes and result.has_changes:
        what = KINDS[arguments.command] if arguments.command != "preview" else "preview"
        raise Refusal(f"no changes were expected for {what} but changes were proposed", CHANGED)
    return 0


def _create(checkpoint: Checkpoint, stack: str) -> None:
    if checkpoint.exists():
        raise Refusal(f"stack '{stack}' already exists")
    checkpoint.write(Snapshot())
    print(f"Created stack '{stack}'", file=sys.stderr)  # noqa: T201


def _export(checkpoint: Checkpoint, file: str) -> None:
    text = json.dumps(checkpoint.read().export(), indent=4, ensure_ascii=False)
    if file:
        Path(file).write_text(text + "\n")
    else:
        print(text)  # noqa: T201


def _selection(project: Project) -> Path:
    return project.backend / "rehearsal" / project.name / "selected"


def _read_selection(project: Project) -> str:
    try:
        return _selection(project).read_text()
    except FileNotFoundError as error:
        raise Refusal("no stack selected; please use `pulumi stack select` or pass --stack") from error

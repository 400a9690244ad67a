"""The command line beside Pulumi's: what can be asked without an engine."""

import importlib
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console

from qlik_provider.approval_file import ApprovalFile, draft_approval
from qlik_provider.changes import name_some
from qlik_provider.client import QlikClient
from qlik_provider.credentials import qlik_tokens
from qlik_provider.declaration import load_declaration
from qlik_provider.dispatches import ADDRESS, BODY, TOKEN, Dispatcher, Scheme, read_pipeline
from qlik_provider.errors import NotListening, QlikProviderError
from qlik_provider.joiner_report import JoinerReport, read_joiners
from qlik_provider.journal import journal_schema
from qlik_provider.leaver_inventory import read_ladder, read_leavers
from qlik_provider.membership_report import membership_schema
from qlik_provider.probing.findings import Finding, differ
from qlik_provider.probing.probe import Probe, Wish
from qlik_provider.probing.report import TenantFound, document_of, foot_of, head_of, lines_of, table_of
from qlik_provider.report import plan_schema
from qlik_provider.shapes import declaration_schemas
from qlik_provider.signatures import read_secret
from qlik_provider.stranger_report import StrangerReport, read_strangers

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DIFFERENT = 3  # the exit code of a probe that found something else than assumed
NOTHING_HELD = 4  # the exit code of an approve that found nothing to approve

_out, _err = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)


@app.callback()
def main() -> None:
    """Qlik Cloud licenses from Microsoft Entra groups; `pulumi preview` and `pulumi up` do the work."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="the folder of one stack's files, for example stacks/prod")],
) -> None:
    """Check the files of a stack offline; exit 1 with every fault at its file, line and path."""
    try:
        declaration = load_declaration(folder)
    except QlikProviderError as error:
        _err.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    members = sum(len(group.members or ()) for group in declaration.groups.values())
    groups, people = len(declaration.groups), len(declaration.people)
    _out.print(f"{folder}: no faults (groups {groups}, members {members}, exceptions {people})", markup=False)


@app.command()
def approve(
    folder: Annotated[Path, typer.Argument(help="the folder of one stack's files, for example stacks/prod")],
    reason: Annotated[str, typer.Option(help="why these people may lose what they have")],
    plans: Annotated[Path, typer.Option(envvar="QLIK_PLAN_DIR", help="where the last preview wrote its plans")],
    name: Annotated[str, typer.Option(help="of the file; left out: the day of the plans")] = "",
    expires: Annotated[str, typer.Option(help="the last day on which it counts, as 2026-11-09 or 7d")] = "7d",
    only: Annotated[list[str] | None, typer.Option(help="a mail or subject; left out: everybody held")] = None,
) -> None:
    """Write an approval file for the removals that the brake holds: exit 0 if written, 4 if nothing is held."""
    try:
        approval = draft_approval(folder, plans, name=name, reason=reason, expires=expires, only=only or ())
        if approval is not None:
            approval.write()
    except QlikProviderError as error:
        _err.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    if approval is None:
        _out.print(f"{plans}: nothing is held, so there is nothing to approve and nothing was written", markup=False)
        raise typer.Exit(NOTHING_HELD)
    _out.print("\n".join(_describe_approval(approval)), markup=False)


def _describe_approval(approval: ApprovalFile) -> list[str]:
    names = name_some([person.mail for person in approval.people])
    lines = [f"{approval.path}: approves {len(approval.people)} until {approval.expires}: {names}"]
    if approval.left:
        lines.append(f"still held: {len(approval.left)}: {name_some([person.mail for person in approval.left])}")
    return [
        *lines,
        "have it reviewed and merged; then `pulumi preview` shows these removals, and `pulumi up` sends them",
    ]


@app.command()
def probe(
    tenant: Annotated[str, typer.Option(envvar="QLIK_TENANT", help="https:// and the original hostname")] = "",
    *,
    write: Annotated[bool, typer.Option("--write", help="ask also what only writing answers")] = False,
    subject: Annotated[str, typer.Option(help="with --write: the test subject whose rows may be written")] = "",
    type: Annotated[str, typer.Option(help="with --subject: the license type to try with")] = "",
    user: Annotated[bool, typer.Option("--user", help="with --subject: create it as a user, and delete it")] = False,
    settings: Annotated[bool, typer.Option("--settings", help="with --write: try the license settings")] = False,
    in_use: Annotated[bool, typer.Option("--in-use", help="the subject may be a user, and hold a row")] = False,
    stack: Annotated[Path | None, typer.Option(help="never a subject that this stack protects")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="write without asking")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Compare a tenant with what the sandbox assumes of it: exit 0 if all is so, 3 if something differs, 1 on errors.

    Without --write nothing is written: whatever is no read is stopped before it is sent.
    """
    _refuse_contradictions(is_write=write, has_target=bool(subject or settings))
    if not subject and (type or user or in_use):
        raise typer.BadParameter("--type, --user and --in-use need --subject")
    try:
        run = Probe(tenant, Wish(subject, type, user, settings, in_use, stack))
        found = run.describe_tenant()
        lines = run.prepare()
        if lines:
            _err.print("\n".join(["this writes", *lines]), markup=False)
            if not yes and not typer.confirm("go on?", err=True):
                raise typer.Exit(1)
        findings = run.run()
    except QlikProviderError as error:
        _err.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    _show(found, findings, as_json=as_json)
    raise typer.Exit(DIFFERENT if any(map(differ, findings)) else 0)


def _refuse_contradictions(*, is_write: bool, has_target: bool) -> None:
    if is_write and not has_target:
        raise typer.BadParameter("--write needs --subject, --settings, or both")
    if has_target and not is_write:
        raise typer.BadParameter("--subject and --settings need --write")


def _show(tenant: TenantFound, findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        _out.print(json.dumps(document_of(tenant, findings), indent=2, ensure_ascii=False), markup=False)
        return
    _out.print("\n".join(head_of(tenant)), markup=False)
    if _out.is_terminal:
        Console(highlight=False).print(table_of(findings))
    else:
        _out.print("\n".join(lines_of(findings)), markup=False)
    _out.print("\n".join(foot_of(findings)), markup=False)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="the folder of one stack's files, for example stacks/prod")],
    *,
    joiners: Annotated[bool, typer.Option("--joiners", help="who has never logged in")] = False,
    unexplained: Annotated[bool, typer.Option("--unexplained", help="users of the tenant in no group")] = False,
    tenant: Annotated[str, typer.Option(envvar="QLIK_TENANT", help="https:// and the original hostname")] = "",
    stack: Annotated[str, typer.Option(help="the name of the stack; left out: that of the folder")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="print CSV, one row for each person")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """List users of the tenant whom no group of the stack explains and what lets them in; or who never logged in.

    Reads the directory and the tenant as a preview does, and writes neither.
    """
    if joiners and unexplained:
        raise typer.BadParameter("--joiners and --unexplained do not go together")
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json do not go together")
    read = read_joiners if joiners else read_strangers
    try:
        found = read(load_declaration(folder), tenant, stack or folder.resolve().name)
    except QlikProviderError as error:
        _err.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    _show_people(found, as_csv=as_csv, as_json=as_json)


def _show_people(found: JoinerReport | StrangerReport, *, as_csv: bool, as_json: bool) -> None:
    if as_json:
        _out.print(json.dumps(found.document(), indent=2, ensure_ascii=False), markup=False)
        return
    if as_csv:
        _out.print(found.csv(), markup=False, end="")
    elif _out.is_terminal:
        Console(highlight=False).print(found.table())
    else:
        _out.print("\n".join(found.lines()), markup=False)
    (_err if as_csv else _out).print("\n".join(found.foot()), markup=False)


@app.command()
def leavers(
    state: Annotated[
        typer.FileText, typer.Argument(help="what `pulumi stack export` wrote; left out: what it writes into this")
    ] = "-",  # type: ignore[assignment]  # click opens it
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="print CSV, one row for each person")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, with each thing they own")] = False,
) -> None:
    """List who is on the ladder of leavers: the rung, since when, what they own, what is next and when.

    Reads the state of the stack and the tenant, and writes neither: `pulumi stack export | qlik-provider leavers`.
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json do not go together")
    if state.isatty():
        raise typer.BadParameter("pipe the output of `pulumi stack export` into it, or name the file")
    try:
        ladder = read_ladder(state.read())
        url = str(ladder.get("tenant", ""))
        with closing(QlikClient(url, qlik_tokens(url))) as client, _err.status("reading") as status:
            report = read_leavers(ladder, client, lambda done, total: status.update(f"read {done} of {total}"))
    except QlikProviderError as error:
        _err.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    if as_json:
        _out.print(json.dumps(report.document(), indent=2, ensure_ascii=False), markup=False)
    elif as_csv:
        _out.print(report.csv(), markup=False, end="")
    elif _out.is_terminal and report.leavers:
        Console(highlight=False).print(report.table())
        _out.print("\n".join(report.foot()), markup=False)
    else:
        _out.print("\n".join(report.lines()), markup=False)


@app.command()
def listen(
    to: Annotated[str, typer.Option(envvar=ADDRESS, help="https:// address that starts the pipeline")],
    *,
    body: Annotated[str, typer.Option(envvar=BODY, help="JSON that is posted to it")] = "{}",
    auth: Annotated[Scheme, typer.Option(help=f"how {TOKEN} is sent")] = "bearer",
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one")] = 8080,
    max_age: Annotated[int, typer.Option(min=1, help="seconds after which an event is too old")] = 600,
    pause: Annotated[float, typer.Option(min=0, max=60, help="seconds between two posts")] = 5,
) -> None:
    """Hear of new users from the tenant's webhook, and start a pipeline: answers 204, 401, 409 or 502.

    It decides nothing. QLIK_WEBHOOK_SECRET and QLIK_DISPATCH_TOKEN are read from the environment.
    """
    try:
        dispatcher = Dispatcher(read_pipeline(to, body, auth), pause)
        _listener().serve(read_secret(), dispatcher, timedelta(seconds=max_age), (host, port))
    except QlikProviderError as error:
        _err.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None


def _listener() -> ModuleType:
    """Return the module that serves; raises NotListening where what it stands on is not installed."""
    try:
        return importlib.import_module("qlik_provider.listener")
    except ModuleNotFoundError as error:
        raise NotListening(f"{error.name} is not installed: pip install 'qlik-provider[listen]'") from None


@app.command()
def schema(
    folder: Annotated[Path, typer.Argument(help="where the schema files are written")] = Path("stacks/schema"),
) -> None:
    """Write the JSON schemas of the declaration, the plan documents and the journal."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in schemas().items():
        text = json.dumps(document, indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
        _out.print(f"{folder / name}.json", markup=False)


def schemas() -> dict[str, dict[str, Any]]:
    """Return every JSON schema this package fixes, by name."""
    documents = {"plan": plan_schema(), "memberships": membership_schema(), "journal": journal_schema()}
    return {**declaration_schemas(), **documents}

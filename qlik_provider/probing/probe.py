"""`qlik-provider probe`: what is assumed of a tenant, and what is found of it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from qlik_provider.client import QlikClient, Writer
from qlik_provider.credentials import qlik_tokens
from qlik_provider.declaration import load_declaration
from qlik_provider.entitlements import fold
from qlik_provider.errors import ApiError, CredentialsError, ServiceBroken, UnfitSubject
from qlik_provider.flows import is_chosen
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.probing import settings_trial, user_trial
from qlik_provider.probing.directory_readings import DIRECTORY_QUESTIONS
from qlik_provider.probing.findings import Finding, Found, gather
from qlik_provider.probing.license_readings import LICENSE_QUESTIONS
from qlik_provider.probing.report import SeatsFound, TenantFound
from qlik_provider.probing.restoration import Ending
from qlik_provider.probing.settings_trial import SettingsTrial
from qlik_provider.probing.tenant_readings import TENANT_QUESTIONS
from qlik_provider.probing.trial_subject import TrialSubject, held_by, refuse_unfit
from qlik_provider.probing.trial_types import CAPACITY, Types, choose_types, describe_trials
from qlik_provider.probing.trials import Trials
from qlik_provider.probing.user_trial import UserTrial
from qlik_provider.probing.witness import Untold, Witness

T = TypeVar("T")


@dataclass(frozen=True)
class Wish:
    """What may be written, and on whom; without a subject and without settings nothing is."""

    subject: str = ""
    type: str = ""
    has_user: bool = False
    has_settings: bool = False
    may_be_in_use: bool = False
    stack: Path | None = None

    @property
    def is_reading(self) -> bool:
        """Tell whether nothing is to be written."""
        return not self.subject and not self.has_settings


class Probe:
    """One run: the questions of reading, then those of writing, then the findings."""

    def __init__(self, url: str, wish: Wish, environment: Mapping[str, str] = os.environ) -> None:
        if not url:
            raise CredentialsError("QLIK_TENANT", "is not set; set it, or give --tenant")
        self.client = QlikClient(url, qlik_tokens(url, environment))
        self._environment = environment
        self._witness = Witness(self.client)
        self._wish = wish
        self._types = Types("")

    def prepare(self) -> tuple[str, ...]:
        """Return what will be written, a line each; raises UnfitSubject for what must not be."""
        lines: list[str] = []
        wish, witness = self._wish, self._witness
        if wish.subject:
            self._refuse_unfit()
            self._types = choose_types(witness.overview, wish.type)
            held = [row.type for row in held_by(witness.rows, wish.subject)]
            lines += describe_trials(wish.subject, self._types, held)
            lines += user_trial.DESCRIPTION if wish.has_user else ()
        if wish.has_settings:
            lines += settings_trial.DESCRIPTION
        return tuple(lines)

    def run(self) -> tuple[Finding, ...]:
        """Return a finding for every assumption."""
        questions = {**LICENSE_QUESTIONS, **TENANT_QUESTIONS}
        answers = {name: _answer(question, self._witness) for name, question in questions.items()}
        answers |= self._ask_directory()
        if not self._wish.is_reading:
            with Ending() as ending, self.client.writing() as writer:
                answers |= self._try_settings(writer, ending) if self._wish.has_settings else {}
                answers |= self._try_subject(writer, ending) if self._wish.subject else {}
                answers |= self._try_user(writer, ending) if self._wish.has_user else {}
                ending.check()
        return gather(answers)

    def _refuse_unfit(self) -> None:
        """Raise UnfitSubject for a subject that must not be written."""
        wish, witness = self._wish, self._witness
        protected = load_declaration(wish.stack).access.protect if wish.stack else ()
        refuse_unfit(witness, wish.subject, protected, may_be_in_use=wish.may_be_in_use)
        is_user = any(fold(user.subject) == fold(wish.subject) for user in witness.users)
        if wish.has_user and is_user:
            raise UnfitSubject(f"{wish.subject} is a user already; --user takes a subject that is none")
        if (wish.has_user or is_user) and self._is_capacity:
            raise UnfitSubject("a capacity license gives users their types by itself; name a subject that is no user")

    @property
    def _is_capacity(self) -> bool:
        return bool(CAPACITY & {allotment.name for allotment in self._witness.overview.allotments})

    def describe_tenant(self) -> TenantFound:
        """Return what a world needs to know of this tenant beside its switches; no license key and no number."""
        tenant, overview = self._witness.tenant, self._witness.overview
        seats = {
            allotment.name: SeatsFound(allotment.units, allotment.units_used, allotment.overage, allotment.usage_class)
            for allotment in overview.allotments
        }
        is_original = self.client.tenant.partition("://")[2] in tenant.hostnames[:1]
        model = "capacity" if self._is_capacity else "user-based"
        return TenantFound(
            self.client.tenant, tenant.name, tenant.hostnames, is_original, overview.status, model, seats
        )

    def _ask_directory(self) -> dict[str, Found]:
        """Return the answers of the directory; none where nobody said who asks."""
        if not is_chosen(self._environment):
            return {}
        try:
            directory = GraphClient(GraphTokens(self._environment))
        except CredentialsError as error:
            return dict.fromkeys(DIRECTORY_QUESTIONS, Found(because=str(error)))
        return {name: _answer(question, directory) for name, question in DIRECTORY_QUESTIONS.items()}

    def _try_subject(self, writer: Writer, ending: Ending) -> dict[str, Found]:
        """Return what the trials tell; the rows of the subject are afterwards what they were, whatever happens."""
        before = held_by(self.client.read_assignments(), self._wish.subject)
        if before != held_by(self._witness.rows, self._wish.subject):
            raise UnfitSubject(f"the rows of {self._wish.subject} changed meanwhile; nothing was tried on it")
        subject = TrialSubject(self.client, writer, self._wish.subject, before, ending)
        trials = Trials(self._witness, subject, self._types)
        try:
            trials.run()
        finally:
            subject.restore()
        return trials.answers

    def _try_user(self, writer: Writer, ending: Ending) -> dict[str, Found]:
        """Return what the subject tells as a user; it is none afterwards, whatever happens."""
        trial = UserTrial(self.client, writer, self._wish.subject, ending)
        try:
            trial.run()
        finally:
            trial.restore()
        return trial.answers

    def _try_settings(self, writer: Writer, ending: Ending) -> dict[str, Found]:
        """Return what the settings tell; they are afterwards what they were, whatever happens."""
        try:
            trial = SettingsTrial(self.client, writer, ending)
        except Untold as reason:
            return {"settings-omitted": Found(because=str(reason))}
        try:
            return {"settings-omitted": trial.run()}
        finally:
            trial.restore()


def _answer(question: Callable[[T], Found], asked: T) -> Found:
    """Return the answer to a question, or why it has none; raises ServiceBroken when nobody answers any more."""
    try:
        return question(asked)
    except ServiceBroken:
        raise
    except (Untold, ApiError, CredentialsError) as error:
        return Found(because=str(error))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return Found(because=f"the answer has another shape ({type(error).__name__})")

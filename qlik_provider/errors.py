"""Everything this package raises, sorted by whose move is next.

QlikProviderError
├── DeclarationError        fix the files                    .faults
├── CredentialsError        fix the environment              .variable
│   └── NotPermitted        give the caller the named right
├── UnsafePlan              review the plan
├── UnusablePlans           plan again, and review that; or name another folder
├── UnusableApproval        ask for another approval
├── UnusableState           export the state of the stack once more
├── Unfinished              run the same command again: a delete did a part, and the state stays
├── ApiError                a service answered, or did not   .service .method .path .status .code
│   ├── Unauthorized        renew or replace the credentials
│   ├── Forbidden           give the caller the named permission
│   ├── NotFound            the thing is not there
│   ├── ServiceBroken       wait, then run again (5xx, 429, connection)
│   ├── AnswerLost          a write may or may not have happened: read before repeating it
│   └── NoEvidence          an answer that proves nothing: short, repeated or misshapen
├── EngineGone              nobody listens any more: stop before the next write
└── WriteRefused            a defect of ours: a write outside apply, stopped before the socket
"""

from collections.abc import Sequence


class QlikProviderError(Exception):
    """The root of all errors of this package; its text is one line for the person who must act."""


class DeclarationError(QlikProviderError):
    """The files of the stack cannot be used; every fault is in `faults`, nothing was sent."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n  ".join([f"the declaration has {count}; nothing was sent", *self.faults]))


class CredentialsError(QlikProviderError):
    """A service cannot be reached as anybody; `variable` names what to set."""

    def __init__(self, variable: str, reason: str) -> None:
        self.variable = variable
        super().__init__(f"{variable}: {reason}")


class NotPermitted(CredentialsError):
    """The service knows the caller, who lacks the right for this one thing."""


class UnsafePlan(QlikProviderError):
    """The plan breaks a rule of the declaration; nothing was sent."""


class UnusablePlans(QlikProviderError):
    """Plan documents cannot be written, or reviewed ones cannot be relied on or are not of this; nothing was sent."""


class UnusableApproval(QlikProviderError):
    """The approval that was asked for cannot be written; nothing was."""


class UnusableState(QlikProviderError):
    """What was given as the export of a stack is none, or holds nothing of what was asked for."""


class Unfinished(QlikProviderError):
    """A delete did a part of its work; the state stays, so that the next one does the rest."""


class UnfitSubject(QlikProviderError):
    """The probe must not try its writes on this subject; nothing was sent."""


class Interrupted(QlikProviderError):
    """A signal asked the probe to stop; it did so between two requests and put everything back."""


class NotListening(QlikProviderError):
    """The listener cannot begin; the text says what it lacks."""


class LeftBehind(QlikProviderError):
    """The probe could not put back what it changed; the text says what is left and how it is taken away."""


class ApiError(QlikProviderError):
    """A service refused or could not be understood."""

    def __init__(self, service: str, method: str, path: str, reason: str, *, status: int = 0, code: str = "") -> None:
        self.service = service
        self.method = method
        self.path = path
        self.reason = reason
        self.status = status
        self.code = code
        super().__init__(f"{service}: {method} {path}: {reason}")


class Unauthorized(ApiError):
    """The credentials were not accepted (401)."""


class Forbidden(ApiError):
    """The caller lacks a permission (403)."""


class NotFound(ApiError):
    """The addressed thing does not exist (404)."""


class ServiceBroken(ApiError):
    """The service failed or asked to wait (5xx, 429, no connection); `wait` is the seconds it asked for."""

    wait: float | None = None


class AnswerLost(ApiError):
    """The connection broke after a write was sent; only a read can tell whether it happened."""


class NoEvidence(ApiError):
    """The answer cannot be relied on: truncated, repeated, empty or of another shape."""


class EngineGone(QlikProviderError):
    """The engine that asked for this work no longer answers; the rest of the work was not begun."""


class WriteRefused(QlikProviderError):
    """A mutating request was about to leave outside apply; it did not."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"{method} {path} is a write and was not sent: only apply may write")

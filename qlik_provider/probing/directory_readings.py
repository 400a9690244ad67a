"""The questions that reading the directory answers; each returns what it found or raises Untold."""

from collections.abc import Callable

from qlik_provider.graph import GraphClient
from qlik_provider.probing.findings import Found
from qlik_provider.probing.witness import Untold

_SIZE = 12
_NOBODY = "qlik-provider-probe"
_OK, _BAD_REQUEST, _FORBIDDEN = 200, 400, 403


def find_batch_order(directory: GraphClient) -> Found:
    """Tell in which order the responses of a batch come."""
    came = [reply.id for reply in directory.read_batch(["/users?$select=id&$top=1"] * _SIZE)]
    if len(came) != _SIZE:
        raise Untold(f"{len(came)} of {_SIZE} responses came")
    orders = {tuple(range(_SIZE)): "request", tuple(reversed(range(_SIZE))): "reversed"}
    return Found(orders.get(tuple(came), "any"))


def find_log_filter(directory: GraphClient) -> Found:
    """Tell whether the provisioning log can be filtered by a job."""
    url = f"/auditLogs/provisioning?$top=1&$filter=jobId eq '{_NOBODY}'"
    status = next((reply.status for reply in directory.read_batch([url])), 0)
    if status == _FORBIDDEN:
        raise Untold("the log is forbidden to this client; it takes AuditLog.Read.All")
    return Found({_OK: "accepted", _BAD_REQUEST: "refused400"}.get(status, str(status)))


DIRECTORY_QUESTIONS: dict[str, Callable[[GraphClient], Found]] = {
    "batch-order": find_batch_order,
    "provisioning-log-job-filter": find_log_filter,
}

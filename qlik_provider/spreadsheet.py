"""Tables for a spreadsheet; performs no I/O."""

import csv
import io
from collections.abc import Iterable, Sequence

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as CSV under their columns, with no cell that a spreadsheet would take for a formula.

    A name is whatever its owner chose. https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell for cell in row] for row in rows)
    return text.getvalue()

"""The pages beside actions: how far a task is, and what mending would write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.serve.listing import whole_number
from crawler.serve.viewer import Missing

if TYPE_CHECKING:
    from starlette.responses import Response

    from crawler.serve.viewer import Visit

MAX_NUMBER: Final = 10**9


def task_page(visit: Visit) -> Response:
    """`GET /task/NUMBER`: it asks for itself anew until the task is over. Raises Missing."""
    task = visit.viewer.tasks.get(visit.request.path_params["number"])
    if task is None:
        raise Missing("no_such_task")
    return visit.page("task.html", task=task)


def mend_page(visit: Visit) -> Response:
    """`GET /mend?note=&unconfirmed=&done=`: what could be written, as a difference. Raises Missing, NotesError."""
    note = visit.value("note")
    if note and note not in visit.lists.files:
        raise Missing("no_such_note", note)
    unconfirmed = visit.value("unconfirmed") == "1"
    mends = visit.viewer.mends
    undos = mends.undos()
    done = whole_number(visit.value("done"), MAX_NUMBER)
    return visit.page(
        "mend.html",
        note=note,
        unconfirmed=unconfirmed,
        proposals=mends.proposals([note] if note else [], unconfirmed=unconfirmed),
        undos=undos,
        done=next((undo for undo in undos if undo.number == done), None),
    )

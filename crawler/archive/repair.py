"""What an audit found, mended inside the caller's transaction. Bytes of segments are not touched here."""

from __future__ import annotations

import sqlite3

from crawler.archive import facts
from crawler.archive.audit import Audit, Pointer


def mend(db: sqlite3.Connection, audit: Audit, *, yes: bool) -> None:
    """Note damaged places, so that they are reported once; with `yes` also give up rows that point nowhere.

    A capture loses only what cannot be read, and is dropped when nothing of it is left.
    """
    for ident, _, piece in audit.scars:
        db.execute("INSERT OR REPLACE INTO scars VALUES (?, ?, ?)", (ident, piece.offset, piece.length))
    audit.noted = True
    if not yes or not (audit.missing or audit.pointers or audit.dangling):
        return
    facts.keep_numbers(db)
    touched = {pointer.row for pointer in audit.pointers if pointer.what != "picture"}
    for pointer in audit.pointers:
        _forget(db, pointer)
    for ident in audit.missing.values():
        touched |= _forget_segment(db, ident)
    _drop_empty(db, touched)
    audit.dropped = True


def _forget(db: sqlite3.Connection, pointer: Pointer) -> None:
    if pointer.what == "picture":
        _drop_picture(db, pointer.row)
    else:
        db.execute(
            f"UPDATE captures SET {pointer.what}_at = NULL, {pointer.what}_len = NULL WHERE id = ?",  # noqa: S608  # ours
            (pointer.row,),
        )


def _forget_segment(db: sqlite3.Connection, ident: int) -> set[int]:
    """Captures that lose something by it."""
    rows = db.execute(
        "SELECT id FROM captures WHERE segment = ? AND coalesce(response_at, text_at, readable_at) IS NOT NULL",
        (ident,),
    ).fetchall()
    db.execute(
        "UPDATE captures SET response_at = NULL, response_len = NULL, text_at = NULL, text_len = NULL,"
        " readable_at = NULL, readable_len = NULL WHERE segment = ?",
        (ident,),
    )
    for (picture,) in db.execute("SELECT id FROM pictures WHERE segment = ?", (ident,)).fetchall():
        _drop_picture(db, picture)
    db.execute("DELETE FROM objects WHERE name = (SELECT name FROM segments WHERE id = ?)", (ident,))
    db.execute("DELETE FROM segments WHERE id = ?", (ident,))
    return {row for (row,) in rows}


def _drop_picture(db: sqlite3.Connection, picture: int) -> None:
    db.execute("DELETE FROM images WHERE picture = ?", (picture,))
    db.execute("DELETE FROM pictures WHERE id = ?", (picture,))


def _drop_empty(db: sqlite3.Connection, touched: set[int]) -> None:
    """Captures of which nothing can be read any more, and revisits of them that have nothing of their own.

    The search terms of a text stay behind and lead nowhere: they can be taken out only with the text at hand.
    """
    empty = "SELECT 1 FROM captures WHERE id = ? AND coalesce(response_at, text_at, readable_at, revisit_of) IS NULL"
    gone = {ident for ident in touched if db.execute(empty, (ident,)).fetchone()}
    for ident in gone:
        db.execute("DELETE FROM documents WHERE capture = ?", (ident,))
        db.execute("DELETE FROM earlier WHERE capture = ?", (ident,))
        db.execute("DELETE FROM images WHERE capture = ?", (ident,))
        db.execute("DELETE FROM captures WHERE id = ?", (ident,))
    lost = "revisit_of IS NOT NULL AND revisit_of NOT IN (SELECT id FROM captures)"
    db.execute(f"DELETE FROM captures WHERE {lost} AND coalesce(response_at, text_at, readable_at) IS NULL")  # noqa: S608  # ours
    db.execute(f"UPDATE captures SET revisit_of = NULL WHERE {lost}")  # noqa: S608  # ours
    db.execute("UPDATE captures SET bytes_of = NULL WHERE bytes_of NOT IN (SELECT id FROM captures)")

"""The edit window of `guiEditNote`: one note at a time, and a way back to those edited before.

Built around Anki's editor, not upon its Edit Current window, whose parts change from version to version.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Optional

import aqt
from anki.cards import Card
from anki.collection import OpChanges, SearchNode
from anki.errors import NotFoundError
from anki.notes import Note, NoteId
from anki.utils import is_mac
from aqt import gui_hooks
from aqt.browser.previewer import MultiCardPreviewer
from aqt.editor import Editor, EditorMode
from aqt.qt import (
    QCloseEvent,
    QDialogButtonBox,
    QKeySequence,
    QMainWindow,
    QPushButton,
    Qt,
    QTimer,
    QVBoxLayout,
    QWidget,
    qconnect,
)
from aqt.utils import restoreGeom, saveGeom, shortcut, tr

from .window import main_window

if TYPE_CHECKING:
    from aqt.browser.table import SearchContext

_NAME = "ankiconnect.edit"
_MAX_HISTORY = 25


class NoteWindow(QMainWindow):
    """Shows the last note of its history, or one that the person has gone back to."""

    _history: list[NoteId] = []  # of this profile, oldest first; it outlives the window

    @staticmethod
    def open(note_id: NoteId, activate: bool) -> None:
        """Show a note that exists."""
        if _NAME not in aqt.dialogs._dialogs:
            aqt.dialogs.register_dialog(_NAME, NoteWindow)
            gui_hooks.profile_did_open.append(NoteWindow._history.clear)
        window: Optional[NoteWindow] = aqt.dialogs._dialogs[_NAME][1]
        if window is None or activate:
            aqt.dialogs.open(_NAME, note_id, activate)
        else:
            window.reopen(note_id, activate)

    def __init__(self, note_id: NoteId, activate: bool) -> None:
        super().__init__(None, Qt.WindowType.Window)
        self.mw = main_window()
        note = self.mw.col.get_note(note_id)  # before anything is made that would have to be undone
        self._previewer: Optional[_Previewer] = None
        self._closed = False
        self.setWindowTitle(_title())
        self.setWindowIcon(self.mw.windowIcon())
        self.setMinimumSize(400, 300)
        if not is_mac:
            self.setMenuBar(None)
        central = QWidget()
        self.setCentralWidget(central)
        layout = QVBoxLayout(central)
        editor_area = QWidget()
        layout.addWidget(editor_area)
        layout.addWidget(self._buttons())
        self.editor = Editor(self.mw, editor_area, self, editor_mode=EditorMode.EDIT_CURRENT)
        gui_hooks.operation_did_execute.append(self._on_operation)
        self.resize(600, 500)
        restoreGeom(self, _NAME)
        self._remember(note_id)
        self._show_note(note, 0 if activate else None)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, not activate)
        self.show()
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, False)

    def reopen(self, note_id: NoteId, activate: bool) -> None:
        self._remember(note_id)
        self._turn_to(note_id, focus=activate)

    @property
    def note(self) -> Note:
        assert self.editor.note
        return self.editor.note

    # History

    def _remember(self, note_id: NoteId) -> None:
        if note_id in self._history:
            self._history.remove(note_id)
        self._history.append(note_id)
        del self._history[:-_MAX_HISTORY]

    def _neighbour(self, step: int) -> Optional[NoteId]:
        """The note that many places later in the history."""
        place = self._history.index(self.note.id) + step
        return self._history[place] if 0 <= place < len(self._history) else None

    def _go(self, step: int) -> None:
        note_id = self._neighbour(step)
        if note_id is not None:
            self._turn_to(note_id, focus=True)

    def _turn_to(self, note_id: NoteId, *, focus: bool) -> None:
        """Show another note of the history, once what was typed into the present one is saved."""

        def turn() -> None:
            if not self._closed and note_id in self._history:
                self._show_note(self.mw.col.get_note(note_id), 0 if focus else None)

        self.editor.call_after_note_saved(turn, keepFocus=not focus)

    def _show_note(self, note: Note, field: Optional[int]) -> None:
        """Show a note, with the cursor in a field."""
        cards = note.cards()
        self.editor.card = cards[0] if cards else None
        self.editor.set_note(note, focusTo=field)
        self._show_around(note)

    def _show_around(self, note: Note) -> None:
        """Show what belongs to the note outside the editor."""
        self._previous.setEnabled(self._neighbour(-1) is not None)
        self._next.setEnabled(self._neighbour(1) is not None)
        if self._previewer:
            self._previewer.show_cards(note.cards())

    # Changes from elsewhere

    def _on_operation(self, changes: OpChanges, handler: Optional[object]) -> None:
        # A note can be deleted at this very moment. That is told next, unless this hook has failed.
        with contextlib.suppress(NotFoundError):
            if changes.note_text:
                self._follow(changes, handler)

    def _follow(self, changes: OpChanges, handler: Optional[object]) -> None:
        shown, nearest = self.note.id, self._forget_deleted()
        if nearest is None:
            self._clean_up()
            self.close()
            return
        note = self.mw.col.get_note(nearest)
        # A program's change is shown already, and loading it again would drop what is being typed.
        is_shown = not changes.notetype and _are_equal(note, self.note)
        if nearest == shown and (is_shown or handler is self.editor):
            self._show_around(self.note)
        else:
            self._show_note(note, self.editor.currentField if nearest == shown else None)

    def _forget_deleted(self) -> Optional[NoteId]:
        """Take deleted notes out of the history; return the note shown, or the nearest that is left."""
        known = ",".join(map(str, self._history))
        assert self.mw.col.db
        existing = set(self.mw.col.db.list(f"select id from notes where id in ({known})"))
        place = self._history.index(self.note.id)
        # Where the note is gone, the one before it is next best, then the one after it.
        by_nearness = [*self._history[place::-1], *self._history[place:]]
        self._history[:] = [note_id for note_id in self._history if note_id in existing]
        return next((note_id for note_id in by_nearness if note_id in existing), None)

    # Buttons

    def _buttons(self) -> QWidget:
        box = QDialogButtonBox()
        self._previous = self._button(box, "Previous", "Alt+Left", lambda: self._go(-1))
        self._next = self._button(box, "Next", "Alt+Right", lambda: self._go(1))
        self._button(box, tr.actions_preview(), "Ctrl+Shift+P", self._preview)
        self._button(box, tr.qt_misc_browse(), "Ctrl+Shift+B", self._browse)
        close = box.addButton(QDialogButtonBox.StandardButton.Close)
        assert close
        close.setText(tr.actions_close())
        close.setShortcut(QKeySequence("Ctrl+Return"))
        qconnect(close.clicked, self.close)
        return box

    def _button(
        self, box: QDialogButtonBox, label: str, keys: str, action: Callable[[], None]
    ) -> QPushButton:
        button = box.addButton(label, QDialogButtonBox.ButtonRole.ActionRole)
        assert button
        button.setAutoDefault(False)
        button.setShortcut(QKeySequence(keys))
        button.setToolTip(shortcut(keys))
        qconnect(button.clicked, lambda _checked: action())
        return button

    def _preview(self) -> None:
        def show() -> None:
            if self._previewer is None and not self._closed:
                self._previewer = _Previewer(self.mw, self.note.cards(), self._on_previewer_closed)
                self._previewer.open()

        if self._previewer:
            self._previewer.activateWindow()
        else:
            self.editor.call_after_note_saved(show, keepFocus=True)

    def _on_previewer_closed(self) -> None:
        self._previewer = None

    def _browse(self) -> None:
        def show() -> None:
            if not self._closed:
                nodes = [SearchNode(nid=note_id) for note_id in self._history]
                search = self.mw.col.group_searches(*nodes, joiner="OR")
                for card in self.note.cards()[:1]:
                    _select_after_search(card)
                aqt.dialogs.open("Browser", self.mw, search=(search,))

        self.editor.call_after_note_saved(show)

    # Closing

    def closeEvent(self, event: Optional[QCloseEvent]) -> None:
        if not self._closed:
            self.editor.call_after_note_saved(self._clean_up)

    def closeWithCallback(self, on_closed: Callable[[], None]) -> None:
        """For Anki, which closes all windows before it closes the profile."""

        def close() -> None:
            self._clean_up()
            self.close()
            on_closed()

        self.editor.call_after_note_saved(close)

    def _clean_up(self) -> None:
        if self._closed:
            return
        self._closed = True
        gui_hooks.operation_did_execute.remove(self._on_operation)
        if self._previewer:
            self._previewer.close()
        self.editor.cleanup()
        saveGeom(self, _NAME)
        aqt.dialogs.markClosed(_NAME)
        self.mw.deferred_delete_and_garbage_collect(self)


def _are_equal(note: Note, other: Note) -> bool:
    return (note.mid, note.fields, note.tags) == (other.mid, other.fields, other.tags)


def _title() -> str:
    """Anki has a word for editing in each language, and none for editing a note."""
    return "Edit Note" if tr.studying_edit() == "Edit" else tr.studying_edit()


def _select_after_search(card: Card) -> None:
    """Select a card in the Browse window when it searches next. It does that when its editor has saved."""

    def select(browser: Any) -> None:
        if aqt.dialogs._dialogs["Browser"][1] is browser:
            browser.table.select_single_card(card.id)

    def on_search(context: SearchContext) -> None:
        gui_hooks.browser_did_search.remove(on_search)
        # Right after this hook, the window selects what was selected before.
        QTimer.singleShot(0, partial(select, context.browser))

    gui_hooks.browser_did_search.append(on_search)


class _Previewer(MultiCardPreviewer):
    """Previews the cards of one note."""

    def __init__(self, mw: Any, cards: list[Card], on_close: Callable[[], None]) -> None:
        super().__init__(parent=None, mw=mw, on_close=on_close)
        self._cards = cards
        self._place = 0
        self._shown_id = 0

    def show_cards(self, cards: list[Card]) -> None:
        if [card.id for card in cards] != [card.id for card in self._cards]:
            self._place = 0
        self._cards = cards
        self._last_state = None  # times of changes are whole seconds, and would hide a second one
        self.render_card()

    def card(self) -> Optional[Card]:
        return self._cards[self._place] if self._cards else None

    def card_changed(self) -> bool:
        card = self.card()
        before, self._shown_id = self._shown_id, card.id if card else 0
        return before != self._shown_id

    def _on_prev_card(self) -> None:
        self._step(-1)

    def _on_next_card(self) -> None:
        self._step(1)

    def _step(self, step: int) -> None:
        self._place += step
        self.render_card()

    def _should_enable_prev(self) -> bool:
        return bool(super()._should_enable_prev() or self._place > 0)

    def _should_enable_next(self) -> bool:
        return bool(super()._should_enable_next() or self._place < len(self._cards) - 1)

    def _render_scheduled(self) -> None:
        super()._render_scheduled()
        self._updateButtons()

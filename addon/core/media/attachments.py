"""Media that a note brings along: stored, and marked up in the note's fields."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Annotated, Optional

from ..actions.media import Attachment, Attachments, MediaTransaction, StoredFile
from ..actions.note_types import NoteType
from ..collection.fields import field_positions, ignored
from ..context import RequestContext
from ..errors import ApiError


@dataclass(frozen=True)
class WithMedia:
    """The members of a note in a request that hold its media."""

    audio: Annotated[Attachments, "adds [sound:name]"] = field(default_factory=list)
    video: Annotated[Attachments, "adds [sound:name]"] = field(default_factory=list)
    picture: Annotated[Attachments, "adds an img element"] = field(default_factory=list)

    @property
    def attachments(self) -> list[Attachment]:
        return self.audio + self.video + self.picture

    @property
    def refusal(self) -> Optional[ApiError]:
        """Why the note must be refused for its media, if it must."""
        return next((a.refusal for a in self.attachments if a.refusal), None)


def marks_first_field(source: WithMedia, note_type: NoteType, context: RequestContext) -> bool:
    return any(
        0 in _marked_fields(a, note_type, context) for a in source.attachments if a.content is not None
    )


def store_all(
    source: WithMedia,
    fields: list[str],
    note_type: NoteType,
    transaction: MediaTransaction,
    context: RequestContext,
) -> list[StoredFile]:
    """Store the files, append their markup to the `fields` of a note, and return them.

    What has no content is left out: a failed download, or what skipHash names.
    """
    files = []
    for attachments, markup in (
        (source.audio + source.video, "[sound:{}]"),
        (source.picture, '<img src="{}">'),
    ):
        for attachment in attachments:
            if attachment.content is None:
                continue
            file = transaction.add(
                attachment.filename, attachment.content, delete_existing=attachment.delete_existing
            )
            files.append(file)
            context.warnings.extend(file.warnings)
            for position in _marked_fields(attachment, note_type, context):
                fields[position] += markup.format(html.escape(file.name, quote=False))
            known = field_positions(note_type)
            unknown = [name for name in attachment.fields or () if name.lower() not in known]
            if unknown:
                context.warnings.append(ignored(note_type, unknown))
    return files


def _marked_fields(attachment: Attachment, note_type: NoteType, context: RequestContext) -> list[int]:
    """Positions of the fields that get the attachment's markup."""
    if attachment.fields is None:
        # The seed's shape: the sound goes into the note. Later versions only store the file.
        return [0] if context.version <= 4 else []
    positions = field_positions(note_type)
    wanted = (positions.get(name.lower()) for name in attachment.fields)
    return [position for position in wanted if position is not None]

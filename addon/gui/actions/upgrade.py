"""Upgrading the add-on through Anki's add-on manager."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from concurrent.futures import Future
from typing import Annotated, Any, Optional

from anki.utils import int_version

from ...core.context import RequestContext
from ...core.errors import ApiError, Conflict, Unavailable
from ...core.media.downloads import check_url, download
from ...core.private_api import private
from ...core.registry import RunsOn, gui
from ..folder import addon_name, addon_path, is_link
from ..refusals import Refusals

private("aqt.addons", "InstallError", "upgrade")
private("anki.httpclient", "HttpClient", otherwise="no upgrade from AnkiWeb")
private(
    "aqt.addons",
    "InstallOk download_and_install_addon fetch_update_info",
    otherwise="no upgrade from AnkiWeb",
)

_SIZE_LIMIT = 50 * 10**6
_upgrading = threading.Lock()  # one question at a time, however often programs ask
_refusals = Refusals()
_QUESTION = "A program asks to upgrade AnkiConnect to the latest version.\n\nUpgrade it now from {source}?"


@gui("upgrade", runs_on=RunsOn.HTTP_THREAD)
def upgrade(
    context: RequestContext,
) -> Annotated[bool, "true if a newer version was installed, active after Anki restarts"]:
    """Ask the person whether to upgrade this add-on, and do it on a yes.

    The package comes from the setting `upgradeUrl`; without it, an add-on installed from AnkiWeb is
    updated from there. False if the person says no or nothing newer is there. After a no there is no
    question for 10 minutes, and after three until Anki quits: the reply is false. A package that can't be
    had, is not this add-on or is broken gives an error and changes nothing. So does an add-on whose folder
    is a link.
    """
    context.runtime.run_on_main(lambda: None)  # refused here where there is no window to ask in
    if is_link():
        raise Conflict("the add-on's folder is a link: upgrade the folder that it leads to")
    url = context.settings.upgradeUrl
    if url:
        check_url(url)
    elif not addon_name().isdigit():
        raise Conflict(
            "there is nowhere to upgrade from: the setting upgradeUrl is empty, and the add-on was "
            "not installed from AnkiWeb"
        )
    if not _upgrading.acquire(blocking=False):
        raise Conflict("an upgrade is under way already, or waits for the person's answer")
    try:
        if not context.runtime.run_on_main(lambda: _ask(url or "AnkiWeb")):
            return False
        if not url:
            return _update_from_ankiweb(int(addon_name()))
        package = download(url, timeout=context.settings.webTimeout / 1000, limit=_SIZE_LIMIT)
        if not _is_newer(package):
            return False
        context.runtime.run_on_main(lambda: _install(package))
        return True
    finally:
        _upgrading.release()


def _ask(source: str) -> Future[bool]:
    """The answer of the person, who is not hurried: other requests go on."""
    from ..question import Question

    answer: Future[bool] = Future()

    def on_answer(yes: Optional[bool]) -> None:
        if yes is None:
            answer.set_exception(Unavailable())
            return
        if not yes:
            _refusals.add("upgrade")
        answer.set_result(yes)

    if _refusals.forbid("upgrade"):
        answer.set_result(False)
    else:
        Question(_QUESTION.format(source=source), yes="Upgrade", no="Not now", on_answer=on_answer)
    return answer


def _is_newer(package: bytes) -> bool:
    """Whether `package` is a newer version of this add-on. Raises ApiError if it is not this add-on."""
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise ValueError(f"{damaged} is damaged")
            archive.getinfo("__init__.py")
            theirs = json.loads(archive.read("manifest.json"))
        name, version = theirs["package"], _version(theirs)
        oldest_anki = int(theirs.get("min_point_version", 0))
    except Exception as error:  # archives can be damaged, encrypted or strange in many ways
        raise ApiError(f"the package for the upgrade is broken: {error}") from None
    ours = json.loads((addon_path() / "manifest.json").read_text("utf-8"))
    if name != ours["package"]:
        raise ApiError(f"the package for the upgrade is another add-on: {name}")
    if oldest_anki > int_version():
        raise ApiError("the package for the upgrade needs a newer Anki")
    return version > _version(ours)


def _version(manifest: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(part) for part in manifest["human_version"].split("."))


def _install(package: bytes) -> None:
    """Replace the add-on where it is; Anki keeps its configuration and user files."""
    import aqt
    from aqt.addons import InstallError

    result = aqt.mw.addonManager.install(io.BytesIO(package), {"package": addon_name()})
    if isinstance(result, InstallError):
        raise ApiError(f"Anki could not install the package: {result.errmsg}")


def _update_from_ankiweb(addon_id: int) -> bool:
    import aqt
    from anki.httpclient import HttpClient
    from aqt.addons import InstallOk, download_and_install_addon, fetch_update_info

    manager = aqt.mw.addonManager
    try:
        newer = manager.get_updated_addons(fetch_update_info([addon_id]))
    except Exception as error:
        raise ApiError(f"AnkiWeb could not be asked for updates: {error}") from None
    if not newer:
        return False
    _addon, result = download_and_install_addon(manager, HttpClient(), addon_id)
    if not isinstance(result, InstallOk):
        raise ApiError(f"the update from AnkiWeb failed: {result}")
    return True

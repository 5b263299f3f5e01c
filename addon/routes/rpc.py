"""`POST /`: action JSON, on any path, with any method that carries a body."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..core.dispatch import BANNER, RpcMessage
from ..core.errors import BadParams, KeyRefused, UnsupportedAction
from ..core.schema.scalars import Json
from . import index
from .context import current_context, header_key
from .json_body import reading_body
from .responses import error_response, json_response

bp = Blueprint("rpc", __name__)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@bp.route("/", methods=_METHODS, defaults={"path": ""})
@bp.route("/<path:path>", methods=_METHODS)
def handle(path: str) -> Response:
    try:
        with reading_body() as body:
            if not body:
                return _without_body(path)
            message = _message(body.take(), path)
    except UnsupportedAction:
        return unsupported()
    except (BadParams, KeyRefused) as error:
        return error_response(error, 200)
    return json_response(message.answer())


def _message(value: Json, path: str) -> RpcMessage:
    if path.strip("/") and isinstance(value, dict) and value.get("action") is None:
        raise UnsupportedAction()  # meant for the URL of an action that does not exist
    return RpcMessage(value, current_context(), header_key())


def _without_body(path: str) -> Response:
    if path.strip("/"):
        return unsupported()
    if request.method in ("GET", "HEAD") and index.is_wanted():
        return index.show()
    return json_response({"apiVersion": BANNER})


def unsupported() -> Response:
    error = UnsupportedAction()
    return error_response(error, error.status)

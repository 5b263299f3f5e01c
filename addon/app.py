"""The Flask application: blueprints and error handlers put together."""

from __future__ import annotations

from typing import Callable

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from .core.context import Runtime
from .core.errors import ApiError, as_api_error, without_frames
from .core.settings import Settings
from .routes import access, action_urls, cors, health, index, openapi, request_log, responses, rpc
from .routes.context import AppContext


def create_app(
    runtime: Runtime, settings: Callable[[], Settings], problems: Callable[[], list[str]] = list
) -> Flask:
    """An application that answers requests through `runtime`.

    `settings` is asked for each request, so that changed settings are in force at once, and `problems`
    for what the page tells of them.
    """
    app = Flask(__name__, static_folder=None, template_folder="routes/index")
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    app.extensions["ankiconnect"] = AppContext(runtime, settings, problems)
    for part in (request_log, responses, cors, access):
        part.init_app(app)
    app.register_blueprint(health.bp)
    app.register_blueprint(index.bp)
    app.register_blueprint(openapi.bp)
    app.register_blueprint(action_urls.bp)
    app.register_blueprint(rpc.bp)
    app.register_error_handler(Exception, _fail)
    return app


def _fail(error: Exception) -> Response:
    """Flask's own refusals and our bugs, in the one shape of an error."""
    if isinstance(error, HTTPException) and error.code:
        without_frames(error)  # the request keeps it, and so all that a frame of it knows
        text = error.description or error.name
        response = responses.error_response(ApiError(text), error.code)
        if isinstance(error, MethodNotAllowed):
            response.allow.update(error.valid_methods or ())
        return response
    known = as_api_error(error)
    return responses.error_response(known, known.status)

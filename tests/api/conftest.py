"""Applications over the shelf, each with its own state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from searchd.app import create_app
from searchd.settings import ApiSettings, ServerSettings, Settings, SiteSettings
from tests.api.shelf import ShelfLive

ADMIN = "sesame-open-sesame"
KEYS = (f"ops:admin:{ADMIN}", "web:search+feedback:website-website-website")

MakeApp = Callable[..., Flask]


@pytest.fixture
def live() -> ShelfLive:
    return ShelfLive()


@pytest.fixture
def make_app(tmp_path: Path, live: ShelfLive) -> Iterator[MakeApp]:
    """Build applications; keyword arguments are settings of [api], ``server`` those of [server]."""
    apps: list[Flask] = []

    def make(server: dict[str, Any] | None = None, **api: Any) -> Flask:
        settings = Settings(
            data=str(tmp_path),
            server=dataclasses.replace(ServerSettings(), **(server or {})),
            api=dataclasses.replace(ApiSettings(keys=KEYS), **api),
            site=(SiteSettings(name="town", url="https://www.harbour.example/"),),
        )
        app = create_app(settings, live)
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.extensions["echolot"].feedback.close()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()

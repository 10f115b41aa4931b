"""The shapes that the table of endpoints is made of. Leaf of the API: it imports no handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from searchd.api.auth import Scope
from searchd.api.params import Arguments, Param
from searchd.feedback import SearchNote

if TYPE_CHECKING:
    from searchd.api.context import Api
    from searchd.api.live_protocol import EngineLike

Json = dict[str, Any]
Place = Literal["query", "body", "path"]


@dataclass(slots=True)
class Call:
    """One request, checked: what a handler gets.

    ``note`` is set by handlers whose answer is a search that the report counts.
    """

    api: Api
    args: Arguments
    site: str
    engine: EngineLike | None = None
    note: SearchNote | None = None

    @property
    def index(self) -> EngineLike:
        """The engine of the site that is asked, the same one for the whole request."""
        if self.engine is None:
            raise RuntimeError("this endpoint's row in the table has no engine. This is a bug.")
        return self.engine


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not a JSON object of status 200."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], "Json | Reply"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the table: where it is, what it takes, what it answers.

    schema: name of the answer's JSON Schema in ``searchd.api.schemas``.
    statuses: errors besides those that every endpoint of the scope can answer with.
    """

    name: str
    path: str  # as in OpenAPI: /api/v1/pages/{page}
    handler: Handler
    summary: str
    schema: str
    scope: Scope | None = "search"
    params: tuple[Param, ...] = ()
    get: bool = True
    post: bool = False
    engine: bool = True  # takes the engine of the site named by ``site``
    gated: bool = True  # computes something: waits at the admission gate
    cached: bool = True  # same snapshot and arguments, same answer
    success: int = 200
    statuses: tuple[int, ...] = ()
    description: str = ""
    content_types: tuple[str, ...] = ("application/json",)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it takes, besides OPTIONS and HEAD."""
        return (*(["GET"] if self.get else []), *(["POST"] if self.post else []))

"""JSON as it leaves the daemon."""

from __future__ import annotations

import json

from searchd.api.serialise import encode


def test_json_is_compact_utf8_without_escapes() -> None:
    payload = {"q": 'Über "uns" </script>\u2028', "n": [1, 0.5, -2.0, None, True], "x": {}}
    body = encode(payload)
    assert json.loads(body) == payload
    assert "Über".encode() in body
    assert b": " not in body


def test_a_lone_surrogate_does_not_lose_the_answer() -> None:
    assert json.loads(encode({"title": "half \ud800 a pair", "n": 1})) == {"title": "half ? a pair", "n": 1}

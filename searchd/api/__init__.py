"""The HTTP API: one table of endpoints that routes, OpenAPI document and documentation page share."""

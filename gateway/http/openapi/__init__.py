"""The gateway's own OpenAPI document: ``GET /openapi.json``, and what ``GET /docs`` shows.

``rows`` has one row of facts for each route; ``document`` makes the document of them, the schemas of bodies and replies
and the table of errors. A test holds the rows against the application's routes.
"""

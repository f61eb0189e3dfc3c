"""Routes of Cube that this server answers with "not available", each in the shape that Cube's clients expect of it.

Tokens and scopes are asked for all the same, so that nobody learns more here than elsewhere.
"""

from __future__ import annotations

import orjson

from cuboid.http.api import ApiHandler

NO_GRAPHQL = "There is no GraphQL API here: ask with a query object at /v1/load."


class GraphQLHandler(ApiHandler):
    """``/graphql``: GraphQL's form of an error, and ours."""

    scope = "graphql"

    async def get(self) -> None:
        self.set_status(400)
        await self.send(orjson.dumps({"error": NO_GRAPHQL, "errors": [{"message": NO_GRAPHQL}]}))

    post = get


class GraphQLToJsonHandler(ApiHandler):
    """``POST /v1/graphql-to-json``: what Cube says of GraphQL that it cannot convert."""

    async def post(self) -> None:
        await self.send(orjson.dumps({"jsonQuery": None}))

"""The paths of the login endpoint and of Graph, in both of its versions."""

from starlette.routing import BaseRoute, Route, Router

from sandbox.directory import groups, login, members, objects, people
from sandbox.directory.batch import batch_endpoint
from sandbox.refusals import REFUSE_ALL

VERSIONS = ("v1.0", "beta")

_LOGIN: list[BaseRoute] = [
    Route("/metadata/endpoints", login.get_metadata, methods=["GET"]),
    Route("/{tenant}/oauth2/v2.0/token", login.mint_token, methods=["POST"]),
    Route("/{tenant}/v2.0/.well-known/openid-configuration", login.get_openid_configuration, methods=["GET"]),
]


def _graph(version: str) -> list[BaseRoute]:
    group = f"/{version}/groups/{{id}}"
    return [
        Route(f"/{version}/users", people.list_people, methods=["GET"]),
        Route(f"/{version}/users/{{id}}", people.get_person, methods=["GET"]),
        Route(f"/{version}/directory/deletedItems/microsoft.graph.user", people.list_deleted, methods=["GET"]),
        Route(f"/{version}/directoryObjects/{{id}}", objects.get_object, methods=["GET"]),
        Route(f"/{version}/groups", groups.list_groups, methods=["GET"]),
        Route(f"/{version}/groups", groups.create_group, methods=["POST"]),
        Route(group, groups.get_group, methods=["GET"]),
        Route(group, groups.update_group, methods=["PATCH"]),
        Route(group, groups.delete_group, methods=["DELETE"]),
        Route(f"{group}/members", members.list_members, methods=["GET"]),
        Route(f"{group}/members/microsoft.graph.user", members.list_member_users, methods=["GET"]),
        Route(f"{group}/members/$ref", members.add_member, methods=["POST"]),
        Route(f"{group}/members/{{member}}/$ref", members.remove_member, methods=["DELETE"]),
        Route(f"{group}/transitiveMembers", members.list_transitive_members, methods=["GET"]),
        Route(
            f"{group}/transitiveMembers/microsoft.graph.user",
            members.list_transitive_member_users,
            methods=["GET"],
        ),
        Route(f"{group}/owners", members.list_owners, methods=["GET"]),
        Route(f"{group}/owners/$ref", members.add_owner, methods=["POST"]),
        Route(f"{group}/owners/{{member}}/$ref", members.remove_owner, methods=["DELETE"]),
        Route(f"{group}/memberOf", members.list_containing_groups, methods=["GET"]),
    ]


_GRAPH = [route for version in VERSIONS for route in _graph(version)]
_BATCH: list[BaseRoute] = [
    Route(f"/{version}/$batch", batch_endpoint(Router([*_GRAPH, REFUSE_ALL])), methods=["POST"]) for version in VERSIONS
]

ROUTES = [*_LOGIN, *_GRAPH, *_BATCH]

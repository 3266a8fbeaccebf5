"""Puts the JSON API together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path, re_path
from ninja import NinjaAPI
from ninja.operation import Operation

from guestlist import __version__
from guestlist.api import (
    align,
    connections,
    deliveries,
    members,
    orders,
    problems,
    reconciliations,
    simulate,
    status,
)
from guestlist.api.params import only_known_parameters
from guestlist.api.roles import OWNER, needed_role, noted


class Api(NinjaAPI):
    """The JSON API. Its operations carry their plain names, which clients made from the schema take over."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Such as `list_orders`."""
        return operation.view_func.__name__

    def operations(self) -> Iterator[tuple[str, Operation]]:
        """All operations with their paths beneath the API's address."""
        for _prefix, router in self._routers:
            for path_, view in router.path_operations.items():
                yield from ((path_, operation) for operation in view.operations)

    def tell_roles(self) -> None:
        """Have the schema say which role each operation needs."""
        for _path, operation in self.operations():
            needed = needed_role(operation)
            operation.description = f"{operation.description}\n\nNeeds a token of the role {needed} or above."


api = Api(
    title="Guestlist",
    version=__version__,
    description="Orders, members, deliveries and settings of this Guestlist.",
    auth=OWNER,  # what an operation needs that says nothing itself
    urls_namespace="api",
)
problems.register(api)
api.add_decorator(only_known_parameters)
api.add_decorator(noted)
for module in (status, orders, members, deliveries, simulate, align, reconciliations, connections):
    api.add_router("", module.router)
api.tell_roles()


def not_found(_request: HttpRequest, _path: str = "") -> HttpResponse:
    """For every other address beneath the API's."""
    return JsonResponse({"error": "There is nothing at this address; see /api/v1/docs."}, status=404)


def in_one_shape(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, answering a method that the address does not have as every other error is answered."""

    @functools.wraps(view)
    def answered(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
        response = view(request, *args, **values)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        methods = response["Allow"]
        return JsonResponse(
            {"error": f"{request.method} is not possible at this address; possible: {methods}."},
            status=405,
            headers={"Allow": methods},
        )

    return answered


_patterns, _app, _namespace = api.urls
for _pattern in _patterns:
    if _pattern.callback is not None:
        _pattern.callback = in_one_shape(_pattern.callback)

urlpatterns = [re_path("^$", not_found), path("", (_patterns, _app, _namespace)), re_path("(.*)", not_found)]

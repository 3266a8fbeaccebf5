"""Puts the JSON API together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path, re_path
from ninja import NinjaAPI
from ninja.operation import Operation
from ninja.security import HttpBearer

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
from guestlist.api.models import ApiToken
from guestlist.api.params import only_known_parameters
from guestlist.api.tokens import use_token


class Bearer(HttpBearer):
    """`Authorization: Bearer TOKEN`, with a token of `guestlist token create`."""

    def authenticate(self, _request: HttpRequest, token: str) -> ApiToken | None:
        """The token, if it is one of ours."""
        return use_token(token)


class Api(NinjaAPI):
    """The JSON API. Its operations carry their plain names, which clients made from the schema take over."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Such as `list_orders`."""
        return operation.view_func.__name__


api = Api(
    title="Guestlist",
    version=__version__,
    description="Orders, members, deliveries and settings of this Guestlist.",
    auth=Bearer(),
    urls_namespace="api",
)
problems.register(api)
api.add_decorator(only_known_parameters)
for module in (status, orders, members, deliveries, simulate, align, reconciliations, connections):
    api.add_router("", module.router)


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

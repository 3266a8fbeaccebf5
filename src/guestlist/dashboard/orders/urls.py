"""Routes: orders: found, listed, and each with its story."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "orders"
urlpatterns = [
    path("orders", coming.show, name="list"),
    path("orders/<int:order_id>", coming.show, name="show"),
]

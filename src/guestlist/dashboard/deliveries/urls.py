"""Routes: what the carts delivered."""

from django.urls import path

from guestlist.dashboard.deliveries import lists, one

app_name = "deliveries"
urlpatterns = [
    path("deliveries", lists.show, name="list"),
    path("deliveries.csv", lists.export, name="export"),
    path("deliveries/<int:delivery_id>", one.show, name="show"),
    path("deliveries/<int:delivery_id>/body", one.body, name="body"),
]

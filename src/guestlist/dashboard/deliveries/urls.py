"""Routes: what the carts delivered."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "deliveries"
urlpatterns = [
    path("deliveries", coming.show, name="list"),
    path("deliveries/<int:delivery_id>", coming.show, name="show"),
]

"""Routes: products and what each of them gives."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "products"
urlpatterns = [
    path("products", coming.show, name="list"),
    path("products/<str:cart_id>/<str:item>", coming.show, name="show"),
]

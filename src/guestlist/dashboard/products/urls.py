"""Routes: products and what each of them gives."""

from django.urls import path

from guestlist.dashboard.products import aligning, lists, one

app_name = "products"
urlpatterns = [
    path("products", lists.show, name="list"),
    path("products/map", lists.map_quickly, name="map"),
    path("products/<slug:cart_id>/<str:item>", one.show, name="show"),
    path("products/<slug:cart_id>/<str:item>/outlook", one.outlook, name="outlook"),
    path("products/<slug:cart_id>/<str:item>/remove", one.remove, name="remove"),
    path("products/<slug:cart_id>/<str:item>/align", aligning.show, name="align"),
    path("products/<slug:cart_id>/<str:item>/align/count", aligning.count, name="count"),
    path("products/<slug:cart_id>/<str:item>/count", aligning.count_entered, name="count_entered"),
    path("products/<slug:cart_id>/<str:item>/align/run", aligning.run, name="align_run"),
]

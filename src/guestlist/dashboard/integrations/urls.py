"""Routes: carts and sites."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "integrations"
urlpatterns = [
    path("settings/integrations", coming.show, name="list"),
    path("settings/integrations/carts/<slug:cart_id>", coming.show, name="cart"),
    path("settings/integrations/sites/<slug:site_id>", coming.show, name="site"),
]

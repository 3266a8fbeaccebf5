"""Routes: carts and sites."""

from django.urls import path

from guestlist.dashboard.integrations import carts, lists, sites

app_name = "integrations"
urlpatterns = [
    path("settings/integrations", lists.show, name="list"),
    path("settings/integrations/connect/cart", carts.connect, name="connect_cart"),
    path("settings/integrations/connect/site", sites.connect, name="connect_site"),
    path("settings/integrations/carts/<slug:cart_id>", carts.show, name="cart"),
    path("settings/integrations/carts/<slug:cart_id>/arrivals", carts.arrivals, name="cart_arrivals"),
    path("settings/integrations/carts/<slug:cart_id>/secret", carts.secret, name="cart_secret"),
    path("settings/integrations/carts/<slug:cart_id>/secret/former", carts.forget_former, name="cart_forget_former"),
    path("settings/integrations/carts/<slug:cart_id>/api-key", carts.api_key, name="cart_api_key"),
    path("settings/integrations/carts/<slug:cart_id>/settings", carts.change, name="cart_settings"),
    path("settings/integrations/carts/<slug:cart_id>/disconnect", carts.disconnect, name="cart_disconnect"),
    path("settings/integrations/sites/<slug:site_id>", sites.show, name="site"),
    path("settings/integrations/sites/<slug:site_id>/now", sites.now, name="site_now"),
    path("settings/integrations/sites/<slug:site_id>/settings", sites.change, name="site_settings"),
    path("settings/integrations/sites/<slug:site_id>/way", sites.way, name="site_way"),
    path("settings/integrations/sites/<slug:site_id>/levels", sites.levels, name="site_levels"),
    path("settings/integrations/sites/<slug:site_id>/pause", sites.pause, name="site_pause"),
    path("settings/integrations/sites/<slug:site_id>/disconnect", sites.disconnect, name="site_disconnect"),
]

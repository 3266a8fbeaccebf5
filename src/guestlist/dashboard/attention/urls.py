"""Routes: what needs a person."""

from django.urls import path

from guestlist.dashboard.attention import checks, deliveries, members, views

app_name = "attention"
urlpatterns = [
    path("attention", views.show, name="list"),
    path("attention/count", views.count, name="count"),
    path("attention/members", members.show, name="members"),
    path("attention/notes", members.alerts, name="alerts"),
    path("attention/deliveries", deliveries.show, name="deliveries"),
    path("attention/check/<slug:site_id>", checks.show, name="check"),
    path("attention/site/<slug:site_id>", views.site_again, name="site_again"),
]

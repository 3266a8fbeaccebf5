"""Routes: people: what they have, why, and what staff may do."""

from django.urls import path

from guestlist.dashboard.people import acts, erasing, lists, one

app_name = "people"
urlpatterns = [
    path("people", lists.show, name="list"),
    path("people.csv", lists.export, name="export"),
    path("people/show", one.show, name="show"),
    path("people/data", one.export, name="data"),
    path("people/erase", erasing.show, name="erase"),
    path("people/password", acts.password, name="password"),
    path("people/look-anew", acts.look_anew, name="look_anew"),
    path("people/again", acts.again, name="again"),
    path("people/<slug:act>", acts.by_hand, name="act"),
]

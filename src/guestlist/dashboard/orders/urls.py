"""Routes: orders: found, listed, and each with its story."""

from django.urls import path

from guestlist.dashboard.orders import views

app_name = "orders"
urlpatterns = [
    path("orders", views.show_list, name="list"),
    path("orders.csv", views.export, name="export"),
    path("orders/<int:order_id>", views.show, name="show"),
]

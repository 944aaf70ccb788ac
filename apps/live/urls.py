from django.urls import path

from apps.live import views

app_name = "live"
urlpatterns = [path("<uuid:stream_id>/events", views.events, name="events")]

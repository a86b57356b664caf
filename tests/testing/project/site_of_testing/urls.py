from django.urls import path
from guestbook.views import entries, page

urlpatterns = [path("", page), path("entries/", entries)]

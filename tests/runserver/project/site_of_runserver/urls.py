from django.urls import path
from news.views import headline, slow

urlpatterns = [path("", headline), path("slow/", slow)]

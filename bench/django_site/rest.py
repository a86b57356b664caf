"""A list view of Django REST framework."""

from typing import Any

from django.contrib.auth.models import Group
from rest_framework import generics, permissions, renderers, serializers


class GroupSerializer(serializers.ModelSerializer[Any]):
    class Meta:
        model = Group
        fields = ("id", "name")


class Groups(generics.ListAPIView[Any]):
    queryset = Group.objects.all()
    serializer_class = GroupSerializer
    renderer_classes = (renderers.JSONRenderer,)
    permission_classes = (permissions.AllowAny,)

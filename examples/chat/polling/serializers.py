"""What the polling API takes and gives; the swagger pages are made from these."""

from rest_framework import serializers

from project.messages import NAME_LENGTH, TEXT_LENGTH


class AfterSerializer(serializers.Serializer):
    """The query of a poll."""

    after = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=2**63 - 1,
        help_text="Id of the last message the client has.",
    )


class MessageSerializer(serializers.Serializer):
    """A message as clients get it."""

    type = serializers.CharField()
    id = serializers.IntegerField()
    author = serializers.CharField()
    guest = serializers.BooleanField(help_text="The author is not logged in.")
    text = serializers.CharField()
    created = serializers.IntegerField(help_text="Milliseconds since 1970.")


class PollSerializer(serializers.Serializer):
    """The answer to a poll."""

    now = serializers.IntegerField(help_text="The server's clock, in milliseconds since 1970.")
    messages = MessageSerializer(many=True)


class NewMessageSerializer(serializers.Serializer):
    """A message as clients send it."""

    name = serializers.CharField(
        max_length=NAME_LENGTH, default="Guest", help_text="Name of a guest."
    )
    text = serializers.CharField(max_length=TEXT_LENGTH)

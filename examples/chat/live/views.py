"""The page of the show."""

from django.views.generic import TemplateView

from live.consumers import COLORS, COMMENT_LENGTH


class LiveView(TemplateView):
    """The show, with comments flying over it."""

    template_name = "live/live.html"
    extra_context = {"colors": COLORS, "comment_length": COMMENT_LENGTH}

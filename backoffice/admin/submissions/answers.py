"""What a form led to, as JSON: enough to say it again."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase, HttpResponseRedirectBase
from django.template.response import TemplateResponse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeData, mark_safe

POPUP = "popup_response_data"  # in the context of Django's page that closes a pop-up


def answer_of(request: HttpRequest, response: HttpResponseBase) -> dict[str, Any] | None:
    """The answer; None where the form has done nothing and is shown again."""
    said = [_as_json(message) for message in _storage(request)._queued_messages]
    if isinstance(response, HttpResponseRedirectBase):
        return {"to": response.url, "messages": said}
    if isinstance(response, TemplateResponse) and POPUP in (response.context_data or {}):
        data = (response.context_data or {})[POPUP]
        return {"popup": data, "template": response.template_name, "messages": said}
    if "attachment" in response.headers.get("Content-Disposition", ""):
        return {"file": True, "messages": said}
    return None


def say_again(request: HttpRequest, answer: dict[str, Any]) -> HttpResponse:
    """The response of `answer`, one that is no file."""
    storage = _storage(request)
    known = {str(message.message) for message in storage._loaded_messages}
    for level, text, tags, is_safe in answer["messages"]:
        if text not in known:  # the browser may have kept it from the first response
            storage.add(level, mark_safe(text) if is_safe else text, tags)  # noqa: S308 -- it was
    if "to" in answer:
        return HttpResponseRedirect(answer["to"])
    return TemplateResponse(request, answer["template"], {POPUP: answer["popup"]})


def said_in(answer: dict[str, Any]) -> list[str]:
    """The messages, as HTML."""
    return [
        mark_safe(text) if is_safe else conditional_escape(text)  # noqa: S308 -- it was
        for _level, text, _tags, is_safe in answer["messages"]
    ]


def _as_json(message: Any) -> list[Any]:
    text = message.message
    return [message.level, str(text), message.extra_tags, isinstance(text, SafeData)]


def _storage(request: HttpRequest) -> Any:
    """The request's messages. Django has no public way to look at them without taking them."""
    return messages.get_messages(request)

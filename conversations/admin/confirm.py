"""Between a button and what it does: a page that says what will happen to what, and asks why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.pages import actor_of
from common.reasons import NOTE_LENGTH
from common.refusals import NotFound, Refused
from conversations.admin.deed import Cause, Deed, Subject
from conversations.log.errors import LogError

CONFIRMED = "confirmed"
SHOWN = 20
"""Targets that the page names one by one."""


@dataclass(frozen=True, slots=True)
class Target:
    """A subject and what people call it."""

    subject: Subject
    label: str


class CauseForm(forms.Form):
    """Why: one of the deed's reasons, and a note where the record keeps one."""

    reason = forms.ChoiceField(label=_("Reason"))
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, deed: Deed, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        reason = self.fields["reason"]
        assert isinstance(reason, forms.ChoiceField)
        reason.choices = [("", gettext("Choose a reason")), *deed.reasons.choices]  # none is there by itself
        self.fields["note"].help_text = str(deed.note_for)
        if not deed.noted:
            del self.fields["note"]

    def cause(self) -> Cause:
        return Cause(self.cleaned_data["reason"], self.cleaned_data.get("note", ""))


def confirm(
    request: HttpRequest,
    deed: Deed,
    targets: Sequence[Target],
    *,
    back: str,
    hidden: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """Asks; or, once confirmed, does it, says what came of it, and goes ``back``.

    ``hidden`` are further fields that bring the answer to the same place.
    """
    if not deed.allowed(request):
        raise PermissionDenied
    confirmed = request.method == "POST" and CONFIRMED in request.POST
    form = CauseForm(deed, request.POST if confirmed else None)
    if confirmed and form.is_valid():
        perform(request, deed, targets, form.cause())
        return HttpResponseRedirect(back)
    context = {
        **admin.site.each_context(request),
        "title": deed.question,
        "deed": deed,
        "form": form,
        "targets": targets[:SHOWN],
        "count": len(targets),
        "more": max(len(targets) - SHOWN, 0),
        "hidden": hidden,
        "back": back,
        "confirmed_name": CONFIRMED,
    }
    return TemplateResponse(request, "admin/conversations/confirm.html", context)


def perform(request: HttpRequest, deed: Deed, targets: Sequence[Target], cause: Cause) -> None:
    """Does it to each, one after the other: what is refused for one leaves the others done."""
    refused: list[str] = []
    for target in targets:
        try:
            deed.run(target.subject, actor_of(request), cause)
        except (Refused, NotFound, LogError) as error:
            refused.append(f"{target.label}: {error}")
    done = len(targets) - len(refused)
    if done == 1 and len(targets) == 1:
        messages.success(request, str(deed.done))
    elif done:
        said = gettext("%(label)s: done for %(done)s of %(all)s.")
        messages.success(request, said % {"label": deed.label, "done": done, "all": len(targets)})
    for said in refused[:SHOWN]:
        messages.error(request, said)
    if len(refused) > SHOWN:
        messages.error(request, gettext("%(count)s more were refused.") % {"count": len(refused) - SHOWN})

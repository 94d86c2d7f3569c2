"""Re-runs: asked for here, made in the background, watched here. The words of both sides open with a reason."""

from typing import Any
from uuid import UUID

import msgspec
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from conversations.admin import opened, rerun_words
from conversations.admin.filters import as_uuid, choice_filter
from conversations.admin.links import conversation_link, conversation_url
from conversations.admin.readonly import ReadOnlyAdmin, moment, short
from conversations.errors import ConversationNotFound, NotAllowed, Refused
from conversations.log.errors import LogError
from conversations.models import Conversation
from conversations.rerun.compare import Compared
from conversations.rerun.queue import PERMISSION
from conversations.rerun.report import Outcome, summarise
from conversations.rerun_tables import RerunJob, RerunState
from conversations.services import reruns
from conversations.services.access import Actor

_MAY = f"conversations.{PERMISSION}"


class StartForm(forms.Form):
    """What to run again, and with what."""

    conversation_id = forms.UUIDField(label=_("Conversation"), widget=forms.TextInput(attrs={"size": 40}))
    from_turn = forms.CharField(
        label=_("From turn"),
        required=False,
        max_length=120,
        help_text=_("A number. The turns before it are taken over as they are. Empty: from the first."),
    )
    llm = forms.CharField(
        label=_("Chat model"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("A model of the engine host, or URL#MODEL of another server, which is then sent what was said."),
    )
    voice = forms.CharField(label=_("Voice"), required=False, max_length=120, help_text=_("Empty: as it was."))
    instructions = forms.CharField(
        label=_("Instructions"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4, "cols": 80})
    )
    transcribe = forms.BooleanField(label=_("Transcribe the sound again"), required=False)


@admin.register(RerunJob)
class RerunJobAdmin(ReadOnlyAdmin[RerunJob]):
    ordering = ("-created_at",)
    list_select_related = ("owner",)
    list_display = ("asked", "person", "where", "with_what", "progress", "status", "became")
    list_filter = (
        choice_filter("state", _("state"), {state: (label, Q(state=state)) for state, label in RerunState.choices}),
    )
    search_help_text = _("A conversation's id, or the beginning of a person's name.")
    change_form_template = "admin/conversations/rerunjob/change_form.html"
    change_list_template = "admin/conversations/rerunjob/change_list.html"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[RerunJob]":
        return super().get_queryset(request).defer("compared", "instructions")

    def search(self, found: "QuerySet[RerunJob]", term: str) -> "QuerySet[RerunJob]":
        if (identifier := as_uuid(term)) is not None:
            return found.filter(Q(conversation_id=identifier) | Q(result_id=identifier))
        return found.filter(owner__username__istartswith=term)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(_MAY)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Before the admin's own: ``<path:object_id>`` would take every path. Not theirs: they hold a transaction."""
        view = self.admin_site.admin_view
        own = [
            path("start/", view(self.start_view), name="conversations_rerunjob_start"),
            path("<uuid:job_id>/stop/", view(require_POST(self.stop_view)), name="conversations_rerunjob_stop"),
            path("<uuid:job_id>/words/", view(require_POST(self.words_view)), name="conversations_rerunjob_words"),
            path("<uuid:job_id>/close/", view(require_POST(self.close_view)), name="conversations_rerunjob_close"),
        ]
        return [*own, *super().get_urls()]

    def start_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(_MAY):
            raise PermissionDenied
        form = StartForm(request.POST or None, initial={"conversation_id": request.GET.get("conversation", "")})
        if request.method == "POST" and form.is_valid():
            try:
                job = reruns.start(actor=_actor(request), **form.cleaned_data)
            except NotAllowed as refusal:
                raise PermissionDenied from refusal
            except (Refused, ConversationNotFound, LogError) as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, gettext("The re-run is on its way."))
                return HttpResponseRedirect(_page(job.id))
        context = {**self.admin_site.each_context(request), "title": gettext("Run a conversation again"), "form": form}
        return TemplateResponse(request, "admin/conversations/rerunjob/start.html", context)

    def stop_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        if not request.user.has_perm(_MAY):
            raise PermissionDenied
        try:
            reruns.stop(job_id, actor=_actor(request))
        except ConversationNotFound:
            raise Http404 from None
        except Refused as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(_page(job_id))

    def words_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Opens both sides' words for a while; the record of the conversation that was run again says so first."""
        source = self._source(request, job_id)
        try:
            opened.open_words(request, _actor(request), source, request.POST.get("reason", ""))
        except NotAllowed as refusal:
            raise PermissionDenied from refusal
        except (Refused, LogError) as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(f"{_page(job_id)}#words")

    def close_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        opened.close(request, self._source(request, job_id).id)
        return HttpResponseRedirect(f"{_page(job_id)}#words")

    def _source(self, request: HttpRequest, job_id: UUID) -> Conversation:
        if not (self.has_view_permission(request) and rerun_words.may_read(request)):
            raise PermissionDenied
        job = RerunJob.objects.filter(id=job_id).only("conversation_id").first()
        source = Conversation.objects.filter(id=job.conversation_id, erased_at=None).first() if job else None
        if source is None:
            raise Http404
        return source

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """What it is doing, and what came of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job_id = as_uuid(object_id)
        job = RerunJob.objects.select_related("owner").filter(id=job_id).first() if job_id is not None else None
        if job is None:
            raise Http404
        turns = msgspec.convert(job.compared, list[Compared])
        outcome = Outcome(conversation_id=str(job.conversation_id), turns=turns)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Re-run of %(conversation)s") % {"conversation": short(job.conversation_id)},
            "job": job,
            "asked": moment(job.created_at),
            "source_url": conversation_url(job.conversation_id),
            "result_url": conversation_url(job.result_id) if job.result_id else "",
            "turns": turns,
            "words": rerun_words.build(request, job, turns) if job.over and turns else None,
            "summary": summarise([outcome]) if turns else None,
        }
        return TemplateResponse(request, self.change_form_template, context)

    @admin.display(description=_("asked at"))
    def asked(self, job: RerunJob) -> str:
        return moment(job.created_at)

    @admin.display(description=_("asked by"))
    def person(self, job: RerunJob) -> str:
        return job.owner.get_username()

    @admin.display(description=_("conversation"))
    def where(self, job: RerunJob) -> str:
        return conversation_link(job.conversation_id)

    @admin.display(description=_("with"))
    def with_what(self, job: RerunJob) -> str:
        return " · ".join(part for part in (job.llm, job.voice) if part) or "–"

    @admin.display(description=_("turns"))
    def progress(self, job: RerunJob) -> str:
        return f"{job.done} / {job.total}" if job.total else "–"

    @admin.display(description=_("state"))
    def status(self, job: RerunJob) -> str:
        return str(RerunState(job.state).label)

    @admin.display(description=_("result"))
    def became(self, job: RerunJob) -> str:
        return conversation_link(job.result_id) if job.result_id else "–"


def _actor(request: HttpRequest) -> Actor:
    user = request.user
    if not user.is_authenticated:
        raise PermissionDenied
    return user


def _page(job_id: UUID) -> str:
    return reverse("admin:conversations_rerunjob_change", args=[job_id])

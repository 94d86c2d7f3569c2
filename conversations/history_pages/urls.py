"""Where the pages of the history live."""

from django.urls import path

from conversations.history_pages import changes, downloads, reruns, views

_ONE = "history/<uuid:conversation_id>"

urlpatterns = [
    path("history", views.history, name="history"),
    path(_ONE, views.conversation, name="conversation"),
    path(f"{_ONE}/lines", views.lines, name="lines"),
    path(f"{_ONE}/export/<str:form>", downloads.export, name="export"),
    path(f"{_ONE}/title", changes.rename, name="rename"),
    path(f"{_ONE}/fork", changes.fork, name="fork"),
    path(f"{_ONE}/rerun", reruns.start, name="rerun-start"),
    path(f"{_ONE}/reruns/<uuid:job_id>", reruns.rerun, name="rerun"),
    path(f"{_ONE}/reruns/<uuid:job_id>/progress", reruns.progress, name="rerun-progress"),
    path(f"{_ONE}/reruns/<uuid:job_id>/stop", reruns.stop, name="rerun-stop"),
    path(f"{_ONE}/erase", changes.erase, name="erase"),
    path(f"{_ONE}/turns/<int:number>/erase", changes.erase_turn, name="erase-turn"),
]

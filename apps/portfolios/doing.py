"""What the page's buttons and forms do. What was typed comes back beside what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import teams
from apps.accounts.refusal import Conflict, Refused
from apps.portfolios import actions
from apps.portfolios.actions import Forbidden
from apps.portfolios.asking import told
from apps.portfolios.forms import CommentForm, CriterionForm, DecisionForm, NameForm, of_criterion
from apps.portfolios.models import Portfolio, State
from apps.portfolios.views import editable, shown, visible

Act = Callable[[], Any]


def status(refused: Refused) -> int:
    return 403 if isinstance(refused, Forbidden) else 409 if isinstance(refused, Conflict) or "" in refused.errors else 422


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Another name or description."""
    found = editable(request, pk)
    start = {"name": found.name, "description": found.description, "seen": found.version}
    form = NameForm(request.POST) if request.method == "POST" else NameForm(initial=start)
    if form.is_valid():
        typed = form.cleaned_data
        if _done(form, lambda: actions.rename(teams.person(request), found, typed["name"], typed["description"], typed["seen"])):
            return redirect("portfolio", pk=pk)
    return _form_page(request, found, form, "Rename", "Name and description")


@require_http_methods(["GET", "HEAD", "POST"])
def criterion(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Another bound, device or metric."""
    found = editable(request, pk)
    held = get_object_or_404(found.criteria, pk=number)
    start = of_criterion(held, found.version)
    form = CriterionForm(found, request.POST, initial=start) if request.method == "POST" else CriterionForm(found, initial=start)
    if form.is_valid():
        values = form.cleaned_data
        if _done(form, lambda: actions.change_criterion(teams.person(request), found, number, values, values["seen"])):
            return redirect("portfolio", pk=pk)
    return _form_page(request, found, form, "Change the criterion", "A criterion")


@require_POST
def add_criterion(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = editable(request, pk)
    form = CriterionForm(found, request.POST, auto_id="criterion_%s")
    if form.is_valid() and _done(form, lambda: actions.add_criterion(teams.person(request), found, form.cleaned_data)):
        return redirect(f"{reverse('portfolio', args=[pk])}#board")
    return shown(request, visible(request, pk), _wrong(form), criterion_form=form)


@require_POST
def comment(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = editable(request, pk)
    form = CommentForm(request.POST, auto_id="comment_%s")
    if form.is_valid():
        said = form.cleaned_data
        if _done(form, lambda: actions.comment(teams.person(request), found, said["text"], said["criterion"], said["variant"])):
            return redirect(f"{reverse('portfolio', args=[pk])}{_same_cell(said)}#talk")
    return shown(request, visible(request, pk), _wrong(form), comment_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_comment(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """One's own comment, to be written again."""
    found = editable(request, pk)
    mine = get_object_or_404(found.comments, pk=number, author=request.user)
    form = CommentForm(request.POST) if request.method == "POST" else CommentForm(initial={"text": mine.text})
    user = teams.person(request)
    if form.is_valid() and _done(form, lambda: actions.edit_comment(user, found, number, form.cleaned_data["text"])):
        return redirect(f"{reverse('portfolio', args=[pk])}#talk")
    return _form_page(request, found, form, "Save the comment", "Your comment")


@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Approve, or request changes, of the version that was before the eyes."""
    found = visible(request, pk)
    form = DecisionForm(request.POST, auto_id="decision_%s")
    if form.is_valid() and _done(form, lambda: _decided(request, found, form)):
        return redirect("portfolio", pk=pk)
    return shown(request, visible(request, pk), _wrong(form), decision_form=form)


def _decided(request: HttpRequest, found: Portfolio, form: DecisionForm) -> None:
    user, said = teams.person(request), form.cleaned_data
    if request.POST.get("verdict") == "approve":
        actions.approve(user, found, said["version"], said["text"], said["although"])
    else:
        actions.request_changes(user, found, said["version"], said["text"])


@require_POST
def submit(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, lambda user, found: actions.submit(user, found))


@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, lambda user, found: actions.withdraw(user, found))


@require_POST
def drop_variant(request: HttpRequest, pk: UUID, variant: UUID) -> HttpResponse:
    """Of an approved one this is asked first: it voids the approval."""
    found = editable(request, pk)
    held = found.entries.select_related("variant").filter(variant=variant).first()
    if held and _voids(request, found):
        return _asked_first(request, found, f"the variant {held}")
    return _act(request, pk, lambda user, found: actions.remove_variant(user, found, variant))


@require_POST
def note(request: HttpRequest, pk: UUID, variant: UUID) -> HttpResponse:
    """A line beside a variant. The cell in which it was typed stays open; refused, the line stands there beside the reason."""
    found, line, cell = editable(request, pk), request.POST.get("note", ""), request.GET.get("cell", "")
    try:
        actions.note_variant(teams.person(request), found, variant, line, request.POST.get("was"))
    except Refused as refused:
        why = " ".join(refused.errors.values())
        return shown(request, visible(request, pk), status(refused), refused=why, note_typed=line)
    place = f"?{urlencode({'cell': cell})}#cell" if cell else ""
    return redirect(f"{reverse('portfolio', args=[pk])}{place}")


@require_POST
def drop_criterion(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Of an approved one this is asked first: it voids the approval."""
    found = editable(request, pk)
    held = found.criteria.filter(pk=number).first()
    if held and _voids(request, found):
        return _asked_first(request, found, f"“{told(held)}”")
    return _act(request, pk, lambda user, found: actions.remove_criterion(user, found, number))


def _voids(request: HttpRequest, found: Portfolio) -> bool:
    """Whether it is approved, and this person has not said yes to this very version."""
    return found.state == State.APPROVED and request.POST.get("sure") != str(found.version)


def _asked_first(request: HttpRequest, found: Portfolio, what: str) -> HttpResponse:
    return render(request, "portfolios/sure.html", {"portfolio": found, "what": what})


@require_POST
def delete_comment(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    return _act(request, pk, lambda user, found: actions.delete_comment(user, found, number), "#talk")


@require_POST
def resolve(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    done = request.POST.get("done", "1") == "1"
    return _act(request, pk, lambda user, found: actions.resolve(user, found, number, done), "#talk")


def _act(request: HttpRequest, pk: UUID, act: Callable[[Any, Portfolio], Any], place: str = "") -> HttpResponse:
    """Do it and show the page; what cannot be done is said on it."""
    found = editable(request, pk)
    try:
        act(teams.person(request), found)
    except Refused as refused:
        return shown(request, visible(request, pk), status(refused), refused=" ".join(refused.errors.values()))
    return redirect(f"{reverse('portfolio', args=[pk])}{place}")


def _done(form: Any, act: Act) -> bool:
    """Whether it was done; else the refusal stands in the form."""
    try:
        act()
    except Refused as refused:
        form.refuse(refused.errors)
        form.status = status(refused)
        return False
    return True


def _wrong(form: Any) -> int:
    return getattr(form, "status", 422)


def _form_page(request: HttpRequest, found: Portfolio, form: Any, verb: str, title: str) -> HttpResponse:
    context = {"portfolio": found, "form": form, "verb": verb, "title": title}
    return render(request, "portfolios/form.html", context, status=_wrong(form) if form.errors else 200)


def _same_cell(said: dict[str, Any]) -> str:
    return f"?cell={said['criterion']}-{said['variant']}" if said["criterion"] and said["variant"] else ""

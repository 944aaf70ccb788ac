"""What an operator does with many devices: the pages between the list and what is done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from apps.accounts.refusal import Refused
from apps.devices import enrolment
from apps.devices.desk import bulk, merging, updating
from apps.devices.desk.forms import CodeForm, KeepForm, StageForm
from apps.devices.desk.signed import _Admin
from apps.devices.join_line import join_command
from apps.devices.models import Device

MOST = 1_000


class ManyAtOnce(_Admin):
    """Actions of the list of devices, and its pages for codes and updates."""

    actions = ("change_many", "merge_entries")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [path("code/", wrap(self.code_view), name="devices_device_code"),
                path("update/", wrap(self.update_view), name="devices_device_update"), *super().get_urls()]

    @admin.action(description="Change the selected devices", permissions=["change"])
    def change_many(self, request: HttpRequest, chosen: QuerySet[Device]) -> HttpResponse | None:
        form = bulk.BulkForm(request.POST if "apply" in request.POST else None)
        devices = list(chosen[:MOST + 1])
        if len(devices) > MOST:
            self._say(request, f"At most {MOST} devices at a time.")
            return None
        if form.is_valid():
            try:
                count = bulk.change_all(devices, form.cleaned_data)
            except ValueError as wrong:
                form.add_error("add", str(wrong))
            except Refused as refused:
                form.add_error("shared", " ".join(refused.errors.values()))
            else:
                self._say(request, f"{count} of {len(devices)} devices are changed.", messages.SUCCESS)
                return None
        return self._page(request, "Change devices", form, devices, "change_many")

    @admin.action(description="Merge the selected entries: they are one board", permissions=["change"])
    def merge_entries(self, request: HttpRequest, chosen: QuerySet[Device]) -> HttpResponse | None:
        form = KeepForm(chosen, request.POST if "apply" in request.POST else None)
        devices = list(chosen[:MOST + 1])
        if form.is_valid():
            try:
                kept, dropped = merging.merge(form.cleaned_data["keep"], devices)
            except Refused as refused:
                self._say(request, " ".join(refused.errors.values()))
            else:
                but = f", but for links that newer ones replace or that led nowhere: {'; '.join(dropped)}" if dropped else ""
                self._say(request, f"{kept} has all that {len(devices)} entries had{but}.", messages.SUCCESS)
            return None
        return self._page(request, "Merge entries", form, devices, "merge_entries", counts=merging.counts(devices[:50]),
                          warning=merging.difference(devices))

    def code_view(self, request: HttpRequest) -> HttpResponse:
        """Let n boards join with one code."""
        self._refuse_readers(request)
        form, text = CodeForm(request.POST or None), ""
        if form.is_valid():
            said = dict(form.cleaned_data)
            try:
                _, text = enrolment.make_code(request.user, said.pop("team"), **said, as_operator=True)  # type: ignore[arg-type]
            except Refused as refused:
                form.add_error(None, " ".join(refused.errors.values()))
        command = join_command(request, text) if text else ""
        return self._page(request, "Let boards join", form, code=text, command=command)

    def update_view(self, request: HttpRequest) -> HttpResponse:
        """Bring agents to the version that this portal serves, in stages."""
        self._refuse_readers(request)
        form = StageForm(request.POST or None, initial={"label": request.GET.get("label", "").replace("\x00", "")[:60]})
        label = str(form["label"].value() or "")
        if form.is_valid():
            label = form.cleaned_data["label"]
            try:
                said = _updated(request, form.cleaned_data["percent"], label)
            except Refused as refused:
                form.add_error(None, " ".join(refused.errors.values()))
            else:
                self._say(request, said, messages.SUCCESS)
                return redirect(f"{request.path}?label={label}")
        return self._page(request, "Update agents", form, standing=updating.standing(label))

    def _page(self, request: HttpRequest, title: str, form: forms.Form, devices: list[Device] | None = None, action: str = "",
              **more: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": title, "form": form, "opts": self.opts,
                   "devices": devices, "action": action, "media": self.media + form.media, **more}
        return TemplateResponse(request, "admin/devices/many.html", context, status=422 if form.errors else 200)

    def _say(self, request: HttpRequest, text: str, level: int = messages.ERROR) -> None:
        self.message_user(request, text, level)

    def _refuse_readers(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied


def _updated(request: HttpRequest, percent: int, label: str) -> str:
    if "stop" in request.POST:
        return f"{updating.stop(request.user, label)} agents are asked no longer."
    return f"{updating.stage(request.user, percent, label)} agents are asked to become the version now."

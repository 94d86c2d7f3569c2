"""Flag rules: what raises a flag by itself. Here alone something is edited, since a rule is no fact."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from conversations.models import FlagRule
from conversations.services.reasons import FlagReason


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Offers the reasons that people know; one of a program's own stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = list(FlagReason.choices)
        if self.instance.reason and self.instance.reason not in FlagReason.values:
            known.append((self.instance.reason, self.instance.reason))
        self.fields["reason"] = forms.ChoiceField(label=_("reason"), choices=known)


@admin.register(FlagRule)
class FlagRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = RuleForm
    list_display = ("name", "language", "kind", "reason", "enabled")
    list_filter = ("enabled", "kind", "reason", "language")
    search_fields = ("name", "expression")
    fields = ("name", "enabled", "language", "kind", "expression", "reason")

"""Roles on the pages of accounts: what each is for, and what it allows, in words."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.lists.lines import LineField
from backoffice.admin.lists.search import words_of
from backoffice.admin.pages import plural_of
from backoffice.admin.pickers.keys import KeysField
from backoffice.admin.typing import ModelAdminBase
from backoffice.roles import Role, said

CARDS = 60  # roles that are shown as cards; more have Django's two panes

#: The words of actions, in the order in which they are said.
ACTIONS = {
    "view": gettext_lazy("view"),
    "add": gettext_lazy("add"),
    "change": gettext_lazy("change"),
    "delete": gettext_lazy("delete"),
    "export": gettext_lazy("export"),
    "erase": gettext_lazy("erase"),
}


def in_words(permissions: Iterable[Permission]) -> list[str]:
    """Lines such as “Books, patrons: view, add”: what may be done, the most first."""
    actions: dict[tuple[bool, str], set[str]] = defaultdict(set)
    others = []
    for permission in permissions:
        kind = ContentType.objects.get_for_id(permission.content_type_id)
        model: Any = kind.model_class()
        action, _underscore, name = permission.codename.partition("_")
        if model is None or action not in ACTIONS or name != model._meta.model_name:
            others.append(permission.name)
        else:
            actions[hasattr(model, "instance_type"), plural_of(model)].add(action)
    lines: dict[tuple[bool, tuple[str, ...]], list[str]] = defaultdict(list)
    for (is_history, names), allowed in sorted(actions.items()):
        lines[is_history, tuple(each for each in ACTIONS if each in allowed)].append(names)
    lines_said = []
    for (is_history, words), listed in sorted(lines.items(), key=_most_first):
        subject = ", ".join(listed)
        if is_history:
            subject = _("history of %(names)s") % {"names": subject}
        lines_said.append(
            f"{capfirst(subject)}: {', '.join(str(ACTIONS[each]) for each in words)}"
        )
    return lines_said + sorted(others)


def _most_first(line: Any) -> Any:
    (is_history, allowed), names = line
    return is_history, -len(allowed), names


class RoleCards(forms.CheckboxSelectMultiple):
    """A box for each role, with its sentence and what it allows."""

    template_name = "admin/backoffice/role_cards.html"

    class Media:
        css = {"all": ["backoffice/roles.css"]}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        option = super().create_option(name, value, *args, **kwargs)
        group: Group = value.instance
        role: Role | None = getattr(group, "role", None)
        option["sentence"] = said(role.sentence) if role else ""
        option["rights"] = in_words(group.permissions.all())
        return option


class SentenceForm(forms.ModelForm[Group]):
    """The form of a role: its sentence beside its name and its permissions."""

    sentence = LineField(
        label=gettext_lazy("What it is for"),
        help_text=gettext_lazy(
            "A sentence for whoever gives the role to somebody. Without one, its permissions"
            " are listed."
        ),
        max_length=300,
        required=False,
        # So it is compared with what the page showed, and not with what is stored by now.
        show_hidden_initial=True,
        widget=forms.TextInput({"class": "vTextField"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = Role.objects.filter(pk=self.instance.pk).first()
        self.initial.setdefault("sentence", role.sentence if role else "")


def order_of_names() -> Any:
    """What roles are sorted by: their names as pages say them."""
    names = Group.objects.order_by().values_list("name", flat=True)
    other = {name: said(name) for name in names if said(name) != name}
    if not other:
        return "name"
    return Case(*(When(name=name, then=Value(other[name])) for name in other), default="name")


class SaidName:
    """The column of the names of roles."""

    short_description = gettext_lazy("name")
    __name__ = "said_name"
    admin_order_field = "name"

    def __call__(self, group: Group) -> str:
        return said(group.name)

    def expression(self, request: HttpRequest, model_admin: Any) -> Any:
        return order_of_names()


class SentenceMixin(ModelAdminBase):
    """For the ModelAdmin of roles."""

    form = SentenceForm
    fields = ("name", "sentence", "permissions")
    list_display = (SaidName(), "said_sentence")
    list_display_links = list_display[:1]
    list_select_related = ("role",)

    def get_ordering(self, request: HttpRequest) -> Any:
        order = order_of_names()
        return (order,) if isinstance(order, str) else (order.asc(),)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The roles that have each of the words, as pages say them; there are not many."""
        words = [word.casefold() for word in words_of(search_term)]
        keys = [
            group.pk
            for group in queryset.select_related("role")
            for text in [f"{said(group.name)} {self.said_sentence(group)}".casefold()]
            if all(word in text for word in words)
        ]
        return queryset.filter(pk__in=keys), False

    @admin.display(description=gettext_lazy("what it is for"))
    def said_sentence(self, group: Group) -> str:
        role: Role | None = getattr(group, "role", None)
        return said(role.sentence) if role else ""

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        if "sentence" not in form.changed_data:
            return
        group, sentence = form.instance, form.cleaned_data["sentence"]
        if sentence:
            Role.objects.update_or_create(group=group, defaults={"sentence": sentence})
        else:
            Role.objects.filter(group=group).delete()


class RoleFilter(admin.RelatedFieldListFilter):
    """Django's, with the roles as pages say them."""

    def field_choices(self, *args: Any, **kwargs: Any) -> Any:
        return [(key, said(str(name))) for key, name in super().field_choices(*args, **kwargs)]


class RoleField(KeysField):
    """Reads what the cards show with the roles themselves."""

    def label_from_instance(self, obj: Any) -> str:
        return said(obj.name)


class PermissionsField(KeysField):
    """Says of each permission what the cards say, after its app as Django does."""

    def label_from_instance(self, obj: Any) -> str:
        kind = ContentType.objects.get_for_id(obj.content_type_id)
        model: Any = kind.model_class()
        app = model._meta.app_config.verbose_name if model else kind.app_label
        return f"{app} | {in_words([obj])[0]}"


class RoleCardsMixin(ModelAdminBase):
    """For the ModelAdmin of accounts: roles are cards, as long as there are few."""

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.related_model is not Group:
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        groups = kwargs.get("queryset") or Group.objects.all()
        if len(groups.order_by()[: CARDS + 1].values_list("pk")) > CARDS:
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        kwargs["queryset"] = (
            groups.select_related("role")
            .prefetch_related("permissions")
            .order_by(order_of_names())
        )
        kwargs |= {"widget": RoleCards, "form_class": RoleField}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

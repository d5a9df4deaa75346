from django.contrib import admin

from backoffice.admin.base import ModelAdmin
from tests.everything.loans.filtersets import LoanFilterSet
from tests.everything.loans.models import Loan
from tests.everything.loans.resources import LoanResource


@admin.register(Loan)
class LoanAdmin(ModelAdmin):
    list_display = ("number", "patron", "due")
    list_select_related = ("patron",)
    search_fields = ("number",)
    ordering = ("number",)
    autocomplete_fields = ("patron",)
    filter_horizontal = ("books",)
    resource_classes = (LoanResource,)
    filterset_class = LoanFilterSet

from django.contrib import admin

from backoffice.admin.base import ModelAdmin
from tests.loans.filtersets import LoanFilterSet
from tests.loans.models import Loan
from tests.loans.resources import LoanResource


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

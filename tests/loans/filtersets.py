import django_filters as filters

from tests.loans.models import Loan


class LoanFilterSet(filters.FilterSet):
    class Meta:
        model = Loan
        fields = ("number", "due", "renewals")

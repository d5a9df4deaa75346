from backoffice.filters.filterset import FilterSet
from tests.loans.models import Loan


class LoanFilterSet(FilterSet):
    class Meta:
        model = Loan
        fields = ("number", "patron", "books", "due", "renewals")

from backoffice.filters.filterset import FilterSet
from tests.everything.loans.models import Loan


class LoanFilterSet(FilterSet):
    class Meta:
        model = Loan
        fields = ("number", "patron", "books", "due", "renewals")

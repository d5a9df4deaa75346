from backoffice.filters import FilterSet
from tests.loans.models import Loan


class LoanFilterSet(FilterSet):
    class Meta:
        model = Loan
        fields = ("number", "patron", "books", "due", "renewals")

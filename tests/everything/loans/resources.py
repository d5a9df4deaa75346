from backoffice.resources.resource import Resource
from tests.everything.loans.models import Loan


class LoanResource(Resource):
    synonyms = {"number": ("loan",), "patron": ("borrower",)}

    class Meta:
        model = Loan
        fields = ("number", "patron", "books", "due", "renewals")
        import_id_fields = ("number",)

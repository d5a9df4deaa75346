from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from backoffice.history.historical_records import HistoricalRecords
from library.models import Book, Patron


class Loan(models.Model):
    number = models.CharField(max_length=20, unique=True)
    patron = models.ForeignKey(Patron, on_delete=models.CASCADE)
    books = models.ManyToManyField(Book)
    due = models.DateField(null=True, blank=True)
    renewals = models.PositiveSmallIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    scope = "patron__library"

    history = HistoricalRecords(m2m_fields=["books"])

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(renewals__lte=9),
                name="loan_renewals",
                violation_error_message="A loan is renewed nine times at most.",
            ),
            models.UniqueConstraint(Lower("number"), name="loan_number_in_any_case"),
            models.UniqueConstraint(
                fields=["patron"],
                condition=Q(renewals__gt=0),
                name="loan_renewed_one_a_patron",
            ),
        ]

    def __str__(self):
        return self.number

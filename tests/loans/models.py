from django.db import models

from backoffice.history import HistoricalRecords
from library.models import Book, Patron


class Loan(models.Model):
    number = models.CharField(max_length=20, unique=True)
    patron = models.ForeignKey(Patron, on_delete=models.CASCADE)
    books = models.ManyToManyField(Book)
    due = models.DateField(null=True, blank=True)
    renewals = models.PositiveSmallIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords(m2m_fields=["books"])

    def __str__(self):
        return self.number

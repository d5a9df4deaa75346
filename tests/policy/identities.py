"""Who asks: nobody, accounts without a role, each role of the fixtures, and a superuser."""

from django.contrib.auth.models import Group

from tests.factories import make_user

PASSWORD = "a lion rode the late tram"


def make_account(identity, **fields):
    """The account of an identity of the policy; None for who is not signed in."""
    if identity == "anonymous":
        return None
    if identity == "not-staff":
        return make_user(username="reader", is_staff=False, is_superuser=True, **fields)
    if identity == "superuser":
        return make_user(username="root", password=PASSWORD, is_superuser=True, **fields)
    account = make_user(username=f"who is {identity}", password=PASSWORD, **fields)
    if identity != "no-role":
        account.groups.add(Group.objects.get(name=identity.replace("-", " ")))
    return account

"""Mail about proposals: only where EMAIL_URL is set, after the commit, naming no client; its failure undoes nothing."""

from collections.abc import Callable
from smtplib import SMTPException
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from core import approvals, audit
from core.models import Client, PendingChange, Staff

pytestmark = pytest.mark.django_db


class Broken(EmailBackend):
    """A mail server that is down."""

    def send_messages(self, messages: object) -> int:
        raise SMTPException("421 not now")


@pytest.fixture
def change(amina: Client, manager: Staff) -> PendingChange:
    return approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="Secretly")


@pytest.fixture
def sends(settings: Any) -> None:
    settings.CCD_SENDS_MAIL = True
    settings.CCD_SITE_URL = "https://ccd.example.org"


@pytest.mark.usefixtures("sends")
@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_the_requester_is_told_after_the_commit_and_no_client_is_named(
    change: PendingChange, manager: Staff, coordinator: Staff, django_capture_on_commit_callbacks: Callable, verb: str
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        getattr(approvals, verb)(change, actor=coordinator, rationale="Confidential")
        assert mail.outbox == []
    [sent] = mail.outbox
    assert sent.to == [manager.email]
    assert f"was {verb}d by {coordinator}" in sent.body
    assert f"https://ccd.example.org/admin/core/pendingchange/{change.pk}/change/" in sent.body
    for secret in ("Amina", "Yusuf", "Man", "Secretly", "Confidential"):
        assert secret not in sent.body.replace("Manager", "")
        assert secret not in sent.subject


@pytest.mark.usefixtures("sends")
def test_a_question_goes_to_who_sent_it_and_the_answer_to_who_asked(
    change: PendingChange, manager: Staff, coordinator: Staff, django_capture_on_commit_callbacks: Callable
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        approvals.send_back(change, actor=coordinator, question="Who?")
    with django_capture_on_commit_callbacks(execute=True):
        approvals.answer(change, actor=manager, answer="She")
    assert [message.to for message in mail.outbox] == [[manager.email], [coordinator.email]]


@pytest.mark.usefixtures("sends")
def test_no_one_is_told_of_their_own_doing_and_no_closed_account(
    amina: Client,
    change: PendingChange,
    manager: Staff,
    coordinator: Staff,
    django_capture_on_commit_callbacks: Callable,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        approvals.withdraw(change, actor=manager)
    other = approvals.propose(amina, actor=manager, values={"alias": "M"}, reason="")
    with audit.acting(None, channel="command"):
        Staff.objects.filter(pk=manager.pk).update(active=False)
    with django_capture_on_commit_callbacks(execute=True):
        approvals.approve(PendingChange.objects.get(pk=other.pk), actor=coordinator)
    assert mail.outbox == []


@pytest.mark.usefixtures("sends")
def test_a_mail_server_that_is_down_undoes_nothing(
    amina: Client,
    change: PendingChange,
    coordinator: Staff,
    settings: Any,
    django_capture_on_commit_callbacks: Callable,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    with django_capture_on_commit_callbacks(execute=True):
        approvals.approve(change, actor=coordinator)
    amina.refresh_from_db()
    assert amina.gender == "Man"
    assert "421 not now" in caplog.text


def test_without_an_address_of_a_mail_server_nothing_is_sent(
    change: PendingChange, coordinator: Staff, django_capture_on_commit_callbacks: Callable
) -> None:
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        approvals.approve(change, actor=coordinator)
    assert callbacks == []
    assert mail.outbox == []

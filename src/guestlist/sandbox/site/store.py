"""What the site keeps: users, memberships, transactions, mails. All in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count

from dateutil.relativedelta import relativedelta

from guestlist.sandbox.site.clock import Clock
from guestlist.sandbox.site.dates import end_of_day


@dataclass(slots=True, kw_only=True)
class User:
    """A WordPress user; every one of them is a "member". `welcomed`: had a welcome mail once."""

    id: int
    email: str
    username: str
    nicename: str
    registered_at: datetime
    password: str
    first_name: str = ""
    last_name: str = ""
    display_name: str = ""
    role: str = "subscriber"
    application_password: str | None = None
    welcomed: bool = False


@dataclass(slots=True, kw_only=True)
class Membership:
    """A membership. `expire_type`: none, delay (`expire_after` `expire_unit`) or fixed (`expire_fixed`)."""

    id: int
    title: str
    price: str
    created_at: datetime
    period: str = "1"
    period_type: str = "lifetime"
    expire_type: str = "none"
    expire_after: str = "1"
    expire_unit: str = "days"
    expire_fixed: str = ""
    status: str = "publish"
    own_welcome_mail: bool = False

    def own_expiry(self, now: datetime) -> datetime | None:
        """What the membership's own terms give from now; None = for ever."""
        if self.period_type != "lifetime":
            return end_of_day(now + _length(self.period, self.period_type))
        if self.expire_type == "delay":
            return end_of_day(now + _length(self.expire_after, self.expire_unit))
        if self.expire_type == "fixed":
            return end_of_day(date.fromisoformat(self.expire_fixed))
        return None


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A transaction. `created_at` None = the zero date; `expires_at` None = lifetime; amounts as stored text.

    `txn_type`: all but "payment" come from MemberPress itself, such as the note that a subscription was confirmed.
    """

    id: int
    user_id: int
    membership_id: int
    trans_num: str
    created_at: datetime | None
    expires_at: datetime | None
    status: str = "pending"
    gateway: str = "manual"
    amount: str = "0.00"
    total: str = "0.00"
    tax_amount: str = "0.00"
    tax_rate: str = "0.000"
    subscription_id: int = 0
    txn_type: str = "payment"

    def gives_access(self, now: datetime) -> bool:
        """Access is computed live: paid, complete, and not over."""
        return self.txn_type == "payment" and self.status == "complete" and self.current(now)

    def current(self, now: datetime) -> bool:
        """Lifetime, or not yet expired."""
        return self.expires_at is None or self.expires_at > now


@dataclass(slots=True, kw_only=True)
class Subscription:
    """A subscription record; gives no access by itself."""

    id: int
    user_id: int
    membership_id: int
    subscr_id: str
    created_at: datetime
    status: str = "pending"
    gateway: str = "manual"
    price: str = "0.00"
    total: str = "0.00"
    period: str = "1"
    period_type: str = "months"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail the site sent. `kind`: welcome, password, receipt, payment notice, thanks, reset, change."""

    id: int
    at: datetime
    kind: str
    to: str
    subject: str


@dataclass(slots=True)
class Store:
    """One site's state. Ids are never given twice."""

    clock: Clock
    users: dict[int, User] = field(default_factory=dict)
    memberships: dict[int, Membership] = field(default_factory=dict)
    transactions: dict[int, Transaction] = field(default_factory=dict)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    _of_user: dict[int, dict[int, Transaction]] = field(default_factory=dict)
    _user_ids: count[int] = field(default_factory=lambda: count(1))
    _transaction_ids: count[int] = field(default_factory=lambda: count(1))
    _subscription_ids: count[int] = field(default_factory=lambda: count(1))

    def add_user(self, **fields: object) -> User:
        """Store a user under the next id. Checks nothing: WordPress checks earlier, and that is where races live."""
        user = User(id=next(self._user_ids), registered_at=self.clock.now(), **fields)  # type: ignore[arg-type]
        self.users[user.id] = user
        return user

    def delete_user(self, user_id: int) -> None:
        """Delete a user; their transactions stay, as nobody's."""
        del self.users[user_id]
        for transaction in list(self.transactions_of(user_id)):
            self.give(transaction, 0)

    def find_email(self, email: str) -> User | None:
        """The user with this address in any case; the lowest id if there are several, as WordPress finds them."""
        wanted = email.strip().lower()
        return next((user for user in self.users.values() if user.email.lower() == wanted), None)

    def find_username(self, name: str) -> User | None:
        """The user with this login name, in any case."""
        wanted = name.lower()
        return next((user for user in self.users.values() if user.username.lower() == wanted), None)

    def find_login(self, login: str) -> User | None:
        """The user by login name or address."""
        return self.find_username(login.strip()) or self.find_email(login)

    def add_transaction(self, **fields: object) -> Transaction:
        """Store a transaction under the next id. Nothing about it is unique but the id."""
        transaction = Transaction(id=next(self._transaction_ids), **fields)  # type: ignore[arg-type]
        self.transactions[transaction.id] = transaction
        self._of_user.setdefault(transaction.user_id, {})[transaction.id] = transaction
        return transaction

    def give(self, transaction: Transaction, user_id: int) -> None:
        """Make the transaction another user's."""
        self._of_user[transaction.user_id].pop(transaction.id, None)
        transaction.user_id = user_id
        self._of_user.setdefault(user_id, {})[transaction.id] = transaction

    def delete_transaction(self, transaction_id: int) -> None:
        """Delete a transaction if it is there."""
        transaction = self.transactions.pop(transaction_id, None)
        if transaction is not None:
            self._of_user[transaction.user_id].pop(transaction.id, None)

    def transactions_of(self, user_id: int) -> list[Transaction]:
        """A user's transactions, oldest first."""
        return list(self._of_user.get(user_id, {}).values())

    def add_subscription(self, **fields: object) -> Subscription:
        """Store a subscription under the next id."""
        subscription = Subscription(id=next(self._subscription_ids), created_at=self.clock.now(), **fields)  # type: ignore[arg-type]
        self.subscriptions[subscription.id] = subscription
        return subscription

    def access(self, user_id: int) -> dict[int, datetime | None]:
        """What the user can see now: membership id -> end (None = for ever). Any one live transaction is enough."""
        now = self.clock.now()
        ends: dict[int, datetime | None] = {}
        for transaction in self.transactions_of(user_id):
            if transaction.gives_access(now):
                ends[transaction.membership_id] = _later(ends, transaction)
        return ends


def _later(ends: dict[int, datetime | None], transaction: Transaction) -> datetime | None:
    end = transaction.expires_at
    if transaction.membership_id not in ends or end is None:
        return end
    other = ends[transaction.membership_id]
    return None if other is None else max(other, end)


def _length(number: str, unit: str) -> relativedelta:
    return relativedelta(**{unit: int(number)})  # type: ignore[arg-type]

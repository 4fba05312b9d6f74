"""A cluster, outside parties and a folder of state that outlive the services, however often these end."""

import shutil
from pathlib import Path

from . import databases
from .hall import READS, SERVICES, TOPICS, Hall
from .kafka import Kafka
from .load import Order, statuses
from .processes import Carrier, Gateway
from .schemas import Schemas
from .totals import Totals, files
from .wait import until_still

# Longest stretch in which nothing at all moves on.
STANDSTILL_S = 60
# A member that was killed and does not come back is missed after this long.
SESSION = "--set=group.session_timeout_ms=6000"


class Stage:
    """What stays when services end, and all orders that were ever placed here."""

    def __init__(self, kafka: Kafka, folder: Path, schemas: Schemas):
        self.kafka = kafka
        self.folder = folder
        self.state = folder / "state"
        self.placed: list[Order] = []
        self._schemas = schemas
        self._gateway = Gateway(folder)
        self._carrier = Carrier(folder)

    def hall(self, *flags: str) -> Hall:
        """All services, started on what earlier ones remembered."""
        return Hall(
            self.kafka,
            self.folder,
            gateway=self._gateway,
            carrier=self._carrier,
            state=self.state,
            flags=(SESSION, *flags),
        )

    def place(self, orders: list[Order]) -> list[Order]:
        """Notes orders that are going to be placed."""
        self.placed += orders
        return orders

    def move(self, to: Path) -> None:
        """Takes the state elsewhere, while no service runs."""
        shutil.copytree(self.state, to)
        shutil.rmtree(self.state)
        self.state = to

    def totals(self) -> Totals:
        """All that stands on the topics by now."""
        return Totals(self.kafka, self._schemas, TOPICS)

    def finish(self, hall: Hall) -> Totals:
        """Lets services end their work and stops them. Then every order that was ever placed has
        one outcome, and topics, tables, ledgers and mails agree to the unit and the nano."""
        until_still("records that no service has finished", hall.lag, STANDSTILL_S)
        for service in hall.services:
            alive = {f"{service.pid}-0"}
            assert set(databases.owners(hall.state, service.name)) == alive, f"{service.name} left files behind"
        said = statuses(hall.door, self.placed)
        exits = hall.stop()
        assert {name: code for name, (code, _) in exits.items()} == dict.fromkeys(SERVICES, 0)

        totals = self.totals()
        totals.check_outcomes(self.placed)
        totals.check_statuses(self.placed, said)
        totals.check_flows()
        totals.check_stock(self.placed)
        totals.check_money(self.placed, self._gateway.ledger)
        totals.check_shipments(self.placed, self._carrier.ledger)
        totals.check_mails(self.placed, files(hall.mails))
        totals.check_receipts()
        totals.check_decided_once()
        totals.check_emitted()
        totals.check_one_content()
        assert totals.parked == []
        databases.check(hall.state, totals, self.placed)
        for service, topics in READS.items():
            ends = {part: end for part, end in self.kafka.ends(topics).items() if end}
            assert self.kafka.committed(service) == ends, f"{service} has not committed all that it finished"
        return totals

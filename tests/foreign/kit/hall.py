"""Orders, inventory and payments, each a process of its own, and the gateway beside them."""

from pathlib import Path

from .kafka import Kafka
from .processes import END_S, Gateway, Service
from .wait import until

# More than any test sells.
PLENTY = 1_000_000
STOCK = {"tea": PLENTY, "coffee": PLENTY, "cocoa": PLENTY}
# What carries the order flow.
TOPICS = ("deliveries", "orders", "inventory", "payments")
SERVICES = ("orders", "inventory", "payments")


class Hall:
    """All of them on one cluster, started and ready."""

    def __init__(self, kafka: Kafka, folder: Path, stock: dict[str, int] | None = None):
        self.kafka = kafka
        self.folder = folder
        self.gateway = Gateway(folder)
        self.orders = Service("orders", kafka.address, folder, "--set=http.listen=127.0.0.1:0")
        self.inventory = Service("inventory", kafka.address, folder, f"--set=stock.opening={_text(stock)}")
        self.payments = Service("payments", kafka.address, folder, f"--set=gateway.url={self.gateway.url}")
        self.services = (self.orders, self.inventory, self.payments)
        for service in self.services:
            service.until_ready()
        opening = len(STOCK if stock is None else stock)
        until("the goods are on the shelf", lambda: self._shelved() == opening)

    @property
    def door(self) -> str:
        """Where orders are placed."""
        return self.orders.says(r"http port open.*address=(\S+)")[1]

    def _shelved(self) -> int:
        committed = self.kafka.committed("inventory")
        return sum(offset for (topic, _), offset in committed.items() if topic == "deliveries")

    def lag(self) -> int:
        """How many records the services have not finished."""
        return sum(self.kafka.lag(service, READS[service]) for service in SERVICES)

    def stop(self) -> dict[str, tuple[int, float]]:
        """Ends the services in good order. Exit codes, and how long each took."""
        return {service.name: service.stop(END_S) for service in self.services}


# What each service reads, as its contract says; the totals check that it says so.
READS = {
    "orders": ("inventory", "payments"),
    "inventory": ("deliveries", "orders", "payments"),
    "payments": ("inventory", "orders"),
}


def _text(stock: dict[str, int] | None) -> str:
    stock = STOCK if stock is None else stock
    return ",".join(f"{sku}={units}" for sku, units in stock.items())

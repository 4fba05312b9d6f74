"""Orders, inventory and payments, each a process of its own, and the gateway beside them."""

from pathlib import Path

from .kafka import Kafka
from .processes import Gateway, Service
from .wait import until

# More than any test sells.
PLENTY = 1_000_000
STOCK = {"tea": PLENTY, "coffee": PLENTY, "cocoa": PLENTY}
# What carries the order flow.
TOPICS = ("deliveries", "orders", "inventory", "payments")
SERVICES = ("orders", "inventory", "payments")
# What each service reads, as its contract says; the totals check that it says so.
READS = {
    "orders": ("inventory", "payments"),
    "inventory": ("deliveries", "orders", "payments"),
    "payments": ("inventory", "orders"),
}


class Hall:
    """All of them on one cluster, started and ready."""

    def __init__(self, kafka: Kafka, folder: Path, *of_gateway: str):
        self.kafka = kafka
        self.gateway = Gateway(folder, *of_gateway)
        self.orders = orders(kafka.address, folder)
        self.inventory = inventory(kafka.address, folder)
        self.payments = payments(kafka.address, folder, self.gateway)
        for service in self.services:
            service.until_ready()
        until("the goods are on the shelf", lambda: self._shelved() == len(STOCK))

    @property
    def services(self) -> tuple[Service, Service, Service]:
        """The services as they run now."""
        return self.orders, self.inventory, self.payments

    def replace(self, service: Service) -> None:
        """Puts a service in the place of one of its name that has ended."""
        setattr(self, service.name, service)

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
        return {service.name: service.stop() for service in self.services}


def orders(kafka: str, folder: Path, *flags: str) -> Service:
    """Starts orders."""
    return Service("orders", kafka, folder, "--set=http.listen=127.0.0.1:0", *flags)


def inventory(kafka: str, folder: Path, *flags: str, opening: bool = True, log: str = "") -> Service:
    """Starts inventory, with goods or without."""
    goods = ",".join(f"{sku}={units}" for sku, units in STOCK.items()) if opening else ""
    return Service("inventory", kafka, folder, f"--set=stock.opening={goods}", *flags, log=log)


def payments(kafka: str, folder: Path, gateway: Gateway, *flags: str) -> Service:
    """Starts payments."""
    return Service("payments", kafka, folder, f"--set=gateway.url={gateway.url}", *flags)

"""All services, each a process of its own, and the outside parties beside them."""

import re
from pathlib import Path

from .kafka import Kafka
from .processes import Carrier, Gateway, Service
from .wait import until

# More than any test sells.
PLENTY = 1_000_000
STOCK = {"tea": PLENTY, "coffee": PLENTY, "cocoa": PLENTY}
# What carries the order flow.
TOPICS = ("deliveries", "orders", "inventory", "payments", "shipping", "notifications")
SERVICES = ("orders", "inventory", "payments", "shipping", "notifications")
# What each service reads, as its contract says; the totals check that it says so.
READS = {
    "orders": ("inventory", "orders", "payments", "shipping"),
    "inventory": ("deliveries", "orders", "payments", "shipping"),
    "payments": ("inventory", "orders", "shipping"),
    "shipping": ("orders", "payments"),
    "notifications": ("orders",),
}


class Hall:
    """All of them on one cluster, started and ready. What they remember stands in the folder
    `state`; without one, it ends with them."""

    def __init__(
        self,
        kafka: Kafka,
        folder: Path,
        *of_gateway: str,
        gateway: Gateway | None = None,
        carrier: Carrier | None = None,
        smtp: str = "",
        state: Path | None = None,
        flags: tuple[str, ...] = (),
    ):
        self.kafka = kafka
        self.folder = folder
        self.state = state
        self.gateway = gateway or Gateway(folder, *of_gateway)
        self.carrier = carrier or Carrier(folder)
        # Where mails become files, unless a server takes them.
        self.mails = folder / "mail"
        self._smtp = smtp
        self._flags = flags
        for service in [self.start(name) for name in SERVICES]:
            service.until_ready()
        until("the goods are on the shelf", self._shelved)

    def start(self, name: str, *flags: str, log: str = "") -> Service:
        """Starts a service, in the place of one of its name that has ended."""
        flags = (*self._flags, *flags)
        # One that was killed takes its partitions up again at once, if its name is its own.
        if self.state:
            flags = (f"--set=group.instance={name}", *flags)
        if name == "payments":
            service = payments(self.kafka.address, self.folder, self.gateway, *flags, state=self.state)
        elif name == "shipping":
            service = shipping(self.kafka.address, self.folder, self.carrier, *flags, state=self.state)
        elif name == "notifications":
            flags = (f"--set=mail.server={self._smtp}", f"--set=mail.folder={self.mails}", *flags)
            service = Service("notifications", self.kafka.address, self.folder, *flags, state=self.state)
        else:
            start = {"orders": orders, "inventory": inventory}[name]
            service = start(self.kafka.address, self.folder, *flags, state=self.state)
        self.replace(service)
        return service

    @property
    def services(self) -> tuple[Service, ...]:
        """The services as they run now."""
        return tuple(getattr(self, name) for name in SERVICES)

    def replace(self, service: Service) -> None:
        """Puts a service in the place of one of its name that has ended."""
        setattr(self, service.name, service)

    @property
    def door(self) -> str:
        """Where orders are placed."""
        return self.orders.says(r"http port open.*address=(\S+)")[1]

    def door_now(self) -> str:
        """Where orders are placed just now, for customers who come again when nobody answers."""
        found = re.search(r"http port open.*address=(\S+)", self.orders.text)
        if not found:
            raise ConnectionError("orders has opened no door yet")
        return found[1]

    def _shelved(self) -> bool:
        committed = self.kafka.committed("inventory")
        shelved = sum(offset for (topic, _), offset in committed.items() if topic == "deliveries")
        return shelved >= len(STOCK) and self.kafka.lag("inventory", ["deliveries"]) == 0

    def lag(self) -> int:
        """How many records the services have not finished."""
        return sum(self.kafka.lag(service, READS[service]) for service in SERVICES)

    def stop(self) -> dict[str, tuple[int, float]]:
        """Ends the services in good order. Exit codes, and how long each took."""
        return {service.name: service.stop() for service in self.services}


def orders(kafka: str, folder: Path, *flags: str, **more) -> Service:
    """Starts orders."""
    return Service("orders", kafka, folder, "--set=http.listen=127.0.0.1:0", *flags, **more)


def inventory(kafka: str, folder: Path, *flags: str, opening: bool = True, **more) -> Service:
    """Starts inventory, with goods or without."""
    goods = ",".join(f"{sku}={units}" for sku, units in STOCK.items()) if opening else ""
    return Service("inventory", kafka, folder, f"--set=stock.opening={goods}", *flags, **more)


def payments(kafka: str, folder: Path, gateway: Gateway, *flags: str, **more) -> Service:
    """Starts payments."""
    return Service("payments", kafka, folder, f"--set=gateway.url={gateway.url}", *flags, **more)


def shipping(kafka: str, folder: Path, carrier: Carrier, *flags: str, **more) -> Service:
    """Starts shipping."""
    return Service("shipping", kafka, folder, f"--set=carrier.url={carrier.url}", *flags, **more)

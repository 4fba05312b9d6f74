"""Derived ids, computed anew from their description: UUIDv5 over parts behind their lengths."""

import hashlib
import struct
import uuid

NAMESPACE = uuid.UUID("8d3f5c0e-2b7a-5e41-9a64-71c20f6b93d8")


def derived(*parts: str) -> str:
    """The id that follows from the parts."""
    name = b"".join(struct.pack(">I", len(part.encode())) + part.encode() for part in parts)
    # Python's own uuid5 takes text only before 3.12.
    digest = hashlib.sha1(NAMESPACE.bytes + name, usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def flow_of_event(source: str, event_id: str) -> str:
    """The flow of an event from outside that names none."""
    return derived(source, event_id)


def flow_of_order(order_id: str) -> str:
    """The flow of an order that came in over HTTP."""
    return derived("flow", "order", order_id)


def emitted(source: str, event_id: str, service: str, type_name: str, key: str) -> str:
    """Id of the event that a service emits because of another."""
    return derived(source, event_id, service, type_name, key, "0")

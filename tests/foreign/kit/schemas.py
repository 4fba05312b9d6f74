"""Messages by their full names, from the descriptors that the Rust crates carry; no protoc.

The descriptors are read as any foreign program would read them: nothing of ours is imported.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

OPTIONS_OF_MESSAGES = "google.protobuf.MessageOptions"
OPTION_OF_EVENTS = "quadrille.v1.event"


class Schemas:
    """All message types of a descriptor set, and what their options say about events."""

    def __init__(self, descriptors: bytes):
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptors)
        self._pool = descriptor_pool.DescriptorPool()
        self._classes = {}
        for name, file in _in_order_of_imports(files.file):
            self._pool.AddSerializedFile(file.SerializeToString())
            for message in file.message_type:
                self._add(f"{file.package}.{message.name}")
        self._kinds = {name: self._kind(name) for name in self._classes}

    def _add(self, name: str) -> None:
        descriptor = self._pool.FindMessageTypeByName(name)
        self._classes[name] = message_factory.GetMessageClass(descriptor)

    def new(self, type_name: str, **fields):
        """A message with these fields; a dict stands for a message in a field."""
        return json_format.ParseDict(fields, self._classes[type_name]())

    def decode(self, type_name: str, payload: bytes):
        """Reads an encoded message."""
        return self._classes[type_name].FromString(payload)

    def kind(self, type_name: str) -> str | None:
        """What the event means to its flow, e.g. `OUTCOME`; None for what is no event."""
        return self._kinds.get(type_name)

    def word(self, message, field: str) -> str:
        """The name of the value that an enum field has."""
        values = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
        return values[getattr(message, field)].name

    def _kind(self, type_name: str) -> str | None:
        # Options of ours are unknown to Python's own descriptors, so they are read again with ours.
        options = self._pool.FindMessageTypeByName(type_name).GetOptions().SerializeToString()
        options = self.decode(OPTIONS_OF_MESSAGES, options)
        event = self._pool.FindExtensionByName(OPTION_OF_EVENTS)
        return self.word(options.Extensions[event], "kind") if options.HasExtension(event) else None


def _in_order_of_imports(files):
    by_name = {file.name: file for file in files}
    ordered = {}

    def visit(name):
        if name not in ordered:
            for imported in by_name[name].dependency:
                visit(imported)
            ordered[name] = by_name[name]

    for name in by_name:
        visit(name)
    return ordered.items()


def as_json(message) -> dict:
    """The message in protobuf's canonical JSON mapping."""
    return json_format.MessageToDict(message)


def nanos(money) -> int:
    """An amount of money as whole billionths."""
    return money.units * 1_000_000_000 + money.nanos

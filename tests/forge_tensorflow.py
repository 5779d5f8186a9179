"""TensorFlow's graphs, built by hand: messages on the wire, no library that writes them is asked."""


def varint(value: int) -> bytes:
    made = b""
    while value > 127:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def put(number: int, value: bytes | str | int) -> bytes:
    """One field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def text(value: str) -> bytes:
    """An attribute's value."""
    return put(2, value)


def texts(*values: str) -> bytes:
    return put(1, b"".join(put(2, value) for value in values))


def call(name: str) -> bytes:
    return put(10, put(1, name))


def node(name: str, op: str, *inputs: str, **attributes: bytes) -> bytes:
    """A NodeDef."""
    made = put(1, name) + put(2, op) + b"".join(put(3, each) for each in inputs)
    return made + b"".join(put(5, put(1, key) + put(2, value)) for key, value in attributes.items())


def const(name: str, *values: str) -> bytes:
    """A Const node of texts."""
    return node(name, "Const", value=put(8, put(1, 7) + b"".join(put(8, value) for value in values)))


def weights(name: str, *shape: int) -> bytes:
    """A Const node of floats."""
    count = 1
    for side in shape:
        count *= side
    sides = b"".join(put(2, put(1, side)) for side in shape)
    return node(name, "Const", value=put(8, put(1, 1) + put(2, sides) + put(4, bytes(4 * count))))


def function(name: str, *nodes: bytes, takes: tuple[str, ...] = ()) -> bytes:
    """A FunctionDef."""
    signature = put(1, name) + b"".join(put(2, put(1, each)) for each in takes)
    return put(1, signature) + b"".join(put(3, each) for each in nodes)


def graph(*nodes: bytes, functions: tuple[bytes, ...] = ()) -> bytes:
    """A GraphDef."""
    library = put(2, b"".join(put(1, each) for each in functions)) if functions else b""
    return b"".join(put(1, each) for each in nodes) + library


def meta_graph(inside: bytes, *more: bytes) -> bytes:
    """A MetaGraphDef."""
    return put(1, put(4, "serve") + put(5, "2.16.1")) + put(2, inside) + b"".join(more)


def saved_model(inside: bytes, *more: bytes) -> bytes:
    return put(1, 1) + put(2, meta_graph(inside, *more))


def asset(tensor: str, name: str) -> bytes:
    return put(6, put(1, put(1, tensor)) + put(2, name))

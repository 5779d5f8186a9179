"""The opcodes of pickle, protocols 0 to 5.

Law: CPython's ``Modules/_pickle.c``; where the pure Python ``pickle._Unpickler`` (which joblib loads with)
is laxer, it counts too. ``pickletools`` differs from both and is no law.
"""

MARK = 0x28
STOP = 0x2E
POP = 0x30
POP_MARK = 0x31
DUP = 0x32
FLOAT = 0x46
INT = 0x49
BININT = 0x4A
BININT1 = 0x4B
LONG = 0x4C
BININT2 = 0x4D
NONE = 0x4E
PERSID = 0x50
BINPERSID = 0x51
REDUCE = 0x52
STRING = 0x53
BINSTRING = 0x54
SHORT_BINSTRING = 0x55
UNICODE = 0x56
BINUNICODE = 0x58
APPEND = 0x61
BUILD = 0x62
GLOBAL = 0x63
DICT = 0x64
EMPTY_DICT = 0x7D
APPENDS = 0x65
GET = 0x67
BINGET = 0x68
INST = 0x69
LONG_BINGET = 0x6A
LIST = 0x6C
EMPTY_LIST = 0x5D
OBJ = 0x6F
PUT = 0x70
BINPUT = 0x71
LONG_BINPUT = 0x72
SETITEM = 0x73
TUPLE = 0x74
EMPTY_TUPLE = 0x29
SETITEMS = 0x75
BINFLOAT = 0x47
PROTO = 0x80
NEWOBJ = 0x81
EXT1 = 0x82
EXT2 = 0x83
EXT4 = 0x84
TUPLE1 = 0x85
TUPLE2 = 0x86
TUPLE3 = 0x87
NEWTRUE = 0x88
NEWFALSE = 0x89
LONG1 = 0x8A
LONG4 = 0x8B
BINBYTES = 0x42
SHORT_BINBYTES = 0x43
SHORT_BINUNICODE = 0x8C
BINUNICODE8 = 0x8D
BINBYTES8 = 0x8E
EMPTY_SET = 0x8F
ADDITEMS = 0x90
FROZENSET = 0x91
NEWOBJ_EX = 0x92
STACK_GLOBAL = 0x93
MEMOIZE = 0x94
FRAME = 0x95
BYTEARRAY8 = 0x96
NEXT_BUFFER = 0x97
READONLY_BUFFER = 0x98

HIGHEST_PROTOCOL = 5

# What the loop asks first: the whole length of the opcodes that push one literal and have a fixed size; LINE
# where a literal is written as a line of text; 0 for the opcodes that the loop knows; RARE for all others.
LINE = -1
RARE = -2
_SIZES = {NONE: 1, NEWTRUE: 1, NEWFALSE: 1, BININT1: 2, BININT2: 3, BININT: 5, BINFLOAT: 9}
_SIZES |= dict.fromkeys((INT, LONG, FLOAT, STRING, UNICODE), LINE)
_SIZES |= dict.fromkeys(
    (
        *(SHORT_BINUNICODE, MEMOIZE, TUPLE1, TUPLE2, TUPLE3, NEWOBJ, BINGET, LONG_BINGET, PUT, BINPUT),
        *(LONG_BINPUT, SETITEM, SETITEMS, APPEND, APPENDS, EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE, BUILD, TUPLE),
        *(MARK, BINUNICODE, BINSTRING, SHORT_BINBYTES, REDUCE, POP, DUP, STOP),
    ),
    0,
)
LITERAL_SIZE: tuple[int, ...] = tuple(_SIZES.get(code, RARE) for code in range(256))

# What closes a mark that nothing stands above: TUPLE, LIST, DICT, and what throws it away.
_CLOSING = {TUPLE: 1, LIST: 2, DICT: 3, POP: 4, POP_MARK: 4}
BEHIND_MARK: tuple[int, ...] = tuple(_CLOSING.get(code, 0) for code in range(256))

# Opcodes that push one literal behind a counted length: width of the count in bytes.
COUNTED_LITERAL: dict[int, int] = {
    SHORT_BINUNICODE: 1,
    BINUNICODE: 4,
    BINUNICODE8: 8,
    SHORT_BINBYTES: 1,
    BINBYTES: 4,
    BINBYTES8: 8,
    SHORT_BINSTRING: 1,
    BINSTRING: 4,
    LONG1: 1,
    LONG4: 4,
    BYTEARRAY8: 8,
}
BYTES = frozenset({SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8})
SIGNED_COUNTS = frozenset({BINSTRING, LONG4})  # a negative one ends the load

# What STACK_GLOBAL takes for a name, after decoding.
TEXT = frozenset({SHORT_BINUNICODE, BINUNICODE, BINUNICODE8, UNICODE, STRING, BINSTRING, SHORT_BINSTRING})

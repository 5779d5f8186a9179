"""Whether one call lets what it loads run code: by its options, and by the release that runs here."""

from sbom.record import record
from scanner.code.apis import Api, Option
from scanner.code.arguments import argument_of
from scanner.code.module import Call, Module
from scanner.code.program import Program
from scanner.code.releases import Releases, before
from scanner.code.values import Const, Items, Made, Name, Unknown, Value, text_of
from scanner.model import Resolved, Unresolved


@record
class Danger:
    """``unsafe`` None where a release or an option decides that nobody knows; ``because`` in words."""

    unsafe: bool | None
    because: str


def danger(
    api: Api, call: Call, target: Resolved | Unresolved, program: Program, module: Module, releases: Releases
) -> Danger:
    """What the call lets its target do."""
    if api.option is not None:
        return _by_option(api, api.option, call, target, program, module, releases)
    if api.danger == "always":
        return Danger(unsafe=True, because=f"{call.dotted} runs what it reads")
    if api.danger == "skops":
        return _skops(call, program, module)
    if api.danger == "nltk":
        return _nltk(target, releases)
    if api.danger == "ultralytics":
        name = target.name if isinstance(target, Resolved) else ""
        return Danger(
            unsafe=name.endswith(".pt"), because="a .pt of ultralytics is a pickle, read without weights_only"
        )
    if api.danger == "package" and isinstance(target, Resolved) and target.held:
        return Danger(unsafe=None, because="its configuration names the functions that build it")
    if api.danger == "graph":
        return Danger(unsafe=None, because="a graph may read and write files when it runs")
    return Danger(unsafe=False, because="")


def given(api_option: Option, call: Call, program: Program, module: Module) -> Value | None:
    """The value of the option in this call: None where it is not given, unknown where ``**`` may hold it."""
    value = argument_of(call, (api_option.name,), api_option.at)
    if value is None:
        return Unknown("it may stand behind **") if any(name == "**" for name, _ in call.keywords) else None
    settled = program.settled(value, module)
    return settled[0] if len(settled) == 1 else Unknown("it has more than one value")


def _by_option(
    api: Api,
    option: Option,
    call: Call,
    target: Resolved | Unresolved,
    program: Program,
    module: Module,
    releases: Releases,
) -> Danger:
    value = given(option, call, program, module)
    plain: object = None
    if isinstance(value, Const):
        plain = value.value
    elif isinstance(value, Name):
        plain = value.dotted
    if value is not None and any(plain is each or plain == each for each in option.unsafe):
        return Danger(unsafe=True, because=f"{option.name}={_shown(plain)} is given")
    if value is not None and any(plain is each or plain == each for each in option.safe):
        return _despite(api, target, releases) or Danger(
            unsafe=False, because=f"{option.name}={_shown(plain)} is given"
        )
    if value is not None and plain is not None:
        return Danger(unsafe=None, because=f"{option.name} is {_shown(plain)}, which is not known")
    if value is not None and not (isinstance(value, Const) and value.value is None):
        return Danger(unsafe=None, because=f"the value of {option.name} is not known")
    without = f"{option.name} is not given" if option.name else "no option makes it safe"
    if not option.before:
        return Danger(unsafe=option.missing == "unsafe", because=without)
    old, said = _before(api, releases, option.before)
    if old is None and option.unknown:
        return Danger(unsafe=option.unknown == "unsafe", because=f"{without}, and {said}")
    if old is None:
        return _despite(api, target, releases) or Danger(
            unsafe=None, because=f"{without}, and {said}: releases before {option.before} run what they read"
        )
    if old:
        return Danger(
            unsafe=True, because=f"{without}, and {said}: releases before {option.before} run what they read"
        )
    return _despite(api, target, releases) or Danger(
        unsafe=False, because=f"{said}, which is safe by default"
    )


def _before(api: Api, releases: Releases, boundary: str) -> tuple[bool | None, str]:
    """Keras comes alone or inside of TensorFlow; lightning takes its default from torch."""
    libraries = {"keras": ("keras", "tensorflow"), "lightning": ("torch",)}.get(api.library, (api.library,))
    answers = [before(releases, each, boundary) for each in libraries]
    return next((each for each in answers if each[0] is not None), answers[0])


def _despite(api: Api, target: Resolved | Unresolved, releases: Releases) -> Danger | None:
    """Keras before 3.11.3 takes no notice of safe mode in the older HDF5 format (CVE-2025-9905)."""
    if api.format != "keras" or not isinstance(target, Resolved):
        return None
    if not target.name.lower().endswith((".h5", ".hdf5")):
        return None
    old, said = before(releases, "keras", "3.11.3")
    if old is False:
        return None
    why = f"{said}: before 3.11.3 safe mode does not hold for HDF5 (CVE-2025-9905)"
    return Danger(unsafe=old, because=why)


def _skops(call: Call, program: Program, module: Module) -> Danger:
    value = argument_of(call, ("trusted",), 1)
    if value is None:
        return Danger(unsafe=False, because="only types that skops trusts are built")
    for each in program.settled(value, module):
        if isinstance(each, Const) and each.value is True:
            return Danger(unsafe=True, because="trusted=True builds whatever types the file names")
        if isinstance(each, Made) and each.dotted.endswith("get_untrusted_types"):
            return Danger(unsafe=True, because="trusted= takes every type that the file itself names")
        if not isinstance(each, Const | Items | Name):
            return Danger(unsafe=None, because="the list of trusted types is not known")
    return Danger(unsafe=False, because="only the listed types are built")


def _nltk(target: Resolved | Unresolved, releases: Releases) -> Danger:
    name = target.name if isinstance(target, Resolved) else ""
    if not name.endswith((".pickle", ".pkl")):
        return Danger(unsafe=False, because="")
    old, said = before(releases, "nltk", "3.9")
    return Danger(unsafe=old, because=f"{said}: before 3.9 nltk reads pickles")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text[:80]


def text_given(call: Call, names: tuple[str, ...], at: int, program: Program, module: Module) -> str:
    """The text that an argument is, empty where it is not given or not known."""
    value = argument_of(call, names, at)
    rows = program.settled(value, module) if value is not None else ()
    return next((text for each in rows if (text := text_of(each))), "")

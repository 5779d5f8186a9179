"""Configurations of MCP servers: which packages and images an agent starts its tools from.

Law: Model Context Protocol, "Connecting to local servers" (``mcpServers``); VS Code's documentation of
``mcp.json`` (``servers``). Nothing is started; a server at an address is told by its address.
"""

import re
from collections.abc import Iterator, Sequence

from sbom.model import Location
from sbom.record import replace
from scanner.errors import Malformed
from scanner.manifests import images, jsontext, npm, requirements
from scanner.manifests.package_json import declared
from scanner.model import Declaration, Origin, OriginKind, Reading

GROUP = "mcp"
_SECTIONS = ("mcpServers", "servers", "context_servers")
_NPX = frozenset({"npx", "bunx", "pnpx"})
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_PACKAGE = re.compile(r"(@?[^@]+)(?:@(.+))?")


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Options that take a value of their own.
_VALUES = _of(
    "--python -p --with --index --index-url --default-index --extra-index-url --cache-dir --directory "
    "--project -e --env --env-file -v --volume --mount --name --network --net -w --workdir -u --user "
    "--entrypoint --platform --label -l --add-host --memory -m --cpus --gpus --publish --pull --registry "
    "--prefix --cwd"
)


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """A declaration for each server that is started from a package or an image, or found at an address.

    Raises Malformed where the file is no JSON object, LimitReached.
    """
    document, text, _ = jsontext.load(data)
    if not isinstance(document, dict):
        raise Malformed("mcp-servers", line=1, found=type(document).__name__, wanted="an object")
    lines = jsontext.lines_of(text, 3)
    nested = document.get("mcp")
    holders = {(): document, ("mcp",): nested if isinstance(nested, dict) else {}}
    for prefix, holder in holders.items():
        for section in _SECTIONS:
            servers = holder.get(section)
            for name, server in servers.items() if isinstance(servers, dict) else ():
                line = lines.get((*prefix, section, name), lines.get((*prefix, section), 1))
                if isinstance(server, dict):
                    yield from _server(server, where.at(line=line))


def _server(server: dict[str, object], where: Location) -> Iterator[Declaration]:
    command, url = server.get("command"), server.get("url", server.get("serverUrl"))
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        bare = url.partition("?")[0].partition("#")[0]
        scheme, _, rest = bare.partition("://")
        bare = f"{scheme}://{rest.rpartition('@')[2]}"
        yield Declaration(bare, where, ecosystem="mcp", group=GROUP, origin=Origin(OriginKind.URL, bare))
    if not isinstance(command, str):
        return
    raw = server.get("args")
    args = [each for each in raw if isinstance(each, str)] if isinstance(raw, list) else []
    words = [*command.split(), *args] if " " in command and not args else [command, *args]
    if len(words) > 2 and words[0].lower() in {"cmd", "cmd.exe"} and words[1].lower() == "/c":
        words = words[2:]
    found = _started(words, where)
    if found is not None:
        yield found


def _started(words: Sequence[str], where: Location) -> Declaration | None:
    head = words[0].replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe").removesuffix(".cmd")
    rest = list(words[1:])
    if head in {"npm", "pnpm", "yarn", "bun"} and rest[:1] in (["exec"], ["dlx"], ["x"]):
        head, rest = "npx", rest[1:]
    if head == "uv" and rest[:2] == ["tool", "run"]:
        head, rest = "uvx", rest[2:]
    if head == "pipx" and rest[:1] == ["run"]:
        head, rest = "uvx", rest[1:]
    if head in _NPX:
        return _npm(_named(rest, ("-p", "--package")), where)
    if head == "uvx":
        return _python(_named(rest, ("--from", "--spec")), where)
    if head in _CONTAINERS and rest[:1] == ["run"]:
        return images.declared(_named(rest[1:], ()), where, group=GROUP)
    return None


def _named(words: Sequence[str], chosen: Sequence[str]) -> str:
    """The value of one of the chosen options, else the first word that is no option."""
    first = ""
    at = 0
    while at < len(words):
        name, equals, value = words[at].partition("=")
        if name in chosen:
            return value if equals else (words[at + 1] if at + 1 < len(words) else "")
        if words[at].startswith("-"):
            at += 2 if name in _VALUES and not equals else 1
            continue
        first = first or words[at]
        if not chosen:
            break
        at += 1
    return first


def _npm(text: str, where: Location) -> Declaration | None:
    found = _PACKAGE.fullmatch(text)
    if found is None or not npm.NAME.fullmatch(found[1]):
        return None
    return declared(found[1], found[2] or "*", where, GROUP)


def _python(text: str, where: Location) -> Declaration | None:
    name, at, version = text.partition("@")
    spelled = f"{name}=={version}" if at and version[:1].isdigit() else name if version == "latest" else text
    if "://" in spelled or "\n" in spelled or spelled.startswith(("-", ".", "/")):
        return None  # a checkout or a path: what it is stands in no name
    for row in requirements.parse(spelled.encode("utf-8", "surrogatepass"), Location(where.path)):
        if isinstance(row, Declaration):
            return replace(row, where=where, group=GROUP)
    return None

"""The normalisers of docs/caveats.md. Each gives one form, or nothing for what two readers could read differently."""

import ipaddress
import re
from typing import Any, Dict, List, Optional

PATH_BYTES_MAX = 4096
URL_BYTES_MAX = 8192
EMAIL_BYTES_MAX = 254
DNS_NAME_BYTES_MAX = 253

# Unicode's White_Space and Default_Ignorable_Code_Point, as character classes.
WHITE_SPACE = "\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
CONFUSABLE = re.compile(
    "[\u2024-\u2026\u2488-\u249b\u33c2\u33c7\u33d8\ufe19\ufe30\ufe52\uff0e\U0001f100"  # .
    "\u2044\u2215\u29f8\uff0f\u2100\u2101\u2105\u2106"  # /
    "\u2216\u29f5\ufe68\uff3c\u00a5\u20a9"  # \
    "\u066a\ufe6a\uff05"  # %
    "\u223c\uff5e"  # ~
    "\u0589\u2236\u2a74\ufe13\ufe55\uff1a]"  # :
)
ESCAPE = re.compile("%(?:[0-9A-Fa-f\u0080-\U0010ffff]{2}|[uU][0-9A-Fa-f\u0080-\U0010ffff]{4})")
BAD_END = re.compile(f"[.{WHITE_SPACE}][{INVISIBLE}]*\\Z|\\A[{INVISIBLE}]+\\Z")
PARENT = re.compile("[^\x00-\x7f]*\\.[^\x00-\x7f]*\\.[^\x00-\x7f]*(?:[;?#].*)?")  # to who drops all but ASCII, or reads a URL
DRIVE = re.compile("[A-Za-z]:")
BAD_BEGINNING = re.compile(f"[{WHITE_SPACE}{INVISIBLE}~\u02dc\u0303]")


def path(text: str) -> Optional[str]:
    """`/a/b/` or `./a/b/`."""
    relative = not text.startswith("/")
    if not text or text.startswith("-") or len(text.encode()) > PATH_BYTES_MAX:
        return None
    if "//" in text or "\\" in text or CONTROL.search(text) or CONFUSABLE.search(text) or ESCAPE.search(text):
        return None
    components = [component for component in text.split("/") if component not in ("", ".")]
    if any(BAD_END.search(part) or PARENT.fullmatch(part) or DRIVE.match(part) for part in components):
        return None
    if components and (BAD_BEGINNING.match(components[0]) or (relative and ":" in components[0])):
        return None
    normal = ("./" if relative else "/") + "".join(component + "/" for component in components)
    return normal if len(normal.encode()) <= PATH_BYTES_MAX + 1 else None


# Schemes that lead to no host, whatever stands where others have one.
SCHEMES_WITHOUT_HOST = frozenset(
    "about blob compress.bzip2 compress.zlib data expect file filesystem glob jar javascript mailto netdoc phar php rar vbscript"
    " view-source zip zlib".split()
)
DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443, "ftp": 21}
URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[^\[\]]*\]|[^\[\]/?#:@]+)(?P<port>:[0-9]+)?"
    r"(?P<rest>(?:/.*|[?#][^@]*)?)"
)
URL_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+(?:#(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?")


def url(text: str) -> Dict[str, Any]:
    """The facts `url_scheme`, `url_host`, `url_domain` and `url_port`, as far as there are any; empty when refused."""
    if len(text.encode()) > URL_BYTES_MAX or not URL_CHARACTERS.fullmatch(text):
        return {}
    parts = URL.fullmatch(text)
    if parts is None or parts["scheme"].lower() in SCHEMES_WITHOUT_HOST:
        return {}
    name = dns_name(parts["host"])
    address = name or _host_address(parts["host"])
    if address is None:
        return {}
    scheme = parts["scheme"].lower()
    facts: Dict[str, Any] = {"url_scheme": scheme, "url_host": address}
    if name:
        facts["url_domain"] = "." + name
    if parts["port"]:
        if not re.fullmatch(r":[1-9][0-9]{0,4}", parts["port"]) or int(parts["port"][1:]) > 65535:
            return {}
        facts["url_port"] = int(parts["port"][1:])
    elif scheme in DEFAULT_PORTS:
        facts["url_port"] = DEFAULT_PORTS[scheme]
    return facts


def dns_name(text: str) -> Optional[str]:
    """A DNS name, lower-cased."""
    name = text.lower()
    labels = name.split(".")
    if not text.isascii() or len(name) > DNS_NAME_BYTES_MAX:
        return None
    if not all(re.fullmatch(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", label) for label in labels):
        return None
    return None if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]) else name


def _host_address(text: str) -> Optional[str]:
    if text.startswith("["):
        address = _ipv6(text[1:-1])
        return f"[{address.compressed}]" if address else None
    return text if _ipv4(text) else None


def url_host(text: str) -> Optional[str]:
    """A host alone, as URLs have it."""
    if re.fullmatch(r"\[[^\[\]]*\]", text):
        return _host_address(text)
    return dns_name(text) or (text if _ipv4(text) else None)


def _ipv4(text: str) -> Optional[List[int]]:
    if not re.fullmatch(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}", text):
        return None
    numbers = [int(number) for number in text.split(".")]
    return numbers if max(numbers) <= 255 else None


def _ipv6(text: str) -> Optional[ipaddress.IPv6Address]:
    last = text.rpartition(":")[2]
    if not re.fullmatch(r"[0-9A-Fa-f:.]+", text) or ("." in last and not _ipv4(last)):
        return None
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return None if address.ipv4_mapped else address


def ip_address(text: str) -> Optional[str]:
    """`4:` or `6:` and the bits of an address."""
    numbers = _ipv4(text)
    if numbers:
        return "4:" + "".join(f"{number:08b}" for number in numbers)
    address = _ipv6(text)
    return f"6:{int(address):0128b}" if address else None


ATEXT = r"[A-Za-z0-9#$&'*+/=?^_`{|}~-]+"  # RFC 5322, without `%` and `!`


def email_domain(text: str) -> Optional[str]:
    """The domain of one plain address, lower-cased."""
    if len(text.encode()) > EMAIL_BYTES_MAX:
        return None
    local, at, domain = text.partition("@")
    if not at or len(local) > 64 or not re.fullmatch(rf"(?!-)(?!.*=\?){ATEXT}(\.{ATEXT})*", local):
        return None
    return dns_name(domain) if "." in domain else None

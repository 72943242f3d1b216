"""The proxies of config.json, given to containers as environment variables."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boxship.cli.config import Config

VARIABLES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "noProxy": "NO_PROXY",
    "ftpProxy": "FTP_PROXY",
    "allProxy": "ALL_PROXY",
}


def variables(config: "Config", engine: str, given: list[str]) -> list[str]:
    """NAME=VALUE in both spellings, but what the command line sets itself."""
    proxies = config.values.get("proxies") or {}
    chosen = proxies.get(engine) or proxies.get("default") or {}
    set_already = {term.partition("=")[0] for term in given}
    return [
        f"{name}={chosen[key]}"
        for key, upper in VARIABLES.items()
        if chosen.get(key)
        for name in (upper, upper.lower())
        if name not in set_already
    ]

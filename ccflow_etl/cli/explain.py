"""`cc-etl-explain`: print the config that `cc-etl` would run with the same arguments."""

import json
from typing import TYPE_CHECKING, Any

from ccflow_etl.cli.arguments import Arguments
from ccflow_etl.cli.command import run_command
from ccflow_etl.cli.errors import CommandError
from ccflow_etl.cli.streams import write_stdout

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from ccflow_etl.cli.quiet import QuietLoader


def main() -> int:
    """Print the resolved config, without importing or running any model; return the exit code."""
    return run_command("cc-etl-explain", _explain, flags=("--provenance", "--gui"))


def _explain(arguments: Arguments) -> None:
    from omegaconf import OmegaConf

    from ccflow_etl.cli.hydra_app import inspect

    def look(cfg: "DictConfig", loader: "QuietLoader") -> None:
        resolved = OmegaConf.to_container(cfg, resolve=True)
        if "--provenance" in arguments.flags:
            from ccflow_etl.cli.provenance import find_sources

            _print_sources(find_sources(resolved, loader, arguments), "--json" in arguments.flags)
        elif "--gui" in arguments.flags:
            _open_gui(resolved)
        elif "--json" in arguments.flags:
            write_stdout(json.dumps(resolved, default=str))
        else:
            write_stdout(OmegaConf.to_yaml(OmegaConf.create(resolved)), end="")

    inspect(arguments, look)


def _print_sources(sources: list[tuple[str, Any, str]], as_json: bool) -> None:
    if as_json:
        values = {key: {"value": value, "source": source} for key, value, source in sources}
        write_stdout(json.dumps(values, default=str))
        return
    lines = [(f"{key}: {json.dumps(value, default=str, ensure_ascii=False)}", source) for key, value, source in sources]
    width = max((len(line) for line, _ in lines if len(line) <= 60), default=0)
    write_stdout("\n".join(f"{line:{width}}  # {source}" for line, source in lines))


def _open_gui(resolved: Any) -> None:
    from ccflow.utils.hydra import ui_launcher_default

    try:
        ui_launcher_default(resolved, show=True)
    except ImportError as error:
        raise CommandError("--gui needs panel, which is not installed", "pip install panel") from error

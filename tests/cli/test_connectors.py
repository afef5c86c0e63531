"""Config groups of installed connectors, found through their entry points."""

import pytest

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
GROUP = "store:\n  _target_: ccflow_etl.LocalWriteModel\n"


@pytest.fixture
def installed(tmp_path_factory):
    """Installs a connector as a package with an entry point, and returns the folder that it is in."""
    site = tmp_path_factory.mktemp("site")

    def install(name: str, code: str, point: str = "pkg:{name}.config") -> str:
        config = site / name / "config"
        (config / "cache").mkdir(parents=True)
        (config / "__init__.py").touch()
        (site / name / "__init__.py").write_text(code)
        (config / "cache" / f"{name}.yaml").write_text(GROUP)
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(METADATA.format(name=name))
        (info / "entry_points.txt").write_text(f"[hydra.lernaplugins]\n{name} = {point.format(name=name)}\n")
        return str(site)

    return install


def test_a_connectors_group_can_be_chosen(project, installed):
    site = installed("conn_good", "")
    done = project("cc-etl-explain +cache=conn_good", PYTHONPATH=site)
    assert (done.code, done.err) == (0, "")
    assert "cache:\n  store:\n    _target_: ccflow_etl.LocalWriteModel" in done.out


def test_a_connector_that_cannot_be_imported_is_named_and_left_out(project, installed):
    installed("conn_good", "")
    site = installed("conn_bad", "import client_that_is_not_installed")
    warning = (
        "warning: connector conn_bad is left out, conn_bad.config cannot be imported:"
        " ModuleNotFoundError: No module named 'client_that_is_not_installed'\n"
    )
    done = project("cc-etl +cache=conn_good", PYTHONPATH=site)
    assert (done.code, done.err) == (0, warning)
    done = project("cc-etl +cache=conn_bad", PYTHONPATH=site)
    assert done.code == 2
    assert done.err.startswith(
        f"{warning}error: In 'base': Could not find 'cache/conn_bad'; the options of 'cache' are conn_good\n"
    )


def test_other_kinds_of_entry_points_are_not_ours(project, installed):
    site = installed("conn_class", "raise RuntimeError", point="{name}:Plugin")
    assert project("cc-etl", PYTHONPATH=site).err == ""


def test_the_users_files_hide_a_connectors(project, installed):
    site = installed("conn_good", "")
    group = project.folder / "config" / "cache"
    group.mkdir()
    (group / "conn_good.yaml").write_text("mine: 1\n")
    done = project("cc-etl-explain -cp config -cn text_stats +cache=conn_good", PYTHONPATH=site)
    assert "cache:\n  mine: 1\n" in done.out

"""What projects run in and are built by: images, notebooks, workflows, scripts."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.model import Reading
from scanner.registry.rows import Manifest

_YAML = ("yml", "yaml")


def _notebook(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import notebook

    return notebook.parse(data, where)


def _workflow(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import workflow

    return workflow.parse(data, where)


def _gitlab_ci(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import gitlab_ci

    return gitlab_ci.parse(data, where)


def _compose(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import compose

    return compose.parse(data, where)


def _script(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import scripts

    return scripts.parse_shell(data, where)


def _makefile(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import scripts

    return scripts.parse_make(data, where)


def _dockerfile(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import dockerfile

    return dockerfile.parse(data, where)


AROUND: tuple[Manifest, ...] = (
    Manifest(
        "dockerfile",
        "Dockerfile or Containerfile (images, install commands)",
        ("dockerfile", "dockerfile.*", "*.dockerfile", "containerfile", "containerfile.*", "*.containerfile"),
        _dockerfile,
        ecosystem="oci",
        around=True,
    ),
    Manifest("notebook", "Jupyter notebook (install commands)", ("*.ipynb",), _notebook, around=True),
    Manifest(
        "workflow",
        "GitHub Actions workflow (actions, images, install commands)",
        ("*.yml", "*.yaml"),
        _workflow,
        ecosystem="githubactions",
        folders=tuple(
            f"{at}.{host}/workflows" for at in ("", "*/") for host in ("github", "gitea", "forgejo")
        ),
        around=True,
    ),
    Manifest(
        "action",
        "GitHub action",
        ("action.yml", "action.yaml"),
        _workflow,
        ecosystem="githubactions",
        around=True,
    ),
    Manifest(
        "gitlab-ci",
        "GitLab CI (images, install commands)",
        tuple(f"*.gitlab-ci.{end}" for end in _YAML),
        _gitlab_ci,
        ecosystem="oci",
        around=True,
    ),
    Manifest(
        "compose",
        "Docker compose (images)",
        tuple(f"{stem}.{end}" for stem in ("docker-compose*", "compose", "compose[.-]*") for end in _YAML),
        _compose,
        ecosystem="oci",
        around=True,
    ),
    Manifest("shell", "shell script (install commands)", ("*.sh", "*.bash"), _script, around=True),
    Manifest(
        "makefile",
        "Makefile (install commands)",
        ("makefile", "gnumakefile", "makefile.*", "*.mk"),
        _makefile,
        around=True,
    ),
)

"""What projects run in and are built by: images, notebooks, workflows, scripts."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.model import Reading
from scanner.registry.marks import all_of, any_of
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


def _mcp(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import mcp

    return mcp.parse(data, where)


def _script(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import scripts

    return scripts.parse_shell(data, where)


def _makefile(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import scripts

    return scripts.parse_make(data, where)


def _dockerfile(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import dockerfile

    return dockerfile.parse(data, where)


def _kubernetes(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import kubernetes

    return kubernetes.parse(data, where)


def _chart(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import helm

    return helm.parse_chart(data, where)


def _values(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import helm

    return helm.parse_values(data, where)


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
    Manifest(
        "mcp-servers",
        "configuration of MCP servers (packages, images, addresses)",
        (".mcp.json", "mcp.json", "mcp_config.json", "claude_desktop_config.json", "cline_mcp_settings.json"),
        _mcp,
        ecosystem="npm",
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
    Manifest(
        "kubernetes",
        "Kubernetes, kustomize, Argo, Kubeflow, KServe (images, install commands)",
        ("*.yml", "*.yaml", "*.tpl"),
        _kubernetes,
        ecosystem="oci",
        marked=True,
        around=True,
        holds=all_of((b"apiVersion", b"deploymentSpec"), (b"kind", b"pipelineInfo")),
    ),
    Manifest(
        "helm-chart",
        "Helm chart (Chart.yaml, Chart.lock)",
        ("chart.yaml", "chart.lock", "requirements.yaml"),
        _chart,
        ecosystem="helm",
        marked=True,
        around=True,
        holds=all_of(b"dependencies"),
    ),
    Manifest(
        "helm-values",
        "Helm values (images)",
        tuple(f"{stem}.{end}" for stem in ("values", "values[.-]*", "*[.-]values") for end in _YAML),
        _values,
        ecosystem="oci",
        marked=True,
        around=True,
        holds=any_of(b"repository", b"image", b"Image"),
    ),
)

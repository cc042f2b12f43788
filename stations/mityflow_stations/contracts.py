"""Examples that the built-in stations keep their contract on: ``mityflow plugin check mityflow``."""

from __future__ import annotations

from pathlib import Path

from mityflow.testing import StationContract
from mityflow_stations.analyze import Analyze
from mityflow_stations.architect import Architect
from mityflow_stations.ask import Ask
from mityflow_stations.build_test import BuildTest
from mityflow_stations.commit import Commit
from mityflow_stations.feature_test import FeatureTest
from mityflow_stations.heal import Heal
from mityflow_stations.implement import Implement
from mityflow_stations.launch import Launch
from mityflow_stations.review import Review
from mityflow_stations.scaffold import Scaffold
from mityflow_stations.scaffold_iac import ScaffoldIac
from mityflow_stations.secure import Secure
from mityflow_stations.shell import Shell
from mityflow_stations.smoke_report import SmokeReport
from mityflow_stations.validate import Validate
from mityflow_stations.validate_iac import ValidateIac

_STACK = """\
version: 1
id: small
name: Small
description: A stack whose commands need nothing but a shell.
commands:
  install: [[sh, -c, "echo installed > installed"]]
  lint: [[sh, -c, "test -f installed"]]
  test: [[sh, test.sh]]
test_report: {arguments: [report.xml], files: report.xml}
smoke: {command: [sh, -c, "echo it works"], output: it works}
required_files: [README.md]
config_files: [settings.json]
"""
_APPLICATION = {
    "README.md": "An application.\n",
    "settings.json": '{"debug": false}\n',
    "test.sh": """echo '<testsuite><testcase classname="c" name="one"/></testsuite>' > "$1"\n""",
}


class ScaffoldContract(StationContract):
    """Renders a real stack."""

    station = Scaffold
    settings = {"conflict": "keep"}
    inputs = {"app_name": "my-app", "stack": "python-fastapi"}
    bad_settings = ({"conflict": "replace"}, {"stack": 1}, {"variables": ["port"]})


class _OfAnApplication(StationContract):
    """Works on an application of a small stack."""

    inputs = {"app_name": "my-app", "stack": "small"}
    programs = ("sh",)

    def prepare(self, workspace: Path) -> None:
        """The stack, and an application of it."""
        stack = workspace / "templates" / "small"
        (stack / "template").mkdir(parents=True)
        (stack / "stack.yaml").write_text(_STACK, encoding="utf-8")
        application = workspace / "my-app"
        application.mkdir()
        for name, text in _APPLICATION.items():
            (application / name).write_text(text, encoding="utf-8")


class ValidateContract(_OfAnApplication):
    """Checks an application."""

    station = Validate
    settings = {"timeout": "1m"}
    bad_settings = ({"checks": ["lints"]}, {"checks": []}, {"timeout": "soon"})


class BuildTestContract(_OfAnApplication):
    """Builds an application."""

    station = BuildTest
    settings = {"timeout": "1m"}
    bad_settings = ({"timeout": "soon"}, {"checks": ["lint"]})


class LaunchContract(_OfAnApplication):
    """Starts an application."""

    station = Launch
    settings = {"timeout": "1m"}
    bad_settings = ({"timeout": "soon"}, {"port": 0}, {"keep_running": "perhaps"})


class SmokeReportContract(StationContract):
    """Reports one stack."""

    station = SmokeReport
    settings = {
        "stacks": ["small"],
        "results": [{step: {"status": "succeeded", "message": ""} for step in ("scaffold", "build-test", "launch")}],
    }
    bad_settings = ({}, {"stacks": ["small"]}, {"stacks": "small", "results": []})


class HealContract(StationContract):
    """Runs a command that passes."""

    station = Heal
    settings = {"command": ["sh", "-c", "exit 0"]}
    bad_settings = (
        {},
        {"command": []},
        {"command": "true"},
        {"comand": ["true"]},
        {"command": ["true"], "heal": "perhaps"},
    )
    programs = ("sh",)


class CommitContract(StationContract):
    """Commits a file to a new repository."""

    station = Commit
    settings = {"message": "Begin"}
    inputs = {"app_name": "my-app"}
    outputs = {"scaffolded_files": ["main.py"]}
    bad_settings = ({"message": ""}, {"author_email": "<>"}, {"mesage": "Begin"})
    programs = ("git",)

    def prepare(self, workspace: Path) -> None:
        """An application with one file."""
        (workspace / "my-app").mkdir()
        (workspace / "my-app" / "main.py").write_text("print('hello')\n", encoding="utf-8")


class AnalyzeContract(_OfAnApplication):
    """Reads an application."""

    station = Analyze
    settings = {"commits": 10}
    bad_settings = ({"commits": 0}, {"commits": "all"}, {"depth": 1})


class ArchitectContract(_OfAnApplication):
    """Plans a feature without an agent."""

    station = Architect
    settings = {"adr": True}
    inputs = {"app_name": "my-app", "stack": "small", "title": "Say hello"}
    outputs = {
        "analysis": {
            "format": 1,
            "stack": "small",
            "platform": [],
            "packages": [],
            "modules": [],
            "routes": [],
            "tests": [],
            "untested": [],
            "history": {"commits": 0, "hot_files": []},
        }
    }
    bad_settings = ({"adr": "perhaps"}, {"folder": "docs"})


class ShellContract(StationContract):
    """Runs a program."""

    station = Shell
    settings = {"command": ["sh", "-c", "echo $GREETING > greeting"], "env": {"GREETING": "hello"}}
    bad_settings = (
        {},
        {"command": ["true"], "script": "true"},
        {"command": "true"},
        {"command": ["sleep", 1]},
        {"comand": ["true"]},
        {"command": ["true"], "success_codes": ["0"]},
    )
    programs = ("sh",)


class AskContract(StationContract):
    """Asks for an approval, and is given it."""

    station = Ask
    settings = {"text": "Deploy?", "timeout": "1h", "on_timeout": "fail"}
    answer = "approve"
    bad_settings = (
        {},
        {"text": "Deploy?", "timeout": "1h"},
        {"text": "Deploy?", "on_timeout": "fail"},
        {"text": "Deploy?", "options": ["yes", "yes"]},
        {"text": "Deploy?", "options": ["yes"], "form": {"type": "object"}},
        {"text": "Deploy?", "form": {"type": "object", "porperties": {}}},
    )


class AskFormContract(StationContract):
    """Asks for the fields of a form."""

    station = Ask
    settings = {
        "text": "Where?",
        "form": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    }
    answer = {"zone": "eu"}


class SecureContract(_OfAnApplication):
    """Looks at an application for secrets, and evaluates no policy."""

    station = Secure
    settings = {"checks": ["secrets", "policies"], "fail_at": {"secrets": "high"}}
    bad_settings = (
        {"checks": ["secret"]},
        {"fail_at": {"code": "hgh"}},
        {"ignore": [{"rule": "bandit/B603", "reason": "known"}]},
        {"ignore": [{"rule": "bandit/B603", "reason": "known", "until": "soon"}]},
        {"osv_url": "file:///etc"},
        {"timeout": "0s"},
    )


class ScaffoldIacContract(StationContract):
    """Writes the code for one cloud."""

    station = ScaffoldIac
    inputs = {
        "app_name": "my-app",
        "stack": "python-fastapi",
        "iac": {"provider": "terraform", "cloud": "gcp"},
    }
    settings = {"port": 8080}
    bad_settings = (
        {"port": 0},
        {"path": "../infra"},
        {"path": "/etc"},
        {"health_path": 'health"'},
        {"conflict": "replace"},
    )

    def prepare(self, workspace: Path) -> None:
        """An application's folder."""
        (workspace / "my-app").mkdir()


class ValidateIacContract(StationContract):
    """Looks at one file by itself."""

    station = ValidateIac
    inputs = {"app_name": "my-app"}
    settings = {"checks": ["static", "exposure"]}
    bad_settings = ({"checks": ["fmt"]}, {"fail_at": "hgh"}, {"path": "infra/../.."}, {"require": ["static"]})

    def prepare(self, workspace: Path) -> None:
        """An application with Terraform code."""
        folder = workspace / "my-app" / "infra"
        folder.mkdir(parents=True)
        text = 'variable "name" {\n  type = string\n}\n\noutput "name" {\n  value = var.name\n}\n'
        (folder / "main.tf").write_text(text, encoding="utf-8")


class _OfAChange(StationContract):
    """Works on a change of an application that is under version control."""

    inputs = {"app_name": "my-app", "title": "Say more"}
    programs = ("git",)

    def prepare(self, workspace: Path) -> None:
        """An application with a commit, a patch beside it, and a file that is not committed."""
        from git import Actor, Repo

        application = workspace / "my-app"
        application.mkdir()
        (application / "main.py").write_text("print('hello')\n", encoding="utf-8")
        with Repo.init(application) as repository:
            repository.index.add(["main.py"])
            author = Actor("Somebody", "somebody@example.org")
            repository.index.commit("Begin", author=author, committer=author)
        (application / "more.py").write_text("WORDS = 1\n", encoding="utf-8")
        patch = "--- /dev/null\n+++ b/words.py\n@@ -0,0 +1 @@\n+WORDS = 2\n"
        (workspace / "feature.patch").write_text(patch, encoding="utf-8")


class ImplementContract(_OfAChange):
    """Applies a patch."""

    station = Implement
    settings = {"patch": "feature.patch"}
    bad_settings = ({"patch": ""}, {"approve": "perhaps"}, {"ptach": "feature.patch"}, {"heal": False})


class ReviewContract(_OfAChange):
    """Looks at a file that is not committed."""

    station = Review
    settings = {"checks": ["tests", "size", "leftovers", "licences"]}
    outputs = {"changed_files": ["more.py"]}
    bad_settings = ({"checks": ["style"]}, {"checks": []}, {"fail_at": "bad"}, {"max_lines": 0})


class FeatureTestContract(_OfAnApplication):
    """Builds an application, and says which test shows the feature."""

    station = FeatureTest
    settings = {"timeout": "1m"}
    inputs = {"app_name": "my-app", "stack": "small", "title": "Say more"}
    bad_settings = ({"timeout": "soon"}, {"checks": ["lint"]})

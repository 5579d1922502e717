"""Prometheus, the real one, and its promtool, where they are installed or unpacked."""

import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request

import pytest

from .child import ROOT, Child
from .waiting import PATIENCE, wait_until

# A busy machine has it begin late: what it is to scrape it looks at every 5 s.
PROMETHEUS_PATIENCE = 60

PACKAGING = ROOT / "Packaging/prometheus"


def program(name):
    """Debian's `prometheus` or `promtool`; skips where there is none."""
    places = [os.environ["PATH"], str(ROOT / ".build/prometheus/usr/bin")]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.skip(f"there is no {name}: make need-test unpacks one")
    return found


class Prometheus(Child):
    """A running Prometheus on a free port of loopback."""

    def __init__(self, config, folder):
        super().__init__(
            [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}",
             "--web.listen-address=127.0.0.1:0"]
        )
        line = self.err.wait_for(lambda line: 'msg="Listening on"' in line)
        if line is None:
            self.kill()
            raise AssertionError(f"it does not listen; stderr {self.err.so_far()}")
        self.url = "http://" + line.split("address=")[1].split()[0]
        wait_until(self._is_ready, "Prometheus is ready")

    def _is_ready(self):
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=PATIENCE) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def ask(self, path, **parameters):
        """What its API has under `/api/v1/` and `path`."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def value(self, expression):
        """What an expression of one sample is now; None where there is none."""
        result = self.ask("query", query=expression)["result"]
        assert len(result) < 2, result
        return float(result[0]["value"][1]) if result else None

    def wait_for(self, expression, accept):
        """Wait until `accept` likes the value of `expression`, and return it."""
        found = []

        def is_there():
            found[:] = [self.value(expression)]
            return found[0] is not None and accept(found[0])

        try:
            wait_until(is_there, f"{expression} is what it is to be", PROMETHEUS_PATIENCE, pause=0.1)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it is {found[0]}") from None
        return found[0]

"""Every command that the documents show has a test that runs it."""

import re

import pytest

from support.child import ROOT

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
DOCUMENTS += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("Packaging/**/README.md"))
README, INTEROP = r"README\.md", "Tests/Interop/"
MONITORING, FLEET = r"Packaging/prometheus/README\.md", r"Packaging/fleet/README\.md"

# Where it stands, what it is like, and the test that runs it: the first that fits.
RUN_BY = [
    (FLEET, r".*", INTEROP + "test_fleet.py", "test_every_command_of_the_page_is_run_here"),
    (r".*", r"systemctl|apt-get", "Tests/Package/test_package.py", "test_the_commands_of_the_documentation_work"),
    (README, r"^curl .*event-stream", INTEROP + "test_readme.py", "test_the_feed_of_the_readme_shows_what_comes"),
    (README, r"--cacert|--tls-key|openssl req", INTEROP + "test_readme.py", "test_the_certificate_of_the_readme_works"),
    (README, r"token", INTEROP + "test_readme.py", "test_the_token_of_the_readme_works"),
    (rf"{README}|{MONITORING}", r"^curl ", INTEROP + "test_readme.py", "test_curl_lines_of_the_readme_work"),
    (MONITORING, r"^promtool ", INTEROP + "test_readme.py", "test_the_lines_of_promtool_work"),
    (MONITORING, r"^prometheus ", INTEROP + "test_readme.py", "test_prometheus_starts_as_the_readme_has_it"),
    (
        README,
        r"lab/client\.py",
        INTEROP + "test_impairments.py",
        "test_the_labs_client_waits_for_ever_where_yodel_send_goes_on",
    ),
    (r".*", r"^make run", INTEROP + "test_make.py", "test_make_run_starts_the_program_with_its_options"),
    (r".*", r"^make test", "Tests/TidyTests/ReadmeTests.swift", "whatIsToBeMadeCanBeMade"),
]


def commands(document):
    """Each command line; where they change the machine they are typed on, the whole block, which is run as one."""
    for language, block in re.findall(r"^ *```(sh|console)\n(.*?)^ *```", (ROOT / document).read_text(), re.S | re.M):
        if language == "sh" and re.search(r"systemctl|apt-get|^ *for", block, re.M):
            yield block.strip()
        elif language == "sh":
            yield from (line.strip() for line in block.replace("\\\n", "").splitlines())
        else:
            yield from (line.removeprefix("$ ") for line in block.splitlines() if re.match(r"\$ |.*   \$ ", line))


def row_of(document, command):
    fits = (row for row in RUN_BY if re.fullmatch(row[0], document) and re.search(row[1], command))
    return next(fits, None)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_has_a_test_that_runs_it(document):
    assert [command for command in commands(document) if row_of(document, command) is None] == []


@pytest.mark.parametrize("row", RUN_BY, ids=[row[3] for row in RUN_BY])
def test_what_runs_commands_is_there_and_has_some(row):
    assert any(row_of(document, command) is row for document in DOCUMENTS for command in commands(document))
    assert re.search(rf"(def|func) {row[3]}\(", (ROOT / row[2]).read_text()), row

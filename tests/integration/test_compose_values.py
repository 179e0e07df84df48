"""What Docker Compose refuses for its type or form is refused, and what it takes is taken.

For each key of its schema there are documents with one value of each type there. With BUNDLE_TESTS_NO_SKIP
every twelfth of them is tried, otherwise every sixtieth; which ones, a fixed seed says.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections import Counter
from typing import Final

from bundler.api.templates.process import Templates
from bundler.errors import BundleError
from bundler_compose.keys.checks import check_fates, check_keys
from bundler_compose.reading import Source, read_project
from tests.support.compose import NEWEST, need_compose, running_compose
from tests.support.compose_corpus import scratch
from tests.support.compose_values import Case, cases
from tests.support.programs import NO_SKIP

EACH: Final = 12 if os.environ.get(NO_SKIP) else 60
OURS: Final = re.compile(
    r"cannot be bundled"  # a key that no site can have
    r"|no such key"  # Compose passes over what stands in `include`
    r"|no `services:`"  # nothing to bundle
    r"|'' has no name before `=`"  # Compose makes a name without letters of it
)
"""What is refused here only, by a rule of its own."""
PANICS: Final = re.compile(r"MarshalJSON")
"""Compose refuses only to write it as JSON."""


def refusal(case: Case, templates: Templates, source: Source) -> BundleError | None:
    try:
        project = read_project(source, templates).today
        check_fates(project.data, project.at)
    except BundleError as error:
        return error
    return None


def test_values_of_wrong_types_are_refused_as_compose_refuses_them() -> None:
    schema = json.loads((need_compose(NEWEST) / "compose-spec.json").read_bytes())
    every = [case for case in cases(schema) if case.path[0] != "jobs"]
    chosen = random.Random(14).sample(every, len(every) // EACH)  # noqa: S311 no secret
    tally: Counter[str] = Counter()
    with running_compose() as compose, Templates({}) as templates, scratch() as folder:
        path = folder / "compose.yaml"
        for case in chosen:
            path.write_text(json.dumps(case.document, indent=1))
            answer = compose.config(folder, (path.name,), profiles=("*",))
            images = {} if answer.failed else {"a": "i"}
            error = refusal(case, templates, Source(path, profiles=("*",), images=images, check=check_keys))
            tally["refused" if answer.failed else "taken"] += 1
            if answer.failed:
                assert error is not None or PANICS.search(answer.err), f"{case}: Compose: {answer.err}"
            else:
                assert error is None or OURS.search(error.message), f"{case}: {error}"
            if error is not None:
                assert re.match(r"compose\.yaml(:[0-9]+)?: ", error.message), f"{case}: {error}"
                assert error.hint, f"{case}: {error}"
    assert tally["refused"] > tally["taken"] > 0

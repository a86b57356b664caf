"""Runs CPython's own asyncio tests on loops made with our selector.

python cpython_asyncio.py test_events test_streams ...

takes modules of test.test_asyncio, and test_selectors. asyncio asks selectors.DefaultSelector for
its selector, and the tests of event loops ask for selectors.EpollSelector too: both are ours here.
The exit code is 0 when every test passed that is not in EXPLAINED.
"""

import importlib
import selectors
import sys
import unittest

from casgi._core import Selector

EXPLAINED = {
    "test_modify": {
        "SelectorTests": "It counts calls by assigning Mocks to the selector's methods; a C type"
        " has no place for them. modify() itself is covered by test_modify_unregister and ours."
    },
}

# The same tests again on the selectors that ours stands in for: they would say nothing of ours.
OTHER_SELECTORS = {"SelectEventLoopTests", "PollEventLoopTests", "KqueueEventLoopTests"}

# Tests of one class on a loop that only simulates time: no selector is made.
WITHOUT_SELECTOR = {"test_futures"}

made = 0


def new_selector() -> Selector:
    global made
    made += 1
    return Selector()


def is_ours(test: unittest.TestCase) -> bool:
    name = type(test).__name__
    return name not in OTHER_SELECTORS and name not in EXPLAINED.get(test._testMethodName, {})


def flatten(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    found: list[unittest.TestCase] = []
    for test in suite:
        found += flatten(test) if isinstance(test, unittest.TestSuite) else [test]
    return found


def selector_tests() -> unittest.TestSuite:
    module = importlib.import_module("test.test_selectors")
    bases = (module.BaseSelectorTestCase, module.ScalableSelectorMixIn, unittest.TestCase)
    case = type("SelectorTests", bases, {"SELECTOR": staticmethod(new_selector)})
    return unittest.defaultTestLoader.loadTestsFromTestCase(case)


def load(name: str) -> unittest.TestSuite:
    if name == "test_selectors":
        return selector_tests()
    return unittest.defaultTestLoader.loadTestsFromName(f"test.test_asyncio.{name}")


def main(names: list[str]) -> int:
    from test import support

    # No network, and none of the tests that are long or large on purpose.
    support.use_resources = []
    selectors.DefaultSelector = new_selector  # type: ignore[misc]
    selectors.EpollSelector = new_selector  # type: ignore[misc]
    suite = unittest.TestSuite()
    for name in names:
        tests = flatten(load(name))
        suite.addTests(test for test in tests if is_ours(test))
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    print(f"{result.testsRun} tests, {made} selectors")
    used = made > 0 or WITHOUT_SELECTOR.issuperset(names)
    return 0 if result.wasSuccessful() and result.testsRun > 0 and used else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

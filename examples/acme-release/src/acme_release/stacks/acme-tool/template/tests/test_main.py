"""What the tool says."""

import unittest

from {{ app_name_snake }}.__main__ import greeting


class GreetingTest(unittest.TestCase):
    """The greeting."""

    def test_everybody_is_greeted(self) -> None:
        self.assertEqual(greeting(["Ada", "Grace"]), "hello Ada and Grace")

    def test_nobody_is_the_world(self) -> None:
        self.assertEqual(greeting([]), "hello world")

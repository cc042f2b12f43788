"""What the rules of faults mean, for tools that show a fault's rule on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Rule(NamedTuple):
    """What is wrong where a fault of this rule stands, and the way out."""

    summary: str
    help: str


_BOUND = Rule("A number is out of its bounds.", "Write a number within the bounds that the message names.")
_TOO_LITTLE = Rule("A value is empty that must hold something.", "Give it at least one entry, or leave the key out.")
_RULES: Mapping[str, Rule] = {
    # The file itself.
    "unreadable": Rule("A file cannot be read.", "Give the path of a file that is there and may be read."),
    "size": Rule("A file is too large.", "Split it: a workflow can call scripts and read files of its own."),
    "encoding": Rule("A file is not UTF-8.", "Save it as UTF-8."),
    "empty": Rule("A file holds nothing.", "Write the keys that its kind of file requires."),
    "character": Rule("A character is not allowed in YAML.", "Remove it, or write it as an escape in double quotes."),
    "directive": Rule("A directive is not known.", "Remove the line; only '%YAML 1.1' and '%YAML 1.2' are known."),
    "syntax": Rule("The text is not valid YAML.", "Put right what the message says; quotes help most often."),
    "multiple-documents": Rule("A file holds more than one document.", "Move each document to a file of its own."),
    "too-deep": Rule("Values lie too deep inside one another.", "Flatten the structure."),
    "too-many-nodes": Rule("A file holds too many values.", "Split it, or expand fewer aliases."),
    "too-many-faults": Rule("There are more faults of a rule than are listed.", "Mend those that are listed first."),
    "tag": Rule("A YAML tag is used.", "Remove the tag; put the value in quotes if it is text."),
    "duplicate-key": Rule("A key stands twice in a mapping.", "Remove one of the two."),
    "yaml-1.1-boolean": Rule("A key is read as true or false by some YAML readers.", "Put the key in quotes."),
    "non-string-key": Rule("A key is no text.", "Put the key in quotes."),
    "unknown-alias": Rule("An alias stands for nothing.", "Define the anchor before it, or put the text in quotes."),
    "recursive-alias": Rule("An alias stands inside the value it refers to.", "Write the value out."),
    "merge": Rule("'<<' merges something that is no mapping.", "Merge a mapping, or a list of mappings."),
    "number": Rule("A number cannot be read exactly.", "Write a shorter number, or put it in quotes if it is text."),
    "ambiguous": Rule("YAML readers do not agree on what a value is.", "Put it in quotes if it is text."),
    # The form of the file.
    "unknown-key": Rule("A key or setting is not known here.", "Take the key that was meant, or one that starts 'x-'."),
    "missing-key": Rule("A key that is required is missing.", "Add it."),
    "name": Rule("A name does not have the form of one.", "Rename it as the message says."),
    "type": Rule("A value is of the wrong kind.", "Write the kind of value that the message names."),
    "enum": Rule("A value is none of those that are possible.", "Take one of those that the message lists."),
    "const": Rule("A value is not the only one that is possible.", "Take the one that the message names."),
    "pattern": Rule("A text does not have the form it must have.", "Write it in the form that the message names."),
    "minimum": _BOUND,
    "maximum": _BOUND,
    "exclusiveMinimum": _BOUND,
    "exclusiveMaximum": _BOUND,
    "minItems": _TOO_LITTLE,
    "minLength": _TOO_LITTLE,
    "minProperties": _TOO_LITTLE,
    "duration": Rule("A duration cannot be one.", "Write a number with ms, s, m, h or d, such as 90s or 1.5h."),
    # Inputs and settings.
    "input": Rule("The JSON Schema of an input or a form is wrong.", "Write it as JSON Schema 2020-12 wants it."),
    "input-default": Rule("The default of an input does not fit its schema.", "Change the default or the schema."),
    "unknown-input": Rule("A value is given for an input that is not declared.", "Declare the input, or leave it out."),
    "wrong-input": Rule("The value of an input does not fit its schema.", "Give a value that fits."),
    "form": Rule("A form cannot be filled in as it is.", "Write a JSON Schema of type object that fits the message."),
    "wrong-answer": Rule("A field of a form has a value that does not fit.", "Answer with a value that fits."),
    "with": Rule("A setting of a station is wrong.", "'mityflow stations NAME' describes a station's settings."),
    "secret": Rule("A secret is declared in a way that cannot hold.", "Name it once, under 'secrets' alone."),
    "guardrails": Rule("The guardrails file of a workflow cannot be read.", "Give its path, relative to the workflow."),
    "agent": Rule("A specialist is routed to an agent that is not declared.", "Declare it under 'agents'."),
    "policy": Rule("A policy has no check, or two, or the name of another.", "Put right what the message says."),
    # Stations and the flow of data.
    "unknown-station": Rule("No installed station has this name.", "'mityflow stations' lists those there are."),
    "broken-station": Rule("A station cannot be loaded.", "Mend, update or remove the plugin it comes with."),
    "repeated-id": Rule("Two steps have the same id.", "Give one of them an 'id' of its own."),
    "cycle": Rule("Steps wait for each other.", "Remove one of the 'needs' or dependencies of the ring."),
    "needs": Rule("'needs' names a step that cannot be needed.", "Name the id of another step of the same list."),
    "missing-dependency": Rule("A station depends on one that is not in the workflow.", "Add it to the stations."),
    "missing-input": Rule(
        "Nothing gives what a station needs.", "Call a station that gives it before, or add an input."
    ),
    "missing-artifact": Rule("Nothing makes an artifact that a station needs.", "Call a station that makes it before."),
    "expression": Rule("An expression is wrong, or names what is not there.", "Put right what the message says."),
    "finally": Rule("A step of 'finally' does what only other steps can.", "Move it to 'stations', or change it."),
    "call": Rule("A call has keys that do not go together.", "Leave one of them out, or give an 'id'."),
    "workflow": Rule("A workflow that is called cannot be had.", "Name one that is there, and that has no faults."),
    "foreach": Rule("A 'foreach' gives no items.", "Write a list, a mapping, or exactly one expression."),
    "cache": Rule("A pattern of 'cache' leads out of the workspace.", "Write it relative to the workspace."),
    "too-large": Rule("With the workflows it calls there are too many steps.", "Call fewer, or use 'foreach'."),
    # Stacks.
    "stack-folder": Rule("The folder of a stack lacks something.", "Put the files where the message says."),
    "smoke": Rule("A stack has both 'health' and 'smoke'.", "Keep 'health' where the application listens."),
    "stack-id": Rule("The id of a stack is not the name of its folder.", "Rename one of them."),
    "test-report": Rule("Nothing says where the tests are counted.", "Add 'files', the report's place."),
    "placeholder": Rule("Braces hold a name that is not known here.", "Use one of the names that the message lists."),
    "variable-name": Rule("A variable has a name that every template has.", "Rename the variable."),
    "variable-schema": Rule("The JSON Schema of a variable is wrong.", "Write it as JSON Schema 2020-12 wants it."),
    "variable-default": Rule("The default of a variable does not fit.", "Change the default or the schema."),
}
_OTHER = Rule("Something in a file is wrong.", "Put right what the message says.")


def rule(rule_id: str) -> Rule:
    """What a rule means; a general word for one that is not listed, such as an unusual keyword of a schema."""
    return _RULES.get(rule_id, _OTHER)


def rule_ids() -> list[str]:
    """The ids of all rules that are described."""
    return list(_RULES)

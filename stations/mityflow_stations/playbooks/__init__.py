"""The fixes that the built-in specialists know by themselves: deterministic, and without a model.

A recipe looks whether it fits, makes its change with the hands it is given, and says what it did; where it does
not fit it changes nothing. Whether it helped is found out by running the command again.
"""

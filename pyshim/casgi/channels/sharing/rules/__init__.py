"""The rules by which a handler is proved to depend on its event alone.

The proof is one invariant: every expression that is let through gives a *plain value*, an exact
str, int, float, bool, None, bytes, list, tuple, dict or range of such (or Django's SafeString, or
a member of an enum that differs from its text or number in no operation but those of `enums`).
They are made from the event, from constants, and from other plain values by operations of the
language, methods of those types, known functions (`known`), and functions of the project for which
the same is proved. Those types cannot be patched, their operations read nothing else, and what they
give for equal arguments is equal. So two runs with equal events send equal frames.

What would break the invariant does not get through, and neither does what is not listed:
  - `self`, but for sending, calling a method that is proved, constants of the class, and `==`
    between an attribute and a plain value (`own`);
  - functions, modules, types, views and iterators as values (they show addresses and lead
    anywhere): they are called or used up on the spot;
  - globals other than plain immutable values, which must be the same objects still in each run;
  - attributes other than methods by name: there is no way from a value to its class or module;
  - sets (the order of some hangs on addresses), but for constant ones behind `in`; `is`, but for
    None, True and False; format specifications with `n` (locale);
  - loops whose end is not in sight: `while`, recursion.

`source` makes sure that the tree is that of the code that runs, and `lookups` checks that this code
looks no other name up, should the reading of scopes here ever differ from Python's.

One file has the rules for one kind of construct, and `scope` the tables that they are found by.
"""

from casgi.channels.sharing.rules import calls, patterns, statements, values

__all__ = ["calls", "patterns", "statements", "values"]

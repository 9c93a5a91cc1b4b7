"""Options of pytest's and xdist's that a run asks about among those that it passes on."""

#: They open a debugger.
DEBUGGERS = frozenset({"--pdb", "--trace"})
#: They make xdist distribute, whatever `-n 0` says; each may have its value attached.
DISTRIBUTING = ("-n", "--numprocesses", "--dist", "--tx", "-d", "--maxprocesses")
#: They choose by what an earlier run has left; each may have its value attached.
REMEMBERING = ("--lf", "--last-failed", "--ff", "--failed-first", "--nf", "--new-first", "--sw", "--stepwise")

"""C code of ours, compiled on the machine that runs it: once for each version of it, compiler and set of flags.

There is always another way where no compiler is at hand; it takes longer.
"""

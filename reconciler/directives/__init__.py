"""Documents that stand among the manifests and are no objects of a server: they say how a run judges those that are.

`directive` is what each of them is, `registry` finds them by name. They are read, checked and digested as all manifests
are, and nothing is read, planned or exported for them.
"""

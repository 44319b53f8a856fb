"""The kinds: one file or folder each, found by `registry`; `kind` is the contract that they fulfil."""

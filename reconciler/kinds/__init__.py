"""The kinds: a folder each, found by `registry`; `kind` is the contract that they fulfil."""

"""Files into `Wanted` values with positions, and back: the only user of yaml.

Read `load` for manifests, `document` for strict reading and validation of any document (the settings use it too), and
`dump` for writing. Nothing here trusts its input: what YAML can do beyond plain data is refused at the scanner's
events, before a value exists, within the bounds that `limits` lists.
"""

"""What an operator decides: where the APIs are, who we are to them, and how much one run may change.

The only reader of the environment. `load.load_settings` gives `target.Settings`; `file.SettingsFile` is the shape of
`reconciler.yaml`; secrets are references (`secret.Origin`) until a request needs them.
"""

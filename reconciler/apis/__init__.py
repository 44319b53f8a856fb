"""The two APIs over HTTP: reading with proof of completeness, sending once. The only user of requests.

`connect.connect` gives an `Api`: `read` and `fresh` for looking, `send` for the one caller that may write.
"""

"""The vendors' own clients against the simulator: huaweicloudsdkcsms and keyfactor-command-sdk, call by call.

`python -m tests.vendors` prints the table of calls.
"""

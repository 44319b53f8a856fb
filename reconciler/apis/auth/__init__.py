"""Ways to say who we are. Each gives the headers of one request and knows whether new ones could help after a 401.

Nothing here knows an API: it is handed what it needs, and `apis/` chooses among the ways.
"""

"""Ways to say who we are. Each gives the headers of one request and knows whether new ones could help after a 401."""

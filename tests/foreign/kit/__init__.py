"""What the tests share: brokers, processes, schemas, orders, and the totals over all of it."""

"""The durable log of alerts: a database of headers and a folder of pictures, committed before an alert is published.

`journal` is the stage that writes, `reader` reads beside it, `store` says what another database would have to do.
"""

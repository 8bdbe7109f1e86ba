"""Qudao and a real ERP: Tryton 7. Channel orders become sales once, free stock goes back out, shipments are told.

`decisions.py` is what an order means to an ERP, pure; `books.py` is all that knows Tryton; `integration.py` joins them
to Qudao. The rest plays: `founding.py` makes a company, `warehouse.py` is its people, `play.py` the whole evening.
"""

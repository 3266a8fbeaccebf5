"""Rules (the Fulfilment tab), settings as code, planning an order, and trying an event out."""

"""The five kinds of events, as columns in the order in which they are produced."""

"""The central service: receives every journal, keeps the stock ledger, the lives of item codes and the orders."""

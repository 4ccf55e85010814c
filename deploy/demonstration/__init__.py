"""The demonstration: a brand, its shops and a dealer on one machine, for one real sale day. Run it by ``deploy/demo``."""

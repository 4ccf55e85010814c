"""The till: the basket, the sale, what is taken back, and the modes of the counter."""

"""The certificate authority of an installation: who may speak to the broker, and as whom.

``certificates`` makes and signs, ``files`` keeps them on disk. A certificate's common name is the identity that the broker
enforces: an agent's id, or one of central's own (``names``).
"""

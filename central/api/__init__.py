"""The HTTP interface of central: what every route shares.

``callers`` says who asks and what they may see, ``problems`` how a refusal looks, ``paging`` how long lists are read, ``once``
how a write is made once, ``reading`` the page that explains it all. The routes themselves stand with their nouns.
"""

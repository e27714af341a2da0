"""Thin HTTP. One file per noun: what it takes and shows, then its routes; each route makes one engine call.

An edge: `asking` reads the clock, knows who asks, opens the transaction and commits it before the answer leaves.
Nothing here decides what happens to a dose, and nothing here touches a table.

    main, live                 the two applications: everything, and the stream alone on its own port
    asking, database, tokens   who asks, in which transaction
    errors, manners, shapes    how it is said: problems, headers and bounds, the pieces of bodies
    openapi                    how it is described, for clients that are generated
"""

"""The endpoints, one module for each kind of thing; each handler gets a guarded call and returns an answer."""

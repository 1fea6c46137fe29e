//! The authority's policy: tools, routes and clients as strict TOML.

//! A guarded tool service: tickets of two tenants over SQLite.

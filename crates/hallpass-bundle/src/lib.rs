//! The signed bundle as data: trust root, keys, tool catalogue, heartbeat.

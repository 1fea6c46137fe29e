//! The authority: mints tokens under a policy, records them, serves the signed bundle.

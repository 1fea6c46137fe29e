//! The text of a new `authority.toml`.

use std::net::SocketAddr;

use hallpass_vocabulary::{AuthorityId, Environment};

use super::{Config, ForeignKey, Paths};

impl Config {
    /// The text of a new `authority.toml`.
    pub(crate) fn text(
        environment: &Environment,
        name: &AuthorityId,
        listen: SocketAddr,
        foreign_keys: &[ForeignKey],
    ) -> String {
        let Paths {
            keys,
            policy,
            store,
            journal,
            roots,
            bundle,
        } = Paths::standard();
        let mut text = format!(
            r#"# This authority serves one environment; its keys are bound to it.
environment = "{environment}"

# Its name, in its trust root and its signed bundles. Verifiers pin it, so it never changes.
name = "{name}"

# Where it listens. Where other machines reach it, it needs a certificate: see [tls].
listen = "{listen}"

# Where its parts are, relative to this directory.
[paths]
keys = {keys:?}
policy = {policy:?}
store = {store:?}
journal = {journal:?}
roots = {roots:?}
bundle = {bundle:?}

# The certificate it shows, with those that lead to its root, and its key, mode 0600. Read again on SIGHUP.
#
# [tls]
# certificate = "tls/certificate.pem"
# key = "tls/key.pem"

# What is logged, and how: "text" or "json".
#
# [log]
# filter = "info"
# format = "json"

# For how many days its journal keeps records, 8 or more; for ever without this. What is older is removed, once it is in
# the store, and what is left still verifies.
#
# [journal]
# keep_days = 400

# Where its rows are, when not in the file above: a PostgreSQL that several replicas share. The password is in `passfile`, mode
# 0600, or in PGPASSWORD.
#
# [store]
# postgres = "host=db.internal dbname=hallpass user=hallpass"
# passfile = "pgpass"
# ca_file = "tls/db-ca.pem"

# A program that is told when a policy comes into force that allows more.
#
# [alerts]
# command = ["/usr/local/bin/tell-security"]

# The run keys of sibling environments, so that a stray token of one is answered `wrong_environment` rather than
# `unknown_key`. It never makes such a token valid.
#
# [[foreign_keys]]
# environment = "staging"
# public_key = "64 hex digits"
"#
        );
        for ForeignKey {
            environment,
            public_key,
        } in foreign_keys
        {
            text.push_str(&format!(
                "\n[[foreign_keys]]\nenvironment = \"{environment}\"\npublic_key = \"{public_key}\"\n"
            ));
        }
        text
    }
}

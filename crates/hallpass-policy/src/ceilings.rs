//! Every bound on a policy, in one place. docs/policy.md repeats them, and a test holds the two together.

/// The longest life of a token, in seconds (token format: issued and expires are at most 15 minutes apart).
pub const TTL_SECONDS_MAX: u64 = 900;

/// The shortest life of a token, in seconds. Dates in tokens are whole seconds, so anything shorter is no life.
pub const TTL_SECONDS_MIN: u64 = 1;

/// The longest a run may go on by renewing, in seconds: 30 days. Longer work is started again.
pub const RUN_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

/// How long a run may go on whose route does not say, in seconds: a day.
pub const RUN_SECONDS_DEFAULT: u64 = 24 * 60 * 60;

/// The most tools in one route with all its roles, with and without approval (token format: `tools` and `needs_approval`
/// together).
pub const TOOLS_PER_ROUTE_MAX: usize = 64;

/// The most services the tools of one route may live at (token format: `audience`).
pub const AUDIENCES_PER_ROUTE_MAX: usize = 16;

/// The most roles a route may give and admit, those they include counted (token format: `role`).
pub const ROLES_PER_ROUTE_MAX: usize = 16;

/// The most admitted roles with caveats in one route. Every combination of them is looked at when the policy is checked.
pub const BOUND_ROLES_PER_ROUTE_MAX: usize = 8;

/// The most caveats of one grant, and of one token (token format: checks of a block).
pub const CAVEATS_MAX: usize = hallpass_token::limits::CHECKS_PER_BLOCK_MAX;

/// The most bytes of the words of one token's caveats, as the record of every mint has them ([`caveat_words_bytes`]). With the
/// longest names of everything else and the labels of a client, such a record is as large as a journal takes.
///
/// [`caveat_words_bytes`]: crate::caveat_words_bytes
pub const CAVEAT_WORDS_BYTES_MAX: usize = 5 * 1024;

/// The most steps from a role to one it includes: deeper ones are read by nobody.
pub const INCLUDE_DEPTH_MAX: usize = 8;

/// The most routes in one policy. Far above any deployment seen; bounds what a file can make the authority hold.
pub const ROUTES_PER_POLICY_MAX: usize = 1_000;

/// The most entries of `clients` in one route. More have a common start, or a client of their own in front.
pub const CLIENTS_PER_ROUTE_MAX: usize = 64;

/// The most clients in one policy.
pub const CLIENTS_PER_POLICY_MAX: usize = 1_000;

/// The most claims of a client's workload identity, its subject not counted.
pub const CLAIMS_PER_CLIENT_MAX: usize = 16;

/// The most roles in one policy.
pub const ROLES_PER_POLICY_MAX: usize = 1_000;

/// The most issuers in one policy. The keys of each are fetched and kept.
pub const ISSUERS_PER_POLICY_MAX: usize = 32;

/// The most claim values an issuer maps to roles.
pub const ROLES_PER_ISSUER_MAX: usize = 256;

/// The most operators in one policy. Every one can act on the authority.
pub const OPERATORS_PER_POLICY_MAX: usize = 256;

/// The most keys of one operator: one for each machine of a person, and their successors.
pub const KEYS_PER_OPERATOR_MAX: usize = 8;

/// The most approval groups in one policy.
pub const GROUPS_PER_POLICY_MAX: usize = 256;

/// The most members of one approval group.
pub const MEMBERS_PER_GROUP_MAX: usize = 64;

/// The highest rate, a minute. An authority signs fewer.
pub const PER_MINUTE_MAX: u32 = 1_000_000;

/// Mints a minute of a client for which the policy does not say: a hundred a second.
pub const CLIENT_MINTS_PER_MINUTE_DEFAULT: u32 = 6_000;

/// Mints a minute for a tenant, over all clients, for which the policy does not say: a thousand a second.
pub const TENANT_MINTS_PER_MINUTE_DEFAULT: u32 = 60_000;

/// The most policy files, schemas counted. More routes than a policy may have fit into one.
pub const POLICY_FILES_MAX: usize = 256;

/// The largest policy file, in bytes. A thousand routes of a kilobyte.
pub const POLICY_FILE_BYTES_MAX: usize = 1024 * 1024;

/// The longest name of a policy file, in characters: what file systems take.
pub const POLICY_FILE_NAME_CHARS_MAX: usize = 255;

/// The most faults told of one file. Whoever has more mends some first.
pub const FAULTS_PER_FILE_MAX: usize = 100;

/// The shortest written reason for a waiver, in characters. Long enough that `ok` or `todo` is not one.
pub const REASON_CHARS_MIN: usize = 12;

/// The longest summary or reason, in characters. It is shown on one screen.
pub const PROSE_CHARS_MAX: usize = 500;

/// The longest preview template, in characters. A card is read in ten seconds.
pub const PREVIEW_CHARS_MAX: usize = 2_000;

/// The longest text that names something outside the policy, in characters: an `iss`, a `sub`, a claim, a path, a URL.
pub const OUTSIDE_NAME_CHARS_MAX: usize = 512;

/// The most arguments of a tool that needs approvals before `policy check` warns: what is read on a card in ten seconds.
pub const APPROVAL_ARGUMENTS_MAX: usize = 8;

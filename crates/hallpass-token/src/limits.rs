//! Every bound on a token, in one place. They are part of the format: docs/token-format.md repeats them and a test
//! holds the two together.

/// Bytes of a decoded token. Fits an HTTP header line of common servers (8 to 16 KiB) after base64url.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Bytes of a token as text: the prefix and the base64url of [`TOKEN_BYTES_MAX`].
pub const TOKEN_TEXT_BYTES_MAX: usize =
    crate::text::PREFIX.len() + (TOKEN_BYTES_MAX * 4).div_ceil(3);

/// Blocks of a token, the authority block included. Each costs one signature to verify.
pub const BLOCKS_MAX: usize = 8;

/// Seconds between `issued` and `expires`: runs renew instead of holding long tokens.
pub const TTL_SECONDS_MAX: u64 = 15 * 60;

/// Seconds a token may have been issued in the future of the verifier's clock: two clocks, each 30 s off.
pub const ISSUED_AHEAD_SECONDS_MAX: u64 = 60;

/// Tools of a grant, `tools` and `needs_approval` together: 500 made minting twenty times dearer.
pub const TOOLS_MAX: usize = 64;

/// Audiences of a grant.
pub const AUDIENCES_MAX: usize = 16;

/// Roles of a grant.
pub const ROLES_MAX: usize = 16;

/// Approval keys named in the authority block: a key in use, its successor, and room.
pub const APPROVAL_KEYS_MAX: usize = 8;

/// The largest budget: the largest integer every JSON reader keeps exact.
pub const BUDGET_AMOUNT_MAX: u64 = (1 << 53) - 1;

/// Elements of one set in a check: as many as a grant has tools.
pub const SET_ELEMENTS_MAX: usize = TOOLS_MAX;

/// Caveats of one block. The authority block has them behind its five checks.
pub const CHECKS_PER_BLOCK_MAX: usize = 16;

/// Predicates in one query of a check of the extended profile. The engine joins them by trying every combination.
pub const EXTENDED_PREDICATES_MAX: usize = 4;

/// Alternatives of a check of the extended profile.
pub const EXTENDED_QUERIES_MAX: usize = 4;

/// Expressions of one query of a check of the extended profile.
pub const EXTENDED_EXPRESSIONS_MAX: usize = 8;

/// Steps of one expression of a check of the extended profile.
pub const EXTENDED_STEPS_MAX: usize = 32;

/// The most work a token may make the engine do for one call, in facts looked at, expression steps taken and names
/// compared, counted beforehand. The most expensive token a search found under this bound takes the engine a few
/// milliseconds; docs/extended-profile.md has the search.
pub const EXTENDED_WORK_MAX: u64 = 100_000;

/// Bytes of a service's Datalog policy.
pub const DATALOG_POLICY_BYTES_MAX: usize = 16 * 1024;

/// How deep parentheses may nest in a service's Datalog policy: the library's parser recurses.
pub const DATALOG_POLICY_DEPTH_MAX: usize = 32;

/// Facts of the authority block: each single one, every role and every budget, with a few to spare for the error to
/// name the surplus.
pub const FACTS_MAX: usize = 48;

/// Symbols a block may add: every name of the largest grant and the words of the templates come to about 150.
pub const SYMBOLS_PER_BLOCK_MAX: usize = 192;

/// Bytes of one symbol: the longest name, pointer or text of a caveat.
pub const SYMBOL_BYTES_MAX: usize = 256;

/// Bytes of an argument's text that caveats look at. Longer ones have a kind and nothing else, so every caveat on their
/// content denies. What caveats look at is derived once, however many look at it; a token full of searches in the
/// longest text took 18 to 26 ms (docs/verification.md).
pub const ARGUMENT_TEXT_BYTES_MAX: usize = 64 * 1024;

/// Elements of an array argument that caveats look at, for the same reason. Longer arrays deny every `each` caveat.
pub const ITEMS_MAX: usize = 1024;

/// Names of a call's arguments: as many as a set may have, so that a call with more is in no set.
pub const ARGUMENT_NAMES_MAX: usize = SET_ELEMENTS_MAX;

/// Alternatives of a caveat with `either`: grants of one tool that a subject can have by its roles, with room.
pub const ALTERNATIVES_MAX: usize = 8;

/// Rules of one alternative: as many predicates as the engine is given in one query.
pub const RULES_PER_ALTERNATIVE_MAX: usize = EXTENDED_PREDICATES_MAX;

/// Bytes of the pointers, texts and names of a caveat with `either`, each as often as it stands. In a token a text costs
/// its bytes once, so that a small one could say a hundred times as much as it holds.
pub const EITHER_TEXT_BYTES_MAX: usize = TOKEN_BYTES_MAX;

/// Bytes of one caveat in words: the largest set of the longest texts, every character escaped.
pub const CAVEAT_WORDS_BYTES_MAX: usize = 128 * 1024;

//! A policy without what nobody needs: the same files, with the tools of some routes denied there.

mod edit;

use std::collections::{BTreeMap, BTreeSet};

use hallpass_vocabulary::{Route, ToolName};

use crate::change::Direction;
use crate::error::PolicyErrors;
use crate::files::PolicyFiles;
use crate::place::Place;
use crate::policy::Policy;

/// The tools to take away, of each route.
pub type Unneeded = BTreeMap<Route, BTreeSet<ToolName>>;

/// A narrower policy.
#[derive(Debug, Clone)]
pub struct Narrowed {
    /// Its files: those of the old one, in which nothing else was touched.
    pub files: PolicyFiles,
    /// The policy they make. It allows nothing that the old one does not.
    pub policy: Policy,
    /// What is written otherwise, in the order of the files.
    pub edits: Vec<Edit>,
}

/// One line that was put in, or that is written otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The route it is about.
    pub route: Route,
    /// The line of the old file that it takes the place of, or after which it was put in.
    pub place: Place,
    /// The old line, if it takes its place.
    pub before: Option<String>,
    /// The new line.
    pub after: String,
}

/// Why there is no narrower policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NarrowingError {
    /// The route is written in a way that cannot be added to.
    #[error("route `{route}` is written in a way that `deny` cannot be added to")]
    Form {
        /// Which.
        route: Route,
    },
    /// The old policy is refused.
    #[error("the policy is refused:\n{0}")]
    Refused(PolicyErrors),
    /// The new policy would be refused, or would allow more. Neither comes of a `deny`.
    #[error("the narrower policy does not hold together: {0}")]
    Wrong(String),
}

impl Policy {
    /// The policy of these files without tools that are not needed.
    ///
    /// Each is put under the `deny` of its route, which takes it away from everybody there, whatever gives it, and from nobody
    /// elsewhere. Nothing else changes: no line is removed, so comments and reasons stay.
    ///
    /// # Errors
    /// [`NarrowingError`].
    pub fn narrowed(files: &PolicyFiles, unneeded: &Unneeded) -> Result<Narrowed, NarrowingError> {
        let old = Self::parse(files).map_err(NarrowingError::Refused)?;
        let mut edits = Vec::new();
        let mut texts = Vec::new();
        let mut left: Unneeded = unneeded.clone();
        left.retain(|route, tools| {
            if let Some(rule) = old.route(route) {
                tools.retain(|tool| !rule.deny().contains(tool));
            }
            !tools.is_empty()
        });
        for (name, text) in files.iter() {
            let edited = edit::edited(name, text, &mut left)?;
            texts.push((name.to_owned(), edited.text));
            edits.extend(edited.edits);
        }
        if let Some(route) = left.into_keys().next() {
            return Err(NarrowingError::Form { route });
        }
        let files = PolicyFiles::new(texts);
        let policy =
            Self::parse(&files).map_err(|errors| NarrowingError::Wrong(errors.to_string()))?;
        let changes = old.changes_to(&policy);
        let wider = changes
            .iter()
            .find(|it| it.direction() == Direction::Widening);
        if let Some(wider) = wider {
            return Err(NarrowingError::Wrong(wider.to_string()));
        }
        let missed = unneeded.iter().find(|(route, tools)| {
            let rule = policy.route(route);
            rule.is_some_and(|rule| !tools.is_subset(rule.deny()))
        });
        match missed {
            Some((route, _)) => Err(NarrowingError::Form {
                route: route.clone(),
            }),
            None => Ok(Narrowed {
                files,
                policy,
                edits,
            }),
        }
    }
}

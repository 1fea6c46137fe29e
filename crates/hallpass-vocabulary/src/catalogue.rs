//! The tool catalogue: which tools exist, which service has each, and what each does to the world.

use std::collections::BTreeMap;

use crate::{Audience, Impact, Pointers, ToolName};

/// The most tools in one catalogue. Far above any deployment seen; bounds what a bundle can make a verifier hold.
pub const TOOLS_PER_CATALOGUE_MAX: usize = 10_000;

/// The most bytes of the pointers of all tools together, as [`POINTERS_BYTES_MAX`](crate::POINTERS_BYTES_MAX) counts them.
/// A dozen for each of ten thousand tools; the largest catalogue still fits a publication.
pub const POINTERS_PER_CATALOGUE_BYTES_MAX: usize = 1024 * 1024;

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name.
    pub name: ToolName,
    /// The service that has it.
    pub audience: Audience,
    /// What it does to the world.
    pub impact: Impact,
    /// The arguments that records of its calls show.
    #[serde(default, skip_serializing_if = "Pointers::is_empty")]
    pub recorded: Pointers,
    /// The arguments of which records keep a digest under a key that is erased with time, and never the value, whatever
    /// else is asked for.
    #[serde(default, skip_serializing_if = "Pointers::is_empty")]
    pub sensitive: Pointers,
}

impl Tool {
    /// A tool none of whose arguments are recorded but in the digest of all of them.
    pub fn new(name: ToolName, audience: Audience, impact: Impact) -> Self {
        Self {
            name,
            audience,
            impact,
            recorded: Pointers::default(),
            sensitive: Pointers::default(),
        }
    }
}

/// Every known tool, by name. A tool that is not in it does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue(BTreeMap<ToolName, Tool>);

/// A list of tools that is no catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// Two entries have one name.
    #[error("tool `{0}` is listed twice")]
    Duplicate(ToolName),
    /// More than [`POINTERS_PER_CATALOGUE_BYTES_MAX`] bytes.
    #[error(
        "the pointers to recorded and sensitive arguments are more than {POINTERS_PER_CATALOGUE_BYTES_MAX} bytes"
    )]
    PointersTooLong,
    /// More entries than [`TOOLS_PER_CATALOGUE_MAX`].
    #[error("more than {TOOLS_PER_CATALOGUE_MAX} tools")]
    TooMany,
}

impl Catalogue {
    /// A catalogue of these tools.
    ///
    /// # Errors
    /// When a name occurs twice or there is too much.
    pub fn new(tools: impl IntoIterator<Item = Tool>) -> Result<Self, CatalogueError> {
        let mut by_name = BTreeMap::new();
        let mut pointer_bytes = 0;
        for tool in tools {
            pointer_bytes +=
                tool.recorded.recorded_bytes_max() + tool.sensitive.recorded_bytes_max();
            if pointer_bytes > POINTERS_PER_CATALOGUE_BYTES_MAX {
                return Err(CatalogueError::PointersTooLong);
            }
            let name = tool.name.clone();
            if by_name.insert(name.clone(), tool).is_some() {
                return Err(CatalogueError::Duplicate(name));
            }
            if by_name.len() > TOOLS_PER_CATALOGUE_MAX {
                return Err(CatalogueError::TooMany);
            }
        }
        Ok(Self(by_name))
    }

    /// The tool of this name.
    pub fn tool(&self, name: &ToolName) -> Option<&Tool> {
        self.0.get(name)
    }

    /// All tools, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Tool> {
        self.0.values()
    }

    /// How many tools there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl serde::Serialize for Catalogue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.values())
    }
}

impl<'de> serde::Deserialize<'de> for Catalogue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tools = Vec::<Tool>::deserialize(deserializer)?;
        Self::new(tools).map_err(serde::de::Error::custom)
    }
}

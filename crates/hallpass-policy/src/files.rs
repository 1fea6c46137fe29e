//! The files a policy is read from.

use std::fmt;

use crate::digest;

/// The files of a policy, in byte order of their names: `*.toml` is read, and `*.json` beside them are the schemas they
/// name. From a directory with [`PolicyFiles::read`], or from texts:
///
/// ```
/// use hallpass_policy::{Policy, PolicyFiles, starter};
///
/// let files = PolicyFiles::from([("starter.toml", starter())]);
/// assert_eq!(Policy::parse(&files)?.digest(), files.digest());
/// # Ok::<(), hallpass_policy::PolicyErrors>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PolicyFiles(Vec<File>);

/// One file: its name and its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl PolicyFiles {
    /// Files of these names and texts.
    pub fn new<N: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (N, T)>) -> Self {
        let mut files: Vec<File> = files
            .into_iter()
            .map(|(name, text)| File {
                name: name.into(),
                text: text.into(),
            })
            .collect();
        files.sort();
        Self(files)
    }

    /// Name and text of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|file| (&*file.name, &*file.text))
    }

    /// `sha256:<hex>` over all of them: what
    /// `LC_ALL=C ls | grep -E '\.(json|toml)$' | xargs sha256sum | sha256sum` prints in the policy directory.
    pub fn digest(&self) -> String {
        digest::of(self.iter())
    }

    /// Those that are TOML, and those that are not.
    pub(crate) fn sorted_out(&self) -> (Vec<&File>, Vec<&File>) {
        self.0
            .iter()
            .partition(|file| !file.name.ends_with(".json"))
    }
}

impl<N: Into<String>, T: Into<String>, const LENGTH: usize> From<[(N, T); LENGTH]> for PolicyFiles {
    fn from(files: [(N, T); LENGTH]) -> Self {
        Self::new(files)
    }
}

/// The names only: a policy is long.
impl fmt::Debug for PolicyFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|file| &file.name))
            .finish()
    }
}

//! How a consumer group shares its partitions out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a consumer group shares its partitions out. All members of a group do it the same way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Assignor {
    /// Kafka's `range`: partitions of one number, of topics with equal counts, meet at one member.
    /// Whenever somebody comes or goes, all members give up all that they have first.
    #[default]
    Range,
    /// Kafka's `cooperative-sticky`: evenly over all topics, and a member keeps what it has where
    /// that is even. Only what has to move is given up.
    CooperativeSticky,
}

impl Assignor {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Range, Self::CooperativeSticky];

    /// Its name, as in Kafka's `partition.assignment.strategy`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }
}

impl From<Assignor> for &'static str {
    fn from(assignor: Assignor) -> Self {
        assignor.name()
    }
}

impl fmt::Display for Assignor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Assignor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| {
            let [one, other] = Self::ALL;
            format!("`{text}` is no assignor, which are {one} and {other}")
        })
    }
}

impl TryFrom<String> for Assignor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What the other members of a group have to do with it: for the error that a member fails with.
pub(crate) fn mend(group: &str, own: Assignor) -> String {
    format!(
        "all members of group `{group}` must have the same `group.assignor`, and this one has \
         \"{own}\": stop those that have another one before this one starts, or give this one theirs"
    )
}

//! Where something stands: a file, a line and a column, as editors count them.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// A place within a text, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A place in a file.
    File(PathBuf, Position),
    /// An environment variable of this process.
    Environment(String),
    /// An option of the command line.
    Option(&'static str),
    /// Nobody said so; the reason why it is assumed.
    Default(&'static str),
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub origin: Origin,
}

impl<T> Found<T> {
    /// A value of a file.
    #[must_use]
    pub fn in_file(value: T, file: &Path, position: Position) -> Self {
        Self {
            value,
            origin: Origin::File(file.to_owned(), position),
        }
    }

    /// The same place, another value.
    #[must_use]
    pub fn with<U>(&self, value: U) -> Found<U> {
        Found {
            value,
            origin: self.origin.clone(),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file, position) => write!(formatter, "{}:{position}", file.display()),
            Self::Environment(name) => write!(formatter, "the environment variable {name}"),
            Self::Option(name) => formatter.write_str(name),
            Self::Default(reason) => formatter.write_str(reason),
        }
    }
}

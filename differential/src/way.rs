//! The ways to the edge: which listener, and which HTTP.

use std::fmt;

use testbed::envoy::listeners::Shape;

/// One way to put a case to the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) shape: Shape,
    pub(crate) version: Version,
}

/// The version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

impl Way {
    /// The one that every case takes.
    pub(crate) const FIRST: Self = Self::new(Shape::Plain, Version::Http1);

    /// The others, each for a part of the cases.
    pub(crate) const OTHERS: [Self; 3] = [
        Self::new(Shape::Hardened, Version::Http1),
        Self::new(Shape::Plain, Version::Http2),
        Self::new(Shape::Hardened, Version::Http2),
    ];

    pub(crate) const fn new(shape: Shape, version: Version) -> Self {
        Self { shape, version }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listener = match self.shape {
            Shape::Plain => "default listener",
            Shape::Hardened => "production listener",
        };
        let version = match self.version {
            Version::Http1 => "HTTP/1.1",
            Version::Http2 => "HTTP/2",
        };
        write!(formatter, "{listener}, {version}")
    }
}

//! What an operator or a test needs around a container registry that GitLab protects with tokens: the key
//! pair, tokens as GitLab mints them, and a stand-in for GitLab's token endpoint.
//!
//! The binary `edgectl` is this library with a command line; test suites and demonstrations link the
//! library and mint tokens in their own process:
//!
//! ```
//! use edgectl::{Account, Claims, Parties, SigningKey, Validity};
//!
//! let key = SigningKey::generate(2048)?;
//! let claims = Claims::for_account(
//!     &key,
//!     &Parties::default(),
//!     &Account::named("alice"),
//!     vec!["repository:group/app:pull,push".parse()?],
//!     Validity::minutes(10),
//! )?;
//! let token = key.sign(&claims)?;
//! assert_eq!(token.split('.').count(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Negative tests change a [`Claims`] field (all are public), or sign anything at all with
//! [`SigningKey::sign_raw`] and [`SigningKey::sign_bytes`].
//!
//! What this is not: an identity provider. [`issuer`] knows users from a file with passwords in plain text
//! and exists for a developer's own machine.

pub mod access;
pub mod background;
pub mod certificate;
pub mod claims;
pub mod config;
pub mod doctor;
pub mod http;
pub mod init;
pub mod issuer;
pub mod key_pair;
pub mod local;
pub mod public_key;
pub mod rotation;
pub mod signing_key;

pub use access::{Access, Meta};
pub use claims::{Account, AuthType, Claims, Parties, UserToken, Validity};
pub use key_pair::{KeyPair, KeyPairFiles, WriteError};
pub use public_key::PublicKey;
pub use signing_key::{Algorithm, KeyIdKind, SigningKey};

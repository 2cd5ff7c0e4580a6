//! JSON Web Keys (RFC 7517): one in a token's header, or a set of them in the configuration.
//!
//! Strict where a key could be misunderstood: a private or symmetric key, one for another use, or
//! one that two readers could name differently is refused, not passed over.

use std::fmt;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::certificate;
use super::public_key::{Curve, PublicKey, PublicKeyError};

/// The most keys a set may hold.
pub const MAX_KEYS: usize = 256;

/// The longest `kid` of a set, in bytes.
pub const MAX_KEY_ID_BYTES: usize = 1024;

/// The longest RSA exponent, in bytes. libtrust panics at five (measured: the connection is
/// closed), go-jose refuses it.
const MAX_EXPONENT_BYTES: usize = 4;

/// The members of private and symmetric keys (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetKey {
    /// Its `kid`.
    pub id: String,
    /// The key.
    pub public_key: PublicKey,
    /// Its `alg`: the only algorithm it is for (RFC 7517 section 4.4).
    pub algorithm: Option<Algorithm>,
}

/// What is wrong with a set of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// Not an object with a list `keys` of objects.
    NotASet,
    /// The list is empty.
    Empty,
    /// The list is longer than [`MAX_KEYS`].
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A key cannot be used.
    Key {
        /// Which key, from 1.
        number: usize,
        /// Why not.
        error: JwkError,
    },
}

/// What is wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwkError {
    /// No `kid` that is a string of 1 to [`MAX_KEY_ID_BYTES`] bytes.
    KeyId,
    /// Another key has the same `kid`.
    RepeatedKeyId,
    /// A member of a private or symmetric key.
    Secret(&'static str),
    /// A symmetric key (`kty` oct).
    Symmetric,
    /// A `kty` other than RSA, EC and OKP.
    KeyType,
    /// A `crv` that is not one of the key type's, or not known.
    Curve,
    /// A member that is missing, or not strict base64url.
    Member(&'static str),
    /// The numbers are none of an accepted key.
    Numbers(PublicKeyError),
    /// The numbers are no key, see [`super::signature::VerifyingKey::new`].
    Unusable,
    /// `use` or `key_ops` says that it is not for verifying signatures.
    Use,
    /// `alg` is no signature algorithm of this key.
    Algorithm,
    /// `x5c` does not begin with a certificate of the key.
    Certificate,
}

/// Reads a set of keys (RFC 7517 section 5) for verifying signatures.
///
/// # Errors
///
/// The first [`SetError`]: one bad key spoils the set.
pub fn parse_set(set: &Value) -> Result<Vec<SetKey>, SetError> {
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or(SetError::NotASet)?;
    match keys.len() {
        0 => return Err(SetError::Empty),
        count if count > MAX_KEYS => return Err(SetError::TooMany { count }),
        _ => {}
    }
    let mut parsed: Vec<SetKey> = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let number = index + 1;
        let fault = |error| SetError::Key { number, error };
        let members = key.as_object().ok_or(SetError::NotASet)?;
        let key = set_key(members).map_err(fault)?;
        if parsed.iter().any(|other| other.id == key.id) {
            return Err(fault(JwkError::RepeatedKeyId));
        }
        parsed.push(key);
    }
    Ok(parsed)
}

fn set_key(members: &Map<String, Value>) -> Result<SetKey, JwkError> {
    let id = members.get("kid").and_then(Value::as_str);
    let id = id.filter(|id| (1..=MAX_KEY_ID_BYTES).contains(&id.len()));
    let id = id.ok_or(JwkError::KeyId)?.to_owned();
    let public_key = public_key(members)?;
    if !is_for_verifying(members) {
        return Err(JwkError::Use);
    }
    let algorithm = match members.get("alg") {
        None => None,
        Some(name) => {
            let mut fitting = Algorithm::ALL
                .into_iter()
                .filter(|algorithm| algorithm.fits(public_key.material()));
            let named = fitting.find(|algorithm| name.as_str() == Some(algorithm.name()));
            Some(named.ok_or(JwkError::Algorithm)?)
        }
    };
    if !members
        .get("x5c")
        .is_none_or(|chain| begins_with(chain, &public_key))
    {
        return Err(JwkError::Certificate);
    }
    Ok(SetKey {
        id,
        public_key,
        algorithm,
    })
}

/// RFC 7517 sections 4.2 and 4.3.
fn is_for_verifying(members: &Map<String, Value>) -> bool {
    let is_signature = |usage: &Value| usage == "sig";
    let verifies = |operations: &Value| {
        let mut operations = operations.as_array().into_iter().flatten();
        operations.any(|operation| operation == "verify")
    };
    members.get("use").is_none_or(is_signature) && members.get("key_ops").is_none_or(verifies)
}

/// Whether the first certificate of a chain is one of this key (RFC 7517 section 4.7). It is not
/// looked at further: what makes the key trusted is the set it stands in.
fn begins_with(chain: &Value, key: &PublicKey) -> bool {
    let leaf = chain.get(0).and_then(Value::as_str);
    let der = leaf.and_then(|leaf| Base64::decode_vec(leaf).ok());
    der.is_some_and(|der| {
        certificate::parse_certificate(&der, 1).is_ok_and(|leaf| leaf.public_key == *key)
    })
}

/// The public key of a JWK (RFC 7518 section 6, RFC 8037 section 2).
///
/// # Errors
///
/// Of [`JwkError`] what concerns the key itself. Whether the numbers are a key's is not judged.
pub fn public_key(members: &Map<String, Value>) -> Result<PublicKey, JwkError> {
    let text = |name| members.get(name).and_then(Value::as_str);
    let key_type = text("kty").unwrap_or_default();
    if key_type == "oct" {
        return Err(JwkError::Symmetric);
    }
    if let Some(name) = SECRET.into_iter().find(|name| members.contains_key(*name)) {
        return Err(JwkError::Secret(name));
    }
    let number = |name| {
        let decoded = text(name).map(Base64UrlUnpadded::decode_vec);
        decoded.and_then(Result::ok).ok_or(JwkError::Member(name))
    };
    let key = match key_type {
        "RSA" => {
            let (n, e) = (number("n")?, number("e")?);
            if !(1..=MAX_EXPONENT_BYTES).contains(&e.len()) {
                return Err(JwkError::Member("e"));
            }
            PublicKey::rsa(&n, &e)
        }
        "EC" => {
            let curve = text("crv").and_then(Curve::from_name);
            let curve = curve.ok_or(JwkError::Curve)?;
            PublicKey::ec(curve, &number("x")?, &number("y")?)
        }
        "OKP" if text("crv") == Some("Ed25519") => PublicKey::ed25519(&number("x")?),
        "OKP" => return Err(JwkError::Curve),
        _ => return Err(JwkError::KeyType),
    };
    key.map_err(JwkError::Numbers)
}

impl fmt::Display for SetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASet => formatter.write_str("it is not an object with a list `keys` of keys"),
            Self::Empty => formatter.write_str("it holds no key"),
            Self::TooMany { count } => {
                write!(
                    formatter,
                    "it holds {count} keys; expected at most {MAX_KEYS}"
                )
            }
            Self::Key { number, error } => write!(formatter, "key {number}: {error}"),
        }
    }
}

impl fmt::Display for JwkError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyId => write!(
                formatter,
                "expected a `kid` of 1 to {MAX_KEY_ID_BYTES} bytes, by which tokens name it"
            ),
            Self::RepeatedKeyId => formatter.write_str("its `kid` is that of another key"),
            Self::Secret(name) => write!(
                formatter,
                "`{name}` belongs to a private key; give the public key alone"
            ),
            Self::Symmetric => formatter
                .write_str("`kty` is oct, a shared secret; expected a public key, RSA, EC or OKP"),
            Self::KeyType => formatter.write_str("expected a `kty` of RSA, EC or OKP"),
            Self::Curve => {
                formatter.write_str("expected a `crv` of P-256, P-384, P-521 (EC) or Ed25519 (OKP)")
            }
            Self::Member(name) => write!(
                formatter,
                "`{name}` is missing, too long or not base64url without padding"
            ),
            Self::Numbers(error) => write!(formatter, "it {error}"),
            Self::Unusable => formatter.write_str("its numbers are not those of a key"),
            Self::Use => formatter.write_str(
                "`use` or `key_ops` says that it is not for verifying signatures (sig, verify)",
            ),
            Self::Algorithm => formatter
                .write_str("`alg` is not a signature algorithm that this key can be used with"),
            Self::Certificate => {
                formatter.write_str("`x5c` does not begin with a certificate of this key")
            }
        }
    }
}

impl std::error::Error for SetError {}
impl std::error::Error for JwkError {}

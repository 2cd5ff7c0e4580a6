//! The `Authorization` fields of a request: exactly one bearer token, or none.

use std::fmt;

use crate::profile::CredentialsForm;

/// What stands before a token.
const SCHEME: &[u8] = b"Bearer ";

/// What a request says about who sends it.
#[derive(Clone, Copy, Debug)]
pub enum Credentials<'a> {
    /// One bearer token, not looked into yet.
    Bearer(BearerToken<'a>),
    /// Nothing that could be a token.
    Unusable(CredentialsError),
}

/// The text of a bearer token, as sent.
///
/// Only [`Credentials::from_fields`] makes one:
///
/// ```compile_fail,E0423
/// use registry_token_filter::credentials::BearerToken;
/// let forged = BearerToken(b"a.b.c");
/// ```
#[derive(Clone, Copy)]
pub struct BearerToken<'a>(&'a [u8]);

/// Why a request has no usable credentials.
///
/// Each is answered with a challenge that names no error: the client is asked for a token as if it
/// had sent none, which is what the registry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsError {
    /// No `Authorization` field, or an empty one.
    Absent,
    /// A scheme other than `Bearer`, or no scheme.
    NotBearer,
    /// `Bearer`, but not followed by one blank and one token.
    Shape,
    /// Several `Authorization` values, as fields of their own or joined by a comma.
    ///
    /// The registry would take the first and another hop might join them, so none is taken.
    Repeated,
}

impl<'a> Credentials<'a> {
    /// The text that [`Credentials::from_fields`] would give as the token, if it gave one: found
    /// without looking at every byte of it. Equal to a token that was given before, it is one.
    #[must_use]
    pub fn candidate(fields: &[&'a [u8]]) -> Option<&'a [u8]> {
        let [value] = fields else {
            return None;
        };
        let (scheme, token) = value.trim_ascii().split_at_checked(SCHEME.len())?;
        scheme.eq_ignore_ascii_case(SCHEME).then_some(token)
    }

    /// Reads the values of all `Authorization` fields.
    #[must_use]
    pub fn from_fields(fields: &[&'a [u8]], form: CredentialsForm) -> Self {
        let value = match fields {
            [] => return Self::Unusable(CredentialsError::Absent),
            [one] => one.trim_ascii(),
            _ => return Self::Unusable(CredentialsError::Repeated),
        };
        if value.is_empty() {
            return Self::Unusable(CredentialsError::Absent);
        }
        if value.contains(&b',') {
            return Self::Unusable(CredentialsError::Repeated);
        }
        let Some(blank) = value.iter().position(|&byte| byte == b' ') else {
            return Self::Unusable(if value.eq_ignore_ascii_case(b"bearer") {
                CredentialsError::Shape
            } else {
                CredentialsError::NotBearer
            });
        };
        let (scheme, rest) = value.split_at(blank);
        let token = rest.get(1..).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Self::Unusable(CredentialsError::NotBearer);
        }
        match form {
            CredentialsForm::TwoParts if token.contains(&b' ') => {
                Self::Unusable(CredentialsError::Shape)
            }
            CredentialsForm::TwoParts | CredentialsForm::SchemeAndRest => {
                Self::Bearer(BearerToken(token))
            }
        }
    }
}

impl<'a> BearerToken<'a> {
    /// The token's bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BearerToken({} bytes)", self.0.len())
    }
}

impl CredentialsError {
    /// The name of this refusal in logs.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Absent => "credentials-absent",
            Self::NotBearer => "credentials-not-bearer",
            Self::Shape => "credentials-shape",
            Self::Repeated => "credentials-repeated",
        }
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "the request has no Authorization",
            Self::NotBearer => "the Authorization scheme is not Bearer",
            Self::Shape => "Bearer is not followed by one blank and one token",
            Self::Repeated => "the request has more than one Authorization value",
        })
    }
}

impl std::error::Error for CredentialsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[&str], form: CredentialsForm) -> Result<String, CredentialsError> {
        let fields: Vec<&[u8]> = fields.iter().map(|text| text.as_bytes()).collect();
        match Credentials::from_fields(&fields, form) {
            Credentials::Bearer(token) => Ok(String::from_utf8(token.as_bytes().to_vec()).unwrap()),
            Credentials::Unusable(error) => Err(error),
        }
    }

    #[test]
    fn exactly_one_bearer_token_is_read() {
        use CredentialsError::{Absent, NotBearer, Repeated, Shape};
        let good = |token: &str| Ok(token.to_owned());
        for (fields, two_parts, scheme_and_rest) in [
            (&[][..], Err(Absent), Err(Absent)),
            (&[""], Err(Absent), Err(Absent)),
            (&["  \t"], Err(Absent), Err(Absent)),
            (&["Bearer T"], good("T"), good("T")),
            (&["bearer T"], good("T"), good("T")),
            (&["bEaReR T"], good("T"), good("T")),
            (&[" \tBearer T\t "], good("T"), good("T")),
            (&["Bearer  T"], Err(Shape), good(" T")),
            (&["Bearer T x"], Err(Shape), good("T x")),
            (&["Bearer Bearer T"], Err(Shape), good("Bearer T")),
            (&["Bearer \"T\""], good("\"T\""), good("\"T\"")),
            (&["Bearer"], Err(Shape), Err(Shape)),
            (&["Bearer "], Err(Shape), Err(Shape)),
            (&["Bearer\tT"], Err(NotBearer), Err(NotBearer)),
            (&["Bearer:T"], Err(NotBearer), Err(NotBearer)),
            (&["Bearer=T"], Err(NotBearer), Err(NotBearer)),
            (&["T"], Err(NotBearer), Err(NotBearer)),
            (&["Token T"], Err(NotBearer), Err(NotBearer)),
            (&["Basic eDp5"], Err(NotBearer), Err(NotBearer)),
            (&["Bearer T,"], Err(Repeated), Err(Repeated)),
            (&["Bearer T,Bearer U"], Err(Repeated), Err(Repeated)),
            (&["Bearer T, Basic eDp5"], Err(Repeated), Err(Repeated)),
            (&["Negotiate x, Bearer T"], Err(Repeated), Err(Repeated)),
            (&["Bearer T", "Bearer T"], Err(Repeated), Err(Repeated)),
            (&["Bearer T", ""], Err(Repeated), Err(Repeated)),
        ] {
            assert_eq!(
                read(fields, CredentialsForm::TwoParts),
                two_parts,
                "{fields:?}"
            );
            assert_eq!(
                read(fields, CredentialsForm::SchemeAndRest),
                scheme_and_rest,
                "{fields:?}"
            );
            // Every token is a candidate, and no candidate is another token.
            let bytes: Vec<&[u8]> = fields.iter().map(|text| text.as_bytes()).collect();
            let candidate = Credentials::candidate(&bytes)
                .map(|text| String::from_utf8(text.to_vec()).unwrap());
            for token in [two_parts, scheme_and_rest].into_iter().flatten() {
                assert_eq!(candidate.as_ref(), Some(&token), "{fields:?}");
            }
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let shown = format!("{:?}", BearerToken(b"secret.secret.secret"));
        assert_eq!(shown, "BearerToken(20 bytes)");
    }
}

//! What a request and its token hold, read by nothing that the filter uses.
//!
//! The rules ask for these facts. Tokens are read leniently here: JSON member by member in the
//! order it stands, duplicates and all, without judging numbers or strings.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use testbed::registry::Release;

use crate::case::Case;
use corpus::case::Request;

/// The facts of one case.
pub(crate) struct Facts<'a> {
    pub(crate) release: Release,
    pub(crate) request: &'a Request,
    /// As it was sent.
    pub(crate) path: Vec<u8>,
    /// The length of the target as it was sent, query and all.
    pub(crate) target_length: usize,
    /// As Envoy handed it over.
    pub(crate) taken: Vec<u8>,
    /// As Envoy handed them over.
    pub(crate) authorization: Vec<Vec<u8>>,
    /// The length of the salt, where it is another than the hash's.
    pub(crate) salt: Option<usize>,
    /// The token after `Bearer `, if there is exactly one value.
    pub(crate) token: Option<TokenFacts>,
}

/// What a token holds.
#[derive(Default)]
pub(crate) struct TokenFacts {
    /// Whether a part is written otherwise than an encoder would.
    pub(crate) is_loose: bool,
    pub(crate) header: Part,
    pub(crate) claims: Part,
}

/// A part that holds JSON.
#[derive(Default)]
pub(crate) struct Part {
    /// Decoded.
    pub(crate) bytes: Vec<u8>,
    /// The JSON in it, as far as it is some.
    pub(crate) json: Json,
}

/// The path of a request, without the query.
fn path(request: &Request) -> Vec<u8> {
    let target = request.target.to_vec();
    let path = target.split(|&byte| byte == b'?').next();
    path.unwrap_or_default().to_vec()
}

/// How deep JSON may be nested for the filter (the limit of `serde_json`).
const MAX_DEPTH: usize = 127;

/// JSON as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Json {
    /// None, or too odd to take apart.
    #[default]
    Unreadable,
    /// A string, number or word, as it is written.
    Plain(String),
    List(Vec<Json>),
    /// A list or object nested deeper than [`MAX_DEPTH`].
    Deep,
    /// With the names as they are after unescaping.
    Object(Vec<(String, Json)>),
}

impl<'a> Facts<'a> {
    /// The facts of a case, of which Envoy handed over `taken`.
    pub(crate) fn new(
        release: Release,
        case: &'a Case,
        taken: &Request,
        token: Option<&[u8]>,
    ) -> Self {
        let request = &case.request;
        let authorization = taken.authorization(token);
        let bearer = match &authorization[..] {
            [value] => {
                let value = value.trim_ascii();
                let scheme = value.get(..7);
                scheme
                    .filter(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
                    .and_then(|_| value.get(7..))
            }
            _ => None,
        };
        Self {
            release,
            path: path(request),
            target_length: request.target.with_token(token).len(),
            taken: path(taken),
            token: bearer.map(TokenFacts::read),
            authorization,
            salt: case.token.as_ref().and_then(|recipe| recipe.salt),
            request,
        }
    }

    /// A fact of the token; `false` without one.
    pub(crate) fn token(&self, fact: impl Fn(&TokenFacts) -> bool) -> bool {
        self.token.as_ref().is_some_and(fact)
    }

    pub(crate) fn is(&self, release: Release) -> bool {
        self.release == release
    }
}

impl TokenFacts {
    fn read(text: &[u8]) -> Self {
        let lenient = GeneralPurpose::new(
            &URL_SAFE,
            GeneralPurposeConfig::new()
                .with_decode_allow_trailing_bits(true)
                .with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        let parts: Vec<&[u8]> = text.split(|&byte| byte == b'.').collect();
        let is_loose = parts.iter().any(|part| {
            BASE64_URL_SAFE_NO_PAD.decode(part).is_err() && lenient.decode(part).is_ok()
        });
        let part = |index: usize| {
            let bytes = parts.get(index).and_then(|part| lenient.decode(part).ok());
            let bytes = bytes.unwrap_or_default();
            Part {
                json: Json::read(&bytes),
                bytes,
            }
        };
        Self {
            is_loose,
            header: part(0),
            claims: part(1),
        }
    }
}

impl Json {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        serde_json::from_str::<&RawValue>(&text)
            .map_or(Self::Unreadable, |raw| Self::from_raw(raw, 0))
    }

    /// Takes JSON apart that is nested in so many lists and objects.
    fn from_raw(raw: &RawValue, depth: usize) -> Self {
        let text = raw.get().trim();
        match text.as_bytes().first() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => Self::Deep,
            Some(b'{' | b'[') => {
                let mut deserializer = serde_json::Deserializer::from_str(text);
                Reader { depth }
                    .deserialize(&mut deserializer)
                    .unwrap_or_default()
            }
            _ => Self::Plain(text.to_owned()),
        }
    }

    /// The last member of this name, if this is an object that has one.
    pub(crate) fn member(&self, wanted: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let mut named = members.iter().rev().filter(|(name, _)| name == wanted);
        named.next().map(|(_, value)| value)
    }

    /// Whether this is `null`.
    pub(crate) fn is_null(&self) -> bool {
        *self == Self::Plain("null".to_owned())
    }

    /// Whether this is `true` or `false`.
    pub(crate) fn is_bool(&self) -> bool {
        matches!(self, Self::Plain(text) if text == "true" || text == "false")
    }

    /// Whether anything in it, and it itself, has this property.
    pub(crate) fn any(&self, property: &impl Fn(&Self) -> bool) -> bool {
        property(self)
            || match self {
                Self::List(elements) => elements.iter().any(|element| element.any(property)),
                Self::Object(members) => members.iter().any(|(_, value)| value.any(property)),
                Self::Unreadable | Self::Plain(_) | Self::Deep => false,
            }
    }

    /// Whether an object holds a name twice, or two that differ in case alone, or one of `names`
    /// in another case.
    pub(crate) fn is_ambiguous(&self, names: &[&str]) -> bool {
        let Self::Object(members) = self else {
            return false;
        };
        let mut seen = Vec::new();
        members.iter().any(|(name, _)| {
            let folded = folded(name);
            let is_other = folded != *name && names.contains(&folded.as_str());
            let is_again = seen.contains(name);
            seen.push(name.clone());
            is_other || is_again
        })
    }
}

/// Go's folding of a member name, as far as it can meet an ASCII one.
fn folded(name: &str) -> String {
    let fold = |character: char| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}

/// Reads one list or object whose elements stay as they are.
struct Reader {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element::<&RawValue>()? {
            elements.push(Json::from_raw(element, self.depth + 1));
        }
        Ok(Json::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = access.next_entry::<String, &RawValue>()? {
            members.push((name, Json::from_raw(value, self.depth + 1)));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Json {
        Json::read(json.as_bytes())
    }

    #[test]
    fn json_is_read_as_it_stands() {
        let json = read(r#"{"a":1e999,"a":["\ud800",null],"B":{}}"#);
        let plain = |text: &str| Json::Plain(text.to_owned());
        let list = Json::List(vec![plain(r#""\ud800""#), plain("null")]);
        let expected = Json::Object(vec![
            ("a".to_owned(), plain("1e999")),
            ("a".to_owned(), list.clone()),
            ("B".to_owned(), Json::Object(vec![])),
        ]);
        assert_eq!(json, expected);
        assert_eq!(json.member("a"), Some(&list));
        assert_eq!(read("{"), Json::Unreadable);
        for (depth, is_deep) in [(127, false), (128, true), (100_000, true)] {
            let json = read(&("[".repeat(depth) + &"]".repeat(depth)));
            assert_eq!(json.any(&|value| *value == Json::Deep), is_deep, "{depth}");
        }
    }

    #[test]
    fn ambiguity_is_a_name_twice_or_in_another_case() {
        for (json, expected) in [
            (r#"{"iss":1,"aud":2}"#, false),
            (r#"{"iss":1,"iss":2}"#, true),
            (r#"{"Iss":1}"#, true),
            (r#"{"i\u017fs":1}"#, true),
            (r#"{"Other":1,"other":2}"#, false),
        ] {
            assert_eq!(read(json).is_ambiguous(&["iss", "aud"]), expected, "{json}");
        }
    }
}

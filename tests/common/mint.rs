//! From a recipe to a token's text.
//!
//! In `header` and `claims`, these tables stand for something TOML cannot say:
//!
//! | table | stands for |
//! |---|---|
//! | `{ absent = true }` | no such member |
//! | `{ now = -62 }` | the time, 62 seconds earlier |
//! | `{ json = "1.9e9" }` | this text, as it is |
//! | `{ hex = "22ff22" }` | these bytes, as they are |
//! | `{ certificate = "registry" }` | a fixture certificate, in base64 |
//! | `{ public_key = "registry" }` | a fixture key as JWK; `kid_of` adds the id of a key |

use base64ct::{Base64UrlUnpadded, Encoding};
use toml::Value;

use super::bytes::from_hex;
use super::key::{self, Key};
use super::profile::{Configuration, KeyIdForm, Profile};
use super::token::{Algorithm, Mutation, Secret, Token};

/// What makes signatures.
pub trait Signer {
    /// The signature of a message by a fixture key; see [`Key::sign`].
    fn sign(
        &self,
        key: &Key,
        algorithm: Algorithm,
        message: &[u8],
        salt: Option<usize>,
        secret: &[u8],
    ) -> Vec<u8>;
}

/// The fixture keys by themselves.
struct Fixtures;

impl Signer for Fixtures {
    fn sign(
        &self,
        key: &Key,
        algorithm: Algorithm,
        message: &[u8],
        salt: Option<usize>,
        secret: &[u8],
    ) -> Vec<u8> {
        key.sign(algorithm, message, salt, secret)
    }
}

/// Makes the token of a recipe at `now`. What of it does not apply changes nothing.
pub fn mint(recipe: &Token, profile: &Profile, configuration: &Configuration, now: i64) -> Vec<u8> {
    mint_with(&Fixtures, recipe, profile, configuration, now)
}

/// The same, with signatures from elsewhere: for many tokens, from a faster library.
pub fn mint_with(
    signer: &dyn Signer,
    recipe: &Token,
    profile: &Profile,
    configuration: &Configuration,
    now: i64,
) -> Vec<u8> {
    if let Some(text) = &recipe.text {
        return text.clone().into_bytes();
    }
    let mint = Mint {
        signer,
        recipe,
        form: profile.key_id,
        configuration,
        now,
    };
    let header = mint.header();
    let payload = mint.payload();
    mint.serialize(header, payload).into_bytes()
}

/// Members of a JSON object, each with its text.
struct Members(Vec<(String, Vec<u8>)>);

struct Mint<'a> {
    signer: &'a dyn Signer,
    recipe: &'a Token,
    form: KeyIdForm,
    configuration: &'a Configuration,
    now: i64,
}

impl Mint<'_> {
    fn key(&self) -> &'static Key {
        Key::named(self.recipe.key.as_deref().unwrap_or("registry"))
    }

    fn algorithm(&self) -> Algorithm {
        self.recipe
            .algorithm
            .unwrap_or_else(|| self.key().algorithm())
    }

    fn header(&self) -> Vec<u8> {
        let kid = &self.recipe.kid;
        let named = kid.of.as_deref().map_or_else(|| self.key(), Key::named);
        let mut id = named.id(kid.form.unwrap_or(self.form));
        if kid.lowercase {
            id.make_ascii_lowercase();
        }
        let mut members = Members(Vec::new());
        members.set("alg", text(self.algorithm().name()));
        members.set("typ", text("JWT"));
        members.set("kid", text(&id));
        self.apply(&mut members, &self.recipe.header);
        members.object(None, None)
    }

    fn payload(&self) -> Vec<u8> {
        let around = |part: &Option<super::bytes::Bytes>| {
            part.as_ref()
                .map(super::bytes::Bytes::to_vec)
                .unwrap_or_default()
        };
        let payload = match &self.recipe.payload {
            Some(payload) => payload.to_vec(),
            None => self.claims(),
        };
        let (before, after) = (&self.recipe.payload_before, &self.recipe.payload_after);
        [around(before), payload, around(after)].concat()
    }

    fn claims(&self) -> Vec<u8> {
        let recipe = self.recipe;
        let seconds = |offset: i64| (self.now + offset).to_string().into_bytes();
        let mut members = Members(Vec::new());
        members.set(
            "access",
            access(
                recipe
                    .access
                    .as_deref()
                    .unwrap_or(&BASE_ACCESS.map(String::from)),
            ),
        );
        members.set("jti", text("6c8b2a0e-5f0d-4f58-9f6c-0d9a3ae0f0b1"));
        members.set("aud", text(&self.configuration.service));
        members.set("sub", text("somebody"));
        members.set("iss", text(&self.configuration.issuer));
        members.set("iat", seconds(0));
        members.set("nbf", seconds(-5));
        members.set("exp", seconds(300));
        self.apply(&mut members, &recipe.claims);
        if let Some(length) = recipe.filler {
            members.set("filler", text(&"x".repeat(length)));
        }
        for (name, other) in &recipe.rename {
            let other = other.as_str().expect("a claim's other name is a string");
            if let Some(member) = members.0.iter_mut().find(|(known, _)| known == name) {
                other.clone_into(&mut member.0);
            }
        }
        members.object(
            recipe.claims_before.as_deref(),
            recipe.claims_after.as_deref(),
        )
    }

    fn apply(&self, members: &mut Members, changes: &toml::Table) {
        for (name, value) in changes {
            match value {
                Value::Table(table) if table.contains_key("absent") => members.remove(name),
                value => members.set(name, self.json(value)),
            }
        }
    }

    /// The JSON text of a value in a recipe.
    fn json(&self, value: &Value) -> Vec<u8> {
        match value {
            Value::String(string) => text(string),
            Value::Integer(number) => number.to_string().into_bytes(),
            Value::Float(number) => number.to_string().into_bytes(),
            Value::Boolean(truth) => truth.to_string().into_bytes(),
            Value::Datetime(_) => panic!("JSON has no dates"),
            Value::Array(elements) => {
                let elements: Vec<_> = elements.iter().map(|element| self.json(element)).collect();
                [b"[", elements.join(&b","[..]).as_slice(), b"]"].concat()
            }
            Value::Table(table) => self.special(table).unwrap_or_else(|| {
                let mut members = Members(Vec::new());
                self.apply(&mut members, table);
                members.object(None, None)
            }),
        }
    }

    /// The tables with a meaning of their own.
    fn special(&self, table: &toml::Table) -> Option<Vec<u8>> {
        let string = |name: &str| table.get(name).and_then(Value::as_str);
        if let Some(offset) = table.get("now") {
            let offset = offset
                .as_integer()
                .expect("seconds from now are an integer");
            return Some((self.now + offset).to_string().into_bytes());
        }
        if let Some(json) = string("json") {
            return Some(json.as_bytes().to_vec());
        }
        if let Some(hex) = string("hex") {
            return Some(from_hex(hex));
        }
        if let Some(name) = string("certificate") {
            return Some(text(&key::x5c(name)));
        }
        let public_key = Key::named(string("public_key")?);
        let kid = match string("kid_of") {
            Some(name) => format!(r#","kid":"{}""#, Key::named(name).id(self.form)),
            None => String::new(),
        };
        let chain = match string("x5c_of") {
            Some(name) => format!(r#","x5c":["{}"]"#, key::x5c(name)),
            None => String::new(),
        };
        // Further ones, as they stand.
        let more = string("members").map(|more| format!(",{more}"));
        let more = more.unwrap_or_default();
        let members = public_key.public().jwk_members();
        Some(format!("{{{members}{kid}{chain}{more}}}").into_bytes())
    }

    /// Signs and writes the parts, with the recipe's mutation.
    fn serialize(&self, header: Vec<u8>, payload: Vec<u8>) -> String {
        use Mutation as M;
        let mutation = self.recipe.mutation;
        let header = match mutation {
            Some(M::HeaderPadded) => pad(encode(&lengthened(header))),
            Some(M::HeaderTrailingBits) => with_trailing_bits(encode(&lengthened(header))),
            _ => encode(&header),
        };
        let mut payload = match mutation {
            Some(M::PayloadPadded) => pad(encode(&lengthened(payload))),
            Some(M::PayloadTrailingBits) => with_trailing_bits(encode(&lengthened(payload))),
            _ => encode(&payload),
        };
        let mut bytes = self.sign(format!("{header}.{payload}").as_bytes());
        match mutation {
            Some(M::SignatureFlipped) => bytes.iter_mut().take(1).for_each(|byte| *byte ^= 0x80),
            Some(M::SignatureTruncated) => drop(bytes.pop()),
            Some(M::SignatureExtended) => bytes.push(0),
            Some(M::SignatureEmpty) => bytes.clear(),
            _ => {}
        }
        let mut signature = encode(&bytes);
        match mutation {
            Some(M::SignaturePadded) => signature = pad(signature),
            Some(M::SignatureTrailingBits) => signature = with_trailing_bits(signature),
            Some(M::SignatureStandardAlphabet) => {
                signature = signature.replace('-', "+").replace('_', "/");
            }
            Some(M::PayloadFlipped) => {
                // Deep inside: one letter of the base64 becomes its neighbour.
                let middle = payload.len() / 2;
                let other = if payload.as_bytes()[middle] == b'A' {
                    "B"
                } else {
                    "A"
                };
                payload.replace_range(middle..=middle, other);
            }
            _ => {}
        }
        match mutation {
            Some(M::TwoParts) => format!("{header}.{payload}"),
            Some(M::FourParts) => format!("{header}.{payload}.{signature}.{signature}"),
            Some(M::FiveParts) => format!("{header}.{payload}.{signature}.{signature}.{signature}"),
            Some(M::LeadingDot) => format!(".{header}.{payload}.{signature}"),
            Some(M::JsonSerialization) => format!(
                r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#
            ),
            _ => format!("{header}.{payload}.{signature}"),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let pem;
        let secret = match &self.recipe.secret {
            None => &[],
            Some(Secret::CertificatePem) => self.key().certificate_pem().as_bytes(),
            Some(Secret::PublicKeyPem) => {
                pem = self.key().public_pem();
                pem.as_bytes()
            }
            Some(Secret::Text(text)) => text.as_bytes(),
        };
        let Self { signer, recipe, .. } = self;
        signer.sign(self.key(), self.algorithm(), message, recipe.salt, secret)
    }
}

impl Members {
    fn set(&mut self, name: &str, value: Vec<u8>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some(member) => member.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    fn object(self, before: Option<&str>, after: Option<&str>) -> Vec<u8> {
        let members = self
            .0
            .into_iter()
            .map(|(name, value)| [text(&name).as_slice(), b":", &value].concat());
        let raw = |members: Option<&str>| members.map(|members| members.as_bytes().to_vec());
        let all: Vec<Vec<u8>> = raw(before)
            .into_iter()
            .chain(members)
            .chain(raw(after))
            .collect();
        [b"{", all.join(&b","[..]).as_slice(), b"}"].concat()
    }
}

const BASE_ACCESS: [&str; 1] = ["repository:group/app:pull"];

/// The `access` claim of scopes such as `repository:group/app:pull,push`.
fn access(scopes: &[String]) -> Vec<u8> {
    let entries: Vec<Vec<u8>> = scopes
        .iter()
        .map(|scope| {
            let (kind, rest) = scope.split_once(':').unwrap_or((scope, ""));
            let (name, actions) = rest.rsplit_once(':').unwrap_or((rest, ""));
            let actions: Vec<Vec<u8>> = actions.split(',').map(text).collect();
            let mut entry = Members(Vec::new());
            entry.set("type", text(kind));
            entry.set("name", text(name));
            entry.set(
                "actions",
                [b"[", actions.join(&b","[..]).as_slice(), b"]"].concat(),
            );
            entry.object(None, None)
        })
        .collect();
    [b"[", entries.join(&b","[..]).as_slice(), b"]"].concat()
}

fn text(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The same JSON object with blanks behind its brace, so that its base64 has padding.
fn lengthened(mut json: Vec<u8>) -> Vec<u8> {
    while json.len().is_multiple_of(3) {
        json.insert(json.len().min(1), b' ');
    }
    json
}

fn pad(mut part: String) -> String {
    while !part.len().is_multiple_of(4) {
        part.push('=');
    }
    part
}

/// Sets the lowest bit of the last character, where the decoded bytes do not use it.
fn with_trailing_bits(mut part: String) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if !part.len().is_multiple_of(4)
        && let Some(last) = part.pop().and_then(|last| ALPHABET.find(last))
    {
        part.extend(ALPHABET.chars().nth(last | 1));
    }
    part
}

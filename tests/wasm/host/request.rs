//! Requests as clients send them, heads as guests see them, and responses.

/// A field's name and value.
pub(crate) type Field = (String, Vec<u8>);

/// A request as it arrives at the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Vec<u8>,
    /// The request target, exactly as it stands in the request line.
    pub(crate) target: Vec<u8>,
    /// The values of the `Host` fields; without it, the one that every test has.
    pub(crate) host: Option<Vec<Vec<u8>>>,
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// `GET` of a target, without fields.
    pub(crate) fn get(target: impl Into<Vec<u8>>) -> Self {
        Self {
            method: b"GET".to_vec(),
            target: target.into(),
            host: None,
            fields: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// With a bearer token.
    pub(crate) fn bearer(self, token: impl AsRef<[u8]>) -> Self {
        self.with("authorization", [b"Bearer ", token.as_ref()].concat())
    }

    /// The values of the `Host` fields.
    pub(super) fn hosts(&self) -> Vec<Vec<u8>> {
        let usual = || vec![b"registry.example.com".to_vec()];
        self.host.clone().unwrap_or_else(usual)
    }

    /// The fields, with the length that a client says a body has.
    pub(super) fn all_fields(&self) -> Vec<Field> {
        let mut fields = self.fields.clone();
        let announces = matches!(self.method.as_slice(), b"POST" | b"PUT" | b"PATCH");
        if announces || !self.body.is_empty() {
            let length = self.body.len().to_string().into_bytes();
            fields.push(("content-length".to_owned(), length));
        }
        fields
    }
}

/// A request's head as the guest sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) fields: Vec<Field>,
    pub(crate) end_of_stream: bool,
    /// The target in the property `request.path`.
    pub(crate) raw_target: Option<Vec<u8>>,
}

impl Head {
    /// What of the credentials must not be told to anyone: every part of a token that is long
    /// enough to be known again.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        const LONG_ENOUGH: usize = 16;
        self.fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(['.', ' ', ',']))
            .filter(|part| part.len() >= LONG_ENOUGH)
    }
}

/// A response that the guest had sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Vec<u8>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The response that the guest had sent; without one, the request went on.
    pub(crate) response: Option<Response>,
    /// How many instructions the guest took, in all callbacks of the request.
    pub(crate) instructions: u64,
}

impl Outcome {
    /// The status of the response; `None` if the request went on.
    pub(crate) fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|response| response.status)
    }
}

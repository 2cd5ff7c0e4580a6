//! Which registry the filter answers like: every difference between them, in one place.
//!
//! The rest of the crate asks a [`Profile`] for one of these facts and never for its name.
//! The facts were measured on Distribution 2.8.2 and 3.1.1 and on GitLab's registry 3.86.

use std::fmt;

use crate::keys::algorithm::Algorithm;

/// The algorithms of `docker/libtrust`.
const LIBTRUST: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
];

/// A registry whose answers are reproduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// GitLab's container registry.
    #[default]
    Gitlab,
    /// Distribution 2.8, such as Debian's `docker-registry`.
    Distribution28,
    /// Distribution 3.
    Distribution3,
}

/// How a `kid` names the public key of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIdForm {
    /// libtrust's fingerprint, `VUZD:EDHW:…`: what GitLab signs with.
    Libtrust,
    /// RFC 7638 thumbprint, base64url.
    Rfc7638,
}

/// How the `Authorization` field is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsForm {
    /// Split at every blank; exactly two parts, or there are no credentials.
    TwoParts,
    /// Cut at the first blank; the rest is the token, whatever it holds.
    SchemeAndRest,
}

/// How a `jwk` in a token names a trusted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkForm {
    /// By being it; a `kid` inside must be its id.
    ByPublicKey,
    /// By the `kid` inside alone; the key material is not looked at.
    ByKeyId,
}

/// How `autoredirect` builds a realm out of a request's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoredirectForm {
    /// `https://HOST/auth/token`, all but the host built in.
    Https,
    /// The scheme is what `X-Forwarded-Proto` says, if it says any; the path can be configured.
    ForwardedProto,
}

/// Which answers carry `Docker-Distribution-Api-Version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersionHeader {
    /// Every answer under the registry's routes, 301 and 404 too.
    Always,
    /// Those of a route that exists, and redirects for its slash.
    RoutesOnly,
}

/// What of one registry differs from the others.
#[derive(Debug)]
struct Facts {
    name: &'static str,
    key_id_form: KeyIdForm,
    credentials_form: CredentialsForm,
    // Tokens.
    jwk_form: JwkForm,
    algorithms: &'static [Algorithm],
    jose_settings: bool,
    typed_nonce: bool,
    audience_list: bool,
    gitlab_claims: bool,
    unnamed_token_errors: bool,
    // Requests.
    literal_addresses: bool,
    gitlab_api: bool,
    // Answers.
    autoredirect_form: AutoredirectForm,
    json_content_type: &'static str,
    project_path_in_detail: bool,
    api_version_header: ApiVersionHeader,
    default_headers: &'static [(&'static str, &'static str)],
}

const GITLAB: Facts = Facts {
    name: "gitlab",
    key_id_form: KeyIdForm::Libtrust,
    credentials_form: CredentialsForm::TwoParts,
    jwk_form: JwkForm::ByPublicKey,
    algorithms: &LIBTRUST,
    jose_settings: false,
    typed_nonce: false,
    // 3.86 refuses a list, newer versions take it; GitLab issues a string. The stricter reading
    // is right for both.
    audience_list: false,
    gitlab_claims: true,
    unnamed_token_errors: false,
    literal_addresses: false,
    gitlab_api: true,
    autoredirect_form: AutoredirectForm::Https,
    json_content_type: "application/json",
    project_path_in_detail: true,
    api_version_header: ApiVersionHeader::RoutesOnly,
    // Omnibus writes this into the registry's configuration (`http.headers`).
    default_headers: &[("x-content-type-options", "nosniff")],
};

const DISTRIBUTION_2_8: Facts = Facts {
    name: "distribution-2.8",
    key_id_form: KeyIdForm::Libtrust,
    credentials_form: CredentialsForm::TwoParts,
    jwk_form: JwkForm::ByPublicKey,
    algorithms: &LIBTRUST,
    jose_settings: false,
    typed_nonce: false,
    audience_list: false,
    gitlab_claims: false,
    unnamed_token_errors: false,
    literal_addresses: false,
    gitlab_api: false,
    autoredirect_form: AutoredirectForm::Https,
    json_content_type: "application/json; charset=utf-8",
    project_path_in_detail: false,
    api_version_header: ApiVersionHeader::Always,
    default_headers: &[],
};

const DISTRIBUTION_3: Facts = Facts {
    name: "distribution-3",
    key_id_form: KeyIdForm::Rfc7638,
    credentials_form: CredentialsForm::SchemeAndRest,
    jwk_form: JwkForm::ByKeyId,
    algorithms: &Algorithm::ALL,
    jose_settings: true,
    // go-jose reads it (`sanitized`).
    typed_nonce: true,
    audience_list: true,
    gitlab_claims: false,
    unnamed_token_errors: true,
    literal_addresses: true,
    gitlab_api: false,
    autoredirect_form: AutoredirectForm::ForwardedProto,
    json_content_type: "application/json",
    project_path_in_detail: false,
    api_version_header: ApiVersionHeader::Always,
    default_headers: &[],
};

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Gitlab, Self::Distribution28, Self::Distribution3];

    const fn facts(self) -> &'static Facts {
        match self {
            Self::Gitlab => &GITLAB,
            Self::Distribution28 => &DISTRIBUTION_2_8,
            Self::Distribution3 => &DISTRIBUTION_3,
        }
    }

    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The profile of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// How a `kid` names a certificate's key.
    #[must_use]
    pub const fn key_id_form(self) -> KeyIdForm {
        self.facts().key_id_form
    }

    /// How the `Authorization` field is taken apart.
    #[must_use]
    pub const fn credentials_form(self) -> CredentialsForm {
        self.facts().credentials_form
    }

    /// How a `jwk` in a token names a trusted key.
    #[must_use]
    pub const fn jwk_form(self) -> JwkForm {
        self.facts().jwk_form
    }

    /// The signature algorithms its JOSE library has for public keys.
    #[must_use]
    pub const fn algorithms(self) -> &'static [Algorithm] {
        self.facts().algorithms
    }

    /// Whether its configuration has `jwks` and `signingalgorithms`.
    #[must_use]
    pub const fn has_jose_settings(self) -> bool {
        self.facts().jose_settings
    }

    /// Whether a `nonce` in a token's header must be a string.
    #[must_use]
    pub const fn types_nonce(self) -> bool {
        self.facts().typed_nonce
    }

    /// Whether `aud` may be a list of strings.
    #[must_use]
    pub const fn accepts_audience_list(self) -> bool {
        self.facts().audience_list
    }

    /// Whether `user`, `auth_type` and `access[].meta` are typed claims, as in GitLab's registry.
    #[must_use]
    pub const fn has_gitlab_claims(self) -> bool {
        self.facts().gitlab_claims
    }

    /// Whether a token the JOSE or JSON library refuses is challenged without an `error`.
    ///
    /// Distribution 3 passes those libraries' errors through and names only its own.
    #[must_use]
    pub const fn leaves_library_errors_unnamed(self) -> bool {
        self.facts().unnamed_token_errors
    }

    /// Whether a repository name may begin with an address in brackets.
    #[must_use]
    pub const fn routes_literal_addresses(self) -> bool {
        self.facts().literal_addresses
    }

    /// Whether the registry has GitLab's own API beside `/v2/`.
    #[must_use]
    pub const fn has_gitlab_api(self) -> bool {
        self.facts().gitlab_api
    }

    /// How `autoredirect` builds a realm.
    #[must_use]
    pub const fn autoredirect_form(self) -> AutoredirectForm {
        self.facts().autoredirect_form
    }

    /// The `Content-Type` of an error in JSON.
    #[must_use]
    pub const fn json_content_type(self) -> &'static str {
        self.facts().json_content_type
    }

    /// Whether each record in `detail` has an (empty) `ProjectPath`.
    #[must_use]
    pub const fn names_project_path(self) -> bool {
        self.facts().project_path_in_detail
    }

    /// Which answers carry `Docker-Distribution-Api-Version`.
    #[must_use]
    pub const fn api_version_header(self) -> ApiVersionHeader {
        self.facts().api_version_header
    }

    /// The headers the registry adds where its configuration does not say otherwise.
    #[must_use]
    pub const fn default_headers(self) -> &'static [(&'static str, &'static str)] {
        self.facts().default_headers
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

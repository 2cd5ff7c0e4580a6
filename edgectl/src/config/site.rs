//! One site: what several files and options together say, without gaps and without contradiction.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::facts::{Bundle, Facts, Field, Key, TlsFiles};
use super::place::{Found, Origin};
use super::url::Url;

/// What an edge in front of a registry is made from.
#[derive(Debug, Clone)]
pub struct Site {
    /// What the filter is configured with.
    pub token: TokenAuth,
    /// What clients type, served by the edge.
    pub registry: Found<Url>,
    /// GitLab, for a route to its token endpoint; none if the realm is elsewhere.
    pub realm_route: Option<Url>,
    /// The registry's nodes. Not empty.
    pub nodes: Vec<Found<Url>>,
    /// What the edge presents to clients.
    pub tls: Found<TlsFiles>,
}

/// The filter's side of the registry's `auth.token`.
#[derive(Debug, Clone)]
pub struct TokenAuth {
    /// The URL of the token endpoint.
    pub realm: Found<String>,
    /// The registry's name in tokens.
    pub service: Found<String>,
    /// Who signs tokens.
    pub issuer: Found<String>,
    /// Certificates in PEM; there may be none where there is a `jwks`.
    pub bundle: Option<Found<String>>,
    /// Which registry's answers are given.
    pub profile: Found<String>,
    /// The registry's `http.headers`, if known.
    pub headers: Option<serde_json::Value>,
    /// What else the filter has of the registry's `auth.token`.
    pub further: BTreeMap<String, serde_json::Value>,
}

/// For which hosts the realm is on the request's own.
const HOSTS: &str = "autoredirect_hosts";

/// Everything that is missing or contradicts itself, a sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete(pub Vec<String>);

/// Puts facts together, options first: for each the first that somebody said, else the first that
/// is assumed.
///
/// # Errors
/// [`Incomplete`] with each token setting that two files say differently.
pub fn combine(sources: Vec<Facts>) -> Result<Facts, Incomplete> {
    let mut together = Facts::default();
    let mut conflicts = Vec::new();
    for facts in sources {
        agree("realm", &mut together.realm, facts.realm, &mut conflicts);
        agree(
            "service",
            &mut together.service,
            facts.service,
            &mut conflicts,
        );
        agree("issuer", &mut together.issuer, facts.issuer, &mut conflicts);
        first(&mut together.registry_url, facts.registry_url);
        first(&mut together.gitlab_url, facts.gitlab_url);
        first(&mut together.bundle, facts.bundle);
        first(&mut together.signing_key, facts.signing_key);
        first(&mut together.tls, facts.tls);
        first(&mut together.headers, facts.headers);
        for (name, value) in facts.further {
            together.further.entry(name).or_insert(value);
        }
        first(&mut together.profile, facts.profile);
        if together.nodes.iter().all(|node| is_assumed(&node.origin)) && !facts.nodes.is_empty() {
            together.nodes = facts.nodes;
        }
        together.unread.extend(facts.unread);
        together.notes.extend(facts.notes);
    }
    if conflicts.is_empty() {
        Ok(together)
    } else {
        Err(Incomplete(conflicts))
    }
}

fn is_assumed(origin: &Origin) -> bool {
    matches!(origin, Origin::Default(_))
}

fn first<T>(known: &mut Option<Found<T>>, next: Option<Found<T>>) {
    let Some(next) = next else { return };
    let replaces = known
        .as_ref()
        .is_none_or(|known| is_assumed(&known.origin) && !is_assumed(&next.origin));
    if replaces {
        *known = Some(next);
    }
}

fn agree(
    what: &str,
    known: &mut Option<Found<String>>,
    next: Option<Found<String>>,
    conflicts: &mut Vec<String>,
) {
    let said = |found: &&Found<String>| matches!(found.origin, Origin::File(..));
    if let (Some(one), Some(other)) = (known.as_ref().filter(said), next.as_ref().filter(said))
        && one.value != other.value
    {
        conflicts.push(format!(
            "the {what} is {} in {} and {} in {}: correct one of them, or say --{what}",
            one.value, one.origin, other.value, other.origin
        ));
    }
    first(known, next);
}

impl TokenAuth {
    /// What the filter needs.
    ///
    /// # Errors
    /// [`Incomplete`] with everything that is missing.
    pub fn from_facts(facts: &Facts, bundle: Option<Found<String>>) -> Result<Self, Incomplete> {
        let mut missing = Missing::new(facts);
        let realm = missing.need(facts.realm.as_ref(), Field::Realm);
        let service = missing.need(facts.service.as_ref(), Field::Service);
        let issuer = missing.need(facts.issuer.as_ref(), Field::Issuer);
        if bundle.is_none() && !facts.further.contains_key("jwks") {
            missing.need::<()>(None, Field::Bundle);
        }
        let mut further: BTreeMap<String, _> = facts
            .further
            .iter()
            .map(|(name, found)| (name.clone(), found.value.clone()))
            .collect();
        // The registry names whatever host a client sends; an edge names those that it is told to.
        if further.get("autoredirect") == Some(&true.into()) && !further.contains_key(HOSTS) {
            let registry = missing.need(facts.registry_url.as_ref(), Field::RegistryUrl);
            let hosts = registry.map(|url| vec![url.value.authority()]);
            further.insert(HOSTS.to_owned(), hosts.into());
        }
        let profile = facts.profile.clone().unwrap_or_else(|| Found {
            value: "gitlab".to_owned(),
            origin: Origin::Default("GitLab's registry is assumed"),
        });
        match (realm, service, issuer) {
            (Some(realm), Some(service), Some(issuer)) if missing.sentences.is_empty() => {
                Ok(Self {
                    realm,
                    service,
                    issuer,
                    bundle,
                    profile,
                    headers: facts.headers.as_ref().map(|headers| headers.value.clone()),
                    further,
                })
            }
            _ => Err(Incomplete(missing.sentences)),
        }
    }

    /// The configuration of the filter, JSON text with its keys in the order of its documentation.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Plugin<'a> {
            profile: &'a str,
            realm: &'a str,
            service: &'a str,
            issuer: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            rootcertbundle: Option<&'a str>,
            #[serde(flatten)]
            further: &'a BTreeMap<String, serde_json::Value>,
            #[serde(skip_serializing_if = "Option::is_none")]
            headers: Option<&'a serde_json::Value>,
        }
        let plugin = Plugin {
            profile: &self.profile.value,
            realm: &self.realm.value,
            service: &self.service.value,
            issuer: &self.issuer.value,
            rootcertbundle: self.bundle.as_ref().map(|bundle| bundle.value.as_str()),
            further: &self.further,
            headers: self.headers.as_ref(),
        };
        // Strings and a value that was JSON before: there is nothing that could fail.
        serde_json::to_string_pretty(&plugin).unwrap_or_default()
    }
}

impl Site {
    /// The whole site. `realm_at_edge` moves the realm to the registry's own host name, with a route
    /// to GitLab.
    ///
    /// # Errors
    /// [`Incomplete`] with everything that is missing.
    pub fn from_facts(
        facts: &Facts,
        bundle: Option<Found<String>>,
        realm_at_edge: bool,
    ) -> Result<Self, Incomplete> {
        let mut missing = Missing::new(facts);
        let registry = missing.need(facts.registry_url.as_ref(), Field::RegistryUrl);
        if facts.nodes.is_empty() {
            missing.need::<()>(None, Field::Nodes);
        }
        let gitlab = facts.gitlab_url.as_ref();
        if realm_at_edge && gitlab.is_none() {
            missing.need::<()>(None, Field::GitlabUrl);
        }
        let token = TokenAuth::from_facts(facts, bundle);
        let (mut token, registry) = match (token, registry) {
            (Ok(token), Some(registry)) if missing.sentences.is_empty() => (token, registry),
            (token, _) => {
                let own = token.err().map_or_else(Vec::new, |incomplete| incomplete.0);
                return Err(Incomplete([own, missing.sentences].concat()));
            }
        };
        let mut realm_route = None;
        let is_own =
            |realm: &Url| realm.host == registry.value.host && realm.port == registry.value.port;
        if realm_at_edge {
            token.realm = Found {
                value: format!(
                    "{}{}",
                    registry.value.origin(),
                    super::gitlab_rb::TOKEN_PATH
                ),
                origin: Origin::Option("--realm-at-edge"),
            };
            realm_route = gitlab.map(|url| url.value.clone());
        } else if Url::parse(&token.realm.value).is_ok_and(|realm| is_own(&realm)) {
            realm_route = gitlab
                .map(|url| url.value.clone())
                .filter(|url| !is_own(url));
            if realm_route.is_none() {
                return Err(Incomplete(vec![format!(
                    "the realm {} ({}) is at the registry's own address, and so is GitLab as far \
                     as the files tell: say where GitLab is with --gitlab-url",
                    token.realm.value, token.realm.origin
                )]));
            }
        }
        let tls = facts.tls.clone().unwrap_or_else(|| Found {
            value: TlsFiles {
                certificate: format!("/etc/envoy/tls/{}.crt", registry.value.host),
                key: format!("/etc/envoy/tls/{}.key", registry.value.host),
            },
            origin: Origin::Default("a usual place"),
        });
        Ok(Self {
            token,
            registry,
            realm_route,
            nodes: facts.nodes.clone(),
            tls,
        })
    }
}

impl Site {
    /// Whether the registry is on the edge's own machine.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.nodes.iter().all(|node| node.value.is_loopback())
    }
}

struct Missing<'a> {
    facts: &'a Facts,
    sentences: Vec<String>,
}

impl<'a> Missing<'a> {
    fn new(facts: &'a Facts) -> Self {
        Self {
            facts,
            sentences: Vec::new(),
        }
    }

    fn need<T: Clone>(&mut self, found: Option<&Found<T>>, field: Field) -> Option<Found<T>> {
        if found.is_none() {
            let remedy = field.remedy();
            self.sentences.push(match field.unread_in(self.facts) {
                Some(why) => format!("{}: {}; {remedy}", why.origin, why.value),
                None => format!("{} is not known; {remedy}", field.name()),
            });
        }
        found.cloned()
    }
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::RegistryUrl => "the URL that clients use for the registry",
            Self::GitlabUrl => "GitLab's URL",
            Self::Realm => "the realm, GitLab's token endpoint,",
            Self::Service => "the service, the registry's name in tokens,",
            Self::Issuer => "the issuer of tokens",
            Self::Bundle => "the certificate of the key that signs tokens",
            Self::SigningKey => "the key that signs tokens",
            Self::Nodes => "the address of the registry behind the edge",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::RegistryUrl => "say it with --registry-url https://registry.example.com",
            Self::GitlabUrl => "say it with --gitlab-url https://gitlab.example.com",
            Self::Realm => {
                "say it with --gitlab-url https://gitlab.example.com, or with --realm when it is \
                 elsewhere"
            }
            Self::Service => "say it with --service container_registry",
            Self::Issuer => "say it with --issuer, as in the registry's auth.token.issuer",
            Self::Bundle => {
                "give it with --rootcertbundle FILE, a copy of the registry's \
                 auth.token.rootcertbundle"
            }
            Self::SigningKey => "give it with --gitlab-key FILE",
            Self::Nodes => "say it with --node HOST:PORT, once for each node",
        }
    }
}

/// The certificates of the facts, read where they lie.
///
/// `None` if nobody said where and the usual place does not exist: there is none yet, or it is on
/// another machine.
///
/// # Errors
/// [`Incomplete`] when a place was said and cannot be read.
pub fn read_bundle(facts: &Facts) -> Result<Option<Found<String>>, Incomplete> {
    let Some(bundle) = &facts.bundle else {
        return Ok(None);
    };
    let path = match &bundle.value {
        Bundle::Inline(pem) => return Ok(Some(bundle.with(pem.clone()))),
        Bundle::Elsewhere(command) => {
            return Err(Incomplete(vec![format!(
                "the certificate is in the cluster ({}): fetch it with `{command}` and give it \
                 with --rootcertbundle registry-auth.crt",
                bundle.origin
            )]));
        }
        Bundle::File(path) => beside(path, &bundle.origin),
    };
    match std::fs::read_to_string(&path) {
        Ok(pem) => Ok(Some(bundle.with(pem))),
        Err(error)
            if is_assumed(&bundle.origin) && error.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        Err(error) => Err(Incomplete(vec![format!(
            "cannot read the certificate {} ({}): {error}; copy it from the registry's node and \
             give it with --rootcertbundle FILE",
            path.display(),
            bundle.origin
        )])),
    }
}

/// The signing key of the facts in PEM, where it can be read. Never shown by anyone.
#[must_use]
pub fn read_key(facts: &Facts) -> Option<super::facts::Secret> {
    let key = facts.signing_key.as_ref()?;
    match &key.value {
        Key::Inline(secret) => Some(secret.clone()),
        Key::File(path) => std::fs::read_to_string(beside(path, &key.origin))
            .ok()
            .map(super::facts::Secret::new),
    }
}

/// A relative path is one beside the file that names it.
pub(super) fn beside(path: &Path, origin: &Origin) -> PathBuf {
    match origin {
        Origin::File(file, _) if path.is_relative() => {
            file.parent().unwrap_or_else(|| Path::new("")).join(path)
        }
        _ => path.to_owned(),
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => formatter.write_str(one),
            several => {
                write!(formatter, "{} things are missing:", several.len())?;
                several
                    .iter()
                    .try_for_each(|sentence| write!(formatter, "\n  {sentence}"))
            }
        }
    }
}

impl std::error::Error for Incomplete {}

//! The artifact under GitLab's standard configuration, and tokens for it.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use rustls_pki_types::PrivatePkcs1KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::artifact;
use crate::host::{Dialect, Fault, LogLine, Options, Outcome, Request, Root, Vm};
use corpus::{Corpus, Setting};

/// What the tokens of these tests are for.
pub(crate) const TARGET: &str = "/v2/group/app/tags/list";
pub(crate) const PULL: &str = "repository:group/app:pull";

macro_rules! fixture {
    ($file:literal) => {
        include_str!(concat!("../fixtures/keys/", $file))
    };
}
pub(crate) use fixture;

/// A virtual machine with one configured root.
pub(crate) struct Filter {
    pub(crate) vm: Vm,
    pub(crate) root: Root,
}

impl Filter {
    /// In a host as it is today, with the standard configuration.
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self::with(Options::of(dialect), &standard())
    }

    pub(crate) fn with(options: Options, configuration: &Value) -> Self {
        let mut vm = Vm::start(artifact::module(options.dialect), options).unwrap();
        let root = vm.configured(configuration.to_string().as_bytes()).unwrap();
        vm.take_log();
        Self { vm, root }
    }

    /// What becomes of a request; a fault fails the test.
    pub(crate) fn request(&mut self, request: &Request) -> Outcome {
        self.vm.request(self.root, request).unwrap()
    }

    /// What becomes of the list of tags with this token.
    pub(crate) fn list(&mut self, token: &str) -> Outcome {
        self.request(&Request::get(TARGET).bearer(token))
    }

    /// Whether the list of tags goes on with this token; if not, the reason in the log.
    pub(crate) fn judge(&mut self, token: &str) -> Result<Verdict, Fault> {
        let request = Request::get(TARGET).bearer(token);
        let outcome = self.vm.request(self.root, &request)?;
        let log = self.vm.take_log();
        Ok(match outcome.response {
            None => Verdict::Forwarded,
            Some(_) => Verdict::Refused(log.iter().find_map(LogLine::reason).unwrap().to_owned()),
        })
    }
}

/// What the filter makes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Forwarded,
    /// With the tag of the reason.
    Refused(String),
}

impl Verdict {
    pub(crate) fn refused(reason: &str) -> Self {
        Self::Refused(reason.to_owned())
    }
}

/// The corpus's standard configuration of GitLab's registry.
pub(crate) fn standard() -> Value {
    with_setting(|setting| setting.filter_configuration())
}

/// The standard configuration, but for one key.
pub(crate) fn standard_but(key: &str, value: impl Into<Value>) -> Value {
    let mut configuration = standard();
    configuration[key] = value.into();
    configuration
}

fn with_setting<T>(use_it: impl FnOnce(&Setting<'_>) -> T) -> T {
    let corpus = Corpus::load();
    let mut settings = corpus.settings();
    let gitlab = settings.find(|setting| setting.profile.name == "gitlab");
    use_it(&gitlab.unwrap())
}

/// Signs tokens with a key of the fixtures, under the id of the key `registry`.
pub(crate) struct Mint {
    /// The header as it stands in a token.
    header: String,
    key: KeyPair,
}

impl Mint {
    /// With the key that the standard configuration trusts.
    pub(crate) fn registry() -> &'static Self {
        static MINT: LazyLock<Mint> = LazyLock::new(|| Mint::with_key(fixture!("registry.key")));
        &MINT
    }

    /// With a key that nobody trusts.
    pub(crate) fn stranger() -> &'static Self {
        static MINT: LazyLock<Mint> = LazyLock::new(|| Mint::with_key(fixture!("stranger.key")));
        &MINT
    }

    fn with_key(pem: &str) -> Self {
        let key = PrivatePkcs1KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        let base = with_setting(|setting| setting.token(&[], 0));
        let (header, _) = base.split_once('.').unwrap();
        Self {
            header: header.to_owned(),
            key: KeyPair::from_der(key.secret_pkcs1_der()).unwrap(),
        }
    }

    /// A token that grants `pull` on `group/app` for five minutes from the time of the tests.
    pub(crate) fn token(&self) -> String {
        self.sign(&claims(&[PULL]))
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let payload = Base64UrlUnpadded::encode_string(claims.to_string().as_bytes());
        let message = format!("{}.{payload}", self.header);
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                message.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{message}.{}", Base64UrlUnpadded::encode_string(&signature))
    }

    /// A token whose signature nobody made.
    pub(crate) fn unsigned(&self, claims: &Value) -> String {
        let payload = Base64UrlUnpadded::encode_string(claims.to_string().as_bytes());
        let signature = Base64UrlUnpadded::encode_string(&[0x5a; 256]);
        format!("{}.{payload}.{signature}", self.header)
    }
}

/// The claims of a token with these scopes, such as `repository:group/app:pull,push`.
pub(crate) fn claims(scopes: &[impl AsRef<str>]) -> Value {
    let access: Vec<Value> = scopes
        .iter()
        .map(|scope| {
            let mut parts = scope.as_ref().splitn(3, ':');
            let mut part = || parts.next().unwrap();
            let (kind, name) = (part(), part());
            let actions: Vec<&str> = part().split(',').collect();
            json!({ "type": kind, "name": name, "actions": actions })
        })
        .collect();
    json!({
        "access": access,
        "jti": "6c8b2a0e-5f0d-4f58-9f6c-0d9a3ae0f0b1",
        "aud": "container_registry",
        "sub": "somebody",
        "iss": "omnibus-gitlab-issuer",
        "iat": crate::NOW,
        "nbf": crate::NOW - 5,
        "exp": crate::NOW + 300,
    })
}

//! The whole policy, on one screen.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::access::RequiredAccess;
use crate::challenge::ErrorCode;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::decision::{Challenge, ChallengeReason, Decision, Rejection};
use crate::form;
use crate::keys::signature::{Portable, SignatureVerifier};
use crate::permit::Permit;
use crate::request::RequestHead;
use crate::response::Response;
use crate::route::Route;
use crate::target::Target;
use crate::time::UnixTime;
use crate::token::cache::TokenCache;
use crate::token::{Header, ProvenToken, UntrustedToken, VerifiedToken};

/// Decides requests by one configuration.
///
/// Equal inputs give equal decisions. What is remembered of former requests (which tokens were
/// proven) saves work and changes no answer.
pub struct Authorizer {
    config: Config,
    signatures: Box<dyn SignatureVerifier>,
    proven: RefCell<TokenCache>,
    /// The header of the token that was proven last.
    header: RefCell<Option<Rc<Header>>>,
}

impl Authorizer {
    /// An authorizer for this configuration, which verifies signatures by itself.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_signatures(config, Box::new(Portable), 0)
    }

    /// An authorizer that leaves signatures to `signatures`. `seed` should be hard to guess, see
    /// [`TokenCache::new`].
    #[must_use]
    pub fn with_signatures(
        config: Config,
        signatures: Box<dyn SignatureVerifier>,
        seed: u64,
    ) -> Self {
        let proven = RefCell::new(TokenCache::new(config.token_cache(), seed));
        Self {
            config,
            signatures,
            proven,
            header: RefCell::default(),
        }
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Decides a request at `now`.
    ///
    /// 1. A target that can be read in two ways is rejected, never interpreted.
    /// 2. `/` is forwarded: the registry answers it to anyone.
    /// 3. A path that is no route gets the answer the registry would give (301, 404), from here.
    /// 4. A body in which the registry would look for more to demand is rejected.
    /// 5. Without exactly one bearer token the client is challenged.
    /// 6. A token that is not proven is challenged (`invalid_token`).
    /// 7. A proven token that does not cover the required access is challenged
    ///    (`insufficient_scope`); one that does is forwarded.
    ///
    /// Total, and pure but for what it remembers: it never panics, its work is linear in the size
    /// of the head, and it verifies at most one signature, none for a token proven before.
    ///
    /// ```
    /// use registry_token_filter::{Authorizer, Body, Config, Decision, RequestHead, UnixTime};
    ///
    /// # let pem = include_str!("../tests/fixtures/keys/registry.crt");
    /// let config = serde_json::json!({
    ///     "realm": "https://gitlab.example.com/jwt/auth",
    ///     "service": "container_registry",
    ///     "issuer": "omnibus-gitlab-issuer",
    ///     "rootcertbundle": pem,
    /// });
    /// let authorizer = Authorizer::new(Config::from_json(config.to_string().as_bytes(), &[])?);
    ///
    /// let head = RequestHead {
    ///     method: b"GET",
    ///     target: b"/v2/group/app/manifests/latest",
    ///     host: &[],
    ///     forwarded_proto: &[],
    ///     authorization: &[],
    ///     content_type: &[],
    ///     body: Body::Empty,
    /// };
    /// let decision = authorizer.decide(&head, UnixTime::from_seconds(1_700_000_000));
    /// let response = authorizer.response(&decision, &head).ok_or("a challenge has a response")?;
    /// assert_eq!(response.status, 401);
    /// assert_eq!(
    ///     response.header("www-authenticate"),
    ///     Some(
    ///         "Bearer realm=\"https://gitlab.example.com/jwt/auth\",\
    ///          service=\"container_registry\",scope=\"repository:group/app:pull\""
    ///     ),
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decide(&self, head: &RequestHead<'_>, now: UnixTime) -> Decision {
        match self.permit(head, now) {
            Ok(permit) => Decision::Forward(permit),
            Err(Refusal::Challenge(challenge)) => Decision::Challenge(*challenge),
            Err(Refusal::Reject(rejection)) => Decision::Reject(rejection),
        }
    }

    /// The response that a host sends for a decision about `head`; `None` if it forwards.
    #[must_use]
    pub fn response(&self, decision: &Decision, head: &RequestHead<'_>) -> Option<Response> {
        Response::for_decision(decision, head, &self.config)
    }

    fn permit(&self, head: &RequestHead<'_>, now: UnixTime) -> Result<Permit, Refusal> {
        let profile = self.config.profile();
        let target = Target::parse(head.target)?;
        if let Some(permit) = Permit::exempt(&target) {
            return Ok(permit);
        }
        let route = Route::parse(&target, profile, self.config.gitlab_api())?;
        if route.repository().is_some() {
            form::refuse_form_body(head)?;
        }
        if route.reads_body(head.method) {
            form::refuse_namespace_body(head)?;
        }
        let required = route.required_access(head.method, &target);
        self.permit_by_token(head, &required, now)
            .map_err(|reason| self.challenge(route, required, reason))
    }

    fn permit_by_token(
        &self,
        head: &RequestHead<'_>,
        required: &RequiredAccess<'_>,
        now: UnixTime,
    ) -> Result<Permit, ChallengeReason> {
        let proof = match self.kept_proof(head) {
            Some(proof) => proof,
            None => self.new_proof(head, now)?,
        };
        let token = VerifiedToken::at(&proof, now)?;
        Ok(Permit::for_token(&token, required)?)
    }

    /// The proof of a token that was proven before, and thus is the one bearer token that it was
    /// then.
    fn kept_proof(&self, head: &RequestHead<'_>) -> Option<Rc<ProvenToken>> {
        let text = Credentials::candidate(head.authorization)?;
        // A borrow that is out already cannot be: nothing in here calls back. If it were, the
        // token would be proven anew.
        self.proven.try_borrow_mut().ok()?.find(text)
    }

    /// Proves the token of a request, and keeps the proof.
    fn new_proof(
        &self,
        head: &RequestHead<'_>,
        now: UnixTime,
    ) -> Result<Rc<ProvenToken>, ChallengeReason> {
        let form = self.config.profile().credentials_form();
        let token = match Credentials::from_fields(head.authorization, form) {
            Credentials::Bearer(token) => token,
            Credentials::Unusable(error) => return Err(error.into()),
        };
        let known = self
            .header
            .try_borrow()
            .ok()
            .and_then(|header| header.clone());
        let untrusted = UntrustedToken::parse_knowing(token, known)?;
        let proof = self
            .config
            .verifier()
            .prove(&untrusted, self.signatures.as_ref(), now)?;
        if let Ok(mut header) = self.header.try_borrow_mut() {
            *header = Some(Rc::clone(untrusted.header()));
        }
        let proof = Rc::new(proof);
        // One that cannot be used now is not worth a place.
        if let (Ok(mut cache), Ok(_)) =
            (self.proven.try_borrow_mut(), VerifiedToken::at(&proof, now))
        {
            cache.keep(token.as_bytes(), &proof, now);
        }
        Ok(proof)
    }

    fn challenge(
        &self,
        route: Route<'_>,
        required: RequiredAccess<'_>,
        reason: ChallengeReason,
    ) -> Refusal {
        let error = match &reason {
            ChallengeReason::Credentials(_) => None,
            ChallengeReason::Token(error) => {
                let names_all = !self.config.profile().leaves_library_errors_unnamed();
                (names_all || error.is_named_by_registry()).then_some(ErrorCode::InvalidToken)
            }
            ChallengeReason::Scope(_) => Some(ErrorCode::InsufficientScope),
        };
        let required = required.into_owned();
        Refusal::Challenge(Box::new(Challenge {
            required,
            route: route.tag(),
            api: route.api(),
            reason,
            error,
        }))
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, proven, .. } = self;
        formatter
            .debug_struct("Authorizer")
            .field("config", config)
            .field("proven", proven)
            .finish()
    }
}

/// Either kind of refusal, while the decision is being made.
enum Refusal {
    Challenge(Box<Challenge>),
    Reject(Rejection),
}

impl<E: Into<Rejection>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Reject(error.into())
    }
}

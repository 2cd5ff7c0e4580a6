//! Causes that lie in the token, or in what the edge expects of it.

use crate::token::{HeaderError, TokenError};

use super::Likely;

/// Ruled out, or told more exactly, where the token is at hand.
pub(super) const OTHER_PROFILE: Likely = Likely(
    "The profile is that of another registry, which names keys otherwise.",
    "Set `profile`: gitlab and distribution-2.8 know keys as AB12:…, distribution-3 as 43 letters.",
    None,
);

/// Told more exactly where the token is at hand and is such a one.
pub(super) const OTHER_USE: Likely = Likely(
    "A token signed with the registry's key for something else, such as the `user` token inside a token.",
    "Send the token that the realm answers with.",
    None,
);

const NOT_A_REGISTRY_TOKEN: Likely = Likely(
    "It is another kind of token: a personal access token, a job token, a session.",
    "Those are passwords: give them to docker login, or to the realm, which answers with a token for the registry.",
    None,
);

const CUT: Likely = Likely(
    "The token was cut or changed on its way: copied from a terminal, or too long for a proxy's buffers.",
    "Fetch a new one and send it whole; in front of the edge, allow request heads of 60 KiB.",
    None,
);

const FORGED: Likely = Likely(
    "Somebody tries forged tokens.",
    "Nothing: it is refused. If lines repeat, look at the client's address in the access log.",
    None,
);

const LIBRARY: Likely = Likely(
    "The token is not GitLab's: another issuer, with another library.",
    "Let that issuer leave out what the registry does not take.",
    None,
);

pub(super) const SCOPE: &[Likely] = &[
    Likely(
        "A client begins with a token it has and asks for a larger one, as for a push after a pull or a mount.",
        "Nothing, if it then goes on: the challenge names the scope to ask for.",
        None,
    ),
    Likely(
        "The user, deploy token or job may not do that in the project; GitLab then signs less than was asked for.",
        "Look at the role and at the project's container registry settings; GitLab notes asked and granted access in auth_json.log.",
        Some("sudo grep container_registry /var/log/gitlab/gitlab-rails/auth_json.log | tail"),
    ),
    Likely(
        "A CI job reads or mounts an image of another project.",
        "Add the job's project to that project's CI/CD job token allowlist.",
        None,
    ),
];

pub(super) const fn token(error: &TokenError) -> &'static [Likely] {
    match error {
        TokenError::TooLong => &[Likely(
            "A token for very many repositories at once.",
            "Ask for fewer scopes in one token; the registry stops at 1 MiB too.",
            None,
        )],
        TokenError::Structure => &[NOT_A_REGISTRY_TOKEN, CUT],
        TokenError::Header(error) => header(*error),
        TokenError::NoKeyId => &[
            Likely(
                "The issuer does not say which key it signs with.",
                "Let it write `kid`; GitLab does. Without it the registry refuses the token as well, even with one certificate.",
                None,
            ),
            NOT_A_REGISTRY_TOKEN,
        ],
        TokenError::UnknownKey { .. } => &[
            Likely(
                "GitLab signs with another key than the one whose certificate the edge has: one of the two was renewed, restored or copied alone.",
                "Put the certificate of GitLab's key (registry['internal_key'], registry_key_path) into the edge's rootcertbundle, beside the old one. The command shows the id of GitLab's key.",
                Some("sudo edgectl keys show /var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"),
            ),
            OTHER_PROFILE,
            Likely(
                "The token is of another GitLab: test and production share a client.",
                "Log the client in at this registry.",
                None,
            ),
            FORGED,
        ],
        TokenError::AlgorithmNotForKey => &[
            Likely(
                "A token of another use: GitLab's dependency proxy signs with HS256 and a secret of its own.",
                "Point that client at the dependency proxy, not at the registry.",
                None,
            ),
            Likely(
                "The issuer signs with an algorithm that this registry does not take with such a key.",
                "Let it sign with RS256, as GitLab does.",
                None,
            ),
            FORGED,
        ],
        TokenError::Signature => &[
            CUT,
            Likely(
                "The issuer signs with one key and writes the id of another.",
                "Compare the key it signs with and the certificate it takes the id from.",
                Some("edgectl keys show FILE"),
            ),
            FORGED,
        ],
        TokenError::ClaimsJson(_) => &[
            Likely(
                "An issuer that is not GitLab writes a claim in a type that the registry does not take: a time as text or with a fraction, aud as a list.",
                "Let it write iss and sub as strings, times as whole numbers, and access as a list of objects.",
                None,
            ),
            Likely(
                "The profile is that of another registry: distribution-3 takes a list in aud, the others do not.",
                "Set `profile` to the registry that is behind the edge.",
                None,
            ),
        ],
        TokenError::NullAccess => &[LIBRARY],
        TokenError::Issuer => &[
            Likely(
                "`issuer` differs between GitLab and the edge: Omnibus signs as omnibus-gitlab-issuer, the Helm chart as gitlab-issuer.",
                "Give the edge what gitlab_rails['registry_issuer'] says, and the registry's auth.token.issuer the same.",
                Some("sudo grep -A8 '^  registry:' /var/opt/gitlab/gitlab-rails/etc/gitlab.yml"),
            ),
            OTHER_USE,
        ],
        TokenError::Audience => &[
            Likely(
                "The client asked the realm for a token of another service.",
                "Ask with service=container_registry; the challenge says so, and clients follow it.",
                None,
            ),
            Likely(
                "`service` differs between the registry and the edge.",
                "Give the edge the registry's auth.token.service.",
                Some("sudo grep service /var/opt/gitlab/registry/config.yml"),
            ),
        ],
        TokenError::NoExpiry => &[LIBRARY],
        TokenError::Expired { .. } => &[
            Likely(
                "The client kept a token past its time. Clients fetch a new one on 401 and go on.",
                "Nothing, if lines are single. A script of your own has to fetch a new token on 401 too.",
                None,
            ),
            Likely(
                "A clock is wrong: the edge's is ahead or GitLab's behind, so that tokens are old when they come.",
                "Compare the two clocks; both should follow NTP.",
                Some("timedatectl; date -u; curl -sI https://gitlab.example.com | grep -i '^date'"),
            ),
            Likely(
                "Tokens are too short-lived for how long one upload takes.",
                "Raise GitLab's container registry authorization token duration (Admin, Settings, CI/CD, Container Registry).",
                None,
            ),
        ],
        TokenError::NotYetValid { .. } => &[Likely(
            "A clock is wrong: the edge's is behind or GitLab's ahead, by more than a minute.",
            "Compare the two clocks; both should follow NTP.",
            Some("timedatectl; date -u; curl -sI https://gitlab.example.com | grep -i '^date'"),
        )],
    }
}

const fn header(error: HeaderError) -> &'static [Likely] {
    match error {
        HeaderError::Json => &[NOT_A_REGISTRY_TOKEN, CUT],
        HeaderError::ContentType | HeaderError::Critical => &[LIBRARY, FORGED],
        HeaderError::Ambiguous => &[FORGED],
        HeaderError::UnknownAlgorithm => &[
            Likely(
                "Somebody tries whether a token without a signature passes (alg none).",
                "Nothing: it does not. If lines repeat, look at the client's address in the access log.",
                None,
            ),
            LIBRARY,
        ],
        HeaderError::EmbeddedKey => &[
            Likely(
                "Somebody tries a token with a key of his own (CVE-2025-24976).",
                "Nothing: a key in a token is never believed.",
                None,
            ),
            Likely(
                "The issuer sends its certificate (x5c), which is not in the bundle, or a chain of them.",
                "Put that very certificate into rootcertbundle, or let the issuer name its key by kid.",
                None,
            ),
        ],
    }
}

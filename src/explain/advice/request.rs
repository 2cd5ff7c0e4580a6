//! Causes that lie in the request, whatever the token.

use crate::form::FormError;
use crate::route::RouteError;
use crate::target::TargetError;

use super::Likely;

pub(super) const fn target(error: TargetError) -> &'static [Likely] {
    match error {
        TargetError::TooLong => &[Likely(
            "No registry client sends a target of more than 1 MiB.",
            "Look who sends it; the registry would refuse the head as well.",
            None,
        )],
        TargetError::NotAPath => &[Likely(
            "A client takes the edge for a forward proxy and sends a whole address or a host as its target.",
            "Take the edge out of the client's proxy settings (HTTPS_PROXY, NO_PROXY).",
            None,
        )],
        TargetError::ControlByte | TargetError::BadEscape => &[
            Likely(
                "Somebody tries what the edge does with broken paths.",
                "Nothing: no registry client sends one, and the registry answers 400 too.",
                None,
            ),
            Likely(
                "A script puts an unquoted name into the path.",
                "Percent-encode it, once.",
                None,
            ),
        ],
        TargetError::AmbiguousEscape => &[
            Likely(
                "Somebody tries to reach one repository under the name of another.",
                "Nothing: the path has two readings, so it is refused before it reaches the registry.",
                None,
            ),
            Likely(
                "A client or a proxy encodes the slash of a repository's name as %2F, or encodes twice.",
                "Send the slash as it is: /v2/group/app/…, not /v2/group%2Fapp/….",
                None,
            ),
        ],
    }
}

pub(super) const fn route(error: &RouteError) -> &'static [Likely] {
    match error {
        RouteError::NotClean { .. } => &[
            Likely(
                "A registry address is configured with a slash at its end, which makes //v2/.",
                "Take the slash away where the client's registry, mirror or image name is configured.",
                None,
            ),
            Likely(
                "Somebody tries paths with .. in them.",
                "Nothing: the client is sent to the clean path, and needs a token for it.",
                None,
            ),
        ],
        RouteError::TrailingSlash { .. } => &[Likely(
            "A script or a check leaves out the slash after /v2, or adds one.",
            "Nothing if it follows redirects; else give it the path with the right end.",
            None,
        )],
        RouteError::Unknown => &[
            Likely(
                "A client asks for the referrers of an image (/referrers/), which these registries do not have.",
                "Nothing: it takes 404 for \"none\" and goes on.",
                None,
            ),
            Likely(
                "Something else than a registry client came here: a browser, a scanner, a health check.",
                "Point health checks at / (200) or /v2/ (401).",
                None,
            ),
            Likely(
                "The name in the path is none: upper case, a leading dash, or no image behind the tag.",
                "Correct the image's name; only its first part may have upper case, and only before a slash.",
                None,
            ),
            Likely(
                "The edge sends the traffic of another service through the filter.",
                "Disable the filter on that service's routes.",
                None,
            ),
        ],
        RouteError::GitlabApi => &[Likely(
            "GitLab is configured to reach the registry through the edge.",
            "Let it use the internal address: gitlab_rails['registry_api_url'] is not the edge's.",
            None,
        )],
    }
}

pub(super) const fn form(error: FormError) -> &'static [Likely] {
    match error {
        FormError::RepeatedContentType => &[Likely(
            "A client or a proxy adds a second Content-Type, and two hops could take different ones.",
            "Send one.",
            None,
        )],
        FormError::UnreadableContentType => &[Likely(
            "No client of a registry sends a Content-Type that is not ASCII; somebody tries to hide a form.",
            "Nothing, unless it is a script of your own: write the type in ASCII.",
            None,
        )],
        FormError::UrlEncoded => &[Likely(
            "A script sends data with curl -d or --data-binary, which says application/x-www-form-urlencoded.",
            "Say what it is, as in --header 'Content-Type: application/octet-stream'; parameters belong into the query.",
            None,
        )],
        FormError::Multipart => &[Likely(
            "A script uploads a file with curl -F, which makes a form of it.",
            "Use --data-binary @FILE with Content-Type: application/octet-stream.",
            None,
        )],
        FormError::Namespace => &[Likely(
            "GitLab renames or moves a repository through the edge.",
            "Let it use the internal address: gitlab_rails['registry_api_url'] is not the edge's.",
            None,
        )],
    }
}
